//! The states of what this worker runs, in the status topic.
//!
//! They are compared with what stands there, again and again: what differs is written. So a state is right in the end,
//! whatever was written meanwhile by a worker that had the task before.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use coherence_kafka_connect::config::TargetState;

use super::member::Member;
use super::placement::{connector_partition, task_partition};
use super::record::Record;
use super::status_topic::{
    State as Reported, StatusRecord, TopicRecord, connector_status, task_status, topic_status,
};
use crate::herder::VERSION;
use crate::worker::{ConnectorStatus, TaskStatus};

/// How often the states are compared where nothing is known to have changed.
const PERIOD: Duration = Duration::from_millis(500);

/// How long a write, or reading it back, may take.
const STEP: Duration = Duration::from_secs(10);

/// How long a member that was frozen waits until it knows whether the group has given it up.
const DOUBT: Duration = Duration::from_secs(3);

impl Member {
    /// Reports states until the worker stops.
    pub(super) fn publish(self: &Arc<Self>) {
        let mut last = Instant::now();
        let mut doubted = None;
        loop {
            {
                let mut state = self.state.lock();
                if state.is_stopping {
                    return;
                }
                self.news.wait_for(&mut state, PERIOD);
            }
            let now = Instant::now();
            // The process stood still: others may have its tasks, and it does not know yet.
            if now - last > self.config.session / 2 {
                doubted = Some(now);
            }
            if doubted.is_none_or(|doubted| now - doubted > DOUBT) {
                doubted = None;
                self.retry();
                self.report(self.unreported());
            }
            // The time that Kafka took is not doubtful.
            last = Instant::now();
        }
    }

    /// Writes records to the status topic, and waits until they are read back.
    pub(super) fn report(&self, records: Vec<Record>) -> bool {
        let Some(log) = self.status_log.get().filter(|_| !records.is_empty()) else { return true };
        let records: Vec<_> = records.into_iter().map(Record::into_bytes).collect();
        let outcome = self.statuses.write(&records, STEP).map_err(|error| error.to_string());
        let outcome = outcome.and_then(|positions| {
            let mut read = positions.into_iter();
            read.try_for_each(|(partition, offset)| log.wait_for(partition, offset, STEP))
                .map_err(|error| error.to_string())
        });
        if let Err(error) = &outcome {
            tracing::warn!(%error, "states not reported in the status topic, trying again");
        }
        outcome.is_ok()
    }

    /// Returns the records by which the status topic differs from the states of what this worker has.
    fn unreported(&self) -> Vec<Record> {
        let connectors: Vec<_> = {
            let state = self.state.lock();
            if !state.is_member {
                return Vec::new();
            }
            let connectors = state.configs.connectors();
            connectors.map(|(name, configured)| (name.to_owned(), configured.clone())).collect()
        };
        let mut records = Vec::new();
        for (name, configured) in &connectors {
            // It is known, unless the connector has just been configured.
            let config = self.checked(name, configured);
            let running = self.worker.status(name);
            let topics =
                if self.worker.config().topic_tracking { self.worker.topics(name) } else { BTreeSet::new() };
            let state = self.state.lock();
            if state.is_pending(name) {
                // It is compared when it is settled.
                continue;
            }
            if state.has_connector(name) {
                let reported = match (&config, configured.target) {
                    (Err(reason), _) => self.status(Reported::Failed, Some(reason.clone())),
                    (Ok(_), TargetState::Running) => self.status(Reported::Running, None),
                    (Ok(_), TargetState::Paused) => self.status(Reported::Paused, None),
                    (Ok(_), TargetState::Stopped) => self.status(Reported::Stopped, None),
                };
                if !is_same(state.statuses.connector(name), &reported) {
                    records.push(connector_status(name, &reported));
                }
            }
            let tasks = match (&config, configured.target) {
                (Ok(config), TargetState::Running | TargetState::Paused) => config.connector.tasks(),
                _ => 0,
            };
            for number in (0..tasks).filter(|number| state.has_task(name, *number)) {
                let present = state.statuses.task(name, number);
                let reported = self.task(running.as_ref(), number, configured.target, present.is_some());
                if let Some(reported) = reported.filter(|reported| !is_same(present, reported)) {
                    records.push(task_status(name, number, &reported));
                }
            }
            let known: BTreeSet<&str> = state.statuses.topics(name).map(|(topic, _)| topic).collect();
            for topic in topics.iter().filter(|topic| !known.contains(topic.as_str())) {
                let task = running.iter().flat_map(|status| &status.tasks).map(|task| task.number).next();
                let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
                let discovered_ms = i64::try_from(now.as_millis()).unwrap_or(i64::MAX);
                let record = TopicRecord { task: task.unwrap_or_default().into(), discovered_ms };
                records.push(topic_status(name, topic, &record));
            }
        }
        records.extend(self.leftovers());
        records
    }

    /// Returns the state of a task that this worker has; none where it is starting, or has never started.
    fn task(
        &self,
        running: Option<&ConnectorStatus>,
        number: u32,
        target: TargetState,
        is_known: bool,
    ) -> Option<StatusRecord> {
        let of_number = |status: &&TaskStatus| status.number == number;
        if let Some(task) = running.and_then(|status| status.tasks.iter().find(of_number)) {
            let state = Reported::parse(task.state()).unwrap_or(Reported::Running);
            // A task that is to restart still has its failure, and the state of the restart.
            let failure = task.failure.as_ref().filter(|_| state == Reported::Failed);
            return Some(self.status(state, failure.map(ToString::to_string)));
        }
        if target == TargetState::Paused {
            return is_known.then(|| self.status(Reported::Paused, None));
        }
        let failure = running.and_then(|status| status.failure.clone())?;
        Some(self.status(Reported::Failed, Some(failure)))
    }

    fn status(&self, state: Reported, trace: Option<String>) -> StatusRecord {
        StatusRecord {
            state,
            trace,
            worker_id: self.worker_id.clone(),
            // Connect does not replace what stands there with a later generation than its own, and would not show a
            // failure after it has taken the topics back.
            generation: 0,
            version: Some(VERSION.to_owned()),
        }
    }

    /// Returns the tombstones of what no longer exists, of the connectors that this worker has.
    fn leftovers(&self) -> Vec<Record> {
        const LEFT_ALONE: Option<usize> = Some(usize::MAX);
        let state = self.state.lock();
        state.statuses.leftovers(|name| {
            if !state.has_connector(name) || state.is_pending(name) {
                return LEFT_ALONE;
            }
            let configured = state.configs.connector(name)?;
            match (state.config_of(name), configured.target) {
                (Some(_), TargetState::Stopped) => Some(0),
                (Some(config), _) => usize::try_from(config.connector.tasks()).ok(),
                // It cannot run.
                (None, _) => Some(0),
            }
        })
    }

    /// Reports that what belongs to these partitions is not running, where this worker was the last to report it.
    pub(super) fn report_unassigned(&self, partitions: &BTreeSet<u32>) {
        let records: Vec<Record> = {
            let state = self.state.lock();
            let is_own = |status: &StatusRecord| {
                status.worker_id == self.worker_id && status.state != Reported::Unassigned
            };
            let unassigned = self.status(Reported::Unassigned, None);
            let mut records = Vec::new();
            for (name, _) in state.configs.connectors() {
                let is_revoked = |partition: u32| partitions.contains(&partition);
                let own = state.statuses.connector(name).is_some_and(is_own);
                if own && is_revoked(connector_partition(name, state.partitions)) {
                    records.push(connector_status(name, &unassigned));
                }
                let tasks = state.statuses.tasks(name).filter(|(_, status)| is_own(status));
                let revoked =
                    tasks.filter(|(number, _)| is_revoked(task_partition(name, *number, state.partitions)));
                records.extend(revoked.map(|(number, _)| task_status(name, number, &unassigned)));
            }
            records
        };
        self.report(records);
    }
}

/// Whether a status says what is reported; the generation has no meaning here.
fn is_same(present: Option<&StatusRecord>, reported: &StatusRecord) -> bool {
    present.is_some_and(|present| {
        let StatusRecord { state, trace, worker_id, generation: _, version } = reported;
        (&present.state, &present.trace, &present.worker_id, &present.version)
            == (state, trace, worker_id, version)
    })
}
