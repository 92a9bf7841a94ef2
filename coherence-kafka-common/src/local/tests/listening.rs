//! What listeners are told.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll, Wake};

use super::*;

fn event(
    kind: EventKind,
    key: &'static str,
    old: Option<&'static str>,
    new: Option<&'static str>,
) -> MapNotice {
    let bytes = |text: &'static str| Bytes::from_static(text.as_bytes());
    MapNotice::Event(MapEvent {
        kind,
        key: bytes(key),
        old_value: old.map(bytes),
        new_value: new.map(bytes),
        synthetic: false,
        expired: false,
        priming: false,
    })
}

fn key(text: &'static str) -> Bytes {
    Bytes::from_static(text.as_bytes())
}

#[test]
fn a_listener_hears_of_its_key_alone() {
    let map = LocalMap::new("m");
    let mut notices = listen(&map, ListenTo::Key(key("a")));
    for k in [b"a", b"b", b"a"] {
        put(&map, k, b"1", Expiry::Default);
    }
    ready(map.remove(b"b")).unwrap();
    ready(map.remove(b"a")).unwrap();
    ready(map.remove(b"a")).unwrap();
    let expected = [
        event(EventKind::Inserted, "a", None, Some("1")),
        event(EventKind::Updated, "a", Some("1"), Some("1")),
        event(EventKind::Deleted, "a", Some("1"), None),
    ];
    assert_eq!(waiting(&mut notices), (expected.to_vec(), false));
}

#[test]
fn a_primed_listener_is_told_the_present_value_first() {
    let map = LocalMap::new("m");
    put(&map, b"a", b"1", Expiry::Default);
    for (k, present) in [("a", Some("1")), ("b", None)] {
        let mut notices = listen(&map, ListenTo::PrimedKey(key(k)));
        put(&map, k.as_bytes(), b"2", Expiry::Default);
        let (told, _) = waiting(&mut notices);
        let [MapNotice::Event(primed), change] = &told[..] else { panic!("{told:?}") };
        assert!(primed.priming && primed.kind == EventKind::Inserted);
        assert_eq!(primed.new_value.as_deref(), present.map(str::as_bytes));
        let kind = if present.is_some() { EventKind::Updated } else { EventKind::Inserted };
        assert_eq!(*change, event(kind, k, present, Some("2")));
    }
}

#[test]
fn a_lite_event_has_no_values() {
    let map = LocalMap::new("m");
    let mut full = listen(&map, ListenTo::All);
    let mut lite = ready(map.listen(Listen { to: ListenTo::All, lite: true })).unwrap();
    put(&map, b"a", b"1", Expiry::Default);
    assert_eq!(waiting(&mut lite).0, [event(EventKind::Inserted, "a", None, None)]);
    assert_eq!(waiting(&mut full).0, [event(EventKind::Inserted, "a", None, Some("1"))]);
}

#[test]
fn an_expiry_is_told_as_made_by_the_map() {
    let (map, clock) = timed(None);
    let mut notices = listen(&map, ListenTo::All);
    put(&map, b"a", b"1", after_ms(1));
    waiting(&mut notices);
    clock.advance(Duration::from_millis(1));
    put(&map, b"a", b"2", Expiry::Default);
    let (told, _) = waiting(&mut notices);
    let [MapNotice::Event(expired), inserted] = &told[..] else { panic!("{told:?}") };
    assert!(expired.expired && expired.synthetic && expired.kind == EventKind::Deleted);
    assert_eq!(expired.old_value, Some(key("1")));
    assert_eq!(*inserted, event(EventKind::Inserted, "a", None, Some("2")));
}

#[test]
fn a_filter_is_refused() {
    let map = LocalMap::new("m");
    let refused = ready(map.listen(Listen { to: ListenTo::Filter(key("f")), lite: false }));
    assert!(matches!(refused.err(), Some(MapError::Misuse(_))));
}

#[test]
fn every_listener_hears_once_of_a_truncated_and_of_a_destroyed_map() {
    let map = LocalMap::new("m");
    put(&map, b"a", b"1", Expiry::Default);
    let mut listeners = [ListenTo::All, ListenTo::All, ListenTo::Key(key("a")), ListenTo::Key(key("none"))]
        .map(|to| listen(&map, to));
    ready(map.truncate()).unwrap();
    ready(map.destroy()).unwrap();
    put(&map, b"a", b"2", Expiry::Default);
    for notices in &mut listeners {
        assert_eq!(waiting(notices), (vec![MapNotice::Truncated, MapNotice::Destroyed], true));
    }
    assert_eq!(map.len(), 1, "the next use makes it anew");
}

#[test]
fn a_dropped_map_ends_its_streams_and_a_dropped_stream_leaves_nothing_behind() {
    let map = LocalMap::new("m");
    let empty = map.shards.iter().filter(|shard| shard.lock().listeners.is_some()).count();
    let dropped = [ListenTo::All, ListenTo::Key(key("a"))].map(|to| listen(&map, to));
    assert_eq!(empty, 0);
    assert!(map.shards.iter().all(|shard| shard.lock().listeners.is_some()));
    drop(dropped);
    assert!(map.shards.iter().all(|shard| shard.lock().listeners.is_none()));
    let mut left = listen(&map, ListenTo::All);
    drop(map);
    assert_eq!(waiting(&mut left), (vec![], true));
}

#[test]
fn a_listener_that_does_not_keep_up_gets_one_gap_for_all_it_missed() {
    let options = LocalOptions { listener_bytes: 100_000, ..LocalOptions::default() };
    let map = LocalMap::with("m", &options);
    let (mut slow, mut fast) = (listen(&map, ListenTo::All), listen(&map, ListenTo::All));
    let mut heard = 0;
    for _ in 0..1000 {
        put(&map, b"a", &[7; 900], Expiry::Default);
        heard += waiting(&mut fast).0.len();
    }
    let (told, _) = waiting(&mut slow);
    assert_eq!(heard, 1000);
    let gaps = told.iter().filter(|notice| matches!(notice, MapNotice::Gap(_))).count();
    assert!(gaps == 1 && matches!(told[0], MapNotice::Gap(_)), "one gap, in place of the first events");
    assert!((1..100).contains(&told.len()), "{} notices were kept", told.len());
    put(&map, b"a", b"2", Expiry::Default);
    assert_eq!(waiting(&mut slow).0.len(), 1, "behind the gap it listens again");
    put(&map, b"a", &[7; 200_000], Expiry::Default);
    ready(map.destroy()).unwrap();
    let (told, ended) = waiting(&mut slow);
    assert!(matches!(told[..], [MapNotice::Gap(_), MapNotice::Destroyed]) && ended, "{told:?}");
}

#[derive(Default)]
struct Woken(AtomicUsize);

impl Wake for Woken {
    fn wake(self: Arc<Self>) {
        self.0.fetch_add(1, Ordering::Relaxed);
    }
}

#[test]
fn a_waiting_listener_is_woken_by_what_it_waits_for_and_by_the_end() {
    let map = LocalMap::new("m");
    let mut notices = listen(&map, ListenTo::Key(key("a")));
    let woken = Arc::new(Woken::default());
    let mut poll = || notices.poll_next_unpin(&mut Context::from_waker(&Arc::clone(&woken).into()));
    assert!(poll().is_pending());
    put(&map, b"b", b"1", Expiry::Default);
    assert_eq!(woken.0.load(Ordering::Relaxed), 0);
    put(&map, b"a", b"1", Expiry::Default);
    assert_eq!(woken.0.load(Ordering::Relaxed), 1);
    assert!(poll().is_ready() && poll().is_pending());
    drop(map);
    assert_eq!(woken.0.load(Ordering::Relaxed), 2);
    assert_eq!(poll(), Poll::Ready(None));
}

#[test]
fn events_of_a_key_come_in_the_order_of_its_values_whoever_writes_them() {
    let map = LocalMap::new("m");
    let mut notices = listen(&map, ListenTo::All);
    thread::scope(|scope| {
        for thread in 0..8_u32 {
            let map = &map;
            scope.spawn(move || {
                for round in 0..2000_u32 {
                    let value = [thread.to_be_bytes(), round.to_be_bytes()].concat();
                    let keys = [b"a", b"b", b"c"];
                    let batch = Arc::new(Entries::from_pairs(keys.map(|key| (key, value.clone()))));
                    ready(map.put_all(batch, Expiry::Default)).unwrap();
                    if round % 7 == 0 {
                        ready(map.remove_all(Arc::new(Entries::from_keys(keys)))).unwrap();
                    }
                }
            });
        }
    });
    let mut mirror: BTreeMap<Bytes, Bytes> = BTreeMap::new();
    let (told, _) = waiting(&mut notices);
    assert!(told.len() >= 8 * 2000 * 3);
    for notice in told {
        let MapNotice::Event(event) = notice else { panic!("{notice:?}") };
        assert_eq!(mirror.remove(&event.key), event.old_value, "each event goes on where the last one ended");
        if let Some(value) = event.new_value {
            mirror.insert(event.key, value);
        }
    }
    let mirror: BTreeMap<_, _> = mirror.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    assert_eq!(mirror, contents(&map));
}
