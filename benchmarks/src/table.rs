//! The sink next to the bare loops, and its goals.

use anyhow::Result;

use crate::peers::{Measurement, Peers};
use crate::{KEY_BYTES, Kind, Load, Spread, VALUE_BYTES};

/// What is measured in each round, with its letter.
const ROWS: [(char, Kind, bool, &str); 7] = [
    ('a', Kind::Consume, false, "a bare consumer: read, count, commit"),
    ('b', Kind::Discard, false, "the sink, into maps that discard"),
    ('c', Kind::Embedded, false, "the sink, into the embedded map"),
    ('d', Kind::PutAll, false, "a bare client: put 5,000 entries per call into the grid"),
    ('e', Kind::Grid, false, "the sink, into the grid"),
    ('f', Kind::Discard, true, "the sink, binaries pass through, into maps that discard"),
    ('g', Kind::Grid, true, "the sink, binaries pass through, into the grid"),
];

/// The goal was 0.8 seconds a million on a machine where a bare bridge, which only reads and puts, used 0.57: this part
/// of (a) and (d) together, on any machine.
const OF_BARE_LOOPS: f64 = 1.4;

/// Makes all measurements and prints the table. The order changes from round to round.
///
/// # Errors
///
/// When a measurement fails.
pub fn run(peers: &mut Peers, rounds: u64, records: u64) -> Result<()> {
    let mut table = Table { rounds: Vec::new() };
    for round in 0..rounds as usize {
        let mut results = [None; ROWS.len()];
        for turn in 0..ROWS.len() {
            let index = (turn + round) % ROWS.len();
            let (letter, kind, binary, _) = ROWS[index];
            let load = if binary { Load::binary(records) } else { Load::plain(records) };
            let result = peers.measure(kind, load, &[])?;
            eprintln!("round {}: {letter} {}", round + 1, serde_json::to_string(&result.client)?);
            results[index] = Some(result);
        }
        table.rounds.push(results.into_iter().flatten().collect());
    }
    table.print(records);
    Ok(())
}

/// All measurements: for each round one of each row.
struct Table {
    rounds: Vec<Vec<Measurement>>,
}

impl Table {
    fn print(&self, records: u64) {
        println!("## The sink next to the bare loops\n");
        println!("{records} records of {KEY_BYTES} + {VALUE_BYTES} bytes in 8 partitions;");
        println!("{} rounds, median (min–max)\n", self.rounds.len());
        println!(
            "| | measured | records/s | CPU ns per record | peak MiB | first commit ms | broker CPU ns | grid CPU ns |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        for (letter, kind, _, title) in ROWS {
            let row = |of: fn(&Measurement) -> f64| self.spread(letter, of);
            let first_commit = match kind {
                Kind::PutAll => "–".to_owned(),
                _ => row(|m| m.client.first_commit_ms.unwrap_or(f64::NAN)).whole(),
            };
            println!(
                "| {letter} | {title} | {} | {} | {} | {first_commit} | {} | {} |",
                row(|m| m.client.rate).thousands(),
                row(|m| m.client.cpu_ns).whole(),
                row(|m| m.client.peak_mib).whole(),
                row(|m| m.broker_cpu_ns).whole(),
                row(|m| m.grid_cpu_ns).whole(),
            );
        }
        println!("\n| goal | measured | asked | |\n|---|---|---|---|");
        for (above, below) in [('b', 'a'), ('e', 'd'), ('f', 'a'), ('g', 'd')] {
            let spread = self.ratio(above, below);
            println!(
                "| rate of {above} ÷ rate of {below}, per round | {} | ≥ 0.9 | {} |",
                spread.exact(),
                verdict(spread.median >= 0.9)
            );
        }
        for letter in ['e', 'g'] {
            let at_most = |what: &str, spread: Spread, goal: f64| {
                let verdict = verdict(spread.median <= goal);
                println!("| {letter}: {what} | {} | ≤ {goal} | {verdict} |", spread.exact());
            };
            let row = |of: fn(&Measurement) -> f64| self.spread(letter, of);
            at_most("CPU seconds per million records", row(|m| m.client.cpu_ns / 1e3), 0.8);
            at_most(
                "its CPU ÷ that of a and d together, per round",
                self.cpu_of_bare_loops(letter),
                OF_BARE_LOOPS,
            );
            at_most("peak MiB", row(|m| m.client.peak_mib), 40.0);
            at_most(
                "seconds to the first commit",
                row(|m| m.client.first_commit_ms.map_or(f64::NAN, |ms| ms / 1e3)),
                0.35,
            );
        }
        println!();
    }

    fn spread(&self, letter: char, of: fn(&Measurement) -> f64) -> Spread {
        Spread::of(self.rounds.iter().map(|round| of(&round[place(letter)])).collect())
    }

    fn cpu_of_bare_loops(&self, letter: char) -> Spread {
        let cpu = |round: &[Measurement], letter| round[place(letter)].client.cpu_ns;
        let ratio = |round: &Vec<_>| cpu(round, letter) / (cpu(round, 'a') + cpu(round, 'd'));
        Spread::of(self.rounds.iter().map(ratio).collect())
    }

    fn ratio(&self, above: char, below: char) -> Spread {
        let rate = |round: &[Measurement], letter| round[place(letter)].client.rate;
        Spread::of(self.rounds.iter().map(|round| rate(round, above) / rate(round, below)).collect())
    }
}

fn place(letter: char) -> usize {
    ROWS.iter().position(|row| row.0 == letter).unwrap_or_default()
}

fn verdict(met: bool) -> &'static str {
    if met { "met" } else { "missed" }
}
