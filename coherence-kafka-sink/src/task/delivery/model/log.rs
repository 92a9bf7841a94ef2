//! The records of a partition, and how to find one again from its bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use coherence_kafka_common::map::Expiry;
use coherence_kafka_common::splitmix::SplitMix64 as Random;
use coherence_kafka_rdkafka::record::{Header, TopicPartition};

use super::grid::Grid;
use crate::errors::{ErrorPolicy, NullValues};
use crate::expiry::Expiries;

/// Which record of which log: enough to find it again from its bytes.
pub(super) type Place = (usize, i64);

#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) place: Place,
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<Header>,
    /// It can never be in a map.
    pub(super) bad: bool,
    /// The grid refuses it. Where a later write of its key is in the same batch, the grid never sees it.
    pub(super) refused: bool,
    /// Compaction has removed it.
    pub(super) compacted: bool,
}

/// One partition, and what the group knows about it.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) tp: TopicPartition,
    /// Topic and partition as numbers, and the keys of the topic.
    pub(super) numbers: (usize, usize, usize),
    pub(super) log: Vec<Record>,
    /// Retention has removed everything below.
    pub(super) start: i64,
    /// The logs that it had, the present one last: a log that was truncated is another one from there on.
    pub(super) ids: Vec<usize>,
    /// What was cut off, each with the last offset in front of the cut.
    pub(super) cut_off: Vec<(i64, Record)>,
    pub(super) committed: i64,
    /// Where the member reads, while it has the partition.
    pub(super) position: Option<i64>,
    /// The member knows that it reads there.
    pub(super) known: bool,
    /// The member reads another log and has not seen anything of it: the offset that it expects.
    pub(super) unnoticed: Option<i64>,
    /// The member knows that what is below was removed.
    pub(super) removed: i64,
    /// Counts its assignments: the broker refuses a commit of one that is over.
    pub(super) generation: u64,
    /// Its topic is deleted.
    pub(super) gone: bool,
}

impl Partition {
    pub(super) fn end(&self) -> i64 {
        self.log.len() as i64
    }

    pub(super) fn is_present(&self, offset: usize) -> bool {
        offset as i64 >= self.start && !self.log[offset].compacted
    }

    /// Returns the offset of the first existing record at or after an offset, or the end.
    pub(super) fn next_present(&self, from: i64) -> i64 {
        (from.max(self.start)..self.end()).find(|&at| !self.log[at as usize].compacted).unwrap_or(self.end())
    }

    /// Returns the existing records, with their offsets.
    pub(super) fn present(&self) -> impl Iterator<Item = (usize, &Record)> {
        self.log.iter().enumerate().filter(|(offset, _)| self.is_present(*offset))
    }

    /// Where a record is in this log, or was before it was cut off.
    pub(super) fn offset_of(&self, place: Place) -> Option<i64> {
        let offset = self.log.iter().position(|record| record.place == place);
        let cut = || self.cut_off.iter().find(|(_, record)| record.place == place).map(|(at, _)| *at);
        offset.map(|offset| offset as i64).or_else(cut)
    }

    /// A good record behind an offset makes the one there superfluous.
    pub(super) fn is_superseded(&self, offset: usize, deletes: bool) -> bool {
        let key = &self.log[offset].key;
        key.is_none()
            || (offset + 1..self.log.len()).any(|later| {
                let record = &self.log[later];
                self.is_present(later)
                    && record.key == *key
                    && !record.bad
                    && (deletes || record.value.is_some())
            })
    }

    /// Which log a commit means, under which assignment.
    pub(super) fn stamp(&self) -> (u64, usize) {
        (self.generation, if self.unnoticed.is_some() { usize::MAX } else { self.ids.len() })
    }
}

pub(super) fn key(topic: usize, n: usize) -> Vec<u8> {
    let text = format!("{topic}/{n}");
    [&[0x15, 0x4E, text.len() as u8], text.as_bytes()].concat()
}

/// The connector's expiry, that of the first topic, and two that only headers name.
const EXPIRIES: [Expiry; 4] = [
    Expiry::Never,
    Expiry::After(Duration::from_secs(7)),
    Expiry::Default,
    Expiry::After(Duration::from_secs(9)),
];

pub(super) fn expiries() -> Expiries {
    Expiries {
        default: EXPIRIES[0],
        by_topic: BTreeMap::from([("t0".to_owned(), EXPIRIES[1])]),
        field: None,
        header: Some("ttl".to_owned()),
    }
}

/// The bytes of a value hold the record that they belong to, whether the grid accepts them, and their expiry.
pub(super) fn value(first: u8, refused: bool, expiry: u8, place: Place) -> Vec<u8> {
    let offset = u32::try_from(place.1).unwrap().to_be_bytes();
    [&[first, u8::from(refused), u8::try_from(place.0).unwrap()], &offset[..], &[expiry]].concat()
}

pub(super) fn expiry_of(value: &[u8]) -> Expiry {
    EXPIRIES[value[7] as usize]
}

pub(super) fn place_of(value: &[u8]) -> Place {
    let offset = u32::from_be_bytes(value[3..7].try_into().unwrap());
    (value[2] as usize, offset.into())
}

/// A later record has the same key.
pub(super) fn is_replaced(partition: &Partition, offset: usize) -> bool {
    let same = |later: &Record| later.key == partition.log[offset].key;
    partition.log[offset + 1..].iter().any(same) || partition.cut_off.iter().any(|(_, cut)| same(cut))
}

/// Good puts of every key of a partition that can be put: a topic that is created again is loaded in full.
pub(super) fn reload(
    grid: &Grid,
    (topic, number, keys): (usize, usize, usize),
    places: impl Iterator<Item = Place>,
) -> Vec<Record> {
    let keys = (0..keys).map(|n| key(topic, (n * 3 + number) % (keys * 3)));
    let good = keys.filter(|key| !grid.lock().throwing.contains(key)).zip(places);
    good.map(|(key, place)| Record {
        place,
        key: Some(key),
        value: Some(value(0x15, false, u8::from(topic == 0), place)),
        headers: Vec::new(),
        bad: false,
        refused: false,
        compacted: false,
    })
    .collect()
}

/// One with a key of its own that the grid takes.
pub(super) fn good_record(topic: usize, number: usize, place: Place) -> Record {
    Record {
        place,
        key: Some(key(topic, 100 + number)),
        value: Some(value(0x15, false, u8::from(topic == 0), place)),
        headers: Vec::new(),
        bad: false,
        refused: false,
        compacted: false,
    }
}

pub(super) fn record(
    random: &mut Random,
    policy: &ErrorPolicy,
    grid: &Grid,
    (topic, number, keys): (usize, usize, usize),
    place: Place,
) -> Record {
    // A key is always produced to the same partition.
    let n = (random.below(keys) * 3 + number) % (keys * 3);
    let key = (!random.one_in(20)).then(|| key(topic, n));
    let throws = key.as_ref().is_some_and(|key| grid.lock().throwing.contains(key));
    // The text of a header, and its expiry; a text without a number has none.
    let (ttl, expiry) = match random.below(24) {
        0..2 => (Some("-1"), Some(0)),
        2..4 => (Some("0"), Some(2)),
        4..6 => (Some("9000"), Some(3)),
        6 => (Some(["soon", "9223372036854775807"][place.1 as usize % 2]), None),
        _ => (None, Some(u8::from(topic == 0))),
    };
    let headers = ttl.map(|ttl| ("ttl".to_owned(), Some(ttl.as_bytes().to_vec()))).into_iter().collect();
    let value = |first, refused| Some(value(first, refused, expiry.unwrap_or_default(), place));
    match random.below(20) {
        0..4 => {
            let bad = key.is_none() || policy.null_values == NullValues::Fail;
            Record { place, key, value: None, headers, bad, refused: false, compacted: false }
        }
        4 => Record {
            place,
            key,
            value: value(0, false),
            headers,
            bad: true,
            refused: false,
            compacted: false,
        },
        5 => Record {
            place,
            compacted: false,
            refused: key.is_some() && expiry.is_some(),
            key,
            value: value(0x15, true),
            headers,
            bad: true,
        },
        _ => Record {
            place,
            compacted: false,
            bad: key.is_none() || throws || expiry.is_none(),
            refused: throws && expiry.is_some(),
            key,
            value: value(0x15, false),
            headers,
        },
    }
}
