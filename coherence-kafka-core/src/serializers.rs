//! Serializers by the names that users give them: Kafka's and Coherence's, and those of Kafka Connect and Confluent that
//! write JSON, Avro and Protobuf.
//!
//! The latter are converters of Kafka Connect, which write the same bytes. Their settings stand among those of the
//! producer, as in Java.

use std::collections::BTreeMap;
use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::pof::PofValue;
use coherence_kafka_common::serializer::registry::{self, RegistryError};
use coherence_kafka_common::serializer::{Header, Serializer, SerializerError};
use coherence_kafka_connect::converter::{self, Converter, Role};
use coherence_kafka_connect::decode;

const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";

/// Serializers, and the converters that write the same bytes.
const CONVERTERS: [(&str, &str); 5] = [
    ("org.apache.kafka.connect.json.JsonSerializer", JSON),
    ("io.confluent.kafka.serializers.KafkaJsonSerializer", JSON),
    ("io.confluent.kafka.serializers.KafkaAvroSerializer", "io.confluent.connect.avro.AvroConverter"),
    (
        "io.confluent.kafka.serializers.json.KafkaJsonSchemaSerializer",
        "io.confluent.connect.json.JsonSchemaConverter",
    ),
    (
        "io.confluent.kafka.serializers.protobuf.KafkaProtobufSerializer",
        "io.confluent.connect.protobuf.ProtobufConverter",
    ),
];

/// Returns the converter that writes the bytes of a serializer of Kafka Connect or Confluent; `None` for every other
/// serializer.
pub fn converter_of(serializer: &str) -> Option<&'static str> {
    CONVERTERS.iter().find(|(class, _)| *class == serializer.trim()).map(|(_, converter)| *converter)
}

/// Returns the serializer of this name for one half of records.
pub(crate) fn serializer(
    name: &str,
    part: Part,
    properties: &BTreeMap<String, String>,
) -> Result<Arc<dyn Serializer<PofValue>>, RegistryError> {
    let Some(class) = converter_of(name) else { return registry::serializer(name, part, properties) };
    let mut options = properties.clone();
    if class == JSON {
        options.insert("schemas.enable".to_owned(), "false".to_owned());
    }
    let role = match part {
        Part::Key => Role::Key,
        Part::Value => Role::Value,
    };
    let tables = [&converter::CLASSES[..], &coherence_kafka_schema_registry::CLASSES];
    match converter::create_from(&tables, class, role, &options) {
        Ok(converter) => Ok(Arc::new(OfConverter(converter))),
        Err(refused) => {
            let (property, problem) =
                refused.into_iter().next().map(|error| (error.key, error.message)).unwrap_or_default();
            Err(RegistryError::Property { property, problem })
        }
    }
}

/// A converter as a serializer of objects.
#[derive(Debug)]
struct OfConverter(Arc<dyn Converter>);

impl Serializer<PofValue> for OfConverter {
    fn serialize(
        &self,
        topic: &str,
        headers: &mut Vec<Header>,
        object: &PofValue,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        let data =
            decode::of_pof(object.clone()).map_err(|error| SerializerError::Refused(error.to_string()))?;
        let mut added = Vec::new();
        let bytes = self.0.from_connect(topic, &mut added, data.schema.as_deref(), &data.value);
        let bytes = bytes.map_err(|error| match error.is_retriable() {
            true => SerializerError::Unavailable(error.to_string()),
            false => SerializerError::Refused(error.to_string()),
        })?;
        // A null does not get here.
        out.extend_from_slice(&bytes.unwrap_or_default());
        headers.extend(added.into_iter().map(|(key, value)| Header { key, value: value.map(Bytes::from) }));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    }

    fn bytes(name: &str, object: &PofValue) -> Result<Vec<u8>, SerializerError> {
        let mut out = Vec::new();
        let serializer = serializer(name, Part::Value, &properties(&[])).unwrap();
        serializer.serialize("t", &mut Vec::new(), object, &mut out).map(|()| out)
    }

    #[test]
    fn the_json_serializers_of_kafka_and_confluent_write_plain_json() {
        let text = |text: &str| PofValue::String(text.to_owned());
        let object = PofValue::Map(vec![(text("name"), text("Ann")), (text("age"), PofValue::Int32(40))]);
        for (class, _) in &CONVERTERS[..2] {
            let written = bytes(class, &object).unwrap();
            assert_eq!(String::from_utf8(written).unwrap(), r#"{"name":"Ann","age":40}"#, "{class}");
        }
        assert_eq!(bytes("json", &text("a")), Ok(b"\x15\"a\"".to_vec()), "Coherence's has its short name");
        let refused =
            bytes(CONVERTERS[0].0, &PofValue::User { type_id: 7777, version: 0, properties: vec![] });
        assert!(matches!(refused, Err(SerializerError::Refused(why)) if why.contains("user type 7777")));
    }

    #[test]
    fn the_serializers_of_a_schema_registry_need_its_url_and_an_outage_is_no_refusal() {
        for (class, _) in &CONVERTERS[2..] {
            let missing = serializer(class, Part::Value, &properties(&[])).unwrap_err();
            assert!(missing.to_string().contains("schema.registry.url"), "{class}: {missing}");
            // Nothing listens on the port.
            let set =
                properties(&[("schema.registry.url", "http://127.0.0.1:1"), ("key.serializer", "string")]);
            let serializer = serializer(class, Part::Value, &set).unwrap();
            let object = PofValue::String("a".to_owned());
            let away = serializer.serialize("t", &mut Vec::new(), &object, &mut Vec::new());
            assert!(
                matches!(away, Err(SerializerError::Unavailable(_) | SerializerError::Refused(_))),
                "{class}"
            );
            if class.ends_with("AvroSerializer") {
                assert!(matches!(away, Err(SerializerError::Unavailable(_))), "{away:?}");
            }
        }
    }
}
