//! The formats without a registry, for the fuzz targets: a record has the text of its schema in front.
//!
//! ```text
//! text of the schema | 00 | message indexes, if the format has them | data
//! ```

use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_connect::converter::{Converter, ConverterClass, Options, Role, create_from};
use coherence_kafka_connect::data::{Schema, SchemaAndValue, Value};
use coherence_kafka_connect::error::ConnectError;
use coherence_kafka_connect::record::{RawHeader, RawHeaders};

use crate::avro::Avro;
use crate::converter::Format;
use crate::framing::{self, Framed};
use crate::json::Json;
use crate::protobuf::Protobuf;
use crate::registry::RegisteredSchema;

static CLASSES: [ConverterClass; 3] = [class::<Avro>(), class::<Json>(), class::<Protobuf>()];

const fn class<F: Format>() -> ConverterClass {
    ConverterClass { class: F::CLASS, create: create::<F> }
}

fn create<F: Format>(_: Role, options: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
    Some(Arc::new(Offline(F::create(options))))
}

/// Returns the converter of a class with these options.
///
/// # Panics
/// The class is unknown, or an option is bad.
pub fn converter(class: &str, options: &[(&str, &str)]) -> Arc<dyn Converter> {
    let options: BTreeMap<_, _> =
        options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    create_from(&[&CLASSES], class, Role::Value, &options).expect("class and options are good")
}

/// Reads a record, writes what was read, and reads that again.
///
/// # Panics
/// A written record cannot be read, or has another value.
pub fn check(converter: &dyn Converter, bytes: &[u8]) {
    let Ok(read) = converter.to_connect("t", &(), Some(bytes)) else { return };
    let schema = read.schema.as_deref();
    let Ok(Some(written)) = converter.from_connect("t", &mut Vec::new(), schema, &read.value) else { return };
    let again = converter.to_connect("t", &(), Some(&written)).expect("a written record is read");
    let same = converter.from_connect("t", &mut Vec::new(), again.schema.as_deref(), &again.value);
    assert_eq!(same.ok().flatten(), Some(written), "a record that is read again is written the same");
}

#[derive(Debug)]
struct Offline<F>(F);

fn registered<F: Format>(text: &str) -> RegisteredSchema {
    RegisteredSchema { schema_type: F::SCHEMA_TYPE, text: text.to_owned(), references: Vec::new() }
}

impl<F: Format> Converter for Offline<F> {
    fn to_connect<'a>(
        &'a self,
        _: &str,
        headers: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let bytes = bytes.unwrap_or_default();
        let at = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
        let text =
            std::str::from_utf8(&bytes[..at]).map_err(|error| ConnectError::data(error.to_string()))?;
        let mut framed = Vec::new();
        framing::write(1, &mut framed);
        framed.extend_from_slice(bytes.get(at + 1..).unwrap_or_default());
        let framed = Framed::read(Role::Value, headers, &framed, F::HAS_MESSAGE)?;
        let known = self.0.known(&registered::<F>(text)).map_err(ConnectError::data)?;
        Ok(self.0.read(&known, &framed).map_err(ConnectError::data)?.into_owned())
    }

    fn from_connect(
        &self,
        _: &str,
        _: &mut Vec<RawHeader>,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        let schema = schema.map(|schema| &**schema);
        let (text, plan) = self.0.plan(schema).map_err(ConnectError::data)?;
        let mut bytes = [text.as_bytes(), &[0]].concat();
        self.0.write(&plan, schema, value, &mut bytes).map_err(ConnectError::data)?;
        Ok(Some(bytes))
    }

    fn class_name(&self) -> &'static str {
        F::CLASS
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_of_every_format_are_read_written_and_read_again() {
        for (class, record) in [
            (
                "Avro",
                &b"{\"type\":\"record\",\"name\":\"R\",\"fields\":[{\"name\":\"x\",\"type\":\"int\"}]}\0\x0a"
                    [..],
            ),
            ("JsonSchema", b"{\"type\":\"object\",\"properties\":{\"x\":{\"type\":\"integer\"}}}\0{\"x\":5}"),
            ("Protobuf", b"syntax = \"proto3\"; message A { int32 x = 1; }\0\0\x08\x05"),
        ] {
            let converter = converter(class, &[]);
            let read = converter.to_connect("t", &(), Some(record)).unwrap();
            assert!(matches!(read.value, Value::Struct(of) if of.values.len() == 1), "{class}");
            check(&*converter, record);
        }
    }
}
