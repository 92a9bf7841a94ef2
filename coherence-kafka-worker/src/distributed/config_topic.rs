//! The configuration topic: connectors, the states they shall have, and orders to all workers.
//!
//! ```text
//! records in their order ─► ConfigState::apply ─► connectors, and what the record asks for
//! a change of a connector ─► ConfigState::create, configure, … ─► records
//! ```
//!
//! The topic is Connect's: a stopped Connect cluster can be replaced by this worker, and the reverse. So this module
//! accepts what Connect 4.3.1 accepts, and ignores what Connect ignores, with Connect's words. Records that end a
//! worker of Connect or hide other records from it are ignored too.
//!
//! Tasks follow from the configuration of their connector, so the `task-` records of Connect are not used. The last
//! `commit-` record of a connector matters to a Connect cluster that takes the topic over: see
//! [`ConfigState::configure`].
//!
//! One deviation: Connect accepts a key that is not UTF-8, with replaced bytes in the name. No request could change
//! such a connector, so its record is ignored.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

use coherence_kafka_connect::config::TargetState;
use coherence_kafka_connect::config::json::{Members, members};

use super::record::{Json, class, integer, member, shown, text};
use crate::loggers::Level;

mod builders;
mod checks;
#[cfg(test)]
mod tests;

pub(crate) use builders::logger_level;

const CONNECTOR: &str = "connector-";
const TARGET: &str = "target-state-";
const TASK: &str = "task-";
const COMMIT: &str = "commit-";
const RESTART: &str = "restart-connector-";
const FENCING: &str = "tasks-fencing-";
const LOGGER: &str = "logger-cluster-";
const SESSION_KEY: &str = "session-key";

/// Connect's words for a value that is not JSON.
const NOT_JSON: &str = "Failed to convert config data to Kafka Connect format: the value is not JSON";
/// Connect's words for a number of tasks that is none.
const NOT_INTEGER: &str = "Expected integer value to be either Integer or Long";

/// What a record changed or asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Applied {
    /// Nothing that concerns this worker.
    Nothing,
    /// The connector of this name is new or has a new configuration, which may equal the former one.
    Configured(String),
    /// The connector of this name was deleted.
    Removed(String),
    /// The connector of this name shall have another state.
    Target(String),
    /// An existing connector shall restart. Only a record counts that was written after the worker has started.
    Restart {
        /// What shall restart.
        request: RestartRequest,
        /// Which of its members are wrong and count as `false`.
        warning: Option<String>,
    },
    /// A logger of every worker shall have this level. Only a record counts that was written after the worker has
    /// started.
    LoggerLevel {
        /// Its name.
        logger: String,
        /// The level.
        level: Level,
    },
    /// The record is ignored, for this reason.
    Ignored(String),
}

/// A request to restart a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RestartRequest {
    /// The name of the connector.
    pub(crate) name: String,
    /// Its tasks restart too.
    pub(crate) include_tasks: bool,
    /// Only what has failed restarts.
    pub(crate) only_failed: bool,
    /// Only the task of this number restarts. The member `task` is this project's: workers of Connect ask each other
    /// over REST to restart a task, and ignore the member.
    pub(crate) task: Option<u32>,
}

/// A connector of the topic. `Debug` shows no values of its configuration: there may be passwords among them.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Configured {
    /// Its configuration. Values that are no texts are here as they are written, so that a client that sends back what
    /// it has read repairs the connector; nulls are left out.
    pub(crate) properties: BTreeMap<String, String>,
    /// Why it cannot start: values that are no texts.
    pub(crate) fault: Option<String>,
    /// The state that it shall have.
    pub(crate) target: TargetState,
}

impl fmt::Debug for Configured {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Configured")
            .field("properties", &self.properties.keys())
            .field("fault", &self.fault)
            .field("target", &self.target)
            .finish()
    }
}

/// What the configuration topic contains, as far as it was read.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct ConfigState {
    connectors: BTreeMap<String, Configured>,
    /// By connector, also by those that have no record yet.
    targets: BTreeMap<String, TargetState>,
    /// The connectors whose last `commit-` record is not `{"tasks":0}`.
    committed: BTreeSet<String>,
}

impl ConfigState {
    /// Returns a connector.
    pub(crate) fn connector(&self, name: &str) -> Option<&Configured> {
        self.connectors.get(name)
    }

    /// Returns the connectors, by name.
    pub(crate) fn connectors(&self) -> impl Iterator<Item = (&str, &Configured)> {
        self.connectors.iter().map(|(name, connector)| (name.as_str(), connector))
    }

    /// Returns the state that a connector of this name has, or would have if it were created.
    pub(crate) fn target_of(&self, name: &str) -> TargetState {
        self.targets.get(name).copied().unwrap_or_default()
    }

    /// Whether a Connect cluster that takes the topic over may start tasks from their records.
    pub(crate) fn tasks_are_committed(&self, name: &str) -> bool {
        self.committed.contains(name)
    }

    /// Takes in the next record of the topic.
    pub(crate) fn apply(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Applied {
        self.read(key, value).unwrap_or_else(Applied::Ignored)
    }

    fn read(&mut self, key: Option<&[u8]>, value: Option<&[u8]>) -> Result<Applied, String> {
        // Connect reads a value of 0 bytes as null.
        let value = match value {
            None | Some([]) => Json::Null,
            Some(value) => Json::read(value).ok_or(NOT_JSON)?,
        };
        let invalid = || format!("Discarding config update record with invalid key: {}", shown(key));
        let name = key.and_then(|key| str::from_utf8(key).ok()).ok_or_else(invalid)?;
        if let Some(connector) = name.strip_prefix(TARGET) {
            self.target(connector, &value)
        } else if let Some(connector) = name.strip_prefix(CONNECTOR) {
            self.configured(connector, &value)
        } else if let Some(task) = name.strip_prefix(TASK) {
            checks::task(task, &value)
        } else if let Some(connector) = name.strip_prefix(COMMIT) {
            self.commit(connector, &value)
        } else if let Some(connector) = name.strip_prefix(RESTART) {
            self.restart(connector, &value)
        } else if let Some(connector) = name.strip_prefix(FENCING) {
            checks::fencing(connector, &value)
        } else if name == SESSION_KEY {
            checks::session_key(&value)
        } else if let Some(logger) = name.strip_prefix(LOGGER) {
            read_level(logger, &value)
        } else {
            Err(invalid())
        }
    }

    fn target(&mut self, name: &str, value: &Json<'_>) -> Result<Applied, String> {
        let target = match value {
            Json::Null => {
                self.targets.remove(name);
                TargetState::default()
            }
            Json::Object(members) => {
                let target = read_target(name, members)?;
                self.targets.insert(name.to_owned(), target);
                target
            }
            Json::Other(class) => {
                return Err(format!(
                    "Ignoring target state for connector '{name}' because it is in the wrong format: {class}"
                ));
            }
        };
        match self.connectors.get_mut(name) {
            Some(connector) if connector.target != target => {
                connector.target = target;
                Ok(Applied::Target(name.to_owned()))
            }
            // Of a connector that does not exist yet, it counts when the connector is created.
            _ => Ok(Applied::Nothing),
        }
    }

    fn configured(&mut self, name: &str, value: &Json<'_>) -> Result<Applied, String> {
        let record = match value {
            Json::Null => {
                let existed = self.connectors.remove(name).is_some();
                return Ok(if existed { Applied::Removed(name.to_owned()) } else { Applied::Nothing });
            }
            Json::Object(record) => record,
            Json::Other(class) => {
                return Err(format!(
                    "Ignoring configuration for connector '{name}' because it is in the wrong format: {class}"
                ));
            }
        };
        let properties = properties(record, || format!("for connector '{name}':"))?;
        let (mut texts, mut faults) = (BTreeMap::new(), Vec::new());
        for (key, value) in properties.iter() {
            let json = value.get();
            let text = serde_json::from_str::<String>(json).ok();
            if text.is_none() {
                let class = class(Some(json));
                faults.push(format!("Non-string value found in original settings for key {key}: {class}"));
            }
            match text {
                Some(text) => drop(texts.insert(key.to_owned(), text)),
                None if json != "null" => drop(texts.insert(key.to_owned(), json.to_owned())),
                None => {}
            }
        }
        if name.is_empty() {
            faults.push("Invalid value  for configuration name: String may not be empty".to_owned());
        }
        let target = self.target_of(name);
        let fault = (!faults.is_empty()).then(|| faults.join("; "));
        let connector = Configured { properties: texts, fault, target };
        self.connectors.insert(name.to_owned(), connector);
        Ok(Applied::Configured(name.to_owned()))
    }

    fn commit(&mut self, name: &str, value: &Json<'_>) -> Result<Applied, String> {
        let tasks = match value {
            Json::Object(members) => integer(members, "tasks"),
            // Connect ignores it, so the record before it counts.
            Json::Null | Json::Other(_) if !self.connectors.contains_key(name) => {
                return Ok(Applied::Nothing);
            }
            Json::Null => return Err(wrong_commit(name, "null")),
            Json::Other(class) => return Err(wrong_commit(name, class)),
        };
        match tasks {
            Some(0) => self.committed.remove(name),
            _ => self.committed.insert(name.to_owned()),
        };
        match tasks {
            // Also a wrong number: Connect does not look at the tasks of a connector that does not exist.
            _ if !self.connectors.contains_key(name) => Ok(Applied::Nothing),
            Some(0..) => Ok(Applied::Nothing),
            Some(tasks) => Err(format!(
                "Ignoring connector tasks configuration commit for connector '{name}': Illegal Capacity: {tasks}"
            )),
            None => Err(format!(
                "Ignoring connector tasks configuration commit for connector '{name}': {NOT_INTEGER}"
            )),
        }
    }

    fn restart(&self, name: &str, value: &Json<'_>) -> Result<Applied, String> {
        let request = object(value, |class| {
            format!("Ignoring restart request because the value is not a Map but is {class}")
        })?;
        let mut warnings = Vec::new();
        let mut flag = |name: &str| match member(request, name) {
            Some("true") => true,
            Some("false") => false,
            other => {
                warnings.push(format!(
                    "Invalid data for restart request '{name}' field should be a Boolean but is {}, defaulting to false",
                    class(other)
                ));
                false
            }
        };
        let only_failed = flag("only-failed");
        let include_tasks = flag("include-tasks");
        let task = match member(request, "task") {
            None | Some("null") => None,
            Some(json) => Some(json.parse().map_err(|_| {
                "Ignoring restart request because its 'task' field is not the number of a task".to_owned()
            })?),
        };
        if !self.connectors.contains_key(name) {
            return Ok(Applied::Nothing);
        }
        let request = RestartRequest { name: name.to_owned(), include_tasks, only_failed, task };
        let warning = (!warnings.is_empty()).then(|| warnings.join("; "));
        Ok(Applied::Restart { request, warning })
    }
}

fn wrong_commit(name: &str, class: &str) -> String {
    format!(
        "Ignoring connector tasks configuration commit for connector '{name}' because it is in the wrong format: {class}"
    )
}

/// `state.v2` counts; workers that do not know it write `state` only.
fn read_target(name: &str, members: &Members<'_>) -> Result<TargetState, String> {
    let state = text(members, "state.v2").or_else(|| text(members, "state")).ok_or_else(|| {
        format!(
            "Invalid data for target state for connector '{name}': 'state' field should be a String but is {}",
            class(member(members, "state"))
        )
    })?;
    match state.as_str() {
        "STARTED" => Ok(TargetState::Running),
        "PAUSED" => Ok(TargetState::Paused),
        "STOPPED" => Ok(TargetState::Stopped),
        _ => Err(format!("Invalid target state for connector '{name}': {state}")),
    }
}

/// Returns the members of an object, or the reason why the record is ignored, from the Java class of its value.
fn object<'r, 'v>(
    value: &'r Json<'v>,
    reason: impl FnOnce(&'static str) -> String,
) -> Result<&'r Members<'v>, String> {
    match value {
        Json::Object(members) => Ok(members),
        Json::Null => Err(reason("null")),
        Json::Other(class) => Err(reason(class)),
    }
}

/// Returns the settings of a connector or of a task.
fn properties<'v>(record: &Members<'v>, of: impl FnOnce() -> String) -> Result<Members<'v>, String> {
    let properties = member(record, "properties");
    match members(properties.unwrap_or("null")).map_err(|_| NOT_JSON)? {
        Some(members) => Ok(members),
        None => Err(format!(
            "Invalid data for config {} 'properties' field should be a Map but is {}",
            of(),
            class(properties)
        )),
    }
}

fn read_level(logger: &str, value: &Json<'_>) -> Result<Applied, String> {
    let record = object(value, |class| match class {
        "null" => format!("Ignoring logging level for namespace {logger} because it is unexpectedly null"),
        _ => format!(
            "Ignoring logging level for namespace {logger} because the value is not a Map but is {class}"
        ),
    })?;
    let level = text(record, "level").ok_or_else(|| {
        format!(
            "Invalid data for logging level key 'level' field with namespace {logger}; should be a String but it is {}",
            class(member(record, "level"))
        )
    })?;
    match Level::parse(&level) {
        Some(level) => Ok(Applied::LoggerLevel { logger: logger.to_owned(), level }),
        None => Err(format!("Ignoring request to set invalid level '{level}' for namespace {logger}")),
    }
}
