//! Records whose schemas are in a real schema registry: read and written by the converters, by Confluent's own
//! serializers, and by a sink whose registry is unavailable for a while.

use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_connect::converter::{Converter, Role, create_from};
use coherence_kafka_schema_registry::CLASSES;
use integration_tests::{rest, shared};
use serde_json::Value as Json;

mod formats;
mod outages;
mod serializers;

/// Registers a schema under a subject, and returns its id.
pub(crate) fn register(subject: &str, schema: &Json) -> u32 {
    let path = format!("/subjects/{subject}/versions");
    let answer = rest::change(&shared::registry().url(), "POST", &path, schema).unwrap();
    assert_eq!(answer.status, 200, "{}", answer.body);
    u32::try_from(answer.body["id"].as_u64().unwrap()).unwrap()
}

/// A converter of values with the shared registry.
fn converter(class: &str, more: &[(&str, &str)]) -> Arc<dyn Converter> {
    let url = shared::registry().url();
    let options = [&[("schema.registry.url", url.as_str())], more].concat();
    let options: BTreeMap<_, _> =
        options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
    create_from(&[&CLASSES], class, Role::Value, &options).unwrap()
}

/// A record's value of a serializer whose schema has this id.
fn framed(id: u32, data: &[u8]) -> Vec<u8> {
    [&[0], &id.to_be_bytes()[..], data].concat()
}
