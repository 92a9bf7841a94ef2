//! What Java's `PofWriter` writes by a method for a primitive.

use super::types;

/// The argument of one of Java's methods for primitives, such as `writeInt`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Primitive {
    /// `writeBoolean`.
    Boolean(bool),
    /// `writeByte`; the highest bit is Java's sign.
    Octet(u8),
    /// `writeChar`: one UTF-16 unit.
    Char(u16),
    /// `writeShort`.
    Int16(i16),
    /// `writeInt`.
    Int32(i32),
    /// `writeLong`.
    Int64(i64),
    /// `writeFloat`.
    Float32(f32),
    /// `writeDouble`.
    Float64(f64),
}

impl Primitive {
    /// Left out where it is a property, for a reader takes a missing one for it. `-0.0` too, which so becomes `0.0`.
    pub(super) fn is_default(self) -> bool {
        match self {
            Primitive::Boolean(value) => !value,
            Primitive::Octet(value) => value == 0,
            Primitive::Char(unit) => unit == 0,
            Primitive::Int16(value) => value == 0,
            Primitive::Int32(value) => value == 0,
            Primitive::Int64(value) => value == 0,
            Primitive::Float32(value) => value == 0.0,
            Primitive::Float64(value) => value == 0.0,
        }
    }

    /// Returns the code of one byte for this value, if any.
    pub(super) fn compact(self) -> Option<i32> {
        let small = |value: i64| (-1..=22).contains(&value).then(|| types::INT_0 - value as i32);
        match self {
            Primitive::Boolean(false) => Some(types::FALSE),
            Primitive::Boolean(true) => Some(types::TRUE),
            Primitive::Octet(value) => small(i64::from(value as i8)),
            Primitive::Char(0xFFFF) => Some(types::INT_NEG_1),
            Primitive::Char(unit) => small(i64::from(unit)),
            Primitive::Int16(value) => small(i64::from(value)),
            Primitive::Int32(value) => small(i64::from(value)),
            Primitive::Int64(value) => small(value),
            Primitive::Float32(value) => Primitive::Float64(f64::from(value)).compact(),
            Primitive::Float64(value) if value.is_nan() => Some(types::NAN),
            Primitive::Float64(f64::INFINITY) => Some(types::POS_INFINITY),
            Primitive::Float64(f64::NEG_INFINITY) => Some(types::NEG_INFINITY),
            Primitive::Float64(value) => {
                let whole = value as i64;
                let same = (whole as f64).to_bits() == value.to_bits();
                small(whole).filter(|_| same)
            }
        }
    }
}
