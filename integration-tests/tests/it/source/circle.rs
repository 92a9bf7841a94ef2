//! From a map through a topic into another map: source and sink together, compared by the Java reader.

use integration_tests::sink::Sink;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

use super::{Form, Published, SOON, repeated};

const OPERATIONS: u32 = 200_000;
const KEYS: u32 = 20_000;

fn both_maps_are_equal(form: Form) {
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let published = Published::new(kafka, grid, "circle", form);
    let (name, target) = (published.name.as_str(), format!("{}-b", published.name));
    let (bootstrap, address) = (kafka.bootstrap(), grid.address());
    let mapping = format!("{name}->{target}");
    let mut connector = vec![
        ("name", name),
        ("connector.class", "CoherenceSink"),
        ("topics", name),
        ("coherence.session.address", &address),
        ("coherence.cache.mappings", &mapping),
    ];
    match form {
        Form::PassThrough => connector.extend([
            ("coherence.passthrough", "true"),
            ("key.converter", "org.apache.kafka.connect.converters.ByteArrayConverter"),
            ("value.converter", "org.apache.kafka.connect.converters.ByteArrayConverter"),
        ]),
        Form::Strings => connector.extend([
            ("key.converter", "org.apache.kafka.connect.storage.StringConverter"),
            ("value.converter", "org.apache.kafka.connect.storage.StringConverter"),
        ]),
    }
    let worker = [("bootstrap.servers", bootstrap.as_str()), ("offset.flush.interval.ms", "100")];
    let sink = Sink::start(&worker, &connector).unwrap();
    let source = published.start();
    const PIECE: u32 = 5_000;
    for seed in 1..=u64::from(OPERATIONS / PIECE) {
        grid.tool().churn(name, seed, PIECE, KEYS).unwrap();
    }
    published.follows(&source);
    published.equal(kafka, grid, &source);
    let contents = grid.tool().contents(name).unwrap();
    assert!(contents.count > 1_000, "the maps hold something to compare");
    eventually(SOON, "map B equals map A", || grid.tool().contents(&target).unwrap() == contents);
    let records = kafka.records(name).unwrap();
    println!(
        "{form:?}: {OPERATIONS} operations, {} records, {} superfluous, {} gaps",
        records.len(),
        repeated(&records),
        source.count("gaps", name).unwrap()
    );
    assert_eq!(sink.stop().unwrap().code(), Some(143));
}

#[test]
fn a_map_goes_through_a_topic_into_another_map_in_pass_through() {
    require_peers!();
    both_maps_are_equal(Form::PassThrough);
}

#[test]
fn a_map_goes_through_a_topic_into_another_map_with_serializers() {
    require_peers!();
    both_maps_are_equal(Form::Strings);
}
