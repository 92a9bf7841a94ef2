//! Topics, records and offsets of the broker, over the plain client library.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, ensure};
use futures::executor::block_on;
use parking_lot::Mutex;
use rdkafka::ClientContext;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use rdkafka::config::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{DeliveryResult, Headers, Message};
use rdkafka::producer::{BaseProducer, BaseRecord, Producer, ProducerContext};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use super::Kafka;
use crate::wait;

const DEADLINE: Duration = Duration::from_secs(30);

/// A record as it lies on a topic.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// The partition.
    pub partition: i32,
    /// The offset in the partition.
    pub offset: i64,
    /// The key's bytes.
    pub key: Option<Vec<u8>>,
    /// The value's bytes; none is a tombstone.
    pub value: Option<Vec<u8>>,
    /// The headers in their order.
    pub headers: Vec<(String, Option<Vec<u8>>)>,
}

impl Kafka {
    /// Creates a topic and waits until the broker leads its partitions.
    ///
    /// # Errors
    ///
    /// When the broker refuses or does not answer.
    pub fn create_topic(&self, name: &str, partitions: i32) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.config().create()?;
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let options = AdminOptions::new().request_timeout(Some(DEADLINE)).operation_timeout(Some(DEADLINE));
        let results = block_on(admin.create_topics([&topic], &options))?;
        for result in results {
            result.map_err(|(name, code)| anyhow!("topic {name} was not created: {code}"))?;
        }
        // The broker confirms a topic before it leads its partitions.
        ensure!(wait::within(DEADLINE, || self.end_offsets(name).is_ok()), "no broker leads topic {name}");
        Ok(())
    }

    /// Deletes a topic and waits until the broker no longer knows it.
    ///
    /// # Errors
    ///
    /// When the broker refuses or does not answer.
    pub fn delete_topic(&self, name: &str) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.config().create()?;
        let options = AdminOptions::new().request_timeout(Some(DEADLINE)).operation_timeout(Some(DEADLINE));
        for result in block_on(admin.delete_topics(&[name], &options))? {
            result.map_err(|(name, code)| anyhow!("topic {name} was not deleted: {code}"))?;
        }
        let consumer: BaseConsumer = self.config().create()?;
        // Of all topics: to ask for one by its name may be noted as a wish to have it.
        let known =
            || consumer.fetch_metadata(None, DEADLINE).map(|m| m.topics().iter().any(|t| t.name() == name));
        ensure!(wait::within(DEADLINE, || known().is_ok_and(|known| !known)), "topic {name} is still there");
        Ok(())
    }

    /// Removes the records of a partition below an offset, as retention does.
    ///
    /// # Errors
    ///
    /// When the broker refuses or does not answer.
    pub fn delete_records(&self, topic: &str, partition: i32, before: i64) -> Result<()> {
        let admin: AdminClient<DefaultClientContext> = self.config().create()?;
        let options = AdminOptions::new().request_timeout(Some(DEADLINE)).operation_timeout(Some(DEADLINE));
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, partition, Offset::Offset(before))?;
        for element in block_on(admin.delete_records(&offsets, &options))?.elements() {
            element.error()?;
        }
        Ok(())
    }

    /// Writes the records in their order, each to the partition of its key's hash, and waits until the broker
    /// has acknowledged them all.
    ///
    /// # Errors
    ///
    /// When one of them was not acknowledged.
    pub fn produce<K, V>(
        &self,
        topic: &str,
        records: impl IntoIterator<Item = (Option<K>, Option<V>)>,
    ) -> Result<()>
    where
        K: AsRef<[u8]>,
        V: AsRef<[u8]>,
    {
        // The broker decides what is too large.
        let producer: BaseProducer<FirstError> = self
            .config()
            .set("linger.ms", "5")
            .set("message.max.bytes", "100000000")
            .create_with_context(FirstError::default())?;
        for (key, value) in records {
            let mut record = BaseRecord::<[u8], [u8]>::to(topic);
            record.key = key.as_ref().map(AsRef::as_ref);
            record.payload = value.as_ref().map(AsRef::as_ref);
            while let Err((error, back)) = producer.send(record) {
                ensure!(error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull), error);
                producer.poll(Duration::from_millis(10));
                record = back;
            }
        }
        producer.flush(DEADLINE)?;
        match producer.context().take() {
            None => Ok(()),
            Some(error) => Err(error).context(format!("a record for {topic} was not acknowledged")),
        }
    }

    /// Every record of the topic, partition after partition.
    ///
    /// # Errors
    ///
    /// When the broker does not know the topic or does not answer.
    pub fn records(&self, topic: &str) -> Result<Vec<Record>> {
        let mut records = Vec::new();
        self.each_record(topic, |record| records.push(record))?;
        records.sort_by_key(|r| (r.partition, r.offset));
        Ok(records)
    }

    /// How many records the topic holds, those of transactions that are open or were aborted among them.
    ///
    /// # Errors
    ///
    /// As [`Kafka::records`].
    pub fn uncommitted(&self, topic: &str) -> Result<usize> {
        let mut records = 0;
        self.each("read_uncommitted", topic, |_| records += 1)?;
        Ok(records)
    }

    /// Hands out every committed record of the topic, those of a partition in their order.
    ///
    /// # Errors
    ///
    /// When the broker does not know the topic or does not answer.
    pub fn each_record(&self, topic: &str, take: impl FnMut(Record)) -> Result<()> {
        self.each("read_committed", topic, take)
    }

    fn each(&self, isolation: &str, topic: &str, mut take: impl FnMut(Record)) -> Result<()> {
        // The ends are reported, not computed: a compacted topic may hold nothing near its last offset.
        let consumer: BaseConsumer = self
            .config()
            .set("group.id", "unused")
            .set("enable.partition.eof", "true")
            .set("isolation.level", isolation)
            .create()?;
        let partitions = self.end_offsets(topic)?.len();
        let mut from = TopicPartitionList::new();
        for partition in 0..partitions as i32 {
            from.add_partition_offset(topic, partition, Offset::Beginning)?;
        }
        consumer.assign(&from)?;
        let mut ended = 0;
        while ended < partitions {
            match consumer.poll(DEADLINE).context("the broker sends nothing")? {
                Ok(message) => take(Record::from(&message)),
                Err(KafkaError::PartitionEOF(_)) => ended += 1,
                Err(error) => return Err(error.into()),
            }
        }
        Ok(())
    }

    /// The offset after the last record, for each partition of the topic.
    ///
    /// # Errors
    ///
    /// When the broker does not know the topic or does not answer.
    pub fn end_offsets(&self, topic: &str) -> Result<Vec<i64>> {
        let consumer: BaseConsumer = self.config().create()?;
        let metadata = consumer.fetch_metadata(Some(topic), DEADLINE)?;
        let partitions = metadata.topics().first().map_or(0, |t| t.partitions().len());
        ensure!(partitions > 0, "there is no topic {topic}");
        (0..partitions as i32)
            .map(|partition| Ok(consumer.fetch_watermarks(topic, partition, DEADLINE)?.1))
            .collect()
    }

    /// The offsets that a group has committed, for each partition of the topic; none where it has not yet.
    ///
    /// # Errors
    ///
    /// When the broker does not know the topic or does not answer.
    pub fn committed(&self, group: &str, topic: &str) -> Result<Vec<Option<i64>>> {
        let consumer: BaseConsumer = self.config().set("group.id", group).create()?;
        let mut asked = TopicPartitionList::new();
        asked.add_partition_range(topic, 0, self.end_offsets(topic)?.len() as i32 - 1);
        let committed = consumer.committed_offsets(asked, DEADLINE)?;
        let offsets = committed.elements().into_iter().map(|e| match e.offset() {
            Offset::Offset(offset) => Some(offset),
            _ => None,
        });
        Ok(offsets.collect())
    }

    /// How many members a group has.
    ///
    /// # Errors
    ///
    /// When the broker does not answer.
    pub fn members(&self, group: &str) -> Result<usize> {
        let consumer: BaseConsumer = self.config().create()?;
        let groups = consumer.fetch_group_list(Some(group), DEADLINE)?;
        Ok(groups.groups().iter().map(|group| group.members().len()).sum())
    }

    /// Commits an offset of one partition for a group without members.
    ///
    /// # Errors
    ///
    /// When the broker refuses or does not answer.
    pub fn commit(&self, group: &str, topic: &str, partition: i32, offset: i64) -> Result<()> {
        let consumer: BaseConsumer = self.config().set("group.id", group).create()?;
        let mut offsets = TopicPartitionList::new();
        offsets.add_partition_offset(topic, partition, Offset::Offset(offset))?;
        Ok(consumer.commit(&offsets, CommitMode::Sync)?)
    }

    pub(super) fn config(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap()).set("enable.auto.commit", "false");
        config
    }
}

impl<M: Message> From<&M> for Record {
    fn from(message: &M) -> Self {
        let headers = message.headers().into_iter().flat_map(Headers::iter);
        Self {
            partition: message.partition(),
            offset: message.offset(),
            key: message.key().map(<[u8]>::to_vec),
            value: message.payload().map(<[u8]>::to_vec),
            headers: headers.map(|h| (h.key.to_owned(), h.value.map(<[u8]>::to_vec))).collect(),
        }
    }
}

/// Keeps why the first record was not acknowledged.
#[derive(Default)]
pub(super) struct FirstError(Mutex<Option<KafkaError>>);

impl FirstError {
    pub(super) fn take(&self) -> Option<KafkaError> {
        self.0.lock().take()
    }
}

impl ClientContext for FirstError {}

impl ProducerContext for FirstError {
    type DeliveryOpaque = ();

    fn delivery(&self, result: &DeliveryResult<'_>, (): ()) {
        if let Err((error, _)) = result {
            self.0.lock().get_or_insert_with(|| error.clone());
        }
    }
}
