//! The connectors of a worker by name, and what is under way with each.
//!
//! It is a table under a lock: nothing here waits for a thread, a file or a peer.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::{CreateError, RequestError, TaskHandle};
use crate::plugin::TaskSet;

/// A connector whose tasks have been started.
pub(super) struct Connector {
    pub config: BTreeMap<String, String>,
    pub tasks: Vec<TaskHandle>,
    pub set: Arc<dyn TaskSet>,
}

impl Connector {
    /// Asks all of its tasks to end.
    pub(super) fn end(&self) {
        self.tasks.iter().for_each(|task| task.control.end());
    }

    fn has_ended(&self) -> bool {
        self.tasks.iter().all(|task| task.thread.is_finished())
    }
}

/// What a name stands for.
pub(super) enum Entry {
    /// Its tasks are being made.
    Starting { config: BTreeMap<String, String>, tasks: usize },
    /// Its tasks run, or have failed and may run again.
    Running(Arc<Connector>),
    /// Its tasks are ending. The name is free when they have ended.
    Stopping(Arc<Connector>),
}

impl Entry {
    pub(super) fn connector(&self) -> Option<&Arc<Connector>> {
        match self {
            Entry::Starting { .. } => None,
            Entry::Running(connector) | Entry::Stopping(connector) => Some(connector),
        }
    }

    pub(super) fn config(&self) -> &BTreeMap<String, String> {
        match self {
            Entry::Starting { config, .. } => config,
            Entry::Running(connector) | Entry::Stopping(connector) => &connector.config,
        }
    }

    fn tasks(&self) -> usize {
        match self {
            Entry::Starting { tasks, .. } => *tasks,
            Entry::Running(connector) | Entry::Stopping(connector) => connector.tasks.len(),
        }
    }
}

#[derive(Default)]
pub(super) struct Connectors {
    pub by_name: BTreeMap<String, Entry>,
    /// The worker ends.
    pub stopping: bool,
}

impl Connectors {
    /// Takes a name, and as many tasks. How many tasks there were before.
    pub(super) fn reserve(
        &mut self,
        name: &str,
        config: BTreeMap<String, String>,
        tasks: usize,
        limit: usize,
    ) -> Result<usize, CreateError> {
        if self.stopping {
            return Err(CreateError::Stopping);
        }
        match self.by_name.get(name) {
            Some(Entry::Stopping(_)) => return Err(CreateError::Conflict),
            Some(Entry::Starting { .. } | Entry::Running(_)) => {
                return Err(CreateError::Exists(name.to_owned()));
            }
            None => {}
        }
        let running = self.by_name.values().map(Entry::tasks).sum();
        if running + tasks > limit {
            return Err(CreateError::TooManyTasks { name: name.to_owned(), tasks, running, limit });
        }
        self.by_name.insert(name.to_owned(), Entry::Starting { config, tasks });
        Ok(running)
    }

    /// Marks a connector as one that ends.
    pub(super) fn stop(&mut self, name: &str) -> Result<Arc<Connector>, RequestError> {
        let entry = self.by_name.get_mut(name).ok_or(RequestError::UnknownConnector)?;
        let connector = entry.connector().ok_or(RequestError::Conflict)?.clone();
        *entry = Entry::Stopping(connector.clone());
        Ok(connector)
    }

    /// Returns every connector that has tasks.
    pub(super) fn all(&self) -> impl Iterator<Item = &Arc<Connector>> {
        self.by_name.values().filter_map(Entry::connector)
    }

    pub(super) fn are_starting(&self) -> bool {
        self.by_name.values().any(|entry| entry.connector().is_none())
    }

    /// Removes the connectors that were asked to end and have ended.
    pub(super) fn drop_ended(&mut self) {
        let ended = self.by_name.extract_if(.., |_, entry| match entry {
            Entry::Stopping(connector) => connector.has_ended(),
            Entry::Starting { .. } | Entry::Running(_) => false,
        });
        for (_, entry) in ended {
            if let Some(connector) = entry.connector() {
                connector.set.on_ended();
            }
        }
    }
}

#[cfg(test)]
mod tests;
