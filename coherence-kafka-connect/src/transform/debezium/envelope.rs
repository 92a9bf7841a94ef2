//! What a change event is.

use super::super::part::{Entries, position};
use crate::data::{SchemaAndValue, Value};

/// The row before the change.
pub(super) const BEFORE: &str = "before";
/// The row after the change.
pub(super) const AFTER: &str = "after";
/// What was done: `c` create, `u` update, `d` delete, `r` read by a snapshot, `t` truncate.
pub(super) const OPERATION: &str = "op";
/// What an update has changed, if the event lacks the document.
pub(super) const UPDATE_DESCRIPTION: &str = "updateDescription";
/// Where the change was read.
pub(super) const SOURCE: &str = "source";

/// Returns whether the data is a change event: with a schema by its name, as in Debezium, and without one by its entries.
pub(super) fn is_envelope(data: &SchemaAndValue<'_>) -> bool {
    match (&data.schema, &data.value) {
        (Some(schema), Value::Struct(_)) => {
            schema.name.as_deref().is_some_and(|name| name.ends_with(".Envelope"))
        }
        (None, Value::Map(entries)) => {
            let has = |name: &str| position(entries, name).is_some();
            has(AFTER) && has(SOURCE) && has(OPERATION)
        }
        _ => false,
    }
}

/// Moves a value out of a map; null where the map lacks it.
pub(super) fn take<'a>(entries: &mut Entries<'a>, name: &str) -> Value<'a> {
    position(entries, name).map_or(Value::Null, |at| entries.swap_remove(at).1)
}

/// Returns a value of a map; `None` where the map lacks it.
pub(super) fn get<'e, 'a>(entries: &'e Entries<'a>, name: &str) -> Option<&'e Value<'a>> {
    position(entries, name).map(|at| &entries[at].1)
}
