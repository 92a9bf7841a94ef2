//! Bytes as a text of bounded length.

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::java_format;
use coherence_kafka_common::map::Format;
use serde_json::{Value, json};

use super::hex::hex;
use super::pof;

/// A larger binary is not decoded: a decoded value takes several times its bytes.
const DECODED_BYTES: usize = 1 << 20;

/// What is shown of some bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Shown {
    text: String,
    /// How many bytes there are.
    bytes: usize,
    /// The text is only the beginning.
    cut: bool,
    /// Why the text is hexadecimal digits.
    problem: Option<String>,
}

impl Shown {
    /// Returns the key or value `binary` of a map, in at most `max` bytes of text.
    pub(super) fn binary(binary: &[u8], format: Format, max: usize) -> Self {
        if format == Format::Java {
            return Self::java(binary, max);
        }
        let Some((&FMT_EXT, payload)) = binary.split_first() else {
            return Self::hex(binary, max, format!("it is not in the format {format}"));
        };
        match format {
            Format::Json => match std::str::from_utf8(beginning(payload, max)) {
                Ok(_) => Self { bytes: binary.len(), ..Self::text(payload, max) },
                Err(error) => Self::hex(binary, max, error.to_string()),
            },
            _ if payload.len() > DECODED_BYTES => Self::too_large(binary, max),
            _ => match pof::text(payload, max) {
                Ok((text, cut)) => Self { text, bytes: binary.len(), cut, problem: None },
                Err(error) => Self::hex(binary, max, error.to_string()),
            },
        }
    }

    /// The same of a map of Java's default serializer, where objects are shown in hexadecimal digits.
    fn java(binary: &[u8], max: usize) -> Self {
        if binary.len() > DECODED_BYTES {
            return Self::too_large(binary, max);
        }
        match java_format::decode(binary) {
            Ok(value) => {
                let (text, cut) = pof::text_of(&value, max);
                Self { text, bytes: binary.len(), cut, problem: None }
            }
            Err(error) => match java_format::only_java(binary) {
                Some(what) => Self::hex(binary, max, format!("{what}, which only Java can read")),
                None => Self::hex(binary, max, error.to_string()),
            },
        }
    }

    fn too_large(binary: &[u8], max: usize) -> Self {
        Self::hex(binary, max, format!("values of more than {DECODED_BYTES} bytes are not decoded"))
    }

    /// Returns bytes that are text, such as the value of a header; others in hexadecimal digits.
    pub(super) fn text(bytes: &[u8], max: usize) -> Self {
        let start = beginning(bytes, max);
        match std::str::from_utf8(start) {
            Ok(text) => {
                let cut = start.len() < bytes.len();
                Self { text: text.to_owned(), bytes: bytes.len(), cut, problem: None }
            }
            Err(error) => Self::hex(bytes, max, error.to_string()),
        }
    }

    /// Returns a value that cannot be shown.
    pub(super) fn missing(problem: String) -> Self {
        Self { text: String::new(), bytes: 0, cut: false, problem: Some(problem) }
    }

    fn hex(bytes: &[u8], max: usize, problem: String) -> Self {
        let start = &bytes[..bytes.len().min(max / 2)];
        Self { text: hex(start), bytes: bytes.len(), cut: start.len() < bytes.len(), problem: Some(problem) }
    }

    pub(super) fn into_text(self) -> String {
        self.text
    }

    pub(super) fn to_json(&self) -> Value {
        json!({"text": self.text, "bytes": self.bytes, "cut": self.cut, "problem": self.problem})
    }
}

/// Returns at most `max` bytes, without a part of a character at their end.
fn beginning(bytes: &[u8], max: usize) -> &[u8] {
    if bytes.len() <= max {
        return bytes;
    }
    // A character has at most three bytes behind its first one.
    let whole = (0..=3).filter_map(|back| max.checked_sub(back));
    let end = whole.map(|end| (end, bytes[end])).find(|(_, byte)| byte & 0xC0 != 0x80);
    &bytes[..end.map_or(max, |(end, _)| end)]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn json(text: &str, max: usize) -> Shown {
        Shown::binary(&[&[FMT_EXT], text.as_bytes()].concat(), Format::Json, max)
    }

    #[test]
    fn json_is_shown_as_it_is_and_cut_between_two_characters() {
        let shown = json("{\"a\":1}", 100);
        assert_eq!(
            (shown.text.as_str(), shown.bytes, shown.cut, shown.problem),
            ("{\"a\":1}", 8, false, None)
        );
        for (max, expected) in
            [(0, ""), (1, "a"), (2, "aé"), (3, "aé"), (4, "aé"), (6, "aé"), (7, "aé\u{1F600}")]
        {
            let shown = json("aé\u{1F600}z", max);
            let expected = if max == 2 { "a" } else { expected };
            assert_eq!((shown.text.as_str(), shown.cut), (expected, true), "{max}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_shown_in_hexadecimal_digits_with_the_reason() {
        for (binary, format, reason) in [
            (&b"\x15\xFF\xFE"[..], Format::Json, "invalid utf-8"),
            (b"\x0B\x01\x02", Format::Json, "it is not in the format json"),
            (b"\x0B\x01\x02", Format::Pof, "it is not in the format pof"),
            (b"\x15\x4E\x09", Format::Pof, "9 bytes needed"),
            (b"", Format::Pof, "it is not in the format pof"),
            (b"\x15\x41\x05", Format::Java, "another serializer"),
            (
                b"\x0B\xAC\xED\x00\x05\x70",
                Format::Java,
                "a java.io.Serializable object, which only Java can read",
            ),
            (b"", Format::Java, "the format byte"),
        ] {
            let shown = Shown::binary(binary, format, 100);
            assert_eq!(shown.text, hex(binary));
            assert!(shown.problem.as_deref().unwrap().contains(reason), "{shown:?}");
            assert!(!shown.cut);
        }
        let shown = Shown::text(&[0xFF; 10], 8);
        assert_eq!((shown.text.as_str(), shown.cut, shown.bytes), ("ffffffff", true, 10));
    }

    #[test]
    fn java_is_shown_as_its_value() {
        for (binary, text) in [
            (&b"\x06\x03Hi!"[..], "\"Hi!\""),
            (b"\x01\x05", "5"),
            (b"\x11\x01", "true"),
            (b"\x00", "null"),
            (b"\x08\x02\x01\x02", "0x0102"),
        ] {
            let shown = Shown::binary(binary, Format::Java, 100);
            assert_eq!((shown.text.as_str(), shown.bytes, shown.problem), (text, binary.len(), None));
        }
    }

    #[test]
    fn a_value_that_is_too_large_to_be_decoded_is_shown_by_its_first_bytes() {
        let huge = [vec![FMT_EXT, 0x4E], vec![b'a'; DECODED_BYTES]].concat();
        let shown = Shown::binary(&huge, Format::Pof, 8);
        assert_eq!((shown.text.as_str(), shown.cut, shown.bytes), ("154e6161", true, huge.len()));
        assert!(shown.problem.is_some());
    }
}
