//! How many entries are sent at once. Pure.
//!
//! A grid that needs longer for a batch than the request timeout answers in time if it gets less of it.

use std::time::Duration;

/// More than any batch has.
const ANY: usize = 1 << 24;

/// Learns from what is answered, and what is not.
#[derive(Debug)]
pub(super) struct Pace {
    at_once: usize,
    /// After how long a request was given up.
    patience: Duration,
    /// The longest answer since the last batch.
    slowest: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self { at_once: ANY, patience: Duration::ZERO, slowest: Duration::ZERO }
    }
}

impl Pace {
    /// How many entries to send at once, one part of a write behind the other.
    pub(super) fn at_once(&self) -> usize {
        self.at_once
    }

    /// So many entries were not answered in time.
    pub(super) fn on_silence(&mut self, entries: usize, took: Duration) {
        self.at_once = self.at_once.min((entries / 2).max(1));
        self.patience = took;
    }

    /// So many entries were answered. Where that took next to no time the grid was not slow but frozen, and is not now.
    pub(super) fn on_answer(&mut self, entries: usize, took: Duration) {
        self.slowest = self.slowest.max(took);
        if entries >= self.at_once && took * 8 < self.patience {
            self.grow(self.at_once);
        }
    }

    /// A batch is confirmed: the next one is sent in somewhat larger parts, unless they took long already.
    pub(super) fn on_confirmed(&mut self) {
        if self.slowest * 2 < self.patience {
            self.grow(self.at_once / 4 + 1);
        }
        self.slowest = Duration::ZERO;
    }

    fn grow(&mut self, by: usize) {
        self.at_once = self.at_once.saturating_add(by).min(ANY);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SECOND: Duration = Duration::from_secs(1);

    #[test]
    fn what_is_not_answered_is_halved_and_grows_again_while_answers_come_soon_enough() {
        let mut pace = Pace::default();
        pace.on_silence(5000, 30 * SECOND);
        assert_eq!(pace.at_once(), 2500);
        pace.on_silence(2500, 30 * SECOND);
        assert_eq!(pace.at_once(), 1250);
        pace.on_answer(1250, 12 * SECOND);
        pace.on_confirmed();
        assert_eq!(pace.at_once(), 1563);
        pace.on_answer(1563, 16 * SECOND);
        pace.on_confirmed();
        assert_eq!(pace.at_once(), 1563, "a larger part could be too slow");
    }

    #[test]
    fn a_grid_that_was_frozen_gets_whole_batches_again_soon() {
        let mut pace = Pace::default();
        for _ in 0..20 {
            pace.on_silence(pace.at_once().min(5000), 30 * SECOND);
        }
        assert_eq!(pace.at_once(), 1);
        let mut sent = 0;
        while sent < 5000 {
            let entries = pace.at_once();
            pace.on_answer(entries, SECOND / 100);
            sent += entries;
        }
        assert!(pace.at_once() > 4000, "{}", pace.at_once());
    }
}
