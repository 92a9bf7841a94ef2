//! From Connect's data to the binary that a map holds.
//!
//! Owns: what each type of data becomes in the map's format. Never does: choose the format, split a record into key and
//! value, or write decorations.
//!
//! ```text
//! Value ─┬─ pof   encode/pof.rs    as Java's serializer writes the object
//!        ├─ json  encode/json.rs   Coherence JSON, plain wherever plain JSON can express it
//!        └─ java  encode/java.rs   as Java's default serializer writes it: no lists, maps and structs
//! ```
//!
//! A key is compared by its bytes: a map finds an entry only under the very type and value it was put with. So the `1`
//! of an INT32 and that of an INT64 are two keys, `0.0` and `-0.0` are, and decimals of one value and different scales
//! are. The entries of a map in a key have one order, that of Java's `HashMap`, and those of a struct the order of its
//! schema; in a value they stand as they came. A null key is no key and a null value no value: they are handled before
//! they get here.

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::map::Format;

use crate::data::Value;

mod java;
mod json;
pub(crate) mod key;
pub(crate) mod pof;
mod pof_value;

pub(crate) use pof::date_time;

/// What a list becomes in POF.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum ArrayForm {
    /// `java.util.List`.
    #[default]
    List,
    /// `Object[]`, which the clients of a POF map that speak JSON can read; a list they cannot.
    ObjectArray,
}

/// Writes values in the format of a map.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Encoder {
    /// The format of the map.
    pub format: Format,
    /// What a list becomes; counts for POF only.
    pub arrays: ArrayForm,
}

/// Why a value cannot be written. Holds nothing of the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum EncodeError {
    /// A `BigDecimal` beyond the decimals of POF.
    #[error(
        "a decimal of {digits} digits and scale {scale} does not fit POF: at most 34 digits and a scale of -6143 to 6144"
    )]
    Decimal {
        /// Digits of its unscaled value.
        digits: usize,
        /// Its scale.
        scale: i32,
    },
    /// A day or instant whose year does not fit 32 bits.
    #[error("a date {days} days from 1970-01-01 has a year of more than 32 bits")]
    Year {
        /// Days since 1970-01-01.
        days: i64,
    },
    /// Containers inside each other, more than [`MAX_DEPTH`].
    #[error("more than {MAX_DEPTH} lists, maps and structs inside each other")]
    Depth,
    /// A type of POF without a counterpart in JSON.
    #[error("{what} cannot be written to a json map")]
    NotJson {
        /// The type.
        what: &'static str,
    },
    /// A type that a map of Java's default serializer holds as a stream of Java objects.
    #[error(
        "{what} cannot be written to a java map, which takes texts, numbers, booleans, bytes, dates and uuids: set \
         coherence.session.format=pof, so that the grid converts it, or use a map in pof or json"
    )]
    NotJava {
        /// The type.
        what: &'static str,
    },
    /// Something else that POF cannot hold. The values of Connect have none such.
    #[error(transparent)]
    Write(#[from] coherence_kafka_common::pof::WriteError),
    /// POF that is not whole. Converters give none such.
    #[error(transparent)]
    Pof(#[from] coherence_kafka_common::packed::DecodeError),
}

/// Lists, maps and structs inside each other that are written at most: as many as JSON brings in.
pub const MAX_DEPTH: usize = 1000;

impl Encoder {
    /// Appends the binary of `key`, as [`Encoder::encode`] would, with the entries of its maps in their one order.
    ///
    /// # Errors
    /// As [`Encoder::encode`].
    pub fn encode_key(&self, key: Value<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let mut key = match (self.format, key) {
            (Format::Json | Format::Java, Value::Pof(binary)) => pof_value::of_binary(&binary)?,
            (_, key) => key,
        };
        key::order(&mut key);
        self.encode(&key, out)
    }

    /// Appends the binary of `value` to `out`: `0x15`, then the format's bytes; in Java's format without `0x15`. After an
    /// error `out` is as it was.
    pub fn encode(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), EncodeError> {
        let start = out.len();
        let written = match (self.format, value) {
            // It is a binary of its own, with its leading byte.
            (Format::Pof, Value::Pof(binary)) => {
                out.extend_from_slice(binary);
                return Ok(());
            }
            (Format::Pof, _) => {
                out.push(FMT_EXT);
                pof::write(value, self.arrays, MAX_DEPTH, out)
            }
            (Format::Json, _) => {
                out.push(FMT_EXT);
                json::write(value, MAX_DEPTH, out)
            }
            (Format::Java, _) => java::write(value, out),
        };
        if written.is_err() {
            out.truncate(start);
        }
        written
    }
}

/// Returns the data in an entry of POF, its leading byte included.
pub(crate) fn of_pof(binary: &[u8]) -> Result<Value<'static>, EncodeError> {
    pof_value::of_binary(binary)
}

#[cfg(test)]
mod tests;
