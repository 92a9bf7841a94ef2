//! What keys and values become.

use std::sync::Arc;

use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::{Deserializer, Serializer, registry};
use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{ConfigErrors, Properties};
use coherence_kafka_core::KeyForm;

use super::table;

/// What keys and values become.
#[derive(Debug, Clone)]
pub enum FormConfig {
    /// The binaries of the map.
    PassThrough(KeyForm),
    /// What serializers make of the objects in them.
    Serialized {
        /// `key.serializer`.
        key: Arc<dyn Serializer<PofValue>>,
        /// `value.serializer`.
        value: Arc<dyn Serializer<PofValue>>,
        /// Reads what `key.serializer` writes.
        key_back: Arc<dyn Deserializer<PofValue>>,
    },
}

/// Reads the form from the settings of one map, or of all. The result may only be used where nothing was refused.
pub(super) fn form(values: &Values, properties: &Properties, findings: &mut ConfigErrors) -> FormConfig {
    let pass_through = values.boolean(table::PASS_THROUGH);
    let decorated = values.text(table::KEY_FORM) == Some("decorated");
    if pass_through {
        for key in [table::KEY_SERIALIZER, table::VALUE_SERIALIZER] {
            if let Some(property) = properties.get(key) {
                findings.error(property, "has no use with coherence.passthrough=true: leave one of them out");
            }
        }
        return FormConfig::PassThrough(if decorated { KeyForm::Decorated } else { KeyForm::Plain });
    }
    if decorated {
        let why = "decorated needs coherence.passthrough=true: what a serializer writes has no decoration";
        findings.error_at(properties.get(table::KEY_FORM), table::KEY_FORM, why);
    }
    let all = properties.to_map();
    let mut serializer = |key: &'static str, part| {
        let Some(name) = values.text(key) else {
            let why = "must be set, for example to org.apache.kafka.common.serialization.StringSerializer, \
                       or coherence.passthrough=true, which publishes the bytes of the map";
            findings.error_at(None, key, why);
            return None;
        };
        let found = registry::serializer(name, part, &all)
            .and_then(|found| Ok((found, registry::deserializer(&deserializer_of(name), part, &all)?)));
        found
            .map_err(|error| findings.refusal(properties.get(key), key, error.to_string(), "no serializer"))
            .ok()
    };
    let key = serializer(table::KEY_SERIALIZER, Part::Key);
    let value = serializer(table::VALUE_SERIALIZER, Part::Value);
    match (key, value) {
        (Some((key, key_back)), Some((value, _))) => FormConfig::Serialized { key, value, key_back },
        // Never used: something was refused.
        _ => FormConfig::PassThrough(KeyForm::Plain),
    }
}

/// Returns the class that reads what a serializer writes.
fn deserializer_of(serializer: &str) -> String {
    const BOTH: &str = "com.oracle.coherence.io.json.JsonSerializer";
    match serializer.strip_suffix("Serializer") {
        Some(stem) if serializer != BOTH => format!("{stem}Deserializer"),
        _ => serializer.to_owned(),
    }
}
