//! How a task ends, and the next one begins.

use coherence_kafka_rdkafka::record::TopicPartition;

use super::{World, delivery};
use crate::errors::Tolerance;
use crate::task::TaskFailure;
use crate::writer::WriteFailure;

impl World {
    /// The process dies; another one takes its place.
    pub(super) fn crash(&mut self) {
        self.abandon();
        self.grid.settle();
        self.load_saved();
        self.restart();
    }

    /// The thread of the task panics: its consumer leaves the group, its write is given up.
    pub(super) fn panic(&mut self) {
        self.abandon();
        self.restart();
    }

    pub(super) fn ended(&mut self) {
        assert!(self.write.is_none(), "the task is over and still writes");
        assert_eq!(self.owed, 0, "the task is over and the group waits for its answer");
        if let Some(TaskFailure::Write(reason)) = self.delivery.failure() {
            assert_eq!(*reason, WriteFailure::Broken.to_string(), "an outage fails no task");
        }
        if let Some(TaskFailure::Record { topic, partition, offset, .. }) = self.delivery.failure() {
            let tp = TopicPartition { topic: topic.clone(), partition: *partition };
            let (offset, none) = (*offset, self.policy.tolerance == Tolerance::None);
            let partition = self.partition(&tp);
            // Another owner may have passed over one whose letter was refused, or that has gone.
            if partition.ids.len() == 1 && none && partition.is_present(offset as usize) {
                let bad = partition.log[offset as usize].bad;
                assert!(bad, "the task fails for a good record: {tp} at {offset}");
                assert!(partition.committed <= offset, "{tp} is committed behind the record at fault");
            }
            // An operator looks at it and decides.
            self.policy.tolerance = Tolerance::All;
        }
        self.restart();
    }

    fn restart(&mut self) {
        if self.random.one_in(2) {
            self.answer_commit();
            while self.delivery.next_action().is_some() {}
        }
        self.commits.clear();
        self.write = None;
        self.letters.clear();
        self.owed = 0;
        self.asked_for.clear();
        self.partitions.iter_mut().for_each(|p| (p.position, p.unnoticed) = (None, None));
        self.forget_save();
        let saves = self.saves.is_some();
        let (mappings, counters) = (&self.mappings, &self.counters);
        self.delivery = delivery(&mut self.random, self.policy, saves, mappings, counters, self.now);
        self.assign_all();
    }
}
