//! The grammar for reading: bytes to a series of events.
//!
//! Owns: every check of the bytes. Never does: allocate, but to remember identities, or recurse deeper than
//! [`MAX_DEPTH`].
//!
//! Counts are bounded by the bytes left, for every element takes at least one. That is why the one-byte codes
//! of whole values are no element types here: no Oracle writer uses them so, and five bytes of them could
//! claim two thousand million elements.

use std::ops::Range;

use super::identity::Identities;
use super::scalar::{self, fields, invalid};
use super::text::Text;
use super::types;
use super::value::PofValue;
use crate::packed::{Cursor, DecodeError, Problem};

/// Values inside values.
pub(super) const MAX_DEPTH: usize = 64;

pub(super) const TOO_DEEP: &str = "more than 64 values inside each other";

/// One piece of a stream.
#[derive(Debug)]
pub(super) enum Event<'a> {
    /// A value that owns no memory.
    Scalar(PofValue),
    String(Text<'a>),
    OctetString(&'a [u8]),
    ByteArray(&'a [u8]),
    /// The empty container, and how many elements or entries follow, as far as it is known.
    Begin(PofValue, usize),
    /// The index of the property or element that follows.
    Index(u32),
    End,
    /// The value that follows bears an identity, or is a reference to one.
    Shared,
}

/// Walks one value that takes all of `bytes`.
pub(super) fn walk<'a, S>(bytes: &'a [u8], sink: S) -> Result<(), DecodeError>
where
    S: FnMut(Event<'a>) -> Result<(), Problem>,
{
    let mut walker = Walker { cursor: Cursor::new(bytes), sink, sharing: Sharing::Reported };
    walker.value(0)?;
    walker.cursor.finish("the end of the value")
}

/// Walks one value at the cursor, which stands inside `depth` others and under the common type `uniform`, if any.
pub(super) fn walk_one<'a, S>(
    cursor: &mut Cursor<'a>,
    uniform: Option<i32>,
    depth: usize,
    sink: S,
) -> Result<(), DecodeError>
where
    S: FnMut(Event<'a>) -> Result<(), Problem>,
{
    let mut walker = Walker { cursor: cursor.clone(), sink, sharing: Sharing::Reported };
    walker.element(uniform, depth)?;
    *cursor = walker.cursor;
    Ok(())
}

/// Values in the midst of a stream.
pub(super) struct Walker<'a, 'i, S> {
    pub(super) cursor: Cursor<'a>,
    pub(super) sink: S,
    pub(super) sharing: Sharing<'i>,
}

/// What becomes of identities and references.
pub(super) enum Sharing<'i> {
    /// [`Event::Shared`] reports them; a reference is null.
    Reported,
    /// They are checked, and reported as null.
    Checked(&'i mut Identities),
    /// The object that a reference stands for is walked in its place.
    Resolved(&'i mut Identities),
}

impl Sharing<'_> {
    fn identities(&mut self) -> Option<&mut Identities> {
        match self {
            Sharing::Reported => None,
            Sharing::Checked(identities) | Sharing::Resolved(identities) => Some(identities),
        }
    }
}

/// Whether a value stands with its type id or is one of many under a common one.
#[derive(Clone, Copy, PartialEq)]
enum Slot {
    Typed,
    Uniform,
}

impl<'a, S> Walker<'a, '_, S>
where
    S: FnMut(Event<'a>) -> Result<(), Problem>,
{
    pub(super) fn value(&mut self, depth: usize) -> Result<(), DecodeError> {
        let start = self.cursor.offset();
        match self.cursor.packed_i32("a type id")? {
            type_id @ (types::IDENTITY | types::REFERENCE) => self.shared(start, type_id, depth),
            types::FALSE => self.emit(start, Event::Scalar(PofValue::Boolean(false))),
            types::TRUE => self.emit(start, Event::Scalar(PofValue::Boolean(true))),
            types::STRING_ZERO_LENGTH => self.emit(start, Event::String(Text::Standard(""))),
            types::COLLECTION_EMPTY => {
                self.emit(start, Event::Begin(PofValue::Collection(Vec::new()), 0))?;
                self.emit(start, Event::End)
            }
            types::NULL => self.emit(start, Event::Scalar(PofValue::Null)),
            types::POS_INFINITY => self.emit(start, Event::Scalar(PofValue::Float64(f64::INFINITY))),
            types::NEG_INFINITY => self.emit(start, Event::Scalar(PofValue::Float64(f64::NEG_INFINITY))),
            types::NAN => self.emit(start, Event::Scalar(PofValue::Float64(f64::NAN))),
            code @ types::INT_22..=types::INT_NEG_1 => {
                self.emit(start, Event::Scalar(PofValue::Int32(types::INT_0 - code)))
            }
            type_id => self.body(start, type_id, Slot::Typed, depth),
        }
    }

    /// What follows a type id. `start` is where its value starts.
    fn body(&mut self, start: usize, type_id: i32, slot: Slot, depth: usize) -> Result<(), DecodeError> {
        let cursor = &mut self.cursor;
        let scalar = match type_id {
            types::INT16 => PofValue::Int16(scalar::int16(cursor)?),
            types::INT32 => PofValue::Int32(cursor.packed_i32("an int32")?),
            types::INT64 => PofValue::Int64(cursor.packed_i64("an int64")?),
            types::INT128 => PofValue::Int128(cursor.packed_i128("an int128")?),
            types::FLOAT32 => PofValue::Float32(f32::from_be_bytes(cursor.array("a float32")?)),
            types::FLOAT64 => PofValue::Float64(f64::from_be_bytes(cursor.array("a float64")?)),
            types::FLOAT128 => PofValue::Float128(u128::from_be_bytes(cursor.array("a float128")?)),
            types::DECIMAL32 | types::DECIMAL64 | types::DECIMAL128 => scalar::decimal(cursor)?,
            types::BOOLEAN => PofValue::Boolean(cursor.packed_i32("a boolean")? != 0),
            types::OCTET => PofValue::Octet(cursor.byte("an octet")?),
            types::CHAR => PofValue::Char(scalar::char_unit(cursor)?),
            types::DATE => PofValue::Date(scalar::date(cursor)?),
            types::TIME => PofValue::Time(scalar::time(cursor)?),
            types::DATETIME => PofValue::DateTime(scalar::date(cursor)?, scalar::time(cursor)?),
            types::YEAR_MONTH_INTERVAL => {
                let [years, months] = fields(cursor, "a year-month interval")?;
                PofValue::YearMonthInterval { years, months }
            }
            types::TIME_INTERVAL => {
                let [hours, minutes, seconds, nanos] = fields(cursor, "a time interval")?;
                PofValue::TimeInterval { hours, minutes, seconds, nanos }
            }
            types::DAY_TIME_INTERVAL => {
                let [days, hours, minutes, seconds, nanos] = fields(cursor, "a day-time interval")?;
                PofValue::DayTimeInterval { days, hours, minutes, seconds, nanos }
            }
            types::CHAR_STRING => return self.string(start),
            types::OCTET_STRING => return self.octet_string(start, slot),
            _ => {
                let depth = self.deeper(depth)?;
                return self.container(start, type_id, depth);
            }
        };
        self.emit(start, Event::Scalar(scalar))
    }

    fn container(&mut self, start: usize, type_id: i32, depth: usize) -> Result<(), DecodeError> {
        match type_id {
            types::COLLECTION => self.elements(start, PofValue::Collection(Vec::new()), None, depth),
            types::ARRAY => self.elements(start, PofValue::Array(Vec::new()), None, depth),
            types::UNIFORM_COLLECTION => {
                let element = self.element_type()?;
                self.elements(start, PofValue::Collection(Vec::new()), Some(element), depth)
            }
            types::UNIFORM_ARRAY => match self.element_type()? {
                types::OCTET => {
                    let len = self.cursor.packed_len("the length of a byte array")?;
                    let bytes = self.cursor.take(len, "a byte array")?;
                    self.emit(start, Event::ByteArray(bytes))
                }
                element => self.elements(start, array_of(element), Some(element), depth),
            },
            types::SPARSE_ARRAY => self.sparse_array(start, None, depth),
            types::UNIFORM_SPARSE_ARRAY => {
                let element = self.element_type()?;
                self.sparse_array(start, Some(element), depth)
            }
            types::MAP => self.map(start, None, None, depth),
            types::UNIFORM_KEYS_MAP => {
                let key = self.element_type()?;
                self.map(start, Some(key), None, depth)
            }
            types::UNIFORM_MAP => {
                let key = self.element_type()?;
                let value = self.element_type()?;
                self.map(start, Some(key), Some(value), depth)
            }
            type_id => match u32::try_from(type_id) {
                Ok(type_id) => self.user_type(start, type_id, depth),
                Err(_) => Err(invalid(start, "a type id", "no such type")),
            },
        }
    }

    /// A value with its own type id, or one of the type `uniform`.
    pub(super) fn element(&mut self, uniform: Option<i32>, depth: usize) -> Result<(), DecodeError> {
        let start = self.cursor.offset();
        match uniform {
            None => self.value(depth),
            Some(type_id @ 0..) if !matches!(self.sharing, Sharing::Reported) => {
                self.uniform_object(start, type_id, depth)
            }
            Some(type_id) => self.body(start, type_id, Slot::Uniform, depth),
        }
    }

    /// An element of the common type `type_id`, which may bear an identity or be a reference.
    #[cold]
    #[inline(never)]
    fn uniform_object(&mut self, start: usize, type_id: i32, depth: usize) -> Result<(), DecodeError> {
        match self.cursor.packed_i32("the version of a user type")? {
            types::IDENTITY => {
                let id = self.unsigned("an identity")?;
                self.object(start, id, start, type_id, depth)
            }
            number if self.sharing.identities().is_some_and(|known| known.is(number, type_id, start)) => {
                self.reference(start, number as u32, depth)
            }
            _ => {
                self.cursor.seek(start);
                self.body(start, type_id, Slot::Uniform, depth)
            }
        }
    }

    /// An identity and its object, or a reference. Rare, and so kept out of the way of all else.
    #[cold]
    #[inline(never)]
    fn shared(&mut self, start: usize, type_id: i32, depth: usize) -> Result<(), DecodeError> {
        let id = self.unsigned("an identity")?;
        if type_id == types::REFERENCE {
            return self.reference(start, id, depth);
        }
        if self.sharing.identities().is_some() {
            let at = self.cursor.offset();
            let type_id = self.cursor.packed_i32("a type id")?;
            return self.object(start, id, at, type_id, depth);
        }
        self.emit(start, Event::Shared)?;
        self.value(self.deeper(depth)?)
    }

    /// An object that bears an identity, whose type id was `at` and is read.
    fn object(
        &mut self,
        start: usize,
        id: u32,
        at: usize,
        type_id: i32,
        depth: usize,
    ) -> Result<(), DecodeError> {
        let body = self.cursor.offset();
        if let Some(identities) = self.sharing.identities() {
            identities.begin(id, type_id, body).map_err(|problem| invalid(at, "an identity", problem))?;
        }
        self.body(start, type_id, Slot::Typed, depth)?;
        let end = self.cursor.offset();
        if let Some(identities) = self.sharing.identities() {
            identities.finish(id, end);
        }
        Ok(())
    }

    fn reference(&mut self, start: usize, id: u32, depth: usize) -> Result<(), DecodeError> {
        let known = match &mut self.sharing {
            Sharing::Reported => {
                self.emit(start, Event::Shared)?;
                return self.emit(start, Event::Scalar(PofValue::Null));
            }
            Sharing::Checked(identities) => identities.object(id, start).map(|_| None),
            Sharing::Resolved(identities) => identities.resolve(id, start).map(Some),
        };
        match known.map_err(|problem| invalid(start, "a reference", problem))? {
            None => self.emit(start, Event::Scalar(PofValue::Null)),
            Some(object) => {
                let behind = self.cursor.offset();
                self.cursor.seek(object.body);
                self.body(start, object.type_id, Slot::Typed, depth)?;
                self.cursor.seek(behind);
                Ok(())
            }
        }
    }

    fn elements(
        &mut self,
        start: usize,
        empty: PofValue,
        uniform: Option<i32>,
        depth: usize,
    ) -> Result<(), DecodeError> {
        let count = self.cursor.packed_count(1, "a count of elements")?;
        self.emit(start, Event::Begin(empty, count))?;
        for _ in 0..count {
            self.element(uniform, depth)?;
        }
        self.emit(start, Event::End)
    }

    /// Read to its terminator, even when every index was there: Oracle's own skipping stops one byte short then.
    fn sparse_array(&mut self, start: usize, uniform: Option<i32>, depth: usize) -> Result<(), DecodeError> {
        let size = self.unsigned("the size of a sparse array")?;
        self.emit(start, Event::Begin(PofValue::SparseArray { size, elements: Vec::new() }, 0))?;
        let mut next = 0;
        while let Some(index) = self.index(next..size, "the index of an element")? {
            self.emit(start, Event::Index(index))?;
            self.element(uniform, depth)?;
            next = index + 1;
        }
        self.emit(start, Event::End)
    }

    fn map(
        &mut self,
        start: usize,
        key: Option<i32>,
        value: Option<i32>,
        depth: usize,
    ) -> Result<(), DecodeError> {
        let count = self.cursor.packed_count(2, "a count of entries")?;
        self.emit(start, Event::Begin(PofValue::Map(Vec::new()), count))?;
        for _ in 0..count {
            self.element(key, depth)?;
            self.element(value, depth)?;
        }
        self.emit(start, Event::End)
    }

    fn user_type(&mut self, start: usize, type_id: u32, depth: usize) -> Result<(), DecodeError> {
        let version = self.unsigned("the version of a user type")?;
        let empty = PofValue::User { type_id, version, properties: Vec::new() };
        self.emit(start, Event::Begin(empty, 0))?;
        let mut next = 0;
        while let Some(index) = self.index(next..u32::MAX, "the index of a property")? {
            self.emit(start, Event::Index(index))?;
            self.value(depth)?;
            next = index + 1;
        }
        self.emit(start, Event::End)
    }

    fn string(&mut self, start: usize) -> Result<(), DecodeError> {
        match scalar::string(&mut self.cursor)? {
            Some(text) => self.emit(start, Event::String(text)),
            None => self.emit(start, Event::Scalar(PofValue::Null)),
        }
    }

    fn octet_string(&mut self, start: usize, slot: Slot) -> Result<(), DecodeError> {
        match scalar::octet_string(&mut self.cursor, slot == Slot::Uniform)? {
            Some(bytes) => self.emit(start, Event::OctetString(bytes)),
            None => self.emit(start, Event::Scalar(PofValue::Null)),
        }
    }

    fn element_type(&mut self) -> Result<i32, DecodeError> {
        scalar::element_type(&mut self.cursor)
    }

    fn unsigned(&mut self, reading: &'static str) -> Result<u32, DecodeError> {
        scalar::unsigned(&mut self.cursor, reading)
    }

    fn index(&mut self, legal: Range<u32>, reading: &'static str) -> Result<Option<u32>, DecodeError> {
        scalar::index(&mut self.cursor, legal, reading)
    }

    fn deeper(&self, depth: usize) -> Result<usize, DecodeError> {
        if depth < MAX_DEPTH {
            Ok(depth + 1)
        } else {
            Err(invalid(self.cursor.offset(), "a value", TOO_DEEP))
        }
    }

    #[inline]
    fn emit(&mut self, start: usize, event: Event<'a>) -> Result<(), DecodeError> {
        (self.sink)(event).map_err(|problem| DecodeError { offset: start, reading: "a value", problem })
    }
}

/// The empty array of this element type, as Java chooses its class.
fn array_of(element: i32) -> PofValue {
    match element {
        types::BOOLEAN => PofValue::BooleanArray(Vec::new()),
        types::CHAR => PofValue::CharArray(Vec::new()),
        types::INT16 => PofValue::Int16Array(Vec::new()),
        types::INT32 => PofValue::Int32Array(Vec::new()),
        types::INT64 => PofValue::Int64Array(Vec::new()),
        types::FLOAT32 => PofValue::Float32Array(Vec::new()),
        types::FLOAT64 => PofValue::Float64Array(Vec::new()),
        _ => PofValue::Array(Vec::new()),
    }
}
