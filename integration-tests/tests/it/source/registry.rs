//! Objects of a map become records whose schemas are in a registry, as Confluent's own deserializers read them.

use std::fs;

use integration_tests::grid::Literal;
use integration_tests::python::Serializers;
use integration_tests::registry::url;
use integration_tests::relay::Relay;
use integration_tests::sandbox::Folder;
use integration_tests::{require_peers, shared};
use serde_json::{Value as Json, json};

use super::{Form, Published, SOON, eventually};
use crate::registry::register;
use crate::typed_entries::mapping;

/// A map of purchases that is published by a converter with the registry at `address`; the folder has its mapping file.
fn purchases(base: &str, converter: &str, address: &str) -> (Published, Folder) {
    let mut published = Published::new(shared::kafka(), shared::grid(), base, Form::Strings);
    let folder = Folder::new("source-registry").unwrap();
    let file = folder.path().join("shop.toml");
    fs::write(&file, mapping(&published.name)).unwrap();
    published.settings.retain(|(key, _)| !key.contains("serializer"));
    for (key, value) in [
        ("coherence.mapping.file", file.display().to_string().as_str()),
        ("key.converter", "org.apache.kafka.connect.json.JsonConverter"),
        ("key.converter.schemas.enable", "false"),
        ("value.converter", converter),
        ("value.converter.schema.registry.url", &url(address)),
        ("value.converter.optional.for.nullables", "true"),
        // The name of the class has a `$`.
        ("value.converter.scrub.invalid.names", "true"),
    ] {
        published.set(key, value);
    }
    (published, folder)
}

fn id(number: u32) -> Literal {
    Literal::new("purchase-id", format!("7|{number}"))
}

fn purchase(number: u32) -> Literal {
    Literal::new("purchase", number.to_string())
}

/// What the deserializer of a format makes of the purchases 0, which has no fields, and 1.
fn expected(format: &str) -> (Json, Json) {
    let mut empty = json!({"customer": {"name": null}, "status": null, "lines": null, "due": null, "rating": null,
        "express": false, "points": null, "total": null, "codes": null});
    let mut whole = json!({"customer": {"name": "Zoë 1"}, "status": "SHIPPED", "lines": [
        {"article": "nut", "count": 3, "price": 0.5}, {"article": null, "count": 0, "price": 0.0}],
        "due": "2026-11-30", "rating": 1, "express": true, "points": {"home": 3}, "total": "1.50", "codes": [1, 1]});
    match format {
        "json" => {
            whole["due"] = json!(20_787);
            whole["total"] = json!("AJY=");
        }
        "protobuf" => {
            // What is absent is not shown, and numbers of 64 bits are text.
            empty = json!({"customer": {}});
            whole["lines"] = json!([{"article": "nut", "count": 3, "price": 0.5}, {}]);
            whole["due"] = json!({"year": 2026, "month": 11, "day": 30});
            whole["points"] = json!({"home": "3"});
            whole["total"] = json!({"value": "AJY=", "precision": 3, "scale": 2});
        }
        _ => {}
    }
    (empty, whole)
}

#[test]
fn confluents_deserializers_read_the_objects_that_are_published_in_all_formats() {
    require_peers!();
    let (kafka, tool, registry) = (shared::kafka(), shared::grid().tool(), shared::registry());
    let deserializers = Serializers::start(&kafka.bootstrap(), &registry.url()).unwrap();
    for (format, converter) in [("avro", "Avro"), ("json", "JsonSchema"), ("protobuf", "Protobuf")] {
        let (mut published, _folder) =
            purchases(&format!("published-{format}"), converter, registry.address());
        if format == "json" {
            // Apicurio does not recognise the schema of an optional struct, so another producer has registered one.
            published.set("value.converter.auto.register.schemas", "false");
            published.set("value.converter.use.latest.version", "true");
            let schema = json!({"$schema": "http://json-schema.org/draft-07/schema#", "type": "object",
                "properties": {"express": {"type": "boolean"}}});
            let schema = json!({"schema": schema.to_string(), "schemaType": "JSON"});
            register(&format!("{}-value", published.name), &schema);
        }
        let name = &published.name;
        for number in [0, 1] {
            tool.put(name, id(number), purchase(number)).unwrap();
        }
        let source = published.start();
        published.follows(&source);
        assert_eq!(source.count("refused", name).unwrap(), 0, "{}", source.process().log_end());
        let read = deserializers.read(format, name, 2).unwrap();
        let key = |number: u32| format!("{{\"customer\":7,\"number\":{number}}}");
        assert_eq!(read.iter().map(|(key, _)| key.clone()).collect::<Vec<_>>(), [key(0), key(1)], "{format}");
        let (empty, whole) = expected(format);
        assert_eq!(read[0].1, empty, "{format}");
        assert_eq!(read[1].1, whole, "{format}");
        assert_eq!(source.stop().unwrap().code(), Some(143));
    }
}

#[test]
fn a_source_waits_for_its_registry_and_publishes_everything_when_it_is_back() {
    require_peers!();
    let (kafka, tool) = (shared::kafka(), shared::grid().tool());
    let relay = Relay::to(shared::registry().address()).unwrap();
    let (published, _folder) = purchases("source-registry-away", "Avro", &relay.address());
    let name = &published.name;
    relay.reset();
    tool.put(name, id(1), purchase(1)).unwrap();
    let source = published.start();
    let away = || source.state(name).as_deref() == Some("registry-away");
    eventually(SOON, "the source waits for the registry", away);
    tool.put(name, id(2), purchase(2)).unwrap();
    tool.put(name, id(1), purchase(3)).unwrap();
    tool.remove(name, id(2)).unwrap();
    let waits = "schema registry not available, retrying";
    eventually(SOON, "it tries again and again", || source.log().matches(waits).count() > 2);
    assert!(away() && kafka.records(name).unwrap().is_empty(), "{}", source.process().log_end());

    relay.pass();
    published.follows(&source);
    let records = || kafka.records(name).unwrap();
    eventually(SOON, "the last values are published", || {
        let records = records();
        let last = |number: u32| {
            let key = format!("{{\"customer\":7,\"number\":{number}}}");
            records.iter().rfind(|record| record.key.as_deref() == Some(key.as_bytes()))
        };
        let value = last(1).and_then(|record| record.value.as_deref()).unwrap_or_default();
        let is_third = String::from_utf8_lossy(value).contains("Zoë 3");
        is_third && last(2).is_none_or(|record| record.value.is_none())
    });
    let count = |what: &str| source.count(what, name).unwrap();
    assert_eq!(
        (count("refused"), count("failed"), count("gaps")),
        (0, 0, 0),
        "{}",
        source.process().log_end()
    );
}
