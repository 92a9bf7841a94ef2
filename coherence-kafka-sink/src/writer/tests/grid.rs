//! A grid that refuses, goes away, is slow, and has a cache store behind it that fails, as it is asked to.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, Expiry, Format, NamedMap};
use coherence_kafka_common::splitmix::SplitMix64 as Random;
use futures::future::{BoxFuture, ready};
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use parking_lot::MutexGuard;

use super::*;

#[derive(Debug, Clone)]
pub(super) struct Grid {
    state: Arc<Mutex<State>>,
    time: Time,
    began: Instant,
    map: Arc<str>,
    gate: Option<Arc<dyn SendGate>>,
}

/// A key, and its value where it is put.
type Operation = (Vec<u8>, Option<Vec<u8>>);

#[derive(Debug, Default)]
pub(super) struct State {
    /// By key; the maps share them.
    pub(super) entries: BTreeMap<Vec<u8>, Vec<u8>>,
    /// A write that holds one of these is refused by the grid itself, and nothing of it applied.
    pub(super) refused: BTreeSet<Vec<u8>>,
    /// The store throws at these.
    pub(super) throwing: BTreeSet<Vec<u8>>,
    /// The store throws at everything in these seconds.
    pub(super) down: Vec<(u64, u64)>,
    /// The store throws at so many of 1,000 puts.
    pub(super) flaps: usize,
    /// The store writes what it gets at once in one transaction: all of it, or nothing.
    pub(super) store_all: bool,
    /// A removal does not reach the store.
    pub(super) removes_pass: bool,
    /// Every failure of the store takes so long.
    pub(super) failing_takes: Duration,
    /// Every entry takes so long, one after the other.
    pub(super) entry_takes: Duration,
    /// Nobody waits longer for an answer.
    pub(super) request_timeout: Option<Duration>,
    /// When the store has nothing to do any more.
    pub(super) busy_until: Option<Instant>,
    /// Entries that the store was given.
    pub(super) stored: usize,
    /// These are never sent.
    pub(super) not_sent: BTreeSet<Vec<u8>>,
    /// So many calls from now on find no grid.
    pub(super) away: u32,
    /// Applied, though answered as not available.
    pub(super) applied_while_away: bool,
    pub(super) misuse: bool,
    /// An earlier write may still change these.
    pub(super) in_doubt: BTreeSet<Vec<u8>>,
    /// A call that finds no grid leaves its keys in doubt.
    pub(super) in_doubt_when_away: bool,
    /// What [`Session::until_resolved`] returns in the end.
    pub(super) gives_up: bool,
    pub(super) calls: usize,
    /// Requests that have left.
    pub(super) requests: usize,
    /// The process is frozen for this long when so many requests have left.
    pub(super) freezes: Option<(usize, Duration)>,
    pub(super) random: Random,
    pub(super) texts: usize,
}

impl Grid {
    pub(super) fn new(state: State) -> Self {
        let time = Time::default();
        let began = time.now();
        Self { state: Arc::new(Mutex::new(state)), time, began, map: "m".into(), gate: None }
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    pub(super) fn time(&self) -> Time {
        self.time.clone()
    }

    pub(super) fn passed(&self) -> Duration {
        self.time.now() - self.began
    }

    pub(super) fn written(&self) -> BTreeSet<Vec<u8>> {
        self.lock().entries.keys().cloned().collect()
    }

    /// One request leaves, if it may.
    fn leave(&self) -> Result<(), MapError> {
        if let Some(Err(reason)) = self.gate.as_ref().map(|gate| gate.check()) {
            return Err(MapError::Unavailable(format!("not sent: {reason}")));
        }
        let mut state = self.lock();
        state.requests += 1;
        let left = state.requests;
        if let Some((_, frozen)) = state.freezes.take_if(|(requests, _)| *requests == left) {
            drop(state);
            std::thread::sleep(frozen);
        }
        Ok(())
    }

    async fn write(&self, operations: Vec<Operation>, expiry: Expiry, alone: bool) -> Result<(), MapError> {
        self.lock().calls += 1;
        // With an expiry each entry is a request.
        let each = !alone && expiry != Expiry::Default;
        if let Some(index) = operations.iter().position(|(key, _)| self.lock().not_sent.contains(key)) {
            return Err(MapError::NotSent { index, reason: "too large".to_owned() });
        }
        if !each {
            return self.request(operations, alone).await;
        }
        let mut refused = None;
        for operation in operations {
            match self.request(vec![operation], true).await {
                Ok(()) => {}
                Err(error) if error.is_retriable() => return Err(error),
                Err(error) => refused = Some(error),
            }
        }
        refused.map_or(Ok(()), Err)
    }

    async fn request(&self, operations: Vec<Operation>, alone: bool) -> Result<(), MapError> {
        self.leave()?;
        let (answer, at) = {
            let passed = self.passed().as_secs();
            let state = &mut *self.lock();
            let took = state.entry_takes * operations.len() as u32;
            let answer = state.apply(passed, operations, alone);
            let mut at = self.time.now();
            if matches!(answer, Err(MapError::Undecided(_))) {
                at += state.failing_takes;
            }
            if !took.is_zero() {
                at = at.max(state.busy_until.unwrap_or(at)) + took;
                state.busy_until = Some(at);
            }
            (answer, at)
        };
        let takes = at - self.time.now();
        let patience = self.lock().request_timeout.unwrap_or(Duration::MAX);
        if takes > patience {
            self.time.sleep(patience).await;
            return Err(MapError::Unanswered("no answer in time".to_owned()));
        }
        if !takes.is_zero() {
            self.time.sleep(takes).await;
        }
        answer
    }
}

impl State {
    fn apply(&mut self, second: u64, operations: Vec<Operation>, alone: bool) -> Result<(), MapError> {
        let away = self.away > 0;
        if away && self.in_doubt_when_away {
            self.in_doubt.extend(operations.iter().map(|(key, _)| key.clone()));
        }
        self.away = self.away.saturating_sub(1);
        if away && !self.applied_while_away {
            return Err(MapError::Unavailable("away".to_owned()));
        }
        if operations.iter().any(|(key, _)| self.refused.contains(key)) {
            return Err(MapError::Refused("unknown user type: 5".to_owned()));
        }
        let fails: Vec<_> = operations
            .iter()
            .map(|(key, value)| {
                let reaches = value.is_some() || !self.removes_pass;
                let down = self.down.iter().any(|(from, to)| (*from..*to).contains(&second));
                let flaps = self.random.below(1000) < self.flaps;
                reaches && (down || flaps || self.throwing.contains(key))
            })
            .collect();
        let any = fails.contains(&true);
        for ((key, value), fails) in operations.into_iter().zip(fails) {
            self.stored += 1;
            match value {
                _ if fails || (any && self.store_all) => {}
                Some(value) => drop(self.entries.insert(key, value)),
                None => drop(self.entries.remove(&key)),
            }
        }
        match any {
            true if alone => Err(MapError::Undecided(self.text())),
            true => Err(MapError::Undecided("Partial failure".to_owned())),
            false if away => Err(MapError::Unavailable("away".to_owned())),
            false => Ok(()),
        }
    }

    /// No two texts of the store are alike.
    fn text(&mut self) -> String {
        self.texts += 1;
        let n = self.texts;
        match n % 3 {
            0 => format!("HikariPool-1 - Connection is not available, request timed out after {n}ms"),
            1 => format!("job {n} is not running"),
            _ => format!("the statement has been terminated ({n})"),
        }
    }
}

impl Session for Grid {
    fn format(&self) -> Format {
        Format::Pof
    }

    fn check_map_name(&self, _name: &str) -> Result<(), MapError> {
        Ok(())
    }

    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        let misuse = self.lock().misuse;
        let opened = || Arc::new(Self { map: name.into(), ..self.clone() });
        let map: Result<Arc<dyn NamedMap>, _> =
            if misuse { Err(MapError::Refused("no mapping".to_owned())) } else { Ok(opened()) };
        ready(map).boxed()
    }

    fn gated_map<'a>(
        &'a self,
        name: &'a str,
        gate: &'a Arc<dyn SendGate>,
    ) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        let map: Arc<dyn NamedMap> =
            Arc::new(Self { map: name.into(), gate: Some(gate.clone()), ..self.clone() });
        ready(Ok(map)).boxed()
    }

    fn in_doubt(&self, entries: &[OfMap<'_>]) -> Option<String> {
        let in_doubt = &self.lock().in_doubt;
        let mut keys = entries.iter().flat_map(|of| of.entries.iter());
        keys.any(|(key, _)| in_doubt.contains(key)).then(|| "an earlier attempt is unanswered".to_owned())
    }

    fn until_resolved<'a>(&'a self, entries: &'a [OfMap<'a>]) -> BoxFuture<'a, bool> {
        async {
            while self.in_doubt(entries).is_some() {
                tokio::task::yield_now().await;
            }
            !self.lock().gives_up
        }
        .boxed()
    }
}

impl NamedMap for Grid {
    fn name(&self) -> &str {
        &self.map
    }

    fn get<'a>(&'a self, _key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        ready(Ok(None)).boxed()
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        let operation = (key.to_vec(), Some(value.to_vec()));
        async move { self.write(vec![operation], expiry, true).await.map(|()| None) }.boxed()
    }

    fn put_all(&self, entries: Arc<Entries>, expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        let operations = entries.iter().map(|(k, v)| (k.to_vec(), Some(v.to_vec()))).collect();
        self.write(operations, expiry, false).boxed()
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        let operation = (key.to_vec(), None);
        async move { self.write(vec![operation], Expiry::Default, true).await.map(|()| None) }.boxed()
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        let operations = keys.iter().map(|(key, _)| (key.to_vec(), None)).collect();
        self.write(operations, Expiry::Default, false).boxed()
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        ready(Ok(self.lock().entries.len())).boxed()
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        futures::stream::empty().boxed()
    }
}
