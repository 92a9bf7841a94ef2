//! Values as Coherence writes them: times, numbers, truth.

use std::time::Duration;

use crate::read_write_backing_map::PublishExpirations;

/// The units of a time, in the order in which they may follow each other.
const UNITS: [(&[&str], f64); 7] = [
    (&["d"], 86_400.0),
    (&["h"], 3_600.0),
    (&["m"], 60.0),
    (&["s"], 1.0),
    (&["ms"], 1e-3),
    (&["us", "\u{b5}s", "\u{39c}s", "\u{3bc}s"], 1e-6),
    (&["ns"], 1e-9),
];

/// A year: a longer time is a mistake, and timers have a limit.
const MAX_SECONDS: f64 = 365.0 * 86_400.0;

/// Parses a time; without unit it is in seconds.
pub(super) fn seconds(text: &str) -> Result<Duration, &'static str> {
    duration(text, 1.0).ok_or("a time: write a number of seconds, or units as in 1m 30s or 500ms")
}

/// Parses a time; without unit it is in milliseconds.
pub(super) fn millis(text: &str) -> Result<Duration, &'static str> {
    duration(text, 1e-3).ok_or("a time: write a number of milliseconds, or units as in 1m 30s or 500ms")
}

/// Parses a whole number of seconds, as Java's `int`.
pub(super) fn whole_seconds(text: &str) -> Result<Duration, &'static str> {
    int(text)
        .map(|seconds| Duration::from_secs(seconds as u64))
        .filter(|time| time.as_secs_f64() <= MAX_SECONDS)
        .ok_or("a whole number of seconds from 0, at most a year")
}

/// Parses numbers, with or without a fraction, each with its unit; one number alone has the unit `default`.
fn duration(text: &str, default: f64) -> Option<Duration> {
    let mut rest = text.trim();
    let (mut total, mut next) = (0.0, 0);
    while !rest.is_empty() {
        let end = rest.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(rest.len());
        let (number, behind) = rest.split_at(end);
        let digits = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
        let well_formed = match number.split_once('.') {
            Some((whole, fraction)) => digits(whole) && digits(fraction),
            None => digits(number),
        };
        let number: f64 = if well_formed { number.parse().ok()? } else { return None };
        let behind = behind.trim_start();
        let end = behind.find(|c: char| c.is_ascii_digit() || c.is_whitespace()).unwrap_or(behind.len());
        let (unit, behind) = behind.split_at(end);
        if unit.is_empty() {
            // Without a unit a number stands alone.
            if next > 0 || !behind.is_empty() {
                return None;
            }
            total = number * default;
            break;
        }
        let unit = unit.to_lowercase();
        let at = UNITS.iter().position(|(names, _)| names.iter().any(|name| name.to_lowercase() == unit))?;
        if at < next {
            return None;
        }
        total += number * UNITS[at].1;
        next = at + 1;
        rest = behind.trim_start();
    }
    let given = !text.trim().is_empty() && total <= MAX_SECONDS;
    // Java counts whole nanoseconds, rounded.
    given.then(|| Duration::from_nanos((total * 1e9).round() as u64))
}

/// Parses `true` or `false`. Java reads any other text as `false`; here it is refused.
pub(super) fn truth(text: &str) -> Result<bool, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err("true or false"),
    }
}

/// Parses a whole number, as Java's `int`.
pub(super) fn count(text: &str) -> Result<usize, &'static str> {
    int(text).ok_or("a whole number from 0")
}

/// The same without zero.
pub(super) fn positive(text: &str) -> Result<usize, &'static str> {
    int(text).filter(|count| *count > 0).ok_or("a whole number from 1")
}

fn int(text: &str) -> Option<usize> {
    text.parse::<i32>().ok().and_then(|number| usize::try_from(number).ok())
}

/// Parses the handling of expired entries.
pub(super) fn expirations(text: &str) -> Result<PublishExpirations, &'static str> {
    match text {
        "ignore" => Ok(PublishExpirations::Ignore),
        "tombstone" => Ok(PublishExpirations::Tombstone),
        _ => Err("ignore or tombstone"),
    }
}

/// Parses a fraction from 0 to 1.
pub(super) fn factor(text: &str) -> Result<f64, &'static str> {
    text.parse::<f64>().ok().filter(|factor| (0.0..=1.0).contains(factor)).ok_or("a number from 0.0 to 1.0")
}

#[cfg(test)]
mod tests;
