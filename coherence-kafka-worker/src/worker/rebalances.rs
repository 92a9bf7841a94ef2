//! How a worker of a cluster gets and gives up tasks.

use std::time::Instant;

use parking_lot::Mutex;

/// The changes of what a worker has among the workers of its cluster.
#[derive(Debug, Default)]
pub(crate) struct Rebalances(Mutex<Counts>);

/// What is known of them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Those that have ended.
    pub(crate) completed: u64,
    /// It is not a member of the group, or tasks end which it has given up.
    pub(crate) is_rebalancing: bool,
    /// The generation of the group.
    pub(crate) generation: Option<i32>,
    /// The partitions of the offset topic that it has.
    pub(crate) partitions: usize,
    /// When the last one has ended.
    pub(crate) last: Option<Instant>,
}

impl Rebalances {
    /// A change begins.
    pub(crate) fn begin(&self) {
        self.0.lock().is_rebalancing = true;
    }

    /// A change has ended, with these partitions.
    pub(crate) fn complete(&self, partitions: usize, generation: Option<i32>) {
        let mut counts = self.0.lock();
        *counts = Counts {
            completed: counts.completed + 1,
            is_rebalancing: false,
            generation: generation.or(counts.generation),
            partitions,
            last: Some(Instant::now()),
        };
    }

    /// The worker has no partitions, until it is a member again.
    pub(crate) fn lose(&self) {
        let mut counts = self.0.lock();
        (counts.is_rebalancing, counts.partitions) = (true, 0);
    }

    pub(crate) fn counts(&self) -> Counts {
        *self.0.lock()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_counts_when_it_has_ended_and_a_loss_lasts_until_the_worker_is_a_member_again() {
        let rebalances = Rebalances::default();
        let seen = || {
            let Counts { completed, is_rebalancing, generation, partitions, .. } = rebalances.counts();
            (completed, is_rebalancing, generation, partitions)
        };
        rebalances.begin();
        assert_eq!(seen(), (0, true, None, 0));
        rebalances.complete(5, Some(3));
        assert_eq!(seen(), (1, false, Some(3), 5));
        rebalances.lose();
        assert_eq!(seen(), (1, true, Some(3), 0));
        rebalances.complete(2, None);
        assert_eq!(seen(), (2, false, Some(3), 2));
    }
}
