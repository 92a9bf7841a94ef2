//! JSON as a tree of `serde_json`, with all digits of numbers and with the order of members.

use serde_json::{Map, Value};

use super::reader::{Error, Reader};
use super::{JsonValueSerde, read};
use crate::binary::FMT_EXT;
use crate::serializer::{Deserializer, Header, Serializer, SerializerError};

impl Serializer<Value> for JsonValueSerde {
    fn serialize(
        &self,
        _: &str,
        _: &mut Vec<Header>,
        value: &Value,
        out: &mut Vec<u8>,
    ) -> Result<(), SerializerError> {
        out.push(FMT_EXT);
        serde_json::to_writer(out, value).map_err(|_| SerializerError::NotRepresentable {
            format: super::FORMAT,
            what: "a value that refused itself".to_owned(),
        })
    }
}

impl Deserializer<Value> for JsonValueSerde {
    fn deserialize(&self, _: &str, _: &[Header], bytes: &[u8]) -> Result<Value, SerializerError> {
        read(bytes, read_tree)
    }
}

/// Returns the tree as it stands. The recursion is bounded by the reader.
fn read_tree(reader: &mut Reader<'_>) -> Result<Value, Error> {
    Ok(match reader.next_byte() {
        Some(b'n') => {
            reader.null()?;
            Value::Null
        }
        Some(b't' | b'f') => Value::Bool(reader.boolean()?),
        Some(b'"') => Value::String(reader.string()?.text.into_owned()),
        Some(b'[') => {
            reader.open(b'[', "an array")?;
            let (mut first, mut elements) = (true, Vec::new());
            while reader.has_next(&mut first, b']')? {
                elements.push(read_tree(reader)?);
            }
            Value::Array(elements)
        }
        Some(b'{') => {
            reader.open(b'{', "an object")?;
            let (mut first, mut members) = (true, Map::new());
            while reader.has_next(&mut first, b'}')? {
                let name = reader.name()?.into_owned();
                members.insert(name, read_tree(reader)?);
            }
            Value::Object(members)
        }
        _ => {
            let start = reader.offset();
            let number = reader.number()?.text;
            number.parse().map(Value::Number).map_err(|_| Error::new("a number", start, "another text"))?
        }
    })
}
