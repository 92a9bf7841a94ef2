//! What the command answers without running anything.

use integration_tests::sink::run;

#[test]
fn the_version_is_that_of_the_package() {
    let output = run(["--version"]).unwrap();
    assert_eq!(output.status.code(), Some(0));
    let expected = format!("coherence-kafka-sink {}\n", env!("CARGO_PKG_VERSION"));
    assert_eq!(String::from_utf8(output.stdout).unwrap(), expected);
}

#[test]
fn help_names_every_command_and_option() {
    let output = run(["--help"]).unwrap();
    assert_eq!(output.status.code(), Some(0));
    let text = String::from_utf8(output.stdout).unwrap();
    for part in [
        "check",
        "demo",
        "mapping",
        "[WORKER]",
        "[CONNECTORS]",
        "--set <KEY=VALUE>",
        "--connector-set",
        "--log-format <FORMAT>",
        "--version",
    ] {
        assert!(text.contains(part), "{part} is not in\n{text}");
    }
    let demo = String::from_utf8(run(["demo", "--help"]).unwrap().stdout).unwrap();
    for part in ["--records", "--keep-running"] {
        assert!(demo.contains(part), "{part} is not in\n{demo}");
    }
}
