//! `Matcher.replaceFirst`: texts with references to groups.

use super::regex::Pattern;
use crate::error::{ConnectError, Exception};

/// The text that takes the place of a match.
#[derive(Debug, Clone)]
pub(crate) struct Replacement {
    /// The pieces, or why there are none: as in Java a bad reference is found at the first match.
    pieces: Result<Vec<Piece>, ConnectError>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Piece {
    Text(String),
    /// What this group has matched.
    Group(usize),
}

impl Replacement {
    /// Reads a text such as `$1-${name}\$`, whose groups are those of `pattern`.
    pub(crate) fn new(text: &str, pattern: &Pattern) -> Self {
        Self { pieces: pieces(text, pattern) }
    }

    /// Finds a reference that is bad, before there is a match.
    ///
    /// # Errors
    /// A reference to a group is bad.
    pub(crate) fn check(&self) -> Result<(), ConnectError> {
        self.pieces.as_ref().map(|_| ()).map_err(Clone::clone)
    }

    /// Returns `text` with the first match of `pattern` replaced; `None` where it has none.
    ///
    /// # Errors
    /// A reference to a group is bad.
    pub(crate) fn replace_first(
        &self,
        pattern: &Pattern,
        text: &str,
    ) -> Result<Option<String>, ConnectError> {
        let Some(groups) = pattern.find(text) else { return Ok(None) };
        let Some(whole) = groups.get(0) else { return Ok(None) };
        let mut replaced = String::with_capacity(text.len());
        replaced.push_str(&text[..whole.start()]);
        for piece in self.pieces.as_ref().map_err(Clone::clone)? {
            match piece {
                Piece::Text(text) => replaced.push_str(text),
                Piece::Group(number) => {
                    replaced.push_str(groups.get(*number).map_or("", |group| group.as_str()))
                }
            }
        }
        replaced.push_str(&text[whole.end()..]);
        Ok(Some(replaced))
    }
}

fn pieces(text: &str, pattern: &Pattern) -> Result<Vec<Piece>, ConnectError> {
    let illegal = |why: String| ConnectError::new(Exception::IllegalArgument, why);
    let mut pieces = Vec::new();
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let literal = match c {
            '\\' => chars.next().ok_or_else(|| illegal("character to be escaped is missing".into()))?,
            '$' => {
                let group = match chars.next() {
                    None => return Err(illegal("Illegal group reference: group index is missing".into())),
                    Some('{') => {
                        let mut name = String::new();
                        while let Some(c) = chars.next_if(char::is_ascii_alphanumeric) {
                            name.push(c);
                        }
                        if name.is_empty() || chars.next() != Some('}') {
                            return Err(illegal("named capturing group is missing trailing '}'".into()));
                        }
                        if name.starts_with(|c: char| c.is_ascii_digit()) {
                            return Err(illegal(format!(
                                "capturing group name {{{name}}} starts with digit character"
                            )));
                        }
                        pattern
                            .group(&name)
                            .ok_or_else(|| illegal(format!("No group with name {{{name}}}")))?
                    }
                    Some(c) => {
                        let digit = |c: char| c.to_digit(10).map(|digit| digit as usize);
                        let mut number = digit(c).ok_or_else(|| illegal("Illegal group reference".into()))?;
                        if number > pattern.groups() {
                            let why = format!("No group {number}");
                            return Err(ConnectError::new(Exception::IndexOutOfBounds, why));
                        }
                        // As many digits as there are groups.
                        while let Some(longer) =
                            chars.peek().and_then(|c| digit(*c)).map(|digit| number * 10 + digit)
                            && longer <= pattern.groups()
                        {
                            number = longer;
                            chars.next();
                        }
                        number
                    }
                };
                pieces.push(Piece::Group(group));
                continue;
            }
            c => c,
        };
        match pieces.last_mut() {
            Some(Piece::Text(text)) => text.push(literal),
            _ => pieces.push(Piece::Text(literal.to_string())),
        }
    }
    Ok(pieces)
}
