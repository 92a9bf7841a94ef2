//! Against librdkafka's mock cluster, which does not undo what an aborted transaction wrote: what needs that is tested
//! elsewhere.

use super::*;
use crate::producer::partition_of;
use crate::testing::{Mock, MockRecord};

const SOON: Duration = Duration::from_secs(30);
const TOPIC: &str = "log";
const PARTITIONS: i32 = 3;

fn mock() -> Mock {
    let mock = Mock::start();
    mock.topic(TOPIC, PARTITIONS);
    mock
}

fn settings(mock: &Mock) -> Vec<(String, String)> {
    // Settings of a user that would break what the writers promise.
    let user =
        [("acks", "1"), ("compression.codec", "gzip"), ("enable.idempotence", "false"), ("retries", "0")];
    let own = [("bootstrap.servers".to_owned(), mock.servers())];
    own.into_iter().chain(user.map(|(name, value)| (name.to_owned(), value.to_owned()))).collect()
}

fn records(numbers: std::ops::Range<u8>) -> Vec<KeyValue> {
    numbers.map(|number| (vec![b'k', number], (number % 2 == 0).then(|| vec![b'v', number]))).collect()
}

fn open(mock: &Mock) -> TopicWriter {
    TopicWriter::open(&settings(mock), TOPIC).unwrap()
}

fn exclusive(mock: &Mock) -> ExclusiveWriter {
    ExclusiveWriter::new(&settings(mock), TOPIC, "the writers")
}

/// Asserts that each record lies at its position, and nothing else in the topic.
#[track_caller]
fn assert_written(mock: &Mock, written: &[(KeyValue, Position)]) {
    let found = mock.records(TOPIC, PARTITIONS);
    assert_eq!(found.len(), written.len());
    for ((key, value), (partition, offset)) in written {
        let of_partition: Vec<&MockRecord> =
            found.iter().filter(|record| record.partition == *partition).collect();
        let record = of_partition[usize::try_from(*offset).unwrap()];
        assert_eq!((&record.key, &record.value, record.headers.len()), (key, value, 0));
        assert_eq!(partition_of("murmur2", key, PARTITIONS), Some(*partition), "as Java selects it");
    }
}

#[test]
fn records_are_written_in_order_where_java_writes_them_and_their_positions_returned() {
    let mock = mock();
    let writer = open(&mock);
    let (first, second) = (records(0..20), records(20..30));
    let positions = writer.write(&first, SOON).unwrap();
    let more = writer.write(&second, SOON).unwrap();
    let written = first.into_iter().chain(second).zip(positions.into_iter().chain(more)).collect::<Vec<_>>();
    assert_written(&mock, &written);
    assert_eq!(writer.write(&[], SOON), Ok(Vec::new()));
}

#[test]
fn a_passing_error_of_the_broker_is_retried() {
    let mock = mock();
    mock.stumble(2);
    assert_eq!(open(&mock).write(&records(0..1), SOON).map(|positions| positions.len()), Ok(1));
}

#[test]
fn without_a_broker_nothing_is_written_and_the_next_call_starts_afresh() {
    let mock = mock();
    let writer = open(&mock);
    writer.write(&records(0..1), SOON).unwrap();
    mock.down();
    let failed = writer.write(&records(1..2), Duration::from_secs(2));
    assert!(matches!(failed, Err(WriteError::Failed(_))), "{failed:?}");
    mock.up();
    let position = writer.write(&records(2..3), SOON).unwrap();
    assert_eq!(position.len(), 1);
    let keys: Vec<Vec<u8>> = mock.records(TOPIC, PARTITIONS).into_iter().map(|record| record.key).collect();
    assert!(!keys.contains(&vec![b'k', 1]), "{keys:?}");
}

#[test]
fn of_a_record_that_was_sent_and_not_acknowledged_nothing_is_known() {
    let mock = mock();
    let writer = open(&mock);
    writer.write(&records(0..1), SOON).unwrap();
    mock.append_in_doubt(1_000);
    let unknown = writer.write(&records(1..2), Duration::from_secs(1));
    assert!(matches!(unknown, Err(WriteError::Unknown(_))), "{unknown:?}");
}

#[test]
fn a_record_that_is_refused_is_not_written() {
    let mock = mock();
    let writer = open(&mock);
    mock.refuse(1);
    let refused = writer.write(&records(0..1), SOON);
    assert!(
        matches!(&refused, Err(WriteError::Failed(why)) if why.contains("max.message.bytes")),
        "{refused:?}"
    );
    let too_large = writer.write(&[(vec![1], Some(vec![0; 2_000_000]))], SOON);
    assert!(matches!(&too_large, Err(WriteError::Failed(why)) if why.contains("bytes")), "{too_large:?}");
    assert!(writer.write(&records(1..2), SOON).is_ok());
}

#[test]
fn a_missing_topic_is_named() {
    let mock = Mock::start();
    mock.without_topic(TOPIC);
    let settings = [settings(&mock), vec![("topic.metadata.propagation.max.ms".to_owned(), "0".to_owned())]];
    let writer = TopicWriter::open(&settings.concat(), TOPIC).unwrap();
    let failed = writer.write(&records(0..1), SOON);
    assert!(
        matches!(&failed, Err(WriteError::Failed(why)) if why.contains("topic log does not exist")),
        "{failed:?}"
    );
}

#[test]
fn a_writer_that_has_claimed_the_topic_writes_until_another_one_claims_it() {
    let mock = mock();
    let (mut one, mut other) = (exclusive(&mock), exclusive(&mock));
    assert!(matches!(one.write(&records(0..1), SOON), Err(WriteError::Failed(_))), "nothing is claimed");
    one.claim(SOON).unwrap();
    let mut written: Vec<_> =
        records(0..5).into_iter().zip(one.write(&records(0..5), SOON).unwrap()).collect();
    one.claim(SOON).unwrap();
    written.extend(records(5..6).into_iter().zip(one.write(&records(5..6), SOON).unwrap()));
    other.claim(SOON).unwrap();
    mock.fence();
    assert_eq!(one.write(&records(6..7), SOON), Err(WriteError::Fenced));
    mock.unfence();
    assert!(
        matches!(one.write(&records(6..7), SOON), Err(WriteError::Failed(_))),
        "it must be claimed again"
    );
    written.extend(records(7..9).into_iter().zip(other.write(&records(7..9), SOON).unwrap()));
    one.claim(SOON).unwrap();
    written.extend(records(9..10).into_iter().zip(one.write(&records(9..10), SOON).unwrap()));
    assert_written(&mock, &written);
}

#[test]
fn a_transaction_of_a_topic_without_permission_fails() {
    let mock = mock();
    let mut writer = exclusive(&mock);
    writer.claim(SOON).unwrap();
    mock.forbid();
    let failed = writer.write(&records(0..1), SOON);
    assert!(matches!(failed, Err(WriteError::Failed(_))), "{failed:?}");
    writer.claim(SOON).unwrap();
    assert!(writer.write(&records(1..2), SOON).is_ok());
}

#[test]
fn a_commit_without_an_answer_is_not_known_to_have_failed() {
    let mock = mock();
    let mut writer = exclusive(&mock);
    writer.claim(SOON).unwrap();
    mock.fail_commit();
    let unknown = writer.write(&records(0..1), SOON);
    assert!(matches!(unknown, Err(WriteError::Unknown(_))), "{unknown:?}");
    writer.claim(SOON).unwrap();
    assert!(writer.write(&records(1..2), SOON).is_ok());
}

#[test]
fn without_a_broker_the_topic_is_not_claimed() {
    let mock = mock();
    let mut writer = exclusive(&mock);
    mock.down();
    let away = writer.claim(Duration::from_secs(1)).unwrap_err();
    assert!(away.is_retriable(), "{away:?}");
    mock.up();
    writer.claim(SOON).unwrap();
    assert!(writer.write(&records(0..1), SOON).is_ok());
    mock.down();
    let failed = writer.write(&records(1..2), Duration::from_secs(1));
    assert!(matches!(failed, Err(WriteError::Failed(_))), "{failed:?}");
}

#[test]
fn settings_that_librdkafka_refuses_are_an_error() {
    let settings = [("no.such.setting".to_owned(), "1".to_owned())];
    let error = TopicWriter::open(&settings, TOPIC).unwrap_err();
    assert!(error.to_string().contains("no.such.setting"), "{error}");
    let error = ExclusiveWriter::new(&settings, TOPIC, "id").claim(SOON).unwrap_err();
    assert!(matches!(error, ClaimError::Refused(_)), "{error}");
}
