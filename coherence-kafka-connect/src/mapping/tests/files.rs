//! Files that are refused, and what a comparison finds.

use super::*;

#[track_caller]
fn refused(text: &str, expected: &[&str]) {
    let errors = Mapping::parse(text).expect_err("the file is wrong");
    let errors: Vec<_> = errors.iter().map(ToString::to_string).collect();
    assert_eq!(errors, expected);
}

#[test]
fn every_error_of_a_file_is_reported_with_its_line() {
    refused(
        r#"
[types.Order]
id = 2001
layuot = "PortableObject"
extends = "Base"
[types.Order.fields]
a = { index = 0, type = "lnog" }
b = { index = 0, type = "String" }
c = { type = "List" }
d = { index = -1, type = "Map<String>" }
e = "String"
f = { index = 5, type = "int", from = "x..y", write = "uniform" }
[types.Line]
id = 2001
[enums.Status]
constants = ["A", "A", 1]
form = "nmae"
[maps.Orders]
value = "Ordre"
[maps.Empty]
"#,
        &[
            "line 4: type Order: unknown key layuot, did you mean layout?",
            "line 5: type Order: extends is for layout \"@PortableType\": elsewhere a class writes the properties of \
             the class that it extends as its own, so list them in fields",
            "line 7: type Order: field a: type: unknown type lnog, did you mean long?",
            "line 9: type Order: field c: index is missing: the index of the property in POF",
            "line 9: type Order: field c: type: List needs the type of its elements: List<String>",
            "line 10: type Order: field d: index is integer, expected a number from 0 to 2147483647",
            "line 10: type Order: field d: type: Map needs the types of its keys and values: Map<String, int>",
            "line 11: type Order: field e is string, expected a table as { index = 0, type = \"int\" }",
            "line 12: type Order: field f: from is no path: names with a dot between them, 16 at most",
            "line 12: type Order: field f: write = \"uniform\" is for collections and arrays of String and of \
             wrappers such as Integer",
            "line 13: type Line: fields is missing: add a table [types.Line.fields]",
            "line 13: type Line: id 2001 is that of type Order",
            "line 16: enum Status: constant A occurs twice",
            "line 16: enum Status: an item of constants is integer, expected a name in quotation marks",
            "line 17: enum Status: form is \"nmae\", expected \"object\" or \"ordinal\" or \"name\"",
            "line 19: map Orders: value: unknown type Ordre, did you mean Order?",
            "line 20: map Empty: neither key nor value has a type",
        ],
    );
}

#[test]
fn an_error_of_the_grammar_has_its_line() {
    let errors = Mapping::parse("[maps.M]\nvalue = \n").unwrap_err();
    assert_eq!(errors[0].line, 2);
    let errors = Mapping::parse("[maps.M]\nvalue = \"int\"\n[maps.M]\n").unwrap_err();
    assert_eq!(errors[0].line, 3);
}

#[test]
fn indexes_ids_and_paths_are_unique() {
    refused(
        "[types.T]\nid = 1\n[types.T.fields]\na = { index = 0, type = \"int\" }\nb = { index = 0, type = \"int\" }\n\
         [maps.M]\nvalue = \"T\"\n",
        &["line 5: type T: field b: index 0 is that of field a"],
    );
    refused(
        "[types.T]\nid = 1\n[types.T.fields]\na = { index = 0, type = \"int\" }\n\
         b = { index = 1, type = \"int\", from = \"a.c\" }\n[maps.M]\nvalue = \"T\"\n",
        &["line 1: type T: field b: another field reads a.c, or a part of it"],
    );
    refused(
        "[types.int]\nid = 1\n[types.int.fields]\na = { index = 0, type = \"int\" }\n[maps.M]\nvalue = \"int\"\n",
        &["line 1: type int: the name is that of a Java class that every mapping has"],
    );
    refused("", &["line 1: no map has a type: add a table [maps.NAME] with key and value"]);
}

#[test]
fn a_hierarchy_has_no_circle_and_one_layout() {
    let types = |a: &str, b: &str| {
        format!(
            "[types.A]\nid = 1\n{a}[types.A.fields]\nx = {{ index = 0, type = \"int\" }}\n\
             [types.B]\nid = 2\n{b}[types.B.fields]\ny = {{ index = 0, type = \"int\" }}\n[maps.M]\nvalue = \"B\"\n"
        )
    };
    let layout = "layout = \"@PortableType\"\n";
    refused(
        &types(&format!("{layout}extends = \"B\"\n"), &format!("{layout}extends = \"A\"\n")),
        &["line 1: type A: extends itself", "line 7: type B: extends itself"],
    );
    refused(
        &types("", &format!("{layout}extends = \"A\"\n")),
        &["line 5: type B: extends a type whose layout is not \"@PortableType\""],
    );
}

#[test]
fn types_inside_each_other_are_bounded() {
    let nested = |levels: usize| format!("{}int[]{}", "List<".repeat(levels), ">".repeat(levels));
    let file = |ty: &str| format!("[maps.M]\nvalue = \"{ty}\"\n");
    assert!(Mapping::parse(&file(&nested(15))).is_ok());
    refused(&file(&nested(100_000)), &["line 2: map M: value: too many types inside each other"]);
    for wrong in [
        "",
        "<",
        "List<int",
        "List<int>>",
        "int(2)",
        "BigDecimal(x)",
        "Object",
        "int[][]",
        "LocalDate(weeks)",
    ] {
        assert!(Mapping::parse(&file(wrong)).is_err(), "{wrong}");
    }
}

#[test]
fn a_map_needs_ids_in_pof_and_classes_in_json() {
    let without = ORDERS.replace("class = \"com.acme.Line\"\n", "");
    mapping(&without).check_format(Format::Pof).unwrap();
    let missing = mapping(&without).check_format(Format::Json).unwrap_err();
    let expected = "type Line: no class, which a map in JSON needs: set class to the alias of the class";
    assert_eq!((missing.len(), &*missing[0].message), (1, expected));
    let without = ORDERS.replace("id = 2003\n", "");
    let missing = mapping(&without).check_format(Format::Pof).unwrap_err();
    let expected = "enum Status: no id, which a map in POF needs: set id, or form to \"ordinal\" or \"name\"";
    assert_eq!((missing.len(), &*missing[0].message), (1, expected));
    let refused = mapping(ORDERS).check_format(Format::Java).unwrap_err();
    assert!(
        refused.iter().all(|error| error.message.contains("a map in java has no form for it")),
        "{refused:?}"
    );
}

const CONFIG: &str = r#"<?xml version="1.0"?>
<pof-config xmlns="http://xmlns.oracle.com/coherence/coherence-pof-config">
  <user-type-list>
    <include>coherence-pof-config.xml</include>
    <include>more.xml</include>
    <user-type><type-id>2001</type-id><class-name>com.acme.Order</class-name></user-type>
    <user-type><type-id>2004</type-id><class-name>com.acme.Line</class-name></user-type>
  </user-type-list>
</pof-config>"#;

fn compared(files: &[(&str, &str)]) -> Vec<Compared> {
    let mut load = |name: &str| {
        let file = files.iter().find(|(file, _)| *file == name);
        file.map(|(_, text)| (*text).to_owned()).ok_or_else(|| "no such file".to_owned())
    };
    let config = PofConfig::read("pof-config.xml", &mut load).unwrap_or_else(|errors| panic!("{errors:?}"));
    mapping(ORDERS).compare(&config)
}

#[test]
fn a_comparison_names_what_is_missing_and_what_is_another_class() {
    let more = r#"<pof-config><user-type-list><include>pof-config.xml</include>
        <user-type><type-id>2003</type-id><class-name>com.acme.State</class-name></user-type>
        </user-type-list></pof-config>"#;
    assert_eq!(
        compared(&[("pof-config.xml", CONFIG), ("more.xml", more)]),
        [
            Compared::Same("type Order: type-id 2001 is com.acme.Order".into()),
            Compared::Different(
                "type Line: id is 2002, and com.acme.Line has type-id 2004 (pof-config.xml line 7)".into()
            ),
            Compared::Different(
                "enum Status: class is com.acme.Status, and type-id 2003 is com.acme.State (more.xml line 2)"
                    .into()
            ),
        ]
    );
    let unknown = &compared(&[("pof-config.xml", CONFIG)])[2];
    let expected =
        "enum Status: id 2003 was not found, and the included file more.xml could not be read: no such file";
    assert_eq!(*unknown, Compared::Unknown(expected.into()));
}

#[test]
fn a_configuration_that_cannot_be_read_is_refused() {
    for text in [
        "",
        "<pof-config>",
        "<cache-config/>",
        "<pof-config><user-type-list><user-type/></user-type-list></pof-config>",
    ] {
        assert!(PofConfig::read("x", &mut |_| Ok(text.to_owned())).is_err(), "{text}");
    }
    assert!(PofConfig::read("x", &mut |_| Err("gone".to_owned())).is_err());
}
