//! Calls that change nothing.

use std::collections::BTreeSet;

use bytes::Bytes;
use coherence_kafka_common::map::{Expiry, MapError};
use futures::{StreamExt, TryStreamExt};

use super::{World, entries, sorted};

pub async fn a_get_finds_what_was_put_and_nothing_else(world: &World) {
    let map = world.map().await;
    assert_eq!(world.get(&map, "a").await, None);
    world.put(&map, "a", "1", Expiry::Default).await;
    assert_eq!(world.get(&map, "a").await, world.some("1"));
    assert_eq!(world.get(&map, "b").await, None);
}

pub async fn get_all_gives_every_present_entry_once(world: &World) {
    let map = world.map().await;
    assert_eq!(map.get_all(world.keys(&[])).await, Ok(vec![]));
    assert_eq!(map.get_all(world.keys(&["a", "b"])).await, Ok(vec![]));
    world.put(&map, "a", "1", Expiry::Default).await;
    world.put(&map, "c", "3", Expiry::Default).await;
    let mut found = map.get_all(world.keys(&["a", "b", "c", "a", "b"])).await.unwrap();
    found.sort();
    assert_eq!(found, [("a", "1"), ("c", "3")].map(|(key, value)| (world.binary(key), world.binary(value))));

    map.put_all(world.batch(0..20_000, "v"), Expiry::Default).await.unwrap();
    let mut found = map.get_all(world.batch(10_000..30_000, "v")).await.unwrap();
    found.sort();
    assert_eq!(found, sorted(&world.batch(10_000..20_000, "v")));
}

pub async fn contains_key_size_and_is_empty_follow_the_entries(world: &World) {
    let map = world.map().await;
    let key = world.binary("a");
    for round in 0..2 {
        let state = (map.contains_key(&key).await, map.size().await, map.is_empty().await);
        assert_eq!(state, (Ok(false), Ok(0), Ok(true)), "round {round}");
        world.put(&map, "a", "1", Expiry::Default).await;
        let state = (map.contains_key(&key).await, map.size().await, map.is_empty().await);
        assert_eq!(state, (Ok(true), Ok(1), Ok(false)), "round {round}");
        map.remove(&key).await.unwrap();
    }
}

pub async fn entries_and_keys_are_complete_over_many_pages(world: &World) {
    let map = world.map().await;
    let batch = world.batch(0..20_000, "v");
    map.put_all(batch.clone(), Expiry::Default).await.unwrap();
    assert_eq!(entries(&map).await, sorted(&batch));
    let keys: Vec<_> = map.keys().try_collect().await.unwrap();
    assert_eq!(keys.len(), 20_000);
    let expected: BTreeSet<_> = sorted(&batch).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys.into_iter().collect::<BTreeSet<_>>(), expected);
}

pub async fn pages_of_keys_have_every_key_once(world: &World) {
    let map = world.map().await;
    let batch = world.batch(0..2_000, "v");
    map.put_all(batch.clone(), Expiry::Default).await.unwrap();
    let (mut keys, mut next) = (Vec::new(), Some(Bytes::new()));
    while let Some(cookie) = next {
        let page = map.page_of_keys(cookie).await.unwrap();
        keys.extend(page.keys);
        next = page.next;
    }
    keys.sort_unstable();
    let expected: Vec<_> = sorted(&batch).into_iter().map(|(key, _)| key).collect();
    assert_eq!(keys, expected);
}

pub async fn an_empty_map_has_neither_entries_nor_keys(world: &World) {
    let map = world.map().await;
    assert_eq!(entries(&map).await, []);
    assert_eq!(map.keys().try_collect::<Vec<_>>().await, Ok(vec![]));
}

pub async fn a_stream_of_entries_may_be_dropped_half_way(world: &World) {
    let map = world.map().await;
    map.put_all(world.batch(0..2000, "v"), Expiry::Default).await.unwrap();
    let mut stream = map.entries();
    assert!(stream.next().await.is_some_and(|entry| entry.is_ok()));
    // A slow reader keeps nobody from writing.
    map.put_all(world.batch(0..2000, "w"), Expiry::Default).await.unwrap();
    drop(stream);
    assert_eq!(entries(&map).await, sorted(&world.batch(0..2000, "w")));
}

pub async fn a_key_that_is_empty_is_refused(world: &World) {
    let map = world.map().await;
    for refused in [map.get(b"").await, map.remove(b"").await] {
        assert!(matches!(refused, Err(MapError::NotSent { index: 0, .. })), "{refused:?}");
    }
    assert!(map.contains_key(b"").await.is_err());
    let keys =
        std::sync::Arc::new(coherence_kafka_common::map::Entries::from_keys([&b"\x15\x41\x05"[..], b""]));
    let refused = map.get_all(keys).await;
    assert!(refused.is_err_and(|error| !error.is_retriable()));
}
