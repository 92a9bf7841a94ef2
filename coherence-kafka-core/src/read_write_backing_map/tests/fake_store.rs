//! An entry store in memory that a test tells how to behave.

use std::collections::VecDeque;
use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use futures::FutureExt as _;
use futures::future::{BoxFuture, ready};
use parking_lot::Mutex;
use std::sync::Arc;
use tokio::sync::Notify;

use crate::binary_entry::BinaryEntry;
use crate::entry_store::EntryStore;
use crate::error::StoreError;
use crate::observer::StoreObserver;

/// What becomes of an entry that is given to the store.
pub(super) enum Answer {
    Stored,
    Failed(StoreError),
    /// The test gives the outcome, by [`FakeStore::release`].
    Held,
    /// Stored, from another thread and a little later.
    Late,
}

type Behaviour = Box<dyn FnMut(&BinaryEntry) -> Answer + Send>;
type Waiting = (BinaryEntry, Arc<dyn StoreObserver>);

#[derive(Default)]
struct State {
    behaviour: Option<Behaviour>,
    /// What was stored, in order.
    log: Vec<BinaryEntry>,
    held: VecDeque<Waiting>,
    calls: usize,
    capacity: usize,
}

#[derive(Clone)]
pub(super) struct FakeStore {
    state: Arc<Mutex<State>>,
    room: Arc<Notify>,
    max_block: Duration,
}

impl FakeStore {
    pub(super) fn new(behaviour: impl FnMut(&BinaryEntry) -> Answer + Send + 'static) -> Self {
        Self::with_capacity(usize::MAX, behaviour)
    }

    /// One that holds so many without outcome.
    pub(super) fn with_capacity(
        capacity: usize,
        behaviour: impl FnMut(&BinaryEntry) -> Answer + Send + 'static,
    ) -> Self {
        let max_block = Duration::from_secs(60);
        let store = Self { state: Arc::default(), room: Arc::default(), max_block };
        store.state.lock().capacity = capacity;
        store.behave(behaviour);
        store
    }

    pub(super) fn with_max_block(self, max_block: Duration) -> Self {
        Self { max_block, ..self }
    }

    /// Holds nothing more.
    pub(super) fn fill(&self) {
        self.state.lock().capacity = 0;
    }

    fn has_room(&self) -> bool {
        let state = self.state.lock();
        state.held.len() < state.capacity
    }

    /// How often it was called to store or erase.
    pub(super) fn calls(&self) -> usize {
        self.state.lock().calls
    }

    pub(super) fn behave(&self, behaviour: impl FnMut(&BinaryEntry) -> Answer + Send + 'static) {
        self.state.lock().behaviour = Some(Box::new(behaviour));
    }

    pub(super) fn log(&self) -> Vec<BinaryEntry> {
        self.state.lock().log.clone()
    }

    pub(super) fn held(&self) -> usize {
        self.state.lock().held.len()
    }

    /// Ends the oldest that is held.
    pub(super) fn release(&self, error: Option<StoreError>) {
        let mut state = self.state.lock();
        let (entry, observer) = state.held.pop_front().unwrap();
        if error.is_none() {
            state.log.push(entry.clone());
        }
        drop(state);
        self.room.notify_waiters();
        match error {
            None => observer.on_next(entry),
            Some(error) => observer.on_error(entry, error),
        }
    }

    fn take_all(&self, entries: Vec<BinaryEntry>, observer: &Arc<dyn StoreObserver>) {
        self.state.lock().calls += 1;
        entries.into_iter().for_each(|entry| self.take(entry, observer));
    }

    fn take(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        let mut state = self.state.lock();
        if state.held.len() >= state.capacity {
            drop(state);
            return observer.on_error(entry, StoreError::Full);
        }
        let answer = state.behaviour.as_mut().unwrap()(&entry);
        match answer {
            Answer::Stored => {
                state.log.push(entry.clone());
                drop(state);
                observer.on_next(entry);
            }
            Answer::Failed(error) => {
                drop(state);
                observer.on_error(entry, error);
            }
            Answer::Held => state.held.push_back((entry, observer.clone())),
            Answer::Late => {
                state.held.push_back((entry, observer.clone()));
                let store = self.clone();
                tokio::spawn(async move {
                    tokio::task::yield_now().await;
                    store.release(None);
                });
            }
        }
    }
}

impl EntryStore for FakeStore {
    fn store(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        self.store_all(vec![entry], observer);
    }

    fn erase(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        self.erase_all(vec![entry], observer);
    }

    fn store_all(&self, entries: Vec<BinaryEntry>, observer: &Arc<dyn StoreObserver>) {
        assert!(entries.iter().all(|entry| entry.value.is_some()));
        self.take_all(entries, observer);
    }

    fn erase_all(&self, entries: Vec<BinaryEntry>, observer: &Arc<dyn StoreObserver>) {
        assert!(entries.iter().all(|entry| entry.value.is_none()));
        self.take_all(entries, observer);
    }

    fn max_block(&self) -> Duration {
        self.max_block
    }

    fn load(&self, entry: BinaryEntry, observer: &Arc<dyn StoreObserver>) {
        observer.on_error(entry, StoreError::Unsupported("load"));
    }

    fn room(&self) -> BoxFuture<'_, ()> {
        async move {
            loop {
                let room = self.room.notified();
                tokio::pin!(room);
                room.as_mut().enable();
                if self.has_room() {
                    return;
                }
                room.await;
            }
        }
        .boxed()
    }

    fn flush(&self) -> BoxFuture<'_, ()> {
        ready(()).boxed()
    }

    fn close(&self, _: Duration) -> BoxFuture<'_, usize> {
        ready(0).boxed()
    }
}

impl fmt::Debug for FakeStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("FakeStore")
    }
}

/// What the topic would give a reader: the newest of each key.
pub(super) fn replayed(log: &[BinaryEntry]) -> std::collections::BTreeMap<Bytes, Bytes> {
    let mut map = std::collections::BTreeMap::new();
    for entry in log {
        match &entry.value {
            Some(value) => map.insert(entry.key.clone(), value.clone()),
            None => map.remove(&entry.key),
        };
    }
    map
}
