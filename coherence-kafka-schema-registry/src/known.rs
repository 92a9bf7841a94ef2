//! The schemas that a converter has met, each in the form in which it reads data with it.

use std::collections::VecDeque;
use std::fmt::Debug;
use std::sync::Arc;

use coherence_kafka_connect::converter::{Options, Role};
use coherence_kafka_connect::data::Schema;
use coherence_kafka_connect::error::ConnectError;
use parking_lot::Mutex;

use crate::framing::SchemaId;
use crate::registry::cache::SchemaCache;
use crate::registry::{RegisteredSchema, SchemaRegistry, SchemaType, Settings};
use crate::subject::Strategy;

/// What all converters of this crate have: a registry, and what they know from it.
#[derive(Debug)]
pub(crate) struct KnownSchemas<T, P> {
    role: Role,
    schema_type: SchemaType,
    strategy: Strategy,
    registry: SchemaRegistry,
    /// A schema that cannot be read stays so: its reason is kept too.
    schemas: SchemaCache<Result<Arc<T>, String>>,
    /// `auto.register.schemas`.
    registers: bool,
    /// `normalize.schemas`.
    normalizes: bool,
    /// The latest schemas of written data, the latest first.
    written: Mutex<VecDeque<Written<P>>>,
}

/// A schema of written data, its id in the registry, and how the data is written.
#[derive(Debug)]
struct Written<P> {
    topic: Box<str>,
    schema: Option<Arc<Schema>>,
    id: u32,
    plan: P,
}

/// Schemas of written data that are kept: a topic seldom has more than a few.
const MAX_WRITTEN: usize = 32;

impl<T: Debug, P: Clone> KnownSchemas<T, P> {
    /// Reads the options of the registry; `None` where one was refused.
    pub(crate) fn create(role: Role, schema_type: SchemaType, options: &mut Options<'_>) -> Option<Self> {
        let strategy = Strategy::read(role, options);
        let registers = options.boolean("auto.register.schemas", true);
        let normalizes = options.boolean("normalize.schemas", false);
        if options.boolean("use.latest.version", false) {
            options.invalid("use.latest.version", "only false is built in");
        }
        let settings = Settings::read(options)?;
        match SchemaRegistry::new(&settings) {
            Ok(registry) => {
                let schemas = SchemaCache::new(settings.cached);
                let (strategy, written) = (strategy?, Mutex::default());
                Some(Self { role, schema_type, strategy, registry, schemas, registers, normalizes, written })
            }
            Err(why) => {
                options.refuse("schema.registry.url", why);
                None
            }
        }
    }

    /// Returns the id of a schema of written data, which is registered or looked up where it is new, and how the data is
    /// written. `plan` gives the text of the schema and the latter, and `failed` is the beginning of an error's text.
    pub(crate) fn written(
        &self,
        topic: &str,
        schema: Option<&Arc<Schema>>,
        failed: impl Fn() -> String,
        plan: impl FnOnce() -> Result<(String, P), String>,
    ) -> Result<(u32, P), ConnectError> {
        let is_known = |known: &&Written<P>| {
            *known.topic == *topic
                && match (&known.schema, schema) {
                    (Some(known), Some(schema)) => Arc::ptr_eq(known, schema) || *known == *schema,
                    (known, schema) => known.is_none() && schema.is_none(),
                }
        };
        if let Some(known) = self.written.lock().iter().find(is_known) {
            return Ok((known.id, known.plan.clone()));
        }
        let bad = |why: String| ConnectError::data(failed()).because(why);
        let (text, plan) = plan().map_err(bad)?;
        let name = schema.and_then(|schema| schema.name.as_deref());
        let subject = self.strategy.of_record(self.role, topic, name).map_err(|why| bad(why.to_owned()))?;
        let id = match self.registers {
            true => self.registry.register(&subject, self.schema_type, &text, self.normalizes),
            false => self.registry.lookup(&subject, self.schema_type, &text, self.normalizes),
        }
        .map_err(|error| error.under(failed()))?;
        let mut written = self.written.lock();
        written.truncate(MAX_WRITTEN - 1);
        written.push_front(Written { topic: topic.into(), schema: schema.cloned(), id, plan: plan.clone() });
        Ok((id, plan))
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
