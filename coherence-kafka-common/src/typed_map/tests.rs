use futures::stream;
use futures::{FutureExt as _, TryStreamExt as _};

use super::*;
use crate::local::LocalMap;
use crate::map::MapNotices;
use crate::serializer::json::JsonSerde;
use crate::serializer::{IntegerSerde, StringSerde};

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
        assert_eq!(map.put(&1, &texts(&["a"]), Expiry::Default).await, Ok(None));
        assert_eq!(map.put(&1, &texts(&["b"]), Expiry::Default).await, Ok(Some(texts(&["a"]))));
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
        map.put_all([(&1, &a), (&2, &a), (&1, &b)], Expiry::Never).await.unwrap();
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
        map.put(&1, &texts(&["a"]), Expiry::Default).await.unwrap();
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

/// A map that only listens.
#[derive(Debug)]
struct Told;

impl NamedMap for Told {
    fn name(&self) -> &str {
        "told"
    }

    fn get<'a>(&'a self, _: &'a [u8]) -> futures::future::BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        async { Err(MapError::Unavailable("away".to_owned())) }.boxed()
    }

    fn put_all(&self, _: Arc<Entries>, _: Expiry) -> futures::future::BoxFuture<'_, Result<(), MapError>> {
        async { Ok(()) }.boxed()
    }

    fn remove_all(&self, _: Arc<Entries>) -> futures::future::BoxFuture<'_, Result<(), MapError>> {
        async { Ok(()) }.boxed()
    }

    fn size(&self) -> futures::future::BoxFuture<'_, Result<usize, MapError>> {
        async { Ok(0) }.boxed()
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        stream::empty().boxed()
    }

    fn listen(&self, listen: Listen) -> futures::future::BoxFuture<'_, Result<MapNotices, MapError>> {
        let ListenTo::PrimedKey(key) = listen.to else { return async { unreachable!() }.boxed() };
        let event = |key: Bytes, new_value| {
            MapNotice::Event(MapEvent {
                kind: EventKind::Inserted,
                key,
                old_value: None,
                new_value,
                synthetic: false,
                expired: false,
                priming: listen.lite,
            })
        };
        let notices = vec![
            event(key, Some(Bytes::from_static(b"x"))),
            event(Bytes::from_static(b"short"), None),
            MapNotice::Gap("away".to_owned()),
            MapNotice::Truncated,
            MapNotice::Destroyed,
        ];
        async { Ok(stream::iter(notices).boxed()) }.boxed()
    }
}

#[test]
fn events_come_typed_and_an_unreadable_one_does_not_end_the_listening() {
    block_on(async {
        let map: TypedMap<i32, String> =
            TypedMap::new(Arc::new(Told), Arc::new(IntegerSerde), Arc::new(StringSerde::default()));
        let notices = map.listen(TypedListenTo::PrimedKey(7), true).await.unwrap();
        let event = TypedEvent {
            kind: EventKind::Inserted,
            key: 7,
            old_value: None,
            new_value: Some("x".to_owned()),
            synthetic: false,
            expired: false,
            priming: true,
        };
        let unreadable = TypedMapError::Serializer {
            part: Part::Key,
            error: SerializerError::Size { deserializer: "IntegerDeserializer", expected: 4, found: 5 },
        };
        assert_eq!(
            notices.collect::<Vec<_>>().await,
            [
                TypedNotice::Event(event),
                TypedNotice::Unreadable(unreadable),
                TypedNotice::Gap("away".to_owned()),
                TypedNotice::Truncated,
                TypedNotice::Destroyed,
            ]
        );
        let away = TypedMapError::Map(MapError::Unavailable("away".to_owned()));
        assert_eq!(map.get(&1).await, Err(away));
    });
}
