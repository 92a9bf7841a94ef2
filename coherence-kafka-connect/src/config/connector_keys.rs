//! The settings that Connect gives every connector, as its REST interface defines them.
//!
//! A connector of this project has its own table, which decides what is valid; this one is what user interfaces show.

use super::def::DefaultValue::{Null, Required, Text};
use super::def::Importance::{High, Low, Medium};
use super::def::Validator::{
    Any, AtLeast, DistinctAliases, DistinctItems, Name, NonEmpty, OneOf, OneOfInAnyCase,
};
use super::def::{ConfigDef, ConfigKey, Kind, Width, concat, key};

const COMMON: &str = "Common";
const ERRORS: &str = "Error Handling";

/// The settings of every sink connector.
pub const SINK_KEYS: ConfigDef = ConfigDef { keys: &SINK };
const SINK: [ConfigKey; EVERY.len() + OF_SINKS.len()] = concat(&[&EVERY, &OF_SINKS]);

/// The settings of every source connector.
pub const SOURCE_KEYS: ConfigDef = ConfigDef { keys: &SOURCE };
const SOURCE: [ConfigKey; EVERY.len() + OF_SOURCES.len()] = concat(&[&EVERY, &OF_SOURCES]);

#[rustfmt::skip]
const EVERY: [ConfigKey; 19] = [
    key("name", Kind::String, Required, Name, (COMMON, High),
        "Globally unique name to use for this connector.")
        .displayed(1, Width::Medium, "Connector name"),
    key("connector.class", Kind::String, Required, Any, (COMMON, High),
        "Name or alias of the class for this connector. Must be a subclass of org.apache.kafka.connect.connector.Connector. If the connector is org.apache.kafka.connect.file.FileStreamSinkConnector, you can either specify this full name,  or use \"FileStreamSink\" or \"FileStreamSinkConnector\" to make the configuration a bit shorter")
        .displayed(2, Width::Long, "Connector class"),
    key("connector.plugin.version", Kind::String, Null, Any, (COMMON, Medium),
        "Version of the connector.")
        .displayed(3, Width::Medium, "Connector version"),
    key("tasks.max", Kind::Int, Text("1"), AtLeast(1), (COMMON, High),
        "Maximum number of tasks to use for this connector.")
        .displayed(4, Width::Short, "Tasks max"),
    key("tasks.max.enforce", Kind::Boolean, Text("true"), Any, (COMMON, Low),
        "(Deprecated) Whether to enforce that the tasks.max property is respected by the connector. By default, connectors that generate too many tasks will fail, and existing sets of tasks that exceed the tasks.max property will also be failed. If this property is set to false, then connectors will be allowed to generate more than the maximum number of tasks, and existing sets of tasks that exceed the tasks.max property will be allowed to run. This property is deprecated and will be removed in an upcoming major release.")
        .displayed(5, Width::Short, "Enforce tasks max"),
    key("key.converter", Kind::Class, Null, Any, (COMMON, Low),
        "Converter class used to convert between Kafka Connect format and the serialized form that is written to Kafka. This controls the format of the keys in messages written to or read from Kafka, and since this is independent of connectors it allows any connector to work with any serialization format. Examples of common formats include JSON and Avro.")
        .displayed(6, Width::Short, "Key converter class"),
    key("key.converter.plugin.version", Kind::String, Null, Any, (COMMON, Low),
        "Version of the key converter.")
        .displayed(7, Width::Short, "Key converter version"),
    key("value.converter", Kind::Class, Null, Any, (COMMON, Low),
        "Converter class used to convert between Kafka Connect format and the serialized form that is written to Kafka. This controls the format of the values in messages written to or read from Kafka, and since this is independent of connectors it allows any connector to work with any serialization format. Examples of common formats include JSON and Avro.")
        .displayed(8, Width::Short, "Value converter class"),
    key("value.converter.plugin.version", Kind::String, Null, Any, (COMMON, Low),
        "Version of the value converter.")
        .displayed(9, Width::Short, "Value converter version"),
    key("header.converter", Kind::Class, Null, Any, (COMMON, Low),
        "HeaderConverter class used to convert between Kafka Connect format and the serialized form that is written to Kafka. This controls the format of the header values in messages written to or read from Kafka, and since this is independent of connectors it allows any connector to work with any serialization format. Examples of common formats include JSON and Avro. By default, the SimpleHeaderConverter is used to serialize header values to strings and deserialize them by inferring the schemas.")
        .displayed(10, Width::Short, "Header converter class"),
    key("header.converter.plugin.version", Kind::String, Null, Any, (COMMON, Low),
        "Version of the header converter.")
        .displayed(11, Width::Short, "Header converter version"),
    key("transforms", Kind::List, Text(""), DistinctAliases, ("Transforms", Low),
        "Aliases for the transformations to be applied to records.")
        .displayed(12, Width::Long, "Transforms"),
    key("predicates", Kind::List, Text(""), DistinctAliases, ("Predicates", Low),
        "Aliases for the predicates used by transformations.")
        .displayed(13, Width::Long, "Predicates"),
    key("config.action.reload", Kind::String, Text("restart"), OneOf(&["none", "restart"]), (COMMON, Low),
        "The action that Connect should take on the connector when changes in external configuration providers result in a change in the connector's configuration properties. A value of 'none' indicates that Connect will do nothing. A value of 'restart' indicates that Connect should restart/reload the connector with the updated configuration properties.The restart may actually be scheduled in the future if the external configuration provider indicates that a configuration value will expire in the future.")
        .displayed(14, Width::Medium, "Reload Action"),
    key("errors.retry.timeout", Kind::Long, Text("0"), Any, (ERRORS, Medium),
        "The maximum duration in milliseconds that a failed operation will be reattempted. The default is 0, which means no retries will be attempted. Use -1 for infinite retries.")
        .displayed(1, Width::Medium, "Retry Timeout for Errors"),
    key("errors.retry.delay.max.ms", Kind::Long, Text("60000"), Any, (ERRORS, Medium),
        "The maximum duration in milliseconds between consecutive retry attempts. Jitter will be added to the delay once this limit is reached to prevent thundering herd issues.")
        .displayed(2, Width::Medium, "Maximum Delay Between Retries for Errors"),
    key("errors.tolerance", Kind::String, Text("none"), OneOf(&["none", "all"]), (ERRORS, Medium),
        "Behavior for tolerating errors during connector operation. 'none' is the default value and signals that any error will result in an immediate connector task failure; 'all' changes the behavior to skip over problematic records.")
        .displayed(3, Width::Short, "Error Tolerance"),
    key("errors.log.enable", Kind::Boolean, Text("false"), Any, (ERRORS, Medium),
        "If true, write each error and the details of the failed operation and problematic record to the Connect application log. This is 'false' by default, so that only errors that are not tolerated are reported.")
        .displayed(4, Width::Short, "Log Errors"),
    key("errors.log.include.messages", Kind::Boolean, Text("false"), Any, (ERRORS, Medium),
        "Whether to include in the log the Connect record that resulted in a failure. For sink records, the topic, partition, offset, and timestamp will be logged. For source records, the key and value (and their schemas), all headers, and the timestamp, Kafka topic, Kafka partition, source partition, and source offset will be logged. This is 'false' by default, which will prevent record keys, values, and headers from being written to log files.")
        .displayed(5, Width::Short, "Log Error Details"),
];

#[rustfmt::skip]
const OF_SINKS: [ConfigKey; 5] = [
    key("topics", Kind::List, Text(""), DistinctItems, (COMMON, High),
        "List of topics to consume, separated by commas")
        .displayed(4, Width::Long, "Topics"),
    key("topics.regex", Kind::String, Text(""), Any, (COMMON, High),
        "Regular expression giving topics to consume. Under the hood, the regex is compiled to a <code>java.util.regex.Pattern</code>. Only one of topics or topics.regex should be specified.")
        .displayed(4, Width::Long, "Topics regex"),
    key("errors.deadletterqueue.topic.name", Kind::String, Text(""), Any, (ERRORS, Medium),
        "The name of the topic to be used as the dead letter queue (DLQ) for messages that result in an error when processed by this sink connector, or its transformations or converters. The topic name is blank by default, which means that no messages are to be recorded in the DLQ.")
        .displayed(6, Width::Medium, "Dead Letter Queue Topic Name"),
    key("errors.deadletterqueue.topic.replication.factor", Kind::Short, Text("3"), Any, (ERRORS, Medium),
        "Replication factor used to create the dead letter queue topic when it doesn't already exist.")
        .displayed(7, Width::Medium, "Dead Letter Queue Topic Replication Factor"),
    key("errors.deadletterqueue.context.headers.enable", Kind::Boolean, Text("false"), Any, (ERRORS, Medium),
        "If true, add headers containing error context to the messages written to the dead letter queue. To avoid clashing with headers from the original record, all error context header keys, all error context header keys will start with <code>__connect.errors.</code>")
        .displayed(8, Width::Medium, "Enable Error Context Headers"),
];

#[rustfmt::skip]
const OF_SOURCES: [ConfigKey; 5] = [
    key("topic.creation.groups", Kind::List, Text(""), DistinctAliases, ("Topic Creation", Low),
        "Groups of configurations for topics created by source connectors")
        .displayed(1, Width::Long, "Topic Creation Groups"),
    key("exactly.once.support", Kind::String, Text("requested"), OneOfInAnyCase(&["requested", "required"]), ("Exactly Once Support", Medium),
        "Permitted values are requested, required. If set to \"required\", forces a preflight check for the connector to ensure that it can provide exactly-once semantics with the given configuration. Some connectors may be capable of providing exactly-once semantics but not signal to Connect that they support this; in that case, documentation for the connector should be consulted carefully before creating it, and the value for this property should be set to \"requested\". Additionally, if the value is set to \"required\" but the worker that performs preflight validation does not have exactly-once support enabled for source connectors, requests to create or validate the connector will fail.")
        .displayed(2, Width::Short, "Exactly once support"),
    key("transaction.boundary", Kind::String, Text("poll"), OneOfInAnyCase(&["poll", "interval", "connector"]), ("Exactly Once Support", Medium),
        "Permitted values are: poll, interval, connector. If set to 'poll', a new producer transaction will be started and committed for every batch of records that each task from this connector provides to Connect. If set to 'connector', relies on connector-defined transaction boundaries; note that not all connectors are capable of defining their own transaction boundaries, and in that case, attempts to instantiate a connector with this value will fail. Finally, if set to 'interval', commits transactions only after a user-defined time interval has passed.")
        .displayed(3, Width::Short, "Transaction Boundary"),
    key("transaction.boundary.interval.ms", Kind::Long, Null, AtLeast(0), ("Exactly Once Support", Low),
        "If 'transaction.boundary' is set to 'interval', determines the interval for producer transaction commits by connector tasks. If unset, defaults to the value of the worker-level 'offset.flush.interval.ms' property. It has no effect if a different transaction.boundary is specified.")
        .displayed(4, Width::Short, "Transaction boundary interval"),
    key("offsets.storage.topic", Kind::String, Null, NonEmpty, ("offsets.topic", Low),
        "The name of a separate offsets topic to use for this connector. If empty or not specified, the worker’s global offsets topic name will be used. If specified, the offsets topic will be created if it does not already exist on the Kafka cluster targeted by this connector (which may be different from the one used for the worker's global offsets topic if the bootstrap.servers property of the connector's producer has been overridden from the worker's). Only applicable in distributed mode; in standalone mode, setting this property will have no effect.")
        .displayed(1, Width::Long, "Offsets topic"),
];
