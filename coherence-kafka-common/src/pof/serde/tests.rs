use std::borrow::Cow;
use std::collections::BTreeMap;
use std::fmt::Debug;
use std::time::Duration;

use ::serde::{Deserialize, Serialize};
use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use super::super::{Date, PofValue, TextEncoding};
use super::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Person {
    name: Option<String>,
    age: i32,
    address: Option<Address>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Address {
    street: Option<String>,
    city: Option<String>,
    state: Option<String>,
    zip: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Color {
    Red,
    Green,
    LightBlue,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle { radius: f64, color: Option<Color> },
    Line(i32, i32),
    Named(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Point(i64, i64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Marker;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Meters(f32);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    boolean: bool,
    signed: (i8, i16, i32, i64, i128),
    unsigned: (u8, u16, u32, u64, u128),
    floats: (f32, f64),
    character: char,
    text: String,
    #[serde(with = "bytes")]
    bytes: Vec<u8>,
    numbers: Vec<u8>,
    #[serde(skip)]
    local: u32,
    optional: Option<Vec<Option<i32>>>,
    map: BTreeMap<String, Shape>,
    colors: Vec<Color>,
    points: [Point; 2],
    marker: Marker,
    meters: Meters,
    id: JavaUuid,
    next: Option<Box<Everything>>,
}

fn context() -> PofContext {
    PofContext::builder()
        .user_type("Person", 1001)
        .user_type("Address", 1002)
        .user_type("Everything", 1003)
        .user_type("Fields", 1004)
        .user_type("Color", 1007)
        .user_type("Ann", 1008)
        .user_type("Point", 1020)
        .user_type("Marker", 1021)
        .user_type("Shape::Circle", 1022)
        .user_type("Shape::Line", 1023)
        .user_type("Shape::Named", 1024)
        .user_type("Shape", 1025)
        .build()
        .unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let text = text.replace(' ', "");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn written<T: Serialize>(value: T) -> Vec<u8> {
    to_vec(&context(), &value).unwrap()
}

fn read<'de, T: Deserialize<'de>>(pof: &'de [u8]) -> T {
    from_slice(&context(), pof).unwrap()
}

fn refused<'de, T: Deserialize<'de> + Debug>(pof: &'de [u8]) -> String {
    from_slice::<T>(&context(), pof).unwrap_err().to_string()
}

#[track_caller]
fn both_ways<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug>(value: T, bytes: &str) {
    assert_eq!(written(&value), hex(bytes));
    assert_eq!(read::<T>(&hex(bytes)), value);
}

fn ann() -> Person {
    let text = |text: &str| Some(text.to_owned());
    let address = Address { street: None, city: text("Springfield"), state: text("USA"), zip: text("12345") };
    Person { name: text("Ann"), age: 50, address: Some(address) }
}

#[test]
fn a_struct_is_the_object_that_java_writes() {
    both_ways(
        ann(),
        "a90f00004e03416e6e01413202aa0f000064014e0b537072696e676669656c64024e03555341034e0531323334354040",
    );
}

#[test]
fn what_java_leaves_out_or_compacts_is_read() {
    let nobody = Person { name: None, age: 0, address: None };
    assert_eq!(read::<Person>(&hex("a90f00 0064 0264 40")), nobody);
    let tiny = Person { name: Some(String::new()), age: 22, address: None };
    assert_eq!(read::<Person>(&hex("a90f00 004e00 017f 0264 40")), tiny);
    let negative = Person { name: Some("a".to_owned()), age: -1, address: None };
    assert_eq!(read::<Person>(&hex("a90f00 004e0161 0168 0264 40")), negative);
    assert_eq!(read::<Person>(&hex("a90f00 40")), nobody);
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

#[test]
fn numbers_are_read_from_every_width_that_loses_nothing() {
    for five in ["4005", "4105", "4205", "4305", "4b05", "6e"].map(hex) {
        assert_eq!(
            (read::<i8>(&five), read::<u8>(&five), read::<i16>(&five), read::<u16>(&five)),
            (5, 5, 5, 5)
        );
        assert_eq!((read::<i64>(&five), read::<u64>(&five)), (5, 5));
        assert_eq!((read::<i128>(&five), read::<u128>(&five)), (5, 5));
        assert_eq!((read::<f32>(&five), read::<f64>(&five)), (5.0, 5.0));
    }
    assert_eq!(read::<f64>(&hex("443fc00000")), 1.5);
    assert_eq!(read::<f32>(&hex("453ff8000000000000")), 1.5);
    assert_eq!(read::<f32>(&hex("66")), f32::NEG_INFINITY);
    assert!(read::<f32>(&hex("67")).is_nan());
}

#[test]
fn narrowing_that_loses_something_is_refused() {
    assert_eq!(refused::<i8>(&written(128)), "an integer that is not i8, reading the value at byte 0");
    assert!(refused::<u32>(&written(-1)).contains("an integer that is not u32"));
    assert!(refused::<u128>(&written(-1)).contains("u128"));
    assert!(refused::<i64>(&written(i128::MAX)).contains("a value where i64 is needed"));
    assert!(refused::<f32>(&written(0.1)).contains("no f32 equals"));
    assert!(refused::<f64>(&written((1_i64 << 53) + 1)).contains("no floating point number equals"));
    assert!(refused::<f64>(&written(i128::MAX)).contains("no floating point number equals"));
    assert!(refused::<i32>(&written(1.0)).contains("a floating point number where i32 is needed"));
    assert!(refused::<i32>(&hex("64")).contains("null where i32 is needed"));
}

#[test]
fn a_java_byte_is_signed_in_an_i8_and_its_bits_elsewhere() {
    assert_eq!(read::<i8>(&hex("4bc8")), -56);
    assert_eq!(read::<u8>(&hex("4bc8")), 200);
    assert_eq!(read::<i32>(&hex("4bc8")), 200);
    assert_eq!((read::<i8>(&hex("68")), read::<u8>(&hex("68"))), (-1, 255));
}

#[test]
fn integers_that_java_has_no_room_for_are_not_written() {
    assert_eq!(written(i64::MAX as u64), written(i64::MAX));
    assert!(to_vec(&context(), &(i64::MAX as u64 + 1)).is_err());
    assert!(to_vec(&context(), &(i128::MAX as u128 + 1)).is_err());
    assert!(to_vec(&context(), &'\u{1F600}').is_err());
}

#[test]
fn characters_are_one_utf_16_unit() {
    both_ways('\0', "4d00");
    both_ways('\u{20AC}', "4de282ac");
    both_ways('\u{FFFF}', "4defbfbf");
    assert_eq!(read::<char>(&hex("68")), '\u{FFFF}');
    assert_eq!(read::<char>(&hex("7f")), '\u{16}');
    assert!(refused::<char>(&hex("4deda0bd")).contains("surrogate"));
}

#[test]
fn uniform_containers_are_read_as_any_other() {
    assert_eq!(read::<Vec<String>>(&hex("564e02 0161 026263")), ["a", "bc"]);
    assert_eq!(read::<Vec<Option<&str>>>(&hex("564e03 0161 40 64")), [Some("a"), None, None]);
    assert_eq!(read::<(i32, i32)>(&hex("584102 01ac04")), (1, 300));
    let addresses = hex("56aa0f01 00 004e0173 40");
    assert_eq!(read::<Vec<Address>>(&addresses)[0].street.as_deref(), Some("s"));
    assert_eq!(read::<BTreeMap<&str, i64>>(&hex("5c4e02 0161 4101 0162 69")), [("a", 1), ("b", 0)].into());
    assert_eq!(read::<BTreeMap<&str, i64>>(&hex("5d4e4202 0161 01 0162 41")), [("a", 1), ("b", -2)].into());
    assert!(read::<Vec<bool>>(&hex("63")).is_empty());
    assert_eq!(read::<BTreeMap<String, i8>>(&hex("63")), BTreeMap::new());
    assert_eq!(read::<Vec<JavaUuid>>(&hex("568d0e01 00 004207 40")), [JavaUuid(Uuid::from_u128(7))]);
}

#[test]
fn a_field_of_any_class_holds_whatever_is_there() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fields {
        price: PofValue,
        none: PofValue,
        days: Vec<PofValue>,
    }
    let fields = read::<Fields>(&hex("ac0f00 0047b9c00102 02564f02 a81f021d 961f0904 40"));
    assert_eq!(fields.price, PofValue::Decimal { unscaled: 12345, scale: 2 });
    assert_eq!(fields.none, PofValue::Null);
    assert_eq!(fields.days[1], PofValue::Date(Date { year: 2006, month: 9, day: 4 }));
    assert_eq!(written(&fields), hex("ac0f00 0047b9c00102 0164 0255024fa81f021d4f961f0904 40"));
}

#[test]
fn old_grids_get_their_encoding_of_text_everywhere() {
    let context = PofContext::builder().text_encoding(TextEncoding::Modified).build().unwrap();
    let modified = hex("4e02c080");
    assert_eq!(to_vec(&context, "\0").unwrap(), modified);
    assert_eq!(to_vec(&context, &'\0').unwrap(), hex("4d00"));
    let dynamic = PofValue::String("\0".to_owned());
    assert_eq!(to_vec(&context, &dynamic).unwrap(), modified);
    assert_eq!(from_slice(&context, &modified), Ok(dynamic));
}

#[test]
fn text_and_bytes_borrow_from_the_input() {
    let text = hex("4e026162");
    assert!(matches!(read::<CowText<'_>>(&text).0, Cow::Borrowed("ab")));
    assert_eq!(read::<&str>(&text), "ab");
    let modified = hex("4e02c080");
    assert_eq!(read::<CowText<'_>>(&modified).0, "\0");
    assert!(refused::<&str>(&modified).contains("a string where a borrowed string is needed"));
    for bytes in ["584b020102", "4c020102"].map(hex) {
        assert_eq!(read::<&[u8]>(&bytes), [1, 2]);
        assert_eq!(read::<Vec<u8>>(&bytes), [1, 2]);
    }
}

#[derive(Debug, Deserialize)]
struct CowText<'a>(#[serde(borrow)] Cow<'a, str>);

#[test]
fn bytes_are_a_byte_array() {
    #[derive(Debug, PartialEq, Serialize, Deserialize)]
    struct Fields {
        #[serde(with = "bytes")]
        bytes: Vec<u8>,
    }
    let fields = Fields { bytes: vec![1, 255] };
    let json = serde_json::to_string(&fields).unwrap();
    assert_eq!(serde_json::from_str::<Fields>(&json).unwrap(), fields);
    both_ways(fields, "ac0f00 00 584b0201ff 40");
}

#[test]
fn a_uuid_is_the_one_of_java_and_text_elsewhere() {
    let id = JavaUuid(Uuid::from_u128(0x0000_0000_0000_0001_0000_0000_0000_0002));
    assert_eq!(written(id), hex("8d0e00 004202 016a 40"));
    assert_eq!(read::<JavaUuid>(&hex("8d0e00 004202 016a 40")), id);
    assert!(refused::<JavaUuid>(&hex("ac0f00 40")).contains("java.util.UUID"));
    let json = serde_json::to_string(&id).unwrap();
    assert_eq!(json, "\"00000000-0000-0001-0000-000000000002\"");
    assert_eq!(serde_json::from_str::<JavaUuid>(&json).unwrap(), id);
}

#[test]
fn a_sequence_of_unknown_length_is_counted() {
    struct Unsized;
    impl Serialize for Unsized {
        fn serialize<S: ::serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
            serializer.collect_seq((0..100).filter(|n| n % 2 == 0))
        }
    }
    assert_eq!(written(Unsized), written((0..100).step_by(2).collect::<Vec<i32>>()));
    assert_eq!(written((1, Unsized))[..5], hex("5702 4101 55"));
}

#[test]
fn a_binary_is_read_with_its_format_byte_and_decorations() {
    let context = context();
    let binary = to_binary(&context, &5).unwrap();
    assert_eq!(binary, hex("154105"));
    assert_eq!(from_binary(&context, &binary), Ok(5));
    assert_eq!(from_binary(&context, &hex("1205 03154105 03154a00")), Ok(5));
    assert_eq!(from_binary(&context, &hex("0d0a 154105")), Ok(5));
    let error = from_binary::<i32>(&context, &hex("0105")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "a value of another serializer than POF, reading the format byte at byte 0"
    );
    let error = from_binary::<i32>(&context, &hex("1541")).unwrap_err();
    assert!(error.to_string().ends_with("at byte 2"));
    assert!(from_binary::<i32>(&context, &hex("12020107")).is_err());
    assert!(from_binary::<i32>(&context, &[]).is_err());
}

#[test]
fn errors_tell_the_place_and_no_value() {
    let error = refused::<Person>(&hex("a90f00 004e06736563726574 014e06736563726574 40"));
    assert_eq!(error, "a string where i32 is needed, reading property 1 of Person at byte 13");
    assert_eq!(refused::<i32>(&hex("410500")), "1 bytes too many, reading the end of the value at byte 2");
    assert!(refused::<(i32, i32)>(&hex("5703 696969")).contains("1 elements too many"));
    assert!(refused::<(i32, i32)>(&hex("5701 69")).contains("invalid length 1"));
    assert!(refused::<Person>(&hex("a90f00 0164 0064 40")).contains("index not higher"));
}

#[test]
fn counts_beyond_the_bytes_left_are_refused() {
    for start in ["55", "57", "5641", "5841"] {
        let error = refused::<Vec<i32>>(&hex(&format!("{start} bfffffff0f 69")));
        assert!(error.contains("2147483647 elements announced"), "{error}");
    }
    assert!(refused::<BTreeMap<i32, i32>>(&hex("5b bfffffff0f 6969")).contains("elements announced"));
}

#[test]
fn nesting_has_an_end_in_both_directions() {
    #[derive(Debug, Serialize, Deserialize)]
    struct Nested(Vec<Nested>);
    #[derive(Debug, Deserialize)]
    #[allow(dead_code, reason = "a type that cannot be read")]
    struct Itself(Option<Box<Itself>>);

    let deep = |depth: usize| [hex("5501").repeat(depth - 1), hex("5500")].concat();
    let limit = read::<Nested>(&deep(64));
    assert_eq!(written(&limit), deep(64));
    assert!(refused::<Nested>(&deep(65)).contains("more than 64 values"));
    assert!(refused::<Nested>(&deep(100_000)).contains("more than 64 values"));
    assert!(to_vec(&context(), &vec![limit]).is_err());
    assert!(refused::<Itself>(&hex("4105")).contains("without end"));
}

#[test]
fn identities_are_read_past_and_references_refused() {
    let person = hex("5e01 a90f00 004e0170 016a 025e02 aa0f00 004e0173 40 40");
    assert_eq!(read::<Person>(&person).age, 1);
    assert_eq!(read::<Option<Person>>(&person).unwrap().age, 1);
    let twice = hex("5702 5e01 af0f00 004e03524544 40 5f01");
    let error = refused::<Vec<Color>>(&twice);
    assert!(error.contains("shared by identity and reference"), "{error}");
}

fn shape() -> impl Strategy<Value = Shape> {
    let color = prop_oneof![Just(Color::Red), Just(Color::Green), Just(Color::LightBlue)];
    prop_oneof![
        Just(Shape::Empty),
        (-1e9..1e9, option::of(color)).prop_map(|(radius, color)| Shape::Circle { radius, color }),
        any::<(i32, i32)>().prop_map(|(a, b)| Shape::Line(a, b)),
        any::<String>().prop_map(Shape::Named),
    ]
}

prop_compose! {
    fn leaf()(
        boolean: bool,
        signed: (i8, i16, i32, i64, i128),
        (small, short, int) in any::<(u8, u16, u32)>(),
        long in 0..=i64::MAX as u64,
        widest in 0..=i128::MAX as u128,
        single in -1e9_f32..1e9,
        double in -1e9..1e9,
        character in proptest::char::range('\0', '\u{D7FF}'),
        text: String,
        (bytes, numbers) in any::<(Vec<u8>, Vec<u8>)>(),
        optional in option::of(vec(any::<Option<i32>>(), 0..5)),
        map in btree_map(any::<String>(), shape(), 0..5),
        (points, id) in any::<([(i64, i64); 2], u128)>(),
    ) -> Everything {
        Everything {
            boolean,
            signed,
            unsigned: (small, short, int, long, widest),
            floats: (single, double),
            character,
            text,
            bytes,
            numbers,
            local: 0,
            optional,
            map,
            colors: vec![Color::Green, Color::Red],
            points: points.map(|(x, y)| Point(x, y)),
            marker: Marker,
            meters: Meters(single),
            id: JavaUuid(Uuid::from_u128(id)),
            next: None,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(first in leaf(), second in leaf()) {
        let value = Everything { next: Some(Box::new(second)), ..first };
        let pof = written(&value);
        prop_assert!(crate::pof::check(&pof).is_ok());
        prop_assert_eq!(read::<Everything>(&pof), value);
    }

    #[test]
    fn damaged_bytes_are_read_without_panic(value in leaf(), at: prop::sample::Index, byte: u8, cut: bool) {
        let mut pof = written(&value);
        let at = at.index(pof.len());
        if cut { pof.truncate(at) } else { pof[at] = byte }
        let _ = from_slice::<Everything>(&context(), &pof);
    }

    #[test]
    fn any_bytes_are_read_without_panic(pof: Vec<u8>) {
        let context = context();
        let _ = from_slice::<Everything>(&context, &pof);
        let _ = from_slice::<serde_json::Value>(&context, &pof);
        let _ = from_binary::<Vec<Shape>>(&context, &pof);
    }
}
