//! The records that are discarded for their null key, in the log: a line for the first, and then one for all that came in
//! the meantime. A topic without keys would fill the disk with a line for each.
//!
//! Pure but for the log: no clock.

use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::record::RawRecord;

/// Time between two lines.
const EVERY: Duration = Duration::from_secs(30);

/// Discarded records of one task.
#[derive(Debug, Default)]
pub(crate) struct Discarded {
    /// Those that no line has counted, and the place of the first of them.
    unlogged: Option<(u64, String, i32, i64)>,
    next: Option<Instant>,
}

impl Discarded {
    /// Adds a discarded record.
    pub(crate) fn add(&mut self, record: &RawRecord<'_>) {
        match &mut self.unlogged {
            Some((count, ..)) => *count += 1,
            None => self.unlogged = Some((1, record.topic.to_owned(), record.partition, record.offset)),
        }
    }

    /// Logs the rest of them.
    pub(crate) fn log_rest(&mut self, task: &str, now: Instant) {
        self.next = None;
        self.log(task, now);
    }

    /// Logs them, if it is time. Returns true where it did.
    pub(crate) fn log(&mut self, task: &str, now: Instant) -> bool {
        if self.next.is_some_and(|next| now < next) {
            return false;
        }
        let Some((count, topic, partition, offset)) = self.unlogged.take() else { return false };
        self.next = Some(now + EVERY);
        tracing::warn!(
            task,
            count,
            topic,
            partition,
            offset,
            "records without key discarded, because a map has no null key; topic, partition and offset are those of \
             the first"
        );
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use coherence_kafka_rdkafka::record::Envelope;

    #[test]
    fn the_first_record_has_a_line_and_all_that_follow_within_30_seconds_have_one_together() {
        let mut discarded = Discarded::default();
        let record = RawRecord {
            topic: "t",
            partition: 1,
            offset: 7,
            key: None,
            value: None,
            envelope: Envelope::Given(&[], None),
        };
        let mut now = Instant::now();
        let mut lines = 0;
        for _ in 0..100_000 {
            discarded.add(&record);
            lines += u64::from(discarded.log("c-0", now));
        }
        assert_eq!(lines, 1);
        assert_eq!(discarded.unlogged.as_ref().map(|(count, ..)| *count), Some(99_999));
        now += EVERY;
        assert!(discarded.log("c-0", now));
        now += EVERY;
        assert!(!discarded.log("c-0", now), "there are none");
    }
}
