//! The table of `make bench` for the grid's client: how close it comes to what gRPC and the grid allow.
//!
//! The limit is `coherence-client/benches/bare_loop.rs`. Further contenders, such as the clients of other languages,
//! are named in `COHERENCE_KAFKA_BENCH_CONTENDERS`, as `name=program argument …`, separated by semicolons: each is
//! started with the grid's address and the number of entries behind its arguments (see
//! [`integration_tests::bench::client`]).
//!
//! All contenders take turns on one grid that has been warmed, and only medians of ratios within a round mean
//! anything.

use std::fs;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use integration_tests::bench::client::{self, OPERATIONS, Results};
use integration_tests::bench::{BATCH, KEY_BYTES, Spread, VALUE_BYTES};
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::process::Process;
use integration_tests::sandbox::{Folder, unique};
use integration_tests::wait;

const DEADLINE: Duration = Duration::from_secs(300);
const WARM_ROUNDS: usize = 2;
/// Share of the bare loop's rate that is asked of the client.
const GOAL: f64 = 0.9;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [child, address, records] = arguments.as_slice()
        && child == "child"
    {
        println!("{}", client::measure(address, records.parse()?)?);
        return Ok(());
    }
    let rounds = number("COHERENCE_KAFKA_BENCH_ROUNDS", 5)?.max(1) as usize;
    let records = number("COHERENCE_KAFKA_BENCH_RECORDS", 1_000_000)?.max(1);
    let contenders = contenders()?;
    let options = GridOptions { heap: "2g".to_owned(), fast: true, ..GridOptions::default() };
    let grid = Grid::start(options)?;
    let folder = Folder::new("bench-client")?;
    eprintln!("warming the grid");
    for _ in 0..WARM_ROUNDS {
        contenders[0].measure(&grid, &folder, records)?;
    }
    let mut table: Vec<Vec<Results>> = Vec::new();
    for round in 0..rounds {
        let mut results = vec![Results::new(); contenders.len()];
        for turn in 0..contenders.len() {
            // Every round begins with another one, so that none always has the same predecessor.
            let index = (turn + round) % contenders.len();
            results[index] = contenders[index].measure(&grid, &folder, records)?;
            eprintln!("round {}: {:8} {:?}", round + 1, contenders[index].name, results[index]);
        }
        table.push(results);
    }
    print(&contenders, &table, records);
    Ok(())
}

fn number(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} must be a number")),
        Err(_) => Ok(default),
    }
}

/// A program that measures itself.
struct Contender {
    name: String,
    program: Vec<String>,
}

/// Ours and the limit first.
fn contenders() -> Result<Vec<Contender>> {
    let this = std::env::current_exe()?;
    let bare = this.parent().context("a program without a folder")?.join("examples").join("bare-loop");
    ensure!(bare.exists(), "run make bench, which builds {}", bare.display());
    let path = |path: &std::path::Path| path.display().to_string();
    let mut contenders = vec![
        Contender { name: "client".to_owned(), program: vec![path(&this), "child".to_owned()] },
        Contender { name: "bare loop".to_owned(), program: vec![path(&bare)] },
    ];
    for text in std::env::var("COHERENCE_KAFKA_BENCH_CONTENDERS").unwrap_or_default().split_terminator(';') {
        let (name, program) =
            text.split_once('=').with_context(|| format!("{text:?}: name=program expected"))?;
        let program = program.split_whitespace().map(str::to_owned).collect();
        contenders.push(Contender { name: name.trim().to_owned(), program });
    }
    Ok(contenders)
}

impl Contender {
    fn measure(&self, grid: &Grid, folder: &Folder, records: u64) -> Result<Results> {
        let (program, arguments) = self.program.split_first().context("a contender without a program")?;
        let mut command = Command::new(program);
        command.args(arguments).arg(grid.address()).arg(records.to_string());
        let log = folder.path().join(unique("contender"));
        let mut process = Process::start(&self.name, command, &log)?;
        ensure!(wait::within(DEADLINE, || !process.is_running()), "{}: not within {DEADLINE:?}", self.name);
        let text = fs::read_to_string(&log)?;
        client::parse(text.lines().last().unwrap_or_default()).with_context(|| process.log_end())
    }
}

fn print(contenders: &[Contender], rounds: &[Vec<Results>], records: u64) {
    println!(
        "{records} entries of {KEY_BYTES} + {VALUE_BYTES} bytes, {BATCH} a call, {} calls in flight;",
        client::IN_FLIGHT
    );
    println!("{} rounds, median (min–max)\n", rounds.len());
    println!("| operation | contender | entries/s | CPU ns an entry | rate ÷ rate of the bare loop | |");
    println!("|---|---|---|---|---|---|");
    for operation in OPERATIONS {
        for (index, contender) in contenders.iter().enumerate() {
            let of = |round: &Vec<Results>, index: usize| round[index].get(operation).copied();
            let rates = rounds.iter().filter_map(|round| Some(of(round, index)?.rate)).collect();
            let cpu: Vec<f64> = rounds.iter().filter_map(|round| of(round, index)?.cpu_ns).collect();
            let ratios = rounds.iter().filter_map(|round| Some(of(round, index)?.rate / of(round, 1)?.rate));
            let ratios = Spread::of(ratios.collect());
            let verdict = match index {
                0 if ratios.median >= GOAL => format!("≥ {GOAL}: met"),
                0 => format!("≥ {GOAL}: missed"),
                _ => String::new(),
            };
            let cpu = if cpu.is_empty() { "–".to_owned() } else { Spread::of(cpu).whole() };
            println!(
                "| {operation} | {} | {} | {cpu} | {} | {verdict} |",
                contender.name,
                Spread::of(rates).thousands(),
                ratios.exact(),
            );
        }
    }
}
