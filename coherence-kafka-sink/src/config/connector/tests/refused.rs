//! What is refused.

use super::*;

#[test]
fn every_malformed_setting_is_refused() {
    for (key, value, expected) in [
        ("name", "<absent>", "name: Missing required configuration \"name\" which has no default value."),
        ("name", " ", "c: name: Invalid value  for configuration name: String may not be empty"),
        (
            "name",
            "a\nb",
            "c: name: Invalid value a\nb for configuration name: String may not contain control sequences but had \
             the following ASCII chars: 10",
        ),
        (
            "connector.class",
            "<absent>",
            "connector.class: Missing required configuration \"connector.class\" which has no default value.",
        ),
        (
            "connector.class",
            "FileStreamSink",
            "c: connector.class: Failed to find any class that implements Connector and which name matches \
             FileStreamSink: the only connector here is com.oracle.coherence.kafka.connect.CoherenceSinkConnector, \
             or CoherenceSinkConnector, or CoherenceSink",
        ),
        (
            "tasks.max",
            "x",
            "c: tasks.max: Invalid value x for configuration tasks.max: Not a number of type INT",
        ),
        (
            "tasks.max",
            "0",
            "c: tasks.max: Invalid value 0 for configuration tasks.max: Value must be at least 1",
        ),
        (
            "topics",
            "a b",
            "c: topics: a b is not a topic name: it may hold ASCII letters, digits, dot, underscore and dash",
        ),
        ("topics", "..", "c: topics: .. is not a topic name: it cannot be . or .."),
        (
            "coherence.passthrough",
            "yes",
            "c: coherence.passthrough: Invalid value yes for configuration coherence.passthrough: Expected value to \
             be either true or false",
        ),
        (
            "coherence.session",
            "test",
            "c: coherence.session: Invalid value test for configuration coherence.session: String must be one of: \
             grpc, embedded",
        ),
        (
            "coherence.session.address",
            "localhost",
            "c: coherence.session.address: localhost is not an address: write host:port",
        ),
        (
            "coherence.session.address",
            "h:1,http://h:1",
            "c: coherence.session.address: http://h:1 is not an address: write host:port",
        ),
        (
            "coherence.session.tls.ca",
            "/ca.pem",
            "c: coherence.session.tls.ca: needs coherence.session.tls.enabled=true: without it nothing is encrypted",
        ),
        (
            "coherence.retry.backoff.ms",
            "60001",
            "c: coherence.retry.backoff.ms: is more than coherence.retry.backoff.max.ms",
        ),
        (
            "coherence.batch.max.records",
            "0",
            "c: coherence.batch.max.records: Invalid value 0 for configuration coherence.batch.max.records: Value \
             must be at least 1",
        ),
        (
            "coherence.json.arrays",
            "List",
            "c: coherence.json.arrays: Invalid value List for configuration coherence.json.arrays: String must be \
             one of: list, array",
        ),
        (
            "coherence.cache.mappings",
            "a->b, c -> d",
            "c: coherence.cache.mappings: item c -> d has blanks around the arrow: write c->d",
        ),
        (
            "value.converter",
            "${env:NO}",
            "c: value.converter: ${env:NO}: the environment variable is not set",
        ),
        (
            "errors.tolerance",
            "ALL",
            "c: errors.tolerance: Invalid value ALL for configuration errors.tolerance: String must be one of: none, \
             all",
        ),
        (
            "errors.deadletterqueue.topic.name",
            "d/l",
            "c: errors.deadletterqueue.topic.name: d/l is not a topic name: it may hold ASCII letters, digits, dot, \
             underscore and dash",
        ),
        (
            "errors.deadletterqueue.topic.name",
            "t",
            "c: errors.deadletterqueue.topic.name: is a topic that the connector reads: its dead letters would be read \
             again without end",
        ),
        (
            "coherence.ttl.ms.t",
            "-2",
            "c: coherence.ttl.ms.t: Invalid value -2 for configuration coherence.ttl.ms.t: expected milliseconds, \
             at most 4611686018427387903, or -1 for never",
        ),
        (
            "coherence.ttl.ms.t",
            "4611686018427387904",
            "c: coherence.ttl.ms.t: Invalid value 4611686018427387904 for configuration coherence.ttl.ms.t: expected \
             milliseconds, at most 4611686018427387903, or -1 for never",
        ),
        (
            "coherence.ttl.ms",
            "9223372036854775807",
            "c: coherence.ttl.ms: Invalid value 9223372036854775807 for configuration coherence.ttl.ms: Value must be no \
             more than 4611686018427387903",
        ),
        (
            "coherence.task.restart.backoff.ms",
            "70000",
            "c: coherence.task.restart.backoff.ms: is more than coherence.task.restart.backoff.max.ms",
        ),
        (
            "transforms",
            "a",
            "c: transforms.a.type: Missing required configuration \"transforms.a.type\" which has no default value.",
        ),
        (
            "predicates",
            "p",
            "c: predicates.p.type: Missing required configuration \"predicates.p.type\" which has no default value.",
        ),
        (
            "header.converter",
            "org.example.Converter",
            "c: header.converter: Invalid value org.example.Converter for configuration header.converter: Class \
             org.example.Converter could not be found; known are \
             org.apache.kafka.connect.storage.SimpleHeaderConverter, org.apache.kafka.connect.storage.StringConverter, \
             org.apache.kafka.connect.json.JsonConverter, org.apache.kafka.connect.converters.ByteArrayConverter, \
             org.apache.kafka.connect.converters.ShortConverter, org.apache.kafka.connect.converters.IntegerConverter, \
             org.apache.kafka.connect.converters.LongConverter, org.apache.kafka.connect.converters.FloatConverter, \
             org.apache.kafka.connect.converters.DoubleConverter, org.apache.kafka.connect.converters.BooleanConverter",
        ),
    ] {
        let found = errors(&[(key, value)]);
        assert_eq!(found.first().map(String::as_str), Some(expected), "{key}={value}: {found:?}");
        // A variable that is not there leaves an empty text, which its setting may refuse once more.
        assert!(found.len() == 1 || value.starts_with("${"), "{key}={value}: {found:?}");
    }
}

#[test]
fn rules_and_formats_that_cannot_name_a_map_are_refused() {
    let rule = |regex, replacement| {
        errors(&[
            ("topics", "orders-1,x"),
            ("coherence.cache.rules", "r"),
            ("coherence.cache.rules.r.regex", regex),
            ("coherence.cache.rules.r.replacement", replacement),
        ])
    };
    let of_rule = |option: &str, why: &str| vec![format!("c: coherence.cache.rules.r.{option}: {why}")];
    assert_eq!(
        rule("(", "m"),
        of_rule(
            "regex",
            "Invalid value ( for configuration coherence.cache.rules.r.regex: Invalid regex: \
             Parsing error at position 1: Opening parenthesis without closing parenthesis"
        )
    );
    assert_eq!(rule("orders-.*", "$1"), of_rule("replacement", "No group 1"));
    assert_eq!(
        rule("orders-.*", "o*"),
        of_rule("replacement", "makes map names with a wildcard: name one map")
    );
    assert_eq!(rule("x|orders-(.+)", "$1"), of_rule("replacement", "makes an empty map name of topic x"));
    assert_eq!(
        errors(&[("coherence.cache.rules", "r"), ("coherence.cache.rules.r.regex", "t")]),
        of_rule(
            "replacement",
            "Missing required configuration \"coherence.cache.rules.r.replacement\" which has no default value."
        )
    );
    for (format, why) in [
        (
            "$topic",
            "Invalid value $topic for configuration coherence.cache.name.format: only ${topic} has a meaning",
        ),
        ("${topic}*", "makes map names with a wildcard: name one map"),
    ] {
        assert_eq!(
            errors(&[("coherence.cache.name.format", format)]),
            [format!("c: coherence.cache.name.format: {why}")]
        );
    }
}

#[test]
fn exactly_one_of_topics_and_a_pattern_is_wanted() {
    assert_eq!(
        errors(&[("topics.regex", "a.*")]),
        [
            "c: topics: topics and topics.regex are mutually exclusive options, but both are set.",
            "c: topics.regex: topics and topics.regex are mutually exclusive options, but both are set.",
        ]
    );
    assert_eq!(
        errors(&[("topics", "  "), ("topics.regex", "")]),
        [
            "c: topics: Must configure one of topics or topics.regex",
            "c: topics.regex: Must configure one of topics or topics.regex",
        ]
    );
    assert_eq!(
        errors(&[("topics", "<absent>"), ("topics.regex", "t[(")]),
        [
            "c: topics.regex: Invalid value t[( for configuration topics.regex: Invalid regex: unclosed character class"
        ]
    );
}

#[test]
fn files_of_tls_are_looked_at() {
    let found = errors(&[
        ("coherence.session.tls.enabled", "true"),
        ("coherence.session.tls.ca", "/no/such/ca.pem"),
        ("coherence.session.tls.key", "/"),
    ]);
    assert!(found[0].starts_with("c: coherence.session.tls.ca: cannot read /no/such/ca.pem: "), "{found:?}");
    assert_eq!(found[1], "c: coherence.session.tls.key: / is not a file");
    assert_eq!(found[2], "c: coherence.session.tls.key: needs coherence.session.tls.certificate");
}

#[test]
fn everything_that_is_wrong_is_reported_at_once() {
    let found = parse(&[
        ("name", ""),
        ("tasks.max", "x"),
        ("topics.regex", "("),
        ("errors.tolerance", "some"),
        ("coherence.cache.mappings", "a"),
        ("consumer.override.enable.auto.commit", "true"),
        ("task.max", "3"),
    ])
    .unwrap_err();
    assert_eq!(
        found.to_string(),
        "7 settings are refused\n  1. c: name: Invalid value  for configuration name: String may not be empty\n  2. c: \
         tasks.max: Invalid value x for configuration tasks.max: Not a number of type INT\n  3. c: errors.tolerance: \
         Invalid value some for configuration errors.tolerance: String must be one of: none, all\n  4. c: topics: \
         topics and topics.regex are mutually exclusive options, but both are set.\n  5. c: topics.regex: topics and \
         topics.regex are mutually exclusive options, but both are set.\n  6. c: coherence.cache.mappings: item a has \
         no arrow: write topic->map\n  7. c: consumer.override.enable.auto.commit: cannot be true: the sink commits an \
         offset only when its record is in the map; leave it out\nwarnings\n  - c: task.max: unknown setting, did you \
         mean tasks.max?"
    );
}

#[test]
fn secrets_are_never_shown() {
    for (key, value) in [
        ("tasks.max", "${env:PW}"),
        ("topics.regex", "(${env:PW}"),
        ("topics", "<absent>"),
        ("topics", "a b${env:PW}"),
        ("connector.class", "${env:PW}"),
        ("errors.deadletterqueue.topic.name", "${env:PW}"),
        ("coherence.cache.mappings", "${env:PW}"),
        ("coherence.session.address", "${env:PW}"),
        ("coherence.session", "${env:PW}"),
        ("value.converter", "${env:PW}"),
        ("consumer.override.fetch.min.bytes", "${env:PW}"),
        ("consumer.override.enable.auto.commit", "${env:PW}"),
        ("consumer.override.partition.assignment.strategy", "${env:PW}"),
        ("consumer.override.sasl.jaas.config", "${env:PW}"),
    ] {
        let settings = [
            (key, value),
            ("consumer.override.security.protocol", "SASL_SSL"),
            ("consumer.override.sasl.mechanism", "nope"),
        ];
        let found = parse(&settings).unwrap_err();
        assert!(!format!("{found} {found:?}").contains("sesame"), "{key}: {found}");
    }
    let config = good(&[("consumer.override.ssl.key.password", "sesame"), ("foo", "sesame")]);
    assert!(!format!("{config:?}").contains("sesame"));
}
