//! The measurements of the entry store and of the source, each the whole work of a process.
//!
//! ```text
//! parent (src/bin/bench-store.rs) ── Order, an argument of JSON ──► child (produce.rs, trip.rs, publish.rs)
//!                                 ◄── Measured, a line of JSON ─────────┘
//! ```
//!
//! Before it counts events a child prints the line [`crate::client::LISTENING`], and another process
//! [fills](crate::client::fill) the map.

use std::time::{Duration, Instant};

use anyhow::Result;
use integration_tests::usage::peak_mib;
use rdkafka::config::ClientConfig;
use serde::{Deserialize, Serialize};

use crate::cpu_of_self;

mod produce;
mod publish;
mod trip;

/// The longest wait of a child.
const DEADLINE: Duration = Duration::from_secs(240);

/// Entries of one call of `store_all` and `put_all`.
pub const STORE_BATCH: usize = 500;

/// Callers of write-through at once.
pub const CALLERS: [usize; 3] = [1, 8, 64];

/// What is measured.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Work {
    /// A bare loop: librdkafka's producer, with the settings and the records of the entry store.
    Bare,
    /// The entry store, an entry a call.
    Store,
    /// The entry store, [`STORE_BATCH`] entries a call.
    StoreAll,
    /// A map that writes behind, over the embedded map, [`STORE_BATCH`] entries a call.
    Behind,
    /// A bare record and its acknowledgement, by this number of callers at once.
    Trip(usize),
    /// A put that writes through, over the embedded map, by this number of callers at once.
    Through(usize),
    /// A listener that counts the events of the map.
    Listen,
    /// The source: the events of the map become records.
    Publish,
    /// The digest of the source, alone.
    Digest,
}

impl Work {
    /// Its name.
    pub fn name(self) -> String {
        match self {
            Work::Bare => "bare".to_owned(),
            Work::Store => "store".to_owned(),
            Work::StoreAll => "store-all".to_owned(),
            Work::Behind => "write-behind".to_owned(),
            Work::Trip(callers) => format!("trip-{callers}"),
            Work::Through(callers) => format!("write-through-{callers}"),
            Work::Listen => "listen".to_owned(),
            Work::Publish => "publish".to_owned(),
            Work::Digest => "digest".to_owned(),
        }
    }

    /// All of them, in the order of the tables.
    pub fn all() -> Vec<Work> {
        let mut all = vec![Work::Bare, Work::Store, Work::StoreAll, Work::Behind];
        all.extend(CALLERS.into_iter().flat_map(|callers| [Work::Trip(callers), Work::Through(callers)]));
        all.extend([Work::Listen, Work::Publish, Work::Digest]);
        all
    }

    /// Whether another process has to fill the map during the measurement.
    pub fn waits_for_events(self) -> bool {
        matches!(self, Work::Listen | Work::Publish)
    }
}

/// One measurement to make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Order {
    /// What to measure.
    pub work: Work,
    /// The broker.
    pub bootstrap: String,
    /// The grid's gRPC proxy.
    pub grid: String,
    /// The topic to write to, empty.
    pub topic: String,
    /// How many records, calls, events or keys.
    pub count: u64,
}

impl Order {
    /// The settings of the bare loops and of the entry store that are not the defaults.
    fn settings(&self, linger_ms: &str) -> Vec<(String, String)> {
        let set = |name: &str, value: &str| (name.to_owned(), value.to_owned());
        vec![set("bootstrap.servers", &self.bootstrap), set("linger.ms", linger_ms)]
    }

    fn bare_config(&self, linger_ms: &str) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("enable.idempotence", "true").set("acks", "all").set("partitioner", "murmur2_random");
        config.extend(self.settings(linger_ms));
        config
    }
}

/// The result of a measurement.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Measured {
    /// Records, calls or events a second.
    pub rate: f64,
    /// User and system CPU time of the process meanwhile, in nanoseconds for each.
    pub cpu_ns: f64,
    /// Peak resident memory of the whole process.
    pub peak_mib: f64,
    /// The median and the 99th percentile of the calls, in microseconds.
    pub call_us: Option<[f64; 2]>,
    /// Bytes of resident memory for each key, at their worst.
    pub bytes_a_key: Option<f64>,
    /// Times at which the events were too many at once.
    pub gaps: u64,
}

/// The time and the CPU time from one moment to another.
struct Watch {
    began: Instant,
    cpu: Duration,
}

impl Watch {
    fn start() -> Self {
        Self { began: Instant::now(), cpu: cpu_of_self() }
    }

    fn stop(&self, count: u64) -> Result<Measured> {
        Ok(Measured {
            rate: count as f64 / self.began.elapsed().as_secs_f64(),
            cpu_ns: (cpu_of_self() - self.cpu).as_nanos() as f64 / count as f64,
            peak_mib: peak_mib(std::process::id())?,
            call_us: None,
            bytes_a_key: None,
            gaps: 0,
        })
    }
}

/// Makes one measurement in this process.
///
/// # Errors
///
/// When something is missing at the end, or fails on the way.
pub fn measure(order: &Order) -> Result<Measured> {
    match order.work {
        Work::Bare => produce::bare(order),
        Work::Store => produce::store(order, 1),
        Work::StoreAll => produce::store(order, STORE_BATCH),
        Work::Behind => produce::behind(order),
        Work::Trip(callers) => trip::bare(order, callers),
        Work::Through(callers) => trip::through(order, callers),
        Work::Listen => publish::listen(order),
        Work::Publish => publish::source(order),
        Work::Digest => publish::digest(order.count),
    }
}
