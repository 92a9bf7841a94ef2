use std::collections::BTreeMap;
use std::thread;

use bytes::Bytes;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use super::*;
use crate::map::{Entries, EventKind, Expiry, Listen, ListenTo, MapEvent, MapNotice, MapNotices};

mod listening;
mod model;

fn ready<T>(future: BoxFuture<'_, T>) -> T {
    future.now_or_never().expect("the futures of this module never wait")
}

/// What a listener has waiting; `true` behind it where the stream has ended.
fn waiting(notices: &mut MapNotices) -> (Vec<MapNotice>, bool) {
    let mut all = Vec::new();
    loop {
        match notices.next().now_or_never() {
            Some(Some(notice)) => all.push(notice),
            Some(None) => return (all, true),
            None => return (all, false),
        }
    }
}

fn listen(map: &dyn NamedMap, to: ListenTo) -> MapNotices {
    ready(map.listen(Listen { to, lite: false })).unwrap()
}

/// A map whose time stands still, and its clock.
fn timed(expiry: Option<Duration>) -> (LocalMap, ManualClock) {
    let clock = ManualClock::default();
    let options = LocalOptions { expiry, clock: Clock::Manual(clock.clone()), ..LocalOptions::default() };
    (LocalMap::with("m", &options), clock)
}

fn after_ms(ms: u64) -> Expiry {
    Expiry::After(Duration::from_millis(ms))
}

fn put(map: &dyn NamedMap, key: &[u8], value: &[u8], expiry: Expiry) -> Option<Bytes> {
    ready(map.put(key, value, expiry)).unwrap()
}

fn value(map: &dyn NamedMap, key: &[u8]) -> Option<Bytes> {
    ready(map.get(key)).unwrap()
}

fn contents(map: &LocalMap) -> BTreeMap<Vec<u8>, Vec<u8>> {
    let entries: Vec<_> = ready(map.entries().try_collect::<Vec<_>>().boxed()).unwrap();
    let found: BTreeMap<_, _> = entries.iter().map(|(k, v)| (k.to_vec(), v.to_vec())).collect();
    assert_eq!(found.len(), entries.len(), "no entry comes twice");
    found
}

#[test]
fn a_key_written_by_all_threads_holds_one_whole_value() {
    let map = LocalMap::new("m");
    thread::scope(|scope| {
        for thread in 1..=4_u8 {
            let map = &map;
            scope.spawn(move || {
                for round in 0..2000 {
                    put(map, b"k", &[thread].repeat(50 + round % 2), Expiry::Default);
                    let value = value(map, b"k").unwrap();
                    assert!(value.len() >= 50 && value.iter().all(|byte| *byte == value[0]));
                }
            });
        }
    });
    assert_eq!(map.len(), 1);
    assert_eq!(map.payload_bytes(), 1 + value(&map, b"k").unwrap().len());
}

#[test]
fn pages_of_keys_have_every_key_once_and_none_that_has_expired() {
    let (map, clock) = timed(None);
    let names: Vec<Bytes> = (0..500).map(|n| Bytes::from(format!("k{n}"))).collect();
    names.iter().for_each(|key| drop(put(&map, key, b"v", Expiry::Default)));
    put(&map, b"expires", b"v", after_ms(1));
    clock.advance(Duration::from_millis(1));
    let (mut keys, mut next) = (Vec::new(), Some(Bytes::new()));
    while let Some(cookie) = next {
        let page = ready(map.page_of_keys(cookie)).unwrap();
        keys.extend(page.keys);
        next = page.next;
    }
    keys.sort_unstable();
    let mut expected = names;
    expected.sort_unstable();
    assert_eq!(keys, expected);
    for bad in [&b"\xFF"[..], b"\x40", b"\x00\x00"] {
        let refused = ready(map.page_of_keys(Bytes::from_static(bad)));
        assert!(matches!(refused, Err(MapError::Misuse(_))), "{refused:?}");
    }
}

#[test]
fn a_batch_with_an_entry_that_no_grid_can_hold_is_refused_as_a_whole() {
    let map = LocalMap::new("m");
    for bad in [("", "v"), ("k", "")] {
        let batch = Arc::new(Entries::from_pairs([("good", "v"), bad]));
        let refused = ready(map.put_all(batch, Expiry::Default));
        assert!(matches!(refused, Err(MapError::NotSent { index: 1, .. })), "{refused:?}");
        let refused = ready(map.put(bad.0.as_bytes(), bad.1.as_bytes(), Expiry::Default));
        assert!(matches!(refused, Err(MapError::NotSent { index: 0, .. })), "{refused:?}");
    }
    assert!(map.is_empty());
}

#[test]
fn one_name_is_one_map() {
    let session = LocalSession::new(Format::Json);
    let map = ready(session.map("people")).unwrap();
    put(&*session.local_map("people").unwrap(), b"k", b"v", Expiry::Default);
    assert_eq!(ready(map.size()), Ok(1));
    assert_eq!(map.name(), "people");
    assert_eq!(ready(ready(session.map("places")).unwrap().size()), Ok(0));
    assert_eq!(session.format(), Format::Json);
}

#[test]
fn a_name_that_no_grid_can_bear_is_refused() {
    for name in ["", "a*", "a?"] {
        let refused = LocalSession::new(Format::Pof).local_map(name);
        assert!(matches!(refused, Err(MapError::Misuse(_))));
    }
}

#[test]
fn a_write_happens_when_its_future_runs() {
    let map = LocalMap::new("m");
    drop(map.put_all(Arc::new(Entries::from_pairs([("k", "v")])), Expiry::Default));
    assert!(map.is_empty());
}

#[test]
fn an_entry_is_there_until_its_time_is_over() {
    let (map, clock) = timed(None);
    put(&map, b"k", b"v", Expiry::After(Duration::from_micros(1500)));
    clock.advance(Duration::from_nanos(1_999_999));
    assert_eq!(value(&map, b"k").as_deref(), Some(&b"v"[..]), "rounded up to 2 ms");
    clock.advance(Duration::from_nanos(1));
    assert_eq!(value(&map, b"k"), None);
    put(&map, b"k", b"v", Expiry::After(Duration::ZERO));
    clock.advance(Duration::from_nanos(999_999));
    assert_eq!(map.len(), 1, "never less than 1 ms");
    let longest = Duration::from_millis(Expiry::MAX_MILLIS.unsigned_abs());
    put(&map, b"as good as for ever", b"v", Expiry::After(longest));
    clock.advance(Duration::from_secs(1 << 32));
    assert_eq!(map.len(), 1);
}

#[test]
fn an_expiry_that_no_grid_takes_is_refused_here_too() {
    let (map, _clock) = timed(None);
    let too_long = Expiry::After(Duration::from_millis(Expiry::MAX_MILLIS.unsigned_abs() + 1));
    let batch = Arc::new(Entries::from_pairs([(b"k", b"v")]));
    for expiry in [too_long, Expiry::After(Duration::MAX)] {
        assert!(matches!(ready(map.put(b"k", b"v", expiry)), Err(MapError::Misuse(_))));
        assert!(matches!(ready(map.put_all(batch.clone(), expiry)), Err(MapError::Misuse(_))));
    }
    assert_eq!(map.len(), 0);
}

#[test]
fn a_map_has_the_default_expiry_that_its_name_says() {
    let (of_most, of_one) = (Duration::from_secs(1), Duration::from_secs(2));
    let clock = ManualClock::default();
    let session = LocalSession::with(LocalOptions {
        expiry: Some(of_most),
        map_expiry: [("two".to_owned(), Some(of_one)), ("ever".to_owned(), None)].into_iter().collect(),
        clock: Clock::Manual(clock.clone()),
        ..LocalOptions::default()
    });
    let maps = ["one", "two", "ever"].map(|name| session.local_map(name).unwrap());
    for map in &maps {
        assert_eq!(ready(map.put_if_absent(b"k", b"v")), Ok(None));
        put(&**map, b"never", b"v", Expiry::Never);
    }
    clock.advance(of_most);
    assert_eq!(maps.each_ref().map(|map| map.len()), [1, 2, 2]);
    clock.advance(of_one);
    assert_eq!(maps.each_ref().map(|map| map.len()), [1, 1, 2]);
}

#[test]
fn writes_of_other_keys_give_back_the_memory_of_what_has_expired() {
    let (map, clock) = timed(None);
    let keys: Vec<_> = (0..10_000_u32).map(|i| i.to_be_bytes()).collect();
    let batch = Entries::from_pairs(keys.iter().map(|key| (key, [0; 100])));
    ready(map.put_all(Arc::new(batch), after_ms(10))).unwrap();
    let full = map.memory_bytes();
    clock.advance(Duration::from_millis(10));
    assert!(map.memory_bytes() >= full, "nobody has touched the map yet");
    for _ in 0..2000 {
        put(&map, b"other", b"v", Expiry::Default);
    }
    let payload: usize = map.shards.iter().map(|shard| shard.lock().raw_payload_bytes()).sum();
    assert_eq!(payload, b"otherv".len(), "only what was put last is left");
    assert!(map.memory_bytes() < full / 2);
}

#[test]
fn an_entry_written_again_and_again_does_not_pile_up_deadlines() {
    for step in [Duration::ZERO, Duration::from_nanos(1)] {
        let (map, clock) = timed(None);
        for _ in 0..10_000 {
            put(&map, b"k", b"v", after_ms(60_000));
            clock.advance(step);
        }
        assert!(map.memory_bytes() < LocalMap::new("m").memory_bytes() + 2000, "{}", map.memory_bytes());
    }
}

#[test]
fn entries_that_stay_come_once_however_the_map_changes_under_the_stream() {
    let map = LocalMap::new("m");
    let key = |i: u32| i.to_be_bytes();
    let batch = |range: std::ops::Range<u32>| Arc::new(Entries::from_pairs(range.map(|i| (key(i), b"v"))));
    ready(map.put_all(batch(0..20_000), Expiry::Default)).unwrap();
    for keys_only in [false, true] {
        let mut stream = if keys_only { map.keys() } else { map.entries().map_ok(|(key, _)| key).boxed() };
        let mut found = BTreeMap::new();
        for round in 0_u32.. {
            let Some(Some(item)) = stream.next().now_or_never() else { break };
            *found.entry(item.unwrap().to_vec()).or_insert(0) += 1;
            if round < 20_000 && round % 1000 == 0 {
                let new = 100_000 + round * 10;
                ready(map.put_all(batch(new..new + 10_000), Expiry::Default)).unwrap();
                ready(map.remove_all(batch(new..new + 5_000))).unwrap();
                ready(map.put_all(batch(0..1000), Expiry::Default)).unwrap();
            }
        }
        assert!((0..20_000).all(|i| found.get(&key(i)[..]) == Some(&1)));
        assert!(found.values().all(|times| *times == 1));
    }
}

#[test]
fn the_size_of_a_map_is_what_was_put_and_what_it_takes_to_hold_it() {
    let map = LocalMap::new("m");
    let empty = map.memory_bytes();
    let batch = Entries::from_pairs((0..10_000_u32).map(|i| (i.to_be_bytes(), [0; 96])));
    ready(map.put_all(Arc::new(batch), Expiry::Default)).unwrap();
    assert_eq!(map.payload_bytes(), 1_000_000);
    let overhead = (map.memory_bytes() - empty - 1_000_000) / 10_000;
    assert!((20 + 17..=20 + 40).contains(&overhead), "{overhead} bytes an entry");
    ready(map.truncate()).unwrap();
    assert_eq!((map.payload_bytes(), map.memory_bytes()), (0, empty));
}
