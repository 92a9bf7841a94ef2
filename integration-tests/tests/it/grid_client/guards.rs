//! What a real grid does not survive or forgive, and what it answers in several ways.

use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, EventKind, Expiry, ListenTo, MapError, Session};
use futures::future::join_all;
use futures::{StreamExt, TryStreamExt};
use integration_tests::grid::{Grid, GridOptions, Serializer, Stays};
use integration_tests::relay::Relay;
use integration_tests::sandbox::unique;
use integration_tests::{require_peers, shared};

use super::{batch, entries, event, listen, put, session, text, told};
use crate::support::grid_that_writes_behind;

#[tokio::test]
async fn a_batch_with_an_expiry_keeps_its_values() {
    require_peers!();
    let (tool, name) = (shared::grid().tool(), unique("expiry"));
    let map = session([shared::grid().address()]).map(&name).await.unwrap();
    let pairs = [("a", "1"), ("b", "2"), ("c", "3")];
    let expected = pairs.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    let minute = Duration::from_secs(60);
    for expiry in [Expiry::After(minute), Expiry::Never, Expiry::After(minute), Expiry::Default] {
        map.put_all(batch(pairs), expiry).await.unwrap();
        assert_eq!(tool.entries(&name).unwrap(), expected, "{expiry:?}");
        for (key, _) in pairs {
            let stays = tool.stays(&name, key).unwrap().unwrap();
            match (expiry, stays) {
                (Expiry::After(_), Stays::For(left)) => {
                    assert!(left > minute / 2 && left <= minute, "{left:?}")
                }
                (Expiry::Never | Expiry::Default, Stays::ForEver) => {}
                other => panic!("{key} {other:?}"),
            }
        }
    }
}

#[tokio::test]
async fn writes_of_one_key_arrive_in_their_order_though_none_is_awaited() {
    require_peers!();
    const WRITES: usize = 10_000;
    let map = session([shared::grid().address()]).map(&unique("order")).await.unwrap();
    let mut notices = listen(&*map, ListenTo::All).await;
    let (key, values) = (text("k"), (0..WRITES).map(|i| text(&i.to_string())).collect::<Vec<_>>());
    // Each begins with its first poll; from then on all of them are there at once.
    let writes = join_all(values.iter().map(|value| map.put(&key, value, Expiry::Default)));
    let replaced: Vec<_> = writes.await.into_iter().map(Result::unwrap).collect();
    let before = [None].into_iter().chain(values.iter().cloned().map(Some));
    assert!(replaced.into_iter().eq(before.take(WRITES)), "each write replaces the one before it");
    for value in &values {
        assert_eq!(event(&mut notices).await.new_value.as_ref(), Some(value));
    }
    assert_eq!(map.get(&key).await, Ok(values.last().cloned()));
}

/// A text in POF that is this long as a binary.
fn sized(len: usize) -> Bytes {
    assert!((1 << 20..1 << 27).contains(&len), "four bytes of length");
    let chars = len - 6;
    let head = [0x15, 0x4E, 0x80 | chars as u8 & 0x3F, 0x80 | (chars >> 6) as u8, 0x80 | (chars >> 13) as u8];
    [&head[..], &[(chars >> 20) as u8], &vec![b'x'; chars]].concat().into()
}

#[tokio::test]
async fn an_entry_too_large_for_the_grid_is_named_before_anything_of_its_batch_is_sent_and_the_stream_lives()
{
    require_peers!();
    let relay = Relay::to(shared::grid().address()).unwrap();
    let (session, name) = (session([relay.address()]), unique("large"));
    let map = session.map(&name).await.unwrap();
    let mut notices = listen(&*map, ListenTo::All).await;
    let key = text("large");
    let largest = sized(session.max_entry_bytes() - key.len());
    let too_large = sized(largest.len() + 1);

    // The second event carries the value twice: more than the grid itself would take.
    for previous in [None, Some(largest.clone())] {
        assert!(map.put(&key, &largest, Expiry::Default).await.unwrap() == previous);
        let event = event(&mut notices).await;
        assert!(event.old_value == previous && event.new_value.as_ref() == Some(&largest));
    }
    let java = shared::grid().tool().get(&name, "large").unwrap().unwrap().text;
    assert!(java.as_bytes() == &largest[6..], "as Java reads it");

    let refused = map.put(&key, &too_large, Expiry::Default).await;
    assert!(matches!(refused, Err(MapError::NotSent { index: 0, .. })));
    let (small, fits) = (text("small"), text("fits"));
    let all = Entries::from_pairs([(&small, &fits), (&key, &too_large)]);
    let refused = map.put_all(all.into(), Expiry::Default).await;
    assert!(matches!(refused, Err(MapError::NotSent { index: 1, .. })));
    assert_eq!(map.get(&small).await, Ok(None), "nothing of the batch was sent");

    // More than one request can hold, in entries that fit.
    let half = sized(largest.len() / 2);
    let keys: Vec<_> = (0..5).map(|i| text(&format!("half {i}"))).collect();
    let halves = Entries::from_pairs(keys.iter().map(|key| (key, &half)));
    map.put_all(halves.into(), Expiry::Default).await.unwrap();
    for _ in 0..5 {
        assert_eq!(event(&mut notices).await.kind, EventKind::Inserted);
    }
    let found = map.get_all(Entries::from_keys(&keys).into()).await.unwrap();
    assert!(found.len() == 5 && found.iter().all(|(_, value)| *value == half));
    put(&*map, "small", "1").await;
    told(&mut notices, EventKind::Inserted, "small", "1").await;
    assert_eq!((map.size().await, relay.connections()), (Ok(7), 1));
    map.truncate().await.unwrap();
}

#[tokio::test]
async fn what_waits_in_write_behind_is_told_without_its_decorations() {
    require_peers!();
    let (grid, _folder) = grid_that_writes_behind();
    let map = session([grid.address()]).map("behind").await.unwrap();
    let (key, one, two) = (text("k"), text("1"), text("2"));
    let mut notices = listen(&*map, ListenTo::All).await;
    assert_eq!(map.put(&key, &one, Expiry::Default).await, Ok(None));
    let stored = grid.tool().stored("behind", "k").unwrap().unwrap();
    assert_eq!((stored[0], &stored[3..3 + one.len()]), (0x12, &one[..]), "the grid decorates it");

    assert_eq!(map.get(&key).await, Ok(Some(one.clone())));
    assert_eq!(map.get_all(batch([("k", "")])).await, Ok(vec![(key.clone(), one.clone())]));
    assert_eq!(map.entries().try_collect::<Vec<_>>().await, Ok(vec![(key.clone(), one.clone())]));
    assert_eq!(map.put_if_absent(&key, &two).await, Ok(Some(one.clone())));
    assert_eq!(map.put(&key, &two, Expiry::Default).await, Ok(Some(one.clone())));
    told(&mut notices, EventKind::Inserted, "k", "1").await;
    let updated = event(&mut notices).await;
    assert_eq!((updated.old_value, updated.new_value), (Some(one), Some(two.clone())));
    let primed = event(&mut listen(&*map, ListenTo::PrimedKey(key.clone())).await).await;
    assert_eq!(primed.new_value, Some(two.clone()));
    assert_eq!(map.remove(&key).await, Ok(Some(two)));
}

#[tokio::test]
async fn a_key_with_its_decoration_is_the_same_entry_and_comes_back_without() {
    require_peers!();
    let (tool, name) = (shared::grid().tool(), unique("decorated"));
    let map = session([shared::grid().address()]).map(&name).await.unwrap();
    let plain = Bytes::from_static(b"\x15\x41\x05");
    let decorated = Bytes::from_static(b"\x0d\xc2\xc9\xa1\xca\x0f\x15\x41\x05");
    let mut of_key = listen(&*map, ListenTo::Key(decorated.clone())).await;
    let mut all = listen(&*map, ListenTo::All).await;
    assert_eq!(map.put(&decorated, &text("1"), Expiry::Default).await, Ok(None));
    assert_eq!(map.put(&plain, &text("2"), Expiry::Default).await, Ok(Some(text("1"))));
    assert_eq!(map.get(&decorated).await, Ok(Some(text("2"))));
    assert_eq!(map.size().await, Ok(1));
    assert_eq!(tool.get(&name, 5).unwrap().unwrap().text, "2", "Java finds it");
    assert_eq!(map.keys().try_collect::<Vec<_>>().await, Ok(vec![plain.clone()]));
    let found = map.get_all(Entries::from_keys([&decorated]).into()).await;
    assert_eq!(found, Ok(vec![(plain.clone(), text("2"))]));
    for notices in [&mut of_key, &mut all] {
        for value in ["1", "2"] {
            let event = event(notices).await;
            assert_eq!((&event.key, event.new_value), (&plain, Some(text(value))));
        }
    }
    map.remove_all(Entries::from_keys([&decorated]).into()).await.unwrap();
    assert_eq!(tool.get(&name, 5).unwrap(), None);
}

#[tokio::test]
async fn a_key_with_a_wrong_decoration_is_no_second_entry_and_one_decorated_twice_is_not_sent() {
    require_peers!();
    let (tool, name) = (shared::grid().tool(), unique("decorated"));
    let map = session([shared::grid().address()]).map(&name).await.unwrap();
    let plain = Bytes::from_static(b"\x15\x41\x05");
    tool.put(&name, 5, "of Java").unwrap();
    // As a grid reads it: another hash, and so another partition.
    let wrong = Bytes::from_static(b"\x0d\x07\x15\x41\x05");
    assert_eq!(map.get(&wrong).await, Ok(Some(text("of Java"))));
    assert_eq!(map.put(&wrong, &text("1"), Expiry::Default).await, Ok(Some(text("of Java"))));
    let all = Entries::from_pairs([(&wrong, &text("2"))]);
    map.put_all(all.into(), Expiry::Default).await.unwrap();
    map.put_all(Entries::from_pairs([(&wrong, &text("3"))]).into(), Expiry::After(Duration::from_secs(60)))
        .await
        .unwrap();
    assert_eq!(tool.get(&name, 5).unwrap().unwrap().text, "3");
    assert_eq!(map.size().await, Ok(1), "no second entry");

    let twice = Bytes::from_static(b"\x0d\x07\x0d\x07\x15\x41\x05");
    let cut = Bytes::from_static(b"\x0d\xff");
    for refused in [twice, cut] {
        let put = map.put(&refused, &text("4"), Expiry::Default).await;
        assert!(matches!(put, Err(MapError::NotSent { index: 0, .. })), "{put:?}");
        let all = Entries::from_pairs([(&text("k"), &text("4")), (&refused, &text("4"))]);
        let put = map.put_all(all.into(), Expiry::Default).await;
        assert!(matches!(put, Err(MapError::NotSent { index: 1, .. })), "{put:?}");
        assert!(matches!(map.get(&refused).await, Err(MapError::NotSent { index: 0, .. })));
    }
    assert_eq!(
        tool.entries(&name).unwrap(),
        [("5".to_owned(), "3".to_owned())].into(),
        "Java reads all keys"
    );
    assert_eq!(map.remove(&wrong).await, Ok(Some(text("3"))));
    assert_eq!((tool.size(&name).unwrap(), map.get(&plain).await), (0, Ok(None)));
}

#[tokio::test]
async fn null_and_nothing_are_told_apart_only_by_reads() {
    require_peers!();
    let map = session([shared::grid().address()]).map(&unique("null")).await.unwrap();
    let (key, null) = (text("k"), Bytes::from_static(b"\x15\x64"));
    let mut notices = listen(&*map, ListenTo::All).await;
    assert_eq!(map.replace(&key, &text("1")).await, Ok(None), "the grid answers with a null");
    assert_eq!(map.put(&key, &null, Expiry::Default).await, Ok(None), "the grid answers with no bytes");
    assert_eq!(map.put(&key, &text("1"), Expiry::Default).await, Ok(None), "a null was there");
    assert_eq!(map.put(&key, &null, Expiry::Default).await, Ok(Some(text("1"))));
    assert_eq!((map.get(&key).await, map.get(&text("absent")).await), (Ok(Some(null.clone())), Ok(None)));
    assert_eq!(map.get_all(batch([("k", ""), ("absent", "")])).await, Ok(vec![(key.clone(), null)]));
    assert_eq!(map.remove(&key).await, Ok(None));
    for values in [[None, None], [None, Some(text("1"))], [Some(text("1")), None], [None, None]] {
        let event = event(&mut notices).await;
        assert_eq!([event.old_value, event.new_value], values);
    }
}

#[tokio::test]
async fn a_grid_of_java_serialization_answers_with_its_own_null() {
    require_peers!();
    let options = GridOptions { serializer: Serializer::Java, ..GridOptions::default() };
    let grid = Grid::start(options).unwrap();
    let map = session([grid.address()]).map("java").await.unwrap();
    let (key, one, two) = (text("k"), text("1"), text("2"));
    let mut notices = listen(&*map, ListenTo::All).await;
    assert_eq!(map.put(&key, &one, Expiry::Default).await, Ok(None));
    assert_eq!(map.put(&key, &two, Expiry::Default).await, Ok(Some(one.clone())));
    assert_eq!(map.replace(&text("absent"), &two).await, Ok(None));
    assert_eq!(map.get(&text("absent")).await, Ok(None));
    assert_eq!(grid.tool().get("java", "k").unwrap().unwrap().text, "2");
    assert_eq!(map.remove(&key).await, Ok(Some(two.clone())));
    assert_eq!(map.remove(&key).await, Ok(None));
    for values in [[None, Some(one.clone())], [Some(one), Some(two.clone())], [Some(two), None]] {
        let event = event(&mut notices).await;
        assert_eq!((event.key, [event.old_value, event.new_value]), (key.clone(), values));
    }
}

#[tokio::test]
async fn an_error_of_the_grid_is_of_its_request_alone() {
    require_peers!();
    let map = session([shared::grid().address()]).map(&unique("refused")).await.unwrap();
    let mut notices = listen(&*map, ListenTo::All).await;
    // No serialized object: the grid reads keys.
    let unreadable = Bytes::from_static(b"\x15\xff\xff");
    let good = text("1");
    let all = Entries::from_pairs([(&text("k"), &good), (&unreadable, &good)]);
    let (refused, put) = futures::join!(
        map.put_all(all.into(), Expiry::Default),
        map.put_all(batch([("other", "1")]), Expiry::Default)
    );
    assert!(matches!(&refused, Err(MapError::Refused(_))), "{refused:?}");
    assert_eq!(put, Ok(()));
    assert!(matches!(map.get(&unreadable).await, Err(MapError::Refused(_))));
    assert_eq!(entries(&*map).await, [("other".to_owned(), "1".to_owned())].into());
    told(&mut notices, EventKind::Inserted, "other", "1").await;
}

#[tokio::test]
async fn an_idle_session_stays_up_by_heartbeats() {
    require_peers!();
    // A grid closes a connection behind the third ping of HTTP/2 that comes within five minutes.
    let heartbeat = Duration::from_millis(500);
    let relay = Relay::to(shared::grid().address()).unwrap();
    let options =
        coherence_client::SessionOptions { heartbeat: Some(heartbeat), ..super::options([relay.address()]) };
    let session = coherence_client::GrpcSession::new(options).unwrap();
    let map = session.map(&unique("idle")).await.unwrap();
    let mut notices = listen(&*map, ListenTo::All).await;
    let sent = relay.bytes_sent();
    let notice = tokio::time::timeout(heartbeat * 12, notices.next()).await;
    assert!(notice.is_err(), "nothing is told: {notice:?}");
    assert!(relay.bytes_sent() > sent, "heartbeats were sent");
    put(&*map, "k", "1").await;
    told(&mut notices, EventKind::Inserted, "k", "1").await;
    assert_eq!(relay.connections(), 1);
}
