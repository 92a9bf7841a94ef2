//! The source as a connector of a worker.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::Duration;

use coherence_kafka_common::map::Session;
use coherence_kafka_connect::config::def::PluginDesc;
use coherence_kafka_connect::config::{Checked, ConfigErrors, Properties, SessionConfig};
use coherence_kafka_connect::transform::Classes;
use coherence_kafka_rdkafka::settings::{ClientSettings, connection, producer};
use coherence_kafka_worker::config::connector::{read_shared, setting};
use coherence_kafka_worker::config::{RestartConfig, WorkerConfig, converters};
use coherence_kafka_worker::metrics::Sample;
use coherence_kafka_worker::{
    Connector, ConsumerGroup, Context, DeadLetterTopic, Description, Grids, Peers, Plugin, Progress, Task,
    TaskControl, TaskFailure, TaskSet, TaskState, Turn, grid_session,
};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::config::SourceConfig;
use crate::config::flat::Flat;
use crate::config::table::DESCRIPTION;
use crate::source::{self, Source, TOPIC_READERS};
use crate::status::{State, Status};
use crate::{check, metrics};

/// How often a task checks whether it is to stop.
const LOOK: Duration = Duration::from_millis(50);
/// How long a paused task rests, unless it is woken.
const PAUSED: Duration = Duration::from_secs(60);

/// The kind of connector that publishes maps to topics.
#[derive(Debug, Default)]
pub struct SourcePlugin;

impl Plugin for SourcePlugin {
    fn description(&self) -> &'static Description {
        &DESCRIPTION
    }

    fn plugins(&self) -> &[PluginDesc] {
        static PLUGINS: LazyLock<Vec<PluginDesc>> =
            LazyLock::new(|| converters().chain(Classes::default().descs()).collect());
        &PLUGINS
    }

    fn check_clients(&self, worker: &WorkerConfig, findings: &mut ConfigErrors) -> ClientSettings {
        if worker.has_embedded_broker() {
            let property = worker.properties().get("bootstrap.servers");
            let why = "embedded has no transactions, which a source publishes in: name a Kafka cluster";
            findings.error_at(property, "bootstrap.servers", why);
        }
        let mut found = ConfigErrors::default();
        let flat = Flat::of_worker(worker, &mut found);
        // A worker may leave its connectors to bring their own credentials.
        let mut of_connectors = ConfigErrors::default();
        producer(&flat.properties, &[], &mut of_connectors);
        of_connectors.errors.clear();
        findings.append(flat.as_written(of_connectors));
        findings.append(found);
        connection(&flat.properties).into_iter().collect()
    }

    fn check_shared(&self, worker: &WorkerConfig, findings: &mut ConfigErrors) {
        session(worker, findings);
    }

    fn connector(
        &self,
        worker: &WorkerConfig,
        properties: &Properties,
        findings: &mut ConfigErrors,
    ) -> Option<Arc<dyn Connector>> {
        let (config, restart) = SourceConfig::of_connector(worker, properties, findings);
        Some(Arc::new(SourceConnector { restart, config: Arc::new(config) }))
    }

    fn check_peers<'a>(
        &'a self,
        worker: &'a WorkerConfig,
        alone: bool,
        grids: &'a mut Grids,
        findings: &'a mut Checked,
    ) -> BoxFuture<'a, ()> {
        async move {
            if !alone {
                return;
            }
            // What is wrong with it has refused the worker.
            let session = session(worker, &mut ConfigErrors::default());
            let at = session.addresses.join(",");
            match grids.open(&session).await {
                Ok(_) => findings.good(format_args!("worker: grid at {at} reached")),
                Err(error) => findings.note(format_args!("worker: no grid is reachable at {at}: {error}")),
            }
        }
        .boxed()
    }
}

/// Returns the session that the worker's file makes for connectors that configure none.
fn session(worker: &WorkerConfig, findings: &mut ConfigErrors) -> SessionConfig {
    let values = read_shared(worker, &DESCRIPTION, findings);
    let none = Properties::default();
    let property = |key: &str| setting(worker, &DESCRIPTION, &none, key);
    SessionConfig::read(&values, property, worker.variables(), findings)
}

/// A source connector whose configuration is valid.
#[derive(Debug)]
pub struct SourceConnector {
    config: Arc<SourceConfig>,
    restart: RestartConfig,
}

impl SourceConnector {
    /// Returns its configuration.
    pub fn config(&self) -> &SourceConfig {
        &self.config
    }
}

impl Connector for SourceConnector {
    fn name(&self) -> &str {
        &self.config.name
    }

    /// One: the processes of a source elect one publisher of all its maps.
    fn tasks(&self) -> u32 {
        1
    }

    fn clients_of_task(&self) -> u64 {
        // The producers, the consumer of the control topic, and the readers of topics.
        self.config.maps.len().min(TOPIC_READERS) as u64 + 2
    }

    fn restart(&self) -> RestartConfig {
        self.restart
    }

    /// None: a source resumes from the comparison of its maps and topics, not from an offset.
    fn group(&self, _: &Context<'_>) -> Option<ConsumerGroup> {
        None
    }

    fn maps(&self, _: &BTreeSet<String>) -> BTreeSet<String> {
        self.config.maps.iter().map(|map| map.cache.clone()).collect()
    }

    fn open_maps(&self, context: &Context<'_>) -> Result<Arc<dyn Session>, String> {
        match grid_session(&self.config.session, context.runtime.clone()) {
            Ok(session) => Ok(Arc::new(session)),
            Err(error) => Err(error.to_string()),
        }
    }

    /// None: a source reports the entries that it cannot publish.
    fn dead_letters(&self, _: &Context<'_>) -> Option<DeadLetterTopic> {
        None
    }

    fn start(&self, context: &Context<'_>) -> Result<Arc<dyn TaskSet>, String> {
        let statuses = source::statuses(&self.config);
        let forgotten = Mutex::new(vec![0; statuses.len()]);
        let state = Arc::new(SourceState { statuses, restarts: AtomicU64::new(0), forgotten });
        Ok(Arc::new(SourceTasks { config: self.config.clone(), state, runtime: context.runtime.clone() }))
    }

    fn check<'a>(&'a self, _: &'a mut Peers, findings: &'a mut Checked) -> BoxFuture<'a, ()> {
        check::peers(&self.config, findings).boxed()
    }
}

#[derive(Clone)]
struct SourceTasks {
    config: Arc<SourceConfig>,
    state: Arc<SourceState>,
    runtime: Handle,
}

impl SourceTasks {
    fn source(&self) -> Result<Source, TaskFailure> {
        let _in_runtime = self.runtime.enter();
        Source::with((*self.config).clone(), self.state.statuses.clone())
            .map_err(|error| TaskFailure::new(error.to_string()))
    }
}

impl TaskSet for SourceTasks {
    fn task(&self, _: u32, control: TaskControl) -> Result<Box<dyn Task>, TaskFailure> {
        Ok(Box::new(SourceTask { first: Some(self.source()?), tasks: self.clone(), control }))
    }

    fn state(&self, _: u32) -> Arc<dyn TaskState> {
        self.state.clone()
    }

    fn on_ended(&self) {}
}

/// A paused source has no session and leads no group: what changes meanwhile is found by the comparison with which
/// each run begins.
struct SourceTask {
    /// The source of the first run.
    first: Option<Source>,
    tasks: SourceTasks,
    control: TaskControl,
}

impl Task for SourceTask {
    /// While it publishes it keeps the thread of its turn.
    fn turn(mut self: Box<Self>) -> Turn {
        let runtime = self.tasks.runtime.clone();
        while !self.control.is_stopping() {
            if self.control.is_pausing() {
                self.control.set_paused(true);
                return Turn::Rest(self, PAUSED);
            }
            self.control.set_paused(false);
            let source = self.first.take().map_or_else(|| self.tasks.source(), Ok);
            if let Err(failure) = source.and_then(|source| runtime.block_on(run(&source, &self.control))) {
                return Turn::Ended(Err(failure));
            }
        }
        Turn::Ended(Ok(()))
    }
}

/// Publishes until the task is to stop or to pause.
async fn run(source: &Source, control: &TaskControl) -> Result<(), TaskFailure> {
    let stopped = CancellationToken::new();
    let watch = async {
        while !control.is_stopping() && !control.is_pausing() {
            tokio::time::sleep(LOOK).await;
        }
        stopped.cancel();
        std::future::pending::<()>().await;
    };
    tokio::select! {
        ended = source.run(&stopped, false) => ended.map_err(|error| TaskFailure::new(error.to_string())),
        () = watch => Ok(()),
    }
}

/// What the task of a connector has done.
#[derive(Debug)]
struct SourceState {
    statuses: Vec<Arc<Status>>,
    restarts: AtomicU64,
    /// How many records each map had published when the topics were last forgotten.
    forgotten: Mutex<Vec<u64>>,
}

impl TaskState for SourceState {
    fn on_restart(&self) {
        self.restarts.fetch_add(1, Ordering::Relaxed);
    }

    fn topics(&self) -> Vec<String> {
        let forgotten = self.forgotten.lock();
        let published =
            self.statuses.iter().zip(forgotten.iter()).filter(|(status, n)| status.records.now() > **n);
        published.map(|(status, _)| status.topic.clone()).collect()
    }

    fn forget_topics(&self) {
        *self.forgotten.lock() = self.statuses.iter().map(|status| status.records.now()).collect();
    }

    fn samples(&self) -> Vec<Sample> {
        let mut samples: Vec<_> = self.statuses.iter().flat_map(|status| metrics::samples(status)).collect();
        samples.push(metrics::restarts(self.restarts.load(Ordering::Relaxed)));
        samples
    }

    fn progress(&self) -> Progress {
        let sum = |read: fn(&Status) -> u64| self.statuses.iter().map(|status| read(status)).sum();
        let away = |status: &&Arc<Status>| {
            matches!(status.state(), State::GridAway | State::KafkaAway | State::RegistryAway)
        };
        Progress {
            records: sum(|status| status.acknowledged.now()),
            lag: Some(sum(|status| u64::try_from(status.in_flight.now()).unwrap_or(0))),
            counts: vec![("compared", sum(|status| status.scanned.now()))],
            errors: sum(|status| status.refused.now()),
            waits: self
                .statuses
                .iter()
                .find(away)
                .map(|status| format!("{}: {}", status.map, status.state().name())),
        }
    }
}

#[cfg(test)]
mod tests;
