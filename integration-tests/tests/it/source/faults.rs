//! What breaks while a map changes: the source itself, the grid, the way to it, the broker. Afterwards topic and map are
//! equal.

use integration_tests::grid::{Grid, GridOptions};
use integration_tests::kafka::{Kafka, KafkaOptions};
use integration_tests::relay::Relay;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use std::time::{Duration, Instant};

use super::{Form, Published, SOON, more_is_published, repeated, under_load};

const KEYS: u32 = 2_000;

#[test]
fn a_source_that_was_killed_publishes_what_it_missed() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "killed", Form::PassThrough);
    let (source, operations) = under_load(grid, &published.name, KEYS, || {
        for _ in 0..2 {
            let source = published.start();
            published.follows(&source);
            more_is_published(kafka, &published.name);
            source.kill().unwrap();
        }
        let source = published.start();
        published.follows(&source);
        more_is_published(kafka, &published.name);
        source
    });
    published.equal(kafka, grid, &source);
    let records = kafka.records(&published.name).unwrap();
    let superfluous = repeated(&records);
    println!("killed twice: {operations} operations, {} records, {superfluous} superfluous", records.len());
    published.never_goes_back(&records);
}

#[test]
fn a_grid_that_comes_back_empty_leaves_tombstones_and_what_it_gets_is_published() {
    require_peers!();
    let kafka = shared::kafka();
    let mut grid = Grid::start(GridOptions::default()).unwrap();
    let published = Published::new(kafka, &grid, "restarted", Form::PassThrough);
    grid.tool().churn(&published.name, 1, 5_000, KEYS).unwrap();
    let source = published.start();
    published.follows(&source);
    published.equal(kafka, &grid, &source);
    grid.kill().unwrap();
    eventually(SOON, "the outage is seen", || {
        source.count("comparisons", &published.name).is_ok() && source.log().contains("no grid to listen to")
    });
    grid.restart().unwrap();
    grid.tool().churn(&published.name, 2, 100, 50).unwrap();
    published.equal(kafka, &grid, &source);
    grid.tool().churn(&published.name, 3, 2_000, KEYS).unwrap();
    published.equal(kafka, &grid, &source);
    assert!(source.count("gaps", &published.name).unwrap() > 0);
}

#[test]
fn a_connection_that_is_cut_again_and_again_loses_nothing() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let relay = Relay::to(grid.address()).unwrap();
    let published = Published::at(kafka, &relay.address(), "cut", Form::Strings);
    let source = published.start();
    let ((), operations) = under_load(grid, &published.name, KEYS, || {
        for cut in 0..5 {
            more_is_published(kafka, &published.name);
            relay.cut();
            eventually(SOON, "the gap is noticed", || {
                source.count("gaps", &published.name).unwrap_or_default() > cut
            });
        }
    });
    published.equal(kafka, grid, &source);
    let records = kafka.records(&published.name).unwrap();
    let superfluous = repeated(&records);
    println!("cut 5 times: {operations} operations, {} records, {superfluous} superfluous", records.len());
    published.never_goes_back(&records);
}

#[test]
fn changes_during_an_outage_of_kafka_are_published_after_it() {
    require_peers!();
    let (mut kafka, grid) = (Kafka::start(KafkaOptions::default()).unwrap(), shared::grid());
    let published = Published::new(&kafka, grid, "outage", Form::PassThrough);
    let source = published.start();
    let ((), operations) = under_load(grid, &published.name, KEYS, || {
        more_is_published(&kafka, &published.name);
        kafka.kill().unwrap();
        eventually(SOON, "nothing is acknowledged any more", || {
            source.state(&published.name).is_some_and(|state| state != "following" && state != "comparing")
        });
        kafka.restart().unwrap();
        more_is_published(&kafka, &published.name);
    });
    published.equal(&kafka, grid, &source);
    let records = kafka.records(&published.name).unwrap();
    let superfluous = repeated(&records);
    println!("kafka killed: {operations} operations, {} records, {superfluous} superfluous", records.len());
}

#[test]
fn of_two_processes_one_publishes_and_the_other_takes_over_when_it_dies() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "standby", Form::PassThrough);
    let (remaining, operations) = under_load(grid, &published.name, KEYS, || {
        let first = published.start();
        published.follows(&first);
        let second = published.start();
        more_is_published(kafka, &published.name);
        let states = || [&first, &second].map(|source| source.state(&published.name).unwrap_or_default());
        let one_stands_by = || states().iter().filter(|state| *state == "standing-by").count() == 1;
        eventually(SOON, "one of them stands by", one_stands_by);
        let first_leads = states()[1] == "standing-by";
        let (leader, other) = if first_leads { (first, second) } else { (second, first) };
        assert_eq!(other.state(&published.name).as_deref(), Some("standing-by"));
        leader.kill().unwrap();
        published.follows(&other);
        more_is_published(kafka, &published.name);
        // A graceful end hands over at once.
        let third = published.start();
        more_is_published(kafka, &published.name);
        assert_eq!(other.stop().unwrap().code(), Some(143));
        published.follows(&third);
        third
    });
    published.equal(kafka, grid, &remaining);
    let records = kafka.records(&published.name).unwrap();
    let superfluous = repeated(&records);
    println!(
        "took over twice: {operations} operations, {} records, {superfluous} superfluous",
        records.len()
    );
    published.never_goes_back(&records);
}

#[test]
fn a_process_that_was_frozen_sends_nothing_when_it_is_thawed() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "frozen", Form::PassThrough);
    let (remaining, _) = under_load(grid, &published.name, KEYS, || {
        let first = published.start();
        published.follows(&first);
        more_is_published(kafka, &published.name);
        first.process().freeze();
        let second = published.start();
        published.follows(&second);
        more_is_published(kafka, &published.name);
        first.process().thaw();
        eventually(SOON, "the thawed one stands by", || {
            first.state(&published.name).as_deref() == Some("standing-by")
        });
        (first, second)
    });
    published.equal(kafka, grid, &remaining.1);
    published.never_goes_back(&kafka.records(&published.name).unwrap());
}

#[test]
fn a_stop_while_kafka_answers_nothing_takes_no_longer_than_configured() {
    require_peers!();
    let (kafka, grid) = (Kafka::start(KafkaOptions::default()).unwrap(), shared::grid());
    let mut published = Published::new(&kafka, grid, "stopped", Form::PassThrough);
    published.settings.retain(|(key, _)| !key.ends_with("timeout.ms"));
    published.set("coherence.source.session.timeout.ms", "60000");
    published.set("coherence.source.shutdown.timeout.ms", "2000");
    let source = published.start();
    published.follows(&source);
    kafka.freeze();
    grid.tool().churn(&published.name, 1, 100, 50).unwrap();
    eventually(SOON, "records are on their way", || {
        source.count("records", &published.name).is_ok_and(|records| records > 0)
    });
    let since = Instant::now();
    assert_eq!(source.stop().unwrap().code(), Some(143));
    let took = since.elapsed();
    kafka.thaw();
    assert!(took < Duration::from_secs(12), "{took:?}, where waiting for the session would take a minute");
}
