//! Text in POF. Two encodings exist, and newer Java writes now one and now the other.
//!
//! Standard is UTF-8. Modified, which releases before 24.09 write, has `C0 80` for NUL and two surrogates of three
//! bytes each for characters beyond U+FFFF. The same bytes mean the same in both, so one reader takes any mixture.

use std::str;

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

/// The code point at the start of `bytes` and its length in bytes; `None` where there is none, or an overlong one
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
