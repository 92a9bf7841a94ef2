//! The expiry of the entries that are written: from a header of each record, else from a field, else by topic, else fixed.
//!
//! Pure. `coherence.ttl.ms`, `coherence.ttl.ms.<topic>`, the header that `coherence.ttl.header` names and the field that
//! `coherence.ttl.field` names hold milliseconds with the meaning of Coherence's own `put`: 0 is the map's default, -1 is
//! never.

use std::collections::BTreeMap;
use std::time::Duration;

use coherence_kafka_common::map::Expiry;
use coherence_kafka_connect::data::Value;
use coherence_kafka_connect::record::{Header, RawHeaders};
use coherence_kafka_connect::transform::FieldPath;

/// The rules of a connector.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Expiries {
    /// `coherence.ttl.ms`.
    pub default: Expiry,
    /// `coherence.ttl.ms.<topic>`.
    pub by_topic: BTreeMap<String, Expiry>,
    /// `coherence.ttl.header`: a record without this header falls back to its field.
    pub header: Option<String>,
    /// `coherence.ttl.field`: a record without this field falls back to its topic.
    pub field: Option<FieldPath>,
}

/// A part of a record that should hold milliseconds and does not.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadTtl {
    /// A header.
    #[error("header {0}: expected milliseconds as decimal text, at most {max}, or -1 for never", max = Expiry::MAX_MILLIS)]
    Header(String),
    /// A field.
    #[error("value: field {0}: expected milliseconds, at most {max}, or -1 for never", max = Expiry::MAX_MILLIS)]
    Field(FieldPath),
}

/// Converts milliseconds to an expiry; `None` where they are out of range.
pub(crate) fn from_millis(millis: i64) -> Option<Expiry> {
    match millis {
        -1 => Some(Expiry::Never),
        0 => Some(Expiry::Default),
        1..=Expiry::MAX_MILLIS => Some(Expiry::After(Duration::from_millis(millis.unsigned_abs()))),
        _ => None,
    }
}

impl Expiries {
    /// Returns the expiry for records of a topic that have neither header nor field for it.
    pub fn of_topic(&self, topic: &str) -> Expiry {
        self.by_topic.get(topic).copied().unwrap_or(self.default)
    }

    /// Returns the expiry that the headers of a record hold.
    ///
    /// # Errors
    /// Its header holds something else than milliseconds.
    pub fn of_headers(&self, headers: &dyn RawHeaders) -> Result<Option<Expiry>, BadTtl> {
        let Some(name) = &self.header else { return Ok(None) };
        let Some(value) = headers.last(name) else { return Ok(None) };
        let millis = value
            .as_deref()
            .and_then(|text| std::str::from_utf8(text).ok())
            .and_then(|text| text.trim().parse::<i64>().ok());
        millis.and_then(from_millis).map(Some).ok_or_else(|| BadTtl::Header(name.clone()))
    }

    /// Returns the expiry that a field of a converted value holds.
    ///
    /// # Errors
    /// Its field holds something else than milliseconds.
    pub fn of_field(&self, value: &Value<'_>) -> Result<Option<Expiry>, BadTtl> {
        let Some(path) = &self.field else { return Ok(None) };
        let Some(found) = path.find(value) else { return Ok(None) };
        let millis = match found {
            Value::Int8(number) => Some(i64::from(*number)),
            Value::Int16(number) => Some(i64::from(*number)),
            Value::Int32(number) => Some(i64::from(*number)),
            Value::Int64(number) => Some(*number),
            Value::String(text) => text.trim().parse().ok(),
            _ => None,
        };
        millis.and_then(from_millis).map(Some).ok_or_else(|| BadTtl::Field(path.clone()))
    }
}

/// The headers of a transformed record. A whole number is as good as its text.
pub(crate) struct ConvertedHeaders<'a>(pub(crate) &'a [Header<'a>]);

impl RawHeaders for ConvertedHeaders<'_> {
    fn last(&self, name: &str) -> Option<Option<Vec<u8>>> {
        let header = self.0.iter().rev().find(|header| header.key == name)?;
        Some(match &header.data.value {
            Value::String(text) => Some(text.as_bytes().to_vec()),
            Value::Bytes(bytes) => Some(bytes.to_vec()),
            Value::Int8(number) => Some(number.to_string().into_bytes()),
            Value::Int16(number) => Some(number.to_string().into_bytes()),
            Value::Int32(number) => Some(number.to_string().into_bytes()),
            Value::Int64(number) => Some(number.to_string().into_bytes()),
            _ => None,
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coherence_kafka_rdkafka::record::{Envelope, Header, RawRecord};

    fn of(headers: &[Header]) -> Result<Expiry, BadTtl> {
        let expiries = Expiries {
            default: Expiry::Never,
            by_topic: BTreeMap::from([("t".to_owned(), Expiry::After(Duration::from_millis(5)))]),
            header: Some("ttl".to_owned()),
            field: None,
        };
        assert_eq!(expiries.of_topic("other"), Expiry::Never);
        let record = RawRecord {
            topic: "t",
            partition: 0,
            offset: 0,
            key: None,
            value: None,
            envelope: Envelope::Given(headers, None),
        };
        Ok(expiries.of_headers(&record)?.unwrap_or_else(|| expiries.of_topic("t")))
    }

    fn header(value: &str) -> Header {
        ("ttl".to_owned(), Some(value.as_bytes().to_vec()))
    }

    #[test]
    fn the_header_of_a_record_beats_its_topic_and_the_last_of_two_counts() {
        assert_eq!(of(&[]), Ok(Expiry::After(Duration::from_millis(5))));
        assert_eq!(of(&[header("x"), header(" 70 ")]), Ok(Expiry::After(Duration::from_millis(70))));
        assert_eq!(of(&[header("-1")]), Ok(Expiry::Never));
        assert_eq!(of(&[header("0")]), Ok(Expiry::Default));
    }

    #[test]
    fn a_header_without_milliseconds_is_an_error_that_does_not_show_it() {
        // Java's Long.MAX_VALUE is a usual word for never.
        let long_max = header("9223372036854775807");
        for bad in [header("soon"), header("-2"), header(""), ("ttl".to_owned(), None), long_max] {
            let error = of(&[bad]).unwrap_err().to_string();
            assert_eq!(
                error,
                "header ttl: expected milliseconds as decimal text, at most 4611686018427387903, or -1 for never"
            );
        }
    }

    #[test]
    fn a_field_holds_milliseconds_as_a_number_or_text_and_without_it_there_is_no_expiry() {
        let field = FieldPath::parse("meta.ttl").unwrap();
        let expiries = Expiries { field: Some(field), ..Expiries::default() };
        let of = |ttl: Value<'static>| {
            let meta = Value::Map(vec![(Value::String("ttl".into()), ttl)]);
            expiries.of_field(&Value::Map(vec![(Value::String("meta".into()), meta)]))
        };
        let after = |millis| Ok(Some(Expiry::After(Duration::from_millis(millis))));
        assert_eq!(of(Value::Int64(70)), after(70));
        assert_eq!(of(Value::Int8(7)), after(7));
        assert_eq!(of(Value::String(" 70 ".into())), after(70));
        assert_eq!(of(Value::Int32(-1)), Ok(Some(Expiry::Never)));
        assert_eq!(of(Value::Null), Ok(None));
        assert_eq!(expiries.of_field(&Value::Int64(5)), Ok(None));
        for bad in [Value::Float64(7.0), Value::Int64(-2), Value::String("soon".into()), Value::Boolean(true)]
        {
            assert_eq!(
                of(bad).unwrap_err().to_string(),
                "value: field meta.ttl: expected milliseconds, at most 4611686018427387903, or -1 for never"
            );
        }
    }

    #[test]
    fn every_number_that_is_taken_is_one_that_every_map_takes() {
        for millis in [1, 7, Expiry::MAX_MILLIS] {
            assert_eq!(from_millis(millis).unwrap().after_millis(), Ok(Some(millis)));
        }
        for millis in [-2, i64::MIN, Expiry::MAX_MILLIS + 1, i64::MAX] {
            assert_eq!(from_millis(millis), None, "{millis}");
        }
    }
}
