//! Entries of a map, as JSON.

use std::time::{Duration, Instant};

use axum::body::Bytes;
use coherence_kafka_common::map::{Format, KeyPage, MapError, NamedMap, Session};
use serde_json::{Value, json};

use super::hex::hex;
use super::place::Place;
use super::shown::Shown;

/// Maximum bytes of the text of a key.
const KEY_BYTES: usize = 1 << 10;
/// The same of a value on a page of entries.
const VALUE_BYTES: usize = 4 << 10;
/// The same of a value that was looked up.
const LOOKED_UP_BYTES: usize = 64 << 10;
/// A page ends after this time, with what was found: most partitions of a grid may be empty.
const SCAN: Duration = Duration::from_secs(3);

/// The entries that a question asks for.
#[derive(Debug)]
pub(super) enum Which {
    /// Those behind a place.
    Page {
        /// The place.
        place: Place,
        /// How many at most.
        limit: usize,
    },
    /// Those of these keys.
    Keys(Vec<Vec<u8>>),
}

/// Reads the entries. Values are read one by one: no more than one is held.
pub(super) async fn read(session: &dyn Session, map: &str, which: Which) -> Result<Value, MapError> {
    let map = session.map(map).await?;
    let format = session.format();
    let mut entries = Vec::new();
    let next = match which {
        Which::Page { place, limit } => {
            let (keys, next) = keys(&*map, place, limit, Instant::now() + SCAN).await?;
            for key in keys {
                entries.extend(entry(&*map, format, &key, VALUE_BYTES).await?);
            }
            next
        }
        Which::Keys(keys) => {
            for key in keys {
                // A `get` of a key that is absent would have a cache store load it.
                if map.contains_key(&key).await? {
                    entries.extend(entry(&*map, format, &key, LOOKED_UP_BYTES).await?);
                }
            }
            None
        }
    };
    Ok(json!({"format": format.name(), "entries": entries, "next": next.map(|next| next.to_string())}))
}

/// Reads up to `limit` keys behind a place, and where the next ones are.
async fn keys(
    map: &dyn NamedMap,
    place: Place,
    limit: usize,
    until: Instant,
) -> Result<(Vec<Bytes>, Option<Place>), MapError> {
    let mut found = Vec::new();
    let mut at = Some(place);
    while let Some(Place { cookie, skip }) = at {
        let KeyPage { mut keys, next } = map.page_of_keys(cookie.clone()).await?;
        // A page may be read again with its keys in another order.
        keys.sort_unstable();
        let begin = skip.min(keys.len());
        let end = keys.len().min(begin + limit.saturating_sub(found.len()));
        let is_whole = end == keys.len();
        found.extend(keys.drain(begin..end));
        at = match is_whole {
            true => next.map(|cookie| Place { cookie, skip: 0 }),
            false => Some(Place { cookie, skip: end }),
        };
        if found.len() >= limit || Instant::now() >= until {
            break;
        }
    }
    Ok((found, at))
}

/// Reads an entry; `None` where it is gone meanwhile.
async fn entry(
    map: &dyn NamedMap,
    format: Format,
    key: &[u8],
    max: usize,
) -> Result<Option<Value>, MapError> {
    let value = match map.get(key).await {
        Ok(Some(value)) => Shown::binary(&value, format, max),
        Ok(None) => return Ok(None),
        Err(error @ MapError::TooLarge { .. }) => Shown::missing(error.to_string()),
        Err(error) => return Err(error),
    };
    let shown = Shown::binary(key, format, KEY_BYTES);
    // By this a client asks for the entry again, whatever the type of its key.
    let binary = (key.len() <= KEY_BYTES).then(|| hex(key));
    Ok(Some(json!({"key": shown.to_json(), "value": value.to_json(), "binary": binary})))
}

#[cfg(test)]
mod tests;
