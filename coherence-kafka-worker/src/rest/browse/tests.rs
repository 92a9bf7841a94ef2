use std::net::{SocketAddr, TcpListener};
use std::sync::mpsc::{Receiver, channel};

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Expiry, Format, MapError, NamedMap, Session};
use coherence_kafka_connect::config::Properties;
use futures::FutureExt as _;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::Runtime;

use super::*;
use crate::config::RestLimits;
use crate::rest::{Endpoint, Server, router};
use crate::testing;

type OpenMaps = Arc<dyn Fn() -> Result<Arc<dyn Session>, String> + Send + Sync>;

/// A worker with the connector `c`, whose task uses the topic `t` and so the map `t`, and has written to another map.
struct Served {
    address: SocketAddr,
    _server: Server,
    _runtime: Runtime,
}

impl Served {
    fn new(settings: &[(&str, &str)], open_maps: OpenMaps) -> Self {
        let runtime = Runtime::new().unwrap();
        let properties = Properties::from_pairs("w", settings.iter().copied());
        let worker = Arc::new(testing::worker_with_maps(&properties, open_maps, runtime.handle()));
        worker.create(&testing::connector("c")).unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let address = listener.local_addr().unwrap();
        let endpoint = Endpoint::new(listener, router(worker, "here:1"));
        let server = Server::start(RestLimits::default(), vec![endpoint]).unwrap();
        Self { address, _server: server, _runtime: runtime }
    }

    fn with_maps(session: LocalSession) -> Self {
        let session: Arc<dyn Session> = Arc::new(session);
        Self::new(&[("ui.browse.enable", "true")], Arc::new(move || Ok(session.clone())))
    }

    fn get(&self, path: &str) -> (u16, Value) {
        get(self.address, path)
    }
}

fn get(address: SocketAddr, path: &str) -> (u16, Value) {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    let mut answer = agent.get(format!("http://{address}{path}")).call().unwrap();
    let body = answer.body_mut().read_to_string().unwrap();
    (answer.status().as_u16(), serde_json::from_str(&body).unwrap())
}

fn session(format: Format, entries: &[(&[u8], &[u8])]) -> LocalSession {
    let session = LocalSession::new(format);
    let map = session.local_map("t").unwrap();
    for (key, value) in entries {
        map.put(key, value, Expiry::Default).now_or_never().unwrap().unwrap();
    }
    session
}

#[test]
fn browsing_is_off_unless_it_is_enabled() {
    let no_maps: OpenMaps = Arc::new(|| unreachable!("nothing is read"));
    let paths = [
        "/ui/api/connectors/c/maps",
        "/ui/api/connectors/c/maps/t/entries",
        "/ui/api/connectors/c/maps/t/entries?key=k",
        "/ui/api/connectors/c/dead-letters",
    ];
    let off = Served::new(&[], no_maps.clone());
    assert_eq!(off.get("/ui/api"), (200, json!({"browse": false})));
    for path in paths {
        let (status, body) = off.get(path);
        assert_eq!(status, 404, "{path}");
        assert!(body["message"].as_str().unwrap().contains("set ui.browse.enable=true"), "{body}");
    }
    let without_page = Served::new(&[("ui.enable", "false"), ("ui.browse.enable", "true")], no_maps);
    for path in paths.into_iter().chain(["/ui/api"]) {
        assert_eq!(without_page.get(path).0, 404, "{path}");
    }
}

#[test]
fn the_maps_of_a_connector_are_listed_and_no_other_can_be_read() {
    let served = Served::with_maps(session(Format::Json, &[]));
    assert_eq!(served.get("/ui/api"), (200, json!({"browse": true})));
    let maps = json!({"maps": ["t", "written"], "dead_letters": null});
    assert_eq!(served.get("/ui/api/connectors/c/maps"), (200, maps));
    for (path, message) in [
        ("/ui/api/connectors/other/maps", "Connector other not found"),
        ("/ui/api/connectors/other/maps/t/entries", "Connector other not found"),
        ("/ui/api/connectors/c/maps/other/entries", "Connector c has no map other"),
        ("/ui/api/connectors/c/dead-letters", "Connector c has no topic of dead letters"),
    ] {
        let (status, body) = served.get(path);
        assert_eq!(status, 404, "{path}");
        assert!(body["message"].as_str().unwrap().starts_with(message), "{body}");
    }
}

#[test]
fn entries_are_read_page_by_page_and_by_their_key() {
    let entries: [(&[u8], &[u8]); 3] =
        [(b"\x15\"a\"", b"\x151"), (b"\x15\"b/c d\"", b"\x152"), (b"\x157", b"\x15{}")];
    let served = Served::with_maps(session(Format::Json, &entries));
    let path = "/ui/api/connectors/c/maps/t/entries";
    let (mut keys, mut after) = (Vec::new(), String::new());
    loop {
        let (status, page) = served.get(&format!("{path}?limit=2{after}"));
        assert_eq!(status, 200, "{page}");
        keys.extend(
            page["entries"].as_array().unwrap().iter().map(|e| e["key"]["text"].as_str().unwrap().to_owned()),
        );
        let Some(next) = page["next"].as_str() else { break };
        after = format!("&after={next}");
    }
    keys.sort_unstable();
    assert_eq!(keys, ["\"a\"", "\"b/c d\"", "7"]);
    for (query, value) in [("key=a", "1"), ("key=%22b/c%20d%22", "2"), ("key=7", "{}"), ("binary=1537", "{}")]
    {
        let (status, found) = served.get(&format!("{path}?{query}"));
        assert_eq!((status, found["entries"].as_array().unwrap().len()), (200, 1), "{query}: {found}");
        assert_eq!(found["entries"][0]["value"]["text"], value);
    }
    assert_eq!(served.get(&format!("{path}?key=none")).1["entries"], json!([]));
}

#[test]
fn pof_is_shown_like_json() {
    let user: &[u8] = &[0x15, 0xA9, 0x0F, 0x00, 0x00, 0x4E, 0x01, b'x', 0x40];
    let served =
        Served::with_maps(session(Format::Pof, &[(b"\x15\x4E\x01k", user), (b"\x15\x41\x01", b"\x15\xFF")]));
    let (_, found) = served.get("/ui/api/connectors/c/maps/t/entries?key=k");
    assert_eq!(found["entries"][0]["key"]["text"], "\"k\"");
    assert_eq!(found["entries"][0]["value"]["text"], "{\"@type\":1001,\"0\":\"x\"}");
    let (_, found) = served.get("/ui/api/connectors/c/maps/t/entries?key=1");
    let value = &found["entries"][0]["value"];
    assert_eq!(value["text"], "15ff");
    assert!(value["problem"].is_string(), "{found}");
}

#[test]
fn a_bad_parameter_is_refused_without_its_value() {
    let served = Served::with_maps(session(Format::Json, &[]));
    for query in [
        "limit=0",
        "limit=101",
        "limit=secret",
        "after=secret*",
        "key=",
        "key=null",
        "binary=secret",
        "key=secret&binary=15",
    ] {
        let (status, body) = served.get(&format!("/ui/api/connectors/c/maps/t/entries?{query}"));
        assert_eq!(status, 400, "{query}: {body}");
        assert!(!body.to_string().contains("secret"), "{body}");
    }
    assert_eq!(served.get("/ui/api/connectors/c/dead-letters?limit=51").0, 400);
}

/// A session whose grid does not answer; it reports each question.
#[derive(Debug)]
struct Frozen(Mutex<std::sync::mpsc::Sender<()>>);

impl Session for Frozen {
    fn format(&self) -> Format {
        Format::Pof
    }

    fn check_map_name(&self, _: &str) -> Result<(), MapError> {
        Ok(())
    }

    fn map<'a>(&'a self, _: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        self.0.lock().send(()).unwrap();
        futures::future::pending().boxed()
    }
}

fn frozen() -> (Served, Receiver<()>) {
    let (asked, questions) = channel();
    let session: Arc<dyn Session> = Arc::new(Frozen(Mutex::new(asked)));
    let settings = [("ui.browse.enable", "true")];
    (Served::new(&settings, Arc::new(move || Ok(session.clone()))), questions)
}

#[test]
fn a_third_question_is_refused_at_once_and_nothing_else_waits() {
    let (served, questions) = frozen();
    let path = "/ui/api/connectors/c/maps/t/entries";
    let address = served.address;
    let waiting: Vec<_> = (0..AT_ONCE).map(|_| std::thread::spawn(move || get(address, path))).collect();
    (0..AT_ONCE).for_each(|_| questions.recv().unwrap());
    let (status, body) = served.get(path);
    assert_eq!(status, 503);
    assert!(body["message"].as_str().unwrap().contains("2 questions"), "{body}");
    assert_eq!(served.get("/connectors/c/status").0, 200);
    // The grid never answers: a question ends by its time.
    for question in waiting {
        let (status, body) = question.join().unwrap();
        assert_eq!(status, 503);
        assert_eq!(body["message"], "the grid did not answer within 10 s");
    }
    assert_eq!(served.get("/ui/api/connectors/c/maps").0, 200, "the places are free again");
}

#[test]
fn the_reason_why_there_are_no_maps_is_in_the_answer() {
    let reason = "the maps are loaded while the connector has tasks";
    let served = Served::new(&[("ui.browse.enable", "true")], Arc::new(move || Err(reason.to_owned())));
    let (status, body) = served.get("/ui/api/connectors/c/maps/t/entries");
    assert_eq!((status, body["message"].as_str().unwrap()), (409, reason));
}

#[tokio::test]
async fn errors_of_a_grid_are_answered_by_whose_fault_they_are() {
    for (error, status) in [
        (MapError::Unavailable("away".to_owned()), StatusCode::SERVICE_UNAVAILABLE),
        (MapError::Unanswered("slow".to_owned()), StatusCode::SERVICE_UNAVAILABLE),
        (MapError::Refused("no".to_owned()), StatusCode::INTERNAL_SERVER_ERROR),
        (MapError::Misuse("wrong".to_owned()), StatusCode::BAD_REQUEST),
    ] {
        let refused = answer(PATIENCE, async { Err(error.clone()) }).await.unwrap_err();
        assert_eq!((refused.status, refused.message), (status, error.to_string()));
    }
}
