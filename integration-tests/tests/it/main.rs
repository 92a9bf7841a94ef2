//! The whole against a real Kafka and a real Coherence: one file per theme, one binary, so that all tests share one
//! broker and one grid.

// Clippy sees a test only in a #[test] function, not in what several of them share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod backing_map;
mod bad_input;
mod browse;
mod cache_config;
mod command_line;
mod contract;
mod delivery;
mod demo;
mod distributed;
mod docs;
mod embedded;
mod english;
mod entry_store;
mod examples;
mod faults;
mod flow;
mod forms;
mod grid_client;
mod group;
mod interop;
mod java_grid;
mod left_behind;
mod limits;
mod logs;
mod metrics;
mod page;
mod peers;
mod query;
mod registry;
mod rest;
mod rooms;
mod saved_maps;
mod scale;
mod scenarios;
mod source;
mod stopping;
mod support;
mod terminal;
mod topic_log;
mod typed_entries;
mod work_group;
