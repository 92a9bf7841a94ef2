//! The dead letter queue of a task.
//!
//! A record is done when the broker has acknowledged its dead letter; only then may its offset be committed. While no
//! broker is reachable, the dead letter is sent again; where the broker refuses it, the task fails, because the record
//! would be lost otherwise.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, TryRecvError, sync_channel};
use std::time::Duration;

use coherence_kafka_rdkafka::admin::{self, NewTopic, Unreachable};
use coherence_kafka_rdkafka::record::OutgoingRecord;
use coherence_kafka_rdkafka::record_producer::{RecordProducer, Unacknowledged};
use coherence_kafka_rdkafka::settings::ClientSettings;

/// How long one look-up of the topic, or its creation, may take.
const ATTEMPT: Duration = Duration::from_secs(10);
/// Pause between two look-ups.
const PAUSE: Duration = Duration::from_secs(1);

/// Where dead letters go.
#[derive(Debug, Clone)]
pub struct QueueOptions {
    /// `errors.deadletterqueue.topic.name`.
    pub topic: String,
    /// `errors.deadletterqueue.topic.partitions`.
    pub partitions: i32,
    /// `errors.deadletterqueue.topic.replication.factor`.
    pub replication: i32,
    /// Settings of the producer, by librdkafka's names.
    pub producer: ClientSettings,
    /// Settings of the client that creates the topic, by librdkafka's names.
    pub admin: ClientSettings,
}

/// The queue: each record that is sent to it has an outcome.
pub(crate) struct DeadLetterQueue {
    topic: String,
    producer: RecordProducer,
    /// Without outcome so far; kept because they may have to be sent again.
    sent: BTreeMap<usize, OutgoingRecord>,
    /// Those among them that found no room in the producer.
    waiting: Vec<usize>,
    made: Option<Receiver<Result<(), String>>>,
    closed: Arc<AtomicBool>,
}

impl std::fmt::Debug for DeadLetterQueue {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("DeadLetterQueue").field("topic", &self.topic).finish_non_exhaustive()
    }
}

impl DeadLetterQueue {
    /// Creates the producer, and starts to look up the topic.
    ///
    /// # Errors
    /// Settings that the Kafka client refuses.
    pub(crate) fn open(options: QueueOptions) -> Result<Self, String> {
        let producer = RecordProducer::new(&options.producer)?;
        let closed = Arc::new(AtomicBool::new(false));
        let (report, made) = sync_channel(1);
        let (topic, given_up) = (options.topic.clone(), closed.clone());
        std::thread::Builder::new()
            .name("dead-letter-topic".to_owned())
            .spawn(move || {
                if let Some(outcome) = make_topic(&options, &given_up) {
                    // The receiver is gone once the queue is closed.
                    let _ = report.send(outcome);
                }
            })
            .map_err(|error| error.to_string())?;
        Ok(Self { topic, producer, sent: BTreeMap::new(), waiting: Vec::new(), made: Some(made), closed })
    }

    /// Returns whether the topic exists; false while that is not known.
    ///
    /// # Errors
    /// Where it cannot be created.
    pub(crate) fn is_ready(&mut self) -> Result<bool, String> {
        let Some(made) = &self.made else { return Ok(true) };
        let outcome = match made.try_recv() {
            Ok(outcome) => outcome,
            Err(TryRecvError::Empty) => return Ok(false),
            Err(TryRecvError::Disconnected) => {
                Err("the look-up of the topic ended without an outcome".to_owned())
            }
        };
        self.made = None;
        outcome.map(|()| true).map_err(|reason| {
            format!("topic {} cannot be created: {reason}; {}", self.topic, advice(&reason))
        })
    }

    /// Sends a record; its outcome arrives under `number`.
    pub(crate) fn send(&mut self, number: usize, record: OutgoingRecord) -> Option<Result<(), String>> {
        match self.producer.send(number, &self.topic, &record) {
            Err(Unacknowledged::Refused(reason)) => Some(Err(self.refusal(&reason))),
            outcome => {
                if outcome.is_err() {
                    self.waiting.push(number);
                }
                self.sent.insert(number, record);
                None
            }
        }
    }

    /// Outcomes since the last call.
    pub(crate) fn outcomes(&mut self) -> Vec<(usize, Result<(), String>)> {
        let mut outcomes = Vec::new();
        for number in std::mem::take(&mut self.waiting) {
            let Some(record) = self.sent.remove(&number) else { continue };
            outcomes.extend(self.send(number, record).map(|outcome| (number, outcome)));
        }
        for (number, outcome) in self.producer.acknowledgements() {
            match outcome {
                Err(Unacknowledged::Away(reason)) => {
                    let Some(record) = self.sent.remove(&number) else { continue };
                    tracing::warn!(topic = self.topic, reason, "dead letter not acknowledged, retrying");
                    outcomes.extend(self.send(number, record).map(|outcome| (number, outcome)));
                }
                Err(Unacknowledged::Refused(reason)) => {
                    self.sent.remove(&number);
                    outcomes.push((number, Err(self.refusal(&reason))));
                }
                Ok(()) => {
                    self.sent.remove(&number);
                    outcomes.push((number, Ok(())));
                }
            }
        }
        outcomes
    }

    fn refusal(&self, reason: &str) -> String {
        format!("dead letter queue {}: {reason}", self.topic)
    }
}

impl Drop for DeadLetterQueue {
    fn drop(&mut self) {
        self.closed.store(true, Ordering::Release);
    }
}

/// Returns what to change where the topic cannot be created.
fn advice(reason: &str) -> &'static str {
    // The code of the broker by its name: too few brokers for the replicas.
    if reason.contains("InvalidReplicationFactor") {
        "set errors.deadletterqueue.topic.replication.factor to at most the number of brokers (1 on a single one), or \
         create the topic yourself"
    } else {
        "create it yourself, or check admin.override.* and producer.override.* of the connector"
    }
}

/// Looks the topic up, and creates it where it does not exist. Returns `None` once the queue is closed.
fn make_topic(options: &QueueOptions, closed: &AtomicBool) -> Option<Result<(), String>> {
    let QueueOptions { topic, partitions, replication, admin: settings, .. } = options;
    while !closed.load(Ordering::Acquire) {
        match admin::topic_names(settings, ATTEMPT) {
            Ok(topics) if topics.iter().any(|known| known == topic) => return Some(Ok(())),
            Ok(_) => {
                tracing::info!(topic, "dead letter topic does not exist, creating it");
                let new = NewTopic {
                    name: topic,
                    partitions: *partitions,
                    replication: Some(*replication),
                    configuration: &[],
                };
                return Some(admin::create_topic(settings, &new, ATTEMPT));
            }
            Err(Unreachable { reason, hopeless: true }) => return Some(Err(reason)),
            // No broker is available: neither are the records of the topics, and the task waits for both.
            Err(Unreachable { reason, .. }) => {
                tracing::warn!(
                    topic,
                    reason,
                    "dead letter topic not looked up, retrying; no records are read meanwhile"
                );
                std::thread::park_timeout(PAUSE);
            }
        }
    }
    None
}
