//! The map first, then, later, the store: the queue and the task that empties it.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, MapError, NamedMap};
use parking_lot::{Mutex, MutexGuard};
use tokio::sync::{Notify, OwnedSemaphorePermit, Semaphore, TryAcquireError};
use tokio::task::yield_now;
use tokio::time::{Instant, sleep_until};

use super::change::{Change, ChangeAll, not_stored};
use super::options::ReadWriteOptions;
use super::queue::{Counts, Fate, Outcome, Queue, Settings, Settled, size_of};
use crate::binary_entry::BinaryEntry;
use crate::entry_store::EntryStore;
use crate::error::StoreError;
use crate::observer::{StoreObserver, notify_all, notify_error};

/// Pause before a failed change is retried, in addition to Kafka's own timeouts.
const RETRY_DELAY: Duration = Duration::from_secs(1);
/// A store that is blocked until an operator acts is asked again after this time at the latest.
const LONGEST_RETRY_DELAY: Duration = Duration::from_secs(30);
/// How often one cause for which changes wait is logged at most.
const CAUSE_EVERY: Duration = Duration::from_secs(30);
/// How often failures are logged at most.
const LOG_EVERY: Duration = Duration::from_secs(1);
/// A large batch is split, so that one call cannot need more room than the queue has.
const PIECE_BYTES: usize = 1 << 20;

/// The caller holds the claim on the keys, so that the queue sees the changes of a key in the order of the map.
pub(super) struct WriteBehind {
    map: Arc<dyn NamedMap>,
    store: Arc<dyn EntryStore>,
    observer: Option<Arc<dyn StoreObserver>>,
    queue: Mutex<Queue>,
    /// The bytes that the queue may still hold.
    room: Arc<Semaphore>,
    bound: usize,
    /// Callers that wait for room: while there are some, nothing waits for its time.
    waiting: AtomicUsize,
    /// Wakes the task.
    wake: Notify,
    /// A mutation has ended.
    ended: Notify,
    /// No further calls come: the task ends with the queue.
    last: AtomicBool,
    began: Instant,
    failures: Mutex<Failures>,
    waits_for: Mutex<Causes>,
}

/// Why changes wait, and when each cause was logged last.
#[derive(Default)]
struct Causes {
    logged: Vec<(String, Duration)>,
    last: Option<StoreError>,
}

impl Causes {
    /// Notes a cause. True where it is to be logged.
    fn note(&mut self, error: &StoreError, now: Duration) -> bool {
        // Texts of librdkafka differ by addresses and times: only what precedes them counts.
        let cause = match error {
            StoreError::Blocked(cause) => cause.split(':').next().unwrap_or_default(),
            _ => "outage",
        };
        self.last = Some(error.clone());
        self.logged.retain(|(_, at)| now.saturating_sub(*at) < CAUSE_EVERY);
        let due = !self.logged.iter().any(|(known, _)| known == cause);
        if due {
            self.logged.push((cause.to_owned(), now));
        }
        due
    }
}

#[derive(Default)]
struct Failures {
    unlogged: u64,
    error: Option<StoreError>,
    logged_at: Option<Instant>,
}

impl WriteBehind {
    pub(super) fn new(
        map: Arc<dyn NamedMap>,
        store: Arc<dyn EntryStore>,
        observer: Option<Arc<dyn StoreObserver>>,
        options: &ReadWriteOptions,
    ) -> Self {
        let settings = Settings {
            delay: options.write_delay,
            batch_factor: options.write_batch_factor,
            max_batch: options.write_max_batch_size,
            requeue: options.write_requeue_threshold > 0,
            retry_delay: RETRY_DELAY,
            longest_retry_delay: LONGEST_RETRY_DELAY,
        };
        Self {
            map,
            store,
            observer,
            queue: Mutex::new(Queue::new(settings)),
            room: Arc::new(Semaphore::new(options.write_queue_bytes)),
            bound: options.write_queue_bytes,
            waiting: AtomicUsize::new(0),
            wake: Notify::new(),
            ended: Notify::new(),
            last: AtomicBool::new(false),
            began: Instant::now(),
            failures: Mutex::default(),
            waits_for: Mutex::default(),
        }
    }

    pub(super) async fn change(&self, key: Bytes, change: Change) -> Result<Option<Bytes>, MapError> {
        let bytes = size_of(key.len(), change.value().map_or(0, Bytes::len));
        self.check_size(0, bytes)?;
        let room = self.room(bytes).await?;
        let before = change.apply(&*self.map, &key).await?;
        if change.applies_to(before.is_some()) {
            self.enqueue(vec![change.entry(&key, before.is_some())], room)?;
        }
        Ok(before)
    }

    pub(super) async fn change_all(&self, entries: Arc<Entries>, change: ChangeAll) -> Result<(), MapError> {
        let size =
            |(key, value): (&[u8], &[u8])| size_of(key.len(), change.value(value).map_or(0, <[u8]>::len));
        for (index, entry) in entries.iter().enumerate() {
            self.check_size(index, size(entry))?;
        }
        let mut begin = 0;
        while begin < entries.len() {
            let mut bytes = 0;
            let mut end = begin;
            while let Some(next) = entries.get(end).map(size)
                && (end == begin || bytes + next <= PIECE_BYTES.min(self.bound))
            {
                bytes += next;
                end += 1;
            }
            let piece = if (begin, end) == (0, entries.len()) {
                entries.clone()
            } else {
                Arc::new(Entries::from_unique_pairs(entries.iter().skip(begin).take(end - begin)))
            };
            let room = self.room(bytes).await?;
            let held = change.held(&*self.map, &piece).await?;
            change.apply(&*self.map, piece.clone()).await?;
            self.enqueue(change.entries(&piece, &held, true), room)?;
            begin = end;
        }
        Ok(())
    }

    /// Erases an entry that has already left the map.
    pub(super) async fn erase(&self, key: &Bytes) -> Result<(), MapError> {
        let room = self.room(size_of(key.len(), 0)).await?;
        self.enqueue(vec![Change::Remove.entry(key, true)], room)
    }

    fn check_size(&self, index: usize, bytes: usize) -> Result<(), MapError> {
        if bytes <= self.bound {
            return Ok(());
        }
        let reason =
            format!("it needs {bytes} bytes of the write-behind queue, which holds at most {}", self.bound);
        Err(MapError::NotSent { index, reason })
    }

    async fn room(&self, bytes: usize) -> Result<OwnedSemaphorePermit, MapError> {
        let permits = u32::try_from(bytes).unwrap_or(u32::MAX);
        match self.room.clone().try_acquire_many_owned(permits) {
            Ok(room) => return Ok(room),
            Err(TryAcquireError::Closed) => return Err(closed()),
            Err(TryAcquireError::NoPermits) => {}
        }
        self.waiting.fetch_add(1, Ordering::SeqCst);
        self.hurry();
        let room = self.room.clone().acquire_many_owned(permits).await;
        self.waiting.fetch_sub(1, Ordering::SeqCst);
        room.map_err(|_| closed())
    }

    fn hurry(&self) -> u64 {
        let flush = self.queue.lock().flush();
        self.wake.notify_one();
        flush
    }

    fn enqueue(&self, entries: Vec<BinaryEntry>, room: OwnedSemaphorePermit) -> Result<(), MapError> {
        let now = self.now();
        let mut queue = self.queue.lock();
        if queue.is_abandoned() {
            drop(queue);
            entries.into_iter().for_each(|entry| self.report(entry, StoreError::Closed));
            return Err(not_stored(StoreError::Closed));
        }
        room.forget();
        let due = queue.next_ripe();
        let freed: usize = entries.into_iter().map(|entry| queue.accept(entry, now)).sum();
        if self.waiting.load(Ordering::SeqCst) > 0 {
            queue.flush();
        }
        let sooner = queue.next_ripe().is_some_and(|at| due.is_none_or(|due| at < due));
        drop(queue);
        self.room.add_permits(freed);
        if sooner {
            self.wake.notify_one();
        }
        Ok(())
    }

    fn now(&self) -> Duration {
        self.began.elapsed()
    }

    fn stored(&self, mut entries: Vec<BinaryEntry>) {
        let mut queue = self.queue.lock();
        let settled = queue.settle_stored(&entries);
        // No observer has to be notified.
        if self.observer.is_none() {
            self.end(&mut queue, &settled);
        }
        self.release(queue, &settled);
        let Some(observer) = &self.observer else { return };
        let mut fates = settled.iter().map(|settled| settled.fate);
        entries.retain(|_| fates.next() == Some(Fate::Stored));
        notify_all(&**observer, entries);
        self.end(&mut self.queue.lock(), &settled);
    }

    fn failed(&self, entry: BinaryEntry, error: StoreError) {
        let outcome = match &error {
            StoreError::Full => Outcome::NotTaken,
            StoreError::Blocked(_) => Outcome::Blocked,
            error if error.is_retriable() => Outcome::Retriable,
            _ => Outcome::Refused,
        };
        let mut queue = self.queue.lock();
        let settled = [queue.settle(&entry, outcome, || self.now())];
        let waiting = queue.counts().queued;
        self.release(queue, &settled);
        match settled[0].fate {
            Fate::Failed => self.report(entry, error),
            Fate::Requeued if outcome != Outcome::NotTaken => self.note_cause(error, waiting),
            _ => {}
        }
        self.end(&mut self.queue.lock(), &settled);
    }

    /// Releases the bytes of settled changes, which may make room for waiting calls.
    fn release(&self, queue: MutexGuard<'_, Queue>, settled: &[Settled]) {
        let requeued = settled.iter().any(|settled| settled.fate == Fate::Requeued);
        let ended = queue.is_empty() && self.last.load(Ordering::SeqCst);
        let wakes = requeued || ended || queue.next_ripe().is_some_and(|at| at <= self.now());
        drop(queue);
        self.room.add_permits(settled.iter().map(|settled| settled.freed).sum());
        if wakes {
            self.wake.notify_one();
        }
        if settled.iter().any(|settled| settled.fate == Fate::Unknown) {
            tracing::warn!(
                map = self.map.name(),
                "entry store reported a second outcome for a change, ignored"
            );
        }
    }

    fn end(&self, queue: &mut Queue, settled: &[Settled]) {
        let mut ended = false;
        for epoch in settled.iter().filter_map(|settled| settled.epoch) {
            ended |= queue.end(epoch);
        }
        if ended {
            self.ended.notify_waiters();
        }
    }

    /// Notes why a change is not in the topic yet, and waits.
    fn note_cause(&self, error: StoreError, waiting: usize) {
        if self.waits_for.lock().note(&error, self.now()) {
            let map = self.map.name();
            tracing::warn!(map, waiting, %error, "write-behind changes not stored, retrying");
        }
    }

    /// Returns why changes had to wait the last time.
    pub(super) fn last_cause(&self) -> Option<StoreError> {
        self.waits_for.lock().last.clone()
    }

    /// Reports a change that is not in the topic, and will not be.
    fn report(&self, entry: BinaryEntry, error: StoreError) {
        let mut failures = self.failures.lock();
        failures.unlogged += 1;
        failures.error = Some(error.clone());
        drop(failures);
        self.log_failures();
        if let Some(observer) = &self.observer {
            notify_error(&**observer, entry, error);
        }
    }

    /// Logs the failures by number: an outage of a broker may fail many.
    fn log_failures(&self) {
        let now = Instant::now();
        let mut failures = self.failures.lock();
        let early = failures.logged_at.is_some_and(|at| now.duration_since(at) < LOG_EVERY);
        let Some(error) = failures.error.take_if(|_| !early) else { return };
        let entries = std::mem::take(&mut failures.unlogged);
        failures.logged_at = Some(now);
        drop(failures);
        let map = self.map.name();
        tracing::error!(
            map,
            entries,
            %error,
            "write-behind changes not stored and given up; they are missing in the topic"
        );
    }

    /// Runs the task: submits due changes to the store, until no further ones can come.
    pub(super) async fn run(self: Arc<Self>) {
        let observer: Arc<dyn StoreObserver> = self.clone();
        let mut batch = Vec::new();
        loop {
            self.log_failures();
            let (next, empty) = {
                let mut queue = self.queue.lock();
                queue.take(self.now(), &mut batch);
                (queue.next_ripe(), queue.is_empty())
            };
            if !batch.is_empty() {
                self.store.room().await;
                // No key occurs twice.
                let (erased, stored) = batch.drain(..).partition::<Vec<_>, _>(|entry| entry.value.is_none());
                if !stored.is_empty() {
                    self.store.store_all(stored, &observer);
                }
                if !erased.is_empty() {
                    self.store.erase_all(erased, &observer);
                }
                yield_now().await;
            } else if empty && self.last.load(Ordering::SeqCst) {
                return;
            } else {
                let logs = self.failures.lock().error.is_some();
                let time = next.map(|at| self.began + at);
                let time =
                    if logs { time.into_iter().chain([Instant::now() + LOG_EVERY]).min() } else { time };
                let timer = async {
                    match time {
                        Some(time) => sleep_until(time).await,
                        None => std::future::pending().await,
                    }
                };
                tokio::select! {
                    () = self.wake.notified() => {}
                    () = timer => {}
                }
            }
        }
    }

    /// Waits until what is here now has ended, without regard to its time.
    pub(super) async fn flush(&self) {
        let flush = self.hurry();
        loop {
            let ended = self.ended.notified();
            tokio::pin!(ended);
            // From here on no end is missed.
            ended.as_mut().enable();
            if self.queue.lock().is_flushed(flush) {
                return;
            }
            ended.await;
        }
    }

    /// Ends the task once it has written the present changes: no further calls come.
    pub(super) fn finish(&self) {
        self.last.store(true, Ordering::SeqCst);
        self.hurry();
    }

    /// Gives up the waiting changes, and notifies the observer. Returns how many those are, with those in flight.
    pub(super) fn abandon(&self) -> usize {
        self.room.close();
        let (waiting, in_flight) = {
            let mut queue = self.queue.lock();
            let (waiting, _) = queue.abandon();
            (waiting, queue.counts().in_flight)
        };
        let remains = waiting.len() + in_flight;
        waiting.into_iter().for_each(|entry| self.report(entry, StoreError::Closed));
        self.ended.notify_waiters();
        self.wake.notify_one();
        remains
    }

    pub(super) fn counts(&self) -> Counts {
        self.queue.lock().counts()
    }
}

impl StoreObserver for WriteBehind {
    fn on_next(&self, entry: BinaryEntry) {
        self.stored(vec![entry]);
    }

    fn on_next_all(&self, entries: &mut dyn Iterator<Item = BinaryEntry>) {
        self.stored(entries.collect());
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        self.failed(entry, error);
    }
}

/// Returns the error that nothing was changed, because the map is closed.
pub(super) fn closed() -> MapError {
    MapError::Misuse("the read-write backing map is closed".to_owned())
}

impl fmt::Debug for WriteBehind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WriteBehind").field("counts", &self.counts()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_cause_for_which_changes_wait_is_logged_once_in_30_seconds() {
        let mut causes = Causes::default();
        let missing = StoreError::Blocked("topic t does not exist: create it".to_owned());
        let outage = |text: &str| StoreError::Unavailable(text.to_owned());
        let at = Duration::from_secs;
        assert!(causes.note(&missing, at(1)));
        assert!(!causes.note(&missing, at(30)));
        assert!(causes.note(&outage("refused after 1 ms"), at(30)), "another cause");
        assert!(!causes.note(&outage("refused after 2 ms"), at(31)), "the same outage");
        assert!(causes.note(&missing, at(31)));
        assert_eq!(causes.last, Some(missing));
    }
}
