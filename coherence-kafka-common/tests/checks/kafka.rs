//! The rows of kafka-serializers: what Kafka's own serializers (4.3.1) write and read, against this crate's.

use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::registry::{deserializer, serializer};
use coherence_kafka_common::serializer::{Deserializer as _, Serializer as _};
use serde_json::Value;

use crate::notation;
use crate::tally::{Checked, Outcome, Row};

/// Bytes which Java reads otherwise, by its deserializer: a sign in a UUID; a list without the setting of its class,
/// with a last element of no bytes, with one that is cut off.
const OTHERWISE: &[(&str, &str)] = &[
    ("UUIDDeserializer", "2b312d322d332d342d35"),
    ("ListDeserializer", "01000000030000000161ffffffff00000000"),
    ("ListDeserializer", "0100000001000000056162"),
];

/// Charsets of which only what is not malformed must be the same.
const SEVERAL_BYTES: &[&str] = &["Shift_JIS", "windows-31j", "EUC-JP", "GBK", "GB18030", "Big5", "EUC-KR"];

/// One row: either direction.
pub fn both_ways(row: &Row<'_>) -> Checked {
    let row = &row.json;
    let part = if row["role"] == "key" { Part::Key } else { Part::Value };
    let properties: BTreeMap<String, String> = row["properties"]
        .as_object()
        .ok_or("no properties")?
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    match row["serializer"].as_str() {
        Some(class) => writes(row, class, part, &properties),
        None => reads(row, row["deserializer"].as_str().ok_or("no class")?, part, &properties),
    }
}

fn writes(row: &Value, class: &str, part: Part, properties: &BTreeMap<String, String>) -> Checked {
    let given = value(&row["value"]).ok_or("a value that the notation cannot say")?;
    let mut out = Vec::new();
    let outcome = serializer(class, part, properties).map_err(|error| error.to_string()).and_then(
        |serializer: Arc<dyn coherence_kafka_common::serializer::Serializer<PofValue>>| {
            let written = serializer.serialize("t", &mut Vec::new(), &given, &mut out);
            written.map_err(|error| error.to_string())
        },
    );
    let expected = row["hex"].as_str().map(notation::hex);
    match (outcome, expected) {
        (Err(_), None) => Ok(Outcome::Passed),
        (Ok(()), Some(expected)) if out == expected => Ok(Outcome::Passed),
        (Err(error), Some(_)) if error.ends_with("is supported for reading only") => {
            Ok(Outcome::Skipped("a charset that is read only"))
        }
        (outcome, expected) => Err(format!("{outcome:?}, written {out:02x?}, expected {expected:02x?}")),
    }
}

fn reads(row: &Value, class: &str, part: Part, properties: &BTreeMap<String, String>) -> Checked {
    let bytes = notation::hex(row["hex"].as_str().ok_or("no hex")?);
    let outcome = deserializer(class, part, properties)
        .map_err(|error| error.to_string())
        .and_then(|found| found.deserialize("t", &[], &bytes).map_err(|error| error.to_string()));
    let hex = row["hex"].as_str().unwrap_or_default();
    let without_class = class.ends_with("ListDeserializer")
        && !properties.keys().any(|property| property.ends_with(".serde.type"));
    if without_class || OTHERWISE.iter().any(|(of, bytes)| class.ends_with(of) && hex == *bytes) {
        return Ok(Outcome::Skipped("bytes that are read otherwise than by Java, by choice"));
    }
    let of_several_bytes = properties.values().any(|value| SEVERAL_BYTES.contains(&value.as_str()));
    if of_several_bytes && row["value"]["v"].as_str().is_some_and(|text| text.contains('\u{FFFD}')) {
        return Ok(Outcome::Skipped("bytes that are read otherwise than by Java, by choice"));
    }
    match (outcome, value(&row["value"])) {
        (Err(_), None) => Ok(Outcome::Passed),
        (Ok(found), Some(expected)) if same(&found, &expected) => Ok(Outcome::Passed),
        (outcome, expected) => Err(format!("{outcome:?}, expected {expected:?}")),
    }
}

fn same(found: &PofValue, expected: &PofValue) -> bool {
    match (found, expected) {
        (PofValue::Float32(found), PofValue::Float32(expected)) => found.to_bits() == expected.to_bits(),
        (PofValue::Float64(found), PofValue::Float64(expected)) => found.to_bits() == expected.to_bits(),
        _ => found == expected,
    }
}

/// As the notation of the other files, and UUIDs.
fn value(json: &Value) -> Option<PofValue> {
    match json["t"].as_str()? {
        "UUID" => {
            let digits: String = json["v"].as_str()?.chars().filter(|c| *c != '-').collect();
            let bits = u128::from_str_radix(&digits, 16).ok()?;
            let properties =
                vec![(0, PofValue::Int64(bits as i64)), (1, PofValue::Int64((bits >> 64) as i64))];
            Some(PofValue::User { type_id: 909, version: 0, properties })
        }
        "list" => json["v"].as_array()?.iter().map(value).collect::<Option<_>>().map(PofValue::Collection),
        _ => notation::value(json),
    }
}
