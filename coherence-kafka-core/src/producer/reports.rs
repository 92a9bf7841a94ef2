//! The thread of a producer: outcomes to their observers, and another client where one has failed for good.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::producer::{Client, DeliveryReport, Topic};

use super::Shared;
use crate::error::StoreError;

/// How long the records of a producer that failed for good may wait for the broker's answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two producers, so that a broker that fails each of them is not stormed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the thread of reports sleeps where nothing happens: how soon it sees that it shall end.
const TICK: Duration = Duration::from_millis(50);
/// Outcomes that are taken from the ledger under one lock: few enough to be in the processor's cache when they are
/// reported.
pub(super) const REPORTED_AT_ONCE: usize = 256;
/// How long librdkafka may take to report what was purged.
const PURGE: Duration = Duration::from_millis(500);

impl Shared {
    /// Runs the thread of reports.
    pub(super) fn serve(&self) {
        let mut reports = Vec::new();
        let mut made = Instant::now();
        loop {
            let (client, failed, stop) = {
                let core = self.core.lock();
                (core.client.clone(), core.failed, core.stop)
            };
            if stop {
                return self.end(client, &mut reports);
            }
            // In a term they wait for the next transaction, and for no client.
            if self.transactions.is_none() {
                self.expire_parked();
            }
            let Some(client) = client else {
                std::thread::park_timeout(TICK);
                // Otherwise a term brings its own.
                if self.transactions.is_none() {
                    self.renew(&mut made);
                }
                continue;
            };
            let fatal = client.poll(self.rests(TICK), &mut reports);
            self.report(&mut reports);
            if self.transactions.is_some() {
                self.serve_term(&client, fatal || failed.is_some(), &mut reports);
                continue;
            }
            if fatal {
                self.core.lock().failed.get_or_insert_with(Instant::now);
                client.purge(false);
            }
            if let Some(since) = failed
                && self.is_emptied(&client, since, &mut reports)
            {
                let mut core = self.core.lock();
                core.forget_client();
            }
        }
    }

    pub(super) fn report(&self, reports: &mut Vec<DeliveryReport>) {
        let mut reports = reports.drain(..).peekable();
        while reports.peek().is_some() {
            let mut outcomes = Vec::with_capacity(reports.len().min(REPORTED_AT_ONCE));
            let mut core = self.core.lock();
            for DeliveryReport { number, outcome, headers, .. } in reports.by_ref().take(REPORTED_AT_ONCE) {
                if let (Some(event), Some(headers)) = (core.only_event(number), headers) {
                    core.spare.keep(event, headers);
                }
                let outcome = outcome.map_err(StoreError::from);
                if let Some(transaction) = &mut core.transaction {
                    transaction.on_report(number, outcome);
                } else if let Some((item, stake)) = core.ledger.take(number) {
                    outcomes.push((item, stake, outcome));
                }
            }
            let outcomes = core.outcomes(outcomes.into_iter());
            drop(core);
            self.notify(outcomes);
        }
    }

    /// Returns whether everything that a failed client held has its outcome; after [`PATIENCE`] without the broker's
    /// answer.
    fn is_emptied(&self, client: &Client, since: Instant, reports: &mut Vec<DeliveryReport>) -> bool {
        let late = since.elapsed() > PATIENCE;
        if late {
            self.purge(client, reports);
        }
        let mut core = self.core.lock();
        let parked: HashSet<usize> = core.parked.iter().map(|parked| parked.number).collect();
        let mut left = core.ledger.numbers();
        left.retain(|number| !parked.contains(number));
        if !late && !left.is_empty() {
            return false;
        }
        let taken: Vec<_> = left.into_iter().filter_map(|number| core.ledger.take(number)).collect();
        let unknown = "the producer failed for good; the record may be in the topic";
        let error = StoreError::Unavailable(unknown.to_owned());
        let lost = core.outcomes(taken.into_iter().map(|(item, stake)| (item, stake, Err(error.clone()))));
        drop(core);
        self.notify(lost);
        true
    }

    /// Fails parked records in time, also where no client can be created.
    fn expire_parked(&self) {
        let Some(timeout) = self.timeout else { return };
        let mut core = self.core.lock();
        if core.parked.is_empty() {
            return;
        }
        let expired = core.expire_parked(timeout);
        drop(core);
        self.notify(expired);
    }

    pub(super) fn purge(&self, client: &Client, reports: &mut Vec<DeliveryReport>) {
        client.purge(true);
        let end = Instant::now() + PURGE;
        while client.holds() > 0 && Instant::now() < end {
            client.poll(TICK, reports);
            self.report(reports);
        }
    }

    /// Creates the next client, not too soon after the last one, and sends the parked records.
    fn renew(&self, made: &mut Instant) {
        if made.elapsed() < PAUSE {
            return;
        }
        *made = Instant::now();
        let client = match Client::new(&self.settings) {
            Ok(client) => client,
            Err(reason) => {
                tracing::warn!(reason, "kafka producer not created, retrying");
                return;
            }
        };
        tracing::info!("kafka producer created again after a permanent failure");
        let mut core = self.core.lock();
        for (name, handle) in &mut core.topics {
            *handle = Topic::new(&client, name).ok();
        }
        core.client = Some(client);
        core.failed = None;
        let failures = core.unpark();
        drop(core);
        self.notify(failures);
    }

    /// Ends the thread: the records that librdkafka still holds have their outcome, or are given up.
    fn end(&self, client: Option<Arc<Client>>, reports: &mut Vec<DeliveryReport>) {
        if let Some(client) = &client {
            self.purge(client, reports);
        }
        let mut core = self.core.lock();
        core.parked.clear();
        core.forget_client();
    }
}
