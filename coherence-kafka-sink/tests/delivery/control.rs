//! Requests and records do not hold each other up.

use std::net::TcpListener;
use std::sync::mpsc::channel;
use std::sync::{Arc, Barrier};
use std::time::Duration;

use axum::Router;
use axum::routing::get;
use coherence_kafka_connect::config::Properties;
use coherence_kafka_worker::config::RestLimits;
use coherence_kafka_worker::rest::{self, Endpoint, Server};
use coherence_kafka_worker::{CreateError, RequestError, Worker};
use serde_json::{Value, json};

use super::world::{World, confirmed, counters, eventually};

/// Within which a request is answered that waits for nothing.
const AT_ONCE: Duration = Duration::from_secs(10);

struct Rest {
    _server: Server,
    address: String,
}

impl Rest {
    fn new(router: &Router) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = format!("http://{}", listener.local_addr().unwrap());
        Self {
            _server: Server::start(RestLimits::default(), vec![Endpoint::new(listener, router.clone())])
                .unwrap(),
            address,
        }
    }

    fn of(worker: &Arc<Worker>) -> Self {
        Self::new(&rest::router(worker.clone(), "here:1"))
    }

    fn call(&self, method: &str, path: &str, body: &str, patience: Duration) -> (u16, String) {
        let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(patience));
        let agent: ureq::Agent = config.build().into();
        let request = ureq::http::Request::builder()
            .method(method)
            .uri(format!("{}{path}", self.address))
            .header("Content-Type", "application/json");
        let mut answer = match body {
            "" => agent.run(request.body(()).unwrap()).unwrap(),
            body => agent.run(request.body(body.as_bytes().to_vec()).unwrap()).unwrap(),
        };
        (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
    }

    fn get(&self, path: &str) -> (u16, String) {
        self.call("GET", path, "", AT_ONCE)
    }

    fn json(&self, path: &str) -> Value {
        serde_json::from_str(&self.get(path).1).unwrap()
    }
}

fn body(name: &str, more: &[(&str, &str)]) -> String {
    let mut config = json!({"connector.class": "CoherenceSink", "topics": name});
    for (key, value) in more {
        config[*key] = json!(value);
    }
    json!({"name": name, "config": config}).to_string()
}

#[test]
fn a_connector_that_starts_slowly_holds_up_no_request_and_no_record() {
    let world = World::new(&[("t", 1), ("late", 1)]);
    let worker = Arc::new(world.worker(&[("topics", "t")]));
    let rest = Rest::of(&worker);
    let request = body("late", &[("coherence.session.scope", "slow")]);
    let opening = world.faults.opening.lock();
    std::thread::scope(|scope| {
        // Dropped where an assertion fails, so that the scope can end.
        let opening = opening;
        let created = scope.spawn(|| rest.call("POST", "/connectors", &request, Duration::from_secs(60)));
        eventually("the start is under way", || rest.get("/connectors/late").0 == 200);

        assert_eq!(rest.json("/connectors"), json!(["c", "late"]));
        assert_eq!(rest.json("/connectors/late/status")["connector"]["state"], "UNASSIGNED");
        assert_eq!(rest.json("/connectors/late/status")["tasks"], json!([]));
        assert_eq!(rest.json("/connectors/c/status")["tasks"][0]["state"], "RUNNING");
        assert!(rest.get("/metrics").1.contains("kafka_connect_worker_connector_count 2"));
        let again = rest.call("POST", "/connectors", &request, AT_ONCE);
        assert_eq!(again.0, 409, "{again:?}");
        assert!(again.1.contains("Connector late already exists"), "{again:?}");
        for (method, path) in [
            ("DELETE", "/connectors/late"),
            ("POST", "/connectors/late/tasks/0/restart"),
            ("POST", "/connectors/late/restart?includeTasks=true"),
        ] {
            let answer = rest.call(method, path, "", AT_ONCE);
            assert_eq!(answer.0, 409, "{path}: {answer:?}");
            assert!(answer.1.contains("conflicting operation"), "{answer:?}");
        }
        world.produce("t", Some("k"), Some("v"));
        world.flush();
        eventually("a record is written meanwhile", || confirmed(&worker) == 1);
        assert!(!created.is_finished());

        drop(opening);
        assert_eq!(created.join().unwrap().0, 201);
    });
    assert_eq!(rest.json("/connectors/late/status")["tasks"][0]["state"], "RUNNING");
    assert_eq!(rest.call("DELETE", "/connectors/late", "", Duration::from_secs(60)).0, 204);
    worker.stop();
}

#[test]
fn a_worker_that_stops_ends_a_start_that_is_under_way() {
    let world = World::new(&[("t", 1), ("late", 1)]);
    let worker = Arc::new(world.worker(&[("topics", "t")]));
    let scope = ("coherence.session.scope", "slow");
    let settings = [("name", "late"), ("connector.class", "CoherenceSink"), ("topics", "late"), scope];
    let properties = Properties::from_pairs("test", settings);
    let opening = world.faults.opening.lock();
    std::thread::scope(|scope| {
        let opening = opening;
        let created = scope.spawn(|| worker.create(&properties));
        eventually("the start is under way", || worker.names().len() == 2);
        let stopped = scope.spawn(|| worker.stop());
        eventually("the stop has begun", || matches!(worker.create(&properties), Err(CreateError::Stopping)));
        drop(opening);
        assert!(matches!(created.join().unwrap(), Err(CreateError::Stopping)));
        stopped.join().unwrap();
    });
    assert!(worker.names().is_empty());
    assert_eq!(worker.delete("late"), Err(RequestError::UnknownConnector));
}

#[test]
fn requests_that_block_their_threads_hold_up_no_record() {
    let world = World::new(&[("t", 1)]);
    let worker = world.worker(&[("topics", "t")]);
    let (block, blocked) = channel::<()>();
    let blocked = Arc::new(parking_lot::Mutex::new(blocked));
    let began = Arc::new(std::sync::atomic::AtomicUsize::new(0));
    let count = began.clone();
    let handler = move || {
        let (blocked, count) = (blocked.clone(), count.clone());
        async move {
            count.fetch_add(1, std::sync::atomic::Ordering::SeqCst);
            // The first waits here and the others for its lock: as many as there are threads.
            let _ = blocked.lock().recv();
        }
    };
    let rest = Rest::new(&Router::new().route("/block", get(handler)));
    std::thread::scope(|scope| {
        let block = block;
        for _ in 0..2 {
            scope.spawn(|| rest.call("GET", "/block", "", Duration::from_secs(60)));
        }
        // The second request gets a thread only where one is awake: with the first one blocked no thread may look for requests.
        eventually("a thread is blocked", || began.load(std::sync::atomic::Ordering::SeqCst) > 0);
        world.produce("t", Some("k"), Some("v"));
        world.flush();
        eventually("a record is written", || confirmed(&worker) == 1);
        drop(block);
    });
    worker.stop();
}

#[test]
fn requests_are_answered_while_the_threads_of_the_data_are_blocked() {
    let world = World::new(&[("t", 1)]);
    let worker = Arc::new(world.worker(&[("topics", "t")]));
    let rest = Rest::of(&worker);
    let barrier = Arc::new(Barrier::new(3));
    for _ in 0..2 {
        let barrier = barrier.clone();
        world.runtime().spawn(async move {
            barrier.wait();
            barrier.wait();
        });
    }
    barrier.wait();
    for path in ["/connectors", "/connectors/c", "/connectors/c/status", "/metrics"] {
        assert_eq!(rest.get(path).0, 200, "{path}");
    }
    barrier.wait();
    worker.stop();
}

#[test]
fn a_connector_is_created_again_at_once_on_the_maps_that_it_had_saved() {
    let world = World::new(&[("saved", 1)]);
    let worker = Arc::new(world.worker(&[("topics", "saved"), ("coherence.cache.mappings", "saved->other")]));
    let rest = Rest::of(&worker);
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().display().to_string();
    let settings = [
        ("coherence.session", "embedded"),
        ("coherence.session.directory", directory.as_str()),
        // The mock broker forgets a member that has left only when its session ends.
        ("consumer.override.session.timeout.ms", "6000"),
    ];
    let request = body("saved", &settings);
    for round in 1..=2 {
        let created = rest.call("POST", "/connectors", &request, Duration::from_secs(60));
        assert_eq!(created.0, 201, "{round}: {created:?}");
        world.produce("saved", Some("k"), Some(&round.to_string()));
        world.flush();
        eventually("the record is written", || {
            let status = worker.tasks("saved").unwrap();
            status.iter().map(|task| counters(task).confirmed.now()).sum::<u64>() == 1
        });
        let deleted = rest.call("DELETE", "/connectors/saved", "", Duration::from_secs(60));
        assert_eq!(deleted.0, 204, "{round}: {deleted:?}");
    }
    worker.stop();
}
