//! What librdkafka reports about its connections, for the error of a call that got no answer.

use std::time::Duration;

use parking_lot::Mutex;
use rdkafka::client::{ClientContext, DefaultClientContext};
use rdkafka::config::RDKafkaLogLevel;
use rdkafka::consumer::ConsumerContext;
use rdkafka::error::{KafkaError, RDKafkaErrorCode as Code};

/// Keeps the errors of a client.
#[derive(Debug, Default)]
pub(crate) struct ErrorCapture {
    found: Mutex<Found>,
    /// Log lines are kept as possible reasons; otherwise they are logged.
    keeps_logs: bool,
}

#[derive(Debug, Default)]
struct Found {
    error: Option<String>,
    /// A connection that the other side closed: librdkafka only logs it, with a guess at the cause.
    log: Option<String>,
    /// "All brokers are down", or the error of a call: both are less precise than the others.
    general: Option<String>,
    hopeless: bool,
}

impl ErrorCapture {
    /// A capture that keeps log lines and logs nothing.
    pub(crate) fn with_logs() -> Self {
        Self { keeps_logs: true, ..Self::default() }
    }

    /// Adds the error of a call.
    pub(crate) fn note(&self, reason: &str) {
        self.found.lock().general.get_or_insert_with(|| reason.to_owned());
    }

    /// Waiting does not help: the credentials are refused, or the TLS handshake fails.
    pub(crate) fn is_hopeless(&self) -> bool {
        self.found.lock().hopeless
    }

    /// The most precise reason that was reported.
    pub(crate) fn reason(&self) -> Option<String> {
        let found = self.found.lock();
        found.error.clone().or_else(|| found.log.clone()).or_else(|| found.general.clone())
    }

    /// Why no answer came within `waited`.
    pub(crate) fn explained_reason(&self, waited: Duration) -> String {
        self.reason().map_or_else(|| format!("no answer within {waited:?}"), |reason| explained(&reason))
    }
}

impl ClientContext for ErrorCapture {
    fn log(&self, level: RDKafkaLogLevel, facility: &str, message: &str) {
        if !self.keeps_logs {
            DefaultClientContext.log(level, facility, message);
        } else if facility == "FAIL" {
            // The name of the thread stands in front.
            let message = message.split_once("]: ").map_or(message, |(_, message)| message);
            self.found.lock().log = Some(message.to_owned());
        }
    }

    fn error(&self, error: KafkaError, reason: &str) {
        let code = error.rdkafka_error_code();
        if code == Some(Code::AllBrokersDown) {
            return self.note(reason);
        }
        let mut found = self.found.lock();
        found.error = Some(reason.to_owned());
        found.hopeless |=
            matches!(code, Some(Code::Authentication | Code::SSL | Code::SaslAuthenticationFailed));
    }
}

impl ConsumerContext for ErrorCapture {}

/// An error of librdkafka, with what its text leaves out: it blames the authority for every certificate.
pub(crate) fn explained(reason: &str) -> String {
    if !reason.contains("broker certificate could not be verified") {
        return reason.to_owned();
    }
    format!(
        "{reason}; or the certificate is not for this host: connect by a name that it holds, or set \
         ssl.endpoint.identification.algorithm"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_reason_is_the_last_error_of_a_connection_before_any_other_report() {
        let capture = ErrorCapture::with_logs();
        let error = |code, reason| capture.error(KafkaError::Global(code), reason);
        assert_eq!(capture.explained_reason(Duration::from_secs(3)), "no answer within 3s");
        error(Code::AllBrokersDown, "1/1 brokers are down");
        capture.note("BrokerTransportFailure");
        assert_eq!(capture.reason().as_deref(), Some("1/1 brokers are down"));
        capture.log(RDKafkaLogLevel::Info, "FAIL", "[thrd:b:9092/1]: b:9092/1: Disconnected");
        capture.log(RDKafkaLogLevel::Info, "OTHER", "[thrd:b:9092/1]: other");
        assert_eq!(capture.reason().as_deref(), Some("b:9092/1: Disconnected"));
        error(Code::BrokerTransportFailure, "Connection refused");
        assert!(!capture.is_hopeless());
        error(Code::Authentication, "SASL authentication error");
        error(Code::AllBrokersDown, "1/1 brokers are down");
        assert_eq!(capture.reason().as_deref(), Some("SASL authentication error"));
        assert!(capture.is_hopeless());
    }
}
