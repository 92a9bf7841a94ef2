//! POF: `0x15` and the value, as a grid's serializer named `pof` and the `KafkaPofSerializer` write it.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Deserializer, Header, Serializer, SerializerError};
use crate::binary::FMT_EXT;
use crate::packed::{DecodeError, Problem};
use crate::pof::serde::{Error, undecorated};
use crate::pof::{self, PofContext, PofObject, PofReader, PofWriter, TextEncoding};

/// Any type with serde's derives, and any [`PofValue`](crate::pof::PofValue), as POF. The null of POF is a value to it,
/// `15 64`: an entry that is present and holds null. For a tombstone do not call this serializer; the Java one gets
/// that wrong.
#[derive(Debug, Clone, Default)]
pub struct PofSerde {
    context: Arc<PofContext>,
}

impl PofSerde {
    /// With the user types of `context`. The default has none.
    pub fn new(context: PofContext) -> Self {
        Self { context: Arc::new(context) }
    }
}

impl<T: Serialize + ?Sized> Serializer<T> for PofSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        out.extend(pof::serde::to_binary(&self.context, value)?);
        Ok(())
    }
}

impl<T: DeserializeOwned> Deserializer<T> for PofSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<T, SerializerError> {
        Ok(pof::serde::from_binary(&self.context, bytes)?)
    }
}

/// Objects of classes that are written by hand, as POF: the bytes of the Java class, whatever methods it calls.
///
/// ```
/// use std::sync::Arc;
///
/// use coherence_kafka_common::local::LocalSession;
/// use coherence_kafka_common::map::{Format, Session};
/// use coherence_kafka_common::packed::DecodeError;
/// use coherence_kafka_common::pof::{PofObject, UserTypeReader, UserTypeWriter, WriteError};
/// use coherence_kafka_common::serializer::{PofObjectSerde, PofSerde};
/// use coherence_kafka_common::typed_map::TypedMap;
///
/// #[derive(Debug, PartialEq)]
/// struct LineId {
///     order: i64,
///     line: i32,
/// }
///
/// impl PofObject for LineId {
///     const TYPE_ID: u32 = 1013;
///
///     fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Result<(), WriteError> {
///         writer.int64(0, self.order)?;
///         writer.int32(1, self.line)
///     }
///
///     fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Result<Self, DecodeError> {
///         Ok(LineId { order: reader.int64(0)?, line: reader.int32(1)? })
///     }
/// }
///
/// # futures::FutureExt::now_or_never(async {
/// let map = LocalSession::new(Format::Pof).map("lines").await?;
/// let lines = TypedMap::<LineId, String>::new(
///     map,
///     Arc::new(PofObjectSerde::default()),
///     Arc::new(PofSerde::default()),
/// );
/// let (line, text) = (LineId { order: 77, line: 1 }, "a chair".to_owned());
/// lines.put(&line, &text).await?;
/// assert_eq!(lines.get(&line).await?, Some(text));
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// # }).expect("an embedded map never waits")?;
/// # Ok::<_, Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, Copy, Default)]
pub struct PofObjectSerde {
    text: TextEncoding,
}

impl PofObjectSerde {
    /// With text written in this encoding: [`TextEncoding::Modified`] for grids before 24.09.
    pub fn new(text: TextEncoding) -> Self {
        Self { text }
    }
}

impl<T: PofObject> Serializer<T> for PofObjectSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &T,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        out.push(FMT_EXT);
        let written = PofWriter::with_text(out, self.text).object(value);
        written.map_err(|error| Error::Custom(error.to_string()).into())
    }
}

impl<T: PofObject> Deserializer<T> for PofObjectSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<T, SerializerError> {
        let read = || match undecorated(bytes)? {
            [FMT_EXT, pof @ ..] => {
                let mut reader = PofReader::new(pof);
                let object = reader.object()?;
                reader.finish()?;
                object.ok_or(refused("null where an object is needed"))
            }
            _ => Err(refused("a value of another serializer than POF")),
        };
        read().map_err(|error| Error::from(error).into())
    }
}

fn refused(why: &'static str) -> DecodeError {
    DecodeError { offset: 0, reading: "an object", problem: Problem::Invalid(why) }
}
