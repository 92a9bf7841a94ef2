use num_bigint::BigInt;
use proptest::prelude::*;

use super::*;

fn text(text: &str) -> Value<'_> {
    Value::String(text.into())
}

/// The names of a map, after it was ordered.
fn ordered(names: &[&str]) -> Vec<String> {
    let mut map = Value::Map(names.iter().map(|name| (text(name), Value::Null)).collect());
    order(&mut map);
    let Value::Map(entries) = map else { unreachable!("it was made above") };
    let name = |(key, _)| match key {
        Value::String(name) => name.into_owned(),
        other => panic!("{other:?}"),
    };
    entries.into_iter().map(name).collect()
}

/// What `HashMap.keySet()` of Java 25 iterates over where names were put in their own order.
#[rustfmt::skip]
const OF_JAVA: &[&str] = &[
    "zip,country,kind,id",
    "field1,field2",
    "Aa,BB,C#,x",
    "fl7es,ffo74,fh4ea,f54tq,f5c98,fj15s,fhs19,f3iq4,fc4xa,fej6k,fhfv4,fexjd",
    "f5z1w,fa3nv,fidwy,fcd97,fj2gu,fh4am,fcmen,fdy42,fftnr,f5jr7,ffa4h,f331w,f3qn3",
    "fgf9c,fi0ng,f2xl8,f1rwt,fzuc,f258p,f121l,ffxo,ffp5y,fkcy0,fiddx,f7laq,f8gyi,fi89p,fbcp6,f41zs,fjhnn,f8ah0,fa2sa,f4dtd,fkct4,fhqlx,f8oot,f8x9,fk1gk",
    "fab02,fhuqh,f6zfl,faxcr,ffam6,fhsuj,fcugv,fjdo0,f4d7g,fj5zh,fevhp,ffzs7,ff97v,feid0,f99yx,fjjzf,fi7yr,fi5w1,f9ybw,f8tv0,fbfrt,fgnsm,f799m,fccab,fkd1r,f5mh1,f6y74,f5sff,fe1k8,f3a7r,fjx4u,f5dia,fkda2,fewcq,f7hvw,fg6q,fiz63,fft35,fa1rr,f2evq,f89g6,f3pqm,fb0ap,f8ixs,faqdu,f2dxx,f8sxl,f22ie,f51jv",
    ",a,😀,é,Ω,日本,ß",
    "q1,zip,q2,b,AaAaAaAa,AaAaAaBB,AaAaBBAa,AaAaBBBB,AaBBAaAa,AaBBAaBB,AaBBBBAa,AaBBBBBB,BBAaAaAa,id",
];

#[test]
fn names_stand_in_the_order_of_javas_hash_map() {
    for java in OF_JAVA {
        let java: Vec<_> = java.split(',').collect();
        let mut names = java.clone();
        names.sort_unstable();
        assert_eq!(ordered(&names), java);
        names.reverse();
        assert_eq!(ordered(&names), java);
    }
}

#[test]
fn keys_that_are_no_text_have_the_hash_codes_of_java() {
    let decimal =
        |unscaled: &str, scale| Value::Decimal { unscaled: unscaled.parse::<BigInt>().unwrap(), scale };
    for (value, expected) in [
        (Value::Null, 0),
        (Value::Boolean(true), 1231),
        (Value::Boolean(false), 1237),
        (Value::Int8(-1), -1),
        (Value::Int64(-1), 0),
        (Value::Int64(1 << 40), 256),
        (Value::Timestamp(-14_830_974_000_000), 451_925_506),
        (Value::Float32(1.5), 1_069_547_520),
        (Value::Float64(1.5), 1_073_217_536),
        (Value::Float64(-0.0), i32::MIN),
        (Value::Float64(-f64::NAN), 2_146_959_360),
        (text("日本"), 835_047),
        (decimal("123456789012345678905", 1), 1_337_890_915),
        (decimal("-125", 2), -3873),
        (Value::Array(vec![Value::Int64(1), text("a")]), 1089),
        (Value::Map(vec![(text("a"), Value::Int64(1)), (text("b"), text("x"))]), 122),
    ] {
        assert_eq!(hash(&value), Some(expected), "{value:?}");
    }
    let longs = |keys: [i64; 6]| Value::Map(keys.map(|key| (Value::Int64(key), Value::Null)).to_vec());
    let mut map = longs([5, -1, 1 << 40, 3, 17, 33]);
    order(&mut map);
    assert_eq!(map, longs([-1, 1 << 40, 17, 33, 3, 5]));
}

#[test]
fn keys_without_a_hash_code_in_java_have_one_order() {
    let map = |keys: [&'static [u8]; 3]| {
        Value::Map(keys.map(|key| (Value::Bytes(key.into()), Value::Null)).to_vec())
    };
    let (mut one, mut other) = (map([b"c", b"a", b"b"]), map([b"b", b"c", b"a"]));
    order(&mut one);
    order(&mut other);
    assert_eq!(one, other);
}

/// Objects inside each other, in lists and in objects.
fn document() -> impl Strategy<Value = Value<'static>> {
    let leaf =
        prop_oneof![any::<i64>().prop_map(Value::Int64), "[a-c]{0,2}".prop_map(|t| Value::String(t.into()))];
    leaf.prop_recursive(3, 80, 20, |inner| {
        prop_oneof![
            proptest::collection::vec(inner.clone(), 0..4).prop_map(Value::Array),
            proptest::collection::btree_map("([A-C][a-c]|BB|[0-9a-zé]{0,2})", inner, 0..60).prop_map(|map| {
                Value::Map(map.into_iter().map(|(name, value)| (Value::String(name.into()), value)).collect())
            }),
        ]
    })
}

/// The same with the members of each object in another order.
fn shuffled(value: &Value<'static>, seed: &mut u64) -> Value<'static> {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(|item| shuffled(item, seed)).collect()),
        Value::Map(entries) => {
            let entries = entries.iter().map(|(key, value)| (key.clone(), shuffled(value, seed)));
            let mut entries: Vec<_> = entries.collect();
            for at in (1..entries.len()).rev() {
                *seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
                entries.swap(at, (*seed >> 33) as usize % (at + 1));
            }
            Value::Map(entries)
        }
        other => other.clone(),
    }
}

proptest! {
    #[test]
    fn every_order_of_the_members_is_one_key(value in document(), mut seed in any::<u64>()) {
        let (mut one, mut other) = (value.clone(), shuffled(&value, &mut seed));
        order(&mut one);
        order(&mut other);
        prop_assert_eq!(one, other);
    }
}
