//! The records of a change, in Connect's order.
//!
//! A Connect cluster that takes the topic over starts tasks from their records if the last `commit-` record of the
//! connector names them, even if its configuration has changed since. A worker here writes no records of tasks, so it
//! writes `commit-… {"tasks":0}` before it changes what the tasks depend on. Connect then makes the tasks itself. A
//! `commit-` record of more than 0 tasks without their records would leave the connector without tasks for good.

use std::collections::BTreeMap;

use coherence_kafka_connect::config::TargetState;
use serde_json::{Map, Value, json};

use super::{COMMIT, CONNECTOR, ConfigState, LOGGER, RESTART, RestartRequest, TARGET};
use crate::distributed::record::Record;

impl ConfigState {
    /// Returns the records that create a connector. Without a target, it has the one that stands in the topic, which is
    /// usually none: it runs.
    pub(crate) fn create(
        &self,
        name: &str,
        properties: &BTreeMap<String, String>,
        target: Option<TargetState>,
    ) -> Vec<Record> {
        let mut records = self.no_tasks(name);
        // First, so that no worker starts what shall not run.
        records.extend(target.map(|target| target_state(name, target)));
        records.push(connector(name, properties));
        records
    }

    /// Returns the records that give a connector a configuration. The one that it has already restarts it.
    pub(crate) fn configure(&self, name: &str, properties: &BTreeMap<String, String>) -> Vec<Record> {
        let record = connector(name, properties);
        let same = self
            .connector(name)
            .is_some_and(|present| present.fault.is_none() && connector(name, &present.properties) == record);
        let mut records = if same { Vec::new() } else { self.no_tasks(name) };
        records.push(record);
        records
    }

    /// Returns the records that pause, resume or stop a connector.
    pub(crate) fn change_target(&self, name: &str, target: TargetState) -> Vec<Record> {
        let stops = target == TargetState::Stopped;
        let mut records = if stops { self.no_tasks(name) } else { Vec::new() };
        records.push(target_state(name, target));
        records
    }

    /// Returns the records that delete a connector.
    pub(crate) fn delete(&self, name: &str) -> Vec<Record> {
        [CONNECTOR, TARGET].map(|prefix| Record::tombstone(format!("{prefix}{name}"))).into()
    }

    fn no_tasks(&self, name: &str) -> Vec<Record> {
        let record = || Record::new(format!("{COMMIT}{name}"), &json!({"tasks": 0}));
        self.tasks_are_committed(name).then(record).into_iter().collect()
    }
}

impl RestartRequest {
    /// Returns the record that asks for the restart.
    pub(crate) fn record(&self) -> Record {
        let mut value = json!({"include-tasks": self.include_tasks, "only-failed": self.only_failed});
        if let Some(task) = self.task {
            value["task"] = task.into();
        }
        Record::new(format!("{RESTART}{}", self.name), &value)
    }
}

/// Returns the record that sets a level for a logger of every worker.
pub(crate) fn logger_level(logger: &str, level: &str) -> Record {
    Record::new(format!("{LOGGER}{logger}"), &json!({"level": level}))
}

/// The connector's name is its last property, as Connect adds it to those of a request.
fn connector(name: &str, properties: &BTreeMap<String, String>) -> Record {
    let mut all: Map<String, Value> = Map::new();
    for (key, value) in properties.iter().filter(|(key, _)| *key != "name") {
        all.insert(key.clone(), value.as_str().into());
    }
    all.insert("name".to_owned(), name.into());
    Record::new(format!("{CONNECTOR}{name}"), &json!({"properties": all}))
}

/// A worker that knows only the member `state` pauses what shall be stopped.
fn target_state(name: &str, target: TargetState) -> Record {
    let (state, state_v2) = match target {
        TargetState::Running => ("STARTED", "STARTED"),
        TargetState::Paused => ("PAUSED", "PAUSED"),
        TargetState::Stopped => ("PAUSED", "STOPPED"),
    };
    Record::new(format!("{TARGET}{name}"), &json!({"state": state, "state.v2": state_v2}))
}
