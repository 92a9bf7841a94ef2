//! The probe of a proxy after its stream broke: it asks the address until the proxy can no longer run earlier requests.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::{Instant, sleep_until, timeout};

use super::open::greet;
use crate::in_doubt::{Cause, Change, InDoubtWrites};
use crate::options::SessionOptions;

/// How long a proxy has to have run since the connection broke before nothing of it is expected. An assumption:
/// a proxy reads what lies in its sockets, and runs or drops it, within milliseconds.
const GRACE: Duration = Duration::from_millis(if cfg!(test) { 200 } else { 2_000 });

/// Longest pause between two questions.
const LONGEST_PAUSE: Duration = Duration::from_secs(10);

/// How long a host has to be out of reach before the grid has given up its member, and nothing of it is expected any
/// more: Coherence's `packet-delivery/timeout-milliseconds`, 5 minutes unless configured otherwise.
const GIVEN_UP_BY_GRID: Duration = Duration::from_millis(if cfg!(test) { 400 } else { 300_000 });

/// Starts the probe of a proxy whose stream broke while requests were without answer. If some of these may change
/// entries, they are in doubt until the proxy can no longer run them.
pub(super) fn start<'a>(
    in_doubt: &Arc<InDoubtWrites>,
    address: &str,
    options: &SessionOptions,
    changes: impl Iterator<Item = &'a Change>,
) {
    let changes: Vec<_> = changes.collect();
    if changes.is_empty() {
        return;
    }
    let maps: BTreeSet<Arc<str>> = changes.iter().map(|change| change.map.clone()).collect();
    let ended = in_doubt.closed().child_token();
    let unanswered = in_doubt.begin(address, Cause::Broken(ended.clone()), changes);
    let maps: Vec<_> = maps.into_iter().collect();
    let (address, options, broke) = (address.to_owned(), options.clone(), Instant::now());
    tokio::spawn(async move {
        tracing::warn!(
            address,
            "connection lost with writes in doubt; probing the proxy until they can no longer be applied"
        );
        if let Some(how) = ended.run_until_cancelled(until_over(&options, &address, &maps, broke)).await {
            tracing::info!(address, how, "writes in doubt can no longer be applied");
        }
        drop(unanswered);
    });
}

/// Returns, with the reason in words, when what was sent to `address` before the connection broke can no longer run:
///
/// * a connection is refused: the process has gone, or
/// * it answered, and answered again what was asked [`GRACE`] later: it was running meanwhile. A first answer
///   proves little: a proxy that thaws sends it while it runs what it had received. Whether it is the same process does not
///   matter, because a member that was expelled from its cluster comes back as another one, with the same requests, or
/// * its host did not accept a connection for [`GIVEN_UP_BY_GRID`]: it has gone, or it no longer belongs to the grid.
///
/// A proxy that accepts connections and does not answer may be frozen: it is asked again.
async fn until_over(
    options: &SessionOptions,
    address: &str,
    maps: &[Arc<str>],
    broke: Instant,
) -> &'static str {
    let mut answers_since: Option<Instant> = None;
    let mut unreachable_since: Option<Instant> = None;
    let mut pause = options.reconnect_backoff.0.min(LONGEST_PAUSE);
    let mut at = broke + GRACE;
    loop {
        sleep_until(at).await;
        let asked = Instant::now();
        match greet(options, address, maps).await {
            Ok(()) => {
                unreachable_since = None;
                match answers_since {
                    Some(since) if asked >= since + GRACE => return "the proxy has answered for a while",
                    Some(since) => at = since + GRACE,
                    None => {
                        let now = Instant::now();
                        answers_since = Some(now);
                        at = now + GRACE;
                    }
                }
            }
            Err(failure) if failure.refused => return "the proxy has gone",
            Err(failure) => {
                answers_since = None;
                let reachable = accepts(options, address).await;
                tracing::debug!(address, reason = failure.reason, reachable, "proxy does not answer");
                if reachable {
                    unreachable_since = None;
                } else if asked >= *unreachable_since.get_or_insert(asked) + GIVEN_UP_BY_GRID {
                    return "its host has been unreachable for longer than the grid waits for a member";
                }
                at = Instant::now() + pause;
                pause = (pause * 2).min(LONGEST_PAUSE);
            }
        }
    }
}

/// True where the host accepts a connection, which the kernel of a frozen process does too. TLS is left out: a frozen
/// process does not answer its handshake.
async fn accepts(options: &SessionOptions, address: &str) -> bool {
    matches!(timeout(options.connect_timeout, TcpStream::connect(address)).await, Ok(Ok(_)))
}

#[cfg(test)]
mod tests {
    use std::net::SocketAddr;

    use tokio::net::{TcpListener, TcpSocket};

    use super::*;
    use crate::fake_grid::within;

    fn options() -> SessionOptions {
        SessionOptions {
            connect_timeout: Duration::from_millis(50),
            reconnect_backoff: (Duration::from_millis(10), Duration::from_millis(20)),
            ..SessionOptions::default()
        }
    }

    /// A host that accepts no connection: its queue of connections is full. Dropping the sockets frees it.
    async fn deaf() -> (SocketAddr, TcpListener, Vec<TcpStream>) {
        let socket = TcpSocket::new_v4().unwrap();
        socket.bind("127.0.0.1:0".parse().unwrap()).unwrap();
        let listener = socket.listen(0).unwrap();
        let address = listener.local_addr().unwrap();
        let mut waiting = Vec::new();
        while let Ok(Ok(stream)) = timeout(Duration::from_millis(200), TcpStream::connect(address)).await {
            waiting.push(stream);
        }
        (address, listener, waiting)
    }

    #[tokio::test]
    async fn a_host_that_cannot_be_reached_for_as_long_as_a_grid_waits_has_gone() {
        let (address, _listener, _waiting) = deaf().await;
        let broke = Instant::now();
        let why = within(until_over(&options(), &address.to_string(), &[], broke)).await;
        assert!(why.contains("unreachable"), "{why}");
        assert!(broke.elapsed() >= GIVEN_UP_BY_GRID, "{:?}", broke.elapsed());
    }

    #[tokio::test]
    async fn a_proxy_that_accepts_connections_and_does_not_answer_is_waited_for() {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap().to_string();
        let options = options();
        let waits = timeout(4 * GIVEN_UP_BY_GRID, until_over(&options, &address, &[], Instant::now()));
        assert_eq!(within(waits).await.ok(), None);
        drop(listener);
        let why = within(until_over(&options, &address, &[], Instant::now())).await;
        assert_eq!(why, "the proxy has gone");
    }
}
