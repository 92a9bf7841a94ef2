use proptest::prelude::*;

use super::*;

#[test]
fn a_deep_text_is_a_string_and_a_shallow_one_an_array() {
    let nested = |levels: usize| format!("{}{}", "[".repeat(levels), "]".repeat(levels));
    assert!(matches!(parse(&nested(MAX_LEVELS)).value, Value::Array(_)));
    for levels in [MAX_LEVELS + 1, 1_000_000] {
        assert!(matches!(parse(&nested(levels)).value, Value::String(_)));
    }
}

#[test]
fn a_long_number_is_read_without_its_zeros_being_written_out() {
    for (text, scale) in [("1e2147483647", -2_147_483_647), ("12e2000000000", -2_000_000_000)] {
        assert!(matches!(parse(text).value, Value::Decimal { scale: found, .. } if found == scale));
    }
    assert_eq!(parse("0e2147483647").value, Value::Int8(0));
    assert_eq!(parse("1e2147483648").value, Value::String("1e2147483648".into()));
}

#[test]
fn a_value_in_a_shared_schema_is_converted_to_it() {
    let days = parse("[1,2020-01-02]");
    assert_eq!(days.value, Value::Array(vec![Value::Date(86_400_000), Value::Date(1_577_923_200_000)]));
    let entries = parse("{16777216:1,16777217:2,1.5:3}").value;
    let expected =
        [(16_777_216.0, 2), (1.5, 3)].map(|(key, value)| (Value::Float32(key), Value::Int8(value)));
    assert_eq!(entries, Value::Map(expected.into()));
}

proptest! {
    #[test]
    fn any_text_is_some_value(text in prop_oneof![
        any::<String>(),
        "[\\[\\]{}\",:0-9eE.+\\-\\\\ TZtruenal]{0,30}",
    ]) {
        parse(&text);
    }

    #[test]
    fn integers_have_the_fewest_bits(number: i64) {
        let expected = if let Ok(number) = i8::try_from(number) {
            Value::Int8(number)
        } else if let Ok(number) = i16::try_from(number) {
            Value::Int16(number)
        } else if let Ok(number) = i32::try_from(number) {
            Value::Int32(number)
        } else {
            Value::Int64(number)
        };
        prop_assert_eq!(parse(&number.to_string()).value, expected);
    }
}
