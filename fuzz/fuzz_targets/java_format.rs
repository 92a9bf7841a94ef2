//! Java's default format: what was read is written, and reads the same again.
#![no_main]

use coherence_kafka_common::java_format::{decode, encode, value_from_binary};
use coherence_kafka_common::pof::PofValue;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    if let Err(error) = value_from_binary(bytes) {
        assert!(error.offset <= bytes.len());
    }
    match decode(bytes) {
        Ok(value) => {
            // Compared as bytes, for a NaN equals nothing.
            let first = written(&value);
            assert!(first.len() <= bytes.len());
            assert_eq!(written(&decode(&first).expect("what was written is read")), first);
        }
        Err(error) => assert!(error.offset <= bytes.len()),
    }
});

fn written(value: &PofValue) -> Vec<u8> {
    encode(value).expect("what was read is written")
}
