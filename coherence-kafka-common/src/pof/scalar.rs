//! The bodies of values without parts, and what a date, a time or a decimal may be.

use super::text::code_point;
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

/// Java takes any scale. Arithmetic on a number of a thousand million digits stops whoever tries it.
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
