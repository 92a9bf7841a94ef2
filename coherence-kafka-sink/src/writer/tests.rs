use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use coherence_kafka_common::map::{Expiry, Format};
use futures::future::{BoxFuture, ready};
use futures::stream::BoxStream;
use futures::{FutureExt as _, StreamExt as _};
use parking_lot::Mutex;
use proptest::prelude::*;

use super::*;

/// A grid of one map that refuses, and goes away, as it is told.
#[derive(Debug, Clone, Default)]
struct Grid(Arc<Mutex<State>>);

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    /// A write that holds one of these is refused, and nothing of it applied.
    refused: BTreeSet<Vec<u8>>,
    /// A write of several that holds one of these is applied without it and answered as a partial failure.
    partial: BTreeSet<Vec<u8>>,
    /// These are never sent.
    not_sent: BTreeSet<Vec<u8>>,
    /// So many calls from now on find no grid.
    away: u32,
    /// Applied, though answered as not available.
    applied_while_away: bool,
    misuse: bool,
    /// So many calls from now on are refused, whatever they hold.
    refuses_all: u32,
    /// An earlier write may still be applied.
    unsettled: bool,
    /// So it is after a call that found no grid.
    unsettled_when_away: bool,
    /// What [`Session::settled`] says in the end.
    gives_up: bool,
    calls: usize,
}

impl Grid {
    fn new(state: State) -> Self {
        Self(Arc::new(Mutex::new(state)))
    }

    fn write(&self, entries: &[(Vec<u8>, Option<Vec<u8>>)]) -> Result<(), MapError> {
        let mut state = self.0.lock();
        state.calls += 1;
        let away = state.away > 0;
        state.unsettled |= away && state.unsettled_when_away;
        state.away = state.away.saturating_sub(1);
        if away && !state.applied_while_away {
            return Err(MapError::Unavailable("away".to_owned()));
        }
        if state.refuses_all > 0 {
            state.refuses_all -= 1;
            return Err(MapError::Refused("trouble of its own".to_owned()));
        }
        if let Some(index) = entries.iter().position(|(key, _)| state.not_sent.contains(key)) {
            return Err(MapError::NotSent { index, reason: "too large".to_owned() });
        }
        if entries.iter().any(|(key, _)| state.refused.contains(key)) {
            return Err(MapError::Refused("no".to_owned()));
        }
        let mut partial = false;
        for (key, value) in entries {
            match value {
                _ if state.partial.contains(key) => partial = true,
                Some(value) => drop(state.entries.insert(key.clone(), value.clone())),
                None => drop(state.entries.remove(key)),
            }
        }
        match partial {
            true if entries.len() == 1 => Err(MapError::Refused("the store says no".to_owned())),
            true => Err(MapError::Unavailable("Partial failure".to_owned())),
            false if away => Err(MapError::Unavailable("away".to_owned())),
            false => Ok(()),
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

    fn map<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        let misuse = self.0.lock().misuse;
        let map: Result<Arc<dyn NamedMap>, _> =
            if misuse { Err(MapError::Refused("no mapping".to_owned())) } else { Ok(Arc::new(self.clone())) };
        ready(map).boxed()
    }

    fn unsettled(&self) -> Option<String> {
        self.0.lock().unsettled.then(|| "an earlier attempt is unanswered".to_owned())
    }

    fn settled(&self) -> BoxFuture<'_, bool> {
        async {
            while self.0.lock().unsettled {
                tokio::task::yield_now().await;
            }
            !self.0.lock().gives_up
        }
        .boxed()
    }
}

impl NamedMap for Grid {
    fn name(&self) -> &str {
        "m"
    }

    fn get<'a>(&'a self, _key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        ready(Ok(None)).boxed()
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        _expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        ready(self.write(&[(key.to_vec(), Some(value.to_vec()))]).map(|()| None)).boxed()
    }

    fn put_all(&self, entries: Arc<Entries>, _expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        let entries: Vec<_> = entries.iter().map(|(k, v)| (k.to_vec(), Some(v.to_vec()))).collect();
        // A batch of one is answered as a batch.
        let answer = match self.write(&entries) {
            Err(MapError::Refused(why)) if why.contains("store") => {
                Err(MapError::Unavailable("Partial failure".to_owned()))
            }
            answer => answer,
        };
        ready(answer).boxed()
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        let keys: Vec<_> = keys.iter().map(|(key, _)| (key.to_vec(), None)).collect();
        ready(self.write(&keys)).boxed()
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        ready(Ok(self.0.lock().entries.len())).boxed()
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        futures::stream::empty().boxed()
    }
}

fn key(n: usize) -> Vec<u8> {
    format!("k{n}").into_bytes()
}

/// A batch of `n` puts; the record behind entry `i` has offset `i`.
fn batch(n: usize) -> BatchWrites {
    let entries = Arc::new(Entries::from_pairs((0..n).map(|i| (key(i), b"v"))));
    let sources = (0..n).map(|i| Source { partition: 0, offset: i as i64 }).collect();
    vec![("m".into(), vec![Write { kind: Kind::Put(Expiry::Default), entries, sources }])]
}

fn write_with(grid: &Grid, batch: &BatchWrites, timeout: Option<Duration>) -> Result<Vec<i64>, WriteFailure> {
    let backoff = Backoff { min: Duration::from_millis(1), max: Duration::from_millis(2), timeout };
    let writer = Writer::new(Arc::new(grid.clone()), backoff, Arc::default(), "t".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let mut refused: Vec<_> =
        runtime.block_on(writer.write(batch))?.iter().map(|refused| refused.source.offset).collect();
    refused.sort_unstable();
    Ok(refused)
}

fn write_all(grid: &Grid, batch: &BatchWrites) -> Result<Vec<i64>, WriteFailure> {
    write_with(grid, batch, None)
}

fn keys(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<Vec<u8>> {
    numbers.into_iter().map(key).collect()
}

fn written(grid: &Grid) -> BTreeSet<Vec<u8>> {
    grid.0.lock().entries.keys().cloned().collect()
}

#[test]
fn a_refused_write_is_narrowed_down_to_the_culprits() {
    let grid = Grid::new(State { refused: keys([3, 500, 501]), ..State::default() });
    assert_eq!(write_all(&grid, &batch(1000)), Ok(vec![3, 500, 501]));
    assert_eq!(written(&grid).len(), 997);
    let calls = grid.0.lock().calls;
    assert!(calls < 70, "{calls} calls for 3 culprits among 1,000");
}

#[test]
fn a_grid_that_refuses_every_entry_alike_for_a_while_is_waited_for() {
    for calls in [1, 2, 10, 25] {
        let grid = Grid::new(State { refuses_all: calls, ..State::default() });
        assert_eq!(write_all(&grid, &batch(1000)), Ok(vec![]), "{calls} calls");
        assert_eq!(written(&grid).len(), 1000);
    }
}

#[test]
fn a_grid_that_goes_on_refusing_every_entry_alike_is_believed() {
    let grid = Grid::new(State { refuses_all: u32::MAX, ..State::default() });
    assert_eq!(write_all(&grid, &batch(100)), Ok((0..100).collect()));
    assert!(written(&grid).is_empty());
    let grid = Grid::new(State { refused: keys([0, 1]), ..State::default() });
    assert_eq!(write_all(&grid, &batch(2)), Ok(vec![0, 1]));
}

#[test]
fn an_entry_that_cannot_be_sent_is_left_out_without_a_search() {
    let grid = Grid::new(State { not_sent: keys([7, 9]), ..State::default() });
    assert_eq!(write_all(&grid, &batch(100)), Ok(vec![7, 9]));
    assert_eq!(written(&grid).len(), 98);
    assert_eq!(grid.0.lock().calls, 3);
}

#[test]
fn a_write_taken_in_part_again_and_again_is_narrowed_down_by_the_answer_to_single_entries() {
    let grid = Grid::new(State { partial: keys([0, 64]), ..State::default() });
    assert_eq!(write_all(&grid, &batch(100)), Ok(vec![0, 64]));
    assert_eq!(written(&grid).len(), 98);
}

#[test]
fn an_outage_makes_no_record_a_culprit() {
    let grid = Grid::new(State { away: 20, refused: keys([1]), ..State::default() });
    assert_eq!(write_all(&grid, &batch(10)), Ok(vec![1]));
    let grid = Grid::new(State { away: 20, ..State::default() });
    assert_eq!(write_all(&grid, &batch(1)), Ok(vec![]));
}

#[test]
fn after_an_outage_the_whole_batch_is_written_again_but_for_the_culprits() {
    let grid = Grid::new(State { refused: keys([0]), ..State::default() });
    let two_maps = |second: &str| {
        let mut batch = batch(4);
        batch.push((second.into(), batch[0].1.clone()));
        batch
    };
    assert_eq!(write_all(&grid, &two_maps("other")), Ok(vec![0]));
    grid.0.lock().entries.clear();
    grid.0.lock().away = 3;
    assert_eq!(write_all(&grid, &batch(4)), Ok(vec![0]));
    assert_eq!(written(&grid), keys(1..4));
}

#[test]
fn a_map_that_cannot_be_opened_is_no_records_fault() {
    let grid = Grid::new(State { misuse: true, ..State::default() });
    let failure = write_all(&grid, &batch(10)).unwrap_err();
    assert_eq!(failure.to_string(), "map m: refused by the grid: no mapping");
}

#[test]
fn a_grid_that_stays_away_is_given_up_after_the_retry_timeout() {
    let grid = Grid::new(State { away: u32::MAX, ..State::default() });
    let timeout = Duration::from_millis(20);
    let failure = write_with(&grid, &batch(10), Some(timeout)).unwrap_err();
    assert!(matches!(failure, WriteFailure::GivenUp { after, .. } if after == timeout), "{failure}");
    assert!(grid.0.lock().calls > 1);
}

/// Polls `write` until it waits for an earlier one, and then lets it go on.
fn holds_until_settled(grid: &Grid, calls: usize) {
    let counters = Arc::new(Counters::default());
    let none = Backoff { min: Duration::ZERO, max: Duration::ZERO, timeout: None };
    let writer = Writer::new(Arc::new(grid.clone()), none, counters.clone(), "t".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let batch = batch(3);
        let mut write = std::pin::pin!(writer.write(&batch));
        for _ in 0..100 {
            assert!(futures::poll!(&mut write).is_pending());
            tokio::task::yield_now().await;
        }
        assert_eq!(grid.0.lock().calls, calls, "it goes no further");
        assert_eq!(counters.holding.lock().as_deref(), Some("an earlier attempt is unanswered"));
        assert_eq!(counters.unanswered.now(), 1);
        grid.0.lock().unsettled = false;
        assert_eq!(write.await, Ok(vec![]));
        assert_eq!(*counters.holding.lock(), None);
        assert_eq!(counters.unanswered_given_up.now(), u64::from(grid.0.lock().gives_up));
    });
    assert_eq!(written(grid), keys(0..3));
}

#[test]
fn a_batch_is_begun_only_when_no_earlier_attempt_may_still_be_applied() {
    holds_until_settled(&Grid::new(State { unsettled: true, ..State::default() }), 0);
}

#[test]
fn a_batch_is_confirmed_only_when_none_of_its_own_attempts_may_still_be_applied() {
    holds_until_settled(&Grid::new(State { away: 1, unsettled_when_away: true, ..State::default() }), 2);
}

#[test]
fn an_answer_that_is_awaited_no_longer_is_counted() {
    holds_until_settled(&Grid::new(State { unsettled: true, gives_up: true, ..State::default() }), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_refused_exactly_the_rest_is_written(
        n in 1usize..60,
        refused in prop::collection::btree_set(0usize..60, 0..6),
        partial in prop::collection::btree_set(0usize..60, 0..4),
        not_sent in prop::collection::btree_set(0usize..60, 0..3),
        away in 0u32..4,
        applied_while_away in any::<bool>(),
    ) {
        let culprits: BTreeSet<usize> =
            refused.iter().chain(&partial).chain(&not_sent).copied().filter(|&i| i < n).collect();
        let grid = Grid::new(State {
            refused: keys(refused),
            partial: keys(partial),
            not_sent: keys(not_sent),
            away,
            applied_while_away,
            ..State::default()
        });
        let found = write_all(&grid, &batch(n)).unwrap();
        prop_assert_eq!(found, culprits.iter().map(|&i| i as i64).collect::<Vec<_>>());
        prop_assert_eq!(written(&grid), keys((0..n).filter(|i| !culprits.contains(i))));
    }
}
