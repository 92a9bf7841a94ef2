use proptest::prelude::*;

use super::*;

fn property(name: &str) -> Option<String> {
    match name {
        "coherence.role" => Some("storage".to_owned()),
        "empty" => Some(String::new()),
        "brace" => Some("{cache-name}".to_owned()),
        "again" => Some("${coherence.role}".to_owned()),
        _ => None,
    }
}

fn put_in(text: &str) -> Result<String, MacroError> {
    system(text, &property).map(|(text, _)| text)
}

fn parameter(name: &str, value: &str) -> Parameter {
    Parameter { name: name.to_owned(), value: value.to_owned(), secret: name == "secret" }
}

fn evaluate(text: &str, of_mapping: &[Parameter]) -> Result<String, MacroError> {
    Parameters { cache_name: "dist-orders", of_mapping }.evaluate(text).map(|(text, _)| text)
}

#[test]
fn a_system_property_stands_for_its_macro_and_a_default_for_one_that_is_not_set() {
    for (text, value) in [
        ("near-${coherence.role direct}", "near-storage"),
        ("near-${coherence.client direct}", "near-direct"),
        ("${coherence.role}", "storage"),
        ("${unset}!", "!"),
        ("${unset two words}", "two words"),
        ("${unset ${coherence.role x}}", "storage"),
        ("${unset ${also.unset deep}}/${unset b}", "deep/b"),
        ("${unset:-word}${empty:-word}${coherence.role:-word}", "wordwordstorage"),
        ("${unset:+word}${empty:+word}${coherence.role:+word}", "word"),
        ("${brace}", "{cache-name}"),
        ("{cache-name} $ {", "{cache-name} $ {"),
        ("", ""),
    ] {
        assert_eq!(put_in(text), Ok(value.to_owned()), "{text}");
    }
}

#[test]
fn what_a_system_property_holds_is_not_read_again() {
    assert_eq!(put_in("${again}"), Ok("${coherence.role}".to_owned()));
}

#[test]
fn only_a_property_that_is_set_makes_a_secret() {
    assert!(system("a${coherence.role}", &property).unwrap().1);
    assert!(!system("a${unset b}", &property).unwrap().1);
}

#[test]
fn a_system_macro_that_cannot_be_read_is_refused() {
    let deep = format!("{}x{}", "${unset ".repeat(20), "}".repeat(20));
    for (text, error) in [
        ("a${b", MacroError::Unclosed),
        ("${a ${b}", MacroError::Unclosed),
        ("${}", MacroError::Nameless),
        ("${ a}", MacroError::Nameless),
        ("${coherence.role:2:3}", MacroError::Substring("coherence.role".to_owned())),
        ("${a${b}}", MacroError::Nested),
        (&deep, MacroError::TooDeep),
    ] {
        assert_eq!(put_in(text), Err(error), "{text}");
    }
    let long = |_: &str| Some("x".repeat(40 << 10));
    assert_eq!(system("${a}${b}", &long), Err(MacroError::TooLong));
}

#[test]
fn a_parameter_stands_for_its_macro() {
    let parameters =
        [parameter("topic", "t-{cache-name}"), parameter("delay", " 500ms "), parameter("none", "")];
    for (text, value) in [
        ("{cache-name}", "dist-orders"),
        (" {topic} ", "t-dist-orders"),
        ("a{topic}b{delay 1s}c", "at-dist-ordersb500msc"),
        ("{unknown 1s}", "1s"),
        ("{unknown two words}", "two words"),
        ("{unknown }x", "x"),
        ("{none}", ""),
        ("\\{topic\\}", "{topic}"),
        ("a\\b}", "a\\b}"),
        ("\\\\{", "\\{"),
        ("{cache-name default}", "dist-orders"),
    ] {
        assert_eq!(evaluate(text, &parameters), Ok(value.to_owned()), "{text}");
    }
}

#[test]
fn a_parameter_that_cannot_be_read_is_refused() {
    let parameters =
        [parameter("a", "{b}"), parameter("b", "{a}"), parameter("self", "x{self}"), parameter("open", "{")];
    for (text, error) in [
        ("{", MacroError::Unclosed),
        ("x{cache-name", MacroError::Unclosed),
        ("{}", MacroError::Nameless),
        ("{ }", MacroError::Nameless),
        ("{a {b}}", MacroError::Nested),
        ("{c}", MacroError::Unknown("c".to_owned())),
        ("{a}", MacroError::Cycle("a".to_owned())),
        ("{self}", MacroError::Cycle("self".to_owned())),
        ("{open}", MacroError::Unclosed),
    ] {
        assert_eq!(evaluate(text, &parameters), Err(error), "{text}");
    }
}

#[test]
fn parameters_that_multiply_are_stopped() {
    let chain: Vec<_> = (0..20).map(|n| parameter(&format!("p{n}"), &format!("{{p{}}}", n + 1))).collect();
    assert_eq!(evaluate("{p0}", &chain), Err(MacroError::TooDeep));
    let doubled = |times: usize, last: &str| {
        let mut all: Vec<_> =
            (0..6).map(|n| parameter(&format!("p{n}"), &format!("{{p{}}}", n + 1).repeat(times))).collect();
        all.push(parameter("p6", last));
        all
    };
    assert_eq!(evaluate("{p0}", &doubled(10, "")), Err(MacroError::TooMany));
    assert_eq!(evaluate("{p0}", &doubled(2, &"x".repeat(2_000))), Err(MacroError::TooLong));
}

#[test]
fn a_parameter_from_a_system_property_makes_a_secret() {
    let of_mapping = [parameter("secret", "x"), parameter("plain", "y")];
    let parameters = Parameters { cache_name: "c", of_mapping: &of_mapping };
    assert!(parameters.evaluate("a{secret}").unwrap().1);
    assert!(!parameters.evaluate("a{plain}{cache-name}").unwrap().1);
}

proptest! {
    #[test]
    fn any_text_is_evaluated_or_refused(text in "[ ${}:a\\\\+-]{0,40}|\\PC{0,40}") {
        if let Ok((text, _)) = system(&text, &property) {
            let _ = evaluate(&text, &[parameter("a", &text), parameter("aa", "x{a}")]);
        }
    }

    #[test]
    fn a_text_without_braces_stays_as_it_is(text in "[^{}$\\\\]{0,40}") {
        prop_assert_eq!(put_in(&text).unwrap(), text.clone());
        let once = evaluate(&text, &[]).unwrap();
        prop_assert_eq!(&once, text.trim());
        prop_assert_eq!(&evaluate(&once, &[]).unwrap(), &once);
    }

    /// The model: pieces of known meaning, laid side by side.
    #[test]
    fn a_text_becomes_what_its_pieces_become(pieces in proptest::collection::vec(0_usize..6, 1..12)) {
        let known = [
            ("x", "x"), ("{cache-name}", "dist-orders"), ("{p}", "v"), ("{q d e}", "d e"),
            ("\\{", "{"), ("\\}", "}"),
        ];
        let side = |pick: fn(&(&'static str, &'static str)) -> &'static str| {
            pieces.iter().map(|at| pick(&known[*at])).collect::<String>()
        };
        prop_assert_eq!(evaluate(&side(|k| k.0), &[parameter("p", "v")]), Ok(side(|k| k.1)));
    }
}
