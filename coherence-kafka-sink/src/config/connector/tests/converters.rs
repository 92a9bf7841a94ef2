//! Converters and their options.

use super::*;

const BYTES: &str = "org.apache.kafka.connect.converters.ByteArrayConverter";

#[test]
fn passing_through_needs_converters_that_hand_on_bytes() {
    let found = errors(&[("coherence.passthrough", "true"), ("key.converter", BYTES)]);
    assert_eq!(
        found,
        [format!(
            "value.converter: coherence.passthrough=true stores the bytes of the topic as they are: value.converter \
             must be {BYTES}, not org.apache.kafka.connect.json.JsonConverter"
        )]
    );
    let config = good(&[
        ("coherence.passthrough", "TRUE"),
        ("key.converter", "ByteArrayConverter"),
        ("value.converter", BYTES),
        ("coherence.session", "embedded"),
    ]);
    assert!(config.passthrough);
    assert_eq!(config.session.kind, SessionKind::Embedded);
}

#[test]
fn the_java_recipe_that_forgets_the_flag_is_noticed() {
    let found = warnings(&[("key.converter", BYTES), ("value.converter", BYTES)]);
    assert_eq!(
        found,
        [
            "c: coherence.passthrough: both converters return bytes, but coherence.passthrough is not set: the maps \
             store byte arrays. For topics that hold Coherence binaries set coherence.passthrough=true"
        ]
    );
}

#[test]
fn a_converter_of_the_connector_has_the_options_of_the_connector_alone() {
    let json = "org.apache.kafka.connect.json.JsonConverter";
    let parse = |connector: &[(&str, &str)]| {
        let settings =
            [CONVERTERS[0], ("value.converter", json), ("value.converter.schemas.enable", "false")];
        let minimum = [("name", "s"), ("connector.class", "CoherenceSink"), ("topics", "t")];
        let all: Vec<_> = minimum.iter().chain(connector).copied().collect();
        read(&worker(&settings), &Properties::from_pairs("c", all)).unwrap()
    };
    let reads_bare_json = |config: Read| config.value_converter.to_connect("t", &(), Some(b"1")).is_ok();
    assert!(reads_bare_json(parse(&[])));
    assert!(!reads_bare_json(parse(&[("value.converter", json)])), "schemas.enable is true by default");
}

#[test]
fn an_option_that_its_converter_refuses_is_told_with_its_place() {
    let found = errors(&[CONVERTERS[1], ("value.converter.schemas.enable", "maybe")]);
    assert_eq!(found.len(), 1);
    assert!(
        found[0].starts_with("c: value.converter.schemas.enable: Invalid value maybe for configuration"),
        "{found:?}"
    );
}

#[test]
fn options_without_a_converter_are_told() {
    assert_eq!(
        warnings(&[("value.converter.schemas.enable", "false")]),
        [
            "c: value.converter.schemas.enable: without effect: options count only where value.converter is set in the \
             same configuration"
        ]
    );
}

#[test]
fn a_converter_that_nobody_names_or_knows_is_refused() {
    let minimum = [("name", "s"), ("connector.class", "CoherenceSink"), ("topics", "t"), CONVERTERS[0]];
    let found = read(&worker(&[]), &Properties::from_pairs("c", minimum)).unwrap_err();
    assert_eq!(
        found.to_string(),
        "one setting is refused\n  1. value.converter: Missing required configuration \"value.converter\" which has \
         no default value, in the worker and in the connector."
    );
    let found = errors(&[("value.converter", "com.acme.Nope")]);
    let expected = "c: value.converter: Invalid value com.acme.Nope for configuration value.converter: Class \
                    com.acme.Nope could not be found";
    assert!(found[0].starts_with(expected), "{found:?}");
}
