//! The task that reads a stream: answers to their callers, events to the listeners, and the watch over the time.

use std::pin::pin;
use std::sync::Arc;

use coherence_kafka_common::map::MapError;
use futures::{Stream, StreamExt as _};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio::time::{Instant, sleep_until};
use tokio_util::sync::CancellationToken;
use tonic::Status;

use super::table::Table;
use super::{Role, probe};
use crate::answer::{self, Incoming};
use crate::causes::describe;
use crate::in_doubt::{Cause, Unanswered};
use crate::options::SessionOptions;
use crate::proto::cache::{NamedCacheResponse, ResponseType};
use crate::proto::proxy::{ProxyResponse, proxy_response::Response};
use crate::request::{Frame, Request};

/// The receiving half.
pub(super) struct Reader {
    pub(crate) address: String,
    pub(crate) options: SessionOptions,
    /// For heartbeats. Does not keep the stream open: `stop` ends what reads from it.
    pub(crate) outgoing: mpsc::Sender<Frame>,
    pub(crate) role: Role,
    pub(crate) table: Arc<Mutex<Table>>,
    pub(crate) stop: CancellationToken,
    pub(crate) gone: CancellationToken,
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
    pub(crate) async fn run(self, mut responses: impl Stream<Item = Result<Incoming, Status>> + Unpin) {
        match self.serve(&mut responses).await {
            End::Closed => self.end("closed by the session", false),
            End::Broken(what) => self.end(&what, true),
            End::Slow(what) => {
                if let Some(unanswered) = self.retire(&what) {
                    self.finish(&mut responses).await;
                    drop(unanswered);
                }
            }
        }
        // Ends the sending half too. What has not left yet is no longer sent.
        self.stop.cancel();
    }

    async fn serve(&self, responses: &mut (impl Stream<Item = Result<Incoming, Status>> + Unpin)) -> End {
        let mut quiet = Quiet { since: Instant::now(), asked: false };
        let mut check = pin!(sleep_until(self.first_check(&quiet)));
        loop {
            tokio::select! {
                // What has come is read before the time is looked at: a runtime that was held up is no silent grid.
                biased;
                () = self.stop.cancelled() => return End::Closed,
                response = responses.next() => match response {
                    Some(Ok(response)) => {
                        quiet = Quiet { since: Instant::now(), asked: false };
                        self.take(response);
                    }
                    None => return End::Broken("ended by the grid".to_owned()),
                    Some(Err(status)) => return End::Broken(format!("ended: {}", describe(&status))),
                },
                () = &mut check => match self.next_check(&mut quiet) {
                    Ok(at) => check.as_mut().reset(at),
                    Err(what) => return End::Slow(what),
                },
            }
        }
    }

    /// The stream has ended, and with it all that is pending.
    fn end(&self, what: &str, broken: bool) {
        let reason = format!("the stream to {} was {what}", self.address);
        let pending = {
            let mut table = self.table.lock();
            table.ended = Some(reason.clone());
            // Before any caller learns of the end, and before what their doubt was ends.
            if broken {
                probe::start(&self.role.in_doubt, &self.address, &self.options, table.changes());
            }
            std::mem::take(&mut table.pending)
        };
        tracing::info!(address = self.address, reason, pending = pending.len(), "grid stream ended");
        for mut pending in pending.into_values() {
            pending.finish(Err(MapError::Unavailable(reason.clone())));
        }
    }

    /// Ends the stream for its callers. Returns its writes whose answers are still awaited, where there are any.
    fn retire(&self, what: &str) -> Option<Unanswered> {
        let reason = format!("the stream to {} was {what}", self.address);
        let mut callers = Vec::new();
        let (awaited, unanswered) = {
            let mut table = self.table.lock();
            table.ended = Some(reason.clone());
            table.retired = true;
            // Before any caller learns of the end, and before what their doubt was ends.
            let cause = Cause::Retired(self.stop.clone());
            let unanswered = self.role.in_doubt.begin(&self.address, cause, table.changes());
            table.pending.retain(|_, pending| {
                callers.extend(pending.answer.take());
                pending.messages.clear();
                pending.admission = None;
                pending.left = None;
                pending.changes.is_some()
            });
            (table.pending.len(), unanswered)
        };
        tracing::info!(
            address = self.address,
            reason,
            pending = callers.len(),
            awaited,
            "grid stream ended for its callers"
        );
        for caller in callers {
            let _ = caller.send(Err(MapError::Unanswered(reason.clone())));
        }
        self.gone.cancel();
        (awaited > 0).then_some(unanswered)
    }

    /// Reads until every write is answered.
    async fn finish(&self, responses: &mut (impl Stream<Item = Result<Incoming, Status>> + Unpin)) {
        let held_back = self.table.lock().held_back.clone();
        let broke = loop {
            if self.table.lock().pending.is_empty() {
                tracing::info!(address = self.address, "late writes answered");
                return;
            }
            tokio::select! {
                response = responses.next() => match response {
                    Some(Ok(Incoming::Response(response))) => {
                        self.table.lock().take(response);
                    }
                    Some(Ok(Incoming::Answered { id, messages })) => self.table.lock().end(id, Ok(messages)),
                    Some(Ok(Incoming::Failed { id, error })) => self.table.lock().end(id, Err(error)),
                    Some(Ok(Incoming::Event(_) | Incoming::EventsLost { .. } | Incoming::Alive)) => {}
                    None | Some(Err(_)) => break true,
                },
                () = held_back.notified() => {}
                () = self.stop.cancelled() => break false,
                () = self.role.in_doubt.closed().cancelled() => break false,
            }
        };
        if broke {
            let table = self.table.lock();
            probe::start(&self.role.in_doubt, &self.address, &self.options, table.changes());
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
            let _ = self.outgoing.try_send(Frame { id, request: Request::heartbeat(), gate: None });
            *quiet = Quiet { since: now - heartbeat, asked: true };
        }
        Ok(next_request.min(now + heartbeat))
    }

    fn take(&self, incoming: Incoming) {
        match incoming {
            Incoming::Response(response) => self.take_response(response),
            Incoming::Answered { id, messages } => self.table.lock().end(id, Ok(messages)),
            Incoming::Failed { id, error } => self.table.lock().end(id, Err(error)),
            Incoming::Event(event) => self.take_event(event),
            Incoming::EventsLost { cache_id, reason } => {
                if let Some(listeners) = &self.role.listeners {
                    listeners.interrupted(self.role.number, cache_id, &reason);
                }
            }
            Incoming::Alive => {}
        }
    }

    fn take_response(&self, response: ProxyResponse) {
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
