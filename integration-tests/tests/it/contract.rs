//! What [`NamedMap`] and [`Session`] promise, sentence by sentence, of every implementation: the embedded map, and
//! a grid over gRPC in each format, one of two members, one that converts between the format of the session and
//! its own, and one over the old protocol v0. A sentence that does not hold there in full states the difference.
//!
//! A sentence is an async function over a [`World`]. The table at the end makes a test of each for each world; one
//! that is missing there is dead code to the compiler.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::local::LocalSession;
use coherence_kafka_common::map::{Entries, Expiry, Format, NamedMap, Session};
use futures::TryStreamExt;
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::sandbox::unique;
use integration_tests::wait::eventually;
use integration_tests::{require_peers, shared};

mod expiry;
mod listening;
mod names;
mod reads;
mod writes;

/// Longest time for anything that is awaited.
const DEADLINE: Duration = Duration::from_secs(60);

/// One implementation under test.
struct World {
    session: Arc<dyn Session>,
    /// False for a grid over protocol v0, of which some promises do not hold.
    has_v1: bool,
}

impl World {
    fn embedded() -> Self {
        Self { session: Arc::new(LocalSession::new(Format::Pof)), has_v1: true }
    }

    /// A session whose format is that of the grid: bytes pass through untouched.
    fn grid_pof() -> Self {
        Self::grid(shared::grid(), Format::Pof)
    }

    fn grid_json() -> Self {
        Self::grid(shared::json_grid(), Format::Json)
    }

    fn grid_java() -> Self {
        Self::grid(shared::java_grid(), Format::Java)
    }

    /// A session in JSON with a grid that stores POF: the proxy writes every key and value anew.
    fn converting_grid() -> Self {
        Self::grid(shared::grid(), Format::Json)
    }

    /// A grid that speaks protocol v0 alone.
    fn old_grid() -> Self {
        Self { has_v1: false, ..Self::grid(shared::old_grid(), Format::Pof) }
    }

    /// Two members, and a proxy that does not hold all entries itself.
    fn grid_of_two() -> Self {
        static GRIDS: OnceLock<[Grid; 2]> = OnceLock::new();
        let [one, _] = GRIDS.get_or_init(|| {
            let one = Grid::start(GridOptions::default()).unwrap();
            let other = one.second_member().unwrap();
            let members = [one, other];
            eventually(DEADLINE, "every partition has its backup", || members.iter().all(Grid::is_safe));
            members
        });
        Self::grid(one, Format::Pof)
    }

    fn grid(grid: &Grid, format: Format) -> Self {
        let addresses = vec![grid.address()];
        let options = SessionOptions { addresses, format, ..SessionOptions::default() };
        Self { session: Arc::new(GrpcSession::new(options).unwrap()), has_v1: true }
    }

    /// An empty map that nobody else uses.
    async fn map(&self) -> Arc<dyn NamedMap> {
        self.session.map(&unique("contract")).await.unwrap()
    }

    /// A text as a complete binary in the format of the maps.
    fn binary(&self, text: &str) -> Bytes {
        assert!(text.len() < 64 && !text.contains(['"', '\\']), "one byte of length, nothing to escape");
        match self.session.format() {
            Format::Pof => [&[0x15, 0x4E, text.len() as u8], text.as_bytes()].concat().into(),
            Format::Json => format!("\u{15}\"{text}\"").into(),
            Format::Java => [&[0x06, text.len() as u8], text.as_bytes()].concat().into(),
        }
    }

    /// Entries `from..to`, whose values say which write they are of.
    fn batch(&self, range: std::ops::Range<usize>, write: &str) -> Arc<Entries> {
        let entry = |i| (self.binary(&format!("key {i}")), self.binary(&format!("{write} {i}")));
        Arc::new(Entries::from_pairs(range.map(entry)))
    }

    fn keys(&self, texts: &[&str]) -> Arc<Entries> {
        Arc::new(Entries::from_keys(texts.iter().map(|text| self.binary(text))))
    }

    async fn put(&self, map: &Arc<dyn NamedMap>, key: &str, value: &str, expiry: Expiry) -> Option<Bytes> {
        map.put(&self.binary(key), &self.binary(value), expiry).await.unwrap()
    }

    async fn get(&self, map: &Arc<dyn NamedMap>, key: &str) -> Option<Bytes> {
        map.get(&self.binary(key)).await.unwrap()
    }

    /// The binary of a text that is there.
    fn some(&self, text: &str) -> Option<Bytes> {
        Some(self.binary(text))
    }
}

/// All entries in order.
async fn entries(map: &Arc<dyn NamedMap>) -> Vec<(Bytes, Bytes)> {
    let mut entries: Vec<_> = map.entries().try_collect().await.unwrap();
    entries.sort();
    entries
}

/// The same of a batch.
fn sorted(batch: &Entries) -> Vec<(Bytes, Bytes)> {
    let copy = Bytes::copy_from_slice;
    let mut entries: Vec<_> = batch.iter().map(|(key, value)| (copy(key), copy(value))).collect();
    entries.sort();
    entries
}

fn holds(world: impl FnOnce() -> World, sentence: impl AsyncFnOnce(&World)) {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let world = world();
        tokio::time::timeout(DEADLINE, sentence(&world)).await.expect("it ends in time");
    });
}

macro_rules! contract {
    ($($theme:ident: $($sentence:ident)+;)+) => {
        mod embedded {
            $($(
                #[test]
                fn $sentence() {
                    super::holds(super::World::embedded, super::$theme::$sentence);
                }
            )+)+
        }

        mod grid_pof {
            use super::*;
            $($(
                #[test]
                fn $sentence() {
                    require_peers!();
                    holds(World::grid_pof, super::$theme::$sentence);
                }
            )+)+
        }

        mod grid_json {
            use super::*;
            $($(
                #[test]
                fn $sentence() {
                    require_peers!();
                    holds(World::grid_json, super::$theme::$sentence);
                }
            )+)+
        }

        mod grid_java {
            use super::*;
            $($(
                #[test]
                fn $sentence() {
                    require_peers!();
                    holds(World::grid_java, super::$theme::$sentence);
                }
            )+)+
        }

        mod grid_of_two {
            use super::*;
            $($(
                #[test]
                fn $sentence() {
                    require_peers!();
                    holds(World::grid_of_two, super::$theme::$sentence);
                }
            )+)+
        }

        mod old_grid {
            use super::*;
            $($(
                #[test]
                fn $sentence() {
                    require_peers!();
                    holds(World::old_grid, super::$theme::$sentence);
                }
            )+)+
        }

        mod converting_grid {
            use super::*;
            $($(
                #[test]
                fn $sentence() {
                    require_peers!();
                    holds(World::converting_grid, super::$theme::$sentence);
                }
            )+)+
        }
    };
}

contract! {
    reads:
        a_get_finds_what_was_put_and_nothing_else
        get_all_gives_every_present_entry_once
        contains_key_size_and_is_empty_follow_the_entries
        entries_and_keys_are_complete_over_many_pages
        pages_of_keys_have_every_key_once
        an_empty_map_has_neither_entries_nor_keys
        a_stream_of_entries_may_be_dropped_half_way
        a_key_that_is_empty_is_refused;
    writes:
        a_put_gives_the_value_that_it_replaced
        put_if_absent_leaves_a_present_value_and_gives_it
        replace_changes_only_what_is_present
        a_remove_gives_the_value_that_was_there
        a_large_batch_is_put_replaced_and_removed
        a_batch_of_one_is_a_batch
        of_a_key_given_twice_the_last_value_counts
        an_empty_batch_changes_nothing
        absent_keys_are_removed_without_an_error
        an_empty_key_or_value_is_refused_and_nothing_of_its_batch_is_written
        a_cleared_and_a_truncated_map_are_empty_and_go_on
        a_destroyed_map_is_made_anew_by_its_next_use;
    expiry:
        an_entry_put_with_a_time_is_visible_and_then_gone
        a_batch_put_with_a_time_is_visible_and_then_gone
        a_later_write_without_a_time_lets_the_entry_stay
        a_later_write_with_a_time_decides_anew
        put_if_absent_finds_an_expired_key_absent;
    listening:
        a_listener_to_all_is_told_every_change_with_both_values
        a_listener_to_a_key_is_told_nothing_else
        a_primed_listener_is_told_the_present_value_or_its_absence_first
        a_lite_listener_is_told_what_happened
        the_changes_of_a_key_come_in_their_order
        every_event_of_a_large_batch_is_told
        a_cleared_map_tells_every_entry
        a_truncated_map_tells_so_once
        a_destroyed_map_tells_so_and_ends_the_stream
        an_expiry_is_told_as_made_by_the_map
        a_dropped_listener_disturbs_nobody
        two_listeners_are_told_each;
    names:
        one_name_is_one_map
        two_names_are_two_maps
        unusual_names_are_names
        names_that_no_grid_bears_are_refused;
}
