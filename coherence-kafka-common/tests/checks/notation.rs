//! The notation in which the vector files describe Java values.

use coherence_kafka_common::pof::{Date, PofValue, Time, Zone};
use serde_json::Value;

/// The bytes of hexadecimal text.
pub fn hex(text: &str) -> Vec<u8> {
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

/// The value described, or `None` for classes whose POF form the notation does not tell.
pub fn value(json: &Value) -> Option<PofValue> {
    let field = &json["v"];
    Some(match json["t"].as_str()? {
        "null" => PofValue::Null,
        "bool" => PofValue::Boolean(field.as_bool()?),
        "byte" => PofValue::Octet(field.as_i64()? as u8),
        "short" => PofValue::Int16(field.as_i64()? as i16),
        "int" => PofValue::Int32(field.as_i64()? as i32),
        "long" => PofValue::Int64(field.as_str()?.parse().ok()?),
        "bigint" => PofValue::Int128(field.as_str()?.parse().ok()?),
        "float" => PofValue::Float32(float32(&json["bits"])?),
        "double" => PofValue::Float64(float64(&json["bits"])?),
        "decimal" => PofValue::Decimal {
            unscaled: json["unscaled"].as_str()?.parse().ok()?,
            scale: json["scale"].as_i64()? as i32,
        },
        "char" => PofValue::Char(field.as_u64()? as u16),
        "string" => PofValue::String(string(json)?),
        "byte[]" => PofValue::ByteArray(hex(json["hex"].as_str()?)),
        "binary" => PofValue::OctetString(hex(json["hex"].as_str()?)),
        "boolean[]" => PofValue::BooleanArray(each(field, |v| v.as_bool())?),
        "char[]" => PofValue::CharArray(each(field, |v| Some(v.as_u64()? as u16))?),
        "short[]" => PofValue::Int16Array(each(field, |v| Some(v.as_i64()? as i16))?),
        "int[]" => PofValue::Int32Array(each(field, |v| Some(v.as_i64()? as i32))?),
        "long[]" => PofValue::Int64Array(each(field, |v| v.as_str()?.parse().ok())?),
        "float[]" => PofValue::Float32Array(each(field, float32)?),
        "double[]" => PofValue::Float64Array(each(field, float64)?),
        "array" => PofValue::Array(each(field, value)?),
        "list" | "set" => PofValue::Collection(each(field, value)?),
        "map" | "linkedmap" => {
            PofValue::Map(each(field, |entry| Some((value(&entry[0])?, value(&entry[1])?)))?)
        }
        "LongArray" => {
            let elements = each(field, |slot| Some((slot[0].as_u64()? as u32, value(&slot[1])?)))?;
            let size = elements.last().map_or(0, |(index, _)| index + 1);
            PofValue::SparseArray { size, elements }
        }
        "LocalDate" | "java.sql.Date" => PofValue::Date(date(field.as_str()?)?),
        "LocalTime" | "OffsetTime" => PofValue::Time(time(field.as_str()?)?),
        // These are written in the zone of the JVM, which was UTC.
        "java.sql.Time" => PofValue::Time(Time { zone: Some(Zone::Utc), ..time(field.as_str()?)? }),
        "Timestamp" => {
            let (day, rest) = field.as_str()?.split_once(' ')?;
            PofValue::DateTime(date(day)?, Time { zone: Some(Zone::Utc), ..time(rest)? })
        }
        "Date" => {
            let (date, time) = date_time(json["epoch_ms"].as_i64()?);
            PofValue::DateTime(date, time)
        }
        "LocalDateTime" | "OffsetDateTime" | "ZonedDateTime" => {
            let (day, rest) = field.as_str()?.split_once('T')?;
            PofValue::DateTime(date(day)?, time(rest.split('[').next()?)?)
        }
        "com.tangosol.io.pof.RawYearMonthInterval" => {
            let [years, months] = numbers(field)?;
            PofValue::YearMonthInterval { years, months }
        }
        "com.tangosol.io.pof.RawTimeInterval" => {
            let [hours, minutes, seconds, nanos] = numbers(field)?;
            PofValue::TimeInterval { hours, minutes, seconds, nanos }
        }
        "com.tangosol.io.pof.RawDayTimeInterval" => {
            let [days, hours, minutes, seconds, nanos] = numbers(field)?;
            PofValue::DayTimeInterval { days, hours, minutes, seconds, nanos }
        }
        "com.tangosol.io.pof.RawQuad" => {
            let (_, digits) = field.as_str()?.split_once("0x")?;
            PofValue::Float128(u128::from_str_radix(digits.trim_end_matches(')'), 16).ok()?)
        }
        _ => return None,
    })
}

fn each<T>(array: &Value, read: impl FnMut(&Value) -> Option<T>) -> Option<Vec<T>> {
    array.as_array()?.iter().map(read).collect()
}

fn float32(bits: &Value) -> Option<f32> {
    u32::from_str_radix(bits.as_str()?, 16).ok().map(f32::from_bits)
}

fn float64(bits: &Value) -> Option<f64> {
    u64::from_str_radix(bits.as_str()?, 16).ok().map(f64::from_bits)
}

fn string(json: &Value) -> Option<String> {
    if let Some(part) = json["repeat"].as_str() {
        return Some(part.repeat(json["count"].as_u64()? as usize));
    }
    if json["utf16"].is_array() {
        let units = each(&json["utf16"], |unit| Some(unit.as_u64()? as u16))?;
        // Java writes no unpaired surrogates.
        return Some(char::decode_utf16(units).filter_map(Result::ok).collect());
    }
    json["v"].as_str().map(str::to_owned)
}

/// `Years=1, Months=2`.
fn numbers<const N: usize>(fields: &Value) -> Option<[i32; N]> {
    let numbers = fields.as_str()?.split(", ").map(|field| field.split_once('=')?.1.parse().ok());
    numbers.collect::<Option<Vec<i32>>>()?.try_into().ok()
}

/// Milliseconds since 1970 in UTC; not before 1600.
fn date_time(epoch_ms: i64) -> (Date, Time) {
    const DAY_MS: i64 = 86_400_000;
    let (mut days, ms) = (epoch_ms.div_euclid(DAY_MS) + 135_140, epoch_ms.rem_euclid(DAY_MS));
    let (mut year, mut month) = (1600, 1);
    let leap = |year: i32| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    while days >= 365 + i64::from(leap(year)) {
        days -= 365 + i64::from(leap(year));
        year += 1;
    }
    for len in [31, 28 + i64::from(leap(year)), 31, 30, 31, 30, 31, 31, 30, 31, 30] {
        if days < len {
            break;
        }
        days -= len;
        month += 1;
    }
    let time = Time {
        hour: (ms / 3_600_000) as u8,
        minute: (ms / 60_000 % 60) as u8,
        second: (ms / 1000 % 60) as u8,
        nano: (ms % 1000) as u32 * 1_000_000,
        zone: Some(Zone::Utc),
    };
    (Date { year, month, day: days as u8 + 1 }, time)
}

/// `-0001-12-31`.
fn date(text: &str) -> Option<Date> {
    let (rest, day) = text.rsplit_once('-')?;
    let (year, month) = rest.rsplit_once('-')?;
    Some(Date { year: year.parse().ok()?, month: month.parse().ok()?, day: day.parse().ok()? })
}

/// `13:14`, `13:14:15.5`, each with or without `Z` or `+05:30`.
fn time(text: &str) -> Option<Time> {
    let end = text.find(['Z', '+', '-']).unwrap_or(text.len());
    let (time, zone) = text.split_at(end);
    let (time, fraction) = time.split_once('.').unwrap_or((time, "0"));
    let mut fields = time.split(':').map(|field| field.parse::<u8>().ok());
    let mut next = || fields.next().unwrap_or(Some(0));
    Some(Time {
        hour: next()?,
        minute: next()?,
        second: next()?,
        nano: format!("{fraction:0<9}").parse().ok()?,
        zone: match zone {
            "" => None,
            "Z" => Some(Zone::Utc),
            offset => Some(Zone::Offset(offset_minutes(offset)?)),
        },
    })
}

/// Java drops the seconds.
fn offset_minutes(text: &str) -> Option<i16> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut fields = text[1..].split(':').map(|field| field.parse::<i16>().ok());
    let hours = fields.next()??;
    let minutes = fields.next()??;
    Some(sign * (hours * 60 + minutes))
}

/// Equal to the bit in floating point numbers but NaN, which Java has one of. Its notation does not tell the size of a
/// sparse array, and has times only in UTC and in milliseconds where its classes have.
pub fn alike(a: &PofValue, b: &PofValue) -> bool {
    let floats = |a: f32, b: f32| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    let doubles = |a: f64, b: f64| a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan();
    match (a, b) {
        (PofValue::Float32(a), PofValue::Float32(b)) => floats(*a, *b),
        (PofValue::Float64(a), PofValue::Float64(b)) => doubles(*a, *b),
        (PofValue::Float32Array(a), PofValue::Float32Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| floats(*a, *b))
        }
        (PofValue::Float64Array(a), PofValue::Float64Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| doubles(*a, *b))
        }
        (PofValue::SparseArray { elements: a, .. }, PofValue::SparseArray { elements: b, .. }) => a == b,
        (PofValue::Collection(a), PofValue::Collection(b)) | (PofValue::Array(a), PofValue::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        (PofValue::Map(a), PofValue::Map(b)) => {
            let same =
                |a: &(PofValue, PofValue), b: &(PofValue, PofValue)| alike(&a.0, &b.0) && alike(&a.1, &b.1);
            a.len() == b.len() && a.iter().all(|a| b.iter().any(|b| same(a, b)))
        }
        (PofValue::Time(a), PofValue::Time(b)) if a.zone != b.zone => {
            (a.hour, a.minute, a.second) == (b.hour, b.minute, b.second)
        }
        (PofValue::DateTime(a, at), PofValue::DateTime(b, bt)) if at.zone != bt.zone => {
            minutes(*a, *at) == minutes(*b, *bt) && (at.second, at.nano) == (bt.second, bt.nano)
        }
        _ => a == b,
    }
}

/// In UTC, within one month.
fn minutes(date: Date, time: Time) -> (i32, u8, i32) {
    let east = match time.zone {
        Some(Zone::Offset(minutes)) => i32::from(minutes),
        _ => 0,
    };
    let minutes = (i32::from(date.day) * 24 + i32::from(time.hour)) * 60 + i32::from(time.minute);
    (date.year, date.month, minutes - east)
}
