//! Connect's schemas: the declared types of values.
//!
//! Owns: the description of a type. Never does: read it from a wire or hold a value to it; the converters do.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use crate::value::Value;

/// Name of the logical type of `BigDecimal`; its parameter [`SCALE`] is the number of digits after the point.
pub const DECIMAL: &str = "org.apache.kafka.connect.data.Decimal";
/// Name of the logical type of a day, an INT32 counting days since 1970-01-01.
pub const DATE: &str = "org.apache.kafka.connect.data.Date";
/// Name of the logical type of a time of day, an INT32 counting milliseconds since midnight.
pub const TIME: &str = "org.apache.kafka.connect.data.Time";
/// Name of the logical type of an instant, an INT64 counting milliseconds since the epoch.
pub const TIMESTAMP: &str = "org.apache.kafka.connect.data.Timestamp";
/// The parameter of [`DECIMAL`] schemas, decimal text.
pub const SCALE: &str = "scale";

/// `org.apache.kafka.connect.data.Schema`.
#[derive(Debug, Clone, PartialEq)]
pub struct Schema {
    /// The type, and what belongs to it.
    pub kind: Kind,
    /// True where the value may be null.
    pub optional: bool,
    /// Name of the schema; it identifies the logical types.
    pub name: Option<String>,
    /// Version of the schema.
    pub version: Option<i32>,
    /// Documentation.
    pub doc: Option<String>,
    /// Parameters; empty where there are none.
    pub parameters: BTreeMap<String, String>,
    /// The value that stands for null.
    pub default: Option<Value<'static>>,
}

/// `Schema.Type`, with the schemas inside.
#[derive(Debug, Clone, PartialEq)]
pub enum Kind {
    /// INT8.
    Int8,
    /// INT16.
    Int16,
    /// INT32.
    Int32,
    /// INT64.
    Int64,
    /// FLOAT32.
    Float32,
    /// FLOAT64.
    Float64,
    /// BOOLEAN.
    Boolean,
    /// STRING.
    String,
    /// BYTES.
    Bytes,
    /// ARRAY: the schema of its elements, which an inferred schema of mixed elements lacks.
    Array(Option<Arc<Schema>>),
    /// MAP: the schemas of its keys and of its values, either of which an inferred schema may lack.
    Map(Option<Arc<Schema>>, Option<Arc<Schema>>),
    /// STRUCT: its fields in order, no name twice.
    Struct(Vec<Field>),
}

/// A field of a struct schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Field {
    /// Name, never empty.
    pub name: String,
    /// Schema of its values.
    pub schema: Arc<Schema>,
}

impl Schema {
    /// Creates a required schema of this type and nothing else.
    pub fn new(kind: Kind) -> Self {
        Self {
            kind,
            optional: false,
            name: None,
            version: None,
            doc: None,
            parameters: BTreeMap::new(),
            default: None,
        }
    }

    /// Creates an optional schema of this type and nothing else, such as `Schema.OPTIONAL_STRING_SCHEMA`.
    pub fn optional(kind: Kind) -> Self {
        Self { optional: true, ..Self::new(kind) }
    }

    /// Returns the fields of a struct schema; none for any other type.
    pub fn fields(&self) -> &[Field] {
        match &self.kind {
            Kind::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// Returns the position of the field of this name in a struct schema.
    pub fn field_index(&self, name: &str) -> Option<usize> {
        self.fields().iter().position(|field| field.name == name)
    }
}

impl fmt::Display for Kind {
    /// Returns the name of the constant in `Schema.Type`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Kind::Int8 => "INT8",
            Kind::Int16 => "INT16",
            Kind::Int32 => "INT32",
            Kind::Int64 => "INT64",
            Kind::Float32 => "FLOAT32",
            Kind::Float64 => "FLOAT64",
            Kind::Boolean => "BOOLEAN",
            Kind::String => "STRING",
            Kind::Bytes => "BYTES",
            Kind::Array(_) => "ARRAY",
            Kind::Map(..) => "MAP",
            Kind::Struct(_) => "STRUCT",
        })
    }
}
