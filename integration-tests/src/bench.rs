//! What `make bench` measures, and how: every measurement in a process of its own, so that CPU time and peak memory
//! belong to it alone.
//!
//! ```text
//! parent (src/bin/bench.rs) ── Order, as arguments ──► child (bench/child.rs)
//!                           ◄── Measured, one line of JSON ──┘
//! ```
//!
//! `bench-client` and `bench-store` have measurements of their own, in [`client`] and [`store`].
//!
//! It never judges: goals and their table are the program's.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use serde_json::{Value, json};

pub mod child;
pub mod client;
mod load;
mod spread;
pub mod store;

pub use load::{KEY_BYTES, VALUE_BYTES, records};
pub use spread::Spread;

/// Entries of one call, and records of one batch: the sink's default.
pub const BATCH: usize = 5_000;

/// The map that is written to.
pub const MAP: &str = "Bench";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// A bare loop: a member of a group reads, counts and commits.
    Consume,
    /// The sink into maps that answer at once and keep nothing.
    Discard,
    /// The sink into the embedded map.
    Embedded,
    /// A bare loop: entries are made and put, one call in flight.
    PutAll,
    /// The sink into the grid.
    Grid,
}

impl Kind {
    /// All of them, in the order of the table.
    pub const ALL: [Kind; 5] = [Kind::Consume, Kind::Discard, Kind::Embedded, Kind::PutAll, Kind::Grid];

    /// Its name as an argument.
    pub fn name(self) -> &'static str {
        match self {
            Kind::Consume => "consume",
            Kind::Discard => "discard",
            Kind::Embedded => "embedded",
            Kind::PutAll => "put-all",
            Kind::Grid => "grid",
        }
    }

    /// Whether entries arrive in the grid.
    pub fn fills_grid(self) -> bool {
        matches!(self, Kind::PutAll | Kind::Grid)
    }
}

/// One measurement to make.
#[derive(Debug, Clone)]
pub struct Order {
    /// What to measure.
    pub kind: Kind,
    /// The broker.
    pub bootstrap: String,
    /// The grid's gRPC proxy.
    pub grid: String,
    /// The topic to read.
    pub topic: String,
    /// Name of the connector; its group is `connect-<name>`.
    pub name: String,
    /// How many records the topic holds, or how many entries to put.
    pub records: u64,
    /// When the child's process was started.
    pub started: Duration,
}

impl Order {
    /// As arguments of the child.
    pub fn to_arguments(&self) -> Vec<String> {
        let Self { kind, bootstrap, grid, topic, name, records, started } = self;
        let started = started.as_micros().to_string();
        vec![
            kind.name().to_owned(),
            bootstrap.clone(),
            grid.clone(),
            topic.clone(),
            name.clone(),
            records.to_string(),
            started,
        ]
    }

    /// Back from [`Order::to_arguments`].
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn from_arguments(arguments: &[String]) -> Result<Self> {
        let [kind, bootstrap, grid, topic, name, records, started] = arguments else {
            bail!("expected: KIND BOOTSTRAP GRID TOPIC NAME RECORDS STARTED");
        };
        Ok(Self {
            kind: Kind::ALL.into_iter().find(|k| k.name() == kind).context("an unknown kind")?,
            bootstrap: bootstrap.clone(),
            grid: grid.clone(),
            topic: topic.clone(),
            name: name.clone(),
            records: records.parse()?,
            started: Duration::from_micros(started.parse()?),
        })
    }
}

/// What a measurement gave.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Measured {
    /// Records a second, from the first record to the last confirmation.
    pub rate: f64,
    /// User and system CPU time of the whole process, in nanoseconds for each record.
    pub cpu_ns: f64,
    /// Peak resident memory.
    pub peak_mib: f64,
    /// Milliseconds from the start of the process to the first commit that the broker acknowledged.
    pub first_commit_ms: Option<f64>,
}

impl Measured {
    /// As the line that the child prints.
    pub fn to_json(&self) -> Value {
        json!({
            "rate": self.rate,
            "cpu_ns": self.cpu_ns,
            "peak_mib": self.peak_mib,
            "first_commit_ms": self.first_commit_ms,
        })
    }

    /// Back from [`Measured::to_json`].
    ///
    /// # Errors
    ///
    /// When it is none.
    pub fn from_json(text: &str) -> Result<Self> {
        let json: Value = serde_json::from_str(text).context("a measurement is no JSON")?;
        let field = |name: &str| json[name].as_f64().with_context(|| format!("a measurement without {name}"));
        Ok(Self {
            rate: field("rate")?,
            cpu_ns: field("cpu_ns")?,
            peak_mib: field("peak_mib")?,
            first_commit_ms: json["first_commit_ms"].as_f64(),
        })
    }
}

/// Peak resident memory of a process (`VmHWM`), in MiB.
///
/// # Errors
///
/// When there is no such process.
pub fn peak_mib(process: u32) -> Result<f64> {
    let status = fs::read_to_string(format!("/proc/{process}/status"))?;
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")?.trim().strip_suffix("kB"));
    Ok(peak.context("no VmHWM in the status of a process")?.trim().parse::<f64>()? / 1024.0)
}

/// User and system CPU time that a process has used so far, to a hundredth of a second.
///
/// # Errors
///
/// When there is no such process.
pub fn cpu_of(process: u32) -> Result<Duration> {
    let stat = fs::read_to_string(format!("/proc/{process}/stat"))?;
    // The name of the program stands in brackets and may hold anything; utime and stime are fields 14 and 15.
    let (_, fields) = stat.rsplit_once(')').context("no name in the stat of a process")?;
    let ticks: Vec<u64> =
        fields.split_whitespace().skip(11).take(2).map(str::parse).collect::<Result<_, _>>()?;
    Ok(Duration::from_millis(ticks.iter().sum::<u64>() * 10))
}

/// User and system CPU time of this process so far.
#[allow(unsafe_code)]
fn cpu_of_self() -> Duration {
    // SAFETY: all-zero is a valid rusage, and the call only writes into it; it cannot fail for RUSAGE_SELF.
    let usage = unsafe {
        let mut usage: libc::rusage = std::mem::zeroed();
        libc::getrusage(libc::RUSAGE_SELF, &mut usage);
        usage
    };
    let time = |t: libc::timeval| Duration::new(t.tv_sec as u64, t.tv_usec as u32 * 1000);
    time(usage.ru_utime) + time(usage.ru_stime)
}
