//! Confluent's own serializers write records, and a sink makes entries of them.

use integration_tests::python::Serializers;
use integration_tests::sandbox::unique;
use integration_tests::sink::Sink;
use integration_tests::{require_peers, shared};
use serde_json::json;

use crate::flow::Flow;
use crate::support::delivered;

const FORMATS: [(&str, &str); 3] = [
    ("avro", "io.confluent.connect.avro.AvroConverter"),
    ("json", "io.confluent.connect.json.JsonSchemaConverter"),
    ("protobuf", "io.confluent.connect.protobuf.ProtobufConverter"),
];

/// What Java sees of an order.
const ENTRY: &str = "{java.lang.String(at)=java.sql.Timestamp(2023-11-14 22:13:20.123), \
    java.lang.String(customer)=java.util.HashMap({java.lang.String(name)=java.lang.String(Ann)}), \
    java.lang.String(id)=java.lang.Long(7), java.lang.String(note)=java.lang.String(Zoë), \
    java.lang.String(points)=java.util.HashMap({java.lang.String(home)=java.lang.Double(0.5)}), \
    java.lang.String(status)=java.lang.String(PAID), \
    java.lang.String(tags)=com.tangosol.util.ImmutableArrayList$ListView([java.lang.String(a), java.lang.String(b)])}";

#[test]
fn records_of_confluents_serializers_in_all_formats_are_entries_with_the_same_fields() {
    require_peers!();
    let (kafka, grid, url) = (shared::kafka(), shared::grid(), shared::registry().url());
    let serializers = Serializers::start(&kafka.bootstrap(), &url).unwrap();
    let order = json!({"id": 7, "note": "Zoë", "tags": ["a", "b"], "points": {"home": 0.5}, "customer": {"name": "Ann"},
        "status": "PAID", "at": 1_700_000_000_123_i64});
    let mut plain = order.clone();
    plain["note"] = json!(null);
    let flows = FORMATS.map(|(format, class)| {
        let flow = Flow::new(kafka, grid, &unique(format), 1);
        // Protobuf has no null in a field that is not optional.
        let second = if format == "protobuf" { &order } else { &plain };
        serializers.write(format, &flow.name, &[("a", order.clone()), ("b", second.clone())]).unwrap();
        (flow, class)
    });
    let connectors: Vec<_> = flows
        .iter()
        .map(|(flow, class)| {
            flow.connector(&[("value.converter", class), ("value.converter.schema.registry.url", &url)])
        })
        .collect();
    let connectors: Vec<_> = connectors.iter().map(Vec::as_slice).collect();
    let sink = Sink::start_all(&flows[0].0.worker(&[]), &connectors).unwrap();
    for (flow, class) in &flows {
        delivered(&sink, &flow.name, &flow.name);
        let text = |key: &str| grid.tool().get(&flow.name, key).unwrap().unwrap().text;
        assert_eq!(text("a"), ENTRY, "{class}");
        let note = if class.contains("protobuf") { "java.lang.String(Zoë)" } else { "null" };
        assert_eq!(text("b"), ENTRY.replace("java.lang.String(Zoë)", note), "{class}");
    }
}
