//! Python: the official client, which speaks JSON whatever the serializer of the grid is.

use coherence_kafka_common::map::Format;
use coherence_kafka_common::pof::{PofValue, PofWriter};
use integration_tests::python::{PythonClient, Seen};
use integration_tests::sandbox::unique;
use integration_tests::{require_peers, shared};
use serde_json::{Value as Json, json};

use crate::flow::{Flow, SOON};

use super::{Client, decoded, json as binary, pof, text};

fn seen(type_name: &str, value: Json) -> Seen {
    Seen { type_name: type_name.to_owned(), value }
}

#[test]
fn python_reads_what_rust_writes_in_pof() {
    require_peers!();
    type Case = (&'static str, Json, fn(&mut PofWriter<'_>));
    let cases: &[Case] = &[
        ("str", json!("Zoë €\u{1F600}"), |w| w.string("Zoë €\u{1F600}")),
        ("int", json!(5), |w| w.int32(5)),
        ("int", json!(1_099_511_627_776_i64), |w| w.int64(1 << 40)),
        ("float", json!(0.5), |w| w.float64(0.5)),
        ("bool", json!(true), |w| w.boolean(true)),
        ("list", json!([1, "a", null]), |w| {
            w.object_array(3);
            w.int32(1);
            w.string("a");
            w.null();
        }),
        ("dict", json!({"a": 1, "b": {"c": true}}), |w| {
            w.map(2);
            w.string("a");
            w.int32(1);
            w.string("b");
            w.map(1);
            w.string("c");
            w.boolean(true);
        }),
    ];
    let (client, name) = (Client::new(shared::grid(), Format::Pof), unique("python"));
    let (map, python) = (client.map(&name), PythonClient::start(&shared::grid().address()).unwrap());
    for (index, (type_name, value, write)) in cases.iter().enumerate() {
        let key = index.to_string();
        map.put(&text(&key), &pof(write));
        assert_eq!(python.get(&name, key).unwrap(), Some(seen(type_name, value.clone())));
    }
    assert_eq!(python.size(&name).unwrap(), cases.len() as u64);
    let mut entries = python.entries(&name).unwrap();
    entries.sort_by_key(|(key, _)| key.as_str().unwrap().to_owned());
    let expected: Vec<_> = cases
        .iter()
        .enumerate()
        .map(|(index, (_, value, _))| (json!(index.to_string()), value.clone()))
        .collect();
    assert_eq!(entries, expected);
}

#[test]
fn rust_reads_what_python_writes_to_a_pof_map() {
    require_peers!();
    let string = |text: &str| PofValue::String(text.to_owned());
    let cases = [
        (json!("Zoë €\u{1F600}"), string("Zoë €\u{1F600}")),
        (json!(5), PofValue::Int32(5)),
        (json!(1_099_511_627_776_i64), PofValue::Int64(1 << 40)),
        (json!(0.5), PofValue::Float64(0.5)),
        (json!(true), PofValue::Boolean(true)),
        (json!([1, "a", null]), PofValue::Collection(vec![PofValue::Int32(1), string("a"), PofValue::Null])),
    ];
    let (client, name) = (Client::new(shared::grid(), Format::Pof), unique("python"));
    let (map, python) = (client.map(&name), PythonClient::start(&shared::grid().address()).unwrap());
    for (value, expected) in cases {
        python.put(&name, 7, value.clone()).unwrap();
        assert_eq!(map.get(&pof(|w| w.int32(7))).map(|found| decoded(&found)), Some(expected), "{value}");
    }
    assert!(python.remove(&name, 7).is_err(), "Python cannot read a list of a POF map, not even its own");
    python.put(&name, 7, json!({"a": 1})).unwrap();
    let object = decoded(&map.get(&pof(|w| w.int32(7))).unwrap());
    assert!(matches!(object, PofValue::User { type_id: 800, .. }), "a JsonObject: {object:?}");
    assert_eq!(python.remove(&name, 7).unwrap(), Some(seen("dict", json!({"a": 1}))));
    assert_eq!(map.entries(), []);
}

#[test]
fn python_and_rust_read_each_others_json() {
    require_peers!();
    let (client, name) = (Client::new(shared::json_grid(), Format::Json), unique("json"));
    let (map, python) = (client.map(&name), PythonClient::start(&shared::json_grid().address()).unwrap());
    let values = [
        json!("Zoë €\u{1F600} \"quoted\""),
        json!(5),
        json!(-1_099_511_627_776_i64),
        json!(0.5),
        json!(false),
        json!([1, "a", null, [true]]),
        json!({"a": 1, "b": {"c": [1.5]}}),
    ];
    for value in values {
        map.put(&binary("\"k\""), &binary(&value.to_string()));
        assert_eq!(python.get(&name, "k").unwrap().unwrap().value, value);
        python.put(&name, "k", value.clone()).unwrap();
        let found = map.get(&binary("\"k\"")).unwrap();
        assert_eq!(serde_json::from_slice::<Json>(&found[1..]).unwrap(), value);
    }
    let decimal = r#"{"@class":"math.BigDec","value":"123.45"}"#;
    map.put(&binary("\"k\""), &binary(decimal));
    assert_eq!(python.get(&name, "k").unwrap(), Some(seen("Decimal", json!("123.45"))));
    let huge = "1180591620717411303424";
    python.put(&name, "k", serde_json::from_str::<Json>(huge).unwrap()).unwrap();
    let found = map.get(&binary("\"k\"")).unwrap();
    assert_eq!(found, binary(&format!(r#"{{"@class": "math.BigInt", "value": "{huge}"}}"#)));
}

#[test]
fn python_reads_the_arrays_that_the_sink_writes_as_arrays() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let python = PythonClient::start(&grid.address()).unwrap();
    let json_converter = [
        ("value.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("value.converter.schemas.enable", "false"),
    ];
    let order = r#"{"lines":[{"sku":"a","count":2},{"sku":"b","count":1}],"tags":["x","y"],"total":12.5}"#;
    for (form, readable) in [("array", true), ("list", false)] {
        let flow = Flow::new(kafka, grid, "arrays", 1);
        kafka.produce(&flow.name, [(Some("k"), Some(order))]).unwrap();
        let settings = [&json_converter[..], &[("coherence.json.arrays", form)]].concat();
        let sink = flow.start(&[], &settings);
        flow.assert_delivered(kafka, &sink, SOON);
        let found = python.get(&flow.name, "k");
        if readable {
            let expected = serde_json::from_str::<Json>(order).unwrap();
            assert_eq!(found.unwrap(), Some(seen("dict", expected)));
        } else {
            // The reason for the setting: the grid cannot turn a list into JSON.
            assert!(found.is_err(), "{found:?}");
        }
    }
}
