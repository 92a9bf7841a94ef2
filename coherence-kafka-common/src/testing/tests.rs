use std::sync::Arc;

use futures::channel::oneshot;
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _, poll};
use parking_lot::Mutex;

use super::*;
use crate::local::{LocalMap, LocalSession};
use crate::map::{
    Entries, Expiry, Format, Listen, ListenTo, MapError, MapNotice, NamedMap, OfMap, SendGate, Session,
};

/// Only what a script waits for is waited for.
fn block_on(test: impl Future<Output = ()>) {
    test.now_or_never().unwrap();
}

fn away() -> MapError {
    MapError::Unavailable("away".to_owned())
}

fn entries(keys: &[&str]) -> Arc<Entries> {
    Arc::new(Entries::from_pairs(keys.iter().map(|key| (key, "v"))))
}

/// The keys that a map really holds.
async fn held(map: &LocalMap) -> Vec<String> {
    let mut keys: Vec<_> =
        map.keys().map_ok(|key| String::from_utf8(key.to_vec()).unwrap()).try_collect().await.unwrap();
    keys.sort();
    keys
}

#[test]
fn what_a_script_applies_is_in_the_map_and_answered_by_it() {
    block_on(async {
        let local = Arc::new(LocalMap::new("m"));
        let map = FaultyMap::new(local.clone(), |request| async move { request.apply().await });
        assert_eq!(map.put(b"a", b"1", Expiry::Default).await, Ok(None));
        assert_eq!(map.put(b"a", b"2", Expiry::Default).await.unwrap().unwrap(), "1");
        map.put_all(entries(&["b", "c"]), Expiry::Never).await.unwrap();
        map.remove_all(entries(&["c"])).await.unwrap();
        assert_eq!(held(&local).await, ["a", "b"]);
        assert_eq!((map.name(), map.size().await), ("m", Ok(2)));
        assert_eq!(map.get(b"a").await.unwrap().unwrap(), "2");
        assert_eq!(map.entries().try_collect::<Vec<_>>().await.unwrap().len(), 2);
        let mut notices = map.listen(Listen { to: ListenTo::All, lite: false }).await.unwrap();
        assert_eq!(map.remove(b"a").await.unwrap().unwrap(), "2");
        assert!(matches!(notices.next().await, Some(MapNotice::Event(event)) if event.key == "a"));
        let made: Vec<_> = map.requests().iter().map(|request| request.operation).collect();
        let put = Operation::Put(Expiry::Default);
        let (put_all, remove_all) = (Operation::PutAll(Expiry::Never), Operation::RemoveAll);
        let reads = [Operation::Size, Operation::Get, Operation::Entries, Operation::Listen];
        assert_eq!(made, [&[put, put, put_all, remove_all], &reads[..], &[Operation::Remove]].concat());
        assert_eq!(made.iter().filter(|operation| operation.is_write()).count(), 5);
        assert_eq!(made.iter().filter(|operation| operation.is_batch()).count(), 2);
    });
}

#[test]
fn what_a_script_refuses_is_neither_applied_nor_read() {
    block_on(async {
        let local = Arc::new(LocalMap::new("m"));
        let map = FaultyMap::new(local.clone(), |_| async { Err(away()) });
        assert_eq!(map.put(b"a", b"1", Expiry::Default).await, Err(away()));
        assert_eq!(map.put_all(entries(&["a"]), Expiry::Default).await, Err(away()));
        assert!(held(&local).await.is_empty());
        local.put(b"a", b"1", Expiry::Default).await.unwrap();
        assert_eq!(map.remove(b"a").await, Err(away()));
        assert_eq!(map.remove_all(entries(&["a"])).await, Err(away()));
        assert_eq!(held(&local).await, ["a"]);
        assert_eq!((map.get(b"a").await, map.size().await), (Err(away()), Err(away())));
        assert_eq!(map.entries().collect::<Vec<_>>().await, [Err(away())]);
        assert_eq!(map.listen(Listen { to: ListenTo::All, lite: true }).await.err(), Some(away()));
    });
}

#[test]
fn an_answer_is_lost_behind_a_batch_that_was_applied_in_part() {
    block_on(async {
        let local = Arc::new(LocalMap::new("m"));
        let map = FaultyMap::new(local.clone(), |request: Request| async move {
            for single in request.split().take(request.entries.len() / 2) {
                single.apply().await?;
            }
            Err(away())
        });
        assert_eq!(map.put_all(entries(&["a", "b", "c", "d"]), Expiry::Default).await, Err(away()));
        assert_eq!(held(&local).await, ["a", "b"]);
        assert_eq!(map.remove_all(entries(&["b", "a"])).await, Err(away()));
        assert_eq!(held(&local).await, ["a"]);
    });
}

#[test]
fn a_request_hangs_until_the_test_releases_it() {
    block_on(async {
        let local = Arc::new(LocalSession::new(Format::Json));
        let (release, released) = oneshot::channel::<()>();
        let released = released.shared();
        let session = FaultySession::new(local.clone(), move |request: Request| {
            let released = released.clone();
            async move {
                let _ = released.await;
                request.apply().await
            }
        });
        let mut opening = session.map("m");
        assert!(poll!(&mut opening).is_pending());
        assert_eq!(session.requests()[0].operation, Operation::Open);
        release.send(()).unwrap();
        let map = opening.await.unwrap();
        map.put(b"a", b"1", Expiry::Default).await.unwrap();
        assert_eq!(held(&local.local_map("m").unwrap()).await, ["a"]);
        assert_eq!((session.format(), session.max_entry_bytes()), (Format::Json, local.max_entry_bytes()));
        assert!(session.check_map_name("").is_err());
    });
}

#[test]
fn a_late_write_is_in_doubt_for_its_keys_until_it_is_applied() {
    block_on(async {
        let local = Arc::new(LocalSession::new(Format::Pof));
        let late = LateWrites::default();
        let writes = late.clone();
        let session = FaultySession::new(local.clone(), move |request: Request| {
            let late = writes.clone();
            async move {
                if request.operation.is_write() {
                    late.lock().extend(request.split());
                    return Err(away());
                }
                if request.operation == Operation::Resolve && late.concern(request.map(), &request.entries) {
                    return Err(away());
                }
                request.apply().await
            }
        })
        .with_late_writes(late.clone());
        let map = session.map("m").await.unwrap();
        assert!(!session.has_writes_in_doubt());
        assert_eq!(map.put_all(entries(&["a", "b"]), Expiry::Default).await, Err(away()));
        assert!(session.has_writes_in_doubt());
        let (same, other) = (entries(&["x", "b"]), entries(&["c"]));
        let of = |map, entries| [OfMap { map, entries }];
        assert!(session.in_doubt(&of("m", &same)).is_some());
        assert!(session.in_doubt(&of("m", &other)).is_none(), "another key");
        assert!(session.in_doubt(&of("n", &same)).is_none(), "another map");
        assert!(!session.until_resolved(&of("m", &same)).await, "the script gave up");
        let writes = std::mem::take(&mut *session.late_writes().lock());
        assert_eq!(writes.len(), 2);
        writes[1].apply().await.unwrap();
        assert!(session.until_resolved(&of("m", &same)).await);
        assert_eq!(held(&local.local_map("m").unwrap()).await, ["b"]);
    });
}

/// Lets requests pass once.
#[derive(Debug, Default)]
struct Once(Mutex<bool>);

impl SendGate for Once {
    fn check(&self) -> Result<(), String> {
        let passed = std::mem::replace(&mut *self.0.lock(), true);
        if passed { Err("no member".to_owned()) } else { Ok(()) }
    }
}

#[test]
fn a_script_asks_the_gate_with_which_a_map_was_opened() {
    block_on(async {
        let local = Arc::new(LocalSession::new(Format::Pof));
        let session = FaultySession::new(local, |request: Request| async move {
            if request.operation.is_write() {
                request.check_gate()?;
            }
            request.apply().await
        });
        let gate: Arc<dyn SendGate> = Arc::new(Once::default());
        let gated = session.gated_map("m", &gate).await.unwrap();
        assert_eq!(gated.put(b"a", b"1", Expiry::Default).await, Ok(None));
        let refused = MapError::Unavailable("not sent: no member".to_owned());
        assert_eq!(gated.remove(b"a").await, Err(refused));
        let map = session.map("m").await.unwrap();
        assert!(map.remove(b"a").await.unwrap().is_some(), "it has no gate");
    });
}
