//! The handling of a bad record: its report, its dead letter, and the answer of the queue.
//!
//! Pure: no I/O, no clock.

use std::time::Instant;

use coherence_kafka_rdkafka::record::{OutgoingRecord, RawRecord, TopicPartition};

use super::{Action, Delivery, LetterNumber};
use crate::counters::{Cause, Holding};
use crate::pipeline::RecordError;
use crate::plan::RecordId;
use crate::task::TaskFailure;

impl Delivery {
    /// Applies the policy to a bad record; its batch is not confirmed before the queue has acknowledged it.
    pub(super) fn report(
        &mut self,
        source: RecordId,
        record: &RawRecord<'_>,
        error: &RecordError,
        ignored: bool,
    ) {
        let blame = self.rules.pipeline.blame(error);
        if matches!(error, RecordError::Refused { .. }) {
            self.counters.refused.add(1);
        }
        let letter = if ignored {
            self.discarded.add(record);
            self.reporter.null_key(record, &blame)
        } else {
            self.reporter.bad_record(record, &blame)
        };
        let number = self.reports.add(source, letter.as_ref().map(OutgoingRecord::bytes));
        self.actions.extend(letter.map(|letter| Action::Report(number, letter)));
    }

    /// Handles the answer of the dead letter queue to a record.
    pub(crate) fn on_reported(&mut self, number: LetterNumber, outcome: Result<(), String>, now: Instant) {
        let source = self.reports.on_answer(number, outcome.as_ref().err());
        self.builder.on_answer(number);
        if let Some(in_flight) = &mut self.in_flight {
            in_flight.awaits.remove(&number);
        }
        match outcome {
            Ok(()) => self.counters.dead_letters.add(1),
            Err(reason) => {
                self.counters.dead_letter_failures.add(1);
                tracing::error!(task = self.task, reason, "dead letter queue refused a record");
                // The report of a record whose partition is gone is not awaited.
                if let Some(source) = source {
                    self.on_letter_refused(source, reason);
                }
            }
        }
        self.confirm();
        self.advance(now);
    }

    /// Ends the task rather than lose a record that belongs in the queue. Earlier records are finished first.
    fn on_letter_refused(&mut self, source: RecordId, reason: String) {
        self.tracker.stop_at(source.partition, source.offset);
        let Some(TopicPartition { topic, partition }) = self.tracker.partition(source.partition).cloned()
        else {
            // It cannot be read again from a log that is gone.
            return self.fail(TaskFailure::DeadLetterQueue(reason));
        };
        let offset = source.offset;
        match &mut self.failure {
            Some(TaskFailure::Record { topic: t, partition: p, offset: o, reason: first }) => {
                if (&*t, *p, *o) == (&topic, partition, offset) {
                    *first = format!("{first}; {reason}");
                } else {
                    *first = format!("{first}; record {topic}-{partition} at offset {offset}: {reason}");
                }
            }
            _ => self.fail(TaskFailure::Record { topic, partition, offset, reason }),
        }
    }

    /// Ends the task because the dead letter queue cannot be used: the records that belong there would be lost.
    pub(crate) fn on_queue_failure(&mut self, reason: String) {
        self.fail(TaskFailure::DeadLetterQueue(reason));
    }

    /// Handles that the whole batch in flight is in the maps: the records before its first open dead letter are done.
    pub(super) fn on_batch_written(&mut self) {
        let Some(batch) = self.in_flight.as_ref().filter(|batch| !batch.awaits.is_empty()) else {
            return self.confirm();
        };
        let reason = "the dead letter queue has not acknowledged its records yet".to_owned();
        *self.counters.holding.lock() = Some(Holding { cause: Cause::DeadLetterQueue, reason });
        let mut reached = batch.reached.clone();
        for open in batch.awaits.iter().filter_map(|letter| self.reports.record(*letter)) {
            if let Some(reached) = reached.iter_mut().find(|reached| reached.partition == open.partition) {
                reached.next = reached.next.min(open.offset);
            }
        }
        self.tracker.confirm(&reached);
    }
}
