//! The schemas that a converter has met, each in the form in which it reads data with it.

use std::fmt::Debug;
use std::sync::Arc;

use coherence_kafka_connect::converter::{Options, Role};
use coherence_kafka_connect::data::Value;
use coherence_kafka_connect::error::ConnectError;

use crate::framing::SchemaId;
use crate::registry::cache::SchemaCache;
use crate::registry::{RegisteredSchema, SchemaRegistry, SchemaType, Settings};
use crate::subject::Strategy;

/// Returns the bytes of a null, and refuses everything else.
pub(crate) fn read_only(topic: &str, value: &Value<'_>) -> Result<Option<Vec<u8>>, ConnectError> {
    match value {
        Value::Null => Ok(None),
        _ => Err(ConnectError::data(format!("Failed to serialize data of topic {topic}"))
            .because("this converter only reads: choose another one to write data")),
    }
}

/// What all converters of this crate have: a registry, and what they know from it.
#[derive(Debug)]
pub(crate) struct KnownSchemas<T> {
    role: Role,
    schema_type: SchemaType,
    strategy: Strategy,
    registry: SchemaRegistry,
    /// A schema that cannot be read stays so: its reason is kept too.
    schemas: SchemaCache<Result<Arc<T>, String>>,
}

impl<T: Debug> KnownSchemas<T> {
    /// Reads the options of the registry; `None` where one was refused.
    pub(crate) fn create(role: Role, schema_type: SchemaType, options: &mut Options<'_>) -> Option<Self> {
        let strategy = Strategy::read(role, options);
        let settings = Settings::read(options)?;
        match SchemaRegistry::new(&settings) {
            Ok(registry) => {
                let schemas = SchemaCache::new(settings.cached);
                Some(Self { role, schema_type, strategy: strategy?, registry, schemas })
            }
            Err(why) => {
                options.refuse("schema.registry.url", why);
                None
            }
        }
    }

    pub(crate) fn role(&self) -> Role {
        self.role
    }

    /// Returns the schema of this id in the form that `parse` gives it; `failed` is the beginning of an error's text.
    pub(crate) fn get(
        &self,
        topic: &str,
        id: SchemaId,
        failed: impl Fn() -> String,
        parse: impl FnOnce(&RegisteredSchema) -> Result<T, String>,
    ) -> Result<Arc<T>, ConnectError> {
        // A topic determines its subject, and needs no new text for every record.
        let place = self.strategy.is_of_topic().then_some(topic);
        let load = || {
            let subject = self.strategy.of_topic(self.role, topic);
            let schema = self.registry.schema(id, subject.as_deref())?;
            if schema.schema_type != self.schema_type {
                let (found, expected) = (schema.schema_type.name(), self.schema_type.name());
                return Ok(Err(format!("schema {id} is {found}, and this converter reads {expected}")));
            }
            let parsed = parse(&schema).map_err(|why| format!("schema {id} cannot be used: {why}"));
            Ok(parsed.map(Arc::new))
        };
        match self.schemas.get(id, place, load) {
            Ok(known) => (*known).clone().map_err(|why| ConnectError::data(failed()).because(why)),
            Err(error) => Err(error.under(failed())),
        }
    }
}
