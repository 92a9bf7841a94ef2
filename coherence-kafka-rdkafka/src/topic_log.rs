//! A topic as a shared log: every record of every partition, from the beginning on, for as long as the reader lives.
//!
//! ```text
//! thread:  describe ──► assign all partitions ──► poll ──► take(record) ──► progress: what is taken of each partition
//! caller:  read_to_end = the ends of all partitions now ──► is it the same topic? ──► progress has reached them
//!          wait_for    = progress has passed an offset
//! ```
//!
//! It joins no group and commits nothing. Records of transactions that are open or aborted are not taken, so offsets have
//! gaps. An outage of Kafka interrupts the reading, and nothing else.
//!
//! **The log must not change below the reader.** Where the topic was deleted and created again, where Kafka has lost records
//! that were taken, or where it has deleted records before they were taken, what was taken is not what the topic holds.
//! Then the reading ends for good: [`TopicLog::failure`] and every call return [`ReadError::Changed`]. The remedy is a new
//! reader that begins with nothing. Lost records are noticed at the next fetch, a topic that was created again at the
//! next [`TopicLog::read_to_end`], and otherwise within half a minute.

use std::fmt;
use std::sync::{Arc, Weak};
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::consumer::{BaseConsumer, Consumer as _};
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};
use rdkafka::{Offset, TopicPartitionList};

use crate::description::describe;
use crate::error_capture::explained;
use crate::queue::Queue;
use crate::settings::client_config;
use crate::topic_reader::{DEFAULTS, is_refusal};

mod reader;

use reader::Reader;

/// The time between two attempts of a caller.
const RETRY: Duration = Duration::from_millis(100);

/// A record of the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LogRecord<'a> {
    /// The partition in which it lies.
    pub partition: i32,
    /// Its offset.
    pub offset: i64,
    /// Milliseconds since 1970; -1 where the topic keeps no timestamps.
    pub timestamp: i64,
    /// Its key.
    pub key: Option<&'a [u8]>,
    /// Its value; none is a tombstone.
    pub value: Option<&'a [u8]>,
}

/// Why a log is not read.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ReadError {
    /// The topic does not exist. Reading begins once it does.
    #[error("topic {0} does not exist: create it, with cleanup.policy=compact")]
    NoTopic(String),
    /// Settings that librdkafka refuses, or a permission that is missing. Reading goes on once it is granted.
    #[error("refused by kafka: {0}")]
    Refused(String),
    /// Kafka is unavailable, or does not make progress in time. Reading goes on.
    #[error("kafka cannot be read: {0}")]
    Unavailable(String),
    /// The topic is not the one that was read. Reading has ended.
    #[error("{0}: what was read is void; read the topic from its beginning again")]
    Changed(String),
}

impl ReadError {
    /// True where the same call may succeed later.
    pub fn is_retriable(&self) -> bool {
        matches!(self, Self::NoTopic(_) | Self::Unavailable(_))
    }

    fn of(code: Code, topic: &str, reason: String) -> Self {
        match code {
            Code::UnknownTopic
            | Code::UnknownTopicOrPartition
            | Code::UnknownPartition
            | Code::UnknownTopicId => Self::NoTopic(topic.to_owned()),
            code if is_refusal(code) => Self::Refused(explained(&reason)),
            _ => Self::Unavailable(explained(&reason)),
        }
    }
}

/// A reader of a log. Dropping it stops its thread, which may be in a last call of `take` at that moment.
pub struct TopicLog {
    shared: Arc<Shared>,
    /// The thread owns it.
    client: Weak<Client>,
}

impl fmt::Debug for TopicLog {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TopicLog").field("topic", &self.shared.topic).finish_non_exhaustive()
    }
}

struct Client {
    // Declared first: the queue is dropped before the client.
    queue: Queue,
    consumer: BaseConsumer,
    /// Asks about the topic. A broker answers the requests of one connection in their order, so on the reader's each question
    /// would wait for the end of a fetch, which waits for records.
    asking: BaseConsumer,
}

struct Shared {
    topic: String,
    progress: Mutex<Progress>,
    moved: Condvar,
}

#[derive(Default)]
struct Progress {
    /// The topic that is read.
    id: Option<(i64, i64)>,
    /// For each partition: everything below this offset is taken. None before the first record, or end, of it.
    next: Vec<Option<i64>>,
    /// How many callers wait.
    waiting: usize,
    /// The topic must be described again.
    look: bool,
    /// Why there is no progress.
    trouble: Option<ReadError>,
    /// Why the reading has ended.
    failure: Option<ReadError>,
    stop: bool,
}

impl TopicLog {
    /// Begins to read `topic` on its own thread, with consumer `settings` by librdkafka's names. That thread calls `take` for
    /// every record, in order within a partition. It waits for a topic that does not exist, and for Kafka.
    ///
    /// # Errors
    /// What librdkafka refuses.
    pub fn open(
        settings: &[(String, String)],
        topic: &str,
        take: impl FnMut(LogRecord<'_>) + Send + 'static,
    ) -> Result<Self, ReadError> {
        let mut config = client_config(settings);
        for (name, value) in DEFAULTS.iter().filter(|(name, _)| settings.iter().all(|(set, _)| set != name)) {
            config.set(*name, *value);
        }
        config.remove("group.instance.id");
        // librdkafka needs a group; it is never joined, because partitions are assigned here. Without a reset it reports
        // that the log has changed.
        config
            .set("group.id", "coherence-kafka-topic-log")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("enable.partition.eof", "true")
            .set("allow.auto.create.topics", "false")
            .set("isolation.level", "read_committed")
            .set("auto.offset.reset", "error");
        let refused = |error: &dyn fmt::Display| ReadError::Refused(error.to_string());
        let consumer: BaseConsumer = config.create().map_err(|error| refused(&error))?;
        config.remove("group.id");
        let asking: BaseConsumer = config.create().map_err(|error| refused(&error))?;
        let queue = Queue::consumer(consumer.client().native_ptr());
        let client = Arc::new(Client { queue, consumer, asking });
        let weak = Arc::downgrade(&client);
        let shared = Shared { topic: topic.to_owned(), progress: Mutex::default(), moved: Condvar::new() };
        let shared = Arc::new(shared);
        let reader = Reader::new(client, shared.clone(), take);
        std::thread::Builder::new()
            .name("topic-log".to_owned())
            .spawn(move || reader.run())
            .map_err(|error| ReadError::Unavailable(format!("no thread to read the topic: {error}")))?;
        Ok(Self { shared, client: weak })
    }

    /// Waits until everything has been taken that the topic held when the call began: the records of committed
    /// transactions and those outside of transactions. A transaction that is open hides what is behind its first record.
    ///
    /// # Errors
    /// Why it is not at the end within `wait`.
    pub fn read_to_end(&self, wait: Duration) -> Result<(), ReadError> {
        let client = self.client()?;
        let until = Instant::now() + wait;
        loop {
            match self.try_read_to_end(&client, until, wait) {
                Err(error) if error.is_retriable() && Instant::now() < until => {}
                outcome => return outcome,
            }
            // Ends early where the log fails.
            let retry = until.min(Instant::now() + RETRY);
            self.shared.wait_until(&client, retry, |_| None::<()>)?;
        }
    }

    /// Waits until the record at `offset` of a partition has been taken, or has been passed because there is none to take.
    ///
    /// # Errors
    /// Why it has not within `wait`.
    pub fn wait_for(&self, partition: i32, offset: i64, wait: Duration) -> Result<(), ReadError> {
        let client = self.client()?;
        let index = usize::try_from(partition).unwrap_or(usize::MAX);
        let passed = |progress: &Progress| {
            progress.next.get(index).is_some_and(|next| next.is_some_and(|next| next > offset)).then_some(())
        };
        let until = Instant::now() + wait;
        self.shared.wait_until(&client, until, passed)?.ok_or_else(|| self.shared.trouble(wait))
    }

    /// Returns why the reading has ended: always [`ReadError::Changed`].
    pub fn failure(&self) -> Option<ReadError> {
        self.shared.progress.lock().failure.clone()
    }

    fn client(&self) -> Result<Arc<Client>, ReadError> {
        let ended = || ReadError::Unavailable("the thread that reads the topic has ended".to_owned());
        self.client.upgrade().ok_or_else(|| self.failure().unwrap_or_else(ended))
    }

    fn try_read_to_end(&self, client: &Client, until: Instant, wait: Duration) -> Result<(), ReadError> {
        let topic = &self.shared.topic;
        let left = || until.saturating_duration_since(Instant::now());
        let found = |progress: &Progress| {
            progress.id.filter(|_| !progress.next.is_empty()).map(|id| (id, progress.next.clone()))
        };
        let Some((id, before)) = self.shared.wait_until(client, until, found)? else {
            return Err(self.shared.trouble(wait));
        };
        let ends = client.offsets(topic, 0..before.len(), Offset::End, left())?;
        let unread = (0..before.len()).filter(|index| before[*index].is_none());
        let begins = client.offsets(topic, unread, Offset::Beginning, left())?;
        // Only a topic with the same id had these ends.
        let now = describe(&client.asking, topic, left());
        let now = now.map_err(|code| ReadError::of(code, topic, code.to_string()))?;
        if now.id != id {
            return Err(self.shared.fail(recreated(topic)));
        }
        for &(partition, end) in &ends {
            if let Some(taken) = before.get(partition).copied().flatten()
                && end < taken
            {
                return Err(self.shared.fail(truncated(topic, partition)));
            }
        }
        if now.partitions > before.len() {
            let mut progress = self.shared.progress.lock();
            progress.look = true;
            return Err(ReadError::Unavailable(format!("topic {topic} has new partitions")));
        }
        let is_empty = |partition: usize, end: i64| {
            begins.iter().any(|(found, begin)| *found == partition && *begin >= end)
        };
        let reached = |progress: &Progress| {
            let taken = |partition: usize| progress.next.get(partition).copied().flatten();
            ends.iter()
                .all(|&(partition, end)| {
                    taken(partition).is_some_and(|taken| taken >= end) || is_empty(partition, end)
                })
                .then_some(())
        };
        self.shared.wait_until(client, until, reached)?.ok_or_else(|| self.shared.trouble(wait))
    }
}

impl Drop for TopicLog {
    fn drop(&mut self) {
        self.shared.progress.lock().stop = true;
        if let Some(client) = self.client.upgrade() {
            client.queue.wake();
        }
    }
}

fn recreated(topic: &str) -> ReadError {
    ReadError::Changed(format!("topic {topic} was deleted and created again"))
}

fn truncated(topic: &str, partition: impl fmt::Display) -> ReadError {
    ReadError::Changed(format!(
        "partition {partition} of topic {topic} has lost records, or deleted them unread"
    ))
}

impl Shared {
    /// Waits until `ready` returns something, or until a time: then None.
    fn wait_until<T>(
        &self,
        client: &Client,
        until: Instant,
        ready: impl Fn(&Progress) -> Option<T>,
    ) -> Result<Option<T>, ReadError> {
        let mut progress = self.progress.lock();
        let (mut timed_out, mut waits) = (false, false);
        let outcome = loop {
            if let Some(failure) = &progress.failure {
                break Err(failure.clone());
            }
            let found = ready(&progress);
            if found.is_some() || timed_out {
                break Ok(found);
            }
            if !std::mem::replace(&mut waits, true) {
                progress.waiting += 1;
                client.queue.wake();
            }
            timed_out = self.moved.wait_until(&mut progress, until).timed_out();
        };
        progress.waiting -= usize::from(waits);
        outcome
    }

    /// Why there was no progress for `wait`.
    fn trouble(&self, wait: Duration) -> ReadError {
        let trouble = self.progress.lock().trouble.clone();
        trouble.unwrap_or_else(|| ReadError::Unavailable(format!("no progress within {wait:?}")))
    }

    /// Everything of a partition below this offset is taken.
    fn advance(&self, partition: i32, offset: i64) {
        let mut progress = self.progress.lock();
        let index = usize::try_from(partition).unwrap_or(usize::MAX);
        let Some(next) = progress.next.get_mut(index).filter(|next| **next < Some(offset)) else { return };
        *next = Some(offset);
        progress.trouble = None;
        if progress.waiting > 0 {
            self.moved.notify_all();
        }
    }

    fn fail(&self, failure: ReadError) -> ReadError {
        let mut progress = self.progress.lock();
        let failure = progress.failure.get_or_insert(failure).clone();
        self.moved.notify_all();
        failure
    }

    fn note(&self, trouble: ReadError) {
        let mut progress = self.progress.lock();
        if progress.trouble.as_ref() != Some(&trouble) {
            tracing::warn!(topic = self.topic, reason = %trouble, "topic not read, reading goes on once it can be");
            progress.trouble = Some(trouble);
        }
    }
}

impl Client {
    /// Offsets of partitions, as the leaders know them now; without transactions that are open.
    fn offsets(
        &self,
        topic: &str,
        partitions: impl Iterator<Item = usize>,
        at: Offset,
        wait: Duration,
    ) -> Result<Vec<(usize, i64)>, ReadError> {
        let failed = |error: KafkaError| {
            let code = error.rdkafka_error_code().unwrap_or(Code::Fail);
            ReadError::of(code, topic, code.to_string())
        };
        let mut list = TopicPartitionList::new();
        for partition in partitions {
            list.add_partition_offset(topic, number(partition), at).map_err(failed)?;
        }
        if list.count() == 0 {
            return Ok(Vec::new());
        }
        let found = self.asking.offsets_for_times(list, wait).map_err(failed)?;
        let mut offsets = Vec::new();
        for found in found.elements() {
            found.error().map_err(failed)?;
            let (Ok(partition), Offset::Offset(offset)) =
                (usize::try_from(found.partition()), found.offset())
            else {
                return Err(ReadError::Unavailable("an offset is not known to its leader".to_owned()));
            };
            offsets.push((partition, offset));
        }
        Ok(offsets)
    }
}

/// The number of a partition at this place.
fn number(index: usize) -> i32 {
    i32::try_from(index).unwrap_or(i32::MAX)
}

#[cfg(test)]
mod tests;
