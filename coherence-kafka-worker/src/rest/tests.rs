use std::collections::{BTreeMap, BTreeSet};
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
        Self::with(settings, router)
    }

    fn with(settings: &[(&str, &str)], router: fn(Arc<Worker>, &str) -> Router) -> Self {
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
    let served = Served::new(&[
        ("rest.extension.classes", BASIC),
        ("coherence.rest.jaas.file", &jaas),
        ("ui.browse.enable", "true"),
    ]);
    for (method, path) in [
        ("GET", "/"),
        ("GET", "/health"),
        ("GET", "/connectors"),
        ("POST", "/connectors/c/tasks"),
        ("PUT", "/connectors/c/fence"),
        ("OPTIONS", "/connectors"),
        ("GET", "/admin/loggers"),
        ("GET", "/metrics"),
        ("GET", "/ui"),
        ("GET", "/ui/api"),
        ("GET", "/ui/api/connectors/c/maps"),
        ("GET", "/ui/api/connectors/c/maps/m/entries?key=k"),
        ("GET", "/ui/api/connectors/c/dead-letters"),
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

#[test]
fn pages_of_allowed_origins_may_use_the_methods_that_are_allowed() {
    let served = Served::new(&[
        ("access.control.allow.origin", "https://a.example, http://b.example:80"),
        ("access.control.allow.methods", "GET,PUT"),
    ]);
    let question = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "PUT")];
    let answer = served.call("OPTIONS", "/connectors", &question);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("https://a.example"));
    assert_eq!(answer.header("access-control-allow-methods"), Some("GET,PUT"));
    let answer = served.call("GET", "/connectors", &[("Origin", "http://b.example:80")]);
    assert_eq!((answer.status, answer.body.as_str()), (200, "[]"));
    assert_eq!(answer.header("access-control-allow-origin"), Some("http://b.example:80"));
    let answer = served.call("GET", "/connectors", &[("Origin", "https://c.example")]);
    assert_eq!(answer.header("access-control-allow-origin"), None);
    // A client's question for the methods of a resource is none of a browser's.
    let answer = served.call("OPTIONS", "/connectors", &[]);
    assert_eq!(answer.body, "GET, HEAD, POST, OPTIONS");
}

#[test]
fn browsers_are_answered_before_they_send_a_password() {
    let folder = users();
    let jaas = folder.path().join("jaas").display().to_string();
    let served = Served::new(&[
        ("rest.extension.classes", BASIC),
        ("coherence.rest.jaas.file", &jaas),
        ("access.control.allow.origin", "*"),
    ]);
    let question = [("Origin", "https://a.example"), ("Access-Control-Request-Method", "GET")];
    let answer = served.call("OPTIONS", "/connectors", &question);
    assert_eq!(answer.status, 200);
    assert_eq!(answer.header("access-control-allow-origin"), Some("*"));
    let allowed = answer.header("access-control-allow-headers").unwrap_or_default();
    assert!(allowed.contains("authorization"), "{allowed}");
    assert_eq!(served.call("GET", "/connectors", &[("Origin", "https://a.example")]).status, 401);
}

#[test]
fn without_allowed_origins_no_page_is_answered() {
    let answer = Served::new(&[]).call("GET", "/connectors", &[("Origin", "https://a.example")]);
    assert_eq!(answer.header("access-control-allow-origin"), None);
}

#[test]
fn every_answer_has_the_headers_of_the_settings() {
    let served = Served::new(&[(
        "response.http.headers.config",
        "set X-Frame-Options:DENY, \"add Cache-Control:no-cache, no-store\"",
    )]);
    for path in ["/connectors", "/nowhere", "/metrics"] {
        let answer = served.call("GET", path, &[]);
        assert_eq!(answer.header("x-frame-options"), Some("DENY"), "{path}");
        assert_eq!(answer.header("cache-control"), Some("no-cache, no-store"), "{path}");
    }
}

#[test]
fn the_routes_of_administrators_are_where_their_setting_has_them() {
    for (setting, on_all, on_own) in [(None, 200, 200), (Some(""), 404, 200), (Some("http://h:1"), 404, 200)]
    {
        let settings: Vec<_> = setting.map(|value| ("admin.listeners", value)).into_iter().collect();
        let all = Served::with(&settings, router);
        assert_eq!(all.call("GET", "/admin/loggers", &[]).status, on_all, "{setting:?}");
        assert_eq!(all.call("GET", "/connectors", &[]).status, 200);
        let own =
            Served::with(&settings, |worker, id| admin_router(Arc::new(StandaloneHerder::new(worker, id))));
        assert_eq!(own.call("GET", "/admin/loggers", &[]).status, on_own, "{setting:?}");
        assert_eq!(own.call("GET", "/connectors", &[]).status, 404);
        assert_eq!(own.call("GET", "/metrics", &[]).status, 404);
    }
}

#[test]
fn the_openapi_document_has_every_route_with_its_methods_and_no_other() {
    let served = Served::new(&[]);
    let document: serde_json::Value =
        serde_json::from_str(&served.call("GET", "/openapi.json", &[]).body).unwrap();
    assert!(document["openapi"].as_str().unwrap().starts_with("3."), "{document}");
    let operations =
        document["paths"].as_object().unwrap().values().flat_map(|path| path.as_object().unwrap());
    let ids: Vec<&str> =
        operations.map(|(_, operation)| operation["operationId"].as_str().unwrap()).collect();
    assert_eq!(ids.iter().collect::<BTreeSet<_>>().len(), ids.len(), "{ids:?}");
    let described: BTreeMap<String, BTreeSet<String>> = document["paths"]
        .as_object()
        .unwrap()
        .iter()
        .map(|(path, methods)| (path.clone(), methods.as_object().unwrap().keys().cloned().collect()))
        .collect();
    let routes = routes().into_iter().chain(plugins::routes()).chain(browse::routes());
    let routes = routes.map(|(path, _)| path.to_owned());
    let paths: BTreeSet<String> = routes.chain(["/metrics", "/openapi.json"].map(str::to_owned)).collect();
    assert_eq!(described.keys().cloned().collect::<BTreeSet<_>>(), paths);
    for (path, methods) in described {
        let one = ["name", "task", "plugin", "logger", "map"]
            .iter()
            .fold(path.clone(), |path, parameter| path.replace(&format!("{{{parameter}}}"), "0"));
        let answer = served.call("OPTIONS", &one, &[]);
        let allowed = answer.body.split(", ").map(str::to_ascii_lowercase);
        let allowed: BTreeSet<String> =
            allowed.filter(|method| !["head", "options"].contains(&method.as_str())).collect();
        assert_eq!(methods, allowed, "{path}");
    }
}
