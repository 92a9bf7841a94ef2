//! The records of the measurements: values of no meaning, keys that lie far apart. Cheap to make, because one of the
//! measurements makes them while it is measured.

use anyhow::Result;
use coherence_kafka_common::map::Format;
use coherence_kafka_connect::data::Value;
use coherence_kafka_connect::encode::Encoder;
use serde::{Deserialize, Serialize};

/// Length of a key.
pub const KEY_BYTES: usize = 16;
/// Length of a value, unless it is what a series varies.
pub const VALUE_BYTES: usize = 100;

/// Keys and values, as text: the records from number `first` on.
pub fn records(first: u64) -> impl Iterator<Item = ([u8; KEY_BYTES], [u8; VALUE_BYTES])> {
    (first..).map(|number| {
        let key = key(number);
        let mut value = [b'v'; VALUE_BYTES];
        value[..KEY_BYTES].copy_from_slice(&key);
        (key, value)
    })
}

/// The key of a number.
pub fn key(number: u64) -> [u8; KEY_BYTES] {
    // An odd factor: every number has a product of its own, and neighbours lie far apart.
    let product = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    std::array::from_fn(|digit| b"0123456789abcdef"[(product >> (4 * digit)) as usize & 15])
}

/// What lies on the topics.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Load {
    /// How many records, on all topics together.
    pub records: u64,
    /// Length of a value's text.
    pub value_bytes: usize,
    /// How many topics; the records go to them in turn.
    pub topics: u32,
    /// Partitions of each.
    pub partitions: i32,
    /// Deletes in a hundred records. All of them: the entries are put before, outside of the measurement.
    pub deletes: u64,
    /// How many different keys, or none where each record has its own.
    pub keys: Option<u64>,
    /// Coherence binaries that pass through, instead of texts that are converted.
    pub binary: bool,
}

impl Load {
    /// Puts of distinct keys on one topic of 8 partitions.
    pub fn plain(records: u64) -> Self {
        Self {
            records,
            value_bytes: VALUE_BYTES,
            topics: 1,
            partitions: 8,
            deletes: 0,
            keys: None,
            binary: false,
        }
    }

    /// The same as [`Load::plain`], of binaries.
    pub fn binary(records: u64) -> Self {
        Self { binary: true, ..Self::plain(records) }
    }

    /// Whether there is nothing but deletes.
    pub fn deletes_only(&self) -> bool {
        self.deletes == 100
    }

    /// The number of each record's key, and whether it is put.
    fn numbers(self) -> impl Iterator<Item = (u64, bool)> {
        (0..self.records).map(move |record| {
            let number = self.keys.map_or(record, |keys| record % keys);
            let is_put = record % 100 < 100 - self.deletes;
            // A delete among puts is of an earlier key, most of them of an earlier batch.
            (if is_put || self.deletes_only() { number } else { number / 2 }, is_put)
        })
    }

    /// The keys in the order of the records, for the bare loop, which knows one operation: it puts also what a load with
    /// some deletes deletes.
    pub fn keys(self) -> impl Iterator<Item = [u8; KEY_BYTES]> {
        self.numbers().map(|(number, _)| key(number))
    }

    /// The value of each put.
    pub fn value(&self) -> Vec<u8> {
        vec![b'v'; self.value_bytes]
    }

    /// The records as they lie on the topic of an index.
    ///
    /// # Errors
    ///
    /// When a text cannot be encoded.
    pub fn on_topic(self, index: u32) -> Result<impl Iterator<Item = (Vec<u8>, Option<Vec<u8>>)>> {
        let value = self.form(&self.value())?;
        let of_topic = self.numbers().skip(index as usize).step_by(self.topics as usize);
        Ok(of_topic.map(move |(number, is_put)| {
            (self.form(&key(number)).unwrap_or_default(), is_put.then(|| value.clone()))
        }))
    }

    fn form(&self, text: &[u8]) -> Result<Vec<u8>> {
        if !self.binary {
            return Ok(text.to_vec());
        }
        let mut bytes = Vec::new();
        let encoder = Encoder { format: Format::Pof, ..Encoder::default() };
        encoder.encode(&Value::String(str::from_utf8(text)?.into()), &mut bytes)?;
        Ok(bytes)
    }

    /// How many entries the map holds after all of it.
    pub fn entries(&self) -> u64 {
        self.entries_where(|is_put| is_put)
    }

    /// How many it holds after the bare loop.
    pub fn bare_entries(&self) -> u64 {
        if self.deletes_only() { 0 } else { self.entries_where(|_| true) }
    }

    fn entries_where(&self, is_put: impl Fn(bool) -> bool) -> u64 {
        let mut is_there = vec![self.deletes_only(); self.records as usize];
        for (number, put) in self.numbers() {
            is_there[number as usize] = is_put(put);
        }
        is_there.into_iter().filter(|is_there| *is_there).count() as u64
    }
}
