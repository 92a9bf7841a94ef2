//! Decides what is published from a map to its topic, and when: the events, and after every gap the difference between
//! the two.
//!
//! Pure: no I/O, no clock (time is an argument), no waiting. It knows keys and values by the hashes of what is, or
//! would be, in the topic; its caller has the bytes.
//!
//! ```text
//! events ───────────────┐                        the topic, as hashes (digest)
//! comparison: a scan ───┼──► publish or not  ◄──────────► ▲      ▲
//!   then keys of the    │         │                       │      └── the topic, read at the start and from time to time
//!   topic not met in it ┼──► reads: keys to be read again └── not acknowledged: doubtful
//! ```
//!
//! **Order.** Events of a key come in the order of its changes, but a read of the map may be ahead of them: the event
//! that made what was read, and those before it, are still on their way. A value that was read and published is
//! therefore marked *ahead*. The next event of such a key counts only where it goes on from that value (its old value
//! is the published one); where it leads to it (its new value is), events and topic have met again; any other is older
//! and is left out, and because it could be newer where an event was lost, the key is read again. What is read counts
//! only where nothing newer was published since it was asked for. So a topic never goes back to an older value of a
//! key, and no change can be left out for good.
//!
//! **The topic is read** into a second digest while changes are published. A key of which something was sent since the
//! reading began keeps what is known of it; for every other one the topic is believed, not the memory.
//!
//! **Expirations.** Where they are not published, only the event of a removal leads to a tombstone. A key that is in the
//! topic and not in the map is kept: the topic cannot show whether its entry was removed or has expired.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::digest::{Digest, Held, KeyHash, Slot, ValueHash};

mod reads;

use reads::{Reads, Why};

/// How long after the last read that was published an event may still come that happened before it.
const LATEST_EVENT: Duration = Duration::from_secs(60);

/// One change of one entry.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Change {
    /// The value before; `None` where there was none. It counts where [`Publisher::needs_old`] is true.
    pub old: Option<ValueHash>,
    /// The value after; `None` where the entry was removed.
    pub new: Option<ValueHash>,
    /// The cache made it by itself: the entry has expired, was evicted, or was loaded by a read.
    pub by_cache: bool,
}

/// What a read of the map has found for a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Found {
    /// No entry.
    Nothing,
    /// An entry; `None` where its record has a null value.
    Entry(Option<ValueHash>),
}

/// The value in question is to be published, or a tombstone where it is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Publish {
    /// The topic holds a value of this key already.
    pub update: bool,
}

/// What a publisher has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Records to be published.
    pub published: u64,
    /// Those of them that the topic held already.
    pub superfluous: u64,
    /// Events left out because the topic was ahead of them.
    pub overtaken: u64,
}

/// The keys of the topic that a scan has not met.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unmet {
    /// Have to be looked up in the topic, for their bytes, and passed to [`Publisher::on_topic_key`] or
    /// [`Publisher::on_stray_key`].
    pub to_find: usize,
    /// Are kept in the topic.
    pub kept: usize,
}

/// What a reading of the topic has shown.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct TopicRead {
    /// Keys whose record is not the one that was known.
    pub differing: usize,
    /// Values that lie in partitions in which their keys do not belong.
    pub strays: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    None,
    /// The topic is read.
    Reading,
    /// The map is read.
    Scanning,
    /// The keys that the scan did not meet are read one by one.
    Verifying,
}

/// Decides for one map and its topic.
#[derive(Debug)]
pub(crate) struct Publisher {
    digest: Digest,
    /// What a reading of the topic has shown so far.
    read: Digest,
    /// Values in partitions in which their keys do not belong, by key and partition.
    strays: Digest,
    reads: Reads,
    publish_expirations: bool,
    comparison: Comparison,
    wanted: bool,
    reading_wanted: bool,
    /// The topic was read at least once.
    knows_topic: bool,
    /// Something was marked ahead since the last tick.
    newly_ahead: bool,
    /// Since when nothing more was marked ahead, where something is.
    ahead_since: Option<Instant>,
    counts: Counts,
}

impl Publisher {
    /// Creates a publisher that knows nothing of its topic: a reading and a comparison are wanted. Keys that wait to be
    /// read again take up to `max_read_bytes`.
    pub(crate) fn new(publish_expirations: bool, max_read_bytes: usize) -> Self {
        Self {
            digest: Digest::default(),
            read: Digest::default(),
            strays: Digest::default(),
            reads: Reads::new(max_read_bytes),
            publish_expirations,
            comparison: Comparison::None,
            wanted: true,
            reading_wanted: true,
            knows_topic: false,
            newly_ahead: false,
            ahead_since: None,
            counts: Counts::default(),
        }
    }

    /// Returns its counts since the last call.
    pub(crate) fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Keys that the topic is known to hold, or to have held lately.
    pub(crate) fn keys(&self) -> usize {
        self.digest.len()
    }

    /// Bytes that it takes for what it knows of the topic.
    pub(crate) fn digest_bytes(&self) -> usize {
        self.digest.bytes() + self.read.bytes() + self.strays.bytes()
    }

    /// Requests that the topic is read again, and then compared with the map.
    pub(crate) fn want_reading(&mut self) {
        self.reading_wanted = true;
        self.wanted = true;
    }

    /// Returns whether the topic has to be read once nothing else is running.
    pub(crate) fn reading_wanted(&self) -> bool {
        self.reading_wanted && self.comparison == Comparison::None
    }

    /// Returns true where the topic was read at least once.
    pub(crate) fn knows_topic(&self) -> bool {
        self.knows_topic
    }

    /// Starts a reading of the topic. Records that were sent before must have their outcome before the reading looks up
    /// where the topic ends.
    pub(crate) fn begin_reading(&mut self) {
        self.comparison = Comparison::Reading;
        self.read = Digest::default();
        self.strays = Digest::default();
        self.digest.for_each(|slot| slot.set_seen(false));
    }

    /// Returns whether the topic is being read.
    pub(crate) fn is_reading(&self) -> bool {
        self.comparison == Comparison::Reading
    }

    /// Handles a record of the reading, in the order of its partition.
    pub(crate) fn on_topic_record(&mut self, key: KeyHash, value: Option<ValueHash>) {
        match value {
            Some(value) => self.read.slot(key).hold(Held::Value(value)),
            None => self.read.remove(key),
        }
    }

    /// The same for a record in a partition in which its key does not belong; `stray` is the hash of key and partition.
    pub(crate) fn on_stray_record(&mut self, stray: KeyHash, value: Option<ValueHash>) {
        match value {
            Some(value) => self.strays.slot(stray).hold(Held::Value(value)),
            None => self.strays.remove(stray),
        }
    }

    /// Ends the reading: all of the topic was read.
    pub(crate) fn end_reading(&mut self) -> TopicRead {
        let known = std::mem::replace(&mut self.digest, std::mem::take(&mut self.read));
        let mut differing = 0;
        self.digest.take_over(known, |read, known| {
            if known.is_seen() {
                return Some(*known);
            }
            let held = read.map_or(Held::Absent, Slot::held);
            differing += usize::from(!known.is_doubtful() && known.held() != held);
            // A tombstone that was refused is still to come.
            if known.is_doubtful() && known.held() == Held::Absent && held != Held::Absent {
                return Some(*known);
            }
            known.is_ahead().then(|| {
                let mut slot = *known;
                slot.hold(held);
                slot.set_doubtful(false);
                slot
            })
        });
        self.comparison = Comparison::None;
        self.reading_wanted = false;
        self.knows_topic = true;
        TopicRead { differing, strays: self.strays.len() }
    }

    /// Returns whether the value before a change of this key matters.
    pub(crate) fn needs_old(&self, hash: KeyHash) -> bool {
        self.digest.get(hash).is_some_and(Slot::is_ahead)
    }

    /// Handles a change of an entry. Returns whether it is to be published.
    pub(crate) fn on_event(&mut self, key: &Bytes, hash: KeyHash, change: Change) -> Option<Publish> {
        if change.by_cache && !self.publish_expirations {
            self.catch_up(hash, Held::of(change.old));
            if self.catch_up(hash, Held::of(change.new)) {
                self.reads.again(hash);
            }
            return None;
        }
        let slot = self.digest.get(hash).copied();
        let held = slot.map_or(Held::Absent, |slot| slot.held());
        if slot.is_some_and(|slot| slot.is_ahead()) && (held == Held::Absent || Held::of(change.old) != held)
        {
            self.counts.overtaken += 1;
            if Held::of(change.new) != held {
                self.read(key, hash, Why::Overtaken);
                return None;
            }
            // What is being read may be from before this event.
            self.reads.again(hash);
            self.catch_up(hash, held);
            return None;
        }
        Some(self.publish(hash, change.new, false))
    }

    /// Handles a change of an entry to a value that is not to be in the topic; a tombstone is due where the topic has an
    /// older one, or may have.
    pub(crate) fn on_event_dropped(&mut self, key: &Bytes, hash: KeyHash, change: Change) -> Option<Publish> {
        if self.digest.get(hash).is_none() && self.comparison == Comparison::None {
            // What is being read may be from before this event.
            self.reads.again(hash);
            return None;
        }
        self.on_event(key, hash, Change { new: None, ..change })
    }

    /// Handles a change of an entry to a value that has no record.
    pub(crate) fn on_event_refused(&mut self, hash: KeyHash, old: Option<ValueHash>) {
        self.catch_up(hash, Held::of(old));
    }

    /// Notes that the events have reached this state of a key: where that was published, they are not behind the topic.
    fn catch_up(&mut self, hash: KeyHash, state: Held) -> bool {
        let slot = self.digest.get_mut(hash).filter(|slot| slot.is_ahead() && slot.held() == state);
        let Some(slot) = slot.filter(|_| state != Held::Absent) else { return false };
        slot.set_ahead(false);
        true
    }

    /// Changes may have happened without an event.
    pub(crate) fn want_comparison(&mut self) {
        self.wanted = true;
    }

    /// Returns whether a comparison has to begin once nothing else is running.
    pub(crate) fn comparison_wanted(&self) -> bool {
        self.wanted && !self.reading_wanted && self.comparison == Comparison::None
    }

    /// Returns true while neither a reading nor a comparison is running or wanted, and no key waits to be read again.
    pub(crate) fn is_settled(&self) -> bool {
        !self.wanted && self.comparison == Comparison::None && self.reads.is_empty()
    }

    /// Starts the scan of the map.
    pub(crate) fn begin_scan(&mut self) {
        self.wanted = false;
        self.comparison = Comparison::Scanning;
        // What was read before must not stand for what the scan reads.
        self.reads.outdate_all();
        self.digest.for_each(|slot| slot.set_seen(false));
    }

    /// Handles an entry of the scan; a missing value means a record with a null value. Returns whether the record is to
    /// be published.
    pub(crate) fn on_scanned(&mut self, hash: KeyHash, value: Option<ValueHash>) -> Option<Publish> {
        match self.digest.get_mut(hash) {
            // Newer things are known of the key than what was read at some time since the scan began.
            Some(slot) if slot.is_seen() => return None,
            Some(slot) if slot.held() == Held::of(value) && !slot.is_doubtful() => {
                slot.set_seen(true);
                return None;
            }
            None if value.is_none() => return None,
            _ => {}
        }
        Some(self.publish(hash, value, true))
    }

    /// Handles an entry of the scan whose value is to be read by its key. Returns false where the scan has already
    /// returned it.
    pub(crate) fn on_scanned_key(&mut self, key: &Bytes, hash: KeyHash) -> bool {
        if let Some(slot) = self.digest.get_mut(hash) {
            if slot.is_seen() {
                return false;
            }
            slot.set_seen(true);
        }
        self.read(key, hash, Why::Missing);
        true
    }

    /// Handles an entry of the scan whose value has no record.
    pub(crate) fn on_scanned_refused(&mut self, hash: KeyHash) {
        if let Some(slot) = self.digest.get_mut(hash) {
            slot.set_seen(true);
        }
    }

    /// Ends the scan.
    pub(crate) fn end_scan(&mut self) -> Unmet {
        self.comparison = Comparison::Verifying;
        let unseen = || self.digest.iter().filter(|slot| !slot.is_seen());
        let missing = unseen().filter(|slot| self.is_to_verify(slot)).count();
        let in_topic = unseen().filter(|slot| slot.held() != Held::Absent).count();
        let kept = if self.publish_expirations { 0 } else { in_topic };
        Unmet { to_find: missing + self.strays.len(), kept }
    }

    /// Returns whether a tombstone may be due for a key that the scan has not seen.
    fn is_to_verify(&self, slot: &Slot) -> bool {
        match slot.held() {
            Held::Value(_) => self.publish_expirations,
            Held::Absent => slot.is_doubtful(),
        }
    }

    /// Handles a record of this key in the topic, which the map has as `key`.
    pub(crate) fn on_topic_key(&mut self, key: &Bytes, hash: KeyHash) {
        if self.is_missing(hash)
            && let Some(slot) = self.digest.get_mut(hash)
        {
            slot.set_seen(true);
            self.read(key, hash, Why::Missing);
        }
    }

    /// Returns whether the scan has not seen this key of the topic, nor an event since, and a tombstone may be due.
    pub(crate) fn is_missing(&self, hash: KeyHash) -> bool {
        self.comparison == Comparison::Verifying
            && self.digest.get(hash).is_some_and(|slot| !slot.is_seen() && self.is_to_verify(slot))
    }

    /// Returns whether a value of a key is in this partition, in which the key does not belong.
    pub(crate) fn is_stray(&self, stray: KeyHash) -> bool {
        self.comparison == Comparison::Verifying && self.strays.get(stray).is_some()
    }

    /// Handles such a record of this key in the topic, which the map has as `key`. Returns whether a tombstone is to be
    /// written into that partition.
    ///
    /// A consumer may meet the tombstone after the value in the right partition, so that value is published again.
    pub(crate) fn on_stray_key(&mut self, key: &Bytes, hash: KeyHash, stray: KeyHash) -> bool {
        if !self.is_stray(stray) {
            return false;
        }
        let slot = self.digest.get_mut(hash).filter(|slot| slot.held() != Held::Absent);
        // It may be the last value of an entry that has expired.
        if slot.is_none() && !self.publish_expirations {
            return false;
        }
        self.strays.remove(stray);
        if let Some(slot) = slot {
            slot.set_doubtful(true);
            slot.set_seen(true);
            self.read(key, hash, Why::Failed);
        }
        true
    }

    /// Ends the comparison: the keys were looked up in the topic since the scan ended, and the records before that have
    /// their outcome.
    pub(crate) fn end_comparison(&mut self) {
        self.comparison = Comparison::None;
        self.strays = Digest::default();
        let not_found_is_not_in_it = self.publish_expirations;
        self.digest.retain(|slot| {
            if !slot.is_seen() && not_found_is_not_in_it {
                slot.hold(Held::Absent);
            }
            slot.is_ahead() || (slot.is_seen() && (slot.held() != Held::Absent || slot.is_doubtful()))
        });
    }

    /// Handles a reading or comparison that failed: another one is wanted.
    pub(crate) fn fail_comparison(&mut self) {
        self.comparison = Comparison::None;
        self.read = Digest::default();
        self.wanted = true;
    }

    /// Returns whether more keys may wait to be read again.
    pub(crate) fn has_room_for_reads(&self) -> bool {
        self.reads.has_room()
    }

    /// Returns up to `max` keys that are to be read from the map now; each is answered by [`Publisher::on_read`],
    /// [`Publisher::on_read_refused`] or [`Publisher::on_read_failed`].
    pub(crate) fn next_reads(&mut self, max: usize) -> Vec<(Bytes, KeyHash)> {
        self.reads.next(max)
    }

    /// Handles the value of a key that was read from the map. Returns whether it is to be published.
    pub(crate) fn on_read(&mut self, key: &Bytes, hash: KeyHash, found: Found) -> Option<Publish> {
        let answer = self.reads.finish(hash);
        let publish = if answer.outdated { None } else { self.read_value(hash, found) };
        self.read_again(key, hash, answer.again);
        publish
    }

    /// Handles a failed read of the map: the key is read again.
    pub(crate) fn on_read_failed(&mut self, key: &Bytes, hash: KeyHash) {
        let answer = self.reads.finish(hash);
        self.read(key, hash, answer.again.unwrap_or(answer.why));
    }

    /// Handles a value of a key that cannot become a record.
    pub(crate) fn on_read_refused(&mut self, key: &Bytes, hash: KeyHash) {
        let answer = self.reads.finish(hash);
        self.read_again(key, hash, answer.again);
    }

    /// Handles a record of this value, or tombstone, that was not acknowledged: it may be in the topic or not, and even
    /// come into it behind later ones of its key. Where it was refused it is not, and only the next comparison tries
    /// again.
    pub(crate) fn on_store_failed(
        &mut self,
        key: &Bytes,
        hash: KeyHash,
        value: Option<ValueHash>,
        refused: bool,
    ) {
        let held = self.digest.get(hash).map_or(Held::Absent, Slot::held);
        // A later record of the key decides.
        if refused && held != Held::of(value) {
            return;
        }
        let slot = self.digest.slot(hash);
        slot.set_doubtful(true);
        if !refused {
            // The read settles it, also where a comparison does not find the key in the topic yet.
            slot.set_seen(true);
            self.read(key, hash, Why::Failed);
        }
    }

    /// Handles the passing of time. `caught_up` is true where every event was handled: a waiting one may be older than
    /// the values that were read.
    pub(crate) fn on_tick(&mut self, now: Instant, caught_up: bool) {
        if std::mem::take(&mut self.newly_ahead) {
            self.ahead_since = Some(now);
        } else if caught_up
            && self.comparison == Comparison::None
            && self.reads.is_empty()
            && self.ahead_since.take_if(|since| now.duration_since(*since) >= LATEST_EVENT).is_some()
        {
            self.digest.retain(|slot| {
                slot.set_ahead(false);
                slot.held() != Held::Absent || slot.is_doubtful()
            });
        }
    }

    fn read_value(&mut self, hash: KeyHash, found: Found) -> Option<Publish> {
        let slot = self.digest.get_mut(hash);
        let (held, doubtful) =
            slot.as_ref().map_or((Held::Absent, false), |slot| (slot.held(), slot.is_doubtful()));
        let (value, keep) = match found {
            Found::Entry(value) => (value, false),
            Found::Nothing => (None, held != Held::Absent && !self.publish_expirations),
        };
        if keep || (held == Held::of(value) && !doubtful) {
            if let Some(slot) = slot {
                slot.set_seen(true);
            }
            return None;
        }
        // Without expirations that is the tombstone of a removal once more: later events go on from it.
        let ahead = found != Found::Nothing || self.publish_expirations;
        Some(self.publish(hash, value, ahead))
    }

    fn publish(&mut self, hash: KeyHash, value: Option<ValueHash>, ahead: bool) -> Publish {
        let slot = self.digest.get(hash);
        let (held, doubtful) = slot.map_or((Held::Absent, false), |slot| (slot.held(), slot.is_doubtful()));
        self.counts.published += 1;
        self.counts.superfluous += u64::from(held == Held::of(value) && !doubtful);
        self.reads.outdate(hash);
        self.newly_ahead |= ahead;
        let update = held != Held::Absent || doubtful;
        // What a scan has read before the removal must find that there was one, and so must the end of a reading.
        if value.is_none() && !ahead && self.comparison == Comparison::None {
            self.digest.remove(hash);
            return Publish { update };
        }
        let slot = self.digest.slot(hash);
        slot.hold(Held::of(value));
        slot.set_doubtful(false);
        slot.set_ahead(ahead);
        slot.set_seen(true);
        Publish { update }
    }

    fn read_again(&mut self, key: &Bytes, hash: KeyHash, why: Option<Why>) {
        if let Some(why) = why {
            self.read(key, hash, why);
        }
    }

    fn read(&mut self, key: &Bytes, hash: KeyHash, why: Why) {
        // What has no room is found by a comparison that begins after this.
        self.wanted |= !self.reads.ask(key, hash, why);
    }
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
