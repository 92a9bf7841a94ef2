//! Against librdkafka's mock cluster: that the broker refuses the commit of a member that it has given up, it cannot
//! show; the suites with real peers do.

use super::*;
use crate::kafka::mock::Mock;

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
    soon("the first leads", first.leading()).await;
    let second = join(&mock);
    // Long enough for the group to take it in.
    let taken = tokio::time::timeout(SESSION, second.leading()).await;
    assert!(taken.is_err(), "the second leads beside the first, which leads: {}", first.is_leading());
    // The mock cluster answers no commit while it takes a member in, which can last as long as the lease.
    soon("the first leads still, or again", first.leading()).await;
    assert!(!second.is_leading());
    tokio::task::spawn_blocking(move || drop(first)).await.unwrap();
    soon("the second leads", second.leading()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_a_word_from_kafka_nobody_leads_for_longer_than_a_session() {
    let mock = Mock::start();
    mock.topic("control", 1);
    let leadership = join(&mock);
    soon("it leads", leadership.leading()).await;
    mock.down();
    let since = Instant::now();
    soon("its lease ends", leadership.standing_by()).await;
    assert!(since.elapsed() <= SESSION + Duration::from_secs(2), "{:?}", since.elapsed());
    leadership.release();
    mock.up();
    soon("it leads again", leadership.leading()).await;
}
