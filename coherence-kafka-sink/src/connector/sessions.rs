//! The sessions that connectors write to.

use std::fmt;
use std::sync::{Arc, Weak};

use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Format, MapError, Session};
use coherence_kafka_connect::config::{SessionConfig, SessionKind};
use coherence_kafka_worker::grid_session;
use parking_lot::Mutex;
use tokio::runtime::Handle;

/// Opens the session of a connector, on a runtime. Called once a connector; does no I/O, so that a grid may be
/// unavailable at the start.
pub type OpenSession = dyn Fn(&SessionConfig, &Handle) -> Result<Arc<dyn Session>, MapError> + Send + Sync;

/// The sessions of maps inside this process: one for each format, shared by all connectors.
#[derive(Debug, Clone)]
pub struct LocalSessions {
    pof: Arc<LocalSession>,
    json: Arc<LocalSession>,
    java: Arc<LocalSession>,
}

impl Default for LocalSessions {
    fn default() -> Self {
        let session = |format| Arc::new(LocalSession::new(format));
        Self { pof: session(Format::Pof), json: session(Format::Json), java: session(Format::Java) }
    }
}

impl LocalSessions {
    /// Returns the session whose maps have this format.
    pub fn session(&self, format: Format) -> &Arc<LocalSession> {
        match format {
            Format::Pof => &self.pof,
            Format::Json => &self.json,
            Format::Java => &self.java,
        }
    }
}

/// The sessions of all connectors.
pub struct Sessions {
    local: LocalSessions,
    open: Box<OpenSession>,
    /// Sessions of connectors that are gone, with writes that may still be applied: the next connector with the same
    /// settings has to know of them.
    in_doubt: Mutex<Vec<(SessionConfig, Arc<dyn Session>)>>,
    /// The maps of connectors that save theirs, by their names, while their tasks have them.
    saved: Mutex<Vec<(String, Weak<LocalSession>)>>,
}

impl fmt::Debug for Sessions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sessions").finish_non_exhaustive()
    }
}

impl Default for Sessions {
    fn default() -> Self {
        let local = LocalSessions::default();
        let maps = local.clone();
        let open = move |config: &SessionConfig, runtime: &Handle| match config.kind {
            SessionKind::Embedded => {
                tracing::warn!(
                    "embedded maps are not saved: they start empty, and the topics are read from the beginning at \
                     every start; set coherence.session.directory to save them"
                );
                Ok(maps.session(config.format).clone() as Arc<dyn Session>)
            }
            SessionKind::Grpc => Ok(Arc::new(grid_session(config, runtime.clone())?) as Arc<dyn Session>),
        };
        Self { local, open: Box::new(open), in_doubt: Mutex::default(), saved: Mutex::default() }
    }
}

impl Sessions {
    /// Creates sessions that `open` opens.
    pub fn opened_by(open: Box<OpenSession>) -> Self {
        Self { open, ..Self::default() }
    }

    /// Returns the maps inside this process.
    pub fn local(&self) -> &LocalSessions {
        &self.local
    }

    /// Notes the maps of a connector that saves them.
    pub(crate) fn add_saved(&self, connector: &str, session: &Arc<LocalSession>) {
        let mut saved = self.saved.lock();
        saved.retain(|(name, session)| name != connector && session.strong_count() > 0);
        saved.push((connector.to_owned(), Arc::downgrade(session)));
    }

    /// Returns the maps of a connector that saves them, while it has tasks.
    pub(crate) fn saved(&self, connector: &str) -> Option<Arc<dyn Session>> {
        let saved = self.saved.lock();
        let (_, session) = saved.iter().find(|(name, _)| name == connector)?;
        Some(session.upgrade()?)
    }

    /// Returns the session of a connector that starts: one with writes in doubt, where a connector of equal settings has
    /// left it.
    pub(crate) fn open(
        &self,
        config: &SessionConfig,
        runtime: &Handle,
    ) -> Result<Arc<dyn Session>, MapError> {
        let left = {
            let mut in_doubt = self.in_doubt.lock();
            in_doubt.retain(|(_, session)| session.has_writes_in_doubt());
            in_doubt.iter().find(|(other, _)| other == config).map(|(_, session)| session.clone())
        };
        left.map_or_else(|| (self.open)(config, runtime), Ok)
    }

    /// Keeps the session of a connector that is gone while its writes may still be applied.
    pub(crate) fn keep_doubt(&self, config: &SessionConfig, session: &Arc<dyn Session>) {
        let mut in_doubt = self.in_doubt.lock();
        if session.has_writes_in_doubt() && !in_doubt.iter().any(|(_, other)| Arc::ptr_eq(other, session)) {
            in_doubt.push((config.clone(), session.clone()));
        }
    }
}
