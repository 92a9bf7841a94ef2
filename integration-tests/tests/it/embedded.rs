//! The broker and the maps inside the process: what is said about them, and what they forget.

use std::process::Command;

use integration_tests::process::Process;
use integration_tests::sandbox::Folder;
use integration_tests::sink::{self, Sink};
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, SOON};

const EMBEDDED: &[(&str, &str)] = &[("coherence.session", "embedded")];

/// The one line of the log that says it.
#[track_caller]
fn the_line<'a>(log: &'a str, part: &str) -> &'a str {
    let lines: Vec<_> = log.lines().filter(|line| line.contains(part)).collect();
    assert_eq!(lines.len(), 1, "{part:?} in\n{log}");
    lines[0]
}

fn records_read(sink: &Sink, connector: &str) -> u64 {
    sink.metric("kafka_connect_sink_task_sink_record_read_total", connector).unwrap()
}

#[test]
fn a_sink_into_embedded_maps_reads_its_topics_from_the_beginning_at_every_start() {
    require_peers!();
    let kafka = shared::kafka();
    let flow = Flow::new(kafka, shared::grid(), "embedded", 2);
    let records: Vec<_> = (0..500).map(|i| (format!("key-{i}"), format!("value-{i}"))).collect();
    kafka.produce(&flow.name, records.iter().map(|(key, value)| (Some(key), Some(value)))).unwrap();
    for start in 1..=2 {
        let sink = flow.start(&[], EMBEDDED);
        eventually(SOON, "every record is read", || records_read(&sink, &flow.name) >= 500);
        flow.assert_delivered(kafka, &sink, SOON);
        assert_eq!(records_read(&sink, &flow.name), 500, "start {start}");
        let line = the_line(&sink.log(), "embedded maps are not saved").to_owned();
        assert!(line.contains("WARN") && line.contains("read from the beginning at every start"), "{line}");
        assert_eq!(sink.stop().unwrap().code(), Some(143));
    }
}

#[test]
fn an_embedded_broker_says_in_one_line_what_it_is_not() {
    let folder = Folder::new("embedded").unwrap();
    let settings = [("bootstrap.servers", "embedded"), ("listeners", "http://127.0.0.1:0")];
    let mut command = Command::new(sink::binary().unwrap());
    command.arg(sink::write_properties(folder.path(), "worker.properties", &settings).unwrap());
    let log = folder.path().join("sink.log");
    let mut sink = Process::start("coherence-kafka-sink", command, &log).unwrap();
    sink.wait_for_line("sink started", SOON).unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    let line = the_line(&text, "embedded broker");
    for part in ["WARN", "in this process only", "volatile", "at most 5 MiB per partition", "no security"] {
        assert!(line.contains(part), "{part:?} is not in {line}");
    }
    sink.stop().unwrap();
}
