//! What becomes of a topic whose map is gone: destroyed, or lost with the members that stored it.

use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::map::Session as _;
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::{Form, Published, SOON, under_load};

/// As another application would.
fn destroy(grid: &Grid, map: &str) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let options = SessionOptions { addresses: vec![grid.address()], ..SessionOptions::default() };
        let session = GrpcSession::new(options).unwrap();
        session.map(map).await.unwrap().destroy().await.unwrap();
        session.close().await;
    });
}

#[test]
fn a_destroyed_map_leaves_tombstones_and_what_it_gets_then_is_published() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    for form in [Form::PassThrough, Form::Strings] {
        let published = Published::new(kafka, grid, "destroyed", form);
        grid.tool().churn(&published.name, 1, 2_000, 500).unwrap();
        let source = published.start();
        published.follows(&source);
        published.equal(kafka, grid, &source);
        assert!(!published.rebuilt(&kafka.records(&published.name).unwrap()).is_empty());
        destroy(grid, &published.name);
        let rebuilt = || published.rebuilt(&kafka.records(&published.name).unwrap());
        eventually(SOON, "every key has its tombstone", || rebuilt().is_empty());
        grid.tool().churn(&published.name, 2, 2_000, 500).unwrap();
        published.equal(kafka, grid, &source);
        assert!(source.count("gaps", &published.name).unwrap() > 0);
        assert_eq!(source.stop().unwrap().code(), Some(143));
    }
}

#[test]
fn a_map_truncated_under_load_equals_its_topic_again() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "emptied", Form::PassThrough);
    let source = published.start();
    published.follows(&source);
    let (_, operations) = under_load(grid, &published.name, 500, || {
        for time in 0..3 {
            super::more_is_published(kafka, &published.name);
            grid.tool().truncate(&published.name).unwrap();
            eventually(SOON, "the truncation is noticed", || {
                source.count("gaps", &published.name).unwrap_or_default() > time
            });
        }
    });
    published.equal(kafka, grid, &source);
    assert!(operations > 0);
}

#[test]
fn entries_lost_with_all_storage_members_leave_the_topic_once_the_grid_serves_an_empty_map() {
    require_peers!();
    let kafka = shared::kafka();
    let mut storage = Grid::start(GridOptions::default()).unwrap();
    // Its proxy stays, and tells nobody that the entries are gone.
    let proxy = storage.proxy_member().unwrap();
    let mut published = Published::new(kafka, &proxy, "lost", Form::PassThrough);
    published.set("coherence.source.comparison.interval.ms", "1000");
    proxy.tool().churn(&published.name, 1, 2_000, 500).unwrap();
    let source = published.start();
    published.follows(&source);
    published.equal(kafka, &proxy, &source);
    let before = published.rebuilt(&kafka.records(&published.name).unwrap());
    assert!(!before.is_empty());

    storage.kill().unwrap();
    eventually(SOON, "the next comparison finds no storage", || {
        source.state(&published.name).as_deref() == Some("grid-away")
    });
    let held = published.rebuilt(&kafka.records(&published.name).unwrap());
    assert_eq!(held, before, "a grid that answers nothing is no empty map");

    storage.restart().unwrap();
    let rebuilt = || published.rebuilt(&kafka.records(&published.name).unwrap());
    eventually(SOON, "every key has its tombstone", || rebuilt().is_empty());
    proxy.tool().churn(&published.name, 2, 2_000, 500).unwrap();
    published.equal(kafka, &proxy, &source);
}
