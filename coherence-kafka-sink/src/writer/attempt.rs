//! One attempt after the other to write a batch: what is sent, in which parts, and what the answers say of its entries.

use std::hash::BuildHasher as _;
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_common::map::{Entries, MapError, NamedMap, SendGate, Session};
use foldhash::fast::RandomState;
use futures::StreamExt as _;
use parking_lot::Mutex;

use super::clock::Clock;
use super::evidence::{ENOUGH, OfMap};
use super::pace::Pace;
use super::{BatchWrites, RejectedRecord, WriteFailure};
use crate::plan::{MapWrite, RecordId, WriteKind};

/// Writes that run side by side at most: a batch has many only where its records expire at many different times.
const SIDE_BY_SIDE: usize = 16;

/// The attempts to write one batch: what is known about it so far.
pub(super) struct Attempts<'a> {
    sender: Sender<'a>,
    maps: Vec<OfMap<'a>>,
    pub(super) refused: Vec<RejectedRecord>,
    /// How long an entry fails before it is to blame.
    timeout: Duration,
    random: RandomState,
    choices: u64,
}

/// An attempt has ended, and it is open what has failed in it.
pub(super) struct Undecided {
    pub(super) map: Arc<str>,
    pub(super) error: MapError,
    /// The batch has nothing that the failed entries of a map could be compared with.
    pub(super) alone: bool,
}

/// Why an attempt ends before its end.
pub(super) enum Stop {
    /// The grid cannot take a write now.
    Away { map: Arc<str>, error: MapError },
    /// It cannot take it at all.
    Failure(WriteFailure),
}

/// What a write was answered, where the grid was there.
enum Answer {
    Accepted,
    /// The grid itself refuses an entry, or it cannot be sent.
    Refused(MapError),
    /// An entry is at fault, or what lies behind the grid.
    Failed(MapError),
}

/// A part of a write, and its answer.
type Part = (Range<usize>, Result<Answer, Stop>);

impl<'a> Attempts<'a> {
    pub(super) fn new(
        session: &'a dyn Session,
        version_field: &'a [String],
        gate: Option<&'a Arc<dyn SendGate>>,
        pace: &'a Mutex<Pace>,
        clock: &'a Clock,
        batch: &'a BatchWrites,
        timeout: Duration,
    ) -> Self {
        Self {
            sender: Sender { session, version_field, gate, pace, clock },
            maps: batch.iter().map(|(map, writes)| OfMap::new(map, writes)).collect(),
            refused: Vec::new(),
            timeout,
            random: RandomState::default(),
            choices: 0,
        }
    }

    /// Writes what is neither accepted nor refused yet. `None` when nothing is left.
    pub(super) async fn run(&mut self) -> Result<Option<Undecided>, Stop> {
        let outcome = self.write_all().await;
        if let Err(Stop::Away { error, .. }) = &outcome {
            for map in &mut self.maps {
                map.suspect_none();
                // Who answers late has not lost what it had accepted.
                if !matches!(error, MapError::Unanswered(_)) {
                    map.forget();
                }
            }
        }
        outcome?;
        let now = self.sender.clock.now();
        for map in &mut self.maps {
            for (write, entry, error) in map.judge(now, self.timeout) {
                let source = map.writes[write].write.sources.get(entry).copied();
                refuse(&mut self.refused, source, map.map, error);
            }
        }
        Ok(self.undecided())
    }

    /// When the oldest suspicion is old enough; `None` without any.
    pub(super) fn due(&self) -> Option<Instant> {
        self.maps.iter().filter_map(|map| map.due(self.timeout)).min()
    }

    fn undecided(&self) -> Option<Undecided> {
        let open = || self.maps.iter().filter(|map| !map.is_done());
        let first = open().find(|map| map.is_alone()).or_else(|| open().next())?;
        let error = first.error().cloned();
        Some(Undecided {
            map: first.map.clone(),
            error: error
                .unwrap_or_else(|| MapError::Undecided("not all entries are accepted yet".to_owned())),
            alone: first.is_alone(),
        })
    }

    async fn write_all(&mut self) -> Result<(), Stop> {
        for map in &mut self.maps {
            map.begin();
            if let Some((write, entries)) = map.controls() {
                let of = &map.writes[write];
                match self.sender.send(map.map, of.write, of.entries(&entries)).await? {
                    Answer::Accepted => map.on_controls_accepted(entries.len()),
                    Answer::Failed(error) | Answer::Refused(error) => map.on_controls_failed(error),
                }
            }
        }
        let mut whole = Vec::new();
        for (m, map) in self.maps.iter().enumerate().filter(|(_, map)| !map.is_hopeless()) {
            whole.extend((0..map.writes.len()).map(|write| self.write_whole(m, write)));
        }
        let answers: Vec<_> = futures::stream::iter(whole).buffer_unordered(SIDE_BY_SIDE).collect().await;
        let mut stopped = None;
        let mut failed = Vec::new();
        for (m, write, parts) in answers {
            for (range, answer) in parts {
                match answer {
                    Ok(Answer::Accepted) => self.maps[m].on_accepted(write, range),
                    Ok(answer) => failed.push((m, write, range, answer)),
                    Err(failure @ Stop::Failure(_)) => return Err(failure),
                    Err(stop) => stopped = Some(worse(stopped, stop)),
                }
            }
        }
        // While the grid is away nothing can be learned about an entry.
        if let Some(stop) = stopped {
            return Err(stop);
        }
        for (m, write, range, answer) in failed {
            self.narrow(m, write, range, answer).await?;
        }
        Ok(())
    }

    /// Writes what is left of a write, in parts of the size that the grid answers in time.
    async fn write_whole(&self, m: usize, write: usize) -> (usize, usize, Vec<Part>) {
        let map = &self.maps[m];
        let of = &map.writes[write];
        let mut parts = Vec::new();
        let (mut start, mut failed) = (0, 0);
        while start < of.write.entries.len() {
            let range = of.piece(start, self.sender.pace.lock().at_once());
            start = range.end;
            let left: Vec<_> = of.left(range.clone()).collect();
            if left.is_empty() {
                continue;
            }
            let answer = self.sender.send(map.map, of.write, of.entries(&left)).await;
            failed = match &answer {
                Ok(Answer::Accepted) => 0,
                Ok(_) => failed + 1,
                Err(_) => usize::MAX,
            };
            parts.push((range, answer));
            if failed >= ENOUGH {
                break;
            }
        }
        (m, write, parts)
    }

    /// Finds the entries that make a part of a write fail, and writes the others.
    async fn narrow(
        &mut self,
        m: usize,
        write: usize,
        range: Range<usize>,
        answer: Answer,
    ) -> Result<(), Stop> {
        let mut parts = vec![(range, answer)];
        while let Some((range, answer)) = parts.pop() {
            if self.maps[m].is_hopeless() {
                return Ok(());
            }
            let left: Vec<_> = self.maps[m].writes[write].left(range.clone()).collect();
            match (answer, left.as_slice()) {
                (Answer::Accepted, _) | (_, []) => {}
                // It names the entry by its place among those that were sent.
                (Answer::Refused(error @ MapError::NotSent { index, .. }), left) if index < left.len() => {
                    self.refuse(m, write, left[index], error);
                    self.again(m, write, range, &mut parts).await?;
                }
                (Answer::Refused(error), [entry]) => self.refuse(m, write, *entry, error),
                (Answer::Failed(_), [entry]) => self.write_alone(m, write, *entry).await?,
                (_, left) => {
                    let middle = left[left.len() / 2];
                    let mut halves = [range.start..middle, middle..range.end];
                    // Not always the same ones first: a row of entries that fail must not hide all others.
                    if self.choose() {
                        halves.reverse();
                    }
                    for half in halves {
                        self.again(m, write, half, &mut parts).await?;
                    }
                }
            }
        }
        Ok(())
    }

    /// Writes a part; where it fails it joins those that are to be narrowed.
    async fn again(
        &mut self,
        m: usize,
        write: usize,
        range: Range<usize>,
        parts: &mut Vec<(Range<usize>, Answer)>,
    ) -> Result<(), Stop> {
        let map = &mut self.maps[m];
        let of = &map.writes[write];
        let left: Vec<_> = of.left(range.clone()).collect();
        match left.as_slice() {
            [] => {}
            [entry] => {
                let entry = *entry;
                self.write_alone(m, write, entry).await?;
            }
            left => match self.sender.send(map.map, of.write, of.entries(left)).await? {
                Answer::Accepted => map.on_accepted(write, range),
                answer => parts.push((range, answer)),
            },
        }
        Ok(())
    }

    /// Writes one entry, by the call whose answer says what is wrong with it.
    async fn write_alone(&mut self, m: usize, write: usize, entry: usize) -> Result<(), Stop> {
        let map = &mut self.maps[m];
        match self.sender.send_alone(map.map, map.writes[write].write, entry).await? {
            Answer::Accepted => map.on_accepted(write, entry..entry + 1),
            Answer::Failed(error) => map.on_failed(write, entry, error),
            Answer::Refused(error) => self.refuse(m, write, entry, error),
        }
        Ok(())
    }

    fn refuse(&mut self, m: usize, write: usize, entry: usize, error: MapError) {
        let map = &mut self.maps[m];
        map.on_refused(write, entry);
        refuse(&mut self.refused, map.writes[write].write.sources.get(entry).copied(), map.map, error);
    }

    fn choose(&mut self) -> bool {
        self.choices += 1;
        self.random.hash_one(self.choices) & 1 == 0
    }
}

fn refuse(refused: &mut Vec<RejectedRecord>, source: Option<RecordId>, map: &Arc<str>, error: MapError) {
    refused.extend(source.map(|source| RejectedRecord { source, map: map.clone(), error }));
}

/// Of two, the one after which less is known: a grid that is away may come back without its entries.
fn worse(first: Option<Stop>, second: Stop) -> Stop {
    match first {
        Some(first) if !matches!(first, Stop::Away { error: MapError::Unanswered(_), .. }) => first,
        _ => second,
    }
}

/// Sends writes and sorts their answers.
struct Sender<'a> {
    version_field: &'a [String],
    session: &'a dyn Session,
    gate: Option<&'a Arc<dyn SendGate>>,
    pace: &'a Mutex<Pace>,
    clock: &'a Clock,
}

impl Sender<'_> {
    async fn send(&self, name: &Arc<str>, write: &MapWrite, entries: Arc<Entries>) -> Result<Answer, Stop> {
        let map = self.open(name).await?;
        let (count, began) = (entries.len(), self.clock.now());
        let answer = match write.kind {
            WriteKind::Put(expiry) => map.put_all(entries, expiry).await,
            WriteKind::PutNewer(version) => map.put_newer(entries, self.version_field, version).await,
            WriteKind::Remove => map.remove_all(entries).await,
        };
        self.sort(name, answer, count, self.clock.now() - began)
    }

    async fn send_alone(&self, name: &Arc<str>, write: &MapWrite, entry: usize) -> Result<Answer, Stop> {
        let Some((key, value)) = write.entries.get(entry) else { return Ok(Answer::Accepted) };
        let map = self.open(name).await?;
        let began = self.clock.now();
        let answer = match write.kind {
            WriteKind::Put(expiry) => map.put(key, value, expiry).await.map(drop),
            WriteKind::PutNewer(version) => {
                let entries = Arc::new(Entries::from_unique_pairs([(key, value)]));
                map.put_newer(entries, self.version_field, version).await
            }
            WriteKind::Remove => map.remove(key).await.map(drop),
        };
        self.sort(name, answer, 1, self.clock.now() - began)
    }

    /// A map that cannot be opened is no record's fault.
    async fn open(&self, name: &Arc<str>) -> Result<Arc<dyn NamedMap>, Stop> {
        let opened = match self.gate {
            Some(gate) => self.session.gated_map(name, gate).await,
            None => self.session.map(name).await,
        };
        opened.map_err(|error| match error {
            MapError::Refused(reason) => {
                failure(name, MapError::Misuse(format!("refused by the grid: {reason}")))
            }
            error if error.is_retriable() => Stop::Away { map: name.clone(), error },
            error => failure(name, error),
        })
    }

    fn sort(
        &self,
        name: &Arc<str>,
        answer: Result<(), MapError>,
        entries: usize,
        took: Duration,
    ) -> Result<Answer, Stop> {
        let error = match answer {
            Ok(()) => {
                self.pace.lock().on_answer(entries, took);
                return Ok(Answer::Accepted);
            }
            Err(error) => error,
        };
        match error {
            MapError::Undecided(_) => Ok(Answer::Failed(error)),
            MapError::Refused(_) | MapError::NotSent { .. } | MapError::TooLarge { .. } => {
                Ok(Answer::Refused(error))
            }
            MapError::Unanswered(_) => {
                self.pace.lock().on_silence(entries, took);
                Err(Stop::Away { map: name.clone(), error })
            }
            MapError::Unavailable(_) => Err(Stop::Away { map: name.clone(), error }),
            MapError::Misuse(_) | MapError::NotStored { .. } => Err(failure(name, error)),
        }
    }
}

fn failure(name: &Arc<str>, error: MapError) -> Stop {
    Stop::Failure(WriteFailure::Settings { map: name.clone(), error })
}
