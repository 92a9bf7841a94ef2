//! What librdkafka is known to hang in, lose or misread, each with the guard that is to keep it from us. Against its mock
//! cluster: how a real broker rebalances is tested elsewhere.

use super::events::partitions_of;
use super::*;
use crate::embedded::{EmbeddedKafka, Producer};

const DEADLINE: Duration = Duration::from_secs(30);
const TOPIC: &str = "t";

struct World {
    consumer: Consumer,
    broker: EmbeddedKafka,
}

impl World {
    fn new() -> Self {
        let broker = EmbeddedKafka::start().unwrap();
        broker.create_topic(TOPIC, 2).unwrap();
        let bootstrap = broker.bootstrap_servers();
        let settings = |pairs: &[(&str, &str)]| -> Vec<(String, String)> {
            let all = [&[("bootstrap.servers", bootstrap.as_str())][..], pairs].concat();
            all.into_iter().map(|(key, value)| (key.to_owned(), value.to_owned())).collect()
        };
        let producer = Producer::new(&settings(&[])).unwrap();
        for n in 0..100_u32 {
            producer.send(TOPIC, Some(&n.to_be_bytes()), Some(b"v")).unwrap();
        }
        producer.flush(DEADLINE).unwrap();
        let settings = settings(&[
            ("group.id", "g"),
            ("enable.auto.commit", "false"),
            ("enable.auto.offset.store", "false"),
            ("auto.offset.reset", "earliest"),
        ]);
        let consumer = Consumer::join(&settings, &[TOPIC], 1_000).unwrap();
        Self { consumer, broker }
    }

    fn event<T>(&mut self, mut wanted: impl FnMut(GroupEvent) -> Option<T>) -> T {
        let end = Instant::now() + DEADLINE;
        loop {
            if let Some(found) = self.consumer.poll().into_iter().find_map(&mut wanted) {
                return found;
            }
            assert!(Instant::now() < end, "the group does not say it");
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }

    fn assigned(&mut self) -> Vec<(TopicPartition, StartAt)> {
        let partitions = self.event(|event| match event {
            GroupEvent::Assigned(partitions) => Some(partitions),
            _ => None,
        });
        partitions.into_iter().map(|tp| (tp, StartAt::Committed)).collect()
    }

    /// Reads `n` records, and says where each was.
    fn read(&mut self, n: usize) -> Vec<(i32, i64)> {
        let end = Instant::now() + DEADLINE;
        let mut places = Vec::new();
        while places.len() < n {
            assert!(Instant::now() < end, "{} of {n} records", places.len());
            let batch = self.consumer.read(n - places.len(), Duration::from_millis(20));
            places.extend(batch.records().flatten().map(|record| (record.partition, record.offset)));
            drop(batch);
            self.consumer.poll();
        }
        places
    }
}

#[test]
fn a_member_that_read_and_committed_leaves_in_time() {
    let mut world = World::new();
    let partitions = world.assigned();
    world.consumer.assign(&partitions).unwrap();
    world.read(100);
    assert!(world.consumer.cluster().is_some());
    world.consumer.commit(7, partitions.iter().map(|(tp, _)| (tp, 1))).unwrap();
    let answer = world.event(|event| match event {
        GroupEvent::Committed(number, outcome) => Some((number, outcome)),
        _ => None,
    });
    assert_eq!(answer, (7, Ok(())));
    assert!(world.consumer.leave(DEADLINE), "the destructor hangs");
}

#[test]
fn assignments_records_and_answers_to_commits_are_announced_to_a_caller_that_does_not_poll() {
    let mut world = World::new();
    let (wake, woken) = std::sync::mpsc::channel();
    world.consumer.on_arrival(move || wake.send(()).unwrap());
    let announced = |what: &str| woken.recv_timeout(DEADLINE).expect(what);
    let event = |consumer: &mut Consumer, what: &str, wanted: fn(&GroupEvent) -> bool| loop {
        if let Some(found) = consumer.poll().into_iter().find(wanted) {
            return found;
        }
        if !consumer.has_events() {
            announced(what);
        }
    };
    let consumer = &mut world.consumer;
    let assigned = event(consumer, "the assignment", |event| matches!(event, GroupEvent::Assigned(_)));
    let GroupEvent::Assigned(partitions) = assigned else { unreachable!() };
    let partitions: Vec<_> = partitions.into_iter().map(|tp| (tp, StartAt::Committed)).collect();
    consumer.assign(&partitions).unwrap();
    let mut records = 0;
    while records < 100 {
        match consumer.read(30, Duration::ZERO).len() {
            0 => announced("records"),
            read => records += read,
        }
    }
    consumer.commit(7, partitions.iter().map(|(tp, _)| (tp, 1))).unwrap();
    event(consumer, "the answer", |event| matches!(event, GroupEvent::Committed(7, Ok(()))));
    assert!(world.consumer.leave(DEADLINE));
}

#[test]
fn a_member_leaves_in_time_that_has_not_answered_its_assignment() {
    let mut world = World::new();
    world.assigned();
    assert!(world.consumer.leave(DEADLINE), "the destructor hangs");
}

#[test]
fn a_member_that_is_merely_dropped_closes_whatever_it_has_answered() {
    for answers in [true, false] {
        let mut world = World::new();
        let partitions = world.assigned();
        if answers {
            world.consumer.assign(&partitions).unwrap();
            world.read(1);
        }
        let World { consumer, broker: _broker } = world;
        let closer = std::thread::spawn(move || drop(consumer));
        let end = Instant::now() + DEADLINE;
        while !closer.is_finished() {
            assert!(Instant::now() < end, "the destructor hangs");
            std::thread::park_timeout(Duration::from_millis(2));
        }
    }
}

#[test]
fn a_member_leaves_by_its_deadline_though_no_broker_is_there_any_more() {
    let mut world = World::new();
    let partitions = world.assigned();
    world.consumer.assign(&partitions).unwrap();
    world.read(1);
    drop(world.broker);
    let (began, deadline) = (Instant::now(), Duration::from_secs(2));
    world.consumer.leave(deadline);
    // Whether the client has closed by then is its own business.
    assert!(began.elapsed() < deadline + DEADLINE);
}

#[test]
fn a_partition_is_read_again_from_where_it_is_sought_to_and_nothing_fetched_before_comes_between() {
    let mut world = World::new();
    let partitions = world.assigned();
    world.consumer.assign(&partitions).unwrap();
    let first = world.read(100);
    let (tp, _) = &partitions[0];
    let own = |places: &[(i32, i64)]| -> Vec<i64> {
        let own = places.iter().filter(|(partition, _)| *partition == tp.partition);
        own.map(|(_, offset)| *offset).collect()
    };
    let count = own(&first).len() as i64;
    let end = Instant::now() + DEADLINE;
    while !world.consumer.seek(tp, 3).unwrap() {
        assert!(Instant::now() < end, "no seek in time");
    }
    let again = world.read(count as usize - 3);
    assert_eq!(own(&again), (3..count).collect::<Vec<_>>());
    assert!(world.consumer.leave(DEADLINE));
}

#[test]
fn lists_of_partitions_are_copied_the_empty_one_too() {
    assert!(partitions_of(&TopicPartitionList::new()).is_empty());
    let tp = |partition| TopicPartition { topic: TOPIC.to_owned(), partition };
    let list = list_of([(&tp(0), Offset::Invalid), (&tp(1), Offset::Offset(5))].into_iter());
    assert_eq!(partitions_of(&list), [tp(0), tp(1)]);
}
