//! `HeaderFrom`: moves or copies fields of a key or value to headers.

use std::borrow::Cow;
use std::sync::Arc;

use super::part::{Part, of_struct, position, require_map, require_struct};
use super::schemas::{Derived, Fields, basics, fields_of, or_default};
use super::settings::{DEFAULTS, refusal};
use super::{Created, Transform, TransformClass, class};
use crate::config::def::DefaultValue::Required;
use crate::config::def::Importance::High;
use crate::config::def::Validator::OneOf;
use crate::config::def::{Check, ConfigDef, ConfigKey, Kind, Typed, Validator, Values, key};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::{ConnectError, Exception};
use crate::record::{Header, Record};

const NAMES: [&str; 2] = [
    "org.apache.kafka.connect.transforms.HeaderFrom$Key",
    "org.apache.kafka.connect.transforms.HeaderFrom$Value",
];

#[rustfmt::skip]
const KEYS: [ConfigKey; 4] = [
    key("fields", Kind::List, Required, FILLED, ("", High),
        "The fields that become headers."),
    key("headers", Kind::List, Required, FILLED, ("", High),
        "The names of the headers, in the order of the fields."),
    key("operation", Kind::String, Required, OneOf(&["move", "copy"]), ("", High),
        "Whether the fields leave the key or value (`move`) or stay there as well (`copy`)."),
    DEFAULTS,
];

/// This class has a text of its own for a list that is empty.
const FILLED: Validator = Validator::Check(Check(|key, value| match value {
    Typed::List(items) if items.is_empty() => {
        Err(format!("Invalid value [] for configuration {key}: Empty list"))
    }
    _ => Ok(()),
}));

pub(super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    let (fields, headers) = (values.list("fields"), values.list("headers"));
    if fields.len() != headers.len() {
        return Err(refusal("'fields' config must have the same number of elements as 'headers' config."));
    }
    Ok(Box::new(HeaderFrom {
        part,
        pairs: fields.iter().cloned().zip(headers.iter().cloned()).collect(),
        moves: values.text("operation") == Some("move"),
        defaults: values.boolean(DEFAULTS.name),
        plans: Derived::default(),
    }))
}

#[derive(Debug)]
struct HeaderFrom {
    part: Part,
    /// Names of fields and of their headers.
    pairs: Vec<(String, String)>,
    moves: bool,
    defaults: bool,
    plans: Derived<Plan>,
}

/// What is left of a struct whose fields are moved.
#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    /// Whether each field stays, in the order of the former schema.
    stays: Vec<bool>,
}

impl Transform for HeaderFrom {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let purpose = if self.moves { "header move" } else { "header copy" };
        let left = match schema {
            None => {
                let mut entries = require_map(value, purpose)?;
                for (number, (field, header)) in self.pairs.iter().enumerate() {
                    let at = position(&entries, field);
                    let value = match at {
                        None => Value::Null,
                        Some(at) if self.moves && !self.is_repeated(number) => entries.remove(at).1,
                        Some(at) => entries[at].1.clone(),
                    };
                    record.headers.push(of_header(header, SchemaAndValue { schema: None, value }));
                }
                SchemaAndValue { schema: None, value: Value::Map(entries) }
            }
            Some(schema) => {
                let mut of = require_struct(value, purpose)?;
                let plan =
                    if self.moves { Some(self.plans.of(&schema, |schema| self.plan(schema))?) } else { None };
                for (number, (name, header)) in self.pairs.iter().enumerate() {
                    let Some((at, field)) = schema.field_index(name).map(|at| (at, &schema.fields()[at]))
                    else {
                        let why = format!("field {name} does not exist");
                        return Err(ConnectError::new(Exception::NullPointer, why));
                    };
                    let value = match of.values.get_mut(at) {
                        None => Value::Null,
                        Some(value) if self.moves && !self.is_repeated(number) => {
                            std::mem::replace(value, Value::Null)
                        }
                        Some(value) => value.clone(),
                    };
                    let value = or_default(value, &field.schema, self.defaults);
                    let schema = Some(Cow::Owned(Arc::clone(&field.schema)));
                    record.headers.push(of_header(header, SchemaAndValue { schema, value }));
                }
                match plan {
                    None => SchemaAndValue { schema: Some(schema), value: Value::Struct(of) },
                    Some(plan) => {
                        let fields = of.schema.fields().iter().zip(of.values).zip(&plan.stays);
                        let values = fields
                            .filter(|(_, stays)| **stays)
                            .map(|((field, value), _)| or_default(value, &field.schema, self.defaults));
                        of_struct(Arc::clone(&plan.schema), values.collect())
                    }
                }
            }
        };
        *self.part.of_mut(&mut record) = left;
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }

    fn uses_headers(&self) -> bool {
        true
    }
}

impl HeaderFrom {
    /// Returns whether a later pair has the same field.
    fn is_repeated(&self, number: usize) -> bool {
        self.pairs[number + 1..].iter().any(|(field, _)| *field == self.pairs[number].0)
    }

    fn plan(&self, schema: &Schema) -> Result<Plan, ConnectError> {
        let mut fields = Fields::default();
        let mut stays = Vec::new();
        for field in fields_of(schema)? {
            let stay = !self.pairs.iter().any(|(name, _)| *name == field.name);
            if stay {
                fields.add(&field.name, Arc::clone(&field.schema))?;
            }
            stays.push(stay);
        }
        Ok(Plan { schema: Arc::new(basics(schema, fields.into_kind())), stays })
    }
}

fn of_header<'a>(name: &'a str, data: SchemaAndValue<'a>) -> Header<'a> {
    Header { key: Cow::Borrowed(name), data }
}
