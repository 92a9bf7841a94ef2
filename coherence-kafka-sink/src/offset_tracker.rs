//! Tracks which offsets may be committed.
//!
//! Pure: no I/O, no clock. An offset becomes committable only when every record before it is confirmed
//! (invariant 1). One batch is in flight at a time and a batch takes the records of each partition in order, so
//! the confirmed position of a partition is where its last confirmed batch ended.
//!
//! A partition has its own number for each assignment, and for each log: where a topic was deleted and created again,
//! or a log was truncated, the partition gets a new one ([`OffsetTracker::begin_anew`]). Operations that began under an old
//! number confirm nothing of the new log.

use std::collections::BTreeMap;

use coherence_kafka_rdkafka::record::TopicPartition;

/// How far a batch goes into one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Number of the partition in [`OffsetTracker`].
    pub partition: u32,
    /// Offset behind its last record of the batch.
    pub next: i64,
}

/// The partitions that are assigned to a task. A number is never used for another one.
#[derive(Debug, Default)]
pub struct OffsetTracker {
    partitions: BTreeMap<u32, Partition>,
    /// Their numbers, by topic and partition.
    numbers: BTreeMap<String, BTreeMap<i32, u32>>,
    last: u32,
}

#[derive(Debug)]
struct Partition {
    tp: TopicPartition,
    /// Where reading begins again while nothing is confirmed: the first record that was taken.
    first: Option<i64>,
    /// Offset behind the last record of which a batch was made, or where reading goes on, as far as that is known.
    expected: Option<i64>,
    /// Everything below was done before anything was taken.
    held: Option<i64>,
    /// Offset behind the last confirmed record.
    confirmed: Option<i64>,
    /// The offset that the last commit named, of this task or of the owner before it.
    committed: Option<i64>,
    /// A record that is never done: nothing is confirmed from here on.
    limit: Option<i64>,
    /// Records below this offset are known to be removed unread.
    removed: i64,
}

impl Partition {
    fn new(tp: TopicPartition) -> Self {
        let (first, expected, held, confirmed, committed, limit) = (None, None, None, None, None, None);
        Self { tp, first, expected, held, confirmed, committed, limit, removed: 0 }
    }

    /// Returns the offset below which everything is done.
    fn reached(&self) -> Option<i64> {
        self.confirmed.or(self.held)
    }

    /// Returns where reading restarts, if records were read.
    fn resume(&self) -> Option<i64> {
        self.first.map(|first| self.confirmed.unwrap_or(first))
    }
}

impl OffsetTracker {
    /// Adds partitions that were assigned, of which nothing is known yet.
    pub fn assign(&mut self, partitions: &[TopicPartition]) {
        self.release(partitions);
        for tp in partitions {
            self.add(Partition::new(tp.clone()));
        }
    }

    fn add(&mut self, partition: Partition) -> u32 {
        self.last += 1;
        let tp = &partition.tp;
        self.numbers.entry(tp.topic.clone()).or_default().insert(tp.partition, self.last);
        self.partitions.insert(self.last, partition);
        self.last
    }

    /// Forgets partitions that are gone: none of their positions can be committed. Returns their numbers.
    pub fn release(&mut self, partitions: &[TopicPartition]) -> Vec<u32> {
        let mut released = Vec::new();
        for tp in partitions {
            let Some(of_topic) = self.numbers.get_mut(&tp.topic) else { continue };
            released.extend(of_topic.remove(&tp.partition));
            if of_topic.is_empty() {
                self.numbers.remove(&tp.topic);
            }
        }
        for number in &released {
            self.partitions.remove(number);
        }
        released
    }

    /// Gives a partition a new number, because its log continues at `offset`, which is below the records read so far.
    /// The state of the old log is dropped with its number. Returns the new one.
    ///
    /// Of a truncated log the part below `offset` is the same as before: what is not confirmed of it is read again
    /// where anything is. Of one that was created again nothing can be confirmed below its first record.
    pub fn begin_anew(&mut self, number: u32, offset: i64) -> Option<u32> {
        let old = self.partitions.remove(&number)?;
        let from = old.resume().or(old.held).map_or(offset, |resume| resume.min(offset));
        let fresh = Partition { first: Some(from), held: Some(from), ..Partition::new(old.tp) };
        Some(self.add(fresh))
    }

    /// Notes that the maps already hold everything below this offset of an assigned partition. It may be committed;
    /// whether the partition still has records there shows only when it is read.
    pub fn note_held(&mut self, tp: &TopicPartition, position: Option<i64>) {
        if let Some(partition) = self.partition_mut(tp) {
            partition.held = position;
            partition.expected = position;
        }
    }

    /// Notes the offset that the group has committed of an assigned partition, which is read from there.
    pub fn note_committed(&mut self, tp: &TopicPartition, position: i64) {
        if let Some(partition) = self.partition_mut(tp)
            && partition.held.is_none()
        {
            partition.held = Some(position);
            partition.expected = Some(position);
            partition.committed = Some(position);
        }
    }

    /// Returns the number of an assigned partition; `None` for one that is not assigned.
    pub fn find(&self, topic: &str, partition: i32) -> Option<u32> {
        self.numbers.get(topic)?.get(&partition).copied()
    }

    /// Returns the partition of a number.
    pub fn partition(&self, number: u32) -> Option<&TopicPartition> {
        self.partitions.get(&number).map(|p| &p.tp)
    }

    /// Returns the next offset of a partition behind those in batches, as far as that is known.
    pub fn expected(&self, number: u32) -> Option<i64> {
        self.partitions.get(&number)?.expected
    }

    /// Notes a record of the partition that was read; reading restarts at the first one if none is confirmed.
    pub fn note_first(&mut self, number: u32, offset: i64) {
        if let Some(partition) = self.partitions.get_mut(&number) {
            partition.first.get_or_insert(offset);
        }
    }

    /// Notes that the records below these positions are in a batch.
    pub fn note_taken(&mut self, reached: &[Reached]) {
        for r in reached {
            if let Some(partition) = self.partitions.get_mut(&r.partition) {
                partition.expected = Some(r.next);
            }
        }
    }

    /// Notes that the records from `expected` to `next` were removed unread. Returns how many of these offsets were not
    /// known: a second read leaves them out again.
    pub fn note_removed(&mut self, number: u32, expected: i64, next: i64) -> u64 {
        let Some(partition) = self.partitions.get_mut(&number) else { return 0 };
        let from = expected.max(partition.removed);
        partition.removed = partition.removed.max(next);
        u64::try_from(next - from).unwrap_or(0)
    }

    /// Gives up everything that is not confirmed. Returns where reading continues: one position for each partition of
    /// which records were read.
    pub fn rewind(&mut self) -> Vec<(TopicPartition, i64)> {
        let mut positions = Vec::new();
        for partition in self.partitions.values_mut() {
            if let Some(at) = partition.resume() {
                partition.expected = Some(at);
                positions.push((partition.tp.clone(), at));
            }
        }
        positions
    }

    /// Confirms everything up to these positions: it is in the maps, or was skipped by a policy and counted.
    pub fn confirm(&mut self, reached: &[Reached]) {
        for r in reached {
            let Some(partition) = self.partitions.get_mut(&r.partition) else { continue };
            let next = partition.limit.map_or(r.next, |limit| r.next.min(limit));
            if Some(next) > partition.confirmed.or(partition.first) {
                partition.confirmed = Some(next);
            }
        }
    }

    /// Stops confirmations at this record, which is never done.
    pub fn stop_at(&mut self, number: u32, offset: i64) {
        if let Some(partition) = self.partitions.get_mut(&number) {
            partition.limit = Some(partition.limit.map_or(offset, |limit| limit.min(offset)));
        }
    }

    /// Returns true for a record that is finished: it is confirmed, or its partition is gone.
    pub fn is_confirmed(&self, number: u32, offset: i64) -> bool {
        self.partitions.get(&number).is_none_or(|p| p.confirmed.is_some_and(|next| offset < next))
    }

    /// Returns the confirmed positions that no commit has named yet.
    pub fn to_commit(&self) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.partitions
            .values()
            .filter(|p| p.reached() != p.committed)
            .filter_map(|p| p.reached().map(|next| (&p.tp, next)))
    }

    /// Notes that a commit was sent for all of [`OffsetTracker::to_commit`].
    pub fn commit_sent(&mut self) {
        for partition in self.partitions.values_mut() {
            partition.committed = partition.reached();
        }
    }

    /// Notes that a commit failed: its positions are to be committed again.
    pub fn commit_failed(&mut self) {
        for partition in self.partitions.values_mut() {
            partition.committed = None;
        }
    }

    /// Returns the assigned partitions, with the offset of the first record that is not done, as far as that is known.
    pub fn assigned(&self) -> impl Iterator<Item = (&TopicPartition, Option<i64>)> {
        self.partitions.values().map(|p| (&p.tp, p.reached().or(p.first)))
    }

    fn partition_mut(&mut self, tp: &TopicPartition) -> Option<&mut Partition> {
        self.partitions.get_mut(&self.find(&tp.topic, tp.partition)?)
    }
}

#[cfg(test)]
mod tests;
