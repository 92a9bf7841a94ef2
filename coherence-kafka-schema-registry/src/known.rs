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
    /// `use.latest.version`: the latest versions of the subjects of topics.
    latest: Option<SchemaCache<Result<Arc<T>, String>>>,
    /// `latest.compatibility.strict`.
    strict: bool,
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
        let uses_latest = options.boolean("use.latest.version", false);
        let strict = options.boolean("latest.compatibility.strict", true);
        if uses_latest && strategy.is_some_and(|strategy| !strategy.is_of_topic()) {
            options.invalid("use.latest.version", "only with TopicNameStrategy as the strategy of subjects");
        }
        let settings = Settings::read(options)?;
        match SchemaRegistry::new(&settings) {
            Ok(registry) => {
                let schemas = SchemaCache::new(settings.cached);
                let latest = uses_latest.then(|| SchemaCache::new(settings.cached));
                let (strategy, written) = (strategy?, Mutex::default());
                Some(Self {
                    role,
                    schema_type,
                    strategy,
                    registry,
                    schemas,
                    registers,
                    normalizes,
                    latest,
                    strict,
                    written,
                })
            }
            Err(why) => {
                options.refuse("schema.registry.url", why);
                None
            }
        }
    }

    /// Returns the id of a schema of written data, which is registered or looked up where it is new, and how the data is
    /// written. `plan` gives the text of the schema and the latter, `plan_as` the latter for a latest version, and `failed`
    /// is the beginning of an error's text.
    pub(crate) fn written(
        &self,
        topic: &str,
        schema: Option<&Arc<Schema>>,
        failed: impl Fn() -> String,
        plan: impl FnOnce() -> Result<(String, P), String>,
        plan_as: impl FnOnce(&RegisteredSchema, bool) -> Result<P, String>,
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
        let name = schema.and_then(|schema| schema.name.as_deref());
        let subject = self.strategy.of_record(self.role, topic, name).map_err(|why| bad(why.to_owned()))?;
        // As in Confluent's serializers, a schema that is registered is not the latest one of another producer.
        let (id, plan) = if self.latest.is_some() && !self.registers {
            let (id, latest) = self.registry.latest(&subject).map_err(|error| error.under(failed()))?;
            self.of_type(&latest, &id.to_string()).map_err(bad)?;
            (id, plan_as(&latest, self.strict).map_err(bad)?)
        } else {
            let (text, plan) = plan().map_err(bad)?;
            let id = match self.registers {
                true => self.registry.register(&subject, self.schema_type, &text, self.normalizes),
                false => self.registry.lookup(&subject, self.schema_type, &text, self.normalizes),
            };
            (id.map_err(|error| error.under(failed()))?, plan)
        };
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
            Ok(self.parsed(&schema, &id.to_string(), parse))
        };
        match self.schemas.get(id, place, load) {
            Ok(known) => (*known).clone().map_err(|why| ConnectError::data(failed()).because(why)),
            Err(error) => Err(error.under(failed())),
        }
    }

    /// Returns the latest version of the topic's subject, where records are read as that one describes them.
    pub(crate) fn latest(
        &self,
        topic: &str,
        failed: impl Fn() -> String,
        parse: impl FnOnce(&RegisteredSchema) -> Result<T, String>,
    ) -> Result<Option<Arc<T>>, ConnectError> {
        let Some(latest) = &self.latest else { return Ok(None) };
        let load = || {
            let subject = self.strategy.of_topic(self.role, topic).unwrap_or_default();
            let (id, schema) = self.registry.latest(&subject)?;
            Ok(self.parsed(&schema, &id.to_string(), parse))
        };
        // The topic is the key: a number would be that of one version.
        match latest.get(SchemaId::Number(0), Some(topic), load) {
            Ok(known) => (*known).clone().map(Some).map_err(|why| ConnectError::data(failed()).because(why)),
            Err(error) => Err(error.under(failed())),
        }
    }

    fn parsed(
        &self,
        schema: &RegisteredSchema,
        id: &str,
        parse: impl FnOnce(&RegisteredSchema) -> Result<T, String>,
    ) -> Result<Arc<T>, String> {
        self.of_type(schema, id)?;
        parse(schema).map(Arc::new).map_err(|why| format!("schema {id} cannot be used: {why}"))
    }

    fn of_type(&self, schema: &RegisteredSchema, id: &str) -> Result<(), String> {
        if schema.schema_type == self.schema_type {
            return Ok(());
        }
        let (found, expected) = (schema.schema_type.name(), self.schema_type.name());
        Err(format!("schema {id} is {found}, and this converter reads {expected}"))
    }
}

#[cfg(test)]
mod tests;
