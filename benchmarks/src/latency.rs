//! How long a record takes from the producer's call to the listener of the map: the command itself between the two.

use std::time::Duration;

use anyhow::{Context, Result, anyhow, bail, ensure};
use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::map::{Listen, ListenTo, MapNotice, NamedMap as _};
use futures::StreamExt as _;
use integration_tests::sandbox::unique;
use integration_tests::sink::Sink;
use integration_tests::usage::cpu_of;
use integration_tests::wait;

use crate::child::runtime;
use crate::load::key;
use crate::peers::Peers;
use crate::{MAP, VALUE_BYTES, now_micros};

const DEADLINE: Duration = Duration::from_secs(60);
/// Digits of the time at the beginning of a value.
const DIGITS: usize = 20;
/// This part of the records, at the beginning, does not count.
const WARM_UP: u64 = 4;

/// The rate before the first case: the JVM of the grid has not sent many events yet, and reaches its speed.
const WARMING: u64 = 50_000;

/// A rate of the producer, and the linger of the sink where it is not the default.
const CASES: [(u64, Option<&str>); 6] = [
    (1_000, None),
    (50_000, None),
    (1_000, Some("0")),
    (1_000, Some("50")),
    (50_000, Some("0")),
    (50_000, Some("50")),
];

/// The result of one case.
struct Latency {
    sorted_micros: Vec<u64>,
    sink_cpu_ns: f64,
    grid_cpu_ns: f64,
}

/// Makes all measurements, each for `seconds` seconds, and prints a table.
///
/// # Errors
///
/// When a measurement fails, or the producer or the listener does not keep up.
pub fn run(peers: &Peers, seconds: u64) -> Result<()> {
    println!("## From produce to visible\n");
    println!("{seconds} s each, of which the first {WARM_UP}th does not count\n");
    println!(
        "| records/s | coherence.batch.linger.ms | p50 ms | p99 ms | max ms | sink CPU ns per record | grid CPU ns |"
    );
    println!("|---|---|---|---|---|---|---|");
    measure(peers, WARMING, None, seconds)?;
    for (rate, linger) in CASES {
        let latency = measure(peers, rate, linger, seconds)?;
        let at = |share: f64| {
            let last = latency.sorted_micros.len().saturating_sub(1);
            latency
                .sorted_micros
                .get((last as f64 * share) as usize)
                .map_or(f64::NAN, |micros| *micros as f64 / 1e3)
        };
        println!(
            "| {rate} | {} | {:.1} | {:.1} | {:.1} | {:.0} | {:.0} |",
            linger.unwrap_or("default"),
            at(0.5),
            at(0.99),
            at(1.0),
            latency.sink_cpu_ns,
            latency.grid_cpu_ns
        );
    }
    println!();
    Ok(())
}

fn measure(peers: &Peers, rate: u64, linger: Option<&str>, seconds: u64) -> Result<Latency> {
    let name = unique("latency");
    peers.kafka.create_topic(&name, 8)?;
    let linger = linger.map(|linger| ("coherence.batch.linger.ms", linger));
    let sink = sink(peers, &name, linger.as_slice())?;
    let partitions = || sink.metric("kafka_connect_sink_task_partition_count", &name).unwrap_or(0);
    ensure!(wait::within(DEADLINE, || partitions() == 8), "the sink has no partitions");
    let runtime = runtime()?;
    let latency = runtime.block_on(async {
        let options = SessionOptions { addresses: vec![peers.grid.address()], ..SessionOptions::default() };
        let session = GrpcSession::new(options)?;
        let map = session.remote_map(MAP).await?;
        let mut notices = map.listen(Listen { to: ListenTo::All, lite: false }).await?;
        let ids = (sink.process().id(), peers.grid.process_id().context("the grid is down")?);
        let before = (cpu_of(ids.0)?, cpu_of(ids.1)?);
        let count = rate * seconds;
        let feed = peers.kafka.feed(&name, rate, count, |number| (key(number).to_vec(), Some(stamped())))?;
        let mut latencies = Vec::with_capacity(count as usize);
        for number in 0..count {
            let notice = tokio::time::timeout(DEADLINE, notices.next()).await.context("no event comes")?;
            let Some(MapNotice::Event(event)) = notice else { bail!("{notice:?} instead of an event") };
            let micros =
                now_micros()?.saturating_sub(time_of(&event.new_value.context("an event without value")?)?);
            if number >= count / WARM_UP {
                latencies.push(micros);
            }
        }
        let after = (cpu_of(ids.0)?, cpu_of(ids.1)?);
        feed.finish()?;
        let cost = |time: Duration| time.as_nanos() as f64 / count as f64;
        latencies.sort_unstable();
        session.close().await;
        let confirmed = || sink.metric("coherence_kafka_sink_records_confirmed_total", &name).unwrap_or(0);
        ensure!(wait::within(DEADLINE, || confirmed() == count), "the sink does not come to an end");
        Ok(Latency {
            sorted_micros: latencies,
            sink_cpu_ns: cost(after.0 - before.0),
            grid_cpu_ns: cost(after.1 - before.1),
        })
    })?;
    sink.stop()?;
    peers.grid.tool().truncate(MAP)?;
    Ok(latency)
}

/// A value that begins with the time at which it was made.
fn stamped() -> Vec<u8> {
    let mut value = format!("{:0DIGITS$}", now_micros().unwrap_or_default()).into_bytes();
    value.resize(VALUE_BYTES, b'v');
    value
}

/// The time of a value, which the map holds behind the header of a POF string.
fn time_of(value: &[u8]) -> Result<u64> {
    let text = value.len().checked_sub(VALUE_BYTES).and_then(|start| value.get(start..start + DIGITS));
    let text = text.ok_or_else(|| anyhow!("a value of {} bytes", value.len()))?;
    Ok(str::from_utf8(text)?.parse()?)
}

/// The command, at its defaults, from a topic into the map of the measurements.
pub(super) fn sink(peers: &Peers, topic: &str, more: &[(&str, &str)]) -> Result<Sink> {
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let (bootstrap, grid) = (peers.kafka.bootstrap(), peers.grid.address());
    let worker =
        [("bootstrap.servers", bootstrap.as_str()), ("key.converter", string), ("value.converter", string)];
    let mapping = format!("{topic}->{MAP}");
    let mut connector = vec![
        ("name", topic),
        ("connector.class", "CoherenceSink"),
        ("topics", topic),
        ("coherence.cache.mappings", &mapping),
        ("coherence.session.address", &grid),
    ];
    connector.extend(more);
    Sink::start(&worker, &connector)
}
