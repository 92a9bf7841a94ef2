//! Where a value is refused, and with which error.

use std::collections::BTreeMap;

use super::*;

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
