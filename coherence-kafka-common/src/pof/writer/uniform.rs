//! Containers whose elements stand under a common type id, and raw arrays.

use super::{PofWriter, WriteError};
use crate::packed::{write_i32, write_i64, write_i128};
use crate::pof::value::{Date, Time};
use crate::pof::{text, types};

/// What can be an element under a common type id: exactly one Java class, never null. Java writes a container with
/// other elements in its usual form, even where they are declared to be of one class.
///
/// `u8` is a `byte`, `u16` a `char`, `i128` a `BigInteger`.
pub trait UniformElement {
    /// The common type id.
    const TYPE: i32;

    /// Appends the value without a type id.
    fn write_body(&self, writer: &mut PofWriter<'_>) -> Result<(), WriteError>;
}

/// Element, type id, and how its body is written.
macro_rules! uniform_elements {
    ($($element:ty, $type_id:ident, |$value:ident, $writer:ident| $body:expr;)*) => {$(
        impl UniformElement for $element {
            const TYPE: i32 = types::$type_id;

            #[inline]
            fn write_body(&self, $writer: &mut PofWriter<'_>) -> Result<(), WriteError> {
                let $value = self;
                $body;
                Ok(())
            }
        }
    )*};
}

uniform_elements! {
    bool, BOOLEAN, |value, writer| writer.out.push(u8::from(*value));
    u8, OCTET, |value, writer| writer.out.push(*value);
    u16, CHAR, |value, writer| text::write_unit(writer.out, *value);
    i16, INT16, |value, writer| write_i32(writer.out, i32::from(*value));
    i32, INT32, |value, writer| write_i32(writer.out, *value);
    i64, INT64, |value, writer| write_i64(writer.out, *value);
    i128, INT128, |value, writer| write_i128(writer.out, *value);
    f32, FLOAT32, |value, writer| writer.float32_body(*value);
    f64, FLOAT64, |value, writer| writer.float64_body(*value);
    &str, CHAR_STRING, |value, writer| writer.string_body(value);
    String, CHAR_STRING, |value, writer| writer.string_body(value);
    Date, DATE, |value, writer| writer.date_body(*value);
    Time, TIME, |value, writer| writer.time_body(*value)?;
}

/// `Binary`.
impl UniformElement for Vec<u8> {
    const TYPE: i32 = types::OCTET_STRING;

    fn write_body(&self, writer: &mut PofWriter<'_>) -> Result<(), WriteError> {
        writer.len_and_bytes(self);
        Ok(())
    }
}

/// A number with a fixed number of bytes.
pub trait RawElement: Copy {
    /// Big-endian.
    type Bytes: AsRef<[u8]> + AsMut<[u8]> + Default;

    /// To bytes.
    fn to_bytes(self) -> Self::Bytes;

    /// From bytes.
    fn from_bytes(bytes: Self::Bytes) -> Self;
}

macro_rules! raw_elements {
    ($($element:ty, $len:literal;)*) => {$(
        impl RawElement for $element {
            type Bytes = [u8; $len];

            fn to_bytes(self) -> [u8; $len] {
                self.to_be_bytes()
            }

            fn from_bytes(bytes: [u8; $len]) -> Self {
                Self::from_be_bytes(bytes)
            }
        }
    )*};
}

raw_elements! { u16, 2; i16, 2; i32, 4; i64, 8; f32, 4; f64, 8; }

impl PofWriter<'_> {
    /// `boolean[]`, `int[]` and the like, or an array of objects of one class (`writeObjectArray` with a class). For
    /// `byte[]` see [`byte_array`](Self::byte_array), which is faster.
    pub fn uniform_array<T: UniformElement>(&mut self, elements: &[T]) -> Result<(), WriteError> {
        self.type_id(types::UNIFORM_ARRAY);
        self.bodies(elements)
    }

    /// A collection of elements of one class (`writeCollection` with a class).
    pub fn uniform_collection<T: UniformElement>(&mut self, elements: &[T]) -> Result<(), WriteError> {
        self.type_id(types::UNIFORM_COLLECTION);
        self.bodies(elements)
    }

    /// A sparse array of elements of one class, in rising order of index, all below `size`.
    pub fn uniform_sparse_array<T: UniformElement>(
        &mut self,
        size: u32,
        elements: &[(u32, T)],
    ) -> Result<(), WriteError> {
        self.type_id(types::UNIFORM_SPARSE_ARRAY);
        write_i32(self.out, T::TYPE);
        self.unsigned(size);
        for (index, element) in elements {
            self.unsigned(*index);
            element.write_body(self)?;
        }
        self.end();
        Ok(())
    }

    /// A map of keys of one class and values of one class (`writeMap` with two classes).
    pub fn uniform_map<K: UniformElement, V: UniformElement>(
        &mut self,
        entries: &[(K, V)],
    ) -> Result<(), WriteError> {
        self.type_id(types::UNIFORM_MAP);
        write_i32(self.out, K::TYPE);
        write_i32(self.out, V::TYPE);
        self.count(entries.len());
        for (key, value) in entries {
            key.write_body(self)?;
            value.write_body(self)?;
        }
        Ok(())
    }

    /// A map of keys of one class (`writeMap` with one class). `write` writes one value each time.
    pub fn uniform_keys_map<K: UniformElement, V>(
        &mut self,
        entries: &[(K, V)],
        mut write: impl FnMut(&mut Self, &V) -> Result<(), WriteError>,
    ) -> Result<(), WriteError> {
        self.type_id(types::UNIFORM_KEYS_MAP);
        write_i32(self.out, K::TYPE);
        self.count(entries.len());
        for (key, value) in entries {
            key.write_body(self)?;
            write(self, value)?;
        }
        Ok(())
    }

    /// An array in its bytes as they are in memory, big end first (`writeIntArray(i, a, true)` and the like, Coherence
    /// 24.09 and later). Only readers that know the type of its elements can read or skip it.
    pub fn raw_array<T: RawElement>(&mut self, elements: &[T]) {
        self.type_id(types::UNIFORM_ARRAY);
        self.type_id(types::OCTET);
        self.count(elements.len());
        elements.iter().for_each(|element| self.out.extend_from_slice(element.to_bytes().as_ref()));
    }

    fn bodies<T: UniformElement>(&mut self, elements: &[T]) -> Result<(), WriteError> {
        write_i32(self.out, T::TYPE);
        self.count(elements.len());
        elements.iter().try_for_each(|element| element.write_body(self))
    }
}
