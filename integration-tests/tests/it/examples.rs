//! The examples, each run against the real grid or the real broker.

use std::env;
use std::io::{BufRead, BufReader};
use std::process::{Command, Stdio};

use integration_tests::kafka::Record;
use integration_tests::sandbox::unique;
use integration_tests::{require_peers, shared};

fn binary_of(example: &str) -> Command {
    let test = env::current_exe().unwrap();
    let binary = test.ancestors().nth(2).unwrap().join("examples").join(example);
    assert!(
        binary.exists(),
        "{} is not there: cargo build --workspace --examples (cargo test --workspace does)",
        binary.display()
    );
    Command::new(binary)
}

/// The example, to be run on the shared grid.
fn command(example: &str, arguments: &[&str]) -> Command {
    let mut command = binary_of(example);
    command.args(arguments).env("COHERENCE_SERVER_ADDRESS", shared::grid().address());
    command
}

/// What the example printed.
fn output_of(example: &str, arguments: &[&str]) -> String {
    printed(&mut command(example, arguments))
}

fn printed(command: &mut Command) -> String {
    let output = command.output().unwrap();
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

#[test]
fn query_asks_about_objects_without_a_class() {
    require_peers!();
    let expected = "adults: [\"Ann\", \"Cid\"]\nyoung in Brno: {\"Bob\": 17, \"Dot\": 8}\noldest: Some(50), \
                    average of the adults: Some(41.5)\nby city: {\"Brno\": 2, \"Prague\": 2}\n";
    assert_eq!(output_of("query", &[]), expected);
}

#[test]
fn processors_change_entries_where_they_are() {
    require_peers!();
    let expected = "was there: false, then: true\npaid: Some(true)\npaid: None\nclosed: [(\"bob\", Some(true))]\n\
                    owners: [(\"ann\", Some(\"Ann\")), (\"bob\", Some(\"Bob\"))]\n";
    assert_eq!(output_of("processors", &[]), expected);
}

/// Key, value and event.
type Stored = (Vec<u8>, Option<Vec<u8>>, String);

/// What the example printed, and each record that it wrote.
fn records_of(example: &str) -> (String, Vec<Stored>) {
    let (kafka, topic) = (shared::kafka(), unique(example));
    kafka.create_topic(&topic, 1).unwrap();
    let output = printed(binary_of(example).args([&kafka.bootstrap(), &topic]));
    let record = |record: Record| {
        let event = record.headers[0].1.clone().unwrap();
        (record.key.unwrap(), record.value, String::from_utf8(event).unwrap())
    };
    (output, kafka.records(&topic).unwrap().into_iter().map(record).collect())
}

/// A text as a complete binary in POF.
fn text(text: &str) -> Vec<u8> {
    [&[0x15, 0x4E, text.len() as u8], text.as_bytes()].concat()
}

#[test]
fn write_through_leaves_a_record_of_each_change() {
    require_peers!();
    let (output, records) = records_of("write_through");
    assert_eq!(output, "2 orders, 5 records acknowledged\n0 calls and 0 records remain\n");
    let mut changes: Vec<_> = records.iter().map(|(_, value, event)| (&event[..], value.clone())).collect();
    // Those of one batch have no order among each other.
    changes[2..4].sort();
    let expected = [
        ("INSERT", Some(text("apples"))),
        ("UPDATE", Some(text("pears"))),
        ("INSERT", Some(text("nuts"))),
        ("INSERT", Some(text("plums"))),
        ("DELETE", None),
    ];
    assert_eq!(changes, expected);
}

#[test]
fn write_behind_leaves_a_record_of_the_newest_of_each_key() {
    require_peers!();
    let (output, records) = records_of("write_behind");
    assert_eq!(output, "1000 visits of home\n3000 changes, 3 records, 0 remain\n");
    let keys: Vec<_> = records.iter().map(|(key, _, event)| (key.clone(), &event[..])).collect();
    assert_eq!(keys, ["home", "news", "about"].map(|page| (text(page), "INSERT")));
}

#[test]
fn own_transform_changes_one_record_and_refuses_another() {
    let expected = "customers: Int64(7)\ncom.example.NumberInKey failed: the key has no number\n";
    assert_eq!(printed(&mut binary_of("own_transform")), expected);
}
