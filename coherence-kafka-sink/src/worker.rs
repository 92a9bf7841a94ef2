//! The worker: connectors by name, each with its tasks, as Connect's standalone worker keeps them.
//!
//! Owns: threads and their statuses. Never does: HTTP, printing, reading files.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use coherence_kafka_common::map::{MapError, Session};
use parking_lot::Mutex;

use crate::config::{ConnectorConfig, RestartConfig, WorkerConfig};
use crate::counters::Counters;
use crate::task::{Task, TaskFailure, caught};
use coherence_kafka_connect::config::{ConfigErrors, Properties, SessionConfig};
use restarts::Restarts;

mod restarts;
mod start;

/// Opens the session that a connector writes to. Called once a connector, without I/O.
pub type OpenSession = dyn Fn(&SessionConfig) -> Result<Arc<dyn Session>, MapError> + Send + Sync;

/// The connectors of this process.
pub struct Worker {
    config: WorkerConfig,
    open: Box<OpenSession>,
    /// Replaces `bootstrap.servers` where the broker is in this process.
    bootstrap: Option<String>,
    runtime: tokio::runtime::Handle,
    connectors: Mutex<BTreeMap<String, Connector>>,
}

struct Connector {
    config: BTreeMap<String, String>,
    tasks: Vec<TaskHandle>,
}

struct TaskHandle {
    counters: Arc<Counters>,
    control: Arc<Control>,
    failure: Arc<Mutex<Option<TaskFailure>>>,
    thread: std::thread::JoinHandle<()>,
}

/// What others want of a task.
#[derive(Default)]
struct Control {
    /// What the task that runs looks at: to finish what it has in hand and end.
    stop: Arc<AtomicBool>,
    /// Not to start again.
    end: AtomicBool,
    /// To start again after a failure.
    restart: AtomicBool,
}

impl Control {
    fn end(&self) {
        self.end.store(true, Ordering::SeqCst);
        self.stop.store(true, Ordering::SeqCst);
    }

    fn restart(&self) {
        self.restart.store(true, Ordering::SeqCst);
        self.stop.store(true, Ordering::SeqCst);
    }

    /// Lets a task run again. False where it is to end: who says so afterwards stops the new one.
    fn clear(&self) -> bool {
        self.stop.store(false, Ordering::SeqCst);
        self.restart.store(false, Ordering::SeqCst);
        !self.end.load(Ordering::SeqCst)
    }
}

/// How often the thread of a failed task looks whether it is to go on.
const LOOK: Duration = Duration::from_millis(20);

/// Why a connector was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name is taken.
    #[error("Connector {0} already exists")]
    Exists(String),
    /// Its configuration is wrong; every error of it is in here.
    #[error("{0}")]
    Invalid(ConfigErrors),
    /// Its tasks cannot start.
    #[error("connector {name}: {reason}")]
    NotStarted {
        /// Its name.
        name: String,
        /// Why.
        reason: String,
    },
}

/// What a request names is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unknown {
    /// The connector.
    Connector,
    /// The task; its connector is there.
    Task,
}

/// A connector, as REST shows it.
#[derive(Debug, Clone)]
pub struct ConnectorInfo {
    /// Its name.
    pub name: String,
    /// Its configuration as given: variables are not resolved, so no secret that they stand for is in here.
    pub config: BTreeMap<String, String>,
    /// How many tasks it has.
    pub tasks: usize,
}

/// State of one task.
#[derive(Debug, Clone)]
pub struct TaskStatus {
    /// Why it failed; `None` while it runs.
    pub failure: Option<TaskFailure>,
    /// What it did so far.
    pub counters: Arc<Counters>,
}

impl Worker {
    /// A worker without connectors, whose writes run on `runtime`; `bootstrap` replaces `bootstrap.servers`.
    pub fn new(
        config: WorkerConfig,
        open: Box<OpenSession>,
        bootstrap: Option<String>,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        Self { config, open, bootstrap, runtime, connectors: Mutex::default() }
    }

    /// Validates a configuration and starts its tasks.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is left running then.
    pub fn create(&self, properties: &Properties) -> Result<ConnectorInfo, CreateError> {
        let config = ConnectorConfig::parse(&self.config, properties).map_err(CreateError::Invalid)?;
        for warning in &config.warnings {
            tracing::warn!(connector = config.name, "{warning}");
        }
        self.start(config)
    }

    /// Starts the tasks of a checked configuration.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is left running then.
    pub fn start(&self, config: ConnectorConfig) -> Result<ConnectorInfo, CreateError> {
        let mut connectors = self.connectors.lock();
        if connectors.contains_key(&config.name) {
            return Err(CreateError::Exists(config.name));
        }
        let tasks = self.start_tasks(&config)?;
        tracing::info!(connector = config.name, tasks = tasks.len(), "connector created");
        let info = ConnectorInfo { name: config.name, config: config.raw.clone(), tasks: tasks.len() };
        connectors.insert(info.name.clone(), Connector { config: config.raw, tasks });
        Ok(info)
    }

    /// The names of all connectors.
    pub fn names(&self) -> Vec<String> {
        self.connectors.lock().keys().cloned().collect()
    }

    /// A connector by name.
    pub fn info(&self, name: &str) -> Option<ConnectorInfo> {
        let connectors = self.connectors.lock();
        let connector = connectors.get(name)?;
        Some(ConnectorInfo {
            name: name.to_owned(),
            config: connector.config.clone(),
            tasks: connector.tasks.len(),
        })
    }

    /// The state of each task of a connector.
    pub fn status(&self, name: &str) -> Option<Vec<TaskStatus>> {
        Some(self.connectors.lock().get(name)?.tasks.iter().map(TaskHandle::status).collect())
    }

    /// Starts a task again, without waiting for it: one that failed meets the record again at which it failed, one
    /// that runs stops first as at the end of the process.
    ///
    /// # Errors
    /// See [`Unknown`].
    pub fn restart_task(&self, name: &str, number: usize) -> Result<(), Unknown> {
        let connectors = self.connectors.lock();
        let connector = connectors.get(name).ok_or(Unknown::Connector)?;
        connector.tasks.get(number).ok_or(Unknown::Task)?.control.restart();
        Ok(())
    }

    /// Starts all tasks of a connector again, or those that have failed, and says what each was before and whether
    /// it starts again. `None` where there is no such connector.
    pub fn restart_tasks(&self, name: &str, only_failed: bool) -> Option<Vec<(TaskStatus, bool)>> {
        let connectors = self.connectors.lock();
        let restart = |task: &TaskHandle| {
            let status = task.status();
            let again = !only_failed || status.failure.is_some();
            if again {
                task.control.restart();
            }
            (status, again)
        };
        Some(connectors.get(name)?.tasks.iter().map(restart).collect())
    }

    /// Stops a connector: its tasks finish the batch in flight, commit and leave the group. Its offsets stay.
    /// False where there is none of this name.
    pub fn delete(&self, name: &str) -> bool {
        let Some(connector) = self.connectors.lock().remove(name) else { return false };
        self.join(connector.tasks);
        tracing::info!(connector = name, "connector deleted");
        true
    }

    /// Stops all connectors, side by side.
    pub fn stop(&self) {
        let connectors = std::mem::take(&mut *self.connectors.lock());
        self.join(connectors.into_values().flat_map(|c| c.tasks).collect());
    }

    fn join(&self, tasks: Vec<TaskHandle>) {
        tasks.iter().for_each(|task| task.control.end());
        // A thread that does not end is left behind rather than waited for: its offsets are safe.
        let end = Instant::now() + self.config.shutdown_timeout + Duration::from_secs(15);
        for task in tasks {
            while !task.thread.is_finished() && Instant::now() < end {
                std::thread::park_timeout(Duration::from_millis(2));
            }
            if !task.thread.is_finished() {
                tracing::warn!("a task did not stop in time");
            }
        }
    }
}

impl TaskHandle {
    /// Runs `task` on a thread of its own. After a failure the thread waits for a request, or for the pause after
    /// which the task starts again by itself, and runs what `make` makes; so it does when a task was stopped to be
    /// started again.
    fn spawn(
        name: String,
        task: Task,
        make: impl Fn() -> Result<Task, TaskFailure> + Send + 'static,
        restart: RestartConfig,
        counters: Arc<Counters>,
        control: Arc<Control>,
    ) -> std::io::Result<Self> {
        let failure = Arc::new(Mutex::new(None));
        let handle = (failure.clone(), control.clone(), counters.clone());
        let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
            let mut restarts = Restarts::new(restart);
            let mut task = Ok(task);
            loop {
                let began = Instant::now();
                // Without one it was told to stop: for good, or to start again.
                if let Err(error) = task.and_then(Task::run) {
                    *failure.lock() = Some(error.clone());
                    tracing::error!(
                        task = name,
                        %error,
                        "task failed: it is stopped, its offsets are not moved past the failure"
                    );
                    if !restarts.wait(&error, began.elapsed(), &control) {
                        return;
                    }
                }
                if !control.clear() {
                    return;
                }
                tracing::info!(task = name, "task starts again");
                counters.restarts.add(1);
                *failure.lock() = None;
                task = caught(&make).unwrap_or_else(|panic| Err(TaskFailure::Defect(panic)));
            }
        })?;
        let (failure, control, counters) = handle;
        Ok(Self { counters, control, failure, thread })
    }

    fn status(&self) -> TaskStatus {
        // Looked at first: a failure that is recorded meanwhile is the thread's last word.
        let ended = self.thread.is_finished();
        let unrecorded = || ended.then(|| TaskFailure::Defect("its thread has ended".to_owned()));
        let failure = self.failure.lock().clone().or_else(unrecorded);
        TaskStatus { failure, counters: self.counters.clone() }
    }
}

#[cfg(test)]
mod tests;
