//! What a sink owes to its consumer group, under each of the protocols that divide partitions: an answer to everything
//! that the group asks, also where that names no partition, and that it leaves when it ends.

use std::sync::OnceLock;
use std::thread;
use std::time::Duration;

use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::sink::{Settings, Sink};

use crate::flow::Flow;

mod deleted_topics;
mod members;
mod standby;

/// How long a group may stand still when a member leaves it. It is less than 5 s where the machine has nothing else to do;
/// a busy one gets more, and still less than it takes to miss a member.
const GRACEFUL: Duration = Duration::from_secs(20);
/// After which a member that says nothing is missed.
const SESSION: Duration = Duration::from_secs(30);

/// The settings of a worker, for each protocol.
const EAGER: Settings<'_> = &CLASSIC;
const COOPERATIVE: Settings<'_> =
    &[CLASSIC[0], CLASSIC[1], ("consumer.partition.assignment.strategy", "cooperative-sticky")];
const BY_THE_BROKER: Settings<'_> = &[("consumer.group.protocol", "consumer")];

const CLASSIC: [(&str, &str); 2] =
    [("consumer.session.timeout.ms", "30000"), ("consumer.heartbeat.interval.ms", "1000")];

/// A broker that misses members after [`SESSION`], also where they leave that to it.
fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    KAFKA.get_or_init(|| {
        let session = ["group.consumer.min.session.timeout.ms", "group.consumer.session.timeout.ms"];
        let session = session.map(|name| (name.to_owned(), SESSION.as_millis().to_string()));
        let properties = KafkaOptions::impatient().into_iter().chain(session).collect();
        Kafka::start(KafkaOptions { properties, ..KafkaOptions::default() }).expect("the broker starts")
    })
}

/// Runs a test under all protocols, side by side.
fn under_each_protocol(test: impl Fn(&str, Settings<'static>) + Sync) {
    let protocols = [("eager", EAGER), ("cooperative", COOPERATIVE), ("broker", BY_THE_BROKER)];
    // Before the threads ask for it all at once.
    kafka();
    thread::scope(|scope| {
        for (name, settings) in protocols {
            let test = &test;
            scope.spawn(move || test(name, settings));
        }
    });
}

/// Produces a record to the flow's topic, and asserts that it is committed in time.
#[track_caller]
fn reads_on(protocol: &str, flow: &Flow, what: &str, deadline: Duration) {
    kafka().produce(&flow.name, [(Some(what), Some("v"))]).unwrap();
    let ends = kafka().end_offsets(&flow.name).unwrap();
    let done = integration_tests::wait::within(deadline, || flow.committed(kafka()) == ends);
    let committed = flow.committed(kafka());
    assert!(done, "{protocol}, {what}: committed {committed:?} of {ends:?} within {deadline:?}");
}

/// How many partitions the tasks of a sink have.
fn partitions(sink: &Sink, flow: &Flow) -> u64 {
    sink.metric("kafka_connect_sink_task_partition_count", &flow.name).unwrap()
}
