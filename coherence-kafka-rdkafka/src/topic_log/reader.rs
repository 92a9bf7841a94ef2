//! The thread of a log: it reads, and looks whether the topic is still the same.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::bindings as rd;
use rdkafka::consumer::Consumer as _;
use rdkafka::error::RDKafkaErrorCode as Code;
use rdkafka::{Offset, TopicPartitionList};

use super::{Client, LogRecord, ReadError, Shared, number, recreated, truncated};
use crate::description::{Description, describe};
use crate::queue::Event;

/// How long one poll lasts where nothing is waited for.
const IDLE_POLL: Duration = Duration::from_secs(1);
/// The same while a caller waits: librdkafka does not report that it has passed the marker of a transaction.
const BUSY_POLL: Duration = Duration::from_millis(5);
/// How many events are handled before the state is looked at again.
const EVENTS: usize = 1_000;
/// The time between two looks at the topic.
const LOOK_INTERVAL: Duration = Duration::from_secs(30);
/// The same until it is found, and where something is wrong.
const LOOK_SOON: Duration = Duration::from_millis(500);
/// How long the thread waits for the description of the topic.
const LOOK: Duration = Duration::from_secs(1);

/// What the thread has.
pub(super) struct Reader<T> {
    client: Arc<Client>,
    shared: Arc<Shared>,
    take: T,
    /// The client reads all partitions that are known.
    assigned: bool,
    next_look: Instant,
}

impl<T: FnMut(LogRecord<'_>)> Reader<T> {
    pub(super) fn new(client: Arc<Client>, shared: Arc<Shared>, take: T) -> Self {
        Self { client, shared, take, assigned: false, next_look: Instant::now() }
    }

    pub(super) fn run(mut self) {
        loop {
            let waited_for = {
                let mut progress = self.shared.progress.lock();
                if progress.stop {
                    return;
                }
                if let Some(failure) = &progress.failure {
                    tracing::error!(topic = self.shared.topic, reason = %failure, "topic no longer read");
                    return;
                }
                if std::mem::take(&mut progress.look) {
                    self.next_look = Instant::now();
                }
                progress.waiting > 0
            };
            let now = Instant::now();
            if now >= self.next_look {
                self.look();
            }
            let mut wait = match waited_for {
                true => BUSY_POLL,
                false => IDLE_POLL.min(self.next_look.saturating_duration_since(now)),
            };
            for _ in 0..EVENTS {
                let Some(event) = self.client.queue.poll(wait) else { break };
                wait = Duration::ZERO;
                self.handle(&event);
            }
            if waited_for {
                self.note_positions();
            }
        }
    }

    fn handle(&mut self, event: &Event) {
        match event.kind() {
            rd::RD_KAFKA_EVENT_FETCH => {
                let Some(record) = event.record() else { return };
                (self.take)(LogRecord {
                    partition: record.partition,
                    offset: record.offset,
                    timestamp: record.timestamp().map_or(-1, |timestamp| timestamp.millis),
                    key: record.key,
                    value: record.value,
                });
                self.shared.advance(record.partition, record.offset + 1);
            }
            rd::RD_KAFKA_EVENT_ERROR => self.on_error(event),
            rd::RD_KAFKA_EVENT_LOG => event.log(self.client.consumer.context().as_ref()),
            _ => {}
        }
    }

    fn on_error(&mut self, event: &Event) {
        let position = event.position();
        match event.code() {
            // All before it is taken: the last offsets may be compacted away, or belong to a transaction.
            Code::PartitionEOF => {
                if let Some((partition, offset)) = position {
                    self.shared.advance(partition, offset);
                }
            }
            Code::AutoOffsetReset | Code::LogTruncation => {
                let partition = position.map_or(-1, |(partition, _)| partition);
                let index = usize::try_from(partition).unwrap_or(usize::MAX);
                let taken = self.shared.progress.lock().next.get(index).copied().flatten();
                if taken.is_some() {
                    self.shared.fail(truncated(&self.shared.topic, partition));
                } else {
                    // Nothing of it is taken, so it can be read from its beginning.
                    self.assigned = false;
                    self.look_soon();
                }
            }
            // The group is not used.
            Code::GroupAuthorizationFailed => {}
            // Less precise than the reason before it.
            Code::AllBrokersDown if self.shared.progress.lock().trouble.is_some() => {}
            code => {
                self.shared.note(ReadError::of(code, &self.shared.topic, event.reason()));
                self.look_soon();
            }
        }
    }

    fn look_soon(&mut self) {
        self.next_look = self.next_look.min(Instant::now() + LOOK_SOON);
    }

    /// Looks whether the topic is the same, and has the same partitions.
    fn look(&mut self) {
        let topic = &self.shared.topic;
        let described = describe(&self.client.asking, topic, LOOK);
        // Its events are errors that the reader meets too, and lines of the log.
        while self.client.asking.poll(Duration::ZERO).is_some() {}
        self.next_look = Instant::now() + LOOK_INTERVAL;
        match described {
            Ok(description) => self.accept(description),
            Err(code) => {
                self.shared.note(ReadError::of(code, topic, code.to_string()));
                self.look_soon();
            }
        }
    }

    fn accept(&mut self, description: Description) {
        let next = {
            let mut progress = self.shared.progress.lock();
            if progress.id.is_some_and(|id| id != description.id) {
                drop(progress);
                self.shared.fail(recreated(&self.shared.topic));
                return;
            }
            progress.id = Some(description.id);
            // A missing permission to read does not show here.
            progress.trouble.take_if(|trouble| trouble.is_retriable());
            if description.partitions > progress.next.len() {
                progress.next.resize(description.partitions, None);
                self.assigned = false;
            }
            progress.next.clone()
        };
        if self.assigned {
            return;
        }
        let mut list = TopicPartitionList::new();
        for (partition, next) in next.into_iter().enumerate() {
            let from = next.map_or(Offset::Beginning, Offset::Offset);
            // Fails only for offsets that librdkafka cannot express.
            let _ = list.add_partition_offset(&self.shared.topic, number(partition), from);
        }
        match self.client.consumer.assign(&list) {
            Ok(()) => self.assigned = true,
            Err(error) => {
                self.shared.note(ReadError::Unavailable(error.to_string()));
                self.look_soon();
            }
        }
        self.shared.moved.notify_all();
    }

    /// Notes what librdkafka has passed. All events before are handled, so it is taken.
    fn note_positions(&self) {
        let Ok(positions) = self.client.consumer.position() else { return };
        if positions.count() == 0 {
            return;
        }
        for position in positions.elements() {
            if let Offset::Offset(offset) = position.offset() {
                self.shared.advance(position.partition(), offset);
            }
        }
    }
}
