//! A map, and what it tells of itself.

use std::collections::VecDeque;

use coherence_kafka_common::splitmix::SplitMix64 as Random;

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Notice {
    Event { key: usize, old: Option<u32>, new: Option<u32>, expired: bool },
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

#[derive(Debug)]
pub(super) struct Grid {
    pub(super) map: Vec<Option<u32>>,
    /// All states that each key has had.
    pub(super) history: Vec<Vec<Option<u32>>>,
    /// The values of each key that have expired.
    pub(super) expired: Vec<Vec<u32>>,
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
            history: vec![vec![None]; keys],
            expired: vec![Vec::new(); keys],
            values,
            next_value: 0,
            notices: VecDeque::new(),
            listening: false,
        }
    }

    /// An entry is put, removed, or expires.
    pub(super) fn change(&mut self, random: &mut Random) {
        let key = random.below(self.map.len());
        let old = self.map[key];
        let (new, expired) = match random.below(6) {
            0 if old.is_some() => (None, false),
            1 if old.is_some() => (None, true),
            _ => {
                self.next_value += 1;
                (
                    Some(if self.values_come_back() {
                        random.below(self.values as usize) as u32
                    } else {
                        self.next_value
                    }),
                    false,
                )
            }
        };
        self.set(key, new);
        if expired {
            self.expired[key].extend(old);
        }
        if self.listening {
            let event = Notice::Event { key, old, new, expired };
            self.tell(event, random);
        }
    }

    fn set(&mut self, key: usize, value: Option<u32>) {
        self.map[key] = value;
        self.history[key].push(value);
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
                self.set(key, None);
            }
        }
    }

    /// Told behind what was told before; events of later changes may come before it.
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
        self.notices.clear();
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
        self.notices.truncate(random.between(first, self.notices.len()));
        self.notices.push_back(Notice::Gap);
    }

    /// A gap is told when somebody listens again, or nobody can any more.
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
