//! Random worlds against [`Publisher`]: a map whose events come late or not at all, scans and reads that are answered
//! late and miss keys, a topic that does not acknowledge, and processes that die. After each world the topic, compacted,
//! must equal the map; and at every record, where no value comes back, the topic must not go back to what a key was before.
//!
//! `PUBLISHER_MODEL_WORLDS` says how many worlds, `PUBLISHER_MODEL_SEED` which is the first; a failure names its seed.

use std::collections::VecDeque;

use coherence_kafka_common::splitmix::SplitMix64 as Random;

use super::*;
use crate::digest::Hasher;

mod grid;

use grid::{Grid, Notice};

/// How many steps a world may need to come to rest once nothing misbehaves any more.
const REST: usize = 20_000;

/// A record, or what is to become one: the key and its value.
type Record = (usize, Option<u32>);

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Acknowledged,
    Refused,
    Unknown,
    /// Nobody knows, and the broker appends it after later ones.
    Late,
}

#[derive(Debug)]
struct Scan {
    unread: Vec<usize>,
    read: VecDeque<(usize, u32)>,
}

/// Keys that are being read, each with its answer once the grid has looked.
type Read = Vec<(Bytes, KeyHash, Option<Option<u32>>)>;

#[derive(Debug)]
struct World {
    random: Random,
    hasher: Hasher,
    publisher: Publisher,
    publish_expirations: bool,
    max_read_bytes: usize,
    now: Instant,
    grid: Grid,
    scan: Option<Scan>,
    /// The scan has ended, and the topic is looked through once nothing is on its way there.
    looking_through: Option<Option<VecDeque<usize>>>,
    reads: Vec<Read>,
    sent: VecDeque<Record>,
    outcomes: VecDeque<(Record, Outcome)>,
    topic: Vec<Record>,
    /// Which state in the history of each key the topic shows.
    shown: Vec<usize>,
    needs_comparison: bool,
    calm: bool,
    totals: Counts,
}

fn bytes(key: usize) -> Bytes {
    Bytes::copy_from_slice(&[key as u8])
}

impl World {
    fn new(seed: u64) -> Self {
        let mut random = Random(seed);
        let keys = random.between(1, 6);
        let publish_expirations = !random.one_in(3);
        let max_read_bytes = if random.one_in(3) { 300 } else { 10_000 };
        let mut grid = Grid::new(keys, if random.one_in(3) { 3 } else { u32::MAX });
        for _ in 0..random.below(10) {
            grid.change(&mut random);
        }
        let mut world = Self {
            random,
            hasher: Hasher::default(),
            publisher: Publisher::new(publish_expirations, max_read_bytes),
            publish_expirations,
            max_read_bytes,
            now: Instant::now(),
            grid,
            scan: None,
            looking_through: None,
            reads: Vec::new(),
            sent: VecDeque::new(),
            outcomes: VecDeque::new(),
            topic: Vec::new(),
            shown: vec![0; keys],
            needs_comparison: false,
            calm: false,
            totals: Counts::default(),
        };
        world.start();
        world
    }

    /// A process begins: it listens, reads the topic, and compares.
    fn start(&mut self) {
        self.count();
        self.grid.listen();
        self.publisher = Publisher::new(self.publish_expirations, self.max_read_bytes);
        for (key, value) in self.topic.clone() {
            self.publisher.on_topic_record(self.hash(key), self.value(value));
        }
        self.scan = None;
        self.looking_through = None;
        self.reads.clear();
    }

    fn count(&mut self) {
        let counts = self.publisher.take_counts();
        self.totals.published += counts.published;
        self.totals.superfluous += counts.superfluous;
        self.totals.overtaken += counts.overtaken;
    }

    fn hash(&self, key: usize) -> KeyHash {
        self.hasher.key(&bytes(key))
    }

    fn value(&self, value: Option<u32>) -> Option<ValueHash> {
        value.map(|value| self.hasher.value(&value.to_be_bytes()))
    }

    fn send(&mut self, publish: Option<Publish>, record: Record) {
        if publish.is_some() {
            self.sent.push_back(record);
        }
    }

    /// The topic takes a record: it must not go back to an older value of the key.
    fn append(&mut self, (key, value): Record) {
        if self.grid.values_come_back() {
            self.topic.push((key, value));
            return;
        }
        let history = &self.grid.history[key];
        let later = history[self.shown[key]..].iter().position(|state| *state == value);
        let Some(later) = later else {
            panic!("key {key} goes back to {value:?}; shown up to {} of {history:?}", self.shown[key]);
        };
        self.shown[key] += later;
        self.topic.push((key, value));
    }

    fn step(&mut self) {
        match self.random.below(if self.calm { 70 } else { 110 }) {
            0..20 => self.take_notice(),
            20..25 => self.grid.register(),
            25..35 => self.scan(),
            35..42 => self.look_through(),
            42..52 => self.read(),
            52..64 => self.acknowledge(),
            64..70 => self.tell_outcome(),
            70..95 => self.grid.change(&mut self.random),
            95 => self.disconnect(),
            96 => self.grid.overflow(&mut self.random),
            97 => self.grid.truncate(),
            98 if self.random.one_in(2) => self.grid.destroy(),
            99 if self.random.one_in(2) => self.die(),
            100 if self.random.one_in(3) => {
                // As when all storage members are gone and the proxy is not: nobody is told.
                self.grid.wipe();
                self.needs_comparison = true;
            }
            101..104 => self.refuse_or_fail(),
            104 => self.publisher.want_comparison(),
            105 => self.fail_read(),
            106 => self.tick(),
            _ => {}
        }
    }

    fn take_notice(&mut self) {
        match self.grid.take_notice() {
            None => {}
            Some(Notice::Gap | Notice::Truncated) => self.publisher.want_comparison(),
            Some(Notice::Destroyed) => {
                self.grid.listen();
                self.publisher.want_comparison();
            }
            Some(Notice::Event { key, old, new, expired }) => {
                let change = Change { old: self.value(old), new: self.value(new), expired };
                let publish = self.publisher.on_event(&bytes(key), self.hash(key), change);
                self.send(publish, (key, new));
            }
        }
    }

    fn scan(&mut self) {
        let Some(scan) = &mut self.scan else {
            if self.publisher.comparison_wanted() && self.looking_through.is_none() {
                self.publisher.begin_scan();
                let unread = (0..self.grid.map.len()).collect();
                self.scan = Some(Scan { unread, read: VecDeque::new() });
            }
            return;
        };
        for _ in 0..self.random.below(3) {
            if scan.unread.is_empty() {
                break;
            }
            let at = self.random.below(scan.unread.len());
            let key = scan.unread[at];
            // Met twice, or hidden while its partition moves.
            if self.calm || !self.random.one_in(12) {
                scan.unread.swap_remove(at);
            }
            if let Some(value) = self.grid.map[key] {
                if self.calm || !self.random.one_in(12) {
                    scan.read.push_back((key, value));
                } else {
                    // What neither scan nor topic has, only the next comparison finds.
                    self.needs_comparison = true;
                }
            }
        }
        if self.random.one_in(2) {
            return;
        }
        match scan.read.pop_front() {
            Some((key, value)) => {
                let hash = self.hasher.value(&value.to_be_bytes());
                let publish = self.publisher.on_scanned(self.hash(key), hash);
                self.send(publish, (key, Some(value)));
            }
            None if scan.unread.is_empty() => {
                self.scan = None;
                if self.publisher.end_scan() == 0 {
                    self.publisher.end_comparison();
                } else {
                    self.looking_through = Some(None);
                }
            }
            None => {}
        }
    }

    fn look_through(&mut self) {
        let flushed = self.sent.is_empty() && self.outcomes.is_empty();
        match &mut self.looking_through {
            Some(None) if flushed => {
                self.looking_through = Some(Some(self.topic.iter().map(|(key, _)| *key).collect()));
            }
            Some(Some(keys)) => match keys.pop_front() {
                Some(key) => self.publisher.on_topic_key(&bytes(key), self.hash(key)),
                None => {
                    self.looking_through = None;
                    self.publisher.end_comparison();
                }
            },
            _ => {}
        }
    }

    fn read(&mut self) {
        if self.reads.is_empty() || self.random.one_in(3) {
            let keys = self.publisher.next_reads(self.random.between(1, 3));
            if !keys.is_empty() {
                self.reads.push(keys.into_iter().map(|(key, hash)| (key, hash, None)).collect());
            }
            return;
        }
        let at = self.random.below(self.reads.len());
        let read = &mut self.reads[at];
        match read.iter().position(|(.., answer)| answer.is_none()) {
            Some(next) => read[next].2 = Some(self.grid.map[usize::from(read[next].0[0])]),
            None => {
                for (key, hash, answer) in self.reads.swap_remove(at) {
                    let answer = answer.flatten();
                    let publish = self.publisher.on_read(&key, hash, self.value(answer));
                    self.send(publish, (key[0].into(), answer));
                }
            }
        }
    }

    fn fail_read(&mut self) {
        for (key, hash, _) in self.reads.pop().into_iter().flatten() {
            self.publisher.on_read_failed(&key, hash);
        }
    }

    fn acknowledge(&mut self) {
        if let Some(record) = self.sent.pop_front() {
            self.append(record);
            self.outcomes.push_back((record, Outcome::Acknowledged));
        }
    }

    /// A record is not acknowledged: nobody knows whether it is in the topic. Or it is refused, for now.
    fn refuse_or_fail(&mut self) {
        let Some(record) = self.sent.pop_front() else { return };
        let outcome = match self.random.below(4) {
            0 => Outcome::Refused,
            1 => Outcome::Late,
            2 => {
                self.append(record);
                Outcome::Unknown
            }
            _ => Outcome::Unknown,
        };
        self.needs_comparison |= outcome == Outcome::Refused;
        self.outcomes.push_back((record, outcome));
    }

    fn tell_outcome(&mut self) {
        let Some((record @ (key, value), outcome)) = self.outcomes.pop_front() else { return };
        match outcome {
            Outcome::Acknowledged => return,
            // The one way in which a topic goes back.
            Outcome::Late => self.topic.push(record),
            Outcome::Refused | Outcome::Unknown => {}
        }
        let (hash, refused) = (self.hash(key), outcome == Outcome::Refused);
        self.publisher.on_store_failed(&bytes(key), hash, self.value(value), refused);
    }

    fn disconnect(&mut self) {
        self.grid.disconnect(&mut self.random);
        if self.scan.take().is_some() {
            self.publisher.fail_comparison();
        }
        if self.random.one_in(2) {
            self.fail_read();
        }
    }

    /// The process is killed. Some of what it sent is in the topic.
    fn die(&mut self) {
        for record in std::mem::take(&mut self.sent).into_iter().take(self.random.below(4)) {
            self.append(record);
        }
        self.outcomes.clear();
        self.start();
    }

    /// Events come within [`LATEST_EVENT`].
    fn tick(&mut self) {
        if self.grid.is_quiet() {
            self.now += LATEST_EVENT;
        }
        self.publisher.on_tick(self.now);
    }

    fn is_at_rest(&self) -> bool {
        self.grid.is_quiet()
            && self.publisher.is_settled()
            && self.scan.is_none()
            && self.looking_through.is_none()
            && self.sent.is_empty()
            && self.outcomes.is_empty()
    }

    fn rest(&mut self) {
        for step in 0.. {
            if self.is_at_rest() {
                break;
            }
            assert!(step < REST, "it does not come to rest: {self:?}");
            self.step();
        }
    }

    fn run(mut self) -> Counts {
        for _ in 0..self.random.between(10, 400) {
            self.step();
        }
        self.calm = true;
        self.rest();
        if self.needs_comparison {
            // As it comes from time to time.
            self.publisher.want_comparison();
            self.rest();
        }
        for key in 0..self.grid.map.len() {
            let held = self.topic.iter().rev().find(|(of, _)| *of == key).and_then(|(_, value)| *value);
            let expired = |held| !self.publish_expirations && self.grid.expired[key].contains(&held);
            assert!(
                held == self.grid.map[key] || (self.grid.map[key].is_none() && held.is_some_and(expired)),
                "key {key}: the topic has {held:?}, the map {:?}, of {:?}",
                self.grid.map[key],
                self.grid.history[key]
            );
        }
        self.count();
        self.totals
    }
}

/// Says which world it was.
struct Seed(u64);

impl Drop for Seed {
    fn drop(&mut self) {
        if std::thread::panicking() {
            eprintln!("world {0}: PUBLISHER_MODEL_SEED={0} PUBLISHER_MODEL_WORLDS=1", self.0);
        }
    }
}

fn from_environment(name: &str) -> Option<u64> {
    std::env::var(name).ok()?.parse().ok()
}

#[test]
fn in_every_world_the_topic_equals_the_map_and_never_goes_back() {
    let first = from_environment("PUBLISHER_MODEL_SEED").unwrap_or(0);
    let worlds = from_environment("PUBLISHER_MODEL_WORLDS").unwrap_or(10_000);
    let mut totals = Counts::default();
    for seed in first..first + worlds {
        let seed = Seed(seed);
        let counts = World::new(seed.0).run();
        totals.published += counts.published;
        totals.superfluous += counts.superfluous;
        totals.overtaken += counts.overtaken;
    }
    println!("{worlds} worlds from {first}: {totals:?}");
}
