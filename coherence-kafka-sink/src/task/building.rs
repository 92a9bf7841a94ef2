//! The batch that is being built from records.

use std::collections::BTreeMap;
use std::sync::Arc;

use coherence_kafka_common::map::OutOfBounds;

use super::TaskParts;
use crate::config::Mappings;
use crate::kafka::batch::RawRecord;
use crate::pipeline::{RecordError, Taken};
use crate::plan::{Plan, Source};
use crate::settle::{Generation, Reached, Settle};
use crate::writer::{BatchWrites, Refused};

/// A batch in the making.
#[derive(Default)]
pub(super) struct Building {
    plans: Vec<(Arc<str>, Plan)>,
    reached: Vec<Reached>,
    records: u64,
    /// Records of the batch before, which this one will resemble.
    expected: usize,
    run: Option<Run>,
}

/// A batch that is ready to be written.
pub(super) struct Batch {
    pub(super) writes: BatchWrites,
    pub(super) reached: Vec<Reached>,
    pub(super) records: u64,
}

/// Records arrive in runs of one partition: what is looked up for its first record serves the others.
struct Run {
    topic: String,
    partition: i32,
    index: u32,
    generation: Generation,
    plan: usize,
    reached: usize,
}

impl Building {
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    pub(super) fn records(&self) -> usize {
        self.records as usize
    }

    pub(super) fn bytes(&self) -> usize {
        self.plans.iter().map(|(_, plan)| plan.bytes()).sum()
    }

    /// Takes a record. One of a partition that is not assigned any more is passed over: it is its next owner's.
    pub(super) fn take(
        &mut self,
        record: &RawRecord<'_>,
        settle: &mut Settle,
        refused: &BTreeMap<Source, Refused>,
        parts: &TaskParts,
    ) -> Result<(), RecordError> {
        let same =
            self.run.as_ref().is_some_and(|r| r.partition == record.partition && r.topic == record.topic);
        if !same {
            let Some((index, generation)) = settle.find(record.topic, record.partition) else {
                return Ok(());
            };
            settle.note_first(index, record.offset);
            self.run = Some(self.start_run(record, index, generation, &parts.mappings));
        }
        let Some(run) = &self.run else { return Ok(()) };
        let source = Source { partition: run.index, offset: record.offset };
        if let Some(Refused { map, error, .. }) = refused.get(&source) {
            return Err(RecordError::Refused { map: map.clone(), error: error.clone() });
        }
        match parts.pipeline.apply(&mut self.plans[run.plan].1, source, record)? {
            Taken::Put => parts.counters.puts.add(1),
            Taken::Remove => parts.counters.removes.add(1),
            Taken::NullKey => {
                parts.counters.null_keys.add(1);
                tracing::error!(
                    topic = record.topic,
                    partition = record.partition,
                    offset = record.offset,
                    "record discarded: its key is null, and a map has no null key"
                );
            }
        }
        self.records += 1;
        let next = record.offset + 1;
        match self.reached.get_mut(run.reached) {
            Some(reached) => reached.next = next,
            None => {
                self.reached.push(Reached { partition: run.index, generation: run.generation, next });
            }
        }
        Ok(())
    }

    /// Takes the batch out and leaves an empty one behind.
    pub(super) fn take_out(&mut self) -> Self {
        let next = Self { expected: self.records(), ..Self::default() };
        std::mem::replace(self, next)
    }

    pub(super) fn finish(self) -> Result<Batch, OutOfBounds> {
        let writes = self.plans.into_iter().map(|(map, plan)| Ok((map, plan.finish()?)));
        Ok(Batch { writes: writes.collect::<Result<_, _>>()?, reached: self.reached, records: self.records })
    }

    fn start_run(
        &mut self,
        record: &RawRecord<'_>,
        index: u32,
        generation: Generation,
        mappings: &Mappings,
    ) -> Run {
        let map = mappings.map_of(record.topic);
        let plan = self.plans.iter().position(|(name, _)| &**name == map).unwrap_or_else(|| {
            // Room for the whole batch is made once: with many maps each gets a small part of it.
            let expected = if self.plans.is_empty() { self.expected } else { 0 };
            self.plans.push((map.into(), Plan::with_capacity(expected)));
            self.plans.len() - 1
        });
        let reached = self.reached.iter().position(|r| r.partition == index).unwrap_or(self.reached.len());
        Run { topic: record.topic.to_owned(), partition: record.partition, index, generation, plan, reached }
    }
}
