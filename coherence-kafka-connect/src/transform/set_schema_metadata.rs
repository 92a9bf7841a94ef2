//! `SetSchemaMetadata`: changes the name or version of a schema.

use super::part::{Part, of_struct};
use super::schemas::{Derived, fields_of, or_default};
use super::settings::{DEFAULTS, refusal};
use super::{Created, Transform, TransformClass, class};
use crate::config::def::DefaultValue::Null;
use crate::config::def::Importance::High;
use crate::config::def::Validator::Any;
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::ConnectError;
use crate::record::Record;
use std::borrow::Cow;

const NAMES: [&str; 2] = [
    "org.apache.kafka.connect.transforms.SetSchemaMetadata$Key",
    "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value",
];

const KEYS: [ConfigKey; 3] = [
    key("schema.name", Kind::String, Null, Any, ("", High), "The new name of the schema."),
    key("schema.version", Kind::Int, Null, Any, ("", High), "The new version of the schema."),
    DEFAULTS,
];

pub(super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    let name = values.text("schema.name").map(str::to_owned);
    let version = values.typed("schema.version").map(|_| values.number("schema.version") as i32);
    if name.is_none() && version.is_none() {
        return Err(refusal("Neither schema name nor version configured"));
    }
    let defaults = values.boolean(DEFAULTS.name);
    Ok(Box::new(SetSchemaMetadata { part, name, version, defaults, schemas: Derived::default() }))
}

#[derive(Debug)]
struct SetSchemaMetadata {
    part: Part,
    name: Option<String>,
    version: Option<i32>,
    defaults: bool,
    schemas: Derived<Schema>,
}

impl Transform for SetSchemaMetadata {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let Some(schema) = schema else {
            return match value {
                Value::Null => Ok(Some(record)),
                _ => Err(ConnectError::data("Schema required for [updating schema metadata]")),
            };
        };
        let updated = self.schemas.of(&schema, |schema| {
            // Connect refuses the schemas of all other types in the same place.
            fields_of(schema)?;
            Ok(Schema {
                name: self.name.clone().or_else(|| schema.name.clone()),
                version: self.version.or(schema.version),
                ..schema.clone()
            })
        })?;
        *self.part.of_mut(&mut record) = match value {
            Value::Struct(of) => {
                let fields = of.schema.fields().iter().zip(of.values);
                let values = fields.map(|(field, value)| or_default(value, &field.schema, self.defaults));
                of_struct(updated, values.collect())
            }
            value => SchemaAndValue { schema: Some(Cow::Owned(updated)), value },
        };
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }
}
