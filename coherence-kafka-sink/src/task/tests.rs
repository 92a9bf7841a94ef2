//! What becomes of a task that panics, and when one rests, against librdkafka's mock cluster.

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::Format;
use coherence_kafka_rdkafka::embedded::{EmbeddedKafka, Producer};
use coherence_kafka_worker::{RetryPolicy, caught};
use tokio::time::timeout;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Metadata, Subscriber};

use super::waits::answer_poll;
use super::*;

pub(crate) const DEADLINE: Duration = Duration::from_secs(30);
const TOPIC: &str = "t";

/// A broker with one record on one partition, and what the tasks of one group need to move it.
pub(crate) struct Bench {
    pub(crate) parts: TaskParts,
    options: TaskOptions,
    producer: Producer,
    _broker: EmbeddedKafka,
    runtime: tokio::runtime::Runtime,
}

impl Bench {
    pub(crate) fn new() -> Self {
        let broker = EmbeddedKafka::start().unwrap();
        broker.create_topic(TOPIC, 1).unwrap();
        let bootstrap = ("bootstrap.servers".to_owned(), broker.bootstrap_servers());
        let producer = Producer::new(std::slice::from_ref(&bootstrap)).unwrap();
        producer.send(TOPIC, Some(b"\x15\"k\""), Some(b"\x15\"v\"")).unwrap();
        producer.flush(DEADLINE).unwrap();
        let settings = [
            ("group.id", "g"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
            // So long the mock cluster waits for the members of before.
            ("session.timeout.ms", "2000"),
        ];
        let settings = settings.map(|(key, value)| (key.to_owned(), value.to_owned()));
        let (second, errors) = (Duration::from_secs(1), ErrorPolicy::default());
        let options = TaskOptions {
            connector: "c".to_owned(),
            number: 0,
            consumer: settings.into_iter().chain([bootstrap]).collect(),
            topics: vec![TOPIC.to_owned()],
            start: StartAt::Committed,
            delivery: DeliveryOptions {
                batch_records: 100,
                batch_bytes: 1 << 20,
                linger: Duration::ZERO,
                flush_interval: second,
                flush_timeout: 5 * second,
                revoke_deadline: 10 * second,
                stop_deadline: 5 * second,
                saves: false,
            },
            reset: OffsetReset::Oldest,
            errors,
            dead_letters: None,
        };
        let pipeline = Pipeline::passing_through(Format::Json, errors.null_values);
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build();
        let runtime = runtime.unwrap();
        let counters = Arc::<Counters>::default();
        let backoff = RetryPolicy { min: Duration::ZERO, max: Duration::ZERO, timeout: None };
        let session = Arc::new(LocalSession::new(Format::Json));
        let parts = TaskParts {
            rules: Rules {
                pipeline: Arc::new(pipeline),
                names: Arc::default(),
                expiries: Arc::default(),
                version: None,
            },
            writer: Arc::new(Writer::new(session, backoff, counters.clone(), options.name())),
            saved: None,
            membership: Arc::new(GroupLease::new(second)),
            runtime: runtime.handle().clone(),
            counters,
            control: TaskControl::default(),
        };
        Self { parts, options, producer, _broker: broker, runtime }
    }

    pub(crate) fn make(&self) -> impl Fn() -> Result<SinkTask, TaskFailure> + Send + 'static {
        let (options, parts) = (self.options.clone(), self.parts.clone());
        move || SinkTask::new(options.clone(), parts.clone())
    }
}

/// Runs a task to its end.
fn run(mut task: SinkTask) -> Result<(), TaskFailure> {
    loop {
        match caught(|| task.work()) {
            Ok(Some(pause)) => std::thread::park_timeout(pause),
            worked => return task.end(worked.map(drop)),
        }
    }
}

pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + DEADLINE;
    while !condition() {
        assert!(Instant::now() < end, "not in time: {what}");
        std::thread::park_timeout(Duration::from_millis(2));
    }
}

/// A log that cannot be written when partitions are assigned.
struct BrokenLog;

impl Visit for BrokenLog {
    fn record_debug(&mut self, _field: &Field, value: &dyn std::fmt::Debug) {
        assert!(format!("{value:?}") != "partitions assigned", "the log is broken");
    }
}

impl Subscriber for BrokenLog {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.is_event()
    }

    fn new_span(&self, _span: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _span: &Id, _values: &Record<'_>) {}

    fn record_follows_from(&self, _span: &Id, _follows: &Id) {}

    fn event(&self, event: &Event<'_>) {
        event.record(&mut BrokenLog);
    }

    fn enter(&self, _span: &Id) {}

    fn exit(&self, _span: &Id) {}
}

#[test]
fn a_task_that_panics_says_where_and_another_goes_on_with_its_partition() {
    let bench = Bench::new();
    let task = bench.make()().unwrap();
    let began = Instant::now();
    let failure = tracing::subscriber::with_default(BrokenLog, || run(task)).unwrap_err();
    assert!(began.elapsed() < LEAVE_DEADLINE, "its client has not closed");
    let reason = failure.to_string();
    assert!(matches!(failure, TaskFailure::Defect(_)), "{reason}");
    assert!(reason.contains(file!()) && reason.contains("the log is broken"), "{reason}");
    assert_eq!(bench.parts.counters.errors.now(), 1);

    let next = bench.make()().unwrap();
    let running = std::thread::spawn(move || run(next));
    eventually("the next one has its partition", || bench.parts.counters.confirmed.now() == 1);
    bench.parts.control.stop();
    running.join().unwrap().unwrap();
}

#[test]
fn a_task_with_nothing_in_hand_rests_until_a_record_or_a_request_wakes_it() {
    let bench = Bench::new();
    let mut task = bench.make()().unwrap();
    let (control, confirmed) = (&bench.parts.control, || bench.parts.counters.confirmed.now());
    let woken = |within| bench.runtime.block_on(async { timeout(within, control.woken()).await.is_ok() });
    let end = Instant::now() + DEADLINE;
    loop {
        let pause = task.work().expect("it is not stopped");
        if confirmed() == 1 && pause == task.quiet_rest {
            break;
        }
        assert!(Instant::now() < end, "it does not come to rest");
        woken(pause);
    }

    bench.producer.send(TOPIC, Some(b"\x15\"l\""), Some(b"\x15\"v\"")).unwrap();
    while confirmed() == 1 {
        assert!(woken(DEADLINE), "the record does not wake it");
        task.work().expect("it is not stopped");
    }

    control.stop();
    assert!(woken(Duration::ZERO), "the request does not wake it");
    while let Some(pause) = task.work() {
        assert!(Instant::now() < end, "it does not end");
        woken(pause);
    }
    task.end(Ok(())).unwrap();
}

#[test]
fn an_answer_that_is_awaited_for_long_is_looked_for_seldom() {
    let millis = Duration::from_millis;
    assert_eq!(answer_poll(Duration::ZERO), millis(2));
    assert_eq!(answer_poll(millis(160)), millis(20));
    assert_eq!(answer_poll(Duration::from_secs(3600)), HOLD_POLL);
}
