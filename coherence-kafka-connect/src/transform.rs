//! Transforms and predicates: what changes a record between the converters and the task.
//!
//! Owns: the transforms and predicates of Connect by the names of their classes, with their settings and errors, and the
//! chain of them that a connector's properties name. Never does: convert bytes, count errors or decide about a bad record.
//!
//! ```text
//! properties, Classes → Transforms:  Record → Record | dropped | TransformFailure
//!
//! chain.rs       the chain, created from properties        classes.rs   the table of classes
//! class.rs       what a class is
//! part.rs        the key or the value of a record           schemas.rs   derived schemas, cached
//! field_path.rs  the place of a field                       rename.rs    new names by an expression
//! predicates.rs, and one file for each transform            debezium.rs  Debezium's transforms
//! ```

use std::fmt::Debug;

use crate::error::ConnectError;
use crate::record::Record;

mod cast;
mod chain;
mod class;
mod classes;
mod debezium;
mod drop_headers;
mod extract_field;
mod field_path;
mod filter;
mod flatten;
mod header_from;
mod hoist_field;
mod insert_field;
mod insert_header;
mod mask_field;
mod part;
mod predicates;
mod rename;
mod replace_field;
mod routers;
mod schemas;
mod set_schema_metadata;
mod settings;
mod timestamp_converter;
mod topics;
mod value_to_key;

pub use chain::{TransformFailure, Transforms};
use class::Created;
pub use class::{CreateResult, PredicateClass, TransformClass};
pub use classes::Classes;
pub use field_path::FieldPath;
pub use rename::Rename;

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

#[cfg(test)]
mod tests;
