//! What decoding allocates: never much more than the bytes it was given, whatever they claim.

#![allow(unsafe_code, reason = "an allocator that counts is one of two unsafe functions")]
#![allow(
    clippy::unwrap_used,
    reason = "Clippy sees a test only in a #[test] function, not in what several of them share"
)]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use std::collections::BTreeMap;

use coherence_kafka_common::java_format;
use coherence_kafka_common::local::{LocalOptions, LocalSession};
use coherence_kafka_common::map::{Entries, Expiry, Format, Session as _};
use coherence_kafka_common::pass_through::Part;
use coherence_kafka_common::pof::{self, PofContext, PofReader, PofValue};
use coherence_kafka_common::serializer::json::{JsonClasses, JsonSerde, JsonValueSerde};
use coherence_kafka_common::serializer::registry::deserializer;
use coherence_kafka_common::serializer::{BincodeSerde, Deserializer, PofSerde};
use futures::FutureExt as _;
use proptest::prelude::*;
use serde::Deserialize;

#[path = "support/arbitrary.rs"]
mod arbitrary;

use arbitrary::{damaged_bytes, plausible_bytes};

/// Counts the bytes that the present thread holds, and the most it held.
struct Counting;

thread_local! {
    static HELD: Cell<(usize, usize)> = const { Cell::new((0, 0)) };
}

fn count(grown: usize, shrunk: usize) {
    let _ = HELD.try_with(|held| {
        let (now, most) = held.get();
        let now = now.wrapping_add(grown).wrapping_sub(shrunk);
        held.set((now, most.max(now)));
    });
}

// SAFETY: everything is left to the allocator of the system.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        count(layout.size(), 0);
        // SAFETY: as for the caller.
        unsafe { System.alloc(layout) }
    }

    unsafe fn dealloc(&self, pointer: *mut u8, layout: Layout) {
        count(0, layout.size());
        // SAFETY: as for the caller.
        unsafe { System.dealloc(pointer, layout) }
    }
}

#[global_allocator]
static ALLOCATOR: Counting = Counting;

/// The most bytes held at once beyond what was held before.
fn most_held<T>(run: impl FnOnce() -> T) -> usize {
    let (before, _) = HELD.get();
    HELD.set((0, 0));
    drop(run());
    let (left, most) = HELD.get();
    HELD.set((before.wrapping_add(left), before.wrapping_add(left)));
    most
}

/// A value of one byte becomes one of 48, and a vector that grows holds its old and its new elements at once.
const PER_BYTE: usize = 200;
/// The forms that a binary of Java may have.
const FORMATS: &[u8] = &[
    0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 0x0B, 0x0D, 0x0E, 0x0F, 0x10, 0x11, 0x12, 0x13, 0x15, 0x16, 0x17, 0x18,
    0x19,
];
/// Of a session, whatever it holds, and the buffer of a file.
const SNAPSHOT_ALWAYS: usize = 1 << 20;
/// The stack of open containers, and the first elements of small vectors.
const ALWAYS: usize = 8 * 1024;

fn judge(bytes: &[u8]) -> Result<(), TestCaseError> {
    let allowed = ALWAYS + PER_BYTE * bytes.len();
    prop_assert_eq!(most_held(|| pof::check(bytes)), 0);
    prop_assert_eq!(most_held(|| PofReader::new(bytes).skip()), 0);
    let held = most_held(|| pof::decode(bytes));
    prop_assert!(held <= allowed, "decode held {held} of {allowed}");
    let held = most_held(|| PofReader::new(bytes).elements(|reader| reader.string()));
    prop_assert!(held <= allowed, "elements held {held} of {allowed}");
    // Copies take up to 16 times as much again.
    let held = most_held(|| PofReader::resolving(bytes).map(|_| ()));
    prop_assert!(held <= allowed, "resolving held {held} of {allowed}");
    Ok(())
}

/// A type of many forms, most of whose parts are larger in memory than in bytes.
#[derive(Deserialize)]
#[allow(dead_code, reason = "only read")]
struct Typed {
    text: String,
    list: Vec<Typed>,
    wide: Vec<i128>,
    map: BTreeMap<String, Option<u8>>,
    nothing: Vec<()>,
    maybe: Option<Box<Typed>>,
}

/// What a decoder holds at most for these bytes: what it gives, twice where that grows.
fn judge_decoder<T>(name: &str, bytes: &[u8], decoder: &dyn Deserializer<T>) -> Result<(), TestCaseError> {
    let allowed = ALWAYS + PER_BYTE * bytes.len();
    let held = most_held(|| decoder.deserialize("t", &[], bytes));
    prop_assert!(held <= allowed, "{name} held {held} of {allowed} for {} bytes", bytes.len());
    Ok(())
}

fn of_kafka(class: &str, properties: &[(&str, &str)]) -> std::sync::Arc<dyn Deserializer<PofValue>> {
    let properties =
        properties.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect();
    deserializer(&format!("org.apache.kafka.common.serialization.{class}"), Part::Value, &properties).unwrap()
}

fn judge_all(bytes: &[u8]) -> Result<(), TestCaseError> {
    let allowed = ALWAYS + PER_BYTE * bytes.len();
    let held = most_held(|| java_format::value_from_binary(bytes));
    prop_assert!(held <= allowed, "the default serializer held {held} of {allowed}");
    judge_decoder::<Typed>("bincode", bytes, &BincodeSerde)?;
    judge_decoder::<Vec<Vec<u64>>>("bincode", bytes, &BincodeSerde)?;
    judge_decoder::<BTreeMap<String, Vec<u8>>>("bincode", bytes, &BincodeSerde)?;
    let list = [
        ("default.list.value.serde.type", "java.util.ArrayList"),
        ("default.list.value.serde.inner", "org.apache.kafka.common.serialization.Serdes$StringSerde"),
    ];
    judge_decoder::<PofValue>("a list", bytes, &of_kafka("ListDeserializer", &list))?;
    judge_decoder::<PofValue>("a text", bytes, &of_kafka("StringDeserializer", &[]))?;
    let binary = [&[0x15], bytes].concat();
    let classes = PofContext::builder().user_type("Typed", 1001).build().unwrap();
    judge_decoder::<Typed>("POF through serde", &binary, &PofSerde::new(classes))?;
    judge_decoder::<PofValue>("POF through serde", &binary, &PofSerde::default())?;
    judge_decoder::<Typed>("JSON", &binary, &JsonSerde::new(JsonClasses::default()))?;
    judge_decoder::<PofValue>("JSON", &binary, &JsonValueSerde)?;
    judge_decoder::<serde_json::Value>("JSON", &binary, &JsonValueSerde)?;
    Ok(())
}

/// Text that gets further into JSON than any bytes do.
fn plausible_json() -> impl Strategy<Value = Vec<u8>> {
    let piece = prop::sample::select(vec![
        "{",
        "}",
        "[",
        "]",
        ",",
        ":",
        "1",
        "-1e9",
        "\"a\"",
        "\"\\u0041\"",
        "null",
        "true",
        "\"@class\":",
        "\"math.BigInt\"",
        "\"value\":",
        "\"entries\":[",
        "{\"key\":",
        "\"text\":",
        "\"list\":[",
        " ",
    ]);
    prop::collection::vec(piece, 0..100).prop_map(|pieces| pieces.concat().into_bytes())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_decode_in_memory_of_their_size(bytes: Vec<u8>, format in prop::sample::select(FORMATS)) {
        judge(&bytes)?;
        judge_all(&[&[format], &bytes[..]].concat())?;
    }

    #[test]
    fn plausible_json_decodes_in_memory_of_its_size(json in plausible_json()) {
        judge_all(&json)?;
    }

    #[test]
    fn small_numbers_decode_in_memory_of_their_size(bytes in prop::collection::vec(0_u8..4, 0..200)) {
        judge_all(&bytes)?;
    }

    #[test]
    fn plausible_bytes_decode_in_memory_of_their_size(bytes in plausible_bytes()) {
        judge(&bytes)?;
        judge_all(&bytes)?;
    }

    #[test]
    fn damaged_values_decode_in_memory_of_their_size(bytes in damaged_bytes()) {
        judge(&bytes)?;
        judge_all(&bytes)?;
    }
}

#[test]
fn containers_that_claim_more_than_is_there_get_nothing_for_it() {
    for id in [0x55, 0x57, 0x5B] {
        let mut bytes = [id, 0x80, 0x01].repeat(60);
        bytes.resize(bytes.len() + 128, 0x64);
        judge(&bytes).unwrap();
    }
}

#[test]
fn references_to_references_do_not_multiply_without_bound() {
    // An array of twenty objects, each of which holds the one before twice: a million copies of the first.
    let mut bytes = vec![0x57, 20, 0x5E, 1, 0xA9, 0x0F, 0, 0x40];
    for id in 2..=20 {
        bytes.extend_from_slice(&[0x5E, id, 0xA9, 0x0F, 0, 0, 0x5F, id - 1, 1, 0x5F, id - 1, 0x40]);
    }
    let mut refused = false;
    let held = most_held(|| refused = PofReader::resolving(&bytes).unwrap().value().is_err());
    assert!(refused);
    assert!(held < 16 * 1024 * 1024, "{held}");
}

#[test]
fn lengths_that_claim_more_than_is_there_get_nothing_for_it() {
    // The largest numbers of each width of bincode and of packed integers, alone and behind 4,096 zeros.
    let claims: [&[u8]; 5] = [
        &[251, 0xFF, 0xFF],
        &[252, 0xFF, 0xFF, 0xFF, 0x7F],
        &[253, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F],
        &[0xBF, 0xFF, 0xFF, 0xFF, 0x0F],
        &[0x7F, 0xFF, 0xFF, 0xFF],
    ];
    for claim in claims {
        for before in [0, 1, 4097] {
            for format in FORMATS {
                let bytes = [&[*format][..], &vec![0; before], claim, &[1; 8]].concat();
                judge_all(&bytes).unwrap();
                judge_all(&[claim, &vec![0; before]].concat()).unwrap();
            }
        }
    }
}

#[test]
fn a_damaged_snapshot_loads_in_memory_of_its_size() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("snapshot");
    let session = LocalSession::new(Format::Pof);
    let put = async {
        let map = session.map("orders").await.unwrap();
        let entries = Entries::from_pairs((0..100_u32).map(|n| (n.to_be_bytes(), [7; 100])));
        map.put_all(entries.into(), Expiry::Default).await.unwrap();
    };
    put.now_or_never().unwrap();
    session.save(&file, b"").unwrap();
    let whole = std::fs::read(&file).unwrap();
    for at in 0..whole.len().min(200) {
        for byte in [0, 1, 0x7F, 0xFF] {
            let mut damaged = whole.clone();
            damaged[at] = byte;
            std::fs::write(&file, &damaged).unwrap();
            let held = most_held(|| LocalSession::load(&file, LocalOptions::default()));
            assert!(held <= SNAPSHOT_ALWAYS + PER_BYTE * damaged.len(), "{held} for byte {at}");
        }
    }
}
