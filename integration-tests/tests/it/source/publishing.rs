//! What becomes of changes while nothing fails.

use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::{Form, Published, SOON, repeated};
use crate::support::grid_that_writes_behind;

fn a_map_is_rebuilt_from_its_topic(form: Form) {
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "published", form);
    grid.tool().churn(&published.name, 1, 5_000, 2_000).unwrap();
    let source = published.start();
    for seed in 2..12 {
        grid.tool().churn(&published.name, seed, 3_000, 2_000).unwrap();
    }
    published.follows(&source);
    published.equal(kafka, grid, &source);
    let records = kafka.records(&published.name).unwrap();
    published.never_goes_back(&records);
    println!("{form:?}: {} records, {} of them superfluous", records.len(), repeated(&records));
    let count = |name| source.count(name, &published.name).unwrap();
    assert_eq!(count("acknowledged"), records.len() as u64);
    assert_eq!((count("refused"), count("failed"), count("gaps")), (0, 0, 0));
    assert_eq!(source.stop().unwrap().code(), Some(143));
}

#[test]
fn a_consumer_rebuilds_the_map_from_bytes_that_passed_through() {
    require_peers!();
    a_map_is_rebuilt_from_its_topic(Form::PassThrough);
}

#[test]
fn a_consumer_rebuilds_the_map_from_what_serializers_wrote() {
    require_peers!();
    a_map_is_rebuilt_from_its_topic(Form::Strings);
}

#[test]
fn each_change_is_a_record_that_says_what_happened() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "changes", Form::Strings);
    let source = published.start();
    published.follows(&source);
    let tool = grid.tool();
    tool.put(&published.name, "k", "a").unwrap();
    tool.put(&published.name, "k", "b").unwrap();
    tool.remove(&published.name, "k").unwrap();
    let records = || kafka.records(&published.name).unwrap();
    eventually(SOON, "three records", || records().len() == 3);
    let told: Vec<_> = records()
        .into_iter()
        .map(|record| {
            let [(name, event)] = &record.headers[..] else { panic!("{:?}", record.headers) };
            assert_eq!(name, "event");
            (String::from_utf8(event.clone().unwrap()).unwrap(), record.value)
        })
        .collect();
    let record = |event: &str, value: Option<&str>| (event.to_owned(), value.map(|v| v.as_bytes().to_vec()));
    assert_eq!(told, [record("INSERT", Some("a")), record("UPDATE", Some("b")), record("DELETE", None)]);
}

#[test]
fn a_truncated_map_leaves_tombstones_and_what_it_gets_then_is_published() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "truncated", Form::PassThrough);
    grid.tool().churn(&published.name, 1, 2_000, 500).unwrap();
    let source = published.start();
    published.follows(&source);
    published.equal(kafka, grid, &source);
    grid.tool().truncate(&published.name).unwrap();
    published.equal(kafka, grid, &source);
    grid.tool().churn(&published.name, 2, 2_000, 500).unwrap();
    published.equal(kafka, grid, &source);
    assert!(source.count("gaps", &published.name).unwrap() > 0);
}

#[test]
fn what_waits_in_write_behind_passes_through_without_its_decorations() {
    require_peers!();
    let (kafka, (grid, _folder)) = (shared::kafka(), grid_that_writes_behind());
    let published = Published::new(kafka, &grid, "behind", Form::PassThrough);
    grid.tool().put(&published.name, "before", "1").unwrap();
    let source = published.start();
    published.follows(&source);
    grid.tool().put(&published.name, "after", "2").unwrap();
    let stored = grid.tool().stored(&published.name, "after").unwrap().unwrap();
    assert_eq!(stored[0], 0x12, "the grid decorates it");
    // The text of a decorated value would not be understood.
    published.equal(kafka, &grid, &source);
}
