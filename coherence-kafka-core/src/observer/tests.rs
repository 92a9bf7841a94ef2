use parking_lot::Mutex;

use super::*;
use crate::testing::{entry, removed};

/// Does with many at once what it is made with, and notes what it is told.
struct Told<F>(F, Mutex<Vec<BinaryEntry>>);

impl<F: Fn(&Mutex<Vec<BinaryEntry>>, &mut dyn Iterator<Item = BinaryEntry>) + Send + Sync> StoreObserver
    for Told<F>
{
    fn on_next(&self, entry: BinaryEntry) {
        self.1.lock().push(entry);
    }

    fn on_next_all(&self, entries: &mut dyn Iterator<Item = BinaryEntry>) {
        self.0(&self.1, entries);
    }

    fn on_error(&self, _: BinaryEntry, _: StoreError) {
        panic!("a test");
    }
}

fn three() -> Vec<BinaryEntry> {
    (0..3).map(|n| entry(n, "v")).collect()
}

#[test]
fn who_panics_with_an_entry_in_hand_is_told_of_the_others() {
    let told = Told(
        |told: &Mutex<Vec<_>>, entries: &mut dyn Iterator<Item = BinaryEntry>| {
            for entry in entries {
                let panics = entry == three()[1];
                told.lock().push(entry);
                assert!(!panics, "a test");
            }
        },
        Mutex::default(),
    );
    notify_all(&told, three());
    assert_eq!(*told.1.lock(), three());
}

#[test]
fn who_panics_before_it_takes_an_entry_has_been_told_of_one_each_time() {
    let calls = Mutex::new(0);
    let told = Told(
        |_: &Mutex<Vec<_>>, _: &mut dyn Iterator<Item = BinaryEntry>| {
            *calls.lock() += 1;
            panic!("a test");
        },
        Mutex::default(),
    );
    notify_all(&told, three());
    assert_eq!(*calls.lock(), 3);
    notify_error(&told, removed(1), StoreError::Closed);
}
