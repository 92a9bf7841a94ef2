use std::borrow::Cow;

use super::*;
use crate::data::{SchemaAndValue, Value};
use crate::record::Header;
use crate::transform::{PredicateClass, TransformClass};

fn properties(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn chain(pairs: &[(&str, &str)]) -> Transforms {
    Transforms::new(&Classes::default(), &properties(pairs)).unwrap()
}

/// Keys and messages of everything that is refused.
fn refused(pairs: &[(&str, &str)]) -> Vec<(String, String)> {
    let errors = Transforms::new(&Classes::default(), &properties(pairs)).unwrap_err();
    errors.into_iter().map(|error| (error.key, error.message)).collect()
}

fn of(value: Value<'_>) -> SchemaAndValue<'_> {
    SchemaAndValue { schema: None, value }
}

fn record(value: Value<'_>) -> Record<'_> {
    Record {
        topic: Cow::Borrowed("orders"),
        partition: Some(3),
        offset: Some(42),
        timestamp: Some(0),
        key: of(Value::Int32(1)),
        value: of(value),
        headers: Vec::new(),
    }
}

#[test]
fn no_transforms_change_nothing() {
    let none = chain(&[("name", "sink"), ("predicates", ""), ("transforms", " ")]);
    assert!(none.is_empty() && !none.uses_headers());
    assert_eq!(none.apply(record(Value::Null)), Ok(Some(record(Value::Null))));
}

#[test]
fn transforms_are_applied_in_the_order_of_the_list() {
    let chain = chain(&[
        ("transforms", "outer, a.b"),
        ("transforms.a.b.type", " org.apache.kafka.connect.transforms.HoistField$Value "),
        ("transforms.a.b.field", "second"),
        ("transforms.a.b.not.read", "this"),
        ("transforms.outer.type", "org.apache.kafka.connect.transforms.HoistField$Value"),
        ("transforms.outer.field", "first"),
        ("transforms.unused.type", "Nothing"),
    ]);
    let value = chain.apply(record(Value::Int64(7))).unwrap().unwrap().value.value;
    let inner = Value::Map(vec![(Value::String("first".into()), Value::Int64(7))]);
    assert_eq!(value, Value::Map(vec![(Value::String("second".into()), inner)]));
}

#[test]
fn a_dropped_record_reaches_no_further_transform() {
    let failing = TransformClass {
        class: "Failing",
        settings: ConfigDef { keys: &[] },
        create: |_| Ok(Box::new(Failing)),
    };
    let classes = Classes::default().with_transform(failing);
    let new = |order| {
        let pairs =
            [("transforms", order), ("transforms.f.type", "Filter"), ("transforms.x.type", "Failing")];
        Transforms::new(&classes, &properties(&pairs)).unwrap()
    };
    assert_eq!(new("f,x").apply(record(Value::Null)), Ok(None));
    let chain = new("x,f");
    let failure = chain.apply(record(Value::Null)).unwrap_err();
    assert_eq!((failure.class, failure.error.message()), ("Failing", "no"));
    assert_eq!(failure.to_string(), "Failing failed");
}

#[derive(Debug)]
struct Failing;

impl Transform for Failing {
    fn apply<'a>(&'a self, _: Record<'a>) -> Result<Option<Record<'a>>, ConnectError> {
        Err(ConnectError::data("no"))
    }

    fn class_name(&self) -> &'static str {
        "Failing"
    }
}

#[test]
fn a_transform_is_applied_where_its_predicate_holds_or_where_it_does_not() {
    let pairs = [
        ("predicates", "tombstone"),
        ("predicates.tombstone.type", "RecordIsTombstone"),
        ("transforms", "drop"),
        ("transforms.drop.type", "Filter"),
        ("transforms.drop.predicate", "tombstone"),
    ];
    let dropping = chain(&pairs);
    assert_eq!(dropping.apply(record(Value::Null)), Ok(None));
    assert!(dropping.apply(record(Value::Int8(1))).unwrap().is_some());
    let keeping = chain(&[&pairs[..], &[("transforms.drop.negate", "TRUE")]].concat());
    assert!(keeping.apply(record(Value::Null)).unwrap().is_some());
    assert_eq!(keeping.apply(record(Value::Int8(1))), Ok(None));
}

#[test]
fn headers_are_used_where_a_transform_or_a_predicate_asks_for_them() {
    let pairs = [
        ("predicates", "marked"),
        ("predicates.marked.type", "org.apache.kafka.connect.transforms.predicates.HasHeaderKey"),
        ("predicates.marked.name", "mark"),
        ("transforms", "drop"),
        ("transforms.drop.type", "Filter"),
    ];
    assert!(!chain(&pairs).uses_headers());
    let conditional = chain(&[&pairs[..], &[("transforms.drop.predicate", "marked")]].concat());
    assert!(conditional.uses_headers());
    let header = Header { key: "mark".into(), data: of(Value::Null) };
    let marked = Record { headers: vec![header], ..record(Value::Null) };
    assert_eq!(conditional.apply(marked.clone()), Ok(None));
    assert!(conditional.apply(record(Value::Null)).unwrap().is_some());

    let removing = chain(&[
        ("transforms", "clean"),
        ("transforms.clean.type", "DropHeaders"),
        ("transforms.clean.headers", "other, mark"),
    ]);
    assert!(removing.uses_headers());
    assert_eq!(removing.apply(marked), Ok(Some(record(Value::Null))));
}

#[test]
fn everything_that_is_wrong_is_refused_at_once_by_its_full_name() {
    let errors = refused(&[
        ("predicates", "p,q"),
        ("predicates.p.type", "HasHeaderKey"),
        ("transforms", "a,a,b,c"),
        ("transforms.a.type", "org.apache.kafka.connect.transforms.HoistField$Key"),
        ("transforms.a.predicate", "r"),
        ("transforms.b.type", "DropHeaders"),
        ("transforms.b.headers", ""),
        ("transforms.b.negate", "false"),
        ("transforms.c.type", "Filter"),
        ("transforms.c.predicate", "q"),
        ("transforms.c.negate", "maybe"),
    ]);
    let expected = [
        (
            "predicates.p.name",
            "Missing required configuration \"predicates.p.name\" which has no default value.",
        ),
        (
            "predicates.q.type",
            "Missing required configuration \"predicates.q.type\" which has no default value.",
        ),
        ("transforms", "Invalid value [a, a, b, c] for configuration transforms: Duplicate alias provided."),
        (
            "transforms.a.predicate",
            "Invalid value r for configuration transforms.a.predicate: add r to the list of predicates",
        ),
        (
            "transforms.a.field",
            "Missing required configuration \"transforms.a.field\" which has no default value.",
        ),
        (
            "transforms.b.type",
            "Config 'transforms.b.negate' was provided but there is no config 'transforms.b.predicate' defining a \
             predicate to be negated.",
        ),
        (
            "transforms.b.headers",
            "Configuration 'headers' must not be empty. Valid values include: any non-empty value",
        ),
        (
            "transforms.c.negate",
            "Invalid value maybe for configuration transforms.c.negate: Expected value to be either true or false",
        ),
    ];
    assert_eq!(errors, expected.map(|(key, message)| (key.to_owned(), message.to_owned())));
}

#[test]
fn a_class_that_does_not_exist_is_refused_by_name_with_the_known_ones() {
    let refused = |class: &str| refused(&[("transforms", "a"), ("transforms.a.type", class)]).remove(0).1;
    let unknown = refused("com.acme.Shuffle");
    assert!(unknown.starts_with(
        "Invalid value com.acme.Shuffle for configuration transforms.a.type: Class com.acme.Shuffle could not be found; \
         known are "
    ));
    assert!(unknown.contains("org.apache.kafka.connect.transforms.Filter"));
    assert_eq!(
        refused("org.apache.kafka.connect.transforms.HoistField"),
        "This class is abstract and cannot be created. Did you mean org.apache.kafka.connect.transforms.HoistField$Key, \
         org.apache.kafka.connect.transforms.HoistField$Value?"
    );
    assert_eq!(
        refused("RecordIsTombstone"),
        "Class class org.apache.kafka.connect.transforms.predicates.RecordIsTombstone does not implement the \
         Transformation interface"
    );
}

#[test]
fn a_predicate_of_ones_own_is_found_by_its_name() {
    let odd = PredicateClass {
        class: "com.acme.OddPartition",
        settings: ConfigDef { keys: &[] },
        create: |_| Ok(Box::new(OddPartition)),
    };
    let pairs = [
        ("predicates", "odd"),
        ("predicates.odd.type", "OddPartition"),
        ("transforms", "drop"),
        ("transforms.drop.type", "Filter"),
        ("transforms.drop.predicate", "odd"),
    ];
    let classes = Classes::default().with_predicate(odd);
    let chain = Transforms::new(&classes, &properties(&pairs)).unwrap();
    assert_eq!(chain.apply(record(Value::Null)), Ok(None));
}

#[derive(Debug)]
struct OddPartition;

impl Predicate for OddPartition {
    fn test(&self, record: &Record<'_>) -> bool {
        record.partition.is_some_and(|partition| partition % 2 == 1)
    }

    fn class_name(&self) -> &'static str {
        "com.acme.OddPartition"
    }
}
