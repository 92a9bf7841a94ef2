//! The metrics for Prometheus: `GET /metrics`, in OpenMetrics text.
//!
//! Owns: names, labels and meanings. Never does: counting, that is the tasks'. Where Connect has a metric of the same
//! meaning, it has the name that the usual exporters use for Connect's (group and attribute, dashes as underscores);
//! the rest begins with `coherence_sink`. Labels are names of connectors and numbers of tasks: no key, no value, no
//! address.

use std::fmt::{self, Write as _};

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, MetricEncoder, NoLabelSet, text as openmetrics,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::counters::{Cause, Counters};
use crate::worker::{TaskStatus, Worker};

/// The media type of [`text`].
pub const MEDIA_TYPE: &str = "application/openmetrics-text; version=1.0.0; charset=utf-8";

struct TaskMetric {
    /// Without the `_total` that a counter's samples carry.
    name: &'static str,
    kind: MetricType,
    help: &'static str,
    read: fn(&Counters) -> u64,
}

const fn counter(name: &'static str, help: &'static str, read: fn(&Counters) -> u64) -> TaskMetric {
    TaskMetric { name, kind: MetricType::Counter, help, read }
}

const fn gauge(name: &'static str, help: &'static str, read: fn(&Counters) -> u64) -> TaskMetric {
    TaskMetric { name, kind: MetricType::Gauge, help, read }
}

/// The metrics of every task, labelled `connector` and `task`. Gauges with `total` in their name are Connect's: they
/// grow too.
#[rustfmt::skip]
const TASK: &[TaskMetric] = &[
    counter("kafka_connect_sink_task_sink_record_read", "Records read from the topics", |c| c.records.now()),
    counter("kafka_connect_sink_task_sink_record_send", "Records that became a put or a removal, before the last write of each key in a batch was selected", |c| c.puts.now() + c.removes.now()),
    counter("kafka_connect_sink_task_offset_commit_completion", "Commits that the broker acknowledged", |c| c.commits.now()),
    gauge("kafka_connect_sink_task_partition_count", "Partitions assigned to the task", |c| c.partitions.now()),
    gauge("kafka_connect_task_error_total_record_errors", "Records that could not be read, converted or written, and failures without a record", |c| c.errors.now()),
    gauge("kafka_connect_task_error_total_records_skipped", "Records skipped under errors.tolerance=all", |c| c.skipped.now()),
    gauge("kafka_connect_task_error_total_errors_logged", "Records logged under errors.log.enable", |c| c.errors_logged.now()),
    gauge("kafka_connect_task_error_deadletterqueue_produce_requests", "Answers of the dead letter queue, good and bad", |c| c.dead_letters.now() + c.dead_letter_failures.now()),
    gauge("kafka_connect_task_error_deadletterqueue_produce_failures", "Records that the dead letter queue refused", |c| c.dead_letter_failures.now()),
    counter("coherence_sink_records_put", "Records that put an entry", |c| c.puts.now()),
    counter("coherence_sink_records_removed", "Tombstones that removed an entry", |c| c.removes.now()),
    counter("coherence_sink_records_confirmed", "Completed records: in the map, or skipped by a policy", |c| c.confirmed.now()),
    counter("coherence_sink_records_refused", "Records that the grid refused", |c| c.refused.now()),
    counter("coherence_sink_null_keys", "Records discarded because their key is null", |c| c.null_keys.now()),
    counter("coherence_sink_null_values", "Records skipped because their value is null", |c| c.null_values.now()),
    counter("coherence_sink_dead_letters", "Records that the dead letter queue acknowledged", |c| c.dead_letters.now()),
    counter("coherence_sink_batches", "Batches confirmed by the map", |c| c.batches.now()),
    counter("coherence_sink_batches_abandoned", "Batches abandoned, because their partitions were revoked or lost, or the task ended", |c| c.batches_abandoned.now()),
    counter("coherence_sink_write_retries", "Writes retried", |c| c.retries.now()),
    counter("coherence_sink_earlier_attempts_awaited", "Batches held because an earlier attempt might still be applied", |c| c.unanswered.now()),
    counter("coherence_sink_earlier_attempts_given_up", "Batches that continued without the answer of an earlier attempt, after coherence.session.unanswered.timeout.ms", |c| c.unanswered_given_up.now()),
    counter("coherence_sink_commit_failures", "Commits that the broker refused, or that could not be sent", |c| c.commit_failures.now()),
    counter("coherence_sink_commit_timeouts", "Commits that were not answered within offset.flush.timeout.ms", |c| c.commit_timeouts.now()),
    counter("coherence_sink_map_saves", "Saves of the embedded maps to coherence.session.directory", |c| c.saves.now()),
    counter("coherence_sink_map_save_failures", "Failed saves of the embedded maps; nothing was committed then", |c| c.save_failures.now()),
    counter("coherence_sink_partitions_revoked", "Partitions revoked by the group", |c| c.partitions_revoked.now()),
    counter("coherence_sink_partitions_lost", "Partitions lost without a revoke", |c| c.partitions_lost.now()),
    counter("coherence_sink_task_restarts", "Restarts of the task", |c| c.restarts.now()),
    counter("coherence_sink_logs_replaced", "Logs of partitions that were replaced: the topic was created again, or the log was truncated", |c| c.logs_replaced.now()),
    counter("coherence_sink_offsets_removed_unread", "Offsets that were removed from the topics before they were read", |c| c.offsets_removed.now()),
];

type Described = (&'static str, &'static str);
const STATUS: Described = (
    "kafka_connect_connector_task_status",
    "1 for the state of the task in the label status: running, failed",
);
const LAG: Described = (
    "coherence_sink_records_lag",
    "Records between the confirmed positions and the ends of the partitions; no sample while this is unknown",
);
const HOLDING: Described =
    ("coherence_sink_holding", "1 while the task holds its batch, with the reason in the label cause");
const CONNECTORS: Described = ("kafka_connect_worker_connector_count", "Connectors of this process");
const TASKS: Described = ("kafka_connect_worker_task_count", "Tasks of this process");
const TASKS_TOTAL: Described = ("kafka_connect_worker_connector_total_task_count", "Tasks of the connector");
const TASKS_RUNNING: Described =
    ("kafka_connect_worker_connector_running_task_count", "Running tasks of the connector");
const TASKS_FAILED: Described =
    ("kafka_connect_worker_connector_failed_task_count", "Failed tasks of the connector");

/// Returns the state of a worker as OpenMetrics text.
///
/// # Errors
/// Never in practice: writing to a text does not fail.
pub fn text(worker: &Worker) -> Result<String, fmt::Error> {
    let state = |name: String| worker.status(&name).map(|tasks| (name, tasks));
    text_of(Snapshot(worker.names().into_iter().filter_map(state).collect()))
}

fn text_of(snapshot: Snapshot) -> Result<String, fmt::Error> {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(snapshot));
    let mut text = String::new();
    openmetrics::encode(&mut text, &registry)?;
    Ok(text)
}

/// Returns the table of all metrics in Markdown, as `docs/operations.md` shows it.
pub fn markdown() -> String {
    let mut page = String::from("| metric | type | labels | |\n|---|---|---|---|\n");
    let mut line = |name: &str, kind: MetricType, labels: &str, help: &str| {
        let total = if matches!(kind, MetricType::Counter) { "_total" } else { "" };
        let _ = writeln!(page, "| `{name}{total}` | {} | {labels} | {help} |", kind.as_str());
    };
    for metric in TASK {
        line(metric.name, metric.kind, "connector, task", metric.help);
    }
    for ((name, help), labels) in [
        (LAG, "connector, task"),
        (STATUS, "connector, task, status"),
        (HOLDING, "connector, task, cause"),
        (CONNECTORS, ""),
        (TASKS, ""),
        (TASKS_TOTAL, "connector"),
        (TASKS_RUNNING, "connector"),
        (TASKS_FAILED, "connector"),
    ] {
        line(name, MetricType::Gauge, labels, help);
    }
    page
}

/// Connectors by name with their tasks, as they are at one moment.
#[derive(Debug)]
struct Snapshot(Vec<(String, Vec<TaskStatus>)>);

impl Snapshot {
    /// Returns every task with its two labels.
    fn tasks(&self) -> impl Iterator<Item = ([(&'static str, String); 2], &TaskStatus)> {
        self.0.iter().flat_map(|(connector, tasks)| {
            tasks.iter().enumerate().map(move |(number, status)| {
                ([("connector", connector.clone()), ("task", number.to_string())], status)
            })
        })
    }

    /// Returns a gauge of each connector that counts its tasks.
    fn count_tasks(
        &self,
        encoder: &mut DescriptorEncoder<'_>,
        metric: Described,
        counted: fn(&TaskStatus) -> bool,
    ) -> fmt::Result {
        let mut gauges = describe(encoder, metric)?;
        for (connector, tasks) in &self.0 {
            let count = tasks.iter().filter(|task| counted(task)).count();
            set(&mut gauges, &[("connector", connector.as_str())], count as u64)?;
        }
        Ok(())
    }
}

impl Collector for Snapshot {
    fn encode(&self, mut encoder: DescriptorEncoder<'_>) -> fmt::Result {
        for metric in TASK {
            let mut family = encoder.encode_descriptor(metric.name, metric.help, None, metric.kind)?;
            for (labels, status) in self.tasks() {
                let value = (metric.read)(&status.counters);
                match metric.kind {
                    MetricType::Counter => {
                        let mut one = family.encode_family(&labels)?;
                        one.encode_counter::<NoLabelSet, _, u64>(&value, None)?;
                    }
                    _ => set(&mut family, &labels, value)?,
                }
            }
        }
        let mut lags = describe(&mut encoder, LAG)?;
        for (labels, status) in self.tasks() {
            if let Some(lag) = status.counters.lag.now() {
                set(&mut lags, &labels, lag)?;
            }
        }
        let mut statuses = describe(&mut encoder, STATUS)?;
        for (labels, status) in self.tasks() {
            let state = if status.failure.is_some() { "failed" } else { "running" };
            set(&mut statuses, &(labels, [("status", state)]), 1)?;
        }
        let mut holding = describe(&mut encoder, HOLDING)?;
        for (labels, status) in self.tasks() {
            let held = status.counters.holding.lock().as_ref().map(|holding| holding.cause);
            for cause in Cause::ALL {
                let holds = u64::from(held == Some(cause));
                set(&mut holding, &(labels.clone(), [("cause", cause.name())]), holds)?;
            }
        }
        describe(&mut encoder, CONNECTORS)?.encode_gauge(&(self.0.len() as u64))?;
        describe(&mut encoder, TASKS)?.encode_gauge(&(self.tasks().count() as u64))?;
        self.count_tasks(&mut encoder, TASKS_TOTAL, |_| true)?;
        self.count_tasks(&mut encoder, TASKS_RUNNING, |task| task.failure.is_none())?;
        self.count_tasks(&mut encoder, TASKS_FAILED, |task| task.failure.is_some())
    }
}

fn describe<'e>(
    encoder: &'e mut DescriptorEncoder<'_>,
    (name, help): Described,
) -> Result<MetricEncoder<'e>, fmt::Error> {
    encoder.encode_descriptor(name, help, None, MetricType::Gauge)
}

fn set(gauges: &mut MetricEncoder<'_>, labels: &impl EncodeLabelSet, value: u64) -> fmt::Result {
    gauges.encode_family(labels)?.encode_gauge(&value)
}

#[cfg(test)]
mod tests;
