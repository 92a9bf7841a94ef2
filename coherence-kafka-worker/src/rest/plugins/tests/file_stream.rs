//! Connect's file connectors and the classes of its distribution, as far as validations are concerned.

use std::sync::{Arc, LazyLock};

use coherence_kafka_connect::config::def::{
    ConfigDef, ConfigKey, DefaultValue, Importance, Kind, PluginDesc, PluginType, Validator, concat, key,
};
use coherence_kafka_connect::config::{Checked, ConfigErrors, Properties, SINK_KEYS, SOURCE_KEYS};
use coherence_kafka_connect::converter::{CONVERTERS, HEADER_CONVERTERS};
use coherence_kafka_rdkafka::settings::ClientSettings;
use coherence_kafka_rdkafka::settings::translate::{Client, Profile, translate};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use regex::Regex;

use crate::Grids;
use crate::config::clients::of_client;
use crate::config::{WorkerConfig, connector as common};
use crate::description::{ConnectorType, Description};
use crate::plugin::{Connector, Plugin};
use crate::testing::FakeConnector;

use DefaultValue::{Null, Required, Text};
use Importance::{High, Low, Medium};
use Validator::{Any, NonEmpty, OneOf};

const NO_KEYS: &[ConfigKey] = &[];

const FILE: ConfigKey = key(
    "file",
    Kind::String,
    Null,
    Any,
    ("", High),
    "Destination filename. If not specified, the standard output will be used",
);
const TOPIC: ConfigKey = key("topic", Kind::String, Required, NonEmpty, ("", High), "");
const BATCH: ConfigKey = key("batch.size", Kind::Int, Text("2000"), Any, ("", Low), "");

const SINK: [ConfigKey; 25] = concat(&[SINK_KEYS.keys, &[FILE]]);
const SOURCE: [ConfigKey; 27] = concat(&[SOURCE_KEYS.keys, &[FILE, TOPIC, BATCH]]);

const fn option(name: &'static str, kind: Kind, default: DefaultValue) -> ConfigKey {
    key(name, kind, default, Any, ("", Medium), "")
}

const NULLS: ConfigKey = key(
    "replace.null.with.default",
    Kind::Boolean,
    Text("true"),
    Any,
    ("", Medium),
    "Whether to replace fields that have a default value and that are null to the default value. When set to true, the \
     default value is used, otherwise null is used.",
);
const SPEC: ConfigKey = key(
    "spec",
    Kind::List,
    Required,
    Any,
    ("", High),
    "List of fields and the type to cast them to of the form field1:type,field2:type to cast fields of Maps or Structs. A \
     single type to cast the entire value. Valid types are int8, int16, int32, int64, float32, float64, boolean, and \
     string. Note that binary fields can only be cast to string.",
);
const OPERATION: ConfigKey =
    key("operation", Kind::String, Required, OneOf(&["move", "copy"]), ("", High), "");
const ROUTER: [ConfigKey; 2] = [
    key("regex", Kind::String, Required, Any, ("", High), "Regular expression to use for matching."),
    key("replacement", Kind::String, Required, Any, ("", High), "Replacement string."),
];
const HEADER_KEY: [ConfigKey; 1] =
    [key("name", Kind::String, Required, NonEmpty, ("", Medium), "The header name.")];
const TOPIC_NAME: [ConfigKey; 1] = [key("pattern", Kind::String, Required, Any, ("", Medium), "")];
const CAST: [ConfigKey; 2] = [SPEC, NULLS];
const HEADER_FROM: [ConfigKey; 4] =
    [option("fields", Kind::List, Required), option("headers", Kind::List, Required), OPERATION, NULLS];
const HOIST: [ConfigKey; 1] = [option("field", Kind::String, Required)];
const INSERT: [ConfigKey; 7] = [
    option("topic.field", Kind::String, Null),
    option("partition.field", Kind::String, Null),
    option("offset.field", Kind::String, Null),
    option("timestamp.field", Kind::String, Null),
    option("static.field", Kind::String, Null),
    option("static.value", Kind::String, Null),
    NULLS,
];
const REPLACE: [ConfigKey; 4] = [
    option("exclude", Kind::List, Text("")),
    option("include", Kind::List, Text("")),
    option("renames", Kind::List, Text("")),
    NULLS,
];
const TIMESTAMP: [ConfigKey; 5] = [
    option("field", Kind::String, Text("")),
    option("target.type", Kind::String, Required),
    option("format", Kind::String, Text("")),
    option("unix.precision", Kind::String, Text("milliseconds")),
    NULLS,
];

const fn plugin(kind: PluginType, class: &'static str, keys: &'static [ConfigKey]) -> PluginDesc {
    PluginDesc { kind, class, settings: ConfigDef { keys } }
}

#[rustfmt::skip]
static TRANSFORMS: [PluginDesc; 29] = [
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.Cast$Key", &CAST),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.Cast$Value", &CAST),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.DropHeaders", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.ExtractField$Key", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.ExtractField$Value", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.Filter", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.Flatten$Key", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.Flatten$Value", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.HeaderFrom$Key", &HEADER_FROM),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.HeaderFrom$Value", &HEADER_FROM),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.HoistField$Key", &HOIST),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.HoistField$Value", &HOIST),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.InsertField$Key", &INSERT),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.InsertField$Value", &INSERT),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.InsertHeader", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.MaskField$Key", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.MaskField$Value", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.RegexRouter", &ROUTER),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.ReplaceField$Key", &REPLACE),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.ReplaceField$Value", &REPLACE),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.SetSchemaMetadata$Key", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.SetSchemaMetadata$Value", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.TimestampConverter$Key", &TIMESTAMP),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.TimestampConverter$Value", &TIMESTAMP),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.TimestampRouter", NO_KEYS),
    plugin(PluginType::Transformation, "org.apache.kafka.connect.transforms.ValueToKey", NO_KEYS),
    plugin(PluginType::Predicate, "org.apache.kafka.connect.transforms.predicates.HasHeaderKey", &HEADER_KEY),
    plugin(PluginType::Predicate, "org.apache.kafka.connect.transforms.predicates.RecordIsTombstone", NO_KEYS),
    plugin(PluginType::Predicate, "org.apache.kafka.connect.transforms.predicates.TopicNameMatches", &TOPIC_NAME),
];

static PLUGINS: LazyLock<Vec<PluginDesc>> = LazyLock::new(|| {
    let connects = CONVERTERS.iter().filter(|desc| desc.class.starts_with("org.apache.kafka."));
    TRANSFORMS.iter().chain(connects).chain(&HEADER_CONVERTERS).copied().collect()
});

static DESCRIPTIONS: LazyLock<[Description; 2]> = LazyLock::new(|| {
    let description = |kind, classes, settings| Description {
        kind,
        task_class: "FileStreamTask",
        classes,
        settings,
        families: &[],
        shared_groups: &[],
        metrics: &[],
        former_metrics: None,
    };
    [
        description(ConnectorType::Sink, SINK_CLASSES, &ConfigDef { keys: &SINK }),
        description(ConnectorType::Source, SOURCE_CLASSES, &ConfigDef { keys: &SOURCE }),
    ]
});

const SINK_CLASSES: &[&str] =
    &["org.apache.kafka.connect.file.FileStreamSinkConnector", "FileStreamSinkConnector", "FileStreamSink"];
const SOURCE_CLASSES: &[&str] = &[
    "org.apache.kafka.connect.file.FileStreamSourceConnector",
    "FileStreamSourceConnector",
    "FileStreamSource",
];

/// Connect's file connector of this direction. It is checked and never started.
pub(super) struct FileStream(pub(super) ConnectorType);

impl Plugin for FileStream {
    fn description(&self) -> &'static Description {
        &DESCRIPTIONS[usize::from(self.0 == ConnectorType::Source)]
    }

    fn plugins(&self) -> &[PluginDesc] {
        &PLUGINS
    }

    fn check_clients(&self, _: &WorkerConfig, _: &mut ConfigErrors) -> ClientSettings {
        ClientSettings::default()
    }

    fn check_shared(&self, _: &WorkerConfig, _: &mut ConfigErrors) {}

    fn connector(
        &self,
        worker: &WorkerConfig,
        properties: &Properties,
        findings: &mut ConfigErrors,
    ) -> Option<Arc<dyn Connector>> {
        let values = common::read(worker, self.description(), properties, findings);
        if self.0 == ConnectorType::Sink {
            topics(properties, findings);
            clients(worker, properties, findings);
        }
        Some(Arc::new(FakeConnector::new(values.text("name")?)))
    }

    fn check_peers<'a>(
        &'a self,
        _: &'a WorkerConfig,
        _: bool,
        _: &'a mut Grids,
        _: &'a mut Checked,
    ) -> BoxFuture<'a, ()> {
        async {}.boxed()
    }
}

/// What Connect checks of the topics of a sink, as `SinkConnectorConfig.validate` does.
fn topics(properties: &Properties, findings: &mut ConfigErrors) {
    let text = |key: &str| properties.get(key).map_or("", |property| property.trimmed());
    let (topics, pattern) = (text("topics"), text("topics.regex"));
    let queue = text("errors.deadletterqueue.topic.name");
    let regex = Regex::new(&format!("^(?:{pattern})$"));
    let mut error = |key: &str, why: String| findings.error_at(properties.get(key), key, why);
    if regex.is_err() {
        error(
            "topics.regex",
            format!("Invalid value {pattern} for configuration topics.regex: Invalid regex: no pattern"),
        );
    }
    let both = match (topics.is_empty(), pattern.is_empty()) {
        (true, true) => Some("Must configure one of topics or topics.regex"),
        (false, false) => Some("topics and topics.regex are mutually exclusive options, but both are set."),
        _ => None,
    };
    for key in ["topics", "topics.regex"] {
        both.into_iter().for_each(|why| error(key, why.to_owned()));
    }
    let list: Vec<_> = topics.split(',').map(str::trim).collect();
    if queue.is_empty() {
        return;
    }
    if list.contains(&queue) {
        error(
            "topics",
            format!(
                "The DLQ topic '{queue}' may not be included in the list of topics ('topics=[{}]') consumed by the \
                 connector",
                list.join(", ")
            ),
        );
    }
    if !pattern.is_empty() && regex.is_ok_and(|regex| regex.is_match(queue)) {
        error(
            "topics.regex",
            format!(
                "The DLQ topic '{queue}' may not be matched by the regex for the topics ('topics.regex={pattern}') \
                 consumed by the connector"
            ),
        );
    }
}

/// The clients of a sink, as this project's sink translates their settings.
fn clients(worker: &WorkerConfig, properties: &Properties, findings: &mut ConfigErrors) {
    let queue = properties.get("errors.deadletterqueue.topic.name");
    let queue = queue.is_some_and(|property| !property.trimmed().is_empty());
    let clients = [(Client::Consumer, true), (Client::Producer, queue), (Client::Admin, queue)];
    for (client, _) in clients.into_iter().filter(|(_, exists)| *exists) {
        let profile = Profile {
            client,
            defaults: &[],
            fixed: &[],
            fixed_because: "",
            without_effect: &[],
            refused: &[],
            names_beside: &[],
        };
        let none = Properties::default();
        let user = of_client(client, &none, properties, &worker.override_policy, findings);
        translate(&profile, &[], user, findings);
    }
}
