//! How long to wait between two attempts.

use std::hash::BuildHasher as _;
use std::time::Duration;

use foldhash::fast::RandomState;

/// Pauses between attempts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct RetryPolicy {
    /// The longest first pause; doubled after each failure.
    pub min: Duration,
    /// The longest pause of all.
    pub max: Duration,
    /// How long attempts go on; for ever without it.
    pub timeout: Option<Duration>,
}

/// One pause after the other: exponential, with full jitter, so that many tasks that lost the same peer at the
/// same moment do not come back at the same moment.
#[derive(Debug)]
pub struct Pauses {
    limit: Duration,
    max: Duration,
    random: RandomState,
    count: u32,
}

impl Pauses {
    /// Begins with `backoff.min`.
    pub fn new(backoff: RetryPolicy) -> Self {
        Self { limit: backoff.min, max: backoff.max, random: RandomState::default(), count: 0 }
    }

    /// Anything between nothing and the limit, which doubles up to the maximum.
    pub fn next_pause(&mut self) -> Duration {
        let limit = self.limit.min(self.max);
        self.limit = limit.saturating_mul(2);
        self.count = self.count.wrapping_add(1);
        // The upper bits of a hash that is seeded anew for each series.
        let fraction = (self.random.hash_one(self.count) >> 11) as f64 / (1u64 << 53) as f64;
        limit.mul_f64(fraction)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_stay_below_a_limit_that_doubles_up_to_the_maximum() {
        let backoff =
            RetryPolicy { min: Duration::from_millis(100), max: Duration::from_secs(60), timeout: None };
        let mut longest = Duration::ZERO;
        for _ in 0..50 {
            let mut pauses = Pauses::new(backoff);
            for doubled in 0..20 {
                let pause = pauses.next_pause();
                assert!(pause <= Duration::from_millis(100 << doubled).min(backoff.max));
                longest = longest.max(pause);
            }
        }
        assert!(longest > backoff.max / 2, "{longest:?}");
    }

    #[test]
    fn two_series_do_not_pause_alike() {
        let backoff =
            RetryPolicy { min: Duration::from_secs(1), max: Duration::from_secs(60), timeout: None };
        let series = || {
            let mut pauses = Pauses::new(backoff);
            (0..10).map(|_| pauses.next_pause()).collect::<Vec<_>>()
        };
        assert_ne!(series(), series());
    }
}
