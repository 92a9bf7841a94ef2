//! Reading JSON text into whatever tree the caller wants, in one pass and without recursion.
//!
//! Owns: the grammar as Jackson's parser has it when Connect configures it: leading zeros in numbers allowed, what is
//! behind the first value not looked at, unpaired surrogates in escapes taken (as U+FFFD, since text here is UTF-8),
//! at most 1000 levels and 1000 digits. Never does: find out the encoding.

use std::borrow::Cow;

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
    text: &'a str,
    at: usize,
    /// Set where the message goes on behind `text` with bytes that are no text: their offset.
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
        Self { text, at: 0, invalid }
    }

    /// Returns the first value of the text, or `None` where the text is empty. Bytes after it are not read, except that
    /// a number or word must end there.
    pub(super) fn value<T: Tree<'a>>(&mut self) -> Result<Option<T>, Fault> {
        self.space();
        if self.at == self.text.len() && self.invalid.is_none() {
            return Ok(None);
        }
        let first = self.peek();
        let value = self.any(0)?;
        match (first, self.peek()) {
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
        self.space();
        if self.peek() != Some(b'{') {
            self.value::<Skipped>()?;
            return Ok(false);
        }
        self.at += 1;
        self.space();
        if self.eat(b'}') {
            return Ok(true);
        }
        loop {
            let name = self.name()?;
            member(self, name)?;
            self.space();
            match self.peek() {
                Some(b',') => self.at += 1,
                Some(b'}') => {
                    self.at += 1;
                    return Ok(true);
                }
                _ => return Err(self.expected(IN_OBJECT).into()),
            }
            self.space();
        }
    }

    /// Returns the value of a member, inside [`members`](Self::members).
    pub(super) fn member<T: Tree<'a>>(&mut self) -> Result<T, Fault> {
        self.any(1)
    }

    /// Returns the text of the value of a member, inside [`members`](Self::members).
    pub(super) fn member_text(&mut self) -> Result<&'a str, Fault> {
        self.space();
        let start = self.at;
        self.any::<Skipped>(1)?;
        Ok(&self.text[start..self.at])
    }

    /// Returns a value inside `outer` containers.
    fn any<T: Tree<'a>>(&mut self, outer: usize) -> Result<T, Fault> {
        let mut open: Vec<Open<'a, T>> = Vec::new();
        loop {
            self.space();
            let mut value = match self.peek() {
                Some(b'"') => T::string(self.string()?),
                Some(b'-' | b'0'..=b'9') => T::number(self.number()?),
                Some(first @ (b'{' | b'[')) => {
                    if outer + open.len() == MAX_DEPTH {
                        return Err(Fault::Depth { at: self.at });
                    }
                    self.at += 1;
                    self.space();
                    if first == b'[' {
                        if !self.eat(b']') {
                            open.push(Open::Array(Vec::new()));
                            continue;
                        }
                        T::array(Vec::new())
                    } else {
                        if !self.eat(b'}') {
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
                        self.space();
                        if self.eat(b',') {
                            break;
                        }
                        if !self.eat(b']') {
                            return Err(self.expected(IN_ARRAY));
                        }
                        value = T::array(std::mem::take(items));
                    }
                    Some(Open::Object(members, name)) => {
                        members.extend(name.take().map(|name| (name, value)));
                        self.space();
                        if self.eat(b',') {
                            self.space();
                            *name = Some(T::name(self.name()?));
                            break;
                        }
                        if !self.eat(b'}') {
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
        if self.peek() != Some(b'"') {
            return Err(self.expected(NAME));
        }
        let name = self.string()?;
        self.space();
        if !self.eat(b':') {
            return Err(self.expected("a colon"));
        }
        Ok(name)
    }

    fn word<T>(&mut self, word: &'static str, value: T) -> Result<T, Fault> {
        if !self.text.as_bytes()[self.at..].starts_with(word.as_bytes()) {
            return Err(self.expected("true, false or null"));
        }
        self.at += word.len();
        Ok(value)
    }

    fn number(&mut self) -> Result<Number<'a>, Fault> {
        let start = self.at;
        self.eat(b'-');
        let mut digits = self.digits("a digit")?;
        let whole = &self.text.as_bytes()[self.at - digits..self.at];
        digits -= whole.iter().take_while(|&&b| b == b'0').count();
        let mut integral = true;
        if self.eat(b'.') {
            digits += self.digits("a digit after the decimal point")?;
            integral = false;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            digits += self.digits("a digit of the exponent")?;
            integral = false;
        }
        if digits > MAX_DIGITS {
            return Err(Fault::Digits { at: start });
        }
        let number = Number { text: &self.text[start..self.at], integral };
        if number.has_scale() { Ok(number) } else { Err(Fault::Exponent { at: start }) }
    }

    fn digits(&mut self, what: &'static str) -> Result<usize, Fault> {
        let rest = &self.text.as_bytes()[self.at..];
        let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
        self.at += digits;
        if digits == 0 { Err(self.expected(what)) } else { Ok(digits) }
    }

    /// Returns the text of a string, borrowed unless it has escapes.
    fn string(&mut self) -> Result<Cow<'a, str>, Fault> {
        self.at += 1;
        let start = self.at;
        self.plain();
        if self.eat(b'"') {
            return Ok(Cow::Borrowed(&self.text[start..self.at - 1]));
        }
        let mut unescaped = self.text[start..self.at].to_owned();
        loop {
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(Cow::Owned(unescaped));
                }
                Some(b'\\') => unescaped.push(self.escape()?),
                _ => return Err(self.expected("the rest of a string, without bare control characters")),
            }
            let plain = self.at;
            self.plain();
            unescaped.push_str(&self.text[plain..self.at]);
        }
    }

    /// Goes to the next character of a string that is more than itself.
    fn plain(&mut self) {
        let rest = &self.text.as_bytes()[self.at..];
        self.at += rest.iter().position(|&b| b == b'"' || b == b'\\' || b < b' ').unwrap_or(rest.len());
    }

    fn escape(&mut self) -> Result<char, Fault> {
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
                let unit = self.hex_digits()?;
                return Ok(self.pair(unit).or(char::from_u32(unit)).unwrap_or(char::REPLACEMENT_CHARACTER));
            }
            _ => return Err(self.expected("one of \" \\ / b f n r t u after a backslash")),
        };
        self.at += 1;
        Ok(escaped)
    }

    /// Returns the character that the surrogate `high` begins, if the escape of a low one follows; which is consumed
    /// then.
    fn pair(&mut self, high: u32) -> Option<char> {
        let start = self.at;
        if !(0xD800..0xDC00).contains(&high) || !self.eat(b'\\') {
            return None;
        }
        let low = if self.eat(b'u') { self.hex_digits().ok() } else { None };
        let pair = low
            .filter(|low| (0xDC00..0xE000).contains(low))
            .and_then(|low| char::from_u32(0x1_0000 + ((high - 0xD800) << 10) + (low - 0xDC00)));
        if pair.is_none() {
            self.at = start;
        }
        pair
    }

    fn hex_digits(&mut self) -> Result<u32, Fault> {
        let mut unit = 0;
        for _ in 0..4 {
            let digit = self.peek().and_then(|b| char::from(b).to_digit(16));
            unit = unit << 4 | digit.ok_or(self.expected("four hexadecimal digits"))?;
            self.at += 1;
        }
        Ok(unit)
    }

    fn space(&mut self) {
        while let Some(b' ' | b'\t' | b'\r' | b'\n') = self.peek() {
            self.at += 1;
        }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        self.at += usize::from(found);
        found
    }

    /// `what` was expected here.
    fn expected(&self, what: &'static str) -> Fault {
        match self.invalid {
            _ if self.at < self.text.len() => Fault::Expected { what, at: self.at },
            Some(at) => Fault::Utf8 { at },
            None => Fault::End { what, at: self.at },
        }
    }
}
