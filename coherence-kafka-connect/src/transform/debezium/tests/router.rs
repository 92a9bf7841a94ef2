use super::*;

const CLASS: &str = "io.debezium.transforms.ByLogicalTableRouter";
const SHARD: &str = "server.shard_1.customers";
const RULE: [(&str, &str); 2] =
    [("topic.regex", r"(.*)\.shard_\d+\.(.*)"), ("topic.replacement", "$1.all.$2")];

fn routed(
    options: &[(&str, &str)],
    key: SchemaAndValue<'static>,
    value: SchemaAndValue<'static>,
) -> Record<'static> {
    let options = [&RULE[..], options].concat();
    // Leaked, because a test may do so and the record borrows from its transform.
    let transform = Box::leak(Box::new(transform(CLASS, &options)));
    transform.apply(record(SHARD, key, value)).unwrap().unwrap()
}

#[test]
fn events_of_all_tables_go_to_one_topic_with_distinct_keys() {
    let changed = routed(&[], key(SHARD, 7), mysql("c", Json::Null, anne()));
    assert_eq!(changed.topic, "server.all.customers");
    assert_eq!(shown(&changed.key), pairs(&[("id", "7"), ("__dbz__physicalTableIdentifier", SHARD)]));
    assert_eq!(name_of(&changed.key).as_deref(), Some("server.all.customers.Key"));
    let added = &changed.key.schema.as_deref().unwrap().fields()[1].schema;
    assert!(is_required_string(&added.kind, added.optional));

    assert_eq!(name_of(&changed.value).as_deref(), Some("server.all.customers.Envelope"));
    let Value::Struct(event) = &changed.value.value else { panic!() };
    for (field, value) in event.schema.fields()[..2].iter().zip(&event.values) {
        assert_eq!(field.schema.name.as_deref(), Some("server.all.customers.Value"));
        if let Value::Struct(row) = value {
            assert_eq!(row.schema, field.schema);
        }
    }
    assert_eq!(event.values[0], Value::Null);
}

#[test]
fn the_table_in_the_key_is_what_its_expression_finds_in_the_topic() {
    let options = [
        ("key.field.name", "shard"),
        ("key.field.regex", r".*\.shard_(\d+)\..*"),
        ("key.field.replacement", "shard $1"),
    ];
    let changed = routed(&options, key(SHARD, 7), nothing());
    assert_eq!(shown(&changed.key), pairs(&[("id", "7"), ("shard", "shard 1")]));
    assert_eq!(changed.value, nothing());
    let unmatched = [("key.field.regex", "nothing"), ("key.field.replacement", "x")];
    assert_eq!(shown(&routed(&unmatched, key(SHARD, 7), nothing()).key)[1].1, SHARD);
    let without = routed(&[("key.enforce.uniqueness", "false")], key(SHARD, 7), nothing());
    assert_eq!(shown(&without.key), pairs(&[("id", "7")]));
}

#[test]
fn a_key_without_a_schema_gets_the_table_and_a_missing_key_stays_missing() {
    let changed = routed(&[], data(&json!({"id": 7}), false), postgres("c", Json::Null, anne()));
    assert_eq!(shown(&changed.key), pairs(&[("id", "7"), ("__dbz__physicalTableIdentifier", SHARD)]));
    assert_eq!(changed.value, postgres("c", Json::Null, anne()));
    assert_eq!(routed(&[], nothing(), nothing()).key, nothing());
    let transform = transform(CLASS, &RULE);
    let text = SchemaAndValue { schema: None, value: Value::String("k".into()) };
    let failure = transform.apply(record(SHARD, text, nothing())).unwrap_err();
    assert_eq!(
        failure.error.message(),
        "Only Struct objects supported for [Updating schema], found: java.lang.String"
    );
}

#[test]
fn other_topics_stay_as_they_are() {
    let transform = transform(CLASS, &RULE);
    let other = record("orders", key("orders", 7), mysql("c", Json::Null, anne()));
    assert_eq!(transform.apply(other.clone()), Ok(Some(other)));
}

#[test]
fn names_of_schemas_are_made_valid_where_that_is_wanted() {
    let name = |mode: &str| {
        let options = [("topic.replacement", "1-all.cust_é"), ("schema.name.adjustment.mode", mode)];
        name_of(&routed(&options, key(SHARD, 7), nothing()).key).unwrap()
    };
    assert_eq!(name("none"), "1-all.cust_é.Key");
    assert_eq!(name("avro"), "__all.cust__.Key");
    assert_eq!(name("avro_unicode"), "_u0031_u002dall.cust_u005f_u00e9.Key");
}

#[test]
fn an_expression_for_the_table_needs_its_replacement() {
    let properties = BTreeMap::from(
        [
            ("transforms", "t"),
            ("transforms.t.type", CLASS),
            ("transforms.t.topic.regex", "a"),
            ("transforms.t.topic.replacement", "b"),
            ("transforms.t.key.field.regex", "c"),
        ]
        .map(|(key, value)| (key.to_owned(), value.to_owned())),
    );
    let error = Transforms::new(&Classes::default(), &properties).unwrap_err().remove(0);
    assert_eq!(error.key, "transforms.t.key.field.replacement");
    assert_eq!(error.message, "key.field.replacement must be non-empty if key.field.regex is set.");
}
