//! Maps named by rules, and keys and expiries in fields of the value, on a real grid, and versions that it compares.

use std::time::Duration;

use integration_tests::grid::Stays;
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, SOON};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const TEXT: &str = "java.lang.String(text)=java.lang.String";
const WORKER: [(&str, &str); 4] = [
    ("key.converter", JSON),
    ("key.converter.schemas.enable", "false"),
    ("value.converter", JSON),
    ("value.converter.schemas.enable", "false"),
];

#[test]
fn java_finds_entries_in_the_map_of_a_rule_by_a_key_of_fields_and_with_the_expiry_of_a_field() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "by-fields", 1);
    let map = format!("{}-map", flow.name);
    let sink = flow.start(
        &WORKER,
        &[
            ("coherence.cache.rules", "all"),
            ("coherence.cache.rules.all.regex", "(.*)"),
            ("coherence.cache.rules.all.replacement", "$1-map"),
            ("coherence.key.fields", "meta.id"),
            ("coherence.ttl.field", "meta.ttl"),
        ],
    );
    let row = |id: u32, ttl: &str| format!(r#"{{"meta":{{"id":{id},"ttl":{ttl}}}}}"#);
    let puts =
        [(7, "600000"), (8, "null"), (9, "\"-1\"")].map(|(id, ttl)| (None::<String>, Some(row(id, ttl))));
    kafka.produce(&flow.name, puts).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    let tool = grid.tool();
    assert_eq!(tool.size(&map).unwrap(), 3);
    match tool.stays(&map, 7_i64).unwrap() {
        Some(Stays::For(time)) => assert!(time <= Duration::from_secs(600), "{time:?}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(tool.stays(&map, 8_i64).unwrap(), Some(Stays::ForEver));
    // The key of a tombstone has the fields of the values.
    kafka.produce(&flow.name, [(Some(row(7, "null")), None::<String>)]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(tool.get(&map, 7_i64).unwrap(), None);
    assert_eq!(tool.size(&map).unwrap(), 2);
}

#[test]
fn a_smaller_version_never_replaces_a_greater_one_and_an_equal_one_does() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "versions", 1);
    let sink = flow.start(
        &WORKER,
        &[
            ("coherence.key.fields", "id"),
            ("coherence.version.field", "meta.version"),
            ("behavior.on.null.values", "ignore"),
        ],
    );
    let text = || {
        let entries = grid.tool().entries(&flow.name).unwrap();
        let (_, text) = entries["a"].rsplit_once(TEXT).unwrap();
        text.split([')', '(']).nth(1).unwrap().to_owned()
    };
    let row = |version: &str, text: &str| {
        (None::<String>, Some(format!(r#"{{"id":"a","meta":{{"version":{version}}},"text":"{text}"}}"#)))
    };
    // Numbers of one byte and of eight, in batches of one record and of several.
    for (rows, expected) in [
        (&[("5", "first")][..], "first"),
        (&[("4", "older")], "first"),
        (&[("5", "again")], "again"),
        (&[("3000000000", "newer"), ("7", "older")], "newer"),
        (&[("2999999999", "older"), ("-1", "older")], "newer"),
        (&[("3000000001", "newest")], "newest"),
    ] {
        kafka.produce(&flow.name, rows.iter().map(|(version, text)| row(version, text))).unwrap();
        flow.assert_delivered(kafka, &sink, SOON);
        assert_eq!(text(), expected, "{rows:?}");
    }
}
