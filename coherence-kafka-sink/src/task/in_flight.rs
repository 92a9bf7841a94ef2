//! The one write that runs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::{Duration, Instant};

use coherence_kafka_worker::TaskControl;

use super::delivery::WriteNumber;
use crate::writer::{BatchWrites, RejectedRecord, WriteFailure, Writer};

/// A write on its way, and the channel on which the runtime reports its end to the task, which is woken then.
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
        control: &TaskControl,
    ) -> Self {
        let (report, done) = sync_channel(1);
        let (writer, control) = (writer.clone(), control.clone());
        let write = runtime.spawn(async move {
            let outcome = writer.write(&writes).await;
            // The receiver is gone once the write was abandoned.
            let _ = report.send(outcome);
            control.wake();
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

    use coherence_kafka_common::local::LocalSession;
    use coherence_kafka_common::map::{Entries, Expiry, Format};
    use coherence_kafka_common::testing::FaultySession;

    use super::*;
    use crate::plan::{MapWrite, RecordId, WriteKind};
    use coherence_kafka_worker::RetryPolicy;

    struct Asking(Arc<AtomicBool>);

    impl Drop for Asking {
        fn drop(&mut self) {
            self.0.store(true, Ordering::Release);
        }
    }

    /// A grid that never answers, and what shows that its caller has left.
    fn silent() -> (Arc<FaultySession>, Arc<AtomicBool>) {
        let left = Arc::<AtomicBool>::default();
        let flag = left.clone();
        let script = move |_| {
            let asking = Asking(flag.clone());
            async move {
                let _asking = asking;
                std::future::pending().await
            }
        };
        (Arc::new(FaultySession::new(Arc::new(LocalSession::new(Format::Pof)), script)), left)
    }

    #[test]
    fn an_abandoned_write_has_stopped_when_its_task_goes_on() {
        let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(1).build().unwrap();
        let ((grid, left), none) = (silent(), Duration::ZERO);
        let backoff = RetryPolicy { min: none, max: none, timeout: None };
        let writer = Writer::new(grid.clone(), backoff, Arc::default(), "t".to_owned());
        let entries = Arc::new(Entries::from_pairs([(b"k", b"v")]));
        let sources = Arc::from([RecordId { partition: 0, offset: 0 }]);
        let batch =
            vec![("m".into(), vec![MapWrite { kind: WriteKind::Put(Expiry::Default), entries, sources }])];
        let control = TaskControl::default();
        let write = InFlight::start(1, Arc::new(batch), &Arc::new(writer), runtime.handle(), &control);
        let until = |condition: &dyn Fn() -> bool| {
            while !condition() {
                std::thread::yield_now();
            }
        };
        until(&|| !grid.requests().is_empty());
        // The only thread of the runtime is busy for a while.
        let busy = Arc::new(AtomicBool::new(false));
        let begun = busy.clone();
        runtime.spawn(async move {
            begun.store(true, Ordering::Release);
            std::thread::sleep(Duration::from_millis(200));
        });
        until(&|| busy.load(Ordering::Acquire));
        drop(write);
        assert!(left.load(Ordering::Acquire), "it could still send something");
    }
}
