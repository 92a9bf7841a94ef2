//! The sink's settings as user interfaces see them: over REST.

use std::collections::BTreeSet;
use std::net::TcpListener;

use coherence_kafka_connect::config::Properties;
use coherence_kafka_worker::Worker;
use coherence_kafka_worker::config::RestLimits;
use coherence_kafka_worker::rest::{self, Endpoint, Server};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::*;
use crate::config::tests::worker_config;

struct Rest {
    address: String,
    _server: Server,
    _runtime: Runtime,
}

impl Rest {
    fn new() -> Self {
        let config = worker_config(&Properties::from_pairs("worker", GOOD_WORKER.iter().copied())).unwrap();
        let runtime = Runtime::new().unwrap();
        let worker = Worker::new(plugin(), config, None, runtime.handle().clone());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/connector-plugins", listener.local_addr().unwrap());
        let server = Server::start(
            RestLimits::default(),
            vec![Endpoint::new(listener, rest::router(worker.into(), "here:1"))],
        )
        .unwrap();
        Self { address, _server: server, _runtime: runtime }
    }

    fn get(&self, path: &str) -> Value {
        let mut answer = ureq::get(format!("{}{path}", self.address)).call().unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    fn validate(&self, settings: &[(&str, &str)]) -> Value {
        let body: serde_json::Map<_, _> =
            settings.iter().map(|(key, value)| ((*key).to_owned(), json!(value))).collect();
        let path = format!("{}/CoherenceSink/config/validate", self.address);
        let request = ureq::put(path).header("Content-Type", "application/json");
        let mut answer = request.send(Value::Object(body).to_string()).unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }
}

/// The errors of the setting of this name.
fn errors(answer: &Value, name: &str) -> Vec<String> {
    let settings = answer["configs"].as_array().unwrap().iter();
    let of = settings.filter(|setting| setting["value"]["name"] == name);
    let errors = of.flat_map(|setting| setting["value"]["errors"].as_array().unwrap());
    errors.map(|error| error.as_str().unwrap().to_owned()).collect()
}

#[test]
fn a_validation_shows_what_a_start_is_refused_with() {
    let rest = Rest::new();
    assert_eq!(rest.validate(GOOD_CONNECTOR)["error_count"], 0, "the good settings are good");
    // A class of another kind is no validation of this one.
    for key in CONNECTOR.keys.iter().filter(|key| key.name != "connector.class") {
        for (value, says) in bad_values(key) {
            let replaced = |name: &str| name == key.name || (key.name == "topics.regex" && name == "topics");
            let mut settings: Vec<_> =
                GOOD_CONNECTOR.iter().copied().filter(|(name, _)| !replaced(name)).collect();
            settings.push((key.name, &value));
            let answer = rest.validate(&settings);
            let errors = errors(&answer, key.name);
            assert!(errors.iter().any(|error| error.contains(&says)), "{}={value}: {errors:?}", key.name);
            assert_ne!(answer["error_count"], 0, "{}={value}", key.name);
        }
    }
}

#[test]
fn a_validation_accepts_what_the_sink_accepts_and_connect_refuses() {
    let rest = Rest::new();
    for (key, value) in
        [("topics", "a,,b,a"), ("value.converter.plugin.version", "[9,10)"), ("coherence.server", "x")]
    {
        let mut settings: Vec<_> = GOOD_CONNECTOR.iter().copied().filter(|(name, _)| *name != key).collect();
        settings.push((key, value));
        let answer = rest.validate(&settings);
        assert_eq!(answer["error_count"], 0, "{key}={value}: {:?}", errors(&answer, key));
    }
}

#[test]
fn errors_of_converters_and_clients_are_at_their_settings() {
    let rest = Rest::new();
    let more = [
        ("value.converter", "JsonConverter"),
        ("value.converter.schema.content", "{"),
        ("consumer.override.max.poll.records", "x"),
        ("errors.deadletterqueue.topic.name", "q"),
        ("producer.override.acks", "1"),
    ];
    let answer = rest.validate(&[GOOD_CONNECTOR, &more].concat());
    assert_eq!(answer["error_count"], 3);
    for (key, says) in [
        ("value.converter.schema.content", "Failed to parse schema"),
        ("consumer.override.max.poll.records", "Not a number of type INT"),
        ("producer.override.acks", "cannot be 1"),
    ] {
        let errors = errors(&answer, key);
        assert!(matches!(&errors[..], [error] if error.contains(says)), "{key}: {errors:?}");
    }
}

#[test]
fn words_to_choose_from_are_recommended() {
    let answer = Rest::new().validate(GOOD_CONNECTOR);
    let settings = answer["configs"].as_array().unwrap();
    let session = settings.iter().find(|setting| setting["value"]["name"] == "coherence.session").unwrap();
    assert_eq!(session["value"]["recommended_values"], json!(["grpc", "embedded"]));
    assert_eq!(session["value"]["value"], "grpc");
}

#[test]
fn every_setting_of_the_sink_has_a_definition_with_documentation_and_a_place() {
    let rest = Rest::new();
    let list = rest.get("?connectorsOnly=false");
    assert_eq!(list[0]["class"], CONNECTOR_CLASSES[0]);
    let kinds: BTreeSet<_> =
        list.as_array().unwrap().iter().map(|class| class["type"].as_str().unwrap()).collect();
    assert_eq!(
        kinds.into_iter().collect::<Vec<_>>(),
        ["converter", "header_converter", "predicate", "sink", "transformation"]
    );
    let definitions = rest.get("/CoherenceSinkConnector/config");
    let definitions = definitions.as_array().unwrap();
    for key in CONNECTOR.keys {
        let of: Vec<_> = definitions.iter().filter(|definition| definition["name"] == key.name).collect();
        assert_eq!(of.len(), 1, "{}", key.name);
        assert_ne!(of[0]["documentation"], "", "{}", key.name);
        assert_ne!(of[0]["order_in_group"], -1, "{}", key.name);
    }
    // Its own settings are the first, as in Connect.
    let name = definitions.iter().position(|definition| definition["name"] == "name").unwrap();
    let own = definitions.iter().position(|definition| definition["name"] == "coherence.session").unwrap();
    assert!(own < name);
}
