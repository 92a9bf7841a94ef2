//! One leader among processes, by Kafka's own means: members of a consumer group on a topic of one partition. The member
//! that has the partition leads, the others stand by.
//!
//! ```text
//! assigned ──► a commit succeeds ──► leading, until lease ──► renewed by further commits, a third of a session apart
//! revoked ───► standing by; the partition is returned after `release`, or after the deadline
//! lost ──────► standing by
//! doubted ───► standing by, until a commit succeeds that was sent later
//! ```
//!
//! The broker accepts a commit only from a current member of the group. So each commit that succeeds proves that no other
//! process led when it was sent, and that none does for a session from then on. A process that was frozen finds that its
//! lease has ended before it does anything: [`Leadership::leads`] reads the clock.
//!
//! A clock may stand still while others run. What a leader publishes is therefore fenced by the broker in addition
//! ([`crate::producer::Client::init_transactions`]); a leader that was fenced calls [`Leadership::doubt`].
//!
//! Each term of leadership has a number. A lease that ended and was renewed afterwards is a new term, so that the work of
//! the old one neither sends nor releases in the name of the new one.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex};
use rdkafka::client::ClientContext;
use rdkafka::consumer::{BaseConsumer, Consumer as _, ConsumerContext, Rebalance};
use rdkafka::error::KafkaError;
use rdkafka::{Offset, TopicPartitionList};
use tokio::sync::watch;

use crate::consumer::commits::CommitQueue;
use crate::settings::client_config;

/// The timeout of one poll of the group.
const POLL: Duration = Duration::from_millis(100);
/// The first attempt to prove a new leadership, and the next one after it failed, come this soon.
const RETRY: Duration = Duration::from_millis(200);
/// librdkafka's `max.poll.interval.ms`, which must not be shorter than the session.
const MAX_POLL_INTERVAL: Duration = Duration::from_secs(300);
/// The partition that decides.
const PARTITION: i32 = 0;

/// A member of the group. Dropping it leaves the group without waiting for that: see [`Leadership::leave`].
#[derive(Debug)]
pub struct Leadership {
    shared: Arc<Shared>,
}

#[derive(Debug)]
struct Shared {
    topic: String,
    session: Duration,
    state: Mutex<State>,
    released: Condvar,
    /// Something of the state has changed, other than by the passing of time.
    changed: watch::Sender<()>,
    /// The group is left.
    left: watch::Sender<bool>,
}

#[derive(Debug, Default)]
struct State {
    assigned: bool,
    standing: bool,
    /// Until when no other process can lead.
    lease: Option<Instant>,
    /// The number of the present term, or of the last one.
    term: u64,
    /// Up to this term nothing is in flight: a revocation waits for it.
    released: u64,
    /// Only commits that were sent later count.
    doubted: Option<Instant>,
    stop: bool,
}

impl Leadership {
    /// Joins `group` on `topic`, which has one partition, with consumer `settings` by librdkafka's names. A member that
    /// sends nothing for `session` is out of the group.
    ///
    /// # Errors
    /// What librdkafka refuses.
    pub fn join(
        settings: &[(String, String)],
        topic: &str,
        group: &str,
        session: Duration,
    ) -> Result<Self, String> {
        let shared = Arc::new(Shared {
            topic: topic.to_owned(),
            session,
            state: Mutex::default(),
            released: Condvar::new(),
            changed: watch::Sender::default(),
            left: watch::Sender::default(),
        });
        let mut config = client_config(settings);
        config
            .set("group.id", group)
            .set("session.timeout.ms", session.as_millis().to_string())
            .set("max.poll.interval.ms", session.max(MAX_POLL_INTERVAL).as_millis().to_string())
            .set("heartbeat.interval.ms", (session.as_millis() / 6).max(1).to_string())
            // The leader keeps leading when others come.
            .set("partition.assignment.strategy", "cooperative-sticky")
            .set("enable.auto.commit", "false")
            .set("enable.auto.offset.store", "false")
            .set("auto.offset.reset", "latest");
        let consumer: BaseConsumer<Context> =
            config.create_with_context(Context(shared.clone())).map_err(|error| error.to_string())?;
        consumer.subscribe(&[topic]).map_err(|error| error.to_string())?;
        let serving = shared.clone();
        std::thread::Builder::new()
            .name("leadership".to_owned())
            .spawn(move || {
                serve(&consumer, &serving);
                drop(consumer);
                serving.left.send_replace(true);
            })
            .map_err(|error| format!("no thread for the leadership: {error}"))?;
        Ok(Self { shared })
    }

    /// Returns true if `term` is the present one and no other process can lead at this moment, by the clock of this
    /// process.
    pub fn leads(&self, term: u64) -> bool {
        self.shared.state.lock().term_at(Instant::now()) == Some(term)
    }

    /// Waits until it leads, and returns the number of the term. Needs tokio's time.
    pub async fn leading(&self) -> u64 {
        self.wait_for(|state| state.term_at(Instant::now())).await
    }

    /// Waits until `term` is over. Then stop sending, wait for what was sent, and call [`Leadership::release`]. Needs
    /// tokio's time.
    pub async fn standing_by(&self, term: u64) {
        self.wait_for(|state| (state.term_at(Instant::now()) != Some(term)).then_some(())).await;
    }

    /// A lease ends without a notice.
    async fn wait_for<T>(&self, ready: impl Fn(&State) -> Option<T>) -> T {
        let mut changed = self.shared.changed.subscribe();
        loop {
            if let Some(ready) = ready(&self.shared.state.lock()) {
                return ready;
            }
            // The sender lives as long as this.
            let _ = tokio::time::timeout(POLL, changed.changed()).await;
        }
    }

    /// Nothing of `term` is in flight: another process may lead.
    pub fn release(&self, term: u64) {
        let mut state = self.shared.state.lock();
        state.released = state.released.max(term);
        drop(state);
        self.shared.released.notify_all();
    }

    /// The broker has fenced this process, whatever the clock shows: it leads again only after a commit that is sent
    /// from now on is accepted.
    pub fn doubt(&self) {
        self.shared.state.lock().doubted = Some(Instant::now());
        self.shared.stand_by("fenced by a newer publisher");
    }

    /// Leaves the group, and waits until librdkafka has finished that.
    pub async fn leave(&self) {
        self.stop();
        let mut left = self.shared.left.subscribe();
        // The sender lives as long as this.
        let _ = left.wait_for(|left| *left).await;
    }

    fn stop(&self) {
        self.shared.state.lock().stop = true;
        self.shared.released.notify_all();
    }
}

impl Drop for Leadership {
    fn drop(&mut self) {
        self.stop();
    }
}

fn serve(consumer: &BaseConsumer<Context>, shared: &Shared) {
    let commits = CommitQueue::new(consumer.client().native_ptr());
    let mut next_commit = Instant::now();
    // The commit that is in flight, and when it was sent.
    let mut pending: Option<(usize, Instant)> = None;
    let (mut number, mut last_sent) = (0, next_commit);
    loop {
        // Nothing is read: events and rebalances arrive here.
        if let Some(Err(error)) = consumer.poll(POLL) {
            tracing::debug!(%error, "leadership client reported an error");
        }
        let now = Instant::now();
        let (assigned, lease, doubted) = {
            let state = shared.state.lock();
            if state.stop {
                break;
            }
            (state.assigned, state.lease, state.doubted)
        };
        if doubted.is_some_and(|doubted| last_sent <= doubted) {
            (next_commit, pending) = (now, None);
        }
        if lease.is_some_and(|lease| now >= lease) {
            shared.stand_by("kafka confirmed no commit within the session timeout");
        }
        while let Some((answered, result)) = commits.answer() {
            let Some((_, sent)) = pending.take_if(|(number, _)| *number == answered) else { continue };
            match result {
                Ok(()) => shared.lead(sent),
                Err(error) => {
                    next_commit = Instant::now() + RETRY;
                    tracing::debug!(%error, "leadership commit refused, retrying");
                }
            }
        }
        if !assigned {
            (next_commit, pending) = (now, None);
        } else if pending.is_none() && now >= next_commit {
            (number, last_sent) = (number + 1, now);
            match prove(&commits, number, &shared.topic) {
                Ok(()) => {
                    pending = Some((number, now));
                    next_commit = now + shared.session / 3;
                }
                Err(error) => {
                    next_commit = now + RETRY;
                    tracing::debug!(%error, "leadership commit not sent, retrying");
                }
            }
        }
    }
    shared.stand_by("this process leaves the group");
    // Leaving would wait for a release that does not come.
    shared.state.lock().assigned = false;
}

/// Commits an offset without a meaning: only a current member of the group can.
fn prove(commits: &CommitQueue, number: usize, topic: &str) -> Result<(), KafkaError> {
    let mut offsets = TopicPartitionList::new();
    offsets.add_partition_offset(topic, PARTITION, Offset::Offset(0))?;
    commits.commit(number, &offsets).map_err(KafkaError::ConsumerCommit)
}

impl State {
    /// The term that leads at this time.
    fn term_at(&self, now: Instant) -> Option<u64> {
        (self.standing && self.lease.is_some_and(|lease| now < lease)).then_some(self.term)
    }
}

impl Shared {
    /// A commit that was sent at this time was accepted.
    fn lead(&self, sent: Instant) {
        let mut state = self.state.lock();
        // Revoked, or doubted, while the commit was in flight.
        if !state.assigned || state.doubted.is_some_and(|doubted| sent <= doubted) {
            return;
        }
        let (now, lease) = (Instant::now(), sent + self.session);
        let goes_on = state.term_at(now).is_some();
        if now >= lease {
            return;
        }
        state.lease = Some(lease);
        if goes_on {
            return;
        }
        state.term += 1;
        state.standing = true;
        tracing::info!(term = state.term, "leadership acquired");
        drop(state);
        self.changed.send_replace(());
    }

    fn stand_by(&self, reason: &str) {
        let mut state = self.state.lock();
        state.lease = None;
        let stood = std::mem::replace(&mut state.standing, false);
        drop(state);
        if stood {
            tracing::warn!(reason, "leadership ended, standing by");
            self.changed.send_replace(());
        }
    }

    /// Whether the partition that decides is among these.
    fn decides(&self, partitions: &TopicPartitionList) -> bool {
        partitions.find_partition(&self.topic, PARTITION).is_some()
    }
}

struct Context(Arc<Shared>);

impl ClientContext for Context {}

impl ConsumerContext for Context {
    /// The partition is returned only when nothing of this process is in flight; the group waits for that, for the time
    /// of a session at most.
    fn pre_rebalance(&self, consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        let Rebalance::Revoke(partitions) = rebalance else { return };
        if !self.0.decides(partitions) {
            return;
        }
        let lost = consumer.assignment_lost();
        self.0.state.lock().assigned = false;
        self.0.stand_by(if lost {
            "the partition of the control topic was lost"
        } else {
            "the partition of the control topic was revoked"
        });
        if lost {
            return;
        }
        let until = Instant::now() + self.0.session;
        let mut state = self.0.state.lock();
        while state.released < state.term
            && !state.stop
            && !self.0.released.wait_until(&mut state, until).timed_out()
        {}
    }

    fn post_rebalance(&self, _consumer: &BaseConsumer<Self>, rebalance: &Rebalance<'_>) {
        // An assignment lists what is new.
        if let Rebalance::Assign(partitions) = rebalance
            && self.0.decides(partitions)
        {
            self.0.state.lock().assigned = true;
        }
    }
}

#[cfg(test)]
mod tests;
