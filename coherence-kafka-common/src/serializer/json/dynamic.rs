//! JSON without types, to and from [`PofValue`].

use super::de::{big_number, is_map};
use super::reader::{Error, Reader};
use super::text::{decimal_text, write_char, write_float, write_integer, write_list, write_text};
use crate::pof::{Date, PofValue, Time, Zone};
use crate::serializer::SerializerError;
use crate::serializer::dynamic::type_name;

/// Appends what Java's serializer writes for `value`. The recursion is as deep as the value.
pub(super) fn write(value: &PofValue, out: &mut Vec<u8>) -> Result<(), SerializerError> {
    match value {
        PofValue::Null => out.extend_from_slice(b"null"),
        PofValue::Boolean(value) => out.extend_from_slice(if *value { b"true" } else { b"false" }),
        PofValue::Octet(value) => write_integer(*value as i8, out),
        PofValue::Int16(value) => write_integer(value, out),
        PofValue::Int32(value) => write_integer(value, out),
        PofValue::Int64(value) => write_integer(value, out),
        PofValue::Int128(value) => big("math.BigInt", &value.to_string(), out),
        PofValue::Decimal { unscaled, scale } => big("math.BigDec", &decimal_text(unscaled, *scale), out),
        PofValue::Float32(value) => write_float(*value, out),
        PofValue::Float64(value) => write_float(*value, out),
        PofValue::Char(unit) => write_char(*unit, out),
        PofValue::String(text) => write_text(text, out),
        PofValue::Date(day) => object("LocalDate", &date(*day), out),
        PofValue::Time(time) => match time.zone {
            None => object("LocalTime", &clock(*time), out),
            Some(zone) => object("OffsetTime", &[&clock(*time)[..], &[offset(zone)]].concat(), out),
        },
        PofValue::DateTime(day, time) => {
            let (date, clock) = (date(*day), clock(*time));
            match time.zone {
                None => object("LocalDateTime", &[&date[..], &clock].concat(), out),
                Some(zone) => {
                    object("OffsetDateTime", &[&date[..], &clock, &[offset(zone)]].concat(), out);
                }
            }
        }
        PofValue::Collection(elements) | PofValue::Array(elements) => {
            write_list(elements, out, write)?;
        }
        PofValue::Map(entries) => {
            out.extend_from_slice(br#"{"@class":"java.util.HashMap","entries":"#);
            write_list(entries, out, |(key, value), out| {
                out.push(b'{');
                for (name, value) in [(r#""key":"#, key), (r#""value":"#, value)] {
                    if *value != PofValue::Null {
                        if out.last() != Some(&b'{') {
                            out.push(b',');
                        }
                        out.extend_from_slice(name.as_bytes());
                        write(value, out)?;
                    }
                }
                out.push(b'}');
                Ok::<_, SerializerError>(())
            })?;
            out.push(b'}');
        }
        other => match other.uuid() {
            Some(uuid) => write_text(&uuid.to_string(), out),
            None => {
                let what = type_name(other).to_owned();
                return Err(SerializerError::NotRepresentable { format: super::FORMAT, what });
            }
        },
    }
    Ok(())
}

fn big(class: &str, digits: &str, out: &mut Vec<u8>) {
    out.extend_from_slice(format!(r#"{{"@class":"{class}","value":"{digits}"}}"#).as_bytes());
}

fn object(class: &str, fields: &[(&str, i64)], out: &mut Vec<u8>) {
    out.extend_from_slice(format!(r#"{{"@class":"java.time.{class}""#).as_bytes());
    for (name, value) in fields {
        out.extend_from_slice(format!(r#","{name}":{value}"#).as_bytes());
    }
    out.push(b'}');
}

fn date(date: Date) -> [(&'static str, i64); 3] {
    [("year", date.year.into()), ("month", date.month.into()), ("day", date.day.into())]
}

fn clock(time: Time) -> [(&'static str, i64); 4] {
    let (hour, minute, second) = (time.hour.into(), time.minute.into(), time.second.into());
    [("hour", hour), ("minute", minute), ("second", second), ("nano", time.nano.into())]
}

fn offset(zone: Zone) -> (&'static str, i64) {
    let minutes = match zone {
        Zone::Utc => 0,
        Zone::Offset(minutes) => minutes.into(),
    };
    ("offsetSeconds", minutes * 60)
}

/// What [`decimal_text`] returns, and `BigDecimal`'s constructor takes, of up to 38 digits.
fn parse_decimal(text: &str) -> Option<PofValue> {
    let (mantissa, exponent) = match text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    if !fraction.bytes().all(|digit| digit.is_ascii_digit()) {
        return None;
    }
    let unscaled = format!("{whole}{fraction}").parse().ok()?;
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    Some(PofValue::Decimal { unscaled, scale })
}

/// What Java reads. The recursion is bounded by the reader.
pub(super) fn read_pof(reader: &mut Reader<'_>) -> Result<PofValue, Error> {
    Ok(match reader.next_byte() {
        Some(b'n') => {
            reader.null()?;
            PofValue::Null
        }
        Some(b't' | b'f') => PofValue::Boolean(reader.boolean()?),
        Some(b'"') => {
            let text = reader.string()?;
            match text.unit {
                Some(unit) => PofValue::Char(unit),
                None => PofValue::String(text.text.into_owned()),
            }
        }
        Some(b'[') => {
            reader.open(b'[', "an array")?;
            let (mut first, mut elements) = (true, Vec::new());
            while reader.has_next(&mut first, b']')? {
                elements.push(read_pof(reader)?);
            }
            PofValue::Collection(elements)
        }
        Some(b'{') => return read_object(reader),
        Some(b'-' | b'0'..=b'9') => {
            let start = reader.offset();
            let number = reader.number()?;
            let integer = number.text.parse::<i64>().ok().filter(|_| number.is_integer);
            match integer.map(|value| i32::try_from(value).map_err(|_| value)) {
                Some(Ok(value)) => PofValue::Int32(value),
                Some(Err(value)) => PofValue::Int64(value),
                None => {
                    let value = number.text.parse();
                    PofValue::Float64(value.map_err(|_| Error::new("a number", start, "another text"))?)
                }
            }
        }
        _ => return Err(reader.error("a value")),
    })
}

fn read_object(reader: &mut Reader<'_>) -> Result<PofValue, Error> {
    let start = reader.offset();
    reader.open(b'{', "an object")?;
    let (mut first, mut members) = (true, Vec::new());
    let mut class = None;
    while reader.has_next(&mut first, b'}')? {
        let name = reader.name()?;
        if members.is_empty() && class.is_none() && name == "@class" {
            let name = reader.string()?.text;
            if name.starts_with("math.Big") || name.starts_with("java.math.Big") {
                reader.rewind(start);
                return read_big_number(reader, name.ends_with("BigInt") || name.ends_with("BigInteger"));
            }
            class = Some(name);
        } else {
            members.push((name.into_owned(), read_pof(reader)?));
        }
    }
    let Some(class) = class else {
        let entry = |(name, value)| (PofValue::String(name), value);
        return Ok(PofValue::Map(members.into_iter().map(entry).collect()));
    };
    let value = if is_map(&class) {
        map(members)
    } else {
        class.strip_prefix("java.time.").and_then(|class| time(class, &members))
    };
    value.ok_or(Error::new("an object of a class that is also a POF type", start, "another"))
}

fn read_big_number(reader: &mut Reader<'_>, is_integer: bool) -> Result<PofValue, Error> {
    let start = reader.offset();
    let text = big_number(reader)?;
    let value =
        if is_integer { text.trim().parse().ok().map(PofValue::Int128) } else { parse_decimal(text.trim()) };
    value.ok_or(Error::new("a number of up to 38 digits", start, "another"))
}

fn map(members: Vec<(String, PofValue)>) -> Option<PofValue> {
    let mut entries = Vec::new();
    if let Some((_, listed)) = members.into_iter().find(|(name, _)| name == "entries") {
        let PofValue::Collection(listed) = listed else { return None };
        for entry in listed {
            let PofValue::Map(parts) = entry else { return None };
            let (mut key, mut value) = (PofValue::Null, PofValue::Null);
            for (name, part) in parts {
                match name {
                    PofValue::String(name) if name == "key" => key = part,
                    PofValue::String(name) if name == "value" => value = part,
                    _ => {}
                }
            }
            entries.push((key, value));
        }
    }
    Some(PofValue::Map(entries))
}

fn time(class: &str, members: &[(String, PofValue)]) -> Option<PofValue> {
    let field = |name| match members.iter().find(|(found, _)| found == name) {
        Some((_, PofValue::Int32(value))) => Some(*value),
        _ => None,
    };
    let small = |name| field(name).and_then(|value| u8::try_from(value).ok());
    let date = || Some(Date { year: field("year")?, month: small("month")?, day: small("day")? });
    let clock = |zone| {
        let nano = u32::try_from(field("nano")?).ok()?;
        Some(Time { hour: small("hour")?, minute: small("minute")?, second: small("second")?, nano, zone })
    };
    // Offsets of Java have seconds, POF's have none.
    let zone = || match field("offsetSeconds")? {
        0 => Some(Zone::Utc),
        seconds if seconds % 60 == 0 => i16::try_from(seconds / 60).ok().map(Zone::Offset),
        _ => None,
    };
    Some(match class {
        "LocalDate" => PofValue::Date(date()?),
        "LocalTime" => PofValue::Time(clock(None)?),
        "OffsetTime" => PofValue::Time(clock(Some(zone()?))?),
        "LocalDateTime" => PofValue::DateTime(date()?, clock(None)?),
        "OffsetDateTime" => PofValue::DateTime(date()?, clock(Some(zone()?))?),
        _ => return None,
    })
}
