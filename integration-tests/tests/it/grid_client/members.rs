//! A cluster of two members, one of which is killed while several tasks write, read, remove and listen.

use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use coherence_client::RemoteMap;
use coherence_kafka_common::map::{Entries, Expiry, ListenTo, MapError, MapNotice, MapNotices, NamedMap};
use futures::future::BoxFuture;
use futures::{FutureExt, StreamExt, TryStreamExt};
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::require_peers;
use integration_tests::sandbox::unique;
use integration_tests::wait::{eventually, eventually_async};
use parking_lot::Mutex;

use super::{SOON, listen, read, session, text};

const WRITERS: usize = 4;
const KEYS_OF_A_WRITER: usize = 500;
/// Rounds of every writer before the kill, and again behind it.
const ROUNDS: usize = 3;

const HOUR: Duration = Duration::from_secs(3600);

type Model = BTreeMap<String, String>;

/// Repeats a call for as long as the grid is away, as the caller of a map has to.
async fn insist<'a, T>(mut call: impl FnMut() -> BoxFuture<'a, Result<T, MapError>>) -> T {
    loop {
        match call().await {
            Ok(done) => return done,
            Err(error) => assert!(error.is_retriable(), "{error}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn texts(pairs: Vec<(Bytes, Bytes)>) -> Model {
    pairs.into_iter().map(|(key, value)| (read(&key), read(&value))).collect()
}

/// `ConditionalRemove(AlwaysFilter)`: an agent that may run twice.
const REMOVE: &[u8] = b"\x15\x9e\x01\x00\x00\x3d\x00\x40\x01\x4a\x00\x40";

/// One round: puts all keys, reads them, removes every third, reads again; then every call for one key.
async fn round(map: &RemoteMap, keys: Range<usize>, round: usize) -> Model {
    let pair = |key: usize| (format!("key {key}"), format!("round {round} of {key}"));
    let mut model: Model = keys.clone().map(pair).collect();
    let all = Arc::new(Entries::from_pairs(model.iter().map(|(key, value)| (text(key), text(value)))));
    let first = keys.start;
    let removed = keys.step_by(3).map(|key| pair(key).0);
    let gone = Arc::new(Entries::from_keys(removed.clone().map(|key| text(&key))));
    let found = || insist(|| map.get_all(all.clone())).map(texts);
    insist(|| map.put_all(all.clone(), Expiry::Default)).await;
    assert_eq!(found().await, model);
    insist(|| map.remove_all(gone.clone())).await;
    removed.for_each(|key| drop(model.remove(&key)));
    assert_eq!(found().await, model);

    // Of these keys the first, the fourth and the seventh are absent by now. A call that is repeated may meet what it has
    // done itself, so only what is there in the end is compared.
    let [absent, put, replaced, again, expiring, invoked] =
        [0, 1, 2, 3, 4, 5].map(|offset| pair(first + offset).0);
    let write = |of: &str| text(&format!("{of} in round {round}"));
    let (key, value) = (text(&absent), write("put if absent"));
    insist(|| map.put_if_absent(&key, &value)).await;
    let (key, value) = (text(&put), write("put"));
    insist(|| map.put(&key, &value, Expiry::Default)).await;
    let (key, value) = (text(&replaced), write("replace"));
    insist(|| map.replace(&key, &value)).await;
    let (key, value) = (text(&again), write("replace"));
    assert_eq!(insist(|| map.replace(&key, &value)).await, None, "it is absent");
    let (key, value) = (text(&expiring), write("expiring"));
    insist(|| map.put(&key, &value, Expiry::After(HOUR))).await;
    let batch = Arc::new(Entries::from_pairs([(&key, &value)]));
    insist(|| map.put_all(batch.clone(), Expiry::After(HOUR))).await;
    let key = text(&invoked);
    insist(|| map.invoke(&key, Bytes::from_static(REMOVE)).boxed()).await;
    for (key, of) in [(absent, "put if absent"), (put, "put"), (replaced, "replace"), (expiring, "expiring")]
    {
        model.insert(key, read(&write(of)));
    }
    model.remove(&invoked);
    assert_eq!(found().await, model);
    model
}

/// What a listener makes of a map: it follows the events, and reads all of it again behind a gap.
#[derive(Debug, Default)]
struct Mirror {
    entries: Model,
    gaps: usize,
}

async fn follow(mirror: Arc<Mutex<Mirror>>, map: Arc<dyn NamedMap>, mut notices: MapNotices) {
    while let Some(notice) = notices.next().await {
        match notice {
            MapNotice::Event(event) => {
                let entries = &mut mirror.lock().entries;
                match event.new_value {
                    Some(value) => entries.insert(read(&event.key), read(&value)),
                    None => entries.remove(&read(&event.key)),
                };
            }
            MapNotice::Gap(_) => {
                let pairs = insist(|| map.entries().try_collect::<Vec<_>>().boxed()).await;
                let mut mirror = mirror.lock();
                mirror.entries = texts(pairs);
                mirror.gaps += 1;
            }
            other => panic!("nobody has done this: {other:?}"),
        }
    }
}

/// Kills one of two members under load: the first, whose proxy the session uses, or the second. Nothing is lost.
/// Returns the gaps that the listener was told.
async fn kill_under_load(first: bool) -> usize {
    let one = Grid::start(GridOptions::default()).unwrap();
    let other = one.second_member().unwrap();
    let mut members = [one, other];
    let session = session(members.iter().map(Grid::address));
    let name = unique("killed");
    let map = session.remote_map(&name).await.unwrap();
    eventually(SOON, "every partition has its backup", || members.iter().all(Grid::is_safe));

    let mirror = Arc::new(Mutex::new(Mirror::default()));
    let following =
        tokio::spawn(follow(mirror.clone(), Arc::new(map.clone()), listen(&map, ListenTo::All).await));
    let done = Arc::new(AtomicBool::new(false));
    let rounds: Arc<[AtomicUsize; WRITERS]> = Arc::default();
    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let (map, done, rounds) = (map.clone(), done.clone(), rounds.clone());
            tokio::spawn(async move {
                let keys = writer * KEYS_OF_A_WRITER..(writer + 1) * KEYS_OF_A_WRITER;
                loop {
                    let over = done.load(Ordering::Relaxed);
                    let model = round(&map, keys.clone(), rounds[writer].load(Ordering::Relaxed)).await;
                    rounds[writer].fetch_add(1, Ordering::Relaxed);
                    if over {
                        return model;
                    }
                }
            })
        })
        .collect();
    let rounds_now = || rounds.each_ref().map(|rounds| rounds.load(Ordering::Relaxed));
    let alive = || !writers.iter().any(tokio::task::JoinHandle::is_finished);
    eventually_async(SOON, "all write", async || {
        rounds_now().iter().all(|rounds| *rounds >= ROUNDS) || !alive()
    })
    .await;

    let killed = if first { 0 } else { 1 };
    members[killed].kill().unwrap();
    let before = rounds_now();
    let on = |(now, before): (&usize, &usize)| *now >= before + ROUNDS;
    eventually_async(SOON, "all go on", async || rounds_now().iter().zip(&before).all(on) || !alive()).await;
    done.store(true, Ordering::Relaxed);
    let mut model = Model::new();
    for writer in writers {
        model.extend(writer.await.unwrap());
    }

    assert_eq!(members[1 - killed].tool().entries(&name).unwrap(), model, "as Java sees it");
    let equal = async || mirror.lock().entries == model || following.is_finished();
    eventually_async(SOON, "the listener knows all", equal).await;
    assert!(!following.is_finished());
    let mirror = mirror.lock();
    assert_eq!(mirror.entries, model);
    mirror.gaps
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_killed_under_load_with_its_proxy_takes_nothing_with_it() {
    require_peers!();
    assert_eq!(kill_under_load(true).await, 1, "gaps");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_that_is_killed_under_load_behind_the_proxy_takes_nothing_with_it() {
    require_peers!();
    assert_eq!(kill_under_load(false).await, 0, "gaps");
}
