//! Entries that leave their map by themselves.

use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_common::map::{Entries, Expiry, NamedMap};
use integration_tests::wait::eventually_async;

use super::{DEADLINE, World};

const TIME: Duration = Duration::from_millis(1000);
/// A grid counts expiries in steps of 256 ms, and the entries of a step leave together.
const EARLY: Duration = Duration::from_millis(256);

async fn gone(world: &World, map: &Arc<dyn NamedMap>, key: &str) {
    eventually_async(DEADLINE, "the entry is gone", async || world.get(map, key).await.is_none()).await;
}

pub async fn an_entry_put_with_a_time_is_visible_and_then_gone(world: &World) {
    let map = world.map().await;
    let start = Instant::now();
    world.put(&map, "a", "1", Expiry::After(TIME)).await;
    let seen = world.get(&map, "a").await;
    assert!(seen == world.some("1") || start.elapsed() >= TIME);
    gone(world, &map, "a").await;
    assert!(start.elapsed() + EARLY >= TIME, "gone after {:?}", start.elapsed());
    assert_eq!(map.size().await, Ok(0));
    assert_eq!(super::entries(&map).await, []);
    assert_eq!(world.put(&map, "a", "2", Expiry::Default).await, None);
}

pub async fn a_batch_put_with_a_time_is_visible_and_then_gone(world: &World) {
    let map = world.map().await;
    let start = Instant::now();
    map.put_all(world.batch(0..100, "v"), Expiry::After(TIME)).await.unwrap();
    let seen = world.get(&map, "key 99").await;
    assert!(seen == world.some("v 99") || start.elapsed() >= TIME);
    eventually_async(DEADLINE, "all entries are gone", async || map.size().await == Ok(0)).await;
    assert!(start.elapsed() + EARLY >= TIME, "gone after {:?}", start.elapsed());
}

pub async fn a_later_write_without_a_time_lets_the_entry_stay(world: &World) {
    let map = world.map().await;
    let batch = Arc::new(Entries::from_pairs([(world.binary("batch"), world.binary("2"))]));
    // Again on a machine so slow that the first ones may have expired before the later ones.
    let mut start = None;
    while start.is_none_or(|start: Instant| start.elapsed() + EARLY >= TIME) {
        start = Some(Instant::now());
        for key in ["default", "never", "batch", "replaced"] {
            world.put(&map, key, "1", Expiry::After(TIME)).await;
        }
        world.put(&map, "default", "2", Expiry::Default).await;
        world.put(&map, "never", "2", Expiry::Never).await;
        map.put_all(batch.clone(), Expiry::Default).await.unwrap();
        map.replace(&world.binary("replaced"), &world.binary("2")).await.unwrap();
    }
    world.put(&map, "last", "1", Expiry::After(TIME)).await;
    gone(world, &map, "last").await;
    for key in ["default", "never", "batch", "replaced"] {
        assert_eq!(world.get(&map, key).await, world.some("2"), "{key}");
    }
}

pub async fn a_later_write_with_a_time_decides_anew(world: &World) {
    let map = world.map().await;
    world.put(&map, "stays", "1", Expiry::After(TIME)).await;
    world.put(&map, "stays", "1", Expiry::After(DEADLINE * 10)).await;
    world.put(&map, "goes", "1", Expiry::Never).await;
    world.put(&map, "goes", "1", Expiry::After(TIME)).await;
    gone(world, &map, "goes").await;
    assert_eq!(world.get(&map, "stays").await, world.some("1"));
}

pub async fn put_if_absent_finds_an_expired_key_absent(world: &World) {
    let map = world.map().await;
    let (key, new) = (world.binary("a"), world.binary("2"));
    world.put(&map, "a", "1", Expiry::After(TIME)).await;
    eventually_async(DEADLINE, "the key is absent", async || map.put_if_absent(&key, &new).await == Ok(None))
        .await;
    assert_eq!(world.get(&map, "a").await, Some(new));
}
