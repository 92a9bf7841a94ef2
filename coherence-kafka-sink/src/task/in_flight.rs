//! The one write that runs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use super::delivery::WriteNumber;
use crate::writer::{BatchWrites, RejectedRecord, WriteFailure, Writer};

/// A write on its way, and the channel on which the runtime reports its end to the task's thread.
///
/// Where it is dropped before its end, no further attempt is made, and its session knows of what was sent and may still
/// be applied: whatever writes next waits for that. So the drop returns only when the write has really stopped, which is
/// at its next pause.
pub(super) struct InFlight {
    pub(super) number: WriteNumber,
    pub(super) began: Instant,
    done: Receiver<Result<Vec<RejectedRecord>, WriteFailure>>,
    write: tokio::task::JoinHandle<()>,
    runtime: tokio::runtime::Handle,
}

impl InFlight {
    pub(super) fn start(
        number: WriteNumber,
        writes: Arc<BatchWrites>,
        writer: &Arc<Writer>,
        runtime: &tokio::runtime::Handle,
    ) -> Self {
        let (report, done) = sync_channel(1);
        let writer = writer.clone();
        let write = runtime.spawn(async move {
            let outcome = writer.write(&writes).await;
            // The receiver is gone once the write was abandoned.
            let _ = report.send(outcome);
        });
        Self { number, began: Instant::now(), done, write, runtime: runtime.clone() }
    }

    /// Its outcome, if it ends within `wait`.
    pub(super) fn wait(&self, wait: Duration) -> Option<Result<Vec<RejectedRecord>, WriteFailure>> {
        match self.done.recv_timeout(wait) {
            Ok(outcome) => Some(outcome),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(WriteFailure::Broken)),
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.write.abort();
        // The outcome is no longer needed.
        let _ = self.runtime.block_on(&mut self.write);
    }
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicBool, Ordering};

    use coherence_kafka_common::map::{Entries, Expiry, Format, MapError, NamedMap, Session};
    use futures::FutureExt as _;
    use futures::future::BoxFuture;

    use super::*;
    use crate::plan::{MapWrite, RecordId, WriteKind};
    use coherence_kafka_worker::RetryPolicy;

    /// A grid that never answers.
    #[derive(Debug, Clone, Default)]
    struct Silent {
        asked: Arc<AtomicBool>,
        left: Arc<AtomicBool>,
    }

    struct Asking(Arc<AtomicBool>);

    impl Drop for Asking {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }

    impl Session for Silent {
        fn format(&self) -> Format {
            Format::Pof
        }

        fn check_map_name(&self, _name: &str) -> Result<(), MapError> {
            Ok(())
        }

        fn map<'a>(&'a self, _name: &'a str) -> BoxFuture<'a, Result<Arc<dyn NamedMap>, MapError>> {
            async {
                let _asking = Asking(self.left.clone());
                self.asked.store(true, Ordering::Release);
                std::future::pending().await
            }
            .boxed()
        }
    }

    #[test]
    fn an_abandoned_write_has_stopped_when_its_task_goes_on() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let (grid, none) = (Silent::default(), Duration::ZERO);
        let backoff = RetryPolicy { min: none, max: none, timeout: None };
        let writer = Writer::new(Arc::new(grid.clone()), backoff, Arc::default(), "t".to_owned());
        let entries = Arc::new(Entries::from_pairs([(b"k", b"v")]));
        let sources = Arc::from([RecordId { partition: 0, offset: 0 }]);
        let batch =
            vec![("m".into(), vec![MapWrite { kind: WriteKind::Put(Expiry::Default), entries, sources }])];
        let write = InFlight::start(1, Arc::new(batch), &Arc::new(writer), runtime.handle());
        let until = |flag: &AtomicBool| {
            while !flag.load(Ordering::Acquire) {
                std::thread::yield_now();
            }
        };
        until(&grid.asked);
        // The only thread of the runtime is busy for a while.
        let busy = Arc::new(AtomicBool::new(false));
        let begun = busy.clone();
        runtime.spawn(async move {
            begun.store(true, Ordering::Release);
            std::thread::sleep(Duration::from_millis(200));
        });
        until(&busy);
        drop(write);
        assert!(grid.left.load(Ordering::Acquire), "it could still send something");
    }
}
