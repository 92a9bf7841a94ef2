//! Dates, times and timestamps, as Java's lenient `SimpleDateFormat` reads them in UTC.

use std::sync::Arc;

use super::Inferred;
use super::number::digit;
use crate::calendar::{self, MILLIS_PER_DAY};
use crate::data::{self, Schema, SchemaKind, Value};

/// Returns the date, time or timestamp in `text`. Its length decides which it may be; each of its numbers may have any
/// number of digits and be out of its range, and text may follow.
pub(super) fn parse(text: &str) -> Option<Inferred> {
    // Colons may have been escaped, so that they delimit nothing.
    let text = text.replace("\\:", ":");
    let mut fields = Fields { rest: &text };
    let (kind, name, value) = match text.encode_utf16().count() {
        10 => (SchemaKind::Int32, data::DATE, Value::Date(fields.date()?.wrapping_mul(MILLIS_PER_DAY))),
        13 => (SchemaKind::Int32, data::TIME, Value::Time(fields.time()?)),
        24 => {
            let day = fields.date()?;
            fields.literal('T')?;
            let millis = day.wrapping_mul(MILLIS_PER_DAY).wrapping_add(fields.time()?);
            (SchemaKind::Int64, data::TIMESTAMP, Value::Timestamp(millis))
        }
        _ => return None,
    };
    Some((Arc::new(Schema::logical(kind, name)), value))
}

struct Fields<'a> {
    rest: &'a str,
}

impl Fields<'_> {
    /// `yyyy-MM-dd`, in days since the epoch.
    fn date(&mut self) -> Option<i64> {
        let year = self.number()?;
        self.literal('-')?;
        let month = self.number()?;
        self.literal('-')?;
        Some(calendar::days(year, month, self.number()?))
    }

    /// `HH:mm:ss.SSS'Z'`, in milliseconds.
    fn time(&mut self) -> Option<i64> {
        let hour = self.number()?;
        self.literal(':')?;
        let minute = self.number()?;
        self.literal(':')?;
        let second = self.number()?;
        self.literal('.')?;
        let milli = self.number()?;
        self.literal('Z')?;
        Some(((hour * 60 + minute) * 60 + second) * 1_000 + milli)
    }

    fn literal(&mut self, expected: char) -> Option<()> {
        self.rest = self.rest.strip_prefix(expected)?;
        Some(())
    }

    /// Returns a number of 32 bits, which white space may precede. Java reads an exponent too (`2E03`), this does not.
    fn number(&mut self) -> Option<i64> {
        let text = self.rest.trim_start_matches([' ', '\t']);
        let unsigned = text.strip_prefix('-').unwrap_or(text);
        let digits: String = unsigned.chars().map_while(digit).collect();
        let end = unsigned.char_indices().find(|(_, c)| digit(*c).is_none());
        self.rest = end.map_or("", |(at, _)| &unsigned[at..]);
        let magnitude: i128 = digits.parse().ok()?;
        let number = if unsigned.len() < text.len() { -magnitude } else { magnitude };
        // Java has a `Long` where the number fits, which it cuts off, else a `Double`.
        Some(match i64::try_from(number) {
            Ok(number) => i64::from(number as i32),
            Err(_) => i64::from(if number < 0 { i32::MIN } else { i32::MAX }),
        })
    }
}
