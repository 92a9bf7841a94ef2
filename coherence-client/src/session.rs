//! A session with a grid: the streams it has at the moment, and what its maps share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use coherence_kafka_common::grid_address::GridAddress;
use coherence_kafka_common::key_order::Claim;
use coherence_kafka_common::map::{Format, MapError, NamedMap, OfMap, SendGate, Session};
use futures::FutureExt;
use futures::future::BoxFuture;
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_util::sync::CancellationToken;

use crate::answer::Answer;
use crate::in_doubt::InDoubtWrites;
use crate::options::{OptionsError, SessionOptions, parse_address};
use crate::remote_map::RemoteMap;
use crate::request::Request;
use crate::split::MAX_ENTRY_BYTES;
use crate::sub_channel::{Admission, SubChannel};
use crate::tls;

mod connect;
mod listening;

use listening::{LISTENER_LANE, Listening};

/// Requests of one session without an answer: a proxy queues what it is sent without bound.
pub const MAX_REQUESTS_IN_FLIGHT: usize = 64;

/// Encoded bytes of the requests of one session without an answer.
pub const MAX_BYTES_IN_FLIGHT: usize = 16 << 20;

/// A session with a grid over gRPC, with one format and one scope.
///
/// Connects when a map is first used, and again (to the next address, on a fresh connection) at the first use after
/// its stream has ended. Callers that come while it connects share the attempt. As long as nobody listens it never
/// tries by itself, so the pace of retries is the caller's; with listeners it does, with pauses
/// ([`SessionOptions::reconnect_backoff`]), registers them again and tells each of the gap. Cheap to clone. Dropping
/// the last clone and all maps and listeners gives the streams up.
#[derive(Clone)]
pub struct GrpcSession {
    grid: Arc<Grid>,
}

impl GrpcSession {
    /// A session on the current tokio runtime. Reads the TLS files, but connects to nothing.
    ///
    /// # Errors
    /// What is wrong with the options, or that there is no runtime.
    pub fn new(options: SessionOptions) -> Result<Self, OptionsError> {
        let runtime = Handle::try_current().map_err(|_| OptionsError::NoRuntime)?;
        Self::on(options, runtime)
    }

    /// As [`GrpcSession::new`], with its tasks on `runtime`.
    ///
    /// # Errors
    /// What is wrong with the options.
    pub fn on(options: SessionOptions, runtime: Handle) -> Result<Self, OptionsError> {
        options.check()?;
        for address in &options.addresses {
            // Which proxies a name service will name is not known yet, whether the TLS files are good is.
            let proxy = match parse_address(address)? {
                GridAddress::Proxy(proxy) => proxy,
                GridAddress::NameService { .. } => "localhost:1408".to_owned(),
            };
            tls::endpoint(&options, &proxy)?;
        }
        Ok(Self { grid: Arc::new(Grid::new(options, runtime)) })
    }

    /// Opens a stream to the grid unless there is one, for who wants to know early whether the grid is there and takes
    /// the session's options. Whatever uses a map does so by itself.
    ///
    /// # Errors
    /// That no address could be reached, or what about the options the grid does not take.
    pub async fn connect(&self) -> Result<(), MapError> {
        self.grid.stream(LISTENER_LANE).await.map(drop)
    }

    /// Waits until every request is answered or has failed, then ends the listeners and closes the streams. Later
    /// calls fail with [`MapError::Misuse`]. Takes at most about one request time-out and one round of connecting.
    pub async fn close(&self) {
        self.grid.close().await;
    }
}

impl GrpcSession {
    /// The map of this name with all that a map of a grid can do. Its name is checked as by
    /// [`Session::check_map_name`], and the grid makes it if it is not there.
    ///
    /// Each call gives a handle that orders its own calls: see [`RemoteMap`].
    ///
    /// # Errors
    /// As those of the map's calls.
    pub async fn remote_map(&self, name: &str) -> Result<RemoteMap, MapError> {
        self.check_map_name(name)?;
        self.grid.ensure(name).await?;
        Ok(RemoteMap::new(self.grid.clone(), name))
    }
}

#[cfg(test)]
impl GrpcSession {
    pub(crate) fn grid(&self) -> &Arc<Grid> {
        &self.grid
    }
}

impl fmt::Debug for GrpcSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.grid.fmt(f)
    }
}

impl Session for GrpcSession {
    fn format(&self) -> Format {
        self.grid.options.format
    }

    fn max_entry_bytes(&self) -> usize {
        MAX_ENTRY_BYTES
    }

    fn check_map_name(&self, name: &str) -> Result<(), MapError> {
        if name.is_empty() {
            return Err(MapError::Misuse("a map name must not be empty".to_owned()));
        }
        // With these the grid never answers, and its proxy stops serving all its clients until it is restarted.
        if name.contains(['*', '?']) {
            return Err(MapError::Misuse(format!("map name {name:?}: * and ? are not possible on a grid")));
        }
        Ok(())
    }

    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        async move {
            let map: Arc<dyn NamedMap> = Arc::new(self.remote_map(name).await?);
            Ok(map)
        }
        .boxed()
    }

    fn gated_map<'a>(
        &'a self,
        name: &'a str,
        gate: &'a Arc<dyn SendGate>,
    ) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        async move {
            let map: Arc<dyn NamedMap> = Arc::new(self.remote_map(name).await?.gated(gate));
            Ok(map)
        }
        .boxed()
    }

    fn has_writes_in_doubt(&self) -> bool {
        !self.grid.in_doubt.is_empty()
    }

    fn in_doubt(&self, entries: &[OfMap<'_>]) -> Option<String> {
        self.grid.in_doubt.of(entries)
    }

    fn until_resolved<'a>(&'a self, entries: &'a [OfMap<'a>]) -> BoxFuture<'a, bool> {
        self.grid.in_doubt.until_resolved(entries, self.grid.options.unanswered_timeout).boxed()
    }
}

/// What a session, its maps and its listeners share.
pub(crate) struct Grid {
    options: SessionOptions,
    runtime: Handle,
    lanes: Vec<Mutex<Link>>,
    /// Index of the address to try first.
    next_address: AtomicUsize,
    /// Index of the lane of the next request, before the remainder is taken.
    next_lane: AtomicUsize,
    streams_opened: AtomicU64,
    /// A grid that took these options once is only away when it does not take them.
    was_open: AtomicBool,
    /// How many streams have ended and been replaced.
    replaced: AtomicU64,
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
    listening: Arc<Listening>,
    in_doubt: Arc<InDoubtWrites>,
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

impl Grid {
    fn new(options: SessionOptions, runtime: Handle) -> Self {
        let closed = CancellationToken::new();
        Self {
            lanes: (0..options.streams).map(|_| Mutex::new(Link::Down)).collect(),
            options,
            runtime,
            next_address: AtomicUsize::new(0),
            next_lane: AtomicUsize::new(0),
            streams_opened: AtomicU64::new(0),
            was_open: AtomicBool::new(false),
            replaced: AtomicU64::new(0),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS_IN_FLIGHT)),
            bytes: Arc::new(Semaphore::new(MAX_BYTES_IN_FLIGHT)),
            listening: Arc::default(),
            in_doubt: Arc::new(InDoubtWrites::new(closed.clone())),
            closed,
        }
    }

    pub(crate) fn runtime(&self) -> &Handle {
        &self.runtime
    }

    pub(crate) fn format(&self) -> Format {
        self.options.format
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

    /// As [`Grid::call`]; the claim is kept until the grid has answered, also where the caller does not wait for it. A
    /// request that changes entries leaves only if the gate lets it.
    pub(crate) async fn call_change(
        self: &Arc<Self>,
        name: &Arc<str>,
        bytes: usize,
        claim: Option<Arc<Claim>>,
        gate: Option<&Arc<dyn SendGate>>,
        request: impl FnOnce(i32) -> Request,
    ) -> Result<Answer, MapError> {
        let mut admission = self.admit(bytes).await?;
        admission._claim = claim;
        admission.gate = gate.cloned();
        let lane = self.next_lane.fetch_add(1, Ordering::Relaxed) % self.lanes.len();
        let stream = self.stream(lane).await?;
        let cache_id = stream.cache_id(name).await?;
        stream.call(Some((name, cache_id)), request(cache_id), Some(admission)).await
    }

    /// Makes the map of this name on the grid.
    async fn ensure(self: &Arc<Self>, name: &str) -> Result<(), MapError> {
        let _admission = self.admit(0).await?;
        self.stream(LISTENER_LANE).await?.cache_id(name).await?;
        Ok(())
    }

    async fn admit(&self, bytes: usize) -> Result<Admission, MapError> {
        let closed = |_| session_closed();
        let bytes = bytes.min(MAX_BYTES_IN_FLIGHT) as u32;
        let request = self.requests.clone().acquire_owned().await.map_err(closed)?;
        let bytes = self.bytes.clone().acquire_many_owned(bytes).await.map_err(closed)?;
        Ok(Admission { _request: request, _bytes: bytes, _claim: None, gate: None })
    }

    async fn close(&self) {
        // All permits: whoever holds one waits for an answer, and the reader gives up those without one. Only a call
        // that nobody polls may hold one for longer.
        let longest =
            self.options.connect_timeout + self.options.ready_timeout + self.options.request_timeout;
        let all = timeout(longest, self.requests.acquire_many(MAX_REQUESTS_IN_FLIGHT as u32)).await;
        self.requests.close();
        self.bytes.close();
        drop(all);
        self.closed.cancel();
        self.listening.close();
        for lane in &self.lanes {
            let link = std::mem::replace(&mut *lane.lock(), Link::Closed);
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

impl Drop for Grid {
    fn drop(&mut self) {
        self.closed.cancel();
    }
}

impl fmt::Debug for Grid {
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

#[cfg(test)]
mod tests;
