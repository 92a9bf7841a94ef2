//! The exact numbers that aggregators return.

use std::fmt;

use serde::de::{Deserialize, Deserializer, Error};

use crate::pof::PofValue;
use crate::serializer::json::text::decimal_text;

/// A `java.math.BigDecimal`: `unscaled` × 10^-`scale`. Its text is that of Java's `toString`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Decimal {
    /// The digits, without a point.
    pub unscaled: i128,
    /// How many of them are behind the point.
    pub scale: i32,
}

impl Decimal {
    /// Returns the nearest `f64`.
    pub fn to_f64(self) -> f64 {
        // The text is a number, and a parser rounds better than a multiplication.
        self.to_string().parse().unwrap_or(f64::NAN)
    }

    fn parse(text: &str) -> Option<Self> {
        let (digits, exponent) = text.split_once(['e', 'E']).unwrap_or((text, "0"));
        let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
        let unscaled = [whole, fraction].concat().parse().ok()?;
        let places = i32::try_from(fraction.len()).ok()?;
        Some(Self { unscaled, scale: places.checked_sub(exponent.parse().ok()?)? })
    }
}

impl fmt::Display for Decimal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&decimal_text(&self.unscaled, self.scale))
    }
}

impl<'de> Deserialize<'de> for Decimal {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let needed = || D::Error::custom("another value where a decimal is needed");
        if deserializer.is_human_readable() {
            let text = String::deserialize(deserializer)?;
            return Self::parse(&text).ok_or_else(needed);
        }
        match PofValue::deserialize(deserializer)? {
            PofValue::Decimal { unscaled, scale } => Ok(Self { unscaled, scale }),
            PofValue::Int32(unscaled) => Ok(Self { unscaled: i128::from(unscaled), scale: 0 }),
            PofValue::Int64(unscaled) => Ok(Self { unscaled: i128::from(unscaled), scale: 0 }),
            PofValue::Int128(unscaled) => Ok(Self { unscaled, scale: 0 }),
            _ => Err(needed()),
        }
    }
}
