//! The requests of the protocol and how they become bytes.
//!
//! Owns the byte layout of what is sent. Batches are written straight from their [`Entries`] into the buffer of
//! the transport, with all lengths computed beforehand: through the generated types every entry would cost two
//! allocations. Everything else is rare and goes through the generated types.

use std::ops::Range;
use std::sync::Arc;

use bytes::{BufMut, Bytes};
use coherence_kafka_common::decoration::undecorated_key;
use coherence_kafka_common::map::{Entries, Format, SendGate};
use coherence_kafka_common::packed;
use coherence_kafka_common::serializer::json::{self, JsonClasses};
use prost::Message;

use crate::events::Target;
use crate::limits::ENVELOPE_BYTES;
use crate::options::ClientIdentity;
use crate::proto::Any;
use crate::proto::cache::{
    self, EnsureCacheRequest, ExecuteRequest, IndexRequest, KeysOrFilter, MapListenerRequest,
    NamedCacheRequest, NamedCacheRequestType as Kind, QueryRequest, key_or_filter,
    keys_or_filter::KeyOrFilter,
};
use crate::proto::common::HeartbeatMessage;
use crate::proto::proxy::{ClientMemberIdentity, InitRequest, ProxyRequest, proxy_request};

macro_rules! type_url {
    ($name:literal) => {
        concat!("type.googleapis.com/", $name)
    };
}

const CACHE_REQUEST: &str = type_url!("coherence.cache.v1.NamedCacheRequest");
const ENSURE_CACHE: &str = type_url!("coherence.cache.v1.EnsureCacheRequest");
const EXECUTE: &str = type_url!("coherence.cache.v1.ExecuteRequest");
const MAP_LISTENER: &str = type_url!("coherence.cache.v1.MapListenerRequest");
const PUT: &str = type_url!("coherence.cache.v1.PutRequest");
const PUT_ALL: &str = type_url!("coherence.cache.v1.PutAllRequest");
const QUERY: &str = type_url!("coherence.cache.v1.QueryRequest");
const INDEX: &str = type_url!("coherence.cache.v1.IndexRequest");
const ENTRY: &str = type_url!("coherence.common.v1.BinaryKeyAndValue");
const KEYS: &str = type_url!("coherence.common.v1.CollectionOfBytesValues");
const BYTES_VALUE: &str = type_url!("google.protobuf.BytesValue");

/// `ConditionalRemove(AlwaysFilter, return = false)`: a batch delete that needs no code on the grid and answers
/// with no entries. In POF: user types 94 and 61. In Java: `0A`, the class and what it writes itself, the filter as well.
const REMOVE_POF: &[u8] = b"\x15\x9e\x01\x00\x00\x3d\x00\x40\x01\x4a\x00\x40";
const REMOVE_JSON: &[u8] =
    b"\x15{\"@class\":\"processor.ConditionalRemove\",\"filter\":{\"@class\":\"filter.AlwaysFilter\"}}";
const REMOVE_JAVA: &[u8] = b"\x0A\x2Dcom.tangosol.util.processor.ConditionalRemove\
    \x0A\x25com.tangosol.util.filter.AlwaysFilter\x00";
/// `Count`. In POF: user type 28.
const COUNT_POF: &[u8] = b"\x15\x1c\x00\x40";
const COUNT_JSON: &[u8] = b"\x15{\"@class\":\"aggregator.Count\"}";
const COUNT_JAVA: &[u8] = b"\x0A\x22com.tangosol.util.aggregator.Count";
const PUT_IF_ABSENT_JSON: &[u8] =
    b"\x15{\"@class\":\"processor.ConditionalPut\",\"filter\":{\"@class\":\"filter.NotFilter\",\
    \"filter\":{\"@class\":\"filter.PresentFilter\"}},\"value\":";

/// One request with the id under which its answers come back.
#[derive(Debug)]
pub(crate) struct Frame {
    pub(crate) id: i64,
    pub(crate) request: Request,
    /// Asked when the request is about to leave.
    pub(crate) gate: Option<Arc<dyn SendGate>>,
}

/// What a request asks for.
#[derive(Debug)]
pub(crate) enum Request {
    /// Anything small, as the generated type, and the entries that it may change.
    Small(Box<proxy_request::Request>, Option<Changed>),
    /// `Put`, `PutIfAbsent` or `Replace` of the one entry of a batch.
    Entry { kind: Kind, cache_id: i32, batch: Batch, ttl: Option<i64> },
    /// Puts the entries of a batch. Has no time to live, although the protocol has the field: with it the grid
    /// stores null for every entry, and still answers with success.
    PutAll { cache_id: i32, batch: Batch },
    /// Gets the entries of the keys of a batch.
    GetAll { cache_id: i32, batch: Batch },
    /// `Invoke` or `Aggregate`: runs an agent over the keys of a batch.
    Execute { kind: Kind, cache_id: i32, agent: Bytes, batch: Batch },
}

/// The entries of its map that a request may change.
#[derive(Debug, Clone)]
pub(crate) enum Changed {
    /// That of one key, which is undecorated.
    Key(Bytes),
    /// Those of the keys of a batch.
    Batch(Batch),
    /// Any.
    All,
}

/// What travels of a key: a grid believes the hash of a partition decoration, so that with a wrong one the entry would
/// be kept a second time, where no Java client finds it.
pub(crate) fn plain_key(key: &[u8]) -> &[u8] {
    undecorated_key(key).unwrap_or(key)
}

/// The part of an [`Entries`] that travels in one request, without the decorations of keys.
#[derive(Debug, Clone)]
pub(crate) struct Batch {
    pub(crate) entries: Arc<Entries>,
    pub(crate) range: Range<usize>,
    /// Length of the encoded entries (or keys) alone.
    pub(crate) encoded_len: usize,
}

impl Batch {
    /// Entry `index` alone, for a request that is no batch.
    pub(crate) fn one(entries: &Arc<Entries>, index: usize) -> Self {
        let encoded_len = entries.get(index).map_or(0, |(key, value)| entry_len(plain_key(key), value));
        Self { entries: entries.clone(), range: index..index + 1, encoded_len }
    }

    /// Its entries, with undecorated keys.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        let entries = self.range.clone().filter_map(|index| self.entries.get(index));
        entries.map(|(key, value)| (plain_key(key), value))
    }
}

impl Request {
    /// Must be answered before anything else is sent.
    pub(crate) fn init(scope: &str, format: Format, identity: &ClientIdentity) -> Self {
        let text = |text: &String| (!text.is_empty()).then(|| text.clone());
        let identity = (*identity != ClientIdentity::default()).then(|| ClientMemberIdentity {
            cluster_name: text(&identity.cluster),
            rack_name: text(&identity.rack),
            site_name: text(&identity.site),
            ..ClientMemberIdentity::default()
        });
        let init = InitRequest {
            scope: scope.to_owned(),
            format: format.name().to_owned(),
            protocol: "CacheService".to_owned(),
            protocol_version: 1,
            supported_protocol_version: 1,
            identity,
            ..InitRequest::default()
        };
        Request::Small(Box::new(proxy_request::Request::Init(init)), None)
    }

    pub(crate) fn ensure_cache(name: &str) -> Self {
        let message = EnsureCacheRequest { cache: name.to_owned() };
        Self::small(Kind::EnsureCache, None, Some(pack(ENSURE_CACHE, &message)))
    }

    /// A request that names one key: `Get`, `Remove`, `ContainsKey`.
    pub(crate) fn of_key(kind: Kind, cache_id: i32, key: &[u8]) -> Self {
        let key = Bytes::copy_from_slice(plain_key(key));
        Self::small(kind, Some(cache_id), Some(pack(BYTES_VALUE, &key))).on_key(key)
    }

    /// A request about the whole map: `Size`, `IsEmpty`, `Clear`, `Truncate`, `Destroy`.
    pub(crate) fn of_map(kind: Kind, cache_id: i32) -> Self {
        Self::small(kind, Some(cache_id), None)
    }

    /// `PageOfEntries` or `PageOfKeys`. An empty cookie asks for the first page.
    pub(crate) fn page(kind: Kind, cache_id: i32, cookie: &Bytes) -> Self {
        Self::small(kind, Some(cache_id), Some(pack(BYTES_VALUE, cookie)))
    }

    /// `QueryEntries` or `QueryKeys`.
    pub(crate) fn query(kind: Kind, cache_id: i32, filter: Bytes) -> Self {
        let query = QueryRequest { filter: Some(filter), comparator: None };
        Self::small(kind, Some(cache_id), Some(pack(QUERY, &query)))
    }

    /// Runs the entry processor `agent` on one entry.
    pub(crate) fn invoke(cache_id: i32, agent: Bytes, key: &[u8]) -> Self {
        let key = Bytes::copy_from_slice(plain_key(key));
        let keys = KeysOrFilter { key_or_filter: Some(KeyOrFilter::Key(key.clone())) };
        Self::execute(Kind::Invoke, cache_id, ExecuteRequest { agent, keys: Some(keys) }).on_key(key)
    }

    /// `Invoke` or `Aggregate` over the entries for which `filter` is true.
    pub(crate) fn execute_where(kind: Kind, cache_id: i32, agent: Bytes, filter: Bytes) -> Self {
        let keys = KeysOrFilter { key_or_filter: Some(KeyOrFilter::Filter(filter)) };
        Self::execute(kind, cache_id, ExecuteRequest { agent, keys: Some(keys) })
    }

    /// `Invoke` or `Aggregate` over every entry of the map.
    pub(crate) fn execute_on_all(kind: Kind, cache_id: i32, agent: Bytes) -> Self {
        Self::execute(kind, cache_id, ExecuteRequest { agent, keys: None })
    }

    fn execute(kind: Kind, cache_id: i32, request: ExecuteRequest) -> Self {
        Self::small(kind, Some(cache_id), Some(pack(EXECUTE, &request)))
    }

    /// Adds the index over `extractor`, or removes it where `sorted` is `None`.
    pub(crate) fn index(cache_id: i32, extractor: Bytes, sorted: Option<bool>) -> Self {
        let index = IndexRequest { add: sorted.is_some(), extractor, sorted, comparator: None };
        Self::small(Kind::Index, Some(cache_id), Some(pack(INDEX, &index)))
    }

    /// Registers for events, or takes the registration back. `filter_id` names it in events, except for a key; `lite`
    /// events have no values.
    pub(crate) fn map_listener(
        cache_id: i32,
        subscribe: bool,
        target: &Target,
        filter_id: i64,
        lite: bool,
    ) -> Self {
        let key_or_filter = match target {
            Target::Map => None,
            Target::Key(key) => Some(key_or_filter::KeyOrFilter::Key(key.clone())),
            Target::Filter(filter) => Some(key_or_filter::KeyOrFilter::Filter(filter.clone())),
        };
        let key_or_filter = key_or_filter.map(|kind| cache::KeyOrFilter { key_or_filter: Some(kind) });
        let message =
            MapListenerRequest { subscribe, key_or_filter, filter_id, lite, ..MapListenerRequest::default() };
        Self::small(Kind::MapListener, Some(cache_id), Some(pack(MAP_LISTENER, &message)))
    }

    /// Asks for a sign of life.
    pub(crate) fn heartbeat() -> Self {
        let heartbeat = HeartbeatMessage { uuid: None, ack: true };
        Request::Small(Box::new(proxy_request::Request::Heartbeat(heartbeat)), None)
    }

    fn small(kind: Kind, cache_id: Option<i32>, message: Option<Any>) -> Self {
        let request = NamedCacheRequest { r#type: kind.into(), cache_id, message };
        let packed = pack(CACHE_REQUEST, &request);
        Request::Small(
            Box::new(proxy_request::Request::Message(packed)),
            changes(kind).then_some(Changed::All),
        )
    }

    /// The same request, which concerns the entry of one key only.
    fn on_key(self, key: Bytes) -> Self {
        match self {
            Request::Small(request, Some(_)) => Request::Small(request, Some(Changed::Key(key))),
            other => other,
        }
    }

    /// The entries that it may change: applied late, it could undo what was written to them since. `None` for a read.
    pub(crate) fn changed(&self) -> Option<Changed> {
        match self {
            Request::Small(_, changed) => changed.clone(),
            Request::Entry { batch, .. } | Request::PutAll { batch, .. } => {
                Some(Changed::Batch(batch.clone()))
            }
            Request::GetAll { .. } => None,
            Request::Execute { kind, batch, .. } => changes(*kind).then(|| Changed::Batch(batch.clone())),
        }
    }
}

fn changes(kind: Kind) -> bool {
    matches!(
        kind,
        Kind::Put
            | Kind::PutAll
            | Kind::PutIfAbsent
            | Kind::Replace
            | Kind::ReplaceMapping
            | Kind::Remove
            | Kind::RemoveMapping
            | Kind::Invoke
            | Kind::Clear
            | Kind::Truncate
            | Kind::Destroy
    )
}

fn pack(type_url: &'static str, message: &impl Message) -> Any {
    Any { type_url: Bytes::from_static(type_url.as_bytes()), value: message.encode_to_vec().into() }
}

/// The entry processor that removes, in the serializer of the session.
pub(crate) fn remove_agent(format: Format) -> Bytes {
    Bytes::from_static(match format {
        Format::Pof => REMOVE_POF,
        Format::Json => REMOVE_JSON,
        Format::Java => REMOVE_JAVA,
    })
}

/// The aggregator that counts, in the serializer of the session.
pub(crate) fn count_agent(format: Format) -> Bytes {
    Bytes::from_static(match format {
        Format::Pof => COUNT_POF,
        Format::Json => COUNT_JSON,
        Format::Java => COUNT_JAVA,
    })
}

/// `ConditionalPut(Not(Present), value, return = true)` in JSON: puts where the key is absent, and answers with the
/// present value instead. `None` where `value` is not JSON, and would become part of the agent.
pub(crate) fn put_if_absent_agent(value: &[u8]) -> Option<Bytes> {
    json::from_binary::<serde::de::IgnoredAny>(value, &JsonClasses::default()).ok()?;
    Some([PUT_IF_ABSENT_JSON, &value[1..], b",\"return\":true}"].concat().into())
}

/// `ConditionalPut(Not(Greater(extractor, version)), value)` in POF up to the value, which the binary of the value
/// without its first byte follows, and [`PUT_NEWER_END`]. The extractor goes through the names of `field` and makes a
/// `Long` of any number; of an absent entry and of one without the field it makes null, which is not greater.
pub(crate) fn put_newer_head(field: &[String], version: i64) -> Vec<u8> {
    const UNIVERSAL_EXTRACTOR: &[u8] = b"\x80\x03\x00\x00\x4e";
    let mut agent = b"\x15\x9c\x01\x00\x00\x92\x01\x00\x00\x86\x01\x00\x00\x32\x00\x00\x57".to_vec();
    packed::write_i64(&mut agent, field.len() as i64 + 1);
    for name in field.iter().map(String::as_str).chain(["longValue()"]) {
        agent.extend_from_slice(UNIVERSAL_EXTRACTOR);
        packed::write_i64(&mut agent, name.len() as i64);
        agent.extend_from_slice(name.as_bytes());
        agent.push(POF_END);
    }
    agent.extend_from_slice(&[POF_END, 0x01, POF_INT64]);
    packed::write_i64(&mut agent, version);
    agent.extend_from_slice(&[POF_END, POF_END, 0x01]);
    agent
}

const POF_INT64: u8 = 0x42;
const POF_END: u8 = 0x40;
/// The end of the agent of [`put_newer_head`].
pub(crate) const PUT_NEWER_END: &[u8] = &[POF_END];

impl Frame {
    /// Writes the whole `ProxyRequest`.
    pub(crate) fn encode(self, out: &mut impl BufMut) {
        match self.request {
            Request::Small(request, _) => {
                let message =
                    ProxyRequest { id: self.id, request: Some(*request), ..ProxyRequest::default() };
                // The buffers that reach this grow: the only error of prost's encoder is a full one.
                let _ = message.encode(out);
            }
            Request::Entry { kind, cache_id, batch, ttl } => {
                let type_url = if kind == Kind::Replace { ENTRY } else { PUT };
                let ttl_len = ttl.map_or(0, |ttl| 1 + varint_len(ttl as u64));
                for (key, value) in batch.iter() {
                    let body_len = field_len(key.len()) + field_len(value.len()) + ttl_len;
                    put_envelope(out, self.id, kind, cache_id, type_url, body_len);
                    put_field(out, 1, key);
                    put_field(out, 2, value);
                }
                if let Some(ttl) = ttl {
                    put_tag_and_varint(out, 3, ttl as u64);
                }
            }
            Request::PutAll { cache_id, batch } => {
                put_envelope(out, self.id, Kind::PutAll, cache_id, PUT_ALL, batch.encoded_len);
                for (key, value) in batch.iter() {
                    put_tag_and_len(out, 1, field_len(key.len()) + field_len(value.len()));
                    put_field(out, 1, key);
                    put_field(out, 2, value);
                }
            }
            Request::GetAll { cache_id, batch } => {
                put_envelope(out, self.id, Kind::GetAll, cache_id, KEYS, batch.encoded_len);
                for (key, _) in batch.iter() {
                    put_field(out, 1, key);
                }
            }
            Request::Execute { kind, cache_id, agent, batch } => {
                let body_len = field_len(agent.len()) + field_len(field_len(batch.encoded_len));
                put_envelope(out, self.id, kind, cache_id, EXECUTE, body_len);
                put_field(out, 1, &agent);
                // Written also where there are no keys: without it, they would be all keys of the map.
                put_tag_and_len(out, 3, field_len(batch.encoded_len));
                put_tag_and_len(out, 2, batch.encoded_len);
                for (key, _) in batch.iter() {
                    put_field(out, 1, key);
                }
            }
        }
    }

    /// An upper bound of what [`Frame::encode`] writes, for reserving the buffer at once.
    pub(crate) fn encoded_len_hint(&self) -> usize {
        match &self.request {
            Request::Small(..) => 0,
            Request::Entry { batch, .. } | Request::PutAll { batch, .. } | Request::GetAll { batch, .. } => {
                batch.encoded_len + ENVELOPE_BYTES
            }
            Request::Execute { agent, batch, .. } => agent.len() + batch.encoded_len + ENVELOPE_BYTES,
        }
    }
}

/// Encoded length of one entry of a `PutAllRequest`.
pub(crate) fn entry_len(key: &[u8], value: &[u8]) -> usize {
    field_len(field_len(key.len()) + field_len(value.len()))
}

/// Encoded length of one key of a `CollectionOfBytesValues`.
pub(crate) fn key_len(key: &[u8]) -> usize {
    field_len(key.len())
}

/// `ProxyRequest { id, Any { NamedCacheRequest { kind, cache_id, Any { <type_url, body> } } } }` up to the body.
fn put_envelope(
    out: &mut impl BufMut,
    id: i64,
    kind: Kind,
    cache_id: i32,
    type_url: &'static str,
    body_len: usize,
) {
    let body_any = field_len(type_url.len()) + field_len(body_len);
    let cache_request =
        1 + varint_len(kind as u64) + 1 + varint_len(i64::from(cache_id) as u64) + field_len(body_any);
    let message_any = field_len(CACHE_REQUEST.len()) + field_len(cache_request);

    put_tag_and_varint(out, 1, id as u64);
    put_tag_and_len(out, 4, message_any);
    put_field(out, 1, CACHE_REQUEST.as_bytes());
    put_tag_and_len(out, 2, cache_request);
    put_tag_and_varint(out, 1, kind as u64);
    put_tag_and_varint(out, 2, i64::from(cache_id) as u64);
    put_tag_and_len(out, 3, body_any);
    put_field(out, 1, type_url.as_bytes());
    put_tag_and_len(out, 2, body_len);
}

/// Length of a length-delimited field whose tag takes one byte, as all tags here do.
fn field_len(len: usize) -> usize {
    1 + varint_len(len as u64) + len
}

fn varint_len(value: u64) -> usize {
    prost::encoding::encoded_len_varint(value)
}

fn put_field(out: &mut impl BufMut, field: u8, bytes: &[u8]) {
    put_tag_and_len(out, field, bytes.len());
    out.put_slice(bytes);
}

fn put_tag_and_len(out: &mut impl BufMut, field: u8, len: usize) {
    if len < 0x80 {
        out.put_slice(&[field << 3 | 2, len as u8]);
    } else {
        out.put_u8(field << 3 | 2);
        prost::encoding::encode_varint(len as u64, out);
    }
}

fn put_tag_and_varint(out: &mut impl BufMut, field: u8, value: u64) {
    out.put_u8(field << 3);
    prost::encoding::encode_varint(value, out);
}

#[cfg(test)]
mod tests;
