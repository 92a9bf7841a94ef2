//! An entry, as a map submits it to its entry store and as an observer gets it back.

use std::fmt;

use bytes::Bytes;
use coherence_kafka_common::map::Expiry;

/// Coherence's `BinaryEntry`: one entry as its map holds it. `Debug` shows sizes, never bytes.
#[derive(Clone, PartialEq, Eq)]
pub struct BinaryEntry {
    /// The key, a Coherence binary, with or without partition decoration.
    pub key: Bytes,
    /// The value, a Coherence binary, with or without decorations; `None` where the entry was removed.
    pub value: Option<Bytes>,
    /// Whether the map held a value of this key before: the record is an `UPDATE`, else an `INSERT`.
    pub update: bool,
    /// When the entry leaves its map by itself.
    pub expiry: Expiry,
}

impl fmt::Debug for BinaryEntry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BinaryEntry")
            .field("key_bytes", &self.key.len())
            .field("value_bytes", &self.value.as_ref().map(Bytes::len))
            .field("update", &self.update)
            .field("expiry", &self.expiry)
            .finish()
    }
}
