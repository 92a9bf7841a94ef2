//! Detects changes of the logs from their offsets: an offset that goes back belongs to another log, and an offset that
//! is left out may belong to a record that was removed before it was read.
//!
//! Pure: no I/O, no clock.

use coherence_kafka_rdkafka::record::TopicPartition;

use super::Delivery;
use crate::writer::RejectedRecord;

/// Offsets that were left out. Compaction and the markers of transactions leave gaps that are normal.
#[derive(Debug)]
pub(super) struct Jump {
    number: u32,
    expected: i64,
    offset: i64,
}

impl Delivery {
    /// Notes the offsets that the group has committed, at which reading begins.
    pub(crate) fn on_positions(&mut self, positions: &[(TopicPartition, i64)]) {
        for (tp, position) in positions {
            self.tracker.note_committed(tp, *position);
        }
    }

    /// Notes the offsets at which reading begins where the group has committed none. They are committed: the next owner
    /// of a partition that stays empty would begin at its end again, and would miss the records that arrive meanwhile.
    pub(crate) fn on_starts(&mut self, positions: &[(TopicPartition, i64)]) {
        for (tp, position) in positions {
            self.tracker.note_held(tp, Some(*position));
        }
    }

    /// Checks the gaps between the records that were read. `start` returns where the log of a partition begins.
    pub(crate) fn on_log_starts(&mut self, start: impl Fn(&TopicPartition) -> Option<i64>) {
        let mut known = None;
        for Jump { number, expected, offset } in std::mem::take(&mut self.jumps) {
            let starts = match known {
                Some((of, starts)) if of == number => starts,
                _ => self.tracker.partition(number).and_then(&start),
            };
            known = Some((number, starts));
            let Some(starts) = starts.filter(|starts| *starts > expected) else { continue };
            let removed = self.tracker.note_removed(number, expected, starts.min(offset));
            if removed > 0
                && let Some(tp) = self.tracker.partition(number)
            {
                self.counters.offsets_removed.add(removed);
                tracing::warn!(
                    task = self.task,
                    partition = %tp,
                    expected,
                    log_start = starts,
                    next = offset,
                    "records removed from the topic before they were read (retention or deletion); reading continues \
                     after them"
                );
            }
        }
    }

    /// Counts refused records of logs that are gone: they cannot be read again to be reported.
    pub(super) fn count_refused_of_gone_logs(&self, refused: &[RejectedRecord]) {
        let gone = |refused: &&RejectedRecord| self.tracker.partition(refused.source.partition).is_none();
        let records = refused.iter().filter(gone).count() as u64;
        if records > 0 {
            self.counters.refused.add(records);
            self.counters.errors.add(records);
            tracing::warn!(
                task = self.task,
                records,
                "grid refused records of a deleted or truncated log; they cannot be read again, so they are counted \
                 but not reported"
            );
        }
    }

    /// Handles an offset that is not the expected one.
    pub(super) fn on_jump(&mut self, number: u32, expected: i64, offset: i64) {
        if offset > expected {
            self.jumps.push(Jump { number, expected, offset });
            return;
        }
        let Some(tp) = self.tracker.partition(number).cloned() else { return };
        self.counters.logs_replaced.add(1);
        tracing::warn!(
            task = self.task,
            partition = %tp,
            expected,
            next = offset,
            "offsets went back: the topic was deleted and created again, or its log was truncated; reading continues \
             at the new offset"
        );
        self.tracker.begin_anew(number, offset);
        self.builder.end_run();
        self.refused.retain(|source, _| source.partition != number);
        self.reports.log_gone(number);
        // From here on no position of the old log is committed; the group's is replaced at once.
        self.commits.release(std::slice::from_ref(&tp));
        self.commits.hurry();
    }
}
