//! JSON whose values keep their text: a number of a configuration counts as it is written, as in Java.

use std::collections::BTreeMap;

use serde_json::value::RawValue;

/// The values of the members of an object, as they are written.
pub type Members<'a> = BTreeMap<String, &'a RawValue>;

/// The members of an object, of repeated ones the last; `None` where it is JSON of another kind.
///
/// # Errors
/// What is not JSON, with its place.
pub fn members(json: &str) -> serde_json::Result<Option<Members<'_>>> {
    if json.trim_start().starts_with('{') {
        serde_json::from_str(json).map(Some)
    } else {
        serde_json::from_str::<&RawValue>(json).map(|_| None)
    }
}

/// A JSON text without quotes and escapes; `None` for a value of another kind.
pub fn text(value: &RawValue) -> Option<String> {
    serde_json::from_str(value.get()).ok()
}

/// What a setting of this value is: a text, or a number or a boolean as it is written; `None` for null, an array or an
/// object.
pub fn setting(value: &RawValue) -> Option<String> {
    match value.get().bytes().next() {
        Some(b'n' | b'[' | b'{') => None,
        Some(b'"') => text(value),
        _ => Some(value.get().to_owned()),
    }
}
