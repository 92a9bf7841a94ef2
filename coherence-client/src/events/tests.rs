use coherence_kafka_common::map::EventKind;
use futures::FutureExt as _;
use futures::future::poll_fn;

use super::*;

const STREAM: u64 = 4;

fn key(n: u8) -> Bytes {
    Bytes::from(vec![0x15, 0x41, n])
}

fn change(n: u8, value: &[u8], filter_ids: &[i64]) -> NamedCacheResponse {
    let event = MapEventMessage {
        id: 2,
        key: key(n),
        new_value: Bytes::copy_from_slice(value),
        filter_ids: filter_ids.to_vec(),
        ..MapEventMessage::default()
    };
    let message = crate::proto::Any {
        type_url: format!("type.googleapis.com/{MAP_EVENT}").into(),
        value: prost::Message::encode_to_vec(&event).into(),
    };
    NamedCacheResponse { cache_id: 7, r#type: ResponseType::MapEvent.into(), message: Some(message) }
}

/// The notices that can be taken now, in short.
fn taken(queue: &Queue) -> Vec<String> {
    let next = || poll_fn(|context| queue.poll_next(context)).now_or_never().flatten();
    std::iter::from_fn(next)
        .map(|notice| match notice {
            MapNotice::Event(MapEvent { priming: true, new_value, .. }) => format!("is {new_value:?}"),
            MapNotice::Event(event) => {
                assert_eq!(event.kind, EventKind::Updated);
                event.new_value.map_or("?".to_owned(), |value| String::from_utf8_lossy(&value).into_owned())
            }
            MapNotice::Gap(reason) => format!("gap: {reason}"),
            other => format!("{other:?}"),
        })
        .collect()
}

/// Adds a listener and plays the grid's part until it listens.
fn listen(listeners: &Listeners, to: ListenTo, lite: bool) -> Added {
    let added = listeners.add("orders", Listen { to, lite }, 10_000).unwrap();
    play(listeners);
    added
}

/// Plays the grid's part; what was asked of it.
fn play(listeners: &Listeners) -> Vec<&'static str> {
    listeners.attach(STREAM);
    let mut asked = Vec::new();
    while let Some(step) = listeners.next_step() {
        match step {
            Step::Subscribe { map, target, lite, .. } => {
                listeners.bind(&map, 7);
                listeners.subscribed(&map, &target, 7, lite);
                asked.push(if lite { "subscribe lite" } else { "subscribe" });
            }
            Step::Prime { map, key, up_to, .. } => {
                listeners.primed(&map, &key, up_to, None);
                asked.push("get");
            }
            Step::Unsubscribe { map, target, .. } => {
                listeners.unsubscribed(&map, &target);
                asked.push("unsubscribe");
            }
        }
    }
    asked
}

#[test]
fn one_target_has_one_registration_in_the_fullest_form_that_is_wanted() {
    let listeners = Listeners::default();
    let add = |lite| listeners.add("orders", Listen { to: ListenTo::All, lite }, 10_000).unwrap();
    let lite = add(true);
    assert_eq!(play(&listeners), ["subscribe lite"]);
    let full = add(false);
    assert_eq!(play(&listeners), ["subscribe"]);
    let second = add(true);
    assert!(play(&listeners).is_empty());
    for id in [&full.id, &lite.id] {
        listeners.remove(id);
        assert!(play(&listeners).is_empty());
    }
    listeners.remove(&second.id);
    assert_eq!(play(&listeners), ["unsubscribe"]);
    assert!(listeners.is_idle());
}

#[test]
fn events_go_to_those_whose_filter_or_key_they_are_for() {
    let listeners = Listeners::default();
    let all = listen(&listeners, ListenTo::All, false);
    let filter = listen(&listeners, ListenTo::Filter(Bytes::from_static(b"f")), false);
    let one = listen(&listeners, ListenTo::Key(key(1)), false);
    let lite = listen(&listeners, ListenTo::All, true);
    // As a grid does: the key listener is named nowhere once a filter matches, and as 0 or not at all else.
    listeners.take(STREAM, change(1, b"a", &[1]));
    listeners.take(STREAM, change(2, b"b", &[1, 2]));
    listeners.take(STREAM, change(1, b"c", &[]));
    listeners.take(STREAM, change(1, b"d", &[0]));
    assert_eq!(taken(&all.queue), ["a", "b"]);
    assert_eq!(taken(&lite.queue), ["?", "?"], "it did not ask for values");
    assert_eq!(taken(&filter.queue), ["b"]);
    assert_eq!(taken(&one.queue), ["a", "c", "d"]);
}

#[test]
fn events_of_other_streams_and_maps_are_not_for_anybody() {
    let listeners = Listeners::default();
    let all = listen(&listeners, ListenTo::All, false);
    listeners.take(STREAM + 1, change(1, b"a", &[1]));
    listeners.take(STREAM, NamedCacheResponse { cache_id: 8, ..change(1, b"b", &[1]) });
    assert!(taken(&all.queue).is_empty());
}

#[test]
fn a_primed_listener_begins_with_the_present_value_and_does_so_again_behind_a_gap() {
    let listeners = Listeners::default();
    let mut primed =
        listeners.add("orders", Listen { to: ListenTo::PrimedKey(key(1)), lite: true }, 10_000).unwrap();
    let plain = listeners.add("orders", Listen { to: ListenTo::Key(key(1)), lite: false }, 10_000).unwrap();
    listeners.attach(STREAM);
    let Some(Step::Subscribe { map, target, lite, .. }) = listeners.next_step() else { panic!() };
    listeners.bind(&map, 7);
    listeners.subscribed(&map, &target, 7, lite);
    let Some(Step::Prime { key, up_to, .. }) = listeners.next_step() else { panic!() };
    listeners.take(STREAM, change(1, b"a", &[]));
    let late =
        listeners.add("orders", Listen { to: ListenTo::PrimedKey(key.clone()), lite: true }, 10_000).unwrap();
    assert!(primed.listens.try_recv().is_err());
    listeners.primed(&map, &key, up_to, Some(Bytes::from_static(b"v")));
    assert_eq!(primed.listens.try_recv(), Ok(Ok(())));
    assert_eq!(taken(&primed.queue), ["is Some(b\"v\")", "?"]);
    assert_eq!(taken(&plain.queue), ["a"], "nobody asked for it here");
    assert!(taken(&late.queue).is_empty(), "what was got before it came may be too old for it");
    assert_eq!(play(&listeners), ["get"]);
    assert_eq!(taken(&late.queue), ["is None"]);

    listeners.lost("away");
    assert_eq!(play(&listeners), ["subscribe", "get"]);
    assert_eq!(taken(&primed.queue), ["gap: away", "is None"]);
    assert_eq!(taken(&plain.queue), ["gap: away"]);
}

#[test]
fn a_gap_is_told_once_and_only_when_it_is_over() {
    let listeners = Listeners::default();
    let all = listen(&listeners, ListenTo::All, false);
    listeners.take(STREAM, change(1, b"a", &[1]));
    listeners.lost("away");
    assert_eq!(taken(&all.queue), ["a"], "nobody listens yet, so that what is read now would miss changes");

    // The next stream ends before its registration is answered: its event is part of nothing whole.
    listeners.attach(STREAM);
    assert!(matches!(listeners.next_step(), Some(Step::Subscribe { .. })));
    listeners.bind(&"orders".into(), 7);
    listeners.take(STREAM, change(1, b"b", &[1]));
    listeners.lost("away again");

    assert_eq!(play(&listeners), ["subscribe"]);
    listeners.take(STREAM, change(1, b"c", &[1]));
    assert_eq!(taken(&all.queue), ["gap: away", "c"]);
}

#[test]
fn what_does_not_fit_into_the_queue_is_one_gap() {
    let listeners = Listeners::default();
    let small = listeners.add("orders", Listen { to: ListenTo::All, lite: false }, 1_000).unwrap();
    let large = listen(&listeners, ListenTo::All, false);
    // One always fits.
    listeners.take(STREAM, change(1, &[b'x'; 2_000], &[1]));
    for value in [b"a", b"b"] {
        listeners.take(STREAM, change(1, value, &[1]));
    }
    let told = taken(&small.queue);
    assert_eq!((told.len(), told[0].len()), (2, 2_000));
    assert!(told[1].contains("gap: events dropped: more than 1000 bytes"), "{told:?}");
    assert_eq!(taken(&large.queue)[1..], ["a", "b"], "others lose nothing");
    listeners.take(STREAM, change(1, b"c", &[1]));
    assert_eq!(taken(&small.queue), ["c"]);
}

#[test]
fn the_end_of_a_map_ends_its_listeners_and_leaves_those_who_only_ask() {
    let listeners = Listeners::default();
    let ended = listen(&listeners, ListenTo::All, false);
    let asks = listeners.add("orders", Listen { to: ListenTo::Key(key(1)), lite: false }, 10_000).unwrap();
    let Some(Step::Subscribe { map, target, lite, .. }) = listeners.next_step() else { panic!() };
    listeners.take(
        STREAM,
        NamedCacheResponse { cache_id: 7, r#type: ResponseType::Truncated.into(), message: None },
    );
    listeners.take(
        STREAM,
        NamedCacheResponse { cache_id: 7, r#type: ResponseType::Destroyed.into(), message: None },
    );
    assert_eq!(taken(&ended.queue), ["Truncated", "Destroyed"]);
    assert!(poll_fn(|context| ended.queue.poll_next(context)).now_or_never().unwrap().is_none());
    listeners.subscribed(&map, &target, 7, lite);
    assert_eq!(play(&listeners), ["subscribe"], "the registration went with the map");
    drop(asks);
}

#[test]
fn without_a_stream_what_nobody_listens_to_is_forgotten() {
    let listeners = Listeners::default();
    let all = listen(&listeners, ListenTo::All, false);
    listeners.lost("away");
    listeners.remove(&all.id);
    assert!(!listeners.is_idle());
    listeners.prune();
    assert!(listeners.is_idle());
}
