use std::net::{SocketAddr, TcpListener};
use std::sync::Arc;

use coherence_kafka_connect::config::{Environment, Properties};
use serde_json::{Value, json};
use tokio::runtime::Runtime;

use super::VERSION;
use crate::config::{RestLimits, WorkerConfig};
use crate::description::ConnectorType;
use crate::plugin::Plugin;
use crate::rest::{self, Endpoint, Server};
use crate::worker::Worker;

mod file_stream;
mod replay;

use file_stream::FileStream;

/// The version of the plugins in the vectors.
const CAPTURED: &str = "4.3.1";

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const PROVIDERS: &str = "org.apache.kafka.common.config.provider.";

/// A worker without connectors, and its REST interface.
struct Served {
    address: SocketAddr,
    _server: Server,
    _runtime: Runtime,
}

struct Answer {
    status: u16,
    body: Value,
}

impl Served {
    fn new(plugin: impl Plugin + 'static, settings: &[(&str, &str)]) -> Self {
        let mut properties = vec![
            ("key.converter", JSON.to_owned()),
            ("value.converter", JSON.to_owned()),
            ("config.providers", "file,env,dir".to_owned()),
            ("config.providers.file.class", format!("{PROVIDERS}FileConfigProvider")),
            ("config.providers.env.class", format!("{PROVIDERS}EnvVarConfigProvider")),
            ("config.providers.dir.class", format!("{PROVIDERS}DirectoryConfigProvider")),
        ];
        properties.extend(settings.iter().map(|(key, value)| (*key, (*value).to_owned())));
        let environment: [(String, String); 2] =
            [("ENV_SET".into(), "fromenv".into()), ("ENV_CLASS".into(), "FileStreamSink".into())];
        let plugin: Arc<dyn Plugin> = Arc::new(plugin);
        let config = WorkerConfig::parse(
            &*plugin,
            &Properties::from_pairs("worker", properties),
            Environment::from(environment),
        )
        .unwrap();
        let runtime = Runtime::new().unwrap();
        let worker = Worker::new(plugin, config, None, runtime.handle().clone());
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let server = Server::start(
            RestLimits::default(),
            vec![Endpoint::new(listener, rest::router(Arc::new(worker), "here:1"))],
        )
        .unwrap();
        Self { address, _server: server, _runtime: runtime }
    }

    fn call(&self, method: &str, path: &str, media_type: Option<&str>, body: &str) -> Answer {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let url = format!("http://{}{}", self.address, path.replace('$', "%24"));
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        if let Some(media_type) = media_type {
            request = request.header("Content-Type", media_type);
        }
        let mut response = match method {
            "GET" => agent.run(request.body(()).unwrap()),
            _ => agent.run(request.body(body.as_bytes().to_vec()).unwrap()),
        }
        .unwrap();
        let text = response.body_mut().read_to_string().unwrap();
        Answer { status: response.status().as_u16(), body: serde_json::from_str(&text).unwrap_or_default() }
    }

    fn get(&self, path: &str) -> Answer {
        self.call("GET", path, None, "")
    }

    fn validate(&self, plugin: &str, body: &str) -> Answer {
        let path = format!("/connector-plugins/{plugin}/config/validate");
        self.call("PUT", &path, Some("application/json"), body)
    }
}

fn sink() -> Served {
    Served::new(FileStream(ConnectorType::Sink), &[])
}

/// The entry of a setting.
fn setting<'a>(answer: &'a Answer, name: &str) -> &'a Value {
    let settings = answer.body["configs"].as_array().unwrap();
    settings.iter().find(|setting| setting["value"]["name"] == name).unwrap()
}

#[test]
fn a_validation_needs_a_body_of_json_and_a_plugin_that_exists() {
    let served = sink();
    let path = "/connector-plugins/FileStreamSink/config/validate";
    for media_type in [None, Some("text/plain")] {
        assert_eq!(served.call("PUT", path, media_type, "{}").status, 415);
    }
    for (body, part) in [
        ("", "the body is not JSON"),
        ("[1]", "the body must be a JSON object with the settings of the connector"),
        ("{\"topics\":[\"a\"]}", "topics: the value must be a text, a number, a boolean or null"),
        ("{}", "the configuration contains no connector type: set connector.class"),
    ] {
        let answer = served.validate("FileStreamSink", body);
        assert_eq!((answer.status, &answer.body["error_code"]), (400, &json!(400)), "{body}");
        assert!(answer.body["message"].as_str().unwrap().contains(part), "{}", answer.body);
    }
}

#[test]
fn an_answer_shows_no_content_of_a_variable_and_no_password() {
    let served = sink();
    let request = json!({
        "connector.class": "FileStreamSink",
        "name": "${env:ENV_SET}",
        "topics": "a,${env:ENV_SET},a",
        "tasks.max": "${env:ENV_SET}",
        "errors.tolerance": "${env:ENV_SET}",
        "transforms": "${env:ENV_SET}",
        "predicates": "p",
        "predicates.p.type": "${env:ENV_SET}",
        "value.converter": "${env:ENV_SET}",
        "key.converter": "JsonConverter",
        "key.converter.decimal.format": "${env:ENV_SET}",
        "file": "${env:ENV_SET}",
        "consumer.override.max.poll.records": "${env:ENV_SET}",
        "consumer.override.sasl.jaas.config": "sesame",
        "consumer.override.ssl.truststore.certificates": "sesame",
    });
    let answer = served.validate("FileStreamSink", &request.to_string());
    assert_eq!(answer.status, 200);
    let text = answer.body.to_string();
    assert!(!text.contains("fromenv") && !text.contains("sesame"), "{text}");
    assert_eq!(setting(&answer, "file")["value"]["value"], "${env:ENV_SET}");
    assert_eq!(setting(&answer, "consumer.override.sasl.jaas.config")["value"]["value"], "[hidden]");
    assert_eq!(
        setting(&answer, "tasks.max")["value"]["errors"][0],
        "Invalid value [hidden] for configuration tasks.max: Not a number of type INT"
    );
}

#[test]
fn a_null_is_an_error_except_for_an_own_setting_of_the_connector() {
    let request = r#"{"connector.class":"FileStreamSink","name":"s","topics":"t","file":null,"tasks.max":null,"x":null}"#;
    let answer = sink().validate("FileStreamSink", request);
    let refused = "Null value can not be supplied as the configuration value.";
    assert_eq!(answer.body["error_count"], 3);
    assert_eq!(
        setting(&answer, "tasks.max")["value"]["errors"],
        json!(["Invalid value null for configuration tasks.max: Value must be non-null", refused])
    );
    assert_eq!(setting(&answer, "x")["definition"], Value::Null);
    assert_eq!(setting(&answer, "x")["value"]["errors"], json!([refused]));
    assert_eq!(setting(&answer, "file")["value"]["errors"], json!([]));
}

#[test]
fn a_connector_is_refused_with_the_errors_of_its_validation() {
    let request = json!({
        "name": "a",
        "config": {
            "connector.class": "FileStreamSink",
            "topics": "r-one",
            "file": "/nowhere/a.txt",
            "tasks.max": "x",
            "errors.tolerance": "x",
        },
    });
    let answer = sink().call("POST", "/connectors", Some("application/json"), &request.to_string());
    assert_eq!(answer.status, 400);
    assert_eq!(
        answer.body["message"],
        "Connector configuration is invalid and contains the following 3 error(s):\n\
         Invalid value x for configuration tasks.max: Not a number of type INT\n\
         Invalid value null for configuration tasks.max: Value must be non-null\n\
         Invalid value x for configuration errors.tolerance: String must be one of: none, all\n\
         You can also find the above list of errors at the endpoint \
         `/connector-plugins/{connectorType}/config/validate`"
    );
}
