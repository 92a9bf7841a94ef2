//! A grid for which no serializer is configured: its maps hold what Java's default serializer writes.

use integration_tests::grid::Literal;
use integration_tests::sink::Settings;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::{BYTE_ARRAYS, Form, JSON, OBJECT, STRINGS, UUID, assert_forms};
use crate::flow::{Flow, SOON};
use crate::support::delivered;

const JAVA: Settings<'_> = &[("coherence.session.format", "java")];

#[test]
fn a_java_grid_reads_values_and_finds_keys_of_a_java_session() {
    require_peers!();
    const STRING: &str = "java.lang.String";
    let date = r#"{"type":"int64","name":"org.apache.kafka.connect.data.Timestamp","version":1}"#;
    let decimal = r#"{"type":"bytes","name":"org.apache.kafka.connect.data.Decimal","version":1,"parameters":{"scale":"2"}}"#;
    let forms = [
        Form::new(STRINGS, "text \u{e9} \u{1F600} \0", STRING, "text \u{e9} \u{1F600} \0")
            .found_by("text \u{e9} \u{1F600} \0"),
        Form::new(STRINGS, "x".repeat(200), STRING, Box::leak("x".repeat(200).into_boxed_str())),
        Form::simple("Long", (1_i64 << 40).to_be_bytes(), "java.lang.Long", "1099511627776", 1_i64 << 40),
        Form::simple("Integer", (-65_i32).to_be_bytes(), "java.lang.Integer", "-65", -65),
        Form::simple("Short", 300_i16.to_be_bytes(), "java.lang.Short", "300", Literal::new("short", "300")),
        Form::simple(
            "Double",
            (-0.5_f64).to_be_bytes(),
            "java.lang.Double",
            "-0.5",
            Literal::new("double", "-0.5"),
        ),
        Form::simple("Float", 1.5_f32.to_be_bytes(), "java.lang.Float", "1.5", Literal::new("float", "1.5")),
        Form::simple("Boolean", [1], "java.lang.Boolean", "true", true),
        Form::custom("UUID", UUID, "java.util.UUID", UUID).found_by(Literal::new("uuid", UUID)),
        Form::json("7", "java.lang.Long", "7").found_by(7_i64),
        Form::json("true", "java.lang.Boolean", "true"),
        Form::with_schema(date, "1700000000123", "java.util.Date", "Tue Nov 14 22:13:20 UTC 2023"),
        Form::with_schema(decimal, "\"MDk=\"", "java.math.BigDecimal", "123.45")
            .found_by(Literal::new("big-decimal", "123.45")),
        Form::new(BYTE_ARRAYS, [0, 1, 0xFF], "byte[]", "0001ff"),
    ];
    assert_forms(shared::kafka(), shared::java_grid(), JAVA, &forms);
}

#[test]
fn objects_have_no_form_there_and_a_session_in_pof_has_the_grid_convert_them() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::java_grid());
    let json = [("value.converter", JSON), ("value.converter.schemas.enable", "false")];
    let flow = Flow::new(kafka, grid, "java-objects", 1);
    kafka.produce(&flow.name, [(Some("k"), Some("1")), (Some("k"), Some(OBJECT))]).unwrap();
    let sink = flow.start(&[], &[&json[..], JAVA].concat());
    let failure = flow.failure(&sink);
    assert!(failure.contains("a map cannot be written to a java map"), "{failure}");
    assert!(failure.contains("coherence.session.format=pof"), "{failure}");
    drop(sink);

    let flow = Flow::new(kafka, grid, "converted-objects", 1);
    kafka
        .produce(&flow.name, [(Some("k"), Some(OBJECT)), (Some("gone"), Some("1")), (Some("gone"), None)])
        .unwrap();
    let sink = flow.start(&[], &json);
    delivered(&sink, &flow.name, &flow.name);
    eventually(SOON, "the object is there", || grid.tool().size(&flow.name).unwrap() == 1);
    let value = grid.tool().get(&flow.name, "k").unwrap().unwrap();
    assert_eq!(value.class, "java.util.HashMap", "{}", value.text);
    assert_eq!(
        grid.tool().stored(&flow.name, "k").unwrap().unwrap()[0],
        0x0B,
        "the grid stores it as Java's"
    );
}
