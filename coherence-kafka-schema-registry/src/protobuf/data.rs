//! From a message to Connect's values, by the steps of a plan.

use std::borrow::Cow;
use std::collections::BTreeMap;

use coherence_kafka_connect::data::{Struct, Value};
use num_bigint::BigInt;
use prost_reflect::{DynamicMessage, MapKey, ReflectMessage as _, Value as Proto};

use super::plan::{Node, Plan, Slot, Step};

pub(super) const MILLIS_PER_DAY: i64 = 86_400_000;

/// Returns the value of a message.
///
/// # Errors
/// What cannot be a value of Connect, behind the path of its field.
pub(super) fn read(plan: &Plan, message: DynamicMessage) -> Result<Value<'static>, String> {
    value(plan, &plan.root, Proto::Message(message))
}

fn value(plan: &Plan, node: &Node, proto: Proto) -> Result<Value<'static>, String> {
    Ok(match (node, proto) {
        (Node::Int8, Proto::I32(number)) => {
            Value::Int8(number.try_into().map_err(|_| "a number beyond the 8 bits of connect.type")?)
        }
        (Node::Int16, Proto::I32(number)) => {
            Value::Int16(number.try_into().map_err(|_| "a number beyond the 16 bits of connect.type")?)
        }
        (Node::Enum(symbols), Proto::EnumNumber(number)) => {
            // As Java names a number that the schema does not know.
            let unknown = || format!("UNKNOWN_ENUM_VALUE_{}_{number}", symbols.name());
            let known = symbols.get_value(number).map(|value| value.name().to_owned());
            Value::String(Cow::Owned(known.unwrap_or_else(unknown)))
        }
        (Node::Wrapper, Proto::Message(mut message)) => {
            let field = message.descriptor().get_field_by_name("value").ok_or("a wrapper without a value")?;
            let inner = message.take_field(&field).unwrap_or_else(|| Proto::default_value_for_field(&field));
            value(plan, &Node::Plain, inner)?
        }
        (Node::Decimal, Proto::Message(mut message)) => {
            let scale = int(&message, "scale");
            let Some(Proto::Bytes(bytes)) = message.take_field_by_name("value") else {
                return Err("a decimal without digits".to_owned());
            };
            Value::Decimal {
                unscaled: BigInt::from_signed_bytes_be(&bytes),
                scale: scale.try_into().unwrap_or(0),
            }
        }
        (Node::Date, Proto::Message(message)) => {
            let days = days(int(&message, "year"), int(&message, "month"), int(&message, "day"));
            Value::Date(days.ok_or("no day of the calendar")? * MILLIS_PER_DAY)
        }
        (Node::Time, Proto::Message(message)) => {
            let part =
                |name: &str, end: i64| Some(int(&message, name)).filter(|part| (0..end).contains(part));
            let time = part("hours", 24).zip(part("minutes", 60)).zip(part("seconds", 60));
            let time = time.zip(part("nanos", 1_000_000_000)).ok_or("no time of day")?;
            let (((hours, minutes), seconds), nanos) = time;
            Value::Time(((hours * 60 + minutes) * 60 + seconds) * 1000 + nanos / 1_000_000)
        }
        (Node::Timestamp, Proto::Message(message)) => {
            let (seconds, nanos) = (int(&message, "seconds"), int(&message, "nanos"));
            // The range of the type: the years 1 to 9999.
            if !(-62_135_596_800..=253_402_300_799).contains(&seconds) || !(0..1_000_000_000).contains(&nanos)
            {
                return Err("no timestamp between the years 1 and 9999".to_owned());
            }
            Value::Timestamp(seconds * 1000 + nanos / 1_000_000)
        }
        (Node::Message { position, schema }, Proto::Message(message)) => {
            let whole = &plan.messages[*position];
            let values = fields(plan, &whole.slots, message)?;
            Value::Struct(Struct { schema: schema.as_ref().unwrap_or(&whole.schema).clone(), values })
        }
        (Node::List(of), Proto::List(items)) => {
            Value::Array(items.into_iter().map(|item| value(plan, of, item)).collect::<Result<_, _>>()?)
        }
        (Node::Map(key, of), Proto::Map(entries)) => {
            // In the order of the keys, so that a message has one form.
            let entries: BTreeMap<MapKey, Proto> = entries.into_iter().collect();
            let entry = |(name, item)| Ok((value(plan, key, Proto::from(name))?, value(plan, of, item)?));
            Value::Map(entries.into_iter().map(entry).collect::<Result<_, String>>()?)
        }
        (_, Proto::Bool(value)) => Value::Boolean(value),
        (_, Proto::I32(number) | Proto::EnumNumber(number)) => Value::Int32(number),
        (_, Proto::I64(number)) => Value::Int64(number),
        (_, Proto::U32(number)) => Value::Int64(number.into()),
        // Java has no unsigned numbers: the same bits.
        (_, Proto::U64(number)) => Value::Int64(number as i64),
        (_, Proto::F32(number)) => Value::Float32(number),
        (_, Proto::F64(number)) => Value::Float64(number),
        (_, Proto::String(text)) => Value::String(Cow::Owned(text)),
        (_, Proto::Bytes(bytes)) => Value::Bytes(Cow::Owned(bytes.to_vec())),
        (_, Proto::Message(_) | Proto::List(_) | Proto::Map(_)) => {
            return Err("a value that is not of its type".to_owned());
        }
    })
}

fn fields(plan: &Plan, slots: &[Slot], mut message: DynamicMessage) -> Result<Vec<Value<'static>>, String> {
    let mut values = Vec::with_capacity(slots.len());
    for slot in slots {
        values.push(match slot {
            Slot::Field(step) => field(plan, step, &mut message)?,
            Slot::OneOf { schema, steps } => {
                match steps.iter().position(|step| message.has_field(&step.field)) {
                    None => Value::Null,
                    Some(at) => {
                        let mut members = vec![Value::Null; steps.len()];
                        members[at] = field(plan, &steps[at], &mut message)?;
                        Value::Struct(Struct { schema: schema.clone(), values: members })
                    }
                }
            }
        });
    }
    Ok(values)
}

fn field(plan: &Plan, step: &Step, message: &mut DynamicMessage) -> Result<Value<'static>, String> {
    if step.null_if_absent && !message.has_field(&step.field) {
        return Ok(Value::Null);
    }
    let taken = message.take_field(&step.field);
    let proto = taken.unwrap_or_else(|| Proto::default_value_for_field(&step.field));
    value(plan, &step.node, proto).map_err(|why| inside(step.field.name(), &why))
}

pub(super) fn inside(field: &str, why: &str) -> String {
    match why.strip_prefix("field ") {
        Some(rest) => format!("field {field}.{rest}"),
        None => format!("field {field}: {why}"),
    }
}

/// Returns a number of a well-known message; zero where it is absent.
fn int(message: &DynamicMessage, name: &str) -> i64 {
    match message.get_field_by_name(name).as_deref() {
        Some(Proto::I32(number)) => i64::from(*number),
        Some(Proto::I64(number)) => *number,
        _ => 0,
    }
}

/// Returns the days since 1970-01-01 of a date in the Gregorian calendar.
pub(super) fn days(year: i64, month: i64, day: i64) -> Option<i64> {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    let lengths = [31, if leap { 29 } else { 28 }, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];
    let length = *lengths.get(usize::try_from(month.checked_sub(1)?).ok()?)?;
    if !(1..=9999).contains(&year) || !(1..=length).contains(&day) {
        return None;
    }
    let before: i64 = lengths.iter().take(usize::try_from(month - 1).ok()?).sum();
    let past = year - 1;
    Some(past * 365 + past / 4 - past / 100 + past / 400 + before + day - 1 - 719_162)
}

#[cfg(test)]
mod tests {
    use super::days;

    #[test]
    fn days_are_counted_from_the_epoch() {
        for (date, expected) in [
            ((1970, 1, 1), Some(0)),
            ((1969, 12, 31), Some(-1)),
            ((2000, 2, 29), Some(11_016)),
            ((2024, 12, 31), Some(20_088)),
            ((1, 1, 1), Some(-719_162)),
            ((1900, 2, 29), None),
            ((2024, 13, 1), None),
            ((2024, 0, 1), None),
            ((0, 1, 1), None),
        ] {
            assert_eq!(days(date.0, date.1, date.2), expected, "{date:?}");
        }
    }
}
