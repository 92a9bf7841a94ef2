//! Sink connectors of a worker, without a broker.

use std::sync::atomic::{AtomicBool, Ordering};

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Format, MapError, NamedMap};
use coherence_kafka_connect::config::Environment;
use coherence_kafka_worker::config::ConnectorConfig as Configured;
use coherence_kafka_worker::{ConnectorInfo, ConnectorType, CreateError, Worker};
use parking_lot::Mutex;

use super::*;
use crate::config::tests::config;

/// A session whose writes may be in doubt.
#[derive(Debug)]
struct Doubtful {
    maps: LocalSession,
    in_doubt: AtomicBool,
}

impl Session for Doubtful {
    fn format(&self) -> Format {
        self.maps.format()
    }

    fn check_map_name(&self, name: &str) -> Result<(), MapError> {
        self.maps.check_map_name(name)
    }

    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        self.maps.map(name)
    }

    fn has_writes_in_doubt(&self) -> bool {
        self.in_doubt.load(Ordering::SeqCst)
    }
}

/// A worker without a broker, and the sessions that it has opened.
struct World {
    runtime: tokio::runtime::Runtime,
    opened: Arc<Mutex<Vec<Arc<Doubtful>>>>,
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
            let (maps, in_doubt) = (LocalSession::new(Format::Pof), AtomicBool::new(false));
            let session = Arc::new(Doubtful { maps, in_doubt });
            opened.lock().push(session.clone());
            Ok(session as Arc<dyn Session>)
        });
        let plugin = Arc::new(SinkPlugin::new(Sessions::opened_by(open)));
        let config = WorkerConfig::parse(plugin, &properties, Environment::default()).unwrap();
        Worker::new(config, None, self.runtime.handle().clone())
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
    let in_doubt = |session: usize, doubt| {
        world.opened.lock()[session].in_doubt.store(doubt, Ordering::SeqCst);
    };
    worker.create(&connector("c", &[])).unwrap();
    in_doubt(0, true);
    worker.delete("c").unwrap();
    worker.create(&connector("c", &[])).unwrap();
    assert_eq!(world.opened.lock().len(), 1, "the same session");
    worker.create(&connector("other", &[("coherence.session.scope", "s")])).unwrap();
    assert_eq!(world.opened.lock().len(), 2, "another grid");
    worker.delete("c").unwrap();
    in_doubt(0, false);
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
    let configured = Configured::parse(worker.config(), &properties).unwrap();
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
