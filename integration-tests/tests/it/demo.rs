//! The demo as its users run it, inside one process.

use std::path::Path;
use std::process::{Command, Output};
use std::time::Duration;

use integration_tests::process::Process;
use integration_tests::sandbox::{Folder, free_port};
use integration_tests::sink::{self, metric};
use integration_tests::wait::eventually;

pub(super) const SOON: Duration = Duration::from_secs(60);

/// The demo on its own files, with few records; a port of its own for what looks at it.
pub(super) fn demo(more: &[&str]) -> Command {
    let files = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/demo");
    let mut command = Command::new(sink::binary().unwrap());
    command.arg("demo").arg(files.join("worker.properties")).arg(files.join("connector.properties"));
    command.args(["--records", "2000"]).args(more);
    command
}

fn text(output: &Output) -> String {
    [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes).into_owned()).concat()
}

/// A connector that writes the orders elsewhere: every one of them is missing.
const ELSEWHERE: [&str; 2] =
    ["--connector-set", "coherence.cache.mappings=orders->Elsewhere,customers->Customers"];

#[test]
fn a_demo_whose_maps_differ_from_the_model_ends_with_1() {
    let output = demo(&ELSEWHERE).output().unwrap();
    let text = text(&output);
    assert_eq!(output.status.code(), Some(1), "{text}");
    let differences = text.lines().find_map(|line| line.strip_prefix("differences: ")).unwrap();
    assert!(differences.parse::<u64>().unwrap() > 100, "{text}");
}

/// Starts a demo that keeps running, waits until records flow again behind the report, and ends it with Ctrl-C.
fn keep_running(more: &[&str]) -> (Option<i32>, String) {
    let port = free_port().unwrap();
    let listeners = format!("listeners=http://127.0.0.1:{port}");
    let folder = Folder::new("demo").unwrap();
    let log = folder.path().join("demo.log");
    let command = demo(&[&["--keep-running", "--set", &listeners], more].concat());
    let mut demo = Process::start("the demo", command, &log).unwrap();
    demo.wait_for_line("records keep flowing through the broker at 127.0.0.1:", SOON).unwrap();
    let confirmed = || {
        let text = ureq::get(&format!("http://127.0.0.1:{port}/metrics")).call().unwrap();
        let text = text.into_body().read_to_string().unwrap();
        metric(&text, "coherence_kafka_sink_records_confirmed_total", "connector=\"demo\"").unwrap()
    };
    // More than one burst of them.
    eventually(SOON, "records go on flowing", || confirmed() > 4_000);
    let status = demo.interrupt().unwrap();
    (status.code(), std::fs::read_to_string(&log).unwrap())
}

#[test]
fn a_demo_that_keeps_running_goes_on_moving_records_until_ctrl_c() {
    let (code, log) = keep_running(&[]);
    assert_eq!(code, Some(130), "{log}");
    assert!(log.contains("differences: 0"), "{log}");
}

#[test]
fn a_demo_that_keeps_running_does_not_forget_the_differences() {
    let (code, log) = keep_running(&ELSEWHERE);
    assert_eq!(code, Some(1), "{log}");
}
