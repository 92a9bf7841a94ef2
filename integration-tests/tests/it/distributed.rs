//! Workers in distributed mode: they share connectors and tasks, any of them changes and shows all, and the topics are those
//! of Kafka Connect.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use integration_tests::fleet::{Fleet, placement};
use integration_tests::kafka::Kafka;
use integration_tests::rest::{self, Answer};
use integration_tests::shared;
use integration_tests::sink::Sink;
use integration_tests::wait::{eventually, within};
use serde_json::{Value, json};

use crate::flow::{Flow, SOON};

mod changes;
mod losses;
mod restarts;
mod settings;
mod sharing;
mod simultaneous;
mod takeover;

/// After which the broker misses a worker of a [`Fleet`].
const SESSION: Duration = Duration::from_secs(6);
/// What a busy machine may need in addition, until the tasks of a worker run elsewhere.
const MARGIN: Duration = Duration::from_secs(15);

/// Workers that share the servers of all tests.
fn fleet(base: &str) -> Fleet {
    Fleet::new(shared::kafka(), shared::grid(), base)
}

fn flow(base: &str, partitions: i32) -> Flow {
    Flow::new(shared::kafka(), shared::grid(), base, partitions)
}

fn get(worker: &Sink, path: &str) -> Answer {
    rest::get(worker.rest(), path).unwrap()
}

/// A change that must be answered with `status`.
#[track_caller]
fn change(worker: &Sink, method: &str, path: &str, body: &Value, status: u16) -> Value {
    let answer = rest::change(worker.rest(), method, path, body).unwrap();
    assert_eq!(answer.status, status, "{method} {path}: {}\n{}", answer.body, worker.process().log_end());
    answer.body
}

/// A change without a body of a connector, such as `pause`.
#[track_caller]
fn put(worker: &Sink, connector: &str, action: &str, status: u16) {
    change(worker, "PUT", &format!("/connectors/{connector}/{action}"), &Value::Null, status);
}

/// The states of a connector and its tasks at a worker: `RUNNING` for each that runs, and the worker of each.
fn states(worker: &Sink, connector: &str) -> (Value, BTreeMap<u64, (Value, Value)>) {
    let status = get(worker, &format!("/connectors/{connector}/status")).body;
    let tasks = status["tasks"].as_array().cloned().unwrap_or_default();
    let task =
        |task: &Value| (task["id"].as_u64().unwrap(), (task["state"].clone(), task["worker_id"].clone()));
    (status["connector"]["state"].clone(), tasks.iter().map(task).collect())
}

/// Waits until all workers show the connector in this state, and as many tasks, which have it too.
#[track_caller]
fn in_state(workers: &[&Sink], connector: &str, state: &str, tasks: usize) {
    let is = |worker: &Sink| {
        let (of_connector, of_tasks) = states(worker, connector);
        of_connector == state && of_tasks.len() == tasks && of_tasks.values().all(|(task, _)| task == state)
    };
    let reached = within(SOON, || workers.iter().all(|worker| is(worker)));
    let seen: Vec<_> = workers.iter().map(|worker| states(worker, connector)).collect();
    assert!(reached, "{connector} is not {state} with {tasks} tasks at all workers: {seen:?}");
}

/// Waits until each task of the connector runs at one of these workers, and all of them show it there. Returns the position
/// of the worker of each task.
#[track_caller]
fn shared_by(workers: &[&Sink], connector: &str, tasks: u32) -> Vec<usize> {
    let mut seen = (BTreeMap::new(), Vec::new());
    let each_at_one = within(SOON, || {
        let Ok(placed) = placement(workers, connector) else { return false };
        let shown: Vec<_> = workers.iter().map(|worker| states(worker, connector)).collect();
        let of_one = |(task, positions): (&u32, &Vec<usize>)| {
            let running = (json!("RUNNING"), json!(workers[positions[0]].worker_id()));
            positions.len() == 1
                && shown.iter().all(|(_, tasks)| tasks.get(&u64::from(*task)) == Some(&running))
        };
        let of_all = placed.keys().copied().eq(0..tasks)
            && placed.iter().all(of_one)
            && shown.iter().all(|(state, shown)| state == "RUNNING" && shown.len() == tasks as usize);
        seen = (placed, shown);
        of_all
    });
    let (placed, shown) = seen;
    assert!(each_at_one, "{connector} with {tasks} tasks runs at {placed:?}, and is shown as {shown:?}");
    placed.into_values().map(|positions| positions[0]).collect()
}

/// The most members that the group of a connector has while `during` runs.
fn most_members<T>(kafka: &Kafka, connector: &str, during: impl FnOnce() -> T) -> (usize, T) {
    struct Done<'a>(&'a AtomicBool);
    // Also when `during` panics, or the thread that counts would be waited for without end.
    impl Drop for Done<'_> {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }
    let done = AtomicBool::new(false);
    let group = format!("connect-{connector}");
    thread::scope(|scope| {
        let finish = Done(&done);
        let counting = scope.spawn(|| {
            let mut most = 0;
            while !within(Duration::from_millis(50), || done.load(Ordering::Acquire)) {
                // A broker that is busy may not answer.
                most = most.max(kafka.members(&group).unwrap_or_default());
            }
            most
        });
        let outcome = during();
        drop(finish);
        (counting.join().unwrap(), outcome)
    })
}

/// Waits until `worker` lists these connectors.
#[track_caller]
fn lists(worker: &Sink, names: &[&str]) {
    let sorted = |mut names: Vec<String>| {
        names.sort();
        names
    };
    let expected = sorted(names.iter().map(|name| (*name).to_owned()).collect());
    let listed =
        || -> Vec<String> { serde_json::from_value(get(worker, "/connectors").body).unwrap_or_default() };
    eventually(SOON, "the connectors are listed", || sorted(listed()) == expected);
}
