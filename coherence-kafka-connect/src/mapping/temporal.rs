//! Days, times of day and instants: their texts in ISO 8601, and the integers and types of Connect that stand for them.

use std::fmt::Write as _;

use coherence_kafka_common::pof::{Date, Time, Zone};

use super::convert::found;
use super::error::Problem;
use super::types::{NANOS_PER_DAY, Temporal, Unit};
use crate::calendar;
use crate::data::Value;
use crate::encode::pof;

const NANOS_PER_MILLI: i128 = 1_000_000;
const NANOS_PER_SECOND: i128 = 1_000_000_000;
/// Every year of 32 bits, about.
const MAX_DAYS: i128 = 780_000_000_000;

/// A value of a class of `java.time`, or of `java.util.Date`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    Date(Date),
    Time(Time),
    DateTime(Date, Time),
    Instant {
        seconds: i64,
        nanos: i32,
    },
    /// `java.util.Date`: milliseconds since the epoch.
    Millis(i64),
}

/// Returns the value of the class that Connect's data stands for.
pub(crate) fn moment(class: Temporal, unit: Option<Unit>, value: &Value<'_>) -> Result<Moment, Problem> {
    let integer = match value {
        Value::Int8(value) => Some(i128::from(*value)),
        Value::Int16(value) => Some(i128::from(*value)),
        Value::Int32(value) => Some(i128::from(*value)),
        Value::Int64(value) => Some(i128::from(*value)),
        _ => None,
    };
    match (class, value) {
        (_, Value::String(text)) => {
            from_text(class, text).ok_or(Problem::Text { expected: expected_text(class).into() })
        }
        (Temporal::LocalDate | Temporal::Date, Value::Date(millis))
        | (Temporal::LocalTime, Value::Time(millis))
        | (
            Temporal::LocalDateTime | Temporal::OffsetDateTime | Temporal::Instant | Temporal::Date,
            Value::Timestamp(millis),
        ) => of_nanos(class, i128::from(*millis) * NANOS_PER_MILLI),
        (Temporal::OffsetTime, _) => Err(mismatch(class, value)),
        _ => match (integer, unit) {
            (Some(count), Some(unit)) => of_nanos(class, count * unit.nanos()),
            (Some(_), None) => Err(Problem::Unit { class: class.name() }),
            (None, _) => Err(mismatch(class, value)),
        },
    }
}

fn mismatch(class: Temporal, value: &Value<'_>) -> Problem {
    Problem::Mismatch { expected: class.name().into(), found: found(value) }
}

fn out_of_range(class: Temporal) -> Problem {
    Problem::OutOfRange { expected: class.name().into() }
}

/// From nanoseconds since 1970 in UTC, or since midnight.
fn of_nanos(class: Temporal, nanos: i128) -> Result<Moment, Problem> {
    let (days, of_day) = (nanos.div_euclid(NANOS_PER_DAY), nanos.rem_euclid(NANOS_PER_DAY));
    let refused = || out_of_range(class);
    if days.abs() > MAX_DAYS {
        return Err(refused());
    }
    let date = || {
        let (year, month, day) = calendar::iso_date(days as i64);
        i32::try_from(year).map(|year| Date { year, month, day }).map_err(|_| refused())
    };
    let zone = (class == Temporal::OffsetDateTime).then_some(Zone::Utc);
    let time = time_of(of_day, zone);
    match class {
        Temporal::LocalDate if of_day != 0 => Err(refused()),
        Temporal::LocalDate => Ok(Moment::Date(date()?)),
        Temporal::LocalTime | Temporal::OffsetTime if days != 0 => Err(refused()),
        Temporal::LocalTime | Temporal::OffsetTime => Ok(Moment::Time(time)),
        Temporal::LocalDateTime | Temporal::OffsetDateTime => Ok(Moment::DateTime(date()?, time)),
        Temporal::Instant => {
            let seconds = nanos.div_euclid(NANOS_PER_SECOND);
            let nanos = nanos.rem_euclid(NANOS_PER_SECOND) as i32;
            i64::try_from(seconds).map(|seconds| Moment::Instant { seconds, nanos }).map_err(|_| refused())
        }
        Temporal::Date if nanos % NANOS_PER_MILLI != 0 => Err(refused()),
        Temporal::Date => i64::try_from(nanos / NANOS_PER_MILLI).map(Moment::Millis).map_err(|_| refused()),
    }
}

fn time_of(of_day: i128, zone: Option<Zone>) -> Time {
    let seconds = of_day / NANOS_PER_SECOND;
    Time {
        hour: (seconds / 3_600) as u8,
        minute: (seconds / 60 % 60) as u8,
        second: (seconds % 60) as u8,
        nano: (of_day % NANOS_PER_SECOND) as u32,
        zone,
    }
}

/// Nanoseconds since midnight of its own zone.
fn nanos_of(time: Time) -> i128 {
    let minutes = i128::from(time.hour) * 60 + i128::from(time.minute);
    (minutes * 60 + i128::from(time.second)) * NANOS_PER_SECOND + i128::from(time.nano)
}

fn minutes_east(time: Time) -> i128 {
    match time.zone {
        Some(Zone::Offset(minutes)) => i128::from(minutes),
        _ => 0,
    }
}

/// Nanoseconds since 1970 in UTC; a time without a zone is in UTC.
fn nanos_since_epoch(date: Date, time: Time) -> i128 {
    let days = calendar::iso_days(date.year.into(), date.month.into(), date.day.into());
    i128::from(days) * NANOS_PER_DAY + nanos_of(time) - minutes_east(time) * 60 * NANOS_PER_SECOND
}

/// Nanoseconds since 1970 of what a Java object holds, or since midnight.
pub(super) fn nanos(moment: Moment) -> i128 {
    match moment {
        Moment::Date(date) => {
            i128::from(calendar::iso_days(date.year.into(), date.month.into(), date.day.into()))
                * NANOS_PER_DAY
        }
        Moment::Time(time) => nanos_of(time),
        Moment::DateTime(date, time) => nanos_since_epoch(date, time),
        Moment::Instant { seconds, nanos } => i128::from(seconds) * NANOS_PER_SECOND + i128::from(nanos),
        Moment::Millis(millis) => i128::from(millis) * NANOS_PER_MILLI,
    }
}

/// What a `java.util.Date` is in POF: in UTC, by the calendar of that class.
pub(super) fn java_date(millis: i64) -> Result<(Date, Time), Problem> {
    pof::date_time(millis).map_err(|_| out_of_range(Temporal::Date))
}

/// The inverse of [`java_date`], which also takes other zones.
pub(super) fn millis_of(date: Date, of_day: Time) -> Result<i64, Problem> {
    let days = i128::from(calendar::days(date.year.into(), date.month.into(), date.day.into()));
    let nanos = days * NANOS_PER_DAY + nanos_of(of_day) - minutes_east(of_day) * 60 * NANOS_PER_SECOND;
    if nanos % NANOS_PER_MILLI != 0 {
        return Err(out_of_range(Temporal::Date));
    }
    i64::try_from(nanos / NANOS_PER_MILLI).map_err(|_| out_of_range(Temporal::Date))
}

fn expected_text(class: Temporal) -> &'static str {
    match class {
        Temporal::LocalDate => "a day as 2026-11-30",
        Temporal::LocalTime => "a time of day as 23:59:00.5",
        Temporal::LocalDateTime => "a day and time as 2026-11-30T23:59:00.5, without a zone",
        Temporal::OffsetTime => "a time with an offset as 23:59:00.5+01:00",
        Temporal::OffsetDateTime | Temporal::Instant => {
            "a day and time with an offset as 2026-11-30T23:59:00.5+01:00, or Z"
        }
        Temporal::Date => {
            "a day and time with an offset, to the millisecond, as 2026-11-30T23:59:00.500+01:00, or Z"
        }
    }
}

fn from_text(class: Temporal, text: &str) -> Option<Moment> {
    match class {
        Temporal::LocalDate => date(text).map(Moment::Date),
        Temporal::LocalTime => time(text).filter(|time| time.zone.is_none()).map(Moment::Time),
        Temporal::OffsetTime => time(text).filter(|time| time.zone.is_some()).map(Moment::Time),
        _ => {
            let at = text.find(['T', 't', ' '])?;
            let (day, of_day) = (date(&text[..at])?, time(&text[at + 1..])?);
            let has_zone = of_day.zone.is_some();
            match class {
                Temporal::LocalDateTime => (!has_zone).then_some(Moment::DateTime(day, of_day)),
                Temporal::OffsetDateTime => has_zone.then_some(Moment::DateTime(day, of_day)),
                _ if !has_zone => None,
                _ => of_nanos(class, nanos_since_epoch(day, of_day)).ok(),
            }
        }
    }
}

fn digits<T: std::str::FromStr>(text: &str, len: usize) -> Option<T> {
    (text.len() == len && text.bytes().all(|byte| byte.is_ascii_digit())).then(|| text.parse().ok())?
}

fn date(text: &str) -> Option<Date> {
    let (sign, unsigned) = match text.as_bytes().first()? {
        b'-' => (-1, &text[1..]),
        b'+' => (1, &text[1..]),
        _ => (1, text),
    };
    let mut parts = unsigned.split('-');
    let (year, month, day) = (parts.next()?, parts.next()?, parts.next()?);
    let year: i32 = if (4..=9).contains(&year.len()) { digits(year, year.len())? } else { return None };
    let (year, month, day) = (sign * year, digits::<u8>(month, 2)?, digits::<u8>(day, 2)?);
    let next = if month == 12 { (i64::from(year) + 1, 1) } else { (i64::from(year), i64::from(month) + 1) };
    let exists = (1..=12).contains(&month)
        && day >= 1
        && calendar::iso_days(year.into(), month.into(), day.into()) < calendar::iso_days(next.0, next.1, 1);
    (parts.next().is_none() && exists).then_some(Date { year, month, day })
}

fn time(text: &str) -> Option<Time> {
    let (clock, zone) = match text.find(['Z', 'z', '+', '-']) {
        None => (text, None),
        Some(at) => (&text[..at], Some(zone(&text[at..])?)),
    };
    let (clock, fraction) = clock.split_once('.').map_or((clock, None), |(clock, rest)| (clock, Some(rest)));
    let mut parts = clock.split(':');
    let (hour, minute) = (digits::<u8>(parts.next()?, 2)?, digits::<u8>(parts.next()?, 2)?);
    let second = match parts.next() {
        Some(second) => digits::<u8>(second, 2)?,
        None if fraction.is_none() => 0,
        None => return None,
    };
    let nano = match fraction {
        None => 0,
        Some(fraction) if (1..=9).contains(&fraction.len()) => {
            digits::<u32>(fraction, fraction.len())? * 10_u32.pow(9 - fraction.len() as u32)
        }
        Some(_) => return None,
    };
    let exists = parts.next().is_none() && hour < 24 && minute < 60 && second < 60;
    exists.then_some(Time { hour, minute, second, nano, zone })
}

fn zone(text: &str) -> Option<Zone> {
    if text.eq_ignore_ascii_case("z") {
        return Some(Zone::Utc);
    }
    let (hours, minutes) = match text[1..].split_once(':') {
        Some((hours, minutes)) => (hours, minutes),
        None => text[1..].split_at_checked(2)?,
    };
    let minutes =
        digits::<i16>(hours, 2)? * 60 + if minutes.is_empty() { 0 } else { digits::<i16>(minutes, 2)? };
    match if text.starts_with('-') { -minutes } else { minutes } {
        0 => Some(Zone::Utc),
        east @ -1080..=1080 => Some(Zone::Offset(east)),
        _ => None,
    }
}

/// Shows a time of day with its offset, as [`moment`] reads it.
pub(crate) fn show_time(of_day: Time, text: &mut String) {
    // A string takes any text.
    let _ = write!(text, "{:02}:{:02}:{:02}", of_day.hour, of_day.minute, of_day.second);
    let nano = of_day.nano;
    let _ = match nano {
        0 => Ok(()),
        _ if nano.is_multiple_of(1_000_000) => write!(text, ".{:03}", nano / 1_000_000),
        _ if nano.is_multiple_of(1_000) => write!(text, ".{:06}", nano / 1_000),
        _ => write!(text, ".{nano:09}"),
    };
    let _ = match of_day.zone {
        None => Ok(()),
        Some(Zone::Utc | Zone::Offset(0)) => write!(text, "Z"),
        Some(Zone::Offset(minutes)) => {
            let sign = if minutes < 0 { '-' } else { '+' };
            let minutes = minutes.unsigned_abs();
            write!(text, "{sign}{:02}:{:02}", minutes / 60, minutes % 60)
        }
    };
}

/// Shows a day, as [`moment`] reads it.
pub(crate) fn show_date(Date { year, month, day }: Date) -> String {
    if (0..=9999).contains(&year) {
        format!("{year:04}-{month:02}-{day:02}")
    } else {
        format!("{}{:04}-{month:02}-{day:02}", if year < 0 { '-' } else { '+' }, year.unsigned_abs())
    }
}

/// Shows a day and time with its offset, as [`moment`] reads it.
pub(crate) fn show_date_time(date: Date, of_day: Time) -> String {
    let mut text = show_date(date);
    text.push('T');
    show_time(of_day, &mut text);
    text
}
