//! What keys and values become.

use std::sync::Arc;

use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::{Deserializer, Serializer, registry};
use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{ConfigErrors, Properties};
use coherence_kafka_connect::mapping::Mapping;
use coherence_kafka_core::{Conversion, KeyForm, converter_of};

use super::converters::Converters;
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
    /// What converters make of the data in them.
    Converted(Conversion),
}

/// The form of the records of all maps, and the types of the entries of each.
pub(super) struct Forms {
    form: FormConfig,
    mapping: Option<Arc<Mapping>>,
}

impl Forms {
    /// Returns the form of the records of one map.
    pub(super) fn of(&self, map: &str) -> FormConfig {
        let mut form = self.form.clone();
        if let (FormConfig::Converted(conversion), Some(mapping)) = (&mut form, &self.mapping) {
            conversion.decoder.typed = Some((mapping.clone(), map.to_owned()));
        }
        form
    }

    /// Returns the maps whose entries have types.
    pub(super) fn typed_maps(&self) -> impl Iterator<Item = &str> {
        self.mapping.iter().flat_map(|mapping| mapping.maps())
    }
}

/// Reads the forms from the settings of all maps. The result may only be used where nothing was refused.
pub(super) fn forms(
    values: &Values,
    properties: &Properties,
    converters: Converters<'_>,
    findings: &mut ConfigErrors,
) -> Forms {
    let serializer =
        [table::KEY_SERIALIZER, table::VALUE_SERIALIZER].iter().find(|key| properties.get(key).is_some());
    let pass_through = values.boolean(table::PASS_THROUGH);
    if !pass_through && serializer.is_none() && converters.are_set() {
        refuse_decorated(values, properties, findings);
        return match converters.conversion(findings) {
            Some((conversion, mapping)) => Forms { form: FormConfig::Converted(conversion), mapping },
            // Never used: something was refused.
            None => Forms { form: FormConfig::PassThrough(KeyForm::Plain), mapping: None },
        };
    }
    let cause = if pass_through {
        "coherence.passthrough=true"
    } else {
        serializer.unwrap_or(&table::KEY_SERIALIZER)
    };
    converters.report_unused(cause, findings);
    Forms { form: form(values, properties, findings), mapping: None }
}

fn refuse_decorated(values: &Values, properties: &Properties, findings: &mut ConfigErrors) {
    if values.text(table::KEY_FORM) == Some("decorated") {
        let why = "decorated needs coherence.passthrough=true: what a serializer or converter writes has no decoration";
        findings.error_at(properties.get(table::KEY_FORM), table::KEY_FORM, why);
    }
}

/// Reads the form without converters from the settings of one map, or of all. The result may only be used where nothing
/// was refused.
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
    refuse_decorated(values, properties, findings);
    let all = properties.to_map();
    let mut serializer = |key: &'static str, part| {
        let Some(name) = values.text(key) else {
            let why = "must be set, for example to org.apache.kafka.common.serialization.StringSerializer, \
                       or key.converter and value.converter, or coherence.passthrough=true, which publishes the bytes of \
                       the map";
            findings.error_at(None, key, why);
            return None;
        };
        if let Some(converter) = converter_of(name) {
            let kind = if part == Part::Key { "key" } else { "value" };
            let why = format!("a source has converters for that: set {kind}.converter={converter} instead");
            findings.error_at(properties.get(key), key, why);
            return None;
        }
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
