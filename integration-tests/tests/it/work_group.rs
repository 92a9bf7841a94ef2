//! A group that divides work, against a real broker: next to a cluster of another kind, and with a member that stands still.

use std::collections::BTreeSet;
use std::io::{Read, Write};
use std::net::TcpStream;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::time::Duration;

use coherence_kafka_rdkafka::admin::describe_group;
use coherence_kafka_rdkafka::membership::{Listener, Membership, MembershipOptions, Refusal};
use integration_tests::sandbox::unique;
use integration_tests::shared::kafka;
use integration_tests::wait::eventually;

const SOON: Duration = Duration::from_secs(60);

#[derive(Debug, PartialEq, Eq)]
enum Event {
    Assigned(Vec<i32>),
    Revoked(Vec<i32>),
    Lost(Vec<i32>),
    Refused(Refusal),
}

struct Probe(Sender<Event>);

impl Listener for Probe {
    fn assigned(&mut self, partitions: &[i32]) {
        let _ = self.0.send(Event::Assigned(partitions.to_vec()));
    }

    fn revoked(&mut self, partitions: &[i32]) {
        let _ = self.0.send(Event::Revoked(partitions.to_vec()));
    }

    fn lost(&mut self, partitions: &[i32]) {
        let _ = self.0.send(Event::Lost(partitions.to_vec()));
    }

    fn refused(&mut self, reason: Refusal) {
        let _ = self.0.send(Event::Refused(reason));
    }
}

fn settings() -> Vec<(String, String)> {
    vec![("bootstrap.servers".to_owned(), kafka().bootstrap())]
}

fn join(topic: &str, group: &str) -> (Membership, Receiver<Event>) {
    let (sender, events) = channel();
    let options = MembershipOptions {
        session: Duration::from_secs(6),
        heartbeat: Duration::from_millis(500),
        rebalance_timeout: Duration::from_secs(60),
        client_id: "worker".to_owned(),
    };
    let membership = Membership::join(&settings(), topic, group, &options, Box::new(Probe(sender)));
    (membership.unwrap(), events)
}

/// Collects assignments until there are this many partitions.
#[track_caller]
fn assigned(events: &Receiver<Event>, wanted: usize) -> BTreeSet<i32> {
    let mut partitions = BTreeSet::new();
    while partitions.len() < wanted {
        match events.recv_timeout(SOON).expect("an event in time") {
            Event::Assigned(more) => partitions.extend(more),
            other => panic!("{other:?}"),
        }
    }
    partitions
}

/// Joins a group as a worker of Kafka Connect does, sends nothing after that, and returns its connection.
fn join_as_connect(group: &str, session: Duration) -> TcpStream {
    let text = |text: &str| [&i16::try_from(text.len()).unwrap().to_be_bytes(), text.as_bytes()].concat();
    let session = i32::try_from(session.as_millis()).unwrap().to_be_bytes();
    // JoinGroup, version 2: header, group, session and rebalance timeout, no member id yet, one protocol.
    let request = [
        &[0, 11, 0, 2, 0, 0, 0, 1][..],
        &text("connect-worker"),
        &text(group),
        &session,
        &session,
        &text(""),
        &text("connect"),
        &1_i32.to_be_bytes(),
        &text("sessioned"),
        &0_i32.to_be_bytes(),
    ]
    .concat();
    let mut connection = TcpStream::connect(kafka().bootstrap()).unwrap();
    connection.write_all(&u32::try_from(request.len()).unwrap().to_be_bytes()).unwrap();
    connection.write_all(&request).unwrap();
    let mut len = [0; 4];
    connection.read_exact(&mut len).unwrap();
    let mut answer = vec![0; usize::try_from(u32::from_be_bytes(len)).unwrap()];
    connection.read_exact(&mut answer).unwrap();
    // Correlation id, throttle time, error.
    assert_eq!(answer.get(8..10), Some(&[0, 0][..]), "{answer:?}");
    connection
}

#[test]
fn a_living_cluster_of_kafka_connect_keeps_its_group_and_leaves_it_to_us_once_it_is_gone() {
    let (topic, group) = (unique("work"), unique("fleet"));
    kafka().create_topic(&topic, 4).unwrap();
    assert_eq!(describe_group(&settings(), &group, SOON), Ok(None));
    let connect = join_as_connect(&group, Duration::from_secs(10));
    let found = describe_group(&settings(), &group, SOON).unwrap().unwrap();
    assert_eq!((found.protocol_type.as_str(), found.members), ("connect", 1), "{found:?}");
    assert_ne!(found.state, "Empty");
    let (membership, events) = join(&topic, &group);
    let refused = events.recv_timeout(SOON).unwrap();
    assert_eq!(refused, Event::Refused(Refusal::OtherProtocol));
    assert!(!membership.is_member());
    drop(connect);
    assert_eq!(assigned(&events, 4), (0..4).collect());
    let found = describe_group(&settings(), &group, SOON).unwrap().unwrap();
    assert_eq!((found.protocol_type.as_str(), found.members), ("consumer", 1), "{found:?}");
    assert!(membership.leave(SOON));
    let found = describe_group(&settings(), &group, SOON).unwrap().unwrap();
    assert_eq!((found.state.as_str(), found.members), ("Empty", 0), "{found:?}");
}

#[test]
fn members_share_the_work_and_take_over_that_of_one_that_leaves() {
    let (topic, group) = (unique("work"), unique("fleet"));
    kafka().create_topic(&topic, 25).unwrap();
    let (first, of_first) = join(&topic, &group);
    assert_eq!(assigned(&of_first, 25).len(), 25);
    let (second, of_second) = join(&topic, &group);
    let moved = assigned(&of_second, 12);
    let Event::Revoked(revoked) = of_first.recv_timeout(SOON).unwrap() else { panic!("revoked first") };
    assert_eq!(revoked.into_iter().collect::<BTreeSet<_>>(), moved);
    assert!(second.generation() > Some(0));
    // The first one is notified of what it keeps a moment later.
    eventually(SOON, "both know the generation", || first.generation() == second.generation());
    assert!(first.leave(SOON));
    assert_eq!(assigned(&of_second, 13).len(), 13);
}
