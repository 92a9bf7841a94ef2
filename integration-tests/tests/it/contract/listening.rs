//! What listeners are told.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::map::{
    EventKind, Expiry, Listen, ListenTo, MapEvent, MapNotice, MapNotices, NamedMap,
};
use futures::StreamExt;
use integration_tests::wait::eventually_async;

use super::{DEADLINE, World, sorted};

async fn listen(map: &Arc<dyn NamedMap>, to: ListenTo) -> MapNotices {
    map.listen(Listen { to, lite: false }).await.unwrap()
}

/// The next notice, which must be an event.
async fn event(notices: &mut MapNotices) -> MapEvent {
    match notices.next().await {
        Some(MapNotice::Event(event)) => event,
        other => panic!("expected an event, got {other:?}"),
    }
}

/// Asserts that the next notice is this change, made by a user of the map.
async fn told(notices: &mut MapNotices, kind: EventKind, key: &Bytes, values: [Option<Bytes>; 2]) {
    let [old_value, new_value] = values;
    let expected = MapEvent {
        kind,
        key: key.clone(),
        old_value,
        new_value,
        synthetic: false,
        expired: false,
        priming: false,
    };
    assert_eq!(event(notices).await, expected);
}

pub async fn a_listener_to_all_is_told_every_change_with_both_values(world: &World) {
    let map = world.map().await;
    let mut notices = listen(&map, ListenTo::All).await;
    let a = world.binary("a");
    world.put(&map, "a", "1", Expiry::Default).await;
    world.put(&map, "a", "2", Expiry::Default).await;
    map.replace(&a, &world.binary("3")).await.unwrap();
    map.remove(&a).await.unwrap();
    map.remove(&a).await.unwrap();
    map.put_if_absent(&a, &world.binary("4")).await.unwrap();
    map.remove_all(world.keys(&["a", "absent"])).await.unwrap();
    let value = |text| world.some(text);
    told(&mut notices, EventKind::Inserted, &a, [None, value("1")]).await;
    told(&mut notices, EventKind::Updated, &a, [value("1"), value("2")]).await;
    told(&mut notices, EventKind::Updated, &a, [value("2"), value("3")]).await;
    told(&mut notices, EventKind::Deleted, &a, [value("3"), None]).await;
    told(&mut notices, EventKind::Inserted, &a, [None, value("4")]).await;
    told(&mut notices, EventKind::Deleted, &a, [value("4"), None]).await;
}

pub async fn a_listener_to_a_key_is_told_nothing_else(world: &World) {
    let map = world.map().await;
    let b = world.binary("b");
    let mut notices = listen(&map, ListenTo::Key(b.clone())).await;
    for key in ["a", "b", "c"] {
        world.put(&map, key, "1", Expiry::Default).await;
    }
    map.remove(&world.binary("a")).await.unwrap();
    map.remove(&b).await.unwrap();
    told(&mut notices, EventKind::Inserted, &b, [None, world.some("1")]).await;
    told(&mut notices, EventKind::Deleted, &b, [world.some("1"), None]).await;
}

pub async fn a_primed_listener_is_told_the_present_value_or_its_absence_first(world: &World) {
    let map = world.map().await;
    world.put(&map, "present", "1", Expiry::Default).await;
    for (key, value) in [("present", world.some("1")), ("absent", None)] {
        let key = world.binary(key);
        let mut notices = listen(&map, ListenTo::PrimedKey(key.clone())).await;
        let primed = event(&mut notices).await;
        assert!(primed.priming && primed.kind == EventKind::Inserted, "{primed:?}");
        assert_eq!((primed.key, primed.old_value, primed.new_value), (key.clone(), None, value.clone()));
        map.put(&key, &world.binary("2"), Expiry::Default).await.unwrap();
        let kind = if value.is_some() { EventKind::Updated } else { EventKind::Inserted };
        told(&mut notices, kind, &key, [value, world.some("2")]).await;
    }
}

pub async fn a_lite_listener_is_told_what_happened(world: &World) {
    let map = world.map().await;
    let mut notices = map.listen(Listen { to: ListenTo::All, lite: true }).await.unwrap();
    let a = world.binary("a");
    world.put(&map, "a", "1", Expiry::Default).await;
    world.put(&map, "a", "2", Expiry::Default).await;
    map.remove(&a).await.unwrap();
    for kind in [EventKind::Inserted, EventKind::Updated, EventKind::Deleted] {
        let event = event(&mut notices).await;
        assert_eq!((event.kind, &event.key), (kind, &a));
    }
}

pub async fn the_changes_of_a_key_come_in_their_order(world: &World) {
    let map = world.map().await;
    let mut notices = listen(&map, ListenTo::All).await;
    // Several writers, so that the map decides the order.
    let write = async |writer: usize| {
        for i in 0..100 {
            world.put(&map, "a", &format!("{writer} {i}"), Expiry::Default).await;
        }
    };
    futures::join!(write(0), write(1), write(2), write(3));
    let mut value = None;
    for _ in 0..400 {
        let event = event(&mut notices).await;
        assert_eq!(event.old_value, value, "each change goes on where the last one ended");
        value = event.new_value;
    }
    assert_eq!(world.get(&map, "a").await, value);
}

pub async fn every_event_of_a_large_batch_is_told(world: &World) {
    let map = world.map().await;
    let mut notices = listen(&map, ListenTo::All).await;
    let batch = world.batch(0..2000, "v");
    map.put_all(batch.clone(), Expiry::Default).await.unwrap();
    let mut mirror = BTreeMap::new();
    for _ in 0..2000 {
        let event = event(&mut notices).await;
        assert_eq!(event.kind, EventKind::Inserted);
        mirror.insert(event.key, event.new_value.unwrap());
    }
    assert_eq!(mirror.into_iter().collect::<Vec<_>>(), sorted(&batch));
}

pub async fn a_cleared_map_tells_every_entry(world: &World) {
    let map = world.map().await;
    let batch = world.batch(0..100, "v");
    map.put_all(batch.clone(), Expiry::Default).await.unwrap();
    let mut notices = listen(&map, ListenTo::All).await;
    map.clear().await.unwrap();
    let mut removed = BTreeMap::new();
    for _ in 0..100 {
        let event = event(&mut notices).await;
        assert_eq!((event.kind, &event.new_value), (EventKind::Deleted, &None));
        removed.insert(event.key, event.old_value.unwrap());
    }
    assert_eq!(removed.into_iter().collect::<Vec<_>>(), sorted(&batch));
}

pub async fn a_truncated_map_tells_so_once(world: &World) {
    let map = world.map().await;
    map.put_all(world.batch(0..100, "v"), Expiry::Default).await.unwrap();
    let key = world.binary("key 7");
    let mut all = listen(&map, ListenTo::All).await;
    let mut of_key = listen(&map, ListenTo::Key(key.clone())).await;
    map.truncate().await.unwrap();
    map.put(&key, &world.binary("1"), Expiry::Default).await.unwrap();
    for notices in [&mut all, &mut of_key] {
        assert_eq!(notices.next().await, Some(MapNotice::Truncated));
        told(notices, EventKind::Inserted, &key, [None, world.some("1")]).await;
    }
}

pub async fn a_destroyed_map_tells_so_and_ends_the_stream(world: &World) {
    let map = world.map().await;
    world.put(&map, "a", "1", Expiry::Default).await;
    let mut notices = listen(&map, ListenTo::All).await;
    map.destroy().await.unwrap();
    assert_eq!(notices.next().await, Some(MapNotice::Destroyed));
    assert_eq!(notices.next().await, None);
    let mut notices = listen(&map, ListenTo::All).await;
    world.put(&map, "a", "2", Expiry::Default).await;
    told(&mut notices, EventKind::Inserted, &world.binary("a"), [None, world.some("2")]).await;
}

pub async fn an_expiry_is_told_as_made_by_the_map(world: &World) {
    let map = world.map().await;
    let mut notices = listen(&map, ListenTo::All).await;
    world.put(&map, "a", "1", Expiry::After(Duration::from_millis(200))).await;
    let inserted = event(&mut notices).await;
    assert_eq!((inserted.kind, inserted.synthetic), (EventKind::Inserted, false));
    eventually_async(DEADLINE, "the entry is gone", async || world.get(&map, "a").await.is_none()).await;
    let gone = event(&mut notices).await;
    // Protocol v0 does not show why the map removed it.
    assert_eq!((gone.kind, gone.synthetic, gone.expired), (EventKind::Deleted, true, world.has_v1));
    assert_eq!((gone.key, gone.old_value), (world.binary("a"), world.some("1")));
}

pub async fn a_dropped_listener_disturbs_nobody(world: &World) {
    let map = world.map().await;
    let dropped = listen(&map, ListenTo::All).await;
    let mut left = listen(&map, ListenTo::All).await;
    let of_key = listen(&map, ListenTo::Key(world.binary("a"))).await;
    drop((dropped, of_key));
    world.put(&map, "a", "1", Expiry::Default).await;
    told(&mut left, EventKind::Inserted, &world.binary("a"), [None, world.some("1")]).await;
    drop(left);
    world.put(&map, "a", "2", Expiry::Default).await;
    let mut again = listen(&map, ListenTo::All).await;
    world.put(&map, "a", "3", Expiry::Default).await;
    told(&mut again, EventKind::Updated, &world.binary("a"), [world.some("2"), world.some("3")]).await;
}

pub async fn two_listeners_are_told_each(world: &World) {
    let map = world.map().await;
    let a = world.binary("a");
    let mut full = listen(&map, ListenTo::All).await;
    let mut lite = map.listen(Listen { to: ListenTo::All, lite: true }).await.unwrap();
    let mut of_key = listen(&map, ListenTo::Key(a.clone())).await;
    world.put(&map, "a", "1", Expiry::Default).await;
    world.put(&map, "a", "2", Expiry::Default).await;
    for notices in [&mut full, &mut of_key] {
        told(notices, EventKind::Inserted, &a, [None, world.some("1")]).await;
        told(notices, EventKind::Updated, &a, [world.some("1"), world.some("2")]).await;
    }
    for kind in [EventKind::Inserted, EventKind::Updated] {
        assert_eq!(event(&mut lite).await.kind, kind);
    }
}
