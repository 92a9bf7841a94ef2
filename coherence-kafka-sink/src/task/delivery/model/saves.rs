//! A file with the maps and the positions up to which they hold the topics, as `snapshot.rs` keeps it.

use std::collections::BTreeMap;

use coherence_kafka_rdkafka::record::TopicPartition;

use super::World;
use super::grid::MapKey;
use crate::task::delivery::CommitNumber;

type Entries = BTreeMap<MapKey, Vec<u8>>;

/// Positions, each with the log that it is of.
type Positions = BTreeMap<TopicPartition, (i64, usize)>;

#[derive(Debug, Default)]
pub(super) struct Saves {
    /// What the process knows.
    positions: Positions,
    /// The save on its way: what it was asked with.
    saving: Option<(CommitNumber, Positions, Entries)>,
    /// What the file holds.
    file: (Positions, Entries),
}

impl Saves {
    pub(super) fn position(&self, tp: &TopicPartition) -> Option<i64> {
        self.positions.get(tp).map(|(at, _)| *at)
    }

    pub(super) fn saved_position(&self, tp: &TopicPartition) -> Option<i64> {
        self.file.0.get(tp).map(|(at, _)| *at)
    }

    /// Which log of a partition the position is of.
    pub(super) fn log(&self, tp: &TopicPartition) -> Option<usize> {
        self.positions.get(tp).map(|(_, log)| *log)
    }

    /// The value of a key in the file.
    pub(super) fn value(&self, key: &MapKey) -> Option<Vec<u8>> {
        self.file.1.get(key).cloned()
    }
}

impl World {
    pub(super) fn is_saving(&self) -> bool {
        self.saves.as_ref().is_some_and(|saves| saves.saving.is_some())
    }

    pub(super) fn begin_save(&mut self, number: CommitNumber, offsets: Vec<(TopicPartition, i64)>) {
        for (tp, _) in &offsets {
            assert!(self.partition(tp).position.is_some(), "save of {tp}, which is not assigned");
        }
        let before = self.grid.entries();
        let offsets: Vec<_> = offsets
            .into_iter()
            .map(|(tp, at)| {
                let (_, log) = self.partition(&tp).stamp();
                (tp, (at, log))
            })
            .collect();
        let saves = self.saves.as_mut().expect("a world that saves");
        saves.positions.extend(offsets);
        let begun = saves.saving.replace((number, saves.positions.clone(), before));
        assert!(begun.is_none(), "two saves side by side");
    }

    /// The maps are written entry by entry while the sink goes on: each is as it was at some moment since the beginning.
    fn write_file(&mut self) -> Option<CommitNumber> {
        let saves = self.saves.as_mut()?;
        let (number, positions, before) = saves.saving.take()?;
        let now = self.grid.entries();
        let mut entries = Entries::new();
        for key in before.keys().chain(now.keys()) {
            let seen = if self.random.one_in(2) { &before } else { &now };
            // An entry that exists all the time is in the file, with one of its values.
            if let Some(value) = seen.get(key) {
                entries.insert(key.clone(), value.clone());
            }
        }
        saves.file = (positions.clone(), entries);
        let saves = self.saves.as_ref()?;
        for (tp, (next, log)) in &positions {
            let current = self.partitions.iter().any(|p| p.tp == *tp && p.ids.len() == *log);
            if !current {
                continue;
            }
            self.check_held(tp, *next, |key| saves.value(key));
        }
        Some(number)
    }

    pub(super) fn finish_save(&mut self) {
        let fails = !self.calm && self.random.one_in(6);
        if fails {
            let saves = self.saves.as_mut().and_then(|saves| saves.saving.take());
            let Some((number, ..)) = saves else { return };
            self.told.failed_saves += 1;
            return self.delivery.on_saved(number, Err("told to fail".to_owned()), self.now);
        }
        if let Some(number) = self.write_file() {
            self.told.saves += 1;
            self.delivery.on_saved(number, Ok(()), self.now);
        }
    }

    /// The task ends: its save is completed, or not, without an answer.
    pub(super) fn forget_save(&mut self) {
        if self.random.one_in(2) {
            self.write_file();
        }
        if let Some(saves) = &mut self.saves {
            saves.saving = None;
        }
    }

    /// The process dies, and the next one has what the file holds.
    pub(super) fn load_saved(&mut self) {
        self.forget_save();
        let Some(saves) = &mut self.saves else { return };
        saves.positions = saves.file.0.clone();
        self.grid.load(&saves.file.1);
    }
}
