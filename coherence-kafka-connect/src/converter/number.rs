//! Connect's converters of fixed width: Short, Integer, Long, Float, Double, Boolean.

use std::borrow::Cow;
use std::sync::Arc;

use super::deserializer::{Deserializer, Element};
use super::options::Options;
use super::{Converter, Role};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Value};
use crate::error::ConnectError;
use crate::record::RawHeaders;

pub(super) const SHORT: &str = "org.apache.kafka.connect.converters.ShortConverter";
pub(super) const INTEGER: &str = "org.apache.kafka.connect.converters.IntegerConverter";
pub(super) const LONG: &str = "org.apache.kafka.connect.converters.LongConverter";
pub(super) const FLOAT: &str = "org.apache.kafka.connect.converters.FloatConverter";
pub(super) const DOUBLE: &str = "org.apache.kafka.connect.converters.DoubleConverter";
pub(super) const BOOLEAN: &str = "org.apache.kafka.connect.converters.BooleanConverter";

type Created = Option<Arc<dyn Converter>>;

pub(super) fn short(_: Role, _: &mut Options<'_>) -> Created {
    converter(SHORT, SchemaKind::Int16, Element::Short, "Failed to deserialize short: ")
}

pub(super) fn integer(_: Role, _: &mut Options<'_>) -> Created {
    converter(INTEGER, SchemaKind::Int32, Element::Integer, "Failed to deserialize integer: ")
}

pub(super) fn long(_: Role, _: &mut Options<'_>) -> Created {
    converter(LONG, SchemaKind::Int64, Element::Long, "Failed to deserialize long: ")
}

pub(super) fn float(_: Role, _: &mut Options<'_>) -> Created {
    converter(FLOAT, SchemaKind::Float32, Element::Float, "Failed to deserialize float: ")
}

pub(super) fn double(_: Role, _: &mut Options<'_>) -> Created {
    converter(DOUBLE, SchemaKind::Float64, Element::Double, "Failed to deserialize double: ")
}

pub(super) fn boolean(_: Role, _: &mut Options<'_>) -> Created {
    converter(BOOLEAN, SchemaKind::Boolean, Element::Boolean, "Failed to deserialize boolean: ")
}

fn converter(class: &'static str, kind: SchemaKind, element: Element, failed: &'static str) -> Created {
    let deserializer = Deserializer::One(element);
    let schema = Arc::new(Schema::optional(kind));
    Some(Arc::new(NumberConverter { class, schema, deserializer, failed }))
}

#[derive(Debug)]
struct NumberConverter {
    class: &'static str,
    schema: Arc<Schema>,
    deserializer: Deserializer,
    failed: &'static str,
}

impl Converter for NumberConverter {
    fn to_connect<'a>(
        &'a self,
        _: &str,
        _: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let value = match bytes {
            None => Value::Null,
            Some(bytes) => self
                .deserializer
                .deserialize(bytes)
                .map_err(|why| ConnectError::data(self.failed).because(why))?,
        };
        Ok(SchemaAndValue { schema: Some(Cow::Borrowed(&self.schema)), value })
    }

    fn class_name(&self) -> &'static str {
        self.class
    }
}
