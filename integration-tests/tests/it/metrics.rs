//! What Prometheus reads.

use integration_tests::openmetrics;
use integration_tests::sink::Sink;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, SOON};

fn text(sink: &Sink) -> String {
    let mut answer = ureq::get(&format!("{}/metrics", sink.rest())).call().unwrap();
    let media_type = answer.headers().get("content-type").unwrap().to_str().unwrap().to_owned();
    assert_eq!(media_type, "application/openmetrics-text; version=1.0.0; charset=utf-8");
    answer.body_mut().read_to_string().unwrap()
}

#[test]
fn metrics_count_what_was_moved_and_tell_a_failed_task() {
    require_peers!();
    let kafka = shared::kafka();
    let flow = Flow::new(kafka, shared::grid(), "metrics", 3);
    let records = (0..100).map(|i| (Some(format!("secret-key-{i}")), (i % 10 > 0).then_some("secret-value")));
    kafka.produce(&flow.name, records).unwrap();
    let sink = flow.start(&[], &[]);
    flow.assert_delivered(kafka, &sink, SOON);
    let is = |name: &str, expected: u64| {
        let found = || sink.metric(name, &flow.name).ok();
        eventually(SOON, name, || found() == Some(expected));
    };
    is("kafka_connect_sink_task_sink_record_read_total", 100);
    is("coherence_kafka_sink_records_put_total", 90);
    is("coherence_kafka_sink_records_removed_total", 10);
    is("coherence_kafka_sink_records_confirmed_total", 100);
    is("coherence_kafka_sink_records_lag", 0);
    is("kafka_connect_sink_task_partition_count", 3);
    is("kafka_connect_worker_connector_running_task_count", 1);
    is("coherence_kafka_sink_holding", 0);
    for name in [
        "kafka_connect_sink_task_offset_commit_completion_total",
        "coherence_kafka_sink_bytes_written_total",
        "coherence_kafka_sink_latency_seconds_count",
        "coherence_kafka_sink_write_seconds_count",
        "coherence_kafka_sink_commit_seconds_count",
        "coherence_kafka_sink_batch_records_count",
    ] {
        assert!(sink.metric(name, &flow.name).unwrap() > 0, "{name}");
    }
    is("kafka_connect_sink_task_sink_record_active_count", 0);
    is("coherence_kafka_sink_held_bytes", 0);
    let page = text(&sink);
    openmetrics::check(&page).unwrap();
    let lag = format!("coherence_kafka_sink_partition_records_lag{{connector=\"{}\"", flow.name);
    assert_eq!(page.lines().filter(|line| line.starts_with(&lag)).count(), 3, "{page}");

    let put = |action: &str| {
        let url = format!("{}/connectors/{}/{action}", sink.rest(), flow.name);
        assert_eq!(ureq::put(&url).send_empty().unwrap().status(), 202);
    };
    put("pause");
    is("kafka_connect_worker_connector_paused_task_count", 1);
    is("kafka_connect_worker_connector_running_task_count", 0);
    assert!(text(&sink).contains("status=\"paused\"} 1"));
    put("resume");
    is("kafka_connect_worker_connector_running_task_count", 1);

    flow.replace(&sink, &[("behavior.on.null.keys", "fail")]);
    kafka.produce(&flow.name, [(None::<&str>, Some("secret-value"))]).unwrap();
    flow.failure(&sink);
    is("kafka_connect_task_error_total_record_errors", 1);
    is("kafka_connect_worker_connector_failed_task_count", 1);
    let text = text(&sink);
    assert!(text.contains("status=\"failed\"} 1"), "{text}");
    assert!(!text.contains("secret"), "{text}");
    openmetrics::check(&text).unwrap();
}
