//! What the tests of the entry store have in common.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use coherence_kafka_common::map::Expiry;
use coherence_kafka_common::pof::PofContext;
use coherence_kafka_common::pof::serde::to_binary;
use parking_lot::{Condvar, Mutex};

use crate::binary_entry::BinaryEntry;
use crate::error::StoreError;
use crate::observer::StoreObserver;

/// Long enough for everything that a test waits for, on a machine that is busy.
pub(crate) const SOON: Duration = Duration::from_secs(60);

/// Returns an entry of a map of POF, a text under a number.
pub(crate) fn entry(key: i32, value: &str) -> BinaryEntry {
    BinaryEntry { value: Some(binary(value)), ..removed(key) }
}

pub(crate) fn removed(key: i32) -> BinaryEntry {
    BinaryEntry { key: binary(&key), value: None, update: false, expiry: Expiry::Default }
}

pub(crate) fn binary<T: serde::Serialize + ?Sized>(value: &T) -> Bytes {
    to_binary(&PofContext::default(), value).unwrap().into()
}

/// An observer that keeps the outcomes, in order.
#[derive(Default)]
pub(crate) struct Seen {
    told: Mutex<Vec<(BinaryEntry, Result<(), StoreError>)>>,
    more: Condvar,
}

impl Seen {
    pub(crate) fn new() -> (Arc<Self>, Arc<dyn StoreObserver>) {
        let seen = Arc::new(Self::default());
        (seen.clone(), seen)
    }

    pub(crate) fn count(&self) -> usize {
        self.told.lock().len()
    }

    /// Waits until `count` entries have their outcome.
    #[track_caller]
    pub(crate) fn wait_for(&self, count: usize) -> Vec<(BinaryEntry, Result<(), StoreError>)> {
        let end = Instant::now() + SOON;
        let mut told = self.told.lock();
        while told.len() < count {
            let late = self.more.wait_until(&mut told, end).timed_out();
            assert!(!late, "{} of {count} outcomes", told.len());
        }
        assert_eq!(told.len(), count, "an outcome too many");
        told.clone()
    }

    fn notify(&self, entry: BinaryEntry, outcome: Result<(), StoreError>) {
        self.told.lock().push((entry, outcome));
        self.more.notify_all();
    }
}

impl StoreObserver for Seen {
    fn on_next(&self, entry: BinaryEntry) {
        self.notify(entry, Ok(()));
    }

    fn on_error(&self, entry: BinaryEntry, error: StoreError) {
        self.notify(entry, Err(error));
    }
}

/// Runs a future to its end, on a runtime that has tokio's time.
pub(crate) fn wait<T>(future: impl Future<Output = T>) -> T {
    tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap().block_on(future)
}
