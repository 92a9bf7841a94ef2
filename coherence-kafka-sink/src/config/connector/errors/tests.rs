use super::super::tests::{errors, good, parse};
use super::*;

#[test]
fn policies_have_the_defaults_of_connect() {
    let config = good(&[]);
    assert_eq!(config.errors, ErrorPolicy::default());
    assert!(config.dead_letters.is_none());
    assert_eq!(config.expiries, Expiries::default());
    assert_eq!(config.restart.attempts, Some(0));
    assert_eq!(config.retry.timeout, None);
}

#[test]
fn policies_are_read_by_the_names_of_connect() {
    use std::time::Duration;

    use coherence_kafka_common::map::Expiry;

    use crate::errors::{NullKeys, NullValues, Tolerance};

    let config = good(&[
        ("errors.tolerance", "all"),
        ("errors.log.enable", "true"),
        ("errors.log.include.messages", "true"),
        ("errors.retry.timeout", "-1"),
        ("errors.retry.delay.max.ms", "5"),
        ("errors.deadletterqueue.topic.name", "dead"),
        ("errors.deadletterqueue.topic.replication.factor", "1"),
        ("errors.deadletterqueue.topic.partitions", "4"),
        ("errors.deadletterqueue.context.headers.enable", "true"),
        ("behavior.on.null.keys", "fail"),
        ("behavior.on.null.values", "ignore"),
        ("coherence.ttl.ms", "-1"),
        ("coherence.ttl.ms.t", "7"),
        ("coherence.ttl.header", "ttl"),
        ("coherence.retry.timeout.ms", "9"),
        ("coherence.task.restart.attempts", "-1"),
    ]);
    let expected = ErrorPolicy {
        tolerance: Tolerance::All,
        log: true,
        log_records: true,
        dead_letters: true,
        context_headers: true,
        null_keys: NullKeys::Fail,
        null_values: NullValues::Ignore,
    };
    assert_eq!(config.errors, expected);
    assert_eq!(config.expiries.of_topic("x"), Expiry::Never);
    assert_eq!(config.expiries.of_topic("t"), Expiry::After(Duration::from_millis(7)));
    assert_eq!(config.expiries.header.as_deref(), Some("ttl"));
    assert_eq!(config.retry.timeout, Some(Duration::from_millis(9)));
    assert_eq!(config.restart.attempts, None);
    let queue = config.dead_letters.as_ref().unwrap().for_task("s", 2);
    assert_eq!((queue.topic.as_str(), queue.partitions, queue.replication), ("dead", 4, 1));
    let text = |settings: &[(String, String)]| {
        settings.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(
        text(&queue.producer),
        "acks=all bootstrap.servers=localhost:9092 client.id=connector-dlq-producer-s-2 enable.idempotence=true \
         enable.metrics.push=false message.max.bytes=67108864 message.timeout.ms=120000 partitioner=murmur2_random \
         reconnect.backoff.max.ms=1000"
    );
    assert_eq!(
        text(&queue.admin),
        "bootstrap.servers=localhost:9092 client.id=connector-dlq-adminclient- reconnect.backoff.max.ms=1000"
    );
}

#[test]
fn the_clients_of_the_queue_take_settings_of_javas_producer_and_refuse_what_would_lose_a_letter() {
    let queue = |settings: &[(&str, &str)]| {
        let mut all = vec![("errors.deadletterqueue.topic.name", "dead")];
        all.extend(settings);
        parse(&all)
    };
    let config = queue(&[
        ("producer.override.delivery.timeout.ms", "5000"),
        ("producer.override.max.request.size", "2000"),
        ("producer.override.acks", "-1"),
        ("producer.override.compression.type", "zstd"),
        ("producer.override.key.serializer", "x"),
        ("admin.override.request.timeout.ms", "7000"),
    ])
    .unwrap();
    let options = config.dead_letters.as_ref().unwrap().for_task("s", 0);
    for (name, value) in
        [("message.timeout.ms", "5000"), ("message.max.bytes", "2000"), ("compression.codec", "zstd")]
    {
        assert!(options.producer.contains(&(name.to_owned(), value.to_owned())), "{name}");
    }
    assert!(options.admin.contains(&("socket.timeout.ms".to_owned(), "7000".to_owned())));
    for (key, value, expected) in [
        (
            "producer.override.acks",
            "1",
            "c: producer.override.acks: cannot be 1: the sink commits an offset only when its record is in the dead \
             letter queue; leave it out",
        ),
        (
            "producer.override.transactional.id",
            "x",
            "c: producer.override.transactional.id: dead letters are not part of a transaction: leave it out",
        ),
    ] {
        let found = queue(&[(key, value)]).unwrap_err();
        assert_eq!(found.iter().map(ToString::to_string).collect::<Vec<_>>(), [expected]);
    }
}

#[test]
fn what_leads_the_producer_of_the_queue_to_its_cluster_leads_the_client_that_makes_the_topic() {
    let config = good(&[
        ("errors.deadletterqueue.topic.name", "dead"),
        ("producer.override.bootstrap.servers", "d:1"),
        ("producer.override.enable.ssl.certificate.verification", "false"),
        ("producer.override.broker.address.family", "v4"),
        ("producer.override.request.timeout.ms", "9000"),
        ("producer.override.linger.ms", "9"),
        ("producer.override.client.id", "mine"),
        ("admin.override.broker.address.family", "v6"),
    ]);
    assert_eq!(config.warnings, []);
    let options = config.dead_letters.as_ref().unwrap().for_task("s", 0);
    let settings: Vec<_> = options.admin.iter().map(|(name, value)| format!("{name}={value}")).collect();
    assert_eq!(
        settings,
        [
            "bootstrap.servers=d:1",
            "broker.address.family=v6",
            "client.id=connector-dlq-adminclient-",
            "enable.ssl.certificate.verification=false",
            "reconnect.backoff.max.ms=1000",
            "socket.timeout.ms=9000",
        ]
    );
}

#[test]
fn a_setting_of_the_queue_that_nobody_knows_is_noted() {
    let config = good(&[
        ("errors.deadletterqueue.topic.name", "dead"),
        ("producer.override.delivery.timeout", "1"),
        ("admin.override.linger.ms", "1"),
    ]);
    let warnings: Vec<_> = config.warnings.iter().map(ToString::to_string).collect();
    assert_eq!(
        warnings,
        [
            "c: producer.override.delivery.timeout: unknown setting, did you mean delivery.timeout.ms?",
            "c: admin.override.linger.ms: unknown setting",
        ]
    );
}

#[test]
fn a_pattern_must_not_match_the_dead_letter_topic() {
    let found = errors(&[
        ("topics", "<absent>"),
        ("topics.regex", "t.*"),
        ("errors.deadletterqueue.topic.name", "t-dead"),
    ]);
    assert!(found[0].contains("is a topic that the connector reads"), "{found:?}");
}
