//! The values, entries and events of a grid, as a Java application sees them.

use std::time::Duration;

use super::tool::{escaped, to_hex};

/// A value as a Java application sees it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Value {
    /// Its class: `java.lang.Long`, `byte[]`.
    pub class: String,
    /// A scalar as its `toString`, bytes in hex, a container with the class of every element:
    /// `{java.lang.String(a)=java.lang.Long(1)}`.
    pub text: String,
}

/// A Java object given as text. Made from Rust values, or with [`Literal::new`].
#[derive(Debug, Clone)]
pub struct Literal {
    pub(super) kind: &'static str,
    pub(super) text: String,
}

impl Literal {
    /// One of the kinds that the tool knows: `string boolean byte short int long float double char big-integer
    /// big-decimal bytes binary uuid null local-date local-time local-date-time offset-date-time instant duration
    /// color ints person order team contact dog purchase purchase-id purchase-status object`. Bytes are hex, dates and times as ISO 8601 has them, `ints` are an `int[]` written
    /// `1,2`, a color is `RED` or `GREEN`, a person is written `name|age|street|city`, a contact `name|email|visits`, a
    /// dog `species|legs|breed`, a purchase's key `customer|number`, an order, a team or a purchase by the number of its
    /// sample, and an object is what the grid's
    /// serializer reads from the given hex.
    pub fn new(kind: &'static str, text: impl Into<String>) -> Self {
        Self { kind, text: text.into() }
    }

    /// A container: a `list`, a `set`, an `array` (`Object[]`) or a `map` (keys and values in turn).
    pub fn of(kind: &'static str, elements: impl IntoIterator<Item = Literal>) -> Self {
        let lines = elements.into_iter().map(|e| format!("{}\t{}", e.kind, escaped(&e.text)));
        Self { kind, text: lines.collect::<Vec<_>>().join("\n") }
    }
}

macro_rules! literal_from {
    ($($rust:ty => $kind:literal),*) => {
        $(impl From<$rust> for Literal {
            fn from(value: $rust) -> Self {
                Self::new($kind, value.to_string())
            }
        })*
    };
}

literal_from!(&str => "string", String => "string", &String => "string", bool => "boolean", i16 => "short", i32 => "int",
    i64 => "long", f32 => "float", f64 => "double");

impl From<&[u8]> for Literal {
    fn from(bytes: &[u8]) -> Self {
        Self::new("bytes", to_hex(bytes))
    }
}

/// The contents of a map as two numbers, to compare millions of entries with a model.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Contents {
    /// How many entries.
    pub count: u64,
    /// The sum modulo 2^64 of the FNV-1a 64 hash of `key 0x00 value`, both as [`Value::text`] in UTF-8.
    pub digest: u64,
}

impl Contents {
    /// Counts one entry in, given as the texts of its key and value.
    fn add(&mut self, key: &str, value: &str) {
        let bytes = key.bytes().chain([0]).chain(value.bytes());
        let hash = bytes
            .fold(0xcbf2_9ce4_8422_2325_u64, |hash, b| (hash ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3));
        self.count += 1;
        self.digest = self.digest.wrapping_add(hash);
    }
}

impl<K: AsRef<str>, V: AsRef<str>> FromIterator<(K, V)> for Contents {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(entries: I) -> Self {
        let mut contents = Self::default();
        entries.into_iter().for_each(|(key, value)| contents.add(key.as_ref(), value.as_ref()));
        contents
    }
}

/// A change of one entry, as a Java listener receives it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// `inserted`, `updated` or `deleted`.
    pub kind: String,
    /// The key.
    pub key: Value,
    /// The value before.
    pub old: Option<Value>,
    /// The value after.
    pub new: Option<Value>,
    /// Made by the map itself.
    pub synthetic: bool,
    /// Deleted because its time was over.
    pub expired: bool,
}

/// How long an entry stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Stays {
    /// Until it is removed.
    ForEver,
    /// For this time from now on.
    For(Duration),
}
