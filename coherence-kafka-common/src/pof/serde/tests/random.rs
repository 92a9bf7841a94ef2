//! Random values, and bytes that are damaged or random.

use std::collections::BTreeMap;

use proptest::collection::{btree_map, vec};
use proptest::option;
use proptest::prelude::*;
use uuid::Uuid;

use super::*;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Everything {
    boolean: bool,
    signed: (i8, i16, i32, i64, i128),
    unsigned: (u8, u16, u32, u64, u128),
    floats: (f32, f64),
    character: char,
    text: String,
    #[serde(with = "bytes")]
    bytes: Vec<u8>,
    numbers: Vec<u8>,
    #[serde(skip)]
    local: u32,
    optional: Option<Vec<Option<i32>>>,
    map: BTreeMap<String, Shape>,
    colors: Vec<Color>,
    points: [Point; 2],
    marker: Marker,
    meters: Meters,
    id: JavaUuid,
    next: Option<Box<Everything>>,
}

fn shape() -> impl Strategy<Value = Shape> {
    let color = prop_oneof![Just(Color::Red), Just(Color::Green), Just(Color::LightBlue)];
    prop_oneof![
        Just(Shape::Empty),
        (-1e9..1e9, option::of(color)).prop_map(|(radius, color)| Shape::Circle { radius, color }),
        any::<(i32, i32)>().prop_map(|(a, b)| Shape::Line(a, b)),
        any::<String>().prop_map(Shape::Named),
    ]
}

prop_compose! {
    fn leaf()(
        boolean: bool,
        signed: (i8, i16, i32, i64, i128),
        (small, short, int) in any::<(u8, u16, u32)>(),
        long in 0..=i64::MAX as u64,
        widest in 0..=i128::MAX as u128,
        single in -1e9_f32..1e9,
        double in -1e9..1e9,
        character in proptest::char::range('\0', '\u{D7FF}'),
        text: String,
        (bytes, numbers) in any::<(Vec<u8>, Vec<u8>)>(),
        optional in option::of(vec(any::<Option<i32>>(), 0..5)),
        map in btree_map(any::<String>(), shape(), 0..5),
        (points, id) in any::<([(i64, i64); 2], u128)>(),
    ) -> Everything {
        Everything {
            boolean,
            signed,
            unsigned: (small, short, int, long, widest),
            floats: (single, double),
            character,
            text,
            bytes,
            numbers,
            local: 0,
            optional,
            map,
            colors: vec![Color::Green, Color::Red],
            points: points.map(|(x, y)| Point(x, y)),
            marker: Marker,
            meters: Meters(single),
            id: JavaUuid(Uuid::from_u128(id)),
            next: None,
        }
    }
}

proptest! {
    #[test]
    fn what_is_written_is_read_back(first in leaf(), second in leaf()) {
        let value = Everything { next: Some(Box::new(second)), ..first };
        let pof = written(&value);
        prop_assert!(crate::pof::check(&pof).is_ok());
        prop_assert_eq!(read::<Everything>(&pof), value);
    }

    #[test]
    fn damaged_bytes_are_read_without_panic(value in leaf(), at: prop::sample::Index, byte: u8, cut: bool) {
        let mut pof = written(&value);
        let at = at.index(pof.len());
        if cut { pof.truncate(at) } else { pof[at] = byte }
        let _ = from_slice::<Everything>(&context(), &pof);
    }

    #[test]
    fn any_bytes_are_read_without_panic(pof: Vec<u8>) {
        let context = context();
        let _ = from_slice::<Everything>(&context, &pof);
        let _ = from_slice::<serde_json::Value>(&context, &pof);
        let _ = from_binary::<Vec<Shape>>(&context, &pof);
    }
}
