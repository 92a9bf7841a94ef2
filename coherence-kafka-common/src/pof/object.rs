//! Classes whose properties are written and read by hand, and what writes and reads their objects.

use super::reader::{PofReader, UserTypeReader};
use super::scalar::invalid;
use super::writer::{PofWriter, UniformElement, UserTypeWriter, WriteError};
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

impl PofWriter<'_> {
    /// An object of a class that is written by hand.
    pub fn object<T: PofObject>(&mut self, object: &T) -> Result<(), WriteError> {
        self.unsigned(T::TYPE_ID);
        self.object_body(object)
    }

    fn object_body<T: PofObject>(&mut self, object: &T) -> Result<(), WriteError> {
        let evolvable = object.evolvable();
        let version = evolvable.map_or(0, |evolvable| evolvable.data_version.max(T::VERSION));
        self.user_body(T::TYPE_ID, version, |properties| {
            object.write_properties(properties)?;
            if let Some(evolvable) = evolvable {
                properties.remainder(&evolvable.future_data);
            }
            Ok(())
        })
    }
}

impl<T: PofObject> UniformElement for T {
    const TYPE: i32 = T::TYPE_ID as i32;

    fn write_body(&self, writer: &mut PofWriter<'_>) -> Result<(), WriteError> {
        writer.object_body(self)
    }
}

impl PofReader<'_> {
    /// An object of a class that is read by hand. Another class is refused.
    pub fn object<T: PofObject>(&mut self) -> Result<Option<T>, DecodeError> {
        let start = self.offset();
        self.user_type(|properties| {
            if properties.type_id() != T::TYPE_ID {
                return Err(invalid(start, "an object", "user type of another class"));
            }
            T::read_properties(properties)
        })
    }
}

impl UserTypeReader<'_, '_> {
    /// An object of a class that is read by hand.
    pub fn object<T: PofObject>(&mut self, index: u32) -> Result<Option<T>, DecodeError> {
        self.value(index)?.map_or(Ok(None), PofReader::object)
    }

    /// What an evolvable object keeps: the version and the properties behind the last one asked for.
    pub fn evolvable(&mut self) -> Result<Evolvable, DecodeError> {
        Ok(Evolvable { data_version: self.version(), future_data: self.remainder()?.to_vec() })
    }
}
