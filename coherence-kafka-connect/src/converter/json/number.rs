//! A JSON number: its text, and what Java's numeric types make of it.
//!
//! Jackson reads integers as `int`, `long` or `BigInteger` and the others as `BigDecimal`; each method here is what
//! those give. The value that counts is the text's, so nothing is rounded twice.

use num_bigint::BigInt;

/// The text of a number as JSON has it, leading zeros allowed: `-? digits (. digits)? ([eE] [+-]? digits)?`.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Number<'a> {
    pub(super) text: &'a str,
    /// Without fraction and exponent.
    pub(super) integral: bool,
}

/// Sign, digits before the point, digits behind it, exponent.
struct Parts<'a> {
    negative: bool,
    whole: &'a str,
    fraction: &'a str,
    exponent: i64,
}

impl<'a> Number<'a> {
    /// Returns the number truncated to an integer, its low 64 bits: `longValue()` of every numeric node.
    pub(super) fn low_bits(self) -> i64 {
        if self.integral {
            let digits = self.text.strip_prefix('-').unwrap_or(self.text);
            let magnitude = wrapping(digits.bytes());
            return if digits.len() < self.text.len() { magnitude.wrapping_neg() } else { magnitude };
        }
        let Parts { negative, whole, fraction, exponent } = self.parts();
        // 10^64 is a multiple of 2^64, and a thousand digits at most are before or behind the point.
        let magnitude = match exponent {
            -1000..=0 => {
                let kept = whole.len().saturating_sub(exponent.unsigned_abs() as usize);
                wrapping(whole.bytes().take(kept))
            }
            1..=1064 => {
                let digits = whole.bytes().chain(fraction.bytes()).chain(std::iter::repeat(b'0'));
                wrapping(digits.take(whole.len() + exponent as usize))
            }
            _ => 0,
        };
        if negative { magnitude.wrapping_neg() } else { magnitude }
    }

    /// Returns the number as an `int`, where it is an integer that fits.
    pub(super) fn int(self) -> Option<i32> {
        let digits = self.text.strip_prefix('-').unwrap_or(self.text).trim_start_matches('0');
        (self.integral && digits.len() <= 10).then(|| i32::try_from(self.low_bits()).ok()).flatten()
    }

    /// `doubleValue()`: infinite beyond the range. A negative zero occurs only where a number too small
    /// for a double was rounded.
    pub(super) fn to_f64(self) -> f64 {
        if self.is_zero() { 0.0 } else { self.text.parse().unwrap_or(f64::NAN) }
    }

    /// `floatValue()`.
    pub(super) fn to_f32(self) -> f32 {
        if self.is_zero() { 0.0 } else { self.text.parse().unwrap_or(f32::NAN) }
    }

    /// `decimalValue()`: the unscaled value and the scale that the text shows.
    pub(super) fn decimal(self) -> (BigInt, i32) {
        let Parts { negative, whole, fraction, exponent } = self.parts();
        let digits = [whole, fraction].concat();
        let unscaled = BigInt::parse_bytes(digits.as_bytes(), 10).unwrap_or_default();
        (if negative { -unscaled } else { unscaled }, self.scale(fraction, exponent).unwrap_or_default())
    }

    /// False for an exponent that a `BigDecimal` cannot hold, which Jackson refuses.
    pub(super) fn has_scale(self) -> bool {
        self.integral || {
            let Parts { fraction, exponent, .. } = self.parts();
            self.scale(fraction, exponent).is_some()
        }
    }

    fn scale(self, fraction: &str, exponent: i64) -> Option<i32> {
        i32::try_from((fraction.len() as i64).checked_sub(exponent)?).ok()
    }

    fn is_zero(self) -> bool {
        let mantissa = self.text.split(['e', 'E']).next().unwrap_or_default();
        mantissa.bytes().all(|b| matches!(b, b'-' | b'0' | b'.'))
    }

    fn parts(self) -> Parts<'a> {
        let (mantissa, exponent) = match self.text.split_once(['e', 'E']) {
            // What does not fit 64 bits is too far out by any measure.
            Some((mantissa, text)) => {
                let far = if text.starts_with('-') { i64::MIN } else { i64::MAX };
                (mantissa, text.parse().unwrap_or(far))
            }
            None => (self.text, 0),
        };
        let unsigned = mantissa.strip_prefix('-').unwrap_or(mantissa);
        let (whole, fraction) = unsigned.split_once('.').unwrap_or((unsigned, ""));
        Parts { negative: unsigned.len() < mantissa.len(), whole, fraction, exponent }
    }
}

fn wrapping(digits: impl Iterator<Item = u8>) -> i64 {
    digits.fold(0_i64, |number, digit| number.wrapping_mul(10).wrapping_add(i64::from(digit - b'0')))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(text: &str) -> Number<'_> {
        Number { text, integral: !text.contains(['.', 'e', 'E']) }
    }

    #[test]
    fn a_number_out_of_range_keeps_its_low_bits() {
        assert_eq!(number("9223372036854775808").low_bits(), i64::MIN);
        assert_eq!(number("-9223372036854775809").low_bits(), i64::MAX);
        assert_eq!(number("1e400").low_bits(), 0);
        assert_eq!(number("1e63").low_bits(), i64::MIN);
        assert_eq!(number("123456789.5e-3").low_bits(), 123_456);
        assert_eq!(number("-1.9").low_bits(), -1);
        assert_eq!(number("0.00123e5").low_bits(), 123);
        assert_eq!(number("9e-9999999999999999999").low_bits(), 0);
    }

    #[test]
    fn a_decimal_keeps_the_scale_of_its_text() {
        assert_eq!(number("1.10").decimal(), (BigInt::from(110), 2));
        assert_eq!(number("1.1e1").decimal(), (BigInt::from(11), 0));
        assert_eq!(number("-1e+20").decimal(), (BigInt::from(-1), -20));
        assert!(number("1e-2147483647").has_scale());
        assert!(!number("1e2147483649").has_scale());
        assert!(!number("1e99999999999999999999").has_scale());
    }

    #[test]
    fn zero_has_no_sign() {
        assert!(number("-0.0").to_f64().is_sign_positive());
        assert!(number("-0e5").to_f32().is_sign_positive());
    }
}
