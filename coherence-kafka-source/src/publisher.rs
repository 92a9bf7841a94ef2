//! What of a map has to go to its topic, and when: the events, and after every gap the difference between the two.
//!
//! Pure: no I/O, no clock (time is an argument), no waiting. It knows keys and values by the hashes of what is, or
//! would be, in the topic; whoever calls it has the bytes.
//!
//! ```text
//! events ───────────────┐                        the topic, as hashes (digest)
//! comparison: a scan ───┼──► publish or not  ◄──────────► ▲
//!   then keys of the    │         │                       │ not acknowledged: unknown
//!   topic not met in it ┼──► reads: keys to be read again │
//! ```
//!
//! **Order.** Events of a key come in the order of its changes, but a read of the map may be ahead of them: the event
//! that made what was read, and those before it, are still on their way. A value that was read and published is
//! therefore marked *ahead*. The next event of such a key counts only where it goes on from that value (its old value
//! is the published one); where it leads to it (its new value is), events and topic have met again; any other is older
//! and is left out, and because it could be newer where an event was lost, the key is read again. What is read counts
//! only where nothing newer was published since it was asked for. So a topic never goes back to an older value of a
//! key, and no change can be left out for good.

use std::time::{Duration, Instant};

use bytes::Bytes;

use crate::digest::{Digest, Held, KeyHash, ValueHash};

mod reads;

use reads::{Reads, Why};

/// How long after the last read that was published an event may still come that happened before it.
const LATEST_EVENT: Duration = Duration::from_secs(60);

/// One change of one entry.
#[derive(Debug, Clone, Copy)]
pub struct Change {
    /// The value before; `None` where there was none. It counts where [`Publisher::needs_old`] says so.
    pub old: Option<ValueHash>,
    /// The value after; `None` where there is none.
    pub new: Option<ValueHash>,
    /// The entry is gone because its time was over.
    pub expired: bool,
}

/// The value in question is to be published, or a tombstone where there is none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Publish {
    /// The topic holds a value of this key already.
    pub update: bool,
}

/// What a publisher has counted.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Records to be published.
    pub published: u64,
    /// Those of them that tell what the topic held already.
    pub superfluous: u64,
    /// Events left out because the topic was ahead of them.
    pub overtaken: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Comparison {
    None,
    /// The map is read.
    Scanning,
    /// The keys that the scan did not meet are read one by one.
    Verifying,
}

/// Decides for one map and its topic.
#[derive(Debug)]
pub struct Publisher {
    digest: Digest,
    reads: Reads,
    publish_expirations: bool,
    comparison: Comparison,
    wanted: bool,
    /// Something was marked ahead since the last tick.
    newly_ahead: bool,
    /// Since when nothing more was marked ahead, where something is.
    ahead_since: Option<Instant>,
    counts: Counts,
}

impl Publisher {
    /// A publisher to a topic that holds nothing until [`Publisher::on_topic_record`] says so; a comparison is wanted.
    /// Keys that wait to be read again take up to `max_read_bytes`.
    pub fn new(publish_expirations: bool, max_read_bytes: usize) -> Self {
        Self {
            digest: Digest::default(),
            reads: Reads::new(max_read_bytes),
            publish_expirations,
            comparison: Comparison::None,
            wanted: true,
            newly_ahead: false,
            ahead_since: None,
            counts: Counts::default(),
        }
    }

    /// What it has counted since it was asked last.
    pub fn take_counts(&mut self) -> Counts {
        std::mem::take(&mut self.counts)
    }

    /// Keys that the topic is known to hold, or to have held lately.
    pub fn keys(&self) -> usize {
        self.digest.len()
    }

    /// Bytes that it takes for what it knows of the topic.
    pub fn digest_bytes(&self) -> usize {
        self.digest.bytes()
    }

    /// A record that the topic holds, in order, before anything else.
    pub fn on_topic_record(&mut self, key: KeyHash, value: Option<ValueHash>) {
        match value {
            Some(value) => self.digest.slot(key).hold(Held::Value(value)),
            None => self.digest.remove(key),
        }
    }

    /// Whether the value before a change of this key matters.
    pub fn needs_old(&self, hash: KeyHash, expired: bool) -> bool {
        (expired && !self.publish_expirations) || self.digest.get(hash).is_some_and(|slot| slot.is_ahead())
    }

    /// An entry changed. Whether the change is to be published.
    pub fn on_event(&mut self, key: &Bytes, hash: KeyHash, change: Change) -> Option<Publish> {
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
            if held != Held::Absent
                && let Some(slot) = self.digest.get_mut(hash)
            {
                // The events have come as far as what was published.
                slot.set_ahead(false);
            }
            return None;
        }
        if change.expired && !self.publish_expirations && held == Held::of(change.old) {
            self.write(hash, Held::Expired, false);
            return None;
        }
        Some(self.publish(hash, held, change.new, false))
    }

    /// Changes may have happened that nobody tells.
    pub fn want_comparison(&mut self) {
        self.wanted = true;
    }

    /// Whether a comparison has to begin once none is running.
    pub fn comparison_wanted(&self) -> bool {
        self.wanted && self.comparison == Comparison::None
    }

    /// A comparison is neither running nor wanted, and no key waits to be read again.
    pub fn is_settled(&self) -> bool {
        !self.wanted && self.comparison == Comparison::None && self.reads.is_empty()
    }

    /// The map is read from now on.
    pub fn begin_scan(&mut self) {
        self.wanted = false;
        self.comparison = Comparison::Scanning;
        // What was read before must not stand for what the scan reads.
        self.reads.outdate_all();
        self.digest.for_each(|slot| slot.set_seen(false));
    }

    /// The scan has met an entry. Whether its value is to be published.
    pub fn on_scanned(&mut self, hash: KeyHash, value: ValueHash) -> Option<Publish> {
        let held = match self.digest.get_mut(hash) {
            // Newer things are known of the key than what was read at some time since the scan began.
            Some(slot) if slot.is_seen() => return None,
            Some(slot) if slot.held() == Held::Value(value) => {
                slot.set_seen(true);
                return None;
            }
            Some(slot) => slot.held(),
            None => Held::Absent,
        };
        Some(self.publish(hash, held, Some(value), true))
    }

    /// The scan has met all that it will. How many keys of the topic it has not met: they have to be looked for in the
    /// topic, for their bytes, and given to [`Publisher::on_topic_key`].
    pub fn end_scan(&mut self) -> usize {
        self.comparison = Comparison::Verifying;
        self.digest.iter().filter(|slot| !slot.is_seen() && is_in_topic(slot.held())).count()
    }

    /// The topic has a record of this key, which the map knows as `key`.
    pub fn on_topic_key(&mut self, key: &Bytes, hash: KeyHash) {
        if self.is_missing(hash)
            && let Some(slot) = self.digest.get_mut(hash)
        {
            slot.set_seen(true);
            self.read(key, hash, Why::Missing);
        }
    }

    /// Whether the scan has not met this key of the topic, and nobody has since.
    pub fn is_missing(&self, hash: KeyHash) -> bool {
        self.comparison == Comparison::Verifying
            && self.digest.get(hash).is_some_and(|slot| !slot.is_seen() && is_in_topic(slot.held()))
    }

    /// All of the topic was looked through since the scan ended: what was not found in it is not in it.
    pub fn end_comparison(&mut self) {
        self.comparison = Comparison::None;
        self.digest.retain(|slot| match slot.held() {
            Held::Absent => slot.is_ahead(),
            Held::Value(_) | Held::Unknown => slot.is_seen(),
            Held::Expired => true,
        });
    }

    /// The comparison could not be ended: another one is wanted.
    pub fn fail_comparison(&mut self) {
        self.comparison = Comparison::None;
        self.wanted = true;
    }

    /// Whether more keys may wait to be read again.
    pub fn has_room_for_reads(&self) -> bool {
        self.reads.has_room()
    }

    /// Up to `max` keys that are to be read from the map now; each is answered by [`Publisher::on_read`] or
    /// [`Publisher::on_read_failed`].
    pub fn next_reads(&mut self, max: usize) -> Vec<(Bytes, KeyHash)> {
        self.reads.next(max)
    }

    /// The map has this value for a key, or none. Whether that is to be published.
    pub fn on_read(&mut self, key: &Bytes, hash: KeyHash, value: Option<ValueHash>) -> Option<Publish> {
        let answer = self.reads.finish(hash);
        let publish = if answer.outdated { None } else { self.read_value(hash, value) };
        if let Some(why) = answer.again {
            self.read(key, hash, why);
        }
        publish
    }

    /// The map could not be read: the key is read again.
    pub fn on_read_failed(&mut self, key: &Bytes, hash: KeyHash) {
        let answer = self.reads.finish(hash);
        self.read(key, hash, answer.again.unwrap_or(answer.why));
    }

    /// The map has a value for this key that cannot become a record.
    pub fn on_read_refused(&mut self, hash: KeyHash) {
        self.reads.finish(hash);
    }

    /// A record of this value, or tombstone, was not acknowledged: it may be in the topic or not, and even come into it
    /// behind later ones of its key. Where it was refused it is not, and only the next comparison tries again.
    pub fn on_store_failed(&mut self, key: &Bytes, hash: KeyHash, value: Option<ValueHash>, refused: bool) {
        let held = self.digest.get(hash).map_or(Held::Absent, |slot| slot.held());
        // A later record of the key decides. What expired without a tombstone may have been this one.
        if refused && held != Held::of(value) && held != Held::Expired {
            return;
        }
        let slot = self.digest.slot(hash);
        slot.hold(Held::Unknown);
        if !refused {
            // The read settles it, also where a comparison does not find the key in the topic yet.
            slot.set_seen(true);
            self.read(key, hash, Why::Failed);
        }
    }

    /// Time passes.
    pub fn on_tick(&mut self, now: Instant) {
        if std::mem::take(&mut self.newly_ahead) {
            self.ahead_since = Some(now);
        } else if self.comparison == Comparison::None
            && self.reads.is_empty()
            && self.ahead_since.take_if(|since| now.duration_since(*since) >= LATEST_EVENT).is_some()
        {
            self.digest.retain(|slot| {
                slot.set_ahead(false);
                slot.held() != Held::Absent
            });
        }
    }

    fn read_value(&mut self, hash: KeyHash, value: Option<ValueHash>) -> Option<Publish> {
        let held = self.digest.get(hash).map_or(Held::Absent, |slot| slot.held());
        if held == Held::of(value) || (held == Held::Expired && value.is_none()) {
            if let Some(slot) = self.digest.get_mut(hash) {
                slot.set_seen(true);
            }
            return None;
        }
        Some(self.publish(hash, held, value, true))
    }

    fn publish(&mut self, hash: KeyHash, held: Held, value: Option<ValueHash>, ahead: bool) -> Publish {
        self.counts.published += 1;
        self.counts.superfluous += u64::from(held == Held::of(value));
        self.write(hash, Held::of(value), ahead);
        Publish { update: is_in_topic(held) || held == Held::Expired }
    }

    fn write(&mut self, hash: KeyHash, held: Held, ahead: bool) {
        self.reads.outdate(hash);
        self.newly_ahead |= ahead;
        // What a scan has read before the removal must find that there was one.
        if held == Held::Absent && !ahead && self.comparison == Comparison::None {
            self.digest.remove(hash);
            return;
        }
        let slot = self.digest.slot(hash);
        slot.hold(held);
        slot.set_ahead(ahead);
        slot.set_seen(true);
    }

    fn read(&mut self, key: &Bytes, hash: KeyHash, why: Why) {
        // What has no room is found by a comparison that begins after this.
        self.wanted |= !self.reads.ask(key, hash, why);
    }
}

fn is_in_topic(held: Held) -> bool {
    matches!(held, Held::Value(_) | Held::Unknown)
}

#[cfg(test)]
mod model;
#[cfg(test)]
mod tests;
