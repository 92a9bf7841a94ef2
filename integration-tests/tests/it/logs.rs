//! The log of a process as a program reads it.

use std::path::Path;
use std::process::{Command, Output};

use integration_tests::sink;
use serde_json::Value;

fn in_json(arguments: &[&str]) -> (Output, Vec<Value>) {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut command = Command::new(sink::binary().unwrap());
    let output = command.args(arguments).current_dir(files).env_remove("RUST_LOG").output().unwrap();
    let log = String::from_utf8(output.stderr.clone()).unwrap();
    let parse = |line: &str| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"));
    let lines = log.lines().map(parse).collect();
    (output, lines)
}

#[test]
fn each_line_of_a_log_in_json_has_a_time_a_level_a_target_and_a_message() {
    let demo = ["demo", "config/demo/worker.properties", "config/demo/connector.properties"];
    let (output, lines) = in_json(&[&demo[..], &["--records", "2000", "--log-format", "json"]].concat());
    assert_eq!(output.status.code(), Some(0));
    assert!(String::from_utf8(output.stdout).unwrap().ends_with("differences: 0\n"));
    for line in &lines {
        for member in ["timestamp", "level", "target", "message"] {
            assert!(line[member].is_string(), "{member} is not in {line}");
        }
    }
    let assigned = lines.iter().find(|line| line["message"] == "partitions assigned").unwrap();
    assert_eq!((&assigned["level"], &assigned["task"]), (&"INFO".into(), &"demo-0".into()));
}

#[test]
fn the_reason_why_a_program_ends_is_a_line_of_a_log_in_json() {
    let (output, lines) = in_json(&["--log-format", "json", "no-such-file.properties"]);
    assert_eq!(output.status.code(), Some(2));
    let last = lines.last().unwrap();
    assert_eq!(
        (&last["level"], &last["message"], &last["exit_code"]),
        (&"ERROR".into(), &"program ends".into(), &2.into())
    );
    assert!(last["error"].as_str().unwrap().contains("no-such-file.properties"), "{last}");
}
