//! A session with a grid, as programs see it.

use std::fmt;
use std::sync::Arc;

use coherence_kafka_common::grid_address::GridAddress;
use coherence_kafka_common::map::{Format, MapError, NamedMap, OfMap, SendGate, Session};
use futures::FutureExt;
use futures::future::BoxFuture;
use tokio::runtime::Handle;

use crate::limits::MAX_ENTRY_BYTES;
use crate::options::{OptionsError, SessionOptions, parse_address};
use crate::remote_map::RemoteMap;
use crate::session_core::SessionCore;
use crate::tls;

/// A session with a grid over gRPC, with one format and one scope.
///
/// Connects when a map is first used, and again (to the next address, on a fresh connection) at the first use after
/// its stream has ended. Callers that arrive while it connects share the attempt. Without listeners it never connects by
/// itself, so the pace of retries is the caller's. With listeners it does, with pauses
/// ([`SessionOptions::reconnect_backoff`]), registers them again and notifies each of the gap. Cheap to clone. The
/// streams close when the last clone and all maps and listeners are dropped.
#[derive(Clone)]
pub struct GrpcSession {
    core: Arc<SessionCore>,
}

impl GrpcSession {
    /// Creates a session on the current tokio runtime. Reads the TLS files, but connects to nothing.
    ///
    /// # Errors
    /// The first bad option, or [`OptionsError::NoRuntime`].
    pub fn new(options: SessionOptions) -> Result<Self, OptionsError> {
        let runtime = Handle::try_current().map_err(|_| OptionsError::NoRuntime)?;
        Self::on(options, runtime)
    }

    /// As [`GrpcSession::new`], with its tasks on `runtime`.
    ///
    /// # Errors
    /// The first bad option.
    pub fn on(options: SessionOptions, runtime: Handle) -> Result<Self, OptionsError> {
        options.check()?;
        for address in &options.addresses {
            // Which proxies a name service will name is not known yet, whether the TLS files are good is.
            let proxy = match parse_address(address)? {
                GridAddress::Proxy(proxy) => proxy,
                GridAddress::NameService { .. } => "localhost:1408".to_owned(),
            };
            tls::endpoint(&options, &proxy)?;
        }
        Ok(Self { core: Arc::new(SessionCore::new(options, runtime)) })
    }

    /// Opens a stream to the grid unless one is open. Shows early whether the grid is reachable and accepts the
    /// session's options. Calls of maps connect by themselves.
    ///
    /// # Errors
    /// [`MapError::Unavailable`] if no address could be reached; [`MapError::Misuse`] if the grid refuses the options.
    pub async fn connect(&self) -> Result<(), MapError> {
        self.core.connect().await
    }

    /// Waits until every request is answered or has failed, then ends the listeners and closes the streams. Later
    /// calls fail with [`MapError::Misuse`]. Lasts at most about one request time-out and one round of connecting.
    pub async fn close(&self) {
        self.core.close().await;
    }
}

impl GrpcSession {
    /// Returns the map of this name with all operations of a grid. Checks its name as [`Session::check_map_name`] does;
    /// the grid creates the map if it does not exist.
    ///
    /// Each call returns a handle that orders its own calls: see [`RemoteMap`].
    ///
    /// # Errors
    /// As those of the map's calls.
    pub async fn remote_map(&self, name: &str) -> Result<RemoteMap, MapError> {
        self.check_map_name(name)?;
        self.core.ensure(name).await?;
        Ok(RemoteMap::new(self.core.clone(), name))
    }
}

#[cfg(test)]
impl GrpcSession {
    pub(crate) fn core(&self) -> &Arc<SessionCore> {
        &self.core
    }
}

impl fmt::Debug for GrpcSession {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.core.fmt(f)
    }
}

impl Session for GrpcSession {
    fn format(&self) -> Format {
        self.core.format()
    }

    fn max_entry_bytes(&self) -> usize {
        MAX_ENTRY_BYTES
    }

    fn check_map_name(&self, name: &str) -> Result<(), MapError> {
        if name.is_empty() {
            return Err(MapError::Misuse("a map name must not be empty".to_owned()));
        }
        // With these the grid never answers, and its proxy stops serving all its clients until it is restarted.
        if name.contains(['*', '?']) {
            return Err(MapError::Misuse(format!("map name {name:?}: * and ? are not possible on a grid")));
        }
        Ok(())
    }

    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        async move {
            let map: Arc<dyn NamedMap> = Arc::new(self.remote_map(name).await?);
            Ok(map)
        }
        .boxed()
    }

    fn gated_map<'a>(
        &'a self,
        name: &'a str,
        gate: &'a Arc<dyn SendGate>,
    ) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        async move {
            let map: Arc<dyn NamedMap> = Arc::new(self.remote_map(name).await?.gated(gate));
            Ok(map)
        }
        .boxed()
    }

    fn has_writes_in_doubt(&self) -> bool {
        !self.core.in_doubt().is_empty()
    }

    fn in_doubt(&self, entries: &[OfMap<'_>]) -> Option<String> {
        self.core.in_doubt().of(entries)
    }

    fn until_resolved<'a>(&'a self, entries: &'a [OfMap<'a>]) -> BoxFuture<'a, bool> {
        self.core.until_resolved(entries).boxed()
    }
}

#[cfg(test)]
mod tests;
