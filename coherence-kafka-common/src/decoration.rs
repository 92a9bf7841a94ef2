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
    if mask(&mut cursor)? & 1 == 0 {
        return Ok(None);
    }
    let len = cursor.packed_len("the length of the decorated value")?;
    let start = cursor.offset();
    Ok(Some((start, cursor.take(len, "the decorated value")?)))
}

/// All decorations of a value with their ids, lowest first; the value itself is 0. None for a binary without decorations.
///
/// Bytes after them are not read: after a decoration of id 63 Java writes the lower ones once more.
pub fn decorations(binary: &[u8]) -> Result<Vec<(u8, &[u8])>, DecodeError> {
    let &[FMT_BIN_DECO | FMT_BIN_EXT_DECO, _, ..] = binary else { return Ok(Vec::new()) };
    let mut cursor = Cursor::new(binary);
    let mask = mask(&mut cursor)?;
    let mut decorations = Vec::with_capacity(mask.count_ones() as usize);
    for id in (0..64).filter(|id| mask >> id & 1 == 1) {
        let len = cursor.packed_len("the length of a decoration")?;
        decorations.push((id, cursor.take(len, "a decoration")?));
    }
    Ok(decorations)
}

/// The binary with these decorations, the value itself as 0, in rising order of id; `None` for ids that are not 0 to 63
/// or not rising. A value without others is not wrapped, unless it would be taken for another value then.
pub fn with_decorations(decorations: &[(u8, &[u8])]) -> Option<Vec<u8>> {
    if !decorations.is_sorted_by_key(|(id, _)| *id) || decorations.windows(2).any(|two| two[0].0 == two[1].0)
    {
        return None;
    }
    let &(highest, value) = decorations.last()?;
    if highest == 0 && !matches!(value, [FMT_BIN_DECO | FMT_BIN_EXT_DECO, _, ..]) {
        return Some(value.to_vec());
    }
    let mask = decorations.iter().fold(0_u64, |mask, (id, _)| mask | 1_u64.wrapping_shl(u32::from(*id)));
    let mut binary = Vec::new();
    match highest {
        0..=7 => binary.extend_from_slice(&[FMT_BIN_DECO, mask as u8]),
        8..=63 => {
            binary.push(FMT_BIN_EXT_DECO);
            packed::write_i64(&mut binary, mask as i64);
        }
        _ => return None,
    }
    for (_, decoration) in decorations {
        packed::write_i64(&mut binary, decoration.len() as i64);
        binary.extend_from_slice(decoration);
    }
    Some(binary)
}

fn mask(cursor: &mut Cursor<'_>) -> Result<u64, DecodeError> {
    Ok(match cursor.byte("the format byte")? {
        FMT_BIN_DECO => cursor.byte("the decoration mask")?.into(),
        _ => cursor.packed_i64("the decoration mask")? as u64,
    })
}

/// The key without its partition decoration, or the key itself where it bears none.
#[inline]
pub fn undecorated_key(binary: &[u8]) -> Result<&[u8], DecodeError> {
    if binary.first() != Some(&FMT_IDO) {
        return Ok(binary);
    }
    without_decoration(binary)
}

#[cold]
fn without_decoration(binary: &[u8]) -> Result<&[u8], DecodeError> {
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
    fn decorations_out_of_order_or_range_are_no_decorations() {
        assert_eq!(with_decorations(&[(2, b"b"), (1, b"a")]), None);
        assert_eq!(with_decorations(&[(1, b"b"), (1, b"a")]), None);
        assert_eq!(with_decorations(&[(64, b"a")]), None);
        assert_eq!(with_decorations(&[]), None);
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
        fn decorations_come_back(by_id in proptest::collection::btree_map(0_u8..64, proptest::prelude::any::<Vec<u8>>(), 1..6)) {
            let given: Vec<_> = by_id.iter().map(|(id, bytes)| (*id, &bytes[..])).collect();
            let binary = with_decorations(&given).unwrap();
            if given.len() > 1 || given[0].0 > 0 {
                prop_assert_eq!(decorations(&binary), Ok(given));
            }
        }

        #[test]
        fn any_bytes_are_undecorated_without_panic(bytes: Vec<u8>, first in 0x0C_u8..0x16) {
            let bytes = [vec![first], bytes].concat();
            let _ = undecorated_key(&bytes);
            let _ = undecorated_value(&bytes);
            let _ = decorations(&bytes);
        }
    }
}
