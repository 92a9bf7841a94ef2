//! Writes the plan of a batch, again and again until every part of it is confirmed or refused.
//!
//! What goes wrong is sorted by whose fault it is:
//!
//! ```text
//! the record    the grid itself refuses an entry, or it cannot be sent    narrowed down to the records, and reported
//! the peer      away, slow, without storage members                      held and written again after a pause
//! undecided     a cache store throws, the write is applied in part,
//!               an error that is not known                               time decides: see `evidence.rs`
//! the settings  no such map, a call that this kind of map lacks          the batch fails at once
//! ```
//!
//! A write that fails is halved until only the entries remain that make it fail; those are written alone, by a call
//! whose answer says what is wrong. An entry that is undecided is to blame when it has failed at every attempt for
//! `coherence.refused.timeout.ms` while other puts of its map were accepted. Where the batch has none of them, the write
//! ends after that time with [`WriteFailure::Alone`], so that the batch is read again together with what follows it.
//!
//! What the grid does not answer in time is sent in smaller parts, also of later batches: see `pace.rs`.
//!
//! **Late writes.** An attempt that got no answer may still be applied. A repeated write of the same batch is harmless
//! then, a newer value for one of its keys is not. So a write begins only when every earlier attempt of the session for
//! one of its keys is answered or can no longer run ([`Session::until_resolved`]), and counts as confirmed only when
//! the same is true of its own attempts. Batches of other keys go on meanwhile.
//!
//! **GroupLease.** Every request asks the membership of its task right before it leaves ([`SendGate`]).
//!
//! ```text
//! attempt.rs   what is sent, in which parts       evidence.rs   which entries are to blame
//! pace.rs      how much is sent at once           pauses.rs     how long to wait       group_lease.rs   whether to write
//! ```

use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_common::map::{MapError, OfMap, SendGate, Session};
use parking_lot::Mutex;

use crate::counters::{Cause, Counters, Holding};
use crate::plan::{MapWrite, RecordId};
use attempt::{Attempts, Stop};
use clock::Clock;
use pace::Pace;

mod attempt;
pub(crate) mod clock;
mod evidence;
mod group_lease;
mod pace;

use coherence_kafka_worker::{Pauses, RetryPolicy};
pub(crate) use group_lease::GroupLease;

/// `coherence.refused.timeout.ms` where nothing else is said.
const REFUSED_TIMEOUT: Duration = Duration::from_secs(30);

/// Attempts within the refused timeout, at least, while an entry is suspected.
const OBSERVATIONS: u32 = 8;

/// A batch without neighbours is read again after the refused timeout, then after twice that time, up to so many times.
const MOST_PATIENT: u32 = 4;

/// The writes of one batch: map name and what to write to it.
pub(crate) type BatchWrites = Vec<(Arc<str>, Vec<MapWrite>)>;

/// A record that the grid refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RejectedRecord {
    /// The record.
    pub source: RecordId,
    /// The map that refuses it.
    pub map: Arc<str>,
    /// Why.
    pub error: MapError,
}

/// Why a batch cannot be written, with no record at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub(crate) enum WriteFailure {
    /// The map cannot be written to at all: a setting has to change.
    #[error("map {map}: {error}")]
    Settings {
        /// The map.
        map: Arc<str>,
        /// What is wrong.
        error: MapError,
    },
    /// The grid was away for longer than `coherence.retry.timeout.ms`.
    #[error("map {map}: {error}; not confirmed within coherence.retry.timeout.ms, {} ms", .after.as_millis())]
    GivenUp {
        /// The map.
        map: Arc<str>,
        /// The last answer.
        error: MapError,
        /// The setting.
        after: Duration,
    },
    /// Every entry of a map fails, and the batch has no put of that map that is accepted: whether an entry is at fault
    /// only other records can show. The batch is to be read again together with what follows it.
    #[error("map {map}: {error}; every entry of the batch fails")]
    Alone {
        /// The map.
        map: Arc<str>,
        /// The last answer.
        error: MapError,
    },
    /// The write ended without an answer.
    #[error("the write ended without an answer")]
    Broken,
}

/// Writes batches to the maps of one session.
#[derive(Debug)]
pub(crate) struct Writer {
    session: Arc<dyn Session>,
    backoff: RetryPolicy,
    refused_timeout: Duration,
    /// The names on the way to the version of a value.
    version_field: Arc<[String]>,
    counters: Arc<Counters>,
    task: String,
    membership: Option<Arc<GroupLease>>,
    gate: Option<Arc<dyn SendGate>>,
    pace: Mutex<Pace>,
    clock: Clock,
    /// Of a write that ended with [`WriteFailure::Alone`]: the next one goes on with it.
    carried: Mutex<Option<Trouble>>,
}

/// Attempts that fail, one behind the other.
#[derive(Debug)]
struct Trouble {
    began: Instant,
    last: Instant,
    pauses: Pauses,
    /// How often the batch was read again for its neighbours.
    asked: u32,
}

impl Trouble {
    fn new(backoff: RetryPolicy, now: Instant) -> Self {
        Self { began: now, last: now, pauses: Pauses::new(backoff), asked: 0 }
    }
}

impl Writer {
    /// A writer for the task named `task`.
    pub(crate) fn new(
        session: Arc<dyn Session>,
        backoff: RetryPolicy,
        counters: Arc<Counters>,
        task: String,
    ) -> Self {
        Self {
            session,
            backoff,
            refused_timeout: REFUSED_TIMEOUT,
            version_field: Arc::default(),
            counters,
            task,
            membership: None,
            gate: None,
            pace: Mutex::default(),
            clock: Clock::default(),
            carried: Mutex::default(),
        }
    }

    /// The same writer, for a task that writes only while it is a member of its group.
    pub(crate) fn of_member(self, membership: Arc<GroupLease>) -> Self {
        let gate: Arc<dyn SendGate> = membership.clone();
        Self { membership: Some(membership), gate: Some(gate), ..self }
    }

    /// The same writer, for which an entry is to blame when it has failed for so long while others were accepted.
    pub(crate) fn with_refused_timeout(self, refused_timeout: Duration) -> Self {
        Self { refused_timeout, ..self }
    }

    /// Sets the names on the way to the version of a value.
    #[must_use]
    pub(crate) fn with_version_field(self, names: &[String]) -> Self {
        Self { version_field: names.into(), ..self }
    }

    /// The same writer, on a simulated clock.
    #[cfg(test)]
    pub(crate) fn on(self, time: clock::simulated::Time) -> Self {
        Self { clock: Clock::Simulated(time), ..self }
    }

    /// Returns when all of it is confirmed, or with the records that are to blame. Keys are disjoint, so everything may
    /// run side by side.
    ///
    /// After a grid was away the whole batch is tried again, not its unconfirmed part: it may have come back without
    /// what it had confirmed, and the offsets of the batch are committed together. Only the culprits found so far stay
    /// out. Where there are any, the others may not all be confirmed.
    ///
    /// # Errors
    /// See [`WriteFailure`]; parts of the batch may have been applied.
    pub(crate) async fn write(&self, batch: &BatchWrites) -> Result<Vec<RejectedRecord>, WriteFailure> {
        self.until_resolved(batch).await;
        let outcome = self.attempt(batch).await;
        if outcome.is_ok() {
            self.until_resolved(batch).await;
        }
        // What is read again for its neighbours is still held.
        if !matches!(outcome, Err(WriteFailure::Alone { .. })) {
            *self.counters.holding.lock() = None;
        }
        outcome
    }

    async fn attempt(&self, batch: &BatchWrites) -> Result<Vec<RejectedRecord>, WriteFailure> {
        let now = || self.clock.now();
        let mut trouble =
            self.carried.lock().take().filter(|carried| now() - carried.last <= self.refused_timeout);
        let mut attempts = Attempts::new(
            &*self.session,
            &self.version_field,
            self.gate.as_ref(),
            &self.pace,
            &self.clock,
            batch,
            self.refused_timeout,
        );
        let mut alone_since = None;
        loop {
            if let Some(membership) = &self.membership {
                membership.until_confirmed().await;
            }
            let (map, error) = match attempts.run().await {
                Ok(None) => {
                    self.pace.lock().on_confirmed();
                    if let Some(trouble) = &trouble {
                        let lasted_ms = now().saturating_duration_since(trouble.began).as_millis() as u64;
                        tracing::info!(task = self.task, lasted_ms, "the grid confirmed the held batch");
                    }
                    return Ok(attempts.refused);
                }
                Ok(Some(undecided)) => {
                    alone_since = undecided.alone.then(|| alone_since.unwrap_or_else(now));
                    (undecided.map, undecided.error)
                }
                Err(Stop::Failure(failure)) => return Err(failure),
                Err(Stop::Away { map, error }) => {
                    alone_since = None;
                    (map, error)
                }
            };
            let trouble_now = trouble.get_or_insert_with(|| Trouble::new(self.backoff, now()));
            let alone_until = alone_since.and_then(|since: Instant| {
                let patience = 1 << trouble_now.asked.min(MOST_PATIENT.ilog2());
                since.checked_add(self.refused_timeout * patience)
            });
            let mut pause = trouble_now.pauses.next_pause();
            // A long pause must not put off what can be decided earlier, nor leave a suspicion without observations.
            let (ended, suspicion) = (now(), attempts.due());
            if suspicion.is_some() {
                pause = pause.min(self.refused_timeout / OBSERVATIONS);
            }
            for due in [suspicion, alone_until].into_iter().flatten().filter(|due| *due > ended) {
                pause = pause.min(due - ended);
            }
            if let Some(timeout) = self.backoff.timeout {
                let left = timeout.saturating_sub(ended - trouble_now.began);
                if left.is_zero() {
                    return Err(WriteFailure::GivenUp { map, error, after: timeout });
                }
                pause = pause.min(left);
            }
            self.counters.retries.add(1);
            tracing::warn!(
                task = self.task,
                map = &*map,
                error = %error,
                pause_ms = pause.as_millis() as u64,
                "write not confirmed, batch held and retried"
            );
            *self.counters.holding.lock() = Some(Holding { cause: Cause::Grid, reason: error.to_string() });
            if !pause.is_zero() {
                self.clock.sleep(pause).await;
            }
            if alone_until.is_some_and(|until| until <= now()) {
                if !attempts.refused.is_empty() {
                    return Ok(attempts.refused);
                }
                trouble_now.asked += 1;
                trouble_now.last = now();
                *self.carried.lock() = trouble;
                self.tell_alone(&map, &error);
                return Err(WriteFailure::Alone { map, error });
            }
        }
    }

    fn tell_alone(&self, map: &str, error: &MapError) {
        tracing::warn!(
            task = self.task,
            map,
            error = %error,
            "every entry of the batch fails behind the grid; batch held, and read again with later records for \
             comparison; if the store of the map works, a record is at fault: correct it or its store, or produce \
             further records to the map, which isolate it (then errors.tolerance applies)"
        );
    }

    /// Waits until no earlier attempt to write one of these entries may still be applied.
    async fn until_resolved<'a>(&self, batch: &'a BatchWrites) {
        let of_map = |(map, writes): &'a (Arc<str>, Vec<MapWrite>)| {
            writes.iter().map(|write| OfMap { map, entries: &write.entries })
        };
        let entries: Vec<_> = batch.iter().flat_map(of_map).collect();
        let Some(reason) = self.session.in_doubt(&entries) else { return };
        self.counters.unanswered.add(1);
        tracing::warn!(
            task = self.task,
            reason,
            "batch held: an unanswered earlier write may still be applied after it"
        );
        *self.counters.holding.lock() = Some(Holding { cause: Cause::EarlierAttempt, reason });
        if !self.session.until_resolved(&entries).await {
            self.counters.unanswered_given_up.add(1);
            tracing::warn!(
                task = self.task,
                "no answer within coherence.session.unanswered.timeout.ms; the task continues, and an older value \
                 may replace a newer one"
            );
        }
        *self.counters.holding.lock() = None;
    }
}

#[cfg(test)]
mod tests;
