use coherence_kafka_common::map::{EventKind, Listen, ListenTo, MapNotice, MapNotices};
use futures::StreamExt as _;

use super::*;
use crate::proto::cache::{MapEventMessage, key_or_filter::KeyOrFilter};

const SHORT: (Duration, Duration) = (Duration::from_millis(10), Duration::from_millis(20));

fn listen(
    map: &Arc<dyn NamedMap>,
    to: ListenTo,
    lite: bool,
) -> tokio::task::JoinHandle<Result<MapNotices, MapError>> {
    start(map, move |map| async move { map.listen(Listen { to, lite }).await }.boxed())
}

fn change(key: &'static str, value: &'static str, filter_ids: Vec<i64>) -> MapEventMessage {
    let (key, new_value) = (Bytes::from(key), Bytes::from(value));
    MapEventMessage { id: 2, key, new_value, filter_ids, ..MapEventMessage::default() }
}

async fn next(notices: &mut MapNotices) -> Option<MapNotice> {
    within(notices.next()).await
}

/// The new value of the next notice, which must be an event.
async fn value(notices: &mut MapNotices) -> Bytes {
    match next(notices).await {
        Some(MapNotice::Event(event)) => event.new_value.unwrap(),
        other => panic!("{other:?}"),
    }
}

/// A session, a map, a listener to all of it, and the grid's end of its stream.
async fn with_listener(
    grid: &mut FakeGrid,
    options: SessionOptions,
) -> (GrpcSession, Arc<dyn NamedMap>, MapNotices, FakeStream) {
    let (session, map, mut stream) = with_map(grid, options).await;
    let listening = listen(&map, ListenTo::All, false);
    let request = stream.subscribe().await;
    assert!(request.key_or_filter.is_none() && request.filter_id > 0 && !request.lite && !request.priming);
    let notices = within(listening).await.unwrap().unwrap();
    (session, map, notices, stream)
}

fn reconnecting(grid: &FakeGrid) -> SessionOptions {
    SessionOptions { reconnect_backoff: SHORT, ..options(&[&grid.address]) }
}

#[tokio::test]
async fn the_event_of_a_write_is_there_before_its_answer() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut notices, mut stream) = with_listener(&mut grid, options).await;
    let put = put(&map, batch(1));
    let asked = stream.expect(Kind::PutAll).await;
    stream.event(7, &change("key 00000", "value 0", vec![1]));
    stream.complete(asked.id);
    within(put).await.unwrap().unwrap();
    let event = match notices.next().now_or_never().flatten() {
        Some(MapNotice::Event(event)) => event,
        other => panic!("{other:?}"),
    };
    assert_eq!((event.kind, event.new_value), (EventKind::Updated, Some(Bytes::from("value 0"))));
}

#[tokio::test]
async fn an_event_that_is_too_large_to_be_received_is_a_gap_and_the_stream_goes_on() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, _map, mut notices, stream) = with_listener(&mut grid, options).await;
    let large = MapEventMessage { new_value: vec![1; (64 << 20) + 1].into(), ..change("large", "", vec![1]) };
    stream.event(7, &large);
    stream.event(7, &change("small", "value", vec![1]));
    assert!(matches!(next(&mut notices).await, Some(MapNotice::Gap(_))));
    assert_eq!(value(&mut notices).await, "value");
    assert_eq!(grid.opened(), 1, "the same stream");
}

#[tokio::test]
async fn a_key_and_a_filter_reach_the_grid_as_such_and_are_taken_back() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    let targets = [
        (ListenTo::Key(Bytes::from_static(b"\x0d\x07\x15k")), KeyOrFilter::Key(Bytes::from_static(b"\x15k"))),
        (ListenTo::Filter(Bytes::from_static(b"f")), KeyOrFilter::Filter(Bytes::from_static(b"f"))),
    ];
    for (to, expected) in targets {
        let listening = listen(&map, to, true);
        let made = stream.subscribe().await;
        assert_eq!(made.key_or_filter.clone().unwrap().key_or_filter, Some(expected));
        assert!(made.lite);
        drop(within(listening).await.unwrap().unwrap());
        let (asked, taken_back) = stream.listening().await;
        stream.complete(asked.id);
        assert!(!taken_back.subscribe);
        assert_eq!((taken_back.filter_id, taken_back.key_or_filter), (made.filter_id, made.key_or_filter));
    }
}

#[tokio::test]
async fn a_primed_key_begins_with_its_present_value() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    let listening = listen(&map, ListenTo::PrimedKey(Bytes::from_static(b"k")), false);
    let request = stream.subscribe().await;
    assert!(!request.priming, "a grid that primes sends every event of the key twice");
    let asked = stream.expect(Kind::Get).await;
    stream.event(7, &change("k", "w", vec![0]));
    stream.value(asked.id, Some(b"v"));
    let mut notices = within(listening).await.unwrap().unwrap();
    match next(&mut notices).await {
        Some(MapNotice::Event(event)) => {
            assert_eq!((event.kind, event.priming), (EventKind::Inserted, true));
            assert_eq!(event.new_value, Some(Bytes::from("v")));
        }
        other => panic!("{other:?}"),
    }
    assert_eq!(value(&mut notices).await, "w");
}

#[tokio::test]
async fn after_the_end_of_the_stream_listeners_are_registered_again_and_told_of_the_gap() {
    let mut grid = FakeGrid::start().await;
    let options = reconnecting(&grid);
    let (_session, _map, mut notices, stream) = with_listener(&mut grid, options).await;
    stream.event(7, &change("k", "before", vec![1]));
    assert_eq!(value(&mut notices).await, "before");
    stream.end(Status::unavailable("stopping"));

    // The first attempt to come back fails.
    grid.stream().await.refuse(Status::unavailable("not yet"));
    let mut stream = grid.stream_with_map(8).await;
    let (asked, request) = stream.listening().await;
    assert!(request.subscribe);
    // Old ids mean nothing any more, and an event may come before the answer.
    stream.event(7, &change("k", "stray", vec![request.filter_id]));
    stream.event(8, &change("k", "after", vec![request.filter_id]));
    assert!(notices.next().now_or_never().is_none(), "a gap is told when it is over");
    stream.complete(asked.id);
    match next(&mut notices).await {
        Some(MapNotice::Gap(reason)) => assert!(reason.contains("stopping"), "{reason}"),
        other => panic!("{other:?}"),
    }
    assert_eq!(value(&mut notices).await, "after");
}

#[tokio::test]
async fn a_destroyed_map_ends_its_notices_and_can_be_listened_to_again() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut notices, mut stream) = with_listener(&mut grid, options).await;
    stream.truncated(7);
    stream.destroyed(7);
    assert_eq!(next(&mut notices).await, Some(MapNotice::Truncated));
    assert_eq!(next(&mut notices).await, Some(MapNotice::Destroyed));
    assert_eq!(next(&mut notices).await, None);
    drop(notices);

    let again = listen(&map, ListenTo::All, false);
    assert_eq!(stream.ensure(8).await, "orders");
    let request = stream.subscribe().await;
    let mut notices = within(again).await.unwrap().unwrap();
    stream.event(8, &change("k", "new", vec![request.filter_id]));
    assert_eq!(value(&mut notices).await, "new");
    assert_eq!(grid.opened(), 1);
}

#[tokio::test]
async fn an_answer_that_says_the_map_was_destroyed_ends_its_notices_too() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut notices, mut stream) = with_listener(&mut grid, options).await;
    let call = get(&map, "a");
    let asked = stream.expect(Kind::Get).await;
    stream.error(asked.id, "SafeNamedCache was explicitly destroyed");
    unavailable(within(call).await.unwrap());
    assert_eq!(next(&mut notices).await, Some(MapNotice::Destroyed));
    assert_eq!(next(&mut notices).await, None);
}

#[tokio::test]
async fn a_refused_registration_fails_that_listener_alone() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut notices, mut stream) = with_listener(&mut grid, options).await;
    let refused = listen(&map, ListenTo::Filter(Bytes::from_static(b"\x15\xff")), false);
    let (asked, _) = stream.listening().await;
    stream.error(asked.id, "java.io.EOFException");
    let error = within(refused).await.unwrap().map(|_| ()).unwrap_err();
    assert_eq!(error, MapError::Refused("java.io.EOFException".to_owned()));
    stream.event(7, &change("k", "v", vec![1]));
    assert_eq!(value(&mut notices).await, "v");
}

#[tokio::test]
async fn without_a_grid_listening_fails_as_other_calls_do() {
    let mut grid = FakeGrid::start().await;
    let options = reconnecting(&grid);
    let (_session, map, stream) = with_map(&mut grid, options).await;
    stream.end(Status::unavailable("stopping"));
    // A call that meets the end of the stream may be told of that.
    let failed = tokio::spawn(async move {
        loop {
            let listen = Listen { to: ListenTo::All, lite: false };
            let reason = unavailable(map.listen(listen).await.map(|_| ()));
            if reason.contains("not now") {
                return reason;
            }
        }
    });
    grid.stream().await.refuse(Status::unavailable("not now"));
    within(failed).await.unwrap();
}

#[tokio::test]
async fn a_listener_that_nobody_waits_for_is_taken_back() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    let listening = listen(&map, ListenTo::All, false);
    let (asked, request) = stream.listening().await;
    assert!(request.subscribe);
    listening.abort();
    assert!(within(listening).await.is_err());
    stream.complete(asked.id);
    let (asked, request) = stream.listening().await;
    assert!(!request.subscribe);
    stream.complete(asked.id);
}

#[tokio::test]
async fn closing_the_session_ends_the_notices_behind_what_they_hold() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut notices, stream) = with_listener(&mut grid, options).await;
    stream.event(7, &change("k", "last", vec![1]));
    assert_eq!(value(&mut notices).await, "last");
    within(session.close()).await;
    assert_eq!(next(&mut notices).await, None);
    let closed = within(map.listen(Listen { to: ListenTo::All, lite: false })).await.map(|_| ());
    assert_eq!(closed, Err(MapError::Misuse("the session is closed".to_owned())));
}

#[tokio::test]
async fn notices_keep_the_session_and_give_it_up_when_they_are_dropped() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut notices, mut stream) = with_listener(&mut grid, options).await;
    drop((session, map));
    stream.event(7, &change("k", "v", vec![1]));
    assert_eq!(value(&mut notices).await, "v");
    drop(notices);
    while let Some(asked) = stream.next().await {
        assert_eq!(asked.kind, Kind::MapListener);
        stream.complete(asked.id);
    }
}

#[tokio::test]
async fn what_cannot_be_listened_to_is_refused_unsent() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let listen = |to| map.listen(Listen { to, lite: false });
    let no_key = within(listen(ListenTo::Key(Bytes::new()))).await.map(|_| ());
    assert!(matches!(no_key, Err(MapError::NotSent { index: 0, .. })), "{no_key:?}");
    let no_filter = within(listen(ListenTo::Filter(Bytes::new()))).await.map(|_| ());
    assert!(matches!(no_filter, Err(MapError::Misuse(_))), "{no_filter:?}");
    let too_large = Bytes::from(vec![1; crate::limits::MAX_MESSAGE_BYTES]);
    let refused = within(listen(ListenTo::Filter(too_large))).await.map(|_| ());
    assert!(matches!(refused, Err(MapError::Misuse(_))), "{refused:?}");
    let twice = Bytes::from_static(b"\x0d\x07\x0d\x07\x15\x41\x05");
    let refused = within(listen(ListenTo::Key(twice))).await.map(|_| ());
    assert!(matches!(refused, Err(MapError::NotSent { index: 0, .. })), "{refused:?}");
    within(session.close()).await;
    assert!(stream.half_closed().await);
}
