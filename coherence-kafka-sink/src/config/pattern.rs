//! `topics.regex`: from a Java regular expression to one that librdkafka understands.
//!
//! librdkafka hands a subscription that begins with `^` to the C library's `regcomp` as a POSIX extended
//! expression, which has neither `\d` nor `(?:`, and takes a backslash inside brackets literally. So the
//! expression is rewritten, and what POSIX cannot express is refused instead of silently matching other topics.

use std::iter::Peekable;
use std::str::Chars;

use regex::Regex;

/// The characters of topic names, dash last as POSIX brackets want it. Classes are evaluated over them, so that
/// nothing that is special in brackets can occur.
const ALPHABET: &str = ".0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ_abcdefghijklmnopqrstuvwxyz-";

/// Rewrites a Java expression that must match a whole topic name; the result is anchored.
///
/// # Errors
/// Why it is refused, in the words of Connect where Connect would refuse it too.
pub(super) fn posix(java: &str) -> Result<String, String> {
    if let Err(error) = Regex::new(&format!("^(?:{java})$")) {
        let error = error.to_string();
        let reason = error.lines().last().unwrap_or_default();
        return Err(format!("Invalid regex: {}", reason.strip_prefix("error: ").unwrap_or(reason)));
    }
    let mut posix = String::from("^(");
    let mut chars = java.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => match chars.next() {
                Some(letter) if class(letter).is_some() => {
                    posix.push_str(&bracket(|c| class(letter).is_some_and(|holds| holds(c)))?);
                }
                Some(c) if c.is_alphanumeric() => return Err(unsupported(&format!("\\{c}"))),
                Some(c) => push_literal(&mut posix, c),
                None => return Err(unsupported("a lone backslash")),
            },
            '[' => {
                let class = Class::read(&mut chars)?;
                posix.push_str(&bracket(|c| class.holds(c))?);
            }
            '(' => {
                posix.push('(');
                if chars.next_if_eq(&'?').is_some() && chars.next_if_eq(&':').is_none() {
                    return Err(unsupported("a group that begins with (?, other than (?:"));
                }
            }
            '*' | '+' | '?' | '}' => {
                posix.push(c);
                // Lazy and greedy quantifiers accept the same whole names.
                if chars.next_if_eq(&'?').is_none() && chars.peek() == Some(&'+') {
                    return Err(unsupported("a possessive quantifier"));
                }
            }
            _ => posix.push(c),
        }
    }
    posix.push_str(")$");
    Ok(posix)
}

fn unsupported(what: &str) -> String {
    format!("not supported by librdkafka: {what}")
}

fn push_literal(posix: &mut String, c: char) {
    if ".[]{}()*+?|^$\\".contains(c) {
        posix.push('\\');
    }
    posix.push(c);
}

/// Java's predefined classes.
fn class(letter: char) -> Option<fn(char) -> bool> {
    match letter {
        'd' => Some(|c| c.is_ascii_digit()),
        'D' => Some(|c| !c.is_ascii_digit()),
        'w' => Some(|c| c.is_ascii_alphanumeric() || c == '_'),
        'W' => Some(|c| !c.is_ascii_alphanumeric() && c != '_'),
        's' => Some(|c| c.is_ascii_whitespace()),
        'S' => Some(|c| !c.is_ascii_whitespace()),
        _ => None,
    }
}

/// A class in brackets.
struct Class {
    negated: bool,
    ranges: Vec<(char, char)>,
    predefined: Vec<fn(char) -> bool>,
}

impl Class {
    /// Reads what follows the opening bracket, up to and with the closing one.
    fn read(chars: &mut Peekable<Chars<'_>>) -> Result<Self, String> {
        let negated = chars.next_if_eq(&'^').is_some();
        let mut class = Class { negated, ranges: Vec::new(), predefined: Vec::new() };
        loop {
            let start = match chars.next() {
                Some(']') => return Ok(class),
                Some('\\') => match chars.next() {
                    Some(letter) if self::class(letter).is_some() => {
                        class.predefined.extend(self::class(letter));
                        continue;
                    }
                    other => escaped(other)?,
                },
                other => member(other, chars)?,
            };
            let mut ahead = chars.clone();
            let ranges = ahead.next() == Some('-') && ahead.peek().is_some_and(|&end| end != ']');
            let end = if ranges {
                chars.next();
                match chars.next() {
                    Some('\\') => escaped(chars.next())?,
                    other => member(other, chars)?,
                }
            } else {
                start
            };
            class.ranges.push((start, end));
        }
    }

    fn holds(&self, c: char) -> bool {
        let listed = self.ranges.iter().any(|&(start, end)| (start..=end).contains(&c))
            || self.predefined.iter().any(|holds| holds(c));
        listed != self.negated
    }
}

fn escaped(c: Option<char>) -> Result<char, String> {
    c.filter(|c| !c.is_alphanumeric())
        .ok_or_else(|| unsupported(&format!("\\{} in a class", c.map(String::from).unwrap_or_default())))
}

fn member(c: Option<char>, chars: &mut Peekable<Chars<'_>>) -> Result<char, String> {
    match c {
        None => Err(unsupported("a class without end")),
        Some('[') => Err(unsupported("a class inside a class")),
        Some('&') if chars.peek() == Some(&'&') => Err(unsupported("an intersection of classes")),
        Some(c) => Ok(c),
    }
}

fn bracket(holds: impl Fn(char) -> bool) -> Result<String, String> {
    let members: String = ALPHABET.chars().filter(|&c| holds(c)).collect();
    match members.as_str() {
        "" => Err("has a class that matches no character of a topic name".to_owned()),
        "." => Ok("\\.".to_owned()),
        ALPHABET => Ok(".".to_owned()),
        _ => {
            let ranges = [
                ("0123456789", "0-9"),
                ("ABCDEFGHIJKLMNOPQRSTUVWXYZ", "A-Z"),
                ("abcdefghijklmnopqrstuvwxyz", "a-z"),
            ];
            let members = ranges.iter().fold(members, |members, (all, range)| members.replace(all, range));
            Ok(format!("[{members}]"))
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn java_expressions_become_posix_ones() {
        for (java, expected) in [
            ("orders", "^(orders)$"),
            ("a|b", "^(a|b)$"),
            (r"app\.(?:x|y)-\d+", r"^(app\.(x|y)-[0-9]+)$"),
            (r"\w+?", "^([0-9A-Z_a-z]+)$"),
            (r"[\w.\-]{1,3}", "^([.0-9A-Z_a-z-]{1,3})$".replace("[.0-9A-Z_a-z-]", ".").as_str()),
            ("[^_].*", "^([.0-9A-Za-z-].*)$"),
            ("[a-c-]", "^([abc-])$"),
            (r"[.\]]x", r"^(\.x)$"),
            (r"a\-b\$", r"^(a-b\$)$"),
            (r"[^\d]", "^([.A-Z_a-z-])$"),
        ] {
            assert_eq!(posix(java).as_deref(), Ok(expected), "{java}");
        }
    }

    #[test]
    fn what_posix_cannot_say_is_refused() {
        for (java, expected) in [
            ("(", "Invalid regex: unclosed group"),
            ("t[(", "Invalid regex: unclosed character class"),
            ("(?=a)b", "Invalid regex: look-around, including look-ahead and look-behind, is not supported"),
            ("(?i)a", "not supported by librdkafka: a group that begins with (?, other than (?:"),
            ("a++", "not supported by librdkafka: a possessive quantifier"),
            (r"\ba", r"not supported by librdkafka: \b"),
            ("[a&&b]", "not supported by librdkafka: an intersection of classes"),
            ("[a[b]]", "not supported by librdkafka: a class inside a class"),
            (r"[\t]", r"not supported by librdkafka: \t in a class"),
            (r"a\s", "has a class that matches no character of a topic name"),
        ] {
            assert_eq!(posix(java), Err(expected.to_owned()), "{java}");
        }
    }

    proptest! {
        #[test]
        fn the_rewritten_expression_matches_the_same_topic_names(
            java in r"([a-c.]|\\[dwDW.-]|\[\^?([a-c_.]|a-c|\\[dw-]){1,3}\]|\((\?:)?a\|b-\)){1,4}[*+?]?\??",
            topic in "[a-c0-2._-]{0,6}",
        ) {
            if let Ok(rewritten) = posix(&java) {
                let original = Regex::new(&format!("^(?:{java})$")).unwrap();
                let rewritten = Regex::new(&rewritten).unwrap();
                prop_assert_eq!(original.is_match(&topic), rewritten.is_match(&topic), "{} {}", java, topic);
            }
        }

        #[test]
        fn no_expression_makes_it_panic(java in any::<String>()) {
            let _ = posix(&java);
        }
    }
}
