use std::collections::BTreeSet;

use rdkafka::ClientConfig;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};

use super::*;
use crate::testing::Mock;

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
    let take = |record: TopicRecord<'_>| {
        let number = u32::from_be_bytes(record.key?.try_into().ok()?);
        Some((number, record.value.is_some()))
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
    let nothing = |_: TopicRecord<'_>| None::<()>;
    let mut pieces = read_topic(servers, "t".to_owned(), Duration::from_millis(500), nothing);
    assert!(matches!(pieces.blocking_recv(), Some(Err(ReadError::Unavailable(_)))));
}

#[test]
fn a_topic_without_any_permission_is_refused_and_not_called_missing() {
    let mock = Mock::start();
    mock.without_permission("t");
    let refused = read_all(&mock, "t").2;
    let is_told = |why: &str| why.contains("Topic authorization failed");
    assert!(matches!(&refused, Err(ReadError::Refused(why)) if is_told(why)), "{refused:?}");
}

#[test]
fn what_waits_to_be_taken_is_bounded_in_bytes() {
    const KEY_BYTES: usize = 100 << 10;
    const RECORDS: usize = 30;
    let mock = Mock::start();
    mock.topic("t", 1);
    let producer: BaseProducer =
        ClientConfig::new().set("bootstrap.servers", mock.servers()).create().unwrap();
    let key = vec![7; KEY_BYTES];
    for _ in 0..RECORDS {
        producer
            .send(BaseRecord::<[u8], [u8]>::to("t").key(&key))
            .unwrap_or_else(|(error, _)| panic!("{error}"));
    }
    producer.flush(PATIENCE).unwrap();
    let take = |record: TopicRecord<'_>| record.key.map(<[u8]>::to_vec);
    let mut pieces = read_topic(settings(&mock), "t".to_owned(), PATIENCE, take);
    let mut records = 0;
    while let Some(Ok(piece)) = pieces.blocking_recv() {
        assert!(piece.len() * KEY_BYTES <= PIECE_BYTES + KEY_BYTES, "{} records in one piece", piece.len());
        records += piece.len();
    }
    assert_eq!(records, RECORDS);
}

#[test]
fn a_receiver_that_waits_for_longer_than_kafka_may_gets_the_whole_topic() {
    const RECORDS: u32 = 20_000;
    let mock = Mock::start();
    mock.topic("t", 1);
    produce(&mock, "t", 0..RECORDS);
    let patience = Duration::from_secs(2);
    let mut settings = settings(&mock);
    // Behind each wait the reader finds nothing at once: it has to fetch, and that takes longer than one poll.
    settings.push(("queued.max.messages.kbytes".to_owned(), "1".to_owned()));
    settings.push(("fetch.message.max.bytes".to_owned(), "20000".to_owned()));
    mock.slow(Duration::from_millis(300));
    let mut pieces =
        read_topic(settings, "t".to_owned(), patience, |record: TopicRecord<'_>| Some(record.partition));
    let mut records = 0;
    loop {
        if records % 5_000 == 0 {
            // Longer than the patience: until the pieces that may wait do so, and the reader with them.
            std::thread::sleep(patience * 2);
        }
        match pieces.blocking_recv() {
            Some(Ok(piece)) if piece.is_empty() => break,
            Some(Ok(piece)) => records += piece.len(),
            other => panic!("{other:?}"),
        }
    }
    assert_eq!(records, RECORDS as usize);
}

#[test]
fn a_record_comes_with_its_partition_and_their_number() {
    let mock = Mock::start();
    mock.topic("t", 3);
    produce(&mock, "t", 0..100);
    let take = |record: TopicRecord<'_>| Some((record.partition, record.partitions));
    let mut pieces = read_topic(settings(&mock), "t".to_owned(), PATIENCE, take);
    let places: BTreeSet<_> = pieces.blocking_recv().unwrap().unwrap().into_iter().collect();
    assert_eq!(places, BTreeSet::from([(0, 3), (1, 3), (2, 3)]));
}
