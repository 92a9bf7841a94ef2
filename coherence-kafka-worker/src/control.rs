//! What a worker asks of a running task, and what the task answers.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// The requests to one task. The worker and the task share it.
#[derive(Debug, Clone, Default)]
pub struct TaskControl(Arc<Requests>);

#[derive(Debug, Default)]
struct Requests {
    stop: AtomicBool,
    pause: AtomicBool,
    paused: AtomicBool,
    wake: Notify,
    times: Mutex<Times>,
}

/// How long a task has been in its states since it was made.
#[derive(Debug)]
struct Times {
    began: Instant,
    activity: Activity,
    since: Instant,
    running: Duration,
    paused: Duration,
}

#[derive(Debug, Clone, Copy)]
enum Activity {
    Running,
    Paused,
    Failed,
}

impl Default for Times {
    fn default() -> Self {
        let (now, none) = (Instant::now(), Duration::ZERO);
        Self { began: now, activity: Activity::Running, since: now, running: none, paused: none }
    }
}

impl Times {
    fn change(&mut self, activity: Activity, now: Instant) {
        let passed = now.saturating_duration_since(self.since);
        match self.activity {
            Activity::Running => self.running += passed,
            Activity::Paused => self.paused += passed,
            Activity::Failed => {}
        }
        (self.activity, self.since) = (activity, now);
    }

    /// Returns the fractions of the time that it was running, and paused.
    fn ratios(&mut self, now: Instant) -> (f64, f64) {
        self.change(self.activity, now);
        let all = now.saturating_duration_since(self.began).as_secs_f64();
        let ratio = |part: Duration| if all > 0.0 { part.as_secs_f64() / all } else { 0.0 };
        (ratio(self.running), ratio(self.paused))
    }
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

    /// Called by the task, as often as it likes: whether it pauses, without records in hand. Returns whether that has
    /// changed.
    pub fn set_paused(&self, paused: bool) -> bool {
        let changed = self.0.paused.swap(paused, Ordering::SeqCst) != paused;
        if changed {
            self.note(if paused { Activity::Paused } else { Activity::Running });
        }
        changed
    }

    /// Notes that the task does nothing because it failed, until [`TaskControl::clear`].
    pub(crate) fn set_failed(&self) {
        self.note(Activity::Failed);
    }

    fn note(&self, activity: Activity) {
        self.0.times.lock().change(activity, Instant::now());
    }

    /// Returns the fractions of the time since the task was made that it was running, and paused.
    pub(crate) fn ratios(&self) -> (f64, f64) {
        self.0.times.lock().ratios(Instant::now())
    }

    /// Asks the task to end.
    pub fn stop(&self) {
        self.0.stop.store(true, Ordering::SeqCst);
        self.wake();
    }

    /// Asks the task to pause, or to continue.
    pub fn pause(&self, pause: bool) {
        self.0.pause.store(pause, Ordering::SeqCst);
        self.wake();
    }

    /// Ends the rest of the task, or the next one where it does not rest. Only notes that, so that any thread may call it
    /// under any lock.
    pub fn wake(&self) {
        self.0.wake.notify_one();
    }

    /// Waits for [`TaskControl::wake`]. A call of it before the wait ends the wait.
    pub async fn woken(&self) {
        self.0.wake.notified().await;
    }

    /// Prepares the next run of the task: it is not stopping, and has not paused yet.
    pub(crate) fn clear(&self) {
        self.0.stop.store(false, Ordering::SeqCst);
        self.0.paused.store(false, Ordering::SeqCst);
        self.note(Activity::Running);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_ratios_are_the_fractions_of_the_time_since_the_start() {
        let mut times = Times::default();
        let at = |seconds| times.began + Duration::from_secs(seconds);
        let (paused, resumed, failed, end) = (at(5), at(6), at(8), at(10));
        times.change(Activity::Paused, paused);
        assert_eq!(times.ratios(resumed), (5.0 / 6.0, 1.0 / 6.0));
        times.change(Activity::Running, resumed);
        times.change(Activity::Failed, failed);
        assert_eq!(times.ratios(end), (0.7, 0.1));
        let mut fresh = Times::default();
        assert_eq!(fresh.ratios(fresh.began), (0.0, 0.0));
    }
}
