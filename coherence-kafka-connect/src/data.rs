//! Connect's data: schemas, which are the declared types, and the values under them.
//!
//! Owns: the description of a type, and the values, which borrow from the record they were read from where they can. Never
//! does: read either from a wire, or hold a value to its schema; the converters do.
//!
//! Both are one module, because each holds the other: a schema has a default value, and a struct has its schema.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use num_bigint::BigInt;

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
    pub kind: SchemaKind,
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
pub enum SchemaKind {
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
    pub fn new(kind: SchemaKind) -> Self {
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
    pub fn optional(kind: SchemaKind) -> Self {
        Self { optional: true, ..Self::new(kind) }
    }

    /// Creates the schema of one of Connect's logical types, such as [`DATE`] over INT32.
    pub fn logical(kind: SchemaKind, name: &str) -> Self {
        Self { name: Some(name.to_owned()), version: Some(1), ..Self::new(kind) }
    }

    /// Creates the schema of [`DECIMAL`] values with this many digits after the point.
    pub fn decimal(scale: i32) -> Self {
        let parameters = BTreeMap::from([(SCALE.to_owned(), scale.to_string())]);
        Self { parameters, ..Self::logical(SchemaKind::Bytes, DECIMAL) }
    }

    /// Returns the fields of a struct schema; none for any other type.
    pub fn fields(&self) -> &[Field] {
        match &self.kind {
            SchemaKind::Struct(fields) => fields,
            _ => &[],
        }
    }

    /// Returns the position of the field of this name in a struct schema.
    pub fn field_index(&self, name: &str) -> Option<usize> {
        self.fields().iter().position(|field| field.name == name)
    }
}

impl fmt::Display for SchemaKind {
    /// Returns the name of the constant in `Schema.Type`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            SchemaKind::Int8 => "INT8",
            SchemaKind::Int16 => "INT16",
            SchemaKind::Int32 => "INT32",
            SchemaKind::Int64 => "INT64",
            SchemaKind::Float32 => "FLOAT32",
            SchemaKind::Float64 => "FLOAT64",
            SchemaKind::Boolean => "BOOLEAN",
            SchemaKind::String => "STRING",
            SchemaKind::Bytes => "BYTES",
            SchemaKind::Array(_) => "ARRAY",
            SchemaKind::Map(..) => "MAP",
            SchemaKind::Struct(_) => "STRUCT",
        })
    }
}

/// A value of Connect's data model, as `Converter.toConnectData` gives it.
#[derive(Debug, Clone, PartialEq)]
pub enum Value<'a> {
    /// `null`.
    Null,
    /// `Boolean`.
    Boolean(bool),
    /// `Byte`, schema type INT8.
    Int8(i8),
    /// `Short`, schema type INT16.
    Int16(i16),
    /// `Integer`, schema type INT32.
    Int32(i32),
    /// `Long`, schema type INT64.
    Int64(i64),
    /// `Float`, schema type FLOAT32.
    Float32(f32),
    /// `Double`, schema type FLOAT64.
    Float64(f64),
    /// `String`.
    String(Cow<'a, str>),
    /// `byte[]`.
    Bytes(Cow<'a, [u8]>),
    /// `BigDecimal`, logical type `org.apache.kafka.connect.data.Decimal`: unscaled × 10^-scale.
    Decimal {
        /// Digits without the point.
        unscaled: BigInt,
        /// Digits behind the point; may be negative.
        scale: i32,
    },
    /// Logical type `org.apache.kafka.connect.data.Date`: milliseconds since the epoch, at midnight UTC.
    Date(i64),
    /// Logical type `org.apache.kafka.connect.data.Time`: milliseconds since midnight.
    Time(i64),
    /// Logical type `org.apache.kafka.connect.data.Timestamp`: milliseconds since the epoch, UTC.
    Timestamp(i64),
    /// `List`.
    Array(Vec<Value<'a>>),
    /// `Map`, in the order read.
    Map(Vec<(Value<'a>, Value<'a>)>),
    /// `Struct`: one value for each field of its schema, in the schema's order.
    Struct(Struct<'a>),
    /// `java.util.UUID`, from Kafka's `UUIDDeserializer` by way of a `CustomConverter`.
    Uuid(u128),
    /// An entry that is already in Coherence binary form: `0x15` and POF, undecorated and checked.
    Pof(Cow<'a, [u8]>),
}

/// A `Struct`: values under a struct schema.
#[derive(Debug, Clone, PartialEq)]
pub struct Struct<'a> {
    /// The schema, of type STRUCT.
    pub schema: Arc<Schema>,
    /// One value a field, [`Value::Null`] where unset.
    pub values: Vec<Value<'a>>,
}

/// A value and its schema; schemaless data has none.
#[derive(Debug, Clone, PartialEq)]
pub struct SchemaAndValue<'a> {
    /// The schema, if the data has one: the converter's own where it never changes, which costs no counted reference.
    pub schema: Option<Cow<'a, Arc<Schema>>>,
    /// The value.
    pub value: Value<'a>,
}

impl SchemaAndValue<'_> {
    /// The same data, free of the record and the converter that it was read by.
    pub fn into_owned(self) -> SchemaAndValue<'static> {
        SchemaAndValue {
            schema: self.schema.map(|schema| Cow::Owned(schema.into_owned())),
            value: self.value.into_owned(),
        }
    }
}

impl Value<'_> {
    /// Returns the name of the Java class that Connect has such a value in, as `Class.getName()` returns it.
    pub(crate) fn class_name(&self) -> &'static str {
        match self {
            Value::Null => "null",
            Value::Boolean(_) => "java.lang.Boolean",
            Value::Int8(_) => "java.lang.Byte",
            Value::Int16(_) => "java.lang.Short",
            Value::Int32(_) => "java.lang.Integer",
            Value::Int64(_) => "java.lang.Long",
            Value::Float32(_) => "java.lang.Float",
            Value::Float64(_) => "java.lang.Double",
            Value::String(_) => "java.lang.String",
            Value::Bytes(_) => "[B",
            Value::Decimal { .. } => "java.math.BigDecimal",
            Value::Date(_) | Value::Time(_) | Value::Timestamp(_) => "java.util.Date",
            Value::Array(_) => "java.util.ArrayList",
            Value::Map(_) => "java.util.HashMap",
            Value::Struct(_) => "org.apache.kafka.connect.data.Struct",
            Value::Uuid(_) => "java.util.UUID",
            Value::Pof(_) => "com.tangosol.util.Binary",
        }
    }

    /// The same value, free of the record it was read from.
    pub fn into_owned(self) -> Value<'static> {
        match self {
            Value::Null => Value::Null,
            Value::Boolean(value) => Value::Boolean(value),
            Value::Int8(value) => Value::Int8(value),
            Value::Int16(value) => Value::Int16(value),
            Value::Int32(value) => Value::Int32(value),
            Value::Int64(value) => Value::Int64(value),
            Value::Float32(value) => Value::Float32(value),
            Value::Float64(value) => Value::Float64(value),
            Value::String(text) => Value::String(Cow::Owned(text.into_owned())),
            Value::Bytes(bytes) => Value::Bytes(Cow::Owned(bytes.into_owned())),
            Value::Decimal { unscaled, scale } => Value::Decimal { unscaled, scale },
            Value::Date(millis) => Value::Date(millis),
            Value::Time(millis) => Value::Time(millis),
            Value::Timestamp(millis) => Value::Timestamp(millis),
            Value::Array(items) => Value::Array(items.into_iter().map(Value::into_owned).collect()),
            Value::Map(entries) => {
                Value::Map(entries.into_iter().map(|(k, v)| (k.into_owned(), v.into_owned())).collect())
            }
            Value::Struct(Struct { schema, values }) => {
                Value::Struct(Struct { schema, values: values.into_iter().map(Value::into_owned).collect() })
            }
            Value::Uuid(bits) => Value::Uuid(bits),
            Value::Pof(bytes) => Value::Pof(Cow::Owned(bytes.into_owned())),
        }
    }
}
