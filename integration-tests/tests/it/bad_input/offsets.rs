//! A partition without an offset to read from, where the settings forbid to choose one.

use integration_tests::{require_peers, shared};

use crate::flow::{Flow, SOON};

/// The setting as Java's users write it.
const NONE: &[(&str, &str)] = &[("consumer.override.auto.offset.reset", "none")];

#[test]
fn a_partition_without_a_committed_offset_fails_the_task_by_name_where_none_may_be_chosen() {
    require_peers!();
    let kafka = shared::kafka();
    let flow = Flow::new(kafka, shared::grid(), "no-offset", 1);
    kafka.produce(&flow.name, [(Some("k"), Some("v"))]).unwrap();
    let sink = flow.start(&[], NONE);
    assert_no_offset(&flow, &flow.failure(&sink));
    assert_eq!(flow.committed(kafka), [0], "nothing is read");

    flow.replace(&sink, &[]);
    flow.assert_delivered(kafka, &sink, SOON);
}

#[test]
fn an_offset_that_the_broker_does_not_have_fails_the_task_by_name_where_none_may_be_chosen() {
    require_peers!();
    let kafka = shared::kafka();
    let flow = Flow::new(kafka, shared::grid(), "out-of-range", 1);
    kafka.produce(&flow.name, [(Some("k"), Some("v"))]).unwrap();
    kafka.commit(&format!("connect-{}", flow.name), &flow.name, 0, 1_000).unwrap();
    let sink = flow.start(&[], NONE);
    assert_no_offset(&flow, &flow.failure(&sink));
    assert_eq!(flow.committed(kafka), [1_000], "the committed offset stays");

    flow.replace(&sink, &[]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(shared::grid().tool().get(&flow.name, "k").unwrap().unwrap().text, "v");
}

#[track_caller]
fn assert_no_offset(flow: &Flow, failure: &str) {
    let partition = format!("{}-0: ", flow.name);
    for part in [
        "no offset to read from",
        &partition,
        "auto.offset.reset=none",
        "earliest or latest",
        "--reset-offsets",
    ] {
        assert!(failure.contains(part), "{part:?} is not in {failure}");
    }
}
