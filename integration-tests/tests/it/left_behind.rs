//! What the harness itself promises: no process outlives the tests, and who has no peers is told what was left out.

use std::net::TcpStream;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use integration_tests::process::{Process, is_gone};
use integration_tests::require_peers;
use integration_tests::sandbox::Folder;
use integration_tests::wait::within;

use crate::flow::SOON;

const START: Duration = Duration::from_secs(180);

fn sleeper(folder: &Path) -> Process {
    let mut command = Command::new("sleep");
    command.arg("1000");
    Process::start("a sleeper", command, &folder.join("sleeper.log")).unwrap()
}

#[test]
fn a_test_that_panics_leaves_no_process_behind() {
    let folder = Folder::new("panics").unwrap();
    let (send, id) = std::sync::mpsc::channel();
    let path = folder.path().to_owned();
    let test = std::thread::spawn(move || {
        let sleeper = sleeper(&path);
        send.send(sleeper.id()).unwrap();
        std::panic::resume_unwind(Box::new("as a failed assertion would"));
    });
    let id = id.recv().unwrap();
    assert!(test.join().is_err());
    assert!(is_gone(id));
}

const ABORTS: &str = "COHERENCE_KAFKA_TEST_ABORTS";

#[test]
fn a_test_process_that_is_aborted_leaves_no_process_behind() {
    if std::env::var_os(ABORTS).is_some() {
        // The same test, in the process that is to be aborted.
        let folder = Folder::new("aborts").unwrap();
        println!("child {}", sleeper(folder.path()).id());
        std::process::abort();
    }
    let mut test = Command::new(std::env::current_exe().unwrap());
    let name = "left_behind::a_test_process_that_is_aborted_leaves_no_process_behind";
    let output = test.args(["--exact", name, "--nocapture"]).env(ABORTS, "1").output().unwrap();
    assert!(!output.status.success());
    let text = String::from_utf8(output.stdout).unwrap();
    let child = text.lines().find_map(|line| line.split_once("child ")).unwrap().1;
    let child = child.trim().parse().unwrap();
    assert!(within(SOON, || is_gone(child)), "{child} is left");
}

#[test]
fn tests_without_peers_are_skipped_aloud_and_counted_by_make() {
    let name = "peers::a_topic_is_never_created_by_accident";
    let mut test = Command::new(std::env::current_exe().unwrap());
    let output = test.args(["--exact", name]).env("COHERENCE_KAFKA_PEERS", "off").output().unwrap();
    assert!(output.status.success());
    let skipped = "SKIPPED (COHERENCE_KAFKA_PEERS=off)";
    let text = String::from_utf8(output.stderr).unwrap();
    let line = text.lines().find(|line| line.starts_with(skipped));
    assert!(line.is_some_and(|line| line.ends_with(name)), "{text}");
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("../scripts/test");
    assert!(std::fs::read_to_string(script).unwrap().contains(&format!("grep -c '{skipped}'")));
}

/// The processes that a process has started, and those that they have.
fn children(id: u32) -> Vec<u32> {
    let file = format!("/proc/{id}/task");
    let threads = std::fs::read_dir(file).into_iter().flatten().flatten();
    let of_thread = |thread: std::fs::DirEntry| {
        std::fs::read_to_string(thread.path().join("children")).unwrap_or_default()
    };
    let text: Vec<String> = threads.map(of_thread).collect();
    let direct: Vec<u32> =
        text.iter().flat_map(|ids| ids.split_whitespace()).map(|id| id.parse().unwrap()).collect();
    direct.iter().copied().chain(direct.iter().flat_map(|id| children(*id))).collect()
}

/// `make peers`, up and running: its process, the addresses that it printed, and what it has started.
fn peers(folder: &Folder) -> (Process, Vec<String>, Vec<u32>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_peers"));
    command.stdin(Stdio::null());
    let log = folder.path().join("peers.log");
    let mut peers = Process::start("the peers", command, &log).unwrap();
    peers.wait_for_line("Ctrl-C stops both", START).unwrap();
    let text = std::fs::read_to_string(&log).unwrap();
    let address = |name: &str| text.lines().find_map(|line| line.strip_prefix(name)).unwrap().to_owned();
    let addresses = vec![address("kafka: "), address("grid: ")];
    for address in &addresses {
        TcpStream::connect(address).unwrap();
    }
    let started = children(peers.id());
    assert!(started.len() >= 2, "a broker and a grid: {started:?}");
    (peers, addresses, started)
}

#[test]
fn make_peers_says_where_they_are_and_ends_them_on_a_signal() {
    require_peers!();
    let makefile = Path::new(env!("CARGO_MANIFEST_DIR")).join("../Makefile");
    assert!(
        std::fs::read_to_string(makefile)
            .unwrap()
            .contains("cargo run -q -p integration-tests --bin peers\n")
    );
    let folder = Folder::new("peers").unwrap();
    let (process, addresses, started) = peers(&folder);
    assert_eq!(process.stop().unwrap().code(), Some(0));
    for address in addresses {
        assert!(TcpStream::connect(&address).is_err(), "{address} is still served");
    }
    assert!(within(SOON, || started.iter().all(|id| is_gone(*id))), "{started:?}");

    // As a crash, or a terminal that is closed, would end it.
    let (process, _, started) = peers(&folder);
    process.kill().unwrap();
    assert!(within(SOON, || started.iter().all(|id| is_gone(*id))), "{started:?}");
}
