//! Cuts the entries of one call into requests that the grid accepts.
//!
//! Pure. Keeps the size limits; checks every entry before the first request leaves, so that a call with an entry
//! that cannot be sent sends nothing.

use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::binary::FMT_IDO;
use coherence_kafka_common::decoration::undecorated_key;
use coherence_kafka_common::map::{Entries, MapError};

use crate::limits::{
    ENVELOPE_BYTES, MAX_ENTRY_BYTES, MAX_MESSAGE_BYTES, MAX_REQUEST_BYTES, MAX_REQUEST_ENTRIES,
};
use crate::request::{Batch, entry_len, key_len};

/// The purpose of a batch, which decides whether keys or entries are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Keys and values.
    Puts,
    /// Keys alone.
    Keys,
}

/// Returns the requests for `entries`, in order, none empty; none at all for an empty batch. In each of them `beside`
/// bytes travel with the entries: an agent.
///
/// # Errors
/// [`MapError::NotSent`] for the first entry that is empty where it must not be, or too large for any request, or whose
/// key bears a decoration that cannot be taken off.
pub(crate) fn split(entries: &Arc<Entries>, purpose: Purpose, beside: usize) -> Result<Vec<Batch>, MapError> {
    let beside = ENVELOPE_BYTES + beside;
    let mut batches = Vec::new();
    let (mut start, mut encoded_len) = (0, 0);
    for (index, (key, value)) in entries.iter().enumerate() {
        let len =
            check_entry(key, value, purpose, beside).map_err(|reason| MapError::NotSent { index, reason })?;
        let full = beside + encoded_len + len > MAX_REQUEST_BYTES || index - start == MAX_REQUEST_ENTRIES;
        if full && index > start {
            batches.push(Batch { entries: entries.clone(), range: start..index, encoded_len });
            (start, encoded_len) = (index, 0);
        }
        encoded_len += len;
    }
    if start < entries.len() {
        batches.push(Batch { entries: entries.clone(), range: start..entries.len(), encoded_len });
    }
    Ok(batches)
}

/// Returns the one entry as a batch.
///
/// # Errors
/// [`MapError::NotSent`] as [`split`] has it.
pub(crate) fn single(key: &[u8], value: &[u8]) -> Result<Batch, MapError> {
    check_single(key, value)?;
    Ok(Batch::one(&Arc::new(Entries::from_pairs([(key, value)])), 0))
}

/// Refuses an entry that cannot be put.
pub(crate) fn check_single(key: &[u8], value: &[u8]) -> Result<(), MapError> {
    check_beside(key, value, 0)
}

/// Refuses an entry that cannot be put by a request that carries `beside` other bytes.
pub(crate) fn check_beside(key: &[u8], value: &[u8], beside: usize) -> Result<(), MapError> {
    match check_entry(key, value, Purpose::Puts, ENVELOPE_BYTES + beside) {
        Ok(_) => Ok(()),
        Err(reason) => Err(MapError::NotSent { index: 0, reason }),
    }
}

/// Refuses agents and filters that together fit into no request.
pub(crate) fn check_agent(parts: &[&Bytes]) -> Result<(), MapError> {
    let len: usize = parts.iter().map(|part| part.len()).sum();
    if ENVELOPE_BYTES + len > MAX_MESSAGE_BYTES {
        return Err(MapError::Misuse(format!(
            "an agent or filter of {len} bytes does not fit into one request: the grid accepts at most \
             {MAX_MESSAGE_BYTES} bytes"
        )));
    }
    Ok(())
}

/// Refuses a key that no request with `beside` other bytes can carry.
pub(crate) fn check_key(key: &[u8], beside: usize) -> Result<(), MapError> {
    match check_entry(key, &[], Purpose::Keys, ENVELOPE_BYTES + beside) {
        Ok(_) => Ok(()),
        Err(reason) => Err(MapError::NotSent { index: 0, reason }),
    }
}

/// Returns the encoded length of an entry, or of its key alone, that can be sent with `beside` other bytes in its
/// request.
fn check_entry(key: &[u8], value: &[u8], purpose: Purpose, beside: usize) -> Result<usize, String> {
    let key = undecorated_key(key).map_err(|error| format!("the key cannot be read: {error}"))?;
    match key {
        [] => return Err("the key has no bytes".to_owned()),
        // The grid takes it, and from then on Java cannot read the keys of the map.
        [FMT_IDO, ..] => return Err("the key has one partition decoration inside another".to_owned()),
        _ => {}
    }
    // The grid accepts it, and the next get of it never answers and blocks a storage thread for good.
    if value.is_empty() && purpose == Purpose::Puts {
        return Err("the value has no bytes".to_owned());
    }
    let len = match purpose {
        Purpose::Puts => entry_len(key, value),
        Purpose::Keys => key_len(key),
    };
    // Entries to the byte as `max_entry_bytes` of the session has it, though a few more bytes might fit.
    let entry_fits = purpose == Purpose::Keys || key.len() + value.len() <= MAX_ENTRY_BYTES;
    if beside + len > MAX_MESSAGE_BYTES || !entry_fits {
        let (key, value) = (key.len(), value.len());
        return Err(match purpose {
            Purpose::Puts => format!(
                "a key of {key} and a value of {value} bytes do not fit into one request: the grid accepts at most \
                 {MAX_MESSAGE_BYTES} bytes"
            ),
            Purpose::Keys => format!(
                "a key of {key} bytes does not fit into one request: the grid accepts at most {MAX_MESSAGE_BYTES} bytes"
            ),
        });
    }
    Ok(len)
}

#[cfg(test)]
mod tests {
    use coherence_kafka_common::map::Span;
    use proptest::prelude::*;

    use super::*;
    use crate::proto::cache::NamedCacheRequestType as Kind;
    use crate::request::{Frame, Request};

    /// Entries of these sizes; that keys are the same does not matter here.
    fn sized(sizes: &[(usize, usize)]) -> Arc<Entries> {
        let mut bytes = Vec::new();
        let spans = sizes.iter().map(|(key_len, value_len)| {
            let key = bytes.len();
            bytes.resize(key + key_len + value_len, 1);
            let [key, key_len, value, value_len] =
                [key, *key_len, key + key_len, *value_len].map(|n| u32::try_from(n).unwrap());
            Span { key, key_len, value, value_len }
        });
        let spans = spans.collect();
        Arc::new(Entries::new(bytes, spans).unwrap())
    }

    fn encoded(request: Request) -> usize {
        let mut out = Vec::new();
        Frame { id: i64::MAX, request, gate: None }.encode(&mut out);
        out.len()
    }

    /// Returns the largest request that carries the batch.
    fn encoded_batch(batch: &Batch, purpose: Purpose, agent: &Bytes) -> usize {
        let (cache_id, batch) = (-1, batch.clone());
        match purpose {
            Purpose::Puts => encoded(Request::PutAll { cache_id, batch }),
            Purpose::Keys => encoded(Request::GetAll { cache_id, batch: batch.clone() })
                .max(encoded(Request::Execute { kind: Kind::Invoke, cache_id, agent: agent.clone(), batch })),
        }
    }

    #[test]
    fn an_empty_batch_makes_no_request() {
        for purpose in [Purpose::Puts, Purpose::Keys] {
            assert!(split(&sized(&[]), purpose, 0).unwrap().is_empty());
        }
    }

    #[test]
    fn a_request_holds_at_most_ten_thousand_entries() {
        let batches = split(&sized(&vec![(1, 1); 20_001]), Purpose::Puts, 0).unwrap();
        let lengths: Vec<_> = batches.iter().map(|b| b.range.len()).collect();
        assert_eq!(lengths, [10_000, 10_000, 1]);
    }

    #[test]
    fn the_largest_entry_that_fits_travels_alone() {
        let fits = MAX_ENTRY_BYTES;
        let batches = split(&sized(&[(4, 4), (4, fits - 4), (4, 4)]), Purpose::Puts, 0).unwrap();
        assert_eq!(batches.iter().map(|b| b.range.clone()).collect::<Vec<_>>(), [0..1, 1..2, 2..3]);
        assert!(encoded_batch(&batches[1], Purpose::Puts, &Bytes::new()) <= MAX_MESSAGE_BYTES);
        for (key, value) in [(4, fits - 3), (fits, 1)] {
            let error = split(&sized(&[(4, 4), (key, value)]), Purpose::Puts, 0).unwrap_err();
            assert!(matches!(error, MapError::NotSent { index: 1, .. }), "{error:?}");
            assert!(single(&vec![1; key], &vec![2; value]).is_err());
        }
    }

    #[test]
    fn an_entry_that_fits_no_request_is_named_with_its_sizes() {
        let error = split(&sized(&[(4, 4), (4, MAX_MESSAGE_BYTES)]), Purpose::Puts, 0).unwrap_err();
        let MapError::NotSent { index: 1, reason } = error else { panic!("{error:?}") };
        assert!(reason.contains("key of 4 and a value of 4194304 bytes"), "{reason}");
    }

    #[test]
    fn an_entry_without_key_or_value_bytes_is_not_sent() {
        for sizes in [[(1, 1), (0, 1)], [(1, 1), (1, 0)]] {
            let error = split(&sized(&sizes), Purpose::Puts, 0).unwrap_err();
            assert!(matches!(error, MapError::NotSent { index: 1, .. }), "{error:?}");
        }
        assert!(split(&sized(&[(1, 0)]), Purpose::Keys, 0).is_ok());
        assert!(split(&sized(&[(0, 0)]), Purpose::Keys, 0).is_err());
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]

        #[test]
        fn requests_cover_every_entry_once_and_stay_below_the_limits(
            sizes in prop::collection::vec((1usize..300, prop_oneof![
                5 => 1usize..3000,
                2 => 100_000usize..900_000,
                1 => 3_400_000usize..4_190_000,
            ]), 0..30),
            purpose in prop_oneof![Just(Purpose::Puts), Just(Purpose::Keys)],
            // A key may be as large as a value.
            turned: bool,
            agent in prop_oneof![Just(0usize), 10usize..200, Just(100_000)],
        ) {
            let sizes: Vec<_> =
                sizes.into_iter().map(|(key, value)| if turned { (value, key) } else { (key, value) }).collect();
            let agent = Bytes::from(vec![0; agent]);
            let split = split(&sized(&sizes), purpose, agent.len());
            let too_large = sizes.iter().position(|(key, value)| match purpose {
                Purpose::Puts => {
                    let len = ENVELOPE_BYTES + agent.len() + entry_len(&vec![0; *key], &vec![0; *value]);
                    len > MAX_MESSAGE_BYTES || key + value > MAX_ENTRY_BYTES
                }
                Purpose::Keys => ENVELOPE_BYTES + agent.len() + key_len(&vec![0; *key]) > MAX_MESSAGE_BYTES,
            });
            let batches = match (split, too_large) {
                (Err(MapError::NotSent { index, .. }), Some(first)) => {
                    prop_assert_eq!(index, first);
                    return Ok(());
                }
                (split, _) => split.unwrap(),
            };
            let mut next = 0;
            for batch in &batches {
                prop_assert_eq!(batch.range.start, next);
                prop_assert!(!batch.range.is_empty());
                next = batch.range.end;
                let limit = if batch.range.len() == 1 { MAX_MESSAGE_BYTES } else { MAX_REQUEST_BYTES };
                prop_assert!(encoded_batch(batch, purpose, &agent) <= limit);
            }
            prop_assert_eq!(next, sizes.len());
        }
    }
}
