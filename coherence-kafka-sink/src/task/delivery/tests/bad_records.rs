//! Records that the sink or the grid refuses, and their dead letters.

use super::*;

#[test]
fn a_batch_is_committed_when_the_queue_has_its_dead_letter() {
    let mut bench = Bench::new(all_with_queue());
    bench.take(0, 0, "good");
    assert!(bench.take(0, 1, "bad"));
    assert_eq!(bench.tick(), ["report 1", "write 1"]);
    assert_eq!(bench.written(1), ["commit t-0@1"], "what came before it waits for nothing");
    bench.delivery.on_committed(1, Ok(()), bench.now);
    bench.now += Duration::from_secs(5);
    assert!(bench.tick().is_empty());
    assert!(bench.delivery.counters.holding.lock().is_some());
    bench.delivery.on_reported(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["commit t-0@2"]);
    assert!(bench.delivery.counters.holding.lock().is_none());
}

#[test]
fn a_batch_is_full_of_dead_letters_too_with_their_headers() {
    let headers = [("h".repeat(600), Some(vec![0; 300])), ("n".to_owned(), None)];
    let letter = |bench: &mut Bench, offset| {
        assert!(bench.delivery.take(&RawRecord {
            topic: "t",
            partition: 0,
            offset,
            key: Some(b"not JSON"),
            value: Some(&[0; 91]),
            envelope: Envelope::Given(&headers, None),
        }));
    };
    let mut bench = Bench::new(all_with_queue());
    bench.delivery.options.batch_bytes = 2_000;
    letter(&mut bench, 0);
    assert!(bench.delivery.room() > 0);
    letter(&mut bench, 1);
    assert_eq!(bench.delivery.room(), 0);

    // Without a queue nothing of it is kept.
    let mut bench = Bench::new(ErrorPolicy { dead_letters: false, ..all_with_queue() });
    bench.delivery.options.batch_bytes = 2_000;
    letter(&mut bench, 0);
    letter(&mut bench, 1);
    assert!(bench.delivery.room() > 0);
}

#[test]
fn a_stop_finishes_a_batch_whose_bad_records_the_queue_was_given() {
    let mut bench = Bench::new(all_with_queue());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.take(0, 1, "bad");
    assert_eq!(bench.tick(), ["report 1"]);
    bench.delivery.on_stop(bench.now);
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    bench.delivery.on_reported(1, Ok(()), bench.now);
    assert!(bench.actions().is_empty());
    bench.delivery.on_committed(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["commit t-0@2"]);
    bench.delivery.on_committed(2, Ok(()), bench.now);
    assert!(bench.delivery.is_over());
}

#[test]
fn a_dead_letter_that_is_refused_ends_the_task_without_a_commit() {
    let mut bench = Bench::new(all_with_queue());
    bench.take(0, 0, "bad");
    assert_eq!(bench.tick(), ["report 1"]);
    bench.delivery.on_reported(1, Err("no".to_owned()), bench.now);
    assert!(bench.actions().is_empty());
    assert!(bench.delivery.is_over());
    let reason = "no".to_owned();
    let failure = TaskFailure::Record { topic: "t".to_owned(), partition: 0, offset: 0, reason };
    assert_eq!(bench.delivery.failure(), Some(&failure));
}

#[test]
fn a_batch_with_a_refused_record_is_read_again_and_reports_nothing_twice() {
    let mut bench = Bench::new(all_with_queue());
    let read = |bench: &mut Bench| {
        for (offset, value) in [(5, "good"), (6, "bad"), (7, "good")] {
            assert!(bench.take(0, offset, value));
        }
    };
    read(&mut bench);
    assert_eq!(bench.tick(), ["report 1", "write 1"]);
    let source = RecordId { partition: bench.delivery.tracker.find("t", 0).unwrap(), offset: 7 };
    let error = MapError::Refused("no".to_owned());
    bench.delivery.on_written(1, Ok(vec![RejectedRecord { source, map: "t".into(), error }]), bench.now);
    assert_eq!(bench.actions(), ["seek t-0 5"]);
    read(&mut bench);
    assert_eq!(bench.tick(), ["report 2", "write 2"]);
    assert_eq!(bench.written(2), ["commit t-0@6"]);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    bench.now += Duration::from_secs(5);
    bench.delivery.on_reported(2, Ok(()), bench.now);
    assert!(bench.actions().is_empty(), "the letter of the first reading is still on its way");
    bench.delivery.on_reported(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["commit t-0@8"]);
    assert_eq!(bench.delivery.counters.skipped.now(), 2);
}

#[test]
fn a_task_without_tolerance_writes_and_commits_what_came_before_the_bad_record() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert!(!bench.take(0, 1, "bad"));
    assert_eq!(bench.tick(), ["write 1"]);
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    assert!(!bench.delivery.is_over());
    bench.delivery.on_committed(1, Ok(()), bench.now);
    assert!(bench.delivery.is_over());
    assert!(matches!(bench.delivery.failure(), Some(TaskFailure::Record { offset: 1, .. })));
}

#[test]
fn what_came_before_a_dead_letter_that_is_refused_is_written_and_committed() {
    let mut bench = Bench::new(all_with_queue());
    for (offset, value) in [(0, "good"), (1, "good"), (2, "bad"), (3, "good"), (4, "bad")] {
        assert!(bench.take(0, offset, value));
    }
    assert!(bench.take(1, 0, "good"));
    assert_eq!(bench.tick(), ["report 1", "report 2", "write 1"]);
    bench.delivery.on_reported(1, Err("too large".to_owned()), bench.now);
    bench.delivery.on_reported(2, Ok(()), bench.now);
    assert!(bench.actions().is_empty(), "the write is not given up");
    assert_eq!(bench.delivery.room(), 0);
    assert_eq!(bench.written(1), ["commit t-0@2 t-1@1"]);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    assert!(bench.delivery.is_over());
    let failure = bench.delivery.failure().unwrap().to_string();
    assert_eq!(failure, "record t-0 at offset 2: too large");
}

#[test]
fn without_tolerance_the_trace_says_what_is_wrong_with_the_record_and_that_the_queue_refuses_it() {
    let mut bench = Bench::new(ErrorPolicy { tolerance: Tolerance::None, ..all_with_queue() });
    bench.take(0, 0, "good");
    assert!(!bench.take(0, 1, "bad"));
    assert_eq!(bench.tick(), ["report 1", "write 1"]);
    bench.delivery.on_reported(1, Err("too large".to_owned()), bench.now);
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    let failure = bench.delivery.failure().unwrap().to_string();
    assert!(failure.starts_with("record t-0 at offset 1: value: "), "{failure}");
    assert!(failure.ends_with("; too large"), "{failure}");
}

#[test]
fn a_task_that_fails_for_a_record_first_finishes_what_the_grid_refused_before_it() {
    let mut bench = Bench::new(ErrorPolicy::default());
    for offset in 0..3 {
        bench.take(0, offset, "good");
    }
    assert!(!bench.take(0, 3, "bad"));
    assert_eq!(bench.tick(), ["write 1"]);
    let source = RecordId { partition: bench.delivery.tracker.find("t", 0).unwrap(), offset: 1 };
    let error = MapError::Refused("no".to_owned());
    bench.delivery.on_written(1, Ok(vec![RejectedRecord { source, map: "t".into(), error }]), bench.now);
    assert_eq!(bench.actions(), ["seek t-0 0"]);
    assert!(bench.take(0, 0, "good"));
    assert!(!bench.take(0, 1, "good"));
    assert_eq!(bench.tick(), ["write 2"]);
    assert_eq!(bench.written(2), ["commit t-0@1"]);
    assert!(matches!(bench.delivery.failure(), Some(TaskFailure::Record { offset: 1, .. })));
}

#[test]
fn a_discarded_null_key_is_not_called_a_failure_in_the_header_of_its_dead_letter() {
    let policy = ErrorPolicy { context_headers: true, ..all_with_queue() };
    let mut bench = Bench::new(policy);
    assert!(bench.delivery.take(&RawRecord {
        topic: "t",
        partition: 0,
        offset: 0,
        key: None,
        value: Some(b"\x15\"v\""),
        envelope: Envelope::Given(&[], None),
    }));
    let Some(Action::Report(_, letter)) = bench.delivery.next_action() else { panic!("no letter") };
    let message = letter.headers.into_iter().find(|(name, _)| name == "__connect.errors.exception.message");
    let message = String::from_utf8(message.unwrap().1.unwrap()).unwrap();
    assert!(message.contains("ignore") && !message.contains("fail"), "{message}");
}

#[test]
fn a_batch_of_a_hundred_thousand_bad_records_is_acknowledged_in_no_time() {
    let mut bench = Bench::new(all_with_queue());
    bench.delivery.options.batch_records = 100_000;
    for offset in 0..100_000 {
        assert!(bench.take(0, offset, "bad"));
    }
    assert_eq!(bench.tick().len(), 100_000);
    let begin = Instant::now();
    for number in 1..=100_000 {
        bench.delivery.on_reported(number, Ok(()), bench.now);
    }
    // A look at each of the others would be ten thousand million looks.
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    assert_eq!(bench.actions(), ["commit t-0@100000"]);
}
