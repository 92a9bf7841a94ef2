//! Sink connectors of a worker, without a broker.

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Expiry, Format};
use coherence_kafka_common::testing::{FaultySession, Operation, Request};
use coherence_kafka_connect::config::Environment;
use coherence_kafka_worker::load::ConnectorConfig as Configured;
use coherence_kafka_worker::{ConnectorInfo, ConnectorType, CreateError, Worker};
use parking_lot::Mutex;

use super::*;
use crate::config::tests::config;

/// A worker without a broker, and the sessions that it has opened.
struct World {
    runtime: tokio::runtime::Runtime,
    opened: Arc<Mutex<Vec<Arc<FaultySession>>>>,
}

impl World {
    fn new() -> Self {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build();
        Self { runtime: runtime.unwrap(), opened: Arc::default() }
    }

    fn worker(&self, settings: &[(&str, &str)]) -> Worker {
        let string = "org.apache.kafka.connect.storage.StringConverter";
        let mut all = vec![
            // Nobody listens there.
            ("bootstrap.servers", "127.0.0.1:1"),
            ("key.converter", string),
            ("value.converter", string),
        ];
        all.extend(settings);
        let properties = Properties::from_pairs("test", all);
        let opened = self.opened.clone();
        let open = Box::new(move |config: &SessionConfig, _: &tokio::runtime::Handle| {
            assert_ne!(config.scope, "panics", "the scope asks for a panic");
            let maps = Arc::new(LocalSession::new(Format::Pof));
            let session =
                Arc::new(FaultySession::new(maps, |request: Request| async move { request.apply().await }));
            opened.lock().push(session.clone());
            Ok(session as Arc<dyn Session>)
        });
        let plugin = Arc::new(SinkPlugin::new(Sessions::opened_by(open)));
        let config = WorkerConfig::parse(&*plugin, &properties, Environment::default()).unwrap();
        Worker::new(plugin, config, None, self.runtime.handle().clone())
    }
}

fn connector(name: &str, more: &[(&'static str, &'static str)]) -> Properties {
    let mut settings = vec![("name", name), ("connector.class", "CoherenceSink"), ("topics", "t")];
    settings.extend(more);
    Properties::from_pairs("test", settings)
}

#[test]
fn a_connector_that_is_created_again_knows_of_writes_that_may_still_be_applied() {
    let world = World::new();
    let worker = world.worker(&[]);
    let late_writes = |session: usize| world.opened.lock()[session].late_writes().clone();
    let map = LocalSession::new(Format::Pof).local_map("m").unwrap();
    let late = Request::new(Operation::PutAll(Expiry::Default), map, Arc::default());
    worker.create(&connector("c", &[])).unwrap();
    late_writes(0).lock().push(late);
    worker.delete("c").unwrap();
    worker.create(&connector("c", &[])).unwrap();
    assert_eq!(world.opened.lock().len(), 1, "the same session");
    worker.create(&connector("other", &[("coherence.session.scope", "s")])).unwrap();
    assert_eq!(world.opened.lock().len(), 2, "another grid");
    worker.delete("c").unwrap();
    late_writes(0).lock().clear();
    worker.create(&connector("c", &[])).unwrap();
    assert_eq!(world.opened.lock().len(), 3, "nothing is in doubt");
    worker.stop();
}

#[test]
fn a_request_resolves_no_variable_whose_provider_is_not_declared() {
    let world = World::new();
    let worker = world.worker(&[]);
    let path = "${file:/etc/hostname:x}";
    let created = worker.create(&connector("c", &[("consumer.override.client.id", "${dir:/etc:hostname}")]));
    assert_eq!(created.unwrap().config["consumer.override.client.id"], "${dir:/etc:hostname}");
    worker.create(&connector("d", &[("consumer.override.client.id", path)])).unwrap();
    worker.stop();
}

#[test]
fn debug_of_what_holds_settings_shows_no_values() {
    let world = World::new();
    let worker =
        world.worker(&[("consumer.ssl.key.password", "sesame"), ("producer.ssl.key.password", "sesame")]);
    let properties = connector(
        "c",
        &[
            ("consumer.override.ssl.key.password", "sesame"),
            ("producer.override.ssl.key.password", "sesame"),
            ("errors.deadletterqueue.topic.name", "q"),
        ],
    );
    let configured = Configured::parse(worker.plugin(), worker.config(), &properties).unwrap();
    let config = config(&configured.connector);
    let runtime = world.runtime.handle();
    let options = task_options(config, &Context { worker: worker.config(), bootstrap: None, runtime }, 0);
    assert!(options.consumer.iter().any(|(_, value)| value == "sesame"));
    assert!(options.dead_letters.as_ref().unwrap().producer.iter().any(|(_, value)| value == "sesame"));
    let info = ConnectorInfo {
        name: "c".to_owned(),
        kind: ConnectorType::Sink,
        config: configured.raw.clone(),
        tasks: 1,
    };
    let shown =
        format!("{options:?} {configured:?} {config:?} {info:?} {:?} {properties:?}", worker.config());
    assert!(shown.contains("ssl.key.password"), "{shown}");
    assert!(!shown.contains("sesame"), "{shown}");
}
#[test]
fn tasks_are_bounded_for_all_connectors_together() {
    let world = World::new();
    let worker = world.worker(&[("coherence.tasks.limit", "3")]);
    let refused = worker.create(&connector("a", &[("tasks.max", "4")])).unwrap_err();
    assert!(matches!(refused, CreateError::Invalid(_)), "{refused}");
    assert!(
        refused
            .to_string()
            .contains("tasks.max: is 4: the worker runs 3 tasks at most (coherence.tasks.limit)"),
        "{refused}"
    );
    worker.create(&connector("a", &[("tasks.max", "2")])).unwrap();
    let refused = worker.create(&connector("b", &[("tasks.max", "2")])).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "connector b: tasks.max is 2, and the worker runs 2 of at most 3 tasks: lower tasks.max, or raise the worker's \
         coherence.tasks.limit"
    );
    worker.create(&connector("b", &[])).unwrap();
    worker.delete("a").unwrap();
    worker.create(&connector("c", &[("tasks.max", "2")])).unwrap();
    worker.stop();
}

#[test]
fn no_connector_starts_once_the_worker_has_begun_to_stop() {
    let world = World::new();
    let worker = world.worker(&[]);
    worker.create(&connector("c", &[])).unwrap();
    worker.stop();
    assert!(matches!(worker.create(&connector("c", &[])), Err(CreateError::Stopping)));
    assert!(worker.names().is_empty());
    assert_eq!(world.opened.lock().len(), 1);
}

#[test]
fn a_start_that_panics_is_an_error_of_its_connector_and_leaves_the_name_free() {
    let world = World::new();
    let worker = world.worker(&[]);
    let refused = worker.create(&connector("c", &[("coherence.session.scope", "panics")])).unwrap_err();
    assert!(refused.to_string().contains("start panicked: "), "{refused}");
    assert!(refused.to_string().contains("the scope asks for a panic"), "{refused}");
    assert!(worker.names().is_empty());
    worker.create(&connector("c", &[])).unwrap();
    worker.stop();
}

fn names(names: &[&str]) -> BTreeSet<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

#[test]
fn the_maps_of_a_connector_are_those_of_the_topics_that_it_names_and_has_used() {
    let world = World::new();
    let worker = world.worker(&[]);
    let maps = |more: &[(&'static str, &'static str)], used: &[&str]| {
        let all = connector("c", more);
        let configured = Configured::parse(worker.plugin(), worker.config(), &all).unwrap();
        configured.connector.maps(&names(used))
    };
    assert_eq!(maps(&[], &[]), names(&["t"]));
    assert_eq!(maps(&[("topics", "t,u"), ("coherence.cache.mappings", "t->m")], &["u"]), names(&["m", "u"]));
    let rules = [
        ("topics", ""),
        ("topics.regex", ".*"),
        ("coherence.cache.rules", "r"),
        ("coherence.cache.rules.r.regex", "t-(.*)"),
        ("coherence.cache.rules.r.replacement", "$1"),
        ("coherence.cache.name.format", "kafka.${topic}"),
    ];
    assert_eq!(maps(&rules, &["t-1", "t-2", "u", "t-"]), names(&["1", "2", "kafka.u"]));
    let pattern = [("topics", ""), ("topics.regex", "[tuv]"), ("coherence.cache.mappings", "t->m")];
    assert_eq!(maps(&pattern, &["v"]), names(&["m", "v"]));
}

#[test]
fn the_maps_of_a_directory_are_read_while_the_connector_has_tasks() {
    let world = World::new();
    let worker = world.worker(&[]);
    let folder = tempfile::tempdir().unwrap();
    let directory = folder.path().display().to_string();
    let all = [
        ("name", "c"),
        ("connector.class", "CoherenceSink"),
        ("topics", "t"),
        ("coherence.session", "embedded"),
        ("coherence.session.directory", &directory),
    ];
    let all = Properties::from_pairs("test", all);
    let configured = Configured::parse(worker.plugin(), worker.config(), &all).unwrap().connector;
    let runtime = world.runtime.handle();
    let context = Context { worker: worker.config(), bootstrap: None, runtime };
    let refused = configured.open_maps(&context).unwrap_err();
    assert!(refused.contains("while the connector has tasks"), "{refused}");
    let tasks = configured.start(&context).unwrap();
    assert_eq!(configured.open_maps(&context).unwrap().format(), Format::Pof);
    drop(tasks);
    assert!(configured.open_maps(&context).is_err());
}

#[test]
fn dead_letters_are_read_with_the_settings_of_the_client_that_creates_their_topic() {
    let world = World::new();
    let worker = world.worker(&[]);
    let more =
        [("errors.deadletterqueue.topic.name", "letters"), ("admin.override.security.protocol", "SSL")];
    let configured = Configured::parse(worker.plugin(), worker.config(), &connector("c", &more)).unwrap();
    let runtime = world.runtime.handle();
    let context = Context { worker: worker.config(), bootstrap: Some("127.0.0.1:2"), runtime };
    let topic = configured.connector.dead_letters(&context).unwrap();
    let value =
        |name: &str| topic.settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str());
    assert_eq!((topic.name.as_str(), value("bootstrap.servers")), ("letters", Some("127.0.0.1:2")));
    assert_eq!(value("security.protocol").map(str::to_lowercase).as_deref(), Some("ssl"));
    let none = Configured::parse(worker.plugin(), worker.config(), &connector("c", &[])).unwrap();
    assert!(none.connector.dead_letters(&context).is_none());
}
