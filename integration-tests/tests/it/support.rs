//! What tests have in common: of a few records, where the topic, the map and the connector have names of their own, and
//! a grid that more than one theme needs.

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::sandbox::Folder;
use integration_tests::shared;
use integration_tests::sink::Sink;
use integration_tests::wait::within;

use crate::flow::SOON;

/// Waits until the connector has committed every record of the topic, and asserts that none of its tasks has failed.
#[track_caller]
pub fn delivered(sink: &Sink, connector: &str, topic: &str) {
    let (kafka, group) = (shared::kafka(), format!("connect-{connector}"));
    let ends = kafka.end_offsets(topic).unwrap();
    // A broker that has just started does not know at once which groups are its own: an error is no answer yet.
    let committed = || -> Vec<i64> {
        let asked = kafka.committed(&group, topic).unwrap_or_default();
        asked.into_iter().map(Option::unwrap_or_default).collect()
    };
    let failures = || sink.failures(connector).unwrap();
    let ended = within(SOON, || committed() == ends || !failures().is_empty());
    let (committed, failures) = (committed(), failures());
    assert!(
        ended && committed == ends && failures.is_empty(),
        "{connector} has committed {committed:?} of {ends:?} of {topic}, failures: {failures:?}\n{}",
        sink.process().log_end()
    );
}

/// A grid in whose maps, all but `store`, values wait in write-behind for an hour; and the folder of its configuration.
pub fn grid_that_writes_behind() -> (Grid, Folder) {
    let folder = Folder::new("write-behind").unwrap();
    let config = folder.path().join("cache-config.xml");
    std::fs::write(&config, include_str!("support/write-behind.xml")).unwrap();
    let properties = vec![format!("coherence.cacheconfig={}", config.display())];
    (Grid::start(GridOptions { properties, ..GridOptions::default() }).unwrap(), folder)
}
