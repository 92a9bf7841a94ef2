//! What decoding allocates: never much more than the bytes it was given, whatever they claim.

#![allow(unsafe_code, reason = "an allocator that counts is one of two unsafe functions")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

use coherence_kafka_common::pof::{self, PofReader};
use proptest::prelude::*;

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

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_decode_in_memory_of_their_size(bytes: Vec<u8>) {
        judge(&bytes)?;
    }

    #[test]
    fn plausible_bytes_decode_in_memory_of_their_size(bytes in plausible_bytes()) {
        judge(&bytes)?;
    }

    #[test]
    fn damaged_values_decode_in_memory_of_their_size(bytes in damaged_bytes()) {
        judge(&bytes)?;
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
