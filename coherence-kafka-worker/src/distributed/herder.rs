//! What a worker of a cluster answers: for all its workers, from the topics; and the changes that it makes in them.

use std::collections::BTreeSet;
use std::sync::Arc;

use coherence_kafka_connect::config::{Properties, TargetState};

use super::change::NotChanged;
use super::config_topic::{ConfigState, Configured, RestartRequest, logger_level};
use super::member::Member;
use super::record::Record;
use super::status_topic::{State as Reported, StatusRecord, topic_tombstones};
use crate::herder::{Change, Health, Herder, PartStatus, Restart, Status, VERSION};
use crate::load::ConnectorConfig;
use crate::loggers::Level;
use crate::plugin::Connector;
use crate::worker::{ConnectorInfo, CreateError, RequestError, Worker};

impl Member {
    fn configured(&self, name: &str) -> Option<Configured> {
        self.state.lock().configs.connector(name).cloned()
    }

    /// Returns the number of tasks of a connector: those that run, pause, or are to be run by some worker.
    fn tasks(&self, name: &str, configured: &Configured) -> u32 {
        let Ok(config) = self.checked(name, configured) else { return 0 };
        match configured.target {
            TargetState::Running => config.connector.tasks(),
            // One that has never run has none.
            TargetState::Paused if self.state.lock().statuses.tasks(name).next().is_some() => {
                config.connector.tasks()
            }
            TargetState::Paused | TargetState::Stopped => 0,
        }
    }

    fn info_of(&self, name: &str, configured: Configured) -> ConnectorInfo {
        let tasks = self.tasks(name, &configured) as usize;
        let kind = self.worker.kind();
        ConnectorInfo { name: name.to_owned(), kind, config: configured.properties, tasks }
    }

    /// Of a part of which nothing is reported, no worker has it yet.
    fn part(&self, status: Option<&StatusRecord>) -> PartStatus {
        status.map_or_else(
            || PartStatus {
                state: Reported::Unassigned.name(),
                worker_id: self.worker_id.clone(),
                version: Some(VERSION.to_owned()),
                trace: None,
            },
            |status| PartStatus {
                state: status.state.name(),
                worker_id: status.worker_id.clone(),
                version: status.version.clone(),
                trace: status.trace.clone(),
            },
        )
    }

    /// Checks a configuration that came over the network.
    fn accepted(&self, properties: &Properties) -> Result<ConnectorConfig, CreateError> {
        ConnectorConfig::of_request(self.worker.plugin(), self.worker.config(), properties)
            .map_err(CreateError::Invalid)
    }

    /// Gives a connector that exists another target state.
    fn change_target(&self, name: &str, target: TargetState) -> Result<(), RequestError> {
        let decide = |configs: &ConfigState| match configs.connector(name) {
            Some(_) => Ok((configs.change_target(name, target), ())),
            None => Err(RequestError::UnknownConnector),
        };
        self.change(decide)?;
        tracing::info!(connector = name, ?target, "connector has another target state");
        Ok(())
    }

    /// Writes a record about a connector that exists.
    fn order(&self, name: &str, record: impl Fn() -> Record) -> Result<(), RequestError> {
        self.change(|configs| match configs.connector(name) {
            Some(_) => Ok((vec![record()], ())),
            None => Err(RequestError::UnknownConnector),
        })?;
        Ok(())
    }
}

impl From<NotChanged<RequestError>> for RequestError {
    fn from(reason: NotChanged<RequestError>) -> Self {
        match reason {
            NotChanged::Decided(error) => error,
            NotChanged::Unavailable(reason) => RequestError::Unavailable(reason),
        }
    }
}

impl From<NotChanged<CreateError>> for CreateError {
    fn from(reason: NotChanged<CreateError>) -> Self {
        match reason {
            NotChanged::Decided(error) => error,
            NotChanged::Unavailable(reason) => CreateError::Unavailable(reason),
        }
    }
}

/// A request about a connector, where one that creates it may be refused for more reasons.
fn created(name: &str, error: RequestError) -> CreateError {
    match error {
        RequestError::UnknownConnector | RequestError::UnknownTask => CreateError::Unknown(name.to_owned()),
        RequestError::Unavailable(reason) => CreateError::Unavailable(reason),
        RequestError::Conflict | RequestError::NotEnded(_) => CreateError::Conflict,
    }
}

impl Herder for Arc<Member> {
    fn worker(&self) -> &Arc<Worker> {
        &self.worker
    }

    fn worker_id(&self) -> &str {
        &self.worker_id
    }

    /// It is starting until it has joined the group.
    fn health(&self) -> Health {
        let logs = [&self.config_log, &self.status_log];
        let ended = logs.iter().filter_map(|log| log.get()?.failure());
        if let Some(error) = ended.into_iter().next() {
            return Health::Unhealthy(error.to_string());
        }
        let is_member = self.state.lock().is_member;
        match (is_member, self.worker.is_ready()) {
            (true, _) => Health::Ready,
            (false, true) => Health::Unhealthy(self.why_not_member()),
            (false, false) => {
                let refusal = self.state.lock().refusal.clone();
                Health::Starting(refusal.unwrap_or_else(|| "Worker is still starting up.".to_owned()))
            }
        }
    }

    fn names(&self) -> Vec<String> {
        self.state.lock().configs.connectors().map(|(name, _)| name.to_owned()).collect()
    }

    fn info(&self, name: &str) -> Option<ConnectorInfo> {
        Some(self.info_of(name, self.configured(name)?))
    }

    fn status(&self, name: &str) -> Option<Status> {
        let configured = self.configured(name)?;
        let count = self.tasks(name, &configured);
        let state = self.state.lock();
        let task = |number| (number, self.part(state.statuses.task(name, number)));
        let connector = self.part(state.statuses.connector(name));
        Some(Status { connector, tasks: (0..count).map(task).collect() })
    }

    fn create(&self, properties: &Properties, target: TargetState) -> Result<ConnectorInfo, CreateError> {
        let config = self.accepted(properties)?;
        let name = config.name().to_owned();
        self.change(|configs| match configs.connector(&name) {
            Some(_) => Err(CreateError::Exists(name.clone())),
            None => {
                let other = Some(target).filter(|target| *target != configs.target_of(&name));
                Ok((configs.create(&name, &config.raw, other), ()))
            }
        })?;
        tracing::info!(connector = name, "connector created");
        self.info(&name).ok_or(CreateError::Unknown(name))
    }

    fn configure(&self, properties: &Properties) -> Result<(bool, ConnectorInfo), CreateError> {
        let config = self.accepted(properties)?;
        let name = config.name().to_owned();
        let is_new = self.change(|configs| {
            Ok::<_, CreateError>(match configs.connector(&name) {
                Some(_) => (configs.configure(&name, &config.raw), false),
                None => (configs.create(&name, &config.raw, None), true),
            })
        })?;
        tracing::info!(connector = name, is_new, "connector configured");
        Ok((is_new, self.info(&name).ok_or(CreateError::Unknown(name))?))
    }

    fn patch(&self, name: &str, change: Change<'_>) -> Result<ConnectorInfo, CreateError> {
        self.change(|configs| {
            let present = configs.connector(name).ok_or_else(|| CreateError::Unknown(name.to_owned()))?;
            let properties = change(present.properties.clone()).map_err(CreateError::Refused)?;
            let config = self.accepted(&properties)?;
            Ok::<_, CreateError>((configs.configure(name, &config.raw), ()))
        })?;
        tracing::info!(connector = name, "connector configured");
        self.info(name).ok_or_else(|| CreateError::Unknown(name.to_owned()))
    }

    fn delete(&self, name: &str) -> Result<(), RequestError> {
        self.change(|configs| match configs.connector(name) {
            Some(_) => Ok((configs.delete(name), ())),
            None => Err(RequestError::UnknownConnector),
        })?;
        tracing::info!(connector = name, "connector deleted");
        Ok(())
    }

    fn pause(&self, name: &str) -> Result<(), RequestError> {
        self.change_target(name, TargetState::Paused)
    }

    fn resume(&self, name: &str) -> Result<(), CreateError> {
        self.change_target(name, TargetState::Running).map_err(|error| created(name, error))
    }

    fn stop(&self, name: &str) -> Result<(), RequestError> {
        self.change_target(name, TargetState::Stopped)
    }

    fn restart(&self, name: &str, restart: Restart) -> Result<Status, CreateError> {
        let Restart { include_tasks, only_failed } = restart;
        let before = self.status(name).ok_or_else(|| CreateError::Unknown(name.to_owned()))?;
        let request = RestartRequest { name: name.to_owned(), include_tasks, only_failed, task: None };
        self.order(name, || request.record()).map_err(|error| created(name, error))?;
        Ok(before.planned(restart))
    }

    fn restart_task(&self, name: &str, number: u32) -> Result<(), RequestError> {
        let configured = self.configured(name).ok_or(RequestError::UnknownConnector)?;
        if number >= self.tasks(name, &configured) {
            return Err(RequestError::UnknownTask);
        }
        let task = Some(number);
        let request =
            RestartRequest { name: name.to_owned(), include_tasks: false, only_failed: false, task };
        self.order(name, || request.record())
    }

    fn topics(&self, name: &str) -> BTreeSet<String> {
        self.state.lock().statuses.topics(name).map(|(topic, _)| topic.to_owned()).collect()
    }

    fn forget_topics(&self, name: &str) -> Result<(), RequestError> {
        let tombstones = topic_tombstones(name, self.topics(name).iter().map(String::as_str));
        match self.report(tombstones) {
            true => Ok(()),
            false => Err(RequestError::Unavailable("the status topic is not written".to_owned())),
        }
    }

    fn is_stopped(&self, name: &str) -> Option<bool> {
        Some(self.configured(name)?.target == TargetState::Stopped)
    }

    fn connector(&self, name: &str) -> Result<Arc<dyn Connector>, RequestError> {
        let configured = self.configured(name).ok_or(RequestError::UnknownConnector)?;
        match self.checked(name, &configured) {
            Ok(config) => Ok(config.connector),
            Err(reason) => Err(RequestError::Unavailable(reason)),
        }
    }

    fn set_level(&self, logger: &str, level: Level) -> Result<(), RequestError> {
        let record = || logger_level(logger, level.name());
        Ok(self.change(|_| Ok::<_, RequestError>((vec![record()], ())))?)
    }
}
