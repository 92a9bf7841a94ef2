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

/// One row: either direction.
pub fn both_ways(given: &Row<'_>) -> Checked {
    let row = &given.json;
    let part = if row["role"] == "key" { Part::Key } else { Part::Value };
    let properties: BTreeMap<String, String> = row["properties"]
        .as_object()
        .ok_or("no properties")?
        .iter()
        .map(|(name, value)| (name.clone(), value.as_str().unwrap_or_default().to_owned()))
        .collect();
    match row["serializer"].as_str() {
        Some(class) => writes(given, class, part, &properties),
        None => reads(given, row["deserializer"].as_str().ok_or("no class")?, part, &properties),
    }
}

fn writes(
    Row { json: row, differences, .. }: &Row<'_>,
    class: &str,
    part: Part,
    properties: &BTreeMap<String, String>,
) -> Checked {
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
            let told = differences.told(&subject(class, properties, None));
            same_text(told.unwrap_or_default(), "refused: supported for reading only")
        }
        (outcome, expected) => Err(format!("{outcome:?}, written {out:02x?}, expected {expected:02x?}")),
    }
}

fn reads(
    Row { json: row, differences, .. }: &Row<'_>,
    class: &str,
    part: Part,
    properties: &BTreeMap<String, String>,
) -> Checked {
    let bytes = notation::hex(row["hex"].as_str().ok_or("no hex")?);
    let outcome = deserializer(class, part, properties)
        .map_err(|error| error.to_string())
        .and_then(|found| found.deserialize("t", &[], &bytes).map_err(|error| error.to_string()));
    let subject = subject(class, properties, row["hex"].as_str());
    let here = match &outcome {
        Ok(PofValue::String(text)) => format!("reads `{}`", text.escape_debug()),
        Ok(value) => format!("reads `{value:?}`"),
        Err(error) => format!("refused: {error}"),
    };
    if let Some(told) = differences.told(&subject) {
        return same_text(told, &here);
    }
    match (outcome, value(&row["value"])) {
        (Err(_), None) => Ok(Outcome::Passed),
        (Ok(found), Some(expected)) if same(&found, &expected) => Ok(Outcome::Passed),
        (_, expected) => {
            let java = expected.map_or("refuses it".to_owned(), |expected| format!("`{expected:?}`"));
            Err(format!("not listed as a difference: | `{subject}` | {java} | {here} |"))
        }
    }
}

/// Under which a difference is listed: the class, its charset where it has one, and the bytes that are read.
fn subject(class: &str, properties: &BTreeMap<String, String>, hex: Option<&str>) -> String {
    let class = class.rsplit('.').next().unwrap_or(class);
    let setting = properties.iter().find(|(name, _)| name.ends_with("encoding"));
    let without_class =
        class == "ListDeserializer" && !properties.keys().any(|name| name.ends_with(".serde.type"));
    let setting =
        setting.map(|(_, charset)| charset.as_str()).or(without_class.then_some("without serde.type"));
    [Some(class), setting, hex].into_iter().flatten().collect::<Vec<_>>().join(" ")
}

fn same_text(told: &str, here: &str) -> Checked {
    if told == here { Ok(Outcome::Passed) } else { Err(format!("listed as {told:?}, but {here}")) }
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
