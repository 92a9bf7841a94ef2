//! A sink whose registry is unavailable, and one that asks it for schemas that it does not have.

use integration_tests::registry::url;
use integration_tests::relay::Relay;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};
use serde_json::json;

use super::{framed, register};
use crate::delivery::letters::{self, ALL, CONTEXT, Letter, ONE_REPLICA, QUEUE, dead, queue};
use crate::flow::{Flow, SOON};

const AVRO: &str = "io.confluent.connect.avro.AvroConverter";
/// Data of the schemas here, each one a text.
const TEXT: &[u8] = b"\x02x";

/// A schema of records with one text, whose name no other has, and its id.
fn schema(topic: &str, name: &str) -> u32 {
    let fields = json!([{"name": "text", "type": "string"}]);
    let schema = json!({"type": "record", "name": name, "fields": fields}).to_string();
    register(&format!("{topic}-value"), &json!({"schema": schema}))
}

#[test]
fn a_sink_waits_for_its_registry_and_loses_nothing() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let relay = Relay::to(shared::registry().address()).unwrap();
    let flow = Flow::new(kafka, grid, "registry-away", 1);
    let (known, other) = (schema(&flow.name, "Known"), schema(&flow.name, "Other"));
    let address = url(&relay.address());
    // Not even a policy that skips bad records skips one of these.
    let connector =
        [("value.converter", AVRO), ("value.converter.schema.registry.url", address.as_str()), ALL];
    let sink = flow.start(&[], &connector);
    let records = |ids: &[u32], prefix: &str| -> Vec<_> {
        let keys = ids.iter().enumerate().map(|(at, id)| (format!("{prefix}-{at}"), *id));
        keys.map(|(key, id)| (Some(key), Some(framed(id, TEXT)))).collect()
    };
    kafka.produce(&flow.name, records(&[known; 3], "before")).unwrap();
    flow.assert_delivered(kafka, &sink, SOON);

    relay.reset();
    // A schema that the converter has stays usable; the one that it has not holds the records behind it, too.
    kafka.produce(&flow.name, records(&[known, known, other, known], "during")).unwrap();
    let holding = "record cannot be converted for now, retrying";
    eventually(SOON, "the outage is logged", || sink.log().contains(holding));
    let held = |cause: &str| {
        let labels = format!("connector={:?},task=\"0\",cause={cause:?}", flow.name);
        integration_tests::sink::metric(&sink.metrics().unwrap(), "coherence_kafka_sink_holding", &labels)
    };
    assert_eq!(held("converter"), Some(1));
    eventually(SOON, "what was read before it is committed", || flow.committed(kafka) == [5]);
    assert_eq!(grid.tool().size(&flow.name).unwrap(), 5);
    flow.assert_running(&sink);

    relay.pass();
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().size(&flow.name).unwrap(), 7);
    assert_eq!(held("converter"), Some(0));
    assert!(sink.log().contains("records are converted again"));
}

#[test]
fn a_record_with_an_unknown_schema_is_a_dead_letter() {
    require_peers!();
    let (kafka, grid) = (shared::kafka(), shared::grid());
    let (flow, queue) = (Flow::new(kafka, grid, "unknown-schema", 1), queue());
    let known = schema(&flow.name, "Known");
    let unknown = Letter::new("bad", framed(2_000_000_000, TEXT));
    let unframed = Letter::new("unframed", TEXT);
    letters::produce(
        kafka,
        &flow.name,
        &[unknown.clone(), unframed.clone(), Letter::new("good", framed(known, TEXT))],
    );
    let address = shared::registry().url();
    let connector = [
        ("value.converter", AVRO),
        ("value.converter.schema.registry.url", address.as_str()),
        ALL,
        (QUEUE, queue.as_str()),
        CONTEXT,
        ONE_REPLICA,
    ];
    let sink = flow.start(&[], &connector);
    flow.assert_delivered(kafka, &sink, SOON);
    assert_eq!(grid.tool().size(&flow.name).unwrap(), 1);
    let found = dead(kafka, &queue);
    assert_eq!(found.iter().map(Letter::without_context).collect::<Vec<_>>(), [unknown, unframed]);
    for (letter, why) in
        found.iter().zip(["schema registry knows no schema 2000000000", "Unknown magic byte!"])
    {
        assert_eq!(letter.context("stage"), "VALUE_CONVERTER");
        assert_eq!(letter.context("class.name"), AVRO);
        let message = letter.context("exception.message").to_owned() + letter.context("exception.stacktrace");
        assert!(message.contains(why), "{message}");
    }
}
