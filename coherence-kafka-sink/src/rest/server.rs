//! Serves HTTP on its own threads: a waiting request delays no record, and a busy grid delays no request.
//!
//! Every connection has one of a bounded number of places, for a bounded time, so that slow and idle clients leave
//! descriptors to the rest of the process. Some descriptors are reserved, so that requests are answered even where the
//! process has none left.

use std::fs::File;
use std::io;
use std::net::TcpListener;
use std::pin::pin;
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
/// Descriptors kept for answering while the process has none left.
const SPARE: usize = 4;
/// Pause between two attempts to accept a connection.
const PAUSE: Duration = Duration::from_millis(100);

/// The HTTP server. Dropping it ends it.
pub struct Server {
    runtime: Option<Runtime>,
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
        let _in_runtime = runtime.enter();
        for listener in listeners {
            listener.set_nonblocking(true)?;
            let listener = tokio::net::TcpListener::from_std(listener)?;
            runtime.spawn(listen(listener, router.clone(), places.clone(), limits));
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

async fn listen(listener: tokio::net::TcpListener, router: Router, places: Arc<Semaphore>, limits: Limits) {
    let mut spare = Vec::new();
    // Closed only with the runtime.
    while let Ok(place) = places.clone().acquire_owned().await {
        keep(&mut spare);
        let socket = accept(&listener, &mut spare).await;
        tokio::spawn(serve(socket, router.clone(), place, limits));
    }
}

/// Waits for the next connection; uses a reserved descriptor where the process has no other left.
async fn accept(listener: &tokio::net::TcpListener, spare: &mut Vec<File>) -> TcpStream {
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
                if spare.pop().is_none() {
                    sleep(PAUSE).await;
                    keep(spare);
                }
            }
        }
    }
}

/// Reserves descriptors, as far as the process has any left.
fn keep(spare: &mut Vec<File>) {
    while spare.len() < SPARE
        && let Ok(file) = File::open("/dev/null")
    {
        spare.push(file);
    }
}

async fn serve(socket: TcpStream, router: Router, place: OwnedSemaphorePermit, limits: Limits) {
    let connection = http1::Builder::new()
        .timer(TokioTimer::new())
        .header_read_timeout(limits.head)
        .serve_connection(TokioIo::new(socket), TowerToHyperService::new(router));
    let mut connection = pin!(connection);
    // The client of a connection sees its errors.
    if timeout(limits.lifetime, connection.as_mut()).await.is_err() {
        connection.as_mut().graceful_shutdown();
        let _ = timeout(REQUEST_TIMEOUT, connection).await;
    }
    drop(place);
}

#[cfg(test)]
mod tests;
