//! How many records a batch may hold, and how long it waits for more.

use std::time::{Duration, Instant};

use super::Delivery;

/// Records of a batch that is read again for comparison, at most, unless more are configured.
pub(super) const STRETCHED_RECORDS: usize = 100_000;
/// Its bytes.
const STRETCHED_BYTES: usize = 16 << 20;
/// How long it waits for more records, to begin with and at most.
const STRETCHED_LINGER: (Duration, Duration) = (Duration::from_millis(10), Duration::from_secs(10));

impl Delivery {
    /// Returns how many records may be read now; with 0 the task holds and only polls for its group. An estimate from
    /// the records before: as many as fill the batch.
    pub(crate) fn room(&self) -> usize {
        if self.is_ending() || self.failure.is_some() || self.is_waiting_for_peer() {
            return 0;
        }
        let larger = |most: usize, limit: usize| most.saturating_mul(self.stretch).min(most.max(limit));
        let records = larger(self.options.batch_records, STRETCHED_RECORDS);
        let bytes = larger(self.options.batch_bytes, STRETCHED_BYTES);
        records.saturating_sub(self.builder.records()).min(self.builder.room_in(bytes))
    }

    /// Handles the first record of the batch being built: it waits for more, unless another batch is in flight, whose
    /// end must not wait for them.
    pub(crate) fn linger(&mut self, now: Instant) {
        let mut linger = self.options.linger;
        if self.stretch > 1 {
            // The records to compare with may be far behind it.
            let stretch = u32::try_from(self.stretch).unwrap_or(u32::MAX);
            linger =
                linger.max(STRETCHED_LINGER.0).saturating_mul(stretch).min(STRETCHED_LINGER.1.max(linger));
        }
        self.lingers_until = self.in_flight.is_none().then(|| now + linger);
    }

    /// Returns how long it still waits, in whole milliseconds: waiting for fractions of one would be a busy loop.
    pub(crate) fn lingers(&self, now: Instant) -> Duration {
        let left = self.lingers_until.map_or(Duration::ZERO, |until| until.saturating_duration_since(now));
        Duration::from_millis(u64::try_from(left.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX))
    }
}
