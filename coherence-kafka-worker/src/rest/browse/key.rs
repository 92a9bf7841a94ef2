//! A key as a reader types it.
//!
//! JSON is read as JSON: `"text"`, `7`, `{"a":1}`. Anything else is a text. What a key looks like does not show its type,
//! and a map finds it only under that type: so the binaries of all types that it may have are looked up.

use std::collections::BTreeMap;

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::map::Format;
use coherence_kafka_connect::converter::{self, Role};
use coherence_kafka_connect::data::Value;
use coherence_kafka_connect::encode::{ArrayForm, Encoder};
use serde_json::value::RawValue;

const JSON_CONVERTER: &str = "org.apache.kafka.connect.json.JsonConverter";

/// Returns the binaries that a key may have in a map of this format, each once.
///
/// # Errors
/// What is wrong with it, without its text.
pub(super) fn binaries(text: &str, format: Format) -> Result<Vec<Vec<u8>>, &'static str> {
    let text = text.trim();
    if text.is_empty() {
        return Err("the parameter key is empty: write a text, or JSON such as \"text\", 7 or {\"a\":1}");
    }
    let as_text = Value::String(text.into());
    let mut values = match json(text) {
        Some(Value::Null) => return Err("null is no key: write the text null in double quotes"),
        Some(value) => typed(value),
        None => uuid(text).into_iter().chain([as_text.clone()]).collect(),
    };
    // The keys of a StringConverter look like numbers, too.
    if !text.starts_with(['"', '{', '[']) {
        values.push(as_text);
    }
    let mut found = Vec::new();
    // A member of JSON may be written in another form than this one.
    if format == Format::Json && serde_json::from_str::<&RawValue>(text).is_ok() {
        found.push([&[FMT_EXT], text.as_bytes()].concat());
    }
    for value in values {
        for arrays in [ArrayForm::List, ArrayForm::ObjectArray] {
            let mut binary = Vec::new();
            let encoded = Encoder { format, arrays }.encode_key(value.clone(), &mut binary);
            if encoded.is_ok() && !found.contains(&binary) {
                found.push(binary);
            }
        }
    }
    Ok(found)
}

/// Reads JSON as Connect's converter does: an integer is a `Long`, an object a `Map`.
fn json(text: &str) -> Option<Value<'static>> {
    // That converter leaves what follows the first value.
    serde_json::from_str::<&RawValue>(text).ok()?;
    let options = BTreeMap::from([("schemas.enable".to_owned(), "false".to_owned())]);
    let converter = converter::create(JSON_CONVERTER, Role::Key, &options).ok()?;
    let data = converter.to_connect("", &(), Some(text.as_bytes())).ok()?;
    Some(data.value.into_owned())
}

/// Returns the value in all types that it may have.
fn typed(value: Value<'static>) -> Vec<Value<'static>> {
    match value {
        Value::Int64(number) => {
            let narrow = [
                i32::try_from(number).ok().map(Value::Int32),
                i16::try_from(number).ok().map(Value::Int16),
                i8::try_from(number).ok().map(Value::Int8),
            ];
            narrow.into_iter().flatten().chain([Value::Int64(number)]).collect()
        }
        Value::Float64(number) => vec![value, Value::Float32(number as f32)],
        Value::String(text) => uuid(&text).into_iter().chain([Value::String(text)]).collect(),
        value => vec![value],
    }
}

/// Reads the text of a UUID.
fn uuid(text: &str) -> Option<Value<'static>> {
    let parts: Vec<&str> = text.split('-').collect();
    if !parts.iter().map(|part| part.len()).eq([8, 4, 4, 4, 12]) || text.contains('+') {
        return None;
    }
    u128::from_str_radix(&parts.concat(), 16).ok().map(Value::Uuid)
}

/// Reads the binary of a key from hexadecimal digits.
pub(super) fn of_hex(digits: &str) -> Result<Vec<u8>, &'static str> {
    const WRONG: &str = "the parameter binary must have an even number of hexadecimal digits, at least two";
    if digits.is_empty() || !digits.len().is_multiple_of(2) {
        return Err(WRONG);
    }
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    digits
        .as_bytes()
        .chunks(2)
        .map(|pair| Some(digit(pair.first()?)? << 4 | digit(pair.last()?)?))
        .collect::<Option<_>>()
        .ok_or(WRONG)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pof(text: &str) -> Vec<Vec<u8>> {
        binaries(text, Format::Pof).unwrap()
    }

    fn json_texts(text: &str) -> Vec<String> {
        let all = binaries(text, Format::Json).unwrap();
        all.into_iter().map(|binary| String::from_utf8(binary[1..].to_vec()).unwrap()).collect()
    }

    fn string(text: &str) -> Vec<u8> {
        let mut binary = vec![0x15, 0x4E, u8::try_from(text.len()).unwrap()];
        binary.extend_from_slice(text.as_bytes());
        binary
    }

    #[test]
    fn a_text_is_the_same_with_quotes_and_without() {
        assert_eq!(pof("abc"), [string("abc")]);
        assert_eq!(pof(" \"abc\" "), [string("abc")]);
        assert_eq!(json_texts("abc"), ["\"abc\""]);
        assert_eq!(json_texts("\"abc\""), ["\"abc\""]);
    }

    #[test]
    fn what_only_begins_like_json_is_a_text() {
        assert_eq!(pof("7 days"), [string("7 days")]);
        assert_eq!(pof("trueish"), [string("trueish")]);
        assert_eq!(json_texts("7 days"), ["\"7 days\""]);
    }

    #[test]
    fn a_number_is_looked_up_in_every_width_and_as_text() {
        let found = pof("700");
        // Int32, int16, int64, and the text.
        for binary in [&b"\x15\x41\xBC\x0A"[..], b"\x15\x40\xBC\x0A", b"\x15\x42\xBC\x0A", &string("700")] {
            assert!(found.iter().any(|found| found == binary), "{binary:02X?} in {found:02X?}");
        }
        assert!(pof("7").contains(&vec![0x15, 0x41, 0x07]));
        assert_eq!(pof("\"700\""), [string("700")]);
        assert_eq!(json_texts("700"), ["700", "\"700\""]);
        assert_eq!(pof("1.5").len(), 3);
    }

    #[test]
    fn an_object_is_looked_up_in_its_one_form_and_in_json_also_as_it_is_written() {
        assert_eq!(pof("{\"b\":1,\"a\":2}"), pof("{ \"a\": 2, \"b\": 1 }"));
        assert_eq!(json_texts("{ \"b\":1, \"a\":2 }"), ["{ \"b\":1, \"a\":2 }", "{\"a\":2,\"b\":1}"]);
        // A list may be one of two types of POF.
        assert_eq!(pof("[1,2]").len(), 2);
    }

    #[test]
    fn a_uuid_is_looked_up_as_one_and_as_text() {
        let text = "01234567-89ab-cdef-0123-456789abcdef";
        assert_eq!(pof(text).len(), 2);
        assert_eq!(pof(&format!("\"{text}\"")).len(), 2);
        assert_eq!(pof("0123456+-89ab-cdef-0123-456789abcdef").len(), 1);
    }

    #[test]
    fn what_is_no_key_is_refused_without_its_text() {
        assert!(binaries(" ", Format::Pof).is_err());
        assert!(binaries("null", Format::Json).is_err());
        assert_eq!(pof("\"null\""), [string("null")]);
    }

    #[test]
    fn a_binary_is_read_from_hexadecimal_digits() {
        assert_eq!(of_hex("1541bC"), Ok(vec![0x15, 0x41, 0xBC]));
        for digits in ["", "1", "0g", "+1", "é"] {
            assert!(of_hex(digits).is_err(), "{digits}");
        }
    }
}
