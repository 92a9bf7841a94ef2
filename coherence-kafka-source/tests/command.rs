//! The command itself, without Kafka and grid. Cargo builds it for the integration tests of the workspace because this
//! file is here.

use std::io::Write as _;
use std::process::{Command, Output, Stdio};

fn command(arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence-kafka-source"));
    command.args(arguments).output().expect("the command starts")
}

#[test]
fn a_version_is_an_answer_and_a_missing_file_is_not() {
    let version = command(&["--version"]);
    assert_eq!(version.status.code(), Some(0));
    assert!(String::from_utf8_lossy(&version.stdout).contains(env!("CARGO_PKG_VERSION")));
    let nothing = command(&[]);
    assert_eq!(nothing.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&nothing.stderr).starts_with("usage: "));
}

#[test]
fn all_that_is_missing_is_told_at_once() {
    let refused = command(&["--set", "name=alone"]);
    assert_eq!(refused.status.code(), Some(2));
    let told = String::from_utf8_lossy(&refused.stderr);
    assert!(told.contains("bootstrap.servers") && told.contains("coherence.cache.mappings"), "{told}");
}

#[test]
fn a_file_may_be_a_pipe_which_can_be_read_only_once() {
    let mut command = Command::new(env!("CARGO_BIN_EXE_coherence-kafka-source"));
    command.arg("/dev/stdin").stdin(Stdio::piped()).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut running = command.spawn().expect("the command starts");
    let settings = b"bootstrap.servers=127.0.0.1:1\ncoherence.cache.mappings=a=>b\n";
    running.stdin.take().unwrap().write_all(settings).unwrap();
    let refused = running.wait_with_output().unwrap();
    assert_eq!(refused.status.code(), Some(2));
    let text = String::from_utf8_lossy(&refused.stderr);
    assert!(text.contains("/dev/stdin:2: coherence.cache.mappings"), "{text}");
    assert!(!text.contains("bootstrap.servers"), "{text}");
}
