//! The examples of `coherence-client`, each run against the real grid.

use std::env;
use std::process::Command;

use integration_tests::{require_peers, shared};

/// What the example printed.
fn output_of(example: &str, arguments: &[&str]) -> String {
    let test = env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap().join("examples").join(example);
    assert!(
        binary.exists(),
        "{} is not there: cargo build -p coherence-client --examples (cargo test --workspace does)",
        binary.display()
    );
    let mut command = Command::new(binary);
    let output =
        command.args(arguments).env("COHERENCE_SERVER_ADDRESS", shared::grid().address()).output().unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    text
}

#[test]
fn quickstart_writes_reads_and_removes() {
    require_peers!();
    assert_eq!(output_of("quickstart", &[]), "3 entries\nnuts: Int64(500)\n519 pieces\nempty again: true\n");
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
