//! What runs where the entries are: entry processors, aggregators, queries, indexes and filters of listeners, given as
//! the bytes that a Java client sends for them.

use bytes::Bytes;
use coherence_client::{RemoteMap, Targets};
use coherence_kafka_common::map::{Entries, EventKind, ListenTo, MapError, NamedMap};
use futures::{FutureExt, StreamExt};
use integration_tests::sandbox::unique;
use integration_tests::{require_peers, shared};

use super::{batch, entries, listen, put, session, text, told};

/// `CacheProcessors.removeBlind()`: true where there was an entry.
const REMOVE_BLIND: Bytes = Bytes::from_static(b"\x15\x9d\x07\x00\x40");
/// `new ConditionalPut(new NotFilter(PresentFilter.INSTANCE), "v1")`.
const PUT_WHERE_ABSENT: Bytes =
    Bytes::from_static(b"\x15\x9c\x01\x00\x00\x92\x01\x00\x00\x94\x01\x00\x40\x40\x01\x4e\x02v1\x40");
/// `new Count()`.
const COUNT: Bytes = Bytes::from_static(b"\x15\x1c\x00\x40");
/// `IdentityExtractor.INSTANCE`.
const IDENTITY: Bytes = Bytes::from_static(b"\x15\x34\x00\x40");
/// `new EqualsFilter(IdentityExtractor.INSTANCE, "v1")`.
const IS_V1: Bytes = Bytes::from_static(b"\x15\x84\x01\x00\x00\x34\x00\x40\x01\x4e\x02v1\x40");
/// `new MapEventFilter(MapEventFilter.E_KEYSET, new EqualsFilter(IdentityExtractor.INSTANCE, "v1"))`: what enters and
/// leaves the entries of the filter. A filter alone would be asked about the event itself, and never be true.
const V1_COMES_AND_GOES: Bytes =
    Bytes::from_static(b"\x15\x8f\x01\x00\x00\x41\x1d\x01\x84\x01\x00\x00\x34\x00\x40\x01\x4e\x02v1\x40\x40");
/// `new MapEventFilter(MapEventFilter.E_INSERTED, AlwaysFilter.INSTANCE)`.
const INSERTS: Bytes = Bytes::from_static(b"\x15\x8f\x01\x00\x00\x41\x01\x01\x3d\x00\x40\x40");
const TRUE: &[u8] = b"\x15\x4a\x01";
const FALSE: &[u8] = b"\x15\x4a\x00";

async fn map(name: &str) -> RemoteMap {
    session([shared::grid().address()]).remote_map(&unique(name)).await.unwrap()
}

fn keys(keys: &[&str]) -> Targets {
    Targets::Keys(Entries::from_keys(keys.iter().map(|key| text(key))).into())
}

fn texts(pairs: &[(&str, &str)]) -> std::collections::BTreeMap<String, String> {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
}

#[tokio::test]
async fn a_processor_runs_on_one_key_on_many_by_a_filter_and_on_all() {
    require_peers!();
    let map = map("processors").await;
    assert_eq!(map.invoke(&text("a"), PUT_WHERE_ABSENT).await, Ok(None));
    put(&map, "b", "v2").await;
    map.invoke_all(keys(&["a", "b", "c"]), PUT_WHERE_ABSENT).await.unwrap();
    assert_eq!(entries(&map).await, texts(&[("a", "v1"), ("b", "v2"), ("c", "v1")]));

    assert_eq!(map.invoke(&text("a"), REMOVE_BLIND).await, Ok(Some(Bytes::from_static(TRUE))));
    let mut removed = map.invoke_all(keys(&["a", "c"]), REMOVE_BLIND).await.unwrap();
    removed.sort();
    assert_eq!(removed, [("a", FALSE), ("c", TRUE)].map(|(key, done)| (text(key), Bytes::from_static(done))));
    assert_eq!(map.invoke_all(keys(&[]), REMOVE_BLIND).await, Ok(vec![]));
    put(&map, "d", "v1").await;
    assert_eq!(map.invoke_all(Targets::Filter(IS_V1), REMOVE_BLIND).await.unwrap().len(), 1);
    assert_eq!(entries(&map).await, texts(&[("b", "v2")]));
    assert_eq!(map.invoke_all(Targets::All, REMOVE_BLIND).await.unwrap().len(), 1);
    assert_eq!(map.size().await, Ok(0));
}

#[tokio::test]
async fn an_aggregator_counts_the_entries_of_keys_of_a_filter_and_all() {
    require_peers!();
    let map = map("aggregators").await;
    map.put_all(batch([("a", "v1"), ("b", "v2"), ("c", "v1")]), Default::default()).await.unwrap();
    let count = async |targets| map.aggregate(targets, COUNT).await.unwrap();
    assert_eq!(&count(Targets::All).await[..], b"\x15\x41\x03");
    assert_eq!(&count(Targets::Filter(IS_V1)).await[..], b"\x15\x41\x02");
    assert_eq!(&count(keys(&["a", "b", "absent"])).await[..], b"\x15\x41\x02");
    assert_eq!(&count(keys(&["a"])).await[..], b"\x15\x41\x01");
}

#[tokio::test]
async fn a_query_finds_what_its_filter_is_true_for_with_and_without_an_index() {
    require_peers!();
    let map = map("queries").await;
    map.put_all(batch([("a", "v1"), ("b", "v2"), ("c", "v1")]), Default::default()).await.unwrap();
    let found = async || {
        let (mut entries, mut keys) =
            (map.entries_where(IS_V1).await.unwrap(), map.keys_where(IS_V1).await.unwrap());
        entries.sort();
        keys.sort();
        assert_eq!(entries, [(text("a"), text("v1")), (text("c"), text("v1"))]);
        assert_eq!(keys, [text("a"), text("c")]);
    };
    found().await;
    for sorted in [true, false] {
        map.add_index(IDENTITY, sorted).await.unwrap();
        map.add_index(IDENTITY, sorted).await.unwrap();
        found().await;
        map.remove_index(IDENTITY).await.unwrap();
        map.remove_index(IDENTITY).await.unwrap();
    }
}

#[tokio::test]
async fn listeners_with_filters_are_told_what_matches_each() {
    require_peers!();
    let map = map("filters").await;
    let mut of_value = listen(&map, ListenTo::Filter(V1_COMES_AND_GOES)).await;
    let mut alone = listen(&map, ListenTo::Filter(IS_V1)).await;
    let mut of_inserts = listen(&map, ListenTo::Filter(INSERTS)).await;
    let mut of_key = listen(&map, ListenTo::Key(text("b"))).await;
    for (key, value) in [("a", "v1"), ("b", "v2"), ("b", "v1"), ("a", "v2"), ("c", "v3")] {
        put(&map, key, value).await;
    }
    told(&mut of_value, EventKind::Inserted, "a", "v1").await;
    told(&mut of_value, EventKind::Updated, "b", "v1").await;
    told(&mut of_value, EventKind::Updated, "a", "v2").await;
    for (key, value) in [("a", "v1"), ("b", "v2"), ("c", "v3")] {
        told(&mut of_inserts, EventKind::Inserted, key, value).await;
    }
    told(&mut of_key, EventKind::Inserted, "b", "v2").await;
    told(&mut of_key, EventKind::Updated, "b", "v1").await;
    assert_eq!(alone.next().now_or_never(), None);
}

#[tokio::test]
async fn an_agent_that_the_grid_does_not_know_is_refused_and_nothing_else_suffers() {
    require_peers!();
    let map = map("unknown").await;
    put(&map, "a", "1").await;
    let unknown = Bytes::from_static(b"\x15\xa0\x1f\x00\x40");
    for refused in [
        map.invoke(&text("a"), unknown.clone()).await.err(),
        map.invoke_all(Targets::All, unknown.clone()).await.err(),
        map.aggregate(Targets::All, unknown.clone()).await.err(),
        map.entries_where(unknown.clone()).await.err(),
    ] {
        assert!(matches!(refused, Some(MapError::Refused(_))), "{refused:?}");
    }
    assert_eq!(entries(&map).await, texts(&[("a", "1")]));
}
