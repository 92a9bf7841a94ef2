//! JSON text, token by token, with the offset of whatever is wrong.

use std::borrow::Cow;

/// Arrays and objects inside each other.
const MAX_DEPTH: usize = 128;

/// What is wrong, without anything of the input.
#[derive(Debug)]
pub(super) struct Error {
    pub(super) expected: Cow<'static, str>,
    /// In the text; what a type refuses gets its offset from the caller of the type.
    pub(super) offset: Option<usize>,
    pub(super) found: &'static str,
}

impl Error {
    pub(super) fn new(expected: &'static str, offset: usize, found: &'static str) -> Self {
        Self { expected: expected.into(), offset: Some(offset), found }
    }
}

#[derive(Debug)]
pub(super) struct Reader<'a> {
    text: &'a str,
    at: usize,
    depth: usize,
}

/// A number as it is written.
#[derive(Debug, Clone, Copy)]
pub(super) struct Number<'a> {
    pub(super) text: &'a str,
    /// Without fraction and exponent.
    pub(super) is_integer: bool,
}

/// A string with its escapes undone; those that make no character are U+FFFD.
#[derive(Debug)]
pub(super) struct Text<'a> {
    pub(super) text: Cow<'a, str>,
    /// The unit that a single `\u` escape stands for, where the string is nothing else: to Java a `Character`.
    pub(super) unit: Option<u16>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(text)
            .map_err(|error| Error::new("UTF-8", error.valid_up_to(), "another byte"))?;
        Ok(Self { text, at: 0, depth: 0 })
    }

    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(self.error("the end")),
        }
    }

    /// Where the next token starts.
    pub(super) fn offset(&mut self) -> usize {
        self.next_byte();
        self.at
    }

    /// Goes to an offset that [`offset`](Self::offset) returned, at the same depth.
    pub(super) fn seek(&mut self, offset: usize) {
        self.at = offset;
    }

    /// Goes back to the start of the innermost open object.
    pub(super) fn rewind(&mut self, offset: usize) {
        self.at = offset;
        self.depth -= 1;
    }

    /// The first byte of the next token, without taking it.
    pub(super) fn next_byte(&mut self) -> Option<u8> {
        let rest = &self.text.as_bytes()[self.at..];
        let spaces = rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t' | b'\r' | b'\n')).count();
        self.at += spaces;
        rest.get(spaces).copied()
    }

    /// Takes `byte` if it comes next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        let is_next = self.next_byte() == Some(byte);
        self.at += usize::from(is_next);
        is_next
    }

    /// Takes the word if it comes next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.next_byte();
        let is_next = self.text[self.at..].starts_with(word);
        if is_next {
            self.at += word.len();
        }
        is_next
    }

    /// The error that something else comes next.
    pub(super) fn error(&mut self, expected: &'static str) -> Error {
        let found = match self.next_byte() {
            None => "the end",
            Some(b'"') => "a string",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(_) => "another character",
        };
        Error::new(expected, self.at, found)
    }

    /// Opens an array or object.
    pub(super) fn open(&mut self, bracket: u8, expected: &'static str) -> Result<(), Error> {
        if !self.take(bracket) {
            return Err(self.error(expected));
        }
        if self.depth == MAX_DEPTH {
            return Err(Error::new("128 levels at most", self.at - 1, "one more"));
        }
        self.depth += 1;
        Ok(())
    }

    /// True where another element or member follows; false behind the closing bracket.
    pub(super) fn has_next(&mut self, first: &mut bool, closing: u8) -> Result<bool, Error> {
        let is_first = std::mem::replace(first, false);
        if self.take(closing) {
            self.depth -= 1;
            return Ok(false);
        }
        if !is_first && !self.take(b',') {
            return Err(self.error(if closing == b']' { "',' or ']'" } else { "',' or '}'" }));
        }
        Ok(true)
    }

    /// The name of a member and its colon.
    pub(super) fn name(&mut self) -> Result<Cow<'a, str>, Error> {
        if self.next_byte() != Some(b'"') {
            return Err(self.error("a name"));
        }
        let name = self.string()?.text;
        if !self.take(b':') {
            return Err(self.error("':'"));
        }
        Ok(name)
    }

    pub(super) fn boolean(&mut self) -> Result<bool, Error> {
        if self.take_word("true") {
            Ok(true)
        } else if self.take_word("false") {
            Ok(false)
        } else {
            Err(self.error("a boolean"))
        }
    }

    pub(super) fn null(&mut self) -> Result<(), Error> {
        if self.take_word("null") { Ok(()) } else { Err(self.error("null")) }
    }

    pub(super) fn number(&mut self) -> Result<Number<'a>, Error> {
        let start = self.offset();
        let bytes = self.text.as_bytes();
        let digits = |at: &mut usize| {
            let from = *at;
            while bytes.get(*at).is_some_and(u8::is_ascii_digit) {
                *at += 1;
            }
            *at > from
        };
        let mut at = start + usize::from(bytes.get(start) == Some(&b'-'));
        let leading_zero = bytes.get(at) == Some(&b'0');
        let from = at;
        if !digits(&mut at) || leading_zero && at > from + 1 {
            return Err(self.error("a number"));
        }
        let mut is_integer = true;
        if bytes.get(at) == Some(&b'.') {
            is_integer = false;
            at += 1;
            if !digits(&mut at) {
                return Err(Error::new("digits", at, "none"));
            }
        }
        if matches!(bytes.get(at), Some(b'e' | b'E')) {
            is_integer = false;
            at += 1;
            at += usize::from(matches!(bytes.get(at), Some(b'+' | b'-')));
            if !digits(&mut at) {
                return Err(Error::new("digits", at, "none"));
            }
        }
        self.at = at;
        Ok(Number { text: &self.text[start..at], is_integer })
    }

    pub(super) fn string(&mut self) -> Result<Text<'a>, Error> {
        let start = self.offset();
        if !self.take(b'"') {
            return Err(self.error("a string"));
        }
        let mut units = Units::default();
        loop {
            let plain = self.at;
            let end = self.text.as_bytes()[plain..]
                .iter()
                .position(|byte| matches!(byte, b'"' | b'\\' | 0..0x20))
                .ok_or(Error::new("the end of the string", self.text.len(), "the end"))?;
            let part = &self.text[plain..plain + end];
            self.at = plain + end + 1;
            match self.text.as_bytes()[plain + end] {
                b'"' if plain == start + 1 => return Ok(Text { text: Cow::Borrowed(part), unit: None }),
                b'"' => {
                    units.push_text(part);
                    let is_one = self.at - start == "\"\\u0041\"".len();
                    let unit = units.last_escape.filter(|_| is_one);
                    return Ok(Text { text: Cow::Owned(units.finish()), unit });
                }
                b'\\' => {
                    units.push_text(part);
                    self.escape(&mut units)?;
                }
                _ => return Err(Error::new("an escape", self.at - 1, "a control character")),
            }
        }
    }

    fn escape(&mut self, units: &mut Units) -> Result<(), Error> {
        let unknown = Error::new("an escape", self.at - 1, "something else");
        let Some(&escape) = self.text.as_bytes().get(self.at) else { return Err(unknown) };
        self.at += 1;
        let plain = match escape {
            b'"' => "\"",
            b'\\' => "\\",
            b'/' => "/",
            b'b' => "\u{8}",
            b'f' => "\u{C}",
            b'n' => "\n",
            b'r' => "\r",
            b't' => "\t",
            b'u' => {
                let digits = self.text.get(self.at..self.at + 4).ok_or(unknown)?;
                if !digits.bytes().all(|digit| digit.is_ascii_hexdigit()) {
                    return Err(Error::new("four hexadecimal digits", self.at, "something else"));
                }
                self.at += 4;
                // Cannot fail: four hexadecimal digits.
                units.push_unit(u16::from_str_radix(digits, 16).unwrap_or_default());
                return Ok(());
            }
            _ => return Err(unknown),
        };
        units.push_text(plain);
        Ok(())
    }

    /// Goes behind the next value.
    pub(super) fn skip(&mut self) -> Result<(), Error> {
        match self.next_byte() {
            Some(b'"') => self.string().map(drop),
            Some(b'-' | b'0'..=b'9') => self.number().map(drop),
            Some(b't' | b'f') => self.boolean().map(drop),
            Some(b'n') => self.null(),
            Some(b'[') => {
                self.open(b'[', "an array")?;
                let mut first = true;
                while self.has_next(&mut first, b']')? {
                    self.skip()?;
                }
                Ok(())
            }
            Some(b'{') => {
                self.open(b'{', "an object")?;
                let mut first = true;
                while self.has_next(&mut first, b'}')? {
                    self.name()?;
                    self.skip()?;
                }
                Ok(())
            }
            _ => Err(self.error("a value")),
        }
    }
}

/// Text that comes in pieces, of which some are single UTF-16 units.
#[derive(Default)]
struct Units {
    text: String,
    /// The first half of a pair that waits for its second.
    high: Option<u16>,
    last_escape: Option<u16>,
}

impl Units {
    fn push_text(&mut self, text: &str) {
        if !text.is_empty() {
            self.flush();
            self.text.push_str(text);
        }
    }

    fn push_unit(&mut self, unit: u16) {
        self.last_escape = Some(unit);
        match (self.high.take(), unit) {
            (Some(high), 0xDC00..0xE000) => {
                self.text.extend(char::decode_utf16([high, unit]).map(|c| c.unwrap_or(REPLACEMENT)));
                return;
            }
            (Some(_), _) => self.text.push(REPLACEMENT),
            (None, _) => {}
        }
        match unit {
            0xD800..0xDC00 => self.high = Some(unit),
            unit => self.text.push(char::from_u32(unit.into()).unwrap_or(REPLACEMENT)),
        }
    }

    fn flush(&mut self) {
        if self.high.take().is_some() {
            self.text.push(REPLACEMENT);
        }
    }

    fn finish(mut self) -> String {
        self.flush();
        self.text
    }
}

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;
