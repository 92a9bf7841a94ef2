use std::sync::Arc;

use coherence_kafka_worker::metrics::markdown;
use coherence_kafka_worker::{ConnectorState, ConnectorStatus, TaskFailure, TaskStatus};

use super::*;
use crate::config::table::DESCRIPTION;
use crate::counters::Holding;

fn text_of(connector: &str, failure: Option<TaskFailure>, counters: Counters) -> String {
    let state = Arc::new(counters);
    let task = TaskStatus { failure, paused: false, running_ratio: 0.75, pause_ratio: 0.25, state };
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
    assert_eq!(former.len(), 23, "{text}");
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
    let counts: [fn(&Counters) -> &crate::counters::Count; 24] = [
        |c| &c.records,
        |c| &c.puts,
        |c| &c.removes,
        |c| &c.null_keys,
        |c| &c.null_values,
        |c| &c.errors,
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
    ];
    for (index, count) in counts.into_iter().enumerate() {
        let counters = Counters::default();
        count(&counters).add(1);
        assert_ne!(text_of("c", None, counters), nothing, "count {index}");
    }
    for count in [|c: &Counters| c.partitions_lost.add(1), |c: &Counters| c.partitions_revoked.add(1)] {
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
fn a_name_with_quotes_breaks_no_line() {
    let text = text_of("a \"b\" \\c", None, Counters::default());
    let escaped = r#"kafka_connect_worker_connector_total_task_count{connector="a \"b\" \\c"} 1"#;
    assert!(text.lines().any(|line| line == escaped), "{text}");
}

#[test]
fn metrics_md_lists_every_metric() {
    let path = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/metrics.md");
    let page = std::fs::read_to_string(path).unwrap();
    let table = markdown(FAMILIES);
    let (before, after) = page.split_once("metrics_md renders it again. -->\n\n").unwrap();
    let end = after.find("\n\n").map_or(after.len(), |end| end + 1);
    if std::env::var_os("UPDATE_DOCS").is_some() {
        let rendered = format!("{before}metrics_md renders it again. -->\n\n{table}{}", &after[end..]);
        return std::fs::write(path, rendered).unwrap();
    }
    assert!(
        after[..end] == table,
        "docs/metrics.md is out of date: UPDATE_DOCS=1 cargo test -p coherence-kafka-sink metrics_md"
    );
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
