//! The end-to-end table of `make bench`: how close the sink comes to what Kafka and the grid allow.
//!
//! Every measurement runs in a process of its own (this program, started again), so that CPU time and peak
//! memory are its alone. The machine is noisy: rounds are interleaved, and only medians and ratios of one run
//! mean anything. The grid is warmed first, a cold JVM costs two to three times as much.

use std::process::{Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, anyhow, bail, ensure};
use coherence_client::{GrpcSession, SessionOptions};
use coherence_kafka_common::map::{Entries, Session};
use integration_tests::bench::{self, Measured, Target};
use integration_tests::grid::{Grid, GridOptions};
use integration_tests::kafka::{Kafka, KafkaOptions};

const PARTITIONS: i32 = 8;
const KEY_BYTES: usize = 16;
const VALUE_BYTES: usize = 100;
const BATCH: usize = 5_000;

fn main() -> anyhow::Result<()> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match arguments.first().map(String::as_str) {
        Some("child") => child(&arguments[1..]),
        _ => parent(),
    }
}

fn setting(name: &str, default: u64) -> anyhow::Result<u64> {
    match std::env::var(name) {
        Ok(text) => text.parse().with_context(|| format!("{name} must be a number")),
        Err(_) => Ok(default),
    }
}
