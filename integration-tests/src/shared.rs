//! One broker, one grid each that serializes with POF, JSON and Java, one old grid and one schema registry for all tests of
//! a process: started by the first test that asks, gone with the process.
//!
//! No test stops or freezes them: a test that breaks its server starts one of its own.

use std::sync::OnceLock;

use crate::grid::{Grid, GridOptions, Serializer, old_version};
use crate::kafka::{Kafka, KafkaOptions};
use crate::registry::Registry;

/// The broker. Tests keep apart by topics and groups of their own ([`crate::sandbox::unique`]).
///
/// # Panics
///
/// When it cannot be started.
pub fn kafka() -> &'static Kafka {
    static KAFKA: OnceLock<Kafka> = OnceLock::new();
    let options = || KafkaOptions { properties: KafkaOptions::impatient(), ..KafkaOptions::default() };
    KAFKA.get_or_init(|| Kafka::start(options()).expect("the shared broker starts"))
}

/// The grid. Tests keep apart by maps of their own ([`crate::sandbox::unique`]).
///
/// # Panics
///
/// When it cannot be started.
pub fn grid() -> &'static Grid {
    static GRID: OnceLock<Grid> = OnceLock::new();
    GRID.get_or_init(|| {
        let grid = Grid::start(GridOptions { heap: "768m".to_owned(), ..GridOptions::default() });
        grid.expect("the shared grid starts")
    })
}

/// The grid whose caches are in JSON. Tests keep apart as those of [`grid`].
///
/// # Panics
///
/// When it cannot be started.
pub fn json_grid() -> &'static Grid {
    static GRID: OnceLock<Grid> = OnceLock::new();
    GRID.get_or_init(|| {
        let grid = Grid::start(GridOptions { serializer: Serializer::Json, ..GridOptions::default() });
        grid.expect("the shared JSON grid starts")
    })
}

/// The grid whose caches have the serializer of a grid for which none is configured. Tests keep apart as those of
/// [`grid`].
///
/// # Panics
///
/// When it cannot be started.
pub fn java_grid() -> &'static Grid {
    static GRID: OnceLock<Grid> = OnceLock::new();
    GRID.get_or_init(|| {
        let grid = Grid::start(GridOptions { serializer: Serializer::Java, ..GridOptions::default() });
        grid.expect("the shared grid of Java serialization starts")
    })
}

/// The schema registry. Tests keep apart by topics of their own; the ids of schemas are of all tests together.
///
/// # Panics
///
/// When it cannot be started.
pub fn registry() -> &'static Registry {
    static REGISTRY: OnceLock<Registry> = OnceLock::new();
    REGISTRY.get_or_init(|| Registry::start().expect("the shared schema registry starts"))
}

/// The grid that speaks protocol v0 alone, of the release [`old_version`]. Tests keep apart as those of [`grid`].
///
/// # Panics
///
/// When it cannot be started.
pub fn old_grid() -> &'static Grid {
    static GRID: OnceLock<Grid> = OnceLock::new();
    GRID.get_or_init(|| {
        let grid = Grid::start(GridOptions { version: Some(old_version()), ..GridOptions::default() });
        grid.expect("the shared old grid starts")
    })
}
