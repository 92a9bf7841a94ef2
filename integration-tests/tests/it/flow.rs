//! What the tests of delivery have in common: a topic that flows into the map of its name, and what must be in it.

use std::collections::{BTreeMap, HashMap};
use std::time::Duration;

use coherence_kafka_common::splitmix::SplitMix64;
use integration_tests::grid::{Contents, Grid};
use integration_tests::kafka::Kafka;
use integration_tests::sandbox::unique;
use integration_tests::sink::{Settings, Sink};
use integration_tests::wait::{eventually, within};
use serde_json::{Value, json};

/// How long anything may take that is not itself a long outage.
pub const SOON: Duration = Duration::from_secs(60);

/// A topic, the connector that reads it and the map that it goes to: all of one name.
#[derive(Debug)]
pub struct Flow {
    pub name: String,
    bootstrap: String,
    address: String,
}

impl Flow {
    /// Creates the topic.
    pub fn new(kafka: &Kafka, grid: &Grid, base: &str, partitions: i32) -> Self {
        let name = unique(base);
        kafka.create_topic(&name, partitions).unwrap();
        Self { name, bootstrap: kafka.bootstrap(), address: grid.address() }
    }

    /// The settings of a worker for strings that commits often; `more` wins.
    pub fn worker<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        merged(
            &[
                ("bootstrap.servers", &self.bootstrap),
                ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
                ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
                ("offset.flush.interval.ms", "100"),
            ],
            more,
        )
    }

    /// The settings of the connector; `more` wins.
    pub fn connector<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        merged(
            &[
                ("name", &self.name),
                ("connector.class", "CoherenceSink"),
                ("topics", &self.name),
                ("coherence.session.address", &self.address),
                ("coherence.retry.backoff.max.ms", "500"),
            ],
            more,
        )
    }

    /// A sink that runs the connector.
    pub fn start(&self, worker: Settings<'_>, connector: Settings<'_>) -> Sink {
        Sink::start(&self.worker(worker), &self.connector(connector)).unwrap()
    }

    /// The offsets that the connector has committed, 0 where none is.
    pub fn committed(&self, kafka: &Kafka) -> Vec<i64> {
        let mut committed = Vec::new();
        // A broker that has just started does not know at once which groups are its own.
        eventually(SOON, "the broker tells what is committed", || {
            let asked = kafka.committed(&format!("connect-{}", self.name), &self.name);
            asked.map(|offsets| committed = offsets).is_ok()
        });
        committed.into_iter().map(Option::unwrap_or_default).collect()
    }

    /// Waits until some records are committed and others are not. Calls `more` to produce records at the beginning, and
    /// again where a sink is done with all of them before this is seen.
    pub fn wait_until_halfway(&self, kafka: &Kafka, mut more: impl FnMut()) {
        let before = self.committed(kafka);
        let mut ends = before.clone();
        eventually(SOON, "some records are committed and others are not", || {
            let committed = self.committed(kafka);
            if committed == ends {
                more();
            }
            ends = kafka.end_offsets(&self.name).unwrap();
            committed != before && committed != ends
        });
    }

    /// Waits until every record is committed, and asserts that no task of `sink` has failed on the way.
    #[track_caller]
    pub fn assert_delivered(&self, kafka: &Kafka, sink: &Sink, deadline: Duration) {
        let ends = kafka.end_offsets(&self.name).unwrap();
        let done = within(deadline, || self.committed(kafka) == ends || !self.is_running(sink));
        let (committed, log) = (self.committed(kafka), sink.process().log_end());
        assert!(done && committed == ends, "committed {committed:?} of {ends:?} within {deadline:?}\n{log}");
        self.assert_running(sink);
    }

    fn is_running(&self, sink: &Sink) -> bool {
        sink.failures(&self.name).is_ok_and(|failures| failures.is_empty())
    }

    /// Asserts that REST shows every task as running. A task of a cluster may be between two workers for a moment.
    #[track_caller]
    pub fn assert_running(&self, sink: &Sink) {
        let states = |wanted: &[&str]| {
            let status = sink.status(&self.name).unwrap();
            let tasks = status["tasks"].as_array().unwrap();
            assert!(!tasks.is_empty());
            tasks.iter().all(|task| wanted.iter().any(|state| task["state"] == *state))
        };
        let settled = within(SOON, || !states(&["UNASSIGNED", "RUNNING"]) || states(&["RUNNING"]));
        assert!(settled && states(&["RUNNING"]), "{}", sink.status(&self.name).unwrap());
    }

    /// Waits until the task has failed, and returns what REST tells about it.
    #[track_caller]
    pub fn failure(&self, sink: &Sink) -> String {
        let mut failures = Vec::new();
        let failed = within(SOON, || {
            failures = sink.failures(&self.name).unwrap();
            !failures.is_empty()
        });
        assert!(failed, "no task has failed\n{}", sink.process().log_end());
        failures.remove(0)
    }

    /// Replaces the connector as an operator would: delete, and create with other settings.
    pub fn replace(&self, sink: &Sink, connector: Settings<'_>) {
        self.delete(sink);
        self.create(sink, connector);
    }

    /// Deletes the connector.
    pub fn delete(&self, sink: &Sink) {
        ureq::delete(&format!("{}/connectors/{}", sink.rest(), self.name)).call().unwrap();
    }

    /// Creates the connector.
    pub fn create(&self, sink: &Sink, connector: Settings<'_>) {
        let config: BTreeMap<_, _> = self.connector(connector).into_iter().collect();
        let body = json!({"name": self.name, "config": config});
        let answer = ureq::post(&format!("{}/connectors", sink.rest())).send_json(&body);
        let created: Value = answer.unwrap().body_mut().read_json().unwrap();
        assert_eq!(created["name"], self.name.as_str());
    }
}

fn merged<'a>(settings: &[(&'a str, &'a str)], more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
    let all: BTreeMap<_, _> = settings.iter().chain(more).copied().collect();
    all.into_iter().collect()
}

/// A record of strings; no value is a tombstone.
pub type Pair = (Option<String>, Option<String>);

/// Makes records, every value another one, and keeps what a map must hold when it has seen them in their order.
#[derive(Debug)]
pub struct Model {
    prefix: &'static str,
    keys: u64,
    made: u64,
    random: SplitMix64,
    entries: HashMap<String, String>,
}

impl Model {
    /// For records of about 100 bytes with `keys` different keys, all of which begin with `prefix`.
    pub fn new(prefix: &'static str, keys: u64) -> Self {
        Self { prefix, keys, made: 0, random: SplitMix64::default(), entries: HashMap::new() }
    }

    /// The next `count` records: keys in no order, one in ten a delete.
    pub fn records(&mut self, count: usize) -> Vec<Pair> {
        (0..count).map(|_| self.record()).collect()
    }

    fn record(&mut self) -> Pair {
        self.made += 1;
        let random = self.random.bits();
        let key = format!("{}-{:08}", self.prefix, random % self.keys);
        let value = (!(random >> 32).is_multiple_of(10)).then(|| format!("{:088}", self.made));
        match &value {
            Some(value) => self.entries.insert(key.clone(), value.clone()),
            None => self.entries.remove(&key),
        };
        (Some(key), value)
    }

    /// What the map must hold.
    pub fn contents(&self) -> Contents {
        self.entries.iter().collect()
    }
}
