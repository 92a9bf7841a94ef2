//! Time that passes only where everything waits for it.

use std::collections::BTreeMap;
use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker};
use std::time::{Duration, Instant};

use parking_lot::Mutex;

/// Polls of a future that does not wait for time, one behind the other, before it is said to hang.
const SPINS: usize = 100_000;

/// A simulated time; clones are the same one.
#[derive(Debug, Clone)]
pub(crate) struct Time(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    now: Instant,
    next: u64,
    sleepers: BTreeMap<(Instant, u64), Waker>,
}

impl Default for Time {
    fn default() -> Self {
        Self(Arc::new(Mutex::new(State { now: Instant::now(), next: 0, sleepers: BTreeMap::new() })))
    }
}

impl Time {
    pub(crate) fn now(&self) -> Instant {
        self.0.lock().now
    }

    pub(crate) async fn sleep(&self, pause: Duration) {
        let key = {
            let state = &mut *self.0.lock();
            state.next += 1;
            (state.now + pause, state.next)
        };
        poll_fn(|cx| {
            let state = &mut *self.0.lock();
            if state.now >= key.0 {
                return Poll::Ready(());
            }
            state.sleepers.insert(key, cx.waker().clone());
            Poll::Pending
        })
        .await;
    }

    /// Polls `future` to its end; while it waits, the time goes on to what it waits for.
    pub(crate) fn run<T>(&self, future: impl Future<Output = T>) -> T {
        let mut future = pin!(future);
        let mut spins = 0;
        loop {
            if let Poll::Ready(output) = future.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
                return output;
            }
            let woken = {
                let state = &mut *self.0.lock();
                state.sleepers.pop_first().map(|((at, _), waker)| {
                    state.now = state.now.max(at);
                    waker
                })
            };
            spins = if woken.is_some() { 0 } else { spins + 1 };
            assert!(spins < SPINS, "it waits for something that does not come");
            woken.into_iter().for_each(Waker::wake);
        }
    }
}
