use std::collections::BTreeSet;

use coherence_kafka_common::map::Expiry;
use proptest::prelude::*;

use super::clock::simulated::Time;
use super::*;
use crate::plan::WriteKind;
use grid::{Grid, State};

mod grid;
mod outages;
mod slow;
mod thaws;

fn key(n: usize) -> Vec<u8> {
    format!("k{n}").into_bytes()
}

/// The records behind `n` entries have the offsets 0, 1, ….
fn puts(range: std::ops::Range<usize>, expiry: Expiry) -> MapWrite {
    let entries =
        Arc::new(coherence_kafka_common::map::Entries::from_pairs(range.clone().map(|i| (key(i), b"v"))));
    let sources = range.map(|i| RecordId { partition: 0, offset: i as i64 }).collect();
    MapWrite { kind: WriteKind::Put(expiry), entries, sources }
}

/// A batch of `n` puts; the record behind entry `i` has offset `i`.
fn batch(n: usize) -> BatchWrites {
    vec![("m".into(), vec![puts(0..n, Expiry::Default)])]
}

fn keys(numbers: impl IntoIterator<Item = usize>) -> BTreeSet<Vec<u8>> {
    numbers.into_iter().map(key).collect()
}

fn writer_with(grid: &Grid, timeout: Option<Duration>) -> Writer {
    let backoff = RetryPolicy { min: Duration::from_millis(100), max: Duration::from_secs(60), timeout };
    Writer::new(grid.session(), backoff, Arc::default(), "t".to_owned()).on(grid.time())
}

fn write_with(grid: &Grid, batch: &BatchWrites, timeout: Option<Duration>) -> Result<Vec<i64>, WriteFailure> {
    let writer = writer_with(grid, timeout);
    grid.time().run(writer.write(batch)).map(|refused| offsets(&refused))
}

fn write_all(grid: &Grid, batch: &BatchWrites) -> Result<Vec<i64>, WriteFailure> {
    write_with(grid, batch, None)
}

fn offsets(refused: &[RejectedRecord]) -> Vec<i64> {
    let mut offsets: Vec<_> = refused.iter().map(|refused| refused.source.offset).collect();
    offsets.sort_unstable();
    offsets
}

#[test]
fn a_refused_write_is_narrowed_down_to_the_culprits() {
    let grid = Grid::new(State { refused: keys([3, 500, 501]), ..State::default() });
    assert_eq!(write_all(&grid, &batch(1000)), Ok(vec![3, 500, 501]));
    assert_eq!(grid.written().len(), 997);
    let calls = grid.calls();
    assert!(calls < 70, "{calls} calls for 3 culprits among 1,000");
    assert_eq!(grid.passed(), Duration::ZERO, "what the grid itself refuses needs no time");
}

#[test]
fn an_entry_that_cannot_be_sent_is_left_out_without_a_search() {
    let grid = Grid::new(State { not_sent: keys([7, 9]), ..State::default() });
    assert_eq!(write_all(&grid, &batch(100)), Ok(vec![7, 9]));
    assert_eq!(grid.written().len(), 98);
    assert_eq!(grid.calls(), 3);
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
    assert_eq!(write_all(&grid, &two_maps("other")), Ok(vec![0, 0]));
    grid.empty();
    grid.lock().away = 3;
    assert_eq!(write_all(&grid, &batch(4)), Ok(vec![0]));
    assert_eq!(grid.written(), keys(1..4));
}

#[test]
fn what_a_grid_had_accepted_before_it_went_away_is_written_again() {
    // One entry fails for a while, so that the others are accepted first; then the grid loses everything. They are
    // more than are written again with each attempt.
    let grid = Grid::new(State { throwing: keys([1]), ..State::default() });
    let writer = writer_with(&grid, None);
    let batch = batch(20);
    let outcome = grid.time().run(async {
        let mut write = std::pin::pin!(writer.write(&batch));
        assert!(futures::poll!(&mut write).is_pending());
        assert_eq!(grid.written(), keys((0..20).filter(|&i| i != 1)));
        grid.empty();
        {
            let state = &mut *grid.lock();
            state.throwing.clear();
            state.away = 1;
        }
        write.await
    });
    assert_eq!(outcome, Ok(vec![]));
    assert_eq!(grid.written(), keys(0..20));
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
    let timeout = Duration::from_secs(20);
    let failure = write_with(&grid, &batch(10), Some(timeout)).unwrap_err();
    assert!(matches!(failure, WriteFailure::GivenUp { after, .. } if after == timeout), "{failure}");
    assert!(grid.calls() > 1);
    assert_eq!(grid.passed(), timeout);
}

/// Polls `write` until it waits for an earlier one, and then lets it go on.
fn holds_until_resolved(grid: &Grid, calls: usize) {
    let counters = Arc::new(Counters::default());
    let none = RetryPolicy { min: Duration::ZERO, max: Duration::ZERO, timeout: None };
    let writer = Writer::new(grid.session(), none, counters.clone(), "t".to_owned());
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    runtime.block_on(async {
        let batch = batch(3);
        let mut write = std::pin::pin!(writer.write(&batch));
        for _ in 0..100 {
            assert!(futures::poll!(&mut write).is_pending());
            tokio::task::yield_now().await;
        }
        assert_eq!(grid.calls(), calls, "it goes no further");
        let reason = "an earlier attempt is unanswered".to_owned();
        assert_eq!(*counters.holding.lock(), Some(Holding { cause: Cause::EarlierAttempt, reason }));
        assert_eq!(counters.unanswered.now(), 1);
        grid.resolve();
        assert_eq!(write.await, Ok(vec![]));
        assert_eq!(*counters.holding.lock(), None);
        assert_eq!(counters.unanswered_given_up.now(), u64::from(grid.lock().gives_up));
    });
    assert_eq!(grid.written(), keys(0..3));
}

#[test]
fn a_batch_is_begun_only_when_no_earlier_attempt_may_still_be_applied() {
    holds_until_resolved(&Grid::new(State::default()).leave_in_doubt(keys(2..8)), 0);
}

#[test]
fn a_batch_is_written_while_an_earlier_attempt_may_still_change_other_entries() {
    let grid = Grid::new(State::default()).leave_in_doubt(keys(3..8));
    assert_eq!(write_all(&grid, &batch(3)), Ok(vec![]));
    assert_eq!(grid.written(), keys(0..3));
}

#[test]
fn a_batch_is_confirmed_only_when_none_of_its_own_attempts_may_still_be_applied() {
    holds_until_resolved(&Grid::new(State { away: 1, in_doubt_when_away: true, ..State::default() }), 2);
}

#[test]
fn an_answer_that_is_awaited_no_longer_is_counted() {
    holds_until_resolved(
        &Grid::new(State { gives_up: true, ..State::default() }).leave_in_doubt(keys(2..8)),
        0,
    );
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]
    #[test]
    fn whatever_is_refused_exactly_the_rest_is_written(
        n in 1usize..60,
        refused in prop::collection::btree_set(0usize..60, 0..6),
        throwing in prop::collection::btree_set(0usize..60, 0..4),
        not_sent in prop::collection::btree_set(0usize..60, 0..3),
        away in 0u32..4,
        applied_while_away in any::<bool>(),
        store_all in any::<bool>(),
        expires in any::<bool>(),
    ) {
        let culprits: BTreeSet<usize> =
            refused.iter().chain(&throwing).chain(&not_sent).copied().filter(|&i| i < n).collect();
        // Whether the others are to blame, only an accepted put can show.
        prop_assume!(culprits.len() < n || throwing.iter().all(|&i| i >= n));
        let grid = Grid::new(State {
            refused: keys(refused),
            throwing: keys(throwing),
            not_sent: keys(not_sent),
            away,
            applied_while_away,
            store_all,
            ..State::default()
        });
        let expiry = if expires { Expiry::Never } else { Expiry::Default };
        let batch = vec![("m".into(), vec![puts(0..n, expiry)])];
        let found = write_all(&grid, &batch).unwrap();
        prop_assert_eq!(found, culprits.iter().map(|&i| i as i64).collect::<Vec<_>>());
        prop_assert_eq!(grid.written(), keys((0..n).filter(|i| !culprits.contains(i))));
    }
}
