//! From the settings of Java's Kafka clients to those of librdkafka.
//!
//! A program describes each of its clients in a [`Profile`], and passes the properties of its user, each with its place.
//! Values that librdkafka does not accept are refused here, with their place, before a client is created. As in Java, an
//! unknown name is a warning. A number that Java accepts is accepted: librdkafka gets the nearest one that it accepts.

use std::collections::BTreeMap;
use std::time::Duration;

use coherence_kafka_connect::config::def::nearest;
use coherence_kafka_connect::config::{ConfigErrors, Property};

use super::librdkafka::{self, Accepts};

pub use super::librdkafka::Client;

mod assignors;
mod bounds;
mod jaas;
mod pem;
mod stores;

use pem::Holds;

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

/// Java settings without counterpart: classes and metrics of the JVM.
pub const OF_THE_JVM: &Table = &[
    ("interceptor.classes", "interceptors are classes of the JVM"),
    ("metric.reporters", "metric reporters are classes of the JVM"),
    ("metrics.", "metrics of the JVM"),
    ("auto.include.jmx.reporter", "metrics of the JVM"),
    ("security.providers", "security providers are classes of the JVM"),
];

/// Java settings without counterpart: what librdkafka and OpenSSL do by themselves.
pub const OF_LIBRDKAFKA: &Table = &[
    ("default.api.timeout.ms", "librdkafka has one timeout for requests, socket.timeout.ms"),
    (
        "socket.connection.setup.timeout.max.ms",
        "librdkafka has one timeout, socket.connection.setup.timeout.ms",
    ),
    ("ssl.client.auth", "concerns servers"),
    ("ssl.protocol", "OpenSSL chooses the newest version of TLS"),
    ("ssl.provider", "TLS is OpenSSL's"),
    ("ssl.enabled.protocols", "OpenSSL chooses the newest version of TLS"),
    ("ssl.keymanager.algorithm", "TLS is OpenSSL's"),
    ("ssl.trustmanager.algorithm", "TLS is OpenSSL's"),
    ("ssl.secure.random.implementation", "TLS is OpenSSL's"),
    ("internal.", "internal to the Java client"),
    ("compression.gzip.level", ONE_LEVEL),
    ("compression.lz4.level", ONE_LEVEL),
    ("compression.zstd.level", ONE_LEVEL),
    ("api.version.request", VERSIONS),
    ("api.version.fallback.ms", VERSIONS),
    ("broker.version.fallback", VERSIONS),
    ("plugin.library.paths", "plug-ins of librdkafka are not loaded"),
    ("https.ca.", "concerns OAUTHBEARER"),
];

const ONE_LEVEL: &str = "librdkafka has one setting for the level of every codec, compression.level";
const VERSIONS: &str = "brokers are asked for the versions that they know";

/// `partitioner.class` of Java for what is the default here.
const DEFAULT_PARTITIONER: &str = "org.apache.kafka.clients.producer.internals.DefaultPartitioner";

/// Settings that ask for something librdkafka, as built and used here, cannot do.
pub const REFUSED: &Table = &[
    ("ssl.engine.factory.class", "is a class of the JVM; set PEM files or a PKCS12 key store"),
    (
        "sasl.login.",
        "login classes and their options are the JVM's; write the credentials into sasl.jaas.config",
    ),
    (
        "sasl.client.callback.handler.class",
        "is a class of the JVM; write the credentials into sasl.jaas.config",
    ),
    (
        "sasl.kerberos.",
        "Kerberos is not supported yet: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or TLS certificates",
    ),
    ("sasl.oauthbearer.", OAUTHBEARER),
    ("enable.sasl.oauthbearer.unsecure.jwt", OAUTHBEARER),
    ("ssl.engine.", "engines of OpenSSL are not loaded; set PEM files or a PKCS12 key store"),
    ("ssl.ca.certificate.stores", "is for Windows; set ssl.ca.location"),
    ("offset.store.", "offsets are kept by the coordinator of the group: leave it out"),
    ("queuing.strategy", "records keep their order: leave it out"),
    ("delivery.report.only.error", "the acknowledgement of every record is awaited: leave it out"),
];

const OAUTHBEARER: &str =
    "OAUTHBEARER is not supported yet: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or TLS certificates";

/// Java names that only differ from librdkafka's.
pub const RENAMED: &Table = &[
    ("fetch.max.wait.ms", "fetch.wait.max.ms"),
    ("max.partition.fetch.bytes", "fetch.message.max.bytes"),
    ("request.timeout.ms", "socket.timeout.ms"),
    ("receive.buffer.bytes", "socket.receive.buffer.bytes"),
    ("send.buffer.bytes", "socket.send.buffer.bytes"),
];

/// Names of Java's producer that only differ from librdkafka's.
pub const PRODUCER_RENAMED: &Table = &[
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("max.request.size", "message.max.bytes"),
    ("compression.type", "compression.codec"),
    ("retries", "message.send.max.retries"),
];

/// Second names of librdkafka's.
const ALIASES: &Table = &[
    ("auto.commit.enable", "enable.auto.commit"),
    ("metadata.broker.list", "bootstrap.servers"),
    ("queue.buffering.max.ms", "linger.ms"),
    ("request.required.acks", "acks"),
    ("sasl.mechanisms", "sasl.mechanism"),
];

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

    /// What depends on the security protocol: credentials and stores count only with a protocol that uses them.
    fn security(&mut self) {
        let protocol = self.settings.get("security.protocol").cloned().unwrap_or_default();
        if protocol.contains("ssl") {
            let java =
                |name: &str| self.java.iter().find(|(java, _)| *java == name).map(|(_, property)| *property);
            self.settings.extend(stores::translate(java, self.findings));
        }
        if !protocol.starts_with("sasl_") {
            return;
        }
        if let Some(property) = self.java("sasl.jaas.config") {
            match jaas::parse(property.trimmed()) {
                Ok(credentials) => {
                    self.set("sasl.username", credentials.username);
                    self.set("sasl.password", credentials.password);
                }
                Err(why) => self.findings.error(property, why),
            }
        }
        const MECHANISMS: &[&str] = &["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512"];
        match self.java("sasl.mechanism").or_else(|| self.java("sasl.mechanisms")) {
            Some(property) if MECHANISMS.contains(&property.trimmed()) => {}
            Some(property) => {
                let why = format!("{} is not supported yet: use {}", property.shown(), MECHANISMS.join(", "));
                self.findings.error(property, why);
            }
            None => {
                let why = format!(
                    "must be set, to one of {}: Java's default GSSAPI is not supported yet",
                    MECHANISMS.join(", ")
                );
                self.findings.error_at(self.java("security.protocol"), "sasl.mechanism", why);
            }
        }
    }

    fn number(&self, name: &str) -> Option<i64> {
        self.settings.get(name).and_then(|value| value.parse().ok())
    }

    /// Rules between settings, which librdkafka checks when a client is created.
    fn consistency(&mut self) {
        // Java does the same with a shortest pause above the longest one.
        if let (Some(min), Some(max)) =
            (self.number("reconnect.backoff.ms"), self.number("reconnect.backoff.max.ms"))
            && min > max
        {
            self.set("reconnect.backoff.max.ms", min.to_string());
        }
        match self.profile.client {
            Client::Consumer => self.consumer_consistency(),
            Client::Producer => self.producer_consistency(),
            Client::Admin => {}
        }
    }

    fn producer_consistency(&mut self) {
        let idempotent = self.settings.get("enable.idempotence").is_some_and(|value| value == "true");
        for (java, property) in self.java.clone() {
            let name = renamed(self.profile.client, java);
            let Some(value) = self.number(name) else { continue };
            let why = match name {
                "max.in.flight" | "max.in.flight.requests.per.connection" if idempotent && value > 5 => {
                    "must be 5 at most with enable.idempotence=true"
                }
                "message.send.max.retries" if idempotent && value < 1 => {
                    "must be 1 at least with enable.idempotence=true"
                }
                "queue.buffering.backpressure.threshold" if idempotent && value > 1 => {
                    "must be 1 with enable.idempotence=true"
                }
                "linger.ms" if self.number("message.timeout.ms").is_some_and(|t| t != 0 && t <= value) => {
                    "must be less than delivery.timeout.ms, librdkafka's message.timeout.ms"
                }
                _ => continue,
            };
            self.findings.error(
                property,
                format!("Invalid value {} for configuration {java}: {why}", property.shown()),
            );
        }
    }

    fn consumer_consistency(&mut self) {
        let poll = self.number("max.poll.interval.ms").unwrap_or(300_000);
        let session = self.number("session.timeout.ms").unwrap_or(45_000);
        // librdkafka wants a fetch to hold the largest message that it would produce; a consumer produces none.
        const MESSAGE_MAX_BYTES: i64 = 1_000_000;
        if let Some(fetch) = self.number("fetch.max.bytes").filter(|fetch| *fetch < MESSAGE_MAX_BYTES) {
            self.set("message.max.bytes", fetch.max(1000).to_string());
            self.set("fetch.max.bytes", fetch.max(1000).to_string());
        }
        if let Some(receive) = self.number("receive.message.max.bytes") {
            // An answer is as large as a fetch, and has a frame.
            let least = self.number("fetch.max.bytes").unwrap_or(52_428_800).saturating_add(512);
            self.set("receive.message.max.bytes", receive.max(least).to_string());
        }
        if self.settings.get("group.protocol").is_none_or(|protocol| protocol != "consumer") {
            // Java has no such rule: what is polled too seldom leaves the group in either case.
            if session > poll {
                /// The least that a broker accepts by default.
                const SHORTEST: i64 = 6_000;
                let both = poll.max(session.min(SHORTEST));
                self.set("session.timeout.ms", both.to_string());
                self.set("max.poll.interval.ms", both.to_string());
                if let Some(property) =
                    self.java("session.timeout.ms").or_else(|| self.java("max.poll.interval.ms"))
                {
                    let note = format!(
                        "librdkafka takes no session.timeout.ms above max.poll.interval.ms: {both} is used for both"
                    );
                    self.findings.warning(property, note);
                }
            }
        } else {
            for name in ["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"] {
                if let Some(property) = self.java(name) {
                    self.findings
                        .error(property, "cannot be set with group.protocol=consumer: the broker decides");
                }
            }
        }
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
