//! Why a value is not of its type.

use std::borrow::Cow;

use coherence_kafka_common::packed::DecodeError;
use coherence_kafka_common::pof::WriteError;

/// Objects and containers inside each other at most: as many as POF takes.
pub(super) const MAX_DEPTH: usize = 64;

/// Why a value cannot be written as an object, or an object cannot be read. It names fields of the mapping, and holds
/// nothing of the value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{}{problem}", self.place())]
pub struct MappingError {
    /// The path to the field, the last step first.
    path: Vec<String>,
    /// What is wrong there.
    problem: Problem,
}

/// What is wrong with a value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum Problem {
    /// Data of another type.
    #[error("{found} found, expected data for {expected}")]
    Mismatch {
        /// The type of the mapping.
        expected: Cow<'static, str>,
        /// The type of the data.
        found: &'static str,
    },
    /// Data without fields, where a path goes through it.
    #[error("{found} found, expected a STRUCT or a MAP")]
    NotStruct {
        /// The type of the data.
        found: &'static str,
    },
    /// A number that the type cannot hold.
    #[error("number is out of the range of {expected}, or has digits that {expected} cannot hold")]
    OutOfRange {
        /// The type of the mapping.
        expected: Cow<'static, str>,
    },
    /// Text that does not show a value of the type.
    #[error("text is not {expected}")]
    Text {
        /// What the text should be.
        expected: Cow<'static, str>,
    },
    /// An integer where the mapping names no unit.
    #[error(
        "integer found, and {class} names no unit: write {class}(millis), or another unit, in the mapping file"
    )]
    Unit {
        /// The class.
        class: &'static str,
    },
    /// Null where the mapping requires a value.
    #[error("null or missing, and the mapping requires a value")]
    Missing,
    /// A field that the mapping does not name.
    #[error("field is not in the mapping, which has unmapped = \"refuse\"")]
    Unmapped,
    /// Something that POF cannot hold.
    #[error(transparent)]
    Write(#[from] WriteError),
    /// Bytes that are not POF.
    #[error(transparent)]
    Pof(DecodeError),
    /// Bytes without the byte that a serializer writes first.
    #[error("not POF: the first byte is not 15")]
    NotPof,
    /// A map of Java's default serializer, whose objects only Java can write.
    #[error("a map in java has no form for types of a mapping: use a map in POF or JSON")]
    Java,
    /// An object of another class.
    #[error("object of user type {found} found, expected {expected}")]
    UserType {
        /// The type of the mapping.
        expected: String,
        /// The type id of the object.
        found: u32,
    },
    /// A type that has no schema.
    #[error("{ty} contains itself, so it has no schema and can only be written")]
    Recursive {
        /// The type.
        ty: String,
    },
    /// Objects inside each other.
    #[error("more than {} objects and containers inside each other", MAX_DEPTH)]
    Depth,
}

impl MappingError {
    /// Returns what is wrong.
    pub fn problem(&self) -> &Problem {
        &self.problem
    }

    /// Returns the path to the field that is wrong, empty at the root.
    pub fn path(&self) -> String {
        let mut path = String::new();
        for step in self.path.iter().rev() {
            if !path.is_empty() && !step.starts_with('[') {
                path.push('.');
            }
            path.push_str(step);
        }
        path
    }

    fn place(&self) -> String {
        if self.path.is_empty() { String::new() } else { format!("field {}: ", self.path()) }
    }

    /// The same error, in this field.
    pub(super) fn in_field(mut self, path: &[String]) -> Self {
        self.path.push(path.join("."));
        self
    }

    /// The same error, in this element.
    pub(super) fn in_element(mut self, index: usize) -> Self {
        self.path.push(format!("[{index}]"));
        self
    }

    /// The same error, in a key or a value of a map.
    pub(super) fn in_entry(mut self, part: &'static str) -> Self {
        self.path.push(format!("[{part}]"));
        self
    }
}

impl From<Problem> for MappingError {
    fn from(problem: Problem) -> Self {
        Self { path: Vec::new(), problem }
    }
}

impl From<WriteError> for MappingError {
    fn from(error: WriteError) -> Self {
        Problem::Write(error).into()
    }
}
