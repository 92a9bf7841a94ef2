//! The key or the value of a record, as one transform sees it.

use std::borrow::Cow;
use std::sync::Arc;

use crate::data::{Schema, SchemaAndValue, Struct, Value};
use crate::record::Record;

/// What a transform changes: the class `…$Key` the key, the class `…$Value` the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Key,
    Value,
}

impl Part {
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
