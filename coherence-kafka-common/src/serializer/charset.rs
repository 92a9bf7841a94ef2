//! The charsets of `serializer.encoding`, `deserializer.encoding` and `converter.encoding`: Java's names, and what
//! Java makes of text that a charset lacks and of bytes that are not text in it.
//!
//! Neither direction fails: as in Java, `?` stands for a character that the charset lacks, U+FFFD for malformed bytes.
//! The Unicode charsets and those of one byte per character were compared with Java 17 and give the same. Of those with
//! several bytes per character, Shift_JIS, windows-31j, EUC-JP and EUC-KR read the same characters; GB18030 has one,
//! GBK a hundred and Big5 260 rare ones that are not Java's; what malformed bytes become may differ.

use std::borrow::Cow;

use encoding_rs::{EncoderResult, Encoding};

/// A charset that is known here.
#[derive(Debug, Clone, Copy)]
pub struct Charset(Kind);

#[derive(Debug, Clone, Copy)]
enum Kind {
    Utf8,
    Utf16(Option<Endian>),
    Utf32(Option<Endian>),
    Ascii,
    Latin1,
    Ibm037,
    /// ISO-8859-9: Latin-1 with six Turkish letters.
    Latin5,
    /// As the WHATWG decodes it.
    Whatwg(&'static Encoding),
    /// As the WHATWG decodes it, except for the symbols which JIS has and Windows replaced.
    Jis(&'static Encoding),
    /// As the WHATWG decodes it, except that Java leaves the bytes undefined which give controls there.
    Windows(&'static Encoding),
}

/// The order of the bytes of one unit.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Endian {
    /// Highest first.
    Big,
    /// Lowest first.
    Little,
}

/// Each charset by its canonical name in Java and its aliases, all in lower case.
const NAMES: &[(&[&str], Kind)] = &[
    (&["utf-8", "utf8", "unicode-1-1-utf-8"], Kind::Utf8),
    (&["utf-16", "utf_16", "utf16", "unicode", "unicodebig"], Kind::Utf16(None)),
    (
        &["utf-16be", "utf_16be", "x-utf-16be", "iso-10646-ucs-2", "unicodebigunmarked"],
        Kind::Utf16(Some(Endian::Big)),
    ),
    (&["utf-16le", "utf_16le", "x-utf-16le", "unicodelittleunmarked"], Kind::Utf16(Some(Endian::Little))),
    (&["utf-32", "utf_32", "utf32"], Kind::Utf32(None)),
    (&["utf-32be", "utf_32be", "x-utf-32be"], Kind::Utf32(Some(Endian::Big))),
    (&["utf-32le", "utf_32le", "x-utf-32le"], Kind::Utf32(Some(Endian::Little))),
    (&["us-ascii", "ascii", "iso646-us", "us", "646", "cp367", "ibm367", "ascii7"], Kind::Ascii),
    (
        &[
            "iso-8859-1",
            "iso8859-1",
            "iso8859_1",
            "8859_1",
            "iso_8859-1",
            "iso_8859_1",
            "latin1",
            "l1",
            "819",
            "cp819",
            "ibm819",
            "ibm-819",
        ],
        Kind::Latin1,
    ),
    (&["ibm037", "cp037", "ibm-037", "037", "ebcdic-cp-us", "csibm037"], Kind::Ibm037),
    (
        &["iso-8859-2", "iso8859-2", "iso8859_2", "8859_2", "latin2", "l2"],
        Kind::Whatwg(encoding_rs::ISO_8859_2),
    ),
    (
        &["iso-8859-3", "iso8859-3", "iso8859_3", "8859_3", "latin3", "l3"],
        Kind::Whatwg(encoding_rs::ISO_8859_3),
    ),
    (
        &["iso-8859-4", "iso8859-4", "iso8859_4", "8859_4", "latin4", "l4"],
        Kind::Whatwg(encoding_rs::ISO_8859_4),
    ),
    (&["iso-8859-5", "iso8859-5", "iso8859_5", "8859_5", "cyrillic"], Kind::Whatwg(encoding_rs::ISO_8859_5)),
    (&["iso-8859-6", "iso8859-6", "iso8859_6", "8859_6", "arabic"], Kind::Whatwg(encoding_rs::ISO_8859_6)),
    (&["iso-8859-7", "iso8859-7", "iso8859_7", "8859_7", "greek"], Kind::Whatwg(encoding_rs::ISO_8859_7)),
    (&["iso-8859-8", "iso8859-8", "iso8859_8", "8859_8", "hebrew"], Kind::Whatwg(encoding_rs::ISO_8859_8)),
    (&["iso-8859-9", "iso8859-9", "iso8859_9", "8859_9", "latin5", "l5"], Kind::Latin5),
    (&["iso-8859-13", "iso8859-13", "iso8859_13", "8859_13"], Kind::Whatwg(encoding_rs::ISO_8859_13)),
    (
        &["iso-8859-15", "iso8859-15", "iso8859_15", "8859_15", "latin9", "latin-9", "l9"],
        Kind::Whatwg(encoding_rs::ISO_8859_15),
    ),
    (&["koi8-r", "koi8_r", "koi8"], Kind::Whatwg(encoding_rs::KOI8_R)),
    (&["ibm866", "cp866", "ibm-866", "866"], Kind::Whatwg(encoding_rs::IBM866)),
    (&["windows-1250", "cp1250"], Kind::Windows(encoding_rs::WINDOWS_1250)),
    (&["windows-1251", "cp1251", "ansi-1251"], Kind::Windows(encoding_rs::WINDOWS_1251)),
    (&["windows-1252", "cp1252", "ibm-1252", "ibm1252"], Kind::Windows(encoding_rs::WINDOWS_1252)),
    (&["windows-1253", "cp1253"], Kind::Windows(encoding_rs::WINDOWS_1253)),
    (&["windows-1254", "cp1254"], Kind::Windows(encoding_rs::WINDOWS_1254)),
    (&["windows-1257", "cp1257"], Kind::Windows(encoding_rs::WINDOWS_1257)),
    (&["windows-1258", "cp1258"], Kind::Windows(encoding_rs::WINDOWS_1258)),
    (&["shift_jis", "shift-jis", "sjis", "x-sjis", "ms_kanji"], Kind::Jis(encoding_rs::SHIFT_JIS)),
    (&["windows-31j", "ms932", "windows-932"], Kind::Whatwg(encoding_rs::SHIFT_JIS)),
    (&["euc-jp", "euc_jp", "eucjp", "eucjis", "x-euc-jp"], Kind::Jis(encoding_rs::EUC_JP)),
    (&["gbk", "cp936", "windows-936"], Kind::Whatwg(encoding_rs::GBK)),
    (&["gb18030", "gb18030-2022"], Kind::Whatwg(encoding_rs::GB18030)),
    (&["big5", "csbig5"], Kind::Whatwg(encoding_rs::BIG5)),
    (&["euc-kr", "euc_kr", "euckr", "ksc5601", "ks_c_5601-1987"], Kind::Whatwg(encoding_rs::EUC_KR)),
];

const REPLACEMENT: char = char::REPLACEMENT_CHARACTER;

impl Charset {
    /// Kafka's default.
    pub const UTF_8: Self = Self(Kind::Utf8);

    /// Returns the charset of this name or alias of Java's, upper and lower case being the same.
    pub fn for_name(name: &str) -> Option<Self> {
        let lower = name.to_ascii_lowercase();
        NAMES.iter().find(|(names, _)| names.contains(&lower.as_str())).map(|(_, kind)| Self(*kind))
    }

    /// Returns true where [`encode`](Self::encode) gives the bytes of Java for every text. Charsets with several bytes
    /// per character, apart from Unicode's, are written as the WHATWG defines them, which differs in up to some
    /// thousand rare characters.
    pub fn is_written_as_by_java(&self) -> bool {
        match self.0 {
            Kind::Jis(_) => false,
            Kind::Whatwg(encoding) => encoding.is_single_byte(),
            _ => true,
        }
    }

    /// Returns the bytes of `text`; borrowed where they are the same.
    pub fn encode<'a>(&self, text: &'a str) -> Cow<'a, [u8]> {
        if text.is_ascii() && self.extends_ascii() {
            return Cow::Borrowed(text.as_bytes());
        }
        match self.0 {
            Kind::Utf8 => Cow::Borrowed(text.as_bytes()),
            Kind::Utf16(Some(Endian::Little)) => text.encode_utf16().flat_map(u16::to_le_bytes).collect(),
            Kind::Utf16(Some(Endian::Big)) => text.encode_utf16().flat_map(u16::to_be_bytes).collect(),
            Kind::Utf16(None) => {
                let mark = (!text.is_empty()).then_some(BYTE_ORDER_MARK);
                mark.into_iter().chain(text.encode_utf16()).flat_map(u16::to_be_bytes).collect()
            }
            Kind::Utf32(Some(Endian::Little)) => {
                text.chars().flat_map(|c| u32::from(c).to_le_bytes()).collect()
            }
            Kind::Utf32(_) => text.chars().flat_map(|c| u32::from(c).to_be_bytes()).collect(),
            Kind::Ascii => text.chars().map(|c| if c.is_ascii() { c as u8 } else { b'?' }).collect(),
            Kind::Latin1 => text.chars().map(|c| u8::try_from(c).unwrap_or(b'?')).collect(),
            Kind::Ibm037 => text.chars().map(ibm037_byte).collect(),
            Kind::Latin5 => text.chars().map(latin5_byte).collect(),
            Kind::Whatwg(encoding) => encode_whatwg(encoding, text).into(),
            Kind::Jis(encoding) => {
                let windows: String = text.chars().map(windows_symbol).collect();
                encode_whatwg(encoding, &windows).into()
            }
            Kind::Windows(encoding) => {
                let without_controls = text.replace(is_c1_control, "\u{FFFD}");
                encode_whatwg(encoding, &without_controls).into()
            }
        }
    }

    /// Returns the text in `bytes`; borrowed where UTF-8, or ASCII in most charsets, allows it.
    pub fn decode<'a>(&self, bytes: &'a [u8]) -> Cow<'a, str> {
        match self.0 {
            Kind::Utf8 => decode_utf8(bytes),
            Kind::Utf16(endian) => decode_utf16(bytes, endian).into(),
            Kind::Utf32(endian) => decode_utf32(bytes, endian).into(),
            Kind::Ascii => single(bytes, |byte| if byte.is_ascii() { byte.into() } else { REPLACEMENT }),
            Kind::Latin1 => single(bytes, char::from),
            Kind::Ibm037 => bytes.iter().map(|&byte| char::from(IBM037[usize::from(byte)])).collect(),
            Kind::Latin5 => single(bytes, latin5),
            Kind::Whatwg(encoding) => encoding.decode_without_bom_handling(bytes).0,
            Kind::Jis(encoding) => match encoding.decode_without_bom_handling(bytes).0 {
                Cow::Owned(text) => text.chars().map(jis_symbol).collect(),
                ascii => ascii,
            },
            Kind::Windows(encoding) => match encoding.decode_without_bom_handling(bytes).0 {
                // Bytes below 0x80 are ASCII, whose controls are below U+0080.
                Cow::Owned(text) => text.replace(is_c1_control, "\u{FFFD}").into(),
                ascii => ascii,
            },
        }
    }

    fn extends_ascii(&self) -> bool {
        !matches!(self.0, Kind::Utf16(_) | Kind::Utf32(_) | Kind::Ibm037)
    }
}

const BYTE_ORDER_MARK: u16 = 0xFEFF;

fn is_c1_control(c: char) -> bool {
    matches!(c, '\u{80}'..='\u{9F}')
}

fn encode_whatwg(encoding: &'static Encoding, text: &str) -> Vec<u8> {
    let mut encoder = encoding.new_encoder();
    let mut bytes = Vec::with_capacity(text.len() * 2 + 16);
    let mut rest = text;
    loop {
        let (result, read) = encoder.encode_from_utf8_to_vec_without_replacement(rest, &mut bytes, true);
        rest = &rest[read..];
        match result {
            EncoderResult::InputEmpty => return bytes,
            EncoderResult::OutputFull => bytes.reserve(rest.len() * 2 + 16),
            EncoderResult::Unmappable(_) => {
                bytes.reserve(1);
                bytes.push(b'?');
            }
        }
    }
}

/// Text where each byte is a character.
fn single(bytes: &[u8], char_of: impl Fn(u8) -> char) -> Cow<'_, str> {
    match std::str::from_utf8(bytes) {
        Ok(text) if bytes.is_ascii() => Cow::Borrowed(text),
        _ => bytes.iter().map(|&byte| char_of(byte)).collect(),
    }
}

fn latin5(byte: u8) -> char {
    match byte {
        0xD0 => 'Ğ',
        0xDD => 'İ',
        0xDE => 'Ş',
        0xF0 => 'ğ',
        0xFD => 'ı',
        0xFE => 'ş',
        other => other.into(),
    }
}

fn latin5_byte(c: char) -> u8 {
    match c {
        'Ğ' => 0xD0,
        'İ' => 0xDD,
        'Ş' => 0xDE,
        'ğ' => 0xF0,
        'ı' => 0xFD,
        'ş' => 0xFE,
        'Ð' | 'Ý' | 'Þ' | 'ð' | 'ý' | 'þ' => b'?',
        other => u8::try_from(other).unwrap_or(b'?'),
    }
}

/// Java writes the two line ends, which it reads as one, as one, and ASCII's `?` for what it lacks, which reads as a
/// control.
fn ibm037_byte(c: char) -> u8 {
    let c = if c == '\u{85}' { '\n' } else { c };
    let found = u8::try_from(c).ok().and_then(|c| IBM037.iter().position(|&of| of == c));
    found.map_or(b'?', |byte| byte as u8)
}

/// Returns the symbol that JIS X 0208 has where Windows has `windows`.
fn jis_symbol(windows: char) -> char {
    match windows {
        '―' => '—',
        '～' => '〜',
        '∥' => '‖',
        '－' => '−',
        '￠' => '¢',
        '￡' => '£',
        '￢' => '¬',
        other => other,
    }
}

/// What [`jis_symbol`] makes the given one of; a symbol that only Windows has becomes one that neither has.
fn windows_symbol(jis: char) -> char {
    match jis {
        '—' => '―',
        '〜' => '～',
        '‖' => '∥',
        '−' => '－',
        '¢' => '￠',
        '£' => '￡',
        '¬' => '￢',
        '―' | '～' | '∥' | '－' | '￠' | '￡' | '￢' => REPLACEMENT,
        other => other,
    }
}

/// UTF-8 with U+FFFD for each maximal ill-formed part, as Rust and Java have it, except that Java takes an
/// encoded surrogate, even a truncated one, for one part and Rust takes each of its bytes for one.
fn decode_utf8(bytes: &[u8]) -> Cow<'_, str> {
    let mut rest = match std::str::from_utf8(bytes) {
        Ok(text) => return Cow::Borrowed(text),
        Err(_) => bytes,
    };
    let mut text = String::with_capacity(bytes.len());
    loop {
        // One chunk at a time, because what follows it may begin elsewhere than Rust thinks.
        let Some(chunk) = rest.utf8_chunks().next() else { return text.into() };
        text.push_str(chunk.valid());
        let ill = &rest[chunk.valid().len()..];
        let len = match ill {
            [0xED, 0xA0..=0xBF, 0x80..=0xBF, ..] => 3,
            [0xED, 0xA0..=0xBF, ..] => 2,
            _ => chunk.invalid().len(),
        };
        if !ill.is_empty() {
            text.push(REPLACEMENT);
        }
        rest = &ill[len..];
    }
}

/// UTF-16; without `endian` a byte order mark decides and big-endian is the default.
pub fn decode_utf16(bytes: &[u8], endian: Option<Endian>) -> String {
    let (endian, bytes) = match (endian, bytes) {
        (Some(endian), bytes) => (endian, bytes),
        (None, [0xFE, 0xFF, rest @ ..]) => (Endian::Big, rest),
        (None, [0xFF, 0xFE, rest @ ..]) => (Endian::Little, rest),
        (None, bytes) => (Endian::Big, bytes),
    };
    let (pairs, odd) = bytes.as_chunks();
    let units = pairs.iter().map(|&pair| match endian {
        Endian::Big => u16::from_be_bytes(pair),
        Endian::Little => u16::from_le_bytes(pair),
    });
    let mut text = String::with_capacity(bytes.len());
    let mut high = None;
    for unit in units {
        match (high.take(), unit) {
            (None, 0xD800..0xDC00) => high = Some(unit),
            // Java takes the first half of a pair and whatever follows it for one malformed character.
            (first, _) => {
                let pair = first.into_iter().chain([unit]);
                let c = char::decode_utf16(pair).next().and_then(Result::ok).unwrap_or(REPLACEMENT);
                text.push(c);
            }
        }
    }
    if high.is_some() || !odd.is_empty() {
        text.push(REPLACEMENT);
    }
    text
}

/// UTF-32; without `endian` a byte order mark decides and big-endian is the default.
pub fn decode_utf32(bytes: &[u8], endian: Option<Endian>) -> String {
    let (endian, bytes) = match (endian, bytes) {
        (Some(endian), bytes) => (endian, bytes),
        (None, [0, 0, 0xFE, 0xFF, rest @ ..]) => (Endian::Big, rest),
        (None, [0xFF, 0xFE, 0, 0, rest @ ..]) => (Endian::Little, rest),
        (None, bytes) => (Endian::Big, bytes),
    };
    let (quads, odd) = bytes.as_chunks();
    let chars = quads.iter().map(|&quad| match endian {
        Endian::Big => u32::from_be_bytes(quad),
        Endian::Little => u32::from_le_bytes(quad),
    });
    let mut text: String = chars.map(|c| char::from_u32(c).unwrap_or(REPLACEMENT)).collect();
    if !odd.is_empty() {
        text.push(REPLACEMENT);
    }
    text
}

/// EBCDIC of the United States and Canada as Java has it, where both 0x15 and 0x25 are a line feed.
#[rustfmt::skip]
const IBM037: [u8; 256] = [
    0x00, 0x01, 0x02, 0x03, 0x9C, 0x09, 0x86, 0x7F, 0x97, 0x8D, 0x8E, 0x0B, 0x0C, 0x0D, 0x0E, 0x0F,
    0x10, 0x11, 0x12, 0x13, 0x9D, 0x0A, 0x08, 0x87, 0x18, 0x19, 0x92, 0x8F, 0x1C, 0x1D, 0x1E, 0x1F,
    0x80, 0x81, 0x82, 0x83, 0x84, 0x0A, 0x17, 0x1B, 0x88, 0x89, 0x8A, 0x8B, 0x8C, 0x05, 0x06, 0x07,
    0x90, 0x91, 0x16, 0x93, 0x94, 0x95, 0x96, 0x04, 0x98, 0x99, 0x9A, 0x9B, 0x14, 0x15, 0x9E, 0x1A,
    0x20, 0xA0, 0xE2, 0xE4, 0xE0, 0xE1, 0xE3, 0xE5, 0xE7, 0xF1, 0xA2, 0x2E, 0x3C, 0x28, 0x2B, 0x7C,
    0x26, 0xE9, 0xEA, 0xEB, 0xE8, 0xED, 0xEE, 0xEF, 0xEC, 0xDF, 0x21, 0x24, 0x2A, 0x29, 0x3B, 0xAC,
    0x2D, 0x2F, 0xC2, 0xC4, 0xC0, 0xC1, 0xC3, 0xC5, 0xC7, 0xD1, 0xA6, 0x2C, 0x25, 0x5F, 0x3E, 0x3F,
    0xF8, 0xC9, 0xCA, 0xCB, 0xC8, 0xCD, 0xCE, 0xCF, 0xCC, 0x60, 0x3A, 0x23, 0x40, 0x27, 0x3D, 0x22,
    0xD8, 0x61, 0x62, 0x63, 0x64, 0x65, 0x66, 0x67, 0x68, 0x69, 0xAB, 0xBB, 0xF0, 0xFD, 0xFE, 0xB1,
    0xB0, 0x6A, 0x6B, 0x6C, 0x6D, 0x6E, 0x6F, 0x70, 0x71, 0x72, 0xAA, 0xBA, 0xE6, 0xB8, 0xC6, 0xA4,
    0xB5, 0x7E, 0x73, 0x74, 0x75, 0x76, 0x77, 0x78, 0x79, 0x7A, 0xA1, 0xBF, 0xD0, 0xDD, 0xDE, 0xAE,
    0x5E, 0xA3, 0xA5, 0xB7, 0xA9, 0xA7, 0xB6, 0xBC, 0xBD, 0xBE, 0x5B, 0x5D, 0xAF, 0xA8, 0xB4, 0xD7,
    0x7B, 0x41, 0x42, 0x43, 0x44, 0x45, 0x46, 0x47, 0x48, 0x49, 0xAD, 0xF4, 0xF6, 0xF2, 0xF3, 0xF5,
    0x7D, 0x4A, 0x4B, 0x4C, 0x4D, 0x4E, 0x4F, 0x50, 0x51, 0x52, 0xB9, 0xFB, 0xFC, 0xF9, 0xFA, 0xFF,
    0x5C, 0xF7, 0x53, 0x54, 0x55, 0x56, 0x57, 0x58, 0x59, 0x5A, 0xB2, 0xD4, 0xD6, 0xD2, 0xD3, 0xD5,
    0x30, 0x31, 0x32, 0x33, 0x34, 0x35, 0x36, 0x37, 0x38, 0x39, 0xB3, 0xDB, 0xDC, 0xD9, 0xDA, 0x9F,
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_truncated_encoded_surrogate_is_one_replacement_as_in_java() {
        // Java 17 reports this of each of these.
        for (bytes, expected) in [
            (&b"\xED\xA0"[..], "\u{FFFD}"),
            (b"\xED\xA0A", "\u{FFFD}A"),
            (b"\xED\xA0\x80\xED\xB0\x80", "\u{FFFD}\u{FFFD}"),
            (b"a\xED\x9F\xBFb", "a\u{D7FF}b"),
            (b"\xED", "\u{FFFD}"),
            (b"\xE0\x80\x80", "\u{FFFD}\u{FFFD}\u{FFFD}"),
        ] {
            assert_eq!(decode_utf8(bytes), expected, "{bytes:02X?}");
        }
    }

    #[test]
    fn valid_text_is_borrowed() {
        assert!(matches!(Charset::UTF_8.decode("é".as_bytes()), Cow::Borrowed("é")));
        assert!(matches!(Charset(Kind::Latin1).decode(b"ascii"), Cow::Borrowed("ascii")));
    }

    #[test]
    fn the_symbols_of_jis_are_those_of_java() {
        let decode = |decoder| Charset(decoder).decode(&[0x81, 0x60]).into_owned();
        assert_eq!(decode(Kind::Jis(encoding_rs::SHIFT_JIS)), "\u{301C}");
        assert_eq!(decode(Kind::Whatwg(encoding_rs::SHIFT_JIS)), "\u{FF5E}", "windows-31j");
    }

    #[test]
    fn utf_32_reads_its_byte_order_mark() {
        assert_eq!(decode_utf32(b"\xFF\xFE\0\0a\0\0\0", None), "a");
        assert_eq!(decode_utf32(b"\0\0\0a\0\x11\0\0\0", None), "a\u{FFFD}\u{FFFD}");
    }
}
