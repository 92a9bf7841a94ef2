//! The metrics of the worker, of its connectors, and of the states of their tasks.

use std::time::UNIX_EPOCH;

use super::{Family, MetricKind, Sample, Value};
use crate::description::Description;
use crate::worker::{Attempts, ConnectorStatus, Counts, Starts};

const fn family(
    name: &'static str,
    kind: MetricKind,
    labels: &'static [&'static str],
    help: &'static str,
) -> Family {
    Family { name, kind, help, labels, former: false }
}

const fn gauge(name: &'static str, labels: &'static [&'static str], help: &'static str) -> Family {
    family(name, MetricKind::Gauge, labels, help)
}

const fn counter(name: &'static str, help: &'static str) -> Family {
    family(name, MetricKind::Counter, &[], help)
}

/// The metrics of the worker, in the order of the page.
#[rustfmt::skip]
pub(super) static FAMILIES: &[Family] = &[
    TASK_STATUS, RUNNING_RATIO, PAUSE_RATIO,
    STATUS, CLASS, KIND, VERSION,
    TASKS_TOTAL, TASKS_RUNNING, TASKS_PAUSED, TASKS_FAILED,
    CONNECTORS, TASKS,
    CONNECTOR_STARTS.attempts, CONNECTOR_STARTS.successes, CONNECTOR_STARTS.failures,
    CONNECTOR_STARTS.success_ratio, CONNECTOR_STARTS.failure_ratio,
    TASK_STARTS.attempts, TASK_STARTS.successes, TASK_STARTS.failures,
    TASK_STARTS.success_ratio, TASK_STARTS.failure_ratio,
    WORKER_VERSION, START_TIME,
    REBALANCES, REBALANCING, EPOCH, SINCE_REBALANCE, PARTITIONS,
];

const OF_TASK: &[&str] = &["connector", "task"];
const OF_CONNECTOR: &[&str] = &["connector"];

const TASK_STATUS: Family = gauge(
    "kafka_connect_connector_task_status",
    &["connector", "task", "status"],
    "1 for the state of the task in the label status: running, paused, failed, restarting",
);
const RUNNING_RATIO: Family = gauge(
    "kafka_connect_connector_task_running_ratio",
    OF_TASK,
    "Fraction of the time since the start of the task that it was running",
);
const PAUSE_RATIO: Family = gauge(
    "kafka_connect_connector_task_pause_ratio",
    OF_TASK,
    "Fraction of the time since the start of the task that it was paused",
);
const STATUS: Family = gauge(
    "kafka_connect_connector_status",
    &["connector", "status"],
    "1 for the state of the connector in the label status: unassigned, running, paused, stopped, failed",
);
const CLASS: Family = gauge(
    "kafka_connect_connector_connector_class",
    &["connector", "connector_class"],
    "1, with the class of the connector",
);
const KIND: Family = gauge(
    "kafka_connect_connector_connector_type",
    &["connector", "connector_type"],
    "1, with the type of the connector: sink, source",
);
const VERSION: Family = gauge(
    "kafka_connect_connector_connector_version",
    &["connector", "connector_version"],
    "1, with the version of the connector",
);
const TASKS_TOTAL: Family =
    gauge("kafka_connect_worker_connector_total_task_count", OF_CONNECTOR, "Tasks of the connector");
const TASKS_RUNNING: Family = gauge(
    "kafka_connect_worker_connector_running_task_count",
    OF_CONNECTOR,
    "Running tasks of the connector",
);
const TASKS_PAUSED: Family =
    gauge("kafka_connect_worker_connector_paused_task_count", OF_CONNECTOR, "Paused tasks of the connector");
const TASKS_FAILED: Family =
    gauge("kafka_connect_worker_connector_failed_task_count", OF_CONNECTOR, "Failed tasks of the connector");
const CONNECTORS: Family = gauge("kafka_connect_worker_connector_count", &[], "Connectors of this process");
const TASKS: Family = gauge("kafka_connect_worker_task_count", &[], "Tasks of this process");
const WORKER_VERSION: Family =
    gauge("kafka_connect_version_info", &["version"], "1, with the version of the worker");
const START_TIME: Family = gauge(
    "kafka_connect_start_time_seconds",
    &[],
    "Time at which the worker started, in seconds since 1970-01-01 00:00 UTC",
);

const REBALANCES: Family = counter(
    "kafka_connect_worker_rebalance_completed_rebalances",
    "Times that the worker got or gave up partitions of the offset topic, and with them tasks; in distributed mode",
);
const REBALANCING: Family = gauge(
    "kafka_connect_worker_rebalance_rebalancing",
    &[],
    "1 while the worker is not a member of its group, or tasks end that it gives up; in distributed mode",
);
const EPOCH: Family = gauge(
    "kafka_connect_worker_rebalance_epoch",
    &[],
    "Generation of the group of workers, at the last change of what the worker has; in distributed mode",
);
const SINCE_REBALANCE: Family = gauge(
    "kafka_connect_worker_rebalance_time_since_last_rebalance_ms",
    &[],
    "Time since the last such change; in distributed mode",
);
const PARTITIONS: Family = gauge(
    "coherence_kafka_worker_partitions",
    &[],
    "Partitions of the offset topic that the worker has; in distributed mode",
);

/// The metrics of the starts of connectors or of tasks.
struct StartFamilies {
    attempts: Family,
    successes: Family,
    failures: Family,
    success_ratio: Family,
    failure_ratio: Family,
}

const CONNECTOR_STARTS: StartFamilies = StartFamilies {
    attempts: counter("kafka_connect_worker_connector_startup_attempts", "Attempted starts of connectors"),
    successes: counter(
        "kafka_connect_worker_connector_startup_success",
        "Starts of connectors that succeeded",
    ),
    failures: counter("kafka_connect_worker_connector_startup_failure", "Starts of connectors that failed"),
    success_ratio: gauge(
        "kafka_connect_worker_connector_startup_success_percentage",
        &[],
        "Fraction of the attempted starts of connectors that succeeded, from 0 to 1; 0 before the first attempt",
    ),
    failure_ratio: gauge(
        "kafka_connect_worker_connector_startup_failure_percentage",
        &[],
        "Fraction of the attempted starts of connectors that failed, from 0 to 1; 0 before the first attempt",
    ),
};

const TASK_STARTS: StartFamilies = StartFamilies {
    attempts: counter("kafka_connect_worker_task_startup_attempts", "Attempted first starts of tasks"),
    successes: counter("kafka_connect_worker_task_startup_success", "First starts of tasks that succeeded"),
    failures: counter("kafka_connect_worker_task_startup_failure", "First starts of tasks that failed"),
    success_ratio: gauge(
        "kafka_connect_worker_task_startup_success_percentage",
        &[],
        "Fraction of the attempted first starts of tasks that succeeded, from 0 to 1; 0 before the first attempt",
    ),
    failure_ratio: gauge(
        "kafka_connect_worker_task_startup_failure_percentage",
        &[],
        "Fraction of the attempted first starts of tasks that failed, from 0 to 1; 0 before the first attempt",
    ),
};

/// Returns the metrics of the starts in a worker, and those of the worker that do not change.
pub(super) fn of_starts(starts: &Starts) -> Vec<Sample> {
    let began = starts.began.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut samples = vec![
        sample(WORKER_VERSION, vec![env!("CARGO_PKG_VERSION").to_owned()], 1),
        sample(START_TIME, Vec::new(), began.as_secs_f64()),
    ];
    samples.extend(of_attempts(&starts.connectors, &CONNECTOR_STARTS));
    samples.extend(of_attempts(&starts.tasks, &TASK_STARTS));
    samples
}

/// Returns the metrics of the membership in a cluster of workers.
pub(super) fn of_cluster(counts: &Counts) -> Vec<Sample> {
    let mut samples = vec![
        sample(REBALANCES, Vec::new(), counts.completed),
        sample(REBALANCING, Vec::new(), u64::from(counts.is_rebalancing)),
        sample(PARTITIONS, Vec::new(), counts.partitions as u64),
    ];
    samples.extend(counts.generation.map(|generation| sample(EPOCH, Vec::new(), f64::from(generation))));
    let since = counts.last.map(|last| last.elapsed().as_millis() as f64);
    samples.extend(since.map(|millis| sample(SINCE_REBALANCE, Vec::new(), millis)));
    samples
}

fn of_attempts(attempts: &Attempts, families: &StartFamilies) -> [Sample; 5] {
    let (successes, failures) = (attempts.successes(), attempts.failures());
    let attempts = successes + failures;
    let ratio = |part: u64| part as f64 / attempts.max(1) as f64;
    [
        sample(families.attempts, Vec::new(), attempts),
        sample(families.successes, Vec::new(), successes),
        sample(families.failures, Vec::new(), failures),
        sample(families.success_ratio, Vec::new(), ratio(successes)),
        sample(families.failure_ratio, Vec::new(), ratio(failures)),
    ]
}

fn sample(family: Family, labels: Vec<String>, value: impl Into<Value>) -> Sample {
    Sample { family, labels: labels.into_iter().map(Into::into).collect(), value: value.into() }
}

/// Returns the metrics of these connectors and of their tasks.
pub(super) fn samples(plugin: &Description, connectors: &[(String, ConnectorStatus)]) -> Vec<Sample> {
    let mut samples = Vec::new();
    for (name, status) in connectors {
        of_connector(plugin, name, status, &mut samples);
    }
    let tasks = connectors.iter().map(|(_, status)| status.tasks.len() as u64).sum::<u64>();
    samples.push(sample(CONNECTORS, Vec::new(), connectors.len() as u64));
    samples.push(sample(TASKS, Vec::new(), tasks));
    samples
}

fn of_connector(plugin: &Description, name: &str, status: &ConnectorStatus, samples: &mut Vec<Sample>) {
    let connector = || name.to_owned();
    let text = |family, text: &str| sample(family, vec![connector(), text.to_owned()], 1);
    samples.push(text(CLASS, plugin.classes.first().copied().unwrap_or_default()));
    samples.push(text(KIND, plugin.kind.name()));
    samples.push(text(VERSION, env!("CARGO_PKG_VERSION")));
    samples.push(text(STATUS, &status.state.name().to_ascii_lowercase()));
    for task in &status.tasks {
        let labels = || vec![connector(), task.number.to_string()];
        let mut with_state = labels();
        with_state.push(task.state().to_ascii_lowercase());
        samples.push(sample(TASK_STATUS, with_state, 1));
        samples.push(sample(RUNNING_RATIO, labels(), task.running_ratio));
        samples.push(sample(PAUSE_RATIO, labels(), task.pause_ratio));
    }
    for (family, state) in [
        (TASKS_TOTAL, None),
        (TASKS_RUNNING, Some("RUNNING")),
        (TASKS_PAUSED, Some("PAUSED")),
        (TASKS_FAILED, Some("FAILED")),
    ] {
        let counted = status.tasks.iter().filter(|task| state.is_none_or(|state| task.state() == state));
        samples.push(sample(family, vec![connector()], counted.count() as u64));
    }
}
