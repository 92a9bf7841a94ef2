//! POF: `check` takes what `decode` takes, and what was decoded and written reads the same again.
#![no_main]

use coherence_kafka_common::binary::FMT_EXT;
use coherence_kafka_common::packed::Problem;
use coherence_kafka_common::pof::{self, PofValue, PofWriter, WriteError};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    // The corpus is of whole binaries.
    let bytes = bytes.strip_prefix(&[FMT_EXT]).unwrap_or(bytes);
    let checked = pof::check(bytes);
    match pof::decode(bytes) {
        Ok(value) => {
            assert_eq!(checked, Ok(()));
            if let Some(first) = written(&value) {
                // Compared as bytes, for a NaN equals nothing. The first writing gives every NaN the bits of Java's.
                let again = pof::decode(&first).expect("what was written is read");
                assert_eq!(written(&again), Some(first));
            }
        }
        // Only decoding has to find what a reference means.
        Err(error) if error.problem == Problem::Shared => {}
        Err(error) => {
            assert_eq!(checked, Err(error));
            assert!(error.offset <= bytes.len());
        }
    }
});

/// `None` where the value is one that Java reads and cannot write: decimals of 39 digits, offsets without their sign.
fn written(value: &PofValue) -> Option<Vec<u8>> {
    let mut out = Vec::new();
    match PofWriter::new(&mut out).value(value) {
        Ok(()) => Some(out),
        Err(WriteError::Decimal(_) | WriteError::Offset { .. }) => None,
        Err(error) => panic!("what was read is written: {error}"),
    }
}
