//! `CustomConverter`: any of Kafka's deserializers, named by an option. Data is written in the format that it reads.
//!
//! The Java converter declares everything it reads to be a struct without fields; here such data has no schema.
//! A null stays null, where the Java converter asks a deserializer that may not expect one.

use std::borrow::Cow;
use std::sync::Arc;

use coherence_kafka_common::serializer::UuidSerde;
use coherence_kafka_common::serializer::charset::Charset;

use super::deserializer::{Deserializer, Element};
use super::options::Options;
use super::{Converter, Role, unwrapped};
use crate::data::{Schema, SchemaAndValue, Value};
use crate::error::ConnectError;
use crate::record::{RawHeader, RawHeaders};

pub(super) const CLASS: &str = "com.oracle.coherence.kafka.connect.util.CustomConverter";

const KAFKA: &str = "org.apache.kafka.common.serialization.";
const POF: &str = "com.oracle.coherence.kafka.pof.KafkaPofDeserializer";

/// Deserializers of [`KAFKA`] that have no others inside, without `Deserializer` behind their names.
const ELEMENTS: [&str; 12] = [
    "String",
    "ByteArray",
    "ByteBuffer",
    "Bytes",
    "Short",
    "Integer",
    "Long",
    "Float",
    "Double",
    "Boolean",
    "UUID",
    "Void",
];

pub(super) fn create(role: Role, options: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
    // The full property is `value.converter.deserializer`; some write the converter's prefix twice.
    let key = ["deserializer", "converter.deserializer"]
        .into_iter()
        .find(|key| options.text(key).is_some())
        .unwrap_or("deserializer");
    let class = options.text(key).unwrap_or("org.apache.kafka.common.serialization.ByteArrayDeserializer");
    let deserializer = deserializer(class, key, role, options)?;
    Some(Arc::new(CustomConverter { role, deserializer }))
}

/// Returns the deserializer `class`, which the option `key` names. `None` when an option was refused.
fn deserializer(class: &str, key: &str, role: Role, options: &mut Options<'_>) -> Option<Deserializer> {
    if class == POF {
        return Some(Deserializer::Pof);
    }
    match class.strip_prefix(KAFKA).and_then(|name| name.strip_suffix("Deserializer")) {
        Some("List") => list(role, options),
        Some(name) if ELEMENTS.contains(&name) => element(name, role, options).map(Deserializer::One),
        _ => {
            let known = ELEMENTS.map(|name| format!("{KAFKA}{name}Deserializer")).join(", ");
            let why = format!(
                "Class {class} could not be found; known are {known}, {KAFKA}ListDeserializer, {POF}"
            );
            options.invalid(key, &why);
            None
        }
    }
}

/// Returns a deserializer of [`ELEMENTS`]; `None` when one of its options was refused.
fn element(name: &str, role: Role, options: &mut Options<'_>) -> Option<Element> {
    Some(match name {
        "String" => Element::String(charset(role, options)?),
        "UUID" => Element::Uuid(UuidSerde::new(charset(role, options)?)),
        "Short" => Element::Short,
        "Integer" => Element::Integer,
        "Long" => Element::Long,
        "Float" => Element::Float,
        "Double" => Element::Double,
        "Boolean" => Element::Boolean,
        "Void" => Element::Void,
        _ => Element::Bytes,
    })
}

fn charset(role: Role, options: &mut Options<'_>) -> Option<Charset> {
    let own = match role {
        Role::Key => "key.deserializer.encoding",
        Role::Value | Role::Header => "value.deserializer.encoding",
    };
    options.charset(&[own, "deserializer.encoding"])
}

/// Returns the deserializer of a list, whose elements are named by a serde, or as Kafka does not allow it, by a
/// deserializer. The class of the list (`….serde.type`) means nothing here.
fn list(role: Role, options: &mut Options<'_>) -> Option<Deserializer> {
    let key = match role {
        Role::Key => "default.list.key.serde.inner",
        Role::Value | Role::Header => "default.list.value.serde.inner",
    };
    let Some(class) = options.text(key) else {
        let message = "Not able to determine the inner serde class because it was neither passed via the \
                       constructor nor set in the config.";
        options.refuse(key, format!("{message} Set {key}, for example to {KAFKA}Serdes$StringSerde"));
        return None;
    };
    let name = class.strip_prefix(KAFKA).and_then(|class| match class.strip_prefix("Serdes$") {
        Some(serde) => serde.strip_suffix("Serde"),
        None => class.strip_suffix("Deserializer"),
    });
    match name.filter(|name| ELEMENTS.contains(name)) {
        Some(name) => Some(Deserializer::List(element(name, role, options)?.list())),
        None => {
            let known = ELEMENTS.map(|name| format!("{KAFKA}Serdes${name}Serde")).join(", ");
            options.invalid(key, &format!("Class {class} could not be found; known are {known}"));
            None
        }
    }
}

#[derive(Debug)]
struct CustomConverter {
    role: Role,
    deserializer: Deserializer,
}

impl Converter for CustomConverter {
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
                .map_err(|why| ConnectError::data("Failed to deserialize object: ").because(why))?,
        };
        Ok(SchemaAndValue { schema: None, value })
    }

    fn from_connect(
        &self,
        _: &str,
        _: &mut Vec<RawHeader>,
        _: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        let value = match self.deserializer {
            Deserializer::Pof => Cow::Borrowed(value),
            _ => unwrapped(value)?,
        };
        match &*value {
            Value::Null => Ok(None),
            value => self
                .deserializer
                .serialize(self.role, value)
                .map(Some)
                .map_err(|why| ConnectError::data("Failed to serialize object: ").because(why)),
        }
    }

    fn class_name(&self) -> &'static str {
        CLASS
    }
}
