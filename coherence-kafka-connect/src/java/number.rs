//! Java's numbers and their texts.

use coherence_kafka_common::serializer::json::text::{decimal_text, write_float};
use num_bigint::BigInt;

use crate::config::def::{double, trim};

/// The digits zero of the scripts whose digits Java reads as numbers, the basic plane only.
const ZEROS: [u32; 37] = [
    0x30, 0x660, 0x6F0, 0x7C0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xDE6, 0xE50,
    0xED0, 0xF20, 0x1040, 0x1090, 0x17E0, 0x1810, 0x1946, 0x19D0, 0x1A80, 0x1A90, 0x1B50, 0x1BB0, 0x1C40,
    0x1C50, 0xA620, 0xA8D0, 0xA900, 0xA9D0, 0xA9F0, 0xAA50, 0xABF0, 0xFF10,
];

/// `Character.digit(c, 10)`.
pub(crate) fn digit(c: char) -> Option<u32> {
    ZEROS.iter().map(|zero| u32::from(c).wrapping_sub(*zero)).find(|value| *value < 10)
}

/// `Long.parseLong`, and with the range of the type `Integer.parseInt` and its like.
pub(crate) fn integer(text: &str) -> Option<i64> {
    let (negative, digits) = match text.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, text.strip_prefix('+').unwrap_or(text)),
    };
    if digits.is_empty() {
        return None;
    }
    digits.chars().try_fold(0_i64, |sum, c| {
        let digit = i64::from(digit(c)?);
        let tens = sum.checked_mul(10)?;
        if negative { tens.checked_sub(digit) } else { tens.checked_add(digit) }
    })
}

/// `Double.parseDouble`.
pub(crate) fn float64(text: &str) -> Option<f64> {
    let text = trim(text);
    double(text).or_else(|| hexadecimal(text))
}

/// `Float.parseFloat`; it rounds once, so it is not the nearest float of [`float64`].
pub(crate) fn float32(text: &str) -> Option<f32> {
    let text = trim(text);
    match double(text) {
        None => hexadecimal(text).map(|value| value as f32),
        Some(value) if value.is_nan() || value.is_infinite() => Some(value as f32),
        Some(_) => text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text).parse().ok(),
    }
}

/// A hexadecimal floating point number, such as `0x1.8p3`.
fn hexadecimal(text: &str) -> Option<f64> {
    let text = text.strip_suffix(['d', 'D', 'f', 'F']).unwrap_or(text);
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text.strip_prefix('+').unwrap_or(text)),
    };
    let text = text.strip_prefix("0x").or_else(|| text.strip_prefix("0X"))?;
    let (significand, exponent) = text.split_once(['p', 'P'])?;
    let exponent: i32 = exponent.strip_prefix('+').unwrap_or(exponent).parse().ok()?;
    let (whole, fraction) = significand.split_once('.').unwrap_or((significand, ""));
    if whole.is_empty() && fraction.is_empty() {
        return None;
    }
    let mut value = 0.0;
    for c in whole.chars().chain(fraction.chars()) {
        value = value * 16.0 + f64::from(c.to_digit(16)?);
    }
    let shift = exponent.saturating_sub(i32::try_from(fraction.len() * 4).ok()?);
    Some(sign * value * 2_f64.powi(shift))
}

/// `new BigDecimal(text)`: the unscaled value and the scale.
pub(crate) fn decimal(text: &str) -> Option<(BigInt, i32)> {
    let (mantissa, exponent) = match text.find(['e', 'E']) {
        Some(at) => (&text[..at], exponent(&text[at + 1..])?),
        None => (text, 0),
    };
    let unsigned = mantissa.strip_prefix(['+', '-']).unwrap_or(mantissa);
    let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
    let mut digits = String::with_capacity(mantissa.len());
    for c in whole.chars().chain(fraction.chars()) {
        digits.push(char::from_digit(digit(c)?, 10)?);
    }
    let unscaled: BigInt = digits.parse().ok()?;
    let scale = i32::try_from(i64::try_from(fraction.chars().count()).ok()? - exponent).ok()?;
    Some((if mantissa.starts_with('-') { -unscaled } else { unscaled }, scale))
}

/// The exponent of a `BigDecimal`: a sign and digits, of 32 bits.
fn exponent(text: &str) -> Option<i64> {
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if digits.is_empty() || digits.starts_with(['+', '-']) {
        return None;
    }
    integer(text).filter(|exponent| i32::try_from(*exponent).is_ok())
}

/// Scales beyond this are cut off before a power of ten is calculated: all that matters of such numbers is known.
const MANY_DIGITS: u32 = 2_000;

/// `BigDecimal.longValue()`: the low 64 bits of the number without its fraction.
pub(crate) fn low_bits(unscaled: &BigInt, scale: i32) -> i64 {
    let power = scale.unsigned_abs();
    let whole = if scale > 0 {
        // A longer scale leaves nothing of any number that a record can hold.
        if u64::from(power) > unscaled.bits() {
            return 0;
        }
        unscaled / BigInt::from(10).pow(power)
    } else if power >= 64 {
        // A multiple of 2^64.
        return 0;
    } else {
        unscaled * BigInt::from(10).pow(power)
    };
    let low = whole.iter_u64_digits().next().unwrap_or_default().cast_signed();
    if whole.sign() == num_bigint::Sign::Minus { low.wrapping_neg() } else { low }
}

/// `BigDecimal.doubleValue()`.
pub(crate) fn decimal_to_f64(unscaled: &BigInt, scale: i32) -> f64 {
    exponent_text(unscaled, scale).parse().unwrap_or(f64::NAN)
}

/// `BigDecimal.floatValue()`.
pub(crate) fn decimal_to_f32(unscaled: &BigInt, scale: i32) -> f32 {
    exponent_text(unscaled, scale).parse().unwrap_or(f32::NAN)
}

fn exponent_text(unscaled: &BigInt, scale: i32) -> String {
    let bound = i64::from(MANY_DIGITS) + i64::try_from(unscaled.bits()).unwrap_or(i64::MAX / 2);
    format!("{unscaled}e{}", (-i64::from(scale)).clamp(-bound, bound))
}

/// `BigDecimal.toString()`.
pub(crate) fn text_of_decimal(unscaled: &BigInt, scale: i32) -> String {
    decimal_text(unscaled, scale)
}

/// `Double.toString()` or `Float.toString()`.
pub(crate) fn text_of_float<F>(value: F) -> String
where
    F: Into<f64> + Copy + std::fmt::Debug + std::fmt::LowerExp,
{
    let mut text = Vec::new();
    write_float(value, &mut text);
    String::from_utf8_lossy(&text).trim_matches('"').to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn integers_are_read_as_by_java() {
        for (text, expected) in [
            ("7", Some(7)),
            ("+5", Some(5)),
            ("-0", Some(0)),
            ("٣", Some(3)),
            ("9223372036854775807", Some(i64::MAX)),
            ("-9223372036854775808", Some(i64::MIN)),
            ("9223372036854775808", None),
            (" 5", None),
            ("1.0", None),
            ("+", None),
            ("", None),
            ("+-1", None),
        ] {
            assert_eq!(integer(text), expected, "{text}");
        }
    }

    #[test]
    fn floats_are_read_as_by_java() {
        for (text, expected) in [
            (" 1.5 ", Some(1.5)),
            ("1f", Some(1.0)),
            ("0x1p3", Some(8.0)),
            ("-0x.8p1", Some(-1.0)),
            ("1e999", Some(f64::INFINITY)),
            (".5", Some(0.5)),
            ("5.", Some(5.0)),
            ("inf", None),
            ("0x", None),
            ("", None),
        ] {
            assert_eq!(float64(text), expected, "{text}");
            assert_eq!(float32(text).map(f64::from), expected, "{text}");
        }
        assert!(float32("NaN").is_some_and(f32::is_nan));
    }

    #[test]
    fn decimals_are_read_as_by_java_and_give_its_numbers() {
        for (text, unscaled, scale, low) in [
            ("300", 300, 0, 300),
            ("-1.50", -150, 2, -1),
            ("1e3", 1, -3, 1000),
            ("5.", 5, 0, 5),
            ("-.5E-2", -5, 3, 0),
            ("18446744073709551617", 0, 0, 1),
            ("1e2000000000", 1, -2_000_000_000, 0),
            ("1e-2000000000", 1, 2_000_000_000, 0),
        ] {
            let (read, read_scale) = decimal(text).unwrap();
            if unscaled != 0 {
                assert_eq!((read.clone(), read_scale), (BigInt::from(unscaled), scale), "{text}");
            }
            assert_eq!(low_bits(&read, read_scale), low, "{text}");
        }
        for text in ["", "abc", "1e", "1.2.3", "--1", "NaN", ".", "1e+-2"] {
            assert_eq!(decimal(text), None, "{text}");
        }
        assert_eq!(decimal_to_f64(&BigInt::from(1), i32::MIN), f64::INFINITY);
        assert_eq!(decimal_to_f64(&BigInt::from(125), 2), 1.25);
        assert_eq!(text_of_float(1e7), "1.0E7");
        assert_eq!(text_of_float(f32::NAN), "NaN");
    }
}
