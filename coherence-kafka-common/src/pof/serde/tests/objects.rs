//! Structs and enums: user types and their properties.

use std::collections::BTreeMap;
use std::time::Duration;

use super::*;

#[test]
fn a_struct_is_the_object_that_java_writes() {
    both_ways(
        ann(),
        "a90f00004e03416e6e01413202aa0f000064014e0b537072696e676669656c64024e03555341034e0531323334354040",
    );
}

#[test]
fn what_java_leaves_out_or_compacts_is_read() {
    let empty = Person { name: None, age: 0, address: None };
    assert_eq!(read::<Person>(&hex("a90f00 0064 0264 40")), empty);
    let tiny = Person { name: Some(String::new()), age: 22, address: None };
    assert_eq!(read::<Person>(&hex("a90f00 004e00 017f 0264 40")), tiny);
    let negative = Person { name: Some("a".to_owned()), age: -1, address: None };
    assert_eq!(read::<Person>(&hex("a90f00 004e0161 0168 0264 40")), negative);
    assert_eq!(read::<Person>(&hex("a90f00 40")), empty);
}

#[test]
fn a_class_of_annotated_properties_is_the_same_in_both_directions() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Ann {
        s: Option<String>,
        i: i32,
        l: i64,
        b: bool,
        boxed: Option<i32>,
        list: Option<Vec<String>>,
    }
    let list = Some(vec!["q".to_owned()]);
    let full = Ann { s: Some("x".to_owned()), i: 5, l: 6, b: true, boxed: Some(7), list };
    both_ways(full, "b00f00004e0178014105024206034a010441070555014e017140");
    let defaults = Ann { s: None, i: 0, l: 0, b: false, boxed: None, list: None };
    both_ways(defaults, "b00f000064014100024200034a000464056440");
}

#[test]
fn missing_properties_are_their_types_defaults() {
    #[derive(Debug, PartialEq, Deserialize)]
    struct Fields<'a> {
        boolean: bool,
        small: i8,
        wide: u128,
        single: f32,
        double: f64,
        character: char,
        text: &'a str,
        owned: String,
        bytes: &'a [u8],
        list: Vec<Person>,
        map: BTreeMap<u8, Point>,
        meters: Meters,
        unit: (),
    }
    let none = Fields {
        boolean: false,
        small: 0,
        wide: 0,
        single: 0.0,
        double: 0.0,
        character: '\0',
        text: "",
        owned: String::new(),
        bytes: &[],
        list: Vec::new(),
        map: BTreeMap::new(),
        meters: Meters(0.0),
        unit: (),
    };
    assert_eq!(read::<Fields<'_>>(&hex("ac0f00 40")), none);
    let nulls: String = (0..13).map(|index| format!("{index:02x}64")).collect();
    assert_eq!(read::<Fields<'_>>(&hex(&format!("ac0f00 {nulls} 40"))), none);
    assert_eq!(read::<Fields<'_>>(&hex("ac0f00 074e40 40")), none);
}

#[test]
fn a_missing_object_needs_an_option() {
    #[derive(Debug, Deserialize)]
    struct Fields {
        _first: i32,
        _point: Point,
    }
    let message = "null or missing where Point is needed, reading property 1 of Fields at byte 7";
    assert_eq!(refused::<Fields>(&hex("ac0f00 004105 40")), message);
}

#[test]
fn unknown_properties_and_versions_are_read_past() {
    let newer = hex("bc0f05 004205 0141a00f 025b014e016155034141644a01 40");
    let context = PofContext::builder().user_type("Point", 1020).build().unwrap();
    assert_eq!(from_slice::<Point>(&context, &newer), Ok(Point(5, 992)));
}

#[test]
fn skipped_fields_take_no_index_and_left_out_ones_keep_theirs() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fields {
        #[serde(skip)]
        local: i32,
        #[serde(skip_serializing_if = "Option::is_none")]
        left_out: Option<i32>,
        #[serde(rename = "other", alias = "another")]
        renamed: i32,
        last: i32,
    }
    both_ways(Fields { local: 0, left_out: None, renamed: 5, last: 6 }, "ac0f00 014105 024106 40");
}

#[test]
fn unit_variants_are_the_constants_of_a_java_enum() {
    both_ways(Color::Green, "af0f00 00 4e05 475245454e 40");
    both_ways(Color::LightBlue, "af0f00 00 4e0a 4c494748545f424c5545 40");
    let unknown = "no such variant: it must be one of RED, GREEN, LIGHT_BLUE, \
                   reading the name of an enum's constant at byte 4";
    assert_eq!(refused::<Color>(&hex("af0f00 00 4e01 58 40")), unknown);
}

#[test]
fn variants_with_data_are_classes_of_their_own() {
    both_ways(Shape::Empty, "811000 00 4e05 456d707479 40");
    both_ways(Shape::Line(1, -1), "bf0f00 004101 014140 40");
    both_ways(Shape::Named("n".to_owned()), "8010 00 004e016e 40");
    let circle = Shape::Circle { radius: 1.0, color: None };
    both_ways(circle.clone(), "be0f00 00453ff0000000000000 0164 40");
    assert_eq!(read::<Shape>(&hex("be0f00 00453ff0000000000000 40")), circle);
    let unregistered = to_vec(&PofContext::new(), &circle).unwrap_err();
    assert_eq!(unregistered, Error::Unregistered { name: "Shape::Circle".to_owned() });
}

#[test]
fn an_unregistered_type_is_refused_by_name_wherever_it_is() {
    let context = PofContext::builder().user_type("Person", 1001).build().unwrap();
    let error = to_vec(&context, &ann()).unwrap_err();
    assert_eq!(error.to_string(), "no POF type id is registered for Address");
    let error = from_slice::<Person>(&context, &written(ann())).unwrap_err();
    assert_eq!(error.to_string(), "no POF type id is registered for Address");
    let error = to_vec(&PofContext::new(), &Color::Red).unwrap_err();
    assert_eq!(error.to_string(), "no POF type id is registered for Color");
}

#[test]
fn classes_of_coherence_are_written_under_their_own_ids() {
    let context = PofContext::builder().coherence_type("Duration", 940).build().unwrap();
    let java = hex("ac0e00 00429a01 40");
    let duration = Duration::from_secs(90);
    assert_eq!(from_slice(&context, &java), Ok(duration));
    assert_eq!(to_vec(&context, &duration).unwrap(), java);
    // Nanoseconds are an int in Java.
    let parts = Duration::from_nanos(300);
    assert_eq!(to_vec(&context, &parts).unwrap(), hex("ac0e00 004200 0141ac04 40"));
    assert_eq!(from_slice(&context, &hex("ac0e00 004200 0141ac04 40")), Ok(parts));
}

#[test]
fn a_portable_object_is_written_by_the_methods_for_its_types() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct LineId {
        order: i64,
        line: i32,
    }
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Wide {
        id: LineId,
        flag: bool,
        byte: i8,
        short: u8,
        character: char,
        single: f32,
        double: f64,
        name: Option<String>,
        boxed: Option<i32>,
        list: Vec<LineId>,
        marker: Marker,
        behind: i32,
        meters: Meters,
    }
    let context = PofContext::builder()
        .portable_object("LineId", 1013)
        .portable_object("Wide", 1015)
        .portable_object("Marker", 1021)
        .build()
        .unwrap();
    let both_ways = |id: LineId, bytes: &str| {
        assert_eq!(to_vec(&context, &id).unwrap(), hex(bytes));
        assert_eq!(from_slice(&context, &hex(bytes)), Ok(id));
    };
    both_ways(LineId { order: 77, line: 1 }, "b50f00 00428d01 016a 40");
    both_ways(LineId { order: 77, line: 0 }, "b50f00 00428d01 40");
    both_ways(LineId { order: 0, line: -1 }, "b50f00 004200 0168 40");
    both_ways(LineId { order: 5, line: 23 }, "b50f00 004205 014117 40");

    let wide = |flag, name: Option<&str>, number| Wide {
        id: LineId { order: 0, line: 0 },
        flag,
        byte: number,
        short: 0,
        character: '\0',
        single: 0.0,
        double: f64::from(number),
        name: name.map(str::to_owned),
        boxed: name.map(|_| 0),
        list: Vec::new(),
        marker: Marker,
        behind: number.into(),
        meters: Meters(0.0),
    };
    // An object without properties keeps the next primitive from being left out, as in Java.
    let nothing = hex("b70f00 00b50f0000420040 095500 0abd0f0040 0b4100 40");
    assert_eq!(to_vec(&context, &wide(false, None, 0)).unwrap(), nothing);
    assert_eq!(from_slice(&context, &nothing), Ok(wide(false, None, 0)));
    let something = hex("b70f00 00b50f0000420040 0161 026e 066e 074e0178 084100 095500 0abd0f0040 0b4105 40");
    assert_eq!(to_vec(&context, &wide(true, Some("x"), 5)).unwrap(), something);
    assert_eq!(from_slice(&context, &something), Ok(wide(true, Some("x"), 5)));
}

#[test]
fn another_class_is_refused() {
    let address = hex("aa0f00 40");
    let message = "user type 1002 where Person, which is 1001, is needed, reading the value at byte 0";
    assert_eq!(refused::<Person>(&address), message);
    assert_eq!(
        refused::<Color>(&address),
        "user type 1002 where Color is needed, reading the value at byte 0"
    );
    let message = "POF type -2 where Person is needed, reading an element at byte 2";
    assert_eq!(refused::<Vec<Person>>(&hex("5501 4105")), message);
    assert!(refused::<Vec<u8>>(&address).contains("user type 1002 where a sequence is needed"));
}
