//! The publishing of one map, as long as this process leads.
//!
//! ```text
//! listen ─► ┌ events, answers, scanned entries ─► publisher ─► entry store ─► topic
//!   ▲       │ outcomes of the store ────────────► publisher
//!   │       │ a reading is wanted ─► flush ─► the topic (digest)
//!   └───────┴ a comparison is wanted ─► scan ─► flush ─► the topic once more, for missing keys
//! the map was destroyed
//! ```
//!
//! Listening begins before anything is read, so that no change falls between. Events wait until the topic was read for
//! the first time; later readings go on while changes are published. While the store has no room the task takes no
//! events: they wait in the listener's queue, and where that overflows, a gap and a comparison follow.
//! They wait as well while Kafka accepts no record of the topic until an operator acts.
//!
//! Entries become records in `conversions.rs`. What each input leads to is in `inputs.rs`, and in `readings.rs` for those
//! of the topic; what is under way in `work.rs`, what was not acknowledged in `outcomes.rs`.

use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use coherence_kafka_common::map::{Listen, ListenTo, MapError, MapNotice, MapNotices, NamedMap, Session};
use coherence_kafka_core::{BinaryEntry, EntryStore as _, KafkaEntryStore, StoreError};
use coherence_kafka_rdkafka::topic_reader::ReadError;
use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _, OptionFuture};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::config::ErrorConfig;
use crate::publisher::Publisher;
use crate::records::Records;
use crate::status::{State, Status};

mod conversions;
mod inputs;
mod outcomes;
mod readings;
mod refusals;
mod work;

pub(crate) use outcomes::Outcomes;
pub(crate) use refusals::Refusals;
use work::{Digested, Looking, Pauses, TopicKey, Trouble, Work};

/// Events, or scanned entries, that are taken in one go.
const CHUNK: usize = 256;
/// Bytes of keys that wait to be read again.
const READ_BYTES: usize = 8 << 20;
/// How often what waits for calm is looked at.
const TICK: Duration = Duration::from_millis(200);
/// How long behind a truncation events may still come that happened before it: map and topic are compared once more then.
const STRAGGLERS: Duration = Duration::from_secs(5);
/// How long Kafka may stay silent while a topic is read.
const KAFKA_PATIENCE: Duration = Duration::from_secs(15);

/// The parts of a task.
pub(crate) struct Task {
    /// Where the map is.
    pub session: Arc<dyn Session>,
    /// Converts its entries to records.
    pub records: Records,
    /// Where records go.
    pub store: Arc<KafkaEntryStore>,
    /// The records that the store does not acknowledge.
    pub outcomes: Outcomes,
    /// Settings of the consumer that reads the topic, by librdkafka's names.
    pub consumer: Vec<(String, String)>,
    /// Lets a topic be read: all tasks together have a few consumers only.
    pub readers: Arc<Semaphore>,
    /// Asked before each record: this process, and no other, publishes.
    pub may_send: Arc<dyn Fn() -> bool + Send + Sync>,
    /// Decides about refusals.
    pub refusals: Arc<Refusals>,
    /// See [`crate::config::MapConfig`].
    pub publish_expirations: bool,
    /// See [`crate::config::SourceConfig`].
    pub comparison_interval: Option<Duration>,
    /// How entries are treated that cannot become a record.
    pub errors: ErrorConfig,
    /// The entry that ends the task, because no such entry is tolerated.
    pub fatal: Option<TaskError>,
    /// Ends when map and topic are equal, instead of following the changes.
    pub once: bool,
    /// Its status for others.
    pub status: Arc<Status>,
}

impl std::fmt::Debug for Task {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Task").finish_non_exhaustive()
    }
}

/// Why a task ended without being stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// The grid refuses an operation.
    #[error("map {map}: {error}")]
    Map {
        /// The map.
        map: String,
        /// The error of the grid.
        error: MapError,
    },
    /// An entry cannot become a record, and no such entry is tolerated.
    #[error(
        "map {map}: an entry cannot be published to topic {topic}, and errors.tolerance is none: {error}"
    )]
    Entry {
        /// The map.
        map: String,
        /// The topic.
        topic: String,
        /// Why, without its bytes.
        error: String,
    },
    /// The topic cannot be read.
    #[error("topic {topic}: {error}")]
    Topic {
        /// The topic.
        topic: String,
        /// The error of Kafka.
        error: ReadError,
    },
}

/// How following the events has ended.
enum Ended {
    Stopped,
    /// Map and topic were equal, which was all that was asked for.
    Equal,
    /// The map was destroyed: the map that its next use creates needs a new listener.
    Destroyed,
}

/// What comes next.
enum Input {
    Stop,
    Failed(BinaryEntry, StoreError),
    Notices(Option<Vec<MapNotice>>),
    Read(Result<Vec<(Bytes, Bytes)>, MapError>),
    Scanned(Option<Vec<Result<(Bytes, Bytes), MapError>>>),
    ScannedKeys(Option<Vec<Result<Bytes, MapError>>>),
    Flushed(Option<OwnedSemaphorePermit>),
    Digested(Option<Result<Vec<Digested>, ReadError>>),
    TopicKeys(Option<Result<Vec<TopicKey>, ReadError>>),
    Tick,
}

impl Task {
    /// Publishes until `stop`, through outages of the grid and of Kafka. What was sent may still be on its way then.
    ///
    /// True where map and topic were equal, which is the end of a task that runs once.
    ///
    /// # Errors
    /// What no waiting can mend.
    pub(crate) async fn run(&mut self, stop: &CancellationToken) -> Result<bool, TaskError> {
        let ended = self.publish(stop).await;
        self.status.set(if matches!(ended, Err(_) | Ok(true)) { State::Stopped } else { State::StandingBy });
        ended
    }

    async fn publish(&mut self, stop: &CancellationToken) -> Result<bool, TaskError> {
        // What was sent in an earlier time of leading is in the topic, or never will be.
        if stop.run_until_cancelled(self.store.flush()).await.is_none() {
            return Ok(false);
        }
        self.outcomes.forget();
        let mut publisher = Publisher::new(self.publish_expirations, READ_BYTES);
        loop {
            let Some((map, notices)) = self.listen(stop).await? else { return Ok(false) };
            publisher.want_comparison();
            match self.follow(&mut publisher, &*map, notices, stop).await? {
                Ended::Stopped => return Ok(false),
                Ended::Equal => return Ok(true),
                Ended::Destroyed => publisher.fail_comparison(),
            }
        }
    }

    /// Listens to the map, once the grid is available. Returns `None` where it was stopped.
    async fn listen(
        &self,
        stop: &CancellationToken,
    ) -> Result<Option<(Arc<dyn NamedMap>, MapNotices)>, TaskError> {
        let mut pauses = Pauses::default();
        loop {
            let listening = async {
                let map = self.session.map(&self.status.map).await?;
                let notices = map.listen(Listen { to: ListenTo::All, lite: false }).await?;
                Ok((map, notices))
            };
            let trouble = match stop.run_until_cancelled(listening).await {
                None => return Ok(None),
                Some(Ok(listening)) => return Ok(Some(listening)),
                Some(Err(error)) => self.grid_failed(error)?,
            };
            if stop.run_until_cancelled(pauses.sleep(trouble)).await.is_none() {
                return Ok(None);
            }
        }
    }

    /// Waits out an outage, and a refusal unless it ends the task.
    fn grid_failed(&self, error: MapError) -> Result<Trouble, TaskError> {
        if error.is_retriable() {
            self.status.set(State::GridAway);
            tracing::warn!(map = self.status.map, %error, "grid not available, retrying");
            return Ok(Trouble::Away);
        }
        self.refused_by(&error);
        if self.refusals.on_refused(&self.status.map) {
            return Err(TaskError::Map { map: self.status.map.clone(), error });
        }
        Ok(Trouble::Refused)
    }

    fn kafka_failed(&self, error: ReadError) -> Result<Trouble, TaskError> {
        if error.is_retriable() {
            self.status.set(State::KafkaAway);
            tracing::warn!(topic = self.status.topic, %error, "topic cannot be read, retrying");
            return Ok(Trouble::Away);
        }
        self.refused_by(&error);
        // An operator may create it, or permit to write to it, later.
        let may_come = matches!(error, ReadError::NoTopic(_) | ReadError::NotWritable(_)) && !self.once;
        if !may_come && self.refusals.on_refused(&self.status.map) {
            return Err(TaskError::Topic { topic: self.status.topic.clone(), error });
        }
        Ok(Trouble::Refused)
    }

    /// Shows a refusal, each cause once.
    fn refused_by(&self, error: &dyn std::fmt::Display) {
        if self.status.refuse(&error.to_string()) {
            tracing::error!(
                map = self.status.map,
                topic = self.status.topic,
                %error,
                "map refused, retrying; other maps continue"
            );
        }
    }

    /// Waits until everything that was sent so far has its outcome; with a turn to read the topic where one is needed.
    fn flushed(&self, turn: bool) -> BoxFuture<'static, Option<OwnedSemaphorePermit>> {
        let (store, readers) = (self.store.clone(), self.readers.clone());
        async move {
            store.flush().await;
            if turn { readers.acquire_owned().await.ok() } else { None }
        }
        .boxed()
    }

    /// Publishes changes and differences.
    async fn follow(
        &mut self,
        publisher: &mut Publisher,
        map: &dyn NamedMap,
        notices: MapNotices,
        stop: &CancellationToken,
    ) -> Result<Ended, TaskError> {
        let store = self.store.clone();
        let mut notices = pin!(notices.ready_chunks(CHUNK).peekable());
        let mut work = Work::default();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut compared = Instant::now();
        loop {
            if publisher.reading_wanted() && !work.is_comparing() && work.may_compare() {
                publisher.begin_reading();
                // A refusal is shown until Kafka sends something.
                if self.status.state() != State::Refused {
                    self.status.set(State::ReadingTopic);
                }
                work.flushing = Some(self.flushed(true));
            }
            if publisher.comparison_wanted() && !work.is_comparing() && work.may_compare() {
                publisher.begin_scan();
                compared = Instant::now();
                self.status.comparisons.one();
                self.status.set(State::Comparing);
                work.scan = Some(map.entries().ready_chunks(CHUNK).boxed());
            }
            let may_read_more = publisher.has_room_for_reads();
            let may_publish = publisher.knows_topic() && !work.blocked;
            let input = tokio::select! {
                biased;
                () = stop.cancelled() => Input::Stop,
                Some((entry, error)) = self.outcomes.failed() => Input::Failed(entry, error),
                // With nothing to send to, nothing is taken.
                input = async {
                    store.room().await;
                    tokio::select! {
                        some = notices.next(), if may_publish => Input::Notices(some),
                        Some(answer) = OptionFuture::from(work.reading.as_mut()) => Input::Read(answer),
                        Some(items) = OptionFuture::from(work.scan.as_mut().map(|scan| scan.next())) =>
                            Input::Scanned(items),
                        Some(keys) = OptionFuture::from(
                            work.key_scan.as_mut().filter(|_| may_read_more).map(|scan| scan.next()),
                        ) => Input::ScannedKeys(keys),
                        Some(turn) = OptionFuture::from(work.flushing.as_mut()) => Input::Flushed(turn),
                        Some(piece) = OptionFuture::from(
                            work.digesting.as_mut().map(|digesting| digesting.pieces.recv()),
                        ) => Input::Digested(piece),
                        Some(keys) = OptionFuture::from(
                            work.looking.as_mut().filter(|_| may_read_more).map(|looking| looking.pieces.recv()),
                        ) => Input::TopicKeys(keys),
                        _ = ticks.tick() => Input::Tick,
                    }
                } => input,
            };
            let goes_on = match input {
                Input::Stop => false,
                Input::Failed(entry, error) => {
                    self.on_failed(publisher, &mut work, &entry, &error, stop).await
                }
                Input::Notices(None) => {
                    for (key, hash) in work.asked {
                        publisher.on_read_failed(&key, hash);
                    }
                    return Ok(Ended::Destroyed);
                }
                Input::Notices(Some(notices)) => {
                    if notices.contains(&MapNotice::Truncated) {
                        work.compare_at = Some(Instant::now() + STRAGGLERS);
                    }
                    self.on_notices(publisher, notices, stop).await
                }
                Input::Read(answer) => {
                    let goes_on = self.on_read(publisher, &mut work, answer, stop).await?;
                    self.begin_reading(publisher, map, &mut work);
                    goes_on
                }
                Input::Scanned(Some(items)) => {
                    self.on_scanned(publisher, map, &mut work, items, stop).await?
                }
                Input::Scanned(None) | Input::ScannedKeys(None) => {
                    self.end_scan(publisher, &mut work);
                    true
                }
                Input::ScannedKeys(Some(keys)) => {
                    self.on_scanned_keys(publisher, &mut work, keys, stop).await?
                }
                Input::Flushed(turn) => {
                    work.flushing = None;
                    if publisher.is_reading() {
                        work.digesting = Some(Looking { pieces: self.digest_topic(), _turn: turn });
                    } else if work.to_find > 0 {
                        work.looking = Some(Looking { pieces: self.look_through(), _turn: turn });
                    } else {
                        publisher.end_comparison();
                    }
                    true
                }
                Input::Digested(piece) => {
                    self.on_digested(publisher, &mut work, piece)?;
                    true
                }
                Input::TopicKeys(keys) => self.on_topic_keys(publisher, &mut work, keys, stop).await?,
                Input::Tick => {
                    self.count(publisher);
                    let caught_up = notices.as_mut().peek().now_or_never().is_none();
                    publisher.on_tick(Instant::now(), caught_up);
                    if work.compare_at.take_if(|at| Instant::now() >= *at).is_some() {
                        publisher.want_comparison();
                    }
                    let due = |interval| compared.elapsed() >= interval && !work.is_comparing();
                    if self.comparison_interval.is_some_and(due) {
                        publisher.want_reading();
                    }
                    self.begin_reading(publisher, map, &mut work);
                    self.show(publisher);
                    true
                }
            };
            if let Some(error) = self.fatal.take() {
                return Err(error);
            }
            if !goes_on {
                return Ok(Ended::Stopped);
            }
            if publisher.is_settled() && !work.is_comparing() && work.reading.is_none() {
                if self.once {
                    // An outcome may still ask for more.
                    if stop.run_until_cancelled(store.flush()).await.is_none() {
                        return Ok(Ended::Stopped);
                    }
                    if self.outcomes.is_empty() {
                        self.count(publisher);
                        self.show(publisher);
                        return Ok(Ended::Equal);
                    }
                } else {
                    work.on_settled();
                    self.status.set(State::Following);
                }
            }
        }
    }
}
