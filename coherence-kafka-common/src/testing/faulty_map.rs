//! A map whose script decides what becomes of each request.

use std::sync::Arc;

use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use super::request::{Answer, Operation, Request, Script, Target};
use crate::map::{Entries, Expiry, Listen, MapError, MapNotices, NamedMap};

/// A map that asks a script about each request: see [`testing`](super).
#[derive(Debug)]
pub struct FaultyMap {
    pub(super) target: Target,
    pub(super) script: Arc<Script>,
}

impl FaultyMap {
    /// Creates a map before `map`.
    pub fn new<F>(map: Arc<dyn NamedMap>, script: impl Fn(Request) -> F + Send + Sync + 'static) -> Self
    where
        F: Future<Output = Answer> + Send + 'static,
    {
        Self { target: Target { map, gate: None }, script: Script::new(script) }
    }

    /// Returns all requests, in the order in which they were made. More than 100,000 fail the test.
    pub fn requests(&self) -> Vec<Request> {
        self.script.requests()
    }

    async fn answer(&self, operation: Operation, entries: Arc<Entries>) -> Answer {
        self.script.answer(Request::to(&self.target, operation, entries)).await
    }
}

fn one(key: &[u8], value: &[u8]) -> Arc<Entries> {
    Arc::new(Entries::from_unique_pairs([(key, value)]))
}

impl NamedMap for FaultyMap {
    fn name(&self) -> &str {
        self.target.map.name()
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        async move {
            self.answer(Operation::Get, one(key, &[])).await?;
            self.target.map.get(key).await
        }
        .boxed()
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.answer(Operation::Put(expiry), one(key, value)).boxed()
    }

    fn put_all(&self, entries: Arc<Entries>, expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        self.answer(Operation::PutAll(expiry), entries).map(|answer| answer.map(drop)).boxed()
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.answer(Operation::Remove, one(key, &[])).boxed()
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        self.answer(Operation::RemoveAll, keys).map(|answer| answer.map(drop)).boxed()
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        async move {
            self.answer(Operation::Size, Arc::default()).await?;
            self.target.map.size().await
        }
        .boxed()
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        let answer = self.answer(Operation::Entries, Arc::default());
        stream::once(answer).map_ok(|_| self.target.map.entries()).try_flatten().boxed()
    }

    fn listen(&self, listen: Listen) -> BoxFuture<'_, Result<MapNotices, MapError>> {
        async move {
            self.answer(Operation::Listen, Arc::default()).await?;
            self.target.map.listen(listen).await
        }
        .boxed()
    }
}
