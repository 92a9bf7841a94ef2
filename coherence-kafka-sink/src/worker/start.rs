//! From a validated configuration to running tasks.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_common::map::Session;
use coherence_kafka_connect::encode::Encoder;
use coherence_kafka_rdkafka::consumer::StartAt;

use super::{Connector, Control, CreateError, LEAVING, TaskHandle, Worker, join};
use crate::config::{ConnectorConfig, Topics};
use crate::counters::Counters;
use crate::pipeline::{Form, Pipeline};
use crate::saved::{Saved, SavedError};
use crate::task::delivery::DeliveryOptions;
use crate::task::{OffsetReset, Rules, Task, TaskOptions, TaskParts};
use crate::writer::{Membership, Writer};
use coherence_kafka_connect::config::SessionKind;

/// Default of `session.timeout.ms`, in librdkafka as in Java.
const SESSION_TIMEOUT: Duration = Duration::from_secs(45);
/// Default of `max.poll.interval.ms`.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(300);

impl Worker {
    /// Starts the tasks of a connector: all of them, or none. Slow: files are read, clients and threads are made.
    pub(super) fn start_tasks(&self, config: &ConnectorConfig) -> Result<Connector, CreateError> {
        let not_started = |reason: String| CreateError::NotStarted { name: config.name.clone(), reason };
        let saved = self.saved_maps(config).map_err(|error| not_started(error.to_string()))?;
        let session: Arc<dyn Session> = match &saved {
            Some(saved) => saved.session().clone(),
            None => {
                let known = self.lock().session_in_doubt(&config.session);
                match known {
                    Some(session) => session,
                    None => (self.open)(&config.session).map_err(|error| not_started(error.to_string()))?,
                }
            }
        };
        let pipeline = Arc::new(Pipeline {
            form: if config.passthrough {
                Form::PassThrough
            } else {
                Form::Converted {
                    key: config.key_converter.clone(),
                    value: config.value_converter.clone(),
                    encoder: Encoder { format: session.format(), arrays: config.arrays },
                }
            },
            format: session.format(),
            max_entry_bytes: session.max_entry_bytes(),
            null_values: config.errors.null_values,
        });
        let rules = Rules {
            pipeline,
            mappings: Arc::new(config.mappings.clone()),
            expiries: Arc::new(config.expiries.clone()),
        };
        let mut connector = Connector {
            config: config.raw.clone(),
            tasks: Vec::new(),
            session: (config.session.clone(), session.clone()),
        };
        for number in 0..config.tasks_max {
            let counters = Arc::new(Counters::default());
            let control = Arc::new(Control::default());
            let options = self.task_options(config, number);
            let membership = Arc::new(Membership::new(options.delivery.revoke_deadline));
            let writer = Writer::new(session.clone(), config.retry, counters.clone(), options.name())
                .with_refused_timeout(config.refused_timeout)
                .of_member(membership.clone());
            let parts = TaskParts {
                rules: rules.clone(),
                writer: Arc::new(writer),
                saved: saved.clone(),
                membership,
                runtime: self.runtime.clone(),
                counters: counters.clone(),
                stop: control.stop.clone(),
            };
            let name = options.name();
            let make = move || Task::new(options.clone(), parts.clone());
            let started = if self.lock().stopping {
                Err(CreateError::Stopping)
            } else {
                make().map_err(|error| not_started(error.to_string())).and_then(|task| {
                    TaskHandle::spawn(name, task, make, config.restart, counters, control).map_err(|error| {
                        not_started(format!("the thread of the task cannot be started: {error}"))
                    })
                })
            };
            connector.tasks.push(match started {
                Ok(handle) => handle,
                Err(error) => {
                    connector.end();
                    join(&connector.tasks, Instant::now() + self.config.shutdown_timeout + LEAVING);
                    self.lock().keep_doubt(&connector);
                    return Err(error);
                }
            });
        }
        Ok(connector)
    }

    /// Returns the maps of a connector that are in a directory.
    fn saved_maps(&self, config: &ConnectorConfig) -> Result<Option<Arc<Saved>>, SavedError> {
        let Some(directory) = &config.session_directory else { return Ok(None) };
        let group = &config.consumer.group_id;
        Saved::open(directory, &config.name, group, config.session.format).map(|saved| Some(Arc::new(saved)))
    }

    pub(super) fn task_options(&self, config: &ConnectorConfig, number: u32) -> TaskOptions {
        let mut consumer = config.consumer_settings(number);
        let mut dead_letters = config.dead_letters.as_ref().map(|queue| queue.for_task(&config.name, number));
        if let Some(bootstrap) = &self.bootstrap {
            let queue = dead_letters.as_mut().map(|queue| [&mut queue.producer, &mut queue.admin]);
            for settings in queue.into_iter().flatten().chain([&mut consumer]) {
                settings.retain(|(key, _)| key != "bootstrap.servers");
                settings.push(("bootstrap.servers".to_owned(), bootstrap.clone()));
            }
        }
        let millis = |name: &str, default| {
            let set = consumer.iter().find_map(|(key, value)| (key == name).then(|| value.parse().ok())?);
            set.map_or(default, Duration::from_millis)
        };
        let membership = millis("session.timeout.ms", SESSION_TIMEOUT)
            .min(millis("max.poll.interval.ms", MAX_POLL_INTERVAL));
        let reset = consumer.iter().find(|(key, _)| key == "auto.offset.reset");
        let reset = match reset.map_or("earliest", |(_, value)| value.as_str()) {
            "earliest" | "smallest" | "beginning" => OffsetReset::Oldest,
            "latest" | "largest" | "end" => OffsetReset::Newest,
            _ => OffsetReset::Fails,
        };
        TaskOptions {
            connector: config.name.clone(),
            number,
            consumer,
            topics: match &config.topics {
                Topics::List(topics) => topics.clone(),
                Topics::Pattern(pattern) => vec![pattern.clone()],
            },
            start: match config.session.kind {
                // An embedded map is empty when its process starts, whatever an earlier one committed.
                SessionKind::Embedded => StartAt::Beginning,
                SessionKind::Grpc => StartAt::Committed,
            },
            delivery: DeliveryOptions {
                batch_records: config.batch_records,
                batch_bytes: config.batch_bytes,
                linger: config.batch_linger,
                flush_interval: self.config.offset_flush_interval,
                flush_timeout: self.config.offset_flush_timeout,
                revoke_deadline: membership / 2,
                stop_deadline: self.config.shutdown_timeout,
                saves: config.session_directory.is_some(),
            },
            reset,
            errors: config.errors,
            dead_letters,
        }
    }
}
