//! Changes of the configuration topic: one worker at a time.
//!
//! ```text
//! claim ─► read to the end ─► decide ─► write in one transaction ─► read back
//!   ▲                                        │ fenced: another worker has claimed meanwhile
//!   └────────────────────────────────────────┘
//! ```
//!
//! A transaction is committed only if no other worker has claimed since, so a decision is based on everything that was
//! written before it: of two workers that create a connector of one name, the second finds that it exists.

use std::time::{Duration, Instant};

use coherence_kafka_rdkafka::topic_log::{LogRecord, TopicLog};
use coherence_kafka_rdkafka::topic_writer::{ExclusiveWriter, WriteError};

use super::config_topic::ConfigState;
use super::member::{Member, State, Watched};
use super::record::Record;
use crate::retry::{Pauses, RetryPolicy};

/// How long a change may take. A request is answered within 90 seconds.
const DEADLINE: Duration = Duration::from_secs(60);

/// How long it waits for a worker that starts, or that joins its group again.
const JOINING: Duration = Duration::from_secs(20);

/// How long one step of it may take.
const STEP: Duration = Duration::from_secs(10);

/// Pauses between attempts where several workers change something.
const PAUSES: RetryPolicy =
    RetryPolicy { min: Duration::from_millis(20), max: Duration::from_secs(1), timeout: None };

/// Why a change is not made.
pub(super) enum NotChanged<E> {
    /// The decision.
    Decided(E),
    /// It cannot be made now.
    Unavailable(String),
}

impl Member {
    /// Writes the records that `decide` returns for the present state, unless there are none, and waits until they are
    /// read back. It may be asked several times; the last result counts.
    pub(super) fn change<T, E>(
        &self,
        decide: impl Fn(&ConfigState) -> Result<(Vec<Record>, T), E>,
    ) -> Result<T, NotChanged<E>> {
        let unavailable = |reason: String| NotChanged::Unavailable(reason);
        let mut writer = self.changes.lock();
        let end = Instant::now() + DEADLINE;
        self.await_membership(Instant::now() + JOINING);
        let log = self.config_log.get().ok_or_else(|| unavailable(self.why_not_member()))?;
        let mut pauses = Pauses::new(PAUSES);
        // What was decided before the outcome of the write was unknown.
        let mut unknown: Option<T> = None;
        loop {
            if !self.state.lock().is_member {
                return Err(unavailable(self.why_not_member()));
            }
            let attempt = self.attempt(&mut writer, log, &decide, &mut unknown);
            let reason = match attempt {
                Ok(done) => return Ok(done),
                Err(Attempt::Final(error)) => return Err(error),
                Err(Attempt::Again(reason)) => reason,
            };
            if Instant::now() >= end {
                return Err(unavailable(format!("the configuration topic is not written: {reason}")));
            }
            std::thread::park_timeout(pauses.next_pause());
        }
    }

    fn attempt<T, E>(
        &self,
        writer: &mut ExclusiveWriter,
        log: &TopicLog,
        decide: &impl Fn(&ConfigState) -> Result<(Vec<Record>, T), E>,
        unknown: &mut Option<T>,
    ) -> Result<T, Attempt<E>> {
        let failed = |error: &dyn ToString, is_retriable: bool| {
            let reason = error.to_string();
            if is_retriable {
                return Attempt::Again(reason);
            }
            let reason = format!("the configuration topic is not written: {reason}");
            Attempt::Final(NotChanged::Unavailable(reason))
        };
        writer.claim(STEP).map_err(|error| failed(&error, error.is_retriable()))?;
        log.read_to_end(STEP).map_err(|error| failed(&error, error.is_retriable()))?;
        if let Some(done) = unknown.take()
            && self.state.lock().watched.seen
        {
            return Ok(done);
        }
        // A copy: a decision may read the files that a configuration names.
        let configs = self.state.lock().configs.clone();
        let decided = decide(&configs);
        let (records, done) = decided.map_err(|error| Attempt::Final(NotChanged::Decided(error)))?;
        let Some(last) = records.last() else { return Ok(done) };
        let (key, value) = last.clone().into_bytes();
        self.state.lock().watched = Watched { key, value, seen: false };
        let records: Vec<_> = records.into_iter().map(Record::into_bytes).collect();
        match writer.write(&records, STEP) {
            Ok(positions) => {
                for (partition, offset) in positions {
                    // It is written: what is missing is only that this worker has read it.
                    log.wait_for(partition, offset, STEP).map_err(|error| {
                        Attempt::Final(NotChanged::Unavailable(format!(
                            "the change is written, and not read back yet: {error}"
                        )))
                    })?;
                }
                Ok(done)
            }
            Err(error) => {
                if matches!(error, WriteError::Unknown(_)) {
                    *unknown = Some(done);
                }
                Err(Attempt::Again(error.to_string()))
            }
        }
    }

    /// Notes a record of the configuration topic that a change waits for.
    pub(super) fn changes_seen(&self, record: &LogRecord<'_>) {
        let watched = &mut self.state.lock().watched;
        if record.key == Some(watched.key.as_slice()) && record.value == watched.value.as_deref() {
            watched.seen = true;
        }
    }

    /// Waits until this worker is a member of its group, unless that is refused.
    fn await_membership(&self, until: Instant) {
        let mut state = self.state.lock();
        let may_join = |state: &State| !state.is_member && state.refusal.is_none() && !state.is_stopping;
        while may_join(&state) && !self.news.wait_until(&mut state, until).timed_out() {}
    }

    /// Returns why nothing can be changed now.
    pub(super) fn why_not_member(&self) -> String {
        let state = self.state.lock();
        state.refusal.clone().unwrap_or_else(|| {
            format!(
                "this worker is not a member of group {} at the moment; it joins by itself: repeat the request later",
                self.config.group_id
            )
        })
    }
}

enum Attempt<E> {
    Final(NotChanged<E>),
    /// The same may succeed later.
    Again(String),
}
