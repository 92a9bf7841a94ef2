//! What the page shows of data, with a real Kafka and real grids.

use std::collections::BTreeSet;

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::sandbox::unique;
use integration_tests::sink::Sink;
use integration_tests::source::SourceWorker;
use integration_tests::{require_peers, shared};
use serde_json::{Value, json};

use crate::flow::{Flow, SOON};

const ON: (&str, &str) = ("ui.browse.enable", "true");

/// `GET` of a route: the status, and the body.
fn get(rest: &str, path: &str) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("{rest}/ui/api/connectors/{path}")).call().unwrap();
    (answer.status().as_u16(), answer.body_mut().read_json().unwrap())
}

/// The keys of a map, from all of its pages; none comes twice.
fn keys(rest: &str, map: &str, limit: usize) -> BTreeSet<String> {
    let (mut keys, mut after) = (BTreeSet::new(), String::new());
    loop {
        let (status, page) = get(rest, &format!("{map}/maps/{map}/entries?limit={limit}{after}"));
        assert_eq!(status, 200, "{page}");
        for entry in page["entries"].as_array().unwrap() {
            let key = entry["key"]["text"].as_str().unwrap().to_owned();
            assert!(keys.insert(key), "{entry}");
        }
        let Some(next) = page["next"].as_str() else { return keys };
        after = format!("&after={next}");
    }
}

fn found(rest: &str, map: &str, query: &str) -> Value {
    let (status, found) = get(rest, &format!("{map}/maps/{map}/entries?{query}"));
    assert_eq!(status, 200, "{found}");
    assert_eq!(found["entries"].as_array().unwrap().len(), 1, "{found}");
    found["entries"][0].clone()
}

#[test]
fn entries_of_a_sink_are_paged_and_looked_up_and_its_dead_letters_have_their_headers() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "browse", 2), unique("browse-letters"));
    let connector = [
        ("value.converter", "org.apache.kafka.connect.converters.LongConverter"),
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", queue.as_str()),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
    ];
    let sink = flow.start(&[ON], &connector);
    let name = flow.name.as_str();
    let records: Vec<_> =
        (0..250_u64).map(|i| (Some(format!("key-{i}")), Some(i.to_be_bytes().to_vec()))).collect();
    kafka.produce(name, records).unwrap();
    kafka.produce(name, [(Some("bad"), Some("no number"))]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);

    let maps = json!({"maps": [name], "dead_letters": queue});
    assert_eq!(get(sink.rest(), &format!("{name}/maps")), (200, maps));
    let expected: BTreeSet<_> = (0..250).map(|i| format!("\"key-{i}\"")).collect();
    for limit in [30, 100] {
        assert_eq!(keys(sink.rest(), name, limit), expected, "{limit}");
    }
    let entry = found(sink.rest(), name, "key=key-7");
    assert_eq!((&entry["key"]["text"], &entry["value"]["text"]), (&json!("\"key-7\""), &json!("7")));
    let again = found(sink.rest(), name, &format!("binary={}", entry["binary"].as_str().unwrap()));
    assert_eq!(again, entry);
    let (_, none) = get(sink.rest(), &format!("{name}/maps/{name}/entries?key=key-250"));
    assert_eq!(none["entries"], json!([]));

    // What no reader knows: a user type, and what is no POF.
    grid.tool().store(name, "user", &[0x15, 0xA9, 0x0F, 0x00, 0x00, 0x4E, 0x01, b'x', 0x40]).unwrap();
    assert_eq!(found(sink.rest(), name, "key=user")["value"]["text"], "{\"@type\":1001,\"0\":\"x\"}");

    let (status, letters) = get(sink.rest(), &format!("{name}/dead-letters?limit=5"));
    assert_eq!((status, &letters["topic"]), (200, &json!(queue)), "{letters}");
    let letters = letters["dead_letters"].as_array().unwrap();
    assert_eq!(letters.len(), 1);
    let header = |name: &str| {
        let headers = letters[0]["headers"].as_array().unwrap();
        let found = headers.iter().find(|header| header["name"] == format!("__connect.errors.{name}"));
        found.unwrap()["value"]["text"].as_str().unwrap().to_owned()
    };
    assert_eq!((header("topic").as_str(), header("stage").as_str()), (name, "VALUE_CONVERTER"));
    assert!(header("exception.message").contains("long"), "{}", header("exception.message"));
    // It has read with no group of its own, and the log has neither keys nor values.
    assert_eq!(kafka.committed("coherence-kafka-topic-reader", &queue).unwrap(), [None]);
    let log = sink.log();
    for part in ["key-7", "no number"] {
        assert!(!log.contains(part), "{part}: {log}");
    }
    // A stopped connector has no tasks, and its map is still there.
    ureq::put(&format!("{}/connectors/{name}/stop", sink.rest())).send_empty().unwrap();
    assert_eq!(found(sink.rest(), name, "key=key-7"), entry);
}

#[test]
fn entries_of_a_source_of_a_json_grid_are_shown_as_they_are() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::json_grid());
    let name = unique("browse-json");
    kafka.create_topic(&name, 1).unwrap();
    let (bootstrap, address) = (kafka.bootstrap(), grid.address());
    let worker =
        [ON, ("bootstrap.servers", bootstrap.as_str()), ("coherence.session.address", address.as_str())];
    let worker = SourceWorker::start(&worker).unwrap();
    let connector = json!({"name": name, "initial_state": "STOPPED", "config": {
        "connector.class": "com.oracle.coherence.kafka.connect.CoherenceSourceConnector",
        "coherence.cache.mappings": format!("{name}->{name}"),
        "coherence.session.format": "json",
        "coherence.passthrough": "true",
    }});
    let created = worker.call("POST", "/connectors", &connector.to_string()).unwrap();
    assert_eq!(created.0, 201, "{created:?}");
    grid.tool().store(&name, "a", b"\x15{\"n\":1,\"t\":[\"x\",null]}").unwrap();
    grid.tool().store(&name, "b", b"\x15\"text\"").unwrap();
    assert_eq!(keys(worker.rest(), &name, 1), BTreeSet::from(["\"a\"", "\"b\""].map(str::to_owned)));
    assert_eq!(found(worker.rest(), &name, "key=a")["value"]["text"], "{\"n\":1,\"t\":[\"x\",null]}");
    assert_eq!(found(worker.rest(), &name, "key=%22b%22")["value"]["text"], "\"text\"");
}

#[test]
fn a_question_to_a_grid_that_is_frozen_ends_in_time_and_the_next_one_is_answered_when_it_is_back() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), Grid::start(GridOptions::default()).unwrap());
    let flow = Flow::new(kafka, &grid, "browse-frozen", 1);
    let sink: Sink = flow.start(&[ON], &[]);
    let name = flow.name.as_str();
    kafka.produce(name, [(Some("k"), Some("v"))]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(found(sink.rest(), name, "key=k")["value"]["text"], "\"v\"");
    grid.freeze();
    let (status, refused) = get(sink.rest(), &format!("{name}/maps/{name}/entries"));
    assert_eq!(status, 503, "{refused}");
    assert!(refused["message"].as_str().unwrap().contains("grid"), "{refused}");
    grid.thaw();
    assert_eq!(found(sink.rest(), name, "key=k")["value"]["text"], "\"v\"");
    flow.assert_running(&sink);
}
