//! Records whose acknowledgement is seen.

use std::time::{Duration, Instant};

use parking_lot::Mutex;
use rdkafka::Statistics;
use rdkafka::client::ClientContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode};
use rdkafka::message::{Header as KafkaHeader, OwnedHeaders};
use rdkafka::producer::{BaseRecord, DeliveryResult, Producer as _, ProducerContext, ThreadedProducer};

use super::batch::Header;
use super::{ClientSettings, client_config};

/// A record to be produced.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct OutgoingRecord {
    /// Key bytes, or null.
    pub key: Option<Vec<u8>>,
    /// Value bytes, or null.
    pub value: Option<Vec<u8>>,
    /// Headers, in order.
    pub headers: Vec<Header>,
    /// Milliseconds since 1970; without it, and at 0, librdkafka takes the present.
    pub timestamp: Option<i64>,
}

impl OutgoingRecord {
    /// Bytes of its key, its value and its headers, their names included.
    pub fn bytes(&self) -> usize {
        let len = |bytes: &Option<Vec<u8>>| bytes.as_ref().map_or(0, Vec::len);
        let headers: usize = self.headers.iter().map(|(name, value)| name.len() + len(value)).sum();
        len(&self.key) + len(&self.value) + headers
    }
}

/// Why a record was not acknowledged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SendError {
    /// No broker could be reached: the record may be sent again.
    Away(String),
    /// The record was not taken, and it would not be the next time.
    Refused(String),
}

/// What became of a record, by the number it was sent with.
pub type Acknowledgement = (usize, Result<(), SendError>);

/// A producer that says of every record what became of it.
pub struct RecordProducer {
    client: ThreadedProducer<Reports>,
}

/// How often librdkafka tells which of its connections are up.
const LOOK: Duration = Duration::from_secs(1);

/// librdkafka's default of `message.timeout.ms`.
const MESSAGE_TIMEOUT: Duration = Duration::from_secs(300);

struct Reports {
    arrived: Mutex<Vec<Acknowledgement>>,
    /// When no broker was connected, the last time.
    unconnected: Mutex<Option<Instant>>,
    /// `message.timeout.ms`, but never so short that an outage could lie between two looks.
    patience: Duration,
}

impl RecordProducer {
    /// A producer with librdkafka's `settings`.
    ///
    /// # Errors
    /// A setting that librdkafka refuses.
    pub fn new(settings: &ClientSettings) -> Result<Self, String> {
        let mut config = client_config(settings);
        config.set("statistics.interval.ms", LOOK.as_millis().to_string());
        let timeout = ["message.timeout.ms", "delivery.timeout.ms"]
            .into_iter()
            .find_map(|name| config.get(name)?.parse().ok().map(Duration::from_millis));
        let patience = timeout.unwrap_or(MESSAGE_TIMEOUT).max(LOOK * 3);
        let reports = Reports { arrived: Mutex::default(), unconnected: Mutex::default(), patience };
        let client = config.create_with_context(reports).map_err(|e| e.to_string())?;
        Ok(Self { client })
    }

    /// Queues a record; what becomes of it arrives under `number`.
    ///
    /// # Errors
    /// It cannot even be queued.
    pub fn send(&self, number: usize, topic: &str, record: &OutgoingRecord) -> Result<(), SendError> {
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
            KafkaError::MessageProduction(RDKafkaErrorCode::QueueFull) => SendError::Away(error.to_string()),
            error => SendError::Refused(error.to_string()),
        })
    }

    /// What has become of records since the last call.
    pub fn acknowledgements(&self) -> Vec<Acknowledgement> {
        std::mem::take(&mut *self.client.context().arrived.lock())
    }

    /// Waits until everything queued has an outcome. False when `deadline` passed first.
    pub fn flush(&self, deadline: Duration) -> bool {
        self.client.flush(deadline).is_ok()
    }
}

impl Reports {
    /// Whether an outage explains that a record was not acknowledged in time. It does so for every record of its
    /// time, not only for the first that is given up.
    fn in_outage(&self) -> bool {
        self.unconnected.lock().is_some_and(|last| last.elapsed() <= self.patience)
    }
}

impl ClientContext for Reports {
    // AllBrokersDown alone is not enough: how often it comes during an outage is not laid down.
    fn stats(&self, statistics: Statistics) {
        if !statistics.brokers.values().any(|broker| broker.state == "UP") {
            *self.unconnected.lock() = Some(Instant::now());
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            *self.unconnected.lock() = Some(Instant::now());
        }
        tracing::debug!(%error, reason, "kafka producer");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let outcome = match result {
            Ok(_) => Ok(()),
            Err((error, _)) => {
                let timed_out = error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageTimedOut);
                // A broker that is there and leaves a record unacknowledged for so long will not take it.
                Err(if timed_out && self.in_outage() {
                    SendError::Away(error.to_string())
                } else {
                    SendError::Refused(error.to_string())
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
    fn every_record_that_was_given_up_while_no_broker_was_there_may_be_sent_again() {
        // Nobody listens on port 1.
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
            assert!(matches!(outcome, Err(SendError::Away(_))), "{number}: {outcome:?}");
        }
    }
}
