//! The one batch that is being written.

use std::sync::Arc;
use std::sync::mpsc::{Receiver, RecvTimeoutError, sync_channel};
use std::time::Duration;

use super::building::Batch;
use crate::writer::{WriteFailure, Writer};

/// A batch on its way, and the channel on which the runtime reports its end to the task's thread.
pub(super) struct InFlight {
    batch: Arc<Batch>,
    done: Receiver<Result<(), WriteFailure>>,
    write: tokio::task::JoinHandle<()>,
}

/// What became of it so far.
pub(super) enum Progress {
    Pending(InFlight),
    Confirmed(Arc<Batch>),
    Refused(WriteFailure),
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
            Ok(Ok(())) => Progress::Confirmed(self.batch),
            Ok(Err(failure)) => Progress::Refused(failure),
            Err(RecvTimeoutError::Timeout) => Progress::Pending(self),
            Err(RecvTimeoutError::Disconnected) => Progress::Refused(WriteFailure {
                map: "".into(),
                source_record: None,
                error: coherence_kafka_common::map::MapError::Unavailable(
                    "the write ended without an answer".to_owned(),
                ),
            }),
        }
    }

    /// No further attempt is made. What was sent may still be applied.
    pub(super) fn abandon(self) {
        self.write.abort();
    }
}
