//! Reading JSON text into whatever tree the caller wants, in one pass and without recursion.
//!
//! Owns: the grammar as Jackson's parser has it when Connect configures it: leading zeros in numbers allowed, what is
//! behind the first value not looked at, unpaired surrogates in escapes taken (as U+FFFD, since text here is UTF-8),
//! at most 1000 levels and 1000 digits. Never does: find out the encoding.

use std::borrow::Cow;

use coherence_kafka_common::serializer::json::tokens::{Tokens, Unexpected};

use super::number::Number;
use super::tree::{Skipped, Tree};

/// Jackson's `StreamReadConstraints`, the defaults: containers inside each other.
const MAX_DEPTH: usize = 1000;
/// The same for the digits of one number, leading zeros and exponent's letter left out.
const MAX_DIGITS: usize = 1000;

/// Why a text is not JSON, or more of it than is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub(super) enum Fault {
    #[error("expected {what} at byte {at}")]
    Expected { what: &'static str, at: usize },
    #[error("the text ends at byte {at}, expected {what}")]
    End { what: &'static str, at: usize },
    #[error("invalid UTF-8 at byte {at}")]
    Utf8 { at: usize },
    #[error("more than {MAX_DEPTH} arrays and objects inside each other at byte {at}")]
    Depth { at: usize },
    #[error("a number of more than {MAX_DIGITS} digits at byte {at}")]
    Digits { at: usize },
    #[error("a number with an exponent beyond 32 bits at byte {at}")]
    Exponent { at: usize },
}

const VALUE: &str = "a value";
const NAME: &str = "a member's name in double quotes";
const IN_ARRAY: &str = "a comma or the end of the array";
const IN_OBJECT: &str = "a comma or the end of the object";

/// A position in a text. Offsets are those of the text, which are those of the message unless that was in another
/// encoding than UTF-8.
#[derive(Debug)]
pub(super) struct Reader<'a> {
    tokens: Tokens<'a>,
    /// Set where the message goes on behind the text with bytes that are no text: their offset.
    invalid: Option<usize>,
}

/// A container whose end was not met yet.
enum Open<'a, T: Tree<'a>> {
    Array(Vec<T>),
    /// The members so far and the name of the next.
    Object(Vec<(T::Name, T)>, Option<T::Name>),
}

impl<'a> Reader<'a> {
    pub(super) fn new(text: &'a str, invalid: Option<usize>) -> Self {
        Self { tokens: Tokens::new(text), invalid }
    }

    /// Returns the first value of the text, or `None` where the text is empty. Bytes after it are not read, except that
    /// a number or word must end there.
    pub(super) fn value<T: Tree<'a>>(&mut self) -> Result<Option<T>, Fault> {
        self.tokens.space();
        if self.tokens.peek().is_none() && self.invalid.is_none() {
            return Ok(None);
        }
        let first = self.tokens.peek();
        let value = self.any(0)?;
        match (first, self.tokens.peek()) {
            (Some(b'{' | b'[' | b'"'), _) | (_, Some(b' ' | b'\t' | b'\r' | b'\n')) => {}
            (_, None) if self.invalid.is_none() => {}
            // Jackson takes a word for ended by most of ASCII, and looks no further than one character.
            (Some(b't' | b'f' | b'n'), Some(..b'0' | b':'..=b'@' | b'['..=b'^' | b'`' | b'{'..=b'~')) => {}
            _ => return Err(self.expected("the end of the text")),
        }
        Ok(Some(value))
    }

    /// Walks through the members of an object at the start of the text. `member` gets each name, and must read the value.
    /// False where the text is no object, and nothing was read then except to check it.
    pub(super) fn members<E: From<Fault>>(
        &mut self,
        mut member: impl FnMut(&mut Self, Cow<'a, str>) -> Result<(), E>,
    ) -> Result<bool, E> {
        self.tokens.space();
        if !self.tokens.eat(b'{') {
            self.value::<Skipped>()?;
            return Ok(false);
        }
        self.tokens.space();
        if self.tokens.eat(b'}') {
            return Ok(true);
        }
        loop {
            let name = self.name()?;
            member(self, name)?;
            self.tokens.space();
            if self.tokens.eat(b'}') {
                return Ok(true);
            }
            if !self.tokens.eat(b',') {
                return Err(self.expected(IN_OBJECT).into());
            }
            self.tokens.space();
        }
    }

    /// Returns the value of a member, inside [`members`](Self::members).
    pub(super) fn member<T: Tree<'a>>(&mut self) -> Result<T, Fault> {
        self.any(1)
    }

    /// Returns the text of the value of a member, inside [`members`](Self::members).
    pub(super) fn member_text(&mut self) -> Result<&'a str, Fault> {
        self.tokens.space();
        let start = self.tokens.offset();
        self.any::<Skipped>(1)?;
        Ok(&self.tokens.text()[start..self.tokens.offset()])
    }

    /// Returns a value inside `outer` containers.
    fn any<T: Tree<'a>>(&mut self, outer: usize) -> Result<T, Fault> {
        let mut open: Vec<Open<'a, T>> = Vec::new();
        loop {
            self.tokens.space();
            let mut value = match self.tokens.peek() {
                Some(b'"') => T::string(self.string()?),
                Some(b'-' | b'0'..=b'9') => T::number(self.number()?),
                Some(first @ (b'{' | b'[')) => {
                    if outer + open.len() == MAX_DEPTH {
                        return Err(Fault::Depth { at: self.tokens.offset() });
                    }
                    self.tokens.eat(first);
                    self.tokens.space();
                    if first == b'[' {
                        if !self.tokens.eat(b']') {
                            open.push(Open::Array(Vec::new()));
                            continue;
                        }
                        T::array(Vec::new())
                    } else {
                        if !self.tokens.eat(b'}') {
                            open.push(Open::Object(Vec::new(), Some(T::name(self.name()?))));
                            continue;
                        }
                        T::object(Vec::new())
                    }
                }
                Some(b't') => self.word("true", T::boolean(true))?,
                Some(b'f') => self.word("false", T::boolean(false))?,
                Some(b'n') => self.word("null", T::null())?,
                _ => return Err(self.expected(VALUE)),
            };
            // A value is whole. It may have been the last one of what it is in, and that of what that is in.
            loop {
                match open.last_mut() {
                    None => return Ok(value),
                    Some(Open::Array(items)) => {
                        items.push(value);
                        self.tokens.space();
                        if self.tokens.eat(b',') {
                            break;
                        }
                        if !self.tokens.eat(b']') {
                            return Err(self.expected(IN_ARRAY));
                        }
                        value = T::array(std::mem::take(items));
                    }
                    Some(Open::Object(members, name)) => {
                        members.extend(name.take().map(|name| (name, value)));
                        self.tokens.space();
                        if self.tokens.eat(b',') {
                            self.tokens.space();
                            *name = Some(T::name(self.name()?));
                            break;
                        }
                        if !self.tokens.eat(b'}') {
                            return Err(self.expected(IN_OBJECT));
                        }
                        value = T::object(std::mem::take(members));
                    }
                }
                open.pop();
            }
        }
    }

    /// Returns the name of a member, and the colon behind it.
    fn name(&mut self) -> Result<Cow<'a, str>, Fault> {
        if self.tokens.peek() != Some(b'"') {
            return Err(self.expected(NAME));
        }
        let name = self.string()?;
        self.tokens.space();
        if !self.tokens.eat(b':') {
            return Err(self.expected("a colon"));
        }
        Ok(name)
    }

    fn word<T>(&mut self, word: &'static str, value: T) -> Result<T, Fault> {
        if self.tokens.eat_word(word) { Ok(value) } else { Err(self.expected("true, false or null")) }
    }

    fn number(&mut self) -> Result<Number<'a>, Fault> {
        let at = self.tokens.offset();
        let token = self.tokens.number().map_err(|unexpected| self.fault(unexpected))?;
        let digits = || {
            let unsigned = token.text.trim_start_matches('-').trim_start_matches('0');
            unsigned.bytes().filter(u8::is_ascii_digit).count()
        };
        if token.text.len() > MAX_DIGITS && digits() > MAX_DIGITS {
            return Err(Fault::Digits { at });
        }
        let number = Number { text: token.text, integral: token.is_integer };
        if number.has_scale() { Ok(number) } else { Err(Fault::Exponent { at }) }
    }

    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        match self.tokens.string() {
            Ok(string) => Ok(string.text),
            Err(unexpected) => Err(self.fault(unexpected)),
        }
    }

    /// `what` was expected here.
    fn expected(&self, what: &'static str) -> Fault {
        self.fault(self.tokens.unexpected(what))
    }

    fn fault(&self, Unexpected { expected: what, offset: at }: Unexpected) -> Fault {
        match self.invalid {
            _ if at < self.tokens.text().len() => Fault::Expected { what, at },
            Some(at) => Fault::Utf8 { at },
            None => Fault::End { what, at },
        }
    }
}
