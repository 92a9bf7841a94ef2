//! The worker's own settings.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_connect::config::def::{PluginDesc, Values};
use coherence_kafka_connect::config::{ConfigErrors, Environment, Finding, Properties, Property, Variables};
use coherence_kafka_connect::converter::{
    self, Converter, ConverterClass, HeaderConverter, OptionError, Role, SIMPLE_HEADER_CONVERTER,
};
use coherence_kafka_rdkafka::settings::ClientSettings;

use super::distributed::DistributedConfig;
use super::rest::RestConfig;
use super::table::{self, Known, Owner};
use crate::description::Description;

/// A worker's configuration, checked. `Debug` shows no values: there may be passwords among them.
#[derive(Clone)]
pub struct WorkerConfig {
    /// The REST interface.
    pub rest: RestConfig,
    /// `coherence.tasks.limit`: tasks of all connectors together.
    pub tasks_limit: u32,
    /// How it forms a cluster with other workers; `None` where it is alone.
    pub distributed: Option<DistributedConfig>,
    /// `offset.flush.interval.ms`: time between commits.
    pub offset_flush_interval: Duration,
    /// `offset.flush.timeout.ms`: time after which a commit without answer has failed.
    pub offset_flush_timeout: Duration,
    /// `task.shutdown.graceful.timeout.ms`: what all tasks together have at shutdown.
    pub shutdown_timeout: Duration,
    /// `connector.client.config.override.policy`.
    pub override_policy: OverridePolicy,
    /// `topic.tracking.enable`: the topics of connectors are shown.
    pub topic_tracking: bool,
    /// `topic.tracking.allow.reset`: a request may reset them.
    pub topic_tracking_reset: bool,
    /// `ui.enable`: `GET /ui` returns the page.
    pub ui: bool,
    /// `ui.browse.enable`: the page shows entries of maps and dead letters.
    pub browse: bool,
    /// What an operator should know, to be logged once.
    pub warnings: Vec<Finding>,
    pub(crate) client: ClientSettings,
    properties: Properties,
    variables: Variables,
}

impl std::fmt::Debug for WorkerConfig {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WorkerConfig").field("listeners", &self.rest.listeners).finish_non_exhaustive()
    }
}

/// Which `consumer.override.*` settings connectors may set.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum OverridePolicy {
    /// Every setting.
    All,
    /// No setting.
    None,
    /// Credentials alone.
    Principal,
    /// The listed ones (Connect 4.2).
    Allowlist(Vec<String>),
}

impl OverridePolicy {
    fn parse(class: &str, allowlist: &[String]) -> Option<Self> {
        let name = class.strip_prefix("org.apache.kafka.connect.connector.policy.").unwrap_or(class);
        match name.strip_suffix("ConnectorClientConfigOverridePolicy").unwrap_or(name) {
            "All" => Some(OverridePolicy::All),
            "None" => Some(OverridePolicy::None),
            "Principal" => Some(OverridePolicy::Principal),
            "Allowlist" => Some(OverridePolicy::Allowlist(allowlist.to_vec())),
            _ => None,
        }
    }

    /// Returns why a connector may not set a client setting, in Connect's words.
    pub fn refusal(&self, key: &str) -> Option<String> {
        let (name, allowed) = match self {
            OverridePolicy::All => ("All", true),
            OverridePolicy::None => ("None", false),
            OverridePolicy::Principal => {
                ("Principal", ["security.protocol", "sasl.jaas.config", "sasl.mechanism"].contains(&key))
            }
            OverridePolicy::Allowlist(keys) => ("Allowlist", keys.iter().any(|allowed| allowed == key)),
        };
        (!allowed).then(|| {
            format!(
                "The '{name}' policy does not allow '{key}' to be overridden in the connector configuration."
            )
        })
    }
}

impl WorkerConfig {
    /// Returns `bootstrap.servers`; `embedded` stands for a broker inside this process.
    pub fn bootstrap_servers(&self) -> &str {
        self.properties.get("bootstrap.servers").map_or("localhost:9092", Property::trimmed)
    }

    /// True where `bootstrap.servers` is `embedded`: the broker runs inside this process.
    pub fn has_embedded_broker(&self) -> bool {
        self.bootstrap_servers() == "embedded"
    }

    /// Returns the settings of a Kafka client of the worker's own, by librdkafka's names.
    pub fn client_settings(&self) -> ClientSettings {
        self.client.clone()
    }

    /// Returns its settings, with the values of their variables.
    pub fn properties(&self) -> &Properties {
        &self.properties
    }

    /// Returns the variables that settings may contain.
    pub fn variables(&self) -> &Variables {
        &self.variables
    }

    /// Reads the settings of a worker with connectors of this kind, as far as that needs no plugin. Returns a worker
    /// even where it is refused, so that its connectors can be checked all the same.
    pub(crate) fn read(
        connector: &Description,
        properties: &Properties,
        environment: Environment,
        findings: &mut ConfigErrors,
    ) -> Self {
        let variables = Variables::declared(properties, environment.clone(), findings);
        let properties = variables.resolve(properties, findings);
        // One file may hold the worker and a connector.
        let owner = if properties.get("connector.class").is_some() { Owner::Both } else { Owner::Worker };
        report_strangers(connector, properties.iter(), &properties, owner, findings);
        let (values, violations) =
            table::WORKER.parse(|key| properties.get(key).map(|property| property.value.as_str()));
        for violation in violations {
            let property = properties.get(violation.key());
            findings.violation(property, violation);
        }
        let rest = RestConfig::read(&values, &properties, &environment, findings);
        let override_policy = override_policy(&values, &properties, findings);
        let distributed = DistributedConfig::read(&values, &properties, findings);
        Self {
            rest,
            distributed,
            // What was refused has no number.
            tasks_limit: u32::try_from(values.number(table::TASKS_LIMIT))
                .ok()
                .filter(|limit| *limit > 0)
                .unwrap_or(u32::MAX),
            offset_flush_interval: values.millis("offset.flush.interval.ms"),
            offset_flush_timeout: values.millis("offset.flush.timeout.ms"),
            shutdown_timeout: values.millis("task.shutdown.graceful.timeout.ms"),
            override_policy,
            topic_tracking: values.boolean("topic.tracking.enable"),
            topic_tracking_reset: values.boolean("topic.tracking.allow.reset"),
            ui: values.boolean("ui.enable"),
            browse: values.boolean("ui.browse.enable"),
            warnings: Vec::new(),
            client: ClientSettings::default(),
            properties,
            variables,
        }
    }
}

/// The converters that keys and values can have.
const CONVERTER_TABLES: [&[ConverterClass]; 2] =
    [&converter::CLASSES, &coherence_kafka_schema_registry::CLASSES];

/// Returns the converters that settings can name, with their options.
pub fn converters() -> impl Iterator<Item = PluginDesc> {
    let of_values = converter::CONVERTERS.iter().chain(&coherence_kafka_schema_registry::CONVERTERS);
    of_values.chain(&converter::HEADER_CONVERTERS).copied()
}

/// Returns the converter of `class`, a setting of `properties`, with the options that stand there too.
pub fn create_converter(
    role: Role,
    class: &Property,
    properties: &Properties,
    findings: &mut ConfigErrors,
) -> Option<Arc<dyn Converter>> {
    let prefix = format!("{}.", role.property());
    let options = options(properties, &prefix);
    created(
        converter::create_from(&CONVERTER_TABLES, class.trimmed(), role, &options),
        &prefix,
        Some(class),
        properties,
        findings,
    )
}

/// Returns the converter of headers that `header.converter` names, or Connect's default.
pub fn create_header_converter(
    properties: &Properties,
    findings: &mut ConfigErrors,
) -> Option<Arc<dyn HeaderConverter>> {
    let class = properties.get(Role::Header.property());
    let prefix = format!("{}.", Role::Header.property());
    let name = class.map_or(SIMPLE_HEADER_CONVERTER, Property::trimmed);
    let options = options(properties, &prefix);
    created(converter::create_header(name, &options), &prefix, class, properties, findings)
}

fn options(properties: &Properties, prefix: &str) -> BTreeMap<String, String> {
    let below = properties.below(prefix);
    below.map(|(option, property)| (option.to_owned(), property.value.clone())).collect()
}

/// Returns what was created, or notes why its class or its options are refused.
fn created<T>(
    created: Result<T, Vec<OptionError>>,
    prefix: &str,
    class: Option<&Property>,
    properties: &Properties,
    findings: &mut ConfigErrors,
) -> Option<T> {
    match created {
        Ok(converter) => Some(converter),
        Err(refused) => {
            for error in refused {
                let property = properties.get(&format!("{prefix}{}", error.key)).or(class);
                let key = property.map_or(&*error.key, |property| &property.key);
                findings.refusal(property, key, error.message, "the value is refused by the converter");
            }
            None
        }
    }
}

/// Notes those of `strangers` that are unknown, and those that change nothing, the latter once for each reason. `all`
/// are the settings that stand with them.
pub(super) fn report_strangers<'a>(
    connector: &Description,
    strangers: impl Iterator<Item = &'a Property>,
    all: &Properties,
    owner: Owner,
    findings: &mut ConfigErrors,
) {
    let mut reported = Vec::new();
    for property in strangers.filter(|property| !is_of_a_listed_alias(&property.key, all)) {
        match table::known(connector, owner, &property.key) {
            Known::Yes => {}
            Known::WithoutEffect(why) if reported.contains(&why) => {}
            Known::WithoutEffect(why) => {
                reported.push(why);
                findings.warning(property, format!("accepted, without effect: {why}"));
            }
            Known::No(Some(hint)) => findings.warning(property, format!("unknown setting, {hint}")),
            Known::No(None) => findings.warning(property, "unknown setting"),
        }
    }
}

/// Returns whether this is a setting of a transform or predicate that its list names: what is to know about it is found
/// there.
fn is_of_a_listed_alias(key: &str, all: &Properties) -> bool {
    ["transforms", "predicates"].iter().any(|list| {
        let rest = key.strip_prefix(list).and_then(|rest| rest.strip_prefix('.'));
        let alias = rest.map(|rest| rest.split('.').next().unwrap_or_default());
        let listed = all.get(list).map_or("", Property::trimmed);
        alias.is_some_and(|alias| listed.split(',').any(|item| item.trim() == alias))
    })
}

fn override_policy(values: &Values, properties: &Properties, findings: &mut ConfigErrors) -> OverridePolicy {
    const KEY: &str = "connector.client.config.override.policy";
    let class = values.text(KEY).unwrap_or("All");
    let allowlist = values.list("connector.client.config.override.allowlist");
    OverridePolicy::parse(class, allowlist).unwrap_or_else(|| {
        let property = properties.get(KEY);
        let shown = property.map_or(class, Property::shown);
        findings.error_at(
            property,
            KEY,
            format!(
                "Invalid value {shown} for configuration {KEY}: known are All, None, Principal and Allowlist"
            ),
        );
        OverridePolicy::None
    })
}
