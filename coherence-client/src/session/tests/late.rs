//! Writes without answer: a session knows of them until they are answered or cannot run any more.

use futures::FutureExt as _;
use tokio::task::JoinHandle;

use super::*;

const SOON: Duration = Duration::from_millis(500);

fn impatient(addresses: &[&str]) -> SessionOptions {
    SessionOptions {
        request_timeout: SOON,
        connect_timeout: SOON,
        reconnect_backoff: (Duration::from_millis(10), Duration::from_millis(20)),
        ..options(addresses)
    }
}

fn settling(session: &GrpcSession) -> JoinHandle<bool> {
    let session = session.clone();
    tokio::spawn(async move { session.settled().await })
}

fn size(map: &Arc<dyn NamedMap>) -> JoinHandle<Result<(), MapError>> {
    start(map, |map| async move { map.size().await.map(drop) }.boxed())
}

#[track_caller]
fn waits_for(session: &GrpcSession, address: &str) {
    let reason = session.unsettled().expect("a write is without answer");
    assert!(reason.contains(&format!("by way of {address} is unanswered")), "{reason}");
}

#[track_caller]
fn is_settled(session: &GrpcSession) {
    assert_eq!(session.unsettled(), None);
    assert_eq!(session.settled().now_or_never(), Some(true));
}

/// Answers the question of a probe, when it comes.
async fn answer_a_question(grid: &mut FakeGrid) -> FakeStream {
    let mut stream = grid.stream().await;
    stream.accept();
    stream
}

#[tokio::test]
async fn a_write_whose_caller_waits_is_none_of_them() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = put(&map, batch(1));
    let asked = stream.expect(Kind::PutAll).await;
    is_settled(&session);
    stream.complete(asked.id);
    within(call).await.unwrap().unwrap();
    is_settled(&session);
}

#[tokio::test]
async fn a_write_that_its_caller_has_left_is_awaited_until_it_is_answered() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let calls = [put(&map, batch(1)), size(&map)];
    let asked = stream.expect(Kind::PutAll).await;
    stream.expect(Kind::Size).await;
    for call in &calls {
        call.abort();
    }
    for call in calls {
        assert!(within(call).await.unwrap_err().is_cancelled());
    }
    waits_for(&session, &grid.address);
    let settled = settling(&session);
    stream.error(asked.id, "Partial failure");
    assert!(within(settled).await.unwrap(), "a read that is left does not count");
    is_settled(&session);
}

#[tokio::test]
async fn a_write_without_an_answer_in_time_is_awaited_while_the_session_goes_on_elsewhere() {
    let (mut slow, mut other) = (FakeGrid::start().await, FakeGrid::start().await);
    let options = impatient(&[&slow.address, &other.address]);
    let (session, map, mut stream) = with_map(&mut slow, options).await;
    let calls = [put(&map, batch(1)), size(&map)];
    let asked = stream.expect(Kind::PutAll).await;
    stream.expect(Kind::Size).await;
    for call in calls {
        let reason = unanswered(within(call).await.unwrap());
        assert!(reason.contains("no answer within 500ms"), "{reason}");
    }
    waits_for(&session, &slow.address);
    assert_eq!(session.grid.requests.available_permits(), MAX_REQUESTS_IN_FLIGHT, "others may go on");

    let settled = settling(&session);
    let again = put(&map, batch(1));
    let mut elsewhere = other.stream_with_map(8).await;
    let same = elsewhere.expect(Kind::PutAll).await;
    elsewhere.complete(same.id);
    within(again).await.unwrap().unwrap();
    waits_for(&session, &slow.address);
    assert!(!settled.is_finished());

    stream.complete(asked.id);
    assert!(within(settled).await.unwrap());
    is_settled(&session);
    assert!(stream.next().await.is_none(), "the retired stream is over");
}

#[tokio::test]
async fn a_write_that_is_never_answered_is_awaited_for_as_long_as_the_options_say() {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions { unanswered_timeout: Some(SOON), ..impatient(&[&grid.address]) };
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = put(&map, batch(1));
    stream.expect(Kind::PutAll).await;
    unanswered(within(call).await.unwrap());
    waits_for(&session, &grid.address);
    assert!(!within(session.settled()).await, "given up");
    is_settled(&session);
    assert!(stream.next().await.is_none(), "what is given up is not awaited");
}

#[tokio::test]
async fn a_write_whose_stream_broke_is_awaited_until_its_proxy_has_answered_for_a_while() {
    let mut grid = FakeGrid::start().await;
    let options = impatient(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = put(&map, batch(1));
    stream.expect(Kind::PutAll).await;
    stream.end(Status::cancelled("cut"));
    unavailable(within(call).await.unwrap());
    waits_for(&session, &grid.address);

    let settled = settling(&session);
    // Frozen: it takes the connection and says nothing.
    let _silent = grid.stream().await;
    answer_a_question(&mut grid).await;
    let second = grid.stream().await;
    waits_for(&session, &grid.address);
    assert!(!settled.is_finished(), "one answer may come from a proxy that has just thawed");
    let mut second = second;
    second.accept();
    assert!(within(settled).await.unwrap());
    is_settled(&session);
}

#[tokio::test]
async fn a_write_whose_stream_broke_is_over_when_nobody_listens_any_more() {
    let mut grid = FakeGrid::start().await;
    let options = impatient(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = put(&map, batch(1));
    stream.expect(Kind::PutAll).await;
    stream.end(Status::cancelled("cut"));
    unavailable(within(call).await.unwrap());
    waits_for(&session, &grid.address);
    drop(grid);
    assert!(within(session.settled()).await);
    is_settled(&session);
}

#[tokio::test]
async fn a_retired_stream_that_breaks_leaves_its_writes_in_doubt() {
    let mut grid = FakeGrid::start().await;
    let options = impatient(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = put(&map, batch(1));
    stream.expect(Kind::PutAll).await;
    unanswered(within(call).await.unwrap());
    let settled = settling(&session);
    stream.end(Status::cancelled("cut"));
    answer_a_question(&mut grid).await;
    waits_for(&session, &grid.address);
    answer_a_question(&mut grid).await;
    assert!(within(settled).await.unwrap());
}

#[tokio::test]
async fn reads_without_an_answer_leave_nothing_behind() {
    let mut grid = FakeGrid::start().await;
    let options = impatient(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = get(&map, "a");
    stream.expect(Kind::Get).await;
    unanswered(within(call).await.unwrap());
    within(async {
        while session.unsettled().is_some() {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(stream.next().await.is_none(), "the stream is over");
}

#[tokio::test]
async fn an_address_with_writes_without_answer_gets_no_further_ones_without_end() {
    let mut grid = FakeGrid::start().await;
    let options = impatient(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = put(&map, batch(1));
    let first = stream.expect(Kind::PutAll).await;
    unanswered(within(call).await.unwrap());
    let call = put(&map, batch(1));
    let mut again = grid.stream_with_map(7).await;
    again.expect(Kind::PutAll).await;
    unanswered(within(call).await.unwrap());

    let refused = unavailable(within(map.put_all(batch(1), Expiry::Default)).await);
    assert!(refused.contains("2 streams to it have writes without answer"), "{refused}");
    assert_eq!(grid.opened(), 2);

    stream.complete(first.id);
    assert!(stream.next().await.is_none());
    let call = put(&map, batch(1));
    let mut stream = grid.stream_with_map(7).await;
    let asked = stream.expect(Kind::PutAll).await;
    stream.complete(asked.id);
    within(call).await.unwrap().unwrap();
    waits_for(&session, &grid.address);
}

#[tokio::test]
async fn what_is_awaited_ends_with_the_session() {
    let mut grid = FakeGrid::start().await;
    let options = impatient(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = put(&map, batch(1));
    stream.expect(Kind::PutAll).await;
    unanswered(within(call).await.unwrap());
    waits_for(&session, &grid.address);
    drop((session, map));
    assert!(stream.next().await.is_none());
}
