//! The value that a header's text stands for, as `org.apache.kafka.connect.data.Values.parseString` infers it, and the text
//! of a value, as `Values.convertToString` makes it.
//!
//! ```text
//! text → tokens.rs → value ─┬─ number.rs    the smallest type that holds the number
//!                           └─ temporal.rs  date, time, timestamp
//! value → text.rs → text
//! ```
//!
//! Java reads leniently and with surprises: what follows the value is mostly ignored (`1,000` is 1), and an array or map
//! with one bad element is a string as a whole. The surprises are kept, because transforms see the values.

use std::borrow::Cow;
use std::mem::discriminant;
use std::sync::Arc;

use self::tokens::Tokens;
use super::json::last_of_each_key;
use crate::calendar::MILLIS_PER_DAY;
use crate::data::{self, Schema, SchemaAndValue, SchemaKind, Value};
use crate::java::number::digit;

mod number;
pub(crate) mod temporal;
mod text;
mod tokens;

/// Arrays and maps inside each other at most. Java's bound is the stack of its thread; here whatever follows a schema
/// down is recursive.
const MAX_LEVELS: usize = 200;

/// Returns the value of `text`: a number, date, array and so on where it is the text of one, else the text itself.
pub(crate) fn parse(text: &str) -> SchemaAndValue<'static> {
    let string = || of(SchemaKind::String, Value::String(Cow::Owned(text.to_owned())));
    let inferred = match text {
        "" => Some(string()),
        // Java makes a string of what is no value, too.
        _ => Parser { tokens: Tokens::new(text) }.value(None).unwrap_or_else(|NoValue| Some(string())),
    };
    match inferred {
        Some((schema, value)) => SchemaAndValue { schema: Some(Cow::Owned(schema)), value },
        None => SchemaAndValue { schema: None, value: Value::Null },
    }
}

/// Returns the text of a value. A text as a whole stays as it is; inside arrays and maps it is in quotation marks.
pub(crate) fn to_text(value: &Value<'_>) -> String {
    let mut out = String::new();
    text::write(value, false, &mut out);
    out
}

/// A value and its schema.
type Inferred = (Arc<Schema>, Value<'static>);

/// The text is no value; the array or map around it is none either.
#[derive(Debug)]
struct NoValue;

#[derive(Debug)]
struct Parser<'a> {
    tokens: Tokens<'a>,
}

impl Parser<'_> {
    /// Returns the next value, `None` for null. Inside an array or map, `levels` more may be inside each other.
    fn value(&mut self, levels: Option<usize>) -> Result<Option<Inferred>, NoValue> {
        let embedded = levels.is_some();
        if !self.tokens.has_next() {
            return Ok(None);
        }
        if embedded && self.tokens.eat("\"") {
            return Ok(Some(self.quoted()));
        }
        if self.word("null", embedded) {
            return Ok(None);
        }
        for (word, value) in [("true", true), ("false", false)] {
            if self.word(word, embedded) {
                return Ok(Some(of(SchemaKind::Boolean, Value::Boolean(value))));
            }
        }
        let start = self.tokens.position();
        if let Some(levels) = levels.unwrap_or(MAX_LEVELS).checked_sub(1) {
            let container = if self.tokens.eat("[") {
                self.array(levels).map(Some)
            } else if self.tokens.eat("{") {
                self.map(levels).map(Some)
            } else {
                Ok(None)
            };
            match container {
                Ok(Some(container)) => return Ok(Some(container)),
                Ok(None) => {}
                Err(NoValue) => self.tokens.rewind(start),
            }
        }
        let token = self.tokens.next();
        match trim(token) {
            "" => Ok(Some(of(SchemaKind::String, Value::String(Cow::Owned(token.to_owned()))))),
            token => self.scalar(token).map(Some),
        }
    }

    /// Reads a word, which outside of arrays and maps must be the last token.
    fn word(&mut self, word: &str, embedded: bool) -> bool {
        let start = self.tokens.position();
        if self.tokens.eat(word) && (embedded || !self.tokens.has_next()) {
            return true;
        }
        self.tokens.rewind(start);
        false
    }

    /// Returns the number or date that begins with `token`, which was read.
    fn scalar(&mut self, token: &str) -> Result<Inferred, NoValue> {
        let first = token.chars().next().ok_or(NoValue)?;
        if digit(first).is_some() {
            // A time is five tokens, because it has two colons.
            let start = self.tokens.position();
            let whole = self.tokens.skip(4).map(|rest| [token, rest].concat());
            if let Some(temporal) = whole.and_then(|whole| temporal::parse(&whole)) {
                return Ok(temporal);
            }
            self.tokens.rewind(start);
            if let Some(temporal) = temporal::parse(token) {
                return Ok(temporal);
            }
        } else if !matches!(first, '+' | '-') {
            return Err(NoValue);
        }
        number::parse(token).ok_or(NoValue)
    }

    /// Returns the text up to a quotation mark, which is a date where it can be. Escapes are left in it.
    fn quoted(&mut self) -> Inferred {
        let mut text = String::new();
        while self.tokens.has_next() && !self.tokens.eat("\"") {
            text.push_str(self.tokens.next());
        }
        temporal::parse(&text).unwrap_or_else(|| of(SchemaKind::String, Value::String(Cow::Owned(text))))
    }

    fn array(&mut self, levels: usize) -> Result<Inferred, NoValue> {
        let mut items = Vec::new();
        let mut common = Common::default();
        while self.tokens.has_next() {
            if self.tokens.eat("]") {
                if let Some(schema) = &common.schema {
                    items = items.into_iter().map(|item| convert(schema, item)).collect::<Result<_, _>>()?;
                }
                return Ok(of(SchemaKind::Array(common.schema), Value::Array(items)));
            }
            if self.tokens.eat(",") {
                return Err(NoValue);
            }
            let item = self.value(Some(levels))?;
            items.push(common.add(item));
            let end = self.tokens.position();
            if self.tokens.eat("]") {
                self.tokens.rewind(end);
            } else if !self.tokens.eat(",") {
                return Err(NoValue);
            }
        }
        Err(NoValue)
    }

    fn map(&mut self, levels: usize) -> Result<Inferred, NoValue> {
        let mut entries = Vec::new();
        let (mut keys, mut values) = (Common::default(), Common::default());
        while self.tokens.has_next() {
            if self.tokens.eat("}") {
                // Keys that differ may be one when they have one type.
                let mut entries = last_of_each_key(entries);
                if keys.schema.is_none() {
                    values.schema = None;
                }
                for (key, value) in &mut entries {
                    for (schema, part) in [(&keys.schema, key), (&values.schema, value)] {
                        if let Some(schema) = schema {
                            *part = convert(schema, std::mem::replace(part, Value::Null))?;
                        }
                    }
                }
                let entries = Value::Map(last_of_each_key(entries));
                return Ok(of(SchemaKind::Map(keys.schema, values.schema), entries));
            }
            if self.tokens.eat(",") {
                return Err(NoValue);
            }
            let key = self.value(Some(levels))?.ok_or(NoValue)?;
            if !self.tokens.eat(":") {
                return Err(NoValue);
            }
            let value = self.value(Some(levels))?;
            self.tokens.eat(",");
            entries.push((keys.add(Some(key)), values.add(value)));
        }
        Err(NoValue)
    }
}

/// The schema that all elements can have, if there is one.
#[derive(Debug, Default)]
struct Common {
    schema: Option<Arc<Schema>>,
    /// Two elements had nothing in common.
    mixed: bool,
}

impl Common {
    /// Takes the schema of an element into account, and returns its value.
    fn add(&mut self, element: Option<Inferred>) -> Value<'static> {
        let Some((schema, value)) = element else { return Value::Null };
        if !self.mixed {
            self.schema = match self.schema.take() {
                None => Some(schema),
                Some(common) => merged(common, schema),
            };
            self.mixed = self.schema.is_none();
        }
        value
    }
}

/// Returns the one of two schemas that holds the values of both. Of one type the later counts, whatever is inside it.
fn merged(common: Arc<Schema>, other: Arc<Schema>) -> Option<Arc<Schema>> {
    if discriminant(&common.kind) == discriminant(&other.kind) {
        return Some(other);
    }
    let (before, now) = (width(&common.kind)?, width(&other.kind)?);
    Some(if now > before { other } else { common })
}

fn width(kind: &SchemaKind) -> Option<u8> {
    let order = [
        SchemaKind::Int8,
        SchemaKind::Int16,
        SchemaKind::Int32,
        SchemaKind::Int64,
        SchemaKind::Float32,
        SchemaKind::Float64,
    ];
    order.iter().position(|known| known == kind).map(|at| at as u8)
}

/// Returns the element of an array or map as a value of the schema that all elements have in common.
fn convert(schema: &Schema, value: Value<'static>) -> Result<Value<'static>, NoValue> {
    let integer = match value {
        Value::Null => return Err(NoValue),
        Value::Int8(value) => Some(i64::from(value)),
        Value::Int16(value) => Some(i64::from(value)),
        Value::Int32(value) => Some(i64::from(value)),
        Value::Int64(value) => Some(value),
        _ => None,
    };
    let millis = match value {
        // Java has one class for the three and does not convert it.
        Value::Date(millis) | Value::Time(millis) | Value::Timestamp(millis) => Some(millis),
        _ => None,
    };
    let temporal = |from_integer: &dyn Fn(i64) -> Option<i64>| {
        millis.or_else(|| integer.and_then(from_integer)).ok_or(NoValue)
    };
    Ok(match (&schema.kind, schema.name.as_deref()) {
        (_, Some(data::DATE)) => {
            Value::Date(temporal(&|days| Some(i64::from(days as i32) * MILLIS_PER_DAY))?)
        }
        (_, Some(data::TIME)) => {
            let in_a_day = |millis| (0..=MILLIS_PER_DAY).contains(&millis).then_some(millis);
            Value::Time(temporal(&|millis| in_a_day(i64::from(millis as i32)))?)
        }
        (_, Some(data::TIMESTAMP)) => Value::Timestamp(temporal(&Some)?),
        (SchemaKind::Int8, _) => Value::Int8(integer.ok_or(NoValue)? as i8),
        (SchemaKind::Int16, _) => Value::Int16(integer.ok_or(NoValue)? as i16),
        (SchemaKind::Int32, _) => Value::Int32(integer.ok_or(NoValue)? as i32),
        (SchemaKind::Int64, _) => Value::Int64(integer.ok_or(NoValue)?),
        (SchemaKind::Float32, _) => match value {
            Value::Float32(_) => value,
            // As in Java, rounded twice.
            _ => Value::Float32(integer.ok_or(NoValue)? as f64 as f32),
        },
        (SchemaKind::Float64, _) => match value {
            Value::Float64(_) => value,
            Value::Float32(value) => Value::Float64(value.into()),
            _ => Value::Float64(integer.ok_or(NoValue)? as f64),
        },
        _ => value,
    })
}

fn of(kind: SchemaKind, value: Value<'static>) -> Inferred {
    (Arc::new(Schema::new(kind)), value)
}

/// `String.trim()`.
fn trim(text: &str) -> &str {
    text.trim_matches(|c| c <= ' ')
}

#[cfg(test)]
mod tests;
