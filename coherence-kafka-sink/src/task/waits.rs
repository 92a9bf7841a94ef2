//! What a task waits for on its thread: records, or the end of a write that is in flight for a short time.

use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::consumer::{ReadError, ReadErrorKind};

use super::{PERMISSIONS, SinkTask};

/// How often the group is polled while the task holds.
pub(super) const HOLD_POLL: Duration = Duration::from_millis(50);
/// How long a read waits for records before the task rests.
const IDLE_WAIT: Duration = Duration::from_millis(50);

/// How long to wait before the next look for an answer that is awaited for `since`: short at first, and at most an
/// eighth of that time, so that an outage of hours costs few turns and an answer is never noticed late in proportion.
pub(super) fn answer_poll(since: Duration) -> Duration {
    (since / 8).clamp(Duration::from_millis(2), HOLD_POLL)
}

impl SinkTask {
    /// Reads records into the batch being built: waits for a first record, and then for more, but never longer than the
    /// group may wait. The remaining records are read on the next turn. Returns true when there are none for a while.
    pub(super) fn read(&mut self) -> bool {
        // While a batch is in flight, its end must not wait for records; they join the next batch on a later turn.
        let in_flight = self.write.as_ref().map(|write| answer_poll(write.began.elapsed()));
        let may_rest = in_flight.is_none_or(|poll| poll == HOLD_POLL);
        if !self.delivery.has_records() {
            let wait = if may_rest && self.rested { Duration::ZERO } else { in_flight.unwrap_or(IDLE_WAIT) };
            self.take(1, wait);
            if !self.delivery.has_records() {
                return may_rest;
            }
            self.delivery.linger(Instant::now());
        }
        let room = self.delivery.room();
        if room > 0 {
            let lingers = self.delivery.lingers(Instant::now()).min(IDLE_WAIT);
            let wait = match in_flight {
                Some(_) if may_rest && self.rested => Duration::ZERO,
                in_flight => in_flight.unwrap_or(lingers),
            };
            let more = self.take(room, wait);
            return in_flight.is_some() && may_rest && !more;
        }
        false
    }

    /// Returns whether anything was read.
    fn take(&mut self, max: usize, wait: Duration) -> bool {
        let mut errors = Vec::new();
        let batch = self.consumer.read(max, wait);
        let any = !batch.is_empty();
        for record in batch.records() {
            match record {
                Ok(record) if self.delivery.take(&record) => {}
                Ok(_) => break,
                Err(error) => errors.push(error),
            }
        }
        drop(batch);
        self.delivery.on_log_starts(|tp| self.consumer.low_watermark(tp));
        errors.into_iter().for_each(|error| self.on_read_error(error));
        self.rested &= !any;
        any
    }

    fn on_read_error(&mut self, error: ReadError) {
        match error.kind {
            // Nothing is skipped.
            ReadErrorKind::Passes => self.tell_trouble(error.to_string(), Instant::now()),
            // Java's NoOffsetForPartitionException. The partition would never be read, while its task is RUNNING.
            ReadErrorKind::NoOffset => self.delivery.on_consumer_failure(format!(
                "no offset to read from: {error}; consumer.auto.offset.reset=none permits no default: set it to \
                 earliest or latest, or commit an offset for the consumer group of the connector \
                 (kafka-consumer-groups --reset-offsets), and restart the task"
            )),
            // Java's TopicAuthorizationException.
            ReadErrorKind::NotPermitted => {
                self.delivery.on_consumer_failure(format!("{error}: {PERMISSIONS}"));
            }
        }
    }

    /// Reads nothing for a while. Waits for the end of a write; where that has lasted for long, or none is in flight,
    /// returns true.
    pub(super) fn hold(&mut self) -> bool {
        let poll = self.hold_poll();
        let soon = self.write.as_ref().is_some_and(|write| answer_poll(write.began.elapsed()) < HOLD_POLL);
        if soon {
            self.collect(poll);
        }
        !soon
    }

    /// Returns how long the task may do nothing while it holds.
    pub(super) fn hold_poll(&mut self) -> Duration {
        if !self.delivery.awaits_answer() {
            self.answer_awaited = None;
            return HOLD_POLL;
        }
        let now = Instant::now();
        let since = *self.answer_awaited.get_or_insert(now);
        answer_poll(now - since)
    }

    /// Waits for the write in flight, at most `wait`.
    pub(super) fn collect(&mut self, wait: Duration) {
        let Some(write) = &self.write else { return };
        let Some(outcome) = write.wait(wait) else { return };
        let number = write.number;
        self.write = None;
        self.acted = true;
        self.delivery.on_written(number, outcome, Instant::now());
        self.perform();
    }
}
