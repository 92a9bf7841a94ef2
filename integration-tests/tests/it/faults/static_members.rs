//! Members with a name of their own (`group.instance.id`).

use integration_tests::sink::Sink;
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};

use super::history::History;
use super::{ASSIGNED, REVOKED, SMALL, ends_as, moves_on, paced, times};
use crate::flow::{Flow, Model, SOON};

/// Long enough to come back.
const SESSION: (&str, &str) = ("consumer.session.timeout.ms", "30000");

fn start(flow: &Flow, id: &str) -> Sink {
    let sink = flow.start(&[SESSION, ("consumer.group.instance.id", id)], &[SMALL]);
    eventually(SOON, "the sink has partitions", || times(&sink, ASSIGNED) > 0);
    sink
}

/// The partitions that a sink was given last, as its log names them.
fn partitions(sink: &Sink) -> String {
    let log = sink.log();
    let line = log.lines().rfind(|line| line.contains(ASSIGNED)).unwrap();
    line.split_whitespace().find(|word| word.starts_with("partitions=")).unwrap().to_owned()
}

#[test]
fn a_static_member_that_comes_back_in_time_finds_its_partitions_and_nobody_else_notices() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "static", 4);
    let mut model = Model::new("k", 500);
    let mut history = History::new(kafka, grid, &flow);
    let (sink, _other) = paced(kafka, &flow, &mut model, || {
        let other = start(&flow, "other");
        let sink = start(&flow, "one");
        moves_on(kafka, &flow);
        let noticed = |other: &Sink| [ASSIGNED, REVOKED].map(|text| times(other, text));
        let (before, own) = (noticed(&other), partitions(&sink));

        assert_eq!(sink.stop().unwrap().code(), Some(143));
        let sink = start(&flow, "one");
        moves_on(kafka, &flow);
        assert_eq!(partitions(&sink), own);

        sink.kill().unwrap();
        history.read_again();
        let sink = start(&flow, "one");
        moves_on(kafka, &flow);
        assert_eq!(partitions(&sink), own);
        assert_eq!(noticed(&other), before, "{}", other.log());
        (sink, other)
    });
    ends_as(&model, kafka, grid, &flow, &sink);
    println!("{} changes", history.assert_right());
}

#[test]
fn of_two_processes_with_one_name_the_first_fails_and_says_why() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "one-name", 4);
    let mut model = Model::new("k", 500);
    let mut history = History::new(kafka, grid, &flow);
    let (first, second) = paced(kafka, &flow, &mut model, || {
        let first = start(&flow, "one");
        moves_on(kafka, &flow);
        history.read_again();
        let second = start(&flow, "one");
        let failure = flow.failure(&first);
        println!("{failure}");
        assert!(failure.contains("same group.instance.id"), "{failure}");
        assert!(failure.contains("use a different name for each process"), "{failure}");
        moves_on(kafka, &flow);
        (first, second)
    });
    ends_as(&model, kafka, grid, &flow, &second);
    let failed = within(SOON, || !first.failures(&flow.name).unwrap().is_empty());
    assert!(failed, "it stays failed");
    println!("{} changes", history.assert_right());
}
