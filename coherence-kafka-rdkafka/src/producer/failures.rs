//! The meaning of a code of librdkafka or of a broker for a record: the cause and the remedy.

use parking_lot::Mutex;
use rdkafka::bindings::rd_kafka_msg_status_t as Status;
use rdkafka::error::RDKafkaErrorCode as Code;

use crate::error_capture::explained;

/// Why a record is not in its topic, or may not be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum SendError {
    /// Kafka never accepts this record. The text names the reason, and the limit where one was exceeded.
    #[error("refused by kafka: {0}")]
    Refused(String),
    /// Kafka accepts no record of this topic until an operator acts. The text names the topic and the remedy. The record is
    /// not in the topic.
    #[error("blocked until an operator acts: {0}")]
    Blocked(String),
    /// Kafka did not acknowledge the record in time. The text states whether the record may be in the topic.
    #[error("not acknowledged by kafka: {0}")]
    Unavailable(String),
}

/// Whether a record that failed may be in its topic all the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Persisted {
    No,
    Perhaps,
}

impl Persisted {
    pub(super) fn of(status: Status) -> Self {
        match status {
            Status::RD_KAFKA_MSG_STATUS_NOT_PERSISTED => Persisted::No,
            _ => Persisted::Perhaps,
        }
    }

    pub(super) fn words(self) -> &'static str {
        match self {
            Persisted::No => "is not in the topic",
            Persisted::Perhaps => "may be in the topic",
        }
    }
}

/// The last error of a client's connections: the cause of what only timed out.
#[derive(Debug, Default)]
pub(super) struct LastError(Mutex<Option<(Code, String)>>);

impl LastError {
    pub(super) fn note(&self, code: Code, reason: &str) {
        let mut last = self.0.lock();
        // "all brokers are down" is less precise than the reason before it.
        if code != Code::AllBrokersDown || last.is_none() {
            *last = Some((code, explained(reason.trim())));
        }
    }

    /// A broker has acknowledged something: what was noted before is not why the next record fails.
    pub(super) fn forget(&self) {
        *self.0.lock() = None;
    }

    pub(super) fn reason(&self) -> Option<String> {
        self.get().map(|(_, reason)| reason)
    }

    fn get(&self) -> Option<(Code, String)> {
        self.0.lock().clone()
    }
}

/// Sorts a failure. A code that is not known to be permanent is [`SendError::Unavailable`].
pub(super) fn sorted(code: Code, topic: &str, persisted: Persisted, last: &LastError) -> SendError {
    if let Some(remedy) = blocked(code, topic) {
        return SendError::Blocked(format!("{remedy} ({})", text(code)));
    }
    match code {
        Code::MessageSizeTooLarge | Code::MessageBatchTooLarge => SendError::Refused(format!(
            "the broker accepts no record of this size: raise max.message.bytes of topic {topic} ({})",
            text(code)
        )),
        Code::InvalidMessageSize
        | Code::InvalidRecord
        | Code::InvalidTimestamp
        | Code::UnsupportedForMessageFormat
        | Code::PolicyViolation
        | Code::InvalidRequiredAcks
        | Code::InvalidArgument => SendError::Refused(text(code)),
        Code::MessageTimedOut => timed_out(topic, persisted, last),
        code => SendError::Unavailable(format!("{}; the record {}", text(code), persisted.words())),
    }
}

/// A record that expires has no reason of its own.
fn timed_out(topic: &str, persisted: Persisted, last: &LastError) -> SendError {
    let text = text(Code::MessageTimedOut);
    match last.get() {
        Some((Code::Authentication | Code::SaslAuthenticationFailed, cause))
            if persisted == Persisted::No =>
        {
            SendError::Blocked(format!(
                "topic {topic}: correct the credentials of the user: {cause} ({text})"
            ))
        }
        Some((_, cause)) => {
            SendError::Unavailable(format!("{text}: {cause}; the record {}", persisted.words()))
        }
        None => SendError::Unavailable(format!("{text}; the record {}", persisted.words())),
    }
}

/// What an operator has to do before the topic accepts a record.
fn blocked(code: Code, topic: &str) -> Option<String> {
    // A broker that creates topics automatically refuses such a name without an error.
    let collides = if topic.contains(['.', '_']) {
        "; no broker creates a topic whose name differs only in dots and underscores from that of another one"
    } else {
        ""
    };
    Some(match code {
        Code::UnknownTopic | Code::UnknownTopicOrPartition => {
            format!("topic {topic} does not exist: create it{collides}")
        }
        Code::InvalidTopic => {
            format!("the broker refuses the name of topic {topic}: choose another one{collides}")
        }
        Code::TopicAuthorizationFailed => {
            format!("no permission for topic {topic}: grant the user Write and Describe on it")
        }
        Code::ClusterAuthorizationFailed => {
            format!("no permission for topic {topic}: grant the user IdempotentWrite on the cluster")
        }
        Code::TransactionalIdAuthorizationFailed => {
            format!(
                "no permission for topic {topic}: grant the user Write and Describe on the transactional id"
            )
        }
        Code::Authentication | Code::SaslAuthenticationFailed => {
            format!("topic {topic}: correct the credentials of the user")
        }
        _ => return None,
    })
}

pub(super) fn text(code: Code) -> String {
    code.to_string()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_code_is_retriable_or_blocked_or_refused() {
        let of = |code| sorted(code, "t", Persisted::No, &LastError::default());
        for code in [Code::NotEnoughReplicas, Code::QueueFull, Code::BrokerTransportFailure, Code::Unknown] {
            assert!(matches!(of(code), SendError::Unavailable(_)), "{code:?}");
        }
        let blocked = [
            Code::UnknownTopic,
            Code::UnknownTopicOrPartition,
            Code::InvalidTopic,
            Code::TopicAuthorizationFailed,
            Code::ClusterAuthorizationFailed,
            Code::TransactionalIdAuthorizationFailed,
            Code::Authentication,
            Code::SaslAuthenticationFailed,
        ];
        for code in blocked {
            assert!(matches!(of(code), SendError::Blocked(text) if text.contains("topic t")), "{code:?}");
        }
        for code in [Code::MessageSizeTooLarge, Code::InvalidRecord, Code::InvalidTimestamp] {
            assert!(matches!(of(code), SendError::Refused(_)), "{code:?}");
        }
    }

    #[test]
    fn a_timeout_names_the_last_error_of_the_connections() {
        let last = LastError::default();
        let of = |persisted| sorted(Code::MessageTimedOut, "t", persisted, &last).to_string();
        assert_eq!(
            of(Persisted::No),
            "not acknowledged by kafka: MessageTimedOut (Local: Message timed out); the record is not in the topic"
        );
        last.note(Code::BrokerTransportFailure, "b:9092/bootstrap: Connect failed: Connection refused");
        last.note(Code::AllBrokersDown, "1/1 brokers are down");
        assert_eq!(
            of(Persisted::Perhaps),
            "not acknowledged by kafka: MessageTimedOut (Local: Message timed out): b:9092/bootstrap: Connect failed: \
             Connection refused; the record may be in the topic"
        );
        last.note(Code::Authentication, "b:9092/bootstrap: SASL authentication error");
        assert_eq!(
            of(Persisted::No),
            "blocked until an operator acts: topic t: correct the credentials of the user: b:9092/bootstrap: SASL \
             authentication error (MessageTimedOut (Local: Message timed out))"
        );
        last.forget();
        assert!(!of(Persisted::No).contains("SASL"));
    }

    #[test]
    fn the_error_of_a_missing_topic_names_a_possible_collision() {
        let of = |topic| sorted(Code::UnknownTopic, topic, Persisted::No, &LastError::default()).to_string();
        assert_eq!(
            of("orders"),
            "blocked until an operator acts: topic orders does not exist: create it (UnknownTopic (Local: Unknown \
             topic))"
        );
        assert!(of("org_example").contains("differs only in dots and underscores"), "{}", of("org_example"));
    }
}
