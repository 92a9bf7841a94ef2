//! A topic that is deleted while it is read: nobody waits for its offsets.

use std::time::{Duration, Instant};

use integration_tests::kafka::Feed;
use integration_tests::sink::{Settings, Sink};
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::{kafka, under_each_protocol};
use crate::flow::{Flow, SOON};

/// Half of the session is 22.5 s, so long would a revoke wait for a commit that cannot be, and a stop for 40 s.
const WAITS_LONG: [(&str, &str); 2] =
    [("consumer.session.timeout.ms", "45000"), ("task.shutdown.graceful.timeout.ms", "40000")];
const QUICK: Duration = Duration::from_secs(18);
const UNKNOWN: &str = "offsets not committed: at least one of these topics no longer exists";

/// A connector under load that reads two topics, and has records of both in its maps whose offsets are not committed.
struct Loaded {
    flow: Flow,
    other: String,
    worker: Vec<(&'static str, &'static str)>,
    topics: String,
    sink: Sink,
    _feeds: [Feed; 2],
}

impl Loaded {
    fn new(protocol: Settings<'static>) -> Self {
        let flow = Flow::new(kafka(), shared::grid(), "kept", 2);
        let other = format!("{}-deleted", flow.name);
        kafka().create_topic(&other, 2).unwrap();
        let mut worker = protocol.to_vec();
        if protocol.iter().any(|(key, _)| *key == WAITS_LONG[0].0) {
            worker.retain(|(key, _)| *key != WAITS_LONG[0].0);
            worker.push(WAITS_LONG[0]);
        }
        // Only a revoke or a stop commits, but for the first batch.
        worker.extend([WAITS_LONG[1], ("offset.flush.interval.ms", "600000")]);
        let topics = format!("{},{other}", flow.name);
        let sink = flow.start(&worker, &[("topics", &topics)]);
        let feed = |topic: &str| {
            let record = |n: u64| (format!("key-{n}").into_bytes(), Some(b"v".to_vec()));
            kafka().feed(topic, 200, u64::MAX, record).unwrap()
        };
        let feeds = [feed(&flow.name), feed(&other)];
        let loaded = Self { flow, other, worker, topics, sink, _feeds: feeds };
        let size = |map: &str| shared::grid().tool().size(map).unwrap();
        let (flow, other) = (&loaded.flow.name, &loaded.other);
        let (before, far) = ((size(flow), size(other)), 400);
        eventually(SOON, "records of both are in the maps", || {
            size(flow) > before.0 + far && size(other) > before.1 + far
        });
        loaded
    }

    fn delete(&self) {
        kafka().delete_topic(&self.other).unwrap();
    }
}

fn rebalances(protocol: &str, worker: Settings<'static>) {
    let loaded = Loaded::new(worker);
    let Loaded { flow, sink, .. } = &loaded;
    loaded.delete();
    let began = Instant::now();
    let joins = flow.start(&loaded.worker, &[("topics", &loaded.topics)]);
    // Under the cooperative protocol the first one keeps those of the deleted topic until its client misses the topic.
    let kept = |line: &str| {
        line.contains("partitions assigned") && (0..2).any(|n| line.contains(&format!("{}-{n}", flow.name)))
    };
    eventually(SOON, "the partitions of the other topic are divided", || {
        super::partitions(sink, flow) > 0 && joins.log().lines().any(kept)
    });
    assert!(began.elapsed() < QUICK, "{protocol}: the group stood still for {:?}", began.elapsed());
    let warnings = sink.log().matches(UNKNOWN).count();
    // Where the partitions are taken away as lost nothing is committed.
    assert!(warnings <= 1, "{protocol}: {warnings} warnings\n{}", sink.log());
    flow.assert_running(sink);
    flow.assert_running(&joins);
}

fn stops(protocol: &str, worker: Settings<'static>) {
    let loaded = Loaded::new(worker);
    loaded.delete();
    let began = Instant::now();
    assert_eq!(loaded.sink.stop().unwrap().code(), Some(143));
    assert!(began.elapsed() < QUICK, "{protocol}: the stop took {:?}", began.elapsed());
    // Each key is there once.
    let committed: i64 = loaded.flow.committed(kafka()).iter().sum();
    assert_eq!(shared::grid().tool().size(&loaded.flow.name).unwrap(), committed as u64, "{protocol}");
}

#[test]
fn a_topic_that_is_deleted_under_load_holds_up_no_rebalance() {
    require_peers!();
    under_each_protocol(rebalances);
}

#[test]
fn a_topic_that_is_deleted_under_load_holds_up_no_stop() {
    require_peers!();
    under_each_protocol(stops);
}
