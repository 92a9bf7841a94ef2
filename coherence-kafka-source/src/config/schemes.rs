//! Caches whose topics, forms and producers a Coherence cache configuration file names.
//!
//! The settings of a map are those of the source, overridden by its scheme, with the macros of its own name. They are
//! checked like a separate file; every error is reported with its line.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use coherence_kafka_common::map::Format;
use coherence_kafka_connect::config::{ConfigErrors, Finding, Properties, Property, Variables};
use coherence_kafka_core::{
    CacheConfig, CacheScheme, PublishExpirations, ReadWriteOptions, StoreScheme, in_variables,
};
use coherence_kafka_rdkafka::settings::connection;

use super::{MapConfig, clients, form, mappings, table};

/// Settings of the source that a scheme replaces.
const OF_SCHEMES: [&str; 6] = [
    table::MAPPINGS,
    table::PASS_THROUGH,
    table::KEY_SERIALIZER,
    table::VALUE_SERIALIZER,
    table::KEY_FORM,
    table::EXPIRATIONS,
];
/// Settings that a scheme may have in addition to those of a producer.
const OF_A_MAP: [&str; 3] = [table::KEY_SERIALIZER, table::VALUE_SERIALIZER, table::KEY_FORM];

const TOPIC: &str = "topic.name";
const PASS_THROUGH: &str = "passthrough";
const TTL_HEADER: &str = "coherence.ttl.header";
/// Java's default, and the entry store's.
const SERIALIZER: &str = "org.apache.kafka.common.serialization.ByteArraySerializer";

/// What the file is read with.
pub(super) struct Settings<'a> {
    /// The path of the file, and where that stands.
    pub file: &'a Property,
    pub properties: &'a Properties,
    /// `coherence.caches`.
    pub caches: &'a [String],
    pub session_timeout: Duration,
    /// The serializer of the session.
    pub format: Format,
    /// Answers for Java's system properties.
    pub variables: &'a Variables,
}

/// Returns the maps to publish. The result may only be used where nothing was refused.
pub(super) fn maps(settings: &Settings<'_>, findings: &mut ConfigErrors) -> Vec<MapConfig> {
    for property in OF_SCHEMES.iter().filter_map(|key| settings.properties.get(key)) {
        let why =
            format!("is set by the schemes of the file in {}: remove one of the two", table::CACHE_CONFIG);
        findings.error(property, why);
    }
    let path = Path::new(settings.file.trimmed());
    let property = |name: &str| {
        in_variables(name, |variable| settings.variables.environment(variable).map(str::to_owned))
    };
    let config = match CacheConfig::from_file(path, property) {
        Ok(config) => config,
        Err(errors) => {
            findings.append(errors);
            return Vec::new();
        }
    };
    // What a delay means for a cache that is opened does not concern a source, which has its own note about it.
    let notes = config.notes().iter().filter(|note| !note.key.starts_with("<write-delay"));
    findings.warnings.extend(notes.cloned());
    let mut maps: Vec<MapConfig> = Vec::new();
    let mut topics = BTreeMap::new();
    for cache in caches(settings, &config, findings) {
        let mut found = ConfigErrors::default();
        let map = map(settings, &config, &cache, &mut found);
        findings.append(found);
        let Some((map, topic)) = map else { continue };
        let cluster = map.consumer.iter().find(|(name, _)| name == "bootstrap.servers").cloned();
        match topics.insert((map.topic.clone(), cluster), cache.clone()) {
            Some(other) => findings.error(&topic, mappings::one_topic(&other, &cache, &map.topic)),
            None => maps.push(map),
        }
    }
    maps
}

/// Returns the names of the caches: those listed, or else those that are mapped by their names to a store.
fn caches(settings: &Settings<'_>, config: &CacheConfig, findings: &mut ConfigErrors) -> Vec<String> {
    let stored: Vec<_> = config.stored().map(|(name, origin)| (name.to_owned(), origin)).collect();
    let listed = settings.caches;
    let told = |origin: String, message: String| Finding {
        origin: Some(origin),
        key: "<cache-name>".to_owned(),
        message,
    };
    for why in mappings::bad_names(listed) {
        findings.refusal(settings.properties.get(table::CACHES), table::CACHES, why, "an item is refused");
    }
    if stored.is_empty() {
        findings.error(settings.file, format!("{}: no cache of it has a <kafka:producer>", config.file()));
    }
    let mut names = listed.to_vec();
    for (name, origin) in stored {
        if name.contains('*') {
            if listed.is_empty() {
                let why =
                    format!("{name} is a pattern: list the caches that it stands for in {}", table::CACHES);
                findings.errors.push(told(origin, why));
            }
        } else if listed.is_empty() {
            names.push(name);
        } else if !listed.contains(&name) {
            let why = format!("{name} is not published, because it is not listed in {}", table::CACHES);
            findings.warnings.push(told(origin, why));
        }
    }
    names
}

/// Returns one map, and the property that names its topic.
fn map(
    settings: &Settings<'_>,
    config: &CacheConfig,
    cache: &str,
    findings: &mut ConfigErrors,
) -> Option<(MapConfig, Property)> {
    let scheme = match config.cache(cache) {
        Ok(scheme) => scheme,
        Err(errors) => {
            findings.append(errors);
            return None;
        }
    };
    let told = |key: &str, message: String| Finding {
        origin: Some(config.file().to_owned()),
        key: key.to_owned(),
        message,
    };
    let Some(store) = &scheme.store else {
        let why = format!(
            "{cache} cannot be published: its scheme {} has no <kafka:producer> that is written to",
            scheme.scheme_name
        );
        findings.errors.push(told("<scheme-name>", why));
        return None;
    };
    if let Some(wanted) = scheme.serializer.filter(|wanted| *wanted != settings.format) {
        let why = format!(
            "that of {cache} is {wanted}, and coherence.session.format is {}: they must be the same",
            settings.format
        );
        findings.errors.push(told("<serializer>", why));
    }
    findings
        .warnings
        .extend(without_effect(&scheme, store).map(|(key, message)| told(key, message.to_owned())));
    let own = properties(settings.properties, store, findings);
    let (values, violations) = table::TABLE.parse(|key| own.get(key).map(|property| property.value.as_str()));
    for violation in violations {
        findings.violation(own.get(violation.key()), violation);
    }
    // The file was refused without one.
    let topic = store.properties.get(TOPIC)?;
    // Blanks at its ends are part of it: without them it would be the topic of another cache.
    if let Some(why) = mappings::no_topic(&topic.value) {
        findings.error(topic, why);
    }
    let map = MapConfig {
        cache: cache.to_owned(),
        topic: topic.value.clone(),
        form: form::form(&values, &own, findings),
        publish_expirations: store.options.publish_expirations == PublishExpirations::Tombstone,
        producer: clients::producer(&own, settings.session_timeout, findings),
        consumer: connection(&own),
    };
    Some((map, topic.clone()))
}

/// Elements that control how a member writes, or how long entries live, do not concern a source, which publishes what
/// has happened.
fn without_effect(
    scheme: &CacheScheme,
    store: &StoreScheme,
) -> impl Iterator<Item = (&'static str, &'static str)> {
    let ReadWriteOptions { publish_expirations, .. } = store.options;
    let plain = ReadWriteOptions { publish_expirations, ..ReadWriteOptions::default() };
    let writing = (store.options != plain).then_some((
        "<read-write-backing-map-scheme>",
        "write-delay and the other elements that control how a member writes have no effect in a source: it publishes \
         each change that the grid reports",
    ));
    let expiry = scheme.expiry_delay.map(|_| {
        ("<expiry-delay>", "has no effect in a source: the grid expires entries by its own configuration")
    });
    writing.into_iter().chain(expiry)
}

/// Returns the settings of the source, and over them those of a scheme.
fn properties(own: &Properties, store: &StoreScheme, findings: &mut ConfigErrors) -> Properties {
    let mut all: Vec<Property> = own.iter().cloned().collect();
    for property in store.properties.iter().filter(|property| property.key != TOPIC) {
        let mut property = property.clone();
        if property.key == PASS_THROUGH {
            property.key = table::PASS_THROUGH.to_owned();
        } else if property.key == TTL_HEADER {
            findings.error(&property, "a grid does not report over gRPC when an entry expires: leave it out");
            continue;
        } else if table::TABLE.keys.iter().any(|key| key.name == property.key)
            && !OF_A_MAP.contains(&property.key.as_str())
        {
            findings
                .error(&property, "is not a property of a producer: set it among the settings of the source");
            continue;
        }
        all.push(property);
    }
    let passes = |all: &[Property]| {
        let value = all.iter().find(|property| property.key == table::PASS_THROUGH);
        value.is_some_and(|property| property.trimmed().eq_ignore_ascii_case("true"))
    };
    for key in [table::KEY_SERIALIZER, table::VALUE_SERIALIZER] {
        match all.iter().position(|property| property.key == key) {
            // One scheme may be for caches of both kinds.
            Some(at) if passes(&all) => {
                let without_effect = all.remove(at);
                findings.warning(&without_effect, "has no effect with passthrough=true");
            }
            None if !passes(&all) => all.push(Property::new(key, SERIALIZER, "default")),
            _ => {}
        }
    }
    all.into_iter().collect()
}

#[cfg(test)]
mod tests;
