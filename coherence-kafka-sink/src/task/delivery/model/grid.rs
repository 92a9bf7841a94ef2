//! A grid that refuses, goes away, and applies what it says it has not: at once, or at any later time. Behind it is a
//! store that refuses some keys for good, and everything while it is away.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Instant;

use coherence_kafka_common::local::{Clock, LocalMap, LocalOptions, LocalSession, ManualClock};
use coherence_kafka_common::map::{Expiry, MapError, NamedMap as _, Session};
use coherence_kafka_common::splitmix::SplitMix64 as Random;
use coherence_kafka_common::testing::{Answer, FaultySession, LateWrites, Operation, Request};
use futures::{FutureExt as _, TryStreamExt as _};
use parking_lot::{Mutex, MutexGuard};

use super::log::{Place, expiry_of, place_of};
use crate::plan::WriteKind;
use crate::writer::BatchWrites;
use crate::writer::clock::simulated::Time;

pub(super) type MapKey = (String, Vec<u8>);

/// The maps of all topics.
const MAPS: [&str; 2] = ["t0", "t1"];

#[derive(Debug, Clone)]
pub(super) struct Grid {
    state: Arc<Mutex<State>>,
    maps: Arc<LocalSession>,
    /// What was sent without being answered or applied, and may still be applied.
    late: LateWrites,
    pub(super) time: Time,
}

#[derive(Debug, Default)]
pub(super) struct State {
    /// Keys whose cache store throws at every put.
    pub(super) throwing: BTreeSet<Vec<u8>>,
    /// Until then it throws at everything.
    pub(super) store_away: Option<Instant>,
    /// Until then it throws at so many of eight entries.
    pub(super) store_flaps: Option<(Instant, usize)>,
    /// The record of the last value that was put for each key, since its partition was begun.
    pub(super) order: BTreeMap<MapKey, Place>,
    /// Calls that still go wrong.
    pub(super) faults: usize,
    pub(super) random: Random,
}

/// What never waits.
fn now<T>(future: impl Future<Output = Result<T, MapError>>) -> T {
    future.now_or_never().expect("an embedded map never waits").unwrap()
}

/// Applies a late write.
fn apply(write: &Request) {
    now(write.apply());
}

impl Default for Grid {
    fn default() -> Self {
        // What is to expire is looked at where it is written; no entry goes in the middle of a world.
        let clock = Clock::Manual(ManualClock::default());
        let maps = Arc::new(LocalSession::with(LocalOptions { clock, ..LocalOptions::default() }));
        Self { state: Arc::default(), maps, late: LateWrites::default(), time: Time::default() }
    }
}

impl Grid {
    pub(super) fn session(&self) -> Arc<dyn Session> {
        let grid = self.clone();
        let script = move |request| grid.clone().answer(request);
        Arc::new(FaultySession::new(self.maps.clone(), script).with_late_writes(self.late.clone()))
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn map(&self, name: &str) -> Arc<LocalMap> {
        self.maps.local_map(name).unwrap()
    }

    pub(super) fn value(&self, (map, key): &MapKey) -> Option<Vec<u8>> {
        now(self.map(map).get(key)).map(|value| value.to_vec())
    }

    pub(super) fn entries(&self) -> BTreeMap<MapKey, Vec<u8>> {
        let mut all = BTreeMap::new();
        for name in MAPS {
            let entries: Vec<_> = now(self.map(name).entries().try_collect());
            let entries =
                entries.iter().map(|(key, value)| ((name.to_owned(), key.to_vec()), value.to_vec()));
            all.extend(entries);
        }
        all
    }

    /// Another process has the maps as its file holds them.
    pub(super) fn load(&self, entries: &BTreeMap<MapKey, Vec<u8>>) {
        MAPS.iter().for_each(|name| now(self.map(name).clear()));
        entries.iter().for_each(|(key, value)| self.apply(key, Some(value)));
    }

    /// Somebody else writes.
    pub(super) fn apply(&self, (map, key): &MapKey, value: Option<&Vec<u8>>) {
        let map = self.map(map);
        match value {
            Some(value) => drop(now(map.put(key, value, Expiry::Default))),
            None => drop(now(map.remove(key))),
        }
    }

    pub(super) fn has_late_writes(&self) -> bool {
        !self.late.lock().is_empty()
    }

    /// Applies one of the late writes.
    pub(super) fn apply_late(&self, random: &mut Random) {
        let write = {
            let late = &mut *self.late.lock();
            if late.is_empty() {
                return;
            }
            late.swap_remove(random.below(late.len()))
        };
        apply(&write);
    }

    /// Every late write is applied now, or never.
    pub(super) fn settle(&self) {
        self.settle_of(|_| true);
    }

    /// The same, of some of them.
    fn settle_of(&self, of: impl Fn(&Request) -> bool) {
        let late: Vec<_> = self.late.lock().extract_if(.., |write| of(write)).collect();
        late.iter().filter(|_| self.lock().random.one_in(2)).for_each(apply);
    }

    /// A part of a write whose answer is not awaited, and the rest of it later.
    pub(super) fn apply_some(&self, writes: &BatchWrites, random: &mut Random) {
        let all = random.one_in(3);
        for (map, write) in writes.iter().flat_map(|(map, writes)| writes.iter().map(move |w| (map, w))) {
            let operation = match write.kind {
                WriteKind::Put(expiry) => Operation::PutAll(expiry),
                WriteKind::PutNewer(_) => unreachable!("no world compares versions"),
                WriteKind::Remove => Operation::RemoveAll,
            };
            let request = Request::new(operation, self.map(map), write.entries.clone());
            for ((key, value), single) in request.entries.iter().zip(request.split()) {
                let taken = operation.is_removal() || (value[1] == 0 && !self.lock().throwing.contains(key));
                if taken && (all || random.one_in(2)) {
                    apply(&single);
                } else if taken && random.one_in(2) {
                    self.late.lock().push(single);
                }
            }
        }
    }

    async fn answer(self, request: Request) -> Answer {
        match request.operation {
            // Late writes of other keys stay late.
            Operation::Resolve => {
                self.settle_of(|write| write.concerns(request.map(), &request.entries));
                Ok(None)
            }
            operation if operation.is_write() => self.write(&request).await,
            _ => request.apply().await,
        }
    }

    async fn write(&self, request: &Request) -> Answer {
        let puts = !request.operation.is_removal();
        if let Operation::Put(expiry) | Operation::PutAll(expiry) = request.operation {
            assert!(request.entries.iter().all(|(_, value)| expiry == expiry_of(value)));
        }
        let away = || MapError::Unavailable("told to be away".to_owned());
        let (fault, part) = {
            let state = &mut *self.lock();
            let fault = state.faults > 0 && state.random.one_in(2);
            state.faults = state.faults.saturating_sub(1);
            (fault, state.random.below(3))
        };
        if puts && request.entries.iter().any(|(_, value)| value[1] == 1) {
            return if fault { Err(away()) } else { Err(MapError::Refused("told to refuse".to_owned())) };
        }
        let mut partial = false;
        for ((key, value), single) in request.entries.iter().zip(request.split()) {
            let throws = self.store_throws(key, puts);
            partial |= throws;
            // Nothing, half or all of a write that fails is applied.
            let applies = !fault || part == 2 || (part == 1 && self.lock().random.one_in(2));
            if !throws && applies {
                if puts {
                    self.check_order((request.map().to_owned(), key.to_vec()), place_of(value));
                }
                single.apply().await?;
            } else if !throws {
                self.late.lock().push(single);
            }
        }
        match (fault, partial) {
            (true, _) => Err(away()),
            (false, true) if request.operation.is_batch() => {
                Err(MapError::Undecided("Partial failure".to_owned()))
            }
            // No two texts are alike.
            (false, true) => {
                let n = self.lock().random.below(1_000_000);
                Err(MapError::Undecided(format!("the store throws: job {n} is not running")))
            }
            (false, false) => Ok(None),
        }
    }

    fn check_order(&self, key: MapKey, place: Place) {
        if let Some(before) = self.lock().order.insert(key, place) {
            assert!(before <= place, "{place:?} is written behind {before:?}");
        }
    }

    fn store_throws(&self, key: &[u8], puts: bool) -> bool {
        let (now, state) = (self.time.now(), &mut *self.lock());
        let away = state.store_away.is_some_and(|until| now < until);
        let flaps = state.store_flaps.filter(|(until, _)| now < *until);
        let flaps = flaps.is_some_and(|(_, of_eight)| state.random.below(8) < of_eight);
        away || flaps || (puts && state.throwing.contains(key))
    }
}
