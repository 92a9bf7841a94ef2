//! The threads on which tasks take their turns: as many as turns are being taken, so that a turn may wait for a peer.
//!
//! A runtime whose own thread only waits for times and wake-ups. It is another one than that of the data, which a
//! converter or an embedded map may keep busy.

use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use parking_lot::Mutex;
use tokio::runtime::{Builder, Runtime};
use tokio::sync::oneshot;
use tokio::task::{JoinHandle, spawn_blocking};
use tokio::time::timeout;

use crate::panics::caught;

/// How long a thread without a turn waits for one. Short, because the turns of tasks that only look after their group go
/// round all waiting threads: with a longer time none of them would end.
const KEEP_ALIVE: Duration = Duration::from_millis(20);
/// More threads than any process can have: a turn never waits for another one to end.
const THREADS: usize = 1 << 20;
/// How long a turn waits for a thread that the system refuses, before it is requested again.
const AGAIN: Duration = Duration::from_secs(1);

/// The pool of a worker. Its threads are left behind when it is dropped.
#[derive(Default)]
pub(super) struct Pool(Mutex<Option<Runtime>>);

impl Pool {
    /// Runs `work`, which does not block; [`on_thread`] does what blocks.
    ///
    /// # Errors
    /// The first call starts the pool, which may fail.
    pub(super) fn spawn(
        &self,
        work: impl Future<Output = ()> + Send + 'static,
    ) -> io::Result<JoinHandle<()>> {
        let mut runtime = self.0.lock();
        if runtime.is_none() {
            *runtime = Some(
                Builder::new_multi_thread()
                    .worker_threads(1)
                    .max_blocking_threads(THREADS)
                    .thread_keep_alive(KEEP_ALIVE)
                    .thread_name("tasks")
                    .enable_time()
                    .build()?,
            );
        }
        runtime.as_ref().map(|runtime| runtime.spawn(work)).ok_or(io::ErrorKind::Other.into())
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        if let Some(runtime) = self.0.get_mut().take() {
            runtime.shutdown_background();
        }
    }
}

/// Does `work` on a thread of the pool that the caller runs in. Returns what it panicked with, if it did.
pub(super) async fn on_thread<T: Send + 'static>(
    work: impl FnOnce() -> T + Send + 'static,
) -> Result<T, String> {
    let (report, mut done) = oneshot::channel();
    let begun = Arc::new(AtomicBool::new(false));
    let begins = begun.clone();
    let mut spawned = caught(|| {
        spawn_blocking(move || {
            begins.store(true, Ordering::Relaxed);
            // The receiver is gone once the pool was dropped.
            let _ = report.send(caught(work));
        })
    })
    .map(drop);
    loop {
        match timeout(AGAIN, &mut done).await {
            Ok(outcome) => return outcome.unwrap_or_else(|_| Err("its pool has ended".to_owned())),
            Err(_) if begun.load(Ordering::Relaxed) => {}
            // It is in the queue of the pool, whose threads may all be waiting for a peer: one more is requested.
            Err(_) => {
                let reason = spawned.err();
                tracing::warn!(
                    reason,
                    "no thread for a task, retrying; raise the limit of threads (ulimit -u)"
                );
                spawned = caught(|| spawn_blocking(|| ())).map(drop);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_panic_on_a_thread_is_returned_with_its_message() {
        let (report, outcomes) = std::sync::mpsc::channel();
        let work = async move {
            report.send(on_thread(|| 7).await).unwrap();
            report.send(on_thread(|| panic!("it fails")).await).unwrap();
        };
        let pool = Pool::default();
        drop(pool.spawn(work).unwrap());
        assert_eq!(outcomes.recv().unwrap(), Ok(7));
        let reason = outcomes.recv().unwrap().unwrap_err();
        assert!(reason.contains(file!()) && reason.contains("it fails"), "{reason}");
    }
}
