//! The listeners of a map, and the queue of each of them.

use std::collections::VecDeque;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use bytes::Bytes;
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::map::{EventKind, MapEvent, MapNotice};

/// Memory of a notice in addition to its bytes.
const NOTICE_BYTES: usize = size_of::<MapNotice>();

/// The notices that one listener has not taken yet.
///
/// Writers fill it while they hold the lock of a shard, so it never waits: once it would grow over its limit,
/// everything in it gives way to one gap. The listener has to read the map again after a gap anyway, and this way
/// it learns so at once.
pub(super) struct Mailbox {
    lite: bool,
    limit_bytes: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Default)]
struct Waiting {
    /// Notices given up; where it is not 0, a gap comes before the notices.
    missed: u64,
    notices: VecDeque<MapNotice>,
    bytes: usize,
    ended: bool,
    waker: Option<Waker>,
}

impl Mailbox {
    pub(super) fn new(lite: bool, limit_bytes: usize) -> Arc<Self> {
        Arc::new(Self { lite, limit_bytes, waiting: Mutex::default() })
    }

    /// Adds a notice. The caller wakes the waker that it returns without a lock held: it may run any code of its owner.
    #[must_use]
    pub(super) fn push(&self, notice: MapNotice) -> Option<Waker> {
        let bytes = bytes(&notice);
        let waiting = &mut *self.waiting.lock();
        if waiting.ended {
            return None;
        }
        if waiting.bytes + bytes > self.limit_bytes {
            waiting.missed += waiting.notices.len() as u64 + 1;
            waiting.notices = VecDeque::new();
            waiting.bytes = 0;
        } else {
            waiting.bytes += bytes;
            waiting.notices.push_back(notice);
        }
        waiting.waker.take()
    }

    /// Nothing follows, except for the notice given.
    #[must_use]
    pub(super) fn end(&self, last: Option<MapNotice>) -> Option<Waker> {
        let waiting = &mut *self.waiting.lock();
        waiting.ended = true;
        waiting.notices.extend(last);
        waiting.waker.take()
    }

    pub(super) fn poll(&self, context: &mut Context<'_>) -> Poll<Option<MapNotice>> {
        let waiting = &mut *self.waiting.lock();
        if waiting.missed > 0 {
            let missed = std::mem::take(&mut waiting.missed);
            return Poll::Ready(Some(MapNotice::Gap(format!(
                "{missed} events dropped: more than {} bytes were waiting for the listener",
                self.limit_bytes
            ))));
        }
        if let Some(notice) = waiting.notices.pop_front() {
            waiting.bytes = waiting.bytes.saturating_sub(bytes(&notice));
            return Poll::Ready(Some(notice));
        }
        if waiting.ended {
            return Poll::Ready(None);
        }
        waiting.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

fn bytes(notice: &MapNotice) -> usize {
    let payload = match notice {
        MapNotice::Event(event) => {
            let value = |value: &Option<Bytes>| value.as_ref().map_or(0, Bytes::len);
            event.key.len() + value(&event.old_value) + value(&event.new_value)
        }
        _ => 0,
    };
    NOTICE_BYTES + payload
}

/// One change of one entry, for its listeners.
pub(super) struct Change<'a> {
    pub(super) key: &'a [u8],
    pub(super) old: Option<&'a [u8]>,
    pub(super) new: Option<&'a [u8]>,
    pub(super) expired: bool,
}

impl Change<'_> {
    fn event(&self, key: &Bytes, lite: bool) -> MapEvent {
        let kind = match (self.old, self.new) {
            (_, None) => EventKind::Deleted,
            (None, _) => EventKind::Inserted,
            _ => EventKind::Updated,
        };
        let copy = |value: Option<&[u8]>| value.filter(|_| !lite).map(Bytes::copy_from_slice);
        MapEvent {
            kind,
            key: key.clone(),
            old_value: copy(self.old),
            new_value: copy(self.new),
            synthetic: self.expired,
            expired: self.expired,
            priming: false,
        }
    }
}

/// The listeners that concern the keys of one shard.
#[derive(Default)]
pub(super) struct Listeners {
    /// To all keys; these stand in every shard.
    all: Vec<Arc<Mailbox>>,
    /// To one key each.
    keys: HashMap<Bytes, Vec<Arc<Mailbox>>>,
}

impl Listeners {
    pub(super) fn add(&mut self, mailbox: &Arc<Mailbox>, key: Option<&Bytes>) {
        match key {
            None => self.all.push(Arc::clone(mailbox)),
            Some(key) => self.keys.entry(key.clone()).or_default().push(Arc::clone(mailbox)),
        }
    }

    /// Returns true when no listener is left.
    pub(super) fn remove(&mut self, mailbox: &Arc<Mailbox>, key: Option<&Bytes>) -> bool {
        let others = |other: &Arc<Mailbox>| !Arc::ptr_eq(other, mailbox);
        match key {
            None => self.all.retain(others),
            Some(key) => {
                if let Some(mailboxes) = self.keys.get_mut(key) {
                    mailboxes.retain(others);
                    if mailboxes.is_empty() {
                        self.keys.remove(key);
                    }
                }
            }
        }
        self.all.is_empty() && self.keys.is_empty()
    }

    /// Each listener of this shard; those to all keys only where they are asked for.
    pub(super) fn each(&self, with_all: bool) -> impl Iterator<Item = &Arc<Mailbox>> {
        self.all.iter().filter(move |_| with_all).chain(self.keys.values().flatten())
    }

    #[cold]
    pub(super) fn tell(&self, change: &Change<'_>, wakers: &mut Vec<Waker>) {
        let of_key = self.keys.get(change.key).map_or(&[][..], Vec::as_slice);
        let (mut key, mut full) = (None, None);
        for mailbox in self.all.iter().chain(of_key) {
            let key = key.get_or_insert_with(|| Bytes::copy_from_slice(change.key));
            let event = if mailbox.lite {
                change.event(key, true)
            } else {
                full.get_or_insert_with(|| change.event(key, false)).clone()
            };
            wakers.extend(mailbox.push(MapNotice::Event(event)));
        }
    }
}
