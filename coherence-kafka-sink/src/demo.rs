//! The demo: orders and customers through two topics into two maps, compared with a model at the end.

use std::collections::BTreeMap;
use std::convert::Infallible;
use std::fmt::Write as _;
use std::time::{Duration, Instant};

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Format, Session as _};
use coherence_kafka_common::pof::{self, PofValue};
use coherence_kafka_rdkafka::embedded::Producer;
use futures::TryStreamExt as _;
use serde_json::Value;

use coherence_kafka_worker::Running;

use crate::connector::LocalSessions;
use crate::counters::Counters;
use feed::FeedRecord;

pub mod feed;

/// How long the demo may take to move all of its records.
const DEADLINE: Duration = Duration::from_secs(300);
/// How long the broker may take to acknowledge what was sent.
const FLUSH_DEADLINE: Duration = Duration::from_secs(60);

/// Records that are fed at once after the report, and how often: the embedded broker forgets what exceeds its bounds.
const BURST: usize = 500;
const BURST_EVERY: Duration = Duration::from_millis(500);

/// What the demo did.
#[derive(Debug)]
pub struct Report {
    text: String,
    /// Entries that differ between maps and model.
    pub differences: u64,
}

impl Report {
    /// Returns 0, or 1 where anything differs.
    pub fn exit_code(&self) -> u8 {
        u8::from(self.differences > 0)
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&self.text)
    }
}

/// Feeds `records` records to the topics of a running sink and compares its embedded maps with the model.
///
/// # Errors
/// A sink that is not what the demo's files describe, or that fails or stalls on the way.
pub async fn run(running: &Running, maps: &LocalSessions, records: u64) -> Result<Report, String> {
    let producer = producer(running)?;
    let start = Instant::now();
    let mut deletes = 0;
    for record in feed::records(records) {
        deletes += u64::from(record.value.is_none());
        send(&producer, &record)?;
    }
    producer.flush(FLUSH_DEADLINE)?;
    wait_until_confirmed(running, records).await?;
    let elapsed = start.elapsed();

    let model = feed::model(feed::records(records));
    let session = maps.session(Format::Pof);
    let (entries, differences) = compare(session, &model).await?;
    let rate = records as f64 / elapsed.as_secs_f64();
    let mut text = String::new();
    let peak = peak_memory_mib().map_or_else(|| "unknown".to_owned(), |mib| format!("{mib} MiB"));
    // Writing to a text cannot fail.
    let _ = write!(
        text,
        "records:     {records}\nentries:     {entries}\ndeletes:     {deletes}\nrecords/s:   {rate:.0}\n\
         peak memory: {peak} (broker, producer, sink and maps in one process)\ndifferences: {differences}"
    );
    Ok(Report { text, differences })
}

/// Keeps feeding a sink that has moved `moved` records, a few at a time, until the future is dropped.
///
/// # Errors
/// A sink that fails or stalls.
pub async fn go_on(running: &Running, mut moved: u64) -> Result<Infallible, String> {
    let producer = producer(running)?;
    let mut records = feed::endless(moved);
    loop {
        for record in records.by_ref().take(BURST) {
            send(&producer, &record)?;
            moved += 1;
        }
        producer.flush(FLUSH_DEADLINE)?;
        wait_until_confirmed(running, moved).await?;
        tokio::time::sleep(BURST_EVERY).await;
    }
}

/// Returns a producer for the broker inside the process.
fn producer(running: &Running) -> Result<Producer, String> {
    let broker = running.embedded_kafka().ok_or(
        "the demo needs bootstrap.servers=embedded and coherence.session=embedded, as in config/demo; for a real Kafka \
         and a real grid run: make demo PEERS=real",
    )?;
    Producer::new(&[
        ("bootstrap.servers".to_owned(), broker.bootstrap_servers()),
        ("partitioner".to_owned(), "murmur2_random".to_owned()),
        ("linger.ms".to_owned(), "5".to_owned()),
    ])
}

fn send(producer: &Producer, record: &FeedRecord) -> Result<(), String> {
    let value = record.value.as_ref().map(Value::to_string);
    producer.send(record.topic, Some(record.key.as_bytes()), value.as_deref().map(str::as_bytes))
}

async fn wait_until_confirmed(running: &Running, records: u64) -> Result<(), String> {
    let end = Instant::now() + DEADLINE;
    loop {
        let mut confirmed = 0;
        for name in running.worker().names() {
            for task in running.worker().tasks(&name).unwrap_or_default() {
                if let Some(failure) = task.failure {
                    return Err(failure.to_string());
                }
                confirmed += Counters::of(&task).map_or(0, |counters| counters.confirmed.now());
            }
        }
        if confirmed >= records {
            return Ok(());
        }
        if Instant::now() > end {
            return Err(format!("{confirmed} of {records} records arrived within {DEADLINE:?}"));
        }
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

/// Counts the entries of all maps, and those of either side that differ from the other.
async fn compare(session: &LocalSession, model: &feed::Model) -> Result<(usize, u64), String> {
    let (mut count, mut differences) = (0, 0);
    for (topic, expected) in model {
        let name = feed::map_of(topic);
        let map = session.map(name).await.map_err(|error| error.to_string())?;
        let entries: Vec<_> = map.entries().try_collect().await.map_err(|error| error.to_string())?;
        count += entries.len();
        let mut found = BTreeMap::new();
        for (key, value) in &entries {
            match (decode(key), decode(value)) {
                (Some(PofValue::String(key)), Some(value)) => {
                    found.insert(key, value);
                }
                _ => differences += 1,
            }
        }
        differences += expected
            .iter()
            .filter(|(key, value)| !found.remove(*key).is_some_and(|found| is_same(&found, value)))
            .count() as u64;
        differences += found.len() as u64;
    }
    Ok((count, differences))
}

fn decode(binary: &[u8]) -> Option<PofValue> {
    pof::decode(binary.strip_prefix(&[FMT_EXT])?).ok()
}

fn is_same(found: &PofValue, expected: &Value) -> bool {
    match (found, expected) {
        (PofValue::Boolean(found), Value::Bool(expected)) => found == expected,
        (PofValue::String(found), Value::String(expected)) => found == expected,
        (PofValue::Int64(found), Value::Number(expected)) => expected.as_i64() == Some(*found),
        (PofValue::Float64(found), Value::Number(expected)) => expected.as_f64() == Some(*found),
        (PofValue::Map(found), Value::Object(expected)) => {
            found.len() == expected.len()
                && found.iter().all(|(key, value)| match key {
                    PofValue::String(key) => expected.get(key).is_some_and(|e| is_same(value, e)),
                    _ => false,
                })
        }
        _ => false,
    }
}

/// Returns the peak resident memory of this process, where the system reports it.
fn peak_memory_mib() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kib| kib / 1024)
}

#[cfg(test)]
mod tests;
