//! Connect's converters of fixed width: Short, Integer, Long, Float, Double, Boolean.

use std::borrow::Cow;
use std::sync::Arc;

use super::deserializer::Element;
use super::options::Options;
use super::{Converter, Role, unwrapped};
use crate::data::{Schema, SchemaAndValue, SchemaKind, Value};
use crate::error::ConnectError;
use crate::record::{RawHeader, RawHeaders};

pub(super) const SHORT: &str = "org.apache.kafka.connect.converters.ShortConverter";
pub(super) const INTEGER: &str = "org.apache.kafka.connect.converters.IntegerConverter";
pub(super) const LONG: &str = "org.apache.kafka.connect.converters.LongConverter";
pub(super) const FLOAT: &str = "org.apache.kafka.connect.converters.FloatConverter";
pub(super) const DOUBLE: &str = "org.apache.kafka.connect.converters.DoubleConverter";
pub(super) const BOOLEAN: &str = "org.apache.kafka.connect.converters.BooleanConverter";

type Created = Option<Arc<dyn Converter>>;

pub(super) fn short(_: Role, _: &mut Options<'_>) -> Created {
    converter(SHORT, SchemaKind::Int16, Element::Short, "short")
}

pub(super) fn integer(_: Role, _: &mut Options<'_>) -> Created {
    converter(INTEGER, SchemaKind::Int32, Element::Integer, "integer")
}

pub(super) fn long(_: Role, _: &mut Options<'_>) -> Created {
    converter(LONG, SchemaKind::Int64, Element::Long, "long")
}

pub(super) fn float(_: Role, _: &mut Options<'_>) -> Created {
    converter(FLOAT, SchemaKind::Float32, Element::Float, "float")
}

pub(super) fn double(_: Role, _: &mut Options<'_>) -> Created {
    converter(DOUBLE, SchemaKind::Float64, Element::Double, "double")
}

pub(super) fn boolean(_: Role, _: &mut Options<'_>) -> Created {
    converter(BOOLEAN, SchemaKind::Boolean, Element::Boolean, "boolean")
}

fn converter(class: &'static str, kind: SchemaKind, element: Element, name: &'static str) -> Created {
    Some(Arc::new(NumberConverter { class, schema: Arc::new(Schema::optional(kind)), element, name }))
}

#[derive(Debug)]
struct NumberConverter {
    class: &'static str,
    schema: Arc<Schema>,
    element: Element,
    /// The type in Connect's messages.
    name: &'static str,
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
            Some(bytes) => self.element.deserialize(bytes).map_err(|why| {
                ConnectError::data(format!("Failed to deserialize {}: ", self.name)).because(why)
            })?,
        };
        Ok(SchemaAndValue { schema: Some(Cow::Borrowed(&self.schema)), value })
    }

    fn from_connect(
        &self,
        _: &str,
        _: &mut Vec<RawHeader>,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        // The only one of them that looks at the schema.
        if self.schema.kind == SchemaKind::Boolean
            && let Some(schema) = schema.filter(|schema| schema.kind != SchemaKind::Boolean)
        {
            let kind = &schema.kind;
            return Err(ConnectError::data(format!("Invalid schema type for BooleanConverter: {kind}")));
        }
        let value = unwrapped(value)?;
        if *value == Value::Null {
            return Ok(None);
        }
        let bytes = self.element.serialize(&value);
        bytes.map(Some).ok_or_else(|| {
            let found = value.class_name();
            match self.schema.kind {
                SchemaKind::Boolean => ConnectError::data(format!(
                    "BooleanConverter is not compatible with objects of type class {found}"
                )),
                _ => {
                    ConnectError::data(format!("Failed to serialize to {} (was class {found}): ", self.name))
                        .because(format!("expected a {} and no other type", self.name))
                }
            }
        })
    }

    fn class_name(&self) -> &'static str {
        self.class
    }
}
