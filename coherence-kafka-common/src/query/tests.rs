//! Against what Java writes for the same objects: `tests/vectors/query.jsonl`, from the program of the integration tests
//! that makes them, and `tests/vectors/pof-agents.jsonl`.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::*;
use crate::map::Format;
use crate::pof::PofContext;
use crate::serializer::SerializerError;
use crate::serializer::json::JsonClasses;

#[derive(Debug, Clone, Serialize)]
struct Item {
    name: Option<String>,
    count: i32,
    price: f64,
    tags: Vec<String>,
    maker: Option<Address>,
    rank: Option<i32>,
    version: i32,
}

#[derive(Debug, Clone, Serialize)]
struct Address {
    street: Option<String>,
    city: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
struct Person {
    name: Option<String>,
    age: i32,
    address: Option<Address>,
}

fn item(version: i32) -> Item {
    Item {
        name: Some("washer".to_owned()),
        count: 7,
        price: 0.25,
        tags: vec!["steel".to_owned()],
        maker: Some(Address { street: None, city: Some("Brno".to_owned()) }),
        rank: Some(2),
        version,
    }
}

fn prague() -> Address {
    Address { street: Some("Main Street".to_owned()), city: Some("Prague".to_owned()) }
}

fn city() -> Extractor {
    Extractor::chained(["maker", "city"])
}

type Binary = Box<dyn Fn(Format) -> Result<Vec<u8>, SerializerError>>;

fn pof() -> PofContext {
    let classes = PofContext::builder().user_type("Person", 1001).portable_object("Address", 1002);
    classes.portable_object("Item", 1007).build().unwrap()
}

fn json() -> JsonClasses {
    JsonClasses::default().class("Address", "Address").class("Item", "shop.Item").class("Person", "Person")
}

macro_rules! named {
    ($($name:literal: $agent:expr,)*) => {
        vec![$(($name, {
            let agent = $agent;
            Box::new(move |format| Ok(agent.to_binary(format, &pof(), &json())?.to_vec())) as Binary
        })),*]
    };
}

fn extractors_and_filters() -> Vec<(&'static str, Binary)> {
    named! {
        "x-identity": Extractor::identity(),
        "x-property": Extractor::property("count"),
        "x-method": Extractor::property("getCount()"),
        "x-key-property": Extractor::key_property("length()"),
        "x-reflection": Extractor::method("getCount"),
        "x-reflection-arguments": Extractor::method_with("compareTo", ["x"]),
        "x-key": Extractor::key(),
        "x-chained": city(),
        "x-multi": Extractor::several(["name", "count"]),
        "x-pof": Extractor::pof([1]),
        "x-pof-path": Extractor::pof([4, 1]),
        "x-pof-key": Extractor::key_pof([0]),
        "always": Filter::always(),
        "never": Filter::never(),
        "present": Filter::present(),
        "not": !Filter::equal("count", 5),
        "all": Filter::all([Filter::greater("count", 3), Filter::like("name", "b%")]),
        "any": Filter::any([Filter::less("count", 3), Filter::like("name", "b%")]),
        "and": Filter::greater("count", 3).and(Filter::like("name", "b%")),
        "or": Filter::less("count", 3).or(Filter::like("name", "b%")),
        "xor": Filter::greater("count", 3).xor(Filter::like("name", "b%")),
        "equal": Filter::equal("count", 5),
        "equal-text": Filter::equal("name", "bolt"),
        "equal-object": Filter::equal("maker", prague()),
        "equal-chained": Filter::equal(city(), "Prague"),
        "equal-reflection": Filter::equal(Extractor::method("getCount"), 5),
        "equal-key": Filter::equal(Extractor::key(), "b"),
        "equal-pof": Filter::equal(Extractor::pof([4, 1]), "Prague"),
        "not-equal": Filter::not_equal("count", 5),
        "less": Filter::less("count", 5),
        "less-equal": Filter::less_or_equal("count", 5),
        "greater": Filter::greater("price", 1.5),
        "greater-equal": Filter::greater_or_equal("price", 1.5),
        "between": Filter::between("count", 3..=7),
        "between-open": Filter::between("count", (std::ops::Bound::Excluded(3), std::ops::Bound::Excluded(7))),
        "between-half-open": Filter::between("count", 3..7),
        "like": Filter::like("name", "%ut%"),
        "like-any-case": Filter::like_in_any_case("name", "B_lt"),
        "like-escaped": Filter::like_with_escape("name", "10\\%%", '\\'),
        "regex": Filter::matches("name", "b.*t"),
        "in": Filter::is_in("count", [3, 99, 5]),
        "contains": Filter::contains("tags", "steel"),
        "contains-any": Filter::contains_any("tags", ["brass", "cheap"]),
        "contains-all": Filter::contains_all("tags", ["steel", "cheap"]),
        "is-null": Filter::is_null("rank"),
        "is-not-null": Filter::is_not_null("rank"),
        "keys": Filter::keys(["a", "c", "zz"]),
        "keys-where": Filter::equal("count", 5).among(["a", "b"]),
        "events-all": EventFilter::all(),
        "events-inserted": EventFilter::of([Change::Inserted]),
        "events-key-set": EventFilter::of_where(
            [Change::Inserted, Change::Deleted, Change::Entered, Change::Left],
            Filter::less("count", 5),
        ),
        "events-transformed": EventFilter::all().extracting("count"),
    }
}

fn processors_and_aggregators() -> Vec<(&'static str, Binary)> {
    let counts = || Aggregator::<i32>::count();
    named! {
        "put-if-absent": Processor::put_if_absent(item(0)),
        "put-if": Processor::put_if(Filter::equal("count", 5), item(0)),
        "put-all-if-present": Processor::put_all_if(Filter::present(), [("a", item(0)), ("zz", item(3))]),
        "remove-if": Processor::<()>::remove_if(Filter::less("count", 5)),
        "extract": Processor::<i32>::extract("count"),
        "update": Processor::update("count", 60),
        "update-method": Processor::update("setCount()", 60),
        "update-reflection": Processor::update(Updater::method("setCount"), 60),
        "update-pof": Processor::update(Updater::pof([1]), 60),
        "update-chained": Processor::update(Updater::within("maker", "city"), "Oslo"),
        "increment": Processor::increment("Count", 2),
        "increment-post": Processor::increment_after("Count", 2),
        "increment-double": Processor::increment("Price", 0.5),
        "increment-by-pof": Processor::increment_pof([1], 2),
        "multiply": Processor::multiply("Count", 3),
        "versioned-put": Processor::versioned_put(item(0), false),
        "versioned-put-all": Processor::versioned_put_all([("zz", item(3)), ("a", item(0))], true),
        "conditional": Processor::<String>::extract("name").only_if(Filter::equal("count", 5)),
        "preload": Processor::preload(),
        "touch": Processor::touch(),
        "count": counts(),
        "long-sum": Aggregator::long_sum("count"),
        "double-sum": Aggregator::double_sum("price"),
        "decimal-sum": Aggregator::sum("price"),
        "min": Aggregator::<Option<String>>::min("name"),
        "max": Aggregator::<Option<String>>::max("name"),
        "average": Aggregator::double_average("count"),
        "decimal-average": Aggregator::average("count"),
        "distinct": Aggregator::<Vec<i32>>::distinct("count"),
        "extracted": Aggregator::<std::collections::HashMap<String, i32>>::extracted("count"),
        "group": counts().by::<i32>("count"),
        "group-having": counts().by_having::<i32>("count", Filter::greater(Extractor::identity(), 1)),
        "top": Aggregator::<Vec<i32>>::top("count", 3),
        "bottom": Aggregator::<Vec<i32>>::bottom("count", 3),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

/// Rows of a file, by their names.
fn rows(file: &str) -> BTreeMap<String, serde_json::Value> {
    let row = |line| -> serde_json::Value { serde_json::from_str(line).unwrap() };
    file.lines().map(row).map(|row| (row["name"].as_str().unwrap().to_owned(), row)).collect()
}

/// Java's captures that the builders here do not have a word for.
const NOT_BUILT: [&str; 13] = [
    // Other classes do the same: BigDecimalSum and its like, ComparableMin and ComparableMax.
    "decimal-max",
    "decimal-min",
    "double-max",
    "double-min",
    "long-max",
    "long-min",
    // A type of the property, which the grid reads from POF.
    "x-pof-int",
    // Tested below, under the names of pof-agents.jsonl, or without returning anything.
    "events-new-values",
    "events-transformed-new",
    "put",
    "remove",
    "versioned-put-insert",
    // Of several types of results.
    "several",
];

#[test]
fn every_class_has_the_bytes_of_java_in_both_formats() {
    let rows = rows(include_str!("../../tests/vectors/query.jsonl"));
    let mut open: BTreeSet<_> = rows.keys().cloned().collect();
    for (name, binary) in extractors_and_filters().into_iter().chain(processors_and_aggregators()) {
        let row = &rows[name];
        assert_eq!(hex(&binary(Format::Pof).unwrap()), row["pof"].as_str().unwrap(), "{name}");
        match row["json"].as_str() {
            Some(text) => {
                let binary = binary(Format::Json).unwrap();
                let text = short(text);
                let written = std::str::from_utf8(&binary[1..]).unwrap();
                match text.contains(r#""@class":"Address""#) {
                    // The fields of a struct stand in the order of Rust.
                    true => assert_eq!(tree(written), tree(&text), "{name}"),
                    false => assert_eq!(written, text, "{name}"),
                }
            }
            None => {
                let error = binary(Format::Json).unwrap_err().to_string();
                assert!(error.contains("grids do not have it there"), "{name}: {error}");
            }
        }
        assert!(open.remove(name), "{name} twice");
    }
    for name in NOT_BUILT.iter().copied().chain(["composite"]) {
        assert!(open.remove(name), "{name}");
    }
    assert!(open.is_empty(), "{open:?}");
}

fn tree(text: &str) -> serde_json::Value {
    serde_json::from_str(text).unwrap()
}

/// Java's newest releases write a longer alias than they read; older ones know the shorter alone.
fn short(text: &str) -> String {
    let families = ["aggregator", "comparator", "extractor", "filter", "processor"];
    families.iter().fold(text.to_owned(), |text, family| {
        text.replace(&format!(r#""@class":"util.{family}."#), &format!(r#""@class":"{family}."#))
    })
}

#[test]
fn captured_agents_of_pof_are_built_from_their_parts() {
    let rows = rows(include_str!("../../tests/vectors/pof-agents.jsonl"));
    let old = || Filter::less(Extractor::pof([1]), 51);
    let person = Person { name: Some("N".to_owned()), age: 51, address: None };
    let built = named! {
        "AlwaysFilter": Filter::always(),
        "NeverFilter": Filter::never(),
        "PresentFilter": Filter::present(),
        "NotFilter(Present)": !Filter::present(),
        "MapEventFilter all": EventFilter::all(),
        "MapEventFilter 7 always": EventFilter::where_value(Filter::always()),
        "MapEventFilter inserts": EventFilter::of([Change::Inserted]),
        "InKeySetFilter": Filter::keys(["k1"]),
        "ConditionalRemove(always, return true)": Processor::<()>::remove_if(Filter::always()),
        "ConditionalRemove(never, return true)": Processor::<()>::remove_if(Filter::never()),
        "ConditionalPut(always, return)": Processor::put_if(Filter::always(), "v1"),
        "ConditionalPutAll(never)": Processor::put_all_if(Filter::never(), [("k1", "v1")]),
        "TouchProcessor": Processor::touch(),
        "PreloadRequest": Processor::preload(),
        "ExtractorProcessor(identity)": Processor::<String>::extract(Extractor::identity()),
        "Count": Aggregator::<i32>::count(),
        "IdentityExtractor": Extractor::identity(),
        "UniversalExtractor age": Extractor::property("age"),
        "PofExtractor index 1": Extractor::pof([1]),
        "UpdaterProcessor(PofUpdater 1)": Processor::update(Updater::pof([1]), 60),
        "EqualsFilter(PofExtractor 1, 50)": Filter::equal(Extractor::pof([1]), 50),
        "LessFilter(PofExtractor 1, 50)": Filter::less(Extractor::pof([1]), 50),
        "VersionedPut alike: ConditionalPut(Less(PofExtractor 1, 51), Person)":
            Processor::put_if((!Filter::present()).or(old()), person),
    };
    for (name, binary) in built {
        assert_eq!(hex(&binary(Format::Pof).unwrap()), rows[name]["hex"].as_str().unwrap(), "{name}");
    }
}

#[test]
fn a_debug_text_holds_no_values() {
    let filter = Filter::equal("city", "Secret").and(Filter::keys([7_777_777]));
    let text = format!("{filter:?}");
    assert!(text.contains("EqualsFilter") && text.contains("city"), "{text}");
    assert!(!text.contains("Secret") && !text.contains("7777777"), "{text}");
}

#[test]
fn a_value_without_a_class_is_an_error_of_the_query() {
    let filter = Filter::equal("maker", prague());
    let error = filter.to_binary(Format::Pof, &PofContext::default(), &json()).unwrap_err();
    assert!(error.to_string().contains("Address"), "{error}");
}

#[test]
fn decimals_come_from_both_formats() {
    let decimal = Decimal { unscaled: -1250, scale: 2 };
    assert_eq!((decimal.to_string(), decimal.to_f64()), ("-12.50".to_owned(), -12.5));
    let binary = [0x15, 0x47, 0xE1, 0x13, 0x02];
    let value = crate::pof::serde::from_binary::<Option<Decimal>>(&pof(), &binary);
    assert_eq!(value.unwrap(), Some(decimal));
    let texts = [
        (r#"{"@class":"math.BigDec","value":"-12.50"}"#, decimal),
        (r#"{"@class":"math.BigDec","value":"1E+3"}"#, Decimal { unscaled: 1, scale: -3 }),
        (r#"{"@class":"math.BigDec","value":"0E-8"}"#, Decimal { unscaled: 0, scale: 8 }),
    ];
    for (text, expected) in texts {
        let binary = format!("\x15{text}");
        let value = crate::serializer::json::from_binary::<Decimal>(binary.as_bytes(), &json());
        assert_eq!(value.unwrap(), expected);
    }
}
