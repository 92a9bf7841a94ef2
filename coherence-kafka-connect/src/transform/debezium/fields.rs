//! Fields of a change event that are added to the row or the headers.

use std::sync::Arc;

use super::super::part::Entries;
use super::super::schemas::basics;
use super::envelope::{OPERATION, SOURCE, UPDATE_DESCRIPTION, get};
use crate::config::def::Values;
use crate::converter::OptionError;
use crate::data::{Schema, Struct, Value};

/// A field of a change event, and its new name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Reference {
    /// The struct of the event that has the field; `None` for the event itself.
    parent: Option<String>,
    pub(super) field: String,
    /// Its name in the row or the headers.
    pub(super) name: String,
}

impl Reference {
    /// Returns the fields that the setting `list` names, with the prefix of the setting next to it.
    ///
    /// # Errors
    /// One of them has more than one new name.
    pub(super) fn list(values: &Values, list: &str) -> Result<Vec<Self>, Vec<OptionError>> {
        let prefix = values.text(&format!("{list}.prefix")).unwrap_or_default();
        let items = values.list(list).iter().filter(|item| !item.is_empty());
        items.map(|item| Self::parse(item, prefix)).collect::<Result<_, _>>().map_err(|message| {
            vec![OptionError { key: list.to_owned(), value: Some(values.list(list).join(",")), message }]
        })
    }

    /// Reads a field such as `op`, `source.ts_ms` or `ts_ms:changed_at`.
    ///
    /// # Errors
    /// It has more than one new name.
    fn parse(text: &str, prefix: &str) -> Result<Self, String> {
        let mut parts = text.split(':');
        let (path, renamed) = (parts.next().unwrap_or_default(), parts.next());
        if parts.next().is_some() {
            return Err(format!("Unexpected field name: {text}"));
        }
        let (parent, field) = match path.split_once('.') {
            Some((parent, field)) => (Some(parent.to_owned()), field),
            None => (default_parent(path).map(str::to_owned), path),
        };
        let name = match (renamed, path.contains('.'), &parent) {
            (Some(renamed), ..) => format!("{prefix}{renamed}"),
            (None, true, Some(parent)) => format!("{prefix}{parent}_{field}"),
            _ => format!("{prefix}{field}"),
        };
        Ok(Self { parent, field: field.to_owned(), name })
    }

    /// Returns where the field is in events with this schema, and the schema of the added field; `None` where they lack it.
    pub(super) fn resolve(&self, event: &Schema) -> Option<Resolved> {
        let parent = self.parent.as_deref().and_then(|parent| event.field_index(parent));
        let of_parent = parent.and_then(|at| {
            let inner = &event.fields()[at].schema;
            Some((Some(at), inner.field_index(&self.field)?, Arc::clone(inner)))
        });
        let (parent, at, schema) = match of_parent {
            Some((parent, at, inner)) => (parent, at, Arc::clone(&inner.fields()[at].schema)),
            // Another transform may have added it to the event itself.
            None => {
                let at = event.field_index(&self.field)?;
                (None, at, Arc::clone(&event.fields()[at].schema))
            }
        };
        let schema = Schema { optional: true, ..basics(&schema, schema.kind.clone()) };
        Some(Resolved { name: self.name.clone(), parent, at, schema: Arc::new(schema) })
    }

    /// Returns the value of the field in an event without a schema.
    pub(super) fn of_map<'a>(&self, event: &Entries<'a>) -> Option<Value<'a>> {
        let of_parent = match self.parent.as_deref().and_then(|parent| get(event, parent)) {
            Some(Value::Map(inner)) => get(inner, &self.field),
            _ => None,
        };
        of_parent.or_else(|| get(event, &self.field)).cloned()
    }

    /// Returns whether it is the kind of the change, which a tombstone has as well.
    pub(super) fn is_operation(&self) -> bool {
        self.field == OPERATION
    }
}

/// The struct that has a field which is given without one.
fn default_parent(field: &str) -> Option<&'static str> {
    match field {
        "id" | "data_collection_order" | "total_order" => Some("transaction"),
        "op" | "ts_ms" | "ts_us" | "ts_ns" => None,
        UPDATE_DESCRIPTION => Some(UPDATE_DESCRIPTION),
        _ => Some(SOURCE),
    }
}

/// A field of events with one schema.
#[derive(Debug, Clone)]
pub(super) struct Resolved {
    pub(super) name: String,
    parent: Option<usize>,
    at: usize,
    pub(super) schema: Arc<Schema>,
}

impl Resolved {
    /// Returns the value of the field; null where the struct that has it is, such as the transaction of a snapshot.
    pub(super) fn value<'a>(&self, event: &Struct<'a>) -> Value<'a> {
        let parent = match self.parent.map(|at| event.values.get(at)) {
            None => Some(event),
            Some(Some(Value::Struct(parent))) => Some(parent),
            Some(_) => None,
        };
        parent.and_then(|parent| parent.values.get(self.at)).cloned().unwrap_or(Value::Null)
    }
}
