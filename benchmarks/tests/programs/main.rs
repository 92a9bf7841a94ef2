//! The programs of `make bench` and `make soak`, as short as makes sense.

// Clippy sees a test only in a #[test] function, not in what several of them share.
#![allow(clippy::unwrap_used, clippy::panic)]

mod benches;
mod soak;
