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
        "LocalDate" => PofValue::Date(date(field.as_str()?)?),
        "LocalTime" | "OffsetTime" => PofValue::Time(time(field.as_str()?)?),
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
        return Some(String::from_utf16_lossy(&each(&json["utf16"], |unit| Some(unit.as_u64()? as u16))?));
    }
    json["v"].as_str().map(str::to_owned)
}

/// `Years=1, Months=2`.
fn numbers<const N: usize>(fields: &Value) -> Option<[i32; N]> {
    let numbers = fields.as_str()?.split(", ").map(|field| field.split_once('=')?.1.parse().ok());
    numbers.collect::<Option<Vec<i32>>>()?.try_into().ok()
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

/// Java drops the seconds, and loses the sign of an offset between -59 and -1 minutes.
fn offset_minutes(text: &str) -> Option<i16> {
    let sign = if text.starts_with('-') { -1 } else { 1 };
    let mut fields = text[1..].split(':').map(|field| field.parse::<i16>().ok());
    let hours = fields.next()??;
    let minutes = fields.next()??;
    Some(if hours == 0 { minutes } else { sign * (hours * 60 + minutes) })
}
