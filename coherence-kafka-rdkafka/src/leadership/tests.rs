//! Against librdkafka's mock cluster: that the broker refuses the commit of a member that it has given up, it cannot
//! show; the suites with real peers do.

use super::*;
use crate::testing::Mock;

const SOON: Duration = Duration::from_secs(30);
const SESSION: Duration = Duration::from_secs(6);

fn join(mock: &Mock) -> Leadership {
    let settings = [("bootstrap.servers".to_owned(), mock.servers())];
    Leadership::join(&settings, "control", "group", SESSION).unwrap()
}

async fn soon(what: &str, future: impl Future<Output = ()>) {
    assert!(tokio::time::timeout(SOON, future).await.is_ok(), "not within {SOON:?}: {what}");
}

#[tokio::test(flavor = "multi_thread")]
async fn one_of_two_leads_and_the_other_takes_over_when_it_leaves() {
    let mock = Mock::start();
    mock.topic("control", 1);
    let first = join(&mock);
    soon("the first leads", async { _ = first.leading().await }).await;
    let second = join(&mock);
    // Long enough for the group to take it in.
    let taken = tokio::time::timeout(SESSION, second.leading()).await;
    assert!(taken.is_err(), "the second leads while the first does");
    // The mock cluster answers no commit while it takes a member in, which can last as long as the lease.
    soon("the first leads still, or again", async { _ = first.leading().await }).await;
    assert!((0..10).all(|term| !second.leads(term)));
    soon("the first leaves", first.leave()).await;
    soon("the second leads", async { _ = second.leading().await }).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_word_from_kafka_nobody_leads_for_longer_than_a_session() {
    let mock = Mock::start();
    mock.topic("control", 1);
    let leadership = join(&mock);
    let term = leading(&leadership).await;
    assert!(leadership.leads(term));
    mock.down();
    let since = Instant::now();
    soon("its lease ends", leadership.standing_by(term)).await;
    assert!(since.elapsed() <= SESSION + Duration::from_secs(2), "{:?}", since.elapsed());
    leadership.release(term);
    mock.up();
    let next = leading(&leadership).await;
    assert!(next > term && leadership.leads(next) && !leadership.leads(term));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_leader_in_doubt_leads_again_only_once_a_later_commit_is_accepted() {
    let mock = Mock::start();
    mock.topic("control", 1);
    let leadership = join(&mock);
    let term = leading(&leadership).await;
    mock.down();
    leadership.doubt();
    assert!(!leadership.leads(term));
    let again = tokio::time::timeout(SESSION / 3, leadership.leading()).await;
    assert!(again.is_err(), "it leads without a commit");
    mock.up();
    assert!(leading(&leadership).await > term);
}

#[tokio::test(flavor = "multi_thread")]
async fn of_a_topic_with_more_partitions_the_first_one_decides() {
    let mock = Mock::start();
    mock.topic("control", 3);
    let members = [join(&mock), join(&mock), join(&mock)];
    let [one, two, three] = &members;
    let leading = async {
        tokio::select! { _ = one.leading() => 0, _ = two.leading() => 1, _ = three.leading() => 2 }
    };
    let first = tokio::time::timeout(SOON, leading).await.unwrap();
    let others = members.iter().enumerate().filter(|(index, _)| *index != first);
    let others = futures::future::select_all(others.map(|(_, other)| Box::pin(other.leading())));
    // Long enough for each of them to get a partition.
    assert!(tokio::time::timeout(SESSION * 2, others).await.is_err(), "two lead");
}

#[test]
fn a_session_may_be_longer_than_librdkafkas_time_between_polls() {
    let settings = [("bootstrap.servers".to_owned(), "127.0.0.1:1".to_owned())];
    let joined = Leadership::join(&settings, "control", "group", MAX_POLL_INTERVAL * 2);
    assert!(joined.is_ok(), "{joined:?}");
}

#[test]
fn a_lease_that_was_renewed_after_its_end_is_another_term() {
    let session = Duration::from_secs(60);
    let shared = shared(session);
    shared.state.lock().assigned = true;
    let now = Instant::now();
    shared.lead(now);
    assert_eq!(shared.state.lock().term_at(now), Some(1));
    shared.lead(now + Duration::from_secs(1));
    assert_eq!(shared.state.lock().term_at(now), Some(1), "renewed in time");
    // It passes by the clock, while an answer is waited for: what leads has seen it and released its term.
    shared.state.lock().lease = Some(now);
    shared.lead(Instant::now());
    let state = shared.state.lock();
    assert_eq!(state.term_at(Instant::now()), Some(2));
    assert!(state.released < state.term, "a revocation waits for the new term");
}

#[test]
fn a_commit_that_was_sent_before_a_doubt_proves_nothing() {
    let shared = shared(Duration::from_secs(60));
    shared.state.lock().assigned = true;
    let sent = Instant::now();
    shared.state.lock().doubted = Some(sent);
    shared.lead(sent);
    assert_eq!(shared.state.lock().term_at(sent), None);
    shared.lead(sent + Duration::from_millis(1));
    assert_eq!(shared.state.lock().term_at(sent), Some(1));
}

fn shared(session: Duration) -> Shared {
    Shared {
        topic: "control".to_owned(),
        session,
        state: Mutex::default(),
        released: Condvar::new(),
        changed: watch::Sender::default(),
        left: watch::Sender::default(),
    }
}

async fn leading(leadership: &Leadership) -> u64 {
    tokio::time::timeout(SOON, leadership.leading()).await.expect("it leads in time")
}
