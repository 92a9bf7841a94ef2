//! What a failed record is called, by whose fault, and why.

use super::*;

/// A certificate that signs itself: a client reads it whenever it is made.
const AUTHORITY: &str = include_str!("authority.pem");

#[test]
fn a_broker_that_stays_away_is_told_in_time() {
    let store = store(NOWHERE, &[("message.timeout.ms", "500")]);
    let (seen, observer) = Seen::new();
    store.store(entry(1, "a"), &observer);
    let (_, outcome) = seen.wait_for(1).remove(0);
    let error = outcome.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)) && error.is_retriable(), "{error}");
    assert!(error.to_string().ends_with("the record is not in the topic"), "{error}");
}

#[test]
fn a_missing_topic_is_told_in_time() {
    let mock = Mock::start();
    mock.without_topic(TOPIC);
    let store = store(
        &mock.servers(),
        &[("message.timeout.ms", "5000"), ("topic.metadata.propagation.max.ms", "100")],
    );
    let (seen, observer) = Seen::new();
    store.store(entry(1, "a"), &observer);
    let error = seen.wait_for(1).remove(0).1.unwrap_err();
    assert!(matches!(error, StoreError::Blocked(_)) && !error.is_retriable(), "{error}");
    assert!(error.to_string().contains("topic t does not exist: create it"), "{error}");
}

#[test]
fn a_missing_topic_is_reported_by_its_name_before_its_record_expires() {
    let mock = Mock::start();
    mock.without_topic(TOPIC);
    let store = store(&mock.servers(), &[("message.timeout.ms", "3000")]);
    let (seen, observer) = Seen::new();
    store.store(entry(1, "a"), &observer);
    let error = seen.wait_for(1).remove(0).1.unwrap_err();
    assert!(matches!(error, StoreError::Blocked(_)), "{error}");
    assert_eq!(store.stats().failures.blocked, 1);
    mock.with_topic(TOPIC, PARTITIONS);
    // librdkafka asks for the topic once a second.
    let end = Instant::now() + SOON;
    loop {
        let (seen, observer) = Seen::new();
        store.store(entry(1, "b"), &observer);
        if seen.wait_for(1).remove(0).1.is_ok() {
            return;
        }
        assert!(Instant::now() < end, "the topic is there, and not found");
        std::thread::sleep(Duration::from_millis(50));
    }
}

#[test]
fn a_topic_without_permission_is_blocked_until_it_is_granted() {
    let mock = Mock::start();
    mock.without_permission(TOPIC);
    let store = store(&mock.servers(), &[]);
    let (seen, observer) = Seen::new();
    store.store(entry(1, "a"), &observer);
    let error = seen.wait_for(1).remove(0).1.unwrap_err().to_string();
    assert!(error.contains("no permission for topic t: grant the user Write and Describe on it"), "{error}");
}

#[test]
fn a_timeout_names_the_port_that_is_closed() {
    let store = store(NOWHERE, &[("message.timeout.ms", "1500")]);
    let (seen, observer) = Seen::new();
    store.store(entry(1, "a"), &observer);
    let error = seen.wait_for(1).remove(0).1.unwrap_err().to_string();
    assert!(error.contains(NOWHERE) && error.contains("Connection refused"), "{error}");
    assert!(error.ends_with("the record is not in the topic"), "{error}");
}

#[test]
fn a_record_that_is_too_large_is_refused_and_its_neighbours_are_not() {
    let mock = mock();
    let store = store(&mock.servers(), &[("message.max.bytes", "1000")]);
    let (seen, observer) = Seen::new();
    store.store_all(vec![entry(1, "a"), entry(2, &"x".repeat(2_000)), entry(3, "b")], &observer);
    let told = seen.wait_for(3);
    for (told, outcome) in told {
        let large = told.value.unwrap().len() > 1_000;
        if large {
            let error = outcome.unwrap_err().to_string();
            assert!(error.starts_with("refused by kafka: a record with 20"), "{error}");
            assert!(error.contains("max.request.size (message.max.bytes) is 1000: raise it"), "{error}");
        } else {
            assert_eq!(outcome, Ok(()));
        }
    }
    assert_eq!(by_key(&mock.records(TOPIC, PARTITIONS)).into_keys().collect::<Vec<_>>(), [1, 3]);
    assert_eq!(store.stats().failures.refused, 1);
}

#[test]
fn what_waits_for_a_client_that_cannot_be_made_is_reported_in_time() {
    let folder = tempfile::tempdir().unwrap();
    let authority = folder.path().join("ca.pem");
    std::fs::write(&authority, AUTHORITY).unwrap();
    let settings = [
        ("security.protocol", "ssl"),
        ("ssl.ca.location", authority.to_str().unwrap()),
        ("message.timeout.ms", "1000"),
    ];
    let store = store(NOWHERE, &settings);
    std::fs::remove_file(&authority).unwrap();
    let (seen, observer) = Seen::new();
    failed(&store);
    store.store(entry(1, "a"), &observer);
    wait(async { tokio::time::timeout(SOON, store.flush()).await }).expect("a flush ends");
    let error = seen.wait_for(1).remove(0).1.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable(_)), "{error}");
    assert!(error.to_string().contains("no kafka client was available within message.timeout.ms"), "{error}");
    assert_eq!((store.stats().in_flight, store.producer().bytes_in_flight()), (0, 0));
}
