//! The queue of changes that are written behind the map. Pure: no I/O, no clock.
//!
//! ```text
//!            accept                take                     settle
//! mutation ─────────► unripe ──► ready ──► in flight ──┬──► stored
//!                       ▲  (a newer one of the key     ├──► requeued ──► later ──► ready
//!                       └─  takes its place)           ├──► superseded by a newer one of its key
//!                                                      └──► failed: reported
//! ```
//!
//! Of each key at most one mutation waits, the newest, and at most one is in flight; what waits behind one in flight is
//! not taken before that one is settled. A mutation that takes the place of another keeps the time at which that one
//! would have been written: a key that changes all the time is still written once for each delay.
//!
//! A store that takes nothing until an operator acts is not asked for each mutation: after an [`Outcome::Blocked`] nothing
//! is taken for a while, each time for longer, until something is stored.
//!
//! Every accepted mutation ends in exactly one of stored, replaced (a newer one of its key stands for it) and failed.
//! Every byte that was accepted is released exactly once, by the call that ends it, so that admission by bytes keeps
//! the bound.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use bytes::Bytes;

use crate::binary_entry::BinaryEntry;
use slots::{Number, Slots};

mod slots;

/// Memory of one entry in addition to its bytes, roughly: its place in the table and in a list.
const ENTRY_BYTES: usize = 256;

/// Returns the bytes for which an entry counts from its acceptance to its end.
pub(super) fn size_of(key_len: usize, value_len: usize) -> usize {
    key_len.saturating_add(value_len).saturating_add(ENTRY_BYTES)
}

fn size(entry: &BinaryEntry) -> usize {
    size_of(entry.key.len(), entry.value.as_ref().map_or(0, Bytes::len))
}

/// How the queue decides. All times are counted from one moment, whichever it is.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    /// How long a mutation waits before it is ripe.
    pub delay: Duration,
    /// The part of `delay` by which one may be early where another is ripe, 0 to 1.
    pub batch_factor: f64,
    /// The most that [`Queue::take`] returns at once.
    pub max_batch: usize,
    /// Whether what failed waits again.
    pub requeue: bool,
    /// How long what failed waits, and a blocked store at first.
    pub retry_delay: Duration,
    /// How long a blocked store waits at most.
    pub longest_retry_delay: Duration,
}

/// Until when nothing is taken, because the store is blocked, and how long that is in all.
#[derive(Debug, Clone, Copy)]
struct Pause {
    until: Duration,
    length: Duration,
}

impl Pause {
    /// Returns the pause after a blocked attempt: one for all changes of the attempt.
    fn after(last: Option<Pause>, now: Duration, settings: &Settings) -> Pause {
        let length = match last {
            Some(pause) if now < pause.until => return pause,
            Some(pause) => pause.length.saturating_mul(2).min(settings.longest_retry_delay),
            None => settings.retry_delay,
        };
        Pause { until: now.saturating_add(length), length }
    }
}

/// The state of a write-behind map.
#[derive(Debug)]
pub(super) struct Queue {
    settings: Settings,
    slots: Slots<KeyState>,
    /// What waits for its time, by time; requeued mutations have their own list, for another delay.
    unripe: VecDeque<(Duration, Number)>,
    later: VecDeque<(Duration, Number)>,
    /// What may be taken.
    ready: VecDeque<Number>,
    pause: Option<Pause>,
    /// How many are not ended, for each epoch that has some.
    unended: BTreeMap<u64, usize>,
    /// A flush begins the next one.
    epoch: u64,
    /// The newest epoch that a flush waits for: until it has ended nothing waits for its time.
    flush_to: Option<u64>,
    abandoned: bool,
    counts: Counts,
}

/// The counts of a map that writes behind: the outcomes so far, and the changes that wait now.
///
/// `accepted` = `stored` + `replaced` + `failed` + `queued` + `in_flight`, at any moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Counts {
    /// Taken into the queue.
    pub accepted: u64,
    /// Stored, acknowledged.
    pub stored: u64,
    /// Replaced by a newer one of their key before they were stored.
    pub replaced: u64,
    /// Failed for good.
    pub failed: u64,
    /// Failed and waited again; each time counts.
    pub requeued: u64,
    /// Waiting now.
    pub queued: usize,
    /// Submitted to the store, without outcome.
    pub in_flight: usize,
    /// What waits and what is in flight, in bytes.
    pub bytes: usize,
}

/// A key with something waiting or in flight.
#[derive(Debug, Default)]
struct KeyState {
    queued: Option<Queued>,
    in_flight: Option<Flight>,
}

#[derive(Debug)]
struct Queued {
    entry: BinaryEntry,
    epoch: u64,
    /// It was its turn, but one of its key was in flight: it is in no list.
    parked: bool,
}

#[derive(Debug)]
struct Flight {
    bytes: usize,
    epoch: u64,
    update: bool,
}

/// How a mutation came back from the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Stored,
    /// Not taken for want of room: it may be taken again at once.
    NotTaken,
    /// The same may succeed later.
    Retriable,
    /// Nothing succeeds until an operator acts.
    Blocked,
    /// It never will.
    Refused,
}

/// What becomes of a mutation that came back, and of what it took.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Settled {
    pub fate: Fate,
    /// The bytes that are free now.
    pub freed: usize,
    /// To be passed to [`Queue::end`] once the outcome is reported: until then a flush waits.
    pub epoch: Option<u64>,
}

/// What becomes of a mutation that came back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Fate {
    Stored,
    Requeued,
    /// It failed, and a newer one of its key waits.
    Replaced,
    /// It failed for good.
    Failed,
    /// Nothing of this key was in flight.
    Unknown,
}

impl Queue {
    pub(super) fn new(settings: Settings) -> Self {
        Self {
            settings,
            slots: Slots::default(),
            unripe: VecDeque::new(),
            later: VecDeque::new(),
            ready: VecDeque::new(),
            pause: None,
            unended: BTreeMap::new(),
            epoch: 0,
            flush_to: None,
            abandoned: false,
            counts: Counts::default(),
        }
    }

    /// Accepts a change of the map. Returns the bytes of the older one that it replaces.
    pub(super) fn accept(&mut self, mut entry: BinaryEntry, now: Duration) -> usize {
        let bytes = size(&entry);
        self.counts.accepted += 1;
        self.counts.bytes += bytes;
        let (number, slot) = self.slots.entry(&entry.key, KeyState::default);
        if let Some(queued) = &mut slot.queued {
            // The topic knows what it knew before the older one.
            entry.update = queued.entry.update;
            let replaced = size(&queued.entry);
            queued.entry = entry;
            self.counts.replaced += 1;
            self.counts.bytes -= replaced;
            return replaced;
        }
        slot.queued = Some(Queued { entry, epoch: self.epoch, parked: false });
        self.counts.queued += 1;
        *self.unended.entry(self.epoch).or_default() += 1;
        if self.hurries() {
            self.ready.push_back(number);
        } else {
            self.unripe.push_back((now.saturating_add(self.settings.delay), number));
        }
        0
    }

    /// Appends to `batch` the changes for the store, in this order; nothing where nothing is due. What would
    /// go along but for one of its key in flight is ready when that one comes back.
    pub(super) fn take(&mut self, now: Duration, batch: &mut Vec<BinaryEntry>) {
        if self.pause.is_some_and(|pause| now < pause.until) {
            return;
        }
        for list in [&mut self.later, &mut self.unripe] {
            while list.front().is_some_and(|(at, _)| *at <= now) {
                self.ready.extend(list.pop_front().map(|(_, number)| number));
            }
        }
        let early = self.settings.delay.mul_f64(self.settings.batch_factor);
        let mut taken = 0;
        while taken < self.settings.max_batch {
            let number = match self.ready.pop_front() {
                Some(number) => number,
                None if taken > 0
                    && self.unripe.front().is_some_and(|(at, _)| at.saturating_sub(early) <= now) =>
                {
                    let Some((_, number)) = self.unripe.pop_front() else { break };
                    number
                }
                None => break,
            };
            if let Some(entry) = self.launch(number) {
                batch.push(entry);
                taken += 1;
            }
        }
    }

    fn launch(&mut self, number: Number) -> Option<BinaryEntry> {
        let slot = self.slots.get_mut(number)?;
        if slot.in_flight.is_some() {
            slot.queued.as_mut()?.parked = true;
            return None;
        }
        let Queued { entry, epoch, .. } = slot.queued.take()?;
        slot.in_flight = Some(Flight { bytes: size(&entry), epoch, update: entry.update });
        self.counts.queued -= 1;
        self.counts.in_flight += 1;
        Some(entry)
    }

    /// Returns when [`Queue::take`] next has a change, as far as time alone decides.
    pub(super) fn next_ripe(&self) -> Option<Duration> {
        let fronts = [self.unripe.front(), self.later.front()];
        let fronts = fronts.into_iter().flatten().map(|(at, _)| *at);
        let ready = (!self.ready.is_empty()).then_some(Duration::ZERO);
        let next = fronts.chain(ready).min()?;
        Some(self.pause.map_or(next, |pause| next.max(pause.until)))
    }

    /// Handles the answer of the store.
    pub(super) fn settle(
        &mut self,
        entry: &BinaryEntry,
        outcome: Outcome,
        now: impl Fn() -> Duration,
    ) -> Settled {
        let number = self.slots.find(&entry.key).map(|(number, _)| number);
        self.settle_at(number, entry, outcome, now)
    }

    /// Handles that the store has these: [`Queue::settle`] for each.
    pub(super) fn settle_stored(&mut self, entries: &[BinaryEntry]) -> Vec<Settled> {
        let numbers = self.slots.find_all(entries.iter().map(|entry| &entry.key));
        let never = || Duration::ZERO;
        let settle = |(entry, number)| self.settle_at(number, entry, Outcome::Stored, never);
        entries.iter().zip(numbers).map(settle).collect()
    }

    fn settle_at(
        &mut self,
        number: Option<Number>,
        entry: &BinaryEntry,
        outcome: Outcome,
        now: impl Fn() -> Duration,
    ) -> Settled {
        const UNKNOWN: Settled = Settled { fate: Fate::Unknown, freed: 0, epoch: None };
        let Some(number) = number else { return UNKNOWN };
        let Some(slot) = self.slots.get_mut(number) else { return UNKNOWN };
        let Some(flight) = slot.in_flight.take() else { return UNKNOWN };
        self.counts.in_flight -= 1;
        let fate = match outcome {
            Outcome::Stored => Fate::Stored,
            _ if slot.queued.is_some() => Fate::Replaced,
            Outcome::NotTaken if !self.abandoned => Fate::Requeued,
            Outcome::Retriable | Outcome::Blocked if !self.abandoned && self.settings.requeue => {
                Fate::Requeued
            }
            _ => Fate::Failed,
        };
        match outcome {
            Outcome::Stored => self.pause = None,
            Outcome::Blocked => self.pause = Some(Pause::after(self.pause, now(), &self.settings)),
            _ => {}
        }
        if fate == Fate::Requeued {
            let entry = BinaryEntry { update: flight.update, ..entry.clone() };
            slot.queued = Some(Queued { entry, epoch: flight.epoch, parked: false });
            self.counts.queued += 1;
            self.counts.requeued += u64::from(outcome != Outcome::NotTaken);
            match outcome {
                Outcome::NotTaken => self.ready.push_front(number),
                Outcome::Blocked => self.ready.push_back(number),
                _ => self.later.push_back((now().saturating_add(self.settings.retry_delay), number)),
            }
            return Settled { fate, freed: 0, epoch: None };
        }
        let mut ended = flight.epoch;
        if let Some(queued) = &mut slot.queued {
            if fate == Fate::Replaced {
                queued.entry.update = flight.update;
                // A flush that waits for the older one waits for the one that stands for it.
                ended = queued.epoch.max(flight.epoch);
                queued.epoch = queued.epoch.min(flight.epoch);
            }
            if std::mem::take(&mut queued.parked) {
                self.ready.push_back(number);
            }
        } else {
            self.slots.remove(number);
        }
        match fate {
            Fate::Stored => self.counts.stored += 1,
            Fate::Replaced => self.counts.replaced += 1,
            _ => self.counts.failed += 1,
        }
        self.counts.bytes -= flight.bytes;
        Settled { fate, freed: flight.bytes, epoch: Some(ended) }
    }

    /// Ends changes whose outcome has been reported. Returns true where a flush may have ended with them.
    pub(super) fn end(&mut self, epoch: u64) -> bool {
        let Some(count) = self.unended.get_mut(&epoch) else { return false };
        *count -= 1;
        if *count > 0 {
            return false;
        }
        self.unended.remove(&epoch);
        if self.flush_to.is_some_and(|to| self.is_flushed(to)) {
            self.flush_to = None;
        }
        true
    }

    fn hurries(&self) -> bool {
        self.flush_to.is_some()
    }

    /// Makes all present changes due now, except failed ones. The flush has ended when [`Queue::is_flushed`] returns
    /// true for the number returned.
    pub(super) fn flush(&mut self) -> u64 {
        let epoch = self.epoch;
        self.epoch += 1;
        if !self.is_flushed(epoch) {
            self.flush_to = Some(epoch);
            self.ready.extend(self.unripe.drain(..).map(|(_, number)| number));
        }
        epoch
    }

    pub(super) fn is_flushed(&self, epoch: u64) -> bool {
        self.unended.first_key_value().is_none_or(|(oldest, _)| *oldest > epoch)
    }

    /// Gives up: the waiting changes are returned as failed, and those in flight are not requeued. Returns the released
    /// bytes, too.
    pub(super) fn abandon(&mut self) -> (Vec<BinaryEntry>, usize) {
        self.abandoned = true;
        self.unripe.clear();
        self.later.clear();
        self.ready.clear();
        let mut queued = Vec::new();
        for number in self.slots.numbers() {
            let Some(slot) = self.slots.get_mut(number) else { continue };
            queued.extend(slot.queued.take());
            if slot.in_flight.is_none() {
                self.slots.remove(number);
            }
        }
        let mut freed = 0;
        for Queued { entry, epoch, .. } in &queued {
            freed += size(entry);
            self.end(*epoch);
        }
        self.counts.queued = 0;
        self.counts.failed += queued.len() as u64;
        self.counts.bytes -= freed;
        (queued.into_iter().map(|queued| queued.entry).collect(), freed)
    }

    pub(super) fn is_abandoned(&self) -> bool {
        self.abandoned
    }

    /// Returns true while no change waits or is in flight.
    pub(super) fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }

    pub(super) fn counts(&self) -> Counts {
        self.counts
    }
}

#[cfg(test)]
mod tests;
