//! What librdkafka says about its connections, for the error of a call that only found that nothing came.

use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::client::ClientContext;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

#[derive(Debug, Default)]
pub(super) struct Looking(Mutex<Option<String>>);

impl Looking {
    /// Something else that was said.
    pub(super) fn note(&self, reason: &str) {
        self.0.lock().get_or_insert_with(|| reason.to_owned());
    }

    /// Why nothing came.
    pub(super) fn reason(&self, waited: Duration) -> String {
        self.0.lock().take().unwrap_or_else(|| format!("no answer within {waited:?}"))
    }
}

impl ClientContext for Looking {
    fn error(&self, error: KafkaError, reason: &str) {
        let mut said = self.0.lock();
        // "all brokers are down" says less than the reason before it.
        if error.rdkafka_error_code() != Some(Code::AllBrokersDown) || said.is_none() {
            *said = Some(explained(reason));
        }
    }
}

/// An error of librdkafka, with what its text leaves out: it blames the authority for every certificate.
pub(super) fn explained(reason: &str) -> String {
    if !reason.contains("broker certificate could not be verified") {
        return reason.to_owned();
    }
    format!(
        "{reason}; or the certificate is not for this host: connect by a name that it holds, or set \
         ssl.endpoint.identification.algorithm"
    )
}

impl ConsumerContext for Looking {}
