//! The records of a partition, and how to find one again from its bytes.

use coherence_kafka_common::splitmix::SplitMix64 as Random;

use super::grid::Grid;
use crate::errors::{ErrorPolicy, NullValues};
use crate::kafka::consumer::TopicPartition;

/// Which record of which partition: enough to find it again from its bytes.
pub(super) type Place = (usize, i64);

#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) key: Option<Vec<u8>>,
    pub(super) value: Option<Vec<u8>>,
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
}

pub(super) fn key(topic: usize, n: usize) -> Vec<u8> {
    let text = format!("{topic}/{n}");
    [&[0x15, 0x4E, text.len() as u8], text.as_bytes()].concat()
}

/// The bytes of a value say which record they belong to, and whether the grid takes them.
pub(super) fn value(first: u8, refused: bool, place: Place) -> Vec<u8> {
    let offset = u32::try_from(place.1).unwrap().to_be_bytes();
    [&[first, u8::from(refused), u8::try_from(place.0).unwrap()], &offset[..]].concat()
}

pub(super) fn place_of(value: &[u8]) -> Place {
    let offset = u32::from_be_bytes(value[3..7].try_into().unwrap());
    (value[2] as usize, offset.into())
}

/// A later record has the same key.
pub(super) fn is_replaced(partition: &Partition, offset: usize) -> bool {
    partition.log[offset + 1..].iter().any(|later| later.key == partition.log[offset].key)
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
    match random.below(20) {
        0..4 => {
            let bad = key.is_none() || policy.null_values == NullValues::Fail;
            Record { key, value: None, bad, refused: false }
        }
        4 => Record { key, value: Some(value(0, false, place)), bad: true, refused: false },
        5 => Record { refused: key.is_some(), key, value: Some(value(0x15, true, place)), bad: true },
        _ => Record {
            bad: key.is_none() || throws,
            refused: throws,
            key,
            value: Some(value(0x15, false, place)),
        },
    }
}
