use std::collections::BTreeMap;
use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, Expiry};
use futures::TryStreamExt as _;
use parking_lot::Mutex;
use tokio::net::TcpListener;
use tonic::Status;

use super::*;
use crate::fake_grid::{FakeGrid, FakeStream, within};
use crate::limits::{MAX_BYTES_IN_FLIGHT, MAX_MESSAGE_BYTES, MAX_REQUEST_ENTRIES, MAX_REQUESTS_IN_FLIGHT};
use crate::proto::cache::{ExecuteRequest, NamedCacheRequestType as Kind, keys_or_filter::KeyOrFilter};
use crate::proto::common::BinaryKeyAndValue;

mod late;
mod listening;
mod opening;
mod streams;

fn options(addresses: &[&str]) -> SessionOptions {
    SessionOptions {
        addresses: addresses.iter().map(|address| (*address).to_owned()).collect(),
        ..SessionOptions::default()
    }
}

fn session(grid: &FakeGrid) -> GrpcSession {
    GrpcSession::new(options(&[&grid.address])).unwrap()
}

/// A session, one map of it, and the grid's end of its stream.
async fn with_map(
    grid: &mut FakeGrid,
    options: SessionOptions,
) -> (GrpcSession, Arc<dyn NamedMap>, FakeStream) {
    let session = GrpcSession::new(options).unwrap();
    let opened = tokio::spawn({
        let session = session.clone();
        async move { session.map("orders").await }
    });
    let stream = grid.stream_with_map(7).await;
    let map = within(opened).await.unwrap().unwrap();
    (session, map, stream)
}

fn batch(len: usize) -> Arc<Entries> {
    Arc::new(Entries::from_pairs((0..len).map(|n| (format!("key {n:05}"), format!("value {n}")))))
}

/// Starts a call and lets it run.
fn start<T: Send + 'static>(
    map: &Arc<dyn NamedMap>,
    call: impl FnOnce(Arc<dyn NamedMap>) -> BoxFuture<'static, T>,
) -> tokio::task::JoinHandle<T> {
    tokio::spawn(call(map.clone()))
}

fn get(
    map: &Arc<dyn NamedMap>,
    key: &'static str,
) -> tokio::task::JoinHandle<Result<Option<Bytes>, MapError>> {
    start(map, move |map| async move { map.get(key.as_bytes()).await }.boxed())
}

fn put(map: &Arc<dyn NamedMap>, entries: Arc<Entries>) -> tokio::task::JoinHandle<Result<(), MapError>> {
    start(map, move |map| async move { map.put_all(entries, Expiry::Default).await }.boxed())
}

#[track_caller]
fn unanswered<T: fmt::Debug>(result: Result<T, MapError>) -> String {
    match result {
        Err(MapError::Unanswered(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[track_caller]
fn unavailable<T: fmt::Debug>(result: Result<T, MapError>) -> String {
    match result {
        Err(MapError::Unavailable(reason)) => reason,
        other => panic!("{other:?}"),
    }
}

#[tokio::test]
async fn a_map_holds_what_was_put_and_not_what_was_removed() {
    let mut grid = FakeGrid::start().await;
    let session = session(&grid);
    let serve = tokio::spawn(async move {
        let mut stream = grid.stream().await;
        stream.accept();
        stream.serve(Arc::default(), 3).await;
    });
    let map = within(session.map("orders")).await.unwrap();
    assert_eq!(map.name(), "orders");
    within(map.put_all(batch(10), Expiry::Default)).await.unwrap();
    within(map.remove_all(Arc::new(Entries::from_keys(["key 00003", "absent"])))).await.unwrap();
    assert_eq!(within(map.size()).await.unwrap(), 9);
    assert_eq!(within(map.get(b"key 00002")).await.unwrap(), Some(Bytes::from("value 2")));
    assert_eq!(within(map.get(b"key 00003")).await.unwrap(), None);
    let entries: BTreeMap<_, _> =
        within(map.entries().try_collect::<Vec<_>>()).await.unwrap().into_iter().collect();
    let expected: BTreeMap<_, _> = batch(10)
        .iter()
        .filter(|(key, _)| key != b"key 00003")
        .map(|(key, value)| (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value)))
        .collect();
    assert_eq!(entries, expected);
    within(session.close()).await;
    within(serve).await.unwrap();
}

#[tokio::test]
async fn a_batch_beyond_one_request_arrives_whole() {
    let mut grid = FakeGrid::start().await;
    let session = session(&grid);
    let held = Arc::<Mutex<BTreeMap<Bytes, Bytes>>>::default();
    let serve = held.clone();
    tokio::spawn(async move {
        let mut stream = grid.stream().await;
        stream.accept();
        stream.serve(serve, 3).await;
    });
    let map = within(session.map("orders")).await.unwrap();
    let large = vec![1; 3_000_000];
    let pairs = (0u32..25_000).map(|n| (n.to_be_bytes().to_vec(), vec![2; 8]));
    let pairs = pairs.chain((0u32..3).map(|n| (vec![9, n as u8], large.clone())));
    within(map.put_all(Arc::new(Entries::from_pairs(pairs)), Expiry::Default)).await.unwrap();
    assert_eq!(held.lock().len(), 25_003);
    let keys = (0u32..25_000).map(u32::to_be_bytes);
    within(map.remove_all(Arc::new(Entries::from_keys(keys)))).await.unwrap();
    assert_eq!(held.lock().len(), 3);
    session.close().await;
}

#[tokio::test]
async fn answers_in_any_order_reach_their_callers() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    let calls = ["a", "b", "c"].map(|key| get(&map, key));
    let mut asked = Vec::new();
    for _ in 0..3 {
        let request = stream.expect(Kind::Get).await;
        assert_eq!(request.cache_id, Some(7));
        asked.push((request.id, request.body::<Bytes>()));
    }
    for (id, key) in asked.into_iter().rev() {
        stream.value(id, Some(&key));
    }
    for (call, key) in calls.into_iter().zip(["a", "b", "c"]) {
        assert_eq!(within(call).await.unwrap().unwrap(), Some(Bytes::from(key)));
    }
}

#[tokio::test]
async fn an_error_after_partial_results_fails_that_request_alone() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    let entries = start(&map, |map| async move { map.entries().try_collect::<Vec<_>>().await }.boxed());
    let page = stream.expect(Kind::PageOfEntries).await;
    let other = get(&map, "a");
    let asked = stream.expect(Kind::Get).await;

    stream.message(page.id, "google.protobuf.BytesValue", &Bytes::from_static(b"next"));
    let entry = BinaryKeyAndValue { key: Bytes::from_static(b"k"), value: Bytes::from_static(b"v") };
    stream.message(page.id, "coherence.common.v1.BinaryKeyAndValue", &entry);
    stream.error(page.id, "java.io.EOFException\n\tat somewhere");
    stream.value(asked.id, None);

    let error = within(entries).await.unwrap().unwrap_err();
    assert_eq!(error, MapError::Refused("java.io.EOFException".to_owned()));
    assert_eq!(within(other).await.unwrap().unwrap(), None);
}

#[tokio::test]
async fn the_end_of_the_stream_fails_all_that_is_pending_and_the_next_call_opens_another() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    let calls = ["a", "b"].map(|key| get(&map, key));
    stream.expect(Kind::Get).await;
    stream.expect(Kind::Get).await;
    stream.end(Status::cancelled("h2 protocol error"));
    for call in calls {
        let reason = unavailable(within(call).await.unwrap());
        assert!(reason.contains(&grid.address) && reason.contains("h2 protocol error"), "{reason}");
    }

    let again = get(&map, "a");
    let mut stream = grid.stream().await;
    stream.accept();
    assert_eq!(stream.ensure(8).await, "orders");
    let asked = stream.expect(Kind::Get).await;
    assert_eq!(asked.cache_id, Some(8), "ids of the old stream mean nothing on the new one");
    stream.value(asked.id, None);
    within(again).await.unwrap().unwrap();
    assert_eq!(grid.opened(), 2);
}

#[tokio::test]
async fn a_request_without_an_answer_in_time_ends_the_stream() {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions { request_timeout: Duration::from_millis(500), ..options(&[&grid.address]) };
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    let call = get(&map, "a");
    stream.expect(Kind::Get).await;
    let reason = unanswered(within(call).await.unwrap());
    assert!(reason.contains("no answer within 500ms"), "{reason}");
    assert!(stream.next().await.is_none(), "the stream is over");

    let again = get(&map, "a");
    let mut stream = grid.stream_with_map(8).await;
    let asked = stream.expect(Kind::Get).await;
    stream.value(asked.id, Some(b"v"));
    assert_eq!(within(again).await.unwrap().unwrap(), Some(Bytes::from("v")));
}

#[tokio::test]
async fn an_idle_stream_stays_open_beyond_the_request_timeout() {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions { request_timeout: Duration::from_millis(400), ..options(&[&grid.address]) };
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    for _ in 0..2 {
        tokio::time::sleep(Duration::from_millis(450)).await;
        let call = get(&map, "a");
        let asked = stream.expect(Kind::Get).await;
        stream.value(asked.id, None);
        within(call).await.unwrap().unwrap();
    }
    assert_eq!(grid.opened(), 1);
}

#[tokio::test]
async fn concurrent_callers_share_one_connection_attempt_and_one_ensure() {
    let mut grid = FakeGrid::start().await;
    let session = session(&grid);
    let calls: Vec<_> = (0..20)
        .map(|_| {
            let session = session.clone();
            tokio::spawn(async move { session.map("orders").await.map(|_| ()) })
        })
        .collect();
    let mut stream = grid.stream_with_map(7).await;
    for call in calls {
        within(call).await.unwrap().unwrap();
    }
    assert_eq!(grid.opened(), 1);
    within(session.close()).await;
    assert!(stream.half_closed().await, "no second EnsureCache was sent");
}

#[tokio::test]
async fn an_empty_batch_sends_nothing() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    within(map.put_all(Arc::default(), Expiry::Default)).await.unwrap();
    // An Invoke without keys would remove every entry.
    within(map.remove_all(Arc::default())).await.unwrap();
    within(session.close()).await;
    assert!(stream.half_closed().await);
}

#[tokio::test]
async fn a_batch_with_an_entry_that_cannot_be_sent_sends_nothing() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let too_large = vec![1; MAX_MESSAGE_BYTES];
    for (key, value) in [(b"b".as_slice(), too_large.as_slice()), (b"b", b""), (b"", b"v")] {
        let many = (0..MAX_REQUEST_ENTRIES + 5).map(|n| (n.to_be_bytes().to_vec(), b"v".to_vec()));
        let entries = Entries::from_pairs(many.chain([(key.to_vec(), value.to_vec())]));
        let error = within(map.put_all(Arc::new(entries), Expiry::Default)).await.unwrap_err();
        assert!(matches!(error, MapError::NotSent { index: 10_005, .. }), "{error:?}");
    }
    assert!(matches!(within(map.get(b"")).await, Err(MapError::NotSent { index: 0, .. })));
    within(session.close()).await;
    assert!(stream.half_closed().await);
}

#[tokio::test]
async fn a_remove_names_its_keys_and_an_agent_of_the_sessions_format() {
    for (format, start) in [
        (Format::Pof, b"\x15\x9e\x01".as_slice()),
        (Format::Json, b"\x15{\"@class\""),
        (Format::Java, b"\x0A\x2Dcom.tangosol.util.processor.ConditionalRemove\x0A"),
    ] {
        let mut grid = FakeGrid::start().await;
        let options = SessionOptions { format, ..options(&[&grid.address]) };
        let (_session, map, mut stream) = with_map(&mut grid, options).await;
        assert_eq!(stream.init.format, format.name());
        let call = tokio::spawn(async move { map.remove_all(batch(3)).await });
        let asked = stream.expect(Kind::Invoke).await;
        let execute: ExecuteRequest = asked.body();
        assert!(execute.agent.starts_with(start));
        let Some(KeyOrFilter::Keys(keys)) = execute.keys.unwrap().key_or_filter else { panic!() };
        assert_eq!(keys.values, ["key 00000", "key 00001", "key 00002"]);
        stream.complete(asked.id);
        within(call).await.unwrap().unwrap();
    }
}

#[tokio::test]
async fn a_put_if_absent_in_json_is_an_agent_that_holds_nothing_but_the_value() {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions { format: Format::Json, ..options(&[&grid.address]) };
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    // The last one would close the value and go on with the agent.
    for value in ["", "{}", "\u{15}", "\u{15}{", "\u{15}1 2", "\u{15}1,\"return\":false"] {
        let refused = within(map.put_if_absent(b"\x15\"k\"", value.as_bytes())).await;
        assert!(matches!(refused, Err(MapError::NotSent { index: 0, .. })), "{value:?}: {refused:?}");
    }
    let call = tokio::spawn(async move { map.put_if_absent(b"\x15\"k\"", b"\x15{\"a\":[1]}").await });
    let asked = stream.expect(Kind::Invoke).await;
    let execute: ExecuteRequest = asked.body();
    let agent = b"\x15{\"@class\":\"processor.ConditionalPut\",\"filter\":{\"@class\":\"filter.NotFilter\",\
        \"filter\":{\"@class\":\"filter.PresentFilter\"}},\"value\":{\"a\":[1]},\"return\":true}";
    assert_eq!(&execute.agent[..], agent);
    let there = BinaryKeyAndValue { key: "\u{15}\"k\"".into(), value: "\u{15}2".into() };
    stream.message(asked.id, "coherence.common.v1.BinaryKeyAndValue", &there);
    stream.complete(asked.id);
    assert_eq!(within(call).await.unwrap(), Ok(Some("\u{15}2".into())));
}

#[tokio::test]
async fn a_call_ends_when_all_its_requests_are_answered_with_the_error_that_passes() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut stream) = with_map(&mut grid, options).await;
    let call = put(&map, batch(MAX_REQUEST_ENTRIES * 2 + 1));
    let asked = [
        stream.expect(Kind::PutAll).await,
        stream.expect(Kind::PutAll).await,
        stream.expect(Kind::PutAll).await,
    ];
    stream.error(asked[0].id, "java.io.EOFException");
    stream.complete(asked[2].id);
    let other = get(&map, "a");
    let get = stream.expect(Kind::Get).await;
    stream.value(get.id, None);
    within(other).await.unwrap().unwrap();
    assert!(!call.is_finished(), "a request of it is still running");
    stream.error(asked[1].id, "Partial failure");
    assert_eq!(within(call).await.unwrap(), Err(MapError::Undecided("Partial failure".to_owned())));
}

#[tokio::test]
async fn a_destroyed_map_is_ensured_again() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut stream) = with_map(&mut grid, options).await;

    let call = get(&map, "a");
    let asked = stream.expect(Kind::Get).await;
    stream.error(asked.id, "No cache proxy exist for id 7 request=Get");
    unavailable(within(call).await.unwrap());
    let call = get(&map, "a");
    stream.ensure(8).await;
    let asked = stream.expect(Kind::Get).await;
    assert_eq!(asked.cache_id, Some(8));

    stream.destroyed(8);
    stream.value(asked.id, None);
    within(call).await.unwrap().unwrap();
    let call = get(&map, "a");
    stream.ensure(9).await;
    let asked = stream.expect(Kind::Get).await;
    assert_eq!(asked.cache_id, Some(9));
    stream.value(asked.id, None);
    within(call).await.unwrap().unwrap();
}

#[tokio::test]
async fn a_caller_that_leaves_disturbs_nobody() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let (left, stays) = (get(&map, "a"), get(&map, "b"));
    let asked = [stream.expect(Kind::Get).await, stream.expect(Kind::Get).await];
    left.abort();
    assert!(within(left).await.unwrap_err().is_cancelled());
    assert_eq!(session.core.free_requests(), MAX_REQUESTS_IN_FLIGHT - 2, "the grid works on it");
    for asked in asked {
        stream.value(asked.id, None);
    }
    within(stays).await.unwrap().unwrap();
    within(session.close()).await;
    assert_eq!(grid.opened(), 1);
}

#[tokio::test]
async fn requests_in_flight_are_bounded_in_number() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let calls: Vec<_> = (0..=MAX_REQUESTS_IN_FLIGHT).map(|_| get(&map, "a")).collect();
    let mut asked = Vec::new();
    for _ in 0..MAX_REQUESTS_IN_FLIGHT {
        asked.push(stream.expect(Kind::Get).await.id);
    }
    assert_eq!(session.core.free_requests(), 0);
    stream.value(asked[0], None);
    asked.push(stream.expect(Kind::Get).await.id);
    for id in &asked[1..] {
        stream.value(*id, None);
    }
    for call in calls {
        within(call).await.unwrap().unwrap();
    }
    assert_eq!(session.core.free_requests(), MAX_REQUESTS_IN_FLIGHT);
}

#[tokio::test]
async fn requests_in_flight_are_bounded_in_bytes() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let large = vec![1; 3_400_000];
    let call = put(&map, Arc::new(Entries::from_pairs((0u8..6).map(|n| (vec![n], large.clone())))));
    // Four requests of 3.4 MB lie below 16 MiB, the fifth does not.
    let mut asked = Vec::new();
    for _ in 0..4 {
        asked.push(stream.expect(Kind::PutAll).await.id);
    }
    assert!(session.core.free_bytes() < large.len());
    for n in 0..6 {
        stream.complete(asked[n]);
        if asked.len() < 6 {
            asked.push(stream.expect(Kind::PutAll).await.id);
        }
    }
    within(call).await.unwrap().unwrap();
    assert_eq!(session.core.free_bytes(), MAX_BYTES_IN_FLIGHT);
}

#[tokio::test]
async fn close_waits_for_what_is_outstanding_and_half_closes() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let call = get(&map, "a");
    let asked = stream.expect(Kind::Get).await;
    let closing = tokio::spawn({
        let session = session.clone();
        async move { session.close().await }
    });
    // It has taken every free permit and waits for the last one.
    within(async {
        while session.core.free_requests() > 0 {
            tokio::task::yield_now().await;
        }
    })
    .await;
    assert!(!closing.is_finished());
    stream.value(asked.id, Some(b"v"));
    assert_eq!(within(call).await.unwrap().unwrap(), Some(Bytes::from("v")));
    within(closing).await.unwrap();
    assert!(stream.half_closed().await);
    for result in [within(map.size()).await.map(|_| ()), within(session.map("other")).await.map(|_| ())] {
        assert_eq!(result, Err(MapError::Misuse("the session is closed".to_owned())));
    }
    within(session.close()).await;
}

#[tokio::test]
async fn dropping_the_session_and_its_maps_gives_the_stream_up() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    drop((session, map));
    assert!(stream.next().await.is_none());
}

#[tokio::test]
async fn names_that_stop_a_grid_never_reach_it() {
    let grid = FakeGrid::start().await;
    let session = session(&grid);
    for name in ["", "a*", "?"] {
        assert!(matches!(within(session.map(name)).await, Err(MapError::Misuse(_))), "{name}");
    }
    assert_eq!(session.check_map_name("orders /ü;"), Ok(()));
    assert_eq!(grid.opened(), 0);
}

#[tokio::test]
async fn an_answer_that_breaks_the_protocol_is_no_refusal() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (_session, map, mut stream) = with_map(&mut grid, options).await;

    let call = get(&map, "a");
    let asked = stream.expect(Kind::Get).await;
    stream.complete(asked.id);
    assert!(matches!(within(call).await.unwrap(), Err(MapError::Unavailable(_))));

    let call = get(&map, "a");
    let asked = stream.expect(Kind::Get).await;
    stream.message(asked.id, "google.protobuf.BoolValue", &true);
    stream.complete(asked.id);
    assert!(matches!(within(call).await.unwrap(), Err(MapError::Unavailable(_))));

    let call = start(&map, |map| async move { map.entries().try_collect::<Vec<_>>().await }.boxed());
    for _ in 0..2 {
        let asked = stream.expect(Kind::PageOfEntries).await;
        stream.message(asked.id, "google.protobuf.BytesValue", &Bytes::from_static(b"same"));
        stream.complete(asked.id);
    }
    assert!(matches!(within(call).await.unwrap(), Err(MapError::Unavailable(_))));
}

#[test]
fn a_session_needs_a_runtime_or_is_given_one() {
    let refused = GrpcSession::new(SessionOptions::default()).unwrap_err();
    assert_eq!(refused, OptionsError::NoRuntime);
    let runtime = tokio::runtime::Runtime::new().unwrap();
    GrpcSession::on(SessionOptions::default(), runtime.handle().clone()).unwrap();
}

#[tokio::test]
async fn a_call_that_nobody_polls_holds_up_neither_the_others_nor_the_end() {
    let mut grid = FakeGrid::start().await;
    let shortly = Duration::from_millis(50);
    let options = SessionOptions {
        request_timeout: shortly,
        connect_timeout: Duration::from_secs(1),
        ..options(&[&grid.address])
    };
    let (session, _map, _stream) = with_map(&mut grid, options).await;
    let admission = session.core.admit(1).await.unwrap();
    within(session.close()).await;
    assert!(session.core.admit(1).await.is_err());
    drop(admission);
}

#[tokio::test]
async fn a_scan_that_is_left_between_two_pages_holds_nothing_up() {
    let mut grid = FakeGrid::start().await;
    let options = options(&[&grid.address]);
    let (session, map, mut stream) = with_map(&mut grid, options).await;
    let mut entries = map.entries();
    let page = async {
        let asked = stream.expect(Kind::PageOfEntries).await;
        stream.message(asked.id, "google.protobuf.BytesValue", &Bytes::from_static(b"next"));
        let entry = BinaryKeyAndValue { key: "k".into(), value: "v".into() };
        stream.message(asked.id, "coherence.common.v1.BinaryKeyAndValue", &entry);
        stream.complete(asked.id);
    };
    let (first, ()) = within(futures::future::join(entries.try_next(), page)).await;
    assert!(first.unwrap().is_some());
    let asked = within(stream.expect(Kind::PageOfEntries)).await;
    stream.message(asked.id, "google.protobuf.BytesValue", &Bytes::new());
    stream.complete(asked.id);
    within(session.close()).await;
    assert_eq!(within(entries.try_next()).await, Ok(None), "the last page is here, and empty");
}
