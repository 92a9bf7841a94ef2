//! The configuration of a source: a connector of a worker; or one properties file, over it the environment and the command
//! line. All of it is checked before anything starts.
//!
//! ```text
//! worker, connector ─► flat.rs ─┐
//! file ─ environment ─ --set ───┴► table.rs (types, defaults) ─┬► mappings.rs (cache → topic) ─► form.rs
//!                                                              └► schemes.rs (a cache configuration file; for each
//!                                                                 cache its own topic, form and producer)
//!                                what it does not know is a producer setting ──► clients.rs, librdkafka's names
//! ```

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{
    ConfigErrors, Environment, Finding, Properties, Property, SessionConfig, Variables, layers,
};
use coherence_kafka_core::Transactions;
use coherence_kafka_rdkafka::settings::connection;
use coherence_kafka_worker::config::{RestartConfig, WorkerConfig, connector};
use coherence_kafka_worker::load;

use crate::config::table::DESCRIPTION;
use converters::Converters;

mod clients;
mod converters;
#[cfg(test)]
mod docs;
pub(crate) mod flat;
mod form;
pub(crate) mod mappings;
mod schemes;
pub(crate) mod table;

pub use form::FormConfig;

/// The former prefix of the environment variables that hold settings.
const FORMER_PREFIX: &str = "COHERENCE_KAFKA_SOURCE_";
/// The prefix that replaces it, in warnings.
const PREFIX: &str = "CONNECT_";

/// Where settings come from; the later wins. `Debug` shows no arguments: there may be passwords among them.
#[derive(Clone, Default)]
pub struct Sources {
    /// The properties file.
    pub file: Option<PathBuf>,
    /// The environment: `CONNECT_*` and `CONNECTOR_*`, as for a file that is a worker's and a connector's; and
    /// `COHERENCE_KAFKA_SOURCE_*`, the former names.
    pub environment: Environment,
    /// Arguments of `--set`.
    pub set: Vec<String>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources").field("file", &self.file).finish_non_exhaustive()
    }
}

impl Sources {
    /// Reads the file, once: it may be a pipe.
    pub fn read(self) -> Unchecked {
        let mut findings = ConfigErrors::default();
        let file = self.file.as_deref().and_then(|path| layers::file(path, &mut findings));
        let is_read = findings.errors.is_empty();
        let former = layers::environment(&self.environment, FORMER_PREFIX, &[]);
        findings.warnings.extend(former.iter().map(renamed));
        let own = [
            file.map(|file| file.settings).unwrap_or_default(),
            former,
            layers::command_line("--set", &self.set, &mut findings),
        ];
        let shared = load::environment(&self.environment);
        Unchecked { sources: self, own, shared, is_read, findings }
    }
}

/// Names the variable that replaces one with the former prefix.
fn renamed(property: &Property) -> Finding {
    let name = property.origin.rsplit_once(FORMER_PREFIX).map_or("", |(_, name)| name);
    property.finding(format!("former name of the variable, write {PREFIX}{name}"))
}

/// Settings that are read and not checked yet.
pub struct Unchecked {
    sources: Sources,
    /// The file, variables with the former prefix, and the command line.
    own: [Vec<Property>; 3],
    /// Variables that a worker reads, too.
    shared: [Vec<Property>; 2],
    /// Whether the file could be read.
    is_read: bool,
    findings: ConfigErrors,
}

impl fmt::Debug for Unchecked {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unchecked").field("sources", &self.sources).finish_non_exhaustive()
    }
}

impl Unchecked {
    /// Returns whether the settings are those of a worker: a connector is named, or a worker without connectors is
    /// configured.
    pub(crate) fn are_a_workers(&self) -> bool {
        const OF_WORKERS: [&str; 4] =
            ["listeners", "key.converter", "value.converter", "offset.storage.file.filename"];
        const OF_MAPS: [&str; 3] = [table::CACHES, table::MAPPINGS, table::CACHE_CONFIG];
        let has = |layers: &[Vec<Property>], keys: &[&str]| {
            layers.iter().flatten().any(|property| keys.contains(&property.key.as_str()))
        };
        // Maps that a shared variable names may be those of connectors that are created later.
        has(&self.own, &["connector.class"])
            || has(&self.shared, &["connector.class"])
            || (has(&self.own, &OF_WORKERS) && !has(&self.own, &OF_MAPS))
    }

    /// Checks everything.
    ///
    /// # Errors
    /// Everything that is wrong, so that one look is enough to put it right.
    pub fn check(self) -> Result<SourceConfig, ConfigErrors> {
        let Self {
            sources,
            own: [file, former, arguments],
            shared: [worker, connector],
            is_read,
            mut findings,
        } = self;
        // What is missing from a file that cannot be read would be reported as missing settings.
        if !is_read {
            return Err(findings);
        }
        let merged = layers::merge(&[file, worker, connector, former, arguments], &mut findings);
        let config = SourceConfig::check(&merged, sources.environment, &mut findings);
        if findings.errors.is_empty() {
            return Ok(SourceConfig { warnings: findings.warnings, ..config });
        }
        Err(findings.missing_from(sources.file.as_ref()))
    }
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
    /// `coherence.source.comparison.interval.ms`; `None` compares only where something may have been missed.
    pub comparison_interval: Option<Duration>,
    /// `coherence.source.control.topic`.
    pub control_topic: String,
    /// `coherence.source.session.timeout.ms`.
    pub session_timeout: Duration,
    /// How the producers publish: `coherence.source.commit.interval.ms` and a transactional id for this name.
    pub transactions: Transactions,
    /// `errors.*`.
    pub errors: ErrorConfig,
    /// `coherence.source.shutdown.timeout.ms`.
    pub shutdown_timeout: Duration,
    /// `metrics.listener`: host and port.
    pub metrics: Option<(String, u16)>,
    /// Settings of the clients of the control topic, by librdkafka's names.
    pub consumer: Vec<(String, String)>,
    /// Warnings for the operator, to be logged once.
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

/// How entries are treated that cannot become a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ErrorConfig {
    /// `errors.tolerance=all`: the others are published.
    pub tolerates: bool,
    /// `errors.log.enable`.
    pub logs: bool,
}

/// A cache and its topic.
#[derive(Clone)]
pub struct MapConfig {
    /// The name of the cache.
    pub cache: String,
    /// The topic that holds the content of the cache, and nothing else.
    pub topic: String,
    /// The form of keys and values in the topic.
    pub form: FormConfig,
    /// `publish.expirations`: an entry that expires becomes a tombstone.
    pub publish_expirations: bool,
    /// Settings of the producer, by librdkafka's names; maps with equal ones share it.
    pub producer: Vec<(String, String)>,
    /// Settings of the clients that read the topic, by librdkafka's names.
    pub consumer: Vec<(String, String)>,
}

impl fmt::Debug for MapConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MapConfig")
            .field("cache", &self.cache)
            .field("topic", &self.topic)
            .field("form", &self.form)
            .finish_non_exhaustive()
    }
}

/// Reads and checks everything.
///
/// # Errors
/// Everything that is wrong, so that one look is enough to put it right.
pub fn load(sources: &Sources) -> Result<SourceConfig, ConfigErrors> {
    sources.clone().read().check()
}

impl SourceConfig {
    /// Checks the settings of a file of its own; `environment` is what `${env:…}` may see. The result may only be used
    /// where nothing was refused.
    pub fn check(properties: &Properties, environment: Environment, findings: &mut ConfigErrors) -> Self {
        let variables = Variables::declared(properties, environment, findings);
        let properties = variables.resolve(properties, findings);
        let (values, violations) =
            table::TABLE.parse(|key| properties.get(key).map(|property| property.value.as_str()));
        for violation in violations {
            let property = properties.get(violation.key());
            findings.violation(property, violation);
        }
        Self::of(&values, &properties, (&properties, None), &variables, findings)
    }

    /// Checks the settings of a connector of a worker, whose variables are resolved. The result may only be used where
    /// nothing was refused.
    pub fn of_connector(
        worker: &WorkerConfig,
        properties: &Properties,
        findings: &mut ConfigErrors,
    ) -> (Self, RestartConfig) {
        let values = connector::read(worker, &DESCRIPTION, properties, findings);
        connector::tasks_max(worker, properties, &values, findings);
        let restart = RestartConfig::read(&values, |key| properties.get(key), findings);
        let flat = flat::Flat::of_connector(worker, properties, findings);
        let mut found = ConfigErrors::default();
        let settings = (properties, Some(worker.properties()));
        let config = Self::of(&values, &flat.properties, settings, worker.variables(), &mut found);
        findings.append(flat.as_written(found));
        (config, restart)
    }

    /// Checks the values of a table, and the settings of the producer that stand with them.
    fn of(
        values: &Values,
        properties: &Properties,
        (own, worker): (&Properties, Option<&Properties>),
        variables: &Variables,
        findings: &mut ConfigErrors,
    ) -> Self {
        let text = |key| values.text(key).unwrap_or_default().to_owned();
        let session_timeout = values.millis(table::SESSION_TIMEOUT);
        let producer = clients::producer(properties, session_timeout, findings);
        let interval = values.millis(table::COMPARISON_INTERVAL);
        let session = SessionConfig::read(values, |key| properties.get(key), variables, findings);
        let converters = Converters { own, worker, values, format: session.format };
        let maps = match properties.get(table::CACHE_CONFIG) {
            Some(file) => {
                converters.report_unused(table::CACHE_CONFIG, findings);
                let settings = schemes::Settings {
                    file,
                    properties,
                    caches: values.list(table::CACHES),
                    session_timeout,
                    format: session.format,
                    variables,
                };
                schemes::maps(&settings, findings)
            }
            None => maps(values, properties, converters, producer, findings),
        };
        let name = text(table::NAME);
        let transactions = Transactions {
            id: group(&name),
            interval: values.millis(table::COMMIT_INTERVAL),
            timeout: clients::transaction_timeout(session_timeout),
        };
        Self {
            name,
            session,
            maps,
            comparison_interval: (!interval.is_zero()).then_some(interval),
            control_topic: text(table::CONTROL_TOPIC),
            session_timeout,
            transactions,
            errors: ErrorConfig {
                tolerates: values.text(table::TOLERANCE) != Some("none"),
                logs: values.boolean(table::LOG_ERRORS),
            },
            shutdown_timeout: values.millis(table::SHUTDOWN_TIMEOUT),
            metrics: metrics(values, properties, findings),
            consumer: connection(properties),
            warnings: Vec::new(),
        }
    }

    /// Returns the consumer group by which the processes of this name elect the publisher.
    pub fn group(&self) -> String {
        group(&self.name)
    }
}

fn group(name: &str) -> String {
    format!("coherence-source-{name}")
}

/// Returns the configurations of all maps, with one form and one producer.
fn maps(
    values: &Values,
    properties: &Properties,
    converters: Converters<'_>,
    producer: Vec<(String, String)>,
    findings: &mut ConfigErrors,
) -> Vec<MapConfig> {
    let forms = form::forms(values, properties, converters, findings);
    let (caches, mappings) = (values.list(table::CACHES), values.list(table::MAPPINGS));
    let map = |(cache, topic): (String, String)| MapConfig {
        form: forms.of(&cache),
        cache,
        topic,
        publish_expirations: values.text(table::EXPIRATIONS) != Some("ignore"),
        producer: producer.clone(),
        consumer: connection(properties),
    };
    match mappings::resolve(caches, mappings) {
        Ok(maps) => {
            let is_published = |name: &str| maps.iter().any(|(cache, _)| cache == name);
            for name in forms.typed_maps().filter(|name| !is_published(name)) {
                if let Some(property) =
                    properties.get(table::MAPPING_FILE).filter(|property| !property.secret)
                {
                    findings.warning(property, format!("describes map {name}, which is not published"));
                }
            }
            maps.into_iter().map(map).collect()
        }
        Err(refused) => {
            for (key, why) in refused {
                findings.refusal(properties.get(key), key, why, "an item is refused");
            }
            Vec::new()
        }
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
