//! Where a delivery stands: what its task asks before it waits, rests or ends.

use std::time::Instant;

use coherence_kafka_rdkafka::record::TopicPartition;

use super::{Delivery, Phase};
use crate::task::TaskFailure;

impl Delivery {
    /// Returns true while records wait to be written.
    pub(crate) fn has_records(&self) -> bool {
        !self.builder.is_empty()
    }

    /// Returns true while the task can do nothing until the broker answers.
    pub(crate) fn awaits_answer(&self) -> bool {
        self.is_ending() || self.reports.is_open()
    }

    /// Returns true while nothing is in hand and nothing is to be committed: only records, the group or a request change
    /// that.
    pub(crate) fn is_quiet(&self) -> bool {
        matches!(self.phase, Phase::Running)
            && self.failure.is_none()
            && self.outage.is_none()
            && !self.awaits_answer()
            && self.is_idle()
            && self.is_committed()
    }

    /// Returns true when the group can be left.
    pub(crate) fn is_over(&self) -> bool {
        matches!(self.phase, Phase::Over)
    }

    /// Returns why the task fails.
    pub(crate) fn failure(&self) -> Option<&TaskFailure> {
        self.failure.as_ref()
    }

    /// Returns the assigned partitions, each with the offset of its first record that is not done, as far as that is
    /// known.
    pub(crate) fn assigned(&self) -> impl Iterator<Item = (&TopicPartition, Option<i64>)> {
        self.tracker.assigned()
    }

    /// Returns true while no further records are accepted, because the task ends or until a revoke is answered.
    pub(super) fn is_ending(&self) -> bool {
        !matches!(self.phase, Phase::Running) || !self.revokes.is_empty()
    }

    /// Returns the time by which the records in hand have to be written and committed: a revoke's partitions are due at
    /// its deadline, whether the task stops or not.
    pub(super) fn deadline(&self) -> Option<Instant> {
        let stop = match self.phase {
            Phase::Stopping { deadline } => Some(deadline),
            Phase::Running | Phase::Over => None,
        };
        stop.into_iter().chain(self.revokes.iter().map(|revoke| revoke.deadline)).min()
    }

    /// Returns true while no record in hand is unfinished.
    pub(super) fn is_idle(&self) -> bool {
        let waits = self.reports.awaits_gone() || (self.failure.is_some() && self.reports.is_open());
        self.in_flight.is_none() && self.builder.is_empty() && !waits
    }

    pub(super) fn is_committed(&self) -> bool {
        self.commits.is_idle() && self.tracker.to_commit().next().is_none()
    }
}
