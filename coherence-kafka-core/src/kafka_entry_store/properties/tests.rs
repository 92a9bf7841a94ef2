use super::*;
use crate::testing::{Seen, entry};
use crate::{EntryStore as _, StoreError};

fn properties(pairs: &[(&str, &str)]) -> Properties {
    let servers = [("bootstrap.servers", "127.0.0.1:1")];
    Properties::from_pairs("test", servers.iter().chain(pairs).copied())
}

fn findings(pairs: &[(&str, &str)]) -> ConfigErrors {
    let mut findings = ConfigErrors::default();
    let builder = KafkaEntryStoreBuilder::from_properties(&properties(pairs), Format::Pof, &mut findings);
    assert_eq!(builder.is_some(), findings.errors.is_empty());
    findings
}

fn errors(pairs: &[(&str, &str)]) -> Vec<String> {
    findings(pairs).iter().map(|finding| finding.to_string()).collect()
}

#[test]
fn everything_that_is_wrong_is_told_at_once() {
    let wrong = errors(&[
        ("topic.name", "a b"),
        ("passthrough", "ja"),
        ("coherence.kafka.key.form", "naked"),
        ("key.serializer", "StrngSerializer"),
        ("value.serializer", "list"),
        ("coherence.ttl.header", "event"),
        ("linger.ms", "soon"),
    ]);
    let has = |text: &str| wrong.iter().any(|error| error.contains(text));
    assert!(has("topic.name: \"a b\" is not a topic name"), "{wrong:#?}");
    assert!(has("passthrough: \"ja\" is neither false nor true"), "{wrong:#?}");
    assert!(has("coherence.kafka.key.form: \"naked\" is neither plain nor decorated"), "{wrong:#?}");
    assert!(has("did you mean StringSerializer?"), "{wrong:#?}");
    assert!(has("default.list.value.serde.inner: missing"), "{wrong:#?}");
    assert!(has("coherence.ttl.header: event is the header"), "{wrong:#?}");
    assert!(has("linger.ms"), "{wrong:#?}");
    assert_eq!(wrong.len(), 7, "{wrong:#?}");
}

#[test]
fn a_topic_is_required() {
    let missing = errors(&[]);
    assert!(missing.len() == 1 && missing[0].contains("topic.name"), "{missing:#?}");
}

#[test]
fn decorated_keys_need_pass_through() {
    let decorated = [("topic.name", "t"), ("coherence.kafka.key.form", "decorated")];
    assert!(errors(&decorated)[0].contains("set passthrough=true"));
    assert_eq!(errors(&[decorated[0], decorated[1], ("passthrough", "true")]), [""; 0]);
}

#[test]
fn a_serializer_beside_pass_through_is_noticed() {
    let findings = findings(&[
        ("topic.name", "t"),
        ("passthrough", "true"),
        ("key.serializer", "org.apache.kafka.common.serialization.StringSerializer"),
    ]);
    assert!(findings.errors.is_empty());
    assert!(findings.warnings.iter().any(|w| w.to_string().contains("has no effect with passthrough=true")));
}

#[test]
fn unless_told_otherwise_keys_and_values_are_byte_arrays() {
    let store = KafkaEntryStore::from_properties(&properties(&[("topic.name", "t")]), Format::Pof).unwrap();
    let (seen, observer) = Seen::new();
    store.store(entry(1, "a"), &observer);
    let error = seen.wait_for(1).remove(0).1.unwrap_err();
    assert!(matches!(error, StoreError::Serializer { .. }));
    assert!(error.to_string().contains("ByteArraySerializer"), "{error}");
}

#[test]
fn java_names_of_serializers_and_of_the_producer_are_understood() {
    let store = KafkaEntryStore::from_properties(
        &properties(&[
            ("topic.name", "t"),
            ("key.serializer", "org.apache.kafka.common.serialization.IntegerSerializer"),
            ("value.serializer", "org.apache.kafka.common.serialization.StringSerializer"),
            ("max.block.ms", "1234"),
            ("buffer.memory", "1048576"),
        ]),
        Format::Pof,
    )
    .unwrap();
    assert_eq!(store.max_block(), std::time::Duration::from_millis(1_234));
    assert_eq!(store.topic(), "t");
    let (seen, observer) = Seen::new();
    store.store(entry(1, "a"), &observer);
    drop(store);
    assert_eq!(seen.wait_for(1)[0].1, Err(StoreError::Closed), "it was taken");
}
