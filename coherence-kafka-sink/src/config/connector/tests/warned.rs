//! What is accepted with a warning.

use super::*;

#[test]
fn empty_and_repeated_topics_are_dropped_and_it_is_said() {
    let config = good(&[("topics", " a ,, b,a,")]);
    assert_eq!(config.topics, Topics::List(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(
        config.warnings[0].to_string(),
        "c: topics: has empty or repeated items, which Kafka 4 refuses; they are dropped"
    );
}

#[test]
fn empty_lists_of_transforms_and_predicates_are_accepted() {
    let settings = [("transforms", ""), ("predicates", "")];
    assert_eq!(warnings(&settings), [""; 0]);
}

#[test]
fn of_a_transform_that_is_not_listed_only_its_type_is_mentioned() {
    for list in ["transforms", "predicates"] {
        let type_key = format!("{list}.Cast.type");
        let other = format!("{list}.Other.type");
        let found = parse(&[(list, "Mask, Cast"), (&type_key, "x"), (&other, "x")]).unwrap_err();
        let refused: Vec<_> = found.errors.iter().map(|error| error.key.as_str()).collect();
        assert_eq!(refused, [format!("{list}.Mask.type"), type_key], "{found}");
        let noted: Vec<_> = found.warnings.iter().map(|warning| warning.key.as_str()).collect();
        assert_eq!(noted, [other.as_str()]);
    }
}

#[test]
fn an_option_that_the_class_of_a_transform_does_not_have_is_mentioned_with_the_nearest_name() {
    let found = warnings(&[
        ("transforms", "hoist"),
        ("transforms.hoist.type", "org.apache.kafka.connect.transforms.HoistField$Value"),
        ("transforms.hoist.field", "f"),
        ("transforms.hoist.feild", "f"),
        ("transforms.hoist.predicate", "gone"),
        ("predicates", "gone"),
        ("predicates.gone.type", "RecordIsTombstone"),
        ("predicates.gone.negate", "true"),
    ]);
    assert_eq!(
        found,
        [
            "c: transforms.hoist.feild: without effect: org.apache.kafka.connect.transforms.HoistField$Value has no such \
             setting, did you mean field?",
            "c: predicates.gone.negate: without effect: org.apache.kafka.connect.transforms.predicates.RecordIsTombstone \
             has no such setting",
        ]
    );
}

#[test]
fn a_transform_may_give_records_topics_that_are_not_read() {
    let found = warnings(&[
        ("topics", "orders"),
        ("coherence.cache.mappings", "routed->o"),
        ("coherence.ttl.ms.routed", "1"),
        ("transforms", "drop"),
        ("transforms.drop.type", "Filter"),
    ]);
    assert_eq!(found, [""; 0]);
}

#[test]
fn what_changes_nothing_and_what_nobody_knows_is_told() {
    let found = warnings(&[
        ("coherence.server", "true"),
        ("config.action.reload", "restart"),
        ("producer.override.acks", "1"),
        ("producer.override.linger.ms", "1"),
        ("coherence.ttl.ms.other", "1"),
        ("transforms.a.type", "x"),
        ("value.converter.plugin.version", "1"),
        ("connector.plugin.version", "1"),
        ("topics.dir", "x"),
        ("task.max", "2"),
        ("max.poll.records", "2"),
        ("consumer.override.max.poll.record", "2"),
        ("bootstrap.servers", "b:1"),
    ]);
    assert_eq!(
        found,
        [
            "c: coherence.server: accepted, without effect: No cache server is started in this process; \
             `coherence.session=embedded` keeps maps here.",
            "c: config.action.reload: accepted, without effect: No variable provider has values that expire.",
            "c: transforms.a.type: accepted, without effect: `transforms` does not list it.",
            "c: topics.dir: unknown setting",
            "c: task.max: unknown setting, did you mean tasks.max?",
            "c: max.poll.records: unknown setting, write consumer.override.max.poll.records",
            "c: bootstrap.servers: accepted, without effect: A setting of the worker.",
            "c: producer.override.acks: without effect: errors.deadletterqueue.topic.name is not set, so there is no producer",
            "c: coherence.ttl.ms.other: without effect: topics does not list other",
            "c: consumer.override.max.poll.record: unknown setting, did you mean max.poll.records?",
        ]
    );
}

#[test]
fn a_retry_timeout_that_ends_before_a_record_is_isolated_is_told() {
    let settings = |retry| [("coherence.refused.timeout.ms", "5000"), ("coherence.retry.timeout.ms", retry)];
    assert_eq!(
        warnings(&settings("5000")),
        [
            "c: coherence.retry.timeout.ms: is not more than coherence.refused.timeout.ms (5000): a record that a cache \
          store refuses fails the task before it is isolated"
        ]
    );
    for fine in ["5001", "-1"] {
        assert_eq!(warnings(&settings(fine)), [""; 0]);
    }
}

#[test]
fn a_rule_that_no_topic_comes_to_and_settings_without_a_rule_are_mentioned() {
    let rules = [
        ("coherence.cache.mappings", "orders-1->o"),
        ("coherence.cache.rules", "orders,rest"),
        ("coherence.cache.rules.orders.regex", "orders-.*"),
        ("coherence.cache.rules.orders.replacement", "orders"),
        ("coherence.cache.rules.orders.replacment", "orders"),
        ("coherence.cache.rules.rest.regex", ".*"),
        ("coherence.cache.rules.rest.replacement", "rest"),
        ("coherence.cache.rules.other.regex", ".*"),
    ];
    let with = |topics| warnings(&[&[("topics", topics)][..], &rules].concat());
    let settings = [
        "c: coherence.cache.rules.orders.replacment: without effect: a rule has no such setting, did you mean replacement?",
        "c: coherence.cache.rules.other.regex: without effect: coherence.cache.rules does not list other",
    ];
    assert_eq!(with("orders-1,orders-2,x"), settings);
    let unmet = "c: coherence.cache.rules.orders.replacement: without effect: no topic that topics lists comes to this rule";
    assert_eq!(with("orders-1,x"), [&settings[..], &[unmet]].concat());
}

#[test]
fn a_mapping_for_a_topic_that_is_not_read_is_told() {
    assert_eq!(
        warnings(&[("topics", "orders"), ("coherence.cache.mappings", "order->o,x->y,orders->m")]),
        [
            "c: coherence.cache.mappings: maps order, which topics does not list, did you mean orders?",
            "c: coherence.cache.mappings: maps x, which topics does not list",
        ]
    );
}
