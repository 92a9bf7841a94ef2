use std::time::Duration;

use futures::{StreamExt as _, TryStreamExt as _, poll};
use prost::Message;
use tonic::Status;

use super::*;
use crate::fake_grid::{Asked, FakeGrid, FakeStream, within};
use crate::limits::{MAX_MESSAGE_BYTES, MAX_REQUEST_ENTRIES};
use crate::proto::cache::{
    ExecuteRequest, IndexRequest, PutAllRequest, PutRequest, QueryRequest, keys_or_filter::KeyOrFilter,
};
use crate::proto::common::{BinaryKeyAndValue, CollectionOfBytesValues};
use crate::{GrpcSession, SessionOptions};

mod gate;
mod order;

/// A value as write-behind decorates it until it is flushed.
const DECORATED: &[u8] = b"\x12\x05\x03\x15\x41\x05\x03\x15\x4A\x00";
const FIVE: &[u8] = b"\x15\x41\x05";
/// What stands for no value.
const NONE: [&[u8]; 4] = [b"", b"\x15\x64", b"\x15null", b"\x00"];

struct Fixture {
    grid: FakeGrid,
    _session: GrpcSession,
    map: RemoteMap,
    stream: FakeStream,
}

async fn fixture() -> Fixture {
    let mut grid = FakeGrid::start().await;
    let options = SessionOptions { addresses: vec![grid.address.clone()], ..SessionOptions::default() };
    let session = GrpcSession::new(options).unwrap();
    let opened = tokio::spawn({
        let session = session.clone();
        async move { session.remote_map("orders").await }
    });
    let stream = grid.stream_with_map(7).await;
    let map = within(opened).await.unwrap().unwrap();
    Fixture { grid, _session: session, map, stream }
}

/// Starts a call and lets it run.
fn start<T, F>(map: &RemoteMap, call: impl FnOnce(RemoteMap) -> F) -> tokio::task::JoinHandle<T>
where
    T: Send + 'static,
    F: Future<Output = T> + Send + 'static,
{
    tokio::spawn(call(map.clone()))
}

async fn end<T>(call: tokio::task::JoinHandle<T>) -> T {
    within(call).await.unwrap()
}

fn put(
    map: &RemoteMap,
    key: &'static [u8],
    expiry: Expiry,
) -> tokio::task::JoinHandle<Result<Option<Bytes>, MapError>> {
    start(map, move |map| async move { map.put(key, FIVE, expiry).await })
}

fn keys(keys: &[&[u8]]) -> Arc<Entries> {
    Arc::new(Entries::from_keys(keys))
}

fn entry(stream: &FakeStream, id: i64, key: &[u8], value: &[u8]) {
    let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
    stream.message(id, ENTRY, &BinaryKeyAndValue { key, value });
}

/// Answers with one message.
fn answer(stream: &FakeStream, asked: &Asked, name: &str, message: &impl Message) {
    stream.message(asked.id, name, message);
    stream.complete(asked.id);
}

fn bytes(stream: &FakeStream, asked: &Asked, value: &[u8]) {
    answer(stream, asked, BYTES_VALUE, &Bytes::copy_from_slice(value));
}

fn no_error<T>(result: Result<T, MapError>) -> T {
    result.unwrap()
}

#[tokio::test]
async fn an_expiry_travels_in_milliseconds_rounded_up() {
    let mut f = fixture().await;
    for (expiry, ttl) in [
        (Expiry::Default, None),
        (Expiry::Never, Some(-1)),
        (Expiry::After(Duration::ZERO), Some(1)),
        (Expiry::After(Duration::from_micros(1_001)), Some(2)),
        (Expiry::After(Duration::from_secs(60)), Some(60_000)),
    ] {
        let call = put(&f.map, b"k", expiry);
        let asked = f.stream.expect(Kind::Put).await;
        let expected = PutRequest { key: "k".into(), value: FIVE.into(), ttl };
        assert_eq!((asked.body::<PutRequest>(), asked.cache_id), (expected, Some(7)));
        bytes(&f.stream, &asked, b"");
        assert_eq!(end(call).await, Ok(None));
    }
    let too_long = within(f.map.put(b"k", FIVE, Expiry::After(Duration::MAX))).await;
    assert!(matches!(too_long, Err(MapError::Misuse(_))), "{too_long:?}");
}

#[tokio::test]
async fn a_batch_with_an_expiry_is_one_put_for_each_entry() {
    let mut f = fixture().await;
    for (expiry, ttl) in [(Expiry::Never, -1), (Expiry::After(Duration::from_secs(1)), 1000)] {
        let len = MAX_REQUESTS_IN_FLIGHT + 3;
        let entries = Arc::new(Entries::from_pairs((0..len).map(|n| (n.to_be_bytes(), FIVE))));
        let call = start(&f.map, |map| async move { map.put_all(entries, expiry).await });
        let mut open = Vec::new();
        for n in 0..len {
            // Many are in flight, but no more than the session allows.
            if n >= MAX_REQUESTS_IN_FLIGHT {
                bytes(&f.stream, &open.remove(0), b"");
            }
            let asked = f.stream.expect(Kind::Put).await;
            assert_eq!(asked.body::<PutRequest>().ttl, Some(ttl));
            open.push(asked);
        }
        for asked in &open {
            bytes(&f.stream, asked, DECORATED);
        }
        assert_eq!(end(call).await, Ok(()));
    }
}

#[tokio::test]
async fn a_batch_without_an_expiry_carries_no_ttl() {
    let mut f = fixture().await;
    let entries = Arc::new(Entries::from_pairs([("a", "1"), ("b", "2")]));
    let call = start(&f.map, |map| async move { map.put_all(entries, Expiry::Default).await });
    let asked = f.stream.expect(Kind::PutAll).await;
    let body: PutAllRequest = asked.body();
    assert_eq!((body.entries.len(), body.ttl), (2, None));
    f.stream.complete(asked.id);
    assert_eq!(end(call).await, Ok(()));
}

#[tokio::test]
async fn a_batch_with_an_expiry_stops_where_the_grid_is_away_and_tells_it() {
    let mut f = fixture().await;
    let entries = Arc::new(Entries::from_pairs((0u16..1000).map(|n| (n.to_be_bytes(), FIVE))));
    let call = start(&f.map, |map| async move { map.put_all(entries, Expiry::Never).await });
    let first = f.stream.expect(Kind::Put).await;
    f.stream.error(first.id, "java.io.EOFException");
    for _ in 0..MAX_REQUESTS_IN_FLIGHT {
        f.stream.expect(Kind::Put).await;
    }
    f.stream.end(Status::unavailable("Socket closed"));
    let result = end(call).await;
    assert!(matches!(result, Err(MapError::Unavailable(_))), "{result:?}");
    assert_eq!(f.grid.opened(), 1, "no further put was tried");
}

#[tokio::test]
async fn what_was_there_before_a_write_is_a_value_or_none() {
    let mut f = fixture().await;
    let answers =
        NONE.map(|none| (none, None)).into_iter().chain([(DECORATED, Some(FIVE)), (FIVE, Some(FIVE))]);
    for (sent, expected) in answers {
        let expected = Ok(expected.map(Bytes::from_static));
        let call = put(&f.map, b"k", Expiry::Default);
        let asked = f.stream.expect(Kind::Put).await;
        bytes(&f.stream, &asked, sent);
        assert_eq!(end(call).await, expected);

        let call = start(&f.map, |map| async move { map.put_if_absent(b"k", FIVE).await });
        let asked = f.stream.expect(Kind::PutIfAbsent).await;
        assert_eq!(asked.body::<PutRequest>(), PutRequest { key: "k".into(), value: FIVE.into(), ttl: None });
        bytes(&f.stream, &asked, sent);
        assert_eq!(end(call).await, expected);

        let call = start(&f.map, |map| async move { map.replace(b"k", FIVE).await });
        let asked = f.stream.expect(Kind::Replace).await;
        assert_eq!(
            asked.body::<BinaryKeyAndValue>(),
            BinaryKeyAndValue { key: "k".into(), value: FIVE.into() }
        );
        bytes(&f.stream, &asked, sent);
        assert_eq!(end(call).await, expected);

        let call = start(&f.map, |map| async move { map.remove(b"k").await });
        let asked = f.stream.expect(Kind::Remove).await;
        assert_eq!(asked.body::<Bytes>(), "k");
        bytes(&f.stream, &asked, sent);
        assert_eq!(end(call).await, expected);
    }
}

#[tokio::test]
async fn a_get_tells_null_from_none_and_takes_decorations_off() {
    let mut f = fixture().await;
    for (sent, expected) in [
        (None, None),
        (Some(b"\x15\x64".as_slice()), Some(b"\x15\x64".as_slice())),
        (Some(DECORATED), Some(FIVE)),
        // Decorations without a value, and broken ones, are what somebody wrote.
        (Some(b"\x12\x02\x01\x07"), Some(b"\x12\x02\x01\x07")),
        (Some(b"\x12\x01\x7f"), Some(b"\x12\x01\x7f")),
    ] {
        let call = start(&f.map, |map| async move { map.get(b"k").await });
        let asked = f.stream.expect(Kind::Get).await;
        f.stream.value(asked.id, sent);
        assert_eq!(end(call).await, Ok(expected.map(Bytes::from_static)));
    }
}

#[tokio::test]
async fn the_present_entries_of_a_batch_come_from_as_many_requests_as_it_needs() {
    let mut f = fixture().await;
    let all = Arc::new(Entries::from_keys((0..MAX_REQUEST_ENTRIES as u32 + 1).map(u32::to_be_bytes)));
    let call = start(&f.map, |map| async move { map.get_all(all).await });
    let first = f.stream.expect(Kind::GetAll).await;
    let second = f.stream.expect(Kind::GetAll).await;
    assert_eq!(first.body::<CollectionOfBytesValues>().values.len(), MAX_REQUEST_ENTRIES);
    let last = second.body::<CollectionOfBytesValues>().values;
    assert_eq!(last, [&(MAX_REQUEST_ENTRIES as u32).to_be_bytes()[..]]);
    entry(&f.stream, second.id, &last[0], b"\x15\x64");
    f.stream.complete(second.id);
    entry(&f.stream, first.id, b"a", DECORATED);
    f.stream.complete(first.id);
    let present = end(call).await.unwrap();
    assert_eq!(present, [("a".into(), FIVE.into()), (last[0].clone(), b"\x15\x64"[..].into())]);
    assert_eq!(within(f.map.get_all(Arc::default())).await, Ok(Vec::new()));
}

#[tokio::test]
async fn questions_and_changes_of_the_whole_map_carry_nothing_but_its_id() {
    let mut f = fixture().await;
    for present in [true, false] {
        let call = start(&f.map, |map| async move { map.contains_key(b"k").await });
        let asked = f.stream.expect(Kind::ContainsKey).await;
        assert_eq!(asked.body::<Bytes>(), "k");
        answer(&f.stream, &asked, BOOL_VALUE, &present);
        assert_eq!(end(call).await, Ok(present));

        let call = start(&f.map, |map| async move { map.is_empty().await });
        let asked = f.stream.expect(Kind::IsEmpty).await;
        answer(&f.stream, &asked, BOOL_VALUE, &present);
        assert_eq!(end(call).await, Ok(present));
    }
    let call = start(&f.map, |map| async move { map.size().await });
    let asked = f.stream.expect(Kind::Size).await;
    answer(&f.stream, &asked, INT32_VALUE, &-1);
    assert!(matches!(end(call).await, Err(MapError::Unavailable(_))));

    for kind in [Kind::Clear, Kind::Truncate, Kind::Destroy] {
        let call = start(&f.map, move |map| async move {
            match kind {
                Kind::Clear => map.clear().await,
                Kind::Truncate => map.truncate().await,
                _ => map.destroy().await,
            }
        });
        let asked = f.stream.expect(kind).await;
        assert_eq!(asked.cache_id, Some(7));
        if kind == Kind::Destroy {
            f.stream.destroyed(7);
        }
        f.stream.complete(asked.id);
        assert_eq!(end(call).await, Ok(()));
    }
    // It was destroyed: the next call makes it anew.
    let call = start(&f.map, |map| async move { map.get(b"k").await });
    f.stream.ensure(8).await;
    let asked = f.stream.expect(Kind::Get).await;
    f.stream.value(asked.id, None);
    assert_eq!(end(call).await, Ok(None));
}

#[tokio::test]
async fn what_no_grid_survives_is_never_sent() {
    let f = fixture().await;
    let too_large = vec![1; MAX_MESSAGE_BYTES];
    for (key, value) in [(b"k".as_slice(), b"".as_slice()), (b"", FIVE), (b"k", &too_large)] {
        for result in [
            within(f.map.put(key, value, Expiry::Never)).await,
            within(f.map.put_if_absent(key, value)).await,
            within(f.map.replace(key, value)).await,
        ] {
            assert!(matches!(result, Err(MapError::NotSent { index: 0, .. })), "{result:?}");
        }
        let entries = Arc::new(Entries::from_pairs([(b"a".as_slice(), FIVE), (key, value)]));
        let result = within(f.map.put_all(entries, Expiry::Never)).await;
        assert!(matches!(result, Err(MapError::NotSent { index: 1, .. })), "{result:?}");
    }
    for key in [b"".as_slice(), &too_large] {
        let pair = Arc::new(Entries::from_keys([b"a", key]));
        let results = [
            within(f.map.get(key)).await.map(|_| ()),
            within(f.map.remove(key)).await.map(|_| ()),
            within(f.map.contains_key(key)).await.map(|_| ()),
            within(f.map.invoke(key, Bytes::new())).await.map(|_| ()),
        ];
        assert!(results.iter().all(|r| matches!(r, Err(MapError::NotSent { index: 0, .. }))), "{results:?}");
        let results = [
            within(f.map.get_all(pair.clone())).await.map(|_| ()),
            within(f.map.remove_all(pair.clone())).await,
            within(f.map.invoke_all(Targets::Keys(pair), Bytes::new())).await.map(|_| ()),
        ];
        assert!(results.iter().all(|r| matches!(r, Err(MapError::NotSent { index: 1, .. }))), "{results:?}");
    }
    let too_large = Bytes::from(too_large);
    let results = [
        within(f.map.invoke(b"k", too_large.clone())).await.map(|_| ()),
        within(f.map.invoke_all(Targets::All, too_large.clone())).await.map(|_| ()),
        within(f.map.aggregate(Targets::Filter(too_large.clone()), Bytes::new())).await.map(|_| ()),
        within(f.map.entries_where(too_large.clone())).await.map(|_| ()),
        within(f.map.add_index(too_large, true)).await,
    ];
    assert!(results.iter().all(|r| matches!(r, Err(MapError::Misuse(_)))), "{results:?}");
}

#[tokio::test]
async fn an_agent_runs_on_one_key_on_many_by_a_filter_and_only_when_asked_for_on_all() {
    let mut f = fixture().await;
    let agent = || Bytes::from_static(b"\x15agent");
    for (result, expected) in [(None, None), (Some(b"\x15\x64".as_slice()), None), (Some(FIVE), Some(FIVE))] {
        let call = start(&f.map, |map| async move { map.invoke(b"k", agent()).await });
        let asked = f.stream.expect(Kind::Invoke).await;
        let execute: ExecuteRequest = asked.body();
        assert_eq!(execute.agent, agent());
        assert_eq!(execute.keys.unwrap().key_or_filter, Some(KeyOrFilter::Key("k".into())));
        if let Some(result) = result {
            entry(&f.stream, asked.id, b"k", result);
        }
        f.stream.complete(asked.id);
        assert_eq!(end(call).await, Ok(expected.map(Bytes::from_static)));
    }
    let values = vec![Bytes::from("a"), Bytes::from("b")];
    for (targets, expected) in [
        (
            Targets::Keys(keys(&[b"a", b"b"])),
            Some(KeyOrFilter::Keys(CollectionOfBytesValues { values: values.clone() })),
        ),
        (Targets::Filter("filter".into()), Some(KeyOrFilter::Filter("filter".into()))),
        (Targets::All, None),
    ] {
        let call = start(&f.map, |map| {
            let targets = targets.clone();
            async move { map.invoke_all(targets, agent()).await }
        });
        let asked = f.stream.expect(Kind::Invoke).await;
        let execute: ExecuteRequest = asked.body();
        assert_eq!((execute.agent, execute.keys.and_then(|k| k.key_or_filter)), (agent(), expected.clone()));
        entry(&f.stream, asked.id, b"b", DECORATED);
        f.stream.complete(asked.id);
        assert_eq!(end(call).await, Ok(vec![("b".into(), FIVE.into())]));

        let call = start(&f.map, |map| async move { map.aggregate(targets, agent()).await });
        let asked = f.stream.expect(Kind::Aggregate).await;
        let execute: ExecuteRequest = asked.body();
        assert_eq!((execute.agent, execute.keys.and_then(|k| k.key_or_filter)), (agent(), expected));
        bytes(&f.stream, &asked, FIVE);
        assert_eq!(end(call).await, Ok(FIVE.into()));
    }
}

#[tokio::test]
async fn no_keys_are_no_entries_and_not_all_entries() {
    let mut f = fixture().await;
    let none = || Targets::Keys(Arc::default());
    assert_eq!(within(f.map.invoke_all(none(), Bytes::from("agent"))).await, Ok(Vec::new()));
    assert_eq!(within(f.map.remove_all(Arc::default())).await, Ok(()));
    let call = start(&f.map, |map| async move { map.aggregate(none(), Bytes::from("count")).await });
    let asked = f.stream.expect(Kind::Aggregate).await;
    let keys = asked.body::<ExecuteRequest>().keys.unwrap().key_or_filter;
    assert_eq!(keys, Some(KeyOrFilter::Keys(CollectionOfBytesValues::default())));
    bytes(&f.stream, &asked, FIVE);
    assert_eq!(end(call).await, Ok(FIVE.into()));
}

#[tokio::test]
async fn keys_of_an_aggregation_are_never_split() {
    let f = fixture().await;
    let many = Arc::new(Entries::from_keys((0..MAX_REQUEST_ENTRIES as u32 + 1).map(u32::to_be_bytes)));
    let result = within(f.map.aggregate(Targets::Keys(many), Bytes::from("count"))).await;
    assert!(matches!(result, Err(MapError::Misuse(_))), "{result:?}");
}

#[tokio::test]
async fn queries_and_indexes_carry_what_they_were_given() {
    let mut f = fixture().await;
    let call = start(&f.map, |map| async move { map.entries_where("filter".into()).await });
    let asked = f.stream.expect(Kind::QueryEntries).await;
    assert_eq!(
        asked.body::<QueryRequest>(),
        QueryRequest { filter: Some("filter".into()), comparator: None }
    );
    entry(&f.stream, asked.id, b"k", DECORATED);
    f.stream.complete(asked.id);
    assert_eq!(end(call).await, Ok(vec![("k".into(), FIVE.into())]));

    let call = start(&f.map, |map| async move { map.keys_where("filter".into()).await });
    let asked = f.stream.expect(Kind::QueryKeys).await;
    bytes(&f.stream, &asked, b"k");
    assert_eq!(end(call).await, Ok(vec!["k".into()]));

    for sorted in [Some(true), Some(false), None] {
        let call = start(&f.map, move |map| async move {
            match sorted {
                Some(sorted) => map.add_index("extractor".into(), sorted).await,
                None => map.remove_index("extractor".into()).await,
            }
        });
        let asked = f.stream.expect(Kind::Index).await;
        let expected =
            IndexRequest { add: sorted.is_some(), extractor: "extractor".into(), sorted, comparator: None };
        assert_eq!(asked.body::<IndexRequest>(), expected);
        f.stream.complete(asked.id);
        assert_eq!(end(call).await, Ok(()));
    }
}

#[tokio::test]
async fn pages_are_asked_for_as_they_are_taken_and_one_ahead() {
    let mut f = fixture().await;
    let map = f.map.clone();
    let mut items = map.keys();
    {
        let mut first = items.next();
        assert!(poll!(&mut first).is_pending());
        let asked = f.stream.expect(Kind::PageOfKeys).await;
        assert_eq!(asked.body::<Bytes>(), "");
        f.stream.message(asked.id, BYTES_VALUE, &Bytes::from("2"));
        f.stream.message(asked.id, BYTES_VALUE, &Bytes::from("a"));
        bytes(&f.stream, &asked, b"b");
        assert_eq!(within(first).await, Some(Ok("a".into())));
    }
    let ahead = f.stream.expect(Kind::PageOfKeys).await;
    assert_eq!(ahead.body::<Bytes>(), "2");
    f.stream.message(ahead.id, BYTES_VALUE, &Bytes::from("3"));
    bytes(&f.stream, &ahead, b"c");
    // The third page is not asked for before an item of the second is taken: another request comes first.
    let other = start(&f.map, |map| async move { map.size().await });
    let asked = f.stream.expect(Kind::Size).await;
    answer(&f.stream, &asked, INT32_VALUE, &3);
    assert_eq!(end(other).await, Ok(3));
    assert_eq!(within(items.next()).await, Some(Ok("b".into())));
    assert_eq!(within(items.next()).await, Some(Ok("c".into())));
    let last = f.stream.expect(Kind::PageOfKeys).await;
    assert_eq!(last.body::<Bytes>(), "3");
    f.stream.message(last.id, BYTES_VALUE, &Bytes::new());
    bytes(&f.stream, &last, b"d");
    assert_eq!(within(items.try_collect::<Vec<_>>()).await, Ok(vec!["d".into()]));
}

#[tokio::test]
async fn a_page_of_keys_comes_with_the_cookie_of_the_next_one() {
    let mut f = fixture().await;
    for (cookie, next) in [("", Some("2")), ("2", None)] {
        let call = start(&f.map, move |map| async move { map.page_of_keys(cookie.into()).await });
        let asked = f.stream.expect(Kind::PageOfKeys).await;
        assert_eq!(asked.body::<Bytes>(), cookie);
        f.stream.message(asked.id, BYTES_VALUE, &Bytes::from(next.unwrap_or_default()));
        bytes(&f.stream, &asked, b"a");
        let expected = KeyPage { keys: vec!["a".into()], next: next.map(Bytes::from) };
        assert_eq!(end(call).await, Ok(expected));
    }
}

#[tokio::test]
async fn the_end_of_the_stream_in_the_middle_of_a_scan_is_an_error_and_not_the_end() {
    let mut f = fixture().await;
    let scan = start(&f.map, |map| async move { map.entries().collect::<Vec<_>>().await });
    let asked = f.stream.expect(Kind::PageOfEntries).await;
    f.stream.message(asked.id, BYTES_VALUE, &Bytes::from("2"));
    entry(&f.stream, asked.id, b"k", DECORATED);
    f.stream.complete(asked.id);
    f.stream.expect(Kind::PageOfEntries).await;
    f.stream.end(Status::unavailable("Socket closed"));
    let items = end(scan).await;
    assert_eq!(items[0], Ok(("k".into(), FIVE.into())));
    assert!(matches!(items[1..], [Err(MapError::Unavailable(_))]), "{items:?}");
}

#[tokio::test]
async fn a_scan_does_not_go_on_over_another_stream() {
    let mut f = fixture().await;
    let map = f.map.clone();
    let mut items = map.entries();
    {
        let mut first = items.next();
        assert!(poll!(&mut first).is_pending());
        let asked = f.stream.expect(Kind::PageOfEntries).await;
        f.stream.message(asked.id, BYTES_VALUE, &Bytes::from("2"));
        entry(&f.stream, asked.id, b"a", FIVE);
        f.stream.complete(asked.id);
        within(first).await.unwrap().unwrap();
    }
    let ahead = f.stream.expect(Kind::PageOfEntries).await;
    f.stream.message(ahead.id, BYTES_VALUE, &Bytes::from("3"));
    entry(&f.stream, ahead.id, b"b", FIVE);
    f.stream.complete(ahead.id);
    // Nothing of the scan is in flight while its stream ends.
    let pending = start(&f.map, |map| async move { map.size().await });
    f.stream.expect(Kind::Size).await;
    f.stream.end(Status::unavailable("Socket closed"));
    assert!(matches!(end(pending).await, Err(MapError::Unavailable(_))));

    let grid = async {
        let mut stream = f.grid.stream_with_map(8).await;
        let asked = stream.expect(Kind::PageOfEntries).await;
        answer(&stream, &asked, BYTES_VALUE, &Bytes::new());
        stream
    };
    let (items, _stream) = within(futures::future::join(items.collect::<Vec<_>>(), grid)).await;
    assert!(matches!(items[..], [Ok(_), Err(MapError::Unavailable(_))]), "{items:?}");
}

#[tokio::test]
async fn errors_tell_no_key() {
    let mut f = fixture().await;
    let call = put(&f.map, b"secret", Expiry::Default);
    let asked = f.stream.expect(Kind::Put).await;
    f.stream.error(asked.id, "Failed to store key=\"secret\"");
    let error = end(call).await.unwrap_err();
    assert!(matches!(error, MapError::Undecided(_)) && !error.to_string().contains("secret"), "{error}");
    let error = within(f.map.put(b"secret", b"", Expiry::Default)).await.unwrap_err();
    assert!(!error.to_string().contains("secret"), "{error}");
    assert!(!format!("{:?}", f.map).contains("secret"));
}

#[tokio::test]
async fn keys_leave_without_their_decoration_whatever_its_hash() {
    let mut f = fixture().await;
    let decorated = b"\x0d\x07\x15\x41\x05";
    let call = put(&f.map, decorated, Expiry::Default);
    let asked = f.stream.expect(Kind::Put).await;
    assert_eq!(asked.body::<PutRequest>().key, FIVE);
    bytes(&f.stream, &asked, b"");
    assert_eq!(end(call).await, Ok(None));

    let call = start(&f.map, |map| async move { map.get(decorated).await });
    let asked = f.stream.expect(Kind::Get).await;
    assert_eq!(asked.body::<Bytes>(), FIVE);
    answer(&f.stream, &asked, OPTIONAL_VALUE, &OptionalValue::default());
    assert_eq!(end(call).await, Ok(None));

    let call = start(&f.map, |map| async move { map.invoke(decorated, Bytes::from_static(b"a")).await });
    let asked = f.stream.expect(Kind::Invoke).await;
    let target = asked.body::<ExecuteRequest>().keys.unwrap().key_or_filter;
    assert_eq!(target, Some(KeyOrFilter::Key(FIVE.into())));
    f.stream.complete(asked.id);
    assert_eq!(end(call).await, Ok(None));

    let both = Arc::new(Entries::from_pairs([(&decorated[..], b"1"), (b"\x15\x41\x06", b"2")]));
    let call = start(&f.map, |map| async move { map.put_all(both, Expiry::Default).await });
    let asked = f.stream.expect(Kind::PutAll).await;
    let sent = asked.body::<PutAllRequest>().entries;
    let sent: Vec<_> = sent.iter().map(|entry| &entry.key[..]).collect();
    assert_eq!(sent, [FIVE, b"\x15\x41\x06"]);
    f.stream.complete(asked.id);
    assert_eq!(end(call).await, Ok(()));

    for refused in [&b"\x0d\x07\x0d\x07\x15\x41\x05"[..], b"\x0d", b"\x0d\xff", b"\x0d\x07"] {
        let result = within(f.map.put(refused, FIVE, Expiry::Default)).await;
        assert!(matches!(result, Err(MapError::NotSent { index: 0, .. })), "{result:?}");
        let result = within(f.map.get(refused)).await;
        assert!(matches!(result, Err(MapError::NotSent { index: 0, .. })), "{result:?}");
        let result = within(f.map.remove_all(keys(&[FIVE, refused]))).await;
        assert!(matches!(result, Err(MapError::NotSent { index: 1, .. })), "{result:?}");
    }
}

#[tokio::test]
async fn an_entry_of_json_that_has_no_room_beside_the_agent_is_not_sent() {
    let options = SessionOptions { format: Format::Json, ..SessionOptions::default() };
    let session = GrpcSession::new(options).unwrap();
    let map = RemoteMap::new(session.core().clone(), "orders");
    let largest = coherence_kafka_common::map::Session::max_entry_bytes(&session) - 1;
    let value = [b"\x15\"", &vec![b'x'; largest - 3][..], b"\""].concat();
    assert_eq!(value.len(), largest);
    let result = within(map.put_if_absent(b"k", &value)).await;
    assert!(matches!(result, Err(MapError::NotSent { index: 0, .. })), "{result:?}");
}

#[tokio::test]
async fn an_entry_that_is_too_large_to_be_received_fails_its_own_call_and_the_stream_goes_on() {
    let mut f = fixture().await;
    let large = vec![1; (64 << 20) + 1];
    let call = start(&f.map, |map| async move { map.get(b"large").await });
    let asked = f.stream.expect(Kind::Get).await;
    f.stream.value(asked.id, Some(&large));
    let Err(error @ MapError::TooLarge { bytes, max }) = end(call).await else { panic!("it is not said") };
    assert!(bytes > large.len() as u64 && max == 64 << 20 && !error.is_retriable(), "{error}");
    let call = start(&f.map, |map| async move { map.get(b"small").await });
    let asked = f.stream.expect(Kind::Get).await;
    f.stream.value(asked.id, Some(FIVE));
    assert_eq!(end(call).await.unwrap().as_deref(), Some(FIVE));
    assert_eq!(f.grid.opened(), 1, "the same stream");
}
