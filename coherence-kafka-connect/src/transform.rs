//! Transforms and predicates: what changes a record between the converters and the task.

use std::fmt::Debug;

use crate::error::ConnectError;
use crate::record::Record;

/// `org.apache.kafka.connect.transforms.Transformation`.
pub trait Transform: Send + Sync + Debug {
    /// Returns the changed record, or `None` to drop it.
    ///
    /// # Errors
    /// Why this record cannot be changed.
    fn apply<'a>(&'a self, record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError>;

    /// Returns the full name of the Java class, or of the Rust type.
    fn class_name(&self) -> &'static str;

    /// Returns true where [`Transform::apply`] reads or writes headers. Headers are converted only if a transform or
    /// predicate of the chain uses them.
    fn uses_headers(&self) -> bool {
        false
    }
}

/// `org.apache.kafka.connect.transforms.predicates.Predicate`.
pub trait Predicate: Send + Sync + Debug {
    /// Returns true where the record fulfils the condition.
    fn test(&self, record: &Record<'_>) -> bool;

    /// Returns the full name of the Java class, or of the Rust type.
    fn class_name(&self) -> &'static str;

    /// Returns true where [`Predicate::test`] reads headers.
    fn uses_headers(&self) -> bool {
        false
    }
}
