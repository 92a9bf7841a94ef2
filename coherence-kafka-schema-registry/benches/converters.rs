//! How long one record takes through a converter whose schemas are in a registry, and back. The converter has the schema
//! in memory, as after the first record.

use std::collections::BTreeMap;
use std::hint::black_box;
use std::io::{BufRead as _, BufReader, Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::thread;

use coherence_kafka_connect::converter::{self, Role, create_from};
use coherence_kafka_schema_registry::CLASSES;
use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use serde_json::{Value, json};

const RECORD: &str = r#"{"schema":{"type":"struct","name":"shop.Customer","fields":[{"field":"id","type":"int64"},
{"field":"name","type":"string"},{"field":"email","type":"string","optional":true},{"field":"active","type":"boolean"},
{"field":"balance","type":"double"},{"field":"tags","type":"array","items":{"type":"string"}},{"field":"address",
"type":"struct","name":"shop.Address","fields":[{"field":"street","type":"string"},{"field":"city","type":"string"},
{"field":"zip","type":"string"}]}]},"payload":{"id":123456789,"name":"Jane Example","email":"jane@example.com",
"active":true,"balance":1234.56,"tags":["one","two","three"],"address":{"street":"1 Main Street","city":"Springfield",
"zip":"12345"}}}"#;

const TOPIC: &str = "customers";

/// Starts a registry that gives every schema the id 1, and answers with the schema that it was given last.
fn registry() -> String {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let url = format!("http://{}", listener.local_addr().expect("an address"));
    thread::spawn(move || {
        let mut last = String::new();
        for stream in listener.incoming() {
            answer(stream.expect("a connection"), &mut last);
        }
    });
    url
}

/// Answers one request, and closes the connection.
fn answer(mut stream: TcpStream, last: &mut String) {
    let mut reader = BufReader::new(stream.try_clone().expect("the same connection"));
    let (mut method, mut length) = (String::new(), 0);
    reader.read_line(&mut method).expect("a request line");
    loop {
        let mut line = String::new();
        reader.read_line(&mut line).expect("a header");
        match line.trim_end().split_once(':') {
            Some((name, value)) if name.eq_ignore_ascii_case("content-length") => {
                length = value.trim().parse().expect("a length");
            }
            Some(_) => {}
            None => break,
        }
    }
    let answer = if method.starts_with("POST") {
        let mut body = vec![0; length];
        reader.read_exact(&mut body).expect("a body");
        let body: Value = serde_json::from_slice(&body).expect("a schema");
        *last = json!({"schema": body["schema"], "schemaType": body["schemaType"]}).to_string();
        r#"{"id":1}"#
    } else {
        last.as_str()
    };
    let head = format!("HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: {}\r\n\r\n", answer.len());
    stream.write_all(&[head.as_bytes(), answer.as_bytes()].concat()).expect("a reader");
}

fn converters(criterion: &mut Criterion) {
    let json = converter::create("JsonConverter", Role::Value, &BTreeMap::new()).expect("a converter");
    let record = json.to_connect(TOPIC, &(), Some(RECORD.as_bytes())).expect("a record");
    let options = BTreeMap::from([("schema.registry.url".to_owned(), registry())]);
    let classes = [
        ("avro", "io.confluent.connect.avro.AvroConverter"),
        ("json schema", "io.confluent.connect.json.JsonSchemaConverter"),
        ("protobuf", "io.confluent.connect.protobuf.ProtobufConverter"),
    ];
    for (name, class) in classes {
        let converter = create_from(&[&CLASSES], class, Role::Value, &options).expect("a converter");
        let back = || {
            let data = black_box(&record);
            converter.from_connect(TOPIC, &mut Vec::new(), data.schema.as_deref(), &data.value)
        };
        let bytes = back().expect("a schema in the registry").expect("bytes");
        let mut group = criterion.benchmark_group(name);
        group.throughput(Throughput::Bytes(bytes.len() as u64));
        group.bench_function("convert", |bencher| {
            bencher.iter(|| converter.to_connect(TOPIC, &(), Some(black_box(&bytes))).map(|data| data.value));
        });
        group.bench_function("convert back", |bencher| bencher.iter(back));
        group.finish();
    }
}

criterion_group!(benches, converters);
criterion_main!(benches);
