//! The settings of a source: in a file of its own, and as a connector of a worker.

use coherence_kafka_connect::config::SESSION_KEYS;
use coherence_kafka_connect::config::def::DefaultValue::{Null, Required, Text};
use coherence_kafka_connect::config::def::Importance::{High, Low, Medium};
use coherence_kafka_connect::config::def::Validator::{
    Any, AtLeast, Between, DistinctAliases, Name, NonEmpty, OneOf,
};
use coherence_kafka_connect::config::def::{ConfigDef, ConfigKey, Kind, concat, key};
use coherence_kafka_worker::config::mapping_file;
use coherence_kafka_worker::config::table::{ignored, restart_keys};
use coherence_kafka_worker::{ConnectorType, Description};

pub(super) const NAME: &str = "name";
pub(super) const CACHES: &str = "coherence.caches";
pub(super) const CACHE_CONFIG: &str = "coherence.cacheconfig";
pub(super) const MAPPINGS: &str = "coherence.cache.mappings";
pub(super) const PASS_THROUGH: &str = "coherence.passthrough";
pub(super) const KEY_FORM: &str = "coherence.kafka.key.form";
pub(super) const KEY_SERIALIZER: &str = "key.serializer";
pub(super) const VALUE_SERIALIZER: &str = "value.serializer";
pub(super) const TRANSFORMS: &str = "transforms";
pub(super) const MAPPING_FILE: &str = mapping_file::SETTING;
pub(super) const TOLERANCE: &str = "errors.tolerance";
pub(super) const LOG_ERRORS: &str = "errors.log.enable";
pub(super) const EXPIRATIONS: &str = "publish.expirations";
pub(super) const COMPARISON_INTERVAL: &str = "coherence.source.comparison.interval.ms";
pub(super) const CONTROL_TOPIC: &str = "coherence.source.control.topic";
pub(super) const SESSION_TIMEOUT: &str = "coherence.source.session.timeout.ms";
pub(super) const COMMIT_INTERVAL: &str = "coherence.source.commit.interval.ms";
pub(super) const SHUTDOWN_TIMEOUT: &str = "coherence.source.shutdown.timeout.ms";
pub(super) const METRICS: &str = "metrics.listener";

const MAPS: &str = "Maps and topics";
const RECORDS: &str = "Records";
const ERRORS: &str = "Errors";
const RUNNING: &str = "Running";

const NAME_KEY: ConfigKey = key(
    NAME,
    Kind::String,
    Text("coherence-source"),
    Name,
    (RUNNING, High),
    "Name of the source. Of all processes with one name, one publishes and the others stand by.",
);
const METRICS_KEY: ConfigKey = key(
    METRICS,
    Kind::String,
    Null,
    NonEmpty,
    (RUNNING, Medium),
    "Address of `GET /metrics`, `http://host:port`, in Prometheus' text format. Default: none.",
);

/// The settings that a source has in a file of its own and as a connector of a worker.
#[rustfmt::skip]
const COMMON: [ConfigKey; 24] = [
    key(MAPPINGS, Kind::List, Null, Any, (MAPS, High),
        "Items `cache->topic`, separated by commas. A cache `orders-*` stands for all `coherence.caches` with that beginning; its topic contains `{cache-name}`, the name of the cache, or one `*`, the text that the cache's `*` stands for."),
    key(CACHES, Kind::List, Null, Any, (MAPS, High),
        "Caches to publish, separated by commas; a cache without an item in `coherence.cache.mappings` goes to the topic of its own name. Default: those of `coherence.cache.mappings`. A grid does not list its caches over gRPC, so a pattern needs this list."),
    key(CACHE_CONFIG, Kind::String, Null, NonEmpty, (MAPS, High),
        "Path of a Coherence cache configuration file. Its `kafka:producer` schemes define the topics, instead of `coherence.cache.mappings`, and everything below *Records*. A pattern in it needs `coherence.caches`."),
    key(PASS_THROUGH, Kind::Boolean, Text("false"), Any, (RECORDS, High),
        "Publish the bytes of the map as they are, without decorations."),
    key(KEY_SERIALIZER, Kind::Class, Null, NonEmpty, (RECORDS, High),
        "Kafka serializer of keys, by its Java class or a short name such as `string`. A source with a serializer needs both, and uses no converter."),
    key(VALUE_SERIALIZER, Kind::Class, Null, NonEmpty, (RECORDS, High),
        "Kafka serializer of values, likewise."),
    key("key.converter", Kind::Class, Null, NonEmpty, (RECORDS, High),
        "Converter of keys; `key.converter.*` are its options. It counts if neither serializers are set nor bytes pass through. Default: the worker's."),
    key("value.converter", Kind::Class, Null, NonEmpty, (RECORDS, High),
        "Converter of values, likewise."),
    key("header.converter", Kind::Class, Null, NonEmpty, (RECORDS, Low),
        "Converter of the headers that transforms add. Default: the worker's, or `org.apache.kafka.connect.storage.SimpleHeaderConverter`."),
    key(TRANSFORMS, Kind::List, Text(""), DistinctAliases, (RECORDS, Medium),
        "Aliases of the transforms that change each record, in their order. `transforms.<alias>.type` names the class of each; docs/transforms.md lists them. They need converters. Transforms that change the key or the topic are refused."),
    key("predicates", Kind::List, Text(""), DistinctAliases, (RECORDS, Low),
        "Aliases of the predicates that `transforms.<alias>.predicate` can name."),
    key(MAPPING_FILE, Kind::String, Null, NonEmpty, (RECORDS, Medium),
        "File that describes the Java classes of keys and values, see [typed-entries.md](typed-entries.md). Objects of these classes become structs with field names. Needs converters, and maps in POF. The file is read when the source starts."),
    key(KEY_FORM, Kind::String, Text("plain"), OneOf(&["plain", "decorated"]), (RECORDS, Low),
        "`decorated` writes keys as Java's entry store does, for topics that it writes too. Keys that are objects of a class are refused in this form: a grid does not report the associated key."),
    key(EXPIRATIONS, Kind::String, Text("tombstone"), OneOf(&["tombstone", "ignore"]), (RECORDS, Medium),
        "An entry that expires or is evicted becomes a tombstone, or nothing, which leaves its last value in the topic. With `ignore` only the event of a removal is published as a tombstone: an entry that was removed while no source listened stays in the topic, because it looks like an expired one. See *Expirations, evictions and loads*."),
    key(TOLERANCE, Kind::String, Text("all"), OneOf(&["none", "all"]), (ERRORS, Medium),
        "`all`: an entry that cannot become a record is counted, and the others are published. `none`: it fails the task, or ends the process of a source without a worker. Connect's default is `none`."),
    key(LOG_ERRORS, Kind::Boolean, Text("true"), Any, (ERRORS, Medium),
        "Log every entry that cannot become a record, with its map and topic, never with its bytes. Connect's default is `false`."),
    ignored("errors.log.include.messages", "The log of an entry always has its map and its topic."),
    ignored("errors.retry.timeout", "An unavailable schema registry is waited for, without limit."),
    ignored("errors.retry.delay.max.ms", "An unavailable schema registry is waited for, without limit."),
    key(COMPARISON_INTERVAL, Kind::Long, Text("3600000"), AtLeast(0), (RUNNING, Medium),
        "Milliseconds between periodic comparisons, which read the topic again and compare it with the map; 0: never. A comparison repairs the changes that retention, deletions and other writers made in the topic, and detects that a grid lost all entries with its storage members, which causes no event."),
    key(CONTROL_TOPIC, Kind::String, Text("coherence.source.control"), NonEmpty, (RUNNING, Low),
        "Control topic: its consumer group `coherence-source-<name>` selects the process that publishes. It is created if it does not exist, with one partition; nothing is written to it."),
    key(SESSION_TIMEOUT, Kind::Long, Text("30000"), Between(1000, 1_800_000), (RUNNING, Medium),
        "Milliseconds after which a process without heartbeats is removed, and another one takes over. `delivery.timeout.ms` may be two thirds of it. The broker allows 6000 to 1800000 unless configured otherwise."),
    key(COMMIT_INTERVAL, Kind::Long, Text("100"), Between(0, 10_000), (RUNNING, Medium),
        "Milliseconds after which a transaction is committed. This is the delay until a consumer with `isolation.level=read_committed` sees a record. A longer interval costs the broker less; 0 commits as soon as the sent records are acknowledged."),
    key(SHUTDOWN_TIMEOUT, Kind::Long, Text("10000"), AtLeast(0), (RUNNING, Medium),
        "Maximum milliseconds of a whole stop: it waits for the acknowledgement of sent records and leaves the group."),
];

/// The settings of a source in a file of its own that are not a Kafka client's.
pub(crate) const TABLE: ConfigDef = ConfigDef { keys: &KEYS };
const KEYS: [ConfigKey; COMMON.len() + SESSION_KEYS.len() + 2] =
    concat(&[&[NAME_KEY], &COMMON, &[METRICS_KEY], &SESSION_KEYS]);

/// Class names by which the connector is known.
pub(crate) const CONNECTOR_CLASSES: &[&str] = &[
    "com.oracle.coherence.kafka.connect.CoherenceSourceConnector",
    "CoherenceSourceConnector",
    "CoherenceSource",
];

const CONNECTOR_GROUP: &str = "Connector";
const CONSUMERS: &str =
    "The consumers of a source reach the cluster as its producer does: set `producer.override.`.";

/// The settings of a source as a connector of a worker.
pub(crate) static CONNECTOR: ConfigDef = ConfigDef { keys: &CONNECTOR_KEYS };
const CONNECTOR_KEYS: [ConfigKey; OF_CONNECTOR.len() + COMMON.len() + SESSION_KEYS.len() + 3] =
    concat(&[&OF_CONNECTOR, &COMMON, &SESSION_KEYS, &restart_keys(RUNNING)]);

#[rustfmt::skip]
const OF_CONNECTOR: [ConfigKey; 3] = [
    key(NAME, Kind::String, Required, Name, (CONNECTOR_GROUP, High),
        "Name of the connector. Of all workers that run a connector with this name, one publishes and the others stand by."),
    key("connector.class", Kind::Class, Required, Any, (CONNECTOR_GROUP, High),
        "`com.oracle.coherence.kafka.connect.CoherenceSourceConnector`, `CoherenceSourceConnector` or `CoherenceSource`."),
    key("tasks.max", Kind::Int, Text("1"), AtLeast(1), (CONNECTOR_GROUP, High),
        "Maximum number of tasks. A source has one task, which publishes all of its maps."),
];

/// Families of settings of the connector: the prefix, and why it is without effect if it is.
pub(crate) static CONNECTOR_FAMILIES: &[(&str, Option<&str>)] = &[
    ("producer.override.", None),
    ("key.serializer.", None),
    ("value.serializer.", None),
    ("serializer.encoding", None),
    ("deserializer.encoding", None),
    ("default.list.key.serde.", None),
    ("default.list.value.serde.", None),
    ("key.converter.", None),
    ("value.converter.", None),
    ("header.converter.", None),
    ("consumer.override.", Some(CONSUMERS)),
    ("admin.override.", Some(CONSUMERS)),
    ("topic.creation.", Some("A source creates no topic for a map: create it with cleanup.policy=compact.")),
    ("transforms.", Some("`transforms` does not list it.")),
    ("predicates.", Some("`predicates` does not list it.")),
];

/// The names, settings and metrics of source connectors.
pub(crate) static DESCRIPTION: Description = Description {
    kind: ConnectorType::Source,
    classes: CONNECTOR_CLASSES,
    task_class: "com.oracle.coherence.kafka.connect.CoherenceSourceTask",
    settings: &CONNECTOR,
    families: CONNECTOR_FAMILIES,
    shared_groups: &["Coherence"],
    metrics: crate::metrics::FAMILIES,
    former_metrics: None,
};

/// Returns whether a setting of the connector is one of the source in a file of its own too.
pub(super) fn is_own(key: &str) -> bool {
    let serializers = FAMILIES.iter().take(6);
    COMMON.iter().chain(&SESSION_KEYS).any(|known| known.name == key)
        || key == NAME
        || serializers.into_iter().any(|family| key.starts_with(family))
}

/// What serializers, converters and transforms read, and what declares variables: families end in a dot.
const FAMILIES: [&str; 13] = [
    "serializer.encoding",
    "deserializer.encoding",
    "key.serializer.",
    "value.serializer.",
    "default.list.key.serde.",
    "default.list.value.serde.",
    "config.providers",
    "config.providers.",
    "key.converter.",
    "value.converter.",
    "header.converter.",
    "transforms.",
    "predicates.",
];

/// Every name and family that is not a producer's.
pub(super) const NAMES: [&str; KEYS.len() + FAMILIES.len()] = {
    let mut names = [""; KEYS.len() + FAMILIES.len()];
    let mut at = 0;
    while at < names.len() {
        names[at] = if at < KEYS.len() { KEYS[at].name } else { FAMILIES[at - KEYS.len()] };
        at += 1;
    }
    names
};
