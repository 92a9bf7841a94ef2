//! What must stay out of everything that the sink says: the bytes of records, and passwords.

use std::fs;
use std::process::Command;

use integration_tests::process::Process;
use integration_tests::sandbox::{self, Folder};
use integration_tests::sink::{binary, write_properties};
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::letters::{self, ALL, CONTEXT, Letter, ONE_REPLICA, QUEUE, dead, queue};
use crate::flow::{Flow, SOON};

/// Part of every key, value, header and password.
const CANARY: &str = "canary";
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
/// POF of a user type that the grid has not, with a string as its property 0.
const UNKNOWN_TYPE: &[u8] = b"\x15\xB3\x56\x00\x00\x4E\x0Acanary-key\x40";

fn get(url: &str) -> String {
    let agent: ureq::Agent = ureq::Agent::config_builder().http_status_as_error(false).build().into();
    agent.get(url).call().unwrap().body_mut().read_to_string().unwrap()
}

/// The bytes of records as a careless message would show them.
fn assert_silent(what: &str, text: &str) {
    let hex: String = CANARY.bytes().map(|b| format!("{b:02x}")).collect();
    let list = CANARY.bytes().map(|b| b.to_string()).collect::<Vec<_>>().join(", ");
    for canary in [CANARY, &hex, &list] {
        let line = text.lines().find(|line| line.to_lowercase().contains(canary));
        assert_eq!(line, None, "{what} shows what it must not");
    }
}

#[test]
fn no_bytes_of_records_and_no_passwords_are_in_logs_answers_or_context_headers() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let poisoned = Flow::new(kafka, grid, "secret-poison", 1);
    let refused = Flow::new(kafka, grid, "secret-refused", 1);
    let failing = Flow::new(kafka, grid, "secret-failing", 1);
    let locked_out = Flow::new(kafka, grid, "secret-password", 1);
    let dead_letters = queue();

    let headers = vec![("h".to_owned(), Some(b"canary-header".to_vec()))];
    let letter = |key: &str, value: &str| Letter { headers: headers.clone(), ..Letter::new(key, value) };
    let bad_ttl = Letter {
        headers: vec![("ttl".to_owned(), Some(b"canary-ttl".to_vec()))],
        ..Letter::new("canary-key-2", r#""canary-value""#)
    };
    let poison = [
        letter("canary-key-1", r#"{"canary-value":"#),
        letter("canary-key-1", "canary-value"),
        bad_ttl,
        Letter { key: None, ..letter("", r#""canary-value""#) },
        letter("canary-key-3", r#""canary-value""#),
    ];
    letters::produce(kafka, &poisoned.name, &poison);
    letters::produce(kafka, &failing.name, &poison);
    let unknown = Letter { key: Some(UNKNOWN_TYPE.to_vec()), ..letter("", "") };
    let not_pof = letter("canary-key-4", "canary-value");
    let value = grid.tool().to_bytes("canary-value").unwrap();
    letters::produce(kafka, &refused.name, &[Letter { value: Some(value), ..unknown }, not_pof]);

    let json = [
        ("value.converter", JSON),
        ("value.converter.schemas.enable", "false"),
        ("coherence.ttl.header", "ttl"),
        ("errors.log.enable", "true"),
        ("errors.log.include.messages", "true"),
    ];
    let tolerant = [ALL, (QUEUE, dead_letters.as_str()), CONTEXT, ONE_REPLICA];
    let pass_through = [
        ("coherence.passthrough", "true"),
        ("key.converter", BYTES),
        ("value.converter", BYTES),
        ("errors.log.enable", "true"),
    ];
    let password = [
        ("consumer.override.security.protocol", "SASL_PLAINTEXT"),
        ("consumer.override.sasl.mechanism", "PLAIN"),
        (
            "consumer.override.sasl.jaas.config",
            "org.apache.kafka.common.security.plain.PlainLoginModule required username=\"u\" password=\"${env:PASSWORD_OF_U}\";",
        ),
    ];
    let folder = Folder::new("canary").unwrap();
    let rest = format!("http://127.0.0.1:{}", sandbox::free_port().unwrap());
    let mut command = Command::new(binary().unwrap());
    command.env("RUST_LOG", "debug").env("PASSWORD_OF_U", "canary-password");
    let worker = poisoned.worker(&[("listeners", &rest)]);
    command.arg(write_properties(folder.path(), "worker.properties", &worker).unwrap());
    let flows = [&poisoned, &refused, &failing, &locked_out];
    let settings = [
        [&json[..], &tolerant].concat(),
        [&pass_through[..], &tolerant].concat(),
        json.to_vec(),
        password.to_vec(),
    ];
    for (flow, more) in flows.iter().zip(&settings) {
        let file = format!("{}.properties", flow.name);
        command.arg(write_properties(folder.path(), &file, &flow.connector(more)).unwrap());
    }
    let log = folder.path().join("sink.log");
    let mut process = Process::start("coherence-kafka-sink", command, &log).unwrap();
    process.wait_for_line("sink started", SOON).unwrap();

    for flow in [&poisoned, &refused] {
        let ends = kafka.end_offsets(&flow.name).unwrap();
        eventually(SOON, "all records are done with", || flow.committed(kafka) == ends);
    }
    let state = |flow: &Flow| get(&format!("{rest}/connectors/{}/status", flow.name));
    eventually(SOON, "the strict task fails", || state(&failing).contains("FAILED"));
    let log = || fs::read_to_string(&log).unwrap();
    eventually(SOON, "the password is tried", || log().contains("SASL"));

    let paths = ["", "/status", "/config", "/tasks", "/tasks/0/status", "/topics"];
    for flow in flows {
        for path in paths {
            let url = format!("{rest}/connectors/{}{path}", flow.name);
            assert_silent(&url, &get(&url));
        }
    }
    assert_silent("the list", &get(&format!("{rest}/connectors?expand=status&expand=info")));
    process.stop().unwrap();

    let found = dead(kafka, &dead_letters);
    assert_eq!(found.len(), 6, "four of the poison, two of the refused");
    for letter in found {
        let own: Vec<_> = letter.without_context().headers;
        let context = letter.headers.iter().filter(|header| !own.contains(header));
        for (name, value) in context {
            assert_silent(name, &String::from_utf8_lossy(value.as_deref().unwrap_or_default()));
        }
    }
    let log = log();
    assert!(log.contains("DEBUG"), "this log shows everything");
    assert_silent("the log", &log);
}
