//! What goes wrong between Rust types and POF.

use std::fmt;

use serde::de::{Expected, Unexpected};
use serde::{de, ser};

use crate::packed::DecodeError;

/// Why a value was not written or read. Holds no bytes of the value, unless a type's own serde code puts them into
/// [`Custom`](Error::Custom).
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// The bytes are no POF, or none that this crate reads.
    #[error(transparent)]
    Malformed(#[from] DecodeError),
    /// The bytes hold something else than the Rust type.
    #[error("{problem}, reading {reading} at byte {offset}")]
    Mismatch {
        /// The value found and the one needed.
        problem: String,
        /// The item that was being read.
        reading: String,
        /// Where it starts, counted from the start of the bytes given.
        offset: usize,
    },
    /// A struct, an enum, or a variant with data has no id in the [`PofContext`](crate::pof::PofContext).
    #[error("no POF type id is registered for {name}")]
    Unregistered {
        /// Name of the type, or `Enum::Variant`.
        name: String,
    },
    /// POF, or the Java class that stands for the Rust type, cannot hold the value.
    #[error("{0}")]
    Unwritable(&'static str),
    /// The error of a type's `Serialize` or `Deserialize`.
    #[error("{0}")]
    Custom(String),
}

impl Error {
    /// Adds the place to an error that came from a Rust type and so knows none.
    pub(super) fn at(self, offset: usize, reading: impl FnOnce() -> String) -> Self {
        match self {
            Error::Custom(problem) => Error::Mismatch { problem, reading: reading(), offset },
            located => located,
        }
    }

    pub(super) fn unregistered(name: &str) -> Self {
        Error::Unregistered { name: name.to_owned() }
    }
}

impl ser::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Error::Custom(message.to_string())
    }
}

/// serde's own texts would show the value that does not fit.
impl de::Error for Error {
    fn custom<T: fmt::Display>(message: T) -> Self {
        Error::Custom(message.to_string())
    }

    fn invalid_type(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Error::Custom(format!("{} where {expected} is needed", kind(unexpected)))
    }

    fn invalid_value(unexpected: Unexpected<'_>, expected: &dyn Expected) -> Self {
        Error::Custom(format!("{} that is not {expected}", kind(unexpected)))
    }

    fn unknown_variant(_variant: &str, expected: &'static [&'static str]) -> Self {
        Error::Custom(format!("no such variant: it must be one of {}", expected.join(", ")))
    }

    fn unknown_field(_field: &str, expected: &'static [&'static str]) -> Self {
        Error::Custom(format!("no such field: it must be one of {}", expected.join(", ")))
    }
}

fn kind(unexpected: Unexpected<'_>) -> &'static str {
    match unexpected {
        Unexpected::Bool(_) => "a boolean",
        Unexpected::Unsigned(_) | Unexpected::Signed(_) => "an integer",
        Unexpected::Float(_) => "a floating point number",
        Unexpected::Char(_) => "a character",
        Unexpected::Str(_) => "a string",
        Unexpected::Bytes(_) => "bytes",
        Unexpected::Unit | Unexpected::Option => "null",
        Unexpected::Seq => "a collection",
        Unexpected::Map => "a map",
        _ => "a value",
    }
}
