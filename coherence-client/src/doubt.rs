//! Writes that may still be applied although nobody waits for their answer any more.
//!
//! A request that timed out, or whose stream broke, may run later: a frozen proxy that thaws runs what it had
//! received, after newer values were written by way of another proxy. To send the same once more is harmless, to send
//! something newer is not, until the earlier request is answered or can no longer run. Here is kept which ones those
//! are:
//!
//! ```text
//! the caller has gone      until the grid has answered
//! no answer in time        the stream is retired: nothing more is sent on it, and it is read until all is answered
//! the stream broke         until its proxy has gone, has run for a while since, or was unreachable for longer than
//!                          the grid waits for a member: see `probe`
//! ```

use std::collections::BTreeMap;
use std::fmt;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::sync::Notify;
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

use crate::options::SessionOptions;

mod probe;

/// The writes of one session whose outcome is not known.
#[derive(Debug)]
pub(crate) struct Doubt {
    /// How many there are, to be asked without a lock.
    count: AtomicUsize,
    open: Mutex<Open>,
    changed: Notify,
    /// Set when the session has ended: nobody asks any more.
    closed: CancellationToken,
}

#[derive(Debug, Default)]
struct Open {
    last: u64,
    /// By id and thereby by age.
    entries: BTreeMap<u64, Entry>,
}

#[derive(Debug)]
struct Entry {
    address: String,
    since: Instant,
    cause: Cause,
}

/// Why nobody waits for the answer.
#[derive(Debug, Clone)]
pub(crate) enum Cause {
    /// The caller has gone; the stream goes on.
    Left,
    /// A stream that did not answer in time. The token ends it.
    Retired(CancellationToken),
    /// A stream that broke. The token ends the questions to its proxy.
    Broken(CancellationToken),
}

/// One or more writes without answer. Dropping it says that they are answered, or can no longer run.
pub(crate) struct Unanswered {
    doubt: Arc<Doubt>,
    id: u64,
}

impl Doubt {
    /// For a session that ends with `closed`.
    pub(crate) fn new(closed: CancellationToken) -> Self {
        Self { count: AtomicUsize::new(0), open: Mutex::default(), changed: Notify::new(), closed }
    }

    /// From now on writes by way of `address` are without answer.
    pub(crate) fn begin(self: &Arc<Self>, address: &str, cause: Cause) -> Unanswered {
        let mut open = self.open.lock();
        open.last += 1;
        let id = open.last;
        open.entries.insert(id, Entry { address: address.to_owned(), since: Instant::now(), cause });
        self.count.store(open.entries.len(), Ordering::Release);
        Unanswered { doubt: self.clone(), id }
    }

    /// The stream to `address` broke while writes were without answer: asks there until they can no longer run.
    pub(crate) fn broken(self: &Arc<Self>, address: &str, options: &SessionOptions) {
        let ended = self.closed.child_token();
        let unanswered = self.begin(address, Cause::Broken(ended.clone()));
        tracing::warn!(address, "writes without answer, their proxy is asked until they cannot run any more");
        let (address, options, broke) = (address.to_owned(), options.clone(), Instant::now());
        tokio::spawn(async move {
            if let Some(how) = ended.run_until_cancelled(probe::until_over(&options, &address, broke)).await {
                tracing::info!(address, how, "writes without answer can no longer run");
            }
            drop(unanswered);
        });
    }

    /// Ends with the session.
    pub(crate) fn closed(&self) -> &CancellationToken {
        &self.closed
    }

    /// How many streams to `address` are read for their answers only.
    pub(crate) fn retired(&self, address: &str) -> usize {
        if self.count.load(Ordering::Acquire) == 0 {
            return 0;
        }
        let retired = |entry: &&Entry| entry.address == address && matches!(entry.cause, Cause::Retired(_));
        self.open.lock().entries.values().filter(retired).count()
    }

    /// What is waited for, in words.
    pub(crate) fn unsettled(&self) -> Option<String> {
        if self.count.load(Ordering::Acquire) == 0 {
            return None;
        }
        let open = self.open.lock();
        let (_, Entry { address, cause, .. }) = open.entries.first_key_value()?;
        let why = match cause {
            Cause::Left | Cause::Retired(_) => "",
            Cause::Broken(_) => ": the connection broke, and its proxy neither refuses nor answers a new one",
        };
        Some(format!("an earlier attempt by way of {address} is unanswered{why}"))
    }

    /// Waits until there is none. False where one was given up, having been without answer for `timeout`.
    pub(crate) async fn settled(&self, timeout: Option<Duration>) -> bool {
        let mut all = true;
        loop {
            let mut changed = pin!(self.changed.notified());
            changed.as_mut().enable();
            let since = self.open.lock().entries.values().next().map(|oldest| oldest.since);
            let Some(since) = since else { return all };
            // One that is too long to be told is for ever.
            match timeout.and_then(|timeout| since.checked_add(timeout)) {
                None => changed.await,
                Some(end) => {
                    if timeout_at(end, changed).await.is_err() {
                        all &= !self.give_up(since);
                    }
                }
            }
        }
    }

    /// Forgets what has been without answer since then. True where there was something.
    fn give_up(&self, since: Instant) -> bool {
        let mut open = self.open.lock();
        let before = open.entries.len();
        open.entries.retain(|_, entry| {
            let keep = entry.since > since;
            if !keep {
                let address = &entry.address;
                tracing::warn!(address, "writes without answer given up: they may still be applied");
                if let Cause::Retired(end) | Cause::Broken(end) = &entry.cause {
                    end.cancel();
                }
            }
            keep
        });
        self.count.store(open.entries.len(), Ordering::Release);
        self.changed.notify_waiters();
        open.entries.len() < before
    }
}

impl Drop for Unanswered {
    fn drop(&mut self) {
        let mut open = self.doubt.open.lock();
        if open.entries.remove(&self.id).is_some() {
            self.doubt.count.store(open.entries.len(), Ordering::Release);
            self.doubt.changed.notify_waiters();
        }
    }
}

impl fmt::Debug for Unanswered {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Unanswered").field("id", &self.id).finish_non_exhaustive()
    }
}
