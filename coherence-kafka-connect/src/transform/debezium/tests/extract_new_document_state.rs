use super::*;

const CLASS: &str = "io.debezium.connector.mongodb.transforms.ExtractNewDocumentState";
const TOPIC: &str = "dbserver1.inventory.customers";
const DOCUMENT: &str =
    r#"{"_id": {"$numberLong": "1004"}, "name": "Anne", "tags": ["a", "b"], "address": {"city": "Prague"}}"#;

/// The key of a document, whose id is a text in Extended JSON.
fn key(id: &str) -> SchemaAndValue<'static> {
    let schema = json!({"type": "struct", "optional": false, "name": format!("{TOPIC}.Key"), "fields": [
        {"field": "id", "type": "string", "optional": false},
    ]});
    data(&json!({"schema": schema, "payload": {"id": id}}), true)
}

/// An update of some members of a document.
fn update(updated: &str, removed: &[&str]) -> SchemaAndValue<'static> {
    let description = json!({"type": "struct", "optional": true, "field": "updateDescription", "fields": [
        {"field": "updatedFields", "type": "string", "optional": true},
        {"field": "removedFields", "type": "array", "optional": true, "items": {"type": "string", "optional": false}},
    ]});
    let text = |field: &str| json!({"field": field, "type": "string", "optional": true});
    let schema = json!({"type": "struct", "optional": false, "name": format!("{TOPIC}.Envelope"), "fields": [
        text("before"), text("after"), description, text("op"),
    ]});
    let payload = json!({"before": null, "after": null, "op": "u",
        "updateDescription": {"updatedFields": updated, "removedFields": removed}});
    data(&json!({"schema": schema, "payload": payload}), true)
}

/// Key and value as JSON, as an entry of a JSON map shows them; a null is a removal.
fn changed(options: &[(&str, &str)], id: &str, value: SchemaAndValue<'static>) -> Option<[Json; 2]> {
    let extract = transform(CLASS, options);
    let changed = extract.apply(record(TOPIC, key(id), value)).unwrap()?;
    let shown = |data: &SchemaAndValue<'_>| {
        let mut out = Vec::new();
        let encoder = crate::encode::Encoder {
            format: coherence_kafka_common::map::Format::Json,
            ..Default::default()
        };
        encoder.encode(&data.value, &mut out).unwrap();
        if let Value::Struct(of) = &data.value {
            assert_eq!(data.schema.as_deref(), Some(&of.schema));
            assert_eq!(of.values.len(), of.schema.fields().len());
        }
        serde_json::from_slice(&out[1..]).unwrap()
    };
    Some([shown(&changed.key), shown(&changed.value)])
}

fn insert(document: &str) -> SchemaAndValue<'static> {
    mongodb("c", Json::Null, document.into())
}

#[test]
fn an_event_becomes_the_document_under_the_id_of_its_key() {
    let expected = json!({"_id": 1004, "name": "Anne", "tags": ["a", "b"], "address": {"city": "Prague"}});
    let [id, value] = changed(&[], r#"{"$numberLong": "1004"}"#, insert(DOCUMENT)).unwrap();
    assert_eq!((id, value), (json!({"id": 1004}), expected));
    let [id, _] = changed(&[], r#"{"$oid": "596e275826f08b2730779e1f"}"#, insert(DOCUMENT)).unwrap();
    assert_eq!(id, json!({"id": "596e275826f08b2730779e1f"}));
    let extract = transform(CLASS, &[]);
    let changed = extract.apply(record(TOPIC, key("\"a\""), insert(DOCUMENT)));
    assert_eq!(name_of(&changed.unwrap().unwrap().value).as_deref(), Some(TOPIC));
}

#[test]
fn each_type_of_extended_json_becomes_a_type_of_connect() {
    let cases = [
        ("7", Value::Int32(7)),
        ("7000000000", Value::Int64(7_000_000_000)),
        ("1.5", Value::Float64(1.5)),
        ("true", Value::Boolean(true)),
        ("null", Value::Null),
        (r#""t""#, Value::String("t".into())),
        (r#"{"$oid": "596e275826f08b2730779e1f"}"#, Value::String("596e275826f08b2730779e1f".into())),
        (r#"{"$numberInt": "7"}"#, Value::Int32(7)),
        (r#"{"$numberLong": "7"}"#, Value::Int64(7)),
        (r#"{"$numberDouble": "-Infinity"}"#, Value::Float64(f64::NEG_INFINITY)),
        (r#"{"$numberDecimal": "1.50"}"#, Value::String("1.50".into())),
        (r#"{"$date": 1000}"#, Value::Timestamp(1000)),
        (r#"{"$date": {"$numberLong": "1000"}}"#, Value::Timestamp(1000)),
        (r#"{"$date": "1970-01-01T00:00:01Z"}"#, Value::Timestamp(1000)),
        (r#"{"$timestamp": {"t": 2, "i": 1}}"#, Value::Timestamp(2000)),
        (r#"{"$binary": "AQI=", "$type": "00"}"#, Value::Bytes(vec![1, 2].into())),
        (r#"{"$binary": {"base64": "AQI=", "subType": "00"}}"#, Value::Bytes(vec![1, 2].into())),
        (r#"{"$code": "f()"}"#, Value::String("f()".into())),
    ];
    let extract = transform(CLASS, &[]);
    for (text, expected) in cases {
        let document = insert(&format!(r#"{{"_id": 1, "m": {text}}}"#));
        let changed = extract.apply(record(TOPIC, key("1"), document)).unwrap().unwrap();
        let Value::Struct(of) = changed.value.value else { panic!("{text}") };
        assert_eq!(of.values, [Value::Int32(1), expected], "{text}");
    }
    let [_, value] = changed(&[], "1", insert(r#"{"_id": 1, "m": {"$minKey": 1}}"#)).unwrap();
    assert_eq!(value, json!({"_id": 1}));
    let pattern = r#"{"_id": 1, "m": {"$regex": "a.*", "$options": "i"}}"#;
    let [_, value] = changed(&[], "1", insert(pattern)).unwrap();
    assert_eq!(value, json!({"_id": 1, "m": {"regex": "a.*", "options": "i"}}));
}

#[test]
fn arrays_are_lists_of_one_type_or_documents() {
    let mixed = r#"{"_id": 1, "m": [1, "a"]}"#;
    let extract = transform(CLASS, &[]);
    let failure = extract.apply(record(TOPIC, key("1"), insert(mixed))).unwrap_err();
    assert!(failure.error.message().starts_with("Field m is not a homogenous array."), "{}", failure.error);
    let [_, value] = changed(&[("array.encoding", "document")], "1", insert(mixed)).unwrap();
    assert_eq!(value, json!({"_id": 1, "m": {"_0": 1, "_1": "a"}}));
    let documents = r#"{"_id": 1, "m": [{"a": 1}, {"b": [2]}, {"a": 3, "b": []}]}"#;
    let failure = extract.apply(record(TOPIC, key("1"), insert(documents)));
    // An empty array has no type of its own.
    assert!(failure.is_err());
    let documents = r#"{"_id": 1, "m": [{"a": 1}, {"b": [2]}]}"#;
    let [_, value] = changed(&[], "1", insert(documents)).unwrap();
    assert_eq!(value, json!({"_id": 1, "m": [{"a": 1, "b": null}, {"a": null, "b": [2]}]}));
}

#[test]
fn nested_documents_are_flattened_where_that_is_wanted() {
    let [_, value] = changed(&[("flatten.struct", "true")], "1", insert(DOCUMENT)).unwrap();
    assert_eq!(value, json!({"_id": 1004, "name": "Anne", "tags": ["a", "b"], "address_city": "Prague"}));
    let options = [("flatten.struct", "true"), ("flatten.struct.delimiter", "-")];
    let [_, value] = changed(&options, "1", update(r#"{"address.city": "Brno"}"#, &[])).unwrap();
    assert_eq!(value, json!({"address-city": "Brno", "_id": 1}));
}

#[test]
fn an_update_without_the_document_becomes_the_members_that_it_changes() {
    let [_, value] = changed(&[], "1", update(r#"{"name": "Anna", "old": 1}"#, &["old"])).unwrap();
    assert_eq!(value, json!({"name": "Anna", "_id": 1}));
}

#[test]
fn every_mode_of_deletion_does_what_it_is_named_after() {
    let removed = || mongodb("d", DOCUMENT.into(), Json::Null);
    let id = || json!({"id": 1});
    for mode in ["tombstone", "delete-to-tombstone"] {
        let options = [("delete.tombstone.handling.mode", mode)];
        assert_eq!(changed(&options, "1", removed()), Some([id(), Json::Null]));
        assert_eq!(changed(&options, "1", nothing()), None);
    }
    assert_eq!(changed(&[("delete.tombstone.handling.mode", "drop")], "1", removed()), None);
    let rewrite = [("delete.tombstone.handling.mode", "rewrite-with-tombstone")];
    let [_, value] = changed(&rewrite, "1", removed()).unwrap();
    assert_eq!((&value["name"], &value["__deleted"]), (&json!("Anne"), &json!(true)));
    let [_, value] = changed(&rewrite, "1", insert(DOCUMENT)).unwrap();
    assert_eq!(value["__deleted"], json!(false));
    assert_eq!(changed(&rewrite, "1", nothing()), Some([id(), Json::Null]));
}

#[test]
fn fields_of_the_event_are_added_to_the_document_and_the_headers() {
    let options = [("add.fields", "op,collection"), ("add.headers", "op")];
    let [_, value] = changed(&options, "1", insert(r#"{"_id": 1}"#)).unwrap();
    assert_eq!(value, json!({"_id": 1, "__op": "c", "__collection": "customers"}));
    let extract = transform(CLASS, &options);
    let changed = extract.apply(record(TOPIC, key("1"), insert(r#"{"_id": 1}"#))).unwrap().unwrap();
    assert_eq!(headers(&changed), pairs(&[("__op", "c")]));
}

#[test]
fn what_is_no_event_stays_and_what_is_no_document_is_refused() {
    let extract = transform(CLASS, &[]);
    let heartbeat = record(TOPIC, key("1"), data(&json!({"ts_ms": 1}), false));
    assert_eq!(extract.apply(heartbeat.clone()), Ok(Some(heartbeat)));
    for (document, message) in [("{", "after is not JSON"), ("[1]", "after is not a document")] {
        let failure = extract.apply(record(TOPIC, key("1"), insert(document))).unwrap_err();
        assert_eq!(failure.error.message(), message);
    }
}
