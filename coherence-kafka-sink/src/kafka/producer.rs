//! Records whose acknowledgement is seen.

use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
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

#[derive(Default)]
struct Reports {
    arrived: Mutex<Vec<Acknowledgement>>,
    /// No broker has been reached since the last acknowledgement.
    brokers_down: AtomicBool,
}

impl RecordProducer {
    /// A producer with librdkafka's `settings`.
    ///
    /// # Errors
    /// A setting that librdkafka refuses.
    pub fn new(settings: &ClientSettings) -> Result<Self, String> {
        let client =
            client_config(settings).create_with_context(Reports::default()).map_err(|e| e.to_string())?;
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

impl ClientContext for Reports {
    fn error(&self, error: KafkaError, reason: &str) {
        if error.rdkafka_error_code() == Some(RDKafkaErrorCode::AllBrokersDown) {
            self.brokers_down.store(true, Ordering::Relaxed);
        }
        tracing::debug!(%error, reason, "kafka producer");
    }
}

impl ProducerContext for Reports {
    type DeliveryOpaque = usize;

    fn delivery(&self, result: &DeliveryResult<'_>, number: usize) {
        let outcome = match result {
            Ok(_) => {
                self.brokers_down.store(false, Ordering::Relaxed);
                Ok(())
            }
            Err((error, _)) => {
                let timed_out = error.rdkafka_error_code() == Some(RDKafkaErrorCode::MessageTimedOut);
                // A broker that is there and leaves a record unacknowledged for so long will not take it.
                Err(if timed_out && self.brokers_down.swap(false, Ordering::Relaxed) {
                    SendError::Away(error.to_string())
                } else {
                    SendError::Refused(error.to_string())
                })
            }
        };
        self.arrived.lock().push((number, outcome));
    }
}
