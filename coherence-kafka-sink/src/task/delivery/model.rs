//! Random worlds against [`Delivery`] and [`Writer`]: a log, a group, a grid, the store behind it and a dead letter queue
//! that misbehave in every way that is known, all in virtual time. After each world the maps must equal the log and the
//! counters what was reported; each assignment and each revocation is answered, also an empty one; a topic that is deleted
//! holds up nothing but itself; each entry is written with the expiry that its record asks for, and no value of a key
//! behind a newer one while
//! its partition is read on; at every commit everything below it must be in the maps, or in the queue, or skipped by a
//! policy. In half of the worlds the maps are the process's own and saved: what is committed must be in the file, and a
//! process that dies goes on from it.
//!
//! Logs are compacted, truncated and removed from their beginnings, and topics are deleted and created again, all under
//! the reader. Records that a new log no longer holds are not expected; every key of them is put there once more.
//!
//! `DELIVERY_MODEL_WORLDS` sets the number of worlds, `DELIVERY_MODEL_SEED` the first; a failure names its seed.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_common::map::Format;
use coherence_kafka_common::splitmix::SplitMix64 as Random;
use coherence_kafka_rdkafka::record::Envelope;

use super::*;
use crate::config::Mappings;
use crate::errors::{ErrorPolicy, NullValues};
use crate::pipeline::{Form, Pipeline};
use crate::writer::{BatchWrites, Writer};
use coherence_kafka_worker::RetryPolicy;

mod checks;
mod grid;
mod log;
mod logs;
mod saves;

use grid::Grid;
use log::{Partition, Place, Record, expiries, good_record, is_replaced, key, record};
use saves::Saves;

/// How many steps a world may need to come to rest once no fault is injected.
const REST: usize = 20_000;

/// A commit with its positions, each with the generation of the assignment and the log.
type SentCommit = (CommitNumber, Vec<(TopicPartition, i64, (u64, usize))>);

#[derive(Debug)]
struct World {
    random: Random,
    now: Instant,
    policy: ErrorPolicy,
    partitions: Vec<Partition>,
    grid: Grid,
    delivery: Delivery,
    writer: Writer,
    write: Option<(WriteNumber, Arc<BatchWrites>)>,
    /// Commits without answer: one that is late may be followed by another.
    commits: VecDeque<SentCommit>,
    /// Where the maps are saved.
    saves: Option<Saves>,
    /// Two topics may go to one map.
    mappings: Mappings,
    counters: Arc<Counters>,
    told: Told,
    /// Letters without answer, and whether their partitions were kept since.
    letters: Vec<(LetterNumber, Place, bool)>,
    /// Every record that there was.
    records: BTreeMap<Place, Record>,
    last_log: usize,
    dead: BTreeSet<Place>,
    skipped_null_keys: bool,
    /// Assignments and revocations without answer: the group stands still for each.
    owed: usize,
    /// What is to be given up.
    asked_for: BTreeSet<TopicPartition>,
    calm: bool,
}

/// The inputs of the deliveries of a world, to be compared with what they counted.
#[derive(Debug, Default, PartialEq, Eq)]
struct Told {
    records: u64,
    commits: u64,
    dead_letters: u64,
    refused_letters: u64,
    saves: u64,
    failed_saves: u64,
    logs_replaced: u64,
    offsets_removed: u64,
}

impl Told {
    fn counted(counters: &Counters) -> Self {
        Self {
            records: counters.records.now(),
            commits: counters.commits.now(),
            dead_letters: counters.dead_letters.now(),
            refused_letters: counters.dead_letter_failures.now(),
            saves: counters.saves.now(),
            failed_saves: counters.save_failures.now(),
            logs_replaced: counters.logs_replaced.now(),
            offsets_removed: counters.offsets_removed.now(),
        }
    }
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let policy = ErrorPolicy {
            tolerance: if random.one_in(4) { Tolerance::None } else { Tolerance::All },
            dead_letters: random.one_in(2),
            null_keys: if random.one_in(3) { NullKeys::Fail } else { NullKeys::Ignore },
            null_values: [NullValues::Delete, NullValues::Delete, NullValues::Ignore, NullValues::Fail]
                [random.below(4)],
            ..ErrorPolicy::default()
        };
        let grid = Grid::default();
        let keys = random.between(1, 8);
        for topic in 0..2 {
            for n in 0..keys {
                if random.one_in(12) {
                    grid.lock().throwing.insert(key(topic, n));
                }
            }
        }
        let mut partitions = Vec::new();
        for topic in 0..random.between(1, 2) {
            for number in 0..random.between(1, 3) {
                let index = partitions.len();
                let mut log = Vec::new();
                for offset in 0..random.between(0, 60) as i64 {
                    log.push(record(&mut random, &policy, &grid, (topic, number, keys), (index, offset)));
                }
                // Without a put that is accepted the fault cannot be located, and all are held.
                log.push(good_record(topic, number, (index, log.len() as i64)));
                let tp = TopicPartition { topic: format!("t{topic}"), partition: number as i32 };
                partitions.push(Partition {
                    tp,
                    numbers: (topic, number, keys),
                    log,
                    start: 0,
                    ids: vec![index],
                    cut_off: Vec::new(),
                    committed: 0,
                    position: None,
                    known: false,
                    unnoticed: None,
                    removed: 0,
                    generation: 0,
                    gone: false,
                });
            }
        }
        let saves = random.one_in(2);
        let items: &[&str] = if random.one_in(2) { &["t1->t0"] } else { &[] };
        let items: Vec<_> = items.iter().map(|item| (*item).to_owned()).collect();
        let mappings = Mappings::parse(&items).unwrap();
        let counters = Arc::<Counters>::default();
        let now = Instant::now();
        let backoff =
            RetryPolicy { min: Duration::from_millis(100), max: Duration::from_secs(60), timeout: None };
        let writer = Writer::new(grid.session(), backoff, Arc::default(), "m".to_owned());
        let mut world = Self {
            writer: writer.on(grid.time.clone()),
            saves: saves.then(Saves::default),
            delivery: delivery(&mut random, policy, saves, &mappings, &counters, now),
            mappings,
            counters,
            told: Told::default(),
            records: partitions.iter().flat_map(|p| &p.log).map(|r| (r.place, r.clone())).collect(),
            last_log: partitions.len(),
            random,
            now,
            policy,
            partitions,
            grid,
            write: None,
            commits: VecDeque::new(),
            letters: Vec::new(),
            dead: BTreeSet::new(),
            skipped_null_keys: policy.null_keys == NullKeys::Ignore,
            owed: 0,
            asked_for: BTreeSet::new(),
            calm: false,
        };
        world.assign_all();
        world
    }

    fn assign_all(&mut self) {
        let free = self.partitions.iter().filter(|p| p.position.is_none() && !p.gone);
        let free: Vec<_> = free.map(|p| p.tp.clone()).collect();
        // A member for which nothing is left is assigned nothing.
        if !free.is_empty() || self.random.one_in(4) {
            self.owed += 1;
            let saves = self.saves.as_ref();
            self.delivery.on_assigned(free, |tp| saves.and_then(|saves| saves.position(tp)));
            self.perform();
        }
    }

    fn map_of(&self, tp: &TopicPartition) -> String {
        self.mappings.map_of(&tp.topic).to_owned()
    }

    /// The records of a partition come again: their keys run once more through the values that they had.
    fn begins_anew(&self, tp: &TopicPartition) {
        let partition = self.partitions.iter().find(|p| p.tp == *tp).unwrap();
        self.grid.lock().order.retain(|_, (log, _)| !partition.ids.contains(log));
    }

    fn partition(&mut self, tp: &TopicPartition) -> &mut Partition {
        self.partitions.iter_mut().find(|p| p.tp == *tp).unwrap()
    }

    /// Does what the delivery asks for, and checks that it may ask for it.
    fn perform(&mut self) {
        while let Some(action) = self.delivery.next_action() {
            match action {
                Action::Assign(partitions) => {
                    self.answered();
                    let saves = self.saves.is_some();
                    for (tp, held) in &partitions {
                        let log = self.saves.as_ref().and_then(|saves| saves.log(tp));
                        let partition = self.partition(tp);
                        assert!(partition.position.is_none(), "{tp} is assigned twice");
                        assert!(saves || held.is_none());
                        // Maps that are saved are read on from what they hold, else from the beginning.
                        let start = if saves { held.unwrap_or(0) } else { partition.committed };
                        partition.position = Some(start);
                        partition.known = start > 0 || held.is_some();
                        partition.generation += 1;
                        partition.removed = 0;
                        if saves && log != Some(partition.ids.len()) && start > 0 {
                            // The log does not have this offset.
                            (partition.position, partition.committed) = (Some(0), 0);
                            partition.unnoticed = Some(start);
                        }
                        self.begins_anew(tp);
                        if !saves && start > 0 {
                            self.delivery.on_positions(&[(tp.clone(), start)]);
                        }
                    }
                }
                Action::Release(partitions) => {
                    self.answered();
                    for tp in &partitions {
                        self.asked_for.remove(tp);
                        let partition = self.partition(tp);
                        assert!(partition.position.take().is_some(), "{tp} is released without being had");
                        partition.unnoticed = None;
                        let ids = partition.ids.clone();
                        for (_, place, kept) in &mut self.letters {
                            *kept &= !ids.contains(&place.0);
                        }
                    }
                    let unfinished = self.write.as_ref().is_some_and(|(_, writes)| {
                        let sources =
                            writes.iter().flat_map(|(_, writes)| writes).flat_map(|w| w.entries.iter());
                        let released = |key: &[u8]| {
                            self.partitions.iter().any(|p| {
                                partitions.contains(&p.tp)
                                    && p.log.iter().any(|r| r.key.as_deref() == Some(key))
                            })
                        };
                        sources.into_iter().any(|(key, _)| released(key))
                    });
                    assert!(!unfinished, "released while its records are being written");
                    self.somebody_else_reads(&partitions);
                }
                Action::Seek(tp, position) => {
                    let partition = self.partition(&tp);
                    assert!(partition.position.is_some(), "seek in {tp}, which is not assigned");
                    assert!(partition.unnoticed.is_some() || (0..=partition.end()).contains(&position));
                    // In a log that does not have the offset reading goes on where it is.
                    if partition.unnoticed.is_none() {
                        partition.position = Some(position);
                        partition.known = true;
                    }
                    self.begins_anew(&tp);
                }
                Action::Write(number, writes) => {
                    assert!(self.write.is_none(), "two writes in flight");
                    self.write = Some((number, writes));
                }
                Action::Abandon => self.abandon(),
                Action::Save(number, offsets) => self.begin_save(number, offsets),
                Action::Commit(number, offsets) => {
                    for (tp, next) in &offsets {
                        self.check_commit(tp, *next);
                    }
                    let stamp = |(tp, next): (TopicPartition, i64)| {
                        let stamp = self.partition(&tp).stamp();
                        (tp, next, stamp)
                    };
                    let offsets = offsets.into_iter().map(stamp).collect();
                    self.commits.push_back((number, offsets));
                }
                Action::Report(number, letter) => {
                    assert!(self.policy.dead_letters);
                    self.letters.push((number, self.place_of_letter(&letter), true));
                }
            }
        }
    }

    fn answered(&mut self) {
        self.owed = self.owed.checked_sub(1).expect("an answer that nobody waits for");
    }

    /// The write in flight is given up: anything of it may have been applied, or not, or will be.
    fn abandon(&mut self) {
        let Some((_, writes)) = self.write.take() else { return };
        self.grid.apply_some(&writes, &mut self.random);
    }

    /// The partitions have another owner for a while, which reads some of their records.
    fn somebody_else_reads(&mut self, partitions: &[TopicPartition]) {
        // With maps of the process's own another one writes to others.
        if self.saves.is_some() {
            return;
        }
        // Another process knows nothing of the late writes of this one: that is not promised.
        self.grid.settle();
        for tp in partitions {
            let count = self.random.below(10) as i64;
            let skips = self.policy.tolerance == Tolerance::All;
            let deletes = self.policy.null_values == NullValues::Delete;
            let map = self.map_of(tp);
            let partition = self.partitions.iter_mut().find(|p| p.tp == *tp).unwrap();
            if partition.gone {
                continue;
            }
            let end = (partition.committed + count).min(partition.end());
            while partition.committed < end {
                let offset = partition.committed as usize;
                let record = &partition.log[offset];
                if !partition.is_present(offset) {
                    partition.committed += 1;
                    continue;
                }
                if record.bad && !skips {
                    break;
                }
                if record.bad {
                    self.dead.insert(record.place);
                } else if let Some(key) = &record.key
                    && (record.value.is_some() || deletes)
                {
                    self.grid.apply(&(map.clone(), key.clone()), record.value.as_ref());
                }
                partition.committed += 1;
            }
        }
    }

    fn step(&mut self) {
        self.now += Duration::from_millis(self.random.below(20) as u64);
        match self.random.below(if self.calm { 60 } else { 80 }) {
            0..20 => self.read(),
            20..35 => self.finish_write(),
            35..45 => self.answer_commit(),
            45..55 => self.answer_letter(),
            55..60 if self.is_saving() => self.finish_save(),
            55..60 => self.delivery.on_tick(self.now),
            60..62 => self.revoke(),
            62..64 => self.assign_all(),
            64 => self.lose(),
            65 => self.crash(),
            66 => self.delivery.on_stop(self.now),
            67 => self.now += Duration::from_secs(2),
            68 => self.late_answer(),
            69..71 => self.grid.apply_late(&mut self.random),
            71 if self.random.one_in(2) => self.panic(),
            72 => self.delete_topic(),
            73 => {
                self.revoke();
                self.delivery.on_stop(self.now);
            }
            74 => {
                self.delivery.on_stop(self.now);
                self.revoke();
            }
            75 => self.create_again(),
            76 => self.truncate(),
            77 => self.remove_oldest(),
            78 => self.compact(),
            _ => {}
        }
        self.perform();
        if self.delivery.is_over() {
            self.ended();
        }
    }

    fn read(&mut self) {
        let n = self.random.between(1, 12).min(self.delivery.room());
        let ends = self.calm || self.random.one_in(2);
        let readable: Vec<usize> = (0..self.partitions.len())
            .filter(|&i| {
                let p = &self.partitions[i];
                p.position.is_some_and(|at| at < p.end() || ends)
            })
            .collect();
        if n == 0 || readable.is_empty() {
            return self.delivery.on_tick(self.now);
        }
        let index = readable[self.random.below(readable.len())];
        let first = !self.delivery.has_records();
        for _ in 0..n {
            let partition = &mut self.partitions[index];
            let Some(from) = partition.position else { break };
            let at = partition.next_present(from);
            partition.position = Some(at);
            // Where nothing is left of the new log below the position in the old one, it goes on without a seam.
            let expected = partition.unnoticed.take().unwrap_or(from);
            if at < expected {
                self.told.logs_replaced += 1;
                partition.removed = 0;
            } else if partition.known && expected < partition.start {
                let (from, to) = (expected.max(partition.removed), partition.start.min(at));
                self.told.offsets_removed += u64::try_from(to - from).unwrap_or(0);
                partition.removed = partition.removed.max(to);
            }
            partition.known = true;
            let Some(record) = partition.log.get(at as usize) else { break };
            partition.position = Some(at + 1);
            let millis = (record.place.0 as i64) << 32 | at;
            let timestamp = coherence_kafka_rdkafka::record::Timestamp { millis, log_append: false };
            let raw = RawRecord {
                topic: &partition.tp.topic,
                partition: partition.tp.partition,
                offset: at,
                key: record.key.as_deref(),
                value: record.value.as_deref(),
                envelope: Envelope::Given(&record.headers, Some(timestamp)),
            };
            self.told.records += 1;
            if !self.delivery.take(&raw) {
                break;
            }
        }
        let partitions = &self.partitions;
        self.delivery.on_log_starts(|tp| partitions.iter().find(|p| p.tp == *tp).map(|p| p.start));
        if first {
            self.delivery.linger(self.now);
        }
        self.delivery.on_tick(self.now);
    }

    fn finish_write(&mut self) {
        if !self.calm && self.random.one_in(40) {
            let Some((number, writes)) = self.write.take() else { return };
            self.grid.apply_some(&writes, &mut self.random);
            return self.delivery.on_written(number, Err(WriteFailure::Broken), self.now);
        }
        let Some((number, writes)) = self.write.take() else { return };
        let now = self.grid.time.now();
        {
            let state = &mut *self.grid.lock();
            let until = |random: &mut Random| now + Duration::from_secs(random.below(900) as u64);
            state.faults = if self.calm { 0 } else { self.random.below(6) };
            state.random = Random(self.random.bits());
            state.store_away = (!self.calm && self.random.one_in(8)).then(|| until(&mut self.random));
            let flaps = !self.calm && self.random.one_in(8);
            state.store_flaps = flaps.then(|| (until(&mut self.random), self.random.between(1, 7)));
        }
        let outcome = self.grid.time.run(self.writer.write(&writes));
        self.delivery.on_written(number, outcome, self.now);
    }

    /// The broker stores each position or not, and librdkafka gives those that it stored the code of one that it did not.
    fn answer_commit(&mut self) {
        let Some((number, offsets)) = self.commits.pop_front() else { return };
        let (mut failed, mut unknown) = (!self.calm && self.random.one_in(24), false);
        let fails = !self.calm && self.random.one_in(6);
        let topics: BTreeSet<_> = offsets.iter().map(|(tp, ..)| tp.topic.clone()).collect();
        for (tp, next, stamp) in offsets {
            let fails = fails && self.random.one_in(2);
            let partition = self.partition(&tp);
            if partition.gone {
                unknown = true;
            } else if fails {
                failed = true;
            } else if partition.position.is_some()
                && partition.stamp() == stamp
                && partition.unnoticed.is_none()
            {
                // The broker forgets what was committed in a log that it has no more.
                partition.committed = partition.committed.max(next);
            }
        }
        let outcome = match (failed, unknown) {
            (true, _) => Err(CommitError::Failed("told to fail".to_owned())),
            (false, true) => Err(CommitError::UnknownTopics(topics.into_iter().collect())),
            (false, false) => Ok(()),
        };
        self.told.commits += u64::from(outcome.is_ok());
        self.delivery.on_committed(number, outcome, self.now);
    }

    fn answer_letter(&mut self) {
        if self.letters.is_empty() {
            return;
        }
        let (number, place, kept) = self.letters.swap_remove(self.random.below(self.letters.len()));
        if !self.calm && self.random.one_in(20) {
            self.told.refused_letters += 1;
            self.delivery.on_reported(number, Err("told to refuse".to_owned()), self.now);
            assert!(!kept || self.delivery.failure().is_some(), "{place:?} is in no queue and no log");
            return;
        }
        self.dead.insert(place);
        self.told.dead_letters += 1;
        self.delivery.on_reported(number, Ok(()), self.now);
    }

    fn some_assigned(&mut self) -> Vec<TopicPartition> {
        let random = &mut self.random;
        let assigned = self.partitions.iter().filter(|p| p.position.is_some());
        assigned.filter(|_| random.one_in(2)).map(|p| p.tp.clone()).collect()
    }

    fn revoke(&mut self) {
        let mut partitions = self.some_assigned();
        partitions.retain(|tp| !self.asked_for.contains(tp));
        self.revoke_these(partitions);
    }

    fn revoke_these(&mut self, partitions: Vec<TopicPartition>) {
        self.owed += 1;
        self.asked_for.extend(partitions.iter().cloned());
        self.delivery.on_revoked(partitions, false, self.now);
    }

    /// What was asked for can be lost, too.
    fn lose(&mut self) {
        let partitions = self.some_assigned();
        self.owed += 1;
        self.delivery.on_revoked(partitions, true, self.now);
    }

    /// What was fetched of it is still read; the group asks for its partitions some time.
    fn delete_topic(&mut self) {
        let topic = format!("t{}", self.random.below(8));
        self.partitions.iter_mut().filter(|p| p.tp.topic == topic).for_each(|p| p.gone = true);
    }

    /// An answer to a write that is no longer awaited.
    fn late_answer(&mut self) {
        let number = self.write.as_ref().map_or(1, |(number, _)| number + 1);
        self.delivery.on_written(number.saturating_sub(2), Ok(Vec::new()), self.now);
    }

    /// The process dies; another one takes its place.
    fn crash(&mut self) {
        self.abandon();
        self.grid.settle();
        self.load_saved();
        self.restart();
    }

    /// The thread of the task panics: its consumer leaves the group, its write is given up.
    fn panic(&mut self) {
        self.abandon();
        self.restart();
    }

    fn ended(&mut self) {
        assert!(self.write.is_none(), "the task is over and still writes");
        assert_eq!(self.owed, 0, "the task is over and the group waits for its answer");
        if let Some(TaskFailure::Write(reason)) = self.delivery.failure() {
            assert_eq!(*reason, WriteFailure::Broken.to_string(), "an outage fails no task");
        }
        if let Some(TaskFailure::Record { topic, partition, offset, .. }) = self.delivery.failure() {
            let tp = TopicPartition { topic: topic.clone(), partition: *partition };
            let (offset, none) = (*offset, self.policy.tolerance == Tolerance::None);
            let partition = self.partition(&tp);
            // Another owner may have passed over one whose letter was refused, or that has gone.
            if partition.ids.len() == 1 && none && partition.is_present(offset as usize) {
                let bad = partition.log[offset as usize].bad;
                assert!(bad, "the task fails for a good record: {tp} at {offset}");
                assert!(partition.committed <= offset, "{tp} is committed behind the record at fault");
            }
            // An operator looks at it and decides.
            self.policy.tolerance = Tolerance::All;
        }
        self.restart();
    }

    fn restart(&mut self) {
        if self.random.one_in(2) {
            self.answer_commit();
            while self.delivery.next_action().is_some() {}
        }
        self.commits.clear();
        self.write = None;
        self.letters.clear();
        self.owed = 0;
        self.asked_for.clear();
        self.partitions.iter_mut().for_each(|p| (p.position, p.unnoticed) = (None, None));
        self.forget_save();
        let saves = self.saves.is_some();
        let (mappings, counters) = (&self.mappings, &self.counters);
        self.delivery = delivery(&mut self.random, self.policy, saves, mappings, counters, self.now);
        self.assign_all();
    }

    fn run(&mut self) {
        for _ in 0..self.random.between(0, 400) {
            self.step();
        }
        self.calm = true;
        let mut steps = 0;
        while !self.is_at_rest() {
            self.step();
            if self.owed == 0 {
                self.rebalance();
            }
            steps += 1;
            assert!(steps < REST, "the world does not come to rest: {:?}", self.delivery);
        }
        while self.grid.has_late_writes() {
            self.grid.apply_late(&mut self.random);
        }
        let mut entries = self.grid.entries();
        let deleted: Vec<_> = self.partitions.iter().filter(|p| p.gone).flat_map(|p| &p.log).collect();
        entries.retain(|(_, key), _| deleted.iter().all(|record| record.key.as_ref() != Some(key)));
        assert_eq!(entries, self.expected());
        assert_eq!(Told::counted(&self.counters), self.told);
        if self.policy.dead_letters {
            for partition in self.partitions.iter().filter(|p| !p.gone) {
                for (offset, record) in partition.present().filter(|(_, record)| record.bad) {
                    let unseen = record.refused && is_replaced(partition, offset);
                    assert!(unseen || self.dead.contains(&record.place), "{offset} of {partition:?}");
                }
            }
        }
    }

    fn is_at_rest(&self) -> bool {
        let rests = |p: &Partition| if p.gone { p.position.is_none() } else { p.committed == p.end() };
        self.owed == 0 && self.partitions.iter().all(rests)
    }

    /// The group revokes partitions that are gone, and assigns those without owner.
    fn rebalance(&mut self) {
        let gone = self.partitions.iter().filter(|p| p.gone && p.position.is_some());
        let gone: Vec<_> = gone.map(|p| p.tp.clone()).collect();
        if gone.is_empty() {
            self.assign_all();
        } else {
            self.revoke_these(gone);
            self.perform();
        }
    }

    /// What the maps hold when every record was applied in the order of its partition.
    fn expected(&self) -> BTreeMap<(String, Vec<u8>), Vec<u8>> {
        let mut entries = BTreeMap::new();
        for partition in self.partitions.iter().filter(|p| !p.gone) {
            for (_, record) in partition.present().filter(|(_, record)| !record.bad) {
                let Some(key) = &record.key else { continue };
                let key = (self.map_of(&partition.tp), key.clone());
                match &record.value {
                    Some(value) => drop(entries.insert(key, value.clone())),
                    None if self.policy.null_values == NullValues::Delete => drop(entries.remove(&key)),
                    None => {}
                }
            }
        }
        entries
    }
}

fn delivery(
    random: &mut Random,
    policy: ErrorPolicy,
    saves: bool,
    mappings: &Mappings,
    counters: &Arc<Counters>,
    now: Instant,
) -> Delivery {
    // Where nothing hangs, nothing waits for its deadline either.
    let deadline = Duration::from_secs(if random.one_in(2) { 1 } else { 3600 });
    let options = DeliveryOptions {
        batch_records: random.between(1, 20),
        batch_bytes: random.between(20, 400),
        linger: Duration::from_millis(random.below(50) as u64),
        flush_interval: Duration::from_millis(random.below(100) as u64),
        flush_timeout: Duration::from_millis(500),
        revoke_deadline: deadline,
        stop_deadline: deadline,
        saves,
    };
    let pipeline = Pipeline {
        form: Form::PassThrough,
        format: Format::Pof,
        max_entry_bytes: usize::MAX,
        null_values: policy.null_values,
    };
    let rules = Rules {
        pipeline: Arc::new(pipeline),
        mappings: Arc::new(mappings.clone()),
        expiries: Arc::new(expiries()),
    };
    let reporter = Reporter { connector: "m".to_owned(), task: 0, policy, counters: counters.clone() };
    Delivery::new("m-0".to_owned(), options, rules, reporter, now)
}

/// Names the world.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("world {0}: DELIVERY_MODEL_SEED={0} DELIVERY_MODEL_WORLDS=1", self.0);
        }
    }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn in_every_world_the_maps_equal_the_log_and_nothing_is_committed_too_early() {
    let first = from_environment("DELIVERY_MODEL_SEED").unwrap_or(0);
    for seed in first..first + from_environment("DELIVERY_MODEL_WORLDS").unwrap_or(5000) {
        let seed = Seed(seed);
        World::new(seed.0).run();
    }
}
