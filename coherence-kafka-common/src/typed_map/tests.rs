use std::time::Duration;

use futures::{FutureExt as _, TryStreamExt as _};

use super::*;
use crate::local::{Clock, LocalMap, LocalOptions, LocalSession, ManualClock};
use crate::query::{Extractor, Filter};
use crate::serializer::json::JsonSerde;
use crate::serializer::{IntegerSerde, StringSerde};
use crate::testing::FaultyMap;

/// Nothing here ever waits.
fn block_on(test: impl Future<Output = ()>) {
    test.now_or_never().unwrap();
}

fn typed() -> TypedMap<i32, Vec<String>> {
    let json = Arc::new(JsonSerde::default());
    TypedMap::new(Arc::new(LocalMap::new("m")), json.clone(), json)
}

fn texts(texts: &[&str]) -> Vec<String> {
    texts.iter().map(|&text| text.to_owned()).collect()
}

#[test]
fn an_entry_is_put_read_and_removed_by_its_key() {
    block_on(async {
        let map = typed();
        assert_eq!(map.name(), "m");
        assert_eq!(map.put(&1, &texts(&["a"])).await, Ok(None));
        assert_eq!(map.put(&1, &texts(&["b"])).await, Ok(Some(texts(&["a"]))));
        assert_eq!(map.get(&1).await, Ok(Some(texts(&["b"]))));
        assert_eq!(map.binary().get(b"\x151").await, Ok(Some(Bytes::from_static(b"\x15[\"b\"]"))));
        assert_eq!((map.contains_key(&1).await, map.contains_key(&2).await), (Ok(true), Ok(false)));
        assert_eq!((map.size().await, map.is_empty().await), (Ok(1), Ok(false)));
        assert_eq!(map.remove(&1).await, Ok(Some(texts(&["b"]))));
        assert_eq!(map.get(&1).await, Ok(None));
    });
}

#[test]
fn of_a_key_given_twice_in_a_batch_the_last_value_counts() {
    block_on(async {
        let map = typed();
        let (a, b) = (texts(&["a"]), texts(&["b"]));
        map.put_all_with([(&1, &a), (&2, &a), (&1, &b)], Expiry::Never).await.unwrap();
        let mut all = map.get_all([&1, &2, &1, &3]).await.unwrap();
        all.sort();
        assert_eq!(all, [(1, b.clone()), (2, a.clone())]);
        let mut entries: Vec<_> = map.entries().try_collect().await.unwrap();
        entries.sort();
        assert_eq!(entries, all);
        map.remove_all([&1, &1]).await.unwrap();
        assert_eq!(map.keys().try_collect::<Vec<_>>().await, Ok(vec![2]));
        map.clear().await.unwrap();
        assert_eq!(map.is_empty().await, Ok(true));
    });
}

#[test]
fn what_cannot_be_read_is_told_with_its_half_and_keeps_no_other_entry_back() {
    block_on(async {
        let map = typed();
        map.put(&1, &texts(&["a"])).await.unwrap();
        map.binary().put(b"\x152", b"\x15true", Expiry::Default).await.unwrap();
        map.binary().put(b"no json", b"\x15[]", Expiry::Default).await.unwrap();
        let error = map.get(&2).await.unwrap_err();
        assert_eq!(error.to_string(), "value: json: expected a sequence at byte 1, found a boolean");
        let mut told: Vec<_> =
            map.entries().map(|entry| entry.map_err(|error| error.to_string())).collect().await;
        told.sort();
        assert_eq!(
            told,
            [
                Ok((1, texts(&["a"]))),
                Err("key: json: expected 0x15 at byte 0, found another byte".to_owned()),
                Err("value: json: expected a sequence at byte 1, found a boolean".to_owned()),
            ]
        );
    });
}

#[test]
fn events_come_typed_and_an_unreadable_one_does_not_end_the_listening() {
    block_on(async {
        let clock = ManualClock::default();
        let options = LocalOptions {
            listener_bytes: 4_000,
            clock: Clock::Manual(clock.clone()),
            ..LocalOptions::default()
        };
        let local = LocalSession::with(options).local_map("m").unwrap();
        let map: TypedMap<i32, String> =
            TypedMap::new(local.clone(), Arc::new(IntegerSerde), Arc::new(StringSerde::default()));
        let event = |kind, key, old: Option<&str>, new: Option<&str>| {
            let (old_value, new_value) = (old.map(str::to_owned), new.map(str::to_owned));
            let (synthetic, expired, priming) = (false, false, false);
            TypedEvent { kind, key, old_value, new_value, synthetic, expired, priming }
        };
        let change = |kind, key, old, new| TypedNotice::Event(event(kind, key, old, new));
        let priming = |value| {
            let event = event(EventKind::Inserted, 7, None, value);
            TypedNotice::Event(TypedEvent { synthetic: true, priming: true, ..event })
        };
        map.put(&7, &"a".to_owned()).await.unwrap();
        let mut lite = map.listen(TypedListenTo::PrimedKey(7), true).await.unwrap();
        let mut primed = map.listen(TypedListenTo::PrimedKey(7), false).await.unwrap();
        let mut all = map.listen(TypedListenTo::All, false).await.unwrap();
        map.put(&7, &"b".to_owned()).await.unwrap();
        map.put_with(&8, &"c".to_owned(), Expiry::After(Duration::from_secs(1))).await.unwrap();
        clock.advance(Duration::from_secs(2));
        assert_eq!(map.size().await, Ok(1));
        local.put(b"short", b"d", Expiry::Default).await.unwrap();
        map.truncate().await.unwrap();

        let updated = || change(EventKind::Updated, 7, Some("a"), Some("b"));
        let of_key = [priming(Some("a")), updated(), TypedNotice::Truncated];
        assert_eq!(primed.by_ref().take(3).collect::<Vec<_>>().await, of_key);
        let of_key = [priming(None), change(EventKind::Updated, 7, None, None), TypedNotice::Truncated];
        assert_eq!(lite.by_ref().take(3).collect::<Vec<_>>().await, of_key);
        let expired = event(EventKind::Deleted, 8, Some("c"), None);
        let unreadable = TypedMapError::Serializer {
            part: Part::Key,
            error: SerializerError::Size { deserializer: "IntegerDeserializer", expected: 4, found: 5 },
        };
        assert_eq!(
            all.by_ref().take(5).collect::<Vec<_>>().await,
            [
                updated(),
                change(EventKind::Inserted, 8, None, Some("c")),
                TypedNotice::Event(TypedEvent { synthetic: true, expired: true, ..expired }),
                TypedNotice::Unreadable(unreadable),
                TypedNotice::Truncated,
            ]
        );

        // More than may wait for a listener.
        map.put(&1, &"v".repeat(5_000)).await.unwrap();
        map.destroy().await.unwrap();
        let gap = "1 events dropped: more than 4000 bytes were waiting for the listener".to_owned();
        assert_eq!(all.collect::<Vec<_>>().await, [TypedNotice::Gap(gap), TypedNotice::Destroyed]);
        assert_eq!(primed.collect::<Vec<_>>().await, [TypedNotice::Destroyed]);
    });
}

#[test]
fn an_error_of_the_map_is_returned_as_it_is() {
    block_on(async {
        let away = MapError::Unavailable("away".to_owned());
        let script = |_| std::future::ready(Err(MapError::Unavailable("away".to_owned())));
        let map = Arc::new(FaultyMap::new(Arc::new(LocalMap::new("m")), script));
        let map: TypedMap<i32, String> =
            TypedMap::new(map, Arc::new(IntegerSerde), Arc::new(StringSerde::default()));
        assert_eq!(map.get(&1).await, Err(TypedMapError::Map(away.clone())));
        let listened = map.listen(TypedListenTo::All, false).await;
        assert_eq!(listened.err(), Some(TypedMapError::Map(away)));
    });
}

#[test]
fn a_text_stands_for_a_string() {
    block_on(async {
        let json = Arc::new(JsonSerde::default());
        let map = TypedMap::<String, String>::new(Arc::new(LocalMap::new("m")), json.clone(), json);
        assert_eq!(map.put("a", "1").await, Ok(None));
        assert_eq!(map.put_with(&"a".to_owned(), "2", Expiry::Never).await, Ok(Some("1".to_owned())));
        map.put_all([("b", "3")]).await.unwrap();
        assert_eq!(map.get_or_default("a", String::new()).await, Ok("2".to_owned()));
        assert_eq!(map.get_or_default("c", "none".to_owned()).await, Ok("none".to_owned()));
        let mut values: Vec<_> = map.values().try_collect().await.unwrap();
        values.sort();
        assert_eq!(values, ["2", "3"]);
        map.remove_all(["a", "b"]).await.unwrap();
        assert_eq!(map.contains_key("a").await, Ok(false));
    });
}

#[test]
fn a_query_needs_classes_and_a_grid() {
    block_on(async {
        let filter = Filter::always();
        let error = typed().keys_where(&filter).await.unwrap_err().to_string();
        assert_eq!(error, "map m was made from serdes alone: queries need with_classes");
        let map = typed().with_classes(Format::Json, Classes::default());
        let error = map.keys_where(&filter).await.unwrap_err().to_string();
        assert_eq!(error, "keys_where is not possible with this kind of map");
        let error = map.keys_where(&Filter::is_null(Extractor::pof([1]))).await.unwrap_err().to_string();
        assert_eq!(error, "query: json cannot hold a PofExtractor: grids do not have it there");
    });
}
