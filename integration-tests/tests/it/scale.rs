//! Many records.

use std::time::Duration;

use integration_tests::{require_peers, shared};

use crate::flow::{Flow, Model};

#[test]
fn a_million_records_of_fifty_thousand_keys_end_as_the_model() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let flow = Flow::new(kafka, grid, "scale", 8);
    let mut model = Model::new("k", 50_000);
    kafka.produce(&flow.name, model.records(1_000_000)).unwrap();
    let ends = kafka.end_offsets(&flow.name).unwrap();
    assert_eq!(ends.iter().sum::<i64>(), 1_000_000);
    assert!(ends.iter().all(|end| *end > 50_000), "every partition has its share: {ends:?}");

    let sink = flow.start(&[], &[]);
    flow.assert_delivered(kafka, &sink, Duration::from_secs(60));
    assert_eq!(grid.tool().contents(&flow.name).unwrap(), model.contents());
    grid.tool().truncate(&flow.name).unwrap();
}
