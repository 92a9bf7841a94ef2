//! `TimestampConverter`: turns timestamps from one form into another one.

use std::borrow::Cow;
use std::sync::Arc;

use super::part::{Part, of_struct, position, require_map, require_struct};
use super::schemas::{Derived, Fields, basics, fields_of, or_default};
use super::settings::{DEFAULTS, refusal};
use super::{Created, Transform, TransformClass, class};
use crate::calendar::MILLIS_PER_DAY;
use crate::config::def::DefaultValue::{Required, Text};
use crate::config::def::Importance::{High, Low, Medium};
use crate::config::def::Validator::{Any, OneOf};
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::converter::OptionError;
use crate::data::{DATE, Schema, SchemaAndValue, SchemaKind, Struct, TIME, TIMESTAMP, Value};
use crate::error::{ConnectError, Exception};
use crate::java::date_format::DateFormat;
use crate::record::Record;

const NAMES: [&str; 2] = [
    "org.apache.kafka.connect.transforms.TimestampConverter$Key",
    "org.apache.kafka.connect.transforms.TimestampConverter$Value",
];
const PURPOSE: &str = "converting timestamp formats";

#[rustfmt::skip]
const KEYS: [ConfigKey; 5] = [
    key("field", Kind::String, Text(""), Any, ("", High),
        "The field with the timestamp; empty where the whole key or value is one."),
    key("target.type", Kind::String, Required, OneOf(&["string", "unix", "Date", "Time", "Timestamp"]), ("", High),
        "The new form of the timestamp."),
    key("format", Kind::String, Text(""), Any, ("", Medium),
        "The form of timestamps that are text, read or written, as `java.text.SimpleDateFormat` has it."),
    key("unix.precision", Kind::String, Text("milliseconds"), OneOf(&["nanoseconds", "microseconds", "milliseconds", "seconds"]), ("", Low),
        "The unit of timestamps that are numbers, read or written. Anything below a millisecond is lost."),
    DEFAULTS,
];

pub(super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    let target = match values.text("target.type") {
        Some("string") => Form::Text,
        Some("unix") => Form::Unix,
        Some("Date") => Form::Date,
        Some("Time") => Form::Time,
        _ => Form::Timestamp,
    };
    let pattern = values.text("format").unwrap_or_default();
    if target == Form::Text && pattern.is_empty() {
        return Err(refusal(
            "TimestampConverter requires format option to be specified when using string timestamps",
        ));
    }
    let format = (!pattern.is_empty()).then(|| DateFormat::new(pattern)).transpose().map_err(|why| {
        vec![OptionError {
            key: "format".to_owned(),
            value: Some(pattern.to_owned()),
            message: format!(
                "Invalid value java.lang.IllegalArgumentException: {why} for configuration TimestampConverter requires a \
                 SimpleDateFormat-compatible pattern for string timestamps: {pattern}"
            ),
        }]
    })?;
    let unit = match values.text("unix.precision") {
        Some("seconds") => Unit::Longer(1_000),
        Some("microseconds") => Unit::Shorter(1_000),
        Some("nanoseconds") => Unit::Shorter(1_000_000),
        _ => Unit::Longer(1),
    };
    Ok(Box::new(TimestampConverter {
        part,
        field: values.text("field").filter(|field| !field.is_empty()).map(str::to_owned),
        target,
        format,
        unit,
        schemas: [false, true].map(|optional| Arc::new(target.schema(optional))),
        defaults: values.boolean(DEFAULTS.name),
        plans: Derived::default(),
    }))
}

/// How a timestamp is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Text,
    Unix,
    Date,
    Time,
    Timestamp,
}

impl Form {
    fn schema(self, optional: bool) -> Schema {
        let (kind, name) = match self {
            Form::Text => (SchemaKind::String, None),
            Form::Unix => (SchemaKind::Int64, None),
            Form::Date => (SchemaKind::Int32, Some(DATE)),
            Form::Time => (SchemaKind::Int32, Some(TIME)),
            Form::Timestamp => (SchemaKind::Int64, Some(TIMESTAMP)),
        };
        let version = name.map(|_| 1);
        Schema { optional, name: name.map(str::to_owned), version, ..Schema::new(kind) }
    }

    /// Returns the form of the values of a schema.
    fn of_schema(schema: &Schema) -> Result<Self, ConnectError> {
        match (schema.name.as_deref(), &schema.kind) {
            (Some(TIMESTAMP), _) => Ok(Form::Timestamp),
            (Some(DATE), _) => Ok(Form::Date),
            (Some(TIME), _) => Ok(Form::Time),
            (_, SchemaKind::String) => Ok(Form::Text),
            (_, SchemaKind::Int64) => Ok(Form::Unix),
            (name, kind) => {
                let shown = name.map_or(kind.to_string(), |name| format!("{name}:{kind}"));
                let message =
                    format!("Schema Schema{{{shown}}} does not correspond to a known timestamp type format");
                Err(ConnectError::new(Exception::Connect, message))
            }
        }
    }

    /// Returns the form of a value without a schema.
    fn of_value(value: &Value<'_>) -> Result<Self, ConnectError> {
        match value {
            Value::Date(_) | Value::Time(_) | Value::Timestamp(_) => Ok(Form::Timestamp),
            Value::Int64(_) => Ok(Form::Unix),
            Value::String(_) => Ok(Form::Text),
            other => {
                let class = other.class_name();
                Err(ConnectError::data(format!(
                    "TimestampConverter does not support class {class} objects as timestamps"
                )))
            }
        }
    }
}

/// The unit of numbers: this many milliseconds, or this part of one.
#[derive(Debug, Clone, Copy)]
enum Unit {
    Longer(i64),
    Shorter(i64),
}

#[derive(Debug)]
struct TimestampConverter {
    part: Part,
    field: Option<String>,
    target: Form,
    format: Option<DateFormat>,
    unit: Unit,
    /// The required and the optional schema of the target.
    schemas: [Arc<Schema>; 2],
    defaults: bool,
    plans: Derived<Plan>,
}

/// The struct with the new form of its field.
#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    /// The position of the field and its form, if the struct has it.
    field: Option<(usize, Result<Form, ConnectError>)>,
}

impl Transform for TimestampConverter {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let converted = match (&self.field, schema) {
            (None, None) => SchemaAndValue { schema: None, value: self.convert(value, None)? },
            (None, Some(schema)) => {
                let form = Form::of_schema(&schema)?;
                let updated = Arc::clone(&self.schemas[usize::from(schema.optional)]);
                SchemaAndValue { schema: Some(Cow::Owned(updated)), value: self.convert(value, Some(form))? }
            }
            (Some(_), None) if value == Value::Null => SchemaAndValue { schema: None, value },
            (Some(name), None) => {
                let mut entries = require_map(value, PURPOSE)?;
                match position(&entries, name) {
                    Some(at) => {
                        let value = std::mem::replace(&mut entries[at].1, Value::Null);
                        entries[at].1 = self.convert(value, None)?;
                    }
                    None => entries.push((Value::String(Cow::Borrowed(name)), Value::Null)),
                }
                SchemaAndValue { schema: None, value: Value::Map(entries) }
            }
            (Some(name), Some(schema)) => {
                let of = if value == Value::Null { None } else { Some(require_struct(value, PURPOSE)?) };
                let plan = self.plans.of(&schema, |schema| self.plan(schema, name))?;
                let updated = Arc::clone(&plan.schema);
                match of {
                    Some(of) => of_struct(updated, self.fields(of, &plan)?),
                    None => SchemaAndValue { schema: Some(Cow::Owned(updated)), value: Value::Null },
                }
            }
        };
        *self.part.of_mut(&mut record) = converted;
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }
}

impl TimestampConverter {
    fn plan(&self, schema: &Schema, name: &str) -> Result<Plan, ConnectError> {
        let mut fields = Fields::default();
        let mut converted = None;
        for (at, field) in fields_of(schema)?.iter().enumerate() {
            let of_field = if field.name == name {
                converted = Some((at, Form::of_schema(&field.schema)));
                &self.schemas[usize::from(field.schema.optional)]
            } else {
                &field.schema
            };
            fields.add(&field.name, Arc::clone(of_field))?;
        }
        let updated = Schema { optional: schema.optional, ..basics(schema, fields.into_kind()) };
        let mut plan = Plan { schema: Arc::new(updated), field: converted };
        if let Some(Value::Struct(default)) = &schema.default {
            let values = self.fields(default.clone(), &plan)?.into_iter().map(Value::into_owned).collect();
            let default = Value::Struct(Struct { schema: Arc::clone(&plan.schema), values });
            plan.schema = Arc::new(Schema { default: Some(default), ..Schema::clone(&plan.schema) });
        }
        Ok(plan)
    }

    fn fields<'a>(&self, of: Struct<'a>, plan: &Plan) -> Result<Vec<Value<'a>>, ConnectError> {
        let mut values = of.values;
        for (at, (value, field)) in values.iter_mut().zip(of.schema.fields()).enumerate() {
            let taken = or_default(std::mem::replace(value, Value::Null), &field.schema, self.defaults);
            *value = match &plan.field {
                Some((converted, form)) if *converted == at => self.convert(taken, Some(form.clone()?))?,
                _ => taken,
            };
        }
        Ok(values)
    }

    fn convert<'a>(&self, value: Value<'a>, form: Option<Form>) -> Result<Value<'a>, ConnectError> {
        if value == Value::Null {
            return Ok(Value::Null);
        }
        let form = form.map_or_else(|| Form::of_value(&value), Ok)?;
        let millis = self.millis(&value, form)?;
        Ok(match self.target {
            Form::Timestamp => Value::Timestamp(millis),
            Form::Date => Value::Date(millis.div_euclid(MILLIS_PER_DAY).saturating_mul(MILLIS_PER_DAY)),
            Form::Time => Value::Time(millis.rem_euclid(MILLIS_PER_DAY)),
            Form::Unix => Value::Int64(match self.unit {
                Unit::Longer(unit) => millis / unit,
                Unit::Shorter(part) => millis.saturating_mul(part),
            }),
            Form::Text => Value::String(Cow::Owned(
                self.format.as_ref().map(|format| format.format(millis)).unwrap_or_default(),
            )),
        })
    }

    /// Returns the milliseconds since the epoch.
    fn millis(&self, value: &Value<'_>, form: Form) -> Result<i64, ConnectError> {
        let (expected, class) = match (form, value) {
            (Form::Text, Value::String(text)) => {
                let Some(format) = &self.format else {
                    let why = "timestamps that are text need the option format";
                    return Err(ConnectError::new(Exception::NullPointer, why));
                };
                return format.parse(text).ok_or_else(|| {
                    // The value is left out, which Connect's message has.
                    let pattern = format.pattern();
                    ConnectError::data(format!(
                        "Could not parse timestamp: value does not match pattern ({pattern})"
                    ))
                });
            }
            (Form::Unix, Value::Int64(number)) => {
                return Ok(match self.unit {
                    Unit::Longer(unit) => number.saturating_mul(unit),
                    Unit::Shorter(part) => number / part,
                });
            }
            (
                Form::Date | Form::Time | Form::Timestamp,
                Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis),
            ) => return Ok(*millis),
            (Form::Text, other) => ("string timestamp to be a String", other.class_name()),
            (Form::Unix, other) => ("Unix timestamp to be a Long", other.class_name()),
            (Form::Date, other) => ("Date to be a java.util.Date", other.class_name()),
            (Form::Time, other) => ("Time to be a java.util.Date", other.class_name()),
            (Form::Timestamp, other) => ("Timestamp to be a java.util.Date", other.class_name()),
        };
        Err(ConnectError::data(format!("Expected {expected}, but found class {class}")))
    }
}
