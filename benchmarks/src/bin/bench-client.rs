//! The table of `make bench` for the grid's client: how close it comes to what gRPC and the grid allow.
//!
//! The limit is `coherence-client/benches/bare_loop.rs`. The official Python client takes part if it can be
//! installed, with a tenth of the entries, because it is slow; it has no goal. Further contenders are named in
//! `COHERENCE_KAFKA_BENCH_CONTENDERS`, as `name=program argument …`, separated by semicolons: each is
//! started with the grid's address and the number of entries behind its arguments (see
//! [`benchmarks::client`]).
//!
//! All contenders take turns on one grid that has been warmed, and only medians of ratios within a round mean
//! anything.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use benchmarks::client::{self, LISTENING, OPERATIONS, Results};
use benchmarks::{BATCH, KEY_BYTES, Spread, VALUE_BYTES, setting};
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::process::Process;
use integration_tests::sandbox::{Folder, unique};
use integration_tests::wait;

const DEADLINE: Duration = Duration::from_secs(300);
const WARM_ROUNDS: usize = 2;
/// The least rate of the client, as a share of the bare loop's.
const GOAL: f64 = 0.9;

fn main() -> Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    if let [work, address, records] = arguments.as_slice() {
        match work.as_str() {
            "child" => println!("{}", client::measure(address, records.parse()?)?),
            "fill" => client::fill(address, records.parse()?)?,
            other => bail!("unknown work {other:?}"),
        }
        return Ok(());
    }
    let rounds = setting("COHERENCE_KAFKA_BENCH_ROUNDS", 5)?.max(1) as usize;
    let records = setting("COHERENCE_KAFKA_BENCH_RECORDS", 1_000_000)?.max(1);
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

/// A program that measures itself.
struct Contender {
    name: String,
    program: Vec<String>,
    /// It is measured with one in this number of entries.
    one_in: u64,
}

/// Ours and the limit first.
fn contenders() -> Result<Vec<Contender>> {
    let this = std::env::current_exe()?;
    let bare = this.parent().context("a program without a folder")?.join("examples").join("bare-loop");
    ensure!(bare.exists(), "run make bench, which builds {}", bare.display());
    let path = |path: &Path| path.display().to_string();
    let mut contenders = vec![
        Contender { name: "client".to_owned(), program: vec![path(&this), "child".to_owned()], one_in: 1 },
        Contender { name: "bare loop".to_owned(), program: vec![path(&bare)], one_in: 1 },
    ];
    match client::python() {
        Ok(program) => contenders.push(Contender {
            name: "Python".to_owned(),
            program: program.iter().map(|part| path(part)).collect(),
            one_in: 10,
        }),
        Err(error) => {
            let reason = format!("{error:#}");
            eprintln!("without the Python client: {}", reason.lines().next().unwrap_or_default());
        }
    }
    for text in std::env::var("COHERENCE_KAFKA_BENCH_CONTENDERS").unwrap_or_default().split_terminator(';') {
        let (name, program) =
            text.split_once('=').with_context(|| format!("{text:?}: name=program expected"))?;
        let program = program.split_whitespace().map(str::to_owned).collect();
        contenders.push(Contender { name: name.trim().to_owned(), program, one_in: 1 });
    }
    Ok(contenders)
}

impl Contender {
    fn measure(&self, grid: &Grid, folder: &Folder, records: u64) -> Result<Results> {
        let (program, arguments) = self.program.split_first().context("a contender without a program")?;
        let mut command = Command::new(program);
        let records = (records / self.one_in).max(1).to_string();
        command.args(arguments).arg(grid.address()).arg(&records);
        let log = folder.path().join(unique("contender"));
        let own_program = std::env::current_exe()?;
        let mut process = Process::start(&self.name, command, &log)?;
        let mut writer = None;
        let ended = wait::within(DEADLINE, || {
            let listens = |log: String| log.lines().any(|line| line == LISTENING);
            if writer.is_none() && fs::read_to_string(&log).is_ok_and(listens) {
                let mut fill = Command::new(&own_program);
                fill.args(["fill", &grid.address(), &records]);
                writer = Some(Process::start("the writer", fill, &folder.path().join(unique("writer"))));
            }
            !process.is_running()
        });
        ensure!(ended, "{}: not within {DEADLINE:?}", self.name);
        if let Some(writer) = writer {
            let mut writer = writer?;
            ensure!(wait::within(DEADLINE, || !writer.is_running()), "the writer does not end");
        }
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
            let rates: Vec<f64> = rounds.iter().filter_map(|round| Some(of(round, index)?.rate)).collect();
            if rates.is_empty() {
                continue;
            }
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
