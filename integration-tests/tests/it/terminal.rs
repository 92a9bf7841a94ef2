//! What a person at a terminal sees. The embedded broker and maps serve: nothing here is about Kafka or Coherence.

use std::fs;
use std::process::Command;
use std::time::Duration;

use integration_tests::process::Process;
use integration_tests::sandbox::Folder;
use integration_tests::sink;
use integration_tests::wait::eventually;

const DEADLINE: Duration = Duration::from_secs(60);
const DEMO: [&str; 3] = ["demo", "config/demo/worker.properties", "config/demo/connector.properties"];

fn root() -> &'static str {
    concat!(env!("CARGO_MANIFEST_DIR"), "/..")
}

#[test]
fn a_live_line_is_drawn_where_stderr_is_a_terminal_and_nowhere_else() {
    let binary = sink::binary().unwrap();
    let command = format!("{} {}", binary.display(), DEMO.join(" "));
    let at_terminal = Command::new("script")
        .args(["--quiet", "--return", "--command", &command, "/dev/null"])
        .current_dir(root())
        .env("TERM", "xterm")
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&at_terminal.stdout);
    assert!(at_terminal.status.success(), "{text}");
    for part in [" records/s · lag ", " · entries ", " put, ", " removed · errors 0"] {
        assert!(text.contains(part), "no {part:?} in: {text}");
    }
    let elsewhere =
        Command::new(binary).args(DEMO).args(["--records", "20000"]).current_dir(root()).output().unwrap();
    assert!(!String::from_utf8_lossy(&elsewhere.stderr).contains(" records/s · lag "));
}

#[test]
fn a_demo_that_keeps_running_ends_with_a_signal() {
    let folder = Folder::new("demo").unwrap();
    let log = folder.path().join("demo.log");
    let mut command = Command::new(sink::binary().unwrap());
    command.args(DEMO).args(["--records", "1000", "--keep-running"]).current_dir(root());
    let mut demo = Process::start("demo", command, &log).unwrap();
    eventually(DEADLINE, "the report is printed", || {
        fs::read_to_string(&log).unwrap().contains("differences: 0")
    });
    assert!(demo.is_running());
    assert_eq!(demo.stop().unwrap().code(), Some(143));
}
