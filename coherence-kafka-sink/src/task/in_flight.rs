//! The one batch that is being written.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::building::Batch;
use crate::writer::{Refused, WriteFailure, Writer};

/// A batch on its way, and the channel on which the runtime reports its end to the task's thread.
pub(super) struct InFlight {
    batch: Arc<Batch>,
    done: Receiver<Result<Vec<Refused>, WriteFailure>>,
    write: tokio::task::JoinHandle<()>,
}

/// What became of it so far.
pub(super) enum Progress {
    Pending(InFlight),
    /// All of it is in the maps, but these records.
    Written(Arc<Batch>, Vec<Refused>),
    Failed(WriteFailure),
}

impl InFlight {
    pub(super) fn start(batch: Batch, writer: &Arc<Writer>, runtime: &tokio::runtime::Handle) -> Self {
        let batch = Arc::new(batch);
        let (report, done) = sync_channel(1);
        let (writer, writes) = (writer.clone(), batch.clone());
        let write = runtime.spawn(async move {
            let outcome = writer.write(&writes.writes).await;
            // Nobody listens once the batch was abandoned.
            let _ = report.send(outcome);
        });
        Self { batch, done, write }
    }

    pub(super) fn wait(self, wait: Duration) -> Progress {
        match self.done.recv_timeout(wait) {
            Ok(Ok(refused)) => Progress::Written(self.batch, refused),
            Ok(Err(failure)) => Progress::Failed(failure),
            Err(RecvTimeoutError::Timeout) => Progress::Pending(self),
            Err(RecvTimeoutError::Disconnected) => Progress::Failed(WriteFailure::Broken),
        }
    }

    /// No further attempt is made. What was sent may still be applied.
    pub(super) fn abandon(self) {
        self.write.abort();
    }
}
