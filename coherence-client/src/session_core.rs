//! What a session, its maps and its listeners share: the streams, the room for requests, the writes in doubt.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use coherence_kafka_common::key_locks::KeyGuard;
use coherence_kafka_common::map::{Format, MapError, OfMap, SendGate};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::in_doubt::InDoubtWrites;
use crate::limits::{MAX_BYTES_IN_FLIGHT, MAX_REQUESTS_IN_FLIGHT};
use crate::options::SessionOptions;
use crate::request::{Request, plain_key};
use crate::sub_channel::{Admission, SubChannel};
use crate::v0::{self, TimedMaps};

mod connect;
mod listening;

use listening::{LISTENER_STREAM, Listening};

/// What a session, its maps and its listeners share.
pub(crate) struct SessionCore {
    options: SessionOptions,
    runtime: Handle,
    streams: Vec<Mutex<Link>>,
    /// Index of the address to try first.
    next_address: AtomicUsize,
    /// Index of the stream of the next request, before the modulo.
    next_stream: AtomicUsize,
    streams_opened: AtomicU64,
    /// A grid that accepted these options once is only unavailable when it refuses them.
    was_open: AtomicBool,
    /// How many streams have ended and been replaced.
    replaced: AtomicU64,
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    listening: Arc<Listening>,
    in_doubt: Arc<InDoubtWrites>,
    timed: TimedMaps,
    /// Ends what the session does by itself.
    closed: CancellationToken,
}

/// The place of one stream, which is opened when it is needed and again after it has ended.
enum Link {
    Down,
    Opening(connect::Opening),
    Up(Arc<SubChannel>),
    Closed,
}

impl SessionCore {
    pub(crate) fn new(options: SessionOptions, runtime: Handle) -> Self {
        let closed = CancellationToken::new();
        Self {
            streams: (0..options.streams).map(|_| Mutex::new(Link::Down)).collect(),
            options,
            runtime,
            next_address: AtomicUsize::new(0),
            next_stream: AtomicUsize::new(0),
            streams_opened: AtomicU64::new(0),
            was_open: AtomicBool::new(false),
            replaced: AtomicU64::new(0),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS_IN_FLIGHT)),
            bytes: Arc::new(Semaphore::new(MAX_BYTES_IN_FLIGHT)),
            listening: Arc::default(),
            in_doubt: Arc::new(InDoubtWrites::new(closed.clone())),
            timed: TimedMaps::default(),
            closed,
        }
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn format(&self) -> Format {
        self.options.format
    }

    pub(crate) fn in_doubt(&self) -> &InDoubtWrites {
        &self.in_doubt
    }

    /// Waits until no write in doubt may change one of these entries. Returns false if one was given up without
    /// answer.
    pub(crate) async fn until_resolved(&self, entries: &[OfMap<'_>]) -> bool {
        self.in_doubt.until_resolved(entries, self.options.unanswered_timeout).await
    }

    /// Opens a stream to the grid unless one is open.
    pub(crate) async fn connect(self: &Arc<Self>) -> Result<(), MapError> {
        self.stream(LISTENER_STREAM).await.map(drop)
    }

    /// Refuses a key that the grid would store without reading it.
    pub(crate) fn check_keys<'a>(&self, keys: impl Iterator<Item = &'a [u8]>) -> Result<(), MapError> {
        let format = self.format();
        if format == Format::Json || !self.keys_unread() {
            return Ok(());
        }
        for (index, key) in keys.enumerate() {
            v0::check_key(format, plain_key(key)).map_err(|reason| MapError::NotSent { index, reason })?;
        }
        Ok(())
    }

    fn keys_unread(&self) -> bool {
        self.streams.iter().any(|link| matches!(&*link.lock(), Link::Up(stream) if stream.keys_unread()))
    }

    /// How many streams have ended and been replaced. Where it grows, the grid may have lost its entries.
    pub(crate) fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    /// Sends the request that `request` makes for the id of the map `name`, and waits for its answer.
    /// `bytes` is about its encoded length.
    ///
    /// The streams take turns, and a grid runs the requests of one stream in any order too: what must not be
    /// reordered must not be in flight together.
    pub(crate) async fn call(
        self: &Arc<Self>,
        name: &Arc<str>,
        bytes: usize,
        request: impl FnOnce(i32) -> Request,
    ) -> Result<Answer, MapError> {
        self.call_change(name, bytes, None, None, request).await
    }

    /// As [`SessionCore::call`]; the claim is kept until the grid has answered, also if the caller does not wait for it.
    /// A request that changes entries leaves only if the gate allows it.
    pub(crate) async fn call_change(
        self: &Arc<Self>,
        name: &Arc<str>,
        bytes: usize,
        claim: Option<Arc<KeyGuard>>,
        gate: Option<&Arc<dyn SendGate>>,
        request: impl FnOnce(i32) -> Request,
    ) -> Result<Answer, MapError> {
        let mut admission = self.admit(bytes).await?;
        admission._claim = claim;
        admission.gate = gate.cloned();
        let index = self.next_stream.fetch_add(1, Ordering::Relaxed) % self.streams.len();
        let stream = self.stream(index).await?;
        let cache_id = stream.cache_id(name).await?;
        stream.call(Some((name, cache_id)), request(cache_id), Some(admission)).await
    }

    /// Makes the map of this name on the grid.
    pub(crate) async fn ensure(self: &Arc<Self>, name: &str) -> Result<(), MapError> {
        let _admission = self.admit(0).await?;
        self.stream(LISTENER_STREAM).await?.cache_id(name).await?;
        Ok(())
    }

    pub(crate) async fn admit(&self, bytes: usize) -> Result<Admission, MapError> {
        let closed = |_| session_closed();
        let bytes = bytes.min(MAX_BYTES_IN_FLIGHT) as u32;
        let request = self.requests.clone().acquire_owned().await.map_err(closed)?;
        let bytes = self.bytes.clone().acquire_many_owned(bytes).await.map_err(closed)?;
        Ok(Admission { _request: request, _bytes: bytes, _claim: None, gate: None })
    }

    pub(crate) async fn close(&self) {
        // All permits: each holder of one waits for an answer, and the reader ends those without one. Only a call that
        // is not polled may hold one for longer.
        let longest =
            self.options.connect_timeout + self.options.ready_timeout + self.options.request_timeout;
        let all = timeout(longest, self.requests.acquire_many(MAX_REQUESTS_IN_FLIGHT as u32)).await;
        self.requests.close();
        self.bytes.close();
        drop(all);
        self.closed.cancel();
        self.listening.close();
        for link in &self.streams {
            let link = std::mem::replace(&mut *link.lock(), Link::Closed);
            let stream = match link {
                Link::Up(stream) => Some(stream),
                Link::Opening(opening) => opening.await.ok(),
                Link::Down | Link::Closed => None,
            };
            if let Some(stream) = stream {
                stream.close().await;
            }
        }
    }
}

#[cfg(test)]
impl SessionCore {
    pub(crate) fn free_requests(&self) -> usize {
        self.requests.available_permits()
    }

    pub(crate) fn free_bytes(&self) -> usize {
        self.bytes.available_permits()
    }
}

impl Drop for SessionCore {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}

impl fmt::Debug for SessionCore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("GrpcSession")
            .field("addresses", &self.options.addresses)
            .field("scope", &self.options.scope)
            .field("format", &self.options.format)
            .finish_non_exhaustive()
    }
}

fn session_closed() -> MapError {
    MapError::Misuse("the session is closed".to_owned())
}
