//! Changes at a worker that runs nothing of the connector, seen at every worker.

use integration_tests::{require_peers, shared};

use super::*;
use crate::support::delivered;

/// Three workers and a connector of one task; the first worker is one that runs nothing of it.
fn with_a_bystander(fleet: &Fleet, flow: &Flow) -> [Sink; 3] {
    let workers: [Sink; 3] = fleet.start_all(&[]).unwrap();
    flow.create(&workers[0], &[]);
    let [a, b, c] = &workers;
    let of_task = shared_by(&[a, b, c], &flow.name, 1)[0];
    let status = get(a, &format!("/connectors/{}/status", flow.name)).body;
    let of_connector = status["connector"]["worker_id"].as_str().unwrap().to_owned();
    let mut workers = Vec::from(workers);
    let bystander = workers
        .iter()
        .enumerate()
        .position(|(position, worker)| position != of_task && worker.worker_id() != of_connector);
    workers.swap(0, bystander.unwrap());
    workers.try_into().unwrap()
}

/// Produces a record and waits until it is in the map.
#[track_caller]
fn moves(worker: &Sink, flow: &Flow, map: &str, key: &str) {
    shared::kafka().produce(&flow.name, [(Some(key), Some("v"))]).unwrap();
    delivered(worker, &flow.name, &flow.name);
    assert!(shared::grid().tool().get(map, key).unwrap().is_some(), "{key} is not in {map}");
}

#[test]
fn a_connector_is_operated_at_a_worker_that_runs_nothing_of_it() {
    require_peers!();
    let (fleet, flow) = (fleet("bystander"), flow("bystander", 1));
    let [bystander, other, third] = with_a_bystander(&fleet, &flow);
    let (name, all) = (flow.name.as_str(), [&bystander, &other, &third]);
    let path = format!("/connectors/{name}");
    moves(&bystander, &flow, name, "created");

    let config = get(&bystander, &format!("{path}/config")).body;
    let map = format!("{name}-changed");
    let mut changed = config.clone();
    changed["coherence.cache.mappings"] = json!(format!("{name}->{map}"));
    let answer = change(&bystander, "PUT", &format!("{path}/config"), &changed, 200);
    assert_eq!(answer["config"], changed);
    assert_eq!(get(&bystander, &path).body["config"], changed);
    for worker in all {
        eventually(SOON, "the change is seen", || get(worker, &path).body["config"] == changed);
    }
    let mut records = 0;
    // Until then a task with the former settings may take a record.
    eventually(SOON, "a task with the new settings runs", || {
        records += 1;
        let key = format!("changed {records}");
        shared::kafka().produce(&flow.name, [(Some(&key), Some("v"))]).unwrap();
        delivered(&bystander, name, name);
        shared::grid().tool().get(&map, &key).unwrap().is_some()
    });
    in_state(&all, name, "RUNNING", 1);

    put(&bystander, name, "pause", 202);
    in_state(&all, name, "PAUSED", 1);
    put(&bystander, name, "resume", 202);
    in_state(&all, name, "RUNNING", 1);
    moves(&bystander, &flow, &map, "resumed");
    put(&bystander, name, "stop", 204);
    in_state(&all, name, "STOPPED", 0);
    put(&bystander, name, "resume", 202);
    in_state(&all, name, "RUNNING", 1);
    moves(&bystander, &flow, &map, "started again");

    let restarts = || -> u64 {
        let of = |worker: &Sink| worker.metric("coherence_kafka_sink_task_restarts_total", name);
        all.iter().map(|worker| of(worker).unwrap_or_default()).sum()
    };
    let before = restarts();
    change(&bystander, "POST", &format!("{path}/tasks/0/restart"), &Value::Null, 204);
    eventually(SOON, "the task has restarted", || restarts() == before + 1);
    in_state(&all, name, "RUNNING", 1);
    let answer = change(&bystander, "POST", &format!("{path}/restart?includeTasks=true"), &Value::Null, 202);
    assert_eq!(answer["tasks"][0]["state"], "RESTARTING", "{answer}");
    eventually(SOON, "all has restarted", || restarts() == before + 2);
    in_state(&all, name, "RUNNING", 1);
    moves(&bystander, &flow, &map, "restarted");

    change(&bystander, "DELETE", &path, &Value::Null, 204);
    for worker in all {
        lists(worker, &[]);
        let status = || get(worker, &format!("{path}/status")).status;
        eventually(SOON, "its state is forgotten", || status() == 404);
    }
    let members = || shared::kafka().members(&format!("connect-{name}")).unwrap();
    eventually(SOON, "its task has left", || members() == 0);
    // Where it was: the worker of a task depends on its name.
    flow.create(&bystander, &[]);
    let placed = shared_by(&all, name, 1);
    assert_ne!(placed, [0]);
    moves(&bystander, &flow, name, "created again");
}

#[test]
fn the_offsets_of_a_stopped_connector_are_shown_and_reset_at_every_worker() {
    require_peers!();
    let (fleet, flow) = (fleet("offsets"), flow("offsets", 1));
    let [bystander, other, third] = with_a_bystander(&fleet, &flow);
    let (name, path) = (flow.name.as_str(), format!("/connectors/{}/offsets", flow.name));
    moves(&bystander, &flow, name, "a");
    for worker in [&bystander, &other, &third] {
        let refused = change(worker, "DELETE", &path, &Value::Null, 400);
        assert!(refused["message"].as_str().unwrap().contains("STOPPED"), "{refused}");
    }
    put(&other, name, "stop", 204);
    in_state(&[&bystander, &other, &third], name, "STOPPED", 0);
    for worker in [&bystander, &other, &third] {
        let offsets = get(worker, &path).body;
        assert_eq!(offsets["offsets"][0]["offset"], json!({"kafka_offset": 1}), "{offsets}");
    }
    shared::grid().tool().clear(name).unwrap();
    change(&bystander, "DELETE", &path, &Value::Null, 200);
    for worker in [&bystander, &other, &third] {
        assert_eq!(get(worker, &path).body["offsets"], json!([]));
    }
    put(&third, name, "resume", 202);
    delivered(&bystander, name, name);
    assert!(shared::grid().tool().get(name, "a").unwrap().is_some(), "it reads from the beginning");
}

#[test]
fn the_topics_of_a_connector_are_shown_and_forgotten_at_every_worker() {
    require_peers!();
    let (fleet, flow) = (fleet("topics"), flow("topics", 1));
    let [bystander, other, third] = with_a_bystander(&fleet, &flow);
    let (name, path) = (flow.name.as_str(), format!("/connectors/{}/topics", flow.name));
    let everywhere = |topics: &[&str]| {
        let expected = json!({name: {"topics": topics}});
        for worker in [&bystander, &other, &third] {
            eventually(SOON, "the topics are shown", || get(worker, &path).body == expected);
        }
    };
    everywhere(&[]);
    moves(&bystander, &flow, name, "a");
    everywhere(&[name]);
    put(&bystander, name, "topics/reset", 202);
    everywhere(&[]);
    moves(&bystander, &flow, name, "b");
    everywhere(&[name]);
}

#[test]
fn the_level_of_a_logger_of_the_cluster_is_set_at_every_worker() {
    require_peers!();
    let fleet = fleet("loggers");
    let [a, b] = fleet.start_all(&[]).unwrap();
    let path = "/admin/loggers/coherence_kafka_sink::task";
    let level = |worker: &Sink| get(worker, path).body["level"].clone();
    change(&a, "PUT", &format!("{path}?scope=cluster"), &json!({"level": "DEBUG"}), 204);
    for worker in [&a, &b] {
        eventually(SOON, "the level is set", || level(worker) == "DEBUG");
    }
    change(&b, "PUT", path, &json!({"level": "WARN"}), 200);
    assert_eq!((level(&a), level(&b)), (json!("DEBUG"), json!("WARN")), "of one worker");
}
