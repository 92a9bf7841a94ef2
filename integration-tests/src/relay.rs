//! A way to a grid that can be counted and cut.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use parking_lot::Mutex;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::{JoinHandle, JoinSet};

/// Passes TCP connections on. Dropping it ends them all.
pub struct Relay {
    address: String,
    accepting: JoinHandle<()>,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    accepted: AtomicU64,
    bytes_to_the_grid: AtomicU64,
    open: Mutex<JoinSet<()>>,
}

impl Relay {
    /// A relay to `grid`, `host:port`, on a port of its own.
    pub async fn to(grid: String) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let state = Arc::new(State::default());
        let accepting = tokio::spawn({
            let state = state.clone();
            async move {
                while let Ok((client, _)) = listener.accept().await {
                    state.accepted.fetch_add(1, Ordering::Relaxed);
                    state.open.lock().spawn(pass_on(client, grid.clone(), state.clone()));
                }
            }
        });
        Self { address, accepting, state }
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
    pub fn bytes_to_the_grid(&self) -> u64 {
        self.state.bytes_to_the_grid.load(Ordering::Relaxed)
    }

    /// Breaks every open connection.
    pub fn cut(&self) {
        self.state.open.lock().abort_all();
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.accepting.abort();
        self.cut();
    }
}

async fn pass_on(mut client: TcpStream, grid: String, state: Arc<State>) {
    let Ok(mut server) = TcpStream::connect(grid).await else { return };
    let (mut from_client, mut to_client) = client.split();
    let (mut from_server, mut to_server) = server.split();
    let up = async {
        let mut buffer = vec![0; 1 << 16];
        while let Ok(len @ 1..) = from_client.read(&mut buffer).await {
            state.bytes_to_the_grid.fetch_add(len as u64, Ordering::Relaxed);
            if to_server.write_all(&buffer[..len]).await.is_err() {
                return;
            }
        }
    };
    tokio::select! {
        () = up => {}
        _ = copy(&mut from_server, &mut to_client) => {}
    }
}
