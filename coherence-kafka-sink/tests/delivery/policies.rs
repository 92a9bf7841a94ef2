//! Each policy for bad records, and what it does to the records around them.

use std::collections::BTreeMap;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use coherence_kafka_common::map::Expiry;
use coherence_kafka_rdkafka::record::OutgoingRecord;
use coherence_kafka_sink::Counters;
use coherence_kafka_worker::{RequestError, Worker};

use crate::world::{self, World, confirmed, eventually, failures};

const JSON: [(&str, &str); 2] = [
    ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
    ("value.converter.schemas.enable", "false"),
];
const ALL: (&str, &str) = ("errors.tolerance", "all");
const QUEUE: (&str, &str) = ("errors.deadletterqueue.topic.name", "dead");

/// A world with one topic of one partition, and an empty dead letter topic.
fn world() -> World {
    World::new(&[("t", 1), ("dead", 1)])
}

fn start(world: &World, settings: &[(&str, &str)]) -> Worker {
    let all: Vec<_> = [("topics", "t")].into_iter().chain(settings.iter().copied()).collect();
    world.worker(&all)
}

/// Ten records of JSON, of which number 3 and 7 are not.
fn produce_poison(world: &World) {
    for i in 0..10 {
        world.produce("t", Some(&format!("k{i}")), Some(if i == 3 || i == 7 { "{broken" } else { "\"v\"" }));
    }
    world.flush();
}

fn count(worker: &Worker, count: impl Fn(&Counters) -> u64) -> u64 {
    world::tasks(worker).iter().map(|task| count(world::counters(task))).sum()
}

fn keys(world: &World) -> Vec<String> {
    world.map("t").into_keys().collect()
}

fn the_failure(worker: &Worker) -> String {
    eventually("the task fails", || !failures(worker).is_empty());
    failures(worker).remove(0)
}

#[test]
fn under_tolerance_all_a_bad_record_is_skipped_and_counted_and_its_neighbours_arrive() {
    let world = world();
    produce_poison(&world);
    let worker = start(&world, &[JSON[0], JSON[1], ALL]);
    eventually("all records are done", || confirmed(&worker) == 10);
    assert_eq!(count(&worker, |c| c.skipped.now()), 2);
    assert_eq!(count(&worker, |c| c.errors.now()), 2);
    worker.stop();
    assert_eq!(keys(&world), ["k0", "k1", "k2", "k4", "k5", "k6", "k8", "k9"]);
    assert_eq!(world.committed("t", 0), Some(10));
}

#[test]
fn a_dead_letter_is_the_record_byte_for_byte_with_connects_headers_behind_its_own() {
    let world = world();
    let bad = OutgoingRecord {
        key: Some(b"k".to_vec()),
        value: Some(b"{broken".to_vec()),
        headers: vec![("h".to_owned(), Some(vec![0, 255])), ("h".to_owned(), None)],
        timestamp: Some(1_700_000_000_123),
    };
    world.produce_record("t", &bad);
    let headers = ("errors.deadletterqueue.context.headers.enable", "true");
    let worker = start(&world, &[JSON[0], JSON[1], ALL, QUEUE, headers]);
    eventually("the offset is committed", || world.committed("t", 0) == Some(1));
    assert_eq!(count(&worker, |c| c.dead_letters.now()), 1);
    let letter = world.read("dead", 1).remove(0);
    worker.stop();
    assert_eq!((&letter.key, &letter.value, letter.timestamp), (&bad.key, &bad.value, bad.timestamp));
    assert_eq!(letter.headers[..2], bad.headers);
    let context: BTreeMap<_, _> = letter.headers[2..]
        .iter()
        .map(|(name, value)| (name.as_str(), String::from_utf8(value.clone().unwrap()).unwrap()))
        .collect();
    assert_eq!(context.len(), 10);
    for (name, value) in [
        ("__connect.errors.topic", "t"),
        ("__connect.errors.partition", "0"),
        ("__connect.errors.offset", "0"),
        ("__connect.errors.connector.name", "c"),
        ("__connect.errors.task.id", "0"),
        ("__connect.errors.stage", "VALUE_CONVERTER"),
        ("__connect.errors.class.name", "org.apache.kafka.connect.json.JsonConverter"),
        ("__connect.errors.exception.class.name", "org.apache.kafka.connect.errors.DataException"),
    ] {
        assert_eq!(context[name], value, "{name}");
    }
    assert!(!format!("{context:?}").contains("broken"), "a payload is shown: {context:?}");
}

#[test]
fn without_tolerance_the_queue_gets_the_failing_record_and_then_the_task_fails() {
    let world = world();
    produce_poison(&world);
    let worker = start(&world, &[JSON[0], JSON[1], QUEUE]);
    assert!(the_failure(&worker).starts_with("record t-0 at offset 3: value: "));
    worker.stop();
    assert_eq!(world.committed("t", 0), Some(3));
    assert_eq!(world.end("dead"), 1);
    assert_eq!(world.read("dead", 1)[0].key, Some(b"k3".to_vec()));
}

#[test]
fn a_refused_write_under_tolerance_all_goes_to_the_queue_and_its_neighbours_arrive() {
    let world = world();
    *world.faults.refused_key.lock() = Some(b"k5".to_vec());
    produce_poison(&world);
    let worker = start(&world, &[JSON[0], JSON[1], ALL, QUEUE]);
    eventually("all records are done", || confirmed(&worker) == 10);
    assert_eq!(count(&worker, |c| c.refused.now()), 1);
    assert_eq!(count(&worker, |c| c.skipped.now()), 3);
    worker.stop();
    assert_eq!(keys(&world), ["k0", "k1", "k2", "k4", "k6", "k8", "k9"]);
    // Those that no converter reads are reported once, though their batch was read twice.
    let mut letters: Vec<_> = world.read("dead", 3).into_iter().map(|letter| letter.key.unwrap()).collect();
    letters.sort();
    assert_eq!(letters, [b"k3", b"k5", b"k7"]);
    assert_eq!(world.end("dead"), 3);
}

#[test]
fn a_record_that_a_refused_one_of_its_key_had_replaced_is_written_after_all() {
    let world = world();
    // An entry is refused for its value: only the second write of the key is.
    world.produce("t", Some("k"), Some("\"good\""));
    world.produce("t", Some("k"), Some("\"told to refuse this\""));
    world.flush();
    *world.faults.refused_value.lock() = Some(b"told to refuse this".to_vec());
    let worker = start(&world, &[JSON[0], JSON[1], ALL]);
    eventually("both records are done", || confirmed(&worker) == 2);
    worker.stop();
    assert_eq!(world.map("t"), BTreeMap::from([("k".to_owned(), "good".to_owned())]));
}

#[test]
fn a_cache_store_that_always_throws_for_one_key_holds_nothing_up() {
    let world = world();
    *world.faults.partial_keys.lock() = vec![b"k5".to_vec()];
    for i in 0..10 {
        world.produce("t", Some(&format!("k{i}")), Some("\"v\""));
    }
    world.flush();
    let worker = start(&world, &[JSON[0], JSON[1], ALL, QUEUE]);
    eventually("all records are done", || confirmed(&worker) == 10);
    worker.stop();
    assert_eq!(keys(&world).len(), 9);
    assert_eq!(world.read("dead", 1)[0].key, Some(b"k5".to_vec()));
}

#[test]
fn a_store_that_is_away_for_long_costs_no_record() {
    for (records, ttl) in [(1, "0"), (1, "60000"), (50, "0"), (50, "60000")] {
        let world = world();
        world.faults.store_away.store(true, Ordering::Relaxed);
        for i in 0..records {
            world.produce("t", Some(&format!("k{i}")), Some("\"v\""));
        }
        world.flush();
        let worker = start(&world, &[JSON[0], JSON[1], ALL, QUEUE, ("coherence.ttl.ms", ttl)]);
        // Several times the timeout after which a record would be to blame.
        let until = Instant::now() + Duration::from_millis(1000);
        eventually("time passes", || {
            assert_eq!(confirmed(&worker), 0);
            Instant::now() > until
        });
        eventually("it is held", || world::counters(&world::tasks(&worker)[0]).holding.lock().is_some());
        world.faults.store_away.store(false, Ordering::Relaxed);
        eventually("all records are written", || confirmed(&worker) == records);
        assert_eq!(count(&worker, |c| c.skipped.now() + c.dead_letters.now() + c.errors.now()), 0);
        worker.stop();
        assert_eq!(keys(&world).len(), records as usize);
        assert_eq!(world.end("dead"), 0);
    }
}

#[test]
fn a_record_that_a_store_refuses_is_held_until_another_shows_that_the_store_works() {
    let world = world();
    *world.faults.partial_keys.lock() = vec![b"k5".to_vec()];
    world.produce("t", Some("k5"), Some("\"v\""));
    world.flush();
    let worker = start(&world, &[JSON[0], JSON[1], ALL, QUEUE]);
    // It is read again and again for its neighbours, of which there are none.
    eventually("it is read again", || count(&worker, |c| c.records.now()) >= 3);
    assert!(world::counters(&world::tasks(&worker)[0]).holding.lock().is_some());
    assert_eq!(count(&worker, |c| c.errors.now() + c.confirmed.now()), 0);
    world.produce("t", Some("k6"), Some("\"v\""));
    world.flush();
    eventually("both are done", || confirmed(&worker) == 2);
    worker.stop();
    assert_eq!(keys(&world), ["k6"]);
    assert_eq!(world.read("dead", 1)[0].key, Some(b"k5".to_vec()));
}

#[test]
fn a_dead_letter_that_the_queue_refuses_stops_the_task_with_the_offset_intact() {
    let world = world();
    world.produce("t", Some("a"), Some("\"v\""));
    world.produce("t", Some("b"), Some(&"{".repeat(3000)));
    world.produce("t", Some("c"), Some("\"v\""));
    world.flush();
    let small = ("producer.override.max.request.size", "1000");
    let worker = start(&world, &[JSON[0], JSON[1], ALL, QUEUE, small]);
    let failure = the_failure(&worker);
    assert!(failure.starts_with("record t-0 at offset 1: dead letter queue dead: "), "{failure}");
    assert_eq!(count(&worker, |c| c.dead_letter_failures.now()), 1);
    worker.stop();
    assert_eq!(world.committed("t", 0), Some(1), "what came before it is done");
    assert!(keys(&world).contains(&"a".to_owned()));
    assert_eq!(world.end("dead"), 0);

    let worker = start(&world, &[JSON[0], JSON[1], ALL, QUEUE]);
    eventually("everything is committed", || world.committed("t", 0) == Some(3));
    worker.stop();
    assert_eq!(keys(&world), ["a", "c"]);
    assert_eq!(world.end("dead"), 1);
}

#[test]
fn a_dead_letter_topic_that_cannot_be_made_fails_the_task_before_it_takes_a_record() {
    let world = World::new(&[("t", 1)]);
    produce_poison(&world);
    // The embedded broker makes no topics.
    let worker = start(&world, &[JSON[0], JSON[1], ALL, QUEUE]);
    let failure = the_failure(&worker);
    assert!(failure.starts_with("topic dead cannot be created: "), "{failure}");
    assert_eq!(count(&worker, |c| c.records.now()), 0);
    worker.stop();
    assert_eq!(world.committed("t", 0), None);
}

#[test]
fn a_null_key_goes_to_the_queue_and_with_fail_it_is_a_bad_record() {
    let world = world();
    world.produce("t", Some("a"), Some("\"v\""));
    world.produce("t", None, Some("\"v\""));
    world.flush();
    let worker = start(&world, &[JSON[0], JSON[1], QUEUE, ("behavior.on.null.keys", "fail")]);
    let failure = the_failure(&worker);
    assert!(failure.starts_with("record t-0 at offset 1: key: null"), "{failure}");
    worker.stop();
    assert_eq!(world.committed("t", 0), Some(1));
    let worker = start(&world, &[JSON[0], JSON[1], QUEUE]);
    eventually("the null key is passed", || world.committed("t", 0) == Some(2));
    assert_eq!(count(&worker, |c| c.null_keys.now()), 1);
    worker.stop();
    let letters = world.read("dead", 2);
    assert!(letters.iter().all(|letter| letter.key.is_none()));
}

#[test]
fn null_values_delete_or_are_ignored_or_are_bad_records() {
    for (policy, expected, skipped) in
        [("delete", vec!["b"], 0), ("ignore", vec!["a", "b"], 0), ("fail", vec!["a", "b"], 1)]
    {
        let world = world();
        for (key, value) in [("a", Some("\"v\"")), ("a", None), ("b", Some("\"v\""))] {
            world.produce("t", Some(key), value);
        }
        world.flush();
        let worker = start(&world, &[JSON[0], JSON[1], ALL, ("behavior.on.null.values", policy)]);
        eventually("all records are done", || confirmed(&worker) == 3);
        assert_eq!(count(&worker, |c| c.skipped.now()), skipped, "{policy}");
        assert_eq!(count(&worker, |c| c.null_values.now()), u64::from(policy == "ignore"), "{policy}");
        worker.stop();
        assert_eq!(keys(&world), expected, "{policy}");
    }
}

#[test]
fn entries_expire_as_their_record_says_or_their_topic_or_the_connector() {
    let world = World::new(&[("t", 1), ("u", 1)]);
    let record = |key: &str, ttl: Option<&str>| OutgoingRecord {
        key: Some(key.as_bytes().to_vec()),
        value: Some(b"\"v\"".to_vec()),
        headers: ttl.map(|ttl| ("ttl".to_owned(), Some(ttl.as_bytes().to_vec()))).into_iter().collect(),
        timestamp: None,
    };
    world.produce_record("t", &record("own", Some("5000")));
    world.produce_record("t", &record("topic", None));
    world.produce_record("t", &record("bad", Some("soon")));
    // Java's Long.MAX_VALUE: longer than any map takes.
    world.produce_record("t", &record("long", Some("9223372036854775807")));
    world.produce_record("t", &record("longest", Some("4611686018427387903")));
    world.produce_record("t", &record("never", Some("-1")));
    world.produce_record("u", &record("connector", None));
    let worker = world.worker(&[
        ("topics", "t,u"),
        JSON[0],
        JSON[1],
        ALL,
        ("coherence.ttl.ms", "1000"),
        ("coherence.ttl.ms.t", "2000"),
        ("coherence.ttl.header", "ttl"),
    ]);
    eventually("all records are done", || confirmed(&worker) == 7);
    assert_eq!(count(&worker, |c| c.skipped.now()), 2);
    worker.stop();
    let after = |millis| Expiry::After(Duration::from_millis(millis));
    let expected = [
        ("connector", after(1000)),
        ("longest", after(Expiry::MAX_MILLIS.unsigned_abs())),
        ("never", Expiry::Never),
        ("own", after(5000)),
        ("topic", after(2000)),
    ];
    let expected = expected.map(|(key, expiry)| (key.to_owned(), expiry));
    assert_eq!(world.expiries(), BTreeMap::from(expected));
}

#[test]
fn a_failed_task_starts_again_on_request() {
    let world = world();
    *world.faults.refused_key.lock() = Some(b"k5".to_vec());
    world.produce("t", Some("k5"), Some("\"v\""));
    world.flush();
    let worker = start(&world, &JSON);
    the_failure(&worker);
    assert_eq!(worker.restart_task("c", 1), Err(RequestError::UnknownTask));
    assert_eq!(worker.restart_task("x", 0), Err(RequestError::UnknownConnector));
    *world.faults.refused_key.lock() = None;
    worker.restart_task("c", 0).unwrap();
    eventually("the record is confirmed", || confirmed(&worker) == 1);
    assert!(failures(&worker).is_empty());
    worker.stop();
    assert_eq!(keys(&world), ["k5"]);
}

#[test]
fn a_running_task_that_is_restarted_commits_and_goes_on_where_it_was() {
    let world = world();
    world.produce("t", Some("k1"), Some("\"v\""));
    world.flush();
    let worker = start(&world, &JSON);
    eventually("the record is confirmed", || confirmed(&worker) == 1);
    for restarts in 1..=3 {
        worker.restart_task("c", 0).unwrap();
        eventually("it starts again", || count(&worker, |c| c.restarts.now()) == restarts);
        assert_eq!(world.committed("t", 0), Some(i64::try_from(restarts).unwrap()));
        world.produce("t", Some(&format!("k{}", restarts + 1)), Some("\"v\""));
        world.flush();
        eventually("the next record is confirmed", || confirmed(&worker) == restarts + 1);
    }
    assert!(failures(&worker).is_empty());
    assert_eq!(count(&worker, |c| c.records.now()), 4, "no record is read twice");
    worker.stop();
    assert_eq!(keys(&world), ["k1", "k2", "k3", "k4"]);
}

#[test]
fn a_failed_task_starts_again_by_itself_where_that_is_asked_for() {
    let world = world();
    world.faults.away.store(true, Ordering::Relaxed);
    world.produce("t", Some("k"), Some("\"v\""));
    world.flush();
    let worker = start(
        &world,
        &[
            JSON[0],
            JSON[1],
            ("coherence.retry.timeout.ms", "5"),
            ("coherence.task.restart.attempts", "-1"),
            ("coherence.task.restart.backoff.ms", "1"),
            ("coherence.task.restart.backoff.max.ms", "20"),
        ],
    );
    eventually("it fails and starts twice", || count(&worker, |c| c.restarts.now()) >= 2);
    world.faults.away.store(false, Ordering::Relaxed);
    eventually("the record is confirmed", || confirmed(&worker) == 1);
    worker.stop();
    assert_eq!(keys(&world), ["k"]);
}
