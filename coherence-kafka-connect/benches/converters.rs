//! How long one record takes through a converter, back, and into POF.

use std::collections::BTreeMap;
use std::hint::black_box;

use coherence_kafka_common::map::Format;
use coherence_kafka_connect::converter::{self, Role};
use coherence_kafka_connect::encode::{ArrayForm, Encoder};
use criterion::{Criterion, Throughput, criterion_group, criterion_main};

const RECORD: &str = r#"{"id":123456789,"name":"Jane Example","email":"jane@example.com","active":true,
"balance":1234.56,"tags":["one","two","three"],"address":{"street":"1 Main Street","city":"Springfield","zip":"12345"}}"#;

const SCHEMA: &str = r#"{"type":"struct","fields":[{"field":"id","type":"int64"},{"field":"name","type":"string"},
{"field":"email","type":"string","optional":true},{"field":"active","type":"boolean"},{"field":"balance","type":"double"},
{"field":"tags","type":"array","items":{"type":"string"}},{"field":"address","type":"struct","fields":[
{"field":"street","type":"string"},{"field":"city","type":"string"},{"field":"zip","type":"string"}]}]}"#;

/// Name, class, options, bytes.
type Case<'a> = (&'a str, &'a str, &'a [(&'a str, &'a str)], &'a [u8]);

fn converters(criterion: &mut Criterion) {
    let enveloped = format!("{{\"schema\":{SCHEMA},\"payload\":{RECORD}}}");
    let cases: [Case<'_>; 5] = [
        ("string", "StringConverter", &[], RECORD.as_bytes()),
        ("bytes", "ByteArrayConverter", &[], RECORD.as_bytes()),
        ("integer", "IntegerConverter", &[], &[0, 0, 1, 2]),
        ("json", "JsonConverter", &[("schemas.enable", "false")], RECORD.as_bytes()),
        ("json with schema", "JsonConverter", &[], enveloped.as_bytes()),
    ];
    let pof = Encoder { format: Format::Pof, arrays: ArrayForm::List };
    for (name, class, options, bytes) in cases {
        let options: BTreeMap<_, _> =
            options.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect();
        let converter = converter::create(class, Role::Value, &options).expect("a converter");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("convert", |bencher| {
            bencher
                .iter(|| converter.to_connect("topic", &(), Some(black_box(bytes))).map(|data| data.value));
        });
        let data = converter.to_connect("topic", &(), Some(bytes)).expect("a value");
        group.bench_function("convert back", |bencher| {
            bencher.iter(|| {
                let data = black_box(&data);
                converter.from_connect("topic", &mut Vec::new(), data.schema.as_deref(), &data.value)
            });
        });
        let mut out = Vec::new();
        group.bench_function("encode to pof", |bencher| {
            bencher.iter(|| {
                out.clear();
                pof.encode(black_box(&data.value), &mut out)
            });
        });
        group.finish();
    }
}

criterion_group!(benches, converters);
criterion_main!(benches);
