//! The examples of `docs/binary-format.md`: each line of each block of bytes, read and written.
//!
//! ```text
//! A = B   the bytes A mean B, and B is written as A        A ~     A is a whole value
//! A > B   the bytes A are read as B                        A ! B   A is refused with an error that holds B
//! ```

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test, its helpers included")]

use coherence_kafka_common::binary::{FMT_EXT, natural_hash, partition};
use coherence_kafka_common::decoration::{int_decorated_key, undecorated_key, undecorated_value};
use coherence_kafka_common::java_format;
use coherence_kafka_common::map::Format;
use coherence_kafka_common::packed::{self, Cursor};
use coherence_kafka_common::pass_through;
use coherence_kafka_common::pof::{self, PofReader, PofValue, PofWriter};
use coherence_kafka_common::serializer::json::JsonValueSerde;
use coherence_kafka_common::serializer::{Deserializer as _, Serializer as _};

const DOCUMENT: &str = include_str!("../../docs/binary-format.md");
const PARTITIONS: u32 = 257;

/// What reading an example gives: its meaning and, where this crate writes such things, the bytes written from it.
type Read = Result<(String, Option<Vec<u8>>), String>;

type Reader = fn(&[u8]) -> Read;

/// How a kind of block is read: the words behind ```` ```hex ````.
const KINDS: &[(&str, Reader)] = &[
    ("packed", packed_integer),
    ("hash", hash),
    ("key", key),
    ("value", value),
    ("pass-through key pof", |bytes| passed(pass_through::key(bytes, Format::Pof))),
    ("pass-through value pof", |bytes| passed(pass_through::value(bytes, Format::Pof))),
    ("pass-through key java", |bytes| passed(pass_through::key(bytes, Format::Java))),
    ("pass-through value java", |bytes| passed(pass_through::value(bytes, Format::Java))),
    ("java", java),
    ("pof", pof_value),
    ("pof resolving", resolved),
    ("json", json),
    ("json value", json_value),
];

fn packed_integer(bytes: &[u8]) -> Read {
    let mut cursor = Cursor::new(bytes);
    let number = cursor.packed_i32("a number").map_err(|error| error.to_string())?;
    assert_eq!(cursor.remaining(), 0, "bytes behind {number}");
    let mut written = Vec::new();
    packed::write_i32(&mut written, number);
    Ok((number.to_string(), Some(written)))
}

fn hash(bytes: &[u8]) -> Read {
    let hash = natural_hash(bytes);
    let partition = partition(hash, PARTITIONS).unwrap();
    Ok((format!("{hash}, partition {partition} of {PARTITIONS}"), Some(bytes.to_vec())))
}

fn key(bytes: &[u8]) -> Read {
    let plain = undecorated_key(bytes).map_err(|error| error.to_string())?;
    Ok((hex(plain), Some(int_decorated_key(plain, natural_hash(plain)))))
}

fn value(bytes: &[u8]) -> Read {
    let plain = undecorated_value(bytes).map_err(|error| error.to_string())?;
    Ok((plain.map_or_else(|| "no value".to_owned(), hex), None))
}

fn passed(plain: Result<&[u8], pass_through::PassThroughError>) -> Read {
    plain.map(|plain| (hex(plain), None)).map_err(|error| error.to_string())
}

fn pof_value(bytes: &[u8]) -> Read {
    let payload = bytes.strip_prefix(&[FMT_EXT]).expect("an example of POF starts with 15");
    let value = pof::decode(payload).map_err(|error| error.to_string())?;
    let mut written = vec![FMT_EXT];
    let complete = PofWriter::new(&mut written).value(&value).is_ok();
    Ok((format!("{value:?}"), complete.then_some(written)))
}

fn resolved(bytes: &[u8]) -> Read {
    let value = PofReader::resolving(&bytes[1..]).and_then(|mut reader| reader.value());
    value.map(|value| (format!("{value:?}"), None)).map_err(|error| error.to_string())
}

fn java(bytes: &[u8]) -> Read {
    let value = java_format::value_from_binary(bytes).map_err(|error| error.to_string())?;
    Ok((format!("{value:?}"), java_format::encode(&value).ok()))
}

fn json_value(bytes: &[u8]) -> Read {
    let value: PofValue = JsonValueSerde.deserialize("", &[], bytes).map_err(|error| error.to_string())?;
    let mut written = Vec::new();
    let complete = JsonValueSerde.serialize("", &mut Vec::new(), &value, &mut written).is_ok();
    Ok((format!("{value:?}"), complete.then_some(written)))
}

fn json(bytes: &[u8]) -> Read {
    let binary = pass_through::value(bytes, Format::Json).map_err(|error| error.to_string())?;
    let value: serde_json::Value = serde_json::from_slice(&binary[1..]).unwrap();
    let text = value.to_string();
    Ok((text.clone(), Some([&[FMT_EXT], text.as_bytes()].concat())))
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02X}")).collect::<Vec<_>>().join(" ")
}

/// The bytes at the start of a line, the sign behind them, and what follows it.
fn parts(line: &str) -> (Vec<u8>, char, &str) {
    let at = line.find(['=', '>', '~', '!']).unwrap_or_else(|| panic!("no sign in {line:?}"));
    let bytes = line[..at].split_whitespace().map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect();
    let mut rest = line[at..].chars();
    (bytes, rest.next().unwrap(), rest.as_str().trim())
}

fn wrong(kind: &str, read: Reader, line: &str) -> Option<String> {
    let (bytes, sign, meaning) = parts(line);
    match (sign, read(&bytes)) {
        ('=' | '>', Ok((found, _))) if found != meaning => Some(format!("is read as {found}")),
        ('=', Ok((_, None))) => Some("cannot be written".to_owned()),
        ('=', Ok((_, Some(written)))) if written != bytes => Some(format!("is written as {}", hex(&written))),
        ('>', Ok((_, Some(written)))) if written == bytes => Some("is written so, too".to_owned()),
        ('=' | '>', Ok(_)) => None,
        ('!', Err(error)) => (!error.contains(meaning)).then_some(error),
        ('!', Ok((found, _))) => Some(format!("is read as {found}")),
        ('~', _) if kind == "pof" => pof::check(&bytes[1..]).err().map(|error| error.to_string()),
        (_, Ok((found, _))) => Some(format!("is read as {found}")),
        (_, Err(error)) => Some(error),
    }
}

#[test]
fn every_example_of_the_document_means_what_it_says() {
    let mut lines = DOCUMENT.lines();
    let mut examples = vec![0; KINDS.len()];
    let mut broken = Vec::new();
    while let Some(line) = lines.next() {
        let Some(kind) = line.strip_prefix("```hex ") else { continue };
        let index = KINDS.iter().position(|(name, _)| *name == kind);
        let index = index.unwrap_or_else(|| panic!("nobody knows how to read {kind}"));
        for line in lines.by_ref().take_while(|line| *line != "```") {
            examples[index] += 1;
            broken.extend(wrong(kind, KINDS[index].1, line).map(|what| format!("{line}\n    {what}")));
        }
    }
    assert!(broken.is_empty(), "{} wrong:\n{}", broken.len(), broken.join("\n"));
    for ((kind, _), count) in KINDS.iter().zip(examples) {
        assert!(count > 0, "no example of {kind}");
    }
}
