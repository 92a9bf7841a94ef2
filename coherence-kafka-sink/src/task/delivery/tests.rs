//! Single decisions, each by name; whole lives are in `model.rs`.

use std::time::Duration;

use coherence_kafka_common::map::{Format, MapError};
use coherence_kafka_rdkafka::record::Envelope;

use super::*;
use crate::config::Mappings;
use crate::errors::ErrorPolicy;
use crate::expiry::Expiries;
use crate::pipeline::{Form, Pipeline};
use limits::STRETCHED_RECORDS;

/// A delivery that has the partitions 0 and 1 of `t`, and the time.
struct Bench {
    delivery: Delivery,
    now: Instant,
}

fn tp(partition: i32) -> TopicPartition {
    TopicPartition { topic: "t".to_owned(), partition }
}

impl Bench {
    fn new(policy: ErrorPolicy) -> Self {
        Self::with(policy, false)
    }

    /// One whose maps are saved.
    fn saving() -> Self {
        Self::with(ErrorPolicy::default(), true)
    }

    fn with(policy: ErrorPolicy, saves: bool) -> Self {
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let options = DeliveryOptions {
            batch_records: 100,
            batch_bytes: 1 << 20,
            linger: Duration::from_millis(10),
            flush_interval: 5 * second,
            flush_timeout: 5 * second,
            revoke_deadline: second,
            stop_deadline: second,
            saves,
        };
        let pipeline = Pipeline {
            form: Form::PassThrough,
            format: Format::Json,
            max_entry_bytes: usize::MAX,
            null_values: policy.null_values,
        };
        let rules = Rules {
            pipeline: Arc::new(pipeline),
            mappings: Arc::new(Mappings::default()),
            expiries: Arc::new(Expiries::default()),
        };
        let reporter = Reporter { connector: "c".to_owned(), task: 0, policy, counters: Arc::default() };
        let mut delivery = Delivery::new("c-0".to_owned(), options, rules, reporter, now);
        delivery.on_assigned(vec![tp(0), tp(1)], |_| None);
        let mut bench = Self { delivery, now };
        assert_eq!(bench.actions(), ["assign t-0 t-1"]);
        bench
    }

    /// Takes a record; `good` is the only value that a map takes.
    fn take(&mut self, partition: i32, offset: i64, value: &str) -> bool {
        let key = format!("\x15\"{partition}/{offset}\"");
        let value = if value == "good" { "\x15\"v\"" } else { value };
        self.delivery.take(&RawRecord {
            topic: "t",
            partition,
            offset,
            key: Some(key.as_bytes()),
            value: Some(value.as_bytes()),
            envelope: Envelope::Given(&[], None),
        })
    }

    fn tick(&mut self) -> Vec<String> {
        self.delivery.on_tick(self.now);
        self.actions()
    }

    fn written(&mut self, number: WriteNumber) -> Vec<String> {
        self.delivery.on_written(number, Ok(Vec::new()), self.now);
        self.actions()
    }

    fn actions(&mut self) -> Vec<String> {
        let names =
            |partitions: &[TopicPartition]| partitions.iter().map(|tp| format!(" {tp}")).collect::<String>();
        let positions = |offsets: &[(TopicPartition, i64)]| {
            offsets.iter().map(|(tp, next)| format!(" {tp}@{next}")).collect::<String>()
        };
        std::iter::from_fn(|| self.delivery.next_action())
            .map(|action| match action {
                Action::Assign(partitions) => {
                    let partitions: Vec<_> = partitions.into_iter().map(|(tp, _)| tp).collect();
                    format!("assign{}", names(&partitions))
                }
                Action::Save(_, offsets) => format!("save{}", positions(&offsets)),
                Action::Release(partitions) => format!("release{}", names(&partitions)),
                Action::Seek(tp, at) => format!("seek {tp} {at}"),
                Action::Write(number, _) => format!("write {number}"),
                Action::Abandon => "abandon".to_owned(),
                Action::Commit(_, offsets) => format!("commit{}", positions(&offsets)),
                Action::Report(number, _) => format!("report {number}"),
            })
            .collect()
    }
}

fn all_with_queue() -> ErrorPolicy {
    ErrorPolicy { tolerance: Tolerance::All, dead_letters: true, ..ErrorPolicy::default() }
}

#[test]
fn the_first_batch_is_committed_at_once_and_the_next_ones_at_the_interval() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    bench.take(0, 1, "good");
    assert_eq!(bench.tick(), ["write 2"]);
    assert!(bench.written(2).is_empty());
    bench.now += Duration::from_secs(5);
    assert_eq!(bench.tick(), ["commit t-0@2"]);
}

#[test]
fn a_revoke_waits_for_the_write_and_its_commit_and_then_lets_go() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
    assert!(bench.actions().is_empty());
    assert_eq!(bench.delivery.room(), 0);
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["release t-0"]);
    assert!(bench.delivery.room() > 0);
}

#[test]
fn a_revoke_waits_for_its_own_commit_whatever_an_earlier_one_is_answered() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.delivery.options.revoke_deadline = Duration::from_secs(60);
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
    bench.now += Duration::from_secs(6);
    assert_eq!(bench.tick(), ["commit t-0@1"], "the first one was not answered in time");
    for late in [Ok(()), Err(CommitError::Failed("too late".to_owned()))] {
        bench.delivery.on_committed(1, late, bench.now);
        assert!(bench.actions().is_empty());
    }
    bench.delivery.on_committed(2, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["release t-0"]);
}

#[test]
fn a_revoke_whose_deadline_passes_abandons_the_write_and_reads_the_kept_partitions_again() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 7, "good");
    bench.take(1, 3, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
    bench.now += Duration::from_secs(1);
    assert_eq!(bench.tick(), ["abandon", "release t-0", "seek t-1 3"]);
    assert!(bench.written(1).is_empty(), "a late answer commits nothing");
}

#[test]
fn a_task_that_ends_lets_go_of_revoked_partitions_only_behind_its_write() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.delivery.on_stop(bench.now);
    bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
    assert!(bench.actions().is_empty());
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["release t-0"]);
    assert!(bench.delivery.is_over());
}

#[test]
fn a_batch_waits_for_more_records_until_it_lingered_is_full_or_is_waited_for() {
    let lingering = || {
        let mut bench = Bench::new(ErrorPolicy::default());
        bench.delivery.options.batch_records = 2;
        bench.take(0, 0, "good");
        bench.delivery.linger(bench.now);
        assert!(bench.tick().is_empty());
        bench
    };
    let mut bench = lingering();
    bench.now += Duration::from_micros(9_999);
    assert!(bench.tick().is_empty());
    assert_eq!(bench.delivery.lingers(bench.now), Duration::from_millis(1));
    bench.now += Duration::from_micros(1);
    assert_eq!(bench.delivery.lingers(bench.now), Duration::ZERO);
    assert_eq!(bench.tick(), ["write 1"]);

    let mut bench = lingering();
    bench.take(0, 1, "good");
    assert_eq!(bench.tick(), ["write 1"], "it is full");

    let mut bench = lingering();
    bench.delivery.on_revoked(vec![tp(1)], false, bench.now);
    assert_eq!(bench.actions(), ["write 1"], "its partitions are asked for");

    let mut bench = lingering();
    bench.take(0, 1, "bad");
    assert_eq!(bench.tick(), ["write 1"], "the task fails behind it");
}

#[test]
fn the_end_of_a_write_does_not_wait_for_more_records() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.take(0, 1, "good");
    bench.delivery.linger(bench.now);
    assert_eq!(bench.written(1), ["write 2", "commit t-0@1"]);
}

#[test]
fn every_failure_is_counted_once() {
    let errors = |fail: fn(&mut Bench)| {
        let mut bench = Bench::new(ErrorPolicy::default());
        bench.take(0, 0, "good");
        bench.tick();
        fail(&mut bench);
        bench.tick();
        bench.delivery.counters.errors.now()
    };
    assert_eq!(errors(|bench| bench.delivery.on_consumer_failure("no".to_owned())), 1);
    assert_eq!(errors(|bench| bench.delivery.on_consumer_lost("no".to_owned(), bench.now)), 1);
    assert_eq!(errors(|bench| bench.delivery.on_queue_failure("no".to_owned())), 1);
    assert_eq!(errors(|bench| bench.delivery.on_foreign_maps("no".to_owned())), 1);
    assert_eq!(errors(|bench| bench.delivery.on_written(1, Err(WriteFailure::Broken), bench.now)), 1);
    assert_eq!(errors(|bench| assert!(!bench.take(0, 1, "bad"))), 1);
}

#[test]
fn a_stop_during_a_revoke_ends_by_the_deadline_of_the_stop_and_by_that_of_the_revoke() {
    for (stop, revoke) in [(2, 60), (60, 2)] {
        let mut bench = Bench::new(ErrorPolicy::default());
        bench.delivery.options.stop_deadline = Duration::from_secs(stop);
        bench.delivery.options.revoke_deadline = Duration::from_secs(revoke);
        bench.take(0, 0, "good");
        assert_eq!(bench.tick(), ["write 1"]);
        bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
        bench.delivery.on_stop(bench.now);
        bench.now += Duration::from_secs(1);
        assert!(bench.tick().is_empty());
        bench.now += Duration::from_secs(1);
        assert_eq!(bench.tick(), ["abandon", "release t-0"]);
        assert!(bench.delivery.is_over());
    }
}

#[test]
fn a_revoke_during_a_stop_ends_by_the_same_deadlines() {
    for (stop, revoke) in [(2, 60), (60, 2)] {
        let mut bench = Bench::new(ErrorPolicy::default());
        bench.delivery.options.stop_deadline = Duration::from_secs(stop);
        bench.delivery.options.revoke_deadline = Duration::from_secs(revoke);
        bench.take(0, 0, "good");
        assert_eq!(bench.tick(), ["write 1"]);
        bench.delivery.on_stop(bench.now);
        bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
        bench.now += Duration::from_secs(1);
        assert!(bench.tick().is_empty());
        bench.now += Duration::from_secs(1);
        assert_eq!(bench.tick(), ["abandon", "release t-0"]);
        assert!(bench.delivery.is_over());
    }
}

#[test]
fn each_assign_and_each_revoke_is_answered_also_an_empty_one() {
    let mut bench = Bench::new(ErrorPolicy::default());
    let now = bench.now;
    bench.delivery.on_assigned(Vec::new(), |_| None);
    assert_eq!(bench.actions(), ["assign"]);
    for lost in [false, true] {
        bench.delivery.on_revoked(Vec::new(), lost, now);
        assert_eq!(bench.actions(), ["release"]);
        assert!(bench.delivery.room() > 0);
    }
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.delivery.on_revoked(Vec::new(), false, now);
    assert!(bench.actions().is_empty(), "the group divides anew what it reads behind this batch");
    bench.written(1);
    bench.delivery.on_committed(1, Ok(()), now);
    assert_eq!(bench.actions(), ["release"]);
}

#[test]
fn a_task_that_is_over_still_answers() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.delivery.on_stop(bench.now);
    assert!(bench.delivery.is_over());
    bench.delivery.on_revoked(vec![tp(0), tp(1)], false, bench.now);
    assert_eq!(bench.actions(), ["release t-0 t-1"]);
    bench.delivery.on_assigned(vec![tp(0)], |_| None);
    assert_eq!(bench.actions(), ["assign t-0"]);
}

#[test]
fn what_is_lost_while_it_is_asked_for_is_released_once_and_the_rest_is_still_waited_for() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(1, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    assert_eq!(bench.written(1), ["commit t-1@1"]);
    bench.delivery.on_revoked(vec![tp(0), tp(1)], false, bench.now);
    bench.delivery.on_revoked(vec![tp(0)], true, bench.now);
    assert_eq!(bench.actions(), ["release t-0", "seek t-1 1"]);
    bench.delivery.on_committed(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["release t-1"]);
}

#[test]
fn a_topic_that_is_deleted_holds_up_neither_a_revoke_nor_a_stop() {
    for stops in [false, true] {
        let mut bench = Bench::new(ErrorPolicy::default());
        bench.take(0, 0, "good");
        assert_eq!(bench.tick(), ["write 1"]);
        if stops {
            bench.delivery.on_stop(bench.now);
        }
        bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
        assert_eq!(bench.written(1), ["commit t-0@1"]);
        let unknown = CommitError::UnknownTopics(vec!["t".to_owned()]);
        bench.delivery.on_committed(1, Err(unknown), bench.now);
        assert_eq!(bench.actions(), ["release t-0"]);
        assert_eq!(bench.delivery.is_over(), stops);
    }
}

#[test]
fn what_a_broker_does_not_know_is_named_again_by_the_next_periodic_commit() {
    let mut bench = Bench::new(ErrorPolicy::default());
    let unknown = || Err(CommitError::UnknownTopics(vec!["t".to_owned()]));
    bench.take(0, 0, "good");
    bench.tick();
    assert_eq!(bench.written(1), ["commit t-0@1"]);
    bench.delivery.on_committed(1, unknown(), bench.now);
    assert!(bench.tick().is_empty());
    bench.now += Duration::from_secs(5);
    assert_eq!(bench.tick(), ["commit t-0@1"]);
    bench.delivery.on_committed(2, Ok(()), bench.now);
    bench.now += Duration::from_secs(5);
    assert!(bench.tick().is_empty());
    assert_eq!(bench.delivery.counters.commit_failures.now(), 1);
}

#[test]
fn what_is_lost_is_not_committed() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.delivery.on_revoked(vec![tp(0), tp(1)], true, bench.now);
    assert_eq!(bench.actions(), ["abandon", "release t-0 t-1"]);
    assert!(bench.written(1).is_empty());
}

#[test]
fn a_member_that_was_thrown_out_writes_and_commits_nothing_more() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.take(0, 0, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.take(0, 1, "good");
    bench.delivery.on_consumer_lost("fenced".to_owned(), bench.now);
    assert_eq!(bench.actions(), ["abandon", "release t-0 t-1"]);
    assert!(bench.written(1).is_empty());
    assert!(bench.delivery.is_over());
    assert_eq!(bench.delivery.failure(), Some(&TaskFailure::Consumer("fenced".to_owned())));
}

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
fn no_more_records_are_asked_for_than_fill_a_batch_if_they_are_like_those_before() {
    let mut bench = Bench::new(ErrorPolicy::default());
    bench.delivery.options.batch_bytes = 200;
    assert_eq!(bench.delivery.room(), 100, "nothing is known of them");
    // Key and value take ten bytes.
    bench.take(0, 0, "good");
    assert_eq!(bench.delivery.room(), 19);
    assert_eq!(bench.tick(), ["write 1"]);
    assert_eq!(bench.delivery.room(), 20, "as those of the batch in flight");
    bench.take(0, 1, &format!("\x15\"{}\"", "v".repeat(83)));
    assert_eq!(bench.delivery.room(), 3, "108 bytes are left, and the two took 51 on average");
    bench.take(0, 2, &format!("\x15\"{}\"", "v".repeat(200)));
    assert_eq!(bench.delivery.room(), 0);
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
fn a_batch_with_nothing_to_compare_with_is_read_again_as_part_of_a_larger_one() {
    let mut bench = Bench::new(all_with_queue());
    let alone = |bench: &mut Bench, number| {
        let error = MapError::Undecided("the store throws".to_owned());
        bench.delivery.on_written(number, Err(WriteFailure::Alone { map: "t".into(), error }), bench.now);
        bench.actions()
    };
    bench.take(0, 5, "good");
    assert_eq!(bench.tick(), ["write 1"]);
    bench.take(0, 6, "good");
    assert_eq!(bench.delivery.room(), 99);
    assert_eq!(alone(&mut bench, 1), ["seek t-0 5"]);
    assert_eq!(bench.delivery.room(), 200);

    // It waits longer for what is behind it, too.
    bench.take(0, 5, "good");
    bench.delivery.linger(bench.now);
    assert_eq!(bench.delivery.lingers(bench.now), Duration::from_millis(20));
    bench.take(0, 6, "good");
    bench.now += Duration::from_millis(20);
    assert_eq!(bench.tick(), ["write 2"]);
    assert!(bench.delivery.failure().is_none());
    for number in 2..40 {
        assert_eq!(alone(&mut bench, number), ["seek t-0 5"]);
        bench.take(0, 5, "good");
        assert_eq!(bench.tick(), [format!("write {}", number + 1)]);
    }
    assert_eq!(bench.delivery.room(), STRETCHED_RECORDS, "memory is bounded");

    assert_eq!(bench.written(40), ["commit t-0@6"]);
    assert_eq!(bench.delivery.room(), 100);
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
fn what_is_committed_was_saved_before_and_no_more_than_that() {
    let mut bench = Bench::saving();
    bench.take(0, 0, "good");
    bench.tick();
    assert_eq!(bench.written(1), ["save t-0@1"]);
    bench.take(0, 1, "good");
    bench.tick();
    assert!(bench.written(2).is_empty());
    bench.delivery.on_saved(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["commit t-0@1"]);
    bench.now += Duration::from_secs(5);
    assert!(bench.tick().is_empty(), "the commit is not answered");
    bench.delivery.on_committed(2, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["save t-0@2"]);
}

#[test]
fn a_save_that_fails_commits_nothing_and_is_tried_again() {
    let mut bench = Bench::saving();
    bench.take(0, 0, "good");
    bench.tick();
    assert_eq!(bench.written(1), ["save t-0@1"]);
    bench.delivery.on_saved(1, Err("no room".to_owned()), bench.now);
    assert!(bench.actions().is_empty());
    assert_eq!(bench.delivery.counters.save_failures.now(), 1);
    bench.now += Duration::from_secs(5);
    assert_eq!(bench.tick(), ["save t-0@1"]);
}

#[test]
fn nothing_is_committed_of_partitions_that_were_lost_while_the_maps_were_saved() {
    let mut bench = Bench::saving();
    bench.take(0, 0, "good");
    bench.take(1, 0, "good");
    bench.tick();
    assert_eq!(bench.written(1), ["save t-0@1 t-1@1"]);
    bench.delivery.on_revoked(vec![tp(0)], true, bench.now);
    assert_eq!(bench.actions(), ["release t-0", "seek t-1 1"]);
    bench.delivery.on_saved(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["commit t-1@1"]);
}

#[test]
fn a_revoke_and_a_stop_wait_for_the_save_and_for_the_commit_behind_it() {
    for stops in [false, true] {
        let mut bench = Bench::saving();
        bench.take(0, 0, "good");
        bench.tick();
        bench.delivery.on_revoked(vec![tp(0)], false, bench.now);
        if stops {
            bench.delivery.on_stop(bench.now);
        }
        assert_eq!(bench.written(1), ["save t-0@1"]);
        bench.delivery.on_saved(1, Ok(()), bench.now);
        assert_eq!(bench.actions(), ["commit t-0@1"]);
        bench.delivery.on_committed(2, Ok(()), bench.now);
        assert_eq!(bench.actions(), ["release t-0"]);
        assert_eq!(bench.delivery.is_over(), stops);
    }
}

#[test]
fn maps_that_held_a_part_of_a_partition_are_read_on_behind_it_and_that_is_committed() {
    let mut bench = Bench::saving();
    let two = TopicPartition { topic: "u".to_owned(), partition: 2 };
    bench.delivery.on_assigned(vec![two.clone()], |tp| (*tp == two).then_some(40));
    match bench.delivery.next_action() {
        Some(Action::Assign(partitions)) => assert_eq!(partitions, [(two, Some(40))]),
        other => panic!("{other:?}"),
    }
    assert_eq!(bench.tick(), ["save u-2@40"]);
}

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
