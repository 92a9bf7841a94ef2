//! One stream to one proxy of the grid.
//!
//! ```text
//! call ── Frame ──► outgoing channel ── body of the HTTP/2 request ──► proxy
//!   ▲                                                                   │
//!   └── oneshot ◄── table of pending requests, by id ◄── reader task ◄──┘
//! ```
//!
//! The reader task always takes what comes and never waits for a caller: a proxy queues answers without bound, so
//! a reader that stops makes it run out of memory. It also watches the clock: the first request without an answer
//! in time ends the stream, because its answer could still come and the grid does not say what became of it. Every
//! end of the stream fails all pending requests; a stream never comes back, the session opens another one.
//!
//! The grid runs the requests of one stream side by side and answers in any order. What must not be reordered must
//! not be in flight together.

mod open;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::map::MapError;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;
use tonic::client::Grpc;
use tonic::transport::Channel;

use crate::answer::{self, Answer, classify};
use crate::proto::cache::ResponseType;
use crate::proto::proxy::{ProxyResponse, proxy_response::Response};
use crate::remote_map::Claim;
use crate::request::{Frame, Request};

pub(crate) use open::{chain, open};

/// The room that a request takes up in its session until it is answered.
#[derive(Debug)]
pub(crate) struct Admission {
    pub _request: OwnedSemaphorePermit,
    pub _bytes: OwnedSemaphorePermit,
    /// The keys that no other request may concern meanwhile.
    pub _claim: Option<Arc<Claim>>,
}

/// An initialised stream. Dropping it gives the stream up.
pub(crate) struct SubChannel {
    address: String,
    request_timeout: Duration,
    outgoing: mpsc::Sender<Frame>,
    table: Arc<Mutex<Table>>,
    /// Ends the stream from this side.
    stop: CancellationToken,
    /// Set when the reader has gone.
    gone: CancellationToken,
}

/// What the callers and the reader share.
#[derive(Debug)]
struct Table {
    /// Why the stream ended, once it has.
    ended: Option<String>,
    next_id: i64,
    /// By id, and thereby by deadline: ids grow and the time-out is the same for all.
    pending: BTreeMap<i64, Pending>,
    /// The ids of the maps on this stream; each name is ensured once, or its events would come twice.
    caches: HashMap<String, Arc<OnceCell<i32>>>,
}

#[derive(Debug)]
struct Pending {
    deadline: Instant,
    cache_id: Option<i32>,
    messages: Answer,
    answer: oneshot::Sender<Result<Answer, MapError>>,
    /// Held until the grid has answered even where the caller has gone: it bounds what the grid has to do.
    _admission: Option<Admission>,
}

impl SubChannel {
    /// Takes over an initialised stream: request id 1 has been used.
    fn start(
        address: String,
        request_timeout: Duration,
        outgoing: mpsc::Sender<Frame>,
        stop: CancellationToken,
        grpc: Grpc<Channel>,
        responses: Streaming<ProxyResponse>,
    ) -> Self {
        let table = Table { ended: None, next_id: 2, pending: BTreeMap::new(), caches: HashMap::new() };
        let table = Arc::new(Mutex::new(table));
        let gone = CancellationToken::new();
        let reader =
            Reader { address: address.clone(), request_timeout, table: table.clone(), stop: stop.clone() };
        let on_end = gone.clone().drop_guard();
        tokio::spawn(async move {
            reader.run(responses).await;
            // The connection lives as long as its last user.
            drop(grpc);
            drop(on_end);
        });
        Self { address, request_timeout, outgoing, table, stop, gone }
    }

    /// True until the stream has ended.
    pub(crate) fn is_open(&self) -> bool {
        self.table.lock().ended.is_none()
    }

    /// Sends one request and waits for its complete answer. Dropping the future leaves the request running.
    pub(crate) async fn call(
        &self,
        cache_id: Option<i32>,
        request: Request,
        admission: Option<Admission>,
    ) -> Result<Answer, MapError> {
        // The place in the channel comes first: a request must never be pending without being sent, nor the reverse.
        let Ok(place) = self.outgoing.reserve().await else {
            return Err(self.ended());
        };
        let (answer, answered) = oneshot::channel();
        let id = {
            let mut table = self.table.lock();
            if let Some(reason) = &table.ended {
                return Err(MapError::Unavailable(reason.clone()));
            }
            let id = table.next_id;
            table.next_id += 1;
            let deadline = Instant::now() + self.request_timeout;
            let pending =
                Pending { deadline, cache_id, messages: Answer::new(), answer, _admission: admission };
            table.pending.insert(id, pending);
            // Under the lock, so that requests leave in the order of their ids.
            place.send(Frame { id, request });
            id
        };
        tracing::trace!(id, "request sent");
        answered.await.unwrap_or_else(|_| Err(self.ended()))
    }

    /// The id of the map of this name on this stream; asks for it once.
    pub(crate) async fn cache_id(&self, name: &str) -> Result<i32, MapError> {
        let cell = self.table.lock().caches.entry(name.to_owned()).or_default().clone();
        let ensure = || async {
            let messages = self.call(None, Request::ensure_cache(name), None).await?;
            let [response] = messages.as_slice() else {
                return Err(answer::unreadable(format!("{} messages to EnsureCache", messages.len())));
            };
            Ok(answer::cache_response(response.clone())?.cache_id)
        };
        cell.get_or_try_init(ensure).await.copied()
    }

    /// Half-closes and ends the stream. What is still pending fails; a grid drops what it has not begun.
    pub(crate) async fn close(&self) {
        self.stop.cancel();
        self.gone.cancelled().await;
    }

    fn ended(&self) -> MapError {
        let reason = self.table.lock().ended.clone();
        MapError::Unavailable(reason.unwrap_or_else(|| format!("the stream to {} ended", self.address)))
    }
}

impl fmt::Debug for SubChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubChannel").field("address", &self.address).field("open", &self.is_open()).finish()
    }
}

impl Drop for SubChannel {
    fn drop(&mut self) {
        self.stop.cancel();
    }
}

/// The receiving half.
struct Reader {
    address: String,
    request_timeout: Duration,
    table: Arc<Mutex<Table>>,
    stop: CancellationToken,
}

impl Reader {
    async fn run(self, mut responses: Streaming<ProxyResponse>) {
        let mut check = pin!(sleep_until(Instant::now() + self.request_timeout));
        let what = loop {
            tokio::select! {
                response = responses.message() => match response {
                    Ok(Some(response)) => self.table.lock().take(response),
                    Ok(None) => break "ended by the grid".to_owned(),
                    Err(status) => break format!("ended: {}", open::describe(&status)),
                },
                () = &mut check => match self.next_check() {
                    Some(at) => check.as_mut().reset(at),
                    None => break format!("given up: no answer within {:?}", self.request_timeout),
                },
                () = self.stop.cancelled() => break "closed by the session".to_owned(),
            }
        };
        // Ends the sending half too. What the grid has not taken yet is not sent any more.
        self.stop.cancel();
        let reason = format!("the stream to {} was {what}", self.address);
        let pending = {
            let mut table = self.table.lock();
            table.ended = Some(reason.clone());
            std::mem::take(&mut table.pending)
        };
        tracing::info!(address = self.address, reason, pending = pending.len(), "grid stream ended");
        for pending in pending.into_values() {
            let _ = pending.answer.send(Err(MapError::Unavailable(reason.clone())));
        }
    }

    /// When to look again, or `None` where a request has had no answer in time. Without a pending request nothing
    /// can be late before a whole time-out has passed.
    fn next_check(&self) -> Option<Instant> {
        let now = Instant::now();
        match self.table.lock().pending.values().next() {
            None => Some(now + self.request_timeout),
            Some(oldest) => (oldest.deadline > now).then_some(oldest.deadline),
        }
    }
}

impl Table {
    /// Takes in one response. Responses of different requests interleave freely.
    fn take(&mut self, response: ProxyResponse) {
        let id = response.id;
        match response.response {
            Some(Response::Message(any)) if id == 0 => self.take_event(any.value),
            Some(Response::Message(any)) => {
                if let Some(pending) = self.pending.get_mut(&id)
                    && answer::is_type(&any, "coherence.cache.v1.NamedCacheResponse")
                {
                    pending.messages.push(any.value);
                }
            }
            Some(Response::Complete(_)) => {
                if let Some(pending) = self.pending.remove(&id) {
                    let _ = pending.answer.send(Ok(pending.messages));
                }
            }
            Some(Response::Error(error)) => {
                if let Some(pending) = self.pending.remove(&id) {
                    let read = classify(&error);
                    if let (true, Some(cache_id)) = (read.stale_cache, pending.cache_id) {
                        self.forget(cache_id);
                    }
                    let _ = pending.answer.send(Err(read.error));
                }
            }
            // Heartbeats may come at any time and mean nothing here.
            Some(Response::Init(_) | Response::Heartbeat(_)) | None => {}
        }
    }

    /// A message that answers no request. There are no listeners, so the only one that matters is the end of a map.
    fn take_event(&mut self, response: Bytes) {
        if let Ok(event) = answer::cache_response(response)
            && event.r#type() == ResponseType::Destroyed
        {
            self.forget(event.cache_id);
        }
    }

    /// The map must be ensured again before it is used again.
    fn forget(&mut self, cache_id: i32) {
        self.caches.retain(|_, cell| cell.get() != Some(&cache_id));
    }
}
