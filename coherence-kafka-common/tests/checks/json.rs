//! The rows of json-format and json-text: what Java's JSON serializer writes and reads, against this crate's.

use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::json::JsonValueSerde;
use coherence_kafka_common::serializer::{Deserializer, Serializer};
use serde_json::Value;

use crate::differences::Here;
use crate::notation;
use crate::tally::{Checked, Outcome, Row};

/// One row of json-format: bytes both ways.
pub fn as_binary(given: &Row<'_>) -> Checked {
    let row = &given.json;
    if !row["encode_error"].is_null() {
        return refused(&row["value"]);
    }
    let binary = notation::hex(row["hex"].as_str().ok_or("no hex")?);
    let text = std::str::from_utf8(&binary[1..]).map_err(|error| error.to_string())?;
    both_ways(given, text, Some(&row["decoded"]))
}

/// One row of json-text: the text alone.
pub fn as_text(given: &Row<'_>) -> Checked {
    let row = &given.json;
    match row["json_text"].as_str() {
        Some(text) => both_ways(given, text, None),
        None => refused(&row["value"]),
    }
}

/// Java cannot write it, and neither can this crate where it knows the type at all.
fn refused(given: &Value) -> Checked {
    let Some(value) = notation::value(given) else {
        return Ok(Outcome::Skipped("a type that only Java has"));
    };
    match written(&value) {
        Err(_) => Ok(Outcome::Passed),
        Ok(_) => Err("written, but Java refuses it".to_owned()),
    }
}

fn both_ways(row: &Row<'_>, text: &str, decoded: Option<&Value>) -> Checked {
    let given = &row.json["value"];
    let binary = [b"\x15", text.as_bytes()].concat();
    // The tree holds whatever JSON there is.
    let tree: Value = read(&binary)?;
    let mut again = Vec::new();
    let serialized = JsonValueSerde.serialize("t", &mut Vec::new(), &tree, &mut again);
    serialized.map_err(|error| error.to_string())?;
    if read::<Value>(&again)? != tree {
        return Err(format!("the tree came back otherwise: {tree}"));
    }
    let kind = given["t"].as_str().unwrap_or_default();
    // Values of Java's classes that are POF types too.
    let described = match kind {
        "UUID" | "Date" | "Timestamp" => None,
        _ => notation::value(given),
    };
    if let Some(value) = &described {
        // The notation does not tell maps of one kind from those of another.
        if !matches!(kind, "linkedmap" | "treemap") {
            let ours = written(value)?;
            if ours != binary {
                return Err(format!("written {}", String::from_utf8_lossy(&ours[1..])));
            }
        }
    }
    let read_back = match decoded {
        Some(same) if same == "same" => described,
        Some(other) => notation::value(other),
        None => None,
    };
    if let Some(expected) = read_back {
        let found: PofValue = read(&binary)?;
        // Java's reader makes a list of what was an array.
        let alike = match (&found, &expected) {
            (PofValue::Collection(found), PofValue::Array(expected)) => found == expected,
            _ if row.differences.here(&format!("JSON {text}")) == Here::Otherwise => found != expected,
            (PofValue::Float64(found), PofValue::Float64(expected)) => found.to_bits() == expected.to_bits(),
            (found, expected) => found == expected,
        };
        if !alike {
            return Err(format!("read {found:?}, expected {expected:?}"));
        }
    }
    Ok(Outcome::Passed)
}

fn written(value: &PofValue) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let serialized = JsonValueSerde.serialize("t", &mut Vec::new(), value, &mut out);
    serialized.map(|()| out).map_err(|error| error.to_string())
}

fn read<T>(binary: &[u8]) -> Result<T, String>
where
    JsonValueSerde: Deserializer<T>,
{
    JsonValueSerde.deserialize("t", &[], binary).map_err(|error| error.to_string())
}
