//! Decides when a failed task restarts: on request, or by itself for a number of times in a row.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use coherence_kafka_rdkafka::record::TopicPartition;
use tokio::time::{Instant, timeout_at};

use crate::config::RestartConfig;
use crate::control::TaskControl;
use crate::plugin::TaskFailure;
use crate::retry::Pauses;

/// The requests of others to a task.
#[derive(Default)]
pub(super) struct Control {
    /// Those to the task itself.
    pub task: TaskControl,
    /// Do not restart.
    pub end: AtomicBool,
    /// Restart, also after a failure.
    pub restart: AtomicBool,
}

impl Control {
    pub(super) fn end(&self) {
        self.end.store(true, Ordering::SeqCst);
        self.task.stop();
    }

    pub(super) fn restart(&self) {
        self.restart.store(true, Ordering::SeqCst);
        self.task.stop();
    }

    /// Returns whether a restart is requested that has not begun.
    pub(super) fn is_restarting(&self) -> bool {
        self.restart.load(Ordering::SeqCst)
    }

    /// Resets the requests, so that the task runs again. Returns false where it is to end; a later request to end stops
    /// the new run.
    pub(super) fn clear(&self) -> bool {
        self.task.clear();
        self.restart.store(false, Ordering::SeqCst);
        !self.end.load(Ordering::SeqCst)
    }
}

/// The restarts of one task.
pub(super) struct Restarts {
    config: RestartConfig,
    pauses: Pauses,
    /// Those after failures that name no record, since the task last ran for long.
    used: u32,
    /// The record at fault in each partition, and the restarts that have met it.
    records: BTreeMap<TopicPartition, (i64, u32)>,
}

impl Restarts {
    pub(super) fn new(config: RestartConfig) -> Self {
        Self { config, pauses: Pauses::new(config.backoff), used: 0, records: BTreeMap::new() }
    }

    /// Waits until the task, which ran for `ran` and failed, is to restart. Returns false when it is to end.
    pub(super) async fn wait(&mut self, failure: &TaskFailure, ran: Duration, control: &Control) -> bool {
        let by_itself = self.next(failure, ran).map(|pause| Instant::now() + pause);
        loop {
            if control.end.load(Ordering::SeqCst) {
                return false;
            }
            if control.is_restarting() {
                *self = Self::new(self.config);
                return true;
            }
            // Every request wakes the task.
            match by_itself {
                Some(at) if timeout_at(at, control.task.woken()).await.is_err() => return true,
                Some(_) => {}
                None => control.task.woken().await,
            }
        }
    }

    /// Returns the pause before the task restarts by itself; `None` where it does not.
    ///
    /// A task that reads for minutes before it reaches a bad record has not got past it. So these restarts are counted
    /// by the record; only after failures that name no record the count starts again after a while.
    fn next(&mut self, failure: &TaskFailure, ran: Duration) -> Option<Duration> {
        let used = match &failure.record {
            Some((partition, offset)) => {
                let (at, used) = self.records.entry(partition.clone()).or_insert((*offset, 0));
                if at != offset {
                    (*at, *used) = (*offset, 0);
                    self.pauses = Pauses::new(self.config.backoff);
                }
                used
            }
            None => {
                if ran > self.config.backoff.max {
                    self.used = 0;
                    self.pauses = Pauses::new(self.config.backoff);
                }
                &mut self.used
            }
        };
        if self.config.attempts.is_some_and(|attempts| *used >= attempts) {
            return None;
        }
        *used = used.saturating_add(1);
        Some(self.pauses.next_pause())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::retry::RetryPolicy;

    fn restarts(attempts: u32) -> Restarts {
        let second = Duration::from_secs(1);
        let backoff = RetryPolicy { min: second, max: second, timeout: None };
        Restarts::new(RestartConfig { attempts: Some(attempts), backoff })
    }

    fn record(partition: i32, offset: i64) -> TaskFailure {
        let partition = TopicPartition { topic: "t".to_owned(), partition };
        TaskFailure { record: Some((partition, offset)), reason: "bad".to_owned() }
    }

    const LONG: Duration = Duration::from_secs(3600);

    #[test]
    fn the_attempts_begin_anew_only_when_the_task_got_past_the_record_at_fault() {
        let mut restarts = restarts(2);
        for _ in 0..2 {
            assert!(restarts.next(&record(0, 7), LONG).is_some());
        }
        assert_eq!(restarts.next(&record(0, 7), LONG), None, "however long it ran before");
        assert!(restarts.next(&record(1, 3), LONG).is_some(), "another record");
        assert_eq!(restarts.next(&record(0, 7), LONG), None, "which says nothing of the first one");
        assert!(restarts.next(&record(0, 8), Duration::ZERO).is_some());
    }

    #[test]
    fn after_failures_without_a_record_they_begin_anew_when_the_task_ran_for_a_while() {
        let mut restarts = restarts(1);
        let failure = TaskFailure::new("no");
        assert!(restarts.next(&failure, Duration::ZERO).is_some());
        assert_eq!(restarts.next(&failure, Duration::ZERO), None);
        assert!(restarts.next(&failure, LONG).is_some());
    }
}
