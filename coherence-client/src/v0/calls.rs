//! What becomes of each request: the calls of protocol v0 that do it, and the checks that they did.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::Ordering;

use bytes::Bytes;
use coherence_kafka_common::map::{Format, MapError, SendGate};
use futures::stream::{FuturesUnordered, StreamExt as _};
use prost::Message;
use tonic::{Code, Status};

use super::connection::method;
use super::errors::{Failure, failure};
use super::{Link, UNREADABLE_KEY, keys, zero_key};
use crate::answer::{self, Answer, Incoming, message, unreadable};
use crate::proto::Any;
use crate::proto::cache::{
    EnsureCacheRequest, ExecuteRequest, IndexRequest, MapListenerRequest, NamedCacheRequest,
    NamedCacheRequestType as Kind, NamedCacheResponse, QueryRequest, ResponseType,
    keys_or_filter::KeyOrFilter,
};
use crate::proto::common::{BinaryKeyAndValue, OptionalValue};
use crate::proto::proxy::proxy_request;
use crate::proto::v0;
use crate::request::{Batch, Frame, Request, count_agent, remove_agent};

/// Calls for single entries of one request that run side by side.
const SIDE_BY_SIDE: usize = 16;
/// How often a query is tried whose results are not as many as the grid counts: others may write meanwhile.
const QUERY_ATTEMPTS: usize = 3;

const ENTRY: &str = "coherence.common.v1.BinaryKeyAndValue";
const OPTIONAL_VALUE: &str = "coherence.common.v1.OptionalValue";
const BYTES_VALUE: &str = "google.protobuf.BytesValue";
const BOOL_VALUE: &str = "google.protobuf.BoolValue";
const INT32_VALUE: &str = "google.protobuf.Int32Value";

/// Makes a request of protocol v0 with the fields that nearly all have.
macro_rules! of_map {
    ($call:expr, $type:ident { $($field:ident $(: $value:expr)?),* $(,)? }) => {
        v0::$type {
            scope: Some($call.link.scope.clone()),
            cache: Some($call.map.to_string()),
            format: Some($call.link.format.name().to_owned()),
            $($field $(: $value)?,)*
        }
    };
}

/// Makes a request about a whole map, which has no format.
macro_rules! of_whole {
    ($call:expr, $type:ident) => {
        v0::$type { scope: Some($call.link.scope.clone()), cache: Some($call.map.to_string()) }
    };
}

impl Link {
    /// Does what a frame asks for.
    pub(super) async fn run(self: Arc<Self>, frame: Frame) {
        let Frame { id, request, gate } = frame;
        match self.perform(id, request, gate).await {
            Ok(Some(messages)) => self.send(Ok(Incoming::Answered { id, messages })),
            Ok(None) => self.send(Ok(Incoming::Alive)),
            Err(Failure::Error(error)) => self.send(Ok(Incoming::Failed { id, error })),
            Err(Failure::Broken(status)) => self.broke(status),
        }
    }

    /// Returns the answer; `None` for a sign of life.
    async fn perform(
        self: &Arc<Self>,
        id: i64,
        request: Request,
        gate: Option<Arc<dyn SendGate>>,
    ) -> Result<Option<Answer>, Failure> {
        let cache_id = match &request {
            Request::Entry { cache_id, .. }
            | Request::PutAll { cache_id, .. }
            | Request::GetAll { cache_id, .. }
            | Request::Execute { cache_id, .. } => *cache_id,
            Request::Small(small, _) => {
                let any = match &**small {
                    proxy_request::Request::Message(any) => any,
                    _ => {
                        self.connection.alive().await.map_err(Failure::Broken)?;
                        return Ok(None);
                    }
                };
                let request = NamedCacheRequest::decode(any.value.clone()).map_err(undecodable)?;
                if request.r#type() == Kind::EnsureCache {
                    let EnsureCacheRequest { cache } = body(request.message)?;
                    return self.ensure(&cache).await.map(Some);
                }
                let cache_id = request.cache_id.unwrap_or_default();
                let call = Call { link: self, map: self.map(cache_id)?, gate };
                return call.small(id, cache_id, request.r#type(), request.message).await.map(Some);
            }
        };
        let call = Call { link: self, map: self.map(cache_id)?, gate };
        let answer = match request {
            Request::Entry { kind, batch, ttl, .. } => call.entry(kind, &batch, ttl).await,
            Request::PutAll { batch, .. } => call.put_all(&batch).await,
            Request::GetAll { batch, .. } => {
                let keys = call.keys(&batch)?;
                let found = call.get_all(keys).await?;
                Ok(found.into_iter().map(|(key, value)| entry(key, value)).collect())
            }
            Request::Execute { kind: Kind::Aggregate, agent, batch, .. } => {
                let keys = call.keys(&batch)?;
                if keys.is_empty() {
                    // They would be all keys of the map.
                    return Err(MapError::Misuse("no keys to aggregate over".to_owned()).into());
                }
                call.aggregate(agent, keys, Bytes::new())
                    .await
                    .map(|result| vec![message(BYTES_VALUE, &result)])
            }
            Request::Execute { agent, batch, .. } if agent == remove_agent(self.format) => {
                call.remove_all(agent, call.keys(&batch)?).await
            }
            Request::Execute { agent, batch, .. } => call.invoke_each(&agent, call.keys(&batch)?).await,
            Request::Small(..) => Ok(Answer::new()),
        };
        answer.map(Some)
    }

    /// Makes sure that the map can be used, and gives it an id.
    async fn ensure(self: &Arc<Self>, map: &str) -> Result<Answer, Failure> {
        let call = Call { link: self, map: map.into(), gate: None };
        // Reads a key with the format of the session, without a load from behind the map.
        let request = of_map!(call, ContainsKeyRequest { key: zero_key(self.format).into() });
        if let Err(failure) = call.unary::<_, bool>(method!("containsKey"), request).await {
            return Err(call.unusable(failure));
        }
        if self.format != Format::Json && self.keys_unread.get().is_none() {
            let unread = call.stores_keys_unread().await?;
            tracing::debug!(address = self.address, unread, "keys of the grid examined");
            let _ = self.keys_unread.set(unread);
        }
        let cache_id = self.last_id.fetch_add(1, Ordering::Relaxed) + 1;
        self.maps.lock().insert(cache_id, call.map);
        Ok(vec![NamedCacheResponse { cache_id, ..NamedCacheResponse::default() }.encode_to_vec().into()])
    }
}

/// A request about one map.
struct Call<'a> {
    link: &'a Arc<Link>,
    map: Arc<str>,
    gate: Option<Arc<dyn SendGate>>,
}

impl Call<'_> {
    async fn small(&self, id: i64, cache_id: i32, kind: Kind, any: Option<Any>) -> Result<Answer, Failure> {
        let none = Answer::new;
        Ok(match kind {
            Kind::Get => {
                let found = self.get(self.key(any)?).await?;
                let found = OptionalValue { present: found.is_some(), value: found.unwrap_or_default() };
                vec![message(OPTIONAL_VALUE, &found)]
            }
            Kind::Remove => vec![message(BYTES_VALUE, &self.remove(self.key(any)?).await?)],
            Kind::ContainsKey => {
                let request = of_map!(self, ContainsKeyRequest { key: self.key(any)? });
                vec![message(BOOL_VALUE, &self.unary::<_, bool>(method!("containsKey"), request).await?)]
            }
            Kind::Size => {
                vec![message(
                    INT32_VALUE,
                    &self.unary::<_, i32>(method!("size"), of_whole!(self, SizeRequest)).await?,
                )]
            }
            Kind::IsEmpty => {
                let request = of_whole!(self, IsEmptyRequest);
                vec![message(BOOL_VALUE, &self.unary::<_, bool>(method!("isEmpty"), request).await?)]
            }
            Kind::Clear => {
                self.write::<_, ()>(method!("clear"), of_whole!(self, ClearRequest)).await.map(|()| none())?
            }
            Kind::Truncate => self
                .write::<_, ()>(method!("truncate"), of_whole!(self, TruncateRequest))
                .await
                .map(|()| none())?,
            Kind::Destroy => self.destroy(cache_id).await?,
            Kind::PageOfKeys => {
                let request = of_map!(self, PageRequest { cookie: body(any)? });
                let page: Vec<Bytes> = self.collect(method!("nextKeySetPage"), request).await?;
                page.iter().map(|part| message(BYTES_VALUE, part)).collect()
            }
            Kind::PageOfEntries => {
                let request = of_map!(self, PageRequest { cookie: body(any)? });
                let page: Vec<v0::EntryResult> = self.collect(method!("nextEntrySetPage"), request).await?;
                let mut page = page.into_iter();
                let cookie = page.next().map(|first| message(BYTES_VALUE, &first.cookie));
                cookie.into_iter().chain(page.map(|found| entry(found.key, found.value))).collect()
            }
            Kind::QueryEntries => {
                let filter = body::<QueryRequest>(any)?.filter.unwrap_or_default();
                let request =
                    || of_map!(self, EntrySetRequest { filter: filter.clone(), comparator: Bytes::new() });
                let found: Vec<v0::Entry> = self.query(method!("entrySet"), request, &filter).await?;
                found.into_iter().map(|found| entry(found.key, found.value)).collect()
            }
            Kind::QueryKeys => {
                let filter = body::<QueryRequest>(any)?.filter.unwrap_or_default();
                let request = || of_map!(self, KeySetRequest { filter: filter.clone() });
                let found: Vec<Bytes> = self.query(method!("keySet"), request, &filter).await?;
                found.iter().map(|key| message(BYTES_VALUE, key)).collect()
            }
            Kind::Invoke => {
                let ExecuteRequest { agent, keys } = body(any)?;
                let Some(KeyOrFilter::Key(key)) = keys.and_then(|keys| keys.key_or_filter) else {
                    return Err(unverified().into());
                };
                self.check_key(&key)?;
                vec![entry(key.clone(), self.invoke(agent, key).await?)]
            }
            Kind::Aggregate => {
                let ExecuteRequest { agent, keys } = body(any)?;
                let filter = match keys.and_then(|keys| keys.key_or_filter) {
                    Some(KeyOrFilter::Filter(filter)) => filter,
                    _ => Bytes::new(),
                };
                vec![message(BYTES_VALUE, &self.aggregate(agent, Vec::new(), filter).await?)]
            }
            Kind::Index => {
                let IndexRequest { add, extractor, sorted, .. } = body(any)?;
                if add {
                    let (sorted, comparator) = (sorted.unwrap_or_default(), Bytes::new());
                    let request = of_map!(self, AddIndexRequest { extractor, sorted, comparator });
                    self.unary::<_, ()>(method!("addIndex"), request).await.map(|()| none())?
                } else {
                    let request = of_map!(self, RemoveIndexRequest { extractor });
                    self.unary::<_, ()>(method!("removeIndex"), request).await.map(|()| none())?
                }
            }
            Kind::MapListener => {
                let request: MapListenerRequest = body(any)?;
                if let Some(crate::proto::cache::key_or_filter::KeyOrFilter::Key(key)) =
                    request.key_or_filter.as_ref().and_then(|to| to.key_or_filter.as_ref())
                {
                    self.check_key(key)?;
                }
                self.link.events.register(self.link, &self.map, cache_id, id, request).await?;
                none()
            }
            other => {
                return Err(MapError::Misuse(format!("{other:?} is not possible over protocol v0")).into());
            }
        })
    }

    /// Puts, puts where absent, or replaces one entry. Returns the value before.
    async fn entry(&self, kind: Kind, batch: &Batch, ttl: Option<i64>) -> Result<Answer, Failure> {
        let Some((key, value)) = batch.iter().next() else { return Ok(Answer::new()) };
        self.check_key(key)?;
        let (key, value) = (Bytes::copy_from_slice(key), Bytes::copy_from_slice(value));
        let before = match kind {
            Kind::PutIfAbsent => {
                let request = of_map!(self, PutIfAbsentRequest { key, value, ttl: 0 });
                self.write(method!("putIfAbsent"), request).await?
            }
            Kind::Replace => {
                self.write(method!("replace"), of_map!(self, ReplaceRequest { key, value })).await?
            }
            _ => {
                if ttl.is_some_and(|ttl| ttl > 0) {
                    self.link.timed.lock().insert(self.map.clone());
                }
                let mut before = None;
                if ttl.is_none() && self.is_timed() {
                    before = self.get(key.clone()).await?.filter(|before| *before == value);
                    if before.is_some() {
                        self.remove(key.clone()).await?;
                    }
                }
                let request = of_map!(self, PutRequest { key, value, ttl: ttl.unwrap_or_default() });
                let put: Bytes = self.write(method!("put"), request).await?;
                before.unwrap_or(put)
            }
        };
        Ok(vec![message(BYTES_VALUE, &before)])
    }

    /// Puts all entries, never with a time: grids before 23.09 ignore it, and the entries would stay for ever.
    async fn put_all(&self, batch: &Batch) -> Result<Answer, Failure> {
        let keys = self.keys(batch)?;
        if self.is_timed() {
            let last: HashMap<&[u8], &[u8]> = batch.iter().collect();
            let found = self.get_all(keys).await?;
            let same = found.into_iter().filter(|(key, value)| last.get(&key[..]) == Some(&&value[..]));
            each(same.map(|(key, _)| self.remove(key))).await?;
        }
        let copy = Bytes::copy_from_slice;
        let entry =
            batch.iter().map(|(key, value)| v0::Entry { key: copy(key), value: copy(value) }).collect();
        self.write::<_, ()>(method!("putAll"), of_map!(self, PutAllRequest { entry, ttl: 0 })).await?;
        Ok(Answer::new())
    }

    /// Returns true where entries of the map may expire that this session has written. Their expiry would survive a put
    /// of the same bytes without one, which a grid takes for no change at all over this protocol.
    fn is_timed(&self) -> bool {
        self.link.timed.lock().contains(&self.map)
    }

    async fn get(&self, key: Bytes) -> Result<Option<Bytes>, Failure> {
        let found: v0::OptionalValue = self.unary(method!("get"), of_map!(self, GetRequest { key })).await?;
        Ok(found.present.then_some(found.value))
    }

    async fn remove(&self, key: Bytes) -> Result<Bytes, Failure> {
        self.write(method!("remove"), of_map!(self, RemoveRequest { key })).await
    }

    async fn invoke(&self, processor: Bytes, key: Bytes) -> Result<Bytes, Failure> {
        self.write(method!("invoke"), of_map!(self, InvokeRequest { processor, key })).await
    }

    async fn aggregate(&self, aggregator: Bytes, keys: Vec<Bytes>, filter: Bytes) -> Result<Bytes, Failure> {
        let request = of_map!(self, AggregateRequest { aggregator, keys, filter });
        self.unary(method!("aggregate"), request).await
    }

    /// Returns the present entries of these keys. Asks again, one by one, for those that are missing in the answer: from
    /// 23.03 on a grid leaves out what it cannot read or load.
    async fn get_all(&self, keys: Vec<Bytes>) -> Result<Vec<(Bytes, Bytes)>, Failure> {
        if keys.is_empty() {
            return Ok(Vec::new());
        }
        let mut missing: HashSet<Bytes> = keys.iter().cloned().collect();
        let request = of_map!(self, GetAllRequest { key: keys });
        let found: Vec<v0::Entry> = self.collect(method!("getAll"), request).await?;
        let mut present = Vec::with_capacity(found.len());
        let mut converted = false;
        for v0::Entry { key, value } in found {
            converted |= !missing.remove(&key);
            present.push((key, value));
        }
        if missing.is_empty() && !converted {
            return Ok(present);
        }
        if converted {
            // In other bytes than they were asked for, so that nothing shows which are missing.
            missing.extend(present.drain(..).map(|(key, _)| key));
        }
        let again = each(missing.into_iter().map(|key| async move {
            let value = self.get(key.clone()).await?;
            Ok(value.map(|value| (key, value)))
        }));
        present.extend(again.await?.into_iter().flatten());
        Ok(present)
    }

    /// Removes these keys, and counts what is left: from 23.03 on a grid answers with success where its storage has
    /// failed.
    async fn remove_all(&self, agent: Bytes, keys: Vec<Bytes>) -> Result<Answer, Failure> {
        if keys.is_empty() {
            return Ok(Answer::new());
        }
        self.check_gate()?;
        let request =
            of_map!(self, InvokeAllRequest { processor: agent, keys: keys.clone(), filter: Bytes::new() });
        let _: Vec<v0::Entry> = self.collect(method!("invokeAll"), request).await?;
        let count = count_agent(self.link.format);
        let left = self.aggregate(count, keys.clone(), Bytes::new()).await?;
        if !is_zero(&left) {
            let keys: HashSet<Bytes> = keys.into_iter().collect();
            each(keys.into_iter().map(|key| self.remove(key))).await?;
        }
        Ok(Answer::new())
    }

    /// Runs an agent on each of these keys by a call of its own, because only such a call reports its failure. A result
    /// of null is left out.
    async fn invoke_each(&self, agent: &Bytes, keys: Vec<Bytes>) -> Result<Answer, Failure> {
        let calls = keys.into_iter().map(|key| async move {
            let result = self.invoke(agent.clone(), key.clone()).await?;
            Ok(answer::value_or_none(result).map(|result| entry(key, result)))
        });
        Ok(each(calls).await?.into_iter().flatten().collect())
    }

    /// Runs a query, whose results must be as many as the grid counts: from 23.03 on it leaves out what fails.
    async fn query<Q, A>(
        &self,
        path: &'static str,
        request: impl Fn() -> Q,
        filter: &Bytes,
    ) -> Result<Vec<A>, Failure>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        for _ in 0..QUERY_ATTEMPTS {
            let found: Vec<A> = self.collect(path, request()).await?;
            let count = count_agent(self.link.format);
            let counted = self.aggregate(count, Vec::new(), filter.clone()).await?;
            if number(&counted) == Some(found.len() as u64) {
                return Ok(found);
            }
        }
        Err(MapError::Undecided(
            "the query has other results than the grid counts: it could not read some, or the map changes all the time"
                .to_owned(),
        )
        .into())
    }

    /// Destroys the map. The listeners of this session are notified by it: the event of the grid may as well mean that
    /// its service stops.
    async fn destroy(&self, cache_id: i32) -> Result<Answer, Failure> {
        let request = of_whole!(self, DestroyRequest);
        self.link.events.expect_end(&self.map, true);
        let destroyed = self.write::<_, ()>(method!("destroy"), request).await;
        self.link.events.expect_end(&self.map, false);
        destroyed?;
        self.link.events.forget(&self.map);
        self.link.maps.lock().remove(&cache_id);
        let r#type = ResponseType::Destroyed.into();
        self.link.send(Ok(Incoming::Event(NamedCacheResponse { cache_id, r#type, message: None })));
        Ok(Answer::new())
    }

    /// Asks with a key that is not POF, and with the map's own format, so that nothing is converted.
    async fn stores_keys_unread(&self) -> Result<bool, Failure> {
        let mut request = of_map!(self, ContainsKeyRequest { key: Bytes::from_static(UNREADABLE_KEY) });
        request.format = None;
        match self.link.connection.unary::<_, bool>(method!("containsKey"), request).await {
            Ok(_) => Ok(true),
            Err(status) if super::is_broken(&status) => Err(Failure::Broken(status)),
            Err(status) => Ok(status.code() == Code::Unknown && status.message().is_empty()),
        }
    }

    /// Returns why the map cannot be used, in words for settings that must change.
    fn unusable(&self, failure: Failure) -> Failure {
        let Failure::Error(error) = failure else { return failure };
        let text = error.to_string();
        let format = self.link.format;
        Failure::Error(if text.contains("Cannot find a serializer configuration") {
            MapError::Misuse(format!(
                "the grid has no serializer {format:?} ({text}): json needs its coherence-json module",
                format = format.name()
            ))
        } else if text.contains("JsonBinding") {
            MapError::Misuse(format!(
                "map {}: the grid cannot serve maps of the JSON serializer over protocol v0 ({text}): use maps of the \
                 POF or Java serializer, or a grid with protocol v1",
                self.map
            ))
        } else if text.contains("cannot locate ConfigurableCacheFactory") {
            // Also while the grid is starting.
            MapError::Unavailable(format!("the grid does not run scope {:?} ({text})", self.link.scope))
        } else {
            error
        })
    }

    /// Returns the keys of a batch.
    fn keys(&self, batch: &Batch) -> Result<Vec<Bytes>, Failure> {
        let keys = batch.iter().map(|(key, _)| {
            self.check_key(key)?;
            Ok(Bytes::copy_from_slice(key))
        });
        keys.collect()
    }

    fn key(&self, any: Option<Any>) -> Result<Bytes, Failure> {
        let key: Bytes = body(any)?;
        self.check_key(&key)?;
        Ok(key)
    }

    /// Refuses a key that the grid would store unread. Maps check their keys before they send anything, but a session may
    /// have come to an older grid since.
    fn check_key(&self, key: &[u8]) -> Result<(), MapError> {
        if self.link.keys_unread() {
            keys::check_key(self.link.format, key).map_err(MapError::Unavailable)?;
        }
        Ok(())
    }

    fn check_gate(&self) -> Result<(), MapError> {
        match self.gate.as_ref().map(|gate| gate.check()) {
            Some(Err(reason)) => Err(MapError::Unavailable(format!("not sent: {reason}"))),
            _ => Ok(()),
        }
    }

    /// Runs a call that changes entries, if its gate lets it leave.
    async fn write<Q, A>(&self, path: &'static str, request: Q) -> Result<A, Failure>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        self.check_gate()?;
        self.unary(path, request).await
    }

    async fn unary<Q, A>(&self, path: &'static str, request: Q) -> Result<A, Failure>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        match self.link.connection.unary(path, request).await {
            Ok(answer) => Ok(answer),
            Err(status) => Err(self.failure(status).await),
        }
    }

    async fn collect<Q, A>(&self, path: &'static str, request: Q) -> Result<Vec<A>, Failure>
    where
        Q: Message + 'static,
        A: Message + Default + 'static,
    {
        match self.link.connection.collect(path, request).await {
            Ok(answers) => Ok(answers),
            Err(status) => Err(self.failure(status).await),
        }
    }

    async fn failure(&self, status: Status) -> Failure {
        let explain = || of_map!(self, GetAllRequest { key: vec![zero_key(self.link.format).into()] });
        failure(&self.link.connection, status, explain).await
    }
}

/// Runs calls of one request, some side by side, and ends when all that have begun have ended: what is dropped half-way
/// could still be applied.
async fn each<T>(
    calls: impl Iterator<Item = impl Future<Output = Result<T, Failure>>>,
) -> Result<Vec<T>, Failure> {
    let (mut calls, mut running) = (calls, FuturesUnordered::new());
    let (mut results, mut failed) = (Vec::new(), None);
    loop {
        while failed.is_none() && running.len() < SIDE_BY_SIDE {
            let Some(call) = calls.next() else { break };
            running.push(call);
        }
        match running.next().await {
            Some(Ok(result)) => results.push(result),
            Some(Err(failure)) => failed = Some(failed.unwrap_or(failure)),
            None => return failed.map_or(Ok(results), Err),
        }
    }
}

fn entry(key: Bytes, value: Bytes) -> Bytes {
    message(ENTRY, &BinaryKeyAndValue { key, value })
}

/// Returns the message inside a request.
fn body<M: Message + Default>(any: Option<Any>) -> Result<M, Failure> {
    M::decode(any.unwrap_or_default().value).map_err(undecodable)
}

fn undecodable(error: prost::DecodeError) -> Failure {
    Failure::Error(unreadable(format!("a request of this side: {error}")))
}

fn unverified() -> MapError {
    MapError::Misuse(
        "an agent on entries that a filter selects is not possible over protocol v0, which does not report its \
         failure: name the keys"
            .to_owned(),
    )
}

fn is_zero(count: &[u8]) -> bool {
    number(count) == Some(0)
}

/// Returns the number of a count in POF, JSON or Java's form.
fn number(count: &[u8]) -> Option<u64> {
    use coherence_kafka_common::java_format;
    use coherence_kafka_common::pof::{PofValue, decode};
    let Some(number) = count.strip_prefix(b"\x15") else {
        return match java_format::decode(count).ok()? {
            PofValue::Int32(number) => number.try_into().ok(),
            _ => None,
        };
    };
    if number.first().is_some_and(u8::is_ascii_digit) && number.iter().all(u8::is_ascii_digit) {
        return std::str::from_utf8(number).ok()?.parse().ok();
    }
    match decode(number).ok()? {
        PofValue::Int32(number) => number.try_into().ok(),
        PofValue::Int64(number) => number.try_into().ok(),
        _ => None,
    }
}
