//! Bytes that a real Coherence (CE 25.03.2 on Java 17) produced or was given, against this crate.
//!
//! Reads the files beside this one, or those of the folder that `COHERENCE_KAFKA_VECTORS` names, so that new captures
//! can be tried without a change here. A line that is skipped is counted, with its reason; the last line tells how many
//! passed. The program fails if one did not.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test program, where a panic is a failed line")]

use std::process::ExitCode;

#[path = "checks/classes.rs"]
mod classes;
#[path = "checks/damaged.rs"]
mod damaged;
#[path = "checks/differences.rs"]
mod differences;
#[path = "checks/forms.rs"]
mod forms;
#[path = "checks/java_format.rs"]
mod java_format;
#[path = "checks/json.rs"]
mod json;
#[path = "checks/kafka.rs"]
mod kafka;
#[path = "checks/notation.rs"]
mod notation;
#[path = "checks/operations.rs"]
mod operations;
#[path = "checks/tally.rs"]
mod tally;
#[path = "checks/values.rs"]
mod values;

use tally::File;

macro_rules! file {
    ($name:literal, $check:expr) => {
        File { name: $name, rows: include_str!(concat!("vectors/", $name, ".jsonl")), check: $check }
    };
}

const FILES: &[File] = &[
    file!("packed-ints", forms::packed_integer),
    file!("binary-hash", forms::binary_hash),
    file!("keys-partitions", forms::key_and_partition),
    file!("decorated", forms::decorated),
    file!("int-decorated", forms::int_decorated),
    file!("pof-scalars", values::both_ways),
    file!("pof-strings", values::both_ways),
    file!("pof-containers", values::both_ways),
    file!("pof-dates", values::both_ways),
    file!("pof-dates-prefer-java-time", values::both_ways),
    file!("pof-builtins", values::both_ways),
    file!("pof-random", values::both_ways),
    file!("pof-user", values::both_ways),
    file!("pof-agents", values::both_ways),
    file!("pof-root-writer", operations::at_the_root),
    file!("java-format", java_format::both_ways),
    file!("json-format", json::as_binary),
    file!("json-text", json::as_text),
    file!("kafka-serializers", kafka::both_ways),
    file!("pof-decode", damaged::half_legal),
    file!("pof-malformed", damaged::malformed),
];

fn main() -> ExitCode {
    tally::run("COHERENCE_KAFKA_VECTORS", FILES)
}
