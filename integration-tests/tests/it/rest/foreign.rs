//! Programs of others that operate a Kafka Connect worker: a Python client of its REST interface, and Kafka's own command
//! for the offsets of consumer groups.

use std::collections::BTreeMap;

use integration_tests::kafka::Kafka;
use integration_tests::python::ConnectClient;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};
use serde_json::{Value, json};

use super::{call, flow, get, post, text, worker};
use crate::flow::SOON;
use crate::support::delivered;

const CLASS: &str = "com.oracle.coherence.kafka.connect.CoherenceSinkConnector";

/// The result of a method.
#[track_caller]
fn ok<const N: usize>(client: &ConnectClient, method: &str, arguments: [Value; N]) -> Value {
    client.call(method, arguments).unwrap()
}

/// Asserts that the client raises this exception, with these parts in its text or in the body of the response.
#[track_caller]
fn assert_raises<const N: usize>(
    client: &ConnectClient,
    method: &str,
    arguments: [Value; N],
    exception: &str,
    parts: &[&str],
) {
    let error = format!("{:#}", client.call(method, arguments).unwrap_err());
    for part in [&[exception][..], parts].concat() {
        assert!(error.contains(part), "{method}: {error:?} lacks {part:?}");
    }
}

/// Waits until the connector has this state, and as many tasks, which have it too.
#[track_caller]
fn in_state(client: &ConnectClient, name: &str, state: &str, tasks: usize) {
    eventually(SOON, &format!("{name} is {state}"), || {
        let status = ok(client, "get_connector_status", [json!(name)]);
        let states = status["tasks"].as_array().unwrap();
        status["connector"]["state"] == state
            && states.len() == tasks
            && states.iter().all(|task| task["state"] == state)
    });
    let listed = ok(client, "list_connectors", [Value::Null, json!(name), json!(state)]);
    assert_eq!(listed, json!([name]));
}

#[test]
fn a_python_client_of_connect_operates_a_connector_from_its_creation_to_its_deletion() {
    require_peers!();
    let flow = flow("foreign");
    let (name, sink) = (flow.name.as_str(), worker(&flow));
    let client = ConnectClient::start(sink.rest()).unwrap();
    let produced = |key: &str, value: &str| {
        shared::kafka().produce(name, [(Some(key), Some(value))]).unwrap();
        delivered(&sink, name, name);
        assert_eq!(text(name, key).as_deref(), Some(value));
    };

    let cluster = ok(&client, "get_cluster_info", []);
    assert!(cluster["version"].is_string() && cluster["kafka_cluster_id"].is_string(), "{cluster}");
    let plugins = ok(&client, "list_connector_plugins", []);
    let plugin = plugins.as_array().unwrap().iter().find(|plugin| plugin["class"] == CLASS);
    assert_eq!(plugin.unwrap()["type"], "sink", "{plugins}");

    let mut config = json!({"name": name, "connector.class": CLASS, "topics": name, "tasks.max": "1"});
    let valid = ok(&client, "validate_connector_config", [json!("CoherenceSink"), config.clone()]);
    assert_eq!((&valid["name"], &valid["error_count"]), (&json!(CLASS), &json!(0)));
    assert!(valid["configs"].as_array().unwrap().iter().any(|it| it["definition"]["name"] == "topics"));

    let request = json!({"name": name, "config": config});
    let created = ok(&client, "create_connector", [request]);
    let mut expected = json!({"name": name, "config": config, "type": "sink"});
    expected["tasks"] = json!([{"connector": name, "task": 0}]);
    assert_eq!(created, expected);
    assert_eq!(ok(&client, "get_connector", [json!(name)]), expected);
    assert_eq!(ok(&client, "get_connector_config", [json!(name)]), config);
    let tasks = ok(&client, "list_connector_tasks", [json!(name)]);
    assert_eq!(tasks[0]["id"], json!({"connector": name, "task": 0}));
    in_state(&client, name, "RUNNING", 1);
    let task = ok(&client, "get_connector_task_status", [json!(name), json!(0)]);
    assert_eq!((&task["id"], &task["state"]), (&json!(0), &json!("RUNNING")));
    let expanded = ok(&client, "list_connectors", [json!("info")]);
    assert_eq!(expanded[name]["info"], expected);

    produced("a", "while it runs");
    assert_eq!(ok(&client, "list_connector_topics", [json!(name)]), json!({name: {"topics": [name]}}));
    ok(&client, "reset_connector_topics", [json!(name)]);
    assert_eq!(ok(&client, "list_connector_topics", [json!(name)]), json!({name: {"topics": []}}));

    ok(&client, "pause_connector", [json!(name)]);
    in_state(&client, name, "PAUSED", 1);
    ok(&client, "resume_connector", [json!(name)]);
    produced("a", "after a pause");

    assert_eq!(ok(&client, "restart_connector", [json!(name)]), Value::Null);
    ok(&client, "restart_connector_task", [json!(name), json!(0)]);
    produced("a", "after a restart of the task");
    let restarted = ok(&client, "restart_connector", [json!(name), json!(true)]);
    assert_eq!(restarted["tasks"][0]["state"], "RESTARTING", "{restarted}");
    produced("a", "after a restart of all");

    config["tasks.max"] = json!("2");
    let updated = ok(&client, "update_connector", [json!(name), config.clone()]);
    assert_eq!(updated["config"], config);
    in_state(&client, name, "RUNNING", 2);
    produced("a", "after an update");

    ok(&client, "stop_all_connectors", [json!(name)]);
    in_state(&client, name, "STOPPED", 0);
    ok(&client, "resume_all_connectors", [json!(name), json!("stopped")]);
    produced("a", "after a stop");

    assert_eq!(ok(&client, "delete_connector", [json!(name)]), Value::Null);
    assert_eq!(ok(&client, "list_connectors", []), json!([]));
}

#[test]
fn a_python_client_of_connect_raises_its_own_exceptions_for_what_the_worker_refuses() {
    require_peers!();
    let flow = flow("foreign-errors");
    let (name, sink) = (flow.name.as_str(), worker(&flow));
    let client = ConnectClient::start(sink.rest()).unwrap();
    let http_error = |status: &str| format!("HTTPError: {status}");

    let not_found = http_error("404 Client Error: Not Found");
    for method in [
        "get_connector",
        "get_connector_config",
        "get_connector_status",
        "list_connector_tasks",
        "pause_connector",
        "resume_connector",
        "stop_connector",
        "delete_connector",
    ] {
        let parts = [r#""error_code":404"#, "nope"];
        assert_raises(&client, method, [json!("nope")], &not_found, &parts);
    }
    for method in ["get_connector_task_status", "restart_connector_task"] {
        assert_raises(&client, method, [json!("nope"), json!(0)], &not_found, &[r#""error_code":404"#]);
    }
    // Its own exception, with the body of the response as the text.
    let body = r#"HTTPError: {"error_code":404,"message":"Unknown connector: nope"}"#;
    assert_raises(&client, "restart_connector", [json!("nope")], body, &[]);

    let request = json!({"name": name, "config": {"connector.class": CLASS, "topics": name}});
    ok(&client, "create_connector", [request.clone()]);
    let exists = format!("Connector {name} already exists");
    let parts = [r#""error_code":409"#, &exists];
    let conflict = http_error("409 Client Error: Conflict");
    assert_raises(&client, "create_connector", [request], &conflict, &parts);

    let bad_request = http_error("400 Client Error: Bad Request");
    let config = json!({"name": name, "connector.class": CLASS, "topics": name, "tasks.max": "0"});
    let invalid = ["contains the following 1 error(s)", "tasks.max"];
    let arguments = [json!(name), config.clone()];
    assert_raises(&client, "update_connector", arguments, &bad_request, &invalid);
    let other =
        json!({"name": "other", "config": {"connector.class": CLASS, "tasks.max": "0", "topics": "t"}});
    assert_raises(&client, "create_connector", [other], &bad_request, &invalid);
    let validated = ok(&client, "validate_connector_config", [json!(CLASS), config]);
    assert_eq!(validated["error_count"], 1);
    let of_tasks = |it: &&Value| it["value"]["name"] == "tasks.max";
    let value = validated["configs"].as_array().unwrap().iter().find(of_tasks).unwrap();
    assert_eq!(value["value"]["errors"].as_array().unwrap().len(), 1, "{value}");
    assert_eq!(ok(&client, "list_connectors", []), json!([name]));
}

/// Runs Kafka's command for the group, and returns the columns of each partition that it prints after the names of the
/// group and the topic.
#[track_caller]
fn consumer_groups(kafka: &Kafka, group: &str, arguments: &[&str]) -> Vec<Vec<String>> {
    let printed = kafka.consumer_groups(arguments).unwrap();
    let of_group = printed.lines().filter_map(|line| line.strip_prefix(&format!("{group} ")));
    let rows: Vec<Vec<String>> =
        of_group.map(|row| row.split_whitespace().skip(1).map(str::to_owned).collect()).collect();
    assert!(!rows.is_empty(), "{printed}");
    rows
}

#[test]
fn kafkas_own_command_moves_the_offsets_of_a_stopped_connector_and_the_connector_continues_there() {
    require_peers!();
    let (kafka, flow) = (shared::kafka(), flow("moved"));
    let (name, sink) = (flow.name.as_str(), worker(&flow));
    let group = format!("connect-{name}");
    let request = json!({"name": name, "config": {"connector.class": "CoherenceSink", "topics": name}});
    assert_eq!(post(&sink, &request.to_string()).status, 201);
    kafka.produce(name, ["a", "b", "c"].map(|key| (Some(key), Some("1")))).unwrap();
    delivered(&sink, name, name);
    let put = |action: &str, status: u16| {
        let answer = call("PUT", &format!("{}/connectors/{name}/{action}", sink.rest()), None, "");
        assert_eq!(answer.status, status, "{}", answer.body);
    };
    let entries = || shared::grid().tool().entries(name).unwrap();
    let expected = |keys: &[&str]| -> BTreeMap<String, String> {
        keys.iter().map(|key| ((*key).to_owned(), "1".to_owned())).collect()
    };
    assert_eq!(entries(), expected(&["a", "b", "c"]));
    let reset = ["--reset-offsets", "--execute", "--group", &group, "--topic", name];

    let refused = kafka.consumer_groups(&[&reset[..], &["--to-earliest"]].concat()).unwrap();
    assert!(refused.contains("is inactive, but the current state is Stable"), "{refused}");
    assert_eq!(flow.committed(kafka), [3]);

    for (how, offset, keys) in
        [(&["--to-earliest"][..], 0, &["a", "b", "c"][..]), (&["--shift-by", "-1"][..], 2, &["c"][..])]
    {
        put("stop", 204);
        let described = consumer_groups(kafka, &group, &["--describe", "--offsets", "--group", &group]);
        assert_eq!(described.len(), 1, "{described:?}");
        assert_eq!(described[0][..4], ["0", "3", "3", "0"], "partition, offset, end, lag");
        shared::grid().tool().clear(name).unwrap();
        let moved = consumer_groups(kafka, &group, &[&reset[..], how].concat());
        assert_eq!(moved, [["0".to_owned(), offset.to_string()]], "partition, offset");
        let offsets = get(&sink, &format!("/connectors/{name}/offsets")).body;
        assert_eq!(offsets["offsets"][0]["offset"], json!({"kafka_offset": offset}), "{offsets}");

        put("resume", 202);
        delivered(&sink, name, name);
        assert_eq!(entries(), expected(keys), "{how:?}");
    }
}
