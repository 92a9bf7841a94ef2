//! The same over maps of a grid, which expire entries by themselves and may be away.

use coherence_kafka_core::PublishExpirations;
use integration_tests::grid::{Grid, GridOptions};

use super::*;

/// A map of a session with this request timeout, or with the default.
async fn map_of(grid: &Grid, request_timeout: Option<Duration>) -> Arc<dyn NamedMap> {
    let default = SessionOptions::default();
    let request_timeout = request_timeout.unwrap_or(default.request_timeout);
    let options = SessionOptions { addresses: vec![grid.address()], request_timeout, ..default };
    GrpcSession::new(options).unwrap().map(&unique("backing")).await.unwrap()
}

async fn gone(map: &dyn NamedMap, key: &[u8]) {
    let gone = timeout(SOON, async {
        while map.contains_key(key).await.unwrap() {
            sleep(Duration::from_millis(10)).await;
        }
    });
    assert!(gone.await.is_ok(), "the entry has not expired");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_that_expires_in_a_grid_is_erased_from_the_topic_where_that_is_published() {
    require_peers!();
    let kafka = shared::kafka();
    for options in [through(), behind(Duration::from_millis(50))] {
        for publish_expirations in [PublishExpirations::Tombstone, PublishExpirations::Ignore] {
            let options = ReadWriteOptions { publish_expirations, ..options.clone() };
            let world = World::over(map_of(shared::grid(), None).await, kafka, options, &[], None).await;
            let soon = Expiry::After(Duration::from_millis(500));
            world.map.put(&text("goes"), &text("1"), soon).await.unwrap();
            world.map.put(&text("stays"), &text("1"), Expiry::Default).await.unwrap();
            world.map.put(&text("again"), &text("1"), soon).await.unwrap();
            gone(&*world.below, &text("goes")).await;
            gone(&*world.below, &text("again")).await;
            world.map.put(&text("again"), &text("2"), Expiry::Default).await.unwrap();
            let published = publish_expirations == PublishExpirations::Tombstone;
            if published {
                let is_gone = || !replayed(&world.records(kafka)).contains_key(&text("goes"));
                until("its tombstone is there", is_gone).await;
            }
            world.close().await;
            let topic = replayed(&world.records(kafka));
            assert_eq!(topic.contains_key(&text("goes")), !published);
            assert_eq!(topic.get(&text("again")), Some(&text("2")), "what was put again stays");
            assert_eq!(topic == world.contents().await, published);
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_under_write_through_of_a_grid_map_leaves_every_call_stored_or_failed() {
    require_peers!();
    a_broker_is_killed_under_write_through(map_of(shared::grid(), None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_broker_killed_under_write_behind_of_a_grid_map_loses_nothing() {
    require_peers!();
    a_broker_is_killed_under_write_behind(map_of(shared::grid(), None).await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_grid_that_answers_nothing_for_a_while_fails_calls_and_ends_equal_to_its_topic() {
    require_peers!();
    let kafka = shared::kafka();
    for options in [through(), behind(Duration::from_millis(50))] {
        let grid = Grid::start(GridOptions::default()).unwrap();
        let world =
            World::over(map_of(&grid, Some(Duration::from_secs(5))).await, kafka, options, &[], None).await;
        let load = Load::start(&world.map);
        until("some are stored", || world.store.stats().acknowledged > 500).await;
        grid.freeze();
        // The calls of the load fail one after the other; this one begins when nothing answers any more.
        let away = world.map.put(&text("away"), &text("1"), Expiry::Default).await;
        assert!(away.as_ref().is_err_and(MapError::is_retriable), "{away:?}");
        grid.thaw();
        let stored = world.store.stats().acknowledged;
        until("some are stored again", || world.store.stats().acknowledged > stored + 500).await;
        let answers = load.end().await;
        let failures: Vec<_> = answers.iter().filter_map(|(_, answer)| answer.as_ref().err()).collect();
        assert!(!failures.is_empty());
        assert!(failures.iter().all(|error| error.is_retriable()), "{failures:?}");
        // A change that failed may be in one of the two: the next one of its key makes them equal.
        put_every_key(&world.map).await;
        world.map.remove(&text("away")).await.unwrap();
        world.close().await;
        assert_eq!(replayed(&world.records(kafka)), world.contents().await);
    }
}
