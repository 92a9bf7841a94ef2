//! A grid that needs longer for a batch than anybody waits for an answer.

use super::*;

fn slow() -> Grid {
    Grid::new(State {
        entry_takes: Duration::from_millis(10),
        request_timeout: Some(Duration::from_secs(30)),
        ..State::default()
    })
}

#[test]
fn a_batch_that_takes_longer_than_the_request_timeout_is_written_in_parts() {
    let grid = slow();
    let writer = writer_with(&grid, None);
    assert_eq!(grid.time().run(writer.write(&batch(5000))), Ok(vec![]));
    assert_eq!(grid.written().len(), 5000);
    let stored = grid.lock().stored;
    assert!(stored <= 3 * 5000, "the store was given {stored} entries");

    // What was learned holds for the next batches.
    for _ in 0..20 {
        let (before, began) = (grid.lock().stored, grid.passed());
        assert_eq!(grid.time().run(writer.write(&batch(5000))), Ok(vec![]));
        assert_eq!(grid.lock().stored - before, 5000, "nothing is written twice");
        assert_eq!(grid.passed() - began, Duration::from_secs(50));
    }
    let parts = writer.pace.lock().at_once();
    assert!((1000..2000).contains(&parts), "{parts} at once");
}

#[test]
fn parts_that_were_answered_are_not_written_again_after_one_that_was_not() {
    // The store stands still for a while, again and again, and never finishes a batch without that.
    let grid = slow();
    let writer = writer_with(&grid, None);
    let batch = batch(5000);
    grid.time().run(writer.write(&batch)).unwrap();
    let before = grid.lock().stored;
    let outcome = grid.time().run(async {
        let mut write = std::pin::pin!(writer.write(&batch));
        let mut stalls = 0;
        loop {
            if let std::task::Poll::Ready(outcome) = futures::poll!(&mut write) {
                break outcome;
            }
            if stalls < 5 && grid.lock().stored - before > (stalls + 1) * 800 {
                stalls += 1;
                let busy = grid.lock().busy_until;
                grid.lock().busy_until = busy.map(|busy| busy + Duration::from_secs(40));
            }
            grid.time().sleep(Duration::from_millis(500)).await;
        }
    });
    assert_eq!(outcome, Ok(vec![]));
    let stored = grid.lock().stored - before;
    assert!(stored <= 3 * 5000, "the store was given {stored} entries");
}
