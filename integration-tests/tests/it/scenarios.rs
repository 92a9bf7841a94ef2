//! The scenarios that the tests of the original connector show, and those that it was known to fail.

use integration_tests::grid::{Contents, GridTool, Literal};
use integration_tests::sandbox::unique;
use integration_tests::sink::Sink;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, SOON};
use crate::support::delivered;

const BYTE_ARRAYS: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const POF: &str = "com.oracle.coherence.kafka.connect.converter.KafkaPofConverter";

/// Long enough to find all the records that are there in one batch.
const LINGER: (&str, &str) = ("coherence.batch.linger.ms", "2000");

/// A record of strings, written as its parts are.
type Text<'a> = (Option<&'a str>, Option<&'a str>);

fn put<'a>(key: &'a str, value: &'a str) -> Text<'a> {
    (Some(key), Some(value))
}

fn delete(key: &str) -> Text<'_> {
    (Some(key), None)
}

/// A topic of one partition, so that its records have an order.
fn flow(base: &str) -> Flow {
    Flow::new(shared::kafka(), shared::grid(), base, 1)
}

fn tool() -> &'static GridTool {
    shared::grid().tool()
}

/// Writes records and waits until the connector of the flow is through with them.
#[track_caller]
fn send(flow: &Flow, sink: &Sink, records: &[Text<'_>]) {
    shared::kafka().produce(&flow.name, records.iter().copied()).unwrap();
    delivered(sink, &flow.name, &flow.name);
}

/// All records so far were written together.
#[track_caller]
fn assert_one_batch(flow: &Flow, sink: &Sink) {
    assert_eq!(sink.metric("coherence_kafka_sink_batches_total", &flow.name).unwrap(), 1, "{}", sink.log());
}

#[track_caller]
fn assert_text(map: &str, key: impl Into<Literal>, expected: Option<&str>) {
    let value = tool().get(map, key).unwrap();
    assert_eq!(value.as_ref().map(|v| v.text.as_str()), expected);
}

#[test]
fn records_insert_update_and_delete_an_entry() {
    require_peers!();
    let flow = flow("crud");
    let map = unique("mapped");
    let mapping = format!("{}->{map}", flow.name);
    let sink = flow.start(&[], &[("coherence.cache.mappings", &mapping)]);
    send(&flow, &sink, &[put("k", "inserted"), put("other", "kept")]);
    assert_text(&map, "k", Some("inserted"));
    send(&flow, &sink, &[put("k", "updated")]);
    assert_text(&map, "k", Some("updated"));
    send(&flow, &sink, &[delete("k")]);
    assert_text(&map, "k", None);
    send(&flow, &sink, &[delete("k"), delete("never there")]);
    assert_eq!(tool().contents(&map).unwrap(), Contents::from_iter([("other", "kept")]));
    assert_eq!(tool().size(&flow.name).unwrap(), 0, "the map of the topic's name is not used");
}

#[test]
fn a_hundred_records_of_a_topic_without_mapping_go_to_the_map_of_its_name() {
    require_peers!();
    let flow = flow("hundred");
    let sink = flow.start(&[], &[]);
    let records: Vec<_> = (0..100).map(|i| (format!("key-{i}"), format!("value-{i}"))).collect();
    let texts: Vec<_> = records.iter().map(|(key, value)| put(key, value)).collect();
    send(&flow, &sink, &texts);
    assert_eq!(tool().contents(&flow.name).unwrap(), records.into_iter().collect());
}

#[test]
fn a_record_without_a_key_is_skipped_alone_and_named_in_the_log() {
    require_peers!();
    let flow = flow("null-key");
    let sink = flow.start(&[], &[]);
    let secret = "s3cr3t-value";
    let records = [put("a", "1"), put("s3cr3t-key", "2"), (None, Some(secret)), (None, None), put("b", "3")];
    send(&flow, &sink, &records);
    let model = [("a", "1"), ("s3cr3t-key", "2"), ("b", "3")];
    assert_eq!(tool().contents(&flow.name).unwrap(), Contents::from_iter(model));

    let log = sink.log();
    let lines: Vec<_> = log.lines().filter(|line| line.contains("records without key discarded")).collect();
    assert_eq!(lines.len(), 1, "{log}");
    let fields = [format!("topic={:?}", flow.name), "partition=0".into(), "offset=2".into()];
    for field in fields.iter().map(String::as_str).chain(["WARN", "count="]) {
        assert!(lines[0].contains(field), "{} lacks {field}", lines[0]);
    }
    assert!(!log.contains("ERROR"), "{log}");
    assert!(!log.contains("s3cr3t"), "keys and values stay out of the log:\n{log}");
}

#[test]
fn a_user_type_from_a_java_producer_arrives_as_that_type() {
    require_peers!();
    let pass_through =
        [("key.converter", BYTE_ARRAYS), ("value.converter", BYTE_ARRAYS), ("coherence.passthrough", "true")];
    let converters = [("key.converter", POF), ("value.converter", POF)];
    for settings in [&pass_through[..], &converters] {
        let flow = flow("person");
        let sink = flow.start(&[], settings);
        let bytes = |literal: Literal| Some(tool().to_bytes(literal).unwrap());
        let person = |text: &str| bytes(Literal::new("person", text));
        let address_book = [
            (bytes(Literal::from(7)), person("Ann|30|Main Street|Prague")),
            (person("Bob|41|Long Street|Brno"), person("Eve|52||")),
        ];
        shared::kafka().produce(&flow.name, address_book).unwrap();
        delivered(&sink, &flow.name, &flow.name);

        let ann = tool().get(&flow.name, 7).unwrap().unwrap();
        assert_eq!(ann.class, "GridTool$Person");
        assert_eq!(ann.text, "Person{Ann, 30, Address{Main Street, Prague}}");
        let of_bob = Literal::new("person", "Bob|41|Long Street|Brno");
        assert_text(&flow.name, of_bob.clone(), Some("Person{Eve, 52, Address{, }}"));

        shared::kafka().produce(&flow.name, [(bytes(of_bob), None::<&[u8]>)]).unwrap();
        delivered(&sink, &flow.name, &flow.name);
        assert_eq!(tool().size(&flow.name).unwrap(), 1);
    }
}

#[test]
fn two_topics_of_one_poll_go_to_their_own_maps() {
    require_peers!();
    let (first, second) = (flow("first"), flow("second"));
    let map = unique("renamed");
    // One by one, so that the records of both lie side by side in time as well.
    for i in 0..5 {
        let (key, value) = (format!("k{i}"), format!("v{i}"));
        shared::kafka().produce(&first.name, [put(&key, &value)]).unwrap();
        shared::kafka().produce(&second.name, [put(&key, "of the second"), delete(&key)]).unwrap();
        shared::kafka().produce(&second.name, [put("last", &value)]).unwrap();
    }
    let (topics, mapping) = (format!("{},{}", first.name, second.name), format!("{}->{map}", second.name));
    let settings = [("topics", &*topics), ("coherence.cache.mappings", &mapping), LINGER];
    let sink = first.start(&[], &settings);
    delivered(&sink, &first.name, &first.name);
    delivered(&sink, &first.name, &second.name);
    assert_one_batch(&first, &sink);
    let model: Vec<_> = (0..5).map(|i| (format!("k{i}"), format!("v{i}"))).collect();
    assert_eq!(tool().contents(&first.name).unwrap(), model.into_iter().collect());
    assert_eq!(tool().contents(&map).unwrap(), Contents::from_iter([("last", "v4")]));
    assert_eq!(tool().size(&second.name).unwrap(), 0);
}

#[test]
fn the_last_record_of_a_key_in_a_poll_wins_whatever_came_before() {
    require_peers!();
    let flow = flow("last-wins");
    let records = [
        put("put then delete", "1"),
        delete("delete then put"),
        put("both", "1"),
        delete("put then delete"),
        put("delete then put", "2"),
        delete("both"),
        put("both", "3"),
    ];
    // Before the connector is there, so that its first poll finds them all.
    shared::kafka().produce(&flow.name, records).unwrap();
    let sink = flow.start(&[], &[LINGER]);
    delivered(&sink, &flow.name, &flow.name);
    assert_one_batch(&flow, &sink);
    let model = [("delete then put", "2"), ("both", "3")];
    assert_eq!(tool().contents(&flow.name).unwrap(), Contents::from_iter(model));
}

#[test]
fn a_byte_array_key_updated_twice_in_a_poll_keeps_the_second_value() {
    require_peers!();
    let flow = flow("byte-array");
    let key = |n: u8| [0x00, 0xFF, n];
    let records = (0..50_u8).flat_map(|n| [(n, Some([1, n])), (n, Some([2, n]))]);
    shared::kafka().produce(&flow.name, records.map(|(n, value)| (Some(key(n)), value))).unwrap();
    let settings = [("key.converter", BYTE_ARRAYS), ("value.converter", BYTE_ARRAYS), LINGER];
    let sink = flow.start(&[], &settings);
    delivered(&sink, &flow.name, &flow.name);
    assert_one_batch(&flow, &sink);
    let model = (0..50).map(|n| (format!("00ff{n:02x}"), format!("02{n:02x}")));
    assert_eq!(tool().contents(&flow.name).unwrap(), model.collect());
    let value = tool().get(&flow.name, &key(7)[..]).unwrap().unwrap();
    assert_eq!((value.class.as_str(), value.text.as_str()), ("byte[]", "0207"));
}

#[test]
fn a_pattern_reads_the_topics_whose_whole_name_it_matches() {
    require_peers!();
    let base = unique("regex");
    let matching = ["orders-1", "orders-22"].map(|name| format!("{base}.{name}"));
    let others = ["orders-x", "orders-1-old"].map(|name| format!("{base}.{name}"));
    for topic in matching.iter().chain(&others) {
        shared::kafka().create_topic(topic, 1).unwrap();
        shared::kafka().produce(topic, [put("k", topic)]).unwrap();
    }
    let (flow, map) = (flow("pattern"), unique("mapped"));
    let regex = format!("{}\\\\.orders-\\\\d+", base.replace('.', "\\\\."));
    let mapping = format!("{}->{map}", matching[1]);
    let settings = [("topics", ""), ("topics.regex", &regex), ("coherence.cache.mappings", &mapping)];
    let sink = flow.start(&[], &settings);
    for topic in &matching {
        delivered(&sink, &flow.name, topic);
    }
    assert_text(&matching[0], "k", Some(&matching[0]));
    assert_text(&map, "k", Some(&matching[1]));
    for topic in &others {
        assert_eq!(shared::kafka().committed(&format!("connect-{}", flow.name), topic).unwrap(), [None]);
        assert_eq!(tool().size(topic).unwrap(), 0);
    }
}

#[test]
fn two_tasks_share_the_partitions() {
    require_peers!();
    let flow = Flow::new(shared::kafka(), shared::grid(), "tasks", 4);
    let sink = flow.start(&[], &[("tasks.max", "2")]);
    let records: Vec<_> = (0..200).map(|i| (format!("key-{i}"), format!("value-{i}"))).collect();
    let texts: Vec<_> = records.iter().map(|(key, value)| put(key, value)).collect();
    send(&flow, &sink, &texts);
    assert_eq!(tool().contents(&flow.name).unwrap(), records.into_iter().collect());
    let status = sink.status(&flow.name).unwrap();
    assert_eq!(status["tasks"].as_array().unwrap().len(), 2);
    let has_partitions = |task: u8| {
        let name = format!("task={:?}", format!("{}-{task}", flow.name));
        sink.log().lines().any(|line| line.contains("partitions assigned") && line.contains(&name))
    };
    eventually(SOON, "both tasks have partitions", || has_partitions(0) && has_partitions(1));
}

#[test]
fn one_process_runs_the_connectors_of_several_files() {
    require_peers!();
    let flows = [flow("several"), flow("several"), flow("several")];
    let [first, second, third] = &flows;
    let longs = [("value.converter", "org.apache.kafka.connect.converters.LongConverter")];
    let connectors = [first.connector(&[]), second.connector(&longs), third.connector(&[])];
    let connectors = connectors.each_ref().map(Vec::as_slice);
    let sink = Sink::start_all(&first.worker(&[]), &connectors).unwrap();
    shared::kafka().produce(&second.name, [(Some("k"), Some(5_i64.to_be_bytes()))]).unwrap();
    for (flow, value) in [(first, "of the first"), (third, "of the third")] {
        send(flow, &sink, &[put("k", value)]);
        assert_text(&flow.name, "k", Some(value));
    }
    delivered(&sink, &second.name, &second.name);
    assert_eq!(tool().get(&second.name, "k").unwrap().unwrap().class, "java.lang.Long");
}

#[test]
fn one_file_holds_worker_and_connector() {
    require_peers!();
    let flow = flow("one-file");
    let (worker, connector) = (flow.worker(&[]), flow.connector(&[]));
    let sink = Sink::start(&[worker, connector].concat(), &[]).unwrap();
    send(&flow, &sink, &[put("k", "v")]);
    assert_text(&flow.name, "k", Some("v"));
}

#[test]
fn a_connector_is_read_from_a_json_file() {
    require_peers!();
    for wrapped in [true, false] {
        let flow = flow("json-file");
        let settings: serde_json::Map<_, _> =
            flow.connector(&[]).into_iter().map(|(key, value)| (key.to_owned(), value.into())).collect();
        // The body of a create request, or the settings alone.
        let body = if wrapped {
            serde_json::json!({"name": flow.name, "config": settings})
        } else {
            settings.into()
        };
        let file = ("connector.json".to_owned(), body.to_string());
        let sink = Sink::start_files(&flow.worker(&[]), [file]).unwrap();
        send(&flow, &sink, &[put("k", "from a JSON file")]);
        assert_text(&flow.name, "k", Some("from a JSON file"));
    }
}
