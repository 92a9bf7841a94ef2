//! PEM in one property, as Java's clients read it: blanks between the lines count as line ends.

use std::sync::LazyLock;

use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::DecodePaddingMode;
use base64::engine::general_purpose::{GeneralPurpose, GeneralPurposeConfig};
use base64::prelude::BASE64_STANDARD;
use regex::Regex;

#[expect(clippy::expect_used, reason = "a constant pattern that the tests compile")]
static BLOCK: LazyLock<Regex> = LazyLock::new(|| {
    Regex::new(r"(?s)-+BEGIN\s+([^-]+?)\s*-+(.*?)-+END\s+[^-]+-+").expect("the pattern is valid")
});

/// As `java.util.Base64` decodes: the padding may be left out.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// What a property holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Holds {
    /// One certificate or more.
    Certificates,
    /// A private key, encrypted or not.
    PrivateKey,
}

/// The blocks of `text` as OpenSSL reads them, in lines of 64 characters.
///
/// # Errors
/// What is wrong; never a part of the text, which may be a private key.
pub fn lines(text: &str, holds: Holds) -> Result<String, String> {
    let (label, form) = match holds {
        Holds::Certificates => ("CERTIFICATE", "-----BEGIN CERTIFICATE----- … -----END CERTIFICATE-----"),
        Holds::PrivateKey => ("PRIVATE KEY", "-----BEGIN PRIVATE KEY----- … -----END PRIVATE KEY-----"),
    };
    let mut all = String::new();
    for block in BLOCK.captures_iter(text) {
        let name = block[1].split_whitespace().collect::<Vec<_>>().join(" ");
        if !name.contains(label) {
            continue;
        }
        let body = if block[2].contains(':') {
            // Headers of an encrypted key of the old kind, which are lines of their own.
            block[2].trim_start().to_owned()
        } else {
            in_lines(&block[2]).ok_or_else(|| {
                format!(
                    "holds a {} that is not whole or not PEM: expected base64 of DER in {form}",
                    label.to_lowercase()
                )
            })?
        };
        all.push_str(&format!("-----BEGIN {name}-----\n{body}-----END {name}-----\n"));
    }
    if all.is_empty() {
        return Err(format!("holds no {} in PEM: write {form}", label.to_lowercase()));
    }
    Ok(all)
}

/// The base64 in lines; `None` where it is not that of one whole value of DER.
fn in_lines(base64: &str) -> Option<String> {
    let digits: String = base64.split_whitespace().collect();
    let der = BASE64.decode(digits).ok().filter(|der| is_whole(der))?;
    let mut lines = String::new();
    for (at, digit) in BASE64_STANDARD.encode(der).chars().enumerate() {
        if at > 0 && at % 64 == 0 {
            lines.push('\n');
        }
        lines.push(digit);
    }
    lines.push('\n');
    Some(lines)
}

/// Whether this is a sequence of DER to its end, as certificates and keys are.
fn is_whole(der: &[u8]) -> bool {
    let [0x30, length, rest @ ..] = der else { return false };
    let (length, rest) = match length {
        0..=0x7F => (usize::from(*length), rest),
        0x81..=0x84 => {
            let Some((length, rest)) = rest.split_at_checked(usize::from(length & 0x7F)) else {
                return false;
            };
            (length.iter().fold(0, |all, byte| all << 8 | usize::from(*byte)), rest)
        }
        _ => return false,
    };
    rest.len() == length
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = "-----BEGIN CERTIFICATE-----\nMAA=\n-----END CERTIFICATE-----\n";

    #[test]
    fn lines_may_be_joined_by_blanks_and_base64_may_be_broken_anywhere() {
        let long = BASE64_STANDARD.encode([&[0x30, 0x81, 0x80][..], &[7; 128]].concat());
        let (first, rest) = long.split_at(64);
        let (second, third) = rest.split_at(64);
        let in_lines =
            format!("-----BEGIN PRIVATE KEY-----\n{first}\n{second}\n{third}\n-----END PRIVATE KEY-----\n");
        let (odd, odder) = long.split_at(31);
        for joined in [
            in_lines.clone(),
            in_lines.trim_end().replace('\n', " "),
            in_lines.replace('\n', "\r\n"),
            format!("-----BEGIN PRIVATE KEY----- {odd} \t{odder} -----END PRIVATE KEY-----"),
            format!("a key: -----BEGIN  PRIVATE KEY-----{long}-----END PRIVATE KEY-----"),
        ] {
            assert_eq!(lines(&joined, Holds::PrivateKey).as_ref(), Ok(&in_lines), "{joined}");
        }
        let two = format!("{CERTIFICATE}{CERTIFICATE}");
        assert_eq!(lines(&two.replace('\n', " "), Holds::Certificates), Ok(two.clone()));
        assert_eq!(lines(&two.replace("MAA=", "MAA"), Holds::Certificates), Ok(two), "padding is left out");
    }

    #[test]
    fn a_key_with_headers_keeps_its_lines() {
        let key = "-----BEGIN RSA PRIVATE KEY-----\nProc-Type: 4,ENCRYPTED\nDEK-Info: AES-256-CBC,00\n\nMAA=\n\
                   -----END RSA PRIVATE KEY-----\n";
        assert_eq!(lines(key, Holds::PrivateKey).as_deref(), Ok(key));
    }

    #[test]
    fn what_cannot_be_read_is_reported_without_being_shown() {
        let begin = "-----BEGIN PRIVATE KEY-----";
        for text in ["", "sesame", begin, &format!("{begin} MAA="), CERTIFICATE] {
            let why = lines(text, Holds::PrivateKey).unwrap_err();
            assert!(why.starts_with("holds no private key in PEM"), "{text}: {why}");
        }
        for body in ["sesame", "MAE=", "MAAA", "AAAA", "MIA=", "M*A=", ""] {
            let why =
                lines(&format!("{begin} {body} -----END PRIVATE KEY-----"), Holds::PrivateKey).unwrap_err();
            assert!(why.starts_with("holds a private key that is not whole"), "{body}: {why}");
            assert!(!why.contains("sesame"), "{why}");
        }
    }
}
