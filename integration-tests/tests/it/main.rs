//! The whole against a real Kafka and a real Coherence: one file per theme, one binary, so that all tests share one
//! broker and one grid.

// Clippy sees a test only in a #[test] function, not in what several of them share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod bad_input;
mod contract;
mod delivery;
mod docs;
mod examples;
mod faults;
mod flow;
mod forms;
mod grid_client;
mod interop;
mod peers;
mod rest;
mod rooms;
mod scale;
mod scenarios;
mod source;
mod stopping;
mod support;
mod terminal;
