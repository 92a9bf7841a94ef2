use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

fn key(n: u16) -> Bytes {
    Bytes::from([&[0x15, 0x01][..], &n.to_be_bytes()].concat())
}

fn decorated(n: u16) -> Bytes {
    Bytes::from([&[0x0D, 0x05][..], &key(n)].concat())
}

proptest! {
    #[test]
    fn every_key_keeps_its_number_and_content_until_it_is_removed(
        operations in proptest::collection::vec((0_u16..600, 0_u8..5), 0..3_000),
    ) {
        let mut slots = Slots::default();
        let mut model = BTreeMap::new();
        for (at, (n, operation)) in operations.into_iter().enumerate() {
            match operation {
                0 => {
                    if let Some((number, _)) = model.remove(&n) {
                        slots.remove(number);
                    }
                }
                1..3 => {
                    let key = if operation == 1 { key(n) } else { decorated(n) };
                    let (number, held) = slots.entry(&key, || at);
                    let held = *held;
                    let (known, content) = *model.entry(n).or_insert((number, at));
                    prop_assert_eq!(number, known);
                    prop_assert_eq!((held, slots.get_mut(number).copied()), (content, Some(content)));
                }
                _ => {
                    for key in [key(n), decorated(n)] {
                        let found = slots.find(&key).map(|(number, content)| (number, *content));
                        prop_assert_eq!(found, model.get(&n).copied());
                    }
                    let asked = [n, n + 1, n];
                    let found = slots.find_all(asked.map(key).iter());
                    let known = asked.map(|n| model.get(&n).map(|(number, _)| *number));
                    prop_assert_eq!(found, known);
                }
            }
            prop_assert_eq!(slots.is_empty(), model.is_empty());
        }
        let mut numbers = slots.numbers();
        numbers.sort_unstable();
        let mut known: Vec<Number> = model.values().map(|(number, _)| *number).collect();
        known.sort_unstable();
        prop_assert_eq!(numbers, known);
    }
}

#[test]
fn a_key_that_comes_again_frees_the_memory_of_the_one_before() {
    let mut slots = Slots::default();
    let older = key(1);
    slots.entry(&older, || ());
    assert!(!older.is_unique());
    slots.entry(&key(1), || ());
    assert!(older.is_unique());
}
