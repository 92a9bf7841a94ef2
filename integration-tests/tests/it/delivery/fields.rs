//! Maps named by rules, and keys and expiries in fields of the value, on a real grid.

use std::time::Duration;

use integration_tests::grid::Stays;
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, SOON};

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
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
