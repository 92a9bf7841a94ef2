//! The tables of `make bench` for the entry store and the source: how close they come to librdkafka alone, and to a
//! listener that drops its events.
//!
//! The machine is noisy, and client, broker and grid share it: rounds are interleaved, and only medians, and ratios
//! within a round, mean anything.

use anyhow::{Context, Result};
use benchmarks::client::{self, LISTENING};
use benchmarks::peers::{CHILD_DEADLINE, answer, child, servers};
use benchmarks::store::{CALLERS, Measured, Order, STORE_BATCH, Work, measure};
use benchmarks::{KEY_BYTES, MAP, Spread, VALUE_BYTES, setting};
use integration_tests::grid::Grid;
use integration_tests::kafka::Kafka;
use integration_tests::sandbox::{Folder, unique};

// As in the commands.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

const PARTITIONS: i32 = 8;
const WARM_ENTRIES: u64 = 4_000_000;
/// Of the rate of the limit.
const GOAL: f64 = 0.9;
const GOAL_BYTES_A_KEY: f64 = 40.0;
/// Where grid, broker and source share the cores, a rate is that of all three; CPU is that of the source alone.
const GOAL_CPU: f64 = 1.4;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.as_slice() {
        [first, order] if first == "child" => {
            println!("{}", serde_json::to_string(&measure(&serde_json::from_str(order)?)?)?);
            Ok(())
        }
        _ => parent(),
    }
}

fn parent() -> Result<()> {
    let rounds = setting("COHERENCE_KAFKA_BENCH_ROUNDS", 5)?.max(1);
    let peers = Peers::start(setting("COHERENCE_KAFKA_BENCH_RECORDS", 1_000_000)?.max(1))?;
    let works = works()?;
    if works.iter().any(|work| work.waits_for_events()) {
        eprintln!("warming the grid");
        for _ in 0..setting("COHERENCE_KAFKA_BENCH_WARM_ENTRIES", WARM_ENTRIES)?.div_ceil(peers.records) {
            client::fill(&peers.grid.address(), peers.records)?;
            peers.grid.tool().truncate(MAP)?;
        }
    }
    let mut table = Table { works, rounds: Vec::new() };
    // The first round does not count: a cold broker uses several times as much for a request.
    for round in 0..=rounds as usize {
        let mut results = vec![None; table.works.len()];
        for turn in 0..results.len() {
            // Every round begins with another one, so that none always has the same predecessor.
            let index = (turn + round) % results.len();
            let work = table.works[index];
            let result = peers.measure(work)?;
            eprintln!("round {round}: {:16} {}", work.name(), serde_json::to_string(&result)?);
            results[index] = Some(result);
        }
        if round > 0 {
            table.rounds.push(results.into_iter().flatten().collect());
        }
    }
    table.print(peers.records);
    Ok(())
}

/// All, or those that are named.
fn works() -> Result<Vec<Work>> {
    let Ok(names) = std::env::var("COHERENCE_KAFKA_BENCH_WORKS") else { return Ok(Work::all()) };
    let find = |name: &str| Work::all().into_iter().find(|work| work.name() == name);
    names.split_whitespace().map(|name| find(name).with_context(|| format!("unknown work {name}"))).collect()
}

struct Peers {
    kafka: Kafka,
    grid: Grid,
    folder: Folder,
    records: u64,
}

impl Peers {
    fn start(records: u64) -> Result<Self> {
        let (kafka, grid) = servers("2g")?;
        Ok(Self { kafka, grid, folder: Folder::new("bench-store")?, records })
    }

    fn measure(&self, work: Work) -> Result<Measured> {
        let topic = unique(&work.name());
        self.kafka.create_topic(&topic, PARTITIONS)?;
        let log = self.folder.path().join(&topic);
        let count = match work {
            // A second or two of calls.
            Work::Trip(callers) | Work::Through(callers) => {
                (self.records / 200).max(1) * (callers as u64).min(8)
            }
            _ => self.records,
        };
        let (bootstrap, grid) = (self.kafka.bootstrap(), self.grid.address());
        let order = Order { work, bootstrap, grid, topic, count };
        let mut process = child(&order, &log)?;
        if work.waits_for_events() {
            process.wait_for_line(LISTENING, CHILD_DEADLINE)?;
            client::fill(&order.grid, count)?;
        }
        let measured = answer(&mut process).with_context(|| work.name())?;
        if work.waits_for_events() {
            self.grid.tool().truncate(MAP)?;
        }
        Ok(measured)
    }
}

/// All measurements: for each round one of each work.
struct Table {
    works: Vec<Work>,
    rounds: Vec<Vec<Measured>>,
}

impl Table {
    fn print(&self, records: u64) {
        println!("records of {KEY_BYTES} + {VALUE_BYTES} bytes, {records} of them; {PARTITIONS} partitions;");
        println!("{} rounds, median (min–max)", self.rounds.len());
        self.print_rates("records", Work::Bare, &[Work::Store, Work::StoreAll, Work::Behind]);
        self.print_trips();
        self.print_rates("events", Work::Listen, &[Work::Publish]);
        if let Some(gaps) = self.spread(Work::Publish, |m| m.gaps as f64) {
            println!("\nTimes at which the events of the source were too many at once: {}.", gaps.whole());
        }
        self.print_goals(records);
    }

    fn print_goals(&self, records: u64) {
        let bytes = self.spread(Work::Digest, |m| m.bytes_a_key.unwrap_or(f64::NAN));
        let bytes = bytes.map(|bytes| {
            let of = format!("{records} to {} keys", 2 * records);
            (
                format!("bytes of resident memory a key of the digest, {of}, at the worst"),
                bytes,
                GOAL_BYTES_A_KEY,
            )
        });
        let limit = self.column(Work::Listen).zip(self.column(Work::Bare)).map(|(a, b)| a.cpu_ns + b.cpu_ns);
        let cpu: Vec<f64> =
            self.column(Work::Publish).zip(limit).map(|(m, limit)| m.cpu_ns / limit).collect();
        let cpu = (!cpu.is_empty()).then(|| {
            let what = "CPU of the source ÷ that of the listener and librdkafka alone together".to_owned();
            (what, Spread::of(cpu), GOAL_CPU)
        });
        let goals: Vec<_> = bytes.into_iter().chain(cpu).collect();
        if goals.is_empty() {
            return;
        }
        println!("\n| goal | measured | asked | |\n|---|---|---|---|");
        for (what, measured, goal) in goals {
            let verdict = if measured.median <= goal { "met" } else { "missed" };
            println!("| {what} | {} | ≤ {goal} | {verdict} |", measured.exact());
        }
    }

    fn print_rates(&self, what: &str, limit: Work, ours: &[Work]) {
        if !self.works.contains(&limit) {
            return;
        }
        println!(
            "\n| measured | {what}/s | CPU ns each | peak MiB | rate ÷ rate of the first | CPU ÷ CPU of the first | |"
        );
        println!("|---|---|---|---|---|---|---|");
        for work in [limit].iter().chain(ours) {
            let Some(rate) = self.spread(*work, |m| m.rate) else { continue };
            let (cpu, peak) = (self.spread(*work, |m| m.cpu_ns), self.spread(*work, |m| m.peak_mib));
            let whole = |spread: Option<Spread>| spread.map_or_else(String::new, |spread| spread.whole());
            let ratios = self.ratio(*work, limit, |m| m.rate);
            let verdict = match *work == limit {
                true => String::new(),
                false if ratios.median >= GOAL => format!("≥ {GOAL}: met"),
                false => format!("≥ {GOAL}: missed"),
            };
            println!(
                "| {} | {} | {} | {} | {} | {} | {verdict} |",
                title(*work),
                rate.thousands(),
                whole(cpu),
                whole(peak),
                ratios.exact(),
                self.ratio(*work, limit, |m| m.cpu_ns).exact(),
            );
        }
    }

    fn print_trips(&self) {
        if !self.works.iter().any(|work| matches!(work, Work::Trip(_))) {
            return;
        }
        println!(
            "\n| callers | call | p50 µs | p99 µs | calls/s | CPU ns a call | p50 ÷ p50 of the bare one |"
        );
        println!("|---|---|---|---|---|---|---|");
        for callers in CALLERS {
            for work in [Work::Trip(callers), Work::Through(callers)] {
                let time = |index: usize| {
                    let times: Vec<f64> = self.column(work).filter_map(|m| Some(m.call_us?[index])).collect();
                    Spread::of(times).whole()
                };
                let Some(rate) = self.spread(work, |m| m.rate) else { continue };
                let cpu = self.spread(work, |m| m.cpu_ns).map_or_else(String::new, |spread| spread.whole());
                let p50 = |m: &Measured| m.call_us.map_or(f64::NAN, |times| times[0]);
                println!(
                    "| {callers} | {} | {} | {} | {} | {cpu} | {} |",
                    title(work),
                    time(0),
                    time(1),
                    rate.whole(),
                    self.ratio(work, Work::Trip(callers), p50).exact(),
                );
            }
        }
    }

    fn column(&self, work: Work) -> impl Iterator<Item = &Measured> {
        let index = self.works.iter().position(|known| *known == work);
        self.rounds.iter().filter_map(move |round| round.get(index?))
    }

    fn spread(&self, work: Work, of: fn(&Measured) -> f64) -> Option<Spread> {
        let values: Vec<f64> = self.column(work).map(of).collect();
        (!values.is_empty()).then(|| Spread::of(values))
    }

    fn ratio(&self, above: Work, below: Work, of: impl Fn(&Measured) -> f64) -> Spread {
        Spread::of(self.column(above).zip(self.column(below)).map(|(a, b)| of(a) / of(b)).collect())
    }
}

fn title(work: Work) -> String {
    match work {
        Work::Bare => "librdkafka alone: `produce`, reports counted".to_owned(),
        Work::Store => "`store`".to_owned(),
        Work::StoreAll => format!("`store_all`, {STORE_BATCH} a call"),
        Work::Behind => format!("write-behind over the embedded map, `put_all` of {STORE_BATCH}"),
        Work::Trip(_) => "librdkafka alone".to_owned(),
        Work::Through(_) => "`put`, write-through".to_owned(),
        Work::Listen => "a listener that counts".to_owned(),
        Work::Publish => "the source, to the last acknowledgement".to_owned(),
        Work::Digest => "the digest".to_owned(),
    }
}
