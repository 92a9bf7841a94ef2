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
//! in time ends the stream, because its answer could still come and the grid does not report what became of it; and
//! a silent stream, with nothing awaited, gets a heartbeat, because a grid closes connections that send HTTP/2 pings.
//! Every end of the stream fails all pending requests; a stream never comes back, the session opens another one.
//!
//! Where writes are without answer then, they may still be applied. A stream that was too slow is not cancelled but
//! *retired*: for its callers it has ended, and it is read on until its writes are answered.
//!
//! ```text
//! open.rs    how a stream is opened     table.rs   what callers and reader share     reader.rs   the reader task
//! probe.rs   what follows if it breaks while writes are without answer
//! ```
//!
//! A request that changes entries may have a [`SendGate`]. It is asked when the transport takes the request out of the
//! outgoing channel, behind every wait: a request that is held back there ends with an error and has not left.
//!
//! Events go to the listeners before the response behind them is looked at.
//!
//! With a grid that speaks protocol v0 alone, a connection and its calls stand in the place of the stream: see `v0.rs`.
//!
//! The grid runs the requests of one stream side by side and answers in any order. What must not be reordered must
//! not be in flight together.

mod bounded;
mod open;
mod probe;
mod reader;
mod table;

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::key_locks::KeyGuard;
use coherence_kafka_common::map::{MapError, SendGate};
use futures::Stream;
use parking_lot::Mutex;
use tokio::sync::{OwnedSemaphorePermit, mpsc, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;
use tonic::Status;

use crate::answer::{self, Answer, Incoming};
use crate::events::Listeners;
use crate::in_doubt::{Cause, Change, InDoubtWrites};
use crate::options::SessionOptions;
use crate::request::{Frame, Request};
use crate::v0::{Link, TimedMaps};

use open::Ends;
pub(crate) use open::{OpenFailure, open};
use reader::Reader;
use table::{Pending, Table};

/// The room that a request takes up in its session until it is answered.
#[derive(Debug)]
pub(crate) struct Admission {
    pub(crate) _request: OwnedSemaphorePermit,
    pub(crate) _bytes: OwnedSemaphorePermit,
    /// The keys that no other request may concern meanwhile.
    pub(crate) _claim: Option<Arc<KeyGuard>>,
    /// Asked when the request is about to leave.
    pub(crate) gate: Option<Arc<dyn SendGate>>,
}

/// What a stream is to its session.
#[derive(Debug, Clone)]
pub(crate) struct Role {
    /// Distinguishes the streams of a session.
    pub(crate) number: u64,
    /// The listeners, if their events come on this stream.
    pub(crate) listeners: Option<Arc<Listeners>>,
    /// Where it is kept which writes are without answer.
    pub(crate) in_doubt: Arc<InDoubtWrites>,
    /// Where it is kept which maps have entries that expire, for protocol v0.
    pub(crate) timed: TimedMaps,
}

/// An initialised stream. Dropping it gives the stream up.
pub(crate) struct SubChannel {
    address: String,
    number: u64,
    request_timeout: Duration,
    outgoing: mpsc::Sender<Frame>,
    table: Arc<Mutex<Table>>,
    in_doubt: Arc<InDoubtWrites>,
    /// Ends the stream from this side.
    stop: CancellationToken,
    /// Set when the stream has ended for its callers.
    gone: CancellationToken,
    /// Where the grid speaks protocol v0 alone.
    v0: Option<Arc<Link>>,
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
            pending.left =
                Some(self.stream.in_doubt.begin(&self.stream.address, Cause::Left, &pending.changes));
        }
    }
}

impl SubChannel {
    /// Takes over a stream that is open: request id 1 has been used.
    fn start(
        address: String,
        options: &SessionOptions,
        role: Role,
        ends: Ends,
        v0: Option<Arc<Link>>,
        incoming: impl Stream<Item = Result<Incoming, Status>> + Unpin + Send + 'static,
    ) -> Self {
        let Ends { outgoing, stop, gone, table } = ends;
        let (number, request_timeout, in_doubt) =
            (role.number, options.request_timeout, role.in_doubt.clone());
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
            reader.run(incoming).await;
            drop(on_end);
        });
        Self { address, number, request_timeout, outgoing, table, in_doubt, stop, gone, v0 }
    }

    /// Returns whether the grid stores keys without reading them: then they are checked on this side.
    pub(crate) fn keys_unread(&self) -> bool {
        self.v0.as_ref().is_some_and(|link| link.keys_unread())
    }

    /// Distinguishes it from the other streams of its session.
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
        map: Option<(&Arc<str>, i32)>,
        request: Request,
        admission: Option<Admission>,
    ) -> Result<Answer, MapError> {
        // The place in the channel comes first: a request must never be pending without being sent, nor the reverse.
        let Ok(place) = self.outgoing.reserve().await else {
            return Err(self.ended());
        };
        let (answer, answered) = oneshot::channel();
        let change =
            |(name, _): (&Arc<str>, _)| Some(Change { map: name.clone(), entries: request.changed()? });
        let changes = map.and_then(change);
        let is_write = changes.is_some();
        let gate = admission.as_ref().and_then(|admission| admission.gate.clone()).filter(|_| is_write);
        let id = {
            let mut table = self.table.lock();
            if let Some(reason) = &table.ended {
                return Err(MapError::Unavailable(reason.clone()));
            }
            let id = table.next_id;
            table.next_id += 1;
            let pending = Pending {
                deadline: Instant::now() + self.request_timeout,
                cache_id: map.map(|(_, cache_id)| cache_id),
                changes,
                messages: Answer::new(),
                answer: Some(answer),
                admission,
                left: None,
            };
            table.pending.insert(id, pending);
            // Under the lock, so that requests leave in the order of their ids.
            place.send(Frame { id, request, gate });
            id
        };
        tracing::trace!(id, "request sent");
        let _waiting = is_write.then(|| Waiting { stream: self, id });
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
