//! `ByteArrayConverter`: the bytes as they are.

use std::borrow::Cow;
use std::sync::Arc;

use super::options::Options;
use super::{Converter, Role};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Value};
use crate::error::ConnectError;
use crate::record::RawHeaders;

pub(super) const CLASS: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

pub(super) fn create(_: Role, _: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
    Some(Arc::new(ByteArrayConverter { schema: Arc::new(Schema::optional(SchemaKind::Bytes)) }))
}

#[derive(Debug)]
struct ByteArrayConverter {
    schema: Arc<Schema>,
}

impl Converter for ByteArrayConverter {
    fn to_connect<'a>(
        &'a self,
        _: &str,
        _: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let value = bytes.map_or(Value::Null, |bytes| Value::Bytes(Cow::Borrowed(bytes)));
        Ok(SchemaAndValue { schema: Some(Cow::Borrowed(&self.schema)), value })
    }

    fn class_name(&self) -> &'static str {
        CLASS
    }
}
