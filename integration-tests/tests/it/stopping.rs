//! How the sink ends: gracefully after one SIGTERM, at once after two.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use integration_tests::grid::{Contents, Grid, GridOptions};
use integration_tests::sink::Sink;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, SOON};

/// 128 + SIGTERM.
const TERMINATED: Option<i32> = Some(143);

fn wait_for_line(sink: &Sink, text: &str) {
    eventually(SOON, text, || sink.log().contains(text));
}

#[test]
fn sigterm_commits_what_is_in_the_map_and_leaves_the_group() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "stopped", 4);
    // Each key once, so that the size of the map is the number of records that have reached it.
    let mut records = Vec::new();
    let mut produce = |count| {
        let from = records.len();
        records.extend((from..from + count).map(|i| (format!("key-{i}"), format!("value-{i}"))));
        kafka
            .produce(&flow.name, records[from..].iter().map(|(key, value)| (Some(key), Some(value))))
            .unwrap();
    };
    // A member that does not leave the group keeps its partitions from the next one for longer than this test waits.
    let worker = [("consumer.session.timeout.ms", "45000")];
    let sink = flow.start(&worker, &[("coherence.batch.max.records", "200")]);
    flow.wait_until_halfway(kafka, || produce(100_000));
    // A sink that is faster than this test is stopped before its last record all the same.
    let load = AtomicBool::new(true);
    let status = thread::scope(|scope| {
        scope.spawn(|| {
            while load.load(Ordering::Acquire) {
                produce(1_000);
            }
        });
        let status = sink.stop();
        load.store(false, Ordering::Release);
        status.unwrap()
    });
    assert_eq!(status.code(), TERMINATED);
    produce(1);
    let committed: i64 = flow.committed(kafka).iter().sum();
    assert!(0 < committed && committed < records.len() as i64, "stopped halfway: {committed}");
    assert_eq!(grid.tool().size(&flow.name).unwrap(), committed as u64);

    let stopped = Instant::now();
    let successor = flow.start(&worker, &[]);
    wait_for_line(&successor, "partitions assigned");
    assert!(stopped.elapsed() < Duration::from_secs(30), "assigned after {:?}", stopped.elapsed());
    flow.assert_delivered(kafka, &successor, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), records.into_iter().collect());
}

#[test]
fn ctrl_c_stops_as_gracefully_and_says_so_by_its_exit_code() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "interrupted", 1);
    kafka.produce(&flow.name, [(Some("k"), Some("v"))]).unwrap();
    // Only the stop can commit a second time.
    let sink = flow.start(&[("offset.flush.interval.ms", "600000")], &[]);
    flow.assert_delivered(kafka, &sink, SOON);
    kafka.produce(&flow.name, [(Some("k"), Some("w"))]).unwrap();
    eventually(SOON, "the second value is in the map", || {
        grid.tool().get(&flow.name, "k").unwrap().is_some_and(|value| value.text == "w")
    });
    // 128 + SIGINT.
    assert_eq!(sink.interrupt().unwrap().code(), Some(130));
    assert_eq!(flow.committed(kafka), [2]);
}

#[test]
fn a_stop_that_hangs_ends_with_its_timeout_or_with_a_second_sigterm() {
    require_peers!();
    let kafka = shared::kafka();
    let grid = Grid::start(GridOptions::default()).unwrap();
    let flow = Flow::new(kafka, &grid, "hanging", 1);
    let connector = [("coherence.session.request.timeout.ms", "500")];
    let start = |timeout: &str| {
        // Who ends at once does not leave the group: the broker has to miss it.
        let worker =
            [("task.shutdown.graceful.timeout.ms", timeout), ("consumer.session.timeout.ms", "6000")];
        flow.start(&worker, &connector)
    };
    // Delivers a record first: to a frozen grid no session could be opened, which takes longer to notice.
    let hanging = |sink: &Sink, key: &str| {
        flow.assert_delivered(kafka, sink, SOON);
        grid.freeze();
        kafka.produce(&flow.name, [(Some(key), Some("v"))]).unwrap();
        wait_for_line(sink, "write not confirmed");
    };
    kafka.produce(&flow.name, [(Some("a"), Some("v"))]).unwrap();
    let sink = start("1000");
    hanging(&sink, "b");
    assert_eq!(sink.stop().unwrap().code(), TERMINATED);
    assert_eq!(flow.committed(kafka), [1], "what is not confirmed is not committed");

    grid.thaw();
    let sink = start("600000");
    hanging(&sink, "c");
    sink.process().terminate();
    wait_for_line(&sink, "a second signal stops immediately");
    // The harness gives up long before the ten minutes that one signal would take.
    assert_eq!(sink.stop().unwrap().code(), TERMINATED);
    assert_eq!(flow.committed(kafka), [2]);

    grid.thaw();
    let sink = start("1000");
    flow.assert_delivered(kafka, &sink, SOON);
    let model = ["a", "b", "c"].map(|key| (key, "v"));
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), Contents::from_iter(model));
}

#[test]
fn a_sink_whose_log_nobody_reads_any_more_goes_on_delivering_and_fails_visibly() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "unread", 1);
    let (sink, log) = Sink::start_read(&flow.worker(&[]), &flow.connector(&[])).unwrap();
    kafka.produce(&flow.name, [(Some("a"), Some("v"))]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    drop(log);
    // Both the task and the threads of the server log now.
    ureq::post(&format!("{}/connectors/{}/tasks/0/restart", sink.rest(), flow.name)).send_empty().unwrap();
    let restarts = || sink.metric("coherence_kafka_sink_task_restarts_total", &flow.name).unwrap();
    eventually(SOON, "it has started again", || restarts() == 1);
    kafka.produce(&flow.name, [(Some("b"), Some("v"))]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);

    flow.replace(&sink, &[("behavior.on.null.keys", "fail")]);
    kafka.produce(&flow.name, [(None::<&str>, Some("v"))]).unwrap();
    let failure = flow.failure(&sink);
    assert!(failure.contains(&flow.name), "{failure}");
    let model = ["a", "b"].map(|key| (key, "v"));
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), Contents::from_iter(model));
    assert_eq!(sink.stop().unwrap().code(), TERMINATED);
}
