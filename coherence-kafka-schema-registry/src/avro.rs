//! `AvroConverter`: Avro data whose schema is in a registry.
//!
//! ```text
//! schema.rs   JSON → Avro schema            plan.rs     Avro schema → Connect schema, and the steps of reading
//! node.rs     the steps                     default.rs  default values
//! reader.rs   data → values, by the steps   write.rs    Connect schema → Avro schema, values → data
//! resolve.rs  values of one version of a schema as another one describes them
//! ```
//!
//! Every record is read with the schema that it was written with.

use std::borrow::Cow;

use coherence_kafka_connect::converter::Options;
use coherence_kafka_connect::data::{Schema, SchemaAndValue, Value};

use self::plan::{AvroOptions, Plan};
use self::reader::Reader;
use self::schema::{AvroSchema, Kind};
use self::write::WriteOptions;
use crate::converter::{Format, NOT_LATEST};
use crate::framing::Framed;
use crate::registry::{RegisteredSchema, SchemaType};

mod default;
mod node;
mod plan;
mod reader;
mod resolve;
mod schema;
mod write;

#[derive(Debug)]
pub(crate) struct Avro {
    read: AvroOptions,
    write: WriteOptions,
    null_is_default: bool,
}

/// A schema of the registry.
#[derive(Debug)]
pub(crate) struct Known {
    plan: Plan,
    /// The serializers write bytes at the top as they are.
    is_bytes: bool,
}

impl Format for Avro {
    const CLASS: &'static str = "io.confluent.connect.avro.AvroConverter";
    const SCHEMA_TYPE: SchemaType = SchemaType::Avro;

    type Known = Known;
    type Plan = ();

    fn create(options: &mut Options<'_>) -> Self {
        let read = AvroOptions {
            enhanced: options.boolean("enhanced.avro.schema.support", false),
            meta_data: options.boolean("connect.meta.data", true),
            flatten: options.boolean("flatten.singleton.unions", true),
        };
        if options.boolean("generalized.sum.type.support", false) {
            options.invalid("generalized.sum.type.support", "only false is built in");
        }
        let write = WriteOptions {
            enhanced: read.enhanced,
            meta_data: read.meta_data,
            scrub: options.boolean("scrub.invalid.names", false),
        };
        let null_is_default = !options.boolean("ignore.default.for.nullables", false);
        Self { read, write, null_is_default }
    }

    fn cannot_read(topic: &str) -> String {
        format!("Failed to deserialize data for topic {topic} to Avro: ")
    }

    fn cannot_write(topic: &str) -> String {
        format!("Failed to serialize Avro data from topic {topic} : ")
    }

    fn known(&self, schema: &RegisteredSchema) -> Result<Known, String> {
        let references = schema.references.iter().map(|(_, text)| text.as_str());
        let avro = AvroSchema::parse(&schema.text, references)?;
        let is_bytes = avro.root.kind == Kind::Bytes;
        Ok(Known { plan: Plan::new(&avro, self.read)?, is_bytes })
    }

    fn read<'a>(&self, known: &Known, framed: &Framed<'a>) -> Result<SchemaAndValue<'a>, String> {
        let reader = Reader::new(&known.plan, framed.data, self.null_is_default);
        let read = if known.is_bytes { reader.whole() } else { reader.read() };
        let value = read.map_err(|fault| fault.to_string())?;
        Ok(SchemaAndValue { schema: known.plan.schema.clone().map(Cow::Owned), value })
    }

    fn read_as<'a>(
        &self,
        known: &Known,
        latest: &Known,
        framed: &Framed<'a>,
    ) -> Result<SchemaAndValue<'a>, String> {
        let read = self.read(known, framed)?;
        let Some(schema) = &latest.plan.schema else { return Ok(read) };
        let value = resolve::resolve(read.value, schema)?;
        Ok(SchemaAndValue { schema: Some(Cow::Owned(schema.clone())), value })
    }

    fn plan_as(&self, latest: &RegisteredSchema, _: bool, schema: Option<&Schema>) -> Result<(), String> {
        let own = AvroSchema::parse(&self.plan(schema)?.0, [])?;
        let latest =
            AvroSchema::parse(&latest.text, latest.references.iter().map(|(_, text)| text.as_str()))?;
        if resolve::is_same_data(&own, &latest) { Ok(()) } else { Err(NOT_LATEST.to_owned()) }
    }

    fn plan(&self, schema: Option<&Schema>) -> Result<(String, ()), String> {
        write::schema_text(schema, self.write).map(|text| (text, ()))
    }

    fn write(
        &self,
        (): &(),
        schema: Option<&Schema>,
        value: &Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        write::data(schema, value, self.write, out)
    }
}

#[cfg(test)]
mod tests;
