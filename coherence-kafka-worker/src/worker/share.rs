//! The tasks of a connector that are this worker's among the workers of a cluster.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Instant;

use coherence_kafka_connect::config::TargetState;

use super::connectors::{Entry, Phase, Tasks};
use super::task_handle::join;
use super::{CreateError, Worker};
use crate::descriptors;
use crate::load::ConnectorConfig;

/// What this worker is to run of a connector.
#[derive(Debug, Clone)]
pub(crate) struct Share {
    pub(crate) config: ConnectorConfig,
    pub(crate) target: TargetState,
    /// The numbers of its tasks that are this worker's.
    pub(crate) tasks: BTreeSet<u32>,
}

impl Worker {
    /// Runs of a connector what `share` names, and nothing else; without one, nothing. A new configuration ends its tasks
    /// first. A paused connector keeps the tasks that it has and gets no further ones. Waits until the tasks have ended
    /// that are to end. One call at a time for each connector.
    ///
    /// # Errors
    /// Tasks did not end in time, or did not start: they are not running then. The reason is the failure of the connector
    /// too.
    pub(crate) fn run_share(&self, name: &str, share: Option<Share>) -> Result<(), CreateError> {
        let Some(share) = share.filter(|share| !share.tasks.is_empty()) else {
            return self.end_share(name, true);
        };
        let is_other = |entry: &Entry| entry.config.raw != share.config.raw;
        if self.lock().by_name.get(name).is_some_and(is_other) || share.target == TargetState::Stopped {
            self.end_share(name, false)?;
        }
        let present = {
            let mut connectors = self.lock();
            if connectors.stopping {
                return Err(CreateError::Stopping);
            }
            let entry = connectors.by_name.entry(name.to_owned()).or_insert_with(|| Entry {
                config: share.config.clone(),
                target: share.target,
                phase: Phase::Idle,
                failure: None,
                topics: BTreeSet::new(),
            });
            (entry.config, entry.target, entry.failure) = (share.config.clone(), share.target, None);
            match &entry.phase {
                Phase::Idle => None,
                Phase::Started(tasks) => Some(tasks.clone()),
                Phase::Starting { .. } | Phase::Ending { .. } => return Err(CreateError::Conflict),
            }
        };
        let present = present.map(|tasks| self.keep(name, tasks, &share.tasks)).transpose()?;
        if let Some(tasks) = &present {
            tasks.pause(share.target == TargetState::Paused);
        }
        let missing: Vec<u32> = share
            .tasks
            .iter()
            .filter(|number| present.as_ref().is_none_or(|tasks| !tasks.handles.contains_key(number)))
            .copied()
            .collect();
        if missing.is_empty() || share.target != TargetState::Running {
            return Ok(());
        }
        let started = self.start_missing(&share.config, present.as_ref(), missing);
        self.starts.connectors.count(started.is_ok());
        let mut connectors = self.lock();
        let stopping = connectors.stopping;
        let Some(entry) = connectors.by_name.get_mut(name) else { return Err(CreateError::Stopping) };
        match started {
            Ok(tasks) => {
                let tasks = Arc::new(tasks);
                if stopping {
                    // The end of the worker waits for them.
                    tasks.end();
                }
                entry.phase = Phase::Started(tasks);
                Ok(())
            }
            Err(error) => {
                entry.failure = Some(error.to_string());
                Err(error)
            }
        }
    }

    /// Ends the tasks that are not among `numbers`. Returns the others.
    fn keep(
        &self,
        name: &str,
        tasks: Arc<Tasks>,
        numbers: &BTreeSet<u32>,
    ) -> Result<Arc<Tasks>, CreateError> {
        let handles = tasks.handles.iter().map(|(number, task)| (*number, task.clone()));
        let (kept, ending): (Vec<_>, Vec<_>) = handles.partition(|(number, _)| numbers.contains(number));
        if ending.is_empty() {
            return Ok(tasks);
        }
        ending.iter().for_each(|(_, task)| task.end());
        let left = join(ending.iter().map(|(_, task)| task), Instant::now() + self.patience());
        if left > 0 {
            // They stay in the table: the next attempt waits for them again.
            return Err(self.not_ended(name, left));
        }
        let topics: Vec<String> = ending.iter().flat_map(|(_, task)| task.state().topics()).collect();
        let kept = Arc::new(Tasks { handles: kept.into_iter().collect(), set: tasks.set.clone() });
        if let Some(entry) = self.lock().by_name.get_mut(name) {
            entry.topics.extend(topics);
            entry.phase = Phase::Started(kept.clone());
        }
        Ok(kept)
    }

    /// Starts tasks. Returns them with the present ones.
    fn start_missing(
        &self,
        config: &ConnectorConfig,
        present: Option<&Arc<Tasks>>,
        missing: Vec<u32>,
    ) -> Result<Tasks, CreateError> {
        let (name, limit) = (config.name(), self.limit());
        let kept = present.map_or(0, |tasks| tasks.handles.len());
        let running = self.lock().tasks_without(name) + kept;
        let (tasks, each) = (missing.len(), config.connector.clients_of_task());
        if running + tasks > limit {
            return Err(CreateError::TooManyTasks { name: name.to_owned(), tasks, running, limit });
        }
        descriptors::room_for(running, tasks, each)
            .map_err(|reason| CreateError::NotStarted { name: name.to_owned(), reason })?;
        let mut tasks = self.start_tasks(config, present.map(|tasks| tasks.set.clone()), missing, false)?;
        if let Some(present) = present {
            tasks.handles.extend(present.handles.iter().map(|(number, task)| (*number, task.clone())));
        }
        Ok(tasks)
    }

    /// Ends all tasks of a connector, and forgets it where it is `gone`.
    fn end_share(&self, name: &str, gone: bool) -> Result<(), CreateError> {
        let ending = {
            let mut connectors = self.lock();
            let Some(entry) = connectors.by_name.get_mut(name) else { return Ok(()) };
            let ending = entry.end(gone);
            if ending.is_none() && gone {
                connectors.by_name.remove(name);
            }
            ending
        };
        match ending.map(|tasks| self.await_end(&tasks, self.patience())) {
            None | Some(Ok(())) => Ok(()),
            Some(Err(left)) => Err(self.not_ended(name, left)),
        }
    }

    fn not_ended(&self, name: &str, tasks: usize) -> CreateError {
        let error = CreateError::NotEnded { name: name.to_owned(), tasks };
        if let Some(entry) = self.lock().by_name.get_mut(name) {
            entry.failure = Some(error.to_string());
        }
        error
    }
}

#[cfg(test)]
mod tests;
