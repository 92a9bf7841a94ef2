//! Single decisions, each by name; whole lives are in `model.rs`.

use std::time::Duration;

use coherence_kafka_common::map::{Format, MapError};
use coherence_kafka_rdkafka::record::Envelope;

use super::*;
use crate::config::MapNames;
use crate::errors::ErrorPolicy;
use crate::expiry::Expiries;
use crate::pipeline::Pipeline;
use limits::STRETCHED_RECORDS;

mod bad_records;
mod logs;
mod measures;
mod revokes;
mod saves;

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
        let pipeline = Pipeline::passing_through(Format::Json, policy.null_values);
        let rules = Rules {
            pipeline: Arc::new(pipeline),
            names: Arc::new(MapNames::default()),
            expiries: Arc::new(Expiries::default()),
            version: None,
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
