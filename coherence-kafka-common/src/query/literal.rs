//! Values of an application in a query: their format is known only when the query is sent.

use std::fmt;
use std::sync::Arc;

use serde::Serialize;

use crate::binary::FMT_EXT;
use crate::pof::{PofContext, PofWriter, serde as pof};
use crate::serializer::SerializerError;
use crate::serializer::json::{self, JsonClasses};

/// Any value that serde can write. Cheap to clone.
#[derive(Clone)]
pub(super) struct Literal(Arc<dyn Write>);

trait Write: Send + Sync {
    fn pof(&self, context: &PofContext, writer: &mut PofWriter<'_>) -> Result<(), SerializerError>;
    fn json(&self, classes: &JsonClasses) -> Result<Vec<u8>, SerializerError>;
}

impl<T: Serialize + Send + Sync> Write for T {
    fn pof(&self, context: &PofContext, writer: &mut PofWriter<'_>) -> Result<(), SerializerError> {
        Ok(pof::write(context, self, writer)?)
    }

    fn json(&self, classes: &JsonClasses) -> Result<Vec<u8>, SerializerError> {
        json::to_binary(self, classes)
    }
}

impl Literal {
    pub(super) fn new(value: impl Serialize + Send + Sync + 'static) -> Self {
        Self(Arc::new(value))
    }

    pub(super) fn all<T: Serialize + Send + Sync + 'static>(
        values: impl IntoIterator<Item = T>,
    ) -> Vec<Self> {
        values.into_iter().map(Self::new).collect()
    }

    pub(super) fn write_pof(
        &self,
        context: &PofContext,
        writer: &mut PofWriter<'_>,
    ) -> Result<(), SerializerError> {
        self.0.pof(context, writer)
    }

    pub(super) fn write_json(&self, classes: &JsonClasses, out: &mut Vec<u8>) -> Result<(), SerializerError> {
        let binary = self.0.json(classes)?;
        out.extend_from_slice(binary.strip_prefix(&[FMT_EXT]).unwrap_or(&binary));
        Ok(())
    }
}

/// Without the value, which is a payload.
impl fmt::Debug for Literal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("_")
    }
}
