//! `ByteArrayConverter`: the bytes as they are.

use std::borrow::Cow;
use std::sync::Arc;

use super::options::Options;
use super::{Converter, Role, unwrapped};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Value};
use crate::error::ConnectError;
use crate::record::{RawHeader, RawHeaders};

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

    fn from_connect(
        &self,
        _: &str,
        _: &mut Vec<RawHeader>,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        if let Some(schema) = schema.filter(|schema| schema.kind != SchemaKind::Bytes) {
            let kind = &schema.kind;
            return Err(ConnectError::data(format!("Invalid schema type for ByteArrayConverter: {kind}")));
        }
        match &*unwrapped(value)? {
            Value::Null => Ok(None),
            Value::Bytes(bytes) => Ok(Some(bytes.to_vec())),
            value => Err(ConnectError::data(format!(
                "ByteArrayConverter is not compatible with objects of type class {}",
                value.class_name()
            ))),
        }
    }

    fn class_name(&self) -> &'static str {
        CLASS
    }
}
