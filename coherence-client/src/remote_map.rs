//! A map of the grid.

use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::map::{Entries, Expiry, Listen, MapError, MapNotices, NamedMap};
use futures::future::{BoxFuture, join_all};
use futures::stream::{self, BoxStream};
use futures::{FutureExt as _, StreamExt as _, TryStreamExt as _};

use crate::answer::{self, Answer};
use crate::proto::common::{BinaryKeyAndValue, OptionalValue};
use crate::request::Request;
use crate::session::Grid;
use crate::split::{Purpose, check_key, split};

const ENTRY: &str = "coherence.common.v1.BinaryKeyAndValue";
const OPTIONAL_VALUE: &str = "coherence.common.v1.OptionalValue";
const BYTES_VALUE: &str = "google.protobuf.BytesValue";
const INT32_VALUE: &str = "google.protobuf.Int32Value";

/// A map of a grid, by name. Survives streams: after a gap its next call ensures it again.
///
/// Bytes pass as they are: nothing is decorated, nothing stripped. The grid takes keys with and without the `0x0D`
/// partition decoration and gives them back without; values come back as they are stored, which for write-behind
/// maps includes the grid's own decorations until an entry has been flushed.
#[derive(Debug)]
pub struct RemoteMap {
    grid: Arc<Grid>,
    name: String,
}

impl RemoteMap {
    pub(crate) fn new(grid: Arc<Grid>, name: &str) -> Self {
        Self { grid, name: name.to_owned() }
    }

    /// Sends a batch as requests side by side, and ends when all of them have ended.
    async fn send_batch(&self, entries: Arc<Entries>, purpose: Purpose) -> Result<(), MapError> {
        let calls = split(&entries, purpose)?.into_iter().map(|batch| {
            let format = self.grid.format();
            self.grid.call(&self.name, batch.encoded_len, move |cache_id| match purpose {
                Purpose::Put => Request::PutAll { cache_id, batch },
                Purpose::Remove => Request::RemoveAll { cache_id, format, batch },
            })
        });
        // An error that passes comes first: the others show themselves again when the batch is repeated.
        let mut errors: Vec<_> = join_all(calls).await.into_iter().filter_map(Result::err).collect();
        errors.sort_by_key(|error| !error.is_retriable());
        errors.into_iter().next().map_or(Ok(()), Err)
    }

    async fn call(&self, bytes: usize, request: impl FnOnce(i32) -> Request) -> Result<Answer, MapError> {
        self.grid.call(&self.name, bytes, request).await
    }

    /// One page: the cookie of the next one, empty after the last, and the entries of this one.
    async fn page(&self, cookie: &Bytes, into: &mut Vec<(Bytes, Bytes)>) -> Result<Bytes, MapError> {
        let answer = self.call(cookie.len(), |cache_id| Request::page_of_entries(cache_id, cookie)).await?;
        let mut messages = answer.into_iter();
        let next = messages.next().ok_or_else(|| answer::unreadable("a page without a cookie".to_owned()))?;
        let next = answer::inner(next, BYTES_VALUE)?;
        for message in messages {
            let entry: BinaryKeyAndValue = answer::inner(message, ENTRY)?;
            into.push((entry.key, entry.value));
        }
        Ok(next)
    }
}

impl NamedMap for RemoteMap {
    fn name(&self) -> &str {
        &self.name
    }

    fn put_all(&self, entries: Arc<Entries>, _expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        self.send_batch(entries, Purpose::Put).boxed()
    }

    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        self.send_batch(keys, Purpose::Remove).boxed()
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        async move {
            check_key(key)?;
            let answer = self.call(key.len(), |cache_id| Request::get(cache_id, key)).await?;
            let found: OptionalValue = answer::single(answer, OPTIONAL_VALUE)?;
            Ok(found.present.then_some(found.value))
        }
        .boxed()
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        async move {
            let size: i32 = answer::single(self.call(0, Request::size).await?, INT32_VALUE)?;
            usize::try_from(size).map_err(|_| answer::unreadable(format!("a size of {size}")))
        }
        .boxed()
    }

    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        let pages = stream::try_unfold(Some(Bytes::new()), async move |cookie| {
            let Some(cookie) = cookie else { return Ok(None) };
            let mut entries = Vec::new();
            let next = self.page(&cookie, &mut entries).await?;
            if !next.is_empty() && next == cookie {
                return Err(answer::unreadable("the same page twice".to_owned()));
            }
            let entries = stream::iter(entries.into_iter().map(Ok));
            Ok(Some((entries, (!next.is_empty()).then_some(next))))
        });
        pages.try_flatten().boxed()
    }

    fn listen(&self, listen: Listen) -> BoxFuture<'_, Result<MapNotices, MapError>> {
        self.grid.listen(&self.name, listen).boxed()
    }
}
