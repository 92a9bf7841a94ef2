//! Bytes that a real Coherence (CE 25.03.2 on Java 17) produced or was given, against this crate.
//!
//! Every row of the files beside this one is checked or counted as skipped with its reason. The last line tells
//! how many rows passed; the program fails if one did not.

#![allow(clippy::unwrap_used, reason = "a test program")]

use std::collections::BTreeMap;
use std::process::ExitCode;

use coherence_kafka_common::binary::{FMT_EXT, FMT_IDO, natural_hash, partition};
use coherence_kafka_common::decoration::{int_decorated_key, undecorated_key, undecorated_value};
use coherence_kafka_common::map::Format;
use coherence_kafka_common::packed::{self, Cursor, Problem};
use coherence_kafka_common::pass_through;
use coherence_kafka_common::pof::{self, PofValue, PofWriter};
use serde_json::Value;

#[path = "support/encode.rs"]
mod encode;
#[path = "support/json.rs"]
mod json;
#[path = "support/kafka.rs"]
mod kafka;
#[path = "support/notation.rs"]
mod notation;

use encode::encode;
use notation::{hex, value};

/// What Java reads and this crate refuses: file, lines, reason.
const STRICTER: &[(&str, &[usize], &str)] = &[
    ("pof-decode", &[23, 24, 25, 26, 27, 28, 108], "packed integer wider or longer than its type"),
    ("pof-decode", &[52, 53], "code point above U+10FFFF"),
    ("pof-decode", &[54], "overlong UTF-8"),
    ("pof-decode", &[59], "time zone neither none, nor UTC, nor an offset"),
    ("pof-decode", &[71, 72, 81], "code of a whole value as element type: elements of no bytes"),
    ("pof-decode", &[96], "decimal with a scale of -32768"),
    ("pof-decode", &[111, 112], "objects shared by identity and reference"),
    ("pof-decode", &[129], "bytes behind the value"),
    ("pof-malformed", &[61, 63, 155, 164, 167, 187], "string length below -1"),
    ("pof-malformed", &[88, 91], "sparse array with indexes unordered or beyond its size"),
    ("pof-malformed", &[96], "negative count of entries"),
    ("pof-malformed", &[119], "negative version"),
    ("pof-malformed", &[162, 181], "bytes behind the value"),
    ("pof-malformed", &[168], "properties ended by another number than -1"),
    ("pof-malformed", &[190], "property indexes not rising"),
];

/// What this crate reads as something else than Java does: a uniform sparse array of integers, which Java makes
/// an `int[]`, and a map with a key that occurs twice, of which Java keeps the last.
const OTHERWISE: (&str, &[usize]) = ("pof-decode", &[85, 88]);

fn main() -> ExitCode {
    let mut tally = Tally::default();
    tally.file("packed-ints", include_str!("vectors/packed-ints.jsonl"), packed_integer);
    tally.file("binary-hash", include_str!("vectors/binary-hash.jsonl"), binary_hash);
    tally.file("keys-partitions", include_str!("vectors/keys-partitions.jsonl"), key_and_partition);
    tally.file("decorated", include_str!("vectors/decorated.jsonl"), decorated);
    tally.file("int-decorated", include_str!("vectors/int-decorated.jsonl"), int_decorated);
    tally.file("pof-scalars", include_str!("vectors/pof-scalars.jsonl"), both_ways);
    tally.file("pof-strings", include_str!("vectors/pof-strings.jsonl"), both_ways);
    tally.file("pof-containers", include_str!("vectors/pof-containers.jsonl"), both_ways);
    tally.file("pof-dates", include_str!("vectors/pof-dates.jsonl"), both_ways);
    tally.file("pof-user", include_str!("vectors/pof-user.jsonl"), user_type);
    tally.file("pof-decode", include_str!("vectors/pof-decode.jsonl"), half_legal);
    tally.file("pof-malformed", include_str!("vectors/pof-malformed.jsonl"), malformed);
    tally.file("json-format", include_str!("vectors/json-format.jsonl"), |row| {
        compared(json::format_row, row)
    });
    tally.file("json-text", include_str!("vectors/json-text.jsonl"), |row| compared(json::text_row, row));
    tally.file("kafka-serializers", include_str!("vectors/kafka-serializers.jsonl"), |row| {
        compared(kafka::row, row)
    });
    tally.finish()
}

fn compared(check: fn(&Value) -> Result<bool, String>, row: &Row) -> Checked {
    Ok(match check(&row.json)? {
        true => Outcome::Passed,
        false => {
            Outcome::Skipped("a type or charset that only Java has, or reads otherwise by documented choice")
        }
    })
}

/// `Err` tells what is wrong.
type Checked = Result<Outcome, String>;

enum Outcome {
    Passed,
    Skipped(&'static str),
}

/// One line of a file.
struct Row {
    json: Value,
    /// Listed in [`STRICTER`].
    stricter: bool,
    /// Listed in [`OTHERWISE`].
    otherwise: bool,
}

#[derive(Default)]
struct Tally {
    passed: usize,
    failed: usize,
    skipped: BTreeMap<&'static str, usize>,
}

impl Tally {
    fn file(&mut self, name: &str, rows: &str, check: fn(&Row) -> Checked) {
        for (index, line) in rows.lines().enumerate() {
            let line_number = index + 1;
            let among = |(file, lines): (&str, &[usize])| file == name && lines.contains(&line_number);
            let row = Row {
                json: serde_json::from_str(line).unwrap(),
                stricter: STRICTER.iter().any(|(file, lines, _)| among((file, lines))),
                otherwise: among(OTHERWISE),
            };
            match check(&row) {
                Ok(Outcome::Passed) => self.passed += 1,
                Ok(Outcome::Skipped(reason)) => *self.skipped.entry(reason).or_default() += 1,
                Err(wrong) => {
                    self.failed += 1;
                    let start: String = line.chars().take(300).collect();
                    println!("{name} line {line_number}: {wrong}\n  {start}");
                }
            }
        }
    }

    fn finish(self) -> ExitCode {
        for (reason, count) in &self.skipped {
            println!("{count} skipped: {reason}");
        }
        let skipped: usize = self.skipped.values().sum();
        println!("vectors: {} passed, {} failed, {skipped} skipped", self.passed, self.failed);
        if self.failed == 0 { ExitCode::SUCCESS } else { ExitCode::FAILURE }
    }
}

fn text<'a>(row: &'a Row, field: &str) -> &'a str {
    row.json[field].as_str().expect("every row of a file has its fields")
}

fn bytes(row: &Row, field: &str) -> Vec<u8> {
    hex(text(row, field))
}

fn int(row: &Row, field: &str) -> i32 {
    i32::try_from(row.json[field].as_i64().unwrap()).unwrap()
}

fn same<T: PartialEq + std::fmt::Debug>(what: &str, found: T, expected: T) -> Result<(), String> {
    if found == expected { Ok(()) } else { Err(format!("{what}: {found:?}, expected {expected:?}")) }
}

fn packed_integer(row: &Row) -> Checked {
    let number: i64 = text(row, "v").parse().unwrap();
    let expected = bytes(row, "packed_long");
    let mut out = Vec::new();
    packed::write_i64(&mut out, number);
    same("write_i64", &out, &expected)?;
    out.clear();
    packed::write_i128(&mut out, i128::from(number));
    same("write_i128", &out, &expected)?;
    same("packed_i64", Cursor::new(&expected).packed_i64("a number"), Ok(number))?;
    if let Ok(number) = i32::try_from(number) {
        let expected = bytes(row, "packed_int");
        out.clear();
        packed::write_i32(&mut out, number);
        same("write_i32", &out, &expected)?;
        same("len_i32", packed::len_i32(number), expected.len())?;
        same("packed_i32", Cursor::new(&expected).packed_i32("a number"), Ok(number))?;
    }
    Ok(Outcome::Passed)
}

fn binary_hash(row: &Row) -> Checked {
    let hash = natural_hash(&bytes(row, "hex"));
    same("hash", hash, int(row, "hash"))?;
    same("partition of 257", partition(hash, 257), Some(int(row, "partition257") as u32))?;
    same("partition of 1009", partition(hash, 1009), Some(int(row, "partition1009") as u32))?;
    Ok(Outcome::Passed)
}

fn key_and_partition(row: &Row) -> Checked {
    let (plain, internal) = (bytes(row, "plain"), bytes(row, "internal"));
    let hash = int(row, "encoded_hash");
    same("natural hash", natural_hash(&plain), int(row, "natural_hash"))?;
    same("internal form", int_decorated_key(&plain, hash), internal.clone())?;
    same("plain form", undecorated_key(&internal), Ok(&plain[..]))?;
    same("partition", partition(hash, 257), Some(int(row, "partition") as u32))?;
    same("internal key on a topic", pass_through::key(&internal, Format::Pof), Ok(&plain[..]))?;
    same("plain key on a topic", pass_through::key(&plain, Format::Pof), Ok(&plain[..]))?;
    Ok(Outcome::Passed)
}

fn decorated(row: &Row) -> Checked {
    let binary = bytes(row, "hex");
    // Nested decorations come off here and stay on in Java; a decoration 0 that was replaced is the value.
    let replaced = row.json["deco_id"].as_i64() == Some(0);
    let expected = bytes(row, if replaced { "undecorated" } else { "plain" });
    same("undecorated", undecorated_value(&binary), Ok(Some(&expected[..])))?;
    same("value on a topic", pass_through::value(&binary, Format::Pof), Ok(&expected[..]))?;
    Ok(Outcome::Passed)
}

fn int_decorated(row: &Row) -> Checked {
    let (plain, binary) = (bytes(row, "removed"), bytes(row, "hex"));
    same("undecorated", undecorated_key(&binary), Ok(&plain[..]))?;
    same("decorated", int_decorated_key(&plain, int(row, "int_deco")), binary)?;
    Ok(Outcome::Passed)
}

fn both_ways(row: &Row) -> Checked {
    if !row.json["encode_error"].is_null() {
        return refused_by_writer(&row.json["value"]);
    }
    let binary = bytes(row, "bare");
    let decoded = read(&binary)?;
    // Java reads some values back as others of the same class: one NaN for all, text without lone surrogates.
    let (given, read_back) = (&row.json["value"], &row.json["decoded"]);
    let described = if read_back["t"] == given["t"] { read_back } else { given };
    if value(described).is_some_and(|described| !alike(&decoded, &described)) {
        return Err(format!("decoded {decoded:?}"));
    }
    let mut out = Vec::new();
    let to_write = value(given).filter(|_| given["utf16"].is_null());
    if to_write.is_some_and(|value| encode(&value, &mut PofWriter::new(&mut out))) {
        same("encoded", out, binary)?;
    }
    Ok(Outcome::Passed)
}

fn refused_by_writer(described: &Value) -> Checked {
    match value(described) {
        Some(PofValue::Decimal { unscaled, scale }) => {
            match PofWriter::new(&mut Vec::new()).decimal(unscaled, scale) {
                Err(_) => Ok(Outcome::Passed),
                Ok(()) => Err("written, but Java refuses it".to_owned()),
            }
        }
        _ => Ok(Outcome::Skipped("Java cannot write it, and it cannot be given to this writer")),
    }
}

/// `decode`, which `check` must agree with but for shared objects.
fn read(pof: &[u8]) -> Result<PofValue, String> {
    let (decoded, checked) = (pof::decode(pof), pof::check(pof));
    match decoded {
        Err(error) if error.problem == Problem::Shared => same("check", checked, Ok(()))?,
        _ => same("check", checked.err(), decoded.as_ref().err().copied())?,
    }
    decoded.map_err(|error| error.to_string())
}

/// Equal to the bit in floating point numbers. Java's notation does not tell the size of a sparse array.
fn alike(a: &PofValue, b: &PofValue) -> bool {
    match (a, b) {
        (PofValue::Float32(a), PofValue::Float32(b)) => a.to_bits() == b.to_bits(),
        (PofValue::Float64(a), PofValue::Float64(b)) => a.to_bits() == b.to_bits(),
        (PofValue::Float32Array(a), PofValue::Float32Array(b)) => {
            a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits()))
        }
        (PofValue::Float64Array(a), PofValue::Float64Array(b)) => {
            a.iter().map(|v| v.to_bits()).eq(b.iter().map(|v| v.to_bits()))
        }
        (PofValue::SparseArray { elements: a, .. }, PofValue::SparseArray { elements: b, .. }) => a == b,
        (PofValue::Collection(a), PofValue::Collection(b)) | (PofValue::Array(a), PofValue::Array(b)) => {
            a.len() == b.len() && a.iter().zip(b).all(|(a, b)| alike(a, b))
        }
        _ => a == b,
    }
}

fn user_type(row: &Row) -> Checked {
    if !row.json["encode_error"].is_null() {
        return Ok(Outcome::Skipped("Java cannot write it, and it cannot be given to this writer"));
    }
    let binary = bytes(row, "bare");
    let raw_array = |op: &Value| op["op"].as_str().unwrap().ends_with(" raw") && op["v"]["t"] != "null";
    if row.json["value"]["ops"].as_array().is_some_and(|ops| ops.iter().any(raw_array)) {
        return Ok(Outcome::Skipped("raw array, whose length is not in the stream"));
    }
    if text(row, "name") == "references: uniform collection, same object" {
        return Ok(Outcome::Skipped("identities in a uniform container, ambiguous to Java too"));
    }
    if pof::decode(&binary).is_err_and(|error| error.problem == Problem::Shared) {
        return match pof::check(&binary) {
            Ok(()) => {
                Ok(Outcome::Skipped("objects shared by identity and reference, checked but not decoded"))
            }
            Err(error) => Err(error.to_string()),
        };
    }
    let decoded = read(&binary)?;
    if let (Some(expected), PofValue::User { type_id, .. }) =
        (row.json["value"]["type_id"].as_u64(), &decoded)
    {
        same("type id", u64::from(*type_id), expected)?;
    }
    if let Some(written) = full_form(&row.json["value"]) {
        same("encoded", written, binary)?;
    }
    Ok(Outcome::Passed)
}

/// The bytes of the calls that a row describes, where Java writes each property in full: all that are no
/// primitives, and whatever comes first.
fn full_form(described: &Value) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    let mut writer = PofWriter::new(&mut out);
    writer.user_type(described["type_id"].as_u64()? as u32, 0);
    for (position, op) in described["ops"].as_array()?.iter().enumerate() {
        let argument = match (op["op"].as_str()?, position) {
            ("writeInt", 0) => PofValue::Int32(op["v"].as_i64()? as i32),
            ("writeShort", 0) => PofValue::Int16(op["v"].as_i64()? as i16),
            ("writeLong", 0) => PofValue::Int64(op["v"].as_str()?.parse().ok()?),
            ("writeByte", 0) => PofValue::Octet(op["v"].as_i64()? as u8),
            ("writeBoolean", 0) => PofValue::Boolean(op["v"].as_bool()?),
            ("writeDouble" | "writeFloat", 0) | ("writeObject", _) => value(&op["v"])?,
            (
                "writeString" | "writeBigInteger" | "writeBigDecimal" | "writeByteArray" | "writeBinary"
                | "writeCollection" | "writeMap" | "writeObjectArray" | "writeDate" | "writeTime",
                _,
            ) => value(&op["v"]).filter(|value| *value != PofValue::Null)?,
            _ => return None,
        };
        writer.property(op["i"].as_u64()? as u32);
        if !encode(&argument, &mut writer) {
            return None;
        }
    }
    writer.end();
    Some(out)
}

/// The POF inside a binary with whatever decorations.
fn undecorated_pof(binary: &[u8]) -> Result<&[u8], String> {
    let plain = if binary.first() == Some(&FMT_IDO) {
        undecorated_key(binary).map(Some)
    } else {
        undecorated_value(binary)
    };
    match plain.map_err(|error| error.to_string())?.ok_or("no value")? {
        [FMT_EXT, pof @ ..] => Ok(pof),
        [] => Err("empty".to_owned()),
        _ => Err(ANOTHER_FORMAT.to_owned()),
    }
}

const ANOTHER_FORMAT: &str = "another format byte";

/// Reasons of Java that lie in its classes, not in the bytes.
const FOR_ITS_CLASSES: &[&str] = &[
    "unknown user type",
    "ClassCastException",
    "unable to convert field",
    "No enum constant",
    "NullPointerException",
];

/// The value, or the outcome of the row where there is none to compare.
fn accepted_or_refused(row: &Row, binary: &[u8], java_refuses: bool) -> Result<PofValue, Checked> {
    let root_cause = row.json["root_cause"].as_str().unwrap_or_default();
    match undecorated_pof(binary).and_then(read) {
        Err(_) if java_refuses || row.stricter => Err(Ok(Outcome::Passed)),
        Err(wrong) if wrong == ANOTHER_FORMAT => Err(Ok(Outcome::Skipped("written by another serializer"))),
        Err(wrong) => Err(Err(wrong)),
        Ok(decoded) if row.stricter => Err(Err(format!("listed as refused, but decoded {decoded:?}"))),
        Ok(_) if java_refuses && FOR_ITS_CLASSES.iter().any(|reason| root_cause.contains(reason)) => {
            Err(Ok(Outcome::Skipped("well formed, refused by Java's classes")))
        }
        Ok(decoded) if java_refuses => Err(Err(format!("refused by Java, but decoded {decoded:?}"))),
        Ok(decoded) => Ok(decoded),
    }
}

fn half_legal(row: &Row) -> Checked {
    match accepted_or_refused(row, &bytes(row, "hex"), !row.json["error"].is_null()) {
        Err(settled) => settled,
        Ok(decoded) => match value(&row.json["decoded"]) {
            Some(described) if alike(&decoded, &described) == row.otherwise => {
                Err(format!("decoded {decoded:?}"))
            }
            _ => Ok(Outcome::Passed),
        },
    }
}

fn malformed(row: &Row) -> Checked {
    let binary = match row.json["hex_repeat"].as_str() {
        None => bytes(row, "hex"),
        Some(part) => {
            let count = row.json["repeat_count"].as_u64().unwrap() as usize;
            hex(&[text(row, "hex_prefix"), &part.repeat(count), text(row, "hex_suffix")].concat())
        }
    };
    match accepted_or_refused(row, &binary, row.json["accepted"] == false) {
        Err(settled) => settled,
        Ok(_) => Ok(Outcome::Passed),
    }
}
