//! Appending POF, value by value.
//!
//! Owns: the bytes that Java's `PofWriter` gives for the same calls. Never does: check that as many elements follow
//! as a container announced.
//!
//! Java writes one value in several forms, depending on the method and on what was written before:
//!
//! ```text
//! writeObject, and every method for what is no primitive   full: type id and body               PofWriter
//! the same with null                                       left out where properties stand      UserTypeWriter::absent
//! writeInt, writeBoolean, … (primitives)                   0 left out, small numbers one byte   UserTypeWriter::int32 …
//! the first property that a user type writes               full, whatever it is
//! elements under a common type id                          body only                            uniform.rs
//! ```

use super::primitive::Primitive;
use super::text::{self, TextEncoding};
use super::types;
use super::value::{Date, Time, Zone};
use super::walker::MAX_DEPTH;
use crate::packed::{write_i32, write_i64, write_i128};

mod primitive;
mod uniform;
mod user_type;
mod value;

pub use uniform::{RawElement, UniformElement};
pub use user_type::UserTypeWriter;

/// Appends values to a buffer in the full form of `PofWriter.writeObject`, which is the form of a value at the
/// root of a binary and inside containers.
///
/// Containers announce their number of elements; the caller writes as many values behind them. A user type is
/// [`object`](Self::object) for a [`PofObject`](super::PofObject), [`user`](Self::user) otherwise.
#[derive(Debug)]
pub struct PofWriter<'a> {
    out: &'a mut Vec<u8>,
    text: TextEncoding,
    /// Java's mark that a reference value comes next. It keeps the next primitive from being left out or shortened,
    /// and stands until something is written: so it outlives a user type without properties.
    marked: bool,
    /// User types and dynamic values that are open.
    depth: usize,
}

impl<'a> PofWriter<'a> {
    /// A writer that appends to `out`, with text in standard UTF-8.
    #[inline]
    pub fn new(out: &'a mut Vec<u8>) -> Self {
        Self::with_text(out, TextEncoding::Standard)
    }

    /// A writer that appends to `out`, with text in the encoding that the grid's release writes.
    #[inline]
    pub fn with_text(out: &'a mut Vec<u8>, text: TextEncoding) -> Self {
        Self { out, text, marked: false, depth: 0 }
    }

    /// A writer that continues where another, which had this mark, stopped.
    #[inline]
    pub(super) fn going_on(out: &'a mut Vec<u8>, text: TextEncoding, marked: bool) -> Self {
        Self { out, text, marked, depth: 0 }
    }

    /// Whether the next primitive is kept from being shortened.
    #[inline]
    pub(super) fn is_marked(&self) -> bool {
        self.marked
    }

    /// `null`.
    #[inline]
    pub fn null(&mut self) {
        self.type_id(types::NULL);
    }

    /// `java.lang.Boolean`.
    #[inline]
    pub fn boolean(&mut self, value: bool) {
        self.marked = false;
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
        self.type_id(types::FLOAT32);
        self.float32_body(value);
    }

    /// `java.lang.Double`. Every NaN is written as Java's one NaN.
    #[inline]
    pub fn float64(&mut self, value: f64) {
        self.type_id(types::FLOAT64);
        self.float64_body(value);
    }

    /// `java.lang.Byte`, whose sign is the highest bit.
    #[inline]
    pub fn octet(&mut self, value: u8) {
        self.marked = false;
        self.out.extend_from_slice(&[types::byte(types::OCTET), value]);
    }

    /// `RawQuad`: the bits of an IEEE 754 binary128.
    pub fn float128(&mut self, bits: u128) {
        self.type_id(types::FLOAT128);
        self.out.extend_from_slice(&bits.to_be_bytes());
    }

    /// `java.lang.Character`: one UTF-16 unit, which may be half of a pair.
    pub fn char(&mut self, unit: u16) {
        self.type_id(types::CHAR);
        text::write_unit(self.out, unit);
    }

    /// `java.lang.String`, in the writer's encoding.
    #[inline]
    pub fn string(&mut self, value: &str) {
        self.type_id(types::CHAR_STRING);
        self.string_body(value);
    }

    /// `byte[]`: a uniform array of octets.
    #[inline]
    pub fn byte_array(&mut self, value: &[u8]) {
        self.type_id(types::UNIFORM_ARRAY);
        self.type_id(types::OCTET);
        self.len_and_bytes(value);
    }

    /// `int[]`.
    pub(crate) fn int32_array(&mut self, elements: &[i32]) {
        self.type_id(types::UNIFORM_ARRAY);
        self.type_id(types::INT32);
        self.count(elements.len());
        elements.iter().for_each(|element| write_i32(self.out, *element));
    }

    /// What another writer, which had this mark at its end, wrote.
    pub(super) fn written(&mut self, pof: &[u8], marked: bool) {
        self.out.extend_from_slice(pof);
        self.marked = marked;
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

    /// `java.time.LocalDate`. Not validated, as in Java.
    pub fn date(&mut self, date: Date) {
        self.type_id(types::DATE);
        self.date_body(date);
    }

    /// `java.time.LocalTime` without a zone, `java.time.OffsetTime` with one. Fields are not validated; an offset that
    /// would lose its sign is refused.
    pub fn time(&mut self, time: Time) -> Result<(), WriteError> {
        self.type_id(types::TIME);
        self.time_body(time)
    }

    /// `java.time.LocalDateTime` without a zone, `java.time.OffsetDateTime` with one. A `java.util.Date` is one in
    /// the zone of its JVM. Fields are not validated; an offset that would lose its sign is refused.
    pub fn date_time(&mut self, date: Date, time: Time) -> Result<(), WriteError> {
        self.type_id(types::DATETIME);
        self.date_body(date);
        self.time_body(time)
    }

    /// `RawYearMonthInterval`.
    pub fn year_month_interval(&mut self, years: i32, months: i32) {
        self.fields(types::YEAR_MONTH_INTERVAL, &[years, months]);
    }

    /// `RawTimeInterval`.
    pub fn time_interval(&mut self, hours: i32, minutes: i32, seconds: i32, nanos: i32) {
        self.fields(types::TIME_INTERVAL, &[hours, minutes, seconds, nanos]);
    }

    /// `RawDayTimeInterval`.
    pub fn day_time_interval(&mut self, days: i32, hours: i32, minutes: i32, seconds: i32, nanos: i32) {
        self.fields(types::DAY_TIME_INTERVAL, &[days, hours, minutes, seconds, nanos]);
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

    /// `com.tangosol.util.LongArray`, all of whose indexes are below `size`. For each element, in rising order of index,
    /// [`property`](Self::property) and its value follow, then [`end`](Self::end).
    ///
    /// Oracle's own readers lose what follows a sparse array whose every index is present when they skip it.
    pub fn sparse_array(&mut self, size: u32) {
        self.type_id(types::SPARSE_ARRAY);
        self.unsigned(size);
    }

    /// `java.util.UUID`: user type 909, which Coherence 24.09 and later registers.
    pub fn uuid(&mut self, value: u128) {
        self.user_type(909, 0);
        self.property(0);
        self.int64(value as i64);
        // `writeLong` leaves 0 out behind the first property.
        match Primitive::Int64((value >> 64) as i64) {
            Primitive::Int64(0) => {}
            most_significant => {
                self.property(1);
                self.primitive(most_significant);
            }
        }
        self.end();
    }

    /// Gives the object that follows, a user type, the identity `id`: from 1, each once in a value. Only for grids with
    /// `enable-references`.
    pub fn identity(&mut self, id: u32) {
        self.type_id(types::IDENTITY);
        self.unsigned(id);
    }

    /// The object that bears the identity `id`, once more.
    pub fn reference(&mut self, id: u32) {
        self.type_id(types::REFERENCE);
        self.unsigned(id);
    }

    /// Opens a user type whose properties the caller writes by [`property`](Self::property) and a value each, in rising
    /// order of index, and closes by [`end`](Self::end). `type_id` as the grid's POF configuration numbers the class,
    /// and the version of the data, 0 unless the class evolves. Both at most `i32::MAX`.
    pub fn user_type(&mut self, type_id: u32, version: u32) {
        self.unsigned(type_id);
        self.unsigned(version);
        self.marked = true;
    }

    /// Announces property or element `index`, at most `i32::MAX` and higher than the one before. Its value follows.
    pub fn property(&mut self, index: u32) {
        self.unsigned(index);
    }

    /// Null, as every method of Java but `writeObject` writes it as a property.
    pub(super) fn absent_property(&mut self, index: u32) {
        if self.marked {
            self.property(index);
            self.null();
        }
    }

    /// Closes the open user type or sparse array.
    pub fn end(&mut self) {
        write_i32(self.out, types::END);
    }

    /// One level deeper, as deep as readers go.
    fn deeper(&mut self) -> Result<(), WriteError> {
        if self.depth == MAX_DEPTH {
            return Err(WriteError::Depth);
        }
        self.depth += 1;
        Ok(())
    }

    #[inline]
    fn type_id(&mut self, type_id: i32) {
        self.marked = false;
        self.out.push(types::byte(type_id));
    }

    /// Lengths above `i32::MAX` cannot occur: neither a Kafka record nor a Coherence binary can be that long.
    #[inline]
    fn count(&mut self, count: usize) {
        debug_assert!(i32::try_from(count).is_ok());
        write_i64(self.out, count as i64);
    }

    pub(super) fn unsigned(&mut self, number: u32) {
        write_i64(self.out, i64::from(number));
    }

    #[inline]
    fn len_and_bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.out.extend_from_slice(bytes);
    }

    #[inline]
    fn string_body(&mut self, value: &str) {
        match self.text {
            TextEncoding::Standard => self.len_and_bytes(value.as_bytes()),
            TextEncoding::Modified => {
                self.count(text::modified_len(value));
                text::write_modified(self.out, value);
            }
        }
    }

    #[inline]
    fn float32_body(&mut self, value: f32) {
        let bits = if value.is_nan() { 0x7FC0_0000 } else { value.to_bits() };
        self.out.extend_from_slice(&bits.to_be_bytes());
    }

    #[inline]
    fn float64_body(&mut self, value: f64) {
        let bits = if value.is_nan() { 0x7FF8_0000_0000_0000 } else { value.to_bits() };
        self.out.extend_from_slice(&bits.to_be_bytes());
    }

    fn fields(&mut self, type_id: i32, fields: &[i32]) {
        self.type_id(type_id);
        fields.iter().for_each(|field| write_i32(self.out, *field));
    }

    fn date_body(&mut self, date: Date) {
        write_i32(self.out, date.year);
        write_i32(self.out, i32::from(date.month));
        write_i32(self.out, i32::from(date.day));
    }

    /// The fraction is milliseconds above zero or nanoseconds below it; the minutes of an offset have no sign.
    fn time_body(&mut self, time: Time) -> Result<(), WriteError> {
        write_i32(self.out, i32::from(time.hour));
        write_i32(self.out, i32::from(time.minute));
        write_i32(self.out, i32::from(time.second));
        let nano = i64::from(time.nano);
        write_i64(self.out, if nano % NANOS_PER_MILLI == 0 { nano / NANOS_PER_MILLI } else { -nano });
        match time.zone {
            None => self.out.push(ZONE_NONE),
            Some(Zone::Utc) => self.out.push(ZONE_UTC),
            Some(Zone::Offset(minutes @ -59..=-1)) => return Err(WriteError::Offset { minutes }),
            Some(Zone::Offset(minutes)) => {
                self.out.push(ZONE_OFFSET);
                write_i32(self.out, i32::from(minutes / 60));
                write_i32(self.out, i32::from((minutes % 60).abs()));
            }
        }
        Ok(())
    }
}

const ZONE_NONE: u8 = 0;
const ZONE_UTC: u8 = 1;
const ZONE_OFFSET: u8 = 2;
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

/// What POF cannot hold. Java refuses all but the offset, which it falsifies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum WriteError {
    /// A decimal beyond POF's three decimal types.
    #[error(transparent)]
    Decimal(#[from] DecimalOutOfRange),
    /// A property out of order.
    #[error("property {index} of user type {type_id} written, expected one above {previous}")]
    Index {
        /// The user type.
        type_id: u32,
        /// The property before.
        previous: u32,
        /// The property.
        index: u32,
    },
    /// An offset between -59 and -1 minutes: POF keeps the sign of an offset with its hours.
    #[error("an offset of {minutes} minutes from UTC would lose its sign in POF")]
    Offset {
        /// Minutes east of UTC.
        minutes: i16,
    },
    /// More values inside each other than [`decode`](super::decode) takes.
    #[error("more than {MAX_DEPTH} values inside each other")]
    Depth,
}

#[cfg(test)]
mod tests;
