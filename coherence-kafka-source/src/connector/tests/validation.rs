//! The source's settings as user interfaces see them: over REST.

use std::net::TcpListener;

use coherence_kafka_worker::Worker;
use coherence_kafka_worker::config::RestLimits;
use coherence_kafka_worker::rest::{self, Endpoint, Server};
use serde_json::{Map, Value, json};
use tokio::runtime::Runtime;

use super::*;

struct Rest {
    address: String,
    _server: Server,
    _runtime: Runtime,
}

impl Rest {
    fn new() -> Self {
        let runtime = Runtime::new().unwrap();
        let worker =
            Worker::new(Arc::new(SourcePlugin), worker(&WORKER).unwrap(), None, runtime.handle().clone());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}/connector-plugins", listener.local_addr().unwrap());
        let endpoint = Endpoint::new(listener, rest::router(worker.into(), "here:1"));
        let server = Server::start(RestLimits::default(), vec![endpoint]).unwrap();
        Self { address, _server: server, _runtime: runtime }
    }

    fn get(&self, path: &str) -> Value {
        let mut answer = ureq::get(format!("{}{path}", self.address)).call().unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }

    fn validate(&self, more: &[(&str, &str)]) -> Value {
        let settings = CONNECTOR.iter().chain(more).map(|(key, value)| ((*key).to_owned(), json!(value)));
        let body = Value::Object(settings.collect::<Map<_, _>>()).to_string();
        let path = format!("{}/CoherenceSource/config/validate", self.address);
        let mut answer = ureq::put(path).header("Content-Type", "application/json").send(body).unwrap();
        serde_json::from_str(&answer.body_mut().read_to_string().unwrap()).unwrap()
    }
}

#[test]
fn a_source_lists_itself_and_defines_its_settings_before_those_of_every_source() {
    let rest = Rest::new();
    let list = rest.get("?connectorsOnly=false");
    let has = |class: &str, kind: &str| {
        let mut plugins = list.as_array().unwrap().iter();
        plugins.any(|plugin| plugin["class"] == class && plugin["type"] == kind)
    };
    assert!(has(CONNECTOR[1].1, "source"), "{list}");
    assert!(has("org.apache.kafka.connect.json.JsonConverter", "converter"), "{list}");
    assert!(has("org.apache.kafka.connect.transforms.InsertHeader", "transformation"), "{list}");
    let definitions = rest.get("/CoherenceSource/config");
    let names: Vec<_> = definitions
        .as_array()
        .unwrap()
        .iter()
        .map(|definition| definition["name"].as_str().unwrap())
        .collect();
    let place = |name: &str| names.iter().position(|other| *other == name).unwrap();
    assert!(place("coherence.cache.mappings") < place("name"));
    assert!(place("name") < place("exactly.once.support"));
}

#[test]
fn a_validation_of_a_source_shows_what_a_start_is_refused_with() {
    let rest = Rest::new();
    let good = rest.validate(&[("errors.retry.timeout", "x"), ("topic.creation.groups", "y")]);
    assert_eq!(good["error_count"], 0, "settings without effect are accepted: {good}");
    let more = [
        ("tasks.max", "0"),
        ("coherence.source.session.timeout.ms", "10"),
        ("producer.override.linger.ms", "x"),
        ("transforms", "a"),
        ("errors.tolerance", "x"),
    ];
    let bad = rest.validate(&more);
    let errors: Vec<_> = bad["configs"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|setting| setting["value"]["errors"] != json!([]))
        .map(|setting| (setting["value"]["name"].as_str().unwrap(), setting["definition"].is_object()))
        .collect();
    for (key, _) in more {
        assert!(errors.contains(&(key, true)), "{key}: {errors:?}");
    }
}
