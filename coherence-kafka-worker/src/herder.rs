//! What the REST interface asks of its worker: the same of one that is alone and of one of a cluster. Connect calls who
//! answers it a herder.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coherence_kafka_connect::config::{Properties, TargetState};

use crate::loggers::{Level, loggers};
use crate::plugin::{Connector, ConsumerGroup};
use crate::worker::{ConnectorInfo, ConnectorState, CreateError, RequestError, Worker};

/// The version that statuses carry.
pub(crate) const VERSION: &str = env!("CARGO_PKG_VERSION");

/// The state of a connector or of a task, and the worker that it was or is at.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PartStatus {
    /// By Connect's name.
    pub(crate) state: &'static str,
    /// The `host:port` of the worker.
    pub(crate) worker_id: String,
    pub(crate) version: Option<String>,
    /// Why it failed.
    pub(crate) trace: Option<String>,
}

/// The states of a connector and of its tasks, by their numbers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Status {
    pub(crate) connector: PartStatus,
    pub(crate) tasks: BTreeMap<u32, PartStatus>,
}

impl Status {
    /// Marks what restarts: the connector unless only what has failed is to, and these tasks.
    fn restarting(mut self, only_failed: bool, tasks: impl IntoIterator<Item = u32>) -> Self {
        const RESTARTING: &str = "RESTARTING";
        if self.connector.trace.is_some() || !only_failed {
            self.connector.state = RESTARTING;
        }
        for number in tasks {
            self.tasks.entry(number).and_modify(|task| task.state = RESTARTING);
        }
        self
    }

    /// The states after a request to restart has been made.
    pub(crate) fn planned(self, restart: Restart) -> Self {
        let restarts = |task: &PartStatus| !restart.only_failed || task.trace.is_some();
        let tasks = self.tasks.iter().filter(|(_, task)| restart.include_tasks && restarts(task));
        let tasks: Vec<u32> = tasks.map(|(number, _)| *number).collect();
        self.restarting(restart.only_failed, tasks)
    }
}

/// What of a connector is to restart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Restart {
    /// Its tasks too.
    pub(crate) include_tasks: bool,
    /// Only what has failed.
    pub(crate) only_failed: bool,
}

/// Whether a worker can be used.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Health {
    Ready,
    /// It waits for this.
    Starting(String),
    /// It was ready, and is not for this reason.
    Unhealthy(String),
}

/// Settings that a request makes of the present ones.
pub(crate) type Change<'a> = &'a dyn Fn(BTreeMap<String, String>) -> Result<Properties, String>;

pub(crate) trait Herder: Send + Sync {
    /// Returns what runs in this process.
    fn worker(&self) -> &Arc<Worker>;

    /// Returns the `host:port` by which statuses name this worker.
    fn worker_id(&self) -> &str;

    fn health(&self) -> Health;

    /// Returns the names of all connectors.
    fn names(&self) -> Vec<String>;

    fn info(&self, name: &str) -> Option<ConnectorInfo>;

    fn status(&self, name: &str) -> Option<Status>;

    fn create(&self, properties: &Properties, target: TargetState) -> Result<ConnectorInfo, CreateError>;

    /// Returns whether the connector was created, too.
    fn configure(&self, properties: &Properties) -> Result<(bool, ConnectorInfo), CreateError>;

    /// Configures a connector with what `change` makes of its settings.
    fn patch(&self, name: &str, change: Change<'_>) -> Result<ConnectorInfo, CreateError>;

    fn delete(&self, name: &str) -> Result<(), RequestError>;

    fn pause(&self, name: &str) -> Result<(), RequestError>;

    fn resume(&self, name: &str) -> Result<(), CreateError>;

    fn stop(&self, name: &str) -> Result<(), RequestError>;

    /// Returns the states, with what restarts.
    fn restart(&self, name: &str, restart: Restart) -> Result<Status, CreateError>;

    fn restart_task(&self, name: &str, number: u32) -> Result<(), RequestError>;

    /// Returns the topics that a connector has used since it was created, or since they were last forgotten.
    fn topics(&self, name: &str) -> BTreeSet<String>;

    fn forget_topics(&self, name: &str) -> Result<(), RequestError>;

    /// Returns whether a connector is stopped, so that its offsets may be changed.
    fn is_stopped(&self, name: &str) -> Option<bool>;

    /// Returns a connector by its configuration, whether its tasks are in this process or not.
    fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, RequestError>;

    /// Returns the consumer group of a connector, where it has one.
    fn group(&self, name: &str) -> Result<Option<ConsumerGroup>, RequestError> {
        Ok(self.connector(name)?.group(&self.worker().context()))
    }

    /// Sets the level of a logger, and of those below it, at all workers.
    fn set_level(&self, logger: &str, level: Level) -> Result<(), RequestError>;
}

/// A worker that is alone: what it runs is all there is.
pub(crate) struct StandaloneHerder {
    worker: Arc<Worker>,
    worker_id: String,
}

impl StandaloneHerder {
    pub(crate) fn new(worker: Arc<Worker>, worker_id: &str) -> Self {
        Self { worker, worker_id: worker_id.to_owned() }
    }

    fn part(&self, state: &'static str, trace: Option<String>) -> PartStatus {
        PartStatus { state, worker_id: self.worker_id.clone(), version: Some(VERSION.to_owned()), trace }
    }
}

impl Herder for StandaloneHerder {
    fn worker(&self) -> &Arc<Worker> {
        &self.worker
    }

    fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// It is starting until the connectors of its files have started.
    fn health(&self) -> Health {
        match self.worker.is_ready() {
            true => Health::Ready,
            false => Health::Starting("Worker is still starting up.".to_owned()),
        }
    }

    fn names(&self) -> Vec<String> {
        self.worker.names()
    }

    fn info(&self, name: &str) -> Option<ConnectorInfo> {
        self.worker.info(name)
    }

    fn status(&self, name: &str) -> Option<Status> {
        let status = self.worker.status(name)?;
        let task = |task: crate::TaskStatus| {
            (task.number, self.part(task.state(), task.failure.map(|failure| failure.to_string())))
        };
        let connector = self.part(status.state.name(), status.failure);
        Some(Status { connector, tasks: status.tasks.into_iter().map(task).collect() })
    }

    fn create(&self, properties: &Properties, target: TargetState) -> Result<ConnectorInfo, CreateError> {
        self.worker.create_as(properties, target)
    }

    fn configure(&self, properties: &Properties) -> Result<(bool, ConnectorInfo), CreateError> {
        self.worker.configure(properties)
    }

    fn patch(&self, name: &str, change: Change<'_>) -> Result<ConnectorInfo, CreateError> {
        self.worker.patch(name, change)
    }

    fn delete(&self, name: &str) -> Result<(), RequestError> {
        self.worker.delete(name)
    }

    fn pause(&self, name: &str) -> Result<(), RequestError> {
        self.worker.pause(name)
    }

    fn resume(&self, name: &str) -> Result<(), CreateError> {
        self.worker.resume(name)
    }

    fn stop(&self, name: &str) -> Result<(), RequestError> {
        self.worker.stop_connector(name)
    }

    fn restart(&self, name: &str, restart: Restart) -> Result<Status, CreateError> {
        let before = self.status(name).ok_or_else(|| CreateError::Unknown(name.to_owned()))?;
        let mut restarted = Vec::new();
        if restart.include_tasks {
            restarted =
                self.worker.restart_tasks(name, restart.only_failed).map_err(|error| match error {
                    RequestError::UnknownConnector => CreateError::Unknown(name.to_owned()),
                    _ => CreateError::Conflict,
                })?;
        }
        self.worker.restart(name)?;
        Ok(before.restarting(restart.only_failed, restarted))
    }

    fn restart_task(&self, name: &str, number: u32) -> Result<(), RequestError> {
        self.worker.restart_task(name, number)
    }

    fn topics(&self, name: &str) -> BTreeSet<String> {
        self.worker.topics(name)
    }

    fn forget_topics(&self, name: &str) -> Result<(), RequestError> {
        self.worker.forget_topics(name);
        Ok(())
    }

    fn is_stopped(&self, name: &str) -> Option<bool> {
        let status = self.worker.status(name)?;
        Some(status.state == ConnectorState::Stopped && status.tasks.is_empty())
    }

    fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, RequestError> {
        self.worker.connector(name)
    }

    fn set_level(&self, logger: &str, level: Level) -> Result<(), RequestError> {
        set_level(logger, level);
        Ok(())
    }
}

/// Sets the level of a logger of this process, and of those below it. Returns those whose level has changed.
pub(crate) fn set_level(logger: &str, level: Level) -> Vec<String> {
    let changed = loggers().set(logger, level);
    tracing::info!(logger, level = level.name(), "level of loggers set");
    changed
}
