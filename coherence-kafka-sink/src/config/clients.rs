//! The Kafka clients of a sink: its consumers, and those of the dead letter queue. Where their settings stand is
//! `coherence_kafka_worker::config::clients`' matter.

use std::collections::BTreeMap;
use std::fmt;

use coherence_kafka_connect::config::{ConfigErrors, Properties};
use coherence_kafka_rdkafka::settings::translate::{self, Client, Profile, Table, Translated};
use coherence_kafka_rdkafka::settings::{ClientSettings, is_of_connections};

use coherence_kafka_worker::config::OverridePolicy;
use coherence_kafka_worker::config::clients::{of_all_clients, of_client, prefixes};

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
    /// Returns the settings of the consumer of one task, sorted by name.
    pub fn for_task(&self, task: u32) -> ClientSettings {
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

/// Java's default is true. librdkafka then keeps histograms for each broker, more than a quarter MiB a client, whether
/// or not a cluster asks for client metrics.
const METRICS_PUSH: (&str, &str) = ("enable.metrics.push", "false");

/// The consumers of tasks.
pub(super) const CONSUMER: Profile = Profile {
    client: Client::Consumer,
    defaults: &[
        ("bootstrap.servers", "localhost:9092"),
        ("auto.offset.reset", "earliest"),
        // Java's default; librdkafka's is read_committed.
        ("isolation.level", "read_uncommitted"),
        // Java's default too; librdkafka's ten seconds would lengthen every outage.
        ("reconnect.backoff.max.ms", "1000"),
        // Bounded memory, and no second without fetching after a full queue. librdkafka needs 250 bytes a record in
        // addition to those that it counts, so small records have a bound of their own.
        ("fetch.queue.backoff.ms", "10"),
        ("queued.max.messages.kbytes", "2048"),
        ("queued.min.messages", "20000"),
        ("fetch.message.max.bytes", "262144"),
        // One answer of a broker, of however many partitions; librdkafka's 50 MiB would hold all of them.
        ("fetch.max.bytes", "1048576"),
        METRICS_PUSH,
    ],
    fixed: &[
        ("enable.auto.commit", "false"),
        ("enable.auto.offset.store", "false"),
        // librdkafka's batches count the end of a partition as a record that was read. A rebalance that leaves the partition
        // where it is makes it read on behind its end then, and start again by `auto.offset.reset`.
        ("enable.partition.eof", "false"),
    ],
    fixed_because: "the sink commits an offset only when its record is in the map",
    without_effect: &[DESERIALIZERS, translate::OF_THE_JVM, COMMITS, translate::OF_LIBRDKAFKA],
    refused: &[],
    names_beside: &[],
};

/// The producer of a dead letter queue.
pub(super) const QUEUE_PRODUCER: Profile = Profile {
    client: Client::Producer,
    defaults: &[
        ("bootstrap.servers", "localhost:9092"),
        ("enable.idempotence", "true"),
        // Java's default.
        ("message.timeout.ms", "120000"),
        // Whatever was read may have to be written; the broker's own limit decides.
        ("message.max.bytes", "67108864"),
        // Java's placement of keys.
        ("partitioner", "murmur2_random"),
        ("reconnect.backoff.max.ms", "1000"),
        METRICS_PUSH,
    ],
    fixed: &[("acks", "all")],
    fixed_because: "the sink commits an offset only when its record is in the dead letter queue",
    without_effect: &[
        DESERIALIZERS,
        translate::OF_THE_JVM,
        COMMITS,
        translate::OF_LIBRDKAFKA,
        QUEUE_WITHOUT_EFFECT,
    ],
    refused: &[("transactional.id", "dead letters are not part of a transaction: leave it out")],
    names_beside: &[],
};

/// Makes the topic of a dead letter queue.
const QUEUE_ADMIN: Profile = Profile {
    client: Client::Admin,
    defaults: &[("bootstrap.servers", "localhost:9092"), ("reconnect.backoff.max.ms", "1000")],
    fixed: &[],
    fixed_because: "",
    without_effect: CONSUMER.without_effect,
    refused: &[],
    names_beside: &[],
};

const DESERIALIZERS: &Table = &[
    ("key.deserializer", "keys reach the converter as bytes"),
    ("value.deserializer", "values reach the converter as bytes"),
];

const COMMITS: &Table =
    &[("auto.commit.interval.ms", "offsets are committed by the sink, every offset.flush.interval.ms")];

/// Java's settings of a producer that change nothing for dead letters, with the reason.
pub(super) const QUEUE_WITHOUT_EFFECT: &Table = &[
    ("key.serializer", "dead letters are the bytes of their records"),
    ("value.serializer", "dead letters are the bytes of their records"),
    (
        "buffer.memory",
        "dead letters wait in the batch of their records, which coherence.batch.max.bytes bounds",
    ),
    ("max.block.ms", "nothing blocks: a dead letter that cannot be sent yet is held"),
    ("metadata.max.idle.ms", "there is one topic"),
    ("transaction.", "dead letters are not part of a transaction"),
    ("partitioner.", "partitioners are classes of the JVM; librdkafka has `partitioner`"),
];

/// Topics that `exclude.internal.topics` (Java's default) hides from a pattern.
const INTERNAL_TOPICS: &str = "^__consumer_offsets$,^__transaction_state$,^__share_group_state$";

/// Returns the settings of a client of the dead letter queue, sorted by name.
pub(crate) fn queue_client(
    client: Client,
    worker: &Properties,
    connector: &Properties,
    policy: &OverridePolicy,
    findings: &mut ConfigErrors,
) -> BTreeMap<String, String> {
    // What is the worker's own was found for the consumer already.
    let mut found = ConfigErrors::default();
    let profile = if client == Client::Producer { &QUEUE_PRODUCER } else { &QUEUE_ADMIN };
    let mut user = of_all_clients(worker);
    if client == Client::Admin {
        // It makes the topic where the producer writes, so that what leads the producer there leads it, too.
        let mut found_for_the_producer = ConfigErrors::default();
        let producer = of_client(Client::Producer, worker, connector, policy, &mut found_for_the_producer);
        user.extend(producer.into_iter().filter(|(key, _)| is_of_connections(key)));
    }
    user.extend(of_client(client, worker, connector, policy, &mut found));
    let translated = translate::translate(profile, &[], user, &mut found);
    translated.check_credentials(&mut found);
    findings.append(found);
    translated.settings
}

/// Notes the unknown settings among the worker's for a dead letter queue, which a connector may get much later.
pub(crate) fn check_queue(worker: &Properties, policy: &OverridePolicy, findings: &mut ConfigErrors) {
    for client in [Client::Producer, Client::Admin] {
        let mut found = ConfigErrors::default();
        queue_client(client, worker, &Properties::default(), policy, &mut found);
        // Without a queue nothing else matters, and what is the worker's own is a setting of the consumers.
        found.errors.clear();
        found.warnings.retain(|warning| warning.key.starts_with(prefixes(client).0));
        findings.append(found);
    }
}

/// Returns the consumer settings of the connector `name`, which reads topics by a `pattern` or by their names.
pub(crate) fn consumer(
    name: &str,
    worker: &Properties,
    connector: &Properties,
    policy: &OverridePolicy,
    pattern: bool,
    findings: &mut ConfigErrors,
) -> ConsumerConfig {
    let group_id = format!("connect-{name}");
    let mut given = vec![("group.id", group_id.as_str())];
    given.extend(pattern.then_some(("topic.blacklist", INTERNAL_TOPICS)));
    let mut user = of_all_clients(worker);
    user.extend(of_client(Client::Consumer, worker, connector, policy, findings));
    let translated = translate::translate(&CONSUMER, &given, user, findings);
    // A worker may leave its connectors to bring their own.
    if !name.is_empty() {
        translated.check_credentials(findings);
    }
    let Translated { settings, max_poll_records, .. } = translated;
    let group_id = settings.get("group.id").cloned().unwrap_or_default();
    ConsumerConfig { group_id, max_poll_records, settings, connector: name.to_owned() }
}

#[cfg(test)]
mod tests;
