//! Logs that change under their reader: topics that are created again, records that are removed before they are read, and
//! positions of partitions that stay quiet.

use std::collections::BTreeMap;

use integration_tests::grid::Contents;
use integration_tests::kafka::Kafka;
use integration_tests::sandbox::free_port;
use integration_tests::sink::Sink;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::letters::{self, ALL, Letter, ONE_REPLICA, QUEUE, dead, queue};
use super::refusals::{PASS_THROUGH, UNKNOWN_TYPE};
use crate::flow::{Flow, SOON};

fn pairs(prefix: &str, count: usize) -> Vec<(Option<String>, Option<String>)> {
    (0..count).map(|i| (Some(format!("k{i}")), Some(format!("{prefix}{i}")))).collect()
}

fn counted(sink: &Sink, flow: &Flow, name: &str) -> u64 {
    sink.metric(name, &flow.name).unwrap()
}

#[test]
fn a_topic_that_is_created_again_under_a_sink_is_delivered_in_full_with_its_bad_records() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "again", 1), queue());
    let number = |n: i64| grid.tool().to_bytes(n).unwrap();
    let record = |n: i64, value: i64| Letter { key: Some(number(n)), ..Letter::new("", number(value)) };
    let old: Vec<_> = (0..1000).map(|n| record(n, n)).collect();
    letters::produce(kafka, &flow.name, &old);
    let settings = [&PASS_THROUGH[..], &[ALL, (QUEUE, queue.as_str()), ONE_REPLICA]].concat();
    let sink = flow.start(&[], &settings);
    flow.assert_delivered(kafka, &sink, SOON);

    // The sink sees nothing of it but the offsets.
    sink.process().freeze();
    kafka.delete_topic(&flow.name).unwrap();
    kafka.create_topic(&flow.name, 1).unwrap();
    let refused = Letter { key: Some(UNKNOWN_TYPE.to_vec()), ..Letter::new("", number(0)) };
    let mut new: Vec<_> = (0..300).map(|n| record(n, -n)).collect();
    new.insert(3, refused.clone());
    letters::produce(kafka, &flow.name, &new);
    sink.process().thaw();

    flow.assert_delivered(kafka, &sink, SOON);
    let model: Contents =
        (0..1000).map(|n| (n.to_string(), if n < 300 { -n } else { n }.to_string())).collect();
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model);
    assert_eq!(dead(kafka, &queue), [refused]);
    assert_eq!(counted(&sink, &flow, "coherence_kafka_sink_logs_replaced_total"), 1, "{}", sink.log());
    let log = sink.log();
    let line = log.lines().find(|line| line.contains("offsets went back")).unwrap_or_default();
    for field in [format!("partition={}-0", flow.name), "expected=1000".to_owned(), "next=0".to_owned()] {
        assert!(line.contains(&field), "{line} lacks {field}");
    }
}

#[test]
fn records_that_are_removed_before_they_are_read_are_counted_and_named() {
    require_peers!();
    let kafka = shared::kafka();
    let flow = Flow::new(kafka, shared::grid(), "removed", 1);
    kafka.produce(&flow.name, pairs("a", 500)).unwrap();
    let sink = flow.start(&[], &[]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(counted(&sink, &flow, "coherence_kafka_sink_offsets_removed_unread_total"), 0);

    sink.process().freeze();
    // A fetch that is on its way is answered with the first record.
    kafka.produce(&flow.name, pairs("b", 1)).unwrap();
    kafka.produce(&flow.name, pairs("c", 499)).unwrap();
    kafka.delete_records(&flow.name, 0, 700).unwrap();
    sink.process().thaw();
    flow.assert_delivered(kafka, &sink, SOON);
    let log = sink.log();
    let line = log.lines().find(|line| line.contains("removed from the topic before")).unwrap_or_default();
    let removed = counted(&sink, &flow, "coherence_kafka_sink_offsets_removed_unread_total");
    assert!([199, 200].contains(&removed), "{removed} were removed\n{log}");
    let expected = format!("expected={}", 700 - removed);
    for field in [format!("partition={}-0", flow.name), expected, "log_start=700".to_owned()] {
        assert!(line.contains(&field), "{line} lacks {field}");
    }

    // Removed up to the end while the sink is stopped: the next record shows it.
    assert_eq!(sink.stop().unwrap().code(), Some(143));
    kafka.produce(&flow.name, pairs("d", 50)).unwrap();
    kafka.delete_records(&flow.name, 0, 1050).unwrap();
    kafka.produce(&flow.name, pairs("e", 1)).unwrap();
    let sink = flow.start(&[], &[]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(
        counted(&sink, &flow, "coherence_kafka_sink_offsets_removed_unread_total"),
        50,
        "{}",
        sink.log()
    );
}

/// Which partitions have a committed offset; empty while the broker still makes itself the coordinator of groups.
fn have_positions(kafka: &Kafka, flow: &Flow) -> Vec<bool> {
    let committed = kafka.committed(&format!("connect-{}", flow.name), &flow.name).unwrap_or_default();
    committed.iter().map(Option::is_some).collect()
}

#[test]
fn what_arrives_in_a_quiet_partition_while_a_sink_that_begins_at_the_end_is_away_is_delivered() {
    require_peers!();
    let kafka = shared::kafka();
    let flow = Flow::new(kafka, shared::grid(), "latest", 3);
    kafka.produce(&flow.name, [(Some("before"), Some("not read"))]).unwrap();
    let settings = [("consumer.override.auto.offset.reset", "latest")];
    let sink = flow.start(&[], &settings);
    eventually(SOON, "every partition has a position", || have_positions(kafka, &flow) == [true; 3]);
    assert_eq!(sink.stop().unwrap().code(), Some(143));

    kafka.produce(&flow.name, pairs("v", 100)).unwrap();
    let sink = flow.start(&[], &settings);
    flow.assert_delivered(kafka, &sink, SOON);
    let model: BTreeMap<_, _> = (0..100).map(|i| (format!("k{i}"), format!("v{i}"))).collect();
    assert_eq!(shared::grid().tool().entries(&flow.name).unwrap(), model);
}

#[test]
fn the_lag_of_a_sink_whose_grid_is_away_counts_what_arrives_and_a_failed_task_has_none() {
    require_peers!();
    let kafka = shared::kafka();
    let flow = Flow::new(kafka, shared::grid(), "lag", 2);
    kafka.produce(&flow.name, pairs("v", 1_010)).unwrap();
    let nowhere = format!("127.0.0.1:{}", free_port().unwrap());
    // Small batches and a small queue: fetches end long before the topic does.
    let settings = [
        ("coherence.session.address", nowhere.as_str()),
        ("coherence.batch.max.records", "10"),
        ("consumer.override.queued.min.messages", "10"),
        ("coherence.retry.timeout.ms", "40000"),
    ];
    let sink = flow.start(&[], &settings);
    let lag = || sink.metric("coherence_kafka_sink_records_lag", &flow.name).ok();
    eventually(SOON, "the lag is all of the topic", || lag() == Some(1_010));
    kafka.produce(&flow.name, pairs("w", 5_000)).unwrap();
    eventually(SOON, "the lag has grown", || lag() == Some(6_010));
    assert_eq!(
        counted(&sink, &flow, "coherence_kafka_sink_records_put_total"),
        0,
        "no grid has confirmed any"
    );
    flow.failure(&sink);
    eventually(SOON, "a task that has ended has no lag", || lag().is_none());
    assert_eq!(counted(&sink, &flow, "kafka_connect_sink_task_partition_count"), 0);
}
