//! Single decisions, each by name; whole lives are in `model.rs`.

use coherence_kafka_common::map::{Format, MapError};

use super::*;
use crate::config::Mappings;
use crate::errors::ErrorPolicy;
use crate::expiry::Expiries;
use crate::kafka::batch::Envelope;
use crate::pipeline::{Form, Pipeline};

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
        let now = Instant::now();
        let second = Duration::from_secs(1);
        let options = DeliveryOptions {
            batch_records: 100,
            batch_bytes: 1 << 20,
            flush_interval: 5 * second,
            flush_timeout: 5 * second,
            revoke_deadline: second,
            stop_deadline: second,
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
        delivery.on_assigned(vec![tp(0), tp(1)]);
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
        std::iter::from_fn(|| self.delivery.next_action())
            .map(|action| match action {
                Action::Assign(partitions) => format!("assign{}", names(&partitions)),
                Action::Release(partitions) => format!("release{}", names(&partitions)),
                Action::Seek(tp, at) => format!("seek {tp} {at}"),
                Action::Write(number, _) => format!("write {number}"),
                Action::Abandon => "abandon".to_owned(),
                Action::Commit(_, offsets) => {
                    let offsets: Vec<_> = offsets.iter().map(|(tp, next)| format!("{tp}@{next}")).collect();
                    format!("commit {}", offsets.join(" "))
                }
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
    for late in [Ok(()), Err("too late".to_owned())] {
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
    assert!(bench.written(1).is_empty());
    assert!(bench.delivery.counters.holding.lock().is_some());
    bench.delivery.on_reported(1, Ok(()), bench.now);
    assert_eq!(bench.actions(), ["commit t-0@2"]);
    assert!(bench.delivery.counters.holding.lock().is_none());
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
    assert_eq!(bench.delivery.failure(), Some(&TaskFailure::DeadLetterQueue("no".to_owned())));
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
    let source = Source { partition: 0, offset: 7 };
    let error = MapError::Refused("no".to_owned());
    bench.delivery.on_written(1, Ok(vec![Refused { source, map: "t".into(), error }]), bench.now);
    assert_eq!(bench.actions(), ["seek t-0 5"]);
    read(&mut bench);
    assert_eq!(bench.tick(), ["report 2", "write 2"]);
    bench.written(2);
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
