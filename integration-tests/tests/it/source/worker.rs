//! A source as a connector of a worker.

use std::fs;
use std::process::Command;

use integration_tests::openmetrics;
use integration_tests::sandbox::Folder;
use integration_tests::sink::write_properties;
use integration_tests::source::{self, SourceWorker};
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};
use serde_json::{Value, json};

use super::{Form, Published, SOON};

const CLASS: &str = "com.oracle.coherence.kafka.connect.CoherenceSourceConnector";

/// The settings that are the worker's, and the connector as JSON.
fn split(published: &Published) -> (Vec<(&str, &str)>, Value) {
    let mut worker = Vec::new();
    let mut config = json!({"connector.class": CLASS});
    for (key, value) in published.settings() {
        match key {
            "bootstrap.servers" | "coherence.session.address" => worker.push((key, value)),
            "delivery.timeout.ms" => config["producer.override.delivery.timeout.ms"] = json!(value),
            "name" => {}
            key => config[key] = json!(value),
        }
    }
    (worker, json!({"name": published.name, "config": config}))
}

#[test]
fn a_source_is_created_restarted_and_deleted_over_rest() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "worker", Form::Strings);
    let name = &published.name;
    let (settings, connector) = split(&published);
    let worker = SourceWorker::start(&settings).unwrap();
    let json =
        |path: &str| -> Value { serde_json::from_str(&worker.call("GET", path, "").unwrap().1).unwrap() };
    let equal = |when: &str| {
        let map = grid.tool().entries(name).unwrap();
        let equal = within(SOON, || published.rebuilt(&kafka.records(name).unwrap()) == map);
        assert!(equal, "{when}\n{}", worker.process().log_end());
    };
    grid.tool().churn(name, 1, 2_000, 500).unwrap();

    let created = worker.call("POST", "/connectors", &connector.to_string()).unwrap();
    assert_eq!(created.0, 201, "{created:?}");
    equal("created");
    let status = json(&format!("/connectors/{name}/status"));
    assert_eq!((&status["type"], &status["tasks"][0]["state"]), (&json!("source"), &json!("RUNNING")));
    let following = format!(
        "coherence_kafka_source_state{{connector=\"{name}\",task=\"0\",map=\"{name}\",topic=\"{name}\",\
         state=\"following\"}} 1\n"
    );
    let metrics = || worker.call("GET", "/metrics", "").unwrap().1;
    eventually(SOON, "it follows", || metrics().contains(&following));
    openmetrics::check(&metrics()).unwrap();

    let restarted = worker.call("POST", &format!("/connectors/{name}/tasks/0/restart"), "").unwrap();
    assert_eq!(restarted.0, 204, "{restarted:?}");
    let restarts =
        format!("coherence_kafka_source_task_restarts_total{{connector=\"{name}\",task=\"0\"}} 1\n");
    eventually(SOON, "it is restarted", || metrics().contains(&restarts));
    grid.tool().churn(name, 2, 2_000, 500).unwrap();
    equal("restarted");

    assert_eq!(worker.call("PUT", &format!("/connectors/{name}/pause"), "").unwrap().0, 202);
    let task = || json(&format!("/connectors/{name}/status"))["tasks"][0]["state"].clone();
    eventually(SOON, "it is paused", || task() == "PAUSED");
    let before = kafka.records(name).unwrap().len();
    grid.tool().put(name, "paused", "9.1").unwrap();
    grid.tool().remove(name, "paused").unwrap();
    grid.tool().churn(name, 3, 200, 500).unwrap();
    assert_eq!(kafka.records(name).unwrap().len(), before, "nothing is published by a paused connector");
    assert_eq!(json(&format!("/connectors/{name}/offsets")), json!({"offsets": []}));
    assert_eq!(json(&format!("/connectors/{name}/topics")), json!({name: {"topics": [name]}}));
    assert_eq!(worker.call("PUT", &format!("/connectors/{name}/resume"), "").unwrap().0, 202);
    equal("resumed");
    assert_eq!(worker.call("PUT", &format!("/connectors/{name}/stop"), "").unwrap().0, 204);
    assert_eq!(json(&format!("/connectors/{name}/tasks")), json!([]));
    let refused = worker.call("DELETE", &format!("/connectors/{name}/offsets"), "").unwrap();
    assert_eq!(refused.0, 400, "{refused:?}");
    assert_eq!(worker.call("PUT", &format!("/connectors/{name}/resume"), "").unwrap().0, 202);
    grid.tool().churn(name, 4, 200, 500).unwrap();
    equal("resumed after a stop");

    assert_eq!(worker.call("DELETE", &format!("/connectors/{name}"), "").unwrap().0, 204);
    let before = kafka.records(name).unwrap().len();
    grid.tool().put(name, "after", "9.1").unwrap();
    assert_eq!(json("/connectors"), json!([]));
    assert_eq!(kafka.records(name).unwrap().len(), before, "nothing is published by a deleted connector");
    assert_eq!(worker.call("POST", "/connectors", &connector.to_string()).unwrap().0, 201);
    equal("created again");
    assert_eq!(worker.stop().unwrap().code(), Some(143));
}

#[test]
fn check_reads_the_files_of_a_worker_and_its_source() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "checked", Form::Strings);
    let (settings, mut connector) = split(&published);
    let folder = Folder::new("check-source").unwrap();
    let worker = write_properties(folder.path(), "worker.properties", &settings).unwrap();
    let file = folder.path().join("connector.json");
    let check = |connector: &Value| {
        fs::write(&file, connector.to_string()).unwrap();
        let output = Command::new(source::binary().unwrap()).arg("check").arg(&worker).arg(&file).output();
        let output = output.unwrap();
        (output.status.code(), String::from_utf8_lossy(&output.stdout).into_owned())
    };
    let (code, text) = check(&connector);
    assert_eq!(code, Some(0), "{text}");
    for line in ["configuration: 1 connector(s)", &format!("map {}: open", published.name)] {
        assert!(text.contains(line), "{line}: {text}");
    }
    connector["config"]["coherence.cache.mappings"] = json!("a=>b");
    let (code, text) = check(&connector);
    assert_eq!(code, Some(3), "{text}");
    assert!(text.contains("coherence.cache.mappings"), "{text}");
}
