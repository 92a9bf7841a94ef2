//! A grid that refuses, goes away, is slow, and has a cache store behind it that fails, as it is asked to.

use std::collections::BTreeSet;

use coherence_kafka_common::local::{Clock, LocalMap, LocalOptions, LocalSession, ManualClock};
use coherence_kafka_common::map::{Entries, Expiry, NamedMap};
use coherence_kafka_common::splitmix::SplitMix64 as Random;
use coherence_kafka_common::testing::{Answer, FaultySession, LateWrites, Operation, Request};
use futures::{FutureExt as _, TryStreamExt as _};
use parking_lot::MutexGuard;

use super::*;

#[derive(Debug)]
pub(super) struct Grid {
    rules: Rules,
    maps: Arc<LocalSession>,
    session: Arc<FaultySession>,
}

/// Decides what becomes of a request.
#[derive(Debug, Clone)]
struct Rules {
    state: Arc<Mutex<State>>,
    late: LateWrites,
    time: Time,
    began: Instant,
}

#[derive(Debug, Default)]
pub(super) struct State {
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
    /// No map can be opened.
    pub(super) misuse: bool,
    /// A call that finds no grid leaves its keys in doubt.
    pub(super) in_doubt_when_away: bool,
    /// What [`Session::until_resolved`] returns in the end.
    pub(super) gives_up: bool,
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
        let rules = Rules { state: Arc::new(Mutex::new(state)), late: LateWrites::default(), time, began };
        // What is written to expire is still there at the end, however long the test takes.
        let clock = Clock::Manual(ManualClock::default());
        let maps = Arc::new(LocalSession::with(LocalOptions { clock, ..LocalOptions::default() }));
        let script = {
            let rules = rules.clone();
            move |request| rules.clone().answer(request)
        };
        let session = FaultySession::new(maps.clone(), script).with_late_writes(rules.late.clone());
        Self { rules, maps, session: Arc::new(session) }
    }

    pub(super) fn session(&self) -> Arc<dyn Session> {
        self.session.clone()
    }

    pub(super) fn lock(&self) -> MutexGuard<'_, State> {
        self.rules.state.lock()
    }

    pub(super) fn time(&self) -> Time {
        self.rules.time.clone()
    }

    pub(super) fn passed(&self) -> Duration {
        self.rules.passed()
    }

    /// How many calls were made to write something.
    pub(super) fn calls(&self) -> usize {
        self.session.requests().iter().filter(|request| request.operation.is_write()).count()
    }

    /// Every map that was opened.
    fn opened(&self) -> impl Iterator<Item = Arc<LocalMap>> {
        let requests = self.session.requests();
        let names: BTreeSet<_> = requests.iter().map(|request| request.map().to_owned()).collect();
        names.into_iter().map(|name| self.maps.local_map(&name).unwrap())
    }

    /// The keys in all maps.
    pub(super) fn written(&self) -> BTreeSet<Vec<u8>> {
        let keys = |map: Arc<LocalMap>| map.keys().try_collect::<Vec<_>>().now_or_never().unwrap().unwrap();
        self.opened().flat_map(keys).map(|key| key.to_vec()).collect()
    }

    /// What a grid that was restarted has: nothing.
    pub(super) fn empty(&self) {
        self.opened().for_each(|map| map.clear().now_or_never().unwrap().unwrap());
    }

    /// An earlier write may still change these.
    pub(super) fn leave_in_doubt(self, keys: BTreeSet<Vec<u8>>) -> Self {
        let entries = Arc::new(Entries::from_pairs(keys.iter().map(|key| (key, b"late"))));
        let map = self.maps.local_map("m").unwrap();
        self.rules.late.lock().push(Request::new(Operation::PutAll(Expiry::Default), map, entries));
        self
    }

    /// No earlier write may still change anything.
    pub(super) fn resolve(&self) {
        self.rules.late.lock().clear();
    }
}

impl Rules {
    fn passed(&self) -> Duration {
        self.time.now() - self.began
    }

    async fn answer(self, request: Request) -> Answer {
        match request.operation {
            Operation::Open if self.state.lock().misuse => Err(MapError::Refused("no mapping".to_owned())),
            Operation::Resolve => {
                while self.late.concern(request.map(), &request.entries) {
                    tokio::task::yield_now().await;
                }
                let gives_up = self.state.lock().gives_up;
                if gives_up { Err(MapError::Unanswered("gave up".to_owned())) } else { Ok(None) }
            }
            operation if operation.is_write() => self.write(request).await,
            _ => request.apply().await,
        }
    }

    async fn write(&self, request: Request) -> Answer {
        let not_sent = request.entries.iter().position(|(key, _)| self.state.lock().not_sent.contains(key));
        if let Some(index) = not_sent {
            return Err(MapError::NotSent { index, reason: "too large".to_owned() });
        }
        // With an expiry each entry is a request.
        match request.operation {
            Operation::PutAll(expiry) if expiry != Expiry::Default => {}
            operation => return self.request(&request, !operation.is_batch()).await,
        }
        let mut refused = None;
        for single in request.split() {
            match self.request(&single, true).await {
                Ok(_) => {}
                Err(error) if error.is_retriable() => return Err(error),
                Err(error) => refused = Some(error),
            }
        }
        refused.map_or(Ok(None), Err)
    }

    /// One request leaves, if it may.
    async fn request(&self, request: &Request, alone: bool) -> Answer {
        request.check_gate()?;
        self.freeze_where_due();
        let (applied, answer, at) = {
            let passed = self.passed().as_secs();
            let state = &mut *self.state.lock();
            let took = state.entry_takes * request.entries.len() as u32;
            let (applied, answer) = state.decide(passed, request, alone, &self.late);
            let mut at = self.time.now();
            if matches!(answer, Err(MapError::Undecided(_))) {
                at += state.failing_takes;
            }
            if !took.is_zero() {
                at = at.max(state.busy_until.unwrap_or(at)) + took;
                state.busy_until = Some(at);
            }
            (applied, answer, at)
        };
        for single in applied {
            single.apply().await?;
        }
        let takes = at - self.time.now();
        let patience = self.state.lock().request_timeout.unwrap_or(Duration::MAX);
        if takes > patience {
            self.time.sleep(patience).await;
            return Err(MapError::Unanswered("no answer in time".to_owned()));
        }
        if !takes.is_zero() {
            self.time.sleep(takes).await;
        }
        answer.map(|()| None)
    }

    fn freeze_where_due(&self) {
        let mut state = self.state.lock();
        state.requests += 1;
        let left = state.requests;
        if let Some((_, frozen)) = state.freezes.take_if(|(requests, _)| *requests == left) {
            drop(state);
            std::thread::sleep(frozen);
        }
    }
}

impl State {
    /// What of a request is applied, and its answer.
    fn decide(
        &mut self,
        second: u64,
        request: &Request,
        alone: bool,
        late: &LateWrites,
    ) -> (Vec<Request>, Result<(), MapError>) {
        let away = self.away > 0;
        if away && self.in_doubt_when_away {
            late.lock().push(request.clone());
        }
        self.away = self.away.saturating_sub(1);
        if away && !self.applied_while_away {
            return (Vec::new(), Err(MapError::Unavailable("away".to_owned())));
        }
        let keys = || request.entries.iter().map(|(key, _)| key);
        if keys().any(|key| self.refused.contains(key)) {
            return (Vec::new(), Err(MapError::Refused("unknown user type: 5".to_owned())));
        }
        let reaches = !request.operation.is_removal() || !self.removes_pass;
        let down = self.down.iter().any(|(from, to)| (*from..*to).contains(&second));
        let fails: Vec<_> = keys()
            .map(|key| {
                let flaps = self.random.below(1000) < self.flaps;
                reaches && (down || flaps || self.throwing.contains(key))
            })
            .collect();
        let any = fails.contains(&true);
        self.stored += fails.len();
        let applied = match (any, self.store_all) {
            (false, _) => vec![request.clone()],
            (true, true) => Vec::new(),
            (true, false) => {
                request.split().zip(fails).filter(|(_, fails)| !fails).map(|(single, _)| single).collect()
            }
        };
        let answer = match any {
            true if alone => Err(MapError::Undecided(self.text())),
            true => Err(MapError::Undecided("Partial failure".to_owned())),
            false if away => Err(MapError::Unavailable("away".to_owned())),
            false => Ok(()),
        };
        (applied, answer)
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
