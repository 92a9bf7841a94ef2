//! A map whose entries expire after a time unless they are put with another: `expiry-delay`.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, Expiry, Listen, MapError, MapNotices, NamedMap};
use futures::future::BoxFuture;
use futures::stream::BoxStream;

/// Below the read-write backing map, so that the store sees the arguments of the caller: an entry that expires as its
/// map is configured has no header for it.
#[derive(Debug)]
pub(super) struct Expiring {
    map: Arc<dyn NamedMap>,
    delay: Duration,
}

impl Expiring {
    pub(super) fn new(map: Arc<dyn NamedMap>, delay: Duration) -> Self {
        Self { map, delay }
    }

    fn expiry(&self, given: Expiry) -> Expiry {
        match given {
            Expiry::Default => Expiry::After(self.delay),
            own => own,
        }
    }
}

impl NamedMap for Expiring {
    fn name(&self) -> &str {
        self.map.name()
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.map.get(key)
    }

    fn get_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>> {
        self.map.get_all(keys)
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.map.put(key, value, self.expiry(expiry))
    }

    fn put_all(&self, entries: Arc<Entries>, expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        self.map.put_all(entries, self.expiry(expiry))
    }

    /// A second put, with a time, could replace a value that another client has written meanwhile.
    fn put_if_absent<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.map.put_if_absent(key, value)
    }

    /// As [`NamedMap::put_if_absent`].
    fn replace<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.map.replace(key, value)
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.map.remove(key)
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        self.map.remove_all(keys)
    }

    fn contains_key<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<bool, MapError>> {
        self.map.contains_key(key)
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        self.map.size()
    }

    fn is_empty(&self) -> BoxFuture<'_, Result<bool, MapError>> {
        self.map.is_empty()
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.map.clear()
    }

    fn truncate(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.map.truncate()
    }

    fn destroy(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.map.destroy()
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        self.map.entries()
    }

    fn keys(&self) -> BoxStream<'_, Result<Bytes, MapError>> {
        self.map.keys()
    }

    fn listen(&self, listen: Listen) -> BoxFuture<'_, Result<MapNotices, MapError>> {
        self.map.listen(listen)
    }
}
