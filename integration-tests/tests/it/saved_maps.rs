//! Embedded maps in a directory: what a process had is there again in the next one, which goes on reading where the maps
//! end. The files are read here by themselves, and compared with the topic.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::local::{LocalOptions, LocalSession};
use coherence_kafka_common::map::{Format, NamedMap as _};
use coherence_kafka_common::pof::{self, PofValue};
use futures::TryStreamExt as _;
use futures::executor::block_on;
use integration_tests::grid::Contents;
use integration_tests::kafka::Record;
use integration_tests::sandbox::Folder;
use integration_tests::sink::{Settings, Sink};
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};
use serde_json::{Value, json};

use crate::flow::{Flow, Model, SOON};

/// The broker notices a dead member after the least time that it allows.
const NOTICED: (&str, &str) = ("consumer.session.timeout.ms", "6000");

/// A connector with embedded maps in a directory.
struct Kept {
    flow: Flow,
    folder: Folder,
    directory: String,
}

/// What the file of a connector holds.
struct Saved {
    offsets: Value,
    entries: BTreeMap<String, String>,
}

impl Kept {
    fn new(base: &str, partitions: i32) -> Self {
        let folder = Folder::new(base).unwrap();
        let directory = folder.path().to_str().unwrap().to_owned();
        Self { flow: Flow::new(shared::kafka(), shared::grid(), base, partitions), folder, directory }
    }

    fn connector<'a>(&'a self, more: &[(&'a str, &'a str)]) -> Vec<(&'a str, &'a str)> {
        let mut all =
            vec![("coherence.session", "embedded"), ("coherence.session.directory", self.directory.as_str())];
        all.extend(more);
        self.flow.connector(&all)
    }

    fn try_start(&self, connector: Settings<'_>) -> anyhow::Result<Sink> {
        Sink::start(&self.flow.worker(&[NOTICED]), &self.connector(connector))
    }

    fn start(&self, connector: Settings<'_>) -> Sink {
        self.try_start(connector).unwrap()
    }

    fn read(&self, sink: &Sink) -> u64 {
        sink.metric("kafka_connect_sink_task_sink_record_read_total", &self.flow.name).unwrap()
    }

    fn file(&self) -> PathBuf {
        self.folder.path().join(format!("{}.maps", self.flow.name))
    }

    /// Writes a file that says these offsets of partition 0, with no maps.
    fn write(&self, group: &str, cluster: Option<&str>, offset: i64) {
        let offsets = json!({&self.flow.name: {"0": offset}});
        let contents = json!({"version": 1, "group": group, "cluster": cluster, "offsets": offsets});
        LocalSession::new(Format::Pof).save(&self.file(), contents.to_string().as_bytes()).unwrap();
    }

    fn saved(&self) -> Saved {
        saved(&self.file(), &self.flow.name)
    }
}

fn saved(file: &Path, map: &str) -> Saved {
    let options = LocalOptions { format: Format::Pof, ..LocalOptions::default() };
    let (session, contents) = LocalSession::load(file, options).unwrap();
    let contents: Value = serde_json::from_slice(&contents).unwrap();
    let map = session.local_map(map).unwrap();
    let entries: Vec<_> = block_on(map.entries().try_collect()).unwrap();
    let entries = entries.iter().map(|(key, value)| (text(key), text(value))).collect();
    Saved { offsets: contents["offsets"].clone(), entries }
}

fn text(binary: &[u8]) -> String {
    match pof::decode(binary.strip_prefix(&[FMT_EXT]).unwrap()).unwrap() {
        PofValue::String(text) => text,
        other => panic!("not a text: {other:?}"),
    }
}

impl Saved {
    fn position(&self, topic: &str, partition: i32) -> i64 {
        self.offsets[topic][partition.to_string()].as_i64().unwrap_or(0)
    }

    /// Asserts that everything below the positions is in the map: of each key its last state there, or a later one.
    fn assert_holds(&self, topic: &str, records: &[Record]) {
        let string = |bytes: &Option<Vec<u8>>| bytes.clone().map(|bytes| String::from_utf8(bytes).unwrap());
        let mut states: BTreeMap<String, Vec<Option<String>>> = BTreeMap::new();
        for record in records {
            let states = states.entry(string(&record.key).unwrap()).or_default();
            if record.offset < self.position(topic, record.partition) {
                states.clear();
            } else if states.is_empty() {
                states.push(None);
            }
            states.push(string(&record.value));
        }
        for (key, states) in &states {
            let held = self.entries.get(key);
            assert!(
                states.iter().any(|state| state.as_ref() == held),
                "{key} is {held:?}, none of {states:?}"
            );
        }
        assert!(self.entries.keys().all(|key| states.contains_key(key)));
    }
}

#[test]
fn a_sink_that_is_stopped_has_its_maps_again_and_reads_on_where_it_was() {
    require_peers!();
    let kafka = shared::kafka();
    let kept = Kept::new("kept", 3);
    let mut model = Model::new("k", 1_000);
    kafka.produce(&kept.flow.name, model.records(5_000)).unwrap();
    let sink = kept.start(&[]);
    kept.flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(kept.read(&sink), 5_000);
    assert!(!sink.log().contains("embedded maps are not saved"), "{}", sink.log());
    sink.stop().unwrap();
    assert_eq!(Contents::from_iter(&kept.saved().entries), model.contents());

    // Some that are new, and some that had been there before and go.
    kafka.produce(&kept.flow.name, model.records(2_000)).unwrap();
    let sink = kept.start(&[]);
    kept.flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(kept.read(&sink), 2_000);
    sink.stop().unwrap();
    let saved = kept.saved();
    assert_eq!(Contents::from_iter(&saved.entries), model.contents());
    let positions: Vec<_> = (0..3).map(|partition| saved.position(&kept.flow.name, partition)).collect();
    assert_eq!(positions, kafka.end_offsets(&kept.flow.name).unwrap());
}

#[test]
fn the_stop_saves_and_commits_what_came_since_the_last_interval() {
    require_peers!();
    let kafka = shared::kafka();
    let kept = Kept::new("kept-stop", 1);
    let flow = &kept.flow;
    // Only the first batch and the stop are committed.
    let start = || {
        let worker = flow.worker(&[("offset.flush.interval.ms", "600000")]);
        Sink::start(&worker, &kept.connector(&[])).unwrap()
    };
    kafka.produce(&flow.name, [(Some("a"), Some("1"))]).unwrap();
    let sink = start();
    flow.assert_delivered(kafka, &sink, SOON);
    kafka.produce(&flow.name, [(Some("b"), Some("2")), (Some("a"), None)]).unwrap();
    let confirmed = || sink.metric("coherence_kafka_sink_records_confirmed_total", &flow.name).unwrap();
    eventually(SOON, "the maps have all of it", || confirmed() == 3);
    assert_eq!((flow.committed(kafka), kept.saved().position(&flow.name, 0)), (vec![1], 1));
    sink.stop().unwrap();
    let saved = kept.saved();
    assert_eq!((flow.committed(kafka), saved.position(&flow.name, 0)), (vec![3], 3));
    assert_eq!(saved.entries, BTreeMap::from([("b".to_owned(), "2".to_owned())]));
}

#[test]
fn a_sink_that_is_killed_again_and_again_ends_with_the_maps_of_the_model() {
    require_peers!();
    const KILLS: usize = 10;
    let kafka = shared::kafka();
    let kept = Kept::new("kept-killed", 4);
    let flow = &kept.flow;
    let mut model = Model::new("k", 3_000);
    // The next process takes the place of the killed one at once.
    let member = ("consumer.override.group.instance.id", flow.name.as_str());
    let busy = [("coherence.batch.max.records", "200"), member];
    for kill in 0..KILLS {
        kafka.produce(&flow.name, model.records(10_000)).unwrap();
        let sink = kept.start(&busy);
        let before = flow.committed(kafka);
        // At another moment each time: at once, in the middle of a batch, of a save, of a commit.
        eventually(SOON, "it reads", || kept.read(&sink) > 0);
        if kill % 3 > 0 {
            within(SOON, || flow.committed(kafka) != before || kept.read(&sink) >= 10_000);
        }
        sink.kill().unwrap();
        let committed = flow.committed(kafka);
        if kept.file().exists() {
            let saved = kept.saved();
            for (partition, committed) in (0..).zip(committed) {
                let position = saved.position(&flow.name, partition);
                assert!(
                    committed <= position,
                    "partition {partition}: {committed} is committed, {position} saved"
                );
            }
            saved.assert_holds(&flow.name, &kafka.records(&flow.name).unwrap());
        } else {
            assert!(
                committed.iter().all(|offset| *offset == 0),
                "{committed:?} is committed and nothing saved"
            );
        }
    }
    let sink = kept.start(&[member]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert!(kept.read(&sink) < (KILLS as u64) * 10_000, "it reads from the beginning again");
    sink.stop().unwrap();
    assert_eq!(Contents::from_iter(&kept.saved().entries), model.contents());
}

#[test]
fn tasks_of_one_connector_share_the_maps_and_hand_positions_to_each_other() {
    require_peers!();
    let kafka = shared::kafka();
    let kept = Kept::new("kept-tasks", 6);
    let flow = &kept.flow;
    let mut model = Model::new("k", 1_000);
    kafka.produce(&flow.name, model.records(5_000)).unwrap();
    let sink = kept.start(&[("tasks.max", "3")]);
    flow.assert_delivered(kafka, &sink, SOON);
    let read = kept.read(&sink);
    let path = format!("{}/connectors/{}/tasks/1/restart", sink.rest(), flow.name);
    ureq::post(&path).send_empty().unwrap();
    let restarts = || sink.metric("coherence_kafka_sink_task_restarts_total", &flow.name).unwrap();
    eventually(SOON, "a task starts again", || restarts() == 1);
    kafka.produce(&flow.name, model.records(5_000)).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(kept.read(&sink), read + 5_000, "nothing is read again");
    sink.stop().unwrap();
    assert_eq!(Contents::from_iter(&kept.saved().entries), model.contents());
}

#[test]
fn a_connector_that_is_deleted_and_created_again_goes_on_with_its_maps() {
    require_peers!();
    let kafka = shared::kafka();
    let kept = Kept::new("kept-created", 1);
    let flow = &kept.flow;
    kafka.produce(&flow.name, [(Some("a"), Some("1"))]).unwrap();
    let sink = kept.start(&[]);
    flow.assert_delivered(kafka, &sink, SOON);
    flow.replace(&sink, &kept.connector(&[]));
    kafka.produce(&flow.name, [(Some("b"), Some("2"))]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(kept.read(&sink), 1);
    sink.stop().unwrap();
    assert_eq!(kept.saved().entries.len(), 2);
}

#[test]
fn a_second_process_is_refused_and_the_first_one_goes_on() {
    require_peers!();
    let kafka = shared::kafka();
    let kept = Kept::new("kept-twice", 1);
    let sink = kept.start(&[]);
    let error = format!("{:#}", kept.try_start(&[]).unwrap_err());
    for part in ["exit status: 3", ".lock is locked by another process", "its own directory"] {
        assert!(error.contains(part), "{part:?} is not in {error}");
    }
    kafka.produce(&kept.flow.name, [(Some("a"), Some("1"))]).unwrap();
    kept.flow.assert_delivered(kafka, &sink, SOON);
    sink.kill().unwrap();
    // The lock went with the process.
    kept.start(&[]).stop().unwrap();
}

#[test]
fn a_damaged_file_and_one_of_another_group_are_refused_and_left_as_they_are() {
    require_peers!();
    let kafka = shared::kafka();
    let kept = Kept::new("kept-damaged", 1);
    kafka.produce(&kept.flow.name, [(Some("a"), Some("1"))]).unwrap();
    let sink = kept.start(&[]);
    kept.flow.assert_delivered(kafka, &sink, SOON);
    sink.stop().unwrap();
    let mut bytes = fs::read(kept.file()).unwrap();
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    fs::write(kept.file(), &bytes).unwrap();
    let refused = |parts: &[&str]| {
        let before = fs::read(kept.file()).unwrap();
        let error = format!("{:#}", kept.try_start(&[]).unwrap_err());
        for part in parts {
            assert!(error.contains(part), "{part:?} is not in {error}");
        }
        assert_eq!(fs::read(kept.file()).unwrap(), before);
    };
    refused(&["exit status: 3", ".maps is not an intact snapshot", "move the file away"]);
    kept.write("connect-other", None, 1);
    refused(&["exit status: 3", "belongs to the consumer group connect-other", "move the file away"]);
}

#[test]
fn a_file_of_another_cluster_fails_the_task_before_it_reads() {
    require_peers!();
    let kafka = shared::kafka();
    let kept = Kept::new("kept-cluster", 1);
    kafka.produce(&kept.flow.name, [(Some("a"), Some("1")), (Some("b"), Some("2"))]).unwrap();
    kept.write(&format!("connect-{}", kept.flow.name), Some("of-somebody-else"), 1);
    let before = fs::read(kept.file()).unwrap();
    let sink = kept.start(&[]);
    let failure = kept.flow.failure(&sink);
    assert!(failure.contains("belongs to the kafka cluster of-somebody-else, and this is"), "{failure}");
    assert_eq!(kept.read(&sink), 0);
    sink.stop().unwrap();
    assert_eq!(fs::read(kept.file()).unwrap(), before);
    assert_eq!(kept.flow.committed(kafka), [0]);
}

#[test]
fn saved_offsets_that_the_broker_does_not_have_fall_under_the_usual_policy() {
    require_peers!();
    let kafka = shared::kafka();
    let kept = Kept::new("kept-range", 1);
    kafka.produce(&kept.flow.name, [(Some("a"), Some("1")), (Some("b"), Some("2"))]).unwrap();
    let group = format!("connect-{}", kept.flow.name);
    kept.write(&group, None, 1_000);
    let sink = kept.start(&[("consumer.override.auto.offset.reset", "none")]);
    let failure = kept.flow.failure(&sink);
    assert!(failure.contains("auto.offset.reset=none"), "{failure}");
    sink.stop().unwrap();

    kept.write(&group, None, 1_000);
    let sink = kept.start(&[]);
    eventually(SOON, "it reads from the beginning", || kept.read(&sink) == 2);
    sink.stop().unwrap();
    let saved = kept.saved();
    assert_eq!((saved.entries.len(), saved.position(&kept.flow.name, 0)), (2, 2));
    assert_eq!(kept.flow.committed(kafka), [2]);
}
