//! The settings of a worker, and what is known about a key.

use coherence_kafka_connect::config::def::{
    ConfigDef, ConfigKey, DefaultValue, Importance, Kind, Validator, key,
};
use coherence_kafka_connect::converter::SIMPLE_HEADER_CONVERTER;
use coherence_kafka_rdkafka::settings::translate::{self, Client};

use crate::description::Description;

use DefaultValue::{Null, Text};
use Importance::{High, Low, Medium};
use Validator::{Any, AtLeast, Between, NonEmpty, OneOfInAnyCase};

/// Group of settings that are accepted because Connect files have them, and change nothing.
pub const WITHOUT_EFFECT: &str = "Accepted, without effect";

/// The setting of a worker that bounds the tasks of its connectors.
pub const TASKS_LIMIT: &str = "coherence.tasks.limit";

/// Read as text and never looked at.
pub const fn ignored(name: &'static str, documentation: &'static str) -> ConfigKey {
    key(name, Kind::String, Null, Any, (WITHOUT_EFFECT, Low), documentation)
}

/// Returns the settings of restarts of a failed task, for the table of a connector, in this group.
#[rustfmt::skip]
pub const fn restart_keys(group: &'static str) -> [ConfigKey; 3] {
    [
        key("coherence.task.restart.attempts", Kind::Int, Text("0"), AtLeast(-1), (group, Low),
            "Maximum number of consecutive automatic restarts of a failed task; `-1`: no limit. The restarts are counted for each record at fault. The count restarts when the task has passed that record; after failures that name no record, when the task has run for `coherence.task.restart.backoff.max.ms`."),
        key("coherence.task.restart.backoff.ms", Kind::Long, Text("1000"), AtLeast(1), (group, Low),
            "Maximum milliseconds before the first of these restarts; the bound doubles each time, with full jitter."),
        key("coherence.task.restart.backoff.max.ms", Kind::Long, Text("60000"), AtLeast(1), (group, Low),
            "Maximum milliseconds before such a restart."),
    ]
}

const KAFKA: &str = "Kafka";
const CONVERTERS: &str = "Converters";
const WORKER_GROUP: &str = "Worker";
const REST: &str = "REST";

/// Group of the settings by which workers form one cluster.
pub(super) const DISTRIBUTED: &str = "Distributed mode";

const JVM: &str = "Concerns plug-ins and classes of the JVM; all features of this program are built in.";
const SOURCE: &str = "Concerns source connectors.";
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
    key("header.converter", Kind::Class, Text(SIMPLE_HEADER_CONVERTER), Any, (CONVERTERS, Low),
        "Converter of headers for connectors that set none; `header.converter.*` are its options. Transforms and predicates that use headers need it."),
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
    key("group.id", Kind::String, Null, NonEmpty, (DISTRIBUTED, High),
        "The consumer group that the workers of a cluster form. With the three topics below it starts distributed mode; no consumer may have this group."),
    key("config.storage.topic", Kind::String, Null, NonEmpty, (DISTRIBUTED, High),
        "Topic of the configurations, target states and requests. It has one partition and is compacted; it is created if it does not exist. Further `config.storage.*` are settings of the topic."),
    key("config.storage.replication.factor", Kind::Short, Text("3"), AtLeast(-1), (DISTRIBUTED, Low),
        "Replicas of that topic where it is created; `-1`: the default of the brokers."),
    key("offset.storage.topic", Kind::String, Null, NonEmpty, (DISTRIBUTED, High),
        "Topic whose partitions the workers share: a task runs at the worker that has its partition. Further `offset.storage.*` are settings of the topic."),
    key("offset.storage.partitions", Kind::Int, Text("25"), AtLeast(-1), (DISTRIBUTED, Low),
        "Partitions of that topic where it is created; `-1`: the default of the brokers. More workers than partitions stand by."),
    key("offset.storage.replication.factor", Kind::Short, Text("3"), AtLeast(-1), (DISTRIBUTED, Low),
        "Replicas of that topic where it is created; `-1`: the default of the brokers."),
    key("status.storage.topic", Kind::String, Null, NonEmpty, (DISTRIBUTED, High),
        "Topic of the states, by which any worker answers for all. Further `status.storage.*` are settings of the topic."),
    key("status.storage.partitions", Kind::Int, Text("5"), AtLeast(-1), (DISTRIBUTED, Low),
        "Partitions of that topic where it is created; `-1`: the default of the brokers."),
    key("status.storage.replication.factor", Kind::Short, Text("3"), AtLeast(-1), (DISTRIBUTED, Low),
        "Replicas of that topic where it is created; `-1`: the default of the brokers."),
    key("session.timeout.ms", Kind::Int, Text("10000"), Between(1, 86_400_000), (DISTRIBUTED, High),
        "Milliseconds without a sign of life of a worker after which its tasks are given to others."),
    key("heartbeat.interval.ms", Kind::Int, Text("3000"), Between(1, 86_400_000), (DISTRIBUTED, High),
        "Milliseconds between the signs of life of a worker."),
    key("rebalance.timeout.ms", Kind::Int, Text("60000"), Between(1, 86_400_000), (DISTRIBUTED, High),
        "Milliseconds within which a worker must have ended the tasks that it gives to others."),
    key("listeners", Kind::List, Text("http://127.0.0.1:8083"), Any, (REST, Medium),
        "Addresses of the REST interface, `http://host:port` or `https://host:port`; an empty host means every interface. Connect's default is `http://:8083`; here the interface accepts connections from the local machine only, because it requires neither a password nor a certificate by default."),
    key("rest.advertised.host.name", Kind::String, Null, NonEmpty, (REST, Low),
        "Host in `worker_id` and in links; without it the address of the first listener, or `localhost`."),
    key("rest.advertised.port", Kind::Int, Null, Between(1, 65535), (REST, Low),
        "Port in `worker_id` and in links; without it the port of the first listener."),
    key("rest.advertised.listener", Kind::String, Null, OneOfInAnyCase(&["http", "https"]), (REST, Low),
        "Scheme of links, `http` or `https`: the first listener of it is the one that others are referred to. Without it `http`, if a listener has it."),
    key("rest.extension.classes", Kind::List, Text(""), Any, (REST, Low),
        "`org.apache.kafka.connect.rest.basic.auth.extension.BasicAuthSecurityRestExtension`: every request requires a user and a password. Other classes are refused."),
    key("coherence.rest.jaas.file", Kind::String, Null, NonEmpty, (REST, Low),
        "JAAS file of that extension. Without it the one that `-Djava.security.auth.login.config` in the variable `KAFKA_OPTS` names."),
    key("topic.tracking.enable", Kind::Boolean, Text("true"), Any, (REST, Low),
        "Whether the REST interface shows the topics that a connector uses."),
    key("topic.tracking.allow.reset", Kind::Boolean, Text("true"), Any, (REST, Low),
        "Whether a request may reset them."),
    key("ui.enable", Kind::Boolean, Text("true"), Any, (REST, Low),
        "Whether `GET /ui` returns a page that shows and controls the connectors in a browser."),
    key("ui.browse.enable", Kind::Boolean, Text("false"), Any, (REST, Low),
        "Whether the page also shows the entries of maps and the headers of dead letters, to every client that may use the REST interface. It requires `ui.enable`."),
    key("coherence.rest.body.max.bytes", Kind::Long, Text("2097152"), Between(1024, 1 << 30), (REST, Low),
        "Maximum size of the body of a request. A larger one is answered 413."),
    key("coherence.rest.head.timeout.ms", Kind::Long, Text("30000"), Between(1, 3_600_000), (REST, Low),
        "Milliseconds within which the head of a request must arrive, and a TLS handshake must end. After that the connection is closed."),
    key("coherence.rest.connections.max", Kind::Int, Text("64"), Between(1, 100_000), (REST, Low),
        "Maximum number of connections at once. A further one waits up to 5 seconds for the end of another one; then it is answered 503."),
    key("coherence.rest.connection.lifetime.ms", Kind::Long, Text("300000"), Between(1, 86_400_000), (REST, Low),
        "Milliseconds after which a connection is closed, as soon as its current request is answered."),
    key("coherence.rest.requests.max", Kind::Int, Text("64"), Between(1, 100_000), (REST, Low),
        "Maximum number of requests that are processed at once. A further one is answered 503; `/health` is always answered."),
    key("admin.listeners", Kind::List, Null, Any, (REST, Low),
        "Addresses of the routes below `/admin`, as those of `listeners`. Without it these routes are on all listeners; if it is empty, nowhere."),
    key("access.control.allow.origin", Kind::List, Text(""), Any, (REST, Low),
        "Origins of web pages that may use the REST interface (CORS), such as `https://example.com`; `*` is all."),
    key("access.control.allow.methods", Kind::List, Text(""), Any, (REST, Low),
        "Methods that these pages may use. If it is empty: `GET`, `POST` and `HEAD`."),
    key("response.http.headers.config", Kind::String, Text(""), Any, (REST, Low),
        "Headers of every answer, as a list of `[action] [name]:[value]`. The actions are `set`, `add`, `setDate` and `addDate`; the value of a date is milliseconds from now. An item that contains a comma is in double quotes."),
    ignored("offset.storage.file.filename", "Concerns source connectors; offsets of a sink live in its consumer group."),
    ignored("plugin.path", JVM),
    ignored("plugin.discovery", JVM),
    ignored("topic.creation.enable", SOURCE),
    ignored("client.dns.lookup", "Set `consumer.client.dns.lookup` for the consumers."),
    ignored("metric.reporters", JMX),
    ignored("metrics.sample.window.ms", JMX),
    ignored("metrics.num.samples", JMX),
    ignored("metrics.recording.level", JMX),
    ignored("auto.include.jmx.reporter", JMX),
    ignored("connect.protocol", "Tasks are shared by Kafka's own assignment of partitions."),
    ignored("scheduled.rebalance.max.delay.ms", "The tasks of a worker that has gone are given to others at once."),
    ignored("exactly.once.source.support", SOURCE),
] };

/// Families of keys that a table cannot list: the prefix, and why it is without effect if it is.
pub static FAMILIES: &[(&str, Option<&str>)] = &[
    ("key.converter.", None),
    ("value.converter.", None),
    ("header.converter.", None),
    ("consumer.", None),
    ("producer.", None),
    ("admin.", None),
    ("config.providers.", None),
    ("config.storage.", None),
    ("offset.storage.", None),
    ("status.storage.", None),
    ("security.", None),
    ("sasl.", None),
    ("ssl.", None),
    ("listeners.https.", None),
    ("admin.listeners.https.", None),
    ("metrics.context.", Some(JMX)),
];

/// The owner of a set of properties.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Owner {
    /// A worker's.
    Worker,
    /// A connector's.
    Connector,
    /// Both: one file holds a worker and a connector.
    Both,
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

type Family = (&'static str, Option<&'static str>);

fn family(families: &'static [Family], name: &str) -> Option<&'static Family> {
    families.iter().find(|(prefix, _)| name.starts_with(prefix))
}

/// Returns whether a setting is a connector's and cannot be its worker's, in a file that holds both.
pub fn is_connectors_alone(connector: &Description, name: &str) -> bool {
    let of_both = |prefix: &str| FAMILIES.iter().any(|(other, _)| *other == prefix);
    let family = connector.families.iter().any(|(prefix, _)| name.starts_with(prefix) && !of_both(prefix));
    WORKER.key(name).is_none() && (family || connector.settings.key(name).is_some())
}

/// Returns whether a setting of a connector may be in the worker's file, for all its connectors.
pub fn is_shared(connector: &Description, name: &str) -> bool {
    connector.settings.key(name).is_some_and(|key| connector.shared_groups.contains(&key.group))
}

/// Looks a key up among the settings of `owner`, where the connectors are of this kind.
pub fn known(connector: &Description, owner: Owner, name: &str) -> Known {
    let tables: &[&ConfigDef] = match owner {
        Owner::Worker => &[&WORKER],
        Owner::Connector => &[connector.settings],
        Owner::Both => &[&WORKER, connector.settings],
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
    if owner == Owner::Worker && is_shared(connector, name) {
        return Known::Yes;
    }
    let of_worker = || family(FAMILIES, name);
    let of_connector = || family(connector.families, name);
    let found = match owner {
        Owner::Worker => of_worker(),
        Owner::Connector => of_connector(),
        Owner::Both => of_worker().or_else(of_connector),
    };
    match found {
        Some((_, None)) => Known::Yes,
        Some((_, Some(why))) => Known::WithoutEffect(why),
        None if owner == Owner::Worker
            && (connector.settings.key(name).is_some() || of_connector().is_some()) =>
        {
            Known::WithoutEffect(
                "A setting of connectors; a worker's file with `connector.class` is a connector's too.",
            )
        }
        None if owner == Owner::Connector && (WORKER.key(name).is_some() || of_worker().is_some()) => {
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
