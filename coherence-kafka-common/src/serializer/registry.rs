//! Serializers by the names that users give them: Java's classes with or without package, and short names.
//!
//! What is found here works on [`PofValue`]. The properties it reads are Kafka's: `serializer.encoding` and
//! `deserializer.encoding`, each with `key.` or `value.` in front that wins, and `default.list.key.serde.inner` and its
//! like; `default.list.value.serde.type`, the class of the list, means nothing here.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::charset::Charset;
use super::dynamic::KafkaSerde;
use super::json::JsonValueSerde;
use super::{Deserializer, JavaValueSerde, ListSerde, PofSerde, Serializer, StringSerde, UuidSerde};
use crate::nearest::nearest;
use crate::pass_through::Part;
use crate::pof::PofValue;

/// Why a serializer cannot be created.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum RegistryError {
    /// An unknown name.
    #[error("unknown {kind} {name:?}{}", mean(.nearest))]
    Unknown {
        /// What it was to be: `serializer`, `deserializer` or `serde`.
        kind: &'static str,
        /// The name.
        name: String,
        /// The known name that was probably meant.
        nearest: Option<String>,
    },
    /// bincode, which reads and writes a Rust type that its user names in code
    /// (`BincodeSerde`), and nothing else.
    #[error("{name} needs a Rust type, which a setting cannot name")]
    Typed {
        /// The name.
        name: String,
    },
    /// A property that is missing, or has a value that it cannot have.
    #[error("{property}: {problem}")]
    Property {
        /// Its name.
        property: String,
        /// What is wrong.
        problem: String,
    },
}

fn mean(nearest: &Option<String>) -> String {
    nearest.as_ref().map(|nearest| format!(", did you mean {nearest}?")).unwrap_or_default()
}

/// Returns the serializer named `name` for one half of records, such as
/// `org.apache.kafka.common.serialization.StringSerializer`, `StringSerializer` or `string`.
pub fn serializer(
    name: &str,
    part: Part,
    properties: &BTreeMap<String, String>,
) -> Result<Arc<dyn Serializer<PofValue>>, RegistryError> {
    let settings = Settings { direction: Direction::Serializer, part, properties };
    Ok(match find(name, SERIALIZER)? {
        Known::Pof => Arc::new(PofSerde::default()),
        Known::Json => Arc::new(JsonValueSerde),
        Known::Java => Arc::new(JavaValueSerde),
        Known::Kafka(name) => Arc::new(settings.kafka(name)?),
    })
}

/// Returns the deserializer named `name` for one half of records, such as
/// `org.apache.kafka.common.serialization.StringDeserializer`, `StringDeserializer` or `string`.
pub fn deserializer(
    name: &str,
    part: Part,
    properties: &BTreeMap<String, String>,
) -> Result<Arc<dyn Deserializer<PofValue>>, RegistryError> {
    let settings = Settings { direction: Direction::Deserializer, part, properties };
    Ok(match find(name, DESERIALIZER)? {
        Known::Pof => Arc::new(PofSerde::default()),
        Known::Json => Arc::new(JsonValueSerde),
        Known::Java => Arc::new(JavaValueSerde),
        Known::Kafka(name) => Arc::new(settings.kafka(name)?),
    })
}

/// How names of one kind end, and what they are called in an error.
type Ending = (&'static str, &'static str);

const SERIALIZER: Ending = ("Serializer", "serializer");
const DESERIALIZER: Ending = ("Deserializer", "deserializer");
const SERDE: Ending = ("Serde", "serde");

const KAFKA: &str = "org.apache.kafka.common.serialization.";
/// Kafka's serdes are classes inside this one.
const SERDES: &str = "org.apache.kafka.common.serialization.Serdes$";
const KAFKA_NAMES: [&str; 13] = [
    "String",
    "ByteArray",
    "ByteBuffer",
    "Bytes",
    "Short",
    "Integer",
    "Long",
    "Float",
    "Double",
    "Boolean",
    "UUID",
    "Void",
    "List",
];

/// The one class that does both directions of JSON.
const COHERENCE_JSON: &str = "com.oracle.coherence.io.json.JsonSerializer";
/// The same of Java's default serializer.
const COHERENCE_JAVA: &str = "com.tangosol.io.DefaultSerializer";

enum Known {
    Pof,
    Json,
    Java,
    Kafka(&'static str),
}

fn find(name: &str, ending: Ending) -> Result<Known, RegistryError> {
    let is = |short: &str, class: &str, package: &str| {
        let simple = name.strip_prefix(package).unwrap_or(name).strip_suffix(ending.0);
        simple == Some(class) || name.eq_ignore_ascii_case(short)
    };
    if is("pof", "KafkaPof", "com.oracle.coherence.kafka.pof.") {
        return Ok(Known::Pof);
    }
    if name == COHERENCE_JSON || is("json", "Json", "com.oracle.coherence.io.json.") {
        return Ok(Known::Json);
    }
    if name == COHERENCE_JAVA || name.eq_ignore_ascii_case("java") {
        return Ok(Known::Java);
    }
    if is("bincode", "Bincode", "") {
        return Err(RegistryError::Typed { name: name.to_owned() });
    }
    kafka_name(name, ending).map(Known::Kafka)
}

fn kafka_name(name: &str, ending @ (suffix, kind): Ending) -> Result<&'static str, RegistryError> {
    let package = if ending == SERDE { SERDES } else { KAFKA };
    let simple = name.strip_prefix(package).unwrap_or(name);
    let is = |known: &&&str| simple.strip_suffix(suffix) == Some(known) || name.eq_ignore_ascii_case(known);
    if let Some(found) = KAFKA_NAMES.iter().find(is) {
        return Ok(found);
    }
    let mut known = Vec::new();
    for stem in KAFKA_NAMES {
        known.extend([format!("{package}{stem}{suffix}"), format!("{stem}{suffix}"), stem.to_lowercase()]);
    }
    if ending != SERDE {
        let classes =
            [&format!("com.oracle.coherence.kafka.pof.KafkaPof{suffix}"), COHERENCE_JSON, COHERENCE_JAVA];
        known.extend(classes.map(str::to_owned));
        known.extend(["pof", "json", "java", "bincode"].map(str::to_owned));
    }
    let nearest = nearest(name, known.iter().map(String::as_str)).map(str::to_owned);
    Err(RegistryError::Unknown { kind, name: name.to_owned(), nearest })
}

#[derive(Clone, Copy, PartialEq)]
enum Direction {
    Serializer,
    Deserializer,
}

struct Settings<'p> {
    direction: Direction,
    part: Part,
    properties: &'p BTreeMap<String, String>,
}

impl Settings<'_> {
    fn kafka(&self, name: &'static str) -> Result<KafkaSerde, RegistryError> {
        Ok(match name {
            "List" => {
                let inner = self.inner()?;
                KafkaSerde::List(Box::new(match inner.constant_size() {
                    Some(size) => ListSerde::constant_size(inner, size),
                    None => ListSerde::variable_size(inner),
                }))
            }
            name => self.element(name)?,
        })
    }

    /// Returns the serde of a list's elements, which Kafka wants to be named as one, not as a serializer.
    fn inner(&self) -> Result<KafkaSerde, RegistryError> {
        let property = match self.part {
            Part::Key => "default.list.key.serde.inner",
            Part::Value => "default.list.value.serde.inner",
        };
        let problem = |problem: String| RegistryError::Property { property: property.to_owned(), problem };
        let name = self
            .properties
            .get(property)
            .ok_or_else(|| problem(format!("missing, expected a serde such as {SERDES}StringSerde")))?;
        match kafka_name(name.trim(), SERDE).map_err(|error| problem(error.to_string()))? {
            "List" => Err(problem("a list of lists cannot be configured".to_owned())),
            name => self.element(name),
        }
    }

    fn element(&self, name: &'static str) -> Result<KafkaSerde, RegistryError> {
        Ok(match name {
            "String" => KafkaSerde::String(StringSerde::new(self.charset()?)),
            "UUID" => KafkaSerde::Uuid(UuidSerde::new(self.charset()?)),
            "Short" => KafkaSerde::Short,
            "Integer" => KafkaSerde::Integer,
            "Long" => KafkaSerde::Long,
            "Float" => KafkaSerde::Float,
            "Double" => KafkaSerde::Double,
            "Boolean" => KafkaSerde::Boolean,
            "Void" => KafkaSerde::Void,
            "ByteBuffer" => KafkaSerde::Bytes("ByteBufferSerializer"),
            "Bytes" => KafkaSerde::Bytes("BytesSerializer"),
            _ => KafkaSerde::ByteArray,
        })
    }

    fn charset(&self) -> Result<Charset, RegistryError> {
        let (own, common) = match (self.part, self.direction) {
            (Part::Key, Direction::Serializer) => ("key.serializer.encoding", "serializer.encoding"),
            (Part::Key, Direction::Deserializer) => ("key.deserializer.encoding", "deserializer.encoding"),
            (Part::Value, Direction::Serializer) => ("value.serializer.encoding", "serializer.encoding"),
            (Part::Value, Direction::Deserializer) => {
                ("value.deserializer.encoding", "deserializer.encoding")
            }
        };
        let set = |property| Some((property, self.properties.get(property)?.trim()));
        let Some((property, name)) = set(own).or_else(|| set(common)) else { return Ok(Charset::UTF_8) };
        let problem = |problem: String| RegistryError::Property { property: property.to_owned(), problem };
        let charset =
            Charset::for_name(name).ok_or_else(|| problem(format!("unsupported encoding {name}")))?;
        if self.direction == Direction::Serializer && !charset.is_written_as_by_java() {
            return Err(problem(format!("encoding {name} is supported for reading only")));
        }
        Ok(charset)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
        pairs.iter().map(|&(key, value)| (key.to_owned(), value.to_owned())).collect()
    }

    fn bytes(name: &str, part: Part, set: &[(&str, &str)], value: &PofValue) -> Result<Vec<u8>, String> {
        let serializer = serializer(name, part, &properties(set)).map_err(|error| error.to_string())?;
        let mut out = Vec::new();
        serializer
            .serialize("t", &mut Vec::new(), value, &mut out)
            .map_err(|error| error.to_string())
            .map(|()| out)
    }

    #[test]
    fn a_serializer_is_found_by_class_by_simple_name_and_by_short_name() {
        let text = PofValue::String("a".to_owned());
        for name in
            ["org.apache.kafka.common.serialization.StringSerializer", "StringSerializer", "string", "String"]
        {
            assert_eq!(bytes(name, Part::Key, &[], &text), Ok(b"a".to_vec()), "{name}");
        }
        for name in ["pof", "KafkaPofSerializer", "com.oracle.coherence.kafka.pof.KafkaPofSerializer"] {
            assert_eq!(bytes(name, Part::Key, &[], &text), Ok(b"\x15\x4E\x01a".to_vec()), "{name}");
        }
        for name in ["json", "JsonSerializer", "com.oracle.coherence.io.json.JsonSerializer"] {
            assert_eq!(bytes(name, Part::Key, &[], &text), Ok(b"\x15\"a\"".to_vec()), "{name}");
        }
        for name in ["java", "com.tangosol.io.DefaultSerializer"] {
            assert_eq!(bytes(name, Part::Key, &[], &text), Ok(b"\x06\x01a".to_vec()), "{name}");
        }
        assert!(deserializer(COHERENCE_JSON, Part::Key, &properties(&[])).is_ok());
        assert!(deserializer("UUIDDeserializer", Part::Key, &properties(&[])).is_ok());
    }

    #[test]
    fn an_unknown_name_is_told_with_the_nearest_known_one() {
        let none = properties(&[]);
        let error = serializer("StringSerialiser", Part::Key, &none).unwrap_err();
        assert_eq!(
            error.to_string(),
            "unknown serializer \"StringSerialiser\", did you mean StringSerializer?"
        );
        let error = deserializer("io.confluent.kafka.serializers.KafkaAvroDeserializer", Part::Key, &none);
        assert!(error.is_err_and(|error| matches!(error, RegistryError::Unknown { nearest: None, .. })));
        let error = serializer("bincode", Part::Value, &none).unwrap_err();
        assert_eq!(error.to_string(), "bincode needs a Rust type, which a setting cannot name");
    }

    #[test]
    fn a_value_of_another_class_is_refused_with_both_names() {
        let refused = bytes("IntegerSerializer", Part::Key, &[], &PofValue::String("7".to_owned()));
        assert_eq!(refused, Err("IntegerSerializer takes Integer, not String".to_owned()));
        let refused = bytes("integer", Part::Key, &[], &PofValue::Int64(7));
        assert_eq!(refused, Err("IntegerSerializer takes Integer, not Long".to_owned()));
        let refused = bytes("void", Part::Key, &[], &PofValue::Int64(7));
        assert_eq!(refused, Err("VoidSerializer takes null, not Long".to_owned()));
    }

    #[test]
    fn an_encoding_that_is_not_written_as_by_java_is_refused_for_writing_only() {
        let set = [("serializer.encoding", "Shift_JIS"), ("deserializer.encoding", "Shift_JIS")];
        let error = serializer("string", Part::Key, &properties(&set)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "serializer.encoding: encoding Shift_JIS is supported for reading only"
        );
        assert!(deserializer("string", Part::Key, &properties(&set)).is_ok());
    }

    #[test]
    fn a_list_needs_the_serde_of_its_elements() {
        let list = PofValue::Collection(vec![PofValue::Int32(7), PofValue::Null]);
        let missing = bytes("list", Part::Value, &[], &list).unwrap_err();
        assert!(missing.starts_with("default.list.value.serde.inner: missing"), "{missing}");
        let slip = [("default.list.value.serde.inner", "IntegrSerde")];
        assert_eq!(
            bytes("list", Part::Value, &slip, &list),
            Err("default.list.value.serde.inner: unknown serde \"IntegrSerde\", did you mean IntegerSerde?"
                .to_owned())
        );
        let of_texts = [("default.list.value.serde.inner", "string")];
        assert_eq!(
            bytes("list", Part::Value, &of_texts, &list),
            Err("element 0 of the list: StringSerializer takes String, not Integer".to_owned())
        );
    }
}
