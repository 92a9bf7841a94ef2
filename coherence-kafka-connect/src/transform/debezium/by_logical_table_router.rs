//! `ByLogicalTableRouter`: the change events of several tables go to one topic, and their keys stay distinct.

use std::borrow::Cow;
use std::sync::Arc;

use super::super::part::{of_struct, put};
use super::super::schemas::{Derived, Fields, basics};
use super::super::settings::refusal;
use super::super::topics::Topics;
use super::super::{Created, Transform, TransformClass};
use super::envelope::{AFTER, BEFORE, is_envelope};
use crate::config::def::DefaultValue::{Null, Required, Text};
use crate::config::def::Importance::Low;
use crate::config::def::Validator::{Any, OneOfInAnyCase};
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::converter::OptionError;
use crate::data::{Schema, SchemaAndValue, SchemaKind, Struct, Value};
use crate::error::ConnectError;
use crate::java::regex::{Pattern, REGEX};
use crate::java::replacement::Replacement;
use crate::record::Record;

const NAME: &str = "io.debezium.transforms.ByLogicalTableRouter";

#[rustfmt::skip]
const KEYS: [ConfigKey; 7] = [
    key("topic.regex", Kind::String, Required, REGEX, ("", Low),
        "The topics whose records are routed, as a whole."),
    key("topic.replacement", Kind::String, Required, Any, ("", Low),
        "The new topic, with references to the groups of `topic.regex`."),
    key("key.enforce.uniqueness", Kind::Boolean, Text("true"), Any, ("", Low),
        "Whether the key gets a field with the name of its table, without which the rows of two tables may have one key."),
    key("key.field.name", Kind::String, Text("__dbz__physicalTableIdentifier"), Any, ("", Low),
        "The name of that field."),
    key("key.field.regex", Kind::String, Null, REGEX, ("", Low),
        "What of the former topic is the name of the table; all of it where this is not set or does not match."),
    key("key.field.replacement", Kind::String, Null, Any, ("", Low),
        "The name of the table, with references to the groups of `key.field.regex`."),
    key("schema.name.adjustment.mode", Kind::String, Text("none"), OneOfInAnyCase(&["none", "avro", "avro_unicode"]), ("", Low),
        "How the new names of schemas are made valid for Avro."),
];

pub(in super::super) const CLASS: TransformClass =
    TransformClass { class: NAME, settings: ConfigDef { keys: &KEYS }, create };

fn create(values: &Values) -> Created {
    let rule = |regex: &str, replacement: &str| -> Result<Rule, Vec<OptionError>> {
        let pattern = Pattern::new(regex).map_err(refusal)?;
        let replacement = Replacement::new(replacement, &pattern);
        Ok(Rule { pattern, replacement })
    };
    let text = |name: &str| values.text(name).filter(|text| !text.is_empty());
    let table = match (text("key.field.regex"), text("key.field.replacement")) {
        (None, _) => None,
        (Some(regex), Some(replacement)) => Some(rule(regex, replacement)?),
        (Some(_), None) => {
            return Err(vec![OptionError {
                key: "key.field.replacement".to_owned(),
                value: None,
                message: "key.field.replacement must be non-empty if key.field.regex is set.".to_owned(),
            }]);
        }
    };
    let adjust = match text("schema.name.adjustment.mode").map(str::to_ascii_lowercase).as_deref() {
        Some("avro") => Adjust::Avro,
        Some("avro_unicode") => Adjust::AvroUnicode,
        _ => Adjust::None,
    };
    Ok(Box::new(ByLogicalTableRouter {
        topic: rule(text("topic.regex").unwrap_or_default(), text("topic.replacement").unwrap_or_default())?,
        topics: Topics::default(),
        table,
        key_field: values
            .boolean("key.enforce.uniqueness")
            .then(|| values.text("key.field.name").unwrap_or_default().to_owned()),
        adjust,
        keys: Derived::default(),
        events: Derived::default(),
    }))
}

/// An expression, and what takes the place of texts that it matches as a whole.
#[derive(Debug)]
struct Rule {
    pattern: Pattern,
    replacement: Replacement,
}

impl Rule {
    fn apply(&self, text: &str) -> Result<Option<String>, ConnectError> {
        if self.pattern.matches(text) {
            self.replacement.replace_first(&self.pattern, text)
        } else {
            Ok(None)
        }
    }
}

/// How the names of schemas become valid for Avro.
#[derive(Debug, Clone, Copy)]
enum Adjust {
    None,
    Avro,
    AvroUnicode,
}

impl Adjust {
    fn name(self, name: String) -> String {
        let valid = |at: usize, c: char| {
            c.is_ascii_alphabetic() || c == '_' || at > 0 && (c.is_ascii_digit() || c == '.')
        };
        match self {
            Adjust::None => name,
            Adjust::Avro => {
                name.chars().enumerate().map(|(at, c)| if valid(at, c) { c } else { '_' }).collect()
            }
            Adjust::AvroUnicode => {
                let mut adjusted = String::with_capacity(name.len());
                for (at, c) in name.chars().enumerate() {
                    if valid(at, c) && c != '_' {
                        adjusted.push(c);
                    } else {
                        adjusted
                            .extend(c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("_u{unit:04x}")));
                    }
                }
                adjusted
            }
        }
    }
}

#[derive(Debug)]
struct ByLogicalTableRouter {
    topic: Rule,
    topics: Topics,
    table: Option<Rule>,
    /// The field that is added to keys, if any.
    key_field: Option<String>,
    adjust: Adjust,
    keys: Derived<Schema>,
    events: Derived<Schema>,
}

impl Transform for ByLogicalTableRouter {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let renamed = self.topics.renamed(&record.topic, |topic| self.topic.apply(topic))?;
        let Some(topic) = renamed.filter(|topic| !topic.is_empty()) else { return Ok(Some(record)) };
        let former = std::mem::replace(&mut record.topic, topic);
        record.key = self.key(record.key, &former, &record.topic)?;
        if is_envelope(&record.value) {
            record.value = self.event(record.value, &record.topic)?;
        }
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        NAME
    }
}

impl ByLogicalTableRouter {
    /// Returns the key with the name of its table.
    fn key<'a>(
        &'a self,
        key: SchemaAndValue<'a>,
        former: &str,
        topic: &str,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let table = || -> Result<Value<'a>, ConnectError> {
            let table = self.table.as_ref().map(|rule| rule.apply(former)).transpose()?.flatten();
            Ok(Value::String(Cow::Owned(table.unwrap_or_else(|| former.to_owned()))))
        };
        match key.value {
            Value::Null => Ok(key),
            Value::Struct(of) => {
                let schema = self.keys.of(&of.schema, |schema| {
                    let mut fields = Fields::default();
                    for field in schema.fields() {
                        fields.add(&field.name, Arc::clone(&field.schema))?;
                    }
                    if let Some(name) = &self.key_field {
                        fields.add(name, Arc::new(Schema::new(SchemaKind::String)))?;
                    }
                    let name = self.adjust.name(format!("{topic}.Key"));
                    Ok(renamed(schema, fields.into_kind(), name))
                })?;
                let mut values = of.values;
                if self.key_field.is_some() {
                    values.push(table()?);
                }
                Ok(of_struct(schema, values))
            }
            Value::Map(mut entries) => {
                if let Some(name) = &self.key_field {
                    put(&mut entries, name, table()?);
                }
                Ok(SchemaAndValue { schema: key.schema, value: Value::Map(entries) })
            }
            other => {
                let found = other.class_name();
                Err(ConnectError::data(format!(
                    "Only Struct objects supported for [Updating schema], found: {found}"
                )))
            }
        }
    }

    /// Returns the event under schemas that are named after its new topic.
    fn event<'a>(&self, data: SchemaAndValue<'a>, topic: &str) -> Result<SchemaAndValue<'a>, ConnectError> {
        let Value::Struct(event) = data.value else { return Ok(data) };
        let schema = self.events.of(&event.schema, |schema| {
            let mut fields = Fields::default();
            for field in schema.fields() {
                let is_row = is_row(&field.name) && matches!(field.schema.kind, SchemaKind::Struct(_));
                let of_field = if is_row {
                    let name = self.adjust.name(format!("{topic}.Value"));
                    Arc::new(renamed(&field.schema, field.schema.kind.clone(), name))
                } else {
                    Arc::clone(&field.schema)
                };
                fields.add(&field.name, of_field)?;
            }
            let name = self.adjust.name(format!("{topic}.Envelope"));
            Ok(renamed(schema, fields.into_kind(), name))
        })?;
        let values = schema.fields().iter().zip(event.values).map(|(field, value)| match value {
            Value::Struct(row) if is_row(&field.name) => {
                Value::Struct(Struct { schema: Arc::clone(&field.schema), values: row.values })
            }
            value => value,
        });
        let values = values.collect();
        Ok(of_struct(schema, values))
    }
}

fn is_row(field: &str) -> bool {
    field == BEFORE || field == AFTER
}

fn renamed(schema: &Schema, kind: SchemaKind, name: String) -> Schema {
    Schema { name: Some(name), optional: schema.optional, ..basics(schema, kind) }
}
