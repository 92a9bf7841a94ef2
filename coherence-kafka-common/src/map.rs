//! A map of binary entries, wherever it lives: the traits that a grid over gRPC and an embedded map both
//! implement, and the batches they are written with.
//!
//! Keys and values are complete Coherence binaries (first byte = format byte), keys without the `0x0D`
//! partition decoration.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use futures::future::{BoxFuture, ready};
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};

mod entries;
mod event;

pub use entries::{Entries, OutOfBounds, Span};
pub use event::{EventKind, Listen, ListenTo, MapEvent, MapNotice, MapNotices};

/// The serializer of a map, by the name under which a grid knows it. POF and JSON write `0x15` in front of their
/// payload, Java's default serializer writes a byte for each type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Format {
    /// Portable Object Format, the serializer named `pof`.
    #[default]
    Pof,
    /// Coherence JSON, the serializer named `json`.
    Json,
    /// Java's default serializer, named `java`: that of a grid for which none was configured. Other programs can write
    /// what [`java_format`](crate::java_format) has.
    Java,
}

impl Format {
    /// The name sent to a grid. Names are case-sensitive there.
    pub fn name(self) -> &'static str {
        match self {
            Format::Pof => "pof",
            Format::Json => "json",
            Format::Java => "java",
        }
    }

    /// The binary of null: of an entry that exists and holds null.
    pub fn null(self) -> &'static [u8] {
        match self {
            Format::Pof => b"\x15\x64",
            Format::Json => b"\x15null",
            Format::Java => b"\x00",
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
            "java" => Ok(Format::Java),
            other => Err(format!("unknown format {other:?}: it must be one of pof, json, java")),
        }
    }
}

/// Why a map call failed, sorted by whose fault it is. Each call ends in exactly one of these or in success.
///
/// Exhaustive on purpose: a caller that decides by the kind of error, such as one that isolates bad records, has to
/// decide about a new kind too.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum MapError {
    /// The grid answered that it will not do it: the same request fails again.
    #[error("refused by the grid: {0}")]
    Refused(String),
    /// The grid failed on one or more entries, and nothing shows whether an entry is at fault or what lies behind the
    /// map: a cache store threw, the write was applied in part (`Partial failure`), or the error is not known here.
    /// Only time decides.
    #[error("failed in the grid: {0}")]
    Undecided(String),
    /// The grid cannot be reached or cannot serve now. What was sent may or may not have been applied.
    #[error("grid not available: {0}")]
    Unavailable(String),
    /// The grid has not answered within the request timeout. What was sent may or may not have been applied. A smaller
    /// call may be answered in time.
    #[error("no answer from the grid: {0}")]
    Unanswered(String),
    /// Entry `index` of the batch cannot be sent at all; nothing of the batch was sent. The caller leaves the entry out
    /// and calls again: the others are not to blame. Only the first such entry is named.
    #[error("entry {index} not sent: {reason}")]
    NotSent {
        /// Position in the batch given to the call.
        index: usize,
        /// What is wrong with it, without its bytes.
        reason: String,
    },
    /// The entry store of the map did not accept entry `index` of the call, or it is unknown whether it did.
    #[error("entry {index} not stored: {reason}")]
    NotStored {
        /// Position in the batch given to the call; the first of them.
        index: usize,
        /// Why, without its bytes.
        reason: String,
        /// Whether the same call may succeed later without any change.
        retriable: bool,
    },
    /// The answer holds an entry that is too large to be received: the same call fails again.
    #[error("the grid answered with an entry of {bytes} bytes, more than the {max} that can be received")]
    TooLarge {
        /// Size of the entry with its envelope.
        bytes: u64,
        /// The limit.
        max: u64,
    },
    /// The call itself is wrong, by its arguments or settings; nothing was sent.
    #[error("{0}")]
    Misuse(String),
}

impl MapError {
    /// True where the same call may succeed later without any change.
    pub fn is_retriable(&self) -> bool {
        match self {
            MapError::Undecided(_) | MapError::Unavailable(_) | MapError::Unanswered(_) => true,
            MapError::NotStored { retriable, .. } => *retriable,
            MapError::Refused(_)
            | MapError::NotSent { .. }
            | MapError::TooLarge { .. }
            | MapError::Misuse(_) => false,
        }
    }
}

/// When an entry leaves its map by itself, counted from the write. Every write decides again: an entry that was
/// written to expire no longer does after a write with [`Expiry::Default`] to a map without default.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub enum Expiry {
    /// As the map is configured.
    #[default]
    Default,
    /// Never, whatever the map is configured for.
    Never,
    /// After this time, rounded up to whole milliseconds, and never less than one. A grid counts in steps of 256 ms
    /// and may let the entry go that much earlier. At most [`Expiry::MAX_MILLIS`], or the call is a
    /// [`MapError::Misuse`].
    After(Duration),
}

impl Expiry {
    /// The longest time after which an entry may expire, in milliseconds: a grid adds it to the time of day, in 64 bits.
    pub const MAX_MILLIS: i64 = i64::MAX / 2;

    /// The milliseconds of [`Expiry::After`], `None` for the others.
    ///
    /// # Errors
    /// [`MapError::Misuse`] for more than [`Expiry::MAX_MILLIS`].
    pub fn after_millis(self) -> Result<Option<i64>, MapError> {
        let Expiry::After(time) = self else { return Ok(None) };
        let millis = i64::try_from(time.as_nanos().div_ceil(1_000_000).max(1)).ok();
        let millis = millis.filter(|millis| *millis <= Self::MAX_MILLIS);
        millis.map(Some).ok_or_else(|| {
            let max = Self::MAX_MILLIS;
            MapError::Misuse(format!("an expiry after {time:?} is too long, at most {max} ms are possible"))
        })
    }
}

/// A page of the keys of a map.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyPage {
    /// The keys.
    pub keys: Vec<Bytes>,
    /// The cookie that asks for the next page; `None` behind the last one. It is valid as long as the map exists.
    pub next: Option<Bytes>,
}

/// The entries that an entry processor or an aggregator works on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Targets {
    /// Those of the keys of a batch (its values are ignored); none for an empty batch.
    Keys(Arc<Entries>),
    /// Those for which a serialized filter is true.
    Filter(Bytes),
    /// Every entry of the map.
    All,
}

/// Decides whether a write may still leave. It is asked for each request, when nothing but the network is left to wait
/// for.
pub trait SendGate: Send + Sync + fmt::Debug {
    /// Lets the request pass, or not.
    ///
    /// # Errors
    /// Why it must not leave. The call ends with [`MapError::Unavailable`].
    fn check(&self) -> Result<(), String>;
}

/// A map of binary entries. Cheap to clone behind its `Arc`; every method may be called from many tasks.
///
/// Dropping the future of a call does not take it back: what was sent may be applied. What a kind of map cannot do
/// ends in [`MapError::Misuse`], and what is written here for it is that answer, or what the other methods make of it.
#[allow(unused_variables, reason = "the names are for readers and implementers of the methods")]
pub trait NamedMap: Send + Sync + fmt::Debug {
    /// The name of the map.
    fn name(&self) -> &str;

    /// The value of `key`, or `None`.
    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>>;

    /// The entries present among the keys of the batch (its values are ignored), in no order.
    fn get_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>> {
        async move {
            let mut present = Vec::new();
            for (key, _) in keys.iter() {
                if let Some(value) = self.get(key).await? {
                    present.push((Bytes::copy_from_slice(key), value));
                }
            }
            Ok(present)
        }
        .boxed()
    }

    /// Puts one entry. The value that it replaced, or `None`.
    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        unsupported("put")
    }

    /// Puts all entries, replacing those present. Not atomic: after an error some may have been put, except after
    /// [`MapError::NotSent`], which is found before the first of them leaves.
    fn put_all(&self, entries: Arc<Entries>, expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>>;

    /// Puts the entry where `key` is absent. Returns the present value, or `None` where it was put. It expires as the
    /// map is configured: a grid ignores an expiry in this request.
    fn put_if_absent<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        unsupported("put_if_absent")
    }

    /// Puts the entry where `key` is present. The value that it replaced, or `None` where nothing was put. It expires as
    /// the map is configured, whatever the value before was put with: the protocol has no expiry for it.
    fn replace<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        unsupported("replace")
    }

    /// Puts the entries, each unless the map has one of its key with a greater version: the number in the field of its
    /// value to which the names in `field` lead. An entry without the field is replaced. They expire as the map is
    /// configured. Not atomic but for each entry.
    fn put_newer<'a>(
        &'a self,
        entries: Arc<Entries>,
        field: &'a [String],
        version: i64,
    ) -> BoxFuture<'a, Result<(), MapError>> {
        let _ = (entries, field, version);
        unsupported("put_newer")
    }

    /// Removes one entry. The value that it had, or `None` where it was absent.
    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        unsupported("remove")
    }

    /// Removes all keys of the batch (its values are ignored); absent keys are no error. Not atomic.
    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>>;

    /// True if `key` is present.
    fn contains_key<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<bool, MapError>> {
        async move { Ok(self.get(key).await?.is_some()) }.boxed()
    }

    /// Number of entries.
    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>>;

    /// True without entries.
    fn is_empty(&self) -> BoxFuture<'_, Result<bool, MapError>> {
        async move { Ok(self.size().await? == 0) }.boxed()
    }

    /// Removes every entry, with an event for each.
    fn clear(&self) -> BoxFuture<'_, Result<(), MapError>> {
        unsupported("clear")
    }

    /// Removes every entry at once: listeners get one [`MapNotice::Truncated`] instead of an event for each.
    fn truncate(&self) -> BoxFuture<'_, Result<(), MapError>> {
        unsupported("truncate")
    }

    /// Ends the map with all its entries, everywhere. Its next use creates it again, empty.
    fn destroy(&self) -> BoxFuture<'_, Result<(), MapError>> {
        unsupported("destroy")
    }

    /// Every entry, read piece by piece as the stream is polled. Not a snapshot: an entry written meanwhile may
    /// come or not. Ends behind the first error.
    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>>;

    /// Every key, as [`NamedMap::entries`].
    fn keys(&self) -> BoxStream<'_, Result<Bytes, MapError>> {
        self.entries().map_ok(|(key, _)| key).boxed()
    }

    /// One page of the keys, in no order; an empty cookie asks for the first one. All pages together have every key that
    /// exists all the time exactly once. How many keys are in a page is up to the map; it may be none.
    fn page_of_keys(&self, cookie: Bytes) -> BoxFuture<'_, Result<KeyPage, MapError>> {
        unsupported("page_of_keys")
    }

    /// Runs a serialized entry processor on the entry of `key`, which need not be present. Returns its result; `None` for
    /// null and for nothing.
    fn invoke<'a>(
        &'a self,
        key: &'a [u8],
        processor: Bytes,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        unsupported("invoke")
    }

    /// Runs a serialized entry processor on many entries. Returns the keys with its results, in no order; a processor may
    /// return nothing for a key. All of it is in memory at once. Changes are not undone where some of them fail.
    fn invoke_all(
        &self,
        targets: Targets,
        processor: Bytes,
    ) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>> {
        unsupported("invoke_all")
    }

    /// Computes one result over many entries by a serialized aggregator. A serialized null comes as it is.
    fn aggregate(&self, targets: Targets, aggregator: Bytes) -> BoxFuture<'_, Result<Bytes, MapError>> {
        unsupported("aggregate")
    }

    /// The entries for which a serialized filter is true, in no order. All of them are in memory at once.
    fn entries_where(&self, filter: Bytes) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>> {
        unsupported("entries_where")
    }

    /// The keys of the entries for which a serialized filter is true, as [`NamedMap::entries_where`].
    fn keys_where(&self, filter: Bytes) -> BoxFuture<'_, Result<Vec<Bytes>, MapError>> {
        unsupported("keys_where")
    }

    /// The values of the entries for which a serialized filter is true, as [`NamedMap::entries_where`].
    fn values_where(&self, filter: Bytes) -> BoxFuture<'_, Result<Vec<Bytes>, MapError>> {
        unsupported("values_where")
    }

    /// Adds an index over the values of a serialized extractor; a sorted one serves ranges too. No error where it exists.
    fn add_index(&self, extractor: Bytes, sorted: bool) -> BoxFuture<'_, Result<(), MapError>> {
        unsupported("add_index")
    }

    /// Removes the index over the values of a serialized extractor. No error where it does not exist.
    fn remove_index(&self, extractor: Bytes) -> BoxFuture<'_, Result<(), MapError>> {
        unsupported("remove_index")
    }

    /// Listens from the moment in which the future is ready, until the stream is dropped. Each change
    /// is reported at most once: see [`MapNotice::Gap`].
    fn listen(&self, listen: Listen) -> BoxFuture<'_, Result<MapNotices, MapError>> {
        unsupported("listen")
    }
}

fn unsupported<'a, T: Send + 'a>(call: &'static str) -> BoxFuture<'a, Result<T, MapError>> {
    ready(Err(MapError::Misuse(format!("{call} is not possible with this kind of map")))).boxed()
}

/// Entries of one map; only their keys count.
#[derive(Debug, Clone, Copy)]
pub struct OfMap<'a> {
    /// The name of the map.
    pub map: &'a str,
    /// Their keys.
    pub entries: &'a Entries,
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

    /// Returns the map of this name, created if it does not exist. The same name returns the same map.
    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>>;

    /// The same map, whose changes ask `gate` for each request. The default, for maps in the same process, ignores the
    /// gate.
    fn gated_map<'a>(
        &'a self,
        name: &'a str,
        gate: &'a Arc<dyn SendGate>,
    ) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        let _ = gate;
        self.map(name)
    }

    /// Returns whether a write of this session is in doubt: its call was dropped, or ended with
    /// [`MapError::Unavailable`] or [`MapError::Unanswered`], and the write may still be applied.
    ///
    /// A repeated write of the same value is harmless then. A newer value could be replaced by the older one.
    fn has_writes_in_doubt(&self) -> bool {
        false
    }

    /// Returns what is known of the oldest write in doubt that may still change one of these entries. `None` if there
    /// is none. A session may report more than there are, never fewer. Costs next to nothing while no write is in doubt.
    fn in_doubt(&self, entries: &[OfMap<'_>]) -> Option<String> {
        let _ = entries;
        None
    }

    /// Waits until [`Session::in_doubt`] returns `None` for these entries. Returns false if the session gave up on an
    /// answer because the longest time to wait for it has passed.
    fn until_resolved<'a>(&'a self, entries: &'a [OfMap<'a>]) -> BoxFuture<'a, bool> {
        let _ = entries;
        ready(true).boxed()
    }
}
