//! Packed integers, and the cursor through which every decoder of this crate reads.
//!
//! Owns: the variable-length integer of Coherence's binary forms, and bounds checks. Never does: meaning. What
//! the integers and bytes stand for is the business of the decoder that reads them.
//!
//! ```text
//! byte 0   C S d d d d d d    C = another byte follows, S = negative, 6 least significant bits
//! byte k   C d d d d d d d    7 bits more
//! n >= 0 is held as n, n < 0 as !n: one's complement, neither zig-zag nor two's complement
//! ```
//!
//! One form serves 16, 32, 64 and 128 bits; the width is not on the wire.

/// Appends `value` in its shortest form: 1 to 5 bytes.
#[inline]
pub fn write_i32(out: &mut Vec<u8>, value: i32) {
    write_i64(out, i64::from(value));
}

/// Appends `value` in its shortest form: 1 to 10 bytes.
#[inline]
pub fn write_i64(out: &mut Vec<u8>, value: i64) {
    let sign = (value >> 63) as u8 & SIGN;
    let mut rest = (value ^ (value >> 63)) as u64;
    if rest < 0x40 {
        out.push(sign | rest as u8);
        return;
    }
    let mut bytes = [0; MAX_LEN_64];
    bytes[0] = MORE | sign | (rest & 0x3F) as u8;
    rest >>= 6;
    let mut len = 1;
    while rest >= 0x80 {
        bytes[len] = MORE | (rest & 0x7F) as u8;
        rest >>= 7;
        len += 1;
    }
    bytes[len] = rest as u8;
    out.extend_from_slice(&bytes[..=len]);
}

/// Appends `value` in its shortest form: 1 to 19 bytes.
pub fn write_i128(out: &mut Vec<u8>, value: i128) {
    let mut rest = (value ^ (value >> 127)) as u128;
    let mut byte = (value >> 127) as u8 & SIGN | (rest & 0x3F) as u8;
    rest >>= 6;
    while rest != 0 {
        out.push(MORE | byte);
        byte = (rest & 0x7F) as u8;
        rest >>= 7;
    }
    out.push(byte);
}

/// Length in bytes of what [`write_i32`] appends.
#[inline]
pub fn len_i32(value: i32) -> usize {
    let magnitude = (value ^ (value >> 31)) as u32;
    if magnitude < 0x40 { 1 } else { (39 - magnitude.leading_zeros() as usize) / 7 }
}

const MORE: u8 = 0x80;
const SIGN: u8 = 0x40;
const MAX_LEN_64: usize = 10;

/// Why bytes are not what they should be, and where.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{problem}, reading {reading} at byte {offset}")]
pub struct DecodeError {
    /// Where the item starts that could not be read, counted from the start of the decoder's input.
    pub offset: usize,
    /// The item that was being read.
    pub reading: &'static str,
    /// What is wrong with it.
    pub problem: Problem,
}

impl DecodeError {
    /// The same error for an input that had `prefix` bytes in front of what the decoder was given.
    pub(crate) fn behind(mut self, prefix: usize) -> Self {
        self.offset += prefix;
        self
    }
}

/// What is wrong in a [`DecodeError`]. Never holds bytes of the input.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// The input ends inside the item.
    #[error("{needed} bytes needed and {remaining} left")]
    Truncated {
        /// Bytes that the item takes at least.
        needed: usize,
        /// Bytes that the input has left.
        remaining: usize,
    },
    /// A packed integer with more bytes, or higher bits, than its width allows.
    #[error("packed integer does not fit {bits} bits")]
    TooWide {
        /// Width of the integer.
        bits: u32,
    },
    /// A length or a count below zero.
    #[error("negative length")]
    NegativeLength,
    /// More elements announced than the remaining bytes can hold.
    #[error("{count} elements announced and {remaining} bytes left")]
    TooMany {
        /// Elements announced.
        count: usize,
        /// Bytes that the input has left.
        remaining: usize,
    },
    /// Bytes behind the end of the value.
    #[error("{count} bytes too many")]
    Trailing {
        /// Bytes left over.
        count: usize,
    },
    /// A POF value in which objects are shared by identity and reference, to a reader that does not resolve them.
    #[error("objects shared by identity and reference, which are not resolved here")]
    Shared,
    /// A POF value of a type that cannot become what was asked for.
    #[error("a value of POF type {type_id} cannot be read so")]
    Conversion {
        /// The type of the value; below zero for the types of POF itself.
        type_id: i32,
    },
    /// A number that the type asked for cannot hold, where Java would cut it.
    #[error("number does not fit the type it is read as")]
    OutOfRange,
    /// Anything else that the grammar forbids.
    #[error("{0}")]
    Invalid(&'static str),
}

/// A position in bytes that can be read only as far as they go.
///
/// `reading` in its methods names the item for the error.
#[derive(Debug, Clone)]
pub struct Cursor<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Cursor<'a> {
    /// Creates a cursor at the start of `bytes`.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, offset: 0 }
    }

    /// Bytes read so far.
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Bytes not read yet.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.offset
    }

    /// Returns the bytes not read yet.
    pub fn rest(&self) -> &'a [u8] {
        &self.bytes[self.offset..]
    }

    /// Goes to `offset`, or to the end if it lies beyond.
    pub(crate) fn seek(&mut self, offset: usize) {
        self.offset = offset.min(self.bytes.len());
    }

    /// Returns the bytes from one offset to another; none if there are none.
    pub(crate) fn between(&self, start: usize, end: usize) -> &'a [u8] {
        self.bytes.get(start..end).unwrap_or_default()
    }

    /// Reads the next `len` bytes.
    #[inline]
    pub fn take(&mut self, len: usize, reading: &'static str) -> Result<&'a [u8], DecodeError> {
        let Some(taken) = self.rest().get(..len) else {
            let problem = Problem::Truncated { needed: len, remaining: self.remaining() };
            return Err(DecodeError { offset: self.offset, reading, problem });
        };
        self.offset += len;
        Ok(taken)
    }

    /// Reads the next `N` bytes.
    #[inline]
    pub fn array<const N: usize>(&mut self, reading: &'static str) -> Result<[u8; N], DecodeError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N, reading)?);
        Ok(array)
    }

    /// Reads the next byte.
    #[inline]
    pub fn byte(&mut self, reading: &'static str) -> Result<u8, DecodeError> {
        self.array::<1>(reading).map(|[byte]| byte)
    }

    /// Reads a packed integer of 32 bits. Longer forms than the shortest are taken, up to 5 bytes.
    #[inline]
    pub fn packed_i32(&mut self, reading: &'static str) -> Result<i32, DecodeError> {
        self.packed(32, reading).map(|value| value as i32)
    }

    /// Reads a packed integer of 64 bits. Longer forms than the shortest are taken, up to 10 bytes.
    #[inline]
    pub fn packed_i64(&mut self, reading: &'static str) -> Result<i64, DecodeError> {
        self.packed(64, reading).map(|value| value as i64)
    }

    /// Reads a packed integer of 128 bits. Longer forms than the shortest are taken, up to 19 bytes.
    pub fn packed_i128(&mut self, reading: &'static str) -> Result<i128, DecodeError> {
        self.packed(128, reading)
    }

    /// Reads a packed length in bytes that the rest of the input can hold.
    #[inline]
    pub fn packed_len(&mut self, reading: &'static str) -> Result<usize, DecodeError> {
        let start = self.offset;
        let len = self.packed_i32(reading)?;
        let remaining = self.remaining();
        match usize::try_from(len) {
            Ok(len) if len <= remaining => Ok(len),
            Ok(needed) => {
                Err(DecodeError { offset: start, reading, problem: Problem::Truncated { needed, remaining } })
            }
            Err(_) => Err(DecodeError { offset: start, reading, problem: Problem::NegativeLength }),
        }
    }

    /// Reads a packed count of elements that take at least `min_len` bytes each, as many as the rest can hold.
    pub fn packed_count(&mut self, min_len: usize, reading: &'static str) -> Result<usize, DecodeError> {
        let start = self.offset;
        let count = self.packed_i32(reading)?;
        let remaining = self.remaining();
        match usize::try_from(count) {
            Ok(count) if count <= remaining / min_len => Ok(count),
            Ok(count) => {
                Err(DecodeError { offset: start, reading, problem: Problem::TooMany { count, remaining } })
            }
            Err(_) => Err(DecodeError { offset: start, reading, problem: Problem::NegativeLength }),
        }
    }

    /// Refuses an input that is not read to its end.
    pub fn finish(&self, reading: &'static str) -> Result<(), DecodeError> {
        match self.remaining() {
            0 => Ok(()),
            count => Err(DecodeError { offset: self.offset, reading, problem: Problem::Trailing { count } }),
        }
    }

    /// Java's readers let shift counts wrap, so that over-long forms read as other numbers. Two forms of the
    /// same number are two keys to a grid; a form that only Java's wrapping can read is refused.
    #[inline]
    fn packed(&mut self, bits: u32, reading: &'static str) -> Result<i128, DecodeError> {
        let start = self.offset;
        let mut byte = self.byte(reading)?;
        let sign = if byte & SIGN == 0 { 0 } else { -1 };
        if byte & MORE == 0 {
            return Ok(i128::from(byte & 0x3F) ^ sign);
        }
        let mut magnitude = u128::from(byte & 0x3F);
        let mut shift = 6;
        while byte & MORE != 0 {
            byte = self.byte(reading).map_err(|error| DecodeError { offset: start, ..error })?;
            let group = u128::from(byte & 0x7F);
            let room = (bits - 1).saturating_sub(shift);
            if room == 0 || room < 7 && group >> room != 0 {
                return Err(DecodeError { offset: start, reading, problem: Problem::TooWide { bits } });
            }
            magnitude |= group << shift;
            shift += 7;
        }
        Ok(magnitude as i128 ^ sign)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn hex(text: &str) -> Vec<u8> {
        text.split(' ').map(|byte| u8::from_str_radix(byte, 16).unwrap()).collect()
    }

    fn read(text: &str) -> Result<i32, Problem> {
        Cursor::new(&hex(text)).packed_i32("a number").map_err(|error| error.problem)
    }

    #[test]
    fn the_widest_integers_take_five_ten_and_nineteen_bytes() {
        for (value, len) in [(i128::from(i32::MIN), 5), (i128::from(i64::MIN), 10), (i128::MIN, 19)] {
            let mut out = Vec::new();
            write_i128(&mut out, value);
            assert_eq!(out.len(), len);
            assert_eq!(Cursor::new(&out).packed_i128("a number"), Ok(value));
        }
    }

    #[test]
    fn a_longer_form_is_taken_but_not_a_longer_one_than_the_width() {
        assert_eq!(read("85 00"), Ok(5));
        assert_eq!(read("85 80 80 80 00"), Ok(5));
        assert_eq!(read("85 80 80 80 80 00"), Err(Problem::TooWide { bits: 32 }));
        assert_eq!(read("FF FF FF FF 0F"), Ok(i32::MIN));
        assert_eq!(read("FF FF FF FF 1F"), Err(Problem::TooWide { bits: 32 }));
    }

    #[test]
    fn an_error_points_at_the_start_of_the_integer() {
        let mut cursor = Cursor::new(&[0x05, 0x80, 0x80]);
        cursor.byte("a byte").unwrap();
        let error = cursor.packed_i32("a count").unwrap_err();
        assert_eq!(error.to_string(), "1 bytes needed and 0 left, reading a count at byte 1");
    }

    #[test]
    fn a_length_beyond_the_input_is_refused_before_anything_is_taken() {
        let bytes = hex("BF FF FF FF 0F 00");
        let problem = Cursor::new(&bytes).packed_len("a length").unwrap_err().problem;
        assert_eq!(problem, Problem::Truncated { needed: i32::MAX as usize, remaining: 1 });
        let problem = Cursor::new(&[0x40]).packed_len("a length").unwrap_err().problem;
        assert_eq!(problem, Problem::NegativeLength);
    }

    proptest! {
        #[test]
        fn every_integer_comes_back(value: i128, shift in 0u32..128) {
            let value = value >> shift;
            let mut out = Vec::new();
            write_i128(&mut out, value);
            prop_assert_eq!(Cursor::new(&out).packed_i128("a number"), Ok(value));
            if let Ok(narrow) = i64::try_from(value) {
                let mut same = Vec::new();
                write_i64(&mut same, narrow);
                prop_assert_eq!(&same, &out);
                prop_assert_eq!(Cursor::new(&out).packed_i64("a number"), Ok(narrow));
            }
            if let Ok(narrow) = i32::try_from(value) {
                prop_assert_eq!(len_i32(narrow), out.len());
                prop_assert_eq!(Cursor::new(&out).packed_i32("a number"), Ok(narrow));
            }
        }

        #[test]
        fn any_bytes_read_without_panic_and_within_the_widest_form(bytes: Vec<u8>) {
            for (bits, longest) in [(32, 5), (64, 10), (128, 19)] {
                let mut cursor = Cursor::new(&bytes);
                if cursor.packed(bits, "a number").is_ok() {
                    prop_assert!(cursor.offset() <= longest);
                }
            }
        }
    }
}
