//! A member that ends while the group waits for its answer, as a task does that panics.

use std::collections::BTreeSet;
use std::thread;
use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::consumer::{Consumer, GroupEvent, StartAt};
use coherence_kafka_rdkafka::record::TopicPartition;
use integration_tests::require_peers;
use integration_tests::sandbox::unique;
use integration_tests::sink::Settings;

use super::{GRACEFUL, kafka, under_each_protocol};
use crate::flow::SOON;

struct Member {
    consumer: Consumer,
    partitions: BTreeSet<TopicPartition>,
}

impl Member {
    fn join(topic: &str, worker: Settings<'_>) -> Self {
        let fixed = [
            ("bootstrap.servers", kafka().bootstrap()),
            ("group.id", topic.to_owned()),
            ("enable.auto.commit", "false".to_owned()),
            // Soon enough for a topic that is deleted.
            ("topic.metadata.refresh.interval.ms", "500".to_owned()),
        ];
        let fixed = fixed.map(|(key, value)| (key.to_owned(), value));
        let of_protocol = worker.iter().map(|(key, value)| {
            // One that does not leave is not missed before this test has given up.
            let value = if *key == "consumer.session.timeout.ms" { "45000" } else { value };
            (key.trim_start_matches("consumer.").to_owned(), value.to_owned())
        });
        let settings: Vec<_> = fixed.into_iter().chain(of_protocol).collect();
        Self { consumer: Consumer::join(&settings, &[topic], 10).unwrap(), partitions: BTreeSet::new() }
    }

    /// Serves the group, and answers unless `owes` says that this is the event to leave without an answer: then true.
    fn serve(&mut self, mut owes: impl FnMut(&GroupEvent) -> bool) -> bool {
        for event in self.consumer.poll() {
            if owes(&event) {
                return true;
            }
            match event {
                GroupEvent::Assigned(partitions) => {
                    let all: Vec<_> = partitions.iter().map(|tp| (tp.clone(), StartAt::Committed)).collect();
                    self.consumer.assign(&all).unwrap();
                    self.partitions.extend(partitions);
                }
                GroupEvent::Revoked { partitions, .. } => {
                    self.consumer.release(&partitions).unwrap();
                    self.partitions.retain(|tp| !partitions.contains(tp));
                }
                _ => {}
            }
        }
        false
    }
}

fn until(what: &str, deadline: Duration, mut done: impl FnMut() -> bool) {
    let end = Instant::now() + deadline;
    while !done() {
        assert!(Instant::now() < end, "not within {deadline:?}: {what}");
        thread::sleep(Duration::from_millis(5));
    }
}

fn leaves_without_answer(protocol: &str, worker: Settings<'_>) {
    for owed in ["assign", "revoke"] {
        let topic = unique("owed");
        kafka().create_topic(&topic, 2).unwrap();
        let mut first = Member::join(&topic, worker);
        let mut second = None;
        if owed == "assign" {
            until("it is asked to assign", SOON, || {
                first.serve(|event| matches!(event, GroupEvent::Assigned(some) if !some.is_empty()))
            });
        } else {
            until("it has all partitions", SOON, || {
                first.serve(|_| false);
                first.partitions.len() == 2
            });
            let joined = second.insert(Member::join(&topic, worker));
            until("it is asked to revoke", SOON, || {
                joined.serve(|_| false);
                first.serve(|event| matches!(event, GroupEvent::Revoked { .. }))
            });
        }
        assert!(
            first.consumer.leave(GRACEFUL),
            "{protocol}: it is not let go while it owes its answer to {owed}"
        );
        let mut second = second.unwrap_or_else(|| Member::join(&topic, worker));
        until(&format!("{protocol}, {owed} owed: the other one has all partitions"), GRACEFUL, || {
            second.serve(|_| false);
            second.partitions.len() == 2
        });
        assert!(second.consumer.leave(GRACEFUL));
    }
}

/// The group takes all that the member has: nothing else can end its wait.
fn leaves_with_nothing_left(protocol: &str, worker: Settings<'_>) {
    let topic = unique("owed-all");
    kafka().create_topic(&topic, 1).unwrap();
    let mut member = Member::join(&topic, worker);
    until("it has its partition", SOON, || {
        member.serve(|_| false);
        member.partitions.len() == 1
    });
    kafka().delete_topic(&topic).unwrap();
    until("it is asked to revoke", SOON, || {
        member.serve(|event| matches!(event, GroupEvent::Revoked { partitions, .. } if partitions.len() == 1))
    });
    assert!(member.consumer.leave(GRACEFUL), "{protocol}: it is not let go while it owes its only partition");
}

#[test]
fn a_member_that_ends_without_its_answer_leaves_its_group_at_once() {
    require_peers!();
    under_each_protocol(leaves_without_answer);
}

#[test]
fn a_member_that_ends_without_its_answer_to_the_end_of_its_topic_is_let_go_at_once() {
    require_peers!();
    under_each_protocol(leaves_with_nothing_left);
}
