use std::borrow::Cow;

use proptest::prelude::*;

use super::*;
use crate::data::{SchemaKind, Value};

const KAFKA: &str = "org.apache.kafka.common.serialization.";

fn options(pairs: &[(&str, &str)]) -> BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

fn converter(class: &str, pairs: &[(&str, &str)]) -> Arc<dyn Converter> {
    create(class, Role::Value, &options(pairs)).unwrap()
}

fn value(converter: &dyn Converter, bytes: &[u8]) -> Result<Value<'static>, String> {
    converter
        .to_connect("t", &(), Some(bytes))
        .map(|data| data.value.into_owned())
        .map_err(|error| error.to_string())
}

fn written(converter: &dyn Converter, value: &Value<'_>) -> Result<Vec<u8>, String> {
    converter
        .from_connect("t", &mut Vec::new(), None, value)
        .map(|bytes| bytes.expect("no null"))
        .map_err(|error| error.to_string())
}

#[test]
fn a_class_is_known_by_its_full_name_and_by_connects_aliases() {
    for class in known_classes() {
        let simple = class.rsplit('.').next().unwrap();
        for name in [class, simple, simple.strip_suffix("Converter").unwrap(), &format!(" {class} ")] {
            let converter = converter(name, &[]);
            assert_eq!(converter.class_name(), class);
            assert_eq!(
                converter.to_connect("t", &(), None).unwrap().value,
                Value::Null,
                "{class}: null stays null"
            );
            let none = converter.from_connect("t", &mut Vec::new(), None, &Value::Null);
            assert_eq!(none, Ok(None), "{class}: null is a tombstone");
        }
    }
}

#[test]
fn an_unknown_class_is_refused_with_the_property_and_the_known_ones() {
    let errors = create("io.confluent.connect.avro.AvroConverter", Role::Key, &options(&[])).unwrap_err();
    let text = errors[0].to_string();
    assert!(
        text.starts_with(
            "Invalid value io.confluent.connect.avro.AvroConverter for configuration key.converter: Class \
             io.confluent.connect.avro.AvroConverter could not be found"
        ),
        "{text}"
    );
    assert!(text.contains("org.apache.kafka.connect.json.JsonConverter"), "{text}");
}

#[test]
fn a_header_converter_is_known_by_its_full_name_and_by_connects_aliases() {
    let options = options(&[("schemas.enable", "false")]);
    for class in known_header_classes() {
        let simple = class.rsplit('.').next().unwrap();
        for name in [class, simple] {
            let converter = create_header(name, &options).unwrap();
            assert_eq!(converter.class_name(), class);
            assert_eq!(converter.to_connect_header("t", "h", None).unwrap().value, Value::Null);
        }
    }
    assert_eq!(create_header("Simple", &options).unwrap().class_name(), SIMPLE_HEADER_CONVERTER);
    let errors = create_header("KafkaPofConverter", &options).unwrap_err();
    let text = "Invalid value KafkaPofConverter for configuration header.converter: Class KafkaPofConverter could not be \
                found; known are org.apache.kafka.connect.storage.SimpleHeaderConverter, ";
    assert!(errors[0].to_string().starts_with(text), "{errors:?}");
}

#[test]
fn a_header_in_an_unset_envelope_names_the_setting_of_headers() {
    let json = create_header("JsonConverter", &options(&[])).unwrap();
    let error = json.to_connect_header("t", "h", Some(b"1")).unwrap_err().to_string();
    assert!(error.contains("header.converter.schemas.enable=false"), "{error}");
}

#[test]
fn all_bad_options_are_refused_at_once() {
    let bad = [
        ("schemas.enable", "maybe"),
        ("schemas.cache.size", "many"),
        ("decimal.format", "x"),
        ("replace.null.with.default", "1"),
        ("schema.content", "{\"type\":\"zz\"}"),
        ("no.such.option", "x"),
    ];
    let errors = create("Json", Role::Value, &options(&bad)).unwrap_err();
    let keys: Vec<_> = errors.iter().map(|error| &*error.key).collect();
    assert_eq!(
        keys,
        [
            "schemas.enable",
            "replace.null.with.default",
            "schemas.cache.size",
            "decimal.format",
            "schema.content"
        ]
    );
    assert_eq!(errors[0].value.as_deref(), Some("maybe"));
}

#[test]
fn missing_envelope_says_what_to_set() {
    let error = value(&*converter("Json", &[]), b"{\"a\":1}").unwrap_err();
    assert!(error.contains("value.converter.schemas.enable=false"), "{error}");
}

#[test]
fn errors_hold_nothing_of_the_bytes() {
    let secret = b"{\"password\":\"hunter2\", hunter2}";
    for class in known_classes() {
        if let Err(error) = converter(class, &[]).to_connect("t", &(), Some(secret)) {
            let text = format!("{error} {error:?}");
            assert!(!text.contains("hunter") && !text.contains("password"), "{text}");
        }
    }
}

#[test]
fn bytes_of_a_schema_registry_are_recognised() {
    let error = value(&*converter("Json", &[("schemas.enable", "false")]), b"\0\0\0\0\x07{}").unwrap_err();
    assert!(error.contains("Schema Registry"), "{error}");
}

#[test]
fn simple_converters_borrow_and_share_their_schema() {
    let strings = converter("String", &[]);
    let data = strings.to_connect("t", &(), Some(b"text")).unwrap();
    assert!(matches!(data.value, Value::String(Cow::Borrowed("text"))));
    let again = strings.to_connect("t", &(), Some(b"more")).unwrap();
    assert!(Arc::ptr_eq(&data.schema.unwrap(), &again.schema.unwrap()));
    let bytes = converter("ByteArray", &[]);
    let data = bytes.to_connect("t", &(), Some(b"x")).unwrap();
    assert!(matches!(data.value, Value::Bytes(Cow::Borrowed(b"x"))));
}

#[test]
fn the_custom_converter_reads_with_the_deserializer_it_is_given() {
    let named = |name: &str| {
        let class = format!("{KAFKA}{name}Deserializer");
        converter("com.oracle.coherence.kafka.connect.util.CustomConverter", &[("deserializer", &class)])
    };
    assert_eq!(value(&*named("String"), "é".as_bytes()), Ok(Value::String("é".into())));
    assert_eq!(value(&*named("Long"), &[0, 0, 0, 0, 0, 0, 0, 9]), Ok(Value::Int64(9)));
    assert_eq!(value(&*named("ByteBuffer"), b"x"), Ok(Value::Bytes(Cow::Borrowed(b"x"))));
    assert_eq!(value(&*named("UUID"), b"0-0-0-0-1"), Ok(Value::Uuid(1)));
    assert_eq!(
        value(&*named("Integer"), b"x").unwrap_err(),
        "Failed to deserialize object: Size of data received by IntegerDeserializer is not 4, it is 1"
    );
    assert!(value(&*named("Void"), b"").is_err());
    assert_eq!(named("Void").to_connect("t", &(), None).unwrap().value, Value::Null);
}

#[test]
fn the_custom_converter_reads_bytes_by_default_and_takes_either_name_of_its_option() {
    assert_eq!(value(&*converter("Custom", &[]), b"x"), Ok(Value::Bytes(Cow::Borrowed(b"x"))));
    let short = format!("{KAFKA}ShortDeserializer");
    let serializer = ("serializer", "no.such.Class");
    let custom = converter("Custom", &[("converter.deserializer", &short), serializer]);
    assert_eq!(value(&*custom, &[1, 2]), Ok(Value::Int16(258)));
}

#[test]
fn the_custom_converter_follows_the_options_of_its_deserializer() {
    let string = format!("{KAFKA}StringDeserializer");
    let latin = [
        ("deserializer", &*string),
        ("value.deserializer.encoding", "ISO-8859-1"),
        ("key.deserializer.encoding", "UTF-16"),
    ];
    assert_eq!(value(&*converter("Custom", &latin), &[0xE9]), Ok(Value::String("é".into())));
    let list = format!("{KAFKA}ListDeserializer");
    let inner = format!("{KAFKA}Serdes$IntegerSerde");
    let lists = converter("Custom", &[("deserializer", &list), ("default.list.value.serde.inner", &inner)]);
    let bytes = [0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 5];
    assert_eq!(value(&*lists, &bytes), Ok(Value::Array(vec![Value::Int32(5)])));
    let errors = create("Custom", Role::Key, &options(&[("deserializer", &list)])).unwrap_err();
    assert_eq!(errors[0].key, "default.list.key.serde.inner");
}

#[test]
fn the_custom_converter_writes_what_it_reads() {
    let named = |name: &str| converter("Custom", &[("deserializer", &format!("{KAFKA}{name}Deserializer"))]);
    for (name, expected) in [
        ("String", Value::String("é".into())),
        ("Bytes", Value::Bytes(b"x".into())),
        ("Long", Value::Int64(9)),
        ("Boolean", Value::Boolean(true)),
        ("UUID", Value::Uuid(7)),
    ] {
        let bytes = written(&*named(name), &expected).unwrap();
        assert_eq!(value(&*named(name), &bytes), Ok(expected));
    }
    assert_eq!(written(&*named("Integer"), &Value::Pof([0x15, 0x41, 0x05][..].into())), Ok(vec![0, 0, 0, 5]));
    assert_eq!(
        written(&*named("Long"), &Value::Int32(9)).unwrap_err(),
        "Failed to serialize object: it does not write a java.lang.Integer"
    );
}

#[test]
fn pof_is_written_as_it_is_and_other_data_in_pof() {
    let plain = Value::Pof([0x15, 0x41, 0x05][..].into());
    let custom = [("deserializer", "com.oracle.coherence.kafka.pof.KafkaPofDeserializer")];
    for pof in [converter("KafkaPof", &[]), converter("Custom", &custom)] {
        assert_eq!(written(&*pof, &plain), Ok(vec![0x15, 0x41, 0x05]));
        assert_eq!(written(&*pof, &Value::Int32(5)), Ok(vec![0x15, 0x41, 0x05]));
    }
}

#[test]
fn pof_of_a_key_has_one_form() {
    let key = |names: [&str; 2]| {
        let entries = names.map(|name| (Value::String(name.to_owned().into()), Value::Int32(1)));
        let pof = create("KafkaPof", Role::Key, &BTreeMap::new()).unwrap();
        written(&*pof, &Value::Map(entries.into())).unwrap()
    };
    assert_eq!(key(["a", "b"]), key(["b", "a"]));
}

#[test]
fn bytes_are_no_text() {
    let error = written(&*converter("String", &[]), &Value::Bytes(b"hunter".into())).unwrap_err();
    assert_eq!(
        error,
        "Failed to serialize to a string: bytes have no text, write them with ByteArrayConverter"
    );
}

#[test]
fn an_unknown_deserializer_is_refused_by_name() {
    let errors =
        create("Custom", Role::Key, &options(&[("deserializer", "my.own.Deserializer")])).unwrap_err();
    assert_eq!(errors[0].key, "deserializer");
    assert!(errors[0].message.starts_with(
        "Invalid value my.own.Deserializer for configuration deserializer: Class my.own.Deserializer could not be \
         found; known are org.apache.kafka.common.serialization.StringDeserializer"
    ));
    assert!(errors[0].message.contains("com.oracle.coherence.kafka.pof.KafkaPofDeserializer"));
}

#[test]
fn pof_is_taken_as_it_is_and_without_its_decorations() {
    let pof = converter("KafkaPof", &[("kafka.pof.config", "my-pof-config.xml")]);
    let plain = [0x15, 0x41, 0x05];
    let expected = Ok(Value::Pof(Cow::Borrowed(&plain[..])));
    assert_eq!(value(&*pof, &plain), expected);
    assert_eq!(value(&*pof, &[0x0D, 0x07, 0x15, 0x41, 0x05]), expected, "a key with its partition");
    assert_eq!(value(&*pof, &[0x12, 0x05, 0x03, 0x15, 0x41, 0x05, 0x03, 0x15, 0x4A, 0x00]), expected);
    assert_eq!(value(&*pof, &[0x15, 0x64]), Ok(Value::Null), "what Java writes for null");
    let custom = [("deserializer", "com.oracle.coherence.kafka.pof.KafkaPofDeserializer")];
    assert_eq!(value(&*converter("Custom", &custom), &plain), expected);
}

#[test]
fn what_is_no_whole_pof_is_refused_with_the_offset() {
    let pof = converter("KafkaPof", &[]);
    let cut = value(&*pof, &[0x0D, 0x07, 0x15, 0x4E, 0x05, b'a']).unwrap_err();
    assert!(cut.starts_with("Failed to deserialize POF: ") && cut.contains("at byte 4"), "{cut}");
    let legacy = value(&*pof, &[0x06, 0x03, 0x48, 0x69, 0x21]).unwrap_err();
    assert!(legacy.contains("begins with 0x06, Coherence's Java format"), "{legacy}");
    assert!(value(&*pof, &[]).unwrap_err().contains("empty"));
    assert!(value(&*pof, b"text").unwrap_err().contains("not a Coherence binary"));
}

#[test]
fn a_bad_charset_is_refused_in_kafkas_words() {
    let errors = create("String", Role::Value, &options(&[("converter.encoding", "IBM1047")])).unwrap_err();
    assert_eq!(errors[0].message, "Unsupported encoding IBM1047");
    assert_eq!(errors[0].key, "converter.encoding");
}

fn every_converter() -> Vec<Arc<dyn Converter>> {
    let mut all: Vec<_> = known_classes().map(|class| converter(class, &[])).collect();
    all.push(converter("Json", &[("schemas.enable", "false")]));
    all.push(converter("Json", &[("schema.content", "{\"type\":\"array\",\"items\":{\"type\":\"bytes\"}}")]));
    for charset in ["UTF-16", "UTF-32", "Shift_JIS", "windows-1252", "IBM037", "ISO-8859-9", "GB18030"] {
        all.push(converter("String", &[("converter.encoding", charset)]));
    }
    for name in ["UUID", "Boolean", "Double"] {
        let class = format!("{KAFKA}{name}Deserializer");
        all.push(converter("Custom", &[("deserializer", &class)]));
        let (list, inner) = (format!("{KAFKA}ListDeserializer"), format!("{KAFKA}Serdes${name}Serde"));
        all.push(converter("Custom", &[("deserializer", &list), ("default.list.value.serde.inner", &inner)]));
    }
    all
}

proptest! {
    #[test]
    fn any_bytes_go_through_every_converter_without_panic(
        bytes in prop_oneof![
            any::<Vec<u8>>(),
            "[\\[\\]{}\",:0-9eE.+\\-\\\\u a-f]{0,40}".prop_map(String::into_bytes),
            any::<Vec<u8>>().prop_map(|bytes| [&[0x15], &*bytes].concat()),
            any::<Vec<u8>>().prop_map(|bytes| [b"{\"schema\":{\"type\":\"int32\"},\"payload\":", &*bytes].concat()),
        ],
    ) {
        for converter in every_converter() {
            if let Ok(data) = converter.to_connect("t", &(), Some(&bytes)) {
                let _ = converter.from_connect("t", &mut Vec::new(), data.schema.as_deref(), &data.value);
            }
        }
        for class in known_header_classes() {
            let converter = create_header(class, &BTreeMap::new()).unwrap();
            if let Ok(data) = converter.to_connect_header("t", "h", Some(&bytes)) {
                let _ = converter.from_connect_header("t", "h", data.schema.as_deref(), &data.value);
            }
        }
    }
}

#[test]
fn a_number_converter_declares_an_optional_schema() {
    let converter = converter("Integer", &[]);
    let data = converter.to_connect("t", &(), None).map(|data| data.schema).unwrap();
    assert_eq!(**data.unwrap(), crate::data::Schema::optional(SchemaKind::Int32));
}

#[test]
fn every_converter_has_definitions_with_values_that_it_accepts() {
    let (mut known, mut defined): (Vec<_>, Vec<_>) =
        (known_classes().collect(), CONVERTERS.iter().map(|desc| desc.class).collect());
    known.sort_unstable();
    assert!(defined.is_sorted());
    defined.sort_unstable();
    assert_eq!(known, defined);
    let (mut known, mut defined): (Vec<_>, Vec<_>) =
        (known_header_classes().collect(), HEADER_CONVERTERS.iter().map(|desc| desc.class).collect());
    known.sort_unstable();
    assert!(defined.is_sorted());
    defined.sort_unstable();
    assert_eq!(known, defined);
    for desc in &CONVERTERS {
        let definitions = desc.settings.definitions();
        let defaults: Vec<_> = definitions
            .iter()
            .filter_map(|definition| Some((&*definition.name, definition.default_value.as_deref()?)))
            .collect();
        assert_eq!(converter(desc.class, &defaults).class_name(), desc.class);
    }
}
