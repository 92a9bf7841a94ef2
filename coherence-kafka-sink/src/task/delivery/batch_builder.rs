//! The batch that is being built from records. Pure.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use coherence_kafka_common::map::{Expiry, OutOfBounds};
use coherence_kafka_connect::data::Value;
use coherence_kafka_connect::record::Record;
use coherence_kafka_rdkafka::record::RawRecord;
use foldhash::fast::RandomState;
use hashbrown::HashMap;

use super::{LetterNumber, Rules};
use crate::config::MapNameError;
use crate::expiry::ConvertedHeaders;
use crate::offset_tracker::{OffsetTracker, Reached};
use crate::pipeline::{Operation, Pipeline, RecordError};
use crate::plan::{BatchPlan, RecordId, WriteKind};
use crate::writer::{BatchWrites, RejectedRecord};

/// A batch in the making.
#[derive(Debug, Default)]
pub(super) struct BatchBuilder {
    plans: Vec<(Arc<str>, BatchPlan)>,
    reached: Vec<Reached>,
    records: u64,
    /// Bad records among them that were passed over, and their bytes in the dead letter queue.
    reported: u64,
    reported_bytes: usize,
    /// Puts and removals among them.
    puts: u64,
    removes: u64,
    /// Letters of it that the queue has not answered.
    awaits: BTreeSet<LetterNumber>,
    /// The oldest timestamp at the beginning of a run.
    oldest: Option<i64>,
    /// Records and bytes of the batch before, which this one will resemble.
    expected: (usize, usize),
    run: Option<Run>,
    /// Where the records of each topic go.
    destinations: HashMap<String, Result<Destination, MapNameError>, RandomState>,
}

/// A batch that is ready to be written.
#[derive(Debug)]
pub(super) struct Batch {
    pub(super) writes: BatchWrites,
    pub(super) reached: Vec<Reached>,
    pub(super) records: u64,
    /// Puts and removals among them, before the last write of each key was selected.
    pub(super) puts: u64,
    pub(super) removes: u64,
    pub(super) bytes: usize,
    /// The oldest timestamp of the records that are the first of their partition in a run, in milliseconds since 1970.
    pub(super) oldest: Option<i64>,
    /// Letters of it that the dead letter queue has not answered.
    pub(super) awaits: BTreeSet<LetterNumber>,
}

/// Records arrive in runs of one partition: what is looked up for its first record serves the others.
#[derive(Debug)]
struct Run {
    topic: String,
    partition: i32,
    number: u32,
    /// The offset that is expected first, as far as that is known.
    expected: Option<i64>,
    reached: usize,
    /// Where its records go; `None` where something looks into each of them first.
    direct: Option<Result<Destination, MapNameError>>,
}

/// Where the records of a topic go.
#[derive(Debug, Clone, Copy)]
struct Destination {
    plan: usize,
    expiry: Expiry,
}

impl BatchBuilder {
    pub(super) fn is_empty(&self) -> bool {
        self.records == 0
    }

    pub(super) fn records(&self) -> usize {
        self.records as usize
    }

    pub(super) fn bytes(&self) -> usize {
        self.plans.iter().map(|(_, plan)| plan.bytes()).sum::<usize>() + self.reported_bytes
    }

    /// Estimates how many more records fill it up to `bytes`, from those in it and in the batch before.
    pub(super) fn room_in(&self, bytes: usize) -> usize {
        let (records_before, bytes_before) = self.expected;
        let held = self.bytes();
        let of_record = (bytes_before + held) / (records_before + self.records()).max(1);
        bytes.saturating_sub(held).div_ceil(of_record.max(1))
    }

    /// Looks up the partition of a record: its number, and the offset that is expected next of it, as far as that is
    /// known. Returns `None` for one that is no longer assigned: it is its next owner's.
    pub(super) fn enter(
        &mut self,
        record: &RawRecord<'_>,
        tracker: &mut OffsetTracker,
        rules: &Rules,
    ) -> Option<(u32, Option<i64>)> {
        let same =
            self.run.as_ref().is_some_and(|r| r.partition == record.partition && r.topic == record.topic);
        if !same {
            let number = tracker.find(record.topic, record.partition)?;
            tracker.note_first(number, record.offset);
            self.run = Some(self.start_run(record, number, tracker.expected(number), rules));
            let timestamp = record.timestamp().map(|timestamp| timestamp.millis);
            self.oldest = self.oldest.into_iter().chain(timestamp).min();
        }
        let run = self.run.as_ref()?;
        let next = self.reached.get(run.reached).map(|reached| reached.next);
        Some((run.number, next.or(run.expected)))
    }

    /// Makes the next record look up its partition again, which may have another number.
    pub(super) fn end_run(&mut self) {
        self.run = None;
    }

    /// Adds the record that was entered last.
    ///
    /// A record that cannot be added leaves the batch as it is, until [`BatchBuilder::pass`].
    pub(super) fn take(
        &mut self,
        record: &RawRecord<'_>,
        refused: &BTreeMap<RecordId, RejectedRecord>,
        rules: &Rules,
    ) -> Option<(RecordId, Result<Operation, RecordError>)> {
        let run = self.run.as_ref()?;
        let source = RecordId { partition: run.number, offset: record.offset };
        if let Some(RejectedRecord { map, error, .. }) = refused.get(&source) {
            return Some((source, Err(RecordError::Refused { map: map.clone(), error: error.clone() })));
        }
        let taken = match &run.direct {
            Some(Ok(destination)) => self.take_direct(*destination, source, record, rules),
            Some(Err(error)) => Err(error.clone().into()),
            None => self.take_transformed(source, record, rules),
        };
        match taken {
            Ok(Operation::Put) => self.puts += 1,
            Ok(Operation::Remove) => self.removes += 1,
            _ => {}
        }
        // The policy decides about a null key.
        if !matches!(taken, Ok(Operation::NullKey) | Err(_)) {
            self.pass(record.offset);
        }
        Some((source, taken))
    }

    /// Adds the record that was entered last as it is.
    fn take_direct(
        &mut self,
        Destination { plan, expiry }: Destination,
        source: RecordId,
        record: &RawRecord<'_>,
        rules: &Rules,
    ) -> Result<Operation, RecordError> {
        let expiry = match record.value {
            Some(_) => rules.expiries.of_headers(record)?.unwrap_or(expiry),
            None => expiry,
        };
        rules.pipeline.apply(&mut self.plans[plan], source, record, WriteKind::Put(expiry))
    }

    /// Adds the record that was entered last as its transforms have changed it.
    fn take_transformed(
        &mut self,
        source: RecordId,
        record: &RawRecord<'_>,
        rules: &Rules,
    ) -> Result<Operation, RecordError> {
        let Some(transformed) = rules.pipeline.transform(record)? else { return Ok(Operation::Filtered) };
        let Destination { plan, expiry } = self.destination(&transformed.topic, rules)?;
        let put = match &transformed.value.value {
            Value::Null => WriteKind::Put(expiry),
            value => {
                if let Some(path) = &rules.version {
                    // A processor that compares versions puts without an expiry.
                    WriteKind::PutNewer(Pipeline::version(path, value)?)
                } else {
                    WriteKind::Put(Self::expiry(record, &transformed, rules)?.unwrap_or(expiry))
                }
            }
        };
        rules.pipeline.apply_transformed(&mut self.plans[plan], source, transformed, put)
    }

    /// Returns the expiry that a record with a value has of its own.
    fn expiry(
        record: &RawRecord<'_>,
        transformed: &Record<'_>,
        rules: &Rules,
    ) -> Result<Option<Expiry>, RecordError> {
        let of_headers = if rules.pipeline.transforms.uses_headers() {
            rules.expiries.of_headers(&ConvertedHeaders(&transformed.headers))?
        } else {
            rules.expiries.of_headers(record)?
        };
        Ok(match of_headers {
            Some(expiry) => Some(expiry),
            None => rules.expiries.of_field(&transformed.value.value)?,
        })
    }

    /// Looks up where the records of a topic go, which is found once for each topic of a batch.
    fn destination(&mut self, topic: &str, rules: &Rules) -> Result<Destination, MapNameError> {
        if let Some(known) = self.destinations.get(topic) {
            return known.clone();
        }
        let map = rules.names.map_of(topic);
        let found =
            map.map(|map| Destination { plan: self.plan(&map), expiry: rules.expiries.of_topic(topic) });
        self.destinations.insert(topic.to_owned(), found.clone());
        found
    }

    /// Returns the index of the plan of a map.
    fn plan(&mut self, map: &str) -> usize {
        self.plans.iter().position(|(name, _)| &**name == map).unwrap_or_else(|| {
            // Room for the whole batch is made once: with many maps each gets a small part of it.
            let (keys, bytes) = if self.plans.is_empty() { self.expected } else { (0, 0) };
            self.plans.push((map.into(), BatchPlan::with_capacity(keys, bytes + bytes / 8)));
            self.plans.len() - 1
        })
    }

    /// Marks the last record as done with this batch, whether it was added or not.
    pub(super) fn pass(&mut self, offset: i64) {
        let Some(run) = &self.run else { return };
        self.records += 1;
        let next = offset + 1;
        match self.reached.get_mut(run.reached) {
            Some(reached) => reached.next = next,
            None => self.reached.push(Reached { partition: run.number, next }),
        }
    }

    /// Marks the last record as done once the dead letter queue has acknowledged it; the queue holds `bytes` of it
    /// meanwhile. `letter` is the number of a letter that is not answered yet.
    pub(super) fn report(&mut self, letter: Option<LetterNumber>, bytes: usize) {
        self.reported += 1;
        self.reported_bytes += bytes;
        self.awaits.extend(letter);
    }

    /// Handles the answer to a letter.
    pub(super) fn on_answer(&mut self, letter: LetterNumber) {
        self.awaits.remove(&letter);
    }

    /// Returns true where bad records of it were passed over.
    pub(super) fn is_reported(&self) -> bool {
        self.reported > 0
    }

    /// Takes the batch out and leaves an empty one behind.
    pub(super) fn take_out(&mut self) -> Self {
        let next = Self { expected: (self.records(), self.bytes()), ..Self::default() };
        std::mem::replace(self, next)
    }

    pub(super) fn finish(self) -> Result<Batch, OutOfBounds> {
        let bytes = self.plans.iter().map(|(_, plan)| plan.bytes()).sum();
        let mut writes = BatchWrites::new();
        for (map, plan) in self.plans {
            let of_map = plan.finish()?;
            if !of_map.is_empty() {
                writes.push((map, of_map));
            }
        }
        let Self { reached, records, puts, removes, oldest, awaits, .. } = self;
        Ok(Batch { writes, reached, records, puts, removes, bytes, oldest, awaits })
    }

    fn start_run(
        &mut self,
        record: &RawRecord<'_>,
        number: u32,
        expected: Option<i64>,
        rules: &Rules,
    ) -> Run {
        let direct = rules.is_direct().then(|| self.destination(record.topic, rules));
        let reached = self.reached.iter().position(|r| r.partition == number).unwrap_or(self.reached.len());
        Run { topic: record.topic.to_owned(), partition: record.partition, number, expected, reached, direct }
    }
}
