//! Rust types with serde's derives, through [`TypedMap`]: objects of Java classes, in both formats.

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::map::{EventKind, Expiry, Format};
use coherence_kafka_common::packed::DecodeError;
use coherence_kafka_common::pof::serde::JavaUuid;
use coherence_kafka_common::pof::{
    PofContext, PofObject, PofValue, UserTypeReader, UserTypeWriter, WriteError,
};
use coherence_kafka_common::serializer::json::JsonClasses;
use coherence_kafka_common::serializer::{PofObjectSerde, PofSerde};
use coherence_kafka_common::typed_map::{Classes, TypedEvent, TypedListenTo, TypedMap, TypedNotice};
use futures::StreamExt;
use futures::stream::BoxStream;
use integration_tests::grid::{Grid, Literal, Stays, Value};
use integration_tests::python::{PythonClient, Seen};
use integration_tests::sandbox::unique;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::json;

use super::Client;
use crate::flow::SOON;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Team {
    name: Option<String>,
    color: Option<Color>,
    captain: Option<Person>,
    #[serde(default)]
    members: Vec<Person>,
    points: Option<BTreeMap<String, i32>>,
    rank: Option<i32>,
    rating: f64,
    active: bool,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Person {
    name: Option<String>,
    age: i32,
    address: Option<Address>,
}

#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Address {
    street: Option<String>,
    city: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
enum Color {
    Red,
    Green,
}

/// A property for each method of `PofWriter`; what serde has no type for is a [`PofValue`].
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Order {
    id: i64,
    customer: Option<String>,
    paid: bool,
    lines: i16,
    priority: i8,
    weight: f64,
    price: PofValue,
    reference: Option<i128>,
    day: PofValue,
    time: PofValue,
    placed: PofValue,
    uuid: Option<JavaUuid>,
    color: Option<Color>,
    image: PofValue,
    quantities: Option<Vec<i32>>,
    tags: Option<Vec<String>>,
    stock: Option<BTreeMap<String, i32>>,
    address: Option<Address>,
    discount: Option<i32>,
    shipped: Option<Instant>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Instant {
    seconds: i64,
    nanos: i32,
}

fn classes() -> Classes {
    let pof = PofContext::builder()
        .user_type("Person", 1001)
        .user_type("Address", 1002)
        .user_type("Color", 1003)
        .user_type("Order", 1004)
        .user_type("Team", 1005)
        .coherence_type("Instant", 941);
    let json = JsonClasses::default()
        .class("Person", "Person")
        .class("Address", "Address")
        .class("Color", "Color")
        .class("Team", "sports.Team");
    Classes { pof: pof.build().unwrap(), json }
}

fn person(name: &str, age: i32, address: Option<(&str, &str)>) -> Person {
    let text = |text: &str| Some(text.to_owned());
    let address = address.map(|(street, city)| Address { street: text(street), city: text(city) });
    Person { name: text(name), age, address }
}

/// The teams of the grid tool.
fn teams() -> [Team; 2] {
    let none = Team {
        name: None,
        color: None,
        captain: None,
        members: vec![],
        points: None,
        rank: None,
        rating: 0.0,
        active: false,
    };
    let ann = person("Ann", 50, Some(("Main Street", "Prague")));
    let points = [("away", 0), ("home", 3)].map(|(place, points)| (place.to_owned(), points));
    let one = Team {
        name: Some("Zoë's 1".to_owned()),
        color: Some(Color::Green),
        captain: Some(ann.clone()),
        members: vec![ann, person("Bob", 0, None)],
        points: Some(points.into()),
        rank: Some(1),
        rating: 0.5,
        active: true,
    };
    [none, one]
}

/// One typed map of a [`Client`].
struct Typed<'c, V> {
    client: &'c Client,
    map: TypedMap<String, V>,
}

impl<'c, V: Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync + 'static> Typed<'c, V> {
    fn open(client: &'c Client, name: &str) -> Self {
        let map = client.runtime.block_on(TypedMap::open(&client.session, name, &classes()));
        Self { client, map: map.unwrap() }
    }

    fn put(&self, key: &str, value: &V) {
        let key = key.to_owned();
        self.client.runtime.block_on(self.map.put(&key, value)).unwrap();
    }

    fn get(&self, key: &str) -> Option<V> {
        self.client.runtime.block_on(self.map.get(&key.to_owned())).unwrap()
    }

    fn listen(&self) -> BoxStream<'static, TypedNotice<String, V>> {
        self.client.runtime.block_on(self.map.listen(TypedListenTo::All, false)).unwrap()
    }

    /// The next change that `notices` tell: what happened, the key, the values before and after.
    fn change(&self, notices: &mut BoxStream<'static, TypedNotice<String, V>>) -> Change<V> {
        let notice = self.client.runtime.block_on(async { tokio::time::timeout(SOON, notices.next()).await });
        let Ok(Some(TypedNotice::Event(TypedEvent { kind, key, old_value, new_value, .. }))) = notice else {
            panic!("no event: {notice:?}");
        };
        (kind, key, old_value, new_value)
    }

    fn inserted(key: &str, value: &V) -> Change<V> {
        (EventKind::Inserted, key.to_owned(), None, Some(value.clone()))
    }

    fn deleted(key: &str, value: &V) -> Change<V> {
        (EventKind::Deleted, key.to_owned(), Some(value.clone()), None)
    }
}

type Change<V> = (EventKind, String, Option<V>, Option<V>);

fn seen(class: &str, text: &str) -> Option<Value> {
    Some(Value { class: class.to_owned(), text: text.to_owned() })
}

/// Teams, and containers of objects, from Java to Rust, from Rust to Java, and heard by Rust.
fn exchanged_with_java(grid: &Grid, format: Format) {
    let (client, tool, name) = (Client::new(grid, format), grid.tool(), unique("typed"));
    let map = Typed::<Team>::open(&client, &name);
    let mut notices = map.listen();
    for (number, team) in ["0", "1"].into_iter().zip(teams()) {
        tool.put(&name, number, Literal::new("team", number)).unwrap();
        assert_eq!(map.change(&mut notices), Typed::inserted(number, &team));
        assert_eq!(map.get(number).as_ref(), Some(&team));
        map.put("of Rust", &team);
        assert_eq!(map.change(&mut notices), Typed::inserted("of Rust", &team));
        // Java holds what a Rust list was, which is never null, for an empty one.
        let by_java = tool.get(&name, number).unwrap().unwrap();
        let text = by_java.text.replace("null, null, null, null, null", "null, null, null, [], null");
        assert_eq!(tool.remove(&name, "of Rust").unwrap(), seen("Team", &text));
        assert_eq!(map.change(&mut notices), Typed::deleted("of Rust", &team));
    }

    let people = Typed::<Vec<Person>>::open(&client, &name);
    let list = [Literal::new("person", "Ann|50|a|b"), Literal::new("person", "Bob|0|c|d")];
    tool.put(&name, "people", Literal::of("list", list)).unwrap();
    let both = vec![person("Ann", 50, Some(("a", "b"))), person("Bob", 0, Some(("c", "d")))];
    assert_eq!(people.get("people"), Some(both.clone()));
    people.put("people of Rust", &both);
    let text = tool.get(&name, "people of Rust").unwrap().unwrap().text;
    let by_java =
        "GridTool$Person(Person{Ann, 50, Address{a, b}}), GridTool$Person(Person{Bob, 0, Address{c, d}})";
    assert_eq!(text, format!("[{by_java}]"));

    let colors = Typed::<BTreeMap<String, Color>>::open(&client, &name);
    let map = [("sky".into(), Literal::new("color", "GREEN")), ("sun".into(), Literal::new("color", "RED"))];
    tool.put(&name, "colors", Literal::of("map", map.into_iter().flat_map(|(key, color)| [key, color])))
        .unwrap();
    let both = BTreeMap::from([("sky".to_owned(), Color::Green), ("sun".to_owned(), Color::Red)]);
    assert_eq!(colors.get("colors"), Some(both.clone()));
    colors.put("colors of Rust", &both);
    let text = tool.get(&name, "colors of Rust").unwrap().unwrap().text;
    let by_java = "java.lang.String(sky)=GridTool$Color(GREEN), java.lang.String(sun)=GridTool$Color(RED)";
    assert_eq!(text, format!("{{{by_java}}}"));
}

#[test]
fn java_and_rust_share_objects_in_pof() {
    require_peers!();
    exchanged_with_java(shared::grid(), Format::Pof);
}

#[test]
fn java_and_rust_share_objects_in_json() {
    require_peers!();
    exchanged_with_java(shared::json_grid(), Format::Json);
}

/// The same `Person` by hand, as its Java class writes it.
#[derive(Debug, Clone, PartialEq)]
struct ByHand(Person);

impl PofObject for ByHand {
    const TYPE_ID: u32 = 1001;

    fn write_properties(&self, writer: &mut UserTypeWriter<'_, '_>) -> Result<(), WriteError> {
        let Person { name, age, address } = &self.0;
        writer.string(0, name.as_deref())?;
        writer.int32(1, *age)?;
        match address {
            None => writer.value(2)?.null(),
            Some(address) => writer.nested(2, 1002, 0, |writer| {
                writer.string(0, address.street.as_deref())?;
                writer.string(1, address.city.as_deref())
            })?,
        }
        Ok(())
    }

    fn read_properties(reader: &mut UserTypeReader<'_, '_>) -> Result<Self, DecodeError> {
        let (name, age) = (reader.string(0)?, reader.int32(1)?);
        let address =
            reader.nested(2, |reader| Ok(Address { street: reader.string(0)?, city: reader.string(1)? }))?;
        Ok(Self(Person { name, age, address }))
    }
}

#[test]
fn java_finds_what_rust_puts_under_an_object_and_rust_what_java_puts() {
    require_peers!();
    let grid = shared::grid();
    let (client, tool, name) = (Client::new(grid, Format::Pof), grid.tool(), unique("typed"));
    let pof = PofContext::builder().portable_object("Person", 1001).portable_object("Address", 1002);
    let classes = Classes { pof: pof.build().unwrap(), ..Classes::default() };
    let derived =
        client.runtime.block_on(TypedMap::<Person, String>::open(&client.session, &name, &classes)).unwrap();
    let by_hand = TypedMap::<ByHand, String>::new(
        derived.binary().clone(),
        Arc::new(PofObjectSerde::default()),
        Arc::new(PofSerde::default()),
    );
    let mut size = 0;
    // What a Java class leaves out, writes in one byte, and writes in full.
    for age in [0, 1, -1, 22, 23, -2, i32::MAX] {
        let key = person("Ann", age, Some(("Main Street", "Prague")));
        let of_java = || Literal::new("person", format!("Ann|{age}|Main Street|Prague"));
        let value = |of: &str| format!("{of} {age}");
        client.runtime.block_on(derived.put(&key, &value("derived"))).unwrap();
        assert_eq!(tool.get(&name, of_java()).unwrap(), seen("java.lang.String", &value("derived")));
        tool.put(&name, of_java(), value("Java")).unwrap();
        assert_eq!(client.runtime.block_on(derived.get(&key)).unwrap(), Some(value("Java")));
        let key = ByHand(key);
        assert_eq!(client.runtime.block_on(by_hand.get(&key)).unwrap(), Some(value("Java")));
        client.runtime.block_on(by_hand.put(&key, &value("hand"))).unwrap();
        assert_eq!(tool.get(&name, of_java()).unwrap(), seen("java.lang.String", &value("hand")));
        size += 1;
        assert_eq!(tool.size(&name).unwrap(), size, "one entry for each key");
    }
    let keys = client.runtime.block_on(by_hand.keys().collect::<Vec<_>>());
    assert!(keys.len() == 7 && keys.iter().all(Result::is_ok), "{keys:?}");
}

#[test]
fn a_key_of_a_class_of_coherence_that_is_read_and_written_again_is_the_same_key() {
    require_peers!();
    let grid = shared::grid();
    let (client, tool, name) = (Client::new(grid, Format::Pof), grid.tool(), unique("typed"));
    let map = client.runtime.block_on(TypedMap::<PofValue, String>::open(
        &client.session,
        &name,
        &Classes::default(),
    ));
    let map = map.unwrap();
    let literals = [
        Literal::new("duration", "PT0S"),
        Literal::new("duration", "PT1M30.5S"),
        Literal::new("duration", "PT5S"),
        Literal::new("instant", "2024-02-29T13:14:15Z"),
        Literal::new("instant", "1970-01-01T00:00:00.000000005Z"),
        Literal::new("uuid", "00000000-0000-0000-0000-000000000002"),
        Literal::new("uuid", "123e4567-e89b-12d3-a456-426614174000"),
    ];
    for (index, literal) in literals.iter().enumerate() {
        tool.put(&name, literal.clone(), "of Java").unwrap();
        let keys = client.runtime.block_on(map.keys().collect::<Vec<_>>());
        assert_eq!(keys.len(), index + 1);
        for key in keys {
            client.runtime.block_on(map.put(&key.unwrap(), &"of Rust".to_owned())).unwrap();
        }
        assert_eq!(tool.size(&name).unwrap(), index as u64 + 1, "no key became another");
        assert_eq!(tool.get(&name, literal.clone()).unwrap(), seen("java.lang.String", "of Rust"));
    }
}

#[test]
fn a_derived_type_has_properties_of_every_kind() {
    require_peers!();
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("typed"));
    let map = Typed::<Order>::open(&client, &name);
    for number in ["0", "1"] {
        tool.put(&name, number, Literal::new("order", number)).unwrap();
        let order = map.get(number).unwrap();
        assert_eq!(order.id.to_string(), number);
        map.put("of Rust", &order);
        let by_java = tool.get(&name, number).unwrap().unwrap();
        assert_eq!(tool.get(&name, "of Rust").unwrap(), Some(by_java), "{order:?}");
    }
    let order = map.get("1").unwrap();
    assert_eq!(order.customer.as_deref(), Some("Zoë 1"));
    assert_eq!(order.price, PofValue::Decimal { unscaled: 12_345, scale: 2 });
    assert_eq!(order.uuid.map(|uuid| uuid.0.as_u128()), Some(1 << 64 | 2));
    assert_eq!(order.shipped, Some(Instant { seconds: 1_700_000_000, nanos: 500_000_000 }));
    assert_eq!((order.priority, order.reference, order.discount), (-1, Some(1 << 64), Some(5)));
    assert_eq!(order.quantities, Some(vec![1, -1, 1000]));
}

#[test]
fn an_object_that_rust_puts_for_a_while_leaves_java_too() {
    require_peers!();
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("typed"));
    let map = Typed::<Person>::open(&client, &name);
    let ann = person("Ann", 50, None);
    let put = |stays| map.client.runtime.block_on(map.map.put_with(&"k".to_owned(), &ann, stays)).unwrap();
    put(Expiry::After(Duration::from_secs(3600)));
    assert_eq!(tool.get(&name, "k").unwrap(), seen("GridTool$Person", "Person{Ann, 50, null}"));
    let stays = tool.stays(&name, "k").unwrap();
    let hour = Duration::from_secs(3000)..=Duration::from_secs(3600);
    assert!(matches!(stays, Some(Stays::For(left)) if hour.contains(&left)), "{stays:?}");
    put(Expiry::Never);
    assert_eq!(tool.stays(&name, "k").unwrap(), Some(Stays::ForEver));
    let mut notices = map.listen();
    put(Expiry::After(Duration::from_millis(1)));
    eventually(SOON, "the entry is gone", || tool.get(&name, "k").unwrap().is_none());
    assert_eq!(map.get("k"), None);
    assert_eq!(map.change(&mut notices).0, EventKind::Updated);
    assert_eq!(map.change(&mut notices), Typed::deleted("k", &ann));
}

#[test]
fn python_and_rust_share_values_and_objects_in_json() {
    require_peers!();
    let grid = shared::json_grid();
    let client = Client::new(grid, Format::Json);
    let python = PythonClient::start(&grid.address()).unwrap();
    exchanged_with_python(&client, &python, "str", "Zoë €\u{1F600} \"quoted\"".to_owned());
    exchanged_with_python(&client, &python, "int", 1_i64 << 40);
    exchanged_with_python(&client, &python, "int", -5_i32);
    exchanged_with_python(&client, &python, "float", 0.5);
    exchanged_with_python(&client, &python, "bool", true);
    exchanged_with_python(&client, &python, "list", vec![Some("a".to_owned()), None]);
    exchanged_with_python(&client, &python, "dict", BTreeMap::from([("a".to_owned(), vec![1, 2])]));

    // A class, which both know by its alias, and so does Java.
    let (map, tool) = (Typed::<Person>::open(&client, "people"), grid.tool());
    let mut notices = map.listen();
    let ann = person("Ann", 50, Some(("Main Street", "Prague")));
    let by_python = json!({"@class": "Person", "name": "Ann", "age": 50,
        "address": {"@class": "Address", "street": "Main Street", "city": "Prague"}});
    python.put("people", "k", by_python.clone()).unwrap();
    assert_eq!(map.change(&mut notices), Typed::inserted("k", &ann));
    assert_eq!(map.get("k").as_ref(), Some(&ann));
    let by_java = seen("GridTool$Person", "Person{Ann, 50, Address{Main Street, Prague}}");
    assert_eq!(tool.get("people", "k").unwrap(), by_java);
    map.put("of Rust", &ann);
    assert_eq!(tool.get("people", "of Rust").unwrap(), by_java);
    let seen = Seen { type_name: "Person".to_owned(), value: by_python };
    assert_eq!(python.get("people", "of Rust").unwrap(), Some(seen));
}

/// A value of Python's type `type_name`, both ways, and heard by Rust.
fn exchanged_with_python<V>(client: &Client, python: &PythonClient, type_name: &str, value: V)
where
    V: Clone + PartialEq + Debug + Serialize + DeserializeOwned + Send + Sync + 'static,
{
    let name = unique("typed");
    let map = Typed::<V>::open(client, &name);
    let mut notices = map.listen();
    map.put("of Rust", &value);
    assert_eq!(map.change(&mut notices), Typed::inserted("of Rust", &value));
    let found = python.get(&name, "of Rust").unwrap().unwrap();
    let expected = Seen { type_name: type_name.to_owned(), value: serde_json::to_value(&value).unwrap() };
    assert_eq!(found, expected);
    python.put(&name, "of Python", found.value).unwrap();
    assert_eq!(map.change(&mut notices), Typed::inserted("of Python", &value));
    assert_eq!(map.get("of Python").as_ref(), Some(&value));
    python.remove(&name, "of Python").unwrap();
    assert_eq!(map.change(&mut notices), Typed::deleted("of Python", &value));
}
