//! A process that is frozen in the middle of an attempt: nothing leaves any more once it runs again.

use super::*;

const LIMIT: Duration = Duration::from_millis(200);

/// Writes until nothing happens any more; how many requests have left.
fn left(state: State, batch: &BatchWrites) -> usize {
    let grid = Grid::new(state);
    let membership = Arc::new(GroupLease::new(LIMIT));
    membership.begin();
    let backoff = RetryPolicy { min: Duration::ZERO, max: Duration::ZERO, timeout: None };
    let writer = Writer::new(grid.session(), backoff, Arc::default(), "t".to_owned()).of_member(membership);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build().unwrap();
    let outcome = runtime.block_on(async { tokio::time::timeout(LIMIT, writer.write(batch)).await });
    assert!(outcome.is_err(), "it waits for the membership: {outcome:?}");
    grid.lock().requests
}

fn frozen_at(requests: usize) -> Option<(usize, Duration)> {
    Some((requests, 2 * LIMIT))
}

#[test]
fn of_a_hundred_maps_none_is_written_after_a_freeze() {
    let maps = (0..100).map(|n| (format!("m{n}").into(), vec![puts(n..n + 1, Expiry::Default)]));
    let state = State { freezes: frozen_at(20), ..State::default() };
    assert_eq!(left(state, &maps.collect()), 20);
}

#[test]
fn of_a_thousand_entries_that_expire_none_is_put_after_a_freeze() {
    let batch = vec![("m".into(), vec![puts(0..1000, Expiry::Never)])];
    let state = State { freezes: frozen_at(64), ..State::default() };
    assert_eq!(left(state, &batch), 64);
}

#[test]
fn no_half_of_a_write_that_is_narrowed_down_leaves_after_a_freeze() {
    for (throwing, refused) in [(keys([500]), keys([])), (keys([]), keys([500]))] {
        for requests in [1, 2, 5, 9] {
            let state = State {
                throwing: throwing.clone(),
                refused: refused.clone(),
                freezes: frozen_at(requests),
                ..State::default()
            };
            assert_eq!(left(state, &batch(1000)), requests);
        }
    }
}
