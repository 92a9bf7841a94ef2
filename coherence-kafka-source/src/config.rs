//! The configuration of a source: one properties file, over it the environment and the command line, all of it checked
//! before anything starts.
//!
//! ```text
//! file ─ environment ─ --set ──► table.rs (types, defaults) ──► mappings.rs (cache → topic)
//!                                what it does not know is a producer setting ──► librdkafka's names
//! ```

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::{Deserializer, Serializer, registry};
use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{
    ConfigErrors, Environment, Finding, Properties, SessionConfig, Variables, connection, layers,
};
use coherence_kafka_core::KeyForm;

mod clients;
pub mod docs;
pub mod mappings;
pub mod table;

pub use mappings::MapConfig;

/// Prefix of the environment variables that hold settings.
const PREFIX: &str = "COHERENCE_KAFKA_SOURCE_";

/// Where settings come from; the later wins.
#[derive(Debug, Clone, Default)]
pub struct Sources {
    /// The properties file.
    pub file: Option<PathBuf>,
    /// The environment: variables that begin with `COHERENCE_KAFKA_SOURCE_`.
    pub environment: Environment,
    /// Arguments of `--set`.
    pub set: Vec<String>,
}

/// A checked configuration. `Debug` shows no values of settings: there may be passwords among them.
#[derive(Clone)]
pub struct SourceConfig {
    /// `name`.
    pub name: String,
    /// `coherence.session.*`.
    pub session: SessionConfig,
    /// The maps and their topics, at least one, no topic twice.
    pub maps: Vec<MapConfig>,
    /// What keys and values become.
    pub form: FormConfig,
    /// `publish.expirations`: an entry that expires becomes a tombstone.
    pub publish_expirations: bool,
    /// `coherence.source.comparison.interval.ms`; `None` compares only where something may have been missed.
    pub comparison_interval: Option<Duration>,
    /// `coherence.source.control.topic`.
    pub control_topic: String,
    /// `coherence.source.session.timeout.ms`.
    pub session_timeout: Duration,
    /// `coherence.source.shutdown.timeout.ms`.
    pub shutdown_timeout: Duration,
    /// `metrics.listener`: host and port.
    pub metrics: Option<(String, u16)>,
    /// Settings of the producer, by librdkafka's names.
    pub producer: Vec<(String, String)>,
    /// Settings of the clients that read, by librdkafka's names.
    pub consumer: Vec<(String, String)>,
    /// What an operator should know, to be logged once.
    pub warnings: Vec<Finding>,
}

impl fmt::Debug for SourceConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SourceConfig")
            .field("name", &self.name)
            .field("maps", &self.maps)
            .finish_non_exhaustive()
    }
}

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

/// Reads and checks everything.
///
/// # Errors
/// Everything that is wrong, so that one look is enough to put it right.
pub fn load(sources: &Sources) -> Result<SourceConfig, ConfigErrors> {
    let mut findings = ConfigErrors::default();
    let file = sources.file.as_deref().and_then(|path| layers::file(path, &mut findings));
    // What is missing from a file that cannot be read would be reported as missing settings.
    if !findings.errors.is_empty() {
        return Err(findings);
    }
    let merged = layers::merge(
        &[
            file.map(|file| file.settings).unwrap_or_default(),
            layers::environment(&sources.environment, PREFIX, &[]),
            layers::command_line("--set", &sources.set, &mut findings),
        ],
        &mut findings,
    );
    let config = SourceConfig::check(&merged, sources.environment.clone(), &mut findings);
    if findings.errors.is_empty() {
        return Ok(SourceConfig { warnings: findings.warnings, ..config });
    }
    Err(findings.missing_from(sources.file.as_ref()))
}

impl SourceConfig {
    /// Checks settings; `environment` is what `${env:…}` may see. The result may only be used where nothing was refused.
    pub fn check(properties: &Properties, environment: Environment, findings: &mut ConfigErrors) -> Self {
        let variables = Variables::declared(properties, environment, findings);
        let properties = variables.resolve(properties, findings);
        let (values, violations) =
            table::TABLE.parse(|key| properties.get(key).map(|property| property.value.as_str()));
        for violation in violations {
            let property = properties.get(violation.key());
            findings.violation(property, violation);
        }
        let text = |key| values.text(key).unwrap_or_default().to_owned();
        let session_timeout = values.millis(table::SESSION_TIMEOUT);
        let producer_settings = clients::producer(&properties, session_timeout, findings);
        let interval = values.millis(table::COMPARISON_INTERVAL);
        Self {
            name: text(table::NAME),
            session: SessionConfig::read(&values, |key| properties.get(key), &variables, findings),
            maps: maps(&values, &properties, findings),
            form: form(&values, &properties, findings),
            publish_expirations: values.text(table::EXPIRATIONS) != Some("ignore"),
            comparison_interval: (!interval.is_zero()).then_some(interval),
            control_topic: text(table::CONTROL_TOPIC),
            session_timeout,
            shutdown_timeout: values.millis(table::SHUTDOWN_TIMEOUT),
            metrics: metrics(&values, &properties, findings),
            producer: producer_settings,
            consumer: connection(&properties),
            warnings: Vec::new(),
        }
    }

    /// The consumer group by which processes of this name agree who publishes.
    pub fn group(&self) -> String {
        format!("coherence-source-{}", self.name)
    }
}

fn maps(values: &Values, properties: &Properties, findings: &mut ConfigErrors) -> Vec<MapConfig> {
    let (caches, mappings) = (values.list(table::CACHES), values.list(table::MAPPINGS));
    match mappings::resolve(caches, mappings) {
        Ok(maps) => maps,
        Err(refused) => {
            for (key, why) in refused {
                findings.refusal(properties.get(key), key, why, "an item is refused");
            }
            Vec::new()
        }
    }
}

fn form(values: &Values, properties: &Properties, findings: &mut ConfigErrors) -> FormConfig {
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

/// The class that reads what a serializer writes.
fn deserializer_of(serializer: &str) -> String {
    const BOTH: &str = "com.oracle.coherence.io.json.JsonSerializer";
    match serializer.strip_suffix("Serializer") {
        Some(stem) if serializer != BOTH => format!("{stem}Deserializer"),
        _ => serializer.to_owned(),
    }
}

fn metrics(values: &Values, properties: &Properties, findings: &mut ConfigErrors) -> Option<(String, u16)> {
    let item = values.text(table::METRICS)?;
    let listener = item.strip_prefix("http://").and_then(|rest| {
        let (host, port) = rest.trim_end_matches('/').rsplit_once(':')?;
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        (!bare.contains(['/', '@'])).then_some((bare.to_owned(), port.parse().ok()?))
    });
    if listener.is_none() {
        let why = format!("{item} is not an address: write http://host:port");
        findings.refusal(properties.get(table::METRICS), table::METRICS, why, "write http://host:port");
    }
    listener
}

#[cfg(test)]
mod tests;
