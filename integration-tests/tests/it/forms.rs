//! What a map receives from each converter, as a Java application sees it: the class and text of keys and values.

use std::fmt;

use integration_tests::grid::{Grid, Literal};
use integration_tests::kafka::Kafka;
use integration_tests::sink::{Settings, Sink};
use integration_tests::wait::within;
use integration_tests::{require_peers, shared};

use crate::flow::{Flow, SOON};
use crate::support::delivered;

mod binaries;
mod java;

const BYTE_ARRAYS: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";
const STRINGS: &str = "org.apache.kafka.connect.storage.StringConverter";
const JSON: &str = "org.apache.kafka.connect.json.JsonConverter";
const CUSTOM: &str = "com.oracle.coherence.kafka.connect.util.CustomConverter";
const POF: &str = "com.oracle.coherence.kafka.connect.converter.KafkaPofConverter";
const POF_DESERIALIZER: &str = "com.oracle.coherence.kafka.pof.KafkaPofDeserializer";
const UUID: &str = "f81d4fae-7dec-11d0-a765-00a0c91e6bf6";

/// One converter, bytes that it reads, and what they are in Java.
struct Form {
    converter: String,
    /// An option of the converter.
    option: Option<(&'static str, String)>,
    bytes: Vec<u8>,
    class: &'static str,
    text: &'static str,
    /// Finds the entry when the bytes are its key. Without it they are tried as a value alone.
    key: Option<Literal>,
}

impl Form {
    fn new(converter: &str, bytes: impl AsRef<[u8]>, class: &'static str, text: &'static str) -> Self {
        let (converter, bytes) = (converter.to_owned(), bytes.as_ref().to_vec());
        Self { converter, option: None, bytes, class, text, key: None }
    }

    /// One of Connect's converters of one type.
    fn simple(
        name: &str,
        bytes: impl AsRef<[u8]>,
        class: &'static str,
        text: &'static str,
        key: impl Into<Literal>,
    ) -> Self {
        let converter = format!("org.apache.kafka.connect.converters.{name}Converter");
        Self::new(&converter, bytes, class, text).found_by(key)
    }

    /// `CustomConverter` over a deserializer of Kafka, or over the one of the given class.
    fn custom(deserializer: &str, bytes: impl AsRef<[u8]>, class: &'static str, text: &'static str) -> Self {
        let full = match deserializer.contains('.') {
            true => deserializer.to_owned(),
            false => format!("org.apache.kafka.common.serialization.{deserializer}Deserializer"),
        };
        Self { option: Some(("deserializer", full)), ..Self::new(CUSTOM, bytes, class, text) }
    }

    /// `JsonConverter` without schemas.
    fn json(json: &str, class: &'static str, text: &'static str) -> Self {
        let option = Some(("schemas.enable", "false".to_owned()));
        Self { option, ..Self::new(JSON, json, class, text) }
    }

    /// `JsonConverter` with the schema beside the data.
    fn with_schema(schema: &str, payload: &str, class: &'static str, text: &'static str) -> Self {
        Self::new(JSON, format!("{{\"schema\":{schema},\"payload\":{payload}}}"), class, text)
    }

    fn found_by(self, key: impl Into<Literal>) -> Self {
        Self { key: Some(key.into()), ..self }
    }

    /// Settings of a connector that reads keys and values so.
    fn settings(&self) -> Vec<(String, String)> {
        let mut settings = Vec::new();
        let roles: &[&str] = if self.key.is_some() { &["key", "value"] } else { &["value"] };
        for role in roles {
            settings.push((format!("{role}.converter"), self.converter.clone()));
            if let Some((name, value)) = &self.option {
                settings.push((format!("{role}.converter.{name}"), value.clone()));
            }
        }
        settings
    }

    fn record_key(&self) -> (Vec<u8>, Literal) {
        match &self.key {
            Some(key) => (self.bytes.clone(), key.clone()),
            None => (b"k".to_vec(), "k".into()),
        }
    }
}

impl fmt::Display for Form {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {:?}", self.converter, self.option)
    }
}

fn connector(flow: &Flow, settings: &[(String, String)]) -> Vec<(String, String)> {
    let settings: Vec<_> = settings.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
    let all = flow.connector(&settings);
    all.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
}

/// Puts an entry of each form by a connector of its own, looks at it, and deletes it by a tombstone.
fn assert_forms(kafka: &Kafka, grid: &Grid, session: Settings<'_>, forms: &[Form]) {
    let flows: Vec<_> = forms.iter().map(|_| Flow::new(kafka, grid, "form", 1)).collect();
    let connectors: Vec<_> = flows
        .iter()
        .zip(forms)
        .map(|(flow, form)| {
            let session = session.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned()));
            connector(flow, &form.settings().into_iter().chain(session).collect::<Vec<_>>())
        })
        .collect();
    let borrowed: Vec<Vec<_>> =
        connectors.iter().map(|c| c.iter().map(|(key, value)| (&**key, &**value)).collect()).collect();
    let connectors: Vec<_> = borrowed.iter().map(Vec::as_slice).collect();
    for (flow, form) in flows.iter().zip(forms) {
        kafka.produce(&flow.name, [(Some(form.record_key().0), Some(&form.bytes))]).unwrap();
    }
    let sink = Sink::start_all(&flows[0].worker(&[]), &connectors).unwrap();

    let mut wrong = Vec::new();
    for (flow, form) in flows.iter().zip(forms) {
        let (key, literal) = form.record_key();
        let mut value = None;
        within(SOON, || {
            value = grid.tool().get(&flow.name, literal.clone()).unwrap();
            value.is_some()
        });
        let seen = value.as_ref().map(|v| (v.class.as_str(), v.text.as_str()));
        if seen != Some((form.class, form.text)) {
            wrong.push(format!("{form}: {seen:?}, not {:?}", (form.class, form.text)));
        }
        kafka.produce(&flow.name, [(Some(key), None::<&[u8]>)]).unwrap();
    }
    for (flow, form) in flows.iter().zip(forms) {
        if !within(SOON, || grid.tool().size(&flow.name).unwrap() == 0) {
            wrong.push(format!("{form}: a tombstone removes nothing"));
        }
        wrong.extend(sink.failures(&flow.name).unwrap());
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn every_converter_gives_the_java_object_of_its_type_and_takes_tombstones() {
    require_peers!();
    let tool = shared::grid().tool();
    let five = tool.to_bytes(5).unwrap();
    let person = Literal::new("person", "Ann|30|Main Street|Prague");
    let uuid = Literal::new("uuid", UUID);
    const PERSON: &str = "Person{Ann, 30, Address{Main Street, Prague}}";
    let forms = [
        Form::simple("ByteArray", [0x00, 0xFF], "byte[]", "00ff", &[0x00, 0xFF][..]),
        Form::new(STRINGS, "text \u{1F600}", "java.lang.String", "text \u{1F600}").found_by("text \u{1F600}"),
        Form::simple("Short", (-2_i16).to_be_bytes(), "java.lang.Short", "-2", -2_i16),
        Form::simple("Integer", 70_000_i32.to_be_bytes(), "java.lang.Integer", "70000", 70_000),
        Form::simple("Long", 5_i64.to_be_bytes(), "java.lang.Long", "5", 5_i64),
        Form::simple("Float", 1.5_f32.to_be_bytes(), "java.lang.Float", "1.5", 1.5_f32),
        Form::simple("Double", (-2.25_f64).to_be_bytes(), "java.lang.Double", "-2.25", -2.25_f64),
        Form::simple("Boolean", [1], "java.lang.Boolean", "true", true),
        Form::custom("String", "custom", "java.lang.String", "custom").found_by("custom"),
        Form::custom("Long", i64::MIN.to_be_bytes(), "java.lang.Long", "-9223372036854775808")
            .found_by(i64::MIN),
        Form::custom("UUID", UUID, "java.util.UUID", UUID).found_by(uuid),
        Form::custom(POF_DESERIALIZER, &five, "java.lang.Integer", "5").found_by(5),
        Form::new(POF, tool.to_bytes(person.clone()).unwrap(), "GridTool$Person", PERSON).found_by(person),
        Form::json("\"text\"", "java.lang.String", "text").found_by("text"),
        Form::json("5", "java.lang.Long", "5").found_by(5_i64),
        Form::json("2.5", "java.lang.Double", "2.5").found_by(2.5),
        Form::json("true", "java.lang.Boolean", "true").found_by(true),
        Form::with_schema(r#"{"type":"int32"}"#, "5", "java.lang.Integer", "5").found_by(5),
        Form::with_schema(r#"{"type":"int16"}"#, "5", "java.lang.Short", "5").found_by(5_i16),
        Form::with_schema(r#"{"type":"bytes"}"#, "\"AP8=\"", "byte[]", "00ff").found_by(&[0x00, 0xFF][..]),
        Form::with_schema(r#"{"type":"int8"}"#, "-5", "java.lang.Byte", "-5")
            .found_by(Literal::new("byte", "-5")),
        Form::with_schema(
            r#"{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","parameters":{"scale":"2"}}"#,
            "\"AJw=\"",
            "java.math.BigDecimal",
            "1.56",
        )
        .found_by(Literal::new("big-decimal", "1.56")),
    ];
    assert_forms(shared::kafka(), shared::grid(), &[], &forms);
}

const OBJECT: &str = r#"{"a":1,"b":[true,null,"x"],"c":{"d":2.5}}"#;
/// The schema of [`PAYLOAD`].
const STRUCT: &str = r#"{"type":"struct","fields":[
    {"field":"name","type":"string"},
    {"field":"age","type":"int32"},
    {"field":"height","type":"float"},
    {"field":"photo","type":"bytes","optional":true},
    {"field":"nick","type":"string","optional":true},
    {"field":"born","type":"int32","name":"org.apache.kafka.connect.data.Date"},
    {"field":"tags","type":"array","items":{"type":"int16"}},
    {"field":"home","type":"struct","fields":[{"field":"city","type":"string"}]},
    {"field":"marks","type":"map","keys":{"type":"string"},"values":{"type":"boolean"}}]}"#;
const PAYLOAD: &str = r#"{"name":"Ann","age":30,"height":1.5,"photo":"AP8=","nick":null,"born":365,"tags":[1,2],
    "home":{"city":"Prague"},"marks":{"a":true}}"#;

#[test]
fn json_objects_and_structs_are_maps_and_arrays_are_lists() {
    require_peers!();
    const MAP: &str = "java.util.HashMap";
    const LIST: &str = "com.tangosol.util.ImmutableArrayList$ListView";
    let forms = [
        Form::json(
            OBJECT,
            MAP,
            "{java.lang.String(a)=java.lang.Long(1), \
             java.lang.String(b)=com.tangosol.util.ImmutableArrayList$ListView(\
             [java.lang.Boolean(true), null, java.lang.String(x)]), \
             java.lang.String(c)=java.util.HashMap({java.lang.String(d)=java.lang.Double(2.5)})}",
        ),
        Form::json(
            "[1,[\"x\"]]",
            LIST,
            "[java.lang.Long(1), com.tangosol.util.ImmutableArrayList$ListView([java.lang.String(x)])]",
        ),
        Form::with_schema(
            STRUCT,
            PAYLOAD,
            MAP,
            "{java.lang.String(age)=java.lang.Integer(30), \
             java.lang.String(born)=java.sql.Timestamp(1971-01-01 00:00:00.0), \
             java.lang.String(height)=java.lang.Float(1.5), \
             java.lang.String(home)=java.util.HashMap({java.lang.String(city)=java.lang.String(Prague)}), \
             java.lang.String(marks)=java.util.HashMap({java.lang.String(a)=java.lang.Boolean(true)}), \
             java.lang.String(name)=java.lang.String(Ann), java.lang.String(nick)=null, \
             java.lang.String(photo)=byte[](00ff), \
             java.lang.String(tags)=com.tangosol.util.ImmutableArrayList$ListView(\
             [java.lang.Short(1), java.lang.Short(2)])}",
        ),
    ];
    assert_forms(shared::kafka(), shared::grid(), &[], &forms);
}

#[test]
fn dates_and_times_are_the_instants_that_they_are_for_java() {
    require_peers!();
    let form = |kind: &str, name: &str, payload: &str, text| {
        let schema =
            format!(r#"{{"type":"{kind}","name":"org.apache.kafka.connect.data.{name}","version":1}}"#);
        Form::with_schema(&schema, payload, "java.sql.Timestamp", text)
    };
    let forms = [
        form("int64", "Timestamp", "-62135596800000", "0001-01-03 00:00:00.0"),
        form("int64", "Timestamp", "-14830974000000", "1500-01-01 05:00:00.0"),
        form("int64", "Timestamp", "-12219292800001", "1582-10-04 23:59:59.999"),
        form("int64", "Timestamp", "-12219292800000", "1582-10-15 00:00:00.0"),
        form("int64", "Timestamp", "-871", "1969-12-31 23:59:59.129"),
        form("int32", "Date", "-171657", "1499-12-30 00:00:00.0"),
        form("int32", "Date", "-171596", "1500-02-29 00:00:00.0"),
        form("int32", "Time", "1001", "1970-01-01 00:00:01.001"),
    ];
    assert_forms(shared::kafka(), shared::grid(), &[], &forms);
}

#[test]
fn json_objects_of_equal_members_are_one_key_in_both_formats() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    for (grid, session) in [(grid, &[][..]), (shared::json_grid(), &[("coherence.session.format", "json")])] {
        let flow = Flow::new(kafka, grid, "object-keys", 1);
        let mut settings = vec![("key.converter", JSON), ("key.converter.schemas.enable", "false")];
        settings.extend(session);
        let sink = flow.start(&[], &settings);
        let records = [
            (Some(r#"{"a":{"x":1,"y":2},"b":[{"p":1,"q":2}]}"#), Some("one")),
            (Some(r#"{"b":[{"q":2,"p":1}],"a":{"y":2,"x":1}}"#), Some("two")),
            (Some(r#"{"country":"DE","id":7,"kind":"A","zip":"10115"}"#), Some("x")),
        ];
        kafka.produce(&flow.name, records).unwrap();
        flow.assert_delivered(kafka, &sink, SOON);
        assert_eq!(grid.tool().size(&flow.name).unwrap(), 2);
        let spelled = r#"{ "a" : { "y":2, "x":1 }, "b" : [{ "p":1, "q":2 }] }"#;
        kafka.produce(&flow.name, [(Some(spelled), None::<&str>)]).unwrap();
        flow.assert_delivered(kafka, &sink, SOON);
        assert_eq!(grid.tool().size(&flow.name).unwrap(), 1);
    }
}

#[test]
fn json_arrays_are_object_arrays_where_the_connector_says_so() {
    require_peers!();
    let arrays = [("coherence.json.arrays", "array")];
    let forms = [
        Form::json(
            "[1,[\"x\"]]",
            "java.lang.Object[]",
            "[java.lang.Long(1), java.lang.Object[]([java.lang.String(x)])]",
        ),
        Form::json(r#"{"a":[]}"#, "java.util.HashMap", "{java.lang.String(a)=java.lang.Object[]([])}"),
    ];
    assert_forms(shared::kafka(), shared::grid(), &arrays, &forms);
}

#[test]
fn a_json_grid_reads_values_and_finds_keys_of_a_json_session() {
    require_peers!();
    const JSON_OBJECT: &str = "com.oracle.coherence.io.json.JsonObject";
    const STRING: &str = "java.lang.String";
    const DOUBLE: &str = "java.lang.Double";
    // A key is found only if it is the very text that Java writes for it.
    let string = |text: &'static str| Form::new(STRINGS, text, STRING, text).found_by(text);
    let double = |number: f64, text| {
        Form::simple("Double", number.to_be_bytes(), DOUBLE, text, Literal::new("double", text))
    };
    let long = |number: i64, class, text| Form::simple("Long", number.to_be_bytes(), class, text, number);
    // A backslash before u and four digits is no escape to Java's writer: a value is kept, a key of Java's is another.
    let unescaped = Form::new(STRINGS, "text \\u0041", STRING, "text \\u0041");
    let forms = [
        Form::json(
            OBJECT,
            JSON_OBJECT,
            "{java.lang.String(a)=java.lang.Integer(1), \
             java.lang.String(b)=java.util.ArrayList([java.lang.Boolean(true), null, java.lang.String(x)]), \
             java.lang.String(c)=com.oracle.coherence.io.json.JsonObject(\
             {java.lang.String(d)=java.lang.Double(2.5)})}",
        ),
        Form::json(
            "[1,[\"x\"]]",
            "java.util.ArrayList",
            "[java.lang.Integer(1), java.util.ArrayList([java.lang.String(x)])]",
        ),
        Form::with_schema(
            STRUCT,
            PAYLOAD,
            JSON_OBJECT,
            "{java.lang.String(age)=java.lang.Integer(30), java.lang.String(born)=java.lang.Long(31536000000), \
             java.lang.String(height)=java.lang.Double(1.5), \
             java.lang.String(home)=com.oracle.coherence.io.json.JsonObject(\
             {java.lang.String(city)=java.lang.String(Prague)}), \
             java.lang.String(marks)=com.oracle.coherence.io.json.JsonObject(\
             {java.lang.String(a)=java.lang.Boolean(true)}), \
             java.lang.String(name)=java.lang.String(Ann), java.lang.String(nick)=null, \
             java.lang.String(photo)=java.lang.String(AP8=), \
             java.lang.String(tags)=java.util.ArrayList([java.lang.Integer(1), java.lang.Integer(2)])}",
        ),
        string("text \u{e9} \u{1F600} \u{7f}\u{80} a/b <>&'="),
        string("q\"b\\c C:\\users tab\tline\nreturn\r"),
        string("\u{1}\u{8}\u{c}\u{1f} \u{2027}\u{2028}\u{2029}"),
        unescaped,
        double(0.1, "0.1"),
        double(-2.0, "-2.0"),
        double(0.001, "0.001"),
        double(1e-4, "1.0E-4"),
        double(9_999_999.5, "9999999.5"),
        double(1e7, "1.0E7"),
        double(-123_456_789.125, "-1.23456789125E8"),
        double(5e-324, "4.9E-324"),
        Form::simple("Float", 1e10_f32.to_be_bytes(), DOUBLE, "1.0E10", 1e10_f32),
        long(5, "java.lang.Integer", "5"),
        long(1 << 40, "java.lang.Long", "1099511627776"),
        long(i64::MIN, DOUBLE, "-9.223372036854776E18"),
        Form::simple("Boolean", [1], "java.lang.Boolean", "true", true),
        Form::custom("UUID", UUID, STRING, UUID).found_by(Literal::new("uuid", UUID)),
    ];
    assert_forms(shared::kafka(), shared::json_grid(), &[("coherence.session.format", "json")], &forms);
}

#[test]
fn what_json_calls_null_is_a_tombstone() {
    require_peers!();
    let flow = Flow::new(shared::kafka(), shared::grid(), "json-null", 1);
    let sink = flow.start(&[], &[("value.converter", JSON), ("value.converter.schemas.enable", "false")]);
    for null in ["null", " ", ""] {
        shared::kafka().produce(&flow.name, [(Some("k"), Some("1"))]).unwrap();
        delivered(&sink, &flow.name, &flow.name);
        assert_eq!(shared::grid().tool().size(&flow.name).unwrap(), 1);
        shared::kafka().produce(&flow.name, [(Some("k"), Some(null))]).unwrap();
        delivered(&sink, &flow.name, &flow.name);
        assert_eq!(shared::grid().tool().size(&flow.name).unwrap(), 0, "{null:?}");
    }
}
