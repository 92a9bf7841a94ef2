use std::fmt::Debug;

use ::serde::{Deserialize, Serialize};

use super::*;

mod objects;
mod random;
mod refused;
mod values;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Person {
    name: Option<String>,
    age: i32,
    address: Option<Address>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Address {
    street: Option<String>,
    city: Option<String>,
    state: Option<String>,
    zip: Option<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "SCREAMING_SNAKE_CASE")]
enum Color {
    Red,
    Green,
    LightBlue,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
enum Shape {
    Empty,
    Circle { radius: f64, color: Option<Color> },
    Line(i32, i32),
    Named(String),
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Point(i64, i64);

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Marker;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Meters(f32);

fn context() -> PofContext {
    PofContext::builder()
        .user_type("Person", 1001)
        .user_type("Address", 1002)
        .user_type("Everything", 1003)
        .user_type("Fields", 1004)
        .user_type("Color", 1007)
        .user_type("Ann", 1008)
        .user_type("Point", 1020)
        .user_type("Marker", 1021)
        .user_type("Shape::Circle", 1022)
        .user_type("Shape::Line", 1023)
        .user_type("Shape::Named", 1024)
        .user_type("Shape", 1025)
        .build()
        .unwrap()
}

fn hex(text: &str) -> Vec<u8> {
    let text = text.replace(' ', "");
    (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
}

fn written<T: Serialize>(value: T) -> Vec<u8> {
    to_vec(&context(), &value).unwrap()
}

fn read<'de, T: Deserialize<'de>>(pof: &'de [u8]) -> T {
    from_slice(&context(), pof).unwrap()
}

fn refused<'de, T: Deserialize<'de> + Debug>(pof: &'de [u8]) -> String {
    from_slice::<T>(&context(), pof).unwrap_err().to_string()
}

#[track_caller]
fn both_ways<T: Serialize + for<'de> Deserialize<'de> + PartialEq + Debug>(value: T, bytes: &str) {
    assert_eq!(written(&value), hex(bytes));
    assert_eq!(read::<T>(&hex(bytes)), value);
}

fn ann() -> Person {
    let text = |text: &str| Some(text.to_owned());
    let address = Address { street: None, city: text("Springfield"), state: text("USA"), zip: text("12345") };
    Person { name: text("Ann"), age: 50, address: Some(address) }
}
