//! The options of each converter, as Connect's REST interface defines them.

use super::{bytes, custom, header, json, number, pof, string};
use crate::config::def::DefaultValue::{Null, Required, Text};
use crate::config::def::Importance::{High, Low};
use crate::config::def::Validator::{Any, OneOfInAnyCase};
use crate::config::def::{ConfigDef, ConfigKey, Kind, PluginDesc, PluginType, Width, key};

/// Every converter, by the full name of its class.
pub static CONVERTERS: [PluginDesc; 11] = [
    converter(pof::CLASS, &[]),
    converter(custom::CLASS, &CUSTOM),
    converter(number::BOOLEAN, &SIMPLE),
    converter(bytes::CLASS, &SIMPLE),
    converter(number::DOUBLE, &SIMPLE),
    converter(number::FLOAT, &SIMPLE),
    converter(number::INTEGER, &SIMPLE),
    converter(number::LONG, &SIMPLE),
    converter(number::SHORT, &SIMPLE),
    converter(json::CLASS, &JSON),
    converter(string::CLASS, &STRING),
];

/// Every header converter, by the full name of its class.
pub static HEADER_CONVERTERS: [PluginDesc; 10] = [
    header_converter(number::BOOLEAN, &SIMPLE),
    header_converter(bytes::CLASS, &SIMPLE),
    header_converter(number::DOUBLE, &SIMPLE),
    header_converter(number::FLOAT, &SIMPLE),
    header_converter(number::INTEGER, &SIMPLE),
    header_converter(number::LONG, &SIMPLE),
    header_converter(number::SHORT, &SIMPLE),
    header_converter(json::CLASS, &JSON),
    header_converter(header::SIMPLE_HEADER_CONVERTER, &[]),
    header_converter(string::CLASS, &STRING),
];

const fn header_converter(class: &'static str, keys: &'static [ConfigKey]) -> PluginDesc {
    PluginDesc { kind: PluginType::HeaderConverter, class, settings: ConfigDef { keys } }
}

const fn converter(class: &'static str, keys: &'static [ConfigKey]) -> PluginDesc {
    PluginDesc { kind: PluginType::Converter, class, settings: ConfigDef { keys } }
}

#[rustfmt::skip]
const TYPE: ConfigKey =
    key("converter.type", Kind::String, Required, Any, ("", Low),
        "How this converter will be used.");
const SIMPLE: [ConfigKey; 1] = [TYPE];

#[rustfmt::skip]
const CUSTOM: [ConfigKey; 1] = [
    key("deserializer", Kind::String, Text("org.apache.kafka.common.serialization.ByteArrayDeserializer"), Any, ("", High),
        "Class of the Kafka deserializer that reads the bytes. `converter.deserializer` is a second name of it."),
];

#[rustfmt::skip]
const JSON: [ConfigKey; 6] = [
    TYPE,
    key("schemas.enable", Kind::Boolean, Text("true"), Any, ("Schemas", High),
        "Include schemas within each of the serialized values and keys.")
        .displayed(0, Width::Medium, "Enable Schemas"),
    key("schemas.cache.size", Kind::Int, Text("1000"), Any, ("Schemas", High),
        "The maximum number of schemas that can be cached in this converter instance.")
        .displayed(1, Width::Medium, "Schema Cache Size"),
    key("schema.content", Kind::String, Null, Any, ("Schemas", High),
        "When set, this is used as the schema for all messages, and the schemas within each of the message will be ignored.Otherwise, the schema will be included in the content of each message. This configuration applies only 'schemas.enable' is true, and it exclusively affects the sink connector.")
        .displayed(2, Width::Medium, "Schema Content"),
    key("decimal.format", Kind::String, Text("BASE64"), OneOfInAnyCase(&["NUMERIC", "BASE64"]), ("Serialization", Low),
        "Controls which format this converter will serialize decimals in. This value is case insensitive and can be either 'BASE64' (default) or 'NUMERIC'")
        .displayed(0, Width::Medium, "Decimal Format"),
    key("replace.null.with.default", Kind::Boolean, Text("true"), Any, ("Serialization", Low),
        "Whether to replace fields that have a default value and that are null to the default value. When set to true, the default value is used, otherwise null is used.")
        .displayed(1, Width::Medium, "Replace null with default"),
];

#[rustfmt::skip]
const STRING: [ConfigKey; 2] = [
    TYPE,
    key("converter.encoding", Kind::String, Text("UTF-8"), Any, ("", High),
        "The name of the Java character set to use for encoding strings as byte arrays.")
        .displayed(-1, Width::Medium, "Encoding"),
];
