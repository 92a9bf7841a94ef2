//! A connector for tests: its tasks do nothing until they are stopped.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use coherence_kafka_common::map::Session;
use coherence_kafka_connect::config::def::{
    ConfigDef, DefaultValue, Importance, Kind, PluginDesc, Validator, key,
};
use coherence_kafka_connect::config::{Checked, ConfigErrors, Environment, Properties};
use coherence_kafka_rdkafka::settings::ClientSettings;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

use crate::Grids;
use crate::config::{RestartConfig, WorkerConfig, connector as common};
use crate::control::TaskControl;
use crate::description::{ConnectorType, Description};
use crate::metric::Sample;
use crate::plugin::{
    Connector, ConsumerGroup, Context, DeadLetterTopic, Peers, Plugin, Progress, Task, TaskFailure, TaskSet,
    TaskState, Turn,
};
use crate::retry::RetryPolicy;
use crate::worker::Worker;

pub(crate) mod certificates;

const GROUP: (&str, Importance) = ("Connector", Importance::High);

static DESCRIPTION: Description = Description {
    kind: ConnectorType::Sink,
    classes: &["Fake"],
    task_class: "FakeTask",
    settings: &ConfigDef {
        keys: &[
            key("name", Kind::String, DefaultValue::Required, Validator::Name, GROUP, "The name."),
            key("connector.class", Kind::Class, DefaultValue::Required, Validator::Any, GROUP, "The class."),
            key("tasks.max", Kind::Int, DefaultValue::Text("1"), Validator::AtLeast(1), GROUP, "The tasks."),
            key("note", Kind::String, DefaultValue::Null, Validator::Any, GROUP, "It changes nothing."),
        ],
    },
    families: &[],
    shared_groups: &[],
    metrics: &[],
    former_metrics: None,
};

/// Opens the maps of a connector.
type OpenMaps = dyn Fn() -> Result<Arc<dyn Session>, String> + Send + Sync;

#[derive(Clone)]
struct Fake {
    open_maps: Arc<OpenMaps>,
}

impl Default for Fake {
    fn default() -> Self {
        Self { open_maps: Arc::new(|| Err("the connector has no maps".to_owned())) }
    }
}

impl Plugin for Fake {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn plugins(&self) -> &[PluginDesc] {
        &[]
    }

    fn check_clients(&self, _: &WorkerConfig, _: &mut ConfigErrors) -> ClientSettings {
        ClientSettings::default()
    }

    fn check_shared(&self, _: &WorkerConfig, _: &mut ConfigErrors) {}

    fn connector(
        &self,
        worker: &WorkerConfig,
        properties: &Properties,
        findings: &mut ConfigErrors,
    ) -> Option<Arc<dyn Connector>> {
        let values = common::read(worker, &DESCRIPTION, properties, findings);
        let fails = properties.get("fails").is_some();
        let tasks = u32::try_from(values.number("tasks.max")).unwrap_or(1);
        Some(Arc::new(FakeConnector {
            name: values.text("name")?.to_owned(),
            tasks,
            fails,
            of: self.clone(),
        }))
    }

    fn check_peers<'a>(
        &'a self,
        _: &'a WorkerConfig,
        _: bool,
        _: &'a mut Grids,
        _: &'a mut Checked,
    ) -> BoxFuture<'a, ()> {
        async {}.boxed()
    }
}

pub(crate) struct FakeConnector {
    name: String,
    tasks: u32,
    /// Its tasks do not start.
    fails: bool,
    of: Fake,
}

impl FakeConnector {
    pub(crate) fn new(name: &str) -> Self {
        Self { name: name.to_owned(), tasks: 1, fails: false, of: Fake::default() }
    }
}

impl Connector for FakeConnector {
    fn name(&self) -> &str {
        &self.name
    }

    fn tasks(&self) -> u32 {
        self.tasks
    }

    fn clients_of_task(&self) -> u64 {
        0
    }

    fn restart(&self) -> RestartConfig {
        let second = Duration::from_secs(1);
        RestartConfig { attempts: Some(0), backoff: RetryPolicy { min: second, max: second, timeout: None } }
    }

    fn group(&self, _: &Context<'_>) -> Option<ConsumerGroup> {
        None
    }

    /// Maps with the names of its topics.
    fn maps(&self, used: &BTreeSet<String>) -> BTreeSet<String> {
        used.clone()
    }

    fn open_maps(&self, _: &Context<'_>) -> Result<Arc<dyn Session>, String> {
        (self.of.open_maps)()
    }

    fn dead_letters(&self, _: &Context<'_>) -> Option<DeadLetterTopic> {
        None
    }

    fn start(&self, _: &Context<'_>) -> Result<Arc<dyn TaskSet>, String> {
        if self.fails {
            return Err("it fails".to_owned());
        }
        Ok(Arc::new(FakeTasks(Arc::default())))
    }

    fn check<'a>(&'a self, _: &'a mut Peers, _: &'a mut Checked) -> BoxFuture<'a, ()> {
        async {}.boxed()
    }
}

struct FakeTasks(Arc<Ran>);

impl TaskSet for FakeTasks {
    fn task(&self, _: u32, control: TaskControl) -> Result<Box<dyn Task>, TaskFailure> {
        Ok(Box::new(FakeTask { state: self.0.clone(), control }))
    }

    fn state(&self, _: u32) -> Arc<dyn TaskState> {
        self.0.clone()
    }

    fn on_ended(&self) {}
}

/// How often a task has run.
#[derive(Default)]
pub(crate) struct Ran(AtomicU64);

impl Ran {
    pub(crate) fn runs(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl TaskState for Ran {
    fn on_restart(&self) {}

    fn topics(&self) -> Vec<String> {
        vec!["t".to_owned()]
    }

    fn forget_topics(&self) {}

    fn maps(&self) -> Vec<String> {
        vec!["written".to_owned()]
    }

    fn samples(&self) -> Vec<Sample> {
        Vec::new()
    }

    fn progress(&self) -> Progress {
        Progress::default()
    }
}

/// Runs until it is stopped.
pub(crate) struct FakeTask {
    pub(crate) state: Arc<Ran>,
    pub(crate) control: TaskControl,
}

impl Task for FakeTask {
    fn turn(self: Box<Self>) -> Turn {
        self.state.0.fetch_add(1, Ordering::SeqCst);
        while !self.control.is_stopping() {
            self.control.set_paused(self.control.is_pausing());
            std::thread::park_timeout(Duration::from_millis(1));
        }
        Turn::Ended(Ok(()))
    }
}

/// The settings of a connector of this name.
pub(crate) fn connector(name: &str) -> Properties {
    Properties::from_pairs("test", [("name", name), ("connector.class", "Fake")])
}

/// The settings of a connector with several tasks; the note makes one configuration differ from another.
pub(crate) fn fleet_connector(name: &str, note: &str) -> Properties {
    let pairs = [("name", name), ("connector.class", "Fake"), ("tasks.max", "4"), ("note", note)];
    Properties::from_pairs("test", pairs)
}

/// A worker's settings, where connectors are such ones.
pub(crate) fn config(
    properties: &Properties,
    environment: Environment,
) -> Result<WorkerConfig, ConfigErrors> {
    WorkerConfig::parse(&Fake::default(), properties, environment)
}

/// A worker of such connectors.
pub(crate) fn worker(runtime: &Handle) -> Worker {
    worker_with(&Properties::default(), runtime)
}

/// A worker of such connectors, with these settings.
pub(crate) fn worker_with(properties: &Properties, runtime: &Handle) -> Worker {
    worker_of(Fake::default(), properties, runtime)
}

/// A worker of such connectors, with these settings, whose maps this opens.
pub(crate) fn worker_with_maps(
    properties: &Properties,
    open_maps: Arc<OpenMaps>,
    runtime: &Handle,
) -> Worker {
    worker_of(Fake { open_maps }, properties, runtime)
}

fn worker_of(plugin: Fake, properties: &Properties, runtime: &Handle) -> Worker {
    let config = config(properties, Environment::default()).unwrap();
    Worker::new(Arc::new(plugin), config, None, runtime.clone())
}

/// Polls until `condition` holds; fails with `what` at the deadline.
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + Duration::from_secs(60);
    while !condition() {
        assert!(Instant::now() < end, "{what}");
        std::thread::park_timeout(Duration::from_millis(1));
    }
}
