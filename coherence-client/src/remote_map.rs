//! A map of the grid.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::key_locks::{Access, KeyGuard, KeyLocks, Keys};
use coherence_kafka_common::map::{
    Entries, Expiry, Format, KeyPage, Listen, MapError, MapNotices, NamedMap, SendGate, Targets,
};
use futures::future::{BoxFuture, join_all};
use futures::stream::{BoxStream, FuturesUnordered, StreamExt as _};
use futures::{FutureExt as _, TryFutureExt as _};

use crate::answer::{self, Answer};
use crate::limits::MAX_REQUESTS_IN_FLIGHT;
use crate::proto::cache::NamedCacheRequestType as Kind;
use crate::proto::common::OptionalValue;
use crate::request::{Batch, PUT_NEWER_END, Request, put_if_absent_agent, put_newer_head, remove_agent};
use crate::session_core::SessionCore;
use crate::split::{Purpose, check_beside, check_key, check_single, single, split};

mod agents;
mod pages;

const ENTRY: &str = "coherence.common.v1.BinaryKeyAndValue";
const OPTIONAL_VALUE: &str = "coherence.common.v1.OptionalValue";
const BYTES_VALUE: &str = "google.protobuf.BytesValue";
const BOOL_VALUE: &str = "google.protobuf.BoolValue";
const INT32_VALUE: &str = "google.protobuf.Int32Value";

/// A map of a grid, by name. Survives streams: after a gap its next call ensures it again. Cheap to clone; clones are
/// one handle.
///
/// **Bytes.** Values are written as they are, keys without their `0x0D` partition decoration: a grid would believe the
/// hash in it. A key that is decorated twice, or cut off in its decoration, is [`MapError::NotSent`]. Keys come back
/// without, too. Values come back without the decorations `0x12` and `0x13`, which the grid adds to what waits in
/// write-behind. Where a call answers with a value or `None`, a serialized null is `None`; only [`NamedMap::get`],
/// [`NamedMap::get_all`] and the scans distinguish an entry with null from a missing one.
///
/// **Order.** A grid runs the requests of a client side by side and finishes them in any order. One handle therefore
/// never has two requests for one key in flight, reads aside: a call waits for the calls before it that concern one of
/// its keys, in the order in which their futures were first polled, and a call that changes all of the map waits for
/// every other. A key is taken when the first of its calls is polled, so a future must not be left unpolled while
/// others wait for its key. Calls that read many entries without naming keys (`size`, `entries`, queries) neither wait
/// nor are waited for. Two handles are independent of each other. Callers that order calls by other means use
/// [`RemoteMap::unordered`].
///
/// **Errors.** Every request ends in exactly one of the kinds of [`MapError`]; none of their texts contains a key or a
/// value. A call of several requests ends when all of them have ended, with an error that passes rather than with one
/// that does not.
#[derive(Clone)]
pub struct RemoteMap {
    core: Arc<SessionCore>,
    name: Arc<str>,
    /// `None` where the caller keeps the order.
    order: Option<Arc<KeyLocks>>,
    /// Asked for each request that changes entries.
    gate: Option<Arc<dyn SendGate>>,
}

impl RemoteMap {
    pub(crate) fn new(core: Arc<SessionCore>, name: &str) -> Self {
        Self { core, name: name.into(), order: Some(Arc::default()), gate: None }
    }

    /// Returns the same map, whose changes ask `gate` for each request: see [`Session::gated_map`].
    ///
    /// [`Session::gated_map`]: coherence_kafka_common::map::Session::gated_map
    pub fn gated(&self, gate: &Arc<dyn SendGate>) -> Self {
        Self { gate: Some(gate.clone()), ..self.clone() }
    }

    /// Returns the same map without order among the calls for one key, for callers that have none of them in flight
    /// together, or for which any of them may come last.
    pub fn unordered(&self) -> Self {
        Self { order: None, ..self.clone() }
    }

    /// Claims a key that the grid accepts.
    async fn claim_key(&self, key: &[u8], access: Access) -> Result<Option<Arc<KeyGuard>>, MapError> {
        self.core.check_keys(std::iter::once(key))?;
        Ok(match &self.order {
            Some(order) => Some(Arc::new(order.claim(order.one(key), access).await)),
            None => None,
        })
    }

    /// Claims keys that the grid accepts.
    async fn claim(&self, keys: Keys, access: Access) -> Result<Option<Arc<KeyGuard>>, MapError> {
        if let Keys::Batch(entries) = &keys {
            self.core.check_keys(entries.iter().map(|(key, _)| key))?;
        }
        Ok(match &self.order {
            Some(order) => Some(Arc::new(order.claim(keys, access).await)),
            None => None,
        })
    }

    async fn call(
        &self,
        claim: Option<Arc<KeyGuard>>,
        bytes: usize,
        request: impl FnOnce(i32) -> Request,
    ) -> Result<Answer, MapError> {
        self.core.call_change(&self.name, bytes, claim, self.gate.as_ref(), request).await
    }

    /// Runs a request that changes nothing and names no key.
    async fn ask(&self, bytes: usize, request: impl FnOnce(i32) -> Request) -> Result<Answer, MapError> {
        self.core.call(&self.name, bytes, request).await
    }

    /// Runs a request about one key.
    async fn call_key(&self, kind: Kind, key: &[u8], access: Access) -> Result<Answer, MapError> {
        check_key(key, 0)?;
        let claim = self.claim_key(key, access).await?;
        self.call(claim, key.len(), |cache_id| Request::of_key(kind, cache_id, key)).await
    }

    /// Runs a request that changes all of the map.
    async fn call_map(&self, kind: Kind) -> Result<(), MapError> {
        let claim = self.claim(Keys::All, Access::Write).await?;
        self.call(claim, 0, |cache_id| Request::of_map(kind, cache_id)).await.map(|_| ())
    }

    /// Writes one entry; the value that the grid answers with.
    async fn call_entry(
        &self,
        kind: Kind,
        key: &[u8],
        value: &[u8],
        ttl: Option<i64>,
    ) -> Result<Option<Bytes>, MapError> {
        let batch = single(key, value)?;
        let claim = self.claim_key(key, Access::Write).await?;
        self.call_single(claim, kind, batch, ttl).await
    }

    async fn call_single(
        &self,
        claim: Option<Arc<KeyGuard>>,
        kind: Kind,
        batch: Batch,
        ttl: Option<i64>,
    ) -> Result<Option<Bytes>, MapError> {
        let bytes = batch.encoded_len;
        let request = |cache_id| Request::Entry { kind, cache_id, batch, ttl };
        let previous = answer::single(self.call(claim, bytes, request).await?, BYTES_VALUE)?;
        Ok(answer::value_or_none(previous))
    }

    /// Sends the batches of one call concurrently, each with `beside` bytes of an agent, and ends when all of them have
    /// ended.
    async fn call_batches(
        &self,
        batches: Vec<Batch>,
        beside: usize,
        claim: Option<Arc<KeyGuard>>,
        request: impl Fn(i32, Batch) -> Request,
    ) -> Result<Vec<Answer>, MapError> {
        let request = &request;
        let calls = batches.into_iter().map(|batch| {
            let bytes = batch.encoded_len + beside;
            self.call(claim.clone(), bytes, move |cache_id| request(cache_id, batch))
        });
        let calls = join_all(calls);
        // From here on the requests alone hold the keys.
        drop(claim);
        let mut answers = Vec::new();
        let mut failure = Failure::default();
        for result in calls.await {
            match result {
                Ok(answer) => answers.push(answer),
                Err(error) => failure.take(error),
            }
        }
        failure.or(answers)
    }

    /// Sends one `Put` for each entry, concurrently: with a `PutAll` the grid would store nulls.
    async fn put_each(&self, entries: Arc<Entries>, ttl: i64) -> Result<(), MapError> {
        // What cannot be sent is found before anything is sent.
        split(&entries, Purpose::Puts, 0)?;
        let claim = self.claim(Keys::Batch(entries.clone()), Access::Write).await?;
        let put = |index| {
            self.call_single(claim.clone(), Kind::Put, Batch::one(&entries, index), Some(ttl)).map_ok(drop)
        };
        each(entries.len(), put).await
    }

    /// Runs an agent of its own for each entry, concurrently: one agent compares all entries with one version.
    async fn put_each_newer(
        &self,
        entries: Arc<Entries>,
        field: &[String],
        version: i64,
    ) -> Result<(), MapError> {
        if self.core.format() != Format::Pof {
            return Err(MapError::Misuse("put_newer needs a session whose format is pof".to_owned()));
        }
        let head = put_newer_head(field, version);
        split(&entries, Purpose::Puts, head.len() + PUT_NEWER_END.len())?;
        let not_pof = entries.iter().position(|(_, value)| value.first() != Some(&FMT_EXT));
        if let Some(index) = not_pof {
            return Err(MapError::NotSent {
                index,
                reason: "the value is not 0x15 and a POF value".to_owned(),
            });
        }
        let claim = self.claim(Keys::Batch(entries.clone()), Access::Write).await?;
        let put = |index| {
            let (key, value) = entries.get(index).unwrap_or_default();
            let agent = Bytes::from([&head[..], value.get(1..).unwrap_or_default(), PUT_NEWER_END].concat());
            let bytes = key.len() + agent.len();
            let key = Bytes::copy_from_slice(key);
            let request = move |cache_id| Request::invoke(cache_id, agent, &key);
            self.call(claim.clone(), bytes, request).map_ok(drop)
        };
        each(entries.len(), put).await
    }
}

/// Runs a request for each of `count` entries, up to the number that may be in flight, and ends when all of them have
/// ended.
async fn each<F: Future<Output = Result<(), MapError>>>(
    count: usize,
    request: impl Fn(usize) -> F,
) -> Result<(), MapError> {
    let mut rest = 0..count;
    let mut calls = FuturesUnordered::new();
    let mut failure = Failure::default();
    loop {
        // An unavailable grid will not accept the others either, nor may a store that fails.
        while calls.len() < MAX_REQUESTS_IN_FLIGHT && !failure.passes() {
            let Some(index) = rest.next() else { break };
            calls.push(request(index));
        }
        match calls.next().await {
            Some(Ok(())) => {}
            Some(Err(error)) => failure.take(error),
            None => break,
        }
    }
    failure.or(())
}

/// The error of a call of several requests: one that passes comes first, because the others show themselves again
/// when the call is repeated.
#[derive(Default)]
struct Failure(Option<MapError>);

impl Failure {
    fn take(&mut self, error: MapError) {
        let rank = |error: &MapError| match error {
            MapError::Unavailable(_) => 3,
            MapError::Unanswered(_) => 2,
            error => u8::from(error.is_retriable()),
        };
        if self.0.as_ref().is_none_or(|first| rank(&error) > rank(first)) {
            self.0 = Some(error);
        }
    }

    /// Returns true where the same call may succeed later.
    fn passes(&self) -> bool {
        self.0.as_ref().is_some_and(MapError::is_retriable)
    }

    fn or<T>(self, success: T) -> Result<T, MapError> {
        self.0.map_or(Ok(success), Err)
    }
}

/// Returns the time to live of a `Put` in milliseconds, as the protocol has it: unset for the map's own.
fn ttl(expiry: Expiry) -> Result<Option<i64>, MapError> {
    match expiry {
        Expiry::Default => Ok(None),
        Expiry::Never => Ok(Some(-1)),
        Expiry::After(_) => expiry.after_millis(),
    }
}

/// Returns the entries of an answer that holds nothing else.
fn entries_of(answer: Answer, into: &mut Vec<(Bytes, Bytes)>) -> Result<(), MapError> {
    into.reserve(answer.len());
    for message in answer {
        into.push(entry_of(message)?);
    }
    Ok(())
}

fn entry_of(message: Bytes) -> Result<(Bytes, Bytes), MapError> {
    let (key, value) = answer::entry(&message, ENTRY)?;
    Ok((key, answer::undecorated(value)))
}

impl NamedMap for RemoteMap {
    fn name(&self) -> &str {
        &self.name
    }

    fn get<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        async move {
            let answer = self.call_key(Kind::Get, key, Access::Read).await?;
            let found: OptionalValue = answer::single(answer, OPTIONAL_VALUE)?;
            Ok(found.present.then(|| answer::undecorated(found.value)))
        }
        .boxed()
    }

    fn get_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>> {
        async move {
            let batches = split(&keys, Purpose::Keys, 0)?;
            let claim = self.claim(Keys::Batch(keys), Access::Read).await?;
            let request = |cache_id, batch| Request::GetAll { cache_id, batch };
            let mut present = Vec::new();
            for answer in self.call_batches(batches, 0, claim, request).await? {
                entries_of(answer, &mut present)?;
            }
            Ok(present)
        }
        .boxed()
    }

    fn put<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
        expiry: Expiry,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        async move { self.call_entry(Kind::Put, key, value, ttl(expiry)?).await }.boxed()
    }

    /// With its own expiry every entry is a separate request, which costs a grid many times as much: the
    /// protocol has no batch that would keep the values.
    fn put_all(&self, entries: Arc<Entries>, expiry: Expiry) -> BoxFuture<'_, Result<(), MapError>> {
        async move {
            if let Some(ttl) = ttl(expiry)? {
                return self.put_each(entries, ttl).await;
            }
            let batches = split(&entries, Purpose::Puts, 0)?;
            let claim = self.claim(Keys::Batch(entries), Access::Write).await?;
            let request = |cache_id, batch| Request::PutAll { cache_id, batch };
            self.call_batches(batches, 0, claim, request).await.map(|_| ())
        }
        .boxed()
    }

    /// In JSON by an entry processor: the grid reads the value and writes it as Java does. The protocol's own request
    /// always fails on a map that is JSON itself, because its answer there would be a binary written in JSON.
    fn put_if_absent<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        async move {
            if self.core.format() != Format::Json {
                return self.call_entry(Kind::PutIfAbsent, key, value, None).await;
            }
            check_single(key, value)?;
            let agent = put_if_absent_agent(value).ok_or_else(|| {
                let reason = "the value is not 0x15 and a JSON value".to_owned();
                MapError::NotSent { index: 0, reason }
            })?;
            // The rest of the agent takes some of the room of the largest entry.
            check_beside(key, &[0], agent.len())?;
            self.run_on_key(key, agent).await
        }
        .boxed()
    }

    /// The grid reads the value: its classes must be known there.
    fn replace<'a>(
        &'a self,
        key: &'a [u8],
        value: &'a [u8],
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.call_entry(Kind::Replace, key, value, None).boxed()
    }

    /// By an entry processor for each entry: the grid reads the value, and writes it as Java does.
    fn put_newer<'a>(
        &'a self,
        entries: Arc<Entries>,
        field: &'a [String],
        version: i64,
    ) -> BoxFuture<'a, Result<(), MapError>> {
        self.put_each_newer(entries, field, version).boxed()
    }

    fn remove<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        async move {
            let answer = self.call_key(Kind::Remove, key, Access::Write).await?;
            Ok(answer::value_or_none(answer::single(answer, BYTES_VALUE)?))
        }
        .boxed()
    }

    /// By an entry processor that every grid has: the protocol has no request for it.
    fn remove_all(&self, keys: Arc<Entries>) -> BoxFuture<'_, Result<(), MapError>> {
        let agent = remove_agent(self.core.format());
        async move { self.invoke_batches(keys, agent).await.map(|_| ()) }.boxed()
    }

    fn contains_key<'a>(&'a self, key: &'a [u8]) -> BoxFuture<'a, Result<bool, MapError>> {
        async move { answer::single(self.call_key(Kind::ContainsKey, key, Access::Read).await?, BOOL_VALUE) }
            .boxed()
    }

    fn size(&self) -> BoxFuture<'_, Result<usize, MapError>> {
        async move {
            let answer = self.ask(0, |cache_id| Request::of_map(Kind::Size, cache_id)).await?;
            let size: i32 = answer::single(answer, INT32_VALUE)?;
            usize::try_from(size).map_err(|_| answer::unreadable(format!("a size of {size}")))
        }
        .boxed()
    }

    fn is_empty(&self) -> BoxFuture<'_, Result<bool, MapError>> {
        async move {
            let answer = self.ask(0, |cache_id| Request::of_map(Kind::IsEmpty, cache_id)).await?;
            answer::single(answer, BOOL_VALUE)
        }
        .boxed()
    }

    fn clear(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.call_map(Kind::Clear).boxed()
    }

    fn truncate(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.call_map(Kind::Truncate).boxed()
    }

    fn destroy(&self) -> BoxFuture<'_, Result<(), MapError>> {
        self.call_map(Kind::Destroy).boxed()
    }

    /// Returns the entries; the grid sends one partition per page. The next page is requested while one is read.
    fn entries(&self) -> BoxStream<'_, Result<(Bytes, Bytes), MapError>> {
        self.pages(Kind::PageOfEntries, entry_of)
    }

    fn keys(&self) -> BoxStream<'_, Result<Bytes, MapError>> {
        self.pages(Kind::PageOfKeys, pages::key_of)
    }

    fn page_of_keys(&self, cookie: Bytes) -> BoxFuture<'_, Result<KeyPage, MapError>> {
        self.key_page(cookie).boxed()
    }

    fn invoke<'a>(
        &'a self,
        key: &'a [u8],
        processor: Bytes,
    ) -> BoxFuture<'a, Result<Option<Bytes>, MapError>> {
        self.run_on_key(key, processor).boxed()
    }

    fn invoke_all(
        &self,
        targets: Targets,
        processor: Bytes,
    ) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>> {
        self.run_on(targets, processor).boxed()
    }

    /// Keys must fit into one request, because results of several could not be put together here.
    fn aggregate(&self, targets: Targets, aggregator: Bytes) -> BoxFuture<'_, Result<Bytes, MapError>> {
        self.compute(targets, aggregator).boxed()
    }

    fn entries_where(&self, filter: Bytes) -> BoxFuture<'_, Result<Vec<(Bytes, Bytes)>, MapError>> {
        self.query_entries(filter).boxed()
    }

    fn keys_where(&self, filter: Bytes) -> BoxFuture<'_, Result<Vec<Bytes>, MapError>> {
        self.query_keys(filter).boxed()
    }

    fn values_where(&self, filter: Bytes) -> BoxFuture<'_, Result<Vec<Bytes>, MapError>> {
        self.query_values(filter).boxed()
    }

    fn add_index(&self, extractor: Bytes, sorted: bool) -> BoxFuture<'_, Result<(), MapError>> {
        self.create_index(extractor, sorted).boxed()
    }

    fn remove_index(&self, extractor: Bytes) -> BoxFuture<'_, Result<(), MapError>> {
        self.drop_index(extractor).boxed()
    }

    fn listen(&self, listen: Listen) -> BoxFuture<'_, Result<MapNotices, MapError>> {
        self.core.listen(&self.name, listen).boxed()
    }
}

impl fmt::Debug for RemoteMap {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RemoteMap")
            .field("name", &self.name)
            .field("session", &self.core)
            .field("ordered", &self.order.is_some())
            .finish()
    }
}

#[cfg(test)]
mod tests;
