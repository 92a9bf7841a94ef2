use proptest::prelude::*;

use super::*;

const fn key(name: &'static str, kind: Kind, default: DefaultValue, validator: Validator) -> ConfigKey {
    super::key(name, kind, default, validator, ("g", Importance::Low), "")
}

const NONE_ALL: &[&str] = &["none", "all"];
static DEF: ConfigDef = ConfigDef {
    keys: &[
        key("name", Kind::String, DefaultValue::Required, Validator::Name),
        key("tasks.max", Kind::Int, DefaultValue::Text("1"), Validator::AtLeast(1)),
        key("factor", Kind::Short, DefaultValue::Text("3"), Validator::Any),
        key("port", Kind::Int, DefaultValue::Null, Validator::Between(0, 65535)),
        key("timeout", Kind::Long, DefaultValue::Text("0"), Validator::Any),
        key("ratio", Kind::Double, DefaultValue::Null, Validator::Any),
        key("enable", Kind::Boolean, DefaultValue::Text("false"), Validator::Any),
        key("tolerance", Kind::String, DefaultValue::Text("none"), Validator::OneOf(NONE_ALL)),
        key("topics", Kind::List, DefaultValue::Text(""), Validator::DistinctItems),
        key("secret", Kind::Password, DefaultValue::Null, Validator::NonEmpty),
    ],
};

fn refusal(name: &str, text: &str) -> String {
    DEF.key(name).unwrap().parse(text).unwrap_err().to_string()
}

#[test]
fn refusals_have_the_texts_of_connect() {
    for (name, text, expected) in [
        ("tasks.max", "x", "Invalid value x for configuration tasks.max: Not a number of type INT"),
        ("tasks.max", "", "Invalid value  for configuration tasks.max: Not a number of type INT"),
        ("tasks.max", "1.5", "Invalid value 1.5 for configuration tasks.max: Not a number of type INT"),
        ("tasks.max", "0x2", "Invalid value 0x2 for configuration tasks.max: Not a number of type INT"),
        (
            "tasks.max",
            "2147483648",
            "Invalid value 2147483648 for configuration tasks.max: Not a number of type INT",
        ),
        ("tasks.max", "0", "Invalid value 0 for configuration tasks.max: Value must be at least 1"),
        ("port", "70000", "Invalid value 70000 for configuration port: Value must be no more than 65535"),
        ("factor", "40000", "Invalid value 40000 for configuration factor: Not a number of type SHORT"),
        ("timeout", "1s", "Invalid value 1s for configuration timeout: Not a number of type LONG"),
        ("ratio", "inf", "Invalid value inf for configuration ratio: Not a number of type DOUBLE"),
        (
            "enable",
            "yes",
            "Invalid value yes for configuration enable: Expected value to be either true or false",
        ),
        (
            "tolerance",
            "ALL",
            "Invalid value ALL for configuration tolerance: String must be one of: none, all",
        ),
        ("name", "  ", "Invalid value  for configuration name: String may not be empty"),
        (
            "name",
            "a\u{7}b",
            "Invalid value a\u{7}b for configuration name: String may not contain control sequences but had the \
             following ASCII chars: 7",
        ),
        ("topics", " a ,, b,a,", "Configuration 'topics' values must not be duplicated."),
        ("topics", "a,", "Configuration 'topics' values must not be empty."),
        ("secret", "", "Invalid value [hidden] for configuration secret: String must be non-empty"),
    ] {
        assert_eq!(refusal(name, text), expected, "{name}={text:?}");
    }
}

#[test]
fn values_are_trimmed_and_read_as_java_reads_them() {
    let parse = |name: &str, text: &str| DEF.key(name).unwrap().parse(text).unwrap();
    assert_eq!(parse("tasks.max", " 4 "), Typed::Number(4));
    assert_eq!(parse("tasks.max", "+3"), Typed::Number(3));
    assert_eq!(parse("enable", " TRUE "), Typed::Boolean(true));
    assert_eq!(parse("timeout", "-9223372036854775808"), Typed::Number(i64::MIN));
    assert_eq!(parse("ratio", "1e3f"), Typed::Double(1000.0));
    assert_eq!(parse("ratio", "-Infinity"), Typed::Double(f64::NEG_INFINITY));
    assert_eq!(parse("topics", " a , b"), Typed::List(vec!["a".to_owned(), "b".to_owned()]));
    assert_eq!(parse("topics", "  "), Typed::List(Vec::new()));
}

#[test]
fn every_violation_is_reported_and_the_good_settings_are_kept() {
    let lookup = |name: &str| match name {
        "tasks.max" => Some("x"),
        "enable" => Some("1"),
        "timeout" => Some("7"),
        _ => None,
    };
    let (values, violations) = DEF.parse(lookup);
    let keys: Vec<_> = violations.iter().map(Violation::key).collect();
    assert_eq!(keys, ["name", "tasks.max", "enable"]);
    assert_eq!(
        violations[0].to_string(),
        "Missing required configuration \"name\" which has no default value."
    );
    assert_eq!(values.number("timeout"), 7);
    assert_eq!(values.text("tolerance"), Some("none"));
    assert_eq!(values.typed("port"), None);
}

#[test]
fn a_hidden_violation_does_not_show_the_value() {
    let violation = DEF.key("tasks.max").unwrap().parse("sesame").unwrap_err().hidden();
    assert_eq!(
        violation.to_string(),
        "Invalid value [hidden] for configuration tasks.max: Not a number of type INT"
    );
}

#[test]
fn a_typing_slip_finds_the_name_and_a_stranger_does_not() {
    assert_eq!(DEF.nearest("topcs"), Some("topics"));
    assert_eq!(DEF.nearest("Tasks.Max"), Some("tasks.max"));
    assert_eq!(DEF.nearest("task.max"), Some("tasks.max"));
    assert_eq!(DEF.nearest("file"), None);
}

proptest! {
    #[test]
    fn no_text_makes_a_parser_panic(text in any::<String>()) {
        for key in DEF.keys {
            let _ = key.parse(&text);
        }
    }

    #[test]
    fn every_number_of_the_type_is_read_back(n in any::<i64>()) {
        prop_assert_eq!(Kind::Long.parse(&format!(" {n} ")), Ok(Typed::Number(n)));
        prop_assert_eq!(Kind::Int.parse(&n.to_string()).is_ok(), i32::try_from(n).is_ok());
        prop_assert_eq!(Kind::Short.parse(&n.to_string()).is_ok(), i16::try_from(n).is_ok());
    }
}
