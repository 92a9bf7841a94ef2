//! The end-to-end table of `make bench`: how close the sink comes to what Kafka and the grid allow.
//!
//! The machine is noisy, and client, broker and grid share it: rounds are interleaved, and only medians, and ratios
//! within a round, mean anything. The grid is warmed first: a cold JVM costs two to three times as much.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result, ensure};
use integration_tests::bench::{
    self, KEY_BYTES, Kind, MAP, Measured, Order, Spread, VALUE_BYTES, child, cpu_of,
};
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::process::Process;
use integration_tests::sandbox::{Folder, unique};
use integration_tests::wait;

// As in the command that is measured.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTITIONS: i32 = 8;
const WARM_ENTRIES: u64 = 4_000_000;
const CHILD_DEADLINE: Duration = Duration::from_secs(300);

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.split_first() {
        Some((first, order)) if first == "child" => {
            println!("{}", child::measure(&Order::from_arguments(order)?)?.to_json());
            Ok(())
        }
        _ => parent(),
    }
}

fn parent() -> Result<()> {
    let rounds = setting("COHERENCE_KAFKA_BENCH_ROUNDS", 5)?.max(1);
    let peers = Peers::start(setting("COHERENCE_KAFKA_BENCH_RECORDS", 1_000_000)?.max(1))?;
    eprintln!("warming the grid and the broker");
    let warm = setting("COHERENCE_KAFKA_BENCH_WARM_ENTRIES", WARM_ENTRIES)?;
    for _ in 0..warm.div_ceil(peers.records) {
        peers.measure(Kind::PutAll)?;
    }
    peers.measure(Kind::Consume)?;
    peers.measure(Kind::Grid)?;
    let mut table = Table::default();
    for round in 0..rounds as usize {
        let mut results = [None; Kind::ALL.len()];
        for turn in 0..Kind::ALL.len() {
            // Every round begins with another one, so that none always has the same predecessor.
            let index = (turn + round) % Kind::ALL.len();
            let result = peers.measure(Kind::ALL[index])?;
            eprintln!("round {}: {:8} {}", round + 1, Kind::ALL[index].name(), result.client.to_json());
            results[index] = Some(result);
        }
        table.rounds.push(results.into_iter().flatten().collect());
    }
    table.print(peers.records);
    Ok(())
}

fn setting(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} must be a number")),
        Err(_) => Ok(default),
    }
}

/// The servers, and the records in the broker.
struct Peers {
    kafka: Kafka,
    grid: Grid,
    folder: Folder,
    topic: String,
    records: u64,
}

/// One measurement: the client's, and what it cost the servers.
#[derive(Debug, Clone, Copy)]
struct Measurement {
    client: Measured,
    broker_cpu_ns: f64,
    grid_cpu_ns: f64,
}

impl Peers {
    fn start(records: u64) -> Result<Self> {
        let options = GridOptions { heap: "4g".to_owned(), fast: true, ..GridOptions::default() };
        let grid = thread::spawn(|| Grid::start(options));
        let kafka =
            Kafka::start(KafkaOptions { heap: "768m".to_owned(), fast: true, ..KafkaOptions::default() })?;
        let grid = grid.join().ok().context("the thread that starts the grid has ended")??;
        let topic = unique("bench");
        kafka.create_topic(&topic, PARTITIONS)?;
        let feed = bench::records(0).take(records as usize);
        kafka.produce(&topic, feed.map(|(key, value)| (Some(key), Some(value))))?;
        Ok(Self { kafka, grid, folder: Folder::new("bench")?, topic, records })
    }

    fn measure(&self, kind: Kind) -> Result<Measurement> {
        let servers = || -> Result<[Duration; 2]> {
            let ids = [self.kafka.process_id(), self.grid.process_id()];
            let [kafka, grid] = ids.map(|id| cpu_of(id.context("a server is down")?));
            Ok([kafka?, grid?])
        };
        let before = servers()?;
        let client = self.run_child(kind).with_context(|| kind.name())?;
        let after = servers()?;
        if kind.fills_grid() {
            let size = self.grid.tool().size(MAP)?;
            ensure!(size == self.records, "{}: {size} entries of {} in the grid", kind.name(), self.records);
            self.grid.tool().truncate(MAP)?;
        }
        let cost = |server: usize| (after[server] - before[server]).as_nanos() as f64 / self.records as f64;
        Ok(Measurement { client, broker_cpu_ns: cost(0), grid_cpu_ns: cost(1) })
    }

    fn run_child(&self, kind: Kind) -> Result<Measured> {
        let name = unique(kind.name());
        let log = self.folder.path().join(&name);
        let order = Order {
            kind,
            bootstrap: self.kafka.bootstrap(),
            grid: self.grid.address(),
            topic: self.topic.clone(),
            name,
            records: self.records,
            started: SystemTime::now().duration_since(UNIX_EPOCH)?,
        };
        let mut command = Command::new(std::env::current_exe()?);
        command.arg("child").args(order.to_arguments());
        let mut process = Process::start("a measurement", command, &log)?;
        ensure!(wait::within(CHILD_DEADLINE, || !process.is_running()), "not within {CHILD_DEADLINE:?}");
        last_line(&log).and_then(|line| Measured::from_json(&line)).with_context(|| process.log_end())
    }
}

fn last_line(file: &Path) -> Result<String> {
    let text = fs::read_to_string(file)?;
    Ok(text.lines().last().unwrap_or_default().to_owned())
}

/// All measurements: for each round one of each kind, in the order of [`Kind::ALL`].
#[derive(Default)]
struct Table {
    rounds: Vec<Vec<Measurement>>,
}

impl Table {
    fn print(&self, records: u64) {
        println!("{records} records of {KEY_BYTES} + {VALUE_BYTES} bytes in {PARTITIONS} partitions;");
        println!("{} rounds, median (min–max)\n", self.rounds.len());
        println!(
            "| | measured | records/s | CPU ns a record | peak MiB | first commit ms | broker CPU ns | grid CPU ns |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        for (index, kind) in Kind::ALL.into_iter().enumerate() {
            let row = |of: fn(&Measurement) -> f64| Spread::of(self.column(index, of));
            let first_commit = match kind {
                Kind::PutAll => "–".to_owned(),
                _ => row(|m| m.client.first_commit_ms.unwrap_or(f64::NAN)).whole(),
            };
            println!(
                "| {} | {} | {} | {} | {} | {first_commit} | {} | {} |",
                letter(kind),
                title(kind),
                row(|m| m.client.rate).thousands(),
                row(|m| m.client.cpu_ns).whole(),
                row(|m| m.client.peak_mib).whole(),
                row(|m| m.broker_cpu_ns).whole(),
                row(|m| m.grid_cpu_ns).whole(),
            );
        }
        println!("\n| goal | measured | asked | |\n|---|---|---|---|");
        let at_least = |what: &str, spread: Spread, goal: f64| {
            println!("| {what} | {} | ≥ {goal} | {} |", spread.exact(), verdict(spread.median >= goal));
        };
        at_least("rate of b ÷ rate of a, per round", self.ratio(Kind::Discard, Kind::Consume), 0.8);
        at_least("rate of e ÷ rate of d, per round", self.ratio(Kind::Grid, Kind::PutAll), 0.8);
        let at_most = |what: &str, of: fn(&Measurement) -> f64, goal: f64| {
            let spread = Spread::of(self.column(place(Kind::Grid), of));
            println!("| {what} | {} | ≤ {goal} | {} |", spread.exact(), verdict(spread.median <= goal));
        };
        at_most("e: CPU seconds a million records", |m| m.client.cpu_ns / 1e3, 1.2);
        at_most("e: peak MiB", |m| m.client.peak_mib, 48.0);
        at_most(
            "e: seconds to the first commit",
            |m| m.client.first_commit_ms.map_or(f64::NAN, |ms| ms / 1e3),
            0.5,
        );
    }

    fn column(&self, index: usize, of: fn(&Measurement) -> f64) -> Vec<f64> {
        self.rounds.iter().map(|round| of(&round[index])).collect()
    }

    fn ratio(&self, above: Kind, below: Kind) -> Spread {
        let rate = |round: &[Measurement], kind| round[place(kind)].client.rate;
        Spread::of(self.rounds.iter().map(|round| rate(round, above) / rate(round, below)).collect())
    }
}

fn place(kind: Kind) -> usize {
    Kind::ALL.iter().position(|k| *k == kind).unwrap_or_default()
}

fn letter(kind: Kind) -> char {
    ['a', 'b', 'c', 'd', 'e'][place(kind)]
}

fn title(kind: Kind) -> &'static str {
    match kind {
        Kind::Consume => "a bare consumer: read, count, commit",
        Kind::Discard => "the sink, into maps that discard",
        Kind::Embedded => "the sink, into the embedded map",
        Kind::PutAll => "a bare client: put 5,000 entries a call into the grid",
        Kind::Grid => "the sink, into the grid",
    }
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}
