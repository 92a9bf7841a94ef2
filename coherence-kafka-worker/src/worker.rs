//! The worker: connectors by name, each with its tasks, as Connect's standalone worker keeps them.
//!
//! Owns: threads and their statuses. Never does: HTTP, printing, reading files. No lock is held over anything slow: a
//! connector that starts or ends is an entry of its table meanwhile (`worker/connectors.rs`).

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use coherence_kafka_connect::config::{Properties, TargetState};
use coherence_kafka_rdkafka::admin;
use parking_lot::{Condvar, Mutex, MutexGuard};

use crate::config::WorkerConfig;
use crate::description::ConnectorType;
use crate::descriptors;
use crate::load::ConnectorConfig;
use crate::panics::caught;
use crate::plugin::{Connector, Context, Plugin, TaskSet, lead_to};
use connectors::{Connectors, Phase, Tasks};
use pool::Pool;
use restarts::Control;
use task_handle::{TaskHandle, join};

mod connectors;
mod pool;
mod rebalances;
mod restarts;
mod share;
mod starts;
mod status;
mod task_handle;

pub(crate) use rebalances::{Counts, Rebalances};
pub(crate) use share::Share;
pub(crate) use starts::{Attempts, Starts};
pub use status::{
    CONFLICT, ConnectorInfo, ConnectorState, ConnectorStatus, CreateError, RequestError, TaskStatus,
};

/// The connectors of this process.
pub struct Worker {
    plugin: Arc<dyn Plugin>,
    config: WorkerConfig,
    /// Replaces `bootstrap.servers` where the broker is in this process.
    bootstrap: Option<String>,
    runtime: tokio::runtime::Handle,
    pool: Pool,
    connectors: Mutex<Connectors>,
    /// A connector has started, or could not.
    started: Condvar,
    /// The connectors of the files have started.
    ready: AtomicBool,
    /// The identifier of its Kafka cluster, once it has answered.
    cluster: OnceLock<String>,
    starts: Starts,
    rebalances: Rebalances,
    /// Held while a configuration is changed that depends on the present one.
    patches: Mutex<()>,
}

impl std::fmt::Debug for Worker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Worker").field("config", &self.config).finish_non_exhaustive()
    }
}

/// How long the Kafka cluster has to name itself.
const CLUSTER_ID_DEADLINE: Duration = Duration::from_secs(5);

/// How long leaving the group may take after a task has finished its batch.
const LEAVING: Duration = Duration::from_secs(15);

impl Worker {
    /// Creates a worker without connectors, whose data moves on `runtime`; `bootstrap` replaces `bootstrap.servers`.
    /// `config` was checked with this plugin.
    pub fn new(
        plugin: Arc<dyn Plugin>,
        config: WorkerConfig,
        bootstrap: Option<String>,
        runtime: tokio::runtime::Handle,
    ) -> Self {
        let (connectors, started, ready) = (Mutex::default(), Condvar::new(), AtomicBool::new(false));
        let (cluster, starts, patches) = (OnceLock::new(), Starts::default(), Mutex::default());
        let pool = Pool::default();
        Self {
            plugin,
            config,
            bootstrap,
            runtime,
            pool,
            connectors,
            started,
            ready,
            cluster,
            starts,
            rebalances: Rebalances::default(),
            patches,
        }
    }

    /// Validates a configuration that came over the network, and starts its tasks.
    ///
    /// # Errors
    /// See [`CreateError`]; nothing is left running then.
    pub fn create(&self, properties: &Properties) -> Result<ConnectorInfo, CreateError> {
        self.create_as(properties, TargetState::Running)
    }

    /// Validates a configuration that came over the network, and adds a connector that begins in this state.
    ///
    /// # Errors
    /// See [`CreateError`]; there is no such connector then.
    pub fn create_as(
        &self,
        properties: &Properties,
        target: TargetState,
    ) -> Result<ConnectorInfo, CreateError> {
        self.start(self.checked(properties)?, target)
    }

    fn checked(&self, properties: &Properties) -> Result<ConnectorConfig, CreateError> {
        let config = ConnectorConfig::of_request(self.plugin(), &self.config, properties)
            .map_err(CreateError::Invalid)?;
        for warning in &config.warnings {
            tracing::warn!(connector = config.name(), "configuration: {warning}");
        }
        Ok(config)
    }

    /// Adds a connector of a checked configuration. Its tasks start where `target` is to run; its name is reserved
    /// while they do.
    ///
    /// # Errors
    /// See [`CreateError`]; there is no such connector then.
    pub fn start(&self, config: ConnectorConfig, target: TargetState) -> Result<ConnectorInfo, CreateError> {
        let starts = self.lock().add(config.clone(), target, self.limit())?;
        let (name, kind) = (config.name().to_owned(), self.kind());
        let tasks = if starts { config.connector.tasks() as usize } else { 0 };
        if starts && let Err(error) = self.start_reserved(&config) {
            let mut connectors = self.lock();
            if connectors.by_name.get(&name).is_some_and(|entry| matches!(entry.phase, Phase::Idle)) {
                connectors.by_name.remove(&name);
            }
            return Err(error);
        }
        tracing::info!(connector = name, tasks, "connector created");
        Ok(ConnectorInfo { name, kind, config: config.raw, tasks })
    }

    /// Gives a connector another configuration, or creates it where there is none of this name. Its tasks end, and
    /// start with the new one; where it is as it was, nothing happens. Returns whether the connector was created.
    ///
    /// # Errors
    /// See [`CreateError`]. Where the new configuration is valid it is kept, also where its tasks do not start.
    pub fn configure(&self, properties: &Properties) -> Result<(bool, ConnectorInfo), CreateError> {
        let config = self.checked(properties)?;
        let name = config.name().to_owned();
        if !self.lock().by_name.contains_key(&name) {
            return Ok((true, self.start(config, TargetState::Running)?));
        }
        let (ending, starts) = self.lock().configure(config, self.limit())?;
        if let Some(tasks) = ending
            && let Err(left) = self.await_end(&tasks, self.patience())
        {
            let error = CreateError::NotEnded { name: name.clone(), tasks: left };
            if let Some(entry) = self.connectors.lock().by_name.get_mut(&name) {
                entry.failure = Some(error.to_string());
            }
            return Err(error);
        }
        if starts {
            self.begin(&name)?;
        }
        tracing::info!(connector = name, "connector configured");
        Ok((false, self.info(&name).ok_or(CreateError::Unknown(name))?))
    }

    /// Gives a connector the configuration that `change` makes of its present settings. Where it fails, the reason is
    /// what it returns.
    pub(crate) fn patch(
        &self,
        name: &str,
        change: impl Fn(BTreeMap<String, String>) -> Result<Properties, String>,
    ) -> Result<ConnectorInfo, CreateError> {
        // A change that is made meanwhile would be lost.
        let _one_at_a_time = self.patches.lock();
        let info = self.info(name).ok_or_else(|| CreateError::Unknown(name.to_owned()))?;
        let properties = change(info.config).map_err(CreateError::Refused)?;
        self.configure(&properties).map(|(_, info)| info)
    }

    /// Starts the tasks of an idle connector.
    fn begin(&self, name: &str) -> Result<(), CreateError> {
        let config = {
            let mut connectors = self.lock();
            connectors.begin(name, self.limit())?;
            connectors.by_name[name].config.clone()
        };
        self.start_reserved(&config)
    }

    /// Starts the tasks of a connector whose tasks are reserved. It is idle where they do not start.
    fn start_reserved(&self, config: &ConnectorConfig) -> Result<(), CreateError> {
        let name = config.name();
        let (running, paused) = {
            let connectors = self.lock();
            let paused = connectors.by_name.get(name).is_some_and(|e| e.target == TargetState::Paused);
            (connectors.tasks_without(name), paused)
        };
        let (tasks, each) = (config.connector.tasks() as usize, config.connector.clients_of_task());
        let not_started = |reason| CreateError::NotStarted { name: name.to_owned(), reason };
        let started = descriptors::room_for(running, tasks, each)
            .map_err(not_started)
            .and_then(|()| self.start_tasks(config, None, 0..config.connector.tasks(), paused));
        self.starts.connectors.count(started.is_ok());
        let mut connectors = self.lock();
        let stopping = connectors.stopping;
        let outcome = match (started, connectors.by_name.get_mut(name)) {
            (Ok(tasks), Some(entry)) if stopping => {
                // The end of the worker waits for them.
                tasks.end();
                entry.phase = Phase::Ending { tasks: Arc::new(tasks), deleted: true };
                Err(CreateError::Stopping)
            }
            (Ok(tasks), Some(entry)) => {
                entry.phase = Phase::Started(Arc::new(tasks));
                Ok(())
            }
            (Err(error), Some(entry)) => {
                (entry.phase, entry.failure) = (Phase::Idle, Some(error.to_string()));
                Err(error)
            }
            // The worker has ended meanwhile.
            (_, None) => Err(CreateError::Stopping),
        };
        self.started.notify_all();
        outcome
    }

    /// Starts these tasks of a connector: all of them, or none. They are of `set`, or of a new one. Slow: files are read,
    /// clients and threads are made.
    fn start_tasks(
        &self,
        config: &ConnectorConfig,
        set: Option<Arc<dyn TaskSet>>,
        numbers: impl IntoIterator<Item = u32>,
        paused: bool,
    ) -> Result<Tasks, CreateError> {
        // librdkafka's wrapper and the runtime panic where the system has no more threads.
        caught(|| self.start_each(config, set, numbers, paused)).unwrap_or_else(|panic| {
            let (name, reason) = (config.name().to_owned(), format!("start panicked: {panic}"));
            Err(CreateError::NotStarted { name, reason })
        })
    }

    fn start_each(
        &self,
        config: &ConnectorConfig,
        set: Option<Arc<dyn TaskSet>>,
        numbers: impl IntoIterator<Item = u32>,
        paused: bool,
    ) -> Result<Tasks, CreateError> {
        let not_started = |reason: String| CreateError::NotStarted { name: config.name().to_owned(), reason };
        let is_new = set.is_none();
        let set = match set {
            Some(set) => set,
            None => config.connector.start(&self.context()).map_err(not_started)?,
        };
        let mut tasks = Tasks { handles: BTreeMap::new(), set: set.clone() };
        for number in numbers {
            let control = Arc::new(Control::default());
            control.task.pause(paused);
            let make = {
                let (set, control) = (set.clone(), control.task.clone());
                move || set.task(number, control.clone())
            };
            let started = if self.lock().stopping {
                Err(CreateError::Stopping)
            } else {
                make().map_err(|error| not_started(error.to_string())).and_then(|task| {
                    let name = format!("{}-{number}", config.name());
                    let (restart, state) = (config.connector.restart(), set.state(number));
                    TaskHandle::spawn(&self.pool, name, task, make, restart, state, control).map_err(
                        |error| not_started(format!("the threads of the tasks cannot be started: {error}")),
                    )
                })
            };
            self.starts.tasks.count(started.is_ok());
            match started {
                Ok(handle) => drop(tasks.handles.insert(number, Arc::new(handle))),
                Err(error) => {
                    tasks.end();
                    join(tasks.handles.values(), Instant::now() + self.patience());
                    if is_new {
                        set.on_ended();
                    }
                    return Err(error);
                }
            }
        }
        Ok(tasks)
    }

    /// Returns where blocking work may run.
    pub(crate) fn runtime(&self) -> &tokio::runtime::Handle {
        &self.runtime
    }

    pub(crate) fn context(&self) -> Context<'_> {
        Context { worker: &self.config, bootstrap: self.bootstrap.as_deref(), runtime: &self.runtime }
    }

    /// Returns the direction of its connectors.
    pub(crate) fn kind(&self) -> ConnectorType {
        self.plugin.description().kind
    }

    /// Returns the kind of its connectors.
    pub fn plugin(&self) -> &dyn Plugin {
        &*self.plugin
    }

    fn limit(&self) -> usize {
        self.config.tasks_limit as usize
    }

    /// Returns how long tasks have to end.
    pub(crate) fn patience(&self) -> Duration {
        self.config.shutdown_timeout + LEAVING
    }

    /// Returns the configuration of the worker.
    pub fn config(&self) -> &WorkerConfig {
        &self.config
    }

    /// Returns whether the connectors that its files name have started.
    pub fn is_ready(&self) -> bool {
        self.ready.load(Ordering::SeqCst)
    }

    /// Called when the connectors that its files name have started.
    pub fn set_ready(&self) {
        self.ready.store(true, Ordering::SeqCst);
    }

    /// Returns the identifier of the worker's Kafka cluster; `None` where it does not answer. Blocks until it is known.
    pub fn cluster_id(&self) -> Option<String> {
        if self.cluster.get().is_none() {
            let mut settings = self.config.client_settings();
            lead_to(self.bootstrap.as_deref(), &mut settings);
            let answer = admin::cluster_id(&settings, CLUSTER_ID_DEADLINE)?;
            return Some(self.cluster.get_or_init(|| answer).clone());
        }
        self.cluster.get().cloned()
    }

    /// Returns a connector by its configuration, whether it has tasks or not.
    pub(crate) fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, RequestError> {
        let connectors = self.lock();
        let entry = connectors.by_name.get(name).ok_or(RequestError::UnknownConnector)?;
        Ok(entry.config.connector.clone())
    }

    /// Returns how it gets and gives up tasks, where it is one of a cluster.
    pub(crate) fn rebalances(&self) -> &Rebalances {
        &self.rebalances
    }

    /// Returns the counts of starts.
    pub(crate) fn starts(&self) -> &Starts {
        &self.starts
    }

    /// Returns the names of all connectors.
    pub fn names(&self) -> Vec<String> {
        self.lock().by_name.keys().cloned().collect()
    }

    /// Returns a connector by name.
    pub fn info(&self, name: &str) -> Option<ConnectorInfo> {
        let connectors = self.lock();
        let entry = connectors.by_name.get(name)?;
        Some(ConnectorInfo {
            name: name.to_owned(),
            kind: self.kind(),
            config: entry.config.raw.clone(),
            tasks: entry.phase.tasks().map_or(0, |tasks| tasks.handles.len()),
        })
    }

    /// Returns the state of a connector, and that of each of its tasks.
    pub fn status(&self, name: &str) -> Option<ConnectorStatus> {
        let (state, failure, tasks) = {
            let connectors = self.lock();
            let entry = connectors.by_name.get(name)?;
            (entry.state(), entry.failure.clone(), entry.phase.tasks().cloned())
        };
        let handles = tasks.iter().flat_map(|tasks| &tasks.handles);
        let tasks = handles.map(|(number, task)| task.status(*number)).collect();
        Some(ConnectorStatus { state, failure, tasks })
    }

    /// Returns the topics that a connector has used since it was created, or since they were last forgotten.
    pub fn topics(&self, name: &str) -> BTreeSet<String> {
        let connectors = self.lock();
        let Some(entry) = connectors.by_name.get(name) else { return BTreeSet::new() };
        let present = entry.phase.tasks().into_iter().flat_map(|tasks| tasks.topics());
        entry.topics.iter().cloned().chain(present).collect()
    }

    /// Returns the maps that the tasks of a connector have written to in this process.
    pub(crate) fn maps(&self, name: &str) -> BTreeSet<String> {
        let connectors = self.lock();
        let tasks = connectors.by_name.get(name).and_then(|entry| entry.phase.tasks());
        tasks.into_iter().flat_map(|tasks| tasks.maps()).collect()
    }

    /// Forgets the topics that a connector has used.
    pub fn forget_topics(&self, name: &str) {
        let mut connectors = self.lock();
        let Some(entry) = connectors.by_name.get_mut(name) else { return };
        entry.topics.clear();
        let tasks = entry.phase.tasks().into_iter().flat_map(|tasks| tasks.handles.values());
        tasks.for_each(|task| task.state().forget_topics());
    }

    /// Returns the state of each task of a connector; none while it starts.
    pub fn tasks(&self, name: &str) -> Option<Vec<TaskStatus>> {
        self.status(name).map(|status| status.tasks)
    }

    /// Starts the tasks of a connector that could not be started. Those of another one are left alone, as Connect does.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub fn restart(&self, name: &str) -> Result<(), CreateError> {
        let status = self.status(name).ok_or_else(|| CreateError::Unknown(name.to_owned()))?;
        if status.state == ConnectorState::Failed { self.begin(name) } else { Ok(()) }
    }

    /// Restarts a task, without waiting for it: a failed one reads the record again at which it failed, a running one
    /// first stops as at the end of the process.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn restart_task(&self, name: &str, number: u32) -> Result<(), RequestError> {
        let tasks = self.started_tasks(name)?.ok_or(RequestError::UnknownTask)?;
        tasks.handles.get(&number).ok_or(RequestError::UnknownTask)?.restart();
        Ok(())
    }

    /// Restarts all tasks of a connector, or those that have failed. Returns the numbers of those that
    /// restart; none where the connector has no tasks.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn restart_tasks(&self, name: &str, only_failed: bool) -> Result<Vec<u32>, RequestError> {
        let tasks = self.started_tasks(name)?;
        let all = tasks.iter().flat_map(|tasks| &tasks.handles);
        let restarted = all.filter(|(number, task)| !only_failed || task.status(**number).failure.is_some());
        Ok(restarted.inspect(|(_, task)| task.restart()).map(|(number, _)| *number).collect())
    }

    /// Pauses a connector, without waiting for it: its tasks finish the records in hand, and keep their partitions.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn pause(&self, name: &str) -> Result<(), RequestError> {
        self.lock().pause(name)?;
        tracing::info!(connector = name, "connector paused");
        Ok(())
    }

    /// Resumes a connector that is paused or stopped.
    ///
    /// # Errors
    /// See [`CreateError`].
    pub fn resume(&self, name: &str) -> Result<(), CreateError> {
        let starts = self.lock().resume(name).map_err(|error| match error {
            RequestError::UnknownConnector => CreateError::Unknown(name.to_owned()),
            _ => CreateError::Conflict,
        })?;
        if starts {
            self.begin(name)?;
        }
        tracing::info!(connector = name, "connector resumed");
        Ok(())
    }

    /// Stops a connector: its tasks finish the batch in flight, commit and leave the group. Its configuration and its
    /// offsets stay. Returns when all tasks have ended.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn stop_connector(&self, name: &str) -> Result<(), RequestError> {
        let tasks = self.lock().stop(name)?;
        self.ended(tasks, self.patience())?;
        tracing::info!(connector = name, "connector stopped");
        Ok(())
    }

    /// Removes a connector: its tasks end as at a stop. Its offsets stay. Returns when all of them have ended; the name
    /// may be used again then.
    ///
    /// # Errors
    /// See [`RequestError`].
    pub fn delete(&self, name: &str) -> Result<(), RequestError> {
        self.delete_within(name, self.patience())
    }

    fn delete_within(&self, name: &str, patience: Duration) -> Result<(), RequestError> {
        // Without removing those that have ended: the request that deletes a connector is answered as one that does.
        let tasks = self.connectors.lock().delete(name)?;
        self.ended(tasks, patience)?;
        tracing::info!(connector = name, "connector deleted");
        Ok(())
    }

    fn ended(&self, tasks: Option<Arc<Tasks>>, patience: Duration) -> Result<(), RequestError> {
        tasks.map_or(Ok(()), |tasks| self.await_end(&tasks, patience).map_err(RequestError::NotEnded))
    }

    /// Ends tasks that are marked as ending. Returns how many have not ended in time, if any.
    fn await_end(&self, tasks: &Tasks, patience: Duration) -> Result<(), usize> {
        tasks.end();
        match join(tasks.handles.values(), Instant::now() + patience) {
            0 => {
                // Removes them from the table.
                drop(self.lock());
                Ok(())
            }
            left => Err(left),
        }
    }

    /// Stops all connectors, concurrently. None can be created afterwards.
    pub fn stop(&self) {
        let deadline = Instant::now() + self.patience();
        let mut connectors = self.lock();
        connectors.stopping = true;
        connectors.all().for_each(|tasks| tasks.end());
        // A start under way notices, and leaves its tasks to be waited for.
        while connectors.are_starting() && !self.started.wait_until(&mut connectors, deadline).timed_out() {}
        let all: Vec<Arc<Tasks>> = connectors.all().cloned().collect();
        drop(connectors);
        // A thread that does not end is left behind rather than waited for: its offsets are safe.
        join(all.iter().flat_map(|tasks| tasks.handles.values()), deadline);
        self.connectors.lock().by_name.clear();
    }

    fn lock(&self) -> MutexGuard<'_, Connectors> {
        let mut connectors = self.connectors.lock();
        connectors.drop_ended();
        connectors
    }

    /// Returns the tasks of a connector that are neither being started nor ending; `None` where it has none.
    fn started_tasks(&self, name: &str) -> Result<Option<Arc<Tasks>>, RequestError> {
        match self.lock().by_name.get(name).map(|entry| &entry.phase) {
            None => Err(RequestError::UnknownConnector),
            Some(Phase::Idle) => Ok(None),
            Some(Phase::Started(tasks)) => Ok(Some(tasks.clone())),
            Some(Phase::Starting { .. } | Phase::Ending { .. }) => Err(RequestError::Conflict),
        }
    }
}
