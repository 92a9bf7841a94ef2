//! The settings of a source.

use coherence_kafka_connect::config::def::DefaultValue::{Null, Text};
use coherence_kafka_connect::config::def::Importance::{High, Low, Medium};
use coherence_kafka_connect::config::def::Validator::{Any, AtLeast, Between, Name, NonEmpty, OneOf};
use coherence_kafka_connect::config::def::{ConfigDef, ConfigKey, Kind, concat, key};
use coherence_kafka_connect::config::session;

pub(super) const NAME: &str = "name";
pub(super) const CACHES: &str = "coherence.caches";
pub(super) const CACHE_CONFIG: &str = "coherence.cacheconfig";
pub(super) const MAPPINGS: &str = "coherence.cache.mappings";
pub(super) const PASS_THROUGH: &str = "coherence.passthrough";
pub(super) const KEY_FORM: &str = "coherence.kafka.key.form";
pub(super) const KEY_SERIALIZER: &str = "key.serializer";
pub(super) const VALUE_SERIALIZER: &str = "value.serializer";
pub(super) const EXPIRATIONS: &str = "publish.expirations";
pub(super) const COMPARISON_INTERVAL: &str = "coherence.source.comparison.interval.ms";
pub(super) const CONTROL_TOPIC: &str = "coherence.source.control.topic";
pub(super) const SESSION_TIMEOUT: &str = "coherence.source.session.timeout.ms";
pub(super) const COMMIT_INTERVAL: &str = "coherence.source.commit.interval.ms";
pub(super) const SHUTDOWN_TIMEOUT: &str = "coherence.source.shutdown.timeout.ms";
pub(super) const METRICS: &str = "metrics.listener";

const MAPS: &str = "Maps and topics";
const RECORDS: &str = "Records";
const RUNNING: &str = "Running";

#[rustfmt::skip]
const OWN: [ConfigKey; 15] = [
    key(NAME, Kind::String, Text("coherence-source"), Name, (RUNNING, High),
        "Name of the source. Of all processes with one name, one publishes and the others stand by."),
    key(MAPPINGS, Kind::List, Null, Any, (MAPS, High),
        "Items `cache->topic`, separated by commas. A cache `orders-*` stands for those of `coherence.caches` that begin so; its topic holds `{cache-name}`, the name of the cache, or one `*`, what the cache's stands for."),
    key(CACHES, Kind::List, Null, Any, (MAPS, High),
        "Caches to publish, separated by commas; one without an item in `coherence.cache.mappings` goes to the topic of its own name. Default: those of `coherence.cache.mappings`. A grid does not tell over gRPC which caches it has, so a pattern needs this list."),
    key(CACHE_CONFIG, Kind::String, Null, NonEmpty, (MAPS, High),
        "Path of a Coherence cache configuration file whose `kafka:producer` schemes name the topics, instead of `coherence.cache.mappings`, and say all that is below *Records*. A pattern in it needs `coherence.caches`."),
    key(PASS_THROUGH, Kind::Boolean, Text("false"), Any, (RECORDS, High),
        "Publish the bytes of the map as they are, without decorations."),
    key(KEY_SERIALIZER, Kind::Class, Null, NonEmpty, (RECORDS, High),
        "Kafka serializer of keys, by its Java class or a short name such as `string`. Needed unless the bytes pass through."),
    key(VALUE_SERIALIZER, Kind::Class, Null, NonEmpty, (RECORDS, High),
        "Kafka serializer of values, likewise."),
    key(KEY_FORM, Kind::String, Text("plain"), OneOf(&["plain", "decorated"]), (RECORDS, Low),
        "`decorated` writes keys as Java's entry store does, for topics that it writes too. Keys that are objects of a class are refused in this form: a grid does not say with which key they are associated."),
    key(EXPIRATIONS, Kind::String, Text("tombstone"), OneOf(&["tombstone", "ignore"]), (RECORDS, Medium),
        "What becomes of an entry that expires or is evicted: a tombstone, or nothing, which leaves its last value in the topic. With `ignore` only the event of a removal is published as a tombstone: what was removed while no source listened stays in the topic, as it looks like what has expired. See *Expirations, evictions and loads*."),
    key(COMPARISON_INTERVAL, Kind::Long, Text("3600000"), AtLeast(0), (RUNNING, Medium),
        "Milliseconds after which the topic is read again and compared with the map though nothing is known to be missed; 0 never does. So what retention, deletions and other writers changed in the topic is repaired, and the loss of all entries with a grid's storage members, of which no event comes."),
    key(CONTROL_TOPIC, Kind::String, Text("coherence.source.control"), NonEmpty, (RUNNING, Low),
        "Topic by whose consumer group `coherence-source-<name>` processes agree who publishes. Made where it is missing, with one partition; nothing is written to it."),
    key(SESSION_TIMEOUT, Kind::Long, Text("30000"), Between(1000, 1_800_000), (RUNNING, Medium),
        "Milliseconds after which a process that sends nothing is given up, and another one takes over. `delivery.timeout.ms` may be two thirds of it. The broker allows 6000 to 1800000 unless configured otherwise."),
    key(COMMIT_INTERVAL, Kind::Long, Text("100"), Between(0, 10_000), (RUNNING, Medium),
        "Milliseconds after which a transaction is committed: how late a consumer with `isolation.level=read_committed` sees a record. Longer is cheaper for the broker; 0 commits as soon as what was sent is acknowledged."),
    key(SHUTDOWN_TIMEOUT, Kind::Long, Text("10000"), AtLeast(0), (RUNNING, Medium),
        "Milliseconds that a stop may take, all in all: it waits for the acknowledgement of what was sent and leaves the group."),
    key(METRICS, Kind::String, Null, NonEmpty, (RUNNING, Medium),
        "`http://host:port` where `GET /metrics` answers in Prometheus' text format. Without it nothing listens."),
];

/// The settings that are not a Kafka client's.
pub const TABLE: ConfigDef = ConfigDef { keys: &KEYS };
const KEYS: [ConfigKey; OWN.len() + session::KEYS.len()] = concat(&[&OWN, &session::KEYS]);

/// What serializers read, and what declares variables: families end in a dot.
const FAMILIES: [&str; 8] = [
    "serializer.encoding",
    "deserializer.encoding",
    "key.serializer.",
    "value.serializer.",
    "default.list.key.serde.",
    "default.list.value.serde.",
    "config.providers",
    "config.providers.",
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
