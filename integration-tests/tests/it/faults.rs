//! What breaks while records flow: the sink itself, its group, the grid, the broker. Nothing is lost, no task fails,
//! and afterwards the map equals the model.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::sink::{Settings, Sink};
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, Model, SOON};

/// Keeps a connector at work for a while: every batch is a round trip of its own.
const SLOW: (&str, &str) = ("coherence.batch.max.records", "500");

/// The broker notices a dead member after the least time that it allows.
const NOTICED: (&str, &str) = ("consumer.session.timeout.ms", "6000");

/// Produces without end while `during` runs.
fn under_load<T>(kafka: &Kafka, flow: &Flow, model: &mut Model, during: impl FnOnce() -> T) -> T {
    struct Done<'a>(&'a AtomicBool);
    // Also when `during` panics, or the producing thread would be waited for without end.
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    let done = AtomicBool::new(false);
    thread::scope(|scope| {
        let finish = Done(&done);
        scope.spawn(|| {
            while !done.load(Ordering::Acquire) {
                kafka.produce(&flow.name, model.records(2_000)).unwrap();
            }
        });
        let outcome = during();
        drop(finish);
        outcome
    })
}

fn times(sink: &Sink, text: &str) -> usize {
    sink.log().matches(text).count()
}

#[test]
fn a_killed_sink_goes_on_where_it_committed() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "killed", 4);
    let mut model = Model::new("k", 5_000);
    kafka.produce(&flow.name, model.records(200_000)).unwrap();
    let sink = flow.start(&[NOTICED], &[SLOW]);
    flow.wait_until_halfway(kafka);
    sink.kill().unwrap();
    assert_ne!(flow.committed(kafka), kafka.end_offsets(&flow.name).unwrap(), "killed too late");

    kafka.produce(&flow.name, model.records(20_000)).unwrap();
    let sink = flow.start(&[NOTICED], &[]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
}

/// A second sink process joins the group of the first one, then the first one leaves it, all under load.
fn a_sink_joins_and_another_leaves(worker: Settings<'_>) {
    const ASSIGNED: &str = "partitions assigned";
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "group", 4);
    let mut model = Model::new("k", 5_000);
    let remaining = under_load(kafka, &flow, &mut model, || {
        let first = flow.start(worker, &[]);
        flow.wait_until_halfway(kafka);
        let second = flow.start(worker, &[]);
        eventually(SOON, "the second sink has partitions", || times(&second, ASSIGNED) > 0);
        let before = flow.committed(kafka);
        eventually(SOON, "both together make progress everywhere", || {
            flow.committed(kafka).iter().zip(&before).all(|(now, before)| now > before)
        });
        flow.assert_running(&first);
        let assigned = times(&second, ASSIGNED);
        assert_eq!(first.stop().unwrap().code(), Some(143));
        // A member that went without a word would be missed after 45 s.
        eventually(SOON, "the second sink has all partitions", || times(&second, ASSIGNED) > assigned);
        second
    });
    flow.assert_delivered(kafka, &remaining, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
}

#[test]
fn members_join_and_leave_under_load_with_the_default_assignor() {
    require_peers!();
    a_sink_joins_and_another_leaves(&[]);
}

#[test]
fn members_join_and_leave_under_load_with_the_cooperative_assignor() {
    require_peers!();
    a_sink_joins_and_another_leaves(&[(
        "consumer.partition.assignment.strategy",
        "org.apache.kafka.clients.consumer.CooperativeStickyAssignor",
    )]);
}

#[test]
fn members_join_and_leave_under_load_where_the_broker_assigns() {
    require_peers!();
    a_sink_joins_and_another_leaves(&[("consumer.group.protocol", "consumer")]);
}

#[test]
fn several_tasks_in_one_process_share_the_partitions() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "tasks", 6);
    let mut model = Model::new("k", 5_000);
    let sink = under_load(kafka, &flow, &mut model, || {
        let sink = flow.start(&[], &[("tasks.max", "3")]);
        for task in 0..3 {
            let task = format!("task=\"{}-{task}\"", flow.name);
            let has_partitions = |line: &str| line.contains("partitions assigned") && line.contains(&task);
            eventually(SOON, "each task has partitions", || sink.log().lines().any(has_partitions));
        }
        sink
    });
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
    let status = sink.status(&flow.name).unwrap();
    let ids: Vec<_> = status["tasks"].as_array().unwrap().iter().map(|task| task["id"].clone()).collect();
    assert_eq!(ids, [0, 1, 2]);
}

#[test]
fn a_frozen_grid_is_waited_for() {
    require_peers!();
    let kafka = shared::kafka();
    let grid = Grid::start(GridOptions::default()).unwrap();
    let flow = Flow::new(kafka, &grid, "frozen", 4);
    let mut model = Model::new("k", 5_000);
    // The group would give the partitions of a member away that does not poll for 10 s.
    let worker = [NOTICED, ("consumer.max.poll.interval.ms", "10000")];
    let connector = [("coherence.session.request.timeout.ms", "5000")];
    let sink = under_load(kafka, &flow, &mut model, || {
        let sink = flow.start(&worker, &connector);
        flow.wait_until_halfway(kafka);
        grid.freeze();
        within(Duration::from_secs(20), || {
            flow.assert_running(&sink);
            false
        });
        let committed = flow.committed(kafka);
        grid.thaw();
        assert!(times(&sink, "the batch is held and tried again") > 1, "{}", sink.log());
        eventually(SOON, "commits go on", || flow.committed(kafka) != committed);
        sink
    });
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
    assert_eq!(times(&sink, "partitions revoked"), 0, "the task stays in its group\n{}", sink.log());
}

/// The grid goes and comes back empty. What was committed before is gone with it; everything else must be in it.
fn the_grid_restarts(go: impl FnOnce(&mut Grid)) {
    let kafka = shared::kafka();
    let mut grid = Grid::start(GridOptions::default()).unwrap();
    let flow = Flow::new(kafka, &grid, "restarted", 4);
    let mut before = Model::new("before", 5_000);
    let sink = under_load(kafka, &flow, &mut before, || {
        let sink = flow.start(&[], &[SLOW]);
        flow.wait_until_halfway(kafka);
        go(&mut grid);
        eventually(SOON, "the sink holds", || times(&sink, "the batch is held and tried again") > 0);
        sink
    });
    let mut after = Model::new("after", 5_000);
    kafka.produce(&flow.name, after.records(20_000)).unwrap();
    // Nothing can be confirmed any more, and what was confirmed is committed every 100 ms.
    let mut kept = flow.committed(kafka);
    eventually(SOON, "the last commit before the restart is seen", || {
        let end = Instant::now() + Duration::from_secs(1);
        let seen = std::mem::replace(&mut kept, flow.committed(kafka));
        !within(end - Instant::now(), || flow.committed(kafka) != seen)
    });
    flow.assert_running(&sink);

    grid.restart().unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    let text = |bytes: Option<Vec<u8>>| bytes.map(|b| String::from_utf8(b).unwrap());
    let mut expected = std::collections::BTreeMap::new();
    for record in kafka.records(&flow.name).unwrap() {
        if record.offset < kept[record.partition as usize] {
            continue;
        }
        let key = text(record.key).unwrap();
        match text(record.value) {
            Some(value) => expected.insert(key, value),
            None => expected.remove(&key),
        };
    }
    let entries = grid.tool().entries(&flow.name).unwrap();
    assert!(entries.keys().any(|key| key.starts_with("before")), "what was not committed has come again");
    assert!(entries.keys().filter(|key| key.starts_with("after")).count() as u64 == after.contents().count);
    assert_eq!(entries.len(), expected.len());
    assert!(entries == expected, "the map is not what the records from {kept:?} on make");
}

#[test]
fn a_grid_that_is_killed_and_comes_back_empty_gets_everything_not_committed() {
    require_peers!();
    the_grid_restarts(|grid| grid.kill().unwrap());
}

#[test]
fn a_grid_that_is_shut_down_and_comes_back_empty_gets_everything_not_committed() {
    require_peers!();
    the_grid_restarts(|grid| grid.stop().unwrap());
}

#[test]
fn a_broker_that_goes_and_comes_back_is_waited_for() {
    require_peers!();
    let grid = shared::grid();
    let mut kafka = Kafka::start(KafkaOptions::default()).unwrap();
    let flow = Flow::new(&kafka, grid, "broker", 4);
    let mut model = Model::new("k", 5_000);
    kafka.produce(&flow.name, model.records(100_000)).unwrap();
    let sink = flow.start(&[NOTICED, ("consumer.reconnect.backoff.max.ms", "1000")], &[SLOW]);
    for (go, away) in
        [(Kafka::kill as fn(&mut Kafka) -> _, Duration::from_secs(7)), (Kafka::stop, Duration::ZERO)]
    {
        flow.wait_until_halfway(&kafka);
        go(&mut kafka).unwrap();
        // Longer than the session's time-out: when the broker is back, it does not know the member any more.
        within(away, || {
            flow.assert_running(&sink);
            false
        });
        kafka.restart().unwrap();
        kafka.produce(&flow.name, model.records(100_000)).unwrap();
    }
    flow.assert_delivered(&kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
    let trouble = |line: &str| line.contains("reports trouble") && line.contains("Connection refused");
    assert!(sink.log().lines().any(trouble), "the reason is not told\n{}", sink.log());
    // librdkafka repeats it many times a second.
    assert!(times(&sink, "AllBrokersDown") < 20, "{}", sink.log());
}
