//! Few records, each acknowledged with its position: for topics that programs share as a log ([`crate::topic_log`]).
//!
//! [`TopicWriter`] appends. [`ExclusiveWriter`] appends only while no other writer with its transactional id has claimed the
//! log since, so that a change can depend on what the log holds:
//!
//! ```text
//! claim ──► read the log to its end ──► decide ──► write ──► committed: nothing came between
//!   ▲                                                 │
//!   └───────────── fenced, failed, unknown ◄──────────┘
//! ```
//!
//! Both write records without headers and compression, to the partitions that Java's producer selects. They have no thread
//! of their own; librdkafka's events wait for the next call.

use std::fmt;
use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;

use crate::consumer::offsets::OffsetQueue;
use crate::error_capture::explained;
use crate::producer::{Client, HeaderList, Lost, NotTaken, Topic, Unfinished};
use crate::record::TopicPartition;

/// The broker aborts a transaction that is open for so long.
const TRANSACTION_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a failed transaction may take to abort. Otherwise readers of committed records wait for its timeout.
const ABORT: Duration = Duration::from_secs(1);
/// How long discarded records may take to be reported.
const PURGE: Duration = Duration::from_secs(1);
/// The longest wait for one event.
const POLL: Duration = Duration::from_millis(100);
/// The backoff of a writer that was fenced, before it is doubled.
const BACKOFF: Duration = Duration::from_millis(25);
/// How often it is doubled.
const BACKOFF_DOUBLINGS: u32 = 5;
/// How many events are handled where none is waited for.
const EVENTS: usize = 100;
/// The time between two looks for the end of a transaction.
const RETRY: Duration = Duration::from_millis(10);

/// Settings that the writers decide, with the other names that librdkafka has for them.
const DECIDED: [&str; 19] = [
    "acks",
    "request.required.acks",
    "partitioner",
    "compression.type",
    "compression.codec",
    "linger.ms",
    "queue.buffering.max.ms",
    "enable.idempotence",
    "max.in.flight",
    "max.in.flight.requests.per.connection",
    "retries",
    "message.send.max.retries",
    "message.timeout.ms",
    "delivery.timeout.ms",
    "transactional.id",
    "transaction.timeout.ms",
    "enable.gapless.guarantee",
    "group.id",
    "group.instance.id",
];

/// A record: key and value; no value is a tombstone.
pub type KeyValue = (Vec<u8>, Option<Vec<u8>>);

/// Where a record was written: partition and offset.
pub type Position = (i32, i64);

/// Why records are not written, or may not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// None of the records is written, and none will be.
    #[error("not written: {0}")]
    Failed(String),
    /// None of the records is written: another writer has claimed the log since.
    #[error("not written: another writer has claimed the topic")]
    Fenced,
    /// It is not known whether they are written; in a transaction, all of them or none.
    #[error("perhaps written: {0}")]
    Unknown(String),
}

/// Why a log is not claimed.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ClaimError {
    /// Settings that librdkafka refuses, or a permission that is missing: the same call fails again.
    #[error("refused by kafka: {0}")]
    Refused(String),
    /// Kafka did not answer in time, or an earlier transaction has not ended yet.
    #[error("not claimed: {0}")]
    Unavailable(String),
}

impl ClaimError {
    /// True where the same call may succeed later without any change.
    pub fn is_retriable(&self) -> bool {
        matches!(self, Self::Unavailable(_))
    }
}

/// A writer that does not exist because librdkafka refuses its settings.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("kafka client not created: {0}")]
pub struct OpenError(String);

/// Appends records to a topic. Other programs may append to it too.
#[derive(Debug)]
pub struct TopicWriter {
    sender: Mutex<Sender>,
}

impl TopicWriter {
    /// A writer to `topic`, with producer `settings` by librdkafka's names.
    ///
    /// # Errors
    /// What librdkafka refuses.
    pub fn open(settings: &[(String, String)], topic: &str) -> Result<Self, OpenError> {
        // One request at a time: a retry must not put an old value behind a new one.
        let own = [("max.in.flight", "1"), ("enable.idempotence", "false")];
        let sender = Sender::new(settings, &own, topic).map_err(OpenError)?;
        Ok(Self { sender: Mutex::new(sender) })
    }

    /// Writes records in this order, and returns the position of each. Other callers wait meanwhile.
    ///
    /// # Errors
    /// Why not all of them are acknowledged within `wait`. After [`WriteError::Unknown`] some of them may be written.
    pub fn write(&self, records: &[KeyValue], wait: Duration) -> Result<Vec<Position>, WriteError> {
        let until = Instant::now() + wait;
        let Some(mut sender) = self.sender.try_lock_until(until) else {
            return Err(WriteError::Failed("an earlier write is not acknowledged yet".to_owned()));
        };
        sender.send(records, until).map_err(|unsent| match unsent.may_be_written {
            true => WriteError::Unknown(unsent.reason),
            false => WriteError::Failed(unsent.reason),
        })
    }
}

/// Appends records to a topic while no other writer with the same transactional id does.
pub struct ExclusiveWriter {
    settings: Vec<(String, String)>,
    topic: String,
    transactional_id: String,
    claim: Option<Claim>,
    /// How often it was fenced since its last write.
    fenced: u32,
}

impl fmt::Debug for ExclusiveWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ExclusiveWriter")
            .field("topic", &self.topic)
            .field("transactional_id", &self.transactional_id)
            .finish_non_exhaustive()
    }
}

struct Claim {
    // Declared first: the queue is dropped before the client.
    ends: OffsetQueue,
    sender: Sender,
    /// The last position of each partition in the last transaction, until readers of committed records can see it.
    unseen: Vec<Position>,
}

impl ExclusiveWriter {
    /// A writer to `topic` with producer `settings` by librdkafka's names. Nothing is sent before [`ExclusiveWriter::claim`].
    pub fn new(settings: &[(String, String)], topic: &str, transactional_id: &str) -> Self {
        Self {
            settings: settings.to_owned(),
            topic: topic.to_owned(),
            transactional_id: transactional_id.to_owned(),
            claim: None,
            fenced: 0,
        }
    }

    /// Claims the log. Afterwards every transaction of earlier writers is finished, and none of them can write any longer; the
    /// transactions of this one are finished too. So a reader of committed records that reads to the end from now on has
    /// everything that was written before.
    ///
    /// A writer that has claimed the log, and has not failed since, does not claim it again: where another one has, the next
    /// write is [`WriteError::Fenced`]. After that, the next claim waits for a moment, so that writers do not keep fencing each
    /// other before any of them writes.
    ///
    /// # Errors
    /// Why the log is not claimed within `wait`.
    pub fn claim(&mut self, wait: Duration) -> Result<(), ClaimError> {
        let until = Instant::now() + wait;
        if self.fenced > 0 {
            std::thread::sleep(backoff(self.fenced).min(wait));
        }
        if let Some(mut claim) = self.claim.take() {
            if claim.is_seen(&self.topic, until) {
                self.claim = Some(claim);
                return Ok(());
            }
            tracing::debug!(
                topic = self.topic,
                "last transaction not complete in time, claiming the topic again"
            );
        }
        let timeout = TRANSACTION_TIMEOUT.as_millis().to_string();
        let own = [
            ("transactional.id", self.transactional_id.as_str()),
            ("transaction.timeout.ms", &timeout),
            ("message.timeout.ms", &timeout),
        ];
        let sender = Sender::new(&self.settings, &own, &self.topic).map_err(ClaimError::Refused)?;
        sender.client.reach(&self.topic, left(until));
        loop {
            match sender.client.init_transactions(left(until)) {
                Ok(()) => break,
                Err(Unfinished::Pending(_)) if Instant::now() < until => {}
                Err(unfinished) => return Err(sender.unclaimed(unfinished)),
            }
        }
        let ends = OffsetQueue::committed(sender.client.native_ptr());
        self.claim = Some(Claim { ends, sender, unseen: Vec::new() });
        Ok(())
    }

    /// Writes records in this order and in one transaction, all of them or none, and returns the position of each. Readers of
    /// committed records may see them a moment later.
    ///
    /// # Errors
    /// Why they are not written, or may not be, within `wait`. After each error the log must be claimed again.
    pub fn write(&mut self, records: &[KeyValue], wait: Duration) -> Result<Vec<Position>, WriteError> {
        let Some(mut claim) = self.claim.take() else {
            return Err(WriteError::Failed("the topic is not claimed".to_owned()));
        };
        let written = match records {
            [] => Ok(Vec::new()),
            records => claim.sender.commit(records, Instant::now() + wait),
        };
        self.fenced = match &written {
            Err(WriteError::Fenced) => self.fenced + 1,
            _ => 0,
        };
        let positions = written?;
        for (partition, offset) in &positions {
            claim.unseen.retain(|(found, _)| found != partition);
            claim.unseen.push((*partition, *offset));
        }
        self.claim = Some(claim);
        Ok(positions)
    }
}

impl Claim {
    /// Whether readers of committed records can see what this writer has written: waits until they can.
    fn is_seen(&mut self, topic: &str, until: Instant) -> bool {
        while !self.unseen.is_empty() {
            let partition =
                |(partition, _): &Position| TopicPartition { topic: topic.to_owned(), partition: *partition };
            let asked: Vec<TopicPartition> = self.unseen.iter().map(partition).collect();
            self.ends.ask(asked.iter());
            let Some(ends) = self.ends.answer_within(left(until)) else { return false };
            self.unseen.retain(|(partition, offset)| {
                !ends.iter().any(|(found, end)| found.partition == *partition && end > offset)
            });
            if !self.unseen.is_empty() {
                if Instant::now() >= until {
                    return false;
                }
                std::thread::sleep(RETRY);
            }
        }
        true
    }
}

/// A client and the topic it sends to.
#[derive(Debug)]
struct Sender {
    client: Arc<Client>,
    topic: Topic,
    /// The number of the next record.
    next: usize,
}

/// Why records were not all acknowledged.
struct Unsent {
    reason: String,
    may_be_written: bool,
}

impl Sender {
    /// Another writer that claims the topic is no failure, so librdkafka's errors about it are not logged as such.
    fn new(settings: &[(String, String)], own: &[(&str, &str)], topic: &str) -> Result<Self, String> {
        let user = settings.iter().filter(|(name, _)| !DECIDED.contains(&name.as_str())).cloned();
        let shared = [
            ("acks", "all"),
            // Java's default: readers of Java find a key in the partition where they look for it.
            ("partitioner", "murmur2_random"),
            ("compression.type", "none"),
            ("linger.ms", "0"),
        ];
        let decided = shared.iter().chain(own).map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        let client = Client::quiet(&user.chain(decided).collect::<Vec<_>>())?;
        let topic = Topic::new(&client, topic)?;
        Ok(Self { client, topic, next: 0 })
    }

    /// Sends records, and waits for their acknowledgements. Afterwards none is on its way, except for what the network holds.
    fn send(&mut self, records: &[KeyValue], until: Instant) -> Result<Vec<Position>, Unsent> {
        let first = self.next;
        let mut sending = Sending { first, positions: vec![None; records.len()], ..Sending::default() };
        let mut fatal = false;
        for (key, value) in records {
            let produce = || {
                self.client.produce(&self.topic, None, key, value.as_deref(), HeaderList::new(&[]), self.next)
            };
            let outcome = loop {
                match produce() {
                    Err((NotTaken::Full, _)) if Instant::now() < until => {
                        fatal |= sending.poll(&self.client, POLL.min(left(until)));
                    }
                    outcome => break outcome,
                }
            };
            if let Err((not_taken, _)) = outcome {
                sending.failed(self.not_taken(not_taken));
                break;
            }
            self.next += 1;
        }
        let sent = self.next - first;
        while sending.reported < sent && !fatal && Instant::now() < until {
            fatal = sending.poll(&self.client, POLL.min(left(until)));
        }
        if sending.reported < sent {
            sending.failed(match fatal {
                true => self.client.lost().to_string(),
                false => self.trouble("no acknowledgement in time"),
            });
            self.client.purge(true);
            let until = Instant::now() + PURGE;
            while sending.reported < sent && Instant::now() < until {
                sending.poll(&self.client, POLL.min(left(until)));
            }
            sending.may_be_written |= sending.reported < sent;
        }
        match sending.reason {
            Some(reason) => Err(Unsent { reason, may_be_written: sending.may_be_written }),
            None => Ok(sending.positions.into_iter().flatten().collect()),
        }
    }

    fn not_taken(&self, not_taken: NotTaken) -> String {
        match not_taken {
            NotTaken::Because(error) => error.to_string(),
            NotTaken::Full => self.trouble("the queue of the producer is full"),
            NotTaken::Fatal => self.client.lost().to_string(),
            NotTaken::NoTransaction => "no transaction has begun".to_owned(),
        }
    }

    /// Writes records in one transaction. A client that fails is not used again.
    fn commit(&mut self, records: &[KeyValue], until: Instant) -> Result<Vec<Position>, WriteError> {
        self.drain();
        if let Err(unfinished) = self.client.begin_transaction() {
            return Err(self.unwritten(&unfinished.into(), String::new()));
        }
        let positions = match self.send(records, until) {
            Ok(positions) => positions,
            // Without a commit nothing of it is ever visible, whether the abort succeeds or not.
            Err(unsent) => {
                self.abort();
                return Err(self.unwritten(&self.client.lost(), unsent.reason));
            }
        };
        loop {
            match self.client.commit_transaction(left(until)) {
                Ok(()) => return Ok(positions),
                Err(Unfinished::Pending(_)) if Instant::now() < until => {}
                // A first attempt may have succeeded, even where a later one is fenced.
                Err(Unfinished::Pending(reason) | Unfinished::Aborts(reason, _)) => {
                    self.drain();
                    return Err(WriteError::Unknown(self.trouble(&reason)));
                }
                Err(Unfinished::Lost(lost)) => return Err(WriteError::Unknown(lost.to_string())),
            }
        }
    }

    fn abort(&self) {
        let until = Instant::now() + ABORT;
        while let Err(Unfinished::Pending(_)) = self.client.abort_transaction(POLL) {
            self.drain();
            if Instant::now() >= until {
                return;
            }
        }
    }

    fn unwritten(&self, lost: &Lost, reason: String) -> WriteError {
        match lost {
            Lost::Fenced => WriteError::Fenced,
            lost if reason.is_empty() => WriteError::Failed(lost.to_string()),
            _ => WriteError::Failed(reason),
        }
    }

    fn unclaimed(&self, unfinished: Unfinished) -> ClaimError {
        match unfinished {
            Unfinished::Lost(Lost::Refused(reason)) => ClaimError::Refused(reason),
            Unfinished::Lost(lost) => ClaimError::Unavailable(lost.to_string()),
            Unfinished::Pending(reason) | Unfinished::Aborts(reason, _) => {
                self.drain();
                ClaimError::Unavailable(self.trouble(&reason))
            }
        }
    }

    /// Handles what has arrived while no record is on its way.
    fn drain(&self) {
        for _ in 0..EVENTS {
            Sending::default().poll(&self.client, Duration::ZERO);
        }
    }

    /// What happened, with the last error of the connections.
    fn trouble(&self, general: &str) -> String {
        self.client
            .trouble()
            .map_or_else(|| general.to_owned(), |cause| format!("{general}: {}", explained(&cause)))
    }
}

/// Records that are being sent.
#[derive(Debug, Default)]
struct Sending {
    /// The number of the first one.
    first: usize,
    positions: Vec<Option<Position>>,
    reported: usize,
    reason: Option<String>,
    may_be_written: bool,
}

impl Sending {
    /// Waits for the next event of the client. Returns whether the client has failed for good.
    fn poll(&mut self, client: &Client, wait: Duration) -> bool {
        let mut reports = Vec::new();
        let fatal = client.poll(wait, &mut reports);
        for report in reports {
            let place = report.number.checked_sub(self.first).and_then(|index| self.positions.get_mut(index));
            // Of an earlier call.
            let Some(position) = place else { continue };
            self.reported += 1;
            match report.outcome {
                Ok(()) => {
                    *position = Some((report.partition, report.offset));
                    self.may_be_written = true;
                }
                Err(error) => {
                    self.may_be_written |= report.may_be_written;
                    self.failed(error.to_string());
                }
            }
        }
        fatal
    }

    fn failed(&mut self, reason: String) {
        self.reason.get_or_insert(reason);
    }
}

/// A time up to a limit that doubles with each time that the writer was fenced.
fn backoff(fenced: u32) -> Duration {
    let limit = BACKOFF.saturating_mul(1 << fenced.min(BACKOFF_DOUBLINGS));
    // The hash of nothing with a new key: random.
    let random = RandomState::new().hash_one(()) % 1_000;
    limit.mul_f64(random as f64 / 1_000.0)
}

fn left(until: Instant) -> Duration {
    until.saturating_duration_since(Instant::now())
}

#[cfg(test)]
mod tests;
