//! Random worlds against [`Publisher`]: a map whose events come late or not at all, entries that expire, are evicted and
//! loaded, values without a record, scans and reads that are answered late and miss keys, a topic that does not
//! acknowledge, loses records, gets those of others and more partitions, and processes that die. After each world the
//! topic, compacted, must equal the map; and at every record, where no value comes back, the topic must not go back to
//! what a key was before. Where expirations are not published, every tombstone must be that of a removal.
//!
//! `PUBLISHER_MODEL_WORLDS` sets the number of worlds, `PUBLISHER_MODEL_SEED` the first; a failure names its seed.

use std::collections::VecDeque;

use coherence_kafka_common::splitmix::SplitMix64 as Random;

use super::*;
use crate::digest::Hasher;

mod grid;
mod topic;

use grid::{Cause, Grid, NO_RECORD, Notice};
use topic::{Lying, Topic};

/// How many steps a world may need to come to rest once no fault is injected.
const REST: usize = 40_000;
/// Values that others write are above this.
const FOREIGN: u32 = 1 << 30;

/// A record on its way to the topic.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct Sent {
    key: usize,
    value: Option<u32>,
    /// The partition of a stray value that it removes.
    stray: Option<usize>,
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Outcome {
    Acknowledged,
    Refused,
    Unknown,
    /// Unknown, and the broker appends it after later ones.
    Late,
}

#[derive(Debug)]
struct Scan {
    unread: Vec<usize>,
    read: VecDeque<(usize, u32)>,
    /// Its pages cannot be received: it meets keys without values.
    by_key: bool,
}

/// Waits until what was sent before has its outcome, then meets the records of the topic.
#[derive(Debug)]
enum Pass {
    Flushing { given: usize },
    Records(VecDeque<Lying>),
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
    reading: Option<Pass>,
    scan: Option<Scan>,
    /// The scan has ended, and the topic is looked through.
    looking_through: Option<Pass>,
    reads: Vec<Read>,
    sent: VecDeque<Sent>,
    outcomes: VecDeque<(Sent, Outcome)>,
    /// How many records were given to the topic, and how many have their outcome.
    given: usize,
    told: usize,
    topic: Topic,
    /// Which state in the history of each key the topic shows.
    shown: Vec<usize>,
    /// Others have changed what the topic holds of the key.
    meddled: Vec<bool>,
    /// Nothing is lost or changed by others.
    gentle: bool,
    needs_comparison: bool,
    needs_reading: bool,
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
        let publish_expirations = random.one_in(2);
        let max_read_bytes = if random.one_in(3) { 300 } else { 10_000 };
        let mut grid = Grid::new(keys, if random.one_in(3) { 3 } else { FOREIGN });
        for _ in 0..random.below(10) {
            grid.change(&mut random);
        }
        let gentle = random.one_in(3);
        let mut world = Self {
            random,
            hasher: Hasher::default(),
            publisher: Publisher::new(publish_expirations, max_read_bytes),
            publish_expirations,
            max_read_bytes,
            now: Instant::now(),
            grid,
            reading: None,
            scan: None,
            looking_through: None,
            reads: Vec::new(),
            sent: VecDeque::new(),
            outcomes: VecDeque::new(),
            given: 0,
            told: 0,
            topic: Topic::default(),
            shown: vec![0; keys],
            meddled: vec![false; keys],
            gentle,
            needs_comparison: false,
            needs_reading: false,
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
        self.reading = None;
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

    fn stray(&self, record: &Lying) -> Option<KeyHash> {
        let strays = record.partition != self.topic.place(record.key);
        strays.then(|| self.hasher.key_in(record.partition as u32, &bytes(record.key)))
    }

    /// No value where it is absent, or has no record.
    fn value(&self, value: Option<u32>) -> Option<ValueHash> {
        let value = value.filter(|value| *value != NO_RECORD);
        value.map(|value| self.hasher.value(&value.to_be_bytes()))
    }

    fn send(&mut self, publish: Option<Publish>, key: usize, value: Option<u32>) {
        if publish.is_some() {
            self.give(Sent { key, value, stray: None });
        }
    }

    fn give(&mut self, sent: Sent) {
        self.given += 1;
        self.sent.push_back(sent);
    }

    /// The topic takes a record: it must not go back to an older value of the key, and nothing but a removal may be a
    /// tombstone where expirations are not published.
    fn append(&mut self, Sent { key, value, stray }: Sent) {
        self.topic.append(stray.unwrap_or(self.topic.place(key)), key, value);
        if stray.is_some() {
            return;
        }
        let publish_expirations = self.publish_expirations;
        let tells = |state: &grid::State| {
            state.value == value && (value.is_some() || publish_expirations || state.cause == Cause::Removed)
        };
        let history = &self.grid.history[key];
        if self.grid.values_come_back() {
            assert!(history.iter().any(tells), "key {key} was never {value:?}: {history:?}");
            return;
        }
        let Some(later) = history[self.shown[key]..].iter().position(tells) else {
            panic!("key {key} goes back to {value:?}; shown up to {} of {history:?}", self.shown[key]);
        };
        self.shown[key] += later;
    }

    fn step(&mut self) {
        match self.random.below(if self.calm { 70 } else { 116 }) {
            0..18 => self.take_notice(),
            18..22 => self.grid.register(),
            22..32 => self.scan(),
            32..38 => self.look_through(),
            38..43 => self.read_topic(),
            43..52 => self.read(),
            52..64 => self.acknowledge(),
            64..70 => self.tell_outcome(),
            70..95 => self.grid.change(&mut self.random),
            95 => self.publisher.want_comparison(),
            96 => self.fail_read(),
            97..100 => self.tick(),
            100 => self.publisher.want_reading(),
            101 => self.fail_reading(),
            _ if self.gentle => {}
            102 => self.disconnect(),
            103 => self.grid.overflow(&mut self.random),
            104 => self.grid.truncate(),
            105 if self.random.one_in(2) => self.grid.destroy(),
            106 if self.random.one_in(2) => self.die(),
            107 if self.random.one_in(3) => {
                // As when all storage members are gone and the proxy is not: no event is sent.
                self.grid.wipe();
                self.needs_comparison = true;
            }
            108..111 => self.refuse_or_fail(),
            111 if self.random.one_in(2) => self.age(),
            112 if self.random.one_in(2) => self.meddle(),
            113 if self.random.one_in(4) => {
                self.topic.add_partitions();
                self.needs_reading = true;
            }
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
            Some(Notice::Event { key, old, new: Some(NO_RECORD), .. }) => {
                self.publisher.on_event_refused(self.hash(key), self.value(old));
            }
            Some(Notice::Event { key, old, new, by_cache }) => {
                let change = Change { old: self.value(old), new: self.value(new), by_cache };
                let publish = self.publisher.on_event(&bytes(key), self.hash(key), change);
                self.send(publish, key, new);
            }
        }
    }

    /// The topic is read while changes are published.
    fn read_topic(&mut self) {
        match &mut self.reading {
            None => {
                if self.publisher.reading_wanted() && self.scan.is_none() && self.looking_through.is_none() {
                    self.publisher.begin_reading();
                    self.reading = Some(Pass::Flushing { given: self.given });
                }
            }
            Some(Pass::Flushing { given }) => {
                if self.told >= *given {
                    self.reading = Some(Pass::Records(self.topic.read(&mut self.random).into()));
                }
            }
            Some(Pass::Records(records)) => match records.pop_front() {
                Some(record) => {
                    let value = self.value(record.value);
                    match self.stray(&record) {
                        Some(stray) => self.publisher.on_stray_record(stray, value),
                        None => self.publisher.on_topic_record(self.hash(record.key), value),
                    }
                }
                None => {
                    self.reading = None;
                    self.publisher.end_reading();
                }
            },
        }
    }

    fn fail_reading(&mut self) {
        if self.reading.take().is_some() {
            self.publisher.fail_comparison();
        }
    }

    fn scan(&mut self) {
        let Some(scan) = &mut self.scan else {
            if self.publisher.comparison_wanted() && self.looking_through.is_none() && self.reading.is_none()
            {
                self.publisher.begin_scan();
                let unread = (0..self.grid.map.len()).collect();
                // What waits to be read when the topic is looked through may leave a stray to the next reading.
                let by_key = !self.calm && self.random.one_in(5);
                self.scan = Some(Scan { unread, read: VecDeque::new(), by_key });
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
        if self.random.one_in(2) || (scan.by_key && !self.publisher.has_room_for_reads()) {
            return;
        }
        match scan.read.pop_front() {
            Some((key, _)) if scan.by_key => {
                self.publisher.on_scanned_key(&bytes(key), self.hash(key));
            }
            Some((key, NO_RECORD)) => self.publisher.on_scanned_refused(self.hash(key)),
            Some((key, value)) => {
                let publish = self.publisher.on_scanned(self.hash(key), self.value(Some(value)));
                self.send(publish, key, Some(value));
            }
            None if scan.unread.is_empty() => {
                self.scan = None;
                self.publisher.end_scan();
                self.looking_through = Some(Pass::Flushing { given: self.given });
            }
            None => {}
        }
    }

    fn look_through(&mut self) {
        match &mut self.looking_through {
            Some(Pass::Flushing { given }) if self.told >= *given => {
                self.looking_through = Some(Pass::Records(self.topic.read(&mut self.random).into()));
            }
            Some(Pass::Records(records)) => match records.pop_front() {
                Some(record) => {
                    let (bytes, hash) = (bytes(record.key), self.hash(record.key));
                    match self.stray(&record) {
                        None => self.publisher.on_topic_key(&bytes, hash),
                        Some(stray) => {
                            if self.publisher.on_stray_key(&bytes, hash, stray) {
                                let stray = Some(record.partition);
                                self.give(Sent { key: record.key, value: None, stray });
                            }
                        }
                    }
                }
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
                    let found = match answer.flatten() {
                        Some(NO_RECORD) => {
                            self.publisher.on_read_refused(&key, hash);
                            continue;
                        }
                        Some(value) => Found::Entry(self.value(Some(value))),
                        None => Found::Nothing,
                    };
                    let publish = self.publisher.on_read(&key, hash, found);
                    self.send(publish, key[0].into(), answer.flatten());
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

    /// A record is not acknowledged: it may or may not be in the topic. Or it is refused, for now.
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
        self.needs_reading |= record.stray.is_some();
        self.outcomes.push_back((record, outcome));
    }

    fn tell_outcome(&mut self) {
        let Some((record @ Sent { key, value, stray }, outcome)) = self.outcomes.pop_front() else { return };
        self.told += 1;
        match outcome {
            Outcome::Acknowledged => return,
            // The one way in which a topic goes back.
            Outcome::Late => self.topic.append(record.stray.unwrap_or(self.topic.place(key)), key, value),
            Outcome::Refused | Outcome::Unknown => {}
        }
        if stray.is_none() {
            let (hash, refused) = (self.hash(key), outcome == Outcome::Refused);
            self.publisher.on_store_failed(&bytes(key), hash, self.value(value), refused);
        }
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
        // A removal whose tombstone was not acknowledged is not known.
        self.grid.unheard.fill(true);
        self.outcomes.clear();
        self.told = self.given;
        self.start();
    }

    /// Retention, or a deletion of records.
    fn age(&mut self) {
        for key in self.topic.age(&mut self.random) {
            self.meddled[key] = true;
        }
        self.needs_reading = true;
    }

    /// Another producer writes into the topic.
    fn meddle(&mut self) {
        let key = self.random.below(self.grid.map.len());
        let value = (!self.random.one_in(3)).then_some(FOREIGN + key as u32);
        self.topic.append(self.topic.place(key), key, value);
        self.meddled[key] = true;
        self.needs_reading = true;
    }

    /// Events come within [`LATEST_EVENT`], and may wait for longer.
    fn tick(&mut self) {
        if self.random.one_in(2) {
            self.now += LATEST_EVENT;
        }
        self.publisher.on_tick(self.now, self.grid.is_quiet());
    }

    fn is_at_rest(&self) -> bool {
        self.grid.is_quiet()
            && self.publisher.is_settled()
            && self.reading.is_none()
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
        let mut compared = false;
        if self.needs_comparison || self.needs_reading {
            // As it comes from time to time.
            if self.needs_reading {
                self.publisher.want_reading();
            }
            self.publisher.want_comparison();
            self.rest();
            compared = true;
        }
        for key in 0..self.grid.map.len() {
            self.check(key, compared);
        }
        self.count();
        self.totals
    }

    /// The topic has what it must have of a key.
    fn check(&self, key: usize, compared: bool) {
        let (map, cause) = (self.grid.map[key], self.grid.cause(key));
        let (held, strays) = (self.topic.last(self.topic.place(key), key), self.topic.strays(key));
        let kept = !self.publish_expirations;
        let right = match map {
            // The topic keeps what it holds.
            Some(NO_RECORD) => true,
            // A load is no change.
            Some(_) if kept && cause == Cause::ByCache && !compared => true,
            Some(_) => held == map && strays.is_empty(),
            None if !kept => held.is_none() && strays.is_empty(),
            None if self.meddled[key] || self.topic.has_more_partitions() => true,
            None if cause == Cause::Removed && !self.grid.unheard[key] => held.is_none(),
            // What was published is not deleted: that is seen where a tombstone is appended.
            None => held.is_none_or(|held| self.grid.history[key].iter().any(|was| was.value == Some(held))),
        };
        assert!(
            right,
            "key {key}: the topic has {held:?} and strays {strays:?}, the map {map:?}, of {:?}",
            self.grid.history[key]
        );
    }
}

/// Names the world.
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
