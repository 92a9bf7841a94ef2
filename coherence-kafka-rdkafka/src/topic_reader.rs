//! A topic read once, from its beginning to the end that it had when the reading began, by its publisher.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::KafkaError;
use rdkafka::message::Message as _;
use rdkafka::types::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::mpsc;

use crate::description::may_write;
use crate::error_capture::ErrorCapture;
use crate::settings::client_config;

/// Settings of the consumer, unless the user sets them: bounded memory, and no pause behind a full queue.
pub(crate) const DEFAULTS: [(&str, &str); 3] = [
    ("fetch.queue.backoff.ms", "10"),
    ("queued.max.messages.kbytes", "4096"),
    ("fetch.message.max.bytes", "262144"),
];

/// The timeout of one poll.
const POLL: Duration = Duration::from_millis(100);
/// Maximum records of one piece.
const PIECE: usize = 1_000;
/// Maximum bytes of one piece: the keys, and the results of `take`.
const PIECE_BYTES: usize = 256 << 10;
/// Maximum pieces that wait for the receiver.
const PIECES: usize = 4;

/// A record of a reading.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TopicRecord<'a> {
    /// The partition in which it lies.
    pub partition: i32,
    /// How many partitions the topic has.
    pub partitions: i32,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; none is a tombstone.
    pub value: Option<&'a [u8]>,
}

/// Why a topic could not be read to its end.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The topic does not exist.
    #[error("topic {0} does not exist: create it, with cleanup.policy=compact")]
    NoTopic(String),
    /// What is published to it would be refused.
    #[error("no permission to write to topic {0}: grant the user Write on it")]
    NotWritable(String),
    /// Settings that librdkafka refuses, or a permission that is missing: the same call fails again.
    #[error("refused by kafka: {0}")]
    Refused(String),
    /// Kafka is unavailable, or makes no progress.
    #[error("kafka cannot be read: {0}")]
    Unavailable(String),
}

impl ReadError {
    /// True where the same call may succeed later without any change.
    pub fn is_retriable(&self) -> bool {
        matches!(self, ReadError::Unavailable(_))
    }
}

/// Begins to read `topic` on its own thread, with consumer `settings` by librdkafka's names. That thread calls `take` for
/// every record; the results arrive at the receiver in pieces, in order within a partition. The last message is the
/// outcome: an empty piece, or the error. A topic is not read if the cluster reports that the user may not write to it.
/// Dropping the receiver stops the reading. A slow receiver delays it: the bytes that wait are bounded.
///
/// The reading fails if Kafka sends nothing new for `patience`.
pub fn read_topic<T: Send + 'static>(
    settings: Vec<(String, String)>,
    topic: String,
    patience: Duration,
    mut take: impl FnMut(TopicRecord<'_>) -> Option<T> + Send + 'static,
) -> mpsc::Receiver<Result<Vec<T>, ReadError>> {
    let (pieces, receiver) = mpsc::channel(PIECES);
    let reading = move || {
        if let Err(error) = read(&settings, &topic, patience, &mut take, &pieces) {
            // The receiver may be dropped.
            let _ = pieces.blocking_send(Err(error));
        }
    };
    // Without a thread the receiver finds the channel closed before the end of the reading.
    if let Err(error) = std::thread::Builder::new().name("topic-reader".to_owned()).spawn(reading) {
        tracing::error!(%error, "topic not read, no thread could be started");
    }
    receiver
}

type Pieces<T> = mpsc::Sender<Result<Vec<T>, ReadError>>;

fn read<T>(
    settings: &[(String, String)],
    topic: &str,
    patience: Duration,
    take: &mut impl FnMut(TopicRecord<'_>) -> Option<T>,
    pieces: &Pieces<T>,
) -> Result<(), ReadError> {
    let consumer = consumer(settings)?;
    let (partitions, bounds) = bounds(&consumer, topic, patience)?;
    let mut ends: BTreeMap<i32, i64> =
        bounds.into_iter().map(|(partition, (_, end))| (partition, end)).collect();
    if may_write(&consumer, topic, patience) == Some(false) {
        return Err(ReadError::NotWritable(topic.to_owned()));
    }
    let mut assignment = TopicPartitionList::new();
    for partition in ends.keys() {
        assignment
            .add_partition_offset(topic, *partition, Offset::Beginning)
            .map_err(|error| ReadError::Refused(error.to_string()))?;
    }
    consumer.assign(&assignment).map_err(|error| ReadError::Refused(error.to_string()))?;
    let (mut piece, mut piece_bytes) = (Vec::new(), 0);
    let mut last_word = Instant::now();
    while !ends.is_empty() {
        match consumer.poll(POLL) {
            Some(Ok(record)) => {
                last_word = Instant::now();
                let (partition, key) = (record.partition(), record.key());
                if ends.get(&partition).is_some_and(|end| record.offset() < *end)
                    && let Some(taken) =
                        take(TopicRecord { partition, partitions, key, value: record.payload() })
                {
                    piece_bytes += key.map_or(0, <[u8]>::len) + size_of::<T>();
                    piece.push(taken);
                }
                if ends.get(&record.partition()).is_some_and(|end| record.offset() + 1 >= *end) {
                    ends.remove(&record.partition());
                }
            }
            // The last offset before the end may be compacted away, or belong to a transaction.
            Some(Err(KafkaError::PartitionEOF(partition))) => {
                last_word = Instant::now();
                ends.remove(&partition);
            }
            Some(Err(error)) => {
                if is_refused(&error) {
                    return Err(ReadError::Refused(error.to_string()));
                }
                consumer.context().note(&error.to_string());
            }
            None if pieces.is_closed() => return Ok(()),
            None => {}
        }
        if last_word.elapsed() > patience {
            return Err(ReadError::Unavailable(consumer.context().explained_reason(patience)));
        }
        if piece.len() >= PIECE || piece_bytes >= PIECE_BYTES {
            piece_bytes = 0;
            if pieces.blocking_send(Ok(std::mem::take(&mut piece))).is_err() {
                return Ok(());
            }
            // The time in which the receiver was busy does not count against Kafka.
            last_word = Instant::now();
        }
    }
    // An empty piece is the end.
    if !piece.is_empty() {
        let _ = pieces.blocking_send(Ok(piece));
    }
    let _ = pieces.blocking_send(Ok(Vec::new()));
    Ok(())
}

pub(crate) fn consumer(settings: &[(String, String)]) -> Result<BaseConsumer<ErrorCapture>, ReadError> {
    let mut config = client_config(settings);
    for (name, value) in DEFAULTS.iter().filter(|(name, _)| settings.iter().all(|(set, _)| set != name)) {
        config.set(*name, *value);
    }
    // Records of a fenced publisher are in no committed transaction. librdkafka needs a group; it is never joined, because
    // partitions are assigned here.
    config
        .set("group.id", "coherence-kafka-topic-reader")
        .set("enable.auto.commit", "false")
        .set("enable.partition.eof", "true")
        .set("allow.auto.create.topics", "false")
        .set("isolation.level", "read_committed")
        .set("auto.offset.reset", "earliest");
    config.create_with_context(ErrorCapture::default()).map_err(|error| ReadError::Refused(error.to_string()))
}

/// The offsets of a partition: of its first record, and behind its last one.
pub(crate) type Bounds = BTreeMap<i32, (i64, i64)>;

/// How many partitions there are, and the offsets of every one that holds anything: of its first record and behind its
/// last one.
pub(crate) fn bounds(
    consumer: &BaseConsumer<ErrorCapture>,
    topic: &str,
    patience: Duration,
) -> Result<(i32, Bounds), ReadError> {
    let unavailable = |error: KafkaError| match is_refused(&error) {
        true => ReadError::Refused(error.to_string()),
        false => {
            consumer.context().note(&error.to_string());
            ReadError::Unavailable(consumer.context().explained_reason(patience))
        }
    };
    let metadata = consumer.fetch_metadata(Some(topic), patience).map_err(unavailable)?;
    let found = metadata.topics().iter().find(|found| found.name() == topic);
    if let Some(error) =
        found.and_then(|found| found.error()).map(|code| KafkaError::MetadataFetch(code.into()))
        && is_refused(&error)
    {
        return Err(ReadError::Refused(error.to_string()));
    }
    let found = found.filter(|found| !found.partitions().is_empty());
    let Some(found) = found else { return Err(ReadError::NoTopic(topic.to_owned())) };
    let mut bounds = BTreeMap::new();
    for partition in found.partitions() {
        let (begin, end) = consumer.fetch_watermarks(topic, partition.id(), patience).map_err(unavailable)?;
        if end > begin {
            bounds.insert(partition.id(), (begin, end));
        }
    }
    Ok((i32::try_from(found.partitions().len()).unwrap_or(i32::MAX), bounds))
}

fn is_refused(error: &KafkaError) -> bool {
    error.rdkafka_error_code().is_some_and(is_refusal)
}

/// The same request would be refused again.
pub(crate) fn is_refusal(code: Code) -> bool {
    matches!(
        code,
        Code::TopicAuthorizationFailed
            | Code::GroupAuthorizationFailed
            | Code::ClusterAuthorizationFailed
            | Code::SaslAuthenticationFailed
            | Code::Authentication
    )
}

#[cfg(test)]
mod tests;
