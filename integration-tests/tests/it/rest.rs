//! Connectors over REST: created, shown and deleted, with the answers of Kafka Connect.

use std::fs;
use std::process::Command;

use integration_tests::rest::{self, Answer};
use integration_tests::sandbox::{Folder, free_port, unique};
use integration_tests::sink::Sink;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};
use serde_json::{Value, json};

use crate::flow::{Flow, SOON};
use crate::support::delivered;

mod cases;
mod foreign;
mod replay;
mod secured;

/// The create request that the original's documentation shows.
const BODY: &str = r#"{"name":"coh-sink",
             "config":
                 {
                     "connector.class":"com.oracle.coherence.kafka.connect.CoherenceSinkConnector",
                     "topics":"MyTopic",
                     "coherence.cache.mappings":"MyTopic->MyCache"
                 }
         }"#;
/// The connector's file that it shows.
const FILE: &str = "name=coh-sink
topics=MyTopic
tasks.max=1
connector.class=com.oracle.coherence.kafka.connect.CoherenceSinkConnector
coherence.cache.mappings=MyTopic->MyCache
key.converter=com.oracle.coherence.kafka.connect.util.CustomConverter
value.converter=com.oracle.coherence.kafka.connect.util.CustomConverter
value.converter.serializer=org.apache.kafka.common.serialization.StringSerializer
value.converter.deserializer=org.apache.kafka.common.serialization.StringDeserializer
key.converter.serializer=org.apache.kafka.common.serialization.StringSerializer
key.converter.deserializer=org.apache.kafka.common.serialization.StringDeserializer
";

fn call(method: &str, url: &str, content_type: Option<&str>, body: &str) -> Answer {
    rest::call(method, url, content_type, body).unwrap()
}

fn get(sink: &Sink, path: &str) -> Answer {
    call("GET", &format!("{}{path}", sink.rest()), None, "")
}

fn delete(sink: &Sink, path: &str) -> Answer {
    call("DELETE", &format!("{}{path}", sink.rest()), None, "")
}

fn post(sink: &Sink, body: &str) -> Answer {
    call("POST", &format!("{}/connectors", sink.rest()), Some("application/json"), body)
}

#[track_caller]
fn assert_error(answer: &Answer, status: u16, parts: &[&str]) {
    assert_eq!(answer.status, status, "{}", answer.body);
    assert_eq!(answer.body["error_code"], status);
    let message = answer.body["message"].as_str().unwrap();
    for part in parts {
        assert!(message.contains(part), "{message:?} lacks {part:?}");
    }
    assert_eq!(answer.body.as_object().unwrap().len(), 2, "{}", answer.body);
}

/// A worker without connectors that knows Kafka and the grid.
fn worker(flow: &Flow) -> Sink {
    let address = shared::grid().address();
    Sink::start(&flow.worker(&[("coherence.session.address", &address)]), &[]).unwrap()
}

fn flow(base: &str) -> Flow {
    Flow::new(shared::kafka(), shared::grid(), base, 1)
}

fn text(map: &str, key: &str) -> Option<String> {
    shared::grid().tool().get(map, key).unwrap().map(|value| value.text)
}

#[test]
fn the_recipes_of_the_original_work_as_they_are_written() {
    require_peers!();
    let kafka = shared::kafka();
    kafka.create_topic("MyTopic", 1).unwrap();
    let flow = flow("recipes");
    let sink = worker(&flow);
    let folder = Folder::new("recipe").unwrap();
    let body = folder.path().join("body.json");
    fs::write(&body, BODY).unwrap();
    let mut curl = Command::new("curl");
    curl.args(["-sS", "-X", "POST", "-H", "Content-Type: application/json", "-w", "\n%{http_code}"]);
    curl.arg("--data").arg(format!("@{}", body.display())).arg(format!("{}/connectors", sink.rest()));
    let output = curl.output().unwrap();
    let answer = String::from_utf8(output.stdout).unwrap();
    assert!(answer.ends_with("\n201"), "{answer}{}", String::from_utf8_lossy(&output.stderr));
    kafka.produce("MyTopic", [(Some("rest-1"), Some("by curl"))]).unwrap();
    delivered(&sink, "coh-sink", "MyTopic");
    assert_eq!(text("MyCache", "rest-1").as_deref(), Some("by curl"));
    assert_eq!(sink.stop().unwrap().code(), Some(143));

    // The worker's own converter would refuse these values.
    let address = shared::grid().address();
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let worker = flow.worker(&[
        ("coherence.session.address", &address),
        ("key.converter", json),
        ("value.converter", json),
    ]);
    let settings: Vec<_> = FILE.lines().map(|line| line.split_once('=').unwrap()).collect();
    let sink = Sink::start(&worker, &settings).unwrap();
    kafka.produce("MyTopic", [(Some("rest-2"), Some("by a file")), (Some("rest-1"), None)]).unwrap();
    delivered(&sink, "coh-sink", "MyTopic");
    assert_eq!(text("MyCache", "rest-2").as_deref(), Some("by a file"));
    assert_eq!(text("MyCache", "rest-1"), None);
}

#[test]
fn a_connector_is_created_shown_and_deleted() {
    require_peers!();
    let flow = flow("rest");
    let (name, sink) = (flow.name.as_str(), worker(&flow));
    let path = format!("/connectors/{name}");
    let none = get(&sink, "/connectors");
    assert_eq!((none.status, none.body), (200, json!([])));
    let missing = format!("Connector {name} not found");
    assert_error(&get(&sink, &path), 404, &[&missing]);

    let config = json!({
        "connector.class": "com.oracle.coherence.kafka.connect.CoherenceSinkConnector",
        "topics": name,
        "tasks.max": 2,
        "coherence.passthrough": false,
    });
    let request = json!({"name": name, "config": config}).to_string();
    let created = post(&sink, &request);
    assert_eq!(created.status, 201, "{}", created.body);
    assert_eq!(created.location, Some(format!("{}{path}", sink.rest())));
    let info = json!({
        "name": name,
        "config": {
            "name": name,
            "connector.class": "com.oracle.coherence.kafka.connect.CoherenceSinkConnector",
            "topics": name,
            "tasks.max": "2",
            "coherence.passthrough": "false",
        },
        "tasks": [{"connector": name, "task": 0}, {"connector": name, "task": 1}],
        "type": "sink",
    });
    assert_eq!(created.body, info);
    let shown = get(&sink, &path);
    assert_eq!((shown.status, shown.body), (200, info));
    assert_eq!(get(&sink, "/connectors").body, json!([name]));

    let status = get(&sink, &format!("{path}/status"));
    let worker_id = sink.rest().trim_start_matches("http://");
    let version = &status.body["connector"]["version"];
    assert!(version.is_string());
    let running = json!({"state": "RUNNING", "worker_id": worker_id, "version": version});
    let task = |id: u32| json!({"id": id, "state": "RUNNING", "worker_id": worker_id, "version": version});
    let expected = json!({"name": name, "connector": running, "tasks": [task(0), task(1)], "type": "sink"});
    assert_eq!((status.status, &status.body), (200, &expected));

    assert_error(&post(&sink, &request), 409, &[&format!("Connector {name} already exists")]);
    shared::kafka().produce(name, [(Some("k"), Some("v"))]).unwrap();
    delivered(&sink, name, name);
    assert_eq!(text(name, "k").as_deref(), Some("v"));

    let deleted = delete(&sink, &path);
    assert_eq!((deleted.status, deleted.body), (204, Value::Null));
    assert_eq!(get(&sink, "/connectors").body, json!([]));
    for again in [delete(&sink, &path), get(&sink, &path)] {
        assert_error(&again, 404, &[&missing]);
    }
    let status = get(&sink, &format!("{path}/status"));
    assert_error(&status, 404, &[&format!("No status found for connector {name}")]);
}

#[test]
fn a_connector_that_is_created_again_goes_on_where_it_stopped() {
    require_peers!();
    let flow = flow("again");
    let (name, sink) = (flow.name.as_str(), worker(&flow));
    let request = json!({"name": name, "config": {"connector.class": "CoherenceSink", "topics": name}});
    assert_eq!(post(&sink, &request.to_string()).status, 201);
    shared::kafka().produce(name, [(Some("before"), Some("1"))]).unwrap();
    delivered(&sink, name, name);
    assert_eq!(delete(&sink, &format!("/connectors/{name}")).status, 204);

    // Were the record read again, its entry would come back.
    shared::grid().tool().remove(name, "before").unwrap().unwrap();
    shared::kafka().produce(name, [(Some("meanwhile"), Some("2"))]).unwrap();
    assert_eq!(post(&sink, &request.to_string()).status, 201);
    delivered(&sink, name, name);
    assert_eq!(text(name, "meanwhile").as_deref(), Some("2"));
    assert_eq!(text(name, "before"), None);
}

#[test]
fn a_name_with_any_letters_is_found_by_its_encoded_form() {
    require_peers!();
    let flow = flow("letters");
    let sink = worker(&flow);
    let name = format!("{} 50% a/b ü?#", flow.name);
    let path = format!("/connectors/{}%2050%25%20a%2Fb%20%C3%BC%3F%23", flow.name);
    let request = json!({"name": name, "config": {"connector.class": "CoherenceSink", "topics": flow.name}});
    let created = post(&sink, &request.to_string());
    assert_eq!(created.status, 201, "{}", created.body);
    // Connect's own way leaves the slash as it is.
    assert_eq!(created.location, Some(format!("{}{}", sink.rest(), path.replace("%2F", "/"))));
    assert_eq!(get(&sink, &path).body["name"], name);
    assert_eq!(get(&sink, &format!("{path}/status")).body["name"], name);
    assert_eq!(delete(&sink, &path).status, 204);
}

#[test]
fn a_configuration_that_cannot_be_is_refused_with_all_its_errors() {
    require_peers!();
    let flow = flow("refused");
    let (name, sink) = (unique("refused"), worker(&flow));
    let config = json!({
        "connector.class": "CoherenceSink",
        "topics": "a",
        "topics.regex": "b.*",
        "tasks.max": "zero",
        "key.converter": "org.example.Converter",
        "coherence.cache.mappings": "a=>b",
        "coherence.passthrough": "perhaps",
        "coherence.session.format": "xml",
        "consumer.override.max.poll.records": "-1",
    });
    let refused = post(&sink, &json!({"name": name, "config": config}).to_string());
    let keys = config.as_object().unwrap().keys().map(String::as_str);
    let keys: Vec<_> = keys.filter(|key| *key != "connector.class").collect();
    assert_error(&refused, 400, &keys);
    let message = refused.body["message"].as_str().unwrap();
    let (first, errors) = message.split_once('\n').unwrap();
    let (errors, endpoint) = errors.rsplit_once('\n').unwrap();
    assert!(endpoint.ends_with("`/connector-plugins/{connectorType}/config/validate`"), "{endpoint}");
    let count = errors.lines().count();
    assert_eq!(
        first,
        format!("Connector configuration is invalid and contains the following {count} error(s):")
    );

    let unfinished = post(&sink, &json!({"name": name, "config": {}}).to_string());
    assert_error(
        &unfinished,
        400,
        &[&format!("Connector config {{name={name}}} contains no connector type")],
    );
    let other =
        post(&sink, &json!({"name": name, "config": {"connector.class": "org.example.Unknown"}}).to_string());
    assert_error(
        &other,
        400,
        &["org.example.Unknown", "com.oracle.coherence.kafka.connect.CoherenceSinkConnector"],
    );
    assert_eq!(get(&sink, "/connectors").body, json!([]));
}

#[test]
fn client_settings_that_java_takes_are_taken_and_those_that_cannot_work_are_refused() {
    require_peers!();
    let flow = flow("client-settings");
    let sink = worker(&flow);
    let create = |settings: &[(&str, &str)]| {
        let mut config = json!({"connector.class": "CoherenceSink", "topics": flow.name});
        for (key, value) in settings {
            config[format!("consumer.override.{key}")] = json!(value);
        }
        let name = unique("client-settings");
        (name.clone(), post(&sink, &json!({"name": name, "config": config}).to_string()))
    };
    for setting in [
        ("no.such.setting", "1"),
        ("interceptor.classes", "com.acme.Interceptor"),
        ("metadata.max.age.ms", "604800000"),
        ("fetch.min.bytes", "0"),
        ("connections.max.idle.ms", "-1"),
        ("max.partition.fetch.bytes", "2147483647"),
        ("fetch.max.bytes", "2147483647"),
        ("retry.backoff.ms", "0"),
        ("request.timeout.ms", "600000"),
        ("max.poll.interval.ms", "30000"),
    ] {
        let (name, created) = create(&[setting]);
        assert_eq!(created.status, 201, "{setting:?}: {}", created.body);
        assert_eq!(delete(&sink, &format!("/connectors/{name}")).status, 204);
    }
    let pem = "-----BEGIN CERTIFICATE----- sesame -----END CERTIFICATE-----";
    let (_, refused) = create(&[("security.protocol", "SSL"), ("ssl.truststore.certificates", pem)]);
    assert_error(&refused, 400, &["consumer.override.ssl.truststore.certificates", "certificate"]);
    let (_, refused) = create(&[("security.protocol", "SASL_SSL"), ("sasl.mechanism", "PLAIN")]);
    assert_error(&refused, 400, &["sasl.jaas.config"]);
}

#[test]
fn a_request_that_cannot_be_read_is_refused() {
    require_peers!();
    let flow = flow("unreadable");
    let sink = worker(&flow);
    let config = format!(r#"{{"connector.class":"CoherenceSink","topics":"{}"}}"#, flow.name);
    for (body, part) in [
        (r#"{"name":"#.to_owned(), "JSON"),
        ("name=x".to_owned(), "JSON"),
        ("[1]".to_owned(), "object"),
        (r#"{"name":"x"}"#.to_owned(), "config"),
        (r#"{"name":"x","config":[]}"#.to_owned(), "config"),
        (r#"{"name":"x","config":{"topics":null}}"#.to_owned(), "topics"),
        (r#"{"name":"x","config":{"topics":["a"]}}"#.to_owned(), "topics"),
        (format!(r#"{{"name":[5],"config":{config}}}"#), "name"),
        (format!(r#"{{"name":"x","config":{config},"state":"RUNNING"}}"#), "state"),
        (format!(r#"{{"name":"x","config":{config},"initial_state":"LOUD"}}"#), "initial_state"),
        (format!(r#"{{"name":"x","config":{}}}"#, config.replace('}', r#","name":"y"}"#)), "name"),
    ] {
        let answer = post(&sink, &body);
        assert_eq!(answer.status, 400, "{body}: {}", answer.body);
        assert_error(&answer, 400, &[part]);
    }
    let good = format!(r#"{{"name":"x","config":{config}}}"#);
    let connectors = format!("{}/connectors", sink.rest());
    for other in [Some("text/plain"), Some("application/x-www-form-urlencoded"), None] {
        assert_error(&call("POST", &connectors, other, &good), 415, &[]);
    }
    assert_error(&get(&sink, "/elsewhere"), 404, &[]);
    assert_error(&get(&sink, "/connectors/x/elsewhere"), 404, &[]);
    assert_error(&call("DELETE", &connectors, None, ""), 405, &[]);
    assert_eq!(get(&sink, "/connectors").body, json!([]));
}

/// A connector whose task fails at the second of its three records, which holds no number.
fn failed(flow: &Flow, sink: &Sink) -> String {
    let config = json!({
        "connector.class": "CoherenceSink",
        "topics": flow.name,
        "value.converter": "org.apache.kafka.connect.converters.LongConverter",
    });
    let created = post(sink, &json!({"name": flow.name, "config": config}).to_string());
    assert_eq!(created.status, 201, "{}", created.body);
    let records = [("a", &7_i64.to_be_bytes()[..]), ("b", b"no number"), ("c", &8_i64.to_be_bytes())];
    shared::kafka().produce(&flow.name, records.map(|(key, value)| (Some(key), Some(value)))).unwrap();
    flow.failure(sink)
}

fn restart(sink: &Sink, path: &str) -> Answer {
    call("POST", &format!("{}/connectors/{path}", sink.rest()), None, "")
}

#[test]
fn a_failed_task_is_restarted_and_meets_the_same_record_again() {
    require_peers!();
    let flow = flow("restart-task");
    let (name, sink) = (flow.name.as_str(), worker(&flow));
    let trace = failed(&flow, &sink);
    assert!(trace.contains(&format!("record {name}-0 at offset 1: ")), "{trace}");
    let restarts = || sink.metric("coherence_kafka_sink_task_restarts_total", name).unwrap();
    assert_eq!(restarts(), 0);

    let answer = restart(&sink, &format!("{name}/tasks/0/restart"));
    assert_eq!((answer.status, answer.body), (204, Value::Null));
    eventually(SOON, "it has started again", || restarts() == 1);
    assert_eq!(flow.failure(&sink), trace, "nothing is skipped");
    assert_eq!(flow.committed(shared::kafka()), [1]);

    assert_error(
        &restart(&sink, &format!("{name}/tasks/9/restart")),
        404,
        &[&format!("Task {name}-9 not found")],
    );
    assert_error(&restart(&sink, &format!("{name}/tasks/x/restart")), 404, &["HTTP 404 Not Found"]);
    assert_error(&restart(&sink, "nope/tasks/0/restart"), 404, &["Unknown connector: nope"]);
    let other = call("PUT", &format!("{}/connectors/{name}/tasks/0/restart", sink.rest()), None, "");
    assert_error(&other, 405, &["HTTP 405 Method Not Allowed"]);
}

#[test]
fn a_connector_is_restarted_with_the_answers_of_connect() {
    require_peers!();
    let flow = flow("restart");
    let (name, sink) = (flow.name.as_str(), worker(&flow));
    let trace = failed(&flow, &sink);
    let restarts = || sink.metric("coherence_kafka_sink_task_restarts_total", name).unwrap();
    let status = || get(&sink, &format!("/connectors/{name}/status")).body;
    let before = status();

    // The connector alone, which is nothing but its tasks: nothing happens to them.
    for nothing in ["restart", "restart?includeTasks=maybe", "restart?includeTasks=false&onlyFailed=false"] {
        let answer = restart(&sink, &format!("{name}/{nothing}"));
        assert_eq!((answer.status, answer.body), (204, Value::Null), "{nothing}");
    }
    let answer = restart(&sink, &format!("{name}/restart?onlyFailed=true"));
    assert_eq!((answer.status, &answer.body), (202, &before), "the connector itself has not failed");
    assert_eq!((restarts(), status()), (0, before.clone()));

    let answer = restart(&sink, &format!("{name}/restart?includeTasks=true&onlyFailed=TRUE"));
    let mut planned = before.clone();
    planned["tasks"][0]["state"] = json!("RESTARTING");
    assert_eq!((answer.status, &answer.body), (202, &planned));
    assert_eq!(planned["tasks"][0]["trace"], trace.as_str());
    eventually(SOON, "it has started again", || restarts() == 1);
    assert_eq!(flow.failure(&sink), trace);

    // One that runs again goes on from there; restarted as a whole it loses and repeats nothing.
    flow.replace(&sink, &[("tasks.max", "2")]);
    flow.assert_delivered(shared::kafka(), &sink, SOON);
    let running = status();
    let answer = restart(&sink, &format!("{name}/restart?includeTasks=true&onlyFailed=true"));
    assert_eq!((answer.status, &answer.body), (202, &running), "nothing has failed");
    let answer = restart(&sink, &format!("{name}/restart?includeTasks=true"));
    let mut planned = running.clone();
    planned["connector"]["state"] = json!("RESTARTING");
    for task in planned["tasks"].as_array_mut().unwrap() {
        task["state"] = json!("RESTARTING");
    }
    assert_eq!((answer.status, &answer.body), (202, &planned));
    shared::kafka().produce(name, [(Some("d"), Some("after"))]).unwrap();
    eventually(SOON, "both have started again", || restarts() == 2);
    flow.assert_delivered(shared::kafka(), &sink, SOON);
    assert_eq!(text(name, "d").as_deref(), Some("after"));

    for unknown in ["nope/restart", "nope/restart?includeTasks=true"] {
        assert_error(&restart(&sink, unknown), 404, &["Unknown connector: nope"]);
    }
}
