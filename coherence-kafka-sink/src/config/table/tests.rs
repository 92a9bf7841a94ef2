//! Every setting of both tables, each with every kind of value that it cannot have.

use coherence_kafka_connect::config::Finding;

use coherence_kafka_worker::config::table::{WITHOUT_EFFECT, WORKER};
use coherence_kafka_worker::load::{LoadError, Sources, load};

use super::*;
use crate::config::tests::plugin;

const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const GOOD_WORKER: &[(&str, &str)] = &[("key.converter", STRING), ("value.converter", STRING)];
const GOOD_CONNECTOR: &[(&str, &str)] =
    &[("name", "c"), ("connector.class", "CoherenceSink"), ("topics", "t")];

/// A value that is refused, and what is said about it.
type Bad = (String, String);

/// What the type and the validator of a key refuse.
fn bad_by_type(key: &ConfigKey) -> Vec<Bad> {
    let mut bad: Vec<(String, String)> = Vec::new();
    let mut add = |value: &str, says: String| bad.push((value.to_owned(), says));
    match key.kind {
        Kind::Boolean => add("maybe", "Expected value to be either true or false".to_owned()),
        Kind::Int | Kind::Short | Kind::Long | Kind::Double => {
            let says = format!("Not a number of type {}", key.kind.name());
            add("many", says.clone());
            add("99999999999999999999", says);
        }
        Kind::String | Kind::Password | Kind::List | Kind::Class => {}
    }
    match key.validator {
        AtLeast(min) => add(&(min - 1).to_string(), format!("Value must be at least {min}")),
        Between(min, max) => {
            add(&(min - 1).to_string(), format!("Value must be at least {min}"));
            add(&(max + 1).to_string(), format!("Value must be no more than {max}"));
        }
        OneOf(words) => add("nonsense", format!("String must be one of: {}", words.join(", "))),
        Validator::OneOfInAnyCase(words) => {
            add("nonsense", format!("String must be one of (case insensitive): {}", words.join(", ")));
        }
        NonEmpty => add("", "String must be non-empty".to_owned()),
        Name => add("", "String may not be empty".to_owned()),
        Validator::DistinctItems => add("a,a", "values must not be duplicated".to_owned()),
        Validator::DistinctAliases => add("a,a", "Duplicate alias provided".to_owned()),
        Any | Validator::Check(_) => {}
    }
    bad
}

/// What is refused beyond types and validators.
const BAD_BY_MEANING: &[(&str, &str, &str)] = &[
    ("connector.client.config.override.policy", "Some", "known are All, None, Principal and Allowlist"),
    ("listeners", "nowhere", "write http://host:port"),
    ("listeners", "", "needs at least one address"),
    ("admin.listeners", "nowhere", "write http://host:port"),
    ("access.control.allow.origin", "nowhere", "nowhere is not an origin: write https://host:port"),
    ("access.control.allow.methods", "GE T", "GE T is not a method"),
    ("response.http.headers.config", "X: y", "write [action] [name]:[value]"),
    ("rest.extension.classes", "org.example.Extension", "is a class of the JVM and cannot run here"),
    ("coherence.rest.jaas.file", "/nowhere", "requires no password without rest.extension.classes="),
    ("key.converter", "org.example.Converter", "org.example.Converter"),
    ("value.converter", "org.example.Converter", "org.example.Converter"),
    ("header.converter", "org.example.Converter", "org.example.Converter"),
    ("connector.class", "org.example.Sink", "the only connector here is"),
    ("topics", "b*d", "b*d is not a topic name"),
    ("topics", "", "Must configure one of topics or topics.regex"),
    ("topics.regex", "(", "Invalid regex"),
    ("topics.regex", "a(?=b)", "Invalid value a(?=b)"),
    ("coherence.cache.mappings", "t=>m", "write topic->map"),
    ("coherence.key.fields", "id,of.id", "id and of.id have the same last name"),
    ("coherence.session.address", "grid", "write host:port"),
    ("coherence.session.tls.ca", "/nowhere.pem", "needs coherence.session.tls.enabled=true"),
    ("coherence.session.directory", "/nowhere", "/nowhere is not a directory: create it, or mount it"),
    ("coherence.retry.backoff.ms", "99000", "is more than coherence.retry.backoff.max.ms"),
    ("coherence.task.restart.backoff.ms", "99000", "is more than coherence.task.restart.backoff.max.ms"),
    ("errors.deadletterqueue.topic.name", "b*d", "b*d is not a topic name"),
    ("errors.deadletterqueue.topic.name", "t", "is a topic that the connector reads"),
];

/// Settings whose every text means something: whether it is what was meant shows only when it is used.
const ANY_TEXT: &[&str] = &[
    // Names of hosts, which `check` and the start try.
    "bootstrap.servers",
    "connector.client.config.override.allowlist",
    "coherence.session.scope",
    "coherence.ttl.header",
    // An alias without a class is an error of another key, `config.providers.<alias>.class`.
    "config.providers",
];

fn bad_values(key: &ConfigKey) -> Vec<Bad> {
    let meaning = BAD_BY_MEANING.iter().filter(|(name, ..)| *name == key.name);
    let meaning = meaning.map(|(_, value, says)| ((*value).to_owned(), (*says).to_owned()));
    bad_by_type(key).into_iter().chain(meaning).collect()
}

/// The settings of a file with `key` set to `value`, on the line that is returned.
fn file(good: &[(&str, &str)], key: &str, value: &str) -> (String, usize) {
    // One of the two topic settings alone.
    let replaced = |name: &str| name == key || (key == "topics.regex" && name == "topics");
    let good: Vec<_> = good.iter().filter(|(name, _)| !replaced(name)).collect();
    let text: String = good.iter().map(|(name, value)| format!("{name}={value}\n")).collect();
    (format!("{text}{key}={value}\n"), good.len() + 1)
}

fn text(good: &[(&str, &str)]) -> String {
    good.iter().map(|(name, value)| format!("{name}={value}\n")).collect()
}

/// What a start with these two files is refused with, the folder of the files left out.
fn refused(worker: &str, connector: &str) -> Vec<Finding> {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        let path = folder.path().join(name);
        std::fs::write(&path, text).unwrap();
        path
    };
    let sources = Sources {
        worker_file: Some(write("worker.properties", worker)),
        connector_files: if connector.is_empty() {
            Vec::new()
        } else {
            vec![write("connector.properties", connector)]
        },
        ..Sources::default()
    };
    let errors = match load(&*plugin(), &sources) {
        Ok(_) => return Vec::new(),
        Err(LoadError::Worker(errors) | LoadError::Connector(errors)) => errors.errors,
    };
    let folder = format!("{}/", folder.path().display());
    let place = |origin: Option<String>| origin.map(|origin| origin.replace(&folder, ""));
    errors.into_iter().map(|error| Finding { origin: place(error.origin), ..error }).collect()
}

#[track_caller]
fn assert_refused(findings: &[Finding], key: &str, value: &str, place: &str, says: &str) {
    let said = |error: &Finding| {
        error.key == key && error.origin.as_deref() == Some(place) && error.message.contains(says)
    };
    assert!(findings.iter().any(said), "{key}={value}: {place}: {says:?} is not among\n{findings:#?}");
}

#[test]
fn every_malformed_setting_of_a_worker_is_refused_with_its_place() {
    for key in WORKER.keys {
        for (value, says) in bad_values(key) {
            let (worker, line) = file(GOOD_WORKER, key.name, &value);
            let place = format!("worker.properties:{line}");
            assert_refused(&refused(&worker, ""), key.name, &value, &place, &says);
        }
    }
}

#[test]
fn every_malformed_setting_of_a_connector_is_refused_with_its_place() {
    for key in CONNECTOR.keys {
        for (value, says) in bad_values(key) {
            let (connector, line) = file(GOOD_CONNECTOR, key.name, &value);
            let place = format!("connector.properties:{line}");
            assert_refused(&refused(&text(GOOD_WORKER), &connector), key.name, &value, &place, &says);
        }
    }
}

#[test]
fn every_malformed_setting_that_a_worker_makes_for_its_connectors_is_refused_before_there_are_any() {
    for key in CONNECTOR.keys.iter().filter(|key| SHARED.contains(&key.group)) {
        for (value, says) in bad_values(key) {
            let (worker, line) = file(GOOD_WORKER, key.name, &value);
            let place = format!("worker.properties:{line}");
            for connector in [String::new(), text(GOOD_CONNECTOR)] {
                assert_refused(&refused(&worker, &connector), key.name, &value, &place, &says);
            }
        }
    }
}

#[test]
fn no_setting_is_left_out_of_these_tests() {
    assert_eq!(refused(&text(GOOD_WORKER), &text(GOOD_CONNECTOR)), [], "the good files are good");
    for key in WORKER.keys.iter().chain(CONNECTOR.keys).filter(|key| key.group != WITHOUT_EFFECT) {
        let tested = !bad_values(key).is_empty();
        assert_ne!(tested, ANY_TEXT.contains(&key.name), "{}", key.name);
    }
    for (name, ..) in BAD_BY_MEANING {
        assert!(WORKER.key(name).or(CONNECTOR.key(name)).is_some(), "{name}");
    }
}

mod validation;
