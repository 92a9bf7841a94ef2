//! The embedded map: entries in this process's own memory, behind the traits of [`crate::map`].
//!
//! Owns: the entries, their expiry, the listeners, snapshots in files. Never does: evict, decode entries, run
//! threads or timers, or wait: its futures are ready when they are first polled. It is the only part of this crate
//! that reads a clock, and [`LocalSession::save`] and [`LocalSession::load`] are the only ones that touch files.
//!
//! ```text
//! LocalSession ── LocalMap ── 64 × shard (one lock: entries, deadlines, listeners) ── mailbox ──► MapNotices
//!       └── snapshot ──► file
//! ```

use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt as _;
use futures::future::BoxFuture;
use hashbrown::HashMap;
use parking_lot::Mutex;

use crate::map::{Format, MapError, NamedMap, Session};

mod clock;
mod entry;
mod listening;
mod map;
mod shard;
mod snapshot;

pub use clock::{Clock, ManualClock};
pub use map::LocalMap;
pub use snapshot::SnapshotError;

/// What the maps of a session are made with.
#[derive(Debug, Clone)]
pub struct LocalOptions {
    /// What the users of the maps agree to write; nothing here reads it.
    pub format: Format,
    /// When entries written with [`crate::map::Expiry::Default`] expire; `None`, which is the default, is never.
    pub expiry: Option<Duration>,
    /// The same for single maps, by name.
    pub map_expiry: HashMap<String, Option<Duration>>,
    /// What may wait for one listener in bytes, counting each notice with its own size. Default 16 MiB.
    pub listener_bytes: usize,
    /// The time by which entries expire.
    pub clock: Clock,
}

impl Default for LocalOptions {
    fn default() -> Self {
        Self {
            format: Format::default(),
            expiry: None,
            map_expiry: HashMap::new(),
            listener_bytes: 16 << 20,
            clock: Clock::default(),
        }
    }
}

/// A session whose maps live in this process and, unless they are saved, end with it.
///
/// A map that was once opened stays known, be it empty or destroyed, and then takes about 6 KiB.
#[derive(Debug)]
pub struct LocalSession {
    options: LocalOptions,
    maps: Mutex<HashMap<String, Arc<LocalMap>>>,
}

impl LocalSession {
    /// Creates a session without maps. `format` is what its users agree to write; nothing here reads it.
    pub fn new(format: Format) -> Self {
        Self::with(LocalOptions { format, ..LocalOptions::default() })
    }

    /// Creates a session without maps.
    pub fn with(options: LocalOptions) -> Self {
        Self { options, maps: Mutex::default() }
    }

    /// Returns the map of this name, created if it does not exist.
    ///
    /// # Errors
    /// [`MapError::Misuse`] for the names that [`Session::check_map_name`] refuses.
    pub fn local_map(&self, name: &str) -> Result<Arc<LocalMap>, MapError> {
        self.check_map_name(name)?;
        let mut maps = self.maps.lock();
        let make = || Arc::new(LocalMap::with(name, &self.options));
        Ok(Arc::clone(maps.entry_ref(name).or_insert_with(make)))
    }
}

impl Session for LocalSession {
    fn format(&self) -> Format {
        self.options.format
    }

    /// 2 GiB, less one byte.
    fn max_entry_bytes(&self) -> usize {
        entry::MAX_ENTRY_BYTES
    }

    /// Refuses the names that no grid can bear: the empty one, and those with `*` or `?`.
    fn check_map_name(&self, name: &str) -> Result<(), MapError> {
        if name.is_empty() {
            return Err(MapError::Misuse("the name of a map must not be empty".to_owned()));
        }
        if name.contains(['*', '?']) {
            return Err(MapError::Misuse(format!("map name {name:?}: * and ? are not possible on a grid")));
        }
        Ok(())
    }

    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        async move { self.local_map(name).map(|map| map as Arc<dyn NamedMap>) }.boxed()
    }
}

#[cfg(test)]
mod tests;
