//! `JsonSchemaConverter`: JSON whose schema is in a registry.
//!
//! ```text
//! tree.rs   text → JSON                        schema.rs  JSON Schema → Connect schema   data.rs  JSON → values under it
//! write.rs  Connect schema → JSON Schema       text.rs    values → JSON
//! ```

use std::borrow::Cow;

use coherence_kafka_connect::converter::Options;
use coherence_kafka_connect::data::{Schema, SchemaAndValue, Value};

use self::data::Under;
use self::schema::{JsonOptions, JsonSchema};
use self::text::WriteOptions;
use self::tree::Node;
use crate::converter::{Format, NO_SCHEMA, NOT_LATEST};
use crate::framing::Framed;
use crate::registry::{RegisteredSchema, SchemaType};

mod data;
mod schema;
mod text;
mod tree;
mod write;

#[derive(Debug)]
pub(crate) struct Json {
    read: JsonOptions,
    write: WriteOptions,
}

impl Format for Json {
    const CLASS: &'static str = "io.confluent.connect.json.JsonSchemaConverter";
    const SCHEMA_TYPE: SchemaType = SchemaType::Json;

    type Known = JsonSchema;
    type Plan = ();

    fn create(options: &mut Options<'_>) -> Self {
        let read = JsonOptions {
            optional_if_not_required: options.boolean("use.optional.for.nonrequired", false),
            flatten: options.boolean("flatten.singleton.unions", false),
        };
        for key in ["json.fail.invalid.schema", "generalized.sum.type.support"] {
            if options.boolean(key, false) {
                options.invalid(key, "only false is built in");
            }
        }
        let numeric_decimals = options.numeric_decimals();
        let additional_properties = options.boolean("object.additional.properties", true);
        let null_is_default = !options.boolean("ignore.default.for.nullables", false);
        Self { read, write: WriteOptions { numeric_decimals, additional_properties, null_is_default } }
    }

    fn cannot_read(topic: &str) -> String {
        format!(
            "Converting byte[] to Kafka Connect data failed due to serialization error of topic {topic}: "
        )
    }

    fn cannot_write(topic: &str) -> String {
        format!(
            "Converting Kafka Connect data to byte[] failed due to serialization error of topic {topic}: "
        )
    }

    fn known(&self, schema: &RegisteredSchema) -> Result<JsonSchema, String> {
        let root = Node::parse(&schema.text)?;
        let mut others = Vec::with_capacity(schema.references.len());
        for (name, text) in &schema.references {
            others.push((name.as_str(), Node::parse(text).map_err(|why| format!("{name}: {why}"))?));
        }
        schema::read(&root, &others, self.read)
    }

    fn read<'a>(&self, known: &JsonSchema, framed: &Framed<'a>) -> Result<SchemaAndValue<'a>, String> {
        let text = std::str::from_utf8(framed.data)
            .map_err(|error| format!("invalid UTF-8 at byte {} of the data", error.valid_up_to()))?;
        let node = Node::parse(text).map_err(|why| format!("{why} of the data"))?;
        let under = Under { whole: &known.whole, null_is_default: self.write.null_is_default };
        let value = data::read(&known.schema, &node, under)?;
        Ok(SchemaAndValue { schema: Some(Cow::Owned(known.schema.clone())), value })
    }

    fn read_as<'a>(
        &self,
        _: &JsonSchema,
        latest: &JsonSchema,
        framed: &Framed<'a>,
    ) -> Result<SchemaAndValue<'a>, String> {
        self.read(latest, framed)
    }

    fn plan_as(
        &self,
        latest: &RegisteredSchema,
        strict: bool,
        schema: Option<&Schema>,
    ) -> Result<(), String> {
        let (text, ()) = self.plan(schema)?;
        if !strict {
            return Ok(());
        }
        let own = RegisteredSchema { schema_type: Self::SCHEMA_TYPE, text, references: Vec::new() };
        let (own, latest) = (self.known(&own)?, self.known(latest)?);
        let fits = schema::fits(&own.schema, &latest.schema);
        if fits { Ok(()) } else { Err(format!("{NOT_LATEST}, or latest.compatibility.strict=false")) }
    }

    fn plan(&self, schema: Option<&Schema>) -> Result<(String, ()), String> {
        write::schema_text(schema.ok_or(NO_SCHEMA)?, self.write).map(|text| (text, ()))
    }

    fn write(
        &self,
        (): &(),
        schema: Option<&Schema>,
        value: &Value<'_>,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        text::data(schema.ok_or(NO_SCHEMA)?, value, self.write, out)
    }
}

#[cfg(test)]
mod tests;
