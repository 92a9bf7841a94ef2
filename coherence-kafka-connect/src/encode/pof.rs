//! Values in POF, each as the Java object that Connect would have given.

use coherence_kafka_common::pof::{Date, PofWriter, Time, Zone};

use super::{ArrayForm, EncodeError};
use crate::calendar::{self, MILLIS_PER_DAY};
use crate::data::Value;

/// Appends the POF of `value`; `levels` more may be inside each other.
pub(super) fn write(
    value: &Value<'_>,
    arrays: ArrayForm,
    levels: usize,
    out: &mut Vec<u8>,
) -> Result<(), EncodeError> {
    let inner = levels.checked_sub(1).ok_or(EncodeError::Depth);
    let mut pof = PofWriter::new(out);
    match value {
        Value::Null => pof.null(),
        Value::Boolean(value) => pof.boolean(*value),
        Value::Int8(value) => pof.octet(*value as u8),
        Value::Int16(value) => pof.int16(*value),
        Value::Int32(value) => pof.int32(*value),
        Value::Int64(value) => pof.int64(*value),
        Value::Float32(value) => pof.float32(*value),
        Value::Float64(value) => pof.float64(*value),
        Value::String(text) => pof.string(text),
        Value::Bytes(bytes) => pof.byte_array(bytes),
        Value::Decimal { unscaled, scale } => {
            let fits = i128::try_from(unscaled).ok().and_then(|unscaled| pof.decimal(unscaled, *scale).ok());
            fits.ok_or_else(|| {
                let digits = unscaled.magnitude().to_string().len();
                EncodeError::Decimal { digits, scale: *scale }
            })?;
        }
        // Each is a `java.util.Date` in Connect, and Java's writer has one form for that.
        Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis) => {
            let (date, time) = date_time(*millis)?;
            pof.date_time(date, time)?;
        }
        Value::Array(items) => {
            match arrays {
                ArrayForm::List => pof.collection(items.len()),
                ArrayForm::ObjectArray => pof.object_array(items.len()),
            }
            let levels = inner?;
            items.iter().try_for_each(|item| write(item, arrays, levels, out))?;
        }
        Value::Map(entries) => {
            pof.map(entries.len());
            let levels = inner?;
            for (key, value) in entries {
                write(key, arrays, levels, out)?;
                write(value, arrays, levels, out)?;
            }
        }
        Value::Struct(of) => {
            let fields = of.schema.fields();
            pof.map(fields.len().min(of.values.len()));
            let levels = inner?;
            for (field, value) in fields.iter().zip(&of.values) {
                PofWriter::new(out).string(&field.name);
                write(value, arrays, levels, out)?;
            }
        }
        Value::Uuid(bits) => pof.uuid(*bits),
        // Inside something else it goes without its leading byte.
        Value::Pof(binary) => out.extend_from_slice(binary.get(1..).unwrap_or_default()),
    }
    Ok(())
}

/// Day and time of an instant, in UTC where that can be read.
///
/// The leap day of the Julian years 1500, 1400, 1300, 1100 … has no place in POF, whose readers count leap years by the
/// Gregorian rule: an instant of that day is written twelve hours away from UTC, where it is the day before or after.
pub(crate) fn date_time(millis: i64) -> Result<(Date, Time), EncodeError> {
    const HALF_DAY: i64 = MILLIS_PER_DAY / 2;
    let (days, of_day) = (millis.div_euclid(MILLIS_PER_DAY), millis.rem_euclid(MILLIS_PER_DAY));
    let (year, month, day) = calendar::date(days);
    if (month, day) == (2, 29) && year % 100 == 0 && year % 400 != 0 {
        let east = if of_day < HALF_DAY { -HALF_DAY } else { HALF_DAY };
        let (date, time) = date_time(millis.saturating_add(east))?;
        return Ok((date, Time { zone: Some(Zone::Offset(if east < 0 { -720 } else { 720 })), ..time }));
    }
    let (hour, minute, second, nano) = calendar::time(of_day);
    let year = i32::try_from(year).map_err(|_| EncodeError::Year { days })?;
    Ok((Date { year, month, day }, Time { hour, minute, second, nano, zone: Some(Zone::Utc) }))
}
