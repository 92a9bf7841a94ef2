//! From files, environment and command line to a worker and its connectors, checked together with their plugin.
//!
//! ```text
//! Properties ─┬ worker.rs     the worker: its own settings are read in `config`
//!             └ connector.rs  a connector: its plugin reads it
//! ```

use std::fmt;
use std::path::PathBuf;

use coherence_kafka_connect::config::file::ConfigFile;
use coherence_kafka_connect::config::layers;
use coherence_kafka_connect::config::{
    ConfigErrors, Environment, Finding, Properties, Property, TargetState,
};

use crate::config::WorkerConfig;
use crate::config::table::{TASKS_LIMIT, is_connectors_alone};
use crate::description::Description;
use crate::plugin::Plugin;

mod connector;
mod worker;

pub use connector::ConnectorConfig;

/// Prefix of the environment variables that hold settings of the worker.
const WORKER_PREFIX: &str = "CONNECT_";

/// Prefix of the environment variables that hold settings of connectors.
const CONNECTOR_PREFIX: &str = "CONNECTOR_";

/// Variables that the images of Connect read for other purposes than settings: logging and waiting for brokers.
const NOT_SETTINGS: &[&str] =
    &["CONNECT_LOG4J_", "CONNECT_CUB_", "CONNECT_KAFKA_HEAP_OPTS", "CONNECT_KAFKA_JMX_"];

/// Where settings come from; the later wins over the earlier, inside the worker's and the connectors' half. `Debug`
/// shows no arguments: there may be passwords among them.
#[derive(Clone, Default)]
pub struct Sources {
    /// The worker's file; it may also hold the settings of one connector.
    pub worker_file: Option<PathBuf>,
    /// One file for each connector.
    pub connector_files: Vec<PathBuf>,
    /// The environment: `CONNECT_*` for the worker, `CONNECTOR_*` for every connector.
    pub environment: Environment,
    /// Arguments of `--set`, for the worker.
    pub set: Vec<String>,
    /// Arguments of `--connector-set`, for every connector.
    pub connector_set: Vec<String>,
}

impl fmt::Debug for Sources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sources")
            .field("worker_file", &self.worker_file)
            .field("connector_files", &self.connector_files)
            .finish_non_exhaustive()
    }
}

/// A checked configuration.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The worker.
    pub worker: WorkerConfig,
    /// The connectors, in the order of their files.
    pub connectors: Vec<LoadedConnector>,
    /// What an operator should know about the files, the worker and the connectors; to be logged once.
    pub warnings: Vec<Finding>,
}

/// A connector of a file.
#[derive(Debug, Clone)]
pub struct LoadedConnector {
    /// Its configuration.
    pub config: ConnectorConfig,
    /// The state it starts in.
    pub initial_state: TargetState,
}

/// Everything that is wrong in all files together, by whether the worker itself could start.
#[derive(Debug, Clone, thiserror::Error)]
pub enum LoadError {
    /// The worker is refused, and perhaps connectors too.
    #[error("{0}")]
    Worker(ConfigErrors),
    /// Only connectors are refused.
    #[error("{0}")]
    Connector(ConfigErrors),
}

/// Reads and checks everything.
///
/// # Errors
/// Everything that is wrong in all files together, so that one look is enough to put it right.
pub fn load(plugin: &dyn Plugin, sources: &Sources) -> Result<Loaded, LoadError> {
    let mut findings = ConfigErrors::default();
    let worker_file = sources.worker_file.as_deref().and_then(|path| layers::file(path, &mut findings));
    // What is missing from a file that cannot be read would be reported as missing settings.
    if !findings.errors.is_empty() {
        return Err(LoadError::Worker(findings));
    }
    let [of_worker, of_connectors] = environment(&sources.environment);
    let worker_layers = [of_worker, layers::command_line("--set", &sources.set, &mut findings)];
    let worker_settings = worker_file.map(|file| file.settings).unwrap_or_default();
    let properties = merge(&worker_settings, &worker_layers, &mut findings);
    let worker = WorkerConfig::check(plugin, &properties, sources.environment.clone(), &mut findings);
    let worker_is_refused = !findings.errors.is_empty();

    let connector_layers =
        [of_connectors, layers::command_line("--connector-set", &sources.connector_set, &mut findings)];
    let mut files = Vec::new();
    for path in &sources.connector_files {
        files.extend(layers::file(path, &mut findings).map(|file| (Some(path), file)));
    }
    if sources.connector_files.is_empty() {
        files.extend(connector_without_file(&properties, &connector_layers).map(|file| (None, file)));
    }
    if let (true, Some((path, file))) = (worker.distributed.is_some(), files.first()) {
        let property =
            path.is_none().then(|| file.settings.iter().find(|p| p.key == "connector.class")).flatten();
        let message = "a worker in distributed mode takes no connectors from files, environment or command line: \
                       create them over REST, or start without the settings config.storage.topic, \
                       offset.storage.topic and status.storage.topic";
        findings.error_at(property, "config.storage.topic", message);
        files.clear();
    }
    let both = properties.get("connector.class").is_some();
    let mut connectors: Vec<LoadedConnector> = Vec::new();
    let mut tasks = 0;
    for (path, file) in files {
        let properties = merge(&file.settings, &connector_layers, &mut findings);
        let config = match ConnectorConfig::parse(plugin, &worker, &properties) {
            Ok(mut config) => {
                let given = match path {
                    Some(_) => file.settings,
                    None if both => connectors_alone(plugin.description(), &worker_settings),
                    None => Vec::new(),
                };
                // As written, except for the environment, which is the operator's as the worker's settings are.
                let mut given = layers::merge(&[given, connector_layers[1].clone()], &mut findings).to_map();
                given.insert("name".to_owned(), config.name().to_owned());
                config.raw = given;
                config
            }
            Err(errors) => {
                findings.append(errors.missing_from(path));
                continue;
            }
        };
        if connectors.iter().any(|other| other.config.name() == config.name()) {
            let message = format!("another connector is already named {}", config.name());
            findings.error_at(properties.get("name"), "name", message);
        }
        tasks += u64::from(config.connector.tasks());
        if tasks > u64::from(worker.tasks_limit) {
            let message = format!(
                "the connectors have {tasks} tasks up to this one: the worker runs {} at most ({TASKS_LIMIT})",
                worker.tasks_limit
            );
            findings.error_at(properties.get("tasks.max"), "tasks.max", message);
        }
        let initial_state = file.initial_state.unwrap_or_default();
        findings.warnings.extend(config.warnings.iter().cloned());
        connectors.push(LoadedConnector { config, initial_state });
    }
    if findings.errors.is_empty() {
        return Ok(Loaded { worker, connectors, warnings: findings.warnings });
    }
    Err(if worker_is_refused { LoadError::Worker(findings) } else { LoadError::Connector(findings) })
}

/// Returns the settings that the environment has for the worker, and those for every connector.
pub fn environment(variables: &Environment) -> [Vec<Property>; 2] {
    [WORKER_PREFIX, CONNECTOR_PREFIX].map(|prefix| layers::environment(variables, prefix, NOT_SETTINGS))
}

/// Finds a connector without its own file: in the worker's file, or in environment and command line alone.
fn connector_without_file(worker: &Properties, layers: &[Vec<Property>; 2]) -> Option<ConfigFile> {
    let both = worker.get("connector.class").is_some();
    let settings = if both { worker.iter().cloned().collect() } else { Vec::new() };
    // Overrides alone make no connector: they wait for those that are created over REST or named as files.
    let named = layers.iter().flatten().any(|property| property.key == "connector.class");
    (both || named).then_some(ConfigFile { settings, initial_state: None, warnings: Vec::new() })
}

/// Returns the settings of a file, which is also a worker's, that concern its connector alone.
fn connectors_alone(connector: &Description, settings: &[Property]) -> Vec<Property> {
    settings.iter().filter(|property| is_connectors_alone(connector, &property.key)).cloned().collect()
}

fn merge(file: &[Property], above: &[Vec<Property>; 2], findings: &mut ConfigErrors) -> Properties {
    let [environment, arguments] = above;
    layers::merge(&[file.to_vec(), environment.clone(), arguments.clone()], findings)
}
