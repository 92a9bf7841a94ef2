use std::collections::BTreeSet;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::*;
use crate::kafka::mock::Mock;

const PATIENCE: Duration = Duration::from_secs(20);

fn settings(mock: &Mock) -> Vec<(String, String)> {
    vec![("bootstrap.servers".to_owned(), mock.servers())]
}

fn produce(mock: &Mock, topic: &str, numbers: std::ops::Range<u32>) {
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", mock.servers()).create().unwrap();
    for number in numbers {
        let key = number.to_be_bytes();
        let record = BaseRecord::to(topic).key(&key[..]);
        let record = if number % 2 == 0 { record.payload(&b"value"[..]) } else { record };
        producer.send(record).unwrap_or_else(|(error, _)| panic!("{error}"));
    }
    producer.flush(PATIENCE).unwrap();
}

/// The numbers of records with a value and of tombstones, and how it ended.
fn read_all(mock: &Mock, topic: &str) -> (BTreeSet<u32>, BTreeSet<u32>, Result<(), ReadError>) {
    let take = |key: Option<&[u8]>, value: Option<&[u8]>| {
        let number = u32::from_be_bytes(key?.try_into().ok()?);
        Some((number, value.is_some()))
    };
    let mut pieces = read_topic(settings(mock), topic.to_owned(), PATIENCE, take);
    let (mut values, mut tombstones) = (BTreeSet::new(), BTreeSet::new());
    loop {
        match pieces.blocking_recv() {
            Some(Ok(piece)) if piece.is_empty() => return (values, tombstones, Ok(())),
            Some(Ok(piece)) => {
                for (number, is_value) in piece {
                    assert!(if is_value { &mut values } else { &mut tombstones }.insert(number));
                }
            }
            Some(Err(error)) => return (values, tombstones, Err(error)),
            None => panic!("it ended without a word"),
        }
    }
}

#[test]
fn every_record_of_every_partition_comes_once_and_then_the_end() {
    let mock = Mock::start();
    mock.topic("t", 3);
    produce(&mock, "t", 0..5_000);
    let (values, tombstones, ended) = read_all(&mock, "t");
    assert_eq!(ended, Ok(()));
    assert_eq!(values, (0..5_000).filter(|n| n % 2 == 0).collect());
    assert_eq!(tombstones, (0..5_000).filter(|n| n % 2 == 1).collect());
}

#[test]
fn an_empty_topic_is_read_to_its_end() {
    let mock = Mock::start();
    mock.topic("t", 2);
    assert_eq!(read_all(&mock, "t"), (BTreeSet::new(), BTreeSet::new(), Ok(())));
}

#[test]
fn a_topic_that_is_not_there_and_a_broker_that_is_away_are_told() {
    let mock = Mock::start();
    mock.without_topic("t");
    assert_eq!(read_all(&mock, "t").2, Err(ReadError::NoTopic("t".to_owned())));
    let servers = settings(&mock);
    drop(mock);
    let nothing = |_: Option<&[u8]>, _: Option<&[u8]>| None::<()>;
    let mut pieces = read_topic(servers, "t".to_owned(), Duration::from_millis(500), nothing);
    assert!(matches!(pieces.blocking_recv(), Some(Err(ReadError::Unavailable(_)))));
}
