//! A producer that publishes in transactions, one term after the other.
//!
//! ```text
//! begin_term: a client of its own gets the transactional id ── older ones are fenced ──► transactions ──► committed
//!      ▲                                                                                     │ fenced, failed, ended
//!      └───────────────────────────── nothing is sent, the client is gone ◄──────────────────┘
//! ```
//!
//! Observers are called after the commit. What an aborted transaction held is reported as
//! [`StoreError::Unavailable`]: it is not in the topic.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::producer::{Client, DeliveryReport, Lost, Topic, Unfinished};

use super::reports::REPORTED_AT_ONCE;
use super::transaction::{Aborts, Transaction};
use super::{Producer, Shared};
use crate::error::StoreError;

/// How long one call to the coordinator of transactions may last; it goes on with the next one.
const CALL: Duration = Duration::from_secs(2);
/// How long the end of a term may take to abort what is under way.
const ABORT: Duration = Duration::from_secs(1);
/// One attempt to do so, and the wait for reports between two of them.
const ABORT_CALL: Duration = Duration::from_millis(100);
/// How long a term may take to end in addition.
const END: Duration = Duration::from_secs(3);

/// How a producer publishes in transactions.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Transactions {
    /// The `transactional.id`: of all producers that have it, the newest one can publish.
    pub id: String,
    /// How long a transaction is open: how late readers of committed records see what was published.
    pub interval: Duration,
    /// The broker aborts a transaction that is open for so long.
    pub timeout: Duration,
}

impl Producer {
    /// Begins a term of a producer made by [`Producer::transactional`]: from now on every older producer with its
    /// transactional id is fenced, and what that has left unfinished is committed or aborted. Until it is called nothing
    /// can be sent. Blocks for up to `wait`, while it is `wanted`.
    ///
    /// # Errors
    /// Why nothing can be sent. Unless it is [`Lost::Refused`], another call may succeed.
    pub fn begin_term(&self, wait: Duration, wanted: &dyn Fn() -> bool) -> Result<(), Lost> {
        self.shared.begin_term(wait, wanted)
    }

    /// Ready once the term is over that began last.
    pub async fn term_lost(&self) -> Lost {
        self.shared.wait_until(|core| core.lost.is_some()).await;
        self.shared.core.lock().lost.clone().unwrap_or(Lost::Ended)
    }

    /// Ends a term: waits for what was sent, up to `flush`, and gives up the rest. Afterwards nothing of it is on its
    /// way. Needs tokio's time.
    pub async fn end_term(&self, flush: Duration) {
        let _ = tokio::time::timeout(flush, self.flush()).await;
        self.shared.core.lock().ending = true;
        let _ = tokio::time::timeout(END, self.shared.wait_until(|core| core.client.is_none())).await;
    }
}

impl Shared {
    fn begin_term(&self, wait: Duration, wanted: &dyn Fn() -> bool) -> Result<(), Lost> {
        if self.core.lock().client.is_some() {
            return Err(Lost::Failed("the term before has not ended yet".to_owned()));
        }
        let client = Client::new(&self.settings).map_err(Lost::Failed)?;
        let until = Instant::now() + wait;
        loop {
            match client.init_transactions(CALL.min(wait)) {
                Ok(()) => break,
                Err(Unfinished::Pending(_)) if Instant::now() < until && wanted() => {}
                Err(unfinished) => return Err(unfinished.into()),
            }
        }
        client.begin_transaction()?;
        let mut core = self.core.lock();
        if !core.accepting || !wanted() {
            return Err(Lost::Ended);
        }
        for (name, handle) in &mut core.topics {
            *handle = Topic::new(&client, name).ok();
        }
        core.client = Some(client);
        core.transaction = Some(Transaction::default());
        (core.failed, core.lost, core.ending) = (None, None, false);
        Ok(())
    }

    /// How long the thread of reports may wait for them.
    pub(super) fn rests(&self, at_most: Duration) -> Duration {
        let core = self.core.lock();
        let rests =
            self.transactions.as_ref().zip(core.transaction.as_ref()).and_then(|(of, transaction)| {
                transaction.rests(Instant::now(), of.interval, core.wants_commit())
            });
        rests.map_or(at_most, |rests| rests.min(at_most))
    }

    /// One step of a term, behind the reports that have come.
    pub(super) fn serve_term(&self, client: &Arc<Client>, fatal: bool, reports: &mut Vec<DeliveryReport>) {
        if fatal {
            return self.over(client, client.lost(), reports);
        }
        let Some(of) = &self.transactions else { return };
        let aborts = {
            let mut core = self.core.lock();
            if core.ending {
                drop(core);
                self.abort(client, reports);
                return self.over(client, Lost::Ended, reports);
            }
            let wanted = core.wants_commit();
            let Some(transaction) = &mut core.transaction else { return };
            transaction.end_if_due(Instant::now(), of.interval, wanted);
            if !transaction.is_complete() {
                return;
            }
            transaction.aborts.is_some()
        };
        // Where it can only be aborted, the attempt to commit returns why.
        let ended = if aborts { client.abort_transaction(CALL) } else { client.commit_transaction(CALL) };
        match ended.and_then(|()| client.begin_transaction()) {
            Ok(()) => self.next_transaction(),
            Err(Unfinished::Pending(reason)) => tracing::debug!(reason, "transaction not ended yet"),
            Err(Unfinished::Aborts(why, topic_refused)) if !aborts => {
                tracing::warn!(reason = why, "transaction aborted, its records are not in the topics");
                if let Some(transaction) = &mut self.core.lock().transaction {
                    let topic_refused = topic_refused.map(StoreError::from);
                    transaction.aborts = Some(Aborts { why, topic_refused });
                }
            }
            Err(unfinished) => self.over(client, unfinished.into(), reports),
        }
    }

    /// One has ended, and the next one has begun.
    fn next_transaction(&self) {
        let mut core = self.core.lock();
        let ended = core.transaction.replace(Transaction::default()).unwrap_or_default();
        core.isolation.on_end(&ended);
        let failures = core.unpark();
        drop(core);
        self.notify(failures);
        let mut outcomes = ended.outcomes().into_iter();
        while outcomes.len() > 0 {
            let mut core = self.core.lock();
            let some: Vec<_> = outcomes
                .by_ref()
                .take(REPORTED_AT_ONCE)
                .filter_map(|(number, outcome)| {
                    core.ledger.take(number).map(|(item, stake)| (item, stake, outcome))
                })
                .collect();
            let some = core.outcomes(some.into_iter());
            drop(core);
            self.notify(some);
        }
    }

    /// Takes back what is in an open transaction, where Kafka answers soon: readers of committed records would wait for
    /// the transaction's timeout, or for the next publisher.
    fn abort(&self, client: &Client, reports: &mut Vec<DeliveryReport>) {
        let until = Instant::now() + ABORT;
        while let Err(Unfinished::Pending(_)) = client.abort_transaction(ABORT_CALL) {
            client.poll(ABORT_CALL, reports);
            self.report(reports);
            if Instant::now() > until {
                return;
            }
        }
    }

    /// Nothing more is sent in this term: what is held is reported.
    fn over(&self, client: &Client, lost: Lost, reports: &mut Vec<DeliveryReport>) {
        if lost != Lost::Ended {
            tracing::warn!(reason = %lost, "the term of the producer is over");
        }
        self.purge(client, reports);
        let mut core = self.core.lock();
        core.parked.clear();
        // A transaction that could only be aborted is, by the next term: nothing of it is in a topic.
        let aborted = core.transaction.take().filter(|transaction| transaction.aborts.is_some());
        let mut errors = HashMap::new();
        if let Some(aborted) = aborted {
            core.isolation.on_end(&aborted);
            let outcomes = aborted.outcomes().into_iter();
            errors.extend(outcomes.filter_map(|(number, outcome)| Some((number, outcome.err()?))));
        }
        let unknown = StoreError::Unavailable(format!("{lost}; the record may be in the topic"));
        let mut taken = Vec::new();
        for number in core.ledger.numbers() {
            let error = errors.remove(&number).unwrap_or_else(|| unknown.clone());
            taken.extend(core.ledger.take(number).map(|(item, stake)| (item, stake, Err(error))));
        }
        let taken = core.outcomes(taken.into_iter());
        core.forget_client();
        (core.failed, core.lost, core.ending) = (None, Some(lost), false);
        drop(core);
        self.notify(taken);
    }
}

#[cfg(test)]
mod tests;
