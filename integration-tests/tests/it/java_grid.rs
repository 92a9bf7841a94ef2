//! A grid for which no serializer is configured, so that its maps hold what Java's default serializer writes: topics and
//! maps in both directions, byte for byte.

use std::collections::BTreeMap;

use coherence_kafka_common::map::{Expiry, Format};
use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::serializer::registry;
use coherence_kafka_core::{AsyncEntryStore, BinaryEntry, KafkaEntryStore, KeyForm};
use integration_tests::grid::{GridTool, Literal};
use integration_tests::sandbox::unique;
use integration_tests::sink::{Settings, Sink};
use integration_tests::source::Source;
use integration_tests::wait::{eventually, within};
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, SOON};
use crate::support::delivered;

const JAVA: (&str, &str) = ("coherence.session.format", "java");
const BYTE_ARRAYS: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const PASS_THROUGH: Settings<'_> = &[
    ("key.converter", BYTE_ARRAYS),
    ("value.converter", BYTE_ARRAYS),
    ("coherence.passthrough", "true"),
    JAVA,
];

fn tool() -> &'static GridTool {
    shared::java_grid().tool()
}

/// Keys and values of every form that Java's default serializer has, objects of classes among them.
fn literals() -> Vec<Literal> {
    let new = Literal::new;
    let list = Literal::of("list", [1.into(), "two".into()]);
    vec![
        "text".into(),
        "".into(),
        "long ".repeat(100).as_str().into(),
        true.into(),
        7.into(),
        (1_i64 << 40).into(),
        new("byte", "-1"),
        new("short", "300"),
        new("float", "1.5"),
        new("double", "-0.0"),
        new("big-integer", "-1606938044258990275541962092341162602522202993782792835301376"),
        new("big-decimal", "123.45"),
        new("binary", "0102"),
        new("char", "A"),
        new("uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6"),
        new("local-date", "2024-02-29"),
        list,
    ]
}

/// Writes one map to the topic of its name, and the topic to another map.
struct Circle {
    name: String,
    target: String,
    source: Source,
    _sink: Sink,
}

impl Circle {
    fn start(base: &str) -> Self {
        let (kafka, grid) = (shared::kafka(), shared::java_grid());
        let flow = Flow::new(kafka, grid, base, 2);
        let (name, target) = (flow.name.clone(), format!("{}-b", flow.name));
        let mapping = format!("{name}->{target}");
        let sink = flow.start(&[], &[PASS_THROUGH, &[("coherence.cache.mappings", &mapping)]].concat());
        let source = Self::source(&name);
        Self { name, target, source, _sink: sink }
    }

    fn source(name: &str) -> Source {
        let (bootstrap, address) = (shared::kafka().bootstrap(), shared::java_grid().address());
        let settings = [
            ("name", name),
            ("bootstrap.servers", &bootstrap),
            ("coherence.session.address", &address),
            ("coherence.cache.mappings", &format!("{name}->{name}")),
            ("coherence.source.session.timeout.ms", "6000"),
            ("delivery.timeout.ms", "4000"),
            ("coherence.passthrough", "true"),
            JAVA,
        ];
        let source = Source::start(&settings).unwrap();
        let follows = within(SOON, || source.state(name).as_deref() == Some("following"));
        assert!(follows, "{}", source.process().log_end());
        source
    }

    #[track_caller]
    fn is_equal(&self) {
        let contents = tool().contents(&self.name).unwrap();
        let equal = within(SOON, || tool().contents(&self.target).unwrap() == contents);
        let maps = [&self.name, &self.target].map(|map| tool().entries(map).unwrap());
        assert!(equal, "{maps:?}\n{}", self.source.process().log_end());
    }
}

#[test]
fn every_java_object_goes_through_a_topic_into_another_map_byte_for_byte() {
    require_peers!();
    let mut circle = Circle::start("java-circle");
    let (name, target) = (circle.name.clone(), circle.target.clone());
    for literal in literals() {
        tool().put(&name, literal.clone(), literal).unwrap();
    }
    tool().put(&name, "null", Literal::new("null", "")).unwrap();
    circle.is_equal();
    for key in literals().into_iter().chain(["null".into()]) {
        let stored = tool().stored(&name, key.clone()).unwrap();
        assert!(stored.is_some(), "{key:?}");
        assert_eq!(tool().stored(&target, key.clone()).unwrap(), stored, "{key:?}");
    }
    // Keys travel as Java writes them, without the decoration of the partition.
    let internal = tool().internal_key(&name, "text").unwrap();
    let plain = tool().to_bytes("text").unwrap();
    assert!(internal[0] == 0x0D && internal.ends_with(&plain));
    let records = shared::kafka().records(&name).unwrap();
    assert!(records.iter().any(|record| record.key.as_ref() == Some(&plain)));

    tool().remove(&name, "text").unwrap();
    tool().churn(&name, 1, 5_000, 500).unwrap();
    circle.is_equal();
    // A comparison finds changes without a listener.
    assert_eq!(circle.source.stop().unwrap().code(), Some(143));
    tool().remove(&name, 7).unwrap();
    tool().remove(&name, Literal::new("uuid", "f81d4fae-7dec-11d0-a765-00a0c91e6bf6")).unwrap();
    tool().put(&name, "null", "no longer").unwrap();
    circle.source = Circle::source(&name);
    circle.is_equal();
}

#[test]
fn records_as_javas_entry_store_writes_them_are_put_and_removed() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::java_grid());
    let flow = Flow::new(kafka, grid, "of-java", 1);
    let sink = flow.start(&[], PASS_THROUGH);
    // A backing map's key has its partition, and a value that waits in write-behind Java's `false` as decoration 2.
    let waiting =
        |value: Vec<u8>| [&[0x12, 0x05, value.len() as u8], &value[..], &[0x02, 0x11, 0x00]].concat();
    let key = |literal: Literal| tool().internal_key(&flow.name, literal).unwrap();
    let value = |literal: Literal| tool().to_bytes(literal).unwrap();
    let (text, five): (Literal, Literal) = ("text".into(), 5.into());
    let records = [
        (Some(key(text.clone())), Some(waiting(value("a value".into())))),
        (Some(key(five.clone())), Some(value(5_i64.into()))),
        (Some(value(five.clone())), Some(value("overwritten".into()))),
        (Some(key(true.into())), Some(value(true.into()))),
        (Some(key(true.into())), None),
    ];
    kafka.produce(&flow.name, records).unwrap();
    delivered(&sink, &flow.name, &flow.name);
    assert_eq!(tool().size(&flow.name).unwrap(), 2);
    let stored = |literal: &Literal| tool().stored(&flow.name, literal.clone()).unwrap().unwrap();
    assert_eq!(stored(&text), value("a value".into()));
    assert_eq!(tool().get(&flow.name, five).unwrap().unwrap().text, "overwritten");

    // POF, text and what is cut off are refused, with the way out.
    let letters = unique("of-java-letters");
    let flow = Flow::new(kafka, grid, "not-of-java", 1);
    let tolerant = [
        ("errors.tolerance", "all"),
        ("errors.deadletterqueue.topic.name", letters.as_str()),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
    ];
    let bad: [&[u8]; 4] = [b"\x15\x41\x05", b"text", b"\x06\x09cut", b"\x0B\x00"];
    let records = bad.iter().map(|bytes| (Some(value("k".into())), Some(bytes.to_vec())));
    kafka.produce(&flow.name, records.chain([(Some(b"\x15\x41\x05".to_vec()), None)])).unwrap();
    kafka.produce(&flow.name, [(Some(value("good".into())), Some(value(1.into())))]).unwrap();
    let sink = flow.start(&[], &[PASS_THROUGH, &tolerant].concat());
    delivered(&sink, &flow.name, &flow.name);
    assert_eq!(tool().size(&flow.name).unwrap(), 1);
    let letters = kafka.records(&letters).unwrap();
    assert_eq!(letters.len(), 5);
    let of_pof = letters[0].headers.iter().find(|(name, _)| name.ends_with("exception.message")).unwrap();
    let message = String::from_utf8(of_pof.1.clone().unwrap()).unwrap();
    assert!(message.contains("check coherence.session.format"), "{message}");
}

#[test]
fn an_entry_store_writes_the_records_of_java() {
    require_peers!();
    let (kafka, map) = (shared::kafka(), unique("java-store"));
    let entry = |literal: &Literal| {
        let binary = tool().to_bytes(literal.clone()).unwrap();
        BinaryEntry {
            key: binary.clone().into(),
            value: Some(binary.into()),
            update: false,
            expiry: Expiry::Default,
        }
    };
    // Which other key an object of a class belongs to is known to its class alone.
    let of_class = |literal: &Literal| {
        let binary = tool().to_bytes(literal.clone()).unwrap();
        coherence_kafka_common::java_format::decode(&binary).is_err() && binary[0] == 0x0B
    };
    let literals: Vec<_> = literals().into_iter().filter(|literal| !of_class(literal)).collect();
    assert!(literals.len() > 10);
    let topic = unique("java-store");
    kafka.create_topic(&topic, 1).unwrap();
    let store = KafkaEntryStore::builder(&topic)
        .setting("bootstrap.servers", kafka.bootstrap())
        .format(Format::Java)
        .key_form(KeyForm::Decorated)
        .pass_through()
        .build()
        .unwrap();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let entries = literals.iter().map(entry).collect();
    let outcomes = runtime.block_on(AsyncEntryStore::of(&store).store_all(entries));
    assert!(outcomes.iter().all(Result::is_ok), "{outcomes:?}");
    let records = kafka.records(&topic).unwrap();
    for (literal, record) in literals.iter().zip(&records) {
        assert_eq!(record.key, Some(tool().internal_key(&map, literal.clone()).unwrap()), "{literal:?}");
        assert_eq!(record.value, Some(tool().to_bytes(literal.clone()).unwrap()), "{literal:?}");
    }

    // Kafka's serializers write the objects that are in the binaries.
    let topic = unique("java-serialized");
    kafka.create_topic(&topic, 1).unwrap();
    let string = |part| registry::serializer("StringSerializer", part, &BTreeMap::new()).unwrap();
    let store = KafkaEntryStore::builder(&topic)
        .setting("bootstrap.servers", kafka.bootstrap())
        .format(Format::Java)
        .key_serializer(string(Part::Key))
        .value_serializer(string(Part::Value))
        .build()
        .unwrap();
    let entries = vec![entry(&"a".into()), entry(&7.into())];
    let outcomes = runtime.block_on(AsyncEntryStore::of(&store).store_all(entries));
    assert_eq!(outcomes.iter().map(Result::is_ok).collect::<Vec<_>>(), [true, false]);
    let records = kafka.records(&topic).unwrap();
    assert_eq!((records[0].key.as_deref(), records.len()), (Some(&b"a"[..]), 1));
}

#[test]
fn a_source_makes_plain_records_of_a_java_map() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::java_grid());
    let name = unique("java-source");
    kafka.create_topic(&name, 1).unwrap();
    let (bootstrap, address) = (kafka.bootstrap(), grid.address());
    let mapping = format!("{name}->{name}");
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let settings = [
        ("name", name.as_str()),
        ("bootstrap.servers", &bootstrap),
        ("coherence.session.address", &address),
        ("coherence.cache.mappings", &mapping),
        ("coherence.source.session.timeout.ms", "6000"),
        ("delivery.timeout.ms", "4000"),
        ("key.converter", json),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", json),
        ("value.converter.schemas.enable", "false"),
        JAVA,
    ];
    tool().put(&name, "text", 7).unwrap();
    tool().put(&name, 5, true).unwrap();
    tool().put(&name, "list", Literal::of("list", [1.into()])).unwrap();
    let source = Source::start(&settings).unwrap();
    let records = || -> BTreeMap<String, Option<String>> {
        let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
        let records = kafka.records(&name).unwrap().into_iter();
        records.map(|record| (text(record.key.unwrap()), record.value.map(text))).collect()
    };
    let expected = |pairs: &[(&str, Option<&str>)]| -> BTreeMap<String, Option<String>> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), value.map(str::to_owned))).collect()
    };
    let first = expected(&[("\"text\"", Some("7")), ("5", Some("true"))]);
    eventually(SOON, "both are published", || records() == first);
    // The list is refused alone: only Java reads it.
    eventually(SOON, "the list is counted", || source.count("refused", &name).ok() == Some(1));
    assert_eq!(source.stop().unwrap().code(), Some(143));
    // The record shows no Integer: the key of the map is found among those that it may be.
    tool().remove(&name, 5).unwrap();
    let source = Source::start(&settings).unwrap();
    let second = expected(&[("\"text\"", Some("7")), ("5", None)]);
    eventually(SOON, "the removal is published", || records() == second);
    assert_eq!(source.stop().unwrap().code(), Some(143));
}
