//! One leader among processes, by Kafka's own means: members of a consumer group on a topic of one partition. Who has
//! the partition leads, the others stand by.
//!
//! ```text
//! assigned ──► a commit succeeds ──► leading, until lease ──► renewed by further commits, a third of a session apart
//! revoked ───► standing by; given up when what was sent is out (`release`), or after the deadline
//! lost ──────► standing by
//! ```
//!
//! The broker takes a commit only from the group's present member, so each commit that succeeds proves that at the time
//! at which it was sent nobody else led, and that nobody does for a session from then on. A process that was frozen
//! finds its lease over before it does anything: [`Leadership::is_leading`] asks the clock.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, CommitMode, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaResult;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::watch;

/// How long one look at the group's events lasts.
const POLL: Duration = Duration::from_millis(100);
/// The first attempt to prove a new leadership, and the next one after it failed, come this soon.
const RETRY: Duration = Duration::from_millis(200);

/// A member of the group.
#[derive(Debug)]
pub struct Leadership {
    shared: Arc<Shared>,
    standing: watch::Receiver<bool>,
    thread: Option<std::thread::JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// True while it leads, as far as was heard: the lease is looked at besides.
    standing: watch::Sender<bool>,
    session: Duration,
    state: Mutex<State>,
    released: Condvar,
}

#[derive(Debug, Default)]
struct State {
    assigned: bool,
    /// Until when nobody else can lead.
    lease: Option<Instant>,
    /// A revocation waits for this.
    release_wanted: bool,
    stop: bool,
}

impl Leadership {
    /// Joins `group` on `topic`, which has one partition, with consumer `settings` by librdkafka's names. A member that
    /// says nothing for `session` is out of the group.
    ///
    /// # Errors
    /// What librdkafka refuses.
    pub fn join(
        settings: &[(String, String)],
        topic: &str,
        group: &str,
        session: Duration,
    ) -> Result<Self, String> {
        let (standing, receiver) = watch::channel(false);
        let shared =
            Arc::new(Shared { standing, session, state: Mutex::default(), released: Condvar::new() });
        let mut config = rdkafka::ClientConfig::new();
        for (name, value) in settings {
            config.set(name, value);
        }
        config
            .set("group.id", group)
            .set("session.timeout.ms", session.as_millis().to_string())
            .set("heartbeat.interval.ms", (session.as_millis() / 6).max(1).to_string())
            // Who leads keeps leading when others come.
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "latest");
        let consumer: BaseConsumer<Context> =
            config.create_with_context(Context(shared.clone())).map_err(|error| error.to_string())?;
        consumer.subscribe(&[topic]).map_err(|error| error.to_string())?;
        let (serving, topic) = (shared.clone(), topic.to_owned());
        let thread = std::thread::Builder::new()
            .name("leadership".to_owned())
            .spawn(move || serve(&consumer, &serving, &topic))
            .map_err(|error| format!("no thread for the leadership: {error}"))?;
        Ok(Self { shared, standing: receiver, thread: Some(thread) })
    }

    /// Whether nobody else can lead at this moment.
    pub fn is_leading(&self) -> bool {
        let standing = *self.standing.borrow();
        standing && self.shared.state.lock().lease.is_some_and(|lease| Instant::now() < lease)
    }

    /// Ready once it leads. Needs tokio's time.
    pub async fn leading(&self) {
        self.wait_until(true).await;
    }

    /// Ready once it no longer leads. What follows is: stop sending, wait for what was sent, [`Leadership::release`].
    /// Needs tokio's time.
    pub async fn standing_by(&self) {
        self.wait_until(false).await;
    }

    /// A lease ends without a word.
    async fn wait_until(&self, leading: bool) {
        let mut standing = self.standing.clone();
        while self.is_leading() != leading {
            // The sender lives as long as this.
            let _ = tokio::time::timeout(POLL, standing.changed()).await;
        }
    }

    /// Nothing is on its way any more: another one may lead.
    pub fn release(&self) {
        self.shared.state.lock().release_wanted = false;
        self.shared.released.notify_all();
    }
}

impl Drop for Leadership {
    /// Leaves the group, which takes a moment.
    fn drop(&mut self) {
        self.shared.state.lock().stop = true;
        self.release();
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

fn serve(consumer: &BaseConsumer<Context>, shared: &Shared, topic: &str) {
    let mut next_commit = Instant::now();
    loop {
        // There is nothing to read: what comes are events and rebalances.
        if let Some(Err(error)) = consumer.poll(POLL) {
            tracing::debug!(%error, "control topic");
        }
        let now = Instant::now();
        let (assigned, lease) = {
            let state = shared.state.lock();
            if state.stop {
                break;
            }
            (state.assigned, state.lease)
        };
        if lease.is_some_and(|lease| now >= lease) {
            shared.stand_by("no word from kafka for as long as a session lasts");
        }
        if !assigned {
            next_commit = now;
        } else if now >= next_commit {
            let proven = prove(consumer, topic);
            next_commit = Instant::now() + if proven.is_ok() { shared.session / 3 } else { RETRY };
            match proven {
                Ok(()) => shared.lead(now + shared.session),
                Err(error) => tracing::debug!(%error, "leadership not confirmed"),
            }
        }
    }
    shared.stand_by("it leaves the group");
    // Unsubscribing would wait for a release that nobody gives.
    shared.state.lock().assigned = false;
}

/// Commits what has no meaning: only the present member of the group can.
fn prove(consumer: &BaseConsumer<Context>, topic: &str) -> KafkaResult<()> {
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, 0, Offset::Offset(0))?;
    consumer.commit(&offsets, CommitMode::Sync)
}

impl Shared {
    fn lead(&self, lease: Instant) {
        let mut state = self.state.lock();
        // Taken away while the commit was on its way.
        if !state.assigned {
            return;
        }
        state.lease = Some(lease);
        if !*self.standing.borrow() {
            state.release_wanted = true;
            drop(state);
            tracing::info!("leading");
            self.standing.send_replace(true);
        }
    }

    fn stand_by(&self, reason: &str) {
        self.state.lock().lease = None;
        if self.standing.send_replace(false) {
            tracing::warn!(reason, "standing by");
        }
    }
}

struct Context(Arc<Shared>);

impl ClientContext for Context {}

impl ConsumerContext for Context {
    /// What a revocation takes away is given up only when nothing of this process is on its way any more; the group
    /// waits for that, as long as the session lasts.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(partitions) = rebalance else { return };
        if partitions.count() == 0 {
            return;
        }
        let lost = consumer.assignment_lost();
        self.0.state.lock().assigned = false;
        self.0.stand_by(if lost { "the group has given the partition away" } else { "the group hands over" });
        if lost {
            return;
        }
        let until = Instant::now() + self.0.session;
        let mut state = self.0.state.lock();
        while state.release_wanted
            && !state.stop
            && !self.0.released.wait_until(&mut state, until).timed_out()
        {}
    }

    fn post_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        // An assignment tells what is new.
        if let Rebalance::Assign(partitions) = rebalance
            && partitions.count() > 0
        {
            self.0.state.lock().assigned = true;
        }
    }
}

#[cfg(test)]
mod tests;
