//! What must hold whenever something is done: committed, saved, or given to the dead letter queue.

use std::collections::BTreeMap;

use coherence_kafka_rdkafka::record::{OutgoingRecord, TopicPartition};

use super::grid::MapKey;
use super::log::{Place, Record, is_replaced, place_of};
use super::{NullValues, Tolerance, World};

impl World {
    /// Everything below a committed offset is in its map, in the queue, or skipped by a policy.
    pub(super) fn check_commit(&mut self, tp: &TopicPartition, next: i64) {
        let partition = self.partition(tp);
        assert!(partition.position.is_some(), "commit of {tp}, which is not assigned");
        if partition.unnoticed.is_some() {
            return;
        }
        assert!(next >= partition.committed, "commit of {tp} goes back");
        match &self.saves {
            Some(saves) => {
                assert!(
                    saves.saved_position(tp) >= Some(next),
                    "{tp} is committed at {next} before it is saved"
                );
                self.check_held(tp, next, |key| saves.value(key));
            }
            None => self.check_held(tp, next, |key| self.grid.value(key)),
        }
    }

    /// Everything below an offset is in the maps with these values, in the queue, or skipped by a policy.
    pub(super) fn check_held(
        &self,
        tp: &TopicPartition,
        next: i64,
        value: impl Fn(&MapKey) -> Option<Vec<u8>>,
    ) {
        let dead_letters = self.policy.dead_letters;
        let partition = self.partitions.iter().find(|p| p.tp == *tp).unwrap();
        assert!(next <= partition.end(), "{tp} is done up to {next}, which its log does not have");
        let mut last: BTreeMap<&[u8], usize> = BTreeMap::new();
        for (offset, record) in partition.present().take_while(|(offset, _)| (*offset as i64) < next) {
            if record.bad && !(record.refused && is_replaced(partition, offset)) {
                let counts = self.policy.tolerance == Tolerance::All
                    || (record.key.is_none() && self.skipped_null_keys);
                assert!(counts, "{tp} at {offset} is bad, and done without tolerance");
                assert!(
                    !dead_letters || self.dead.contains(&record.place),
                    "{tp} at {offset} is done before the queue has it"
                );
            } else if !record.bad
                && let Some(key) = &record.key
                && (record.value.is_some() || self.policy.null_values == NullValues::Delete)
            {
                last.insert(key, offset);
            }
        }
        for (key, offset) in last {
            let held = value(&(self.map_of(tp), key.to_vec())).map(|value| place_of(&value));
            let is_delete =
                |record: &Record| record.key.as_deref() == Some(key) && !record.bad && record.value.is_none();
            let fine = match held {
                Some(held) => partition.offset_of(held) >= Some(offset as i64),
                // A delete at this offset or behind it.
                None => {
                    let cut = partition.cut_off.iter().filter(|(at, _)| *at >= offset as i64);
                    self.policy.null_values == NullValues::Delete
                        && partition.log[offset..].iter().chain(cut.map(|(_, cut)| cut)).any(is_delete)
                }
            };
            assert!(
                fine,
                "{tp} is done up to {next}, but its record at {offset} is not in the map: {held:?}"
            );
        }
    }

    pub(super) fn place_of_letter(&self, letter: &OutgoingRecord) -> Place {
        let found = match &letter.value {
            Some(value) if value.len() == 8 => place_of(value),
            // A bad tombstone, or one without key: its timestamp holds its place.
            _ => (letter.timestamp.unwrap() as usize >> 32, letter.timestamp.unwrap() & 0xFFFF_FFFF),
        };
        let record = &self.records[&found];
        assert!(record.bad, "a good record in the queue: {found:?}");
        assert_eq!((&record.key, &record.value), (&letter.key, &letter.value));
        found
    }
}
