//! The status topic: what the workers report of connectors and tasks, so that every worker answers for all.
//!
//! ```text
//! records ─► StatusState::apply ─► statuses of connectors and tasks, topics that connectors use
//! a status ─► connector_status, task_status ─► its record
//! ```
//!
//! The records are Connect's. The topic has several partitions, and only the records of one key have an order. So each
//! record counts for its key alone, and the last one of a key counts, also after compaction. Connect deviates twice:
//!
//! * When it reads that a connector was deleted, it forgets the statuses of the tasks, also those of a connector that
//!   was created again in the meantime.
//! * It skips `UNASSIGNED` of a task after `RUNNING` of the same or a later generation, because the former owner may have
//!   written it too late. Workers that start after compaction read only the late record. Here the worker that has the
//!   task reads the late record, and writes the status again.

use std::collections::BTreeMap;

use coherence_kafka_connect::config::json::{Members, members};
use serde_json::json;

use super::record::{Json, Record, integer, member, shown, text};

#[cfg(test)]
mod tests;

const CONNECTOR: &str = "status-connector-";
const TASK: &str = "status-task-";
const TOPIC: &str = "status-topic-";
/// Between a topic and a connector; the name of a topic contains no colon.
const OF_CONNECTOR: &str = ":connector-";

/// The state of a connector or of a task, as it stands in the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum State {
    Running,
    Paused,
    /// Of connectors only.
    Stopped,
    Failed,
    Unassigned,
    Restarting,
}

const STATES: [(State, &str); 6] = [
    (State::Running, "RUNNING"),
    (State::Paused, "PAUSED"),
    (State::Stopped, "STOPPED"),
    (State::Failed, "FAILED"),
    (State::Unassigned, "UNASSIGNED"),
    (State::Restarting, "RESTARTING"),
];

impl State {
    /// Reads Connect's name of a state.
    pub(crate) fn parse(name: &str) -> Option<Self> {
        STATES.iter().find(|(_, known)| *known == name).map(|(state, _)| *state)
    }

    /// Returns its name in Connect.
    pub(crate) fn name(self) -> &'static str {
        STATES.iter().find(|(state, _)| *state == self).map_or("UNASSIGNED", |(_, name)| name)
    }
}

/// The status of a connector or of a task.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct StatusRecord {
    /// Its state.
    pub(crate) state: State,
    /// Why it failed.
    pub(crate) trace: Option<String>,
    /// The worker that reports it: host and port of its REST interface.
    pub(crate) worker_id: String,
    /// The generation of the group of workers, as that worker knew it.
    pub(crate) generation: i64,
    /// The version of the plugin.
    pub(crate) version: Option<String>,
}

/// A topic that a connector uses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct TopicRecord {
    /// The task that met it.
    pub(crate) task: i64,
    /// When, in milliseconds since 1970.
    pub(crate) discovered_ms: i64,
}

/// What the status topic contains, as far as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct StatusState {
    connectors: BTreeMap<String, StatusRecord>,
    tasks: BTreeMap<String, BTreeMap<u32, StatusRecord>>,
    topics: BTreeMap<String, BTreeMap<String, TopicRecord>>,
}

impl StatusState {
    /// Returns the status of a connector.
    pub(crate) fn connector(&self, name: &str) -> Option<&StatusRecord> {
        self.connectors.get(name)
    }

    /// Returns the statuses of the tasks of a connector, by their numbers.
    pub(crate) fn tasks(&self, name: &str) -> impl Iterator<Item = (u32, &StatusRecord)> {
        self.tasks.get(name).into_iter().flatten().map(|(number, status)| (*number, status))
    }

    /// Returns the status of a task.
    pub(crate) fn task(&self, name: &str, number: u32) -> Option<&StatusRecord> {
        self.tasks.get(name)?.get(&number)
    }

    /// Returns the topics that a connector uses, by name.
    pub(crate) fn topics(&self, name: &str) -> impl Iterator<Item = (&str, &TopicRecord)> {
        self.topics.get(name).into_iter().flatten().map(|(topic, record)| (topic.as_str(), record))
    }

    /// Takes in the next record of a partition. Returns the reason if it is ignored.
    pub(crate) fn apply(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Option<String> {
        self.read(key, value).err()
    }

    fn read(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<(), String> {
        let invalid = |of: &str| format!("Discarding record with invalid {of}key {}", shown(key));
        let name = key.and_then(|key| str::from_utf8(key).ok()).ok_or_else(|| invalid(""))?;
        if let Some(connector) = name.strip_prefix(CONNECTOR) {
            if connector.is_empty() {
                return Err(invalid("connector status "));
            }
            let status = value.map(|value| read_status(value, "connector")).transpose()?;
            replace(&mut self.connectors, connector.to_owned(), status);
        } else if let Some(task) = name.strip_prefix(TASK) {
            let task = task.rsplit_once('-').and_then(|(name, number)| Some((name, number.parse().ok()?)));
            let (connector, number) = task.ok_or_else(|| invalid("task status "))?;
            let failed = |reason| format!("Failed to parse task status with key {name}: {reason}");
            let status = value.map(|value| read_status(value, "task")).transpose().map_err(failed)?;
            within(&mut self.tasks, connector, |tasks| replace(tasks, number, status));
        } else if let Some(topic) = name.strip_prefix(TOPIC) {
            let parts = topic.split_once(OF_CONNECTOR);
            let parts = parts.filter(|(topic, connector)| !topic.is_empty() && !connector.is_empty());
            let (topic, connector) = parts.ok_or_else(|| invalid("topic status "))?;
            let failed = || format!("Failed to parse topic status with key {name}");
            let record = value.map(|value| read_topic(value).ok_or_else(failed)).transpose()?;
            within(&mut self.topics, connector, |topics| {
                match record {
                    Some(record) => topics.insert(topic.to_owned(), record),
                    None => topics.remove(topic),
                };
            });
        } else {
            return Err(invalid(""));
        }
        Ok(())
    }

    /// Returns the tombstones of all that stands in the topic about a connector.
    pub(crate) fn tombstones(&self, name: &str) -> Vec<Record> {
        let topics = self.topics(name).map(|(topic, _)| topic_key(name, topic));
        let tasks = self.tasks(name).map(|(number, _)| task_key(name, number));
        let connector = self.connector(name).map(|_| connector_key(name));
        topics.chain(tasks).chain(connector).map(Record::tombstone).collect()
    }

    /// Returns the tombstones of what stands in the topic about connectors that do not exist, and about tasks that
    /// existing connectors do not have. `tasks` returns the number of tasks of a connector, and `None` if it does not
    /// exist.
    pub(crate) fn leftovers(&self, tasks: impl Fn(&str) -> Option<usize>) -> Vec<Record> {
        let mut names: Vec<&String> =
            self.connectors.keys().chain(self.tasks.keys()).chain(self.topics.keys()).collect();
        names.sort_unstable();
        names.dedup();
        let leftovers = names.into_iter().flat_map(|name| match tasks(name) {
            None => self.tombstones(name),
            Some(count) => self
                .tasks(name)
                .filter(|(number, _)| usize::try_from(*number).is_ok_and(|number| number >= count))
                .map(|(number, _)| Record::tombstone(task_key(name, number)))
                .collect(),
        });
        leftovers.collect()
    }
}

/// Returns the record of the status of a connector.
pub(crate) fn connector_status(name: &str, status: &StatusRecord) -> Record {
    Record::new(connector_key(name), &status_json(status))
}

/// Returns the record of the status of a task.
pub(crate) fn task_status(name: &str, number: u32, status: &StatusRecord) -> Record {
    Record::new(task_key(name, number), &status_json(status))
}

/// Returns the record of a topic that a connector uses.
pub(crate) fn topic_status(name: &str, topic: &str, record: &TopicRecord) -> Record {
    let TopicRecord { task, discovered_ms } = record;
    let value = json!({
        "topic": {"name": topic, "connector": name, "task": task, "discoverTimestamp": discovered_ms},
    });
    Record::new(topic_key(name, topic), &value)
}

/// Returns the tombstones of topics that a connector uses.
pub(crate) fn topic_tombstones<'t>(name: &str, topics: impl Iterator<Item = &'t str>) -> Vec<Record> {
    topics.map(|topic| Record::tombstone(topic_key(name, topic))).collect()
}

/// Returns the connector that a record with this key has a topic of, if it is such a record.
pub(crate) fn connector_of_topic(key: &[u8]) -> Option<&str> {
    let topic = str::from_utf8(key).ok()?.strip_prefix(TOPIC)?;
    topic.split_once(OF_CONNECTOR).map(|(_, connector)| connector)
}

fn connector_key(name: &str) -> String {
    format!("{CONNECTOR}{name}")
}

fn task_key(name: &str, number: u32) -> String {
    format!("{TASK}{name}-{number}")
}

fn topic_key(name: &str, topic: &str) -> String {
    format!("{TOPIC}{topic}{OF_CONNECTOR}{name}")
}

fn status_json(status: &StatusRecord) -> serde_json::Value {
    let StatusRecord { state, trace, worker_id, generation, version } = status;
    json!({
        "state": state.name(),
        "trace": trace,
        "worker_id": worker_id,
        "generation": generation,
        "version": version,
    })
}

fn replace<K: Ord>(statuses: &mut BTreeMap<K, StatusRecord>, key: K, status: Option<StatusRecord>) {
    match status {
        Some(status) => drop(statuses.insert(key, status)),
        None => drop(statuses.remove(&key)),
    }
}

/// Changes what is known of a connector; of one of which nothing is known, no entry remains.
fn within<K: Ord, V>(
    of: &mut BTreeMap<String, BTreeMap<K, V>>,
    connector: &str,
    change: impl FnOnce(&mut BTreeMap<K, V>),
) {
    let mut inner = of.remove(connector).unwrap_or_default();
    change(&mut inner);
    if !inner.is_empty() {
        of.insert(connector.to_owned(), inner);
    }
}

fn read_status(value: &[u8], of: &str) -> Result<StatusRecord, String> {
    let failed = |reason: &str| format!("Failed to deserialize {of} status: {reason}");
    let record = match Json::read(value) {
        Some(Json::Object(record)) => record,
        Some(Json::Other(class)) => return Err(format!("Invalid {of} status type class {class}")),
        Some(Json::Null) => return Err(failed("the value is null")),
        None => return Err(failed("the value is not JSON")),
    };
    let optional = |name: &str| match member(&record, name) {
        None | Some("null") => Ok(None),
        Some(_) => text(&record, name).map(Some).ok_or_else(|| failed(&format!("{name} is not a text"))),
    };
    let state = optional("state")?.and_then(|state| State::parse(&state));
    Ok(StatusRecord {
        state: state.ok_or_else(|| failed("state is unknown"))?,
        trace: optional("trace")?,
        worker_id: optional("worker_id")?.unwrap_or_default(),
        generation: integer(&record, "generation").ok_or_else(|| failed("generation is not an integer"))?,
        version: optional("version")?,
    })
}

fn read_topic(value: &[u8]) -> Option<TopicRecord> {
    let Json::Object(record) = Json::read(value)? else { return None };
    let topic: Members<'_> = members(member(&record, "topic")?).ok()??;
    Some(TopicRecord { task: integer(&topic, "task")?, discovered_ms: integer(&topic, "discoverTimestamp")? })
}
