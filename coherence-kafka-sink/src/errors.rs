//! The handling of records that cannot be delivered, with the names and texts of Kafka Connect.
//!
//! Owns: the policies, the report of a bad record, and the dead letter queue. Never does: decide which offset
//! may be committed; that is the delivery's, which counts a record as done when its policy is carried out.
//!
//! ```text
//! reporter.rs      pure: error → log line, counters, and the record for the queue
//! discarded.rs     the line for records without key
//! dead_letter.rs   the queue: created at the start, each record acknowledged
//! ```

pub(crate) mod dead_letter;
pub(crate) mod discarded;
pub(crate) mod reporter;

/// `errors.tolerance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Tolerance {
    /// A bad record fails its task.
    #[default]
    None,
    /// A bad record is reported and skipped.
    All,
}

/// The policy for records with a null key.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NullKeys {
    /// Discarded, logged, counted, and sent to the dead letter queue if one is configured.
    #[default]
    Ignore,
    /// Bad records like others.
    Fail,
}

/// The policy for records with a null value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum NullValues {
    /// Their keys are removed.
    #[default]
    Delete,
    /// Passed over and counted.
    Ignore,
    /// Bad records like others.
    Fail,
}

/// The policy for bad records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ErrorPolicy {
    /// `errors.tolerance`.
    pub tolerance: Tolerance,
    /// `errors.log.enable`.
    pub log: bool,
    /// `errors.log.include.messages`: the log names topic, partition, offset and timestamp, never bytes.
    pub log_records: bool,
    /// A dead letter queue is configured.
    pub dead_letters: bool,
    /// `errors.deadletterqueue.context.headers.enable`.
    pub context_headers: bool,
    /// `behavior.on.null.keys`.
    pub null_keys: NullKeys,
    /// `behavior.on.null.values`.
    pub null_values: NullValues,
}

/// Where in Connect a record fails.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// `key.converter`.
    KeyConverter,
    /// `value.converter`.
    ValueConverter,
    /// `header.converter`, or a header that the connector reads.
    HeaderConverter,
    /// A transform.
    Transformation,
    /// The connector itself.
    TaskPut,
}

impl Stage {
    /// Returns Connect's name.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Stage::KeyConverter => "KEY_CONVERTER",
            Stage::ValueConverter => "VALUE_CONVERTER",
            Stage::HeaderConverter => "HEADER_CONVERTER",
            Stage::Transformation => "TRANSFORMATION",
            Stage::TaskPut => "TASK_PUT",
        }
    }
}

/// The description of a bad record in Connect's terms. Holds none of its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Blame {
    /// Where it failed.
    pub stage: Stage,
    /// The Java class that failed there.
    pub class: &'static str,
    /// The nearest Java exception.
    pub exception: &'static str,
    /// The message of that exception.
    pub message: String,
    /// The error in full, as the trace of a task shows it.
    pub trace: String,
}
