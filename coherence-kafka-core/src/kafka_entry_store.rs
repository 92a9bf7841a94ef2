//! The entry store of a Kafka topic.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::map::Format;
use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::Serializer;
use coherence_kafka_common::serializer::registry::{self, RegistryError};
use coherence_kafka_connect::config::check_topic_name;
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::binary_entry::BinaryEntry;
use crate::entry_store::{EntryStore, MAX_BLOCK};
use crate::error::StoreError;
use crate::observer::StoreObserver;
use crate::outbound::{Conversion, Form, KeyForm, Operation, Outbound};
use crate::producer::{Account, Batch, Producer};
use crate::producers::Producers;
use crate::stats::StoreStats;

mod properties;

/// How many entries are handed over under one lock.
const BATCH: usize = 256;
/// Or the bytes that had to be copied.
const BATCH_BYTES: usize = 1 << 20;

/// Coherence's entry store over a Kafka topic: an entry that is stored becomes a record, one that is erased a
/// tombstone, each with a header `event` that holds `INSERT`, `UPDATE` or `DELETE`. Loading is not supported.
///
/// Entries of a key become records in the order of the calls. Each entry is reported to its observer exactly once: when
/// Kafka has acknowledged its record, when it is known to have failed, or when the store is closed or dropped before
/// either. [`Producer`] describes the failure of a producer.
///
/// ```no_run
/// # use coherence_kafka_core::{AsyncEntryStore, BinaryEntry, KafkaEntryStore};
/// # use coherence_kafka_common::map::Expiry;
/// # async fn example(entry: BinaryEntry) -> Result<(), Box<dyn std::error::Error>> {
/// let orders = KafkaEntryStore::builder("orders")
///     .setting("bootstrap.servers", "localhost:9092")
///     .pass_through()
///     .build()?;
/// AsyncEntryStore::of(&orders).store(entry).await?;
/// # Ok(())
/// # }
/// ```
pub struct KafkaEntryStore {
    outbound: Outbound,
    producer: Arc<Producer>,
    account: Arc<Account>,
    /// No other store uses the producer.
    alone: bool,
    max_block: Duration,
}

impl fmt::Debug for KafkaEntryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaEntryStore").field("outbound", &self.outbound).finish_non_exhaustive()
    }
}

/// Why an entry store cannot be built.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BuildError {
    /// No topic can have this name.
    #[error("{name:?} is not a topic name: {why}")]
    Topic {
        /// The name.
        name: String,
        /// Why Kafka refuses it.
        why: &'static str,
    },
    /// The Kafka client refuses its settings.
    #[error("the kafka client refuses its settings: {0}")]
    Settings(String),
    /// Settings for its own producer, and a shared one.
    #[error(
        "a store with a shared producer cannot have producer settings: set them where the producer is created"
    )]
    TwoProducers,
    /// Keys of serializers have no decoration.
    #[error("only keys in pass-through can be decorated")]
    DecoratedSerializer,
    /// The serializer is unknown.
    #[error(transparent)]
    Serializer(#[from] RegistryError),
}

/// Builds a [`KafkaEntryStore`]; by default with Kafka's byte array serializers over maps of POF.
#[derive(Clone)]
pub struct KafkaEntryStoreBuilder {
    topic: String,
    format: Format,
    pass_through: bool,
    key: Option<Arc<dyn Serializer<PofValue>>>,
    value: Option<Arc<dyn Serializer<PofValue>>>,
    conversion: Option<Conversion>,
    key_form: KeyForm,
    ttl_header: Option<String>,
    settings: Vec<(String, String)>,
    producer: Option<Arc<Producer>>,
    max_block: Duration,
}

impl fmt::Debug for KafkaEntryStoreBuilder {
    // Settings may hold passwords.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("KafkaEntryStoreBuilder").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl KafkaEntryStoreBuilder {
    /// The binaries of the map are the keys and values of the topic, without decorations.
    pub fn pass_through(mut self) -> Self {
        self.pass_through = true;
        self
    }

    /// Keys are written by this serializer, such as one of [`registry::serializer`].
    pub fn key_serializer(mut self, serializer: Arc<dyn Serializer<PofValue>>) -> Self {
        self.key = Some(serializer);
        self
    }

    /// Values are written by this serializer. An entry that holds null becomes a null value, as with Kafka's own
    /// serializers in Java, and only the header `event` distinguishes it from a removal.
    pub fn value_serializer(mut self, serializer: Arc<dyn Serializer<PofValue>>) -> Self {
        self.value = Some(serializer);
        self
    }

    /// Keys, values and headers are written by converters of Kafka Connect, instead of serializers.
    pub fn conversion(mut self, conversion: Conversion) -> Self {
        self.conversion = Some(conversion);
        self
    }

    /// The serializer of the map whose entries are stored: POF unless set.
    pub fn format(mut self, format: Format) -> Self {
        self.format = format;
        self
    }

    /// The form of keys in pass-through: plain unless set.
    pub fn key_form(mut self, form: KeyForm) -> Self {
        self.key_form = form;
        self
    }

    /// The name of a header that holds, as decimal text, the milliseconds after which an entry expires, or -1 for never.
    /// Entries that expire as their map is configured have none. The sink reads it by `coherence.ttl.header`.
    pub fn ttl_header(mut self, name: impl Into<String>) -> Self {
        self.ttl_header = Some(name.into());
        self
    }

    /// A setting of the producer, by librdkafka's name.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Settings of the producer, by librdkafka's names.
    pub fn settings(mut self, settings: impl IntoIterator<Item = (String, String)>) -> Self {
        self.settings.extend(settings);
        self
    }

    /// Shares a producer with other stores, instead of having one.
    pub fn producer(mut self, producer: Arc<Producer>) -> Self {
        self.producer = Some(producer);
        self
    }

    /// Shares the producer of its settings with other stores that have the same.
    ///
    /// # Errors
    /// Settings that the Kafka client refuses, or a producer that is already shared.
    pub fn sharing(mut self, producers: &Producers) -> Result<Self, BuildError> {
        if self.producer.is_some() {
            return Err(BuildError::TwoProducers);
        }
        let settings = std::mem::take(&mut self.settings);
        self.producer = Some(producers.of(settings).map_err(BuildError::Settings)?);
        Ok(self)
    }

    /// How long the awaitable forms wait for room: 60 seconds unless set, as `max.block.ms` in Kafka.
    pub fn max_block(mut self, time: Duration) -> Self {
        self.max_block = time;
        self
    }

    /// The store. Its producer begins to connect; nothing waits for that.
    ///
    /// # Errors
    /// Settings that contradict each other, or that the Kafka client refuses.
    pub fn build(self) -> Result<KafkaEntryStore, BuildError> {
        if let Err(why) = check_topic_name(&self.topic) {
            return Err(BuildError::Topic { name: self.topic, why });
        }
        let form = if self.pass_through {
            Form::PassThrough(self.key_form)
        } else if self.key_form == KeyForm::Decorated {
            return Err(BuildError::DecoratedSerializer);
        } else if let Some(conversion) = self.conversion {
            Form::Converted(Box::new(conversion))
        } else {
            let none = Default::default();
            let byte_array = |part| registry::serializer("ByteArraySerializer", part, &none);
            Form::Serialized {
                map: registry::deserializer(self.format.name(), Part::Value, &none)?,
                key: self.key.map_or_else(|| byte_array(Part::Key), Ok)?,
                value: self.value.map_or_else(|| byte_array(Part::Value), Ok)?,
            }
        };
        let alone = self.producer.is_none();
        let producer = match self.producer {
            Some(_) if !self.settings.is_empty() => return Err(BuildError::TwoProducers),
            Some(producer) => producer,
            None => Producer::new(self.settings).map_err(BuildError::Settings)?,
        };
        let account = producer.account(&self.topic).map_err(BuildError::Settings)?;
        let Self { topic, format, ttl_header, max_block, .. } = self;
        let outbound = Outbound { topic, format, form, ttl_header };
        Ok(KafkaEntryStore { outbound, producer, account, alone, max_block })
    }
}

impl KafkaEntryStore {
    /// Begins a store of `topic`.
    pub fn builder(topic: impl Into<String>) -> KafkaEntryStoreBuilder {
        KafkaEntryStoreBuilder {
            topic: topic.into(),
            format: Format::default(),
            pass_through: false,
            key: None,
            value: None,
            conversion: None,
            key_form: KeyForm::default(),
            ttl_header: None,
            settings: Vec::new(),
            producer: None,
            max_block: MAX_BLOCK,
        }
    }

    /// The topic.
    pub fn topic(&self) -> &str {
        &self.outbound.topic
    }

    /// Returns its counters.
    pub fn stats(&self) -> StoreStats {
        self.account.counters.read()
    }

    /// Returns the partition for the record of a key, in a topic with this number of partitions; `None` where it is
    /// random.
    pub fn partition_of(&self, record_key: &[u8], partitions: i32) -> Option<i32> {
        self.producer.partition_of(record_key, partitions)
    }

    /// As [`EntryStore::erase`], with the tombstone in a partition of the caller's choice: one that holds a record of the
    /// key from a time when the topic had fewer partitions.
    pub fn erase_in(&self, partition: i32, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        let mut batch = Batch::default();
        match self.outbound.plan(&entry, Operation::Erase, &mut batch.scratch) {
            Ok(planned) => batch.entries.push((entry, planned.in_partition(partition))),
            Err(error) => batch.rejected.push((entry, error)),
        }
        self.hand_over(&mut batch, observer);
    }

    #[cfg(test)]
    pub(crate) fn producer(&self) -> &Producer {
        &self.producer
    }

    fn submit(
        &self,
        entries: impl ExactSizeIterator<Item = BinaryEntry>,
        operation: Operation,
        observer: &Arc<dyn StoreObserver>,
    ) {
        let mut batch = Batch::default();
        batch.entries.reserve_exact(entries.len().min(BATCH));
        for entry in entries {
            match self.outbound.plan(&entry, operation, &mut batch.scratch) {
                Ok(planned) => batch.entries.push((entry, planned)),
                Err(error) => batch.rejected.push((entry, error)),
            }
            if batch.entries.len() == BATCH || batch.scratch.len() > BATCH_BYTES {
                self.hand_over(&mut batch, observer);
            }
        }
        self.hand_over(&mut batch, observer);
    }

    fn hand_over(&self, batch: &mut Batch, observer: &Arc<dyn StoreObserver>) {
        self.producer.send(batch, observer, &self.account, &self.outbound);
        batch.scratch.clear();
        for (entry, error) in batch.rejected.drain(..) {
            self.account.fail(&**observer, entry, error);
        }
    }
}

impl EntryStore for KafkaEntryStore {
    fn store(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        self.submit(std::iter::once(entry), Operation::Store, observer);
    }

    fn erase(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        self.submit(std::iter::once(entry), Operation::Erase, observer);
    }

    fn load(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        self.account.fail(&**observer, entry, StoreError::Unsupported("load"));
    }

    fn store_all(&self, entries: Vec<BinaryEntry>, observer: &Arc<dyn StoreObserver>) {
        self.submit(entries.into_iter(), Operation::Store, observer);
    }

    fn erase_all(&self, entries: Vec<BinaryEntry>, observer: &Arc<dyn StoreObserver>) {
        self.submit(entries.into_iter(), Operation::Erase, observer);
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        self.producer.room().boxed()
    }

    fn max_block(&self) -> Duration {
        self.max_block
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        self.producer.flush().boxed()
    }

    fn close(&self, deadline: Duration) -> BoxFuture<'_, usize> {
        async move {
            if self.alone {
                self.producer.close(deadline).await
            } else {
                self.producer.close_account(&self.account, deadline).await
            }
        }
        .boxed()
    }
}

#[cfg(test)]
mod tests;
