//! Records with headers and timestamps, as producers write them and as the dead letter queue holds them.

use std::collections::BTreeSet;
use std::time::Duration;

use futures::executor::block_on;
use integration_tests::kafka::Kafka;
use integration_tests::sandbox::unique;
use integration_tests::wait::eventually;
use rdkafka::admin::{AdminClient, AdminOptions, AlterConfig, NewTopic, ResourceSpecifier, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, Consumer};
use rdkafka::error::KafkaError;
use rdkafka::message::{Header, Headers, Message, OwnedHeaders};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::flow::SOON;

/// The settings that make a connector skip bad records into a queue.
pub const QUEUE: &str = "errors.deadletterqueue.topic.name";
pub const ALL: (&str, &str) = ("errors.tolerance", "all");
pub const CONTEXT: (&str, &str) = ("errors.deadletterqueue.context.headers.enable", "true");
/// One broker can hold one replica.
pub const ONE_REPLICA: (&str, &str) = ("errors.deadletterqueue.topic.replication.factor", "1");

/// What Connect's context headers begin with.
const CONTEXT_PREFIX: &str = "__connect.errors.";

pub type Bytes = Option<Vec<u8>>;

/// Everything of a record that its producer chose.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Letter {
    pub key: Bytes,
    pub value: Bytes,
    pub headers: Vec<(String, Bytes)>,
    pub timestamp: i64,
}

impl Letter {
    pub fn new(key: &str, value: impl Into<Vec<u8>>) -> Self {
        let (key, value) = (Some(key.as_bytes().to_vec()), Some(value.into()));
        Self { key, value, headers: Vec::new(), timestamp: 1_700_000_000_000 }
    }

    /// The text of one of Connect's headers.
    pub fn context(&self, name: &str) -> &str {
        let name = format!("{CONTEXT_PREFIX}{name}");
        let header = self.headers.iter().find(|(header, _)| *header == name);
        let (_, value) = header.unwrap_or_else(|| panic!("no header {name}"));
        str::from_utf8(value.as_ref().unwrap()).unwrap()
    }

    /// The record as it was before it became a dead letter.
    pub fn without_context(&self) -> Self {
        let mut original = self.clone();
        original.headers.retain(|(name, _)| !name.starts_with(CONTEXT_PREFIX));
        original
    }
}

/// A name for a dead letter topic.
pub fn queue() -> String {
    unique("dead")
}

fn config(kafka: &Kafka) -> ClientConfig {
    let mut config = ClientConfig::new();
    config.set("bootstrap.servers", kafka.bootstrap()).set("group.id", "unused");
    config
}

/// Writes the records in their order, each to the partition of its key.
pub fn produce<'a>(kafka: &Kafka, topic: &str, letters: impl IntoIterator<Item = &'a Letter>) {
    let producer: BaseProducer = config(kafka).set("linger.ms", "5").create().unwrap();
    let mut end = 0;
    // A broker that has just been thawed may need a moment.
    eventually(SOON, "the broker knows where the topic ends", || {
        kafka.end_offsets(topic).map(|ends| end = ends.iter().sum::<i64>()).is_ok()
    });
    let mut sent = 0;
    for letter in letters {
        let mut record = BaseRecord::<[u8], [u8]>::to(topic).timestamp(letter.timestamp);
        record.key = letter.key.as_deref();
        record.payload = letter.value.as_deref();
        let mut headers = OwnedHeaders::new();
        for (key, value) in &letter.headers {
            headers = headers.insert(Header { key, value: value.as_deref() });
        }
        producer.send(record.headers(headers)).map_err(|(error, _)| error).unwrap();
        sent += 1;
    }
    producer.flush(SOON).unwrap();
    assert_eq!(kafka.end_offsets(topic).unwrap().iter().sum::<i64>(), end + sent, "all were acknowledged");
}

/// Every record of a topic, with its partition and offset, in that order.
pub fn read(kafka: &Kafka, topic: &str) -> Vec<((i32, i64), Letter)> {
    let consumer: BaseConsumer = config(kafka).set("enable.partition.eof", "true").create().unwrap();
    let partitions = kafka.end_offsets(topic).unwrap().len();
    let mut from = TopicPartitionList::new();
    for partition in 0..i32::try_from(partitions).unwrap() {
        from.add_partition_offset(topic, partition, Offset::Beginning).unwrap();
    }
    consumer.assign(&from).unwrap();
    let mut letters = Vec::new();
    let mut ended = 0;
    while ended < partitions {
        match consumer.poll(SOON).expect("the broker sends something") {
            Err(KafkaError::PartitionEOF(_)) => ended += 1,
            Err(error) => panic!("{error}"),
            Ok(message) => {
                let headers = message.headers().into_iter().flat_map(Headers::iter);
                let letter = Letter {
                    key: message.key().map(<[u8]>::to_vec),
                    value: message.payload().map(<[u8]>::to_vec),
                    headers: headers.map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect(),
                    timestamp: message.timestamp().to_millis().unwrap(),
                };
                letters.push(((message.partition(), message.offset()), letter));
            }
        }
    }
    letters.sort();
    letters
}

/// The records of the queue without their places.
pub fn dead(kafka: &Kafka, queue: &str) -> Vec<Letter> {
    read(kafka, queue).into_iter().map(|(_, letter)| letter).collect()
}

/// As [`dead`], without what the queue has twice and without context.
pub fn dead_once(kafka: &Kafka, queue: &str) -> BTreeSet<Letter> {
    dead(kafka, queue).iter().map(Letter::without_context).collect()
}

/// How many records a queue has; none while there is no such topic.
pub fn count(kafka: &Kafka, queue: &str) -> i64 {
    kafka.end_offsets(queue).map_or(0, |ends| ends.iter().sum())
}

fn admin(kafka: &Kafka) -> (AdminClient<DefaultClientContext>, AdminOptions) {
    let options = AdminOptions::new().request_timeout(Some(SOON)).operation_timeout(Some(SOON));
    (config(kafka).create().unwrap(), options)
}

/// A topic of one partition that takes no record batch of more than `bytes`.
pub fn create_narrow_topic(kafka: &Kafka, topic: &str, bytes: &str) {
    let (admin, options) = admin(kafka);
    let new = NewTopic::new(topic, 1, TopicReplication::Fixed(1)).set("max.message.bytes", bytes);
    block_on(admin.create_topics([&new], &options)).unwrap().remove(0).unwrap();
}

/// Changes that limit.
pub fn widen_topic(kafka: &Kafka, topic: &str, bytes: &str) {
    let (admin, options) = admin(kafka);
    let change = AlterConfig::new(ResourceSpecifier::Topic(topic)).set("max.message.bytes", bytes);
    block_on(admin.alter_configs([&change], &options)).unwrap().remove(0).unwrap();
}

/// The numbers of replicas of a topic's partitions; none while there is no such topic.
pub fn replicas(kafka: &Kafka, topic: &str) -> Vec<usize> {
    let consumer: BaseConsumer = config(kafka).create().unwrap();
    // Of all topics: to ask for one by its name may be noted as a wish to have it.
    let metadata = consumer.fetch_metadata(None, Duration::from_secs(10)).unwrap();
    let topic = metadata.topics().iter().find(|known| known.name() == topic);
    topic.map_or_else(Vec::new, |topic| topic.partitions().iter().map(|p| p.replicas().len()).collect())
}
