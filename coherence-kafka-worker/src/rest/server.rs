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
use tokio::net::TcpStream;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::{sleep, timeout};

use self::spare::Spare;
use super::REQUEST_TIMEOUT;

/// What clients may use.
#[derive(Clone, Copy)]
struct Limits {
    /// Connections at once; further ones wait.
    connections: usize,
    /// How long the head of a request may take, and how long a connection may stay without one.
    head: Duration,
    /// How long a connection may be used. One request more may be answered then.
    lifetime: Duration,
}

const LIMITS: Limits =
    Limits { connections: 64, head: Duration::from_secs(30), lifetime: Duration::from_secs(300) };
/// Requests that may wait for threads of tasks at once; further ones are queued.
const BLOCKING_THREADS: usize = 32;
/// Pause between two attempts to accept a connection.
const PAUSE: Duration = Duration::from_millis(100);

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
    /// Serves the routes on every listener.
    ///
    /// # Errors
    /// The system has no more threads or descriptors.
    pub fn start(listeners: Vec<TcpListener>, router: &Router) -> io::Result<Self> {
        Self::within(LIMITS, listeners, router)
    }

    fn within(limits: Limits, listeners: Vec<TcpListener>, router: &Router) -> io::Result<Self> {
        let runtime = Builder::new_multi_thread()
            .worker_threads(2)
            .max_blocking_threads(BLOCKING_THREADS)
            .thread_name("rest")
            .enable_all()
            .build()?;
        let places = Arc::new(Semaphore::new(limits.connections));
        let spare = Spare::new()?;
        let _in_runtime = runtime.enter();
        for listener in listeners {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(listen(listener, router.clone(), places.clone(), spare.clone(), limits));
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

async fn listen(
    listener: tokio::net::TcpListener,
    router: Router,
    places: Arc<Semaphore>,
    spare: Spare,
    limits: Limits,
) {
    // Closed only with the runtime.
    while let Ok(place) = places.clone().acquire_owned().await {
        spare.fill();
        let socket = accept(&listener, &spare).await;
        tokio::spawn(serve(socket, router.clone(), place, spare.clone(), limits));
    }
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

async fn serve(socket: TcpStream, router: Router, place: OwnedSemaphorePermit, spare: Spare, limits: Limits) {
    let mut connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        // An idle client does not hold a reserved descriptor that the next request needs.
        .keep_alive(spare.is_full())
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router));
    // The client of a connection sees its errors.
    if timeout(limits.lifetime, &mut connection).await.is_err() {
        Pin::new(&mut connection).graceful_shutdown();
        let _ = timeout(REQUEST_TIMEOUT, &mut connection).await;
    }
    spare.replace(connection.into_parts().io.into_inner());
    drop(place);
}

mod spare;
#[cfg(test)]
mod tests;
