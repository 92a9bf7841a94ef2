//! Why an entry did not become a record.

use coherence_kafka_common::pass_through::{Fault, Part, PassThroughError};
use coherence_kafka_common::serializer::SerializerError;
use coherence_kafka_connect::decode::DecodeError;
use coherence_kafka_connect::error::ConnectError;
use coherence_kafka_connect::transform::TransformFailure;
use coherence_kafka_rdkafka::producer::SendError;

/// Why an entry did not become a record, by whose fault it is. Holds no bytes of key or value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The entry store of a topic does not support the operation.
    #[error("{0} is not supported by an entry store of a kafka topic")]
    Unsupported(&'static str),
    /// The key or value cannot be serialized in the form of the topic.
    #[error("{part} cannot be serialized: {error}")]
    Serializer {
        /// Which of the two.
        part: Part,
        /// The error of the serializer.
        error: SerializerError,
    },
    /// The key or value is not a Coherence binary that could pass through.
    #[error(transparent)]
    PassThrough(#[from] PassThroughError),
    /// The key or value is not a Coherence binary that a serializer could read.
    #[error("{part} {fault}")]
    Binary {
        /// Which of the two.
        part: Part,
        /// What is wrong with it.
        fault: Fault,
    },
    /// The converters or transforms of the topic make no record of the entry.
    #[error(transparent)]
    Conversion(#[from] ConversionError),
    /// Kafka never accepts this record: it is too large, or the broker refuses it as invalid. `max.request.size`
    /// counts, too: the text names the limit that was exceeded.
    #[error("refused by kafka: {0}")]
    Refused(String),
    /// Kafka accepts no record of this topic until an operator acts: the topic does not exist, or the user has no
    /// permission or wrong credentials. The text names the topic and what to do. The record is not in the topic.
    #[error("blocked until an operator acts: {0}")]
    Blocked(String),
    /// Kafka did not acknowledge the record in time: it may or may not be in the topic, and the text states which,
    /// where that is known.
    #[error("not acknowledged by kafka: {0}")]
    Unavailable(String),
    /// Nothing was sent: the entries without acknowledgement fill the buffer of the store. Reported before the call of
    /// the store returns, and from there on for every entry of that call, so that none overtakes another.
    #[error("not sent: the buffer of the entry store is full (buffer.memory); retry when space is available")]
    Full,
    /// The store was closed: the record was not sent, or not acknowledged before the deadline of the close.
    #[error("the entry store is closed")]
    Closed,
}

impl StoreError {
    /// Returns true where the same entry may succeed soon, by itself. [`StoreError::Blocked`] is not: it may succeed
    /// after an operator has acted.
    pub fn is_retriable(&self) -> bool {
        match self {
            StoreError::Unavailable(_) | StoreError::Full => true,
            StoreError::Serializer { error, .. } => matches!(error, SerializerError::Unavailable(_)),
            StoreError::Conversion(error) => error.is_retriable(),
            _ => false,
        }
    }
}

/// Why an entry has no record. Names the part of it, never its bytes.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ConversionError {
    /// The entry cannot be read.
    #[error("{part} cannot be read: {error}")]
    Decode {
        /// Which of the two.
        part: Part,
        /// Why.
        error: DecodeError,
    },
    /// The converter refuses the data.
    #[error("{part} cannot be converted: {error}")]
    Convert {
        /// Which of the two.
        part: Part,
        /// Why.
        error: ConnectError,
    },
    /// The header converter refuses a header that a transform has added.
    #[error("header {name} cannot be converted: {error}")]
    Header {
        /// The name of the header.
        name: String,
        /// Why.
        error: ConnectError,
    },
    /// A transform fails.
    #[error("transform {} failed: {}", .0.class, .0.error)]
    Transform(TransformFailure),
    /// A transform has changed what belongs to the map.
    #[error(
        "a transform has changed the {what} of the record, which belongs to the map: leave this transform out"
    )]
    Changed {
        /// Key or topic.
        what: &'static str,
    },
    /// The key of the record does not show which key of the map it was. Only a source, which reads topics, needs that.
    #[error(
        "key of the record does not lead back to the key of the map, whose type the key converter loses: choose another \
         key.converter, or describe the type of the key in coherence.mapping.file"
    )]
    OneWay,
    /// The key is null.
    #[error("key cannot be converted: a record of a map needs a key, and this one became null")]
    NullKey,
}

impl ConversionError {
    /// Returns true where a peer, such as a schema registry, is unavailable, and the entry is not at fault.
    pub fn is_retriable(&self) -> bool {
        match self {
            ConversionError::Convert { error, .. } | ConversionError::Header { error, .. } => {
                error.is_retriable()
            }
            ConversionError::Transform(failure) => failure.error.is_retriable(),
            _ => false,
        }
    }
}

impl From<SendError> for StoreError {
    fn from(error: SendError) -> Self {
        match error {
            SendError::Refused(reason) => StoreError::Refused(reason),
            SendError::Blocked(remedy) => StoreError::Blocked(remedy),
            SendError::Unavailable(reason) => StoreError::Unavailable(reason),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_failure_of_the_producer_keeps_its_text_and_only_an_unavailable_one_is_retriable() {
        let reason = || "reason".to_owned();
        for error in
            [SendError::Refused(reason()), SendError::Blocked(reason()), SendError::Unavailable(reason())]
        {
            let (text, retriable) = (error.to_string(), matches!(error, SendError::Unavailable(_)));
            let error = StoreError::from(error);
            assert_eq!((error.to_string(), error.is_retriable()), (text, retriable));
        }
    }
}
