//! The servers of the measurements, the processes in which they are made, and one of the sink's between them.

use std::collections::HashMap;
use std::fs;
use std::path::Path;
use std::process::Command;
use std::thread;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use integration_tests::grid::{Grid, GridOptions, Serializer};
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::process::Process;
use integration_tests::sandbox::{Folder, unique};
use integration_tests::usage::cpu_of;
use integration_tests::wait;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::{Kind, Load, MAP, Measured, Order, now_micros};

/// How long a measurement may take.
pub const CHILD_DEADLINE: Duration = Duration::from_secs(300);

/// A broker, a grid, and the topics that were filled so far.
#[derive(Debug)]
pub struct Peers {
    /// The broker.
    pub kafka: Kafka,
    /// One storage member.
    pub grid: Grid,
    folder: Folder,
    topics: HashMap<Load, Vec<String>>,
}

/// One measurement: the client's, and what it cost the servers.
#[derive(Debug, Clone, Copy)]
pub struct Measurement {
    /// Of the process that was measured.
    pub client: Measured,
    /// The broker's CPU time, in nanoseconds for each record.
    pub broker_cpu_ns: f64,
    /// The grid's.
    pub grid_cpu_ns: f64,
}

impl Peers {
    /// Starts both as JVMs for measurements.
    ///
    /// # Errors
    ///
    /// When one of them does not start.
    pub fn start() -> Result<Self> {
        let (kafka, grid) = servers("4g")?;
        Ok(Self { kafka, grid, folder: Folder::new("bench")?, topics: HashMap::new() })
    }

    /// Replaces the grid by one for which no serializer is configured, whose maps are in Java serialization.
    ///
    /// # Errors
    ///
    /// When it does not start.
    pub fn use_java_grid(&mut self) -> Result<()> {
        let options = GridOptions { serializer: Serializer::Java, ..grid_options("4g") };
        self.grid = Grid::start(options)?;
        Ok(())
    }

    /// Lets both compile what they will be measured with: a cold JVM costs two to three times as much.
    ///
    /// # Errors
    ///
    /// When a measurement fails.
    pub fn warm(&mut self, entries: u64, load: Load) -> Result<()> {
        for _ in 0..entries.div_ceil(load.records) {
            self.measure(Kind::PutAll, load, &[])?;
        }
        self.measure(Kind::Consume, load, &[])?;
        self.measure(Kind::Grid, load, &[])?;
        Ok(())
    }

    /// Topics that hold the load; filled when it is asked for the first time.
    fn topics(&mut self, load: Load) -> Result<Vec<String>> {
        if let Some(topics) = self.topics.get(&load) {
            return Ok(topics.clone());
        }
        let mut topics = Vec::new();
        for index in 0..load.topics {
            let topic = unique("bench");
            self.kafka.create_topic(&topic, load.partitions)?;
            let records = load.on_topic(index)?;
            self.kafka.produce(&topic, records.map(|(key, value)| (Some(key), value)))?;
            topics.push(topic);
        }
        self.topics.insert(load, topics.clone());
        Ok(topics)
    }

    /// Makes one measurement in a process of its own, and empties the map after it.
    ///
    /// # Errors
    ///
    /// When it fails, or the map does not hold what the load makes.
    pub fn measure(&mut self, kind: Kind, load: Load, settings: &[(String, String)]) -> Result<Measurement> {
        let topics = self.topics(load)?;
        if kind.fills_grid() && load.deletes_only() {
            self.run_child(Kind::PutAll, Load { deletes: 0, ..load }, Vec::new(), &[])?;
        }
        let servers = || -> Result<[Duration; 2]> {
            let ids = [self.kafka.process_id(), self.grid.process_id()];
            let [kafka, grid] = ids.map(|id| cpu_of(id.context("a server is down")?));
            Ok([kafka?, grid?])
        };
        let before = servers()?;
        let client = self.run_child(kind, load, topics, settings).with_context(|| kind.name())?;
        let after = servers()?;
        if kind.fills_grid() {
            let size = self.grid.tool().size(MAP)?;
            let expected = if kind == Kind::PutAll { load.bare_entries() } else { load.entries() };
            ensure!(size == expected, "{}: {size} entries of {expected} in the grid", kind.name());
            self.grid.tool().truncate(MAP)?;
        }
        let cost = |server: usize| (after[server] - before[server]).as_nanos() as f64 / load.records as f64;
        Ok(Measurement { client, broker_cpu_ns: cost(0), grid_cpu_ns: cost(1) })
    }

    /// Makes one measurement in a process of its own.
    ///
    /// # Errors
    ///
    /// When it fails.
    pub fn run_child(
        &self,
        kind: Kind,
        load: Load,
        topics: Vec<String>,
        settings: &[(String, String)],
    ) -> Result<Measured> {
        let name = unique(kind.name());
        let log = self.folder.path().join(&name);
        let order = Order {
            kind,
            load,
            bootstrap: self.kafka.bootstrap(),
            grid: self.grid.address(),
            topics,
            name,
            settings: settings.to_vec(),
            started: now_micros()?,
        };
        answer(&mut child(&order, &log)?)
    }
}

/// Starts a broker, and a grid with this heap, as JVMs for measurements.
///
/// # Errors
///
/// When one of them does not start.
pub fn servers(grid_heap: &str) -> Result<(Kafka, Grid)> {
    let options = grid_options(grid_heap);
    let grid = thread::spawn(|| Grid::start(options));
    let kafka =
        Kafka::start(KafkaOptions { heap: "768m".to_owned(), fast: true, ..KafkaOptions::default() })?;
    let grid = grid.join().ok().context("the thread that starts the grid has ended")??;
    Ok((kafka, grid))
}

fn grid_options(heap: &str) -> GridOptions {
    GridOptions { heap: heap.to_owned(), fast: true, ..GridOptions::default() }
}

/// Starts this program once more, as `child` with an order.
///
/// # Errors
///
/// When it cannot be started.
pub fn child(order: &impl Serialize, log: &Path) -> Result<Process> {
    let mut command = Command::new(std::env::current_exe()?);
    command.args(["child", &serde_json::to_string(order)?]);
    Process::start("a measurement", command, log)
}

/// Waits for the end of a [`child`] and reads its last line, which is its answer.
///
/// # Errors
///
/// When it does not end in time, or ends without an answer; with the end of its log.
pub fn answer<T: DeserializeOwned>(child: &mut Process) -> Result<T> {
    ensure!(wait::within(CHILD_DEADLINE, || !child.is_running()), "not within {CHILD_DEADLINE:?}");
    let text = fs::read_to_string(child.log())?;
    serde_json::from_str(text.lines().last().unwrap_or_default()).with_context(|| child.log_end())
}
