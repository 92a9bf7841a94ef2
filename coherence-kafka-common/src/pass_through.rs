//! What travels on a topic in pass-through mode: one key, one form.
//!
//! Owns: taking decorations off, and refusing bytes that would harm the map they are written to. Never does:
//! change the undecorated bytes; the returned slice lies inside the given one.
//!
//! A key `0D … 15 X` and a key `15 X` are the same entry to a grid but two keys to a Kafka partitioner and to
//! a log compaction, so keys travel without `0x0D` and values without `0x12` and `0x13`.

use std::fmt;

use crate::binary::FMT_EXT;
use crate::decoration::{undecorated_key, undecorated_value};
use crate::java_format;
use crate::map::Format;
use crate::packed::DecodeError;
use crate::pof;

/// Returns the key in the form in which it travels, checked to be one that a grid can take:
///
/// - not empty; first byte `0x15` under [`Format::Pof`] and [`Format::Json`], whose serializers write it;
/// - under [`Format::Pof`] one complete POF value and no byte behind it. A grid reads the key before it stores
///   it and refuses a broken one; it ignores bytes behind it, but they make another entry, which no `get` finds;
/// - under [`Format::Json`] a payload that looks like JSON: UTF-8 that starts and ends as one JSON value does;
/// - under [`Format::Java`] one complete binary of Java's default serializer, as far as
///   [`java_format::check`] knows its forms: a grid refuses a broken key here, too.
pub fn key(binary: &[u8], format: Format) -> Result<&[u8], PassThroughError> {
    let part = Part::Key;
    let undecorated = undecorated_key(binary).map_err(|error| part.error(Fault::Decoration(error)))?;
    let prefix = binary.len() - undecorated.len();
    let payload = payload(undecorated, prefix, part, format)?;
    if format == Format::Pof {
        pof::check(payload).map_err(|error| part.error(Fault::Pof(error.behind(prefix + 1))))?;
    }
    Ok(undecorated)
}

/// Returns the value in the form in which it travels, checked to be one that does no harm:
///
/// - not empty: a grid stores an empty value, and the `get` of it never returns;
/// - first byte `0x15` with at least one byte behind it, under [`Format::Pof`] and [`Format::Json`];
/// - under [`Format::Json`] a payload that looks like JSON, and under [`Format::Java`] one complete binary, as for keys.
///   Without a first byte of its own nothing else distinguishes that form from the bytes of other programs.
///
/// POF is not checked further: a grid stores values without reading them. The serialized null `15 64` is a
/// value, of an entry that is present and holds null, as in Java. A binary that has decorations but no value
/// is refused: it is not a delete, and every reader of the entry would fail.
pub fn value(binary: &[u8], format: Format) -> Result<&[u8], PassThroughError> {
    let part = Part::Value;
    let undecorated = undecorated_value(binary)
        .map_err(|error| part.error(Fault::Decoration(error)))?
        .ok_or_else(|| part.error(Fault::NoValue))?;
    let offset = undecorated.as_ptr() as usize - binary.as_ptr() as usize;
    payload(undecorated, offset, part, format)?;
    Ok(undecorated)
}

/// What follows `0x15`, or all in the format of Java. `offset` is where `undecorated` starts in the record.
fn payload(undecorated: &[u8], offset: usize, part: Part, format: Format) -> Result<&[u8], PassThroughError> {
    match undecorated {
        [] => Err(part.error(Fault::Empty { offset })),
        [FMT_EXT, ..] if format == Format::Java => Err(part.error(Fault::OtherSerializer { offset })),
        _ if format == Format::Java => match java_format::check(undecorated) {
            Ok(()) => Ok(undecorated),
            Err(error) => Err(part.error(Fault::Java { offset, error: error.behind(offset) })),
        },
        [FMT_EXT] => Err(part.error(Fault::NoPayload { offset, format })),
        [FMT_EXT, payload @ ..] if format == Format::Pof || looks_like_json(payload) => Ok(payload),
        [FMT_EXT, ..] => Err(part.error(Fault::NotJson { offset: offset + 1 })),
        [first, ..] => Err(part.error(Fault::FormatByte { offset, first: *first, format })),
    }
}

/// Not a parser: distinguishes JSON from POF and other bytes, and most truncated JSON from whole.
fn looks_like_json(payload: &[u8]) -> bool {
    let Ok(text) = std::str::from_utf8(payload) else { return false };
    let text = text.trim_matches([' ', '\t', '\r', '\n']);
    match (text.as_bytes().first(), text.as_bytes().last()) {
        (Some(b'{'), Some(b'}')) | (Some(b'['), Some(b']')) => true,
        (Some(b'"'), Some(b'"')) => text.len() > 1,
        (Some(b'-' | b'0'..=b'9'), Some(b'0'..=b'9')) => true,
        _ => matches!(text, "true" | "false" | "null"),
    }
}

/// Which half of a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Part {
    /// The record's key.
    Key,
    /// The record's value.
    Value,
}

impl Part {
    fn error(self, fault: Fault) -> PassThroughError {
        PassThroughError { part: self, fault }
    }
}

impl fmt::Display for Part {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Part::Key => "key",
            Part::Value => "value",
        })
    }
}

/// A key or value that cannot travel in pass-through mode.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("pass-through {part} {fault}")]
pub struct PassThroughError {
    /// The half of the record that is wrong.
    pub part: Part,
    /// What is wrong with it.
    pub fault: Fault,
}

/// What is wrong in a [`PassThroughError`]. Offsets count from the start of the record's key or value.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Fault {
    /// No byte at all, or none behind the decoration.
    #[error("is empty at byte {offset}: a Coherence binary was expected")]
    Empty {
        /// Where the binary should start.
        offset: usize,
    },
    /// Another first byte than `0x15`.
    #[error(
        "starts with 0x{first:02x} at byte {offset}, 0x15 followed by {format} was expected: the topic holds no \
         Coherence binaries, or those of a map in java; check coherence.passthrough and coherence.session.format"
    )]
    FormatByte {
        /// Where the binary starts.
        offset: usize,
        /// Its first byte.
        first: u8,
        /// The serializer of the map.
        format: Format,
    },
    /// `0x15` and nothing behind it.
    #[error("ends after its format byte 0x15 at byte {offset}: {format} was expected there")]
    NoPayload {
        /// Where the binary starts.
        offset: usize,
        /// The serializer of the map.
        format: Format,
    },
    /// The wrapper around the binary cannot be read.
    #[error("has a broken decoration: {0}")]
    Decoration(DecodeError),
    /// Decorations around no value.
    #[error("has decorations but no value: a value, or null to delete the entry, was expected")]
    NoValue,
    /// The payload is not one complete POF value.
    #[error(
        "is not one complete POF value: {0}; the topic may hold entries of a map with another serializer"
    )]
    Pof(DecodeError),
    /// The first byte is `0x15`, which Java's default serializer does not write.
    #[error(
        "starts with 0x15 at byte {offset}, which no map in java holds: the topic holds entries of a map in pof or json; \
         check coherence.session.format"
    )]
    OtherSerializer {
        /// Where the binary starts.
        offset: usize,
    },
    /// Not one complete binary of Java's default serializer.
    #[error(
        "is not one complete binary of java's default serializer from byte {offset}: {error}; the topic may hold no \
         Coherence binaries, check coherence.passthrough"
    )]
    Java {
        /// Where the binary starts.
        offset: usize,
        /// What is wrong with it.
        error: DecodeError,
    },
    /// The payload does not look like JSON.
    #[error(
        "is not JSON after its format byte, at byte {offset}: the topic may hold entries of a map with another \
         serializer, such as pof"
    )]
    NotJson {
        /// Where the payload starts.
        offset: usize,
    },
}

#[cfg(test)]
mod tests {
    use super::*;

    const FIVE: [u8; 3] = [0x15, 0x41, 0x05];

    fn key_error(binary: &[u8], format: Format) -> String {
        key(binary, format).unwrap_err().to_string()
    }

    fn value_error(binary: &[u8], format: Format) -> String {
        value(binary, format).unwrap_err().to_string()
    }

    #[test]
    fn a_plain_and_a_decorated_key_are_one_key() {
        let decorated = [0x0D, 0xC2, 0xC9, 0xA1, 0xCA, 0x0F, 0x15, 0x41, 0x05];
        assert_eq!(key(&decorated, Format::Pof), Ok(&FIVE[..]));
        assert_eq!(key(&FIVE, Format::Pof), Ok(&FIVE[..]));
    }

    #[test]
    fn a_plain_and_a_decorated_value_are_one_value() {
        let stored = [0x12, 0x05, 0x03, 0x15, 0x41, 0x05, 0x03, 0x15, 0x4A, 0x00];
        assert_eq!(value(&stored, Format::Pof), Ok(&FIVE[..]));
        assert_eq!(value(&FIVE, Format::Pof), Ok(&FIVE[..]));
    }

    #[test]
    fn a_serialized_null_is_a_value_and_not_a_delete() {
        assert_eq!(value(&[0x15, 0x64], Format::Pof), Ok(&[0x15, 0x64][..]));
    }

    #[test]
    fn empty_bytes_are_refused_with_and_without_decoration() {
        assert_eq!(
            value_error(&[], Format::Pof),
            "pass-through value is empty at byte 0: a Coherence binary was expected"
        );
        assert!(key_error(&[0x0D, 0x05], Format::Pof).contains("is empty at byte 2"));
        assert!(value_error(&[0x12, 0x01, 0x00], Format::Pof).contains("is empty at byte 3"));
    }

    #[test]
    fn a_record_of_another_kind_is_refused_with_a_question() {
        assert_eq!(
            key_error(b"{\"id\":1}", Format::Pof),
            "pass-through key starts with 0x7b at byte 0, 0x15 followed by pof was expected: the topic holds no \
             Coherence binaries, or those of a map in java; check coherence.passthrough and coherence.session.format"
        );
        assert!(value_error(b"\0\0\0\0\x01", Format::Json).contains("0x00"));
        assert!(key_error(&[0x0D, 0x07, 0x0D, 0x07], Format::Pof).contains("0x0d at byte 2"));
    }

    #[test]
    fn a_format_byte_alone_is_refused() {
        assert!(value_error(&[0x15], Format::Pof).contains("pof was expected there"));
        assert!(key_error(&[0x15], Format::Json).contains("json was expected there"));
    }

    #[test]
    fn a_broken_pof_key_is_refused_at_its_byte_but_a_value_is_not_looked_into() {
        let broken = [0x0D, 0x07, 0x15, 0x4E, 0x05, 0x61];
        assert!(key_error(&broken, Format::Pof).contains("at byte 4"), "{}", key_error(&broken, Format::Pof));
        assert!(key_error(&[0x15, 0x41, 0x05, 0xFF], Format::Pof).contains("1 bytes too many"));
        assert_eq!(value(&[0x15, 0xFF], Format::Pof), Ok(&[0x15, 0xFF][..]));
    }

    #[test]
    fn a_binary_with_decorations_but_no_value_is_refused() {
        assert_eq!(value(&[0x12, 0x02, 0x01, 0x07], Format::Pof).unwrap_err().fault, Fault::NoValue);
        assert!(value_error(&[0x12, 0x01, 0x05, 0x15], Format::Pof).contains("broken decoration"));
    }

    #[test]
    fn what_does_not_look_like_json_is_refused_under_json() {
        for good in ["{}", "[1]", "\"a\"", " -1.5e3 ", "true", "null", "0"] {
            let binary = [b"\x15", good.as_bytes()].concat();
            assert_eq!(key(&binary, Format::Json), Ok(&binary[..]), "{good}");
            assert_eq!(value(&binary, Format::Json), Ok(&binary[..]), "{good}");
        }
        for bad in [&b"{"[..], b"[1}", b"\"", b"nul", b" ", b"A\x05", b"N\x01v", b"\"\xFF\""] {
            let binary = [b"\x15", bad].concat();
            assert!(key_error(&binary, Format::Json).contains("not JSON"), "{bad:?}");
            assert!(value_error(&binary, Format::Json).contains("at byte 1"), "{bad:?}");
        }
    }

    #[test]
    fn every_form_of_java_passes_without_its_decorations() {
        let serializable = [&b"\x0B\xAC\xED\x00\x05"[..], b"sr"].concat();
        for plain in [&b"\x01\x05"[..], b"\x06\x01a", b"\x11\x01", b"\x00", b"\x0A\x01C\x07", &serializable] {
            assert_eq!(key(plain, Format::Java), Ok(plain));
            assert_eq!(key(&[b"\x0D\x07", plain].concat(), Format::Java), Ok(plain));
            assert_eq!(value(plain, Format::Java), Ok(plain));
            let len = u8::try_from(plain.len()).unwrap();
            let waiting = [&[0x12, 0x05, len], plain, &[0x02, 0x11, 0x00]].concat();
            assert_eq!(value(&waiting, Format::Java), Ok(plain));
        }
    }

    #[test]
    fn other_bytes_are_no_binaries_of_java() {
        assert_eq!(
            key_error(&FIVE, Format::Java),
            "pass-through key starts with 0x15 at byte 0, which no map in java holds: the topic holds entries of a map in \
             pof or json; check coherence.session.format"
        );
        for other in [&b"text"[..], b"{\"id\":1}", b"\0\0\0\0\x07", b"\x06\x05abc", b"\x01\x05\x00"] {
            for error in [key_error(other, Format::Java), value_error(other, Format::Java)] {
                assert!(error.contains("not one complete binary of java"), "{error}");
            }
        }
        let decorated = key_error(&[0x0D, 0x07, 0x06, 0x02, 0x61], Format::Java);
        assert!(decorated.contains("from byte 2") && decorated.contains("at byte 3"), "{decorated}");
    }
}
