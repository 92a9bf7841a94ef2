//! How long one record takes through a chain of transforms.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::hint::black_box;
use std::sync::Arc;

use coherence_kafka_connect::converter::{self, Converter, Role};
use coherence_kafka_connect::record::Record;
use coherence_kafka_connect::transform::{Classes, Transforms};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};

const RECORD: &str = r#"{"id":123456789,"name":"Jane Example","email":"jane@example.com","active":true,"balance":1234.56,"city":"Springfield"}"#;

const SCHEMA: &str = r#"{"type":"struct","fields":[{"field":"id","type":"int64"},{"field":"name","type":"string"},
{"field":"email","type":"string","optional":true},{"field":"active","type":"boolean"},{"field":"balance","type":"double"},
{"field":"city","type":"string"}]}"#;

/// Three transforms of the value, and one of the topic.
const CHAINS: [(&str, &[(&str, &str)]); 2] = [
    (
        "three transforms of the value",
        &[
            ("transforms", "a,b,c"),
            ("transforms.a.type", "org.apache.kafka.connect.transforms.ReplaceField$Value"),
            ("transforms.a.exclude", "email"),
            ("transforms.a.renames", "name:full_name"),
            ("transforms.b.type", "org.apache.kafka.connect.transforms.Cast$Value"),
            ("transforms.b.spec", "id:string,balance:float32"),
            ("transforms.c.type", "org.apache.kafka.connect.transforms.InsertField$Value"),
            ("transforms.c.topic.field", "topic"),
            ("transforms.c.offset.field", "offset"),
        ],
    ),
    (
        "the topic alone",
        &[
            ("transforms", "a"),
            ("transforms.a.type", "org.apache.kafka.connect.transforms.RegexRouter"),
            ("transforms.a.regex", r"(.*)-\d+"),
            ("transforms.a.replacement", "$1"),
        ],
    ),
];

fn json(schemas: &str) -> Arc<dyn Converter> {
    let options = BTreeMap::from([("schemas.enable".to_owned(), schemas.to_owned())]);
    converter::create("JsonConverter", Role::Value, &options).expect("a converter")
}

fn transforms(criterion: &mut Criterion) {
    let enveloped = format!("{{\"schema\":{SCHEMA},\"payload\":{RECORD}}}");
    let inputs = [("map", json("false"), RECORD.to_owned()), ("struct", json("true"), enveloped)];
    for (name, properties) in CHAINS {
        let properties: BTreeMap<_, _> =
            properties.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let chain = Transforms::new(&Classes::default(), &properties).expect("the properties are good");
        let mut group = criterion.benchmark_group(name);
        for (form, converter, bytes) in &inputs {
            let key = json("false");
            let record = || Record {
                topic: Cow::Borrowed("orders-7"),
                partition: Some(1),
                offset: Some(2),
                timestamp: Some(3),
                key: key.to_connect("orders-7", &(), Some(b"1")).expect("a key"),
                value: converter.to_connect("orders-7", &(), Some(bytes.as_bytes())).expect("a value"),
                headers: Vec::new(),
            };
            group.bench_function(*form, |bencher| {
                bencher.iter_batched(record, |record| black_box(chain.apply(record)), BatchSize::SmallInput);
            });
        }
        group.finish();
    }
}

criterion_group!(benches, transforms);
criterion_main!(benches);
