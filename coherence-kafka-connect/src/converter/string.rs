//! `StringConverter`: text in any of the known charsets, which can always be read.
//!
//! Other data is written as `Object.toString()` returns it, with dates in UTC. Java's text of bytes is the address of an
//! object, so that bytes are refused.

use std::borrow::Cow;
use std::sync::Arc;

use coherence_kafka_common::serializer::charset::Charset;

use super::options::Options;
use super::{Converter, Role, java_text, unwrapped};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Value};
use crate::error::ConnectError;
use crate::record::{RawHeader, RawHeaders};

pub(super) const CLASS: &str = "org.apache.kafka.connect.storage.StringConverter";

const ENCODING: &str = "converter.encoding";

pub(super) fn create(_: Role, options: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
    let charset = options.charset(&[ENCODING])?;
    Some(Arc::new(StringConverter { charset, schema: Arc::new(Schema::optional(SchemaKind::String)) }))
}

#[derive(Debug)]
struct StringConverter {
    charset: Charset,
    schema: Arc<Schema>,
}

impl Converter for StringConverter {
    fn to_connect<'a>(
        &'a self,
        _: &str,
        _: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let value = bytes.map_or(Value::Null, |bytes| Value::String(self.charset.decode(bytes)));
        Ok(SchemaAndValue { schema: Some(Cow::Borrowed(&self.schema)), value })
    }

    fn from_connect(
        &self,
        _: &str,
        _: &mut Vec<RawHeader>,
        _: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        let text = match &*unwrapped(value)? {
            Value::Null => return Ok(None),
            Value::String(text) => self.charset.encode(text).into_owned(),
            value => self.charset.encode(&java_text::of(value)?).into_owned(),
        };
        Ok(Some(text))
    }

    fn class_name(&self) -> &'static str {
        CLASS
    }
}
