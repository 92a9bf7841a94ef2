//! A `PofValue` through the writer.

use coherence_kafka_common::pof::{PofValue, PofWriter, Zone};

/// Appends `value`; false, with a part of it written, where the writer has no method for something in it.
pub fn encode(value: &PofValue, writer: &mut PofWriter<'_>) -> bool {
    match value {
        PofValue::Null => writer.null(),
        PofValue::Boolean(value) => writer.boolean(*value),
        PofValue::Int16(value) => writer.int16(*value),
        PofValue::Int32(value) => writer.int32(*value),
        PofValue::Int64(value) => writer.int64(*value),
        PofValue::Int128(value) => writer.big_integer(*value),
        PofValue::Float32(value) => writer.float32(*value),
        PofValue::Float64(value) => writer.float64(*value),
        PofValue::Decimal { unscaled, scale } => return writer.decimal(*unscaled, *scale).is_ok(),
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
            return elements.iter().all(|element| encode(element, writer));
        }
        PofValue::Array(elements) => {
            writer.object_array(elements.len());
            return elements.iter().all(|element| encode(element, writer));
        }
        PofValue::Map(entries) => {
            writer.map(entries.len());
            return entries.iter().all(|(key, value)| encode(key, writer) && encode(value, writer));
        }
        PofValue::User { type_id, version, properties } => {
            writer.user_type(*type_id, *version);
            let encoded = properties.iter().all(|(index, value)| {
                writer.property(*index);
                encode(value, writer)
            });
            writer.end();
            return encoded;
        }
        _ => return false,
    }
    true
}
