//! The transaction of a producer that publishes in transactions: when it ends, and what its end means for its records.
//!
//! Pure.
//!
//! ```text
//! open ── due, or a flush, or half of the memory in use, or a record failed ──► ending: nothing more joins it
//!   ▲                                                                             │ every record is reported
//!   └──── the next one ◄── committed: all are in the topic, or aborted: none is ──┘
//! ```

use std::time::{Duration, Instant};

use super::participants::Participants;
use crate::error::StoreError;

/// See the module.
#[derive(Debug, Default)]
pub(super) struct Transaction {
    /// When its first record was sent.
    since: Option<Instant>,
    ending: bool,
    in_flight: usize,
    /// The numbers of its records, with what the brokers answered.
    reported: Vec<(usize, Result<(), StoreError>)>,
    /// The topics of its records.
    pub participants: Participants,
    /// Why it can only be aborted.
    pub aborts: Option<Aborts>,
}

/// Why a transaction can only be aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Aborts {
    pub why: String,
    /// The topic is refused, whatever the record; which topic is not known.
    pub topic_refused: Option<StoreError>,
}

impl Transaction {
    /// Returns whether records may join it.
    pub(super) fn is_open(&self) -> bool {
        !self.ending
    }

    /// Adds a record.
    pub(super) fn on_sent(&mut self) {
        self.since.get_or_insert_with(Instant::now);
        self.in_flight += 1;
    }

    /// Handles the report of a record: it is in a log, or failed.
    pub(super) fn on_report(&mut self, number: usize, outcome: Result<(), StoreError>) {
        self.in_flight = self.in_flight.saturating_sub(1);
        // It can only be aborted: what joined it would be in vain.
        self.ending |= outcome.is_err();
        self.reported.push((number, outcome));
    }

    /// Ends it: no further record joins.
    pub(super) fn end(&mut self) {
        self.ending = true;
    }

    /// Ends it where it has records and is `wanted`, or is as old as `interval`.
    pub(super) fn end_if_due(&mut self, now: Instant, interval: Duration, wanted: bool) {
        let due = |since| wanted || now.duration_since(since) >= interval;
        self.ending |= self.since.is_some_and(due);
    }

    /// Returns how long nothing is to be done for it, unless something is reported.
    pub(super) fn rests(&self, now: Instant, interval: Duration, wanted: bool) -> Option<Duration> {
        match self.since {
            None => None,
            Some(_) if self.ending || wanted => (self.in_flight == 0).then_some(Duration::ZERO),
            Some(since) => Some(interval.saturating_sub(now.duration_since(since))),
        }
    }

    /// Returns whether it has ended and every record of it was reported: it can be committed or aborted.
    pub(super) fn is_complete(&self) -> bool {
        self.ending && self.in_flight == 0
    }

    /// Returns why one of its topics takes no records until an operator acts, if one does.
    pub(super) fn blocked(&self) -> Option<StoreError> {
        let mut errors = self.reported.iter().filter_map(|(_, outcome)| outcome.as_ref().err());
        errors.find(|error| matches!(error, StoreError::Blocked(_))).cloned()
    }

    /// Returns the outcomes of its records.
    pub(super) fn outcomes(self) -> Vec<(usize, Result<(), StoreError>)> {
        let alone = self.participants.only().is_some();
        let Self { mut reported, aborts, .. } = self;
        let Some(Aborts { why, topic_refused }) = aborts else { return reported };
        for (_, outcome) in &mut reported {
            match (&topic_refused, &outcome) {
                // A record that was given up with the transaction is not at fault, unless it is the only one.
                (Some(refused), Ok(()) | Err(StoreError::Unavailable(_))) if alone => {
                    *outcome = Err(refused.clone())
                }
                (_, Ok(())) => {
                    let why = format!("its transaction was aborted ({why}); the record is not in the topic");
                    *outcome = Err(StoreError::Unavailable(why));
                }
                _ => {}
            }
        }
        reported
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVAL: Duration = Duration::from_millis(100);

    fn refused() -> Result<(), StoreError> {
        Err(StoreError::Refused("too large".to_owned()))
    }

    #[test]
    fn a_transaction_without_records_never_ends() {
        let mut transaction = Transaction::default();
        transaction.end_if_due(Instant::now() + INTERVAL * 10, INTERVAL, true);
        assert!(transaction.is_open() && !transaction.is_complete());
        assert_eq!(transaction.rests(Instant::now(), INTERVAL, true), None);
    }

    #[test]
    fn it_ends_when_it_is_due_and_is_complete_when_every_record_is_reported() {
        let mut transaction = Transaction::default();
        let now = Instant::now();
        transaction.on_sent();
        transaction.on_sent();
        transaction.end_if_due(now, INTERVAL, false);
        assert!(transaction.is_open());
        transaction.on_report(7, Ok(()));
        transaction.end_if_due(now + INTERVAL * 2, INTERVAL, false);
        assert!(!transaction.is_open() && !transaction.is_complete());
        transaction.on_report(8, Ok(()));
        assert!(transaction.is_complete());
        assert_eq!(transaction.outcomes(), [(7, Ok(())), (8, Ok(()))]);
    }

    #[test]
    fn a_flush_ends_it_early() {
        let mut transaction = Transaction::default();
        transaction.on_sent();
        transaction.on_report(1, Ok(()));
        transaction.end_if_due(Instant::now(), INTERVAL, true);
        assert!(transaction.is_complete());
    }

    #[test]
    fn a_record_that_fails_ends_it_and_none_of_its_records_counts_as_stored() {
        let mut transaction = Transaction::default();
        (0..3).for_each(|_| transaction.on_sent());
        transaction.on_report(1, Ok(()));
        transaction.on_report(2, refused());
        assert!(!transaction.is_open(), "what joins it now is aborted with it");
        transaction.on_report(3, Ok(()));
        transaction.aborts = Some(Aborts { why: "too large".to_owned(), topic_refused: None });
        let outcomes = transaction.outcomes();
        assert_eq!(outcomes[1], (2, refused()));
        for (_, outcome) in [&outcomes[0], &outcomes[2]] {
            assert!(matches!(outcome, Err(StoreError::Unavailable(why)) if why.contains("not in the topic")));
        }
    }

    #[test]
    fn a_refused_topic_is_found_when_it_is_alone() {
        let purged = Err(StoreError::Unavailable("purged".to_owned()));
        let refused = StoreError::Refused("no permission".to_owned());
        let aborts = Aborts { why: "no permission".to_owned(), topic_refused: Some(refused.clone()) };
        for (participants, expected) in
            [(Participants::Only(0), Err(refused)), (Participants::Shared(vec![true, true]), purged.clone())]
        {
            let mut transaction = Transaction { participants, ..Transaction::default() };
            transaction.on_sent();
            transaction.on_report(1, purged.clone());
            transaction.aborts = Some(aborts.clone());
            assert_eq!(transaction.outcomes(), [(1, expected)]);
        }
    }
}
