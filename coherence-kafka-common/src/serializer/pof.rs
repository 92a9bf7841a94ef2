//! POF: `0x15` and the value, as a grid's serializer named `pof` and the `KafkaPofSerializer` write it.

use super::{Deserializer, Header, Serializer, SerializerError};
use crate::binary::FMT_EXT;
use crate::pof::{self, PofValue, PofWriter, Zone};

/// Any value as POF. The null of POF is a value to it, `15 64`: an entry that is present and holds null. Whoever
/// wants a tombstone for it must not ask this serializer, which the Java one gets wrong.
#[derive(Debug, Clone, Copy, Default)]
pub struct PofSerde;

impl Serializer<PofValue> for PofSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &PofValue,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        out.push(FMT_EXT);
        write(value, &mut PofWriter::new(out))
    }
}

impl Deserializer<PofValue> for PofSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<PofValue, SerializerError> {
        let payload = payload(bytes, "pof")?;
        pof::decode(payload).map_err(|error| SerializerError::Pof(error.behind(1)))
    }
}

/// What follows `0x15`.
pub(super) fn payload<'a>(bytes: &'a [u8], format: &'static str) -> Result<&'a [u8], SerializerError> {
    let found = match bytes {
        [FMT_EXT, payload @ ..] => return Ok(payload),
        [] => "no bytes",
        _ => "another byte",
    };
    Err(SerializerError::Malformed { format, expected: "0x15".to_owned(), offset: 0, found })
}

/// The recursion is as deep as the value.
fn write(value: &PofValue, writer: &mut PofWriter<'_>) -> Result<(), SerializerError> {
    match value {
        PofValue::Null => writer.null(),
        PofValue::Boolean(value) => writer.boolean(*value),
        PofValue::Int16(value) => writer.int16(*value),
        PofValue::Int32(value) => writer.int32(*value),
        PofValue::Int64(value) => writer.int64(*value),
        PofValue::Int128(value) => writer.big_integer(*value),
        PofValue::Float32(value) => writer.float32(*value),
        PofValue::Float64(value) => writer.float64(*value),
        PofValue::Decimal { unscaled, scale } => {
            return writer.decimal(*unscaled, *scale).map_err(|error| not_representable(&error));
        }
        PofValue::Octet(value) => writer.octet(*value),
        PofValue::OctetString(bytes) => writer.octet_string(bytes),
        PofValue::ByteArray(bytes) => writer.byte_array(bytes),
        PofValue::String(text) => writer.string(text),
        PofValue::Date(date) => writer.date(date.year, date.month, date.day),
        PofValue::Time(time) if time.zone.is_none() => {
            writer.time(time.hour, time.minute, time.second, time.nano);
        }
        PofValue::DateTime(date, time) if time.zone == Some(Zone::Utc) => writer.date_time_utc(
            date.year,
            date.month,
            date.day,
            time.hour,
            time.minute,
            time.second,
            time.nano,
        ),
        PofValue::Collection(elements) => {
            writer.collection(elements.len());
            return elements.iter().try_for_each(|element| write(element, writer));
        }
        PofValue::Array(elements) => {
            writer.object_array(elements.len());
            return elements.iter().try_for_each(|element| write(element, writer));
        }
        PofValue::Map(entries) => {
            writer.map(entries.len());
            for (key, value) in entries {
                write(key, writer)?;
                write(value, writer)?;
            }
        }
        PofValue::User { type_id, version, properties } => {
            writer.user_type(*type_id, *version);
            for (index, value) in properties {
                writer.property(*index);
                write(value, writer)?;
            }
            writer.end();
        }
        other => return Err(not_representable(&super::dynamic::type_name(other))),
    }
    Ok(())
}

fn not_representable(what: &dyn std::fmt::Display) -> SerializerError {
    SerializerError::NotRepresentable { format: "pof", what: what.to_string() }
}
