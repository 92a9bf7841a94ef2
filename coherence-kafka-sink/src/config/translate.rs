//! From the Java client settings of a worker and a connector to those of librdkafka.
//!
//! Layers, as in Connect: the worker's `consumer.*`, over them the connector's `consumer.override.*`; `producer` and
//! `admin` likewise, for the dead letter queue. Below both
//! lie the worker's own `security.protocol`, `sasl.*` and `ssl.*`, which in Connect do not reach the consumers
//! and are the most common trap there. Names and values that librdkafka does not know are refused here, with
//! their place, before a client is created.

use std::collections::BTreeMap;
use std::fmt;

use coherence_kafka_connect::config::def::nearest;

use super::findings::ConfigErrors;
use super::librdkafka::{self, Accepts, Client};
use super::properties::{Properties, Property};
use super::worker::OverridePolicy;

mod assignors;
mod jaas;
mod stores;

/// The settings of the consumers of a connector's tasks, in librdkafka's words.
#[derive(Clone, PartialEq, Eq)]
pub struct ConsumerConfig {
    /// `group.id`; also where the offsets of the connector live.
    pub group_id: String,
    /// `max.poll.records`, which librdkafka does not have: a bound of the batch.
    pub max_poll_records: Option<u32>,
    /// Without `client.id`, unless the user has set one.
    settings: BTreeMap<String, String>,
    connector: String,
}

impl ConsumerConfig {
    /// The settings of the consumer of one task, sorted by name.
    pub fn for_task(&self, task: u32) -> Vec<(String, String)> {
        let mut settings = self.settings.clone();
        settings
            .entry("client.id".to_owned())
            .or_insert_with(|| format!("connector-consumer-{}-{task}", self.connector));
        settings.into_iter().collect()
    }
}

/// Names alone: values may be passwords.
impl fmt::Debug for ConsumerConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConsumerConfig")
            .field("group_id", &self.group_id)
            .field("max_poll_records", &self.max_poll_records)
            .field("settings", &self.settings.keys())
            .finish_non_exhaustive()
    }
}

/// What is refused to change, with the only value that is accepted.
pub(super) const FIXED: &[(&str, &str)] = &[
    ("enable.auto.commit", "false"),
    ("auto.commit.enable", "false"),
    ("enable.auto.offset.store", "false"),
    ("enable.partition.eof", "false"),
];

/// The same for the producer of a dead letter queue.
pub(super) const PRODUCER_FIXED: &[(&str, &str)] = &[("acks", "all"), ("request.required.acks", "all")];

/// Java's settings of a producer that change nothing here, with the reason.
pub(super) const PRODUCER_WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("key.serializer", "dead letters are the bytes of their records"),
    ("value.serializer", "dead letters are the bytes of their records"),
    (
        "buffer.memory",
        "dead letters wait in the batch of their records, which coherence.batch.max.bytes bounds",
    ),
    ("max.block.ms", "nothing blocks: a dead letter that cannot be sent yet is held"),
    ("metadata.max.idle.ms", "there is one topic"),
    ("partitioner.", "partitioners are classes of the JVM; librdkafka has `partitioner`"),
];

/// Names of Java's producer that only differ from librdkafka's.
pub(super) const PRODUCER_RENAMED: &[(&str, &str)] = &[
    ("delivery.timeout.ms", "message.timeout.ms"),
    ("max.request.size", "message.max.bytes"),
    ("compression.type", "compression.codec"),
    ("retries", "message.send.max.retries"),
];

/// What is set for the producer of a dead letter queue unless the user does.
pub(super) const PRODUCER_DEFAULTS: &[(&str, &str)] = &[
    ("bootstrap.servers", "localhost:9092"),
    ("enable.idempotence", "true"),
    // Java's default.
    ("message.timeout.ms", "120000"),
    // Whatever was read may have to be written; the broker's own limit decides.
    ("message.max.bytes", "67108864"),
    // Java's placement of keys.
    ("partitioner", "murmur2_random"),
    ("reconnect.backoff.max.ms", "1000"),
];

const ADMIN_DEFAULTS: &[(&str, &str)] =
    &[("bootstrap.servers", "localhost:9092"), ("reconnect.backoff.max.ms", "1000")];

/// Java settings without counterpart that change nothing for a sink, with the reason.
pub(super) const WITHOUT_EFFECT: &[(&str, &str)] = &[
    ("key.deserializer", "keys reach the converter as bytes"),
    ("value.deserializer", "values reach the converter as bytes"),
    ("interceptor.classes", "interceptors are classes of the JVM"),
    ("metric.reporters", "metric reporters are classes of the JVM"),
    ("metrics.", "metrics of the JVM"),
    ("auto.include.jmx.reporter", "metrics of the JVM"),
    ("security.providers", "security providers are classes of the JVM"),
    ("auto.commit.interval.ms", "offsets are committed by the sink, every offset.flush.interval.ms"),
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
];

/// Java settings that ask for something librdkafka, as built here, cannot do.
pub(super) const REFUSED: &[(&str, &str)] = &[
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
    (
        "sasl.oauthbearer.",
        "OAUTHBEARER is not supported yet: use PLAIN, SCRAM-SHA-256, SCRAM-SHA-512 or TLS certificates",
    ),
];

/// Java names, and aliases, that only differ from librdkafka's.
pub(super) const RENAMED: &[(&str, &str)] = &[
    ("fetch.max.wait.ms", "fetch.wait.max.ms"),
    ("max.partition.fetch.bytes", "fetch.message.max.bytes"),
    ("request.timeout.ms", "socket.timeout.ms"),
    ("receive.buffer.bytes", "socket.receive.buffer.bytes"),
    ("send.buffer.bytes", "socket.send.buffer.bytes"),
    ("metadata.broker.list", "bootstrap.servers"),
    ("sasl.mechanisms", "sasl.mechanism"),
];

/// Java names that are translated by code.
const TRANSLATED: &[&str] =
    &["max.poll.records", "exclude.internal.topics", "partition.assignment.strategy", "sasl.jaas.config"];

/// What the sink sets unless the user does.
pub(super) const DEFAULTS: &[(&str, &str)] = &[
    ("bootstrap.servers", "localhost:9092"),
    ("auto.offset.reset", "earliest"),
    // Java's default; librdkafka's is read_committed.
    ("isolation.level", "read_uncommitted"),
    // Java's default too; librdkafka's ten seconds would lengthen every outage.
    ("reconnect.backoff.max.ms", "1000"),
    // Bounded memory, and no second without fetching after a full queue.
    ("fetch.queue.backoff.ms", "10"),
    ("queued.max.messages.kbytes", "4096"),
    ("fetch.message.max.bytes", "262144"),
];

/// Topics that `exclude.internal.topics` (Java's default) hides from a pattern.
const INTERNAL_TOPICS: &str = "^__consumer_offsets$,^__transaction_state$,^__share_group_state$";

/// The settings of a client of the dead letter queue, sorted by name.
pub(super) fn queue_client(
    client: Client,
    worker: &Properties,
    connector: &Properties,
    policy: &OverridePolicy,
    findings: &mut ConfigErrors,
) -> BTreeMap<String, String> {
    // What is the worker's own was found for the consumer already.
    let mut found = ConfigErrors::default();
    let mut translation = Translation {
        client,
        java: Vec::new(),
        settings: BTreeMap::new(),
        max_poll_records: None,
        findings: &mut found,
    };
    let (defaults, fixed): (_, &[_]) = match client {
        Client::Producer => (PRODUCER_DEFAULTS, &PRODUCER_FIXED[..1]),
        Client::Consumer | Client::Admin => (ADMIN_DEFAULTS, &[]),
    };
    for (name, value) in defaults.iter().chain(fixed) {
        translation.set(name, *value);
    }
    translation.take(worker, connector, policy);
    let settings = translation.settings;
    findings.append(found);
    settings
}

/// The consumer settings of the connector `name`.
pub(super) fn consumer(
    name: &str,
    worker: &Properties,
    connector: &Properties,
    policy: &OverridePolicy,
    pattern: bool,
    findings: &mut ConfigErrors,
) -> ConsumerConfig {
    let mut translation = Translation {
        client: Client::Consumer,
        java: Vec::new(),
        settings: BTreeMap::new(),
        max_poll_records: None,
        findings,
    };
    translation.defaults(name, pattern);
    translation.take(worker, connector, policy);
    translation.consistency();
    let Translation { settings, max_poll_records, .. } = translation;
    let group_id = settings.get("group.id").cloned().unwrap_or_default();
    ConsumerConfig { group_id, max_poll_records, settings, connector: name.to_owned() }
}

/// What the user has set, in Java's or librdkafka's names, the lowest layer first.
fn user_settings<'a>(
    client: Client,
    worker: &'a Properties,
    connector: &'a Properties,
    policy: &OverridePolicy,
    findings: &mut ConfigErrors,
) -> Vec<(&'a str, &'a Property)> {
    const SECURITY: &[&str] = &["security.protocol", "sasl.", "ssl."];
    let mut settings = Vec::new();
    if let Some(bootstrap) = worker.get("bootstrap.servers") {
        settings.push(("bootstrap.servers", bootstrap));
    }
    settings.extend(
        worker
            .iter()
            .map(|property| (property.key.as_str(), property))
            .filter(|(key, _)| SECURITY.iter().any(|prefix| key.starts_with(prefix))),
    );
    let (own, overrides) = client.prefixes();
    // A file that holds both worker and connector settings has the connector's overrides in the worker's view, and
    // `admin.listeners` is the worker's.
    let stranger =
        |key: &str| key.starts_with("override.") || (client == Client::Admin && key == "listeners");
    settings.extend(worker.below(own).filter(|(key, _)| !stranger(key)));
    for (key, property) in connector.below(overrides) {
        match policy.refusal(key) {
            None => settings.push((key, property)),
            Some(why) => findings.error(property, why),
        }
    }
    settings
}

struct Translation<'a> {
    client: Client,
    /// Each name once, a higher layer behind a lower one.
    java: Vec<(&'a str, &'a Property)>,
    settings: BTreeMap<String, String>,
    max_poll_records: Option<u32>,
    findings: &'a mut ConfigErrors,
}

impl<'a> Translation<'a> {
    fn set(&mut self, name: &str, value: impl Into<String>) {
        self.settings.insert(name.to_owned(), value.into());
    }

    /// The property that set a Java name.
    fn java(&self, name: &str) -> Option<&'a Property> {
        self.java.iter().find(|(java, _)| *java == name).map(|(_, property)| *property)
    }

    /// Translates what the user has set.
    fn take(&mut self, worker: &'a Properties, connector: &'a Properties, policy: &OverridePolicy) {
        for (java, property) in user_settings(self.client, worker, connector, policy, self.findings) {
            // A setting of a higher layer takes its place in the order too: two names may mean one setting of librdkafka.
            self.java.retain(|(known, _)| *known != java);
            self.java.push((java, property));
        }
        for (java, property) in self.java.clone() {
            self.apply(java, property);
        }
        self.security();
    }

    fn defaults(&mut self, name: &str, pattern: bool) {
        for (name, value) in DEFAULTS.iter().chain(FIXED).filter(|(name, _)| *name != "auto.commit.enable") {
            self.set(name, *value);
        }
        self.set("group.id", format!("connect-{name}"));
        if pattern {
            self.set("topic.blacklist", INTERNAL_TOPICS);
        }
    }

    fn apply(&mut self, java: &str, property: &Property) {
        let value = property.trimmed();
        let (fixed, place): (&[_], _) = match self.client {
            Client::Consumer => (FIXED, "in the map"),
            Client::Producer => (PRODUCER_FIXED, "in the dead letter queue"),
            Client::Admin => (&[], ""),
        };
        if let Some((_, only)) = fixed.iter().find(|(name, _)| *name == java) {
            if !value.eq_ignore_ascii_case(only) && (*only, value) != ("all", "-1") {
                self.findings.error(
                    property,
                    format!(
                        "cannot be {}: the sink commits an offset only when its record is {place}; leave it out",
                        property.shown()
                    ),
                );
            }
            return;
        }
        let without_effect = reason(WITHOUT_EFFECT, java).or_else(|| {
            (self.client == Client::Producer).then(|| reason(PRODUCER_WITHOUT_EFFECT, java)).flatten()
        });
        if let Some(why) = without_effect {
            self.findings.warning(property, format!("accepted, without effect: {why}"));
            return;
        }
        if let Some(why) = reason(REFUSED, java) {
            self.findings.error(property, why);
            return;
        }
        match java {
            "transactional.id" if self.client == Client::Producer => {
                self.findings.error(property, "dead letters are not part of a transaction: leave it out");
            }
            "max.poll.records" if self.client == Client::Consumer => {
                match value.parse::<i32>().map(u32::try_from) {
                    Ok(Ok(records @ 1..)) => self.max_poll_records = Some(records),
                    Ok(_) => self.invalid(java, property, "Value must be at least 1"),
                    Err(_) => self.invalid(java, property, "Not a number of type INT"),
                }
            }
            "exclude.internal.topics" if self.client == Client::Consumer => {
                if value.eq_ignore_ascii_case("false") {
                    self.settings.remove("topic.blacklist");
                } else if !value.eq_ignore_ascii_case("true") {
                    self.invalid(java, property, "Expected value to be either true or false");
                }
            }
            "partition.assignment.strategy" if self.client == Client::Consumer => {
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
            "auto.offset.reset" if value == "none" && self.client == Client::Consumer => {
                self.set(java, "error")
            }
            "auto.offset.reset" if value.starts_with("by_duration:") => {
                self.findings
                    .error(property, "by_duration is not known to librdkafka: use earliest, latest or none");
            }
            "ssl.endpoint.identification.algorithm" if value.is_empty() => self.set(java, "none"),
            "metadata.max.age.ms" => {
                // In Java one setting is both the age and the interval at which new topics are noticed.
                self.checked(java, java, property, value);
                self.checked(java, "topic.metadata.refresh.interval.ms", property, value);
            }
            "receive.buffer.bytes" | "send.buffer.bytes" if value == "-1" => {
                self.set(&format!("socket.{java}"), "0");
            }
            // Together, once the security protocol is known.
            "sasl.jaas.config" => {}
            _ if stores::JAVA_NAMES.contains(&java) => {}
            _ => self.checked(java, renamed(self.client, java), property, value),
        }
    }

    /// Takes a setting over under librdkafka's name, if librdkafka takes the value.
    fn checked(&mut self, java: &str, name: &str, property: &Property, value: &str) {
        match librdkafka::accepts(self.client, name) {
            None => {
                let renamed = if self.client == Client::Producer { PRODUCER_RENAMED } else { &[] };
                let known = librdkafka::names(self.client)
                    .chain(renamed.iter().map(|(java, _)| *java))
                    .chain(RENAMED.iter().map(|(java, _)| *java))
                    .chain(TRANSLATED.iter().chain(stores::JAVA_NAMES).copied());
                let mean =
                    nearest(java, known).map(|known| format!(", did you mean {known}?")).unwrap_or_default();
                self.findings.error(
                    property,
                    format!("no {} setting of librdkafka or Java that is known{mean}", self.client.name()),
                );
            }
            Some(accepts) => match accepts.refusal(value) {
                Some(why) => self.invalid(java, property, &why),
                None if matches!(accepts, Accepts::OneOf(_) | Accepts::Flag) => {
                    self.set(name, value.to_ascii_lowercase())
                }
                None => self.set(name, value),
            },
        }
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

    /// Rules between settings, which librdkafka checks when a client is created.
    fn consistency(&mut self) {
        let number = |name: &str| self.settings.get(name).and_then(|value| value.parse::<i64>().ok());
        let poll = number("max.poll.interval.ms").unwrap_or(300_000);
        let session = number("session.timeout.ms").unwrap_or(45_000);
        // librdkafka wants a fetch to hold the largest message that it would produce; a consumer produces none.
        const MESSAGE_MAX_BYTES: i64 = 1_000_000;
        if let Some(fetch) = number("fetch.max.bytes").filter(|fetch| *fetch < MESSAGE_MAX_BYTES) {
            self.set("message.max.bytes", fetch.max(1000).to_string());
            self.set("fetch.max.bytes", fetch.max(1000).to_string());
        }
        if session > poll {
            let property = self.java("session.timeout.ms").or_else(|| self.java("max.poll.interval.ms"));
            let why = format!("{session} is more than max.poll.interval.ms, which is {poll}");
            self.findings.error_at(property, "session.timeout.ms", why);
        }
        if self.settings.get("group.protocol").is_some_and(|protocol| protocol == "consumer") {
            for name in ["session.timeout.ms", "heartbeat.interval.ms", "partition.assignment.strategy"] {
                if let Some(property) = self.java(name) {
                    self.findings
                        .error(property, "cannot be set with group.protocol=consumer: the broker decides");
                }
            }
        }
    }
}

/// The entry of a table that holds names, and families of names that end in a dot.
fn reason(table: &[(&str, &'static str)], java: &str) -> Option<&'static str> {
    let covers = |name: &str| java == name || (name.ends_with('.') && java.starts_with(name));
    table.iter().find(|(name, _)| covers(name)).map(|(_, why)| *why)
}

fn renamed(client: Client, java: &str) -> &str {
    let own = if client == Client::Producer { PRODUCER_RENAMED } else { &[] };
    own.iter().chain(RENAMED).find(|(name, _)| *name == java).map_or(java, |(_, name)| name)
}

#[cfg(test)]
mod tests;
