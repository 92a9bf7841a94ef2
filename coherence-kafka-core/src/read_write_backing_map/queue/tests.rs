use std::collections::{BTreeMap, BTreeSet};

use coherence_kafka_common::map::Expiry;
use proptest::prelude::*;

use super::*;

const MS: Duration = Duration::from_millis(1);

fn settings() -> Settings {
    Settings {
        delay: 100 * MS,
        batch_factor: 0.0,
        max_batch: 128,
        requeue: true,
        retry_delay: 50 * MS,
        longest_retry_delay: 150 * MS,
    }
}

fn put(key: &str, value: &str) -> BinaryEntry {
    let value = Some(Bytes::copy_from_slice(value.as_bytes()));
    BinaryEntry { key: Bytes::copy_from_slice(key.as_bytes()), value, update: false, expiry: Expiry::Default }
}

fn removal(key: &str) -> BinaryEntry {
    BinaryEntry { value: None, update: true, ..put(key, "") }
}

fn take(queue: &mut Queue, now_ms: u32) -> Vec<BinaryEntry> {
    let mut batch = Vec::new();
    queue.take(now_ms * MS, &mut batch);
    batch
}

fn settle(queue: &mut Queue, entry: &BinaryEntry, outcome: Outcome, now_ms: u32) -> (Fate, usize) {
    let settled = queue.settle(entry, outcome, || now_ms * MS);
    settled.epoch.map(|epoch| queue.end(epoch));
    (settled.fate, settled.freed)
}

fn keys(batch: &[BinaryEntry]) -> Vec<&[u8]> {
    batch.iter().map(|entry| &entry.key[..]).collect()
}

#[test]
fn a_mutation_waits_for_its_delay() {
    let mut queue = Queue::new(settings());
    queue.accept(put("a", "1"), 7 * MS);
    assert_eq!(queue.next_ripe(), Some(107 * MS));
    assert!(take(&mut queue, 106).is_empty());
    assert_eq!(take(&mut queue, 107), [put("a", "1")]);
    assert_eq!(queue.next_ripe(), None);
}

#[test]
fn what_is_nearly_ripe_goes_along_with_what_is() {
    let mut queue = Queue::new(Settings { batch_factor: 0.5, ..settings() });
    queue.accept(put("a", "1"), Duration::ZERO);
    queue.accept(put("b", "1"), 49 * MS);
    queue.accept(put("c", "1"), 51 * MS);
    assert!(take(&mut queue, 99).is_empty());
    assert_eq!(keys(&take(&mut queue, 100)), [b"a", b"b"]);
}

#[test]
fn the_newest_of_a_key_is_written_in_the_place_and_at_the_time_of_the_oldest() {
    let mut queue = Queue::new(settings());
    queue.accept(put("a", "1"), Duration::ZERO);
    queue.accept(put("b", "1"), Duration::ZERO);
    assert_eq!(queue.accept(removal("a"), 50 * MS), size_of(1, 1));
    assert_eq!(queue.accept(BinaryEntry { update: true, ..put("a", "long") }, 99 * MS), size_of(1, 0));
    // The topic has never seen the first one: what stands for it is an insert.
    assert_eq!(take(&mut queue, 100), [put("a", "long"), put("b", "1")]);
    assert_eq!(queue.counts().replaced, 2);
}

#[test]
fn a_removal_after_a_put_is_the_one_that_is_written() {
    let mut queue = Queue::new(settings());
    queue.accept(put("a", "1"), Duration::ZERO);
    queue.accept(removal("a"), Duration::ZERO);
    let batch = take(&mut queue, 100);
    assert_eq!((batch.len(), &batch[0].value), (1, &None));
}

#[test]
fn a_key_in_flight_is_not_taken_again_before_it_is_settled() {
    let mut queue = Queue::new(settings());
    queue.accept(put("a", "1"), Duration::ZERO);
    let first = take(&mut queue, 100).remove(0);
    queue.accept(put("a", "2"), 100 * MS);
    // The decoration is no part of a key's identity.
    let mut decorated = put("a", "3");
    decorated.key = Bytes::from_static(b"\x0D\x05a");
    queue.accept(decorated, 100 * MS);
    assert!(take(&mut queue, 300).is_empty());
    assert_eq!(queue.next_ripe(), None);
    assert_eq!(settle(&mut queue, &first, Outcome::Stored, 300), (Fate::Stored, size_of(1, 1)));
    assert_eq!(queue.next_ripe(), Some(Duration::ZERO));
    let second = take(&mut queue, 300);
    assert_eq!(second[0].value.as_deref(), Some(&b"3"[..]));
}

#[test]
fn what_failed_waits_again_unless_a_newer_one_of_its_key_waits() {
    let mut queue = Queue::new(settings());
    queue.accept(put("a", "1"), Duration::ZERO);
    queue.accept(put("b", "1"), Duration::ZERO);
    let batch = take(&mut queue, 100);
    queue.accept(put("b", "2"), 110 * MS);
    assert_eq!(settle(&mut queue, &batch[0], Outcome::Retriable, 120), (Fate::Requeued, 0));
    assert_eq!(settle(&mut queue, &batch[1], Outcome::Retriable, 120), (Fate::Replaced, size_of(1, 1)));
    assert!(take(&mut queue, 169).is_empty());
    assert_eq!(take(&mut queue, 170), [put("a", "1")]);
    assert_eq!(take(&mut queue, 210), [put("b", "2")]);
}

#[test]
fn what_the_store_refuses_has_failed_and_its_neighbours_wait_again_however_many_wait() {
    let mut queue = Queue::new(settings());
    for key in ["a", "b", "c"] {
        queue.accept(put(key, "1"), Duration::ZERO);
    }
    let batch = take(&mut queue, 100);
    assert_eq!(settle(&mut queue, &batch[0], Outcome::Refused, 100).0, Fate::Failed);
    assert_eq!(settle(&mut queue, &batch[1], Outcome::Retriable, 100).0, Fate::Requeued);
    queue.accept(put("d", "1"), 100 * MS);
    assert_eq!(settle(&mut queue, &batch[2], Outcome::Retriable, 100).0, Fate::Requeued);
    assert_eq!(settle(&mut queue, &batch[2], Outcome::Stored, 100), (Fate::Unknown, 0));
    let counts = queue.counts();
    assert_eq!((counts.failed, counts.requeued, counts.queued, counts.in_flight), (1, 2, 3, 0));
}

#[test]
fn without_requeueing_nothing_waits_again() {
    let mut queue = Queue::new(Settings { requeue: false, ..settings() });
    queue.accept(put("a", "1"), Duration::ZERO);
    queue.accept(put("b", "1"), Duration::ZERO);
    let batch = take(&mut queue, 100);
    assert_eq!(settle(&mut queue, &batch[0], Outcome::Retriable, 100).0, Fate::Failed);
    assert_eq!(settle(&mut queue, &batch[1], Outcome::Blocked, 100).0, Fate::Failed);
}

#[test]
fn a_blocked_store_is_asked_less_and_less_often_until_it_stores_something() {
    let mut queue = Queue::new(Settings { max_batch: 1, ..settings() });
    for key in ["a", "b", "c"] {
        queue.accept(put(key, "1"), Duration::ZERO);
    }
    // Pauses of 50, 100, 150 and 150 ms: the next one is twice as long, up to the longest.
    for at in [100, 150, 250, 400, 550] {
        assert!(take(&mut queue, at - 1).is_empty(), "{at}");
        let batch = take(&mut queue, at);
        assert_eq!(batch.len(), 1, "{at}");
        assert_eq!(settle(&mut queue, &batch[0], Outcome::Blocked, at).0, Fate::Requeued);
    }
    assert_eq!(queue.next_ripe(), Some(700 * MS));
    queue.flush();
    assert!(take(&mut queue, 699).is_empty(), "nor does a flush ask it before");
    let batch = take(&mut queue, 700);
    settle(&mut queue, &batch[0], Outcome::Stored, 700);
    assert_eq!((take(&mut queue, 700).len(), take(&mut queue, 700).len()), (1, 1));
    assert_eq!(queue.counts().failed, 0);
}

#[test]
fn all_that_comes_back_blocked_from_one_attempt_makes_one_pause() {
    let mut queue = Queue::new(settings());
    for key in ["a", "b", "c"] {
        queue.accept(put(key, "1"), Duration::ZERO);
    }
    for (at, next) in [(100, 150), (150, 250)] {
        let batch = take(&mut queue, at);
        for entry in &batch {
            settle(&mut queue, entry, Outcome::Blocked, at);
        }
        assert_eq!((batch.len(), queue.next_ripe()), (3, Some(next * MS)));
    }
}

#[test]
fn a_batch_has_at_most_its_largest_size_and_the_rest_follows_at_once() {
    let mut queue = Queue::new(Settings { max_batch: 2, ..settings() });
    for key in ["a", "b", "c"] {
        queue.accept(put(key, "1"), Duration::ZERO);
    }
    assert_eq!(keys(&take(&mut queue, 100)), [b"a", b"b"]);
    assert_eq!(queue.next_ripe(), Some(Duration::ZERO));
    assert_eq!(keys(&take(&mut queue, 100)), [b"c"]);
}

#[test]
fn a_flush_waits_for_nobodys_time_and_ends_with_what_was_there() {
    let mut queue = Queue::new(settings());
    queue.accept(put("a", "1"), Duration::ZERO);
    let flush = queue.flush();
    queue.accept(put("b", "1"), Duration::ZERO);
    assert!(!queue.is_flushed(flush));
    let batch = take(&mut queue, 0);
    assert_eq!(keys(&batch), [b"a", b"b"]);
    settle(&mut queue, &batch[0], Outcome::Stored, 0);
    assert!(queue.is_flushed(flush));
    queue.accept(put("c", "1"), Duration::ZERO);
    assert!(take(&mut queue, 99).is_empty());
    let empty = Queue::new(settings()).flush();
    assert!(Queue::new(settings()).is_flushed(empty));
}

#[test]
fn who_gives_up_gets_back_what_waits_and_nothing_waits_again() {
    let mut queue = Queue::new(settings());
    queue.accept(put("a", "1"), Duration::ZERO);
    let batch = take(&mut queue, 100);
    queue.accept(put("b", "1"), Duration::ZERO);
    let (waiting, freed) = queue.abandon();
    assert_eq!((waiting, freed), (vec![put("b", "1")], size_of(1, 1)));
    assert_eq!(queue.counts().in_flight, 1);
    assert_eq!(settle(&mut queue, &batch[0], Outcome::Retriable, 100), (Fate::Failed, size_of(1, 1)));
    let counts = queue.counts();
    assert_eq!((counts.failed, counts.bytes, queue.is_empty()), (2, 0, true));
}

#[derive(Debug, Clone)]
enum Step {
    /// A put of so many bytes, or a removal.
    Write(u8, Option<usize>),
    Advance(u32),
    Take,
    /// The one in flight at this place, counted around; whether a failed one is in the topic all the same.
    Settle(usize, Outcome, bool),
    Flush,
}

fn steps() -> impl Strategy<Value = Vec<Step>> {
    let outcome = prop_oneof![
        5 => Just(Outcome::Stored),
        1 => Just(Outcome::NotTaken),
        3 => Just(Outcome::Retriable),
        2 => Just(Outcome::Blocked),
        1 => Just(Outcome::Refused),
    ];
    let step = prop_oneof![
        8 => (0u8..6, prop::option::weighted(0.7, 0usize..300)).prop_map(|(key, len)| Step::Write(key, len)),
        4 => (0u32..80).prop_map(Step::Advance),
        4 => Just(Step::Take),
        8 => (any::<usize>(), outcome, any::<bool>()).prop_map(|(at, o, landed)| Step::Settle(at, o, landed)),
        1 => Just(Step::Flush),
    ];
    prop::collection::vec(step, 1..150)
}

fn any_settings() -> impl Strategy<Value = Settings> {
    (1u32..100, 0.0..=1.0, 1usize..5, prop::bool::weighted(0.8), 0u32..100).prop_map(
        |(delay, batch_factor, max_batch, requeue, retry)| Settings {
            delay: delay * MS,
            batch_factor,
            max_batch,
            requeue,
            retry_delay: retry * MS,
            longest_retry_delay: 3 * retry * MS,
        },
    )
}

/// A mutation that is not ended, as the model knows it.
#[derive(Debug, Clone)]
struct Pending {
    version: u32,
    update: bool,
    accepted_at: Duration,
}

/// A map, the queue behind it, and the topic as a log.
struct World {
    queue: Queue,
    settings: Settings,
    now: Duration,
    bound: usize,
    free: usize,
    version: u32,
    /// The newest version of each key, and whether it is there.
    map: BTreeMap<u8, (u32, bool)>,
    pending: BTreeMap<u8, Vec<Pending>>,
    /// Keys that need not wait for their delay: they have failed, or waited during a flush.
    free_keys: BTreeSet<u8>,
    in_flight: Vec<BinaryEntry>,
    log: Vec<(u8, u32)>,
    /// Since when the store has said that it is blocked, where it has stored nothing since.
    blocked_at: Option<Duration>,
    /// Keys whose newest version has failed for good, with it.
    failed: BTreeMap<u8, u32>,
    fates: [u64; 4],
    /// Flushes, with the newest version at their time.
    flushes: Vec<(u64, u32)>,
}

fn version_of(entry: &BinaryEntry) -> u32 {
    // A removal has no value to keep it in: the model writes it into the expiry.
    match entry.expiry {
        Expiry::After(version) => version.as_secs() as u32,
        _ => unreachable!(),
    }
}

impl World {
    fn new(settings: Settings) -> Self {
        let bound = 4 * size_of(1, 300);
        Self {
            queue: Queue::new(settings.clone()),
            settings,
            now: Duration::ZERO,
            bound,
            free: bound,
            version: 0,
            map: BTreeMap::new(),
            pending: BTreeMap::new(),
            free_keys: BTreeSet::new(),
            in_flight: Vec::new(),
            log: Vec::new(),
            blocked_at: None,
            failed: BTreeMap::new(),
            fates: [0; 4],
            flushes: Vec::new(),
        }
    }

    fn flushing(&self) -> bool {
        self.flushes.iter().any(|(flush, _)| !self.queue.is_flushed(*flush))
    }

    fn write(&mut self, key: u8, len: Option<usize>) {
        let bytes = size_of(1, len.unwrap_or(0));
        if bytes > self.free {
            return;
        }
        self.free -= bytes;
        self.version += 1;
        let before = self.map.insert(key, (self.version, len.is_some()));
        let entry = BinaryEntry {
            key: Bytes::copy_from_slice(&[key]),
            value: len.map(|len| Bytes::from(vec![0; len])),
            update: before.is_some_and(|(_, there)| there),
            expiry: Expiry::After(Duration::from_secs(self.version.into())),
        };
        let pending = Pending { version: self.version, update: entry.update, accepted_at: self.now };
        self.pending.entry(key).or_default().push(pending);
        if self.flushing() {
            self.free_keys.insert(key);
        }
        self.free += self.queue.accept(entry, self.now);
    }

    fn take(&mut self) {
        let mut batch = Vec::new();
        self.queue.take(self.now, &mut batch);
        assert!(batch.len() <= self.settings.max_batch);
        if let Some(since) = self.blocked_at {
            assert!(batch.is_empty() || self.now >= since + self.settings.retry_delay, "asked while blocked");
        }
        let early = self.settings.delay.mul_f64(self.settings.batch_factor);
        if !batch.is_empty() {
            // What would go along goes behind the one of its key that is in flight.
            for entry in &self.in_flight {
                let newer = |pending: &&Pending| pending.version > version_of(entry);
                let next = self.pending[&entry.key[0]].iter().find(newer);
                if next.is_some_and(|next| next.accepted_at + self.settings.delay <= self.now + early) {
                    self.free_keys.insert(entry.key[0]);
                }
            }
        }
        let mut one_is_ripe = batch.is_empty();
        for entry in batch {
            let key = entry.key[0];
            assert!(
                self.in_flight.iter().all(|other| other.key != entry.key),
                "two of one key are in flight"
            );
            let pending = &self.pending[&key];
            assert_eq!(version_of(&entry), pending[pending.len() - 1].version, "the newest is taken");
            assert_eq!(entry.update, pending[0].update, "insert or update as the topic knows the key");
            let free = self.free_keys.remove(&key);
            let oldest = pending[0].accepted_at;
            assert!(free || oldest + self.settings.delay <= self.now + early, "taken before its time");
            one_is_ripe |= free || oldest + self.settings.delay <= self.now;
            self.in_flight.push(entry);
        }
        assert!(one_is_ripe, "a batch goes when one of it is ripe");
    }

    fn settle(&mut self, at: usize, outcome: Outcome, landed: bool) {
        if self.in_flight.is_empty() {
            return;
        }
        let entry = self.in_flight.swap_remove(at % self.in_flight.len());
        let (key, version) = (entry.key[0], version_of(&entry));
        if outcome == Outcome::Stored || (landed && matches!(outcome, Outcome::Retriable | Outcome::Refused))
        {
            self.log.push((key, version));
        }
        match outcome {
            Outcome::Stored => self.blocked_at = None,
            // The pause of an earlier one may end sooner.
            Outcome::Blocked => self.blocked_at = self.blocked_at.or(Some(self.now)),
            _ => {}
        }
        let Settled { fate, freed, epoch } = self.queue.settle(&entry, outcome, || self.now);
        epoch.map(|epoch| self.queue.end(epoch));
        self.free += freed;
        let pending = self.pending.get_mut(&key).unwrap();
        let newer = pending.iter().any(|pending| pending.version > version);
        match fate {
            Fate::Stored | Fate::Failed => pending.retain(|pending| pending.version > version),
            Fate::Requeued | Fate::Replaced => {
                self.free_keys.insert(key);
            }
            Fate::Unknown => panic!("it was in flight"),
        }
        match fate {
            Fate::Stored => assert_eq!(outcome, Outcome::Stored),
            Fate::Replaced => assert!(newer && outcome != Outcome::Stored),
            Fate::Requeued => {
                let again = matches!(outcome, Outcome::Retriable | Outcome::Blocked) && self.settings.requeue;
                assert!(!newer && (again || outcome == Outcome::NotTaken));
            }
            _ => {
                assert!(!newer && outcome != Outcome::Stored);
                assert!(outcome == Outcome::Refused || !self.settings.requeue, "lost without need");
                self.failed.insert(key, version);
            }
        }
        self.fates[fate as usize] += u64::from(outcome != Outcome::NotTaken || fate != Fate::Requeued);
    }

    fn check(&self) {
        let counts = self.queue.counts();
        let [stored, requeued, _, failed] = self.fates;
        assert_eq!(counts.bytes + self.free, self.bound, "every byte is given back once");
        assert_eq!(counts.in_flight, self.in_flight.len());
        assert_eq!((counts.stored, counts.requeued, counts.failed), (stored, requeued, failed));
        let ended = counts.stored + counts.replaced + counts.failed;
        assert_eq!(
            counts.accepted,
            ended + (counts.queued + counts.in_flight) as u64,
            "one outcome for each"
        );
        for (flush, until) in &self.flushes {
            let waits = self.pending.values().flatten().any(|pending| pending.version <= *until);
            assert_eq!(self.queue.is_flushed(*flush), !waits);
        }
    }

    /// The store works again, and everything ends.
    fn finish(&mut self) {
        self.queue.flush();
        while self.queue.counts().queued + self.in_flight.len() > 0 {
            while !self.in_flight.is_empty() {
                self.settle(0, Outcome::Stored, true);
            }
            self.now += self.settings.longest_retry_delay;
            let mut batch = Vec::new();
            self.queue.take(self.now, &mut batch);
            self.in_flight.append(&mut batch);
            self.check();
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2_000))]

    #[test]
    fn the_log_ends_as_the_map_does_whatever_fails_meanwhile(settings in any_settings(), steps in steps()) {
        let mut world = World::new(settings);
        for step in steps {
            match step {
                Step::Write(key, len) => world.write(key, len),
                Step::Advance(ms) => world.now += ms * MS,
                Step::Take => world.take(),
                Step::Settle(at, outcome, landed) => world.settle(at, outcome, landed),
                Step::Flush => {
                    let flush = world.queue.flush();
                    world.flushes.push((flush, world.version));
                    let waiting = world.pending.iter().filter(|(_, pending)| !pending.is_empty());
                    world.free_keys.extend(waiting.map(|(key, _)| *key));
                }
            }
            world.check();
        }
        world.finish();
        let mut last: BTreeMap<u8, u32> = BTreeMap::new();
        for (key, version) in &world.log {
            // Equal where a failed one had landed and was written again.
            prop_assert!(last.insert(*key, *version).is_none_or(|before| before <= *version), "order of a key");
        }
        for (key, (version, _)) in &world.map {
            let written = last.get(key) == Some(version);
            prop_assert!(written || world.failed.get(key) == Some(version), "the newest of {key} is written or reported");
        }
        prop_assert!(world.queue.slots.is_empty() && world.queue.unended.is_empty());
        prop_assert_eq!(world.free, world.bound);
    }
}
