use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;

const SMALL: Limits = Limits { bytes: 100, items: 8 };

#[test]
fn the_limit_is_exceeded_by_less_than_one_item() {
    let mut ledger = Ledger::new(SMALL);
    ledger.hold("a", 99);
    assert!(ledger.has_room());
    ledger.hold("b", 70);
    assert!(!ledger.has_room());
    let (_, stake) = ledger.take(1).unwrap();
    assert!(!ledger.has_room(), "its outcome is not told yet");
    ledger.settle(stake);
    assert!(ledger.has_room());
}

#[test]
fn the_number_of_items_is_limited_too() {
    let mut ledger = Ledger::new(Limits { bytes: 100, items: 2 });
    ledger.hold((), 1);
    ledger.hold((), 1);
    assert!(!ledger.has_room());
    ledger.abandon(|()| true);
    assert!(!ledger.has_room(), "the records of what was abandoned are still there");
    assert!(ledger.take(0).is_none());
    assert!(ledger.has_room());
}

#[test]
fn a_mark_does_not_wait_for_what_came_after_it() {
    let mut ledger = Ledger::new(SMALL);
    let before = ledger.hold("before", 1);
    let mark = ledger.mark();
    ledger.hold("after", 1);
    assert!(!ledger.has_reached(mark));
    let (_, stake) = ledger.take(before).unwrap();
    assert!(!ledger.has_reached(mark), "its outcome is not told yet");
    ledger.settle(stake);
    assert!(ledger.has_reached(mark));
}

#[test]
fn a_mark_on_an_idle_ledger_is_reached_at_once() {
    let mut ledger = Ledger::<()>::new(SMALL);
    let mark = ledger.mark();
    assert!(ledger.has_reached(mark));
}

#[derive(Debug, Clone)]
enum Step {
    Hold(usize),
    /// Of what is in use, the one at this place.
    Report(usize),
    Settle(usize),
    Abandon(u8),
    Mark,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (0_usize..40).prop_map(Step::Hold),
        3 => any::<usize>().prop_map(Step::Report),
        3 => any::<usize>().prop_map(Step::Settle),
        1 => (0_u8..3).prop_map(Step::Abandon),
        1 => Just(Step::Mark),
    ]
}

proptest! {
    /// Against a model that keeps everything in plain lists.
    #[test]
    fn every_item_comes_back_once_and_no_byte_is_lost(steps in proptest::collection::vec(step(), 0..200)) {
        let mut ledger = Ledger::new(SMALL);
        let mut serial = 0_u32;
        // By number: the item and its bytes; none for an abandoned one.
        let mut in_use: BTreeMap<usize, (Option<u32>, usize)> = BTreeMap::new();
        // Told or not: which items wait to be settled, and with what.
        let mut unsettled: Vec<(u32, Stake, usize)> = Vec::new();
        let mut marks: Vec<(Mark, Vec<u32>)> = Vec::new();
        for step in steps {
            match step {
                Step::Hold(bytes) if ledger.has_room() => {
                    serial += 1;
                    let expected = ledger.next_number();
                    prop_assert_eq!(ledger.hold(serial, bytes), expected);
                    prop_assert!(in_use.insert(expected, (Some(serial), bytes)).is_none());
                }
                Step::Report(place) if !in_use.is_empty() => {
                    let number = *in_use.keys().nth(place % in_use.len()).unwrap();
                    let (item, bytes) = in_use.remove(&number).unwrap();
                    let taken = ledger.take(number);
                    prop_assert_eq!(taken.map(|(item, _)| item), item);
                    unsettled.extend(taken.map(|(item, stake)| (item, stake, bytes)));
                    prop_assert!(ledger.take(number).is_none());
                }
                Step::Settle(place) if !unsettled.is_empty() => {
                    let (_, stake, _) = unsettled.swap_remove(place % unsettled.len());
                    ledger.settle(stake);
                }
                Step::Abandon(third) => {
                    let mut back = ledger.abandon(|item| item % 3 == u32::from(third));
                    for (item, _) in &mut in_use.values_mut() {
                        if item.is_some_and(|item| item % 3 == u32::from(third)) {
                            let at = back.iter().position(|(given, _)| Some(*given) == *item);
                            let (given, stake) = back.swap_remove(at.unwrap());
                            unsettled.push((given, stake, 0));
                            *item = None;
                        }
                    }
                    prop_assert!(back.is_empty());
                }
                Step::Mark => {
                    let held = in_use.values().filter_map(|(item, _)| *item);
                    let before = held.chain(unsettled.iter().map(|(item, ..)| *item)).collect();
                    marks.push((ledger.mark(), before));
                }
                _ => {}
            }
            let bytes: usize = in_use.values().map(|(_, bytes)| bytes).sum();
            prop_assert_eq!(ledger.bytes(), bytes + unsettled.iter().map(|(_, _, bytes)| bytes).sum::<usize>());
            prop_assert_eq!(ledger.held(), in_use.values().filter(|(item, _)| item.is_some()).count());
            prop_assert_eq!(ledger.numbers(), in_use.keys().copied().collect::<Vec<_>>());
            let open: Vec<u32> = in_use
                .values()
                .filter_map(|(item, _)| *item)
                .chain(unsettled.iter().map(|(item, ..)| *item))
                .collect();
            for (mark, before) in &marks {
                prop_assert_eq!(ledger.has_reached(*mark), !before.iter().any(|item| open.contains(item)));
            }
        }
    }
}
