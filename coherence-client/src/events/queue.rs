//! The queue of one listener.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use coherence_kafka_common::map::MapNotice;
use parking_lot::Mutex;

/// Memory of a notice in addition to its bytes.
const NOTICE_BYTES: usize = size_of::<MapNotice>();

/// Notices in order, bounded in bytes: what does not fit is dropped, and one [`MapNotice::Gap`] stands in its place.
#[derive(Debug)]
pub(crate) struct Queue {
    max_bytes: usize,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    notices: VecDeque<MapNotice>,
    bytes: usize,
    /// False while the grid has no registration for the listener. A gap is held back until then: its listener reads the
    /// map again, and must not miss later changes.
    listening: bool,
    ended: bool,
    waker: Option<Waker>,
}

impl Queue {
    pub(super) fn new(max_bytes: usize) -> Self {
        let state = State { notices: VecDeque::new(), bytes: 0, listening: false, ended: false, waker: None };
        Self { max_bytes, state: Mutex::new(state) }
    }

    pub(super) fn push(&self, notice: MapNotice) {
        let mut state = self.state.lock();
        if state.ended {
            return;
        }
        let len = len(&notice);
        let last = matches!(notice, MapNotice::Destroyed);
        // One notice always has room, however large: otherwise it would always become a gap.
        if state.bytes + len > self.max_bytes && !state.notices.is_empty() && !last {
            state.gap(|| {
                format!("events dropped: more than {} bytes were waiting for the listener", self.max_bytes)
            });
        } else {
            state.bytes += len;
            state.notices.push_back(notice);
        }
        state.wake();
    }

    /// Notes that the registration is gone. Events since the last gap are not part of a complete series.
    pub(super) fn lose(&self, reason: &str) {
        let mut state = self.state.lock();
        if state.listening {
            state.listening = false;
            state.gap(|| reason.to_owned());
        } else {
            while let Some(notice) = state.notices.pop_back_if(|notice| !matches!(notice, MapNotice::Gap(_)))
            {
                state.bytes -= len(&notice);
            }
        }
        state.wake();
    }

    /// Puts a notice before all that came since the last gap.
    pub(super) fn begin_with(&self, notice: MapNotice) {
        let mut state = self.state.lock();
        let at = state
            .notices
            .iter()
            .rposition(|notice| matches!(notice, MapNotice::Gap(_)))
            .map_or(0, |at| at + 1);
        state.bytes += len(&notice);
        state.notices.insert(at, notice);
        state.wake();
    }

    /// Marks the listener as registered.
    pub(super) fn listens(&self) {
        let mut state = self.state.lock();
        state.listening = true;
        state.wake();
    }

    /// Ends the queue: nothing follows.
    pub(super) fn end(&self) {
        let mut state = self.state.lock();
        state.ended = true;
        state.wake();
    }

    pub(crate) fn poll_next(&self, context: &mut Context<'_>) -> Poll<Option<MapNotice>> {
        let mut state = self.state.lock();
        let held =
            !state.listening && !state.ended && matches!(state.notices.front(), Some(MapNotice::Gap(_)));
        if !held && let Some(notice) = state.notices.pop_front() {
            state.bytes -= len(&notice);
            return Poll::Ready(Some(notice));
        }
        if state.ended {
            return Poll::Ready(None);
        }
        state.waker = Some(context.waker().clone());
        Poll::Pending
    }
}

impl State {
    /// Adds a gap, unless it would only widen the last one.
    fn gap(&mut self, reason: impl FnOnce() -> String) {
        if !matches!(self.notices.back(), Some(MapNotice::Gap(_))) {
            let gap = MapNotice::Gap(reason());
            self.bytes += len(&gap);
            self.notices.push_back(gap);
        }
    }

    fn wake(&mut self) {
        if let Some(waker) = self.waker.take() {
            waker.wake();
        }
    }
}

fn len(notice: &MapNotice) -> usize {
    NOTICE_BYTES
        + match notice {
            MapNotice::Event(event) => {
                let value = |value: &Option<bytes::Bytes>| value.as_ref().map_or(0, bytes::Bytes::len);
                event.key.len() + value(&event.old_value) + value(&event.new_value)
            }
            MapNotice::Gap(reason) => reason.len(),
            MapNotice::Truncated | MapNotice::Destroyed => 0,
        }
}

#[cfg(test)]
mod tests {
    use bytes::Bytes;
    use coherence_kafka_common::map::{EventKind, MapEvent};
    use futures::FutureExt as _;
    use futures::future::poll_fn;
    use proptest::prelude::*;

    use super::*;

    #[derive(Debug, Clone)]
    enum Act {
        Push(usize),
        Lose,
        Listens,
        Take,
    }

    fn acts() -> impl Strategy<Value = Vec<Act>> {
        let act = prop_oneof![
            4 => (0usize..400).prop_map(Act::Push),
            1 => Just(Act::Lose),
            1 => Just(Act::Listens),
            3 => Just(Act::Take),
        ];
        prop::collection::vec(act, 0..200)
    }

    fn event(number: u64, len: usize) -> MapNotice {
        MapNotice::Event(MapEvent {
            kind: EventKind::Inserted,
            key: Bytes::copy_from_slice(&number.to_be_bytes()),
            old_value: None,
            new_value: Some(vec![0; len].into()),
            synthetic: false,
            expired: false,
            priming: false,
        })
    }

    fn number(notice: &MapNotice) -> Option<u64> {
        match notice {
            MapNotice::Event(event) => Some(u64::from_be_bytes(event.key[..].try_into().unwrap())),
            _ => None,
        }
    }

    proptest! {
        #[test]
        fn nothing_is_missing_without_a_gap_and_the_bytes_are_bounded(acts in acts()) {
            const MAX: usize = 1_000;
            let queue = Queue::new(MAX);
            queue.listens();
            let (mut pushed, mut expected, mut after_gap) = (0, 0, false);
            let mut listening = true;
            for act in acts.into_iter().chain([Act::Listens]).chain(std::iter::repeat_n(Act::Take, 300)) {
                match act {
                    Act::Push(len) => {
                        queue.push(event(pushed, len));
                        pushed += 1;
                    }
                    Act::Lose => {
                        queue.lose("away");
                        listening = false;
                    }
                    Act::Listens => {
                        queue.listens();
                        listening = true;
                    }
                    Act::Take => match poll_fn(|context| queue.poll_next(context)).now_or_never() {
                        Some(Some(MapNotice::Gap(_))) => {
                            prop_assert!(listening, "notified before a listener listens again");
                            after_gap = true;
                        }
                        Some(Some(notice)) => {
                            let number = number(&notice).unwrap();
                            prop_assert!(number == expected || after_gap && number > expected);
                            (expected, after_gap) = (number + 1, false);
                        }
                        Some(None) => prop_assert!(false, "it never ends"),
                        None => {}
                    },
                }
                let state = queue.state.lock();
                let sum: usize = state.notices.iter().map(len).sum();
                prop_assert_eq!(state.bytes, sum);
                let gaps = state.notices.iter().filter(|notice| number(notice).is_none()).count();
                prop_assert!(state.bytes <= MAX + gaps * 200 + 400 + NOTICE_BYTES);
            }
            prop_assert!(after_gap || expected == pushed, "the last events are missing without a gap");
            prop_assert!(queue.state.lock().notices.is_empty());
        }
    }
}
