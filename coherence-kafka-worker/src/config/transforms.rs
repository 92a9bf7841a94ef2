//! The transforms of a connector.

use std::collections::BTreeMap;

use coherence_kafka_connect::config::def::{PluginType, nearest};
use coherence_kafka_connect::config::{ConfigErrors, Properties, Property};
use coherence_kafka_connect::transform::{Classes, Transforms};

/// Creates the transforms that the settings of a connector name. An option that the class of its alias does not have is a
/// warning: Connect ignores it.
pub fn transforms(
    classes: &Classes,
    properties: &Properties,
    findings: &mut ConfigErrors,
) -> Option<Transforms> {
    let is_of = |key: &str, list: &str| {
        key.strip_prefix(list).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    let settings: BTreeMap<_, _> = properties
        .iter()
        .filter(|property| ALIAS_LISTS.iter().any(|(list, ..)| is_of(&property.key, list)))
        .map(|property| (property.key.clone(), property.value.clone()))
        .collect();
    for (list, kind, common) in ALIAS_LISTS {
        for alias in properties.get(list).map_or("", Property::trimmed).split(',').map(str::trim) {
            let prefix = format!("{list}.{alias}.");
            let class = properties.get(&format!("{prefix}type"));
            let desc = class.and_then(|class| {
                classes.descs().find(|desc| desc.kind == kind && desc.is_named(class.trimmed()))
            });
            let Some(desc) = desc else { continue };
            for (option, property) in properties.below(&prefix) {
                let known = || desc.settings.keys.iter().map(|key| key.name).chain(common.iter().copied());
                if !known().any(|name| name == option) {
                    let mean = nearest(option, known()).map(|name| format!(", did you mean {name}?"));
                    let class = desc.class;
                    let mean = mean.unwrap_or_default();
                    findings.warning(property, format!("without effect: {class} has no such setting{mean}"));
                }
            }
        }
    }
    match Transforms::new(classes, &settings) {
        Ok(transforms) => Some(transforms),
        Err(refused) => {
            // The table of the connector has refused a list with an alias that occurs twice.
            for error in
                refused.into_iter().filter(|error| ALIAS_LISTS.iter().all(|(list, ..)| error.key != *list))
            {
                // A setting that is missing is missing from where its alias is listed.
                let list = ALIAS_LISTS.iter().find(|(list, ..)| is_of(&error.key, list));
                let property =
                    properties.get(&error.key).or_else(|| list.and_then(|(list, ..)| properties.get(list)));
                findings.refusal(
                    property,
                    &error.key,
                    error.message,
                    "the value is refused by the transform",
                );
            }
            None
        }
    }
}

/// The lists of aliases, what they name, and the settings that all of these have.
const ALIAS_LISTS: [(&str, PluginType, &[&str]); 2] = [
    ("transforms", PluginType::Transformation, &["type", "plugin.version", "predicate", "negate"]),
    ("predicates", PluginType::Predicate, &["type", "plugin.version"]),
];
