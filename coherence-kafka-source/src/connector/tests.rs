//! The settings of a source connector, as a worker reads them.

use std::any::Any;

use coherence_kafka_connect::config::Environment;
use coherence_kafka_worker::load::ConnectorConfig;

use crate::config::FormConfig;

use super::*;

mod validation;

const WORKER: [(&str, &str); 3] = [
    ("bootstrap.servers", "kafka:9092"),
    ("producer.compression.type", "zstd"),
    ("coherence.session.address", "grid:1408"),
];
const CONNECTOR: [(&str, &str); 5] = [
    ("name", "orders"),
    ("connector.class", "com.oracle.coherence.kafka.connect.CoherenceSourceConnector"),
    ("coherence.cache.mappings", "orders->shop.orders"),
    ("key.serializer", "string"),
    ("value.serializer", "string"),
];

fn worker(settings: &[(&str, &str)]) -> Result<WorkerConfig, ConfigErrors> {
    let all = Properties::from_pairs("w", settings.iter().copied());
    WorkerConfig::parse(&SourcePlugin, &all, Environment::default())
}

fn connector(more: &[(&str, &str)]) -> Result<ConnectorConfig, ConfigErrors> {
    let all = CONNECTOR.iter().chain(more).copied();
    ConnectorConfig::parse(&SourcePlugin, &worker(&WORKER).unwrap(), &Properties::from_pairs("c", all))
}

fn config(connector: &ConnectorConfig) -> &SourceConfig {
    let any: &dyn Any = connector.connector.as_ref();
    any.downcast_ref::<SourceConnector>().unwrap().config()
}

fn value<'a>(settings: &'a [(String, String)], name: &str) -> Option<&'a str> {
    settings.iter().find(|(key, _)| key == name).map(|(_, value)| value.as_str())
}

#[test]
fn brokers_and_grid_come_from_the_worker_and_the_producer_from_both() {
    let connector = connector(&[("producer.override.linger.ms", "7")]).unwrap();
    assert_eq!(connector.warnings, []);
    let config = config(&connector);
    assert_eq!((config.name.as_str(), config.maps.len()), ("orders", 1));
    assert_eq!(config.session.addresses, ["grid:1408"]);
    let map = &config.maps[0];
    assert_eq!((map.cache.as_str(), map.topic.as_str()), ("orders", "shop.orders"));
    assert_eq!(value(&map.producer, "bootstrap.servers"), Some("kafka:9092"));
    assert_eq!(value(&map.producer, "compression.codec"), Some("zstd"));
    assert_eq!(value(&map.producer, "linger.ms"), Some("7"));
    assert_eq!(value(&config.consumer, "bootstrap.servers"), Some("kafka:9092"));
}

#[test]
fn what_is_wrong_with_the_producer_is_reported_by_the_name_that_is_written() {
    let refused = connector(&[("producer.override.partitioner", "random")]).unwrap_err();
    let errors: Vec<_> = refused.errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors.len(), 1, "{errors:?}");
    assert!(errors[0].starts_with("c: producer.override.partitioner: cannot be random"), "{errors:?}");
}

#[test]
fn what_is_missing_and_what_nothing_reads_is_reported_at_once() {
    let refused = connector(&[
        ("coherence.cache.mappings", ""),
        ("key.serializer", "nothing"),
        ("metrics.listener", "http://:1"),
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
    ])
    .unwrap_err()
    .to_string();
    for part in ["coherence.cache.mappings", "key.serializer", "metrics.listener: unknown setting"] {
        assert!(refused.contains(part), "{part}: {refused}");
    }
    assert!(refused.contains("key.converter: has no effect with key.serializer"), "{refused}");
    let sink = connector(&[("connector.class", "CoherenceSink")]).unwrap_err().to_string();
    assert!(sink.contains("the only connector here is com.oracle.coherence.kafka.connect.CoherenceSource"));
    let nothing =
        ConnectorConfig::parse(&SourcePlugin, &worker(&WORKER).unwrap(), &Properties::default()).unwrap_err();
    let nothing = nothing.to_string();
    assert!(nothing.contains("name: Missing required") && nothing.contains("connector.class"), "{nothing}");
}

#[test]
fn the_converters_of_the_connector_count_or_else_those_of_the_worker() {
    const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
    let worker = |more: &[(&str, &str)]| worker(&[&WORKER[..], more].concat()).unwrap();
    let of = |worker: &WorkerConfig, more: &[(&str, &str)]| {
        let all = CONNECTOR[..3].iter().chain(more).copied();
        ConnectorConfig::parse(&SourcePlugin, worker, &Properties::from_pairs("c", all))
    };
    let classes = |connector: &ConnectorConfig| {
        let FormConfig::Converted(conversion) = &config(connector).maps[0].form else {
            panic!("no converters")
        };
        [conversion.key.class_name(), conversion.value.class_name()]
            .map(|class| class.rsplit('.').next().unwrap())
    };
    let both = worker(&[
        ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ("value.converter", JSON),
        ("value.converter.schemas.enable", "false"),
    ]);
    assert_eq!(classes(&of(&both, &[]).unwrap()), ["StringConverter", "JsonConverter"]);
    let own = [("key.converter", "org.apache.kafka.connect.converters.LongConverter")];
    assert_eq!(classes(&of(&both, &own).unwrap()), ["LongConverter", "JsonConverter"]);
    let serializers = connector(&[]).unwrap();
    assert!(matches!(config(&serializers).maps[0].form, FormConfig::Serialized { .. }), "as before");
    let refused = of(&worker(&[]), &own).unwrap_err().to_string();
    assert!(refused.contains("value.converter: must be set, in the worker or in the connector"), "{refused}");
    let refused = of(&worker(&[]), &[]).unwrap_err().to_string();
    assert!(
        refused.contains("key.serializer: must be set") && refused.contains("key.converter"),
        "{refused}"
    );
}

#[test]
fn a_worker_is_refused_for_its_own_settings_before_there_is_a_connector() {
    let refused = worker(&[("bootstrap.servers", "embedded")]).unwrap_err().to_string();
    assert!(refused.contains("embedded has no transactions"), "{refused}");
    let refused = worker(&[("coherence.session.address", "grid")]).unwrap_err().to_string();
    assert!(refused.contains("write host:port"), "{refused}");
    let warned = worker(&[("producer.lingr.ms", "1")]).unwrap().warnings;
    assert!(warned.iter().any(|warning| warning.key == "producer.lingr.ms"), "{warned:?}");
}

#[test]
fn the_maps_of_a_source_are_those_that_it_publishes() {
    let configured = connector(&[("coherence.cache.mappings", "b->1,a->2")]).unwrap().connector;
    let names = ["a", "b"].map(str::to_owned);
    assert_eq!(configured.maps(&BTreeSet::from(["1".to_owned()])), BTreeSet::from(names));
}

#[test]
fn every_metric_of_a_task_has_a_sample() {
    let config = config(&connector(&[]).unwrap()).clone();
    let state = SourceState {
        statuses: source::statuses(&config),
        restarts: AtomicU64::new(0),
        forgotten: Mutex::default(),
    };
    state.on_restart();
    let samples = state.samples();
    for family in metrics::FAMILIES {
        assert!(samples.iter().any(|sample| sample.family.name == family.name), "{}", family.name);
    }
}
