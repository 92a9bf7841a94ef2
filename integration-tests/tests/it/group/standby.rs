//! More members than partitions: one of them reads, the others stand by.

use integration_tests::sink::{Settings, Sink};
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::{GRACEFUL, SESSION, kafka, partitions, reads_on, under_each_protocol};
use crate::flow::{Flow, SOON};

fn restart(sink: &Sink, flow: &Flow, task: usize) {
    let address = format!("{}/connectors/{}/tasks/{task}/restart", sink.rest(), flow.name);
    ureq::post(&address).send_empty().unwrap();
}

/// Takes out the one that has the partition.
fn active(flow: &Flow, sinks: &mut Vec<Sink>) -> Sink {
    let mut found = None;
    eventually(SOON, "one of them has the partition", || {
        found = sinks.iter().position(|sink| partitions(sink, flow) == 1);
        found.is_some()
    });
    sinks.remove(found.unwrap())
}

fn stands_by(protocol: &str, worker: Settings<'_>) {
    let flow = Flow::new(kafka(), shared::grid(), "standby", 1);
    let mut sinks = vec![flow.start(worker, &[("tasks.max", "3")])];
    reads_on(protocol, &flow, "first", SOON);
    for round in 0..2 {
        // One of them is the active one.
        for task in 0..3 {
            restart(&sinks[0], &flow, task);
            reads_on(protocol, &flow, &format!("task {task} restarted, round {round}"), GRACEFUL);
        }
    }
    let join = |sinks: &mut Vec<Sink>| {
        sinks.push(flow.start(worker, &[]));
        reads_on(protocol, &flow, "another one joins", SOON);
    };
    join(&mut sinks);
    assert_eq!(active(&flow, &mut sinks).stop().unwrap().code(), Some(143));
    reads_on(protocol, &flow, "the active one stopped", GRACEFUL);

    join(&mut sinks);
    active(&flow, &mut sinks).kill().unwrap();
    // The broker looks for silent members now and then, and the others ask it now and then.
    reads_on(protocol, &flow, "the active one killed", SESSION + GRACEFUL);
    for sink in sinks {
        flow.assert_running(&sink);
        assert_eq!(sink.stop().unwrap().code(), Some(143));
    }
}

#[test]
fn who_stands_by_reads_on_when_the_active_member_restarts_stops_or_is_killed() {
    require_peers!();
    under_each_protocol(stands_by);
}
