//! A process that may open few files.

use std::collections::BTreeMap;
use std::fs::{self, DirEntry};
use std::io::{Read as _, Write as _};
use std::net::TcpStream;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use integration_tests::process::Process;
use integration_tests::sandbox::{self, Folder, unique};
use integration_tests::sink::{binary, write_properties};
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};
use serde_json::{Value, json};

use crate::flow::SOON;

/// Within which a request is answered that nothing holds up.
const AT_ONCE: Duration = Duration::from_secs(20);

fn call(method: &str, url: &str, body: &str) -> (u16, String) {
    let config = ureq::Agent::config_builder().http_status_as_error(false).timeout_global(Some(AT_ONCE));
    let agent: ureq::Agent = config.build().into();
    let request = ureq::http::Request::builder().method(method).uri(url);
    let request = request.header("Content-Type", "application/json").header("Connection", "close");
    let mut answer = match body {
        "" => agent.run(request.body(()).unwrap()).unwrap(),
        body => agent.run(request.body(body.as_bytes().to_vec()).unwrap()).unwrap(),
    };
    (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap())
}

/// A sink with embedded maps that may open so many files.
fn start(folder: &Folder, files: u32, bootstrap: &str) -> (Process, String) {
    let rest = format!("http://127.0.0.1:{}", sandbox::free_port().unwrap());
    let string = "org.apache.kafka.connect.storage.StringConverter";
    let settings = [
        ("listeners", rest.as_str()),
        ("bootstrap.servers", bootstrap),
        ("coherence.session", "embedded"),
        ("key.converter", string),
        ("value.converter", string),
        ("offset.flush.interval.ms", "100"),
    ];
    let file = write_properties(folder.path(), "worker.properties", &settings).unwrap();
    let mut command = Command::new("bash");
    command.args(["-c", &format!("ulimit -n {files} && exec \"$0\" \"$1\"")]);
    command.arg(binary().unwrap()).arg(file);
    let log = folder.path().join("sink.log");
    let mut process = Process::start("coherence-kafka-sink", command, &log).unwrap();
    process.wait_for_line("sink started", SOON).unwrap();
    (process, rest)
}

fn create(rest: &str, name: &str) -> (u16, String) {
    let config = json!({"connector.class": "CoherenceSink", "topics": name});
    call("POST", &format!("{rest}/connectors"), &json!({"name": name, "config": config}).to_string())
}

fn names(rest: &str) -> Vec<String> {
    let (status, body) = call("GET", &format!("{rest}/connectors"), "");
    assert_eq!(status, 200, "{body}");
    serde_json::from_str(&body).unwrap()
}

/// A connection that was answered and stays open.
fn answered_once(rest: &str) -> TcpStream {
    let mut connection = TcpStream::connect(rest.trim_start_matches("http://")).unwrap();
    connection.set_read_timeout(Some(AT_ONCE)).unwrap();
    connection.write_all(b"GET /connectors HTTP/1.1\r\nHost: localhost\r\n\r\n").unwrap();
    let mut answer = [0; 64];
    let read = connection.read(&mut answer).unwrap();
    assert!(answer[..read].starts_with(b"HTTP/1.1 200"), "{}", String::from_utf8_lossy(&answer[..read]));
    connection
}

#[test]
fn connectors_beyond_the_files_that_may_be_open_are_refused_and_the_others_go_on() {
    let folder = Folder::new("few-files").unwrap();
    let (process, rest) = start(&folder, 300, "embedded");
    let mut created = Vec::new();
    let refused = loop {
        let name = format!("c{}", created.len());
        match create(&rest, &name) {
            (201, _) => created.push(name),
            refused => break refused,
        }
        assert!(created.len() < 300, "nothing is refused");
    };
    assert_eq!(refused.0, 500, "{}", refused.1);
    assert!(refused.1.contains("too few file descriptors"), "{}", refused.1);
    assert!(refused.1.contains("of 300 are in use"), "{}", refused.1);
    assert!(created.len() > 5, "{} fit", created.len());
    created.sort();
    assert_eq!(names(&rest), created);
    let (_, status) = call("GET", &format!("{rest}/connectors/c0/status"), "");
    let status: Value = serde_json::from_str(&status).unwrap();
    assert_eq!(status["tasks"][0]["state"], "RUNNING");
    // Room that is given back is used again.
    for name in &created {
        assert_eq!(call("DELETE", &format!("{rest}/connectors/{name}"), "").0, 204);
    }
    assert_eq!(create(&rest, "again").0, 201);
    process.stop().unwrap();
}

#[test]
fn requests_are_answered_while_no_file_can_be_opened() {
    require_peers!();
    let (kafka, connector) = (shared::kafka(), unique("no-files"));
    kafka.create_topic(&connector, 1).unwrap();
    let folder = Folder::new("no-files").unwrap();
    let (process, rest) = start(&folder, 1024, &kafka.bootstrap());
    assert_eq!(create(&rest, &connector).0, 201);
    kafka.produce(&connector, [(Some("k"), Some("v"))]).unwrap();
    // A client that still connects takes each descriptor that an answered request leaves.
    eventually(SOON, "the connector has all its connections", || {
        kafka.committed(&format!("connect-{connector}"), &connector).is_ok_and(|offsets| offsets == [Some(1)])
    });
    // No number beyond what the interface keeps for itself; those before are used up by clients that are idle. Each of
    // them is answered once before the next one connects, so that none of them waits for a descriptor.
    let folder_of_files = format!("/proc/{}/fd", process.id());
    let open = || -> BTreeMap<u64, PathBuf> {
        let number = |file: &DirEntry| file.file_name().to_str()?.parse().ok();
        let files = fs::read_dir(&folder_of_files).unwrap().flatten();
        files.filter_map(|file| Some((number(&file)?, fs::read_link(file.path()).ok()?))).collect()
    };
    let kept = open().into_iter().filter(|(_, what)| what.ends_with("null")).map(|(number, _)| number);
    let end = kept.max().unwrap() + 1;
    let limit = format!("--nofile={end}:{end}");
    let lowered =
        Command::new("prlimit").args(["--pid", &process.id().to_string(), &limit]).status().unwrap();
    assert!(lowered.success());
    let mut idle = Vec::new();
    eventually(SOON, "every number is in use", || {
        let left = open().range(..end).count() as u64 != end;
        if left {
            idle.push(answered_once(&rest));
        }
        !left
    });
    for _ in 0..10 {
        assert_eq!(names(&rest), [connector.as_str()]);
    }
    let (status, reason) = create(&rest, "d");
    assert_eq!(status, 500, "{reason}");
    assert!(reason.contains("too few file descriptors"), "{reason}");
    assert_eq!(names(&rest), [connector.as_str()]);
    process.stop().unwrap();
    let log = fs::read_to_string(folder.path().join("sink.log")).unwrap();
    assert!(log.contains("REST connection not accepted, retrying"), "{log}");
}
