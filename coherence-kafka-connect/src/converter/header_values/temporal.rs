//! Dates, times and timestamps: the three forms of `java.util.Date` in texts, in UTC.

use std::sync::{Arc, LazyLock};

use super::Inferred;
use crate::calendar::MILLIS_PER_DAY;
use crate::data::{self, Schema, SchemaKind, Value};
use crate::java::date_format::DateFormat;

const DATE: usize = 0;
const TIME: usize = 1;
const TIMESTAMP: usize = 2;

static FORMATS: LazyLock<[Option<DateFormat>; 3]> = LazyLock::new(|| {
    ["yyyy-MM-dd", "HH:mm:ss.SSS'Z'", "yyyy-MM-dd'T'HH:mm:ss.SSS'Z'"]
        .map(|pattern| DateFormat::new(pattern).ok())
});

/// Returns the date, time or timestamp in `text`. Its length decides which it may be; each of its numbers may have any
/// number of digits and be out of its range, and text may follow.
pub(super) fn parse(text: &str) -> Option<Inferred> {
    // Colons may have been escaped, so that they delimit nothing.
    let text = text.replace("\\:", ":");
    let (kind, name, value) = match text.encode_utf16().count() {
        10 => (SchemaKind::Int32, data::DATE, Value::Date(millis(DATE, &text)?)),
        13 => (SchemaKind::Int32, data::TIME, Value::Time(millis(TIME, &text)?)),
        24 => (SchemaKind::Int64, data::TIMESTAMP, Value::Timestamp(millis(TIMESTAMP, &text)?)),
        _ => return None,
    };
    Some((Arc::new(Schema::logical(kind, name)), value))
}

/// Returns the text of an instant, in the form of `Values.dateFormatFor`: a time for all up to the second day, a date for
/// every other midnight, else a timestamp.
pub(crate) fn text(millis: i64) -> String {
    let form = if millis < MILLIS_PER_DAY {
        TIME
    } else if millis % MILLIS_PER_DAY == 0 {
        DATE
    } else {
        TIMESTAMP
    };
    FORMATS[form].as_ref().map(|format| format.format(millis)).unwrap_or_default()
}

fn millis(form: usize, text: &str) -> Option<i64> {
    FORMATS[form].as_ref()?.parse(text)
}
