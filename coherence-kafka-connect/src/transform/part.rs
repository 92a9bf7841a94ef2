//! The key or the value of a record, as one transform sees it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::data::{Schema, SchemaAndValue, Struct, Value};
use crate::error::ConnectError;
use crate::record::Record;

/// What a transform changes: the class `…$Key` the key, the class `…$Value` the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
}

impl Part {
    /// Returns this part of a record.
    pub(super) fn of<'r, 'a>(self, record: &'r Record<'a>) -> &'r SchemaAndValue<'a> {
        match self {
            Part::Key => &record.key,
            Part::Value => &record.value,
        }
    }

    /// Returns this part of a record, to change it.
    pub(super) fn of_mut<'r, 'a>(self, record: &'r mut Record<'a>) -> &'r mut SchemaAndValue<'a> {
        match self {
            Part::Key => &mut record.key,
            Part::Value => &mut record.value,
        }
    }

    /// Moves this part out of a record, which has a null without a schema until another one is put there.
    pub(super) fn take<'a>(self, record: &mut Record<'a>) -> SchemaAndValue<'a> {
        std::mem::replace(self.of_mut(record), SchemaAndValue { schema: None, value: Value::Null })
    }

    /// Returns the one of two names of classes that belongs to this part.
    pub(super) fn class(self, names: [&'static str; 2]) -> &'static str {
        let [key, value] = names;
        match self {
            Part::Key => key,
            Part::Value => value,
        }
    }
}

/// Returns a struct with its schema.
pub(super) fn of_struct(schema: Arc<Schema>, values: Vec<Value<'_>>) -> SchemaAndValue<'_> {
    let value = Value::Struct(Struct { schema: Arc::clone(&schema), values });
    SchemaAndValue { schema: Some(Cow::Owned(schema)), value }
}

/// Returns the struct, or the error of Connect where the value is none.
pub(super) fn require_struct<'a>(value: Value<'a>, purpose: &str) -> Result<Struct<'a>, ConnectError> {
    match value {
        Value::Struct(of) => Ok(of),
        other => {
            let found = other.class_name();
            Err(ConnectError::data(format!("Only Struct objects supported for [{purpose}], found: {found}")))
        }
    }
}

/// The entries of a map of Connect, in order.
pub(super) type Entries<'a> = Vec<(Value<'a>, Value<'a>)>;

/// Returns the entries of the map, or the error of Connect where the value is none.
pub(super) fn require_map<'a>(value: Value<'a>, purpose: &str) -> Result<Entries<'a>, ConnectError> {
    match value {
        Value::Map(entries) => Ok(entries),
        other => Err(no_map(&other, purpose)),
    }
}

pub(super) fn no_map(value: &Value<'_>, purpose: &str) -> ConnectError {
    let found = value.class_name();
    ConnectError::data(format!(
        "Only Map objects supported in absence of schema for [{purpose}], found: {found}"
    ))
}

/// Returns the position of the entry with this text as its key.
pub(super) fn position(entries: &[(Value<'_>, Value<'_>)], name: &str) -> Option<usize> {
    entries.iter().position(|(key, _)| matches!(key, Value::String(text) if text == name))
}

/// Puts a value into a map, in place of the one with the same key.
pub(super) fn put<'a>(entries: &mut Entries<'a>, name: &'a str, value: Value<'a>) {
    match position(entries, name) {
        Some(at) => entries[at].1 = value,
        None => entries.push((Value::String(Cow::Borrowed(name)), value)),
    }
}
