//! The connectors of a worker by name, and what is under way with each.
//!
//! It is a table under a lock: nothing here waits for a thread, a file or a peer.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coherence_kafka_connect::config::TargetState;

use super::task_handle::TaskHandle;
use super::{ConnectorState, CreateError, RequestError};
use crate::load::ConnectorConfig;
use crate::plugin::TaskSet;

/// The tasks of a connector that have been started.
pub(super) struct Tasks {
    /// By their numbers. A worker of a cluster has some of them.
    pub handles: BTreeMap<u32, Arc<TaskHandle>>,
    pub set: Arc<dyn TaskSet>,
}

impl Tasks {
    /// Asks all of them to end.
    pub(super) fn end(&self) {
        self.handles.values().for_each(|task| task.end());
    }

    /// Asks all of them to pause, or to continue.
    pub(super) fn pause(&self, pause: bool) {
        self.handles.values().for_each(|task| task.pause(pause));
    }

    /// Returns the topics that they have used.
    pub(super) fn topics(&self) -> impl Iterator<Item = String> {
        self.handles.values().flat_map(|task| task.state().topics())
    }

    /// Returns the maps that they have written to.
    pub(super) fn maps(&self) -> impl Iterator<Item = String> {
        self.handles.values().flat_map(|task| task.state().maps())
    }

    fn have_ended(&self) -> bool {
        self.handles.values().all(|task| task.has_ended())
    }
}

/// A connector: its configuration, what is wanted of it, and what it is doing.
pub(super) struct Entry {
    pub config: ConnectorConfig,
    pub target: TargetState,
    pub phase: Phase,
    /// Why its tasks could not be started, or be stopped for a new configuration.
    pub failure: Option<String>,
    /// The topics that tasks have used which have ended.
    pub topics: BTreeSet<String>,
}

/// What a connector is doing.
pub(super) enum Phase {
    /// It has no tasks.
    Idle,
    /// Its tasks are being made.
    Starting { tasks: usize },
    /// Its tasks run, pause, or have failed and may run again.
    Started(Arc<Tasks>),
    /// Its tasks are ending. It is idle when they have ended, or gone.
    Ending { tasks: Arc<Tasks>, deleted: bool },
}

impl Phase {
    pub(super) fn tasks(&self) -> Option<&Arc<Tasks>> {
        match self {
            Phase::Idle | Phase::Starting { .. } => None,
            Phase::Started(tasks) | Phase::Ending { tasks, .. } => Some(tasks),
        }
    }

    fn count(&self) -> usize {
        match self {
            Phase::Starting { tasks } => *tasks,
            _ => self.tasks().map_or(0, |tasks| tasks.handles.len()),
        }
    }
}

impl Entry {
    pub(super) fn state(&self) -> ConnectorState {
        match (&self.phase, self.target) {
            (Phase::Starting { .. }, _) => ConnectorState::Unassigned,
            (Phase::Idle, _) if self.failure.is_some() => ConnectorState::Failed,
            (_, TargetState::Paused) => ConnectorState::Paused,
            (_, TargetState::Stopped) => ConnectorState::Stopped,
            // Between two configurations.
            (Phase::Idle, TargetState::Running) => ConnectorState::Unassigned,
            (Phase::Started(_) | Phase::Ending { .. }, TargetState::Running) => ConnectorState::Running,
        }
    }

    /// Marks its tasks as ending. Returns them; none where it has none.
    pub(super) fn end(&mut self, deleted: bool) -> Option<Arc<Tasks>> {
        let tasks = self.phase.tasks()?.clone();
        self.phase = Phase::Ending { tasks: tasks.clone(), deleted };
        Some(tasks)
    }
}

#[derive(Default)]
pub(super) struct Connectors {
    pub by_name: BTreeMap<String, Entry>,
    /// The worker ends.
    pub stopping: bool,
}

impl Connectors {
    /// Adds a connector. Returns whether its tasks are to be started.
    pub(super) fn add(
        &mut self,
        config: ConnectorConfig,
        target: TargetState,
        limit: usize,
    ) -> Result<bool, CreateError> {
        let name = config.name().to_owned();
        if self.stopping {
            return Err(CreateError::Stopping);
        }
        match self.by_name.get(&name).map(|entry| &entry.phase) {
            Some(Phase::Ending { deleted: true, .. }) => return Err(CreateError::Conflict),
            Some(_) => return Err(CreateError::Exists(name)),
            None => {}
        }
        let starts = target == TargetState::Running;
        let phase = if starts { self.room(&config, limit)? } else { Phase::Idle };
        let topics = BTreeSet::new();
        self.by_name.insert(name, Entry { config, target, phase, failure: None, topics });
        Ok(starts)
    }

    /// Changes the configuration of a connector. Returns the tasks that end for it, and whether others are to be started.
    pub(super) fn configure(
        &mut self,
        config: ConnectorConfig,
        limit: usize,
    ) -> Result<(Option<Arc<Tasks>>, bool), CreateError> {
        let name = config.name().to_owned();
        if self.stopping {
            return Err(CreateError::Stopping);
        }
        let entry = self.by_name.get(&name).ok_or_else(|| CreateError::Unknown(name.clone()))?;
        let starts = match (&entry.phase, entry.target) {
            (Phase::Starting { .. } | Phase::Ending { .. }, _) => return Err(CreateError::Conflict),
            // Configuring a connector as it is configured does not interrupt it.
            (Phase::Started(_), _) if entry.config.raw == config.raw => return Ok((None, false)),
            (Phase::Started(_), _) | (Phase::Idle, TargetState::Running) => true,
            (Phase::Idle, TargetState::Paused | TargetState::Stopped) => false,
        };
        if starts {
            self.room(&config, limit)?;
        }
        let entry = self.by_name.get_mut(&name).ok_or_else(|| CreateError::Unknown(name.clone()))?;
        entry.config = config;
        entry.failure = None;
        Ok((entry.end(false), starts))
    }

    /// Reserves the tasks of an idle connector that is to be started.
    pub(super) fn begin(&mut self, name: &str, limit: usize) -> Result<(), CreateError> {
        if self.stopping {
            return Err(CreateError::Stopping);
        }
        let entry = self.by_name.get(name).ok_or_else(|| CreateError::Unknown(name.to_owned()))?;
        let phase = match entry.phase {
            Phase::Idle => self.room(&entry.config, limit)?,
            _ => return Err(CreateError::Conflict),
        };
        if let Some(entry) = self.by_name.get_mut(name) {
            (entry.phase, entry.failure) = (phase, None);
        }
        Ok(())
    }

    /// Returns the phase of a connector whose tasks have room beside those of the others.
    fn room(&self, config: &ConnectorConfig, limit: usize) -> Result<Phase, CreateError> {
        let (name, tasks) = (config.name(), config.connector.tasks() as usize);
        let running = self.tasks_without(name);
        if running + tasks > limit {
            return Err(CreateError::TooManyTasks { name: name.to_owned(), tasks, running, limit });
        }
        Ok(Phase::Starting { tasks })
    }

    /// Returns the number of tasks that the other connectors have.
    pub(super) fn tasks_without(&self, name: &str) -> usize {
        self.by_name.iter().filter(|(other, _)| *other != name).map(|(_, entry)| entry.phase.count()).sum()
    }

    /// Marks a connector as one that ends for good. Returns its tasks.
    pub(super) fn delete(&mut self, name: &str) -> Result<Option<Arc<Tasks>>, RequestError> {
        let entry = self.settled(name)?;
        let tasks = entry.end(true);
        if tasks.is_none() {
            self.by_name.remove(name);
        }
        Ok(tasks)
    }

    /// Marks a connector as one that has no tasks until it is resumed. Returns the tasks that end.
    pub(super) fn stop(&mut self, name: &str) -> Result<Option<Arc<Tasks>>, RequestError> {
        let entry = self.kept(name)?;
        (entry.target, entry.failure) = (TargetState::Stopped, None);
        Ok(entry.end(false))
    }

    /// Pauses a connector.
    pub(super) fn pause(&mut self, name: &str) -> Result<(), RequestError> {
        let entry = self.kept(name)?;
        (entry.target, entry.failure) = (TargetState::Paused, None);
        entry.phase.tasks().into_iter().for_each(|tasks| tasks.pause(true));
        Ok(())
    }

    /// Resumes a connector. Returns whether its tasks are to be started.
    pub(super) fn resume(&mut self, name: &str) -> Result<bool, RequestError> {
        let entry = self.kept(name)?;
        let starts = match &entry.phase {
            Phase::Started(tasks) => {
                tasks.pause(false);
                false
            }
            Phase::Idle => true,
            Phase::Starting { .. } | Phase::Ending { .. } => return Err(RequestError::Conflict),
        };
        entry.target = TargetState::Running;
        Ok(starts)
    }

    /// Returns a connector that is not being started.
    fn settled(&mut self, name: &str) -> Result<&mut Entry, RequestError> {
        let entry = self.by_name.get_mut(name).ok_or(RequestError::UnknownConnector)?;
        match entry.phase {
            Phase::Starting { .. } => Err(RequestError::Conflict),
            _ => Ok(entry),
        }
    }

    /// Returns a connector that is neither being started nor deleted.
    fn kept(&mut self, name: &str) -> Result<&mut Entry, RequestError> {
        let entry = self.settled(name)?;
        match entry.phase {
            Phase::Ending { deleted: true, .. } => Err(RequestError::Conflict),
            _ => Ok(entry),
        }
    }

    /// Returns the tasks of every connector that has some.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Tasks>> {
        self.by_name.values().filter_map(|entry| entry.phase.tasks())
    }

    pub(super) fn are_starting(&self) -> bool {
        self.by_name.values().any(|entry| matches!(entry.phase, Phase::Starting { .. }))
    }

    /// Removes the tasks that were asked to end and have ended, and the connectors that were deleted with them.
    pub(super) fn drop_ended(&mut self) {
        self.by_name.retain(|_, entry| {
            let Phase::Ending { tasks, deleted } = &entry.phase else { return true };
            if !tasks.have_ended() {
                return true;
            }
            let deleted = *deleted;
            tasks.set.on_ended();
            entry.topics.extend(tasks.topics());
            entry.phase = Phase::Idle;
            !deleted
        });
    }
}

#[cfg(test)]
mod tests;
