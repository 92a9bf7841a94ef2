//! `--once` and `check`, and what is refused.

use integration_tests::source::run;
use integration_tests::{require_peers, shared};

use super::{Form, Published, repeated};

#[test]
fn a_snapshot_publishes_the_whole_map_and_the_next_one_nothing() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "snapshot", Form::PassThrough);
    grid.tool().churn(&published.name, 1, 20_000, 10_000).unwrap();
    let map = grid.tool().entries(&published.name).unwrap();
    let snapshot = || {
        let output = run(&["--once"], &published.settings()).unwrap();
        let (told, log) =
            (String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap());
        assert_eq!(output.status.code(), Some(0), "{told}\n{log}");
        told
    };
    let told = snapshot();
    let report =
        format!("1 map(s), {0} entries compared, {0} records published, 0 of them superfluous", map.len());
    assert!(told.trim_end().lines().next_back().unwrap().starts_with(&report), "{told}, expected {report}");
    let records = kafka.records(&published.name).unwrap();
    assert_eq!((published.rebuilt(&records), repeated(&records)), (map.clone(), 0));

    let told = snapshot();
    assert!(told.contains(" 0 records published"), "{told}");
    grid.tool().churn(&published.name, 2, 100, 50).unwrap();
    snapshot();
    let map = grid.tool().entries(&published.name).unwrap();
    assert_eq!(published.rebuilt(&kafka.records(&published.name).unwrap()), map);
}

#[test]
fn check_says_what_is_there_and_publishes_nothing() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "checked", Form::PassThrough);
    grid.tool().put(&published.name, "k", "v").unwrap();
    let output = run(&["check"], &published.settings()).unwrap();
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{told}");
    for expected in [
        "ok       configuration: 1 map(s)".to_owned(),
        "ok       kafka: reached".to_owned(),
        format!("ok       topic {}: 4 partition(s)", published.name),
        format!("note     topic {} has cleanup.policy=delete", published.name),
        format!("ok       map {}: open", published.name),
    ] {
        assert!(told.contains(&expected), "{told}, expected {expected}");
    }
    assert_eq!(kafka.records(&published.name).unwrap(), []);
}

#[test]
fn every_bad_setting_is_told_at_once_with_its_place_and_no_secret() {
    let settings = [
        ("coherence.cache.mappings", "a->t,b->t"),
        ("coherence.passtrough", "true"),
        ("sasl.jaas.config", "hunter2"),
        ("metrics.listener", "nowhere"),
    ];
    let output = run(&[], &settings).unwrap();
    let told = String::from_utf8(output.stderr).unwrap();
    assert_eq!(output.status.code(), Some(2), "{told}");
    for expected in [
        "source.properties:1: coherence.cache.mappings: caches a and b go to one topic, t",
        "source.properties:2: coherence.passtrough: ",
        "did you mean coherence.passthrough?",
        "key.serializer: must be set",
        "bootstrap.servers: ",
        "source.properties:4: metrics.listener: nowhere is not an address",
    ] {
        assert!(told.contains(expected), "{told}, expected {expected}");
    }
    assert!(!told.contains("hunter2"), "{told}");
}
