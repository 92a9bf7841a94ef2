//! A cache store behind the grid that fails: an outage, or a record that it does not take.

use coherence_kafka_common::splitmix::SplitMix64 as Random;

use super::*;

const TEN_MINUTES: u64 = 600;
const EXPIRIES: [Expiry; 2] = [Expiry::Default, Expiry::After(Duration::from_secs(60))];

fn secs(n: u64) -> Duration {
    Duration::from_secs(n)
}

fn puts_to_m(n: usize, expiry: Expiry) -> BatchWrites {
    vec![("m".into(), vec![puts(0..n, expiry)])]
}

/// Writes as a task does that has nothing else to read: again and again the same batch.
fn write_alone(grid: &Grid, batch: &BatchWrites) -> Vec<i64> {
    let writer = writer_with(grid, None);
    loop {
        match grid.time().run(writer.write(batch)) {
            Err(WriteFailure::Alone { .. }) => {}
            outcome => return offsets(&outcome.unwrap()),
        }
    }
}

#[test]
fn a_store_that_is_away_for_ten_minutes_makes_no_record_a_culprit() {
    for n in [1, 2, 9, 1000] {
        for expiry in EXPIRIES {
            for store_all in [false, true] {
                let down = vec![(0, TEN_MINUTES)];
                let grid = Grid::new(State { down, store_all, ..State::default() });
                assert_eq!(write_alone(&grid, &puts_to_m(n, expiry)), [0i64; 0], "{n} {expiry:?}");
                assert_eq!(grid.written().len(), n);
                assert!((secs(600)..=secs(661)).contains(&grid.passed()), "{:?}", grid.passed());
                let calls = grid.calls();
                assert!(calls < 3_000, "{calls} calls in ten minutes");
            }
        }
    }
}

#[test]
fn a_store_whose_every_failure_takes_long_is_waited_for() {
    for n in [1, 100] {
        let (down, failing_takes) = (vec![(0, TEN_MINUTES)], secs(5));
        let grid = Grid::new(State { down, failing_takes, ..State::default() });
        assert_eq!(write_alone(&grid, &batch(n)), [0i64; 0]);
        assert_eq!(grid.written().len(), n);
    }
}

#[test]
fn a_store_that_goes_away_after_it_has_taken_some_blames_none_of_the_others() {
    // The first attempt takes all but one; that one is suspected when the store goes away.
    for expiry in EXPIRIES {
        let grid = Grid::new(State { throwing: keys([3]), down: vec![(5, TEN_MINUTES)], ..State::default() });
        let writer = writer_with(&grid, None);
        let batch = puts_to_m(10, expiry);
        let outcome = grid.time().run(async {
            let mut write = std::pin::pin!(writer.write(&batch));
            assert!(futures::poll!(&mut write).is_pending());
            grid.lock().throwing.clear();
            grid.lock().down = vec![(0, TEN_MINUTES)];
            write.await
        });
        assert_eq!(outcome, Ok(vec![]));
        assert_eq!(grid.written().len(), 10);
    }
}

#[test]
fn a_store_that_takes_some_at_each_attempt_makes_no_record_a_culprit() {
    for seed in 0..10 {
        for flaps in [10, 300, 700, 950] {
            for n in [1, 2, 30, 300] {
                let random = Random(seed);
                let grid = Grid::new(State { flaps, random, ..State::default() });
                assert_eq!(write_alone(&grid, &batch(n)), [0i64; 0], "{flaps} of 1,000 fail, {n} entries");
                assert_eq!(grid.written().len(), n);
            }
        }
    }
}

#[test]
fn a_store_that_comes_and_goes_makes_no_record_a_culprit() {
    let down: Vec<_> = (0..60).map(|n| (n * 10, n * 10 + 7)).collect();
    for n in [1, 2, 500] {
        let grid = Grid::new(State { down: down.clone(), ..State::default() });
        assert_eq!(write_alone(&grid, &batch(n)), [0i64; 0]);
        assert_eq!(grid.written().len(), n);
    }
}

#[test]
fn a_record_that_the_store_refuses_among_others_is_isolated_after_the_timeout() {
    for n in [2, 100, 3000] {
        for expiry in EXPIRIES {
            for store_all in [false, true] {
                let grid = Grid::new(State { throwing: keys([1]), store_all, ..State::default() });
                assert_eq!(write_all(&grid, &puts_to_m(n, expiry)), Ok(vec![1]));
                assert_eq!(grid.written().len(), n - 1);
                assert_eq!(grid.passed(), secs(30));
                let stored = grid.lock().stored;
                assert!(stored < 4 * n + 300, "{stored} entries were given to the store");
            }
        }
    }
}

#[test]
fn many_records_that_the_store_refuses_are_isolated_together() {
    let poison: Vec<_> = (0..60).collect();
    let grid = Grid::new(State { throwing: keys(poison), ..State::default() });
    assert_eq!(write_all(&grid, &batch(200)), Ok((0..60).collect()));
    assert!((secs(30)..secs(120)).contains(&grid.passed()), "{:?}", grid.passed());
}

#[test]
fn a_record_that_arrives_during_an_outage_is_isolated_after_it() {
    let grid = Grid::new(State { throwing: keys([1]), down: vec![(0, TEN_MINUTES)], ..State::default() });
    assert_eq!(write_alone(&grid, &batch(50)), [1]);
    assert_eq!(grid.written().len(), 49);
    assert!((secs(630)..secs(692)).contains(&grid.passed()), "{:?}", grid.passed());
}

#[test]
fn a_record_without_neighbours_ends_its_write_after_the_timeout_and_is_isolated_with_one() {
    let grid = Grid::new(State { throwing: keys([0]), ..State::default() });
    let writer = writer_with(&grid, None);
    let failure = grid.time().run(writer.write(&batch(1))).unwrap_err();
    assert!(matches!(&failure, WriteFailure::Alone { map, .. } if &**map == "m"), "{failure}");
    assert_eq!(grid.passed(), secs(30));
    assert!(writer.counters.holding.lock().is_some(), "it is held still");
    // While nothing else comes it is tried less and less often, but never for longer than four times as long.
    for expected in [90, 210, 330, 450] {
        assert!(grid.time().run(writer.write(&batch(1))).is_err());
        assert_eq!(grid.passed(), secs(expected));
    }
    let culprits = grid.time().run(writer.write(&batch(2))).unwrap();
    assert_eq!(offsets(&culprits), [0]);
    assert_eq!(*writer.counters.holding.lock(), None);
    assert_eq!(grid.passed(), secs(480));
}

#[test]
fn a_neighbour_in_another_map_shows_nothing() {
    let grid = Grid::new(State { throwing: keys([0]), ..State::default() });
    let other = puts(1..5, Expiry::Default);
    let batch = vec![("m".into(), vec![puts(0..1, Expiry::Default)]), ("other".into(), vec![other])];
    let failure = write_all(&grid, &batch).unwrap_err();
    assert!(matches!(failure, WriteFailure::Alone { .. }), "{failure}");
    assert_eq!(grid.written().len(), 4, "which is written all the same");
}

#[test]
fn removals_that_succeed_without_the_store_blame_no_put() {
    let grid = Grid::new(State { down: vec![(0, TEN_MINUTES)], removes_pass: true, ..State::default() });
    let removals = MapWrite { kind: WriteKind::Remove, ..puts(10..40, Expiry::Default) };
    let batch = vec![("m".into(), vec![removals, puts(0..3, Expiry::Default)])];
    assert_eq!(write_alone(&grid, &batch), [0i64; 0]);
    assert_eq!(grid.written(), keys(0..3));
}

#[test]
fn an_outage_that_is_read_again_does_not_begin_anew() {
    let grid = Grid::new(State { down: vec![(0, TEN_MINUTES)], ..State::default() });
    let writer = writer_with(&grid, Some(secs(100)));
    let failure = loop {
        match grid.time().run(writer.write(&batch(1))) {
            Err(WriteFailure::Alone { .. }) => {}
            outcome => break outcome.unwrap_err(),
        }
    };
    assert!(matches!(failure, WriteFailure::GivenUp { .. }), "{failure}");
    assert_eq!(grid.passed(), secs(100));
}
