//! `java.text.SimpleDateFormat` in UTC, lenient, with the names of the United States.

use std::time::SystemTime;

use super::calendar::Instant;
use crate::calendar::{MILLIS_PER_DAY, days};

mod format;
mod parse;

const LETTERS: &str = "GyMdkHmsSEDFwWahKzZYuXL";
const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];
const DAYS: [&str; 7] = ["Sunday", "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday"];
const ERAS: [&str; 2] = ["BC", "AD"];
const LONG_ERAS: [&str; 2] = ["Before Christ", "Anno Domini"];
const HALVES: [&str; 2] = ["AM", "PM"];

/// A pattern for dates and times.
#[derive(Debug, Clone)]
pub(crate) struct DateFormat {
    pattern: String,
    parts: Vec<Part>,
    /// The beginning of the hundred years that a year of two digits is in, in milliseconds since the epoch.
    century: i64,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    /// Text that stands as it is.
    Literal(String),
    /// A letter of the pattern, and how often it stands in a row.
    Field(char, usize),
}

impl DateFormat {
    /// Reads a pattern.
    ///
    /// # Errors
    /// Why it is none, in Java's words.
    pub(crate) fn new(pattern: &str) -> Result<Self, String> {
        let now = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
        let now = i64::try_from(now.as_millis()).unwrap_or_default();
        Ok(Self { pattern: pattern.to_owned(), parts: parts(pattern)?, century: eighty_years_before(now) })
    }

    /// Returns the pattern.
    pub(crate) fn pattern(&self) -> &str {
        &self.pattern
    }
}

/// Years of two digits are those from eighty years ago to twenty years ahead.
fn eighty_years_before(millis: i64) -> i64 {
    let Instant { year, month, day, .. } = Instant::of(millis);
    let days = |year| days(year, month.into(), day.into());
    millis - (days(year) - days(year - 80)) * MILLIS_PER_DAY
}

fn parts(pattern: &str) -> Result<Vec<Part>, String> {
    let mut parts = Vec::new();
    let literal = |parts: &mut Vec<Part>, c: char| match parts.last_mut() {
        Some(Part::Literal(text)) => text.push(c),
        _ => parts.push(Part::Literal(c.to_string())),
    };
    let mut quoted = false;
    let mut chars = pattern.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\'' if chars.next_if_eq(&'\'').is_some() => literal(&mut parts, '\''),
            '\'' => quoted = !quoted,
            _ if quoted || !c.is_ascii_alphabetic() => literal(&mut parts, c),
            _ if !LETTERS.contains(c) => return Err(format!("Illegal pattern character '{c}'")),
            _ => {
                let mut count = 1;
                while chars.next_if_eq(&c).is_some() {
                    count += 1;
                }
                if c == 'X' && count > 3 {
                    return Err(format!("invalid ISO 8601 format: length={count}"));
                }
                parts.push(Part::Field(c, count));
            }
        }
    }
    if quoted { Err("Unterminated quote".to_owned()) } else { Ok(parts) }
}

#[cfg(test)]
mod tests;
