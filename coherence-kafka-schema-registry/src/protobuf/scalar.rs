//! The scalar types of Protobuf that values of Connect are written as.

use coherence_kafka_connect::data::{SchemaKind, Value};
use prost_reflect::prost::encoding::{WireType, encode_varint};

/// A scalar type, and the type of Connect where two of them are written alike.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scalar {
    Int8,
    Int16,
    Int32,
    Sint32,
    Sfixed32,
    Int64,
    Uint32,
    Uint64,
    Sint64,
    Fixed32,
    Fixed64,
    Sfixed64,
    Float,
    Double,
    Bool,
    String,
    Bytes,
}

impl Scalar {
    /// Returns the type of values of this kind; `wanted` is one of several that Connect has no types for.
    pub(super) fn of(kind: &SchemaKind, wanted: Option<&str>) -> Result<Self, String> {
        Ok(match (kind, wanted) {
            (SchemaKind::Int8, _) => Scalar::Int8,
            (SchemaKind::Int16, _) => Scalar::Int16,
            (SchemaKind::Int32, None | Some("int32")) => Scalar::Int32,
            (SchemaKind::Int32, Some("sint32")) => Scalar::Sint32,
            (SchemaKind::Int32, Some("sfixed32")) => Scalar::Sfixed32,
            (SchemaKind::Int64, None | Some("int64")) => Scalar::Int64,
            (SchemaKind::Int64, Some("uint32")) => Scalar::Uint32,
            (SchemaKind::Int64, Some("uint64")) => Scalar::Uint64,
            (SchemaKind::Int64, Some("sint64")) => Scalar::Sint64,
            (SchemaKind::Int64, Some("fixed32")) => Scalar::Fixed32,
            (SchemaKind::Int64, Some("fixed64")) => Scalar::Fixed64,
            (SchemaKind::Int64, Some("sfixed64")) => Scalar::Sfixed64,
            (SchemaKind::Int32 | SchemaKind::Int64, Some(other)) => {
                return Err(format!("type {other} cannot hold values of {kind}"));
            }
            (SchemaKind::Float32, _) => Scalar::Float,
            (SchemaKind::Float64, _) => Scalar::Double,
            (SchemaKind::Boolean, _) => Scalar::Bool,
            (SchemaKind::String, _) => Scalar::String,
            (SchemaKind::Bytes, _) => Scalar::Bytes,
            (kind, _) => return Err(format!("{kind} is no scalar type")),
        })
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Scalar::Int8 | Scalar::Int16 | Scalar::Int32 => "int32",
            Scalar::Sint32 => "sint32",
            Scalar::Sfixed32 => "sfixed32",
            Scalar::Int64 => "int64",
            Scalar::Uint32 => "uint32",
            Scalar::Uint64 => "uint64",
            Scalar::Sint64 => "sint64",
            Scalar::Fixed32 => "fixed32",
            Scalar::Fixed64 => "fixed64",
            Scalar::Sfixed64 => "sfixed64",
            Scalar::Float => "float",
            Scalar::Double => "double",
            Scalar::Bool => "bool",
            Scalar::String => "string",
            Scalar::Bytes => "bytes",
        }
    }

    /// Returns the name of Google's wrapper type, the type in it, and its position in the file.
    pub(super) fn wrapper(self) -> (&'static str, Scalar, u32) {
        match self {
            Scalar::Double => ("google.protobuf.DoubleValue", self, 0),
            Scalar::Float => ("google.protobuf.FloatValue", self, 1),
            Scalar::Int64 | Scalar::Sint64 | Scalar::Sfixed64 => {
                ("google.protobuf.Int64Value", Scalar::Int64, 2)
            }
            Scalar::Uint64 | Scalar::Fixed64 => ("google.protobuf.UInt64Value", Scalar::Uint64, 3),
            Scalar::Int8 | Scalar::Int16 | Scalar::Int32 => ("google.protobuf.Int32Value", self, 4),
            Scalar::Sint32 | Scalar::Sfixed32 => ("google.protobuf.Int32Value", Scalar::Int32, 4),
            Scalar::Uint32 | Scalar::Fixed32 => ("google.protobuf.UInt32Value", Scalar::Uint32, 5),
            Scalar::Bool => ("google.protobuf.BoolValue", self, 6),
            Scalar::String => ("google.protobuf.StringValue", self, 7),
            Scalar::Bytes => ("google.protobuf.BytesValue", self, 8),
        }
    }

    /// Returns true for the types that keys of maps can have.
    pub(super) fn is_key(self) -> bool {
        !matches!(self, Scalar::Float | Scalar::Double | Scalar::Bytes)
    }

    pub(super) fn wire_type(self) -> WireType {
        match self {
            Scalar::Sfixed32 | Scalar::Fixed32 | Scalar::Float => WireType::ThirtyTwoBit,
            Scalar::Fixed64 | Scalar::Sfixed64 | Scalar::Double => WireType::SixtyFourBit,
            Scalar::String | Scalar::Bytes => WireType::LengthDelimited,
            _ => WireType::Varint,
        }
    }

    /// Writes a value without its key and its length.
    pub(super) fn write(self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        let unsigned =
            |number: i64| u32::try_from(number).map_err(|_| format!("a number beyond {}", self.name()));
        match (self, value) {
            (Scalar::Int8, Value::Int8(number)) => encode_varint(i64::from(*number) as u64, out),
            (Scalar::Int16, Value::Int16(number)) => encode_varint(i64::from(*number) as u64, out),
            (Scalar::Int32, Value::Int32(number)) => encode_varint(i64::from(*number) as u64, out),
            (Scalar::Sint32, Value::Int32(number)) => {
                encode_varint(u64::from(((number << 1) ^ (number >> 31)) as u32), out);
            }
            (Scalar::Sfixed32, Value::Int32(number)) => out.extend_from_slice(&number.to_le_bytes()),
            // Java has no unsigned numbers: the same bits.
            (Scalar::Int64 | Scalar::Uint64, Value::Int64(number)) => encode_varint(*number as u64, out),
            (Scalar::Uint32, Value::Int64(number)) => encode_varint(unsigned(*number)?.into(), out),
            (Scalar::Sint64, Value::Int64(number)) => {
                encode_varint(((number << 1) ^ (number >> 63)) as u64, out);
            }
            (Scalar::Fixed32, Value::Int64(number)) => {
                out.extend_from_slice(&unsigned(*number)?.to_le_bytes());
            }
            (Scalar::Fixed64 | Scalar::Sfixed64, Value::Int64(number)) => {
                out.extend_from_slice(&number.to_le_bytes());
            }
            (Scalar::Float, Value::Float32(number)) => out.extend_from_slice(&number.to_le_bytes()),
            (Scalar::Double, Value::Float64(number)) => out.extend_from_slice(&number.to_le_bytes()),
            (Scalar::Bool, Value::Boolean(value)) => out.push(u8::from(*value)),
            (Scalar::String, Value::String(text)) => out.extend_from_slice(text.as_bytes()),
            (Scalar::Bytes, Value::Bytes(bytes)) => out.extend_from_slice(bytes),
            _ => return Err(format!("a value that cannot be {}", self.name())),
        }
        Ok(())
    }
}
