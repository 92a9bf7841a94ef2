//! The counters of an entry store, for metrics.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::error::StoreError;

/// Counts of one store since it was made. They are read one by one, so they may differ by what happened meanwhile.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct StoreStats {
    /// Records that Kafka has acknowledged, tombstones among them.
    pub acknowledged: u64,
    /// Tombstones that Kafka has acknowledged.
    pub deletes: u64,
    /// Bytes of keys and values of the acknowledged records.
    pub bytes: u64,
    /// Entries that were handed over and have no outcome yet.
    pub in_flight: u64,
    /// Entries that did not become a record, by why.
    pub failures: Failures,
}

/// Counts of entries that did not become a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Failures {
    /// [`StoreError::Unsupported`].
    pub unsupported: u64,
    /// [`StoreError::Serializer`], [`StoreError::PassThrough`], [`StoreError::Binary`] and [`StoreError::Conversion`].
    pub bad_entry: u64,
    /// [`StoreError::Refused`].
    pub refused: u64,
    /// [`StoreError::Blocked`].
    pub blocked: u64,
    /// [`StoreError::Unavailable`].
    pub unavailable: u64,
    /// [`StoreError::Full`].
    pub full: u64,
    /// [`StoreError::Closed`].
    pub closed: u64,
}

impl Failures {
    /// Returns all of them.
    pub fn total(&self) -> u64 {
        let never = self.unsupported + self.bad_entry + self.refused;
        never + self.blocked + self.unavailable + self.full + self.closed
    }
}

#[derive(Debug, Default)]
pub(crate) struct Counters {
    acknowledged: AtomicU64,
    deletes: AtomicU64,
    bytes: AtomicU64,
    held: AtomicU64,
    released: AtomicU64,
    unsupported: AtomicU64,
    bad_entry: AtomicU64,
    refused: AtomicU64,
    blocked: AtomicU64,
    unavailable: AtomicU64,
    full: AtomicU64,
    closed: AtomicU64,
}

impl Counters {
    pub(crate) fn held(&self, count: u64) {
        self.held.fetch_add(count, Ordering::Relaxed);
    }

    /// Counts `count` outcomes.
    pub(crate) fn released(&self, count: u64) {
        self.released.fetch_add(count, Ordering::Relaxed);
    }

    pub(crate) fn acknowledged(&self, records: u64, deletes: u64, bytes: u64) {
        self.acknowledged.fetch_add(records, Ordering::Relaxed);
        self.deletes.fetch_add(deletes, Ordering::Relaxed);
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    pub(crate) fn failed(&self, error: &StoreError) {
        let count = match error {
            StoreError::Unsupported(_) => &self.unsupported,
            error if error.is_retriable() && !matches!(error, StoreError::Full) => &self.unavailable,
            StoreError::Serializer { .. }
            | StoreError::PassThrough(_)
            | StoreError::Binary { .. }
            | StoreError::Conversion(_) => &self.bad_entry,
            StoreError::Refused(_) => &self.refused,
            StoreError::Blocked(_) => &self.blocked,
            StoreError::Unavailable(_) => &self.unavailable,
            StoreError::Full => &self.full,
            StoreError::Closed => &self.closed,
        };
        count.fetch_add(1, Ordering::Relaxed);
    }

    pub(crate) fn read(&self) -> StoreStats {
        let read = |count: &AtomicU64| count.load(Ordering::Relaxed);
        let released = read(&self.released);
        StoreStats {
            acknowledged: read(&self.acknowledged),
            deletes: read(&self.deletes),
            bytes: read(&self.bytes),
            in_flight: read(&self.held).saturating_sub(released),
            failures: Failures {
                unsupported: read(&self.unsupported),
                bad_entry: read(&self.bad_entry),
                refused: read(&self.refused),
                blocked: read(&self.blocked),
                unavailable: read(&self.unavailable),
                full: read(&self.full),
                closed: read(&self.closed),
            },
        }
    }
}
