//! The observers of the entries that are held.
//!
//! An entry has the number of its observer, and the observer is counted here, under the lock of the producer: a
//! separate count that two threads share would move between processor caches with every entry.

use std::sync::Arc;

use super::Account;
use crate::observer::StoreObserver;

/// An observer, for one store.
pub(super) struct Observer {
    pub observer: Arc<dyn StoreObserver>,
    pub account: Arc<Account>,
}

/// See the module.
#[derive(Default)]
pub(super) struct Observers {
    slots: Vec<Option<Held>>,
    free: Vec<u32>,
    /// The last number that was assigned; it may be free again.
    newest: u32,
}

struct Held {
    observer: Arc<Observer>,
    /// How many entries have its number.
    entries: usize,
}

impl Observer {
    fn is(&self, observer: &Arc<dyn StoreObserver>, account: &Arc<Account>) -> bool {
        Arc::ptr_eq(&self.account, account) && std::ptr::addr_eq(&*self.observer, &**observer)
    }
}

impl Observers {
    /// Counts an entry; the number of its observer.
    pub(super) fn hold(&mut self, observer: &Arc<dyn StoreObserver>, account: &Arc<Account>) -> u32 {
        if let Some(Some(held)) = self.slots.get_mut(self.newest as usize)
            && held.observer.is(observer, account)
        {
            held.entries += 1;
            return self.newest;
        }
        let observer = Arc::new(Observer { observer: observer.clone(), account: account.clone() });
        let held = Some(Held { observer, entries: 1 });
        self.newest = match self.free.pop() {
            Some(number) => {
                self.slots[number as usize] = held;
                number
            }
            None => {
                self.slots.push(held);
                (self.slots.len() - 1) as u32
            }
        };
        self.newest
    }

    /// Returns the observer of a number.
    pub(super) fn get(&self, number: u32) -> Option<&Observer> {
        self.slots.get(number as usize)?.as_ref().map(|held| &*held.observer)
    }

    /// Releases `entries` entries of an observer. Returns it, because it must not be dropped under the lock.
    pub(super) fn release(&mut self, number: u32, entries: usize) -> Option<Arc<Observer>> {
        let slot = self.slots.get_mut(number as usize)?;
        let held = slot.as_mut()?;
        held.entries -= entries;
        if held.entries > 0 {
            return Some(held.observer.clone());
        }
        self.free.push(number);
        slot.take().map(|held| held.observer)
    }
}
