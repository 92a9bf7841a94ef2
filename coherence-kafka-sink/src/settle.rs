//! Which offsets may be committed.
//!
//! Pure: no I/O, no clock. An offset becomes committable only when every record before it is confirmed
//! (invariant 1). One batch is in flight at a time and a batch takes the records of each partition in order, so
//! the confirmed position of a partition is where its last confirmed batch ended.

use crate::kafka::consumer::TopicPartition;

/// Counts the assignments of a task: what began under an assignment that is over settles nothing.
pub type Generation = u64;

/// How far a batch goes into one partition.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Reached {
    /// Index of the partition in [`Settle`].
    pub partition: u32,
    /// The assignment under which the batch read it.
    pub generation: Generation,
    /// Offset behind its last record of the batch.
    pub next: i64,
}

/// The partitions that a task has, or had: their indexes never change meaning.
#[derive(Debug, Default)]
pub struct Settle {
    partitions: Vec<Partition>,
    generation: Generation,
}

#[derive(Debug)]
struct Partition {
    tp: TopicPartition,
    /// The current assignment, while there is one.
    assigned: Option<Generation>,
    /// Offset of the first record taken under this assignment.
    first: Option<i64>,
    /// What the map held of it before anything was taken: everything below this offset.
    held: Option<i64>,
    /// Offset behind the last confirmed record.
    confirmed: Option<i64>,
    /// The offset that the last commit named.
    committed: Option<i64>,
}

impl Partition {
    /// Everything below is in the map.
    fn reached(&self) -> Option<i64> {
        self.confirmed.or(self.held)
    }
}

impl Settle {
    /// Partitions were assigned: nothing is known about them yet.
    pub fn assign(&mut self, partitions: &[TopicPartition]) {
        self.generation += 1;
        for tp in partitions {
            let fresh = Partition {
                tp: tp.clone(),
                assigned: Some(self.generation),
                first: None,
                held: None,
                confirmed: None,
                committed: None,
            };
            match self.partitions.iter_mut().find(|p| p.tp == *tp) {
                Some(known) => *known = fresh,
                None => self.partitions.push(fresh),
            }
        }
    }

    /// The map holds everything below this offset of an assigned partition already. It may be committed; whether the
    /// partition still has records there shows only when it is read.
    pub fn note_held(&mut self, tp: &TopicPartition, position: Option<i64>) {
        if let Some(partition) = self.partitions.iter_mut().find(|p| p.tp == *tp) {
            partition.held = position;
        }
    }

    /// Partitions are gone: nothing of them can be committed any more.
    pub fn release(&mut self, partitions: &[TopicPartition]) {
        for partition in &mut self.partitions {
            if partitions.contains(&partition.tp) {
                partition.assigned = None;
            }
        }
    }

    /// Index and generation of an assigned partition; `None` for one that is not assigned (any more).
    pub fn find(&self, topic: &str, number: i32) -> Option<(u32, Generation)> {
        let index = self.partitions.iter().position(|p| p.tp.partition == number && p.tp.topic == topic)?;
        Some((index as u32, self.partitions[index].assigned?))
    }

    /// The partition behind an index.
    pub fn partition(&self, index: u32) -> Option<&TopicPartition> {
        self.partitions.get(index as usize).map(|p| &p.tp)
    }

    /// A record of the partition was taken; the first one is where reading begins again if none is confirmed.
    pub fn note_first(&mut self, index: u32, offset: i64) {
        if let Some(partition) = self.partitions.get_mut(index as usize) {
            partition.first.get_or_insert(offset);
        }
    }

    /// Where to go on reading when everything that is not confirmed is given up: one position for each assigned
    /// partition of which anything was taken.
    pub fn resume_positions(&self) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.partitions
            .iter()
            .filter(|p| p.assigned.is_some())
            .filter_map(|p| p.confirmed.or(p.first).map(|at| (&p.tp, at)))
    }

    /// Everything up to these positions is in the maps, or was skipped by a policy and counted.
    pub fn confirm(&mut self, reached: &[Reached]) {
        for r in reached {
            if let Some(partition) = self.partitions.get_mut(r.partition as usize)
                && partition.assigned == Some(r.generation)
            {
                partition.confirmed = Some(r.next);
            }
        }
    }

    /// True for a record that nothing is to be done about any more: it is confirmed, or its partition is gone.
    pub fn is_confirmed(&self, index: u32, offset: i64) -> bool {
        self.partitions
            .get(index as usize)
            .is_none_or(|p| p.assigned.is_none() || p.confirmed.is_some_and(|next| offset < next))
    }

    /// Positions that are confirmed and that no commit has named yet.
    pub fn to_commit(&self) -> impl Iterator<Item = (&TopicPartition, i64)> {
        self.partitions
            .iter()
            .filter(|p| p.assigned.is_some() && p.reached() != p.committed)
            .filter_map(|p| p.reached().map(|next| (&p.tp, next)))
    }

    /// A commit was sent that names all of [`Settle::to_commit`].
    pub fn commit_sent(&mut self) {
        for partition in &mut self.partitions {
            partition.committed = partition.reached();
        }
    }

    /// A commit failed: what it named has to be named again.
    pub fn commit_failed(&mut self) {
        for partition in &mut self.partitions {
            partition.committed = None;
        }
    }

    /// The assigned partitions, with the position confirmed so far.
    pub fn assigned(&self) -> impl Iterator<Item = (&TopicPartition, Option<i64>)> {
        self.partitions.iter().filter(|p| p.assigned.is_some()).map(|p| (&p.tp, p.confirmed))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn tp(partition: i32) -> TopicPartition {
        TopicPartition { topic: "orders".to_owned(), partition }
    }

    fn settle(partitions: &[i32]) -> Settle {
        let mut settle = Settle::default();
        settle.assign(&partitions.iter().map(|&p| tp(p)).collect::<Vec<_>>());
        settle
    }

    fn reached(settle: &Settle, partition: i32, next: i64) -> Reached {
        let (partition, generation) = settle.find("orders", partition).unwrap();
        Reached { partition, generation, next }
    }

    fn to_commit(settle: &Settle) -> Vec<(i32, i64)> {
        settle.to_commit().map(|(tp, next)| (tp.partition, next)).collect()
    }

    #[test]
    fn nothing_is_committed_before_it_is_confirmed() {
        let mut s = settle(&[0, 1]);
        assert!(to_commit(&s).is_empty());
        s.confirm(&[reached(&s, 1, 7)]);
        assert_eq!(to_commit(&s), [(1, 7)]);
    }

    #[test]
    fn a_position_is_committed_once() {
        let mut s = settle(&[0]);
        s.confirm(&[reached(&s, 0, 3)]);
        s.commit_sent();
        assert!(to_commit(&s).is_empty());
        s.confirm(&[reached(&s, 0, 4)]);
        assert_eq!(to_commit(&s), [(0, 4)]);
    }

    #[test]
    fn what_a_map_held_before_is_committed_until_more_is_confirmed_and_nothing_is_read_again_for_it() {
        let mut s = settle(&[0, 1]);
        s.note_held(&tp(0), Some(5));
        assert_eq!(to_commit(&s), [(0, 5)]);
        assert_eq!(s.resume_positions().count(), 0);
        s.commit_sent();
        assert!(to_commit(&s).is_empty());
        let (index, _) = s.find("orders", 0).unwrap();
        assert!(!s.is_confirmed(index, 4), "the topic may have been made anew");
        s.confirm(&[reached(&s, 0, 3)]);
        assert_eq!(to_commit(&s), [(0, 3)]);
    }

    #[test]
    fn a_failed_commit_is_sent_again() {
        let mut s = settle(&[0]);
        s.confirm(&[reached(&s, 0, 3)]);
        s.commit_sent();
        s.commit_failed();
        assert_eq!(to_commit(&s), [(0, 3)]);
    }

    #[test]
    fn a_late_answer_of_an_assignment_that_is_over_settles_nothing() {
        let mut s = settle(&[0]);
        let late = reached(&s, 0, 9);
        s.release(&[tp(0)]);
        s.confirm(&[late]);
        assert!(to_commit(&s).is_empty());
        s.assign(&[tp(0)]);
        s.confirm(&[late]);
        assert!(to_commit(&s).is_empty());
    }

    #[test]
    fn an_index_keeps_its_partition_over_rebalances() {
        let mut s = settle(&[0, 1]);
        let (index, _) = s.find("orders", 1).unwrap();
        s.release(&[tp(0), tp(1)]);
        s.assign(&[tp(2), tp(1)]);
        assert_eq!(s.partition(index), Some(&tp(1)));
        assert!(s.find("orders", 0).is_none());
    }
}
