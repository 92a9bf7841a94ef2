//! A text in tokens: delimiters, and what is between them.

use super::trim;

/// A position in a text, and the token behind it if that was looked at.
#[derive(Debug)]
pub(super) struct Tokens<'a> {
    text: &'a str,
    at: usize,
    peeked: Option<&'a str>,
}

impl<'a> Tokens<'a> {
    pub(super) fn new(text: &'a str) -> Self {
        Self { text, at: 0, peeked: None }
    }

    /// Returns the offset of the next token; white space that was looked at is behind it.
    pub(super) fn position(&self) -> usize {
        self.at - self.peeked.map_or(0, str::len)
    }

    /// Goes back to a position.
    pub(super) fn rewind(&mut self, position: usize) {
        self.at = position;
        self.peeked = None;
    }

    pub(super) fn has_next(&self) -> bool {
        self.peeked.is_some() || self.at < self.text.len()
    }

    /// Returns the next token, empty at the end.
    pub(super) fn next(&mut self) -> &'a str {
        self.peeked.take().unwrap_or_else(|| self.read())
    }

    /// Returns the text of the next tokens, or nothing where there are not that many.
    pub(super) fn skip(&mut self, count: usize) -> Option<&'a str> {
        let start = self.position();
        for _ in 0..count {
            if !self.has_next() {
                self.rewind(start);
                return None;
            }
            self.next();
        }
        Some(&self.text[start..self.at])
    }

    /// Goes over the next token if it is the expected one, with or without white space around it.
    pub(super) fn eat(&mut self, expected: &str) -> bool {
        let mut token = match self.peeked {
            Some(token) => token,
            None if !self.has_next() => return false,
            None => self.read(),
        };
        while trim(token).is_empty() && self.at < self.text.len() {
            token = self.read();
        }
        let found = trim(token) == expected;
        self.peeked = (!found).then_some(token);
        found
    }

    /// Reads to the next delimiter that has no backslash before it, or over the one that is here.
    fn read(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let mut escaped = false;
        let mut end = rest.len();
        for (at, byte) in rest.bytes().enumerate() {
            match byte {
                b'\\' => escaped = !escaped,
                b':' | b',' | b'{' | b'}' | b'[' | b']' | b'"' if !escaped => {
                    end = at.max(1);
                    break;
                }
                _ => escaped = false,
            }
        }
        self.at += end;
        &rest[..end]
    }
}
