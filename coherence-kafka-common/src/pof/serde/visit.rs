//! A value without parts, as the visitors of Rust types take it.

use serde::de::{self, Error as _, Visitor};

use super::error::Error;
use crate::packed::{DecodeError, Problem};
use crate::pof::text::Text;
use crate::pof::types;
use crate::pof::value::PofValue;
use crate::pof::walker::Event;

/// The value of an integer.
pub(super) fn integer(event: &Event<'_>) -> Option<i128> {
    match *event {
        Event::Scalar(PofValue::Octet(value)) => Some(i128::from(value)),
        Event::Scalar(PofValue::Int16(value)) => Some(i128::from(value)),
        Event::Scalar(PofValue::Int32(value)) => Some(i128::from(value)),
        Event::Scalar(PofValue::Int64(value)) => Some(i128::from(value)),
        Event::Scalar(PofValue::Int128(value)) => Some(value),
        _ => None,
    }
}

/// As Java's `readObject` has it.
pub(super) fn visit<'de, V: Visitor<'de>>(event: Event<'de>, visitor: V) -> Result<V::Value, Error> {
    match event {
        Event::String(Text::Standard(text)) => visitor.visit_borrowed_str(text),
        Event::String(text) => visitor.visit_string(text.into()),
        Event::OctetString(bytes) | Event::ByteArray(bytes) => visitor.visit_borrowed_bytes(bytes),
        Event::Scalar(value) => match value {
            PofValue::Null => visitor.visit_unit(),
            PofValue::Boolean(value) => visitor.visit_bool(value),
            PofValue::Octet(value) => visitor.visit_i8(value as i8),
            PofValue::Int16(value) => visitor.visit_i16(value),
            PofValue::Int32(value) => visitor.visit_i32(value),
            PofValue::Int64(value) => visitor.visit_i64(value),
            // Visitors of narrower integers know nothing of this width.
            PofValue::Int128(value) => match (i64::try_from(value), u64::try_from(value)) {
                (Ok(value), _) => visitor.visit_i64(value),
                (_, Ok(value)) => visitor.visit_u64(value),
                _ => visitor.visit_i128(value),
            },
            PofValue::Float32(value) => visitor.visit_f32(value),
            PofValue::Float64(value) => visitor.visit_f64(value),
            PofValue::Char(unit) => visitor.visit_char(character(unit)?),
            PofValue::Decimal { .. } => Err(needed("a decimal", &visitor)),
            _ => Err(needed("a date, a time, an interval or a float128", &visitor)),
        },
        Event::Begin(..) | Event::Index(_) | Event::End | Event::Shared => Err(needed("no value", &visitor)),
    }
}

pub(super) fn character(unit: u16) -> Result<char, Error> {
    char::from_u32(u32::from(unit)).ok_or_else(|| Error::custom("half of a surrogate pair, no character"))
}

fn needed<'de>(found: &str, visitor: &impl Visitor<'de>) -> Error {
    Error::custom(format!("{found} where {} is needed", visitor as &dyn de::Expected))
}

pub(super) fn invalid_head<'de>(type_id: i32, visitor: &impl Visitor<'de>) -> Error {
    needed(&describe(type_id), visitor)
}

pub(super) fn describe(type_id: i32) -> String {
    match type_id {
        types::NULL => "null".to_owned(),
        types::REFERENCE => "a reference to a shared object".to_owned(),
        0.. => format!("user type {type_id}"),
        _ => format!("POF type {type_id}"),
    }
}

pub(super) fn shared(offset: usize) -> Error {
    DecodeError { offset, reading: "a value", problem: Problem::Shared }.into()
}
