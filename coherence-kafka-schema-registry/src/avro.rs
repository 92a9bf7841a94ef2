//! `AvroConverter`: Avro data whose schema is in a registry.
//!
//! ```text
//! schema.rs   JSON → Avro schema            plan.rs     Avro schema → Connect schema, and the steps of reading
//! node.rs     the steps                     default.rs  default values
//! reader.rs   data → values, by the steps   write.rs    Connect schema → Avro schema, values → data
//! ```
//!
//! Every record is read with the schema that it was written with.

use std::borrow::Cow;
use std::sync::Arc;

use coherence_kafka_connect::converter::{Converter, Options, Role};
use coherence_kafka_connect::data::{Schema, SchemaAndValue, Value};
use coherence_kafka_connect::error::ConnectError;
use coherence_kafka_connect::record::{RawHeader, RawHeaders};

use self::plan::{AvroOptions, Plan};
use self::reader::Reader;
use self::schema::{AvroSchema, Kind};
use self::write::WriteOptions;
use crate::framing::{self, Framed};
use crate::known::KnownSchemas;
use crate::registry::{RegisteredSchema, SchemaType};

mod default;
mod node;
mod plan;
mod reader;
mod schema;
mod write;

pub(crate) const CLASS: &str = "io.confluent.connect.avro.AvroConverter";

pub(crate) fn create(role: Role, options: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
    let avro = AvroOptions {
        enhanced: options.boolean("enhanced.avro.schema.support", false),
        meta_data: options.boolean("connect.meta.data", true),
        flatten: options.boolean("flatten.singleton.unions", true),
    };
    if options.boolean("generalized.sum.type.support", false) {
        options.invalid("generalized.sum.type.support", "only false is built in");
    }
    let write = WriteOptions { enhanced: avro.enhanced, meta_data: avro.meta_data };
    let null_is_default = !options.boolean("ignore.default.for.nullables", false);
    let known = KnownSchemas::create(role, SchemaType::Avro, options)?;
    Some(Arc::new(AvroConverter { avro, write, null_is_default, known }))
}

#[derive(Debug)]
struct AvroConverter {
    avro: AvroOptions,
    write: WriteOptions,
    null_is_default: bool,
    known: KnownSchemas<Known>,
}

/// A schema of the registry.
#[derive(Debug)]
struct Known {
    plan: Plan,
    /// The serializers write bytes at the top as they are.
    is_bytes: bool,
}

impl AvroConverter {
    fn known(&self, schema: &RegisteredSchema) -> Result<Known, String> {
        let references = schema.references.iter().map(|(_, text)| text.as_str());
        let avro = AvroSchema::parse(&schema.text, references)?;
        let is_bytes = avro.root.kind == Kind::Bytes;
        Ok(Known { plan: Plan::new(&avro, self.avro)?, is_bytes })
    }
}

impl Converter for AvroConverter {
    fn to_connect<'a>(
        &'a self,
        topic: &str,
        headers: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let Some(bytes) = bytes else {
            return Ok(SchemaAndValue { schema: None, value: Value::Null });
        };
        let failed = || format!("Failed to deserialize data for topic {topic} to Avro: ");
        let data = |why: String| ConnectError::data(failed()).because(why);
        let framed =
            Framed::read(self.known.role(), headers, bytes, false).map_err(|e| data(e.to_string()))?;
        let known = self.known.get(topic, framed.id, failed, |schema| self.known(schema))?;
        let reader = Reader::new(&known.plan, framed.data, self.null_is_default);
        let read = if known.is_bytes { reader.whole() } else { reader.read() };
        let value = read.map_err(|fault| data(format!("{fault}, schema {}", framed.id)))?;
        Ok(SchemaAndValue { schema: known.plan.schema.clone().map(Cow::Owned), value })
    }

    fn from_connect(
        &self,
        topic: &str,
        _: &mut Vec<RawHeader>,
        schema: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        if *value == Value::Null {
            return Ok(None);
        }
        let failed = || format!("Failed to serialize Avro data from topic {topic} : ");
        let text = || write::schema_text(schema.map(|schema| &**schema), self.write);
        let id = self.known.written(topic, schema, failed, text)?;
        let mut bytes = Vec::with_capacity(64);
        framing::write(id, &mut bytes);
        write::data(schema.map(|schema| &**schema), value, self.write, &mut bytes)
            .map_err(|why| ConnectError::data(failed()).because(why))?;
        Ok(Some(bytes))
    }

    fn class_name(&self) -> &'static str {
        CLASS
    }
}

#[cfg(test)]
mod tests;
