//! From the bytes of a message to text, as Jackson finds its encoding and reads its UTF-8.

use coherence_kafka_common::serializer::charset::{Endian, decode_utf16, decode_utf32};

/// A message as text.
#[derive(Debug)]
pub(super) enum Text<'a> {
    /// The bytes are UTF-8.
    Utf8(&'a str),
    /// The bytes were something else.
    Decoded {
        text: String,
        /// Where in the bytes `text` ends because the rest is not text. It is an error only for a reader that
        /// gets there: what is behind the message does not matter.
        invalid: Option<usize>,
    },
}

/// Finds the encoding as Jackson does: by a byte order mark, else by where the zeros lie in the first bytes. UTF-8 if
/// neither shows another one.
pub(super) fn decode(bytes: &[u8]) -> Text<'_> {
    let decoded = |text| Text::Decoded { text, invalid: None };
    match bytes {
        [0, 0, 0xFE, 0xFF, ..] | [0xFF, 0xFE, 0, 0, ..] => decoded(decode_utf32(bytes, None)),
        [0, 0, 0, _, ..] => decoded(decode_utf32(bytes, Some(Endian::Big))),
        [_, 0, 0, 0, ..] => decoded(decode_utf32(bytes, Some(Endian::Little))),
        [0xFE, 0xFF, _, _, ..] | [0xFF, 0xFE, _, _, ..] => decoded(decode_utf16(bytes, None)),
        [0, _, ..] => decoded(decode_utf16(bytes, Some(Endian::Big))),
        [_, 0, ..] => decoded(decode_utf16(bytes, Some(Endian::Little))),
        // Jackson looks for a mark in four bytes or not at all.
        [0xEF, 0xBB, 0xBF, _, ..] => utf8(&bytes[3..], 3),
        _ => utf8(bytes, 0),
    }
}

fn utf8(bytes: &[u8], offset: usize) -> Text<'_> {
    match std::str::from_utf8(bytes) {
        Ok(text) => Text::Utf8(text),
        Err(_) => lenient_utf8(bytes, offset),
    }
}

/// UTF-8 up to the first fault, where longer forms than necessary are none to Jackson.
fn lenient_utf8(bytes: &[u8], offset: usize) -> Text<'_> {
    let mut text = String::with_capacity(bytes.len());
    let mut rest = bytes;
    loop {
        let Some(chunk) = rest.utf8_chunks().next() else { return Text::Decoded { text, invalid: None } };
        text.push_str(chunk.valid());
        rest = &rest[chunk.valid().len()..];
        if rest.is_empty() {
            continue;
        }
        let invalid = Some(offset + bytes.len() - rest.len());
        match overlong(rest) {
            // Jackson takes such a character for content, even where it is a quotation mark, but for no escape.
            Some(('\0'..='\x7F', _)) if ends_in_backslash(&text) => return Text::Decoded { text, invalid },
            Some((c, len)) => {
                match c {
                    '\0'..='\x7F' => text.push_str(&format!("\\u{:04x}", u32::from(c))),
                    _ => text.push(c),
                }
                rest = &rest[len..];
            }
            None => return Text::Decoded { text, invalid },
        }
    }
}

/// Returns true behind a backslash that is none behind another one.
fn ends_in_backslash(text: &str) -> bool {
    text.bytes().rev().take_while(|&byte| byte == b'\\').count() % 2 == 1
}

/// Returns the character at the start of `bytes`, where it is in more bytes than it needs; and how many these are. Not
/// of four bytes, which Jackson garbles.
fn overlong(bytes: &[u8]) -> Option<(char, usize)> {
    let (lead, len) = match bytes.first()? {
        lead @ 0xC0..=0xC1 => (lead & 0x1F, 2),
        lead @ 0xE0 => (lead & 0x0F, 3),
        _ => return None,
    };
    let mut code = u32::from(lead);
    for byte in bytes.get(1..len)? {
        let 0x80..=0xBF = byte else { return None };
        code = code << 6 | u32::from(byte & 0x3F);
    }
    char::from_u32(code).map(|c| (c, len))
}
