use coherence_kafka_common::map::Format;
use coherence_kafka_connect::config::{Environment, SessionKind, TlsFiles, file};

use super::*;
use crate::config::tests::{Read, plugin, read};

mod converters;
mod refused;
mod warned;

const CONVERTERS: [(&str, &str); 2] = [
    ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
    ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
];

fn worker(settings: &[(&str, &str)]) -> WorkerConfig {
    let environment = [("PW", "sesame"), ("TASKS", "4")];
    let environment =
        environment.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    WorkerConfig::parse(&*plugin(), &Properties::from_pairs("w", settings.iter().copied()), environment)
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
    assert_eq!(config.map_names.map_of("MyTopic").as_deref(), Ok("MyCache"));
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
fn the_example_of_rules_names_the_maps_that_its_document_shows() {
    let text = include_bytes!("../../../../config/examples/maps.properties");
    let file = file::parse("maps.properties", text).unwrap();
    let config = read(&worker(&[]), &file.settings.into_iter().collect()).unwrap();
    for (topic, map) in
        [("orders-20240131", "Orders"), ("orders-eu-20240131", "Orders.eu"), ("customers", "kafka.customers")]
    {
        assert_eq!(config.map_names.map_of(topic).as_deref(), Ok(map));
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
    assert_eq!(config.retry.max, Duration::from_secs(5));
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
            WorkerConfig::parse(&*plugin(), &Properties::from_pairs("w", settings), environment).unwrap();
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
    let worker = WorkerConfig::parse(&*plugin(), &properties(&forgets), Environment::default()).unwrap();
    let connector =
        [("name", "s"), ("connector.class", "CoherenceSink"), ("topics", "t"), directory, embedded];
    let error = read(&worker, &properties(&connector)).unwrap_err().to_string();
    assert!(error.contains("cannot be combined with bootstrap.servers=embedded"), "{error}");
}

#[test]
fn a_mapping_file_is_refused_for_maps_in_java() {
    let found = errors(&[("coherence.mapping.file", "none.toml"), ("coherence.session.format", "java")]);
    assert_eq!(found.len(), 1, "{found:?}");
    assert!(
        found[0].starts_with("c: coherence.mapping.file: needs coherence.session.format=pof or json"),
        "{found:?}"
    );
}

#[test]
fn a_mapping_file_is_read_with_the_connector() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("mapping.toml");
    let shown = path.display().to_string();
    let with = |text: &str, more: &[(&'static str, &'static str)]| {
        std::fs::write(&path, text).unwrap();
        let mut settings = vec![("coherence.mapping.file", shown.as_str())];
        settings.extend(more);
        parse(&settings).map_err(|errors| {
            errors.iter().map(|error| error.to_string().replace(&shown, "FILE")).collect::<Vec<_>>()
        })
    };
    let good =
        "[types.T]\nid = 1\n[types.T.fields]\na = { index = 0, type = \"int\" }\n[maps.t]\nvalue = \"T\"\n";
    assert!(with(good, &[]).unwrap().mapping.is_some());
    let others = with(&good.replace("maps.t]", "maps.u]"), &[]).unwrap();
    let warning = "c: coherence.mapping.file: describes map u, which no topic goes to";
    assert_eq!(others.warnings.iter().map(ToString::to_string).collect::<Vec<_>>(), [warning]);
    assert_eq!(
        with(&good.replace("\"int\"", "\"itn\""), &[]).unwrap_err(),
        [
            "c: coherence.mapping.file: FILE line 4: type T: field a: type: unknown type itn, did you mean int?"
        ]
    );
    assert_eq!(
        with(good, &[("coherence.session.format", "json")]).unwrap_err(),
        [
            "c: coherence.mapping.file: FILE line 1: type T: no class, which a map in JSON needs: set class to the alias \
          of the class"
        ]
    );
    std::fs::remove_file(&path).unwrap();
    let missing = parse(&[("coherence.mapping.file", &shown)]).unwrap_err();
    let expected = format!("c: coherence.mapping.file: cannot read {shown}: ");
    assert!(missing.iter().next().unwrap().to_string().starts_with(&expected));
}
