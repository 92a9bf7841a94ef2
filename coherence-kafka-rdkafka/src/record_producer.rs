//! A producer for few records, such as dead letters: it separates an outage from a refusal.

use std::fmt;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::Statistics;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};

use crate::record::OutgoingRecord;
use crate::settings::client_config;

/// Why a record was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Unacknowledged {
    /// No broker was reachable: another attempt may succeed.
    Away(String),
    /// The record was not accepted, and another attempt would fail too.
    Refused(String),
}

/// The outcome of a record, by the number it was sent with.
pub type Acknowledgement = (usize, Result<(), Unacknowledged>);

/// A producer that reports the outcome of every record.
pub struct RecordProducer {
    client: ThreadedProducer<Reports>,
}

impl fmt::Debug for RecordProducer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RecordProducer").finish_non_exhaustive()
    }
}

/// How often librdkafka reports which of its connections are up.
const REPORT_INTERVAL: Duration = Duration::from_secs(1);

/// librdkafka's default of `message.timeout.ms`.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(300);

struct Reports {
    arrived: Mutex<Vec<Acknowledgement>>,
    /// When no broker was connected for the last time.
    unconnected: Mutex<Option<Instant>>,
    /// `message.timeout.ms`, but never so short that an outage could lie between two reports.
    patience: Duration,
}

impl RecordProducer {
    /// A producer with librdkafka's `settings`.
    ///
    /// # Errors
    /// A setting that librdkafka refuses.
    pub fn new(settings: &[(String, String)]) -> Result<Self, String> {
        let mut config = client_config(settings);
        config.set("statistics.interval.ms", REPORT_INTERVAL.as_millis().to_string());
        let timeout = ["message.timeout.ms", "delivery.timeout.ms"]
            .into_iter()
            .find_map(|name| config.get(name)?.parse().ok().map(Duration::from_millis));
        let patience = timeout.unwrap_or(MESSAGE_TIMEOUT).max(REPORT_INTERVAL * 3);
        let reports = Reports { arrived: Mutex::default(), unconnected: Mutex::default(), patience };
        let client = config.create_with_context(reports).map_err(|e| e.to_string())?;
        Ok(Self { client })
    }

    /// Queues a record. Its acknowledgement has the same `number`.
    ///
    /// # Errors
    /// Why it is not queued.
    pub fn send(&self, number: usize, topic: &str, record: &OutgoingRecord) -> Result<(), Unacknowledged> {
        let mut outgoing = BaseRecord::<[u8], [u8], usize>::with_opaque_to(topic, number);
        outgoing.key = record.key.as_deref();
        outgoing.payload = record.value.as_deref();
        outgoing.timestamp = record.timestamp;
        if !record.headers.is_empty() {
            let mut headers = OwnedHeaders::new_with_capacity(record.headers.len());
            for (key, value) in &record.headers {
                headers = headers.insert(KafkaHeader { key, value: value.as_deref() });
            }
            outgoing.headers = Some(headers);
        }
        self.client.send(outgoing).map_err(|(error, _)| match error {
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => {
                Unacknowledged::Away(error.to_string())
            }
            error => Unacknowledged::Refused(error.to_string()),
        })
    }

    /// Returns the outcomes since the last call.
    pub fn acknowledgements(&self) -> Vec<Acknowledgement> {
        std::mem::take(&mut *self.client.context().arrived.lock())
    }

    /// Waits until every queued record has an outcome. Returns false when `deadline` passed first.
    pub fn flush(&self, deadline: Duration) -> bool {
        self.client.flush(deadline).is_ok()
    }
}

impl Reports {
    /// Whether an outage explains that a record was not acknowledged in time. It explains every record of its time, not only
    /// the first that expires.
    fn in_outage(&self) -> bool {
        self.unconnected.lock().is_some_and(|last| last.elapsed() <= self.patience)
    }
}

impl ClientContext for Reports {
    // AllBrokersDown alone is not enough: librdkafka does not specify how often it reports it during an outage.
    fn stats(&self, statistics: Statistics) {
        if !statistics.brokers.values().any(|broker| broker.state == "UP") {
            *self.unconnected.lock() = Some(Instant::now());
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.unconnected.lock() = Some(Instant::now());
        }
        tracing::debug!(%error, reason, "kafka record producer reported an error");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let outcome = match result {
            Ok(_) => Ok(()),
            Err((error, _)) => {
                let timed_out = error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageTimedOut);
                // A reachable broker that leaves a record unacknowledged for this long will not accept it.
                Err(if timed_out && self.in_outage() {
                    Unacknowledged::Away(error.to_string())
                } else {
                    Unacknowledged::Refused(error.to_string())
                })
            }
        };
        self.arrived.lock().push((number, outcome));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_record_that_expired_while_no_broker_was_reachable_may_be_sent_again() {
        // No process listens on port 1.
        let settings = [("bootstrap.servers", "127.0.0.1:1"), ("message.timeout.ms", "1500")]
            .map(|(name, value)| (name.to_owned(), value.to_owned()));
        let producer = RecordProducer::new(&settings).unwrap();
        for number in 0..3 {
            producer.send(number, "t", &OutgoingRecord::default()).unwrap();
        }
        assert!(producer.flush(Duration::from_secs(30)));
        let acknowledgements = producer.acknowledgements();
        assert_eq!(acknowledgements.len(), 3);
        for (number, outcome) in acknowledgements {
            assert!(matches!(outcome, Err(Unacknowledged::Away(_))), "{number}: {outcome:?}");
        }
    }
}
