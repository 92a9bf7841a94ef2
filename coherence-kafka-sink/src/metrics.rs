//! The metrics of a sink's tasks: names, labels and meanings.
//!
//! Never does: counting, that is the tasks'. Where Connect has a metric of the same meaning, it has the name that the
//! usual exporters use for Connect's; the rest begins with `coherence_kafka_sink`. In version 0.1 the
//! worker shows these under their former names too, which begin with `coherence_sink`.

use std::time::Instant;

use coherence_kafka_worker::metrics::{Family, Histogram, MetricKind, Sample, Value};
use coherence_kafka_worker::{Progress, TaskState};

use crate::counters::{Cause, Counters};

type Metric = (Family, fn(&Counters) -> u64);
/// A metric without a value where nothing was observed.
type Latest = (Family, fn(&Counters, Instant) -> Option<f64>);
type Distribution = (Family, fn(&Counters) -> &Histogram);

const fn counter(name: &'static str, help: &'static str, read: fn(&Counters) -> u64) -> Metric {
    (Family { name, kind: MetricKind::Counter, help, labels: &[], former: true }, read)
}

const fn gauge(name: &'static str, help: &'static str, read: fn(&Counters) -> u64) -> Metric {
    (Family { name, kind: MetricKind::Gauge, help, labels: &[], former: true }, read)
}

/// A metric that never had a former name.
const fn recent((family, read): Metric) -> Metric {
    (Family { former: false, ..family }, read)
}

const fn latest(
    name: &'static str,
    help: &'static str,
    read: fn(&Counters, Instant) -> Option<f64>,
) -> Latest {
    (Family { name, kind: MetricKind::Gauge, help, labels: &[], former: false }, read)
}

const fn histogram(
    name: &'static str,
    help: &'static str,
    read: fn(&Counters) -> &Histogram,
) -> Distribution {
    (Family { name, kind: MetricKind::Histogram, help, labels: &[], former: false }, read)
}

/// The metrics that have one value for every task. Gauges with `total` in their name are Connect's: they grow too.
#[rustfmt::skip]
const TASK: &[Metric] = &[
    counter("kafka_connect_sink_task_sink_record_read", "Records read from the topics", |c| c.records.now()),
    counter("kafka_connect_sink_task_sink_record_send", "Records that became a put or a removal, before the last write of each key in a batch was selected", |c| c.sent.now()),
    counter("kafka_connect_sink_task_offset_commit_completion", "Commits that the broker acknowledged", |c| c.commits.now()),
    gauge("kafka_connect_sink_task_partition_count", "Partitions assigned to the task", |c| c.partitions.now()),
    gauge("kafka_connect_task_error_total_record_errors", "Records that could not be read, converted or written, and failures without a record", |c| c.errors.now()),
    gauge("kafka_connect_task_error_total_records_skipped", "Records skipped under errors.tolerance=all", |c| c.skipped.now()),
    gauge("kafka_connect_task_error_total_errors_logged", "Records logged under errors.log.enable", |c| c.errors_logged.now()),
    gauge("kafka_connect_task_error_deadletterqueue_produce_requests", "Answers of the dead letter queue, good and bad", |c| c.dead_letters.now() + c.dead_letter_failures.now()),
    gauge("kafka_connect_task_error_deadletterqueue_produce_failures", "Records that the dead letter queue refused", |c| c.dead_letter_failures.now()),
    counter("coherence_kafka_sink_records_put", "Records that put an entry, in batches confirmed by the map", |c| c.puts.now()),
    counter("coherence_kafka_sink_records_removed", "Tombstones that removed an entry, in batches confirmed by the map", |c| c.removes.now()),
    counter("coherence_kafka_sink_records_confirmed", "Completed records: in the map, or skipped by a policy", |c| c.confirmed.now()),
    counter("coherence_kafka_sink_records_refused", "Records that the grid refused", |c| c.refused.now()),
    counter("coherence_kafka_sink_null_keys", "Records discarded because their key is null", |c| c.null_keys.now()),
    counter("coherence_kafka_sink_null_values", "Records skipped because their value is null", |c| c.null_values.now()),
    counter("coherence_kafka_sink_records_filtered", "Records that a transform dropped", |c| c.filtered.now()),
    counter("coherence_kafka_sink_dead_letters", "Records that the dead letter queue acknowledged", |c| c.dead_letters.now()),
    counter("coherence_kafka_sink_batches", "Batches confirmed by the map", |c| c.batches.now()),
    counter("coherence_kafka_sink_batches_abandoned", "Batches abandoned, because their partitions were revoked or lost, or the task ended", |c| c.batches_abandoned.now()),
    counter("coherence_kafka_sink_write_retries", "Writes retried", |c| c.retries.now()),
    counter("coherence_kafka_sink_earlier_attempts_awaited", "Batches held because an earlier attempt might still be applied", |c| c.unanswered.now()),
    counter("coherence_kafka_sink_earlier_attempts_given_up", "Batches that continued without the answer of an earlier attempt, after coherence.session.unanswered.timeout.ms", |c| c.unanswered_given_up.now()),
    counter("coherence_kafka_sink_commit_failures", "Commits that the broker refused, or that could not be sent", |c| c.commit_failures.now()),
    counter("coherence_kafka_sink_commit_timeouts", "Commits that were not answered within offset.flush.timeout.ms", |c| c.commit_timeouts.now()),
    counter("coherence_kafka_sink_map_saves", "Saves of the embedded maps to coherence.session.directory", |c| c.saves.now()),
    counter("coherence_kafka_sink_map_save_failures", "Failed saves of the embedded maps; nothing was committed then", |c| c.save_failures.now()),
    counter("coherence_kafka_sink_partitions_revoked", "Partitions revoked by the group", |c| c.partitions_revoked.now()),
    counter("coherence_kafka_sink_partitions_lost", "Partitions lost without a revoke", |c| c.partitions_lost.now()),
    counter("coherence_kafka_sink_task_restarts", "Restarts of the task", |c| c.restarts.now()),
    counter("coherence_kafka_sink_logs_replaced", "Logs of partitions that were replaced: the topic was created again, or the log was truncated", |c| c.logs_replaced.now()),
    counter("coherence_kafka_sink_offsets_removed_unread", "Offsets that were removed from the topics before they were read", |c| c.offsets_removed.now()),
    counter("kafka_connect_sink_task_offset_commit_skip", "Answers to commits that came after offset.flush.timeout.ms", |c| c.commits_late.now()),
    gauge("kafka_connect_sink_task_offset_commit_seq_no", "Number of the last save or commit since the start of the task", |c| c.commit_number.now()),
    gauge("kafka_connect_sink_task_sink_record_active_count", "Records that were read and are not confirmed", |c| c.active.now()),
    gauge("kafka_connect_task_error_total_record_failures", "Errors of records and retries of writes", |c| c.errors.now() + c.retries.now()),
    gauge("kafka_connect_task_error_total_retries", "Writes retried", |c| c.retries.now()),
    gauge("kafka_connect_task_error_last_error_timestamp", "Time of the last error in milliseconds since 1970-01-01 00:00 UTC; 0 without one", |c| c.errors.last_ms()),
    recent(counter("coherence_kafka_sink_bytes_written", "Bytes of keys and values in batches, in the form of the map; a batch that is built again counts again", |c| c.bytes.now())),
    recent(gauge("coherence_kafka_sink_held_bytes", "Bytes of records that were read and are not confirmed, in the form of the map", |c| c.held_bytes.now())),
];

/// Averages and maxima over the last 30 to 60 seconds.
#[rustfmt::skip]
const LATEST: &[Latest] = &[
    latest("kafka_connect_sink_task_put_batch_avg_time_ms", "Average time of the write of a batch, with its retries, over the last minute", |c, now| c.writes.window.average(now)),
    latest("kafka_connect_sink_task_put_batch_max_time_ms", "Longest write of a batch, with its retries, over the last minute", |c, now| c.writes.window.maximum(now)),
    latest("kafka_connect_sink_task_sink_record_active_count_avg", "Average number of records that were read and not confirmed, over the changes of the last minute", |c, now| c.active.window.average(now)),
    latest("kafka_connect_sink_task_sink_record_active_count_max", "Largest number of records that were read and not confirmed, over the changes of the last minute", |c, now| c.active.window.maximum(now)),
    latest("kafka_connect_connector_task_batch_size_avg", "Average number of records in a batch, over the last minute", |c, now| c.batch_sizes.window.average(now)),
    latest("kafka_connect_connector_task_batch_size_max", "Largest number of records in a batch, over the last minute", |c, now| c.batch_sizes.window.maximum(now)),
    latest("kafka_connect_connector_task_offset_commit_avg_time_ms", "Average time until the broker answered a commit, over the last minute", |c, now| c.commit_times.window.average(now)),
    latest("kafka_connect_connector_task_offset_commit_max_time_ms", "Longest time until the broker answered a commit, over the last minute", |c, now| c.commit_times.window.maximum(now)),
    latest("kafka_connect_connector_task_offset_commit_success_percentage", "Fraction of the commits that succeeded, from 0 to 1, over the last minute", |c, now| c.commit_outcomes.average(now)),
    latest("kafka_connect_connector_task_offset_commit_failure_percentage", "Fraction of the commits that failed or were not answered in time, from 0 to 1, over the last minute", |c, now| c.commit_outcomes.average(now).map(|succeeded| 1.0 - succeeded)),
];

#[rustfmt::skip]
const DISTRIBUTIONS: &[Distribution] = &[
    histogram("coherence_kafka_sink_latency_seconds", "Time from the timestamp of the oldest record of a batch until the batch was confirmed; one observation per batch", |c| &c.latencies.0),
    histogram("coherence_kafka_sink_write_seconds", "Time of the write of a batch, with its retries, whether it succeeded or failed", |c| &c.writes.histogram),
    histogram("coherence_kafka_sink_commit_seconds", "Time until the broker answered a commit", |c| &c.commit_times.histogram),
    histogram("coherence_kafka_sink_batch_records", "Records in a batch", |c| &c.batch_sizes.histogram),
];

const LAG: Family = Family {
    name: "coherence_kafka_sink_records_lag",
    kind: MetricKind::Gauge,
    help: "Records between the confirmed positions and the ends of the partitions; no sample while this is unknown",
    labels: &[],
    former: true,
};
const PARTITION_LAG: Family = Family {
    name: "coherence_kafka_sink_partition_records_lag",
    kind: MetricKind::Gauge,
    help: "Records between the confirmed position and the end of an assigned partition; no sample while this is unknown",
    labels: &["topic", "partition"],
    former: false,
};
const HOLDING: Family = Family {
    name: "coherence_kafka_sink_holding",
    kind: MetricKind::Gauge,
    help: "1 while the task holds its batch, with the reason in the label cause",
    labels: &["cause"],
    former: true,
};

/// All metrics of a task.
pub(crate) static FAMILIES: &[Family] = &{
    const OTHERS: [Family; 3] = [LAG, PARTITION_LAG, HOLDING];
    let mut all = [LAG; TASK.len() + LATEST.len() + DISTRIBUTIONS.len() + OTHERS.len()];
    let (mut at, latest) = (0, TASK.len());
    let (distributions, others) = (latest + LATEST.len(), latest + LATEST.len() + DISTRIBUTIONS.len());
    while at < all.len() {
        all[at] = if at < latest {
            TASK[at].0
        } else if at < distributions {
            LATEST[at - latest].0
        } else if at < others {
            DISTRIBUTIONS[at - distributions].0
        } else {
            OTHERS[at - others]
        };
        at += 1;
    }
    all
};

impl TaskState for Counters {
    fn on_restart(&self) {
        self.restarts.add(1);
    }

    fn topics(&self) -> Vec<String> {
        self.topics.lock().iter().cloned().collect()
    }

    fn forget_topics(&self) {
        self.topics.lock().clear();
    }

    fn maps(&self) -> Vec<String> {
        Counters::maps(self)
    }

    fn samples(&self) -> Vec<Sample> {
        let now = Instant::now();
        let sample = |family: &Family, value| Sample { family: *family, labels: Vec::new(), value };
        let mut samples: Vec<_> =
            TASK.iter().map(|(family, read)| sample(family, read(self).into())).collect();
        let latest = LATEST.iter().filter_map(|(family, read)| Some(sample(family, read(self, now)?.into())));
        samples.extend(latest);
        let value = |read: &fn(&Counters) -> &Histogram| Value::Histogram(read(self).clone());
        samples.extend(DISTRIBUTIONS.iter().map(|(family, read)| sample(family, value(read))));
        samples.extend(self.lag.now().map(|lag| sample(&LAG, lag.into())));
        samples.extend(self.lags.lock().iter().map(|(tp, lag)| Sample {
            family: PARTITION_LAG,
            labels: vec![tp.topic.clone().into(), tp.partition.to_string().into()],
            value: (*lag).into(),
        }));
        let held = self.holding.lock().as_ref().map(|holding| holding.cause);
        samples.extend(Cause::ALL.map(|cause| Sample {
            family: HOLDING,
            labels: vec![cause.name().into()],
            value: u64::from(held == Some(cause)).into(),
        }));
        samples
    }

    fn progress(&self) -> Progress {
        Progress {
            records: self.records.now(),
            lag: self.lag.now(),
            counts: vec![("put", self.puts.now()), ("removed", self.removes.now())],
            errors: self.errors.now() + self.null_keys.now(),
            waits: self.holding.lock().as_ref().map(|holding| holding.reason.clone()),
        }
    }
}

#[cfg(test)]
mod tests;
