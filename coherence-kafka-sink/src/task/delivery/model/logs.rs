//! What becomes of logs under their reader. Offsets show it only where they go back, so nothing happens here that they
//! could not show: a log is replaced below the position of its reader, not at or behind it.

use super::log::{Partition, good_record, record, reload};
use super::{NullValues, World};

impl World {
    /// One of the partitions, and a new number for its log.
    fn some_partition(&mut self) -> (usize, usize) {
        self.last_log += 1;
        (self.random.below(self.partitions.len()), self.last_log)
    }

    /// The log of a partition goes on otherwise from `cut` on, and is read from there.
    fn replace(&mut self, (index, id): (usize, usize), cut: i64) {
        let partition = &self.partitions[index];
        // Also what is read again must be behind the cut.
        let done = self.delivery.assigned().find(|(tp, _)| **tp == partition.tp).map(|(_, done)| done);
        if id > 255
            || partition.gone
            || partition.unnoticed.is_some()
            || done.is_some_and(|done| done <= Some(cut))
        {
            return;
        }
        let mut places = (cut..).map(|offset| (id, offset));
        let fresh = self.random.between(0, 30);
        let (policy, grid, random) = (&self.policy, &self.grid, &mut self.random);
        let numbers = partition.numbers;
        let mut log: Vec<_> =
            places.by_ref().take(fresh).map(|place| record(random, policy, grid, numbers, place)).collect();
        log.extend(reload(grid, numbers, places.by_ref()));
        log.extend(places.next().map(|place| good_record(numbers.0, numbers.1, place)));
        self.records.extend(log.iter().map(|record| (record.place, record.clone())));
        let partition = &mut self.partitions[index];
        let old = partition.log.split_off(cut as usize);
        partition.cut_off.iter_mut().for_each(|(at, _)| *at = (*at).min(cut - 1));
        partition.cut_off.extend(old.into_iter().map(|record| (cut - 1, record)));
        if cut == 0 {
            partition.cut_off.clear();
        }
        partition.log.extend(log);
        partition.start = partition.start.min(cut);
        partition.ids.push(id);
        // The group forgets the offsets of a topic that is deleted, and those of a log that has no such offsets are
        // noticed at the next read.
        partition.committed = partition.committed.min(cut);
        if let Some(position) = &mut partition.position {
            partition.unnoticed = Some(std::mem::replace(position, cut));
        }
    }

    /// A topic is deleted and created again.
    pub(super) fn create_again(&mut self) {
        let which = self.some_partition();
        self.replace(which, 0);
    }

    /// The leader of a partition had less than the one before.
    pub(super) fn truncate(&mut self) {
        let which = self.some_partition();
        let Partition { start, log, .. } = &self.partitions[which.0];
        let (start, end) = (*start as usize, log.len());
        if end > start {
            let cut = start + self.random.below(end - start);
            self.replace(which, cut as i64);
        }
    }

    /// Retention removes records that do not hold the last value of their key.
    pub(super) fn remove_oldest(&mut self) {
        let index = self.random.below(self.partitions.len());
        let deletes = self.policy.null_values == NullValues::Delete;
        let partition = &mut self.partitions[index];
        if partition.unnoticed.is_some() {
            return;
        }
        let start = (partition.start + self.random.below(12) as i64).min(partition.end());
        let first = partition.start as usize;
        let old = std::mem::replace(&mut partition.start, start);
        let needed = |offset: usize| !partition.is_superseded(offset, deletes);
        if (first..partition.start as usize).any(needed) {
            partition.start = old;
        }
    }

    /// Compaction removes one that is not needed.
    pub(super) fn compact(&mut self) {
        let index = self.random.below(self.partitions.len());
        let deletes = self.policy.null_values == NullValues::Delete;
        let partition = &mut self.partitions[index];
        if partition.log.is_empty() || partition.unnoticed.is_some() {
            return;
        }
        let offset = self.random.below(partition.log.len());
        let with_key = partition.log[offset].key.is_some();
        if with_key && partition.is_present(offset) && partition.is_superseded(offset, deletes) {
            partition.log[offset].compacted = true;
        }
    }
}
