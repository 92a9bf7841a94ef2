//! The records of a partition, and how to find one again from its bytes.

use std::collections::BTreeMap;
use std::time::Duration;

use coherence_kafka_common::map::Expiry;
use coherence_kafka_common::splitmix::SplitMix64 as Random;

use super::grid::Grid;
use crate::errors::{ErrorPolicy, NullValues};
use crate::expiry::Expiries;
use crate::kafka::batch::Header;
use crate::kafka::consumer::TopicPartition;

/// Which record of which partition: enough to find it again from its bytes.
pub(super) type Place = (usize, i64);

#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
    pub(super) headers: Vec<Header>,
    /// It can never be in a map.
    pub(super) bad: bool,
    /// It is the grid that does not take it. Where a later write of its key is in the same batch nobody finds out.
    pub(super) refused: bool,
}

/// One partition, and what the group knows about it.
#[derive(Debug)]
pub(super) struct Partition {
    pub(super) tp: TopicPartition,
    pub(super) log: Vec<Record>,
    pub(super) committed: i64,
    /// Where the member reads, while it has the partition.
    pub(super) position: Option<i64>,
    /// Counts its assignments: the broker refuses a commit of one that is over.
    pub(super) generation: u64,
    /// Its topic is deleted.
    pub(super) gone: bool,
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
        header: Some("ttl".to_owned()),
    }
}

/// The bytes of a value say which record they belong to, whether the grid takes them, and how they are to expire.
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
    partition.log[offset + 1..].iter().any(|later| later.key == partition.log[offset].key)
}

/// One with a key of its own that the grid takes.
pub(super) fn good_record(topic: usize, number: usize, place: Place) -> Record {
    Record {
        key: Some(key(topic, 100 + number)),
        value: Some(value(0x15, false, u8::from(topic == 0), place)),
        headers: Vec::new(),
        bad: false,
        refused: false,
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
    // What a header says, and which expiry that is; none says what no number is.
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
            Record { key, value: None, headers, bad, refused: false }
        }
        4 => Record { key, value: value(0, false), headers, bad: true, refused: false },
        5 => Record {
            refused: key.is_some() && expiry.is_some(),
            key,
            value: value(0x15, true),
            headers,
            bad: true,
        },
        _ => Record {
            bad: key.is_none() || throws || expiry.is_none(),
            refused: throws && expiry.is_some(),
            key,
            value: value(0x15, false),
            headers,
        },
    }
}
