//! The handling of a map that the grid refuses, or of a topic that Kafka refuses.
//!
//! Once anything works, a refusal concerns its own map only: it is retried with growing pauses, and the others
//! continue. Where nothing has ever worked, and every map is refused, the source ends: it is not set up yet. So does a
//! run that ends by itself.

use std::collections::BTreeSet;

use parking_lot::Mutex;

/// Shared by all maps of a source, for its whole life.
#[derive(Debug)]
pub(crate) struct Refusals {
    maps: usize,
    once: bool,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Some map was listened to and its topic read, since the process began.
    worked: bool,
    /// The maps that were refused before.
    refused: BTreeSet<String>,
}

impl Refusals {
    /// Creates it for a source of `maps` maps, which runs `once` or without end.
    pub(crate) fn new(maps: usize, once: bool) -> Self {
        Self { maps, once, state: Mutex::default() }
    }

    /// Notes that a map is listened to, and its topic was read.
    pub(crate) fn on_working(&self) {
        let mut state = self.state.lock();
        state.worked = true;
        state.refused.clear();
    }

    /// Handles the refusal of a map, or of its topic. Returns true where that ends its task instead of a retry.
    pub(crate) fn on_refused(&self, map: &str) -> bool {
        let mut state = self.state.lock();
        if !state.worked {
            state.refused.insert(map.to_owned());
        }
        self.once || (!state.worked && state.refused.len() >= self.maps)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_refused_map_of_two_waits_and_two_end_the_source() {
        let refusals = Refusals::new(2, false);
        assert!(!refusals.on_refused("a"));
        assert!(!refusals.on_refused("a"), "the other one may work");
        assert!(refusals.on_refused("b"));
    }

    #[test]
    fn once_something_has_worked_no_refusal_ends_anything() {
        let refusals = Refusals::new(2, false);
        refusals.on_refused("a");
        refusals.on_working();
        assert!(!refusals.on_refused("a") && !refusals.on_refused("b"));
    }

    #[test]
    fn a_run_that_ends_by_itself_ends_for_every_refusal() {
        let refusals = Refusals::new(2, true);
        refusals.on_working();
        assert!(refusals.on_refused("a"));
    }
}
