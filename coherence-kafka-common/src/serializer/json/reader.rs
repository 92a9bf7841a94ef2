//! JSON as RFC 8259 has it, step by step, with the offset of what is wrong.

use std::borrow::Cow;

use super::tokens::{Number, Text, Tokens, Unexpected};

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
    tokens: Tokens<'a>,
    depth: usize,
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a [u8]) -> Result<Self, Error> {
        let text = std::str::from_utf8(text)
            .map_err(|error| Error::new("UTF-8", error.valid_up_to(), "another byte"))?;
        Ok(Self { tokens: Tokens::new(text), depth: 0 })
    }

    pub(super) fn finish(&mut self) -> Result<(), Error> {
        match self.next_byte() {
            None => Ok(()),
            Some(_) => Err(self.error("the end")),
        }
    }

    /// Where the next token starts.
    pub(super) fn offset(&mut self) -> usize {
        self.tokens.space();
        self.tokens.offset()
    }

    /// Goes to an offset that [`offset`](Self::offset) returned, at the same depth.
    pub(super) fn seek(&mut self, offset: usize) {
        self.tokens.seek(offset);
    }

    /// Goes back to the start of the innermost open object.
    pub(super) fn rewind(&mut self, offset: usize) {
        self.tokens.seek(offset);
        self.depth -= 1;
    }

    /// The first byte of the next token, without taking it.
    pub(super) fn next_byte(&mut self) -> Option<u8> {
        self.tokens.space();
        self.tokens.peek()
    }

    /// Takes `byte` if it comes next.
    pub(super) fn take(&mut self, byte: u8) -> bool {
        self.tokens.space();
        self.tokens.eat(byte)
    }

    /// Takes the word if it comes next.
    pub(super) fn take_word(&mut self, word: &str) -> bool {
        self.tokens.space();
        self.tokens.eat_word(word)
    }

    /// The error that something else comes next.
    pub(super) fn error(&mut self, expected: &'static str) -> Error {
        self.tokens.space();
        self.unexpected(self.tokens.unexpected(expected))
    }

    fn unexpected(&self, Unexpected { expected, offset }: Unexpected) -> Error {
        let found = match self.tokens.text().as_bytes().get(offset) {
            None => "the end",
            Some(b'"') => "a string",
            Some(b'-' | b'0'..=b'9') => "a number",
            Some(b'{') => "an object",
            Some(b'[') => "an array",
            Some(b't' | b'f') => "a boolean",
            Some(b'n') => "null",
            Some(0..0x20) => "a control character",
            Some(_) => "another character",
        };
        Error::new(expected, offset, found)
    }

    /// Opens an array or object.
    pub(super) fn open(&mut self, bracket: u8, expected: &'static str) -> Result<(), Error> {
        if !self.take(bracket) {
            return Err(self.error(expected));
        }
        if self.depth == MAX_DEPTH {
            return Err(Error::new("128 levels at most", self.tokens.offset() - 1, "one more"));
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
        if !matches!(self.tokens.peek(), Some(b'-' | b'0'..=b'9')) {
            return Err(self.error("a number"));
        }
        let number = self.tokens.number().map_err(|unexpected| self.unexpected(unexpected))?;
        match number.text.trim_start_matches('-').as_bytes() {
            [b'0', b'0'..=b'9', ..] => {
                Err(Error::new("a number without leading zeros", start, "another number"))
            }
            _ => Ok(number),
        }
    }

    pub(super) fn string(&mut self) -> Result<Text<'a>, Error> {
        self.tokens.space();
        self.tokens.string().map_err(|unexpected| self.unexpected(unexpected))
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
