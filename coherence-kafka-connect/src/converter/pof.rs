//! `KafkaPofConverter`: entries that are in Coherence's binary form already, as the entry store and Coherence's
//! own Kafka serializer write them.
//!
//! Owns: taking decorations off, and refusing what is not whole POF. Never does: know the classes of user types.
//! The POF goes to the map as it came and comes from it, so no POF configuration is needed here (`kafka.pof.config` is
//! ignored). Other data is written as a map of POF would hold it.

use std::borrow::Cow;
use std::sync::Arc;

use coherence_kafka_common::binary::{FMT_EXT, FMT_IDO};
use coherence_kafka_common::map::Format;
use coherence_kafka_common::packed::DecodeError;
use coherence_kafka_common::{decoration, pof};

use super::options::Options;
use super::{Converter, Role};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::encode::{ArrayForm, Encoder};
use crate::error::ConnectError;
use crate::record::{RawHeader, RawHeaders};

pub(super) const CLASS: &str = "com.oracle.coherence.kafka.connect.converter.KafkaPofConverter";

/// `V_REFERENCE_NULL`: what Java's serializer writes for null, where a tombstone was meant.
const POF_NULL: u8 = 0x64;

/// The highest format byte of Coherence's legacy Java format.
const LAST_LEGACY_FORMAT: u8 = 0x19;

pub(super) fn create(role: Role, _: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
    Some(Arc::new(KafkaPofConverter { role }))
}

#[derive(Debug)]
struct KafkaPofConverter {
    role: Role,
}

impl Converter for KafkaPofConverter {
    fn to_connect<'a>(
        &'a self,
        _: &str,
        _: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let value = match bytes {
            None => Value::Null,
            Some(bytes) => {
                read(bytes).map_err(|why| ConnectError::data("Failed to deserialize POF: ").because(why))?
            }
        };
        // The Java converter computes a schema from its POF configuration. Without one the data has none.
        Ok(SchemaAndValue { schema: None, value })
    }

    fn from_connect(
        &self,
        _: &str,
        _: &mut Vec<RawHeader>,
        _: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        match value {
            Value::Null => Ok(None),
            value => write(self.role, value)
                .map(Some)
                .map_err(|why| ConnectError::data("Failed to serialize POF: ").because(why)),
        }
    }

    fn class_name(&self) -> &'static str {
        CLASS
    }
}

/// Returns the Coherence binary of the POF serializer with this value.
pub(super) fn write(role: Role, value: &Value<'_>) -> Result<Vec<u8>, String> {
    let encoder = Encoder { format: Format::Pof, arrays: ArrayForm::List };
    let mut binary = Vec::new();
    match role {
        Role::Key => encoder.encode_key(value.clone(), &mut binary),
        Role::Value | Role::Header => encoder.encode(value, &mut binary),
    }
    .map_err(|error| error.to_string())?;
    Ok(binary)
}

/// Returns the value in a Coherence binary of the POF serializer.
pub(super) fn read(bytes: &[u8]) -> Result<Value<'_>, String> {
    let plain = match bytes.first() {
        Some(&FMT_IDO) => decoration::undecorated_key(bytes).map_err(|error| error.to_string())?,
        _ => decoration::undecorated_value(bytes)
            .map_err(|error| error.to_string())?
            .ok_or("the binary has decorations but no value")?,
    };
    // What is behind the value inside decorations was cut off, so the distance to the end has no meaning.
    let payload_at = plain.as_ptr() as usize - bytes.as_ptr() as usize + 1;
    match plain {
        [FMT_EXT, POF_NULL] => Ok(Value::Null),
        [FMT_EXT, payload @ ..] => match pof::check(payload) {
            Ok(()) => Ok(Value::Pof(Cow::Borrowed(plain))),
            Err(error) => {
                let offset = error.offset + payload_at;
                Err(DecodeError { offset, ..error }.to_string())
            }
        },
        [] => Err("the binary is empty, expected 0x15 and POF".to_owned()),
        [format @ 0..=LAST_LEGACY_FORMAT, ..] => Err(format!(
            "the binary begins with 0x{format:02X}, Coherence's Java format; expected 0x15 and POF: \
             write the topic with the POF serializer, or copy it unread with coherence.passthrough=true"
        )),
        _ => Err("the bytes are not a Coherence binary, expected 0x15 and POF".to_owned()),
    }
}
