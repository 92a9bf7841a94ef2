//! Writes the plan of a batch, again and again until every part of it is confirmed or refused.
//!
//! What goes wrong is sorted by whose fault it is:
//!
//! ```text
//! the record    the grid refuses an entry, or it cannot be sent     narrowed down to the records, and reported
//! the peer      away, slow, without storage members                 held and written again after a pause
//! the settings  no such map, a call that this kind of map lacks     the batch fails at once
//! ```
//!
//! A write that is refused as a whole is halved until only the culprits remain. A grid also refuses in part: its
//! `Partial failure`, the answer where a cache store throws, may pass or may come back for ever, and does not name
//! the entry. After [`PARTIAL_ATTEMPTS`] such answers in a row the write is halved as well; an entry that is left
//! alone is written by a call of its own, to which the grid answers what is wrong with it. Only that answer makes
//! it a culprit: an entry of a member that is frozen or gone never is.
//!
//! Where a write is narrowed down and the grid refuses one entry like the other, with the same words and before it has
//! taken any, the trouble may well be the grid's own: the batch is held and tried again, and only after
//! [`REFUSED_ATTEMPTS`] such attempts in a row are the entries taken for culprits.
//!
//! **Late writes.** An attempt that got no answer may still be applied. To write the same batch once more is harmless
//! then, to write a newer one is not: so a write begins only when every earlier attempt of the session is answered or
//! can no longer run ([`Session::settled`]), and counts as confirmed only when that is true of its own attempts.

use std::collections::BTreeSet;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_common::map::{Entries, MapError, NamedMap, Session};
use futures::StreamExt as _;

use crate::counters::{Cause, Counters, Holding};
use crate::plan::{Kind, Source, Write};

mod membership;
mod pauses;

pub use membership::Membership;
pub use pauses::{Backoff, Pauses};

/// Answers of a write that was taken in part, one behind the other, before it is narrowed down.
pub const PARTIAL_ATTEMPTS: u32 = 3;

/// Times, one behind the other, that entries may be refused alike before they are to blame.
pub const REFUSED_ATTEMPTS: u32 = 3;

/// So many entries, or all of a smaller write, refused alike are suspicious.
const ALIKE: usize = 8;

/// How the grid words it.
const PARTIAL: &str = "Partial failure";

/// Writes that run side by side at most: a batch has many only where its records expire at many different times.
const SIDE_BY_SIDE: usize = 16;

/// The writes of one batch: map name and what to write to it.
pub type BatchWrites = Vec<(Arc<str>, Vec<Write>)>;

/// A record that the grid refuses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Refused {
    /// The record.
    pub source: Source,
    /// The map that refuses it.
    pub map: Arc<str>,
    /// Why.
    pub error: MapError,
}

/// Why a batch cannot be written, with no record at fault.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum WriteFailure {
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
    /// The write ended without an answer.
    #[error("the write ended without an answer")]
    Broken,
}

/// Writes batches to the maps of one session.
#[derive(Debug)]
pub struct Writer {
    session: Arc<dyn Session>,
    backoff: Backoff,
    counters: Arc<Counters>,
    task: String,
    membership: Option<Arc<Membership>>,
}

/// Part of a write of the batch.
#[derive(Debug, Clone)]
struct Piece<'a> {
    map: &'a Arc<str>,
    write: &'a Write,
    range: Range<usize>,
}

/// The grid cannot take a write now.
struct Away {
    map: Arc<str>,
    error: MapError,
    why: Why,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Why {
    /// It cannot be reached, or says so.
    Outage,
    /// It took a part of it.
    Partial,
    /// It refused the entries alike.
    Refused,
}

/// Why an attempt ends before its end.
enum Stop {
    Away(Away),
    Failure(WriteFailure),
}

impl Writer {
    /// A writer for the task named `task`.
    pub fn new(session: Arc<dyn Session>, backoff: Backoff, counters: Arc<Counters>, task: String) -> Self {
        Self { session, backoff, counters, task, membership: None }
    }

    /// The same writer, for a task that writes only while it is a member of its group.
    pub fn of_member(self, membership: Arc<Membership>) -> Self {
        Self { membership: Some(membership), ..self }
    }

    /// Returns when all of it is confirmed but the records that are returned. Keys are disjoint, so everything may
    /// run side by side.
    ///
    /// What is tried again is the whole batch, not its unconfirmed part: a grid that was away may have come back
    /// without what it had confirmed, and the offsets of the batch are committed together. Only the culprits found
    /// so far stay out.
    ///
    /// # Errors
    /// See [`WriteFailure`]; parts of the batch may have been applied.
    pub async fn write(&self, batch: &BatchWrites) -> Result<Vec<Refused>, WriteFailure> {
        self.settle().await;
        let mut attempt =
            Attempt { session: &*self.session, refused: Vec::new(), out: BTreeSet::new(), believes: false };
        let mut pauses = Pauses::new(self.backoff);
        let mut began = None;
        let (mut partial, mut refused) = (0, 0);
        loop {
            attempt.believes = refused >= REFUSED_ATTEMPTS;
            if let Some(membership) = &self.membership {
                membership.holds().await;
            }
            let away = match attempt.write_all(batch, partial >= PARTIAL_ATTEMPTS).await {
                Ok(()) => break,
                Err(Stop::Failure(failure)) => {
                    *self.counters.holding.lock() = None;
                    return Err(failure);
                }
                Err(Stop::Away(away)) => away,
            };
            match away.why {
                Why::Outage => (partial, refused) = (0, 0),
                Why::Partial => partial += 1,
                Why::Refused => refused += 1,
            }
            let began = *began.get_or_insert_with(Instant::now);
            let mut pause = pauses.next_pause();
            if let Some(timeout) = self.backoff.timeout {
                let left = timeout.saturating_sub(began.elapsed());
                if left.is_zero() {
                    *self.counters.holding.lock() = None;
                    return Err(WriteFailure::GivenUp { map: away.map, error: away.error, after: timeout });
                }
                pause = pause.min(left);
            }
            self.counters.retries.add(1);
            tracing::warn!(
                task = self.task,
                map = &*away.map,
                error = %away.error,
                pause_ms = pause.as_millis() as u64,
                "write not confirmed, the batch is held and tried again"
            );
            *self.counters.holding.lock() =
                Some(Holding { cause: Cause::Grid, reason: away.error.to_string() });
            if !pause.is_zero() {
                tokio::time::sleep(pause).await;
            }
        }
        self.settle().await;
        *self.counters.holding.lock() = None;
        Ok(attempt.refused)
    }

    /// Waits until no earlier attempt may still be applied.
    async fn settle(&self) {
        let Some(reason) = self.session.unsettled() else { return };
        self.counters.unanswered.add(1);
        tracing::warn!(
            task = self.task,
            reason,
            "the batch is held: what an earlier attempt wrote could come behind it"
        );
        *self.counters.holding.lock() = Some(Holding { cause: Cause::EarlierAttempt, reason });
        if !self.session.settled().await {
            self.counters.unanswered_given_up.add(1);
            tracing::warn!(
                task = self.task,
                "no answer within coherence.session.unanswered.timeout.ms: the task goes on, and an older value \
                 may replace a newer one"
            );
        }
        *self.counters.holding.lock() = None;
    }
}

/// The attempts to write one batch: what is known about it so far.
struct Attempt<'a> {
    session: &'a dyn Session,
    refused: Vec<Refused>,
    /// The records among `refused`, which are left out of every write.
    out: BTreeSet<Source>,
    /// Entries that are refused alike are culprits all the same.
    believes: bool,
}

impl Attempt<'_> {
    /// Writes all of it, the refused records apart.
    async fn write_all(&mut self, batch: &BatchWrites, narrow_partial: bool) -> Result<(), Stop> {
        let mut writes = Vec::new();
        for (map, whole) in batch {
            for whole in whole {
                let piece = Piece { map, write: whole, range: 0..whole.entries.len() };
                writes.push(write_whole(self.session, piece, &self.out));
            }
        }
        let answers: Vec<_> = futures::stream::iter(writes).buffer_unordered(SIDE_BY_SIDE).collect().await;
        let mut away = None;
        let mut narrow = Vec::new();
        for (piece, answer) in answers {
            match answer {
                Ok(()) => {}
                Err(Stop::Away(found)) if found.why == Why::Partial && narrow_partial => {
                    narrow.push((piece, None));
                }
                Err(Stop::Away(found)) => {
                    away.get_or_insert(found);
                }
                Err(Stop::Failure(WriteFailure::Settings { error, .. })) if blames_entries(&error) => {
                    narrow.push((piece, Some(error)));
                }
                Err(failure) => return Err(failure),
            }
        }
        // While the grid is away nothing can be learned about an entry.
        if let Some(away) = away {
            return Err(Stop::Away(away));
        }
        for (piece, answer) in narrow {
            self.narrow(piece, answer).await?;
        }
        Ok(())
    }

    /// Finds the culprits of a write that was refused with `answer`, or taken in part, and writes the rest.
    async fn narrow(&mut self, piece: Piece<'_>, answer: Option<MapError>) -> Result<(), Stop> {
        let map = piece.map;
        let before = self.refused.len();
        let entries = piece.left(&self.out).count();
        let mut suspicious = !self.believes && entries > 1;
        let mut pieces = vec![(piece, answer)];
        while let Some((piece, answer)) = pieces.pop() {
            let left: Vec<usize> = piece.left(&self.out).collect();
            let taken = match (answer, left.as_slice()) {
                (_, []) => false,
                // It names the entry by its place among those that were sent.
                (Some(error @ MapError::NotSent { index, .. }), left) if index < left.len() => {
                    self.refuse(&piece, left[index], error);
                    self.again(&mut pieces, piece).await?
                }
                (Some(error), [entry]) => {
                    self.refuse(&piece, *entry, error);
                    false
                }
                (None, [entry]) => self.write_alone(&piece, *entry).await?,
                (_, left) => {
                    let middle = left[left.len() / 2];
                    let mut taken = false;
                    for range in [piece.range.start..middle, middle..piece.range.end] {
                        taken |= self.again(&mut pieces, Piece { range, ..piece.clone() }).await?;
                    }
                    taken
                }
            };
            if suspicious && (taken || self.refused.len() - before >= entries.min(ALIKE)) {
                suspicious = false;
                self.hold_if_alike(map, before)?;
            }
        }
        Ok(())
    }

    /// Where the grid gave the same answer to all entries that were refused from the one numbered `before` on, none
    /// of them is to blame yet.
    fn hold_if_alike(&mut self, map: &Arc<str>, before: usize) -> Result<(), Stop> {
        let [first, rest @ ..] = &self.refused[before..] else { return Ok(()) };
        let MapError::Refused(reason) = &first.error else { return Ok(()) };
        if rest.iter().any(|refused| refused.error != first.error) {
            return Ok(());
        }
        let error = MapError::Unavailable(format!("every entry is refused with: {reason}"));
        for refused in self.refused.drain(before..) {
            self.out.remove(&refused.source);
        }
        Err(Stop::Away(Away { map: map.clone(), error, why: Why::Refused }))
    }

    /// Writes a piece; where that is refused it joins those that are to be narrowed. True where it was taken.
    async fn again<'a>(
        &self,
        pieces: &mut Vec<(Piece<'a>, Option<MapError>)>,
        piece: Piece<'a>,
    ) -> Result<bool, Stop> {
        match write(self.session, &piece, &self.out).await {
            Ok(()) => return Ok(piece.left(&self.out).next().is_some()),
            Err(Stop::Away(away)) if away.why == Why::Partial => pieces.push((piece, None)),
            Err(Stop::Failure(WriteFailure::Settings { error, .. })) if blames_entries(&error) => {
                pieces.push((piece, Some(error)));
            }
            Err(stop) => return Err(stop),
        }
        Ok(false)
    }

    /// One entry of a write that was taken in part, by the call whose answer says what is wrong with it. True where
    /// it was taken.
    async fn write_alone(&mut self, piece: &Piece<'_>, entry: usize) -> Result<bool, Stop> {
        let Some((key, value)) = piece.write.entries.get(entry) else { return Ok(false) };
        let map = open(self.session, piece.map).await?;
        let answer = match piece.write.kind {
            Kind::Put(expiry) => map.put(key, value, expiry).await,
            Kind::Remove => map.remove(key).await,
        };
        match answer {
            Ok(_) => Ok(true),
            Err(error) if blames_entries(&error) => {
                self.refuse(piece, entry, error);
                Ok(false)
            }
            Err(error) => Err(stop(piece.map, error)),
        }
    }

    fn refuse(&mut self, piece: &Piece<'_>, entry: usize, error: MapError) {
        if let Some(source) = piece.write.sources.get(entry).copied()
            && self.out.insert(source)
        {
            self.refused.push(Refused { source, map: piece.map.clone(), error });
        }
    }
}

impl Piece<'_> {
    /// The indexes of its entries that are not out.
    fn left(&self, out: &BTreeSet<Source>) -> impl Iterator<Item = usize> {
        let sources = &self.write.sources;
        self.range.clone().filter(move |&entry| !sources.get(entry).is_some_and(|s| out.contains(s)))
    }

    /// Its entries without those that are out; no copy where it is the whole write.
    fn entries(&self, out: &BTreeSet<Source>) -> Arc<Entries> {
        if self.range == (0..self.write.entries.len()) && out.is_empty() {
            return self.write.entries.clone();
        }
        let pairs = self.left(out).filter_map(|entry| self.write.entries.get(entry));
        Arc::new(Entries::from_unique_pairs(pairs))
    }
}

async fn write_whole<'a>(
    session: &dyn Session,
    piece: Piece<'a>,
    out: &BTreeSet<Source>,
) -> (Piece<'a>, Result<(), Stop>) {
    let answer = write(session, &piece, out).await;
    (piece, answer)
}

async fn write(session: &dyn Session, piece: &Piece<'_>, out: &BTreeSet<Source>) -> Result<(), Stop> {
    let entries = piece.entries(out);
    if entries.is_empty() {
        return Ok(());
    }
    let map = open(session, piece.map).await?;
    let answer = match piece.write.kind {
        Kind::Put(expiry) => map.put_all(entries, expiry).await,
        Kind::Remove => map.remove_all(entries).await,
    };
    answer.map_err(|error| stop(piece.map, error))
}

/// A map that cannot be opened is no record's fault.
async fn open(session: &dyn Session, name: &Arc<str>) -> Result<Arc<dyn NamedMap>, Stop> {
    session.map(name).await.map_err(|error| match error {
        MapError::Refused(reason) => stop(name, MapError::Misuse(format!("refused by the grid: {reason}"))),
        error => stop(name, error),
    })
}

fn stop(map: &Arc<str>, error: MapError) -> Stop {
    let map = map.clone();
    match &error {
        MapError::Unavailable(reason) => {
            let why = if reason.contains(PARTIAL) { Why::Partial } else { Why::Outage };
            Stop::Away(Away { map, error, why })
        }
        _ => Stop::Failure(WriteFailure::Settings { map, error }),
    }
}

/// True where the answer is about what was written.
fn blames_entries(error: &MapError) -> bool {
    matches!(error, MapError::Refused(_) | MapError::NotSent { .. })
}

#[cfg(test)]
mod tests;
