//! Workers that die and workers that freeze, and a Kafka that is unavailable.

use std::time::Instant;

use integration_tests::fleet::is_healthy;
use integration_tests::kafka::KafkaOptions;
use integration_tests::{require_peers, shared};

use super::*;
use crate::faults::paced;
use crate::flow::Model;

/// Three workers with a connector of twelve tasks, of which each worker runs some.
fn three(fleet: &Fleet, flow: &Flow) -> [Sink; 3] {
    let workers: [Sink; 3] = fleet.start_all(&[]).unwrap();
    flow.create(&workers[0], &[("tasks.max", "12")]);
    let [a, b, c] = &workers;
    let placed = shared_by(&[a, b, c], &flow.name, 12);
    assert!((0..3).all(|worker| placed.contains(&worker)), "{placed:?}");
    workers
}

#[test]
fn the_tasks_of_a_killed_worker_run_elsewhere_when_its_session_has_ended_and_nothing_is_lost() {
    require_peers!();
    let (kafka, fleet, flow) = (shared::kafka(), fleet("died"), flow("died", 12));
    let [a, b, c] = three(&fleet, &flow);
    let mut model = Model::new("k", 500);
    let (most, ()) = most_members(kafka, &flow.name, || {
        paced(kafka, &flow, &mut model, || {
            flow.wait_until_halfway(kafka, || {});
            let begin = Instant::now();
            b.kill().unwrap();
            shared_by(&[&a, &c], &flow.name, 12);
            let elapsed = begin.elapsed();
            println!("run elsewhere after {elapsed:?}");
            assert!(elapsed < SESSION + MARGIN, "{elapsed:?}");
        });
    });
    assert!(most <= 12, "{most} members");
    flow.assert_delivered(kafka, &a, SOON);
    assert_eq!(shared::grid().tool().contents(&flow.name).unwrap(), model.contents());
}

#[test]
fn a_worker_that_was_frozen_gives_up_its_tasks_and_its_late_states_replace_no_others() {
    require_peers!();
    let (kafka, fleet, flow) = (shared::kafka(), fleet("frozen"), flow("frozen-worker", 12));
    let [a, b, c] = three(&fleet, &flow);
    let mut model = Model::new("k", 500);
    paced(kafka, &flow, &mut model, || {
        flow.wait_until_halfway(kafka, || {});
        b.process().freeze();
        shared_by(&[&a, &c], &flow.name, 12);
        b.process().thaw();
        // It joins again and gets a share: until then what it had belongs to the others.
        eventually(SOON, "the frozen worker has found out", || {
            let (_, tasks) = states(&a, &flow.name);
            tasks.values().any(|(_, worker)| worker == b.worker_id())
        });
        shared_by(&[&a, &b, &c], &flow.name, 12);
    });
    flow.assert_delivered(kafka, &b, SOON);
    assert_eq!(shared::grid().tool().contents(&flow.name).unwrap(), model.contents());
    shared_by(&[&a, &b, &c], &flow.name, 12);
    assert_eq!(kafka.members(&format!("connect-{}", flow.name)).unwrap(), 12);
}

#[test]
fn workers_wait_for_a_kafka_that_is_unavailable_and_go_on_when_it_is_back() {
    require_peers!();
    let grid = shared::grid();
    let mut kafka = Kafka::start(KafkaOptions::default()).unwrap();
    let (fleet, flow) = (Fleet::new(&kafka, grid, "away"), Flow::new(&kafka, grid, "away", 4));
    let worker = [("consumer.session.timeout.ms", "6000"), ("reconnect.backoff.max.ms", "1000")];
    let [a, b] = fleet.start_all(&worker).unwrap();
    let mut model = Model::new("k", 500);
    flow.create(&a, &[("tasks.max", "4")]);
    shared_by(&[&a, &b], &flow.name, 4);

    for go in [Kafka::kill as fn(&mut Kafka) -> _, Kafka::stop] {
        kafka.produce(&flow.name, model.records(1_000)).unwrap();
        go(&mut kafka).unwrap();
        for worker in [&a, &b] {
            // What it has read it still shows.
            assert_eq!(get(worker, "/connectors").body, json!([flow.name]));
        }
        kafka.restart().unwrap();
        kafka.produce(&flow.name, model.records(1_000)).unwrap();
        shared_by(&[&a, &b], &flow.name, 4);
        flow.assert_delivered(&kafka, &b, SOON);
        eventually(SOON, "both are members", || is_healthy(&a) && is_healthy(&b));
    }
    for (worker, action, state) in [(&a, "pause", "PAUSED"), (&b, "resume", "RUNNING")] {
        put(worker, &flow.name, action, 202);
        in_state(&[&a, &b], &flow.name, state, 4);
    }
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
}
