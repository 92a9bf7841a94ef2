//! Avro's binary form, by the steps of a plan. Strings and bytes borrow from the record.
//!
//! No length is trusted: memory grows with what was read, and the depth and the number of elements that take no bytes
//! are bounded.

use std::borrow::Cow;

use coherence_kafka_connect::data::{Struct, Value};
use num_bigint::BigInt;

use super::node::{Int, Node};
use super::plan::Plan;

const MILLIS_PER_DAY: i64 = 86_400_000;
/// Values inside each other at most.
const MAX_DEPTH: usize = 200;
const TOO_DEEP: &str = "more than 200 values inside each other";
/// Elements that take no bytes at most, such as records without fields.
const MAX_EMPTY: usize = 10_000;
/// Elements for which room is made at once.
const MAX_RESERVED: usize = 1024;

/// Why data cannot be read under its schema.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{what} at byte {at} of the data{}", self.place())]
pub(super) struct Fault {
    what: &'static str,
    at: usize,
    /// The fields around it, the innermost first.
    fields: Vec<String>,
}

impl Fault {
    fn new(what: &'static str, at: usize) -> Self {
        Self { what, at, fields: Vec::new() }
    }

    fn inside(mut self, field: &str) -> Self {
        self.fields.push(field.to_owned());
        self
    }

    fn place(&self) -> String {
        if self.fields.is_empty() {
            return String::new();
        }
        let path: Vec<_> = self.fields.iter().rev().map(String::as_str).collect();
        format!(", in field {}", path.join("."))
    }
}

/// Data that is being read.
#[derive(Debug)]
pub(super) struct Reader<'a, 'p> {
    plan: &'p Plan,
    data: &'a [u8],
    at: usize,
    empty: usize,
    /// A null in a field that has a default is the default, as `Struct.get` of Connect returns it.
    null_is_default: bool,
}

impl<'a, 'p> Reader<'a, 'p> {
    pub(super) fn new(plan: &'p Plan, data: &'a [u8], null_is_default: bool) -> Self {
        Self { plan, data, at: 0, empty: 0, null_is_default }
    }

    /// Reads the value; as in Java, bytes behind it are not looked at.
    pub(super) fn read(mut self) -> Result<Value<'a>, Fault> {
        let plan = self.plan;
        self.value(&plan.root, MAX_DEPTH)
    }

    /// Returns the whole data as bytes, or as the decimal that they are.
    pub(super) fn whole(mut self) -> Result<Value<'a>, Fault> {
        let plan = self.plan;
        match &plan.root {
            Node::Decimal { scale, .. } => self.decimal(Some(self.data.len()), *scale),
            _ => Ok(Value::Bytes(Cow::Borrowed(self.data))),
        }
    }

    fn decimal(&mut self, fixed: Option<usize>, scale: i32) -> Result<Value<'a>, Fault> {
        let bytes = match fixed {
            Some(size) => self.take(size)?,
            None => self.bytes()?,
        };
        if bytes.is_empty() {
            return Err(self.fault("a decimal without digits"));
        }
        Ok(Value::Decimal { unscaled: BigInt::from_signed_bytes_be(bytes), scale })
    }

    fn value(&mut self, node: &'p Node, depth: usize) -> Result<Value<'a>, Fault> {
        let depth = depth.checked_sub(1).ok_or_else(|| self.fault(TOO_DEEP))?;
        Ok(match node {
            Node::Boolean => match self.take(1)? {
                [0] => Value::Boolean(false),
                [1] => Value::Boolean(true),
                _ => return Err(self.fault("neither true nor false")),
            },
            Node::Int(int) => self.int(*int)?,
            Node::Long => Value::Int64(self.long()?),
            Node::Timestamp => Value::Timestamp(self.long()?),
            Node::Float => Value::Float32(f32::from_le_bytes(self.array()?)),
            Node::Double => Value::Float64(f64::from_le_bytes(self.array()?)),
            Node::Bytes => Value::Bytes(Cow::Borrowed(self.bytes()?)),
            Node::Fixed(size) => Value::Bytes(Cow::Borrowed(self.take(*size)?)),
            Node::Decimal { fixed, scale } => self.decimal(*fixed, *scale)?,
            Node::String => Value::String(Cow::Borrowed(self.string()?)),
            Node::Enum(symbols) => {
                let index = self.long()?;
                let symbol = usize::try_from(index).ok().and_then(|index| symbols.get(index));
                let symbol = symbol.ok_or_else(|| self.fault("no symbol of the enum"))?;
                // The symbols live as long as the plan, which the record's data may outlive.
                Value::String(Cow::Owned(symbol.to_string()))
            }
            Node::Array(items) => Value::Array(self.blocks(|reader| reader.value(items, depth))?),
            Node::Map(values) => Value::Map(self.blocks(|reader| {
                let key = reader.string()?;
                Ok((Value::String(Cow::Borrowed(key)), reader.value(values, depth)?))
            })?),
            Node::Entries { key, value, value_first } => Value::Map(self.blocks(|reader| {
                if *value_first {
                    let value = reader.value(value, depth)?;
                    return Ok((reader.value(key, depth)?, value));
                }
                Ok((reader.value(key, depth)?, reader.value(value, depth)?))
            })?),
            Node::Record { position, schema } => {
                let plan = self.plan;
                let record = &plan.records[*position];
                let mut values = Vec::with_capacity(record.fields.len());
                for (node, field) in record.fields.iter().zip(record.schema.fields()) {
                    values.push(self.value(node, depth).map_err(|fault| fault.inside(&field.name))?);
                }
                let schema = schema.as_ref().unwrap_or(&record.schema).clone();
                Value::Struct(Struct { schema, values })
            }
            Node::Anything => self.anything(depth)?,
            Node::Nullable { branch, node, default } => match self.long()? {
                taken if taken == *branch => self.value(node, depth)?,
                0 | 1 => match default {
                    Some(default) if self.null_is_default => default.clone(),
                    _ => Value::Null,
                },
                _ => return Err(self.fault("no member of the union")),
            },
            Node::Union { schema, branches } => {
                let index = self.long()?;
                let index = usize::try_from(index).ok().filter(|index| *index < branches.len());
                let index = index.ok_or_else(|| self.fault("no member of the union"))?;
                let Some(node) = &branches[index] else { return Ok(Value::Null) };
                let value = self.value(node, depth)?;
                let mut values = vec![Value::Null; schema.fields().len()];
                // A null has no field.
                let nulls = branches[..index].iter().filter(|branch| branch.is_none()).count();
                values[index - nulls] = value;
                Value::Struct(Struct { schema: schema.clone(), values })
            }
        })
    }

    /// Reads a record of nine fields, each a union of null and a type.
    fn anything(&mut self, depth: usize) -> Result<Value<'a>, Fault> {
        let depth = depth.checked_sub(1).ok_or_else(|| self.fault(TOO_DEEP))?;
        let mut found = Value::Null;
        for field in 0..9 {
            match self.long()? {
                0 => continue,
                1 => {}
                _ => return Err(self.fault("no member of the union")),
            }
            found = match field {
                0 => self.value(&Node::Boolean, depth)?,
                1 => self.value(&Node::Bytes, depth)?,
                2 => self.value(&Node::Double, depth)?,
                3 => self.value(&Node::Float, depth)?,
                4 => self.value(&Node::Int(Int::Int32), depth)?,
                5 => self.value(&Node::Long, depth)?,
                6 => self.value(&Node::String, depth)?,
                7 => Value::Array(self.blocks(|reader| reader.anything(depth))?),
                _ => {
                    Value::Map(self.blocks(|reader| Ok((reader.anything(depth)?, reader.anything(depth)?)))?)
                }
            };
        }
        Ok(found)
    }

    fn int(&mut self, int: Int) -> Result<Value<'a>, Fault> {
        let number = self.long()?;
        let wide = |reader: &Self| i32::try_from(number).map_err(|_| reader.fault("an int beyond 32 bits"));
        Ok(match int {
            Int::Int8 => Value::Int8(
                number.try_into().map_err(|_| self.fault("a number beyond the 8 bits of connect.type"))?,
            ),
            Int::Int16 => Value::Int16(
                number.try_into().map_err(|_| self.fault("a number beyond the 16 bits of connect.type"))?,
            ),
            Int::Int32 => Value::Int32(wide(self)?),
            Int::Date => Value::Date(i64::from(wide(self)?) * MILLIS_PER_DAY),
            Int::Time => match number {
                0..=MILLIS_PER_DAY => Value::Time(number),
                _ => return Err(self.fault("a time of day beyond its 86400000 milliseconds")),
            },
        })
    }

    /// Reads the blocks of an array or a map.
    fn blocks<T>(&mut self, mut item: impl FnMut(&mut Self) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        let mut items = Vec::new();
        loop {
            let count = self.long()?;
            if count == 0 {
                return Ok(items);
            }
            if count < 0 {
                // The size of the block in bytes, which only a reader that skips it needs.
                self.long()?;
            }
            let count = count.unsigned_abs();
            let likely = usize::try_from(count).unwrap_or(usize::MAX).min(self.data.len() - self.at);
            items.reserve(likely.min(MAX_RESERVED));
            for _ in 0..count {
                let start = self.at;
                items.push(item(self)?);
                if self.at == start {
                    self.empty += 1;
                    if self.empty > MAX_EMPTY {
                        return Err(self.fault("more than 10000 elements without bytes"));
                    }
                }
            }
        }
    }

    fn string(&mut self) -> Result<&'a str, Fault> {
        let start = self.at;
        let bytes = self.bytes()?;
        std::str::from_utf8(bytes).map_err(|_| Fault::new("a string that is not UTF-8", start))
    }

    fn bytes(&mut self) -> Result<&'a [u8], Fault> {
        let length = self.long()?;
        let length = usize::try_from(length).map_err(|_| self.fault("a negative length"))?;
        self.take(length)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let at = self.at;
        self.take(N)?.try_into().map_err(|_| Fault::new("the data ends", at))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let end = self.at.checked_add(length).filter(|end| *end <= self.data.len());
        let end = end.ok_or_else(|| self.fault("the data ends"))?;
        let bytes = &self.data[self.at..end];
        self.at = end;
        Ok(bytes)
    }

    /// Returns a zig-zag number of at most ten bytes.
    fn long(&mut self) -> Result<i64, Fault> {
        let mut value = 0_u64;
        for shift in (0..70).step_by(7) {
            let byte = *self.data.get(self.at).ok_or_else(|| self.fault("the data ends"))?;
            self.at += 1;
            value |= u64::from(byte & 0x7f) << shift;
            if byte < 0x80 {
                return Ok((value >> 1) as i64 ^ -((value & 1) as i64));
            }
        }
        Err(self.fault("a number of more than ten bytes"))
    }

    fn fault(&self, what: &'static str) -> Fault {
        Fault::new(what, self.at)
    }
}
