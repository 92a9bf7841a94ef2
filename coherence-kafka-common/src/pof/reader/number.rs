//! Numbers of any type as numbers of the type asked for.

use super::{PofReader, conversion};
use crate::packed::{DecodeError, Problem};
use crate::pof::value::PofValue;
use crate::pof::{scalar, types};

/// A number as it was written.
#[derive(Clone, Copy)]
enum Number {
    Integer(i128),
    Float(f64),
    Decimal { unscaled: i128, scale: i32 },
}

impl Number {
    /// Exactly.
    fn integer(self) -> Option<i128> {
        match self {
            Number::Integer(value) => Some(value),
            // Below this every whole number of that size is also an i128.
            Number::Float(value) => {
                (value.trunc() == value && value.abs() < 2_f64.powi(126)).then_some(value as i128)
            }
            Number::Decimal { unscaled: 0, .. } => Some(0),
            Number::Decimal { unscaled, scale } => {
                let power = 10_i128.checked_pow(scale.unsigned_abs())?;
                if scale <= 0 {
                    unscaled.checked_mul(power)
                } else {
                    (unscaled % power == 0).then_some(unscaled / power)
                }
            }
        }
    }

    /// Exactly.
    fn float(self) -> Option<f64> {
        match self {
            Number::Float(value) => Some(value),
            Number::Integer(value) => {
                let float = value as f64;
                (Number::Float(float).integer() == Some(value)).then_some(float)
            }
            Number::Decimal { .. } => Number::Integer(self.integer()?).float(),
        }
    }
}

impl PofReader<'_> {
    /// `boolean`: whether the number is not 0.
    pub fn boolean(&mut self) -> Result<bool, DecodeError> {
        Ok(self.integer("a boolean")? != 0)
    }

    /// `byte`, signed or unsigned.
    pub fn octet(&mut self) -> Result<u8, DecodeError> {
        let start = self.offset();
        match self.integer("an octet")? {
            value @ -128..=255 => Ok(value as u8),
            _ => Err(out_of_range(start, "an octet")),
        }
    }

    /// `char`: one UTF-16 unit. -1 is what Java shortens U+FFFF to.
    pub fn char(&mut self) -> Result<u16, DecodeError> {
        let start = self.offset();
        match self.integer("a character")? {
            value @ -1..=0xFFFF => Ok(value as u16),
            _ => Err(out_of_range(start, "a character")),
        }
    }

    /// `short`.
    pub fn int16(&mut self) -> Result<i16, DecodeError> {
        self.fitting("an int16")
    }

    /// `int`.
    pub fn int32(&mut self) -> Result<i32, DecodeError> {
        self.fitting("an int32")
    }

    /// `long`.
    pub fn int64(&mut self) -> Result<i64, DecodeError> {
        self.fitting("an int64")
    }

    /// `float`.
    pub fn float32(&mut self) -> Result<f32, DecodeError> {
        let start = self.offset();
        let value = self.float64()?;
        let narrow = value as f32;
        if f64::from(narrow) == value || value.is_nan() {
            Ok(narrow)
        } else {
            Err(out_of_range(start, "a float32"))
        }
    }

    /// `double`.
    pub fn float64(&mut self) -> Result<f64, DecodeError> {
        let start = self.offset();
        match self.number("a float64")? {
            None => Ok(0.0),
            Some(number) => number.float().ok_or(out_of_range(start, "a float64")),
        }
    }

    /// `BigInteger`.
    pub fn big_integer(&mut self) -> Result<Option<i128>, DecodeError> {
        let start = self.offset();
        match self.number("an int128")? {
            None => Ok(None),
            Some(number) => number.integer().map(Some).ok_or(out_of_range(start, "an int128")),
        }
    }

    /// `BigDecimal`: digits without the point, and how many of them are behind it.
    pub fn decimal(&mut self) -> Result<Option<(i128, i32)>, DecodeError> {
        let start = self.offset();
        match self.number("a decimal")? {
            None => Ok(None),
            Some(Number::Decimal { unscaled, scale }) => Ok(Some((unscaled, scale))),
            Some(number) => match number.integer() {
                Some(unscaled) => Ok(Some((unscaled, 0))),
                None => Err(out_of_range(start, "a decimal")),
            },
        }
    }

    fn fitting<T: TryFrom<i128>>(&mut self, reading: &'static str) -> Result<T, DecodeError> {
        let start = self.offset();
        T::try_from(self.integer(reading)?).map_err(|_| out_of_range(start, reading))
    }

    fn integer(&mut self, reading: &'static str) -> Result<i128, DecodeError> {
        let start = self.offset();
        match self.number(reading)? {
            None => Ok(0),
            Some(number) => number.integer().ok_or(out_of_range(start, reading)),
        }
    }

    fn number(&mut self, reading: &'static str) -> Result<Option<Number>, DecodeError> {
        let (start, _, type_id) = self.type_id()?;
        let cursor = &mut self.cursor;
        Ok(Some(match type_id {
            types::INT16 => Number::Integer(scalar::int16(cursor)?.into()),
            types::INT32 => Number::Integer(cursor.packed_i32(reading)?.into()),
            types::INT64 => Number::Integer(cursor.packed_i64(reading)?.into()),
            types::INT128 => Number::Integer(cursor.packed_i128(reading)?),
            types::FLOAT32 => Number::Float(f32::from_be_bytes(cursor.array(reading)?).into()),
            types::FLOAT64 => Number::Float(f64::from_be_bytes(cursor.array(reading)?)),
            types::DECIMAL32 | types::DECIMAL64 | types::DECIMAL128 => match scalar::decimal(cursor)? {
                PofValue::Decimal { unscaled, scale } => Number::Decimal { unscaled, scale },
                _ => return Err(conversion(start, reading, type_id)),
            },
            types::BOOLEAN => Number::Integer((cursor.packed_i32(reading)? != 0).into()),
            types::OCTET => Number::Integer(cursor.byte(reading)?.into()),
            types::CHAR => Number::Integer(scalar::char_unit(cursor)?.into()),
            types::FALSE => Number::Integer(0),
            types::TRUE => Number::Integer(1),
            types::POS_INFINITY => Number::Float(f64::INFINITY),
            types::NEG_INFINITY => Number::Float(f64::NEG_INFINITY),
            types::NAN => Number::Float(f64::NAN),
            types::INT_22..=types::INT_NEG_1 => Number::Integer((types::INT_0 - type_id).into()),
            types::NULL => return Ok(None),
            _ => return Err(conversion(start, reading, type_id)),
        }))
    }
}

fn out_of_range(offset: usize, reading: &'static str) -> DecodeError {
    DecodeError { offset, reading, problem: Problem::OutOfRange }
}
