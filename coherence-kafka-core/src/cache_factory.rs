//! Caches that store, from a cache configuration file: Coherence's `CacheFactory`.
//!
//! ```text
//! CacheConfig ── scheme of a cache ─┬─ no store    the session's own map
//!                                   └─ a store     ReadWriteBackingMap over it ──► KafkaEntryStore ──► Producer, shared
//!                     expiring.rs: expiry-delay, over the session's map
//! ```
//!
//! Owns: one map and one store for each cache name, the producers that their stores share, their close. Never does:
//! decide what a scheme means, which is [`crate::cache_config`]'s.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use coherence_kafka_common::map::{Format, MapError, NamedMap, Session};
use coherence_kafka_connect::config::{ConfigErrors, Finding};
use futures::FutureExt as _;
use futures::future::{BoxFuture, join_all};
use parking_lot::Mutex;
use tokio::sync::{OnceCell, watch};
use tokio::time::Instant;

use crate::cache_config::{CacheConfig, CacheScheme, environment};
use crate::entry_store::EntryStore as _;
use crate::kafka_entry_store::{KafkaEntryStore, KafkaEntryStoreBuilder};
use crate::producers::Producers;
use crate::read_write_backing_map::ReadWriteBackingMap;

mod expiring;

use expiring::Expiring;

/// Why a cache cannot be opened.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CacheError {
    /// Its scheme is refused.
    #[error("cache {cache}: {errors}")]
    Config {
        /// The name of the cache.
        cache: String,
        /// Everything that is wrong, each with its place.
        errors: ConfigErrors,
    },
    /// The file requires another serializer than the session has, so that stored values could not be read.
    #[error("cache {cache}: its serializer is {wanted}, that of the session is {session}")]
    Format {
        /// The name of the cache.
        cache: String,
        /// The serializer that the file names.
        wanted: Format,
        /// The serializer of the session.
        session: Format,
    },
    /// The session cannot open its map.
    #[error("cache {cache}: {error}")]
    Map {
        /// The name of the cache.
        cache: String,
        /// The error of the session.
        error: MapError,
    },
    /// The factory was closed.
    #[error("cache {cache}: the cache factory is closed")]
    Closed {
        /// The name of the cache.
        cache: String,
    },
}

/// Opens the caches of a configuration file; those that have a store write into their topics.
///
/// A cache is opened once: every call with its name returns the same map. Changes that are made without it, in another
/// process or with the session's own map, do not reach the topic. It is a [`Session`] itself, so that
/// [`coherence_kafka_common::typed_map::TypedMap`] opens its caches too.
///
/// Caches with equal producer settings share one producer: its connections, its threads and its `buffer.memory`.
///
/// An entry that is put without its own time into a cache with an `expiry-delay` expires after it. `put_if_absent` and
/// `replace` have no time in a grid's protocol: their entries expire as the session's own map is configured.
///
/// Dropping it gives up the changes that wait to be written: [`CacheFactory::close`] does not.
#[derive(Debug)]
pub struct CacheFactory {
    config: CacheConfig,
    session: Arc<dyn Session>,
    producers: Producers,
    /// The cell makes two callers at once wait for one and the same cache; it stays empty after an error.
    caches: Mutex<HashMap<String, Arc<OnceCell<Cache>>>>,
    /// Whether it is closed.
    closed: watch::Sender<bool>,
}

#[derive(Debug)]
enum Cache {
    Plain(Arc<dyn NamedMap>),
    Stored(Arc<ReadWriteBackingMap>, Arc<KafkaEntryStore>),
}

impl CacheFactory {
    /// Reads the file, with system properties of Java as [`in_variables`](crate::in_variables) finds them. The maps are those of
    /// `session`: elements of a scheme about the storage of entries have no effect.
    ///
    /// # Errors
    /// Everything that is wrong with the file, as [`CacheConfig::from_file`] and [`CacheFactory::new`] report it.
    pub fn from_file(path: &Path, session: Arc<dyn Session>) -> Result<Self, ConfigErrors> {
        Self::new(CacheConfig::from_file(path, environment)?, session)
    }

    /// Creates the factory of a configuration that was read before.
    ///
    /// # Errors
    /// Everything that is wrong with the properties of its producers, each with its line.
    pub fn new(config: CacheConfig, session: Arc<dyn Session>) -> Result<Self, ConfigErrors> {
        let mut findings = ConfigErrors::default();
        for store in config.stores() {
            let mut found = ConfigErrors::default();
            KafkaEntryStoreBuilder::from_properties(&store.properties, session.format(), &mut found);
            findings.append(found);
        }
        for note in config.notes().iter().chain(&findings.warnings) {
            tracing::info!(%note, "note on the cache configuration");
        }
        findings.finish(Some(Self {
            config,
            session,
            producers: Producers::default(),
            caches: Mutex::default(),
            closed: watch::Sender::new(false),
        }))
    }

    /// Returns the configuration.
    pub fn config(&self) -> &CacheConfig {
        &self.config
    }

    /// Returns the cache of this name. Opening it waits for no broker: the writes report that none is reachable.
    ///
    /// # Errors
    /// As [`CacheError`]; a later call tries again. Outside of a Tokio runtime a cache with a store cannot be opened.
    pub async fn cache(&self, name: &str) -> Result<Arc<dyn NamedMap>, CacheError> {
        let mut closed = self.closed.subscribe();
        let closing = async {
            // The sender lives as long as the factory.
            drop(closed.wait_for(|closed| *closed).await);
        };
        let opened = tokio::select! {
            biased;
            () = closing => return Err(CacheError::Closed { cache: name.to_owned() }),
            opened = self.opened(name) => opened?,
        };
        // A close that came meanwhile may have missed it.
        if *self.closed.borrow() {
            return Err(CacheError::Closed { cache: name.to_owned() });
        }
        Ok(opened)
    }

    async fn opened(&self, name: &str) -> Result<Arc<dyn NamedMap>, CacheError> {
        let known = self.caches.lock().get(name).cloned();
        let cell = match known {
            Some(cell) => cell,
            None => {
                // Refused before it is remembered: names may come without end.
                self.scheme(name)?;
                Arc::clone(self.caches.lock().entry(name.to_owned()).or_default())
            }
        };
        Ok(match cell.get_or_try_init(|| self.open(name)).await? {
            Cache::Plain(map) => Arc::clone(map),
            Cache::Stored(map, _) => Arc::clone(map) as Arc<dyn NamedMap>,
        })
    }

    /// Returns the scheme of a cache, where the session can hold it.
    fn scheme(&self, name: &str) -> Result<CacheScheme, CacheError> {
        let cache = || name.to_owned();
        self.session.check_map_name(name).map_err(|error| CacheError::Map { cache: cache(), error })?;
        let scheme =
            self.config.cache(name).map_err(|errors| CacheError::Config { cache: cache(), errors })?;
        if let Some(origin) = &scheme.federated {
            let message = "a cache of this scheme is published by coherence-kafka-source alone: changes from other \
                           clusters are not visible here";
            let mut errors = ConfigErrors::default();
            errors.errors.push(Finding {
                origin: Some(origin.clone()),
                key: "<federated-scheme>".to_owned(),
                message: message.to_owned(),
            });
            return Err(CacheError::Config { cache: cache(), errors });
        }
        let session = self.session.format();
        match scheme.serializer {
            Some(wanted) if wanted != session => Err(CacheError::Format { cache: cache(), wanted, session }),
            _ => Ok(scheme),
        }
    }

    async fn open(&self, name: &str) -> Result<Cache, CacheError> {
        let scheme = self.scheme(name)?;
        let failed = |error| CacheError::Map { cache: name.to_owned(), error };
        let map = self.session.map(name).await.map_err(failed)?;
        let map = match scheme.expiry_delay {
            Some(delay) => Arc::new(Expiring::new(map, delay)),
            None => map,
        };
        let Some(stored) = scheme.store else { return Ok(Cache::Plain(map)) };
        let store = KafkaEntryStore::sharing(&stored.properties, self.session.format(), &self.producers)
            .map_err(|errors| CacheError::Config { cache: name.to_owned(), errors })?;
        let store = Arc::new(store);
        let map = ReadWriteBackingMap::new(map, store.clone(), &stored.options).await.map_err(failed)?;
        Ok(Cache::Stored(Arc::new(map), store))
    }

    /// Refuses further changes and waits until each earlier one has its outcome, or `deadline` has passed. Returns the
    /// caches of which changes remained, and how many; these are given up and reported. It does not wait for a cache
    /// that is being opened: its call ends with [`CacheError::Closed`].
    pub async fn close(&self, deadline: Duration) -> Vec<(String, usize)> {
        self.closed.send_replace(true);
        let caches: Vec<_> =
            self.caches.lock().iter().map(|(name, cell)| (name.clone(), Arc::clone(cell))).collect();
        let end = Instant::now() + deadline;
        let closing = caches.into_iter().map(|(name, cell)| async move {
            let Some(Cache::Stored(map, store)) = cell.get() else { return None };
            let of_map = map.close(deadline).await;
            let of_store = store.close(end.saturating_duration_since(Instant::now())).await;
            // Changes that the map has already sent to its store are in both numbers.
            Some((name, of_map.max(of_store)))
        });
        let closed = join_all(closing).await;
        // Nothing of any store is left to wait for.
        self.producers.close(Duration::ZERO).await;
        let mut remained: Vec<_> = closed.into_iter().flatten().filter(|(_, count)| *count > 0).collect();
        remained.sort();
        remained
    }
}

impl Session for CacheFactory {
    fn format(&self) -> Format {
        self.session.format()
    }

    fn max_entry_bytes(&self) -> usize {
        self.session.max_entry_bytes()
    }

    fn check_map_name(&self, name: &str) -> Result<(), MapError> {
        self.scheme(name).map(|_| ()).map_err(MapError::from)
    }

    fn map<'a>(&'a self, name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
        async move { self.cache(name).await.map_err(MapError::from) }.boxed()
    }
}

impl From<CacheError> for MapError {
    fn from(error: CacheError) -> Self {
        match error {
            CacheError::Map { error, .. } => error,
            other => MapError::Misuse(other.to_string()),
        }
    }
}

#[cfg(test)]
mod tests;
