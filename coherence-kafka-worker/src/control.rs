//! What a worker asks of a running task, and what the task answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// The requests to one task. The worker and the task share it.
#[derive(Debug, Clone, Default)]
pub struct TaskControl(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    stop: AtomicBool,
    pause: AtomicBool,
    paused: AtomicBool,
}

impl TaskControl {
    /// Returns whether the task is to finish the records in hand and end.
    pub fn is_stopping(&self) -> bool {
        self.0.stop.load(Ordering::SeqCst)
    }

    /// Returns whether the task is to finish the records in hand and move no further ones until this is false again. It
    /// stays a member of its group meanwhile.
    pub fn is_pausing(&self) -> bool {
        self.0.pause.load(Ordering::SeqCst)
    }

    /// Returns whether the task is to pause and has no records in hand.
    pub fn is_paused(&self) -> bool {
        self.is_pausing() && self.0.paused.load(Ordering::SeqCst)
    }

    /// Called by the task: whether it has records in hand, or moves them.
    pub fn set_paused(&self, paused: bool) {
        self.0.paused.store(paused, Ordering::SeqCst);
    }

    /// Asks the task to end.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
    }

    /// Asks the task to pause, or to continue.
    pub fn pause(&self, pause: bool) {
        self.0.pause.store(pause, Ordering::SeqCst);
    }

    /// Prepares the next run of the task: it is not stopping, and has not paused yet.
    pub(crate) fn clear(&self) {
        self.0.stop.store(false, Ordering::SeqCst);
        self.set_paused(false);
    }
}
