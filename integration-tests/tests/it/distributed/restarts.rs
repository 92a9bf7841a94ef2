//! Workers that start on topics which hold connectors.

use integration_tests::{require_peers, shared};

use super::*;
use crate::support::delivered;

#[test]
fn a_worker_that_starts_on_full_topics_has_everything_as_it_was() {
    require_peers!();
    let (fleet, flow) = (fleet("full"), flow("full", 2));
    let mut worker = fleet.start().unwrap();
    let named = |what: &str| format!("{}-{what}", flow.name);
    let [running, paused, stopped, deleted] = ["running", "paused", "stopped", "deleted"].map(named);
    for name in [&running, &paused, &stopped, &deleted] {
        let config = json!({"connector.class": "CoherenceSink", "topics": flow.name, "tasks.max": "2"});
        change(&worker, "POST", "/connectors", &json!({"name": name, "config": config}), 201);
        in_state(&[&worker], name, "RUNNING", 2);
    }
    put(&worker, &paused, "pause", 202);
    put(&worker, &stopped, "stop", 204);
    change(&worker, "DELETE", &format!("/connectors/{deleted}"), &Value::Null, 204);
    shared::kafka().produce(&flow.name, [(Some("a"), Some("1"))]).unwrap();
    delivered(&worker, &running, &flow.name);

    let config = |worker: &Sink| get(worker, &format!("/connectors/{running}/config")).body;
    let configured = config(&worker);
    for is_killed in [false, true] {
        let former = worker.worker_id().to_owned();
        if is_killed {
            worker.kill().unwrap();
        } else {
            worker.stop().unwrap();
        }
        worker = fleet.start().unwrap();
        lists(&worker, &[&running, &paused, &stopped]);
        in_state(&[&worker], &running, "RUNNING", 2);
        in_state(&[&worker], &paused, "PAUSED", 2);
        in_state(&[&worker], &stopped, "STOPPED", 0);
        assert_eq!(config(&worker), configured);
        for name in [&running, &paused, &stopped] {
            let status = || get(&worker, &format!("/connectors/{name}/status")).body;
            eventually(SOON, "the new worker has it", || !status().to_string().contains(&former));
        }
        shared::kafka().produce(&flow.name, [(Some("b"), Some("2"))]).unwrap();
        delivered(&worker, &running, &flow.name);
    }
    put(&worker, &paused, "resume", 202);
    put(&worker, &stopped, "resume", 202);
    for name in [&running, &paused, &stopped] {
        in_state(&[&worker], name, "RUNNING", 2);
        delivered(&worker, name, &flow.name);
    }
}
