//! Keys that a grid would keep without reading them.
//!
//! Grids before 24.03 hash the bytes of a key that comes over protocol v0 and store it. One that Java cannot read breaks
//! the keys of its map for every Java client. One with a key association lands in another partition than Java puts it in:
//! Java does not find the entry, and its own becomes a second one.

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::java_format;
use coherence_kafka_common::map::Format;
use coherence_kafka_common::pof::{PofValue, check, decode};

/// Set in the first byte of a type id below 0: a type of POF itself.
const BUILT_IN: u8 = 0x40;
/// The first byte of a character outside of the basic plane in standard UTF-8, or more.
const FOUR_BYTES: u8 = 0xF0;

const BEFORE: &str = "a grid before Coherence 24.03";

/// Refuses an undecorated key that such a grid must not store. Keys in JSON are read there.
pub(crate) fn check_key(format: Format, key: &[u8]) -> Result<(), String> {
    match format {
        Format::Pof => check_pof(key),
        Format::Java => check_java(key),
        Format::Json => Ok(()),
    }
}

fn check_java(key: &[u8]) -> Result<(), String> {
    java_format::check(key).map_err(|error| {
        format!("the key is not one of Java's default serializer, and {BEFORE} stores it unread: {error}")
    })?;
    let plain = java_format::uuid(key).is_some() || java_format::date(key).is_some();
    if !plain && java_format::only_java(key).is_some() {
        return Err(of_a_class());
    }
    Ok(())
}

fn of_a_class() -> String {
    format!(
        "the key is an object of a class, and {BEFORE} ignores its key association: use keys of simple types (text, \
         numbers), or upgrade the grid"
    )
}

fn check_pof(key: &[u8]) -> Result<(), String> {
    let Some((&FMT_EXT, pof)) = key.split_first() else {
        return Err(format!("the key is not 0x15 and a POF value, and {BEFORE} stores it unread"));
    };
    check(pof).map_err(|error| {
        format!("the key is not a whole POF value, and {BEFORE} stores it unread: {error}")
    })?;
    if pof.first().is_some_and(|first| first & BUILT_IN == 0) {
        return Err(of_a_class());
    }
    // Only then may there be such a character, and finding it costs more.
    if pof.iter().any(|byte| *byte >= FOUR_BYTES) && decode(pof).is_ok_and(|value| has_supplementary(&value))
    {
        return Err(format!(
            "the key has a character outside of the basic multilingual plane, in the standard UTF-8 that {BEFORE} \
             cannot read"
        ));
    }
    Ok(())
}

fn has_supplementary(value: &PofValue) -> bool {
    match value {
        PofValue::String(text) => text.chars().any(|char| char > '\u{FFFF}'),
        PofValue::Collection(values) | PofValue::Array(values) => values.iter().any(has_supplementary),
        PofValue::Map(entries) => {
            entries.iter().any(|(key, value)| has_supplementary(key) || has_supplementary(value))
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_key_that_is_stored_unread_must_be_whole_pof_of_a_type_without_association() {
        for good in [
            b"\x15\x41\x05".as_slice(),
            b"\x15\x4e\x02k1",
            b"\x15\x4e\x00",
            // A number with bytes of the lead of four-byte text.
            b"\x15\x43\xb0\xf0\xf0\xf0\x07",
            // An emoji in modified UTF-8, as Java writes it there.
            b"\x15\x4e\x06\xed\xa0\xbd\xed\xb8\x80",
        ] {
            assert_eq!(check_key(Format::Pof, good), Ok(()), "{good:02x?}");
        }
        for (bad, why) in [
            (b"".as_slice(), "not 0x15"),
            (b"text", "not 0x15"),
            (b"\x15", "not a whole"),
            (b"\x15\xff\xff", "not a whole"),
            (b"\x15\x41\x05\xff", "not a whole"),
            // A user type without properties.
            (b"\x15\x01\x00\x40", "key association"),
            (b"\x15\x4e\x04\xf0\x9f\x98\x80", "multilingual"),
        ] {
            let refused = check_key(Format::Pof, bad).unwrap_err();
            assert!(refused.contains(why), "{bad:02x?}: {refused}");
        }
    }
    #[test]
    fn a_key_of_java_that_is_stored_unread_must_be_of_a_type_without_association() {
        let mut date = Vec::new();
        java_format::write_date(7, &mut date);
        for good in [b"\x01\x05".as_slice(), b"\x06\x02k1", &date] {
            assert_eq!(check_key(Format::Java, good), Ok(()), "{good:02x?}");
        }
        for (bad, why) in [
            (b"".as_slice(), "not one of Java"),
            (b"\x15\x41\x05", "not one of Java"),
            (b"\x01\x05\xff", "not one of Java"),
            (b"\x0a\x04Line\x01", "key association"),
            (b"\x0b\xac\xed\x00\x05sr", "key association"),
        ] {
            let refused = check_key(Format::Java, bad).unwrap_err();
            assert!(refused.contains(why), "{bad:02x?}: {refused}");
        }
    }
}
