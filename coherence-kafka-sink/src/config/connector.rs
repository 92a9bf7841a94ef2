//! The settings of one sink connector.

use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{
    ConfigErrors, Finding, Properties, Property, SessionConfig, SessionKind, check_topic_name,
};
use coherence_kafka_connect::converter::{Converter, HeaderConverter, Role};
use coherence_kafka_connect::encode::ArrayForm;
use coherence_kafka_connect::mapping::Mapping;
use coherence_kafka_connect::transform::{Classes, FieldPath, Transforms};
use coherence_kafka_rdkafka::settings::ClientSettings;
use coherence_kafka_worker::RetryPolicy;
use coherence_kafka_worker::config::{
    self, RestartConfig, WorkerConfig, create_converter, create_header_converter,
};

use super::clients::{self, ConsumerConfig};
use super::map_names::MapNames;
use super::mappings::Mappings;
use super::pattern;
use crate::config::table::DESCRIPTION;
use crate::errors::ErrorPolicy;
use crate::expiry::Expiries;
use crate::key::KeySource;

pub use errors::DeadLetterConfig;

mod errors;
mod fields;
mod map_names;
mod mapping_file;
pub(crate) mod shared;

const DIRECTORY: &str = "coherence.session.directory";
const BYTE_ARRAY_CONVERTER: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

/// A sink connector's configuration, checked. `Debug` shows no values: there may be passwords among them.
#[derive(Clone)]
pub struct ConnectorConfig {
    /// `name`.
    pub name: String,
    /// `tasks.max`, at least 1.
    pub tasks_max: u32,
    /// What to read.
    pub topics: Topics,
    /// Which map a topic goes to.
    pub map_names: MapNames,
    /// `coherence.mapping.file`: the types of entries.
    pub mapping: Option<Arc<Mapping>>,
    /// `coherence.passthrough`: bytes of the topic are Coherence binaries.
    pub passthrough: bool,
    /// `coherence.key.fields` and `coherence.key.header`.
    pub key_source: KeySource,
    /// Converter of keys, in use unless bytes pass through.
    pub key_converter: Arc<dyn Converter>,
    /// Converter of values, in use unless bytes pass through.
    pub value_converter: Arc<dyn Converter>,
    /// Converter of headers, in use where a transform or predicate uses headers.
    pub header_converter: Arc<dyn HeaderConverter>,
    /// What changes a converted record.
    pub transforms: Arc<Transforms>,
    /// Where the maps are.
    pub session: SessionConfig,
    /// `coherence.session.directory`, only where the maps are embedded.
    pub session_directory: Option<PathBuf>,
    /// `coherence.json.arrays`.
    pub arrays: ArrayForm,
    /// The consumers of the tasks, in librdkafka's words.
    pub consumer: ConsumerConfig,
    /// Records of a batch at most, `max.poll.records` considered.
    pub batch_records: usize,
    /// `coherence.batch.max.bytes`: bytes of keys and values that fill a batch.
    pub batch_bytes: usize,
    /// `coherence.batch.linger.ms`: how long to wait for more records after the first one.
    pub batch_linger: Duration,
    /// `coherence.retry.*`: how long to wait before the next attempt while the grid is away.
    pub retry: RetryPolicy,
    /// `coherence.refused.timeout.ms`: how long a record is refused before it is to blame.
    pub refused_timeout: Duration,
    /// What is done about bad records.
    pub errors: ErrorPolicy,
    /// `errors.deadletterqueue.*`, if a queue is configured.
    pub dead_letters: Option<DeadLetterConfig>,
    /// `coherence.ttl.*`.
    pub expiries: Expiries,
    /// `coherence.version.field`.
    pub version_field: Option<FieldPath>,
    /// `coherence.task.restart.*`.
    pub restart: RestartConfig,
}

impl fmt::Debug for ConnectorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorConfig")
            .field("name", &self.name)
            .field("tasks_max", &self.tasks_max)
            .field("topics", &self.topics)
            .finish_non_exhaustive()
    }
}

/// The topics of a connector.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Topics {
    /// `topics`: these, each once.
    List(Vec<String>),
    /// `topics.regex`: all whose name matches; anchored, in the form that librdkafka subscribes to.
    Pattern(String),
}

impl ConnectorConfig {
    /// Returns the settings of the consumer of one task, in librdkafka's words, sorted by name.
    pub fn consumer_settings(&self, task: u32) -> ClientSettings {
        let mut settings = self.consumer.for_task(task);
        // Each task is its own member: of two with one name the broker expels the first.
        if self.tasks_max > 1
            && let Some((_, id)) = settings.iter_mut().find(|(key, _)| key == "group.instance.id")
        {
            *id = format!("{id}-{task}");
        }
        settings
    }

    /// Checks the settings of a connector, whose variables are resolved. Returns `None` where they are refused.
    /// `classes` are the transforms and predicates that it can name.
    pub fn check(
        worker: &WorkerConfig,
        properties: &Properties,
        classes: &Classes,
        findings: &mut ConfigErrors,
    ) -> Option<Self> {
        Check { worker, properties, classes, findings }.connector()
    }
}

struct Check<'a> {
    worker: &'a WorkerConfig,
    properties: &'a Properties,
    classes: &'a Classes,
    findings: &'a mut ConfigErrors,
}

impl<'a> Check<'a> {
    fn connector(&mut self) -> Option<ConnectorConfig> {
        let values = config::connector::read(self.worker, &DESCRIPTION, self.properties, self.findings);
        let name = values.text("name").unwrap_or_default().to_owned();
        let topics = self.topics(&values);
        let transforms = config::transforms(self.classes, self.properties, self.findings);
        // A transform may give a record another topic than those that are read.
        let listed = topics.as_ref().filter(|_| transforms.as_ref().is_none_or(Transforms::is_empty));
        let map_names = self.map_names(&values, listed);
        let key_converter = self.converter(Role::Key);
        let value_converter = self.converter(Role::Value);
        let header_converter = self.header_converter();
        let passthrough = values.boolean("coherence.passthrough");
        self.passthrough(
            passthrough,
            &[(Role::Key, key_converter.as_ref()), (Role::Value, value_converter.as_ref())],
        );
        let key_source = self.key_source(&values, header_converter.as_ref());
        let (worker, properties) = (self.worker, self.properties);
        let session = SessionConfig::read(
            &values,
            |key| setting(worker, properties, key),
            worker.variables(),
            self.findings,
        );
        let mapping = self.mapping_file(&values, session.format, topics.as_ref(), &map_names);
        let retry = self.retry(&values);
        let refused_timeout = self.refused_timeout(&values, retry);
        let errors = self.errors(&values);
        let dead_letters = self.dead_letters(&values, topics.as_ref());
        let expiries = self.expiries(&values, listed);
        let version_field = self.version_field(&values, &session, &errors);
        let restart = RestartConfig::read(&values, |key| setting(worker, properties, key), self.findings);
        let consumer = clients::consumer(
            &name,
            worker.properties(),
            properties,
            &worker.override_policy,
            matches!(topics, Some(Topics::Pattern(_))),
            self.findings,
        );
        Some(ConnectorConfig {
            name,
            tasks_max: config::connector::tasks_max(worker, properties, &values, self.findings)?,
            topics: topics?,
            map_names,
            mapping,
            passthrough,
            key_source,
            key_converter: key_converter?,
            value_converter: value_converter?,
            header_converter: header_converter?,
            transforms: Arc::new(transforms?),
            session_directory: self.session_directory(&values, session.kind),
            session,
            arrays: match values.text("coherence.json.arrays") {
                Some("array") => ArrayForm::ObjectArray,
                _ => ArrayForm::List,
            },
            batch_records: records(&values, consumer.max_poll_records),
            batch_bytes: usize::try_from(values.number("coherence.batch.max.bytes")).ok()?,
            batch_linger: values.millis("coherence.batch.linger.ms"),
            consumer,
            retry,
            refused_timeout,
            errors,
            dead_letters,
            expiries,
            version_field,
            restart,
        })
    }

    fn property(&self, key: &str) -> Option<&'a Property> {
        setting(self.worker, self.properties, key)
    }

    fn error(&mut self, key: &str, message: impl Into<String>) {
        let property = self.property(key);
        self.findings.error_at(property, key, message);
    }

    /// Adds an error whose text may repeat the value.
    fn refusal(&mut self, key: &str, why: String, otherwise: &str) {
        let property = self.property(key);
        self.findings.refusal(property, key, why, otherwise);
    }

    fn topics(&mut self, values: &Values) -> Option<Topics> {
        const KEYS: [&str; 2] = ["topics", "topics.regex"];
        let list = values.list("topics");
        let regex = values.text("topics.regex").unwrap_or_default();
        // A setting that was refused has no value and is reported already.
        let refused = KEYS.iter().any(|key| values.typed(key).is_none());
        match (list.is_empty(), regex.is_empty()) {
            _ if refused => None,
            (true, true) => {
                KEYS.iter().for_each(|key| self.error(key, "Must configure one of topics or topics.regex"));
                None
            }
            (false, false) => {
                let why = "topics and topics.regex are mutually exclusive options, but both are set.";
                KEYS.iter().for_each(|key| self.error(key, why));
                None
            }
            (false, true) => self.topic_list(list),
            (true, false) => match pattern::posix(regex) {
                Ok(pattern) => Some(Topics::Pattern(pattern)),
                Err(why) => {
                    let shown = self.property("topics.regex").map_or(regex, Property::shown);
                    self.error(
                        "topics.regex",
                        format!("Invalid value {shown} for configuration topics.regex: {why}"),
                    );
                    None
                }
            },
        }
    }

    /// Kafka 3 drops empty and repeated items, Kafka 4 refuses them; here they are dropped with a warning.
    fn topic_list(&mut self, list: &[String]) -> Option<Topics> {
        let mut topics: Vec<String> = Vec::new();
        for topic in list.iter().filter(|topic| !topic.is_empty()) {
            if let Err(why) = check_topic_name(topic) {
                let otherwise = format!("an item is not a topic name: {why}");
                self.refusal("topics", format!("{topic} is not a topic name: {why}"), &otherwise);
            }
            if !topics.contains(topic) {
                topics.push(topic.clone());
            }
        }
        if let Some(property) = self.property("topics").filter(|_| topics.len() < list.len()) {
            self.findings
                .warning(property, "has empty or repeated items, which Kafka 4 refuses; they are dropped");
        }
        if topics.is_empty() {
            self.error("topics", "Must configure one of topics or topics.regex");
        }
        Some(Topics::List(topics))
    }

    /// Checks the directory: a grid keeps its maps itself, and a broker inside the process loses the records of the
    /// offsets.
    fn session_directory(&mut self, values: &Values, kind: SessionKind) -> Option<PathBuf> {
        let directory = self.existing_directory(values)?;
        if kind != SessionKind::Embedded {
            self.error(DIRECTORY, "needs coherence.session=embedded: a grid keeps its maps itself");
        }
        if self.worker.has_embedded_broker() {
            let why = "cannot be combined with bootstrap.servers=embedded: that broker loses its records when the \
                       process ends, and the saved offsets would point to other records";
            self.error(DIRECTORY, why);
        }
        Some(directory)
    }

    fn existing_directory(&mut self, values: &Values) -> Option<PathBuf> {
        let directory = PathBuf::from(values.text(DIRECTORY)?);
        // Not created: where a file system is not mounted, the maps would silently start empty.
        if !directory.is_dir() {
            let why = format!("{} is not a directory: create it, or mount it", directory.display());
            self.refusal(DIRECTORY, why, "is not a directory: create it, or mount it");
        }
        Some(directory)
    }

    fn header_converter(&mut self) -> Option<Arc<dyn HeaderConverter>> {
        let source = self.source_of_converter(Role::Header);
        create_header_converter(source, self.findings)
    }

    /// Returns the properties that hold the class of a converter and its options: the connector's, or else the worker's.
    fn source_of_converter(&mut self, role: Role) -> &'a Properties {
        let key = role.property();
        let own = self.properties.get(key).is_some();
        let prefix = format!("{key}.");
        if !own
            && let Some((_, property)) =
                self.properties.below(&prefix).find(|(option, _)| *option != "plugin.version")
        {
            self.findings.warning(
                property,
                format!("without effect: options count only where {key} is set in the same configuration"),
            );
        }
        if own { self.properties } else { self.worker.properties() }
    }

    fn converter(&mut self, role: Role) -> Option<Arc<dyn Converter>> {
        let source = self.source_of_converter(role);
        let key = role.property();
        let Some(class) = source.get(key) else {
            let why = format!(
                "Missing required configuration \"{key}\" which has no default value, \
                 in the worker and in the connector."
            );
            self.findings.error_at(None, key, why);
            return None;
        };
        create_converter(role, class, source, self.findings)
    }

    fn passthrough(&mut self, passthrough: bool, converters: &[(Role, Option<&Arc<dyn Converter>>)]) {
        let raw = |converter: &Arc<dyn Converter>| converter.class_name() == BYTE_ARRAY_CONVERTER;
        if passthrough {
            for (role, converter) in converters {
                if let Some(converter) = converter.filter(|converter| !raw(converter)) {
                    let why = format!(
                        "coherence.passthrough=true stores the bytes of the topic as they are: \
                         {} must be {BYTE_ARRAY_CONVERTER}, not {}",
                        role.property(),
                        converter.class_name()
                    );
                    self.error(role.property(), why);
                }
            }
        } else if converters.iter().all(|(_, converter)| converter.is_some_and(raw)) {
            let message = "both converters return bytes, but coherence.passthrough is not set: the maps store byte \
                           arrays. For topics that hold Coherence binaries set coherence.passthrough=true";
            self.findings.warnings.push(Finding {
                origin: self.properties.get("value.converter").map(|property| property.origin.clone()),
                key: "coherence.passthrough".to_owned(),
                message: message.to_owned(),
            });
        }
    }
}

/// Returns a connector's setting, or the worker's where a worker may set it for all its connectors.
fn setting<'a>(worker: &'a WorkerConfig, properties: &'a Properties, key: &str) -> Option<&'a Property> {
    config::connector::setting(worker, &DESCRIPTION, properties, key)
}

fn records(values: &Values, max_poll_records: Option<u32>) -> usize {
    let limit = |number: i64| usize::try_from(number).unwrap_or(1).max(1);
    let polled = max_poll_records.map_or(usize::MAX, |records| limit(records.into()));
    limit(values.number("coherence.batch.max.records")).min(polled)
}

#[cfg(test)]
mod tests;
