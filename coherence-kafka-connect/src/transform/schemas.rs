//! Schemas that a transform derives from those of its input, cached as Connect caches them.

use std::sync::{Arc, Mutex, PoisonError};

use crate::data::{Field, Schema, SchemaKind, Value};
use crate::error::{ConnectError, Exception};

/// As many schemas as Connect keeps.
const CAPACITY: usize = 16;

/// What a transform derives from a schema. A converter gives the same schema with every record of a topic, so that the
/// first entry is nearly always the one.
#[derive(Debug)]
pub(super) struct Derived<T> {
    entries: Mutex<Vec<(Arc<Schema>, Arc<T>)>>,
}

impl<T> Default for Derived<T> {
    fn default() -> Self {
        Self { entries: Mutex::new(Vec::new()) }
    }
}

impl<T> Derived<T> {
    /// Returns what is derived from `schema`, by `derive` where it is not known yet.
    pub(super) fn of(
        &self,
        schema: &Arc<Schema>,
        derive: impl FnOnce(&Schema) -> Result<T, ConnectError>,
    ) -> Result<Arc<T>, ConnectError> {
        let mut entries = self.entries.lock().unwrap_or_else(PoisonError::into_inner);
        let known = entries.iter().position(|(known, _)| Arc::ptr_eq(known, schema));
        let known = known.or_else(|| entries.iter().position(|(known, _)| known == schema));
        match known {
            Some(0) => {}
            Some(at) => entries[..=at].rotate_right(1),
            None => {
                let derived = Arc::new(derive(schema)?);
                entries.truncate(CAPACITY - 1);
                entries.insert(0, (Arc::clone(schema), derived));
            }
        }
        Ok(Arc::clone(&entries[0].1))
    }
}

/// `SchemaBuilder.field`: the fields of a struct while it is put together.
#[derive(Debug, Default)]
pub(super) struct Fields(Vec<Field>);

impl Fields {
    pub(super) fn add(&mut self, name: &str, schema: Arc<Schema>) -> Result<(), ConnectError> {
        let refuse = |message: String| Err(ConnectError::new(Exception::SchemaBuilder, message));
        if name.is_empty() {
            return refuse("fieldName cannot be null.".to_owned());
        }
        if self.0.iter().any(|field| field.name == name) {
            return refuse(format!("Cannot create field because of field name duplication {name}"));
        }
        self.0.push(Field { name: name.to_owned(), schema });
        Ok(())
    }

    pub(super) fn into_kind(self) -> SchemaKind {
        SchemaKind::Struct(self.0)
    }
}

/// `SchemaUtil.copySchemaBasics`: name, version, documentation and parameters of a schema, for another type.
pub(super) fn basics(of: &Schema, kind: SchemaKind) -> Schema {
    Schema {
        kind,
        optional: false,
        name: of.name.clone(),
        version: of.version,
        doc: of.doc.clone(),
        parameters: of.parameters.clone(),
        default: None,
    }
}

/// `Struct.get`: the value of a field, or where that is null and `defaults` is set, the default of its schema.
pub(super) fn or_default<'a>(value: Value<'a>, schema: &Schema, defaults: bool) -> Value<'a> {
    match (value, &schema.default) {
        (Value::Null, Some(default)) if defaults => default.clone(),
        (value, _) => value,
    }
}

/// `Schema.fields`: those of a struct.
pub(super) fn fields_of(schema: &Schema) -> Result<&[Field], ConnectError> {
    match &schema.kind {
        SchemaKind::Struct(fields) => Ok(fields),
        _ => Err(ConnectError::data("Cannot list fields on non-struct type")),
    }
}
