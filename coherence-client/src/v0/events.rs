//! The events of maps: one stream of calls for each map with listeners.
//!
//! A stream ends with its map, and with a service or a proxy that stops, without a difference: its listeners get a gap and
//! are registered again. A stream that is no longer needed is half-closed: one that is cancelled leaves an error in the
//! log of the grid. Nothing shows the loss of an event whose key or value the grid cannot read, because it is not sent.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use coherence_kafka_common::map::MapError;
use futures::StreamExt as _;
use parking_lot::Mutex;
use prost::Message as _;
use tokio::sync::{mpsc, oneshot};
use tokio::time::sleep;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tonic::{Status, Streaming};

use super::Link;
use super::connection::{is_broken, method};
use super::errors::Failure;
use crate::answer::{Incoming, classify};
use crate::proto::Any;
use crate::proto::cache::{
    MapEventMessage, MapListenerRequest, NamedCacheResponse, ResponseType, key_or_filter::KeyOrFilter,
};
use crate::proto::common::ErrorMessage;
use crate::proto::v0::map_listener_request::RequestType;
use crate::proto::v0::map_listener_response::ResponseType as Response;
use crate::proto::v0::{self, MapEventResponse, MapListenerResponse};

const MAP_EVENT: &str = "type.googleapis.com/coherence.cache.v1.MapEventMessage";

/// The streams of one connection.
#[derive(Debug)]
pub(super) struct EventStreams {
    /// By map.
    open: Mutex<HashMap<Arc<str>, Open>>,
    state: Mutex<State>,
    /// How long after its end a stream is reported, so that one that ends at once is not opened again at once.
    pause: Duration,
}

#[derive(Debug, Default)]
struct State {
    last: u64,
    closed: bool,
    /// Maps that this session is destroying.
    ending: HashSet<Arc<str>>,
}

#[derive(Debug)]
struct Open {
    number: u64,
    /// Dropping it half-closes the stream.
    requests: mpsc::UnboundedSender<v0::MapListenerRequest>,
    /// By the id of the request.
    waiting: HashMap<String, oneshot::Sender<Result<(), MapError>>>,
    /// What is registered, or about to be.
    targets: HashSet<(RequestType, Bytes)>,
}

impl EventStreams {
    pub(super) fn new(pause: Duration) -> Self {
        Self { open: Mutex::default(), state: Mutex::default(), pause }
    }

    /// Half-closes all streams, and opens no more.
    pub(super) fn close(&self) {
        let mut state = self.state.lock();
        state.closed = true;
        self.open.lock().clear();
    }

    /// Half-closes the stream of a map.
    pub(super) fn forget(&self, map: &str) {
        self.open.lock().remove(map);
    }

    /// Notes whether this session is destroying the map: its stream may end then.
    pub(super) fn expect_end(&self, map: &Arc<str>, ends: bool) {
        let mut state = self.state.lock();
        if ends {
            state.ending.insert(map.clone());
        } else {
            state.ending.remove(map);
        }
    }

    /// Registers for events of a map, or takes a registration back.
    pub(super) async fn register(
        &self,
        link: &Arc<Link>,
        map: &Arc<str>,
        cache_id: i32,
        id: i64,
        request: MapListenerRequest,
    ) -> Result<(), Failure> {
        let (done, answer) = oneshot::channel();
        let (r#type, bytes) = match request.key_or_filter.and_then(|to| to.key_or_filter) {
            Some(KeyOrFilter::Key(key)) => (RequestType::Key, key),
            Some(KeyOrFilter::Filter(filter)) => (RequestType::Filter, filter),
            None => (RequestType::Filter, Bytes::new()),
        };
        let of_map = |r#type: RequestType, uid: String| v0::MapListenerRequest {
            scope: Some(link.scope.clone()),
            cache: Some(map.to_string()),
            format: Some(link.format.name().to_owned()),
            r#type: r#type.into(),
            uid,
            ..v0::MapListenerRequest::default()
        };
        {
            let mut state = self.state.lock();
            if state.closed {
                return Err(MapError::Unavailable("the stream to the grid ended".to_owned()).into());
            }
            let mut open = self.open.lock();
            let stream = open.entry(map.clone()).or_insert_with(|| {
                let (requests, queued) = mpsc::unbounded_channel();
                let _ = requests.send(of_map(RequestType::Init, "init".to_owned()));
                state.last += 1;
                let number = state.last;
                let reader = Reader { link: link.clone(), map: map.clone(), cache_id, number };
                tokio::spawn(reader.run(queued));
                Open { number, requests, waiting: HashMap::new(), targets: HashSet::new() }
            });
            let uid = id.to_string();
            stream.waiting.insert(uid.clone(), done);
            if request.subscribe {
                stream.targets.insert((r#type, bytes.clone()));
            } else {
                stream.targets.remove(&(r#type, bytes.clone()));
            }
            let (key, filter) = match r#type {
                RequestType::Key => (bytes, Bytes::new()),
                _ => (Bytes::new(), bytes),
            };
            let request = v0::MapListenerRequest {
                key,
                filter,
                filter_id: request.filter_id,
                lite: request.lite,
                subscribe: request.subscribe,
                ..of_map(r#type, uid)
            };
            let _ = stream.requests.send(request);
        }
        let answer = answer.await;
        answer.unwrap_or_else(|_| Err(MapError::Unavailable("the events of the map ended".to_owned())))?;
        Ok(())
    }

    /// Ends a request. Half-closes a stream without registrations.
    fn answered(&self, map: &Arc<str>, number: u64, uid: &str, answer: Result<(), MapError>) {
        let mut open = self.open.lock();
        let Some(stream) = open.get_mut(map).filter(|stream| stream.number == number) else { return };
        if let Some(done) = stream.waiting.remove(uid) {
            let _ = done.send(answer);
        }
        if stream.targets.is_empty() && stream.waiting.is_empty() {
            open.remove(map);
        }
    }
}

/// Reads one stream.
struct Reader {
    link: Arc<Link>,
    map: Arc<str>,
    cache_id: i32,
    number: u64,
}

impl Reader {
    async fn run(self, queued: mpsc::UnboundedReceiver<v0::MapListenerRequest>) {
        let requests = UnboundedReceiverStream::new(queued);
        let ended = match self.link.connection.stream(method!("events"), requests).await {
            Ok(events) => self.read(events).await,
            Err(status) => Err(status),
        };
        let streams = &self.link.events;
        {
            let mut open = streams.open.lock();
            if open.get(&self.map).is_none_or(|stream| stream.number != self.number) {
                // Half-closed by this side.
                return;
            }
            // Those that wait for an answer get an error by this.
            open.remove(&self.map);
        }
        let reason = match ended {
            Ok(()) => "the map was destroyed, or its service is stopping".to_owned(),
            // What else there is on the connection may go on, but where it ends the grid is stopping.
            Err(status) if is_broken(&status) => return self.link.broke(status),
            Err(status) => format!("the events of the map ended: {}", super::errors::read(&status)),
        };
        sleep(streams.pause).await;
        if !streams.state.lock().ending.contains(&self.map) {
            self.link.send(Ok(Incoming::EventsLost { cache_id: self.cache_id, reason }));
        }
    }

    async fn read(&self, mut events: Streaming<MapListenerResponse>) -> Result<(), Status> {
        let streams = &self.link.events;
        while let Some(event) = events.next().await {
            match event?.response_type {
                Some(Response::Subscribed(v0::MapListenerSubscribedResponse { uid }))
                | Some(Response::Unsubscribed(v0::MapListenerUnsubscribedResponse { uid })) => {
                    streams.answered(&self.map, self.number, &uid, Ok(()));
                }
                Some(Response::Error(error)) => {
                    let read = classify(&ErrorMessage { message: error.message, error: None }).error;
                    streams.answered(&self.map, self.number, &error.uid, Err(read));
                }
                Some(Response::Event(event)) => self.send(ResponseType::MapEvent, Some(of_v1(event))),
                Some(Response::Truncated(_)) => self.send(ResponseType::Truncated, None),
                // The end of the stream follows.
                Some(Response::Destroyed(_)) | Some(Response::Heartbeat(_)) | None => {}
            }
        }
        Ok(())
    }

    fn send(&self, r#type: ResponseType, event: Option<MapEventMessage>) {
        let message = event.map(|event| Any {
            type_url: Bytes::from_static(MAP_EVENT.as_bytes()),
            value: event.encode_to_vec().into(),
        });
        let event = NamedCacheResponse { cache_id: self.cache_id, r#type: r#type.into(), message };
        self.link.send(Ok(Incoming::Event(event)));
    }
}

/// The event as protocol v1 has it. It never shows whether an entry expired.
fn of_v1(event: MapEventResponse) -> MapEventMessage {
    MapEventMessage {
        id: event.id,
        key: event.key,
        new_value: event.new_value,
        old_value: event.old_value,
        filter_ids: event.filter_ids,
        synthetic: event.synthetic,
        priming: event.priming,
        ..MapEventMessage::default()
    }
}
