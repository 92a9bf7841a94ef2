//! The outcomes of the records of one map.

use std::sync::Arc;

use coherence_kafka_core::{BinaryEntry, StoreError, StoreObserver};
use tokio::sync::mpsc;

use crate::status::Status;

/// Counts what is acknowledged and keeps what is not. What it keeps is bounded by what the store holds at most.
pub(crate) struct Outcomes {
    observer: Arc<dyn StoreObserver>,
    of_strays: Arc<dyn StoreObserver>,
    failed: mpsc::UnboundedReceiver<(BinaryEntry, StoreError)>,
}

impl std::fmt::Debug for Outcomes {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Outcomes").finish_non_exhaustive()
    }
}

/// Of tombstones for strays: only the next reading of the topic tries again.
struct OfStrays(Arc<Status>);

impl StoreObserver for OfStrays {
    fn on_next(&self, _: BinaryEntry) {
        self.0.in_flight.move_by(-1);
        self.0.acknowledged.one();
    }

    fn on_error(&self, _: BinaryEntry, error: StoreError) {
        self.0.in_flight.move_by(-1);
        if error.is_retriable() {
            self.0.failed.one();
        } else {
            self.0.refused.one();
        }
        let (map, topic) = (&self.0.map, &self.0.topic);
        tracing::warn!(map, topic, %error, "value in a wrong partition not deleted; the next comparison retries");
    }
}

struct Observer {
    status: Arc<Status>,
    failed: mpsc::UnboundedSender<(BinaryEntry, StoreError)>,
}

impl StoreObserver for Observer {
    fn on_next(&self, entry: BinaryEntry) {
        self.on_next_all(&mut std::iter::once(entry));
    }

    fn on_next_all(&self, entries: &mut dyn Iterator<Item = BinaryEntry>) {
        let acknowledged = entries.count();
        self.status.in_flight.move_by(-(acknowledged as i64));
        self.status.acknowledged.add(acknowledged as u64);
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        self.status.in_flight.move_by(-1);
        // The receiver is gone where the task has ended.
        let _ = self.failed.send((entry, error));
    }
}

impl Outcomes {
    /// Creates those of the map of `status`.
    pub(crate) fn new(status: Arc<Status>) -> Self {
        let (sender, failed) = mpsc::unbounded_channel();
        let of_strays = Arc::new(OfStrays(status.clone()));
        Self { observer: Arc::new(Observer { status, failed: sender }), of_strays, failed }
    }

    /// Returns the observer of tombstones in partitions of the source's choice.
    pub(crate) fn of_strays(&self) -> &Arc<dyn StoreObserver> {
        &self.of_strays
    }

    /// Returns the observer of the records.
    pub(crate) fn observer(&self) -> &Arc<dyn StoreObserver> {
        &self.observer
    }

    /// Returns the next entry that did not become a record.
    pub(crate) async fn failed(&mut self) -> Option<(BinaryEntry, StoreError)> {
        self.failed.recv().await
    }

    /// Returns true where no failed entry waits.
    pub(crate) fn is_empty(&self) -> bool {
        self.failed.is_empty()
    }

    /// Drops what waits to be taken.
    pub(crate) fn forget(&mut self) {
        while self.failed.try_recv().is_ok() {}
    }
}
