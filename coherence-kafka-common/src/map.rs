//! A map of binary entries, wherever it lives: the traits that a grid over gRPC and an embedded map both
//! implement, and the batches they are written with.
//!
//! Keys and values are complete Coherence binaries (first byte = format byte), keys without the `0x0D`
//! partition decoration.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;

/// The serializer of a map, by the name under which a grid knows it. Both write `0x15` in front of their payload.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Portable Object Format, the serializer named `pof`.
    #[default]
    Pof,
    /// Coherence JSON, the serializer named `json`.
    Json,
}

impl Format {
    /// The name sent to a grid. Names are case-sensitive there.
    pub fn name(self) -> &'static str {
        match self {
            Format::Pof => "pof",
            Format::Json => "json",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Format {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        match text {
            "pof" => Ok(Format::Pof),
            "json" => Ok(Format::Json),
            other => Err(format!("unknown format {other:?}: it must be one of pof, json")),
        }
    }
}

/// Where one entry lies in the bytes of an [`Entries`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte of the key.
    pub key: u32,
    /// Length of the key in bytes.
    pub key_len: u32,
    /// First byte of the value.
    pub value: u32,
    /// Length of the value in bytes; 0 in a batch of keys.
    pub value_len: u32,
}

/// A batch of entries, or of keys alone, in one allocation. No key occurs twice.
///
/// One buffer and a table of spans instead of a vector of pairs: a batch of thousands of small entries costs
/// two allocations, and a value that a later record replaced simply stays unreferenced in the buffer.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Entries {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl Entries {
    /// A batch over `bytes`. Fails where a span leaves the buffer.
    pub fn new(bytes: Vec<u8>, spans: Vec<Span>) -> Result<Self, OutOfBounds> {
        let inside = |start: u32, len: u32| start as usize + len as usize <= bytes.len();
        match spans.iter().position(|s| !inside(s.key, s.key_len) || !inside(s.value, s.value_len)) {
            Some(index) => Err(OutOfBounds { index }),
            None => Ok(Self { bytes, spans }),
        }
    }

    /// A batch copied from pairs, for callers that have few of them.
    ///
    /// # Panics
    /// If the pairs together exceed 4 GiB.
    pub fn from_pairs<K: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut batch = Self::default();
        for (key, value) in pairs {
            batch.push(key.as_ref(), value.as_ref());
        }
        batch
    }

    /// A batch of keys without values, copied.
    ///
    /// # Panics
    /// If the keys together exceed 4 GiB.
    pub fn from_keys<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self::from_pairs(keys.into_iter().map(|key| (key, [])))
    }

    fn push(&mut self, key: &[u8], value: &[u8]) {
        let at = |len: usize| u32::try_from(len).expect("a batch holds at most 4 GiB");
        let key_start = at(self.bytes.len());
        self.bytes.extend_from_slice(key);
        let value_start = at(self.bytes.len());
        self.bytes.extend_from_slice(value);
        at(self.bytes.len());
        self.spans.push(Span {
            key: key_start,
            key_len: value_start - key_start,
            value: value_start,
            value_len: at(value.len()),
        });
    }

    /// Number of entries.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// True without entries.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Entry `index`: key and value.
    pub fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        self.spans.get(index).map(|span| self.at(span))
    }

    /// All entries in order: key and value.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.spans.iter().map(|span| self.at(span))
    }

    /// Sum of the lengths of all keys and values in bytes.
    pub fn payload_bytes(&self) -> usize {
        self.spans.iter().map(|s| s.key_len as usize + s.value_len as usize).sum()
    }

    fn at(&self, span: &Span) -> (&[u8], &[u8]) {
        let slice = |start: u32, len: u32| &self.bytes[start as usize..start as usize + len as usize];
        (slice(span.key, span.key_len), slice(span.value, span.value_len))
    }
}

/// A span that leaves the buffer of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {index} lies outside the bytes of its batch")]
pub struct OutOfBounds {
    /// Index of the first such entry.
    pub index: usize,
}

/// Why a map call failed, sorted by whose fault it is. Each call ends in exactly one of these or in success.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The grid answered that it will not do it: the same request fails again.
    #[error("refused by the grid: {0}")]
    Refused(String),
    /// The grid cannot be reached or cannot serve now. What was sent may or may not have been applied.
    #[error("grid not available: {0}")]
    Unavailable(String),
    /// Entry `index` of the batch cannot be sent at all; nothing of the batch was sent.
    #[error("entry {index} not sent: {reason}")]
    NotSent {
        /// Position in the batch given to the call.
        index: usize,
        /// What is wrong with it, without its bytes.
        reason: String,
    },
    /// The call itself is wrong, by its arguments or settings; nothing was sent.
    #[error("{0}")]
    Misuse(String),
}

impl MapError {
    /// True where the same call may succeed later without any change.
    pub fn is_retriable(&self) -> bool {
        matches!(self, MapError::Unavailable(_))
    }
}

/// A map of binary entries. Cheap to clone behind its `Arc`; every method may be called from many tasks.
pub trait NamedMap: Send + Sync + fmt::Debug {
    /// The name of the map.
    fn name(&self) -> &str;

    /// Puts all entries, replacing those present. Not atomic: after an error some may have been put.
    fn put_all(&self, entries: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>>;

    /// Removes all keys of the batch (its values are ignored); absent keys are no error. Not atomic.
    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>>;

    /// The value of `key`, or `None`.
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>>;

    /// Number of entries.
    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>>;

    /// A copy of every entry: for comparisons and small maps, it is held in memory as a whole.
    fn entries(&self) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>>;
}

/// Opens maps by name.
pub trait Session: Send + Sync + fmt::Debug {
    /// The serializer that the maps of this session use.
    fn format(&self) -> Format;

    /// The largest entry, key and value together in bytes, that can be written at all. What exceeds it ends in
    /// [`MapError::NotSent`].
    fn max_entry_bytes(&self) -> usize {
        usize::MAX
    }

    /// Refuses, without any I/O, a name that the maps of this session cannot bear.
    fn check_map_name(&self, name: &str) -> Result<(), MapError>;

    /// The map of this name, made if it is not there. The same name gives the same map.
    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>>;
}
