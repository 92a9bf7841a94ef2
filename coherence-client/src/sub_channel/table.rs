//! What the callers of a stream and its reader share: the requests without answer, and the ids of maps.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use coherence_kafka_common::map::MapError;
use tokio::sync::{Notify, OnceCell, oneshot};
use tokio::time::Instant;

use super::Admission;
use crate::answer::{self, Answer, classify};
use crate::in_doubt::{Change, Unanswered};
use crate::proto::proxy::{ProxyResponse, proxy_response::Response};

/// What the callers and the reader share.
#[derive(Debug)]
pub(super) struct Table {
    /// Why the stream ended, once it has.
    pub(crate) ended: Option<String>,
    /// It has ended for its callers alone: the writes that are still pending are awaited.
    pub(crate) retired: bool,
    pub(crate) next_id: i64,
    /// By id, and thereby by deadline: ids grow and the time-out is the same for all.
    pub(crate) pending: BTreeMap<i64, Pending>,
    /// The ids of the maps on this stream; each name is ensured once, or its events would come twice.
    pub(crate) caches: HashMap<String, Arc<OnceCell<i32>>>,
    /// Notified when a request is over that has not left.
    pub(crate) held_back: Arc<Notify>,
}

#[derive(Debug)]
pub(super) struct Pending {
    pub(crate) deadline: Instant,
    pub(crate) cache_id: Option<i32>,
    /// The entries that it may change.
    pub(crate) changes: Option<Change>,
    pub(crate) messages: Answer,
    /// `None` once the caller has got an answer or an error.
    pub(crate) answer: Option<oneshot::Sender<Result<Answer, MapError>>>,
    /// Held until the grid has answered even where the caller has gone: it bounds what the grid has to do.
    pub(crate) admission: Option<Admission>,
    /// Where the caller has gone.
    pub(crate) left: Option<Unanswered>,
}

impl Pending {
    pub(crate) fn finish(&mut self, answer: Result<Answer, MapError>) {
        if let Some(caller) = self.answer.take() {
            let _ = caller.send(answer);
        }
    }
}

impl Table {
    /// The entries that the requests without answer may change.
    pub(crate) fn changes(&self) -> impl Iterator<Item = &Change> {
        self.pending.values().filter_map(|pending| pending.changes.as_ref())
    }

    /// Of a stream on which the request id 1 has been used.
    pub(crate) fn new() -> Self {
        Self {
            ended: None,
            retired: false,
            next_id: 2,
            pending: BTreeMap::new(),
            caches: HashMap::new(),
            held_back: Arc::default(),
        }
    }

    /// A request that was about to leave does not.
    pub(crate) fn hold_back(&mut self, id: i64, reason: &str) {
        if let Some(mut pending) = self.pending.remove(&id) {
            pending.finish(Err(MapError::Unavailable(format!("not sent: {reason}"))));
        }
        self.held_back.notify_one();
    }

    /// Handles one response. Responses of different requests interleave freely. Returns the id of a map if the response
    /// shows that the grid no longer knows it.
    pub(crate) fn take(&mut self, response: ProxyResponse) -> Option<i32> {
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
                    pending.finish(Ok(messages));
                }
            }
            Some(Response::Error(error)) => {
                let mut pending = self.pending.remove(&id)?;
                let read = classify(&error);
                let stale = pending.cache_id.filter(|_| read.stale_cache);
                if let Some(cache_id) = stale {
                    self.forget(cache_id);
                }
                pending.finish(Err(read.error));
                return stale;
            }
            // Heartbeats are a sign of life by having come.
            Some(Response::Init(_) | Response::Heartbeat(_)) | None => {}
        }
        None
    }

    /// Handles the end of a request whose answer came in one piece.
    pub(crate) fn end(&mut self, id: i64, answer: Result<Answer, MapError>) {
        if let Some(mut pending) = self.pending.remove(&id) {
            pending.finish(answer);
        }
    }

    /// The map must be ensured again before it is used again.
    pub(crate) fn forget(&mut self, cache_id: i32) {
        self.caches.retain(|_, cell| cell.get() != Some(&cache_id));
    }
}
