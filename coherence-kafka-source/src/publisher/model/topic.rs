//! A topic: partitions, to which more may be added, and what others do to its records.

use coherence_kafka_common::splitmix::SplitMix64 as Random;

/// A record as it lies in a partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Lying {
    pub(super) partition: usize,
    pub(super) key: usize,
    pub(super) value: Option<u32>,
}

#[derive(Debug, Default)]
pub(super) struct Topic {
    records: Vec<Lying>,
    /// Beyond the first partition.
    added: usize,
}

impl Topic {
    /// The partition in which a key belongs.
    pub(super) fn place(&self, key: usize) -> usize {
        key % (1 + self.added)
    }

    pub(super) fn add_partitions(&mut self) {
        self.added += 1;
    }

    pub(super) fn has_more_partitions(&self) -> bool {
        self.added > 0
    }

    pub(super) fn append(&mut self, partition: usize, key: usize, value: Option<u32>) {
        self.records.push(Lying { partition, key, value });
    }

    /// The oldest records are gone.
    pub(super) fn age(&mut self, random: &mut Random) -> Vec<usize> {
        let gone = random.between(0, self.records.len());
        self.records.drain(..gone).map(|record| record.key).collect()
    }

    /// As a reader meets them: in order within a partition, in no order between partitions.
    pub(super) fn read(&self, random: &mut Random) -> Vec<Lying> {
        let mut partitions: Vec<Vec<Lying>> = (0..=self.added)
            .map(|partition| self.records.iter().copied().filter(|r| r.partition == partition).collect())
            .collect();
        let mut read = Vec::new();
        while !partitions.is_empty() {
            let at = random.below(partitions.len());
            let some = random.between(1, 3).min(partitions[at].len());
            read.extend(partitions[at].drain(..some));
            partitions.retain(|partition| !partition.is_empty());
        }
        read
    }

    /// What compaction leaves of a key in a partition.
    pub(super) fn last(&self, partition: usize, key: usize) -> Option<u32> {
        let of = |record: &&Lying| record.partition == partition && record.key == key;
        self.records.iter().rev().find(of).and_then(|record| record.value)
    }

    /// Values of a key in partitions in which it does not belong.
    pub(super) fn strays(&self, key: usize) -> Vec<u32> {
        let others = (0..=self.added).filter(|partition| *partition != self.place(key));
        others.filter_map(|partition| self.last(partition, key)).collect()
    }
}
