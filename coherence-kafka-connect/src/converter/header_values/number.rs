//! Numbers, as Java's `BigDecimal` reads them, in the smallest type that Connect finds for each.

use std::sync::Arc;

use num_bigint::BigInt;

use super::{Inferred, of};
use crate::data::{Schema, SchemaKind, Value};
use crate::java::number::{decimal, decimal_to_f32, decimal_to_f64};

/// Returns the number in `text`: an integer of the fewest bits, or a float even where that is less exact. A decimal is
/// left for what neither can hold.
pub(super) fn parse(text: &str) -> Option<Inferred> {
    let (unscaled, scale) = decimal(text)?;
    if let Some(whole) = whole(&unscaled, scale) {
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
    let (single, double) = (decimal_to_f32(&unscaled, scale), decimal_to_f64(&unscaled, scale));
    Some(if scale != 0 && single.is_finite() {
        of(SchemaKind::Float32, Value::Float32(single))
    } else if scale != 0 && double.is_finite() {
        of(SchemaKind::Float64, Value::Float64(double))
    } else {
        (Arc::new(Schema::decimal(scale)), Value::Decimal { unscaled, scale })
    })
}

/// Returns a number where it is an integer of 64 bits.
fn whole(unscaled: &BigInt, scale: i32) -> Option<i64> {
    let written = unscaled.to_string();
    let digits = written.trim_end_matches('0');
    if digits.is_empty() {
        return Some(0);
    }
    let zeros = (written.len() - digits.len()) as i64 - i64::from(scale);
    // A sign and 19 digits at most.
    let zeros = usize::try_from(zeros).ok().filter(|zeros| digits.len() + zeros <= 20)?;
    format!("{digits}{}", "0".repeat(zeros)).parse().ok()
}
