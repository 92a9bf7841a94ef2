//! What a connector is to its worker: the traits that a sink and a source implement.
//!
//! ```text
//! Plugin ──configuration──▶ Connector ──start──▶ TaskSet ──task──▶ Task ──turns──▶ its end
//! one of a program           checked               shared by        a thread only during a turn;
//!                                                   its tasks        made again at a restart
//! ```

use std::any::Any;
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::map::Session;
use coherence_kafka_connect::config::def::PluginDesc;
use coherence_kafka_connect::config::{Checked, ConfigErrors, Properties};
use coherence_kafka_rdkafka::record::TopicPartition;
use coherence_kafka_rdkafka::settings::ClientSettings;
use futures::future::BoxFuture;

use crate::config::{RestartConfig, WorkerConfig};
use crate::control::TaskControl;
use crate::description::Description;
use crate::grids::Grids;
use crate::metric::Sample;

/// The kind of connector that a worker runs: a program has one.
pub trait Plugin: Send + Sync {
    /// Returns its names, settings and metrics.
    fn description(&self) -> &'static Description;

    /// Returns the classes that the settings of its connectors can name: converters, transforms, predicates.
    fn plugins(&self) -> &[PluginDesc];

    /// Checks the worker's settings of the Kafka clients that its tasks will have. Returns the settings of a client that
    /// reaches the same cluster with the same credentials, by librdkafka's names.
    fn check_clients(&self, worker: &WorkerConfig, findings: &mut ConfigErrors) -> ClientSettings;

    /// Checks the settings that the worker's file makes for all its connectors, before there is one.
    fn check_shared(&self, worker: &WorkerConfig, findings: &mut ConfigErrors);

    /// Checks the configuration of a connector, whose variables are resolved. Returns `None` where it is refused; the
    /// reasons are among the findings then.
    fn connector(
        &self,
        worker: &WorkerConfig,
        properties: &Properties,
        findings: &mut ConfigErrors,
    ) -> Option<Arc<dyn Connector>>;

    /// Checks that the peers can be reached which the worker's file names for connectors that are created later.
    /// `alone` where no connector exists yet.
    fn check_peers<'a>(
        &'a self,
        worker: &'a WorkerConfig,
        alone: bool,
        grids: &'a mut Grids,
        findings: &'a mut Checked,
    ) -> BoxFuture<'a, ()>;
}

/// A connector whose configuration is valid.
pub trait Connector: Any + Send + Sync {
    /// Returns its name.
    fn name(&self) -> &str;

    /// Returns the number of its tasks, at least 1.
    fn tasks(&self) -> u32;

    /// Returns the number of Kafka clients that each task has.
    fn clients_of_task(&self) -> u64;

    /// Returns when a failed task restarts by itself.
    fn restart(&self) -> RestartConfig;

    /// Returns the consumer group whose committed offsets are those of the connector; `None` for a source, which has none.
    fn group(&self, context: &Context<'_>) -> Option<ConsumerGroup>;

    /// Returns the names of its maps. `used` are the topics that it has used.
    fn maps(&self, used: &BTreeSet<String>) -> BTreeSet<String>;

    /// Opens a session to read its maps. No task waits for it: it shares neither streams nor limits with theirs. Waits
    /// for no peer.
    ///
    /// # Errors
    /// Why there is none, for the operator.
    fn open_maps(&self, context: &Context<'_>) -> Result<Arc<dyn Session>, String>;

    /// Returns the topic of its dead letters, where it has one.
    fn dead_letters(&self, context: &Context<'_>) -> Option<DeadLetterTopic>;

    /// Makes what its tasks share. May read files; waits for no peer.
    ///
    /// # Errors
    /// Why its tasks cannot run, for the operator.
    fn start(&self, context: &Context<'_>) -> Result<Arc<dyn TaskSet>, String>;

    /// Checks that its peers can be reached and accept what it would do; moves no records.
    fn check<'a>(&'a self, peers: &'a mut Peers, findings: &'a mut Checked) -> BoxFuture<'a, ()>;
}

/// The consumer group of a connector.
#[derive(Debug, Clone)]
pub struct ConsumerGroup {
    /// Its `group.id`.
    pub id: String,
    /// The settings of a client that reaches its cluster, by librdkafka's names.
    pub settings: ClientSettings,
}

/// The topic of the dead letters of a connector.
#[derive(Debug, Clone)]
pub struct DeadLetterTopic {
    /// Its name.
    pub name: String,
    /// The settings of a client that reaches its cluster, by librdkafka's names.
    pub settings: ClientSettings,
}

/// What a worker gives a connector that starts.
#[derive(Debug)]
pub struct Context<'a> {
    /// Its configuration.
    pub worker: &'a WorkerConfig,
    /// Replaces `bootstrap.servers` where the broker is in this process.
    pub bootstrap: Option<&'a str>,
    /// Where the data moves.
    pub runtime: &'a tokio::runtime::Handle,
}

impl Context<'_> {
    /// Leads a client with these settings to the broker of this process, where there is one.
    pub fn lead(&self, settings: &mut ClientSettings) {
        lead_to(self.bootstrap, settings);
    }
}

/// Leads a client with these settings to the brokers of `bootstrap`, where it is set.
pub(crate) fn lead_to(bootstrap: Option<&str>, settings: &mut ClientSettings) {
    if let Some(bootstrap) = bootstrap {
        settings.retain(|(key, _)| key != "bootstrap.servers");
        settings.push(("bootstrap.servers".to_owned(), bootstrap.to_owned()));
    }
}

/// What is known about the peers while connectors are checked.
#[derive(Debug, Default)]
pub struct Peers {
    /// The topics of the cluster; `None` where it cannot be reached, or is in this process.
    pub topics: Option<Vec<String>>,
    /// The grids that were connected to.
    pub grids: Grids,
}

/// The tasks of a started connector, and what they share.
pub trait TaskSet: Send + Sync {
    /// Makes a task: at the start, and again at each restart. The task obeys what `control` asks.
    ///
    /// # Errors
    /// Settings that only show when they are used.
    fn task(&self, number: u32, control: TaskControl) -> Result<Box<dyn Task>, TaskFailure>;

    /// Returns the counts and the state of a task; its restarts share them.
    fn state(&self, number: u32) -> Arc<dyn TaskState>;

    /// Called when all tasks have ended for good, before the name of the connector can be used again.
    fn on_ended(&self);
}

/// A task: it works in turns, one after the other, each on any thread. Between two turns it has no thread.
pub trait Task: Send {
    /// Works until it has nothing to do, is stopped or fails. May wait for its peers. Everything that it owns at a peer,
    /// such as its membership in a group, is given back when it ends.
    fn turn(self: Box<Self>) -> Turn;
}

/// How a turn of a task ends.
pub enum Turn {
    /// The task has nothing to do. Its next turn begins after this time, or when [`TaskControl::wake`] is called.
    Rest(Box<dyn Task>, Duration),
    /// It was stopped, or failed.
    Ended(Result<(), TaskFailure>),
}

impl std::fmt::Debug for Turn {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Turn::Rest(_, pause) => f.debug_tuple("Rest").field(pause).finish_non_exhaustive(),
            Turn::Ended(outcome) => f.debug_tuple("Ended").field(outcome).finish(),
        }
    }
}

/// Why a task failed. Its offsets are not moved past the failure: a restart reads the same record again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{reason}")]
pub struct TaskFailure {
    /// The partition and the offset of the record at fault, where there is one.
    pub record: Option<(TopicPartition, i64)>,
    /// What is wrong and what to do.
    pub reason: String,
}

impl TaskFailure {
    /// Creates a failure without a record.
    pub fn new(reason: impl Into<String>) -> Self {
        Self { record: None, reason: reason.into() }
    }

    /// Creates the failure of a task that met a bug.
    pub fn defect(panic: &str) -> Self {
        Self::new(format!("internal error: {panic}; restart the task, and report this text"))
    }
}

/// The counts of a task, for metrics, the terminal line and tests.
pub trait TaskState: Any + Send + Sync {
    /// Counts a restart.
    fn on_restart(&self);

    /// Returns the topics that records were read from or written to since the start, or since they were last forgotten.
    fn topics(&self) -> Vec<String>;

    /// Forgets these topics.
    fn forget_topics(&self);

    /// Returns the maps that entries were written to since the start, where the configuration does not name all of them.
    fn maps(&self) -> Vec<String> {
        Vec::new()
    }

    /// Returns a sample of each metric whose value is known.
    fn samples(&self) -> Vec<Sample>;

    /// Returns what the terminal line shows.
    fn progress(&self) -> Progress;
}

/// What the terminal line shows of a task.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Progress {
    /// Records moved since the start.
    pub records: u64,
    /// Records that wait to be moved, where this is known.
    pub lag: Option<u64>,
    /// Further counts, with their names.
    pub counts: Vec<(&'static str, u64)>,
    /// Records that could not be moved.
    pub errors: u64,
    /// Why the task waits for a peer.
    pub waits: Option<String>,
}
