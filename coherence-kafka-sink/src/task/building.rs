//! The batch that is being built from records. Pure.

use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_common::map::{Expiry, OutOfBounds};

use super::Rules;
use crate::kafka::batch::RawRecord;
use crate::pipeline::{RecordError, Taken};
use crate::plan::{Plan, Source};
use crate::settle::{Generation, Reached, Settle};
use crate::writer::{BatchWrites, Refused};

/// A batch in the making.
#[derive(Debug, Default)]
pub(super) struct Building {
    plans: Vec<(Arc<str>, Plan)>,
    reached: Vec<Reached>,
    records: u64,
    /// Records among them that go to the dead letter queue, and their bytes.
    reported: Vec<Source>,
    reported_bytes: usize,
    /// Records and bytes of the batch before, which this one will resemble.
    expected: (usize, usize),
    run: Option<Run>,
}

/// A batch that is ready to be written.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) writes: BatchWrites,
    pub(super) reached: Vec<Reached>,
    pub(super) records: u64,
    pub(super) reported: Vec<Source>,
}

/// Records arrive in runs of one partition: what is looked up for its first record serves the others.
#[derive(Debug)]
struct Run {
    topic: String,
    partition: i32,
    index: u32,
    generation: Generation,
    plan: usize,
    reached: usize,
    expiry: Expiry,
}

impl Building {
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    pub(super) fn records(&self) -> usize {
        self.records as usize
    }

    pub(super) fn bytes(&self) -> usize {
        self.plans.iter().map(|(_, plan)| plan.bytes()).sum::<usize>() + self.reported_bytes
    }

    /// How many more records fill it up to so many bytes, if they are like those in it and in the batch before.
    pub(super) fn room_in(&self, bytes: usize) -> usize {
        let (records_before, bytes_before) = self.expected;
        let held = self.bytes();
        let of_record = (bytes_before + held) / (records_before + self.records()).max(1);
        bytes.saturating_sub(held).div_ceil(of_record.max(1))
    }

    /// Takes a record. `None` for one of a partition that is not assigned any more: it is its next owner's.
    ///
    /// A record that cannot be taken leaves the batch as it is, until [`Building::pass`].
    pub(super) fn take(
        &mut self,
        record: &RawRecord<'_>,
        settle: &mut Settle,
        refused: &BTreeMap<Source, Refused>,
        rules: &Rules,
    ) -> Option<(Source, Result<Taken, RecordError>)> {
        let same =
            self.run.as_ref().is_some_and(|r| r.partition == record.partition && r.topic == record.topic);
        if !same {
            let (index, generation) = settle.find(record.topic, record.partition)?;
            settle.note_first(index, record.offset);
            self.run = Some(self.start_run(record, index, generation, rules));
        }
        let run = self.run.as_ref()?;
        let source = Source { partition: run.index, offset: record.offset };
        if let Some(Refused { map, error, .. }) = refused.get(&source) {
            return Some((source, Err(RecordError::Refused { map: map.clone(), error: error.clone() })));
        }
        let expiry = match record.value {
            Some(_) => rules.expiries.of_record(record, run.expiry),
            None => Ok(run.expiry),
        };
        let plan = &mut self.plans[run.plan].1;
        let taken = expiry
            .map_err(RecordError::from)
            .and_then(|expiry| rules.pipeline.apply(plan, source, record, expiry));
        // What becomes of a null key is the policy's to say.
        if !matches!(taken, Ok(Taken::NullKey) | Err(_)) {
            self.pass(record.offset);
        }
        Some((source, taken))
    }

    /// The record that was looked at last is done with this batch, whatever was made of it.
    pub(super) fn pass(&mut self, offset: i64) {
        let Some(run) = &self.run else { return };
        self.records += 1;
        let next = offset + 1;
        match self.reached.get_mut(run.reached) {
            Some(reached) => reached.next = next,
            None => {
                self.reached.push(Reached { partition: run.index, generation: run.generation, next });
            }
        }
    }

    /// The record is done when the dead letter queue has it, which holds so many bytes of it meanwhile.
    pub(super) fn report(&mut self, source: Source, bytes: usize) {
        self.reported.push(source);
        self.reported_bytes += bytes;
    }

    /// True where the dead letter queue was given records of it.
    pub(super) fn is_reported(&self) -> bool {
        !self.reported.is_empty()
    }

    /// Takes the batch out and leaves an empty one behind.
    pub(super) fn take_out(&mut self) -> Self {
        let next = Self { expected: (self.records(), self.bytes()), ..Self::default() };
        std::mem::replace(self, next)
    }

    pub(super) fn finish(self) -> Result<Batch, OutOfBounds> {
        let mut writes = BatchWrites::new();
        for (map, plan) in self.plans {
            let of_map = plan.finish()?;
            if !of_map.is_empty() {
                writes.push((map, of_map));
            }
        }
        Ok(Batch { writes, reached: self.reached, records: self.records, reported: self.reported })
    }

    fn start_run(
        &mut self,
        record: &RawRecord<'_>,
        index: u32,
        generation: Generation,
        rules: &Rules,
    ) -> Run {
        let map = rules.mappings.map_of(record.topic);
        let plan = self.plans.iter().position(|(name, _)| &**name == map).unwrap_or_else(|| {
            // Room for the whole batch is made once: with many maps each gets a small part of it.
            let (keys, bytes) = if self.plans.is_empty() { self.expected } else { (0, 0) };
            self.plans.push((map.into(), Plan::with_capacity(keys, bytes + bytes / 8)));
            self.plans.len() - 1
        });
        let reached = self.reached.iter().position(|r| r.partition == index).unwrap_or(self.reached.len());
        Run {
            topic: record.topic.to_owned(),
            partition: record.partition,
            index,
            generation,
            plan,
            reached,
            expiry: rules.expiries.of_topic(record.topic),
        }
    }
}
