//! Random worlds against [`Delivery`] and [`Writer`]: a log, a group, a grid, the store behind it and a dead letter queue
//! that misbehave in every way that is known, all in virtual time. After each world the maps must equal the log and the
//! counters what was reported; each assignment and each revocation is answered, also an empty one; a topic that is deleted
//! holds up nothing but itself; each entry is written with the expiry that its record asks for, and no value of a key
//! behind a newer one while
//! its partition is read on; at every commit everything below it must be in the maps, or in the queue, or skipped by a
//! policy. In half of the worlds the maps are the process's own and saved: what is committed must be in the file, and a
//! process that dies goes on from it. In half of the worlds a transform gives records other topics, and sometimes waits
//! for a peer that is unavailable.
//!
//! Logs are compacted, truncated and removed from their beginnings, and topics are deleted and created again, all under
//! the reader. Records that a new log no longer holds are not expected; every key of them is put there once more.
//!
//! `DELIVERY_MODEL_WORLDS` sets the number of worlds, `DELIVERY_MODEL_SEED` the first; a failure names its seed.

use std::cell::Cell;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::{Duration, Instant};

use coherence_kafka_common::map::Format;
use coherence_kafka_common::splitmix::SplitMix64 as Random;
use coherence_kafka_connect::config::def::ConfigDef;
use coherence_kafka_connect::error::ConnectError;
use coherence_kafka_connect::record::Record as Converted;
use coherence_kafka_connect::transform::{
    Classes, Rename as RegexRename, Transform, TransformClass, Transforms,
};
use coherence_kafka_rdkafka::record::Envelope;

use super::*;
use crate::config::map_names::Rule;
use crate::config::{MapNames, Mappings};
use crate::errors::{ErrorPolicy, NullValues};
use crate::pipeline::Pipeline;
use crate::writer::{BatchWrites, Writer};
use coherence_kafka_worker::RetryPolicy;

mod actions;
mod answers;
mod checks;
mod ends;
mod grid;
mod group;
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

    fn map_of(&self, tp: &TopicPartition) -> String {
        self.mappings.get(&tp.topic).unwrap_or(&tp.topic).to_owned()
    }

    /// The records of a partition come again: their keys run once more through the values that they had.
    fn begins_anew(&self, tp: &TopicPartition) {
        let partition = self.partitions.iter().find(|p| p.tp == *tp).unwrap();
        self.grid.lock().order.retain(|_, (log, _)| !partition.ids.contains(log));
    }

    fn partition(&mut self, tp: &TopicPartition) -> &mut Partition {
        self.partitions.iter_mut().find(|p| p.tp == *tp).unwrap()
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
            PEER_AWAY.set(!self.calm && PEER_AWAY.get() != self.random.one_in(16));
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
    let renamed = random.one_in(2);
    let mut pipeline = Pipeline::passing_through(Format::Pof, policy.null_values);
    let mut expiries = expiries();
    let maps = ["t0", "t1"].map(|topic| {
        let of_record = if renamed { renamed_topic(topic) } else { topic.to_owned() };
        (of_record, mappings.get(topic).unwrap_or(topic))
    });
    let names = if random.one_in(20) {
        let rule = |(topic, map): (String, &str)| Rule {
            alias: topic.as_str().into(),
            rename: RegexRename::new(&topic, map).unwrap(),
        };
        MapNames { rules: maps.map(rule).into(), ..MapNames::default() }
    } else {
        Mappings::parse(&maps.map(|(topic, map)| format!("{topic}->{map}"))).unwrap().into()
    };
    if renamed {
        expiries.by_topic =
            expiries.by_topic.into_iter().map(|(topic, expiry)| (renamed_topic(&topic), expiry)).collect();
        pipeline.transforms = Arc::new(renaming());
    }
    let rules = Rules {
        pipeline: Arc::new(pipeline),
        names: Arc::new(names),
        expiries: Arc::new(expiries),
        version: None,
    };
    let reporter = Reporter { connector: "m".to_owned(), task: 0, policy, counters: counters.clone() };
    Delivery::new("m-0".to_owned(), options, rules, reporter, now)
}

thread_local! {
    /// A peer of the converters is unavailable, for the world that runs in this thread.
    static PEER_AWAY: Cell<bool> = const { Cell::new(false) };
}

fn renamed_topic(topic: &str) -> String {
    format!("renamed-{topic}")
}

/// A chain that gives every record another topic.
fn renaming() -> Transforms {
    #[derive(Debug)]
    struct Rename;

    impl Transform for Rename {
        fn apply<'a>(&'a self, mut record: Converted<'a>) -> Result<Option<Converted<'a>>, ConnectError> {
            if PEER_AWAY.get() {
                return Err(ConnectError::retriable("away"));
            }
            record.topic = renamed_topic(&record.topic).into();
            Ok(Some(record))
        }

        fn class_name(&self) -> &'static str {
            "Rename"
        }
    }

    let class = TransformClass {
        class: "Rename",
        settings: ConfigDef { keys: &[] },
        create: |_| Ok(Box::new(Rename)),
    };
    let properties = [("transforms", "r"), ("transforms.r.type", "Rename")];
    let properties = properties.map(|(key, value)| (key.to_owned(), value.to_owned())).into();
    Transforms::new(&Classes::default().with_transform(class), &properties).unwrap()
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
