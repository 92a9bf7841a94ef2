//! The state under the lock of a producer: the client, the ledger, and the records that wait for another client.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::producer::{Client, HeaderList, Lost, NotTaken, Topic};

use super::isolation::Isolation;
use super::ledger::{Ledger, Stake};
use super::observers::Observers;
use super::spare::Spare;
use super::transaction::Transaction;
use super::{Account, Outcomes, Outstanding};
use crate::binary_entry::BinaryEntry;
use crate::error::StoreError;
use crate::outbound::{Event, Outbound, OutboundRecord};

pub(super) struct Core {
    pub accepting: bool,
    pub stop: bool,
    /// Since when nothing can be sent because the client has failed.
    pub failed: Option<Instant>,
    pub client: Option<Arc<Client>>,
    /// Their handles are those of the client, and none without one.
    pub topics: Vec<(String, Option<Topic>)>,
    pub ledger: Ledger<Outstanding>,
    pub observers: Observers,
    pub spare: Spare,
    /// In the ledger, not yet sent, oldest first.
    pub parked: VecDeque<Parked>,
    /// That of a term, where records are sent in transactions only.
    pub transaction: Option<Transaction>,
    /// Which topics share it.
    pub isolation: Isolation,
    /// How many wait until everything is settled: a transaction is not kept open then.
    pub flushing: usize,
    /// The term shall end.
    pub ending: bool,
    /// Why nothing can be sent before the next term.
    pub lost: Option<Lost>,
}

impl std::fmt::Debug for Core {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Core")
            .field("accepting", &self.accepting)
            .field("failed", &self.failed)
            .field("held", &self.ledger.held())
            .finish_non_exhaustive()
    }
}

pub(super) struct Parked {
    pub number: usize,
    since: Instant,
    topic: usize,
    partition: Option<i32>,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    headers: HeaderList,
}

impl Core {
    /// Returns the bytes of the record that was sent, or parked.
    pub(super) fn send(
        &mut self,
        entry: &BinaryEntry,
        planned: &OutboundRecord,
        scratch: &[u8],
        account: &Account,
        outbound: &Outbound,
        full: &mut bool,
    ) -> Result<usize, StoreError> {
        if !self.accepting || account.closed.load(Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        if let Some(lost) = &self.lost {
            return Err(StoreError::Unavailable(format!("not sent: {lost}")));
        }
        if self.transaction.is_some()
            && let Some(why) = self.isolation.paused(account.topic, Instant::now)
        {
            return Err(why);
        }
        *full |= !self.ledger.has_room();
        if *full {
            return Err(StoreError::Full);
        }
        let record = planned.record(entry, scratch);
        let bytes = record.key.len() + record.value.map_or(0, <[u8]>::len);
        let mut headers = match planned.only_event() {
            Some(event) => self.spare.take(event),
            None => HeaderList::new(&outbound.headers(planned, scratch)),
        };
        let number = self.ledger.next_number();
        if self.failed.is_none()
            && self.may_send(account.topic)
            && let (Some(client), Some((_, Some(topic)))) = (&self.client, self.topics.get(account.topic))
        {
            let partition = planned.partition();
            let Err((not_taken, back)) =
                client.produce(topic, partition, record.key, record.value, headers, number)
            else {
                self.sent();
                return Ok(bytes);
            };
            headers = back;
            match not_taken {
                NotTaken::Because(error) => return Err(error.into()),
                NotTaken::Full => {
                    *full = true;
                    return Err(StoreError::Full);
                }
                NotTaken::Fatal => self.failed = Some(Instant::now()),
                NotTaken::NoTransaction => self.no_transaction(),
            }
        }
        self.parked.push_back(Parked {
            number,
            since: Instant::now(),
            topic: account.topic,
            partition: planned.partition(),
            key: record.key.to_vec(),
            value: record.value.map(<[u8]>::to_vec),
            headers,
        });
        Ok(bytes)
    }

    /// Returns whether a record of this topic is sent now, and not parked for the next transaction.
    fn may_send(&mut self, topic: usize) -> bool {
        let Some(transaction) = &mut self.transaction else { return true };
        transaction.is_open() && self.isolation.admits(&mut transaction.participants, topic)
    }

    fn sent(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.on_sent();
        }
    }

    /// Notes that librdkafka can only abort the transaction.
    fn no_transaction(&mut self) {
        if let Some(transaction) = &mut self.transaction {
            transaction.end();
        }
    }

    /// Returns whether a transaction is to be committed before it is due: for those that wait, or because what it holds
    /// takes the room for more.
    pub(super) fn wants_commit(&self) -> bool {
        self.flushing > 0 || !self.parked.is_empty() || self.ledger.is_half_full()
    }

    /// Returns the only header of a record that is held under this number, where it has no other.
    pub(super) fn only_event(&self, number: usize) -> Option<Event> {
        self.ledger.item(number)?.only_event
    }

    /// Items that the ledger has returned, to be reported.
    pub(super) fn outcomes(
        &mut self,
        entries: impl Iterator<Item = (Outstanding, Stake, Result<(), StoreError>)>,
    ) -> Outcomes {
        let entries: Vec<_> = entries.collect();
        let runs = entries.chunk_by(|(a, ..), (b, ..)| a.to == b.to);
        let to = runs.filter_map(|run| self.observers.release(run[0].0.to, run.len())).collect();
        Outcomes { entries, to }
    }

    /// Drops the handles of the client but that of the thread of reports, which may wait for its end.
    pub(super) fn forget_client(&mut self) {
        self.topics.iter_mut().for_each(|(_, handle)| *handle = None);
        self.client = None;
    }

    /// Gives up records that were parked for longer than `timeout`: no client has ever had them.
    pub(super) fn expire_parked(&mut self, timeout: Duration) -> Outcomes {
        let error = StoreError::Unavailable(format!(
            "no kafka client was available within message.timeout.ms ({timeout:?}); the record is not in the topic"
        ));
        let mut expired = Vec::new();
        while self.parked.front().is_some_and(|parked| parked.since.elapsed() >= timeout) {
            let Some(Parked { number, .. }) = self.parked.pop_front() else { break };
            expired.extend(self.ledger.take(number).map(|(item, stake)| (item, stake, Err(error.clone()))));
        }
        self.outcomes(expired.into_iter())
    }

    /// Sends the parked records, in order, until the client accepts no more; those for another transaction stay.
    /// Returns those that cannot be sent.
    pub(super) fn unpark(&mut self) -> Outcomes {
        let mut failures = Vec::new();
        let mut parked = std::mem::take(&mut self.parked);
        while let Some(Parked { number, since, topic, partition, key, value, headers }) = parked.pop_front() {
            if !self.ledger.is_held(number) {
                self.ledger.take(number);
                continue;
            }
            if !self.may_send(topic) {
                self.parked.push_back(Parked { number, since, topic, partition, key, value, headers });
                continue;
            }
            let (Some(client), Some((_, Some(handle)))) = (&self.client, self.topics.get(topic)) else {
                let error = StoreError::Unavailable("the producer has no such topic".to_owned());
                failures.extend(self.ledger.take(number).map(|(item, stake)| (item, stake, error)));
                continue;
            };
            let error = match client.produce(handle, partition, &key, value.as_deref(), headers, number) {
                Ok(()) => {
                    self.sent();
                    continue;
                }
                Err((stopped @ (NotTaken::Fatal | NotTaken::NoTransaction), headers)) => {
                    match stopped {
                        NotTaken::NoTransaction => self.no_transaction(),
                        _ => self.failed = Some(Instant::now()),
                    }
                    self.parked.push_back(Parked { number, since, topic, partition, key, value, headers });
                    self.parked.append(&mut parked);
                    break;
                }
                Err((NotTaken::Full, _)) => StoreError::Full,
                Err((NotTaken::Because(error), _)) => error.into(),
            };
            failures.extend(self.ledger.take(number).map(|(item, stake)| (item, stake, error)));
        }
        self.outcomes(failures.into_iter().map(|(item, stake, error)| (item, stake, Err(error))))
    }
}
