//! A producer with a rate of its own that continues through every fault of the broker until it is stopped.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::{self, JoinHandle};
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use rdkafka::error::RDKafkaErrorCode;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::Kafka;
use super::topics::FirstError;

/// Also the pace of the sends: those of a millisecond leave together.
const PAUSE: Duration = Duration::from_millis(1);
const FLUSH_DEADLINE: Duration = Duration::from_secs(120);
/// Records that were not sent for this time, because the queue was full, are left out instead of being sent at once.
const CATCHES_UP: Duration = Duration::from_secs(1);

/// Key and value of one record; no value is a tombstone.
pub type Pair = (Vec<u8>, Option<Vec<u8>>);

/// A thread that produces. Dropping it ends it, with whatever is not acknowledged yet.
#[derive(Debug)]
pub struct Feed {
    state: Arc<State>,
    /// Some until it is finished.
    thread: Option<JoinHandle<Result<u64>>>,
}

#[derive(Debug, Default)]
struct State {
    stops: AtomicBool,
}

impl Kafka {
    /// Starts to produce `rate` records a second, `count` of them unless it is stopped earlier; `record` makes the
    /// record of a number, from 0 on, in the moment in which it is sent.
    ///
    /// The order of the records of a partition is that of their numbers, and each exists once, also if the broker restarts
    /// meanwhile: the producer is idempotent.
    ///
    /// # Errors
    ///
    /// When the producer cannot be created.
    pub fn feed(
        &self,
        topic: &str,
        rate: u64,
        count: u64,
        record: impl FnMut(u64) -> Pair + Send + 'static,
    ) -> Result<Feed> {
        let mut config = self.config();
        config.set("enable.idempotence", "true").set("linger.ms", "1");
        let producer = config.create_with_context(FirstError::default())?;
        let state = Arc::new(State::default());
        let (topic, shared) = (topic.to_owned(), state.clone());
        let thread = thread::spawn(move || produce(&producer, &topic, (rate, count), record, &shared));
        Ok(Feed { state, thread: Some(thread) })
    }
}

impl Feed {
    /// Stops, waits until everything is acknowledged, and returns how many records that were.
    ///
    /// # Errors
    ///
    /// When a record was not acknowledged.
    pub fn finish(mut self) -> Result<u64> {
        self.state.stops.store(true, Ordering::Release);
        let thread = self.thread.take().context("a feed is finished once")?;
        thread.join().map_err(|_| anyhow!("the producing thread has panicked"))?
    }
}

impl Drop for Feed {
    fn drop(&mut self) {
        self.state.stops.store(true, Ordering::Release);
    }
}

impl State {
    fn stops(&self) -> bool {
        self.stops.load(Ordering::Acquire)
    }
}

fn produce(
    producer: &BaseProducer<FirstError>,
    topic: &str,
    (rate, count): (u64, u64),
    mut record: impl FnMut(u64) -> Pair,
    state: &State,
) -> Result<u64> {
    let (mut start, mut base, mut sent) = (Instant::now(), 0, 0);
    while sent < count && !state.stops() {
        let mut due = base + (start.elapsed().as_secs_f64() * rate as f64) as u64;
        if due - sent > rate * CATCHES_UP.as_secs() {
            (start, base, due) = (Instant::now(), sent, sent);
        }
        while sent < due.min(count) && !state.stops() {
            let (key, value) = record(sent);
            send(producer, topic, &key, value.as_deref(), state)?;
            sent += 1;
        }
        producer.poll(PAUSE);
    }
    producer.flush(FLUSH_DEADLINE)?;
    match producer.context().take() {
        None => Ok(sent),
        Some(error) => Err(error).context(format!("a record for {topic} was not acknowledged")),
    }
}

fn send(
    producer: &BaseProducer<FirstError>,
    topic: &str,
    key: &[u8],
    value: Option<&[u8]>,
    state: &State,
) -> Result<()> {
    let mut record = BaseRecord::<[u8], [u8]>::to(topic).key(key);
    record.payload = value;
    let mut stops_by = None;
    while let Err((error, back)) = producer.send(record) {
        ensure!(error.rdkafka_error_code() == Some(RDKafkaErrorCode::QueueFull), error);
        if state.stops() {
            let by = *stops_by.get_or_insert_with(|| Instant::now() + FLUSH_DEADLINE);
            ensure!(
                Instant::now() < by,
                "the broker is still unavailable {FLUSH_DEADLINE:?} after the feed had to stop"
            );
        }
        producer.poll(PAUSE);
        record = back;
    }
    Ok(())
}
