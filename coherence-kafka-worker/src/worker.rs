//! The worker: connectors by name, each with its tasks, as Connect's standalone worker keeps them.
//!
//! Owns: threads and their statuses. Never does: HTTP, printing, reading files. No lock is held over anything slow: a
//! connector that starts or ends is an entry of its table meanwhile (`worker/connectors.rs`).

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use coherence_kafka_connect::config::{ConfigErrors, Properties};
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::config::table::TASKS_LIMIT;
use crate::config::{ConnectorConfig, RestartConfig, WorkerConfig};
use crate::descriptors;
use crate::panics::caught;
use crate::plugin::{ConnectorType, Context, Task, TaskFailure, TaskState};
use connectors::{Connector, Connectors, Entry};
use restarts::Restarts;

mod connectors;
mod restarts;

/// The connectors of this process.
pub struct Worker {
    config: WorkerConfig,
    /// Replaces `bootstrap.servers` where the broker is in this process.
    bootstrap: Option<String>,
    runtime: tokio::runtime::Handle,
    connectors: Mutex<Connectors>,
    /// A connector has started, or could not.
    started: Condvar,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("config", &self.config).finish_non_exhaustive()
    }
}

struct TaskHandle {
    state: Arc<dyn TaskState>,
    control: Arc<Control>,
    failure: Arc<Mutex<Option<TaskFailure>>>,
    thread: std::thread::JoinHandle<()>,
}

/// The requests of others to a task.
#[derive(Default)]
struct Control {
    /// Read by the running task: finish the records in hand and end.
    stop: Arc<AtomicBool>,
    /// Do not restart.
    end: AtomicBool,
    /// Restart, also after a failure.
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

    /// Resets the requests, so that the task runs again. Returns false where it is to end; a later request to end stops
    /// the new run.
    fn clear(&self) -> bool {
        self.stop.store(false, Ordering::SeqCst);
        self.restart.store(false, Ordering::SeqCst);
        !self.end.load(Ordering::SeqCst)
    }
}

/// How often the thread of a failed task checks for a request to restart.
const LOOK: Duration = Duration::from_millis(20);

/// How long leaving the group may take after a task has finished its batch.
const LEAVING: Duration = Duration::from_secs(15);

/// Why a connector was not created.
#[derive(Debug, thiserror::Error)]
pub enum CreateError {
    /// The name is in use.
    #[error("Connector {0} already exists")]
    Exists(String),
    /// A connector of this name is being deleted.
    #[error("{}", CONFLICT)]
    Conflict,
    /// The worker would have more tasks than it may.
    #[error(
        "connector {name}: tasks.max is {tasks}, and the worker runs {running} of at most {limit} tasks: lower \
         tasks.max, or raise the worker's {key}", key = TASKS_LIMIT
    )]
    TooManyTasks {
        /// Its name.
        name: String,
        /// How many tasks it asks for.
        tasks: usize,
        /// How many tasks there are.
        running: usize,
        /// `coherence.tasks.limit`.
        limit: usize,
    },
    /// The worker ends.
    #[error("the worker is stopping and creates no more connectors")]
    Stopping,
    /// Its configuration is invalid; holds every error of it.
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

/// Connect's answer where the state of a connector does not permit a request.
pub const CONFLICT: &str =
    "Cannot complete request because of a conflicting operation (e.g. worker rebalance)";

/// Why a request about a connector or a task is not done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RequestError {
    /// No connector has this name.
    UnknownConnector,
    /// The connector has no task with this number.
    UnknownTask,
    /// The connector is being started or deleted.
    Conflict,
    /// This number of tasks has not ended in time. The connector is gone when they have ended.
    NotEnded(usize),
}

/// A connector, as REST shows it. `Debug` shows no values of its configuration: there may be passwords among them.
#[derive(Clone)]
pub struct ConnectorInfo {
    /// Its name.
    pub name: String,
    /// Its direction.
    pub kind: ConnectorType,
    /// Its own configuration as written: variables are not resolved, so it holds no secret that they stand for.
    pub config: BTreeMap<String, String>,
    /// How many tasks it has; none while it starts.
    pub tasks: usize,
}

impl std::fmt::Debug for ConnectorInfo {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ConnectorInfo")
            .field("name", &self.name)
            .field("config", &self.config.keys())
            .field("tasks", &self.tasks)
            .finish()
    }
}

/// State of one task.
#[derive(Clone)]
pub struct TaskStatus {
    /// Why it failed; `None` while it runs.
    pub failure: Option<TaskFailure>,
    /// What it did so far.
    pub state: Arc<dyn TaskState>,
}

impl std::fmt::Debug for TaskStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskStatus").field("failure", &self.failure).finish_non_exhaustive()
    }
}

impl Worker {
    /// Creates a worker without connectors, whose data moves on `runtime`; `bootstrap` replaces `bootstrap.servers`.
    pub fn new(config: WorkerConfig, bootstrap: Option<String>, runtime: tokio::runtime::Handle) -> Self {
        Self { config, bootstrap, runtime, connectors: Mutex::default(), started: Condvar::new() }
    }

    /// Validates a configuration that came over the network, and starts its tasks.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is left running then.
    pub fn create(&self, properties: &Properties) -> Result<ConnectorInfo, CreateError> {
        let config = ConnectorConfig::of_request(&self.config, properties).map_err(CreateError::Invalid)?;
        for warning in &config.warnings {
            tracing::warn!(connector = config.name(), "configuration: {warning}");
        }
        self.start(config)
    }

    /// Starts the tasks of a checked configuration. While they start, its name is reserved.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is left running then.
    pub fn start(&self, config: ConnectorConfig) -> Result<ConnectorInfo, CreateError> {
        let (name, tasks) = (config.name().to_owned(), config.connector.tasks() as usize);
        let limit = self.config.tasks_limit as usize;
        let running = self.lock().reserve(&name, config.raw.clone(), tasks, limit)?;
        let each = config.connector.clients_of_task();
        let started = descriptors::room_for(running, tasks, each)
            .map_err(|reason| CreateError::NotStarted { name: name.clone(), reason })
            // librdkafka's wrapper and the runtime panic where the system has no more threads.
            .and_then(|()| {
                caught(|| self.start_tasks(&config)).unwrap_or_else(|panic| {
                    let reason = format!("start panicked: {panic}");
                    Err(CreateError::NotStarted { name: name.clone(), reason })
                })
            });
        let mut connectors = self.lock();
        let outcome = match started {
            Ok(connector) if connectors.stopping => {
                // The end of the worker waits for them.
                connector.end();
                connectors.by_name.insert(name, Entry::Stopping(Arc::new(connector)));
                Err(CreateError::Stopping)
            }
            Ok(connector) => {
                tracing::info!(connector = name, tasks, "connector created");
                connectors.by_name.insert(name.clone(), Entry::Running(Arc::new(connector)));
                Ok(ConnectorInfo { name, kind: self.kind(), config: config.raw, tasks })
            }
            Err(error) => {
                connectors.by_name.remove(&name);
                Err(error)
            }
        };
        self.started.notify_all();
        outcome
    }

    /// Starts the tasks of a connector: all of them, or none. Slow: files are read, clients and threads are made.
    fn start_tasks(&self, config: &ConnectorConfig) -> Result<Connector, CreateError> {
        let not_started = |reason: String| CreateError::NotStarted { name: config.name().to_owned(), reason };
        let context =
            Context { worker: &self.config, bootstrap: self.bootstrap.as_deref(), runtime: &self.runtime };
        let set = config.connector.start(&context).map_err(not_started)?;
        let mut connector = Connector { config: config.raw.clone(), tasks: Vec::new(), set: set.clone() };
        for number in 0..config.connector.tasks() {
            let control = Arc::new(Control::default());
            let make = {
                let (set, stop) = (set.clone(), control.stop.clone());
                move || set.task(number, stop.clone())
            };
            let started = if self.lock().stopping {
                Err(CreateError::Stopping)
            } else {
                make().map_err(|error| not_started(error.to_string())).and_then(|task| {
                    let name = format!("{}-{number}", config.name());
                    let (restart, state) = (config.connector.restart(), set.state(number));
                    TaskHandle::spawn(name, task, make, restart, state, control).map_err(|error| {
                        not_started(format!("the thread of the task cannot be started: {error}"))
                    })
                })
            };
            connector.tasks.push(match started {
                Ok(handle) => handle,
                Err(error) => {
                    connector.end();
                    join(&connector.tasks, Instant::now() + self.config.shutdown_timeout + LEAVING);
                    set.on_ended();
                    return Err(error);
                }
            });
        }
        Ok(connector)
    }

    /// Returns the direction of its connectors.
    fn kind(&self) -> ConnectorType {
        self.config.plugin().description().kind
    }

    /// Returns the configuration of the worker.
    pub fn config(&self) -> &WorkerConfig {
        &self.config
    }

    /// Returns the names of all connectors.
    pub fn names(&self) -> Vec<String> {
        self.lock().by_name.keys().cloned().collect()
    }

    /// Returns a connector by name.
    pub fn info(&self, name: &str) -> Option<ConnectorInfo> {
        let connectors = self.lock();
        let entry = connectors.by_name.get(name)?;
        let tasks = entry.connector().map_or(0, |connector| connector.tasks.len());
        Some(ConnectorInfo {
            name: name.to_owned(),
            kind: self.kind(),
            config: entry.config().clone(),
            tasks,
        })
    }

    /// Returns the state of each task of a connector; none while it starts.
    pub fn status(&self, name: &str) -> Option<Vec<TaskStatus>> {
        let connector = self.lock().by_name.get(name)?.connector().cloned();
        Some(connector.iter().flat_map(|connector| &connector.tasks).map(TaskHandle::status).collect())
    }

    /// Restarts a task, without waiting for it: a failed one reads the record again at which it failed, a running one
    /// first stops as at the end of the process.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn restart_task(&self, name: &str, number: usize) -> Result<(), RequestError> {
        let connector = self.running(name)?;
        connector.tasks.get(number).ok_or(RequestError::UnknownTask)?.control.restart();
        Ok(())
    }

    /// Restarts all tasks of a connector, or those that have failed. Returns the state of each before, and whether it
    /// restarts.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn restart_tasks(
        &self,
        name: &str,
        only_failed: bool,
    ) -> Result<Vec<(TaskStatus, bool)>, RequestError> {
        let restart = |task: &TaskHandle| {
            let status = task.status();
            let again = !only_failed || status.failure.is_some();
            if again {
                task.control.restart();
            }
            (status, again)
        };
        Ok(self.running(name)?.tasks.iter().map(restart).collect())
    }

    /// Stops a connector: its tasks finish the batch in flight, commit and leave the group. Its offsets stay. Returns
    /// when all of them have ended; the name may be used again then.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn delete(&self, name: &str) -> Result<(), RequestError> {
        self.delete_within(name, self.config.shutdown_timeout + LEAVING)
    }

    fn delete_within(&self, name: &str, patience: Duration) -> Result<(), RequestError> {
        // Without removing those that have ended: the request that deletes a connector is answered as one that does.
        let connector = self.connectors.lock().stop(name)?;
        connector.end();
        match join(&connector.tasks, Instant::now() + patience) {
            0 => {
                // Removes it from the table.
                drop(self.lock());
                tracing::info!(connector = name, "connector deleted");
                Ok(())
            }
            left => Err(RequestError::NotEnded(left)),
        }
    }

    /// Stops all connectors, concurrently. None can be created afterwards.
    pub fn stop(&self) {
        let deadline = Instant::now() + self.config.shutdown_timeout + LEAVING;
        let mut connectors = self.lock();
        connectors.stopping = true;
        connectors.all().for_each(|connector| connector.end());
        // A start under way notices, and leaves its tasks to be waited for.
        while connectors.are_starting() && !self.started.wait_until(&mut connectors, deadline).timed_out() {}
        let all: Vec<Arc<Connector>> = connectors.all().cloned().collect();
        drop(connectors);
        // A thread that does not end is left behind rather than waited for: its offsets are safe.
        join(all.iter().flat_map(|connector| &connector.tasks), deadline);
        self.connectors.lock().by_name.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Connectors> {
        let mut connectors = self.connectors.lock();
        connectors.drop_ended();
        connectors
    }

    /// Returns a connector that is neither being started nor deleted.
    fn running(&self, name: &str) -> Result<Arc<Connector>, RequestError> {
        match self.lock().by_name.get(name) {
            None => Err(RequestError::UnknownConnector),
            Some(Entry::Running(connector)) => Ok(connector.clone()),
            Some(Entry::Starting { .. } | Entry::Stopping(_)) => Err(RequestError::Conflict),
        }
    }
}

/// Waits until the tasks have ended, or `deadline` has passed. Returns how many have not ended.
fn join<'t>(tasks: impl IntoIterator<Item = &'t TaskHandle>, deadline: Instant) -> usize {
    let mut left = 0;
    for task in tasks {
        while !task.thread.is_finished() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        left += usize::from(!task.thread.is_finished());
    }
    if left > 0 {
        tracing::warn!(tasks = left, "tasks not stopped before the deadline, no longer waiting for them");
    }
    left
}

impl TaskHandle {
    /// Runs `task` on its own thread. After a failure the thread waits for a request, or for the pause after which the
    /// task restarts by itself, and runs the task that `make` returns; the same after a task was stopped to be
    /// restarted.
    fn spawn(
        name: String,
        task: Box<dyn Task>,
        make: impl Fn() -> Result<Box<dyn Task>, TaskFailure> + Send + 'static,
        restart: RestartConfig,
        state: Arc<dyn TaskState>,
        control: Arc<Control>,
    ) -> std::io::Result<Self> {
        let failure = Arc::new(Mutex::new(None));
        let handle = (failure.clone(), control.clone(), state.clone());
        let thread = std::thread::Builder::new().name(name.clone()).spawn(move || {
            let mut restarts = Restarts::new(restart);
            let mut task = Ok(task);
            loop {
                let began = Instant::now();
                // Without a failure it was asked to stop: to end, or to restart.
                let ended = caught(|| task.and_then(Task::run));
                if let Err(error) = ended.unwrap_or_else(|panic| Err(TaskFailure::defect(&panic))) {
                    *failure.lock() = Some(error.clone());
                    tracing::error!(
                        task = name,
                        %error,
                        "task failed and stopped; no offsets are committed past the failure; correct the cause and \
                         restart the task (REST)"
                    );
                    if !restarts.wait(&error, began.elapsed(), &control) {
                        return;
                    }
                }
                if !control.clear() {
                    return;
                }
                tracing::info!(task = name, "task restarting");
                state.on_restart();
                *failure.lock() = None;
                task = caught(&make).unwrap_or_else(|panic| Err(TaskFailure::defect(&panic)));
            }
        })?;
        let (failure, control, state) = handle;
        Ok(Self { state, control, failure, thread })
    }

    fn status(&self) -> TaskStatus {
        // Read first: a failure that is recorded meanwhile is the last one of the thread.
        let ended = self.thread.is_finished();
        let unrecorded = || ended.then(|| TaskFailure::defect("the thread of the task ended"));
        let failure = self.failure.lock().clone().or_else(unrecorded);
        TaskStatus { failure, state: self.state.clone() }
    }
}

#[cfg(test)]
mod tests;
