//! Keys in one form: the entries of a map stand in the order in which Java's `HashMap` iterates.
//!
//! Java's connector makes a `HashMap` of a JSON object and writes what that iterates over, so its entries are found again
//! by the same bytes, and members in any order are one key. Two things are not fixed by a `HashMap` and are fixed here:
//! entries of one bucket, which Java keeps in the order of the document, stand in the order of their names (others: of
//! their POF bytes), and keys whose hash code is an address in Java (bytes, structs) are one bucket.

use crate::data::Value;

use super::{ArrayForm, MAX_DEPTH, pof};

/// Brings the maps in `value` to their order. The recursion is as deep as the value.
pub(crate) fn order(value: &mut Value<'_>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(order),
        Value::Struct(of) => of.values.iter_mut().for_each(order),
        Value::Map(entries) => {
            for (key, value) in entries.iter_mut() {
                order(key);
                order(value);
            }
            entries.sort_by_cached_key(|(key, _)| rank(key));
            let hashes: Vec<u32> = entries.iter().map(|(key, _)| spread(hash(key).unwrap_or(0))).collect();
            let buckets = buckets(&hashes);
            entries.sort_by_cached_key(|(key, _)| spread(hash(key).unwrap_or(0)) & (buckets - 1));
        }
        _ => {}
    }
}

/// What orders the keys of one bucket.
fn rank(key: &Value<'_>) -> Vec<u8> {
    match key {
        Value::String(name) => name.as_bytes().to_vec(),
        other => {
            let mut bytes = Vec::new();
            // What POF cannot hold is refused when the key is written.
            let _ = pof::write(other, ArrayForm::List, MAX_DEPTH, &mut bytes);
            bytes
        }
    }
}

/// `HashMap.hash`.
fn spread(hash: i32) -> u32 {
    let hash = hash as u32;
    hash ^ (hash >> 16)
}

/// Returns how many buckets a `new HashMap<>()` has once these were put, one after the other.
fn buckets(hashes: &[u32]) -> u32 {
    /// A bucket of more entries becomes a tree, in a table of at least `TREES`; a smaller table grows instead.
    const LIST: usize = 8;
    const TREES: u32 = 64;
    let mut buckets: u32 = 16;
    for (before, hash) in hashes.iter().enumerate() {
        let bucket = hash & (buckets - 1);
        if buckets < TREES
            && hashes[..before].iter().filter(|other| **other & (buckets - 1) == bucket).count() >= LIST
        {
            buckets *= 2;
        }
        if before as u64 + 1 > u64::from(buckets) * 3 / 4 {
            buckets *= 2;
        }
    }
    buckets
}

/// `Object.hashCode` of the Java object; `None` where that is an address.
fn hash(value: &Value<'_>) -> Option<i32> {
    let next = |hash: i32, more: i32| hash.wrapping_mul(31).wrapping_add(more);
    Some(match value {
        Value::Null => 0,
        Value::Boolean(value) => {
            if *value {
                1231
            } else {
                1237
            }
        }
        Value::Int8(value) => i32::from(*value),
        Value::Int16(value) => i32::from(*value),
        Value::Int32(value) => *value,
        Value::Int64(value) | Value::Date(value) | Value::Time(value) | Value::Timestamp(value) => {
            of_long(*value as u64)
        }
        Value::Float32(value) => (if value.is_nan() { f32::NAN } else { *value }).to_bits() as i32,
        Value::Float64(value) => of_long((if value.is_nan() { f64::NAN } else { *value }).to_bits()),
        Value::String(text) => text.encode_utf16().fold(0, |hash, unit| next(hash, i32::from(unit))),
        Value::Decimal { unscaled, scale } => {
            let words = unscaled.magnitude().iter_u32_digits().rev();
            let magnitude = words.fold(0, |hash, word| next(hash, word as i32));
            let negative = unscaled.sign() == num_bigint::Sign::Minus;
            next(if negative { magnitude.wrapping_neg() } else { magnitude }, *scale)
        }
        Value::Array(items) => {
            items.iter().try_fold(1, |all, item| hash(item).map(|item| next(all, item)))?
        }
        Value::Map(entries) => entries
            .iter()
            .try_fold(0_i32, |all, (key, value)| Some(all.wrapping_add(hash(key)? ^ hash(value)?)))?,
        Value::Uuid(bits) => of_long((bits >> 64) as u64 ^ *bits as u64),
        Value::Bytes(_) | Value::Struct(_) | Value::Pof(_) => return None,
    })
}

/// `Long.hashCode`.
fn of_long(bits: u64) -> i32 {
    (bits ^ (bits >> 32)) as i32
}

#[cfg(test)]
mod tests;
