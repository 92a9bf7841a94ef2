//! A Kafka producer that entry stores share: records in, one outcome for each, in order.
//!
//! ```text
//! store(s) ── one lock: ledger + librdkafka's queue ──► broker
//! observers ◄── one thread: delivery reports ◄── librdkafka
//! ```
//!
//! * A record is handed to librdkafka and noted in the [ledger] under one lock, so the order of the calls is the order of
//!   the records, from however many threads they come. Records of one key go to one partition, and the idempotent producer
//!   keeps their order there through retries.
//! * The ledger is bounded, in bytes; librdkafka's own queue is not, so that it never refuses what the ledger has taken.
//! * When librdkafka's producer fails for good (it does so when it can no longer promise the order), nothing is sent
//!   until every record that it holds has its outcome: acknowledged, or failed. Then another one takes its place and what
//!   was given meanwhile goes out, in order. A record on its way when the old one failed gets the broker's answer where it
//!   comes within [`PATIENCE`]; if not, it is reported as [`StoreError::Unavailable`], and the broker may append it later,
//!   even behind newer records of its key. No idempotent producer can take back what it has sent. Who must exclude this
//!   stores the newest value of that key once more.

use std::collections::{HashSet, VecDeque};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

use crate::entry_store::BinaryEntry;
use crate::error::StoreError;
use crate::kafka::client::{Client, NotTaken, Report, Topic};
use crate::observer::StoreObserver;
use crate::outbound::{Outbound, Planned};
use crate::stats::Counters;
use ledger::{Ledger, Limits, Stake};

mod ledger;

/// How long the records of a producer that failed for good may wait for the broker's answer.
const PATIENCE: Duration = Duration::from_secs(10);
/// Between two producers, so that a broker that fails each of them is not stormed.
const PAUSE: Duration = Duration::from_secs(1);
/// How long the thread of reports sleeps where nothing happens: how soon it sees that it shall end.
const TICK: Duration = Duration::from_millis(50);
/// How long librdkafka may take to report what was purged.
const PURGE: Duration = Duration::from_millis(500);

/// What is held at most without a setting.
const DEFAULT_MAX_BYTES: usize = 64 << 20;
/// What a record takes beside its bytes: its slot here, librdkafka's message and headers.
const OVERHEAD_BYTES: usize = 400;

/// A producer for one or more [`KafkaEntryStore`](crate::KafkaEntryStore)s. Idempotent, with `acks=all`, and with Java's
/// partitioner unless its settings say otherwise.
///
/// Dropping it without [`Producer::close`] gives up what is not acknowledged: each such entry is reported as
/// [`StoreError::Closed`] before the drop returns, which waits for nothing.
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
    core: Mutex<Core>,
    /// Something has its outcome, or nothing is taken any more.
    changed: Notify,
}

struct Core {
    accepting: bool,
    stop: bool,
    /// Since when nothing can be sent because the client has failed.
    failed: Option<Instant>,
    client: Option<Arc<Client>>,
    /// Their handles are those of the client, and none without one.
    topics: Vec<(String, Option<Topic>)>,
    ledger: Ledger<Outstanding>,
    /// In the ledger, not yet sent, oldest first.
    parked: VecDeque<Parked>,
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

struct Outstanding {
    entry: BinaryEntry,
    call: Arc<Call>,
    record_bytes: usize,
    delete: bool,
}

/// What the entries of one call of a store have in common.
pub(crate) struct Call {
    pub observer: Arc<dyn StoreObserver>,
    pub account: Arc<Account>,
}

/// A store, as its producer knows it.
#[derive(Debug)]
pub(crate) struct Account {
    pub counters: Counters,
    topic: usize,
    closed: std::sync::atomic::AtomicBool,
}

struct Parked {
    number: usize,
    topic: usize,
    key: Vec<u8>,
    value: Option<Vec<u8>>,
    headers: Vec<(String, Option<Vec<u8>>)>,
}

/// Entries and their records, on the way to [`Producer::send`].
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub entries: Vec<(BinaryEntry, Planned)>,
    pub scratch: Vec<u8>,
    /// Nothing more of this call is taken.
    pub full: bool,
    /// What has its outcome already.
    pub rejected: Vec<(BinaryEntry, StoreError)>,
}

impl Call {
    /// Tells the outcome of an entry. An observer that panics has been told.
    pub fn tell(&self, entry: BinaryEntry, outcome: Result<(), StoreError>) {
        let told = catch_unwind(AssertUnwindSafe(|| match outcome {
            Ok(()) => self.observer.on_next(entry),
            Err(error) => {
                self.account.counters.failed(&error);
                self.observer.on_error(entry, error);
            }
        }));
        if told.is_err() {
            tracing::error!("store observer panicked");
        }
    }
}

impl Outstanding {
    fn tell(self, outcome: Result<(), StoreError>) {
        let Self { entry, call, record_bytes, delete } = self;
        call.account.counters.released();
        if outcome.is_ok() {
            call.account.counters.acknowledged(record_bytes as u64, delete);
        }
        call.tell(entry, outcome);
    }
}

impl Producer {
    /// A producer with `settings` by librdkafka's names. `queue.buffering.max.kbytes` (64 MiB unless set) and
    /// `queue.buffering.max.messages` (unbounded unless set) bound what is held: keys and values of entries and of
    /// records, and 400 bytes for each.
    ///
    /// # Errors
    /// A setting that librdkafka refuses, in its words.
    pub fn new(settings: impl IntoIterator<Item = (String, String)>) -> Result<Arc<Self>, String> {
        let (settings, limits) = prepared(settings.into_iter().collect())?;
        let client = Client::new(&settings)?;
        let core = Core {
            accepting: true,
            stop: false,
            failed: None,
            client: Some(client),
            topics: Vec::new(),
            ledger: Ledger::new(limits),
            parked: VecDeque::new(),
        };
        let shared = Arc::new(Shared { settings, core: Mutex::new(core), changed: Notify::new() });
        let serving = shared.clone();
        std::thread::Builder::new()
            .name("entry-store".to_owned())
            .spawn(move || serving.serve())
            .map_err(|error| format!("no thread for the delivery reports: {error}"))?;
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
        Ok(Arc::new(Account { counters: Counters::default(), topic: index, closed: false.into() }))
    }

    /// Hands over the entries of a batch, in order. What is not taken is left in its `rejected`.
    pub(crate) fn send(&self, batch: &mut Batch, call: &Arc<Call>, outbound: &Outbound) {
        let Batch { entries, scratch, full, rejected } = batch;
        let mut held = 0;
        let mut core = self.shared.core.lock();
        for (entry, planned) in entries.drain(..) {
            match core.send(&entry, &planned, scratch, call, outbound, full) {
                Ok(bytes) => {
                    let delete = planned.is_delete();
                    let charge = bytes + entry.key.len() + entry.value.as_ref().map_or(0, |v| v.len());
                    let item = Outstanding { entry, call: call.clone(), record_bytes: bytes, delete };
                    core.ledger.hold(item, charge + OVERHEAD_BYTES);
                    held += 1;
                }
                Err(error) => rejected.push((entry, error)),
            }
        }
        call.account.counters.held(held);
    }

    /// Ready once one more entry may be held, or nothing is taken any more.
    pub(crate) async fn room(&self) {
        self.shared.wait_until(|core| core.ledger.has_room() || !core.accepting).await;
    }

    /// Ready once everything that was given so far, by any store, has its outcome.
    pub async fn flush(&self) {
        let mark = self.shared.core.lock().ledger.mark();
        self.shared.wait_until(|core| core.ledger.has_reached(mark)).await;
    }

    /// Takes nothing more from any store, waits until everything has its outcome or `deadline` has passed, and reports
    /// what remains as [`StoreError::Closed`]. How many entries those were. Needs tokio's time.
    pub async fn close(&self, deadline: Duration) -> usize {
        self.shared.core.lock().accepting = false;
        self.shared.changed.notify_waiters();
        // Too late is told by what is given up.
        let _ = tokio::time::timeout(deadline, self.flush()).await;
        self.shared.give_up(|_| true, true)
    }

    /// As [`Producer::close`], for one store.
    pub(crate) async fn close_account(&self, account: &Arc<Account>, deadline: Duration) -> usize {
        {
            let _core = self.shared.core.lock();
            account.closed.store(true, std::sync::atomic::Ordering::Relaxed);
        }
        let _ = tokio::time::timeout(deadline, self.flush()).await;
        self.shared.give_up(|item| Arc::ptr_eq(&item.call.account, account), false)
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

impl Drop for Producer {
    fn drop(&mut self) {
        self.shared.core.lock().accepting = false;
        let given_up = self.shared.give_up(|_| true, true);
        if given_up > 0 {
            tracing::warn!(entries = given_up, "entry store dropped before its records were acknowledged");
        }
    }
}

impl Core {
    /// The bytes of the record that was sent, or parked.
    fn send(
        &mut self,
        entry: &BinaryEntry,
        planned: &Planned,
        scratch: &[u8],
        call: &Call,
        outbound: &Outbound,
        full: &mut bool,
    ) -> Result<usize, StoreError> {
        let account = &call.account;
        if !self.accepting || account.closed.load(std::sync::atomic::Ordering::Relaxed) {
            return Err(StoreError::Closed);
        }
        *full |= !self.ledger.has_room();
        if *full {
            return Err(StoreError::Full);
        }
        let record = planned.record(entry, scratch);
        let bytes = record.key.len() + record.value.map_or(0, <[u8]>::len);
        let headers = outbound.headers(planned, scratch);
        let number = self.ledger.next_number();
        if self.failed.is_none()
            && let (Some(client), Some((_, Some(topic)))) = (&self.client, self.topics.get(account.topic))
        {
            match client.produce(topic, record.key, record.value, &headers, number) {
                Ok(()) => return Ok(bytes),
                Err(NotTaken::Because(error)) => return Err(error),
                Err(NotTaken::Full) => {
                    *full = true;
                    return Err(StoreError::Full);
                }
                Err(NotTaken::Fatal) => self.failed = Some(Instant::now()),
            }
        }
        let owned = |(name, value): &(&str, Option<&[u8]>)| ((*name).to_owned(), value.map(<[u8]>::to_vec));
        self.parked.push_back(Parked {
            number,
            topic: account.topic,
            key: record.key.to_vec(),
            value: record.value.map(<[u8]>::to_vec),
            headers: headers.iter().map(owned).collect(),
        });
        Ok(bytes)
    }

    /// The last handle of the client is with the thread of reports, which may wait for its end.
    fn forget_client(&mut self) {
        self.topics.iter_mut().for_each(|(_, handle)| *handle = None);
        self.client = None;
    }

    /// Sends what was parked, in order, until the client fails again. What cannot be sent.
    fn unpark(&mut self) -> Vec<(Outstanding, Stake, StoreError)> {
        let mut failures = Vec::new();
        while let Some(Parked { number, topic, key, value, headers }) = self.parked.pop_front() {
            if !self.ledger.is_held(number) {
                self.ledger.take(number);
                continue;
            }
            let (Some(client), Some((_, Some(handle)))) = (&self.client, self.topics.get(topic)) else {
                let error = StoreError::Unavailable("the producer has no such topic".to_owned());
                failures.extend(self.ledger.take(number).map(|(item, stake)| (item, stake, error)));
                continue;
            };
            let borrowed: Vec<_> =
                headers.iter().map(|(name, value)| (name.as_str(), value.as_deref())).collect();
            let error = match client.produce(handle, &key, value.as_deref(), &borrowed, number) {
                Ok(()) => continue,
                Err(NotTaken::Fatal) => {
                    self.failed = Some(Instant::now());
                    self.parked.push_front(Parked { number, topic, key, value, headers });
                    break;
                }
                Err(NotTaken::Full) => StoreError::Full,
                Err(NotTaken::Because(error)) => error,
            };
            failures.extend(self.ledger.take(number).map(|(item, stake)| (item, stake, error)));
        }
        failures
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

    /// Reports what is held as closed; how many entries.
    fn give_up(&self, which: impl Fn(&Outstanding) -> bool, stop: bool) -> usize {
        let given_up = {
            let mut core = self.core.lock();
            core.stop |= stop;
            core.ledger.abandon(which)
        };
        let count = given_up.len();
        self.tell(given_up.into_iter().map(|(item, stake)| (item, stake, Err(StoreError::Closed))).collect());
        count
    }

    /// Tells outcomes, and only then calls them settled.
    fn tell(&self, outcomes: Vec<(Outstanding, Stake, Result<(), StoreError>)>) {
        let mut stakes = Vec::with_capacity(outcomes.len());
        for (item, stake, outcome) in outcomes {
            item.tell(outcome);
            stakes.push(stake);
        }
        let mut core = self.core.lock();
        stakes.into_iter().for_each(|stake| core.ledger.settle(stake));
        drop(core);
        self.changed.notify_waiters();
    }

    fn report(&self, reports: &mut Vec<Report>) {
        if reports.is_empty() {
            return;
        }
        let mut outcomes = Vec::with_capacity(reports.len());
        let mut core = self.core.lock();
        for Report { number, outcome } in reports.drain(..) {
            outcomes.extend(core.ledger.take(number).map(|(item, stake)| (item, stake, outcome)));
        }
        drop(core);
        self.tell(outcomes);
    }

    /// The thread of reports.
    fn serve(&self) {
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
            let Some(client) = client else {
                std::thread::park_timeout(TICK);
                self.renew(&mut made);
                continue;
            };
            let fatal = client.poll(TICK, &mut reports);
            self.report(&mut reports);
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

    /// Whether everything that a failed client held has its outcome; after [`PATIENCE`] without the broker's answer.
    fn is_emptied(&self, client: &Client, since: Instant, reports: &mut Vec<Report>) -> bool {
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
        drop(core);
        let unknown = "the producer failed for good; the record may be in the topic";
        let error = StoreError::Unavailable(unknown.to_owned());
        self.tell(taken.into_iter().map(|(item, stake)| (item, stake, Err(error.clone()))).collect());
        true
    }

    fn purge(&self, client: &Client, reports: &mut Vec<Report>) {
        client.purge(true);
        let end = Instant::now() + PURGE;
        while client.holds() > 0 && Instant::now() < end {
            client.poll(TICK, reports);
            self.report(reports);
        }
    }

    /// Makes the next client, not too soon after the last one, and sends what was parked meanwhile.
    fn renew(&self, made: &mut Instant) {
        if made.elapsed() < PAUSE {
            return;
        }
        *made = Instant::now();
        let client = match Client::new(&self.settings) {
            Ok(client) => client,
            Err(reason) => {
                tracing::warn!(reason, "kafka producer not made, tried again");
                return;
            }
        };
        tracing::info!("kafka producer made anew");
        let mut core = self.core.lock();
        for (name, handle) in &mut core.topics {
            *handle = Topic::new(&client, name).ok();
        }
        core.client = Some(client);
        core.failed = None;
        let failures = core.unpark();
        drop(core);
        self.tell(failures.into_iter().map(|(item, stake, error)| (item, stake, Err(error))).collect());
    }

    /// Nobody waits any more: what librdkafka still holds has its outcome, or is given up.
    fn end(&self, client: Option<Arc<Client>>, reports: &mut Vec<Report>) {
        if let Some(client) = &client {
            self.purge(client, reports);
        }
        let mut core = self.core.lock();
        core.parked.clear();
        core.forget_client();
    }
}

/// The settings for librdkafka, and the limits that were among them.
fn prepared(mut settings: Vec<(String, String)>) -> Result<(Vec<(String, String)>, Limits), String> {
    let limit = |name: &str| -> Result<Option<usize>, String> {
        let Some((_, value)) = settings.iter().rfind(|(key, _)| key == name) else { return Ok(None) };
        let value = value.trim().parse().map_err(|_| format!("{name}: a whole number was expected"))?;
        Ok(Some(value))
    };
    let kbytes = limit("queue.buffering.max.kbytes")?;
    let messages = limit("queue.buffering.max.messages")?;
    let limits = Limits {
        bytes: kbytes.map_or(DEFAULT_MAX_BYTES, |kbytes| kbytes.saturating_mul(1024)),
        items: messages.filter(|count| *count > 0).unwrap_or(usize::MAX),
    };
    settings.retain(|(name, _)| !name.starts_with("queue.buffering.max.") || name.ends_with(".ms"));
    let defaults = [("enable.idempotence", "true"), ("acks", "all"), ("partitioner", "murmur2_random")];
    for (name, value) in defaults {
        let alias = if name == "acks" { "request.required.acks" } else { name };
        if !settings.iter().any(|(key, _)| key == name || key == alias) {
            settings.push((name.to_owned(), value.to_owned()));
        }
    }
    // The ledger bounds what is held; librdkafka's own bounds would refuse what it has taken.
    settings.push(("queue.buffering.max.kbytes".to_owned(), i32::MAX.to_string()));
    settings.push(("queue.buffering.max.messages".to_owned(), "0".to_owned()));
    Ok((settings, limits))
}

#[cfg(test)]
mod tests;
