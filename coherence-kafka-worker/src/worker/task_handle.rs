//! One task, its restarts and its status.

use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use super::TaskStatus;
use super::pool::{Pool, on_thread};
use super::restarts::{Control, Restarts};
use crate::config::RestartConfig;
use crate::control::TaskControl;
use crate::plugin::{Task, TaskFailure, TaskState, Turn};

pub(super) struct TaskHandle {
    state: Arc<dyn TaskState>,
    control: Arc<Control>,
    failure: Arc<Mutex<Option<TaskFailure>>>,
    run: JoinHandle<()>,
}

impl TaskHandle {
    /// Runs `task` on threads of the pool. After a failure it waits for a request, or for the pause after which the task
    /// restarts by itself, and runs the task that `make` returns; the same after a task was stopped to be restarted.
    pub(super) fn spawn(
        pool: &Pool,
        name: String,
        task: Box<dyn Task>,
        make: impl Fn() -> Result<Box<dyn Task>, TaskFailure> + Send + Sync + 'static,
        restart: RestartConfig,
        state: Arc<dyn TaskState>,
        control: Arc<Control>,
    ) -> std::io::Result<Self> {
        let failure = Arc::new(Mutex::new(None));
        let handle = (failure.clone(), control.clone(), state.clone());
        let run = pool.spawn(async move {
            let (mut restarts, make) = (Restarts::new(restart), Arc::new(make));
            let mut task = Ok(task);
            loop {
                let began = Instant::now();
                let ended = match task {
                    Ok(task) => turns(task, &control.task).await,
                    Err(failure) => Err(failure),
                };
                // Without a failure it was asked to stop: to end, or to restart.
                if let Err(error) = ended {
                    *failure.lock() = Some(error.clone());
                    control.task.set_failed();
                    tracing::error!(
                        task = name,
                        %error,
                        "task failed and stopped; no offsets are committed past the failure; correct the cause and \
                         restart the task (REST)"
                    );
                    if !restarts.wait(&error, began.elapsed(), &control).await {
                        return;
                    }
                }
                // Before the request is reset, so that a reader of the state sees the restart and not the failure before it.
                let failed = failure.lock().take();
                if !control.clear() {
                    *failure.lock() = failed;
                    return;
                }
                tracing::info!(task = name, "task restarting");
                state.on_restart();
                let make = make.clone();
                task = on_thread(move || make()).await.unwrap_or_else(|panic| Err(TaskFailure::defect(&panic)));
            }
        })?;
        let (failure, control, state) = handle;
        Ok(Self { state, control, failure, run })
    }

    pub(super) fn end(&self) {
        self.control.end();
    }

    pub(super) fn restart(&self) {
        self.control.restart();
    }

    pub(super) fn pause(&self, pause: bool) {
        self.control.task.pause(pause);
    }

    pub(super) fn has_ended(&self) -> bool {
        self.run.is_finished()
    }

    pub(super) fn state(&self) -> &dyn TaskState {
        &*self.state
    }

    /// Returns the state of the task, which has this number.
    pub(super) fn status(&self, number: u32) -> TaskStatus {
        // Read first: when a restart has begun, its failure is gone.
        let restarting = self.control.is_restarting();
        // Read before the failure: one that is recorded meanwhile is the last one of the task.
        let ended = self.has_ended();
        let unrecorded = || ended.then(|| TaskFailure::defect("the run of the task ended"));
        let failure = self.failure.lock().clone().or_else(unrecorded);
        let (running_ratio, pause_ratio) = self.control.task.ratios();
        let (paused, state) = (self.control.task.is_paused(), self.state.clone());
        TaskStatus { number, failure, restarting, paused, running_ratio, pause_ratio, state }
    }
}

/// Lets a task take its turns until it ends.
async fn turns(mut task: Box<dyn Task>, control: &TaskControl) -> Result<(), TaskFailure> {
    loop {
        match on_thread(move || task.turn()).await {
            Ok(Turn::Rest(next, pause)) => {
                task = next;
                // Its next turn is due after the pause, or when something wakes it.
                let _ = timeout(pause, control.woken()).await;
            }
            Ok(Turn::Ended(outcome)) => return outcome,
            Err(panic) => return Err(TaskFailure::defect(&panic)),
        }
    }
}

/// Waits until the tasks have ended, or `deadline` has passed. Returns how many have not ended.
pub(super) fn join<'t>(tasks: impl IntoIterator<Item = &'t Arc<TaskHandle>>, deadline: Instant) -> usize {
    let mut left = 0;
    for task in tasks {
        while !task.has_ended() && Instant::now() < deadline {
            std::thread::park_timeout(Duration::from_millis(2));
        }
        left += usize::from(!task.has_ended());
    }
    if left > 0 {
        tracing::warn!(tasks = left, "tasks not stopped before the deadline, no longer waiting for them");
    }
    left
}

#[cfg(test)]
mod tests;
