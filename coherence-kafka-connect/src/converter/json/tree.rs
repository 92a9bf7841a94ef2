//! What the reader makes of a JSON text: data at once, a tree of JSON, or nothing.

use std::borrow::Cow;
use std::collections::HashSet;

use super::number::Number;
use crate::data::Value;

/// Objects with at most this many members are searched for repeated names pair by pair.
const FEW: usize = 16;

/// What a JSON text becomes.
pub(super) trait Tree<'a>: Sized {
    /// The name of an object's member.
    type Name;

    fn null() -> Self;
    fn boolean(value: bool) -> Self;
    fn number(number: Number<'a>) -> Self;
    fn string(text: Cow<'a, str>) -> Self;
    fn array(items: Vec<Self>) -> Self;
    fn name(text: Cow<'a, str>) -> Self::Name;
    /// Creates an object of these members in the order read; names may be repeated.
    fn object(members: Vec<(Self::Name, Self)>) -> Self;
}

/// Schemaless data, as `JsonConverter` gives it.
impl<'a> Tree<'a> for Value<'a> {
    type Name = Self;

    fn null() -> Self {
        Value::Null
    }

    fn boolean(value: bool) -> Self {
        Value::Boolean(value)
    }

    fn number(number: Number<'a>) -> Self {
        if number.integral { Value::Int64(number.low_bits()) } else { Value::Float64(number.to_f64()) }
    }

    fn string(text: Cow<'a, str>) -> Self {
        Value::String(text)
    }

    fn array(items: Vec<Self>) -> Self {
        Value::Array(items)
    }

    fn name(text: Cow<'a, str>) -> Self {
        Value::String(text)
    }

    fn object(mut members: Vec<(Self, Self)>) -> Self {
        last_wins(&mut members, |name| match name {
            Value::String(text) => text,
            _ => "",
        });
        Value::Map(members)
    }
}

/// JSON itself, for reading under a schema that is richer than JSON.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Node<'a> {
    Null,
    Boolean(bool),
    Number(Number<'a>),
    String(Cow<'a, str>),
    Array(Vec<Node<'a>>),
    /// No name twice.
    Object(Vec<(Cow<'a, str>, Node<'a>)>),
}

impl<'a> Node<'a> {
    /// Returns the member of this name, of an object.
    pub(super) fn member(&self, name: &str) -> Option<&Node<'a>> {
        match self {
            Node::Object(members) => members.iter().find(|(n, _)| n == name).map(|(_, node)| node),
            _ => None,
        }
    }

    pub(super) fn as_str(&self) -> Option<&str> {
        match self {
            Node::String(text) => Some(text),
            _ => None,
        }
    }

    /// Jackson's `JsonNodeType`.
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

impl<'a> Tree<'a> for Node<'a> {
    type Name = Cow<'a, str>;

    fn null() -> Self {
        Node::Null
    }

    fn boolean(value: bool) -> Self {
        Node::Boolean(value)
    }

    fn number(number: Number<'a>) -> Self {
        Node::Number(number)
    }

    fn string(text: Cow<'a, str>) -> Self {
        Node::String(text)
    }

    fn array(items: Vec<Self>) -> Self {
        Node::Array(items)
    }

    fn name(text: Cow<'a, str>) -> Cow<'a, str> {
        text
    }

    fn object(mut members: Vec<(Cow<'a, str>, Self)>) -> Self {
        last_wins(&mut members, |name| name);
        Node::Object(members)
    }
}

/// JSON that was read and is not wanted. Its vectors take no memory.
#[derive(Debug)]
pub(super) struct Skipped;

impl<'a> Tree<'a> for Skipped {
    type Name = ();

    fn null() -> Self {
        Skipped
    }

    fn boolean(_: bool) -> Self {
        Skipped
    }

    fn number(_: Number<'a>) -> Self {
        Skipped
    }

    fn string(_: Cow<'a, str>) -> Self {
        Skipped
    }

    fn array(_: Vec<Self>) -> Self {
        Skipped
    }

    fn name(_: Cow<'a, str>) {}

    fn object(_: Vec<((), Self)>) -> Self {
        Skipped
    }
}

/// Leaves one member of each name, with the last value.
fn last_wins<N, T>(members: &mut Vec<(N, T)>, text: impl Fn(&N) -> &str) {
    let repeated = if members.len() <= FEW {
        (1..members.len()).any(|i| members[..i].iter().any(|(name, _)| text(name) == text(&members[i].0)))
    } else {
        let mut names: Vec<_> = members.iter().map(|(name, _)| text(name)).collect();
        names.sort_unstable();
        names.windows(2).any(|pair| pair[0] == pair[1])
    };
    if !repeated {
        return;
    }
    let mut seen = HashSet::with_capacity(members.len());
    let mut keep: Vec<_> = members.iter().rev().map(|(name, _)| seen.insert(text(name))).collect();
    drop(seen);
    // `keep` has the last member first.
    members.retain(|_| keep.pop().unwrap_or(true));
}
