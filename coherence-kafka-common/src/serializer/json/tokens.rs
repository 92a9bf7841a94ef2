//! The tokens of JSON text. Their readers have the grammar between them, and their own limits.

use std::borrow::Cow;

/// What was expected, and the offset of what stands there instead.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Unexpected {
    /// The expected token or part of a token.
    pub expected: &'static str,
    /// In the text; its length at the end.
    pub offset: usize,
}

/// A position in a text.
#[derive(Debug, Clone)]
pub struct Tokens<'a> {
    text: &'a str,
    at: usize,
}

/// A number as it is written, leading zeros allowed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Number<'a> {
    /// `-? digits (. digits)? ([eE] [+-]? digits)?`
    pub text: &'a str,
    /// Without fraction and exponent.
    pub is_integer: bool,
}

/// A string with its escapes undone; those that make no character are U+FFFD.
#[derive(Debug)]
pub struct Text<'a> {
    /// Borrowed where it has no escapes.
    pub text: Cow<'a, str>,
    /// The unit that a single `\u` escape stands for, where the string is nothing else: to Java a `Character`.
    pub unit: Option<u16>,
}

impl<'a> Tokens<'a> {
    /// Starts at the beginning of `text`.
    pub fn new(text: &'a str) -> Self {
        Self { text, at: 0 }
    }

    /// Returns the whole text.
    pub fn text(&self) -> &'a str {
        self.text
    }

    /// Returns the offset of the position.
    pub fn offset(&self) -> usize {
        self.at
    }

    /// Goes to an offset that [`offset`](Self::offset) has returned.
    pub fn seek(&mut self, offset: usize) {
        self.at = offset;
    }

    /// Returns the next byte.
    pub fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    /// Goes behind white space.
    pub fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    /// Goes behind `byte`, if it comes next.
    pub fn eat(&mut self, byte: u8) -> bool {
        let is_next = self.peek() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Goes behind `word`, if it comes next.
    pub fn eat_word(&mut self, word: &str) -> bool {
        let is_next = self.text.as_bytes()[self.at..].starts_with(word.as_bytes());
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    /// Returns the error that something else comes next.
    pub fn unexpected(&self, expected: &'static str) -> Unexpected {
        Unexpected { expected, offset: self.at }
    }

    /// Reads a number.
    ///
    /// # Errors
    /// A digit is missing.
    pub fn number(&mut self) -> Result<Number<'a>, Unexpected> {
        let start = self.at;
        self.eat(b'-');
        self.digits("a digit")?;
        let mut is_integer = true;
        if self.eat(b'.') {
            self.digits("a digit after the decimal point")?;
            is_integer = false;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits("a digit of the exponent")?;
            is_integer = false;
        }
        Ok(Number { text: &self.text[start..self.at], is_integer })
    }

    fn digits(&mut self, expected: &'static str) -> Result<(), Unexpected> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at == start { Err(self.unexpected(expected)) } else { Ok(()) }
    }

    /// Reads a string.
    ///
    /// # Errors
    /// It does not begin with a quotation mark or does not end, or has an unknown escape or a bare control character.
    pub fn string(&mut self) -> Result<Text<'a>, Unexpected> {
        const ONE_ESCAPE: usize = r#""\u0041""#.len();
        let start = self.at;
        if !self.eat(b'"') {
            return Err(self.unexpected("a string"));
        }
        self.plain();
        let plain = &self.text[start + 1..self.at];
        if self.eat(b'"') {
            return Ok(Text { text: Cow::Borrowed(plain), unit: None });
        }
        let mut text = plain.to_owned();
        let mut unit = None;
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    let unit = unit.filter(|_| self.at - start == ONE_ESCAPE);
                    return Ok(Text { text: Cow::Owned(text), unit });
                }
                Some(b'\\') => text.push(self.escape(&mut unit)?),
                _ => return Err(self.unexpected("the rest of a string, without bare control characters")),
            }
            let plain = self.at;
            self.plain();
            text.push_str(&self.text[plain..self.at]);
        }
    }

    /// Goes to the next character of a string that is more than itself.
    fn plain(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|&b| b == b'"' || b == b'\\' || b < b' ').unwrap_or(rest.len());
    }

    /// Returns the character that an escape stands for, and in `unit` what a `\u` escape names.
    fn escape(&mut self, unit: &mut Option<u16>) -> Result<char, Unexpected> {
        self.at += 1;
        let escaped = match self.peek() {
            Some(same @ (b'"' | b'\\' | b'/')) => char::from(same),
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{C}',
            Some(b'n') => '\n',
            Some(b'r') => '\r',
            Some(b't') => '\t',
            Some(b'u') => {
                self.at += 1;
                let first = self.hex_digits()?;
                *unit = Some(first);
                let character = self.pair(first).or(char::from_u32(first.into()));
                return Ok(character.unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => return Err(self.unexpected("one of \" \\ / b f n r t u after a backslash")),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// Returns the character that the surrogate `high` begins, and goes behind the escape of the low one, if that follows.
    fn pair(&mut self, high: u16) -> Option<char> {
        let start = self.at;
        if !(0xD800..0xDC00).contains(&high) || !self.eat(b'\\') {
            return None;
        }
        let low = if self.eat(b'u') { self.hex_digits().ok() } else { None };
        let pair = low.and_then(|low| char::decode_utf16([high, low]).next()?.ok());
        if pair.is_none() {
            self.at = start;
        }
        pair
    }

    fn hex_digits(&mut self) -> Result<u16, Unexpected> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|byte| char::from(byte).to_digit(16));
            unit = unit << 4 | digit.ok_or(self.unexpected("four hexadecimal digits"))? as u16;
            self.at += 1;
        }
        Ok(unit)
    }
}
