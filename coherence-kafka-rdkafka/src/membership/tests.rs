//! Against librdkafka's mock cluster.

use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};

use super::*;
use crate::embedded::Producer;
use crate::testing::Mock;

/// Longer than `rebalance_timeout`: the mock cluster waits so long for a member that does not join again at once.
const SOON: Duration = Duration::from_secs(90);
const SESSION: Duration = Duration::from_secs(6);
const TOPIC: &str = "work";
const PARTITIONS: i32 = 4;

#[derive(Debug, PartialEq, Eq)]
enum Event {
    Assigned(Vec<i32>),
    Revoked(Vec<i32>),
    Lost(Vec<i32>),
    Refused(Refusal),
}

/// Sends what it is notified of, and returns from a revocation once it may.
struct Probe {
    events: Sender<Event>,
    may_release: Option<Receiver<()>>,
}

impl Listener for Probe {
    fn assigned(&mut self, partitions: &[i32]) {
        let _ = self.events.send(Event::Assigned(partitions.to_vec()));
    }

    fn revoked(&mut self, partitions: &[i32]) {
        let _ = self.events.send(Event::Revoked(partitions.to_vec()));
        if let Some(may_release) = &self.may_release {
            let _ = may_release.recv_timeout(SOON);
        }
    }

    fn lost(&mut self, partitions: &[i32]) {
        let _ = self.events.send(Event::Lost(partitions.to_vec()));
    }

    fn refused(&mut self, reason: Refusal) {
        let _ = self.events.send(Event::Refused(reason));
    }
}

struct Member {
    membership: Membership,
    events: Receiver<Event>,
}

impl Member {
    fn join(mock: &Mock) -> Self {
        Self::joins(mock, None)
    }

    fn joins(mock: &Mock, may_release: Option<Receiver<()>>) -> Self {
        let (sender, events) = channel();
        let options = MembershipOptions {
            session: SESSION,
            heartbeat: Duration::from_millis(500),
            rebalance_timeout: Duration::from_secs(60),
            client_id: "tester".to_owned(),
        };
        let listener = Box::new(Probe { events: sender, may_release });
        let settings = [("bootstrap.servers".to_owned(), mock.servers())];
        let membership = Membership::join(&settings, TOPIC, "group", &options, listener).unwrap();
        Self { membership, events }
    }

    #[track_caller]
    fn next(&self) -> Event {
        self.events.recv_timeout(SOON).expect("an event in time")
    }

    /// Collects assignments until it has this many partitions.
    #[track_caller]
    fn assigned(&self, wanted: usize) -> BTreeSet<i32> {
        let mut partitions = BTreeSet::new();
        while partitions.len() < wanted {
            match self.next() {
                Event::Assigned(more) => partitions.extend(more),
                other => panic!("{other:?}"),
            }
        }
        partitions
    }
}

fn all() -> BTreeSet<i32> {
    (0..PARTITIONS).collect()
}

fn mock() -> Mock {
    let mock = Mock::start();
    mock.topic(TOPIC, PARTITIONS);
    mock
}

#[test]
fn two_members_share_the_partitions_and_the_first_keeps_what_it_does_not_have_to_return() {
    let mock = mock();
    let first = Member::join(&mock);
    assert_eq!(first.assigned(4), all());
    assert!(first.membership.is_member());
    let generation = first.membership.generation();
    assert!(generation.is_some());
    let second = Member::join(&mock);
    let Event::Revoked(revoked) = first.next() else { panic!("something is revoked first") };
    assert_eq!(revoked.len(), 2);
    assert_eq!(second.assigned(2), revoked.into_iter().collect());
    assert!(second.membership.is_member() && second.membership.generation() > generation);
}

#[test]
fn the_group_waits_until_a_revocation_returns() {
    let mock = mock();
    let (release, may_release) = channel();
    let first = Member::joins(&mock, Some(may_release));
    first.assigned(4);
    let second = Member::join(&mock);
    assert!(matches!(first.next(), Event::Revoked(_)));
    // The second is in the group, without partitions, or not yet.
    let until = Instant::now() + Duration::from_secs(3);
    loop {
        match second.events.recv_timeout(until.saturating_duration_since(Instant::now())) {
            Ok(Event::Assigned(none)) => assert!(none.is_empty()),
            Ok(other) => panic!("{other:?}"),
            Err(RecvTimeoutError::Timeout) => break,
            Err(RecvTimeoutError::Disconnected) => panic!("it ended"),
        }
    }
    release.send(()).unwrap();
    second.assigned(2);
}

#[test]
fn a_member_that_leaves_returns_its_partitions_first_and_others_have_them_soon() {
    let mock = mock();
    mock.count_requests();
    let first = Member::join(&mock);
    first.assigned(4);
    assert!(first.membership.leave(SOON));
    assert!(matches!(first.next(), Event::Revoked(partitions) if partitions.len() == 4));
    assert!(!first.membership.is_member());
    assert_eq!(mock.leaves(), 1);
    let second = Member::join(&mock);
    second.assigned(4);
}

#[test]
fn a_member_that_is_dropped_leaves_and_one_without_partitions_too() {
    let mock = Mock::start();
    mock.topic(TOPIC, 1);
    mock.count_requests();
    let first = Member::join(&mock);
    first.assigned(1);
    let idle = Member::join(&mock);
    assert_eq!(idle.next(), Event::Assigned(Vec::new()));
    assert!(idle.membership.is_member());
    assert!(idle.membership.leave(SOON));
    assert_eq!(mock.leaves(), 1);
    let shared = first.membership.shared.clone();
    drop(first.membership);
    let mut state = shared.state.lock();
    assert!(!shared.left.wait_while_for(&mut state, |state| !state.left, SOON).timed_out());
    assert_eq!(mock.leaves(), 2);
}

#[test]
fn a_member_that_the_group_has_given_up_has_lost_all_and_joins_again() {
    let mock = mock();
    let member = Member::join(&mock);
    member.assigned(4);
    mock.miss_member();
    assert!(matches!(member.next(), Event::Lost(partitions) if partitions.len() == 4));
    assert_eq!(member.assigned(4), all());
    assert!(member.membership.is_member());
}

#[test]
fn a_member_without_partitions_learns_of_its_loss_too() {
    let mock = Mock::start();
    mock.topic(TOPIC, 1);
    let first = Member::join(&mock);
    first.assigned(1);
    let idle = Member::join(&mock);
    assert_eq!(idle.next(), Event::Assigned(Vec::new()));
    // Both lose it: the mock cluster answers one heartbeat after the other, and the first member may send several.
    for _ in 0..4 {
        mock.miss_member();
    }
    assert_eq!(idle.next(), Event::Lost(Vec::new()));
    assert!(matches!(idle.next(), Event::Assigned(_)));
}

#[test]
fn without_an_answer_from_kafka_all_is_lost_after_a_session() {
    let mock = mock();
    let member = Member::join(&mock);
    member.assigned(4);
    mock.down();
    let since = Instant::now();
    assert!(matches!(member.next(), Event::Lost(partitions) if partitions.len() == 4));
    assert!(since.elapsed() <= SESSION + Duration::from_secs(3), "{:?}", since.elapsed());
    assert!(!member.membership.is_member());
    assert_eq!(member.membership.generation(), None);
    mock.up();
    assert_eq!(member.assigned(4), all());
}

#[test]
fn a_group_of_another_kind_refuses_the_member_until_it_is_empty() {
    let mock = mock();
    mock.other_members(3);
    let member = Member::join(&mock);
    assert_eq!(member.next(), Event::Refused(Refusal::OtherProtocol));
    assert!(!member.membership.is_member());
    assert_eq!(member.assigned(4), all());
}

#[test]
fn a_missing_permission_is_reported_and_tried_again() {
    let mock = mock();
    mock.forbid_group();
    let member = Member::join(&mock);
    let refused = member.next();
    assert!(
        matches!(&refused, Event::Refused(Refusal::Broker(why)) if why.contains("authorization")),
        "{refused:?}"
    );
    assert_eq!(member.assigned(4), all());
}

#[test]
fn the_records_of_the_topic_are_not_read() {
    let mock = mock();
    let producer = Producer::new(&[("bootstrap.servers".to_owned(), mock.servers())]).unwrap();
    let produce = || {
        for n in 0..100_u32 {
            producer.send(TOPIC, Some(&n.to_be_bytes()), Some(b"value")).unwrap();
        }
        producer.flush(SOON).unwrap();
    };
    produce();
    mock.count_requests();
    let member = Member::join(&mock);
    member.assigned(4);
    produce();
    let second = Member::join(&mock);
    second.assigned(2);
    drop(member);
    second.assigned(2);
    // A consumer that reads fetches each time, and again when there is nothing.
    (0..10).for_each(|_| produce());
    assert!(second.membership.leave(SOON));
    // A fetch may begin before the pause of partitions that were just assigned has taken effect, and only then: once for
    // each assignment.
    let fetches = mock.fetches();
    assert!(fetches <= 3, "{fetches} fetches");
}

#[test]
fn settings_that_librdkafka_refuses_are_an_error() {
    let settings = [("no.such.setting".to_owned(), "1".to_owned())];
    let (events, _) = channel();
    let options = MembershipOptions {
        session: SESSION,
        heartbeat: SESSION / 3,
        rebalance_timeout: SESSION,
        client_id: String::new(),
    };
    let listener = Box::new(Probe { events, may_release: None });
    let error = Membership::join(&settings, TOPIC, "group", &options, listener).unwrap_err();
    assert!(error.to_string().contains("no.such.setting"), "{error}");
}
