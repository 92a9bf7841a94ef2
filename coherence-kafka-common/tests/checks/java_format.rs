//! Binaries of Java's default serializer.

use coherence_kafka_common::java_format::{decode, encode, value_from_binary};
use coherence_kafka_common::pof::PofValue;
use serde_json::Value;

use crate::notation::{alike, value};
use crate::tally::{Checked, Outcome, Row, same};

/// Reads a row's `hex` and writes it again; forms that only Java can read must be refused.
pub fn both_ways(row: &Row<'_>) -> Checked {
    let binary = row.bytes("hex");
    let decoded = decode(&binary);
    let refused = value_from_binary(&binary).is_err();
    same("refused by value_from_binary", refused, decoded.is_err())?;
    let Some(expected) = described(&row.json["value"]).filter(|_| !only_java_can_read(&binary)) else {
        return match decoded {
            Err(_) => Ok(Outcome::Passed),
            Ok(decoded) => Err(format!("listed as refused, but decoded {decoded:?}")),
        };
    };
    let decoded = decoded.map_err(|error| error.to_string())?;
    if !alike(&decoded, &expected) {
        return Err(format!("decoded {decoded:?}, expected {expected:?}"));
    }
    same("encoded", encode(&expected).map_err(|error| error.to_string())?, binary)?;
    Ok(Outcome::Passed)
}

fn only_java_can_read(binary: &[u8]) -> bool {
    matches!(binary[0], 0x09..=0x0C | 0xFF)
}

/// The value of a row; `None` for a `BigInteger` of more than 128 bits.
fn described(json: &Value) -> Option<PofValue> {
    let (type_id, present) = match json["t"].as_str()? {
        "Optional" if json["v"].is_null() => (903, None),
        "Optional" => (903, Some(value(&json["v"])?)),
        "OptionalInt" => (904, in_brackets(json).map(|number| PofValue::Int32(number.parse().unwrap()))),
        "OptionalLong" => (905, in_brackets(json).map(|number| PofValue::Int64(number.parse().unwrap()))),
        "OptionalDouble" => (906, in_brackets(json).map(|number| PofValue::Float64(number.parse().unwrap()))),
        _ => return value(json),
    };
    let flag = (0, PofValue::Boolean(present.is_some()));
    let properties = std::iter::once(flag).chain(present.map(|value| (1, value))).collect();
    Some(PofValue::User { type_id, version: 0, properties })
}

/// The number in `OptionalInt[5]`; `None` for `OptionalInt.empty`.
fn in_brackets(json: &Value) -> Option<&str> {
    json["v"].as_str()?.split_once('[')?.1.strip_suffix(']')
}
