//! POF: `0x15` and the value, as a grid's serializer named `pof` and the `KafkaPofSerializer` write it.

use std::sync::Arc;

use serde::Serialize;
use serde::de::DeserializeOwned;

use super::{Deserializer, Header, Serializer, SerializerError};
use crate::pof::{self, PofContext};

/// Any type with serde's derives, and any [`PofValue`](crate::pof::PofValue), as POF. The null of POF is a value to
/// it, `15 64`: an entry that is present and holds null. Whoever wants a tombstone for it must not ask this
/// serializer, which the Java one gets wrong.
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
        out.extend(pof::to_binary(&self.context, value)?);
        Ok(())
    }
}

impl<T: DeserializeOwned> Deserializer<T> for PofSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<T, SerializerError> {
        Ok(pof::from_binary(&self.context, bytes)?)
    }
}
