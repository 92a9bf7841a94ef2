//! What becomes of null keys and null values, and how long entries stay.

use std::time::Duration;

use integration_tests::grid::{Contents, Stays};
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::letters::{self, ALL, Letter, ONE_REPLICA, QUEUE, dead, queue};
use crate::flow::{Flow, SOON};

#[test]
fn a_null_key_fails_the_task_where_that_is_asked_for() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "null-key-fails", 1);
    let records = [(Some("a"), Some("1")), (None, Some("2")), (Some("b"), Some("3"))];
    kafka.produce(&flow.name, records).unwrap();
    let sink = flow.start(&[], &[("behavior.on.null.keys", "fail")]);
    let failure = flow.failure(&sink);
    assert!(failure.starts_with(&format!("record {}-0 at offset 1: ", flow.name)), "{failure}");
    assert_eq!(flow.committed(kafka), [1]);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), Contents::from_iter([("a", "1")]));
}

#[test]
fn an_ignored_null_key_goes_to_the_queue_under_either_tolerance() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "null-key-queued", 1), queue());
    let without_key = Letter { key: None, ..Letter::new("", "2") };
    let records = [Letter::new("a", "1"), without_key.clone(), Letter::new("b", "3")];
    letters::produce(kafka, &flow.name, &records);
    let sink = flow.start(&[], &[(QUEUE, &queue), ONE_REPLICA]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(dead(kafka, &queue), [without_key]);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), Contents::from_iter([("a", "1"), ("b", "3")]));
}

#[test]
fn an_ignored_null_value_leaves_the_entry() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "null-value-ignored", 1);
    let records = [(Some("a"), Some("1")), (Some("a"), None), (Some("b"), None), (Some("c"), Some("2"))];
    kafka.produce(&flow.name, records).unwrap();
    let sink = flow.start(&[], &[("behavior.on.null.values", "ignore")]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), Contents::from_iter([("a", "1"), ("c", "2")]));
}

#[test]
fn entries_stay_as_long_as_their_topic_or_their_header_says() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "expiry", 1), queue());
    let with_header = |key: &str, millis: &str| Letter {
        headers: vec![("ttl".to_owned(), Some(millis.as_bytes().to_vec()))],
        ..Letter::new(key, "v")
    };
    let bad = with_header("bad", "soon");
    let records = [
        Letter::new("topic", "v"),
        with_header("hour", "3600000"),
        with_header("never", "-1"),
        bad.clone(),
        with_header("short", "1500"),
    ];
    letters::produce(kafka, &flow.name, &records);
    let of_topic = format!("coherence.ttl.ms.{}", flow.name);
    let expiry = [("coherence.ttl.ms", "1"), (of_topic.as_str(), "600000"), ("coherence.ttl.header", "ttl")];
    let sink = flow.start(&[], &[&expiry[..], &[ALL, (QUEUE, &queue), ONE_REPLICA]].concat());
    flow.assert_delivered(kafka, &sink, SOON);

    let tool = grid.tool();
    let minutes = |key: &str| match tool.stays(&flow.name, key).unwrap() {
        Some(Stays::For(time)) => time.as_secs() / 60,
        other => panic!("{key} stays {other:?}"),
    };
    assert!((8..=10).contains(&minutes("topic")), "{}", minutes("topic"));
    assert!((58..=60).contains(&minutes("hour")), "{}", minutes("hour"));
    assert_eq!(tool.stays(&flow.name, "never").unwrap(), Some(Stays::ForEver));
    eventually(SOON, "the short one goes", || tool.get(&flow.name, "short").unwrap().is_none());
    assert_eq!(tool.size(&flow.name).unwrap(), 3);
    assert_eq!(dead(kafka, &queue), [bad]);
}

#[test]
fn a_fixed_expiry_holds_for_every_entry() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "expiry-fixed", 1);
    let sink = flow.start(&[], &[("coherence.ttl.ms", "60000")]);
    kafka.produce(&flow.name, (0..100).map(|n| (Some(format!("k{n}")), Some("v")))).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    for key in ["k0", "k99"] {
        let stays = grid.tool().stays(&flow.name, key).unwrap();
        assert!(matches!(stays, Some(Stays::For(time)) if time <= Duration::from_secs(60)), "{stays:?}");
    }
}
