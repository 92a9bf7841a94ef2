//! Values in POF, each as the Java object that Connect would have given.

use coherence_kafka_common::pof::{Date, PofWriter, Time, Zone};

use super::time::{self, MILLIS_PER_DAY};
use super::{ArrayForm, EncodeError};
use crate::value::Value;

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
        Value::Date(millis) => pof.date(date(*millis)?),
        Value::Time(millis) => {
            if !(0..MILLIS_PER_DAY).contains(millis) {
                return Err(EncodeError::Time { millis: *millis });
            }
            pof.time(time_of_day(*millis, None))?;
        }
        Value::Timestamp(millis) => pof.date_time(date(*millis)?, time_of_day(*millis, Some(Zone::Utc)))?,
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

/// The day of a time in milliseconds since 1970-01-01.
fn date(millis: i64) -> Result<Date, EncodeError> {
    let days = millis.div_euclid(MILLIS_PER_DAY);
    let (year, month, day) = time::date(days);
    Ok(Date { year: i32::try_from(year).map_err(|_| EncodeError::Year { days })?, month, day })
}

fn time_of_day(millis: i64, zone: Option<Zone>) -> Time {
    let (hour, minute, second, nano) = time::time(millis.rem_euclid(MILLIS_PER_DAY));
    Time { hour, minute, second, nano, zone }
}
