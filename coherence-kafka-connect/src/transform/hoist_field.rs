//! `HoistField`: wraps a key or value into a struct or map with one field.

use std::borrow::Cow;
use std::sync::Arc;

use super::part::{Part, of_struct};
use super::schemas::{Derived, Fields};
use super::{Created, Transform, TransformClass, class};
use crate::config::def::DefaultValue::Required;
use crate::config::def::Importance::Medium;
use crate::config::def::Validator::Any;
use crate::config::def::{ConfigDef, ConfigKey, Kind, Values, key};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::ConnectError;
use crate::record::Record;

const NAMES: [&str; 2] = [
    "org.apache.kafka.connect.transforms.HoistField$Key",
    "org.apache.kafka.connect.transforms.HoistField$Value",
];

const KEYS: [ConfigKey; 1] = [key(
    "field",
    Kind::String,
    Required,
    Any,
    ("", Medium),
    "The name of the one field of the new struct or map.",
)];

pub(super) const CLASSES: [TransformClass; 2] = class::of_parts(
    NAMES,
    ConfigDef { keys: &KEYS },
    |values| create(Part::Key, values),
    |values| create(Part::Value, values),
);

fn create(part: Part, values: &Values) -> Created {
    let field = values.text("field").unwrap_or_default().to_owned();
    Ok(Box::new(HoistField { part, field, schemas: Derived::default() }))
}

#[derive(Debug)]
struct HoistField {
    part: Part,
    field: String,
    schemas: Derived<Schema>,
}

impl Transform for HoistField {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let SchemaAndValue { schema, value } = self.part.take(&mut record);
        let hoisted = match schema {
            None => SchemaAndValue {
                schema: None,
                value: Value::Map(vec![(Value::String(Cow::Borrowed(&self.field)), value)]),
            },
            Some(schema) => {
                let schema = self.schemas.of(&schema, |_| {
                    let mut fields = Fields::default();
                    fields.add(&self.field, Arc::clone(&schema))?;
                    Ok(Schema::new(fields.into_kind()))
                })?;
                of_struct(schema, vec![value])
            }
        };
        *self.part.of_mut(&mut record) = hoisted;
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        self.part.class(NAMES)
    }
}
