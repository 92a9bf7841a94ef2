//! Connectors that are paused, resumed and stopped, against librdkafka's mock cluster.

use std::sync::atomic::Ordering;

use coherence_kafka_connect::config::Properties;
use coherence_kafka_worker::{ConnectorState, Worker};

use super::world::*;

const STATES: fn(&Worker) -> Vec<&'static str> =
    |worker| tasks(worker).iter().map(|task| task.state()).collect();

fn partitions(worker: &Worker) -> u64 {
    tasks(worker).iter().map(|task| counters(task).partitions.now()).sum()
}

#[test]
fn a_paused_sink_keeps_its_partitions_and_moves_no_record_until_it_is_resumed() {
    let world = World::new(&[("t", 2)]);
    let worker = world.worker(&[("topics", "t"), ("tasks.max", "2")]);
    world.produce("t", Some("before"), Some("1"));
    eventually("the first record is there", || world.map("t").contains_key("before"));
    eventually("both partitions are assigned", || partitions(&worker) == 2);

    worker.pause("c").unwrap();
    eventually("the tasks pause", || STATES(&worker) == ["PAUSED", "PAUSED"]);
    assert_eq!(worker.status("c").unwrap().state, ConnectorState::Paused);
    // Another group reads the same topic into the same map of another name: it is there when the record could be.
    let other = [
        ("name", "witness"),
        ("connector.class", "CoherenceSink"),
        ("topics", "t"),
        ("coherence.cache.mappings", "t->witness"),
    ];
    worker.create(&Properties::from_pairs("test", other)).unwrap();
    for key in ["during-1", "during-2", "during-3"] {
        world.produce("t", Some(key), Some("2"));
    }
    eventually("the witness has the records", || world.map("witness").len() == 4);
    assert_eq!(world.map("t").len(), 1);
    assert_eq!((partitions(&worker), STATES(&worker)), (2, vec!["PAUSED", "PAUSED"]));

    worker.resume("c").unwrap();
    eventually("the records are there", || world.map("t").len() == 4);
    assert_eq!(STATES(&worker), ["RUNNING", "RUNNING"]);
    // The fraction of the time that a task was paused falls only while it is counted as running.
    let paused = || tasks(&worker)[0].pause_ratio;
    let before = paused();
    eventually("the time after the pause counts as running", || paused() < before);
    worker.stop();
}

#[test]
fn a_pause_waits_for_the_batch_in_hand_and_commits_it() {
    let world = World::new(&[("t", 1)]);
    let worker = world.worker(&[("topics", "t")]);
    world.faults.away.store(true, Ordering::Relaxed);
    world.produce("t", Some("k"), Some("1"));
    eventually("the batch is held", || counters(&tasks(&worker)[0]).holding.lock().is_some());
    worker.pause("c").unwrap();
    let tried = world.writes();
    eventually("it is tried again", || world.writes() > tried + 3);
    assert_eq!(STATES(&worker), ["RUNNING"], "it has a record in hand");
    assert_eq!(worker.status("c").unwrap().state, ConnectorState::Paused, "what was asked for");
    world.faults.away.store(false, Ordering::Relaxed);
    eventually("the task pauses", || STATES(&worker) == ["PAUSED"]);
    assert_eq!(world.map("t")["k"], "1");
    eventually("the offset is committed", || world.committed("t", 0) == Some(1));
    worker.stop();
}

#[test]
fn a_task_that_is_restarted_while_it_is_paused_stays_paused() {
    let world = World::new(&[("t", 1)]);
    let worker = world.worker(&[("topics", "t")]);
    worker.pause("c").unwrap();
    eventually("the task pauses", || STATES(&worker) == ["PAUSED"]);
    worker.restart_task("c", 0).unwrap();
    eventually("it has restarted", || counters(&tasks(&worker)[0]).restarts.now() == 1);
    world.produce("t", Some("k"), Some("1"));
    eventually("it is paused again, with its partition", || {
        STATES(&worker) == ["PAUSED"] && partitions(&worker) == 1
    });
    assert!(world.map("t").is_empty());
    worker.resume("c").unwrap();
    eventually("the record is there", || world.map("t").contains_key("k"));
    worker.stop();
}

#[test]
fn a_stopped_sink_has_committed_what_it_wrote_and_goes_on_there_when_it_is_resumed() {
    let world = World::new(&[("t", 1)]);
    let worker = world.worker(&[("topics", "t")]);
    world.produce("t", Some("k"), Some("1"));
    eventually("the record is there", || world.map("t").contains_key("k"));
    worker.stop_connector("c").unwrap();
    assert_eq!(worker.status("c").unwrap().state, ConnectorState::Stopped);
    assert!(tasks(&worker).is_empty());
    assert_eq!(world.committed("t", 0), Some(1));
    world.empty_map("t");
    world.produce("t", Some("l"), Some("2"));
    worker.resume("c").unwrap();
    eventually("the new record is there", || world.map("t").contains_key("l"));
    assert_eq!(world.map("t").len(), 1, "the first record is not read again");
    worker.stop();
}
