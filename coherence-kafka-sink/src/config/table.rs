//! The tables of settings: what a worker and a sink connector know. `docs.rs` renders them.

use coherence_kafka_common::map::Expiry;
use coherence_kafka_connect::config::def::{
    ConfigDef, ConfigKey, DefaultValue, Importance, Kind, Validator, concat, key,
};
use coherence_kafka_connect::config::session;
use coherence_kafka_rdkafka::settings::translate::{self, Client};

use DefaultValue::{Null, Required, Text};
use Importance::{High, Low, Medium};
use Validator::{Any, AtLeast, Between, Name, NonEmpty, OneOf};

/// Group of settings that are accepted because Connect files have them, and change nothing.
pub const WITHOUT_EFFECT: &str = "Accepted, without effect";

/// Group of settings of Connect that ask for something not built yet: only their default is accepted.
pub const NOT_YET: &str = "Only the default is accepted for now";

/// Groups of connector settings that a worker may set for all its connectors.
pub const SHARED: &[&str] = &["Coherence", "Delivery"];

/// The setting of a worker that bounds the tasks of its connectors.
pub const TASKS_LIMIT: &str = "coherence.tasks.limit";

/// Class names by which this connector is known.
pub const CONNECTOR_CLASSES: &[&str] =
    &["com.oracle.coherence.kafka.connect.CoherenceSinkConnector", "CoherenceSinkConnector", "CoherenceSink"];

/// Read as text and never looked at.
const fn ignored(name: &'static str, documentation: &'static str) -> ConfigKey {
    key(name, Kind::String, Null, Any, (WITHOUT_EFFECT, Low), documentation)
}

const fn not_yet(
    name: &'static str,
    kind: Kind,
    default: DefaultValue,
    validator: Validator,
    documentation: &'static str,
) -> ConfigKey {
    key(name, kind, default, validator, (NOT_YET, Low), documentation)
}

const KAFKA: &str = "Kafka";
const CONVERTERS: &str = "Converters";
const WORKER_GROUP: &str = "Worker";
const REST: &str = "REST";
const CONNECTOR_GROUP: &str = "Connector";
const MAPS: &str = "Maps";
const COHERENCE: &str = "Coherence";
const DELIVERY: &str = "Delivery";
const ERRORS: &str = "Errors";

const JVM: &str = "Concerns plug-ins and classes of the JVM; all features of this program are built in.";
const SOURCE: &str = "Concerns source connectors.";
const DISTRIBUTED: &str = "Concerns distributed workers. Workers that run a connector of the same name share its \
                           consumer group without it.";
const JMX: &str = "Concerns metrics of the JVM.";

/// Settings of a worker.
#[rustfmt::skip]
pub static WORKER: ConfigDef = ConfigDef { keys: &[
    key("bootstrap.servers", Kind::List, Text("localhost:9092"), Any, (KAFKA, High),
        "Brokers of the first connection, `host:port`, separated by commas."),
    key("connector.client.config.override.policy", Kind::Class, Text("All"), Any, (KAFKA, Low),
        "The `consumer.override.*` that a connector may set: `All`, `None`, `Principal` (`security.protocol`, `sasl.jaas.config`, `sasl.mechanism`) or `Allowlist`."),
    key("connector.client.config.override.allowlist", Kind::List, Text(""), Any, (KAFKA, Low),
        "The client settings that the policy `Allowlist` allows."),
    key("key.converter", Kind::Class, Null, Any, (CONVERTERS, High),
        "Converter of keys for connectors that set none; `key.converter.*` are its options. Required here or in every connector."),
    key("value.converter", Kind::Class, Null, Any, (CONVERTERS, High),
        "Converter of values for connectors that set none; `value.converter.*` are its options. Required here or in every connector."),
    key("offset.flush.interval.ms", Kind::Long, Text("5000"), AtLeast(1), (WORKER_GROUP, Medium),
        "Milliseconds between commits of offsets. Connect's default is 60000; a shorter interval costs little here, and fewer records are written again after a crash."),
    key("offset.flush.timeout.ms", Kind::Long, Text("5000"), AtLeast(1), (WORKER_GROUP, Low),
        "Milliseconds after which an unanswered commit counts as failed."),
    key("task.shutdown.graceful.timeout.ms", Kind::Long, Text("5000"), AtLeast(0), (WORKER_GROUP, Medium),
        "Milliseconds within which all tasks together must finish and commit at shutdown."),
    key(TASKS_LIMIT, Kind::Int, Text("1000"), Between(1, 1_000_000), (WORKER_GROUP, Low),
        "Maximum number of tasks of all connectors together. Each task is a member of its consumer group, with a Kafka client, its threads and its connections; a connector that would exceed the limit is refused."),
    key("config.providers", Kind::List, Text(""), Any, (WORKER_GROUP, Medium),
        "Aliases of variable providers, each with `config.providers.<alias>.class` and optionally `.param.allowed.paths` (file, dir) or `.param.allowlist.pattern` (env). Connectors that are created over REST have these providers and no others."),
    key("listeners", Kind::List, Text("http://127.0.0.1:8083"), Any, (REST, Medium),
        "Addresses of the REST interface, `http://host:port`; an empty host means every interface. Connect's default is `http://:8083`; here the interface accepts connections from the local machine only, because it has no authentication."),
    key("rest.advertised.host.name", Kind::String, Null, NonEmpty, (REST, Low),
        "Host in `worker_id`; without it the host of the first listener, or the name of the machine."),
    key("rest.advertised.port", Kind::Int, Null, Between(1, 65535), (REST, Low),
        "Port in `worker_id`; without it the port of the first listener."),
    not_yet("admin.listeners", Kind::String, Null, Any, "Separate listeners for the admin endpoints."),
    not_yet("response.http.headers.config", Kind::String, Text(""), Any, "Headers added to every answer."),
    not_yet("access.control.allow.origin", Kind::String, Text(""), Any, "CORS."),
    not_yet("access.control.allow.methods", Kind::String, Text(""), Any, "CORS."),
    ignored("offset.storage.file.filename", "Concerns source connectors; offsets of a sink live in its consumer group."),
    ignored("plugin.path", JVM),
    ignored("plugin.discovery", JVM),
    ignored("header.converter", "Headers are not stored in maps."),
    ignored("topic.creation.enable", SOURCE),
    ignored("topic.tracking.enable", "Active topics are not tracked."),
    ignored("topic.tracking.allow.reset", "Active topics are not tracked."),
    ignored("client.dns.lookup", "Set `consumer.client.dns.lookup` for the consumers."),
    ignored("metric.reporters", JMX),
    ignored("metrics.sample.window.ms", JMX),
    ignored("metrics.num.samples", JMX),
    ignored("metrics.recording.level", JMX),
    ignored("auto.include.jmx.reporter", JMX),
    ignored("rest.advertised.listener", "There is one kind of listener."),
    ignored("rest.extension.classes", "REST extensions are classes of the JVM. The REST interface requires no password: bind it to an address that only trusted clients can reach."),
    ignored("group.id", DISTRIBUTED),
    ignored("config.storage.topic", DISTRIBUTED),
    ignored("config.storage.replication.factor", DISTRIBUTED),
    ignored("offset.storage.topic", DISTRIBUTED),
    ignored("offset.storage.replication.factor", DISTRIBUTED),
    ignored("offset.storage.partitions", DISTRIBUTED),
    ignored("status.storage.topic", DISTRIBUTED),
    ignored("status.storage.replication.factor", DISTRIBUTED),
    ignored("status.storage.partitions", DISTRIBUTED),
    ignored("connect.protocol", DISTRIBUTED),
    ignored("scheduled.rebalance.max.delay.ms", DISTRIBUTED),
    ignored("session.timeout.ms", DISTRIBUTED),
    ignored("heartbeat.interval.ms", DISTRIBUTED),
    ignored("rebalance.timeout.ms", DISTRIBUTED),
    ignored("exactly.once.source.support", SOURCE),
] };

/// Settings of a sink connector.
pub static CONNECTOR: ConfigDef = ConfigDef {
    keys: &concat::<{ BEFORE_SESSION.len() + session::KEYS.len() + BEHIND_SESSION.len() }>(&[
        BEFORE_SESSION,
        &session::KEYS,
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
    key("key.converter", Kind::Class, Null, Any, (CONVERTERS, High),
        "Converter of keys; with it only the connector's own `key.converter.*` count. Without it the worker's."),
    key("value.converter", Kind::Class, Null, Any, (CONVERTERS, High),
        "Converter of values; with it only the connector's own `value.converter.*` count. Without it the worker's."),
    key("coherence.cache.mappings", Kind::List, Text(""), Any, (MAPS, High),
        "Items `topic->map`, separated by commas, without blanks around the arrow. A topic without an item goes to the map of its own name."),
    key("coherence.passthrough", Kind::Boolean, Text("false"), Any, (MAPS, High),
        "Store the bytes of keys and values as they are, as Coherence binaries. Both converters must be `org.apache.kafka.connect.converters.ByteArrayConverter`."),
    key("coherence.session", Kind::String, Text("grpc"), OneOf(&["grpc", "embedded"]), (COHERENCE, High),
        "`grpc`: a Coherence grid, over gRPC. `embedded`: maps in the memory of this process."),
    key("coherence.session.directory", Kind::String, Null, NonEmpty, (COHERENCE, Medium),
        "Folder in which embedded maps outlive their process: `<connector>.maps` contains the maps of a connector and the offsets up to which they hold its topics. The file is written as a whole before offsets are committed (`offset.flush.interval.ms`) and at the stop; the start reads it and continues from its offsets. The folder must exist; no two processes may use it for one connector. Without it the topics are read from the beginning at every start."),
];

#[rustfmt::skip]
const BEHIND_SESSION: &[ConfigKey] = &[
    session::UNANSWERED,
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
    key("coherence.retry.backoff.max.ms", Kind::Long, Text("60000"), AtLeast(1), (DELIVERY, Low),
        "Maximum milliseconds between two retries."),
    key("coherence.retry.timeout.ms", Kind::Long, Text("-1"), AtLeast(-1), (DELIVERY, Medium),
        "Milliseconds for which a batch is retried while the grid is unavailable; then the task fails, with its offsets intact. `-1`: for ever."),
    key("coherence.refused.timeout.ms", Kind::Long, Text("30000"), AtLeast(1), (DELIVERY, Medium),
        "A record that something behind the grid refuses (a cache store throws, the error is unknown) becomes a bad record after these milliseconds, if every attempt is refused while puts of other records to the same map are accepted. While nothing is accepted it is an outage, and the task retries. Set the value higher than the longest time for which a store serves only a part of its keys, and lower than `coherence.retry.timeout.ms`."),
    key("coherence.ttl.ms", Kind::Long, Text("0"), Between(-1, Expiry::MAX_MILLIS), (DELIVERY, Medium),
        "Milliseconds after which an entry expires; `0`: as the map is configured, `-1`: never. `coherence.ttl.ms.<topic>` is the same for one topic."),
    key("coherence.ttl.header", Kind::String, Null, Any, (DELIVERY, Medium),
        "Name of a header that contains the milliseconds of its record, as decimal text; a record without the header has those of its topic. A header with other content, or with more than 4611686018427387903, makes its record a bad record."),
    key("behavior.on.null.keys", Kind::String, Text("ignore"), OneOf(&["ignore", "fail"]), (DELIVERY, Medium),
        "A record without key: `ignore` discards, logs and counts it, and sends it to the dead letter queue if one is set; `fail` makes it a bad record."),
    key("behavior.on.null.values", Kind::String, Text("delete"), OneOf(&["delete", "ignore", "fail"]), (DELIVERY, Medium),
        "A record without value: `delete` removes its key, `ignore` skips it, `fail` makes it a bad record."),
    key("coherence.task.restart.attempts", Kind::Int, Text("0"), AtLeast(-1), (DELIVERY, Low),
        "Maximum number of consecutive automatic restarts of a failed task; `-1`: no limit. The restarts are counted for each record at fault. The count restarts when the task has passed that record; after failures that name no record, when the task has run for `coherence.task.restart.backoff.max.ms`."),
    key("coherence.task.restart.backoff.ms", Kind::Long, Text("1000"), AtLeast(1), (DELIVERY, Low),
        "Maximum milliseconds before the first of these restarts; the bound doubles each time, with full jitter."),
    key("coherence.task.restart.backoff.max.ms", Kind::Long, Text("60000"), AtLeast(1), (DELIVERY, Low),
        "Maximum milliseconds before such a restart."),
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
    not_yet("transforms", Kind::List, Text(""), Any, "Single message transforms."),
    not_yet("predicates", Kind::List, Text(""), Any, "Predicates of transforms."),
    ignored("header.converter", "Headers are not stored in maps."),
    ignored("coherence.server", "No cache server is started in this process; `coherence.session=embedded` keeps maps here."),
    ignored("config.action.reload", "No variable provider has values that expire."),
    ignored("tasks.max.enforce", "There are never more tasks than `tasks.max`."),
];

/// Families of keys that a table cannot list: the prefix, and why it is without effect if it is.
pub static PREFIXES: &[(Owner, &str, Option<&str>)] = &[
    (Owner::Both, "key.converter.", None),
    (Owner::Both, "value.converter.", None),
    (Owner::Both, "header.converter.", Some("Headers are not stored in maps.")),
    (Owner::Worker, "consumer.", None),
    (Owner::Worker, "producer.", None),
    (Owner::Worker, "admin.", None),
    (Owner::Worker, "config.providers.", None),
    (Owner::Worker, "security.", None),
    (Owner::Worker, "sasl.", None),
    (Owner::Worker, "ssl.", None),
    (Owner::Worker, "metrics.context.", Some(JMX)),
    (Owner::Connector, "consumer.override.", None),
    (Owner::Connector, "producer.override.", None),
    (Owner::Connector, "admin.override.", None),
    (Owner::Connector, "coherence.ttl.ms.", None),
    (Owner::Connector, "transforms.", Some("`transforms` does not list it.")),
    (Owner::Connector, "predicates.", Some("`predicates` does not list it.")),
];

/// The owner of the settings with a prefix.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A worker's.
    Worker,
    /// A connector's.
    Connector,
    /// Either's.
    Both,
}

impl Owner {
    fn covers(self, other: Owner) -> bool {
        self == other || self == Owner::Both || other == Owner::Both
    }
}

/// What is known about a key.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Known {
    /// It has a meaning here.
    Yes,
    /// It is accepted and changes nothing, for this reason.
    WithoutEffect(&'static str),
    /// Unknown; with the name to write instead, where one is near.
    No(Option<String>),
}

/// Returns whether a setting is a connector's and cannot be its worker's, in a file that holds both.
pub fn is_connectors_alone(name: &str) -> bool {
    let family =
        PREFIXES.iter().any(|(owner, prefix, _)| *owner == Owner::Connector && name.starts_with(prefix));
    WORKER.key(name).is_none() && (family || CONNECTOR.key(name).is_some())
}

/// Looks a key up among the settings of `owner`.
pub fn known(owner: Owner, name: &str) -> Known {
    let tables: &[&ConfigDef] = match owner {
        Owner::Worker => &[&WORKER],
        Owner::Connector => &[&CONNECTOR],
        Owner::Both => &[&WORKER, &CONNECTOR],
    };
    // Several versions of a plug-in at once (Connect 4.1): here each has one version.
    if name.ends_with(".plugin.version") {
        return Known::Yes;
    }
    if let Some(key) = tables.iter().find_map(|table| table.key(name)) {
        return if key.group == WITHOUT_EFFECT {
            Known::WithoutEffect(key.documentation)
        } else {
            Known::Yes
        };
    }
    if owner == Owner::Worker && CONNECTOR.key(name).is_some_and(|key| SHARED.contains(&key.group)) {
        return Known::Yes;
    }
    let family = |owner: Owner| {
        PREFIXES.iter().find(|(whose, prefix, _)| whose.covers(owner) && name.starts_with(prefix))
    };
    match family(owner) {
        Some((_, _, None)) => Known::Yes,
        Some((_, _, Some(why))) => Known::WithoutEffect(why),
        None if owner == Owner::Worker
            && (CONNECTOR.key(name).is_some() || family(Owner::Connector).is_some()) =>
        {
            Known::WithoutEffect(
                "A setting of connectors; a worker's file with `connector.class` is a connector's too.",
            )
        }
        None if owner == Owner::Connector
            && (WORKER.key(name).is_some() || family(Owner::Worker).is_some()) =>
        {
            Known::WithoutEffect("A setting of the worker.")
        }
        None => Known::No(instead(owner, tables, name)),
    }
}

/// Settings that Kafka has removed, and what took their place.
const REPLACED: &[(&str, &str)] = &[
    ("rest.port", "write listeners=http://host:port"),
    ("rest.host.name", "write listeners=http://host:port"),
];

/// Returns the known name that is nearest to an unknown one.
fn instead(owner: Owner, tables: &[&ConfigDef], name: &str) -> Option<String> {
    if let Some((_, hint)) = REPLACED.iter().find(|(gone, _)| *gone == name && owner != Owner::Connector) {
        return Some((*hint).to_owned());
    }
    // Settings of clients stand behind a prefix, in Connect too.
    let behind = if owner == Owner::Connector { "override." } else { "" };
    let client =
        [Client::Consumer, Client::Producer].into_iter().find(|client| translate::has(*client, name));
    let prefixed = client.map(|client| format!("write {}.{behind}{name}", client.name()));
    prefixed.or_else(|| {
        let nearest = tables.iter().find_map(|table| table.nearest(name))?;
        Some(format!("did you mean {nearest}?"))
    })
}

#[cfg(test)]
mod tests;
