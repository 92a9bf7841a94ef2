//! The measurements themselves, each the whole work of a process.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, anyhow, ensure};
use bytes::Bytes;
use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::map::{Entries, Expiry, Format, MapError, NamedMap, Session, Span};
use coherence_kafka_connect::config::{ConfigErrors, Environment, Properties};
use coherence_kafka_connect::data::Value;
use coherence_kafka_connect::encode::Encoder;
use coherence_kafka_connect::transform::Classes;
use coherence_kafka_rdkafka::consumer::{Consumer, GroupEvent, StartAt};
use coherence_kafka_sink::offset_tracker::{OffsetTracker, Reached};
use coherence_kafka_sink::{ConnectorConfig, Counters, Sessions, SinkPlugin};
use coherence_kafka_worker::Worker;
use coherence_kafka_worker::config::WorkerConfig;
use futures::future::{BoxFuture, ready};
use futures::stream::BoxStream;
use integration_tests::usage::peak_mib;
use tokio::runtime::Runtime;

use crate::{BATCH, Kind, MAP, Measured, Order, cpu_of_self, now_micros};

const DEADLINE: Duration = Duration::from_secs(180);
/// As the task of the sink reads.
const READ_AT_ONCE: usize = 1_000;
const READ_WAIT: Duration = Duration::from_millis(10);
/// How exact the times of the sink are; looking more often would cost what is measured.
const LOOK_EVERY: Duration = Duration::from_millis(5);

/// Makes one measurement in this process.
///
/// # Errors
///
/// When records are missing at the end, or something fails on the way.
pub fn measure(order: &Order) -> Result<Measured> {
    match order.kind {
        Kind::Consume => consume(order),
        Kind::PutAll => put_all(order),
        Kind::Discard => {
            let seen = Arc::new(AtomicU64::new(0));
            let session = Discard { entries: seen.clone() };
            let open = move |_: &_, _: &_| Ok(Arc::new(session.clone()) as Arc<dyn Session>);
            let sessions = Sessions::opened_by(Box::new(open));
            sink(order, "grpc", sessions, || seen.load(Ordering::Relaxed))
        }
        Kind::Embedded => {
            let sessions = Sessions::default();
            let map = sessions.local().session(Format::Pof).local_map(MAP)?;
            sink(order, "embedded", sessions, || map.len() as u64)
        }
        // What arrived in the grid is counted by the parent, through other code than ours.
        Kind::Grid => sink(order, "grpc", Sessions::default(), || order.load.entries()),
    }
}

/// As the command's own.
pub(super) fn runtime() -> Result<Runtime> {
    Ok(tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?)
}

fn measured(
    order: &Order,
    first: Instant,
    last: Instant,
    first_commit: Option<Duration>,
) -> Result<Measured> {
    Ok(Measured {
        rate: order.load.records as f64 / (last - first).as_secs_f64(),
        cpu_ns: cpu_of_self().as_nanos() as f64 / order.load.records as f64,
        peak_mib: peak_mib(std::process::id())?,
        first_commit_ms: first_commit.map(|time| time.as_secs_f64() * 1e3),
    })
}

fn since_start(order: &Order) -> Result<Duration> {
    Ok(Duration::from_micros(now_micros()?.saturating_sub(order.started)))
}

fn worker_config(order: &Order, plugin: &SinkPlugin) -> Result<WorkerConfig> {
    let converter = if order.load.binary {
        "org.apache.kafka.connect.converters.ByteArrayConverter"
    } else {
        "org.apache.kafka.connect.storage.StringConverter"
    };
    let settings = [
        ("bootstrap.servers", order.bootstrap.as_str()),
        ("key.converter", converter),
        ("value.converter", converter),
    ];
    WorkerConfig::parse(plugin, &Properties::from_pairs("bench", settings), Environment::default())
        .map_err(|errors| anyhow!("{errors}"))
}

fn connector_properties(order: &Order, session: &str) -> Properties {
    let mappings: Vec<_> = order.topics.iter().map(|topic| format!("{topic}->{MAP}")).collect();
    let mut settings = vec![
        ("name", order.name.clone()),
        ("connector.class", "CoherenceSink".to_owned()),
        ("topics", order.topics.join(",")),
        ("coherence.cache.mappings", mappings.join(",")),
        ("coherence.session", session.to_owned()),
    ];
    if session == "grpc" {
        settings.push(("coherence.session.address", order.grid.clone()));
    }
    if order.load.binary {
        settings.push(("coherence.passthrough", "true".to_owned()));
    }
    settings.extend(order.settings.iter().map(|(name, value)| (name.as_str(), value.clone())));
    Properties::from_pairs("bench", settings.iter().map(|(name, value)| (*name, value.as_str())))
}

/// The sink's consumer with the sink's settings, without what the sink does with records.
fn consume(order: &Order) -> Result<Measured> {
    let worker = worker_config(order, &SinkPlugin::default())?;
    let mut findings = ConfigErrors::default();
    let properties = connector_properties(order, "grpc");
    let config = ConnectorConfig::check(&worker, &properties, &Classes::default(), &mut findings);
    let config = findings.finish(config).map_err(|errors| anyhow!("{errors}"))?;
    let topics: Vec<&str> = order.topics.iter().map(String::as_str).collect();
    let mut consumer = Consumer::join(&config.consumer_settings(0), &topics, READ_AT_ONCE)
        .map_err(|reason| anyhow!("{reason}"))?;
    let mut tracker = OffsetTracker::default();
    let (mut count, mut first, mut first_commit) = (0, None, None);
    let mut next_commit = Instant::now();
    let end = Instant::now() + DEADLINE;
    while count < order.load.records || first_commit.is_none() {
        ensure!(Instant::now() < end, "{count} of {} records came within {DEADLINE:?}", order.load.records);
        for event in consumer.poll() {
            match event {
                GroupEvent::Assigned(partitions) => {
                    tracker.assign(&partitions);
                    let partitions: Vec<_> =
                        partitions.into_iter().map(|tp| (tp, StartAt::Committed)).collect();
                    consumer.assign(&partitions).map_err(|reason| anyhow!("{reason}"))?;
                }
                GroupEvent::Committed(_, outcome) => {
                    outcome.map_err(|reason| anyhow!("{reason}"))?;
                    first_commit.get_or_insert(since_start(order)?);
                }
                GroupEvent::Trouble(reason) => eprintln!("{reason}"),
                other => return Err(anyhow!("unexpected: {other:?}")),
            }
        }
        let mut reached: Vec<Reached> = Vec::new();
        for record in consumer.read(READ_AT_ONCE, READ_WAIT).records() {
            let record = record?;
            first.get_or_insert_with(Instant::now);
            count += 1;
            let partition =
                tracker.find(record.topic, record.partition).context("a record of a foreign partition")?;
            let next = record.offset + 1;
            match reached.last_mut().filter(|last| last.partition == partition) {
                Some(last) => last.next = next,
                None => reached.push(Reached { partition, next }),
            }
        }
        tracker.confirm(&reached);
        if Instant::now() >= next_commit && tracker.to_commit().next().is_some() {
            consumer.commit(0, tracker.to_commit()).map_err(|reason| anyhow!("{reason}"))?;
            tracker.commit_sent();
            next_commit = Instant::now() + Duration::from_secs(5);
        }
    }
    let last = Instant::now();
    ensure!(count == order.load.records, "{count} records instead of {}", order.load.records);
    let measured = measured(order, first.context("no record")?, last, first_commit);
    consumer.leave(Duration::from_secs(10));
    measured
}

/// The sink's client without the sink: the next call's entries are made while one is in flight.
fn put_all(order: &Order) -> Result<Measured> {
    let runtime = runtime()?;
    runtime.block_on(async {
        let options = SessionOptions { addresses: vec![order.grid.clone()], ..SessionOptions::default() };
        let session = GrpcSession::new(options)?;
        let map = session.map(MAP).await?;
        let (deletes, value) = (order.load.deletes_only(), order.load.value());
        let mut all = order.load.keys().map(|key| (key, &value));
        let first = Instant::now();
        let mut next = entries(&mut all)?;
        while !next.is_empty() {
            let (map, batch) = (map.clone(), Arc::new(next));
            let call = tokio::spawn(async move {
                if deletes { map.remove_all(batch).await } else { map.put_all(batch, Expiry::Default).await }
            });
            next = entries(&mut all)?;
            call.await??;
        }
        let measured = measured(order, first, Instant::now(), None);
        session.close().await;
        measured
    })
}

/// The entries of one call, encoded as the sink's converters and encoder do.
pub(super) fn entries<K: AsRef<[u8]>, V: AsRef<[u8]>>(
    records: &mut impl Iterator<Item = (K, V)>,
) -> Result<Entries> {
    let encoder = Encoder { format: Format::Pof, ..Encoder::default() };
    let (mut bytes, mut spans) = (Vec::new(), Vec::with_capacity(BATCH));
    for (key, value) in records.take(BATCH) {
        let key_start = bytes.len();
        encoder.encode(&Value::String(str::from_utf8(key.as_ref())?.into()), &mut bytes)?;
        let value_start = bytes.len();
        encoder.encode(&Value::String(str::from_utf8(value.as_ref())?.into()), &mut bytes)?;
        spans.push(Span {
            key: key_start as u32,
            key_len: (value_start - key_start) as u32,
            value: value_start as u32,
            value_len: (bytes.len() - value_start) as u32,
        });
    }
    Ok(Entries::new(bytes, spans)?)
}

/// The sink as its command runs it, while another thread watches it; `arrived` counts entries at the end.
fn sink(order: &Order, session: &str, sessions: Sessions, arrived: impl FnOnce() -> u64) -> Result<Measured> {
    let runtime = runtime()?;
    let plugin = Arc::new(SinkPlugin::new(sessions));
    let config = worker_config(order, &plugin)?;
    let worker = Worker::new(plugin, config, None, runtime.handle().clone());
    worker.create(&connector_properties(order, session))?;
    let (mut first, mut last, mut first_commit) = (None, None, None);
    let end = Instant::now() + DEADLINE;
    while last.is_none() || first_commit.is_none() {
        thread::sleep(LOOK_EVERY);
        let tasks = worker.tasks(&order.name).context("the connector is gone")?;
        let task = tasks.first().context("the connector has no task")?;
        let counters = Counters::of(task).context("the task is not a sink's")?;
        let confirmed = counters.confirmed.now();
        if let Some(failure) = &task.failure {
            return Err(anyhow!("{failure}"));
        }
        ensure!(
            Instant::now() < end,
            "{confirmed} of {} records arrived within {DEADLINE:?}",
            order.load.records
        );
        if counters.records.now() > 0 {
            first.get_or_insert_with(Instant::now);
        }
        if first_commit.is_none() && counters.commits.now() > 0 {
            first_commit = Some(since_start(order)?);
        }
        if confirmed >= order.load.records {
            last.get_or_insert_with(Instant::now);
        }
    }
    let times = first.zip(last).context("no record")?;
    let measured = measured(order, times.0, times.1, first_commit);
    worker.stop();
    let (arrived, expected) = (arrived(), order.load.entries());
    ensure!(arrived == expected, "{arrived} entries instead of {expected}");
    measured
}

/// Maps that answer at once and keep nothing but the number of entries.
#[derive(Debug, Clone)]
struct Discard {
    entries: Arc<AtomicU64>,
}

impl Session for Discard {
    fn format(&self) -> Format {
        Format::Pof
    }

    fn check_map_name(&self, _: &str) -> Result<(), MapError> {
        Ok(())
    }

    fn map<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        Box::pin(ready(Ok(Arc::new(self.clone()) as Arc<dyn NamedMap>)))
    }
}

impl NamedMap for Discard {
    fn name(&self) -> &str {
        MAP
    }

    fn put_all(&self, entries: Arc<Entries>, _: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        self.entries.fetch_add(entries.len() as u64, Ordering::Relaxed);
        Box::pin(ready(Ok(())))
    }

    fn remove_all(&self, _: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        Box::pin(ready(Ok(())))
    }

    fn get<'a>(&'a self, _: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        Box::pin(ready(Ok(None)))
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        Box::pin(ready(Ok(self.entries.load(Ordering::Relaxed) as usize)))
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        Box::pin(futures::stream::empty())
    }
}
