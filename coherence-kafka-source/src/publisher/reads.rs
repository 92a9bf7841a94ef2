//! Keys that are to be read from the map once more.

use std::collections::{HashMap, VecDeque};

use bytes::Bytes;

use crate::digest::KeyHash;

/// Bytes that a waiting key takes in addition to its own.
const READ_BYTES: usize = 128;

/// Why a key is read again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Why {
    /// An event was left out.
    Overtaken,
    /// The topic has it and the scan has not met it.
    Missing,
    /// A record was not acknowledged.
    Failed,
}

#[derive(Debug)]
struct Read {
    why: Why,
    asked: bool,
    /// Something was published since it was asked for.
    outdated: bool,
    /// Read it again after the answer.
    again: Option<Why>,
}

/// What is known when an answer has come.
#[derive(Debug)]
pub(super) struct Answer {
    pub why: Why,
    pub outdated: bool,
    pub again: Option<Why>,
}

/// Each key once, bounded in bytes.
#[derive(Debug)]
pub(super) struct Reads {
    max_bytes: usize,
    bytes: usize,
    waiting: VecDeque<(Bytes, KeyHash)>,
    reads: HashMap<KeyHash, Read>,
}

impl Reads {
    pub(super) fn new(max_bytes: usize) -> Self {
        Self { max_bytes, bytes: 0, waiting: VecDeque::new(), reads: HashMap::new() }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.reads.is_empty()
    }

    pub(super) fn has_room(&self) -> bool {
        self.bytes < self.max_bytes / 2
    }

    /// Adds a key to read. Returns false where it has no room.
    pub(super) fn ask(&mut self, key: &Bytes, hash: KeyHash, why: Why) -> bool {
        if let Some(read) = self.reads.get_mut(&hash) {
            if !read.asked {
                read.why = read.why.max(why);
            } else if why == Why::Overtaken || read.outdated {
                read.again = read.again.max(Some(why));
            }
            return true;
        }
        let bytes = key.len() + READ_BYTES;
        if self.bytes + bytes > self.max_bytes {
            return false;
        }
        self.bytes += bytes;
        // A slice of a larger buffer would keep all of it.
        self.waiting.push_back((Bytes::copy_from_slice(key), hash));
        self.reads.insert(hash, Read { why, asked: false, outdated: false, again: None });
        true
    }

    /// Reads the key once more, where it is being read.
    pub(super) fn again(&mut self, hash: KeyHash) {
        if let Some(read) = self.reads.get_mut(&hash).filter(|read| read.asked) {
            read.again = read.again.max(Some(Why::Overtaken));
        }
    }

    /// Keys to ask for now.
    pub(super) fn next(&mut self, max: usize) -> Vec<(Bytes, KeyHash)> {
        let mut asked = Vec::new();
        while asked.len() < max
            && let Some((key, hash)) = self.waiting.pop_front()
        {
            self.bytes -= key.len() + READ_BYTES;
            let Some(read) = self.reads.get_mut(&hash) else { continue };
            read.asked = true;
            asked.push((key, hash));
        }
        asked
    }

    /// Notes that a value of the key is published: the value that is being read may be older.
    pub(super) fn outdate(&mut self, hash: KeyHash) {
        if let Some(read) = self.reads.get_mut(&hash) {
            read.outdated = read.asked;
        }
    }

    /// Reads every key once more that is being read.
    pub(super) fn outdate_all(&mut self) {
        for read in self.reads.values_mut().filter(|read| read.asked) {
            read.outdated = true;
            read.again = read.again.max(Some(read.why));
        }
    }

    pub(super) fn finish(&mut self, hash: KeyHash) -> Answer {
        match self.reads.remove(&hash) {
            Some(Read { why, outdated, again, .. }) => Answer { why, outdated, again },
            None => Answer { why: Why::Overtaken, outdated: true, again: None },
        }
    }
}
