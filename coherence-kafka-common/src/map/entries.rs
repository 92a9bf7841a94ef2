//! Batches of entries.

use std::hash::BuildHasher as _;

use hashbrown::HashTable;

use crate::decoration::undecorated_key;

/// Where one entry lies in the bytes of an [`Entries`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Span {
    /// First byte of the key.
    pub key: u32,
    /// Length of the key in bytes.
    pub key_len: u32,
    /// First byte of the value.
    pub value: u32,
    /// Length of the value in bytes; 0 in a batch of keys.
    pub value_len: u32,
}

/// A batch of entries, or of keys alone, in one allocation. No key occurs twice: with and without its partition
/// decoration it is one key.
///
/// One buffer and a table of spans instead of a vector of pairs: a batch of thousands of small entries costs
/// two allocations, and a value that a later record replaced simply stays unreferenced in the buffer.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Entries {
    bytes: Vec<u8>,
    spans: Vec<Span>,
}

impl Entries {
    /// Creates a batch over `bytes`. Fails where a span leaves the buffer. That no key occurs twice is left to the
    /// caller: of one that does, any of its values may be the one that stays.
    pub fn new(bytes: Vec<u8>, spans: Vec<Span>) -> Result<Self, OutOfBounds> {
        let inside = |start: u32, len: u32| start as usize + len as usize <= bytes.len();
        match spans.iter().position(|s| !inside(s.key, s.key_len) || !inside(s.value, s.value_len)) {
            Some(index) => Err(OutOfBounds { index }),
            None => Ok(Self { bytes, spans }),
        }
    }

    /// Creates a batch copied from pairs. Of a key that is given more than once the last value counts, in the place of
    /// the first.
    ///
    /// # Panics
    /// If the pairs together exceed 4 GiB.
    pub fn from_pairs<K: AsRef<[u8]>, V: AsRef<[u8]>>(pairs: impl IntoIterator<Item = (K, V)>) -> Self {
        let mut batch = Self::default();
        let hasher = hashbrown::DefaultHashBuilder::default();
        // Indexes, each found by its key.
        let mut known = HashTable::<usize>::new();
        for (key, value) in pairs {
            let (key, value) = (key.as_ref(), value.as_ref());
            let hash = hasher.hash_one(plain(key));
            let first = known.find(hash, |index| batch.plain_key(*index) == Some(plain(key))).copied();
            if first.is_none() {
                let hash_of = |index: &usize| batch.plain_key(*index).map_or(0, |key| hasher.hash_one(key));
                known.insert_unique(hash, batch.len(), hash_of);
            }
            let span = batch.append(key, value);
            match first.and_then(|index| batch.spans.get_mut(index)) {
                Some(first) => *first = span,
                None => batch.spans.push(span),
            }
        }
        batch
    }

    /// Creates a batch copied from pairs in which no key occurs twice: nothing is compared. That is left to the caller,
    /// as with [`Entries::new`].
    ///
    /// # Panics
    /// If the pairs together exceed 4 GiB.
    pub fn from_unique_pairs<K: AsRef<[u8]>, V: AsRef<[u8]>>(
        pairs: impl IntoIterator<Item = (K, V)>,
    ) -> Self {
        let pairs = pairs.into_iter();
        let mut batch = Self { bytes: Vec::new(), spans: Vec::with_capacity(pairs.size_hint().0) };
        for (key, value) in pairs {
            let span = batch.append(key.as_ref(), value.as_ref());
            batch.spans.push(span);
        }
        batch
    }

    /// Creates a batch of keys without values, copied; each once.
    ///
    /// # Panics
    /// If the keys together exceed 4 GiB.
    pub fn from_keys<K: AsRef<[u8]>>(keys: impl IntoIterator<Item = K>) -> Self {
        Self::from_pairs(keys.into_iter().map(|key| (key, [])))
    }

    fn plain_key(&self, index: usize) -> Option<&[u8]> {
        self.get(index).map(|(key, _)| plain(key))
    }

    fn append(&mut self, key: &[u8], value: &[u8]) -> Span {
        let at = |len: usize| u32::try_from(len).expect("a batch holds at most 4 GiB");
        let key_start = at(self.bytes.len());
        self.bytes.extend_from_slice(key);
        let value_start = at(self.bytes.len());
        self.bytes.extend_from_slice(value);
        at(self.bytes.len());
        Span {
            key: key_start,
            key_len: value_start - key_start,
            value: value_start,
            value_len: at(value.len()),
        }
    }

    /// Returns the number of entries.
    pub fn len(&self) -> usize {
        self.spans.len()
    }

    /// Returns true without entries.
    pub fn is_empty(&self) -> bool {
        self.spans.is_empty()
    }

    /// Entry `index`: key and value.
    pub fn get(&self, index: usize) -> Option<(&[u8], &[u8])> {
        self.spans.get(index).map(|span| self.at(span))
    }

    /// Returns all entries in order: key and value.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&[u8], &[u8])> {
        self.spans.iter().map(|span| self.at(span))
    }

    /// Sum of the lengths of all keys and values in bytes.
    pub fn payload_bytes(&self) -> usize {
        self.spans.iter().map(|s| s.key_len as usize + s.value_len as usize).sum()
    }

    fn at(&self, span: &Span) -> (&[u8], &[u8]) {
        let slice = |start: u32, len: u32| &self.bytes[start as usize..start as usize + len as usize];
        (slice(span.key, span.key_len), slice(span.value, span.value_len))
    }
}

/// Returns the key without its partition decoration, if that can be taken off.
fn plain(key: &[u8]) -> &[u8] {
    undecorated_key(key).unwrap_or(key)
}

/// A span that leaves the buffer of its batch.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("entry {index} lies outside the bytes of its batch")]
pub struct OutOfBounds {
    /// Index of the first such entry.
    pub index: usize,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_key_given_twice_the_last_value_counts() {
        let plain = &b"\x15\x41\x05"[..];
        let pairs =
            [(&b"a"[..], "1"), (plain, "2"), (b"b", "3"), (b"\x0d\x07\x15\x41\x05", "4"), (b"a", "5")];
        let batch = Entries::from_pairs(pairs);
        let entries: Vec<_> = batch.iter().collect();
        assert_eq!(entries, [(&b"a"[..], &b"5"[..]), (b"\x0d\x07\x15\x41\x05", b"4"), (b"b", b"3")]);
        assert_eq!(Entries::from_keys(["a", "b", "a", "a"]).len(), 2);
    }

    #[test]
    fn unique_pairs_make_the_same_batch_without_comparing_keys() {
        let pairs = || (0..1_000_u32).map(|n| (n.to_be_bytes(), vec![b'v'; n as usize % 7]));
        assert_eq!(Entries::from_unique_pairs(pairs()), Entries::from_pairs(pairs()));
        assert_eq!(Entries::from_unique_pairs([("a", "1"), ("a", "2")]).len(), 2);
    }
}
