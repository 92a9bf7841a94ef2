use std::sync::atomic::{AtomicBool, Ordering};

use super::*;
use crate::retry::RetryPolicy;
use crate::testing::{FakeTask, Ran, eventually};

#[test]
fn a_thread_that_cannot_go_on_is_failed_and_goes_on_when_it_is_asked_to() {
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
    let second = Duration::from_secs(1);
    let never =
        RestartConfig { attempts: Some(0), backoff: RetryPolicy { min: second, max: second, timeout: None } };
    let handle =
        TaskHandle::spawn("c-0".to_owned(), first, make, never, state.clone(), control.clone()).unwrap();
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
    eventually("its thread ends", || handle.thread.is_finished());
    assert!(failure().is_some(), "no thread runs any more");
}
