//! Where the embedded maps take their time from.

use std::sync::Arc;
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The time by which entries expire.
#[derive(Debug, Clone, Default)]
pub enum Clock {
    /// The time of the operating system.
    #[default]
    System,
    /// A time that stands still until it is advanced: for tests of what happens when an entry expires.
    Manual(ManualClock),
}

/// A clock that its owner advances. Clones are the same clock.
#[derive(Debug, Clone, Default)]
pub struct ManualClock(Arc<AtomicU64>);

impl ManualClock {
    /// Lets this much time pass.
    pub fn advance(&self, time: Duration) {
        self.0.fetch_add(nanos(time), Ordering::Relaxed);
    }
}

impl Clock {
    /// Nanoseconds since some moment in the past; never goes back.
    pub(super) fn now(&self) -> u64 {
        static START: LazyLock<Instant> = LazyLock::new(Instant::now);
        match self {
            Clock::System => nanos(START.elapsed()),
            Clock::Manual(clock) => clock.0.load(Ordering::Relaxed),
        }
    }

    /// Milliseconds since 1970, which mean the same to another process.
    pub(super) fn wall_ms(&self) -> u64 {
        match self {
            Clock::System => {
                let since = SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
                u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
            }
            Clock::Manual(_) => self.now() / NANOS_PER_MS,
        }
    }
}

pub(super) const NANOS_PER_MS: u64 = 1_000_000;

/// 584 years are as good as never.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

/// Returns the moment at which an entry written now expires: see [`crate::map::Expiry::After`] for its rounding.
pub(super) fn deadline(now: u64, expiry: Duration) -> u64 {
    let ms = nanos(expiry).div_ceil(NANOS_PER_MS).max(1);
    now.saturating_add(ms.saturating_mul(NANOS_PER_MS))
}
