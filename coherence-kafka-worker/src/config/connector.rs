//! What the worker knows of a connector's configuration; the rest is its plugin's.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use coherence_kafka_connect::config::def::{ConfigDef, DefaultValue, Typed, Values};
use coherence_kafka_connect::config::{ConfigErrors, Finding, Properties, Property, Variables};

use super::table::{NOT_YET, Owner, TASKS_LIMIT, is_shared};
use super::worker::{WorkerConfig, report_strangers};
use crate::description::Description;
use crate::plugin::Connector;
use crate::retry::RetryPolicy;

/// The configuration of a connector, checked. `Debug` shows no values: there may be passwords among them.
#[derive(Clone)]
pub struct ConnectorConfig {
    /// The connector that it leads to.
    pub connector: Arc<dyn Connector>,
    /// The connector's own settings as written, variables unresolved: the REST interface shows them. Nothing of
    /// the worker or of the environment is among them.
    pub raw: BTreeMap<String, String>,
    /// Warnings for the operator, to be logged once.
    pub warnings: Vec<Finding>,
}

impl fmt::Debug for ConnectorConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ConnectorConfig").field("name", &self.name()).finish_non_exhaustive()
    }
}

/// `coherence.task.restart.*`: when a failed task restarts by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RestartConfig {
    /// How many times in a row; `None` is without end, 0 is never.
    pub attempts: Option<u32>,
    /// Pauses before it.
    pub backoff: RetryPolicy,
}

impl RestartConfig {
    /// Reads the settings, which `property` finds, from their values.
    pub fn read<'a>(
        values: &Values,
        property: impl Fn(&str) -> Option<&'a Property>,
        findings: &mut ConfigErrors,
    ) -> Self {
        const MIN: &str = "coherence.task.restart.backoff.ms";
        const MAX: &str = "coherence.task.restart.backoff.max.ms";
        let backoff = RetryPolicy { min: values.millis(MIN), max: values.millis(MAX), timeout: None };
        if backoff.min > backoff.max {
            findings.error_at(property(MIN), MIN, format!("is more than {MAX}"));
        }
        Self { attempts: u32::try_from(values.number("coherence.task.restart.attempts")).ok(), backoff }
    }
}

impl ConnectorConfig {
    /// Checks the settings of a connector that come from the operator: from files, the environment, arguments.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn parse(worker: &WorkerConfig, properties: &Properties) -> Result<Self, ConfigErrors> {
        Self::check(worker, properties, worker.variables())
    }

    /// Checks the settings of a connector that came over the network: of the variables in them, those have a value
    /// whose provider the worker declares.
    ///
    /// # Errors
    /// Everything that is wrong, at once.
    pub fn of_request(worker: &WorkerConfig, properties: &Properties) -> Result<Self, ConfigErrors> {
        Self::check(worker, properties, &worker.variables().of_requests())
    }

    fn check(
        worker: &WorkerConfig,
        properties: &Properties,
        variables: &Variables,
    ) -> Result<Self, ConfigErrors> {
        let mut findings = ConfigErrors::default();
        let raw = properties.to_map();
        let properties = variables.resolve(properties, &mut findings);
        let connector = worker.plugin().connector(worker, &properties, &mut findings);
        // Settings of the worker that reach the clients of the connector were reported with the worker.
        findings.warnings.retain(|warning| !worker.warnings.contains(warning));
        let warnings = findings.warnings.clone();
        findings.finish(connector.map(|connector| Self { connector, raw, warnings }))
    }

    /// Returns its name.
    pub fn name(&self) -> &str {
        self.connector.name()
    }
}

/// Returns a connector's setting, or the worker's where a worker may set it for all its connectors.
pub fn setting<'a>(
    worker: &'a WorkerConfig,
    connector: &Description,
    properties: &'a Properties,
    key: &str,
) -> Option<&'a Property> {
    properties.get(key).or_else(|| is_shared(connector, key).then(|| worker.properties().get(key)).flatten())
}

/// Reads the settings that the worker's file makes for all connectors, and reports those with values that they cannot
/// have: over REST a connector may come much later.
pub fn read_shared(worker: &WorkerConfig, connector: &Description, findings: &mut ConfigErrors) -> Values {
    let none = Properties::default();
    let setting = |key: &str| setting(worker, connector, &none, key);
    let (values, violations) =
        connector.settings.parse(|key| setting(key).map(|property| property.value.as_str()));
    // Settings that only a connector has are missing here.
    for violation in violations.into_iter().filter(|violation| is_shared(connector, violation.key())) {
        let property = setting(violation.key());
        findings.violation(property, violation);
    }
    values
}

/// Reads the settings of a connector by its table, and reports unknown ones, those that change nothing, those with
/// values that they cannot have, and a `connector.class` of another kind.
pub fn read(
    worker: &WorkerConfig,
    connector: &Description,
    properties: &Properties,
    findings: &mut ConfigErrors,
) -> Values {
    // One file may hold the worker and this connector; what is the worker's was reported with the worker.
    let shared = |property: &&Property| {
        worker.properties().get(&property.key).is_some_and(|other| other.origin == property.origin)
    };
    let strangers = properties.iter().filter(|property| !shared(property));
    report_strangers(connector, strangers, properties, Owner::Connector, findings);
    let setting = |key: &str| setting(worker, connector, properties, key);
    let (values, violations) =
        connector.settings.parse(|key| setting(key).map(|property| property.value.as_str()));
    for violation in violations {
        let property = setting(violation.key());
        findings.violation(property, violation);
    }
    refuse_not_yet(connector.settings, &values, properties, findings);
    check_class(connector, properties.get("connector.class"), &values, findings);
    values
}

/// Refuses values that ask for something not built yet, so that nothing is silently ignored.
fn refuse_not_yet(def: &ConfigDef, values: &Values, properties: &Properties, findings: &mut ConfigErrors) {
    for key in def.keys.iter().filter(|key| key.group == NOT_YET) {
        let default: Option<Typed> = match key.default {
            DefaultValue::Text(text) => key.parse(text).ok(),
            DefaultValue::Null | DefaultValue::Required => None,
        };
        if let (Some(value), Some(property)) = (values.typed(key.name), properties.get(key.name))
            && Some(value) != default.as_ref()
        {
            findings.error(property, format!("{} is not supported yet: leave it out", property.shown()));
        }
    }
}

fn check_class(
    connector: &Description,
    property: Option<&Property>,
    values: &Values,
    findings: &mut ConfigErrors,
) {
    if let Some(class) = values.text("connector.class")
        && !connector.classes.contains(&class)
    {
        let shown = property.map_or(class, Property::shown);
        let why = format!(
            "Failed to find any class that implements Connector and which name matches {shown}: \
             the only connector here is {}",
            connector.classes.join(", or ")
        );
        findings.error_at(property, "connector.class", why);
    }
}

/// Returns `tasks.max`, which the worker bounds; `None` where it was refused.
pub fn tasks_max(
    worker: &WorkerConfig,
    properties: &Properties,
    values: &Values,
    findings: &mut ConfigErrors,
) -> Option<u32> {
    const KEY: &str = "tasks.max";
    let tasks = u32::try_from(values.number(KEY)).ok()?;
    let limit = worker.tasks_limit;
    if tasks > limit {
        let why = format!("is {tasks}: the worker runs {limit} tasks at most ({TASKS_LIMIT})");
        findings.error_at(properties.get(KEY), KEY, why);
    }
    Some(tasks)
}
