//! The publishing of one map, as long as this process leads.
//!
//! ```text
//! listen ─► read the topic (digest) ─► ┌ events, answers, scanned entries ─► publisher ─► entry store ─► topic
//!   ▲                                  │ outcomes of the store ────────────► publisher
//!   └── the map was destroyed ◄────────┴ a comparison is wanted ─► scan ─► the topic once more, for missing keys
//! ```
//!
//! Listening begins before anything is read, so that no change falls between. Nothing is taken while the store has no
//! room: the grid's events then wait in the listener's queue, and what that cannot hold becomes a gap and a comparison.
//!
//! What each input leads to is in `inputs.rs`, what is under way in `work.rs`, what was not acknowledged in `outcomes.rs`.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use coherence_kafka_common::map::{Listen, ListenTo, MapError, MapNotice, MapNotices, NamedMap, Session};
use coherence_kafka_core::topic_reader::{ReadError, read_topic};
use coherence_kafka_core::{BinaryEntry, EntryStore, StoreError};
use futures::StreamExt as _;
use futures::future::{FutureExt as _, OptionFuture};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio_util::sync::CancellationToken;

use crate::publisher::Publisher;
use crate::records::Records;
use crate::status::{State, Status};

mod inputs;
mod outcomes;
mod work;

pub use outcomes::Outcomes;
use work::{Looking, Work, pauses, sleep};

/// Events, or scanned entries, that are taken in one go.
const CHUNK: usize = 256;
/// Bytes of keys that wait to be read again.
const READ_BYTES: usize = 8 << 20;
/// How often what waits for calm is looked at.
const TICK: Duration = Duration::from_millis(200);
/// How long behind a truncation events may still come that happened before it: map and topic are compared once more then.
const STRAGGLERS: Duration = Duration::from_secs(5);
/// How long Kafka may say nothing while a topic is read.
const KAFKA_PATIENCE: Duration = Duration::from_secs(15);

/// What a task is made of.
pub struct Task {
    /// Where the map is.
    pub session: Arc<dyn Session>,
    /// What its entries are in the topic.
    pub records: Records,
    /// Where records go.
    pub store: Arc<dyn EntryStore>,
    /// What the store does not acknowledge.
    pub outcomes: Outcomes,
    /// Settings of the consumer that reads the topic, by librdkafka's names.
    pub consumer: Vec<(String, String)>,
    /// Lets a topic be read: all tasks together have a few consumers only.
    pub readers: Arc<Semaphore>,
    /// Asked before each record: this process, and no other, publishes.
    pub may_send: Arc<dyn Fn() -> bool + Send + Sync>,
    /// See [`crate::config::MapConfig`].
    pub publish_expirations: bool,
    /// See [`crate::config::SourceConfig`].
    pub comparison_interval: Option<Duration>,
    /// Ends when map and topic are equal, instead of following the changes.
    pub once: bool,
    /// What others see of it.
    pub status: Arc<Status>,
}

/// Why a task has ended that nobody stopped.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TaskError {
    /// The grid will not do what is needed.
    #[error("map {map}: {error}")]
    Map {
        /// The map.
        map: String,
        /// What the grid says.
        error: MapError,
    },
    /// The topic cannot be read.
    #[error("topic {topic}: {error}")]
    Topic {
        /// The topic.
        topic: String,
        /// What Kafka says.
        error: ReadError,
    },
}

/// How following the events has ended.
enum Ended {
    Stopped,
    /// Map and topic were equal, which was all that was asked for.
    Equal,
    /// The map was destroyed: what its next use makes has to be listened to anew.
    Destroyed,
}

/// What comes next.
enum Input {
    Stop,
    Failed(BinaryEntry, StoreError),
    Notices(Option<Vec<MapNotice>>),
    Read(Result<Vec<(Bytes, Bytes)>, MapError>),
    Scanned(Option<Vec<Result<(Bytes, Bytes), MapError>>>),
    Flushed(Option<OwnedSemaphorePermit>),
    TopicKeys(Option<Result<Vec<Bytes>, ReadError>>),
    Tick,
}

impl Task {
    /// Publishes until `stop`, through outages of the grid and of Kafka. What was sent may still be on its way then.
    ///
    /// True where map and topic were equal, which is the end of a task that runs once.
    ///
    /// # Errors
    /// What no waiting can mend.
    pub async fn run(&mut self, stop: &CancellationToken) -> Result<bool, TaskError> {
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
        let mut topic_was_read = false;
        loop {
            let Some((map, notices)) = self.listen(stop).await? else { return Ok(false) };
            if !topic_was_read {
                if !self.read_topic(&mut publisher, stop).await? {
                    return Ok(false);
                }
                topic_was_read = true;
            }
            publisher.want_comparison();
            match self.follow(&mut publisher, &*map, notices, stop).await? {
                Ended::Stopped => return Ok(false),
                Ended::Equal => return Ok(true),
                Ended::Destroyed => publisher.fail_comparison(),
            }
        }
    }

    /// Listens to the map, once the grid is there. `None` where it was stopped.
    async fn listen(
        &self,
        stop: &CancellationToken,
    ) -> Result<Option<(Arc<dyn NamedMap>, MapNotices)>, TaskError> {
        let mut pauses = pauses();
        loop {
            let listening = async {
                let map = self.session.map(&self.status.map).await?;
                let notices = map.listen(Listen { to: ListenTo::All, lite: false }).await?;
                Ok((map, notices))
            };
            match stop.run_until_cancelled(listening).await {
                None => return Ok(None),
                Some(Ok(listening)) => return Ok(Some(listening)),
                Some(Err(error)) => self.grid_failed(error)?,
            }
            if stop.run_until_cancelled(sleep(&mut pauses)).await.is_none() {
                return Ok(None);
            }
        }
    }

    /// An outage is waited out; anything else ends the task.
    fn grid_failed(&self, error: MapError) -> Result<(), TaskError> {
        if !error.is_retriable() {
            return Err(TaskError::Map { map: self.status.map.clone(), error });
        }
        self.status.set(State::GridAway);
        tracing::warn!(map = self.status.map, %error, "grid away");
        Ok(())
    }

    fn kafka_failed(&self, error: ReadError) -> Result<(), TaskError> {
        let may_come = matches!(error, ReadError::NoTopic(_)) && !self.once;
        if !error.is_retriable() && !may_come {
            return Err(TaskError::Topic { topic: self.status.topic.clone(), error });
        }
        self.status.set(State::KafkaAway);
        tracing::warn!(topic = self.status.topic, %error, "topic not read");
        Ok(())
    }

    /// Takes in what the topic holds. False where it was stopped.
    async fn read_topic(
        &self,
        publisher: &mut Publisher,
        stop: &CancellationToken,
    ) -> Result<bool, TaskError> {
        let mut pauses = pauses();
        loop {
            self.status.set(State::ReadingTopic);
            let Some(turn) = stop.run_until_cancelled(self.readers.acquire()).await else { return Ok(false) };
            let hasher = self.records.hasher().clone();
            let take = move |key: Option<&[u8]>, value: Option<&[u8]>| {
                Some((hasher.key(key?), value.map(|value| hasher.value(value))))
            };
            let topic = self.status.topic.clone();
            let mut pieces = read_topic(self.consumer.clone(), topic, KAFKA_PATIENCE, take);
            let error = loop {
                let Some(piece) = stop.run_until_cancelled(pieces.recv()).await else { return Ok(false) };
                match piece {
                    Some(Ok(piece)) if piece.is_empty() => return Ok(true),
                    Some(Ok(piece)) => {
                        for (key, value) in piece {
                            publisher.on_topic_record(key, value);
                        }
                        self.show(publisher);
                    }
                    Some(Err(error)) => break error,
                    None => break ReadError::Unavailable("the reading ended by itself".to_owned()),
                }
            };
            drop(turn);
            self.kafka_failed(error)?;
            // What was taken in is read again: the last record of a key is the last one then too.
            if stop.run_until_cancelled(sleep(&mut pauses)).await.is_none() {
                return Ok(false);
            }
        }
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
        let mut notices = notices.ready_chunks(CHUNK);
        let mut work = Work::default();
        let mut ticks = tokio::time::interval(TICK);
        ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
        let mut compared = Instant::now();
        loop {
            if publisher.comparison_wanted() && !work.is_comparing() && work.may_begin() {
                publisher.begin_scan();
                compared = Instant::now();
                self.status.comparisons.one();
                self.status.set(State::Comparing);
                work.scan = Some(map.entries().ready_chunks(CHUNK).boxed());
            }
            let looking = work.looking.is_some() && publisher.has_room_for_reads();
            let input = tokio::select! {
                biased;
                () = stop.cancelled() => Input::Stop,
                Some((entry, error)) = self.outcomes.failed() => Input::Failed(entry, error),
                // With nothing to send to, nothing is taken.
                input = async {
                    store.room().await;
                    tokio::select! {
                        some = notices.next() => Input::Notices(some),
                        Some(answer) = OptionFuture::from(work.reading.as_mut()) => Input::Read(answer),
                        Some(items) = OptionFuture::from(work.scan.as_mut().map(|scan| scan.next())) =>
                            Input::Scanned(items),
                        Some(turn) = OptionFuture::from(work.flushing.as_mut()) => Input::Flushed(turn),
                        Some(keys) = OptionFuture::from(
                            work.looking.as_mut().filter(|_| looking).map(|looking| looking.keys.recv()),
                        ) => Input::TopicKeys(keys),
                        _ = ticks.tick() => Input::Tick,
                    }
                } => input,
            };
            let goes_on = match input {
                Input::Stop => false,
                Input::Failed(entry, error) => {
                    self.on_failed(publisher, &entry, &error);
                    if error.is_retriable() {
                        work.pause();
                    }
                    true
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
                Input::Scanned(Some(items)) => self.on_scanned(publisher, &mut work, items, stop).await?,
                Input::Scanned(None) => {
                    work.scan = None;
                    work.pauses = None;
                    if publisher.end_scan() > 0 {
                        let (store, readers) = (store.clone(), self.readers.clone());
                        let flushed = async move {
                            store.flush().await;
                            readers.acquire_owned().await.ok()
                        };
                        work.flushing = Some(flushed.boxed());
                    } else {
                        publisher.end_comparison();
                    }
                    true
                }
                Input::Flushed(turn) => {
                    work.flushing = None;
                    work.looking = Some(Looking { keys: self.look_through(), _turn: turn });
                    true
                }
                Input::TopicKeys(keys) => {
                    self.on_topic_keys(publisher, &mut work, keys)?;
                    true
                }
                Input::Tick => {
                    self.count(publisher);
                    publisher.on_tick(Instant::now());
                    let once_more = work.compare_at.take_if(|at| Instant::now() >= *at).is_some();
                    let due = |interval| compared.elapsed() >= interval && !work.is_comparing();
                    if once_more || self.comparison_interval.is_some_and(due) {
                        publisher.want_comparison();
                    }
                    self.begin_reading(publisher, map, &mut work);
                    self.show(publisher);
                    true
                }
            };
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
                    self.status.set(State::Following);
                }
            }
        }
    }
}
