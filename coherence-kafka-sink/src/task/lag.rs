//! How far a task is behind its partitions: the gauges `lag`, `lags` and `partitions`.
//!
//! Fetches show where partitions end. While the task holds nothing is fetched, so the brokers are asked.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::consumer::{Consumer, LogEdge};
use coherence_kafka_rdkafka::record::TopicPartition;

use super::OffsetReset;
use super::delivery::Delivery;
use crate::counters::Counters;

/// How often lag is computed.
const LAG_EVERY: Duration = Duration::from_millis(500);
/// How often the brokers are asked where partitions end while nothing is fetched that would show it.
const ENDS_EVERY: Duration = Duration::from_secs(10);

/// Sets the gauges of a running task, and resets them when it ends.
pub(super) struct Lag {
    counters: Arc<Counters>,
    next: Instant,
    next_request: Instant,
    /// Where partitions end, as the brokers reported while nothing was fetched.
    ends: BTreeMap<TopicPartition, i64>,
    /// Where partitions begin of which nothing was read.
    starts: BTreeMap<TopicPartition, i64>,
}

impl Lag {
    pub(super) fn new(counters: Arc<Counters>, now: Instant) -> Self {
        Self { counters, next: now, next_request: now, ends: BTreeMap::new(), starts: BTreeMap::new() }
    }

    /// Computes the lag of the assigned partitions, where it is due. It is shown only if the task knows its share of them.
    pub(super) fn observe(
        &mut self,
        consumer: &mut Consumer,
        delivery: &Delivery,
        reset: OffsetReset,
        knows_share: bool,
    ) {
        let now = Instant::now();
        if now < self.next {
            return;
        }
        self.next = now + LAG_EVERY;
        if let Some(ends) = consumer.offsets(LogEdge::Next) {
            self.ends = ends.into_iter().collect();
        }
        if let Some(starts) = consumer.offsets(LogEdge::First) {
            self.starts = starts.into_iter().collect();
        }
        let holds = delivery.room() == 0;
        if !holds {
            // Fetches show the ends, and newer ones.
            self.ends.clear();
            self.starts.clear();
        } else if now >= self.next_request {
            self.next_request = now + ENDS_EVERY;
            consumer.request_offsets(LogEdge::Next, delivery.assigned().map(|(tp, _)| tp));
            let unread = delivery.assigned().filter(|(_, position)| position.is_none());
            consumer.request_offsets(LogEdge::First, unread.map(|(tp, _)| tp));
        }
        let lag = |(tp, position): (&TopicPartition, Option<i64>)| {
            let end = self.ends.get(tp).copied().max(consumer.high_watermark(tp))?;
            // A partition without committed offset is still to be read from its start.
            let oldest = || {
                let start = self.starts.get(tp).copied().or_else(|| consumer.low_watermark(tp));
                start.filter(|_| reset == OffsetReset::Oldest)
            };
            Some(u64::try_from(end - position.or_else(oldest)?).unwrap_or(0))
        };
        let lags: Vec<_> = delivery.assigned().map(|of| (of.0, lag(of))).collect();
        self.counters.partitions.set(lags.len() as u64);
        let sum = lags.iter().map(|(_, lag)| *lag).sum::<Option<u64>>();
        self.counters.lag.set(sum.filter(|_| knows_share));
        let known = lags.into_iter().filter_map(|(tp, lag)| Some((tp.clone(), lag?)));
        *self.counters.lags.lock() = known.collect();
    }
}

impl Drop for Lag {
    fn drop(&mut self) {
        self.counters.on_task_end();
    }
}
