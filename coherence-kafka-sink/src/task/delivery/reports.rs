//! The dead letters of a delivery: which of them the queue has acknowledged, and which it has not answered yet.
//!
//! Pure: no I/O, no clock.

use std::collections::{BTreeMap, BTreeSet};

use super::LetterNumber;
use crate::plan::RecordId;

/// Records sent to the dead letter queue.
#[derive(Debug, Default)]
pub(super) struct Reports {
    /// Those whose offsets are not confirmed: one that is read again with its batch is not reported twice.
    by_record: BTreeMap<RecordId, Report>,
    /// Those without answer.
    open: BTreeMap<LetterNumber, RecordId>,
    /// Those among them whose log is gone. Their records cannot be read again, so these letters are always awaited.
    gone: BTreeSet<LetterNumber>,
    last: LetterNumber,
}

/// A bad record, as far as the queue is concerned.
#[derive(Debug)]
pub(super) struct Report {
    number: LetterNumber,
    /// What the queue holds of it: key, value and headers.
    pub(super) bytes: usize,
    /// Why the queue refused it.
    pub(super) refused: Option<String>,
}

impl Reports {
    /// Adds a letter that is about to be sent, or only its report where no queue is configured (`bytes` is `None`).
    pub(super) fn add(&mut self, source: RecordId, bytes: Option<usize>) -> LetterNumber {
        self.last += 1;
        let report = Report { number: self.last, bytes: bytes.unwrap_or_default(), refused: None };
        self.by_record.insert(source, report);
        if bytes.is_some() {
            self.open.insert(self.last, source);
        }
        self.last
    }

    /// Returns the report of a record.
    pub(super) fn get(&self, source: &RecordId) -> Option<&Report> {
        self.by_record.get(source)
    }

    /// Returns the letter of a record, if it is without answer.
    pub(super) fn awaited(&self, source: &RecordId) -> Option<LetterNumber> {
        let number = self.by_record.get(source)?.number;
        self.open.contains_key(&number).then_some(number)
    }

    /// Returns the record of a letter without answer.
    pub(super) fn record(&self, number: LetterNumber) -> Option<RecordId> {
        self.open.get(&number).copied()
    }

    /// Handles the answer to a letter. Returns its record, unless nothing waits for the answer.
    pub(super) fn on_answer(&mut self, number: LetterNumber, refused: Option<&String>) -> Option<RecordId> {
        let source = self.open.remove(&number)?;
        self.gone.remove(&number);
        if let Some(report) = self.by_record.get_mut(&source) {
            report.refused = refused.cloned();
        }
        Some(source)
    }

    /// Returns true while letters are without answer.
    pub(super) fn is_open(&self) -> bool {
        !self.open.is_empty()
    }

    /// Returns true while letters are without answer whose records cannot be read again.
    pub(super) fn awaits_gone(&self) -> bool {
        !self.gone.is_empty()
    }

    /// Forgets the records that are confirmed.
    pub(super) fn confirmed(&mut self, is_confirmed: impl Fn(&RecordId) -> bool) {
        self.by_record.retain(|source, _| !is_confirmed(source));
    }

    /// Forgets partitions that are gone: their next owner reads and reports their records again.
    pub(super) fn release(&mut self, numbers: &[u32]) {
        self.by_record.retain(|source, _| !numbers.contains(&source.partition));
        self.open.retain(|_, source| !numbers.contains(&source.partition));
    }

    /// Handles the loss of a partition's log, and with it of the records of its letters.
    pub(super) fn log_gone(&mut self, partition: u32) {
        self.by_record.retain(|source, _| source.partition != partition);
        let of_log = self.open.iter().filter(|(_, source)| source.partition == partition);
        self.gone.extend(of_log.map(|(number, _)| *number));
    }
}
