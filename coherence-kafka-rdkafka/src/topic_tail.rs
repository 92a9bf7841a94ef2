//! The last records of a topic, read once: for a person who looks at them.
//!
//! It joins no group and commits nothing.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};

use crate::error_capture::explained;
use crate::queue::Queue;
use crate::record::RawRecord;
use crate::topic_reader::{ReadError, bounds, consumer, is_refusal};

/// The timeout of one poll.
const POLL: Duration = Duration::from_millis(100);

/// Reads the last `count` records of `topic`, the newest first, with consumer `settings` by librdkafka's names, and
/// keeps of each what `take` returns. Blocks the thread until then, `patience` at most.
///
/// The newest are those with the highest timestamps. Of each partition the last `count` offsets are read: where some of
/// them have no record, because the topic is compacted or has transactions, there are fewer.
///
/// # Errors
/// See [`ReadError`]; also where the records did not arrive within `patience`.
pub fn read_tail<T>(
    settings: &[(String, String)],
    topic: &str,
    count: usize,
    patience: Duration,
    mut take: impl FnMut(&RawRecord<'_>) -> T,
) -> Result<Vec<T>, ReadError> {
    let until = Instant::now() + patience;
    let mut settings = settings.to_vec();
    settings.retain(|(name, _)| name != "group.instance.id");
    let consumer = consumer(&settings)?;
    let (_, bounds) = bounds(&consumer, topic, patience)?;
    let refused = |error: &dyn std::fmt::Display| ReadError::Refused(error.to_string());
    let mut assignment = TopicPartitionList::new();
    let mut ends = BTreeMap::new();
    for (partition, (begin, end)) in bounds {
        let from = begin.max(end.saturating_sub(i64::try_from(count).unwrap_or(i64::MAX)));
        let added = assignment.add_partition_offset(topic, partition, Offset::Offset(from));
        added.map_err(|error| refused(&error))?;
        ends.insert(partition, end);
    }
    // Dropped before the consumer.
    let queue = Queue::consumer(consumer.client().native_ptr());
    consumer.assign(&assignment).map_err(|error| refused(&error))?;
    let mut newest = Newest { count, records: Vec::new() };
    while !ends.is_empty() {
        let left = until.saturating_duration_since(Instant::now());
        if left.is_zero() {
            return Err(ReadError::Unavailable(consumer.context().explained_reason(patience)));
        }
        let Some(event) = queue.poll(POLL.min(left)) else { continue };
        match event.kind() {
            rd::RD_KAFKA_EVENT_FETCH => {
                let Some(record) = event.record() else { continue };
                let Some(end) = ends.get(&record.partition).copied() else { continue };
                if record.offset < end {
                    let age = record.timestamp().map_or(-1, |timestamp| timestamp.millis);
                    newest.add((age, record.partition, record.offset), || take(&record));
                }
                if record.offset + 1 >= end {
                    ends.remove(&record.partition);
                }
            }
            rd::RD_KAFKA_EVENT_ERROR => match event.code() {
                // The last offsets have no records.
                Code::PartitionEOF => {
                    event.position().map(|(partition, _)| ends.remove(&partition));
                }
                // The group is not used.
                Code::GroupAuthorizationFailed => {}
                code if is_refusal(code) => return Err(ReadError::Refused(explained(&event.reason()))),
                _ => consumer.context().note(&event.reason()),
            },
            rd::RD_KAFKA_EVENT_LOG => event.log(consumer.context().as_ref()),
            _ => {}
        }
    }
    Ok(newest.finish())
}

/// Timestamp, partition, offset.
type Age = (i64, i32, i64);

/// The newest records so far, and at most as many older ones.
struct Newest<T> {
    count: usize,
    records: Vec<(Age, T)>,
}

impl<T> Newest<T> {
    fn add(&mut self, age: Age, record: impl FnOnce() -> T) {
        self.records.push((age, record()));
        if self.records.len() >= self.count.saturating_mul(2).max(1) {
            self.keep();
        }
    }

    fn keep(&mut self) {
        self.records.sort_by_key(|(age, _)| std::cmp::Reverse(*age));
        self.records.truncate(self.count);
    }

    fn finish(mut self) -> Vec<T> {
        self.keep();
        self.records.into_iter().map(|(_, record)| record).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::Mock;

    const PATIENCE: Duration = Duration::from_secs(20);

    fn settings(mock: &Mock) -> Vec<(String, String)> {
        let pairs = [("bootstrap.servers", mock.servers()), ("group.instance.id", "member".to_owned())];
        pairs.map(|(name, value)| (name.to_owned(), value)).to_vec()
    }

    fn produce(mock: &Mock, topic: &str, numbers: std::ops::Range<i64>) {
        use rdkafka::message::{Header, OwnedHeaders};
        use rdkafka::producer::{BaseProducer, BaseRecord, Producer as _};
        let producer: BaseProducer =
            rdkafka::ClientConfig::new().set("bootstrap.servers", mock.servers()).create().unwrap();
        for number in numbers {
            let key = number.to_be_bytes();
            let text = number.to_string();
            let headers = OwnedHeaders::new().insert(Header { key: "n", value: Some(&text) });
            let record =
                BaseRecord::<[u8], [u8]>::to(topic).key(&key).headers(headers).timestamp(1_000 + number);
            producer.send(record).unwrap_or_else(|(error, _)| panic!("{error}"));
        }
        producer.flush(PATIENCE).unwrap();
    }

    fn tail(mock: &Mock, count: usize) -> Result<Vec<(i64, String)>, ReadError> {
        read_tail(&settings(mock), "t", count, PATIENCE, |record| {
            let text = record.headers()[0].1.clone().unwrap();
            (record.timestamp().unwrap().millis, String::from_utf8(text).unwrap())
        })
    }

    #[test]
    fn the_newest_records_of_all_partitions_come_newest_first_with_their_headers() {
        let mock = Mock::start();
        mock.topic("t", 3);
        assert_eq!(tail(&mock, 5), Ok(Vec::new()));
        produce(&mock, "t", 0..300);
        let expected = |numbers: std::ops::Range<i64>| {
            Ok(numbers.rev().map(|n| (1_000 + n, n.to_string())).collect::<Vec<_>>())
        };
        assert_eq!(tail(&mock, 5), expected(295..300));
        assert_eq!(tail(&mock, 1_000), expected(0..300));
        assert_eq!(tail(&mock, 0), Ok(Vec::new()));
    }

    #[test]
    fn a_topic_without_permission_and_a_broker_that_is_away_are_errors() {
        let mock = Mock::start();
        mock.without_permission("t");
        assert!(matches!(tail(&mock, 5), Err(ReadError::Refused(_))));
        let settings = settings(&mock);
        drop(mock);
        let failed = read_tail(&settings, "t", 5, Duration::from_millis(500), |_| ());
        assert!(matches!(failed, Err(ReadError::Unavailable(_))), "{failed:?}");
    }
}
