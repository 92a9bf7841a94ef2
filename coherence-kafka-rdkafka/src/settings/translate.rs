//! From the settings of Java's Kafka clients to those of librdkafka.
//!
//! A program describes each of its clients in a [`Profile`], and passes the properties of its user, each with its place.
//! Values that librdkafka does not accept are refused here, with their place, before a client is created. As in Java, an
//! unknown name is a warning. A number that Java accepts is accepted: librdkafka gets the nearest one that it accepts.

use std::collections::BTreeMap;
use std::time::Duration;

use coherence_kafka_connect::config::def::{Kind, nearest};
use coherence_kafka_connect::config::{ConfigErrors, Property, is_secret};

use super::librdkafka::{self, Accepts};

pub use super::librdkafka::Client;

mod assignors;
mod bounds;
mod consistency;
pub mod jaas;
pub mod pem;
mod stores;
mod tables;

use pem::Holds;
use tables::{ALIASES, DEFAULT_PARTITIONER};
pub use tables::{OF_LIBRDKAFKA, OF_THE_JVM, PRODUCER_RENAMED, REFUSED, RENAMED};

/// Names, each with its value or its reason. A name that ends in a dot stands for its family.
pub type Table = [(&'static str, &'static str)];

/// A client of a program: what is set for it, and what its user cannot set.
#[derive(Debug, Clone, Copy)]
pub struct Profile {
    /// Its kind.
    pub client: Client,
    /// What is set unless the user does, in librdkafka's names.
    pub defaults: &'static Table,
    /// What is refused to change, with the only value that is accepted, in librdkafka's names.
    pub fixed: &'static Table,
    /// Why that is so; goes behind "cannot be …: ".
    pub fixed_because: &'static str,
    /// Java settings that change nothing, with the reason.
    pub without_effect: &'static [&'static Table],
    /// What this client cannot do, in addition to [`REFUSED`], with the reason.
    pub refused: &'static Table,
    /// Names that are not this client's, but may be meant by an unknown one.
    pub names_beside: &'static [&'static str],
}

/// A translated client.
#[derive(Clone, PartialEq, Eq)]
pub struct Translated {
    /// The settings, in librdkafka's words.
    pub settings: BTreeMap<String, String>,
    /// `max.poll.records`, which librdkafka does not have.
    pub max_poll_records: Option<u32>,
    /// `max.block.ms`, which librdkafka does not have.
    pub max_block: Option<Duration>,
}

/// Names alone: values may be passwords.
impl std::fmt::Debug for Translated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Translated").field("settings", &self.settings.keys()).finish_non_exhaustive()
    }
}

/// Whether a client of this kind has a setting of this name, Java's or librdkafka's.
pub fn has(client: Client, name: &str) -> bool {
    const FIXED: &[&str] = &["acks", "enable.auto.commit"];
    let renamed = renamed(client, name);
    librdkafka::accepts(client, renamed).is_some()
        || translated(client).contains(&name)
        || stores::JAVA_NAMES.contains(&name)
        || (client == Client::Producer && renamed == FIXED[0])
        || (client == Client::Consumer && renamed == FIXED[1])
}

/// Returns the type of a setting of a client, by Java's or librdkafka's name; `None` where there is no such setting.
pub fn kind(client: Client, name: &str) -> Option<Kind> {
    if !has(client, name) {
        return None;
    }
    Some(match (name, librdkafka::accepts(client, renamed(client, name))) {
        _ if is_secret(name) => Kind::Password,
        ("max.poll.records", _) => Kind::Int,
        ("buffer.memory" | "max.block.ms", _) => Kind::Long,
        ("exclude.internal.topics", _) | (_, Some(Accepts::Flag)) => Kind::Boolean,
        ("bootstrap.servers" | "partition.assignment.strategy", _) => Kind::List,
        (_, Some(Accepts::Number(..))) => Kind::Int,
        _ => Kind::String,
    })
}

/// Java names that are translated by code.
fn translated(client: Client) -> &'static [&'static str] {
    match client {
        Client::Consumer => &[
            "max.poll.records",
            "exclude.internal.topics",
            "partition.assignment.strategy",
            "sasl.jaas.config",
        ],
        Client::Producer => &["buffer.memory", "max.block.ms", "sasl.jaas.config"],
        Client::Admin => &["sasl.jaas.config"],
    }
}

/// Translates the settings of a user, in Java's or librdkafka's names, the lowest layer first. `given` holds defaults of this
/// one client.
///
/// The result may only be used where nothing was refused.
pub fn translate<'a>(
    profile: &Profile,
    given: &[(&str, &str)],
    user: impl IntoIterator<Item = (&'a str, &'a Property)>,
    findings: &mut ConfigErrors,
) -> Translated {
    let start = profile.defaults.iter().chain(given).chain(profile.fixed);
    let settings = start.map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    let mut translation = Translation {
        profile,
        java: Vec::new(),
        settings,
        max_poll_records: None,
        max_block: None,
        findings,
    };
    translation.take(user);
    translation.security();
    translation.consistency();
    let Translation { settings, max_poll_records, max_block, .. } = translation;
    Translated { settings, max_poll_records, max_block }
}

impl Translated {
    /// Notes that credentials are missing, where nothing worse was found about them. A layer above may still bring them.
    pub fn check_credentials(&self, findings: &mut ConfigErrors) {
        const KEY: &str = "sasl.jaas.config";
        let set = |name: &str| self.settings.get(name).is_some_and(|value| !value.is_empty());
        let needed = self.settings.get("security.protocol").is_some_and(|name| name.starts_with("sasl_"));
        let found = findings.errors.iter().any(|error| error.key.ends_with(KEY));
        if needed && !found && !(set("sasl.username") && set("sasl.password")) {
            let why = "must be set, with a username and a password that are not empty: security.protocol asks for them";
            findings.error_at(None, KEY, why);
        }
    }
}

struct Translation<'a, 'p> {
    profile: &'p Profile,
    /// Each name once, a higher layer behind a lower one.
    java: Vec<(&'a str, &'a Property)>,
    settings: BTreeMap<String, String>,
    max_poll_records: Option<u32>,
    max_block: Option<Duration>,
    findings: &'p mut ConfigErrors,
}

impl<'a> Translation<'a, '_> {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    /// The property that set a Java name.
    fn java(&self, name: &str) -> Option<&'a Property> {
        self.java.iter().find(|(java, _)| *java == name).map(|(_, property)| *property)
    }

    fn take(&mut self, user: impl IntoIterator<Item = (&'a str, &'a Property)>) {
        for (java, property) in user {
            // A setting of a higher layer takes its place in the order too: two names may mean one setting of librdkafka.
            self.java.retain(|(known, _)| *known != java);
            self.java.push((java, property));
        }
        for (java, property) in self.java.clone() {
            self.apply(java, property);
        }
    }

    fn apply(&mut self, java: &str, property: &Property) {
        let value = property.trimmed();
        let Profile { client, fixed, fixed_because, without_effect, refused, .. } = *self.profile;
        if let Some((_, only)) = fixed.iter().find(|(name, _)| *name == renamed(client, java)) {
            if !value.eq_ignore_ascii_case(only) && (*only, value) != ("all", "-1") {
                let why = format!("cannot be {}: {fixed_because}; leave it out", property.shown());
                self.findings.error(property, why);
            }
            return;
        }
        if let Some(why) = without_effect.iter().find_map(|table| reason(table, java)) {
            self.findings.warning(property, format!("accepted, without effect: {why}"));
            return;
        }
        if java == "partitioner.class" && client == Client::Producer && value == DEFAULT_PARTITIONER {
            self.findings.warning(property, "accepted: keys are placed as it places them");
            return;
        }
        if let Some(why) = reason(REFUSED, java).or_else(|| reason(refused, java)) {
            self.findings.error(property, why);
            return;
        }
        match java {
            "max.poll.records" if client == Client::Consumer => {
                match value.parse::<i32>().map(u32::try_from) {
                    Ok(Ok(records @ 1..)) => self.max_poll_records = Some(records),
                    Ok(_) => self.invalid(java, property, "Value must be at least 1"),
                    Err(_) => self.invalid(java, property, "Not a number of type INT"),
                }
            }
            "max.block.ms" if client == Client::Producer => {
                if let Some(millis) = self.long(java, property) {
                    self.max_block = Some(Duration::from_millis(millis));
                }
            }
            "buffer.memory" if client == Client::Producer => {
                // Bytes in Java, KiB here: 2 TiB at most.
                if let Some(bytes) = self.long(java, property) {
                    let kib = bytes.div_ceil(1024).clamp(1, 2_147_483_647);
                    self.set("queue.buffering.max.kbytes", kib.to_string());
                }
            }
            "exclude.internal.topics" if client == Client::Consumer => {
                if value.eq_ignore_ascii_case("false") {
                    self.settings.remove("topic.blacklist");
                } else if !value.eq_ignore_ascii_case("true") {
                    self.invalid(java, property, "Expected value to be either true or false");
                }
            }
            "partition.assignment.strategy" if client == Client::Consumer => {
                match assignors::translate(value) {
                    Ok((list, note)) => {
                        self.set(java, list);
                        if let Some(note) = note {
                            self.findings.warning(property, note);
                        }
                    }
                    Err(why) => self.findings.refusal(
                        Some(property),
                        &property.key,
                        why,
                        "names an assignor that is not known",
                    ),
                }
            }
            "auto.offset.reset" if value == "none" && client == Client::Consumer => self.set(java, "error"),
            "auto.offset.reset" if value.starts_with("by_duration:") => {
                self.findings
                    .error(property, "by_duration is not known to librdkafka: use earliest, latest or none");
            }
            "ssl.endpoint.identification.algorithm" if value.is_empty() => self.set(java, "none"),
            "metadata.max.age.ms" => {
                // In Java one setting is both the age and the interval at which new topics are noticed.
                let both = Accepts::Number(1, 3_600_000);
                if let Some(value) = self.accepted(java, both, property, value) {
                    self.set(java, value.clone());
                    self.set("topic.metadata.refresh.interval.ms", value);
                }
            }
            "receive.buffer.bytes" | "send.buffer.bytes" if value == "-1" => {
                self.set(&format!("socket.{java}"), "0");
            }
            "ssl.ca.pem" | "ssl.certificate.pem" | "ssl.key.pem" => {
                let holds = if java == "ssl.key.pem" { Holds::PrivateKey } else { Holds::Certificates };
                match pem::lines(value, holds) {
                    Ok(lines) => self.set(java, lines),
                    Err(why) => self.findings.error(property, why),
                }
            }
            // Together, once the security protocol is known.
            "sasl.jaas.config" => {}
            _ if stores::JAVA_NAMES.contains(&java) => {}
            _ => self.checked(java, renamed(client, java), property, value),
        }
    }

    /// Sets librdkafka's name, if librdkafka accepts the value.
    fn checked(&mut self, java: &str, name: &str, property: &Property, value: &str) {
        match librdkafka::accepts(self.profile.client, name) {
            None => self.unknown(java, property),
            Some(accepts) => {
                if let Some(value) = self.accepted(java, accepts, property, value) {
                    self.set(name, value);
                }
            }
        }
    }

    /// The value for librdkafka.
    fn accepted(&mut self, java: &str, accepts: Accepts, property: &Property, value: &str) -> Option<String> {
        if let (Accepts::Number(min, max), Some(range), Ok(number)) =
            (accepts, bounds::of_java(java), value.parse::<i64>())
        {
            let nearest = number.clamp(min, max);
            if !range.contains(&number) {
                let why = Accepts::Number(*range.start(), *range.end()).refusal(value).unwrap_or_default();
                self.invalid(java, property, &why);
                return None;
            }
            if nearest != number {
                let note = format!("librdkafka takes {min} to {max}: {nearest} is used");
                self.findings.warning(property, note);
            }
            return Some(nearest.to_string());
        }
        match accepts.refusal(value) {
            Some(why) => {
                self.invalid(java, property, &why);
                None
            }
            None if matches!(accepts, Accepts::OneOf(_) | Accepts::Flag) => Some(value.to_ascii_lowercase()),
            None => Some(value.to_owned()),
        }
    }

    /// Notes an unknown setting, as Java does.
    fn unknown(&mut self, java: &str, property: &Property) {
        let client = self.profile.client;
        let own = if client == Client::Producer { PRODUCER_RENAMED } else { &[] };
        let tables = [self.profile.fixed, own, RENAMED, ALIASES];
        let known =
            librdkafka::names(client).chain(tables.into_iter().flatten().map(|(java, _)| *java)).chain(
                translated(client).iter().chain(stores::JAVA_NAMES).chain(self.profile.names_beside).copied(),
            );
        let mean = nearest(java, known).map(|known| format!(", did you mean {known}?")).unwrap_or_default();
        self.findings.warning(property, format!("unknown setting{mean}"));
    }

    /// A number of Java's type LONG that is not negative.
    fn long(&mut self, java: &str, property: &Property) -> Option<u64> {
        match property.trimmed().parse::<i64>().map(u64::try_from) {
            Ok(Ok(number)) => return Some(number),
            Ok(Err(_)) => self.invalid(java, property, "Value must be at least 0"),
            Err(_) => self.invalid(java, property, "Not a number of type LONG"),
        }
        None
    }

    fn invalid(&mut self, java: &str, property: &Property, why: &str) {
        let message = format!("Invalid value {} for configuration {java}: {why}", property.shown());
        self.findings.error(property, message);
    }
}

/// The entry that covers a name.
fn reason(table: &Table, java: &str) -> Option<&'static str> {
    table.iter().find(|(name, _)| covers(name, java)).map(|(_, why)| *why)
}

/// Whether `name` is this one, or the family of it.
pub(super) fn covers(name: &str, java: &str) -> bool {
    java == name || (name.ends_with('.') && java.starts_with(name))
}

/// librdkafka's name of a Java setting.
fn renamed(client: Client, java: &str) -> &str {
    let own = if client == Client::Producer { PRODUCER_RENAMED } else { &[] };
    let tables = [own, RENAMED, ALIASES];
    tables.into_iter().flatten().find(|(name, _)| *name == java).map_or(java, |(_, name)| name)
}
