use std::collections::BTreeMap;
use std::ops::Range;

use proptest::prelude::*;

use super::*;

fn key(hasher: &Hasher, n: u64) -> KeyHash {
    hasher.key(&n.to_be_bytes())
}

#[test]
fn an_entry_takes_at_most_thirty_bytes_however_many_there_are() {
    let hasher = Hasher::default();
    let mut digest = Digest::default();
    let empty = digest.bytes();
    let mut worst = 0.0_f64;
    for n in 0..400_000_u64 {
        digest.slot(key(&hasher, n)).hold(Held::Value(hasher.value(b"v")));
        // Below this the empty shards weigh more than what is in them.
        if n > 50_000 && n % 1_000 == 0 {
            worst = worst.max((digest.bytes() - empty) as f64 / digest.len() as f64);
        }
    }
    assert!(worst <= 30.0, "{worst} bytes for each entry");
    assert_eq!(size_of::<Slot>(), 16);
}

#[test]
fn tables_that_are_split_again_and_again_lose_nothing_however_the_hashes_fall() {
    const KEYS: u64 = 20_000;
    // The first ones fill a few tables alone, which are split many times before the others once.
    let key = |n: u64| {
        let (place, rest) = (if n < KEYS / 2 { n << 5 } else { n }, n.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        KeyHash { low: place << 16 | (rest & 0xFF00_0000_0000_FFFF), high: rest as u16, piece: 0 }
    };
    let held = |n: u64| Held::Value(ValueHash::from_bits(n + 3));
    let mut blocks = Blocks::default();
    for n in 0..KEYS {
        blocks.get_or_insert(key(n), || Slot::new(key(n), Held::Absent)).hold(held(n));
    }
    assert_eq!(blocks.len() as u64, KEYS);
    for n in 0..KEYS {
        assert_eq!(blocks.get(key(n)).map(Slot::held), Some(held(n)), "{n}");
    }
    assert_eq!(blocks.get(key(KEYS)), None);
}

#[test]
fn memory_is_given_back_when_most_entries_are_gone() {
    let hasher = Hasher::default();
    let mut digest = Digest::default();
    for n in 0..200_000_u64 {
        digest.slot(key(&hasher, n));
    }
    let full = digest.bytes();
    let mut n = 0;
    digest.retain(|_| {
        n += 1;
        n % 20 == 0
    });
    assert_eq!(digest.len(), 10_000);
    assert!(digest.bytes() * 5 < full, "{} of {full} bytes are kept", digest.bytes());
}

#[test]
fn a_slot_keeps_what_it_holds_beside_its_marks() {
    let hasher = Hasher::default();
    let mut digest = Digest::default();
    let value = Held::Value(hasher.value(b"value"));
    let slot = digest.slot(key(&hasher, 1));
    for held in [value, Held::Absent, value] {
        for marks in (0..8).map(|bits| (bits & 1 > 0, bits & 2 > 0, bits & 4 > 0)) {
            slot.hold(held);
            slot.set_seen(marks.0);
            slot.set_ahead(marks.1);
            slot.set_doubtful(marks.2);
            assert_eq!((slot.held(), (slot.is_seen(), slot.is_ahead(), slot.is_doubtful())), (held, marks));
        }
    }
    assert!(slot.is(key(&hasher, 1)) && !slot.is(key(&hasher, 2)));
}

#[test]
fn a_digest_takes_over_from_another_one_what_is_chosen_of_it() {
    const KEYS: u64 = 5_000;
    let hasher = Hasher::default();
    let value = |n: u64| Held::Value(hasher.value(&n.to_be_bytes()));
    let (mut digest, mut other) = (Digest::default(), Digest::default());
    for n in 0..KEYS {
        if n % 2 == 0 {
            digest.slot(key(&hasher, n)).hold(value(1));
        }
        let slot = other.slot(key(&hasher, n));
        slot.hold(value(2));
        slot.set_ahead(n % 3 == 0);
    }
    digest.take_over(other, |mine, other| (mine.is_none() || other.is_ahead()).then_some(*other));
    assert_eq!(digest.len() as u64, KEYS);
    for n in 0..KEYS {
        let slot = digest.get(key(&hasher, n)).unwrap();
        let kept = n % 2 == 0 && n % 3 != 0;
        assert_eq!((slot.held(), slot.is_ahead()), (value(if kept { 1 } else { 2 }), n % 3 == 0), "{n}");
    }
}

#[test]
fn a_key_has_another_hash_in_each_partition() {
    let hasher = Hasher::default();
    assert_ne!(hasher.key_in(1, b"k"), hasher.key_in(2, b"k"));
    assert_eq!(hasher.key_in(1, b"k"), hasher.key_in(1, b"k"));
}

#[test]
fn two_processes_hash_the_same_bytes_differently() {
    assert_ne!(Hasher::default().key(b"k"), Hasher::default().key(b"k"));
    assert_ne!(Hasher::default().value(b"k"), Hasher::default().value(b"k"));
}

/// What is done to a range of keys: 0 removes them, 1 forgets those of one value, whichever they are, and all else puts.
type Step = (Range<u64>, u8);

fn holds_what_a_map_would(steps: Vec<Step>, keys: u64) -> Result<(), TestCaseError> {
    let hasher = Hasher::default();
    let mut digest = Digest::default();
    let mut model = BTreeMap::new();
    for (range, operation) in steps {
        let value = hasher.value(&[operation]);
        match operation {
            0 => range.for_each(|n| {
                digest.remove(key(&hasher, n));
                model.remove(&n);
            }),
            1 => {
                digest.retain(|slot| slot.held() != Held::Value(hasher.value(&[2])));
                model.retain(|_, held| *held != hasher.value(&[2]));
            }
            _ => range.for_each(|n| {
                digest.slot(key(&hasher, n)).hold(Held::Value(value));
                model.insert(n, value);
            }),
        }
        prop_assert_eq!(digest.len(), model.len());
        prop_assert_eq!(digest.iter().count(), model.len());
    }
    for n in 0..keys {
        let held = digest.get(key(&hasher, n)).map(Slot::held);
        prop_assert_eq!(held, model.get(&n).map(|value| Held::Value(*value)));
    }
    Ok(())
}

proptest! {
    #[test]
    fn it_holds_what_a_map_would(steps in proptest::collection::vec((0_u64..40, 0_u8..4), 0..300)) {
        holds_what_a_map_would(steps.into_iter().map(|(n, operation)| (n..n + 1, operation)).collect(), 40)?;
    }
}

/// So many that tables are split.
const MANY: u64 = 300_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]
    #[test]
    fn it_holds_what_a_map_would_when_its_tables_are_split(
        steps in proptest::collection::vec(((0..MANY, 1..MANY), 0_u8..8), 0..12),
    ) {
        let steps = steps
            .into_iter()
            .map(|((first, count), operation)| (first..(first + count).min(MANY), operation));
        holds_what_a_map_would(steps.collect(), MANY)?;
    }
}
