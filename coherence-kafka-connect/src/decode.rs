//! From the binary that a map holds to Connect's data: the reverse of [`encode`](crate::encode).
//!
//! Owns: what each type of the map's format becomes, and which keys of a map could have become a key of a record. Never
//! does: convert data to the bytes of a record.
//!
//! ```text
//! entry ─┬─ with a type in the mapping file   a struct with field names, and its schema
//!        ├─ pof.rs    numbers, text, bytes and truth with their schemas; lists and maps without
//!        ├─ json.rs   the same; an object is a map, @class a member like any other
//!        └─ java.rs   the same, without lists and maps, which are streams of Java objects
//! key of a record → Value → keys.rs → the binaries of keys
//! ```

use std::borrow::Cow;
use std::sync::{Arc, LazyLock};

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::map::Format;
use coherence_kafka_common::pof::PofValue;

use crate::converter::Role;
use crate::data::{Schema, SchemaAndValue, SchemaKind, Value};
use crate::encode::{ArrayForm, Encoder};
use crate::error::ConnectError;
use crate::mapping::{Mapping, MappingError, Part};

mod java;
mod json;
mod keys;
mod pof;

/// Reads the entries of one map.
#[derive(Debug, Clone, Default)]
pub struct Decoder {
    /// The format of the map.
    pub format: Format,
    /// The types of its entries, and its name among the maps of the mapping. Only maps in POF have types.
    pub typed: Option<(Arc<Mapping>, String)>,
}

/// Why an entry has no data. Holds nothing of the entry.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum DecodeError {
    /// Bytes that are not POF.
    #[error(transparent)]
    Pof(#[from] coherence_kafka_common::packed::DecodeError),
    /// Bytes that are no binary of Java's default serializer.
    #[error("not java: {0}")]
    Binary(coherence_kafka_common::packed::DecodeError),
    /// Bytes that are not JSON.
    #[error(transparent)]
    Json(ConnectError),
    /// Another first byte than a serializer writes.
    #[error("not {format}: the first byte is not 15")]
    FirstByte {
        /// The format of the map.
        format: Format,
    },
    /// An object that is not of the type in the mapping file.
    #[error(transparent)]
    Typed(#[from] MappingError),
    /// An object of a class that no mapping file describes.
    #[error(
        "object of user type {type_id}, whose fields have no names: describe its class in coherence.mapping.file, or \
         publish the bytes of the map with coherence.passthrough=true"
    )]
    UserType {
        /// The type id of the object.
        type_id: u32,
    },
    /// A type without a counterpart in Connect.
    #[error(
        "{what} has no counterpart in kafka connect's data: publish the map with coherence.passthrough=true"
    )]
    NoCounterpart {
        /// The type.
        what: &'static str,
    },
}

impl Decoder {
    /// Returns the data in the binary of a key or value, which is undecorated.
    ///
    /// # Errors
    /// Why it has none.
    pub fn decode(&self, role: Role, binary: &[u8]) -> Result<SchemaAndValue<'static>, DecodeError> {
        if let Some(part) = self.part(role) {
            return Ok(part.read(binary)?);
        }
        let value = match (self.format, binary) {
            (Format::Java, _) => java::read(binary)?,
            (Format::Pof, [FMT_EXT, payload @ ..]) => pof::read(payload)?,
            (Format::Json, [FMT_EXT, payload @ ..]) => json::read(payload)?,
            (format, _) => return Err(DecodeError::FirstByte { format }),
        };
        let schema = schema(&value).map(Cow::Borrowed);
        Ok(SchemaAndValue { schema, value })
    }

    /// Returns the binaries of the keys that [`Decoder::decode`] could have read this value from, after a converter
    /// wrote and read it. A converter without schemas loses the type of a number.
    pub fn keys(&self, value: &Value<'_>) -> Vec<Vec<u8>> {
        let encoded = |write: &dyn Fn(&mut Vec<u8>) -> bool| {
            let mut binary = Vec::new();
            write(&mut binary).then_some(binary)
        };
        if let Some(part) = self.part(Role::Key) {
            return encoded(&|out| part.write(self.format, value, out).is_ok()).into_iter().collect();
        }
        let encoder = Encoder { format: self.format, arrays: ArrayForm::List };
        let mut keys = Vec::new();
        for form in keys::forms(value) {
            keys.extend(encoded(&|out| encoder.encode_key(form.clone(), out).is_ok()));
            // The entries of a map stand in the order of the map that Java had as the key.
            if keys::is_container(&form) {
                keys.extend(encoded(&|out| encoder.encode(&form, out).is_ok()));
            }
        }
        keys
    }

    fn part(&self, role: Role) -> Option<Part<'_>> {
        let (mapping, map) = self.typed.as_ref()?;
        mapping.part(map, role)
    }
}

/// Returns the data of an object that was in a map in POF.
///
/// # Errors
/// Why it has none.
pub fn of_pof(object: PofValue) -> Result<SchemaAndValue<'static>, DecodeError> {
    let value = pof::of(object)?;
    let schema = schema(&value).map(Cow::Borrowed);
    Ok(SchemaAndValue { schema, value })
}

/// Returns the schema of a value that no others are in.
fn schema(value: &Value<'_>) -> Option<&'static Arc<Schema>> {
    static SCHEMAS: LazyLock<[Arc<Schema>; 9]> = LazyLock::new(|| {
        [
            SchemaKind::Boolean,
            SchemaKind::Int8,
            SchemaKind::Int16,
            SchemaKind::Int32,
            SchemaKind::Int64,
            SchemaKind::Float32,
            SchemaKind::Float64,
            SchemaKind::String,
            SchemaKind::Bytes,
        ]
        .map(|kind| Arc::new(Schema::new(kind)))
    });
    let index = match value {
        Value::Boolean(_) => 0,
        Value::Int8(_) => 1,
        Value::Int16(_) => 2,
        Value::Int32(_) => 3,
        Value::Int64(_) => 4,
        Value::Float32(_) => 5,
        Value::Float64(_) => 6,
        Value::String(_) => 7,
        Value::Bytes(_) => 8,
        _ => return None,
    };
    SCHEMAS.get(index)
}

#[cfg(test)]
mod tests;
