//! The values that a key may have had before a converter wrote it and another one read it.

use uuid::Uuid;

use crate::data::Value;

/// Returns the value as it was read, and those with the types that a converter without schemas loses: of whole numbers
/// and fractions, and of text that is that of a number.
pub(super) fn forms<'v>(value: &Value<'v>) -> Vec<Value<'v>> {
    let mut forms = vec![value.clone()];
    match value {
        Value::String(text) => {
            if let Ok(number) = text.parse::<i64>()
                && number.to_string() == **text
            {
                forms.extend(integers(number));
            }
            forms.extend(Uuid::try_parse(text).map(|uuid| Value::Uuid(uuid.as_u128())));
        }
        Value::Int64(number) => forms.extend(integers(*number).into_iter().skip(1)),
        Value::Float64(number) => {
            let narrow = *number as f32;
            if f64::from(narrow) == *number {
                forms.push(Value::Float32(narrow));
            }
        }
        _ if is_container(value) => forms.push(narrowed(value)),
        _ => {}
    }
    forms
}

/// Returns whether other values are in this one.
pub(super) fn is_container(value: &Value<'_>) -> bool {
    matches!(value, Value::Array(_) | Value::Map(_) | Value::Struct(_))
}

/// Returns a number in each width that holds it, the widest first.
fn integers(number: i64) -> Vec<Value<'static>> {
    let narrower = [
        i32::try_from(number).map(Value::Int32).ok(),
        i16::try_from(number).map(Value::Int16).ok(),
        i8::try_from(number).map(Value::Int8).ok(),
    ];
    std::iter::once(Value::Int64(number)).chain(narrower.into_iter().flatten()).collect()
}

/// Returns the value with an `Integer` for each whole number that fits, as JSON clients of a grid have it.
fn narrowed<'v>(value: &Value<'v>) -> Value<'v> {
    match value {
        Value::Int64(number) => i32::try_from(*number).map_or(Value::Int64(*number), Value::Int32),
        Value::Array(items) => Value::Array(items.iter().map(narrowed).collect()),
        Value::Map(entries) => {
            Value::Map(entries.iter().map(|(key, value)| (narrowed(key), narrowed(value))).collect())
        }
        other => other.clone(),
    }
}
