//! The Java properties format, as `java.util.Properties.load` reads it, with the line of every entry.
//!
//! Written here because the crate for it, java-properties, differs from Java on every fifteenth of the captured texts
//! (escapes in comments, a backslash at the end, surrogate pairs) and keeps neither order nor lines.
//!
//! Deliberate differences: half a surrogate pair is refused, because Rust text cannot hold it.

use std::iter::Peekable;
use std::str::Chars;

use thiserror::Error;

/// One assignment; a repeated key comes as often as it is written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    /// The line on which it begins, from 1.
    pub(super) line: usize,
    pub(super) key: String,
    pub(super) value: String,
}

/// A text that Java refuses too.
#[derive(Debug, Clone, PartialEq, Eq, Error)]
#[error("malformed \\uxxxx encoding")]
pub(super) struct Malformed {
    pub(super) line: usize,
}

const BLANKS: [char; 3] = [' ', '\t', '\u{c}'];

/// Reads a whole file.
pub(super) fn parse(text: &str) -> Result<Vec<Entry>, Malformed> {
    let mut lines = LogicalLines { chars: text.chars().peekable(), line: 1 };
    let mut entries = Vec::new();
    while let Some((line, text)) = lines.next_line() {
        let (key, value) = split(&text);
        entries.push(Entry {
            line,
            key: unescape(key).ok_or(Malformed { line })?,
            value: unescape(value).ok_or(Malformed { line })?,
        });
    }
    Ok(entries)
}

struct LogicalLines<'a> {
    chars: Peekable<Chars<'a>>,
    line: usize,
}

impl LogicalLines<'_> {
    fn next_char(&mut self) -> Option<char> {
        let c = self.chars.next()?;
        if c == '\n' || (c == '\r' && self.chars.peek() != Some(&'\n')) {
            self.line += 1;
        }
        Some(c)
    }

    /// Returns the next line that holds something, with its continuations and without the backslashes that joined them.
    ///
    /// As in Java a comment can only begin while nothing was read yet, which also holds behind a lone
    /// backslash and a line end.
    fn next_line(&mut self) -> Option<(usize, String)> {
        let mut text = String::new();
        let mut first_line = self.line;
        let mut at_line_start = true;
        let mut continued = false;
        let mut escaped = false;
        while let Some(c) = {
            if text.is_empty() {
                first_line = self.line;
            }
            self.next_char()
        } {
            let line_end = c == '\n' || c == '\r';
            if at_line_start {
                if BLANKS.contains(&c) || (line_end && !continued) {
                    continue;
                }
                at_line_start = false;
                continued = false;
            }
            if text.is_empty() && (c == '#' || c == '!') {
                while self.next_char().is_some_and(|c| c != '\n' && c != '\r') {}
                at_line_start = true;
            } else if !line_end {
                text.push(c);
                escaped = c == '\\' && !escaped;
            } else if text.is_empty() {
                at_line_start = true;
            } else if escaped && self.chars.peek().is_some() {
                text.pop();
                escaped = false;
                at_line_start = true;
                continued = true;
                if c == '\r' && self.chars.peek() == Some(&'\n') {
                    self.next_char();
                }
            } else if escaped {
                break;
            } else {
                return Some((first_line, text));
            }
        }
        if escaped {
            // Dropped; were it all of the line, Java still makes an empty entry of it.
            text.pop();
            return Some((first_line, text));
        }
        (!text.is_empty()).then_some((first_line, text))
    }
}

/// Parts key and value at the first unescaped `=`, `:` or run of blanks.
fn split(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let key_end = line.find(|c: char| {
        let ends = !escaped && (c == '=' || c == ':' || BLANKS.contains(&c));
        escaped = c == '\\' && !escaped;
        ends
    });
    let Some(key_end) = key_end else {
        return (line, "");
    };
    let (key, rest) = line.split_at(key_end);
    let rest = rest.trim_start_matches(BLANKS);
    (key, rest.strip_prefix(['=', ':']).unwrap_or(rest).trim_start_matches(BLANKS))
}

fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut plain = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c != '\\' {
            plain.push(c);
            continue;
        }
        match chars.next() {
            Some('t') => plain.push('\t'),
            Some('n') => plain.push('\n'),
            Some('r') => plain.push('\r'),
            Some('f') => plain.push('\u{c}'),
            Some('u') => {
                let high = unit(&mut chars)?;
                if (0xd800..0xdc00).contains(&high) {
                    let low = (chars.next()? == '\\' && chars.next()? == 'u')
                        .then(|| unit(&mut chars))
                        .flatten()?;
                    plain.extend(char::decode_utf16([high, low]).next()?.ok());
                    if !(0xdc00..0xe000).contains(&low) {
                        return None;
                    }
                } else {
                    plain.push(char::from_u32(high.into())?);
                }
            }
            Some(c) => plain.push(c),
            None => {}
        }
    }
    Some(plain)
}

/// Four hexadecimal digits: one unit of UTF-16.
fn unit(chars: &mut Chars<'_>) -> Option<u16> {
    let mut unit = 0;
    for _ in 0..4 {
        unit = unit << 4 | chars.next()?.to_digit(16)?;
    }
    u16::try_from(unit).ok()
}
