use coherence_kafka_common::pof::{Date, PofValue, PofWriter, Time, Zone};
use proptest::prelude::*;

use super::*;
use crate::converter::{self, Converter};

fn pof(value: &PofValue) -> Vec<u8> {
    let mut binary = vec![0x15];
    PofWriter::new(&mut binary).value(value).unwrap();
    binary
}

fn json_binary(text: &str) -> Vec<u8> {
    [b"\x15", text.as_bytes()].concat()
}

fn text(text: &str) -> PofValue {
    PofValue::String(text.to_owned())
}

fn decoder(format: Format) -> Decoder {
    Decoder { format, typed: None }
}

fn converter(class: &str, options: &[(&str, &str)]) -> Arc<dyn Converter> {
    let options = options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    converter::create(class, Role::Value, &options).unwrap()
}

fn plain_json() -> Arc<dyn Converter> {
    converter("JsonConverter", &[("schemas.enable", "false")])
}

/// The bytes that a converter makes of an entry.
fn written(decoder: &Decoder, converter: &dyn Converter, binary: &[u8]) -> Vec<u8> {
    let data = decoder.decode(Role::Value, binary).unwrap();
    let schema = data.schema.as_deref();
    converter.from_connect("t", &mut Vec::new(), schema, &data.value).unwrap().unwrap()
}

fn in_json(decoder: &Decoder, binary: &[u8]) -> String {
    String::from_utf8(written(decoder, &*plain_json(), binary)).unwrap()
}

#[test]
fn an_entry_in_java_is_its_value_and_its_key_is_found_again() {
    use coherence_kafka_common::java_format::{write_date, write_uuid};

    let (java, converter) = (decoder(Format::Java), plain_json());
    let (mut date, mut id) = (Vec::new(), Vec::new());
    write_date(0, &mut date);
    write_uuid(uuid::Uuid::from_u128(7), &mut id);
    for (binary, expected) in [
        (&b"\x06\x03Hi!"[..], "\"Hi!\""),
        (b"\x01\x05", "5"),
        (b"\x02\x05", "5"),
        (b"\x11\x01", "true"),
        (b"\x05\x02\x30\x39\x02", "\"123.45\""),
        (&date, "\"1970-01-01T00:00:00Z\""),
        (&id, "\"00000000-0000-0000-0000-000000000007\""),
    ] {
        assert_eq!(in_json(&java, binary), expected);
        let data = converter.to_connect("t", &(), Some(expected.as_bytes())).unwrap();
        let is_found = java.keys(&data.value).iter().any(|key| key == binary);
        let is_text_in_json = binary == date || binary[0] == 0x05;
        assert_eq!(is_found, !is_text_in_json, "{expected}");
    }
    for (binary, why) in [
        (&b"\x0B\xAC\xED\x00\x05\x70"[..], "a java.io.Serializable object has no counterpart"),
        (b"\x0A\x01C", "an ExternalizableLite object has no counterpart"),
        (b"\x17\x01\x05", "a java.util.Optional has no counterpart"),
        (b"\x15\x41\x05", "not java: a value of another serializer"),
        (b"\x06\x05a", "not java: 5 bytes needed"),
        (b"", "not java"),
    ] {
        let error = java.decode(Role::Value, binary).unwrap_err().to_string();
        assert!(error.starts_with(why), "{error}");
    }
}

#[test]
fn an_object_in_pof_is_plain_json() {
    let date = Date { year: 2026, month: 11, day: 30 };
    let clock = Time { hour: 9, minute: 5, second: 0, nano: 500_000_000, zone: Some(Zone::Offset(60)) };
    let members = vec![
        (text("name"), text("Ann")),
        (text("age"), PofValue::Int32(40)),
        (text("balance"), PofValue::Decimal { unscaled: 1250, scale: 2 }),
        (text("born"), PofValue::Date(date)),
        (text("seen"), PofValue::DateTime(date, clock)),
        (text("tags"), PofValue::Collection(vec![text("a"), PofValue::Null])),
        (text("codes"), PofValue::Int64Array(vec![1, 2])),
        (text("raw"), PofValue::ByteArray(vec![1, 2])),
    ];
    let expected = r#"{"name":"Ann","age":40,"balance":"12.50","born":"2026-11-30","#.to_owned()
        + r#""seen":"2026-11-30T09:05:00.500+01:00","tags":["a",null],"codes":[1,2],"raw":"AQI="}"#;
    let map = PofValue::Map(members);
    assert_eq!(in_json(&decoder(Format::Pof), &pof(&map)), expected);
    // As a grid stores the object of a JSON client.
    let properties = vec![(0, PofValue::Null), (2, map)];
    let object = PofValue::User { type_id: 800, version: 0, properties };
    assert_eq!(in_json(&decoder(Format::Pof), &pof(&object)), expected);
}

#[test]
fn coherence_json_is_plain_json() {
    let cases = [
        (r#"{"a":1,"b":{"c":[1.5,null]}}"#, r#"{"a":1,"b":{"c":[1.5,null]}}"#),
        (
            r#"{"@class":"java.util.HashMap","entries":[{"key":"a","value":{"@class":"math.BigDec","value":"1.50"}},{"key":"b"}]}"#,
            r#"{"a":"1.50","b":null}"#,
        ),
        (r#"{"@class":"java.util.TreeMap"}"#, "{}"),
        (r#"{"@class":"com.acme.Order","id":7}"#, r#"{"@class":"com.acme.Order","id":7}"#),
        (r#""text""#, r#""text""#),
    ];
    for (entry, expected) in cases {
        assert_eq!(in_json(&decoder(Format::Json), &json_binary(entry)), expected);
    }
}

#[test]
fn a_scalar_has_its_schema_and_a_list_or_map_has_none() {
    let of = |value: &PofValue| {
        let data = decoder(Format::Pof).decode(Role::Value, &pof(value)).unwrap();
        data.schema.map(|schema| schema.kind.to_string())
    };
    assert_eq!(of(&PofValue::Int32(5)).as_deref(), Some("INT32"));
    assert_eq!(of(&PofValue::Int64(5)).as_deref(), Some("INT64"));
    assert_eq!(of(&text("a")).as_deref(), Some("STRING"));
    assert_eq!(of(&PofValue::Map(vec![])), None);
    assert_eq!(of(&PofValue::Null), None);
}

#[test]
fn what_cannot_be_read_is_named_with_the_way_out_and_without_its_content() {
    let error = |format, binary: &[u8]| decoder(format).decode(Role::Value, binary).unwrap_err().to_string();
    let object = pof(&PofValue::User { type_id: 1021, version: 0, properties: vec![(0, text("secret"))] });
    let user = error(Format::Pof, &object);
    assert!(user.contains("user type 1021") && user.contains("coherence.mapping.file"), "{user}");
    assert!(!user.contains("secret"));
    assert_eq!(error(Format::Pof, b"\x12"), "not pof: the first byte is not 15");
    let broken = error(Format::Json, b"\x15{secret");
    assert!(broken.contains("at byte") && !broken.contains("secret"), "{broken}");
}

/// Whether the key that a converter wrote leads back to the key of the map.
fn leads_back(decoder: &Decoder, converter: &dyn Converter, key: &[u8]) -> bool {
    let record = written(decoder, converter, key);
    let data = converter.to_connect("t", &(), Some(&record)).unwrap();
    decoder.keys(&data.value).iter().any(|found| found == key)
}

#[test]
fn a_key_of_a_mapping_file_leads_back_by_its_type() {
    let mapping = "[types.Id]\nid = 1020\n[types.Id.fields]\na = { index = 0, type = \"long\" }\n\
                   b = { index = 1, type = \"String\" }\n[maps.m]\nkey = \"Id\"\n[maps.n]\nkey = \"Short\"\n";
    let mapping = Arc::new(Mapping::parse(mapping).unwrap());
    let typed = |map: &str| Decoder { format: Format::Pof, typed: Some((mapping.clone(), map.to_owned())) };
    let decode = |decoder: &Decoder, key: &[u8]| decoder.decode(Role::Key, key).unwrap();
    let properties = vec![(0, PofValue::Int64(7)), (1, text("x"))];
    for (map, key) in
        [("m", PofValue::User { type_id: 1020, version: 0, properties }), ("n", PofValue::Int16(300))]
    {
        let (decoder, key) = (typed(map), pof(&key));
        let data = decode(&decoder, &key);
        for converter in [plain_json(), converter("JsonConverter", &[])] {
            let schema = data.schema.as_deref();
            let record = converter.from_connect("t", &mut Vec::new(), schema, &data.value).unwrap().unwrap();
            let read = converter.to_connect("t", &(), Some(&record)).unwrap();
            assert_eq!(decoder.keys(&read.value), std::slice::from_ref(&key));
        }
    }
}

fn keys() -> impl Strategy<Value = PofValue> {
    prop_oneof![
        any::<i32>().prop_map(PofValue::Int32),
        any::<i64>().prop_map(PofValue::Int64),
        any::<i16>().prop_map(PofValue::Int16),
        ".{0,12}".prop_map(PofValue::String),
        "[0-9]{1,6}".prop_map(PofValue::String),
    ]
}

proptest! {
    #[test]
    fn a_number_or_text_leads_back_in_every_form(key in keys()) {
        let (decoder, binary) = (decoder(Format::Pof), pof(&key));
        let converters = [plain_json(), converter("JsonConverter", &[]), converter("StringConverter", &[])];
        for converter in converters {
            prop_assert!(leads_back(&decoder, &*converter, &binary), "{:?}", converter);
        }
    }

    #[test]
    fn a_text_or_number_of_a_json_grid_leads_back(number: i64, text in ".{0,12}") {
        let decoder = decoder(Format::Json);
        let quoted = in_json(&decoder, &json_binary(&serde_json::to_string(&text).unwrap()));
        prop_assert_eq!(serde_json::from_str::<String>(&quoted).unwrap(), text.clone());
        prop_assert!(leads_back(&decoder, &*plain_json(), &json_binary(&number.to_string())));
        let mut key = Vec::new();
        Encoder { format: Format::Json, arrays: ArrayForm::List }
            .encode(&Value::String(text.into()), &mut key)
            .unwrap();
        prop_assert!(leads_back(&decoder, &*plain_json(), &key));
    }

    #[test]
    fn any_bytes_are_data_or_an_error(bytes: Vec<u8>) {
        for format in [Format::Pof, Format::Json] {
            let _ = decoder(format).decode(Role::Key, &[&[0x15], &bytes[..]].concat());
        }
    }
}
