//! A way to a server that can be counted, cut and stopped up: between a client and its broker or grid.

use std::net::Ipv4Addr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use anyhow::Result;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::tcp::{ReadHalf, WriteHalf};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;
use tokio::sync::watch;

use crate::sandbox::free_port;

/// Passes TCP connections on, on threads of its own. Dropping it ends them all.
#[derive(Debug)]
pub struct Relay {
    address: String,
    state: Arc<State>,
    /// Some until it is dropped.
    runtime: Option<Runtime>,
}

/// The treatment of open and new connections.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Way {
    Open,
    /// Connections are reset.
    Reset,
    /// They stay open, and nothing passes in either direction.
    Hole,
}

#[derive(Debug)]
struct State {
    accepted: AtomicU64,
    bytes_sent: AtomicU64,
    way: watch::Sender<Way>,
    /// Counts the cuts: a connection ends with the first one that comes after it.
    cuts: watch::Sender<u64>,
    keeps_servers: AtomicBool,
}

impl Relay {
    /// A relay to `server`, `host:port`, on a port of its own, which it keeps while it lives.
    ///
    /// # Errors
    ///
    /// When there is no free port or no thread.
    pub fn to(server: impl Into<String>) -> Result<Self> {
        let server = server.into();
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_all().build()?;
        let port = free_port()?;
        let listener = std::net::TcpListener::bind((Ipv4Addr::LOCALHOST, port))?;
        listener.set_nonblocking(true)?;
        let listener = {
            let _inside = runtime.enter();
            TcpListener::from_std(listener)?
        };
        let state = Arc::new(State {
            accepted: AtomicU64::new(0),
            bytes_sent: AtomicU64::new(0),
            way: watch::channel(Way::Open).0,
            cuts: watch::channel(0).0,
            keeps_servers: AtomicBool::new(false),
        });
        runtime.spawn(accept(listener, server, state.clone()));
        Ok(Self { address: format!("127.0.0.1:{port}"), state, runtime: Some(runtime) })
    }

    /// Where it listens.
    pub fn address(&self) -> String {
        self.address.clone()
    }

    /// How many connections there have been.
    pub fn connections(&self) -> u64 {
        self.state.accepted.load(Ordering::Relaxed)
    }

    /// How many bytes clients have sent.
    pub fn bytes_sent(&self) -> u64 {
        self.state.bytes_sent.load(Ordering::Relaxed)
    }

    /// Breaks every open connection; new ones pass.
    pub fn cut(&self) {
        self.state.cuts.send_modify(|cuts| *cuts += 1);
    }

    /// Resets every open connection and every new one, until [`Relay::pass`].
    pub fn reset(&self) {
        self.state.way.send_replace(Way::Reset);
    }

    /// Lets nothing pass in either direction, until [`Relay::pass`]; connections stay open, new ones are accepted.
    pub fn hole(&self) {
        self.state.way.send_replace(Way::Hole);
    }

    /// Lets everything pass again.
    pub fn pass(&self) {
        self.state.way.send_replace(Way::Open);
    }

    /// Keeps connections to the server open when their clients go: what the server has received it may still do.
    pub fn keep_servers(&self) {
        self.state.keeps_servers.store(true, Ordering::Relaxed);
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        // Also where a test drops it inside a runtime of its own.
        self.runtime.take().into_iter().for_each(Runtime::shutdown_background);
    }
}

async fn accept(listener: TcpListener, server: String, state: Arc<State>) {
    while let Ok((client, _)) = listener.accept().await {
        // Before it is counted: a test that sees the connection can cut it.
        let cuts = state.cuts.subscribe();
        state.accepted.fetch_add(1, Ordering::Relaxed);
        tokio::spawn(pass_on(client, server.clone(), state.clone(), cuts));
    }
}

async fn pass_on(mut client: TcpStream, server: String, state: Arc<State>, mut cuts: watch::Receiver<u64>) {
    let mut way = state.way.subscribe();
    if *way.borrow() == Way::Reset {
        let _ = client.set_zero_linger();
        return;
    }
    let Ok(mut server) = TcpStream::connect(server).await else { return };
    let is_reset = {
        let (from_client, to_client) = client.split();
        let (from_server, to_server) = server.split();
        let up = async {
            copy(from_client, to_server, &state, Some(&state.bytes_sent)).await;
            if state.keeps_servers.load(Ordering::Relaxed) {
                std::future::pending::<()>().await;
            }
        };
        tokio::select! {
            () = up => false,
            () = copy(from_server, to_client, &state, None) => false,
            _ = cuts.changed() => false,
            _ = way.wait_for(|way| *way == Way::Reset) => true,
        }
    };
    if is_reset {
        let _ = (client.set_zero_linger(), server.set_zero_linger());
    }
}

/// Returns at the end of the connection, or when it breaks.
async fn copy(mut from: ReadHalf<'_>, mut to: WriteHalf<'_>, state: &State, count: Option<&AtomicU64>) {
    let mut way = state.way.subscribe();
    let mut buffer = vec![0; 1 << 16];
    while let Ok(len @ 1..) = from.read(&mut buffer).await {
        if let Some(count) = count {
            count.fetch_add(len as u64, Ordering::Relaxed);
        }
        let open = way.wait_for(|way| *way != Way::Hole).await.is_ok();
        if !open || to.write_all(&buffer[..len]).await.is_err() {
            return;
        }
    }
}
