use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_rdkafka::record::TopicPartition;
use coherence_kafka_worker::metrics::markdown;
use coherence_kafka_worker::{ConnectorState, ConnectorStatus, TaskFailure, TaskStatus};

use super::*;
use crate::config::table::DESCRIPTION;
use crate::counters::Holding;

mod documents;

fn text_of(connector: &str, failure: Option<TaskFailure>, counters: Counters) -> String {
    let state = Arc::new(counters);
    let task = TaskStatus {
        number: 0,
        failure,
        restarting: false,
        paused: false,
        running_ratio: 0.75,
        pause_ratio: 0.25,
        state,
    };
    let status = ConnectorStatus { state: ConnectorState::Running, failure: None, tasks: vec![task] };
    coherence_kafka_worker::metrics::text_of(&DESCRIPTION, &[(connector.to_owned(), status)]).unwrap()
}

#[test]
fn every_metric_has_a_sample_for_each_task_and_a_line_in_the_documentation() {
    let counters = Counters::default();
    counters.records.add(7);
    let text = text_of("c", None, counters);
    for (metric, _) in TASK {
        let total = if metric.kind == MetricKind::Counter { "_total" } else { "" };
        let sample = format!("\n{}{total}{{connector=\"c\",task=\"0\"}} ", metric.name);
        assert_eq!(text.matches(&sample).count(), 1, "{sample:?} is not once in\n{text}");
    }
    assert!(text.contains("sink_record_read_total{connector=\"c\",task=\"0\"} 7\n"), "{text}");
    assert!(text.contains("\nkafka_connect_worker_task_count 1\n"), "{text}");
    assert!(text.ends_with("# EOF\n"), "{text}");

    // Described once each, and each in the table.
    let table = markdown(FAMILIES);
    let described = text.lines().filter_map(|line| line.strip_prefix("# TYPE "));
    let (former, described): (Vec<_>, Vec<_>) =
        described.partition(|line| line.starts_with("coherence_sink_"));
    assert_eq!(former.len(), 24, "{text}");
    assert_eq!(described.len(), table.lines().count() - 2, "{text}");
    for line in described {
        let (name, kind) = line.split_once(' ').unwrap();
        let total = if kind == "counter" { "_total" } else { "" };
        assert!(table.contains(&format!("| `{name}{total}` | {kind} |")), "{name} is not in the table");
    }
}

#[test]
fn every_counter_of_a_task_reaches_a_metric() {
    let nothing = text_of("c", None, Counters::default());
    let counts: [fn(&Counters) -> &crate::counters::Count; 29] = [
        |c| &c.records,
        |c| &c.sent,
        |c| &c.puts,
        |c| &c.removes,
        |c| &c.null_keys,
        |c| &c.null_values,
        |c| &c.filtered,
        |c| &c.skipped,
        |c| &c.refused,
        |c| &c.errors_logged,
        |c| &c.dead_letters,
        |c| &c.dead_letter_failures,
        |c| &c.restarts,
        |c| &c.confirmed,
        |c| &c.retries,
        |c| &c.unanswered,
        |c| &c.unanswered_given_up,
        |c| &c.batches,
        |c| &c.batches_abandoned,
        |c| &c.commits,
        |c| &c.commit_failures,
        |c| &c.commit_timeouts,
        |c| &c.partitions,
        |c| &c.logs_replaced,
        |c| &c.offsets_removed,
        |c| &c.bytes,
        |c| &c.held_bytes,
        |c| &c.commits_late,
        |c| &c.commit_number,
    ];
    for (index, count) in counts.into_iter().enumerate() {
        let counters = Counters::default();
        count(&counters).add(1);
        assert_ne!(text_of("c", None, counters), nothing, "count {index}");
    }
    for count in [
        |c: &Counters| c.partitions_lost.add(1),
        |c: &Counters| c.partitions_revoked.add(1),
        |c: &Counters| c.errors.add(1),
    ] {
        let counters = Counters::default();
        count(&counters);
        assert_ne!(text_of("c", None, counters), nothing);
    }
}

#[test]
fn a_failed_and_a_holding_task_are_seen_without_the_words_of_their_reasons() {
    let counters = Counters::default();
    let reason = "grid.example:1408: s3cr3t".to_owned();
    *counters.holding.lock() = Some(Holding { cause: Cause::Grid, reason: reason.clone() });
    let text = text_of("c", Some(TaskFailure::new(reason)), counters);
    for line in [
        "kafka_connect_connector_task_status{connector=\"c\",task=\"0\",status=\"failed\"} 1",
        "coherence_kafka_sink_holding{connector=\"c\",task=\"0\",cause=\"grid\"} 1",
        "coherence_kafka_sink_holding{connector=\"c\",task=\"0\",cause=\"dead_letter_queue\"} 0",
        "kafka_connect_connector_task_running_ratio{connector=\"c\",task=\"0\"} 0.75",
        "kafka_connect_connector_task_pause_ratio{connector=\"c\",task=\"0\"} 0.25",
        "kafka_connect_connector_status{connector=\"c\",status=\"running\"} 1",
        "kafka_connect_connector_connector_type{connector=\"c\",connector_type=\"sink\"} 1",
        "kafka_connect_worker_connector_failed_task_count{connector=\"c\"} 1",
        "kafka_connect_worker_connector_running_task_count{connector=\"c\"} 0",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
    assert!(!text.contains("s3cr3t"), "{text}");
}

#[test]
fn the_lag_has_a_sample_only_where_it_is_known() {
    let counters = Counters::default();
    let text = text_of("c", None, Counters::default());
    assert!(!text.contains("coherence_kafka_sink_records_lag{"), "{text}");
    counters.lag.set(Some(0));
    let text = text_of("c", None, counters);
    assert!(text.contains("coherence_kafka_sink_records_lag{connector=\"c\",task=\"0\"} 0\n"), "{text}");
}

#[test]
fn the_lag_of_each_partition_has_a_sample() {
    let counters = Counters::default();
    let tp = |partition| TopicPartition { topic: "t.a".to_owned(), partition };
    *counters.lags.lock() = vec![(tp(0), 5), (tp(1), 0)];
    let text = text_of("c", None, counters);
    for line in ["topic=\"t.a\",partition=\"0\"} 5\n", "topic=\"t.a\",partition=\"1\"} 0\n"] {
        let line = format!("coherence_kafka_sink_partition_records_lag{{connector=\"c\",task=\"0\",{line}");
        assert!(text.contains(&line), "{line} is not in\n{text}");
    }
}

#[test]
fn averages_maxima_and_histograms_show_what_was_observed() {
    let counters = Counters::default();
    let (text, now) = (text_of("c", None, Counters::default()), Instant::now());
    assert!(!text.contains("put_batch_avg_time_ms{"), "nothing was written: {text}");
    for milliseconds in [250, 750] {
        counters.writes.observe(Duration::from_millis(milliseconds), now);
    }
    counters.batch_sizes.observe(500, now);
    counters.on_commit(true, now);
    counters.on_commit(false, now);
    counters.active.set(3, now);
    counters.latencies.observe_since(i64::MAX);
    let text = text_of("c", None, counters);
    for line in [
        "kafka_connect_sink_task_put_batch_avg_time_ms{connector=\"c\",task=\"0\"} 500.0",
        "kafka_connect_sink_task_put_batch_max_time_ms{connector=\"c\",task=\"0\"} 750.0",
        "kafka_connect_connector_task_batch_size_max{connector=\"c\",task=\"0\"} 500.0",
        "kafka_connect_connector_task_offset_commit_failure_percentage{connector=\"c\",task=\"0\"} 0.5",
        "kafka_connect_sink_task_sink_record_active_count{connector=\"c\",task=\"0\"} 3",
        "kafka_connect_sink_task_sink_record_active_count_max{connector=\"c\",task=\"0\"} 3.0",
        "coherence_kafka_sink_write_seconds_sum{connector=\"c\",task=\"0\"} 1.0",
        "coherence_kafka_sink_write_seconds_bucket{le=\"0.25\",connector=\"c\",task=\"0\"} 1",
        "coherence_kafka_sink_write_seconds_bucket{le=\"+Inf\",connector=\"c\",task=\"0\"} 2",
        "coherence_kafka_sink_latency_seconds_count{connector=\"c\",task=\"0\"} 1",
    ] {
        assert!(text.lines().any(|other| other == line), "{line} is not in\n{text}");
    }
}

#[test]
fn a_name_with_quotes_breaks_no_line() {
    let text = text_of("a \"b\" \\c", None, Counters::default());
    let escaped = r#"kafka_connect_worker_connector_total_task_count{connector="a \"b\" \\c"} 1"#;
    assert!(text.lines().any(|line| line == escaped), "{text}");
}

#[test]
fn a_metric_of_this_project_is_shown_by_its_former_name_too() {
    let counters = Counters::default();
    counters.puts.add(7);
    let text = text_of("c", None, counters);
    for prefix in ["coherence_kafka_sink", "coherence_sink"] {
        let line = format!("{prefix}_records_put_total{{connector=\"c\",task=\"0\"}} 7\n");
        assert_eq!(text.matches(&line).count(), 1, "{line} is not once in\n{text}");
    }
    assert_eq!(text.matches("sink_record_read_total{").count(), 1, "Connect's names have no former one");
}
