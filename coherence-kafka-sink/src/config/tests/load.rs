use std::path::PathBuf;

use coherence_kafka_connect::config::TargetState;
use coherence_kafka_worker::Files;
use coherence_kafka_worker::load::{LoadError, Loaded, Sources, load};

use super::{config, plugin};

const WORKER: &str = "bootstrap.servers=b:9092\n\
                      key.converter=org.apache.kafka.connect.storage.StringConverter\n\
                      value.converter=org.apache.kafka.connect.json.JsonConverter\n\
                      value.converter.schemas.enable=false\n\
                      offset.storage.file.filename=/tmp/connect.offsets\n\
                      consumer.max.poll.records=100\n";
const CONNECTOR: &str = "name=s\nconnector.class=CoherenceSink\ntopics=a,b\ncoherence.cache.mappings=a->x\n\
                         coherence.session=embedded\n";

/// Loads files of these names and texts: the first is the worker's.
fn load_files(files: &[(&str, &str)], change: impl FnOnce(&mut Sources)) -> Result<Loaded, String> {
    let directory = tempfile::tempdir().unwrap();
    let paths: Vec<PathBuf> = files
        .iter()
        .map(|(name, text)| {
            let path = directory.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        })
        .collect();
    let (worker, connectors) = paths.split_first().unzip();
    let mut sources = Sources {
        worker_file: worker.cloned(),
        connector_files: connectors.map(<[PathBuf]>::to_vec).unwrap_or_default(),
        ..Sources::default()
    };
    change(&mut sources);
    let prefix = format!("{}/", directory.path().display());
    load(&*plugin(), &sources).map_err(|error| {
        let kind = if matches!(error, LoadError::Worker(_)) { "worker" } else { "connector" };
        format!("{kind}: {error}").replace(&prefix, "")
    })
}

fn unchanged(_: &mut Sources) {}

#[test]
fn a_worker_and_its_connectors_are_loaded_from_their_files() {
    let json =
        r#"{"name":"j","config":{"connector.class":"CoherenceSink","topics":"t"},"initial_state":"PAUSED"}"#;
    let files = [("w.properties", WORKER), ("c.properties", CONNECTOR), ("j.json", json)];
    let loaded = load_files(&files, unchanged).unwrap();
    let names: Vec<_> = loaded.connectors.iter().map(|connector| connector.config.name()).collect();
    assert_eq!(names, ["s", "j"]);
    assert_eq!(loaded.connectors[0].initial_state, TargetState::Running);
    assert_eq!(loaded.connectors[1].initial_state, TargetState::Paused);
    let config = config(&loaded.connectors[0].config.connector);
    assert_eq!(config.batch_records, 100);
    assert!(config.consumer_settings(0).contains(&("bootstrap.servers".to_owned(), "b:9092".to_owned())));
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
}

#[test]
fn one_file_may_hold_the_worker_and_a_connector() {
    let both = format!("{WORKER}{CONNECTOR}");
    let loaded = load_files(&[("both.properties", &both)], unchanged).unwrap();
    assert_eq!(loaded.connectors[0].config.name(), "s");
    assert_eq!(loaded.warnings.len(), 1, "{:?}", loaded.warnings);
}

#[test]
fn environment_and_command_line_lie_over_the_files() {
    let loaded = load_files(&[("w.properties", WORKER), ("c.properties", CONNECTOR)], |sources| {
        sources.environment = [
            ("CONNECT_CONSUMER_MAX_POLL_RECORDS", "50"),
            ("CONNECT_OFFSET_FLUSH_INTERVAL_MS", "1"),
            ("CONNECTOR_TASKS_MAX", "2"),
            ("CONNECTOR_TOPICS", "c"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        sources.set = vec!["offset.flush.interval.ms=7".to_owned()];
        sources.connector_set = vec!["tasks.max=3".to_owned()];
    })
    .unwrap();
    let config = config(&loaded.connectors[0].config.connector);
    assert_eq!(config.batch_records, 50);
    assert_eq!(loaded.worker.offset_flush_interval.as_millis(), 7);
    assert_eq!(config.tasks_max, 3);
    assert_eq!(config.topics, crate::config::Topics::List(vec!["c".to_owned()]));
}

#[test]
fn variables_that_kubernetes_or_nobody_knows_keep_no_worker_from_starting() {
    let loaded = load_files(&[("w.properties", WORKER), ("c.properties", CONNECTOR)], |sources| {
        sources.environment = [
            ("CONNECT_SERVICE_HOST", "10.0.0.1"),
            ("CONNECT_CONSUMER_PORT", "tcp://10.0.0.1:8083"),
            ("CONNECT_SSL_PORT_8083_TCP_ADDR", "10.0.0.1"),
            ("CONNECTOR_PORT", "tcp://10.0.0.1:8083"),
            ("CONNECT_CONSUMER_NO_SUCH_SETTING", "1"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .into();
    })
    .unwrap();
    let noted: Vec<_> = loaded.warnings.iter().map(|warning| warning.key.as_str()).collect();
    assert_eq!(noted, ["offset.storage.file.filename", "consumer.no.such.setting"]);
}

#[test]
fn in_a_shared_file_an_override_of_the_worker_reaches_the_connector() {
    let both = format!("{WORKER}{CONNECTOR}");
    let loaded = load_files(&[("both.properties", &both)], |sources| {
        sources.set = vec!["value.converter=org.apache.kafka.connect.storage.StringConverter".to_owned()];
    })
    .unwrap();
    let class = config(&loaded.connectors[0].config.connector).value_converter.class_name();
    assert_eq!(class, "org.apache.kafka.connect.storage.StringConverter");
}

#[test]
fn a_connector_may_come_from_the_command_line_alone() {
    let loaded = load_files(&[("w.properties", WORKER)], |sources| {
        sources.connector_set = CONNECTOR.lines().map(str::to_owned).collect();
    })
    .unwrap();
    assert_eq!(loaded.connectors[0].config.name(), "s");
}

#[test]
fn a_worker_without_connectors_is_fine() {
    assert!(load_files(&[("w.properties", WORKER)], unchanged).unwrap().connectors.is_empty());
}

#[test]
fn the_errors_of_all_files_come_together() {
    let worker = format!("{WORKER}listeners=x\n");
    let connector = format!("{CONNECTOR}tasks.max=0\n");
    let second = "name=t\nconnector.class=CoherenceSink\ntopics=a\nsasl=x\ntransforms=r\n";
    let files = [("w.properties", worker.as_str()), ("c.properties", &connector), ("d.properties", second)];
    let error = load_files(&files, |sources| sources.set = vec!["sesame".to_owned()]).unwrap_err();
    assert_eq!(
        error,
        "worker: 4 settings are refused\n  \
         1. --set number 1 is not of the form key=value\n  \
         2. w.properties:7: listeners: x is not an address: write http://host:port or https://host:port\n  \
         3. c.properties:6: tasks.max: Invalid value 0 for configuration tasks.max: Value must be at least 1\n  \
         4. d.properties:5: transforms.r.type: Missing required configuration \"transforms.r.type\" which has no default \
         value.\n\
         warnings\n  \
         - w.properties:5: offset.storage.file.filename: accepted, without effect: Concerns source connectors; \
         offsets of a sink live in its consumer group.\n  \
         - d.properties:4: sasl: unknown setting"
    );
}

#[test]
fn errors_of_connectors_alone_are_told_apart_from_those_of_the_worker() {
    let files = [("w.properties", WORKER), ("c.properties", "name=s\n")];
    let error = load_files(&files, unchanged).unwrap_err();
    assert!(error.starts_with("connector: 3 settings are refused"), "{error}");
}

#[test]
fn what_is_wrong_with_the_worker_is_said_once_however_many_connectors_meet_it() {
    let worker = format!("{WORKER}consumer.check.crcs=1\nconsumer.key.deserializer=x\n");
    let second = CONNECTOR.replace("name=s", "name=t");
    let files = [("w.properties", worker.as_str()), ("c.properties", CONNECTOR), ("d.properties", &second)];
    let error = load_files(&files, unchanged).unwrap_err();
    assert_eq!(error.matches("consumer.check.crcs: ").count(), 1, "{error}");
    assert_eq!(error.matches("consumer.key.deserializer: ").count(), 1, "{error}");
}

#[test]
fn two_connectors_of_one_name_are_refused() {
    let files = [("w.properties", WORKER), ("c.properties", CONNECTOR), ("d.properties", CONNECTOR)];
    assert_eq!(
        load_files(&files, unchanged).unwrap_err(),
        "connector: one setting is refused\n  1. d.properties:1: name: another connector is already named \
         s\nwarnings\n  - w.properties:5: offset.storage.file.filename: accepted, without effect: Concerns source \
         connectors; offsets of a sink live in its consumer group."
    );
}

#[test]
fn a_file_that_cannot_be_read_is_the_only_error() {
    let error = load_files(&[("w.properties", WORKER)], |sources| {
        sources.worker_file = Some(PathBuf::from("no/such/file"));
    })
    .unwrap_err();
    assert!(
        error.starts_with("worker: one setting is refused\n  1. no/such/file: cannot be read: "),
        "{error}"
    );
}

#[test]
fn a_setting_that_is_missing_names_the_file_that_lacks_it() {
    let files =
        [("w.properties", WORKER), ("c.properties", CONNECTOR), ("d.properties", "name=d\ntopics=t\n")];
    let error = load_files(&files, unchanged).unwrap_err();
    assert!(error.contains("d.properties: connector.class: Missing required configuration"), "{error}");
    assert!(!error.contains("c.properties"), "{error}");
}

/// What REST shows of the first connector.
fn shown(loaded: &Loaded) -> Vec<(&str, &str)> {
    let raw = &loaded.connectors[0].config.raw;
    raw.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect()
}

#[test]
fn rest_shows_what_the_connectors_file_says_and_nothing_of_worker_or_environment() {
    let connector = format!("{CONNECTOR}tasks.max=2\nconsumer.override.client.id=${{env:ID}}\n");
    let loaded = load_files(&[("w.properties", WORKER), ("c.properties", &connector)], |sources| {
        sources.environment = [
            ("ID", "sesame"),
            ("CONNECTOR_CONSUMER_OVERRIDE_SSL_KEY_PASSWORD", "sesame"),
            ("CONNECTOR_TASKS_MAX", "3"),
            ("CONNECT_CONSUMER_SSL_KEY_PASSWORD", "sesame"),
        ]
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
        sources.connector_set = vec!["topics=c".to_owned()];
    })
    .unwrap();
    assert_eq!(
        shown(&loaded),
        [
            ("coherence.cache.mappings", "a->x"),
            ("coherence.session", "embedded"),
            ("connector.class", "CoherenceSink"),
            ("consumer.override.client.id", "${env:ID}"),
            ("name", "s"),
            ("tasks.max", "2"),
            ("topics", "c"),
        ]
    );
    let config = config(&loaded.connectors[0].config.connector);
    assert_eq!(config.tasks_max, 3, "what is not shown counts all the same");
    assert!(config.consumer_settings(0).contains(&("ssl.key.password".to_owned(), "sesame".to_owned())));
}

#[test]
fn of_a_file_that_is_a_workers_too_rest_shows_the_connector_alone() {
    let secrets = "ssl.key.password=sesame\nconsumer.ssl.key.password=sesame\n\
                   value.converter.basic.auth.user.info=sesame\nunknown=sesame\n\
                   config.providers.x.param.y=sesame\n";
    let both = format!("{WORKER}{CONNECTOR}{secrets}consumer.override.client.id=${{env:ID}}\n");
    let loaded = load_files(&[("both.properties", &both)], |sources| {
        sources.environment =
            [("ID", "x"), ("CONNECT_COHERENCE_SESSION_SCOPE", "sesame"), ("CONNECT_TOPICS", "a")]
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .into();
        sources.set = vec!["coherence.retry.backoff.ms=7".to_owned()];
    })
    .unwrap();
    assert_eq!(
        shown(&loaded),
        [
            ("coherence.cache.mappings", "a->x"),
            ("coherence.session", "embedded"),
            ("connector.class", "CoherenceSink"),
            ("consumer.override.client.id", "${env:ID}"),
            ("name", "s"),
            ("topics", "a,b"),
        ]
    );
}

#[test]
fn files_whose_tasks_together_exceed_the_limit_are_refused() {
    let worker = format!("{WORKER}coherence.tasks.limit=3\n");
    let second = CONNECTOR.replace("name=s", "name=t\ntasks.max=3");
    let files = [("w.properties", worker.as_str()), ("c.properties", CONNECTOR), ("d.properties", &second)];
    let error = load_files(&files, unchanged).unwrap_err();
    assert!(
        error.contains(
            "d.properties:2: tasks.max: the connectors have 4 tasks up to this one: the worker runs 3 at most \
             (coherence.tasks.limit)"
        ),
        "{error}"
    );
}

#[test]
fn debug_shows_no_arguments_and_no_values() {
    let set = vec!["ssl.key.password=sesame".to_owned()];
    let sources = Sources {
        environment: [("PASSWORD".to_owned(), "sesame".to_owned())].into(),
        set: set.clone(),
        connector_set: set.clone(),
        ..Sources::default()
    };
    let files = Files {
        worker: None,
        connectors: Vec::new(),
        set: set.clone(),
        connector_set: set,
        ..Files::default()
    };
    let loaded = load_files(&[("w.properties", WORKER), ("c.properties", CONNECTOR)], |sources| {
        sources.connector_set = vec!["consumer.override.ssl.key.password=sesame".to_owned()];
    });
    let shown = format!("{sources:?} {files:?} {:?}", loaded.unwrap());
    assert!(!shown.contains("sesame"), "{shown}");
}
