//! The examples of `coherence-client`, each run against the real grid.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use integration_tests::sandbox::unique;
use integration_tests::{require_peers, shared};

/// The example, to be run on the shared grid.
fn command(example: &str, arguments: &[&str]) -> Command {
    let test = env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap().join("examples").join(example);
    assert!(
        binary.exists(),
        "{} is not there: cargo build -p coherence-client --examples (cargo test --workspace does)",
        binary.display()
    );
    let mut command = Command::new(binary);
    command.args(arguments).env("COHERENCE_SERVER_ADDRESS", shared::grid().address());
    command
}

/// What the example printed.
fn output_of(example: &str, arguments: &[&str]) -> String {
    let output = command(example, arguments).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn quickstart_writes_reads_and_removes() {
    require_peers!();
    let expected = "3 entries, nuts: Some(500)\n519 pieces\nnuts were Some(500), and are removed at Some(499)\nempty again: true\n";
    assert_eq!(output_of("quickstart", &[]), expected);
}

#[test]
fn typed_writes_objects_that_java_reads() {
    require_peers!();
    assert_eq!(output_of("typed", &[]), "was Some(Red)\nis the same: true\n");
    let team = shared::grid().tool().get("typed-teams", 1_i32).unwrap().unwrap();
    let ann = "Person{Ann, 50, Address{null, Prague}}";
    let text = format!("Team{{Owls, GREEN, {ann}, [{ann}], {{home=3}}, 2, 0.5, true}}");
    assert_eq!((team.class.as_str(), team.text), ("Team", text));
}

#[test]
fn listen_tells_what_java_does() {
    require_peers!();
    let (tool, map) = (shared::grid().tool(), unique("listen"));
    let mut example = command("listen", &[&map]).stdout(Stdio::piped()).spawn().unwrap();
    let mut lines = BufReader::new(example.stdout.take().unwrap()).lines();
    let mut told = || lines.next().unwrap().unwrap();
    assert_eq!(told(), format!("listening to {map}"));
    tool.put(&map, "a", "1").unwrap();
    assert_eq!(told(), r#"Inserted a: None -> Some("1")"#);
    tool.put(&map, "a", "2").unwrap();
    assert_eq!(told(), r#"Updated a: Some("1") -> Some("2")"#);
    tool.put(&map, "a", 3_i32).unwrap();
    assert!(told().starts_with("not a text: value: pof: "));
    tool.remove(&map, "a").unwrap();
    assert!(told().starts_with("not a text: value: pof: "));
    tool.truncate(&map).unwrap();
    assert_eq!(told(), "everything is gone");
    tool.put(&map, "stop", "").unwrap();
    assert!(example.wait().unwrap().success());
}

#[test]
fn bulk_load_fills_a_map() {
    require_peers!();
    let output = output_of("bulk_load", &["25500"]);
    assert_eq!(output.lines().next(), Some("25500 entries in the map"));
    let tool = shared::grid().tool();
    assert_eq!(tool.size("bulk-load").unwrap(), 25_500);
    assert_eq!(tool.get("bulk-load", "order-25499").unwrap().unwrap().text, "25499");
    tool.truncate("bulk-load").unwrap();
}
