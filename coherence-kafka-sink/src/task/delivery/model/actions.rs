//! What a delivery asks for is carried out, and it is checked that it may ask for it.

use coherence_kafka_rdkafka::record::TopicPartition;

use super::World;
use crate::errors::{NullValues, Tolerance};
use crate::task::delivery::Action;

impl World {
    /// Does what the delivery asks for, and checks that it may ask for it.
    pub(super) fn perform(&mut self) {
        while let Some(action) = self.delivery.next_action() {
            match action {
                Action::Assign(partitions) => {
                    self.answered();
                    let saves = self.saves.is_some();
                    for (tp, held) in &partitions {
                        let log = self.saves.as_ref().and_then(|saves| saves.log(tp));
                        let partition = self.partition(tp);
                        assert!(partition.position.is_none(), "{tp} is assigned twice");
                        assert!(saves || held.is_none());
                        // Maps that are saved are read on from what they hold, else from the beginning.
                        let start = if saves { held.unwrap_or(0) } else { partition.committed };
                        partition.position = Some(start);
                        partition.known = start > 0 || held.is_some();
                        partition.generation += 1;
                        partition.removed = 0;
                        if saves && log != Some(partition.ids.len()) && start > 0 {
                            // The log does not have this offset.
                            (partition.position, partition.committed) = (Some(0), 0);
                            partition.unnoticed = Some(start);
                        }
                        self.begins_anew(tp);
                        if !saves && start > 0 {
                            self.delivery.on_positions(&[(tp.clone(), start)]);
                        }
                    }
                }
                Action::Release(partitions) => {
                    self.answered();
                    for tp in &partitions {
                        self.asked_for.remove(tp);
                        let partition = self.partition(tp);
                        assert!(partition.position.take().is_some(), "{tp} is released without being had");
                        partition.unnoticed = None;
                        let ids = partition.ids.clone();
                        for (_, place, kept) in &mut self.letters {
                            *kept &= !ids.contains(&place.0);
                        }
                    }
                    let unfinished = self.write.as_ref().is_some_and(|(_, writes)| {
                        let sources =
                            writes.iter().flat_map(|(_, writes)| writes).flat_map(|w| w.entries.iter());
                        let released = |key: &[u8]| {
                            self.partitions.iter().any(|p| {
                                partitions.contains(&p.tp)
                                    && p.log.iter().any(|r| r.key.as_deref() == Some(key))
                            })
                        };
                        sources.into_iter().any(|(key, _)| released(key))
                    });
                    assert!(!unfinished, "released while its records are being written");
                    self.somebody_else_reads(&partitions);
                }
                Action::Seek(tp, position) => {
                    let partition = self.partition(&tp);
                    assert!(partition.position.is_some(), "seek in {tp}, which is not assigned");
                    assert!(partition.unnoticed.is_some() || (0..=partition.end()).contains(&position));
                    // In a log that does not have the offset reading goes on where it is.
                    if partition.unnoticed.is_none() {
                        partition.position = Some(position);
                        partition.known = true;
                    }
                    self.begins_anew(&tp);
                }
                Action::Write(number, writes) => {
                    assert!(self.write.is_none(), "two writes in flight");
                    self.write = Some((number, writes));
                }
                Action::Abandon => self.abandon(),
                Action::Save(number, offsets) => self.begin_save(number, offsets),
                Action::Commit(number, offsets) => {
                    for (tp, next) in &offsets {
                        self.check_commit(tp, *next);
                    }
                    let stamp = |(tp, next): (TopicPartition, i64)| {
                        let stamp = self.partition(&tp).stamp();
                        (tp, next, stamp)
                    };
                    let offsets = offsets.into_iter().map(stamp).collect();
                    self.commits.push_back((number, offsets));
                }
                Action::Report(number, letter) => {
                    assert!(self.policy.dead_letters);
                    self.letters.push((number, self.place_of_letter(&letter), true));
                }
            }
        }
    }

    fn answered(&mut self) {
        self.owed = self.owed.checked_sub(1).expect("an answer without a request");
    }

    /// The write in flight is given up: anything of it may have been applied, or not, or will be.
    pub(super) fn abandon(&mut self) {
        let Some((_, writes)) = self.write.take() else { return };
        self.grid.apply_some(&writes, &mut self.random);
    }

    /// The partitions have another owner for a while, which reads some of their records.
    fn somebody_else_reads(&mut self, partitions: &[TopicPartition]) {
        // With maps of the process's own another one writes to others.
        if self.saves.is_some() {
            return;
        }
        // Another process knows nothing of the late writes of this one: that is not promised.
        self.grid.settle();
        for tp in partitions {
            let count = self.random.below(10) as i64;
            let skips = self.policy.tolerance == Tolerance::All;
            let deletes = self.policy.null_values == NullValues::Delete;
            let map = self.map_of(tp);
            let partition = self.partitions.iter_mut().find(|p| p.tp == *tp).unwrap();
            if partition.gone {
                continue;
            }
            let end = (partition.committed + count).min(partition.end());
            while partition.committed < end {
                let offset = partition.committed as usize;
                let record = &partition.log[offset];
                if !partition.is_present(offset) {
                    partition.committed += 1;
                    continue;
                }
                if record.bad && !skips {
                    break;
                }
                if record.bad {
                    self.dead.insert(record.place);
                } else if let Some(key) = &record.key
                    && (record.value.is_some() || deletes)
                {
                    self.grid.apply(&(map.clone(), key.clone()), record.value.as_ref());
                }
                partition.committed += 1;
            }
        }
    }
}
