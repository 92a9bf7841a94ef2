//! What the cache does by itself: entries expire, are evicted, and are loaded by reads.

use std::time::Duration;

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::sandbox::Folder;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::{Form, Published, SOON};

/// A grid whose maps, all but `store`, hold at most ten entries; a store behind them has the others.
fn grid_that_evicts() -> (Grid, Folder) {
    let folder = Folder::new("evicts").unwrap();
    let config = folder.path().join("cache-config.xml");
    std::fs::write(&config, include_str!("../support/evicts.xml")).unwrap();
    let properties = vec![format!("coherence.cacheconfig={}", config.display())];
    (Grid::start(GridOptions { properties, ..GridOptions::default() }).unwrap(), folder)
}

#[test]
fn an_expired_entry_is_a_tombstone_or_stays_as_configured() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    for (expirations, stays) in [("tombstone", false), ("ignore", true)] {
        let mut published = Published::new(kafka, grid, "expires", Form::Strings);
        published.set("publish.expirations", expirations);
        let source = published.start();
        published.follows(&source);
        grid.tool().put_for(&published.name, "k", "a", Duration::from_millis(500)).unwrap();
        eventually(SOON, "the entry expires", || grid.tool().size(&published.name).unwrap() == 0);
        grid.tool().put(&published.name, "behind", "b").unwrap();
        let rebuilt = || published.rebuilt(&kafka.records(&published.name).unwrap());
        eventually(SOON, "what came behind it is there", || rebuilt().contains_key("behind"));
        eventually(SOON, "the expired entry is as configured", || rebuilt().contains_key("k") == stays);
    }
}

#[test]
fn expired_entries_that_are_not_published_stay_in_the_topic_through_restarts() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let mut published = Published::new(kafka, grid, "expired-before", Form::Strings);
    published.set("publish.expirations", "ignore");
    let rebuilt = || published.rebuilt(&kafka.records(&published.name).unwrap());
    let source = published.start();
    published.follows(&source);
    grid.tool().put(&published.name, "stays", "a").unwrap();
    grid.tool().put(&published.name, "removed", "a").unwrap();
    grid.tool().put_for(&published.name, "expires", "a", Duration::from_millis(500)).unwrap();
    eventually(SOON, "the entry expires", || grid.tool().size(&published.name).unwrap() == 2);
    eventually(SOON, "all three are published", || rebuilt().len() == 3);
    source.stop().unwrap();

    let source = published.start();
    published.follows(&source);
    assert_eq!(source.count("kept", &published.name).unwrap(), 1);
    assert!(source.log().contains("kept in the topic"), "{}", source.log());
    grid.tool().remove(&published.name, "removed").unwrap();
    eventually(SOON, "a removal is published", || !rebuilt().contains_key("removed"));
    assert_eq!(rebuilt().into_keys().collect::<Vec<_>>(), ["expires", "stays"]);
}

#[test]
fn evicted_entries_and_loads_are_published_or_not_as_configured() {
    require_peers!();
    const ENTRIES: u32 = 60;
    let (kafka, (grid, _folder)) = (shared::kafka(), grid_that_evicts());
    for expirations in ["tombstone", "ignore"] {
        let mut published = Published::new(kafka, &grid, &format!("evicts-{expirations}"), Form::Strings);
        published.set("publish.expirations", expirations);
        let (tool, name) = (grid.tool(), published.name.as_str());
        let source = published.start();
        published.follows(&source);
        (0..ENTRIES).for_each(|n| tool.put(name, format!("k{n}"), format!("{n}")).unwrap());
        let size = tool.size(name).unwrap();
        assert!(size < ENTRIES.into(), "{size} entries: nothing was evicted");
        let records = || kafka.records(name).unwrap();
        if expirations == "tombstone" {
            published.equal(kafka, &grid, &source);
            (0..ENTRIES).for_each(|n| drop(tool.get(name, format!("k{n}")).unwrap()));
            published.equal(kafka, &grid, &source);
            continue;
        }
        eventually(SOON, "every entry is published", || records().len() == ENTRIES as usize);
        // Some of them are loaded from the store, others evicted for them.
        for n in 0..ENTRIES {
            assert!(tool.get(name, format!("k{n}")).unwrap().is_some(), "k{n} cannot be loaded");
        }
        tool.put(name, "behind", "all").unwrap();
        tool.remove(name, "behind").unwrap();
        eventually(SOON, "the removal is published", || records().iter().any(|r| r.value.is_none()));
        let records = records();
        assert_eq!(records.len(), ENTRIES as usize + 2, "neither an eviction nor a load is published");
        assert_eq!(published.rebuilt(&records).len(), ENTRIES as usize);
    }
}
