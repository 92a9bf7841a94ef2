//! A peer of the converters is unavailable, such as a schema registry: the record that needs it is at no fault and waits.
//!
//! ```text
//! Writing   what was read before the record is written and confirmed; nothing is read
//! Waiting   nothing is in hand; what was read behind the last confirmed record is read again after a pause
//! Trying    records are read; the first one that is taken ends the outage
//! ```

use std::time::{Duration, Instant};

use super::Delivery;
use crate::counters::{Cause, Holding};

/// The pause before the first attempt to read the record again; each is twice the one before.
const FIRST_PAUSE: Duration = Duration::from_millis(100);
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

/// An outage, from the first record that could not be converted.
#[derive(Debug)]
pub(super) struct Outage {
    reason: String,
    since: Option<Instant>,
    pause: Duration,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Writing,
    Waiting { until: Instant },
    Trying,
    Over,
}

impl Delivery {
    /// Holds, because the last record cannot be converted before a peer answers.
    pub(super) fn wait_for_peer(&mut self, reason: String) {
        let (since, pause) = match self.outage.take() {
            Some(outage) => (outage.since, (outage.pause * 2).min(LONGEST_PAUSE)),
            None => (None, FIRST_PAUSE),
        };
        self.outage = Some(Outage { reason, since, pause, state: State::Writing });
    }

    /// Notes that a record was taken.
    pub(super) fn peer_answers(&mut self) {
        if let Some(outage) = &mut self.outage {
            outage.state = State::Over;
        }
    }

    /// Returns true where nothing may be read.
    pub(super) fn is_waiting_for_peer(&self) -> bool {
        let state = self.outage.as_ref().map(|outage| outage.state);
        matches!(state, Some(State::Writing | State::Waiting { .. }))
    }

    /// Does what the outage asks for at this time.
    pub(super) fn advance_outage(&mut self, now: Instant) {
        let in_hand = self.in_flight.is_some() || !self.builder.is_empty();
        let gone = self.tracker.assigned().next().is_none();
        let Some(outage) = &mut self.outage else { return };
        let reason = outage.reason.as_str();
        match outage.state {
            State::Over => {
                let lasted =
                    outage.since.map_or(Duration::ZERO, |since| now.saturating_duration_since(since));
                tracing::info!(
                    task = self.task,
                    lasted_ms = lasted.as_millis() as u64,
                    "records are converted again"
                );
                *self.counters.holding.lock() = None;
                self.outage = None;
            }
            State::Writing if !in_hand => {
                if outage.since.is_none() {
                    tracing::warn!(
                        task = self.task,
                        reason,
                        "record cannot be converted for now, retrying; no records are read meanwhile"
                    );
                }
                outage.since.get_or_insert(now);
                outage.state = State::Waiting { until: now + outage.pause };
                let reason = outage.reason.clone();
                *self.counters.holding.lock() = Some(Holding { cause: Cause::Converter, reason });
                self.builder.end_run();
                self.rewind();
            }
            // Their next owner waits.
            State::Waiting { .. } | State::Trying if gone => {
                *self.counters.holding.lock() = None;
                self.outage = None;
            }
            State::Waiting { until } if now >= until => outage.state = State::Trying,
            State::Writing | State::Waiting { .. } | State::Trying => {}
        }
    }
}
