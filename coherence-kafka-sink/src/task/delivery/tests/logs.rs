//! Logs that change under their reader, and where reading begins.

use super::*;

/// Ten records of a log that is written and committed, and the first ones of another one.
fn created_again(policy: ErrorPolicy) -> Bench {
    let mut bench = Bench::new(policy);
    for offset in 1000..1010 {
        bench.take(0, offset, "good");
    }
    assert_eq!(bench.tick(), ["write 1"]);
    assert_eq!(bench.written(1), ["commit t-0@1010"]);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    bench
}

#[test]
fn a_log_that_was_created_again_is_read_from_its_own_positions() {
    let mut bench = created_again(all_with_queue());
    bench.take(0, 0, "good");
    bench.take(0, 1, "good");
    assert_eq!(bench.tick(), ["write 2", "commit t-0@0"], "the old position is replaced at once");
    bench.delivery.on_committed(2, Ok(()), bench.now);
    let source = RecordId { partition: bench.delivery.tracker.find("t", 0).unwrap(), offset: 1 };
    let error = MapError::Refused("no".to_owned());
    bench.delivery.on_written(2, Ok(vec![RejectedRecord { source, map: "t".into(), error }]), bench.now);
    assert_eq!(bench.actions(), ["seek t-0 0"]);
    bench.take(0, 0, "good");
    bench.take(0, 1, "good");
    assert_eq!(bench.tick(), ["report 1", "write 3"]);
    bench.written(3);
    bench.delivery.on_reported(1, Ok(()), bench.now);
    bench.now += Duration::from_secs(5);
    assert_eq!(bench.tick(), ["commit t-0@2"]);
    assert_eq!(bench.delivery.counters.logs_replaced.now(), 1);
}

#[test]
fn a_dead_letter_of_a_log_that_was_created_again_is_awaited_whatever_ends_of_the_old_one() {
    let mut bench = created_again(all_with_queue());
    bench.take(0, 1010, "good");
    assert_eq!(bench.tick(), ["write 2"]);
    assert!(bench.take(0, 0, "bad"));
    assert_eq!(bench.tick(), ["report 1", "commit t-0@0"]);
    bench.delivery.on_committed(2, Ok(()), bench.now);
    assert!(bench.written(2).is_empty(), "the position in the old log is no position in this one");
    bench.now += Duration::from_secs(5);
    assert!(bench.tick().is_empty());
    bench.delivery.on_reported(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["commit t-0@1"]);
}

#[test]
fn a_dead_letter_of_a_log_that_is_gone_fails_the_task_when_the_queue_refuses_it() {
    let mut bench = created_again(all_with_queue());
    assert!(bench.take(0, 1010, "bad"));
    assert_eq!(bench.tick(), ["report 1"]);
    bench.take(0, 0, "good");
    bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
    assert!(!bench.actions().iter().any(|action| action.starts_with("release")), "the letter is awaited");
    bench.delivery.on_reported(1, Err("no".to_owned()), bench.now);
    assert_eq!(bench.delivery.failure(), Some(&TaskFailure::DeadLetterQueue("no".to_owned())));
}

#[test]
fn a_truncated_log_is_read_again_where_it_was_not_confirmed() {
    let mut bench = Bench::new(ErrorPolicy::default());
    for offset in 800..1000 {
        bench.take(0, offset, "good");
    }
    assert_eq!(bench.tick(), ["write 1"]);
    bench.take(0, 900, "good");
    bench.delivery.on_revoked(vec![tp(1)], true, bench.now);
    assert_eq!(bench.actions(), ["abandon", "release t-1", "seek t-0 800", "commit t-0@800"]);
}

#[test]
fn a_position_of_the_old_log_that_is_being_saved_is_not_committed_into_the_new_one() {
    let mut bench = Bench::saving();
    bench.take(0, 1000, "good");
    bench.tick();
    assert_eq!(bench.written(1), ["save t-0@1001"]);
    bench.take(0, 0, "good");
    bench.delivery.on_saved(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["write 2", "save t-0@0"]);
}

#[test]
fn records_that_were_removed_unread_are_counted_and_the_gaps_of_compaction_are_not() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.delivery.on_positions(&[(tp(0), 5)]);
    bench.take(0, 9, "good");
    bench.take(1, 3, "good");
    bench.take(1, 7, "good");
    bench.delivery.on_log_starts(|tp| Some([0, 2][tp.partition as usize]));
    assert_eq!(bench.delivery.counters.offsets_removed.now(), 0);
    bench.take(0, 40, "good");
    bench.take(1, 20, "good");
    bench.delivery.on_log_starts(|tp| Some([30, 20][tp.partition as usize]));
    assert_eq!(bench.delivery.counters.offsets_removed.now(), 20 + 12);
    assert_eq!(bench.tick(), ["write 1"]);
    assert_eq!(bench.written(1), ["commit t-0@41 t-1@21"]);
}

#[test]
fn where_reading_begins_without_a_committed_offset_is_committed_before_any_record() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.delivery.on_positions(&[(tp(0), 5)]);
    bench.delivery.on_starts(&[(tp(1), 0)]);
    assert_eq!(bench.tick(), ["commit t-1@0"]);
}
