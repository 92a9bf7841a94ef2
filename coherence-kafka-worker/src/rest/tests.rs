use std::fs;
use std::net::{SocketAddr, TcpListener};

use coherence_kafka_connect::config::Properties;
use tempfile::TempDir;
use tokio::runtime::Runtime;

use axum::http::HeaderMap;

use super::*;
use crate::config::RestLimits;
use crate::testing;

const BASIC: &str = "org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension";

/// A worker without connectors, and its REST interface.
struct Served {
    address: SocketAddr,
    _server: Server,
    _runtime: Runtime,
}

struct Answer {
    status: u16,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }
}

impl Served {
    fn new(settings: &[(&str, &str)]) -> Self {
        let runtime = Runtime::new().unwrap();
        let properties = Properties::from_pairs("w", settings.iter().copied());
        let worker = Arc::new(testing::worker_with(&properties, runtime.handle()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let endpoint = Endpoint::new(listener, router(worker, "here:1"));
        let server = Server::start(RestLimits::default(), vec![endpoint]).unwrap();
        Self { address, _server: server, _runtime: runtime }
    }

    fn call(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Answer {
        let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
        let mut request =
            ureq::http::Request::builder().method(method).uri(format!("http://{}{path}", self.address));
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let mut answer = agent.run(request.body(()).unwrap()).unwrap();
        let body = answer.body_mut().read_to_string().unwrap();
        Answer { status: answer.status().as_u16(), headers: answer.headers().clone(), body }
    }
}

fn users() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    let path = |name: &str| folder.path().join(name);
    fs::write(path("users"), "alice=sesame\n").unwrap();
    let module = "org.apache.kafka.connect.rest.basic.auth.extension.PropertyFileLoginModule";
    let jaas = format!("KafkaConnect {{ {module} required file=\"{}\"; }};", path("users").display());
    fs::write(path("jaas"), jaas).unwrap();
    folder
}

#[test]
fn every_request_requires_one_of_the_users() {
    let folder = users();
    let jaas = folder.path().join("jaas").display().to_string();
    let served = Served::new(&[("rest.extension.classes", BASIC), ("coherence.rest.jaas.file", &jaas)]);
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/connectors"),
        ("POST", "/connectors/c/tasks"),
        ("PUT", "/connectors/c/fence"),
        ("OPTIONS", "/connectors"),
        ("GET", "/admin/loggers"),
        ("GET", "/metrics"),
        ("GET", "/nowhere"),
    ] {
        // `alice:other`, `alice`, and what is not base64 or not basic.
        for authorization in
            ["", "Basic YWxpY2U6b3RoZXI=", "Basic YWxpY2U=", "Basic *", "Bearer YWxpY2U6c2VzYW1l"]
        {
            let answer = served.call(method, path, &[("Authorization", authorization)]);
            assert_eq!(answer.status, 401, "{method} {path} {authorization}");
            assert_eq!(answer.header("www-authenticate"), Some("Basic realm=\"Kafka Connect\""));
            assert!(answer.body.contains("User cannot access the resource."), "{}", answer.body);
        }
        let answer = served.call(method, path, &[("Authorization", "basic YWxpY2U6c2VzYW1l")]);
        assert_ne!(answer.status, 401, "{method} {path}");
    }
    assert_eq!(served.call("GET", "/connectors", &[]).status, 401);
}
