//! The binaries of Java's default serializer: what every reader understands.
//!
//! Big numbers, dates and UUIDs are text, as those of POF are.

use std::borrow::Cow;

use coherence_kafka_common::java_format;
use coherence_kafka_common::pof::PofValue;

use super::{DecodeError, pof};
use crate::data::Value;
use crate::encode::date_time;
use crate::mapping::show_date_time;

/// `Optional` and its kin, as which [`java_format::decode`] returns them.
const OPTIONALS: std::ops::RangeInclusive<u32> = 903..=906;

/// Returns the data in a binary.
pub(super) fn read(binary: &[u8]) -> Result<Value<'static>, DecodeError> {
    if let Some(millis) = java_format::date(binary) {
        let (date, time) = date_time(millis)
            .map_err(|_| DecodeError::NoCounterpart { what: "a java.util.Date of that year" })?;
        return Ok(Value::String(Cow::Owned(show_date_time(date, time))));
    }
    match java_format::decode(binary) {
        Ok(PofValue::User { type_id, .. }) if OPTIONALS.contains(&type_id) => {
            Err(DecodeError::NoCounterpart { what: "a java.util.Optional" })
        }
        Ok(value) => pof::of(value),
        Err(error) => match java_format::only_java(binary) {
            Some(what) => Err(DecodeError::NoCounterpart { what }),
            None => Err(DecodeError::Binary(error)),
        },
    }
}
