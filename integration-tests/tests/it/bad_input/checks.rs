//! `check` looks at everything that the files lead to, however they name it.

use integration_tests::sandbox::{free_port, unique};
use integration_tests::{require_peers, shared};

use super::run;
use crate::flow::Flow;

#[test]
fn check_looks_for_the_maps_of_the_topics_that_a_pattern_matches() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "check-pattern", 1);
    let topics = ["a", "b", "c-not"].map(|end| format!("{}.{end}", flow.name));
    for topic in &topics {
        kafka.create_topic(topic, 1).unwrap();
    }
    let (regex, map) = (format!("{}\\\\.[abc]", flow.name), unique("mapped"));
    let mapping = format!("{}->{map}", topics[1]);
    let pattern = [("topics", ""), ("topics.regex", &*regex), ("coherence.cache.mappings", &mapping)];
    let printed = run(&["check"], &flow.worker(&[]), &flow.connector(&pattern));
    assert_eq!(printed.code, Some(0), "{}", printed.text);
    let matches = format!("topics.regex matches {}, {}", topics[0], topics[1]);
    let reached = format!("grid at {} reached", grid.address());
    let maps = [&topics[0], &map].map(|map| format!("map {map} can be written to"));
    printed.says(&[&matches, &reached, &maps[0], &maps[1]]);
    assert!(!printed.text.contains(&topics[2]), "{}", printed.text);

    // Whether or not a topic matches: the grid is looked for.
    let nowhere = format!("127.0.0.1:{}", free_port().unwrap());
    for regex in [&*regex, "no-such-topic.*"] {
        let connector =
            [("topics", ""), ("topics.regex", regex), ("coherence.session.address", nowhere.as_str())];
        let printed = run(&["check"], &flow.worker(&[]), &flow.connector(&connector));
        assert_eq!(printed.code, Some(3), "{}", printed.text);
        printed.says(&[&flow.name, &nowhere, "Connection refused", "check coherence.session.address"]);
    }
}

#[test]
fn check_of_a_worker_without_connectors_looks_for_the_grid_that_they_will_use() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "check-worker", 1);
    let address = grid.address();
    let there = run(&["check"], &flow.worker(&[("coherence.session.address", &address)]), &[]);
    assert_eq!(there.code, Some(0), "{}", there.text);
    there.says(&["configuration: 0 connector(s)", &format!("worker: grid at {address} reached")]);

    let nowhere = format!("127.0.0.1:{}", free_port().unwrap());
    let away = run(&["check"], &flow.worker(&[("coherence.session.address", &nowhere)]), &[]);
    assert_eq!(away.code, Some(3), "{}", away.text);
    away.says(&["problem  worker: ", &nowhere, "Connection refused", "check coherence.session.address"]);

    // A connector that goes elsewhere does not hide what is wrong with the others' grid.
    let both =
        run(&["check"], &flow.worker(&[("coherence.session.address", &nowhere)]), &flow.connector(&[]));
    assert_eq!(both.code, Some(3), "{}", both.text);
    both.says(&["problem  worker: ", &nowhere, &format!("map {} can be written to", flow.name)]);
}

#[test]
fn what_a_worker_says_wrong_for_all_its_connectors_is_told_before_there_are_any() {
    let worker = [
        ("bootstrap.servers", "127.0.0.1:1"),
        ("listeners", "http://127.0.0.1:0"),
        ("coherence.session.format", "xml"),
        ("coherence.session.tls.ca", "/nowhere.pem"),
        ("coherence.retry.timeout.ms", "soon"),
    ];
    for arguments in [&[][..], &["check"]] {
        let printed = run(arguments, &worker, &[]);
        assert_eq!(printed.code, Some(2), "{}", printed.text);
        printed.says(&[
            "worker.properties:3: coherence.session.format: ",
            "worker.properties:4: coherence.session.tls.ca: ",
            "worker.properties:5: coherence.retry.timeout.ms: ",
        ]);
    }
}
