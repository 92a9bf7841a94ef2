//! Which worker runs what: workers that join and leave.

use std::time::Instant;

use integration_tests::fleet::running_tasks;
use integration_tests::{require_peers, shared};

use super::*;
use crate::flow::Model;

#[test]
fn three_workers_share_twelve_tasks_and_each_task_runs_at_one_of_them() {
    require_peers!();
    let (kafka, fleet, flow) = (shared::kafka(), fleet("share"), flow("share", 12));
    let [a, b, c] = fleet.start_all(&[]).unwrap();
    let mut model = Model::new("k", 500);
    kafka.produce(&flow.name, model.records(5_000)).unwrap();
    flow.create(&a, &[("tasks.max", "12")]);
    let placed = shared_by(&[&a, &b, &c], &flow.name, 12);
    for worker in 0..3 {
        let share = placed.iter().filter(|position| **position == worker).count();
        assert!((2..=6).contains(&share), "worker {worker} runs {share} of 12: {placed:?}");
    }
    kafka.produce(&flow.name, model.records(5_000)).unwrap();
    flow.assert_delivered(kafka, &c, SOON);
    assert_eq!(shared::grid().tool().contents(&flow.name).unwrap(), model.contents());
    assert_eq!(kafka.members(&format!("connect-{}", flow.name)).unwrap(), 12);
}

#[test]
fn a_worker_that_is_stopped_hands_its_tasks_over_at_once() {
    require_peers!();
    let (kafka, fleet, flow) = (shared::kafka(), fleet("handed"), flow("handed", 6));
    // A worker that leaves without a word would be missed after twice the time that it takes here.
    let session = [("session.timeout.ms", "60000"), ("consumer.session.timeout.ms", "60000")];
    let [a, b] = fleet.start_all(&session).unwrap();
    let mut model = Model::new("k", 500);
    kafka.produce(&flow.name, model.records(2_000)).unwrap();
    flow.create(&b, &[("tasks.max", "6")]);
    let placed = shared_by(&[&a, &b], &flow.name, 6);
    assert!(placed.contains(&0) && placed.contains(&1), "{placed:?}");

    let (most, ()) = most_members(kafka, &flow.name, || {
        let begin = Instant::now();
        assert_eq!(a.stop().unwrap().code(), Some(143));
        assert_eq!(shared_by(&[&b], &flow.name, 6), [0; 6]);
        let elapsed = begin.elapsed();
        assert!(elapsed < Duration::from_secs(30), "{elapsed:?}");
    });
    assert!(most <= 6, "{most} members");
    kafka.produce(&flow.name, model.records(2_000)).unwrap();
    flow.assert_delivered(kafka, &b, SOON);
    assert_eq!(shared::grid().tool().contents(&flow.name).unwrap(), model.contents());
}

#[test]
fn a_worker_that_joins_gets_a_share_of_a_hundred_connectors() {
    require_peers!();
    const CONNECTORS: usize = 100;
    let (kafka, fleet, flow) = (shared::kafka(), fleet("hundred"), flow("hundred", 1));
    let [a, b] = fleet.start_all(&[]).unwrap();
    let names: Vec<String> = (0..CONNECTORS).map(|number| format!("{}-{number}", flow.name)).collect();
    for name in &names {
        let config = json!({"connector.class": "CoherenceSink", "topics": flow.name, "tasks.max": "1"});
        change(&a, "POST", "/connectors", &json!({"name": name, "config": config}), 201);
    }
    // How many each worker runs, when each runs at one.
    let shares = |workers: &[&Sink]| -> Vec<usize> {
        let mut shares = Vec::new();
        let each_at_one = within(SOON, || {
            let running: Vec<_> = workers.iter().map(|worker| running_tasks(worker).unwrap()).collect();
            let mut all: Vec<_> = running.iter().flatten().cloned().collect();
            all.sort();
            all.dedup();
            shares = running.iter().map(|tasks| tasks.len()).collect();
            all.len() == CONNECTORS && shares.iter().sum::<usize>() == CONNECTORS && !shares.contains(&0)
        });
        assert!(each_at_one, "the workers run {shares:?} of {CONNECTORS}");
        shares
    };
    shares(&[&a, &b]);

    let c = fleet.start().unwrap();
    let all = shares(&[&a, &b, &c]);
    assert!(all.iter().all(|share| *share >= CONNECTORS / 10), "{all:?}");
    kafka.produce(&flow.name, [(Some("k"), Some("v"))]).unwrap();
    let committed =
        |name: &String| kafka.committed(&format!("connect-{name}"), &flow.name).unwrap_or_default();
    eventually(SOON, "every connector has read on", || names.iter().all(|name| committed(name) == [Some(1)]));
    for worker in [&a, &b, &c] {
        let expanded = get(worker, "/connectors?expand=status").body;
        let running = |name: &String| expanded[name]["status"]["tasks"][0]["state"] == "RUNNING";
        assert!(names.iter().all(running), "{expanded}");
    }
}
