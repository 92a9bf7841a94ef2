//! A topic that programs share as a log, against a real broker: what transactions hide and undo, and a topic that is no
//! longer the same.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::admin::{NewTopic, describe_topic, ensure_topic};
use coherence_kafka_rdkafka::topic_log::{LogRecord, ReadError, TopicLog};
use coherence_kafka_rdkafka::topic_writer::{ExclusiveWriter, TopicWriter, WriteError};
use integration_tests::sandbox::unique;
use integration_tests::shared::kafka;
use parking_lot::Mutex;
use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewPartitions};
use rdkafka::client::DefaultClientContext;
use rdkafka::producer::{BaseProducer, BaseRecord, Producer};

const SOON: Duration = Duration::from_secs(60);

type Values = Arc<Mutex<BTreeMap<Vec<u8>, Option<Vec<u8>>>>>;

fn settings() -> Vec<(String, String)> {
    vec![("bootstrap.servers".to_owned(), kafka().bootstrap())]
}

/// A reader that keeps the last value of each key.
fn open(topic: &str) -> (TopicLog, Values) {
    let values = Values::default();
    let into = values.clone();
    let take = move |record: LogRecord<'_>| {
        into.lock().insert(record.key.unwrap_or_default().to_vec(), record.value.map(<[u8]>::to_vec));
    };
    (TopicLog::open(&settings(), topic, take).unwrap(), values)
}

fn keys(values: &Values) -> BTreeSet<String> {
    values.lock().keys().map(|key| String::from_utf8(key.clone()).unwrap()).collect()
}

/// One of several programs that count: the counter, and which of them wrote it last, are records of the log.
struct Counter {
    name: String,
    writer: ExclusiveWriter,
    log: TopicLog,
    values: Values,
    in_doubt: usize,
}

impl Counter {
    fn new(topic: &str, name: String) -> Self {
        let writer = ExclusiveWriter::new(&settings(), topic, topic);
        let (log, values) = open(topic);
        Self { name, writer, log, values, in_doubt: 0 }
    }

    /// Adds one, whatever the others do meanwhile.
    fn increment(&mut self, step: usize) {
        let mark = format!("{}-{step}", self.name);
        let until = Instant::now() + SOON * 3;
        while Instant::now() < until {
            if self.writer.claim(SOON).is_err() {
                continue;
            }
            self.log.read_to_end(SOON).unwrap();
            if self.values.lock().contains_key(mark.as_bytes()) {
                // An earlier attempt was written, and not known to be.
                return;
            }
            let count = count(&self.values) + 1;
            let records = [
                (b"count".to_vec(), Some(count.to_string().into_bytes())),
                (mark.clone().into_bytes(), Some(Vec::new())),
            ];
            match self.writer.write(&records, SOON) {
                Ok(positions) => {
                    let (partition, offset) = positions[1];
                    self.log.wait_for(partition, offset, SOON).unwrap();
                    return;
                }
                Err(WriteError::Fenced | WriteError::Failed(_)) => {}
                Err(WriteError::Unknown(_)) => self.in_doubt += 1,
                Err(other) => panic!("{other}"),
            }
        }
        panic!("{mark} could not be written");
    }
}

fn count(values: &Values) -> usize {
    let values = values.lock();
    let count = values.get(&b"count"[..]).cloned().flatten();
    count.map_or(0, |count| String::from_utf8(count).unwrap().parse().unwrap())
}

#[test]
fn programs_that_change_a_log_at_the_same_time_lose_no_change() {
    const PROGRAMS: usize = 4;
    const STEPS: usize = 10;
    let topic = unique("count");
    kafka().create_topic(&topic, 1).unwrap();
    let counters: Vec<Counter> = thread::scope(|scope| {
        let programs: Vec<_> = (0..PROGRAMS)
            .map(|program| {
                let topic = &topic;
                scope.spawn(move || {
                    let mut counter = Counter::new(topic, format!("program-{program}"));
                    (0..STEPS).for_each(|step| counter.increment(step));
                    counter
                })
            })
            .collect();
        programs.into_iter().map(|program| program.join().unwrap()).collect()
    });
    for counter in &counters {
        counter.log.read_to_end(SOON).unwrap();
        assert_eq!(count(&counter.values), PROGRAMS * STEPS);
        assert_eq!(keys(&counter.values).len(), PROGRAMS * STEPS + 1);
    }
    println!("in doubt: {}", counters.iter().map(|counter| counter.in_doubt).sum::<usize>());
}

#[test]
fn one_program_alone_changes_a_log_again_and_again_without_another_claim() {
    let topic = unique("alone");
    kafka().create_topic(&topic, 1).unwrap();
    let mut counter = Counter::new(&topic, "program".to_owned());
    counter.increment(0);
    let since = Instant::now();
    (1..20).for_each(|step| counter.increment(step));
    let lasted = since.elapsed();
    println!("19 changes in {lasted:?}");
    // A question that waits behind a fetch takes half a second.
    assert!(lasted < Duration::from_secs(8), "{lasted:?}");
    assert_eq!((count(&counter.values), counter.in_doubt), (20, 0));
}

#[test]
fn records_of_an_open_or_aborted_transaction_are_not_taken() {
    let topic = unique("hidden");
    kafka().create_topic(&topic, 1).unwrap();
    let producer: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", kafka().bootstrap())
        .set("transactional.id", &topic)
        .create()
        .unwrap();
    let send = |key: &str| {
        producer.send(BaseRecord::<str, str>::to(&topic).key(key).payload("v")).unwrap();
        producer.flush(SOON).unwrap();
    };
    producer.init_transactions(SOON).unwrap();
    let (log, values) = open(&topic);
    producer.begin_transaction().unwrap();
    send("aborted");
    producer.abort_transaction(SOON).unwrap();
    log.read_to_end(SOON).unwrap();
    assert_eq!(keys(&values), BTreeSet::new());
    let writer = TopicWriter::open(&settings(), &topic).unwrap();
    writer.write(&[(b"plain".to_vec(), None)], SOON).unwrap();
    log.read_to_end(SOON).unwrap();
    assert_eq!(keys(&values), BTreeSet::from(["plain".to_owned()]));
    producer.begin_transaction().unwrap();
    send("open");
    let hidden = writer.write(&[(b"behind".to_vec(), None)], SOON).unwrap()[0];
    // It does not wait for the transaction.
    log.read_to_end(SOON).unwrap();
    assert_eq!(keys(&values).len(), 1);
    assert!(log.wait_for(hidden.0, hidden.1, Duration::from_secs(1)).is_err());
    producer.commit_transaction(SOON).unwrap();
    log.wait_for(hidden.0, hidden.1, SOON).unwrap();
    assert_eq!(keys(&values).len(), 3);
    // A reader that begins now, at a log with gaps, reaches its end too.
    let (late, values) = open(&topic);
    late.read_to_end(SOON).unwrap();
    assert_eq!(keys(&values).len(), 3);
}

#[test]
fn a_writer_that_ends_in_a_transaction_is_undone_by_the_next_claim() {
    let topic = unique("undone");
    kafka().create_topic(&topic, 1).unwrap();
    let abandoned: BaseProducer = ClientConfig::new()
        .set("bootstrap.servers", kafka().bootstrap())
        .set("transactional.id", &topic)
        .create()
        .unwrap();
    abandoned.init_transactions(SOON).unwrap();
    abandoned.begin_transaction().unwrap();
    abandoned.send(BaseRecord::<str, str>::to(&topic).key("abandoned").payload("v")).unwrap();
    abandoned.flush(SOON).unwrap();
    let mut counter = Counter::new(&topic, "program".to_owned());
    counter.increment(0);
    assert_eq!(keys(&counter.values), BTreeSet::from(["count".to_owned(), "program-0".to_owned()]));
    assert!(abandoned.commit_transaction(SOON).is_err());
}

#[test]
fn a_topic_that_was_created_again_ends_the_reading_whatever_it_holds() {
    for more in [0, 100] {
        let topic = unique("recreated");
        kafka().create_topic(&topic, 1).unwrap();
        let fill = |records: usize| {
            kafka().produce(&topic, (0..records).map(|n| (Some(format!("key-{n}")), Some("v")))).unwrap();
        };
        fill(10);
        let (log, values) = open(&topic);
        log.read_to_end(SOON).unwrap();
        assert_eq!(keys(&values).len(), 10);
        kafka().delete_topic(&topic).unwrap();
        kafka().create_topic(&topic, 1).unwrap();
        fill(more);
        let changed = log.read_to_end(SOON);
        assert!(
            matches!(&changed, Err(ReadError::Changed(why)) if why.contains(&topic)),
            "{more}: {changed:?}"
        );
        assert_eq!(log.failure(), changed.err());
    }
}

#[test]
fn partitions_that_are_added_are_read_too() {
    let topic = unique("grows");
    kafka().create_topic(&topic, 1).unwrap();
    let (log, values) = open(&topic);
    log.read_to_end(SOON).unwrap();
    let admin: AdminClient<DefaultClientContext> =
        ClientConfig::new().set("bootstrap.servers", kafka().bootstrap()).create().unwrap();
    let more = NewPartitions::new(&topic, 4);
    futures::executor::block_on(admin.create_partitions([&more], &AdminOptions::new())).unwrap();
    let keys_of = |n: usize| (0..n).map(|n| (Some(format!("key-{n}")), Some("v")));
    integration_tests::wait::eventually(SOON, "the partitions are led", || {
        kafka().end_offsets(&topic).is_ok_and(|ends| ends.len() == 4)
    });
    kafka().produce(&topic, keys_of(50)).unwrap();
    log.read_to_end(SOON).unwrap();
    assert_eq!(keys(&values).len(), 50);
}

#[test]
fn a_commit_is_taken_soon() {
    let topic = unique("soon");
    kafka().create_topic(&topic, 1).unwrap();
    let mut writer = ExclusiveWriter::new(&settings(), &topic, &topic);
    let (log, _) = open(&topic);
    writer.claim(SOON).unwrap();
    log.read_to_end(SOON).unwrap();
    let mut latencies: Vec<Duration> = (0..20)
        .map(|_| {
            let (partition, offset) = writer.write(&[(b"k".to_vec(), None)], SOON).unwrap()[0];
            let since = Instant::now();
            log.wait_for(partition, offset, SOON).unwrap();
            since.elapsed()
        })
        .collect();
    latencies.sort_unstable();
    println!("from the commit to the reader: {latencies:?}");
    // A reader that learned of it only by the end of its fetch would need half a second.
    assert!(latencies[10] < Duration::from_millis(300), "{latencies:?}");
}

#[test]
fn a_topic_is_created_once_with_its_configuration() {
    let topic = unique("ensured");
    assert_eq!(describe_topic(&settings(), &topic, SOON), Ok(None));
    let new = |partitions| NewTopic {
        name: &topic,
        partitions,
        replication: Some(-1),
        configuration: &[("cleanup.policy", "compact")],
    };
    assert_eq!(ensure_topic(&settings(), &new(5), SOON), Ok(5));
    assert_eq!(ensure_topic(&settings(), &new(3), SOON), Ok(5), "it exists");
    let found = describe_topic(&settings(), &topic, SOON).unwrap().unwrap();
    assert_eq!((found.partitions, found.cleanup_policy.as_deref()), (5, Some("compact")));
    let default = unique("ensured");
    let new = NewTopic { name: &default, ..new(-1) };
    assert!(ensure_topic(&settings(), &new, SOON).unwrap() >= 1);
    let refused = NewTopic { replication: Some(7), ..new };
    let refused = NewTopic { name: &unique("ensured"), ..refused };
    let refused = ensure_topic(&settings(), &refused, SOON).unwrap_err();
    assert!(refused.hopeless, "{refused}");
}
