//! Queries, processors, aggregators and filters of listeners, in both formats: what Rust gets is what Java gets for the same
//! on the same entries.

use std::collections::HashMap;
use std::fs;

use coherence_client::query::Decimal;
use coherence_client::{
    Aggregator, Change, Classes, EventFilter, EventKind, Extractor, Filter, Format, GrpcSession, JsonClasses,
    MapError, PofContext, Processor, Select, SessionOptions, TypedEvent, TypedMap, TypedMapError,
    TypedNotice, Updater,
};
use futures::StreamExt;
use futures::stream::BoxStream;
use integration_tests::grid::{Grid, GridTool};
use integration_tests::sandbox::unique;
use integration_tests::{require_peers, shared};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};

use crate::docs::root;
use crate::flow::SOON;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Item {
    name: Option<String>,
    count: i32,
    price: f64,
    tags: Vec<String>,
    maker: Option<Address>,
    rank: Option<i32>,
    version: i32,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Address {
    street: Option<String>,
    city: Option<String>,
}

fn text(text: &str) -> Option<String> {
    Some(text.to_owned())
}

fn address(street: Option<&str>, city: &str) -> Address {
    Address { street: street.map(str::to_owned), city: text(city) }
}

fn item(
    name: &str,
    count: i32,
    price: f64,
    tags: &[&str],
    maker: Option<Address>,
    rank: Option<i32>,
) -> Item {
    let tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    Item { name: text(name), count, price, tags, maker, rank, version: i32::from(name != "bolt") }
}

fn items() -> [(&'static str, Item); 6] {
    let prague = Some(address(Some("Main Street"), "Prague"));
    [
        ("a", item("bolt", 5, 1.5, &["steel", "cheap"], prague, Some(1))),
        ("b", item("nut", 3, 0.5, &["brass"], Some(address(None, "Brno")), None)),
        ("c", item("10% butter", 7, 2.25, &[], None, Some(3))),
        ("d", item("belt", 5, 1.0, &["steel"], Some(address(Some("Side Street"), "Prague")), None)),
        ("e", item("rivet", 99, 10.0, &["cheap", "steel", "brass"], None, Some(2))),
        ("f", item("b", 0, 0.0, &[], None, None)),
    ]
}

/// The item that the processors of `Agents.java` put.
fn washer(version: i32) -> Item {
    Item { version, ..item("washer", 7, 0.25, &["steel"], Some(address(None, "Brno")), Some(2)) }
}

/// As Java prints an item.
fn printed(item: &Item) -> String {
    let or_null = |text: Option<String>| text.unwrap_or_else(|| "null".to_owned());
    let Item { name, count, price, tags, maker, rank, version } = item.clone();
    let maker =
        maker.map(|Address { street, city }| format!("Address{{{}, {}}}", or_null(street), or_null(city)));
    let (name, rank, tags) = (or_null(name), or_null(rank.map(|rank| rank.to_string())), tags.join(", "));
    format!("Item{{{name}, {count}, {price:?}, [{tags}], {}, {rank}, {version}}}", or_null(maker))
}

fn classes() -> Classes {
    let pof = PofContext::builder().portable_object("Item", 1007).portable_object("Address", 1002);
    let json = JsonClasses::default().class("Item", "shop.Item").class("Address", "Address");
    Classes { pof: pof.build().unwrap(), json }
}

/// A map of items on a grid, and Java's view of the same.
struct Both {
    session: GrpcSession,
    tool: &'static GridTool,
    name: String,
    map: TypedMap<String, Item>,
    format: Format,
}

impl Both {
    async fn new(grid: &'static Grid, format: Format) -> Self {
        let options = SessionOptions { addresses: vec![grid.address()], format, ..SessionOptions::default() };
        let session = GrpcSession::new(options).unwrap();
        let name = unique("query");
        let map = TypedMap::open(&session, &name, &classes()).await.unwrap();
        let both = Self { session, tool: grid.tool(), name, map, format };
        both.fill().await;
        both
    }

    async fn fill(&self) {
        self.map.clear().await.unwrap();
        let items = items();
        self.map.put_all(items.iter().map(|(key, item)| (*key, item))).await.unwrap();
    }

    async fn selects(&self, name: &str, filter: &Filter) {
        let java = self.tool.answer("select", &self.name, name, None).unwrap();
        let mut keys = self.map.keys_where(filter).await.unwrap();
        keys.sort();
        assert_eq!(json!(keys), java, "{name} in {}", self.format);
        let mut entries = self.map.entries_where(filter).await.unwrap();
        entries.sort_by(|a, b| a.0.cmp(&b.0));
        let all = items();
        let expected: Vec<_> = all.into_iter().filter(|(key, _)| keys.iter().any(|k| k == key)).collect();
        assert_eq!(entries, owned(expected), "{name} in {}", self.format);
        assert_eq!(self.map.values_where(filter).await.unwrap().len(), keys.len());
    }

    async fn aggregates<R: DeserializeOwned>(&self, name: &str, agent: Aggregator<R>, shown: fn(R) -> Json) {
        for (filter, select) in [
            (None, Select::All),
            (Some("less"), Filter::less("count", 5).into()),
            (Some("never"), Filter::never().into()),
        ] {
            let java = self.tool.answer("aggregate", &self.name, name, filter).unwrap();
            let result = self.map.aggregate(select, &agent).await;
            let empty = java == json!([]) || java == json!({});
            if self.format == Format::Json && empty && ["distinct", "extracted"].contains(&name) {
                // A grid does not have Java's empty set and map in JSON, and refuses them as a result.
                let refused = matches!(result, Err(TypedMapError::Map(MapError::Refused(_))));
                assert!(refused, "{name} of {filter:?}: {:?}", result.map(shown));
                continue;
            }
            assert_eq!(shown(result.unwrap()), java, "{name} of {filter:?} in {}", self.format);
        }
    }

    /// Runs the processor by Java and by Rust on the same entries.
    async fn processes<R: DeserializeOwned>(&self, name: &str, agent: Processor<R>, shown: fn(R) -> Json) {
        self.fill().await;
        let java = self.tool.answer("invoke", &self.name, name, None).unwrap();
        let left = self.tool.entries(&self.name).unwrap();
        self.fill().await;
        let results = self.map.invoke_all(Select::All, &agent).await.unwrap();
        let rust: HashMap<_, _> =
            results.into_iter().map(|(key, result)| (key, result.map_or(Json::Null, shown))).collect();
        assert_eq!(json!(rust), java, "{name} in {}", self.format);
        assert_eq!(self.tool.entries(&self.name).unwrap(), left, "{name} in {}", self.format);
    }
}

fn owned(items: Vec<(&str, Item)>) -> Vec<(String, Item)> {
    items.into_iter().map(|(key, item)| (key.to_owned(), item)).collect()
}

fn same<R: Serialize>(result: R) -> Json {
    json!(result)
}

fn number(result: Option<Decimal>) -> Json {
    result.map_or(Json::Null, |number| serde_json::from_str(&number.to_string()).unwrap())
}

/// Java's set has no order, nor has its list of distinct values.
fn sorted(mut result: Vec<i32>) -> Json {
    result.sort_by_key(ToString::to_string);
    json!(result)
}

fn city() -> Extractor {
    Extractor::chained(["maker", "city"])
}

fn filters() -> Vec<(&'static str, Filter)> {
    vec![
        ("always", Filter::always()),
        ("never", Filter::never()),
        ("present", Filter::present()),
        ("not", !Filter::equal("count", 5)),
        ("all", Filter::all([Filter::greater("count", 3), Filter::like("name", "b%")])),
        ("any", Filter::any([Filter::less("count", 3), Filter::like("name", "b%")])),
        ("and", Filter::greater("count", 3).and(Filter::like("name", "b%"))),
        ("or", Filter::less("count", 3).or(Filter::like("name", "b%"))),
        ("xor", Filter::greater("count", 3).xor(Filter::like("name", "b%"))),
        ("equal", Filter::equal("count", 5)),
        ("equal-text", Filter::equal("name", "bolt")),
        ("equal-object", Filter::equal("maker", address(Some("Main Street"), "Prague"))),
        ("equal-chained", Filter::equal(city(), "Prague")),
        ("equal-reflection", Filter::equal(Extractor::method("getCount"), 5)),
        ("equal-key", Filter::equal(Extractor::key(), "b")),
        ("not-equal", Filter::not_equal("count", 5)),
        ("less", Filter::less("count", 5)),
        ("less-equal", Filter::less_or_equal("count", 5)),
        ("greater", Filter::greater("price", 1.5)),
        ("greater-equal", Filter::greater_or_equal("price", 1.5)),
        ("between", Filter::between("count", 3..=7)),
        ("between-half-open", Filter::between("count", 3..7)),
        ("like", Filter::like("name", "%ut%")),
        ("like-any-case", Filter::like_in_any_case("name", "B_lt")),
        ("like-escaped", Filter::like_with_escape("name", "10\\%%", '\\')),
        ("regex", Filter::matches("name", "b.*t")),
        ("in", Filter::is_in("count", [5, 3, 99])),
        ("contains", Filter::contains("tags", "steel")),
        ("contains-any", Filter::contains_any("tags", ["brass", "cheap"])),
        ("contains-all", Filter::contains_all("tags", ["steel", "cheap"])),
        ("is-null", Filter::is_null("rank")),
        ("is-not-null", Filter::is_not_null("rank")),
        ("keys", Filter::keys(["a", "c", "zz"])),
        ("keys-where", Filter::equal("count", 5).among(["a", "b"])),
    ]
}

async fn answers_as_java_gets_them(grid: &'static Grid, format: Format) {
    let both = Both::new(grid, format).await;
    for (name, filter) in filters() {
        both.selects(name, &filter).await;
    }
    for extractor in [Extractor::property("count"), city()] {
        both.map.add_index(&extractor, true).await.unwrap();
    }
    for (name, filter) in filters() {
        both.selects(name, &filter).await;
    }
    both.map.remove_index("count").await.unwrap();

    let count = Aggregator::<i32>::count;
    both.aggregates("count", count(), same).await;
    both.aggregates("min", Aggregator::<Option<String>>::min("name"), same).await;
    both.aggregates("max", Aggregator::<Option<String>>::max("name"), same).await;
    both.aggregates("distinct", Aggregator::distinct("count"), sorted).await;
    both.aggregates("extracted", Aggregator::<HashMap<String, i32>>::extracted("count"), same).await;
    both.aggregates("group", count().by::<i32>("count"), same).await;
    let several_times = Filter::greater(Extractor::identity(), 1);
    both.aggregates("group-having", count().by_having::<i32>("count", several_times), same).await;
    let keys = vec!["a".to_owned(), "c".to_owned(), "zz".to_owned()];
    assert_eq!(both.map.aggregate(keys, &count()).await, Ok(2));

    let shown = |item: Item| json!(printed(&item));
    both.processes("put-if-absent", Processor::put_if_absent(washer(0)), shown).await;
    both.processes("put-if", Processor::put_if(Filter::equal("count", 5), washer(0)), shown).await;
    let entries = || [("a", washer(0)), ("zz", washer(3))];
    both.processes("put-all-if-present", Processor::put_all_if(Filter::present(), entries()), same).await;
    both.processes("remove-if", Processor::<Item>::remove_if(Filter::less("count", 5)), shown).await;
    both.processes("extract", Processor::<i32>::extract("count"), same).await;
    both.processes("update", Processor::update("count", 60), same).await;
    both.processes("increment", Processor::increment("Count", 2), same).await;
    both.processes("increment-post", Processor::increment_after("Count", 2), same).await;
    both.processes("increment-double", Processor::increment("Price", 0.5), same).await;
    both.processes("multiply", Processor::multiply("Count", 3), same).await;
    both.processes("versioned-put", Processor::versioned_put(washer(0), false), shown).await;
    both.processes("versioned-put-all", Processor::versioned_put_all(entries(), true), shown).await;
    let name_of_five = Processor::<String>::extract("name").only_if(Filter::equal("count", 5));
    both.processes("conditional", name_of_five, same).await;
    both.processes("preload", Processor::preload(), same).await;
    both.processes("touch", Processor::touch(), same).await;

    // One key, which need not be present.
    assert_eq!(both.map.invoke("zz", &Processor::put_if_absent(washer(0))).await, Ok(None));
    assert_eq!(both.map.invoke("zz", &Processor::put_if_absent(washer(1))).await, Ok(Some(washer(0))));
    assert_eq!(both.map.invoke("zz", &Processor::increment("Count", 1)).await, Ok(Some(8)));
    assert_eq!(both.map.get("zz").await.unwrap().unwrap().count, 8);

    if format == Format::Json {
        // Members of a grid exchange parts of a sum in a class that JSON does not have, whichever client asks.
        both.tool.answer("aggregate", &both.name, "decimal-sum", None).unwrap_err();
        let refused = both.map.aggregate(Select::All, &Aggregator::sum("price")).await.unwrap_err();
        assert!(refused.to_string().contains("Unable to find type or package alias"), "{refused:?}");
    }
    if format == Format::Pof {
        both.fill().await;
        both.aggregates("top", Aggregator::<Vec<i32>>::top("count", 3), same).await;
        both.aggregates("bottom", Aggregator::<Vec<i32>>::bottom("count", 3), same).await;
        both.aggregates("decimal-sum", Aggregator::sum("price"), number).await;
        both.aggregates("decimal-average", Aggregator::average("count"), number).await;
        both.selects("equal-pof", &Filter::equal(Extractor::pof([4, 1]), "Prague")).await;
        both.aggregates("long-sum", Aggregator::long_sum("count"), same).await;
        both.aggregates("double-sum", Aggregator::double_sum("price"), same).await;
        both.aggregates("average", Aggregator::double_average("count"), same).await;
        both.processes("update-pof", Processor::update(Updater::pof([1]), 60), same).await;
        both.processes("update-reflection", Processor::update(Updater::method("setCount"), 60), same).await;
        both.processes("increment-by-pof", Processor::increment_pof([1], 2), same).await;
    }
    both.session.close().await;
}

#[tokio::test]
async fn queries_in_pof_are_answered_as_java_gets_them() {
    require_peers!();
    answers_as_java_gets_them(shared::grid(), Format::Pof).await;
}

#[tokio::test]
async fn queries_in_json_are_answered_as_java_gets_them() {
    require_peers!();
    answers_as_java_gets_them(shared::json_grid(), Format::Json).await;
}

/// The file that holds the builders to the byte is what the grids of these tests write.
#[test]
fn the_captured_agents_are_those_of_java() {
    require_peers!();
    let file = root().join("coherence-kafka-common/tests/vectors/query.jsonl");
    for line in fs::read_to_string(file).unwrap().lines() {
        let row: Json = serde_json::from_str(line).unwrap();
        let name = row["name"].as_str().unwrap();
        let pof = shared::grid().tool().agent(name).unwrap();
        let hex: String = pof.iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(hex, row["pof"], "{name}");
        let json = shared::json_grid().tool().agent(name);
        match row["json"].as_str() {
            Some(text) => assert_eq!(json.unwrap(), format!("\x15{text}").into_bytes(), "{name}"),
            None => assert!(json.is_err(), "{name}"),
        }
    }
}

type Notices<V> = BoxStream<'static, TypedNotice<String, V>>;

/// The next change: its kind, its key, the values before and after.
async fn told<V: std::fmt::Debug>(notices: &mut Notices<V>) -> (EventKind, String, Option<V>, Option<V>) {
    match tokio::time::timeout(SOON, notices.next()).await {
        Ok(Some(TypedNotice::Event(TypedEvent { kind, key, old_value, new_value, .. }))) => {
            (kind, key, old_value, new_value)
        }
        other => panic!("no event: {other:?}"),
    }
}

async fn listeners_hear_what_their_filter_is_about(grid: &'static Grid, format: Format) {
    let both = Both::new(grid, format).await;
    let entering = [Change::Inserted, Change::Deleted, Change::Entered, Change::Left];
    let few = EventFilter::of_where(entering, Filter::less("count", 5));
    let mut few = both.map.listen_where(&few).await.unwrap();
    let mut counts = both.map.listen_extracted::<i32>(&EventFilter::all().extracting("count")).await.unwrap();
    let new = EventFilter::where_value(Filter::always()).extracting_new("count");
    let mut new = both.map.listen_extracted::<i32>(&new).await.unwrap();
    for count in [6, 4, 2, 8] {
        both.map.invoke("a", &Processor::update("count", count)).await.unwrap();
    }
    let bolt = |count| Some(Item { count, ..items()[0].1.clone() });
    let key = || "a".to_owned();
    assert_eq!(told(&mut few).await, (EventKind::Updated, key(), bolt(6), bolt(4)));
    assert_eq!(told(&mut few).await, (EventKind::Updated, key(), bolt(2), bolt(8)));
    for (old, count) in [(5, 6), (6, 4), (4, 2), (2, 8)] {
        assert_eq!(told(&mut counts).await, (EventKind::Updated, key(), Some(old), Some(count)));
        assert_eq!(told(&mut new).await, (EventKind::Updated, key(), None, Some(count)));
    }
    both.session.close().await;
}

#[tokio::test]
async fn listeners_in_pof_hear_what_their_filter_is_about() {
    require_peers!();
    listeners_hear_what_their_filter_is_about(shared::grid(), Format::Pof).await;
}

#[tokio::test]
async fn listeners_in_json_hear_what_their_filter_is_about() {
    require_peers!();
    listeners_hear_what_their_filter_is_about(shared::json_grid(), Format::Json).await;
}
