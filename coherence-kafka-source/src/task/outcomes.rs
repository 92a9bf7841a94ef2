//! What becomes of the records of one map.

use std::sync::Arc;

use coherence_kafka_core::{BinaryEntry, StoreError, StoreObserver};
use tokio::sync::mpsc;

use crate::status::Status;

/// Counts what is acknowledged and keeps what is not. What it keeps is bounded by what the store holds at most.
pub struct Outcomes {
    observer: Arc<dyn StoreObserver>,
    failed: mpsc::UnboundedReceiver<(BinaryEntry, StoreError)>,
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
        // Nobody takes it any more where the task has ended.
        let _ = self.failed.send((entry, error));
    }
}

impl Outcomes {
    /// Those of the map of `status`.
    pub fn new(status: Arc<Status>) -> Self {
        let (sender, failed) = mpsc::unbounded_channel();
        Self { observer: Arc::new(Observer { status, failed: sender }), failed }
    }

    /// Who is to be told.
    pub fn observer(&self) -> &Arc<dyn StoreObserver> {
        &self.observer
    }

    /// The next entry that did not become a record.
    pub async fn failed(&mut self) -> Option<(BinaryEntry, StoreError)> {
        self.failed.recv().await
    }

    /// Nothing waits to be taken.
    pub fn is_empty(&self) -> bool {
        self.failed.is_empty()
    }

    /// Drops what waits to be taken.
    pub fn forget(&mut self) {
        while self.failed.try_recv().is_ok() {}
    }
}
