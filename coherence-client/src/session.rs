//! A session with a grid: the stream it has at the moment, opened when it is needed and again after it has ended.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use coherence_kafka_common::map::{Format, MapError, NamedMap, Session};
use futures::FutureExt;
use futures::future::{BoxFuture, Shared};
use parking_lot::Mutex;
use tokio::runtime::Handle;
use tokio::sync::Semaphore;

use crate::answer::Answer;
use crate::options::{OptionsError, SessionOptions};
use crate::remote_map::{Claim, RemoteMap};
use crate::request::Request;
use crate::split::MAX_ENTRY_BYTES;
use crate::sub_channel::{self, Admission, SubChannel};
use crate::tls;

/// Requests of one session without an answer: a proxy queues what it is sent without bound.
pub const MAX_REQUESTS_IN_FLIGHT: usize = 64;

/// Encoded bytes of the requests of one session without an answer.
pub const MAX_BYTES_IN_FLIGHT: usize = 16 << 20;

/// A session with a grid over gRPC, with one format and one scope.
///
/// Connects when a map is first used, and again (to the next address, on a fresh connection) at the first use after
/// its stream has ended. Callers that come while it connects share the attempt; it never tries by itself, so the
/// pace of retries is the caller's. Cheap to clone. Dropping the last clone and all maps gives the stream up.
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
            tls::endpoint(&options, address)?;
        }
        let grid = Grid {
            options,
            runtime,
            link: Mutex::new(Link::Down),
            next_address: AtomicUsize::new(0),
            was_open: AtomicBool::new(false),
            replaced: AtomicU64::new(0),
            requests: Arc::new(Semaphore::new(MAX_REQUESTS_IN_FLIGHT)),
            bytes: Arc::new(Semaphore::new(MAX_BYTES_IN_FLIGHT)),
        };
        Ok(Self { grid: Arc::new(grid) })
    }

    /// Waits until every request is answered or has failed, then closes the stream. Later calls fail with
    /// [`MapError::Misuse`]. Takes at most about one request time-out and one round of connecting.
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
    pub async fn remote_map(&self, name: &str) -> Result<Arc<RemoteMap>, MapError> {
        self.check_map_name(name)?;
        self.grid.ensure(name).await?;
        Ok(Arc::new(RemoteMap::new(self.grid.clone(), name)))
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
            let map: Arc<dyn NamedMap> = self.remote_map(name).await?;
            Ok(map)
        }
        .boxed()
    }
}

/// What a session and its maps share.
pub(crate) struct Grid {
    options: SessionOptions,
    runtime: Handle,
    link: Mutex<Link>,
    /// Index of the address to try first.
    next_address: AtomicUsize,
    /// A grid that took these options once is only away when it does not take them.
    was_open: AtomicBool,
    /// How many streams have ended and been replaced.
    replaced: AtomicU64,
    requests: Arc<Semaphore>,
    bytes: Arc<Semaphore>,
}

type Opening = Shared<BoxFuture<'static, Result<Arc<SubChannel>, MapError>>>;

enum Link {
    Down,
    Opening(Opening),
    Up(Arc<SubChannel>),
    Closed,
}

impl Grid {
    pub(crate) fn format(&self) -> Format {
        self.options.format
    }

    /// How many streams have ended and been replaced. Where it grows, the grid may have lost its entries.
    pub(crate) fn replaced(&self) -> u64 {
        self.replaced.load(Ordering::Relaxed)
    }

    /// Sends the request that `request` makes for the id of the map `name`, and waits for its answer.
    /// `bytes` is about its encoded length.
    pub(crate) async fn call(
        self: &Arc<Self>,
        name: &str,
        bytes: usize,
        request: impl FnOnce(i32) -> Request,
    ) -> Result<Answer, MapError> {
        self.call_claimed(name, bytes, None, request).await
    }

    /// As [`Grid::call`]; the claim is kept until the grid has answered, also where the caller does not wait for it.
    pub(crate) async fn call_claimed(
        self: &Arc<Self>,
        name: &str,
        bytes: usize,
        claim: Option<Arc<Claim>>,
        request: impl FnOnce(i32) -> Request,
    ) -> Result<Answer, MapError> {
        let mut admission = self.admit(bytes).await?;
        admission._claim = claim;
        let stream = self.stream().await?;
        let cache_id = stream.cache_id(name).await?;
        stream.call(Some(cache_id), request(cache_id), Some(admission)).await
    }

    /// Makes the map of this name on the grid.
    async fn ensure(self: &Arc<Self>, name: &str) -> Result<(), MapError> {
        let _admission = self.admit(0).await?;
        self.stream().await?.cache_id(name).await?;
        Ok(())
    }

    async fn admit(&self, bytes: usize) -> Result<Admission, MapError> {
        let closed = |_| session_closed();
        let bytes = bytes.min(MAX_BYTES_IN_FLIGHT) as u32;
        let request = self.requests.clone().acquire_owned().await.map_err(closed)?;
        let bytes = self.bytes.clone().acquire_many_owned(bytes).await.map_err(closed)?;
        Ok(Admission { _request: request, _bytes: bytes, _claim: None })
    }

    /// The stream, opened where there is none. All who come while it is being opened wait for the same attempt.
    async fn stream(self: &Arc<Self>) -> Result<Arc<SubChannel>, MapError> {
        let opening = {
            let mut link = self.link.lock();
            match &*link {
                Link::Up(stream) if stream.is_open() => return Ok(stream.clone()),
                Link::Opening(opening) => opening.clone(),
                Link::Closed => return Err(session_closed()),
                Link::Down | Link::Up(_) => {
                    if matches!(*link, Link::Up(_)) {
                        self.replaced.fetch_add(1, Ordering::Relaxed);
                    }
                    // A task, so that a caller that goes away does not take the attempt of the others with it.
                    let task = self.runtime.spawn(self.clone().open());
                    let opening: Opening =
                        task.map(|ended| ended.unwrap_or_else(|_| Err(runtime_gone()))).boxed().shared();
                    *link = Link::Opening(opening.clone());
                    opening
                }
            }
        };
        opening.await
    }

    /// One attempt over all addresses.
    async fn open(self: Arc<Self>) -> Result<Arc<SubChannel>, MapError> {
        let opened = self.open_first().await.map(Arc::new);
        let mut link = self.link.lock();
        if !matches!(*link, Link::Closed) {
            *link = opened.as_ref().map_or(Link::Down, |stream| Link::Up(stream.clone()));
        }
        opened
    }

    async fn open_first(&self) -> Result<SubChannel, MapError> {
        let addresses = &self.options.addresses;
        let first = self.next_address.load(Ordering::Relaxed);
        let mut misuse = false;
        let mut reasons = Vec::new();
        for index in (0..addresses.len()).map(|n| (first + n) % addresses.len()) {
            let address = &addresses[index];
            match sub_channel::open(&self.options, address).await {
                Ok(stream) => {
                    // When this stream ends, its address is the least promising one.
                    self.next_address.store((index + 1) % addresses.len(), Ordering::Relaxed);
                    self.was_open.store(true, Ordering::Relaxed);
                    return Ok(stream);
                }
                Err(failure) => {
                    tracing::debug!(address, reason = failure.reason, "no grid stream");
                    misuse |= failure.misuse;
                    reasons.push(format!("{address}: {}", failure.reason));
                }
            }
        }
        let reasons = reasons.join("; ");
        Err(if misuse && !self.was_open.load(Ordering::Relaxed) {
            MapError::Misuse(format!("no session with the grid: {reasons}"))
        } else {
            MapError::Unavailable(reasons)
        })
    }

    async fn close(&self) {
        // All permits: whoever holds one waits for an answer, and the reader gives up those without one.
        if let Ok(all) = self.requests.acquire_many(MAX_REQUESTS_IN_FLIGHT as u32).await {
            self.requests.close();
            drop(all);
        }
        let link = std::mem::replace(&mut *self.link.lock(), Link::Closed);
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

fn runtime_gone() -> MapError {
    MapError::Unavailable("the runtime of the session is shutting down".to_owned())
}

#[cfg(test)]
mod tests;
