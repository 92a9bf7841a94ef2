//! Whether a task may write: it must have served its group lately.
//!
//! A process that was frozen wakes up with a batch in its hands while the group has long given its partitions to
//! another member, whose newer values the batch would replace. So behind such a gap nothing is written before the
//! group was served again and had the time to say that the partitions are lost, which ends the write. An attempt waits
//! for that before it begins; a request of an attempt under way does not leave ([`SendGate`]).

use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use coherence_kafka_common::map::SendGate;

/// How long the group has to be served behind a gap before anything is written. librdkafka looks once a second whether
/// the session has timed out, and at its next heartbeat the broker says whether it still knows the member.
const PROBATION: Duration = Duration::from_secs(2);

/// How often a held write looks again.
const LOOK: Duration = Duration::from_millis(20);

/// When a task served its group, in milliseconds since it was made.
#[derive(Debug)]
pub(crate) struct GroupLease {
    made: Instant,
    limit: Duration,
    served: AtomicU64,
    /// When writes are allowed again behind a gap.
    allowed: AtomicU64,
}

impl GroupLease {
    /// For a task that is a member no longer than the group has been served within `limit`.
    pub(crate) fn new(limit: Duration) -> Self {
        Self { made: Instant::now(), limit, served: AtomicU64::new(0), allowed: AtomicU64::new(0) }
    }

    /// The task joins its group.
    pub(crate) fn begin(&self) {
        self.served.store(self.millis(Instant::now()), Ordering::Release);
    }

    /// The group was served. How long it was not, where that was too long.
    pub(crate) fn on_poll(&self, now: Instant) -> Option<Duration> {
        let now = self.millis(now);
        let gap = Duration::from_millis(now.saturating_sub(self.served.load(Ordering::Acquire)));
        let late = gap > self.limit;
        if late {
            // Before the gap is closed.
            self.allowed.store(now + PROBATION.as_millis() as u64, Ordering::Release);
        }
        self.served.store(now, Ordering::Release);
        late.then_some(gap)
    }

    /// Waits until the task may write.
    pub(crate) async fn until_confirmed(&self) {
        while !self.holds_at(Instant::now()) {
            tokio::time::sleep(LOOK).await;
        }
    }

    fn holds_at(&self, now: Instant) -> bool {
        let now = self.millis(now);
        let gap = Duration::from_millis(now.saturating_sub(self.served.load(Ordering::Acquire)));
        gap <= self.limit && now >= self.allowed.load(Ordering::Acquire)
    }

    fn millis(&self, now: Instant) -> u64 {
        now.saturating_duration_since(self.made).as_millis() as u64
    }
}

impl SendGate for GroupLease {
    fn check(&self) -> Result<(), String> {
        if self.holds_at(Instant::now()) {
            return Ok(());
        }
        Err("the task may have lost its partitions, its membership is not confirmed yet".to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn behind_a_gap_nothing_is_written_before_the_group_was_served_for_a_while() {
        let second = Duration::from_secs(1);
        let membership = GroupLease::new(10 * second);
        let start = membership.made;
        let at = |n| start + n * second;
        assert!(membership.holds_at(at(10)));
        assert_eq!(membership.on_poll(at(10)), None);
        assert!(membership.holds_at(at(20)));
        assert!(!membership.holds_at(at(21)), "frozen");
        assert_eq!(membership.on_poll(at(100)), Some(90 * second));
        assert!(!membership.holds_at(at(100)), "it may be a member no longer");
        assert_eq!(membership.on_poll(at(101)), None);
        assert!(!membership.holds_at(at(101)));
        assert!(membership.holds_at(at(102)));
    }
}
