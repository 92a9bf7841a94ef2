//! Decorations: what a grid wraps around the binaries of keys and values, and how to take it off.
//!
//! Owns: the wrappers `0x0D` (keys), `0x12` and `0x13` (values). Never does: look into the binary inside, or
//! into other decorations than the value itself.
//!
//! ```text
//! 0D  packed partition hash                   key binary
//! 12  mask, 1 byte       { packed length, bytes } for each bit set, lowest first; decoration 0 is the value
//! 13  mask, packed long  { packed length, bytes } likewise
//! ```

use crate::binary::{FMT_BIN_DECO, FMT_BIN_EXT_DECO, FMT_IDO};
use crate::packed::{self, Cursor, DecodeError, Problem};

/// Wrappers inside each other that are taken off. Java reads one; deeper ones come from decorating what was
/// decorated already.
const MAX_NESTED: usize = 4;

/// The value inside a decorated binary, or the binary itself where it bears no decorations. `None` where it
/// has decorations but decoration 0, the value, is not among them.
///
/// Bytes behind the value are other decorations and are not looked at.
pub fn undecorated_value(binary: &[u8]) -> Result<Option<&[u8]>, DecodeError> {
    let mut value = binary;
    let mut start = 0;
    for _ in 0..=MAX_NESTED {
        let &[FMT_BIN_DECO | FMT_BIN_EXT_DECO, _, ..] = value else { return Ok(Some(value)) };
        let Some((offset, inner)) = decoration_0(value).map_err(|error| error.behind(start))? else {
            return Ok(None);
        };
        value = inner;
        start += offset;
    }
    let problem = Problem::Invalid("too many decorated binaries inside each other");
    Err(DecodeError { offset: start, reading: "a decorated value", problem })
}

/// Where decoration 0 starts, and its bytes.
fn decoration_0(binary: &[u8]) -> Result<Option<(usize, &[u8])>, DecodeError> {
    let mut cursor = Cursor::new(binary);
    let has_value = match cursor.byte("the format byte")? {
        FMT_BIN_DECO => cursor.byte("the decoration mask")? & 1 == 1,
        _ => cursor.packed_i64("the decoration mask")? & 1 == 1,
    };
    if !has_value {
        return Ok(None);
    }
    let len = cursor.packed_len("the length of the decorated value")?;
    let start = cursor.offset();
    Ok(Some((start, cursor.take(len, "the decorated value")?)))
}

/// The key without its partition decoration, or the key itself where it bears none.
pub fn undecorated_key(binary: &[u8]) -> Result<&[u8], DecodeError> {
    if binary.first() != Some(&FMT_IDO) {
        return Ok(binary);
    }
    let mut cursor = Cursor::new(binary);
    cursor.byte("the format byte")?;
    cursor.packed_i32("the partition decoration")?;
    Ok(cursor.rest())
}

/// The form in which a partitioned map keeps a plain key: decorated with `hash`, which is
/// [`natural_hash`](crate::binary::natural_hash) of the key unless the key is associated with another one.
pub fn int_decorated_key(key: &[u8], hash: i32) -> Vec<u8> {
    let mut binary = Vec::with_capacity(1 + packed::len_i32(hash) + key.len());
    binary.push(FMT_IDO);
    packed::write_i32(&mut binary, hash);
    binary.extend_from_slice(key);
    binary
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_value_waiting_in_write_behind_gives_the_value() {
        let stored = [0x12, 0x05, 0x03, 0x15, 0x41, 0x01, 0x03, 0x15, 0x4A, 0x00];
        assert_eq!(undecorated_value(&stored), Ok(Some(&[0x15, 0x41, 0x01][..])));
    }

    #[test]
    fn decorations_without_a_value_give_none() {
        assert_eq!(undecorated_value(&[0x12, 0x02, 0x01, 0x07]), Ok(None));
    }

    #[test]
    fn nested_decorations_come_off_up_to_a_limit() {
        let mut value = vec![0x15, 0x6E];
        for _ in 0..MAX_NESTED {
            value = [vec![0x12, 0x01, value.len() as u8], value].concat();
        }
        assert_eq!(undecorated_value(&value), Ok(Some(&[0x15, 0x6E][..])));
        let deeper = [vec![0x12, 0x01, value.len() as u8], value].concat();
        assert!(undecorated_value(&deeper).is_err());
    }

    #[test]
    fn a_truncated_inner_value_is_reported_where_it_lies() {
        let error = undecorated_value(&[0x12, 0x01, 0x03, 0x12, 0x01, 0x05]).unwrap_err();
        assert_eq!(error.offset, 5);
    }

    #[test]
    fn a_key_loses_one_partition_decoration_only() {
        assert_eq!(undecorated_key(&[0x0D, 0x0A, 0x0D, 0x0A, 0x15]), Ok(&[0x0D, 0x0A, 0x15][..]));
        assert!(undecorated_key(&[0x0D, 0x80]).is_err());
    }

    proptest! {
        #[test]
        fn a_decorated_key_gives_its_key_back(key: Vec<u8>, hash: i32) {
            let decorated = int_decorated_key(&key, hash);
            prop_assert_eq!(undecorated_key(&decorated), Ok(&key[..]));
        }

        #[test]
        fn any_bytes_are_undecorated_without_panic(bytes: Vec<u8>, first in 0x0C_u8..0x16) {
            let bytes = [vec![first], bytes].concat();
            let _ = undecorated_key(&bytes);
            let _ = undecorated_value(&bytes);
        }
    }
}
