//! What many maps take of Kafka and of this machine.

use integration_tests::sandbox::unique;
use integration_tests::usage::{connections, threads};
use integration_tests::wait::within;
use integration_tests::{require_peers, shared};

use super::{Form, Published, SOON};

#[test]
fn many_maps_of_equal_settings_have_the_connections_and_threads_of_one() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let one = Published::new(kafka, grid, "one", Form::Strings);
    let mut many = Published::new(kafka, grid, "many", Form::Strings);
    let names: Vec<String> = (0..24).map(|_| unique("many")).collect();
    for name in &names {
        kafka.create_topic(name, 1).unwrap();
        grid.tool().put(name, "before", name.as_str()).unwrap();
    }
    let mappings: Vec<String> = names.iter().map(|name| format!("{name}->{name}")).collect();
    many.settings.retain(|(key, _)| key != "coherence.cache.mappings");
    many.set("coherence.cache.mappings", &mappings.join(","));
    let (of_one, of_many) = (one.start(), many.start());
    one.follows(&of_one);
    for name in &names {
        let map = Published { name: name.clone(), form: Form::Strings, settings: Vec::new() };
        map.follows(&of_many);
        grid.tool().put(name, "after", name.as_str()).unwrap();
        map.equal(kafka, grid, &of_many);
    }
    let port = kafka.bootstrap().rsplit(':').next().unwrap().parse().unwrap();
    let taken = || {
        [&of_one, &of_many].map(|source| {
            let id = source.process().id();
            (connections(id, port).unwrap(), threads(id).unwrap())
        })
    };
    // What reads a topic at the beginning ends a moment later.
    let settled = within(SOON, || {
        let [one, many] = taken();
        many.0 <= one.0 && many.1 <= one.1
    });
    assert!(settled, "connections and threads of one map and of 24: {:?}", taken());
}
