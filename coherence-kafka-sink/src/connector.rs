//! The sink as a connector of a worker: from a validated configuration to running tasks.
//!
//! Owns: the sessions that its connectors write to, and what the tasks of one connector share.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::map::Session;
use coherence_kafka_connect::config::def::PluginDesc;
use coherence_kafka_connect::config::{Checked, ConfigErrors, Properties, SessionConfig, SessionKind};
use coherence_kafka_connect::encode::Encoder;
use coherence_kafka_connect::transform::{Classes, FieldPath};
use coherence_kafka_rdkafka::consumer::StartAt;
use coherence_kafka_rdkafka::settings::ClientSettings;
use coherence_kafka_worker::config::{RestartConfig, WorkerConfig, converters};
use coherence_kafka_worker::{
    Connector, ConsumerGroup, Context, DeadLetterTopic, Description, Grids, Peers, Plugin, Task, TaskControl,
    TaskFailure, TaskSet, TaskState, Turn, caught, grid_session,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;

use crate::check;
use crate::config::table::DESCRIPTION;
use crate::config::{self, ConnectorConfig, Topics, shared};
use crate::counters::Counters;
use crate::entries::EntryWriter;
use crate::pipeline::{Form, Pipeline};
use crate::snapshot;
use crate::task::delivery::DeliveryOptions;
use crate::task::{self, OffsetReset, Rules, SinkTask, TaskOptions, TaskParts};
use crate::writer::{GroupLease, Writer};

pub use sessions::{LocalSessions, OpenSession, Sessions};

mod sessions;

/// Default of `session.timeout.ms`, in librdkafka as in Java.
const SESSION_TIMEOUT: Duration = Duration::from_secs(45);
/// Default of `max.poll.interval.ms`.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(300);

/// The kind of connector that moves topics to maps.
#[derive(Debug)]
pub struct SinkPlugin {
    sessions: Arc<Sessions>,
    classes: Classes,
    plugins: Vec<PluginDesc>,
}

impl SinkPlugin {
    /// Creates the plugin; its connectors write to these sessions.
    pub fn new(sessions: Sessions) -> Self {
        let classes = Classes::default();
        Self { sessions: Arc::new(sessions), plugins: plugins(&classes), classes }
    }

    /// Sets the transforms and predicates that configurations can name, those of one's own among them.
    #[must_use]
    pub fn with_classes(self, classes: Classes) -> Self {
        Self { plugins: plugins(&classes), classes, ..self }
    }

    /// Returns the sessions.
    pub fn sessions(&self) -> &Sessions {
        &self.sessions
    }
}

/// Returns what configurations can name.
fn plugins(classes: &Classes) -> Vec<PluginDesc> {
    converters().chain(classes.descs()).collect()
}

impl Default for SinkPlugin {
    fn default() -> Self {
        Self::new(Sessions::default())
    }
}

impl Plugin for SinkPlugin {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn plugins(&self) -> &[PluginDesc] {
        &self.plugins
    }

    fn check_clients(&self, worker: &WorkerConfig, findings: &mut ConfigErrors) -> ClientSettings {
        let none = Properties::default();
        let (settings, policy) = (worker.properties(), &worker.override_policy);
        let consumer = config::clients::consumer("", settings, &none, policy, false, findings);
        config::clients::check_queue(settings, policy, findings);
        consumer.for_task(0)
    }

    fn check_shared(&self, worker: &WorkerConfig, findings: &mut ConfigErrors) {
        shared::check_shared(worker, findings);
    }

    fn connector(
        &self,
        worker: &WorkerConfig,
        properties: &Properties,
        findings: &mut ConfigErrors,
    ) -> Option<Arc<dyn Connector>> {
        let config = ConnectorConfig::check(worker, properties, &self.classes, findings)?;
        Some(Arc::new(SinkConnector { config, sessions: self.sessions.clone() }))
    }

    fn check_peers<'a>(
        &'a self,
        worker: &'a WorkerConfig,
        alone: bool,
        grids: &'a mut Grids,
        findings: &'a mut Checked,
    ) -> BoxFuture<'a, ()> {
        check::worker(worker, alone, grids, findings).boxed()
    }
}

/// A sink connector whose configuration is valid.
#[derive(Debug)]
pub struct SinkConnector {
    config: ConnectorConfig,
    sessions: Arc<Sessions>,
}

impl SinkConnector {
    /// Returns its configuration.
    pub fn config(&self) -> &ConnectorConfig {
        &self.config
    }
}

impl Connector for SinkConnector {
    fn name(&self) -> &str {
        &self.config.name
    }

    fn tasks(&self) -> u32 {
        self.config.tasks_max
    }

    fn clients_of_task(&self) -> u64 {
        if self.config.dead_letters.is_some() { 2 } else { 1 }
    }

    fn restart(&self) -> RestartConfig {
        self.config.restart
    }

    fn group(&self, context: &Context<'_>) -> Option<ConsumerGroup> {
        let mut settings = self.config.consumer_settings(0);
        context.lead(&mut settings);
        Some(ConsumerGroup { id: self.config.consumer.group_id.clone(), settings })
    }

    /// The maps of the topics that it names, and of those that it has used.
    fn maps(&self, used: &BTreeSet<String>) -> BTreeSet<String> {
        let names = &self.config.map_names;
        let named: Vec<&str> = match &self.config.topics {
            Topics::List(topics) => topics.iter().map(String::as_str).collect(),
            Topics::Pattern(_) => names.mappings.iter().map(|(topic, _)| topic).collect(),
        };
        let topics = named.into_iter().chain(used.iter().map(String::as_str));
        topics.filter_map(|topic| Some(names.map_of(topic).ok()?.into_owned())).collect()
    }

    fn open_maps(&self, context: &Context<'_>) -> Result<Arc<dyn Session>, String> {
        let config = &self.config.session;
        if self.config.session_directory.is_some() {
            let saved = self.sessions.saved(&self.config.name);
            return saved.ok_or_else(|| {
                "the maps of coherence.session.directory are loaded while the connector has \
                                        tasks in this process: resume it"
                    .to_owned()
            });
        }
        match config.kind {
            SessionKind::Embedded => Ok(self.sessions.local().session(config.format).clone()),
            SessionKind::Grpc => match grid_session(config, context.runtime.clone()) {
                Ok(session) => Ok(Arc::new(session)),
                Err(error) => Err(error.to_string()),
            },
        }
    }

    fn dead_letters(&self, context: &Context<'_>) -> Option<DeadLetterTopic> {
        let queue = self.config.dead_letters.as_ref()?.for_task(&self.config.name, 0);
        // The client that creates the topic reaches its cluster.
        let (name, mut settings) = (queue.topic, queue.admin);
        context.lead(&mut settings);
        Some(DeadLetterTopic { name, settings })
    }

    fn start(&self, context: &Context<'_>) -> Result<Arc<dyn TaskSet>, String> {
        let tasks = SinkTasks::start(&self.config, self.sessions.clone(), context)?;
        Ok(Arc::new(tasks))
    }

    fn check<'a>(&'a self, peers: &'a mut Peers, findings: &'a mut Checked) -> BoxFuture<'a, ()> {
        check::connector(&self.config, peers, findings).boxed()
    }
}

/// The tasks of a connector, and the session that they share.
struct SinkTasks {
    tasks: Vec<(TaskOptions, TaskParts)>,
    config: SessionConfig,
    session: Arc<dyn Session>,
    sessions: Arc<Sessions>,
}

impl SinkTasks {
    fn start(
        config: &ConnectorConfig,
        sessions: Arc<Sessions>,
        context: &Context<'_>,
    ) -> Result<Self, String> {
        let saved = saved_maps(config).map_err(|error| error.to_string())?;
        let session: Arc<dyn Session> = match &saved {
            Some(saved) => {
                sessions.add_saved(&config.name, saved.session());
                saved.session().clone()
            }
            None => sessions.open(&config.session, context.runtime).map_err(|error| error.to_string())?,
        };
        let pipeline = Arc::new(Pipeline {
            form: if config.passthrough {
                Form::PassThrough
            } else {
                Form::Converted {
                    key: config.key_converter.clone(),
                    value: config.value_converter.clone(),
                    entries: EntryWriter {
                        encoder: Encoder { format: session.format(), arrays: config.arrays },
                        typed: config.mapping.clone(),
                    },
                }
            },
            format: session.format(),
            max_entry_bytes: session.max_entry_bytes(),
            null_values: config.errors.null_values,
            key_source: config.key_source.clone(),
            transforms: config.transforms.clone(),
            header: config.header_converter.clone(),
        });
        let rules = Rules {
            pipeline,
            names: Arc::new(config.map_names.clone()),
            expiries: Arc::new(config.expiries.clone()),
            version: config.version_field.clone(),
        };
        let task = |number| {
            let counters = Arc::new(Counters::default());
            let options = task_options(config, context, number);
            let membership = Arc::new(GroupLease::new(options.delivery.revoke_deadline));
            let writer = Writer::new(session.clone(), config.retry, counters.clone(), options.name())
                .with_refused_timeout(config.refused_timeout)
                .with_version_field(config.version_field.as_ref().map_or(&[], FieldPath::names))
                .of_member(membership.clone());
            let parts = TaskParts {
                rules: rules.clone(),
                writer: Arc::new(writer),
                saved: saved.clone(),
                membership,
                runtime: context.runtime.clone(),
                counters,
                control: TaskControl::default(),
            };
            (options, parts)
        };
        let tasks = (0..config.tasks_max).map(task).collect();
        Ok(Self { tasks, config: config.session.clone(), session, sessions })
    }
}

impl TaskSet for SinkTasks {
    fn task(&self, number: u32, control: TaskControl) -> Result<Box<dyn Task>, TaskFailure> {
        let (options, parts) = &self.tasks[number as usize];
        let task = SinkTask::new(options.clone(), TaskParts { control, ..parts.clone() })?;
        Ok(Box::new(task))
    }

    fn state(&self, number: u32) -> Arc<dyn TaskState> {
        self.tasks[number as usize].1.counters.clone()
    }

    fn on_ended(&self) {
        self.sessions.keep_doubt(&self.config, &self.session);
    }
}

impl Task for SinkTask {
    fn turn(mut self: Box<Self>) -> Turn {
        match caught(|| self.work()) {
            Ok(Some(pause)) => Turn::Rest(self, pause),
            worked => Turn::Ended(self.end(worked.map(drop)).map_err(TaskFailure::from)),
        }
    }
}

impl From<task::TaskFailure> for TaskFailure {
    fn from(failure: task::TaskFailure) -> Self {
        Self { reason: failure.to_string(), record: failure.record() }
    }
}

/// Returns the maps of a connector that are in a directory.
fn saved_maps(config: &ConnectorConfig) -> Result<Option<Arc<snapshot::Store>>, snapshot::Error> {
    let Some(directory) = &config.session_directory else { return Ok(None) };
    let group = &config.consumer.group_id;
    snapshot::Store::open(directory, &config.name, group, config.session.format)
        .map(|saved| Some(Arc::new(saved)))
}

fn task_options(config: &ConnectorConfig, context: &Context<'_>, number: u32) -> TaskOptions {
    let mut consumer = config.consumer_settings(number);
    let mut dead_letters = config.dead_letters.as_ref().map(|queue| queue.for_task(&config.name, number));
    let queue = dead_letters.as_mut().map(|queue| [&mut queue.producer, &mut queue.admin]);
    for settings in queue.into_iter().flatten().chain([&mut consumer]) {
        context.lead(settings);
    }
    let millis = |name: &str, default| {
        let set = consumer.iter().find_map(|(key, value)| (key == name).then(|| value.parse().ok())?);
        set.map_or(default, Duration::from_millis)
    };
    let membership =
        millis("session.timeout.ms", SESSION_TIMEOUT).min(millis("max.poll.interval.ms", MAX_POLL_INTERVAL));
    let reset = consumer.iter().find(|(key, _)| key == "auto.offset.reset");
    let reset = match reset.map_or("earliest", |(_, value)| value.as_str()) {
        "earliest" | "smallest" | "beginning" => OffsetReset::Oldest,
        "latest" | "largest" | "end" => OffsetReset::Newest,
        _ => OffsetReset::Fails,
    };
    TaskOptions {
        connector: config.name.clone(),
        number,
        consumer,
        topics: match &config.topics {
            Topics::List(topics) => topics.clone(),
            Topics::Pattern(pattern) => vec![pattern.clone()],
        },
        start: match config.session.kind {
            // An embedded map is empty when its process starts, whatever an earlier one committed.
            SessionKind::Embedded => StartAt::Beginning,
            SessionKind::Grpc => StartAt::Committed,
        },
        delivery: DeliveryOptions {
            batch_records: config.batch_records,
            batch_bytes: config.batch_bytes,
            linger: config.batch_linger,
            flush_interval: context.worker.offset_flush_interval,
            flush_timeout: context.worker.offset_flush_timeout,
            revoke_deadline: membership / 2,
            stop_deadline: context.worker.shutdown_timeout,
            saves: config.session_directory.is_some(),
        },
        reset,
        errors: config.errors,
        dead_letters,
    }
}

#[cfg(test)]
mod tests;
