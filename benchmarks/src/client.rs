//! The measurements of the grid's client alone, all of them the work of one process.
//!
//! The arguments of a contender are the address of a grid and a number of records. It does the operations in order, with
//! [`crate::BATCH`] entries a call and [`IN_FLIGHT`] calls in flight, and prints one line of JSON. Before it counts events
//! it prints the line [`LISTENING`], and another process [fills](fill) the map.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context, Result, ensure};
use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::map::{Entries, Expiry, Listen, ListenTo, MapError, MapNotice, NamedMap as _};
use futures::future::BoxFuture;
use futures::{FutureExt as _, StreamExt as _, TryFutureExt as _, TryStreamExt as _, stream};
use integration_tests::peers;
use serde_json::{Value, json};

use crate::child::{entries, runtime};
use crate::{MAP, records};

/// Calls in flight: beyond four a grid gains nothing.
pub const IN_FLIGHT: usize = 4;

/// What is measured, in this order: the later ones need what the earlier ones did.
pub const OPERATIONS: [&str; 5] = ["put_all", "get_all", "entries", "remove_all", EVENTS];

const EVENTS: &str = "events";

/// Printed by a contender that waits for events: of all entries of the map, with their values.
pub const LISTENING: &str = "listening";

/// The result of one operation.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Entries a second.
    pub rate: f64,
    /// CPU time of the whole process in nanoseconds for each entry, if the contender reports it.
    pub cpu_ns: Option<f64>,
}

/// The measurements of one contender, by operation; those that it cannot do are missing.
pub type Results = BTreeMap<String, Measured>;

/// Back from the line that a contender prints.
///
/// # Errors
///
/// When it is none.
pub fn parse(line: &str) -> Result<Results> {
    let json: BTreeMap<String, Value> = serde_json::from_str(line).context("a measurement is no JSON")?;
    let measured = |(operation, value): (String, Value)| {
        let rate = value["rate"].as_f64().with_context(|| format!("no rate of {operation}"))?;
        Ok((operation, Measured { rate, cpu_ns: value["cpu_ns"].as_f64() }))
    };
    json.into_iter().map(measured).collect()
}

/// Measures our client in this process; the line to print.
///
/// # Errors
///
/// When an operation fails, or entries are missing.
pub fn measure(address: &str, count: u64) -> Result<String> {
    let batches = batches(count)?;
    let runtime = runtime()?;
    let options = SessionOptions { addresses: vec![address.to_owned()], ..SessionOptions::default() };
    // Not on the thread that waits for it, as the calls of the sink.
    let results = runtime.block_on(runtime.spawn(operations(options, batches, count)))??;
    Ok(results.to_string())
}

/// Puts the entries whose events a contender waits for.
///
/// # Errors
///
/// When the grid refuses them.
pub fn fill(address: &str, count: u64) -> Result<()> {
    let batches = batches(count)?;
    let options = SessionOptions { addresses: vec![address.to_owned()], ..SessionOptions::default() };
    runtime()?.block_on(async {
        let session = GrpcSession::new(options)?;
        let map = session.remote_map(MAP).await?;
        in_flight(batches.into_iter().map(|batch| map.put_all(batch, Expiry::Default))).await?;
        session.close().await;
        Ok(())
    })
}

/// The official Python client as a contender: a program and its first arguments.
///
/// # Errors
///
/// When it cannot be installed.
pub fn python() -> Result<[PathBuf; 2]> {
    Ok([peers::python("python")?, Path::new(env!("CARGO_MANIFEST_DIR")).join("python/bench.py")])
}

fn batches(count: u64) -> Result<Vec<Arc<Entries>>> {
    let mut all = records(0).take(count as usize);
    let mut batches = Vec::new();
    loop {
        let batch = entries(&mut all)?;
        if batch.is_empty() {
            break;
        }
        batches.push(Arc::new(batch));
    }
    Ok(batches)
}

async fn operations(options: SessionOptions, batches: Vec<Arc<Entries>>, count: u64) -> Result<Value> {
    let session = GrpcSession::new(options)?;
    let map = session.remote_map(MAP).await?;
    let mut results = serde_json::Map::new();
    for operation in OPERATIONS {
        let (mut start, mut cpu_before) = (Instant::now(), cpu()?);
        match operation {
            "put_all" => {
                let calls = batches.clone().into_iter().map(|batch| map.put_all(batch, Expiry::Default));
                in_flight(calls).await?;
            }
            "get_all" => {
                // Counted at once: to keep a million entries costs more than to read them.
                let found = |batch| map.get_all(batch).map_ok(|found| found.len()).boxed();
                let found: usize = in_flight(batches.clone().into_iter().map(found)).await?.iter().sum();
                ensure!(found as u64 == count, "{found} entries of {count} were found");
            }
            "entries" => {
                let read = map.entries().try_fold(0, async |read, _| Ok(read + 1)).await?;
                ensure!(read == count, "{read} entries of {count} were read");
            }
            "remove_all" => {
                let calls = batches.clone().into_iter().map(|batch| map.remove_all(batch));
                in_flight(calls).await?;
                ensure!(map.is_empty().await?, "entries remain");
            }
            _ => {
                let mut notices = map.listen(Listen { to: ListenTo::All, lite: false }).await?;
                println!("{LISTENING}");
                for event in 0..count {
                    let notice = notices.next().await;
                    ensure!(matches!(notice, Some(MapNotice::Event(_))), "{notice:?} instead of an event");
                    if event == 0 {
                        (start, cpu_before) = (Instant::now(), cpu()?);
                    }
                }
            }
        }
        let rate = count as f64 / start.elapsed().as_secs_f64();
        let cpu_ns = (cpu()? - cpu_before).as_nanos() as f64 / count as f64;
        results.insert(operation.to_owned(), json!({ "rate": rate.round(), "cpu_ns": cpu_ns.round() }));
    }
    map.truncate().await?;
    session.close().await;
    Ok(results.into())
}

async fn in_flight<T>(
    calls: impl Iterator<Item = BoxFuture<'_, Result<T, MapError>>>,
) -> Result<Vec<T>, MapError> {
    stream::iter(calls).buffer_unordered(IN_FLIGHT).try_collect().await
}

/// CPU time of all threads of this process, to the nanosecond.
fn cpu() -> Result<Duration> {
    let mut sum = 0;
    for task in fs::read_dir("/proc/self/task")? {
        let times = fs::read_to_string(task?.path().join("schedstat"))?;
        sum += times.split(' ').next().unwrap_or_default().parse::<u64>().context("no time in schedstat")?;
    }
    Ok(Duration::from_nanos(sum))
}
