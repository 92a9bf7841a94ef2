//! Java: the grid tool, which uses the plain Coherence API in a member of the cluster.

use std::time::Duration;

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::map::Format;
use coherence_kafka_common::pof::{Date, PofValue, PofWriter, Time, Zone};
use integration_tests::grid::{Literal, Stays, Value};
use integration_tests::sandbox::unique;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::{Client, decoded, json, pof, text};
use crate::flow::SOON;

const DATE: Date = Date { year: 2024, month: 2, day: 29 };
const TIME: Time = Time { hour: 13, minute: 14, second: 15, nano: 0, zone: None };

const UUID: &str = "123e4567-e89b-12d3-a456-426614174000";

fn seen(class: &str, text: &str) -> Value {
    Value { class: class.to_owned(), text: text.to_owned() }
}

#[test]
fn java_reads_what_rust_writes_in_pof() {
    require_peers!();
    type Case = (&'static str, &'static str, fn(&mut PofWriter<'_>));
    let cases: &[Case] = &[
        ("java.lang.Boolean", "true", |w| w.boolean(true)),
        ("java.lang.Byte", "-1", |w| w.octet(255)),
        ("java.lang.Short", "-300", |w| w.int16(-300)),
        ("java.lang.Integer", "-2147483648", |w| w.int32(i32::MIN)),
        ("java.lang.Long", "9223372036854775807", |w| w.int64(i64::MAX)),
        ("java.math.BigInteger", "18446744073709551616", |w| w.big_integer(1 << 64)),
        ("java.math.BigDecimal", "123.45", |w| w.decimal(12345, 2).unwrap()),
        ("java.math.BigDecimal", "1E+3", |w| w.decimal(1, -3).unwrap()),
        ("java.lang.Float", "1.5", |w| w.float32(1.5)),
        ("java.lang.Double", "NaN", |w| w.float64(f64::NAN)),
        ("java.lang.Double", "-0.0", |w| w.float64(-0.0)),
        ("java.lang.String", "", |w| w.string("")),
        ("java.lang.String", "Zoë €\0\u{1F600}", |w| w.string("Zoë €\0\u{1F600}")),
        ("byte[]", "0102ff", |w| w.byte_array(&[1, 2, 255])),
        ("com.tangosol.util.Binary", "0102ff", |w| w.octet_string(&[1, 2, 255])),
        ("java.util.UUID", UUID, |w| w.uuid(0x123e_4567_e89b_12d3_a456_4266_1417_4000)),
        ("java.util.UUID", "00000000-0000-0001-0000-000000000002", |w| w.uuid(1 << 64 | 2)),
        ("java.sql.Date", "2024-02-29", |w| w.date(DATE)),
        ("java.sql.Time", "13:14:15", |w| w.time(TIME).unwrap()),
        (
            "com.tangosol.util.ImmutableArrayList$ListView",
            "[java.lang.Integer(1), java.lang.String(a), null]",
            |w| {
                w.collection(3);
                w.int32(1);
                w.string("a");
                w.null();
            },
        ),
        ("java.lang.Object[]", "[java.lang.String(a), java.lang.Long(5)]", |w| {
            w.object_array(2);
            w.string("a");
            w.int64(5);
        }),
        (
            "java.util.HashMap",
            "{java.lang.Integer(1)=java.lang.Boolean(false), java.lang.String(k)=null}",
            |w| {
                w.map(2);
                w.string("k");
                w.null();
                w.int32(1);
                w.boolean(false);
            },
        ),
        ("GridTool$Color", "GREEN", |w| {
            w.user_type(1003, 0);
            w.property(0);
            w.string("GREEN");
            w.end();
        }),
        ("java.time.Duration", "PT1M30S", |w| {
            w.user_type(940, 0);
            w.property(0);
            w.int64(90);
            w.end();
        }),
        ("GridTool$Person", "Person{Ann, 50, Address{null, Prague}}", |w| {
            w.user_type(1001, 0);
            w.property(0);
            w.string("Ann");
            w.property(1);
            w.int32(50);
            w.property(2);
            w.user_type(1002, 0);
            w.property(1);
            w.string("Prague");
            w.end();
            w.end();
        }),
    ];
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("interop"));
    let map = client.map(&name);
    for (index, (class, shown, write)) in cases.iter().enumerate() {
        let key = index.to_string();
        map.put(&text(&key), &pof(write));
        assert_eq!(tool.get(&name, &key).unwrap(), Some(seen(class, shown)));
    }
    assert_eq!(tool.size(&name).unwrap(), cases.len() as u64);
}

#[test]
fn rust_reads_what_java_writes_in_pof() {
    require_peers!();
    let zoned = |zone| Time { hour: 13, minute: 14, second: 15, nano: 500_000_000, zone };
    let leap_day = Date { year: 2024, month: 2, day: 29 };
    let user = |type_id, properties| PofValue::User { type_id, version: 0, properties };
    let string = |text: &str| PofValue::String(text.to_owned());
    let cases = [
        (Literal::new("null", ""), PofValue::Null),
        (Literal::from(true), PofValue::Boolean(true)),
        (Literal::new("byte", "-1"), PofValue::Octet(255)),
        (Literal::from(-300_i16), PofValue::Int16(-300)),
        (Literal::from(5_i32), PofValue::Int32(5)),
        (Literal::from(i64::MIN), PofValue::Int64(i64::MIN)),
        (Literal::new("big-integer", "18446744073709551616"), PofValue::Int128(1 << 64)),
        (Literal::new("big-decimal", "-0.001"), PofValue::Decimal { unscaled: -1, scale: 3 }),
        (Literal::from(1.5_f32), PofValue::Float32(1.5)),
        (Literal::from(0.1_f64), PofValue::Float64(0.1)),
        (Literal::new("char", "€"), PofValue::Char(0x20AC)),
        (Literal::from("Zoë €\0\u{1F600}"), string("Zoë €\0\u{1F600}")),
        (Literal::new("bytes", "0102ff"), PofValue::ByteArray(vec![1, 2, 255])),
        (Literal::new("binary", "0102ff"), PofValue::OctetString(vec![1, 2, 255])),
        (Literal::new("ints", "1,-1,1000"), PofValue::Int32Array(vec![1, -1, 1000])),
        (Literal::new("local-date", "2024-02-29"), PofValue::Date(leap_day)),
        (Literal::new("local-time", "13:14:15.5"), PofValue::Time(zoned(None))),
        (Literal::new("local-date-time", "2024-02-29T13:14:15.5"), PofValue::DateTime(leap_day, zoned(None))),
        (
            Literal::new("offset-date-time", "2024-02-29T13:14:15.5-03:30"),
            PofValue::DateTime(leap_day, zoned(Some(Zone::Offset(-210)))),
        ),
        (Literal::new("duration", "PT1M30S"), user(940, vec![(0, PofValue::Int64(90))])),
        (Literal::new("color", "GREEN"), user(1003, vec![(0, string("GREEN"))])),
        (
            Literal::new("person", "Ann|0||Prague"),
            user(
                1001,
                vec![(0, string("Ann")), (2, user(1002, vec![(0, string("")), (1, string("Prague"))]))],
            ),
        ),
        (
            Literal::of("list", ["a".into(), Literal::of("set", [5_i64.into()]), Literal::new("null", "")]),
            PofValue::Collection(vec![
                string("a"),
                PofValue::Collection(vec![PofValue::Int64(5)]),
                PofValue::Null,
            ]),
        ),
        (Literal::of("array", [true.into()]), PofValue::Array(vec![PofValue::Boolean(true)])),
        (
            Literal::of("map", ["tab\tline\n".into(), Literal::of("list", [])]),
            PofValue::Map(vec![(string("tab\tline\n"), PofValue::Collection(vec![]))]),
        ),
    ];
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("interop"));
    let map = client.map(&name);
    for (index, (literal, value)) in cases.into_iter().enumerate() {
        let key = index.to_string();
        tool.put(&name, &key, literal.clone()).unwrap();
        assert_eq!(map.get(&text(&key)).map(|binary| decoded(&binary)), Some(value), "{literal:?}");
    }
}

#[test]
fn an_object_with_properties_of_all_kinds_is_read_and_written_back() {
    require_peers!();
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("orders"));
    let map = client.map(&name);
    for number in ["0", "1"] {
        tool.put(&name, number, Literal::new("order", number)).unwrap();
        let PofValue::User { type_id: 1004, version: 0, properties } =
            decoded(&map.get(&text(number)).unwrap())
        else {
            panic!("not an order");
        };
        let copy = pof(|w| {
            w.user_type(1004, 0);
            for (index, value) in &properties {
                w.property(*index);
                w.value(value).unwrap();
            }
            w.end();
        });
        map.put(&text("copy"), &copy);
        let order = tool.get(&name, number).unwrap().unwrap();
        assert_eq!(tool.get(&name, "copy").unwrap(), Some(order), "{properties:?}");
    }
}

#[test]
fn a_key_is_the_same_entry_to_java_and_rust() {
    require_peers!();
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("keys"));
    let map = client.map(&name);
    let person = |w: &mut PofWriter<'_>| {
        w.user_type(1001, 0);
        w.property(0);
        w.string("Ann");
        w.property(1);
        w.int32(50);
        w.property(2);
        w.null();
        w.end();
    };
    let keys = [
        (Literal::from("k"), text("k")),
        (Literal::from(5_i32), pof(|w| w.int32(5))),
        (Literal::from(5_i64), pof(|w| w.int64(5))),
        (Literal::new("uuid", UUID), pof(|w| w.uuid(0x123e_4567_e89b_12d3_a456_4266_1417_4000))),
        (Literal::new("big-decimal", "1.50"), pof(|w| w.decimal(150, 2).unwrap())),
        (Literal::new("local-date", "2024-02-29"), pof(|w| w.date(DATE))),
        (Literal::new("local-time", "13:14:15"), pof(|w| w.time(TIME).unwrap())),
        (Literal::from(1.5), pof(|w| w.float64(1.5))),
        (Literal::new("char", "x"), vec![FMT_EXT, 0x4D, 0x78]),
        (
            Literal::new("offset-date-time", "2024-02-29T13:14:15Z"),
            pof(|w| w.date_time(DATE, Time { zone: Some(Zone::Utc), ..TIME }).unwrap()),
        ),
        (
            Literal::of("list", [1_i32.into(), "a".into()]),
            pof(|w| {
                w.collection(2);
                w.int32(1);
                w.string("a");
            }),
        ),
        (Literal::new("object", hex(&pof(person))), pof(person)),
    ];
    for (literal, binary) in &keys {
        tool.put(&name, literal.clone(), "of Java").unwrap();
        assert_eq!(map.get(binary), Some(text("of Java")), "{literal:?}");
        map.put(binary, &text("of Rust"));
        assert_eq!(tool.get(&name, literal.clone()).unwrap().unwrap().text, "of Rust", "{literal:?}");
    }
    let mut expected: Vec<_> = keys.iter().map(|(_, binary)| (binary.clone(), text("of Rust"))).collect();
    expected.sort();
    assert_eq!(map.entries(), expected);
    for (literal, binary) in &keys {
        map.remove(binary);
        assert_eq!(tool.get(&name, literal.clone()).unwrap(), None, "{literal:?}");
    }
    assert_eq!(map.entries(), []);
}

#[test]
fn a_java_listener_hears_what_rust_does() {
    require_peers!();
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("heard"));
    let map = client.map(&name);
    tool.listen(&name).unwrap();
    map.put(&text("k"), &text("1"));
    map.put(&text("k"), &text("2"));
    map.remove(&text("k"));
    let mut heard = Vec::new();
    eventually(SOON, "three events", || {
        heard.extend(tool.events(&name).unwrap());
        heard.len() >= 3
    });
    let string = |text: &str| Some(seen("java.lang.String", text));
    let told: Vec<_> =
        heard.iter().map(|event| (&*event.kind, event.old.clone(), event.new.clone())).collect();
    let expected = [
        ("inserted", None, string("1")),
        ("updated", string("1"), string("2")),
        ("deleted", string("2"), None),
    ];
    assert_eq!(told, expected);
    assert!(heard.iter().all(|event| event.key.text == "k" && !event.synthetic && !event.expired));
}

#[test]
fn an_entry_that_java_puts_for_a_while_leaves_rust_too() {
    require_peers!();
    let (client, tool, name) =
        (Client::new(shared::grid(), Format::Pof), shared::grid().tool(), unique("expiry"));
    let map = client.map(&name);
    tool.put_for(&name, "k", "v", Duration::from_secs(3600)).unwrap();
    let stays = tool.stays(&name, "k").unwrap();
    assert!(matches!(stays, Some(Stays::For(left)) if left > Duration::from_secs(3000)), "{stays:?}");
    assert_eq!(map.get(&text("k")), Some(text("v")), "the expiry is not in the bytes");
    // As every write decides anew.
    map.put(&text("k"), &text("w"));
    assert_eq!(tool.stays(&name, "k").unwrap(), Some(Stays::ForEver));
    tool.put_for(&name, "k", "v", Duration::from_millis(1)).unwrap();
    eventually(SOON, "the entry is gone", || map.get(&text("k")).is_none());
    assert_eq!(tool.stays(&name, "k").unwrap(), None);
}

#[test]
fn java_and_rust_read_each_others_json() {
    require_peers!();
    let (client, tool) = (Client::new(shared::json_grid(), Format::Json), shared::json_grid().tool());
    let name = unique("json");
    let map = client.map(&name);
    // The class that Java finds, what it shows, and the text.
    let cases = [
        ("java.lang.Integer", "5", "5"),
        ("java.lang.Long", "1099511627776", "1099511627776"),
        ("java.lang.Double", "0.1", "0.1"),
        ("java.lang.Boolean", "true", "true"),
        ("java.lang.String", "Zoë €\u{1F600}", "\"Zoë €\u{1F600}\""),
        (
            "java.math.BigInteger",
            "18446744073709551616",
            r#"{"@class":"math.BigInt","value":"18446744073709551616"}"#,
        ),
        ("java.math.BigDecimal", "123.45", r#"{"@class":"math.BigDec","value":"123.45"}"#),
        ("java.util.ArrayList", "[java.lang.Integer(1), java.lang.String(a)]", r#"[1,"a"]"#),
        (
            "java.util.HashMap",
            "{java.lang.Integer(1)=java.lang.String(a)}",
            r#"{"@class":"java.util.HashMap","entries":[{"key":1,"value":"a"}]}"#,
        ),
        (
            "java.time.LocalDate",
            "2024-02-29",
            r#"{"@class":"java.time.LocalDate","year":2024,"month":2,"day":29}"#,
        ),
    ];
    for (class, shown, written) in cases {
        map.put(&json("\"k\""), &json(written));
        assert_eq!(tool.get(&name, "k").unwrap(), Some(seen(class, shown)), "{written}");
    }
    let cases = [
        (Literal::from(5_i32), "5"),
        (Literal::from(i64::MAX), "9223372036854775807"),
        (Literal::from(0.1_f64), "0.1"),
        (Literal::from(f64::NAN), "\"NaN\""),
        (Literal::from("Zoë €\u{1F600}\""), "\"Zoë €\u{1F600}\\\"\""),
        (Literal::new("big-decimal", "123.45"), r#"{"@class":"math.BigDec","value":"123.45"}"#),
        (Literal::new("uuid", UUID), r#""123e4567-e89b-12d3-a456-426614174000""#),
        (Literal::of("list", [1_i32.into(), "a".into(), Literal::new("null", "")]), r#"[1,"a",null]"#),
        (
            Literal::new("local-date", "2024-02-29"),
            r#"{"@class":"java.time.LocalDate","year":2024,"month":2,"day":29}"#,
        ),
    ];
    for (literal, written) in cases {
        tool.put(&name, 1_i32, literal).unwrap();
        let binary = map.get(&json("1")).unwrap();
        assert_eq!(String::from_utf8_lossy(&binary[1..]), written);
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
