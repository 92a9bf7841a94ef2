use coherence_kafka_connect::config::Properties;

use super::*;
use crate::testing::{eventually, fleet_connector, worker};

fn share(worker: &Worker, properties: &Properties, target: TargetState, tasks: &[u32]) -> Option<Share> {
    let config = ConnectorConfig::of_request(worker.plugin(), &worker.config, properties).unwrap();
    Some(Share { config, target, tasks: tasks.iter().copied().collect() })
}

fn states(worker: &Worker) -> Vec<(u32, &'static str)> {
    worker.tasks("c").unwrap_or_default().iter().map(|task| (task.number, task.state())).collect()
}

#[test]
fn a_worker_runs_its_tasks_of_a_connector_and_those_that_it_keeps_go_on() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    let of = |tasks: &[u32]| share(&worker, &fleet_connector("c", "1"), TargetState::Running, tasks);
    worker.run_share("c", of(&[1, 3])).unwrap();
    assert_eq!(states(&worker), [(1, "RUNNING"), (3, "RUNNING")]);
    let kept = worker.connectors.lock().by_name["c"].phase.tasks().unwrap().handles[&3].clone();
    worker.run_share("c", of(&[0, 3])).unwrap();
    assert_eq!(states(&worker), [(0, "RUNNING"), (3, "RUNNING")]);
    let now = worker.connectors.lock().by_name["c"].phase.tasks().unwrap().handles[&3].clone();
    assert!(Arc::ptr_eq(&kept, &now), "it was not interrupted");
    worker.run_share("c", of(&[])).unwrap();
    assert!(worker.names().is_empty());
    assert!(kept.has_ended());
}

#[test]
fn another_configuration_ends_the_tasks_and_starts_them_with_it() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    worker.run_share("c", share(&worker, &fleet_connector("c", "1"), TargetState::Running, &[0])).unwrap();
    let before = worker.connectors.lock().by_name["c"].phase.tasks().unwrap().handles[&0].clone();
    worker.run_share("c", share(&worker, &fleet_connector("c", "2"), TargetState::Running, &[0])).unwrap();
    assert!(before.has_ended());
    assert_eq!(states(&worker), [(0, "RUNNING")]);
    assert_eq!(worker.info("c").unwrap().config["note"], "2");
}

#[test]
fn a_paused_connector_keeps_its_tasks_and_a_stopped_one_has_none() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    let apply = |target, tasks: &[u32]| {
        worker.run_share("c", share(&worker, &fleet_connector("c", "1"), target, tasks)).unwrap();
    };
    apply(TargetState::Paused, &[0, 1]);
    assert_eq!(states(&worker), [], "none of its tasks has run");
    apply(TargetState::Running, &[0]);
    apply(TargetState::Paused, &[0, 1]);
    eventually("it pauses", || states(&worker) == [(0, "PAUSED")]);
    apply(TargetState::Running, &[0, 1]);
    eventually("both run", || states(&worker) == [(0, "RUNNING"), (1, "RUNNING")]);
    apply(TargetState::Stopped, &[0, 1]);
    assert_eq!(states(&worker), []);
    apply(TargetState::Running, &[0, 1]);
    assert_eq!(states(&worker), [(0, "RUNNING"), (1, "RUNNING")]);
}

#[test]
fn tasks_that_do_not_start_leave_the_others_running_and_are_started_by_the_next_attempt() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let properties = Properties::from_pairs("w", [("coherence.tasks.limit", "2")]);
    let worker = crate::testing::worker_with(&properties, runtime.handle());
    let of = |tasks: &[u32]| share(&worker, &fleet_connector("c", "1"), TargetState::Running, tasks);
    worker.run_share("c", of(&[0])).unwrap();
    let error = worker.run_share("c", of(&[0, 1, 2])).unwrap_err();
    assert!(error.to_string().contains("coherence.tasks.limit"), "{error}");
    assert_eq!(states(&worker), [(0, "RUNNING")]);
    assert_eq!(worker.status("c").unwrap().failure, Some(error.to_string()));
    worker.run_share("c", of(&[0, 1])).unwrap();
    assert_eq!(states(&worker), [(0, "RUNNING"), (1, "RUNNING")]);
    assert_eq!(worker.status("c").unwrap().failure, None);
}

#[test]
fn a_worker_that_ends_starts_no_tasks() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let worker = worker(runtime.handle());
    worker.stop();
    let of = share(&worker, &fleet_connector("c", "1"), TargetState::Running, &[0]);
    assert!(matches!(worker.run_share("c", of), Err(CreateError::Stopping)));
}
