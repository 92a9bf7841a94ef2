//! Sinks in distributed mode that share their connectors: how they are started, and which of them runs which task.

use std::collections::{BTreeMap, BTreeSet};
use std::thread;
use std::time::Duration;

use anyhow::{Context as _, Result, ensure};

use crate::connect::Cluster;
use crate::grid::Grid;
use crate::kafka::Kafka;
use crate::sink::{Settings, Sink};
use crate::{rest, wait};

const JOIN_DEADLINE: Duration = Duration::from_secs(60);

/// What the workers of a cluster have in common. A test holds the workers themselves.
#[derive(Debug)]
pub struct Fleet {
    cluster: Cluster,
    address: String,
}

impl Fleet {
    /// Of a cluster whose names no other has.
    pub fn new(kafka: &Kafka, grid: &Grid, base: &str) -> Self {
        Self::of(Cluster::new(kafka, base), grid)
    }

    /// Of this cluster.
    pub fn of(cluster: Cluster, grid: &Grid) -> Self {
        Self { cluster, address: grid.address() }
    }

    /// Its group and its topics.
    pub fn cluster(&self) -> &Cluster {
        &self.cluster
    }

    /// The lines of a worker's file; `more` wins.
    ///
    /// The broker notices a dead consumer of a task before it notices the dead worker: the group of a connector never has
    /// a member too many only because one of them is dead.
    pub fn settings<'a>(&'a self, more: Settings<'a>) -> Vec<(&'a str, &'a str)> {
        let own = [
            ("coherence.session.address", self.address.as_str()),
            ("offset.flush.interval.ms", "100"),
            ("consumer.session.timeout.ms", "3000"),
            ("consumer.heartbeat.interval.ms", "300"),
        ];
        let all: BTreeMap<_, _> =
            self.cluster.settings().into_iter().chain(own).chain(more.iter().copied()).collect();
        all.into_iter().collect()
    }

    /// Starts one more worker and waits until it is a member of the group.
    ///
    /// # Errors
    ///
    /// As [`Sink::start`], or when it does not join in time; with the end of its log.
    pub fn start(&self) -> Result<Sink> {
        self.start_with(&[])
    }

    /// As [`Fleet::start`], with other settings; `more` wins.
    ///
    /// # Errors
    ///
    /// As [`Fleet::start`].
    pub fn start_with(&self, more: Settings<'_>) -> Result<Sink> {
        let worker = Sink::start(&self.settings(more), &[])?;
        let joined = wait::within(JOIN_DEADLINE, || is_healthy(&worker));
        ensure!(joined, "a worker has not joined within {JOIN_DEADLINE:?}\n{}", worker.process().log_end());
        Ok(worker)
    }

    /// Starts a worker that cannot join the group yet.
    ///
    /// # Errors
    ///
    /// As [`Sink::start`].
    pub fn start_waiting(&self) -> Result<Sink> {
        Sink::start(&self.settings(&[]), &[])
    }

    /// Starts several workers at once.
    ///
    /// # Errors
    ///
    /// As [`Fleet::start`].
    pub fn start_all<const N: usize>(&self, more: Settings<'_>) -> Result<[Sink; N]> {
        thread::scope(|scope| {
            let starting = [(); N].map(|()| scope.spawn(|| self.start_with(more)));
            let started = starting.map(|worker| worker.join().ok().context("a thread has ended")?);
            let started = started.into_iter().collect::<Result<Vec<_>>>()?;
            started.try_into().ok().context("as many as were started")
        })
    }
}

/// Whether a worker is a member of its group.
pub fn is_healthy(worker: &Sink) -> bool {
    rest::get(worker.rest(), "/health").is_ok_and(|health| health.status == 200)
}

/// The tasks that run in the process of a worker: connector and number. It shows them as metrics, whatever the topics hold.
///
/// # Errors
///
/// When it does not answer.
pub fn running_tasks(worker: &Sink) -> Result<BTreeSet<(String, u32)>> {
    let page = worker.metrics()?;
    let states = page.lines().filter_map(|line| line.strip_prefix("kafka_connect_connector_task_status{"));
    let running = states.filter(|labels| labels.contains("status=\"running\""));
    let task = |labels: &str| {
        let label = |name: &str| Some(labels.split_once(&format!("{name}=\""))?.1.split_once('"')?.0);
        Some((label("connector")?.to_owned(), label("task")?.parse().ok()?))
    };
    running.map(|labels| task(labels).context("a task has no connector or no number")).collect()
}

/// The workers that run each task of a connector, by their positions.
///
/// # Errors
///
/// When a worker does not answer.
pub fn placement(workers: &[&Sink], connector: &str) -> Result<BTreeMap<u32, Vec<usize>>> {
    let mut placement: BTreeMap<u32, Vec<usize>> = BTreeMap::new();
    for (position, worker) in workers.iter().enumerate() {
        for (_, task) in running_tasks(worker)?.into_iter().filter(|(name, _)| name == connector) {
            placement.entry(task).or_default().push(position);
        }
    }
    Ok(placement)
}
