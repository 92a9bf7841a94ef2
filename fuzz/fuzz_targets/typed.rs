//! A derived type in POF, JSON and bincode: what was read is written, and reads the same again.
#![no_main]

use std::collections::BTreeMap;
use std::sync::LazyLock;

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::pof::PofContext;
use coherence_kafka_common::serializer::json::{JsonClasses, JsonSerde};
use coherence_kafka_common::serializer::{BincodeSerde, PofSerde, Serde, SerializerError};
use libfuzzer_sys::fuzz_target;
use serde::{Deserialize, Serialize};

/// One field of each shape.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    id: i64,
    customer: Option<String>,
    paid: bool,
    lines: u16,
    weight: f64,
    reference: Option<i128>,
    color: Option<Color>,
    quantities: Vec<i32>,
    stock: BTreeMap<String, Option<i32>>,
    place: (f32, char),
    parts: Vec<Order>,
    next: Option<Box<Order>>,
    shape: Option<Shape>,
}

#[derive(Debug, Serialize, Deserialize)]
enum Color {
    Red,
    Green,
}

#[derive(Debug, Serialize, Deserialize)]
enum Shape {
    Circle { radius: f64 },
    Square(i32, i32),
}

static POF: LazyLock<PofSerde> = LazyLock::new(|| {
    let context = PofContext::builder()
        .user_type("Order", 1001)
        .user_type("Color", 1003)
        .user_type("Shape::Circle", 1004)
        .user_type("Shape::Square", 1005);
    PofSerde::new(context.build().expect("good ids"))
});
static JSON: LazyLock<JsonSerde> = LazyLock::new(|| {
    let names = ["Order", "Color", "Shape"];
    JsonSerde::new(names.into_iter().fold(JsonClasses::default(), |classes, name| classes.class(name, name)))
});

fuzz_target!(|bytes: &[u8]| {
    let binary = [&[FMT_EXT], bytes].concat();
    for bytes in [bytes, &binary] {
        judge(&*POF, bytes);
        judge(&*JSON, bytes);
    }
    judge(&BincodeSerde, bytes);
});

fn judge(serde: &dyn Serde<Order>, bytes: &[u8]) {
    match serde.deserialize("t", &[], bytes) {
        Ok(order) => {
            // Compared as bytes, for a NaN equals nothing.
            let first = written(serde, &order);
            let again = serde.deserialize("t", &[], &first).expect("what was written is read");
            assert_eq!(written(serde, &again), first, "{serde:?}");
        }
        Err(SerializerError::Malformed { offset, .. }) => assert!(offset <= bytes.len()),
        Err(_) => {}
    }
}

fn written(serde: &dyn Serde<Order>, order: &Order) -> Vec<u8> {
    let mut out = Vec::new();
    serde.serialize("t", &mut Vec::new(), order, &mut out).expect("what was read is written");
    out
}
