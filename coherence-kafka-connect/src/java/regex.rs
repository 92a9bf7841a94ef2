//! `java.util.regex.Pattern`: from Java's syntax to that of the crates that match.
//!
//! Most of both is the same. What differs is rewritten: `\d`, `\w` and `\s` are ASCII unless `(?U)` is set, `.` stops at every
//! line end of Java, `\h`, `\v`, `\u0041` and `\Q…\E` are Java's alone, and so are the names of some classes.

use std::fmt;
use std::iter::Peekable;
use std::str::Chars;

use fancy_regex::{Captures, Regex};

use crate::config::def::{Check, Typed, Validator};

const BLANKS: &str = r" \t\x{A0}\x{1680}\x{180E}\x{2000}-\x{200A}\x{202F}\x{205F}\x{3000}";
const LINE_ENDS: &str = r"\n\x0B\x0C\r\x{85}\x{2028}\x{2029}";
/// What `.` does not match.
const DOT_ENDS: &str = r"\n\r\x{85}\x{2028}\x{2029}";

/// A setting that holds an expression.
pub(crate) const REGEX: Validator = Validator::Check(Check(|key, value| match value {
    Typed::Text(text) if key == "pattern" && text.is_empty() => {
        Err(format!("Invalid value  for configuration {key}: String must be non-empty"))
    }
    Typed::Text(text) => Pattern::new(text)
        .map(|_| ())
        .map_err(|why| format!("Invalid value {text} for configuration {key}: Invalid regex: {why}")),
    _ => Ok(()),
}));

/// An expression of Java.
#[derive(Clone)]
pub(crate) struct Pattern {
    java: String,
    whole: Regex,
    first: Regex,
}

impl fmt::Debug for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Pattern").field(&self.java).finish()
    }
}

impl Pattern {
    /// Reads an expression.
    ///
    /// # Errors
    /// Why it is none.
    pub(crate) fn new(java: &str) -> Result<Self, String> {
        let rewritten = rewrite(java)?;
        let compile = |text: &str| {
            Regex::new(text).map_err(|error| {
                let error = error.to_string();
                let last = error.lines().last().unwrap_or_default();
                last.strip_prefix("error: ").unwrap_or(last).to_owned()
            })
        };
        let first = compile(&rewritten)?;
        let whole = compile(&format!(r"\A(?:{rewritten})\z"))?;
        Ok(Self { java: java.to_owned(), whole, first })
    }

    /// `Matcher.matches()`. False as well where the expression backtracks without end.
    pub(crate) fn matches(&self, text: &str) -> bool {
        self.whole.is_match(text).unwrap_or(false)
    }

    /// `Matcher.find()`: the groups of the first match, which need not be the longest.
    pub(crate) fn find<'t>(&self, text: &'t str) -> Option<Captures<'t, str>> {
        self.first.captures(text).ok().flatten()
    }

    /// Returns the number of groups.
    pub(crate) fn groups(&self) -> usize {
        self.first.captures_len() - 1
    }

    /// Returns the number of the group of this name.
    pub(crate) fn group(&self, name: &str) -> Option<usize> {
        self.first.capture_names().position(|known| known == Some(name))
    }
}

/// Flags that are set somewhere in an expression, and change what some of its parts mean.
struct Flags {
    /// `(?s)` or `(?d)`: `.` is another one.
    dot: bool,
    /// `(?U)`: classes are those of Unicode.
    unicode: bool,
}

fn rewrite(java: &str) -> Result<String, String> {
    let sets = |flag: char| {
        java.match_indices("(?").any(|(at, _)| {
            let flags = java[at + 2..].chars().take_while(|c| c.is_ascii_alphabetic());
            flags.into_iter().any(|c| c == flag)
        })
    };
    let flags = Flags { dot: sets('s') || sets('d'), unicode: sets('U') };
    let mut out = String::with_capacity(java.len() + 16);
    let mut chars = java.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => escape(&mut chars, &flags, false, &mut out)?,
            '[' => class(&mut chars, &flags, &mut out)?,
            '.' if !flags.dot => {
                out.push_str("[^");
                out.push_str(DOT_ENDS);
                out.push(']');
            }
            '(' => {
                out.push('(');
                if chars.next_if_eq(&'?').is_some() {
                    out.push('?');
                    group_flags(&mut chars, &mut out);
                    check_group_name(&chars)?;
                }
            }
            '{' => {
                check_repetition(&chars)?;
                out.push('{');
            }
            _ => out.push(c),
        }
    }
    Ok(out)
}

/// Copies flags, such as those of `(?i)`, without the two that the other syntax lacks.
fn group_flags(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    let mut kept = 0;
    let mut any = false;
    while let Some(c) = chars.next_if(|c| c.is_ascii_alphabetic() || *c == '-') {
        any = true;
        if !matches!(c, 'U' | 'd') {
            out.push(c);
            kept += 1;
        }
    }
    // A group of no flags is a group that catches nothing.
    if any && kept == 0 && chars.peek() == Some(&')') {
        out.push(':');
    }
}

/// The name of a group begins with a letter.
fn check_group_name(chars: &Peekable<Chars<'_>>) -> Result<(), String> {
    let mut chars = chars.clone();
    let named = chars.next() == Some('<') && !matches!(chars.peek(), None | Some('=' | '!'));
    if named && !chars.next().is_some_and(|c| c.is_ascii_alphabetic()) {
        return Err("capturing group name does not start with a Latin letter".to_owned());
    }
    Ok(())
}

/// A repetition of at least some times is one of at most as many.
fn check_repetition(chars: &Peekable<Chars<'_>>) -> Result<(), String> {
    let range: String = chars.clone().take_while(|c| *c != '}').collect();
    let limit = |text: &str| text.parse::<u32>().ok();
    match range.split_once(',').and_then(|(min, max)| limit(min).zip(limit(max))) {
        Some((min, max)) if min > max => Err("Illegal repetition range".to_owned()),
        _ => Ok(()),
    }
}

/// Copies a class in brackets, of which the opening one is read.
fn class(chars: &mut Peekable<Chars<'_>>, flags: &Flags, out: &mut String) -> Result<(), String> {
    out.push('[');
    if chars.next_if_eq(&'^').is_some() {
        out.push('^');
    }
    let mut first = true;
    loop {
        match chars.next() {
            None => return Err("Unclosed character class".to_owned()),
            Some(']') if first => out.push_str(r"\]"),
            Some(']') => {
                out.push(']');
                return Ok(());
            }
            Some('\\') => escape(chars, flags, true, out)?,
            Some('[') => class(chars, flags, out)?,
            Some('&') if chars.next_if_eq(&'&').is_some() => out.push_str("&&"),
            // Operators elsewhere.
            Some(c @ ('&' | '~')) => out.extend(['\\', c]),
            Some('-') if chars.peek() == Some(&'-') => out.push_str(r"\-"),
            Some(c) => out.push(c),
        }
        first = false;
    }
}

/// Rewrites what follows a backslash.
fn escape(
    chars: &mut Peekable<Chars<'_>>,
    flags: &Flags,
    in_class: bool,
    out: &mut String,
) -> Result<(), String> {
    let Some(c) = chars.next() else { return Err("a lone backslash at the end".to_owned()) };
    let set = |members: &str, out: &mut String| match (c.is_ascii_uppercase(), in_class) {
        (false, true) => out.push_str(members),
        (false, false) => out.extend(["[", members, "]"]),
        (true, _) => out.extend(["[^", members, "]"]),
    };
    match c {
        'd' | 'D' | 'w' | 'W' | 's' | 'S' if flags.unicode => out.extend(['\\', c]),
        'd' | 'D' => set("0-9", out),
        'w' | 'W' => set("a-zA-Z_0-9", out),
        's' | 'S' => set(r" \t\n\x0B\x0C\r", out),
        'h' | 'H' => set(BLANKS, out),
        'v' | 'V' => set(LINE_ENDS, out),
        'R' if !in_class => out.extend([r"(?:\r\n|[", LINE_ENDS, "])"]),
        'p' | 'P' => property(chars, c == 'P', in_class, out)?,
        'Q' => quoted(chars, out),
        'E' => {}
        'u' => {
            let code = digits(chars, 16, 4).filter(|(_, count)| *count == 4);
            push_code(code.ok_or("Illegal Unicode escape sequence")?.0, out);
        }
        'x' if chars.next_if_eq(&'{').is_some() => {
            let (code, _) = digits(chars, 16, 8).ok_or("Illegal hexadecimal escape sequence")?;
            chars.next_if_eq(&'}').ok_or("Unclosed hexadecimal escape sequence")?;
            push_code(code, out);
        }
        'x' => {
            let code = digits(chars, 16, 2).filter(|(_, count)| *count == 2);
            push_code(code.ok_or("Illegal hexadecimal escape sequence")?.0, out);
        }
        '0' => push_code(digits(chars, 8, 3).ok_or("Illegal octal escape sequence")?.0, out),
        'e' => push_code(0x1B, out),
        'a' => push_code(7, out),
        'c' => push_code(u32::from(chars.next().ok_or("Illegal control escape sequence")?) ^ 0x40, out),
        't' | 'n' | 'r' | 'f' => out.extend(['\\', c]),
        'b' | 'B' | 'A' | 'G' | 'Z' | 'z' | 'k' | 'X' if !in_class => out.extend(['\\', c]),
        '1'..='9' if !in_class => out.extend(['\\', c]),
        _ if c.is_ascii_alphanumeric() => return Err(format!("Illegal/unsupported escape sequence \\{c}")),
        _ => push_literal(c, out),
    }
    Ok(())
}

fn digits(chars: &mut Peekable<Chars<'_>>, radix: u32, most: usize) -> Option<(u32, usize)> {
    let (mut value, mut count) = (0_u32, 0);
    while count < most {
        let Some(c) = chars.next_if(|c| c.is_digit(radix)) else { break };
        value = value.checked_mul(radix)?.checked_add(c.to_digit(radix)?)?;
        count += 1;
    }
    (count > 0).then_some((value, count))
}

fn push_code(code: u32, out: &mut String) {
    out.push_str(&format!(r"\x{{{code:X}}}"));
}

fn push_literal(c: char, out: &mut String) {
    // Not every one: `\<` is the beginning of a word.
    if r"\.+*?()|[]{}^$#&-~".contains(c) {
        out.push('\\');
    }
    out.push(c);
}

/// Copies what is quoted, up to `\E` or the end.
fn quoted(chars: &mut Peekable<Chars<'_>>, out: &mut String) {
    while let Some(c) = chars.next() {
        if c == '\\' && chars.next_if_eq(&'E').is_some() {
            return;
        }
        push_literal(c, out);
    }
}

/// Rewrites a class of characters by name.
fn property(
    chars: &mut Peekable<Chars<'_>>,
    negated: bool,
    in_class: bool,
    out: &mut String,
) -> Result<(), String> {
    let name: String = match chars.next() {
        Some('{') => chars.by_ref().take_while(|c| *c != '}').collect(),
        Some(c) => c.to_string(),
        None => return Err("a lone \\p at the end".to_owned()),
    };
    let members = match name.as_str() {
        "Lower" => "a-z",
        "Upper" => "A-Z",
        "ASCII" => r"\x00-\x7F",
        "Alpha" => "a-zA-Z",
        "Digit" => "0-9",
        "Alnum" => "a-zA-Z0-9",
        "Punct" => r"!-/:-@\[-`{-\~",
        "Graph" => r"!-\~",
        "Print" => r" -\~",
        "Blank" => r" \t",
        "Cntrl" => r"\x00-\x1F\x7F",
        "XDigit" => "0-9a-fA-F",
        "Space" => r" \t\n\x0B\x0C\r",
        _ => {
            let name = match name.as_str() {
                "javaLowerCase" => "Lowercase",
                "javaUpperCase" => "Uppercase",
                "javaAlphabetic" => "Alphabetic",
                "javaWhitespace" => "White_Space",
                other => other.strip_prefix("Is").unwrap_or(other),
            };
            let known = Regex::new(&format!(r"\p{{{name}}}")).is_ok();
            if !known || name.is_empty() {
                return Err(format!("Unknown character property name {{{name}}}"));
            }
            out.push_str(&format!(r"\{}{{{name}}}", if negated { 'P' } else { 'p' }));
            return Ok(());
        }
    };
    match (negated, in_class) {
        (false, true) => out.push_str(members),
        (false, false) => out.extend(["[", members, "]"]),
        (true, _) => out.extend(["[^", members, "]"]),
    }
    Ok(())
}

#[cfg(test)]
mod tests;
