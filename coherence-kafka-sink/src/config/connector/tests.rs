use coherence_kafka_common::map::Format;
use coherence_kafka_connect::config::{Environment, SessionKind, TlsFiles, file};

use super::*;
use crate::config::tests::{Read, plugin, read};

const CONVERTERS: [(&str, &str); 2] = [
    ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
    ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
];

fn worker(settings: &[(&str, &str)]) -> WorkerConfig {
    let environment = [("PW", "sesame"), ("TASKS", "4")];
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    WorkerConfig::parse(plugin(), &Properties::from_pairs("w", settings.iter().copied()), environment)
        .unwrap()
}

pub(super) fn parse(settings: &[(&str, &str)]) -> Result<Read, ConfigErrors> {
    let minimum = [("name", "s"), ("connector.class", "CoherenceSink"), ("topics", "t")];
    let minimum = minimum.into_iter().filter(|(key, _)| !settings.iter().any(|(other, _)| key == other));
    let mut settings = settings.to_vec();
    settings.retain(|(_, value)| *value != "<absent>");
    let all: Vec<_> = minimum.chain(settings).collect();
    read(&worker(&CONVERTERS), &Properties::from_pairs("c", all))
}

pub(super) fn good(settings: &[(&str, &str)]) -> Read {
    parse(settings).unwrap_or_else(|errors| panic!("{errors}"))
}

pub(super) fn errors(settings: &[(&str, &str)]) -> Vec<String> {
    parse(settings).unwrap_err().iter().map(ToString::to_string).collect()
}

fn warnings(settings: &[(&str, &str)]) -> Vec<String> {
    good(settings).warnings.iter().map(ToString::to_string).collect()
}

#[test]
fn the_post_body_of_the_java_readme_works_unchanged() {
    let body = r#"{"name": "coherence-sink", "config": {
        "connector.class": "com.oracle.coherence.kafka.connect.CoherenceSinkConnector",
        "topics": "MyTopic",
        "coherence.cache.mappings": "MyTopic->MyCache"}}"#;
    let file = file::parse("request", body.as_bytes()).unwrap();
    let config = read(&worker(&CONVERTERS), &file.settings.into_iter().collect()).unwrap();
    assert_eq!(config.name, "coherence-sink");
    assert_eq!(config.topics, Topics::List(vec!["MyTopic".to_owned()]));
    assert_eq!(config.mappings.map_of("MyTopic"), "MyCache");
    assert_eq!(config.tasks_max, 1);
    assert_eq!(config.warnings, []);
}

#[test]
fn the_properties_file_of_the_java_readme_works_unchanged() {
    let text = "name=coherence-sink\ntopics=MyTopic\ntasks.max=1\n\
                connector.class=com.oracle.coherence.kafka.connect.CoherenceSinkConnector\n\
                coherence.cache.mappings=MyTopic->MyCache\n\
                key.converter=com.oracle.coherence.kafka.connect.util.CustomConverter\n\
                value.converter=com.oracle.coherence.kafka.connect.util.CustomConverter\n\
                key.converter.serializer=org.apache.kafka.common.serialization.StringSerializer\n\
                key.converter.deserializer=org.apache.kafka.common.serialization.StringDeserializer\n\
                value.converter.serializer=org.apache.kafka.common.serialization.StringSerializer\n\
                value.converter.deserializer=org.apache.kafka.common.serialization.StringDeserializer\n";
    let file = file::parse("c.properties", text.as_bytes()).unwrap();
    let config = read(&worker(&[]), &file.settings.into_iter().collect()).unwrap();
    for converter in [&config.key_converter, &config.value_converter] {
        assert_eq!(converter.class_name(), "com.oracle.coherence.kafka.connect.util.CustomConverter");
    }
    assert_eq!(config.warnings, []);
}

#[test]
fn the_least_connector_has_the_defaults() {
    let config = good(&[]);
    assert_eq!(config.session.kind, SessionKind::Grpc);
    assert_eq!(config.session.addresses, ["localhost:1408"]);
    assert_eq!(config.session.scope, "");
    assert_eq!(config.session.format, Format::Pof);
    assert_eq!(config.session.request_timeout, Duration::from_secs(30));
    assert_eq!(config.session.unanswered_timeout, Some(Duration::from_secs(600)));
    assert_eq!(config.session.tls, None);
    assert_eq!(config.arrays, ArrayForm::List);
    assert_eq!((config.batch_records, config.batch_bytes), (5000, 1_048_576));
    assert_eq!(config.batch_linger, Duration::from_millis(10));
    assert!(!config.passthrough);
    assert_eq!(config.retry.min, Duration::from_millis(100));
    assert_eq!(config.retry.max, Duration::from_secs(60));
    assert_eq!(config.consumer.group_id, "connect-s");
    assert_eq!(config.warnings, []);
}

#[test]
fn each_of_several_tasks_is_a_static_member_of_its_own() {
    let member = |tasks: &str, task| {
        let settings = [("tasks.max", tasks), ("consumer.override.group.instance.id", "host-7")];
        let settings = good(&settings).consumer_settings(task);
        settings.into_iter().find(|(key, _)| key == "group.instance.id").map(|(_, id)| id)
    };
    assert_eq!(member("1", 0).as_deref(), Some("host-7"));
    assert_eq!(member("2", 0).as_deref(), Some("host-7-0"));
    assert_eq!(member("2", 1).as_deref(), Some("host-7-1"));
}

#[test]
fn every_setting_reaches_its_field() {
    let directory = tempfile::tempdir().unwrap();
    let pem = directory.path().join("x.pem");
    std::fs::write(&pem, "").unwrap();
    let file = pem.to_str().unwrap();
    let config = good(&[
        ("connector.class", "CoherenceSinkConnector"),
        ("tasks.max", "${env:TASKS}"),
        ("topics.regex", r"a\.\d+"),
        ("topics", "<absent>"),
        ("coherence.session.address", "a:1, [::1]:1408"),
        ("coherence.session.scope", "x"),
        ("coherence.session.format", "json"),
        ("coherence.session.request.timeout.ms", "7"),
        ("coherence.session.unanswered.timeout.ms", "8"),
        ("coherence.session.tls.enabled", "true"),
        ("coherence.session.tls.ca", file),
        ("coherence.session.tls.certificate", file),
        ("coherence.session.tls.key", file),
        ("coherence.session.tls.server.name", "grid"),
        ("coherence.json.arrays", "array"),
        ("coherence.batch.max.records", "9"),
        ("coherence.batch.max.bytes", "4096"),
        ("coherence.batch.linger.ms", "0"),
        ("coherence.retry.backoff.ms", "1"),
        ("coherence.retry.backoff.max.ms", "2"),
        ("consumer.override.max.poll.records", "3"),
    ]);
    assert_eq!(config.tasks_max, 4);
    assert_eq!(config.topics, Topics::Pattern(r"^(a\.[0-9]+)$".to_owned()));
    assert_eq!(config.session.addresses, ["a:1", "[::1]:1408"]);
    assert_eq!(config.session.scope, "x");
    assert_eq!(config.session.format, Format::Json);
    assert_eq!(config.session.request_timeout, Duration::from_millis(7));
    assert_eq!(config.session.unanswered_timeout, Some(Duration::from_millis(8)));
    let tls = TlsFiles {
        ca: Some(pem.clone()),
        client: Some((pem.clone(), pem.clone())),
        server_name: Some("grid".to_owned()),
    };
    assert_eq!(config.session.tls, Some(tls));
    assert_eq!(config.arrays, ArrayForm::ObjectArray);
    assert_eq!((config.batch_records, config.batch_bytes), (3, 4096));
    assert_eq!(config.batch_linger, Duration::ZERO);
    assert_eq!(config.retry.min, Duration::from_millis(1));
    assert_eq!(config.retry.max, Duration::from_millis(2));
    assert!(config.consumer_settings(0).iter().any(|(name, _)| name == "topic.blacklist"));
    assert_eq!(config.raw["tasks.max"], "${env:TASKS}");
}

#[test]
fn the_address_comes_from_the_connector_then_the_worker_then_the_environment() {
    let variable = |settings: &[(&str, &str)], connector: &[(&str, &str)]| {
        let environment =
            Environment::from([("COHERENCE_SERVER_ADDRESS".to_owned(), "env:1,env:2".to_owned())]);
        let settings: Vec<_> = CONVERTERS.iter().chain(settings).copied().collect();
        let worker =
            WorkerConfig::parse(plugin(), &Properties::from_pairs("w", settings), environment).unwrap();
        let minimum = [("name", "s"), ("connector.class", "CoherenceSink"), ("topics", "t")];
        let all: Vec<_> = minimum.iter().chain(connector).copied().collect();
        read(&worker, &Properties::from_pairs("c", all)).unwrap().session.addresses.clone()
    };
    let at_worker = [("coherence.session.address", "worker:1")];
    assert_eq!(variable(&at_worker, &[("coherence.session.address", "mine:1")]), ["mine:1"]);
    assert_eq!(variable(&at_worker, &[]), ["worker:1"]);
    assert_eq!(variable(&[], &[]), ["env:1", "env:2"]);
}

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
        ("transforms", "a,b", "c: transforms: a,b is not supported yet: leave it out"),
        ("predicates", "p", "c: predicates: p is not supported yet: leave it out"),
    ] {
        let found = errors(&[(key, value)]);
        assert_eq!(found.first().map(String::as_str), Some(expected), "{key}={value}: {found:?}");
        // A variable that is not there leaves an empty text, which its setting may refuse once more.
        assert!(found.len() == 1 || value.starts_with("${"), "{key}={value}: {found:?}");
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
fn empty_and_repeated_topics_are_dropped_and_it_is_said() {
    let config = good(&[("topics", " a ,, b,a,")]);
    assert_eq!(config.topics, Topics::List(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(
        config.warnings[0].to_string(),
        "c: topics: has empty or repeated items, which Kafka 4 refuses; they are dropped"
    );
}

#[test]
fn defaults_of_settings_that_are_not_supported_yet_are_accepted() {
    let settings = [("transforms", ""), ("predicates", "")];
    assert_eq!(warnings(&settings), [""; 0]);
}

#[test]
fn of_a_transform_that_is_refused_nothing_is_said_to_be_missing() {
    for list in ["transforms", "predicates"] {
        let type_key = format!("{list}.Cast.type");
        let other = format!("{list}.Other.type");
        let found = parse(&[(list, "Mask, Cast"), (&type_key, "x"), (&other, "x")]).unwrap_err();
        assert_eq!(found.errors.len(), 1, "{found}");
        assert_eq!(found.errors[0].key, list);
        let noted: Vec<_> = found.warnings.iter().map(|warning| warning.key.as_str()).collect();
        assert_eq!(noted, [other.as_str()]);
    }
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
fn a_mapping_for_a_topic_that_is_not_read_is_told() {
    assert_eq!(
        warnings(&[("topics", "orders"), ("coherence.cache.mappings", "order->o,x->y,orders->m")]),
        [
            "c: coherence.cache.mappings: maps order, which topics does not list, did you mean orders?",
            "c: coherence.cache.mappings: maps x, which topics does not list",
        ]
    );
}

const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

#[test]
fn passing_through_needs_converters_that_hand_on_bytes() {
    let found = errors(&[("coherence.passthrough", "true"), ("key.converter", BYTES)]);
    assert_eq!(
        found,
        [format!(
            "value.converter: coherence.passthrough=true stores the bytes of the topic as they are: value.converter \
             must be {BYTES}, not org.apache.kafka.connect.json.JsonConverter"
        )]
    );
    let config = good(&[
        ("coherence.passthrough", "TRUE"),
        ("key.converter", "ByteArrayConverter"),
        ("value.converter", BYTES),
        ("coherence.session", "embedded"),
    ]);
    assert!(config.passthrough);
    assert_eq!(config.session.kind, SessionKind::Embedded);
}

#[test]
fn the_java_recipe_that_forgets_the_flag_is_noticed() {
    let found = warnings(&[("key.converter", BYTES), ("value.converter", BYTES)]);
    assert_eq!(
        found,
        [
            "c: coherence.passthrough: both converters return bytes, but coherence.passthrough is not set: the maps \
             store byte arrays. For topics that hold Coherence binaries set coherence.passthrough=true"
        ]
    );
}

#[test]
fn a_converter_of_the_connector_has_the_options_of_the_connector_alone() {
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let parse = |connector: &[(&str, &str)]| {
        let settings =
            [CONVERTERS[0], ("value.converter", json), ("value.converter.schemas.enable", "false")];
        let minimum = [("name", "s"), ("connector.class", "CoherenceSink"), ("topics", "t")];
        let all: Vec<_> = minimum.iter().chain(connector).copied().collect();
        read(&worker(&settings), &Properties::from_pairs("c", all)).unwrap()
    };
    let reads_bare_json = |config: Read| config.value_converter.to_connect("t", Some(b"1")).is_ok();
    assert!(reads_bare_json(parse(&[])));
    assert!(!reads_bare_json(parse(&[("value.converter", json)])), "schemas.enable is true by default");
}

#[test]
fn an_option_that_its_converter_refuses_is_told_with_its_place() {
    let found = errors(&[CONVERTERS[1], ("value.converter.schemas.enable", "maybe")]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("c: value.converter.schemas.enable: Invalid value maybe for configuration"),
        "{found:?}"
    );
}

#[test]
fn options_without_a_converter_are_told() {
    assert_eq!(
        warnings(&[("value.converter.schemas.enable", "false")]),
        [
            "c: value.converter.schemas.enable: without effect: options count only where value.converter is set in the \
             same configuration"
        ]
    );
}

#[test]
fn a_converter_that_nobody_names_or_knows_is_refused() {
    let minimum = [("name", "s"), ("connector.class", "CoherenceSink"), ("topics", "t"), CONVERTERS[0]];
    let found = read(&worker(&[]), &Properties::from_pairs("c", minimum)).unwrap_err();
    assert_eq!(
        found.to_string(),
        "one setting is refused\n  1. value.converter: Missing required configuration \"value.converter\" which has \
         no default value, in the worker and in the connector."
    );
    let found = errors(&[("value.converter", "com.acme.Nope")]);
    let expected = "c: value.converter: Invalid value com.acme.Nope for configuration value.converter: Class \
                    com.acme.Nope could not be found";
    assert!(found[0].starts_with(expected), "{found:?}");
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

#[test]
fn a_directory_is_for_embedded_maps_whose_topics_are_still_there_at_the_next_start() {
    let folder = tempfile::tempdir().unwrap();
    let directory = ("coherence.session.directory", folder.path().to_str().unwrap());
    let embedded = ("coherence.session", "embedded");
    let config = good(&[directory, embedded]);
    assert_eq!(config.session_directory.as_deref(), Some(folder.path()));
    assert_eq!(good(&[embedded]).session_directory, None);
    assert_eq!(
        errors(&[directory]),
        ["c: coherence.session.directory: needs coherence.session=embedded: a grid keeps its maps itself"]
    );

    let properties = |settings: &[(&str, &str)]| Properties::from_pairs("c", settings.iter().copied());
    let forgets = [&CONVERTERS[..], &[("bootstrap.servers", "embedded")]].concat();
    let worker = WorkerConfig::parse(plugin(), &properties(&forgets), Environment::default()).unwrap();
    let connector =
        [("name", "s"), ("connector.class", "CoherenceSink"), ("topics", "t"), directory, embedded];
    let error = read(&worker, &properties(&connector)).unwrap_err().to_string();
    assert!(error.contains("cannot be combined with bootstrap.servers=embedded"), "{error}");
}
