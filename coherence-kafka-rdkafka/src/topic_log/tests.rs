//! Against librdkafka's mock cluster, which knows no transactions: what needs them is tested elsewhere.

use std::collections::BTreeMap;

use super::*;
use crate::embedded::Producer;
use crate::testing::Mock;

const SOON: Duration = Duration::from_secs(30);
const TOPIC: &str = "log";

type Taken = Arc<Mutex<Vec<(i32, i64, Vec<u8>, Option<Vec<u8>>)>>>;

fn settings(mock: &Mock) -> Vec<(String, String)> {
    vec![("bootstrap.servers".to_owned(), mock.servers())]
}

fn open(mock: &Mock) -> (TopicLog, Taken) {
    let taken = Taken::default();
    let into = taken.clone();
    let take = move |record: LogRecord<'_>| {
        assert!(record.timestamp > 0);
        let (key, value) = (record.key.unwrap().to_vec(), record.value.map(<[u8]>::to_vec));
        into.lock().push((record.partition, record.offset, key, value));
    };
    (TopicLog::open(&settings(mock), TOPIC, take).unwrap(), taken)
}

fn produce(mock: &Mock, numbers: std::ops::Range<u32>) {
    let producer = Producer::new(&settings(mock)).unwrap();
    for number in numbers {
        let value = (number % 2 == 0).then_some(&b"value"[..]);
        producer.send(TOPIC, Some(&number.to_be_bytes()), value).unwrap();
    }
    producer.flush(SOON).unwrap();
}

/// The numbers that were taken. Asserts that the offsets of each partition have no gap, and come in order.
#[track_caller]
fn numbers(taken: &Taken) -> Vec<u32> {
    let mut next = BTreeMap::new();
    let mut numbers = Vec::new();
    for (partition, offset, key, value) in taken.lock().iter() {
        let next: &mut i64 = next.entry(*partition).or_default();
        assert_eq!((*offset, offset + 1), (*next, *next + 1), "partition {partition}");
        *next += 1;
        let number = u32::from_be_bytes(key.as_slice().try_into().unwrap());
        assert_eq!(value.is_some(), number % 2 == 0);
        numbers.push(number);
    }
    numbers.sort_unstable();
    numbers
}

#[test]
fn every_record_of_every_partition_is_taken_once_and_what_comes_later_too() {
    let mock = Mock::start();
    mock.topic(TOPIC, 3);
    produce(&mock, 0..2_000);
    let (log, taken) = open(&mock);
    log.read_to_end(SOON).unwrap();
    assert_eq!(numbers(&taken), (0..2_000).collect::<Vec<_>>());
    for round in 1..4 {
        produce(&mock, round * 2_000..round * 2_000 + 100);
        log.read_to_end(SOON).unwrap();
        assert_eq!(numbers(&taken).len() as u32, 2_000 + round * 100);
    }
    assert_eq!(log.failure(), None);
}

#[test]
fn the_end_of_an_empty_topic_is_reached_at_once() {
    let mock = Mock::start();
    mock.topic(TOPIC, 2);
    let (log, taken) = open(&mock);
    log.read_to_end(SOON).unwrap();
    assert!(numbers(&taken).is_empty());
}

#[test]
fn a_record_is_waited_for_by_its_offset() {
    let mock = Mock::start();
    mock.topic(TOPIC, 1);
    let (log, taken) = open(&mock);
    std::thread::scope(|scope| {
        let waits = scope.spawn(|| log.wait_for(0, 9, SOON));
        produce(&mock, 0..10);
        waits.join().unwrap().unwrap();
    });
    assert_eq!(numbers(&taken).len(), 10);
    assert!(matches!(log.wait_for(0, 10, Duration::from_millis(100)), Err(ReadError::Unavailable(_))));
    assert!(log.wait_for(7, 0, Duration::from_millis(100)).is_err());
}

#[test]
fn an_outage_interrupts_the_reading_and_nothing_else() {
    let mock = Mock::start();
    mock.topic(TOPIC, 2);
    produce(&mock, 0..10);
    let (log, taken) = open(&mock);
    log.read_to_end(SOON).unwrap();
    mock.down();
    let away = log.read_to_end(Duration::from_secs(2));
    assert!(matches!(away, Err(ReadError::Unavailable(_))), "{away:?}");
    mock.up();
    produce(&mock, 10..20);
    log.read_to_end(SOON).unwrap();
    assert_eq!(numbers(&taken), (0..20).collect::<Vec<_>>());
}

#[test]
fn kafka_may_come_up_after_the_log_is_opened() {
    let mock = Mock::start();
    mock.topic(TOPIC, 1);
    produce(&mock, 0..3);
    mock.down();
    let (log, taken) = open(&mock);
    assert!(log.read_to_end(Duration::from_secs(1)).is_err());
    mock.up();
    log.read_to_end(SOON).unwrap();
    assert_eq!(numbers(&taken).len(), 3);
}

#[test]
fn a_topic_that_does_not_exist_is_an_error_and_is_read_once_it_does() {
    let mock = Mock::start();
    mock.without_topic(TOPIC);
    let (log, taken) = open(&mock);
    let missing = log.read_to_end(Duration::from_secs(2));
    assert_eq!(missing, Err(ReadError::NoTopic(TOPIC.to_owned())));
    mock.with_topic(TOPIC, 1);
    produce(&mock, 0..3);
    log.read_to_end(SOON).unwrap();
    assert_eq!(numbers(&taken).len(), 3);
}

#[test]
fn a_topic_that_may_not_be_read_is_refused_at_once() {
    let mock = Mock::start();
    mock.without_permission(TOPIC);
    let (log, _) = open(&mock);
    let refused = log.read_to_end(Duration::from_secs(2));
    assert!(matches!(&refused, Err(ReadError::Refused(why)) if why.contains("authorization")), "{refused:?}");
}

#[test]
fn records_that_are_gone_end_the_reading_for_good() {
    let mock = Mock::start();
    mock.topic(TOPIC, 1);
    produce(&mock, 0..10);
    let (log, taken) = open(&mock);
    log.read_to_end(SOON).unwrap();
    mock.out_of_range();
    let changed = log.wait_for(0, 10, SOON);
    assert!(matches!(changed, Err(ReadError::Changed(_))), "{changed:?}");
    produce(&mock, 10..20);
    assert_eq!(log.read_to_end(SOON), changed);
    assert_eq!(log.failure(), changed.err());
    assert_eq!(numbers(&taken).len(), 10);
}

#[test]
fn a_log_that_is_dropped_takes_nothing_more() {
    let mock = Mock::start();
    mock.topic(TOPIC, 1);
    let (ended, end) = std::sync::mpsc::channel::<()>();
    let take = move |_: LogRecord<'_>| ended.send(()).unwrap();
    let log = TopicLog::open(&settings(&mock), TOPIC, take).unwrap();
    log.read_to_end(SOON).unwrap();
    drop(log);
    // It ends when the thread drops `take`.
    assert_eq!(end.recv_timeout(SOON), Err(std::sync::mpsc::RecvTimeoutError::Disconnected));
}
