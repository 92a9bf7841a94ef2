//! `ValueToKey`: makes a key of fields of the value.

use std::sync::Arc;

use super::part::{no_map, of_struct, position};
use super::schemas::{Derived, Fields, or_default};
use super::settings::{DEFAULTS, FILLED};
use super::{Transform, TransformClass};
use crate::config::def::DefaultValue::Required;
use crate::config::def::Importance::High;
use crate::config::def::{ConfigDef, ConfigKey, Kind, key};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::ConnectError;
use crate::record::Record;

const NAME: &str = "org.apache.kafka.connect.transforms.ValueToKey";
const PURPOSE: &str = "copying fields from value to key";

const KEYS: [ConfigKey; 2] = [
    key("fields", Kind::List, Required, FILLED, ("", High), "The fields of the value that the new key has."),
    DEFAULTS,
];

pub(super) const CLASS: TransformClass = TransformClass {
    class: NAME,
    settings: ConfigDef { keys: &KEYS },
    create: |values| {
        Ok(Box::new(ValueToKey {
            fields: values.list("fields").to_vec(),
            defaults: values.boolean(DEFAULTS.name),
            plans: Derived::default(),
        }))
    },
};

#[derive(Debug)]
struct ValueToKey {
    fields: Vec<String>,
    defaults: bool,
    plans: Derived<Plan>,
}

/// The key of a value.
#[derive(Debug)]
struct Plan {
    schema: Arc<Schema>,
    /// The position in the value of each field of the key.
    sources: Vec<usize>,
}

impl Transform for ValueToKey {
    fn apply<'a>(&'a self, mut record: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        let key = match (&record.value.schema, &record.value.value) {
            (None, Value::Map(entries)) => {
                let mut key = Vec::with_capacity(self.fields.len());
                for name in &self.fields {
                    let value = position(entries, name).map_or(Value::Null, |at| entries[at].1.clone());
                    super::part::put(&mut key, name, value);
                }
                SchemaAndValue { schema: None, value: Value::Map(key) }
            }
            (None, other) => return Err(no_map(other, PURPOSE)),
            (Some(_), Value::Struct(of)) => {
                let plan = self.plans.of(&of.schema, |schema| self.plan(schema))?;
                let fields = of.schema.fields();
                let values = plan.sources.iter().map(|&at| {
                    let value = of.values.get(at).cloned().unwrap_or(Value::Null);
                    or_default(value, &fields[at].schema, self.defaults)
                });
                of_struct(Arc::clone(&plan.schema), values.collect())
            }
            (Some(_), other) => {
                let found = other.class_name();
                let message = format!("Only Struct objects supported for [{PURPOSE}], found: {found}");
                return Err(ConnectError::data(message));
            }
        };
        record.key = key;
        Ok(Some(record))
    }

    fn class_name(&self) -> &'static str {
        NAME
    }
}

impl ValueToKey {
    fn plan(&self, schema: &Schema) -> Result<Plan, ConnectError> {
        let mut fields = Fields::default();
        let mut sources = Vec::new();
        for (number, name) in self.fields.iter().enumerate() {
            if self.fields[..number].contains(name) {
                continue;
            }
            let at = schema
                .field_index(name)
                .ok_or_else(|| ConnectError::data(format!("Field does not exist: {name}")))?;
            fields.add(name, Arc::clone(&schema.fields()[at].schema))?;
            sources.push(at);
        }
        Ok(Plan { schema: Arc::new(Schema::new(fields.into_kind())), sources })
    }
}
