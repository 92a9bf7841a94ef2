//! `JsonSchemaConverter`: JSON whose schema is in a registry.
//!
//! ```text
//! tree.rs  text → JSON      schema.rs  JSON Schema → Connect schema      data.rs  JSON → values under it
//! ```

use std::borrow::Cow;
use std::sync::Arc;

use coherence_kafka_connect::converter::{Converter, Options, Role};
use coherence_kafka_connect::data::{Schema, SchemaAndValue, Value};
use coherence_kafka_connect::error::ConnectError;
use coherence_kafka_connect::record::{RawHeader, RawHeaders};

use self::data::Under;
use self::schema::{JsonOptions, JsonSchema};
use self::tree::Node;
use crate::framing::Framed;
use crate::known::{self, KnownSchemas};
use crate::registry::{RegisteredSchema, SchemaType};

mod data;
mod schema;
mod tree;

pub(crate) const CLASS: &str = "io.confluent.connect.json.JsonSchemaConverter";

pub(crate) fn create(role: Role, options: &mut Options<'_>) -> Option<Arc<dyn Converter>> {
    let json = JsonOptions {
        optional_if_not_required: options.boolean("use.optional.for.nonrequired", false),
        flatten: options.boolean("flatten.singleton.unions", false),
    };
    for key in ["json.fail.invalid.schema", "generalized.sum.type.support"] {
        if options.boolean(key, false) {
            options.invalid(key, "only false is built in");
        }
    }
    let null_is_default = !options.boolean("ignore.default.for.nullables", false);
    let known = KnownSchemas::create(role, SchemaType::Json, options)?;
    Some(Arc::new(JsonSchemaConverter { json, null_is_default, known }))
}

#[derive(Debug)]
struct JsonSchemaConverter {
    json: JsonOptions,
    null_is_default: bool,
    known: KnownSchemas<JsonSchema>,
}

impl JsonSchemaConverter {
    fn known(&self, schema: &RegisteredSchema) -> Result<JsonSchema, String> {
        let root = Node::parse(&schema.text)?;
        let mut others = Vec::with_capacity(schema.references.len());
        for (name, text) in &schema.references {
            others.push((name.as_str(), Node::parse(text).map_err(|why| format!("{name}: {why}"))?));
        }
        schema::read(&root, &others, self.json)
    }
}

impl Converter for JsonSchemaConverter {
    fn to_connect<'a>(
        &'a self,
        topic: &str,
        headers: &dyn RawHeaders,
        bytes: Option<&'a [u8]>,
    ) -> Result<SchemaAndValue<'a>, ConnectError> {
        let Some(bytes) = bytes else {
            return Ok(SchemaAndValue { schema: None, value: Value::Null });
        };
        let failed = || {
            format!(
                "Converting byte[] to Kafka Connect data failed due to serialization error of topic {topic}: "
            )
        };
        let data = |why: String| ConnectError::data(failed()).because(why);
        let framed =
            Framed::read(self.known.role(), headers, bytes, false).map_err(|e| data(e.to_string()))?;
        let known = self.known.get(topic, framed.id, failed, |schema| self.known(schema))?;
        let text = std::str::from_utf8(framed.data)
            .map_err(|error| data(format!("invalid UTF-8 at byte {} of the data", error.valid_up_to())))?;
        let node = Node::parse(text).map_err(|why| data(format!("{why} of the data")))?;
        let under = Under { whole: &known.whole, null_is_default: self.null_is_default };
        let value = data::read(&known.schema, &node, under)
            .map_err(|why| data(format!("{why}, schema {}", framed.id)))?;
        Ok(SchemaAndValue { schema: Some(Cow::Owned(known.schema.clone())), value })
    }

    fn from_connect(
        &self,
        topic: &str,
        _: &mut Vec<RawHeader>,
        _: Option<&Arc<Schema>>,
        value: &Value<'_>,
    ) -> Result<Option<Vec<u8>>, ConnectError> {
        known::read_only(topic, value)
    }

    fn class_name(&self) -> &'static str {
        CLASS
    }
}

#[cfg(test)]
mod tests;
