//! The table of settings of a sink connector. `docs.rs` renders it.

use coherence_kafka_common::map::Expiry;
use coherence_kafka_connect::config::def::{
    ConfigDef, ConfigKey, DefaultValue, Importance, Kind, Validator, concat, key,
};
use coherence_kafka_connect::config::{SESSION_KEYS, UNANSWERED_TIMEOUT};
use coherence_kafka_connect::converter::SIMPLE_HEADER_CONVERTER;
use coherence_kafka_worker::config::table::{WITHOUT_EFFECT, ignored, restart_keys};
use coherence_kafka_worker::{ConnectorType, Description};

use DefaultValue::{Null, Required, Text};
use Importance::{High, Low, Medium};
use Validator::{Any, AtLeast, Between, DistinctAliases, Name, NonEmpty, OneOf};

/// Groups of connector settings that a worker may set for all its connectors.
pub(crate) const SHARED: &[&str] = &["Coherence", "Delivery"];

/// Class names by which this connector is known.
pub(crate) const CONNECTOR_CLASSES: &[&str] =
    &["com.oracle.coherence.kafka.connect.CoherenceSinkConnector", "CoherenceSinkConnector", "CoherenceSink"];

const CONVERTER_GROUP: &str = "Converters";
const CONNECTOR_GROUP: &str = "Connector";
const MAPS: &str = "Maps";
const COHERENCE: &str = "Coherence";
const DELIVERY: &str = "Delivery";
const ERRORS: &str = "Errors";
const TRANSFORMS: &str = "Transforms";

/// Settings of a sink connector.
pub(crate) static CONNECTOR: ConfigDef = ConfigDef {
    keys: &concat::<{ BEFORE_SESSION.len() + SESSION_KEYS.len() + BEHIND_SESSION.len() }>(&[
        BEFORE_SESSION,
        &SESSION_KEYS,
        BEHIND_SESSION,
    ]),
};

#[rustfmt::skip]
const BEFORE_SESSION: &[ConfigKey] = &[
    key("name", Kind::String, Required, Name, (CONNECTOR_GROUP, High),
        "Name of the connector; its consumer group is `connect-<name>`."),
    key("connector.class", Kind::Class, Required, Any, (CONNECTOR_GROUP, High),
        "`com.oracle.coherence.kafka.connect.CoherenceSinkConnector`, `CoherenceSinkConnector` or `CoherenceSink`."),
    key("tasks.max", Kind::Int, Text("1"), AtLeast(1), (CONNECTOR_GROUP, High),
        "Number of tasks that share the partitions."),
    key("topics", Kind::List, Text(""), Any, (CONNECTOR_GROUP, High),
        "Topics to read, separated by commas. Exactly one of `topics` and `topics.regex` must be set."),
    key("topics.regex", Kind::String, Text(""), Any, (CONNECTOR_GROUP, High),
        "Java regular expression that matches the whole name of each topic to read. Look-around, back references, flags and possessive quantifiers are refused: librdkafka has none."),
    key("key.converter", Kind::Class, Null, Any, (CONVERTER_GROUP, High),
        "Converter of keys; with it only the connector's own `key.converter.*` count. Without it the worker's."),
    key("value.converter", Kind::Class, Null, Any, (CONVERTER_GROUP, High),
        "Converter of values; with it only the connector's own `value.converter.*` count. Without it the worker's."),
    key("coherence.cache.mappings", Kind::List, Text(""), Any, (MAPS, High),
        "Items `topic->map`, separated by commas, without blanks around the arrow. A topic without an item goes to the map that `coherence.cache.rules` or `coherence.cache.name.format` names, by default the one of its own name."),
    key("coherence.cache.rules", Kind::List, Text(""), DistinctAliases, (MAPS, Medium),
        "Aliases of rules that name the maps of topics, in their order. The first rule whose `coherence.cache.rules.<alias>.regex`, a Java regular expression, matches the whole topic names its map by `coherence.cache.rules.<alias>.replacement`, in which `$1` is what the first group has matched; both have the meaning of Connect's `RegexRouter`. A topic with an item in `coherence.cache.mappings` comes to no rule."),
    key("coherence.cache.name.format", Kind::String, Text("${topic}"), NonEmpty, (MAPS, Medium),
        "Name of the map of a topic that no item and no rule names; `${topic}` stands for the topic."),
    key("coherence.mapping.file", Kind::String, Null, NonEmpty, (MAPS, Medium),
        "File that describes the Java classes of keys and values, see [typed-entries.md](typed-entries.md). Records become objects of these classes in the maps that the file names; the entries of other maps are written as without it. The file is read when the connector starts."),
    key("coherence.key.fields", Kind::List, Text(""), Any, (MAPS, Medium),
        "Fields that the key of an entry is made of, separated by commas, with dots on the way to nested ones. One field is the key; several are a map with their last names, in a JSON map an object. All of them are taken from the value, or else from the key of the record, which is what a tombstone has. A record in which one is missing or null is a bad record."),
    key("coherence.key.header", Kind::String, Null, NonEmpty, (MAPS, Low),
        "Name of the header that contains the key of an entry, as `header.converter` reads it; `SimpleHeaderConverter`, the default, is refused, because it reads `007` and `7` as one number. A record without the header is a bad record."),
    key("coherence.passthrough", Kind::Boolean, Text("false"), Any, (MAPS, High),
        "Store the bytes of keys and values as they are, as Coherence binaries. Both converters must be `org.apache.kafka.connect.converters.ByteArrayConverter`."),
    key("coherence.session", Kind::String, Text("grpc"), OneOf(&["grpc", "embedded"]), (COHERENCE, High),
        "`grpc`: a Coherence grid, over gRPC. `embedded`: maps in the memory of this process."),
    key("coherence.session.directory", Kind::String, Null, NonEmpty, (COHERENCE, Medium),
        "Folder in which embedded maps outlive their process: `<connector>.maps` contains the maps of a connector and the offsets up to which they hold its topics. The file is written as a whole before offsets are committed (`offset.flush.interval.ms`) and at the stop; the start reads it and continues from its offsets. The folder must exist; no two processes may use it for one connector. Without it the topics are read from the beginning at every start."),
];

const RESTART: [ConfigKey; 3] = restart_keys(DELIVERY);

#[rustfmt::skip]
const BEHIND_SESSION: &[ConfigKey] = &[
    UNANSWERED_TIMEOUT,
    key("coherence.json.arrays", Kind::String, Text("list"), OneOf(&["list", "array"]), (COHERENCE, Low),
        "Type of an array of a converted value in a POF map: `list` is a `java.util.List`, `array` is an `Object[]`."),
    key("coherence.batch.max.records", Kind::Int, Text("5000"), Between(1, 1_000_000), (DELIVERY, Medium),
        "Maximum number of records of one batch; `max.poll.records` of the consumer lowers it."),
    key("coherence.batch.max.bytes", Kind::Int, Text("1048576"), AtLeast(1024), (DELIVERY, Medium),
        "A batch is full when its keys and values have this number of bytes. The size of earlier records decides how many records are read, so a batch may be larger when records grow. Requests to the grid are always split at gRPC's 4 MiB."),
    key("coherence.batch.linger.ms", Kind::Int, Text("10"), Between(0, 60_000), (DELIVERY, Low),
        "Milliseconds to wait for a batch to fill after its first record."),
    key("coherence.retry.backoff.ms", Kind::Long, Text("100"), AtLeast(1), (DELIVERY, Low),
        "Maximum milliseconds before the first retry while the grid is unavailable; the bound doubles each time, and the pause is a random value below it (full jitter)."),
    key("coherence.retry.backoff.max.ms", Kind::Long, Text("5000"), AtLeast(1), (DELIVERY, Low),
        "Maximum milliseconds between two retries."),
    key("coherence.retry.timeout.ms", Kind::Long, Text("-1"), AtLeast(-1), (DELIVERY, Medium),
        "Milliseconds for which a batch is retried while the grid is unavailable; then the task fails, with its offsets intact. `-1`: for ever."),
    key("coherence.refused.timeout.ms", Kind::Long, Text("30000"), AtLeast(1), (DELIVERY, Medium),
        "A record that something behind the grid refuses (a cache store throws, the error is unknown) becomes a bad record after these milliseconds, if every attempt is refused while puts of other records to the same map are accepted. While nothing is accepted it is an outage, and the task retries. Set the value higher than the longest time for which a store serves only a part of its keys, and lower than `coherence.retry.timeout.ms`."),
    key("coherence.ttl.ms", Kind::Long, Text("0"), Between(-1, Expiry::MAX_MILLIS), (DELIVERY, Medium),
        "Milliseconds after which an entry expires; `0`: as the map is configured, `-1`: never. `coherence.ttl.ms.<topic>` is the same for one topic."),
    key("coherence.ttl.header", Kind::String, Null, Any, (DELIVERY, Medium),
        "Name of a header that contains the milliseconds of its record, as decimal text; a record without the header has those of its topic. A header with other content, or with more than 4611686018427387903, makes its record a bad record."),
    key("coherence.ttl.field", Kind::String, Null, NonEmpty, (DELIVERY, Medium),
        "Field of the value that contains the milliseconds of its record, as a number or decimal text, with dots on the way to a nested one. The header comes first; a record in which the field is missing or null has those of its topic. A field with other content makes its record a bad record."),
    key("coherence.version.field", Kind::String, Null, NonEmpty, (DELIVERY, Medium),
        "Field of the value that contains its version, a whole number, with dots on the way to a nested one. An entry is not replaced by a value with a smaller version. It needs a POF map of a grid, `behavior.on.null.values` other than `delete`, and neither `coherence.ttl.*` nor `coherence.mapping.file`; every record costs the grid a request. A record without the field is a bad record."),
    key("behavior.on.null.keys", Kind::String, Text("ignore"), OneOf(&["ignore", "fail"]), (DELIVERY, Medium),
        "A record without key: `ignore` discards, logs and counts it, and sends it to the dead letter queue if one is set; `fail` makes it a bad record."),
    key("behavior.on.null.values", Kind::String, Text("delete"), OneOf(&["delete", "ignore", "fail"]), (DELIVERY, Medium),
        "A record without value: `delete` removes its key, `ignore` skips it, `fail` makes it a bad record."),
    RESTART[0],
    RESTART[1],
    RESTART[2],
    key("errors.tolerance", Kind::String, Text("none"), OneOf(&["none", "all"]), (ERRORS, Medium),
        "`none`: a bad record fails its task. `all`: it is reported and skipped. Unlike in Connect this includes failed writes: it covers converters, encoding, records that are too large, and records that the grid refuses."),
    key("errors.log.enable", Kind::Boolean, Text("false"), Any, (ERRORS, Medium),
        "Log every bad record, in Connect's words."),
    key("errors.log.include.messages", Kind::Boolean, Text("false"), Any, (ERRORS, Medium),
        "Include topic, partition, offset and timestamp of the record in that log. As in Connect, its bytes are not shown."),
    key("errors.deadletterqueue.topic.name", Kind::String, Text(""), Any, (ERRORS, Medium),
        "Topic for the bad records of the connector, under `errors.tolerance=none` too. An offset is committed only when the topic has its record. Empty: none."),
    key("errors.deadletterqueue.topic.replication.factor", Kind::Short, Text("3"), AtLeast(1), (ERRORS, Medium),
        "Replicas of that topic, if the task creates it; 1 for a cluster of one broker."),
    key("errors.deadletterqueue.topic.partitions", Kind::Int, Text("1"), AtLeast(1), (ERRORS, Low),
        "Partitions of that topic, if the task creates it. Connect has no such setting and creates one."),
    key("errors.deadletterqueue.context.headers.enable", Kind::Boolean, Text("false"), Any, (ERRORS, Medium),
        "Add Connect's headers `__connect.errors.*` to dead letters: the origin of the record and its error."),
    key("errors.retry.timeout", Kind::Long, Text("0"), AtLeast(-1), (ERRORS, Low),
        "Milliseconds for retries of converters and transforms. The built-in ones have no transient errors, so it has no effect; `coherence.retry.timeout.ms` bounds the retries of writes."),
    key("errors.retry.delay.max.ms", Kind::Long, Text("60000"), AtLeast(-1), (ERRORS, Low),
        "Maximum milliseconds between such retries."),
    key("header.converter", Kind::Class, Text(SIMPLE_HEADER_CONVERTER), Any, (CONVERTER_GROUP, Low),
        "Class that reads headers, for the transforms and predicates that use them; options follow with the prefix `header.converter.`. Headers are not stored in maps."),
    key("transforms", Kind::List, Text(""), DistinctAliases, (TRANSFORMS, Medium),
        "Aliases of the transforms that change each record before it becomes an entry, in their order. `transforms.<alias>.type` names the class of each; docs/transforms.md lists them."),
    key("predicates", Kind::List, Text(""), DistinctAliases, (TRANSFORMS, Low),
        "Aliases of the predicates that `transforms.<alias>.predicate` can name."),
    ignored("coherence.server", "No cache server is started in this process; `coherence.session=embedded` keeps maps here."),
    key("config.action.reload", Kind::String, Text("restart"), OneOf(&["none", "restart"]), (WITHOUT_EFFECT, Low),
        "No variable provider has values that expire."),
    key("tasks.max.enforce", Kind::Boolean, Text("true"), Any, (WITHOUT_EFFECT, Low),
        "There are never more tasks than `tasks.max`."),
];

/// Families of keys that a table cannot list: the prefix, and why it is without effect if it is.
pub(crate) static FAMILIES: &[(&str, Option<&str>)] = &[
    ("key.converter.", None),
    ("value.converter.", None),
    ("header.converter.", None),
    ("consumer.override.", None),
    ("producer.override.", None),
    ("admin.override.", None),
    ("coherence.ttl.ms.", None),
    ("coherence.cache.rules.", None),
    ("transforms.", Some("`transforms` does not list it.")),
    ("predicates.", Some("`predicates` does not list it.")),
];

/// The names, settings and metrics of sink connectors.
pub(crate) static DESCRIPTION: Description = Description {
    kind: ConnectorType::Sink,
    classes: CONNECTOR_CLASSES,
    task_class: "com.oracle.coherence.kafka.connect.CoherenceSinkTask",
    settings: &CONNECTOR,
    families: FAMILIES,
    shared_groups: SHARED,
    metrics: crate::metrics::FAMILIES,
    former_metrics: Some(("coherence_kafka_sink_", "coherence_sink_")),
};

#[cfg(test)]
mod tests;
