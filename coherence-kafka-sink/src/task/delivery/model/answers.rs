//! Answers to writes, commits and dead letters.

use std::collections::BTreeSet;
use std::time::Duration;

use coherence_kafka_common::splitmix::SplitMix64 as Random;
use coherence_kafka_rdkafka::record::CommitError;

use super::World;
use crate::writer::WriteFailure;

impl World {
    pub(super) fn finish_write(&mut self) {
        if !self.calm && self.random.one_in(40) {
            let Some((number, writes)) = self.write.take() else { return };
            self.grid.apply_some(&writes, &mut self.random);
            return self.delivery.on_written(number, Err(WriteFailure::Broken), self.now);
        }
        let Some((number, writes)) = self.write.take() else { return };
        let now = self.grid.time.now();
        {
            let state = &mut *self.grid.lock();
            let until = |random: &mut Random| now + Duration::from_secs(random.below(900) as u64);
            state.faults = if self.calm { 0 } else { self.random.below(6) };
            state.random = Random(self.random.bits());
            state.store_away = (!self.calm && self.random.one_in(8)).then(|| until(&mut self.random));
            let flaps = !self.calm && self.random.one_in(8);
            state.store_flaps = flaps.then(|| (until(&mut self.random), self.random.between(1, 7)));
        }
        let outcome = self.grid.time.run(self.writer.write(&writes));
        self.delivery.on_written(number, outcome, self.now);
    }

    /// The broker stores each position or not, and librdkafka gives those that it stored the code of one that it did not.
    pub(super) fn answer_commit(&mut self) {
        let Some((number, offsets)) = self.commits.pop_front() else { return };
        let (mut failed, mut unknown) = (!self.calm && self.random.one_in(24), false);
        let fails = !self.calm && self.random.one_in(6);
        let topics: BTreeSet<_> = offsets.iter().map(|(tp, ..)| tp.topic.clone()).collect();
        for (tp, next, stamp) in offsets {
            let fails = fails && self.random.one_in(2);
            let partition = self.partition(&tp);
            if partition.gone {
                unknown = true;
            } else if fails {
                failed = true;
            } else if partition.position.is_some()
                && partition.stamp() == stamp
                && partition.unnoticed.is_none()
            {
                // The broker forgets what was committed in a log that it has no more.
                partition.committed = partition.committed.max(next);
            }
        }
        let outcome = match (failed, unknown) {
            (true, _) => Err(CommitError::Failed("told to fail".to_owned())),
            (false, true) => Err(CommitError::UnknownTopics(topics.into_iter().collect())),
            (false, false) => Ok(()),
        };
        self.told.commits += u64::from(outcome.is_ok());
        self.delivery.on_committed(number, outcome, self.now);
    }

    pub(super) fn answer_letter(&mut self) {
        if self.letters.is_empty() {
            return;
        }
        let (number, place, kept) = self.letters.swap_remove(self.random.below(self.letters.len()));
        if !self.calm && self.random.one_in(20) {
            self.told.refused_letters += 1;
            self.delivery.on_reported(number, Err("told to refuse".to_owned()), self.now);
            assert!(!kept || self.delivery.failure().is_some(), "{place:?} is in no queue and no log");
            return;
        }
        self.dead.insert(place);
        self.told.dead_letters += 1;
        self.delivery.on_reported(number, Ok(()), self.now);
    }

    /// An answer to a write that is no longer awaited.
    pub(super) fn late_answer(&mut self) {
        let number = self.write.as_ref().map_or(1, |(number, _)| number + 1);
        self.delivery.on_written(number.saturating_sub(2), Ok(Vec::new()), self.now);
    }
}
