//! Objects as Java 25.03.2 writes them, each with the serializer of its class.

use super::*;

const CLASSES: &str = r#"
[types.Person]
id = 1001
[types.Person.fields]
name = { index = 0, type = "String" }
age = { index = 1, type = "int" }
address = { index = 2, type = "Address" }

[types.Address]
id = 1002
[types.Address.fields]
street = { index = 0, type = "String" }
city = { index = 1, type = "String" }
state = { index = 2, type = "String" }
zip = { index = 3, type = "String" }

[types.Evo]
id = 1006
version = 2
[types.Evo.fields]
a = { index = 0, type = "int" }

[enums.Color]
id = 1007
constants = ["RED", "GREEN"]

[types.Ann]
id = 1008
layout = "@Portable"
[types.Ann.fields]
s = { index = 0, type = "String" }
i = { index = 1, type = "int" }
l = { index = 2, type = "long" }
b = { index = 3, type = "boolean" }
boxed = { index = 4, type = "Integer" }
list = { index = 5, type = "List<String>" }

[types.Animal]
id = 1010
version = 1
layout = "@PortableType"
[types.Animal.fields]
legs = { index = 0, type = "int" }
species = { index = 1, type = "String" }
weight = { index = 2, type = "Long" }

[types.Dog]
id = 1011
version = 2
layout = "@PortableType"
extends = "Animal"
[types.Dog.fields]
breed = { index = 0, type = "String" }
color = { index = 1, type = "Color" }
good = { index = 2, type = "boolean" }

[types.LineId]
id = 1013
[types.LineId.fields]
order = { index = 0, type = "long" }
line = { index = 1, type = "int" }

[types.PartKey]
id = 1014
[types.PartKey.fields]
part = { index = 0, type = "int" }
k = { index = 1, type = "String" }

[maps.Person]
value = "Person"
[maps.Evo]
value = "Evo"
[maps.Ann]
value = "Ann"
[maps.Animal]
value = "Animal"
[maps.Dog]
value = "Dog"
[maps.LineId]
key = "LineId"
value = "LineId"
[maps.PartKey]
value = "PartKey"
"#;

const VECTORS: &[(&str, &str, &str)] = &[
    (
        "Person",
        r#"{"name":"Ann","age":50,"address":{"city":"Springfield","state":"USA","zip":"12345"}}"#,
        "15a90f00004e03416e6e01413202aa0f000064014e0b537072696e676669656c64024e03555341034e0531323334354040",
    ),
    ("Person", r#"{"age":0}"#, "15a90f000064026440"),
    ("Person", r#"{"name":"","age":22,"address":null}"#, "15a90f00004e00017f026440"),
    ("Person", r#"{"name":"a","age":-1}"#, "15a90f00004e01610168026440"),
    ("Evo", r#"{"a":7}"#, "15ae0f0200410740"),
    ("Evo", r#"{"a":0}"#, "15ae0f0200410040"),
    (
        "Ann",
        r#"{"s":"x","i":5,"l":6,"b":true,"boxed":7,"list":["q"]}"#,
        "15b00f00004e0178014105024206034a010441070555014e017140",
    ),
    ("Ann", "{}", "15b00f000064014100024200034a000464056440"),
    ("Animal", r#"{"species":"cat","legs":4,"weight":3}"#, "15b20f00b20fb20f01004104014e036361740242034040"),
    ("Animal", "{}", "15b20f00b20fb20f0100410002644040"),
    (
        "Dog",
        r#"{"species":"dog","legs":4,"weight":30,"breed":"lab","color":"GREEN","good":true}"#,
        "15b30f00b20fb20f02004104014e03646f6702421e40b30fb30f02004e036c616201af0f00004e05475245454e4002614040",
    ),
    ("Dog", "{}", "15b30f00b20fb20f02004100026440b30fb30f02006401644040"),
    ("LineId", r#"{"order":77,"line":3}"#, "15b50f0000428d01016c40"),
    ("PartKey", r#"{"part":5,"k":"k"}"#, "15b60f00004105014e016b40"),
];

#[test]
fn objects_are_those_of_java_byte_for_byte() {
    let mapping = mapping(CLASSES);
    mapping.check_format(Format::Pof).unwrap();
    for (class, text, expected) in VECTORS {
        let part = mapping.part(class, Role::Value).unwrap();
        let binary = written(part, json(text)).unwrap();
        assert_eq!(hex(&binary), *expected, "{class} {text}");
        let read = part.read(&binary).unwrap();
        assert_eq!(
            hex(&written(part, read.value).unwrap()),
            *expected,
            "{class} {text} read and written again"
        );
    }
    let (class, text, expected) = VECTORS[12];
    let key = mapping.part(class, Role::Key).unwrap();
    assert_eq!(hex(&written(key, json(text)).unwrap()), expected);
}

#[test]
fn properties_of_a_newer_version_are_skipped() {
    let mapping = mapping(CLASSES);
    let future =
        [0x15, 0xAE, 0x0F, 0x03, 0x00, 0x41, 0x07, 0x01, 0x4E, 0x01, 0x78, 0x05, 0x4E, 0x01, 0x79, 0x40];
    let read = mapping.part("Evo", Role::Value).unwrap().read(&future).unwrap();
    let Value::Struct(evo) = read.value else { panic!("no struct") };
    assert_eq!(evo.values, [Value::Int32(7)]);
}

#[test]
fn a_field_may_be_written_by_write_object_or_uniformly() {
    let text = r#"
        [types.T]
        id = 1
        [types.T.fields]
        a = { index = 0, type = "String" }
        b = { index = 1, type = "String", write = "object" }
        c = { index = 2, type = "int", write = "object" }
        d = { index = 3, type = "List<String>", write = "uniform" }
        e = { index = 4, type = "Integer[]", write = "uniform" }
        f = { index = 5, type = "Level" }
        g = { index = 6, type = "Grade" }
        [enums.Level]
        constants = ["LOW", "HIGH"]
        form = "ordinal"
        [enums.Grade]
        constants = ["A", "B"]
        form = "name"
        [maps.T]
        value = "T"
    "#;
    let mapping = mapping(text);
    mapping.check_format(Format::Pof).unwrap();
    let part = mapping.part("T", Role::Value).unwrap();
    let binary = written(part, json(r#"{"d":["x"],"e":[1,-1],"f":"HIGH","g":"B"}"#)).unwrap();
    assert_eq!(hex(&binary), "1501000064016402410003564e010178045841020140056a064e014240");
    let again = part.read(&binary).unwrap().value;
    assert_eq!(written(part, again).unwrap(), binary);
    // A null keeps Java from writing the type once; the ordinal of a missing constant cannot be written.
    let with_null = written(part, json(r#"{"d":["x",null],"f":1}"#)).unwrap();
    assert_eq!(hex(&with_null), "150100006401640241000355024e017864056a40");
    assert!(written(part, json("{}")).unwrap_err().to_string().starts_with("field f: null or missing"));
}
