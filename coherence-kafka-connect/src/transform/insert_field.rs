//! `InsertField`: adds fields that hold where a record comes from, and a constant.

use std::borrow::Cow;
use std::sync::Arc;

use super::part::{Part, of_struct, put, require_map, require_struct};
use super::schemas::{Derived, Fields, basics, or_default};
use super::settings::{DEFAULTS, refusal};
use super::{Created, Transform, TransformClass, class};
use crate::config::def::DefaultValue::Null;
use crate::config::def::Importance::Medium;
use crate::config::def::Validator::Any;
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::converter::OptionError;
use crate::data::{Schema, SchemaAndValue, SchemaKind, TIMESTAMP, Value};
use crate::error::ConnectError;
use crate::record::Record;

const NAMES: [&str; 2] = [
    "org.apache.kafka.connect.transforms.InsertField$Key",
    "org.apache.kafka.connect.transforms.InsertField$Value",
];
const PURPOSE: &str = "field insertion";

const KEYS: [ConfigKey; 7] = [
    field(
        "topic.field",
        "The field for the topic. With `!` behind it is required, with `?` or nothing optional.",
    ),
    field("partition.field", "The field for the partition, `!` or `?` behind it as above."),
    field(
        "offset.field",
        "The field for the offset, which only records of a sink have; `!` or `?` as above.",
    ),
    field("timestamp.field", "The field for the timestamp of the record, `!` or `?` behind it as above."),
    field("static.field", "The field for `static.value`, `!` or `?` behind it as above."),
    field("static.value", "The text of `static.field`."),
    DEFAULTS,
];

const fn field(name: &'static str, documentation: &'static str) -> ConfigKey {
    key(name, Kind::String, Null, Any, ("", Medium), documentation)
}

pub(super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    let mut insertions = Vec::new();
    let sources = [
        ("topic.field", Source::Topic),
        ("partition.field", Source::Partition),
        ("offset.field", Source::Offset),
        ("timestamp.field", Source::Timestamp),
    ];
    for (setting, source) in sources {
        insertions.extend(values.text(setting).map(|field| Insertion::parse(field, source)));
    }
    if let Some(field) = values.text("static.field") {
        let Some(value) = values.text("static.value") else {
            return Err(vec![OptionError {
                key: "static.value".to_owned(),
                value: None,
                message: format!(
                    "Invalid value null for configuration static.value: No value specified for static field: {field}"
                ),
            }]);
        };
        insertions.push(Insertion::parse(field, Source::Static(value.to_owned())));
    }
    if insertions.is_empty() {
        return Err(refusal("No field insertion configured"));
    }
    let defaults = values.boolean(DEFAULTS.name);
    Ok(Box::new(InsertField { part, insertions, defaults, schemas: Derived::default() }))
}

/// Where the value of a field comes from.
#[derive(Debug)]
enum Source {
    Topic,
    Partition,
    Offset,
    Timestamp,
    Static(String),
}

/// A field that is added.
#[derive(Debug)]
struct Insertion {
    name: String,
    source: Source,
    schema: Arc<Schema>,
}

impl Insertion {
    fn parse(field: &str, source: Source) -> Self {
        let required = field.ends_with('!');
        let name = field.strip_suffix(['!', '?']).unwrap_or(field).to_owned();
        let mut schema = Schema::new(match source {
            Source::Topic | Source::Static(_) => SchemaKind::String,
            Source::Partition => SchemaKind::Int32,
            Source::Offset | Source::Timestamp => SchemaKind::Int64,
        });
        if matches!(source, Source::Timestamp) {
            schema = Schema { name: Some(TIMESTAMP.to_owned()), version: Some(1), ..schema };
        }
        schema.optional = !required;
        Self { name, source, schema: Arc::new(schema) }
    }

    fn value<'a>(&'a self, record: &Record<'a>, with_schema: bool) -> Result<Value<'a>, ConnectError> {
        Ok(match &self.source {
            Source::Topic => Value::String(record.topic.clone()),
            Source::Static(text) => Value::String(Cow::Borrowed(text)),
            Source::Partition => record.partition.map_or(Value::Null, Value::Int32),
            Source::Offset => record.offset.map(Value::Int64).ok_or_else(|| {
                ConnectError::data(format!(
                    "Only SinkRecord supported for [{PURPOSE}], found: org.apache.kafka.connect.source.SourceRecord"
                ))
            })?,
            Source::Timestamp if with_schema => record.timestamp.map_or(Value::Null, Value::Timestamp),
            Source::Timestamp => record.timestamp.map_or(Value::Null, Value::Int64),
        })
    }

    /// Without a schema, a record that has no such value gets no field.
    fn is_left_out(&self, value: &Value<'_>) -> bool {
        matches!(self.source, Source::Partition | Source::Timestamp) && *value == Value::Null
    }
}

#[derive(Debug)]
struct InsertField {
    part: Part,
    insertions: Vec<Insertion>,
    defaults: bool,
    schemas: Derived<Schema>,
}

impl Transform for InsertField {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        if self.part.of(&record).value == Value::Null {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let inserted = match schema {
            None => {
                let mut entries = require_map(value, PURPOSE)?;
                for insertion in &self.insertions {
                    let value = insertion.value(&record, false)?;
                    if !insertion.is_left_out(&value) {
                        put(&mut entries, &insertion.name, value);
                    }
                }
                SchemaAndValue { schema: None, value: Value::Map(entries) }
            }
            Some(_) => {
                let of = require_struct(value, PURPOSE)?;
                let schema = self.schemas.of(&of.schema, |schema| self.inserted(schema))?;
                let mut values = Vec::with_capacity(schema.fields().len());
                let fields = of.schema.fields().iter().zip(of.values);
                values.extend(fields.map(|(field, value)| or_default(value, &field.schema, self.defaults)));
                for insertion in &self.insertions {
                    values.push(insertion.value(&record, true)?);
                }
                of_struct(schema, values)
            }
        };
        *self.part.of_mut(&mut record) = inserted;
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }
}

impl InsertField {
    fn inserted(&self, schema: &Schema) -> Result<Schema, ConnectError> {
        let mut fields = Fields::default();
        for field in schema.fields() {
            fields.add(&field.name, Arc::clone(&field.schema))?;
        }
        for insertion in &self.insertions {
            fields.add(&insertion.name, Arc::clone(&insertion.schema))?;
        }
        Ok(basics(schema, fields.into_kind()))
    }
}
