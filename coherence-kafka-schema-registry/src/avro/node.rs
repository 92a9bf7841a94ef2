//! The steps in which data is read.

use std::sync::Arc;

use coherence_kafka_connect::data::{Schema, Value};

/// How one value is read.
#[derive(Debug)]
pub(super) enum Node {
    Boolean,
    Int(Int),
    Long,
    Timestamp,
    Float,
    Double,
    Bytes,
    Fixed(usize),
    /// Bytes that are a number; of this size, if it is fixed.
    Decimal {
        fixed: Option<usize>,
        scale: i32,
    },
    String,
    Enum(Vec<Box<str>>),
    Array(Box<Node>),
    Map(Box<Node>),
    /// A map whose keys are no strings: an array of records of two fields, of which the second may come first.
    Entries {
        key: Box<Node>,
        value: Box<Node>,
        value_first: bool,
    },
    /// A record, and its schema here; none where the record contains itself.
    Record {
        position: usize,
        schema: Option<Arc<Schema>>,
    },
    /// Data without a schema: a record of every type that there is, of which one has a value.
    Anything,
    /// A union of null and another type, which is at this branch.
    Nullable {
        branch: i64,
        node: Box<Node>,
        default: Option<Value<'static>>,
    },
    /// A union that is a struct: the branches, in order, null without a node.
    Union {
        schema: Arc<Schema>,
        branches: Vec<Option<Node>>,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Int {
    Int8,
    Int16,
    Int32,
    Date,
    Time,
}

#[derive(Debug)]
pub(super) struct RecordPlan {
    pub(super) schema: Arc<Schema>,
    pub(super) fields: Vec<Node>,
}
