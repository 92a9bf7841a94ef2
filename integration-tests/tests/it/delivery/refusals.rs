//! Records that the grid refuses.

use integration_tests::grid::Contents;
use integration_tests::{require_peers, shared};

use super::letters::{self, ALL, CONTEXT, Letter, ONE_REPLICA, QUEUE, dead, queue};
use crate::flow::{Flow, SOON};

const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
pub const PASS_THROUGH: [(&str, &str); 3] =
    [("coherence.passthrough", "true"), ("key.converter", BYTES), ("value.converter", BYTES)];

/// POF of a user type that the grid has not: type 5555, version 0, no properties.
pub const UNKNOWN_TYPE: [u8; 5] = [0x15, 0xB3, 0x56, 0x00, 0x40];
const CULPRIT: i64 = 137;

/// A number under itself; the culprit's key is of a type that the grid does not know.
fn records() -> Vec<Letter> {
    let tool = shared::grid().tool();
    let pof = |n: i64| tool.to_bytes(n).unwrap();
    let record = |n: i64| {
        let key = if n == CULPRIT { UNKNOWN_TYPE.to_vec() } else { pof(n) };
        Letter { key: Some(key), ..Letter::new("", pof(n)) }
    };
    (0..300).map(record).collect()
}

fn contents(numbers: impl Iterator<Item = i64>) -> Contents {
    numbers.map(|n| (n.to_string(), n.to_string())).collect()
}

#[test]
fn of_the_records_of_a_refused_write_only_the_culprit_goes_to_the_queue() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "refused", 1), queue());
    let records = records();
    letters::produce(kafka, &flow.name, &records);
    let policy = [ALL, (QUEUE, queue.as_str()), CONTEXT, ONE_REPLICA];
    let sink = flow.start(&[], &[&PASS_THROUGH[..], &policy].concat());
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), contents((0..300).filter(|&n| n != CULPRIT)));
    let found = dead(kafka, &queue);
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].without_context(), records[usize::try_from(CULPRIT).unwrap()]);
    assert_eq!(found[0].context("stage"), "TASK_PUT");
    assert_eq!(found[0].context("offset"), CULPRIT.to_string());
}

#[test]
fn a_record_that_the_grid_refuses_fails_the_task_and_nothing_behind_it_is_committed() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "refused", 1);
    letters::produce(kafka, &flow.name, &records());
    let sink = flow.start(&[], &PASS_THROUGH);
    let failure = flow.failure(&sink);
    let place = format!("record {}-0 at offset {CULPRIT}: ", flow.name);
    assert!(failure.starts_with(&place) && failure.contains("unknown user type"), "{failure}");
    assert_eq!(flow.committed(kafka), [CULPRIT]);
    let entries = grid.tool().entries(&flow.name).unwrap();
    assert!((0..CULPRIT).all(|n| entries.contains_key(&n.to_string())), "what came before it is written");
}
