//! What the documents show is run: each command, each configuration file, each block of code.
//!
//! Blocks of Rust are doctests of this crate's library. Commands run as they are written, in a shell, with the
//! addresses of the test's own peers in place of `localhost:9092`, `localhost:1408` and `localhost:8083`.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::time::Duration;

use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::peers::require_peers;
use integration_tests::process::Process;
use integration_tests::sandbox::{self, Folder};
use integration_tests::wait::eventually;
use integration_tests::{shared, sink};

const DEADLINE: Duration = Duration::from_secs(60);

pub(super) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// Every document, in the order of their names.
fn documents() -> Vec<(PathBuf, String)> {
    let mut files: Vec<PathBuf> = [root().to_owned(), root().join("docs")]
        .iter()
        .flat_map(|folder| fs::read_dir(folder).unwrap())
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|e| e == "md"))
        .collect();
    files.sort();
    files.into_iter().map(|file| (file.clone(), fs::read_to_string(file).unwrap())).collect()
}

/// The blocks of one language: the line before the block, and its text.
pub(super) fn blocks<'a>(document: &'a str, language: &str) -> Vec<(&'a str, String)> {
    let fence = format!("```{language}");
    let mut blocks = Vec::new();
    let mut before = "";
    let mut lines = document.lines();
    while let Some(line) = lines.next() {
        if line == fence {
            let text =
                lines.by_ref().take_while(|line| *line != "```").map(|line| format!("{line}\n")).collect();
            blocks.push((before, text));
        }
        before = line;
    }
    blocks
}

fn commands() -> Vec<String> {
    let documents = documents();
    let blocks = documents.iter().flat_map(|(_, text)| blocks(text, "console"));
    blocks.flat_map(|(_, text)| text.lines().map(str::to_owned).collect::<Vec<_>>()).collect()
}

#[test]
fn a_configuration_shown_in_a_document_is_the_file_that_it_names() {
    for (file, text) in documents() {
        for language in ["properties", "json", "toml", "xml"] {
            for (before, block) in blocks(&text, language) {
                let name = before.strip_prefix("<!-- ").and_then(|b| b.strip_suffix(" -->"));
                let name =
                    name.unwrap_or_else(|| panic!("{}: a block of {language} names no file", file.display()));
                let shown = fs::read_to_string(root().join(name)).unwrap();
                assert_eq!(block, shown, "{} shows another {name}", file.display());
            }
        }
    }
}

#[test]
fn every_make_command_shown_is_a_target() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let ci = fs::read_to_string(root().join(".ci/run")).unwrap();
    for command in commands().iter().filter_map(|c| c.strip_prefix("make ")) {
        assert!(makefile.contains(&format!("\n{command}: ")), "there is no target {command}");
        // The demo is run by the next test; everything else by continuous integration.
        assert!(
            command == "demo" || ci.contains(&format!("make {command}")),
            "make {command} is run by nobody"
        );
    }
}

#[test]
fn the_demo_ends_without_differences() {
    let makefile = fs::read_to_string(root().join("Makefile")).unwrap();
    let (_, arguments) = makefile.split_once("-p coherence-kafka-sink -- ").unwrap();
    let arguments: Vec<&str> = arguments.lines().next().unwrap().split_whitespace().collect();
    assert_eq!(arguments[0], "demo");
    let output = Command::new(sink::binary().unwrap()).args(&arguments).current_dir(root()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert_eq!(text.lines().last(), Some("differences: 0"), "{text}");
}

/// The peers of the commands, and the sink that the last command has started.
struct Reader {
    kafka: Kafka,
    rest: String,
    folder: Folder,
    running: Option<Process>,
}

impl Reader {
    /// A command as it is written. `curl` fails where the answer is an error, which it does not by itself.
    fn shell(&self, command: &str) -> Command {
        let command = command
            .replace("localhost:9092", &self.kafka.bootstrap())
            .replace("http://localhost:8083", &self.rest);
        let folder = sink::binary().unwrap().parent().unwrap().to_owned();
        fs::write(self.folder.path().join(".curlrc"), "fail-with-body\nsilent\nshow-error\n").unwrap();
        let mut shell = Command::new("bash");
        shell
            .args(["-c", &format!("exec env {command}")])
            .current_dir(root())
            .env("CURL_HOME", self.folder.path())
            .env("PATH", format!("{}:{}", folder.display(), std::env::var("PATH").unwrap()))
            .env("CONNECT_BOOTSTRAP_SERVERS", self.kafka.bootstrap())
            .env("KAFKA_BOOTSTRAP_SERVERS", self.kafka.bootstrap())
            .env("CONNECT_LISTENERS", &self.rest)
            .env("CONNECT_COHERENCE_SESSION_ADDRESS", shared::grid().address())
            .env("CONNECTOR_COHERENCE_SESSION_ADDRESS", shared::grid().address());
        shell
    }

    fn output(&self, command: &str) -> Output {
        let output = self.shell(command).output().unwrap();
        let text =
            format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
        assert!(output.status.success(), "{command}\n{text}");
        output
    }

    fn start(&mut self, command: &str) {
        self.stop();
        let log = self.folder.path().join("sink.log");
        let mut process = Process::start(command, self.shell(command), &log).unwrap();
        let started = if command.contains("kafka-source") { "source started" } else { "sink started" };
        process.wait_for_line(started, DEADLINE).unwrap();
        self.running = Some(process);
    }

    fn stop(&mut self) {
        if let Some(process) = self.running.take() {
            let status = process.stop().unwrap();
            assert_eq!(status.code(), Some(143), "ended by SIGTERM");
        }
    }
}

#[test]
fn every_command_shown_works_as_written() {
    if !require_peers("every_command_shown_works_as_written") {
        return;
    }
    let kafka = Kafka::start(KafkaOptions::default()).unwrap();
    for topic in
        ["orders", "orders-binary", "orders-published", "invoices", "stock-eu", "stock-us", "MyTopic"]
    {
        kafka.create_topic(topic, 2).unwrap();
    }
    let rest = format!("http://127.0.0.1:{}", sandbox::free_port().unwrap());
    let mut reader = Reader { kafka, rest, folder: Folder::new("docs").unwrap(), running: None };
    let arrives = |reader: &Reader, topic: &str, map: &str, key: &str, value: &str| {
        // Of this command alone: what an earlier one has moved proves nothing.
        reader.kafka.produce(topic, [(Some(key), Some(value))]).unwrap();
        eventually(DEADLINE, "the record is in the map", || {
            shared::grid().tool().get(map, key).unwrap().is_some()
        });
    };
    for (number, command) in commands().into_iter().enumerate() {
        let words = command.split_whitespace().find(|word| !word.contains('='));
        let key = format!("docs-{number}");
        match (words, command.contains(" check ")) {
            (Some("make"), _) => {}
            (Some("coherence-kafka-sink"), true) if command.contains(" mapping check ") => {
                let output = reader.output(&command);
                let text = String::from_utf8(output.stdout).unwrap();
                assert!(text.lines().all(|line| line.starts_with("ok ")), "{text}");
            }
            (Some("coherence-kafka-sink"), true) => {
                let output = reader.output(&command);
                let text = String::from_utf8(output.stdout).unwrap();
                assert!(text.contains("ok       kafka: reached"), "{text}");
            }
            (Some("coherence-kafka-sink"), false) => {
                reader.start(&command);
                if command.contains("sink.properties") {
                    arrives(&reader, "orders", "Orders", &key, r#"{"total":12.5}"#);
                }
            }
            (Some("coherence-kafka-source"), true) => {
                reader.output(&command);
            }
            (Some("coherence-kafka-source"), false) if command.contains("--once") => {
                // Two sources of one name would not publish at once.
                reader.stop();
                let told = String::from_utf8(reader.output(&command).stdout).unwrap();
                assert!(told.starts_with("1 map(s), "), "{told}");
            }
            (Some("coherence-kafka-source"), false) => reader.start(&command),
            (Some("curl"), _) => {
                let output = reader.output(&command);
                let text = String::from_utf8(output.stdout).unwrap();
                let expected = match command.split_once("http://localhost:8083").unwrap().1 {
                    "/connectors" => {
                        arrives(&reader, "MyTopic", "MyCache", &key, "created by curl");
                        "\"name\":\"my-sink\""
                    }
                    "/connectors/my-sink/status" => "\"state\":\"RUNNING\"",
                    "/connectors/my-sink" => {
                        let status = format!("{}/connectors/my-sink/status", reader.rest);
                        assert!(ureq::get(&status).call().is_err(), "{command}: it is still there");
                        ""
                    }
                    "/metrics" => "# EOF",
                    "/ui" => "<title>Connectors</title>",
                    path => panic!("nobody knows what to expect of {path}"),
                };
                assert!(text.contains(expected), "{command}: {expected} is not in\n{text}");
            }
            _ => panic!("nobody knows how to run: {command}"),
        }
    }
    reader.stop();
}

#[test]
fn the_pass_through_example_moves_binaries() {
    if !require_peers("the_pass_through_example_moves_binaries") {
        return;
    }
    let kafka = Kafka::start(KafkaOptions::default()).unwrap();
    kafka.create_topic("orders-binary", 2).unwrap();
    let tool = shared::grid().tool();
    let (key, value) = (tool.to_bytes("docs-2").unwrap(), tool.to_bytes(42_i64).unwrap());
    kafka.produce("orders-binary", [(Some(key), Some(value))]).unwrap();
    let rest = format!("http://127.0.0.1:{}", sandbox::free_port().unwrap());
    let mut reader = Reader { kafka, rest, folder: Folder::new("docs").unwrap(), running: None };
    reader.start("coherence-kafka-sink config/examples/pass-through.properties");
    eventually(DEADLINE, "the binary is in the map", || {
        tool.get("OrdersBinary", "docs-2")
            .unwrap()
            .is_some_and(|v| v.class == "java.lang.Long" && v.text == "42")
    });
    reader.stop();
}

#[test]
fn the_demo_between_real_peers_ends_without_differences() {
    if !require_peers("the_demo_between_real_peers_ends_without_differences") {
        return;
    }
    let output = Command::new(env!("CARGO_BIN_EXE_demo-real"))
        .args(["--records", "5000"])
        .current_dir(root())
        .output();
    let output = output.unwrap();
    let text =
        format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    assert_eq!(output.status.code(), Some(0), "{text}");
    assert!(text.lines().any(|line| line == "differences: 0"), "{text}");
}
