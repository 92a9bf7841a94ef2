//! Writes that come late: a frozen proxy has a request that it will run when it thaws, while the sink has reached the
//! grid by way of another proxy.

use std::collections::BTreeMap;
use std::time::Duration;

use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::map::Session as _;
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::kafka::Kafka;
use integration_tests::relay::Relay;
use integration_tests::sink::Sink;
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, Pair, SOON};

const KEYS: usize = 200;
const REQUEST_TIMEOUT: (&str, &str) = ("coherence.session.request.timeout.ms", "3000");
/// A round is one batch.
const LINGER: (&str, &str) = ("coherence.batch.linger.ms", "500");
const HELD: &str = "an earlier attempt by way of";

type Entries = BTreeMap<String, String>;

/// A grid with a second proxy, and a sink that prefers it.
struct Frozen {
    kafka: &'static Kafka,
    grid: Grid,
    proxy: Grid,
    flow: Flow,
    sink: Sink,
    second: Entries,
    third: Entries,
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap()
}

/// Every key with a value of this round.
fn round(round: usize) -> Entries {
    (0..KEYS).map(|n| (format!("k{n}"), format!("round {round} of {n}"))).collect()
}

fn puts(entries: &Entries) -> impl Iterator<Item = Pair> {
    entries.iter().map(|(key, value)| (Some(key.clone()), Some(value.clone())))
}

impl Frozen {
    /// The second round of values is in flight to the frozen proxy, and in the map by way of the other one; the third,
    /// which deletes every other key, is in the topic.
    fn new(way: impl FnOnce(&Grid) -> String) -> Self {
        let kafka = shared::kafka();
        let grid = Grid::start(GridOptions::default()).unwrap();
        let proxy = grid.proxy_member().unwrap();
        let flow = Flow::new(kafka, &grid, "late", 1);
        // A member that serves its first client may need longer than the sink waits.
        runtime().block_on(async {
            let addresses = vec![proxy.address()];
            let session =
                GrpcSession::new(SessionOptions { addresses, ..SessionOptions::default() }).unwrap();
            session.map(&flow.name).await.unwrap().size().await.unwrap();
        });
        let way = way(&proxy);
        let addresses = format!("{way},{}", grid.address());
        let sink = flow.start(&[], &[("coherence.session.address", &addresses), REQUEST_TIMEOUT, LINGER]);
        kafka.produce(&flow.name, puts(&round(1))).unwrap();
        flow.assert_delivered(kafka, &sink, SOON);
        let opened = |line: &&str| line.contains("grid stream opened");
        let streams: Vec<_> = sink.log().lines().filter(opened).map(str::to_owned).collect();
        assert!(streams.len() == 1 && streams[0].contains(&way), "{streams:?}");
        assert_eq!(grid.tool().entries(&flow.name).unwrap(), round(1));

        proxy.freeze();
        let second = round(2);
        kafka.produce(&flow.name, puts(&second)).unwrap();
        eventually(SOON, "the values are written by way of the other proxy", || {
            grid.tool().entries(&flow.name).unwrap() == second
        });
        let mut third = round(3);
        let deleted: Vec<_> = third.keys().step_by(2).cloned().collect();
        deleted.iter().for_each(|key| drop(third.remove(key)));
        let deletes = deleted.into_iter().map(|key| (Some(key), None));
        kafka.produce(&flow.name, puts(&third).chain(deletes)).unwrap();
        Self { kafka, grid, proxy, flow, sink, second, third }
    }

    /// For a while nothing newer is written and nothing is committed, and the task says why.
    fn assert_held(&self, lasting: Duration) {
        let committed = self.flow.committed(self.kafka);
        assert_eq!(committed, [KEYS as i64], "what may still be replaced is not committed");
        eventually(SOON, "the sink says what it waits for", || self.sink.log().contains(HELD));
        within(lasting, || {
            assert_eq!(self.entries(), self.second);
            assert_eq!(self.flow.committed(self.kafka), committed);
            self.flow.assert_running(&self.sink);
            false
        });
    }

    fn assert_delivered(&self) {
        self.flow.assert_delivered(self.kafka, &self.sink, SOON);
        assert_eq!(self.entries(), self.third);
    }

    fn entries(&self) -> Entries {
        self.grid.tool().entries(&self.flow.name).unwrap()
    }
}

#[test]
fn nothing_newer_is_written_before_a_frozen_proxy_has_answered() {
    require_peers!();
    let mut relay = None;
    let frozen = Frozen::new(|proxy| {
        // Whatever the sink does to its connection, the proxy runs what it has received.
        let way = relay.insert(Relay::to(proxy.address()).unwrap());
        way.keep_servers();
        way.address()
    });
    frozen.assert_held(Duration::from_secs(5));
    frozen.proxy.thaw();
    frozen.assert_delivered();
}

#[test]
fn nothing_newer_is_written_before_a_proxy_whose_connection_broke_has_run_for_a_while() {
    require_peers!();
    let mut relay = None;
    let frozen = Frozen::new(|proxy| relay.insert(Relay::to(proxy.address()).unwrap()).address());
    relay.as_ref().unwrap().cut();
    frozen.assert_held(Duration::from_secs(5));
    frozen.proxy.thaw();
    frozen.assert_delivered();
}

#[test]
fn a_frozen_proxy_that_is_killed_is_not_waited_for() {
    require_peers!();
    let mut frozen = Frozen::new(Grid::address);
    frozen.assert_held(Duration::from_secs(3));
    frozen.proxy.kill().unwrap();
    frozen.assert_delivered();
}

#[test]
fn a_sink_that_thaws_writes_nothing_of_what_it_held_for_partitions_that_it_has_lost() {
    require_peers!();
    // The broker notices a dead member after the least time that it allows.
    const NOTICED: (&str, &str) = ("consumer.session.timeout.ms", "6000");
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let relay = Relay::to(grid.address()).unwrap();
    let flow = Flow::new(kafka, grid, "thawed", 1);
    let frozen = flow.start(&[NOTICED], &[("coherence.session.address", &relay.address())]);
    kafka.produce(&flow.name, puts(&round(1))).unwrap();
    flow.assert_delivered(kafka, &frozen, SOON);
    relay.reset();
    kafka.produce(&flow.name, puts(&round(2))).unwrap();
    eventually(SOON, "the sink holds", || frozen.log().contains("batch held and retried"));
    frozen.process().freeze();
    relay.pass();

    kafka.produce(&flow.name, puts(&round(3))).unwrap();
    let other = flow.start(&[NOTICED], &[]);
    flow.assert_delivered(kafka, &other, SOON);
    let entries = || grid.tool().entries(&flow.name).unwrap();
    assert_eq!(entries(), round(3));
    let told = |text: &str| frozen.log().contains(text);
    assert!(!told("partitions revoked"));
    frozen.process().thaw();
    eventually(SOON, "it finds out that its partition is gone", || told("partitions revoked"));
    within(Duration::from_secs(3), || {
        assert_eq!(entries(), round(3));
        false
    });
}
