//! What waits for one listener.

use std::collections::VecDeque;
use std::task::{Context, Poll, Waker};

use coherence_kafka_common::map::MapNotice;
use parking_lot::Mutex;

/// What a notice takes beside its bytes.
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
    /// False while the grid has no registration for the listener. A gap is held back until then: who hears of it reads
    /// the map again, and must not miss what changes behind that.
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
        // One notice always has room, however large: otherwise it would be a gap for ever.
        if state.bytes + len > self.max_bytes && !state.notices.is_empty() && !last {
            state.gap(|| format!("more than {} bytes of events waited to be taken", self.max_bytes));
        } else {
            state.bytes += len;
            state.notices.push_back(notice);
        }
        state.wake();
    }

    /// The registration is gone. What came behind the last gap since then is not part of anything whole.
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

    /// There is a registration.
    pub(super) fn listens(&self) {
        let mut state = self.state.lock();
        state.listening = true;
        state.wake();
    }

    /// Nothing follows.
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
    /// A gap, unless it would only widen the last one.
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
