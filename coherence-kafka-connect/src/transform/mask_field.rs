//! `MaskField`: replaces the values of fields by nothing of their type, or by a given text or number.

use std::borrow::Cow;

use num_bigint::BigInt;

use super::part::{Part, position, require_map, require_struct};
use super::schemas::or_default;
use super::settings::{DEFAULTS, FILLED};
use super::{Created, Transform, TransformClass, class};
use crate::config::def::DefaultValue::{Null, Required};
use crate::config::def::Importance::{High, Low};
use crate::config::def::Validator::NonEmpty;
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::data::{SchemaAndValue, Value};
use crate::error::ConnectError;
use crate::java::number;
use crate::record::Record;

const NAMES: [&str; 2] = [
    "org.apache.kafka.connect.transforms.MaskField$Key",
    "org.apache.kafka.connect.transforms.MaskField$Value",
];
const PURPOSE: &str = "mask fields";

#[rustfmt::skip]
const KEYS: [ConfigKey; 3] = [
    key("fields", Kind::List, Required, FILLED, ("", High),
        "The fields whose values are replaced."),
    key("replacement", Kind::String, Null, NonEmpty, ("", Low),
        "What takes the place of the values: fields with text have this text, those with numbers this number."),
    DEFAULTS,
];

pub(super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    let replacement = values
        .text("replacement")
        .map(|text| Replacement { text: text.to_owned(), decimal: number::decimal(text) });
    let (fields, defaults) = (values.list("fields").to_vec(), values.boolean(DEFAULTS.name));
    Ok(Box::new(MaskField { part, fields, replacement, defaults }))
}

#[derive(Debug)]
struct MaskField {
    part: Part,
    fields: Vec<String>,
    replacement: Option<Replacement>,
    defaults: bool,
}

impl Transform for MaskField {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let value = if schema.is_none() {
            let mut entries = require_map(value, PURPOSE)?;
            for name in &self.fields {
                match position(&entries, name) {
                    Some(at) => entries[at].1 = self.masked(&entries[at].1)?,
                    None => entries.push((Value::String(Cow::Borrowed(name)), Value::Null)),
                }
            }
            Value::Map(entries)
        } else {
            let mut of = require_struct(value, PURPOSE)?;
            for (field, value) in of.schema.fields().iter().zip(&mut of.values) {
                let taken = or_default(std::mem::replace(value, Value::Null), &field.schema, self.defaults);
                *value = if self.fields.contains(&field.name) { self.masked(&taken)? } else { taken };
            }
            Value::Struct(of)
        };
        *self.part.of_mut(&mut record) = SchemaAndValue { schema, value };
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }
}

impl MaskField {
    fn masked<'a>(&'a self, value: &Value<'_>) -> Result<Value<'a>, ConnectError> {
        match &self.replacement {
            _ if *value == Value::Null => Ok(Value::Null),
            Some(replacement) => replacement.of_type(value),
            None => nothing(value),
        }
    }
}

/// Returns what stands for no value of this type.
fn nothing<'a>(value: &Value<'_>) -> Result<Value<'a>, ConnectError> {
    Ok(match value {
        Value::Boolean(_) => Value::Boolean(false),
        Value::Int8(_) => Value::Int8(0),
        Value::Int16(_) => Value::Int16(0),
        Value::Int32(_) => Value::Int32(0),
        Value::Int64(_) => Value::Int64(0),
        Value::Float32(_) => Value::Float32(0.0),
        Value::Float64(_) => Value::Float64(0.0),
        Value::Decimal { .. } => Value::Decimal { unscaled: BigInt::ZERO, scale: 0 },
        Value::Date(_) => Value::Date(0),
        Value::Time(_) => Value::Time(0),
        Value::Timestamp(_) => Value::Timestamp(0),
        Value::String(_) => Value::String(Cow::Borrowed("")),
        Value::Array(_) => Value::Array(Vec::new()),
        Value::Map(_) => Value::Map(Vec::new()),
        other => {
            let class = other.class_name();
            return Err(ConnectError::data(format!("Cannot mask value of type: class {class}")));
        }
    })
}

/// The text that takes the place of values, and the number that it is.
#[derive(Debug)]
struct Replacement {
    text: String,
    decimal: Option<(BigInt, i32)>,
}

impl Replacement {
    /// Returns the replacement as a value of the same type as `value`.
    fn of_type<'a>(&'a self, value: &Value<'_>) -> Result<Value<'a>, ConnectError> {
        let long = || self.number().map(|(unscaled, scale)| number::low_bits(unscaled, *scale));
        let double = || self.number().map(|(unscaled, scale)| number::decimal_to_f64(unscaled, *scale));
        Ok(match value {
            Value::String(_) => Value::String(Cow::Borrowed(&self.text)),
            Value::Int8(_) => Value::Int8(long()? as i8),
            Value::Int16(_) => Value::Int16(long()? as i16),
            Value::Int32(_) => Value::Int32(long()? as i32),
            Value::Int64(_) => Value::Int64(long()?),
            Value::Float32(_) => Value::Float32(double()? as f32),
            Value::Float64(_) => Value::Float64(double()?),
            Value::Decimal { .. } => {
                let (unscaled, scale) = self.decimal.clone().ok_or_else(|| self.refused("number"))?;
                Value::Decimal { unscaled, scale }
            }
            other => {
                return Err(ConnectError::data(format!(
                    "Cannot mask value of type class {} with custom replacement.",
                    other.class_name()
                )));
            }
        })
    }

    fn number(&self) -> Result<&(BigInt, i32), ConnectError> {
        self.decimal.as_ref().ok_or_else(|| self.refused("a number"))
    }

    fn refused(&self, to: &str) -> ConnectError {
        ConnectError::data(format!("Unable to convert {} (class java.lang.String) to {to}", self.text))
    }
}
