//! The worker's file, and what is refused at the start.

use integration_tests::sandbox::Folder;
use integration_tests::sink::{self, write_properties};

const FOUR: [&str; 4] = ["group.id", "config.storage.topic", "offset.storage.topic", "status.storage.topic"];

/// Ends with this code, and the texts on standard error.
#[track_caller]
fn refused(worker: &[(&str, &str)], connector: &[(&str, &str)], code: i32, parts: &[&str]) {
    let folder = Folder::new("refused").unwrap();
    let mut files = vec![write_properties(folder.path(), "worker.properties", worker).unwrap()];
    if !connector.is_empty() {
        files.push(write_properties(folder.path(), "connector.properties", connector).unwrap());
    }
    let output = sink::run(&files).unwrap();
    let text = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(code), "{text}");
    for part in parts {
        assert!(text.contains(part), "{part:?} is not in\n{text}");
    }
}

/// A worker's file in which these settings have a value. No program listens at the address of its Kafka.
fn worker(names: &[&'static str]) -> Vec<(&'static str, &'static str)> {
    let mut settings = vec![
        ("bootstrap.servers", "127.0.0.1:1"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
    ];
    settings.extend(names.iter().map(|name| (*name, "a-name")));
    settings
}

#[test]
fn a_worker_that_names_only_some_of_group_and_topics_is_refused_with_those_that_are_missing() {
    for present in [&FOUR[..1], &FOUR[..3], &FOUR[1..]] {
        let missing: Vec<&str> = FOUR.into_iter().filter(|name| !present.contains(name)).collect();
        refused(&worker(present), &[], 2, &missing);
    }
}

#[test]
fn a_worker_in_distributed_mode_refuses_files_of_connectors() {
    let connector = [("name", "one"), ("connector.class", "CoherenceSink"), ("topics", "one")];
    refused(&worker(&FOUR), &connector, 3, &["config.storage.topic", "create them over REST"]);
}
