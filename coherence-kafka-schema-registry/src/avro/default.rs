//! Default values, which a schema writes in JSON.

use std::borrow::Cow;
use std::sync::Arc;

use coherence_kafka_connect::data::{Schema, SchemaKind, Struct, Value};
use num_bigint::BigInt;
use serde_json::Value as Json;

use super::node::{Int, Node, RecordPlan};

const MILLIS_PER_DAY: i64 = 86_400_000;

/// Returns the value of `json` under a schema and the node of its data; none where it does not fit.
pub(super) fn value(
    json: &Json,
    node: &Node,
    schema: &Schema,
    records: &[Option<RecordPlan>],
) -> Option<Value<'static>> {
    let inner = |schema: &Option<Arc<Schema>>| schema.clone().unwrap_or_else(|| Arc::new(schema_of_any()));
    Some(match node {
        Node::Boolean => Value::Boolean(json.as_bool()?),
        Node::Int(int) => {
            let number = i32::try_from(json.as_i64()?).ok()?;
            match int {
                Int::Int8 => Value::Int8(number.try_into().ok()?),
                Int::Int16 => Value::Int16(number.try_into().ok()?),
                Int::Int32 => Value::Int32(number),
                Int::Date => Value::Date(i64::from(number) * MILLIS_PER_DAY),
                Int::Time => Value::Time(number.into()),
            }
        }
        Node::Long => Value::Int64(json.as_i64()?),
        Node::Timestamp => Value::Timestamp(json.as_i64()?),
        Node::Float => Value::Float32(json.as_f64()? as f32),
        Node::Double => Value::Float64(json.as_f64()?),
        Node::Bytes => Value::Bytes(Cow::Owned(bytes(json)?)),
        Node::Fixed(size) => Value::Bytes(Cow::Owned(bytes(json).filter(|bytes| bytes.len() == *size)?)),
        Node::Decimal { scale, .. } => {
            let bytes = bytes(json).filter(|bytes| !bytes.is_empty())?;
            Value::Decimal { unscaled: BigInt::from_signed_bytes_be(&bytes), scale: *scale }
        }
        Node::String | Node::Enum(_) => Value::String(Cow::Owned(json.as_str()?.to_owned())),
        Node::Array(items) => {
            let SchemaKind::Array(of) = &schema.kind else { return None };
            let of = inner(of);
            let values = json.as_array()?.iter().map(|item| value(item, items, &of, records));
            Value::Array(values.collect::<Option<_>>()?)
        }
        Node::Map(values) => {
            let SchemaKind::Map(_, of) = &schema.kind else { return None };
            let of = inner(of);
            let entry = |(key, json): (&String, &Json)| {
                Some((Value::String(Cow::Owned(key.clone())), value(json, values, &of, records)?))
            };
            Value::Map(json.as_object()?.iter().map(entry).collect::<Option<_>>()?)
        }
        Node::Entries { .. } | Node::Anything => return None,
        Node::Record { position, schema: own } => {
            let record = records.get(*position)?.as_ref()?;
            let json = json.as_object()?;
            let fields = record.schema.fields().iter().zip(&record.fields);
            let values = fields.map(|(field, node)| match json.get(&field.name) {
                Some(json) => value(json, node, &field.schema, records),
                None => field.schema.default.clone(),
            });
            let schema = own.clone().unwrap_or_else(|| record.schema.clone());
            Value::Struct(Struct { schema, values: values.collect::<Option<_>>()? })
        }
        Node::Nullable { branch, node, .. } => match (json.is_null(), branch) {
            (true, _) => Value::Null,
            // A default is of the first member.
            (false, 0) => value(json, node, schema, records)?,
            _ => return None,
        },
        Node::Union { schema: own, branches } => {
            let Some(first) = branches.first()?.as_ref() else { return Some(Value::Null) };
            let mut values = vec![Value::Null; own.fields().len()];
            let (slot, field) = (values.first_mut()?, own.fields().first()?);
            *slot = value(json, first, &field.schema, records)?;
            Value::Struct(Struct { schema: own.clone(), values })
        }
    })
}

/// Each character is a byte.
fn bytes(json: &Json) -> Option<Vec<u8>> {
    json.as_str()?.chars().map(|c| u8::try_from(u32::from(c)).ok()).collect()
}

fn schema_of_any() -> Schema {
    Schema::new(SchemaKind::String)
}
