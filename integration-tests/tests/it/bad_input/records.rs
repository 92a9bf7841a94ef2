//! Records that cannot become entries.

use integration_tests::grid::Literal;
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::sink::Settings;
use integration_tests::{require_peers, shared};
use rdkafka::ClientConfig;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer};
use rdkafka::topic_partition_list::{Offset, TopicPartitionList};

use crate::flow::{Flow, SOON};

const STRING: &str = "org.apache.kafka.connect.storage.StringConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const LONG: &str = "org.apache.kafka.connect.converters.LongConverter";
const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const POF: &str = "com.oracle.coherence.kafka.connect.converter.KafkaPofConverter";

const PASS_THROUGH: Settings<'_> =
    &[("coherence.passthrough", "true"), ("key.converter", BYTES), ("value.converter", BYTES)];

/// Part of every bad record that is long enough: no message may hold it.
const SECRET: &[u8] = b"open-sesame";

/// A grid's `Long` in POF.
fn pof(number: i64) -> Vec<u8> {
    shared::grid().tool().to_bytes(number).unwrap()
}

/// A record that `good` makes from a number three times, then a `bad` one, then three good ones again. The task must
/// fail at the bad one and say all of `says`; the first three are in the map and committed. A connector that takes
/// every byte then gets the bad one and the rest.
#[track_caller]
fn assert_isolated(
    connector: Settings<'_>,
    good: impl Fn(i64) -> (Vec<u8>, Vec<u8>),
    bad: (Vec<u8>, Vec<u8>),
    says: &[&str],
) {
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "bad-record", 1);
    let records = (0..3).map(&good).chain([bad]).chain((3..6).map(&good));
    kafka.produce(&flow.name, records.map(|(key, value)| (Some(key), Some(value)))).unwrap();

    let sink = flow.start(&[], connector);
    let failure = flow.failure(&sink);
    let place = format!("record {}-0 at offset 3: ", flow.name);
    assert!(failure.starts_with(&place), "{failure}");
    for part in says {
        assert!(failure.contains(part), "{part:?} is not in {failure}");
    }
    assert_eq!(flow.committed(kafka), [3]);
    assert_eq!(grid.tool().size(&flow.name).unwrap(), 3);
    let log = sink.log();
    assert!(log.contains("task failed") && log.contains(&place), "{log}");

    flow.replace(&sink, &[("key.converter", BYTES), ("value.converter", BYTES)]);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().size(&flow.name).unwrap(), 3 + 4, "the first three keys were of another type");
    assert!(!sink.log().contains(str::from_utf8(SECRET).unwrap()), "no bytes of a record are shown\n{log}");
}

#[test]
fn a_number_of_the_wrong_length_is_isolated() {
    require_peers!();
    let good = |n: i64| (n.to_string().into_bytes(), n.to_be_bytes().to_vec());
    assert_isolated(
        &[("value.converter", LONG)],
        good,
        (b"k".to_vec(), b"abc".to_vec()),
        &["value: ", "Size of data received by LongDeserializer is not 8", "3"],
    );
}

#[test]
fn plain_json_for_a_converter_that_wants_schemas_is_told_the_setting_that_reads_it() {
    require_peers!();
    let good = |n: i64| {
        (
            format!("{n}").into_bytes(),
            format!(r#"{{"schema":{{"type":"int64"}},"payload":{n}}}"#).into_bytes(),
        )
    };
    assert_isolated(
        &[("key.converter", STRING), ("value.converter", JSON)],
        good,
        (b"k".to_vec(), br#"{"a":"open-sesame"}"#.to_vec()),
        &["value: ", "value.converter.schemas.enable=false"],
    );
}

#[test]
fn truncated_json_is_isolated() {
    require_peers!();
    let good = |n: i64| (format!("{n}").into_bytes(), format!(r#"{{"a":{n}}}"#).into_bytes());
    assert_isolated(
        &[("value.converter", JSON), ("value.converter.schemas.enable", "false")],
        good,
        (b"k".to_vec(), br#"{"a":"open-sesame"#.to_vec()),
        &["value: ", "serialization error: the text ends at byte 17"],
    );
}

#[test]
fn truncated_pof_is_isolated() {
    require_peers!();
    let good = |n: i64| (pof(n), pof(n));
    let whole = shared::grid().tool().to_bytes(Literal::new("string", "open-sesame")).unwrap();
    assert_isolated(
        &[("key.converter", POF), ("value.converter", POF)],
        good,
        (pof(9), whole[..whole.len() - 1].to_vec()),
        &["value: ", "POF", "byte"],
    );
}

#[test]
fn truncated_pof_as_a_key_is_isolated_in_pass_through() {
    require_peers!();
    let good = |n: i64| (pof(n), pof(n));
    let whole = shared::grid().tool().to_bytes(Literal::new("string", "open-sesame")).unwrap();
    let cut = whole[..whole.len() - 1].to_vec();
    assert_isolated(PASS_THROUGH, good, (cut, pof(1)), &["key", "is not one complete POF value", "byte"]);
}

#[test]
fn a_wrong_format_byte_is_isolated_in_pass_through() {
    require_peers!();
    let good = |n: i64| (pof(n), pof(n));
    let says = ["value", "0x6f at byte 0", "0x15", "check coherence.passthrough"];
    assert_isolated(PASS_THROUGH, good, (pof(9), SECRET.to_vec()), &says);
}

#[test]
fn an_empty_value_is_isolated_in_pass_through() {
    require_peers!();
    let good = |n: i64| (pof(n), pof(n));
    assert_isolated(
        PASS_THROUGH,
        good,
        (pof(9), Vec::new()),
        &["value", "is empty at byte 0", "a Coherence binary was expected"],
    );
}

#[test]
fn a_record_that_no_request_can_carry_is_isolated() {
    require_peers!();
    const LARGE: usize = 5_000_000;
    let grid = shared::grid();
    let options = KafkaOptions {
        heap: "512m".to_owned(),
        properties: vec![("message.max.bytes".to_owned(), "8000000".to_owned())],
        ..KafkaOptions::default()
    };
    let kafka = Kafka::start(options).unwrap();
    let flow = Flow::new(&kafka, grid, "large", 1);
    let sizes = [10, 4_100_000, 10, LARGE, 10, 20];
    let records = sizes.iter().enumerate().map(|(n, size)| (Some(format!("{n}")), Some("x".repeat(*size))));
    kafka.produce(&flow.name, records).unwrap();

    let sink = flow.start(&[], &[]);
    let failure = flow.failure(&sink);
    assert!(failure.starts_with(&format!("record {}-0 at offset 3: ", flow.name)), "{failure}");
    for part in
        ["too large for the grid", "the entry takes 50000", "a request at most 41", "keep such records out"]
    {
        assert!(failure.contains(part), "{part:?} is not in {failure}");
    }
    assert_eq!(flow.committed(&kafka), [3]);
    assert_eq!(grid.tool().size(&flow.name).unwrap(), 3);

    // What an operator does who gives the record up: the offset of the stopped connector is moved past it.
    flow.delete(&sink);
    let group = format!("connect-{}", flow.name);
    let mut settings = ClientConfig::new();
    settings.set("bootstrap.servers", kafka.bootstrap()).set("group.id", &group);
    let consumer: BaseConsumer = settings.create().unwrap();
    let mut past = TopicPartitionList::new();
    past.add_partition_offset(&flow.name, 0, Offset::Offset(4)).unwrap();
    consumer.commit(&past, CommitMode::Sync).unwrap();
    flow.create(&sink, &[]);
    flow.assert_delivered(&kafka, &sink, SOON);
    assert_eq!(grid.tool().size(&flow.name).unwrap(), 5);
    assert_eq!(grid.tool().get(&flow.name, "3").unwrap(), None);
}
