//! Classes whose properties are written and read by hand.

use super::reader::UserTypeReader;
use super::writer::{UserTypeWriter, WriteError};
use crate::packed::DecodeError;

/// A class of the grid's POF configuration, as Java's `PortableObject`.
///
/// ```
/// use coherence_kafka_common::packed::DecodeError;
/// use coherence_kafka_common::pof::{PofObject, PofReader, PofWriter, UserTypeReader, UserTypeWriter, WriteError};
///
/// #[derive(Debug, PartialEq)]
/// struct Person {
///     name: Option<String>,
///     age: i32,
/// }
///
/// impl PofObject for Person {
///     const TYPE_ID: u32 = 1001;
///
///     fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Result<(), WriteError> {
///         writer.string(0, self.name.as_deref())?;
///         writer.int32(1, self.age)
///     }
///
///     fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Result<Self, DecodeError> {
///         Ok(Person { name: reader.string(0)?, age: reader.int32(1)? })
///     }
/// }
///
/// let ann = Person { name: Some("Ann".to_owned()), age: 50 };
/// let mut pof = Vec::new();
/// PofWriter::new(&mut pof).object(&ann).unwrap();
/// assert_eq!(PofReader::new(&pof).object::<Person>().unwrap(), Some(ann));
/// ```
pub trait PofObject: Sized {
    /// The number of the class in the POF configuration, at most `i32::MAX`. Applications have those from 1000.
    const TYPE_ID: u32;

    /// The version that this implementation writes, if the class is [`evolvable`](Self::evolvable). Java writes 0 for
    /// all others.
    const VERSION: u32 = 0;

    /// Writes the properties, in rising order of index.
    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Result<(), WriteError>;

    /// Reads the properties, in rising order of index. An evolvable class ends by
    /// [`UserTypeReader::evolvable`].
    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Result<Self, DecodeError>;

    /// What a newer version of the class has written, to be written again. `None` for a class that is not evolvable.
    fn evolvable(&self) -> Option<&Evolvable> {
        None
    }
}

/// What an object keeps of data that was written by a newer version of its class, as Java's `Evolvable`.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Evolvable {
    /// The version of the data that the object was read from, 0 for a new object.
    pub data_version: u32,
    /// The properties that this version does not know, as they were.
    pub future_data: Vec<u8>,
}
