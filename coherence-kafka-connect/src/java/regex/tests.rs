use proptest::prelude::*;

use super::*;

fn matches(java: &str, text: &str) -> bool {
    Pattern::new(java).unwrap_or_else(|why| panic!("{java}: {why}")).matches(text)
}

#[test]
fn expressions_match_the_whole_texts_that_java_matches() {
    for (java, text, expected) in [
        ("orders", "orders", true),
        ("order", "orders", false),
        ("a|b", "ab", false),
        ("(?i)ORDERS", "orders", true),
        (r"\w+", "ordé", false),
        (r"(?U)\w+", "ordé", true),
        (r"\d+", "٣", false),
        (r"\D", "٣", true),
        (".*", "a\nb", false),
        (".*", "a\u{2028}b", false),
        ("(?s).*", "a\nb", true),
        (r"or(?!x).*", "orders", true),
        (r"o(?<=o)rders", "orders", true),
        (r"\<\%\'", "<%'", true),
        (r"(.)\1", "aa", true),
        (r"(?<n>.)\k<n>", "aa", true),
        ("a++b", "aab", true),
        ("a++ab", "aab", false),
        ("[a-z&&[^x]]+", "orders", true),
        ("[a-z&&[^x]]+", "xorders", false),
        ("[a-c[x-z]]+", "abxz", true),
        (r"[\w.-]+", "a.b-c", true),
        (r"[^\d]", "1", false),
        (r"[\D]", "1", false),
        ("[a--]+", "a-", true),
        ("[~~&]+", "~&", true),
        ("[]a]+", "]a", true),
        (r"\p{Alpha}+", "orders", true),
        (r"\P{Alpha}+", "123", true),
        (r"[\p{Punct}]+", "!~]\\", true),
        (r"\p{Lu}\p{IsAlphabetic}", "Éx", true),
        (r"\Qa.b\E.", "a.bc", true),
        (r"\Qa.b", "a.b", true),
        (r"\u0041\x42\x{43}\0104", "ABCD", true),
        (r"a\h\v\Rb", "a \n\r\nb", true),
        (r"\t\e\a\cA", "\t\u{1b}\u{7}\u{1}", true),
        (r"^o.*s$", "orders", true),
        (r"a\-b\.c\_", "a-b.c_", true),
        ("(?<year>[0-9]{4})", "2020", true),
        ("(?>a+)b", "aab", true),
    ] {
        assert_eq!(matches(java, text), expected, "{java} on {text:?}");
    }
}

#[test]
fn an_expression_that_java_refuses_is_refused() {
    for java in
        ["(", "[a", "*a", "(?<n", "a{2,1}", r"\", r"\p{Foo}", "(?<1a>x)", r"\y", r"\u12", "[", r"[\b]"]
    {
        assert!(Pattern::new(java).is_err(), "{java}");
    }
}

proptest! {
    #[test]
    fn no_expression_makes_it_panic(java in any::<String>(), text in any::<String>()) {
        if let Ok(pattern) = Pattern::new(&java) {
            let _ = pattern.matches(&text);
        }
    }

    #[test]
    fn escaped_text_matches_itself(text in "[^\n\r\u{85}\u{2028}\u{2029}]{0,8}") {
        prop_assume!(!text.contains(r"\E"));
        let quoted = format!(r"\Q{text}\E");
        prop_assert!(matches(&quoted, &text));
    }
}
