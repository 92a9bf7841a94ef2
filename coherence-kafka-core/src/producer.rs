//! A Kafka producer that entry stores share: records in, one outcome for each, in order.
//!
//! ```text
//! store(s) ── one lock: ledger + librdkafka's queue ──► broker        sending.rs, ledger.rs
//!                       in transactions, if wanted                    transaction.rs, isolation.rs, term.rs
//! observers ◄── one thread: delivery reports ◄── librdkafka           reports.rs, observers.rs
//! ```

use std::collections::VecDeque;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use coherence_kafka_rdkafka::producer::{self as kafka, Client, Lost, Topic};
use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::binary_entry::BinaryEntry;
use crate::error::StoreError;
use crate::observer::{StoreObserver, notify_all, notify_error};
use crate::outbound::{Event, Outbound, OutboundRecord};
use crate::stats::Counters;
use isolation::Isolation;
use ledger::{Ledger, Stake};
use observers::{Observer, Observers};
use sending::Core;
use settings::{Prepared, prepared};
use spare::Spare;

pub use term::Transactions;

mod isolation;
mod ledger;
mod observers;
mod participants;
mod reports;
mod sending;
mod settings;
mod spare;
mod term;
mod transaction;

/// Memory of a record in addition to its bytes: its slot here, librdkafka's message and headers.
const OVERHEAD_BYTES: usize = 400;

/// A producer for one or more [`KafkaEntryStore`](crate::KafkaEntryStore)s. Idempotent, with `acks=all`, and with
/// Java's partitioner unless its settings name another.
///
/// Dropping it without [`Producer::close`] gives up the entries that are not acknowledged: each such entry is reported
/// as [`StoreError::Closed`] before the drop returns, which waits for nothing.
///
/// * A record is handed to librdkafka and noted in a ledger under one lock, so the order of the calls is the order of
///   the records, from however many threads they come. Records of one key go to one partition, and the idempotent producer
///   keeps their order there through retries.
/// * The ledger is bounded, in bytes; librdkafka's own queue is not, so that it never refuses what the ledger has taken.
/// * When librdkafka's producer fails permanently (it does so when it can no longer guarantee the order), nothing is
///   sent until every record that it holds has its outcome: acknowledged, or failed. Then another one replaces it and
///   sends the records that were submitted meanwhile, in order. A record on its way when the old one failed gets the
///   broker's answer where it comes within ten seconds; if not, it is reported as [`StoreError::Unavailable`], and the
///   broker may append it later, even behind newer records of its key. No idempotent producer can take back what it has
///   sent. Callers that must exclude this store the newest value of that key once more, or publishes in transactions
///   ([`Producer::transactional`]): then a failure ends the term, and the next one begins after the broker has settled
///   what the old one left. What waits for the other producer longer than `message.timeout.ms` is
///   [`StoreError::Unavailable`], too, also where none can be made.
pub struct Producer {
    shared: Arc<Shared>,
}

// Settings may hold passwords.
impl std::fmt::Debug for Producer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Producer").field("core", &*self.shared.core.lock()).finish_non_exhaustive()
    }
}

struct Shared {
    settings: Vec<(String, String)>,
    /// How long a record may wait for its acknowledgement.
    timeout: Option<Duration>,
    transactions: Option<Transactions>,
    core: Mutex<Core>,
    /// An entry has its outcome, or no further entries are accepted.
    changed: Notify,
}

struct Outstanding {
    entry: BinaryEntry,
    /// The number of its observer.
    to: u32,
    record_bytes: usize,
    delete: bool,
    /// Its record has no other header.
    only_event: Option<Event>,
}

/// Entries that are no longer held, with their outcome and observer: one for each run of entries with the same number.
struct Outcomes {
    entries: Vec<(Outstanding, Stake, Result<(), StoreError>)>,
    to: Vec<Arc<Observer>>,
}

/// A store, as its producer knows it.
#[derive(Debug)]
pub(crate) struct Account {
    pub counters: Counters,
    topic: usize,
    closed: AtomicBool,
    /// Entries whose observers do not know their outcome yet.
    unreported: AtomicUsize,
}

/// Entries and their records, on the way to [`Producer::send`].
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub entries: Vec<(BinaryEntry, OutboundRecord)>,
    pub scratch: Vec<u8>,
    /// Nothing more of this call is taken.
    pub full: bool,
    /// What has its outcome already.
    pub rejected: Vec<(BinaryEntry, StoreError)>,
}

impl Account {
    /// Counts an entry that failed, and notifies its observer.
    pub(crate) fn fail(&self, observer: &dyn StoreObserver, entry: BinaryEntry, error: StoreError) {
        self.counters.failed(&error);
        notify_error(observer, entry, error);
    }
}

impl Producer {
    /// Creates a producer with `settings` by librdkafka's names. `queue.buffering.max.kbytes` (32 MiB unless set) and
    /// `queue.buffering.max.messages` (unbounded unless set) bound what is held: keys and values of entries and of
    /// records, and 400 bytes for each.
    ///
    /// # Errors
    /// A setting that librdkafka refuses, in its words.
    pub fn new(settings: impl IntoIterator<Item = (String, String)>) -> Result<Arc<Self>, String> {
        Self::of(settings.into_iter().collect(), None)
    }

    /// As [`Producer::new`], for records that are published in transactions, and only between [`Producer::begin_term`]
    /// and the end of the term. An entry is acknowledged when its transaction is committed.
    ///
    /// # Errors
    /// As [`Producer::new`].
    pub fn transactional(
        settings: impl IntoIterator<Item = (String, String)>,
        transactions: Transactions,
    ) -> Result<Arc<Self>, String> {
        Self::of(settings.into_iter().collect(), Some(transactions))
    }

    fn of(settings: Vec<(String, String)>, transactions: Option<Transactions>) -> Result<Arc<Self>, String> {
        let Prepared { mut settings, limits, timeout } = prepared(settings)?;
        if let Some(of) = &transactions {
            settings::in_transactions(&mut settings, of);
        }
        // Also where each term has its own: settings that librdkafka refuses are refused now.
        let client = Client::new(&settings)?;
        let core = Core {
            accepting: true,
            stop: false,
            failed: None,
            client: transactions.is_none().then_some(client),
            topics: Vec::new(),
            ledger: Ledger::new(limits),
            observers: Observers::default(),
            spare: Spare::default(),
            parked: VecDeque::new(),
            transaction: None,
            isolation: Isolation::default(),
            flushing: 0,
            ending: false,
            lost: transactions.as_ref().map(|_| Lost::Ended),
        };
        let shared = Arc::new(Shared {
            settings,
            timeout,
            transactions,
            core: Mutex::new(core),
            changed: Notify::new(),
        });
        let serving = shared.clone();
        std::thread::Builder::new()
            .name("entry-store".to_owned())
            .spawn(move || serving.serve())
            .map_err(|error| format!("cannot start the thread for delivery reports: {error}"))?;
        Ok(Arc::new(Self { shared }))
    }

    /// # Errors
    /// No name of a topic.
    pub(crate) fn account(&self, topic: &str) -> Result<Arc<Account>, String> {
        let mut core = self.shared.core.lock();
        let known = core.topics.iter().position(|(name, _)| name == topic);
        let index = match known {
            Some(index) => index,
            None => {
                let handle = core.client.as_ref().map(|client| Topic::new(client, topic)).transpose()?;
                core.topics.push((topic.to_owned(), handle));
                core.topics.len() - 1
            }
        };
        let counters = Counters::default();
        Ok(Arc::new(Account { counters, topic: index, closed: false.into(), unreported: 0.into() }))
    }

    /// Returns the partition for a key, in a topic with this number of partitions; `None` where it is random.
    pub(crate) fn partition_of(&self, key: &[u8], partitions: i32) -> Option<i32> {
        let partitioner = self.shared.settings.iter().rfind(|(name, _)| name == "partitioner");
        kafka::partition_of(&partitioner?.1, key, partitions)
    }

    /// Sends the entries of a batch, in order. Those that are not accepted are in its `rejected`.
    pub(crate) fn send(
        &self,
        batch: &mut Batch,
        observer: &Arc<dyn StoreObserver>,
        account: &Arc<Account>,
        outbound: &Outbound,
    ) {
        let Batch { entries, scratch, full, rejected } = batch;
        let mut held = 0;
        let mut core = self.shared.core.lock();
        for (entry, planned) in entries.drain(..) {
            match core.send(&entry, &planned, scratch, account, outbound, full) {
                Ok(bytes) => {
                    let (delete, only_event) = (planned.is_delete(), planned.only_event());
                    let charge = bytes + entry.key.len() + entry.value.as_ref().map_or(0, |v| v.len());
                    let to = core.observers.hold(observer, account);
                    let item = Outstanding { entry, to, record_bytes: bytes, delete, only_event };
                    core.ledger.hold(item, charge + OVERHEAD_BYTES);
                    held += 1;
                }
                Err(error) => rejected.push((entry, error)),
            }
        }
        account.counters.held(held);
        account.unreported.fetch_add(held as usize, Ordering::SeqCst);
    }

    /// Waits for room: not at all where one more entry may be held, else once many may be, so that a caller with many
    /// is not woken for each; or once no further entries are accepted.
    pub(crate) async fn room(&self) {
        if !self.shared.core.lock().ledger.has_room() {
            self.shared.wait_until(|core| core.ledger.has_much_room() || !core.accepting).await;
        }
    }

    /// Waits until everything that was submitted so far, by any store, has its outcome.
    pub async fn flush(&self) {
        let (mark, _flushing) = {
            let mut core = self.shared.core.lock();
            core.flushing += 1;
            (core.ledger.mark(), Flushing(&self.shared))
        };
        self.shared.wait_until(|core| core.ledger.has_reached(mark)).await;
    }

    /// Takes nothing more from any store, waits until everything has its outcome or `deadline` has passed, and reports
    /// what remains as [`StoreError::Closed`]. How many entries those were. Needs tokio's time.
    pub async fn close(&self, deadline: Duration) -> usize {
        self.shared.core.lock().accepting = false;
        self.shared.changed.notify_waiters();
        // The entries that are given up report that it was too late.
        let _ = tokio::time::timeout(deadline, self.flush()).await;
        self.shared.give_up(|_| true, true)
    }

    /// As [`Producer::close`], for one store: what other stores wait for does not concern it.
    pub(crate) async fn close_account(&self, account: &Arc<Account>, deadline: Duration) -> usize {
        {
            let _core = self.shared.core.lock();
            account.closed.store(true, Ordering::Relaxed);
        }
        let told = self.shared.wait_until(|_| account.unreported.load(Ordering::SeqCst) == 0);
        let _ = tokio::time::timeout(deadline, told).await;
        self.shared.give_up(|of| Arc::ptr_eq(of, account), false)
    }

    /// Bytes that are held; see [`Producer::new`].
    pub fn bytes_in_flight(&self) -> usize {
        self.shared.core.lock().ledger.bytes()
    }

    #[cfg(test)]
    pub(crate) fn fail(&self) {
        if let Some(client) = &self.shared.core.lock().client {
            client.fail();
        }
    }
}

/// Counts a flush that is waited for.
struct Flushing<'a>(&'a Shared);

impl Drop for Flushing<'_> {
    fn drop(&mut self) {
        self.0.core.lock().flushing -= 1;
    }
}

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.core.lock().accepting = false;
        let given_up = self.shared.give_up(|_| true, true);
        if given_up > 0 {
            tracing::warn!(
                entries = given_up,
                "entry store dropped before its records were acknowledged; they may be missing in their topics"
            );
        }
    }
}

impl Shared {
    async fn wait_until(&self, condition: impl Fn(&Core) -> bool) {
        loop {
            let mut changed = pin!(self.changed.notified());
            // From here on no change is missed.
            changed.as_mut().enable();
            if condition(&self.core.lock()) {
                return;
            }
            changed.await;
        }
    }

    /// Reports the held entries as closed. Returns how many.
    fn give_up(&self, which: impl Fn(&Arc<Account>) -> bool, stop: bool) -> usize {
        let given_up = {
            let mut core = self.core.lock();
            core.stop |= stop;
            let Core { ledger, observers, .. } = &mut *core;
            let given_up = ledger.abandon(|item| observers.get(item.to).is_some_and(|to| which(&to.account)));
            core.outcomes(given_up.into_iter().map(|(item, stake)| (item, stake, Err(StoreError::Closed))))
        };
        let count = given_up.entries.len();
        self.notify(given_up);
        count
    }

    /// Reports outcomes, and settles them only then.
    fn notify(&self, outcomes: Outcomes) {
        let Outcomes { entries, to } = outcomes;
        let runs = entries.chunk_by(|(a, ..), (b, ..)| a.to == b.to);
        for (run, to) in runs.zip(&to) {
            let (mut records, mut deletes, mut bytes) = (0, 0, 0);
            for (item, _, outcome) in run {
                let acknowledged = u64::from(outcome.is_ok());
                records += acknowledged;
                deletes += acknowledged * u64::from(item.delete);
                bytes += acknowledged * item.record_bytes as u64;
            }
            to.account.counters.released(run.len() as u64);
            to.account.counters.acknowledged(records, deletes, bytes);
        }
        let mut stakes = Vec::with_capacity(entries.len());
        let mut entries = entries.into_iter().peekable();
        for to in to {
            let Some(number) = entries.peek().map(|(item, ..)| item.to) else { break };
            let before = stakes.len();
            let mut stored = Vec::new();
            while let Some((item, stake, outcome)) = entries.next_if(|(item, ..)| item.to == number) {
                stakes.push(stake);
                match outcome {
                    Ok(()) => stored.push(item.entry),
                    Err(error) => {
                        notify_all(&*to.observer, std::mem::take(&mut stored));
                        to.account.fail(&*to.observer, item.entry, error);
                    }
                }
            }
            notify_all(&*to.observer, stored);
            to.account.unreported.fetch_sub(stakes.len() - before, Ordering::SeqCst);
        }
        let mut core = self.core.lock();
        stakes.into_iter().for_each(|stake| core.ledger.settle(stake));
        drop(core);
        self.changed.notify_waiters();
    }
}

#[cfg(test)]
mod tests;
