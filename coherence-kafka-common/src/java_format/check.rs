//! Whether bytes are a binary of the default serializer, without making a value of them.

use super::{
    BIG_DECIMAL, BIG_INTEGER, BINARY, BOOLEAN, BYTE, BYTE_ARRAY, DOUBLE, EXTERNALIZABLE_LITE, FLOAT, INT,
    LONG, MAX_NESTED, NULL, OPTIONAL, OPTIONAL_DOUBLE, OPTIONAL_INT, OPTIONAL_LONG, SERIALIZABLE, SHORT,
    STRING, UNKNOWN, XML_BEAN, XML_SERIALIZABLE, flag, invalid,
};
use crate::packed::{Cursor, DecodeError};
use crate::pof;

/// The beginning of a stream of Java objects: magic number and version.
pub(super) const STREAM: [u8; 4] = [0xAC, 0xED, 0x00, 0x05];

/// Checks that `binary`, which bears no decorations, is one binary of the default serializer and no byte more.
///
/// An object that only Java can read is known by its beginning alone: by the name of its class, or as a stream of Java
/// objects.
pub fn check(binary: &[u8]) -> Result<(), DecodeError> {
    let mut cursor = Cursor::new(binary);
    for _ in 0..=MAX_NESTED {
        let offset = cursor.offset();
        let format = cursor.byte("the format byte")?;
        if format != OPTIONAL {
            return one(format, offset, cursor);
        }
        if !flag(&mut cursor, "an Optional")? {
            return cursor.finish("the end of the value");
        }
    }
    Err(invalid(cursor.offset(), "an Optional", "more than 64 optionals inside each other"))
}

/// Checks what follows a format byte, up to the end.
fn one(format: u8, offset: usize, mut cursor: Cursor<'_>) -> Result<(), DecodeError> {
    match format {
        NULL => {}
        INT => skip(cursor.packed_i32("an int"))?,
        LONG => skip(cursor.packed_i64("a long"))?,
        DOUBLE => skip(cursor.array::<8>("a double"))?,
        BIG_INTEGER => digits(&mut cursor, "a BigInteger")?,
        BIG_DECIMAL => {
            digits(&mut cursor, "the digits of a BigDecimal")?;
            cursor.packed_i32("the scale of a BigDecimal")?;
        }
        STRING => string(&mut cursor)?,
        BINARY => {
            let len = u32::from_be_bytes(cursor.array("the length of a Binary")?);
            cursor.take(usize::try_from(len).unwrap_or(usize::MAX), "a Binary")?;
        }
        BYTE_ARRAY => {
            let len = cursor.packed_len("the length of a byte[]")?;
            cursor.take(len, "a byte[]")?;
        }
        FLOAT => skip(cursor.array::<4>("a float"))?,
        SHORT => skip(cursor.array::<2>("a short"))?,
        BYTE => skip(cursor.byte("a byte"))?,
        BOOLEAN => skip(flag(&mut cursor, "a boolean"))?,
        OPTIONAL_INT if flag(&mut cursor, "an OptionalInt")? => skip(cursor.packed_i32("an OptionalInt"))?,
        OPTIONAL_LONG if flag(&mut cursor, "an OptionalLong")? => skip(cursor.packed_i64("an OptionalLong"))?,
        OPTIONAL_DOUBLE if flag(&mut cursor, "an OptionalDouble")? => {
            cursor.array::<8>("an OptionalDouble")?;
        }
        OPTIONAL_INT | OPTIONAL_LONG | OPTIONAL_DOUBLE => {}
        EXTERNALIZABLE_LITE => {
            // What its class writes behind its name is known to the class alone.
            let start = cursor.offset();
            let len = cursor.packed_len("the name of a class")?;
            let name = cursor.take(len, "the name of a class")?;
            if name.is_empty() || !name.iter().all(|byte| is_of_name(*byte)) {
                return Err(invalid(start, "the name of a class", "no name of a Java class"));
            }
            return Ok(());
        }
        SERIALIZABLE | UNKNOWN => {
            let start = cursor.offset();
            if cursor.array("a stream of Java objects")? != STREAM {
                return Err(invalid(start, "a stream of Java objects", "no stream of Java objects"));
            }
            return match cursor.remaining() {
                0 => skip(cursor.byte("a stream of Java objects")),
                _ => Ok(()),
            };
        }
        XML_SERIALIZABLE | XML_BEAN => return skip(cursor.byte("an object written as XML")),
        _ => return Err(invalid(offset, "the format byte", "no format that Java writes")),
    }
    cursor.finish("the end of the value")
}

fn skip<T>(read: Result<T, DecodeError>) -> Result<(), DecodeError> {
    read.map(|_| ())
}

/// A byte of the name of a Java class; other letters than those of ASCII have two bytes and more.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'$' | b'_' | b'[' | b';' | b'-' | 0x80..)
}

/// A `BigInteger` of any size, and at least one byte.
fn digits(cursor: &mut Cursor<'_>, reading: &'static str) -> Result<(), DecodeError> {
    let start = cursor.offset();
    match cursor.packed_len(reading)? {
        0 => Err(invalid(start, reading, "an integer of no bytes")),
        len => skip(cursor.take(len, reading)),
    }
}

fn string(cursor: &mut Cursor<'_>) -> Result<(), DecodeError> {
    let mut ahead = cursor.clone();
    if ahead.packed_i32("the length of a String")? == -1 {
        *cursor = ahead;
        return Ok(());
    }
    let len = cursor.packed_len("the length of a String")?;
    let offset = cursor.offset();
    match pof::Text::new(cursor.take(len, "a String")?) {
        Ok(_) => Ok(()),
        Err(malformed) => Err(invalid(offset + malformed, "a String", "malformed UTF-8")),
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::java_format::decode;

    #[test]
    fn a_number_of_any_size_is_one() {
        let wide = [&[BIG_INTEGER, 0x18][..], &[1; 24]].concat();
        assert!(decode(&wide).is_err());
        assert_eq!(check(&wide), Ok(()));
    }

    #[test]
    fn objects_of_java_are_known_by_their_beginning() {
        let serializable = [&[SERIALIZABLE][..], &STREAM, b"sr"].concat();
        assert_eq!(check(&serializable), Ok(()));
        assert_eq!(check(&[&[UNKNOWN], &serializable[1..]].concat()), Ok(()));
        assert_eq!(check(&[EXTERNALIZABLE_LITE, 0x03, b'a', b'.', b'B', 0x07]), Ok(()));
        assert_eq!(check(&[XML_BEAN, 0x01]), Ok(()));
        for (broken, offset) in [
            (&[SERIALIZABLE, 0xAC, 0xED, 0x00, 0x06, 0x70][..], 1),
            (&serializable[..5], 5),
            (&serializable[..3], 1),
            (b"\x0A\x03a B", 1),
            (b"\x0A\x00", 1),
            (b"\x0A\x03ab", 1),
            (b"\x0C", 1),
            (b"\x14", 0),
            (b"\x15\x4E\x01a", 0),
            (b"hello", 0),
            (b"\x00\x00\x00\x01", 1),
        ] {
            assert_eq!(check(broken).unwrap_err().offset, offset, "{broken:02X?}");
        }
    }

    proptest! {
        #[test]
        fn what_is_decoded_is_checked_alike(first in 0_u8..0x1A, rest in proptest::collection::vec(any::<u8>(), 0..12)) {
            let binary = [vec![first], rest].concat();
            if decode(&binary).is_ok() {
                prop_assert_eq!(check(&binary), Ok(()));
            }
        }
    }
}
