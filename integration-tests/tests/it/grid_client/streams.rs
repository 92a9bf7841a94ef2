//! The streams of a session: how many there are, and what is left when they break.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::map::{EventKind, Expiry, ListenTo, MapError, MapNotice, NamedMap, Session};
use futures::future::join_all;
use futures::{FutureExt, StreamExt};
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::relay::Relay;
use integration_tests::sandbox::unique;
use integration_tests::wait::eventually_async;
use integration_tests::{require_peers, shared};

use super::{SOON, batch, entries, event, listen, next, options, put, session, text, told};

#[tokio::test]
async fn every_lane_has_one_stream_for_all_its_requests() {
    require_peers!();
    let relay = Relay::to(shared::grid().address()).unwrap();
    let session = GrpcSession::new(SessionOptions { streams: 3, ..options([relay.address()]) }).unwrap();
    let map = session.map(&unique("lanes")).await.unwrap();
    let mut notices = listen(&*map, ListenTo::All).await;
    let keys: Vec<_> = (0..1000).map(|i| text(&i.to_string())).collect();
    for round in 0..3 {
        let value = text(&round.to_string());
        let puts = join_all(keys.iter().map(|key| map.put(key, &value, Expiry::Default))).await;
        assert!(puts.iter().all(Result::is_ok));
        for _ in &keys {
            assert_eq!(event(&mut notices).await.new_value.as_ref(), Some(&value));
        }
    }
    assert_eq!(relay.connections(), 3);
    session.close().await;
    assert_eq!(notices.next().await, None);
}

#[tokio::test]
async fn a_broken_stream_is_replaced_and_its_listeners_are_told_one_gap() {
    require_peers!();
    let relay = Relay::to(shared::grid().address()).unwrap();
    let other_way = session([shared::grid().address()]);
    let (session, name) = (session([relay.address()]), unique("broken"));
    let map = session.map(&name).await.unwrap();
    let mut all = listen(&*map, ListenTo::All).await;
    let mut of_key = listen(&*map, ListenTo::Key(text("k"))).await;
    let mut primed = listen(&*map, ListenTo::PrimedKey(text("k"))).await;
    assert!(event(&mut primed).await.priming);
    for round in 0..3 {
        let (before, after) = (format!("before {round}"), format!("after {round}"));
        put(&*map, "k", &before).await;
        let kind = if round == 0 { EventKind::Inserted } else { EventKind::Updated };
        for notices in [&mut all, &mut of_key, &mut primed] {
            told(notices, kind, "k", &before).await;
        }
        relay.cut();
        // None of them is told before it listens again.
        for notices in [&mut all, &mut of_key, &mut primed] {
            assert!(matches!(next(notices).await, MapNotice::Gap(_)));
        }
        let present = event(&mut primed).await;
        assert_eq!((present.priming, present.new_value), (true, Some(text(&before))));
        let map = other_way.map(&name).await.unwrap();
        put(&*map, "k", &after).await;
        for notices in [&mut all, &mut of_key, &mut primed] {
            told(notices, EventKind::Updated, "k", &after).await;
        }
    }
    assert_eq!(relay.connections(), 4);
    for notices in [&mut all, &mut of_key, &mut primed] {
        assert_eq!(notices.next().now_or_never(), None, "one gap, and each event once");
    }
}

#[tokio::test]
async fn every_call_during_an_outage_ends_and_the_map_goes_on_behind_it() {
    require_peers!();
    let relay = Relay::to(shared::grid().address()).unwrap();
    let map = Arc::new(session([relay.address()]).remote_map(&unique("outage")).await.unwrap());
    let done = Arc::new(AtomicBool::new(false));
    let tasks: Vec<_> = (0..8)
        .map(|task| {
            let (map, done) = (map.clone(), done.clone());
            tokio::spawn(async move {
                let mut failed = 0;
                while !done.load(Ordering::Relaxed) {
                    let key = format!("key {task}");
                    match map.put_all(batch([(&*key, "1")]), Expiry::Default).await {
                        Ok(()) => {}
                        Err(MapError::Unavailable(_)) => failed += 1,
                        Err(other) => panic!("{other}"),
                    }
                }
                failed
            })
        })
        .collect();
    for cuts in 1..=10 {
        relay.cut();
        eventually_async(SOON, "it connects again", async || relay.connections() > cuts).await;
        eventually_async(SOON, "calls succeed again", async || map.size().await.is_ok()).await;
    }
    done.store(true, Ordering::Relaxed);
    let failed: Vec<u32> = tokio::time::timeout(SOON, join_all(tasks))
        .await
        .expect("all calls end")
        .into_iter()
        .map(Result::unwrap)
        .collect();
    // What was cut off was told to somebody, and nobody was told more often than there were cuts.
    assert!(failed.iter().sum::<u32>() > 0 && failed.iter().all(|failed| *failed <= 10), "{failed:?}");
    assert_eq!(map.size().await, Ok(8));
}

#[tokio::test]
async fn maps_and_listeners_go_on_with_a_grid_that_was_killed_and_comes_back() {
    require_peers!();
    let mut grid = Grid::start(GridOptions::default()).unwrap();
    let session = session([grid.address()]);
    let (map, other) = (session.map("m").await.unwrap(), session.map("other").await.unwrap());
    let mut all = listen(&*map, ListenTo::All).await;
    let mut primed = listen(&*other, ListenTo::PrimedKey(text("k"))).await;
    assert_eq!(event(&mut primed).await.new_value, None);
    put(&*map, "k", "1").await;
    put(&*other, "k", "1").await;
    told(&mut all, EventKind::Inserted, "k", "1").await;
    told(&mut primed, EventKind::Inserted, "k", "1").await;

    grid.kill().unwrap();
    let away = map.get(&text("k")).await;
    assert!(matches!(away, Err(MapError::Unavailable(_))), "{away:?}");
    assert!(map.listen(coherence_kafka_common::map::Listen { to: ListenTo::All, lite: true }).await.is_err());
    assert_eq!(
        (all.next().now_or_never(), primed.next().now_or_never()),
        (None, None),
        "held until it is over"
    );
    grid.restart().unwrap();

    for notices in [&mut all, &mut primed] {
        assert!(matches!(next(notices).await, MapNotice::Gap(_)));
    }
    let present = event(&mut primed).await;
    assert_eq!((present.priming, present.new_value), (true, None), "the grid has come back empty");
    assert_eq!(entries(&*map).await, [].into());
    put(&*map, "k", "2").await;
    put(&*other, "k", "2").await;
    told(&mut all, EventKind::Inserted, "k", "2").await;
    told(&mut primed, EventKind::Inserted, "k", "2").await;
    assert_eq!((all.next().now_or_never(), primed.next().now_or_never()), (None, None));
}

#[tokio::test]
async fn a_grid_that_is_frozen_ends_a_call_in_time() {
    require_peers!();
    let grid = Grid::start(GridOptions::default()).unwrap();
    // Longer than a slow machine needs for a request to a grid that has just started.
    let request_timeout = Duration::from_secs(10);
    let session = GrpcSession::new(SessionOptions { request_timeout, ..options([grid.address()]) }).unwrap();
    let map = session.map("m").await.unwrap();
    put(&*map, "k", "1").await;
    let mut notices = listen(&*map, ListenTo::All).await;
    grid.freeze();
    let late = map.put(&text("k"), &text("2"), Expiry::Default).await;
    grid.thaw();
    assert!(matches!(late, Err(MapError::Unanswered(_))), "{late:?}");
    // Whether or not it was applied, the listener was not there.
    assert!(matches!(next(&mut notices).await, MapNotice::Gap(_)));
    put(&*map, "k", "3").await;
    let mut told = event(&mut notices).await;
    // What was sent may still be applied behind the gap.
    if told.new_value == Some(text("2")) {
        told = event(&mut notices).await;
    }
    assert_eq!((told.kind, told.new_value), (EventKind::Updated, Some(text("3"))));
}
