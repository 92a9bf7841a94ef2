//! Connect's runtime values. They borrow from the record they were read from where they can.

use std::borrow::Cow;
use std::sync::Arc;

use num_bigint::BigInt;

use crate::schema::Schema;

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

impl Value<'_> {
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
