//! From Connect's values to a message, by the steps of a plan.
//!
//! The fields of a message are in the order of their numbers and the entries of a map in that of their bytes, so that data
//! has one form.

use std::collections::BTreeMap;

use coherence_kafka_connect::data::{Struct, Value};
use num_bigint::BigInt;
use prost_reflect::prost::encoding::{WireType, encode_key, encode_varint};

use super::data::{MILLIS_PER_DAY, inside};
use super::scalar::Scalar;

/// Values inside each other at most, so that the reader reads them.
const MAX_LEVELS: usize = 100;

/// How data with one schema is written.
#[derive(Debug)]
pub(crate) struct WritePlan {
    /// The position of the message in its file.
    pub(super) index: u32,
    pub(super) root: Item,
    pub(super) messages: Vec<MessageFields>,
}

/// How one value is written.
#[derive(Debug, Clone)]
pub(super) enum Item {
    Scalar(Scalar),
    /// The numbers of the symbols.
    Enum(BTreeMap<String, i32>),
    /// A message of Google's wrapper types.
    Wrapper(Scalar),
    Decimal,
    Date,
    Time,
    Timestamp,
    /// The position of a message in the plan.
    Message(usize),
}

/// The fields of a message in the order of their numbers.
#[derive(Debug, Default)]
pub(super) struct MessageFields {
    /// Those of the struct.
    pub(super) names: Vec<String>,
    pub(super) fields: Vec<FieldPlan>,
}

#[derive(Debug)]
pub(super) struct FieldPlan {
    /// The position of the field in its struct.
    pub(super) position: usize,
    /// The position in the union that the field of the struct is.
    pub(super) member: Option<usize>,
    pub(super) number: u32,
    pub(super) shape: Shape,
    /// The field is written also with the default value of its type.
    pub(super) has_presence: bool,
}

#[derive(Debug)]
pub(super) enum Shape {
    One(Item),
    List(Item),
    Map(Scalar, Item),
}

impl Item {
    fn wire_type(&self) -> WireType {
        match self {
            Item::Scalar(scalar) => scalar.wire_type(),
            Item::Enum(_) => WireType::Varint,
            _ => WireType::LengthDelimited,
        }
    }
}

impl WritePlan {
    /// Writes a value that is not null.
    ///
    /// # Errors
    /// What cannot be written, behind the path of its field.
    pub(super) fn write(&self, value: &Value<'_>, out: &mut Vec<u8>) -> Result<(), String> {
        self.payload(&self.root, value, MAX_LEVELS, out)
    }

    /// Writes what stands behind the key of a field and behind the length, where it has one.
    fn payload(
        &self,
        item: &Item,
        value: &Value<'_>,
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let part = |number: u32, value: i64, out: &mut Vec<u8>| {
            if value != 0 {
                encode_key(number, WireType::Varint, out);
                encode_varint(value as u64, out);
            }
        };
        match (item, value) {
            (_, Value::Null) => {
                return Err("a null in a list, a map or a union, which Protobuf cannot express".to_owned());
            }
            (Item::Scalar(scalar), value) => scalar.write(value, out)?,
            (Item::Enum(symbols), Value::String(symbol)) => {
                let number = symbols.get(&**symbol).ok_or("a text that is no symbol of the enum")?;
                encode_varint(i64::from(*number) as u64, out);
            }
            // `int.for.enums`.
            (Item::Enum(_), Value::Int32(number)) => encode_varint(i64::from(*number) as u64, out),
            (Item::Wrapper(scalar), value) => {
                self.field(1, &Item::Scalar(*scalar), value, false, levels, out)?
            }
            (Item::Decimal, Value::Decimal { unscaled, scale }) => {
                let bytes = unscaled.to_signed_bytes_be();
                encode_key(1, WireType::LengthDelimited, out);
                encode_varint(bytes.len() as u64, out);
                out.extend_from_slice(&bytes);
                part(2, precision(unscaled), out);
                part(3, (*scale).into(), out);
            }
            (Item::Date, Value::Date(millis)) => {
                if millis.rem_euclid(MILLIS_PER_DAY) != 0 {
                    return Err("a date with a time of day".to_owned());
                }
                let (year, month, day) = date(millis.div_euclid(MILLIS_PER_DAY));
                if !(1..=9999).contains(&year) {
                    return Err("no date between the years 1 and 9999".to_owned());
                }
                part(1, year, out);
                part(2, month, out);
                part(3, day, out);
            }
            (Item::Time, Value::Time(millis)) => {
                if !(0..MILLIS_PER_DAY).contains(millis) {
                    return Err("no time of day".to_owned());
                }
                part(1, millis / 3_600_000, out);
                part(2, millis / 60_000 % 60, out);
                part(3, millis / 1000 % 60, out);
                part(4, millis % 1000 * 1_000_000, out);
            }
            (Item::Timestamp, Value::Timestamp(millis)) => {
                let seconds = millis.div_euclid(1000);
                if !(-62_135_596_800..=253_402_300_799).contains(&seconds) {
                    return Err("no timestamp between the years 1 and 9999".to_owned());
                }
                part(1, seconds, out);
                part(2, millis.rem_euclid(1000) * 1_000_000, out);
            }
            (Item::Message(position), Value::Struct(of)) => {
                let levels = levels
                    .checked_sub(1)
                    .ok_or_else(|| format!("more than {MAX_LEVELS} values inside each other"))?;
                let message = self.messages.get(*position).ok_or("a message that is not planned")?;
                self.fields(message, of, levels, out)?;
            }
            (Item::Enum(_), _) => return Err("a value that is not that of an enum".to_owned()),
            (Item::Decimal, _) => return Err("a value that is not a decimal".to_owned()),
            (Item::Date, _) => return Err("a value that is not a date".to_owned()),
            (Item::Time, _) => return Err("a value that is not a time".to_owned()),
            (Item::Timestamp, _) => return Err("a value that is not a timestamp".to_owned()),
            (Item::Message(_), _) => return Err("a value that is not of STRUCT".to_owned()),
        }
        Ok(())
    }

    fn fields(
        &self,
        message: &MessageFields,
        of: &Struct<'_>,
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let schemas = of.schema.fields();
        if !schemas.iter().map(|field| &field.name).eq(&message.names) {
            return Err("a struct whose fields are not those of its schema".to_owned());
        }
        for field in &message.fields {
            let (schema, value) = (&schemas[field.position], &of.values[field.position]);
            let value = match (value, &schema.schema.default) {
                (Value::Null, Some(default)) => default,
                (Value::Null, None) if schema.schema.optional => continue,
                (Value::Null, None) => {
                    return Err(inside(&schema.name, &format!("null for a required {}", schema.schema.kind)));
                }
                (value, _) => value,
            };
            let value = match (field.member, value) {
                (None, value) => value,
                (Some(at), Value::Struct(union)) => match union.values.get(at) {
                    // The first one counts.
                    Some(value)
                        if union.values.iter().position(|value| *value != Value::Null) == Some(at) =>
                    {
                        value
                    }
                    _ => continue,
                },
                (Some(_), _) => return Err(inside(&schema.name, "a value that is not of STRUCT")),
            };
            self.shape(field, value, levels, out).map_err(|why| inside(&schema.name, &why))?;
        }
        Ok(())
    }

    fn shape(
        &self,
        field: &FieldPlan,
        value: &Value<'_>,
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        let number = field.number;
        match (&field.shape, value) {
            (Shape::One(item), value) => self.field(number, item, value, field.has_presence, levels, out)?,
            (Shape::List(item), Value::Array(items)) if item.wire_type() == WireType::LengthDelimited => {
                for value in items {
                    self.field(number, item, value, true, levels, out)?;
                }
            }
            (Shape::List(item), Value::Array(items)) => {
                let mut packed = Vec::with_capacity(items.len());
                for value in items {
                    self.payload(item, value, levels, &mut packed)?;
                }
                if !packed.is_empty() {
                    delimited(number, &packed, out);
                }
            }
            (Shape::Map(key, item), Value::Map(entries)) => {
                let mut written = Vec::with_capacity(entries.len());
                for (name, value) in entries {
                    let mut entry = Vec::new();
                    self.field(1, &Item::Scalar(*key), name, true, levels, &mut entry)?;
                    self.field(2, item, value, true, levels, &mut entry)?;
                    written.push(entry);
                }
                written.sort_unstable();
                for entry in written {
                    delimited(number, &entry, out);
                }
            }
            (Shape::List(_), _) => return Err("a value that is not of ARRAY".to_owned()),
            (Shape::Map(..), _) => return Err("a value that is not of MAP".to_owned()),
        }
        Ok(())
    }

    fn field(
        &self,
        number: u32,
        item: &Item,
        value: &Value<'_>,
        has_presence: bool,
        levels: usize,
        out: &mut Vec<u8>,
    ) -> Result<(), String> {
        if item.wire_type() == WireType::LengthDelimited {
            let mut payload = Vec::new();
            self.payload(item, value, levels, &mut payload)?;
            let is_default = matches!(item, Item::Scalar(_)) && payload.is_empty();
            if has_presence || !is_default {
                delimited(number, &payload, out);
            }
            return Ok(());
        }
        let start = out.len();
        encode_key(number, item.wire_type(), out);
        let behind_key = out.len();
        self.payload(item, value, levels, out)?;
        if !has_presence && out[behind_key..].iter().all(|byte| *byte == 0) {
            out.truncate(start);
        }
        Ok(())
    }
}

fn delimited(number: u32, payload: &[u8], out: &mut Vec<u8>) {
    encode_key(number, WireType::LengthDelimited, out);
    encode_varint(payload.len() as u64, out);
    out.extend_from_slice(payload);
}

/// Returns the number of digits, as `BigDecimal.precision` does.
fn precision(unscaled: &BigInt) -> i64 {
    i64::try_from(unscaled.magnitude().to_string().len()).unwrap_or(i64::MAX)
}

/// Returns year, month and day of a date in the Gregorian calendar, that many days after 1970-01-01.
fn date(days: i64) -> (i64, i64, i64) {
    // Years begin in March here, so that the leap day is the last one.
    let days = days + 719_468;
    let (era, day) = (days.div_euclid(146_097), days.rem_euclid(146_097));
    let year = (day - day / 1_460 + day / 36_524 - day / 146_096) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let month = if month < 10 { month + 3 } else { month - 9 };
    (era * 400 + year + i64::from(month <= 2), month, day)
}

#[cfg(test)]
mod tests {
    use super::super::data::days;
    use super::date;

    #[test]
    fn dates_and_days_are_inverse() {
        for number in (-719_162..2_932_896).step_by(89) {
            let (year, month, day) = date(number);
            assert_eq!(days(year, month, day), Some(number));
        }
    }
}
