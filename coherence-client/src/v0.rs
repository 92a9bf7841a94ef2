//! A grid that speaks protocol v0 alone, the protocol of Coherence CE 21.06 to 24.03, behind the face of a stream.
//!
//! ```text
//! Frame ──► Link ── a task for each ──► one or more calls ──► proxy
//! reader of the stream ◄── Incoming ◄──┘
//!           ▲──────────── Incoming ◄── one stream of events for each map with listeners
//! ```
//!
//! Requests come as those of protocol v1 and answers leave as such, so that everything above works the same over both:
//! the requests in flight, the writes in doubt, the listeners. A task runs on when its caller has gone, without a
//! deadline: a proxy runs a call that it has received, late and even cancelled ones.
//!
//! What a grid answers over this protocol is not always true, and what it accepts is not always sound:
//!
//! ```text
//! connection.rs  one connection, whose end is noticed       keys.rs    keys that a grid would store unread
//! calls.rs       what becomes of each request               errors.rs  what a status means
//! events.rs      the events of maps
//! ```

mod calls;
mod connection;
mod errors;
mod events;
mod keys;
#[cfg(test)]
mod tests;

use std::collections::{HashMap, HashSet};
use std::fmt;
use std::sync::atomic::{AtomicBool, AtomicI32, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use coherence_kafka_common::map::{Format, MapError};
use parking_lot::Mutex;
use tokio::sync::mpsc;
use tokio_stream::wrappers::UnboundedReceiverStream;
use tokio_util::sync::CancellationToken;
use tonic::{Code, Status};

use crate::answer::Incoming;
use crate::options::SessionOptions;
use crate::proto::v0::{ContainsKeyRequest, SizeRequest};
use crate::request::Frame;
use connection::method;
use events::EventStreams;

pub(crate) use connection::{Connection, is_broken};
pub(crate) use keys::check_key;

/// The maps to which a session has written entries that expire.
pub(crate) type TimedMaps = Arc<Mutex<HashSet<Arc<str>>>>;

/// What has come, or why nothing more comes.
pub(crate) type Received = Result<Incoming, Status>;

/// A key that every serializer reads: the number 0.
fn zero_key(format: Format) -> &'static [u8] {
    match format {
        Format::Pof => b"\x15\x41\x00",
        Format::Json => b"\x150",
        Format::Java => b"\x01\x00",
    }
}

/// A key that is not POF.
const UNREADABLE_KEY: &[u8] = b"\x15\xff\xff";

/// Returns whether the service of protocol v0 answers on this connection.
///
/// # Errors
/// The status of a connection that broke.
pub(crate) async fn is_served(connection: &Connection) -> Result<bool, Status> {
    // Without a name of a map: it is refused before anything is done.
    match connection.unary::<_, i32>(method!("size"), SizeRequest::default()).await {
        Err(status) if is_broken(&status) => Err(status),
        Err(status) => Ok(status.code() != Code::Unimplemented),
        Ok(_) => Ok(true),
    }
}

/// Returns, without an error, once the storage of these maps has answered: a proxy that answers may still hold writes
/// back for storage members that are away.
pub(crate) async fn is_stored(
    connection: &Connection,
    options: &SessionOptions,
    maps: &[Arc<str>],
) -> Result<(), Status> {
    for map in maps {
        let request = ContainsKeyRequest {
            scope: Some(options.scope.clone()),
            cache: Some(map.to_string()),
            format: Some(options.format.name().to_owned()),
            key: zero_key(options.format).into(),
        };
        match connection.unary::<_, bool>(method!("containsKey"), request).await {
            Err(status) if is_broken(&status) => return Err(status),
            _ => {}
        }
    }
    Ok(())
}

/// A connection in the place of a stream.
pub(crate) struct Link {
    address: String,
    connection: Connection,
    scope: String,
    format: Format,
    /// The maps by the ids that stand for them here.
    maps: Mutex<HashMap<i32, Arc<str>>>,
    last_id: AtomicI32,
    /// Whether the grid stores keys without reading them. Found out with the first map.
    keys_unread: OnceLock<bool>,
    timed: TimedMaps,
    events: EventStreams,
    incoming: mpsc::UnboundedSender<Received>,
    broken: AtomicBool,
}

impl Link {
    /// Serves the requests from `frames` until `stop`. Once `gone` is set, no events are wanted.
    pub(crate) fn start(
        address: &str,
        options: &SessionOptions,
        connection: Connection,
        timed: TimedMaps,
        frames: mpsc::Receiver<Frame>,
        (stop, gone): (CancellationToken, CancellationToken),
    ) -> (Arc<Self>, UnboundedReceiverStream<Received>) {
        let (incoming, received) = mpsc::unbounded_channel();
        let link = Arc::new(Self {
            address: address.to_owned(),
            connection,
            scope: options.scope.clone(),
            format: options.format,
            maps: Mutex::default(),
            last_id: AtomicI32::new(0),
            keys_unread: OnceLock::new(),
            timed,
            events: EventStreams::new(options.reconnect_backoff.0.min(LONGEST_PAUSE)),
            incoming,
            broken: AtomicBool::new(false),
        });
        tokio::spawn(link.clone().serve(frames, stop, gone));
        (link, UnboundedReceiverStream::new(received))
    }

    /// Returns whether the grid stores keys without reading them.
    pub(crate) fn keys_unread(&self) -> bool {
        self.keys_unread.get().copied().unwrap_or(false)
    }

    async fn serve(
        self: Arc<Self>,
        mut frames: mpsc::Receiver<Frame>,
        stop: CancellationToken,
        gone: CancellationToken,
    ) {
        let mut wanted = true;
        loop {
            tokio::select! {
                () = stop.cancelled() => break,
                () = gone.cancelled(), if wanted => {
                    self.events.close();
                    wanted = false;
                }
                () = self.connection.closed() => {
                    self.broke(Status::unavailable("the connection was closed"));
                    break;
                }
                frame = frames.recv() => {
                    let Some(frame) = frame else { break };
                    let (link, stop) = (self.clone(), stop.clone());
                    tokio::spawn(async move { stop.run_until_cancelled(link.run(frame)).await });
                }
            }
        }
        self.events.close();
    }

    /// Ends the link for its reader, and all requests with it.
    fn broke(&self, status: Status) {
        if !self.broken.swap(true, Ordering::AcqRel) {
            self.send(Err(status));
        }
    }

    fn send(&self, received: Received) {
        // It fails where the reader has ended, and with it all that waited.
        let _ = self.incoming.send(received);
    }

    fn map(&self, id: i32) -> Result<Arc<str>, MapError> {
        let map = self.maps.lock().get(&id).cloned();
        // As for an id that a stream has forgotten.
        map.ok_or_else(|| MapError::Unavailable("the map was destroyed meanwhile".to_owned()))
    }
}

/// Longest pause before lost events are reported, and with it between two attempts to get them again.
const LONGEST_PAUSE: Duration = Duration::from_secs(1);

impl fmt::Debug for Link {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Link").field("address", &self.address).finish_non_exhaustive()
    }
}
