//! From a validated configuration to running tasks.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coherence_kafka_connect::encode::Encoder;

use super::{CreateError, TaskHandle, Worker};
use crate::config::{ConnectorConfig, SessionKind, Topics};
use crate::counters::Counters;
use crate::kafka::consumer::StartAt;
use crate::pipeline::{Form, Pipeline};
use crate::task::{Task, TaskOptions, TaskParts};
use crate::writer::{Backoff, Writer};

/// `session.timeout.ms` where nobody sets it, in librdkafka as in Java.
const SESSION_TIMEOUT: Duration = Duration::from_secs(45);
/// `max.poll.interval.ms` where nobody sets it.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(300);

impl Worker {
    /// Starts the tasks of a connector: all of them, or none.
    pub(super) fn start_tasks(&self, config: &ConnectorConfig) -> Result<Vec<TaskHandle>, CreateError> {
        let not_started = |reason: String| CreateError::NotStarted { name: config.name.clone(), reason };
        let session = (self.open)(&config.session).map_err(|error| not_started(error.to_string()))?;
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
        });
        let mappings = Arc::new(config.mappings.clone());
        let mut handles: Vec<TaskHandle> = Vec::new();
        for number in 0..config.tasks_max {
            let counters = Arc::new(Counters::default());
            let stop = Arc::new(AtomicBool::new(false));
            let options = self.task_options(config, number);
            let name = options.name.clone();
            let backoff = Backoff {
                min: config.retry_backoff,
                max: config.retry_backoff_max,
                timeout: config.retry_timeout,
            };
            let writer = Writer::new(session.clone(), backoff, counters.clone(), name.clone());
            let parts = TaskParts {
                pipeline: pipeline.clone(),
                mappings: mappings.clone(),
                writer: Arc::new(writer),
                runtime: self.runtime.clone(),
                counters: counters.clone(),
                stop: stop.clone(),
            };
            let started = Task::new(options, parts).map_err(|error| error.to_string()).and_then(|task| {
                TaskHandle::spawn(name, task, counters, stop).map_err(|error| error.to_string())
            });
            match started {
                Ok(handle) => handles.push(handle),
                Err(reason) => {
                    handles.iter().for_each(|h| h.stop.store(true, Ordering::Release));
                    self.join(handles);
                    return Err(not_started(reason));
                }
            }
        }
        Ok(handles)
    }

    fn task_options(&self, config: &ConnectorConfig, number: u32) -> TaskOptions {
        let mut consumer = config.consumer_settings(number);
        if let Some(bootstrap) = &self.bootstrap {
            consumer.retain(|(key, _)| key != "bootstrap.servers");
            consumer.push(("bootstrap.servers".to_owned(), bootstrap.clone()));
        }
        let millis = |name: &str, default| {
            let set = consumer.iter().find_map(|(key, value)| (key == name).then(|| value.parse().ok())?);
            set.map_or(default, Duration::from_millis)
        };
        let membership = millis("session.timeout.ms", SESSION_TIMEOUT)
            .min(millis("max.poll.interval.ms", MAX_POLL_INTERVAL));
        TaskOptions {
            name: format!("{}-{number}", config.name),
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
            batch_records: config.batch_records,
            batch_bytes: config.batch_bytes,
            linger: config.batch_linger,
            flush_interval: self.config.offset_flush_interval,
            flush_timeout: self.config.offset_flush_timeout,
            revoke_deadline: membership / 2,
            stop_deadline: self.config.shutdown_timeout,
        }
    }
}
