//! Writes converted data as the keys and values of a map: as the map's serializer writes data, or as objects where a
//! mapping names a type.

use std::sync::Arc;

use coherence_kafka_connect::converter::Role;
use coherence_kafka_connect::data::Value;
use coherence_kafka_connect::encode::{EncodeError, Encoder};
use coherence_kafka_connect::mapping::{Mapping, MappingError, Part};

use crate::config::Mappings;

/// Writes the entries of a connector's maps.
#[derive(Debug)]
pub(crate) struct EntryWriter {
    /// Writes what has no type.
    pub encoder: Encoder,
    /// The types of the maps' entries, and the maps of the topics.
    pub typed: Option<(Arc<Mapping>, Arc<Mappings>)>,
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
    /// Appends the key of a record that goes to the map of `topic`.
    pub(crate) fn write_key(&self, topic: &str, key: Value<'_>, out: &mut Vec<u8>) -> Result<(), EntryError> {
        match self.part(topic, Role::Key) {
            Some(part) => part.write(self.encoder.format, &key, out)?,
            None => self.encoder.encode_key(key, out)?,
        }
        Ok(())
    }

    /// Appends the value of a record that goes to the map of `topic`.
    pub(crate) fn write_value(
        &self,
        topic: &str,
        value: &Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), EntryError> {
        match self.part(topic, Role::Value) {
            Some(part) => part.write(self.encoder.format, value, out)?,
            None => self.encoder.encode(value, out)?,
        }
        Ok(())
    }

    fn part(&self, topic: &str, role: Role) -> Option<Part<'_>> {
        let (mapping, maps) = self.typed.as_ref()?;
        mapping.part(maps.map_of(topic), role)
    }
}
