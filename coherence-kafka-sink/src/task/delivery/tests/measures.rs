//! What a delivery measures of its batches, writes and commits.

use super::*;

#[test]
fn records_in_hand_and_the_times_of_writes_and_commits_are_measured() {
    let mut bench = Bench::new(ErrorPolicy::default());
    let counters = bench.delivery.counters.clone();
    bench.take(0, 0, "good");
    bench.take(1, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    assert_eq!(counters.active.now(), 2);
    assert!(counters.held_bytes.now() > 0);
    assert_eq!(counters.bytes.now(), counters.held_bytes.now());
    bench.now += Duration::from_secs(3);
    assert_eq!(bench.written(1), ["commit t-0@1 t-1@1"]);
    assert_eq!((counters.active.now(), counters.held_bytes.now()), (0, 0));
    assert_eq!(counters.writes.window.average(bench.now), Some(3000.0));
    assert_eq!(counters.batch_sizes.window.maximum(bench.now), Some(2.0));
    bench.now += Duration::from_secs(2);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    assert_eq!(counters.commit_times.window.maximum(bench.now), Some(2000.0));
    assert_eq!(counters.commit_outcomes.average(bench.now), Some(1.0));
    assert_eq!(counters.commit_number.now(), 1);
}

#[test]
fn a_commit_that_is_answered_late_counts_as_failed_and_as_late() {
    let mut bench = Bench::new(ErrorPolicy::default());
    let counters = bench.delivery.counters.clone();
    bench.take(0, 0, "good");
    bench.tick();
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    bench.now += Duration::from_secs(6);
    assert_eq!(bench.tick(), ["commit t-0@1"]);
    assert_eq!(counters.commit_outcomes.average(bench.now), Some(0.0));
    bench.delivery.on_committed(1, Err(CommitError::Failed("late".to_owned())), bench.now);
    assert_eq!((counters.commits_late.now(), counters.commit_failures.now()), (1, 0));
    assert_eq!(counters.commit_times.window.maximum(bench.now), None, "it was not awaited");
    bench.delivery.on_committed(2, Ok(()), bench.now);
    assert_eq!(counters.commit_outcomes.average(bench.now), Some(0.5));
}

#[test]
fn a_partition_that_is_released_has_no_lag() {
    let mut bench = Bench::new(ErrorPolicy::default());
    let counters = bench.delivery.counters.clone();
    *counters.lags.lock() = vec![(tp(0), 5), (tp(1), 6)];
    bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
    assert_eq!(bench.actions(), ["release t-0"]);
    assert_eq!(*counters.lags.lock(), [(tp(1), 6)]);
}
