//! Numbers, as Java's `BigDecimal` reads them, in the smallest type that Connect finds for each.

use std::sync::Arc;

use num_bigint::BigInt;

use super::{Inferred, of};
use crate::data::{Schema, SchemaKind, Value};

/// Returns the number in `text`: an integer of the fewest bits, or a float even where that is less exact. A decimal is
/// left for what neither can hold.
pub(super) fn parse(text: &str) -> Option<Inferred> {
    let decimal = Decimal::parse(text)?;
    if let Some(whole) = decimal.whole() {
        return Some(if let Ok(value) = i8::try_from(whole) {
            of(SchemaKind::Int8, Value::Int8(value))
        } else if let Ok(value) = i16::try_from(whole) {
            of(SchemaKind::Int16, Value::Int16(value))
        } else if let Ok(value) = i32::try_from(whole) {
            of(SchemaKind::Int32, Value::Int32(value))
        } else {
            of(SchemaKind::Int64, Value::Int64(whole))
        });
    }
    if decimal.scale != 0 {
        let text = format!("{}{}e{}", decimal.sign(), decimal.digits, -i64::from(decimal.scale));
        if let Some(value) = text.parse::<f32>().ok().filter(|value| value.is_finite()) {
            return Some(of(SchemaKind::Float32, Value::Float32(value)));
        }
        if let Some(value) = text.parse::<f64>().ok().filter(|value| value.is_finite()) {
            return Some(of(SchemaKind::Float64, Value::Float64(value)));
        }
    }
    let scale = decimal.scale;
    let magnitude = BigInt::parse_bytes(decimal.digits.as_bytes(), 10).unwrap_or_default();
    let unscaled = if decimal.negative { -magnitude } else { magnitude };
    Some((Arc::new(Schema::decimal(scale)), Value::Decimal { unscaled, scale }))
}

/// The digits of a number as a text has them: digits × 10^-scale.
struct Decimal {
    negative: bool,
    /// ASCII, without leading zeros.
    digits: String,
    scale: i32,
}

impl Decimal {
    /// `new BigDecimal(text)`.
    fn parse(text: &str) -> Option<Self> {
        let unsigned = text.strip_prefix(['+', '-']).unwrap_or(text);
        let (mantissa, exponent) = match unsigned.split_once(['e', 'E']) {
            Some((mantissa, exponent)) => (mantissa, integer(exponent)?),
            None => (unsigned, 0),
        };
        let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
        let mut digits = String::with_capacity(mantissa.len());
        for c in whole.chars().chain(fraction.chars()) {
            digits.push(digit(c)?);
        }
        if digits.is_empty() {
            return None;
        }
        let scale = i32::try_from(fraction.chars().count() as i64 - i64::from(exponent)).ok()?;
        digits.drain(..digits.len() - digits.trim_start_matches('0').len());
        Some(Self { negative: text.starts_with('-'), digits, scale })
    }

    /// Returns the number where it is an integer of 64 bits.
    fn whole(&self) -> Option<i64> {
        let digits = self.digits.trim_end_matches('0');
        if digits.is_empty() {
            return Some(0);
        }
        let zeros = (self.digits.len() - digits.len()) as i64 - i64::from(self.scale);
        let zeros = usize::try_from(zeros).ok().filter(|zeros| digits.len() + zeros <= 19)?;
        format!("{}{digits}{}", self.sign(), "0".repeat(zeros)).parse().ok()
    }

    fn sign(&self) -> &'static str {
        if self.negative { "-" } else { "" }
    }
}

/// Returns an exponent, of 32 bits.
fn integer(text: &str) -> Option<i32> {
    let digits: Option<String> = text.strip_prefix(['+', '-']).unwrap_or(text).chars().map(digit).collect();
    let digits = digits.filter(|digits| !digits.is_empty())?;
    if text.starts_with('-') { format!("-{digits}").parse().ok() } else { digits.parse().ok() }
}

/// The zeros of the decimal digits that are one `char` in Java, `Character.isDigit`; nine others follow each.
const ZEROS: [char; 37] = [
    '0', '\u{660}', '\u{6F0}', '\u{7C0}', '\u{966}', '\u{9E6}', '\u{A66}', '\u{AE6}', '\u{B66}', '\u{BE6}',
    '\u{C66}', '\u{CE6}', '\u{D66}', '\u{DE6}', '\u{E50}', '\u{ED0}', '\u{F20}', '\u{1040}', '\u{1090}',
    '\u{17E0}', '\u{1810}', '\u{1946}', '\u{19D0}', '\u{1A80}', '\u{1A90}', '\u{1B50}', '\u{1BB0}',
    '\u{1C40}', '\u{1C50}', '\u{A620}', '\u{A8D0}', '\u{A900}', '\u{A9D0}', '\u{A9F0}', '\u{AA50}',
    '\u{ABF0}', '\u{FF10}',
];

/// Returns a decimal digit of any script as one of ASCII.
pub(super) fn digit(c: char) -> Option<char> {
    if c.is_ascii() {
        return c.is_ascii_digit().then_some(c);
    }
    let zero = ZEROS[..ZEROS.partition_point(|zero| *zero <= c)].last()?;
    char::from_digit(u32::from(c) - u32::from(*zero), 10)
}
