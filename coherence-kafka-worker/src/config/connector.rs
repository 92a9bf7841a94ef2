//! The settings that all connectors have in common; the rest is the plugin's.

use coherence_kafka_connect::config::def::Values;
use coherence_kafka_connect::config::{ConfigErrors, Properties, Property};

use super::table::{Owner, TASKS_LIMIT, is_shared};
use super::worker::{WorkerConfig, report_strangers};
use crate::description::Description;
use crate::retry::RetryPolicy;

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
    check_class(connector, properties.get("connector.class"), &values, findings);
    values
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
