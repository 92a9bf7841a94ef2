//! Writes without answer: a session knows of them until they are answered or cannot run any more.

use coherence_kafka_common::decoration::int_decorated_key;
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

fn of_map<'a>(map: &'a str, entries: &'a Entries) -> OfMap<'a> {
    OfMap { map, entries }
}

/// Whether a write in doubt may change the entry of this key.
fn is_in_doubt(session: &GrpcSession, map: &str, key: &[u8]) -> bool {
    session.in_doubt(&[of_map(map, &Entries::from_pairs([(key, b"")]))]).is_some()
}

fn resolving(session: &GrpcSession) -> JoinHandle<bool> {
    let session = session.clone();
    tokio::spawn(async move { session.until_resolved(&[of_map("orders", &batch(1))]).await })
}

fn size(map: &Arc<dyn NamedMap>) -> JoinHandle<Result<(), MapError>> {
    start(map, |map| async move { map.size().await.map(drop) }.boxed())
}

#[track_caller]
fn waits_for(session: &GrpcSession, address: &str) {
    assert!(session.has_writes_in_doubt());
    let reason = session.in_doubt(&[of_map("orders", &batch(1))]).expect("a write is without answer");
    assert!(reason.contains(&format!("by way of {address} is unanswered")), "{reason}");
}

#[track_caller]
fn is_resolved(session: &GrpcSession) {
    assert!(!session.has_writes_in_doubt());
    assert_eq!(session.in_doubt(&[of_map("orders", &batch(1))]), None);
    assert_eq!(session.until_resolved(&[of_map("orders", &batch(1))]).now_or_never(), Some(true));
}

/// The write of `batch(1)` and the removal of "gone" are in doubt, and nothing else.
#[track_caller]
fn holds_their_keys_alone(session: &GrpcSession) {
    for key in [&b"key 00000"[..], b"gone", &int_decorated_key(b"gone", 7)] {
        assert!(is_in_doubt(session, "orders", key), "{key:?}");
        assert!(!is_in_doubt(session, "customers", key), "{key:?}");
    }
    assert!(!is_in_doubt(session, "orders", b"key 00001"));
    let others = Entries::from_pairs([("key 00001", ""), ("key 00002", "")]);
    assert_eq!(session.until_resolved(&[of_map("orders", &others)]).now_or_never(), Some(true));
    let some = Entries::from_pairs([("key 00001", ""), ("gone", "")]);
    assert_eq!(session.until_resolved(&[of_map("orders", &some)]).now_or_never(), None);
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
    is_resolved(&session);
    stream.complete(asked.id);
    within(call).await.unwrap().unwrap();
    is_resolved(&session);
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
    let resolved = resolving(&session);
    stream.error(asked.id, "Partial failure");
    assert!(within(resolved).await.unwrap(), "a read that is left does not count");
    is_resolved(&session);
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
    assert_eq!(session.core.free_requests(), MAX_REQUESTS_IN_FLIGHT, "others may go on");

    let resolved = resolving(&session);
    let again = put(&map, batch(1));
    let mut elsewhere = other.stream_with_map(8).await;
    let same = elsewhere.expect(Kind::PutAll).await;
    elsewhere.complete(same.id);
    within(again).await.unwrap().unwrap();
    waits_for(&session, &slow.address);
    assert!(!resolved.is_finished());

    stream.complete(asked.id);
    assert!(within(resolved).await.unwrap());
    is_resolved(&session);
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
    assert!(!within(session.until_resolved(&[of_map("orders", &batch(1))])).await, "given up");
    is_resolved(&session);
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

    let resolved = resolving(&session);
    // Frozen: it takes the connection and says nothing.
    let _silent = grid.stream().await;
    answer_a_question(&mut grid).await;
    let second = grid.stream().await;
    waits_for(&session, &grid.address);
    assert!(!resolved.is_finished(), "one answer may come from a proxy that has just thawed");
    let mut second = second;
    second.accept();
    assert!(within(resolved).await.unwrap());
    is_resolved(&session);
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
    assert!(within(session.until_resolved(&[of_map("orders", &batch(1))])).await);
    is_resolved(&session);
}

#[tokio::test]
async fn a_retired_stream_that_breaks_leaves_its_writes_in_doubt() {
    let mut grid = FakeGrid::start().await;
    let options = impatient(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = put(&map, batch(1));
    stream.expect(Kind::PutAll).await;
    unanswered(within(call).await.unwrap());
    let resolved = resolving(&session);
    stream.end(Status::cancelled("cut"));
    answer_a_question(&mut grid).await;
    waits_for(&session, &grid.address);
    answer_a_question(&mut grid).await;
    assert!(within(resolved).await.unwrap());
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
        while session.has_writes_in_doubt() {
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

fn remove(map: &Arc<dyn NamedMap>) -> JoinHandle<Result<(), MapError>> {
    start(map, |map| async move { map.remove(b"gone").await.map(drop) }.boxed())
}

#[tokio::test]
async fn writes_that_their_callers_have_left_hold_their_own_keys_alone() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let calls = [put(&map, batch(1)), remove(&map)];
    stream.expect(Kind::PutAll).await;
    stream.expect(Kind::Remove).await;
    for call in calls {
        call.abort();
        assert!(within(call).await.unwrap_err().is_cancelled());
    }
    holds_their_keys_alone(&session);
}

#[tokio::test]
async fn writes_without_an_answer_in_time_hold_their_own_keys_alone() {
    let mut grid = FakeGrid::start().await;
    let options = impatient(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let calls = [put(&map, batch(1)), remove(&map), size(&map)];
    stream.expect(Kind::PutAll).await;
    for call in calls {
        unanswered(within(call).await.unwrap());
    }
    holds_their_keys_alone(&session);
}

#[tokio::test]
async fn writes_whose_stream_broke_hold_their_own_keys_alone() {
    let mut grid = FakeGrid::start().await;
    let options = impatient(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let calls = [put(&map, batch(1)), remove(&map)];
    stream.expect(Kind::PutAll).await;
    stream.expect(Kind::Remove).await;
    stream.end(Status::cancelled("cut"));
    for call in calls {
        unavailable(within(call).await.unwrap());
    }
    holds_their_keys_alone(&session);
}

#[tokio::test]
async fn a_change_of_a_whole_map_in_doubt_holds_every_key_of_that_map() {
    let mut grid = FakeGrid::start().await;
    let options = impatient(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = start(&map, |map| async move { map.clear().await }.boxed());
    stream.expect(Kind::Clear).await;
    unanswered(within(call).await.unwrap());
    assert!(is_in_doubt(&session, "orders", b"any"));
    assert!(!is_in_doubt(&session, "customers", b"any"));
}
