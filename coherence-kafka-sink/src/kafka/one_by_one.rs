//! Reading record by record through rdkafka's own, safe interface: the fallback of `batch.rs`, a third as fast.
//!
//! As there, no partition's records pass the group's own queue: each partition has a queue that is read here. They
//! are read in turn, so that none starves the others.

use std::sync::Arc;
use std::time::{Duration, Instant};

use rdkafka::consumer::base_consumer::PartitionQueue;
use rdkafka::consumer::{BaseConsumer, ConsumerContext};
use rdkafka::error::KafkaError;

use super::batch::Single;
use super::consumer::TopicPartition;

/// Pause between two rounds while nothing is there.
const PAUSE: Duration = Duration::from_millis(1);

/// The queues of the assigned partitions.
pub(super) struct PartitionQueues<C: ConsumerContext + 'static> {
    queues: Vec<(TopicPartition, PartitionQueue<C>)>,
    first: usize,
}

impl<C: ConsumerContext + 'static> PartitionQueues<C> {
    pub(super) fn new() -> Self {
        Self { queues: Vec::new(), first: 0 }
    }

    /// Takes the records of a partition away from the group's queue. Must run before the partition is assigned.
    pub(super) fn split(&mut self, client: &Arc<BaseConsumer<C>>, tp: &TopicPartition) {
        self.release(std::slice::from_ref(tp));
        if let Some(queue) = client.split_partition_queue(&tp.topic, tp.partition) {
            self.queues.push((tp.clone(), queue));
        }
    }

    pub(super) fn release(&mut self, partitions: &[TopicPartition]) {
        self.queues.retain(|(tp, _)| !partitions.contains(tp));
    }

    /// Reads until `max` records are there or `wait` has passed.
    pub(super) fn read(&mut self, max: usize, wait: Duration) -> Vec<Single<'_>> {
        let end = Instant::now() + wait;
        self.first = self.first.wrapping_add(1);
        let (before, from) = self.queues.split_at(self.first % self.queues.len().max(1));
        let mut messages = Vec::new();
        loop {
            for (tp, queue) in from.iter().chain(before) {
                while messages.len() < max
                    && let Some(message) = queue.poll(Duration::ZERO)
                {
                    // It does not say at which offset the end is.
                    if !matches!(message, Err(KafkaError::PartitionEOF(_))) {
                        messages.push((tp, message));
                    }
                }
            }
            let now = Instant::now();
            if messages.len() >= max || now >= end {
                return messages;
            }
            std::thread::park_timeout(PAUSE.min(end - now));
        }
    }
}
