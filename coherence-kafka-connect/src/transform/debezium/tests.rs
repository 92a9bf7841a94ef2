//! Events in the shapes that Debezium documents for MySQL, PostgreSQL and MongoDB.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde_json::{Value as Json, json};

use crate::converter::{self, Role};
use crate::data::{SchemaAndValue, SchemaKind, Value};
use crate::record::{Header, Record};
use crate::transform::{Classes, Transforms};

mod extract_new_document_state;
mod extract_new_record_state;
mod router;
mod types;

/// Creates the one transform with these options.
fn transform(class: &str, options: &[(&str, &str)]) -> Transforms {
    let mut properties = BTreeMap::from([
        ("transforms".to_owned(), "t".to_owned()),
        ("transforms.t.type".to_owned(), class.to_owned()),
    ]);
    for (name, value) in options {
        properties.insert(format!("transforms.t.{name}"), (*value).to_owned());
    }
    Transforms::new(&Classes::default(), &properties).unwrap()
}

/// Reads what a converter makes of a key or value, with the schema inside or without one.
fn data(json: &Json, schemas: bool) -> SchemaAndValue<'static> {
    let options = BTreeMap::from([("schemas.enable".to_owned(), schemas.to_string())]);
    let converter = converter::create("JsonConverter", Role::Value, &options).unwrap();
    let bytes = json.to_string().into_bytes();
    let SchemaAndValue { schema, value } = converter.to_connect("t", &(), Some(&bytes)).unwrap();
    SchemaAndValue { schema: schema.map(|schema| Cow::Owned(schema.into_owned())), value: value.into_owned() }
}

fn record(
    topic: &'static str,
    key: SchemaAndValue<'static>,
    value: SchemaAndValue<'static>,
) -> Record<'static> {
    Record {
        topic: topic.into(),
        partition: Some(0),
        offset: Some(1),
        timestamp: Some(1_700_000_000_000),
        key,
        value,
        headers: Vec::new(),
    }
}

fn nothing() -> SchemaAndValue<'static> {
    SchemaAndValue { schema: None, value: Value::Null }
}

/// The fields and their values, as text; the order is that of the schema.
fn shown(data: &SchemaAndValue<'_>) -> Vec<(String, String)> {
    let text = |value: &Value<'_>| match value {
        Value::String(text) => text.to_string(),
        Value::Int32(number) => number.to_string(),
        Value::Int64(number) => number.to_string(),
        Value::Null => "null".to_owned(),
        other => format!("{other:?}"),
    };
    match &data.value {
        Value::Struct(of) => {
            assert_eq!(data.schema.as_deref().map(|schema| &**schema), Some(&*of.schema));
            assert_eq!(of.values.len(), of.schema.fields().len());
            of.schema
                .fields()
                .iter()
                .zip(&of.values)
                .map(|(field, value)| (field.name.clone(), text(value)))
                .collect()
        }
        Value::Map(entries) => entries.iter().map(|(key, value)| (text(key), text(value))).collect(),
        other => panic!("{other:?} has no fields"),
    }
}

fn pairs(expected: &[(&str, &str)]) -> Vec<(String, String)> {
    expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
}

fn headers(record: &Record<'_>) -> Vec<(String, String)> {
    let of = |Header { key, data }: &Header<'_>| match &data.value {
        Value::String(text) => (key.to_string(), text.to_string()),
        Value::Int64(number) => (key.to_string(), number.to_string()),
        other => (key.to_string(), format!("{other:?}")),
    };
    record.headers.iter().map(of).collect()
}

/// A row of the table customers, whose last name has a default.
fn row_schema(name: &str) -> Json {
    json!({"type": "struct", "optional": true, "name": format!("{name}.Value"), "fields": [
        {"field": "id", "type": "int32", "optional": false},
        {"field": "first_name", "type": "string", "optional": false},
        {"field": "last_name", "type": "string", "optional": true, "default": "unknown"},
    ]})
}

/// An event of MySQL.
fn mysql(operation: &str, before: Json, after: Json) -> SchemaAndValue<'static> {
    let row = |field: &str| {
        let mut row = row_schema("dbserver1.inventory.customers");
        row["field"] = field.into();
        row
    };
    let source = json!({"type": "struct", "optional": false, "name": "io.debezium.connector.mysql.Source", "field": "source",
    "fields": [
        {"field": "version", "type": "string", "optional": false},
        {"field": "connector", "type": "string", "optional": false},
        {"field": "ts_ms", "type": "int64", "optional": false},
        {"field": "db", "type": "string", "optional": false},
        {"field": "table", "type": "string", "optional": true},
        {"field": "file", "type": "string", "optional": false},
        {"field": "pos", "type": "int64", "optional": false},
    ]});
    let transaction = json!({"type": "struct", "optional": true, "name": "event.block", "field": "transaction", "fields": [
        {"field": "id", "type": "string", "optional": false},
        {"field": "total_order", "type": "int64", "optional": false},
    ]});
    let schema = json!({"type": "struct", "optional": false, "name": "dbserver1.inventory.customers.Envelope", "fields": [
        row("before"), row("after"), source, transaction,
        {"field": "op", "type": "string", "optional": false},
        {"field": "ts_ms", "type": "int64", "optional": true},
    ]});
    let payload = json!({
        "before": before, "after": after,
        "source": {"version": "2.7.0.Final", "connector": "mysql", "ts_ms": 1_465_581_029_100_i64, "db": "inventory",
            "table": "customers", "file": "mysql-bin.000003", "pos": 484},
        "transaction": null, "op": operation, "ts_ms": 1_465_581_029_523_i64,
    });
    data(&json!({"schema": schema, "payload": payload}), true)
}

/// An event of PostgreSQL that comes without its schema.
fn postgres(operation: &str, before: Json, after: Json) -> SchemaAndValue<'static> {
    data(
        &json!({
            "before": before, "after": after,
            "source": {"version": "2.7.0.Final", "connector": "postgresql", "name": "PostgreSQL_server", "lsn": 24_023_128,
                "schema": "public", "table": "customers", "ts_ms": 1_559_033_904_863_i64},
            "op": operation, "ts_ms": 1_559_033_904_863_i64, "transaction": null,
        }),
        false,
    )
}

/// An event of MongoDB, whose documents are texts.
fn mongodb(operation: &str, before: Json, after: Json) -> SchemaAndValue<'static> {
    let text = |field: &str| json!({"field": field, "type": "string", "optional": true, "name": "io.debezium.data.Json", "version": 1});
    let schema = json!({"type": "struct", "optional": false, "name": "dbserver1.inventory.customers.Envelope", "fields": [
        text("before"), text("after"),
        {"field": "updateDescription", "type": "struct", "optional": true, "name": "io.debezium.connector.mongodb.changestream.updatedescription",
            "fields": [text("updatedFields")]},
        {"field": "source", "type": "struct", "optional": false, "name": "io.debezium.connector.mongo.Source", "fields": [
            {"field": "collection", "type": "string", "optional": false},
        ]},
        {"field": "op", "type": "string", "optional": true},
    ]});
    let payload = json!({
        "before": before, "after": after, "updateDescription": null, "source": {"collection": "customers"},
        "op": operation,
    });
    data(&json!({"schema": schema, "payload": payload}), true)
}

/// The key of a row.
fn key(topic: &str, id: i32) -> SchemaAndValue<'static> {
    let schema = json!({"type": "struct", "optional": false, "name": format!("{topic}.Key"), "fields": [
        {"field": "id", "type": "int32", "optional": false},
    ]});
    data(&json!({"schema": schema, "payload": {"id": id}}), true)
}

fn anne() -> Json {
    json!({"id": 1004, "first_name": "Anne", "last_name": "Kretchmar"})
}

fn name_of(data: &SchemaAndValue<'_>) -> Option<String> {
    data.schema.as_deref().and_then(|schema| schema.name.clone())
}

fn is_required_string(kind: &SchemaKind, optional: bool) -> bool {
    *kind == SchemaKind::String && !optional
}
