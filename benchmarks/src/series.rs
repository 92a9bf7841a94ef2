//! How the figures grow with the load and with a setting: one thing is varied, everything else is as in the table.

use anyhow::Result;

use crate::peers::{Measurement, Peers};
use crate::{Kind, Load, Spread};

/// One thing that is varied.
#[derive(Debug)]
pub struct Series {
    /// Its name on the command line.
    pub name: &'static str,
    title: &'static str,
    pairs: &'static [Pair],
    cases: Vec<Case>,
}

/// The bare loop to compare with, if any, and the sink.
type Pair = (Option<Kind>, Kind);

#[derive(Debug)]
struct Case {
    label: String,
    load: Load,
    settings: Vec<(String, String)>,
}

const READ: Pair = (Some(Kind::Consume), Kind::Discard);
const WRITTEN: Pair = (Some(Kind::PutAll), Kind::Grid);
const ALONE: Pair = (None, Kind::Grid);

impl Series {
    /// All of them, of about `records` records each.
    pub fn all(records: u64) -> Vec<Self> {
        let plain = Load::plain(records);
        let case = |label: String, load| Case { label, load, settings: Vec::new() };
        let sizes = [(100, 1), (1024, 4), (10 * 1024, 20)].map(|(value_bytes, fewer)| {
            let records = (records / fewer).max(1);
            case(format!("{value_bytes} bytes per value"), Load { value_bytes, records, ..plain })
        });
        let partitions = [1, 8, 64]
            .map(|partitions| case(format!("{partitions} partitions"), Load { partitions, ..plain }));
        let deletes =
            [0, 10, 100].map(|deletes| case(format!("{deletes} % deletes"), Load { deletes, ..plain }));
        let keys = [1, 10, 100].map(|times| {
            let keys = (times > 1).then_some((records / times).max(1));
            case(format!("each key {times} times"), Load { keys, ..plain })
        });
        let topics = [(1, 8), (64, 1), (512, 1)].map(|(topics, partitions)| {
            case(format!("{topics} topics of {partitions} partitions"), Load { topics, partitions, ..plain })
        });
        let backlogs = [1, 8].map(|times| {
            let load = Load { records: records * times, ..plain };
            case(format!("a backlog of {} records", load.records), load)
        });
        let settings = |load, name: &'static str| {
            move |value: u64| Case {
                label: format!("{name}={value}"),
                load,
                settings: vec![(name.to_owned(), value.to_string())],
            }
        };
        let batches = [500, 1_000, 2_500, 5_000, 10_000, 20_000];
        let batches = batches.map(settings(plain, "coherence.batch.max.records"));
        let large = Load { value_bytes: 1024, records: (records / 4).max(1), ..plain };
        let bytes = [256, 1024, 3584].map(|kib| kib * 1024);
        let bytes = bytes.map(settings(large, "coherence.batch.max.bytes"));
        let series = |name, title, pairs, cases| Series { name, title, pairs, cases };
        vec![
            series("size", "Size of the values", &[READ, WRITTEN], sizes.into()),
            series("partitions", "Partitions", &[READ], partitions.into()),
            series("deletes", "Share of deletes", &[WRITTEN], deletes.into()),
            series("keys", "Keys that come again", &[WRITTEN], keys.into()),
            series("memory", "Topics and backlog", &[ALONE], topics.into_iter().chain(backlogs).collect()),
            series("batch", "Limits of a batch", &[ALONE], batches.into_iter().chain(bytes).collect()),
        ]
    }

    /// The formats of a session with a grid for which no serializer is configured: that of the grid, and those from which
    /// it converts each entry.
    pub fn java(records: u64) -> Self {
        let case = |format: &str| Case {
            label: format!("coherence.session.format={format}"),
            load: Load::plain(records),
            settings: vec![("coherence.session.format".to_owned(), format.to_owned())],
        };
        let cases = ["java", "pof", "json"].map(case).into();
        Series { name: "java", title: "Formats on a grid of Java serialization", pairs: &[ALONE], cases }
    }

    /// Makes all measurements and prints a table.
    ///
    /// # Errors
    ///
    /// When a measurement fails.
    pub fn run(&self, peers: &mut Peers, rounds: u64) -> Result<()> {
        let mut rows: Vec<Vec<(Option<Measurement>, Measurement)>> =
            vec![Vec::new(); self.cases.len() * self.pairs.len()];
        for round in 0..rounds as usize {
            for turn in 0..self.cases.len() {
                let place = (turn + round) % self.cases.len();
                let Case { label, load, settings } = &self.cases[place];
                for (pair, (bare, sink)) in self.pairs.iter().enumerate() {
                    let bare = bare.map(|kind| peers.measure(kind, *load, &[])).transpose()?;
                    let sink = peers.measure(*sink, *load, settings)?;
                    eprintln!("round {}: {label}: {}", round + 1, serde_json::to_string(&sink.client)?);
                    rows[place * self.pairs.len() + pair].push((bare, sink));
                }
            }
        }
        self.print(&rows, rounds);
        Ok(())
    }

    fn print(&self, rows: &[Vec<(Option<Measurement>, Measurement)>], rounds: u64) {
        println!("## {}\n\n{rounds} rounds, median (min–max)\n", self.title);
        println!(
            "| | into | records | records/s | ÷ rate of the bare loop | CPU ns per record | peak MiB | grid CPU ns |"
        );
        println!("|---|---|---|---|---|---|---|---|");
        let places = self.cases.iter().flat_map(|case| self.pairs.iter().map(move |pair| (case, pair)));
        for ((Case { label, load, .. }, (bare, sink)), row) in places.zip(rows) {
            let spread = |of: fn(&Measurement) -> f64| Spread::of(row.iter().map(|(_, m)| of(m)).collect());
            let ratio = |(bare, sink): &(Option<Measurement>, Measurement)| {
                Some(sink.client.rate / bare.as_ref()?.client.rate)
            };
            let ratio = match bare {
                Some(_) => Spread::of(row.iter().filter_map(ratio).collect()).exact(),
                None => "–".to_owned(),
            };
            println!(
                "| {label} | {} | {} | {} | {ratio} | {} | {} | {} |",
                sink.name(),
                load.records,
                spread(|m| m.client.rate).thousands(),
                spread(|m| m.client.cpu_ns).whole(),
                spread(|m| m.client.peak_mib).whole(),
                spread(|m| m.grid_cpu_ns).whole(),
            );
        }
        println!();
    }
}
