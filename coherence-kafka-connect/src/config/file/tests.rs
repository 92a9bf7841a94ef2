use proptest::prelude::*;
use serde_json::Value;

use super::*;

/// What the Java class and `connect-standalone` made of the same bytes.
const VECTORS: &str = include_str!("../../../tests/vectors/config-files.jsonl");

fn vectors(kind: &str) -> Vec<Value> {
    let all = VECTORS.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    all.filter(|case| case["kind"] == kind).collect()
}

fn hex(case: &Value) -> Vec<u8> {
    let digits = case["hex"].as_str().unwrap();
    (0..digits.len()).step_by(2).map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap()).collect()
}

fn settings(file: &ConfigFile) -> Vec<(String, String)> {
    file.settings.iter().map(|property| (property.key.clone(), property.value.clone())).collect()
}

#[test]
fn properties_are_read_as_java_util_properties_reads_them() {
    let cases = vectors("properties");
    assert_eq!(cases.len(), 208);
    for case in cases {
        // The vectors are of ISO-8859-1 text, whatever the bytes would be as UTF-8.
        let text: String = hex(&case).into_iter().map(char::from).collect();
        let read = parse_properties("f", &text);
        if case["outcome"] == "error" {
            let errors = read.unwrap_err();
            assert!(errors.to_string().contains("malformed \\uxxxx encoding"), "{case}: {errors}");
            continue;
        }
        let expected: Option<Vec<(String, String)>> = case["entries"]
            .as_array()
            .unwrap()
            .iter()
            .map(|entry| Some((entry[0].as_str()?.to_owned(), entry[1].as_str()?.to_owned())))
            .collect();
        match expected {
            Some(expected) => {
                let file = read.unwrap();
                assert_eq!(settings(&file), expected, "{case}");
                let assignments = case["assignments"].as_u64().unwrap_or(expected.len() as u64);
                assert_eq!(file.warnings.len() as u64, assignments - expected.len() as u64, "{case}");
            }
            // Half a surrogate pair: Java keeps it, Rust text cannot.
            None => assert!(read.is_err(), "{case}"),
        }
    }
}

/// Where we differ on purpose, by the number of the vector.
const DIFFERENT: &[(&str, &str)] = &[
    ("props-140", "valid UTF-8 is read as UTF-8"),
    ("props-141", "a byte order mark is no part of the first key"),
    ("props-142", "a byte order mark is no part of the first comment"),
    ("props-150", "valid UTF-8 is read as UTF-8"),
    ("file-033", "valid UTF-8 is read as UTF-8"),
];

#[test]
fn the_bytes_of_properties_mean_what_they_mean_in_java_but_for_utf_8() {
    for case in vectors("properties") {
        let bytes = hex(&case);
        let text: String = bytes.iter().copied().map(char::from).collect();
        let read = |file: Result<ConfigFile, _>| file.ok().map(|file| settings(&file));
        let same = read(parse("f", &bytes)) == read(parse_properties("f", &text));
        assert_ne!(same, DIFFERENT.iter().any(|(id, _)| case["id"] == *id), "{case}");
    }
}

#[test]
fn connector_files_are_read_as_connect_standalone_reads_them() {
    let cases = vectors("connector-file");
    assert_eq!(cases.len(), 40);
    for case in cases {
        if DIFFERENT.iter().any(|(id, _)| case["id"] == *id) {
            continue;
        }
        let file = parse("f", &hex(&case));
        let named =
            file.as_ref().is_ok_and(|file| file.settings.iter().any(|property| property.key == "name"));
        if case["outcome"] == "error" {
            // A missing name is refused by the typed parse.
            assert!(!named, "{case}");
            continue;
        }
        let file = file.unwrap_or_else(|errors| panic!("{case}: {errors}"));
        assert_eq!(named, !case["name"].is_null(), "{case}");
        let mut read = settings(&file);
        read.sort();
        // A JSON null is the same as nothing: a setting without a value.
        let mut expected: Vec<_> = case["config"]
            .as_object()
            .unwrap()
            .iter()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect();
        expected.sort();
        assert_eq!(read, expected, "{case}");
        let state = case["initial_state"].as_str().map(|state| TargetState::parse(state).unwrap());
        assert_eq!(file.initial_state, state, "{case}");
    }
}

#[test]
fn utf_8_is_read_as_utf_8_and_everything_else_as_latin_1() {
    let value = |bytes: &[u8]| parse("f", bytes).unwrap().settings[0].value.clone();
    assert_eq!(value("name=hé".as_bytes()), "hé");
    assert_eq!(value(b"name=h\xe9"), "hé");
    assert_eq!(value(b"name=\\u00e9\\ud83d\\ude00"), "é😀");
    assert_eq!(parse("f", b"\xef\xbb\xbfname=x").unwrap().settings[0].key, "name");
}

#[test]
fn every_setting_knows_the_line_on_which_it_begins() {
    let text = b"# comment\r\n\r\na=1\rb=\\\n  2\n\n!x\nc";
    let file = parse("w.properties", text).unwrap();
    let origins: Vec<_> = file.settings.iter().map(|property| property.origin.as_str()).collect();
    assert_eq!(origins, ["w.properties:3", "w.properties:4", "w.properties:8"]);
}

#[test]
fn a_repeated_key_keeps_the_last_value_and_is_warned_about() {
    let file = parse("w.properties", b"a=1\nb=2\na=3\n").unwrap();
    assert_eq!(settings(&file), [("a".to_owned(), "3".to_owned()), ("b".to_owned(), "2".to_owned())]);
    assert_eq!(file.warnings[0].to_string(), "w.properties:3: a: replaces the value of line 1");
}

#[test]
fn a_malformed_escape_is_reported_with_its_line() {
    let errors = parse("w.properties", b"a=1\nb=\\u00zz\n").unwrap_err();
    assert_eq!(errors.to_string(), "one setting is refused\n  1. w.properties:2: malformed \\uxxxx encoding");
}

#[test]
fn a_path_of_windows_in_a_comment_is_not_an_escape() {
    assert_eq!(parse("f", b"# c:\\users\\unknown\na=1").unwrap().settings.len(), 1);
}

#[test]
fn broken_json_is_reported_as_json_with_its_line() {
    for (text, expected) in [
        ("{\n  \"name\": \"a\",\n}", "c.json:3: is not valid JSON: trailing comma at line 3 column 1"),
        ("{\"name\":\"a\"", "c.json:1: is not valid JSON: EOF while parsing an object at line 1 column 11"),
        ("[]", "c.json: is not a JSON object"),
        ("", "c.json: is not a JSON object"),
        ("{\"name\":\"a\",\n\"topics\":[\"t\"]}", "c.json:2: topics: must be a text, a number or a boolean"),
        (
            "{\"name\":\"a\",\n\"config\":{\n\"name\":\"b\"}}",
            "c.json:3: name: differs from the name a of the request",
        ),
        (
            "{\"name\":\"a\",\"config\":{},\n\"initial_state\":\"x\"}",
            "c.json:2: initial_state: must be RUNNING, PAUSED or STOPPED",
        ),
    ] {
        let errors = parse("c.json", text.as_bytes()).unwrap_err();
        assert_eq!(errors.errors[0].to_string(), expected, "{text}");
    }
}

#[test]
fn numbers_of_json_are_what_is_written() {
    let numbers = ["1.50", "1e3", "1E3", "1.0E+2", "-0", "12345678901234567890123456789", "0.10", "1e400"];
    for number in numbers {
        let body = format!(r#"{{"z": 1, "a": "\u00e9", "a": {number} , "b":true, "c":"1e3", "d": null}}"#);
        for text in [body.clone(), format!(r#"{{"config": {body}}} behind"#)] {
            let read = settings(&parse("c.json", text.as_bytes()).unwrap());
            let read: Vec<_> = read.iter().map(|(key, value)| (key.as_str(), value.as_str())).collect();
            assert_eq!(read, [("z", "1"), ("a", number), ("b", "true"), ("c", "1e3")], "{text}");
        }
        let named = format!(r#"{{"name": {number}, "config": {{}}}}"#);
        let expected = [("name".to_owned(), number.to_owned())];
        assert_eq!(settings(&parse("c.json", named.as_bytes()).unwrap()), expected);
    }
}

#[test]
fn settings_of_json_know_their_line() {
    let text =
        "{\n \"name\": \"a\",\n \"config\": {\n  \"tasks.max\" : 2,\n  \"topics\": \"tasks.max\"\n }\n}";
    let file = parse("c.json", text.as_bytes()).unwrap();
    let origins: Vec<_> = file.settings.iter().map(|p| (p.key.as_str(), p.origin.as_str())).collect();
    assert_eq!(origins, [("name", "c.json:2"), ("tasks.max", "c.json:4"), ("topics", "c.json:5")]);
}

#[test]
fn a_file_that_is_not_there_is_named() {
    let errors = read(Path::new("no/such/file.properties")).unwrap_err();
    assert!(errors.to_string().contains("no/such/file.properties: cannot be read: "), "{errors}");
}

fn escaped(text: &str) -> String {
    text.chars()
        .map(|c| match c {
            '\n' => "\\n".to_owned(),
            '\r' => "\\r".to_owned(),
            '\t' => "\\t".to_owned(),
            '\u{c}' => "\\f".to_owned(),
            '\\' | '=' | ':' | '#' | '!' | ' ' => format!("\\{c}"),
            c if c > '~' => {
                let mut units = [0; 2];
                c.encode_utf16(&mut units).iter().map(|unit| format!("\\u{unit:04x}")).collect()
            }
            c => c.to_string(),
        })
        .collect()
}

proptest! {
    #[test]
    fn what_is_written_with_escapes_is_read_back(
        entries in proptest::collection::btree_map(any::<String>(), any::<String>(), 0..8)
    ) {
        let lines = entries.iter().map(|(key, value)| format!("{} = {}\n", escaped(key), escaped(value)));
        let text: String = lines.collect();
        let read: std::collections::BTreeMap<_, _> =
            properties::parse(&text).unwrap().into_iter().map(|entry| (entry.key, entry.value)).collect();
        prop_assert_eq!(read, entries);
    }

    #[test]
    fn no_bytes_make_it_panic(bytes in any::<Vec<u8>>()) {
        let _ = parse("f", &bytes);
        let _ = parse("f.json", &bytes);
    }

    #[test]
    fn no_text_of_special_characters_makes_it_panic(text in "[\\\\u0a=: \t\r\n#!{}\"]{0,40}") {
        let _ = parse("f", text.as_bytes());
    }
}
