//! The text of a value in a header, which is read back where Java reads it back.

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::temporal;
use crate::converter::java_text;
use crate::data::Value;

/// Appends the text of `value`, as `Values.convertToString` makes it in UTC. Inside an array or map, text is in quotation
/// marks. The recursion is as deep as the value, which its reader bounds.
pub(super) fn write(value: &Value<'_>, embedded: bool, out: &mut String) {
    match value {
        Value::String(text) if embedded => quoted(text, out),
        Value::String(text) => out.push_str(text),
        Value::Bytes(bytes) | Value::Pof(bytes) => {
            write(&Value::String(BASE64_STANDARD.encode(bytes).into()), embedded, out);
        }
        Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis) => {
            out.push_str(&temporal::text(*millis))
        }
        Value::Array(items) => {
            out.push('[');
            for (index, item) in items.iter().enumerate() {
                out.push_str(if index > 0 { "," } else { "" });
                write(item, true, out);
            }
            out.push(']');
        }
        Value::Map(map) => entries(map.iter().map(|(key, value)| (key, value)), out),
        Value::Struct(of) => {
            let names: Vec<_> =
                of.schema.fields().iter().map(|field| Value::String((&*field.name).into())).collect();
            // As in Java, whatever the converter's options.
            let values = of.schema.fields().iter().zip(&of.values).map(|(field, value)| match value {
                Value::Null => field.schema.default.as_ref().unwrap_or(value),
                value => value,
            });
            entries(names.iter().zip(values), out);
        }
        Value::Uuid(_) if embedded => quoted(&java_text::scalar(value).unwrap_or_default(), out),
        scalar => out.push_str(&java_text::scalar(scalar).unwrap_or_default()),
    }
}

fn entries<'v, 'a: 'v>(entries: impl Iterator<Item = (&'v Value<'a>, &'v Value<'a>)>, out: &mut String) {
    out.push('{');
    for (index, (key, value)) in entries.enumerate() {
        out.push_str(if index > 0 { "," } else { "" });
        write(key, true, out);
        out.push(':');
        write(value, true, out);
    }
    out.push('}');
}

fn quoted(text: &str, out: &mut String) {
    out.push('"');
    for c in text.chars() {
        if matches!(c, '"' | '\\') {
            out.push('\\');
        }
        out.push(c);
    }
    out.push('"');
}
