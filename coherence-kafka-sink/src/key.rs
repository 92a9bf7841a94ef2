//! Keys of entries that are not the keys of their records: of fields, or of a header. Pure.

use std::borrow::Cow;

use coherence_kafka_connect::data::Value;
use coherence_kafka_connect::record::Record;
use coherence_kafka_connect::transform::FieldPath;

/// Where the keys of entries come from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum KeySource {
    /// The keys of the records.
    Record,
    /// `coherence.key.fields`: a field's value, or several in a map by the last names of their paths.
    Fields(Vec<FieldPath>),
    /// `coherence.key.header`.
    Header(String),
}

/// A record that does not have what its key is made of.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum NoKey {
    /// Its value lacks a field, and so does its key.
    #[error("neither value nor key has field {0} with a value (coherence.key.fields)")]
    Field(FieldPath),
    /// It is a tombstone whose key lacks a field.
    #[error(
        "the value is null, and the key has no field {0} with a value (coherence.key.fields); \
         write tombstones with a key that has the field"
    )]
    FieldOfTombstone(FieldPath),
    /// It has no such header.
    #[error("header {0} is missing or null (coherence.key.header)")]
    Header(String),
}

impl KeySource {
    /// Returns whether keys come from this header.
    pub(crate) fn is_header(&self, name: &str) -> bool {
        matches!(self, KeySource::Header(header) if header == name)
    }

    /// Returns the key of a converted record.
    ///
    /// # Errors
    /// The record does not have what it is made of.
    pub(crate) fn key_of<'a>(&'a self, record: &mut Record<'a>) -> Result<Value<'a>, NoKey> {
        match self {
            KeySource::Record => Ok(std::mem::replace(&mut record.key.value, Value::Null)),
            KeySource::Fields(paths) => {
                let Record { key, value, .. } = record;
                of_fields(paths, &value.value).or_else(|path| {
                    let lacking = match value.value {
                        Value::Null => NoKey::FieldOfTombstone,
                        _ => NoKey::Field,
                    };
                    of_fields(paths, &key.value).map_err(|_| lacking(path.clone()))
                })
            }
            KeySource::Header(name) => {
                let header = record.headers.iter().rev().find(|header| header.key == *name);
                match header.map(|header| &header.data.value) {
                    None | Some(Value::Null) => Err(NoKey::Header(name.clone())),
                    Some(value) => Ok(value.clone()),
                }
            }
        }
    }
}

/// Returns the key of the fields of `data`, or the first field that it lacks.
fn of_fields<'a, 'p>(paths: &'p [FieldPath], data: &Value<'a>) -> Result<Value<'a>, &'p FieldPath>
where
    'p: 'a,
{
    if let [path] = paths {
        return path.find(data).cloned().ok_or(path);
    }
    let mut fields = Vec::with_capacity(paths.len());
    for path in paths {
        let value = path.find(data).ok_or(path)?;
        fields.push((Value::String(Cow::Borrowed(path.last())), value.clone()));
    }
    Ok(Value::Map(fields))
}

#[cfg(test)]
mod tests {
    use coherence_kafka_connect::data::{Field, Schema, SchemaKind};
    use coherence_kafka_connect::data::{SchemaAndValue, Struct};
    use coherence_kafka_connect::record::Header;
    use std::sync::Arc;

    use super::*;

    fn text(text: &str) -> Value<'_> {
        Value::String(text.into())
    }

    fn map<'a>(entries: &[(&'a str, Value<'a>)]) -> Value<'a> {
        Value::Map(entries.iter().map(|(name, value)| (text(name), value.clone())).collect())
    }

    fn fields(paths: &[&str]) -> KeySource {
        KeySource::Fields(paths.iter().map(|path| FieldPath::parse(path).unwrap()).collect())
    }

    fn key<'a>(source: &'a KeySource, key: Value<'a>, value: Value<'a>) -> Result<Value<'a>, String> {
        let data = |value| SchemaAndValue { schema: None, value };
        let header = |value| Header { key: "id".into(), data: data(value) };
        let mut record = Record {
            topic: "t".into(),
            partition: None,
            offset: None,
            timestamp: None,
            key: data(key),
            value: data(value),
            headers: vec![header(Value::Int64(1)), header(Value::Int64(2))],
        };
        source.key_of(&mut record).map_err(|error| error.to_string())
    }

    #[test]
    fn one_field_is_the_key_and_several_are_a_map_of_them() {
        let value = map(&[("id", Value::Int64(7)), ("of", map(&[("shop", text("a")), ("x", Value::Null)]))]);
        let (id, both) = (fields(&["id"]), fields(&["of.shop", "id"]));
        assert_eq!(key(&id, Value::Null, value.clone()), Ok(Value::Int64(7)));
        let expected = map(&[("shop", text("a")), ("id", Value::Int64(7))]);
        assert_eq!(key(&both, text("ignored"), value), Ok(expected));
    }

    #[test]
    fn fields_of_a_struct_are_found_and_a_null_one_has_the_default_of_its_schema() {
        let schema = Schema { default: Some(Value::Int32(5)), ..Schema::optional(SchemaKind::Int32) };
        let field = Field { name: "id".to_owned(), schema: Arc::new(schema) };
        let schema = Arc::new(Schema::new(SchemaKind::Struct(vec![field])));
        let of = |value| Value::Struct(Struct { schema: schema.clone(), values: vec![value] });
        let id = fields(&["id"]);
        assert_eq!(key(&id, Value::Null, of(Value::Int32(1))), Ok(Value::Int32(1)));
        assert_eq!(key(&id, Value::Null, of(Value::Null)), Ok(Value::Int32(5)));
    }

    #[test]
    fn a_tombstone_has_the_key_of_the_fields_of_its_own_key() {
        let both = fields(&["id", "shop"]);
        let of_key = map(&[("shop", text("a")), ("id", Value::Int64(7)), ("more", Value::Null)]);
        let expected = map(&[("id", Value::Int64(7)), ("shop", text("a"))]);
        assert_eq!(key(&both, of_key, Value::Null), Ok(expected));
        for other in [Value::Null, Value::Int64(7), map(&[("id", Value::Int64(7))])] {
            let error = key(&both, other, Value::Null).unwrap_err();
            assert!(error.starts_with("the value is null, and the key has no field "), "{error}");
        }
    }

    #[test]
    fn a_record_without_one_of_the_fields_has_no_key_and_none_is_mixed_of_key_and_value() {
        let both = fields(&["id", "shop"]);
        let error = "neither value nor key has field shop with a value (coherence.key.fields)";
        for value in [map(&[("id", Value::Int64(7))]), map(&[("id", Value::Int64(7)), ("shop", Value::Null)])]
        {
            assert_eq!(key(&both, map(&[("shop", text("a"))]), value), Err(error.to_owned()));
        }
    }

    #[test]
    fn the_last_of_several_headers_is_the_key() {
        assert_eq!(key(&KeySource::Header("id".to_owned()), Value::Null, Value::Null), Ok(Value::Int64(2)));
        let error = "header other is missing or null (coherence.key.header)";
        let other = KeySource::Header("other".to_owned());
        assert_eq!(key(&other, text("k"), text("v")), Err(error.to_owned()));
    }
}
