//! Maps as the data of Kafka Connect's converters.

use std::fs;

use integration_tests::grid::Literal;
use integration_tests::python::PythonClient;
use integration_tests::sandbox::Folder;
use integration_tests::{require_peers, shared};
use serde_json::{Value, json};

use super::{Form, Published, SOON, eventually};
use crate::typed_entries::mapping;

/// An object of a class that nothing describes.
const UNKNOWN: [u8; 6] = [0x15, 0x8F, 0x9C, 0x01, 0x00, 0x40];

/// The records of a topic, keys and values as JSON.
fn records(topic: &str) -> Vec<(Value, Option<Value>)> {
    let of = |bytes: &[u8]| -> Value { serde_json::from_slice(bytes).unwrap() };
    let records = shared::kafka().records(topic).unwrap().into_iter();
    let mut records: Vec<_> =
        records.map(|record| (of(&record.key.unwrap()), record.value.as_deref().map(of))).collect();
    records.sort_by_key(|(key, value)| (key.to_string(), value.is_none()));
    records
}

#[test]
fn objects_of_json_clients_and_of_java_classes_arrive_as_plain_json() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let mut published = Published::new(kafka, grid, "plain", Form::Strings);
    let name = published.name.clone();
    let shop = format!("{name}-shop");
    kafka.create_topic(&shop, 1).unwrap();
    let folder = Folder::new("source-types").unwrap();
    let file = folder.path().join("shop.toml");
    fs::write(&file, mapping(&shop)).unwrap();
    published.settings.retain(|(key, _)| key != "coherence.cache.mappings" && !key.contains("serializer"));
    for (key, value) in [
        ("coherence.cache.mappings", format!("{name}->{name},{shop}->{shop}").as_str()),
        ("coherence.mapping.file", &file.display().to_string()),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
        ("value.converter.decimal.format", "NUMERIC"),
        ("transforms", "origin"),
        ("transforms.origin.type", "org.apache.kafka.connect.transforms.InsertHeader"),
        ("transforms.origin.header", "origin"),
        ("transforms.origin.value.literal", "grid"),
    ] {
        published.set(key, value);
    }
    let (tool, python) = (grid.tool(), PythonClient::start(&grid.address()).unwrap());
    let object = json!({"a": 1, "b": {"c": "x"}});
    python.put(&name, 7, object.clone()).unwrap();
    tool.put(&name, "k", "text").unwrap();
    tool.store(&name, "unreadable", &UNKNOWN).unwrap();
    let id = || Literal::new("purchase-id", "7|3");
    tool.put(&shop, id(), Literal::new("purchase", "1")).unwrap();

    let source = published.start();
    published.follows(&source);
    eventually(SOON, "the class is published", || records(&shop).len() == 1);
    assert_eq!(records(&name), [(json!("k"), Some(json!("text"))), (json!(7), Some(object))]);
    let headers = kafka.records(&name).unwrap().remove(0).headers;
    assert!(headers.contains(&("origin".to_owned(), Some(b"grid".to_vec()))), "{headers:?}");
    assert_eq!(source.count("refused", &name).unwrap(), 1, "{}", source.process().log_end());
    let (key, value) = records(&shop).remove(0);
    let value = value.unwrap();
    assert_eq!(key, json!({"customer": 7, "number": 3}));
    assert_eq!((&value["customer"], &value["status"]), (&json!({"name": "Zoë 1"}), &json!("SHIPPED")));
    assert_eq!((&value["lines"][0]["article"], &value["due"]), (&json!("nut"), &json!(20_787)));
    tool.remove(&shop, id()).unwrap();
    eventually(SOON, "the removal of the class is published", || records(&shop).len() == 2);
    assert_eq!(source.stop().unwrap().code(), Some(143));

    // The record shows no Integer: the key of the map is found among those that it may be.
    python.remove(&name, 7).unwrap();
    let source = published.start();
    published.follows(&source);
    eventually(SOON, "the removal is published", || records(&name).contains(&(json!(7), None)));
    assert_eq!(source.stop().unwrap().code(), Some(143));
    let source = published.start();
    published.follows(&source);
    assert_eq!((records(&name).len(), records(&shop).len()), (3, 2), "a restart publishes nothing again");
    assert_eq!(source.stop().unwrap().code(), Some(143));
}
