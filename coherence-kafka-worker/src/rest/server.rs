//! Serves HTTP on its own threads: a waiting request delays no record, and a busy grid delays no request.
//!
//! Every connection has one of a bounded number of places, for a bounded time, so that slow and idle clients leave
//! descriptors to the rest of the process. Some descriptors are reserved, so that requests are answered even where the
//! process has none left.

use std::io;
use std::net::TcpListener;
use std::pin::Pin;
use std::sync::Arc;
use std::time::Duration;

use axum::Router;
use hyper::server::conn::http1;
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite};
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};
use tokio_rustls::TlsAcceptor;

use self::spare::Spare;
use super::{REQUEST_TIMEOUT, limits};
use crate::config::{RestLimits, TlsConfig};

/// Requests that may wait for threads of tasks at once; further ones are queued.
const BLOCKING_THREADS: usize = 32;
/// Pause between two attempts to accept a connection.
const PAUSE: Duration = Duration::from_millis(100);
/// How long a connection waits for one of the places.
const PATIENCE: Duration = Duration::from_secs(5);
/// Connections at once that are answered with the fact that there is no place.
const REFUSED_AT_ONCE: usize = 8;
/// How long the rest of a request is read that is answered already.
const LINGER: Duration = Duration::from_secs(1);

/// An address, and what clients find there.
#[derive(Debug)]
pub struct Endpoint {
    listener: TcpListener,
    router: Router,
    tls: Option<TlsConfig>,
}

impl Endpoint {
    /// Serves these routes, in plain text.
    pub fn new(listener: TcpListener, router: Router) -> Self {
        Self { listener, router, tls: None }
    }

    /// Serves them over TLS.
    #[must_use]
    pub fn with_tls(self, tls: TlsConfig) -> Self {
        Self { tls: Some(tls), ..self }
    }
}

/// The HTTP server. Dropping it ends it.
pub struct Server {
    runtime: Option<Runtime>,
}

impl std::fmt::Debug for Server {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Server").finish_non_exhaustive()
    }
}

impl Server {
    /// Serves every endpoint; the limits are for all of them together.
    ///
    /// # Errors
    /// The system has no more threads or descriptors.
    pub fn start(limits: RestLimits, endpoints: Vec<Endpoint>) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("rest")
            .enable_all()
            .build()?;
        let semaphore = |places| Arc::new(Semaphore::new(places));
        let doors = Doors {
            limits,
            places: semaphore(limits.connections),
            refused: semaphore(REFUSED_AT_ONCE),
            spare: Spare::new()?,
        };
        let _in_runtime = runtime.enter();
        for Endpoint { listener, router, tls } in endpoints {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            let tls = tls.map(|tls| TlsAcceptor::from(tls.server()));
            runtime.spawn(listen(listener, router, tls, doors.clone()));
        }
        Ok(Self { runtime: Some(runtime) })
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // Its owner may itself be on a runtime, which must not block.
        if let Some(runtime) = self.runtime.take() {
            runtime.shutdown_background();
        }
    }
}

/// What all endpoints share.
#[derive(Clone)]
struct Doors {
    limits: RestLimits,
    /// For connections.
    places: Arc<Semaphore>,
    /// For those that have none of the places.
    refused: Arc<Semaphore>,
    spare: Spare,
}

async fn listen(listener: tokio::net::TcpListener, router: Router, tls: Option<TlsAcceptor>, doors: Doors) {
    let limits = doors.limits;
    let refusing = RestLimits { head: limits.head.min(PATIENCE), lifetime: PATIENCE, ..limits };
    let full = full(limits.connections);
    let mut patience = PATIENCE;
    loop {
        doors.spare.fill();
        let socket = accept(&listener, &doors.spare).await;
        let place = timeout(patience, doors.places.clone().acquire_owned()).await;
        // Those behind a connection that found no place have waited already.
        patience = if place.is_ok() { PATIENCE } else { Duration::ZERO };
        let (place, router, limits) = match place {
            Ok(place) => (place, &router, limits),
            Err(_) => (doors.refused.clone().acquire_owned().await, &full, refusing),
        };
        // Closed only with the runtime.
        let Ok(place) = place else { return };
        let connection = Connection { router: router.clone(), spare: doors.spare.clone(), limits };
        tokio::spawn(connection.serve(socket, tls.clone(), place));
    }
}

/// Answers every request of a connection that has no place.
fn full(connections: usize) -> Router {
    Router::new()
        .fallback(move || async move { limits::busy(&format!("{connections} clients are connected")) })
}

/// Waits for the next connection; uses a reserved descriptor where the process has no other left.
async fn accept(listener: &tokio::net::TcpListener, spare: &Spare) -> TcpStream {
    let mut logged = false;
    loop {
        match listener.accept().await {
            Ok((socket, _)) => return socket,
            // The client has gone.
            Err(error) if error.kind() == io::ErrorKind::ConnectionAborted => {}
            Err(error) => {
                if !logged {
                    tracing::warn!(%error, "REST connection not accepted, retrying");
                    logged = true;
                }
                if !spare.spend() {
                    sleep(PAUSE).await;
                    spare.fill();
                }
            }
        }
    }
}

/// What serves one connection.
struct Connection {
    router: Router,
    spare: Spare,
    limits: RestLimits,
}

impl Connection {
    async fn serve(self, socket: TcpStream, tls: Option<TlsAcceptor>, place: OwnedSemaphorePermit) {
        let (mut socket, is_complete) = match tls {
            None => self.converse(socket).await,
            Some(tls) => match timeout(self.limits.head, tls.accept(socket).into_fallible()).await {
                Ok(Ok(stream)) => {
                    let (stream, is_complete) = self.converse(stream).await;
                    (stream.into_inner().0, is_complete)
                }
                Ok(Err((error, socket))) => {
                    tracing::debug!(%error, "TLS handshake of a REST client failed");
                    (socket, false)
                }
                Err(_) => return,
            },
        };
        if is_complete && self.spare.is_full() {
            read_the_rest(&mut socket).await;
        }
        self.spare.replace(socket);
        drop(place);
    }

    /// Answers the requests of a connection. Returns it with whether it ended without an error.
    async fn converse<S>(&self, stream: S) -> (S, bool)
    where
        S: AsyncRead + AsyncWrite + Unpin + Send + 'static,
    {
        let mut connection = http1::Builder::new()
            .timer(TokioTimer::new())
            .header_read_timeout(self.limits.head)
            // An idle client does not hold a reserved descriptor that the next request needs.
            .keep_alive(self.spare.is_full())
            .serve_connection(TokioIo::new(stream), TowerToHyperService::new(self.router.clone()));
        // The client of a connection sees its errors.
        let mut ended = timeout(self.limits.lifetime, &mut connection).await;
        if ended.is_err() {
            Pin::new(&mut connection).graceful_shutdown();
            ended = timeout(REQUEST_TIMEOUT, &mut connection).await;
        }
        (connection.into_parts().io.into_inner(), matches!(ended, Ok(Ok(()))))
    }
}

/// Reads what the client still sends. To close a connection with unread bytes resets it, and a client that is still
/// sending a body that is refused may not see the answer.
async fn read_the_rest(socket: &mut TcpStream) {
    let mut rest = [0; 4096];
    let _ = timeout(LINGER, async { while matches!(socket.read(&mut rest).await, Ok(1..)) {} }).await;
}

mod spare;
#[cfg(test)]
mod tests;
