//! A POF value as a text for a reader: JSON where JSON has such a value.
//!
//! ```text
//! map            {"a":1,7:"b"}          keys may be of every type
//! user type      {"@type":1001,"@version":2,"0":…,"1":…}     properties by their index
//! binary         0x0102
//! date, time     2024-02-29, 13:14:15.5+02:00                duration   P1Y2M, P1DT2H3M4.5S
//! ```

use std::fmt::Write;

use coherence_kafka_common::packed::DecodeError;
use coherence_kafka_common::pof::{Date, PofReader, PofValue, Time, Zone, decode};
use coherence_kafka_common::serializer::json::text::decimal_text;

use super::hex::hex;

/// Returns the text of the value in `bytes`, which start behind the format byte: at most `max` bytes, and whether that is
/// only its beginning.
///
/// # Errors
/// Why it is no POF.
pub(super) fn text(bytes: &[u8], max: usize) -> Result<(String, bool), DecodeError> {
    let value = decode(bytes).or_else(|error| shared(bytes).map_err(|_| error))?;
    Ok(text_of(&value, max))
}

/// Returns the text of a value, and whether it is only its beginning.
pub(super) fn text_of(value: &PofValue, max: usize) -> (String, bool) {
    let mut out = Text { text: String::new(), max, cut: false };
    out.value(value);
    (out.text, out.cut)
}

/// Reads a value that shares objects by reference.
fn shared(bytes: &[u8]) -> Result<PofValue, DecodeError> {
    let mut reader = PofReader::resolving(bytes)?;
    let value = reader.value()?;
    reader.finish()?;
    Ok(value)
}

/// A text that ends at its limit; what comes behind it is left out.
struct Text {
    text: String,
    max: usize,
    cut: bool,
}

impl Write for Text {
    fn write_str(&mut self, more: &str) -> std::fmt::Result {
        let room = self.max.saturating_sub(self.text.len());
        if self.cut || more.len() > room {
            let end = (0..=room).rev().find(|end| more.is_char_boundary(*end)).unwrap_or(0);
            if !self.cut {
                self.text.push_str(&more[..end]);
            }
            self.cut = true;
            return Err(std::fmt::Error);
        }
        self.text.push_str(more);
        Ok(())
    }
}

impl Text {
    fn add(&mut self, more: std::fmt::Arguments<'_>) {
        // Fails at the limit, which is noted.
        let _ = self.write_fmt(more);
    }

    /// The recursion is as deep as the value, whose decoder bounds it.
    fn value(&mut self, value: &PofValue) {
        match value {
            PofValue::Null => self.add(format_args!("null")),
            PofValue::Boolean(value) => self.add(format_args!("{value}")),
            PofValue::Int16(value) => self.add(format_args!("{value}")),
            PofValue::Int32(value) => self.add(format_args!("{value}")),
            PofValue::Int64(value) => self.add(format_args!("{value}")),
            PofValue::Int128(value) => self.add(format_args!("{value}")),
            PofValue::Float32(value) => self.add(format_args!("{value:?}")),
            PofValue::Float64(value) => self.add(format_args!("{value:?}")),
            PofValue::Float128(bits) => self.add(format_args!("0x{bits:032x}")),
            PofValue::Decimal { unscaled, scale } => {
                self.add(format_args!("{}", decimal_text(unscaled, *scale)))
            }
            PofValue::Octet(value) => self.add(format_args!("{}", *value as i8)),
            PofValue::OctetString(bytes) | PofValue::ByteArray(bytes) => {
                let start = &bytes[..bytes.len().min(self.max)];
                self.add(format_args!("0x{}", hex(start)));
            }
            PofValue::Char(unit) => self.string(&String::from_utf16_lossy(&[*unit])),
            PofValue::CharArray(units) => self.string(&String::from_utf16_lossy(units)),
            PofValue::String(text) => self.string(text),
            PofValue::Date(date) => self.date(*date),
            PofValue::Time(time) => self.time(*time),
            PofValue::DateTime(date, time) => {
                self.date(*date);
                self.add(format_args!("T"));
                self.time(*time);
            }
            PofValue::YearMonthInterval { years, months } => self.add(format_args!("P{years}Y{months}M")),
            PofValue::TimeInterval { hours, minutes, seconds, nanos } => {
                self.add(format_args!("PT{hours}H{minutes}M{seconds}{}S", fraction(*nanos)));
            }
            PofValue::DayTimeInterval { days, hours, minutes, seconds, nanos } => {
                self.add(format_args!("P{days}DT{hours}H{minutes}M{seconds}{}S", fraction(*nanos)));
            }
            PofValue::Collection(elements) | PofValue::Array(elements) => self.list(elements, Self::value),
            PofValue::BooleanArray(elements) => self.plain(elements),
            PofValue::Int16Array(elements) => self.plain(elements),
            PofValue::Int32Array(elements) => self.plain(elements),
            PofValue::Int64Array(elements) => self.plain(elements),
            PofValue::Float32Array(elements) => {
                self.list(elements, |text, e| text.add(format_args!("{e:?}")))
            }
            PofValue::Float64Array(elements) => {
                self.list(elements, |text, e| text.add(format_args!("{e:?}")))
            }
            PofValue::SparseArray { elements, .. } => self.slots("", elements),
            PofValue::Map(entries) => {
                self.between('{', '}', entries, |text, (key, value)| {
                    text.value(key);
                    text.add(format_args!(":"));
                    text.value(value);
                });
            }
            PofValue::User { type_id, version, properties } => match value.uuid() {
                Some(uuid) => self.add(format_args!("\"{uuid}\"")),
                None if *version == 0 => self.slots(&format!("\"@type\":{type_id}"), properties),
                None => self.slots(&format!("\"@type\":{type_id},\"@version\":{version}"), properties),
            },
        }
    }

    fn string(&mut self, text: &str) {
        // Only the beginning is shown of a long one.
        let end = (0..=text.len().min(self.max)).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
        let quoted = serde_json::Value::from(&text[..end]).to_string();
        self.add(format_args!("{quoted}"));
        self.cut |= end < text.len();
    }

    fn plain<T: std::fmt::Display>(&mut self, elements: &[T]) {
        self.list(elements, |text, element| text.add(format_args!("{element}")));
    }

    fn list<T>(&mut self, elements: &[T], element: impl Fn(&mut Self, &T)) {
        self.between('[', ']', elements, element);
    }

    fn between<T>(&mut self, open: char, close: char, items: &[T], item: impl Fn(&mut Self, &T)) {
        self.add(format_args!("{open}"));
        for (index, element) in items.iter().enumerate() {
            if self.cut {
                return;
            }
            if index > 0 {
                self.add(format_args!(","));
            }
            item(self, element);
        }
        self.add(format_args!("{close}"));
    }

    /// An object whose members have indexes, behind `head`.
    fn slots(&mut self, head: &str, slots: &[(u32, PofValue)]) {
        self.add(format_args!("{{{head}"));
        for (position, (index, value)) in slots.iter().enumerate() {
            if self.cut {
                return;
            }
            let comma = if position > 0 || !head.is_empty() { "," } else { "" };
            self.add(format_args!("{comma}\"{index}\":"));
            self.value(value);
        }
        self.add(format_args!("}}"));
    }

    fn date(&mut self, Date { year, month, day }: Date) {
        self.add(format_args!("{year:04}-{month:02}-{day:02}"));
    }

    fn time(&mut self, Time { hour, minute, second, nano, zone }: Time) {
        let fraction = fraction(i32::try_from(nano).unwrap_or(0));
        self.add(format_args!("{hour:02}:{minute:02}:{second:02}{fraction}"));
        match zone {
            None => {}
            Some(Zone::Utc) => self.add(format_args!("Z")),
            Some(Zone::Offset(minutes)) => {
                let sign = if minutes < 0 { '-' } else { '+' };
                let minutes = minutes.unsigned_abs();
                self.add(format_args!("{sign}{:02}:{:02}", minutes / 60, minutes % 60));
            }
        }
    }
}

/// Returns the digits behind the seconds, with their point.
fn fraction(nanos: i32) -> String {
    match nanos {
        0 => String::new(),
        nanos => format!(".{:09}", nanos.unsigned_abs()).trim_end_matches('0').to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use coherence_kafka_common::pof::PofWriter;

    use super::*;

    fn shown(value: &PofValue, max: usize) -> (String, bool) {
        let mut out = Text { text: String::new(), max, cut: false };
        out.value(value);
        (out.text, out.cut)
    }

    fn whole(value: &PofValue) -> String {
        let (text, cut) = shown(value, 1_000);
        assert!(!cut);
        text
    }

    #[test]
    fn values_are_shown_as_in_json_and_user_types_by_their_numbers() {
        let text = |text: &str| PofValue::String(text.to_owned());
        let time = |zone| Time { hour: 1, minute: 2, second: 3, nano: 500_000_000, zone };
        for (value, expected) in [
            (PofValue::Null, "null"),
            (PofValue::Int128(-5), "-5"),
            (PofValue::Float64(1.0), "1.0"),
            (PofValue::Float64(f64::NAN), "NaN"),
            (PofValue::Octet(0xFF), "-1"),
            (PofValue::Decimal { unscaled: 125, scale: 2 }, "1.25"),
            (PofValue::ByteArray(vec![1, 0xAB]), "0x01ab"),
            (text("a\"b\u{1}"), "\"a\\\"b\\u0001\""),
            (PofValue::Date(Date { year: 2024, month: 2, day: 29 }), "2024-02-29"),
            (PofValue::Time(time(Some(Zone::Offset(-90)))), "01:02:03.5-01:30"),
            (PofValue::Time(time(Some(Zone::Utc))), "01:02:03.5Z"),
            (PofValue::YearMonthInterval { years: 1, months: 2 }, "P1Y2M"),
            (PofValue::TimeInterval { hours: 1, minutes: 2, seconds: 3, nanos: 0 }, "PT1H2M3S"),
            (PofValue::Collection(vec![PofValue::Null, text("x")]), "[null,\"x\"]"),
            (PofValue::Int32Array(vec![1, 2]), "[1,2]"),
            (PofValue::SparseArray { size: 9, elements: vec![(3, text("x"))] }, "{\"3\":\"x\"}"),
            (
                PofValue::Map(vec![(text("a"), PofValue::Int32(1)), (PofValue::Int32(7), text("b"))]),
                "{\"a\":1,7:\"b\"}",
            ),
            (
                PofValue::User {
                    type_id: 1001,
                    version: 2,
                    properties: vec![(0, text("x")), (4, PofValue::Int64(9))],
                },
                "{\"@type\":1001,\"@version\":2,\"0\":\"x\",\"4\":9}",
            ),
            (PofValue::User { type_id: 1001, version: 0, properties: Vec::new() }, "{\"@type\":1001}"),
        ] {
            assert_eq!(whole(&value), expected);
        }
    }

    #[test]
    fn a_text_ends_at_its_limit_between_two_characters() {
        let long = PofValue::String("é".repeat(50));
        let (text, cut) = shown(&long, 10);
        assert!(cut && text.len() <= 10 && text.starts_with("\"é"), "{text}");
        let list = PofValue::Collection(vec![PofValue::Int32(7); 1_000]);
        assert_eq!(shown(&list, 8), ("[7,7,7,7".to_owned(), true));
        assert_eq!(shown(&PofValue::ByteArray(vec![0xAB; 100]), 6), ("0xabab".to_owned(), true));
    }

    #[test]
    fn what_a_writer_wrote_is_read() {
        let mut bytes = Vec::new();
        let mut writer = PofWriter::new(&mut bytes);
        writer.string("abc");
        assert_eq!(text(&bytes, 100), Ok(("\"abc\"".to_owned(), false)));
        assert!(text(b"\x4E\x09", 100).is_err());
    }
}
