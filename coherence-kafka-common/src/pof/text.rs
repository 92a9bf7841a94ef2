//! Text in POF. Two encodings exist, and newer Java writes now one and now the other.
//!
//! Standard is UTF-8. Modified, which releases before 24.09 write, has `C0 80` for NUL and two surrogates of three
//! bytes each for characters beyond U+FFFF. The same bytes mean the same in both, so one reader takes any mixture.

use std::borrow::Cow;
use std::str;

/// The encoding in which text is written. Both are read always.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum TextEncoding {
    /// UTF-8, as Coherence 24.09 and later writes it. 23.09 cannot read characters beyond U+FFFF in it.
    #[default]
    Standard,
    /// NUL in two bytes, characters beyond U+FFFF as two surrogates of three, as releases before 24.09 write them. A key
    /// with one of these is another entry there than the same key in standard encoding.
    Modified,
}

/// Text that was found to be well formed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Text<'a> {
    Standard(&'a str),
    /// Takes decoding.
    Modified(&'a [u8]),
}

impl<'a> Text<'a> {
    /// Checks all of `bytes`. The error is the offset of the first malformed character.
    pub(crate) fn new(bytes: &'a [u8]) -> Result<Self, usize> {
        match str::from_utf8(bytes) {
            Ok(text) => Ok(Text::Standard(text)),
            Err(_) => {
                CodePoints { bytes, offset: 0 }.find_map(Result::err).map_or(Ok(Text::Modified(bytes)), Err)
            }
        }
    }
}

impl From<Text<'_>> for String {
    /// Unpaired surrogates become U+FFFD.
    fn from(text: Text<'_>) -> String {
        match text {
            Text::Standard(text) => text.to_owned(),
            Text::Modified(bytes) => {
                let units = CodePoints { bytes, offset: 0 }.filter_map(Result::ok).flat_map(|character| {
                    let (units, len) = match u16::try_from(character) {
                        Ok(unit) => ([unit, 0], 1),
                        Err(_) => {
                            let above = character - 0x1_0000;
                            ([0xD800 | (above >> 10) as u16, 0xDC00 | (above & 0x3FF) as u16], 2)
                        }
                    };
                    units.into_iter().take(len)
                });
                char::decode_utf16(units).map(|unit| unit.unwrap_or(char::REPLACEMENT_CHARACTER)).collect()
            }
        }
    }
}

/// Code points, surrogates among them. Ends at the first malformed one, whose offset is the error.
struct CodePoints<'a> {
    bytes: &'a [u8],
    offset: usize,
}

impl Iterator for CodePoints<'_> {
    type Item = Result<u32, usize>;

    fn next(&mut self) -> Option<Self::Item> {
        let rest = &self.bytes[self.offset..];
        if rest.is_empty() {
            return None;
        }
        match code_point(rest) {
            Some((code_point, len)) => {
                self.offset += len;
                Some(Ok(code_point))
            }
            None => {
                let malformed = self.offset;
                self.offset = self.bytes.len();
                Some(Err(malformed))
            }
        }
    }
}

impl<'a> From<Text<'a>> for Cow<'a, str> {
    fn from(text: Text<'a>) -> Self {
        match text {
            Text::Standard(text) => Cow::Borrowed(text),
            Text::Modified(_) => Cow::Owned(text.into()),
        }
    }
}

/// Length in bytes of what [`write_modified`] appends.
pub(super) fn modified_len(text: &str) -> usize {
    let more = text.bytes().map(|byte| match byte {
        0 => 1,
        0xF0.. => 2,
        _ => 0,
    });
    text.len() + more.sum::<usize>()
}

/// Appends `text` in modified UTF-8.
pub(super) fn write_modified(out: &mut Vec<u8>, text: &str) {
    for character in text.chars() {
        match character {
            '\0' => out.extend_from_slice(&[0xC0, 0x80]),
            _ => character.encode_utf16(&mut [0; 2]).iter().for_each(|unit| write_unit(out, *unit)),
        }
    }
}

/// Appends one UTF-16 unit, NUL in one byte.
pub(super) fn write_unit(out: &mut Vec<u8>, unit: u16) {
    let tail = |shift: u16| 0x80 | (unit >> shift & 0x3F) as u8;
    match unit {
        0..=0x7F => out.push(unit as u8),
        0x80..=0x7FF => out.extend_from_slice(&[0xC0 | (unit >> 6) as u8, tail(0)]),
        _ => out.extend_from_slice(&[0xE0 | (unit >> 12) as u8, tail(6), tail(0)]),
    }
}

/// The code point at the start of `bytes` and its length in bytes; `None` where it is malformed, or an overlong one
/// other than `C0 80`.
pub(super) fn code_point(bytes: &[u8]) -> Option<(u32, usize)> {
    let lead = *bytes.first()?;
    let (len, bits, least) = match lead {
        0x00..=0x7F => return Some((u32::from(lead), 1)),
        0xC0..=0xDF => (2, lead & 0x1F, 0x80),
        0xE0..=0xEF => (3, lead & 0x0F, 0x800),
        0xF0..=0xF4 => (4, lead & 0x07, 0x1_0000),
        _ => return None,
    };
    let mut code_point = u32::from(bits);
    for byte in bytes.get(1..len)? {
        if byte & 0xC0 != 0x80 {
            return None;
        }
        code_point = code_point << 6 | u32::from(byte & 0x3F);
    }
    let legal = (least..=0x10_FFFF).contains(&code_point) || bytes[..len] == [0xC0, 0x80];
    legal.then_some((code_point, len))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(bytes: &[u8]) -> Result<String, usize> {
        Text::new(bytes).map(String::from)
    }

    #[test]
    fn both_encodings_give_the_same_text() {
        assert_eq!(text(b"a\0\xF0\x9F\x98\x80z"), Ok("a\0\u{1F600}z".to_owned()));
        assert_eq!(text(b"a\xC0\x80\xED\xA0\xBD\xED\xB8\x80z"), Ok("a\0\u{1F600}z".to_owned()));
        assert_eq!(text(b"\xC0\x80\xF0\x9F\x98\x80"), Ok("\0\u{1F600}".to_owned()));
    }

    #[test]
    fn modified_text_has_the_length_that_was_told() {
        for text in ["", "plain", "a\0é€", "\u{1F600}z\u{10FFFF}"] {
            let mut out = Vec::new();
            write_modified(&mut out, text);
            assert_eq!(out.len(), modified_len(text));
            assert_eq!(super::tests::text(&out).as_deref(), Ok(text));
        }
        let mut out = Vec::new();
        write_modified(&mut out, "\0\u{1F600}");
        assert_eq!(out, b"\xC0\x80\xED\xA0\xBD\xED\xB8\x80");
    }

    #[test]
    fn an_unpaired_surrogate_becomes_the_replacement_character() {
        assert_eq!(text(b"a\xED\xA0\xBDb"), Ok("a\u{FFFD}b".to_owned()));
    }

    #[test]
    fn malformed_text_is_refused_at_its_first_bad_character() {
        assert_eq!(text(b"ab\x80"), Err(2));
        assert_eq!(text(b"a\xC1\x81"), Err(1));
        assert_eq!(text(b"\xE2\x82A"), Err(0));
        assert_eq!(text(b"\xF4\x90\x80\x80"), Err(0));
        assert_eq!(text(b"\xF0\x9F"), Err(0));
    }
}
