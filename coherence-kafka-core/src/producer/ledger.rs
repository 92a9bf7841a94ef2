//! The items that wait for their outcome, and the bound on their bytes.
//!
//! Pure. An item is held under a number from when its record is handed over until its record is reported. It may be
//! abandoned before: then it is returned, and only its bytes stay until its record is reported after all.
//!
//! `flush` returns a mark. Everything that is held at that point is settled once the mark is reached; later items do
//! not matter.

use std::collections::VecDeque;

/// See the module.
#[derive(Debug)]
pub(crate) struct Ledger<T> {
    slots: Vec<Slot<T>>,
    free: Vec<usize>,
    max: Limits,
    bytes: usize,
    held: usize,
    /// How many are unsettled of each epoch, the first of which is `epoch`; a mark ends an epoch.
    unsettled: VecDeque<usize>,
    epoch: u64,
}

/// How much a ledger holds at most, one item more.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Limits {
    pub bytes: usize,
    pub items: usize,
}

#[derive(Debug)]
enum Slot<T> {
    Free,
    Held(T, Stake),
    /// Already returned; its bytes are still in use.
    Abandoned(usize),
}

/// The bytes of an item, to be settled when its outcome has been reported.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stake {
    bytes: usize,
    epoch: u64,
}

/// See [`Ledger::mark`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Mark(u64);

impl<T> Ledger<T> {
    pub(super) fn new(max: Limits) -> Self {
        Self {
            slots: Vec::new(),
            free: Vec::new(),
            max,
            bytes: 0,
            held: 0,
            unsettled: VecDeque::from([0]),
            epoch: 0,
        }
    }

    /// Returns whether one more item may be held, whatever its size: the limit of bytes is exceeded by less than one
    /// item.
    pub(super) fn has_room(&self) -> bool {
        self.bytes < self.max.bytes && self.slots.len() - self.free.len() < self.max.items
    }

    /// Returns whether a quarter of what may be held is free.
    pub(super) fn has_much_room(&self) -> bool {
        let items = self.slots.len() - self.free.len();
        self.bytes <= self.max.bytes / 4 * 3 && items <= self.max.items / 4 * 3 && self.has_room()
    }

    /// Returns whether half of what may be held is in use.
    pub(super) fn is_half_full(&self) -> bool {
        let items = self.slots.len() - self.free.len();
        self.bytes >= self.max.bytes / 2 || items >= self.max.items / 2
    }

    /// Returns the item of this number, where it is held and was not abandoned.
    pub(super) fn item(&self, number: usize) -> Option<&T> {
        match self.slots.get(number)? {
            Slot::Held(item, _) => Some(item),
            _ => None,
        }
    }

    /// Bytes of everything that is held, was abandoned, or is taken and not settled yet.
    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    /// Returns how many items are held.
    pub(super) fn held(&self) -> usize {
        self.held
    }

    /// Returns the next number of [`Ledger::hold`].
    pub(super) fn next_number(&self) -> usize {
        self.free.last().copied().unwrap_or(self.slots.len())
    }

    /// Holds an item; its number.
    pub(super) fn hold(&mut self, item: T, bytes: usize) -> usize {
        let stake = Stake { bytes, epoch: self.epoch + self.unsettled.len() as u64 - 1 };
        if let Some(newest) = self.unsettled.back_mut() {
            *newest += 1;
        }
        self.bytes += bytes;
        self.held += 1;
        let slot = Slot::Held(item, stake);
        match self.free.pop() {
            Some(number) => {
                self.slots[number] = slot;
                number
            }
            None => {
                self.slots.push(slot);
                self.slots.len() - 1
            }
        }
    }

    /// Handles the report of the record of this number. Returns its item, unless it was abandoned. Its number is free
    /// now.
    pub(super) fn take(&mut self, number: usize) -> Option<(T, Stake)> {
        let slot = self.slots.get_mut(number)?;
        match std::mem::replace(slot, Slot::Free) {
            Slot::Free => None,
            Slot::Held(item, stake) => {
                self.held -= 1;
                self.free.push(number);
                Some((item, stake))
            }
            Slot::Abandoned(bytes) => {
                self.bytes -= bytes;
                self.free.push(number);
                None
            }
        }
    }

    /// Returns the items that `which` selects, in no order. Their records will still be reported; until then their
    /// numbers and bytes are not free.
    pub(super) fn abandon(&mut self, mut which: impl FnMut(&T) -> bool) -> Vec<(T, Stake)> {
        let mut given_back = Vec::new();
        for slot in &mut self.slots {
            if !matches!(slot, Slot::Held(item, _) if which(item)) {
                continue;
            }
            if let Slot::Held(item, stake) = std::mem::replace(slot, Slot::Free) {
                *slot = Slot::Abandoned(stake.bytes);
                // The bytes go with the slot.
                given_back.push((item, Stake { bytes: 0, ..stake }));
            }
        }
        self.held -= given_back.len();
        given_back
    }

    /// Returns whether the item of this number is held and was not abandoned.
    pub(super) fn is_held(&self, number: usize) -> bool {
        matches!(self.slots.get(number), Some(Slot::Held(..)))
    }

    /// Returns the numbers of everything that is held or abandoned.
    pub(super) fn numbers(&self) -> Vec<usize> {
        let in_use = |(number, slot): (usize, &Slot<T>)| (!matches!(slot, Slot::Free)).then_some(number);
        self.slots.iter().enumerate().filter_map(in_use).collect()
    }

    /// Settles an item whose outcome has been reported.
    pub(super) fn settle(&mut self, stake: Stake) {
        self.bytes -= stake.bytes;
        let index = usize::try_from(stake.epoch - self.epoch).unwrap_or(usize::MAX);
        if let Some(count) = self.unsettled.get_mut(index) {
            *count -= 1;
        }
        while self.unsettled.len() > 1 && self.unsettled.front() == Some(&0) {
            self.unsettled.pop_front();
            self.epoch += 1;
        }
    }

    /// Returns a mark that is reached once everything that is held or taken now is settled.
    pub(super) fn mark(&mut self) -> Mark {
        if self.unsettled.back().is_some_and(|newest| *newest > 0) {
            self.unsettled.push_back(0);
        }
        Mark(self.epoch + self.unsettled.len() as u64 - 1)
    }

    /// Returns whether everything before the mark is settled.
    pub(super) fn has_reached(&self, mark: Mark) -> bool {
        self.epoch >= mark.0
    }
}

#[cfg(test)]
mod tests;
