//! The options of each converter, for user interfaces.

use coherence_kafka_connect::config::def::DefaultValue::{Null, Required, Text};
use coherence_kafka_connect::config::def::Importance::{High, Low, Medium};
use coherence_kafka_connect::config::def::Validator::{Any, AtLeast};
use coherence_kafka_connect::config::def::{ConfigDef, ConfigKey, Kind, PluginDesc, PluginType, concat, key};

use crate::avro::Avro;
use crate::converter::Format as _;
use crate::json::Json;
use crate::protobuf::Protobuf;

/// Every converter, by the full name of its class.
pub static CONVERTERS: [PluginDesc; 3] =
    [converter(Avro::CLASS, &AVRO), converter(Json::CLASS, &JSON), converter(Protobuf::CLASS, &PROTOBUF)];

const fn converter(class: &'static str, keys: &'static [ConfigKey]) -> PluginDesc {
    PluginDesc { kind: PluginType::Converter, class, settings: ConfigDef { keys } }
}

#[rustfmt::skip]
const REGISTRY: [ConfigKey; 27] = [
    key("schema.registry.url", Kind::List, Required, Any, ("", High),
        "URLs of the schema registry, separated by commas. If one does not answer, the next is asked."),
    key("basic.auth.credentials.source", Kind::String, Text("URL"), Any, ("", Medium),
        "Where user and password come from: `URL` (`http://user:password@host`), `USER_INFO` (`basic.auth.user.info`) or `SASL_INHERIT` (`sasl.jaas.config`)."),
    key("basic.auth.user.info", Kind::Password, Text(""), Any, ("", Medium),
        "`user:password`, for `basic.auth.credentials.source=USER_INFO`."),
    key("sasl.jaas.config", Kind::Password, Null, Any, ("", Low),
        "A JAAS configuration with username and password, for `basic.auth.credentials.source=SASL_INHERIT`."),
    key("bearer.auth.credentials.source", Kind::String, Null, Any, ("", Medium),
        "`STATIC_TOKEN`: the token is `bearer.auth.token`."),
    key("bearer.auth.token", Kind::Password, Null, Any, ("", Medium),
        "The token that is sent to the schema registry."),
    key("schema.registry.ssl.truststore.location", Kind::String, Null, Any, ("", Medium),
        "File with the certificates that are trusted, PEM or PKCS#12. Default: those of the system."),
    key("schema.registry.ssl.truststore.password", Kind::Password, Null, Any, ("", Low),
        "Password of that file."),
    key("schema.registry.ssl.truststore.certificates", Kind::Password, Null, Any, ("", Low),
        "The same certificates as text in PEM."),
    key("schema.registry.ssl.keystore.location", Kind::String, Null, Any, ("", Medium),
        "File with the certificate and the key of the client, PEM or PKCS#12."),
    key("schema.registry.ssl.keystore.password", Kind::Password, Null, Any, ("", Low),
        "Password of that file."),
    key("schema.registry.ssl.keystore.certificate.chain", Kind::Password, Null, Any, ("", Low),
        "The certificate of the client as text in PEM."),
    key("schema.registry.ssl.keystore.key", Kind::Password, Null, Any, ("", Low),
        "The key of the client as text in PEM."),
    key("schema.registry.ssl.key.password", Kind::Password, Null, Any, ("", Low),
        "Password of an encrypted key."),
    key("proxy.host", Kind::String, Null, Any, ("", Low),
        "Host of an HTTP proxy between this process and the schema registry."),
    key("proxy.port", Kind::Int, Null, Any, ("", Low),
        "Port of the HTTP proxy."),
    key("http.connect.timeout.ms", Kind::Int, Text("10000"), AtLeast(1), ("", Low),
        "A connection to the schema registry is made within this time."),
    key("http.read.timeout.ms", Kind::Int, Text("10000"), AtLeast(1), ("", Low),
        "An answer of the schema registry comes within this time."),
    key("max.schemas.per.subject", Kind::Int, Text("1000"), AtLeast(1), ("", Low),
        "Schemas that the converter keeps."),
    key("key.subject.name.strategy", Kind::Class, Text("io.confluent.kafka.serializers.subject.TopicNameStrategy"), Any, ("", Medium),
        "How the subject of a key's schema is named: `TopicNameStrategy`, `RecordNameStrategy` or `TopicRecordNameStrategy`."),
    key("value.subject.name.strategy", Kind::Class, Text("io.confluent.kafka.serializers.subject.TopicNameStrategy"), Any, ("", Medium),
        "How the subject of a value's schema is named."),
    key("auto.register.schemas", Kind::Boolean, Text("true"), Any, ("", Medium),
        "Register the schemas of written data."),
    key("use.latest.version", Kind::Boolean, Text("false"), Any, ("", Low),
        "Read records as the latest version of the subject describes them, and write that version where `auto.register.schemas=false`."),
    key("normalize.schemas", Kind::Boolean, Text("false"), Any, ("", Low),
        "Have the schema registry normalize the schemas of written data."),
    key("schemas.cache.config", Kind::Int, Text("1000"), Any, ("", Low),
        "Accepted, without effect: `max.schemas.per.subject` bounds what is kept."),
    key("latest.compatibility.strict", Kind::Boolean, Text("true"), Any, ("", Low),
        "With `use.latest.version`: refuse data of JSON Schema whose fields are not those of the latest version. Other formats always do."),
    key("converter.type", Kind::String, Null, Any, ("", Low),
        "How this converter will be used."),
];

#[rustfmt::skip]
const OF_AVRO: [ConfigKey; 6] = [
    key("scrub.invalid.names", Kind::Boolean, Text("false"), Any, ("", Medium),
        "Replace what cannot be in a name of Avro when a schema is written."),
    key("enhanced.avro.schema.support", Kind::Boolean, Text("false"), Any, ("", Medium),
        "Keep the namespaces of records and enums in the names of a union's members."),
    key("connect.meta.data", Kind::Boolean, Text("true"), Any, ("", Low),
        "Keep documentation and parameters in the schemas."),
    key("flatten.singleton.unions", Kind::Boolean, Text("true"), Any, ("", Low),
        "A union with one member is that member."),
    key("ignore.default.for.nullables", Kind::Boolean, Text("false"), Any, ("", Low),
        "A null stays null, also where its schema has a default value."),
    key("generalized.sum.type.support", Kind::Boolean, Text("false"), Any, ("", Low),
        "Only `false` is built in."),
];
const AVRO: [ConfigKey; 33] = concat(&[&OF_AVRO, &REGISTRY]);

#[rustfmt::skip]
const OF_JSON: [ConfigKey; 7] = [
    key("use.optional.for.nonrequired", Kind::Boolean, Text("false"), Any, ("", Medium),
        "A property that is not among the required ones is optional."),
    key("flatten.singleton.unions", Kind::Boolean, Text("false"), Any, ("", Low),
        "A union with one member is that member."),
    key("ignore.default.for.nullables", Kind::Boolean, Text("false"), Any, ("", Low),
        "A null stays null, also where its schema has a default value."),
    key("decimal.format", Kind::String, Text("BASE64"), Any, ("", Low),
        "Written decimals are `BASE64`, the bytes of the unscaled number, or `NUMERIC`, numbers."),
    key("object.additional.properties", Kind::Boolean, Text("true"), Any, ("", Medium),
        "Objects of written schemas can have properties that the schema does not have."),
    key("json.fail.invalid.schema", Kind::Boolean, Text("false"), Any, ("", Low),
        "Only `false` is built in."),
    key("generalized.sum.type.support", Kind::Boolean, Text("false"), Any, ("", Low),
        "Only `false` is built in."),
];
const JSON: [ConfigKey; 34] = concat(&[&OF_JSON, &REGISTRY]);

#[rustfmt::skip]
const OF_PROTOBUF: [ConfigKey; 10] = [
    key("enhanced.protobuf.schema.support", Kind::Boolean, Text("false"), Any, ("", Medium),
        "Keep the package in the names of messages and enums."),
    key("generate.index.for.unions", Kind::Boolean, Text("true"), Any, ("", Low),
        "The field of a union has the position of the union in its name."),
    key("int.for.enums", Kind::Boolean, Text("false"), Any, ("", Low),
        "Enums are numbers."),
    key("optional.for.nullables", Kind::Boolean, Text("false"), Any, ("", Low),
        "Only fields with the keyword `optional` are optional, and optional fields are written with it."),
    key("optional.for.proto2", Kind::Boolean, Text("true"), Any, ("", Low),
        "A field of proto2 with the keyword `optional` that is absent is null."),
    key("wrapper.for.nullables", Kind::Boolean, Text("false"), Any, ("", Low),
        "Only fields of Google's wrapper types are optional, and are their values; optional primitives are written so."),
    key("scrub.invalid.names", Kind::Boolean, Text("false"), Any, ("", Medium),
        "Replace what cannot be in a name of Protobuf when a schema is written."),
    key("wrapper.for.raw.primitives", Kind::Boolean, Text("true"), Any, ("", Low),
        "A wrapper type as the whole record is its value."),
    key("generalized.sum.type.support", Kind::Boolean, Text("false"), Any, ("", Low),
        "Only `false` is built in."),
    key("flatten.unions", Kind::Boolean, Text("false"), Any, ("", Low),
        "The members of a union are fields of the message, of which one is set."),
];
const PROTOBUF: [ConfigKey; 37] = concat(&[&OF_PROTOBUF, &REGISTRY]);

#[cfg(test)]
mod tests {
    use super::*;
    use crate::CLASSES;
    use crate::testing::converter;

    #[test]
    fn every_converter_has_definitions_with_values_that_it_accepts() {
        let classes: Vec<_> = CLASSES.iter().map(|known| known.class).collect();
        let defined: Vec<_> = CONVERTERS.iter().map(|desc| desc.class).collect();
        assert_eq!(classes, defined);
        for desc in &CONVERTERS {
            let definitions = desc.settings.definitions();
            let defaults: Vec<_> = definitions
                .iter()
                .filter_map(|definition| Some((&*definition.name, definition.default_value.as_deref()?)))
                .collect();
            assert_eq!(converter(desc.class, "http://h", &defaults).class_name(), desc.class);
        }
    }
}
