//! Writes converted data as the keys and values of a map: as the map's serializer writes data, or as objects where a
//! mapping names a type.

use std::sync::Arc;

use coherence_kafka_connect::converter::Role;
use coherence_kafka_connect::data::Value;
use coherence_kafka_connect::encode::{EncodeError, Encoder};
use coherence_kafka_connect::mapping::{Mapping, MappingError, Part};

/// Writes the entries of a connector's maps.
#[derive(Debug)]
pub(crate) struct EntryWriter {
    /// Writes what has no type.
    pub encoder: Encoder,
    /// The types of the maps' entries.
    pub typed: Option<Arc<Mapping>>,
}

/// Why data has no form in its map.
#[derive(Debug, thiserror::Error)]
pub(crate) enum EntryError {
    /// As data.
    #[error(transparent)]
    Encode(#[from] EncodeError),
    /// As an object.
    #[error(transparent)]
    Typed(#[from] MappingError),
}

impl EntryWriter {
    /// Appends the key of an entry of `map`.
    pub(crate) fn write_key(&self, map: &str, key: Value<'_>, out: &mut Vec<u8>) -> Result<(), EntryError> {
        match self.part(map, Role::Key) {
            Some(part) => part.write(self.encoder.format, &key, out)?,
            None => self.encoder.encode_key(key, out)?,
        }
        Ok(())
    }

    /// Appends the value of an entry of `map`.
    pub(crate) fn write_value(
        &self,
        map: &str,
        value: &Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), EntryError> {
        match self.part(map, Role::Value) {
            Some(part) => part.write(self.encoder.format, value, out)?,
            None => self.encoder.encode(value, out)?,
        }
        Ok(())
    }

    fn part(&self, map: &str, role: Role) -> Option<Part<'_>> {
        self.typed.as_ref()?.part(map, role)
    }
}
