//! The Kafka clients of a source.

use std::time::Duration;

use coherence_kafka_connect::config::translate::{self, Client, Profile, Table, translate};
use coherence_kafka_connect::config::{ConfigErrors, Properties};

use super::{of_the_producer, table};

/// The producer of all topics.
pub(super) const PRODUCER: Profile = Profile {
    client: Client::Producer,
    defaults: &[
        ("bootstrap.servers", "localhost:9092"),
        // Java's two minutes would outlast the session.
        ("message.timeout.ms", "20000"),
        // Whatever a map holds may have to be written; the broker's own limit decides.
        ("message.max.bytes", "67108864"),
        ("queue.buffering.max.kbytes", "32768"),
        // Java's placement of keys.
        ("partitioner", "murmur2_random"),
        // Java's default; librdkafka's ten seconds would lengthen every outage.
        ("reconnect.backoff.max.ms", "1000"),
    ],
    fixed: &[("acks", "all"), ("enable.idempotence", "true")],
    fixed_because: "a change counts as published only when Kafka has all of it, once and in order",
    without_effect: &[translate::OF_THE_JVM, translate::OF_LIBRDKAFKA, WITHOUT_EFFECT],
    refused: &[("transactional.id", "changes are not part of a transaction: leave it out")],
};

/// Java's settings of a producer that change nothing here, with the reason.
pub(super) const WITHOUT_EFFECT: &Table = &[
    ("buffer.memory", "librdkafka's is queue.buffering.max.kbytes"),
    ("max.block.ms", "nothing blocks: while Kafka takes nothing, no more changes are taken from the grid"),
    ("metadata.max.idle.ms", "the topics are always in use"),
    ("partitioner.", "partitioners are classes of the JVM; librdkafka has `partitioner`"),
];

/// The clients that read the topics, look at the cluster, and are members of the group.
const CONSUMER: Profile = Profile {
    client: Client::Consumer,
    defaults: &[("bootstrap.servers", "localhost:9092"), ("reconnect.backoff.max.ms", "1000")],
    fixed: &[],
    fixed_because: "",
    without_effect: &[translate::OF_THE_JVM, translate::OF_LIBRDKAFKA],
    refused: &[],
};

pub(super) fn producer(
    properties: &Properties,
    session_timeout: Duration,
    findings: &mut ConfigErrors,
) -> Vec<(String, String)> {
    let mut found = ConfigErrors::default();
    let user = of_the_producer(properties).map(|property| (property.key.as_str(), property));
    let settings = translate(&PRODUCER, &[], user, &mut found).settings;
    for error in &mut found.errors {
        // What is no producer setting may be a slip in one of the source's own.
        if error.message.starts_with("no producer setting")
            && let Some(near) = table::TABLE.nearest(&error.key)
        {
            error.message = format!("nobody knows this setting, did you mean {near}?");
        }
    }
    findings.append(found);
    let timeout = settings.get("message.timeout.ms").and_then(|millis| millis.parse().ok());
    let timeout = timeout.map_or(Duration::ZERO, Duration::from_millis);
    // 0 is no limit in librdkafka.
    if timeout >= session_timeout || timeout.is_zero() {
        let names = ["delivery.timeout.ms", "message.timeout.ms"];
        let property = names.iter().find_map(|name| properties.get(name));
        let key = property.map_or("delivery.timeout.ms", |property| property.key.as_str());
        let why = format!(
            "must be less than {}, which is {}: what is not acknowledged when another process takes over \
             must not be sent any more",
            table::SESSION_TIMEOUT,
            session_timeout.as_millis()
        );
        findings.error_at(property, key, why);
    }
    settings.into_iter().collect()
}

/// What leads to the cluster is all that the other clients take from the producer's settings, which are checked.
pub(super) fn consumer(properties: &Properties) -> Vec<(String, String)> {
    const SHARED: [&str; 5] = ["bootstrap.servers", "security.protocol", "sasl.", "ssl.", "client.dns.lookup"];
    let shared = |key: &str| SHARED.iter().any(|name| key == *name || (name.ends_with('.') && key.starts_with(name)));
    let user = of_the_producer(properties)
        .filter(|property| shared(&property.key))
        .map(|property| (property.key.as_str(), property));
    translate(&CONSUMER, &[], user, &mut ConfigErrors::default()).settings.into_iter().collect()
}
