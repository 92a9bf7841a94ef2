//! Calls that change entries, and what they give back.

use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::map::{Entries, Expiry, MapError};

use super::{World, entries, sorted};

pub async fn a_put_gives_the_value_that_it_replaced(world: &World) {
    let map = world.map().await;
    assert_eq!(world.put(&map, "a", "1", Expiry::Default).await, None);
    assert_eq!(world.put(&map, "a", "2", Expiry::Default).await, world.some("1"));
    assert_eq!(world.put(&map, "a", "2", Expiry::Default).await, world.some("2"));
    assert_eq!(world.get(&map, "a").await, world.some("2"));
}

pub async fn put_if_absent_leaves_a_present_value_and_gives_it(world: &World) {
    let map = world.map().await;
    let key = world.binary("a");
    assert_eq!(map.put_if_absent(&key, &world.binary("1")).await, Ok(None));
    assert_eq!(map.put_if_absent(&key, &world.binary("2")).await, Ok(world.some("1")));
    assert_eq!(world.get(&map, "a").await, world.some("1"));
}

pub async fn replace_changes_only_what_is_present(world: &World) {
    let map = world.map().await;
    let key = world.binary("a");
    assert_eq!(map.replace(&key, &world.binary("1")).await, Ok(None));
    assert_eq!(world.get(&map, "a").await, None);
    world.put(&map, "a", "1", Expiry::Default).await;
    assert_eq!(map.replace(&key, &world.binary("2")).await, Ok(world.some("1")));
    assert_eq!(world.get(&map, "a").await, world.some("2"));
}

pub async fn a_remove_gives_the_value_that_was_there(world: &World) {
    let map = world.map().await;
    let key = world.binary("a");
    assert_eq!(map.remove(&key).await, Ok(None));
    world.put(&map, "a", "1", Expiry::Default).await;
    world.put(&map, "b", "2", Expiry::Default).await;
    assert_eq!(map.remove(&key).await, Ok(world.some("1")));
    assert_eq!(map.remove(&key).await, Ok(None));
    assert_eq!(world.get(&map, "b").await, world.some("2"));
}

pub async fn a_large_batch_is_put_replaced_and_removed(world: &World) {
    let map = world.map().await;
    map.put_all(world.batch(0..20_000, "v"), Expiry::Default).await.unwrap();
    map.put_all(world.batch(5000..25_000, "a longer value"), Expiry::Default).await.unwrap();
    assert_eq!(map.size().await, Ok(25_000));
    map.remove_all(world.batch(4000..30_000, "of no importance")).await.unwrap();
    assert_eq!(entries(&map).await, sorted(&world.batch(0..4000, "v")));
}

pub async fn a_batch_of_one_is_a_batch(world: &World) {
    let map = world.map().await;
    map.put_all(world.batch(0..1, "v"), Expiry::Default).await.unwrap();
    assert_eq!(entries(&map).await, sorted(&world.batch(0..1, "v")));
    map.remove_all(world.batch(0..1, "v")).await.unwrap();
    assert_eq!(entries(&map).await, []);
}

pub async fn an_empty_batch_changes_nothing(world: &World) {
    let map = world.map().await;
    world.put(&map, "a", "1", Expiry::Default).await;
    let empty = Arc::new(Entries::default());
    map.put_all(empty.clone(), Expiry::Default).await.unwrap();
    map.remove_all(empty).await.unwrap();
    assert_eq!(entries(&map).await, [(world.binary("a"), world.binary("1"))]);
}

pub async fn absent_keys_are_removed_without_an_error(world: &World) {
    let map = world.map().await;
    world.put(&map, "a", "1", Expiry::Default).await;
    map.remove_all(world.keys(&["b", "c"])).await.unwrap();
    map.remove_all(world.keys(&["a", "b"])).await.unwrap();
    assert_eq!(map.size().await, Ok(0));
}

pub async fn an_empty_key_or_value_is_refused_and_nothing_of_its_batch_is_written(world: &World) {
    let map = world.map().await;
    let (good, empty) = (world.binary("a"), bytes::Bytes::new());
    for (key, value) in [(&empty, &good), (&good, &empty)] {
        let batch = Arc::new(Entries::from_pairs([(&world.binary("b"), &good), (key, value)]));
        let refused = map.put_all(batch, Expiry::Default).await;
        assert!(matches!(refused, Err(MapError::NotSent { index: 1, .. })), "{refused:?}");
        for refused in [
            map.put(key, value, Expiry::Default).await,
            map.put_if_absent(key, value).await,
            map.replace(key, value).await,
        ] {
            assert!(matches!(refused, Err(MapError::NotSent { index: 0, .. })), "{refused:?}");
        }
    }
    let refused = map.remove_all(Arc::new(Entries::from_keys([&good, &empty]))).await;
    assert!(matches!(refused, Err(MapError::NotSent { index: 1, .. })), "{refused:?}");
    assert_eq!(entries(&map).await, []);
}

pub async fn a_cleared_and_a_truncated_map_are_empty_and_go_on(world: &World) {
    let map = world.map().await;
    for truncate in [false, true] {
        map.put_all(world.batch(0..100, "v"), Expiry::Default).await.unwrap();
        if truncate {
            map.truncate().await.unwrap()
        } else {
            map.clear().await.unwrap()
        }
        assert_eq!(entries(&map).await, []);
        assert_eq!(world.put(&map, "a", "1", Expiry::Default).await, None);
        assert_eq!(world.get(&map, "a").await, world.some("1"));
    }
}

pub async fn a_destroyed_map_is_made_anew_by_its_next_use(world: &World) {
    let map = world.map().await;
    let other = world.session.map(map.name()).await.unwrap();
    world.put(&map, "a", "1", Expiry::Default).await;
    map.destroy().await.unwrap();
    for handle in [&other, &map] {
        assert_eq!(handle.size().await, Ok(0));
        assert_eq!(world.put(handle, "a", "2", Expiry::Default).await, None);
        assert_eq!(world.get(&map, "a").await, world.some("2"));
        handle.remove(&world.binary("a")).await.unwrap();
    }
}

pub async fn of_a_key_given_twice_the_last_value_counts(world: &World) {
    // More than one request holds: the border lies between the first and the last value of a key.
    const ENTRIES: usize = 10_001;
    for (expiry, entries) in [(Expiry::Default, ENTRIES), (Expiry::After(Duration::from_secs(3600)), 100)] {
        let map = world.map().await;
        let entry = |i: usize, write: &str| (world.binary(&format!("key {i}")), world.binary(write));
        let once = (0..entries).map(|i| entry(i, "first"));
        let again = (0..entries).step_by(7).flat_map(|i| [entry(i, "second"), entry(i, "last")]);
        map.put_all(Arc::new(Entries::from_pairs(once.chain(again))), expiry).await.unwrap();
        assert_eq!(map.size().await, Ok(entries), "{expiry:?}");
        for i in [0, 1, 7, 8, entries / 7 * 7 - 7] {
            let expected = if i % 7 == 0 { "last" } else { "first" };
            let found = world.get(&map, &format!("key {i}")).await;
            assert_eq!(found, world.some(expected), "{i} {expiry:?}");
        }
        map.remove_all(world.keys(&["key 0", "key 1", "key 0"])).await.unwrap();
        assert_eq!(map.size().await, Ok(entries - 2), "{expiry:?}");
    }
}
