//! An entry store from properties, as a cache configuration or a Java user writes them.
//!
//! | property | meaning |
//! |---|---|
//! | `topic.name` | the topic; required |
//! | `passthrough` | `true`: the binaries of the map as they are, without decorations; `false` unless set |
//! | `key.serializer`, `value.serializer` | serializers of Kafka, Coherence or Confluent by Java class or short name; the byte array serializer unless set |
//! | `schema.registry.url` and the like | settings of the serializers that need a schema registry |
//! | `coherence.kafka.key.form` | in pass-through `plain`, unless set, or `decorated` for topics that Java's entry store writes, too, without keys of classes |
//! | `coherence.ttl.header` | the name of a header for the milliseconds after which an entry expires |
//! | everything else | a setting of the producer, by Java's or librdkafka's name |

use std::sync::Arc;

use coherence_kafka_common::map::Format;
use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::Serializer;
use coherence_kafka_common::serializer::registry::RegistryError;
use coherence_kafka_connect::config::def::Violation;
use coherence_kafka_connect::config::{ConfigErrors, Properties, Property, check_topic_name};
use coherence_kafka_rdkafka::settings::producer;

use super::{BuildError, KafkaEntryStore, KafkaEntryStoreBuilder};
use crate::outbound::{EVENT_HEADER, KeyForm};
use crate::producers::Producers;
use crate::serializers;

const TOPIC: &str = "topic.name";
const PASS_THROUGH: &str = "passthrough";
const KEY_FORM: &str = "coherence.kafka.key.form";
const TTL_HEADER: &str = "coherence.ttl.header";
const SERIALIZERS: [(Part, &str); 2] = [(Part::Key, "key.serializer"), (Part::Value, "value.serializer")];

/// What is not the producer's. A name that ends in a dot stands for all below it.
const OWN: &[&str] = &[
    TOPIC,
    PASS_THROUGH,
    KEY_FORM,
    TTL_HEADER,
    "key.serializer",
    "key.serializer.",
    "value.serializer",
    "value.serializer.",
    "serializer.encoding",
    "default.list.",
    // What the serializers of a schema registry read. They ignore what they do not know, as in Java.
    "schema.registry.",
    "basic.auth.",
    "bearer.auth.",
    "proxy.",
    "http.",
    "auto.register.schemas",
    "normalize.schemas",
    "use.latest.version",
    "latest.compatibility.strict",
    "key.subject.name.strategy",
    "value.subject.name.strategy",
    "connect.meta.data",
    "enhanced.avro.schema.support",
    "enhanced.protobuf.schema.support",
    "schemas.cache.config",
    "max.schemas.per.subject",
];

impl KafkaEntryStore {
    /// The store that `properties` describe, of a map whose serializer is `format`. Warnings are logged.
    ///
    /// # Errors
    /// Everything that is wrong with the properties.
    pub fn from_properties(properties: &Properties, format: Format) -> Result<Self, ConfigErrors> {
        Self::of(properties, format, Ok)
    }

    /// The same, with the producer of `producers` that has these settings.
    ///
    /// # Errors
    /// As [`KafkaEntryStore::from_properties`].
    pub fn sharing(
        properties: &Properties,
        format: Format,
        producers: &Producers,
    ) -> Result<Self, ConfigErrors> {
        Self::of(properties, format, |builder| builder.sharing(producers))
    }

    fn of(
        properties: &Properties,
        format: Format,
        more: impl FnOnce(KafkaEntryStoreBuilder) -> Result<KafkaEntryStoreBuilder, BuildError>,
    ) -> Result<Self, ConfigErrors> {
        let mut findings = ConfigErrors::default();
        let builder = KafkaEntryStoreBuilder::from_properties(properties, format, &mut findings);
        let builder = findings.clone().finish(builder)?;
        for warning in &findings.warnings {
            tracing::warn!(%warning, "entry store setting accepted with a warning");
        }
        more(builder).and_then(KafkaEntryStoreBuilder::build).map_err(|error| {
            let property = matches!(error, BuildError::Topic { .. }).then(|| properties.get(TOPIC)).flatten();
            findings.error_at(property, property.map_or("", |property| &property.key), error.to_string());
            findings
        })
    }
}

impl KafkaEntryStoreBuilder {
    /// Reads `properties`; adds errors and warnings to `findings`. Returns `None` after an error.
    pub fn from_properties(
        properties: &Properties,
        format: Format,
        findings: &mut ConfigErrors,
    ) -> Option<Self> {
        let before = findings.errors.len();
        let topic = topic(properties, findings);
        let pass_through = one_of(properties, PASS_THROUGH, &[("false", false), ("true", true)], findings);
        let forms = [("plain", KeyForm::Plain), ("decorated", KeyForm::Decorated)];
        let key_form = one_of(properties, KEY_FORM, &forms, findings);
        if let Some(property) = properties.get(KEY_FORM)
            && !pass_through
            && key_form == KeyForm::Decorated
        {
            findings.error(property, format!("{}: set {PASS_THROUGH}=true", BuildError::DecoratedSerializer));
        }
        let mut builder =
            KafkaEntryStore::builder(topic.unwrap_or_default()).format(format).key_form(key_form);
        let serializers = SERIALIZERS.map(|(part, name)| {
            let property = properties.get(name)?;
            if pass_through {
                findings.warning(property, format!("has no effect with {PASS_THROUGH}=true"));
            }
            serializer(properties, property, part, findings)
        });
        if pass_through {
            builder = builder.pass_through();
        }
        [builder.key, builder.value] = serializers;
        builder.ttl_header = ttl_header(properties, findings);
        let client = producer(properties, OWN, findings);
        let builder = builder.settings(client.settings).max_block(client.max_block);
        (findings.errors.len() == before).then_some(builder)
    }
}

fn topic(properties: &Properties, findings: &mut ConfigErrors) -> Option<String> {
    let Some(property) = properties.get(TOPIC) else {
        let missing = Violation::Missing { key: TOPIC.to_owned() };
        findings.error_at(None, TOPIC, missing.to_string());
        return None;
    };
    // As it is: blanks at its ends would make the topic of another name out of it.
    let name = property.value.clone();
    match check_topic_name(&name) {
        Ok(()) => Some(name),
        Err(why) => {
            findings.error(property, BuildError::Topic { name, why }.to_string());
            None
        }
    }
}

/// The first where nothing is set, or something else.
fn one_of<T: Copy>(
    properties: &Properties,
    name: &str,
    values: &[(&str, T); 2],
    findings: &mut ConfigErrors,
) -> T {
    let [(first, default), (second, _)] = values;
    let Some(property) = properties.get(name) else { return *default };
    let known = values.iter().find(|(text, _)| property.trimmed().eq_ignore_ascii_case(text));
    if known.is_none() {
        findings.error(property, format!("{:?} is neither {first} nor {second}", property.shown()));
    }
    known.map_or(*default, |(_, value)| *value)
}

fn serializer(
    properties: &Properties,
    property: &Property,
    part: Part,
    findings: &mut ConfigErrors,
) -> Option<Arc<dyn Serializer<PofValue>>> {
    match serializers::serializer(property.trimmed(), part, &properties.to_map()) {
        Ok(serializer) => Some(serializer),
        Err(RegistryError::Property { property, problem }) => {
            findings.error_at(properties.get(&property), &property, problem);
            None
        }
        Err(error) => {
            findings.error(property, error.to_string());
            None
        }
    }
}

fn ttl_header(properties: &Properties, findings: &mut ConfigErrors) -> Option<String> {
    let property = properties.get(TTL_HEADER)?;
    let name = property.trimmed();
    if name.is_empty() {
        findings.error(property, "is empty: the name of a header was expected");
    } else if name == EVENT_HEADER {
        findings.error(
            property,
            format!("{EVENT_HEADER} is the header for what happened to the entry: choose another"),
        );
    }
    Some(name.to_owned())
}

#[cfg(test)]
mod tests;
