//! The dead letter queue.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::Duration;

use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::sink::{Settings, Sink};
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};

use super::letters::{self, ALL, CONTEXT, Letter, ONE_REPLICA, QUEUE, dead, dead_once, queue};
use crate::flow::{Flow, SOON};

const LONG: (&str, &str) = ("value.converter", "org.apache.kafka.connect.converters.LongConverter");

/// Numbers under many keys, of which one in a hundred cannot be read, and what the map and the queue must hold.
fn poisoned(count: u64) -> (Vec<Letter>, BTreeMap<String, String>, BTreeSet<Letter>) {
    let mut model = BTreeMap::new();
    let mut poison = BTreeSet::new();
    let records = (0..count).map(|i| {
        let key = format!("key-{:05}", i * 7919 % 3_000);
        let timestamp = 1_700_000_000_000 + i64::try_from(i).unwrap();
        if i % 100 == 42 {
            let headers = vec![
                ("trace".to_owned(), Some(i.to_be_bytes().to_vec())),
                ("twice".to_owned(), None),
                ("twice".to_owned(), Some(Vec::new())),
            ];
            let letter = Letter { headers, timestamp, ..Letter::new(&key, format!("no number {i}")) };
            poison.insert(letter.clone());
            return letter;
        }
        model.insert(key.clone(), i.to_string());
        Letter { timestamp, ..Letter::new(&key, i.to_be_bytes()) }
    });
    (records.collect(), model, poison)
}

#[test]
fn a_dead_letter_topic_is_made_with_the_partitions_and_replicas_asked_for() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "queue-made", 1), queue());
    let partitions = ("errors.deadletterqueue.topic.partitions", "3");

    // More replicas than there are brokers: the factor is what it is asked for.
    let two = ("errors.deadletterqueue.topic.replication.factor", "2");
    let sink = flow.start(&[], &[ALL, (QUEUE, &queue), partitions, two]);
    let failure = flow.failure(&sink);
    assert!(failure.contains(&queue) && failure.contains(two.0), "the setting at fault is named: {failure}");
    assert_eq!(letters::replicas(kafka, &queue), Vec::<usize>::new());

    flow.replace(&sink, &[ALL, (QUEUE, &queue), partitions, ONE_REPLICA]);
    eventually(SOON, "the topic is made", || letters::replicas(kafka, &queue) == [1, 1, 1]);

    // It is there now, whatever is asked for.
    flow.replace(&sink, &[ALL, (QUEUE, &queue), two]);
    kafka.produce(&flow.name, [(Some("k"), Some("v"))]).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(letters::replicas(kafka, &queue), [1, 1, 1]);
}

#[test]
fn a_queue_holds_exactly_the_poison_byte_for_byte_and_says_where_it_came_from() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "poison", 4), queue());
    let (records, model, poison) = poisoned(20_000);
    letters::produce(kafka, &flow.name, &records);
    let sink = flow.start(&[], &[LONG, ALL, (QUEUE, &queue), CONTEXT, ONE_REPLICA]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.iter().collect());

    let places: BTreeMap<_, _> = letters::read(kafka, &flow.name).into_iter().collect();
    let found = dead(kafka, &queue);
    assert_eq!(found.len(), poison.len());
    assert_eq!(dead_once(kafka, &queue), poison);
    for letter in found {
        assert_eq!(letter.context("topic"), flow.name);
        let place = (
            letter.context("partition").parse::<i32>().unwrap(),
            letter.context("offset").parse::<i64>().unwrap(),
        );
        assert_eq!(places[&place], letter.without_context(), "the place is that of this record");
        assert_eq!(letter.context("connector.name"), flow.name);
        assert_eq!(letter.context("task.id"), "0");
        assert_eq!(letter.context("stage"), "VALUE_CONVERTER");
        assert_eq!(letter.context("class.name"), LONG.1);
        assert_eq!(
            letter.context("exception.class.name"),
            "org.apache.kafka.connect.errors.DataException",
            "the nearest exception of Java"
        );
        assert!(!letter.context("exception.message").is_empty());
        assert!(letter.context("exception.stacktrace").contains(letter.context("exception.message")));
    }
}

#[test]
fn a_queue_that_refuses_a_record_fails_the_task_and_loses_nothing() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "narrow", 1), queue());
    letters::create_narrow_topic(kafka, &queue, "300");
    let good = |i: u64| Letter::new(&format!("k{i}"), i.to_be_bytes());
    let large = Letter::new("large", vec![b'x'; 2_000]);
    let records: Vec<_> = (0..3).map(good).chain([large.clone()]).chain((3..6).map(good)).collect();
    letters::produce(kafka, &flow.name, &records);

    let settings = [LONG, ALL, (QUEUE, queue.as_str()), ONE_REPLICA];
    let sink = flow.start(&[], &settings);
    let failure = flow.failure(&sink);
    assert!(failure.contains(&format!("dead letter queue {queue}: ")), "{failure}");
    assert!(failure.to_lowercase().contains("size"), "{failure}");
    assert!(failure.starts_with(&format!("record {}-0 at offset 3: ", flow.name)), "{failure}");
    assert_eq!(flow.committed(kafka), [3], "what came before it is done");
    let written = grid.tool().entries(&flow.name).unwrap();
    assert!((0..3).all(|i| written.contains_key(&format!("k{i}"))), "{written:?}");
    assert_eq!(dead(kafka, &queue), []);
    let strict = [LONG, (QUEUE, queue.as_str()), ONE_REPLICA];
    flow.replace(&sink, &strict);
    let failure = flow.failure(&sink);
    assert!(failure.contains(&format!("dead letter queue {queue}: ")), "{failure}");
    assert_eq!(flow.committed(kafka), [3]);

    letters::widen_topic(kafka, &queue, "1000000");
    flow.replace(&sink, &settings);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(dead(kafka, &queue), [large]);
    let model = (0..6).map(|i| (format!("k{i}"), i.to_string())).collect();
    assert_eq!(grid.tool().entries(&flow.name).unwrap(), model);
}

#[test]
fn a_sink_that_is_stopped_again_and_again_under_load_puts_each_bad_record_into_the_queue_once() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "poison-stops", 4), queue());
    let (records, ..) = poisoned(100_000);
    let settings = [LONG, ALL, (QUEUE, &queue), ONE_REPLICA, ("coherence.batch.max.records", "100")];
    // No machine is so slow that a stop is cut off before its letters are committed.
    let patient = [("task.shutdown.graceful.timeout.ms", "60000")];
    let stopped = AtomicBool::new(false);
    let produced = thread::scope(|scope| {
        let load = scope.spawn(|| {
            let mut produced = 0;
            for part in records.chunks(200) {
                if within(Duration::from_millis(20), || stopped.load(Ordering::Acquire)) {
                    break;
                }
                letters::produce(kafka, &flow.name, part);
                produced += part.len() as u64;
            }
            produced
        });
        let mut found = 0;
        for _ in 0..8 {
            let sink = flow.start(&patient, &settings);
            let letters = || letters::count(kafka, &queue);
            eventually(SOON, "bad records are found", || letters() > found);
            assert_eq!(sink.stop().unwrap().code(), Some(143));
            found = letters();
        }
        stopped.store(true, Ordering::Release);
        load.join().unwrap()
    });
    let sink = flow.start(&patient, &settings);
    flow.assert_delivered(kafka, &sink, SOON);
    let (_, model, poison) = poisoned(produced);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.iter().collect());
    assert_eq!(dead(kafka, &queue).len(), poison.len());
    assert_eq!(dead_once(kafka, &queue), poison);
}

/// The broker goes while bad records wait for it, and comes back: every one of them is in the queue.
///
/// The queue's producer reaches the broker through a relay. The last argument of `away` produces further records, one in
/// a hundred of them bad, and returns false when there are none left.
fn the_broker_goes(
    worker: Settings<'_>,
    away: impl FnOnce(&mut Kafka, &Flow, &Sink, &mut dyn FnMut(&Kafka) -> bool),
) {
    let grid = shared::grid();
    let mut kafka = Kafka::start(KafkaOptions { relayed: true, ..KafkaOptions::default() }).unwrap();
    let (flow, queue) = (Flow::new(&kafka, grid, "queue-away", 4), queue());
    let (records, model, poison) = poisoned(40_000);
    let mut parts = records.chunks(5_000);
    let mut produce = |kafka: &Kafka| {
        let part = parts.next().unwrap_or_default();
        letters::produce(kafka, &flow.name, part);
        !part.is_empty()
    };
    produce(&kafka);
    let small = ("coherence.batch.max.records", "200");
    let relay = kafka.relay().address();
    let worker = [&[("producer.bootstrap.servers", relay.as_str())], worker].concat();
    let sink = flow.start(&worker, &[LONG, ALL, (QUEUE, &queue), ONE_REPLICA, small]);
    eventually(SOON, "something is committed", || flow.committed(&kafka).iter().sum::<i64>() > 0);
    away(&mut kafka, &flow, &sink, &mut produce);
    while produce(&kafka) {}
    flow.assert_delivered(&kafka, &sink, SOON);
    assert_eq!(dead_once(&kafka, &queue), poison);
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.iter().collect());
}

#[test]
fn a_queue_without_broker_is_waited_for_and_gets_every_dead_letter() {
    require_peers!();
    let worker = [
        ("consumer.reconnect.backoff.max.ms", "1000"),
        ("producer.reconnect.backoff.max.ms", "1000"),
        // Given up soon, so that letters are sent again while the broker is away.
        ("producer.request.timeout.ms", "1000"),
        ("producer.delivery.timeout.ms", "2000"),
    ];
    the_broker_goes(&worker, |kafka, flow, sink, produce| {
        kafka.relay().reset();
        // What is fetched from now on has bad records, and their letters find no broker.
        produce(kafka);
        eventually(SOON, "dead letters are sent again", || {
            flow.assert_running(sink);
            sink.log().matches("dead letter not acknowledged, retrying").count() > 3
        });
        kafka.kill().unwrap();
        kafka.restart().unwrap();
        kafka.relay().pass();
    });
}

#[test]
fn a_queue_whose_broker_is_frozen_is_waited_for_and_gets_every_dead_letter() {
    require_peers!();
    the_broker_goes(&[], |kafka, flow, sink, produce| {
        // Once more where the sink had committed everything when the broker was frozen.
        let mut missed = false;
        while !missed {
            let before = flow.committed(kafka);
            assert!(produce(kafka), "no commit met a frozen broker");
            eventually(SOON, "something is committed", || flow.committed(kafka) != before);
            kafka.freeze();
            // Longer than a commit is waited for.
            missed = within(Duration::from_secs(15), || {
                flow.assert_running(sink);
                sink.log().contains("offset commit not answered within offset.flush.timeout.ms, retrying")
            });
            kafka.thaw();
        }
    });
}
