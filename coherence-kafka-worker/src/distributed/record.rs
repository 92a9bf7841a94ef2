//! A record to write, and the JSON of one that was read.

use std::fmt;

use coherence_kafka_connect::config::json::{Members, members};
use coherence_kafka_rdkafka::topic_writer::KeyValue;

/// A record to write: UTF-8 texts, without headers. `Debug` shows no value: there may be passwords in it.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Record {
    /// The key.
    pub(crate) key: String,
    /// The value; `None` for a tombstone.
    pub(crate) value: Option<String>,
}

impl Record {
    /// Returns a record with a JSON value.
    pub(crate) fn new(key: String, value: &serde_json::Value) -> Self {
        Record { key, value: Some(value.to_string()) }
    }

    /// Returns key and value as they are written.
    pub(super) fn into_bytes(self) -> KeyValue {
        (self.key.into_bytes(), self.value.map(String::into_bytes))
    }

    /// Returns a record that deletes its key.
    pub(crate) fn tombstone(key: String) -> Self {
        Record { key, value: None }
    }
}

impl fmt::Debug for Record {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let len = self.value.as_ref().map(String::len);
        f.debug_struct("Record").field("key", &self.key).field("len", &len).finish_non_exhaustive()
    }
}

/// The key of a record as Connect logs it.
pub(super) fn shown(key: Option<&[u8]>) -> String {
    key.map_or_else(|| "null".to_owned(), |key| String::from_utf8_lossy(key).into_owned())
}

/// The value of a record, as Connect's converter returns it.
pub(super) enum Json<'a> {
    /// Null.
    Null,
    /// An object.
    Object(Members<'a>),
    /// A value of another kind, by its Java class.
    Other(&'static str),
}

impl<'a> Json<'a> {
    /// Reads a value; `None` if it is not JSON.
    pub(super) fn read(value: &'a [u8]) -> Option<Self> {
        let text = str::from_utf8(value).ok()?;
        let object = members(text).ok()?;
        Some(match (object, class(Some(text))) {
            (Some(members), _) => Json::Object(members),
            (None, "null") => Json::Null,
            (None, class) => Json::Other(class),
        })
    }
}

/// Returns a member as it is written.
pub(super) fn member<'a>(members: &Members<'a>, name: &str) -> Option<&'a str> {
    members.get(name).map(|value| value.get())
}

/// Returns a member that is a text.
pub(super) fn text(members: &Members<'_>, name: &str) -> Option<String> {
    member(members, name).and_then(|json| serde_json::from_str(json).ok())
}

/// Returns a member that is an integer.
pub(super) fn integer(members: &Members<'_>, name: &str) -> Option<i64> {
    member(members, name).and_then(|json| json.parse().ok())
}

/// Returns the Java class of a value that is written like this, as Connect names it in its logs.
pub(super) fn class(json: Option<&str>) -> &'static str {
    let json = json.map_or("null", str::trim_start);
    match json.bytes().next() {
        Some(b'"') => "java.lang.String",
        Some(b'{') => "java.util.HashMap",
        Some(b'[') => "java.util.ArrayList",
        Some(b't' | b'f') => "java.lang.Boolean",
        Some(b'-' | b'0'..=b'9') if json.contains(['.', 'e', 'E']) => "java.lang.Double",
        Some(b'-' | b'0'..=b'9') => "java.lang.Long",
        _ => "null",
    }
}
