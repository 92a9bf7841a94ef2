//! What the entries of a batch have met so far, and which of them are to blame. Pure: time is an argument.
//!
//! A cache store that throws does not show whether the entry is at fault or the store. Other entries of the same map
//! show it:
//!
//! ```text
//! failed, and no put of the map is accepted              an outage, nobody is suspected
//! failed, and a put that was accepted before fails too   the store is in trouble, all suspicions end
//! failed at every attempt for the whole timeout,
//! while puts are accepted in each of these attempts      the entry is to blame
//! ```
//!
//! Only puts count as accepted: to remove a key that is absent may succeed without the store.

use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_common::map::{Entries, MapError};

use crate::plan::{MapWrite, WriteKind};

/// Accepted puts that are written again with each attempt, to see whether the store still works.
const CONTROLS: usize = 8;

/// Failed entries of an attempt that are enough to call it an outage where nothing was accepted.
pub(super) const ENOUGH: usize = 8;

/// So often at least an entry fails before it is to blame: two attempts with a long pause between them prove little
/// where a store comes and goes.
const FAILURES: u32 = 6;

/// What is known about one entry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Open,
    Accepted,
    /// It has failed at every attempt since, so many times, while others were accepted.
    Suspect(Instant, u32),
    /// It is to blame, and stays out.
    Out,
}

/// A write of the batch, and what is known about its entries.
#[derive(Debug)]
pub(super) struct OfWrite<'a> {
    pub(super) write: &'a MapWrite,
    /// By entry; empty while all of them are open.
    standings: Vec<Standing>,
}

/// What a batch does to one map.
#[derive(Debug)]
pub(super) struct OfMap<'a> {
    pub(super) map: &'a Arc<str>,
    pub(super) writes: Vec<OfWrite<'a>>,
    /// Puts accepted in this attempt.
    accepted: usize,
    /// Entries that failed in this attempt: write, entry, and how.
    failed: Vec<(usize, usize, MapError)>,
    /// What was accepted before has failed in this attempt.
    trouble: Option<MapError>,
}

impl OfWrite<'_> {
    fn standing(&self, entry: usize) -> Standing {
        self.standings.get(entry).copied().unwrap_or(Standing::Open)
    }

    fn set(&mut self, entry: usize, standing: Standing) {
        if self.standings.is_empty() {
            self.standings = vec![Standing::Open; self.write.entries.len()];
        }
        if let Some(slot) = self.standings.get_mut(entry) {
            *slot = standing;
        }
    }

    fn is_put(&self) -> bool {
        self.write.kind != WriteKind::Remove
    }

    /// The entries of a range that are still to be written.
    pub(super) fn left(&self, range: Range<usize>) -> impl Iterator<Item = usize> {
        range.filter(|&entry| matches!(self.standing(entry), Standing::Open | Standing::Suspect(..)))
    }

    /// The part of the rest from `start` on that holds at most so many entries still to be written; empty at the end.
    pub(super) fn piece(&self, start: usize, at_once: usize) -> Range<usize> {
        let len = self.write.entries.len();
        if self.standings.is_empty() {
            return start..len.min(start.saturating_add(at_once));
        }
        let end = self.left(start..len).nth(at_once).unwrap_or(len);
        start..end
    }

    /// The entries at these places; no copy where it is all of them.
    pub(super) fn entries(&self, places: &[usize]) -> Arc<Entries> {
        if places.len() == self.write.entries.len() {
            return self.write.entries.clone();
        }
        let pairs = places.iter().filter_map(|&entry| self.write.entries.get(entry));
        Arc::new(Entries::from_unique_pairs(pairs))
    }
}

impl<'a> OfMap<'a> {
    pub(super) fn new(map: &'a Arc<str>, writes: &'a [MapWrite]) -> Self {
        let writes = writes.iter().map(|write| OfWrite { write, standings: Vec::new() }).collect();
        Self { map, writes, accepted: 0, failed: Vec::new(), trouble: None }
    }

    /// Another attempt begins.
    pub(super) fn begin(&mut self) {
        self.accepted = 0;
        self.failed.clear();
        self.trouble = None;
    }

    /// Puts that were accepted before, to be written once more: a write and entries of it.
    pub(super) fn controls(&self) -> Option<(usize, Vec<usize>)> {
        if self.is_done() {
            return None;
        }
        self.writes.iter().enumerate().filter(|(_, write)| write.is_put()).find_map(|(index, write)| {
            let accepted = (0..write.standings.len()).filter(|&e| write.standing(e) == Standing::Accepted);
            let some: Vec<_> = accepted.take(CONTROLS).collect();
            (!some.is_empty()).then_some((index, some))
        })
    }

    /// The controls are accepted again.
    pub(super) fn on_controls_accepted(&mut self, count: usize) {
        self.accepted += count;
    }

    /// The controls have failed.
    pub(super) fn on_controls_failed(&mut self, error: MapError) {
        self.trouble = Some(error);
        self.suspect_none();
    }

    /// What is left in a range is accepted.
    pub(super) fn on_accepted(&mut self, write: usize, range: Range<usize>) {
        let of = &mut self.writes[write];
        let left: Vec<_> = of.left(range).collect();
        for &entry in &left {
            of.set(entry, Standing::Accepted);
        }
        self.accepted += if of.is_put() { left.len() } else { 0 };
    }

    /// An entry has failed, and it is not known why.
    pub(super) fn on_failed(&mut self, write: usize, entry: usize, error: MapError) {
        self.failed.push((write, entry, error));
    }

    /// An entry is to blame.
    pub(super) fn on_refused(&mut self, write: usize, entry: usize) {
        self.writes[write].set(entry, Standing::Out);
    }

    /// Nothing more can be learned in this attempt.
    pub(super) fn is_hopeless(&self) -> bool {
        self.accepted == 0 && self.failed.len() >= ENOUGH
    }

    /// The attempt has ended. The entries that are to blame.
    pub(super) fn judge(&mut self, now: Instant, timeout: Duration) -> Vec<(usize, usize, MapError)> {
        if self.accepted == 0 || self.trouble.is_some() {
            self.suspect_none();
            return Vec::new();
        }
        let mut culprits = Vec::new();
        for (write, entry, error) in &self.failed {
            let of = &mut self.writes[*write];
            let (since, failures) = match of.standing(*entry) {
                Standing::Suspect(since, failures) => (since, failures + 1),
                _ => (now, 1),
            };
            if now.duration_since(since) >= timeout && failures >= FAILURES {
                of.set(*entry, Standing::Out);
                culprits.push((*write, *entry, error.clone()));
            } else {
                of.set(*entry, Standing::Suspect(since, failures));
            }
        }
        culprits
    }

    /// What keeps the map from being done, once an attempt has ended.
    pub(super) fn error(&self) -> Option<&MapError> {
        self.trouble.as_ref().or_else(|| self.failed.first().map(|(_, _, error)| error))
    }

    /// Entries have failed and no put of the map is there to compare with.
    pub(super) fn is_alone(&self) -> bool {
        !self.is_done() && self.accepted == 0 && self.trouble.is_none() && self.controls().is_none()
    }

    /// True where every entry is accepted or out.
    pub(super) fn is_done(&self) -> bool {
        self.writes.iter().all(|of| of.left(0..of.write.entries.len()).next().is_none())
    }

    /// When the oldest suspicion is old enough; `None` without any.
    pub(super) fn due(&self, timeout: Duration) -> Option<Instant> {
        let standings = self.writes.iter().flat_map(|of| &of.standings);
        let since = standings.filter_map(|standing| match standing {
            Standing::Suspect(since, _) => Some(*since),
            Standing::Open | Standing::Accepted | Standing::Out => None,
        });
        since.min()?.checked_add(timeout)
    }

    /// The grid was away: it may have come back without what it had accepted.
    pub(super) fn forget(&mut self) {
        self.each(|standing| {
            if *standing != Standing::Out {
                *standing = Standing::Open;
            }
        });
    }

    /// What has failed says nothing about an entry.
    pub(super) fn suspect_none(&mut self) {
        self.each(|standing| {
            if matches!(standing, Standing::Suspect(..)) {
                *standing = Standing::Open;
            }
        });
    }

    fn each(&mut self, change: impl Fn(&mut Standing)) {
        self.writes.iter_mut().flat_map(|of| &mut of.standings).for_each(change);
    }
}
