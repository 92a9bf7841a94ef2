//! `docs/transforms.md` has the settings of every class, and its examples are accepted.

use std::fmt::Write as _;
use std::fs;
use std::path::Path;

use serde_json::{Value as Json, json};

use super::*;
use crate::config::file;
use crate::converter::{self, Role};

const PAGE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../docs/transforms.md");
const BEGIN: &str = "<!-- Rendered from the code. UPDATE_DOCS=1 cargo test -p coherence-kafka-connect transforms_md renders it again. -->\n";

/// The settings of every class; one table for those that differ in `$Key` and `$Value` alone.
fn settings() -> String {
    let descs: Vec<_> = Classes::default().descs().collect();
    let outer = |class: &'static str| class.split('$').next().unwrap_or_default();
    let mut tables = String::new();
    for same in descs.chunk_by(|a, b| outer(a.class) == outer(b.class)) {
        let inner = if same.len() > 1 { "`, `$Key` and `$Value`" } else { "`" };
        let _ = write!(tables, "\n### `{}{inner}\n\n", outer(same[0].class));
        match same[0].settings.keys {
            [] => tables.push_str("No settings.\n"),
            _ => tables.push_str(&same[0].settings.markdown("")),
        }
    }
    tables
}

#[test]
fn transforms_md_has_the_settings_of_every_class() {
    let page = fs::read_to_string(PAGE).unwrap();
    let (before, rendered) = page.split_once(BEGIN).unwrap();
    if std::env::var_os("UPDATE_DOCS").is_some() {
        fs::write(PAGE, format!("{before}{BEGIN}{}", settings())).unwrap();
        return;
    }
    assert!(
        rendered == settings(),
        "docs/transforms.md is out of date: UPDATE_DOCS=1 cargo test -p coherence-kafka-connect transforms_md"
    );
    for desc in Classes::default().descs() {
        let class = desc.class.split('$').next().unwrap_or_default();
        let simple = class.rsplit('.').next().unwrap_or_default();
        assert!(
            before.contains(&format!("| `{simple}`")),
            "{simple} is in the table of what each class does"
        );
        assert!(desc.settings.keys.iter().all(|key| !key.documentation.is_empty()), "{class}");
    }
}

/// The chain of an example.
fn example(name: &str) -> Transforms {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../config/examples").join(name);
    let settings = file::read(&path).unwrap().settings;
    let properties = settings.into_iter().map(|property| (property.key, property.value)).collect();
    Transforms::new(&Classes::default(), &properties).unwrap()
}

fn json_data(json: &Json, schemas: bool) -> SchemaAndValue<'static> {
    let options = BTreeMap::from([("schemas.enable".to_owned(), schemas.to_string())]);
    let converter = converter::create("JsonConverter", Role::Value, &options).unwrap();
    let bytes = json.to_string().into_bytes();
    let SchemaAndValue { schema, value } = converter.to_connect("t", &(), Some(&bytes)).unwrap();
    SchemaAndValue { schema: schema.map(|schema| Cow::Owned(schema.into_owned())), value: value.into_owned() }
}

fn record_of(
    topic: &'static str,
    key: SchemaAndValue<'static>,
    value: SchemaAndValue<'static>,
) -> Record<'static> {
    Record {
        topic: Cow::Borrowed(topic),
        partition: Some(0),
        offset: Some(0),
        timestamp: Some(0),
        key,
        value,
        headers: Vec::new(),
    }
}

#[test]
fn the_example_of_daily_topics_cleans_the_orders_and_keeps_tombstones() {
    let transforms = example("transforms.properties");
    let key = || SchemaAndValue { schema: None, value: Value::String(Cow::Borrowed("k")) };
    let order = json_data(&json!({"amt": 3, "shelf": "A7", "total": "12.5"}), false);
    let changed = transforms.apply(record_of("orders-20260131", key(), order)).unwrap().unwrap();
    assert_eq!(changed.topic, "orders");
    let expected = [
        (Value::String(Cow::Borrowed("amount")), Value::Int64(3)),
        (Value::String(Cow::Borrowed("total")), Value::Float64(12.5)),
    ];
    assert_eq!(changed.value.value, Value::Map(expected.to_vec()));
    let tombstone = SchemaAndValue { schema: None, value: Value::Null };
    let changed = transforms.apply(record_of("orders-20260131", key(), tombstone.clone())).unwrap().unwrap();
    assert_eq!((changed.topic, changed.value), (Cow::Borrowed("orders"), tombstone));
}

#[test]
fn the_example_of_debezium_makes_one_table_of_two_shards() {
    let transforms = example("debezium.properties");
    let id = json!({"field": "id", "type": "int32", "optional": false});
    let key_schema =
        json!({"type": "struct", "optional": false, "name": "server.shard_1.customers.Key", "fields": [id]});
    let key = json_data(&json!({"schema": key_schema, "payload": {"id": 7}}), true);
    let row = |field: &str| {
        json!({"type": "struct", "optional": true, "name": "server.shard_1.customers.Value", "field": field, "fields": [
            id, {"field": "name", "type": "string", "optional": true}]})
    };
    let source = json!({"type": "struct", "optional": false, "field": "source",
        "fields": [{"field": "ts_ms", "type": "int64", "optional": false}]});
    let schema = json!({"type": "struct", "optional": false, "name": "server.shard_1.customers.Envelope", "fields": [
        row("before"), row("after"), source, {"field": "op", "type": "string", "optional": false}]});
    let event = |before: Json, after: Json, op: &str| {
        let payload = json!({"before": before, "after": after, "source": {"ts_ms": 5}, "op": op});
        json_data(&json!({"schema": schema, "payload": payload}), true)
    };
    let row = json!({"id": 7, "name": "Anne"});
    let put = record_of("server.shard_1.customers", key.clone(), event(Json::Null, row.clone(), "c"));
    let changed = transforms.apply(put).unwrap().unwrap();
    assert_eq!(changed.topic, "customers");
    let values = |data: &SchemaAndValue<'_>| match &data.value {
        Value::Struct(of) => format!("{:?}", of.values),
        other => format!("{other:?}"),
    };
    assert_eq!(values(&changed.key), r#"[Int32(7), String("shard_1")]"#);
    assert_eq!(values(&changed.value), r#"[Int32(7), String("Anne"), Int64(5)]"#);
    let delete = record_of("server.shard_1.customers", key.clone(), event(row, Json::Null, "d"));
    let removed = transforms.apply(delete).unwrap().unwrap();
    assert_eq!((removed.key, removed.value.value), (changed.key, Value::Null));
    let tombstone = SchemaAndValue { schema: None, value: Value::Null };
    assert_eq!(transforms.apply(record_of("server.shard_1.customers", key, tombstone)), Ok(None));
}
