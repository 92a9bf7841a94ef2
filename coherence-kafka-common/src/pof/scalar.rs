//! The bodies of values without parts, what a date, a time or a decimal may be, and the numbers around other values.

use std::ops::Range;

use super::text::{Text, code_point};
use super::types;
use super::value::{Date, PofValue, Time, Zone};
use crate::packed::{Cursor, DecodeError, Problem};

pub(super) fn invalid(offset: usize, reading: &'static str, problem: &'static str) -> DecodeError {
    DecodeError { offset, reading, problem: Problem::Invalid(problem) }
}

pub(super) fn int16(cursor: &mut Cursor<'_>) -> Result<i16, DecodeError> {
    let start = cursor.offset();
    let number = cursor.packed_i32("an int16")?;
    i16::try_from(number).map_err(|_| {
        let problem = Problem::TooWide { bits: 16 };
        DecodeError { offset: start, reading: "an int16", problem }
    })
}

/// Java takes any scale. Arithmetic on a number of a thousand million digits would block its thread.
pub(super) fn decimal(cursor: &mut Cursor<'_>) -> Result<PofValue, DecodeError> {
    let start = cursor.offset();
    let unscaled = cursor.packed_i128("the digits of a decimal")?;
    if unscaled.unsigned_abs() >= 10_u128.pow(38) {
        return Err(invalid(start, "the digits of a decimal", "more than 38 digits"));
    }
    let start = cursor.offset();
    let scale = cursor.packed_i32("the scale of a decimal")?;
    if scale.unsigned_abs() > 6144 {
        return Err(invalid(start, "the scale of a decimal", "scale outside -6144 to 6144"));
    }
    Ok(PofValue::Decimal { unscaled, scale })
}

pub(super) fn char_unit(cursor: &mut Cursor<'_>) -> Result<u16, DecodeError> {
    let start = cursor.offset();
    let malformed = || invalid(start, "a character", "malformed UTF-8");
    let (code_point, len) = code_point(cursor.rest()).ok_or_else(malformed)?;
    cursor.take(len, "a character")?;
    u16::try_from(code_point).map_err(|_| malformed())
}

pub(super) fn fields<const N: usize>(
    cursor: &mut Cursor<'_>,
    reading: &'static str,
) -> Result<[i32; N], DecodeError> {
    let mut fields = [0; N];
    for field in &mut fields {
        *field = cursor.packed_i32(reading)?;
    }
    Ok(fields)
}

pub(super) fn date(cursor: &mut Cursor<'_>) -> Result<Date, DecodeError> {
    let start = cursor.offset();
    let [year, month, day] = fields(cursor, "a date")?;
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let days = match month {
        1 | 3 | 5 | 7 | 8 | 10 | 12 => 31,
        4 | 6 | 9 | 11 => 30,
        2 if leap => 29,
        2 => 28,
        _ => return Err(invalid(start, "a date", "month outside 1 to 12")),
    };
    if !(1..=days).contains(&day) {
        return Err(invalid(start, "a date", "no such day in the month"));
    }
    Ok(Date { year, month: month as u8, day: day as u8 })
}

pub(super) fn time(cursor: &mut Cursor<'_>) -> Result<Time, DecodeError> {
    let start = cursor.offset();
    let [hour, minute, second, fraction] = fields(cursor, "a time")?;
    let nano = match fraction {
        0..=999 => fraction * 1_000_000,
        -999_999_999..=-1 => -fraction,
        _ => return Err(invalid(start, "a time", "fraction of a second or more")),
    };
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0..60).contains(&second) {
        return Err(invalid(start, "a time", "no such time of day"));
    }
    let zone = zone(cursor)?;
    Ok(Time { hour: hour as u8, minute: minute as u8, second: second as u8, nano: nano as u32, zone })
}

/// Java writes the minute without its sign, which is that of the hour.
fn zone(cursor: &mut Cursor<'_>) -> Result<Option<Zone>, DecodeError> {
    let start = cursor.offset();
    match cursor.byte("a time zone")? {
        0 => Ok(None),
        1 => Ok(Some(Zone::Utc)),
        2 => {
            let [hours, minutes] = fields(cursor, "a time zone")?;
            if !(-18..=18).contains(&hours) || !(0..60).contains(&minutes) {
                return Err(invalid(start, "a time zone", "no such offset from UTC"));
            }
            let minutes = if hours < 0 { -minutes } else { minutes };
            Ok(Some(Zone::Offset((hours * 60 + minutes) as i16)))
        }
        _ => Err(invalid(start, "a time zone", "neither no zone, nor UTC, nor an offset")),
    }
}

/// Java takes any negative length for null. Its writers give -1, or in uniform containers the code of null.
#[inline]
pub(super) fn string<'a>(cursor: &mut Cursor<'a>) -> Result<Option<Text<'a>>, DecodeError> {
    let mut ahead = cursor.clone();
    if let -1 | types::NULL = ahead.packed_i32("the length of a string")? {
        *cursor = ahead;
        return Ok(None);
    }
    let len = cursor.packed_len("the length of a string")?;
    let offset = cursor.offset();
    let text = Text::new(cursor.take(len, "a string")?)
        .map_err(|malformed| invalid(offset + malformed, "a string", "malformed UTF-8"))?;
    Ok(Some(text))
}

/// Null only among other octet strings.
#[inline]
pub(super) fn octet_string<'a>(
    cursor: &mut Cursor<'a>,
    uniform: bool,
) -> Result<Option<&'a [u8]>, DecodeError> {
    let mut ahead = cursor.clone();
    let reading = "the length of an octet string";
    if uniform && ahead.packed_i32(reading)? == types::NULL {
        *cursor = ahead;
        return Ok(None);
    }
    let len = cursor.packed_len(reading)?;
    cursor.take(len, "an octet string").map(Some)
}

/// The type id of all elements of a container.
pub(super) fn element_type(cursor: &mut Cursor<'_>) -> Result<i32, DecodeError> {
    let start = cursor.offset();
    match cursor.packed_i32("an element type")? {
        type_id @ (types::UNIFORM_MAP..=types::INT16 | 0..) => Ok(type_id),
        _ => Err(invalid(start, "an element type", "no type that elements can have")),
    }
}

#[inline]
pub(super) fn unsigned(cursor: &mut Cursor<'_>, reading: &'static str) -> Result<u32, DecodeError> {
    let start = cursor.offset();
    let number = cursor.packed_i32(reading)?;
    u32::try_from(number).map_err(|_| invalid(start, reading, "negative number"))
}

/// The next index, one of `legal`, or `None` at the terminator.
#[inline]
pub(super) fn index(
    cursor: &mut Cursor<'_>,
    legal: Range<u32>,
    reading: &'static str,
) -> Result<Option<u32>, DecodeError> {
    let start = cursor.offset();
    match cursor.packed_i32(reading)? {
        types::END => Ok(None),
        index => match u32::try_from(index) {
            Ok(index) if legal.contains(&index) => Ok(Some(index)),
            Ok(index) if index < legal.start => {
                Err(invalid(start, reading, "index not higher than the one before"))
            }
            Ok(_) => Err(invalid(start, reading, "index beyond the size of the array")),
            Err(_) => Err(invalid(start, reading, "negative index")),
        },
    }
}
