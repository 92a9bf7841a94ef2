//! Packed integers, hashes, and the wrappers around binaries.

use coherence_kafka_common::binary::{natural_hash, partition};
use coherence_kafka_common::decoration::{
    decorations, int_decorated_key, undecorated_key, undecorated_value, with_decorations,
};
use coherence_kafka_common::map::Format;
use coherence_kafka_common::packed::{self, Cursor};
use coherence_kafka_common::pass_through;

use crate::differences::Here;
use crate::notation;
use crate::tally::{Checked, Outcome, Row, same};
use crate::values;

pub fn packed_integer(row: &Row<'_>) -> Checked {
    let number: i64 = row.text("v").parse().unwrap();
    let expected = row.bytes("packed_long");
    let mut out = Vec::new();
    packed::write_i64(&mut out, number);
    same("write_i64", &out, &expected)?;
    out.clear();
    packed::write_i128(&mut out, i128::from(number));
    same("write_i128", &out, &expected)?;
    same("packed_i64", Cursor::new(&expected).packed_i64("a number"), Ok(number))?;
    if let Ok(number) = i32::try_from(number) {
        let expected = row.bytes("packed_int");
        out.clear();
        packed::write_i32(&mut out, number);
        same("write_i32", &out, &expected)?;
        same("len_i32", packed::len_i32(number), expected.len())?;
        same("packed_i32", Cursor::new(&expected).packed_i32("a number"), Ok(number))?;
    }
    Ok(Outcome::Passed)
}

pub fn binary_hash(row: &Row<'_>) -> Checked {
    let hash = natural_hash(&row.bytes("hex"));
    same("hash", hash, row.int("hash"))?;
    same("partition of 257", partition(hash, 257), Some(row.int("partition257") as u32))?;
    same("partition of 1009", partition(hash, 1009), Some(row.int("partition1009") as u32))?;
    Ok(Outcome::Passed)
}

pub fn key_and_partition(row: &Row<'_>) -> Checked {
    let (plain, internal) = (row.bytes("plain"), row.bytes("internal"));
    let hash = row.int("encoded_hash");
    values::written_and_read(&row.json["key"], &plain[1..], row)?;
    same("natural hash", natural_hash(&plain), row.int("natural_hash"))?;
    same("internal form", int_decorated_key(&plain, hash), internal.clone())?;
    same("plain form", undecorated_key(&internal), Ok(&plain[..]))?;
    same("partition", partition(hash, 257), Some(row.int("partition") as u32))?;
    same("internal key on a topic", pass_through::key(&internal, Format::Pof), Ok(&plain[..]))?;
    same("plain key on a topic", pass_through::key(&plain, Format::Pof), Ok(&plain[..]))?;
    Ok(Outcome::Passed)
}

pub fn decorated(row: &Row<'_>) -> Checked {
    let binary = row.bytes("hex");
    // Nested decorations come off here and stay on in Java; a decoration 0 that was replaced is the value.
    let replaced = row.json["deco_id"].as_i64() == Some(0);
    let expected = row.bytes(if replaced { "undecorated" } else { "plain" });
    same("undecorated", undecorated_value(&binary), Ok(Some(&expected[..])))?;
    same("value on a topic", pass_through::value(&binary, Format::Pof), Ok(&expected[..]))?;
    let (plain, other) = (row.bytes("plain"), row.json["deco"].as_str().map(notation::hex));
    let expiry = row.json["expiry"].as_i64();
    let written = if let (Some(id), Some(other)) = (row.json["deco_id"].as_u64(), &other) {
        match id {
            0 => with_decorations(&[(0, other)]),
            id => with_decorations(&[(0, &plain), (id as u8, other)]),
        }
    } else if let Some(expiry) = expiry {
        // 0 is the default of the map, and what is negative means never.
        match expiry {
            0 => with_decorations(&[(0, &plain)]),
            _ => with_decorations(&[(0, &plain), (1, &expiry.max(-1).to_be_bytes())]),
        }
    } else {
        let all = decorations(&binary).map_err(|error| error.to_string())?;
        if all.is_empty() { Some(plain) } else { with_decorations(&all) }
    };
    match row.differences.here(row.text("hex")) {
        Here::AsJava => same("written", written, Some(binary.clone()))?,
        _ => same("written", written.is_some_and(|written| binary.starts_with(&written)), true)?,
    }
    if !replaced && !row.json["value"].is_null() {
        values::written_and_read(&row.json["value"], &expected[1..], row)?;
    }
    Ok(Outcome::Passed)
}

pub fn int_decorated(row: &Row<'_>) -> Checked {
    let (plain, binary) = (row.bytes("removed"), row.bytes("hex"));
    values::written_and_read(&row.json["value"], &plain[1..], row)?;
    same("undecorated", undecorated_key(&binary), Ok(&plain[..]))?;
    same("decorated", int_decorated_key(&plain, row.int("int_deco")), binary)?;
    Ok(Outcome::Passed)
}
