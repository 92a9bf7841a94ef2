//! Embedded maps that outlive their process: `coherence.session.directory`.
//!
//! Owns: the maps of one connector, the positions up to which they hold its topics, the file with both, and the lock on
//! it. Never decides: when to save, and what may be committed after it; the delivery decides that.
//!
//! ```text
//! task 0 ─┐ positions            ┌─ maps, positions ──▶ <connector>.maps ──▶ answered: may be committed
//! task 1 ─┴──────────▶ one save ─┘
//! ```
//!
//! **What the file guarantees.** Every record below a saved position is in the saved maps. The positions are taken
//! before the maps are written, and only what is confirmed by the maps has a position: so the maps may be ahead of the
//! positions, never behind. The records by which they are ahead are redelivered in the same order, and lead to the same
//! values.
//!
//! One connector has one file, which its tasks share: a save that begins answers all requests before it. The file is
//! bound to its consumer group and its cluster, because the offsets of another group or cluster do not describe these
//! maps.

use std::collections::BTreeMap;
use std::error::Error as _;
use std::fmt::Write as _;
use std::fs::{File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, SyncSender, TryRecvError, sync_channel};
use std::time::{Duration, Instant};

use coherence_kafka_common::local::{LocalOptions, LocalSession, SnapshotError};
use coherence_kafka_common::map::Format;
use coherence_kafka_rdkafka::record::TopicPartition;
use parking_lot::Mutex;

use contents::Contents;

mod contents;

/// How long a lock is waited for: its holder may be about to end.
const LOCK_WAIT: Duration = Duration::from_secs(2);

/// Positions by partition: the offset behind the last record that is in the maps.
pub(crate) type Positions = BTreeMap<TopicPartition, i64>;

/// Why the maps of a directory cannot be used. Nothing in it was changed or removed.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    /// Another process or connector uses them.
    #[error(
        "coherence.session.directory: {path} is locked by another process, or by another connector of this one: each \
         process needs its own directory", path = path.display()
    )]
    InUse {
        /// The file of the lock.
        path: PathBuf,
    },
    /// The lock cannot be acquired.
    #[error("coherence.session.directory: cannot lock {path}: {source}", path = path.display())]
    Lock {
        /// The file of the lock.
        path: PathBuf,
        /// The error of the operating system.
        source: io::Error,
    },
    /// The file cannot be read, or is damaged, or in another format.
    #[error("coherence.session.directory: {reason}; {advice}", reason = with_sources(.0), advice = ADVICE)]
    Unreadable(#[source] SnapshotError),
    /// The file does not hold the offsets of its maps.
    #[error(
        "coherence.session.directory: {path} does not hold the offsets of its maps: {reason}; {advice}",
        path = path.display(), advice = ADVICE
    )]
    NoPositions {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: String,
    },
    /// The file belongs to another consumer group.
    #[error(
        "coherence.session.directory: {path} belongs to the consumer group {found}, not to {expected}: offsets of one \
         are not valid in the other; {advice}", path = path.display(), advice = ADVICE
    )]
    OtherGroup {
        /// The file.
        path: PathBuf,
        /// The group of the file.
        found: String,
        /// The group of the connector.
        expected: String,
    },
    /// The file belongs to another cluster.
    #[error(
        "coherence.session.directory: {path} belongs to the kafka cluster {found}, and this is {expected}: offsets of \
         one are not valid in the other; {advice}", path = path.display(), advice = ADVICE
    )]
    OtherCluster {
        /// The file.
        path: PathBuf,
        /// The cluster of the file.
        found: String,
        /// The cluster that is connected.
        expected: String,
    },
}

const ADVICE: &str = "choose another directory, or move the file away to read the topics from the beginning";

/// The maps of one connector, and what they hold of its topics. Its lock goes with it.
#[derive(Debug)]
pub(crate) struct Store {
    session: Arc<LocalSession>,
    path: PathBuf,
    group: String,
    state: Mutex<State>,
    _lock: File,
}

#[derive(Debug)]
struct State {
    positions: Positions,
    /// Those of the file.
    on_disk: Positions,
    /// Of the file, or the first that was connected.
    cluster: Option<String>,
    /// The requests that wait for a save that has not begun.
    waiting: Vec<SyncSender<Result<(), String>>>,
    saving: bool,
}

/// A save that was asked for.
#[derive(Debug)]
pub(crate) struct Pending(Receiver<Result<(), String>>);

impl Pending {
    /// Returns its outcome, once it has ended.
    pub(crate) fn outcome(&self) -> Option<Result<(), String>> {
        match self.0.try_recv() {
            Ok(outcome) => Some(outcome),
            Err(TryRecvError::Empty) => None,
            Err(TryRecvError::Disconnected) => Some(Err("the save ended without an outcome".to_owned())),
        }
    }
}

impl Store {
    /// Locks and loads what `connector` has in `directory`, which must be there. Without a file the maps are empty and
    /// nothing has a position. Blocks while the file is read.
    ///
    /// # Errors
    /// See [`Error`].
    pub(crate) fn open(
        directory: &Path,
        connector: &str,
        group: &str,
        format: Format,
    ) -> Result<Self, Error> {
        let name = file_name(connector);
        let lock = lock(&directory.join(format!("{name}.lock")))?;
        let path = directory.join(format!("{name}.maps"));
        let options = LocalOptions { format, ..LocalOptions::default() };
        let (session, contents) = match LocalSession::load(&path, options.clone()) {
            Ok((session, contents)) => {
                let contents = Contents::parse(&contents)
                    .map_err(|reason| Error::NoPositions { path: path.clone(), reason })?;
                if contents.group != group {
                    let (found, expected) = (contents.group, group.to_owned());
                    return Err(Error::OtherGroup { path, found, expected });
                }
                (session, contents)
            }
            Err(SnapshotError::Io { source, .. }) if source.kind() == io::ErrorKind::NotFound => {
                (LocalSession::with(options), Contents::default())
            }
            Err(error) => return Err(Error::Unreadable(error)),
        };
        let positions = contents.positions();
        tracing::info!(
            connector,
            file = %path.display(),
            partitions = positions.len(),
            "embedded maps loaded: partitions without a position are read from the beginning"
        );
        let state = State {
            on_disk: positions.clone(),
            positions,
            cluster: contents.cluster,
            waiting: Vec::new(),
            saving: false,
        };
        Ok(Self {
            session: Arc::new(session),
            path,
            group: group.to_owned(),
            state: Mutex::new(state),
            _lock: lock,
        })
    }

    /// Returns the maps.
    pub(crate) fn session(&self) -> &Arc<LocalSession> {
        &self.session
    }

    /// Returns the offset at which reading of a partition continues; `None` for one of which nothing is in the maps.
    pub(crate) fn position(&self, tp: &TopicPartition) -> Option<i64> {
        self.state.lock().positions.get(tp).copied()
    }

    /// Binds the maps to a cluster, or finds that they are bound to another one. Brokers that report no cluster id
    /// cannot be distinguished.
    ///
    /// # Errors
    /// [`Error::OtherCluster`].
    pub(crate) fn of_cluster(&self, cluster: Option<String>) -> Result<(), Error> {
        let Some(cluster) = cluster else { return Ok(()) };
        let mut state = self.state.lock();
        match &state.cluster {
            Some(found) if *found != cluster => {
                Err(Error::OtherCluster { path: self.path.clone(), found: found.clone(), expected: cluster })
            }
            Some(_) => Ok(()),
            None => {
                state.cluster = Some(cluster);
                Ok(())
            }
        }
    }

    /// Notes that the maps hold everything below `reached`, and writes maps and positions to the disk, on its own
    /// thread.
    pub(crate) fn save(self: &Arc<Self>, reached: &[(TopicPartition, i64)]) -> Pending {
        let (answer, pending) = sync_channel(1);
        let mut state = self.state.lock();
        for (tp, position) in reached {
            state.positions.insert(tp.clone(), *position);
        }
        if reached.iter().all(|(tp, position)| state.on_disk.get(tp) == Some(position)) {
            // The file already holds these positions: it was loaded with them, or another task's save included them.
            let _ = answer.try_send(Ok(()));
            return Pending(pending);
        }
        state.waiting.push(answer);
        if !state.saving {
            let store = self.clone();
            let thread = std::thread::Builder::new().name("save-maps".to_owned());
            match thread.spawn(move || store.save_for_all()) {
                Ok(_) => state.saving = true,
                Err(error) => answer_all(std::mem::take(&mut state.waiting), &Err(error.to_string())),
            }
        }
        Pending(pending)
    }

    /// Saves until no request waits.
    fn save_for_all(&self) {
        loop {
            let (waiting, contents, positions) = {
                let mut state = self.state.lock();
                if state.waiting.is_empty() {
                    state.saving = false;
                    return;
                }
                let contents = Contents::new(&self.group, state.cluster.as_deref(), &state.positions);
                (std::mem::take(&mut state.waiting), contents, state.positions.clone())
            };
            let began = Instant::now();
            // Taken before the maps are read: they may be ahead of the positions, never behind.
            let outcome = self.session.save(&self.path, &contents.to_bytes()).map_err(|e| with_sources(&e));
            if outcome.is_ok() {
                tracing::debug!(
                    file = %self.path.display(),
                    ms = began.elapsed().as_millis() as u64,
                    "embedded maps saved"
                );
                self.state.lock().on_disk = positions;
            }
            answer_all(waiting, &outcome);
        }
    }
}

fn answer_all(waiting: Vec<SyncSender<Result<(), String>>>, outcome: &Result<(), String>) {
    for answer in waiting {
        // A task that has ended meanwhile no longer waits.
        let _ = answer.try_send(outcome.clone());
    }
}

fn lock(path: &Path) -> Result<File, Error> {
    let failed = |source| Error::Lock { path: path.to_owned(), source };
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(failed)?;
    let end = Instant::now() + LOCK_WAIT;
    loop {
        match file.try_lock() {
            Ok(()) => return Ok(file),
            Err(TryLockError::WouldBlock) if Instant::now() < end => {
                std::thread::park_timeout(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Err(Error::InUse { path: path.to_owned() }),
            Err(TryLockError::Error(source)) => return Err(failed(source)),
        }
    }
}

/// Returns a file name for any connector name, a different one for each.
fn file_name(connector: &str) -> String {
    let mut name = String::with_capacity(connector.len());
    for byte in connector.bytes() {
        if byte.is_ascii_alphanumeric() || b".-_".contains(&byte) {
            name.push(char::from(byte));
        } else {
            // Writing to a text cannot fail.
            let _ = write!(name, "%{byte:02X}");
        }
    }
    name
}

/// Returns the error with its cause.
fn with_sources(error: &SnapshotError) -> String {
    match error.source() {
        Some(source) => format!("{error}: {source}"),
        None => error.to_string(),
    }
}

#[cfg(test)]
mod tests;
