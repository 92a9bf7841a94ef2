use super::*;

fn error(builder: KafkaEntryStoreBuilder) -> String {
    builder.build().unwrap_err().to_string()
}

#[test]
fn what_is_no_name_of_a_topic_is_refused() {
    for bad in ["", ".", "..", "a b", "ä", "a/b", &"x".repeat(250)] {
        assert!(error(KafkaEntryStore::builder(bad)).contains("is not a topic name"), "{bad}");
    }
    for good in ["a", "A.b_c-9", &"x".repeat(249)] {
        assert!(KafkaEntryStore::builder(good).build().is_ok(), "{good}");
    }
}

#[test]
fn what_does_not_fit_together_is_refused() {
    let decorated = KafkaEntryStore::builder("t").key_form(KeyForm::Decorated);
    assert_eq!(error(decorated.clone()), "only keys in pass-through can be decorated");
    assert!(decorated.pass_through().build().is_ok());
    let producer = Producer::new([]).unwrap();
    let two = KafkaEntryStore::builder("t").producer(producer).setting("acks", "all");
    assert!(error(two).starts_with("a store with a shared producer cannot have producer settings"));
    let unknown = KafkaEntryStore::builder("t").setting("no.such.setting", "1");
    assert!(error(unknown).starts_with("the kafka client refuses its settings: "));
}

#[test]
fn a_store_shows_no_settings() {
    let store = KafkaEntryStore::builder("t").setting("sasl.password", "hunter2").build().unwrap();
    assert!(!format!("{store:?}").contains("hunter2"), "{store:?}");
    let builder = KafkaEntryStore::builder("t").setting("sasl.password", "hunter2");
    assert!(!format!("{builder:?}").contains("hunter2"), "{builder:?}");
}
