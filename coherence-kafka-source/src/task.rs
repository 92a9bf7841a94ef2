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

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use bytes::Bytes;
use coherence_kafka_common::map::{
    Entries, Listen, ListenTo, MapError, MapNotice, MapNotices, NamedMap, Session,
};
use coherence_kafka_core::topic_reader::{ReadError, read_topic};
use coherence_kafka_core::{BinaryEntry, EntryStore, StoreError};
use futures::StreamExt as _;
use futures::future::{BoxFuture, FutureExt as _, OptionFuture};
use futures::stream::BoxStream;
use tokio::sync::mpsc;
use tokio_util::sync::CancellationToken;

use crate::digest::KeyHash;
use crate::publisher::{Change, Publish, Publisher};
use crate::records::{Records, entry};
use crate::status::{State, Status};

mod outcomes;

pub use outcomes::Outcomes;

/// Events, or scanned entries, that are taken in one go.
const CHUNK: usize = 256;
/// Keys of one request that reads entries again.
const READ_KEYS: usize = 500;
/// Bytes of keys that wait to be read again.
const READ_BYTES: usize = 8 << 20;
/// How often what waits for calm is looked at.
const TICK: Duration = Duration::from_millis(200);
/// How long behind a truncation events may still come that happened before it: map and topic are compared once more then.
const STRAGGLERS: Duration = Duration::from_secs(5);
/// How long Kafka may say nothing while a topic is read.
const KAFKA_PATIENCE: Duration = Duration::from_secs(15);
/// The shortest and the longest pause before something that failed is tried again.
const PAUSES: (Duration, Duration) = (Duration::from_millis(200), Duration::from_secs(5));

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
    /// Asked before each record: this process, and no other, publishes.
    pub may_send: Arc<dyn Fn() -> bool + Send + Sync>,
    /// See [`crate::config::SourceConfig`].
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
    Flushed,
    TopicKeys(Option<Result<Vec<Bytes>, ReadError>>),
    Tick,
}

type Reading<'m> = BoxFuture<'m, Result<Vec<(Bytes, Bytes)>, MapError>>;
type Scan<'m> = BoxStream<'m, Vec<Result<(Bytes, Bytes), MapError>>>;

/// What is under way beside the events.
#[derive(Default)]
struct Work<'m> {
    reading: Option<Reading<'m>>,
    /// What is being read.
    asked: Vec<(Bytes, KeyHash)>,
    scan: Option<Scan<'m>>,
    /// The scan has ended: what was sent must be in the topic before it is looked through.
    flushing: Option<BoxFuture<'m, ()>>,
    looking: Option<mpsc::Receiver<Result<Vec<Bytes>, ReadError>>>,
    not_before: Option<Instant>,
    /// When map and topic are compared once more.
    compare_at: Option<Instant>,
    pauses: Option<ExponentialBackoff>,
}

impl Work<'_> {
    fn is_comparing(&self) -> bool {
        self.scan.is_some() || self.flushing.is_some() || self.looking.is_some()
    }

    /// Nothing new is begun for a while.
    fn pause(&mut self) {
        let pauses = self.pauses.get_or_insert_with(pauses);
        self.not_before = Some(Instant::now() + pauses.next().unwrap_or(PAUSES.1));
    }

    fn may_begin(&self) -> bool {
        self.not_before.is_none_or(|until| Instant::now() >= until)
    }
}

fn pauses() -> ExponentialBackoff {
    ExponentialBuilder::default()
        .with_min_delay(PAUSES.0)
        .with_max_delay(PAUSES.1)
        .with_jitter()
        .without_max_times()
        .build()
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
                        Some(()) = OptionFuture::from(work.flushing.as_mut()) => Input::Flushed,
                        Some(keys) = OptionFuture::from(
                            work.looking.as_mut().filter(|_| looking).map(|keys| keys.recv()),
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
                        let store = store.clone();
                        work.flushing = Some(async move { store.flush().await }.boxed());
                    } else {
                        publisher.end_comparison();
                    }
                    true
                }
                Input::Flushed => {
                    work.flushing = None;
                    work.looking = Some(self.look_through());
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

    /// False where it is to stop.
    async fn on_notices(
        &mut self,
        publisher: &mut Publisher,
        notices: Vec<MapNotice>,
        stop: &CancellationToken,
    ) -> bool {
        for notice in notices {
            let event = match notice {
                MapNotice::Event(event) => event,
                MapNotice::Truncated => {
                    self.missed(publisher, "truncated");
                    continue;
                }
                // The notices end behind it.
                MapNotice::Destroyed => {
                    self.missed(publisher, "destroyed");
                    continue;
                }
                MapNotice::Gap(reason) => {
                    self.missed(publisher, &reason);
                    continue;
                }
            };
            self.status.events.one();
            let expired = event.expired;
            let (changed, old) = self.records.of_event(event);
            let hashes = match self.records.hashes(&changed) {
                Ok(hashes) => hashes,
                Err(error) => {
                    self.refused(&error);
                    continue;
                }
            };
            let old = if publisher.needs_old(hashes.key, expired) {
                let before = entry(changed.key.clone(), old, true);
                self.records.hashes(&before).ok().and_then(|before| before.value)
            } else {
                None
            };
            let change = Change { old, new: hashes.value, expired };
            let publish = publisher.on_event(&changed.key, hashes.key, change);
            if publish.is_some() && !self.send(changed, stop).await {
                return false;
            }
        }
        true
    }

    fn missed(&self, publisher: &mut Publisher, reason: &str) {
        self.status.gaps.one();
        tracing::info!(map = self.status.map, reason, "changes may be missing: map and topic are compared");
        publisher.want_comparison();
    }

    fn refused(&self, error: &StoreError) {
        self.status.refused.one();
        tracing::error!(map = self.status.map, topic = self.status.topic, %error, "entry not published");
    }

    async fn on_scanned(
        &mut self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        items: Vec<Result<(Bytes, Bytes), MapError>>,
        stop: &CancellationToken,
    ) -> Result<bool, TaskError> {
        for item in items {
            let (key, value) = match item {
                Ok(item) => item,
                Err(error) => {
                    work.scan = None;
                    work.pause();
                    publisher.fail_comparison();
                    self.grid_failed(error)?;
                    return Ok(true);
                }
            };
            self.status.scanned.one();
            let mut scanned = entry(key, Some(value), false);
            let hashes = match self.records.hashes(&scanned) {
                Ok(hashes) => hashes,
                Err(error) => {
                    self.refused(&error);
                    continue;
                }
            };
            let publish = match hashes.value {
                Some(value) => publisher.on_scanned(hashes.key, value),
                // Null for serializers: a null value, which is what an absent key has.
                None => None,
            };
            if let Some(Publish { update }) = publish {
                scanned.update = update;
                if !self.send(scanned, stop).await {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Reads the topic once more, for the bytes of its keys.
    fn look_through(&self) -> mpsc::Receiver<Result<Vec<Bytes>, ReadError>> {
        let take = |key: Option<&[u8]>, _: Option<&[u8]>| key.map(Bytes::copy_from_slice);
        read_topic(self.consumer.clone(), self.status.topic.clone(), KAFKA_PATIENCE, take)
    }

    fn on_topic_keys(
        &mut self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        keys: Option<Result<Vec<Bytes>, ReadError>>,
    ) -> Result<(), TaskError> {
        match keys {
            Some(Ok(keys)) if keys.is_empty() => {
                work.looking = None;
                publisher.end_comparison();
            }
            Some(Ok(keys)) => {
                for key in keys {
                    let hash = self.records.hasher().key(&key);
                    if publisher.is_missing(hash)
                        && let Some(map_key) = self.records.map_key(&key)
                    {
                        publisher.on_topic_key(&map_key, hash);
                    }
                }
            }
            ended => {
                work.looking = None;
                work.pause();
                publisher.fail_comparison();
                if let Some(Err(error)) = ended {
                    self.kafka_failed(error)?;
                }
            }
        }
        Ok(())
    }

    fn begin_reading<'m>(&self, publisher: &mut Publisher, map: &'m dyn NamedMap, work: &mut Work<'m>) {
        if work.reading.is_some() || !work.may_begin() {
            return;
        }
        let keys = publisher.next_reads(READ_KEYS);
        if keys.is_empty() {
            return;
        }
        let batch = Arc::new(Entries::from_keys(keys.iter().map(|(key, _)| key)));
        work.asked = keys;
        work.reading = Some(map.get_all(batch));
    }

    async fn on_read(
        &mut self,
        publisher: &mut Publisher,
        work: &mut Work<'_>,
        answer: Result<Vec<(Bytes, Bytes)>, MapError>,
        stop: &CancellationToken,
    ) -> Result<bool, TaskError> {
        work.reading = None;
        let keys = std::mem::take(&mut work.asked);
        let mut present: HashMap<Bytes, Bytes> = match answer {
            Ok(present) => {
                work.pauses = None;
                present.into_iter().collect()
            }
            Err(error) => {
                for (key, hash) in keys {
                    publisher.on_read_failed(&key, hash);
                }
                work.pause();
                self.grid_failed(error)?;
                return Ok(true);
            }
        };
        for (key, hash) in keys {
            let mut read = entry(key.clone(), present.remove(&key), false);
            let hashes = match self.records.hashes(&read) {
                Ok(hashes) => hashes,
                Err(error) => {
                    self.refused(&error);
                    publisher.on_read_refused(hash);
                    continue;
                }
            };
            if let Some(Publish { update }) = publisher.on_read(&key, hash, hashes.value) {
                read.update = update;
                if !self.send(read, stop).await {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    fn on_failed(&mut self, publisher: &mut Publisher, failed: &BinaryEntry, error: &StoreError) {
        let refused = !error.is_retriable();
        if refused {
            self.refused(error);
        } else {
            self.status.failed.one();
            self.status.set(State::KafkaAway);
            tracing::debug!(topic = self.status.topic, %error, "record not acknowledged");
        }
        if let Ok(hashes) = self.records.hashes(failed) {
            publisher.on_store_failed(&failed.key, hashes.key, hashes.value, refused);
        }
    }

    /// Gives a record to the store, once it has room. False where it is to stop, or may not send any more.
    async fn send(&self, entry: BinaryEntry, stop: &CancellationToken) -> bool {
        if self.store.room().now_or_never().is_none()
            && stop.run_until_cancelled(self.store.room()).await.is_none()
        {
            return false;
        }
        if stop.is_cancelled() || !(self.may_send)() {
            return false;
        }
        self.status.records.one();
        self.status.in_flight.move_by(1);
        if entry.value.is_some() {
            self.store.store(entry, self.outcomes.observer());
        } else {
            self.store.erase(entry, self.outcomes.observer());
        }
        true
    }

    fn count(&self, publisher: &mut Publisher) {
        let counts = publisher.take_counts();
        self.status.superfluous.add(counts.superfluous);
        self.status.overtaken.add(counts.overtaken);
    }

    fn show(&self, publisher: &Publisher) {
        let status = &self.status;
        status.digest_keys.set(publisher.keys());
        status.digest_bytes.set(publisher.digest_bytes());
    }
}

async fn sleep(pauses: &mut ExponentialBackoff) {
    tokio::time::sleep(pauses.next().unwrap_or(PAUSES.1)).await;
}
