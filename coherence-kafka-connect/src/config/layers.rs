//! Lays the sources of settings over each other: files, then environment, then command line; the later wins.
//!
//! The only module that names the `config` crate. Connect's keys are flat, `key.converter` and
//! `key.converter.schemas.enable` live side by side, while `config` takes dots for paths into nested tables
//! and would lose one of the two. So every key goes in behind a mark that its path syntax does not know.

use std::path::Path;

use config::{Config, ConfigError, Map, Source, Value};

use super::file::{self, ConfigFile};
use super::findings::ConfigErrors;
use super::properties::{Properties, Property};
use super::variables::Environment;

/// Lays `layers` over each other, the last one on top.
pub fn merge(layers: &[Vec<Property>], findings: &mut ConfigErrors) -> Properties {
    // `config` could only refuse values that are not text, and all are text.
    try_merge(layers).unwrap_or_else(|error| {
        findings.error_at(None, "", error.to_string());
        Properties::default()
    })
}

fn try_merge(layers: &[Vec<Property>]) -> Result<Properties, ConfigError> {
    let mut builder = Config::builder();
    for layer in layers {
        builder = builder.add_source(Layer(layer.clone()));
    }
    let mut table = builder.build()?.cache.into_table()?;
    // `config` keeps no order; the first appearance of a key gives it.
    let mut merged = Vec::new();
    for property in layers.iter().flatten() {
        if let Some(value) = table.remove(&mark(&property.key)) {
            let origin = value.origin().unwrap_or_default().to_owned();
            merged.push(Property::new(property.key.clone(), value.into_string()?, origin));
        }
    }
    Ok(merged.into_iter().collect())
}

#[derive(Debug, Clone)]
struct Layer(Vec<Property>);

impl Source for Layer {
    fn clone_into_box(&self) -> Box<dyn Source + Send + Sync> {
        Box::new(self.clone())
    }

    fn collect(&self) -> Result<Map<String, Value>, ConfigError> {
        let value = |property: &Property| Value::new(Some(&property.origin), property.value.clone());
        Ok(self.0.iter().map(|property| (mark(&property.key), value(property))).collect())
    }
}

/// A path begins with a letter, a digit, `_` or `-`; a key that begins otherwise is taken as it is.
fn mark(key: &str) -> String {
    format!("={key}")
}

/// Settings from the environment, by the convention of the Connect images: behind the prefix, in lower case,
/// `_` stands for a dot, `__` for `_`, `___` for `-`. What begins as one of `not_settings` is left out, and so is what
/// Kubernetes sets in every pod for a service whose name begins like the prefix.
pub fn environment(environment: &Environment, prefix: &str, not_settings: &[&str]) -> Vec<Property> {
    environment
        .iter()
        .filter(|(name, _)| !not_settings.iter().any(|other| name.starts_with(other)))
        .filter(|(name, value)| !is_of_a_service(name, value))
        .filter_map(|(name, value)| {
            let rest = name.strip_prefix(prefix).filter(|rest| !rest.is_empty())?;
            Some(Property::new(key_of(rest), value, format!("environment variable {name}")))
        })
        .collect()
}

/// Returns whether Kubernetes sets this variable for a service: `…_SERVICE_HOST`, `…_SERVICE_PORT`,
/// `…_SERVICE_PORT_<name>`, `…_PORT_<number>_TCP` and what belongs to it, and `…_PORT` with an address, where a setting
/// would have a number.
fn is_of_a_service(name: &str, value: &str) -> bool {
    const PROTOCOLS: [&str; 3] = ["TCP", "UDP", "SCTP"];
    if name.ends_with("_SERVICE_HOST") || name.ends_with("_SERVICE_PORT") || name.contains("_SERVICE_PORT_") {
        return true;
    }
    if name.ends_with("_PORT") {
        let protocol = value.split_once("://").map(|(protocol, _)| protocol);
        return protocol
            .is_some_and(|protocol| PROTOCOLS.iter().any(|known| protocol.eq_ignore_ascii_case(known)));
    }
    name.match_indices("_PORT_").any(|(at, word)| {
        let mut words = name[at + word.len()..].split('_');
        let number =
            words.next().is_some_and(|word| !word.is_empty() && word.bytes().all(|b| b.is_ascii_digit()));
        number && words.next().is_some_and(|word| PROTOCOLS.contains(&word))
    })
}

fn key_of(name: &str) -> String {
    name.to_ascii_lowercase().replace("___", "-").replace("__", "\0").replace('_', ".").replace('\0', "_")
}

/// Returns the settings of the file at `path`; `None` where it cannot be read.
pub fn file(path: &Path, findings: &mut ConfigErrors) -> Option<ConfigFile> {
    match file::read(path) {
        Ok(mut file) => {
            findings.warnings.append(&mut file.warnings);
            Some(file)
        }
        Err(errors) => {
            findings.append(errors);
            None
        }
    }
}

/// Settings from arguments of an option such as `--set key=value`. The error about one without key or `=` shows only
/// its number: it may hold a secret.
pub fn command_line(option: &str, arguments: &[String], findings: &mut ConfigErrors) -> Vec<Property> {
    let mut settings = Vec::new();
    for (number, argument) in arguments.iter().enumerate() {
        match argument.split_once('=') {
            Some((key, value)) if !key.trim().is_empty() => {
                settings.push(Property::new(key.trim(), value, format!("command line, {option}")));
            }
            _ => {
                let why = format!("{option} number {} is not of the form key=value", number + 1);
                findings.error_at(None, "", why);
            }
        }
    }
    settings
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn layer(origin: &str, pairs: &[(&str, &str)]) -> Vec<Property> {
        pairs.iter().map(|(key, value)| Property::new(*key, *value, origin)).collect()
    }

    fn value<'a>(properties: &'a Properties, key: &str) -> (&'a str, &'a str) {
        let property = properties.get(key).unwrap();
        (&property.value, &property.origin)
    }

    #[test]
    fn a_key_that_is_also_a_prefix_survives_an_override_below_it() {
        let file = layer("f:1", &[("key.converter", "C"), ("key.converter.schemas.enable", "true")]);
        let above = layer("command line", &[("key.converter.schemas.enable", "false")]);
        let merged = try_merge(&[file, above]).unwrap();
        assert_eq!(value(&merged, "key.converter"), ("C", "f:1"));
        assert_eq!(value(&merged, "key.converter.schemas.enable"), ("false", "command line"));
    }

    #[test]
    fn case_indexes_and_odd_keys_are_kept_as_they_are() {
        let pairs =
            [("Tasks.Max", "1"), ("tasks.max", "2"), ("a[0]", "3"), ("a", "4"), (" b..c", "5"), ("", "6")];
        let merged = try_merge(&[layer("f", &pairs)]).unwrap();
        let seen: Vec<_> = merged.iter().map(|p| (p.key.as_str(), p.value.as_str())).collect();
        assert_eq!(seen, pairs);
    }

    #[test]
    fn the_later_layer_wins_and_its_origin_is_told() {
        let merged = try_merge(&[
            layer("w.properties:1", &[("a", "file"), ("b", "file"), ("c", "file")]),
            layer("environment variable CONNECT_B", &[("b", "env"), ("c", "env")]),
            layer("command line, --set", &[("c", "cli")]),
        ])
        .unwrap();
        assert_eq!(value(&merged, "a"), ("file", "w.properties:1"));
        assert_eq!(value(&merged, "b"), ("env", "environment variable CONNECT_B"));
        assert_eq!(value(&merged, "c"), ("cli", "command line, --set"));
    }

    #[test]
    fn variables_of_the_environment_follow_the_convention_of_the_images() {
        let variables = [
            ("CONNECT_BOOTSTRAP_SERVERS", "b:9092"),
            ("CONNECT_CONSUMER_MAX_POLL_RECORDS", "7"),
            ("CONNECT_X___Y__Z", "1"),
            ("CONNECT_LOG4J_ROOT_LOGLEVEL", "INFO"),
            ("CONNECTOR_TOPICS", "t"),
            ("CONNECT_", "nothing"),
            ("OTHER", "x"),
        ];
        let variables: Environment = variables.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let keys = |prefix| -> Vec<String> {
            environment(&variables, prefix, &["CONNECT_LOG4J_"])
                .into_iter()
                .map(|property| property.key)
                .collect()
        };
        assert_eq!(keys("CONNECT_"), ["bootstrap.servers", "consumer.max.poll.records", "x-y_z"]);
        assert_eq!(keys("CONNECTOR_"), ["topics"]);
    }

    #[test]
    fn what_kubernetes_sets_for_a_service_is_no_setting() {
        let variables = [
            ("CONNECT_REST_ADVERTISED_PORT", "80"),
            ("CONNECT_REST_PORT", "8083"),
            ("CONNECT_PORT", "tcp://10.0.0.1:8083"),
            ("CONNECT_REST_ADVERTISED_HOST_NAME", "h"),
            ("CONNECT_SERVICE_HOST", "10.0.0.1"),
            ("CONNECT_SERVICE_PORT", "8083"),
            ("CONNECT_SERVICE_PORT_REST_API", "8083"),
            ("CONNECT_SSL_PORT", "tcp://10.0.0.1:1"),
            ("CONNECT_SSL_PORT_1_TCP", "tcp://10.0.0.1:1"),
            ("CONNECT_SSL_PORT_1_TCP_ADDR", "10.0.0.1"),
            ("CONNECT_SSL_PORT_1_UDP_PROTO", "udp"),
            ("CONNECT_SSL_PORT_X", "1"),
        ];
        let variables: Environment = variables.iter().map(|(k, v)| ((*k).into(), (*v).into())).collect();
        let settings = environment(&variables, "CONNECT_", &[]);
        let keys: Vec<_> = settings.iter().map(|property| property.key.as_str()).collect();
        assert_eq!(keys, ["rest.advertised.host.name", "rest.advertised.port", "rest.port", "ssl.port.x"]);
    }

    #[test]
    fn an_argument_keeps_everything_behind_its_first_equals_sign() {
        let arguments = ["a.b=c=d".to_owned(), "e=".to_owned()];
        let mut findings = ConfigErrors::default();
        let settings = command_line("--set", &arguments, &mut findings);
        assert_eq!(findings, ConfigErrors::default());
        assert_eq!(settings[0].value, "c=d");
        assert_eq!(settings[1].value, "");
    }

    #[test]
    fn an_argument_without_equals_sign_is_refused_without_being_shown() {
        let arguments = ["a=b".to_owned(), "sesame".to_owned(), "=x".to_owned()];
        let mut findings = ConfigErrors::default();
        command_line("--set", &arguments, &mut findings);
        let refused: Vec<_> = findings.iter().map(ToString::to_string).collect();
        assert_eq!(
            refused,
            ["--set number 2 is not of the form key=value", "--set number 3 is not of the form key=value"]
        );
    }

    proptest! {
        #[test]
        fn merging_is_the_same_as_assigning_in_order(
            layers in proptest::collection::vec(
                proptest::collection::vec(("[a-c.\\[\\]=0]{0,4}", "[a-z]{0,3}"), 0..6), 0..4)
        ) {
            let layers: Vec<Vec<Property>> = layers
                .iter()
                .map(|pairs| pairs.iter().map(|(k, v)| Property::new(k.clone(), v.clone(), "o")).collect())
                .collect();
            let expected: Properties = layers.iter().flatten().cloned().collect();
            prop_assert_eq!(try_merge(&layers).unwrap(), expected);
        }
    }
}
