//! `Flatten`: nested structs or maps become fields of the outermost one, with joined names.

use std::borrow::Cow;
use std::collections::HashSet;
use std::sync::Arc;

use super::part::{Part, of_struct, require_map, require_struct};
use super::schemas::{Derived, Fields, basics, or_default};
use super::{Created, Transform, TransformClass, class};
use crate::config::def::DefaultValue::Text;
use crate::config::def::Importance::Medium;
use crate::config::def::Validator::Any;
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Struct, Value};
use crate::error::{ConnectError, Exception};
use crate::record::Record;

const NAMES: [&str; 2] =
    ["org.apache.kafka.connect.transforms.Flatten$Key", "org.apache.kafka.connect.transforms.Flatten$Value"];
const PURPOSE: &str = "flattening";

#[rustfmt::skip]
const KEYS: [ConfigKey; 1] = [
    key("delimiter", Kind::String, Text("."), Any, ("", Medium),
        "What stands between the names of nested fields."),
];

pub(super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    let delimiter = values.text("delimiter").unwrap_or_default().to_owned();
    Ok(Box::new(Flatten { part, delimiter, schemas: Derived::default() }))
}

/// Creates the transform of values, for another one that ends with it.
pub(super) fn of_values(delimiter: String) -> Box<dyn Transform> {
    Box::new(Flatten { part: Part::Value, delimiter, schemas: Derived::default() })
}

#[derive(Debug)]
struct Flatten {
    part: Part,
    delimiter: String,
    schemas: Derived<Schema>,
}

impl Transform for Flatten {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        if self.part.of(&record).value == Value::Null {
            return Ok(Some(record));
        }
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let flat = match schema {
            None => SchemaAndValue { schema: None, value: self.flat_map(value)? },
            Some(_) => {
                let of = require_struct(value, PURPOSE)?;
                let schema = self.schemas.of(&of.schema, |schema| {
                    let mut fields = Fields::default();
                    let default = of_default(schema.default.as_ref());
                    self.add_fields(schema, "", schema.optional, default, &mut fields)?;
                    Ok(basics(schema, fields.into_kind()))
                })?;
                let mut values = Vec::with_capacity(schema.fields().len());
                add_values(of, &mut values);
                of_struct(schema, values)
            }
        };
        *self.part.of_mut(&mut record) = flat;
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }
}

impl Flatten {
    fn name<'n>(&self, prefix: &str, name: Cow<'n, str>) -> Cow<'n, str> {
        if prefix.is_empty() { name } else { Cow::Owned(format!("{prefix}{}{name}", self.delimiter)) }
    }

    fn flat_map<'a>(&self, value: Value<'a>) -> Result<Value<'a>, ConnectError> {
        let mut flat = Vec::new();
        self.add_entries(value, "", &mut flat)?;
        let mut names = HashSet::with_capacity(flat.len());
        if !flat.iter().all(|(name, _)| names.insert(&**name)) {
            drop(names);
            // The last one of a name stays, in the place of the first.
            let mut distinct: Vec<(Cow<'a, str>, Value<'a>)> = Vec::with_capacity(flat.len());
            for (name, value) in flat {
                match distinct.iter_mut().find(|(known, _)| *known == name) {
                    Some(known) => known.1 = value,
                    None => distinct.push((name, value)),
                }
            }
            flat = distinct;
        }
        Ok(Value::Map(flat.into_iter().map(|(name, value)| (Value::String(name), value)).collect()))
    }

    fn add_entries<'a>(
        &self,
        value: Value<'a>,
        prefix: &str,
        flat: &mut Vec<(Cow<'a, str>, Value<'a>)>,
    ) -> Result<(), ConnectError> {
        for (key, value) in require_map(value, PURPOSE)? {
            let Value::String(key) = key else {
                return Err(ConnectError::new(Exception::ClassCast, "a key of the map is no text"));
            };
            let name = self.name(prefix, key);
            match value {
                Value::Map(_) => self.add_entries(value, &name, flat)?,
                Value::Struct(_) => {
                    return Err(ConnectError::data(format!(
                        "Flatten transformation does not support class {} for record without schemas (for field {name}).",
                        value.class_name()
                    )));
                }
                Value::Decimal { .. }
                | Value::Date(_)
                | Value::Time(_)
                | Value::Timestamp(_)
                | Value::Uuid(_)
                | Value::Pof(_) => {
                    return Err(ConnectError::data(format!(
                        "Flatten transformation was passed a value of type class {} which is not supported by Connect's \
                         data API",
                        value.class_name()
                    )));
                }
                value => flat.push((name, value)),
            }
        }
        Ok(())
    }

    /// Adds the fields of `schema`. Inside an optional struct every field is optional, and a default of the struct is one
    /// of its fields too.
    fn add_fields(
        &self,
        schema: &Schema,
        prefix: &str,
        optional: bool,
        default: Option<&Struct<'static>>,
        flat: &mut Fields,
    ) -> Result<(), ConnectError> {
        for (index, field) in schema.fields().iter().enumerate() {
            let name = self.name(prefix, Cow::Borrowed(&field.name));
            let optional = optional || field.schema.optional;
            let of_parent = default.and_then(|of| {
                let value = of.values.get(index).filter(|value| **value != Value::Null);
                value.or(of.schema.fields().get(index).and_then(|field| field.schema.default.as_ref()))
            });
            let default = field.schema.default.as_ref().or(of_parent);
            match &field.schema.kind {
                SchemaKind::Struct(_) => {
                    self.add_fields(&field.schema, &name, optional, of_default(default), flat)?;
                }
                SchemaKind::Map(..) => {
                    return Err(ConnectError::data(format!(
                        "Flatten transformation does not support {} for record with schemas (for field {name}).",
                        field.schema.kind
                    )));
                }
                kind => {
                    let schema =
                        Schema { optional, default: default.cloned(), ..basics(&field.schema, kind.clone()) };
                    flat.add(&name, Arc::new(schema))?;
                }
            }
        }
        Ok(())
    }
}

fn of_default<'d>(default: Option<&'d Value<'static>>) -> Option<&'d Struct<'static>> {
    match default {
        Some(Value::Struct(of)) => Some(of),
        _ => None,
    }
}

fn add_values<'a>(of: Struct<'a>, flat: &mut Vec<Value<'a>>) {
    for (field, value) in of.schema.fields().iter().zip(of.values) {
        match (&field.schema.kind, value) {
            (SchemaKind::Struct(_), Value::Struct(inner)) => add_values(inner, flat),
            (SchemaKind::Struct(_), _) => add_unset(&field.schema, flat),
            (_, value) => flat.push(or_default(value, &field.schema, true)),
        }
    }
}

/// The fields of a struct that is null are not set.
fn add_unset(schema: &Schema, flat: &mut Vec<Value<'_>>) {
    for field in schema.fields() {
        match field.schema.kind {
            SchemaKind::Struct(_) => add_unset(&field.schema, flat),
            _ => flat.push(Value::Null),
        }
    }
}
