//! Against librdkafka's mock cluster: it fences nobody unless it is told to, and keeps what an aborted transaction has
//! written. The suites with real peers show the rest.

use coherence_kafka_rdkafka::testing::Mock;

use super::*;
use crate::entry_store::EntryStore as _;
use crate::kafka_entry_store::KafkaEntryStore;
use crate::testing::{Seen, entry, wait};

const TOPIC: &str = "t";
const SOON: Duration = Duration::from_secs(20);
const NEVER: Duration = Duration::from_secs(3600);

fn mock() -> Mock {
    let mock = Mock::start();
    mock.topic(TOPIC, 1);
    mock
}

/// A publisher of the transactional id `id`, and its store.
fn publisher(mock: &Mock, interval: Duration) -> (Arc<Producer>, KafkaEntryStore) {
    let settings = [("bootstrap.servers".to_owned(), mock.servers())];
    let transactions = Transactions { id: "id".to_owned(), interval, timeout: Duration::from_secs(25) };
    let producer = Producer::transactional(settings, transactions).unwrap();
    let store = KafkaEntryStore::builder(TOPIC).pass_through().producer(producer.clone()).build().unwrap();
    (producer, store)
}

fn is_retriable(outcome: &Result<(), StoreError>) -> bool {
    outcome.as_ref().is_err_and(StoreError::is_retriable)
}

fn within<T>(future: impl Future<Output = T>) -> T {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async { tokio::time::timeout(SOON, future).await.expect("in time") })
}

#[test]
fn nothing_is_sent_outside_of_a_term() {
    let mock = mock();
    let (producer, store) = publisher(&mock, Duration::ZERO);
    let (seen, observer) = Seen::new();
    store.store(entry(1, "before"), &observer);
    assert!(is_retriable(&seen.wait_for(1)[0].1));
    producer.begin_term(SOON, &|| true).unwrap();
    store.store(entry(1, "in"), &observer);
    assert_eq!(seen.wait_for(2)[1].1, Ok(()));
    within(producer.end_term(SOON));
    store.store(entry(1, "behind"), &observer);
    assert!(is_retriable(&seen.wait_for(3)[2].1));
    producer.begin_term(SOON, &|| true).unwrap();
    store.store(entry(1, "again"), &observer);
    assert_eq!(seen.wait_for(4)[3].1, Ok(()));
    assert_eq!(mock.records(TOPIC, 1).len(), 2);
}

#[test]
fn an_entry_is_acknowledged_by_the_commit_and_a_flush_does_not_wait_for_its_time() {
    let mock = mock();
    let (producer, store) = publisher(&mock, NEVER);
    producer.begin_term(SOON, &|| true).unwrap();
    let (seen, observer) = Seen::new();
    store.store_all((0..100).map(|n| entry(n, "a")).collect(), &observer);
    // In the log, and not committed.
    let until = Instant::now() + SOON;
    while mock.records(TOPIC, 1).len() < 100 {
        assert!(Instant::now() < until, "the records are sent at once");
    }
    assert_eq!(seen.count(), 0);
    wait(store.flush());
    assert!(seen.wait_for(100).iter().all(|(_, outcome)| outcome.is_ok()));
    assert_eq!((producer.bytes_in_flight(), store.stats().acknowledged), (0, 100));
}

#[test]
fn half_of_the_memory_in_use_ends_a_transaction_before_its_time() {
    let mock = mock();
    let settings = [
        ("bootstrap.servers".to_owned(), mock.servers()),
        ("queue.buffering.max.kbytes".to_owned(), "64".to_owned()),
    ];
    let transactions =
        Transactions { id: "id".to_owned(), interval: NEVER, timeout: Duration::from_secs(25) };
    let producer = Producer::transactional(settings, transactions).unwrap();
    let store = KafkaEntryStore::builder(TOPIC).pass_through().producer(producer.clone()).build().unwrap();
    producer.begin_term(SOON, &|| true).unwrap();
    let (seen, observer) = Seen::new();
    for n in 0..1_000 {
        wait(store.room());
        store.store(entry(n, "a"), &observer);
    }
    assert!(seen.count() > 500);
    wait(store.flush());
    let told = seen.wait_for(1_000);
    assert!(told.iter().all(|(_, outcome)| outcome.is_ok()));
    let keys: Vec<_> = told.iter().map(|(told, _)| told.key.clone()).collect();
    let records: Vec<_> = mock.records(TOPIC, 1).into_iter().map(|record| record.key).collect();
    assert_eq!(records.len(), 1_000);
    assert_eq!(keys, records, "what waited for the next transaction keeps its place");
}

#[test]
fn a_publisher_that_the_broker_fences_appends_nothing_more_and_its_term_is_over() {
    let mock = mock();
    let (producer, store) = publisher(&mock, Duration::ZERO);
    producer.begin_term(SOON, &|| true).unwrap();
    let (seen, observer) = Seen::new();
    store.store(entry(1, "before"), &observer);
    assert_eq!(seen.wait_for(1)[0].1, Ok(()));
    // Its clock, its group and its lease may show what they want.
    mock.fence();
    store.store(entry(1, "late"), &observer);
    assert!(is_retriable(&seen.wait_for(2)[1].1));
    assert_eq!(within(producer.term_lost()), Lost::Fenced);
    store.store(entry(1, "later"), &observer);
    assert!(is_retriable(&seen.wait_for(3)[2].1));
    assert_eq!((mock.records(TOPIC, 1).len(), producer.bytes_in_flight()), (1, 0));
}

#[test]
fn a_refused_record_takes_its_transaction_with_it_and_the_next_one_is_committed() {
    let mock = mock();
    let (producer, store) = publisher(&mock, Duration::ZERO);
    producer.begin_term(SOON, &|| true).unwrap();
    let (seen, observer) = Seen::new();
    mock.refuse(1);
    store.store(entry(1, "refused"), &observer);
    assert!(matches!(seen.wait_for(1)[0].1, Err(StoreError::Refused(_))));
    // librdkafka spends one more transaction on a new epoch.
    let accepted = (2..5).find(|sent| {
        store.store(entry(1, "accepted"), &observer);
        let outcome = seen.wait_for(*sent)[*sent - 1].1.clone();
        assert!(outcome.is_ok() || is_retriable(&outcome), "{outcome:?}");
        outcome.is_ok()
    });
    assert!(accepted.is_some());
}

#[test]
fn a_topic_that_may_not_be_written_is_left_out_for_a_while_and_then_tried_again() {
    let mock = mock();
    let (producer, store) = publisher(&mock, Duration::ZERO);
    producer.begin_term(SOON, &|| true).unwrap();
    let (seen, observer) = Seen::new();
    mock.forbid();
    store.store(entry(1, "forbidden"), &observer);
    let refused = seen.wait_for(1)[0].1.clone();
    assert!(matches!(refused, Err(StoreError::Blocked(_))), "{refused:?}");
    // The broker would accept it: nothing is sent.
    store.store(entry(1, "too soon"), &observer);
    assert_eq!(seen.wait_for(2)[1].1, refused);
    let since = Instant::now();
    let mut sent = 2;
    loop {
        sent += 1;
        store.store(entry(1, "accepted"), &observer);
        match &seen.wait_for(sent)[sent - 1].1 {
            Ok(()) => break,
            outcome => assert!(is_retriable(outcome) || *outcome == refused, "{outcome:?}"),
        }
        assert!(since.elapsed() < SOON, "it is tried again");
        std::thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(mock.records(TOPIC, 1).len(), 1);
}

#[test]
fn a_term_that_cannot_begin_in_time_begins_once_the_broker_is_there() {
    let mock = mock();
    let (producer, store) = publisher(&mock, Duration::ZERO);
    mock.down();
    assert!(matches!(producer.begin_term(Duration::from_millis(300), &|| true), Err(Lost::Failed(_))));
    mock.up();
    producer.begin_term(SOON, &|| true).unwrap();
    let (seen, observer) = Seen::new();
    store.store(entry(1, "a"), &observer);
    assert_eq!(seen.wait_for(1)[0].1, Ok(()));
}

#[test]
fn what_is_under_way_when_a_term_ends_has_its_outcome_before_the_end() {
    let mock = mock();
    let (producer, store) = publisher(&mock, NEVER);
    producer.begin_term(SOON, &|| true).unwrap();
    mock.down();
    let (seen, observer) = Seen::new();
    store.store_all((0..10).map(|n| entry(n, "a")).collect(), &observer);
    within(producer.end_term(Duration::from_millis(200)));
    assert!(seen.wait_for(10).iter().all(|(_, outcome)| is_retriable(outcome)));
    assert_eq!(producer.bytes_in_flight(), 0);
    assert_eq!(within(producer.term_lost()), Lost::Ended);
}
