use super::*;

const CLASS: &str = "io.debezium.transforms.ExtractNewRecordState";
const TOPIC: &str = "dbserver1.inventory.customers";

fn event(value: SchemaAndValue<'static>) -> Record<'static> {
    record(TOPIC, key(TOPIC, 1004), value)
}

fn tombstone() -> Record<'static> {
    event(nothing())
}

/// What becomes of an insert, a delete and a tombstone; `None` where it is dropped.
fn outcomes(options: &[(&str, &str)]) -> [Option<SchemaAndValue<'static>>; 3] {
    let transform = transform(CLASS, options);
    [mysql("c", Json::Null, anne()), mysql("d", anne(), Json::Null), nothing()].map(|value| {
        let SchemaAndValue { schema, value } = transform.apply(event(value)).unwrap()?.value;
        Some(SchemaAndValue {
            schema: schema.map(|schema| Cow::Owned(schema.into_owned())),
            value: value.into_owned(),
        })
    })
}

const ROW: [(&str, &str); 3] = [("id", "1004"), ("first_name", "Anne"), ("last_name", "Kretchmar")];

fn with<'p>(more: &[(&'p str, &'p str)]) -> Vec<(String, String)> {
    pairs(&[&ROW[..], more].concat())
}

#[test]
fn an_event_becomes_the_row_and_a_delete_a_null_under_its_schema() {
    let [insert, delete, tombstone] = outcomes(&[]);
    let insert = insert.unwrap();
    assert_eq!(shown(&insert), with(&[]));
    assert_eq!(name_of(&insert).as_deref(), Some("dbserver1.inventory.customers.Value"));
    let delete = delete.unwrap();
    assert_eq!((delete.value, delete.schema), (Value::Null, insert.schema));
    assert_eq!(tombstone, None);
}

#[test]
fn every_mode_of_deletion_does_what_it_is_named_after() {
    let not_deleted = with(&[("__deleted", "false")]);
    let was_deleted = with(&[("__deleted", "true")]);
    for (options, insert, delete, keeps_tombstone) in [
        (&[("delete.tombstone.handling.mode", "drop")][..], with(&[]), None, false),
        (&[("delete.tombstone.handling.mode", "TOMBSTONE")], with(&[]), Some(Value::Null), false),
        (&[("delete.tombstone.handling.mode", "delete-to-tombstone")], with(&[]), Some(Value::Null), false),
        (&[("delete.handling.mode", "drop")], with(&[]), None, false),
        (&[("drop.tombstones", "false")], with(&[]), None, true),
        (
            &[("delete.handling.mode", "none"), ("drop.tombstones", "false")],
            with(&[]),
            Some(Value::Null),
            true,
        ),
    ] {
        let [inserted, deleted, tombstone] = outcomes(options);
        assert_eq!(shown(&inserted.unwrap()), insert, "{options:?}");
        assert_eq!(deleted.map(|deleted| deleted.value), delete, "{options:?}");
        assert_eq!(tombstone.is_some(), keeps_tombstone, "{options:?}");
    }
    for (options, keeps_tombstone) in [
        (&[("delete.tombstone.handling.mode", "rewrite")][..], false),
        (&[("delete.tombstone.handling.mode", "rewrite-with-tombstone")], true),
        (&[("delete.handling.mode", "rewrite"), ("drop.tombstones", "false")], true),
    ] {
        let [inserted, deleted, tombstone] = outcomes(options);
        assert_eq!(shown(&inserted.unwrap()), not_deleted, "{options:?}");
        assert_eq!(shown(&deleted.unwrap()), was_deleted, "{options:?}");
        assert_eq!(tombstone.is_some(), keeps_tombstone, "{options:?}");
    }
    let [_, deleted, _] = outcomes(&[("delete.tombstone.handling.mode", "delete-to-tombstone")]);
    assert_eq!(deleted, Some(nothing()));
}

#[test]
fn fields_of_the_event_are_added_to_the_row() {
    let fields = "op, table,source.ts_ms,ts_ms:changed_at,id,zz,";
    let [insert, ..] = outcomes(&[("add.fields", fields)]);
    let insert = insert.unwrap();
    let added = [
        ("__op", "c"),
        ("__table", "customers"),
        ("__source_ts_ms", "1465581029100"),
        ("__changed_at", "1465581029523"),
        // The transaction is null here.
        ("__id", "null"),
    ];
    assert_eq!(shown(&insert), with(&added));
    let fields = insert.schema.unwrap();
    assert!(fields.fields()[3..].iter().all(|field| field.schema.optional));

    let options =
        [("add.fields", "op"), ("add.fields.prefix", "meta."), ("delete.tombstone.handling.mode", "rewrite")];
    let [_, delete, _] = outcomes(&options);
    assert_eq!(shown(&delete.unwrap()), with(&[("__deleted", "true"), ("meta.op", "d")]));
}

#[test]
fn fields_of_the_event_are_added_to_the_headers() {
    let transform = transform(
        CLASS,
        &[("add.headers", "op,source.pos"), ("drop.tombstones", "false"), ("delete.handling.mode", "none")],
    );
    assert!(transform.uses_headers());
    let changed = transform.apply(event(mysql("u", anne(), anne()))).unwrap().unwrap();
    assert_eq!(headers(&changed), pairs(&[("__op", "u"), ("__source_pos", "484")]));
    let changed = transform.apply(tombstone()).unwrap().unwrap();
    assert_eq!(headers(&changed), pairs(&[("__op", "d")]));
    assert!(!super::transform(CLASS, &[]).uses_headers());
}

#[test]
fn a_column_that_is_null_reads_as_its_default_only_where_that_is_wanted() {
    let row = json!({"id": 1, "first_name": "Anne", "last_name": null});
    let mut nulls = mysql("c", Json::Null, row);
    let Value::Struct(of) = &mut nulls.value else { panic!() };
    let Value::Struct(row) = &mut of.values[1] else { panic!() };
    row.values[2] = Value::Null;
    let last_name = |options: &[(&str, &str)]| {
        let extract = transform(CLASS, options);
        let changed = extract.apply(event(nulls.clone())).unwrap().unwrap().value;
        shown(&changed)[2].1.clone()
    };
    assert_eq!(last_name(&[("add.fields", "op")]), "unknown");
    assert_eq!(last_name(&[("add.fields", "op"), ("replace.null.with.default", "false")]), "null");
}

#[test]
fn a_field_of_the_row_names_the_topic() {
    let transform = transform(CLASS, &[("route.by.field", "last_name")]);
    let topic = |value| transform.apply(event(value)).map(|changed| changed.unwrap().topic.into_owned());
    assert_eq!(topic(mysql("c", Json::Null, anne())).unwrap(), "Kretchmar");
    assert_eq!(topic(mysql("d", anne(), Json::Null)).unwrap(), "Kretchmar");
    assert_eq!(topic(postgres("c", Json::Null, anne())).unwrap(), "Kretchmar");
    let unknown = super::transform(CLASS, &[("route.by.field", "zz")]);
    let failure = unknown.apply(event(mysql("c", Json::Null, anne()))).unwrap_err();
    assert_eq!(failure.error.message(), "zz is not a valid field name");
    let number = super::transform(CLASS, &[("route.by.field", "id")]);
    let failure = number.apply(event(mysql("c", Json::Null, anne()))).unwrap_err();
    assert_eq!(failure.error.message(), "Field 'id' is not of type STRING");
}

#[test]
fn an_event_without_a_schema_becomes_the_row_as_well() {
    let options = [
        ("delete.tombstone.handling.mode", "rewrite"),
        ("add.fields", "op,source.lsn:version,zz"),
        ("add.headers", "table"),
    ];
    let extract = transform(CLASS, &options);
    let changed = extract.apply(event(postgres("r", Json::Null, anne()))).unwrap().unwrap();
    let mut row = shown(&changed.value);
    row.sort();
    let mut expected = with(&[("__deleted", "false"), ("__op", "r"), ("__version", "24023128")]);
    expected.sort();
    assert_eq!(row, expected);
    assert_eq!(headers(&changed), pairs(&[("__table", "customers")]));
    let changed = extract.apply(event(postgres("d", json!({"id": 1004}), Json::Null))).unwrap().unwrap();
    assert_eq!(
        shown(&changed.value),
        pairs(&[("id", "1004"), ("__deleted", "true"), ("__op", "d"), ("__version", "24023128")])
    );
    let extract = transform(CLASS, &[]);
    let changed = extract.apply(event(postgres("d", anne(), Json::Null))).unwrap().unwrap();
    assert_eq!(changed.value, nothing());
    let dropping = transform(CLASS, &[("delete.tombstone.handling.mode", "drop")]);
    assert_eq!(dropping.apply(event(postgres("d", anne(), Json::Null))), Ok(None));
}

#[test]
fn the_document_of_mongodb_stays_a_text() {
    let extract =
        transform(CLASS, &[("delete.tombstone.handling.mode", "rewrite"), ("add.headers", "collection")]);
    let document = r#"{"_id": 1004, "first_name": "Anne"}"#;
    let changed = extract.apply(event(mongodb("c", Json::Null, document.into()))).unwrap().unwrap();
    assert_eq!(changed.value.value, Value::String(document.into()));
    assert_eq!(headers(&changed), pairs(&[("__collection", "customers")]));
    let changed = extract.apply(event(mongodb("d", document.into(), Json::Null))).unwrap().unwrap();
    assert_eq!(changed.value.value, Value::String(document.into()));
}

#[test]
fn a_truncation_is_dropped() {
    assert_eq!(transform(CLASS, &[]).apply(event(mysql("t", Json::Null, Json::Null))), Ok(None));
    assert_eq!(transform(CLASS, &[]).apply(event(postgres("t", Json::Null, Json::Null))), Ok(None));
}

#[test]
fn what_is_no_event_stays_as_it_is() {
    let heartbeat = data(&json!({"ts_ms": 1}), false);
    let row = data(&json!({"schema": row_schema("t"), "payload": anne()}), true);
    let extract = transform(CLASS, &[("delete.tombstone.handling.mode", "rewrite"), ("add.headers", "op")]);
    for value in [heartbeat, row] {
        assert_eq!(extract.apply(event(value.clone())), Ok(Some(event(value))));
    }
}

#[test]
fn options_that_cannot_be_are_refused() {
    let refused = |name: &str, value: &str| {
        let properties = BTreeMap::from([
            ("transforms".to_owned(), "t".to_owned()),
            ("transforms.t.type".to_owned(), CLASS.to_owned()),
            (format!("transforms.t.{name}"), value.to_owned()),
        ]);
        let error = Transforms::new(&Classes::default(), &properties).unwrap_err().remove(0);
        (error.key, error.message)
    };
    let (key, message) = refused("add.fields", "a:b:c");
    assert_eq!((&*key, &*message), ("transforms.t.add.fields", "Unexpected field name: a:b:c"));
    let (key, message) = refused("delete.tombstone.handling.mode", "keep");
    assert_eq!(key, "transforms.t.delete.tombstone.handling.mode");
    assert!(message.ends_with(
        "String must be one of (case insensitive): tombstone, delete-to-tombstone, drop, rewrite, rewrite-with-tombstone"
    ));
}

/// The row and the key of an event whose header lists fields.
fn dropped(options: &[(&str, &str)], listed: Value<'static>, value: SchemaAndValue<'static>) -> [String; 2] {
    let options = [&[("drop.fields.header.name", "drop")], options].concat();
    let extract = transform(CLASS, &options);
    assert!(extract.uses_headers());
    let mut record = event(value);
    let data = SchemaAndValue { schema: None, value: listed };
    record.headers.push(Header { key: "drop".into(), data });
    let changed = extract.apply(record).unwrap().unwrap();
    let names = |data: &SchemaAndValue<'_>| {
        shown(data).into_iter().map(|(name, _)| name).collect::<Vec<_>>().join(" ")
    };
    [names(&changed.value), names(&changed.key)]
}

#[test]
fn fields_that_a_header_lists_are_left_out() {
    let list = |names: &[&'static str]| {
        Value::Array(names.iter().map(|name| Value::String((*name).into())).collect())
    };
    let insert = || mysql("c", Json::Null, anne());
    let listed = || list(&["last_name", "id", "zz"]);
    // The schema requires the id.
    assert_eq!(dropped(&[], listed(), insert()), ["id first_name", "id"]);
    let all = [("drop.fields.keep.schema.compatible", "false")];
    assert_eq!(dropped(&all, listed(), insert()), ["first_name", "id"]);
    let keys = [all[0], ("drop.fields.from.key", "true")];
    assert_eq!(dropped(&keys, listed(), insert()), ["first_name", ""]);
    let rewrite = [all[0], ("delete.tombstone.handling.mode", "rewrite")];
    assert_eq!(dropped(&rewrite, listed(), mysql("d", anne(), Json::Null)), ["first_name __deleted", "id"]);
    assert_eq!(dropped(&[], listed(), postgres("c", Json::Null, anne())), ["first_name", "id"]);
    for nothing in [Value::Null, list(&[])] {
        assert_eq!(dropped(&[], nothing, insert()), ["id first_name last_name", "id"]);
    }
}

#[test]
fn a_header_that_lists_no_fields_makes_a_bad_record() {
    let extract = transform(CLASS, &[("drop.fields.header.name", "drop")]);
    let mut record = event(mysql("c", Json::Null, anne()));
    let data = SchemaAndValue { schema: None, value: Value::String("last_name".into()) };
    record.headers.push(Header { key: "drop".into(), data });
    let failure = extract.apply(record).unwrap_err();
    assert_eq!(failure.error.message(), "the header drop is not a list of field names");
}
