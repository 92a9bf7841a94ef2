//! What others learn of connectors and tasks, and why a request about them is not done.

use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_connect::config::ConfigErrors;

use crate::config::table::TASKS_LIMIT;
use crate::description::ConnectorType;
use crate::plugin::{TaskFailure, TaskState};

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
    /// No connector has this name.
    #[error("Connector {0} not found")]
    Unknown(String),
    /// Its tasks have not ended in time, so that the new configuration is not in use yet.
    #[error(
        "connector {name}: {tasks} of its tasks are still stopping; the new configuration is stored: restart the \
         connector when they have stopped"
    )]
    NotEnded {
        /// Its name.
        name: String,
        /// How many tasks have not ended.
        tasks: usize,
    },
    /// The worker ends.
    #[error("the worker is stopping and starts no more connectors")]
    Stopping,
    /// What the request makes of the configuration is none, for this reason.
    #[error("{0}")]
    Refused(String),
    /// The worker cannot change anything now, for this reason.
    #[error("{0}")]
    Unavailable(String),
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
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RequestError {
    /// No connector has this name.
    UnknownConnector,
    /// The connector has no task with this number.
    UnknownTask,
    /// The connector is being started or deleted.
    Conflict,
    /// This number of tasks has not ended in time. What was asked for is done when they have ended.
    NotEnded(usize),
    /// The worker cannot change anything now, for this reason.
    Unavailable(String),
}

/// The state of a connector, as Connect names it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ConnectorState {
    /// Its tasks are being started.
    Unassigned,
    /// Its tasks run.
    Running,
    /// Its tasks keep what they have of their group and move no records.
    Paused,
    /// It has no tasks.
    Stopped,
    /// Its tasks could not be started.
    Failed,
}

impl ConnectorState {
    /// Returns its name in Connect's REST API.
    pub fn name(self) -> &'static str {
        match self {
            ConnectorState::Unassigned => "UNASSIGNED",
            ConnectorState::Running => "RUNNING",
            ConnectorState::Paused => "PAUSED",
            ConnectorState::Stopped => "STOPPED",
            ConnectorState::Failed => "FAILED",
        }
    }
}

/// The states of a connector and of its tasks.
#[derive(Debug, Clone)]
pub struct ConnectorStatus {
    /// Its state.
    pub state: ConnectorState,
    /// Why it is in the state `FAILED`.
    pub failure: Option<String>,
    /// Those of its tasks, by their numbers; none where it has no tasks.
    pub tasks: Vec<TaskStatus>,
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
    /// How many tasks it has; none while it starts, and none where it is stopped.
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
    /// Its number.
    pub number: u32,
    /// Why it failed; `None` while it runs.
    pub failure: Option<TaskFailure>,
    /// It was asked to restart, and has not begun to.
    pub restarting: bool,
    /// It was asked to pause, and has no records in hand.
    pub paused: bool,
    /// The fraction of the time since its first start that it was running, from 0 to 1.
    pub running_ratio: f64,
    /// The fraction of that time that it was paused, from 0 to 1.
    pub pause_ratio: f64,
    /// What it did so far.
    pub state: Arc<dyn TaskState>,
}

impl std::fmt::Debug for TaskStatus {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("TaskStatus").field("failure", &self.failure).finish_non_exhaustive()
    }
}

impl TaskStatus {
    /// Returns its state, as Connect names it.
    pub fn state(&self) -> &'static str {
        match self {
            TaskStatus { restarting: true, .. } => "RESTARTING",
            TaskStatus { failure: Some(_), .. } => "FAILED",
            TaskStatus { paused: true, .. } => "PAUSED",
            TaskStatus { .. } => "RUNNING",
        }
    }
}
