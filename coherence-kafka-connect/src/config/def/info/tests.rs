use super::super::{Importance, Kind, Width, key};
use super::*;

const TASKS: ConfigKey = key(
    "tasks.max",
    Kind::Int,
    DefaultValue::Text("1"),
    Validator::AtLeast(1),
    ("Common", Importance::High),
    "Maximum number of tasks to use for this connector.",
)
.displayed(4, Width::Short, "Tasks max");

const GROUP: (&str, Importance) = ("", Importance::Low);

fn refusals(key: &ConfigKey, name: &str, given: Given<'_>) -> Vec<String> {
    key.validate(name, given).1.iter().map(ToString::to_string).collect()
}

#[test]
fn a_value_that_is_not_of_its_type_is_validated_again_as_null() {
    let null = "Invalid value null for configuration tasks.max: Value must be non-null";
    assert_eq!(
        refusals(&TASKS, "tasks.max", Given::Text("x")),
        ["Invalid value x for configuration tasks.max: Not a number of type INT", null]
    );
    assert_eq!(refusals(&TASKS, "tasks.max", Given::Null), [null]);
    assert_eq!(
        refusals(&TASKS, "tasks.max", Given::Text(" 0 ")),
        ["Invalid value 0 for configuration tasks.max: Value must be at least 1"]
    );
    assert_eq!(TASKS.validate("tasks.max", Given::Absent), (Some(Typed::Number(1)), Vec::new()));
    assert_eq!(TASKS.validate("tasks.max", Given::Text("+3")), (Some(Typed::Number(3)), Vec::new()));
}

#[test]
fn a_refusal_by_type_has_the_whole_key_and_one_by_validator_the_bare_key() {
    const OPERATION: ConfigKey = key(
        "operation",
        Kind::String,
        DefaultValue::Required,
        Validator::OneOf(&["move", "copy"]),
        GROUP,
        "",
    );
    assert_eq!(
        refusals(&OPERATION, "transforms.a.operation", Given::Absent),
        [
            "Missing required configuration \"transforms.a.operation\" which has no default value.",
            "Invalid value null for configuration operation: String must be one of: move, copy",
        ]
    );
    const ALIASES: ConfigKey =
        key("transforms", Kind::List, DefaultValue::Text(""), Validator::DistinctAliases, GROUP, "");
    assert_eq!(
        refusals(&ALIASES, "transforms", Given::Text("a, a")),
        ["Invalid value [a, a] for configuration transforms: Duplicate alias provided."]
    );
}

#[test]
fn no_refusal_of_a_password_shows_it() {
    const PASSWORD: ConfigKey =
        key("secret", Kind::Password, DefaultValue::Null, Validator::OneOf(&["a"]), GROUP, "");
    let texts = refusals(&PASSWORD, "secret", Given::Text("b"));
    assert_eq!(
        texts,
        ["Invalid value b for configuration secret: String must be one of: a".replace(" b ", " [hidden] ")]
    );
}

#[test]
fn a_definition_has_the_members_of_connects_answer() {
    let shown = serde_json::to_string(&TASKS.definition("")).unwrap();
    assert_eq!(
        shown,
        "{\"name\":\"tasks.max\",\"type\":\"INT\",\"required\":false,\"default_value\":\"1\",\
         \"importance\":\"HIGH\",\"documentation\":\"Maximum number of tasks to use for this connector.\",\
         \"group\":\"Common\",\"order_in_group\":4,\"width\":\"SHORT\",\"display_name\":\"Tasks max\",\
         \"dependents\":[]}"
    );
    const FILE: ConfigKey = key("file", Kind::String, DefaultValue::Null, Validator::Any, GROUP, "");
    let definition = FILE.definition("p.");
    assert_eq!((definition.name.as_str(), definition.display_name.as_str()), ("p.file", "file"));
    assert_eq!((definition.group, definition.order_in_group, definition.width), (None, -1, "NONE"));
}
