//! The end-to-end tables of `make bench`: how close the sink comes to what Kafka and the grid allow, and what it does
//! under other loads. `bench NAME…` makes only those of these names.
//!
//! The machine is noisy, and client, broker and grid share it: rounds are interleaved, and only medians, and ratios
//! within a round, mean anything. The grid is warmed first: a cold JVM costs two to three times as much.

use anyhow::{Result, ensure};
use benchmarks::peers::Peers;
use benchmarks::series::Series;
use benchmarks::{Load, child, formats, latency, processes, setting, table, worker};

// As in the command that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const WARM_ENTRIES: u64 = 4_000_000;
/// The series that moves no records.
const WORKER: &str = "worker";
/// A series has this part of the rounds and of the records of the table.
const SMALLER: (u64, u64) = (2, 4);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [first, order] if first == "child" => {
            println!("{}", serde_json::to_string(&child::measure(&serde_json::from_str(order)?)?)?);
            Ok(())
        }
        names => parent(names),
    }
}

fn parent(names: &[String]) -> Result<()> {
    let rounds = setting("COHERENCE_KAFKA_BENCH_ROUNDS", 5)?.max(1);
    let records = setting("COHERENCE_KAFKA_BENCH_RECORDS", 1_000_000)?.max(1);
    let seconds = setting("COHERENCE_KAFKA_BENCH_SECONDS", 8)?.max(1);
    let (fewer_rounds, fewer_records) = (rounds.div_ceil(SMALLER.0), (records / SMALLER.1).max(1));
    let series = Series::all(fewer_records);
    let java = Series::java(fewer_records);
    let known: Vec<&str> = [WORKER, "sink"]
        .into_iter()
        .chain(series.iter().map(|series| series.name))
        .chain(["formats", "processes", "latency", java.name])
        .collect();
    for name in names {
        ensure!(known.contains(&name.as_str()), "there is no {name}: expected any of {}", known.join(", "));
    }
    let asked = |name: &str| names.is_empty() || names.iter().any(|asked| asked == name);
    let mut peers = Peers::start()?;
    if asked(WORKER) {
        worker::run(&peers, rounds, setting("COHERENCE_KAFKA_BENCH_CONNECTORS", 200)?.max(1))?;
    }
    if !names.is_empty() && names.iter().all(|name| name == WORKER) {
        // It moves no records: no server needs to be warm.
        return Ok(());
    }
    eprintln!("warming the grid and the broker");
    peers.warm(setting("COHERENCE_KAFKA_BENCH_WARM_ENTRIES", WARM_ENTRIES)?, Load::plain(records))?;
    if asked("sink") {
        table::run(&mut peers, rounds, records)?;
    }
    for series in series.iter().filter(|series| asked(series.name)) {
        series.run(&mut peers, fewer_rounds)?;
    }
    if asked("formats") {
        formats::run(&peers, fewer_rounds, records)?;
    }
    if asked("processes") {
        processes::run(&peers, fewer_rounds, records)?;
    }
    if asked("latency") {
        latency::run(&peers, seconds)?;
    }
    if asked(java.name) {
        peers.use_java_grid()?;
        java.run(&mut peers, fewer_rounds)?;
    }
    Ok(())
}
