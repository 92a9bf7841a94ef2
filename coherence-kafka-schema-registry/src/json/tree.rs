//! JSON as it is written: members in their order, numbers with all their digits.

use std::borrow::Cow;

use coherence_kafka_common::serializer::json::tokens::{Number, Tokens, Unexpected};
use num_bigint::BigInt;

/// Arrays and objects inside each other at most.
const MAX_DEPTH: usize = 200;
/// Digits and exponent of a decimal at most.
const MAX_DIGITS: usize = 1000;

/// A JSON value.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Boolean(bool),
    Number(Number<'a>),
    String(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// Reads a text that is one value.
    pub(super) fn parse(text: &'a str) -> Result<Self, String> {
        let mut tokens = Tokens::new(text);
        let read = value(&mut tokens, MAX_DEPTH).and_then(|value| {
            tokens.space();
            if tokens.peek().is_none() { Ok(value) } else { Err(tokens.unexpected("the end of the text")) }
        });
        read.map_err(|Unexpected { expected, offset }| format!("expected {expected} at byte {offset}"))
    }

    /// Returns the member of this name, of an object; the last one where there are several.
    pub(super) fn member(&self, name: &str) -> Option<&Node<'a>> {
        match self {
            Node::Object(members) => members.iter().rev().find(|(n, _)| n == name).map(|(_, node)| node),
            _ => None,
        }
    }

    /// Returns the members of an object; none of any other value.
    pub(super) fn members(&self) -> &[(Cow<'a, str>, Node<'a>)] {
        match self {
            Node::Object(members) => members,
            _ => &[],
        }
    }

    /// Returns the items of an array; none of any other value.
    pub(super) fn items(&self) -> &[Node<'a>] {
        match self {
            Node::Array(items) => items,
            _ => &[],
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Node::String(text) => Some(text),
            _ => None,
        }
    }

    /// Returns a whole number of 64 bits, however it is written.
    pub(super) fn as_i64(&self) -> Option<i64> {
        let Node::Number(number) = self else { return None };
        if number.is_integer {
            return number.text.parse().ok();
        }
        let (unscaled, scale) = decimal(*number)?;
        let power = BigInt::from(10).pow(scale.unsigned_abs());
        let whole = if scale <= 0 {
            unscaled * power
        } else if (&unscaled % &power) == BigInt::ZERO {
            unscaled / power
        } else {
            return None;
        };
        i64::try_from(whole).ok()
    }

    pub(super) fn type_name(&self) -> &'static str {
        match self {
            Node::Null => "NULL",
            Node::Boolean(_) => "BOOLEAN",
            Node::Number(_) => "NUMBER",
            Node::String(_) => "STRING",
            Node::Array(_) => "ARRAY",
            Node::Object(_) => "OBJECT",
        }
    }
}

/// Returns the unscaled value and the scale of a number; none where it has too many digits.
pub(super) fn decimal(number: Number<'_>) -> Option<(BigInt, i32)> {
    let (mantissa, exponent) = match number.text.split_once(['e', 'E']) {
        Some((mantissa, exponent)) => (mantissa, exponent.parse::<i32>().ok()?),
        None => (number.text, 0),
    };
    let (whole, fraction) = mantissa.split_once('.').unwrap_or((mantissa, ""));
    let scale = i32::try_from(fraction.len()).ok()?.checked_sub(exponent)?;
    if mantissa.len() > MAX_DIGITS || scale.unsigned_abs() as usize > MAX_DIGITS {
        return None;
    }
    Some((BigInt::parse_bytes([whole, fraction].concat().as_bytes(), 10)?, scale))
}

fn deeper(tokens: &Tokens<'_>, depth: usize) -> Result<usize, Unexpected> {
    depth.checked_sub(1).ok_or_else(|| tokens.unexpected("no more than 200 levels"))
}

fn value<'a>(tokens: &mut Tokens<'a>, depth: usize) -> Result<Node<'a>, Unexpected> {
    tokens.space();
    match tokens.peek() {
        Some(b'"') => Ok(Node::String(tokens.string()?.text)),
        Some(b'-' | b'0'..=b'9') => Ok(Node::Number(tokens.number()?)),
        Some(b't') if tokens.eat_word("true") => Ok(Node::Boolean(true)),
        Some(b'f') if tokens.eat_word("false") => Ok(Node::Boolean(false)),
        Some(b'n') if tokens.eat_word("null") => Ok(Node::Null),
        Some(b'[') => {
            let depth = deeper(tokens, depth)?;
            tokens.eat(b'[');
            tokens.space();
            let mut items = Vec::new();
            if tokens.eat(b']') {
                return Ok(Node::Array(items));
            }
            loop {
                items.push(value(tokens, depth)?);
                tokens.space();
                if tokens.eat(b']') {
                    return Ok(Node::Array(items));
                }
                if !tokens.eat(b',') {
                    return Err(tokens.unexpected("a comma or the end of the array"));
                }
            }
        }
        Some(b'{') => {
            let depth = deeper(tokens, depth)?;
            tokens.eat(b'{');
            tokens.space();
            let mut members = Vec::new();
            if tokens.eat(b'}') {
                return Ok(Node::Object(members));
            }
            loop {
                tokens.space();
                if tokens.peek() != Some(b'"') {
                    return Err(tokens.unexpected("the name of a member"));
                }
                let name = tokens.string()?.text;
                tokens.space();
                if !tokens.eat(b':') {
                    return Err(tokens.unexpected("a colon"));
                }
                members.push((name, value(tokens, depth)?));
                tokens.space();
                if tokens.eat(b'}') {
                    return Ok(Node::Object(members));
                }
                if !tokens.eat(b',') {
                    return Err(tokens.unexpected("a comma or the end of the object"));
                }
            }
        }
        _ => Err(tokens.unexpected("a value")),
    }
}
