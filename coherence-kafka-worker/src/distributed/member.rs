//! This worker as a member of its cluster: what it knows, and the tasks that it runs because of it.
//!
//! ```text
//! configuration topic ─┐
//! status topic ────────┼─► State ─► touch(connector) ─► its share of the connector ─► Worker::run_share
//! group ───────────────┘      └───► publish.rs: the states of its shares ─► status topic
//! ```
//!
//! Nothing is done because of an event alone: an event marks a connector, and what runs of it is brought to what the state
//! is then. So an event that comes twice, late or together with others has the same result.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

use coherence_kafka_connect::config::Properties;
use coherence_kafka_rdkafka::membership::{Listener, Membership, Refusal};
use coherence_kafka_rdkafka::topic_log::{LogRecord, TopicLog};
use coherence_kafka_rdkafka::topic_writer::{ExclusiveWriter, TopicWriter};
use parking_lot::{Condvar, Mutex};

use super::config_topic::{Applied, ConfigState, Configured, RestartRequest};
use super::placement::{connector_partition, task_partition};
use super::status_topic::{StatusState, connector_of_topic};
use crate::config::DistributedConfig;
use crate::herder::set_level;
use crate::load::ConnectorConfig;
use crate::worker::{CreateError, Share, Worker};

/// How long the tasks may take, in addition to the time in which they have to end, until the group gets them back.
const ENDING: Duration = Duration::from_secs(5);

/// A worker of a cluster.
pub(crate) struct Member {
    pub(super) worker: Arc<Worker>,
    pub(super) worker_id: String,
    pub(super) config: DistributedConfig,
    pub(super) state: Mutex<State>,
    /// What runs of a connector is what it is to be.
    settled: Condvar,
    /// Something may have changed that others are to know.
    pub(super) news: Condvar,
    pub(super) changes: Mutex<ExclusiveWriter>,
    pub(super) statuses: TopicWriter,
    /// Set once they are open.
    pub(super) config_log: OnceLock<TopicLog>,
    pub(super) status_log: OnceLock<TopicLog>,
    pub(super) membership: OnceLock<Membership>,
}

#[derive(Default)]
pub(super) struct State {
    pub(super) configs: ConfigState,
    pub(super) statuses: StatusState,
    /// Of the offset topic.
    pub(super) partitions: u32,
    /// Those that this worker has.
    pub(super) held: BTreeSet<u32>,
    pub(super) is_member: bool,
    /// Why the group does not accept it.
    pub(super) refusal: Option<String>,
    /// The logs have been read to the ends that they had at the start: requests in them are meant for this worker.
    pub(super) is_live: bool,
    /// The connectors, checked.
    checked: BTreeMap<String, Checked>,
    /// The connectors that are being brought to what they are to be, and whether that has changed meanwhile.
    pending: BTreeMap<String, bool>,
    /// Those where that has failed and is tried again.
    retries: BTreeSet<String>,
    /// What a change waits for whose outcome is not known.
    pub(super) watched: Watched,
    pub(super) is_stopping: bool,
}

impl State {
    /// Whether this worker answers for the state of a connector.
    pub(super) fn has_connector(&self, name: &str) -> bool {
        self.held.contains(&connector_partition(name, self.partitions))
    }

    /// Whether this worker is to run a task of a connector.
    pub(super) fn has_task(&self, name: &str, number: u32) -> bool {
        self.held.contains(&task_partition(name, number, self.partitions))
    }

    /// Whether a connector is being brought to what it is to be.
    pub(super) fn is_pending(&self, name: &str) -> bool {
        self.pending.contains_key(name)
    }

    /// Returns the configuration of a connector that has been looked at and can run.
    pub(super) fn config_of(&self, name: &str) -> Option<&ConnectorConfig> {
        self.checked.get(name)?.config.as_ref().ok()
    }
}

/// The last record of a write whose outcome is not known.
#[derive(Debug, Default)]
pub(super) struct Watched {
    pub(super) key: Vec<u8>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) seen: bool,
}

/// A connector of the configuration topic that this worker has looked at.
#[derive(Clone)]
struct Checked {
    properties: BTreeMap<String, String>,
    /// Or why it cannot run.
    config: Result<ConnectorConfig, String>,
}

impl std::fmt::Debug for Member {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Member").field("worker_id", &self.worker_id).finish_non_exhaustive()
    }
}

impl Member {
    pub(super) fn new(
        worker: Arc<Worker>,
        worker_id: String,
        config: DistributedConfig,
        changes: ExclusiveWriter,
        statuses: TopicWriter,
    ) -> Arc<Self> {
        Arc::new(Self {
            worker,
            worker_id,
            config,
            state: Mutex::default(),
            settled: Condvar::new(),
            news: Condvar::new(),
            changes: Mutex::new(changes),
            statuses,
            config_log: OnceLock::new(),
            status_log: OnceLock::new(),
            membership: OnceLock::new(),
        })
    }

    /// Takes a record of the configuration topic.
    pub(super) fn take_config(self: &Arc<Self>, record: &LogRecord<'_>) {
        let (applied, is_live) = {
            let mut state = self.state.lock();
            let applied = state.configs.apply(record.key, record.value);
            if let Applied::Removed(name) = &applied {
                state.checked.remove(name);
            }
            (applied, state.is_live)
        };
        self.changes_seen(record);
        match applied {
            Applied::Nothing => {}
            Applied::Configured(name) => {
                self.check_again(&name);
                self.touch(&name);
            }
            Applied::Removed(name) | Applied::Target(name) => self.touch(&name),
            Applied::Restart { request, warning } if is_live => {
                if let Some(warning) = warning {
                    tracing::warn!(connector = request.name, "{warning}");
                }
                self.restart(&request);
            }
            Applied::LoggerLevel { logger, level } if is_live => drop(set_level(&logger, level)),
            Applied::Restart { .. } | Applied::LoggerLevel { .. } => {}
            Applied::Ignored(reason) => {
                let topic = &self.config.config.name;
                tracing::warn!(topic, offset = record.offset, "record ignored: {reason}");
            }
        }
    }

    /// Takes a record of the status topic.
    pub(super) fn take_status(&self, record: &LogRecord<'_>) {
        if record.value.is_none()
            && let Some(connector) = record.key.and_then(connector_of_topic)
        {
            // Before the topics are missing from what this worker knows, or it would report them again.
            self.worker.forget_topics(connector);
        }
        if let Some(reason) = self.state.lock().statuses.apply(record.key, record.value) {
            let (topic, partition) = (&self.config.status.name, record.partition);
            tracing::warn!(topic, partition, offset = record.offset, "record ignored: {reason}");
        }
    }

    /// A connector that could not run is looked at again: files that it names may have changed.
    fn check_again(&self, name: &str) {
        let mut state = self.state.lock();
        if state.checked.get(name).is_some_and(|checked| checked.config.is_err()) {
            state.checked.remove(name);
        }
    }

    fn restart(self: &Arc<Self>, request: &RestartRequest) {
        let name = &request.name;
        self.check_again(name);
        // What is not running, or is starting, is begun by this.
        self.touch(name);
        let outcome = match request.task {
            Some(number) => self.worker.restart_task(name, number),
            None if request.include_tasks => self.worker.restart_tasks(name, request.only_failed).map(|_| ()),
            None => Ok(()),
        };
        if outcome.is_ok() {
            self.news.notify_all();
        }
    }

    /// Brings what runs of a connector to what it is to be, on a thread of its own.
    pub(super) fn touch(self: &Arc<Self>, name: &str) {
        {
            let mut state = self.state.lock();
            // Before that, what is to run is not known.
            if !state.is_live {
                return;
            }
            state.retries.remove(name);
            if let Some(again) = state.pending.get_mut(name) {
                *again = true;
                return;
            }
            state.pending.insert(name.to_owned(), false);
        }
        let (member, name) = (self.clone(), name.to_owned());
        self.worker.runtime().spawn_blocking(move || member.settle(&name));
    }

    fn settle(&self, name: &str) {
        loop {
            let outcome = self.worker.run_share(name, self.share(name));
            let mut state = self.state.lock();
            let again = state.pending.get_mut(name).is_some_and(std::mem::take);
            if again {
                continue;
            }
            match outcome {
                Ok(()) | Err(CreateError::Stopping) => {}
                Err(error) => {
                    // What has not ended may have when it is tried again.
                    if matches!(error, CreateError::NotEnded { .. } | CreateError::Conflict) {
                        state.retries.insert(name.to_owned());
                    }
                    tracing::error!(connector = name, %error, "tasks of the connector not started");
                }
            }
            state.pending.remove(name);
            break;
        }
        self.settled.notify_all();
        self.news.notify_all();
    }

    /// Tries again what has failed and may succeed without a change.
    pub(super) fn retry(self: &Arc<Self>) {
        let retries = std::mem::take(&mut self.state.lock().retries);
        retries.iter().for_each(|name| self.touch(name));
    }

    /// Returns what this worker is to run of a connector.
    fn share(&self, name: &str) -> Option<Share> {
        let configured = self.state.lock().configs.connector(name)?.clone();
        let config = self.checked(name, &configured).ok()?;
        let state = self.state.lock();
        let tasks = (0..config.connector.tasks()).filter(|number| state.has_task(name, *number)).collect();
        Some(Share { config, target: configured.target, tasks })
    }

    /// Checks a connector of the configuration topic, once. Reads files that it names.
    ///
    /// # Errors
    /// Why it cannot run.
    pub(super) fn checked(&self, name: &str, configured: &Configured) -> Result<ConnectorConfig, String> {
        if let Some(fault) = &configured.fault {
            return Err(fault.clone());
        }
        let known = self.state.lock().checked.get(name).cloned();
        if let Some(known) = known.filter(|known| known.properties == configured.properties) {
            return known.config;
        }
        // A topic that was taken over may have another name in them, or none: the key counts, as in Connect.
        let mut settings = configured.properties.clone();
        settings.insert("name".to_owned(), name.to_owned());
        let properties = Properties::from_pairs("configuration topic", settings);
        let config = ConnectorConfig::of_request(self.worker.plugin(), self.worker.config(), &properties)
            .map(|config| ConnectorConfig { raw: configured.properties.clone(), ..config })
            .map_err(|errors| errors.to_string());
        match &config {
            Ok(config) => {
                for warning in &config.warnings {
                    tracing::warn!(connector = name, "configuration: {warning}");
                }
            }
            Err(error) => tracing::error!(connector = name, %error, "connector cannot run"),
        }
        let properties = configured.properties.clone();
        self.state.lock().checked.insert(name.to_owned(), Checked { properties, config: config.clone() });
        config
    }

    /// Waits until what runs of these connectors is what it is to be. Returns those where it is not in time.
    fn await_settled(&self, names: &[String], deadline: Instant) -> Vec<String> {
        let mut state = self.state.lock();
        let left = |state: &State| {
            let left = names.iter().filter(|name| state.pending.contains_key(*name));
            left.cloned().collect::<Vec<_>>()
        };
        while !left(&state).is_empty() && !self.settled.wait_until(&mut state, deadline).timed_out() {}
        left(&state)
    }

    fn names(&self) -> Vec<String> {
        self.state.lock().configs.connectors().map(|(name, _)| name.to_owned()).collect()
    }

    /// Called when the logs have been read to the ends that they had at the start.
    pub(super) fn go_live(self: &Arc<Self>, partitions: u32) {
        {
            let mut state = self.state.lock();
            (state.is_live, state.partitions) = (true, partitions);
        }
        self.names().iter().for_each(|name| self.touch(name));
    }

    /// Counts a change of what this worker has.
    fn rebalanced(&self, partitions: usize) {
        let generation = self.membership.get().and_then(Membership::generation);
        self.worker.rebalances().complete(partitions, generation);
    }

    /// Leaves the group: its tasks end, and others have them then. It runs none afterwards.
    pub(crate) fn leave(&self) {
        self.state.lock().is_stopping = true;
        self.news.notify_all();
        if let Some(membership) = self.membership.get()
            && !membership.leave(self.worker.patience() + 2 * ENDING)
        {
            tracing::warn!(
                "the group is not left in time; its other members wait for the end of the session"
            );
        }
    }
}

/// What the group notifies a member of.
pub(super) struct OfGroup(pub(super) Arc<Member>);

fn numbers(partitions: &[i32]) -> impl Iterator<Item = u32> {
    partitions.iter().filter_map(|partition| u32::try_from(*partition).ok())
}

impl OfGroup {
    /// Touches the connectors, now that other partitions are held.
    fn touch_all(&self) -> Vec<String> {
        let names = self.0.names();
        names.iter().for_each(|name| self.0.touch(name));
        self.0.news.notify_all();
        names
    }
}

impl Listener for OfGroup {
    fn assigned(&mut self, partitions: &[i32]) {
        let (first, held) = {
            let mut state = self.0.state.lock();
            let first = !state.is_member;
            (state.is_member, state.refusal) = (true, None);
            state.held.extend(numbers(partitions));
            (first, state.held.len())
        };
        self.0.rebalanced(held);
        let group = &self.0.config.group_id;
        if first {
            tracing::info!(group, partitions = held, "group of workers joined");
            self.0.worker.set_ready();
        } else {
            tracing::info!(group, added = partitions.len(), partitions = held, "partitions assigned");
        }
        self.touch_all();
    }

    fn revoked(&mut self, partitions: &[i32]) {
        self.0.worker.rebalances().begin();
        let revoked: BTreeSet<u32> = numbers(partitions).collect();
        let held = {
            let mut state = self.0.state.lock();
            state.held.retain(|partition| !revoked.contains(partition));
            state.held.len()
        };
        let group = &self.0.config.group_id;
        tracing::info!(
            group,
            removed = revoked.len(),
            partitions = held,
            "partitions revoked, their tasks end"
        );
        let names = self.touch_all();
        let left = self.0.await_settled(&names, Instant::now() + self.0.worker.patience() + ENDING);
        if !left.is_empty() {
            tracing::error!(
                connectors = left.join(", "),
                "tasks of revoked partitions have not ended in time, other workers start them"
            );
        }
        self.0.report_unassigned(&revoked);
        self.0.rebalanced(held);
    }

    fn lost(&mut self, partitions: &[i32]) {
        {
            let mut state = self.0.state.lock();
            state.is_member = false;
            state.held.clear();
        }
        self.0.worker.rebalances().lose();
        let group = &self.0.config.group_id;
        tracing::warn!(
            group,
            partitions = partitions.len(),
            "membership in the group of workers lost, tasks end; the worker joins again by itself"
        );
        self.touch_all();
    }

    fn refused(&mut self, reason: Refusal) {
        let group = &self.0.config.group_id;
        tracing::warn!(group, %reason, "group of workers not joined, trying again");
        let reason = match reason {
            Refusal::OtherProtocol => format!(
                "group {group} has members of another kind, such as a running Kafka Connect cluster: stop them; this \
                 worker joins by itself then"
            ),
            reason => format!("group {group} is not joined: {reason}"),
        };
        self.0.state.lock().refusal = Some(reason);
        self.0.news.notify_all();
    }
}
