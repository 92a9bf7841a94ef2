//! Maps that the grid refuses, and a topic that does not exist: the others go on.

use integration_tests::source::run;
use integration_tests::{require_peers, shared};

use super::{Form, Published, SOON, eventually, within};

/// An object of a class that the grid does not know: it is stored, and no JSON can be made of it.
const UNKNOWN: [u8; 6] = [0x15, 0x8F, 0x9C, 0x01, 0x00, 0x40];

/// Two maps of JSON, and the second one's name.
fn two_maps(base: &str) -> (Published, String) {
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let mut published = Published::new(kafka, grid, base, Form::Strings);
    let bad = format!("{}-bad", published.name);
    kafka.create_topic(&bad, 1).unwrap();
    published.settings.retain(|(key, _)| key != "coherence.cache.mappings");
    let mappings = format!("{0}->{0},{bad}->{bad}", published.name);
    published.set("coherence.cache.mappings", &mappings);
    published.set("coherence.session.format", "json");
    grid.tool().put(&published.name, "k", "v").unwrap();
    grid.tool().store(&bad, "bad", &UNKNOWN).unwrap();
    (published, bad)
}

#[test]
fn an_entry_that_the_grid_refuses_stops_neither_its_neighbours_nor_other_maps() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (published, bad) = two_maps("readable");
    for key in ["one", "two"] {
        grid.tool().put(&bad, key, "v").unwrap();
    }
    let source = published.start();
    eventually(SOON, "the entry is refused", || {
        source.count("refused", &bad).is_ok_and(|refused| refused > 0)
    });
    published.follows(&source);
    grid.tool().put(&published.name, "k", "w").unwrap();
    published.equal(kafka, grid, &source);
    let log = || source.process().log_end();
    assert!(within(SOON, || kafka.records(&bad).unwrap().len() == 2), "its neighbours\n{}", log());
    grid.tool().put(&bad, "three", "v").unwrap();
    assert!(within(SOON, || kafka.records(&bad).unwrap().len() == 3), "what changes later\n{}", log());
}

#[test]
fn a_snapshot_publishes_what_it_can_and_names_the_map_that_is_refused() {
    require_peers!();
    let kafka = shared::kafka();
    let (published, bad) = two_maps("snapshot-refused");
    let output = run(&["--once"], &published.settings()).unwrap();
    let shown = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(3), "{shown}");
    assert!(shown.contains(&format!("map {bad}: ")), "{shown}");
    assert_eq!(kafka.records(&published.name).unwrap().len(), 1);
}

#[test]
fn beside_a_topic_that_does_not_exist_other_maps_are_published_and_it_is_filled_once_it_does() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let mut published = Published::new(kafka, grid, "existing", Form::Strings);
    let missing =
        Published { name: format!("{}-missing", published.name), form: Form::Strings, settings: Vec::new() };
    published.settings.retain(|(key, _)| key != "coherence.cache.mappings");
    published.set("coherence.cache.mappings", &format!("{0}->{0},{1}->{1}", published.name, missing.name));
    grid.tool().put(&missing.name, "k", "v").unwrap();
    let source = published.start();
    eventually(SOON, "the map without a topic is refused", || {
        source.state(&missing.name).as_deref() == Some("refused")
    });
    let cause = format!("topic {} does not exist: create it", missing.name);
    assert!(source.log().contains(&cause), "{}", source.log());
    published.follows(&source);
    grid.tool().put(&published.name, "k", "v").unwrap();
    published.equal(kafka, grid, &source);
    kafka.create_topic(&missing.name, 1).unwrap();
    missing.equal(kafka, grid, &source);
    missing.follows(&source);
    assert_eq!(source.log().matches(&cause).count(), 1, "{}", source.log());
}
