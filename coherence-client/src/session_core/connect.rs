//! Connecting: one attempt over all addresses, shared by all callers that need the stream.

use std::hash::{BuildHasher as _, RandomState};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use backon::{BackoffBuilder as _, ExponentialBackoff, ExponentialBuilder};
use coherence_kafka_common::grid_address::GridAddress;
use coherence_kafka_common::map::MapError;
use futures::FutureExt as _;
use futures::future::{BoxFuture, Shared};
use tokio::time::{Instant, sleep};

use super::listening::LISTENER_STREAM;
use super::{Link, SessionCore, session_closed};
use crate::name_service::NameServiceAddress;
use crate::options::parse_address;
use crate::sub_channel::{self, OpenFailure, Role, SubChannel};

/// Streams to one address, for each stream of the session, that are read for the answers to late writes only: with more
/// of them, the proxy has enough to do.
const MAX_RETIRED: usize = 2;

pub(super) type Opening = Shared<BoxFuture<'static, Result<Arc<SubChannel>, MapError>>>;

impl SessionCore {
    /// Returns the stream at this index, opened unless it is open. Callers that arrive while it is being opened wait
    /// for the same attempt.
    pub(super) async fn stream(self: &Arc<Self>, index: usize) -> Result<Arc<SubChannel>, MapError> {
        let opening = {
            let mut link = self.streams[index].lock();
            match &*link {
                Link::Up(stream) if stream.is_open() => return Ok(stream.clone()),
                Link::Opening(opening) => opening.clone(),
                Link::Closed => return Err(session_closed()),
                Link::Down | Link::Up(_) => {
                    if matches!(*link, Link::Up(_)) {
                        self.replaced.fetch_add(1, Ordering::Relaxed);
                    }
                    // A task, so that a caller that goes away does not take the attempt of the others with it.
                    let task = self.runtime.spawn(self.clone().open(index));
                    let opening: Opening =
                        task.map(|ended| ended.unwrap_or_else(|_| Err(runtime_gone()))).boxed().shared();
                    *link = Link::Opening(opening.clone());
                    opening
                }
            }
        };
        opening.await
    }

    /// One attempt over all addresses, or as many as there is time for where callers are ready to wait.
    async fn open(self: Arc<Self>, index: usize) -> Result<Arc<SubChannel>, MapError> {
        let until = Instant::now() + self.options.ready_timeout;
        let mut pauses = self.pauses();
        let opened = loop {
            let opened = self.open_first(index).await.map(Arc::new);
            let pause = pauses.next().unwrap_or(self.options.reconnect_backoff.1);
            let again =
                matches!(&opened, Err(error) if error.is_retriable()) && Instant::now() + pause < until;
            if !again || self.closed.run_until_cancelled(sleep(pause)).await.is_none() {
                break opened;
            }
        };
        let mut link = self.streams[index].lock();
        if !matches!(*link, Link::Closed) {
            *link = opened.as_ref().map_or(Link::Down, |stream| Link::Up(stream.clone()));
        }
        opened
    }

    async fn open_first(&self, index: usize) -> Result<SubChannel, MapError> {
        let addresses = &self.options.addresses;
        let first = self.next_address.load(Ordering::Relaxed);
        let mut misuse = false;
        let mut reasons = Vec::new();
        for at in (0..addresses.len()).map(|n| (first + n) % addresses.len()) {
            let proxies = match self.proxies(&addresses[at]).await {
                Ok(proxies) => proxies,
                Err(reason) => {
                    reasons.push(reason);
                    continue;
                }
            };
            for address in proxies {
                let retired = self.in_doubt.retired(&address);
                if retired >= MAX_RETIRED * self.options.streams {
                    reasons.push(format!("{address}: {retired} streams to it have writes without answer"));
                    continue;
                }
                let role = Role {
                    number: self.streams_opened.fetch_add(1, Ordering::Relaxed),
                    listeners: (index == LISTENER_STREAM).then(|| self.listening.listeners.clone()),
                    in_doubt: self.in_doubt.clone(),
                    timed: self.timed.clone(),
                };
                match sub_channel::open(&self.options, &address, role).await {
                    Ok(stream) => {
                        // When this stream ends, its address is the least promising one.
                        self.next_address.store((at + 1) % addresses.len(), Ordering::Relaxed);
                        self.was_open.store(true, Ordering::Relaxed);
                        return Ok(stream);
                    }
                    Err(OpenFailure { misuse: wrong, reason, .. }) => {
                        tracing::debug!(address, reason, "grid stream not opened");
                        misuse |= wrong;
                        reasons.push(format!("{address}: {reason}"));
                    }
                }
            }
        }
        let reasons = reasons.join("; ");
        Err(if misuse && !self.was_open.load(Ordering::Relaxed) {
            MapError::Misuse(format!("no session with the grid: {reasons}"))
        } else {
            MapError::Unavailable(reasons)
        })
    }

    /// The proxies that an address stands for at this moment.
    async fn proxies(&self, address: &str) -> Result<Vec<String>, String> {
        let mut proxies = match parse_address(address).map_err(|error| error.to_string())? {
            GridAddress::Proxy(address) => return Ok(vec![address]),
            GridAddress::NameService { members, cluster } => {
                NameServiceAddress { members, cluster }.resolve(&self.options).await?
            }
        };
        if self.options.resolver_randomize {
            let first = random() as usize % proxies.len();
            proxies.rotate_left(first);
        }
        Ok(proxies)
    }

    /// Pauses between attempts to connect, without end.
    pub(super) fn pauses(&self) -> ExponentialBackoff {
        let (min, max): (Duration, Duration) = self.options.reconnect_backoff;
        ExponentialBuilder::new()
            .with_min_delay(min)
            .with_max_delay(max.max(min))
            .with_factor(1.5)
            .with_jitter()
            // Without a seed all processes would draw the same numbers, and come back together.
            .with_jitter_seed(random())
            .without_max_times()
            .build()
    }
}

/// A number that no other process has, good enough to spread load.
fn random() -> u64 {
    RandomState::new().hash_one(0)
}

fn runtime_gone() -> MapError {
    MapError::Unavailable("the runtime of the session is shutting down".to_owned())
}
