//! The calls of a map: reads from the map below, changes with their records.

use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, Expiry, Listen, MapError, MapNotices, NamedMap};
use futures::FutureExt as _;
use futures::future::BoxFuture;
use futures::stream::BoxStream;

use super::ReadWriteBackingMap;
use super::change::{Change, answer};

impl NamedMap for ReadWriteBackingMap {
    fn name(&self) -> &str {
        self.shared.map.name()
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.shared.map.get(key)
    }

    fn get_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>> {
        self.shared.map.get_all(keys)
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.shared.change(key, Change::Put(Bytes::copy_from_slice(value), expiry)).boxed()
    }

    fn put_all(&self, entries: Arc<Entries>, expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        let len = entries.len();
        async move { answer(&self.put_all_outcomes(entries, expiry).await?, len) }.boxed()
    }

    fn put_if_absent<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.shared.change(key, Change::PutIfAbsent(Bytes::copy_from_slice(value))).boxed()
    }

    fn replace<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.shared.change(key, Change::Replace(Bytes::copy_from_slice(value))).boxed()
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.shared.change(key, Change::Remove).boxed()
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        let len = keys.len();
        async move { answer(&self.remove_all_outcomes(keys).await?, len) }.boxed()
    }

    fn contains_key<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<bool, MapError>> {
        self.shared.map.contains_key(key)
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        self.shared.map.size()
    }

    fn is_empty(&self) -> BoxFuture<'_, Result<bool, MapError>> {
        self.shared.map.is_empty()
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.shared.clear().boxed()
    }

    fn truncate(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.shared.below(|map| map.truncate()).boxed()
    }

    fn destroy(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.shared.below(|map| map.destroy()).boxed()
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        self.shared.map.entries()
    }

    fn keys(&self) -> BoxStream<'_, Result<Bytes, MapError>> {
        self.shared.map.keys()
    }

    fn listen(&self, listen: Listen) -> BoxFuture<'_, Result<MapNotices, MapError>> {
        self.shared.map.listen(listen)
    }
}
