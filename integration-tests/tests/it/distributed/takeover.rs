//! The topics of a Kafka Connect cluster: taken over, and handed back.

use integration_tests::connect::{Cluster, Connect};
use integration_tests::fleet::is_healthy;
use integration_tests::sandbox::Folder;
use integration_tests::{require_peers, shared};

use super::*;
use crate::support::delivered;

const COHERENCE: &str = "com.oracle.coherence.kafka.connect.CoherenceSinkConnector";
const FILE: &str = "org.apache.kafka.connect.file.FileStreamSinkConnector";

fn status(rest: &str, connector: &str) -> Value {
    rest::get(rest, &format!("/connectors/{connector}/status")).unwrap().body
}

/// Waits until this worker, of whatever program, shows the connector in this state, and its task too unless it has none.
#[track_caller]
fn shows(rest: &str, connector: &str, state: &str) {
    let mut seen = Value::Null;
    let reached = within(SOON, || {
        seen = status(rest, connector);
        let tasks = seen["tasks"].as_array().cloned().unwrap_or_default();
        let none = state == "STOPPED";
        seen["connector"]["state"] == state
            && tasks.is_empty() == none
            && tasks.iter().all(|task| task["state"] == state)
    });
    assert!(reached, "{connector} is not {state}: {seen}");
}

#[track_caller]
fn send(rest: &str, method: &str, path: &str, body: &Value, status: u16) {
    let answer = rest::change(rest, method, path, body).unwrap();
    assert_eq!(answer.status, status, "{method} {path}: {}", answer.body);
}

/// Writes a record of the configuration topic as it lies there, past every worker.
fn write(cluster: &Cluster, key: &str, value: &Value) {
    shared::kafka().produce(&cluster.configs, [(Some(key), Some(value.to_string()))]).unwrap();
}

#[test]
fn the_topics_of_a_connect_cluster_are_taken_over_and_handed_back() {
    require_peers!();
    let (kafka, flow, folder) = (shared::kafka(), flow("takeover", 1), Folder::new("takeover").unwrap());
    let cluster = Cluster::new(kafka, "takeover");
    let named = |what: &str| format!("{}-{what}", flow.name);

    // A cluster of Connect has connectors in every state.
    let connect = Connect::start(&cluster).unwrap();
    let file_of = |name: &str| folder.path().join(name).display().to_string();
    let files =
        ["file", "file-paused", "file-stopped", "file-to-pause", "file-to-stop", "file-deleted"].map(named);
    for name in &files {
        let config = json!({"connector.class": FILE, "topics": flow.name, "file": file_of(name)});
        send(connect.rest(), "POST", "/connectors", &json!({"name": name, "config": config}), 201);
        shows(connect.rest(), name, "RUNNING");
    }
    let [file, file_paused, file_stopped, file_to_pause, file_to_stop, file_deleted] = &files;
    send(connect.rest(), "PUT", &format!("/connectors/{file_paused}/pause"), &Value::Null, 202);
    send(connect.rest(), "PUT", &format!("/connectors/{file_stopped}/stop"), &Value::Null, 204);
    send(connect.rest(), "DELETE", &format!("/connectors/{file_deleted}"), &Value::Null, 204);
    shows(connect.rest(), file_paused, "PAUSED");
    shows(connect.rest(), file_stopped, "STOPPED");
    // Of a plugin that this cluster does not have: as records of one that had it.
    let maps = ["map", "map-paused", "map-stopped"].map(named);
    let [map, map_paused, map_stopped] = &maps;
    for name in &maps {
        let config =
            json!({"connector.class": COHERENCE, "topics": flow.name, "tasks.max": "1", "name": name});
        write(&cluster, &format!("connector-{name}"), &json!({"properties": config}));
    }
    write(&cluster, &format!("target-state-{map_paused}"), &json!({"state": "PAUSED", "state.v2": "PAUSED"}));
    write(
        &cluster,
        &format!("target-state-{map_stopped}"),
        &json!({"state": "PAUSED", "state.v2": "STOPPED"}),
    );
    eventually(SOON, "Connect lacks the class", || {
        status(connect.rest(), map)["connector"]["state"] == "FAILED"
    });

    // While it lives, a worker of this project waits.
    let before = kafka.end_offsets(&cluster.configs).unwrap();
    let fleet = Fleet::of(cluster.clone(), shared::grid());
    let ours = fleet.start_waiting().unwrap();
    let waits = || {
        let health = get(&ours, "/health");
        health.status == 503
            && health.body["message"].as_str().is_some_and(|why| why.contains("Kafka Connect"))
    };
    eventually(SOON, "it waits and shows why", waits);
    assert!(ours.log().contains("group of workers not joined"), "{}", ours.log());
    let config = json!({"connector.class": "CoherenceSink", "topics": flow.name});
    for (method, path, body) in [
        ("POST", "/connectors".to_owned(), json!({"name": named("new"), "config": config})),
        ("PATCH", format!("/connectors/{map}/config"), json!({"note": "ours"})),
        ("PUT", format!("/connectors/{map}/pause"), Value::Null),
        ("DELETE", format!("/connectors/{map}"), Value::Null),
    ] {
        let refused = rest::change(ours.rest(), method, &path, &body).unwrap();
        assert!([409, 503].contains(&refused.status), "{method} {path}: {} {}", refused.status, refused.body);
    }
    assert_eq!(kafka.end_offsets(&cluster.configs).unwrap(), before, "nothing is written");
    let id = ours.worker_id().to_owned();
    let written =
        |key: &Option<Vec<u8>>| String::from_utf8_lossy(key.as_deref().unwrap_or_default()).contains(&id);
    assert!(!kafka.records(&cluster.statuses).unwrap().iter().any(|record| written(&record.value)));

    // It goes on when Connect has gone.
    connect.stop().unwrap();
    eventually(SOON, "it is a member", || is_healthy(&ours));
    lists(
        &ours,
        &[file, file_paused, file_stopped, file_to_pause, file_to_stop, map, map_paused, map_stopped],
    );
    shows(ours.rest(), map, "RUNNING");
    let state = |name: &str| status(ours.rest(), name)["connector"]["state"].clone();
    eventually(SOON, "one is paused, without tasks that never ran", || state(map_paused) == "PAUSED");
    shows(ours.rest(), map_stopped, "STOPPED");
    kafka.produce(&flow.name, [(Some("k"), Some("taken over"))]).unwrap();
    delivered(&ours, map, &flow.name);
    assert_eq!(shared::grid().tool().get(&flow.name, "k").unwrap().unwrap().text, "taken over");
    eventually(SOON, "it lacks the class", || status(ours.rest(), file)["connector"]["state"] == "FAILED");
    let trace = status(ours.rest(), file)["connector"]["trace"].as_str().unwrap_or_default().to_owned();
    assert!(trace.contains(FILE) && trace.contains(COHERENCE), "{trace}");
    put(&ours, file_to_pause, "pause", 202);
    put(&ours, file_to_stop, "stop", 204);
    change(&ours, "DELETE", &format!("/connectors/{map_paused}"), &Value::Null, 204);
    change(&ours, "PATCH", &format!("/connectors/{map}/config"), &json!({"note": "ours"}), 200);
    assert_eq!(ours.stop().unwrap().code(), Some(143));

    // And back.
    let connect = Connect::start(&cluster).unwrap();
    shows(connect.rest(), file, "RUNNING");
    for name in [file_paused, file_to_pause] {
        shows(connect.rest(), name, "PAUSED");
    }
    for name in [file_stopped, file_to_stop] {
        shows(connect.rest(), name, "STOPPED");
    }
    assert_eq!(rest::get(connect.rest(), &format!("/connectors/{map_paused}")).unwrap().status, 404);
    let config = rest::get(connect.rest(), &format!("/connectors/{map}/config")).unwrap().body;
    assert_eq!(config["note"], "ours", "{config}");
    for name in [file_paused, file_stopped, file_to_pause, file_to_stop] {
        send(connect.rest(), "PUT", &format!("/connectors/{name}/resume"), &Value::Null, 202);
    }
    for name in &files[..5] {
        shows(connect.rest(), name, "RUNNING");
        let written = || std::fs::read_to_string(file_of(name)).is_ok_and(|text| text == "taken over\n");
        eventually(SOON, "the record is in the file", written);
    }
    connect.stop().unwrap();
}
