//! Values as Java's default serializer writes the object that Connect would have given.
//!
//! A list, a map and a struct would be a stream of Java objects, whose form is that of their classes: they are refused.

use coherence_kafka_common::java_format;
use coherence_kafka_common::packed;
use coherence_kafka_common::pof::PofValue;
use uuid::Uuid;

use super::{EncodeError, pof_value};
use crate::data::Value;

const BIG_DECIMAL: u8 = 0x05;
const STRING: u8 = 0x06;
const BYTE_ARRAY: u8 = 0x08;

/// Appends the binary of `value`.
pub(super) fn write(value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let plain = match value {
        Value::Null => PofValue::Null,
        Value::Boolean(value) => PofValue::Boolean(*value),
        Value::Int8(value) => PofValue::Octet(*value as u8),
        Value::Int16(value) => PofValue::Int16(*value),
        Value::Int32(value) => PofValue::Int32(*value),
        Value::Int64(value) => PofValue::Int64(*value),
        Value::Float32(value) => PofValue::Float32(*value),
        Value::Float64(value) => PofValue::Float64(*value),
        Value::String(text) => return write_bytes(STRING, text.as_bytes(), out),
        Value::Bytes(bytes) => return write_bytes(BYTE_ARRAY, bytes, out),
        // Java holds decimals of any size.
        Value::Decimal { unscaled, scale } => {
            write_bytes(BIG_DECIMAL, &unscaled.to_signed_bytes_be(), out)?;
            packed::write_i32(out, *scale);
            return Ok(());
        }
        // Each is a `java.util.Date` in Connect.
        Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis) => {
            java_format::write_date(*millis, out);
            return Ok(());
        }
        Value::Uuid(bits) => {
            java_format::write_uuid(Uuid::from_u128(*bits), out);
            return Ok(());
        }
        Value::Pof(binary) => return write(&pof_value::of_binary(binary)?, out),
        Value::Array(_) => return Err(EncodeError::NotJava { what: "a list" }),
        Value::Map(_) => return Err(EncodeError::NotJava { what: "a map" }),
        Value::Struct(_) => return Err(EncodeError::NotJava { what: "a struct" }),
    };
    java_format::write(&plain, out).map_err(|refused| EncodeError::NotJava { what: refused.what })
}

fn write_bytes(format: u8, bytes: &[u8], out: &mut Vec<u8>) -> Result<(), EncodeError> {
    let len = i32::try_from(bytes.len())
        .map_err(|_| EncodeError::NotJava { what: "a value longer than 2147483647 bytes" })?;
    out.push(format);
    packed::write_i32(out, len);
    out.extend_from_slice(bytes);
    Ok(())
}
