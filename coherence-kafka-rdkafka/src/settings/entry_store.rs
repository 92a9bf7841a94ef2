//! The Kafka clients of an entry store, from properties that stand without prefix, in Java's or librdkafka's names.

use std::time::Duration;

use coherence_kafka_connect::config::def::Violation;
use coherence_kafka_connect::config::{ConfigErrors, Properties};

use super::translate::{self, Client, Profile, Table, Translated, covers};

/// The producer of an entry store.
#[derive(Clone, PartialEq, Eq)]
pub struct ProducerConfig {
    /// Its settings, in librdkafka's words, sorted by name.
    pub settings: Vec<(String, String)>,
    /// `max.block.ms`, which librdkafka does not have: how long a caller waits for room in the producer's queue.
    pub max_block: Duration,
}

/// Names alone: values may be passwords.
impl std::fmt::Debug for ProducerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let names: Vec<_> = self.settings.iter().map(|(name, _)| name).collect();
        f.debug_struct("ProducerConfig")
            .field("settings", &names)
            .field("max_block", &self.max_block)
            .finish()
    }
}

/// Java's default of `max.block.ms`.
const MAX_BLOCK: Duration = Duration::from_secs(60);

const ENTRY_STORE: Profile = Profile {
    client: Client::Producer,
    defaults: &[
        // Java's placement of keys.
        ("partitioner", "murmur2_random"),
        // Java's defaults of delivery.timeout.ms, max.request.size, buffer.memory and reconnect.backoff.max.ms.
        ("message.timeout.ms", "120000"),
        ("message.max.bytes", "1048576"),
        ("queue.buffering.max.kbytes", "32768"),
        ("reconnect.backoff.max.ms", "1000"),
    ],
    fixed: &[("acks", "all"), ("enable.idempotence", "true")],
    fixed_because: "an entry is stored when all replicas in sync have its record, once and in its place",
    without_effect: &[translate::OF_THE_JVM, translate::OF_LIBRDKAFKA, WITHOUT_EFFECT],
    refused: &[
        ("transactional.id", "each entry is acknowledged by itself, not in a transaction: leave it out"),
        (
            "partitioner.class",
            "is a class of the JVM: leave it out to place keys as Java does, or set librdkafka's partitioner",
        ),
        ("partitioner.ignore.keys", "the order of a key's records needs its partition: leave it out"),
    ],
    names_beside: &[],
};

/// Java's settings of a producer that change nothing for an entry store, with the reason.
const WITHOUT_EFFECT: &Table = &[
    ("key.deserializer", "an entry store reads nothing"),
    ("value.deserializer", "an entry store reads nothing"),
    ("transaction.", "there are no transactions"),
    ("metadata.max.idle.ms", "librdkafka does not forget the topics that it has written to"),
    ("partitioner.adaptive.partitioning.enable", "every record has a key"),
    ("partitioner.availability.timeout.ms", "every record has a key"),
];

/// The producer of an entry store whose properties are these. `own` are the names of the entry store itself, which
/// are passed over; one that ends in a dot is a family.
///
/// The result may only be used where nothing was refused.
pub fn producer(
    properties: &Properties,
    own: &'static [&'static str],
    findings: &mut ConfigErrors,
) -> ProducerConfig {
    let profile = Profile { names_beside: own, ..ENTRY_STORE };
    let user = properties.below("").filter(|(key, _)| !own.iter().any(|name| covers(name, key)));
    let translated = translate::translate(&profile, &[], user, findings);
    translated.check_credentials(findings);
    let Translated { settings, max_block, .. } = translated;
    check_partitioner(properties, findings);
    if settings.get("bootstrap.servers").is_none_or(String::is_empty) {
        const KEY: &str = "bootstrap.servers";
        let property = properties.get(KEY).or_else(|| properties.get("metadata.broker.list"));
        let missing = Violation::Missing { key: KEY.to_owned() };
        findings.error_at(property, KEY, missing.to_string());
    }
    ProducerConfig { settings: settings.into_iter().collect(), max_block: max_block.unwrap_or(MAX_BLOCK) }
}

/// Notes where records of one key would lie otherwise than a producer of Java puts them.
fn check_partitioner(properties: &Properties, findings: &mut ConfigErrors) {
    let Some(property) = properties.get("partitioner") else { return };
    match property.trimmed().to_ascii_lowercase().as_str() {
        "random" => findings.error(
            property,
            "cannot be random: the order of a key's records needs that they are in one partition; leave it out to place \
             keys as Java does",
        ),
        "consistent" | "consistent_random" | "fnv1a" | "fnv1a_random" => findings.warning(
            property,
            "places keys otherwise than Java's producers do: records of a key that both write are in two partitions, \
             without an order between them",
        ),
        _ => {}
    }
}

/// The settings of a consumer or an admin client that reaches the same cluster as the [`producer`] of these properties,
/// sorted by name: all that the producer has and such a client knows. What is wrong with it is found by [`producer`].
pub fn connection(properties: &Properties) -> Vec<(String, String)> {
    const CONNECTION: Profile = Profile {
        client: Client::Admin,
        defaults: &[("reconnect.backoff.max.ms", "1000")],
        fixed: &[],
        fixed_because: "",
        without_effect: &[translate::OF_LIBRDKAFKA],
        refused: &[],
        names_beside: &[],
    };
    let user = properties.below("").filter(|(key, _)| is_of_connections(key));
    let mut found_already = ConfigErrors::default();
    translate::translate(&CONNECTION, &[], user, &mut found_already).settings.into_iter().collect()
}

/// Whether a setting of a producer is one of every client of its cluster.
pub fn is_of_connections(key: &str) -> bool {
    // A name for the producer's own requests, and the size of an answer to it.
    const OWN: &[&str] = &["client.id", "receive.message.max.bytes"];
    !OWN.contains(&key) && translate::has(Client::Admin, key)
}

#[cfg(test)]
mod tests;
