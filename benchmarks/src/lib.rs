//! The measurements of `make bench` and the soak of `make soak`, between a real Kafka and a real Coherence.
//!
//! ```text
//! bin/bench.rs         the sink            table       next to bare loops, with the goals
//!                                          series      how the figures grow with the load and with a setting
//!                                          formats     converters and transforms, next to Kafka Connect
//!                                          latency processes   the command itself, while it runs
//!                                          worker      the command itself at rest, next to Kafka Connect
//!                                          child load  each measurement, and its records
//! bin/bench-client.rs  the grid's client   client
//! bin/bench-store.rs   the entry store and the source   store
//! peers                the servers, and the processes of the measurements
//! spread               the median, the lowest and the highest of several measurements
//! bin/soak.rs          sinks under load and random faults   soak
//! ```
//!
//! Every measurement is a process of its own, so that CPU time and peak memory belong to it alone:
//!
//! ```text
//! parent (peers.rs) ── Order, an argument of JSON ──► child (child.rs, store.rs)
//!                   ◄── Measured, a line of JSON ─────────┘
//! ```
//!
//! The servers, and the commands as processes, come from the harness of `integration-tests`.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use anyhow::{Context, Result};
use serde::{Deserialize, Serialize};

pub mod child;
pub mod client;
pub mod formats;
pub mod latency;
mod load;
pub mod peers;
pub mod processes;
pub mod series;
pub mod soak;
mod spread;
pub mod store;
pub mod table;
pub mod worker;

pub use load::{KEY_BYTES, Load, VALUE_BYTES, records};
pub use spread::Spread;

/// Entries of one call, and records of one batch: the sink's default.
pub const BATCH: usize = 5_000;

/// The map that is written to.
pub const MAP: &str = "Bench";

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Kind {
    /// A bare loop: a member of a group reads, counts and commits.
    Consume,
    /// The sink into maps that answer at once and keep nothing.
    Discard,
    /// The sink into the embedded map.
    Embedded,
    /// A bare loop: entries are made and put, or removed where the load is of deletes alone; one call in flight.
    PutAll,
    /// The sink into the grid.
    Grid,
}

impl Kind {
    /// Its name.
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
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// What to measure.
    pub kind: Kind,
    /// The records of the topics, or the entries to put.
    pub load: Load,
    /// The broker.
    pub bootstrap: String,
    /// The grid's gRPC proxy.
    pub grid: String,
    /// The topics to read.
    pub topics: Vec<String>,
    /// Name of the connector; its group is `connect-<name>`.
    pub name: String,
    /// Settings of the connector that are not the default.
    pub settings: Vec<(String, String)>,
    /// When the child's process was started, in microseconds since 1970.
    pub started: u64,
}

/// The result of a measurement: the line that the child prints, as JSON.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
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

/// A number of the environment.
///
/// # Errors
///
/// When it is none.
pub fn setting(name: &str, default: u64) -> Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} must be a number")),
        Err(_) => Ok(default),
    }
}

/// Microseconds since 1970, by the clock that all processes of the machine share.
///
/// # Errors
///
/// When that clock is before 1970.
pub fn now_micros() -> Result<u64> {
    Ok(u64::try_from(SystemTime::now().duration_since(UNIX_EPOCH)?.as_micros())?)
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
