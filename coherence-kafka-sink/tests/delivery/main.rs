//! The delivery of one process, against librdkafka's mock broker and maps that fail on demand.
//!
//! What this cannot show: a broker's durability, its real rebalances and time-outs, and a real grid's ways of
//! failing. Those are in `integration-tests`.

// Clippy sees a test only in a #[test] function, not in what several of them share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod control;
mod pauses;
mod policies;
mod world;

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;

use world::{World, confirmed, eventually, failures};

/// Long enough to find all the records that are there in one batch.
const LINGER: (&str, &str) = ("coherence.batch.linger.ms", "2000");

/// Produces `n` records over few keys, a tenth of them tombstones, and returns the model.
fn produce_many(world: &World, topic: &str, n: usize) -> BTreeMap<String, String> {
    let mut model = BTreeMap::new();
    for i in 0..n {
        let key = format!("k{}", i * 7 % 97);
        if i % 10 == 3 {
            world.produce(topic, Some(&key), None);
            model.remove(&key);
        } else {
            let value = format!("v{i}");
            world.produce(topic, Some(&key), Some(&value));
            model.insert(key, value);
        }
    }
    world.flush();
    model
}

#[test]
fn records_of_two_topics_in_one_poll_go_to_their_own_maps() {
    let world = World::new(&[("ta", 1), ("tb", 1)]);
    for i in 0..50 {
        world.produce("ta", Some("same"), Some(&format!("a{i}")));
        world.produce("tb", Some("same"), Some(&format!("b{i}")));
    }
    world.flush();
    let worker = world.worker(&[("topics", "ta,tb"), ("coherence.cache.mappings", "ta->da"), LINGER]);
    eventually("100 records confirmed", || confirmed(&worker) == 100);
    assert_eq!(world::counters(&world::tasks(&worker)[0]).batches.now(), 1);
    worker.stop();
    assert_eq!(world.map("da"), BTreeMap::from([("same".to_owned(), "a49".to_owned())]));
    assert_eq!(world.map("tb"), BTreeMap::from([("same".to_owned(), "b49".to_owned())]));
}

#[test]
fn a_put_then_delete_in_one_poll_deletes_and_a_delete_then_put_puts() {
    let world = World::new(&[("t", 1)]);
    for (key, value) in
        [("x", Some("v1")), ("y", Some("v1")), ("x", None), ("z", Some("v1")), ("z", None), ("z", Some("v2"))]
    {
        world.produce("t", Some(key), value);
    }
    world.flush();
    let worker = world.worker(&[("topics", "t"), LINGER]);
    eventually("6 records confirmed", || confirmed(&worker) == 6);
    assert_eq!(world::counters(&world::tasks(&worker)[0]).batches.now(), 1);
    worker.stop();
    assert_eq!(
        world.map("t"),
        BTreeMap::from([("y".to_owned(), "v1".to_owned()), ("z".to_owned(), "v2".to_owned())])
    );
}

#[test]
fn a_null_key_is_discarded_and_counted_and_its_neighbours_arrive() {
    let world = World::new(&[("t", 1)]);
    world.produce("t", Some("e1"), Some("v"));
    world.produce("t", None, Some("nowhere to go"));
    world.produce("t", Some("e2"), Some("v"));
    world.flush();
    let worker = world.worker(&[("topics", "t")]);
    eventually("3 records confirmed", || confirmed(&worker) == 3);
    assert_eq!(world::counters(&world::tasks(&worker)[0]).null_keys.now(), 1);
    worker.stop();
    assert_eq!(world.map("t").into_keys().collect::<Vec<_>>(), ["e1", "e2"]);
    assert_eq!(world.committed("t", 0), Some(3));
}

#[test]
fn an_outage_of_the_map_fails_no_task_and_loses_nothing() {
    let world = World::new(&[("t", 4)]);
    world.faults.away.store(true, Ordering::Relaxed);
    let worker = world.worker(&[("topics", "t")]);
    let model = produce_many(&world, "t", 5_000);
    eventually("writes are tried again and again", || world.writes() > 50);
    assert!(failures(&worker).is_empty());
    assert!(world::counters(&world::tasks(&worker)[0]).holding.lock().is_some());
    assert_eq!(confirmed(&worker), 0);
    assert!((0..4).all(|p| world.committed("t", p).is_none()));
    world.faults.away.store(false, Ordering::Relaxed);
    eventually("5,000 records confirmed", || confirmed(&worker) == 5_000);
    assert!(world::counters(&world::tasks(&worker)[0]).holding.lock().is_none());
    worker.stop();
    assert_eq!(world.map("t"), model);
}

#[test]
fn half_applied_writes_are_written_again_until_the_map_equals_the_model() {
    let world = World::new(&[("t", 4)]);
    world.faults.half_applied.store(200, Ordering::Relaxed);
    let worker = world.worker(&[("topics", "t"), ("coherence.batch.max.records", "50")]);
    let model = produce_many(&world, "t", 10_000);
    eventually("10,000 records confirmed", || confirmed(&worker) == 10_000);
    worker.stop();
    assert_eq!(world.map("t"), model);
}

#[test]
fn a_map_that_comes_back_empty_gets_the_confirmed_part_of_a_batch_again() {
    let world = World::new(&[("t", 1)]);
    world.faults.removes_away.store(true, Ordering::Relaxed);
    world.produce("t", Some("gone"), None);
    let model = produce_many(&world, "t", 100);
    let worker = world.worker(&[("topics", "t")]);
    eventually("the puts of the batch are confirmed", || world.map("t") == model);
    assert_eq!(confirmed(&worker), 0);
    world.empty_map("t");
    world.faults.removes_away.store(false, Ordering::Relaxed);
    eventually("the batch is confirmed", || confirmed(&worker) == 101);
    worker.stop();
    assert_eq!(world.map("t"), model);
}

#[test]
fn a_bad_record_fails_the_task_by_name_behind_everything_before_it() {
    let world = World::new(&[("t", 1)]);
    for i in 0..10 {
        world.produce("t", Some(&format!("k{i}")), Some(if i == 7 { "{broken" } else { "1" }));
    }
    world.flush();
    let json = [
        ("topics", "t"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
    ];
    let worker = world.worker(&json);
    eventually("the task fails", || !failures(&worker).is_empty());
    let failure = failures(&worker).remove(0);
    assert!(failure.starts_with("record t-0 at offset 7: value: "), "{failure}");
    assert!(!failure.contains("broken"), "a payload is shown: {failure}");
    worker.stop();
    assert_eq!(world.committed("t", 0), Some(7));

    // A restart meets the same record; with a converter that reads it, nothing around it is missing.
    let worker = world.worker(&[("topics", "t")]);
    eventually("the rest is confirmed", || confirmed(&worker) == 3);
    worker.stop();
    assert_eq!(world.committed("t", 0), Some(10));
}

#[test]
fn a_refused_record_fails_the_task_by_name_and_nothing_behind_it_is_committed() {
    let world = World::new(&[("t", 1)]);
    *world.faults.refused_key.lock() = Some(b"k5".to_vec());
    for i in 0..10 {
        world.produce("t", Some(&format!("k{i}")), Some("v"));
    }
    world.produce("t", Some("k4"), Some("w"));
    world.flush();
    let worker = world.worker(&[("topics", "t")]);
    eventually("the task fails", || !failures(&worker).is_empty());
    let failure = failures(&worker).remove(0);
    assert!(failure.contains("t-0 at offset 5") && failure.contains("told to refuse"), "{failure}");
    worker.stop();
    assert_eq!(world.committed("t", 0), Some(5));
    *world.faults.refused_key.lock() = None;
    let worker = world.worker(&[("topics", "t")]);
    eventually("the rest is confirmed", || confirmed(&worker) == 6);
    worker.stop();
    assert_eq!(world.map("t").len(), 10);
    assert_eq!(world.map("t")["k4"], "w");
}

#[test]
fn an_outage_that_outlasts_the_retry_timeout_fails_the_task_with_its_offsets_intact() {
    let world = World::new(&[("t", 1)]);
    world.faults.away.store(true, Ordering::Relaxed);
    let model = produce_many(&world, "t", 100);
    let worker = world.worker(&[("topics", "t"), ("coherence.retry.timeout.ms", "50")]);
    eventually("the task fails", || !failures(&worker).is_empty());
    let failure = failures(&worker).remove(0);
    assert!(failure.contains("coherence.retry.timeout.ms"), "{failure}");
    worker.stop();
    assert_eq!(world.committed("t", 0), None);
    world.faults.away.store(false, Ordering::Relaxed);
    let worker = world.worker(&[("topics", "t")]);
    eventually("everything is confirmed", || confirmed(&worker) == 100);
    worker.stop();
    assert_eq!(world.map("t"), model);
}

#[test]
fn a_second_worker_joins_and_leaves_under_load_and_the_map_equals_the_model() {
    let world = World::new(&[("t", 8)]);
    let connector = [("topics", "t"), ("coherence.batch.max.records", "100"), ("tasks.max", "1")];
    let first = world.worker(&connector);
    let mut model = produce_many(&world, "t", 3_000);
    let second = world.worker(&connector);
    model.extend(produce_more(&world, 3_000));
    eventually("the second worker has its share", || confirmed(&second) > 0 || confirmed(&first) >= 6_000);
    second.stop();
    model.extend(produce_more(&world, 3_000));
    eventually("everything is committed", || {
        let sum: i64 = (0..8).filter_map(|p| world.committed("t", p)).sum();
        sum >= 9_000
    });
    assert!(failures(&first).is_empty());
    first.stop();
    assert_eq!(world.map("t"), model);
}

/// Puts only, on keys of their own: the model of the whole is the union.
fn produce_more(world: &World, n: usize) -> BTreeMap<String, String> {
    static ROUND: std::sync::atomic::AtomicUsize = std::sync::atomic::AtomicUsize::new(0);
    let round = ROUND.fetch_add(1, Ordering::Relaxed);
    let mut model = BTreeMap::new();
    for i in 0..n {
        let (key, value) = (format!("r{round}-{}", i % 300), format!("v{i}"));
        world.produce("t", Some(&key), Some(&value));
        model.insert(key, value);
    }
    world.flush();
    model
}

#[test]
fn an_endless_outage_does_not_keep_a_worker_from_stopping() {
    let world = World::new(&[("t", 1)]);
    world.faults.away.store(true, Ordering::Relaxed);
    let worker = world.worker(&[("topics", "t")]);
    produce_many(&world, "t", 100);
    eventually("a write is tried", || world.writes() > 0);
    worker.delete("c").unwrap();
    assert_eq!(world.committed("t", 0), None);
}

#[test]
fn half_applied_and_refused_writes_of_many_partitions_end_in_the_same_map() {
    let world = World::new(&[("t", 4)]);
    world.faults.half_applied.store(50, Ordering::Relaxed);
    *world.faults.refused_key.lock() = Some(b"refused".to_vec());
    let settings = [("topics", "t"), ("coherence.batch.max.records", "50"), ("errors.tolerance", "all")];
    let worker = world.worker(&settings);
    let mut model = produce_many(&world, "t", 3_000);
    world.produce("t", Some("refused"), Some("v"));
    world.flush();
    model.extend(produce_more(&world, 2_000));
    eventually("everything is confirmed", || confirmed(&worker) == 5_001);
    worker.stop();
    assert_eq!(world.map("t"), model);
    assert_eq!((0..4).filter_map(|p| world.committed("t", p)).sum::<i64>(), 5_001);
}
