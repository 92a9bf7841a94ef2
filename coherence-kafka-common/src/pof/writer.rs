//! Appending POF, value by value.
//!
//! Owns: the bytes that Java's `ExternalizableHelper.toBinary` gives for a value, without their leading `0x15`.
//! Never does: check that as many elements follow as a container announced.

use super::types;
use crate::packed::{write_i32, write_i64, write_i128};

/// Appends values to a buffer in the full form of `PofWriter.writeObject`, which is the form of a value at the
/// root of a binary and inside containers.
///
/// Containers announce their number of elements; the caller writes as many values behind them. A user type is
/// [`user_type`](Self::user_type), then for each property, in rising order of index, [`property`](Self::property)
/// and its value, then [`end`](Self::end).
#[derive(Debug)]
pub struct PofWriter<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> PofWriter<'a> {
    /// A writer that appends to `out`.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self { out }
    }

    /// `null`.
    #[inline]
    pub fn null(&mut self) {
        self.type_id(types::NULL);
    }

    /// `java.lang.Boolean`.
    #[inline]
    pub fn boolean(&mut self, value: bool) {
        self.out.extend_from_slice(&[types::byte(types::BOOLEAN), u8::from(value)]);
    }

    /// `java.lang.Short`.
    #[inline]
    pub fn int16(&mut self, value: i16) {
        self.type_id(types::INT16);
        write_i32(self.out, i32::from(value));
    }

    /// `java.lang.Integer`.
    #[inline]
    pub fn int32(&mut self, value: i32) {
        self.type_id(types::INT32);
        write_i32(self.out, value);
    }

    /// `java.lang.Long`.
    #[inline]
    pub fn int64(&mut self, value: i64) {
        self.type_id(types::INT64);
        write_i64(self.out, value);
    }

    /// `java.math.BigInteger`. Java writes none of more than 127 bits and sign either.
    pub fn big_integer(&mut self, value: i128) {
        self.type_id(types::INT128);
        write_i128(self.out, value);
    }

    /// `java.lang.Float`. Every NaN is written as Java's one NaN.
    #[inline]
    pub fn float32(&mut self, value: f32) {
        let bits = if value.is_nan() { 0x7FC0_0000 } else { value.to_bits() };
        self.type_id(types::FLOAT32);
        self.out.extend_from_slice(&bits.to_be_bytes());
    }

    /// `java.lang.Double`. Every NaN is written as Java's one NaN.
    #[inline]
    pub fn float64(&mut self, value: f64) {
        let bits = if value.is_nan() { 0x7FF8_0000_0000_0000 } else { value.to_bits() };
        self.type_id(types::FLOAT64);
        self.out.extend_from_slice(&bits.to_be_bytes());
    }

    /// `java.lang.Byte`, whose sign is the highest bit.
    #[inline]
    pub fn octet(&mut self, value: u8) {
        self.out.extend_from_slice(&[types::byte(types::OCTET), value]);
    }

    /// `java.lang.String`, in standard UTF-8 as Coherence 24.09 and later writes it.
    ///
    /// Earlier releases write NUL and characters beyond U+FFFF in other bytes, so that a key with one of these
    /// is another entry to them.
    #[inline]
    pub fn string(&mut self, value: &str) {
        self.type_id(types::CHAR_STRING);
        self.len_and_bytes(value.as_bytes());
    }

    /// `byte[]`: a uniform array of octets.
    #[inline]
    pub fn byte_array(&mut self, value: &[u8]) {
        self.type_id(types::UNIFORM_ARRAY);
        self.type_id(types::OCTET);
        self.len_and_bytes(value);
    }

    /// `com.tangosol.util.Binary`.
    #[inline]
    pub fn octet_string(&mut self, value: &[u8]) {
        self.type_id(types::OCTET_STRING);
        self.len_and_bytes(value);
    }

    /// `java.math.BigDecimal`: `unscaled` × 10^-`scale`, in the smallest of the three decimal types that holds
    /// it. The largest holds 34 digits and scales from -6143 to 6144.
    pub fn decimal(&mut self, unscaled: i128, scale: i32) -> Result<(), DecimalOutOfRange> {
        let (type_id, ..) = DECIMALS
            .into_iter()
            .find(|(_, digits, scales)| {
                unscaled.unsigned_abs() < 10_u128.pow(*digits) && scales.contains(&scale)
            })
            .ok_or(DecimalOutOfRange { scale })?;
        self.type_id(type_id);
        write_i128(self.out, unscaled);
        write_i32(self.out, scale);
        Ok(())
    }

    /// `java.time.LocalDate`: proleptic ISO year, month from 1, day from 1. Not validated, as in Java.
    pub fn date(&mut self, year: i32, month: u8, day: u8) {
        self.type_id(types::DATE);
        self.date_body(year, month, day);
    }

    /// `java.time.LocalTime`: a time of day without zone. Not validated.
    pub fn time(&mut self, hour: u8, minute: u8, second: u8, nano: u32) {
        self.type_id(types::TIME);
        self.time_body(hour, minute, second, nano);
        self.out.push(ZONE_NONE);
    }

    /// `java.time.OffsetDateTime` in UTC, and what a `java.util.Date` becomes in a JVM that runs in UTC. Not
    /// validated.
    #[allow(clippy::too_many_arguments, reason = "the fields of one date and time, in their order of size")]
    pub fn date_time_utc(
        &mut self,
        year: i32,
        month: u8,
        day: u8,
        hour: u8,
        minute: u8,
        second: u8,
        nano: u32,
    ) {
        self.type_id(types::DATETIME);
        self.date_body(year, month, day);
        self.time_body(hour, minute, second, nano);
        self.out.push(ZONE_UTC);
    }

    /// `java.util.Collection` of `count` values, which follow.
    pub fn collection(&mut self, count: usize) {
        self.type_id(types::COLLECTION);
        self.count(count);
    }

    /// `Object[]` of `count` values, which follow.
    pub fn object_array(&mut self, count: usize) {
        self.type_id(types::ARRAY);
        self.count(count);
    }

    /// `java.util.Map` of `count` entries, which follow as key, value, key, value.
    pub fn map(&mut self, count: usize) {
        self.type_id(types::MAP);
        self.count(count);
    }

    /// `java.util.UUID`: user type 909, which Coherence 24.09 and later registers.
    pub fn uuid(&mut self, value: u128) {
        self.user_type(909, 0);
        self.property(0);
        self.int64(value as i64);
        // Java writes the second half with writeLong: behind the first property, it leaves 0 out and has
        // codes of one byte for small numbers.
        match (value >> 64) as i64 {
            0 => {}
            small @ -1..=22 => {
                self.property(1);
                self.type_id(types::INT_0 - small as i32);
            }
            most_significant => {
                self.property(1);
                self.int64(most_significant);
            }
        }
        self.end();
    }

    /// Opens a user type: `type_id` as the grid's POF configuration numbers the class, and the version of the
    /// data, 0 unless the class evolves. Both at most `i32::MAX`.
    pub fn user_type(&mut self, type_id: u32, version: u32) {
        write_i64(self.out, i64::from(type_id));
        write_i64(self.out, i64::from(version));
    }

    /// Announces property `index` of the open user type, at most `i32::MAX` and higher than the one before. Its
    /// value follows.
    pub fn property(&mut self, index: u32) {
        write_i64(self.out, i64::from(index));
    }

    /// Closes the open user type.
    pub fn end(&mut self) {
        write_i32(self.out, types::END);
    }

    #[inline]
    fn type_id(&mut self, type_id: i32) {
        self.out.push(types::byte(type_id));
    }

    /// Lengths above `i32::MAX` cannot occur: neither a Kafka record nor a Coherence binary can be that long.
    #[inline]
    fn count(&mut self, count: usize) {
        debug_assert!(i32::try_from(count).is_ok());
        write_i64(self.out, count as i64);
    }

    #[inline]
    fn len_and_bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    fn date_body(&mut self, year: i32, month: u8, day: u8) {
        write_i32(self.out, year);
        write_i32(self.out, i32::from(month));
        write_i32(self.out, i32::from(day));
    }

    /// The fraction is milliseconds above zero or nanoseconds below it.
    fn time_body(&mut self, hour: u8, minute: u8, second: u8, nano: u32) {
        write_i32(self.out, i32::from(hour));
        write_i32(self.out, i32::from(minute));
        write_i32(self.out, i32::from(second));
        let nano = i64::from(nano);
        write_i64(self.out, if nano % NANOS_PER_MILLI == 0 { nano / NANOS_PER_MILLI } else { -nano });
    }
}

const ZONE_NONE: u8 = 0;
const ZONE_UTC: u8 = 1;
const NANOS_PER_MILLI: i64 = 1_000_000;

/// Type, digits, scales.
const DECIMALS: [(i32, u32, std::ops::RangeInclusive<i32>); 3] = [
    (types::DECIMAL32, 7, -95..=96),
    (types::DECIMAL64, 16, -383..=384),
    (types::DECIMAL128, 34, -6143..=6144),
];

/// A decimal that none of POF's three decimal types can hold. Java refuses it too.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("decimal of scale {scale} does not fit POF: at most 34 digits and a scale of -6143 to 6144")]
pub struct DecimalOutOfRange {
    /// Digits behind the point.
    pub scale: i32,
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written(write: impl FnOnce(&mut PofWriter<'_>)) -> Vec<u8> {
        let mut out = Vec::new();
        write(&mut PofWriter::new(&mut out));
        out
    }

    fn decimal(unscaled: i128, scale: i32) -> Option<u8> {
        let mut out = Vec::new();
        PofWriter::new(&mut out).decimal(unscaled, scale).ok().map(|()| out[0])
    }

    #[test]
    fn a_decimal_takes_the_smallest_type_that_holds_it() {
        assert_eq!(decimal(9_999_999, 96), Some(0x47));
        assert_eq!(decimal(9_999_999, 97), Some(0x48));
        assert_eq!(decimal(10_000_000, 0), Some(0x48));
        assert_eq!(decimal(-10_i128.pow(16), 0), Some(0x49));
        assert_eq!(decimal(1, -384), Some(0x49));
        assert_eq!(decimal(10_i128.pow(34), 0), None);
        assert_eq!(decimal(i128::MIN, 0), None);
        assert_eq!(decimal(1, 6145), None);
        assert_eq!(decimal(1, i32::MIN), None);
    }

    #[test]
    fn every_nan_is_written_as_the_one_of_java() {
        let odd32 = f32::from_bits(0x7FA0_0001);
        let odd64 = f64::from_bits(0xFFF4_0000_0000_0001);
        assert_eq!(written(|w| w.float32(odd32)), [0x44, 0x7F, 0xC0, 0, 0]);
        assert_eq!(written(|w| w.float64(odd64)), [0x45, 0x7F, 0xF8, 0, 0, 0, 0, 0, 0]);
    }

    #[test]
    fn a_uuid_is_written_as_java_does() {
        let one_two = written(|w| w.uuid(0x0000_0000_0000_0001_0000_0000_0000_0002));
        assert_eq!(one_two, [0x8D, 0x0E, 0x00, 0x00, 0x42, 0x02, 0x01, 0x6A, 0x40]);
        assert_eq!(written(|w| w.uuid(0)), [0x8D, 0x0E, 0x00, 0x00, 0x42, 0x00, 0x40]);
        let random = written(|w| w.uuid(0x123e_4567_e89b_12d3_a456_4266_1417_4000));
        let expected = [
            0x8D, 0x0E, 0x00, 0x00, 0x42, 0xFF, 0xFF, 0xC5, 0xBE, 0xBD, 0xE6, 0xDE, 0xA9, 0xB7, 0x01, 0x01,
            0x42, 0x93, 0xCB, 0xD8, 0x89, 0xFD, 0xD9, 0xA2, 0xBE, 0x24, 0x40,
        ];
        assert_eq!(random, expected);
    }

    #[test]
    fn a_date_and_time_is_written_with_milliseconds_or_nanoseconds() {
        let half = written(|w| w.date_time_utc(2024, 2, 29, 13, 14, 15, 500_000_000));
        assert_eq!(half, [0x53, 0xA8, 0x1F, 0x02, 0x1D, 0x0D, 0x0E, 0x0F, 0xB4, 0x07, 0x01]);
        let nanos = written(|w| w.time(13, 14, 15, 123_456_789));
        assert_eq!(nanos, [0x51, 0x0D, 0x0E, 0x0F, 0xD4, 0xB4, 0xDE, 0x75, 0x00]);
    }

    #[test]
    fn a_user_type_is_written_with_its_properties() {
        let person = written(|w| {
            w.user_type(1001, 0);
            w.property(0);
            w.string("Ann");
            w.property(1);
            w.int32(50);
            w.end();
        });
        assert_eq!(person, [0xA9, 0x0F, 0x00, 0x00, 0x4E, 0x03, b'A', b'n', b'n', 0x01, 0x41, 0x32, 0x40]);
    }
}
