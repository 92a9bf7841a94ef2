use std::cell::RefCell;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, channel};

use super::*;
use crate::retry::RetryPolicy;
use crate::testing::{FakeTask, Ran, eventually};

const HOUR: Duration = Duration::from_secs(3600);

fn never() -> RestartConfig {
    let second = Duration::from_secs(1);
    RestartConfig { attempts: Some(0), backoff: RetryPolicy { min: second, max: second, timeout: None } }
}

fn run(pool: &Pool, task: impl FnOnce(TaskControl) -> Box<dyn Task>) -> TaskHandle {
    let control = Arc::new(Control::default());
    let task = task(control.task.clone());
    let make = || unreachable!("it ends");
    TaskHandle::spawn(pool, "c-0".to_owned(), task, make, never(), Arc::<Ran>::default(), control).unwrap()
}

/// The threads on which turns were taken, as long as they live, and the number of turns.
#[derive(Default)]
struct Seen {
    threads: AtomicUsize,
    turns: AtomicUsize,
}

impl Seen {
    fn turn(self: &Arc<Self>) {
        struct Thread(Arc<Seen>);
        impl Drop for Thread {
            fn drop(&mut self) {
                self.0.threads.fetch_sub(1, Ordering::SeqCst);
            }
        }
        thread_local! { static SEEN: RefCell<Option<Thread>> = const { RefCell::new(None) } }
        SEEN.with_borrow_mut(|seen| {
            seen.get_or_insert_with(|| {
                self.threads.fetch_add(1, Ordering::SeqCst);
                Thread(self.clone())
            });
        });
        self.turns.fetch_add(1, Ordering::SeqCst);
    }

    fn turns(&self) -> usize {
        self.turns.load(Ordering::SeqCst)
    }
}

/// Rests until it is stopped.
struct Resting(TaskControl, Arc<Seen>);

impl Task for Resting {
    fn turn(self: Box<Self>) -> Turn {
        self.1.turn();
        if self.0.is_stopping() { Turn::Ended(Ok(())) } else { Turn::Rest(self, HOUR) }
    }
}

/// Waits in its turn until something is sent.
struct Waiting(Receiver<()>);

impl Task for Waiting {
    fn turn(self: Box<Self>) -> Turn {
        let _ = self.0.recv();
        Turn::Ended(Ok(()))
    }
}

#[test]
fn tasks_that_rest_have_no_thread_and_take_a_turn_when_they_are_woken() {
    const TASKS: usize = 50;
    let (pool, seen) = (Pool::default(), Arc::<Seen>::default());
    let handles: Vec<_> =
        (0..TASKS).map(|_| run(&pool, |control| Box::new(Resting(control, seen.clone())))).collect();
    eventually("each takes its first turn", || seen.turns() == TASKS);
    eventually("the threads end", || seen.threads.load(Ordering::SeqCst) == 0);
    handles[0].pause(true);
    eventually("the one that is woken takes a turn", || seen.turns() == TASKS + 1);
    handles.iter().for_each(TaskHandle::end);
    eventually("all end", || handles.iter().all(TaskHandle::has_ended));
    assert_eq!(seen.turns(), 2 * TASKS + 1);
}

#[test]
fn turns_that_wait_keep_no_other_task_from_its_turns() {
    const WAITING: usize = 50;
    let (pool, seen) = (Pool::default(), Arc::<Seen>::default());
    let waiting: Vec<_> = (0..WAITING)
        .map(|_| {
            let (end, ends) = channel();
            (run(&pool, |_| Box::new(Waiting(ends))), end)
        })
        .collect();
    let resting = run(&pool, |control| Box::new(Resting(control, seen.clone())));
    eventually("it takes its first turn", || seen.turns() == 1);
    resting.end();
    eventually("it ends", || resting.has_ended());
    assert!(waiting.iter().all(|(task, _)| !task.has_ended()));
    drop(waiting);
}

#[test]
fn a_task_that_cannot_go_on_is_failed_and_goes_on_when_it_is_asked_to() {
    let control = Arc::new(Control::default());
    let state = Arc::new(Ran::default());
    let make = {
        let (state, control) = (state.clone(), control.task.clone());
        move || Ok(Box::new(FakeTask { state: state.clone(), control: control.clone() }) as Box<dyn Task>)
    };
    let first = make().unwrap();
    let panics = AtomicBool::new(true);
    let make = move || {
        assert!(!panics.swap(false, Ordering::SeqCst), "it cannot be made");
        make()
    };
    let pool = Pool::default();
    let handle =
        TaskHandle::spawn(&pool, "c-0".to_owned(), first, make, never(), state.clone(), control.clone())
            .unwrap();
    let failure = || handle.status(0).failure.map(|failure| failure.to_string());
    assert_eq!(failure(), None);

    control.restart();
    eventually("it fails", || failure().is_some());
    let reason = failure().unwrap();
    assert!(reason.contains(file!()) && reason.contains("it cannot be made"), "{reason}");

    let runs = state.runs();
    control.restart();
    eventually("it runs", || failure().is_none() && state.runs() > runs);

    control.end();
    eventually("its run ends", || handle.has_ended());
    assert!(failure().is_some(), "it has ended");
}
