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
//! in time ends the stream, because its answer could still come and the grid does not say what became of it; and a
//! stream that is silent, with nothing awaited, is asked for a sign of life, because a grid closes connections that
//! send HTTP/2 pings. Every end of the stream fails all pending requests; a stream never comes back, the session opens
//! another one.
//!
//! Where writes are without answer then, they may still be applied. A stream that was too slow is not cancelled but
//! *retired*: for its callers it has ended, and it is read on until its writes are answered.
//!
//! Events go to the listeners before the response behind them is looked at.
//!
//! The grid runs the requests of one stream side by side and answers in any order. What must not be reordered must
//! not be in flight together.

mod open;

use std::collections::{BTreeMap, HashMap};
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::key_order::Claim;
use coherence_kafka_common::map::MapError;
use parking_lot::Mutex;
use tokio::sync::{OnceCell, OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::Streaming;

use crate::answer::{self, Answer, classify};
use crate::doubt::{Cause, Doubt, Unanswered};
use crate::events::Listeners;
use crate::options::SessionOptions;
use crate::proto::cache::{NamedCacheResponse, ResponseType};
use crate::proto::proxy::{ProxyResponse, proxy_response::Response};
use crate::request::{Frame, Request};

use open::Initialised;
pub(crate) use open::{OpenFailure, chain, greet, open};

/// The room that a request takes up in its session until it is answered.
#[derive(Debug)]
pub(crate) struct Admission {
    pub _request: OwnedSemaphorePermit,
    pub _bytes: OwnedSemaphorePermit,
    /// The keys that no other request may concern meanwhile.
    pub _claim: Option<Arc<Claim>>,
}

/// What a stream is to its session.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// Tells the streams of a session apart.
    pub number: u64,
    /// Who hears of events, where this is the stream on which the listeners are.
    pub listeners: Option<Arc<Listeners>>,
    /// Where it is kept which writes are without answer.
    pub doubt: Arc<Doubt>,
}

/// An initialised stream. Dropping it gives the stream up.
pub(crate) struct SubChannel {
    address: String,
    number: u64,
    request_timeout: Duration,
    outgoing: mpsc::Sender<Frame>,
    table: Arc<Mutex<Table>>,
    doubt: Arc<Doubt>,
    /// Ends the stream from this side.
    stop: CancellationToken,
    /// Set when the stream has ended for its callers.
    gone: CancellationToken,
}

/// What the callers and the reader share.
#[derive(Debug)]
struct Table {
    /// Why the stream ended, once it has.
    ended: Option<String>,
    /// It has ended for its callers alone: the writes that are still pending are awaited.
    retired: bool,
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
    /// It may change entries.
    changes: bool,
    messages: Answer,
    /// `None` once the caller was told that there is none.
    answer: Option<oneshot::Sender<Result<Answer, MapError>>>,
    /// Held until the grid has answered even where the caller has gone: it bounds what the grid has to do.
    admission: Option<Admission>,
    /// Where the caller has gone.
    left: Option<Unanswered>,
}

impl Pending {
    fn tell(&mut self, answer: Result<Answer, MapError>) {
        if let Some(caller) = self.answer.take() {
            let _ = caller.send(answer);
        }
    }
}

/// A caller that waits for the answer to a write.
struct Waiting<'a> {
    stream: &'a SubChannel,
    id: i64,
}

impl Drop for Waiting<'_> {
    /// Where there is no answer yet, the write goes on without its caller.
    fn drop(&mut self) {
        let mut table = self.stream.table.lock();
        if !table.retired
            && let Some(pending) = table.pending.get_mut(&self.id)
        {
            pending.left = Some(self.stream.doubt.begin(&self.stream.address, Cause::Left));
        }
    }
}

impl SubChannel {
    /// Takes over an initialised stream: request id 1 has been used.
    fn start(address: String, options: &SessionOptions, role: Role, stream: Initialised) -> Self {
        let Initialised { outgoing, stop, grpc, responses } = stream;
        let table = Table {
            ended: None,
            retired: false,
            next_id: 2,
            pending: BTreeMap::new(),
            caches: HashMap::new(),
        };
        let table = Arc::new(Mutex::new(table));
        let gone = CancellationToken::new();
        let (number, request_timeout, doubt) = (role.number, options.request_timeout, role.doubt.clone());
        let reader = Reader {
            address: address.clone(),
            options: options.clone(),
            outgoing: outgoing.clone(),
            role,
            table: table.clone(),
            stop: stop.clone(),
            gone: gone.clone(),
        };
        let on_end = gone.clone().drop_guard();
        tokio::spawn(async move {
            reader.run(responses).await;
            // The connection lives as long as its last user.
            drop(grpc);
            drop(on_end);
        });
        Self { address, number, request_timeout, outgoing, table, doubt, stop, gone }
    }

    /// Tells it apart from the other streams of its session.
    pub(crate) fn number(&self) -> u64 {
        self.number
    }

    /// Waits for the end of the stream. Why it ended.
    pub(crate) async fn end(&self) -> String {
        self.gone.cancelled().await;
        self.end_reason()
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
        let changes = request.changes();
        let id = {
            let mut table = self.table.lock();
            if let Some(reason) = &table.ended {
                return Err(MapError::Unavailable(reason.clone()));
            }
            let id = table.next_id;
            table.next_id += 1;
            let pending = Pending {
                deadline: Instant::now() + self.request_timeout,
                cache_id,
                changes,
                messages: Answer::new(),
                answer: Some(answer),
                admission,
                left: None,
            };
            table.pending.insert(id, pending);
            // Under the lock, so that requests leave in the order of their ids.
            place.send(Frame { id, request });
            id
        };
        tracing::trace!(id, "request sent");
        let _waiting = changes.then(|| Waiting { stream: self, id });
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
        MapError::Unavailable(self.end_reason())
    }

    fn end_reason(&self) -> String {
        let reason = self.table.lock().ended.clone();
        reason.unwrap_or_else(|| format!("the stream to {} ended", self.address))
    }
}

impl fmt::Debug for SubChannel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SubChannel").field("address", &self.address).field("open", &self.is_open()).finish()
    }
}

impl Drop for SubChannel {
    fn drop(&mut self) {
        // One that is retired is read on, and its sending half stays open: what is not sent yet would never be
        // answered.
        if !self.table.lock().retired {
            self.stop.cancel();
        }
    }
}

/// The receiving half.
struct Reader {
    address: String,
    options: SessionOptions,
    /// For heartbeats. Does not keep the stream open: `stop` ends what reads from it.
    outgoing: mpsc::Sender<Frame>,
    role: Role,
    table: Arc<Mutex<Table>>,
    stop: CancellationToken,
    gone: CancellationToken,
}

/// How a stream ends.
enum End {
    /// From this side.
    Closed,
    /// By the grid, or by the transport.
    Broken(String),
    /// Given up for its slowness; answers may still come.
    Slow(String),
}

/// When something came last, and whether a sign of life has been asked for since.
struct Quiet {
    since: Instant,
    asked: bool,
}

impl Reader {
    async fn run(self, mut responses: Streaming<ProxyResponse>) {
        match self.serve(&mut responses).await {
            End::Closed => self.end("closed by the session", false),
            End::Broken(what) => self.end(&what, true),
            End::Slow(what) => {
                // Before any caller is told.
                let unanswered = self.role.doubt.begin(&self.address, Cause::Retired(self.stop.clone()));
                if self.retire(&what) {
                    self.finish(&mut responses).await;
                }
                drop(unanswered);
            }
        }
        // Ends the sending half too. What the grid has not taken yet is not sent any more.
        self.stop.cancel();
    }

    async fn serve(&self, responses: &mut Streaming<ProxyResponse>) -> End {
        let mut quiet = Quiet { since: Instant::now(), asked: false };
        let mut check = pin!(sleep_until(self.first_check(&quiet)));
        loop {
            tokio::select! {
                response = responses.message() => match response {
                    Ok(Some(response)) => {
                        quiet = Quiet { since: Instant::now(), asked: false };
                        self.take(response);
                    }
                    Ok(None) => return End::Broken("ended by the grid".to_owned()),
                    Err(status) => return End::Broken(format!("ended: {}", open::describe(&status))),
                },
                () = &mut check => match self.next_check(&mut quiet) {
                    Ok(at) => check.as_mut().reset(at),
                    Err(what) => return End::Slow(what),
                },
                () = self.stop.cancelled() => return End::Closed,
            }
        }
    }

    /// The stream has ended, and with it all that is pending.
    fn end(&self, what: &str, broken: bool) {
        let reason = format!("the stream to {} was {what}", self.address);
        let pending = {
            let mut table = self.table.lock();
            table.ended = Some(reason.clone());
            std::mem::take(&mut table.pending)
        };
        tracing::info!(address = self.address, reason, pending = pending.len(), "grid stream ended");
        // Before any caller is told.
        if broken && pending.values().any(|pending| pending.changes) {
            self.role.doubt.broken(&self.address, &self.options);
        }
        for mut pending in pending.into_values() {
            pending.tell(Err(MapError::Unavailable(reason.clone())));
        }
    }

    /// Ends the stream for its callers. True where it has writes whose answers are still awaited.
    fn retire(&self, what: &str) -> bool {
        let reason = format!("the stream to {} was {what}", self.address);
        let mut callers = Vec::new();
        let awaited = {
            let mut table = self.table.lock();
            table.ended = Some(reason.clone());
            table.retired = true;
            table.pending.retain(|_, pending| {
                callers.extend(pending.answer.take());
                pending.messages.clear();
                pending.admission = None;
                pending.left = None;
                pending.changes
            });
            table.pending.len()
        };
        tracing::info!(
            address = self.address,
            reason,
            pending = callers.len(),
            awaited,
            "grid stream ended for its callers"
        );
        for caller in callers {
            let _ = caller.send(Err(MapError::Unavailable(reason.clone())));
        }
        self.gone.cancel();
        awaited > 0
    }

    /// Reads until every write is answered.
    async fn finish(&self, responses: &mut Streaming<ProxyResponse>) {
        let broke = loop {
            if self.table.lock().pending.is_empty() {
                tracing::info!(address = self.address, "late writes answered");
                return;
            }
            tokio::select! {
                response = responses.message() => match response {
                    Ok(Some(response)) => {
                        self.table.lock().take(response);
                    }
                    Ok(None) | Err(_) => break true,
                },
                () = self.stop.cancelled() => break false,
                () = self.role.doubt.closed().cancelled() => break false,
            }
        };
        if broke {
            self.role.doubt.broken(&self.address, &self.options);
        }
    }

    fn first_check(&self, quiet: &Quiet) -> Instant {
        let request_timeout = self.options.request_timeout;
        quiet.since + self.options.heartbeat.map_or(request_timeout, |beat| beat.min(request_timeout))
    }

    /// When to look again, or why the stream is given up. Without a pending request nothing can be late before a
    /// whole time-out has passed.
    fn next_check(&self, quiet: &mut Quiet) -> Result<Instant, String> {
        let now = Instant::now();
        let mut table = self.table.lock();
        let oldest = table.pending.values().next().map(|oldest| oldest.deadline);
        if oldest.is_some_and(|deadline| deadline <= now) {
            return Err(format!("given up: no answer within {:?}", self.options.request_timeout));
        }
        let next_request = oldest.unwrap_or(now + self.options.request_timeout);
        let Some(heartbeat) = self.options.heartbeat else { return Ok(next_request) };
        if quiet.asked {
            let until = quiet.since + 2 * heartbeat;
            if until <= now {
                return Err(format!("given up: silent for {:?}", 2 * heartbeat));
            }
            return Ok(next_request.min(until));
        }
        let due = quiet.since + heartbeat;
        if due > now {
            return Ok(next_request.min(due));
        }
        // What is awaited has its own deadline, and may take its time.
        if oldest.is_none() {
            let id = table.next_id;
            table.next_id += 1;
            // Without room for it the stream is not idle on this side, and its end is near all the same.
            let _ = self.outgoing.try_send(Frame { id, request: Request::heartbeat() });
            *quiet = Quiet { since: now - heartbeat, asked: true };
        }
        Ok(next_request.min(now + heartbeat))
    }

    fn take(&self, response: ProxyResponse) {
        if let (0, Some(Response::Message(any))) = (response.id, &response.response) {
            // One that cannot be read is nothing that could be acted on.
            if let Ok(event) = answer::cache_response(any.value.clone()) {
                self.take_event(event);
            }
            return;
        }
        let stale = self.table.lock().take(response);
        if let (Some(cache_id), Some(listeners)) = (stale, &self.role.listeners) {
            listeners.destroyed(self.role.number, cache_id);
        }
    }

    /// A message that answers no request: an event, or the end of a map.
    fn take_event(&self, event: NamedCacheResponse) {
        if event.r#type() == ResponseType::Destroyed {
            self.table.lock().forget(event.cache_id);
        }
        if let Some(listeners) = &self.role.listeners {
            listeners.take(self.role.number, event);
        }
    }
}

impl Table {
    /// Takes in one response. Responses of different requests interleave freely. The id of a map that the grid no
    /// longer knows, where the response says so.
    fn take(&mut self, response: ProxyResponse) -> Option<i32> {
        let id = response.id;
        match response.response {
            Some(Response::Message(any)) => {
                if let Some(pending) = self.pending.get_mut(&id)
                    && pending.answer.is_some()
                    && answer::is_type(&any, "coherence.cache.v1.NamedCacheResponse")
                {
                    pending.messages.push(any.value);
                }
            }
            Some(Response::Complete(_)) => {
                if let Some(mut pending) = self.pending.remove(&id) {
                    let messages = std::mem::take(&mut pending.messages);
                    pending.tell(Ok(messages));
                }
            }
            Some(Response::Error(error)) => {
                let mut pending = self.pending.remove(&id)?;
                let read = classify(&error);
                let stale = pending.cache_id.filter(|_| read.stale_cache);
                if let Some(cache_id) = stale {
                    self.forget(cache_id);
                }
                pending.tell(Err(read.error));
                return stale;
            }
            // Heartbeats are a sign of life by having come.
            Some(Response::Init(_) | Response::Heartbeat(_)) | None => {}
        }
        None
    }

    /// The map must be ensured again before it is used again.
    fn forget(&mut self, cache_id: i32) {
        self.caches.retain(|_, cell| cell.get() != Some(&cache_id));
    }
}
