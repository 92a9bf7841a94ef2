//! What breaks while records flow: the sink itself, its group, the grid, the broker. Nothing is lost, no task fails,
//! and afterwards the map equals the model.

use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::sink::{Settings, Sink};
use integration_tests::usage::peak_mib;
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, Model, SOON};

mod broker;
mod grid;
mod history;
mod network;
mod sinks;
mod static_members;

/// Keeps a connector at work for a while: every batch is a round trip of its own.
const SLOW: (&str, &str) = ("coherence.batch.max.records", "500");

/// The broker notices a dead member after the least time that it allows.
const NOTICED: (&str, &str) = ("consumer.session.timeout.ms", "6000");

/// The same, where the broker lets a group notice it within half a second.
const SOON_NOTICED: [(&str, &str); 2] =
    [("consumer.session.timeout.ms", "1500"), ("consumer.heartbeat.interval.ms", "300")];

/// Many batches a second under [`paced`] load, each less than a stream takes at once.
const SMALL: (&str, &str) = ("coherence.batch.max.records", "100");

/// No sink that holds what it has needs more, whatever waits in the topic.
const BOUND_MIB: f64 = 100.0;

/// Produces without end while `during` runs.
fn under_load<T>(kafka: &Kafka, flow: &Flow, model: &mut Model, during: impl FnOnce() -> T) -> T {
    producing(kafka, flow, (model, 2_000), Duration::ZERO, during)
}

/// Produces some two thousand records a second while `during` runs: time enough for the faults, and few enough to look
/// at each of them.
pub fn paced<T>(kafka: &Kafka, flow: &Flow, model: &mut Model, during: impl FnOnce() -> T) -> T {
    producing(kafka, flow, (model, 100), Duration::from_millis(50), during)
}

fn producing<T>(
    kafka: &Kafka,
    flow: &Flow,
    (model, records): (&mut Model, usize),
    pause: Duration,
    during: impl FnOnce() -> T,
) -> T {
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
            while !within(pause, || done.load(Ordering::Acquire)) {
                kafka.produce(&flow.name, model.records(records)).unwrap();
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

const ASSIGNED: &str = "partitions assigned";
const REVOKED: &str = "partitions revoked";
const HELD: &str = "batch held and retried";

/// Waits until every partition has moved on.
#[track_caller]
fn moves_on(kafka: &Kafka, flow: &Flow) {
    let before = flow.committed(kafka);
    let moved = within(SOON, || flow.committed(kafka).iter().zip(&before).all(|(now, then)| now > then));
    assert!(moved, "committed {:?}, and before {before:?}", flow.committed(kafka));
}

/// A second sink that joins the first one while the grid is away, and holds what it has as well.
#[track_caller]
fn joins_and_holds(flow: &Flow, first: &Sink, worker: Settings<'_>, connector: Settings<'_>) -> Sink {
    let second = flow.start(worker, connector);
    eventually(SOON, "they share the partitions", || {
        times(first, REVOKED) > 0 && times(&second, ASSIGNED) > 0
    });
    eventually(SOON, "the second sink holds, too", || times(&second, HELD) > 0);
    second
}

/// Everything is delivered, the map is what the model says, and the sink did not grow meanwhile.
#[track_caller]
fn ends_as(model: &Model, kafka: &Kafka, grid: &Grid, flow: &Flow, sink: &Sink) {
    flow.assert_delivered(kafka, sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
    is_bounded(sink);
}

#[track_caller]
fn is_bounded(sink: &Sink) {
    let peak = peak_mib(sink.process().id()).unwrap();
    println!("peak {peak:.0} MiB");
    assert!(peak < BOUND_MIB, "{peak:.0} MiB");
}

#[test]
fn a_killed_sink_goes_on_where_it_committed() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "killed", 4);
    let mut model = Model::new("k", 5_000);
    under_load(kafka, &flow, &mut model, || {
        let sink = flow.start(&[NOTICED], &[SLOW]);
        flow.wait_until_halfway(kafka, || {});
        sink.kill().unwrap();
    });
    kafka.produce(&flow.name, model.records(20_000)).unwrap();
    let sink = flow.start(&[NOTICED], &[]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
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
        flow.wait_until_halfway(kafka, || {});
        grid.freeze();
        within(Duration::from_secs(20), || {
            flow.assert_running(&sink);
            false
        });
        eventually(SOON, "the batch is held more than once", || times(&sink, HELD) > 1);
        let committed = flow.committed(kafka);
        grid.thaw();
        eventually(SOON, "commits go on", || flow.committed(kafka) != committed);
        sink
    });
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
    assert_eq!(times(&sink, REVOKED), 0, "the task stays in its group\n{}", sink.log());
    is_bounded(&sink);
}

/// The grid goes and comes back empty. What was committed before is gone with it; everything else must be in it.
/// `meanwhile` may start another sink, before a record is added to those that wait.
fn the_grid_restarts(go: impl FnOnce(&mut Grid), meanwhile: impl FnOnce(&Flow, &Sink) -> Option<Sink>) {
    let kafka = shared::kafka();
    let mut grid = Grid::start(GridOptions::default()).unwrap();
    let flow = Flow::new(kafka, &grid, "restarted", 4);
    let mut before = Model::new("before", 5_000);
    let sink = under_load(kafka, &flow, &mut before, || {
        let sink = flow.start(&[], &[SLOW]);
        flow.wait_until_halfway(kafka, || {});
        go(&mut grid);
        eventually(SOON, "the sink holds", || times(&sink, HELD) > 0);
        sink
    });
    let other = meanwhile(&flow, &sink);
    let mut after = Model::new("after", 5_000);
    kafka.produce(&flow.name, after.records(20_000)).unwrap();
    // Nothing can be confirmed any more, and what was confirmed is committed every 100 ms.
    let mut kept = flow.committed(kafka);
    eventually(SOON, "the last commit before the restart is seen", || {
        let end = Instant::now() + Duration::from_secs(1);
        let seen = std::mem::replace(&mut kept, flow.committed(kafka));
        !within(end - Instant::now(), || flow.committed(kafka) != seen)
    });
    for sink in other.iter().chain([&sink]) {
        flow.assert_running(sink);
    }

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
    the_grid_restarts(|grid| grid.kill().unwrap(), |_, _| None);
}

#[test]
fn a_group_that_changes_while_the_grid_is_killed_writes_everything_not_committed_when_it_is_back() {
    require_peers!();
    the_grid_restarts(
        |grid| grid.kill().unwrap(),
        |flow, first| Some(joins_and_holds(flow, first, &[], &[SLOW])),
    );
}

#[test]
fn a_grid_that_is_shut_down_and_comes_back_empty_gets_everything_not_committed() {
    require_peers!();
    the_grid_restarts(|grid| grid.stop().unwrap(), |_, _| None);
}

#[test]
fn a_broker_that_goes_and_comes_back_is_waited_for() {
    require_peers!();
    let grid = shared::grid();
    let mut kafka = Kafka::start(KafkaOptions::default()).unwrap();
    let flow = Flow::new(&kafka, grid, "broker", 4);
    let mut model = Model::new("k", 5_000);
    let sink = flow.start(&[NOTICED, ("consumer.reconnect.backoff.max.ms", "1000")], &[SLOW]);
    for (go, away) in
        [(Kafka::kill as fn(&mut Kafka) -> _, Duration::from_secs(7)), (Kafka::stop, Duration::ZERO)]
    {
        flow.wait_until_halfway(&kafka, || kafka.produce(&flow.name, model.records(100_000)).unwrap());
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
    let trouble =
        |line: &str| line.contains("kafka client error, retrying") && line.contains("Connection refused");
    assert!(sink.log().lines().any(trouble), "the reason is not told\n{}", sink.log());
    // librdkafka repeats it many times a second.
    assert!(times(&sink, "AllBrokersDown") < 20, "{}", sink.log());
}
