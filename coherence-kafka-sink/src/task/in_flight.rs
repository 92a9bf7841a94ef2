//! The one write that runs.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::delivery::WriteNumber;
use crate::writer::{BatchWrites, Refused, WriteFailure, Writer};

/// A write on its way, and the channel on which the runtime reports its end to the task's thread.
pub(super) struct InFlight {
    pub(super) number: WriteNumber,
    done: Receiver<Result<Vec<Refused>, WriteFailure>>,
    write: tokio::task::JoinHandle<()>,
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
            // Nobody listens once the write was abandoned.
            let _ = report.send(outcome);
        });
        Self { number, done, write }
    }

    /// Its outcome, if it ends within `wait`.
    pub(super) fn wait(&self, wait: Duration) -> Option<Result<Vec<Refused>, WriteFailure>> {
        match self.done.recv_timeout(wait) {
            Ok(outcome) => Some(outcome),
            Err(RecvTimeoutError::Timeout) => None,
            Err(RecvTimeoutError::Disconnected) => Some(Err(WriteFailure::Broken)),
        }
    }

    /// No further attempt is made, and its session knows of what was sent and may still be applied: whatever writes
    /// next waits for that. So it returns only when the write has really stopped, which is at its next pause.
    pub(super) fn abandon(self, runtime: &tokio::runtime::Handle) {
        self.write.abort();
        // The outcome is nobody's concern any more.
        let _ = runtime.block_on(self.write);
    }
}
