//! A map, and what it reports of itself.

use std::collections::VecDeque;

use coherence_kafka_common::splitmix::SplitMix64 as Random;

/// A value that has no record.
pub(super) const NO_RECORD: u32 = u32::MAX;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Notice {
    Event { key: usize, old: Option<u32>, new: Option<u32>, by_cache: bool },
    Truncated,
    Destroyed,
    Gap,
}

impl Notice {
    fn key(&self) -> Option<usize> {
        match self {
            Notice::Event { key, .. } => Some(*key),
            _ => None,
        }
    }
}

/// Why a key is what it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Cause {
    /// It was never put.
    Never,
    Put,
    Removed,
    /// It has expired or was evicted, or a read has loaded it.
    ByCache,
    /// The map is gone.
    Lost,
}

/// A state of a key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct State {
    pub(super) value: Option<u32>,
    pub(super) cause: Cause,
}

#[derive(Debug)]
pub(super) struct Grid {
    pub(super) map: Vec<Option<u32>>,
    /// All states that each key has had.
    pub(super) history: Vec<Vec<State>>,
    /// A change of the key was not reported.
    pub(super) unheard: Vec<bool>,
    /// Values are below this: few, so that they come back, or all different.
    values: u32,
    next_value: u32,
    notices: VecDeque<Notice>,
    listening: bool,
}

impl Grid {
    pub(super) fn new(keys: usize, values: u32) -> Self {
        Self {
            map: vec![None; keys],
            history: vec![vec![State { value: None, cause: Cause::Never }]; keys],
            unheard: vec![false; keys],
            values,
            next_value: 0,
            notices: VecDeque::new(),
            listening: false,
        }
    }

    /// An entry is put, removed, loaded, expires or is evicted.
    pub(super) fn change(&mut self, random: &mut Random) {
        let key = random.below(self.map.len());
        let old = self.map[key];
        let (new, cause) = match random.below(8) {
            0 | 1 if old.is_some() => (None, Cause::Removed),
            2 if old.is_some() => (None, Cause::ByCache),
            2 => (Some(self.value(random)), Cause::ByCache),
            3 if random.one_in(2) => (Some(NO_RECORD), Cause::Put),
            _ => (Some(self.value(random)), Cause::Put),
        };
        self.set(key, new, cause);
        if self.listening {
            let event = Notice::Event { key, old, new, by_cache: cause == Cause::ByCache };
            self.tell(event, random);
        } else {
            self.unheard[key] = true;
        }
    }

    fn value(&mut self, random: &mut Random) -> u32 {
        self.next_value += 1;
        if self.values_come_back() { random.below(self.values as usize) as u32 } else { self.next_value }
    }

    fn set(&mut self, key: usize, value: Option<u32>, cause: Cause) {
        self.map[key] = value;
        self.history[key].push(State { value, cause });
    }

    /// How the key has come to be what it is.
    pub(super) fn cause(&self, key: usize) -> Cause {
        self.history[key].last().map_or(Cause::Never, |state| state.cause)
    }

    /// Events of one key keep their order; nothing comes before a gap.
    fn tell(&mut self, notice: Notice, random: &mut Random) {
        let fixed =
            |other: &Notice| *other == Notice::Gap || (other.key().is_some() && other.key() == notice.key());
        let first = self.notices.iter().rposition(fixed).map_or(0, |at| at + 1);
        let at =
            if random.one_in(2) { self.notices.len() } else { random.between(first, self.notices.len()) };
        self.notices.insert(at, notice);
    }

    /// All entries are gone without an event.
    pub(super) fn wipe(&mut self) {
        for key in 0..self.map.len() {
            if self.map[key].is_some() {
                self.set(key, None, Cause::Lost);
            }
        }
    }

    /// Arrives after the earlier ones; events of later changes may come before it.
    pub(super) fn truncate(&mut self) {
        self.wipe();
        if self.listening {
            self.notices.push_back(Notice::Truncated);
        }
    }

    /// The map ends, and is another one at its next use.
    pub(super) fn destroy(&mut self) {
        self.wipe();
        if self.listening {
            self.listening = false;
            self.notices.push_back(Notice::Destroyed);
        }
    }

    pub(super) fn listen(&mut self) {
        self.forget_from(0);
        self.listening = true;
    }

    /// The stream is replaced, once it was lost.
    pub(super) fn register(&mut self) {
        self.listening |= self.notices.back() == Some(&Notice::Gap);
    }

    /// The stream is gone: what came last may not have come.
    pub(super) fn disconnect(&mut self, random: &mut Random) {
        if self.listening {
            self.lose(random);
            self.listening = false;
        }
    }

    /// The listener was too slow.
    pub(super) fn overflow(&mut self, random: &mut Random) {
        if self.listening {
            self.lose(random);
        }
    }

    fn lose(&mut self, random: &mut Random) {
        let first = self.notices.iter().rposition(|notice| *notice == Notice::Gap).map_or(0, |at| at + 1);
        self.forget_from(random.between(first, self.notices.len()));
        self.notices.push_back(Notice::Gap);
    }

    fn forget_from(&mut self, at: usize) {
        for key in self.notices.drain(at..).filter_map(|notice| notice.key()) {
            self.unheard[key] = true;
        }
    }

    /// A gap is reported when a listener is registered again, or can no longer be.
    pub(super) fn take_notice(&mut self) -> Option<Notice> {
        let ended = self.notices.back() == Some(&Notice::Destroyed);
        if self.notices.front() == Some(&Notice::Gap) && !self.listening && !ended {
            return None;
        }
        self.notices.pop_front()
    }

    /// A key may have the same value more than once.
    pub(super) fn values_come_back(&self) -> bool {
        self.values < 10
    }

    pub(super) fn is_quiet(&self) -> bool {
        self.notices.is_empty()
    }
}
