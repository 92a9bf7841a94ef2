//! A grid that refuses, goes away, and applies what it says it has not: at once, or at any later time. Behind it is a
//! store that refuses some keys for good, and everything while it is away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, Expiry, Format, MapError, NamedMap, OfMap, Session};
use coherence_kafka_common::splitmix::SplitMix64 as Random;
use futures::future::{BoxFuture, ready};
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use parking_lot::{Mutex, MutexGuard};

use super::log::{Place, expiry_of, place_of};
use crate::plan::WriteKind;
use crate::writer::BatchWrites;
use crate::writer::clock::simulated::Time;

pub(super) type MapKey = (String, Vec<u8>);

#[derive(Debug, Clone, Default)]
pub(super) struct Grid(Arc<Mutex<State>>, pub(super) Time);

#[derive(Debug, Default)]
pub(super) struct State {
    pub(super) entries: BTreeMap<MapKey, Vec<u8>>,
    /// Keys whose cache store throws at every put.
    pub(super) throwing: BTreeSet<Vec<u8>>,
    /// Until then it throws at everything.
    pub(super) store_away: Option<Instant>,
    /// Until then it throws at so many of eight entries.
    pub(super) store_flaps: Option<(Instant, usize)>,
    /// What was sent without being answered or applied, and may still be applied.
    pub(super) late: Vec<(MapKey, Option<Vec<u8>>)>,
    /// The record of the last value that was put for each key, since its partition was begun.
    pub(super) order: BTreeMap<MapKey, Place>,
    /// Calls that still go wrong.
    pub(super) faults: usize,
    pub(super) random: Random,
}

#[derive(Debug)]
struct Map {
    name: String,
    grid: Grid,
}

/// A value of `None` removes the key.
type Operation = (Vec<u8>, Option<Vec<u8>>);

impl Grid {
    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock()
    }

    pub(super) fn apply(&self, key: MapKey, value: Option<Vec<u8>>) {
        match value {
            Some(value) => drop(self.lock().entries.insert(key, value)),
            None => drop(self.lock().entries.remove(&key)),
        }
    }

    /// Applies one of the late writes.
    pub(super) fn apply_late(&self, random: &mut Random) {
        let (key, value) = {
            let late = &mut self.lock().late;
            if late.is_empty() {
                return;
            }
            let index = random.below(late.len());
            late.swap_remove(index)
        };
        self.apply(key, value);
    }

    /// Every late write is applied now, or never.
    pub(super) fn settle(&self) {
        self.settle_of(|_| true);
    }

    /// The same, of some keys.
    fn settle_of(&self, of: impl Fn(&MapKey) -> bool) {
        let late: Vec<_> = self.lock().late.extract_if(.., |(key, _)| of(key)).collect();
        for (key, value) in late {
            if self.lock().random.one_in(2) {
                self.apply(key, value);
            }
        }
    }

    /// Some of a write whose answer nobody waits for, some of it later.
    pub(super) fn apply_some(&self, writes: &BatchWrites, random: &mut Random) {
        let all = random.one_in(3);
        for (map, writes) in writes {
            for write in writes {
                for (key, value) in write.entries.iter() {
                    let value = (write.kind != WriteKind::Remove).then(|| value.to_vec());
                    let taken =
                        value.as_ref().is_none_or(|v| v[1] == 0 && !self.lock().throwing.contains(key));
                    let key = (map.to_string(), key.to_vec());
                    if taken && (all || random.one_in(2)) {
                        self.apply(key, value);
                    } else if taken && random.one_in(2) {
                        self.lock().late.push((key, value));
                    }
                }
            }
        }
    }

    fn write(&self, map: &str, operations: Vec<Operation>, alone: bool) -> Result<(), MapError> {
        let away = || MapError::Unavailable("told to be away".to_owned());
        let (fault, part) = {
            let state = &mut *self.lock();
            let fault = state.faults > 0 && state.random.one_in(2);
            state.faults = state.faults.saturating_sub(1);
            (fault, state.random.below(3))
        };
        if operations.iter().any(|(_, value)| value.as_ref().is_some_and(|value| value[1] == 1)) {
            return if fault { Err(away()) } else { Err(MapError::Refused("told to refuse".to_owned())) };
        }
        let mut partial = false;
        for (key, value) in operations {
            let throws = self.store_throws(&key, value.is_some());
            partial |= throws;
            // Nothing, half or all of a write that fails is applied.
            let applies = !fault || part == 2 || (part == 1 && self.lock().random.one_in(2));
            let key = (map.to_owned(), key);
            if !throws && applies {
                if let Some(place) = value.as_deref().map(place_of)
                    && let Some(before) = self.lock().order.insert(key.clone(), place)
                {
                    assert!(before <= place, "{place:?} is written behind {before:?}");
                }
                self.apply(key, value);
            } else if !throws {
                self.lock().late.push((key, value));
            }
        }
        match (fault, partial) {
            (true, _) => Err(away()),
            // No two texts are alike.
            (false, true) if alone => {
                let n = self.lock().random.below(1_000_000);
                Err(MapError::Undecided(format!("the store throws: job {n} is not running")))
            }
            (false, true) => Err(MapError::Undecided("Partial failure".to_owned())),
            (false, false) => Ok(()),
        }
    }

    fn store_throws(&self, key: &[u8], puts: bool) -> bool {
        let (now, state) = (self.1.now(), &mut *self.lock());
        let away = state.store_away.is_some_and(|until| now < until);
        let flaps = state.store_flaps.filter(|(until, _)| now < *until);
        let flaps = flaps.is_some_and(|(_, of_eight)| state.random.below(8) < of_eight);
        away || flaps || (puts && state.throwing.contains(key))
    }
}

fn is_of(entries: &[OfMap<'_>], (map, key): &MapKey) -> bool {
    entries.iter().any(|of| of.map == map && of.entries.iter().any(|(k, _)| k == key))
}

impl Session for Grid {
    fn format(&self) -> Format {
        Format::Pof
    }

    fn check_map_name(&self, _name: &str) -> Result<(), MapError> {
        Ok(())
    }

    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        let map: Arc<dyn NamedMap> = Arc::new(Map { name: name.to_owned(), grid: self.clone() });
        ready(Ok(map)).boxed()
    }

    fn in_doubt(&self, entries: &[OfMap<'_>]) -> Option<String> {
        let any = self.lock().late.iter().any(|(key, _)| is_of(entries, key));
        any.then(|| "an earlier attempt is unanswered".to_owned())
    }

    /// Late writes of other keys stay late.
    fn until_resolved<'a>(&'a self, entries: &'a [OfMap<'a>]) -> BoxFuture<'a, bool> {
        self.settle_of(|key| is_of(entries, key));
        ready(true).boxed()
    }
}

impl NamedMap for Map {
    fn name(&self) -> &str {
        &self.name
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        assert_eq!(expiry, expiry_of(value));
        let operation = (key.to_vec(), Some(value.to_vec()));
        ready(self.grid.write(&self.name, vec![operation], true).map(|()| None)).boxed()
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        ready(self.grid.write(&self.name, vec![(key.to_vec(), None)], true).map(|()| None)).boxed()
    }

    fn put_all(&self, entries: Arc<Entries>, expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        assert!(entries.iter().all(|(_, value)| expiry == expiry_of(value)));
        let operations = entries.iter().map(|(key, value)| (key.to_vec(), Some(value.to_vec()))).collect();
        ready(self.grid.write(&self.name, operations, false)).boxed()
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        let operations = keys.iter().map(|(key, _)| (key.to_vec(), None)).collect();
        ready(self.grid.write(&self.name, operations, false)).boxed()
    }

    fn get<'a>(&'a self, _key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        ready(Ok(None)).boxed()
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        ready(Ok(0)).boxed()
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        futures::stream::empty().boxed()
    }
}
